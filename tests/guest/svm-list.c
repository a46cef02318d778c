// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two-GPU workload: a linked list in plain malloc memory, larger than one
 * GPU's VRAM, that the CPU builds and the GPUs walk.
 *
 * A walk is one batch. For each node the GPU reads the node's value and adds it
 * to a sum, counts its visit in the node, copies the node's payload to its copy
 * area, and follows the pointer to the next node, which only the node knows: the
 * batch writes the addresses of its own next accesses. So every access can fault,
 * instruction fetch and fence write included, and none is known beforehand.
 *
 *   1. each GPU walks a list of its own (disjoint halves), all at the same time
 *   2. the halves are joined; the GPUs walk the whole list in turn, twice each or as
 *      often as the second argument says
 *
 * After each step the CPU checks every byte of every node. Output is TAP.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "batch.h"
#include "gpu.h"

#define PAYLOAD_BYTES	(28 * 1024)
#define WALK_TIMEOUT_NS	(300ll * 1000 * 1000 * 1000)
#define SPREAD		64

/* registers of the walk */
enum { CURRENT, SUM, VALUE, PLACE, OFFSET, ONE, NEXT };

/** struct node - one element; a little under 64 KiB, so malloc keeps it on the heap */
struct node {
	/** @next: next element */
	struct node *next;
	/** @value: what the GPUs add up */
	uint64_t value;
	/** @more: 0 in the last element */
	uint32_t more;
	/** @visits: by GPU */
	uint32_t visits[GPU_MAX];
	/** @payload: written by the CPU */
	uint8_t payload[PAYLOAD_BYTES];
	/** @copy: of @payload, by the GPUs */
	uint8_t copy[PAYLOAD_BYTES];
};

/** struct list - the nodes in walking order */
struct list {
	/** @nodes: in walking order */
	struct node **nodes;
	/** @count: of them */
	unsigned int count;
};

static unsigned int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
	fflush(stdout);
	failures += !good;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

/* Deterministic, different for each node, byte and step. */
static uint8_t pattern(unsigned int node, unsigned int byte, unsigned int step)
{
	return (node * 2654435761u + byte * 40503u + step * 97u) >> 7;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;

	return *state;
}

static void list_alloc(struct list *list, unsigned int count)
{
	uint32_t random = 0x5eed;

	list->count = count;
	list->nodes = calloc(count, sizeof(*list->nodes));
	for (unsigned int i = 0; i < count; i++) {
		list->nodes[i] = malloc(sizeof(struct node));
		if (!list->nodes[i]) {
			printf("Bail out! no memory for %u nodes\n", count);
			exit(1);
		}
	}
	/*
	 * Neighbours in the list are strangers in memory, but not far apart: as in a
	 * real structure, a walk comes back to memory that it has just used.
	 */
	for (unsigned int i = 0; i < count; i++) {
		unsigned int j = i + next_random(&random) % (count - i < SPREAD ? count - i : SPREAD);
		struct node *swap = list->nodes[i];

		list->nodes[i] = list->nodes[j];
		list->nodes[j] = swap;
	}
}

static void list_fill(struct list *list, unsigned int step)
{
	for (unsigned int i = 0; i < list->count; i++) {
		struct node *node = list->nodes[i];

		node->value = i * 7ull + step;
		memset(node->visits, 0, sizeof(node->visits));
		memset(node->copy, 0xff, sizeof(node->copy));
		for (unsigned int b = 0; b < PAYLOAD_BYTES; b++)
			node->payload[b] = pattern(i, b, step);
	}
}

/* Links nodes [first, end) to a list of their own. */
static void list_link(struct list *list, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i++) {
		list->nodes[i]->more = i + 1 < end;
		list->nodes[i]->next = i + 1 < end ? list->nodes[i + 1] : NULL;
	}
}

static uint64_t list_sum(const struct list *list, unsigned int first, unsigned int end)
{
	uint64_t sum = 0;

	for (unsigned int i = first; i < end; i++)
		sum += list->nodes[i]->value;

	return sum;
}

/* Every byte: payload, copy, links, values, and @visits visits by @gpu (or none by others). */
static bool list_check(const struct list *list, unsigned int first, unsigned int end,
		       const uint32_t *visits, unsigned int step)
{
	for (unsigned int i = first; i < end; i++) {
		const struct node *node = list->nodes[i];

		if (node->value != i * 7ull + step ||
		    memcmp(node->visits, visits, sizeof(node->visits)) ||
		    node->next != (node->more ? list->nodes[i + 1] : NULL)) {
			printf("# node %u: header differs\n", i);
			return false;
		}
		for (unsigned int b = 0; b < PAYLOAD_BYTES; b++) {
			if (node->payload[b] != pattern(i, b, step) ||
			    node->copy[b] != node->payload[b]) {
				printf("# node %u: byte %u differs\n", i, b);
				return false;
			}
		}
	}

	return true;
}

/* The GPU writes CURRENT + @offset into an address field of the batch. */
static void patch(struct batch *batch, size_t offset, uint64_t field)
{
	batch_set(batch, OFFSET, offset);
	batch_add(batch, PLACE, CURRENT, OFFSET);
	batch_store_reg(batch, PLACE, 0, field);
	batch_store_reg(batch, PLACE, 1, field + 4);
}

/*
 * A walk has two parts: accesses, whose addresses are patched, and the code that
 * patches them and comes round again.
 */
static void build_walk(struct batch *batch, const struct node *head, int gpu, uint64_t *sum)
{
	const size_t visits = offsetof(struct node, visits) + gpu * sizeof(uint32_t);
	uint64_t value[2], count[2], next[2], copy[2], more, patching, start, entry;

	batch_set(batch, CURRENT, (uintptr_t)head);
	batch_set(batch, SUM, 0);
	batch_set(batch, ONE, 1);
	/* over the accesses, to the code behind them */
	entry = batch_here(batch);
	batch_jump(batch, 0);

	start = batch_here(batch);
	value[0] = batch_load_reg(batch, VALUE, 0, 0);
	value[1] = batch_load_reg(batch, VALUE, 1, 0);
	batch_add(batch, SUM, SUM, VALUE);
	batch_store_reg(batch, SUM, 0, (uintptr_t)sum);
	batch_store_reg(batch, SUM, 1, (uintptr_t)sum + 4);
	batch_set(batch, VALUE, 0);
	count[0] = batch_load_reg(batch, VALUE, 0, 0);
	batch_add(batch, VALUE, VALUE, ONE);
	count[1] = batch_store_reg(batch, VALUE, 0, 0);
	batch_copy(batch, PAYLOAD_BYTES, &copy[0], &copy[1]);
	next[0] = batch_load_reg(batch, NEXT, 0, 0);
	next[1] = batch_load_reg(batch, NEXT, 1, 0);
	more = batch_end_if_equal(batch, 0, 0);
	batch_move(batch, CURRENT, NEXT);

	patching = batch_here(batch);
	patch(batch, offsetof(struct node, value), value[0]);
	patch(batch, offsetof(struct node, value) + 4, value[1]);
	patch(batch, visits, count[0]);
	patch(batch, visits, count[1]);
	patch(batch, offsetof(struct node, payload), copy[0]);
	patch(batch, offsetof(struct node, copy), copy[1]);
	patch(batch, offsetof(struct node, next), next[0]);
	patch(batch, offsetof(struct node, next) + 4, next[1]);
	patch(batch, offsetof(struct node, more), more);
	batch_jump(batch, start);
	batch_end(batch);

	batch->dw[(entry - (uintptr_t)batch->dw) / 4 + 1] = patching;
	batch->dw[(entry - (uintptr_t)batch->dw) / 4 + 2] = patching >> 32;
}

/** struct walk - a GPU on its way through a list */
struct walk {
	/** @batch: its program */
	struct batch batch;
	/** @sum: its result, in plain memory */
	uint64_t *sum;
};

static void walk_begin(struct walk *walk, struct gpu *gpu, const struct node *head)
{
	walk->sum = calloc(1, sizeof(*walk->sum));
	batch_init(&walk->batch, 1024);
	build_walk(&walk->batch, head, gpu->index, walk->sum);
	gpu_submit(gpu, walk->batch.dw);
}

static bool walk_end(struct walk *walk, struct gpu *gpu, uint64_t sum)
{
	int err = gpu_wait(gpu, WALK_TIMEOUT_NS);
	bool good = !err && *walk->sum == sum;

	if (!good)
		printf("# GPU %d: wait %d, sum %llu, expected %llu\n", gpu->index, err,
		       (unsigned long long)*walk->sum, (unsigned long long)sum);
	batch_free(&walk->batch);
	free(walk->sum);

	return good;
}

/* Step 1: as many lists as GPUs, walked at the same time. */
static void walk_disjoint(struct gpu *gpus, int n, struct list *list)
{
	struct walk walks[GPU_MAX];
	double begin = now();
	char what[96];

	list_fill(list, 1);
	for (int g = 0; g < n; g++)
		list_link(list, list->count * g / n, list->count * (g + 1) / n);
	for (int g = 0; g < n; g++)
		walk_begin(&walks[g], &gpus[g], list->nodes[list->count * g / n]);
	for (int g = 0; g < n; g++) {
		unsigned int first = list->count * g / n, end = list->count * (g + 1) / n;

		snprintf(what, sizeof(what), "GPU %d walked its own list of %u nodes", g,
			 end - first);
		ok(walk_end(&walks[g], &gpus[g], list_sum(list, first, end)), what);
	}
	printf("# disjoint lists: %.1f s\n", now() - begin);

	for (int g = 0; g < n; g++) {
		uint32_t visits[GPU_MAX] = { 0 };

		visits[g] = 1;
		snprintf(what, sizeof(what), "every byte of list %d is right", g);
		ok(list_check(list, list->count * g / n, list->count * (g + 1) / n, visits, 1),
		   what);
	}
}

/* Step 2: one list for all, in turn. */
static void walk_shared(struct gpu *gpus, int n, struct list *list, int rounds)
{
	uint32_t visits[GPU_MAX] = { 0 };
	double begin = now();
	char what[96];

	list_fill(list, 2);
	list_link(list, 0, list->count);
	for (int round = 0; round < rounds; round++) {
		for (int g = 0; g < n; g++) {
			struct walk walk;

			walk_begin(&walk, &gpus[g], list->nodes[0]);
			snprintf(what, sizeof(what), "GPU %d walked the shared list, round %d", g,
				 round + 1);
			ok(walk_end(&walk, &gpus[g], list_sum(list, 0, list->count)), what);
			visits[g]++;
		}
	}
	printf("# shared list: %.1f s\n", now() - begin);
	ok(list_check(list, 0, list->count, visits, 2), "every byte of the shared list is right");
}

int main(int argc, char **argv)
{
	struct gpu gpus[GPU_MAX];
	struct list list;
	int n = gpu_open_all(gpus, GPU_MAX);
	/* percent of one GPU's VRAM that the list shall fill */
	unsigned int percent = argc > 1 ? atoi(argv[1]) : 120;
	int rounds = argc > 2 ? atoi(argv[2]) : 2;

	if (n < 2) {
		printf("Bail out! %d GPU(s) found, two are needed\n", n);
		return 1;
	}
	list_alloc(&list, gpus[0].vram_bytes / 100 * percent / sizeof(struct node) + n);
	printf("# %d GPUs with %llu MiB of VRAM, %u nodes, %llu MiB\n", n,
	       (unsigned long long)gpus[0].vram_bytes >> 20, list.count,
	       (unsigned long long)list.count * sizeof(struct node) >> 20);

	walk_disjoint(gpus, n, &list);
	walk_shared(gpus, n, &list, rounds);

	for (int g = 0; g < n; g++)
		gpu_close(&gpus[g]);
	for (unsigned int i = 0; i < list.count; i++)
		free(list.nodes[i]);
	free(list.nodes);
	printf("1..%u\n", tests);

	return failures != 0;
}

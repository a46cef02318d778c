// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two-GPU workload: a linked list in plain malloc memory, larger than one
 * GPU's VRAM, that the CPU builds and the GPUs walk, each a list of its own at the
 * same time, or all the same list in turn. Afterwards the CPU checks every byte of
 * every node. Arguments: percent of one GPU's VRAM that the list shall fill (120),
 * and how often each GPU walks the shared list (1).
 *
 * A walk is one batch. For each node the GPU reads the node's value and adds it
 * to a sum, counts its visit in the node, copies the node's payload to its copy
 * area, and follows the pointer to the next node, which only the node knows: the
 * batch writes the addresses of its own next accesses. So every access can fault,
 * instruction fetch and fence write included, and none is known beforehand.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "gpu.h"
#include "subtest.h"

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
		check_that(list->nodes[i], "no memory for %u nodes", count);
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

/* Every byte: payload, copy, links, values, and @visits visits by each GPU. */
static void list_check(const struct list *list, unsigned int first, unsigned int end,
		       const uint32_t *visits, unsigned int step)
{
	for (unsigned int i = first; i < end; i++) {
		const struct node *node = list->nodes[i];

		check_that(node->value == i * 7ull + step &&
			   !memcmp(node->visits, visits, sizeof(node->visits)) &&
			   node->next == (node->more ? list->nodes[i + 1] : NULL),
			   "the header of node %u differs", i);
		for (unsigned int b = 0; b < PAYLOAD_BYTES; b++)
			check_that(node->payload[b] == pattern(i, b, step) &&
				   node->copy[b] == node->payload[b],
				   "byte %u of node %u differs", b, i);
	}
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

static void walk_end(struct walk *walk, struct gpu *gpu, uint64_t sum)
{
	int err = gpu_wait(gpu, WALK_TIMEOUT_NS);

	check_that(!err, "GPU %d does not end its walk: %s", gpu->index, strerror(-err));
	check_that(*walk->sum == sum, "the sum of GPU %d is %llu, not %llu", gpu->index,
		   (unsigned long long)*walk->sum, (unsigned long long)sum);
	batch_free(&walk->batch);
	free(walk->sum);
}

/** struct scene - the GPUs and their list */
struct scene {
	/** @gpus: all of them */
	struct gpu gpus[GPU_MAX];
	/** @count: of @gpus */
	int count;
	/** @list: for all, not linked yet */
	struct list list;
	/** @begin: when the GPUs began to walk */
	double begin;
};

static void scene_begin(struct scene *scene, unsigned int step)
{
	long percent = subtest_argument(0, 120);

	scene->count = gpu_open_all(scene->gpus, GPU_MAX);
	if (scene->count < 2)
		subtest_skip("two GPUs are needed, there are %d", scene->count);
	list_alloc(&scene->list, scene->gpus[0].vram_bytes / 100 * percent / sizeof(struct node) +
		   scene->count);
	list_fill(&scene->list, step);
	subtest_info("%d GPUs with %llu MiB of VRAM, %u nodes, %llu MiB", scene->count,
		     (unsigned long long)scene->gpus[0].vram_bytes >> 20, scene->list.count,
		     (unsigned long long)scene->list.count * sizeof(struct node) >> 20);
	scene->begin = subtest_now();
}

static void scene_end(struct scene *scene)
{
	for (int g = 0; g < scene->count; g++)
		gpu_close(&scene->gpus[g]);
	for (unsigned int i = 0; i < scene->list.count; i++)
		free(scene->list.nodes[i]);
	free(scene->list.nodes);
}

/* First node of the @g-th of as many lists as there are GPUs. */
static unsigned int part(const struct scene *scene, int g)
{
	return (unsigned long long)scene->list.count * g / scene->count;
}

static void disjoint_lists(void)
{
	struct walk walks[GPU_MAX];
	struct scene scene;

	scene_begin(&scene, 1);
	for (int g = 0; g < scene.count; g++)
		list_link(&scene.list, part(&scene, g), part(&scene, g + 1));
	for (int g = 0; g < scene.count; g++)
		walk_begin(&walks[g], &scene.gpus[g], scene.list.nodes[part(&scene, g)]);
	for (int g = 0; g < scene.count; g++)
		walk_end(&walks[g], &scene.gpus[g],
			 list_sum(&scene.list, part(&scene, g), part(&scene, g + 1)));
	subtest_info("walked for %.1f s", subtest_now() - scene.begin);

	for (int g = 0; g < scene.count; g++) {
		uint32_t visits[GPU_MAX] = { 0 };

		visits[g] = 1;
		list_check(&scene.list, part(&scene, g), part(&scene, g + 1), visits, 1);
	}
	scene_end(&scene);
}

static void shared_list(void)
{
	uint32_t visits[GPU_MAX] = { 0 };
	long rounds = subtest_argument(1, 1);
	struct scene scene;

	scene_begin(&scene, 2);
	list_link(&scene.list, 0, scene.list.count);
	for (long round = 0; round < rounds; round++) {
		for (int g = 0; g < scene.count; g++) {
			struct walk walk;

			walk_begin(&walk, &scene.gpus[g], scene.list.nodes[0]);
			walk_end(&walk, &scene.gpus[g], list_sum(&scene.list, 0, scene.list.count));
			visits[g]++;
		}
	}
	subtest_info("walked for %.1f s", subtest_now() - scene.begin);
	list_check(&scene.list, 0, scene.list.count, visits, 2);
	scene_end(&scene);
}

static const struct subtest subtests[] = {
	{ "disjoint-lists", disjoint_lists,
	  "each GPU walks a list of its own, all at the same time, and every byte is right" },
	{ "shared-list", shared_list,
	  "the GPUs walk one list in turn, and every byte is right" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "GPUs walk a list in plain malloc memory.", subtests);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large leaves that are split, rebound and joined while a job uses the neighbours of
 * what changes: a job of a dma-fence VM dies of a fault, so not one may happen, and
 * each of its additions must have gone to the right page.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "client.h"
#include "subtest.h"
#include "traffic.h"

#define PAGE		4096ull
#define KIB		1024ull
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

#define LEAF		(8 * GIB)
#define SECONDS		0.6

/** struct leaf - a large mapping, and a part of it that changes */
struct leaf {
	/** @client: whose it is */
	struct client client;
	/** @bo: the mapped object; not there (null mapping) if its size is 0 */
	struct bo bo;
	/** @bytes: of the mapping */
	uint64_t bytes;
	/** @other: what is mapped in the part instead */
	struct bo other;
	/** @memory: the same as a userptr */
	uint32_t *memory;
	/** @start: first byte of the part */
	uint64_t start;
	/** @part: its size */
	uint64_t part;
};

static struct drm_xe_vm_bind_op map_leaf(const struct leaf *leaf, uint64_t offset, uint64_t bytes)
{
	return leaf->bo.bytes ? op_map(LEAF + offset, &leaf->bo, offset, bytes) :
				op_null(LEAF + offset, bytes);
}

static void leaf_init(struct leaf *leaf, uint32_t flags, uint64_t bytes, uint64_t start,
		      uint64_t part)
{
	*leaf = (struct leaf){ .bytes = bytes, .start = start, .part = part };
	client_open(&leaf->client, 0, flags);
	if (bytes <= 64 * MIB)
		leaf->bo = bo_create(leaf->client.fd, &leaf->client.vm, bytes, BO_VRAM);
	leaf->other = bo_create(leaf->client.fd, &leaf->client.vm, part, BO_SYSTEM);
	leaf->memory = mmap(NULL, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	check(leaf->memory != MAP_FAILED);
	*(uint32_t *)bo_map(&leaf->other) = 0x07e4;
	*leaf->memory = 0x03e4;
	vm_bind_now(&leaf->client.vm, map_leaf(leaf, 0, bytes));
}

/* First and last dword of the leaf, and those on both sides of the part. */
#define LEAF_NEIGHBOURS	4

static void use_neighbours(struct leaf *leaf, uint64_t neighbours[LEAF_NEIGHBOURS])
{
	neighbours[0] = LEAF + leaf->start - 4;
	neighbours[1] = LEAF + leaf->start + leaf->part;
	neighbours[2] = LEAF;
	neighbours[3] = LEAF + leaf->bytes - 4;
}

/** struct binder - how operations are submitted */
struct binder {
	/** @vm: the VM */
	struct vm vm;
	/** @queue: bind queue, or NULL */
	const struct queue *queue;
	/** @gate: by jobs that it holds back, or NULL: at once */
	struct gate *gate;
};

static void bind_one(struct binder *binder, struct drm_xe_vm_bind_op op)
{
	const int fd = binder->vm.fd;
	struct drm_xe_sync syncs[2];
	int n = 0;

	if (binder->vm.flags & DRM_XE_VM_CREATE_FLAG_LR_MODE) {
		vm_bind_now(&binder->vm, op);
		return;
	}
	syncs[n++] = sync_out(syncobj_create(fd));
	if (binder->gate)
		syncs[n++] = sync_in(gate_syncobj(binder->gate, fd));
	check_eq(vm_bind(&binder->vm, binder->queue, &op, 1, syncs, n), 0);
	if (binder->gate) {
		check(!syncobj_signalled(fd, syncs[0].handle));
		gate_open(binder->gate);
	}
	syncobj_wait(fd, syncs[0].handle);
	while (n--)
		syncobj_destroy(fd, syncs[n].handle);
	if (binder->gate)
		gate_close(binder->gate);
}

/* All that can become of the part. The leaf is whole before and after. */
static void change_part(struct leaf *leaf, struct binder *binder)
{
	const uint64_t address = LEAF + leaf->start;
	struct client *client = &leaf->client;

	bind_one(binder, op_unmap(address, leaf->part));
	bind_one(binder, op_map(address, &leaf->other, 0, leaf->part));
	check_eq(client_read(client, address), 0x07e4);
	bind_one(binder, op_userptr(address, leaf->memory, leaf->part));
	check_eq(client_read(client, address), 0x03e4);
	bind_one(binder, map_leaf(leaf, leaf->start, leaf->part));
	client_write(client, address, 0x1eaf);
	bind_one(binder, op_null(address, leaf->part));
	check_eq(client_read(client, address), 0);
	bind_one(binder, map_leaf(leaf, 0, leaf->bytes));
	if (leaf->bo.bytes)
		check_eq(client_read(client, address), 0x1eaf);
}

/* Each neighbour got one of each round, and the changes did not stop the rounds. */
static void check_counts(struct leaf *leaf, const uint64_t *neighbours, int count,
			 uint32_t rounds, int changes)
{
	subtest_info("%d changes, %u rounds", changes, rounds);
	for (int i = 0; leaf->bo.bytes && i < count; i++)
		check_eq(*(volatile uint32_t *)(bo_map(&leaf->bo) + neighbours[i] - LEAF), rounds);
}

static void split(uint32_t flags, uint64_t bytes, uint64_t start, uint64_t part, bool jobs)
{
	uint64_t neighbours[LEAF_NEIGHBOURS];
	struct binder binder = { 0 };
	struct traffic traffic;
	struct gate gate;
	struct leaf leaf;
	double begin;
	int changes;

	leaf_init(&leaf, flags, bytes, start, part);
	use_neighbours(&leaf, neighbours);
	binder.vm = leaf.client.vm;
	if (jobs) {
		gate_init(&gate, 0);
		binder.gate = &gate;
	}
	traffic_begin(&traffic, &leaf.client, neighbours, LEAF_NEIGHBOURS);
	begin = subtest_now();
	for (changes = 0; subtest_now() - begin < SECONDS; changes++) {
		change_part(&leaf, &binder);
		traffic_wait_round(&traffic);
	}
	check_counts(&leaf, neighbours, LEAF_NEIGHBOURS, traffic_end(&traffic), changes);
}

static void page_of_2m(void)
{
	split(0, 2 * MIB, 768 * KIB, PAGE, false);
}

static void page_of_2m_by_jobs(void)
{
	split(0, 2 * MIB, 768 * KIB, PAGE, true);
}

static void block_of_2m(void)
{
	split(0, 2 * MIB, MIB, 64 * KIB, false);
}

static void half_of_2m_by_jobs(void)
{
	split(0, 2 * MIB, MIB, 512 * KIB, true);
}

static void across_2m(void)
{
	split(0, 8 * MIB, 3 * MIB, 2 * MIB, false);
}

static void across_2m_by_jobs(void)
{
	split(0, 8 * MIB, 3 * MIB + PAGE, 2 * MIB, true);
}

static void page_of_64k(void)
{
	split(0, 64 * KIB, 32 * KIB, PAGE, false);
}

static void page_of_1g(void)
{
	split(0, GIB, 512 * MIB + 512 * KIB, PAGE, false);
}

static void leaf_of_1g_by_jobs(void)
{
	split(0, GIB, 512 * MIB, 2 * MIB, true);
}

static void long_running(void)
{
	split(DRM_XE_VM_CREATE_FLAG_LR_MODE, 2 * MIB, MIB, 64 * KIB, false);
}

/* --- two queues in one leaf ---------------------------------------------------------- */

/** struct half - a thread that changes a part of a leaf through a queue of its own */
struct half {
	/** @leaf: its view of the leaf: the same mapping, a part of its own */
	struct leaf leaf;
	/** @queue: bind queue */
	struct queue queue;
	/** @changes: made */
	int changes;
};

static void *change_half(void *arg)
{
	struct half *half = arg;
	struct binder binder = { .vm = half->leaf.client.vm, .queue = &half->queue };
	const uint64_t address = LEAF + half->leaf.start;
	double begin = subtest_now();

	/* never the whole leaf: the other half is somebody else's */
	for (; subtest_now() - begin < SECONDS; half->changes++) {
		bind_one(&binder, op_unmap(address, half->leaf.part));
		bind_one(&binder, op_map(address, &half->leaf.other, 0, half->leaf.part));
		bind_one(&binder, map_leaf(&half->leaf, half->leaf.start, half->leaf.part));
	}

	return NULL;
}

static void two_queues(void)
{
	uint64_t neighbours[LEAF_NEIGHBOURS + 2];
	struct half halves[2] = { 0 };
	struct traffic traffic;
	pthread_t threads[2];

	leaf_init(&halves[0].leaf, 0, 2 * MIB, 512 * KIB, 64 * KIB);
	halves[1].leaf = halves[0].leaf;
	halves[1].leaf.start += 256 * KIB;
	use_neighbours(&halves[0].leaf, neighbours);
	neighbours[LEAF_NEIGHBOURS] = LEAF + halves[1].leaf.start - 4;
	neighbours[LEAF_NEIGHBOURS + 1] = LEAF + halves[1].leaf.start + 64 * KIB;
	traffic_begin(&traffic, &halves[0].leaf.client, neighbours, LEAF_NEIGHBOURS + 2);
	for (int i = 0; i < 2; i++) {
		halves[i].queue = bind_queue_create(&halves[i].leaf.client.vm);
		check_eq(pthread_create(&threads[i], NULL, change_half, &halves[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	check_counts(&halves[0].leaf, neighbours, LEAF_NEIGHBOURS + 2, traffic_end(&traffic),
		     halves[0].changes + halves[1].changes);
}

static const struct subtest subtests[] = {
	{ "page-of-2m", page_of_2m, "a page of a 2 MiB leaf changes; its neighbours never fault" },
	{ "page-of-2m-by-jobs", page_of_2m_by_jobs, "the same by page-table jobs" },
	{ "block-of-2m", block_of_2m, "64 KiB of a 2 MiB leaf change" },
	{ "half-of-2m-by-jobs", half_of_2m_by_jobs, "512 KiB of a 2 MiB leaf change, by jobs" },
	{ "across-2m", across_2m, "the ends of two 2 MiB leaves change" },
	{ "across-2m-by-jobs", across_2m_by_jobs,
	  "the same by jobs, with ends that are aligned to pages only" },
	{ "page-of-64k", page_of_64k, "a page of an aligned block of 64 KiB changes" },
	{ "page-of-1g", page_of_1g, "a page of a 1 GiB leaf, a null mapping, changes" },
	{ "leaf-of-1g-by-jobs", leaf_of_1g_by_jobs, "2 MiB of a 1 GiB leaf change, by jobs" },
	{ "long-running", long_running, "64 KiB of a 2 MiB leaf change in a long-running VM" },
	{ "two-queues", two_queues, "two threads change two parts of a 2 MiB leaf" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Neighbours in a split leaf never fault.", subtests);
}

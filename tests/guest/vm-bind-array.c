// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arrays of binds: all or nothing. A model of the address space says what each page
 * must hold; after each array, whether it succeeded or failed, the GPU reads pages
 * and the CPU compares. The VM has a scratch page, so that what is not mapped reads
 * as zero.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xf86drm.h>

#include "client.h"
#include "device.h"
#include "subtest.h"

#define PAGE		4096ull
#define MIB		(1024 * 1024ull)
#define GIB		(1024 * MIB)

/* the world: from the middle of one page table to the middle of the third */
#define WORLD		(GIB - MIB)
#define WORLD_PAGES	1024
#define SOURCES		4
#define MAX_OPS		16

/* which source has a page; SOURCES is the null mapping, which reads as zero too */
#define UNMAPPED	(-1)

/** struct page - what the model knows of one page of the world */
struct page {
	/** @source: that it is mapped from, or UNMAPPED, or SOURCES */
	int source;
	/** @offset: page there */
	unsigned int offset;
};

/** struct world - a VM, what can be mapped, and the model */
struct world {
	/** @client: with a scratch page */
	struct client client;
	/** @bos: the sources but the last: local in system memory and VRAM, external */
	struct bo bos[SOURCES - 1];
	/** @memory: of the last source, a userptr */
	uint32_t *memory;
	/** @result: where the GPU copies pages' first dwords */
	struct bo result;
	/** @pages: the model */
	struct page pages[WORLD_PAGES];
};

#define RESULT		(4 * GIB)
#define USERPTR		(SOURCES - 1)

/* What the first dword of a page of a source holds; never zero. */
static uint32_t page_value(int source, unsigned int offset)
{
	return (source + 1) << 16 | offset;
}

static void fill(uint32_t *memory, int source)
{
	for (unsigned int page = 0; page < WORLD_PAGES; page++)
		memory[page * PAGE / 4] = page_value(source, page);
}

static void world_init(struct world *world)
{
	struct client *client = &world->client;

	client_open(client, 0, DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE);
	world->bos[0] = bo_create(client->fd, &client->vm, WORLD_PAGES * PAGE, BO_SYSTEM);
	world->bos[1] = bo_create(client->fd, &client->vm, WORLD_PAGES * PAGE, BO_VRAM);
	world->bos[2] = bo_create(client->fd, NULL, WORLD_PAGES * PAGE, BO_ANY);
	for (int i = 0; i < USERPTR; i++)
		fill(bo_map(&world->bos[i]), i);
	world->memory = mmap(NULL, WORLD_PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(world->memory != MAP_FAILED);
	fill(world->memory, USERPTR);
	world->result = bo_create(client->fd, &client->vm, WORLD_PAGES * 4, BO_SYSTEM);
	bo_map(&world->result);
	vm_map(&client->vm, RESULT, &world->result);
	for (int i = 0; i < WORLD_PAGES; i++)
		world->pages[i].source = UNMAPPED;
}

/* --- the model ------------------------------------------------------------------ */

/* Maps @count pages from @page of the world, beginning at page @offset of a source. */
static struct drm_xe_vm_bind_op map_pages(struct world *world, unsigned int page,
					  unsigned int count, int source, unsigned int offset)
{
	const uint64_t address = WORLD + page * PAGE;

	if (source == USERPTR)
		return op_userptr(address, world->memory + offset * PAGE / 4, count * PAGE);
	if (source == SOURCES)
		return op_null(address, count * PAGE);

	return op_map(address, &world->bos[source], offset * PAGE, count * PAGE);
}

static void model_fill(struct page *pages, const struct drm_xe_vm_bind_op *op, int source,
		       unsigned int offset)
{
	const unsigned int first = (op->addr - WORLD) / PAGE;

	for (unsigned int i = 0; i < op->range / PAGE; i++)
		pages[first + i] = (struct page){ source, offset + i };
}

static int source_of_handle(const struct world *world, uint32_t handle)
{
	for (int i = 0; i < USERPTR; i++)
		if (world->bos[i].handle == handle)
			return i;
	subtest_fail(__FILE__, __LINE__, "no source has handle %u", handle);
}

/* What one operation does. */
static void model_apply(const struct world *world, struct page *pages,
			const struct drm_xe_vm_bind_op *op)
{
	int source;

	switch (op->op) {
	case DRM_XE_VM_BIND_OP_MAP:
		if (op->flags & DRM_XE_VM_BIND_FLAG_NULL) {
			model_fill(pages, op, SOURCES, 0);
			break;
		}
		model_fill(pages, op, source_of_handle(world, op->obj), op->obj_offset / PAGE);
		break;
	case DRM_XE_VM_BIND_OP_MAP_USERPTR:
		model_fill(pages, op, USERPTR,
			   (op->userptr - (uintptr_t)world->memory) / PAGE);
		break;
	case DRM_XE_VM_BIND_OP_UNMAP:
		model_fill(pages, op, UNMAPPED, 0);
		break;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		source = source_of_handle(world, op->obj);
		for (int i = 0; i < WORLD_PAGES; i++)
			if (pages[i].source == source)
				pages[i].source = UNMAPPED;
		break;
	default:
		subtest_fail(__FILE__, __LINE__, "the model has no operation %u", op->op);
	}
}

/* The GPU reads @count pages of the world; each must be what the model says. */
static void world_compare(struct world *world, const unsigned int *pages, unsigned int count)
{
	uint32_t *result = world->result.map;
	unsigned int done = 0;

	memset(result, 0xff, world->result.bytes);
	while (done < count) {
		struct batch batch = client_batch(&world->client);

		for (; done < count && batch.count + 16 < batch.room; done++)
			batch_copy_dword(&batch, RESULT + 4 * done, WORLD + pages[done] * PAGE);
		batch_end(&batch);
		check_eq(client_run(&world->client, &batch), 0);
	}
	for (unsigned int i = 0; i < count; i++) {
		const struct page *page = &world->pages[pages[i]];
		uint32_t value = page->source == UNMAPPED || page->source == SOURCES ? 0 :
				 page_value(page->source, page->offset);

		check_that(result[i] == value, "page %u of the world has 0x%x, not 0x%x",
			   pages[i], result[i], value);
	}
}

static void world_check(struct world *world)
{
	unsigned int pages[WORLD_PAGES];

	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		pages[i] = i;
	world_compare(world, pages, WORLD_PAGES);
}

/* A quarter of the pages, each time another if @turn is, and all where something begins. */
static void world_check_some(struct world *world, unsigned int turn)
{
	unsigned int pages[WORLD_PAGES], count = 0;

	for (unsigned int i = 0; i < WORLD_PAGES; i++)
		if ((i + turn) % 4 == 0 || !i ||
		    world->pages[i].source != world->pages[i - 1].source)
			pages[count++] = i;
	world_compare(world, pages, count);
}

/* Binds an array now, and applies it to the model if it succeeds. */
static int world_bind(struct world *world, const struct drm_xe_vm_bind_op *ops, int count)
{
	struct drm_xe_sync sync = sync_out(syncobj_create(world->client.fd));
	int err = vm_bind(&world->client.vm, NULL, ops, count, &sync, 1);

	if (!err) {
		syncobj_wait(world->client.fd, sync.handle);
		for (int i = 0; i < count; i++)
			model_apply(world, world->pages, &ops[i]);
	}
	syncobj_destroy(world->client.fd, sync.handle);

	return err;
}

/* Old mappings of every kind, next to each other and with holes. */
static void world_settle(struct world *world)
{
	const struct drm_xe_vm_bind_op ops[] = {
		map_pages(world, 0, 200, 0, 10),
		map_pages(world, 200, 100, 1, 400),
		map_pages(world, 320, 600, USERPTR, 64),
		map_pages(world, 500, 64, SOURCES, 0),
		map_pages(world, 920, 60, 2, 0),
		map_pages(world, 990, 34, 2, 700),
	};

	check_eq(world_bind(world, ops, 6), 0);
	world_check(world);
}

/* --- what an array does ----------------------------------------------------------- */

/* Changes all that world_settle() made: whole, in part, in the middle, across. */
static int change_all(struct world *world, struct drm_xe_vm_bind_op *ops)
{
	const struct drm_xe_vm_bind_op changes[] = {
		op_unmap(WORLD + 50 * PAGE, 20 * PAGE),
		map_pages(world, 180, 60, 2, 100),
		op_unmap_all(&world->bos[0]),
		map_pages(world, 310, 300, 1, 8),
		map_pages(world, 400, 16, USERPTR, 900),
		op_unmap(WORLD + 700 * PAGE, 256 * PAGE),
		map_pages(world, 0, 40, 0, 0),
		map_pages(world, 1000, 24, SOURCES, 0),
	};

	memcpy(ops, changes, sizeof(changes));

	return sizeof(changes) / sizeof(changes[0]);
}

static void in_order(void)
{
	struct drm_xe_vm_bind_op ops[MAX_OPS];
	struct world world;

	world_init(&world);
	world_settle(&world);
	check_eq(world_bind(&world, ops, change_all(&world, ops)), 0);
	world_check(&world);
}

static void stillborn(void)
{
	struct world world;

	world_init(&world);
	world_settle(&world);
	/* mappings that only other operations of the array ever see */
	check_eq(world_bind(&world, (struct drm_xe_vm_bind_op[]){
			map_pages(&world, 100, 300, 1, 0),
			map_pages(&world, 150, 100, USERPTR, 0),
			op_unmap_all(&world.bos[1]),
			map_pages(&world, 160, 10, 2, 0),
			op_unmap(WORLD + 100 * PAGE, 300 * PAGE) }, 5), 0);
	world_check(&world);
}

static void unmap_all(void)
{
	struct world world;

	world_init(&world);
	check_eq(world_bind(&world, (struct drm_xe_vm_bind_op[]){
			map_pages(&world, 0, 8, 1, 0),
			map_pages(&world, 100, 700, 1, 0),
			map_pages(&world, 300, 100, 0, 0),
			map_pages(&world, 900, 100, 1, 50) }, 4), 0);
	world_check(&world);
	/* four pieces of it go, and it comes back elsewhere */
	check_eq(world_bind(&world, (struct drm_xe_vm_bind_op[]){
			op_unmap_all(&world.bos[1]),
			map_pages(&world, 350, 10, 1, 77) }, 2), 0);
	world_check(&world);
	check_eq(world_bind(&world, (struct drm_xe_vm_bind_op[]){
			op_unmap_all(&world.bos[1]), op_unmap_all(&world.bos[0]) }, 2), 0);
	world_check(&world);
}

static void exchanged(void)
{
	struct world world;

	world_init(&world);
	for (int i = 0; i < 10; i++) {
		/* all sources change places at once */
		check_eq(world_bind(&world, (struct drm_xe_vm_bind_op[]){
				map_pages(&world, 0, 256, i % SOURCES, 0),
				map_pages(&world, 256, 256, (i + 1) % SOURCES, 256),
				map_pages(&world, 512, 256, (i + 2) % SOURCES, 512),
				map_pages(&world, 768, 256, (i + 3) % SOURCES, 768) }, 4), 0);
		world_check(&world);
	}
}

static void gated(void)
{
	struct drm_xe_vm_bind_op ops[MAX_OPS];
	struct drm_xe_sync syncs[2];
	struct world world;
	struct gate gate;
	int count;

	world_init(&world);
	world_settle(&world);
	gate_init(&gate, 0);
	syncs[0] = sync_in(gate_syncobj(&gate, world.client.fd));
	syncs[1] = sync_out(syncobj_create(world.client.fd));
	count = change_all(&world, ops);
	check_eq(vm_bind(&world.client.vm, NULL, ops, count, syncs, 2), 0);
	/* nothing of it shows yet */
	world_check(&world);
	check(!syncobj_signalled(world.client.fd, syncs[1].handle));

	gate_open(&gate);
	syncobj_wait(world.client.fd, syncs[1].handle);
	for (int i = 0; i < count; i++)
		model_apply(&world, world.pages, &ops[i]);
	world_check(&world);
	gate_fini(&gate);
}

/* --- rollback ---------------------------------------------------------------------- */

/*
 * @bad fails, at whichever position it stands: everything is as before, and the array
 * without it does what it should, from there.
 */
static void fails_everywhere(struct world *world, const struct drm_xe_vm_bind_op *bad, int err,
			     const struct drm_xe_sync *in)
{
	struct drm_xe_vm_bind_op changes[MAX_OPS], ops[MAX_OPS];
	int count = change_all(world, changes);

	for (int position = 0; position <= count; position++) {
		memcpy(ops, changes, position * sizeof(*ops));
		ops[position] = *bad;
		memcpy(ops + position + 1, changes + position,
		       (count - position) * sizeof(*ops));
		check_eq(vm_bind(&world->client.vm, NULL, ops, count + 1, in, !!in), err);
		world_check_some(world, position);
	}
	world_check(world);
	check_eq(world_bind(world, changes, count), 0);
	world_check(world);
}

/* Behind a gate too: the error comes from the ioctl, although nothing is written yet. */
static void rolls_back(struct world *world, const struct drm_xe_vm_bind_op *bad, int err)
{
	struct drm_xe_vm_bind_op reset = op_unmap(WORLD, WORLD_PAGES * PAGE);
	struct drm_xe_sync in;
	struct gate gate;

	world_settle(world);
	fails_everywhere(world, bad, err, NULL);

	check_eq(world_bind(world, &reset, 1), 0);
	world_settle(world);
	gate_init(&gate, 0);
	in = sync_in(gate_syncobj(&gate, world->client.fd));
	fails_everywhere(world, bad, err, &in);
	gate_fini(&gate);
}

static void rollback_operation(void)
{
	struct drm_xe_vm_bind_op bad = op_unmap(WORLD, PAGE);
	struct world world;

	world_init(&world);
	bad.op = 0xff;
	rolls_back(&world, &bad, -EINVAL);
}

static void rollback_handle(void)
{
	struct drm_xe_vm_bind_op bad;
	struct world world;

	world_init(&world);
	bad = map_pages(&world, 10, 10, 0, 0);
	bad.obj = 0x7ffffff;
	rolls_back(&world, &bad, -ENOENT);
}

static void rollback_userptr(void)
{
	struct drm_xe_vm_bind_op bad;
	struct world world;
	void *gone;

	world_init(&world);
	gone = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(gone != MAP_FAILED);
	munmap(gone + 8 * PAGE, PAGE);
	bad = op_userptr(WORLD + 190 * PAGE, gone, 16 * PAGE);
	rolls_back(&world, &bad, -EFAULT);
}

static void rollback_read_only(void)
{
	struct drm_xe_vm_bind_op bad;
	struct world world;
	void *constant;

	world_init(&world);
	constant = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(constant != MAP_FAILED);
	bad = op_userptr(WORLD + 512 * PAGE, constant, PAGE);
	rolls_back(&world, &bad, -EPERM);
}

static void rollback_dontneed(void)
{
	struct drm_xe_madvise advice = {
		.type = DRM_XE_VMA_ATTR_PURGEABLE_STATE,
		.purge_state_val.val = DRM_XE_VMA_PURGEABLE_STATE_DONTNEED,
	};
	struct drm_xe_vm_bind_op bad;
	struct world world;
	uint32_t retained = 0;
	struct bo bo;

	world_init(&world);
	bo = bo_create(world.client.fd, &world.client.vm, 2 * PAGE, BO_SYSTEM);
	vm_map(&world.client.vm, 8 * GIB, &bo);
	advice.vm_id = world.client.vm.id;
	advice.start = 8 * GIB;
	advice.range = 2 * PAGE;
	advice.purge_state_val.retained_ptr = (uintptr_t)&retained;
	check_eq(device_ioctl(world.client.fd, DRM_IOCTL_XE_MADVISE, &advice), 0);
	bad = op_map(WORLD + 300 * PAGE, &bo, 0, 2 * PAGE);
	rolls_back(&world, &bad, -EBUSY);
}

static void rollback_no_room(void)
{
	struct drm_xe_vm_bind_op bad;
	struct world world;
	uint64_t half;
	struct bo bo[2];

	world_init(&world);
	/* the first of them has its place, the second finds none beside it */
	half = device_vram_bytes(world.client.fd) * 3 / 5 & ~(MIB - 1);
	for (int i = 0; i < 2; i++)
		check_eq(bo_try_create(world.client.fd, &world.client.vm, half, BO_VRAM,
				       DRM_XE_GEM_CREATE_FLAG_DEFER_BACKING, &bo[i]), 0);
	world_settle(&world);
	check_eq(vm_bind(&world.client.vm, NULL, (struct drm_xe_vm_bind_op[]){
			op_unmap(WORLD, 500 * PAGE),
			op_map(16 * GIB, &bo[0], 0, half),
			op_map(32 * GIB, &bo[1], 0, half) }, 3, NULL, 0), -ENOSPC);
	world_check(&world);
	bad = op_map(16 * GIB, &bo[0], 0, half);
	vm_bind_now(&world.client.vm, bad);
	world_check(&world);
}

static void rollback_injected(void)
{
	struct drm_xe_vm_bind_op bad, ops[MAX_OPS];
	struct world world;
	int err;

	world_init(&world);
	bad = map_pages(&world, 600, 10, 0, 0);
	bad.flags |= 1u << 31;
	err = vm_bind(&world.client.vm, NULL, &bad, 1, NULL, 0);
	if (err == -EINVAL)
		subtest_skip("this kernel's driver injects no errors");
	check_eq(err, -ENOSPC);
	world_settle(&world);
	/* each try fails at the next stage of the ioctl */
	for (int stage = 0; stage < 6; stage++) {
		int count = change_all(&world, ops);

		ops[count] = bad;
		check_eq(vm_bind(&world.client.vm, NULL, ops, count + 1, NULL, 0), -ENOSPC);
		world_check(&world);
	}
	rolls_back(&world, &bad, -ENOSPC);
}

static void too_many_tables(void)
{
	struct drm_xe_vm_bind_op *ops = calloc(1024, sizeof(*ops));
	struct drm_xe_sync syncs[2];
	struct world world;
	struct gate gate;

	world_init(&world);
	world_settle(&world);
	gate_init(&gate, 0);
	syncs[0] = sync_in(gate_syncobj(&gate, world.client.fd));
	syncs[1] = sync_out(syncobj_create(world.client.fd));
	ops[0] = op_unmap(WORLD, WORLD_PAGES * PAGE);
	for (int i = 1; i < 1024; i++)
		ops[i] = op_map(64 * GIB + i * 4 * MIB, &world.bos[0], 0, 2 * PAGE);
	/* whether the CPU would write, or a job later */
	check_eq(vm_bind(&world.client.vm, NULL, ops, 1024, &syncs[1], 1), -ENOBUFS);
	check_eq(vm_bind(&world.client.vm, NULL, ops, 1024, syncs, 2), -ENOBUFS);
	world_check(&world);
	/* a part of it goes, as the error says */
	check_eq(vm_bind(&world.client.vm, NULL, ops + 1, 256, syncs, 2), 0);
	gate_open(&gate);
	syncobj_wait(world.client.fd, syncs[1].handle);
	world_check(&world);
	check_eq(client_read(&world.client, 64 * GIB + 4 * MIB), page_value(0, 0));
	check_eq(client_read(&world.client, 64 * GIB + 256 * 4 * MIB + PAGE), page_value(0, 1));
	check_eq(client_read(&world.client, 64 * GIB + 257 * 4 * MIB), 0);
	gate_fini(&gate);
	free(ops);
}

/* --- random arrays ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;

	return *state;
}

static struct drm_xe_vm_bind_op random_op(struct world *world, uint32_t *random)
{
	unsigned int page = next_random(random) % WORLD_PAGES;
	unsigned int most = next_random(random) % 4 ? 32 : WORLD_PAGES;
	unsigned int count = 1 + next_random(random) % most;
	unsigned int offset;

	if (count > WORLD_PAGES - page)
		count = WORLD_PAGES - page;
	offset = next_random(random) % (WORLD_PAGES - count + 1);
	switch (next_random(random) % 10) {
	case 0:
		return op_unmap_all(&world->bos[next_random(random) % USERPTR]);
	case 1:
	case 2:
	case 3:
		return op_unmap(WORLD + page * PAGE, count * PAGE);
	default:
		return map_pages(world, page, count, next_random(random) % (SOURCES + 1), offset);
	}
}

static void random_arrays(void)
{
	struct drm_xe_vm_bind_op ops[MAX_OPS];
	uint32_t random = 0x5eed;
	struct world world;
	void *gone = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	world_init(&world);
	for (int round = 0; round < 200; round++) {
		unsigned int pages[4 * MAX_OPS], num_pages = 0;
		int count = 1 + next_random(&random) % (MAX_OPS - 1);
		bool fails = next_random(&random) % 3 == 0;

		for (int i = 0; i < count; i++) {
			ops[i] = random_op(&world, &random);
			/* both sides of both ends */
			if (ops[i].op != DRM_XE_VM_BIND_OP_UNMAP_ALL) {
				unsigned int first = (ops[i].addr - WORLD) / PAGE;
				unsigned int end = first + ops[i].range / PAGE;

				pages[num_pages++] = first ? first - 1 : 0;
				pages[num_pages++] = first;
				pages[num_pages++] = end - 1;
				pages[num_pages++] = end < WORLD_PAGES ? end : end - 1;
			}
		}
		if (fails)
			ops[next_random(&random) % count] = op_userptr(WORLD, gone, PAGE);
		check_eq(world_bind(&world, ops, count), fails ? -EFAULT : 0);
		world_compare(&world, pages, num_pages);
		if (round % 20 == 19)
			world_check(&world);
	}
}

static const struct subtest subtests[] = {
	{ "in-order", in_order, "each operation of an array sees what those before it did" },
	{ "stillborn", stillborn, "what an array maps and unmaps again never shows" },
	{ "unmap-all", unmap_all, "UNMAP_ALL takes every piece of an object, and no other" },
	{ "exchanged", exchanged, "mappings change places in one array" },
	{ "gated", gated, "an array behind a fence has no effect before it, and all of it then" },
	{ "rollback-operation", rollback_operation,
	  "an unknown operation, at any position, changes nothing" },
	{ "rollback-handle", rollback_handle,
	  "an unknown object, at any position, changes nothing" },
	{ "rollback-userptr", rollback_userptr,
	  "a userptr to nowhere, at any position, changes nothing" },
	{ "rollback-read-only", rollback_read_only,
	  "a userptr to memory that may not be written, at any position, changes nothing" },
	{ "rollback-dontneed", rollback_dontneed,
	  "an object that may be purged, at any position, changes nothing" },
	{ "rollback-no-room", rollback_no_room,
	  "an array whose objects do not fit together changes nothing" },
	{ "rollback-injected", rollback_injected,
	  "an error at each stage of the ioctl, at any position, changes nothing" },
	{ "too-many-tables", too_many_tables,
	  "an array that touches too many page tables is refused whole" },
	{ "random-arrays", random_arrays,
	  "200 arrays of all kinds, a third of which fail, do what a model says" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Arrays of binds are all or nothing.", subtests);
}

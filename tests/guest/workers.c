// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Full load, kind by kind. See workers.h.
 *
 * Each has an *arena*: memory of the process that is bound at its own address, so that
 * batches and fences have one address on both sides.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "batch.h"
#include "workers.h"

#define ARENA_BYTES	(1024 * 1024)
#define BATCH_BYTES	(32 * 1024)
/* in the arena: batches, fences, then data */
#define FENCES_AT	(256 * 1024)
#define SOURCE_AT	(512 * 1024)
#define TARGET_AT	(768 * 1024)
#define DATA_BYTES	(128 * 1024)

#define VRAM_BYTES	(2 * 1024 * 1024)
#define VRAM_AT		0x100000000000ull
#define CHURN_AT	0x200000000000ull
#define HOG_BYTES	(40ull * 1024 * 1024)
#define HOGS		3

#define MIRROR_BYTES	(1ull << 48)
#define LR		DRM_XE_VM_CREATE_FLAG_LR_MODE
#define FAULTS		(LR | DRM_XE_VM_CREATE_FLAG_FAULT_MODE)
#define COPY		DRM_XE_ENGINE_CLASS_COPY
#define VIDEO		DRM_XE_ENGINE_CLASS_VIDEO_DECODE

/** struct space - an address space on one GPU, with something in it */
struct space {
	/** @worker: whose */
	struct worker *worker;
	/** @gpu: which of the worker's */
	int gpu;
	/** @fd: DRM file */
	int fd;
	/** @vm: the address space */
	uint32_t vm;
	/** @queue: on the copy engine */
	uint32_t queue;
	/** @vram: an object in VRAM, bound at VRAM_AT; 0: none */
	uint32_t vram;
	/** @vram_map: the same for the CPU */
	uint8_t *vram_map;
	/** @arena: see above */
	uint8_t *arena;
	/** @value: of the newest fence */
	uint64_t value;
};

static uint32_t pattern(uint64_t place, uint64_t round)
{
	return (place * 2654435761u) ^ (round * 40503u);
}

static void fill(void *start, size_t bytes, uint64_t round)
{
	uint32_t *dw = start;

	for (size_t i = 0; i < bytes / 4; i++)
		dw[i] = pattern(i, round);
}

/* A look at one dword of each page. */
static int verify(const void *start, size_t bytes, uint64_t round)
{
	const volatile uint32_t *dw = start;

	for (size_t i = round % 1024; i < bytes / 4; i += 1024)
		if (dw[i] != pattern(i, round))
			return -EBADMSG;

	return 0;
}

static struct batch batch_at(struct space *space, unsigned int slot)
{
	uint8_t *memory = space->arena + slot * BATCH_BYTES;
	struct batch batch;

	batch_init_at(&batch, memory, (uintptr_t)memory, BATCH_BYTES / 4);

	return batch;
}

static uint64_t *fence_at(struct space *space, unsigned int slot)
{
	return (uint64_t *)(space->arena + FENCES_AT + slot * 64);
}

/* A linear copy, in pieces of what one packet can do. */
static void emit_copy(struct batch *batch, uint64_t src, uint64_t dst, uint64_t bytes)
{
	while (bytes) {
		uint32_t piece = bytes < 65536 ? bytes : 65536;
		uint64_t src_field, dst_field;

		batch_copy(batch, piece, &src_field, &dst_field);
		*(volatile uint32_t *)src_field = src;
		*(volatile uint32_t *)(src_field + 4) = src >> 32;
		*(volatile uint32_t *)dst_field = dst;
		*(volatile uint32_t *)(dst_field + 4) = dst >> 32;
		src += piece;
		dst += piece;
		bytes -= piece;
	}
}

/* Jumps to itself: runs until somebody ends it. */
static uint64_t spinner(struct space *space, unsigned int slot)
{
	struct batch batch = batch_at(space, slot);
	uint64_t here = batch_here(&batch);

	batch_jump(&batch, here);

	return here;
}

static int space_open(struct space *space, struct worker *worker, int gpu, uint32_t flags)
{
	int err;

	*space = (struct space) { .worker = worker, .gpu = gpu, .fd = -1 };
	space->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (space->arena == MAP_FAILED)
		return -ENOMEM;
	memset(space->arena, 0, ARENA_BYTES);
	space->fd = xe_open(worker->address[gpu]);
	if (space->fd < 0)
		return space->fd;
	err = xe_vm_create(space->fd, flags, &space->vm);
	if (err)
		return err;
	if (flags == FAULTS)
		err = xe_bind_wait(space->fd, space->vm, xe_map_mirror(MIRROR_BYTES));
	else
		err = xe_bind_wait(space->fd, space->vm,
				   xe_map_userptr(space->arena, (uintptr_t)space->arena,
						  ARENA_BYTES));
	if (err)
		return err;

	return xe_queue_create(space->fd, space->vm, COPY, 0, &space->queue);
}

/* An object in VRAM, bound, mapped, and filled by the CPU. @vm: local to it, or 0. */
static int space_add_vram(struct space *space, uint32_t vm)
{
	int err = xe_bo_create(space->fd, vm, VRAM_BYTES, 2, &space->vram);

	if (err)
		return err;
	space->vram_map = xe_bo_map(space->fd, space->vram, VRAM_BYTES);
	if (!space->vram_map)
		return -errno;

	return xe_bind_wait(space->fd, space->vm, xe_map(space->vram, VRAM_AT, VRAM_BYTES));
}

/* Everything else goes with the file. */
static int space_close(struct space *space, int err)
{
	if (err && err != -EINTR && space->fd >= 0)
		err = space->worker->lost(space->worker, space->gpu, space->fd, err);
	if (space->vram_map)
		munmap(space->vram_map, VRAM_BYTES);
	if (space->fd >= 0)
		close(space->fd);
	if (space->arena && space->arena != MAP_FAILED)
		munmap(space->arena, ARENA_BYTES);

	return err == -EINTR ? 0 : err;
}

/* Source, VRAM, target; the round's number in between. */
static uint64_t emit_round_trip(struct space *space, unsigned int slot, uint64_t vram)
{
	struct batch batch = batch_at(space, slot);
	uint64_t here = batch_here(&batch);

	emit_copy(&batch, (uintptr_t)space->arena + SOURCE_AT, vram, DATA_BYTES);
	emit_copy(&batch, vram, (uintptr_t)space->arena + TARGET_AT, DATA_BYTES);
	batch_end(&batch);

	return here;
}

/* --- dma-fence VMs -------------------------------------------------------------- */

/* EXEC with syncobjs: userptr to VRAM and back; now and then the userptr's pages go. */
static int run_fence(struct worker *worker)
{
	struct space space;
	uint32_t done = 0;
	int err;

	err = space_open(&space, worker, 0, 0);
	if (!err)
		err = space_add_vram(&space, space.vm);
	if (!err)
		err = xe_syncobj_create(space.fd, &done);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		struct drm_xe_sync out = xe_out(done);
		uint64_t batch = emit_round_trip(&space, round % 4, VRAM_AT);

		fill(space.arena + SOURCE_AT, DATA_BYTES, round);
		err = xe_exec(space.fd, space.queue, batch, &out, 1);
		if (!err)
			err = xe_syncobj_wait(space.fd, done);
		if (!err)
			err = xe_syncobj_reset(space.fd, done);
		/* a fence does not tell how its job ended */
		if (!err && verify(space.arena + TARGET_AT, DATA_BYTES, round)) {
			err = xe_exec(space.fd, space.queue, batch, NULL, 0);
			err = err ? err : -EBADMSG;
		}
		if (!err && round % 8 == 7)
			madvise(space.arena + SOURCE_AT, DATA_BYTES, MADV_DONTNEED);
		if (!err)
			++*worker->rounds;
	}

	return space_close(&space, err);
}

/* More VRAM than there is: each use evicts somebody else's. */
static int run_evict(struct worker *worker)
{
	uint32_t hogs[HOGS], done = 0;
	struct space space;
	int err;

	err = space_open(&space, worker, 0, 0);
	if (!err)
		err = xe_syncobj_create(space.fd, &done);
	for (int i = 0; !err && i < HOGS; i++) {
		err = xe_bo_create(space.fd, 0, HOG_BYTES, 3, &hogs[i]);
		if (!err)
			err = xe_bind_wait(space.fd, space.vm,
					   xe_map(hogs[i], VRAM_AT + i * HOG_BYTES, HOG_BYTES));
	}
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		struct batch batch = batch_at(&space, round % 4);
		uint64_t here = batch_here(&batch);
		struct drm_xe_sync out = xe_out(done);

		for (int i = 0; i < HOGS; i++)
			batch_store_dword(&batch, VRAM_AT + i * HOG_BYTES + round % 1024 * 4096,
					  round);
		batch_end(&batch);
		err = xe_exec(space.fd, space.queue, here, &out, 1);
		if (!err)
			err = xe_syncobj_wait(space.fd, done);
		if (!err)
			err = xe_syncobj_reset(space.fd, done);
		if (!err)
			++*worker->rounds;
	}

	return space_close(&space, err);
}

/* Asynchronous binds, single and in arrays, chained by syncobjs; VMs come and go. */
static int run_bind(struct worker *worker)
{
	uint32_t bo = 0, vm = 0, queue = 0, sync[2] = { };
	struct space space;
	int err;

	err = space_open(&space, worker, 0, 0);
	if (!err)
		err = xe_bo_create(space.fd, 0, VRAM_BYTES, 2, &bo);
	for (int i = 0; !err && i < 2; i++)
		err = xe_syncobj_create(space.fd, &sync[i]);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		struct drm_xe_vm_bind_op ops[8];
		struct drm_xe_sync syncs[2];

		if (round % 8 == 0) {
			if (vm)
				err = xe_queue_destroy(space.fd, queue);
			if (!err && vm)
				err = xe_vm_destroy(space.fd, vm);
			if (!err)
				err = xe_vm_create(space.fd, 0, &vm);
			if (!err)
				err = xe_queue_create(space.fd, vm, DRM_XE_ENGINE_CLASS_VM_BIND, 0,
						      &queue);
		}
		for (int i = 0; i < 8; i++)
			ops[i] = i % 2 ? xe_map_userptr(space.arena, CHURN_AT + i * ARENA_BYTES,
							ARENA_BYTES) :
					 xe_map(bo, CHURN_AT + 8 * ARENA_BYTES + i * VRAM_BYTES,
						VRAM_BYTES);
		syncs[0] = xe_out(sync[0]);
		if (!err)
			err = xe_bind(space.fd, vm, queue, ops, 8, syncs, 1);
		ops[0] = xe_unmap(CHURN_AT, 8 * ARENA_BYTES + 8 * VRAM_BYTES);
		syncs[0] = xe_in(sync[0]);
		syncs[1] = xe_out(sync[1]);
		if (!err)
			err = xe_bind(space.fd, vm, queue, ops, 1, syncs, 2);
		if (!err)
			err = xe_syncobj_wait(space.fd, sync[1]);
		for (int i = 0; !err && i < 2; i++)
			err = xe_syncobj_reset(space.fd, sync[i]);
		if (!err)
			++*worker->rounds;
	}
	/* a VM whose job the GPU did not do is banned */
	if (err == -ENOENT)
		err = -ECANCELED;

	return space_close(&space, err);
}

/* Queues that are destroyed while their jobs run, on engines and VMs of all kinds. */
static int run_queue(struct worker *worker)
{
	static const uint32_t kinds[] = { 0, LR, FAULTS };
	struct space space[3];
	int err = 0, opened = 0;

	for (int i = 0; !err && i < 3; i++, opened++)
		err = space_open(&space[i], worker, 0, kinds[i]);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		struct space *s = &space[round % 3];
		uint64_t batch = spinner(s, 0);
		uint32_t queue;

		err = xe_queue_create(s->fd, s->vm, VIDEO, 0, &queue);
		for (unsigned int jobs = 0; !err && jobs < 1 + round % 4; jobs++)
			err = xe_exec(s->fd, queue, batch, NULL, 0);
		usleep(round % 16 * 1000);
		if (!err)
			err = xe_queue_destroy(s->fd, queue);
		if (!err)
			++*worker->rounds;
	}
	for (int i = 0; i < opened; i++) {
		int closed = space_close(&space[i], err);

		err = i == 0 || closed == -EBADMSG ? closed : err;
	}

	return err;
}

/* --- long-running VMs ------------------------------------------------------------ */

/* A preempt VM: user fences, and a userptr that goes away under the running queue. */
static int run_preempt(struct worker *worker)
{
	struct space space;
	int err;

	err = space_open(&space, worker, 0, LR);
	if (!err)
		err = space_add_vram(&space, 0);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		uint64_t *fence = fence_at(&space, 0);
		struct drm_xe_sync out = xe_fence(fence, round + 1);
		uint64_t batch = emit_round_trip(&space, round % 4, VRAM_AT);

		fill(space.arena + SOURCE_AT, DATA_BYTES, round);
		err = xe_exec(space.fd, space.queue, batch, &out, 1);
		if (!err && round % 4 == 3)
			madvise(space.arena + TARGET_AT, DATA_BYTES, MADV_DONTNEED);
		if (!err)
			err = xe_wait(space.fd, fence, round + 1, space.queue, -1);
		if (!err && round % 4 != 3)
			err = verify(space.arena + TARGET_AT, DATA_BYTES, round);
		if (!err)
			++*worker->rounds;
	}

	return space_close(&space, err);
}

/* A job without end, and somebody who waits for it for ever. */
static int run_wait(struct worker *worker)
{
	struct space space;
	uint32_t queue;
	int err;

	err = space_open(&space, worker, 0, LR);
	if (!err)
		err = xe_queue_create(space.fd, space.vm, VIDEO, 1, &queue);
	if (!err)
		err = xe_exec(space.fd, queue, spinner(&space, 0), NULL, 0);
	if (!err) {
		++*worker->rounds;
		err = xe_wait(space.fd, fence_at(&space, 0), 1, queue, -1);
	}

	return space_close(&space, err);
}

/* The same without a queue, whose end would end the wait. */
static int run_wait_any(struct worker *worker)
{
	struct space space;
	int err;

	err = space_open(&space, worker, 0, LR);
	if (!err) {
		++*worker->rounds;
		err = xe_wait(space.fd, fence_at(&space, 0), 1, 0, -1);
	}

	return space_close(&space, err);
}

/* Waits for a fence that nobody will ever submit: must not keep the GPU from going. */
static int run_wait_syncobj(struct worker *worker)
{
	struct space space;
	uint32_t never;
	int err;

	err = space_open(&space, worker, 0, 0);
	if (!err)
		err = xe_syncobj_create(space.fd, &never);
	if (!err) {
		++*worker->rounds;
		err = xe_syncobj_wait(space.fd, never);
	}
	/* told to stop: what does the GPU say now? */
	if (err == -EINTR)
		err = xe_probe(space.fd);

	return space_close(&space, err);
}

/* --- CPU mappings ---------------------------------------------------------------- */

/* The CPU in VRAM all the time. Without the GPU it is in some page, and goes on. */
static int run_map(struct worker *worker)
{
	struct space space;
	int err, probe;

	err = space_open(&space, worker, 0, 0);
	if (!err)
		err = space_add_vram(&space, 0);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		fill(space.vram_map, DATA_BYTES, round);
		err = verify(space.vram_map, DATA_BYTES, round);
		/* data of a GPU that is gone may be gone */
		probe = xe_probe(space.fd);
		if (probe)
			err = probe;
		if (!err)
			++*worker->rounds;
	}
	if (err && err != -EINTR && err != -EBADMSG)
		memset(space.vram_map, 0, VRAM_BYTES);

	return space_close(&space, err);
}

/* --- two GPUs -------------------------------------------------------------------- */

#define SVM_PAGES	1024

/** struct svm_page - a page of shared memory */
struct svm_page {
	/** @source: written by the CPU once */
	uint32_t source[512];
	/** @target: copies, made by the GPUs */
	uint32_t target[512];
};

/** struct svm_toucher - the CPU's part */
struct svm_toucher {
	/** @pages: what it looks at */
	struct svm_page *pages;
	/** @stop: ends it */
	volatile bool stop;
	/** @err: 0 or -EBADMSG */
	int err;
};

static int svm_verify(const struct svm_page *page, unsigned int number)
{
	unsigned int i = number % 512;
	uint32_t value = *(volatile const uint32_t *)&page->target[i];

	if (*(volatile const uint32_t *)&page->source[i] != pattern(i, number) ||
	    (value && value != pattern(i, number)))
		return -EBADMSG;

	return 0;
}

static void *svm_touch(void *argument)
{
	struct svm_toucher *toucher = argument;
	unsigned int seed = getpid();

	while (!toucher->stop && !toucher->err) {
		unsigned int n = rand_r(&seed) % SVM_PAGES;

		toucher->err = svm_verify(&toucher->pages[n], n);
		usleep(200);
	}

	return NULL;
}

/* One GPU copies some pages' sources to their targets, wherever all this is. */
static int svm_copy(struct space *space, struct svm_page *pages, unsigned int first,
		    unsigned int count, uint64_t round)
{
	struct batch batch = batch_at(space, round % 4);
	uint64_t here = batch_here(&batch), *fence = fence_at(space, 0);
	struct drm_xe_sync out = xe_fence(fence, ++space->value);
	int err;

	for (unsigned int i = first; i < first + count; i++)
		emit_copy(&batch, (uintptr_t)pages[i].source, (uintptr_t)pages[i].target,
			  sizeof(pages[i].source));
	batch_end(&batch);
	err = xe_exec(space->fd, space->queue, here, &out, 1);

	return err ? err : xe_wait(space->fd, fence, space->value, space->queue, -1);
}

static int svm_round(struct space space[2], struct svm_page *pages, uint64_t round,
		     unsigned int *seed)
{
	unsigned int first = rand_r(seed) % (SVM_PAGES - 64);
	struct space *s = &space[round % 2];
	int err = 0;

	if (round % 8 == 0)
		err = xe_prefer(s->fd, s->vm, &pages[first & ~15u], 64 * sizeof(*pages),
				space[rand_r(seed) % 2].fd);
	if (!err && round % 8 == 4) {
		struct drm_xe_vm_bind_op op = xe_prefetch((uintptr_t)&pages[first & ~15u],
							  64 * sizeof(*pages));

		err = xe_bind_wait(s->fd, s->vm, op);
	}

	return err ? err : svm_copy(s, pages, first, 16, round);
}

/*
 * Both GPUs and the CPU in the same memory, which moves among them. Whatever becomes of
 * a GPU, the sources stay what they were.
 */
static int run_svm(struct worker *worker)
{
	struct svm_page *pages = aligned_alloc(2 << 20, SVM_PAGES * sizeof(*pages));
	struct svm_toucher toucher = { .pages = pages };
	struct space space[2] = { };
	unsigned int seed = getpid();
	pthread_t thread;
	int err;

	if (!pages)
		return -ENOMEM;
	memset(pages, 0, SVM_PAGES * sizeof(*pages));
	for (unsigned int n = 0; n < SVM_PAGES; n++)
		for (unsigned int i = 0; i < 512; i++)
			pages[n].source[i] = pattern(i, n);
	space[1].fd = -1;
	err = space_open(&space[0], worker, 0, FAULTS);
	if (!err)
		err = space_open(&space[1], worker, 1, FAULTS);
	pthread_create(&thread, NULL, svm_touch, &toucher);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		err = svm_round(space, pages, round, &seed);
		if (!err)
			err = toucher.err;
		if (!err)
			++*worker->rounds;
	}
	for (int i = 0; i < 2; i++)
		if (space[i].fd > 0 && err && err != -EBADMSG)
			err = worker->lost(worker, i, space[i].fd, err);
	toucher.stop = true;
	pthread_join(thread, NULL);
	for (unsigned int n = 0; n < SVM_PAGES; n++)
		if (svm_verify(&pages[n], n))
			err = -EBADMSG;
	err = err == -EINTR ? 0 : err;
	for (int i = 0; i < 2; i++)
		space_close(&space[i], 0);
	free(pages);

	return err ? err : toucher.err;
}

/* An object of one GPU that another uses over the fabric. */
static int run_prime(struct worker *worker)
{
	struct space space[2] = { };
	uint32_t done = 0, import;
	int err, dma_buf = -1;

	space[1].fd = -1;
	err = space_open(&space[0], worker, 0, 0);
	if (!err)
		err = space_add_vram(&space[0], 0);
	if (!err)
		err = space_open(&space[1], worker, 1, 0);
	if (!err)
		err = xe_export(space[0].fd, space[0].vram, &dma_buf);
	if (!err)
		err = xe_import(space[1].fd, dma_buf, &import);
	if (!err)
		err = xe_bind_wait(space[1].fd, space[1].vm, xe_map(import, VRAM_AT, VRAM_BYTES));
	if (!err)
		err = xe_syncobj_create(space[1].fd, &done);
	for (uint64_t round = 0; !err && !xe_stop; round++) {
		struct drm_xe_sync out = xe_out(done);
		uint64_t batch = emit_round_trip(&space[1], round % 4, VRAM_AT);

		fill(space[1].arena + SOURCE_AT, DATA_BYTES, round);
		err = xe_exec(space[1].fd, space[1].queue, batch, &out, 1);
		if (!err)
			err = xe_syncobj_wait(space[1].fd, done);
		if (!err)
			err = xe_syncobj_reset(space[1].fd, done);
		if (!err && verify(space[1].arena + TARGET_AT, DATA_BYTES, round)) {
			err = xe_probe(space[0].fd);
			if (!err)
				err = xe_exec(space[1].fd, space[1].queue, batch, NULL, 0);
			err = err ? err : -EBADMSG;
		}
		/* the object outlives its GPU in system memory: only the GPU itself tells */
		if (!err)
			err = xe_probe(space[0].fd);
		if (!err)
			++*worker->rounds;
	}
	for (int i = 0; i < 2; i++)
		if (space[i].fd > 0 && err && err != -EBADMSG && err != -EINTR)
			err = worker->lost(worker, i, space[i].fd, err);
	err = err == -EINTR ? 0 : err;
	if (dma_buf >= 0)
		close(dma_buf);
	for (int i = 0; i < 2; i++)
		space_close(&space[i], 0);

	return err;
}

const struct worker workers[] = {
	{ .name = "fence", .run = run_fence, .gpus = 1 },
	{ .name = "evict", .run = run_evict, .gpus = 1 },
	{ .name = "evict", .run = run_evict, .gpus = 1 },
	{ .name = "bind", .run = run_bind, .gpus = 1 },
	{ .name = "queue", .run = run_queue, .gpus = 1 },
	{ .name = "preempt", .run = run_preempt, .gpus = 1 },
	{ .name = "wait", .run = run_wait, .gpus = 1 },
	{ .name = "wait-any", .run = run_wait_any, .gpus = 1 },
	{ .name = "wait-syncobj", .run = run_wait_syncobj, .gpus = 1, .may_block = true },
	{ .name = "map", .run = run_map, .gpus = 1 },
	{ .name = "svm", .run = run_svm, .gpus = 2 },
	{ .name = "svm", .run = run_svm, .gpus = 2 },
	{ .name = "prime", .run = run_prime, .gpus = 2 },
	{ }
};

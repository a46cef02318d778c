// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the driver does when its allocations and functions fail, on every path from
 * an ioctl, a fault or an eviction (see sweep.h).
 *
 * The subtest "each-function" lets one function after the other fail whenever it is
 * called, in a scenario that calls it. Whether memory was lost is for the runner to
 * ask (kmemleak); lost VRAM is looked for here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "device.h"
#include "inject.h"
#include "subtest.h"
#include "sweep.h"

#define NEW_VA		0x1040000000ull
#define KB		1024ull
#define MB		(1024 * KB)

#define SCENARIO(name, ...)							\
	static const struct scenario name##_scenario = { __VA_ARGS__ };		\
	static void name##_sweep(void)						\
	{									\
		sweep(&name##_scenario);					\
	}

static void must(int err, const char *what)
{
	check_that(!err, "%s: %s", what, strerror(-err));
}

/* --- files, VMs, queues ----------------------------------------------------------- */

static int open_act(struct state *state)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", state->world.fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);

	return 0;
}

SCENARIO(file_open, .act = open_act)

static int vm_create_act(struct state *state)
{
	return vm_try_create(state->world.fd, DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE, &state->vm);
}

static int vm_create_lr_act(struct state *state)
{
	return vm_try_create(state->world.fd, DRM_XE_VM_CREATE_FLAG_LR_MODE, &state->vm);
}

static int vm_create_fault_act(struct state *state)
{
	return vm_try_create(state->world.fd, DRM_XE_VM_CREATE_FLAG_LR_MODE |
			    DRM_XE_VM_CREATE_FLAG_FAULT_MODE, &state->vm);
}

static void vm_create_after(struct state *state, int err)
{
	if (!err)
		vm_destroy(&state->vm);
}

SCENARIO(vm_create, .act = vm_create_act, .after = vm_create_after)
SCENARIO(vm_create_lr, .act = vm_create_lr_act, .after = vm_create_after)
SCENARIO(vm_create_fault, WORLD_FAULTS, .act = vm_create_fault_act, .after = vm_create_after)

static int queue_create_act(struct state *state)
{
	return queue_try_create(&state->world.vm, DRM_XE_ENGINE_CLASS_COPY, 1, &state->queue);
}

static int queue_create_wide_act(struct state *state)
{
	return queue_try_create(&state->world.vm, DRM_XE_ENGINE_CLASS_VIDEO_DECODE, 2,
				&state->queue);
}

static int queue_create_bind_act(struct state *state)
{
	return queue_try_create(&state->world.vm, DRM_XE_ENGINE_CLASS_VM_BIND, 1, &state->queue);
}

static void queue_create_after(struct state *state, int err)
{
	struct world *world = &state->world;
	struct queue old = world->queue;

	if (err)
		return;
	world->queue = state->queue;
	world_check(world);
	world->queue = old;
	queue_destroy(&state->queue);
}

static void queue_create_unused_after(struct state *state, int err)
{
	if (!err)
		queue_destroy(&state->queue);
}

SCENARIO(queue_create, .act = queue_create_act, .after = queue_create_after)
SCENARIO(queue_create_wide, .act = queue_create_wide_act, .after = queue_create_unused_after)
SCENARIO(queue_create_bind, .act = queue_create_bind_act, .after = queue_create_unused_after)
SCENARIO(queue_create_lr, WORLD_PREEMPT, .act = queue_create_act, .after = queue_create_after)
SCENARIO(queue_create_fault, WORLD_FAULTS, .act = queue_create_act, .after = queue_create_after)

/* --- objects ------------------------------------------------------------------------ */

static int gem_create(struct state *state, const struct vm *vm, enum bo_place place)
{
	state->spot.bo.handle = 0;

	return bo_try_create(state->world.fd, vm, 256 * KB, place, 0, &state->spot.bo);
}

static int gem_create_vram_act(struct state *state)
{
	return gem_create(state, NULL, BO_VRAM);
}

static int gem_create_system_act(struct state *state)
{
	return gem_create(state, NULL, BO_SYSTEM);
}

static int gem_create_local_act(struct state *state)
{
	return gem_create(state, &state->world.vm, BO_ANY);
}

static void gem_create_after(struct state *state, int err)
{
	if (!err)
		bo_destroy(&state->spot.bo);
}

SCENARIO(gem_create_vram, .act = gem_create_vram_act, .after = gem_create_after)
SCENARIO(gem_create_system, .act = gem_create_system_act, .after = gem_create_after)
SCENARIO(gem_create_local, .act = gem_create_local_act, .after = gem_create_after)

/* The CPU's first touch: the kernel repeats it until there is memory. */
static void mmap_before(struct state *state)
{
	struct spot *spot = &state->spot;

	check_eq(bo_try_create(state->world.fd, NULL, 64 * KB,
			       ++state->flip % 2 ? BO_SYSTEM : BO_VRAM,
			       DRM_XE_GEM_CREATE_FLAG_DEFER_BACKING, &spot->bo), 0);
	spot->bytes = spot->bo.bytes;
	spot->cpu = bo_map(&spot->bo);
}

static int mmap_act(struct state *state)
{
	state->spot.cpu[0] = 0x1234;
	state->spot.cpu[64 * KB / 4 - 1] = 0x5678;

	return 0;
}

static void mmap_after(struct state *state, int err)
{
	check_eq(state->spot.cpu[0], 0x1234);
	check_eq(state->spot.cpu[1], 0);
	check_eq(state->spot.cpu[64 * KB / 4 - 1], 0x5678);
	spot_free(&state->spot);
}

SCENARIO(mmap_fault, .before = mmap_before, .act = mmap_act, .after = mmap_after)

/* VRAM that is full of objects of 2 MiB, the ones used least first. */
static void fill_setup(struct state *state)
{
	uint64_t total = device_vram_bytes(state->world.fd);

	state->fillers = calloc(total / (2 * MB) + SWEEP_MAX_ROUNDS, sizeof(*state->fillers));
	while (total - device_vram_used(state->world.fd) >= 2 * MB)
		state->fillers[state->num_fillers++] =
			bo_create(state->world.fd, NULL, 2 * MB, BO_VRAM);
}

static int evict_act(struct state *state)
{
	return bo_try_create(state->world.fd, NULL, 2 * MB, BO_VRAM, 0, &state->spot.bo);
}

static void evict_after(struct state *state, int err)
{
	if (!err)
		state->fillers[state->num_fillers++] = state->spot.bo;
}

SCENARIO(evict, .setup = fill_setup, .act = evict_act, .after = evict_after,
	 .errors = { ENOSPC })

/* --- binds ---------------------------------------------------------------------------- */

static void object_setup(struct state *state)
{
	sweep_new_syncobj(state);
	spot_object(&state->spot, state->world.fd, NULL, 64 * KB, BO_ANY);
	state->spot.va = NEW_VA;
}

static int bind_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);
	struct drm_xe_vm_bind_op op = spot_map_op(&state->spot);

	return vm_bind(&state->world.vm, NULL, &op, 1, &sync, 1);
}

static void bind_after(struct state *state, int err)
{
	sweep_check_syncobj(state, err);
	check_that(world_reaches(&state->world, NEW_VA, state->spot.cpu) == !err,
		   "the bind gave %d, and its address is %smapped", err, err ? "" : "not ");
	if (!err)
		vm_unmap(&state->world.vm, NEW_VA, state->spot.bytes);
}

SCENARIO(bind_map, .setup = object_setup, .act = bind_act, .after = bind_after,
	 .errors = { ENOSPC })

static void userptr_setup(struct state *state)
{
	sweep_new_syncobj(state);
	spot_memory(&state->spot, 64 * KB);
	state->spot.va = NEW_VA;
}

static void userptr_before(struct state *state)
{
	/* its pages are made by the bind */
	check(!madvise((void *)state->spot.cpu, state->spot.bytes, MADV_DONTNEED));
}

SCENARIO(bind_userptr, .setup = userptr_setup, .before = userptr_before, .act = bind_act,
	 .after = bind_after)

static void mapped_setup(struct state *state)
{
	object_setup(state);
	world_map(&state->world, &state->spot);
}

static int unmap_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);
	struct drm_xe_vm_bind_op op = op_unmap(NEW_VA, state->spot.bytes);

	return vm_bind(&state->world.vm, NULL, &op, 1, &sync, 1);
}

static int unmap_all_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);
	struct drm_xe_vm_bind_op op = op_unmap_all(&state->spot.bo);

	return vm_bind(&state->world.vm, NULL, &op, 1, &sync, 1);
}

static void unmap_after(struct state *state, int err)
{
	sweep_check_syncobj(state, err);
	check_that(world_reaches(&state->world, NEW_VA, state->spot.cpu) == !!err,
		   "the unbind gave %d, and its address is %smapped", err, err ? "not " : "");
	if (!err)
		world_map(&state->world, &state->spot);
}

SCENARIO(bind_unmap, .setup = mapped_setup, .act = unmap_act, .after = unmap_after)
SCENARIO(bind_unmap_all, .setup = mapped_setup, .act = unmap_all_act, .after = unmap_after)

/* The middle of a large leaf. */
static void split_setup(struct state *state)
{
	sweep_new_syncobj(state);
	spot_object(&state->spot, state->world.fd, &state->world.vm, 2 * MB, BO_VRAM);
	state->spot.va = NEW_VA;
	world_map(&state->world, &state->spot);
}

static int split_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);
	struct drm_xe_vm_bind_op op = op_unmap(NEW_VA + MB, 4 * KB);

	return vm_bind(&state->world.vm, NULL, &op, 1, &sync, 1);
}

static void split_after(struct state *state, int err)
{
	volatile uint32_t *cpu = state->spot.cpu;
	struct probe probes[] = {
		{ NEW_VA, cpu, false },
		{ NEW_VA + MB - 4, cpu + (MB - 4) / 4, false },
		{ NEW_VA + MB + 4 * KB, cpu + (MB + 4 * KB) / 4, false },
		{ NEW_VA + 2 * MB - 4, cpu + 2 * MB / 4 - 1, false },
		{ NEW_VA + MB, cpu + MB / 4, false },
	};

	sweep_check_syncobj(state, err);
	world_probe(&state->world, probes, 5);
	for (int i = 0; i < 4; i++)
		check_that(probes[i].reached, "the split gave %d, and a neighbour is lost", err);
	check_that(probes[4].reached == !!err, "the split gave %d, and the middle is %smapped",
		   err, err ? "not " : "");
	if (!err)
		world_map(&state->world, &state->spot);
}

SCENARIO(bind_split, .setup = split_setup, .act = split_act, .after = split_after)

/* The same of a userptr: both parts get notifiers and pages of their own. */
static void split_userptr_setup(struct state *state)
{
	sweep_new_syncobj(state);
	spot_memory(&state->spot, 2 * MB);
	state->spot.va = NEW_VA;
	world_map(&state->world, &state->spot);
}

SCENARIO(bind_split_userptr, .setup = split_userptr_setup, .act = split_act, .after = split_after)

/*
 * An array: a map, a userptr, a hole in a mapping, an unmap of what the array itself
 * has mapped, and a null mapping over the middle of another.
 */
static void array_setup(struct state *state)
{
	object_setup(state);
	spot_memory(&state->more, 64 * KB);
	state->more.va = NEW_VA + 64 * MB;
	world_map(&state->world, &state->spot);
}

static int bind_array(struct state *state, const struct drm_xe_sync *syncs, int num_syncs)
{
	struct drm_xe_vm_bind_op ops[] = {
		spot_map_op(&state->spot),
		spot_map_op(&state->more),
		op_unmap(NEW_VA + 8 * KB, 4 * KB),
		spot_map_op(&state->spot),
		op_unmap(NEW_VA + 16 * MB, 32 * KB),
		op_null(NEW_VA + 32 * KB, 4 * KB),
	};

	ops[0].addr = NEW_VA + 16 * MB;
	ops[3].addr = NEW_VA + 128 * MB;

	return vm_bind(&state->world.vm, NULL, ops, sizeof(ops) / sizeof(*ops), syncs, num_syncs);
}

static int array_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);

	return bind_array(state, &sync, 1);
}

/* Each word of the object is looked at by one probe only. */
static void array_after(struct state *state, int err)
{
	enum fate { KEPT, TAKEN, MADE, NEVER };
	static const struct {
		uint64_t va;
		unsigned int word;
		enum fate fate;
	} expected[] = {
		{ NEW_VA, 0, KEPT },
		{ NEW_VA + 36 * KB, 36 * KB / 4, KEPT },
		{ NEW_VA + 8 * KB, 8 * KB / 4, TAKEN },
		{ NEW_VA + 32 * KB, 32 * KB / 4, TAKEN },
		{ NEW_VA + 16 * MB + 40 * KB, 40 * KB / 4, MADE },
		{ NEW_VA + 128 * MB + 4, 1, MADE },
		{ NEW_VA + 16 * MB + 8, 2, NEVER },
		{ NEW_VA + 64 * MB, 0, MADE },
	};
	const int last = sizeof(expected) / sizeof(*expected) - 1;
	struct probe probes[8];

	sweep_check_syncobj(state, err);
	for (int i = 0; i <= last; i++) {
		volatile uint32_t *memory = i < last ? state->spot.cpu : state->more.cpu;

		probes[i] = (struct probe){ expected[i].va, memory + expected[i].word, false };
	}
	world_probe(&state->world, probes, last + 1);
	for (int i = 0; i <= last; i++) {
		enum fate fate = expected[i].fate;
		bool mapped = fate == KEPT || fate == (err ? TAKEN : MADE);

		check_that(probes[i].reached == mapped, "the array gave %d, and %#llx is %smapped",
			   err, (unsigned long long)probes[i].va, mapped ? "not " : "");
	}
	if (err)
		return;
	vm_unmap(&state->world.vm, NEW_VA, 256 * MB);
	world_map(&state->world, &state->spot);
}

SCENARIO(bind_array, .setup = array_setup, .act = array_act, .after = array_after,
	 .errors = { ENOBUFS, ENOSPC })

/* The same, behind a fence: written by a job. */
static void async_setup(struct state *state)
{
	array_setup(state);
	sweep_open_timeline(state);
}

static void async_before(struct state *state)
{
	sweep_make_pending(state);
}

static int async_act(struct state *state)
{
	struct drm_xe_sync syncs[] = { sync_in(state->pending), sync_out(state->syncobj) };

	return bind_array(state, syncs, 2);
}

static void async_after(struct state *state, int err)
{
	sweep_signal_pending(state);
	array_after(state, err);
}

SCENARIO(bind_async, .setup = async_setup, .before = async_before, .act = async_act,
	 .after = async_after, .errors = { ENOBUFS, ENOSPC })

/* One operation behind a fence. */
static void async_one_setup(struct state *state)
{
	object_setup(state);
	sweep_open_timeline(state);
}

static int async_one_act(struct state *state)
{
	struct drm_xe_sync syncs[] = {
		sync_in(state->pending),
		sync_out(state->syncobj),
	};
	struct drm_xe_vm_bind_op op = spot_map_op(&state->spot);

	return vm_bind(&state->world.vm, NULL, &op, 1, syncs, 2);
}

static void async_one_after(struct state *state, int err)
{
	sweep_signal_pending(state);
	bind_after(state, err);
}

SCENARIO(bind_async_one, .setup = async_one_setup, .before = async_before,
	 .act = async_one_act, .after = async_one_after, .errors = { ENOSPC })

/* No operation: only syncs. */
static int bind_none_act(struct state *state)
{
	struct drm_xe_sync syncs[] = {
		sync_in(state->pending),
		sync_out(state->syncobj),
	};

	return vm_bind(&state->world.vm, NULL, NULL, 0, syncs, 2);
}

static void bind_none_after(struct state *state, int err)
{
	sweep_signal_pending(state);
	sweep_check_syncobj(state, err);
}

SCENARIO(bind_none, .setup = async_one_setup, .before = async_before, .act = bind_none_act,
	 .after = bind_none_after)

static int prefetch_act(struct state *state)
{
	struct drm_xe_sync sync = sync_out(state->syncobj);
	struct drm_xe_vm_bind_op op = op_prefetch(NEW_VA, state->spot.bytes, state->flip++ % 2);

	return vm_bind(&state->world.vm, NULL, &op, 1, &sync, 1);
}

static void prefetch_after(struct state *state, int err)
{
	sweep_check_syncobj(state, err);
	check_that(state->spot.cpu[5] == state->value, "the contents changed: %#x, not %#x",
		   state->spot.cpu[5], state->value);
	check(world_reaches(&state->world, NEW_VA, state->spot.cpu));
	state->spot.cpu[5] = ++state->value;
}

SCENARIO(bind_prefetch, .setup = mapped_setup, .act = prefetch_act, .after = prefetch_after,
	 .errors = { ENOSPC })

/* --- exec ------------------------------------------------------------------------------ */

/* A job that stores at a spot. */
static void exec_before(struct state *state, unsigned int spot)
{
	struct world *world = &state->world;

	state->value = ++world->value;
	state->id = spot;
	world->spots[spot].cpu[1] = 0;
	world_write_store(world, world->spots[spot].va + 4, state->value);
}

static int exec_act(struct state *state)
{
	struct world *world = &state->world;
	struct drm_xe_sync sync = sync_out(state->syncobj);

	if (world->kind != WORLD_FENCES)
		sync = world_out_sync(world);

	return queue_exec(&world->queue, world->batch.va, &sync, 1);
}

static void exec_after(struct state *state, int err)
{
	struct world *world = &state->world;
	struct spot *spot = &world->spots[state->id];

	if (world->kind == WORLD_FENCES)
		sweep_check_syncobj(state, err);
	else if (!err)
		must(world_wait(world), "waiting for EXEC");
	check_that((spot->cpu[1] == state->value) == !err,
		   "EXEC gave %d, and %s holds %#x (%#x was to be stored)", err, spot->name,
		   spot->cpu[1], state->value);
}

static void exec_local_before(struct state *state)
{
	exec_before(state, 0);
}

SCENARIO(exec, .setup = sweep_new_syncobj, .before = exec_local_before, .act = exec_act,
	 .after = exec_after)
SCENARIO(exec_lr, WORLD_PREEMPT, .before = exec_local_before, .act = exec_act,
	 .after = exec_after)
SCENARIO(exec_fault, WORLD_FAULTS, .before = exec_local_before, .act = exec_act,
	 .after = exec_after)

/* In-syncs of both kinds, and points of a timeline. */
static void exec_syncs_setup(struct state *state)
{
	sweep_new_syncobj(state);
	sweep_open_timeline(state);
	state->points = syncobj_create(state->world.fd);
}

static void exec_syncs_before(struct state *state)
{
	exec_before(state, 1);
	sweep_make_pending(state);
}

static int exec_syncs_act(struct state *state)
{
	struct world *world = &state->world;
	struct drm_xe_sync syncs[] = {
		sync_in(state->pending),
		sync_out(state->syncobj),
		sync_out_point(state->points, ++state->flip),
	};

	return queue_exec(&world->queue, world->batch.va, syncs, 3);
}

static void exec_syncs_after(struct state *state, int err)
{
	uint64_t point = 0;

	sweep_signal_pending(state);
	exec_after(state, err);
	check(!drmSyncobjQuery(state->world.fd, &state->points, &point, 1));
	check_that((point == state->flip) == !err, "EXEC gave %d, and its timeline is at %llu",
		   err, (unsigned long long)point);
}

SCENARIO(exec_syncs, .setup = exec_syncs_setup, .before = exec_syncs_before,
	 .act = exec_syncs_act, .after = exec_syncs_after)

static void exec_userptr_before(struct state *state)
{
	struct spot *spot = &state->world.spots[3];

	/* new pages: they are made, and mapped for DMA, by the exec */
	check(!madvise((void *)spot->cpu, spot->bytes, MADV_DONTNEED));
	state->value = ++state->world.value;
	state->id = 3;
	world_write_store(&state->world, spot->va + 4, state->value);
}

SCENARIO(exec_userptr, .setup = sweep_new_syncobj, .before = exec_userptr_before, .act = exec_act,
	 .after = exec_after)

/* Another VM moves an external object away. */
static void exec_external_setup(struct state *state)
{
	sweep_new_syncobj(state);
	state->vm = vm_create(state->world.fd, 0);
	vm_bind_now(&state->vm, spot_map_op(&state->world.spots[1]));
}

static void exec_external_before(struct state *state)
{
	struct spot *spot = &state->world.spots[1];

	exec_before(state, 1);
	/* there and back, so that it moves whatever the exec does about it */
	vm_bind_now(&state->vm, op_prefetch(spot->va, spot->bytes, 1));
	vm_bind_now(&state->vm, op_prefetch(spot->va, spot->bytes, 0));
}

SCENARIO(exec_external, .setup = exec_external_setup, .before = exec_external_before,
	 .act = exec_act, .after = exec_after, .errors = { ENOSPC })

/* Everything of the VM is pushed out of VRAM by one large object. */
static void exec_evicted_before(struct state *state)
{
	struct bo large;

	exec_before(state, 0);
	large = bo_create(state->world.fd, NULL, state->spot.bytes, BO_VRAM);
	bo_destroy(&large);
}

static void exec_evicted_setup(struct state *state)
{
	sweep_new_syncobj(state);
	state->spot.bytes = device_vram_bytes(state->world.fd);
}

SCENARIO(exec_evicted, .setup = exec_evicted_setup, .before = exec_evicted_before,
	 .act = exec_act, .after = exec_after, .errors = { ENOSPC })

static int exec_none_act(struct state *state)
{
	struct drm_xe_sync syncs[] = {
		sync_in(state->pending),
		sync_out(state->syncobj),
	};
	struct drm_xe_exec exec = {
		.exec_queue_id = state->world.queue.id,
		.num_syncs = 2,
		.syncs = (uintptr_t)syncs,
	};

	return device_ioctl(state->world.fd, DRM_IOCTL_XE_EXEC, &exec);
}

SCENARIO(exec_none, .setup = async_one_setup, .before = async_before, .act = exec_none_act,
	 .after = bind_none_after)

/* --- long-running VMs ------------------------------------------------------------------- */

/* A bind of an external object: everything must fit, and the queues' fences go into it. */
static int lr_bind_act(struct state *state)
{
	struct world *world = &state->world;
	struct drm_xe_vm_bind_op op = spot_map_op(&state->spot);
	struct drm_xe_sync sync = world_out_sync(world);
	int err;

	sync.addr = (uintptr_t)world->fence;
	err = vm_bind(&world->vm, NULL, &op, 1, &sync, 1);
	if (err) {
		check_that(*world->fence != world->fence_value,
			   "a bind that failed has written its user fence");
		*world->fence = world->fence_value;
	}

	return err;
}

static void lr_bind_after(struct state *state, int err)
{
	must(world_wait(&state->world), "waiting for VM_BIND");
	check_that(world_reaches(&state->world, NEW_VA, state->spot.cpu) == !err,
		   "the bind gave %d, and its address is %smapped", err, err ? "" : "not ");
	if (!err)
		vm_unmap(&state->world.vm, NEW_VA, state->spot.bytes);
}

static void lr_bind_before(struct state *state)
{
	/* something to bring back first */
	check(!madvise((void *)state->world.spots[3].cpu, WORLD_SPOT_BYTES, MADV_DONTNEED));
}

SCENARIO(bind_lr, WORLD_PREEMPT, .setup = object_setup, .before = lr_bind_before,
	 .act = lr_bind_act, .after = lr_bind_after, .errors = { ENOSPC })

/* The rebind worker: pages of a userptr, then an object. */
static int rebind_act(struct state *state)
{
	struct world *world = &state->world;

	check(!madvise((void *)world->spots[3].cpu, WORLD_SPOT_BYTES, MADV_DONTNEED));

	return world_store(world, world->spots[3].va, ++world->value);
}

SCENARIO(rebind_userptr, WORLD_PREEMPT, .act = rebind_act, .worker = "rebind_work")

static int rebind_evicted_act(struct state *state)
{
	struct world *world = &state->world;

	exec_evicted_before(state);

	return world_store(world, world->spots[0].va, ++world->value);
}

SCENARIO(rebind_evicted, WORLD_PREEMPT, .setup = exec_evicted_setup, .act = rebind_evicted_act,
	 .worker = "rebind_work")

/* --- shared virtual memory --------------------------------------------------------------- */

/* The fault worker, with memory that nobody has touched yet. */
static void svm_before(struct state *state)
{
	spot_memory(&state->spot, 2 * MB);
}

static int svm_act(struct state *state)
{
	return world_store(&state->world, (uintptr_t)state->spot.cpu, ++state->world.value);
}

static void svm_after(struct state *state, int err)
{
	check_eq(state->spot.cpu[0], state->world.value);
	spot_free(&state->spot);
}

SCENARIO(svm_fault, WORLD_FAULTS, .before = svm_before, .act = svm_act, .after = svm_after,
	 .worker = "svmgpu_svm_fault")

/* The same for objects and userptrs. */
static int object_fault_act(struct state *state)
{
	struct world *world = &state->world;

	exec_evicted_before(state);
	check(!madvise((void *)world->spots[3].cpu, WORLD_SPOT_BYTES, MADV_DONTNEED));
	must(world_store(world, world->spots[3].va, ++world->value), "store to a userptr");

	return world_store(world, world->spots[0].va, ++world->value);
}

SCENARIO(object_fault, WORLD_FAULTS, .setup = exec_evicted_setup, .act = object_fault_act,
	 .worker = "svmgpu_vma_fault")

static void svm_prefetch_before(struct state *state)
{
	svm_before(state);
	state->value = ++state->world.value;
	for (unsigned int i = 0; i < 2 * MB / 4; i += 1024)
		state->spot.cpu[i] = state->value + i;
}

static int svm_prefetch_act(struct state *state)
{
	struct world *world = &state->world;
	struct drm_xe_vm_bind_op op = op_prefetch((uintptr_t)state->spot.cpu, state->spot.bytes,
						  1);

	return vm_bind(&world->vm, NULL, &op, 1, NULL, 0);
}

static void svm_prefetch_after(struct state *state, int err)
{
	for (unsigned int i = 0; i < 2 * MB / 4; i += 1024)
		check_eq(state->spot.cpu[i], state->value + i);
	check(world_reaches(&state->world, (uintptr_t)state->spot.cpu, state->spot.cpu));
	spot_free(&state->spot);
}

SCENARIO(svm_prefetch, WORLD_FAULTS, .before = svm_prefetch_before, .act = svm_prefetch_act,
	 .after = svm_prefetch_after)

/* The pages of a process have to leave VRAM for an object. */
static void evict_svm_setup(struct state *state)
{
	state->more.bytes = device_vram_bytes(state->world.fd);
}

static void evict_svm_before(struct state *state)
{
	spot_memory(&state->spot, 64 * KB);
	state->value = ++state->world.value;
	for (unsigned int i = 0; i < 64 * KB / 4; i += 1024)
		state->spot.cpu[i] = state->value + i;
	must(svm_prefetch_act(state), "prefetch");
}

static int evict_svm_act(struct state *state)
{
	return bo_try_create(state->world.fd, NULL, state->more.bytes, BO_VRAM, 0,
			     &state->more.bo);
}

static void evict_svm_after(struct state *state, int err)
{
	if (!err)
		bo_destroy(&state->more.bo);
	for (unsigned int i = 0; i < 64 * KB / 4; i += 1024)
		check_eq(state->spot.cpu[i], state->value + i);
	check(world_reaches(&state->world, (uintptr_t)state->spot.cpu, state->spot.cpu));
	spot_free(&state->spot);
}

SCENARIO(evict_svm, WORLD_FAULTS, .setup = evict_svm_setup, .before = evict_svm_before,
	 .act = evict_svm_act, .after = evict_svm_after, .errors = { ENOSPC })

/* The CPU takes pages back from VRAM: that must not fail at all. */
static void cpu_fault_before(struct state *state)
{
	svm_prefetch_before(state);
	must(svm_prefetch_act(state), "prefetch");
}

static int cpu_fault_act(struct state *state)
{
	for (unsigned int i = 0; i < 2 * MB / 4; i += 64 * 1024)
		check_eq(state->spot.cpu[i], state->value + i);

	return 0;
}

SCENARIO(cpu_fault, WORLD_FAULTS, .before = cpu_fault_before, .act = cpu_fault_act,
	 .after = svm_prefetch_after)

/* Advice for part of a mirror cuts it; a new mirror over all makes it whole again. */
static void madvise_setup(struct state *state)
{
	spot_memory(&state->spot, 2 * MB);
	for (unsigned int i = 0; i < 2 * MB / 4; i += 1024)
		state->spot.cpu[i] = 1;
}

static int madvise_act(struct state *state)
{
	struct drm_xe_madvise advice = {
		.vm_id = state->world.vm.id,
		.start = (uintptr_t)state->spot.cpu + 64 * KB,
		.range = 64 * KB,
		.type = DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC,
		.preferred_mem_loc.devmem_fd = state->world.fd,
		.preferred_mem_loc.region_instance = 1,
	};

	return device_ioctl(state->world.fd, DRM_IOCTL_XE_MADVISE, &advice);
}

static void whole_mirror(struct state *state)
{
	vm_bind_now(&state->world.vm, op_mirror((uintptr_t)state->spot.cpu, state->spot.bytes));
}

static void madvise_after(struct state *state, int err)
{
	volatile uint32_t *cpu = state->spot.cpu + 20 * KB;

	check(world_reaches(&state->world, (uintptr_t)cpu, cpu));
	whole_mirror(state);
}

SCENARIO(madvise_location, WORLD_FAULTS, .setup = madvise_setup, .act = madvise_act,
	 .after = madvise_after)

/* --- attributes of an object ------------------------------------------------------------- */

static int query_attr(struct state *state, uint64_t start, struct drm_xe_mem_range_attr *attr)
{
	struct drm_xe_vm_query_mem_range_attr query = {
		.vm_id = state->world.vm.id,
		.num_mem_ranges = 1,
		.start = start,
		.range = 4096,
		.sizeof_mem_range_attr = sizeof(*attr),
		.vector_of_mem_attr = (uintptr_t)attr,
	};

	return device_ioctl(state->world.fd, DRM_IOCTL_XE_VM_QUERY_MEM_RANGE_ATTRS, &query);
}

static int madvise_atomic_act(struct state *state)
{
	struct drm_xe_madvise advice = {
		.vm_id = state->world.vm.id,
		.start = state->world.spots[1].va,
		.range = WORLD_SPOT_BYTES,
		.type = DRM_XE_MEM_RANGE_ATTR_ATOMIC,
		.atomic.val = state->flip ? DRM_XE_ATOMIC_UNDEFINED : DRM_XE_ATOMIC_GLOBAL,
	};

	return device_ioctl(state->world.fd, DRM_IOCTL_XE_MADVISE, &advice);
}

static void madvise_atomic_after(struct state *state, int err)
{
	struct drm_xe_mem_range_attr attr = {};
	bool changed;

	must(query_attr(state, state->world.spots[1].va, &attr), "VM_QUERY_MEM_RANGE_ATTRS");
	changed = (attr.atomic.val == DRM_XE_ATOMIC_UNDEFINED) == !!state->flip;
	check_that(changed == !err, "MADVISE gave %d, and the attribute is %u", err,
		   attr.atomic.val);
	if (!err)
		state->flip = !state->flip;
}

SCENARIO(madvise_atomic, WORLD_FAULTS, .act = madvise_atomic_act, .after = madvise_atomic_after)

static int query_act(struct state *state)
{
	struct drm_xe_mem_range_attr attr;

	return query_attr(state, state->world.spots[0].va, &attr);
}

SCENARIO(query, WORLD_FAULTS, .act = query_act)

/* --- PRIME -------------------------------------------------------------------------------- */

static void export_before(struct state *state)
{
	spot_object(&state->spot, state->world.fd, NULL, 64 * KB, BO_ANY);
	state->spot.va = NEW_VA;
	state->fd = -1;
}

static int export_act(struct state *state)
{
	struct drm_prime_handle prime = {
		.handle = state->spot.bo.handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int err = device_ioctl(state->world.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	state->fd = err ? -1 : prime.fd;

	return err;
}

static void export_after(struct state *state, int err)
{
	if (!err)
		close(state->fd);
	world_map(&state->world, &state->spot);
	check(world_reaches(&state->world, NEW_VA, state->spot.cpu));
	vm_unmap(&state->world.vm, NEW_VA, state->spot.bytes);
	spot_free(&state->spot);
}

SCENARIO(prime_export, .before = export_before, .act = export_act, .after = export_after)

/* Imports an object of the other GPU, binds it, and stores to it over the fabric. */
static void import_setup(struct state *state)
{
	sweep_new_syncobj(state);
	state->exporter = device_open(0);
}

static void import_before(struct state *state)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };

	spot_object(&state->more, state->exporter, NULL, 64 * KB, BO_VRAM);
	prime.handle = state->more.bo.handle;
	check_eq(device_ioctl(state->exporter, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), 0);
	state->fd = prime.fd;
	state->spot = (struct spot){ .va = NEW_VA, .bytes = 64 * KB };
}

static int import_act(struct state *state)
{
	struct drm_prime_handle prime = { .fd = state->fd };
	int err = device_ioctl(state->world.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	if (!err)
		state->spot.bo = (struct bo){ .fd = state->world.fd, .handle = prime.handle,
					      .bytes = 64 * KB };

	return err;
}

static void import_end(struct state *state)
{
	if (state->spot.bo.handle)
		bo_destroy(&state->spot.bo);
	close(state->fd);
	spot_free(&state->more);
}

static void import_after(struct state *state, int err)
{
	if (!err) {
		world_map(&state->world, &state->spot);
		check(world_reaches(&state->world, NEW_VA, state->more.cpu));
		vm_unmap(&state->world.vm, NEW_VA, 64 * KB);
	}
	import_end(state);
}

SCENARIO(prime_import, .gpu = 1, .setup = import_setup, .before = import_before,
	 .act = import_act, .after = import_after)

static void import_bind_before(struct state *state)
{
	import_before(state);
	must(import_act(state), "import");
}

static void import_bind_after(struct state *state, int err)
{
	sweep_check_syncobj(state, err);
	check_that(world_reaches(&state->world, NEW_VA, state->more.cpu) == !err,
		   "the bind gave %d, and its address is %smapped", err, err ? "" : "not ");
	if (!err)
		vm_unmap(&state->world.vm, NEW_VA, 64 * KB);
	import_end(state);
}

SCENARIO(prime_bind, .gpu = 1, .setup = import_setup, .before = import_bind_before,
	 .act = bind_act, .after = import_bind_after, .errors = { ENOSPC })

/* --- memory that is short for a while --------------------------------------------------- */

/* Nothing below @worker can be allocated when the job begins; later it can. */
static void starve(const struct scenario *scenario, void (*cause)(struct state *state))
{
	struct drm_xe_sync sync;
	struct state state;
	struct world *world = &state.world;

	sweep_need_injection();
	sweep_begin(scenario, &state);
	if (scenario->before)
		scenario->before(&state);
	inject_all_below(scenario->worker);
	cause(&state);
	sync = world_out_sync(world);
	state.value = ++world->value;
	world_write_store(world, state.spot.va, state.value);
	must(queue_exec(&world->queue, world->batch.va, &sync, 1), "EXEC");
	usleep(300000);
	check_that(*world->fence != world->fence_value, "the job has ended without memory");
	check_that(inject_below_done(), "nothing was allocated below %s", scenario->worker);
	must(world_wait(world), "waiting for EXEC");
	check_eq(state.spot.cpu[0], state.value);
	world_check(world);
	state.spot.cpu = NULL;
	sweep_end(&state);
}

static void no_cause(struct state *state)
{
	state->spot.va = (uintptr_t)state->spot.cpu;
}

static void svm_starved(void)
{
	starve(&svm_fault_scenario, no_cause);
}

static void userptr_cause(struct state *state)
{
	state->spot = state->world.spots[3];
	check(!madvise((void *)state->spot.cpu, state->spot.bytes, MADV_DONTNEED));
}

static void rebind_starved(void)
{
	starve(&rebind_userptr_scenario, userptr_cause);
}

/* --- each function ------------------------------------------------------------------------- */

/* Where each function is called that may fail. */
static const struct caller {
	const char *function;
	const struct scenario *scenario;
} callers[] = {
	{ "svmgpu_pt_init", &vm_create_scenario },
	{ "svmgpu_svm_init", &vm_create_scenario },
	{ "svmgpu_svm_mm_get", &vm_create_fault_scenario },
	{ "svmgpu_pagemap_acquire_owner", &vm_create_fault_scenario },
	{ "svmgpu_pagemap_get", &vm_create_fault_scenario },
	{ "svmgpu_exec_queue_create_bind", &queue_create_bind_scenario },
	{ "svmgpu_sched_init", &queue_create_scenario },
	{ "svmgpu_context_init", &queue_create_wide_scenario },
	{ "svmgpu_preempt_prepare", &queue_create_lr_scenario },
	{ "svmgpu_preempt_add_queue", &queue_create_lr_scenario },
	{ "svmgpu_bo_create", &gem_create_local_scenario },
	{ "svmgpu_vram_alloc", &gem_create_vram_scenario },
	{ "svmgpu_migrate_bo_clear", &gem_create_vram_scenario },
	{ "svmgpu_system_alloc", &gem_create_system_scenario },
	{ "svmgpu_tt_populate", &gem_create_system_scenario },
	{ "svmgpu_bo_validate", &bind_map_scenario },
	{ "svmgpu_validation_lock", &bind_map_scenario },
	{ "svmgpu_vma_create", &bind_map_scenario },
	{ "svmgpu_pt_stage", &bind_map_scenario },
	{ "bind_link", &bind_map_scenario },
	{ "svmgpu_userptr_insert", &bind_userptr_scenario },
	{ "svmgpu_userptr_pin", &bind_userptr_scenario },
	{ "svmgpu_vma_create_part", &bind_split_scenario },
	{ "svmgpu_bind_plan", &bind_array_scenario },
	{ "svmgpu_bind_job_create", &bind_async_scenario },
	{ "svmgpu_bind_job_add_ranges", &bind_async_scenario },
	{ "svmgpu_bind_job_add_resv", &bind_async_scenario },
	{ "svmgpu_pt_list_alloc", &bind_async_one_scenario },
	{ "svmgpu_bo_migrate", &bind_prefetch_scenario },
	{ "svmgpu_migrate_bo_copy", &bind_prefetch_scenario },
	{ "svmgpu_user_fence_create", &bind_lr_scenario },
	{ "svmgpu_vm_revalidate", &bind_lr_scenario },
	{ "svmgpu_vm_lock_objects", &exec_scenario },
	{ "svmgpu_vm_validate", &exec_scenario },
	{ "svmgpu_job_create", &exec_scenario },
	{ "svmgpu_sync_parse", &exec_syncs_scenario },
	{ "svmgpu_sync_add_deps", &exec_syncs_scenario },
	{ "svmgpu_sync_in_fence", &exec_none_scenario },
	{ "svmgpu_vm_userptr_pin", &exec_userptr_scenario },
	{ "svmgpu_svm_prefetch", &svm_prefetch_scenario },
	{ "svmgpu_svm_commit", &svm_prefetch_scenario },
	{ "pagemap_populate_mm", &svm_prefetch_scenario },
	{ "svmgpu_pagemap_evict_bo", &evict_svm_scenario },
	{ "svmgpu_vma_split_range", &madvise_location_scenario },
	{ "svmgpu_vma_zap_range", &madvise_atomic_scenario },
	{ "svmgpu_prime_export", &prime_export_scenario },
	{ "svmgpu_prime_import", &prime_import_scenario },
	{ "svmgpu_prime_map", &prime_bind_scenario },
};

#define NUM_CALLERS	(sizeof(callers) / sizeof(*callers))

static const struct scenario *caller_of(const char *function)
{
	for (unsigned int i = 0; i < NUM_CALLERS; i++) {
		if (!strcmp(callers[i].function, function))
			return callers[i].scenario;
	}
	subtest_fail(__FILE__, __LINE__, "no scenario is known to call %s", function);
}

/* One world for the functions that follow each other with the same scenario. */
static void each_function(void)
{
	const struct scenario *scenario = NULL;
	struct state state;
	unsigned int n;

	sweep_need_injection();
	inject_disarm_all();
	for (n = 0; inject_functions()[n]; n++) {
		const char *function = inject_functions()[n];
		const struct scenario *next = caller_of(function);
		unsigned int calls;
		int err;

		if (next != scenario && scenario)
			sweep_end(&state);
		if (next != scenario)
			sweep_begin(next, &state);
		scenario = next;
		if (scenario->before)
			scenario->before(&state);
		inject_arm(n, -ENOMEM);
		inject_calls();
		err = scenario->act(&state);
		calls = inject_calls_done();
		inject_disarm(n);
		subtest_info("%s: %u calls failed, %s", function, calls,
			     err ? strerror(-err) : "success");
		check_that(calls, "%s was not called", function);
		sweep_round_end(scenario, &state, err);
	}
	sweep_end(&state);
	check_that(n == NUM_CALLERS, "%u functions can be made to fail, not %zu", n, NUM_CALLERS);
}

static const struct subtest subtests[] = {
	{ "file-open", file_open_sweep, "opening a GPU" },
	{ "vm-create", vm_create_sweep, "VM_CREATE" },
	{ "vm-create-lr", vm_create_lr_sweep, "VM_CREATE, long-running" },
	{ "vm-create-fault", vm_create_fault_sweep, "VM_CREATE, with faults" },
	{ "queue-create", queue_create_sweep, "EXEC_QUEUE_CREATE" },
	{ "queue-create-wide", queue_create_wide_sweep, "EXEC_QUEUE_CREATE with two contexts" },
	{ "queue-create-bind", queue_create_bind_sweep, "EXEC_QUEUE_CREATE of a bind queue" },
	{ "queue-create-lr", queue_create_lr_sweep, "EXEC_QUEUE_CREATE under preempt fences" },
	{ "queue-create-fault", queue_create_fault_sweep, "EXEC_QUEUE_CREATE in a VM with faults" },
	{ "gem-create-vram", gem_create_vram_sweep, "GEM_CREATE in VRAM" },
	{ "gem-create-system", gem_create_system_sweep, "GEM_CREATE in system memory" },
	{ "gem-create-local", gem_create_local_sweep, "GEM_CREATE of a local object" },
	{ "mmap-fault", mmap_fault_sweep, "the CPU's first touch of an object" },
	{ "evict", evict_sweep, "GEM_CREATE that pushes another object out of VRAM" },
	{ "evict-svm", evict_svm_sweep, "GEM_CREATE that pushes process memory out of VRAM" },
	{ "bind-map", bind_map_sweep, "VM_BIND of an object" },
	{ "bind-userptr", bind_userptr_sweep, "VM_BIND of a userptr without pages" },
	{ "bind-unmap", bind_unmap_sweep, "VM_BIND that unmaps" },
	{ "bind-unmap-all", bind_unmap_all_sweep, "VM_BIND that unmaps an object everywhere" },
	{ "bind-split", bind_split_sweep, "VM_BIND that cuts a hole into a large leaf" },
	{ "bind-split-userptr", bind_split_userptr_sweep, "VM_BIND that cuts a hole into a userptr" },
	{ "bind-array", bind_array_sweep, "VM_BIND of an array of operations" },
	{ "bind-async", bind_async_sweep, "VM_BIND of an array behind a fence" },
	{ "bind-async-one", bind_async_one_sweep, "VM_BIND of an object behind a fence" },
	{ "bind-none", bind_none_sweep, "VM_BIND with syncs only" },
	{ "bind-prefetch", bind_prefetch_sweep, "VM_BIND that moves an object" },
	{ "bind-lr", bind_lr_sweep, "VM_BIND of an external object under preempt fences" },
	{ "exec", exec_sweep, "EXEC" },
	{ "exec-lr", exec_lr_sweep, "EXEC, long-running" },
	{ "exec-fault", exec_fault_sweep, "EXEC in a VM with faults" },
	{ "exec-syncs", exec_syncs_sweep, "EXEC with fences, syncobjs and a timeline" },
	{ "exec-none", exec_none_sweep, "EXEC with syncs only" },
	{ "exec-userptr", exec_userptr_sweep, "EXEC after the pages of a userptr are gone" },
	{ "exec-external", exec_external_sweep, "EXEC after another VM has moved an object" },
	{ "exec-evicted", exec_evicted_sweep, "EXEC after everything was evicted" },
	{ "rebind-userptr", rebind_userptr_sweep, "the rebind worker, pages of a userptr" },
	{ "rebind-evicted", rebind_evicted_sweep, "the rebind worker, evicted objects" },
	{ "svm-fault", svm_fault_sweep, "the fault worker, new memory of the process" },
	{ "object-fault", object_fault_sweep, "the fault worker, evicted objects and userptrs" },
	{ "svm-prefetch", svm_prefetch_sweep, "VM_BIND that prefetches memory of the process" },
	{ "cpu-fault", cpu_fault_sweep, "the CPU takes pages back from VRAM" },
	{ "madvise-location", madvise_location_sweep, "MADVISE that splits a mirror" },
	{ "madvise-atomic", madvise_atomic_sweep, "MADVISE of an object that is mapped" },
	{ "query", query_sweep, "VM_QUERY_MEM_RANGE_ATTRS" },
	{ "prime-export", prime_export_sweep, "export of an object" },
	{ "prime-import", prime_import_sweep, "import of an object of another GPU" },
	{ "prime-bind", prime_bind_sweep, "VM_BIND of an imported object" },
	{ "svm-starved", svm_starved, "a fault waits for memory that is short for a while" },
	{ "rebind-starved", rebind_starved, "so does the rebind worker" },
	{ "each-function", each_function, "each function that may fail, whenever it is called" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Failure sweeps: allocations and functions fail in turn; "
			    "errors are documented ones, and the VM works on.", subtests);
}

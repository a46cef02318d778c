// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VM with a queue and a few mappings.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "batch.h"
#include "device.h"
#include "subtest.h"
#include "world.h"

#define BATCH_VA	0x00100000ull
#define SPOTS_VA	0x00400000ull
#define SPOT_STRIDE	0x00400000ull
#define BATCH_BYTES	8192
#define FENCE_OFFSET	4096
#define VA_BITS		48

static const uint32_t vm_flags[WORLD_KINDS] = {
	[WORLD_FENCES] = DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE,
	[WORLD_PREEMPT] = DRM_XE_VM_CREATE_FLAG_SCRATCH_PAGE | DRM_XE_VM_CREATE_FLAG_LR_MODE,
	[WORLD_FAULTS] = DRM_XE_VM_CREATE_FLAG_LR_MODE | DRM_XE_VM_CREATE_FLAG_FAULT_MODE,
};

static void must(int err, const char *what)
{
	check_that(!err, "%s: %s", what, strerror(-err));
}

void spot_object(struct spot *spot, int fd, const struct vm *vm, uint64_t bytes,
		 enum bo_place place)
{
	spot->bo = bo_create(fd, vm, bytes, place);
	spot->bytes = bytes;
	spot->cpu = bo_map(&spot->bo);
}

void spot_memory(struct spot *spot, uint64_t bytes)
{
	spot->bo = (struct bo){ .fd = -1 };
	spot->bytes = bytes;
	spot->cpu = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(spot->cpu != MAP_FAILED);
}

void spot_free(struct spot *spot)
{
	if (spot->bo.handle)
		bo_destroy(&spot->bo);
	else
		munmap((void *)spot->cpu, spot->bytes);
	spot->cpu = NULL;
}

struct drm_xe_vm_bind_op spot_map_op(const struct spot *spot)
{
	struct drm_xe_vm_bind_op op;

	if (spot->bo.handle)
		op = op_map(spot->va, &spot->bo, 0, spot->bytes);
	else
		op = op_userptr(spot->va, (const void *)spot->cpu, spot->bytes);
	op.flags |= DRM_XE_VM_BIND_FLAG_IMMEDIATE;

	return op;
}

void world_map(struct world *world, const struct spot *spot)
{
	vm_bind_now(&world->vm, spot_map_op(spot));
}

struct drm_xe_sync world_out_sync(struct world *world)
{
	if (world->kind == WORLD_FENCES) {
		syncobj_reset(world->fd, world->syncobj);
		return sync_out(world->syncobj);
	}

	return sync_out_user_fence(world->batch.va + FENCE_OFFSET, ++world->fence_value);
}

int world_wait(struct world *world)
{
	if (world->kind != WORLD_FENCES)
		return user_fence_wait(world->fd, world->queue.id, world->fence,
				       world->fence_value, SYNC_TIMEOUT_NS);
	syncobj_wait(world->fd, world->syncobj);

	return syncobj_error(world->fd, world->syncobj);
}

void world_write_store(struct world *world, uint64_t va, uint32_t value)
{
	struct batch batch;

	batch_init_at(&batch, (void *)world->batch.cpu, world->batch.va, FENCE_OFFSET / 4);
	batch_store_dword(&batch, va, value);
	batch_end(&batch);
}

int world_store(struct world *world, uint64_t va, uint32_t value)
{
	struct drm_xe_sync sync = world_out_sync(world);
	int err;

	world_write_store(world, va, value);
	err = queue_exec(&world->queue, world->batch.va, &sync, 1);

	return err ? err : world_wait(world);
}

bool world_reaches(struct world *world, uint64_t va, volatile uint32_t *cpu)
{
	*cpu = 0;
	must(world_store(world, va, ++world->value), "store by the GPU");

	return *cpu == world->value;
}

void world_probe(struct world *world, struct probe *probes, unsigned int count)
{
	struct drm_xe_sync sync = world_out_sync(world);
	struct batch batch;

	/* a value for each: two may be the same place */
	batch_init_at(&batch, (void *)world->batch.cpu, world->batch.va, FENCE_OFFSET / 4);
	for (unsigned int i = 0; i < count; i++) {
		*probes[i].cpu = 0;
		batch_store_dword(&batch, probes[i].va, world->value + 1 + i);
	}
	batch_end(&batch);
	must(queue_exec(&world->queue, world->batch.va, &sync, 1), "EXEC");
	must(world_wait(world), "waiting for EXEC");
	for (unsigned int i = 0; i < count; i++)
		probes[i].reached = *probes[i].cpu == ++world->value;
}

void world_check(struct world *world)
{
	struct probe probes[2 * WORLD_SPOTS];

	for (unsigned int i = 0; i < world->num_spots; i++) {
		struct spot *spot = &world->spots[i];

		probes[2 * i] = (struct probe){ spot->va, spot->cpu, false };
		probes[2 * i + 1] = (struct probe){
			spot->va + spot->bytes - 4, spot->cpu + spot->bytes / 4 - 1, false,
		};
	}
	world_probe(world, probes, 2 * world->num_spots);
	for (unsigned int i = 0; i < 2 * world->num_spots; i++)
		check_that(probes[i].reached, "the %s of %s is not reached",
			   i % 2 ? "end" : "beginning", world->spots[i / 2].name);
}

static struct spot *add_spot(struct world *world, const char *name)
{
	struct spot *spot = &world->spots[world->num_spots];

	spot->name = name;
	spot->va = SPOTS_VA + world->num_spots++ * SPOT_STRIDE;

	return spot;
}

/* The batch is where the GPU finds it from its first job on. */
static void make_batch(struct world *world)
{
	struct spot *batch = &world->batch;

	batch->name = "the batch";
	if (world->kind == WORLD_FAULTS) {
		spot_memory(batch, BATCH_BYTES);
		batch->va = (uintptr_t)batch->cpu;
		vm_bind_now(&world->vm, op_mirror(0, 1ull << VA_BITS));
	} else {
		spot_object(batch, world->fd, &world->vm, BATCH_BYTES, BO_SYSTEM);
		batch->va = BATCH_VA;
		world_map(world, batch);
	}
	world->fence = (uint64_t *)((char *)batch->cpu + FENCE_OFFSET);
}

void world_init(struct world *world, enum world_kind kind, int gpu)
{
	*world = (struct world){ .kind = kind, .fd = device_open(gpu) };
	world->syncobj = syncobj_create(world->fd);
	world->vm = vm_create(world->fd, vm_flags[kind]);
	world->queue = queue_create(&world->vm, DRM_XE_ENGINE_CLASS_COPY, 0);
	make_batch(world);

	spot_object(add_spot(world, "a local object in VRAM"), world->fd, &world->vm,
		    WORLD_SPOT_BYTES, BO_VRAM);
	spot_object(add_spot(world, "an external object"), world->fd, NULL, WORLD_SPOT_BYTES,
		    BO_ANY);
	spot_object(add_spot(world, "an object in system memory"), world->fd, &world->vm,
		    WORLD_SPOT_BYTES, BO_SYSTEM);
	spot_memory(add_spot(world, "a userptr"), WORLD_SPOT_BYTES);
	for (unsigned int i = 0; i < world->num_spots; i++)
		world_map(world, &world->spots[i]);
	world_check(world);
}

void world_fini(struct world *world)
{
	queue_destroy(&world->queue);
	vm_destroy(&world->vm);
	for (unsigned int i = 0; i < world->num_spots; i++)
		spot_free(&world->spots[i]);
	spot_free(&world->batch);
	syncobj_destroy(world->fd, world->syncobj);
	close(world->fd);
}

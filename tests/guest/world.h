/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world: one VM of any kind with a queue and a few mappings, which can be asked
 * at any time whether it still works. "Works" is what a program sees: the GPU's
 * stores through each mapping arrive where the CPU reads them.
 *
 * VMs without faults have a scratch page, so that a store to where nothing is
 * mapped is dropped: whether something is mapped can be asked without harm.
 */
#ifndef TESTS_GUEST_WORLD_H
#define TESTS_GUEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "bo.h"
#include "queue.h"
#include "sync.h"
#include "vm.h"

#define WORLD_SPOTS		4
#define WORLD_SPOT_BYTES	(64 * 1024)

enum world_kind { WORLD_FENCES, WORLD_PREEMPT, WORLD_FAULTS, WORLD_KINDS };

/** struct spot - memory that the GPU and the CPU both see */
struct spot {
	/** @name: of its kind */
	const char *name;
	/** @bo: object; without a handle it is memory of the process */
	struct bo bo;
	/** @va: GPU address */
	uint64_t va;
	/** @cpu: the same memory */
	volatile uint32_t *cpu;
	/** @bytes: of it */
	uint64_t bytes;
};

/** struct world - a VM and what it needs to work */
struct world {
	/** @kind: of the VM */
	enum world_kind kind;
	/** @fd: DRM file */
	int fd;
	/** @vm: the VM */
	struct vm vm;
	/** @queue: copy-engine queue */
	struct queue queue;
	/** @syncobj: of the newest job, where jobs have fences */
	uint32_t syncobj;
	/** @batch: where batches are written, also seen by the GPU */
	struct spot batch;
	/** @fence: user fence, where jobs have none of their own; behind the batch */
	uint64_t *fence;
	/** @fence_value: of the newest job */
	uint64_t fence_value;
	/** @value: stored last: each store stores another */
	uint32_t value;
	/** @spots: mapped all the time */
	struct spot spots[WORLD_SPOTS];
	/** @num_spots: of them */
	unsigned int num_spots;
};

/* On the @gpu-th GPU; skips the subtest when there is none. */
void world_init(struct world *world, enum world_kind kind, int gpu);
void world_fini(struct world *world);

/* An object with a CPU mapping; @vm NULL for an external one. */
void spot_object(struct spot *spot, int fd, const struct vm *vm, uint64_t bytes,
		 enum bo_place place);
/* Anonymous memory. */
void spot_memory(struct spot *spot, uint64_t bytes);
void spot_free(struct spot *spot);
/* Maps it at its address, at once also where mappings are made by faults. */
struct drm_xe_vm_bind_op spot_map_op(const struct spot *spot);

/* Maps, and waits until it is done. */
void world_map(struct world *world, const struct spot *spot);

/* Writes a batch that stores @value at @va; it is at @world->batch.va. */
void world_write_store(struct world *world, uint64_t va, uint32_t value);
/* What a job of @world signals: a syncobj or a user fence. */
struct drm_xe_sync world_out_sync(struct world *world);
/* Waits for the newest job, which was submitted with world_out_sync(). 0 or -errno. */
int world_wait(struct world *world);
/* A store by the GPU, waited for: 0 or -errno. */
int world_store(struct world *world, uint64_t va, uint32_t value);
/* Does a store at @va arrive at @cpu? The submission must succeed. */
bool world_reaches(struct world *world, uint64_t va, volatile uint32_t *cpu);
/** struct probe - where a store of the GPU may arrive */
struct probe {
	/** @va: GPU address */
	uint64_t va;
	/** @cpu: where it should be seen */
	volatile uint32_t *cpu;
	/** @reached: it was */
	bool reached;
};

/* The same for several places, in one job. */
void world_probe(struct world *world, struct probe *probes, unsigned int count);
/* Everything that is mapped all the time must be reached. */
void world_check(struct world *world);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The MIGRATION ring: copies, fills and page-table writes by the GPU's own copy
 * engine, which never waits for a faulting context. A *list* is DMA-able memory
 * with entries for one operation, allocated beforehand together with its fence;
 * submitting a list allocates nothing and is legal in fence-signalling sections.
 * Work retires in order.
 */
#ifndef SVMGPU_MIGRATE_H
#define SVMGPU_MIGRATE_H

#include <linux/dma-fence.h>
#include <linux/irqreturn.h>
#include <linux/types.h>

#include "svmgpu_lock.h"
#include "svmgpu_ring.h"

struct svmgpu_device;
struct svmgpu_migrate_list;
struct ttm_buffer_object;
struct ttm_resource;

/** struct svmgpu_migration_ring - driver's side of the MIGRATION ring */
struct svmgpu_migration_ring {
	/** @header: shared memory, followed by the entries */
	struct svmgpu_ring_header *header;
	/** @entries: struct svmgpu_migration slots */
	struct svmgpu_migration *entries;
	/** @dma: DMA address of @header */
	dma_addr_t dma;
	/** @lock: orders producers; taken in interrupts */
	struct svmgpu_spinlock lock;
	/** @producer: next index, under @lock */
	u32 producer;
	/** @pending: submitted lists in ring order, under @lock */
	struct list_head pending;
	/** @fence_context: of the fences */
	u64 fence_context;
	/** @seqno: of the newest fence, under @lock */
	u64 seqno;
	/** @reserve: lists kept for work that must not fail (CPU faults, reclaim) */
	struct list_head reserve;
	/** @wq: waits for room and for idleness */
	wait_queue_head_t wq;
};

int svmgpu_migrate_init(struct svmgpu_device *dev);
void svmgpu_migrate_fini(struct svmgpu_device *dev);
irqreturn_t svmgpu_migrate_irq(int irq, void *arg);

/*
 * @op is COPY, FILL or PTE_WRITE; @capacity entries. May sleep as @gfp allows;
 * with __GFP_NOFAIL semantics emulated by the reserve when @gfp is GFP_NOWAIT:
 * then a smaller capacity than asked may be given (see svmgpu_migrate_list_room).
 */
struct svmgpu_migrate_list *svmgpu_migrate_list_alloc(struct svmgpu_device *dev,
						      enum svmgpu_migration_op op,
						      u32 capacity, gfp_t gfp);
void svmgpu_migrate_list_free(struct svmgpu_migrate_list *list);
u32 svmgpu_migrate_list_room(const struct svmgpu_migrate_list *list);
/* Physical addresses as in svmgpu_pte.h; neighbouring entries are merged. -ENOSPC when full. */
int svmgpu_migrate_add_copy(struct svmgpu_migrate_list *list, u64 src, u64 dst, u64 bytes);
int svmgpu_migrate_add_fill(struct svmgpu_migrate_list *list, u64 dst, u64 bytes);
int svmgpu_migrate_add_pte(struct svmgpu_migrate_list *list, u64 pte, u64 value, u32 count, u32 step);
/* After PTE writes (or copies) also flush; part of the same fence. */
void svmgpu_migrate_set_flush(struct svmgpu_migrate_list *list, u32 asid, u64 start, u64 end);
/*
 * Takes the list, returns its fence with a reference for the caller. The fence
 * signals with an error when the engine reported one or the device was lost.
 */
struct dma_fence *svmgpu_migrate_submit(struct svmgpu_device *dev, struct svmgpu_migrate_list *list,
					u64 fill_value);
/* Submits and waits: 0, -EIO, -ENODEV. */
int svmgpu_migrate_run(struct svmgpu_device *dev, struct svmgpu_migrate_list *list);

/* Buffer objects (resv held; fence published by the caller): */
struct dma_fence *svmgpu_migrate_bo_copy(struct ttm_buffer_object *bo, struct ttm_resource *from,
					 struct ttm_resource *to);
struct dma_fence *svmgpu_migrate_bo_clear(struct ttm_buffer_object *bo, struct ttm_resource *res);

#endif

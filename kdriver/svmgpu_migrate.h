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
#include <linux/wait.h>
#include <linux/workqueue.h>

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
	/** @results: what became of the descriptor in each slot */
	struct svmgpu_mig_result *results;
	/** @results_dma: DMA address of @results */
	dma_addr_t results_dma;
	/** @lock: orders producers; taken in interrupts (rank 83) */
	struct svmgpu_spinlock lock;
	/** @producer: next index, under @lock */
	u32 producer;
	/** @reaped: index of the first descriptor not known to have retired, under @lock */
	u32 reaped;
	/** @queued: submitted lists of which nothing is on the ring yet, under @lock */
	struct list_head queued;
	/** @pending: lists on the ring, in its order, under @lock */
	struct list_head pending;
	/** @pushing: the last of @pending, when a part of it found no room yet, under @lock */
	struct svmgpu_migrate_list *pushing;
	/** @signal_lock: fences signal in ring order; outside @lock and the fences' (rank 81) */
	struct svmgpu_spinlock signal_lock;
	/** @fence_context: of the fences */
	u64 fence_context;
	/** @seqno: of the newest fence, under @lock */
	u64 seqno;
	/** @reserve: lists kept for work that must not fail (CPU faults, reclaim), under @lock */
	struct list_head reserve;
	/** @spent: lists of the reserve that need a new fence first, under @lock */
	struct list_head spent;
	/** @refill: moves @spent back to @reserve */
	struct work_struct refill;
	/** @lost_work: does by the CPU what a lost device left undone */
	struct work_struct lost_work;
	/** @watchdog: looks whether the engine gets on */
	struct delayed_work watchdog;
	/** @watched: @reaped at its last look */
	u32 watched;
	/** @wq: waits for the reserve and for idleness */
	wait_queue_head_t wq;
};

/* Locks only; before anything may submit. */
void svmgpu_migrate_early_init(struct svmgpu_device *dev);
int svmgpu_migrate_init(struct svmgpu_device *dev);
void svmgpu_migrate_fini(struct svmgpu_device *dev);
irqreturn_t svmgpu_migrate_irq(int irq, void *arg);
/*
 * Device lost: the CPU copies and fills what was under way, page-table writes end
 * with -ENODEV. Process context, registers still mapped.
 */
void svmgpu_migrate_abort(struct svmgpu_device *dev);
/* The ring was emptied by a reset: what was under way is done again. */
void svmgpu_migrate_restart(struct svmgpu_device *dev);

/*
 * @op is COPY, FILL or PTE_WRITE; @capacity entries. NULL when there is no memory.
 * With a @gfp that must not block (GFP_NOWAIT) it never fails: it may give a smaller
 * capacity than asked (see svmgpu_migrate_list_room), out of a reserve, and it may
 * sleep until a list of the reserve comes back, but it never enters reclaim.
 */
struct svmgpu_migrate_list *svmgpu_migrate_list_alloc(struct svmgpu_device *dev,
						      enum svmgpu_migration_op op,
						      u32 capacity, gfp_t gfp);
void svmgpu_migrate_list_free(struct svmgpu_migrate_list *list);
u32 svmgpu_migrate_list_room(const struct svmgpu_migrate_list *list);
/* Physical addresses as in svmgpu_pte.h; neighbouring entries are merged. -ENOSPC when full. */
int svmgpu_migrate_add_copy(struct svmgpu_migrate_list *list, u64 src, u64 dst, u64 bytes);
int svmgpu_migrate_add_fill(struct svmgpu_migrate_list *list, u64 dst, u64 bytes);
int svmgpu_migrate_add_pte(struct svmgpu_migrate_list *list, u64 pte, u64 value, u32 count,
			   u32 step);
/* After PTE writes (or copies) also flush; part of the same fence. */
void svmgpu_migrate_set_flush(struct svmgpu_migrate_list *list, u32 asid, u64 start, u64 end);
/* The driver's name for the work in the event log. */
void svmgpu_migrate_set_cookie(struct svmgpu_migrate_list *list, u64 cookie);
/*
 * Takes the list, returns its fence with a reference for the caller. The fence
 * signals with an error when the engine reported one or the device was lost.
 */
struct dma_fence *svmgpu_migrate_submit(struct svmgpu_device *dev, struct svmgpu_migrate_list *list,
					u64 fill_value);
/* Submits and waits: 0, -EIO, -ENODEV. */
int svmgpu_migrate_run(struct svmgpu_device *dev, struct svmgpu_migrate_list *list);

/* The CPU does a list's work; see svmgpu_migrate_cpu.c. */
int svmgpu_migrate_by_cpu(struct svmgpu_device *dev, bool copy,
			  const struct svmgpu_mig_copy *entries, u32 count, u64 value);

/*
 * Buffer objects (resv held, idle; fence published by the caller). An ERR_PTR()
 * when there is no memory. Sleep.
 */
struct dma_fence *svmgpu_migrate_bo_copy(struct ttm_buffer_object *bo, struct ttm_resource *from,
					 struct ttm_resource *to);
struct dma_fence *svmgpu_migrate_bo_clear(struct ttm_buffer_object *bo, struct ttm_resource *res);

#endif

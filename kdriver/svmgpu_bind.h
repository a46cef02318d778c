/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One VM_BIND ioctl: what was asked for, what it does to the VM's partition into
 * gpu_vmas, and the page-table changes that follow. svmgpu_vm_bind.c tells the
 * steps.
 */
#ifndef SVMGPU_BIND_H
#define SVMGPU_BIND_H

#include <linux/bits.h>
#include <linux/kconfig.h>
#include <linux/list.h>
#include <linux/types.h>

struct dma_fence;
struct drm_xe_vm_bind_op;
struct svmgpu_bind_job;
struct svmgpu_bo;
struct svmgpu_exec_queue;
struct svmgpu_pt_update;
struct svmgpu_sync;
struct svmgpu_validation;
struct svmgpu_vm;
struct svmgpu_vma;
struct svmgpu_vma_source;

/* An operation with this flag fails, so that tests see the rollback; debug kernels only. */
#define SVMGPU_BIND_INJECT_ERROR	BIT(31)
#define SVMGPU_BIND_INJECT_ALLOWED	IS_ENABLED(CONFIG_PROVE_LOCKING)

/** enum svmgpu_bind_stage - where an injected error strikes */
enum svmgpu_bind_stage {
	/** @SVMGPU_BIND_STAGE_PLAN: the partition is changed */
	SVMGPU_BIND_STAGE_PLAN,
	/** @SVMGPU_BIND_STAGE_LOCK: objects are locked and resident */
	SVMGPU_BIND_STAGE_LOCK,
	/** @SVMGPU_BIND_STAGE_COMMIT: everything is staged */
	SVMGPU_BIND_STAGE_COMMIT,
	/** @SVMGPU_BIND_STAGES: number of them */
	SVMGPU_BIND_STAGES,
};

/** struct svmgpu_bind_interval - part of the address space whose entries will be written */
struct svmgpu_bind_interval {
	/** @start: first byte */
	u64 start;
	/** @end: first byte behind */
	u64 end;
};

/** struct svmgpu_bind - one VM_BIND ioctl */
struct svmgpu_bind {
	/** @vm: the VM */
	struct svmgpu_vm *vm;
	/** @queue: bind queue */
	struct svmgpu_exec_queue *queue;
	/** @ops: operations as user space gave them */
	struct drm_xe_vm_bind_op *ops;
	/** @bos: objects of @ops (referenced) or NULL */
	struct svmgpu_bo **bos;
	/** @num_ops: number of both */
	u32 num_ops;
	/** @syncs: parsed syncs */
	struct svmgpu_sync *syncs;
	/** @num_syncs: number of them */
	u32 num_syncs;
	/** @ufence: sync that is a user fence, or NULL */
	struct svmgpu_sync *ufence;
	/** @created: new gpu_vmas in the partition */
	struct list_head created;
	/** @removed: gpu_vmas taken out of it that existed before */
	struct list_head removed;
	/** @stillborn: made and removed again by the same ioctl */
	struct list_head stillborn;
	/** @touched: what to write; sorted and merged by svmgpu_bind_merge() */
	struct svmgpu_bind_interval *touched;
	/** @num_touched: length of it */
	u32 num_touched;
	/** @max_touched: room in it */
	u32 max_touched;
	/** @prefetches: there is a prefetch among @ops */
	bool prefetches;
	/** @inject: an error is wanted at @inject_stage */
	bool inject;
	/** @inject_stage: where */
	enum svmgpu_bind_stage inject_stage;
	/** @updates: staged changes, one for each interval */
	struct svmgpu_pt_update *updates;
	/** @sources: of @updates */
	struct svmgpu_vma_source *sources;
	/** @job: page-table job, or NULL when the CPU writes */
	struct svmgpu_bind_job *job;
	/** @fence: of the job, or NULL */
	struct dma_fence *fence;
	/** @behind_user: svmgpu_bind_job.behind_user of the job */
	bool behind_user;
	/** @trace_id: name in the event log */
	u32 trace_id;
};

/* Injected error, if this is the place for it. */
static inline int svmgpu_bind_inject(const struct svmgpu_bind *bind,
				     enum svmgpu_bind_stage stage)
{
	return bind->inject && bind->inject_stage == stage ? -ENOSPC : 0;
}

/* VM lock held for write. Applies all operations to the partition; undo after errors too. */
int svmgpu_bind_plan(struct svmgpu_bind *bind);
void svmgpu_bind_undo(struct svmgpu_bind *bind);
int svmgpu_bind_touch(struct svmgpu_bind *bind, u64 start, u64 end);
/* Sorts and merges what was touched; the partition is final. */
void svmgpu_bind_merge(struct svmgpu_bind *bind);

/* Makes the page tables say what the partition says: svmgpu_bind_execute.c */
int svmgpu_bind_execute(struct svmgpu_bind *bind);
int svmgpu_bind_pin_vma(struct svmgpu_vma *vma);

/* Prefetches among the operations, step by step: svmgpu_bind_prefetch.c */
int svmgpu_bind_prefetch_mirrors(struct svmgpu_bind *bind);
int svmgpu_bind_prefetch_touch(struct svmgpu_bind *bind);
int svmgpu_bind_prefetch_pin(struct svmgpu_bind *bind);
int svmgpu_bind_prefetch_lock(struct svmgpu_bind *bind, struct svmgpu_validation *v);
int svmgpu_bind_prefetch_move(struct svmgpu_bind *bind);
int svmgpu_bind_prefetch_check(struct svmgpu_bind *bind);
void svmgpu_bind_prefetch_done(struct svmgpu_bind *bind, bool committed);

#endif

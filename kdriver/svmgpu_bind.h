/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page-table jobs: the asynchronous half of VM_BIND. The VM's partition changes
 * in the ioctl, in submission order; a job only writes the entries, later, when
 * its in-syncs have signalled. Jobs of one bind queue run in order; jobs of
 * different queues do when their address ranges overlap, which *range fences*
 * tell.
 */
#ifndef SVMGPU_BIND_H
#define SVMGPU_BIND_H

#include <linux/interval_tree_generic.h>
#include <linux/list.h>
#include <linux/types.h>

#include <drm/gpu_scheduler.h>

struct dma_fence;
struct dma_resv;
struct drm_xe_vm_bind_op;
struct svmgpu_bo;
struct svmgpu_exec_queue;
struct svmgpu_migrate_list;
struct svmgpu_pt_update;
struct svmgpu_sync;
struct svmgpu_vm;
struct svmgpu_vma_source;

/** struct svmgpu_range_fence - [@first, @last] is being written until @fence signals */
struct svmgpu_range_fence {
	/** @rb: svmgpu_vm.range_fences */
	struct rb_node rb;
	/** @first: first byte */
	u64 first;
	/** @last: last byte */
	u64 last;
	/** @subtree_last: of the interval tree */
	u64 subtree_last;
	/** @fence: of the job */
	struct dma_fence *fence;
	/** @link: collects signalled ones */
	struct list_head link;
};

/** struct svmgpu_bind_job - one page-table job */
struct svmgpu_bind_job {
	/** @base: of the bind queue's scheduler */
	struct drm_sched_job base;
	/** @vm: the VM (referenced) */
	struct svmgpu_vm *vm;
	/** @queue: the bind queue (referenced) */
	struct svmgpu_exec_queue *queue;
	/** @list: work for the copy engine; NULL once submitted */
	struct svmgpu_migrate_list *list;
	/** @detached: tables to free when it is done */
	struct list_head detached;
	/** @ranges: range fences that are not in the tree yet */
	struct svmgpu_range_fence **ranges;
	/** @num_ranges: entries of @ranges */
	u32 num_ranges;
	/** @trace_id: name of the bind in the event log */
	u32 trace_id;
};

extern const struct drm_sched_backend_ops svmgpu_bind_sched_ops;

/* VM lock held. Is an unfinished job writing in [first, last]? */
bool svmgpu_bind_pending(struct svmgpu_vm *vm, u64 first, u64 last);
/* VM lock held, resvs allowed. Waits until none is: 0 or -EINTR. */
int svmgpu_bind_wait(struct svmgpu_vm *vm, u64 first, u64 last);

/*
 * A job takes three steps: create (with its list, dependencies still to be
 * added), then either destroy or submit. VM lock held for write.
 */
struct svmgpu_bind_job *svmgpu_bind_job_create(struct svmgpu_vm *vm,
					       struct svmgpu_exec_queue *queue,
					       struct svmgpu_pt_update *updates, u32 count);
/* The jobs whose ranges overlap those of @updates, and the fences of @resv (KERNEL). */
int svmgpu_bind_job_add_ranges(struct svmgpu_bind_job *job, struct svmgpu_pt_update *updates,
			       u32 count);
int svmgpu_bind_job_add_resv(struct svmgpu_bind_job *job, struct dma_resv *resv);
void svmgpu_bind_job_destroy(struct svmgpu_bind_job *job);
/*
 * Point of no return: commits @updates to the job's list and gives it to the
 * scheduler. Resvs and notifier lock held; allocates nothing. Returns the fence
 * with a reference; the caller publishes it before it drops the notifier lock.
 */
struct dma_fence *svmgpu_bind_job_submit(struct svmgpu_bind_job *job,
					 struct svmgpu_pt_update *updates, u32 count);
/* VM is gone or idle: drops every range fence. */
void svmgpu_bind_forget(struct svmgpu_vm *vm);

/* --- one VM_BIND ioctl: svmgpu_bind_plan.c, svmgpu_vm_bind.c --------------------- */

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

#endif

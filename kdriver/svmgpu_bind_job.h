/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page-table jobs: the asynchronous half of VM_BIND. The VM's partition changes
 * in the ioctl, in submission order; a job only writes the entries, later, when
 * its in-syncs have signalled. Jobs of one bind queue run in order; jobs of
 * different queues do when their address ranges overlap, which *range fences*
 * tell.
 */
#ifndef SVMGPU_BIND_JOB_H
#define SVMGPU_BIND_JOB_H

#include <linux/interval_tree_generic.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>

#include <drm/gpu_scheduler.h>

struct dma_fence;
struct dma_resv;
struct svmgpu_exec_queue;
struct svmgpu_migrate_list;
struct svmgpu_pt_update;
struct svmgpu_vm;

/** struct svmgpu_fenced_range - [@first, @last] is being written by a job */
struct svmgpu_fenced_range {
	/** @rb: svmgpu_vm.range_fences.tree */
	struct rb_node rb;
	/** @first: first byte */
	u64 first;
	/** @last: last byte */
	u64 last;
	/** @subtree_last: of the interval tree */
	u64 subtree_last;
	/** @owner: the job's */
	struct svmgpu_range_fence *owner;
};

/** struct svmgpu_range_fence - what one job writes until @fence signals */
struct svmgpu_range_fence {
	/** @done_link: svmgpu_vm.range_fences.done */
	struct llist_node done_link;
	/** @fence: of the job; NULL until it is submitted */
	struct dma_fence *fence;
	/** @behind_user: svmgpu_bind_job.behind_user */
	bool behind_user;
	/** @count: entries of @ranges */
	u32 count;
	/** @ranges: one for each update */
	struct svmgpu_fenced_range ranges[] __counted_by(count);
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
	/** @range_fence: what it writes; in the VM's tree once submitted */
	struct svmgpu_range_fence *range_fence;
	/**
	 * @behind_user: it waits, perhaps through other jobs, for an in-sync, that is
	 * for something that user space may yet have to do
	 */
	bool behind_user;
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
/* No job is left: the rest of the range fences goes. */
void svmgpu_bind_forget(struct svmgpu_vm *vm);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Page-table jobs and range fences.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/error-injection.h>
#include <linux/slab.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_migrate.h"
#include "svmgpu_pt.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

#define RANGE_FIRST(node)	((node)->first)
#define RANGE_LAST(node)	((node)->last)

INTERVAL_TREE_DEFINE(struct svmgpu_fenced_range, rb, u64, subtree_last, RANGE_FIRST, RANGE_LAST,
		     static, range_tree);

/* --- range fences ------------------------------------------------------------ */

static struct svmgpu_range_fence *range_fence_alloc(const struct svmgpu_pt_update *updates,
						    u32 count)
{
	struct svmgpu_range_fence *fence;
	u32 i;

	fence = kvzalloc_flex(*fence, ranges, count, GFP_KERNEL_ACCOUNT);
	if (!fence)
		return NULL;
	fence->count = count;
	for (i = 0; i < count; i++) {
		fence->ranges[i].first = updates[i].first;
		fence->ranges[i].last = updates[i].last;
		fence->ranges[i].owner = fence;
	}
	return fence;
}

static void range_fence_free(struct svmgpu_range_fence *fence)
{
	if (!fence)
		return;
	dma_fence_put(fence->fence);
	kvfree(fence);
}

/* VM lock held for write. Allocates nothing. */
static void range_fence_insert(struct svmgpu_vm *vm, struct svmgpu_range_fence *fence)
{
	u32 i;

	for (i = 0; i < fence->count; i++)
		range_tree_insert(&fence->ranges[i], &vm->range_fences.tree);
}

/*
 * Any context: the job has ended. The VM lock cannot be taken here, because who
 * holds it may wait for jobs: the next job that is made clears up.
 */
static void range_fence_done(struct svmgpu_vm *vm, struct svmgpu_range_fence *fence)
{
	llist_add(&fence->done_link, &vm->range_fences.done);
}

/*
 * VM lock held for write, or nobody else has the VM. What ended since the last time
 * leaves the tree, in whatever order it ended; what is pending costs nothing.
 */
static void range_fences_prune(struct svmgpu_vm *vm)
{
	struct svmgpu_range_fence *fence, *next;
	u32 i;

	llist_for_each_entry_safe(fence, next, llist_del_all(&vm->range_fences.done), done_link) {
		for (i = 0; i < fence->count; i++)
			range_tree_remove(&fence->ranges[i], &vm->range_fences.tree);
		range_fence_free(fence);
	}
}

/**
 * svmgpu_bind_pending() - is an unfinished job writing in a range
 * @vm: the VM, lock held
 * @first: first byte
 * @last: last byte
 *
 * Return: true when there is one.
 */
bool svmgpu_bind_pending(struct svmgpu_vm *vm, u64 first, u64 last)
{
	struct svmgpu_fenced_range *range;

	for (range = range_tree_iter_first(&vm->range_fences.tree, first, last); range;
	     range = range_tree_iter_next(range, first, last))
		if (!dma_fence_is_signaled(range->owner->fence))
			return true;
	return false;
}

/**
 * svmgpu_bind_wait() - waits until no unfinished job writes in a range
 * @vm: the VM, lock held
 * @first: first byte
 * @last: last byte
 *
 * Context: may sleep; resvs may be held, no notifier lock.
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_bind_wait(struct svmgpu_vm *vm, u64 first, u64 last)
{
	struct svmgpu_fenced_range *range;

	for (range = range_tree_iter_first(&vm->range_fences.tree, first, last); range;
	     range = range_tree_iter_next(range, first, last))
		if (dma_fence_wait(range->owner->fence, true))
			return -EINTR;
	return 0;
}

/**
 * svmgpu_bind_forget() - drops the range fences of a VM that is going
 * @vm: the VM; all its jobs have ended, because each has a reference to it
 *
 * Context: nobody else has the VM; may sleep.
 */
void svmgpu_bind_forget(struct svmgpu_vm *vm)
{
	range_fences_prune(vm);
	WARN_ON(!RB_EMPTY_ROOT(&vm->range_fences.tree.rb_root));
}

/* --- jobs ---------------------------------------------------------------------- */

static struct svmgpu_bind_job *to_bind_job(struct drm_sched_job *base)
{
	return container_of(base, struct svmgpu_bind_job, base);
}

static void bind_job_free(struct svmgpu_bind_job *job)
{
	if (job->list)
		svmgpu_migrate_list_free(job->list);
	range_fence_free(job->range_fence);
	svmgpu_exec_queue_put(job->queue);
	svmgpu_vm_put(job->vm);
	kfree(job);
}

/* Fence-signalling: takes no lock of ours but the ring's and allocates nothing. */
static struct dma_fence *bind_run_job(struct drm_sched_job *base)
{
	struct svmgpu_bind_job *job = to_bind_job(base);
	struct svmgpu_migrate_list *list = job->list;
	struct dma_fence *fence;
	bool cookie;

	if (svmgpu_device_wedged(job->vm->dev))
		return ERR_PTR(-ECANCELED);
	job->list = NULL;
	cookie = dma_fence_begin_signalling();
	fence = svmgpu_migrate_submit(job->vm->dev, list, 0);
	dma_fence_end_signalling(cookie);
	return fence;
}

/* The kernel's own copy engine does not hang without the device being lost. */
static enum drm_gpu_sched_stat bind_timedout_job(struct drm_sched_job *base)
{
	return DRM_GPU_SCHED_STAT_NO_HANG;
}

static void bind_free_job(struct drm_sched_job *base)
{
	struct svmgpu_bind_job *job = to_bind_job(base);
	int err = base->s_fence->finished.error;

	trace_svmgpu_bind_ended(job->trace_id, err, 1);
	/* only a lost device fails here; then nothing of the VM works any more */
	if (err)
		WRITE_ONCE(job->vm->banned, true);
	/* the list's flush has retired: no walk is inside these tables (L10) */
	svmgpu_pt_free_list(job->vm->pt.dma, &job->detached);
	drm_sched_job_cleanup(base);
	range_fence_done(job->vm, job->range_fence);
	job->range_fence = NULL;
	bind_job_free(job);
}

const struct drm_sched_backend_ops svmgpu_bind_sched_ops = {
	.run_job = bind_run_job,
	.timedout_job = bind_timedout_job,
	.free_job = bind_free_job,
};

/**
 * svmgpu_bind_job_create() - a job for staged updates, with everything it will need
 * @vm: the VM, lock held for write
 * @queue: the bind queue
 * @updates: staged updates
 * @count: number of them, at least one
 *
 * Context: VM resv held; may sleep.
 *
 * Return: the job or ERR_PTR(-ENOMEM).
 */
struct svmgpu_bind_job *svmgpu_bind_job_create(struct svmgpu_vm *vm,
					       struct svmgpu_exec_queue *queue,
					       struct svmgpu_pt_update *updates, u32 count)
{
	struct svmgpu_bind_job *job = kzalloc_obj(*job, GFP_KERNEL_ACCOUNT);
	u64 start = U64_MAX, end = 0;
	int err = -ENOMEM;
	u32 i;

	if (!job)
		return ERR_PTR(-ENOMEM);
	range_fences_prune(vm);
	job->vm = svmgpu_vm_get(vm);
	svmgpu_exec_queue_get(queue);
	job->queue = queue;
	job->trace_id = svmgpu_trace_new_id();
	INIT_LIST_HEAD(&job->detached);

	job->range_fence = range_fence_alloc(updates, count);
	if (!job->range_fence)
		goto err_job;
	for (i = 0; i < count; i++) {
		start = min(start, updates[i].start);
		end = max(end, updates[i].end);
	}

	job->list = svmgpu_pt_list_alloc(updates, count, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!job->list)
		goto err_job;
	/* the fence signals when no old translation is cached any more */
	svmgpu_migrate_set_flush(job->list, vm->asid, start, end);

	err = drm_sched_job_init(&job->base, &queue->entity, 1, vm, 0);
	if (err)
		goto err_job;
	return job;

err_job:
	bind_job_free(job);
	return ERR_PTR(err);
}
ALLOW_ERROR_INJECTION(svmgpu_bind_job_create, ERRNO);

/**
 * svmgpu_bind_job_destroy() - gives up a job that was not submitted
 * @job: the job
 *
 * Context: may sleep.
 */
void svmgpu_bind_job_destroy(struct svmgpu_bind_job *job)
{
	drm_sched_job_cleanup(&job->base);
	bind_job_free(job);
}

/**
 * svmgpu_bind_job_add_ranges() - orders a job behind unfinished ones of overlapping ranges
 * @job: the job
 * @updates: what it is going to write
 * @count: number of them
 *
 * Context: VM lock held for write; may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_bind_job_add_ranges(struct svmgpu_bind_job *job, struct svmgpu_pt_update *updates,
			       u32 count)
{
	struct svmgpu_fenced_range *range;
	u32 i;

	for (i = 0; i < count; i++) {
		const u64 first = updates[i].first, last = updates[i].last;

		for (range = range_tree_iter_first(&job->vm->range_fences.tree, first, last); range;
		     range = range_tree_iter_next(range, first, last)) {
			int err;

			if (dma_fence_is_signaled(range->owner->fence))
				continue;
			job->behind_user |= range->owner->behind_user;
			err = drm_sched_job_add_dependency(&job->base,
							   dma_fence_get(range->owner->fence));
			if (err)
				return err;
		}
	}
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_bind_job_add_ranges, ERRNO);

/**
 * svmgpu_bind_job_add_resv() - orders a job behind an object's clears and copies
 * @job: the job
 * @resv: of the object, held
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_bind_job_add_resv(struct svmgpu_bind_job *job, struct dma_resv *resv)
{
	return drm_sched_job_add_resv_dependencies(&job->base, resv, DMA_RESV_USAGE_KERNEL);
}
ALLOW_ERROR_INJECTION(svmgpu_bind_job_add_resv, ERRNO);

/**
 * svmgpu_bind_job_submit() - the point of no return of an asynchronous bind
 * @job: the job, with all dependencies; consumed
 * @updates: staged updates it was made for
 * @count: number of them
 *
 * Context: VM lock held for write, resvs held, notifier lock in read mode.
 * Neither sleeps nor allocates.
 *
 * Return: the job's fence with a reference; publish it before the notifier lock
 * is dropped.
 */
struct dma_fence *svmgpu_bind_job_submit(struct svmgpu_bind_job *job,
					 struct svmgpu_pt_update *updates, u32 count)
{
	struct svmgpu_vm *vm = job->vm;
	struct dma_fence *fence;

	svmgpu_pt_commit_list(updates, count, job->list, &job->detached);

	drm_sched_job_arm(&job->base);
	fence = dma_fence_get(&job->base.s_fence->finished);
	job->range_fence->fence = dma_fence_get(fence);
	job->range_fence->behind_user = job->behind_user;
	range_fence_insert(vm, job->range_fence);
	drm_sched_entity_push_job(&job->base);
	return fence;
}

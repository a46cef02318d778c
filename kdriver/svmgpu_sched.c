// SPDX-License-Identifier: GPL-2.0
/*
 * The drm_sched backend of exec queues.
 *
 * Each queue has a scheduler and one entity. run_job writes a hardware job into
 * the ring of every context of the queue and returns a fence that was allocated
 * with the job; the event thread signals it when all contexts have retired the
 * job's seqno. Everything from run_job on is needed to signal a dma-fence, so
 * nothing here allocates or takes a lock above rank 80.
 *
 * A job is hung when it has used its run-time budget, not when that much time
 * went by: others may have had the engine.
 */
#include <linux/dma-fence.h>
#include <linux/error-injection.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_command.h"
#include "svmgpu_context.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sched.h"
#include "svmgpu_stats.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

#define BIND_QUEUE_CREDITS	16

/** struct svmgpu_hw_fence - says that all contexts of a queue retired a job */
struct svmgpu_hw_fence {
	/** @base: must be first: it is freed by the core */
	struct dma_fence base;
	/** @link: svmgpu_exec_queue.pending */
	struct list_head link;
	/** @trace_id: of the job */
	u32 trace_id;
	/** @exec_id: of the EXEC call */
	u32 exec_id;
};

static const char *hw_fence_driver_name(struct dma_fence *fence)
{
	return "svmgpu";
}

static const char *hw_fence_timeline_name(struct dma_fence *fence)
{
	return "context";
}

static const struct dma_fence_ops hw_fence_ops = {
	.get_driver_name = hw_fence_driver_name,
	.get_timeline_name = hw_fence_timeline_name,
};

static u16 first_engine(const struct svmgpu_exec_queue *queue)
{
	return queue->engines[0] ? __ffs(queue->engines[0]) : 0;
}

/*
 * A user fence says that all batches of a job are done. With several contexts
 * no one of them knows, so the fence is written by a second round of hardware
 * jobs, the join, put on the rings when every context has retired its batch.
 * Such a job has the rings for itself: it takes all credits.
 */
static bool job_needs_join(const struct svmgpu_exec_queue *queue, bool user_fence)
{
	return user_fence && queue->width > 1;
}

/**
 * svmgpu_job_create() - makes a job, not armed
 * @queue: where it will run
 * @batch_va: GPU addresses of the batches, one per context of @queue
 * @user_fence: the job will write a user fence; the caller sets which
 * @client_id: DRM client, for the scheduler's events
 *
 * Process context, may sleep.
 *
 * Return: the job, or ERR_PTR(-ENOMEM), ERR_PTR(-ENOENT).
 */
struct svmgpu_exec_job *svmgpu_job_create(struct svmgpu_exec_queue *queue,
					  const u64 *batch_va, bool user_fence, u64 client_id)
{
	u32 credits = job_needs_join(queue, user_fence) ? SVMGPU_CONTEXT_JOBS : 1;
	struct svmgpu_exec_job *job;
	int err;

	job = kzalloc(struct_size(job, batch_va, queue->width), GFP_KERNEL);
	if (!job)
		return ERR_PTR(-ENOMEM);
	job->hw_fence = kzalloc_obj(*job->hw_fence, GFP_KERNEL);
	if (!job->hw_fence) {
		err = -ENOMEM;
		goto free_job;
	}
	err = drm_sched_job_init(&job->base, &queue->entity, credits, queue->file, client_id);
	if (err)
		goto free_fence;
	svmgpu_exec_queue_get(queue);
	atomic_inc(&queue->job_count);
	job->queue = queue;
	job->user_fence = user_fence;
	job->trace_id = svmgpu_trace_new_id();
	memcpy(job->batch_va, batch_va, queue->width * sizeof(*batch_va));
	return job;

free_fence:
	kfree(job->hw_fence);
free_job:
	kfree(job);
	return ERR_PTR(err);
}
ALLOW_ERROR_INJECTION(svmgpu_job_create, ERRNO);

/**
 * svmgpu_job_destroy() - frees a job that was not armed, or that has finished
 * @job: the job
 */
void svmgpu_job_destroy(struct svmgpu_exec_job *job)
{
	struct svmgpu_exec_queue *queue = job->queue;

	drm_sched_job_cleanup(&job->base);
	kfree(job->hw_fence);
	kfree(job);
	atomic_dec(&queue->job_count);
	svmgpu_exec_queue_put(queue);
}

static struct svmgpu_exec_job *to_exec_job(struct drm_sched_job *base)
{
	return container_of(base, struct svmgpu_exec_job, base);
}

/* In the log each armed job ends: what the hardware never had, here. */
static void trace_ended_early(struct svmgpu_exec_job *job, int error)
{
	const struct svmgpu_exec_queue *queue = job->queue;

	trace_svmgpu_job_completed(job->trace_id, queue->trace_id, queue->vm->trace_id,
				   queue->dev->caps.gpu_index, first_engine(queue),
				   job->base.s_fence->finished.seqno, job->exec_id, error);
	job->ended = true;
}

static struct dma_fence *exec_job_run(struct drm_sched_job *base)
{
	struct svmgpu_exec_job *job = to_exec_job(base);
	struct svmgpu_exec_queue *queue = job->queue;
	struct svmgpu_hw_fence *fence = job->hw_fence;
	struct svmgpu_device *dev = queue->dev;
	const bool join = job_needs_join(queue, job->user_fence);
	unsigned long flags;
	u64 seqno;

	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	if (svmgpu_exec_queue_dead(queue)) {
		svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
		trace_ended_early(job, -ECANCELED);
		return ERR_PTR(-ECANCELED);
	}
	seqno = ++queue->seqno;
	if (join) {
		queue->join = (struct svmgpu_job) {
			.seqno = ++queue->seqno,
			.user_fence_va = job->user_fence_va,
			.user_fence_value = job->user_fence_value,
			.flags = SVMGPU_JOB_F_USER_FENCE | SVMGPU_JOB_F_IRQ,
		};
	}
	dma_fence_init(&fence->base, &hw_fence_ops, NULL, queue->fence_context, queue->seqno);
	fence->trace_id = job->trace_id;
	fence->exec_id = job->exec_id;
	job->hw_fence = NULL;
	list_add_tail(&fence->link, &queue->pending);
	/* one reference is the list's, this one the scheduler's */
	dma_fence_get(&fence->base);
	/* before the rings have it: a context that is awake may complete it at once */
	trace_svmgpu_job_submitted(job->trace_id, queue->trace_id, queue->vm->trace_id,
				   dev->caps.gpu_index, first_engine(queue), seqno, job->exec_id,
				   0);
	for (unsigned int i = 0; i < queue->width; i++) {
		const struct svmgpu_job hw = {
			.seqno = seqno,
			.batch_va = job->batch_va[i],
			.user_fence_va = job->user_fence_va,
			.user_fence_value = job->user_fence_value,
			.flags = SVMGPU_JOB_F_BATCH | SVMGPU_JOB_F_IRQ |
				 (job->user_fence && !join ? SVMGPU_JOB_F_USER_FENCE : 0),
		};

		svmgpu_context_put_job(&queue->contexts[i], &hw);
	}
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);

	for (unsigned int i = 0; i < queue->width; i++)
		svmgpu_context_kick(dev, &queue->contexts[i]);
	svmgpu_stat_inc(dev, SVMGPU_STAT_JOB);
	return &fence->base;
}

/* Fence signalling: the job's fence depends on all of it. */
static struct dma_fence *run_job(struct drm_sched_job *base)
{
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *fence = exec_job_run(base);

	dma_fence_end_signalling(cookie);
	return fence;
}

static int fence_error(const struct svmgpu_exec_queue *queue, u64 seqno)
{
	for (unsigned int i = 0; i < queue->width; i++) {
		const struct svmgpu_context_status *status = &queue->contexts[i].memory->status;
		u64 failed = READ_ONCE(status->failed_seqno);

		if (failed && seqno >= failed && READ_ONCE(status->error))
			return -EIO;
	}
	return 0;
}

static u64 queue_completed(const struct svmgpu_exec_queue *queue)
{
	u64 completed = U64_MAX;

	for (unsigned int i = 0; i < queue->width; i++)
		completed = min(completed, svmgpu_context_completed(&queue->contexts[i]));
	return completed;
}

/* queue->ring_lock held; returns whether the contexts are to be kicked. */
static bool put_join(struct svmgpu_exec_queue *queue, u64 completed)
{
	struct svmgpu_job job = queue->join;

	if (!job.seqno || completed != job.seqno - 1 || svmgpu_exec_queue_dead(queue))
		return false;
	queue->join.seqno = 0;
	for (unsigned int i = 0; i < queue->width; i++) {
		svmgpu_context_put_job(&queue->contexts[i], &job);
		/* one context writes the fence, the others only count along */
		job.flags = SVMGPU_JOB_F_IRQ;
	}
	return true;
}

static void signal_until(struct svmgpu_exec_queue *queue, u64 last, int error)
{
	u64 completed = queue_completed(queue);
	struct svmgpu_hw_fence *fence, *next;
	unsigned long flags;
	LIST_HEAD(done);
	bool cookie, kick;

	/* the status page is read before what the jobs wrote */
	dma_rmb();
	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	list_for_each_entry_safe(fence, next, &queue->pending, link) {
		if (fence->base.seqno > max(completed, last))
			break;
		list_move_tail(&fence->link, &done);
	}
	kick = put_join(queue, completed);
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);

	for (unsigned int i = 0; kick && i < queue->width; i++)
		svmgpu_context_kick(queue->dev, &queue->contexts[i]);

	cookie = dma_fence_begin_signalling();
	list_for_each_entry_safe(fence, next, &done, link) {
		u64 seqno = fence->base.seqno;
		int err = fence_error(queue, seqno);

		/* who sees the job's error must find the queue banned */
		if (err)
			svmgpu_exec_queue_mark_banned(queue);
		else if (seqno > completed)
			err = error;
		trace_svmgpu_job_completed(fence->trace_id, queue->trace_id, queue->vm->trace_id,
					   queue->dev->caps.gpu_index, first_engine(queue), seqno,
					   fence->exec_id, err);
		list_del(&fence->link);
		if (err)
			dma_fence_set_error(&fence->base, err);
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	}
	dma_fence_end_signalling(cookie);
}

/**
 * svmgpu_sched_retire() - signals the fences of jobs that have retired
 * @queue: the queue
 *
 * Any context.
 */
void svmgpu_sched_retire(struct svmgpu_exec_queue *queue)
{
	signal_until(queue, 0, 0);
}

static bool queue_is_busy(struct svmgpu_exec_queue *queue)
{
	unsigned long flags;
	bool busy;

	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	busy = !list_empty(&queue->pending);
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
	return busy;
}

/**
 * svmgpu_sched_stop() - ends everything that a queue still runs
 * @queue: the queue, with contexts
 * @error: error of the fences of unfinished jobs
 *
 * The queue is banned. Afterwards no job of it runs, none will, and all its
 * hardware fences are signalled. May sleep, does not allocate.
 */
void svmgpu_sched_stop(struct svmgpu_exec_queue *queue, int error)
{
	svmgpu_exec_queue_mark_banned(queue);
	/* no new job can come, so an idle queue has nothing to be killed */
	if (queue_is_busy(queue))
		for (unsigned int i = 0; i < queue->width; i++)
			svmgpu_context_stop(queue->dev, &queue->contexts[i]);
	signal_until(queue, U64_MAX, error);
	svmgpu_preempt_abandon(queue);
	wake_up_all(&queue->dev->ufence_wq);
}

/*
 * Run time of @seqno in ms: the longest of the contexts; 0 when none runs it.
 * The eighth makes up for what the job waited before it ran and for the status
 * page being behind, so that a job alone on its engine is caught the first time.
 */
static bool job_used_its_budget(const struct svmgpu_exec_queue *queue)
{
	u64 budget_ns = (u64)queue->job_timeout_ms * NSEC_PER_MSEC;

	for (unsigned int i = 0; i < queue->width; i++) {
		const struct svmgpu_context_status *status = &queue->contexts[i].memory->status;

		if (READ_ONCE(status->job_runtime_ns) >= budget_ns - budget_ns / 8)
			return true;
	}
	return false;
}

static enum drm_gpu_sched_stat timedout_job(struct drm_sched_job *base)
{
	struct svmgpu_exec_job *job = to_exec_job(base);
	struct svmgpu_exec_queue *queue = job->queue;
	struct svmgpu_device *dev = queue->dev;

	/* perhaps only the interrupt was lost */
	svmgpu_sched_retire(queue);
	if (dma_fence_is_signaled(&base->s_fence->finished) ||
	    (base->s_fence->parent && dma_fence_is_signaled(base->s_fence->parent)))
		return DRM_GPU_SCHED_STAT_NO_HANG;
	svmgpu_command_check_device(dev);
	if (!svmgpu_exec_queue_dead(queue) && !job_used_its_budget(queue)) {
		/* in case it was never told */
		for (unsigned int i = 0; i < queue->width; i++)
			svmgpu_context_kick(dev, &queue->contexts[i]);
		return DRM_GPU_SCHED_STAT_NO_HANG;
	}

	drm_notice(&dev->drm, "queue %u: job at %#llx hangs, context %u is killed\n",
		   queue->trace_id, job->batch_va[0], queue->contexts[0].id);
	svmgpu_stat_inc(dev, SVMGPU_STAT_JOB_TIMEOUT);
	if (READ_ONCE(dev->wedged_mode) == 2)
		svmgpu_device_wedge(dev, "a job hung and wedged_mode is 2");
	svmgpu_sched_stop(queue, -ETIME);

	/*
	 * The job's fence has signalled, the entity's other jobs end in run_job:
	 * for the scheduler it is an ordinary job that it now frees.
	 */
	return DRM_GPU_SCHED_STAT_NO_HANG;
}

static void free_job(struct drm_sched_job *base)
{
	struct svmgpu_exec_job *job = to_exec_job(base);

	/* the scheduler ended it without run_job */
	if (job->hw_fence && !job->ended)
		trace_ended_early(job, dma_fence_get_status(&base->s_fence->finished));
	svmgpu_job_destroy(job);
}

static void cancel_job(struct drm_sched_job *base)
{
	signal_until(to_exec_job(base)->queue, U64_MAX, -ECANCELED);
}

static const struct drm_sched_backend_ops exec_job_ops = {
	.run_job = run_job,
	.timedout_job = timedout_job,
	.free_job = free_job,
	.cancel_job = cancel_job,
};

/**
 * svmgpu_sched_init() - makes a queue's scheduler and entity
 * @queue: the queue; a bind queue when it has no contexts
 * @bind: it is a bind queue
 * @timeout_ms: time after which timedout_job looks at a job; 0: never
 *
 * Process context, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_sched_init(struct svmgpu_exec_queue *queue, bool bind, unsigned long timeout_ms)
{
	struct svmgpu_device *dev = queue->dev;
	struct drm_gpu_scheduler *sched = &queue->sched;
	const struct drm_sched_init_args args = {
		.ops = bind ? &svmgpu_bind_sched_ops : &exec_job_ops,
		.submit_wq = dev->sched_wq,
		.timeout_wq = dev->sched_wq,
		.num_rqs = 1,
		.credit_limit = bind ? BIND_QUEUE_CREDITS : SVMGPU_CONTEXT_JOBS,
		.timeout = timeout_ms ? msecs_to_jiffies(timeout_ms) : MAX_SCHEDULE_TIMEOUT,
		.name = bind ? "svmgpu bind" : "svmgpu exec",
		.dev = dev->drm.dev,
	};
	int err;

	err = drm_sched_init(sched, &args);
	if (err)
		return err;
	err = drm_sched_entity_init(&queue->entity, 0, &sched, 1, NULL);
	if (err)
		drm_sched_fini(sched);
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_sched_init, ERRNO);

/**
 * svmgpu_sched_fini() - undoes svmgpu_sched_init()
 * @queue: the queue, without jobs
 *
 * Process context, not from work of dev->sched_wq.
 */
void svmgpu_sched_fini(struct svmgpu_exec_queue *queue)
{
	drm_sched_entity_fini(&queue->entity);
	drm_sched_fini(&queue->sched);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Jobs of exec queues: a drm_sched job that becomes one hardware job per
 * context, and the hardware fence that says when all of these have retired.
 */
#ifndef SVMGPU_SCHED_H
#define SVMGPU_SCHED_H

#include <drm/gpu_scheduler.h>

struct svmgpu_exec_queue;
struct svmgpu_hw_fence;

/** struct svmgpu_exec_job - one submission of EXEC */
struct svmgpu_exec_job {
	/** @base: the scheduler's part */
	struct drm_sched_job base;
	/** @queue: where it runs (referenced) */
	struct svmgpu_exec_queue *queue;
	/** @hw_fence: allocated beforehand; handed over by run_job */
	struct svmgpu_hw_fence *hw_fence;
	/** @user_fence_va: GPU address to write when done, with @user_fence */
	u64 user_fence_va;
	/** @user_fence_value: value to write */
	u64 user_fence_value;
	/** @user_fence: there is one */
	bool user_fence;
	/** @ended: the log has its end, though the hardware never had the job */
	bool ended;
	/** @trace_id: name in the event log */
	u32 trace_id;
	/** @exec_id: of the EXEC call in the event log */
	u32 exec_id;
	/** @batch_va: one batch per context of the queue */
	u64 batch_va[];
};

int svmgpu_sched_init(struct svmgpu_exec_queue *queue, bool bind, unsigned long timeout_ms);
void svmgpu_sched_fini(struct svmgpu_exec_queue *queue);

struct svmgpu_exec_job *svmgpu_job_create(struct svmgpu_exec_queue *queue,
					  const u64 *batch_va, bool user_fence, u64 client_id);
/* A job that was not armed. */
void svmgpu_job_destroy(struct svmgpu_exec_job *job);

/* Signals what the status pages say has retired. Any context. */
void svmgpu_sched_retire(struct svmgpu_exec_queue *queue);
/* Stops the contexts and signals everything unfinished with @error. May sleep, no allocation. */
void svmgpu_sched_stop(struct svmgpu_exec_queue *queue, int error);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hardware context: what the GPU runs jobs in. Its job ring, its description
 * and its status page share one piece of DMA memory.
 */
#ifndef SVMGPU_CONTEXT_H
#define SVMGPU_CONTEXT_H

#include <linux/bits.h>
#include <linux/types.h>

#include "svmgpu_ring.h"

struct svmgpu_device;
struct svmgpu_exec_queue;

#define SVMGPU_CONTEXT_JOBS_LOG2	5
#define SVMGPU_CONTEXT_JOBS		BIT(SVMGPU_CONTEXT_JOBS_LOG2)

/** struct svmgpu_context_memory - memory that driver and GPU share */
struct svmgpu_context_memory {
	/** @ring: of the job ring */
	struct svmgpu_ring_header ring;
	/** @jobs: its entries, directly behind the header */
	struct svmgpu_job jobs[SVMGPU_CONTEXT_JOBS];
	/** @context: read by the GPU when it creates the context */
	struct svmgpu_context context;
	/** @status: written by the GPU */
	struct svmgpu_context_status status;
};

/** struct svmgpu_context_hw - one hardware context */
struct svmgpu_context_hw {
	/** @id: hardware number, 1 .. SVMGPU_MAX_CONTEXTS - 1; 0: none */
	u32 id;
	/** @created: the hardware knows it; a reset makes it forget */
	bool created;
	/** @runtime_base_ns: time on engines before the last reset, which clears the status page */
	u64 runtime_base_ns;
	/** @memory: shared with the GPU */
	struct svmgpu_context_memory *memory;
	/** @dma: DMA address of @memory */
	dma_addr_t dma;
};

int svmgpu_context_init(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context,
			u32 engines, u32 flags);
void svmgpu_context_fini(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context);
/* After a reset, when no job is unfinished: the same context once more. */
int svmgpu_context_recreate(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context);
/* queue->ring_lock held; there is room. */
void svmgpu_context_put_job(struct svmgpu_context_hw *context, const struct svmgpu_job *job);
void svmgpu_context_kick(struct svmgpu_device *dev, struct svmgpu_context_hw *context);
/* CTX_SUSPEND, CTX_RESUME, CTX_KILL: never sleeps; index for svmgpu_command_wait(). */
u32 svmgpu_context_command(struct svmgpu_device *dev, const struct svmgpu_context_hw *context,
			   enum svmgpu_command_op op);
/* May sleep: kills and waits until no job runs. */
void svmgpu_context_stop(struct svmgpu_device *dev, const struct svmgpu_context_hw *context);

static inline u64 svmgpu_context_completed(const struct svmgpu_context_hw *context)
{
	return READ_ONCE(context->memory->status.completed);
}

static inline u32 svmgpu_context_state(const struct svmgpu_context_hw *context)
{
	return READ_ONCE(context->memory->status.state);
}

static inline u64 svmgpu_context_runtime_ns(const struct svmgpu_context_hw *context)
{
	return context->runtime_base_ns + READ_ONCE(context->memory->status.runtime_ns);
}

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware contexts: creation through the COMMAND ring, the job ring, and the
 * end of a context.
 */
#include <linux/build_bug.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/error-injection.h>
#include <linux/pci.h>

#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "svmgpu_command.h"
#include "svmgpu_context.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_vm.h"

static_assert(offsetof(struct svmgpu_context_memory, jobs) == SVMGPU_RING_ENTRIES_OFFSET,
	      "jobs follow the ring header");

#define STOP_TIMEOUT_US		(2 * USEC_PER_SEC)
#define RESET_TIMEOUT_US	(20 * USEC_PER_SEC)

static void context_fill(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context,
			 u32 engines, u32 flags)
{
	struct svmgpu_context_memory *memory = context->memory;

	memset(memory, 0, sizeof(*memory));
	memory->ring.consumer_asleep = 1;
	memory->context = (struct svmgpu_context) {
		.asid = queue->vm->asid,
		.engines = engines,
		.flags = flags,
		.priority = queue->priority,
		.timeslice_us = queue->timeslice_us,
		.preempt_timeout_us = queue->preempt_timeout_us,
		.ring_log2 = SVMGPU_CONTEXT_JOBS_LOG2,
		.ring = context->dma + offsetof(struct svmgpu_context_memory, ring),
		.status = context->dma + offsetof(struct svmgpu_context_memory, status),
	};
}

static int context_create(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context)
{
	const struct svmgpu_command command = {
		.op = SVMGPU_CMD_CTX_CREATE,
		.flags = SVMGPU_CMD_F_IRQ,
		.id = context->id,
		.arg = { context->dma + offsetof(struct svmgpu_context_memory, context) },
	};
	int err;

	/* The context exists before its first doorbell, which is no command, can come. */
	err = svmgpu_command_run(queue->dev, &command);
	WRITE_ONCE(context->created, !err);
	return err;
}

/**
 * svmgpu_context_init() - makes a hardware context
 * @queue: whose context it is; its VM and scheduling properties are set
 * @context: zeroed
 * @engines: mask of hardware engines that it may run on
 * @flags: SVMGPU_CTX_F_*
 *
 * Process context, may sleep.
 *
 * Return: 0, -ENOMEM, -ENOSPC when the hardware has no more contexts, -ENODEV.
 */
int svmgpu_context_init(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context,
			u32 engines, u32 flags)
{
	struct svmgpu_device *dev = queue->dev;
	u32 id;
	int err;

	context->memory = dma_alloc_coherent(&dev->pdev->dev, sizeof(*context->memory),
					     &context->dma, GFP_KERNEL);
	if (!context->memory)
		return -ENOMEM;
	context_fill(queue, context, engines, flags);

	/*
	 * In turn: a number comes back when no event of the context that had it
	 * before can be on its way any more.
	 */
	err = xa_alloc_cyclic_irq(&dev->contexts, &id, queue,
				  XA_LIMIT(1, SVMGPU_MAX_CONTEXTS - 1), &dev->next_context,
				  GFP_KERNEL);
	if (err < 0) {
		err = err == -EBUSY ? -ENOSPC : err;
		goto free_memory;
	}
	context->id = id;
	err = context_create(queue, context);
	if (err)
		goto erase_id;
	return 0;

erase_id:
	xa_erase_irq(&dev->contexts, context->id);
	context->id = 0;
free_memory:
	dma_free_coherent(&dev->pdev->dev, sizeof(*context->memory), context->memory,
			  context->dma);
	context->memory = NULL;
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_context_init, ERRNO);

/**
 * svmgpu_context_fini() - destroys a hardware context
 * @queue: whose context it is
 * @context: the context; nothing happens when it was not made
 *
 * Process context, may sleep.
 */
void svmgpu_context_fini(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context)
{
	struct svmgpu_device *dev = queue->dev;
	const struct svmgpu_command command = {
		.op = SVMGPU_CMD_CTX_DESTROY,
		.flags = SVMGPU_CMD_F_IRQ,
		.id = context->id,
	};

	if (!context->memory)
		return;
	/* The number is given away again only after the hardware forgot it. */
	if (READ_ONCE(context->created))
		svmgpu_command_run(dev, &command);
	xa_erase_irq(&dev->contexts, context->id);
	dma_free_coherent(&dev->pdev->dev, sizeof(*context->memory), context->memory,
			  context->dma);
	context->memory = NULL;
}

/**
 * svmgpu_context_recreate() - gives the hardware a context again after a reset
 * @queue: whose context it is; it has no unfinished job
 * @context: the context
 *
 * Process context, may sleep.
 *
 * Return: 0 or -ENODEV.
 */
int svmgpu_context_recreate(struct svmgpu_exec_queue *queue, struct svmgpu_context_hw *context)
{
	u64 runtime_ns = svmgpu_context_runtime_ns(context);

	/* fdinfo's run time never goes back; seqnos go on, which is the ring's business */
	context_fill(queue, context, context->memory->context.engines,
		     context->memory->context.flags);
	context->runtime_base_ns = runtime_ns;
	return context_create(queue, context);
}

/**
 * svmgpu_context_put_job() - puts a job on the ring
 * @context: the context
 * @job: what to run
 *
 * The queue's ring lock is held, and there is room: a scheduler has as many
 * credits as a ring has entries. Any context.
 */
void svmgpu_context_put_job(struct svmgpu_context_hw *context, const struct svmgpu_job *job)
{
	struct svmgpu_context_memory *memory = context->memory;
	u32 producer = memory->ring.producer;

	memory->jobs[producer % SVMGPU_CONTEXT_JOBS] = *job;
	/* the GPU sees the entry before the index that announces it */
	smp_store_release(&memory->ring.producer, producer + 1);
}

/**
 * svmgpu_context_kick() - tells the GPU about new jobs, if it sleeps
 * @dev: the GPU; on an unplugged one nothing happens
 * @context: the context
 *
 * Any context.
 */
void svmgpu_context_kick(struct svmgpu_device *dev, struct svmgpu_context_hw *context)
{
	int idx;

	/* schedulers work on when the registers are gone already */
	if (!drm_dev_enter(&dev->drm, &idx))
		return;
	svmgpu_ring_kick(dev, &context->memory->ring, SVMGPU_REG_DOORBELL_CONTEXT, context->id);
	drm_dev_exit(idx);
}

/**
 * svmgpu_context_command() - submits a command that has no argument but the context
 * @dev: the GPU
 * @context: the context
 * @op: CTX_SUSPEND, CTX_RESUME or CTX_KILL
 *
 * Any context; neither sleeps nor allocates.
 *
 * Return: index for svmgpu_command_wait().
 */
u32 svmgpu_context_command(struct svmgpu_device *dev, const struct svmgpu_context_hw *context,
			   enum svmgpu_command_op op)
{
	const struct svmgpu_command command = {
		.op = op,
		.flags = SVMGPU_CMD_F_IRQ,
		.id = context->id,
	};

	return svmgpu_command_submit(dev, &command, 1);
}

/* Waits until the GPU says that a context is dead, or a reset took it. */
static bool context_dies(struct svmgpu_device *dev, const struct svmgpu_context_hw *context,
			 unsigned int timeout_us)
{
	unsigned int us;

	for (us = 0; us < timeout_us; us += 100) {
		if (svmgpu_context_state(context) == SVMGPU_CTX_DEAD ||
		    !READ_ONCE(context->created) || svmgpu_device_wedged(dev))
			return true;
		usleep_range(100, 200);
	}
	return false;
}

/**
 * svmgpu_context_stop() - kills a context and waits until it runs no more
 * @dev: the GPU
 * @context: the context
 *
 * A context that does not die takes the device through a reset. May sleep, does
 * not allocate.
 */
void svmgpu_context_stop(struct svmgpu_device *dev, const struct svmgpu_context_hw *context)
{
	if (!context->memory || !READ_ONCE(context->created))
		return;
	if (svmgpu_command_wait(dev, svmgpu_context_command(dev, context, SVMGPU_CMD_CTX_KILL)))
		return;
	if (context_dies(dev, context, STOP_TIMEOUT_US))
		return;
	drm_err(&dev->drm, "context %u does not die\n", context->id);
	svmgpu_device_queue_reset(dev);
	if (!context_dies(dev, context, RESET_TIMEOUT_US))
		svmgpu_device_wedge(dev, "a killed context runs on");
}

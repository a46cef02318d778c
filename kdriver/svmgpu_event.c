// SPDX-License-Identifier: GPL-2.0
/*
 * The EVENT ring: the GPU says which contexts have something to be looked at.
 *
 * The handler is an interrupt thread. It signals fences, so it is part of
 * fence signalling: no allocation, no dma_resv, no VM lock. What an event says is
 * only a hint to look at a status page; an event that was lost or comes
 * twice does no harm.
 */
#include <linux/irqreturn.h>

#include <drm/drm_print.h>

#include "svmgpu_context.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sched.h"

#define EVENT_RING_LOG2		12

/* The queue that a context belongs to, with a reference; NULL when it is gone. */
static struct svmgpu_exec_queue *queue_of_context(struct svmgpu_device *dev, u32 context)
{
	struct svmgpu_exec_queue *queue;
	unsigned long flags;

	xa_lock_irqsave(&dev->contexts, flags);
	queue = xa_load(&dev->contexts, context);
	/* It frees its memory only after it left the xarray. */
	if (queue && !kref_get_unless_zero(&queue->refcount))
		queue = NULL;
	xa_unlock_irqrestore(&dev->contexts, flags);
	return queue;
}

static bool failed_by_itself(const struct svmgpu_event *event)
{
	return event->error != SVMGPU_ERROR_KILLED && event->error != SVMGPU_ERROR_RESET;
}

static void handle_context(struct svmgpu_device *dev, const struct svmgpu_event *event)
{
	struct svmgpu_exec_queue *queue = queue_of_context(dev, event->context);

	if (!queue)
		return;
	switch (event->type) {
	case SVMGPU_EVENT_JOB_DONE:
		svmgpu_sched_retire(queue);
		break;
	case SVMGPU_EVENT_JOB_FAILED:
		/* first: who waited for the job finds the GPU wedged */
		if (READ_ONCE(dev->wedged_mode) == 2 && failed_by_itself(event))
			svmgpu_device_wedge(dev, "a job failed and wedged_mode is 2");
		svmgpu_sched_retire(queue);
		/* its worker signals the rest once every context is dead */
		svmgpu_exec_queue_ban(queue);
		break;
	case SVMGPU_EVENT_CTX_SUSPENDED:
		svmgpu_preempt_context_suspended(queue, event->context);
		break;
	}
	svmgpu_exec_queue_put(queue);
}

static void handle_event(struct svmgpu_device *dev, const struct svmgpu_event *event)
{
	switch (event->type) {
	case SVMGPU_EVENT_JOB_DONE:
	case SVMGPU_EVENT_JOB_FAILED:
	case SVMGPU_EVENT_CTX_SUSPENDED:
		handle_context(dev, event);
		break;
	case SVMGPU_EVENT_LINK_CHANGED:
		drm_info(&dev->drm, "fabric links up: %#x\n",
			 svmgpu_read32(dev, SVMGPU_REG_FABRIC_UP));
		break;
	case SVMGPU_EVENT_PAGE_POISONED:
		dev_warn_ratelimited(dev->drm.dev, "VRAM page %#llx is poisoned\n", event->seqno);
		break;
	case SVMGPU_EVENT_ACCESS_COUNTER:
		/* a hint for migration policy, which goes by faults and madvise */
		break;
	default:
		dev_warn_ratelimited(dev->drm.dev, "unknown event %u\n", event->type);
	}
}

/**
 * svmgpu_event_irq() - interrupt thread of SVMGPU_VECTOR_EVENT
 * @irq: Linux interrupt number
 * @arg: struct svmgpu_device
 *
 * Return: IRQ_HANDLED.
 */
irqreturn_t svmgpu_event_irq(int irq, void *arg)
{
	struct svmgpu_device *dev = arg;
	struct svmgpu_ring *ring = &dev->rings[SVMGPU_RING_EVENT];
	const struct svmgpu_event *events = ring->entries;
	bool cookie = dma_fence_begin_signalling();
	u32 consumer, producer;

	do {
		consumer = ring->header->consumer;
		/* entries are read after the index that announces them */
		producer = smp_load_acquire(&ring->header->producer);
		while (consumer != producer) {
			const struct svmgpu_event event =
				events[consumer & (BIT(ring->log2) - 1)];

			consumer++;
			/* the slot is the GPU's again: it was copied */
			smp_store_release(&ring->header->consumer, consumer);
			handle_event(dev, &event);
		}
		svmgpu_ring_room(dev, ring->header, SVMGPU_REG_DOORBELL_EVENT);
		/* user fences are written before the events of their jobs */
		wake_up_all(&dev->ufence_wq);
	} while (!svmgpu_ring_sleep(ring->header, consumer));

	dma_fence_end_signalling(cookie);
	return IRQ_HANDLED;
}

/**
 * svmgpu_event_init() - makes the EVENT ring
 * @dev: the GPU
 *
 * Process context, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_event_init(struct svmgpu_device *dev)
{
	return svmgpu_ring_init(dev, SVMGPU_RING_EVENT, EVENT_RING_LOG2,
				sizeof(struct svmgpu_event));
}

/**
 * svmgpu_event_fini() - frees the EVENT ring
 * @dev: the GPU, interrupts off
 */
void svmgpu_event_fini(struct svmgpu_device *dev)
{
	svmgpu_ring_fini(dev, SVMGPU_RING_EVENT);
}

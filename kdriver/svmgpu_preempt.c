// SPDX-License-Identifier: GPL-2.0
/*
 * Preempt fences: how the jobs of long-running VMs give way to changes of their
 * memory, although nobody may wait for such a job.
 *
 * While a queue of a preempt-mode VM may run, the VM's reservation objects hold
 * a fence of it that means "this queue is off the GPU". Who has to change the
 * memory (eviction, userptr invalidation) waits for these fences; the wait
 * enables their signalling, and that suspends the queue. When its contexts are
 * suspended the fence signals and the rebind worker is started: it waits for
 * all queues of the VM, revalidates, arms new fences and resumes the queues.
 *
 * A fence that was asked for signals in finite time without memory: suspending
 * is a command without allocation, and a queue that dies gives its fence up.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/error-injection.h>
#include <linux/slab.h>

#include "svmgpu_context.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sched.h"
#include "svmgpu_stats.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"

/** struct svmgpu_preempt_fence - signalled when its queue is suspended */
struct svmgpu_preempt_fence {
	/** @base: must be first: it is freed by the core */
	struct dma_fence base;
	/** @link: while it is not armed */
	struct list_head link;
	/** @queue: referenced from arming until it has signalled */
	struct svmgpu_exec_queue *queue;
};

static struct svmgpu_preempt_fence *to_preempt_fence(struct dma_fence *fence)
{
	return container_of(fence, struct svmgpu_preempt_fence, base);
}

static const char *preempt_fence_driver_name(struct dma_fence *fence)
{
	return "svmgpu";
}

static const char *preempt_fence_timeline_name(struct dma_fence *fence)
{
	return "preempt";
}

/*
 * Called once, with the fence's lock held. False lets the core signal the fence
 * at once: a queue that is dead runs nothing.
 */
static bool preempt_fence_enable(struct dma_fence *base)
{
	struct svmgpu_preempt_fence *fence = to_preempt_fence(base);
	struct svmgpu_exec_queue *queue = fence->queue;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	if (svmgpu_exec_queue_dead(queue)) {
		svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
		svmgpu_exec_queue_put(queue);
		return false;
	}
	queue->preempting = fence;
	queue->unsuspended = GENMASK(queue->width - 1, 0);
	/* the list's, until signal_preempting() */
	dma_fence_get(base);
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);

	for (unsigned int i = 0; i < queue->width; i++)
		svmgpu_context_command(queue->dev, &queue->contexts[i], SVMGPU_CMD_CTX_SUSPEND);
	svmgpu_stat_inc(queue->dev, SVMGPU_STAT_PREEMPT);
	return true;
}

static const struct dma_fence_ops preempt_fence_ops = {
	.get_driver_name = preempt_fence_driver_name,
	.get_timeline_name = preempt_fence_timeline_name,
	.enable_signaling = preempt_fence_enable,
};

/* Signals the fence that waits for @queue, if there is one. Any context. */
static void signal_preempting(struct svmgpu_exec_queue *queue, u32 suspended)
{
	struct svmgpu_preempt_fence *fence = NULL;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	queue->unsuspended &= ~suspended;
	if (!queue->unsuspended) {
		fence = queue->preempting;
		queue->preempting = NULL;
		if (fence)
			queue->suspended = true;
	}
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
	if (!fence)
		return;
	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
	svmgpu_vm_queue_rebind(queue->vm);
	/*
	 * The fence's, and not only when the fence is freed: the VM's resv keeps it
	 * until another takes its place, and the queue keeps the VM.
	 */
	svmgpu_exec_queue_put(queue);
}

/**
 * svmgpu_preempt_context_suspended() - the GPU has suspended a context
 * @queue: whose context it is
 * @context: hardware number of the context
 *
 * Any context.
 */
void svmgpu_preempt_context_suspended(struct svmgpu_exec_queue *queue, u32 context)
{
	for (unsigned int i = 0; i < queue->width; i++)
		if (queue->contexts[i].id == context)
			signal_preempting(queue, BIT(i));
}

/**
 * svmgpu_preempt_abandon() - a queue is dead: nobody needs to wait for it
 * @queue: the queue, its contexts stopped
 *
 * Any context.
 */
void svmgpu_preempt_abandon(struct svmgpu_exec_queue *queue)
{
	signal_preempting(queue, U32_MAX);
}

/**
 * svmgpu_preempt_prepare() - allocates preempt fences
 * @vm: the VM
 * @fences: list to add them to
 * @count: fences that the list has to hold in the end
 *
 * Process context, may sleep. Fences that are on the list already count.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_preempt_prepare(struct svmgpu_vm *vm, struct list_head *fences, u32 count)
{
	for (u32 have = list_count_nodes(fences); have < count; have++) {
		struct svmgpu_preempt_fence *fence = kzalloc_obj(*fence, GFP_KERNEL);

		if (!fence)
			return -ENOMEM;
		list_add_tail(&fence->link, fences);
	}
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_preempt_prepare, ERRNO);

/**
 * svmgpu_preempt_free() - frees fences that were not armed
 * @fences: list of svmgpu_preempt_prepare()
 */
void svmgpu_preempt_free(struct list_head *fences)
{
	struct svmgpu_preempt_fence *fence, *next;

	list_for_each_entry_safe(fence, next, fences, link) {
		list_del(&fence->link);
		kfree(fence);
	}
}

/* VM resv and external objects locked, with a fence slot each. */
static void publish(struct svmgpu_vm *vm, struct dma_fence *fence)
{
	struct drm_gpuvm_bo *vm_bo;

	dma_resv_add_fence(svmgpu_vm_resv(vm), fence, DMA_RESV_USAGE_BOOKKEEP);
	list_for_each_entry(vm_bo, &vm->gpuvm.extobj.list, list.entry.extobj)
		dma_resv_add_fence(vm_bo->obj->resv, fence, DMA_RESV_USAGE_BOOKKEEP);
}

static void arm(struct svmgpu_vm *vm, struct svmgpu_exec_queue *queue, struct list_head *fences)
{
	struct svmgpu_preempt_fence *fence =
		list_first_entry(fences, struct svmgpu_preempt_fence, link);

	list_del_init(&fence->link);
	svmgpu_exec_queue_get(queue);
	fence->queue = queue;
	dma_fence_init(&fence->base, &preempt_fence_ops, NULL, queue->preempt_context,
		       ++queue->preempt_seqno);
	dma_fence_put(queue->preempt_fence);
	queue->preempt_fence = &fence->base;
	publish(vm, &fence->base);
}

/**
 * svmgpu_preempt_arm() - gives every queue a new preempt fence
 * @vm: preempt-mode VM; its resv and its external objects are locked, with a
 *	fence slot per queue on each
 * @fences: enough of svmgpu_preempt_prepare()
 *
 * No queue runs. Does not sleep or allocate.
 */
void svmgpu_preempt_arm(struct svmgpu_vm *vm, struct list_head *fences)
{
	struct svmgpu_exec_queue *queue;

	dma_resv_assert_held(svmgpu_vm_resv(vm));
	list_for_each_entry(queue, &vm->preempt.queues, vm_link) {
		if (svmgpu_exec_queue_dead(queue) || list_empty(fences))
			continue;
		arm(vm, queue, fences);
	}
}

/**
 * svmgpu_preempt_wait() - suspends all queues and waits until they are
 * @vm: preempt-mode VM, resv held
 *
 * May sleep. Uninterruptible: suspension takes finite time.
 *
 * Return: 0, or -ETIME, -EIO of a fence.
 */
int svmgpu_preempt_wait(struct svmgpu_vm *vm)
{
	struct svmgpu_exec_queue *queue;

	dma_resv_assert_held(svmgpu_vm_resv(vm));
	/* all begin to be suspended before the first is waited for */
	list_for_each_entry(queue, &vm->preempt.queues, vm_link)
		if (queue->preempt_fence)
			dma_fence_enable_sw_signaling(queue->preempt_fence);
	list_for_each_entry(queue, &vm->preempt.queues, vm_link) {
		long err;

		if (!queue->preempt_fence)
			continue;
		err = dma_fence_wait(queue->preempt_fence, false);
		if (err)
			return err;
		dma_fence_put(queue->preempt_fence);
		queue->preempt_fence = NULL;
	}
	return 0;
}

/**
 * svmgpu_preempt_resume() - lets suspended queues run again
 * @vm: preempt-mode VM, resv held, everything valid, fences armed
 *
 * Does not sleep.
 */
void svmgpu_preempt_resume(struct svmgpu_vm *vm)
{
	struct svmgpu_exec_queue *queue;

	dma_resv_assert_held(svmgpu_vm_resv(vm));
	list_for_each_entry(queue, &vm->preempt.queues, vm_link) {
		unsigned long flags;
		bool resume;

		svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
		resume = queue->suspended && !svmgpu_exec_queue_dead(queue);
		queue->suspended = false;
		svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
		for (unsigned int i = 0; resume && i < queue->width; i++)
			svmgpu_context_command(queue->dev, &queue->contexts[i],
					       SVMGPU_CMD_CTX_RESUME);
	}
}

/* A queue that already waits for suspension, or was suspended and not resumed. */
static bool any_preempting(struct svmgpu_vm *vm)
{
	struct svmgpu_exec_queue *queue;

	list_for_each_entry(queue, &vm->preempt.queues, vm_link)
		if (!queue->preempt_fence ||
		    test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &queue->preempt_fence->flags))
			return true;
	return false;
}

/**
 * svmgpu_preempt_add_queue() - puts a new queue under preemption
 * @vm: preempt-mode VM
 * @queue: the queue, not visible to user space yet
 *
 * If the VM is just being revalidated, the queue begins suspended.
 * Process context, may sleep; no lock held.
 *
 * Return: 0, -EINTR, -ENOENT when the VM is closed, -ENOMEM.
 */
int svmgpu_preempt_add_queue(struct svmgpu_vm *vm, struct svmgpu_exec_queue *queue)
{
	struct svmgpu_validation v;
	LIST_HEAD(fences);
	int err;

	err = svmgpu_preempt_prepare(vm, &fences, 1);
	if (err)
		return err;
	err = svmgpu_down_write_killable(&vm->lock);
	if (err)
		goto free_fences;
	if (vm->closed || vm->banned) {
		err = -ENOENT;
		goto unlock;
	}
	svmgpu_validation_init(&v, vm->dev,
			       DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		err = svmgpu_vm_lock_objects(vm, &v, 1);
		if (!err) {
			struct dma_fence *fence;
			bool suspend = any_preempting(vm) || svmgpu_vm_needs_rebind(vm);

			arm(vm, queue, &fences);
			fence = queue->preempt_fence;
			list_add_tail(&queue->vm_link, &vm->preempt.queues);
			vm->preempt.num_queues++;
			/*
			 * A userptr that was invalidated before our fence was
			 * there did not wait for it.
			 */
			svmgpu_notifier_lock_read(&vm->svm.gpusvm);
			suspend |= svmgpu_vm_userptr_needs_repin(vm);
			svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
			if (suspend)
				dma_fence_enable_sw_signaling(fence);
		}
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
unlock:
	svmgpu_up_write(&vm->lock);
free_fences:
	svmgpu_preempt_free(&fences);
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_preempt_add_queue, ERRNO);

/**
 * svmgpu_preempt_remove_queue() - takes a dead queue out of its VM
 * @queue: the queue, stopped
 *
 * Process context, may sleep; no dma_resv held. Nothing happens for a queue of
 * another kind of VM.
 */
void svmgpu_preempt_remove_queue(struct svmgpu_exec_queue *queue)
{
	struct svmgpu_vm *vm = queue->vm;
	struct dma_fence *fence;

	if (!svmgpu_vm_in_preempt_mode(vm))
		return;
	svmgpu_resv_lock(svmgpu_vm_resv(vm), SVMGPU_LOCK_VM_RESV, vm->trace_id, 0);
	fence = queue->preempt_fence;
	queue->preempt_fence = NULL;
	if (!list_empty(&queue->vm_link)) {
		list_del_init(&queue->vm_link);
		vm->preempt.num_queues--;
	}
	svmgpu_vm_resv_unlock(vm);
	if (fence) {
		/* it signals at once: the queue is dead */
		dma_fence_enable_sw_signaling(fence);
		dma_fence_put(fence);
	}
}

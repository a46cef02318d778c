// SPDX-License-Identifier: GPL-2.0
/*
 * User fences of binds. The write may fault, and the page may even have to come
 * back from a GPU's memory, so it is done by a worker that borrows the
 * process's address space.
 */
#include <linux/dma-fence.h>
#include <linux/error-injection.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_print.h>

#include "svmgpu_device.h"
#include "svmgpu_trace.h"
#include "svmgpu_user_fence.h"

/** struct svmgpu_user_fence - one value to write */
struct svmgpu_user_fence {
	/** @refcount: entries, gpu_vmas, the pending write */
	struct kref refcount;
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @cb: on the fence it waits for */
	struct dma_fence_cb cb;
	/** @work: writes it */
	struct work_struct work;
	/** @mm: address space of @addr (grabbed) */
	struct mm_struct *mm;
	/** @addr: where to write */
	u64 __user *addr;
	/** @value: what to write */
	u64 value;
	/** @signalled: it is about to be written, or was */
	bool signalled;
};

static void user_fence_free(struct kref *kref)
{
	struct svmgpu_user_fence *ufence = container_of(kref, struct svmgpu_user_fence, refcount);

	mmdrop(ufence->mm);
	kfree(ufence);
}

static void user_fence_work(struct work_struct *work)
{
	struct svmgpu_user_fence *ufence = container_of(work, struct svmgpu_user_fence, work);
	int err = -EFAULT;

	/*
	 * Before the write: who sees the value may use the same gpu_vma again at
	 * once and must not find it busy.
	 */
	WRITE_ONCE(ufence->signalled, true);
	if (mmget_not_zero(ufence->mm)) {
		kthread_use_mm(ufence->mm);
		if (!copy_to_user(ufence->addr, &ufence->value, sizeof(ufence->value)))
			err = 0;
		kthread_unuse_mm(ufence->mm);
		mmput(ufence->mm);
	}
	if (err)
		drm_dbg(&ufence->dev->drm, "user fence at %p: the address is gone\n",
			ufence->addr);
	trace_svmgpu_user_fence_signalled((uintptr_t)ufence->addr, ufence->value, 0, 0,
					  ufence->dev->caps.gpu_index, err);
	wake_up_all(&ufence->dev->ufence_wq);
	svmgpu_user_fence_put(ufence);
}

static void user_fence_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct svmgpu_user_fence *ufence = container_of(cb, struct svmgpu_user_fence, cb);

	queue_work(ufence->dev->ordered_wq, &ufence->work);
}

/**
 * svmgpu_user_fence_create() - prepares a value to be written
 * @dev: the GPU
 * @addr: address in the caller's address space, 8-byte aligned
 * @value: the value
 *
 * Process context, may sleep.
 *
 * Return: the fence with one reference, ERR_PTR(-EFAULT), ERR_PTR(-ENOMEM).
 */
struct svmgpu_user_fence *svmgpu_user_fence_create(struct svmgpu_device *dev, u64 addr, u64 value)
{
	u64 __user *ptr = u64_to_user_ptr(addr);
	struct svmgpu_user_fence *ufence;

	/* tells bad addresses apart now; a later loss of the page cannot be helped */
	if (fault_in_readable((const char __user *)ptr, sizeof(*ptr)))
		return ERR_PTR(-EFAULT);
	ufence = kzalloc_obj(*ufence, GFP_KERNEL_ACCOUNT);
	if (!ufence)
		return ERR_PTR(-ENOMEM);
	kref_init(&ufence->refcount);
	INIT_WORK(&ufence->work, user_fence_work);
	ufence->dev = dev;
	ufence->addr = ptr;
	ufence->value = value;
	ufence->mm = current->mm;
	mmgrab(ufence->mm);
	return ufence;
}
ALLOW_ERROR_INJECTION(svmgpu_user_fence_create, ERRNO);

/**
 * svmgpu_user_fence_get() - takes a reference
 * @ufence: the fence
 *
 * Return: @ufence.
 */
struct svmgpu_user_fence *svmgpu_user_fence_get(struct svmgpu_user_fence *ufence)
{
	kref_get(&ufence->refcount);
	return ufence;
}

/**
 * svmgpu_user_fence_put() - drops a reference
 * @ufence: the fence
 *
 * Any context.
 */
void svmgpu_user_fence_put(struct svmgpu_user_fence *ufence)
{
	kref_put(&ufence->refcount, user_fence_free);
}

/**
 * svmgpu_user_fence_attach() - writes the value when a fence has signalled
 * @ufence: the user fence; once
 * @fence: the fence
 *
 * Neither sleeps nor allocates.
 */
void svmgpu_user_fence_attach(struct svmgpu_user_fence *ufence, struct dma_fence *fence)
{
	/* the worker's */
	svmgpu_user_fence_get(ufence);
	/* The callback needs no reference to the fence: it is on its list. */
	if (dma_fence_add_callback(fence, &ufence->cb, user_fence_cb))
		user_fence_cb(fence, &ufence->cb);
}

/**
 * svmgpu_user_fence_signalled() - whether the value is (about to be) written
 * @ufence: the fence
 *
 * Any context.
 *
 * Return: true when its bind has completed.
 */
bool svmgpu_user_fence_signalled(struct svmgpu_user_fence *ufence)
{
	return READ_ONCE(ufence->signalled);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Sync entries of EXEC and VM_BIND.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/error-injection.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/gpu_scheduler.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_device.h"
#include "svmgpu_sync.h"
#include "svmgpu_user_fence.h"

/**
 * svmgpu_sync_check() - one entry of user space's array
 * @in: the entry
 * @flags: SVMGPU_SYNC_*
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP.
 */
int svmgpu_sync_check(const struct drm_xe_sync *in, unsigned int flags)
{
	const bool signal = in->flags & DRM_XE_SYNC_FLAG_SIGNAL;

	if (in->extensions || in->flags & ~DRM_XE_SYNC_FLAG_SIGNAL || in->reserved[0] ||
	    in->reserved[1])
		return -EINVAL;

	switch (in->type) {
	case DRM_XE_SYNC_TYPE_SYNCOBJ:
	case DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ:
		/* A long-running job has no end that a dma-fence could promise. */
		if (flags & SVMGPU_SYNC_LR && signal)
			return -EOPNOTSUPP;
		if (upper_32_bits(in->addr))
			return -EINVAL;
		if (in->type == DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ && !in->timeline_value)
			return -EINVAL;
		return 0;
	case DRM_XE_SYNC_TYPE_USER_FENCE:
		if (flags & SVMGPU_SYNC_DISALLOW_USER_FENCE || !signal)
			return -EOPNOTSUPP;
		return IS_ALIGNED(in->addr, sizeof(u64)) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int parse_syncobj(struct svmgpu_file *file, struct svmgpu_sync *sync,
			 const struct drm_xe_sync *in)
{
	bool timeline = in->type == DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ;

	sync->syncobj = drm_syncobj_find(file->drm, in->handle);
	if (!sync->syncobj)
		return -ENOENT;
	if (in->flags & DRM_XE_SYNC_FLAG_SIGNAL) {
		if (!timeline)
			return 0;
		sync->chain = dma_fence_chain_alloc();
		return sync->chain ? 0 : -ENOMEM;
	}
	sync->fence = drm_syncobj_fence_get(sync->syncobj);
	if (!sync->fence)
		return -EINVAL;
	return timeline ? dma_fence_chain_find_seqno(&sync->fence, in->timeline_value) : 0;
}

static int parse_user_fence(struct svmgpu_device *dev, struct svmgpu_sync *sync,
			    const struct drm_xe_sync *in, unsigned int flags)
{
	struct svmgpu_user_fence *ufence;

	/* EXEC: the GPU writes it, at an address of the VM */
	if (flags & SVMGPU_SYNC_EXEC)
		return 0;
	ufence = svmgpu_user_fence_create(dev, in->addr, in->timeline_value);
	if (IS_ERR(ufence))
		return PTR_ERR(ufence);
	sync->ufence = ufence;
	return 0;
}

/**
 * svmgpu_sync_parse() - reads one entry of user space's array
 * @dev: the GPU
 * @file: whose syncobj handles are meant
 * @sync: result; zeroed by the caller; nothing to clean up on error
 * @user: the entry
 * @flags: SVMGPU_SYNC_*
 *
 * Process context, may sleep.
 *
 * Return: 0, -EFAULT, -EINVAL, -ENOENT (bad handle), -EOPNOTSUPP, -ENOMEM.
 */
int svmgpu_sync_parse(struct svmgpu_device *dev, struct svmgpu_file *file,
		      struct svmgpu_sync *sync, struct drm_xe_sync __user *user,
		      unsigned int flags)
{
	struct drm_xe_sync in;
	int err;

	if (copy_from_user(&in, user, sizeof(in)))
		return -EFAULT;
	err = svmgpu_sync_check(&in, flags);
	if (err)
		return err;

	if (in.type == DRM_XE_SYNC_TYPE_USER_FENCE)
		err = parse_user_fence(dev, sync, &in, flags);
	else
		err = parse_syncobj(file, sync, &in);
	if (err) {
		svmgpu_sync_cleanup(sync);
		memset(sync, 0, sizeof(*sync));
		return err;
	}
	sync->type = in.type;
	sync->flags = in.flags;
	sync->addr = in.addr;
	sync->value = in.timeline_value;
	sync->point = in.timeline_value;
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_sync_parse, ERRNO);

/**
 * svmgpu_sync_add_deps() - lets a job wait for an in-sync
 * @sync: the entry
 * @job: initialised, not armed
 *
 * Process context, may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_sync_add_deps(const struct svmgpu_sync *sync, struct drm_sched_job *job)
{
	if (!sync->fence)
		return 0;
	/* takes the reference, also when it fails */
	return drm_sched_job_add_dependency(job, dma_fence_get(sync->fence));
}
ALLOW_ERROR_INJECTION(svmgpu_sync_add_deps, ERRNO);

/**
 * svmgpu_sync_signal() - attaches a fence to an out-sync
 * @sync: the entry; in-syncs are left alone
 * @fence: what it will be signalled by
 *
 * Does not allocate; cannot fail.
 */
void svmgpu_sync_signal(struct svmgpu_sync *sync, struct dma_fence *fence)
{
	if (!(sync->flags & DRM_XE_SYNC_FLAG_SIGNAL))
		return;
	if (sync->chain) {
		drm_syncobj_add_point(sync->syncobj, sync->chain, fence, sync->point);
		/* the timeline's now */
		sync->chain = NULL;
	} else if (sync->syncobj) {
		drm_syncobj_replace_fence(sync->syncobj, fence);
	} else if (sync->ufence) {
		svmgpu_user_fence_attach(sync->ufence, fence);
	}
}

/**
 * svmgpu_sync_cleanup() - lets go of what an entry holds
 * @sync: the entry; may be zero
 */
void svmgpu_sync_cleanup(struct svmgpu_sync *sync)
{
	if (sync->syncobj)
		drm_syncobj_put(sync->syncobj);
	dma_fence_put(sync->fence);
	dma_fence_chain_free(sync->chain);
	if (sync->ufence)
		svmgpu_user_fence_put(sync->ufence);
}

/**
 * svmgpu_sync_in_fence() - one fence for all in-syncs and a queue's last fence
 * @sync: entries
 * @count: number of them
 * @queue_fence: fence of the queue's newest submission, or NULL
 *
 * For submissions without a job. Process context, may sleep.
 *
 * Return: the fence with a reference (signalled, if there is nothing to wait
 * for), or ERR_PTR(-ENOMEM).
 */
struct dma_fence *svmgpu_sync_in_fence(struct svmgpu_sync *sync, unsigned int count,
				       struct dma_fence *queue_fence)
{
	struct dma_fence *merged, **fences;
	struct dma_fence_array *array;
	unsigned int num = 0;

	fences = kmalloc_array(count + 1, sizeof(*fences), GFP_KERNEL);
	if (!fences)
		return ERR_PTR(-ENOMEM);
	for (unsigned int i = 0; i < count; i++)
		if (sync[i].fence)
			fences[num++] = dma_fence_get(sync[i].fence);
	if (queue_fence)
		fences[num++] = dma_fence_get(queue_fence);

	if (num <= 1) {
		merged = num ? fences[0] : dma_fence_get_stub();
		kfree(fences);
		return merged;
	}
	array = dma_fence_array_create(num, fences, dma_fence_context_alloc(1), 1);
	if (array)
		return &array->base;
	while (num--)
		dma_fence_put(fences[num]);
	kfree(fences);
	return ERR_PTR(-ENOMEM);
}
ALLOW_ERROR_INJECTION(svmgpu_sync_in_fence, ERRNO);

/**
 * svmgpu_sync_user_fence_get() - the user fence of a bind's entry
 * @sync: an entry for which svmgpu_sync_is_user_fence()
 *
 * Return: the fence with a reference.
 */
struct svmgpu_user_fence *svmgpu_sync_user_fence_get(const struct svmgpu_sync *sync)
{
	return svmgpu_user_fence_get(sync->ufence);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * WAIT_USER_FENCE: sleeps until a value in user memory compares as asked. Each
 * completion of a job or bind wakes the sleepers, who look again.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <drm/drm_drv.h>
#include <drm/drm_utils.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"

/* 1: passed; 0: not yet; -EFAULT. */
static int compare(const struct drm_xe_wait_user_fence *args)
{
	u64 want = args->value & args->mask, now;

	if (copy_from_user(&now, u64_to_user_ptr(args->addr), sizeof(now)))
		return -EFAULT;
	now &= args->mask;
	switch (args->op) {
	case DRM_XE_UFENCE_WAIT_OP_EQ:
		return now == want;
	case DRM_XE_UFENCE_WAIT_OP_NEQ:
		return now != want;
	case DRM_XE_UFENCE_WAIT_OP_GT:
		return now > want;
	case DRM_XE_UFENCE_WAIT_OP_GTE:
		return now >= want;
	case DRM_XE_UFENCE_WAIT_OP_LT:
		return now < want;
	default:
		return now <= want;
	}
}

static long timeout_jiffies(struct drm_xe_wait_user_fence *args)
{
	u64 jiffies_left;

	if (args->timeout < 0) {
		/* for ever, also after the time waited was taken off */
		args->timeout = MAX_SCHEDULE_TIMEOUT;
		return MAX_SCHEDULE_TIMEOUT;
	}
	if (!args->timeout)
		return 0;
	if (args->flags & DRM_XE_UFENCE_WAIT_FLAG_ABSTIME)
		jiffies_left = drm_timeout_abs_to_jiffies(args->timeout);
	else
		jiffies_left = nsecs_to_jiffies(args->timeout);
	return clamp_t(u64, jiffies_left, 1, MAX_SCHEDULE_TIMEOUT - 1);
}

static int wait_for_value(struct svmgpu_device *dev, const struct drm_xe_wait_user_fence *args,
			  struct svmgpu_exec_queue *queue, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	unsigned long check = jiffies + HZ;
	long slice;
	int err;

	/* on the list before the first look: no wake-up between is lost */
	add_wait_queue(&dev->ufence_wq, &wait);
	for (;;) {
		/* may fault, which is why the task state is not set here */
		err = compare(args);
		if (err) {
			err = min(err, 0);
			break;
		}
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		if (drm_dev_is_unplugged(&dev->drm)) {
			err = -ENODEV;
			break;
		}
		if (svmgpu_device_wedged(dev) || (queue && svmgpu_exec_queue_dead(queue))) {
			err = -EIO;
			break;
		}
		if (!timeout) {
			err = -ETIME;
			break;
		}
		/* in slices: nobody may tell that the device was pulled out */
		slice = min_t(long, timeout, HZ);
		timeout -= slice - wait_woken(&wait, TASK_INTERRUPTIBLE, slice);
		if (time_after(jiffies, check)) {
			svmgpu_command_check_device(dev);
			check = jiffies + HZ;
		}
	}
	remove_wait_queue(&dev->ufence_wq, &wait);
	return err;
}

/**
 * svmgpu_wait_check() - the arguments of WAIT_USER_FENCE
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_wait_check(const struct drm_xe_wait_user_fence *args)
{
	if (args->extensions || args->pad || args->pad2 || args->reserved[0] ||
	    args->reserved[1] || args->flags & ~DRM_XE_UFENCE_WAIT_FLAG_ABSTIME ||
	    args->op > DRM_XE_UFENCE_WAIT_OP_LTE || !IS_ALIGNED(args->addr, sizeof(u64)))
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_wait_user_fence_ioctl() - DRM_IOCTL_XE_WAIT_USER_FENCE
 * @drm: the device
 * @data: struct drm_xe_wait_user_fence; a relative timeout is written back
 * @file: the DRM file
 *
 * Return: 0, -EINVAL, -ENOENT (no such queue), -EFAULT, -ETIME, -EIO (the queue
 * is banned, or the device lost), -ENODEV (it was unbound), -ERESTARTSYS.
 */
int svmgpu_wait_user_fence_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct drm_xe_wait_user_fence *args = data;
	struct svmgpu_exec_queue *queue = NULL;
	ktime_t start;
	long timeout;
	int err;

	err = svmgpu_wait_check(args);
	if (err)
		return err;
	if (args->exec_queue_id) {
		queue = svmgpu_exec_queue_lookup(file->driver_priv, args->exec_queue_id);
		if (!queue)
			return -ENOENT;
	}

	start = ktime_get();
	timeout = timeout_jiffies(args);
	err = wait_for_value(dev, args, queue, timeout);
	if (!(args->flags & DRM_XE_UFENCE_WAIT_FLAG_ABSTIME)) {
		args->timeout -= ktime_to_ns(ktime_sub(ktime_get(), start));
		args->timeout = max(args->timeout, 0);
	}
	if (queue)
		svmgpu_exec_queue_put(queue);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: changes of a VM's partition into gpu_vmas, and of its page tables.
 */
#include <linux/dma-fence.h>

#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_bind_args.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Overview
 *
 * One ioctl is one change, all of it or nothing:
 *
 *	plan	  applies every operation to the partition, in order, with a record
 *		  of what came and went. What the operations touched is kept as a
 *		  set of address intervals.
 *	pin	  obtains the pages of userptrs; prefetches mirrors.
 *	lock	  the VM's resv and that of every object that comes, goes or moves.
 *	validate  makes objects resident.
 *	stage	  for each interval, compares page tables and partition and allocates
 *		  what it takes to make the tables say what the partition says.
 *	check	  under the notifier lock: are the userptrs' pages still valid?
 *	commit	  writes by the CPU at once if nothing is pending, else by a job.
 *
 * Up to the check everything can be undone. Because an interval is written from
 * the partition as it is after all operations, no state in between ever shows.
 */

/**
 * DOC: Locking
 *
 * Bind queue's lock, VM lock for write, resvs, notifier lock for reading. The
 * fence of a job is in the VM's resv, and in that of every external object,
 * before the notifier lock is dropped: evictions and invalidations wait for it.
 */

static void bind_signal(struct svmgpu_bind *bind)
{
	struct dma_fence *fence = bind->fence ? dma_fence_get(bind->fence) :
						dma_fence_get_stub();
	u32 i;

	for (i = 0; i < bind->num_syncs; i++)
		svmgpu_sync_signal(&bind->syncs[i], fence);
	dma_fence_put(bind->queue->last_fence);
	bind->queue->last_fence = bind->fence ? dma_fence_get(bind->fence) : NULL;
	bind->queue->last_behind_user = bind->behind_user;
	dma_fence_put(fence);
}

/* Nothing to write: the out-syncs signal when the in-syncs and the queue have. */
static int bind_signal_only(struct svmgpu_bind *bind)
{
	struct dma_fence *fence;
	u32 i;

	fence = svmgpu_sync_in_fence(bind->syncs, bind->num_syncs, bind->queue->last_fence);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	for (i = 0; i < bind->num_syncs; i++)
		svmgpu_sync_signal(&bind->syncs[i], fence);
	dma_fence_put(fence);
	return 0;
}

/* The same when the partition has changed already and failing is no choice. */
static void bind_signal_later(struct svmgpu_bind *bind)
{
	u32 i;

	if (!bind_signal_only(bind))
		return;
	for (i = 0; i < bind->num_syncs; i++)
		if (bind->syncs[i].fence)
			dma_fence_wait(bind->syncs[i].fence, false);
	if (bind->queue->last_fence)
		dma_fence_wait(bind->queue->last_fence, false);
	bind_signal(bind);
}

static bool bind_maps_object(const struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->num_ops; i++)
		if (bind->ops[i].op == DRM_XE_VM_BIND_OP_MAP && bind->bos[i])
			return true;
	return false;
}

static int bind_main(struct svmgpu_bind *bind)
{
	int err;

	/* what the CPU unmapped must not make an operation busy */
	svmgpu_svm_collect(bind->vm);

	if (svmgpu_vm_in_preempt_mode(bind->vm) && bind_maps_object(bind)) {
		err = svmgpu_vm_revalidate(bind->vm);
		if (err)
			return err;
	}

	err = svmgpu_bind_plan(bind);
	if (err)
		goto err_undo;
	if (list_empty(&bind->created) && list_empty(&bind->removed) && !bind->prefetches) {
		err = bind_signal_only(bind);
		if (err)
			goto err_undo;
		return 0;
	}
	err = svmgpu_bind_execute(bind);
	if (err)
		goto err_undo;
	/* mirrors alone write nothing: their entries follow with the faults */
	if (bind->num_touched)
		bind_signal(bind);
	else
		bind_signal_later(bind);
	return 0;

err_undo:
	svmgpu_bind_prefetch_done(bind, false);
	svmgpu_bind_undo(bind);
	return err;
}

static void bind_destroy_vmas(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma, *next;

	list_for_each_entry_safe(vma, next, &bind->stillborn, op_link) {
		list_del_init(&vma->op_link);
		svmgpu_vma_destroy(vma, NULL);
	}
	list_for_each_entry_safe(vma, next, &bind->removed, op_link) {
		list_del_init(&vma->op_link);
		svmgpu_vma_destroy(vma, bind->fence);
	}
	list_for_each_entry_safe(vma, next, &bind->created, op_link)
		list_del_init(&vma->op_link);
}

/* Bind queue's lock and VM lock held. */
static int bind_locked(struct svmgpu_bind *bind, struct drm_xe_vm_bind *args,
		       struct drm_file *file)
{
	int err;

	if (bind->vm->closed || bind->vm->banned)
		return -ENOENT;
	err = svmgpu_bind_get_bos(bind, file);
	if (!err)
		err = svmgpu_bind_get_syncs(bind, args, file);
	if (err)
		return err;
	if (!bind->num_ops)
		return bind_signal_only(bind);
	err = bind_main(bind);
	bind_destroy_vmas(bind);
	return err;
}

static int bind_get_queue(struct svmgpu_bind *bind, struct svmgpu_file *sfile, u32 id)
{
	struct svmgpu_exec_queue *queue;

	if (!id) {
		svmgpu_exec_queue_get(bind->vm->bind_queue);
		bind->queue = bind->vm->bind_queue;
		return 0;
	}
	queue = svmgpu_exec_queue_lookup(sfile, id);
	if (!queue)
		return -ENOENT;
	if (!svmgpu_exec_queue_is_bind(queue) || queue->vm != bind->vm) {
		svmgpu_exec_queue_put(queue);
		return -EINVAL;
	}
	bind->queue = queue;
	return 0;
}

/**
 * svmgpu_vm_bind_ioctl() - DRM_IOCTL_XE_VM_BIND
 * @drm: the device
 * @data: struct drm_xe_vm_bind
 * @file: the file
 *
 * Return: 0 or a negative errno; then nothing was changed.
 */
int svmgpu_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct svmgpu_file *sfile = file->driver_priv;
	struct drm_xe_vm_bind *args = data;
	struct svmgpu_bind bind = {};
	int err;

	if (svmgpu_device_wedged(dev))
		return -ECANCELED;

	INIT_LIST_HEAD(&bind.created);
	INIT_LIST_HEAD(&bind.removed);
	INIT_LIST_HEAD(&bind.stillborn);
	bind.vm = svmgpu_vm_lookup(sfile, args->vm_id);
	if (!bind.vm)
		return -EINVAL;
	bind.trace_id = svmgpu_trace_new_id();

	err = svmgpu_bind_get_ops(&bind, args);
	if (err)
		goto out;
	err = bind_get_queue(&bind, sfile, args->exec_queue_id);
	if (err)
		goto out;
	err = svmgpu_mutex_lock_interruptible(&bind.queue->bind_lock);
	if (err)
		goto out_queue;
	err = svmgpu_down_write_killable(&bind.vm->lock);
	if (err)
		goto out_bind_lock;
	err = bind_locked(&bind, args, file);
	svmgpu_up_write(&bind.vm->lock);
	if (err || !bind.fence)
		trace_svmgpu_bind_ended(bind.trace_id, err, 0);

out_bind_lock:
	svmgpu_mutex_unlock(&bind.queue->bind_lock);
out_queue:
	svmgpu_exec_queue_put(bind.queue);
out:
	svmgpu_bind_put_args(&bind);
	kvfree(bind.touched);
	dma_fence_put(bind.fence);
	svmgpu_vm_put(bind.vm);
	return err;
}


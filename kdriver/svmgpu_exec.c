// SPDX-License-Identifier: GPL-2.0
/*
 * EXEC: the exec function of the VM_BIND locking document, for the three kinds
 * of VM.
 *
 * dma-fence VMs: under the VM lock for read, invalidated userptrs are repinned
 * (VM lock for write, L6), the VM's resv and all external objects' resvs are
 * locked, evicted objects validated and their gpu_vmas rebound (L2), the job is
 * made, and in one read section of the notifier lock the userptrs are looked at
 * once more and the job's fence is added to all resvs (L5). The resvs stay locked
 * from validation until then (L1).
 *
 * Long-running VMs, with faults or preempt fences: a job has no finite end, so
 * its fence goes nowhere; memory is taken away from it by suspension or by
 * faults. It only waits for its in-syncs and for others of its queue.
 */
#include <linux/dma-resv.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_exec.h>
#include <drm/ttm/ttm_device.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_race.h"
#include "svmgpu_sched.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"

/** struct exec_call - one EXEC */
struct exec_call {
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @queue: where to */
	struct svmgpu_exec_queue *queue;
	/** @vm: of @queue */
	struct svmgpu_vm *vm;
	/** @syncs: parsed entries */
	struct svmgpu_sync *syncs;
	/** @num_syncs: of @syncs */
	u32 num_syncs;
	/** @user_fence: the entry that is a user fence, or NULL */
	const struct svmgpu_sync *user_fence;
	/** @batch_va: addresses of the batches */
	u64 batch_va[SVMGPU_QUEUE_MAX_WIDTH];
	/** @client_id: of the DRM file */
	u64 client_id;
	/** @id: name in the event log */
	u32 id;
	/** @attempt: from 1 */
	u32 attempt;
};

#define exec_phase(name, call, object, seq, value, result) do {				\
		const struct exec_call *__call = (call);				\
											\
		trace_svmgpu_##name(__call->id, __call->vm->trace_id, object, seq, value, \
				    result, __call->dev->caps.gpu_index,		\
				    SVMGPU_TRACE_OWNER_EXEC, __call->attempt);		\
	} while (0)

static void release_syncs(struct exec_call *call)
{
	while (call->num_syncs)
		svmgpu_sync_cleanup(&call->syncs[--call->num_syncs]);
	kvfree(call->syncs);
}

static int read_syncs(struct exec_call *call, struct svmgpu_file *file,
		      const struct drm_xe_exec *args)
{
	struct drm_xe_sync __user *user = u64_to_user_ptr(args->syncs);
	unsigned int flags = SVMGPU_SYNC_EXEC |
			     (svmgpu_vm_in_lr_mode(call->vm) ? SVMGPU_SYNC_LR : 0);

	if (!args->num_syncs)
		return 0;
	call->syncs = kvcalloc(args->num_syncs, sizeof(*call->syncs), GFP_KERNEL);
	if (!call->syncs)
		return -ENOMEM;
	while (call->num_syncs < args->num_syncs) {
		struct svmgpu_sync *sync = &call->syncs[call->num_syncs];
		int err = svmgpu_sync_parse(call->dev, file, sync, &user[call->num_syncs], flags);

		if (err)
			return err;
		call->num_syncs++;
		if (sync->type != DRM_XE_SYNC_TYPE_USER_FENCE)
			continue;
		if (call->user_fence)
			return -EINVAL;
		call->user_fence = sync;
	}
	return 0;
}

static struct svmgpu_exec_job *create_job(struct exec_call *call)
{
	struct svmgpu_exec_job *job;

	job = svmgpu_job_create(call->queue, call->batch_va, call->user_fence, call->client_id);
	if (IS_ERR(job))
		return job;
	job->exec_id = call->id;
	if (call->user_fence) {
		job->user_fence_va = call->user_fence->addr;
		job->user_fence_value = call->user_fence->value;
	}
	for (u32 i = 0; i < call->num_syncs; i++) {
		int err = svmgpu_sync_add_deps(&call->syncs[i], &job->base);

		if (err) {
			svmgpu_job_destroy(job);
			return ERR_PTR(err);
		}
	}
	return job;
}

static void trace_armed(struct exec_call *call, struct svmgpu_exec_job *job)
{
	trace_svmgpu_job_armed(job->trace_id, call->queue->trace_id, call->vm->trace_id,
			       call->dev->caps.gpu_index,
			       call->queue->engines[0] ? __ffs(call->queue->engines[0]) : 0,
			       job->base.s_fence->finished.seqno, call->id, 0);
}

static bool vm_unusable(const struct svmgpu_vm *vm)
{
	return vm->closed || vm->banned;
}

/* --- long-running VMs ------------------------------------------------------ */

static int exec_long_running(struct exec_call *call)
{
	struct svmgpu_vm *vm = call->vm;
	struct svmgpu_exec_job *job;
	int err;

	/* no resv is held that would order two submissions to one queue */
	err = svmgpu_mutex_lock_interruptible(&call->queue->bind_lock);
	if (err)
		return err;
	err = svmgpu_down_read_interruptible(&vm->lock);
	if (err)
		goto unlock_queue;
	if (vm_unusable(vm)) {
		err = -ECANCELED;
		goto unlock_vm;
	}
	job = create_job(call);
	if (IS_ERR(job)) {
		err = PTR_ERR(job);
		goto unlock_vm;
	}
	drm_sched_job_arm(&job->base);
	trace_armed(call, job);
	drm_sched_entity_push_job(&job->base);
unlock_vm:
	svmgpu_up_read(&vm->lock);
unlock_queue:
	svmgpu_mutex_unlock(&call->queue->bind_lock);
	return err;
}

/* --- dma-fence VMs --------------------------------------------------------- */

static int lock_and_validate(struct exec_call *call, struct svmgpu_validation *v)
{
	struct svmgpu_vm *vm = call->vm;
	struct drm_gem_object *obj;
	int err;

	err = svmgpu_vm_lock_objects(vm, v, 1);
	exec_phase(exec_locked, call, 0, 0, v->traced, err);
	if (err)
		return err;
	err = svmgpu_vm_validate(vm, &v->exec);
	if (err)
		return err;
	/* Rebinding may have used the slots: one for the job's own fence on each. */
	drm_exec_for_each_locked_object(&v->exec, obj) {
		err = dma_resv_reserve_fences(obj->resv, 1);
		if (err)
			return err;
	}
	return 0;
}

/* All locked and valid. -EAGAIN: a userptr was invalidated meanwhile. */
static int submit(struct exec_call *call, struct svmgpu_validation *v)
{
	struct svmgpu_exec_queue *queue = call->queue;
	struct svmgpu_vm *vm = call->vm;
	struct drm_gem_object *obj;
	struct svmgpu_exec_job *job;
	struct dma_fence *fence;
	int err;

	job = create_job(call);
	if (IS_ERR(job))
		return PTR_ERR(job);
	/* moves, clears and rebinds of what the job will use */
	drm_exec_for_each_locked_object(&v->exec, obj) {
		err = drm_sched_job_add_resv_dependencies(&job->base, obj->resv,
							  DMA_RESV_USAGE_KERNEL);
		if (err)
			goto destroy_job;
	}

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	/*
	 * L5: an invalidation that comes after this finds our fence and waits
	 * for it; one that came before is on the list.
	 */
	if (svmgpu_race_point(vm->dev, SVMGPU_RACE_BEFORE_FENCE, vm->trace_id) ||
	    svmgpu_vm_userptr_needs_repin(vm)) {
		exec_phase(seq_checked, call, 0, 0, 1, -EAGAIN);
		err = -EAGAIN;
		goto unlock_notifier;
	}
	exec_phase(seq_checked, call, 0, 0, 0, 0);
	/* Nothing fails from here on. */
	drm_sched_job_arm(&job->base);
	trace_armed(call, job);
	fence = &job->base.s_fence->finished;
	drm_gpuvm_resv_add_fence(&vm->gpuvm, &v->exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
	exec_phase(fence_published, call, queue->trace_id, fence->seqno, v->traced, 0);
	for (u32 i = 0; i < call->num_syncs; i++)
		svmgpu_sync_signal(&call->syncs[i], fence);
	dma_fence_put(queue->last_fence);
	queue->last_fence = dma_fence_get(fence);
	drm_sched_entity_push_job(&job->base);
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
	svmgpu_vm_used(vm, &v->exec);
	return 0;

unlock_notifier:
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
destroy_job:
	svmgpu_job_destroy(job);
	return err;
}

/* VM lock for read, with every userptr pinned that could be. */
static int take_vm_lock(struct svmgpu_vm *vm)
{
	int err;

	if (!svmgpu_vm_userptr_needs_repin(vm))
		return svmgpu_down_read_interruptible(&vm->lock);
	err = svmgpu_down_write_killable(&vm->lock);
	if (err)
		return err;
	err = vm_unusable(vm) ? -ECANCELED : svmgpu_vm_userptr_pin(vm);
	if (err) {
		svmgpu_up_write(&vm->lock);
		return err;
	}
	svmgpu_downgrade_write(&vm->lock);
	return 0;
}

static int exec_attempt(struct exec_call *call)
{
	struct svmgpu_vm *vm = call->vm;
	struct svmgpu_validation v;
	int err;

	err = take_vm_lock(vm);
	if (err)
		return err;
	if (vm_unusable(vm)) {
		err = -ECANCELED;
		goto unlock;
	}
	svmgpu_validation_init(&v, call->dev,
			       DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		err = lock_and_validate(call, &v);
		if (!err)
			err = submit(call, &v);
		svmgpu_validation_end(&v);
		exec_phase(objects_unlocked, call, 0, 0, 0, err);
	} while (svmgpu_validation_retry(&v, &err));
unlock:
	svmgpu_up_read(&vm->lock);
	return err;
}

static int exec_with_fences(struct exec_call *call)
{
	int err;

	do {
		call->attempt++;
		err = exec_attempt(call);
		if (err == -EAGAIN && signal_pending(current))
			return -ERESTARTSYS;
	} while (err == -EAGAIN);
	return err;
}

/* No batch: out-syncs signal when the in-syncs and the queue's last job have. */
static int exec_fence_only(struct exec_call *call)
{
	struct svmgpu_exec_queue *queue = call->queue;
	struct svmgpu_vm *vm = call->vm;
	struct dma_fence *fence;
	int err;

	if (svmgpu_vm_in_lr_mode(vm))
		return 0;
	err = svmgpu_down_read_interruptible(&vm->lock);
	if (err)
		return err;
	err = svmgpu_vm_resv_lock(vm);
	if (err)
		goto unlock;
	fence = svmgpu_sync_in_fence(call->syncs, call->num_syncs, queue->last_fence);
	if (IS_ERR(fence)) {
		err = PTR_ERR(fence);
	} else {
		for (u32 i = 0; i < call->num_syncs; i++)
			svmgpu_sync_signal(&call->syncs[i], fence);
		dma_fence_put(queue->last_fence);
		queue->last_fence = fence;
	}
	svmgpu_vm_resv_unlock(vm);
unlock:
	svmgpu_up_read(&vm->lock);
	return err;
}

static int exec_on_queue(struct exec_call *call, struct svmgpu_file *file,
			 const struct drm_xe_exec *args)
{
	struct svmgpu_exec_queue *queue = call->queue;
	int err;

	if (svmgpu_exec_queue_is_bind(queue) ||
	    (args->num_batch_buffer && args->num_batch_buffer != queue->width))
		return -EINVAL;
	if (svmgpu_exec_queue_dead(queue))
		return -ECANCELED;
	if (atomic_read(&queue->job_count) >= SVMGPU_QUEUE_MAX_JOBS)
		return -EAGAIN;

	call->vm = queue->vm;
	err = read_syncs(call, file, args);
	if (err)
		goto release;
	if (args->num_batch_buffer > 1) {
		if (copy_from_user(call->batch_va, u64_to_user_ptr(args->address),
				   sizeof(u64) * queue->width)) {
			err = -EFAULT;
			goto release;
		}
	} else {
		call->batch_va[0] = args->address;
	}

	call->id = svmgpu_trace_new_id();
	exec_phase(exec_started, call, queue->trace_id, 0, args->num_batch_buffer, 0);
	if (!args->num_batch_buffer)
		err = exec_fence_only(call);
	else if (svmgpu_vm_in_lr_mode(call->vm))
		err = exec_long_running(call);
	else
		err = exec_with_fences(call);
	exec_phase(exec_ended, call, queue->trace_id, 0, 0, err);
release:
	release_syncs(call);
	return err;
}

/**
 * svmgpu_exec_check() - the arguments of EXEC
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_exec_check(const struct drm_xe_exec *args)
{
	if (args->extensions || args->pad[0] || args->pad[1] || args->pad[2] ||
	    args->reserved[0] || args->reserved[1] || args->num_syncs > DRM_XE_MAX_SYNCS)
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_exec_ioctl() - DRM_IOCTL_XE_EXEC
 * @drm: the device
 * @data: struct drm_xe_exec
 * @file: the DRM file
 *
 * Return: 0 or the errno that docs/uapi.md gives.
 */
int svmgpu_exec_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	const struct drm_xe_exec *args = data;
	struct exec_call call = {
		.dev = to_svmgpu(drm),
		.client_id = file->client_id,
	};
	int err;

	err = svmgpu_exec_check(args);
	if (err)
		return err;
	call.queue = svmgpu_exec_queue_lookup(file->driver_priv, args->exec_queue_id);
	if (!call.queue)
		return -ENOENT;
	err = exec_on_queue(&call, file->driver_priv, args);
	svmgpu_exec_queue_put(call.queue);
	return err;
}

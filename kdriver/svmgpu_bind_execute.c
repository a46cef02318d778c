// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: pin, lock, validate, stage, check, commit.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/error-injection.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_gpuvm.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_bind_job.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/* Page tables that one array of operations may touch. */
#define BIND_ARRAY_MAX_TABLES	512

/* --- pin, lock, validate ------------------------------------------------------------ */

/**
 * svmgpu_bind_pin_vma() - obtains the pages of a gpu_vma that is being bound
 * @vma: the gpu_vma; nothing happens unless it is a userptr
 *
 * Context: VM lock held for write, no resv (L6); may sleep.
 *
 * Return: 0; -EAGAIN: the CPU kept invalidating, the next round tries again;
 * -EFAULT, -EPERM, -ENOMEM.
 */
int svmgpu_bind_pin_vma(struct svmgpu_vma *vma)
{
	return svmgpu_vma_is_userptr(vma) ? svmgpu_userptr_pin(vma) : 0;
}

/* The memory of a part may be gone for long: that is no error of who cuts it. */
static int bind_pin_created(struct svmgpu_vma *vma)
{
	int err = svmgpu_bind_pin_vma(vma);

	if (!vma->part || (err != -EFAULT && err != -EPERM))
		return err;
	vma->binding = false;
	return 0;
}

/* No resv held (L6). */
static int bind_pin(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;
	int err;

	list_for_each_entry(vma, &bind->created, op_link) {
		err = bind_pin_created(vma);
		if (err)
			return err;
	}
	/* an operation may not fail or succeed by what those behind it hide */
	list_for_each_entry(vma, &bind->stillborn, op_link) {
		err = vma->part ? 0 : svmgpu_bind_pin_vma(vma);
		if (err)
			return err;
	}
	return svmgpu_bind_prefetch_pin(bind);
}

static int bind_lock_bo(struct svmgpu_bind *bind, struct svmgpu_validation *v,
			struct svmgpu_vma *vma)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	/* preempt fences go into a new external object's resv too */
	return bo ? svmgpu_validation_lock(v, &bo->ttm.base, 1 + bind->vm->preempt.num_queues) : 0;
}

/* One pass of drm_exec_until_all_locked(); -EDEADLK begins a new one. */
static int bind_lock_all(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct svmgpu_vma *vma;
	int err;

	err = svmgpu_validation_lock(v, bind->vm->gpuvm.r_obj, 1 + bind->vm->preempt.num_queues);
	if (err)
		return err;
	list_for_each_entry(vma, &bind->created, op_link) {
		err = bind_lock_bo(bind, v, vma);
		if (err)
			return err;
	}
	list_for_each_entry(vma, &bind->removed, op_link) {
		err = bind_lock_bo(bind, v, vma);
		if (err)
			return err;
	}
	return svmgpu_bind_prefetch_lock(bind, v);
}

/* A new mapping of an object; parts of old ones are not asked. */
static int bind_check_new(struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->num_ops; i++) {
		struct svmgpu_bo *bo = bind->bos[i];

		if (bind->ops[i].op != DRM_XE_VM_BIND_OP_MAP || !bo)
			continue;
		if (bo->purge == SVMGPU_DONTNEED)
			return -EBUSY;
		if (bo->purge == SVMGPU_PURGED)
			return -EINVAL;
	}
	return 0;
}

/*
 * Objects of the VM may push each other out only where they can come back: not
 * from under one another within an array, not in long-running VMs without faults.
 */
static bool bind_may_overcommit(const struct svmgpu_bind *bind)
{
	const struct svmgpu_vm *vm = bind->vm;

	if (bind->num_ops > 1)
		return false;
	return !svmgpu_vm_in_lr_mode(vm) ||
	       (svmgpu_vm_in_fault_mode(vm) && !(vm->flags & SVMGPU_VM_NO_OVERCOMMIT));
}

static int bind_validate(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;
	int err;

	err = bind_check_new(bind);
	if (err)
		return err;

	bind->vm->validating = bind_may_overcommit(bind) ? NULL : current;
	list_for_each_entry(vma, &bind->created, op_link) {
		struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

		if (!bo || !vma->binding || bo->purge == SVMGPU_PURGED)
			continue;
		err = svmgpu_bo_validate(bo, bind->vm, true);
		if (err)
			break;
	}
	if (!err)
		err = svmgpu_bind_prefetch_move(bind);
	bind->vm->validating = NULL;
	return err;
}

/*
 * The plan copied what a gpu_vma says about its entries to the parts that remain
 * of it; an eviction may have come between. Now the object is locked.
 */
static void bind_refresh_parts(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *old, *part;

	list_for_each_entry(old, &bind->removed, op_link) {
		if (!old->present || !old->invalidated)
			continue;
		list_for_each_entry(part, &bind->created, op_link)
			if (!part->binding && part->gpuva.gem.obj == old->gpuva.gem.obj &&
			    svmgpu_vma_start(part) >= svmgpu_vma_start(old) &&
			    svmgpu_vma_end(part) <= svmgpu_vma_end(old))
				part->invalidated = true;
	}
}

/* --- stage ---------------------------------------------------------------------------- */

static bool vma_is_binding(const struct svmgpu_vma *vma)
{
	return vma->binding;
}

static void bind_abort(struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; bind->updates && i < bind->num_touched; i++)
		if (bind->updates[i].vm)
			svmgpu_pt_abort(&bind->updates[i]);
	kvfree(bind->updates);
	kvfree(bind->sources);
	bind->updates = NULL;
	bind->sources = NULL;
}

static int bind_stage(struct svmgpu_bind *bind)
{
	u32 i;
	int err;

	if (!bind->num_touched)
		return 0;
	bind->updates = kvcalloc(bind->num_touched, sizeof(*bind->updates), GFP_KERNEL_ACCOUNT);
	bind->sources = kvcalloc(bind->num_touched, sizeof(*bind->sources), GFP_KERNEL_ACCOUNT);
	if (!bind->updates || !bind->sources)
		return -ENOMEM;

	for (i = 0; i < bind->num_touched; i++) {
		const struct svmgpu_bind_interval *interval = &bind->touched[i];

		svmgpu_vma_source_init(&bind->sources[i], bind->vm, interval->start,
				       interval->end, vma_is_binding);
		err = svmgpu_pt_stage(bind->vm, interval->start, interval->end,
				      &bind->sources[i].base, &bind->updates[i]);
		if (err)
			return err;
	}
	return 0;
}

static bool bind_syncs_pending(const struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->num_syncs; i++)
		if (bind->syncs[i].fence && !dma_fence_is_signaled(bind->syncs[i].fence))
			return true;
	return false;
}

static bool bind_queue_busy(const struct svmgpu_bind *bind)
{
	struct dma_fence *last = bind->queue->last_fence;

	return last && !dma_fence_is_signaled(last);
}

/* May the CPU write now, or has something to happen first? */
static bool bind_is_immediate(const struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	u32 i;

	if (bind_syncs_pending(bind))
		return false;
	if (bind_queue_busy(bind))
		return false;
	for (i = 0; i < bind->num_touched; i++)
		if (svmgpu_bind_pending(bind->vm, bind->updates[i].first, bind->updates[i].last))
			return false;
	/* an object that is still being cleared or copied must not be seen yet */
	drm_exec_for_each_locked_object(&v->exec, obj)
		if (!dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_KERNEL))
			return false;
	return true;
}

/*
 * User space may split an array, so it is told; a single operation must go. The
 * same for jobs and for writes by the CPU: which of them it is depends on time.
 */
static int bind_check_size(const struct svmgpu_bind *bind)
{
	u64 tables = 0;
	u32 i;

	for (i = 0; i < bind->num_touched; i++)
		tables += bind->updates[i].tables;
	return bind->num_ops > 1 && tables > BIND_ARRAY_MAX_TABLES ? -ENOBUFS : 0;
}

static int bind_make_job(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	int err = 0;
	u32 i;

	bind->job = svmgpu_bind_job_create(bind->vm, bind->queue, bind->updates,
					   bind->num_touched);
	if (IS_ERR(bind->job)) {
		err = PTR_ERR(bind->job);
		bind->job = NULL;
		return err == -ENOMEM && bind->num_ops > 1 ? -ENOBUFS : err;
	}
	bind->job->trace_id = bind->trace_id;
	bind->job->behind_user = bind_syncs_pending(bind) ||
				 (bind_queue_busy(bind) && bind->queue->last_behind_user);

	for (i = 0; i < bind->num_syncs && !err; i++)
		err = svmgpu_sync_add_deps(&bind->syncs[i], &bind->job->base);
	if (!err)
		err = svmgpu_bind_job_add_ranges(bind->job, bind->updates, bind->num_touched);
	if (err)
		return err;
	drm_exec_for_each_locked_object(&v->exec, obj) {
		err = svmgpu_bind_job_add_resv(bind->job, obj->resv);
		if (err)
			return err;
	}
	return 0;
}

/* --- commit ----------------------------------------------------------------------------- */

static noinline int bind_link(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;
	int err;

	list_for_each_entry(vma, &bind->created, op_link) {
		err = svmgpu_vma_link(vma);
		if (err)
			return err;
	}
	return 0;
}
ALLOW_ERROR_INJECTION(bind_link, ERRNO);

/* Objects locked. Linked ones only; the gpu_vmas stay in the partition. */
static void bind_unlink_created(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;

	list_for_each_entry(vma, &bind->created, op_link) {
		struct drm_gem_object *obj = vma->gpuva.gem.obj;

		svmgpu_vma_unlink(vma);
		vma->gpuva.gem.obj = obj;
	}
}

static int bind_check_userptrs(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;

	list_for_each_entry(vma, &bind->created, op_link)
		if (svmgpu_vma_is_userptr(vma) && vma->binding && !svmgpu_userptr_valid(vma))
			return -EAGAIN;
	return svmgpu_bind_prefetch_check(bind);
}

/*
 * User space may run an exec behind a bind without a sync when the bind waits
 * for nothing of user space's: the tables then are written late only because
 * the kernel still clears or moves the object. So execs wait for such a job,
 * like for the clear. One that is behind user space must not be waited for: what
 * it waits for may be a later exec.
 */
static enum dma_resv_usage bind_fence_usage(const struct svmgpu_bind *bind,
					    const struct drm_gem_object *obj)
{
	return obj->resv == svmgpu_vm_resv(bind->vm) && !bind->behind_user ?
	       DMA_RESV_USAGE_KERNEL : DMA_RESV_USAGE_BOOKKEEP;
}

static void bind_write(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct svmgpu_vm *vm = bind->vm;
	struct drm_gem_object *obj;
	bool flush = false;
	u32 index = 0;
	u32 i;

	if (bind->job) {
		bind->behind_user = bind->job->behind_user;
		bind->fence = svmgpu_bind_job_submit(bind->job, bind->updates, bind->num_touched);
		bind->job = NULL;
		drm_exec_for_each_locked_object(&v->exec, obj)
			dma_resv_add_fence(obj->resv, bind->fence, bind_fence_usage(bind, obj));
		trace_svmgpu_fence_published(bind->trace_id, vm->trace_id, 0, bind->fence->seqno,
					     v->traced, 0, vm->dev->caps.gpu_index,
					     SVMGPU_TRACE_OWNER_BIND, 1);
	} else {
		for (i = 0; i < bind->num_touched; i++) {
			svmgpu_pt_commit_cpu(&bind->updates[i]);
			if (!bind->updates[i].needs_flush && !(vm->flags & SVMGPU_VM_SCRATCH))
				continue;
			index = svmgpu_tlb_flush_submit(vm->dev, vm->asid, bind->updates[i].start,
							bind->updates[i].end);
			flush = true;
		}
		/* commands retire in order: the last one stands for all */
		if (flush)
			svmgpu_tlb_flush_wait(vm->dev, index);
	}
	for (i = 0; i < bind->num_touched; i++)
		trace_svmgpu_pt_written(bind->trace_id, bind->updates[i].start,
					bind->updates[i].end - bind->updates[i].start,
					vm->trace_id, 0, vm->dev->caps.gpu_index,
					SVMGPU_TRACE_OWNER_BIND, SVMGPU_TRACE_VMA_BO,
					(bind->fence ? SVMGPU_TRACE_PT_BY_JOB : 0) |
					(flush ? SVMGPU_TRACE_PT_FLUSHED : 0), 0);
}

/* A preempt fence covers the objects that its VM can reach: new external ones too. */
static void bind_add_preempt_fences(struct svmgpu_bind *bind, struct svmgpu_bo *bo)
{
	struct svmgpu_exec_queue *queue;

	if (!bo || svmgpu_bo_is_local(bo) || !svmgpu_vm_in_preempt_mode(bind->vm))
		return;
	list_for_each_entry(queue, &bind->vm->preempt.queues, vm_link)
		if (queue->preempt_fence)
			dma_resv_add_fence(bo->ttm.base.resv, queue->preempt_fence,
					   DMA_RESV_USAGE_BOOKKEEP);
}

/* Past the point of no return; all locks held. */
static void bind_finish(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;

	list_for_each_entry(vma, &bind->created, op_link) {
		vma->fresh = false;
		svmgpu_vma_trace(vma, true);
		bind_add_preempt_fences(bind, svmgpu_vma_bo(vma));
		if (!vma->binding)
			continue;
		vma->binding = false;
		vma->present = true;
		vma->invalidated = false;
		if (svmgpu_vma_is_userptr(vma))
			vma->userptr.initial_bind = true;
	}
	svmgpu_bind_prefetch_done(bind, true);
}

/* Everything that happens under the resvs. -EAGAIN: userptrs have to be pinned again. */
static int bind_execute_locked(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct svmgpu_vm *vm = bind->vm;
	struct svmgpu_vma *vma;
	int err;

	err = bind_validate(bind);
	if (!err)
		err = svmgpu_bind_inject(bind, SVMGPU_BIND_STAGE_LOCK);
	if (err)
		return err;
	bind_refresh_parts(bind);

	err = bind_stage(bind);
	if (!err)
		err = bind_check_size(bind);
	if (!err && bind->num_touched && !bind_is_immediate(bind, v))
		err = bind_make_job(bind, v);
	if (!err)
		err = bind_link(bind);
	if (!err)
		err = svmgpu_bind_inject(bind, SVMGPU_BIND_STAGE_COMMIT);
	if (err)
		goto err_unlink;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	err = bind_check_userptrs(bind);
	trace_svmgpu_seq_checked(bind->trace_id, vm->trace_id, 0, 0, !!err, err,
				 vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_BIND, 1);
	if (err) {
		svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
		goto err_unlink;
	}
	bind_write(bind, v);
	bind_finish(bind);
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);

	list_for_each_entry(vma, &bind->removed, op_link) {
		svmgpu_vma_trace(vma, false);
		svmgpu_vma_unlink(vma);
	}
	bind_abort(bind);
	svmgpu_pt_free_deferred(vm);
	return 0;

err_unlink:
	bind_unlink_created(bind);
	if (bind->job)
		svmgpu_bind_job_destroy(bind->job);
	bind->job = NULL;
	bind_abort(bind);
	return err;
}

static int bind_lock_and_execute(struct svmgpu_bind *bind)
{
	struct svmgpu_validation v;
	int err;

	svmgpu_validation_init(&v, bind->vm->dev,
			       DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = bind->vm;
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			err = bind_lock_all(bind, &v);
			drm_exec_retry_on_contention(&v.exec);
			break;
		}
		svmgpu_validation_traced(&v);
		if (!err)
			err = bind_execute_locked(bind, &v);
		svmgpu_validation_end(&v);
		/* an injected error is not cured by trying alone */
		if (bind->inject && err)
			break;
	} while (svmgpu_validation_retry(&v, &err));
	return err;
}

/**
 * svmgpu_bind_execute() - makes the page tables say what the partition says
 * @bind: the ioctl, planned
 *
 * Objects are resident, entries written or a job for it submitted (then
 * @bind->fence is set), gpu_vmas linked and unlinked.
 *
 * Context: bind queue's lock and VM lock held for write, no resv; may sleep.
 *
 * Return: 0 or the errno that docs/uapi.md gives; then no entry was written and
 * svmgpu_bind_undo() restores the partition.
 */
int svmgpu_bind_execute(struct svmgpu_bind *bind)
{
	int err;

	err = svmgpu_bind_prefetch_mirrors(bind);
	if (!err)
		err = svmgpu_bind_prefetch_touch(bind);
	if (err)
		return err;
	svmgpu_bind_merge(bind);

	/* Invalidations may come at any time; each round obtains the pages again. */
	do {
		err = bind_pin(bind);
		if (!err)
			err = bind_lock_and_execute(bind);
		if (err == -EAGAIN && signal_pending(current))
			err = -EINTR;
	} while (err == -EAGAIN);
	return err;
}

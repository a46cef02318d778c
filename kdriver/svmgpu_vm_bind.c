// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: changes of a VM's partition into gpu_vmas, and of its page tables.
 */
#include <linux/dma-fence.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_pat.h"
#include "svmgpu_stats.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
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

#define BIND_FLAGS							\
	(DRM_XE_VM_BIND_FLAG_READONLY | DRM_XE_VM_BIND_FLAG_IMMEDIATE |	\
	 DRM_XE_VM_BIND_FLAG_NULL | DRM_XE_VM_BIND_FLAG_DUMPABLE |	\
	 DRM_XE_VM_BIND_FLAG_CHECK_PXP | DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR | \
	 DRM_XE_VM_BIND_FLAG_MADVISE_AUTORESET | DRM_XE_VM_BIND_FLAG_DECOMPRESS)

/* Page tables that one array of operations may touch when it needs a job. */
#define BIND_JOB_MAX_TABLES	512

/* --- prefetch -------------------------------------------------------------------- */

/* Mirrors are prefetched range by range, before anything is locked. */
static int prefetch_mirrors(struct svmgpu_vm *vm, const struct drm_xe_vm_bind_op *user)
{
	const u64 end = user->addr + user->range;
	u64 addr = user->addr;

	while (addr < end) {
		struct drm_gpuva *gpuva = drm_gpuva_find_first(&vm->gpuvm, addr, end - addr);
		struct svmgpu_vma *vma;
		u64 vma_end;
		int err;

		if (!gpuva)
			return 0;
		vma = gpuva_to_vma(gpuva);
		vma_end = svmgpu_vma_end(vma);
		if (svmgpu_vma_is_mirror(vma)) {
			addr = max(addr, svmgpu_vma_start(vma));
			err = svmgpu_svm_prefetch(vm, vma, addr, min(end, vma_end),
						  user->prefetch_mem_region_instance);
			if (err == -EAGAIN) {
				if (signal_pending(current))
					return -EINTR;
				continue;
			}
			/* nothing there to prefetch is no error: it is advice */
			if (err && err != -ENODATA)
				return err;
		}
		addr = vma_end;
	}
	return 0;
}

typedef int (*prefetch_fn)(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region,
			   void *arg);

/* Calls @fn for every object or userptr gpu_vma that an operation prefetches. */
static int bind_each_prefetch(struct svmgpu_bind *bind, prefetch_fn fn, void *arg)
{
	struct drm_gpuva *gpuva;
	int err;
	u32 i;

	if (!bind->prefetches)
		return 0;
	for (i = 0; i < bind->num_ops; i++) {
		const struct drm_xe_vm_bind_op *user = &bind->ops[i];

		if (user->op != DRM_XE_VM_BIND_OP_PREFETCH)
			continue;
		drm_gpuvm_for_each_va_range(gpuva, &bind->vm->gpuvm, user->addr,
					    user->addr + user->range) {
			struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

			if (svmgpu_vma_is_mirror(vma))
				continue;
			err = fn(bind, vma, user->prefetch_mem_region_instance, arg);
			if (err)
				return err;
		}
	}
	return 0;
}

static int prefetch_touch(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	vma->binding = true;
	return svmgpu_bind_touch(bind, svmgpu_vma_start(vma), svmgpu_vma_end(vma));
}

/* -EAGAIN: the CPU kept invalidating; the next round tries again. */
static int bind_pin_one(struct svmgpu_vma *vma)
{
	int err = svmgpu_vma_is_userptr(vma) ? svmgpu_userptr_pin(vma) : 0;

	return err == -EBUSY ? -EAGAIN : err;
}

static int prefetch_pin(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	return bind_pin_one(vma);
}

static int prefetch_lock(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	struct svmgpu_validation *v = arg;
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	return bo ? svmgpu_validation_lock(v, &bo->ttm.base, 1) : 0;
}

static int prefetch_move(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	if (!bo)
		return 0;
	if (bo->purge != SVMGPU_WILLNEED)
		return bo->purge == SVMGPU_PURGED ? -EINVAL : -EBUSY;
	if (region == DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)
		return svmgpu_bo_validate(bo, bind->vm, true);
	return svmgpu_bo_migrate(bo, region);
}

static int prefetch_valid(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	return svmgpu_vma_is_userptr(vma) && !svmgpu_userptr_valid(vma) ? -EAGAIN : 0;
}

static int prefetch_done(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	const bool *committed = arg;

	vma->binding = false;
	if (!*committed)
		return 0;
	vma->present = true;
	vma->invalidated = false;
	if (svmgpu_vma_is_userptr(vma))
		vma->userptr.initial_bind = true;
	return 0;
}

/* --- pin, lock, validate ------------------------------------------------------------ */

/* No resv held (L6). */
static int bind_pin(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma;
	int err;

	list_for_each_entry(vma, &bind->created, op_link) {
		err = bind_pin_one(vma);
		if (err)
			return err;
	}
	return bind_each_prefetch(bind, prefetch_pin, NULL);
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
	return bind_each_prefetch(bind, prefetch_lock, v);
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
		err = bind_each_prefetch(bind, prefetch_move, NULL);
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

/* May the CPU write now, or has something to happen first? */
static bool bind_is_immediate(const struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	u32 i;

	if (bind_syncs_pending(bind))
		return false;
	if (bind->queue->last_fence && !dma_fence_is_signaled(bind->queue->last_fence))
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

static int bind_make_job(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	u64 tables = 0;
	int err = 0;
	u32 i;

	for (i = 0; i < bind->num_touched; i++)
		tables += bind->updates[i].tables;
	/* user space may split an array, so it is told; a single operation must go */
	if (bind->num_ops > 1 && tables > BIND_JOB_MAX_TABLES)
		return -ENOBUFS;

	bind->job = svmgpu_bind_job_create(bind->vm, bind->queue, bind->updates,
					   bind->num_touched);
	if (IS_ERR(bind->job)) {
		err = PTR_ERR(bind->job);
		bind->job = NULL;
		return err == -ENOMEM && bind->num_ops > 1 ? -ENOBUFS : err;
	}
	bind->job->trace_id = bind->trace_id;

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

static int bind_link(struct svmgpu_bind *bind)
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
	return bind_each_prefetch(bind, prefetch_valid, NULL);
}

static void bind_write(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	struct svmgpu_vm *vm = bind->vm;
	struct drm_gem_object *obj;
	bool flush = false;
	u32 index = 0;
	u32 i;

	if (bind->job) {
		bind->fence = svmgpu_bind_job_submit(bind->job, bind->updates, bind->num_touched);
		bind->job = NULL;
		drm_exec_for_each_locked_object(&v->exec, obj)
			dma_resv_add_fence(obj->resv, bind->fence, DMA_RESV_USAGE_BOOKKEEP);
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
	bool committed = true;

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
	bind_each_prefetch(bind, prefetch_done, &committed);
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

static int bind_execute(struct svmgpu_bind *bind)
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
			if (err)
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

static int bind_run(struct svmgpu_bind *bind)
{
	int err;
	u32 i;

	for (i = 0; i < bind->num_ops; i++) {
		if (bind->ops[i].op != DRM_XE_VM_BIND_OP_PREFETCH)
			continue;
		err = prefetch_mirrors(bind->vm, &bind->ops[i]);
		if (err)
			return err;
	}
	err = bind_each_prefetch(bind, prefetch_touch, NULL);
	if (err)
		return err;
	svmgpu_bind_merge(bind);

	/* Invalidations may come at any time; each round obtains the pages again. */
	do {
		err = bind_pin(bind);
		if (!err)
			err = bind_execute(bind);
		if (err == -EAGAIN && signal_pending(current))
			err = -EINTR;
	} while (err == -EAGAIN);
	return err;
}

/* --- ioctl ---------------------------------------------------------------------------------- */

static int bind_check_op(struct svmgpu_vm *vm, struct drm_xe_vm_bind_op *op)
{
	const bool null = op->flags & DRM_XE_VM_BIND_FLAG_NULL;
	const bool mirror = op->flags & DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR;
	const bool decompress = op->flags & DRM_XE_VM_BIND_FLAG_DECOMPRESS;
	const u32 region = op->prefetch_mem_region_instance;
	u32 flags = BIND_FLAGS | (SVMGPU_BIND_INJECT_ALLOWED ? SVMGPU_BIND_INJECT_ERROR : 0);

	if (op->extensions || op->pad || op->pad2 ||
	    op->reserved[0] || op->reserved[1] || op->reserved[2])
		return -EINVAL;
	if (op->op > DRM_XE_VM_BIND_OP_PREFETCH || op->flags & ~flags ||
	    !svmgpu_pat_valid(op->pat_index))
		return -EINVAL;
	if (mirror && !svmgpu_vm_in_fault_mode(vm))
		return -EINVAL;
	if ((null || mirror) && (op->obj || op->obj_offset || op->op != DRM_XE_VM_BIND_OP_MAP ||
				 (null && mirror)))
		return -EINVAL;
	if (decompress && (op->op != DRM_XE_VM_BIND_OP_MAP ||
			   svmgpu_pat_compressed(op->pat_index)))
		return -EINVAL;
	if (op->flags & DRM_XE_VM_BIND_FLAG_MADVISE_AUTORESET && !mirror)
		return -EINVAL;
	/* 0: system memory, 1: this GPU's VRAM */
	if (region && (op->op != DRM_XE_VM_BIND_OP_PREFETCH ||
		       (region != 1 && region != (u32)DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)))
		return -EINVAL;

	switch (op->op) {
	case DRM_XE_VM_BIND_OP_MAP:
		if (!op->obj && !null && !mirror)
			return -EINVAL;
		break;
	case DRM_XE_VM_BIND_OP_MAP_USERPTR:
		if (op->obj || svmgpu_pat_compressed(op->pat_index) ||
		    svmgpu_pat_coherence(op->pat_index) == SVMGPU_PAT_COH_NONE)
			return -EINVAL;
		break;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		if (!op->obj || op->addr || op->range)
			return -EINVAL;
		break;
	default:
		if (op->obj)
			return -EINVAL;
		break;
	}

	if (!PAGE_ALIGNED(op->obj_offset) || !PAGE_ALIGNED(op->addr) ||
	    !PAGE_ALIGNED(op->range) ||
	    (!op->range && op->op != DRM_XE_VM_BIND_OP_UNMAP_ALL))
		return -EINVAL;
	/* the device has no compression metadata to resolve */
	return decompress ? -EOPNOTSUPP : 0;
}

static int bind_check_bo(struct svmgpu_vm *vm, const struct svmgpu_bo *bo,
			 const struct drm_xe_vm_bind_op *op)
{
	const u64 size = bo->ttm.base.size;
	const bool incoherent = svmgpu_pat_coherence(op->pat_index) == SVMGPU_PAT_COH_NONE;

	/* UNMAP_ALL only names the object */
	if (op->op != DRM_XE_VM_BIND_OP_MAP)
		return 0;
	if (bo->vm && bo->vm != vm)
		return -EINVAL;
	if (op->range > size || op->obj_offset > size - op->range)
		return -EINVAL;
	if (bo->flags & SVMGPU_BO_NO_COMPRESS && svmgpu_pat_compressed(op->pat_index))
		return -EINVAL;
	/* imported objects say nothing about CPU caching: assume the worst */
	if (incoherent && (!bo->cpu_caching ||
			   bo->cpu_caching == DRM_XE_GEM_CPU_CACHING_WB))
		return -EINVAL;
	if (drm_gem_is_imported(&bo->ttm.base) && svmgpu_pat_compressed(op->pat_index))
		return -EINVAL;
	return 0;
}

static int bind_get_ops(struct svmgpu_bind *bind, struct drm_xe_vm_bind *args)
{
	int err;
	u32 i;

	if (args->extensions || args->pad || args->pad2 || args->reserved[0] ||
	    args->reserved[1] || args->num_syncs > DRM_XE_MAX_SYNCS)
		return -EINVAL;

	if (args->num_binds > 1) {
		bind->ops = kvmalloc_array(args->num_binds, sizeof(*bind->ops),
					   GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
					   __GFP_RETRY_MAYFAIL);
		if (!bind->ops)
			return -ENOBUFS;
		if (copy_from_user(bind->ops, u64_to_user_ptr(args->vector_of_binds),
				   array_size(args->num_binds, sizeof(*bind->ops))))
			return -EFAULT;
	} else if (args->num_binds) {
		bind->ops = kvmalloc_obj(*bind->ops, GFP_KERNEL_ACCOUNT);
		if (!bind->ops)
			return -ENOMEM;
		*bind->ops = args->bind;
	}
	bind->num_ops = args->num_binds;

	for (i = 0; i < bind->num_ops; i++) {
		err = bind_check_op(bind->vm, &bind->ops[i]);
		if (err)
			return err;
	}
	return 0;
}

static int bind_get_bos(struct svmgpu_bind *bind, struct drm_file *file)
{
	int err;
	u32 i;

	if (!bind->num_ops)
		return 0;
	bind->bos = kvcalloc(bind->num_ops, sizeof(*bind->bos),
			     GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!bind->bos)
		return -ENOMEM;
	for (i = 0; i < bind->num_ops; i++) {
		const struct drm_xe_vm_bind_op *op = &bind->ops[i];
		struct drm_gem_object *obj;

		if (op->range > SVMGPU_VM_SIZE || op->addr > SVMGPU_VM_SIZE - op->range)
			return -EINVAL;
		if (!op->obj)
			continue;
		obj = drm_gem_object_lookup(file, op->obj);
		if (!obj)
			return -ENOENT;
		bind->bos[i] = gem_to_bo(obj);
		err = bind_check_bo(bind->vm, bind->bos[i], op);
		if (err)
			return err;
	}
	return 0;
}

static int bind_get_syncs(struct svmgpu_bind *bind, struct drm_xe_vm_bind *args,
			  struct svmgpu_file *sfile)
{
	struct drm_xe_sync __user *user = u64_to_user_ptr(args->syncs);
	unsigned int flags = 0;
	int err;
	u32 i;

	if (!args->num_syncs)
		return 0;
	if (svmgpu_vm_in_lr_mode(bind->vm))
		flags |= SVMGPU_SYNC_LR;
	if (!bind->num_ops)
		flags |= SVMGPU_SYNC_DISALLOW_USER_FENCE;
	bind->syncs = kcalloc(args->num_syncs, sizeof(*bind->syncs), GFP_KERNEL_ACCOUNT);
	if (!bind->syncs)
		return -ENOMEM;
	for (i = 0; i < args->num_syncs; i++) {
		err = svmgpu_sync_parse(bind->vm->dev, sfile, &bind->syncs[i], &user[i], flags);
		if (err)
			return err;
		bind->num_syncs++;
		if (!svmgpu_sync_is_user_fence(&bind->syncs[i]))
			continue;
		if (bind->ufence)
			return -EINVAL;
		bind->ufence = &bind->syncs[i];
	}
	return 0;
}

static void bind_signal(struct svmgpu_bind *bind)
{
	struct dma_fence *fence = bind->fence ? dma_fence_get(bind->fence) :
						dma_fence_get_stub();
	u32 i;

	for (i = 0; i < bind->num_syncs; i++)
		svmgpu_sync_signal(&bind->syncs[i], fence);
	dma_fence_put(bind->queue->last_fence);
	bind->queue->last_fence = bind->fence ? dma_fence_get(bind->fence) : NULL;
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
	bool committed = false;
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
	err = bind_run(bind);
	if (err)
		goto err_undo;
	/* mirrors alone write nothing: their entries follow with the faults */
	if (bind->num_touched)
		bind_signal(bind);
	else
		bind_signal_later(bind);
	return 0;

err_undo:
	bind_each_prefetch(bind, prefetch_done, &committed);
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

static void bind_put(struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->num_syncs; i++)
		svmgpu_sync_cleanup(&bind->syncs[i]);
	kfree(bind->syncs);
	for (i = 0; bind->bos && i < bind->num_ops; i++)
		if (bind->bos[i])
			svmgpu_bo_put(bind->bos[i]);
	kvfree(bind->bos);
	kvfree(bind->ops);
	kvfree(bind->touched);
	dma_fence_put(bind->fence);
}

/* Bind queue's lock and VM lock held. */
static int bind_locked(struct svmgpu_bind *bind, struct drm_xe_vm_bind *args,
		       struct drm_file *file)
{
	int err;

	if (bind->vm->closed || bind->vm->banned)
		return -ENOENT;
	err = bind_get_bos(bind, file);
	if (!err)
		err = bind_get_syncs(bind, args, file->driver_priv);
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

	err = bind_get_ops(&bind, args);
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
	bind_put(&bind);
	svmgpu_vm_put(bind.vm);
	return err;
}

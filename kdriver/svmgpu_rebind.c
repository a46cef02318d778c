// SPDX-License-Identifier: GPL-2.0
/*
 * Revalidation: what eviction and invalidation took away is brought back before
 * the next job (dma-fence VMs) or before the queues resume (preempt mode).
 */
#include <linux/delay.h>
#include <linux/error-injection.h>
#include <linux/sched/signal.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_stats.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Overview
 *
 * Eviction holds the object's resv only. It marks the (VM, object) pair evicted;
 * a local object's pair goes straight to the VM's evict list, because the two
 * resvs are one, an external object's pair when the next exec holds both (L8).
 * Validating the list makes the objects resident and puts their gpu_vmas on the
 * rebind list, where repinned userptrs wait too; rebinding writes page tables by
 * the CPU, because nothing runs on those addresses: the eviction waited for every
 * fence of the object (L11), the invalidation for every fence of the VM.
 */

/* All of the pair's gpu_vmas are on the evict list, or leave it. */
static void trace_evict_list(struct drm_gpuvm_bo *vm_bo, bool added, u16 owner, u32 owner_id)
{
	struct svmgpu_vm *vm = gpuvm_to_vm(vm_bo->vm);
	u32 bo_id = gem_to_bo(vm_bo->obj)->trace_id;
	u16 gpu = vm->dev->caps.gpu_index;
	struct drm_gpuva *gpuva;

	drm_gpuvm_bo_for_each_va(gpuva, vm_bo) {
		u32 vma_id = gpuva_to_vma(gpuva)->trace_id;

		if (added)
			trace_svmgpu_list_added(vm->trace_id, vma_id, bo_id,
						SVMGPU_TRACE_LIST_EVICT, gpu, owner_id, owner);
		else
			trace_svmgpu_list_removed(vm->trace_id, vma_id, bo_id,
						  SVMGPU_TRACE_LIST_EVICT, gpu, owner_id, owner);
	}
}

static int vm_bo_validate(struct drm_gpuvm_bo *vm_bo, struct drm_exec *exec)
{
	struct svmgpu_vm *vm = gpuvm_to_vm(vm_bo->vm);
	struct svmgpu_bo *bo = gem_to_bo(vm_bo->obj);
	struct drm_gpuva *gpuva;
	int err;

	/* an external object's came to the list when both resvs were held (L8) */
	if (!svmgpu_bo_is_local(bo))
		trace_evict_list(vm_bo, true, SVMGPU_TRACE_OWNER_REBIND, 0);
	/* a purged object has nothing to come back: its gpu_vmas map nothing */
	if (bo->purge != SVMGPU_PURGED) {
		err = svmgpu_bo_validate(bo, vm, true);
		if (err)
			return err;
	}
	drm_gpuvm_bo_for_each_va(gpuva, vm_bo) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

		list_move_tail(&vma->rebind_link, &vm->rebind_list);
		trace_svmgpu_list_added(vm->trace_id, vma->trace_id, bo->trace_id,
					SVMGPU_TRACE_LIST_REBIND, vm->dev->caps.gpu_index, 0,
					SVMGPU_TRACE_OWNER_REBIND);
	}
	trace_evict_list(vm_bo, false, SVMGPU_TRACE_OWNER_REBIND, 0);
	vm_bo->evicted = false;
	return 0;
}

static void vm_free(struct drm_gpuvm *gpuvm)
{
	struct svmgpu_vm *vm = gpuvm_to_vm(gpuvm);

	/* the last reference may go in atomic context */
	queue_work(vm->dev->unbound_wq, &vm->destroy_work);
}

const struct drm_gpuvm_ops svmgpu_gpuvm_ops = {
	.vm_free = vm_free,
	.vm_bo_validate = vm_bo_validate,
};

/**
 * svmgpu_vm_lock_pass() - one pass of svmgpu_vm_lock_objects()
 * @vm: the VM, lock held
 * @v: inside drm_exec_until_all_locked(), with DRM_EXEC_IGNORE_DUPLICATES
 * @num_fences: fence slots to reserve in each, or 0
 *
 * For who cannot give up; everybody else calls svmgpu_vm_lock_objects().
 *
 * Context: may sleep.
 *
 * Return: 0, -EDEADLK (drm_exec_retry_on_contention()), -EINTR, -ENOMEM.
 */
int svmgpu_vm_lock_pass(struct svmgpu_vm *vm, struct svmgpu_validation *v, unsigned int num_fences)
{
	struct drm_gpuvm_bo *vm_bo;
	int err;

	err = svmgpu_validation_lock(v, drm_gpuvm_resv_obj(&vm->gpuvm), num_fences);
	/* drm_gpuvm locks in silence: for the log they are locked before it finds them so */
	if (svmgpu_lock_tracing())
		list_for_each_entry(vm_bo, &vm->gpuvm.extobj.list, list.entry.extobj) {
			if (err)
				break;
			err = svmgpu_validation_lock(v, vm_bo->obj, num_fences);
		}
	return err ?: drm_gpuvm_prepare_objects(&vm->gpuvm, &v->exec, num_fences);
}

/**
 * svmgpu_vm_lock_objects() - locks the VM's resv and every external object's
 * @vm: the VM, lock held
 * @v: the section, begun, with DRM_EXEC_IGNORE_DUPLICATES; nothing locked yet
 * @num_fences: fence slots to reserve in each, or 0
 *
 * Evicted external objects go to the evict list here, with both locks held (L8).
 *
 * Context: may sleep.
 *
 * Return: 0, -EINTR, -ENOMEM; some objects may be locked after a failure too.
 */
int svmgpu_vm_lock_objects(struct svmgpu_vm *vm, struct svmgpu_validation *v,
			   unsigned int num_fences)
{
	int err = 0;

	drm_exec_until_all_locked(&v->exec) {
		err = svmgpu_vm_lock_pass(vm, v, num_fences);
		drm_exec_retry_on_contention(&v->exec);
		/* no ww_acquire_done(): see svmgpu_validation.h */
		break;
	}
	svmgpu_validation_traced(v);
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_vm_lock_objects, ERRNO);

/** struct rebind_flush - old translations of [start, end) may be cached; empty when @end is 0 */
struct rebind_flush {
	/** @start: first byte */
	u64 start;
	/** @end: first byte behind */
	u64 end;
};

static void rebind_flush_add(struct rebind_flush *flush, u64 start, u64 end)
{
	flush->start = flush->end ? min(flush->start, start) : start;
	flush->end = max(flush->end, end);
}

/*
 * One gpu_vma of the rebind list. A userptr that was invalidated meanwhile is
 * skipped: it is on the invalidated list again, which the caller checks before
 * it publishes its fence (L5).
 */
static int rebind_vma(struct svmgpu_vm *vm, struct svmgpu_vma *vma, struct rebind_flush *flush)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);
	struct svmgpu_vma_source source;
	struct svmgpu_pt_update update;
	u32 id = svmgpu_trace_new_id();
	int err;

	trace_svmgpu_bind_started(id, vm->trace_id, start, end - start, vma->trace_id, 0,
				  vm->dev->caps.gpu_index, SVMGPU_TRACE_BIND_REBIND, 0);
	svmgpu_vma_source_init(&source, vm, start, end, NULL);
	err = svmgpu_pt_stage(vm, start, end, &source.base, &update);
	if (err)
		goto out;
	err = svmgpu_bind_wait(vm, update.first, update.last);
	if (err)
		goto out_abort;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	if (svmgpu_vma_is_userptr(vma) && !svmgpu_userptr_valid(vma)) {
		svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
		goto out_listed;
	}
	svmgpu_pt_commit_cpu(&update);
	vma->present = true;
	vma->invalidated = false;
	if (svmgpu_vma_is_userptr(vma))
		vma->userptr.initial_bind = true;
	trace_svmgpu_pt_written(id, start, end - start, vm->trace_id, vma->trace_id,
				vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_REBIND,
				svmgpu_vma_is_userptr(vma) ? SVMGPU_TRACE_VMA_USERPTR :
				SVMGPU_TRACE_VMA_BO,
				update.needs_flush ? SVMGPU_TRACE_PT_FLUSHED : 0,
				vma->userptr.pages.notifier_seq);
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
	if (update.needs_flush)
		rebind_flush_add(flush, start, end);
	trace_svmgpu_vma_revalidated(id, vm->trace_id, vma->trace_id, 0, 0, 0,
				     vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_REBIND, 0);
	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_REBIND);

out_listed:
	list_del_init(&vma->rebind_link);
	trace_svmgpu_list_removed(vm->trace_id, vma->trace_id, 0, SVMGPU_TRACE_LIST_REBIND,
				  vm->dev->caps.gpu_index, 0, SVMGPU_TRACE_OWNER_REBIND);
out_abort:
	svmgpu_pt_abort(&update);
out:
	trace_svmgpu_bind_ended(id, err, 0);
	return err;
}

/**
 * svmgpu_vm_validate() - validates evicted objects and rebinds listed gpu_vmas
 * @vm: the VM, lock held
 * @exec: everything of svmgpu_vm_lock_objects() locked
 *
 * The clears and copies that bring objects back may still run: jobs depend on the
 * KERNEL fences of the VM and its external objects.
 *
 * Context: VM lock held (read suffices), VM resv and all external objects' (L1,
 * L2); may sleep.
 *
 * Return: 0, -ENOMEM, -ENOSPC, -EINTR; the lists keep what was not done.
 */
int svmgpu_vm_validate(struct svmgpu_vm *vm, struct drm_exec *exec)
{
	struct rebind_flush flush = { };
	struct svmgpu_vma *vma, *next;
	int err = 0;

	svmgpu_lockdep_assert_held(&vm->lock);
	drm_gpuvm_resv_assert_held(&vm->gpuvm);

	/* the VM's own objects must not push each other out again */
	vm->validating = current;
	while (!err && !list_empty(&vm->gpuvm.evict.list))
		err = drm_gpuvm_validate(&vm->gpuvm, exec);
	vm->validating = NULL;
	if (err)
		return err;

	list_for_each_entry_safe(vma, next, &vm->rebind_list, rebind_link) {
		err = rebind_vma(vm, vma, &flush);
		if (err)
			break;
	}
	/*
	 * One flush for all of them: nothing runs on these addresses before the
	 * caller goes on. After a failure too: what was rebound is off the list.
	 */
	if (flush.end)
		svmgpu_tlb_flush(vm->dev, vm->asid, flush.start, flush.end);
	if (err)
		return err;
	svmgpu_pt_free_deferred(vm);
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_vm_validate, ERRNO);

/**
 * svmgpu_vm_used() - the VM's objects are the last that eviction should look at
 * @vm: the VM
 * @exec: everything of svmgpu_vm_lock_objects() locked
 *
 * Local objects move in TTM's LRU lists all at once, so the cost is that of the
 * external ones, which had to be locked one by one as well.
 *
 * Context: VM resv and all external objects' held; does not sleep.
 */
void svmgpu_vm_used(struct svmgpu_vm *vm, struct drm_exec *exec)
{
	struct ttm_device *ttm = &vm->dev->ttm;
	struct drm_gem_object *obj;

	spin_lock(&ttm->lru_lock);
	ttm_lru_bulk_move_tail(&vm->lru);
	drm_exec_for_each_locked_object(exec, obj)
		/* the object that carries the VM's resv has no size, and no place */
		if (obj->size && !svmgpu_bo_is_local(gem_to_bo(obj)))
			ttm_bo_move_to_lru_tail(&gem_to_bo(obj)->ttm);
	spin_unlock(&ttm->lru_lock);
}

/* --- eviction ---------------------------------------------------------------- */

/* The GPU faults on everything of @vm_bo from now on. The object's resv is held. */
static int evict_fault_mode(struct svmgpu_vm *vm, struct drm_gpuvm_bo *vm_bo, u32 id)
{
	struct drm_gpuva *gpuva;
	u64 lo = U64_MAX, hi = 0;

	drm_gpuvm_bo_for_each_va(gpuva, vm_bo) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);
		const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);

		if (!vma->present || vma->invalidated)
			continue;
		if (svmgpu_pt_zap(vm, start, end)) {
			trace_svmgpu_pt_zapped(id, start, end - start, vm->trace_id,
					       vma->trace_id, vm->dev->caps.gpu_index,
					       SVMGPU_TRACE_OWNER_EVICTION, SVMGPU_TRACE_VMA_BO,
					       SVMGPU_TRACE_PT_ZEROED, 0);
			lo = min(lo, start);
			hi = max(hi, end);
		}
		WRITE_ONCE(vma->invalidated, true);
	}
	return lo < hi ? svmgpu_tlb_flush(vm->dev, vm->asid, lo, hi) : 0;
}

/**
 * svmgpu_vm_bo_evicted() - the object is about to leave its place
 * @bo: the object
 * @intr: waits may be interrupted
 *
 * Marks it evicted in every VM that maps it; in fault-mode VMs it is unmapped, so
 * that no access goes to the old place (L11).
 *
 * Context: the object's resv held, called by TTM's move; may sleep for fences,
 * allocates nothing.
 *
 * Return: 0, -ERESTARTSYS when interrupted.
 */
int svmgpu_vm_bo_evicted(struct svmgpu_bo *bo, bool intr)
{
	struct drm_gem_object *obj = &bo->ttm.base;
	struct drm_gpuvm_bo *vm_bo;
	bool idle = false;
	long left;
	u32 id;

	dma_resv_assert_held(obj->resv);
	if (list_empty(&obj->gpuva.list))
		return 0;
	id = svmgpu_trace_new_id();

	drm_gem_for_each_gpuvm_bo(vm_bo, obj) {
		struct svmgpu_vm *vm = gpuvm_to_vm(vm_bo->vm);

		if (!svmgpu_vm_in_fault_mode(vm)) {
			drm_gpuvm_bo_evict(vm_bo, true);
			if (svmgpu_bo_is_local(bo))
				trace_evict_list(vm_bo, true, SVMGPU_TRACE_OWNER_EVICTION, id);
			continue;
		}
		if (!idle) {
			/* page-table jobs in flight would write behind the zap */
			left = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_BOOKKEEP, intr,
						     MAX_SCHEDULE_TIMEOUT);
			if (left < 0)
				return left;
			idle = true;
		}
		/* a lost device makes no access */
		evict_fault_mode(vm, vm_bo, id);
	}
	return 0;
}

/* --- preempt mode ------------------------------------------------------------- */

/*
 * Was a queue suspended, or asked to be, since all were resumed? VM resv held.
 * Suspending the others for a revalidation starts the worker once more; then
 * this says that nothing is left to do.
 */
static bool queues_wait(struct svmgpu_vm *vm)
{
	struct svmgpu_exec_queue *queue;

	list_for_each_entry(queue, &vm->preempt.queues, vm_link) {
		if (svmgpu_exec_queue_dead(queue))
			continue;
		if (!queue->preempt_fence ||
		    test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &queue->preempt_fence->flags))
			return true;
	}
	return false;
}

/*
 * Everything between "some queues are suspended" and "all run again", once.
 * VM lock held for write. -EAGAIN: userptrs were invalidated meanwhile. With
 * @evicted, only when an object is missing: else the queues are left alone.
 */
static int rebind_attempt(struct svmgpu_vm *vm, struct list_head *fences, bool evicted)
{
	struct svmgpu_validation v;
	long left;
	int err;

	if (svmgpu_vm_userptr_needs_repin(vm)) {
		err = svmgpu_vm_userptr_pin(vm);
		if (err)
			return err;
	}

	svmgpu_validation_init(&v, vm->dev, DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		err = svmgpu_vm_lock_objects(vm, &v, 1 + vm->preempt.num_queues);
		if (err || !(svmgpu_vm_needs_rebind(vm) || (!evicted && queues_wait(vm))))
			goto end;

		err = svmgpu_preempt_prepare(vm, fences, vm->preempt.num_queues);
		if (err)
			goto end;
		err = svmgpu_preempt_wait(vm);
		if (err)
			goto end;
		err = svmgpu_vm_validate(vm, &v.exec);
		if (err)
			goto end;
		/* what came back must be there before the queues run: no job waits for it */
		left = svmgpu_vm_wait_kernel(vm, &v.exec);
		if (left < 0) {
			err = left;
			goto end;
		}

		svmgpu_notifier_lock_read(&vm->svm.gpusvm);
		if (svmgpu_vm_userptr_needs_repin(vm)) {
			err = -EAGAIN;
		} else {
			svmgpu_preempt_arm(vm, fences);
			svmgpu_preempt_resume(vm);
			svmgpu_vm_used(vm, &v.exec);
		}
		svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
end:
		svmgpu_preempt_free(fences);
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
	return err;
}

/* attempts without memory, with a pause after each, before the VM is banned */
#define REBIND_STARVED_ATTEMPTS	200
#define REBIND_STARVED_PAUSE_US	10000

static void rebind_work(struct work_struct *work)
{
	struct svmgpu_vm *vm = container_of(work, struct svmgpu_vm, preempt.rebind_work);
	unsigned int starved = 0;
	LIST_HEAD(fences);
	bool again;
	int err, idx;

	/* the lock goes between attempts, so that a VM whose CPU never rests can be closed */
	do {
		/* on a device that goes nothing is brought back: its VRAM is being emptied */
		if (!drm_dev_enter(&vm->dev->drm, &idx))
			break;
		svmgpu_down_write(&vm->lock);
		if (vm->closed || vm->banned || !vm->preempt.num_queues ||
		    svmgpu_device_wedged(vm->dev))
			err = 0;
		else
			err = rebind_attempt(vm, &fences, false);
		again = err == -EAGAIN || (err == -ENOMEM && starved++ < REBIND_STARVED_ATTEMPTS);
		if (err && !again)
			svmgpu_vm_ban(vm);
		svmgpu_up_write(&vm->lock);
		drm_dev_exit(idx);
		if (err == -ENOMEM && again)
			usleep_range(REBIND_STARVED_PAUSE_US, 2 * REBIND_STARVED_PAUSE_US);
	} while (again);
	svmgpu_vm_put(vm);
}

/**
 * svmgpu_vm_revalidate() - brings back what was evicted from a preempt-mode VM
 * @vm: the VM, lock held for write
 *
 * Such a VM needs all its objects at once. Before one more is bound, those that
 * it has must fit; otherwise the failure would only show when the queues resume.
 *
 * Context: no other lock held; may sleep.
 *
 * Return: 0, -ENOMEM, -ENOSPC, -EINTR.
 */
int svmgpu_vm_revalidate(struct svmgpu_vm *vm)
{
	LIST_HEAD(fences);
	int err;

	do {
		err = rebind_attempt(vm, &fences, true);
		if (err == -EAGAIN && signal_pending(current))
			err = -EINTR;
	} while (err == -EAGAIN);
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_vm_revalidate, ERRNO);

/**
 * svmgpu_vm_wait_kernel() - waits for the clears and copies of all locked objects
 * @vm: the VM
 * @exec: holds the objects
 *
 * Context: the objects are locked; may sleep, not interruptible.
 *
 * Return: 0 or a negative errno.
 */
long svmgpu_vm_wait_kernel(struct svmgpu_vm *vm, struct drm_exec *exec)
{
	struct drm_gem_object *obj;
	long left;

	drm_exec_for_each_locked_object(exec, obj) {
		left = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_KERNEL, false,
					     MAX_SCHEDULE_TIMEOUT);
		if (left < 0)
			return left;
	}
	return 0;
}

/**
 * svmgpu_rebind_init() - lists and worker of a new VM
 * @vm: the VM
 */
void svmgpu_rebind_init(struct svmgpu_vm *vm)
{
	INIT_LIST_HEAD(&vm->rebind_list);
	INIT_LIST_HEAD(&vm->preempt.queues);
	INIT_WORK(&vm->preempt.rebind_work, rebind_work);
}

/**
 * svmgpu_vm_queue_rebind() - suspended queues want to run again
 * @vm: preempt-mode VM, referenced by the caller
 *
 * Context: any.
 */
void svmgpu_vm_queue_rebind(struct svmgpu_vm *vm)
{
	svmgpu_vm_get(vm);
	if (!queue_work(vm->dev->unbound_wq, &vm->preempt.rebind_work))
		svmgpu_vm_put(vm);
}

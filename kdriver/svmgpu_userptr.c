// SPDX-License-Identifier: GPL-2.0
/*
 * User pointers: gpu_vmas over the memory of a process, which is not pinned.
 */
#include <linux/error-injection.h>
#include <linux/mmu_notifier.h>

#include "svmgpu_device.h"
#include "svmgpu_race.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm_mm.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Overview
 *
 * Each userptr has an interval notifier. When the CPU mapping changes, the
 * callback makes sure that the GPU is off the old pages before it returns: by
 * waiting for the jobs' fences (dma-fence VMs), by suspending the queues (the
 * preempt fences are among them), or by zapping the entries so that accesses
 * fault (fault mode).
 *
 * In the first two modes it also puts the userptr on the VM's *invalidated*
 * list. An exec that finds the list not empty takes the VM lock for write, moves
 * the entries to *repin*, obtains the pages again and puts the gpu_vmas on the
 * rebind list; its cost does not grow with the number of valid userptrs. Under
 * the notifier lock it looks at the list once more before it publishes its fence
 * (L5): an invalidation that comes later finds that fence.
 */

/**
 * DOC: Locking
 *
 * The callback takes the notifier lock for write (L4), inside it the list's
 * spinlock, and what suspending a queue and flushing take: a fence's lock and the
 * rings' (ranks 80 and more). Pages are obtained with the VM lock for write and no
 * resv (L6).
 */

/* rounds in which the pages were there, and gone again when they were looked at */
#define USERPTR_PIN_ROUNDS	4

#define userptr_to_vma(mni) container_of(mni, struct svmgpu_vma, userptr.notifier)

/* Preempt fences are signalled only when someone asks: ask all before waiting for one. */
static void userptr_enable_signalling(struct svmgpu_vm *vm)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		dma_fence_enable_sw_signaling(fence);
	dma_resv_iter_end(&cursor);
}

/* Notifier lock held for write. */
static void userptr_invalidate_locked(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u32 id)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);
	struct drm_gpusvm_ctx ctx = {
		.in_notifier = true,
		.read_only = svmgpu_vma_read_only(vma),
	};
	u32 flags = 0;

	if (!svmgpu_vm_in_fault_mode(vm) && !(vma->flags & SVMGPU_VMA_DESTROYED)) {
		svmgpu_spin_lock(&vm->userptr.invalidated_lock);
		list_move_tail(&vma->userptr.invalidate_link, &vm->userptr.invalidated);
		svmgpu_spin_unlock(&vm->userptr.invalidated_lock);
		svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_INVALIDATED, true);
	}

	/*
	 * Jobs and preempt fences; in fault mode page-table jobs only, which would
	 * write behind the zap. All of them signal without memory or our locks.
	 */
	userptr_enable_signalling(vm);
	dma_resv_wait_timeout(svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);

	if (svmgpu_vm_in_fault_mode(vm) && vma->userptr.initial_bind && !READ_ONCE(vm->closed) &&
	    !(vma->flags & SVMGPU_VMA_DESTROYED)) {
		if (svmgpu_pt_zap(vm, start, end)) {
			flags |= SVMGPU_TRACE_INVALIDATION_ZAPPED;
			trace_svmgpu_pt_zapped(id, start, end - start, vm->trace_id,
					       vma->trace_id, vm->dev->caps.gpu_index,
					       SVMGPU_TRACE_OWNER_INVALIDATION,
					       SVMGPU_TRACE_VMA_USERPTR, SVMGPU_TRACE_PT_ZEROED,
					       vma->userptr.notifier.invalidate_seq);
			/* acknowledged: no access through the old translation (S4) */
			svmgpu_tlb_flush(vm->dev, vm->asid, start, end);
			flags |= SVMGPU_TRACE_INVALIDATION_FLUSHED;
		}
		WRITE_ONCE(vma->invalidated, true);
	}

	drm_gpusvm_unmap_pages(&vm->svm.gpusvm, &vma->userptr.pages, (end - start) >> PAGE_SHIFT,
			       &ctx);
	trace_svmgpu_invalidation_ended(id, vm->trace_id, 0, flags, 0);
}

static bool userptr_invalidate(struct mmu_interval_notifier *mni,
			       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct svmgpu_vma *vma = userptr_to_vma(mni);
	struct svmgpu_vm *vm = vma->vm;
	u32 id;

	if (!mmu_notifier_range_blockable(range))
		return false;

	id = svmgpu_trace_new_id();
	trace_svmgpu_invalidation_started(id, vm->trace_id, range->start,
					  range->end - range->start, vma->trace_id,
					  svmgpu_trace_notify_event(range->event),
					  vm->dev->caps.gpu_index,
					  SVMGPU_TRACE_VMA_USERPTR, seq);
	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_USERPTR_INVALIDATION);

	svmgpu_notifier_lock_write(&vm->svm.gpusvm);
	mmu_interval_set_seq(mni, seq);
	trace_svmgpu_userptr_invalidated(vma->trace_id, vm->trace_id, svmgpu_vma_start(vma),
					 vma->gpuva.va.range, id,
					 svmgpu_trace_notify_event(range->event),
					 vm->dev->caps.gpu_index);
	svmgpu_race_point(vm->dev, SVMGPU_RACE_IN_NOTIFIER, vm->trace_id);
	userptr_invalidate_locked(vm, vma, id);
	svmgpu_notifier_unlock_write(&vm->svm.gpusvm);
	return true;
}

static const struct mmu_interval_notifier_ops userptr_notifier_ops = {
	.invalidate = userptr_invalidate,
};

/**
 * svmgpu_userptr_insert() - registers the notifier of a new userptr
 * @vma: the gpu_vma; its object offset is the CPU address
 * @mm: whose memory, referenced by the caller
 *
 * Context: may sleep; takes the mmap lock.
 *
 * Return: 0, -EOVERFLOW, -ENOMEM.
 */
int svmgpu_userptr_insert(struct svmgpu_vma *vma, struct mm_struct *mm)
{
	struct svmgpu_userptr *userptr = &vma->userptr;
	int err;

	INIT_LIST_HEAD(&userptr->invalidate_link);
	INIT_LIST_HEAD(&userptr->repin_link);
	err = mmu_interval_notifier_insert(&userptr->notifier, mm, vma->gpuva.gem.offset,
					   vma->gpuva.va.range, &userptr_notifier_ops);
	if (err)
		return err == -EOVERFLOW ? -EFAULT : err;
	userptr->inserted = true;
	/* never pinned: invalid whatever the notifier's sequence is */
	userptr->pages.notifier_seq = LONG_MAX;
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_userptr_insert, ERRNO);

/**
 * svmgpu_userptr_remove() - releases the pages, then the notifier
 * @vma: destroyed gpu_vma that the GPU no longer uses
 *
 * Context: may sleep for invalidations: no notifier lock or resv held.
 */
void svmgpu_userptr_remove(struct svmgpu_vma *vma)
{
	if (!vma->userptr.inserted)
		return;
	drm_gpusvm_free_pages(&vma->vm->svm.gpusvm, &vma->userptr.pages,
			      vma->gpuva.va.range >> PAGE_SHIFT);
	mmu_interval_notifier_remove(&vma->userptr.notifier);
	vma->userptr.inserted = false;
}

/* -EFAULT: is the memory gone, or was there only no page for it? */
static int userptr_why(struct svmgpu_vma *vma)
{
	const u64 cpu = vma->gpuva.gem.offset;
	int err;

	err = svmgpu_svm_mm_fault_in(vma->userptr.notifier.mm, cpu, cpu + vma->gpuva.va.range,
				     !svmgpu_vma_read_only(vma));
	return err ?: -EAGAIN;
}

/**
 * svmgpu_userptr_pin() - obtains the pages of a userptr and maps them for DMA
 * @vma: the gpu_vma
 *
 * Pages that were migrated to a GPU's VRAM through their CPU address come back to
 * system memory: with no owner given, hmm_range_fault() accepts no device page.
 *
 * drm_gpusvm gives up after a second of collisions with the CPU. That is no
 * failure, for the memory is there: callers begin anew until they get it, or
 * until a signal ends the ioctl.
 *
 * Context: VM lock held for write, no resv or notifier lock (L6); may sleep.
 *
 * Return: 0, -EFAULT: no such memory (any more), -EPERM: it may not be written,
 * -EAGAIN: invalidated again and again, -ENOMEM, -EINTR: the task is being killed.
 */
int svmgpu_userptr_pin(struct svmgpu_vma *vma)
{
	struct svmgpu_vm *vm = vma->vm;
	const u64 cpu = vma->gpuva.gem.offset;
	struct drm_gpusvm_ctx ctx = {
		.read_only = svmgpu_vma_read_only(vma),
		.device_private_page_owner = NULL,
		.allow_mixed = true,
	};
	int err, why, round = 0;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if (vma->flags & SVMGPU_VMA_DESTROYED)
		return 0;

	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_USERPTR_REPIN);
	do {
		/* drm_gpusvm begins it (S1) */
		trace_svmgpu_seq_begun(vma->trace_id, vm->trace_id, vma->trace_id, 0, 1, 0,
				       vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_NONE, 0);
		err = drm_gpusvm_get_pages(&vm->svm.gpusvm, &vma->userptr.pages,
					   vma->userptr.notifier.mm, &vma->userptr.notifier, cpu,
					   cpu + vma->gpuva.va.range, &ctx);
		why = err == -EFAULT ? userptr_why(vma) : err;
	} while (why == -EAGAIN && ++round < USERPTR_PIN_ROUNDS);
	if (why != -EAGAIN)
		err = why;
	trace_svmgpu_pages_obtained(vma->trace_id, vm->trace_id, vma->trace_id,
				    vma->userptr.pages.notifier_seq, 0, err,
				    vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_NONE, 0);
	return err == -EBUSY ? -EAGAIN : err;
}
ALLOW_ERROR_INJECTION(svmgpu_userptr_pin, ERRNO);

/**
 * svmgpu_userptr_valid() - are the pages still those of the CPU mapping
 * @vma: the gpu_vma
 *
 * Context: exact with the notifier lock held (L5), otherwise a hint.
 *
 * Return: true when nothing was invalidated since the pages were obtained.
 */
bool svmgpu_userptr_valid(struct svmgpu_vma *vma)
{
	struct svmgpu_userptr *userptr = &vma->userptr;
	bool valid;

	valid = userptr->pages.flags.has_dma_mapping &&
		!mmu_interval_read_retry(&userptr->notifier, userptr->pages.notifier_seq);
	trace_svmgpu_seq_checked(vma->trace_id, vma->vm->trace_id, vma->trace_id,
				 userptr->pages.notifier_seq, !valid, 0,
				 vma->vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_NONE, 0);
	return valid;
}

/* The memory is gone: nothing may reach it, and until it is bound anew nothing waits for it. */
static int userptr_park(struct svmgpu_vm *vm, struct svmgpu_vma *vma)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);
	int err;

	err = svmgpu_vm_resv_lock(vm);
	if (err)
		return err;
	if (!list_empty(&vma->rebind_link)) {
		list_del_init(&vma->rebind_link);
		svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_REBIND, false);
	}
	dma_resv_wait_timeout(svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	if (svmgpu_pt_zap(vm, start, end)) {
		trace_svmgpu_pt_zapped(vma->trace_id, start, end - start, vm->trace_id,
				       vma->trace_id, vm->dev->caps.gpu_index,
				       SVMGPU_TRACE_OWNER_NONE, SVMGPU_TRACE_VMA_USERPTR,
				       SVMGPU_TRACE_PT_ZEROED, 0);
		svmgpu_tlb_flush(vm->dev, vm->asid, start, end);
	}
	vma->present = false;
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
	svmgpu_vm_resv_unlock(vm);
	return 0;
}

/**
 * svmgpu_vm_userptr_pin() - repins every invalidated userptr of a VM
 * @vm: dma-fence or preempt-mode VM, lock held for write
 *
 * Document: "exec function", the invalidated-list scheme.
 *
 * Context: no resv, no notifier lock (L6); may sleep.
 *
 * Return: 0; -EAGAIN, -ENOMEM, -EINTR: everything not yet repinned is still listed.
 */
int svmgpu_vm_userptr_pin(struct svmgpu_vm *vm)
{
	struct svmgpu_vma *vma, *next;
	int err = 0;

	svmgpu_lockdep_assert_held_write(&vm->lock);

	svmgpu_spin_lock(&vm->userptr.invalidated_lock);
	list_for_each_entry_safe(vma, next, &vm->userptr.invalidated, userptr.invalidate_link) {
		list_del_init(&vma->userptr.invalidate_link);
		list_add_tail(&vma->userptr.repin_link, &vm->userptr.repin);
	}
	svmgpu_spin_unlock(&vm->userptr.invalidated_lock);

	list_for_each_entry_safe(vma, next, &vm->userptr.repin, userptr.repin_link) {
		err = svmgpu_userptr_pin(vma);
		if (err == -EFAULT || err == -EPERM) {
			err = userptr_park(vm, vma);
			if (!err)
				list_del_init(&vma->userptr.repin_link);
		} else if (!err) {
			list_del_init(&vma->userptr.repin_link);
			list_move_tail(&vma->rebind_link, &vm->rebind_list);
			svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_INVALIDATED, false);
			svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_REBIND, true);
		}
		if (err)
			break;
	}
	if (!err)
		return 0;

	/* the list's second way in: the VM lock for write and the spinlock */
	svmgpu_spin_lock(&vm->userptr.invalidated_lock);
	list_for_each_entry_safe(vma, next, &vm->userptr.repin, userptr.repin_link) {
		list_del_init(&vma->userptr.repin_link);
		list_move_tail(&vma->userptr.invalidate_link, &vm->userptr.invalidated);
	}
	svmgpu_spin_unlock(&vm->userptr.invalidated_lock);
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_vm_userptr_pin, ERRNO);

/**
 * svmgpu_vm_userptr_needs_repin() - has a userptr been invalidated and not repinned
 * @vm: the VM
 *
 * Context: any; exact with the notifier lock held (L5), otherwise a hint.
 *
 * Return: true when svmgpu_vm_userptr_pin() has something to do.
 */
bool svmgpu_vm_userptr_needs_repin(struct svmgpu_vm *vm)
{
	return !list_empty_careful(&vm->userptr.repin) ||
	       !list_empty_careful(&vm->userptr.invalidated);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * SVM of a VM: set-up, invalidation, garbage collection and close.
 */
#include <linux/error-injection.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>

#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap.h>

#include "svmgpu_device.h"
#include "svmgpu_race.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_mm.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Overview
 *
 * A fault-mode VM mirrors the address space of the process that made it. What
 * the GPU has touched is covered by *ranges* (drm_gpusvm): 2 MiB, 64 KiB or 4 KiB
 * of one CPU VMA, whose pages are in system memory or in the VRAM of one GPU.
 *
 *	svmgpu_fault.c		fault ring -> worker -> VM -> answer
 *	svmgpu_svm_range.c	one attempt: look up, scan, migrate, get pages, commit
 *	svmgpu_scan.c		where are the pages now
 *	svmgpu_pagemap.c	VRAM as device-private memory, copies, eviction
 *	here			the way back: notifier, collection, close
 */

/**
 * DOC: Locking
 *
 * The VM lock for write protects the range tree; drm_gpusvm asserts it. The
 * notifier lock orders commits (read) against invalidations (write): "pages
 * valid" under it, with the entries written in the same section, means that a
 * later invalidation finds the entries (L9, S3). The callback takes nothing inside
 * the notifier lock but the spinlocks of the collection list, of the list of moves
 * and of the command ring (L4); drm_gpusvm takes the notifier lock for it.
 */

#define SVMGPU_SVM_NOTIFIER_BYTES	SZ_512M

static bool svm_thp;
module_param(svm_thp, bool, 0444);
MODULE_PARM_DESC(svm_thp, "2 MiB ranges and device-private folios; off: 1 MiB ranges, small folios (default off)");

/*
 * A 2 MiB range is what makes core mm use device-private folios of that order,
 * and in 7.2 those can fail to split on the way back to system memory.
 */
static const unsigned long svm_thp_chunk_bytes[] = { SZ_2M, SZ_64K, SZ_4K };
static const unsigned long svm_chunk_bytes[] = { SZ_1M, SZ_64K, SZ_4K };
static_assert(ARRAY_SIZE(svm_thp_chunk_bytes) == ARRAY_SIZE(svm_chunk_bytes));

static struct drm_gpusvm_range *svm_range_alloc(struct drm_gpusvm *gpusvm)
{
	struct svmgpu_svm_range *range = kzalloc_obj(*range);

	if (!range)
		return NULL;

	INIT_LIST_HEAD(&range->gc_link);
	svmgpu_vm_get(gpusvm_to_vm(gpusvm));

	return &range->base;
}

static void svm_range_free(struct drm_gpusvm_range *base)
{
	struct svmgpu_vm *vm = gpusvm_to_vm(base->gpusvm);

	if (to_svm_range(base)->trace_id)
		trace_svmgpu_range_destroyed(to_svm_range(base)->trace_id, vm->trace_id,
					     drm_gpusvm_range_start(base),
					     drm_gpusvm_range_size(base), 0, vm_gpu(vm));
	svmgpu_vm_put(vm);
	kfree(to_svm_range(base));
}

/* Notifier lock held for write. */
static void svm_collect_later(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
			      const struct mmu_notifier_range *event)
{
	drm_gpusvm_range_set_unmapped(&range->base, event);

	svmgpu_spin_lock(&vm->svm.gc_lock);
	if (list_empty(&range->gc_link))
		list_add_tail(&range->gc_link, &vm->svm.gc_list);
	svmgpu_spin_unlock(&vm->svm.gc_lock);

	queue_work(vm->dev->unbound_wq, &vm->svm.gc_work);
}

static bool svm_range_mapped(const struct svmgpu_svm_range *range)
{
	return range->present && !range->invalidated;
}

/*
 * Clears the entries of every mapped range that [start, end) touches, whole
 * ranges at a time, and flushes once. Notifier lock held (write in the notifier;
 * read suffices with the VM lock for write). Sleeps for the flush only.
 */
static void svm_zap_ranges(struct svmgpu_vm *vm, struct drm_gpusvm_notifier *notifier,
			   u64 start, u64 end, u32 invalidation)
{
	struct drm_gpusvm_range *base;
	u64 lo = U64_MAX, hi = 0;

	base = drm_gpusvm_range_find(notifier, start, end);
	drm_gpusvm_for_each_range(base, notifier, start, end) {
		struct svmgpu_svm_range *range = to_svm_range(base);

		if (!svm_range_mapped(range))
			continue;

		svmgpu_pt_zap(vm, drm_gpusvm_range_start(base), drm_gpusvm_range_end(base));
		WRITE_ONCE(range->invalidated, true);
		svmgpu_trace_range_zapped(vm, range, invalidation);
		/* accumulate: every zapped range must be inside the flush */
		lo = min_t(u64, lo, drm_gpusvm_range_start(base));
		hi = max_t(u64, hi, drm_gpusvm_range_end(base));
	}

	if (lo < hi) {
		ktime_t begin = ktime_get();

		wmb(); /* the entries are zero before the flush can retire */
		svmgpu_tlb_flush(vm->dev, vm->asid, lo, hi);
		svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_TLB_INVAL);
		svmgpu_stat_add_us(vm->dev, SVMGPU_STAT_SVM_TLB_INVAL_US, begin);
	}
}

static bool svm_any_mapped(struct drm_gpusvm_notifier *notifier, u64 start, u64 end)
{
	struct drm_gpusvm_range *base = drm_gpusvm_range_find(notifier, start, end);

	drm_gpusvm_for_each_range(base, notifier, start, end)
		if (svm_range_mapped(to_svm_range(base)))
			return true;

	return false;
}

/* svm_invalidate() without the lock events. */
static void svm_invalidate_ranges(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
				  const struct mmu_notifier_range *event)
{
	struct svmgpu_vm *vm = gpusvm_to_vm(gpusvm);
	const u64 start = max(drm_gpusvm_notifier_start(notifier), event->start);
	const u64 end = min(drm_gpusvm_notifier_end(notifier), event->end);
	struct drm_gpusvm_ctx ctx = { .in_notifier = true };
	struct drm_gpusvm_range *base;
	u32 id = 0;

	if (!drm_gpusvm_range_find(notifier, start, end))
		return;

	/*
	 * A closed VM's page tables are going away and are flushed already. If
	 * nothing is mapped there is nothing to wait for: mapped is set under this
	 * lock, so the look is exact.
	 */
	if (!vm->closed && svm_any_mapped(notifier, start, end)) {
		id = svmgpu_trace_invalidation_begin(vm, notifier, start, end, event->event);
		/* page-table jobs in flight would write behind our back */
		dma_resv_wait_timeout(svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP, false,
				      MAX_SCHEDULE_TIMEOUT);
		svm_zap_ranges(vm, notifier, start, end, id);
		svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_INVALIDATION);
	}

	base = drm_gpusvm_range_find(notifier, start, end);
	drm_gpusvm_for_each_range(base, notifier, start, end) {
		drm_gpusvm_range_unmap_pages(gpusvm, base, &ctx);
		if (id) {
			svmgpu_trace_range_touched(vm, to_svm_range(base), id, event->event);
			svmgpu_trace_range_lost(vm, to_svm_range(base), event->start, event->end,
						event->event);
		}
		if (event->event == MMU_NOTIFY_UNMAP && !vm->closed)
			svm_collect_later(vm, to_svm_range(base), event);
	}
	svmgpu_trace_invalidation_end(vm, id);
}

/**
 * svm_invalidate() - the CPU is about to change its mapping
 * @gpusvm: of the VM
 * @notifier: window of the address space
 * @event: what happens, and where
 *
 * When it returns, the GPU makes no access through the old translation (S4).
 *
 * Context: notifier lock held for write, sequence raised; above it whatever core
 * mm holds, up to reclaim. Allocates nothing.
 */
static void svm_invalidate(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
			   const struct mmu_notifier_range *event)
{
	svmgpu_notifier_lock_held(gpusvm, true);
	svmgpu_race_point(gpusvm_to_vm(gpusvm)->dev, SVMGPU_RACE_IN_NOTIFIER,
			  gpusvm_to_vm(gpusvm)->trace_id);
	svm_invalidate_ranges(gpusvm, notifier, event);
	svmgpu_notifier_lock_held(gpusvm, false);
}

static const struct drm_gpusvm_ops svm_ops = {
	.range_alloc = svm_range_alloc,
	.range_free = svm_range_free,
	.invalidate = svm_invalidate,
};

/**
 * svmgpu_svm_range_unbind() - take a range out of the page tables
 * @vm: the VM, lock held for write
 * @range: the range
 *
 * Context: may sleep.
 *
 * Return: true when it was mapped.
 */
bool svmgpu_svm_range_unbind(struct svmgpu_vm *vm, struct svmgpu_svm_range *range)
{
	const u64 start = drm_gpusvm_range_start(&range->base);
	const u64 end = drm_gpusvm_range_end(&range->base);
	bool mapped;

	svmgpu_lockdep_assert_held_write(&vm->lock);

	/* The VM lock keeps commits away; the notifier lock, invalidations (L9). */
	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	mapped = svm_range_mapped(range);
	if (mapped) {
		svmgpu_pt_zap(vm, start, end);
		wmb(); /* zapped before the flush can retire */
		svmgpu_tlb_flush(vm->dev, vm->asid, start, end);
	}
	range->present = false;
	range->invalidated = false;
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);

	return mapped;
}

/**
 * svmgpu_svm_range_remove() - unbind a range and forget it
 * @vm: the VM, lock held for write
 * @range: the range; gone afterwards
 *
 * Context: may sleep, also for invalidations of the range: no other lock held.
 */
void svmgpu_svm_range_remove(struct svmgpu_vm *vm, struct svmgpu_svm_range *range)
{
	svmgpu_svm_range_unbind(vm, range);

	/*
	 * Until it is out of the tree an invalidation finds the range and may queue
	 * it for collection, once more: so it leaves that list last.
	 */
	drm_gpusvm_range_get(&range->base);
	drm_gpusvm_range_remove(&vm->svm.gpusvm, &range->base);
	svmgpu_spin_lock(&vm->svm.gc_lock);
	list_del_init(&range->gc_link);
	svmgpu_spin_unlock(&vm->svm.gc_lock);
	drm_gpusvm_range_put(&range->base);
}

static struct svmgpu_svm_range *svm_gc_first(struct svmgpu_vm *vm)
{
	struct svmgpu_svm_range *range;

	svmgpu_spin_lock(&vm->svm.gc_lock);
	range = list_first_entry_or_null(&vm->svm.gc_list, struct svmgpu_svm_range, gc_link);
	svmgpu_spin_unlock(&vm->svm.gc_lock);

	return range;
}

/**
 * svmgpu_svm_collect() - remove ranges whose CPU mapping went away
 * @vm: the VM, lock held for write
 *
 * The rest of a partly unmapped range goes back to system memory first, so that
 * no device page stays in a range that nobody tracks.
 *
 * Context: may sleep; only the VM lock held.
 *
 * Return: 0, or -EAGAIN when gpu_vmas were merged or split, so that the caller
 * must look them up again.
 */
int svmgpu_svm_collect(struct svmgpu_vm *vm)
{
	struct svmgpu_svm_range *range;
	int ret = 0;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if (!svmgpu_vm_in_fault_mode(vm))
		return 0;

	while (!vm->closed && (range = svm_gc_first(vm))) {
		const u64 start = drm_gpusvm_range_start(&range->base);
		const u64 end = drm_gpusvm_range_end(&range->base);

		if (range->base.pages.flags.partial_unmap &&
		    range->base.pages.flags.migrate_devmem)
			drm_gpusvm_range_evict(&vm->svm.gpusvm, &range->base);

		svmgpu_svm_range_remove(vm, range);
		if (svmgpu_vma_reset_attr(vm, start, end) == -EAGAIN)
			ret = -EAGAIN;
	}

	return ret;
}

static void svm_gc_work(struct work_struct *work)
{
	struct svmgpu_vm *vm = container_of(work, struct svmgpu_vm, svm.gc_work);

	svmgpu_down_write(&vm->lock);
	svmgpu_svm_collect(vm);
	svmgpu_up_write(&vm->lock);
}

/**
 * svmgpu_svm_has_mapping() - is any of it mapped for DMA
 * @vm: the VM, lock held
 * @start: first byte
 * @end: first byte behind
 *
 * Return: true when a live DMA mapping of an SVM range intersects.
 */
bool svmgpu_svm_has_mapping(struct svmgpu_vm *vm, u64 start, u64 end)
{
	return svmgpu_vm_in_fault_mode(vm) &&
	       drm_gpusvm_has_mapping(&vm->svm.gpusvm, start, end);
}

/**
 * svmgpu_svm_unmap_ranges() - remove the ranges of an address range
 * @vm: the VM, lock held for write
 * @start: first byte
 * @end: first byte behind
 *
 * Ranges that reach beyond are removed too; the next fault makes new ones.
 *
 * Context: may sleep.
 *
 * Return: 0.
 */
int svmgpu_svm_unmap_ranges(struct svmgpu_vm *vm, u64 start, u64 end)
{
	struct drm_gpusvm_notifier *notifier, *next;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if (!svmgpu_vm_in_fault_mode(vm))
		return 0;

	drm_gpusvm_for_each_notifier_safe(notifier, next, &vm->svm.gpusvm, start, end) {
		struct drm_gpusvm_range *base, *next_base;

		drm_gpusvm_for_each_range_safe(base, next_base, notifier, start, end) {
			const bool partial = drm_gpusvm_range_start(base) < start ||
					     drm_gpusvm_range_end(base) > end;

			if (partial && base->pages.flags.migrate_devmem)
				drm_gpusvm_range_evict(&vm->svm.gpusvm, base);
			svmgpu_svm_range_remove(vm, to_svm_range(base));
		}
	}

	return 0;
}

/**
 * svmgpu_svm_zap() - make the GPU fault on an address range again
 * @vm: the VM, lock held for write
 * @start: first byte
 * @end: first byte behind
 *
 * Context: may sleep.
 */
void svmgpu_svm_zap(struct svmgpu_vm *vm, u64 start, u64 end)
{
	struct drm_gpusvm_notifier *notifier;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if (!svmgpu_vm_in_fault_mode(vm))
		return;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	drm_gpusvm_for_each_notifier(notifier, &vm->svm.gpusvm, start, end)
		svm_zap_ranges(vm, notifier, max_t(u64, start, drm_gpusvm_notifier_start(notifier)),
			       min_t(u64, end, drm_gpusvm_notifier_end(notifier)), 0);
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
}

static int svm_init_fault_mode(struct svmgpu_vm *vm)
{
	struct svmgpu_svm *svm = &vm->svm;
	int err;

	err = svmgpu_pagemap_acquire_owner(vm);
	if (err)
		return err;

	svm->pagemap = svmgpu_pagemap_get(vm->dev);
	if (IS_ERR(svm->pagemap)) {
		err = PTR_ERR(svm->pagemap);
		goto err_owner;
	}

	svm->mm = svmgpu_svm_mm_get(current->mm);
	if (!svm->mm) {
		err = -ENOMEM;
		goto err_pagemap;
	}

	err = drm_gpusvm_init(&svm->gpusvm, "svmgpu", &vm->dev->drm, current->mm, 0,
			      SVMGPU_VM_SIZE, SVMGPU_SVM_NOTIFIER_BYTES, &svm_ops,
			      svm_thp ? svm_thp_chunk_bytes : svm_chunk_bytes,
			      ARRAY_SIZE(svm_chunk_bytes));
	if (err)
		goto err_mm;

	drm_gpusvm_driver_set_lock(&svm->gpusvm, &vm->lock.sem);

	return 0;

err_mm:
	svmgpu_svm_mm_put(svm->mm);
err_pagemap:
	drm_pagemap_put(svm->pagemap);
err_owner:
	drm_pagemap_release_owner(&svm->peer);

	return err;
}

/**
 * svmgpu_svm_init() - SVM state of a new VM
 * @vm: the VM
 *
 * Context: process context of the owner; may sleep.
 *
 * Return: 0 or a negative errno.
 */
int svmgpu_svm_init(struct svmgpu_vm *vm)
{
	svmgpu_spin_lock_init(&vm->svm.gc_lock, SVMGPU_LOCK_GC_LIST);
	svmgpu_lock_set_owner(&vm->svm.gc_lock, vm->dev->caps.gpu_index, vm->trace_id);
	INIT_LIST_HEAD(&vm->svm.gc_list);
	INIT_WORK(&vm->svm.gc_work, svm_gc_work);

	if (svmgpu_vm_in_fault_mode(vm))
		return svm_init_fault_mode(vm);

	/* For its notifier lock and for userptr pages. */
	return drm_gpusvm_init(&vm->svm.gpusvm, "svmgpu", &vm->dev->drm, NULL, 0, 0, 0, NULL,
			       NULL, 0);
}
ALLOW_ERROR_INJECTION(svmgpu_svm_init, ERRNO);

/**
 * svmgpu_svm_close() - stop SVM of a VM that is closed
 * @vm: the VM; @vm->closed is set. The VM lock is not held: the collector takes it.
 *
 * Context: may sleep.
 */
void svmgpu_svm_close(struct svmgpu_vm *vm)
{
	if (!svmgpu_vm_in_fault_mode(vm))
		return;

	disable_work_sync(&vm->svm.gc_work);
	drm_pagemap_put(vm->svm.pagemap);
	vm->svm.pagemap = NULL;
	drm_pagemap_release_owner(&vm->svm.peer);
}

/**
 * svmgpu_svm_fini() - free SVM state; no page-table entry may be left
 * @vm: the VM, closed, lock held for write (drm_gpusvm asserts it)
 *
 * Drops the references that ranges have on the VM.
 *
 * Context: may sleep.
 */
void svmgpu_svm_fini(struct svmgpu_vm *vm)
{
	drm_gpusvm_fini(&vm->svm.gpusvm);
	if (svmgpu_vm_in_fault_mode(vm))
		svmgpu_svm_mm_put(vm->svm.mm);
}

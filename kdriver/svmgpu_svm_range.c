// SPDX-License-Identifier: GPL-2.0
/*
 * Serving one fault, or one prefetch, on a CPU address mirror.
 */
#include <linux/error-injection.h>
#include <linux/sched/mm.h>

#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap.h>
#include <drm/xe_drm.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_device.h"
#include "svmgpu_race.h"
#include "svmgpu_scan.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_mm.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: One attempt
 *
 * An attempt is straight-line code; whatever may change meanwhile is looked up
 * anew in the next one, after the VM lock was dropped (S2):
 *
 *	collect ranges whose CPU mapping is gone
 *	find or make the range around the address
 *	choose the place: atomic policy, preferred location, this GPU
 *	scan; migrate unless the pages are where they belong      (S7)
 *	get the pages through HMM                     (no resv held, L6; S1)
 *	VM resv: allocate page tables
 *	notifier lock read: pages still valid? write the entries   (L9, S3)
 *
 * Losing to an invalidation is legal program behaviour, so it never makes a
 * fault fail (S5); it is counted, and after SVM_TRY_COLLISIONS rounds the next
 * tier makes losing less likely: first a smaller range and no migration, then the
 * write side of the CPU's own locks (svmgpu_svm_exclusive.c). Only three things
 * end a fault: the access is served, it is not permitted by the CPU mapping of
 * its own page, or memory is exhausted.
 */

/* rounds lost to invalidations before the next tier */
#define SVM_TRY_COLLISIONS	8
/* failed migrations before the pages stay where they are */
#define SVM_TRY_MIGRATIONS	3

/**
 * svmgpu_svm_try_init() - start of a fault
 * @try: its progress
 * @fault_id: of the hardware, 0 for a prefetch
 * @write: the access writes
 * @atomic: the access is atomic
 */
void svmgpu_svm_try_init(struct svmgpu_svm_try *try, u32 fault_id, bool write, bool atomic)
{
	*try = (struct svmgpu_svm_try){
		.fault_id = fault_id,
		.width = SZ_2M,
		.start = ktime_get(),
		.write = write,
		.atomic = atomic,
	};
}

/* Narrower ranges: the way out when a range has outgrown its VMA or keeps losing. */
static bool svm_try_narrow(struct svmgpu_svm_try *try)
{
	if (try->width == SZ_4K)
		return false;

	try->width = try->width > SZ_64K ? SZ_64K : SZ_4K;

	return true;
}

static int svm_try_again(struct svmgpu_vm *vm, struct svmgpu_svm_try *try,
			 enum svmgpu_trace_retry reason)
{
	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_RETRY);
	trace_svmgpu_fault_retried(try->fault_id, try->addr, vm->trace_id, 0, vm_gpu(vm), reason,
				   try->tier, try->attempts);

	if (reason == SVMGPU_TRACE_RETRY_COLLISION || reason == SVMGPU_TRACE_RETRY_SEQUENCE) {
		if (++try->collisions % SVM_TRY_COLLISIONS == 0 && try->tier < 2) {
			/* narrower twice, then the write side */
			try->tier = svm_try_narrow(try) ? 1 : 2;
			svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_ESCALATION);
			trace_svmgpu_fault_escalated(try->fault_id, try->addr, vm->trace_id, 0,
						     vm_gpu(vm), reason, try->tier, try->attempts);
		}
	}

	return -EAGAIN;
}

/*
 * Must an atomic be done in this GPU's own VRAM? Atomics over PCIe or the fabric
 * are not atomic against CPUs.
 */
static int svm_needs_vram(const struct svmgpu_vma *vma, bool atomic)
{
	if (!atomic)
		return false;

	return vma->attr.atomic_access == DRM_XE_ATOMIC_CPU ? -EACCES : true;
}

/* Where the pages should be: a pagemap, or NULL for system memory. VM lock held. */
static struct drm_pagemap *svm_preferred(struct svmgpu_vm *vm, const struct svmgpu_vma *vma)
{
	if (vma->attr.dpagemap)
		return vma->attr.dpagemap;

	return vma->attr.devmem_fd == DRM_XE_PREFERRED_LOC_DEFAULT_SYSTEM ? NULL : vm->svm.pagemap;
}

/* Does policy ask for a migration to @target, seen where the pages are now? (S7) */
static bool svm_wants_migration(struct svmgpu_vm *vm, struct svmgpu_vma *vma,
				struct svmgpu_svm_range *range, struct drm_pagemap *target,
				struct svmgpu_svm_try *try, bool needs_vram)
{
	const bool only_system = !needs_vram && vma->attr.migration_policy ==
				 DRM_XE_MIGRATE_ONLY_SYSTEM_PAGES;
	struct svmgpu_scan_request request = {
		.range = &range->base,
		.owner = vm->svm.peer.owner,
		.target = target->pagemap,
		.addr = try->addr,
		.fault_id = try->fault_id,
		.decide = {
			[SVMGPU_SCAN_UNPOPULATED] = true,
			[SVMGPU_SCAN_EQUAL] = false,
			[SVMGPU_SCAN_OTHER] = !only_system,
			[SVMGPU_SCAN_SYSTEM] = true,
			[SVMGPU_SCAN_MIXED_DEVICE] = !only_system,
			[SVMGPU_SCAN_MIXED] = true,
		},
	};
	struct svmgpu_scan_result result;
	int err;

	err = svmgpu_scan(&request, &result);
	/* Contended: leave the pages alone unless the atomic cannot do without. */
	if (err)
		result.decision = needs_vram;
	svmgpu_trace_scan_result(vm, range, try->fault_id, target, only_system, &result);
	try->from = result.state;

	return result.decision;
}

/*
 * Migrates the range to @target. Two devices that pull at one range resolve it
 * with the migrate lock: the second attempt evicts and migrates alone.
 */
static int svm_migrate(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
		       struct drm_pagemap *target, const struct svmgpu_svm_try *try,
		       unsigned long timeslice_ms)
{
	struct svmgpu_svm_mm *svm_mm = vm->svm.mm;
	const u64 start = drm_gpusvm_range_start(&range->base);
	const u64 end = drm_gpusvm_range_end(&range->base);
	struct svmgpu_trace_populate populate;
	ktime_t begin = ktime_get();
	int err;

	svmgpu_trace_populate_begin(&populate, vm, range, try, target);
	svmgpu_down_read(&svm_mm->migrate_lock);
	err = drm_pagemap_populate_mm(target, start, end, vm->svm.gpusvm.mm, timeslice_ms);
	svmgpu_up_read(&svm_mm->migrate_lock);
	if (err != -EBUSY)
		goto out;

	svmgpu_down_write(&svm_mm->migrate_lock);
	drm_gpusvm_range_evict(&vm->svm.gpusvm, &range->base);
	err = drm_pagemap_populate_mm(target, start, end, vm->svm.gpusvm.mm, timeslice_ms);
	svmgpu_up_write(&svm_mm->migrate_lock);
out:
	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_MIGRATE);
	svmgpu_stat_add_us(vm->dev, SVMGPU_STAT_SVM_MIGRATE_US, begin);
	svmgpu_trace_populate_end(&populate, err);

	return err;
}

/** struct svm_source - page-table source over the pages of a range */
struct svm_source {
	/** @base: what the page-table builder calls */
	struct svmgpu_pt_source base;
	/** @addrs: DMA addresses of the range, compact: one entry per mapping */
	const struct drm_pagemap_addr *addrs;
	/** @addr: current entry of it */
	const struct drm_pagemap_addr *addr;
	/** @offset: where in the range that entry begins */
	u64 offset;
	/** @atomic: atomics are allowed where they are atomic */
	bool atomic;
};

static u64 svm_source_next(struct svmgpu_pt_source *base, u64 offset, u64 *bytes)
{
	struct svm_source *source = container_of(base, struct svm_source, base);
	u64 paddr, inside;

	/* a new walk begins */
	if (offset < source->offset) {
		source->addr = source->addrs;
		source->offset = 0;
	}
	while (offset >= source->offset + (PAGE_SIZE << source->addr->order)) {
		source->offset += PAGE_SIZE << source->addr->order;
		source->addr++;
	}

	inside = offset - source->offset;
	paddr = source->addr->addr + inside;
	*bytes = (PAGE_SIZE << source->addr->order) - inside;

	/* atomics only where they are atomic: this GPU's own VRAM */
	if (source->atomic && source->base.flags & SVMGPU_PTE_WRITE &&
	    source->addr->proto == SVMGPU_INTERCONNECT_VRAM)
		paddr |= SVMGPU_PTE_ATOMIC;

	return paddr;
}

static bool svm_pages_ready(struct svmgpu_svm_commit *commit)
{
	return drm_gpusvm_range_pages_valid(&commit->vm->svm.gpusvm, &commit->range->base);
}

/* Jobs in flight own the tables that they are about to write. VM resv held. */
static int svm_commit_wait(struct svmgpu_svm_commit *commit, const struct svmgpu_pt_update *update)
{
	if (!commit->no_wait)
		return svmgpu_bind_wait(commit->vm, update->first, update->last);
	if (!svmgpu_bind_pending(commit->vm, update->first, update->last))
		return 0;
	commit->first = update->first;
	commit->last = update->last;
	return -EBUSY;
}

/* Tables staged. The section that checks is the one that writes (L9, S3). */
static int svm_commit_locked(struct svmgpu_svm_commit *commit, struct svmgpu_svm_try *try,
			     struct svmgpu_pt_update *update)
{
	struct svmgpu_svm_range *range = commit->range;
	struct svmgpu_vm *vm = commit->vm;
	int err = -EAGAIN;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	if (svmgpu_race_point(vm->dev, SVMGPU_RACE_BEFORE_COMMIT, vm->trace_id) ||
	    !commit->ready(commit))
		goto out;

	svmgpu_pt_commit_cpu(update);
	WRITE_ONCE(range->present, true);
	WRITE_ONCE(range->invalidated, false);
	range->writable = commit->writable;
	svmgpu_trace_fault_phase(vm, range, try, 0, trace_svmgpu_seq_checked);
	svmgpu_trace_range_written(vm, range, try->fault_id);
	svmgpu_trace_range_mapped(vm, range, try->fault_id ? SVMGPU_TRACE_CAUSE_FAULT :
							     SVMGPU_TRACE_CAUSE_PREFETCH);
	/* L10: what replaced valid entries must be flushed before the answer */
	if (update->needs_flush)
		svmgpu_tlb_flush(vm->dev, vm->asid, update->start, update->end);
	svmgpu_fault_answer_committed(vm, try);
	err = 0;
out:
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);

	return err;
}

/**
 * svmgpu_svm_commit() - write the page tables of a range
 * @commit: what and how
 * @try: on whose behalf
 *
 * Context: VM lock held for write; the mmap lock may be held, a reservation lock
 * not: it takes the VM's. May sleep; waits for page-table jobs unless
 * @commit says otherwise.
 *
 * Return: 0, -EAGAIN when the pages were invalidated meanwhile, -EBUSY (see
 * @commit), -ENOMEM, -EINTR.
 */
int svmgpu_svm_commit(struct svmgpu_svm_commit *commit, struct svmgpu_svm_try *try)
{
	struct svmgpu_svm_range *range = commit->range;
	const u64 start = drm_gpusvm_range_start(&range->base);
	const u64 end = drm_gpusvm_range_end(&range->base);
	struct svmgpu_vm *vm = commit->vm;
	struct svm_source source = {
		.base.next = svm_source_next,
		.base.flags = commit->writable ? SVMGPU_PTE_WRITE : 0,
		.base.system_flags = commit->writable ? SVMGPU_PTE_WRITE : 0,
		.addrs = range->base.pages.dma_addr,
		.addr = range->base.pages.dma_addr,
		.atomic = !try->no_atomic,
	};
	struct svmgpu_pt_update update;
	struct svmgpu_validation v;
	u32 bind;
	int err;

	bind = svmgpu_trace_range_bind(vm, range, try->fault_id);
	svmgpu_validation_init(&v, vm->dev, 0);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			err = svmgpu_validation_lock(&v, drm_gpuvm_resv_obj(&vm->gpuvm), 1);
			drm_exec_retry_on_contention(&v.exec);
		}
		if (err)
			goto end;
		svmgpu_validation_traced(&v);

		err = svmgpu_pt_stage(vm, start, end, &source.base, &update);
		if (err)
			goto end;
		err = svm_commit_wait(commit, &update);
		if (!err && commit->prepare)
			err = commit->prepare(commit);
		if (!err)
			err = svm_commit_locked(commit, try, &update);
		svmgpu_pt_abort(&update);
		svmgpu_pt_free_deferred(vm);
end:
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
	trace_svmgpu_bind_ended(bind, err, 0);

	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_svm_commit, ERRNO);

/* Writes the entries of pages that drm_gpusvm_range_get_pages() obtained. */
static int svm_commit_pages(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
			    struct svmgpu_svm_try *try, bool writable)
{
	struct svmgpu_svm_commit commit = {
		.vm = vm,
		.range = range,
		.writable = writable,
		.ready = svm_pages_ready,
	};

	svmgpu_race_point(vm->dev, SVMGPU_RACE_AFTER_PAGES, vm->trace_id);
	return svmgpu_svm_commit(&commit, try);
}

/* Is the range mapped well enough for the access already? VM lock held for write. */
static bool svm_range_serves(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
			     const struct svmgpu_svm_try *try, struct drm_pagemap *needed)
{
	bool serves;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	serves = range->present && !range->invalidated && (!try->write || range->writable) &&
		 (!needed || range->base.pages.dpagemap == needed);
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);

	return serves;
}

/*
 * The range around @addr, at most @try->width wide and inside the gpu_vma. A
 * wider one that exists is in the way: it is removed.
 */
static struct svmgpu_svm_range *svm_range_get(struct svmgpu_vm *vm, struct svmgpu_vma *vma,
					      u64 addr, struct svmgpu_svm_try *try,
					      const struct drm_gpusvm_ctx *ctx)
{
	const u64 lo = max(svmgpu_vma_start(vma), ALIGN_DOWN(addr, try->width));
	const u64 hi = min(svmgpu_vma_end(vma), ALIGN_DOWN(addr, try->width) + try->width);
	struct drm_gpusvm_range *base;
	struct svmgpu_svm_range *range;

	for (;;) {
		base = drm_gpusvm_range_find_or_insert(&vm->svm.gpusvm, addr, lo, hi, ctx);
		if (IS_ERR(base))
			return ERR_CAST(base);

		range = to_svm_range(base);
		if (!range->trace_id) {
			range->trace_id = svmgpu_trace_new_id();
			trace_svmgpu_range_created(range->trace_id, vm->trace_id,
						   drm_gpusvm_range_start(base),
						   drm_gpusvm_range_size(base), 0, vm_gpu(vm));
		}
		if (drm_gpusvm_range_size(base) <= try->width)
			return range;

		svmgpu_svm_range_remove(vm, range);
	}
}

/* An error of range look-up or page collection: what to do about it. */
static int svm_handle_error(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
			    struct svmgpu_svm_try *try, bool needs_vram, int err)
{
	const u64 page = ALIGN_DOWN(try->addr, SZ_4K);
	int why;

	switch (err) {
	case -EBUSY:
		return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_COLLISION);
	case -EOPNOTSUPP:
		/* several places: bring them together in system memory */
		drm_gpusvm_range_evict(&vm->svm.gpusvm, &range->base);
		return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_MIXED_PLACES);
	case -EPERM:
		/* a read of memory that the CPU may only read */
		if (!try->write && !try->read_only) {
			try->read_only = true;
			return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_RANGE_TOO_WIDE);
		}
		fallthrough;
	case -EFAULT:
	case -EINVAL:
		/*
		 * The CPU mapping of another page of the range may be to blame: a
		 * range that spans VMAs by now, a hole, a page that was never in VRAM.
		 * Only a range of one page speaks for the faulting page.
		 */
		if (needs_vram && err == -EFAULT && ++try->migrations <= SVM_TRY_MIGRATIONS)
			return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_MIGRATION_BUSY);
		if (svm_try_narrow(try))
			return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_RANGE_TOO_WIDE);
		/* perhaps the memory is there, and there was only no page for it */
		if (err != -EFAULT || needs_vram)
			return err;
		why = svmgpu_svm_mm_fault_in(vm->svm.gpusvm.mm, page, page + SZ_4K, try->write);
		if (!why && !try->faulted_in) {
			try->faulted_in = true;
			return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_COLLISION);
		}
		return why == -ENOMEM ? -ENOMEM : err;
	default:
		return err;
	}
}

static void svm_count_fault(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
			    const struct svmgpu_svm_try *try)
{
	const unsigned long bytes = drm_gpusvm_range_size(&range->base);

	svmgpu_stat_inc(vm->dev, bytes >= SZ_2M ? SVMGPU_STAT_SVM_FAULT_2M :
				 bytes >= SZ_64K ? SVMGPU_STAT_SVM_FAULT_64K :
				 SVMGPU_STAT_SVM_FAULT_4K);
	svmgpu_stat_add_us(vm->dev, SVMGPU_STAT_SVM_FAULT_US, try->start);
	/* last: who sees this one sees the others */
	svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_FAULT);
}

/**
 * svmgpu_svm_fault() - one attempt to serve a fault
 * @vm: the VM, lock held for write, no other lock
 * @vma: mirror gpu_vma of @addr
 * @addr: faulting address
 * @try: progress over the attempts
 *
 * Context: may sleep.
 *
 * Return: 0 when mapped, -EAGAIN to look up everything again, or why the access
 * cannot be served.
 */
int svmgpu_svm_fault(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 addr,
		     struct svmgpu_svm_try *try)
{
	const int needs_vram = svm_needs_vram(vma, try->atomic);
	struct drm_pagemap *target;
	struct svmgpu_svm_range *range;
	struct drm_gpusvm_ctx ctx;
	bool exclusive;
	int err;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if (needs_vram < 0)
		return needs_vram;

	try->attempts++;
	try->addr = addr;
	try->no_atomic = vma->attr.atomic_access == DRM_XE_ATOMIC_CPU;
	if (svmgpu_svm_collect(vm) == -EAGAIN)
		return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_GARBAGE);

	target = needs_vram ? vm->svm.pagemap : svm_preferred(vm, vma);
	ctx = (struct drm_gpusvm_ctx){
		.device_private_page_owner = target ? vm->svm.peer.owner : NULL,
		.read_only = svmgpu_vma_read_only(vma) || try->read_only,
		.devmem_possible = true,
		.devmem_only = needs_vram,
		.timeslice_ms = needs_vram ? READ_ONCE(vm->dev->atomic_timeslice_ms) : 0,
	};

	range = svm_range_get(vm, vma, addr, try, &ctx);
	if (IS_ERR(range)) {
		err = PTR_ERR(range);
		if (err == -EPERM && !try->write && !try->read_only)
			return svm_handle_error(vm, NULL, try, false, err);
		/* -ENOENT: no VMA here; -EFAULT: the process is exiting */
		return err;
	}

	if (svm_range_serves(vm, range, try, needs_vram ? target : NULL)) {
		svmgpu_stat_inc(vm->dev, SVMGPU_STAT_SVM_FAULT_VALID);
		try->spurious = true;
		return 0;
	}

	/* file and hugetlb memory cannot migrate: atomics on it are not possible */
	if (needs_vram && !range->base.pages.flags.migrate_devmem)
		return -EACCES;

	if (target && range->base.pages.flags.migrate_devmem &&
	    (needs_vram || (!try->tier && !try->migrations)) &&
	    svm_wants_migration(vm, vma, range, target, try, needs_vram)) {
		err = svm_migrate(vm, range, target, try, ctx.timeslice_ms);
		if (err && err != -ENODEV && needs_vram &&
		    ++try->migrations <= SVM_TRY_MIGRATIONS + SVM_TRY_COLLISIONS) {
			if (try->migrations > SVM_TRY_MIGRATIONS)
				svm_try_narrow(try);
			return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_MIGRATION_BUSY);
		}
		if (err && needs_vram)
			return err;
		/* else: serve it from where the pages are */
		if (err)
			try->migrations++;
		else
			try->migrated = true;
	}

	exclusive = try->tier >= 2;
	if (exclusive) {
		err = svmgpu_svm_commit_exclusive(vm, range, try, &ctx);
		exclusive = err != -EOPNOTSUPP;
	}
	if (exclusive)
		goto committed;

	svmgpu_trace_seq_begins(vm, range, try->fault_id);
	err = drm_gpusvm_range_get_pages(&vm->svm.gpusvm, &range->base, &ctx);
	if (err)
		return svm_handle_error(vm, range, try, needs_vram, err);
	svmgpu_trace_fault_phase(vm, range, try, drm_gpusvm_range_size(&range->base) >> PAGE_SHIFT,
				 trace_svmgpu_pages_obtained);

	err = svm_commit_pages(vm, range, try, !ctx.read_only);
committed:
	if (err == -EAGAIN)
		return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_SEQUENCE);
	if (err == -EFAULT)
		return svm_handle_error(vm, range, try, needs_vram, err);
	if (err)
		return err;

	if (try->tier)
		svmgpu_stat_inc(vm->dev, !exclusive ? SVMGPU_STAT_SVM_TIER1 :
				try->tier == 2 ? SVMGPU_STAT_SVM_TIER2 : SVMGPU_STAT_SVM_TIER3);
	svm_count_fault(vm, range, try);

	return 0;
}

/* The place that a prefetch names. */
static struct drm_pagemap *svm_prefetch_target(struct svmgpu_vm *vm, struct svmgpu_vma *vma,
					       u32 region)
{
	if (region == DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)
		return svm_preferred(vm, vma);

	return region ? vm->svm.pagemap : NULL;
}

/* One attempt for one range; its end is stored in @next. */
static int svm_prefetch_range(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 addr,
			      struct drm_pagemap *target, struct svmgpu_svm_try *try, u64 *next)
{
	struct drm_gpusvm_ctx ctx = {
		.device_private_page_owner = target ? vm->svm.peer.owner : NULL,
		.read_only = svmgpu_vma_read_only(vma) || try->read_only,
		.devmem_possible = true,
	};
	struct svmgpu_svm_range *range;
	int err;

	range = svm_range_get(vm, vma, addr, try, &ctx);
	if (IS_ERR(range)) {
		err = PTR_ERR(range);
		if (err == -EPERM && !try->read_only)
			return svm_handle_error(vm, NULL, try, false, err);
		return err;
	}
	*next = drm_gpusvm_range_end(&range->base);

	if (!target) {
		if (range->base.pages.flags.migrate_devmem)
			drm_gpusvm_range_evict(&vm->svm.gpusvm, &range->base);
	} else if (range->base.pages.flags.migrate_devmem && !try->migrations &&
		   svm_wants_migration(vm, vma, range, target, try, false)) {
		/* -EBUSY and no room: what cannot move stays, the access will still work */
		if (svm_migrate(vm, range, target, try, 0))
			try->migrations++;
	}

	if (svm_range_serves(vm, range, try, NULL))
		return 0;

	svmgpu_trace_seq_begins(vm, range, try->fault_id);
	err = drm_gpusvm_range_get_pages(&vm->svm.gpusvm, &range->base, &ctx);
	if (err)
		return svm_handle_error(vm, range, try, false, err);

	err = svm_commit_pages(vm, range, try, !ctx.read_only);
	if (err == -EAGAIN)
		return svm_try_again(vm, try, SVMGPU_TRACE_RETRY_SEQUENCE);

	return err;
}

/**
 * svmgpu_svm_prefetch() - move and map part of a mirror ahead of its use
 * @vm: the VM, lock held for write, no other lock
 * @vma: mirror gpu_vma that contains [@start, @end)
 * @start: first byte
 * @end: first byte behind
 * @region: memory region as in the uAPI's prefetch
 *
 * Context: may sleep.
 *
 * Return: 0, -ENODEV or -ENOMEM; pages that cannot be had are skipped.
 */
int svmgpu_svm_prefetch(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 start, u64 end,
			u32 region)
{
	struct drm_pagemap *target = svm_prefetch_target(vm, vma, region);
	u64 addr = start;
	int err;

	svmgpu_lockdep_assert_held_write(&vm->lock);

	while (addr < end) {
		struct svmgpu_svm_try try;
		u64 next = ALIGN(addr + 1, SZ_4K);

		/* the next CPU VMA; none: done */
		addr = max_t(u64, addr, drm_gpusvm_find_vma_start(&vm->svm.gpusvm, addr, end));
		if (addr >= end)
			break;
		next = max(next, ALIGN(addr + 1, SZ_4K));

		svmgpu_svm_try_init(&try, 0, false, false);
		try.addr = addr;
		try.no_atomic = vma->attr.atomic_access == DRM_XE_ATOMIC_CPU;
		do {
			svmgpu_svm_collect(vm);
			err = svm_prefetch_range(vm, vma, addr, target, &try, &next);
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		} while (err == -EAGAIN && ++try.attempts < 10 * SVM_TRY_COLLISIONS);

		if (err == -ENODEV || err == -ENOMEM)
			return err;
		addr = next;
	}

	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_svm_prefetch, ERRNO);

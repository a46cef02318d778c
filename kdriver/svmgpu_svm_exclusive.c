// SPDX-License-Identifier: GPL-2.0
/*
 * The write side: serving a fault that keeps losing to invalidations.
 */
#include <linux/hmm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/userfaultfd_k.h>

#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_device.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_vm.h"

/**
 * DOC: Forward progress
 *
 * "What the write side of the mmap_sem would do is force the CPU and device to
 * cleanly take turns" (hmm-collision-retry). Today that takes more than the mmap
 * lock: CPU faults and MADV_DONTNEED get by with a per-VMA lock. So the VMA is
 * write-locked as well, which leaves only those who reach the page through its
 * folio (reclaim, migration, eviction of VRAM). They are few; when they win
 * several times in a row, the folio is locked too (tier 3), and nobody is left.
 *
 * It serves one page, of anonymous memory: a page of a file can need its file
 * system, and that must not wait for this process's mmap lock.
 *
 * Order: VM lock -> mmap lock (write) -> VMA (write) -> VM resv -> folio (tier 3)
 * -> notifier lock, so the folio is locked when page tables are staged already, and
 * a page that has to be faulted in is looked for before, with no resv held (L6).
 * Nothing waits for page-table jobs inside the mmap lock: if there are any, it is
 * let go and they are waited for; the VM lock keeps new ones away. Rank 25, the
 * migrate lock, is not needed: the mmap lock holds migrations off, too.
 *
 * drm_gpusvm_get_pages() takes the mmap lock itself, so its last step, mapping the
 * page for DMA, is done here.
 */

/* collisions, which only folio users can cause now, before the folio is locked */
#define EXCLUSIVE_COLLISIONS	4

/** struct exclusive - one page on its way */
struct exclusive {
	/** @commit: VM (lock held for write), range of one page */
	struct svmgpu_svm_commit commit;
	/** @ctx: as for drm_gpusvm_get_pages() */
	const struct drm_gpusvm_ctx *ctx;
	/** @hmm: the page, its sequence */
	struct hmm_range hmm;
	/** @fault_id: fault that is served */
	u32 fault_id;
	/** @pfn: what hmm_range_fault() found */
	unsigned long pfn;
	/** @folio: locked (tier 3), or NULL */
	struct folio *folio;
	/** @err: why @commit.ready refused */
	int err;
};

static struct exclusive *to_exclusive(struct svmgpu_svm_commit *commit)
{
	return container_of(commit, struct exclusive, commit);
}

/*
 * Maps a system page or a device page that this VM may use in place. Notifier
 * lock held, sequence unchanged.
 */
static int exclusive_map(struct exclusive *x, struct page *page)
{
	struct drm_gpusvm_pages *pages = &x->commit.range->base.pages;
	struct svmgpu_vm *vm = x->commit.vm;
	struct device *dev = vm->dev->drm.dev;
	const enum dma_data_direction dir = x->ctx->read_only ? DMA_TO_DEVICE :
								DMA_BIDIRECTIONAL;
	struct drm_pagemap *dpagemap;
	dma_addr_t addr;

	if (is_device_private_page(page)) {
		dpagemap = drm_pagemap_page_to_dpagemap(page);
		if (x->ctx->devmem_only && dpagemap != vm->svm.pagemap)
			return -EAGAIN;
		drm_pagemap_get(dpagemap);
		drm_pagemap_put(pages->dpagemap);
		pages->dpagemap = dpagemap;
		pages->dma_addr[0] = dpagemap->ops->device_map(dpagemap, dev, page, 0, dir);
		pages->flags.has_devmem_pages = true;
		return 0;
	}
	if (x->ctx->devmem_only)
		return -EAGAIN;
	if (is_zone_device_page(page))
		return -EOPNOTSUPP;

	addr = dma_map_page(dev, page, 0, PAGE_SIZE, dir);
	if (dma_mapping_error(dev, addr))
		return -ENOMEM;
	pages->dma_addr[0] = drm_pagemap_addr_encode(addr, DRM_INTERCONNECT_SYSTEM, 0, dir);

	return 0;
}

/* svmgpu_svm_commit() asks: is the page there? Notifier lock held. */
static bool exclusive_ready(struct svmgpu_svm_commit *commit)
{
	struct drm_gpusvm_pages *pages = &commit->range->base.pages;
	struct exclusive *x = to_exclusive(commit);

	if (drm_gpusvm_range_pages_valid(&commit->vm->svm.gpusvm, &commit->range->base))
		return true;

	x->err = -EAGAIN;
	if (pages->flags.unmapped || mmu_interval_read_retry(x->hmm.notifier, x->hmm.notifier_seq))
		return false;

	pages->state = (struct dma_iova_state){};
	pages->state_offset = 0;
	x->err = exclusive_map(x, hmm_pfn_to_page(x->pfn));
	if (x->err)
		return false;

	/* published in the section that checked the sequence (S3) */
	pages->notifier_seq = x->hmm.notifier_seq;
	pages->flags.has_dma_mapping = true;

	return true;
}

/*
 * mmap lock held for write. Only folio users can be in their write phase, and
 * they need no mmap lock to end it: the one place where waiting for them inside
 * the lock is safe.
 */
static int exclusive_look(struct exclusive *x, unsigned long flags)
{
	x->hmm.default_flags = flags;
	x->hmm.notifier_seq = mmu_interval_read_begin(x->hmm.notifier);
	svmgpu_trace_seq_begun(x->commit.vm, x->commit.range, x->fault_id, x->hmm.notifier_seq);

	return hmm_range_fault(&x->hmm);
}

/*
 * Tier 3: with the folio locked nobody is left who could invalidate the page.
 * It must still be the one that is mapped; snapshot only, a fault would wait
 * for the lock that we hold. VM resv held, as evictions of other memory hold
 * theirs when they lock folios.
 */
static int exclusive_lock_folio(struct svmgpu_svm_commit *commit)
{
	struct exclusive *x = to_exclusive(commit);
	unsigned long pfn = x->pfn;
	struct folio *folio = NULL;

	svmgpu_notifier_lock_read(&commit->vm->svm.gpusvm);
	if (!mmu_interval_read_retry(x->hmm.notifier, x->hmm.notifier_seq)) {
		folio = page_folio(hmm_pfn_to_page(pfn));
		if (!folio_try_get(folio))
			folio = NULL;
	}
	svmgpu_notifier_unlock_read(&commit->vm->svm.gpusvm);
	if (!folio)
		return -EAGAIN;

	folio_lock(folio);
	x->folio = folio;
	if (exclusive_look(x, 0) || (x->pfn & ~HMM_PFN_FLAGS) != (pfn & ~HMM_PFN_FLAGS) ||
	    !(x->pfn & HMM_PFN_VALID) || (!x->ctx->read_only && !(x->pfn & HMM_PFN_WRITE)))
		return -EAGAIN;

	return 0;
}

static void exclusive_unlock_folio(struct exclusive *x)
{
	if (!x->folio)
		return;

	folio_unlock(x->folio);
	folio_put(x->folio);
	x->folio = NULL;
}

/* mmap lock and VMA held for write. -EBUSY: page-table jobs are in the way. */
static int exclusive_commit(struct exclusive *x, struct svmgpu_svm_try *try)
{
	const unsigned long want = HMM_PFN_REQ_FAULT | (x->ctx->read_only ? 0 : HMM_PFN_REQ_WRITE);
	struct svmgpu_vm *vm = x->commit.vm;
	unsigned int collisions;
	int err = -EAGAIN;

	for (collisions = 0; collisions < 4 * EXCLUSIVE_COLLISIONS; collisions++) {
		/* L6: no reservation lock is held here */
		err = exclusive_look(x, want);
		if (err == -EBUSY)
			continue;
		if (err)
			return err;

		if (collisions >= EXCLUSIVE_COLLISIONS) {
			if (try->tier < 3)
				trace_svmgpu_fault_escalated(try->fault_id, try->addr,
							     vm->trace_id,
							     x->commit.range->trace_id, vm_gpu(vm),
							     SVMGPU_TRACE_RETRY_SEQUENCE, 3,
							     try->attempts);
			try->tier = 3;
			x->commit.prepare = exclusive_lock_folio;
		}
		x->err = 0;
		err = svmgpu_svm_commit(&x->commit, try);
		exclusive_unlock_folio(x);
		if (err != -EAGAIN)
			return err;
		/* refused for another reason than a collision: look again from the start */
		if (x->err && x->err != -EAGAIN)
			return x->err;
	}

	return err == -EBUSY ? -EAGAIN : err;
}

/* May this VMA be served exclusively, and does it permit the access? */
static int exclusive_check_vma(struct vm_area_struct *vma, bool read_only)
{
	if (!vma)
		return -EFAULT;
	if (!vma_is_anonymous(vma) || is_vm_hugetlb_page(vma) || userfaultfd_armed(vma))
		return -EOPNOTSUPP;
	if (!(vma->vm_flags & (read_only ? VM_READ : VM_WRITE)))
		return -EPERM;

	return 0;
}

/* One try with the CPU held off. -EBUSY as above. */
static int exclusive_section(struct exclusive *x, struct svmgpu_svm_try *try)
{
	const unsigned long start = x->hmm.start;
	struct svmgpu_vm *vm = x->commit.vm;
	struct mm_struct *mm = vm->svm.gpusvm.mm;
	struct drm_pagemap *target = vm->svm.pagemap;
	struct vm_area_struct *vma;
	int err;

	svmgpu_mmap_write_lock(mm);
	vma = vma_lookup(mm, start);
	err = exclusive_check_vma(vma, x->ctx->read_only);
	if (err)
		goto out;
	/* waits for CPU faults in flight, so before any folio or reservation lock */
	vma_start_write(vma);

	if (x->ctx->devmem_only) {
		struct svmgpu_trace_populate populate;

		/* populate_mm wants the mmap lock held, for write is fine */
		svmgpu_trace_populate_begin(&populate, vm, x->commit.range, try, target);
		err = target->ops->populate_mm(target, start, x->hmm.end, mm,
					       x->ctx->timeslice_ms);
		svmgpu_trace_populate_end(&populate, err);
		/* busy: pinned, or in VRAM already; the look below tells */
		if (err && err != -EBUSY)
			goto out;
	}
	err = exclusive_commit(x, try);
out:
	svmgpu_mmap_write_unlock(mm);

	return err;
}

/**
 * svmgpu_svm_commit_exclusive() - serve a fault with the CPU held off
 * @vm: the VM, lock held for write, no other lock
 * @range: range of one page
 * @try: progress of the fault
 * @ctx: as for drm_gpusvm_get_pages()
 *
 * Context: may sleep. Holds the mmap lock of the process for write meanwhile;
 * waits inside it for nothing but CPU faults in flight and notifiers of folio
 * users, never for a job or another fault.
 *
 * Source: seeds hmm-collision-retry; drm_gpusvm keeps to the read side.
 *
 * Return: 0, -EAGAIN, -EOPNOTSUPP (not anonymous memory), -EPERM, -EFAULT,
 * -ENOMEM.
 */
int svmgpu_svm_commit_exclusive(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
				struct svmgpu_svm_try *try, const struct drm_gpusvm_ctx *ctx)
{
	struct drm_gpusvm_pages *pages = &range->base.pages;
	const unsigned long start = drm_gpusvm_range_start(&range->base);
	const unsigned long end = drm_gpusvm_range_end(&range->base);
	struct exclusive x = {
		.commit = {
			.vm = vm,
			.range = range,
			.writable = !ctx->read_only,
			.no_wait = true,
			.ready = exclusive_ready,
			.first = start,
			.last = end - 1,
		},
		.ctx = ctx,
		.fault_id = try->fault_id,
		.hmm.notifier = &range->base.notifier->notifier,
		.hmm.start = start,
		.hmm.end = end,
		.hmm.hmm_pfns = &x.pfn,
		.hmm.dev_private_owner = ctx->device_private_page_owner,
	};
	int err;

	if (end - start != PAGE_SIZE)
		return -EOPNOTSUPP;

	if (!pages->dma_addr)
		pages->dma_addr = kvzalloc_obj(*pages->dma_addr);
	if (!pages->dma_addr)
		return -ENOMEM;

	do {
		/* a job may wait for user space: never under its mmap lock */
		err = svmgpu_bind_wait(vm, x.commit.first, x.commit.last);
		if (err)
			return err;
		if (!mmget_not_zero(vm->svm.gpusvm.mm))
			return -EFAULT;
		err = exclusive_section(&x, try);
		mmput(vm->svm.gpusvm.mm);
		/* the VM lock keeps new ones away: each round waits for more of them */
	} while (err == -EBUSY);

	return err;
}

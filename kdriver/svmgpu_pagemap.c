// SPDX-License-Identifier: GPL-2.0
/*
 * VRAM as device-private memory: the pagemap, migration to and from it, eviction.
 */
#include <linux/delay.h>
#include <linux/error-injection.h>
#include <linux/file.h>
#include <linux/memremap.h>
#include <linux/sched/mm.h>

#include <drm/drm_drv.h>
#include <drm/drm_pagemap.h>
#include <drm/drm_pagemap_util.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_migrate.h"
#include "svmgpu_move.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"

/**
 * DOC: Pagemaps
 *
 * A pagemap gives struct pages to a GPU's VRAM. It is made when the first
 * fault-mode VM needs it and cached afterwards. All pagemaps and VMs whose GPUs
 * are on one fabric share an *owner*: HMM lets a VM map pages of its owner in
 * place and sends others back to system memory first.
 *
 * The addresses that this driver hands to drm_pagemap (device_map) are physical
 * addresses of svmgpu_pte.h as the mapping GPU sees them: own VRAM, a peer's
 * VRAM, or, for system memory, the plain DMA address. They are never zero for
 * device memory, which drm_pagemap takes for "nothing there".
 */

/* list entries of one copy: a whole range of small folios */
#define PAGEMAP_COPY_ENTRIES	512
/* attempts to empty VRAM at unplug, with a pause between them */
#define PAGEMAP_EVICT_ROUNDS	200
#define PAGEMAP_EVICT_PAUSE_MS	10

static DRM_PAGEMAP_OWNER_LIST_DEFINE(pagemap_owners);

/** struct svmgpu_pagemap - the pagemap of one GPU's VRAM */
struct svmgpu_pagemap {
	/** @pagemap: struct pages */
	struct dev_pagemap pagemap;
	/** @dpagemap: migration */
	struct drm_pagemap dpagemap;
	/** @peer: owner group */
	struct drm_pagemap_peer peer;
	/** @refs: of @dpagemap, and of devm, which unmaps the pages when the device is unbound */
	struct kref refs;
	/** @destroy_work: for releases in atomic context */
	struct work_struct destroy_work;
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @base: physical address of the first page; 0 until the pages exist */
	resource_size_t base;
};

static struct svmgpu_pagemap *to_pagemap(struct drm_pagemap *dpagemap)
{
	return container_of(dpagemap, struct svmgpu_pagemap, dpagemap);
}

static struct svmgpu_pagemap *page_to_pagemap(struct page *page)
{
	return container_of(page_pgmap(page), struct svmgpu_pagemap, pagemap);
}

static u64 page_to_vram(struct page *page)
{
	return PFN_PHYS(page_to_pfn(page)) - page_to_pagemap(page)->base;
}

/**
 * svmgpu_pagemap_device() - the GPU behind a pagemap
 * @dpagemap: one of this driver's
 *
 * Return: the GPU.
 */
struct svmgpu_device *svmgpu_pagemap_device(struct drm_pagemap *dpagemap)
{
	return to_pagemap(dpagemap)->dev;
}

/* --- owner groups ----------------------------------------------------------- */

/* A VM's peer has no private pointer, a pagemap's points to itself. */
static struct svmgpu_device *peer_device(struct drm_pagemap_peer *peer)
{
	if (peer->private)
		return container_of(peer, struct svmgpu_pagemap, peer)->dev;

	return container_of(peer, struct svmgpu_vm, svm.peer)->dev;
}

static bool devices_linked(const struct svmgpu_device *a, const struct svmgpu_device *b)
{
	return a == b || (a->caps.fabric_id == b->caps.fabric_id &&
			  a->caps.fabric_peers & BIT(b->caps.gpu_index) &&
			  b->caps.fabric_peers & BIT(a->caps.gpu_index));
}

static bool pagemap_has_interconnect(struct drm_pagemap_peer *a, struct drm_pagemap_peer *b)
{
	return devices_linked(peer_device(a), peer_device(b));
}

/**
 * svmgpu_pagemap_acquire_owner() - join the owner group of the VM's GPU
 * @vm: a fault-mode VM; drm_pagemap_release_owner() on its svm.peer undoes it
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_pagemap_acquire_owner(struct svmgpu_vm *vm)
{
	vm->svm.peer.private = NULL;

	return drm_pagemap_acquire_owner(&vm->svm.peer, &pagemap_owners,
					 pagemap_has_interconnect);
}
ALLOW_ERROR_INJECTION(svmgpu_pagemap_acquire_owner, ERRNO);

/* --- copies ----------------------------------------------------------------- */

/** struct pagemap_copy - pages on their way */
struct pagemap_copy {
	/** @dev: the GPU whose engine copies; known from the first page */
	struct svmgpu_device *dev;
	/** @list: being filled, or NULL */
	struct svmgpu_migrate_list *list;
	/** @fence: of the newest list submitted; they retire in order */
	struct dma_fence *fence;
	/** @bytes: copied so far */
	u64 bytes;
};

static void pagemap_copy_submit(struct pagemap_copy *copy)
{
	if (!copy->list)
		return;

	dma_fence_put(copy->fence);
	copy->fence = svmgpu_migrate_submit(copy->dev, copy->list, 0);
	copy->list = NULL;
}

static int pagemap_copy_add(struct pagemap_copy *copy, u64 src, u64 dst, u64 bytes)
{
	if (copy->list && !svmgpu_migrate_add_copy(copy->list, src, dst, bytes))
		goto added;

	pagemap_copy_submit(copy);
	/* A CPU fault must not fail for want of memory: there is a reserve. */
	copy->list = svmgpu_migrate_list_alloc(copy->dev, SVMGPU_MIG_COPY, PAGEMAP_COPY_ENTRIES,
					       GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!copy->list)
		copy->list = svmgpu_migrate_list_alloc(copy->dev, SVMGPU_MIG_COPY,
						       PAGEMAP_COPY_ENTRIES, GFP_NOWAIT);
	if (!copy->list)
		return -ENOMEM;
	if (svmgpu_migrate_add_copy(copy->list, src, dst, bytes))
		return -ENOMEM;
added:
	copy->bytes += bytes;

	return 0;
}

static int pagemap_copy_wait(struct pagemap_copy *copy)
{
	int err;

	pagemap_copy_submit(copy);
	if (!copy->fence)
		return 0;

	dma_fence_wait(copy->fence, false);
	err = dma_fence_get_status(copy->fence);
	dma_fence_put(copy->fence);

	return err < 0 ? err : 0;
}

/* Of the pages at one end of a copy, in its order; 0 when that cannot be had. */
static u64 pagemap_checksum(struct page **pages, struct drm_pagemap_addr *addrs,
			    unsigned long npages, bool of_vram)
{
	unsigned long i;
	u64 sum = 0;

	for (i = 0; i < npages; i += 1UL << addrs[i].order) {
		u64 paddr;

		if (!pages[i] || !addrs[i].addr)
			continue;

		paddr = of_vram ? SVMGPU_PADDR_VRAM(page_to_vram(pages[i])) : addrs[i].addr;
		if (!svmgpu_checksum_add(page_to_pagemap(pages[i])->dev, &sum, paddr,
					 PAGE_SIZE << addrs[i].order))
			return 0;
	}

	return sum;
}

/*
 * Copies between device pages and the addresses given for them. Both arrays may
 * be sparse; an address of order n stands for the following pages too. Pages
 * without a source keep their zeroes: VRAM is cleared when it is allocated.
 * Folio locks and maybe the object's resv are held; waits for the engine only.
 * @sum: checksums, where they are wanted and both ends can be read; else zeroes.
 */
static int pagemap_copy(struct page **pages, struct drm_pagemap_addr *addrs,
			unsigned long npages, bool to_vram, struct dma_fence *before,
			struct svmgpu_checksum *sum)
{
	struct pagemap_copy copy = {};
	ktime_t start = ktime_get();
	unsigned long i;
	int err = 0, ret;

	/* another GPU's engine may do the copy: it does not see the clear's ring */
	if (before)
		dma_fence_wait(before, false);

	*sum = (struct svmgpu_checksum) { };
	if (svmgpu_checksum_wanted())
		sum->before = pagemap_checksum(pages, addrs, npages, !to_vram);

	for (i = 0; i < npages && !err; i += 1UL << addrs[i].order) {
		u64 vram;

		if (!pages[i] || !addrs[i].addr)
			continue;

		if (!copy.dev)
			copy.dev = page_to_pagemap(pages[i])->dev;
		vram = SVMGPU_PADDR_VRAM(page_to_vram(pages[i]));
		err = to_vram ? pagemap_copy_add(&copy, addrs[i].addr, vram,
						 PAGE_SIZE << addrs[i].order) :
				pagemap_copy_add(&copy, vram, addrs[i].addr,
						 PAGE_SIZE << addrs[i].order);
	}
	ret = pagemap_copy_wait(&copy);
	if (sum->before && !err && !ret)
		sum->after = pagemap_checksum(pages, addrs, npages, to_vram);
	if (!sum->after)
		sum->before = 0;

	if (copy.dev) {
		enum svmgpu_stat kb = SVMGPU_STAT_SVM_CPU_COPY_KB, us = SVMGPU_STAT_SVM_CPU_COPY_US;

		if (to_vram) {
			kb = SVMGPU_STAT_SVM_DEVICE_COPY_KB;
			us = SVMGPU_STAT_SVM_DEVICE_COPY_US;
		}
		svmgpu_stat_add(copy.dev, kb, copy.bytes / SZ_1K);
		svmgpu_stat_add_us(copy.dev, us, start);
	}

	return err ?: ret;
}

static int pagemap_copy_to_devmem(struct page **pages, struct drm_pagemap_addr *addrs,
				  unsigned long npages, struct dma_fence *before)
{
	struct svmgpu_checksum sum;
	int err;

	err = pagemap_copy(pages, addrs, npages, true, before, &sum);
	if (sum.before)
		svmgpu_move_copied(&sum);

	return err;
}

/* The place that a mapped address is in, for the log. */
static u16 addr_place(struct svmgpu_device *viewer, u64 addr)
{
	switch (SVMGPU_PADDR_APERTURE(addr)) {
	case SVMGPU_APERTURE_VRAM:
		return SVMGPU_TRACE_PLACE_VRAM(viewer->caps.gpu_index);
	case SVMGPU_APERTURE_PEER:
		return SVMGPU_TRACE_PLACE_VRAM(SVMGPU_PADDR_PEER(addr));
	default:
		return SVMGPU_TRACE_PLACE_SYSTEM;
	}
}

/* Also runs for CPU faults, evictions and migrations to a peer; the log gets each of them here. */
static int pagemap_copy_to_ram(struct page **pages, struct drm_pagemap_addr *addrs,
			       unsigned long npages, struct dma_fence *before)
{
	struct svmgpu_device *dev = NULL;
	struct svmgpu_checksum sum;
	u64 bytes = 0;
	unsigned long i;
	u32 move;
	u16 cause, planned, to = SVMGPU_TRACE_PLACE_SYSTEM;
	int err;

	for (i = 0; i < npages; i += 1UL << addrs[i].order) {
		if (!pages[i] || !addrs[i].addr)
			continue;
		if (!dev) {
			dev = page_to_pagemap(pages[i])->dev;
			to = addr_place(dev, addrs[i].addr);
		}
		bytes += PAGE_SIZE << addrs[i].order;
	}
	/* what moves to a peer is part of that GPU's migration, which is logged there */
	if (!dev || to != SVMGPU_TRACE_PLACE_SYSTEM)
		return pagemap_copy(pages, addrs, npages, false, before, &sum);

	svmgpu_move_current(&cause, &planned);
	move = svmgpu_trace_move_begin(NULL, NULL, dev, cause, 0, bytes,
				       SVMGPU_TRACE_PLACE_VRAM(dev->caps.gpu_index), to);
	err = pagemap_copy(pages, addrs, npages, false, before, &sum);
	svmgpu_trace_move_end(move, err, err ? 0 : bytes, &sum);

	return err;
}

/* --- VRAM of one migration ---------------------------------------------------- */

static struct svmgpu_bo *devmem_to_bo(struct drm_pagemap_devmem *devmem)
{
	return container_of(devmem, struct svmgpu_bo, devmem);
}

/* Last device page is gone. Any context. */
static void pagemap_devmem_release(struct drm_pagemap_devmem *devmem)
{
	dma_fence_put(devmem->pre_migrate_fence);
	svmgpu_bo_put_async(devmem_to_bo(devmem));
}

static int pagemap_populate_pfn(struct drm_pagemap_devmem *devmem, unsigned long npages,
				unsigned long *pfn)
{
	struct svmgpu_bo *bo = devmem_to_bo(devmem);
	struct svmgpu_pagemap *pagemap = to_pagemap(devmem->dpagemap);
	struct svmgpu_bo_cursor cursor;
	unsigned long i = 0;

	svmgpu_bo_cursor_init(&cursor, pagemap->dev, bo, 0, npages << PAGE_SHIFT);
	while (cursor.bytes) {
		unsigned long first = PHYS_PFN(pagemap->base + SVMGPU_PADDR_OFFSET(cursor.paddr));
		unsigned long n = cursor.bytes >> PAGE_SHIFT, j;

		for (j = 0; j < n; j++)
			pfn[i++] = first + j;
		svmgpu_bo_cursor_next(&cursor, cursor.bytes);
	}

	return i == npages ? 0 : -EINVAL;
}

static const struct drm_pagemap_devmem_ops pagemap_devmem_ops = {
	.devmem_release = pagemap_devmem_release,
	.populate_devmem_pfn = pagemap_populate_pfn,
	.copy_to_devmem = pagemap_copy_to_devmem,
	.copy_to_ram = pagemap_copy_to_ram,
};

/* The object's clear or move must be done before pages are copied into it. */
static struct dma_fence *pagemap_before(struct svmgpu_bo *bo)
{
	struct dma_fence *fence = NULL;

	if (dma_resv_get_singleton(bo->ttm.base.resv, DMA_RESV_USAGE_KERNEL, &fence))
		dma_resv_wait_timeout(bo->ttm.base.resv, DMA_RESV_USAGE_KERNEL, false,
				      MAX_SCHEDULE_TIMEOUT);
	if (fence)
		dma_fence_enable_sw_signaling(fence);

	return fence;
}

/*
 * Moves [start, end) of @mm into this VRAM. The mmap lock is held, at least for
 * read; dma_resv inside it is the order that core primes. All or nothing.
 */
static int pagemap_populate_mm(struct drm_pagemap *dpagemap, unsigned long start,
			       unsigned long end, struct mm_struct *mm, unsigned long timeslice_ms)
{
	struct svmgpu_device *dev = to_pagemap(dpagemap)->dev;
	struct drm_pagemap_migrate_details details = { .timeslice_ms = timeslice_ms };
	struct svmgpu_validation v;
	struct svmgpu_move move;
	struct svmgpu_bo *bo;
	int err, idx;

	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	if (svmgpu_device_wedged(dev)) {
		err = -ENODEV;
		goto out_exit;
	}

	bo = svmgpu_bo_create(dev, NULL, NULL, NULL, end - start,
			      SVMGPU_BO_VRAM | SVMGPU_BO_SVM | SVMGPU_BO_KERNEL, 0);
	if (IS_ERR(bo)) {
		err = PTR_ERR(bo);
		goto out_exit;
	}

	svmgpu_validation_init(&v, dev, 0);
	svmgpu_validation_begin(&v);
	drm_exec_until_all_locked(&v.exec) {
		err = svmgpu_validation_lock(&v, &bo->ttm.base, 1);
		drm_exec_retry_on_contention(&v.exec);
		break;
	}
	if (err)
		goto out_end;
	svmgpu_validation_traced(&v);

	/* it was unlocked for a moment: eviction may have been quicker */
	err = svmgpu_bo_validate(bo, NULL, false);
	if (err)
		goto out_end;

	drm_pagemap_devmem_init(&bo->devmem, dev->drm.dev, mm, &pagemap_devmem_ops, dpagemap,
				end - start, pagemap_before(bo));
	/* consumed, also on error, through devmem_release */
	svmgpu_bo_get(bo);
	svmgpu_move_begin(&move, current->flags & PF_KTHREAD ? SVMGPU_TRACE_CAUSE_FAULT :
							       SVMGPU_TRACE_CAUSE_PREFETCH,
			  SVMGPU_TRACE_PLACE_VRAM(dev->caps.gpu_index));
	err = drm_pagemap_migrate_to_devmem(&bo->devmem, mm, start, end, &details);
	svmgpu_move_end(&move);
out_end:
	svmgpu_validation_end(&v);
	svmgpu_bo_put(bo);
out_exit:
	drm_dev_exit(idx);

	return err;
}
ALLOW_ERROR_INJECTION(pagemap_populate_mm, ERRNO);

/**
 * svmgpu_pagemap_evict_bo() - move an SVM object's pages back to system memory
 * @bo: an SVM object, resv held
 *
 * Context: may sleep; takes folio locks, no mmap lock.
 *
 * Return: 0, or -ENOSPC: not now. A process that is exiting frees its pages
 * itself; neither case may abort the allocation that looks for room.
 */
int svmgpu_pagemap_evict_bo(struct svmgpu_bo *bo)
{
	struct svmgpu_move move;
	int err;

	/* not yet handed to drm_pagemap: its maker holds no pages of it */
	if (!bo->devmem.ops)
		return 0;

	svmgpu_move_begin(&move, SVMGPU_TRACE_CAUSE_EVICTION, SVMGPU_TRACE_PLACE_SYSTEM);
	err = drm_pagemap_evict_to_ram(&bo->devmem);
	svmgpu_move_end(&move);

	return err == -EBUSY || err == -EFAULT ? -ENOSPC : err;
}
ALLOW_ERROR_INJECTION(svmgpu_pagemap_evict_bo, ERRNO);

/* --- mapping device pages for a GPU ------------------------------------------ */

static struct drm_pagemap_addr pagemap_device_map(struct drm_pagemap *dpagemap,
						  struct device *device, struct page *page,
						  unsigned int order, enum dma_data_direction dir)
{
	struct svmgpu_device *dev = to_pagemap(dpagemap)->dev;
	u64 vram = page_to_vram(page);

	if (dev->drm.dev == device)
		return drm_pagemap_addr_encode(SVMGPU_PADDR_VRAM(vram), SVMGPU_INTERCONNECT_VRAM,
					       order, dir);

	/* the owner group says that @device has a link to this GPU */
	return drm_pagemap_addr_encode(SVMGPU_PADDR_OF_PEER(dev->caps.gpu_index, vram),
				       SVMGPU_INTERCONNECT_PEER, order, dir);
}

/* Fabric addresses need no unmapping. */
static void pagemap_device_unmap(struct drm_pagemap *dpagemap, struct device *device,
				 const struct drm_pagemap_addr *addr)
{
}

/* --- life of a pagemap --------------------------------------------------------- */

static void pagemap_free(struct kref *kref)
{
	struct svmgpu_pagemap *pagemap = container_of(kref, struct svmgpu_pagemap, refs);

	/* the pages are gone: nobody compares their owner any more */
	if (pagemap->base)
		drm_pagemap_release_owner(&pagemap->peer);
	kfree(pagemap);
}

static void pagemap_unref(void *pagemap)
{
	kref_put(&((struct svmgpu_pagemap *)pagemap)->refs, pagemap_free);
}

static void pagemap_destroy_work(struct work_struct *work)
{
	struct svmgpu_pagemap *pagemap = container_of(work, struct svmgpu_pagemap, destroy_work);
	struct drm_device *drm = pagemap->dpagemap.drm;
	int idx;

	/* after unplug, devm has released, or will release, what it manages */
	if (pagemap->base && drm_dev_enter(drm, &idx)) {
		devm_memunmap_pages(drm->dev, &pagemap->pagemap);
		devm_release_mem_region(drm->dev, pagemap->pagemap.range.start,
					range_len(&pagemap->pagemap.range));
		devm_release_action(drm->dev, pagemap_unref, pagemap);
		drm_dev_exit(idx);
	}
	pagemap_unref(pagemap);
}

static void pagemap_destroy(struct drm_pagemap *dpagemap, bool is_atomic_or_reclaim)
{
	struct svmgpu_pagemap *pagemap = to_pagemap(dpagemap);

	if (is_atomic_or_reclaim)
		queue_work(pagemap->dev->ordered_wq, &pagemap->destroy_work);
	else
		pagemap_destroy_work(&pagemap->destroy_work);
}

static const struct drm_pagemap_ops pagemap_ops = {
	.device_map = pagemap_device_map,
	.device_unmap = pagemap_device_unmap,
	.populate_mm = pagemap_populate_mm,
	.destroy = pagemap_destroy,
};

static struct drm_pagemap *pagemap_create(struct svmgpu_device *dev)
{
	struct device *device = dev->drm.dev;
	struct svmgpu_pagemap *pagemap;
	struct resource *res;
	void *addr;
	int err;

	pagemap = kzalloc_obj(*pagemap);
	if (!pagemap)
		return ERR_PTR(-ENOMEM);

	pagemap->dev = dev;
	pagemap->peer.private = pagemap;
	kref_init(&pagemap->refs);
	INIT_WORK(&pagemap->destroy_work, pagemap_destroy_work);

	err = drm_pagemap_init(&pagemap->dpagemap, &pagemap->pagemap, &dev->drm, &pagemap_ops);
	if (err)
		goto err_free;

	/* first, so that it is released last */
	kref_get(&pagemap->refs);
	err = devm_add_action_or_reset(device, pagemap_unref, pagemap);
	if (err)
		goto err_init;

	res = devm_request_free_mem_region(device, &iomem_resource, dev->caps.vram_bytes);
	if (IS_ERR(res)) {
		err = PTR_ERR(res);
		goto err_action;
	}

	/* the owner is fixed from memremap on */
	err = drm_pagemap_acquire_owner(&pagemap->peer, &pagemap_owners,
					pagemap_has_interconnect);
	if (err)
		goto err_region;

	pagemap->pagemap.type = MEMORY_DEVICE_PRIVATE;
	pagemap->pagemap.range.start = res->start;
	pagemap->pagemap.range.end = res->end;
	pagemap->pagemap.nr_range = 1;
	pagemap->pagemap.owner = pagemap->peer.owner;
	pagemap->pagemap.ops = drm_pagemap_pagemap_ops_get();

	addr = devm_memremap_pages(device, &pagemap->pagemap);
	if (IS_ERR(addr)) {
		err = PTR_ERR(addr);
		goto err_owner;
	}
	pagemap->base = res->start;

	return &pagemap->dpagemap;

err_owner:
	drm_pagemap_release_owner(&pagemap->peer);
err_region:
	devm_release_mem_region(device, res->start, resource_size(res));
err_action:
	devm_release_action(device, pagemap_unref, pagemap);
err_init:
	/* frees it through pagemap_destroy() */
	drm_pagemap_put(&pagemap->dpagemap);
	return ERR_PTR(err);
err_free:
	kfree(pagemap);

	return ERR_PTR(err);
}

/**
 * svmgpu_pagemap_get() - the pagemap of a GPU's VRAM
 * @dev: the GPU
 *
 * Context: may sleep.
 *
 * Return: the pagemap with a reference, or an error pointer.
 */
struct drm_pagemap *svmgpu_pagemap_get(struct svmgpu_device *dev)
{
	struct drm_pagemap *dpagemap;
	int err;

	err = svmgpu_pagemap_lock(dev->pagemap_cache);
	if (err)
		return ERR_PTR(err);

	dpagemap = drm_pagemap_get_from_cache(dev->pagemap_cache);
	if (!dpagemap) {
		dpagemap = pagemap_create(dev);
		if (!IS_ERR(dpagemap))
			drm_pagemap_cache_set_pagemap(dev->pagemap_cache, dpagemap);
	}
	svmgpu_pagemap_unlock(dev->pagemap_cache);

	return dpagemap;
}
ALLOW_ERROR_INJECTION(svmgpu_pagemap_get, ERRNO);

/**
 * svmgpu_pagemap_from_fd() - the pagemap that a preferred location names
 * @vm: who wants to use it
 * @fd: an open file of one of this driver's GPUs
 * @region_instance: its memory region; VRAM is 1
 *
 * Context: may sleep.
 *
 * Return: the pagemap with a reference; -ENOENT: not one of our files or
 * regions, -ENODEV: unplugged, -ENOLINK: not reachable over the fabric.
 */
struct drm_pagemap *svmgpu_pagemap_from_fd(struct svmgpu_vm *vm, int fd, u32 region_instance)
{
	struct drm_pagemap *dpagemap = ERR_PTR(-ENOENT);
	struct svmgpu_file *ours;
	struct file *file;
	int idx;

	file = fget(fd);
	if (!file)
		return dpagemap;

	ours = svmgpu_file_from(file);
	if (!ours || region_instance != 1)
		goto out;

	if (!drm_dev_enter(&ours->dev->drm, &idx)) {
		dpagemap = ERR_PTR(-ENODEV);
		goto out;
	}
	dpagemap = svmgpu_pagemap_get(ours->dev);
	drm_dev_exit(idx);

	if (!IS_ERR(dpagemap) && dpagemap->pagemap->owner != vm->svm.peer.owner) {
		drm_pagemap_put(dpagemap);
		dpagemap = ERR_PTR(-ENOLINK);
	}
out:
	fput(file);

	return dpagemap;
}

/**
 * svmgpu_pagemap_init() - what must exist before the first pagemap
 * @dev: the GPU
 *
 * Context: probe. devm undoes it in reverse order: cache, then shrinker.
 *
 * Return: 0 or a negative errno.
 */
int svmgpu_pagemap_init(struct svmgpu_device *dev)
{
	dev->pagemap_shrinker = drm_pagemap_shrinker_create_devm(&dev->drm);
	if (IS_ERR(dev->pagemap_shrinker))
		return PTR_ERR(dev->pagemap_shrinker);

	dev->pagemap_cache = drm_pagemap_cache_create_devm(dev->pagemap_shrinker);

	return PTR_ERR_OR_ZERO(dev->pagemap_cache);
}

/**
 * svmgpu_pagemap_evict_all() - empty VRAM of process memory before it goes away
 * @dev: the GPU; unplugged, its copy engine still works
 *
 * memunmap_pages() waits without bound for device pages, so none may be left.
 * Objects can resist for a while (an exiting process, a locked folio): each
 * round skips them, and a pause lets them go.
 *
 * Context: may sleep.
 */
void svmgpu_pagemap_evict_all(struct svmgpu_device *dev)
{
	unsigned int round;

	for (round = 0; round < PAGEMAP_EVICT_ROUNDS; round++) {
		ttm_resource_manager_evict_all(&dev->ttm, &dev->vram.manager);
		flush_workqueue(dev->ordered_wq);
		if (!svmgpu_vram_used(&dev->vram))
			return;
		msleep(PAGEMAP_EVICT_PAUSE_MS);
	}
}

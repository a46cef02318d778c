// SPDX-License-Identifier: GPL-2.0
/*
 * What TTM asks of the driver: pages, places, moves. See svmgpu_ttm.h.
 *
 * A move waits for the object to be idle, because the copy engine knows no
 * dependencies, and is itself asynchronous: its fence goes into the object's
 * resv as a KERNEL fence, and TTM keeps the old place until it has signalled.
 */

#include <linux/dma-buf.h>
#include <linux/error-injection.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_tt.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_migrate.h"
#include "svmgpu_race.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_trace.h"
#include "svmgpu_ttm.h"
#include "svmgpu_vm.h"
#include "svmgpu_vram.h"

/* how long an SVM object is left alone that could not be evicted */
#define SVMGPU_EVICT_RETRY_MS	50

static const struct ttm_place svmgpu_system_place = { .mem_type = TTM_PL_SYSTEM };
static const struct ttm_placement svmgpu_system_placement = {
	.num_placement = 1,
	.placement = &svmgpu_system_place,
};

static const struct ttm_place svmgpu_tt_place = { .mem_type = TTM_PL_TT };
static const struct ttm_placement svmgpu_tt_placement = {
	.num_placement = 1,
	.placement = &svmgpu_tt_place,
};

/**
 * svmgpu_ttm_is_bo() - is it an object of ours?
 * @ttm: the object
 *
 * TTM also hands us the ghosts that hold the old place of a move under way.
 *
 * Return: true unless it is a ghost.
 */
bool svmgpu_ttm_is_bo(const struct ttm_buffer_object *ttm)
{
	return ttm->destroy == svmgpu_bo_destroy;
}

/**
 * svmgpu_resource_visible() - can the CPU reach all of it?
 * @res: a place
 *
 * Return: true for system memory, and for VRAM behind BAR 2.
 */
bool svmgpu_resource_visible(const struct ttm_resource *res)
{
	const struct svmgpu_vram_resource *vres;

	if (res->mem_type != TTM_PL_VRAM)
		return true;
	vres = container_of(res, struct svmgpu_vram_resource, base);
	return vres->visible_bytes == res->size;
}

/* --- system memory --------------------------------------------------------- */

static int svmgpu_system_alloc(struct ttm_resource_manager *manager, struct ttm_buffer_object *bo,
			       const struct ttm_place *place, struct ttm_resource **res)
{
	*res = kzalloc_obj(**res);
	if (!*res)
		return -ENOMEM;
	ttm_resource_init(bo, place, *res);
	(*res)->start = ~0UL;
	/* on the way to VRAM the limit does not count, so that eviction always gets on */
	if (!(place->flags & TTM_PL_FLAG_TEMPORARY) &&
	    ttm_resource_manager_usage(manager) > manager->size) {
		ttm_resource_fini(manager, *res);
		kfree(*res);
		return -ENOSPC;
	}
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_system_alloc, ERRNO);

static void svmgpu_system_free(struct ttm_resource_manager *manager, struct ttm_resource *res)
{
	ttm_resource_fini(manager, res);
	kfree(res);
}

static const struct ttm_resource_manager_func svmgpu_system_func = {
	.alloc = svmgpu_system_alloc,
	.free = svmgpu_system_free,
};

/** struct svmgpu_tt - the pages of an object in system memory */
struct svmgpu_tt {
	/** @base: pages and DMA addresses */
	struct ttm_tt base;
	/**
	 * @large: bit n: the object's n-th 2 MiB are contiguous for DMA and aligned, so
	 * that who walks the object need not look at each page. Valid while populated.
	 */
	unsigned long large[];
};

static struct svmgpu_tt *to_svmgpu_tt(struct ttm_tt *tt)
{
	return container_of(tt, struct svmgpu_tt, base);
}

static bool svmgpu_tt_fits_large(const dma_addr_t *pages)
{
	unsigned int i;

	if (!IS_ALIGNED(pages[0], SZ_2M))
		return false;
	for (i = 1; i < SVMGPU_TT_LARGE_PAGES; i++)
		if (pages[i] != pages[0] + i * PAGE_SIZE)
			return false;
	return true;
}

static unsigned long svmgpu_tt_num_large(const struct ttm_tt *tt)
{
	return tt->num_pages / SVMGPU_TT_LARGE_PAGES;
}

static void svmgpu_tt_find_large(struct svmgpu_tt *tt)
{
	const dma_addr_t *pages = tt->base.dma_address;
	unsigned long n;

	for (n = 0; n < svmgpu_tt_num_large(&tt->base); n++, pages += SVMGPU_TT_LARGE_PAGES)
		__assign_bit(n, tt->large, svmgpu_tt_fits_large(pages));
}

/**
 * svmgpu_tt_is_large() - does a large piece begin here
 * @tt: populated, with DMA addresses
 * @page: number of a page of the object
 *
 * Context: any.
 *
 * Return: true when @page is the first of 2 MiB with contiguous, aligned DMA addresses.
 */
bool svmgpu_tt_is_large(struct ttm_tt *tt, u64 page)
{
	const unsigned long n = page / SVMGPU_TT_LARGE_PAGES;

	return IS_ALIGNED(page, SVMGPU_TT_LARGE_PAGES) && n < svmgpu_tt_num_large(tt) &&
	       test_bit(n, to_svmgpu_tt(tt)->large);
}

/**
 * svmgpu_tt_large() - how far system memory goes on in large pieces
 * @tt: populated, with DMA addresses
 * @page: number of a page of the object
 *
 * Context: any.
 *
 * Return: number of pages from @page on that are in such pieces; 0 when @page is
 * not the first of one.
 */
u64 svmgpu_tt_large(struct ttm_tt *tt, u64 page)
{
	const unsigned long first = page / SVMGPU_TT_LARGE_PAGES;
	const unsigned long num = svmgpu_tt_num_large(tt);

	if (!IS_ALIGNED(page, SVMGPU_TT_LARGE_PAGES) || first >= num)
		return 0;
	return (find_next_zero_bit(to_svmgpu_tt(tt)->large, num, first) - first) *
	       SVMGPU_TT_LARGE_PAGES;
}

static struct ttm_tt *svmgpu_tt_create(struct ttm_buffer_object *ttm, u32 page_flags)
{
	unsigned long pages = PFN_UP(ttm->base.size);
	struct svmgpu_tt *tt = kzalloc_flex(*tt, large,
					    BITS_TO_LONGS(pages / SVMGPU_TT_LARGE_PAGES));

	if (!tt)
		return NULL;
	/* nobody sees what was in the pages before; TTM sees to it for user objects */
	if (ttm->type == ttm_bo_type_kernel &&
	    (!ttm->resource || ttm->resource->mem_type != TTM_PL_VRAM))
		page_flags |= TTM_TT_FLAG_ZERO_ALLOC;
	/* the GPU is coherent with CPU caches */
	if (ttm_sg_tt_init(&tt->base, ttm, page_flags, ttm_cached)) {
		kfree(tt);
		return NULL;
	}
	return &tt->base;
}

/* Pages and DMA addresses. Imported objects have the exporter's (svmgpu_prime.c). */
static int svmgpu_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt,
			      struct ttm_operation_ctx *ctx)
{
	int err;

	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return 0;
	err = ttm_pool_alloc(&bdev->pool, tt, ctx);
	if (!err)
		svmgpu_tt_find_large(to_svmgpu_tt(tt));
	return err;
}
ALLOW_ERROR_INJECTION(svmgpu_tt_populate, ERRNO);

static void svmgpu_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt)
{
	if (!(tt->page_flags & TTM_TT_FLAG_EXTERNAL))
		ttm_pool_free(&bdev->pool, tt);
}

static void svmgpu_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_fini(tt);
	kfree(to_svmgpu_tt(tt));
}

/* --- moves ----------------------------------------------------------------- */

static u16 svmgpu_trace_place(struct svmgpu_device *dev, const struct ttm_resource *res)
{
	if (!res || res->mem_type == TTM_PL_SYSTEM)
		return SVMGPU_TRACE_PLACE_NONE;
	if (res->mem_type == TTM_PL_VRAM)
		return SVMGPU_TRACE_PLACE_VRAM(dev->caps.gpu_index);
	return SVMGPU_TRACE_PLACE_SYSTEM;
}

static u32 svmgpu_ttm_vm_id(const struct svmgpu_bo *bo)
{
	return bo->vm ? bo->vm->trace_id : 0;
}

/* For the event log: does anything still use the object? */
static u32 svmgpu_ttm_busy(struct svmgpu_bo *bo)
{
	return !dma_resv_test_signaled(bo->ttm.base.resv, DMA_RESV_USAGE_BOOKKEEP);
}

/*
 * Everybody who uses the object's current place is told to stop, and has
 * stopped when this returns 0.
 */
static int svmgpu_ttm_quiesce(struct svmgpu_bo *bo, struct ttm_operation_ctx *ctx)
{
	struct ttm_buffer_object *ttm = &bo->ttm;
	long left;
	int err;

	if (ttm->pin_count)
		return -EINVAL;
	if (ctx->no_wait_gpu && !dma_resv_test_signaled(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP))
		return -EBUSY;
	err = svmgpu_vm_bo_evicted(bo, ctx->interruptible);
	if (err)
		return err;
	if (ttm->base.dma_buf && !drm_gem_is_imported(&ttm->base))
		dma_buf_invalidate_mappings(ttm->base.dma_buf);
	/* L11: the copy follows every fence of the object */
	left = dma_resv_wait_timeout(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP, ctx->interruptible,
				     MAX_SCHEDULE_TIMEOUT);
	if (left < 0)
		return left;
	if (bo->eviction)
		trace_svmgpu_eviction_fenced(bo->eviction, bo->trace_id, ttm->base.size,
					     svmgpu_ttm_vm_id(bo), svmgpu_ttm_busy(bo),
					     ttm_to_svmgpu(ttm->bdev)->caps.gpu_index,
					     SVMGPU_TRACE_PLACE_NONE, SVMGPU_TRACE_PLACE_NONE, 0);
	return 0;
}

/* DONTNEED and in the way: the backing goes, what is bound to it becomes a hole. */
static int svmgpu_ttm_purge(struct svmgpu_bo *bo, struct ttm_operation_ctx *ctx)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	struct ttm_placement nowhere = {};
	u64 bytes = bo->ttm.base.size;
	int err;

	err = svmgpu_ttm_quiesce(bo, ctx);
	if (err)
		return err;
	err = ttm_bo_validate(&bo->ttm, &nowhere, ctx);
	if (err)
		return err;
	bo->purge = SVMGPU_PURGED;
	svmgpu_stat_inc(dev, SVMGPU_STAT_BO_PURGE);
	trace_svmgpu_bo_purged(bo->trace_id, svmgpu_ttm_vm_id(bo), bytes, dev->caps.gpu_index,
			       SVMGPU_TRACE_PLACE_NONE, bo->flags);
	return 0;
}

/* The pages of a process go back to it; the object keeps nothing. */
static int svmgpu_ttm_evict_svm(struct svmgpu_bo *bo, struct ttm_resource *new_mem)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	int err;

	err = svmgpu_pagemap_evict_bo(bo);
	if (!err) {
		ttm_bo_move_null(&bo->ttm, new_mem);
		return 0;
	}
	/*
	 * The page is held by somebody, or its process is exiting: not the fault
	 * of who needs the room, who shall look at the next object.
	 */
	bo->evict_retry = jiffies + msecs_to_jiffies(SVMGPU_EVICT_RETRY_MS);
	spin_lock(&dev->ttm.lru_lock);
	ttm_bo_move_to_lru_tail(&bo->ttm);
	spin_unlock(&dev->ttm.lru_lock);
	return err == -EBUSY || err == -EFAULT ? -ENOSPC : err;
}

/* No data anywhere yet: VRAM is cleared. */
static int svmgpu_ttm_clear(struct svmgpu_bo *bo, struct ttm_resource *new_mem)
{
	struct dma_fence *fence;

	fence = svmgpu_migrate_bo_clear(&bo->ttm, new_mem);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	dma_resv_add_fence(bo->ttm.base.resv, fence, DMA_RESV_USAGE_KERNEL);
	dma_fence_put(fence);
	ttm_bo_move_null(&bo->ttm, new_mem);
	return 0;
}

static int svmgpu_ttm_copy(struct svmgpu_bo *bo, bool evict, struct ttm_resource *new_mem)
{
	struct ttm_buffer_object *ttm = &bo->ttm;
	struct dma_fence *fence;
	int err;

	fence = svmgpu_migrate_bo_copy(ttm, ttm->resource, new_mem);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	err = ttm_bo_move_accel_cleanup(ttm, fence, evict, true, new_mem);
	if (err) {
		/* no memory for a ghost: the old place is free when the copy is done */
		dma_fence_wait(fence, false);
		ttm_bo_move_sync_cleanup(ttm, new_mem);
	}
	dma_fence_put(fence);
	return 0;
}

static void svmgpu_ttm_count(struct svmgpu_device *dev, u32 from, u32 to, u64 bytes)
{
	if (from == TTM_PL_VRAM && to != TTM_PL_VRAM) {
		svmgpu_stat_inc(dev, SVMGPU_STAT_BO_EVICT);
		svmgpu_stat_add(dev, SVMGPU_STAT_BO_EVICT_KB, bytes >> 10);
	} else if (from == TTM_PL_TT && to == TTM_PL_VRAM) {
		svmgpu_stat_inc(dev, SVMGPU_STAT_BO_RESTORE);
		svmgpu_stat_add(dev, SVMGPU_STAT_BO_RESTORE_KB, bytes >> 10);
	}
}

static int svmgpu_ttm_do_move(struct svmgpu_bo *bo, bool evict, struct ttm_operation_ctx *ctx,
			      struct ttm_resource *new_mem, struct ttm_place *hop)
{
	struct ttm_buffer_object *ttm = &bo->ttm;
	u32 from = ttm->resource ? ttm->resource->mem_type : TTM_PL_SYSTEM;
	u32 to = new_mem->mem_type;
	struct ttm_tt *tt = ttm->ttm;
	bool has_data = tt && (ttm_tt_is_populated(tt) || ttm_tt_is_swapped(tt));
	int err;

	if (ttm->type == ttm_bo_type_sg) {
		if (ttm->resource && to == TTM_PL_SYSTEM) {
			err = svmgpu_ttm_quiesce(bo, ctx);
			if (err)
				return err;
		}
		return svmgpu_prime_move(bo, new_mem);
	}
	/* nothing to keep, and pages come zeroed */
	if (!ttm->resource || (from != TTM_PL_VRAM && !has_data)) {
		if (to == TTM_PL_VRAM)
			return svmgpu_ttm_clear(bo, new_mem);
		ttm_bo_move_null(ttm, new_mem);
		return 0;
	}
	if (from == TTM_PL_VRAM && to == TTM_PL_SYSTEM && bo->flags & SVMGPU_BO_SVM)
		return svmgpu_ttm_evict_svm(bo, new_mem);
	/* the pages stay; where nobody could use them nobody has to be told */
	if (from == to || (from == TTM_PL_SYSTEM && to == TTM_PL_TT)) {
		if (from != TTM_PL_VRAM) {
			ttm_bo_move_null(ttm, new_mem);
			return 0;
		}
	}
	/* between VRAM and pages without addresses: by way of pages with addresses */
	if ((from == TTM_PL_SYSTEM && to == TTM_PL_VRAM) ||
	    (from == TTM_PL_VRAM && to == TTM_PL_SYSTEM)) {
		*hop = (struct ttm_place) {
			.mem_type = TTM_PL_TT,
			.flags = TTM_PL_FLAG_TEMPORARY,
		};
		return -EMULTIHOP;
	}
	err = svmgpu_ttm_quiesce(bo, ctx);
	if (err)
		return err;
	if (to == TTM_PL_SYSTEM) {
		ttm_bo_move_null(ttm, new_mem);
		return 0;
	}
	svmgpu_ttm_count(ttm_to_svmgpu(ttm->bdev), from, to, ttm->base.size);
	if (evict)
		svmgpu_race_point(ttm_to_svmgpu(bo->ttm.bdev), SVMGPU_RACE_BEFORE_EVICT_COPY,
				  svmgpu_ttm_vm_id(bo));
	return svmgpu_ttm_copy(bo, evict, new_mem);
}

static int svmgpu_ttm_move(struct ttm_buffer_object *ttm, bool evict,
			   struct ttm_operation_ctx *ctx, struct ttm_resource *new_mem,
			   struct ttm_place *hop)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(ttm->bdev);
	struct svmgpu_bo *bo = ttm_to_bo(ttm);
	/* SVM memory has no name of its own in the log */
	u32 name = bo->flags & SVMGPU_BO_SVM ? 0 : bo->trace_id;
	u16 from = svmgpu_trace_place(dev, ttm->resource);
	u16 to = svmgpu_trace_place(dev, new_mem);
	u16 gpu = dev->caps.gpu_index;
	u32 vm = svmgpu_ttm_vm_id(bo);
	u64 bytes = ttm->base.size;
	int err;

	/* TTM locked it to evict it, unless it shares the resv that the caller holds */
	if (evict && ctx->resv != ttm->base.resv)
		svmgpu_bo_lock_taken(bo);
	bo->eviction = 0;
	if (evict && from != SVMGPU_TRACE_PLACE_NONE) {
		bo->eviction = svmgpu_trace_new_id();
		trace_svmgpu_eviction_started(bo->eviction, name, bytes, vm, svmgpu_ttm_busy(bo),
					      gpu, from, to, 0);
	}
	if (evict && bo->purge == SVMGPU_DONTNEED) {
		err = svmgpu_ttm_purge(bo, ctx);
		/* done, without the place that was meant for it */
		if (!err)
			ttm_resource_free(ttm, &new_mem);
	} else {
		err = svmgpu_ttm_do_move(bo, evict, ctx, new_mem, hop);
		if (err != -EMULTIHOP && from != to)
			trace_svmgpu_bo_moved(bo->trace_id, vm, bytes, gpu, from, to,
					      evict ? SVMGPU_TRACE_CAUSE_EVICTION :
						      SVMGPU_TRACE_CAUSE_UNKNOWN, err);
	}
	if (bo->eviction)
		trace_svmgpu_eviction_ended(bo->eviction, name, bytes, vm, 0, gpu, from, to, err);
	bo->eviction = 0;
	if (evict && ctx->resv != ttm->base.resv)
		svmgpu_bo_lock_dropped(bo);
	return err;
}

static void svmgpu_ttm_evict_flags(struct ttm_buffer_object *ttm,
				   struct ttm_placement *placement)
{
	bool unplugged = drm_dev_is_unplugged(&ttm_to_svmgpu(ttm->bdev)->drm);

	if (!svmgpu_ttm_is_bo(ttm)) {
		/* a ghost: drops its pages when its copy is done */
		placement->num_placement = 0;
		return;
	}
	if (ttm_to_bo(ttm)->flags & SVMGPU_BO_SVM) {
		*placement = svmgpu_system_placement;
	} else if (unplugged && (!ttm->base.dma_buf || ttm->type == ttm_bo_type_sg)) {
		/* nobody can get at the contents any more */
		placement->num_placement = 0;
	} else if (ttm->resource->mem_type == TTM_PL_VRAM) {
		*placement = svmgpu_tt_placement;
	} else {
		*placement = svmgpu_system_placement;
	}
}

static bool svmgpu_ttm_eviction_valuable(struct ttm_buffer_object *ttm,
					 const struct ttm_place *place)
{
	struct drm_gpuvm_bo *vm_bo;
	struct svmgpu_bo *bo;

	if (!ttm_bo_eviction_valuable(ttm, place))
		return false;
	if (!svmgpu_ttm_is_bo(ttm))
		return true;
	bo = ttm_to_bo(ttm);
	if (bo->flags & SVMGPU_BO_SVM && bo->evict_retry &&
	    time_before(jiffies, bo->evict_retry))
		return false;
	/* what is being validated now must not push itself out */
	drm_gem_for_each_gpuvm_bo(vm_bo, &ttm->base) {
		if (READ_ONCE(gpuvm_to_vm(vm_bo->vm)->validating) == current)
			return false;
	}
	return true;
}

static void svmgpu_ttm_swap_notify(struct ttm_buffer_object *ttm)
{
	struct ttm_operation_ctx ctx = {};

	if (svmgpu_ttm_is_bo(ttm) && ttm_to_bo(ttm)->purge == SVMGPU_DONTNEED)
		svmgpu_ttm_purge(ttm_to_bo(ttm), &ctx);
}

static void svmgpu_ttm_delete_mem_notify(struct ttm_buffer_object *ttm)
{
	/* idle and about to go */
	if (svmgpu_ttm_is_bo(ttm) && ttm->type == ttm_bo_type_sg)
		svmgpu_prime_unmap(ttm_to_bo(ttm));
}

/* --- CPU access ------------------------------------------------------------ */

static int svmgpu_ttm_io_mem_reserve(struct ttm_device *bdev, struct ttm_resource *res)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bdev);

	if (res->mem_type != TTM_PL_VRAM)
		return 0;
	if (!svmgpu_resource_visible(res))
		return -EINVAL;
	res->bus.is_iomem = true;
	res->bus.caching = ttm_write_combined;
	res->bus.offset = dev->vram_io_base;
	if (res->placement & TTM_PL_FLAG_CONTIGUOUS && res->start != ~0UL) {
		res->bus.offset += (u64)res->start << PAGE_SHIFT;
		res->bus.addr = (u8 __force *)dev->vram_io + ((u64)res->start << PAGE_SHIFT);
	}
	return 0;
}

static unsigned long svmgpu_ttm_io_mem_pfn(struct ttm_buffer_object *ttm,
					   unsigned long page_offset)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(ttm->bdev);
	struct svmgpu_bo_cursor cursor;

	svmgpu_bo_cursor_init(&cursor, dev, ttm_to_bo(ttm), (u64)page_offset << PAGE_SHIFT,
			      PAGE_SIZE);
	return (dev->vram_io_base + SVMGPU_PADDR_OFFSET(cursor.paddr)) >> PAGE_SHIFT;
}

/* ptrace() and the like. Parts that the CPU cannot see are refused. */
static int svmgpu_ttm_access_memory(struct ttm_buffer_object *ttm, unsigned long offset, void *buf,
				    int len, int write)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(ttm->bdev);
	struct svmgpu_bo_cursor cursor;
	int idx;

	if (!svmgpu_resource_visible(ttm->resource))
		return -EIO;
	if (!drm_dev_enter(&dev->drm, &idx))
		return -EIO;
	/* data may still be on its way */
	dma_resv_wait_timeout(ttm->base.resv, DMA_RESV_USAGE_KERNEL, false, MAX_SCHEDULE_TIMEOUT);
	svmgpu_down_read(&dev->bar_lock);
	svmgpu_bo_cursor_init(&cursor, dev, ttm_to_bo(ttm), offset, len);
	while (cursor.bytes) {
		void __iomem *io = dev->vram_io + SVMGPU_PADDR_OFFSET(cursor.paddr);
		u64 bytes = cursor.bytes;

		if (write)
			memcpy_toio(io, buf, bytes);
		else
			memcpy_fromio(buf, io, bytes);
		buf += bytes;
		svmgpu_bo_cursor_next(&cursor, bytes);
	}
	svmgpu_up_read(&dev->bar_lock);
	drm_dev_exit(idx);
	return len;
}

static const struct ttm_device_funcs svmgpu_ttm_funcs = {
	.ttm_tt_create = svmgpu_tt_create,
	.ttm_tt_populate = svmgpu_tt_populate,
	.ttm_tt_unpopulate = svmgpu_tt_unpopulate,
	.ttm_tt_destroy = svmgpu_tt_destroy,
	.eviction_valuable = svmgpu_ttm_eviction_valuable,
	.evict_flags = svmgpu_ttm_evict_flags,
	.move = svmgpu_ttm_move,
	.delete_mem_notify = svmgpu_ttm_delete_mem_notify,
	.swap_notify = svmgpu_ttm_swap_notify,
	.io_mem_reserve = svmgpu_ttm_io_mem_reserve,
	.io_mem_pfn = svmgpu_ttm_io_mem_pfn,
	.access_memory = svmgpu_ttm_access_memory,
};

/**
 * svmgpu_ttm_init() - the TTM device and the manager of system memory
 * @dev: the GPU
 *
 * Return: 0 or an error.
 */
int svmgpu_ttm_init(struct svmgpu_device *dev)
{
	struct ttm_resource_manager *system = &dev->system;
	struct sysinfo si;
	int err;

	err = ttm_device_init(&dev->ttm, &svmgpu_ttm_funcs, dev->drm.dev,
			      dev->drm.anon_inode->i_mapping, dev->drm.vma_offset_manager,
			      TTM_ALLOCATION_PROPAGATE_ENOSPC |
			      TTM_ALLOCATION_POOL_BENEFICIAL_ORDER(get_order(SZ_2M)));
	if (err)
		return err;
	si_meminfo(&si);
	system->use_tt = true;
	system->func = &svmgpu_system_func;
	ttm_resource_manager_init(system, &dev->ttm, (u64)si.totalram * si.mem_unit);
	ttm_set_driver_manager(&dev->ttm, TTM_PL_TT, system);
	ttm_resource_manager_set_used(system, true);
	return 0;
}

/**
 * svmgpu_ttm_fini() - undo svmgpu_ttm_init()
 * @dev: the GPU; all objects are gone, or on their way
 */
void svmgpu_ttm_fini(struct svmgpu_device *dev)
{
	struct ttm_resource_manager *system = &dev->system;

	ttm_resource_manager_set_used(system, false);
	if (!ttm_resource_manager_evict_all(&dev->ttm, system)) {
		ttm_resource_manager_cleanup(system);
		ttm_set_driver_manager(&dev->ttm, TTM_PL_TT, NULL);
	}
	ttm_device_fini(&dev->ttm);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Buffer objects: life, placement, and the walk over their addresses.
 */

#include <linux/dma-buf.h>
#include <linux/error-injection.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <drm/drm_gpuvm.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_tt.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_pte.h"
#include "svmgpu_trace.h"
#include "svmgpu_ttm.h"
#include "svmgpu_vm.h"
#include "svmgpu_vram.h"

/* --- placement ------------------------------------------------------------- */

static struct ttm_place svmgpu_bo_vram_place(struct svmgpu_device *dev, u32 flags)
{
	struct ttm_place place = { .mem_type = TTM_PL_VRAM };

	if (flags & SVMGPU_BO_CONTIGUOUS)
		place.flags |= TTM_PL_FLAG_CONTIGUOUS;
	if (dev->vram.visible_bytes < dev->vram.bytes) {
		if (flags & SVMGPU_BO_VISIBLE)
			place.lpfn = dev->vram.visible_bytes >> PAGE_SHIFT;
		else
			place.flags |= TTM_PL_FLAG_TOPDOWN;
	}
	return place;
}

/* Could @place ever hold @size bytes? */
static bool svmgpu_bo_fits(struct svmgpu_device *dev, const struct ttm_place *place, u64 size)
{
	if (place->mem_type != TTM_PL_VRAM)
		return size <= dev->system.size;
	return size <= (place->lpfn ? dev->vram.visible_bytes : dev->vram.bytes);
}

/* Fills in bo->placement; -EINVAL without an allowed place, -ENOSPC when none is large enough. */
static int svmgpu_bo_place(struct svmgpu_device *dev, struct svmgpu_bo *bo, u64 size)
{
	struct ttm_place place;
	bool any = false;
	u32 n = 0;

	if (bo->flags & SVMGPU_BO_VRAM) {
		any = true;
		place = svmgpu_bo_vram_place(dev, bo->flags);
		if (svmgpu_bo_fits(dev, &place, size))
			bo->placements[n++] = place;
	}
	if (bo->flags & SVMGPU_BO_SYSTEM) {
		any = true;
		place = (struct ttm_place) {
			.mem_type = TTM_PL_TT,
			.flags = n ? TTM_PL_FLAG_FALLBACK : 0,
		};
		if (svmgpu_bo_fits(dev, &place, size))
			bo->placements[n++] = place;
	}
	bo->placement = (struct ttm_placement) {
		.num_placement = n,
		.placement = bo->placements,
	};
	if (n)
		return 0;
	return any ? -ENOSPC : -EINVAL;
}

/* --- life ------------------------------------------------------------------ */

static u16 svmgpu_bo_trace_place(struct svmgpu_bo *bo)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);

	if (!bo->ttm.resource || bo->ttm.resource->mem_type == TTM_PL_SYSTEM)
		return SVMGPU_TRACE_PLACE_NONE;
	if (bo->ttm.resource->mem_type == TTM_PL_VRAM)
		return SVMGPU_TRACE_PLACE_VRAM(dev->caps.gpu_index);
	return SVMGPU_TRACE_PLACE_SYSTEM;
}

/**
 * svmgpu_bo_destroy() - the last reference of any kind is gone
 * @ttm: the object, idle and without backing
 *
 * Called by TTM, maybe from its worker. May sleep.
 */
void svmgpu_bo_destroy(struct ttm_buffer_object *ttm)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(ttm->bdev);
	struct svmgpu_bo *bo = ttm_to_bo(ttm);

	trace_svmgpu_bo_destroyed(bo->trace_id, bo->vm ? bo->vm->trace_id : 0, ttm->base.size,
				  dev->caps.gpu_index, SVMGPU_TRACE_PLACE_NONE, bo->flags);
	if (drm_gem_is_imported(&ttm->base))
		drm_prime_gem_destroy(&ttm->base, NULL);
	if (bo->dma_buf)
		dma_buf_put(bo->dma_buf);
	drm_gem_object_release(&ttm->base);
	if (bo->vm)
		svmgpu_vm_put(bo->vm);
	kfree(bo);
}

static int svmgpu_bo_errno(int err)
{
	/* larger than the place, or signal: what user space is told */
	if (err == -E2BIG)
		return -ENOSPC;
	return err == -ERESTARTSYS ? -EINTR : err;
}

/**
 * svmgpu_bo_create_type() - make an object of any TTM type
 * @dev: the GPU
 * @vm: VM that a local object belongs to, or NULL
 * @resv: reservation object to share (held), or NULL for its own
 * @size: bytes, a multiple of PAGE_SIZE
 * @flags: SVMGPU_BO_*
 * @cpu_caching: DRM_XE_GEM_CPU_CACHING_*
 * @dma_buf: what an imported object (ttm_bo_type_sg) comes from; a reference is taken
 *
 * Contents read zero. May sleep and evict. An object with its own resv is
 * returned unlocked.
 *
 * Return: the object, or an ERR_PTR().
 */
struct svmgpu_bo *svmgpu_bo_create_type(struct svmgpu_device *dev, struct svmgpu_vm *vm,
					struct dma_resv *resv, size_t size, u32 flags,
					u16 cpu_caching, struct dma_buf *dma_buf)
{
	static const struct ttm_place nowhere = { .mem_type = TTM_PL_SYSTEM };
	struct ttm_placement deferred = { .num_placement = 1, .placement = &nowhere };
	struct ttm_operation_ctx ctx = {
		.interruptible = true,
		.gfp_retry_mayfail = true,
		.allow_res_evict = resv && !(flags & SVMGPU_BO_SVM),
		.resv = resv,
	};
	enum ttm_bo_type type = ttm_bo_type_device;
	struct ttm_placement *placement;
	struct svmgpu_bo *bo;
	int err;

	if (drm_WARN_ON(&dev->drm, !size || !PAGE_ALIGNED(size)))
		return ERR_PTR(-EINVAL);
	bo = kzalloc_obj(*bo);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->flags = flags;
	bo->cpu_caching = cpu_caching;
	bo->trace_id = svmgpu_trace_new_id();
	err = svmgpu_bo_place(dev, bo, size);
	/* a deferred object may be larger than memory; its first use will not be */
	if (err && !(err == -ENOSPC && flags & SVMGPU_BO_DEFER)) {
		kfree(bo);
		return ERR_PTR(err);
	}
	placement = &bo->placement;
	if (flags & SVMGPU_BO_DEFER)
		placement = &deferred;
	if (flags & (SVMGPU_BO_KERNEL | SVMGPU_BO_SVM))
		type = ttm_bo_type_kernel;
	if (dma_buf) {
		type = ttm_bo_type_sg;
		/* the exporter's resv lives as long as this */
		get_dma_buf(dma_buf);
		bo->dma_buf = dma_buf;
	}
	if (vm)
		bo->vm = svmgpu_vm_get(vm);

	drm_gem_private_object_init(&dev->drm, &bo->ttm.base, size);
	bo->ttm.base.funcs = &svmgpu_gem_funcs;
	/* on failure calls svmgpu_bo_destroy() */
	err = ttm_bo_init_reserved(&dev->ttm, &bo->ttm, type, placement, 1, &ctx, NULL, resv,
				   svmgpu_bo_destroy);
	if (err)
		return ERR_PTR(svmgpu_bo_errno(err));
	trace_svmgpu_bo_created(bo->trace_id, vm ? vm->trace_id : 0, size, dev->caps.gpu_index,
				svmgpu_bo_trace_place(bo), flags);
	ttm_bo_move_to_lru_tail_unlocked(&bo->ttm);
	if (!resv)
		dma_resv_unlock(bo->ttm.base.resv);
	return bo;
}

/**
 * svmgpu_bo_create() - make an object
 * @dev: the GPU
 * @vm: VM that a local object belongs to, or NULL
 * @resv: reservation object to share (held), or NULL for its own
 * @exec: section in which @resv was locked; eviction uses its ticket
 * @size: bytes, a multiple of PAGE_SIZE
 * @flags: SVMGPU_BO_*
 * @cpu_caching: DRM_XE_GEM_CPU_CACHING_*
 *
 * Contents read zero; a KERNEL fence in the resv may still have to signal for
 * that. May sleep and evict.
 *
 * Return: the object, or an ERR_PTR() (-ENOSPC, -ENOMEM, -EINTR, -EINVAL).
 */
struct svmgpu_bo *svmgpu_bo_create(struct svmgpu_device *dev, struct svmgpu_vm *vm,
				   struct dma_resv *resv, struct drm_exec *exec, size_t size,
				   u32 flags, u16 cpu_caching)
{
	return svmgpu_bo_create_type(dev, vm, resv, size, flags, cpu_caching, NULL);
}
ALLOW_ERROR_INJECTION(svmgpu_bo_create, ERRNO);

/**
 * svmgpu_bo_put_async() - drop a reference where one must not sleep
 * @bo: the object
 *
 * Any context. A second call for the same object before the worker ran drops
 * only one reference, so that only the owner of the object calls it.
 */
void svmgpu_bo_put_async(struct svmgpu_bo *bo)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);

	if (llist_add(&bo->free_link, &dev->free_list))
		queue_work(dev->unbound_wq, &dev->free_work);
}

/* --- lock ------------------------------------------------------------------ */

static enum svmgpu_lock_class svmgpu_bo_lock_class(const struct svmgpu_bo *bo)
{
	return svmgpu_bo_is_local(bo) ? SVMGPU_LOCK_VM_RESV : SVMGPU_LOCK_BO_RESV;
}

static u32 svmgpu_bo_lock_vm(const struct svmgpu_bo *bo)
{
	return bo->vm ? bo->vm->trace_id : 0;
}

static u32 svmgpu_bo_lock_bo(const struct svmgpu_bo *bo)
{
	return bo->vm ? 0 : bo->trace_id;
}

/**
 * svmgpu_bo_lock_taken() - event: TTM holds the object's resv now, to evict it
 * @bo: the object, resv held
 *
 * TTM tries, or waits with a ticket: the place in the order does not matter.
 */
void svmgpu_bo_lock_taken(struct svmgpu_bo *bo)
{
	svmgpu_resv_trace(bo->ttm.base.resv, svmgpu_bo_lock_class(bo), svmgpu_bo_lock_vm(bo),
			  svmgpu_bo_lock_bo(bo), SVMGPU_RESV_TRIED, _RET_IP_);
}

/**
 * svmgpu_bo_lock_dropped() - event: TTM is about to let the object's resv go
 * @bo: the object, resv held
 */
void svmgpu_bo_lock_dropped(struct svmgpu_bo *bo)
{
	svmgpu_resv_trace(bo->ttm.base.resv, svmgpu_bo_lock_class(bo), svmgpu_bo_lock_vm(bo),
			  svmgpu_bo_lock_bo(bo), SVMGPU_RESV_RELEASED, _RET_IP_);
}

/**
 * svmgpu_bo_lock() - lock the object's resv by itself
 * @bo: the object
 * @interruptible: signals end the wait
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_bo_lock(struct svmgpu_bo *bo, bool interruptible)
{
	struct dma_resv *resv = bo->ttm.base.resv;
	const u32 vm = svmgpu_bo_lock_vm(bo), id = svmgpu_bo_lock_bo(bo);

	if (interruptible)
		return svmgpu_resv_lock_interruptible(resv, svmgpu_bo_lock_class(bo), vm, id);
	svmgpu_resv_lock(resv, svmgpu_bo_lock_class(bo), vm, id);
	return 0;
}

/**
 * svmgpu_bo_trylock() - lock the object's resv if nobody has it
 * @bo: the object
 *
 * Return: true if it is held now.
 */
bool svmgpu_bo_trylock(struct svmgpu_bo *bo)
{
	return svmgpu_resv_trylock(bo->ttm.base.resv, svmgpu_bo_lock_class(bo),
				   svmgpu_bo_lock_vm(bo), svmgpu_bo_lock_bo(bo));
}

/**
 * svmgpu_bo_unlock() - let the object's resv go
 * @bo: the object
 */
void svmgpu_bo_unlock(struct svmgpu_bo *bo)
{
	svmgpu_resv_unlock(bo->ttm.base.resv, svmgpu_bo_lock_class(bo));
}

/**
 * svmgpu_bo_update_purge() - may the contents be dropped now?
 * @bo: the object, resv held; its gpu_vmas or what they said changed
 *
 * Only when every gpu_vma says so, and nobody else shares the object. Without
 * gpu_vmas the last word counts. Purged is for good.
 */
void svmgpu_bo_update_purge(struct svmgpu_bo *bo)
{
	bool shared = bo->ttm.base.dma_buf || bo->ttm.type == ttm_bo_type_sg;

	dma_resv_assert_held(bo->ttm.base.resv);
	if (bo->purge == SVMGPU_PURGED || !bo->total_vmas)
		return;
	if (bo->dontneed_vmas == bo->total_vmas && !shared)
		bo->purge = SVMGPU_DONTNEED;
	else
		bo->purge = SVMGPU_WILLNEED;
}

/* --- residency ------------------------------------------------------------- */

static int svmgpu_bo_do_validate(struct svmgpu_bo *bo, struct svmgpu_vm *vm,
				 struct ttm_placement *placement, bool interruptible)
{
	struct ttm_operation_ctx ctx = {
		.interruptible = interruptible,
		.gfp_retry_mayfail = true,
	};

	if (vm) {
		dma_resv_assert_held(svmgpu_vm_resv(vm));
		ctx.resv = svmgpu_vm_resv(vm);
		/*
		 * Who validates says whether objects of the VM may be pushed out for
		 * it: not in exec and rebind, which need all of them; in a bind it
		 * depends on the VM; a fault may always, what was pushed out faults
		 * back in. svmgpu_ttm_eviction_valuable() looks at the same.
		 */
		ctx.allow_res_evict = !vm->validating;
	}
	return svmgpu_bo_errno(ttm_bo_validate(&bo->ttm, placement, &ctx));
}

/**
 * svmgpu_bo_validate() - make an object resident
 * @bo: the object, resv held
 * @vm: VM for which this happens (resv held), or NULL
 * @interruptible: signals end it
 *
 * Return: 0, -ENOSPC, -ENOMEM, -EINTR, or an error of the exporter.
 */
int svmgpu_bo_validate(struct svmgpu_bo *bo, struct svmgpu_vm *vm, bool interruptible)
{
	dma_resv_assert_held(bo->ttm.base.resv);
	if (bo->ttm.pin_count || bo->purge == SVMGPU_PURGED)
		return 0;
	/* no place could ever hold it */
	if (!bo->placement.num_placement)
		return -ENOSPC;
	return svmgpu_bo_do_validate(bo, vm, &bo->placement, interruptible);
}
ALLOW_ERROR_INJECTION(svmgpu_bo_validate, ERRNO);

/**
 * svmgpu_bo_migrate() - move to one of the two kinds of memory
 * @bo: the object, resv held
 * @vram: to VRAM, else to system memory
 *
 * Return: 0, -EINVAL when the object may not live there, -EBUSY when it is
 * pinned elsewhere, or an error of validation.
 */
int svmgpu_bo_migrate(struct svmgpu_bo *bo, bool vram)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	struct ttm_place place = { .mem_type = TTM_PL_TT };
	struct ttm_placement placement = { .num_placement = 1, .placement = &place };

	dma_resv_assert_held(bo->ttm.base.resv);
	if (!(bo->flags & (vram ? SVMGPU_BO_VRAM : SVMGPU_BO_SYSTEM)))
		return -EINVAL;
	if (bo->purge == SVMGPU_PURGED)
		return -EINVAL;
	if (vram)
		place = svmgpu_bo_vram_place(dev, bo->flags);
	if (bo->ttm.pin_count)
		return bo->ttm.resource && bo->ttm.resource->mem_type == place.mem_type ?
		       0 : -EBUSY;
	if (!svmgpu_bo_fits(dev, &place, bo->ttm.base.size))
		return -ENOSPC;
	return svmgpu_bo_do_validate(bo, NULL, &placement, true);
}
ALLOW_ERROR_INJECTION(svmgpu_bo_migrate, ERRNO);

/* --- addresses ------------------------------------------------------------- */

/* Finds the piece at cursor->offset. */
static void svmgpu_bo_cursor_find_vram(struct svmgpu_bo_cursor *cursor)
{
	struct svmgpu_device *owner = ttm_to_svmgpu(cursor->bo->ttm.bdev);
	struct gpu_buddy *buddy = &owner->vram.buddy;
	struct list_head *blocks = &to_vram_resource(cursor->resource)->blocks;
	struct gpu_buddy_block *block = cursor->block;
	u64 inside, paddr;

	if (!block)
		block = list_first_entry(blocks, struct gpu_buddy_block, link);
	while (cursor->offset - cursor->block_offset >= gpu_buddy_block_size(buddy, block)) {
		cursor->block_offset += gpu_buddy_block_size(buddy, block);
		block = list_next_entry(block, link);
	}
	inside = cursor->offset - cursor->block_offset;
	paddr = gpu_buddy_block_offset(block) + inside;
	cursor->block = block;
	cursor->bytes = min(cursor->left, gpu_buddy_block_size(buddy, block) - inside);
	if (owner == cursor->viewer)
		cursor->paddr = SVMGPU_PADDR_VRAM(paddr);
	else
		cursor->paddr = SVMGPU_PADDR_OF_PEER(owner->caps.gpu_index, paddr);
}

static void svmgpu_bo_cursor_find_pages(struct svmgpu_bo_cursor *cursor)
{
	const dma_addr_t *pages = cursor->tt->dma_address;
	u64 page = cursor->offset >> PAGE_SHIFT;
	u64 inside = offset_in_page(cursor->offset);

	cursor->paddr = SVMGPU_PADDR_SYSTEM(pages[page] + inside);
	cursor->bytes = 0;
	do {
		/* 2 MiB at a time where that is known: most large objects are such */
		u64 count = svmgpu_tt_is_large(cursor->tt, page) ? SVMGPU_TT_LARGE_PAGES : 1;

		cursor->bytes += (count << PAGE_SHIFT) - inside;
		inside = 0;
		page += count;
	} while (cursor->bytes < cursor->left && pages[page] == pages[page - 1] + PAGE_SIZE);
	cursor->bytes = min(cursor->bytes, cursor->left);
}

/* The exporter's addresses are physical addresses already, see svmgpu_prime.c. */
static void svmgpu_bo_cursor_find_imported(struct svmgpu_bo_cursor *cursor)
{
	struct scatterlist *sg = cursor->block;
	u64 inside;

	if (!sg)
		sg = cursor->bo->ttm.sg->sgl;
	while (sg && cursor->offset - cursor->block_offset >= sg_dma_len(sg)) {
		cursor->block_offset += sg_dma_len(sg);
		sg = sg_next(sg);
	}
	cursor->block = sg;
	cursor->bytes = 0;
	if (!sg)
		return;
	inside = cursor->offset - cursor->block_offset;
	cursor->paddr = sg_dma_address(sg) + inside;
	cursor->bytes = min_t(u64, sg_dma_len(sg) - inside, cursor->left);
}

static void svmgpu_bo_cursor_find(struct svmgpu_bo_cursor *cursor)
{
	cursor->bytes = 0;
	if (!cursor->left || !cursor->resource)
		return;
	if (cursor->resource->mem_type == TTM_PL_VRAM) {
		svmgpu_bo_cursor_find_vram(cursor);
	} else if (cursor->bo->ttm.type == ttm_bo_type_sg) {
		if (cursor->bo->ttm.sg)
			svmgpu_bo_cursor_find_imported(cursor);
	} else if (cursor->tt && ttm_tt_is_populated(cursor->tt)) {
		svmgpu_bo_cursor_find_pages(cursor);
	}
}

/**
 * svmgpu_bo_large() - how far an object goes on in pieces of 2 MiB
 * @bo: the object, resv held or pinned
 * @offset: first byte
 *
 * Return: number of bytes from @offset on that are in pieces of 2 MiB, each
 * contiguous and aligned; 0 when it takes a cursor to know.
 */
u64 svmgpu_bo_large(struct svmgpu_bo *bo, u64 offset)
{
	struct ttm_tt *tt = bo->ttm.ttm;

	if (!bo->ttm.resource || bo->ttm.resource->mem_type == TTM_PL_VRAM ||
	    bo->ttm.type == ttm_bo_type_sg || !tt || !ttm_tt_is_populated(tt) ||
	    !IS_ALIGNED(offset, SZ_2M))
		return 0;
	return svmgpu_tt_large(tt, offset >> PAGE_SHIFT) << PAGE_SHIFT;
}

/**
 * svmgpu_bo_cursor_init_resource() - walk a given place of an object
 * @cursor: filled in
 * @viewer: the GPU that will use the addresses
 * @bo: the object, resv held
 * @resource: the place: VRAM, or system memory with pages
 * @offset: first byte
 * @bytes: how many
 */
void svmgpu_bo_cursor_init_resource(struct svmgpu_bo_cursor *cursor, struct svmgpu_device *viewer,
				    struct svmgpu_bo *bo, struct ttm_resource *resource,
				    u64 offset, u64 bytes)
{
	*cursor = (struct svmgpu_bo_cursor) {
		.bo = bo,
		.viewer = viewer,
		.resource = resource,
		.tt = bo->ttm.ttm,
		.offset = offset,
		.left = min(bytes, bo->ttm.base.size - offset),
	};
	svmgpu_bo_cursor_find(cursor);
}

/**
 * svmgpu_bo_cursor_init() - walk an object
 * @cursor: filled in
 * @viewer: the GPU that will use the addresses
 * @bo: the object, resv held or pinned
 * @offset: first byte
 * @bytes: how many
 *
 * An object without backing (purged) has no pieces: @cursor->bytes is 0.
 */
void svmgpu_bo_cursor_init(struct svmgpu_bo_cursor *cursor, struct svmgpu_device *viewer,
			   struct svmgpu_bo *bo, u64 offset, u64 bytes)
{
	svmgpu_bo_cursor_init_resource(cursor, viewer, bo, bo->ttm.resource, offset, bytes);
}

/**
 * svmgpu_bo_cursor_next() - go on
 * @cursor: the cursor
 * @bytes: how far, at most @cursor->left: pieces may be skipped
 *
 * Does not sleep.
 */
void svmgpu_bo_cursor_next(struct svmgpu_bo_cursor *cursor, u64 bytes)
{
	cursor->offset += bytes;
	cursor->left -= bytes;
	if (bytes < cursor->bytes) {
		cursor->paddr += bytes;
		cursor->bytes -= bytes;
	} else {
		svmgpu_bo_cursor_find(cursor);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The VRAM manager: TTM resources made of gpu_buddy blocks. The CPU-visible
 * part is the lowest; objects that need no CPU access are allocated from the top
 * when there is an invisible part. Contents of new blocks are unknown: who puts
 * an object there clears it (svmgpu_ttm.c).
 */

#include <linux/error-injection.h>
#include <linux/slab.h>

#include <drm/drm_buddy.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

#include "svmgpu_device.h"
#include "svmgpu_vram.h"

static struct svmgpu_vram *to_vram(struct ttm_resource_manager *manager)
{
	return container_of(manager, struct svmgpu_vram, manager);
}

static u64 svmgpu_vram_place_end(struct svmgpu_vram *vram, const struct ttm_place *place)
{
	u64 end = (u64)place->lpfn << PAGE_SHIFT;

	return end && end < vram->bytes ? end : vram->bytes;
}

static int svmgpu_vram_alloc(struct ttm_resource_manager *manager, struct ttm_buffer_object *bo,
			     const struct ttm_place *place, struct ttm_resource **res)
{
	struct svmgpu_vram *vram = to_vram(manager);
	u64 start = (u64)place->fpfn << PAGE_SHIFT;
	u64 end = svmgpu_vram_place_end(vram, place);
	u64 align = max_t(u64, (u64)bo->page_alignment << PAGE_SHIFT, PAGE_SIZE);
	struct svmgpu_vram_resource *vres;
	struct gpu_buddy_block *block;
	unsigned long flags = 0;
	int err;

	/* no eviction could make room for it */
	if (bo->base.size > end - start)
		return -E2BIG;
	vres = kzalloc_obj(*vres);
	if (!vres)
		return -ENOMEM;
	INIT_LIST_HEAD(&vres->blocks);
	ttm_resource_init(bo, place, &vres->base);
	vres->base.start = ~0UL;

	if (place->flags & TTM_PL_FLAG_TOPDOWN)
		flags |= GPU_BUDDY_TOPDOWN_ALLOCATION;
	if (place->flags & TTM_PL_FLAG_CONTIGUOUS)
		flags |= GPU_BUDDY_CONTIGUOUS_ALLOCATION;
	if (start || end != vram->bytes)
		flags |= GPU_BUDDY_RANGE_ALLOCATION;

	svmgpu_mutex_lock(&vram->lock);
	err = -ENOSPC;
	if (vres->base.size <= vram->buddy.avail)
		err = gpu_buddy_alloc_blocks(&vram->buddy, start, end, vres->base.size, align,
					     &vres->blocks, flags);
	if (!err) {
		list_for_each_entry(block, &vres->blocks, link) {
			u64 first = gpu_buddy_block_offset(block);
			u64 last = first + gpu_buddy_block_size(&vram->buddy, block);

			if (first < vram->visible_bytes)
				vres->visible_bytes += min(last, vram->visible_bytes) - first;
		}
		vram->visible_used += vres->visible_bytes;
	}
	svmgpu_mutex_unlock(&vram->lock);
	if (err) {
		ttm_resource_fini(manager, &vres->base);
		kfree(vres);
		return err;
	}

	if (list_is_singular(&vres->blocks)) {
		block = list_first_entry(&vres->blocks, struct gpu_buddy_block, link);
		vres->base.start = gpu_buddy_block_offset(block) >> PAGE_SHIFT;
		vres->base.placement |= TTM_PL_FLAG_CONTIGUOUS;
	}
	*res = &vres->base;
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_vram_alloc, ERRNO);

static void svmgpu_vram_free(struct ttm_resource_manager *manager, struct ttm_resource *res)
{
	struct svmgpu_vram_resource *vres = to_vram_resource(res);
	struct svmgpu_vram *vram = to_vram(manager);

	svmgpu_mutex_lock(&vram->lock);
	gpu_buddy_free_list(&vram->buddy, &vres->blocks, 0);
	vram->visible_used -= vres->visible_bytes;
	svmgpu_mutex_unlock(&vram->lock);
	ttm_resource_fini(manager, res);
	kfree(vres);
}

/* Does @res take up something of @place? */
static bool svmgpu_vram_intersects(struct ttm_resource_manager *manager, struct ttm_resource *res,
				   const struct ttm_place *place, size_t size)
{
	struct svmgpu_vram *vram = to_vram(manager);
	u64 start = (u64)place->fpfn << PAGE_SHIFT;
	u64 end = svmgpu_vram_place_end(vram, place);
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &to_vram_resource(res)->blocks, link) {
		u64 first = gpu_buddy_block_offset(block);

		if (first < end && first + gpu_buddy_block_size(&vram->buddy, block) > start)
			return true;
	}
	return false;
}

/* Does @res lie in @place? */
static bool svmgpu_vram_compatible(struct ttm_resource_manager *manager, struct ttm_resource *res,
				   const struct ttm_place *place, size_t size)
{
	struct svmgpu_vram *vram = to_vram(manager);
	u64 start = (u64)place->fpfn << PAGE_SHIFT;
	u64 end = svmgpu_vram_place_end(vram, place);
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &to_vram_resource(res)->blocks, link) {
		u64 first = gpu_buddy_block_offset(block);

		if (first < start || first + gpu_buddy_block_size(&vram->buddy, block) > end)
			return false;
	}
	return true;
}

static void svmgpu_vram_debug(struct ttm_resource_manager *manager, struct drm_printer *p)
{
	struct svmgpu_vram *vram = to_vram(manager);

	svmgpu_mutex_lock(&vram->lock);
	drm_printf(p, "size: %llu KiB\n", vram->bytes >> 10);
	drm_printf(p, "visible: %llu KiB, %llu KiB used\n", vram->visible_bytes >> 10,
		   vram->visible_used >> 10);
	drm_buddy_print(&vram->buddy, p);
	svmgpu_mutex_unlock(&vram->lock);
}

static const struct ttm_resource_manager_func svmgpu_vram_func = {
	.alloc = svmgpu_vram_alloc,
	.free = svmgpu_vram_free,
	.intersects = svmgpu_vram_intersects,
	.compatible = svmgpu_vram_compatible,
	.debug = svmgpu_vram_debug,
};

/**
 * svmgpu_vram_init() - make the manager
 * @dev: the GPU, discovered
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_vram_init(struct svmgpu_device *dev)
{
	struct svmgpu_vram *vram = &dev->vram;
	struct ttm_resource_manager *manager = &vram->manager;
	int err;

	vram->bytes = ALIGN_DOWN(dev->caps.vram_bytes, PAGE_SIZE);
	vram->visible_bytes = ALIGN_DOWN(dev->caps.visible_bytes, PAGE_SIZE);
	svmgpu_mutex_init(&vram->lock, SVMGPU_LOCK_VRAM);
	svmgpu_lock_set_owner(&vram->lock, dev->caps.gpu_index, 0);
	err = gpu_buddy_init(&vram->buddy, vram->bytes, PAGE_SIZE);
	if (err)
		return err;
	gpu_buddy_driver_set_lock(&vram->buddy, &vram->lock.mutex);
	manager->func = &svmgpu_vram_func;
	manager->cg = drmm_cgroup_register_region(&dev->drm, "vram0", vram->bytes);
	if (IS_ERR(manager->cg)) {
		err = PTR_ERR(manager->cg);
		manager->cg = NULL;
		gpu_buddy_fini(&vram->buddy);
		manager->func = NULL;
		return err;
	}
	ttm_resource_manager_init(manager, &dev->ttm, vram->bytes);
	ttm_set_driver_manager(&dev->ttm, TTM_PL_VRAM, manager);
	ttm_resource_manager_set_used(manager, true);
	return 0;
}

/**
 * svmgpu_vram_fini() - release the manager
 * @dev: the GPU; its last file is closed. May never have been initialised.
 */
void svmgpu_vram_fini(struct svmgpu_device *dev)
{
	struct svmgpu_vram *vram = &dev->vram;
	struct ttm_resource_manager *manager = &vram->manager;

	if (!manager->func)
		return;
	ttm_resource_manager_set_used(manager, false);
	if (ttm_resource_manager_evict_all(&dev->ttm, manager))
		return;
	ttm_resource_manager_cleanup(manager);
	ttm_set_driver_manager(&dev->ttm, TTM_PL_VRAM, NULL);
	svmgpu_mutex_lock(&vram->lock);
	gpu_buddy_fini(&vram->buddy);
	svmgpu_mutex_unlock(&vram->lock);
}

/**
 * svmgpu_vram_visible_used() - bytes in use of the CPU-visible part
 * @vram: the manager
 *
 * May sleep.
 *
 * Return: bytes.
 */
u64 svmgpu_vram_visible_used(struct svmgpu_vram *vram)
{
	u64 used;

	svmgpu_mutex_lock(&vram->lock);
	used = vram->visible_used;
	svmgpu_mutex_unlock(&vram->lock);
	return used;
}

/**
 * svmgpu_vram_used() - bytes in use
 * @vram: the manager
 *
 * May sleep.
 *
 * Return: bytes.
 */
u64 svmgpu_vram_used(struct svmgpu_vram *vram)
{
	u64 used;

	svmgpu_mutex_lock(&vram->lock);
	used = vram->bytes - vram->buddy.avail;
	svmgpu_mutex_unlock(&vram->lock);
	return used;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VRAM manager: a TTM resource manager over gpu_buddy.
 */
#ifndef SVMGPU_VRAM_H
#define SVMGPU_VRAM_H

#include <linux/gpu_buddy.h>

#include <drm/ttm/ttm_resource.h>

#include "svmgpu_lock.h"

struct svmgpu_device;

/** struct svmgpu_vram - VRAM of one GPU */
struct svmgpu_vram {
	/** @manager: base */
	struct ttm_resource_manager manager;
	/** @buddy: free blocks, under @lock */
	struct gpu_buddy buddy;
	/** @lock: protects @buddy and @visible_used; rank 55 */
	struct svmgpu_mutex lock;
	/** @bytes: size */
	u64 bytes;
	/** @visible_bytes: CPU-visible part, at the start */
	u64 visible_bytes;
	/** @visible_used: bytes in use of it */
	u64 visible_used;
};

/** struct svmgpu_vram_resource - blocks of one allocation, in address order of the object */
struct svmgpu_vram_resource {
	/** @base: TTM's part */
	struct ttm_resource base;
	/** @blocks: list of struct gpu_buddy_block */
	struct list_head blocks;
	/** @visible_bytes: of these, behind BAR 2 */
	u64 visible_bytes;
};

static inline struct svmgpu_vram_resource *to_vram_resource(struct ttm_resource *res)
{
	return container_of(res, struct svmgpu_vram_resource, base);
}

int svmgpu_vram_init(struct svmgpu_device *dev);
void svmgpu_vram_fini(struct svmgpu_device *dev);
u64 svmgpu_vram_visible_used(struct svmgpu_vram *vram);
u64 svmgpu_vram_used(struct svmgpu_vram *vram);

#endif

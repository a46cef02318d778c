/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffer objects: GEM objects over TTM in system memory or VRAM. A *local*
 * object shares its VM's dma_resv; an *external* one has its own and can be
 * exported. An *SVM* object holds migrated pages of a process (svmgpu_pagemap.c)
 * and has no handle.
 */
#ifndef SVMGPU_BO_H
#define SVMGPU_BO_H

#include <drm/drm_gem.h>
#include <drm/drm_pagemap.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_placement.h>

struct dma_buf;
struct drm_exec;
struct svmgpu_device;
struct svmgpu_vm;

#define SVMGPU_BO_SYSTEM	BIT(0)	/* may live in system memory */
#define SVMGPU_BO_VRAM		BIT(1)	/* may live in VRAM (preferred over system) */
#define SVMGPU_BO_VISIBLE	BIT(2)	/* VRAM: within the CPU-visible part */
#define SVMGPU_BO_DEFER		BIT(3)	/* no backing until first use */
#define SVMGPU_BO_KERNEL	BIT(4)	/* driver's own; never shown to user space */
#define SVMGPU_BO_SVM		BIT(5)	/* pages of a process; eviction returns them to RAM */
#define SVMGPU_BO_SCANOUT	BIT(6)
#define SVMGPU_BO_NO_COMPRESS	BIT(7)
#define SVMGPU_BO_CONTIGUOUS	BIT(8)

/** enum svmgpu_purge - madvise state of a buffer object (resv protects it) */
enum svmgpu_purge {
	/** @SVMGPU_WILLNEED: keep the contents */
	SVMGPU_WILLNEED,
	/** @SVMGPU_DONTNEED: may be purged under pressure */
	SVMGPU_DONTNEED,
	/** @SVMGPU_PURGED: contents and backing are gone for good */
	SVMGPU_PURGED,
};

/** struct svmgpu_bo - one buffer object */
struct svmgpu_bo {
	/** @ttm: base */
	struct ttm_buffer_object ttm;
	/** @flags: SVMGPU_BO_* */
	u32 flags;
	/** @cpu_caching: DRM_XE_GEM_CPU_CACHING_* */
	u16 cpu_caching;
	/** @vm: VM of a local object (referenced), else NULL */
	struct svmgpu_vm *vm;
	/** @dma_buf: imported objects: the exporter's (referenced), else NULL */
	struct dma_buf *dma_buf;
	/** @evict_retry: SVM: do not try to evict before this time (jiffies), after a failure */
	unsigned long evict_retry;
	/** @eviction: name of the eviction under way in the event log; resv */
	u32 eviction;
	/** @purge: madvise state */
	enum svmgpu_purge purge;
	/** @dontneed_vmas: gpu_vmas that said DONTNEED, of @total_vmas (resv) */
	u32 dontneed_vmas;
	/** @total_vmas: gpu_vmas of this object (resv) */
	u32 total_vmas;
	/** @handles: GEM handles that a local object has (resv) */
	u32 handles;
	/** @devmem: SVM objects: what drm_pagemap knows about them */
	struct drm_pagemap_devmem devmem;
	/** @placements: storage for @placement */
	struct ttm_place placements[2];
	/** @placement: where it may live */
	struct ttm_placement placement;
	/** @free_link: deferred release from atomic context */
	struct llist_node free_link;
	/** @trace_id: name in the event log */
	u32 trace_id;
};

static inline struct svmgpu_bo *ttm_to_bo(struct ttm_buffer_object *ttm)
{
	return container_of(ttm, struct svmgpu_bo, ttm);
}

static inline struct svmgpu_bo *gem_to_bo(struct drm_gem_object *gem)
{
	return container_of(gem, struct svmgpu_bo, ttm.base);
}

static inline bool svmgpu_bo_is_local(const struct svmgpu_bo *bo)
{
	return bo->vm;
}

/*
 * @resv: share this reservation object (held by the caller), or NULL for its own.
 * @exec: ticket that eviction may use, or NULL. Contents read zero. Sleeps.
 */
struct svmgpu_bo *svmgpu_bo_create(struct svmgpu_device *dev, struct svmgpu_vm *vm,
				   struct dma_resv *resv, struct drm_exec *exec, size_t size,
				   u32 flags, u16 cpu_caching);
/*
 * resv held. Makes the object resident in an allowed place; -ENOSPC/-ENOMEM. A
 * purged object stays without backing (ttm.resource NULL): that is no error.
 * With @vm (its resv is held too) other objects of @vm may be evicted for it, unless
 * vm->validating is set (exec, rebind, binds of VMs that may not be overcommitted).
 */
int svmgpu_bo_validate(struct svmgpu_bo *bo, struct svmgpu_vm *vm, bool interruptible);
/* resv held: to VRAM (@vram) or to system memory; -EINVAL if the placement does not allow it. */
int svmgpu_bo_migrate(struct svmgpu_bo *bo, bool vram);
/*
 * The object's resv without a ww ticket, for short looks outside validation
 * sections. 0 or -EINTR (only if @interruptible).
 */
int svmgpu_bo_lock(struct svmgpu_bo *bo, bool interruptible);
bool svmgpu_bo_trylock(struct svmgpu_bo *bo);
void svmgpu_bo_unlock(struct svmgpu_bo *bo);
/* For the event log: somebody else locked (@tried: without waiting) or will unlock it. */
void svmgpu_bo_lock_taken(struct svmgpu_bo *bo);
void svmgpu_bo_lock_dropped(struct svmgpu_bo *bo);
/* resv held, after dontneed_vmas or total_vmas changed: decides @bo->purge anew. */
void svmgpu_bo_update_purge(struct svmgpu_bo *bo);
static inline void svmgpu_bo_get(struct svmgpu_bo *bo)
{
	drm_gem_object_get(&bo->ttm.base);
}

static inline void svmgpu_bo_put(struct svmgpu_bo *bo)
{
	drm_gem_object_put(&bo->ttm.base);
}

/* From any context, also atomic: the put happens in a worker. */
void svmgpu_bo_put_async(struct svmgpu_bo *bo);

/**
 * struct svmgpu_bo_cursor - walks the physical addresses behind a piece of an object
 */
struct svmgpu_bo_cursor {
	/** @bo: the object, resident, resv held or pinned */
	struct svmgpu_bo *bo;
	/** @offset: current byte offset in the object */
	u64 offset;
	/** @left: bytes left after @offset */
	u64 left;
	/** @paddr: physical address (svmgpu_pte.h) at @offset, as seen by @viewer */
	u64 paddr;
	/** @bytes: contiguous bytes from @paddr, at most @left; 0 at the end */
	u64 bytes;
	/** @viewer: the GPU that will use the address (own or peer VRAM) */
	struct svmgpu_device *viewer;
	/** @block: VRAM: position in the resource's block list; imported: scatterlist entry */
	void *block;
	/** @block_offset: offset of the current block in the object */
	u64 block_offset;
	/** @resource: the place that is walked */
	struct ttm_resource *resource;
	/** @tt: pages, if @resource is in system memory */
	struct ttm_tt *tt;
};

/* Bytes from @offset on that are in contiguous, aligned pieces of 2 MiB. */
u64 svmgpu_bo_large(struct svmgpu_bo *bo, u64 offset);
void svmgpu_bo_cursor_init(struct svmgpu_bo_cursor *cursor, struct svmgpu_device *viewer,
			   struct svmgpu_bo *bo, u64 offset, u64 bytes);
/* The same for another place of the object than its current one (moves). */
void svmgpu_bo_cursor_init_resource(struct svmgpu_bo_cursor *cursor, struct svmgpu_device *viewer,
				    struct svmgpu_bo *bo, struct ttm_resource *resource,
				    u64 offset, u64 bytes);
void svmgpu_bo_cursor_next(struct svmgpu_bo_cursor *cursor, u64 bytes);

extern const struct drm_gem_object_funcs svmgpu_gem_funcs;	/* svmgpu_gem.c */

/* ioctls */
int svmgpu_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_gem_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
/* PRIME (svmgpu_prime.c) */
struct dma_buf *svmgpu_prime_export(struct drm_gem_object *gem, int flags);
struct drm_gem_object *svmgpu_prime_import(struct drm_device *drm, struct dma_buf *dmabuf);

/*
 * svmgpu_vm.c: called by TTM's move callback with the object's resv held, before
 * the old place is given up: marks every gpu_vm_bo evicted, and for fault-mode
 * VMs zaps and flushes (L8, L11). Allocates nothing.
 */
int svmgpu_vm_bo_evicted(struct svmgpu_bo *bo, bool intr);

#endif

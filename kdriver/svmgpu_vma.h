/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gpu_vma: one mapping of a GPU VM: a buffer object, a user pointer, a
 * sparse (NULL) mapping, or a CPU address mirror, whose pages come by faults.
 */
#ifndef SVMGPU_VMA_H
#define SVMGPU_VMA_H

#include <drm/drm_gpusvm.h>
#include <drm/drm_gpuvm.h>

struct drm_pagemap;
struct svmgpu_user_fence;
struct svmgpu_vm;

#define SVMGPU_VMA_READ_ONLY	BIT(0)
#define SVMGPU_VMA_NULL		BIT(1)
#define SVMGPU_VMA_MIRROR	BIT(2)	/* CPU address mirror */
#define SVMGPU_VMA_USERPTR	BIT(3)
#define SVMGPU_VMA_DUMPABLE	BIT(4)
#define SVMGPU_VMA_DESTROYED	BIT(5)
#define SVMGPU_VMA_AUTORESET	BIT(6)	/* madvise autoreset */

/** struct svmgpu_vma_attr - memory attributes (madvise); VM lock */
struct svmgpu_vma_attr {
	/** @devmem_fd: DRM_XE_PREFERRED_LOC_* when <= 0; a positive fd became @dpagemap */
	s32 devmem_fd;
	/** @migration_policy: DRM_XE_MIGRATE_* */
	u16 migration_policy;
	/** @atomic_access: DRM_XE_ATOMIC_* */
	u16 atomic_access;
	/** @pat_index: page attribute index */
	u16 pat_index;
	/** @default_pat_index: the one given at bind */
	u16 default_pat_index;
	/** @purge: DRM_XE_VMA_PURGEABLE_STATE_* */
	u16 purge;
	/** @dpagemap: preferred pagemap (referenced) or NULL */
	struct drm_pagemap *dpagemap;
};

/** struct svmgpu_userptr - a user-pointer gpu_vma's pages */
struct svmgpu_userptr {
	/** @invalidate_link: svmgpu_vm.userptr.invalidated */
	struct list_head invalidate_link;
	/** @repin_link: svmgpu_vm.userptr.repin */
	struct list_head repin_link;
	/** @pages: what drm_gpusvm knows of the pages */
	struct drm_gpusvm_pages pages;
	/** @notifier: invalidation callback */
	struct mmu_interval_notifier notifier;
	/** @initial_bind: bound at least once; notifier lock + VM resv */
	bool initial_bind;
};

/** struct svmgpu_vma - one mapping */
struct svmgpu_vma {
	/** @gpuva: base; the VM's tree */
	struct drm_gpuva gpuva;
	/** @flags: SVMGPU_VMA_* */
	u32 flags;
	/** @present: page-table entries exist; VM resv, userptr also the notifier lock */
	bool present;
	/** @invalidated: zapped since; notifier lock for write, or the object's resv */
	bool invalidated;
	/** @rebind_link: svmgpu_vm.rebind_list */
	struct list_head rebind_link;
	/** @attr: memory attributes */
	struct svmgpu_vma_attr attr;
	/** @ufence: user fence given at MAP; unbind before it signalled is -EBUSY */
	struct svmgpu_user_fence *ufence;
	/** @destroy_cb: frees the vma when its unbind job is done */
	struct dma_fence_cb destroy_cb;
	/** @destroy_work: the same, when it must sleep */
	struct work_struct destroy_work;
	/** @userptr: valid with SVMGPU_VMA_USERPTR */
	struct svmgpu_userptr userptr;
};

static inline struct svmgpu_vma *gpuva_to_vma(struct drm_gpuva *gpuva)
{
	return container_of(gpuva, struct svmgpu_vma, gpuva);
}

static inline bool svmgpu_vma_is_mirror(const struct svmgpu_vma *vma)
{
	return vma->flags & SVMGPU_VMA_MIRROR;
}

static inline bool svmgpu_vma_is_userptr(const struct svmgpu_vma *vma)
{
	return vma->flags & SVMGPU_VMA_USERPTR;
}

static inline bool svmgpu_vma_is_null(const struct svmgpu_vma *vma)
{
	return vma->flags & SVMGPU_VMA_NULL;
}

static inline bool svmgpu_vma_read_only(const struct svmgpu_vma *vma)
{
	return vma->flags & SVMGPU_VMA_READ_ONLY;
}

static inline u64 svmgpu_vma_start(const struct svmgpu_vma *vma)
{
	return vma->gpuva.va.addr;
}

static inline u64 svmgpu_vma_end(const struct svmgpu_vma *vma)
{
	return vma->gpuva.va.addr + vma->gpuva.va.range;
}

/*
 * VM lock held. The lowest gpu_vma that covers @addr, or NULL.
 */
struct svmgpu_vma *svmgpu_vma_find(struct svmgpu_vm *vm, u64 addr);

/*
 * Serves a recoverable fault on an object or userptr gpu_vma (fault-mode VMs).
 * VM lock held for write. @write, @atomic: the access. 0, -EAGAIN (invalidated
 * meanwhile: look everything up again), -EACCES, or an error of validation.
 */
int svmgpu_vma_fault(struct svmgpu_vm *vm, struct svmgpu_vma *vma, bool write, bool atomic);

/*
 * For madvise: splits gpu_vmas at @start and @end so that [start, end) consists
 * of whole ones. VM lock held for write. The splits do not touch page tables.
 */
int svmgpu_vma_split_range(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM lock held for write: back to the attributes given at bind (gone CPU mapping). */
void svmgpu_vma_reset_attr(struct svmgpu_vm *vm, u64 start, u64 end);

#endif

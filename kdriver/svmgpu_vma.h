/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gpu_vma: one mapping of a GPU VM: a buffer object, a user pointer, a
 * sparse (NULL) mapping, or a CPU address mirror, whose pages come by faults.
 */
#ifndef SVMGPU_VMA_H
#define SVMGPU_VMA_H

#include <drm/drm_gpusvm.h>
#include <drm/drm_gpuvm.h>

#include "svmgpu_bo.h"
#include "svmgpu_pt.h"

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
	/** @inserted: @notifier is registered */
	bool inserted;
	/** @notifier: invalidation callback */
	struct mmu_interval_notifier notifier;
	/** @initial_bind: bound at least once; notifier lock + VM resv */
	bool initial_bind;
};

/** struct svmgpu_vma - one mapping */
struct svmgpu_vma {
	/** @gpuva: base; the VM's tree */
	struct drm_gpuva gpuva;
	/** @vm: the VM (referenced, also after the removal from its tree) */
	struct svmgpu_vm *vm;
	/** @trace_id: name in the event log */
	u32 trace_id;
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
	/** @binding: the change being staged writes its entries; VM lock for write */
	bool binding;
	/** @fresh: made by the bind being carried out; VM lock for write */
	bool fresh;
	/** @part: what such a bind left of an older gpu_vma; VM lock for write */
	bool part;
	/** @op_link: lists of the bind being carried out; VM lock for write */
	struct list_head op_link;
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

static inline struct svmgpu_bo *svmgpu_vma_bo(const struct svmgpu_vma *vma)
{
	return vma->gpuva.gem.obj ? gem_to_bo(vma->gpuva.gem.obj) : NULL;
}

/* VM lock held. The gpu_vma that covers @addr, or NULL. */
struct svmgpu_vma *svmgpu_vma_find(struct svmgpu_vm *vm, u64 addr);

/*
 * Makes a gpu_vma that is in no tree yet. @bo is not referenced before it is
 * linked. @offset: into the object, or the CPU address. Userptr: registers the
 * notifier of current->mm. May sleep. ERR_PTR(-ENOMEM, ...).
 */
struct svmgpu_vma *svmgpu_vma_create(struct svmgpu_vm *vm, struct svmgpu_bo *bo, u64 start,
				     u64 bytes, u64 offset, u32 flags,
				     const struct svmgpu_vma_attr *attr);
/*
 * The piece [start, start + bytes) of @vma, with its attributes. It is present as
 * @vma is, but a userptr's is not: it has to be pinned first.
 */
struct svmgpu_vma *svmgpu_vma_create_part(struct svmgpu_vma *vma, u64 start, u64 bytes);
/* VM resv and the object's held: the object's list of gpu_vmas (L12). May sleep. */
int svmgpu_vma_link(struct svmgpu_vma *vma);
void svmgpu_vma_unlink(struct svmgpu_vma *vma);
/*
 * Frees a gpu_vma that is in no tree or list any more, now or once @fence
 * (may be NULL) signalled. No resv or notifier lock held. May sleep.
 */
void svmgpu_vma_destroy(struct svmgpu_vma *vma, struct dma_fence *fence);
void svmgpu_vma_attr_copy(struct svmgpu_vma_attr *to, const struct svmgpu_vma_attr *from);
void svmgpu_vma_trace(const struct svmgpu_vma *vma, bool mapped);
void svmgpu_vma_trace_list(const struct svmgpu_vma *vma, u16 list, bool added);

/**
 * struct svmgpu_vma_source - the pages behind a piece of an address space
 *
 * Holes, and gpu_vmas for which @wanted is false, give SVMGPU_PT_HOLE.
 */
struct svmgpu_vma_source {
	/** @base: what the page-table builder knows */
	struct svmgpu_pt_source base;
	/** @vm: the VM, lock held */
	struct svmgpu_vm *vm;
	/** @start: first byte */
	u64 start;
	/** @end: first byte behind */
	u64 end;
	/** @wanted: is this gpu_vma to be mapped; NULL: all are */
	bool (*wanted)(const struct svmgpu_vma *vma);
	/** @vma: current one, or NULL in a hole */
	struct svmgpu_vma *vma;
	/** @seg_start: first byte of the current gpu_vma or hole */
	u64 seg_start;
	/** @seg_end: first byte behind it */
	u64 seg_end;
	/** @run_start: first byte of the current contiguous run */
	u64 run_start;
	/** @run_end: first byte behind it */
	u64 run_end;
	/** @run_value: leaf value at @run_start */
	u64 run_value;
	/** @cursor: object: position behind the run */
	struct svmgpu_bo_cursor cursor;
	/** @index: userptr: index of the DMA address behind the run */
	unsigned long index;
};

/* Objects must be resident and locked, userptrs pinned; while it is used, they stay so. */
void svmgpu_vma_source_init(struct svmgpu_vma_source *source, struct svmgpu_vm *vm, u64 start,
			    u64 end, bool (*wanted)(const struct svmgpu_vma *vma));

/* svmgpu_userptr.c */
int svmgpu_userptr_insert(struct svmgpu_vma *vma, struct mm_struct *mm);
void svmgpu_userptr_remove(struct svmgpu_vma *vma);
/* VM lock held for write, nothing inside (L6): 0, -EFAULT, -EAGAIN, -EPERM, -ENOMEM. */
int svmgpu_userptr_pin(struct svmgpu_vma *vma);
/* Exact with the notifier lock held (L5). */
bool svmgpu_userptr_valid(struct svmgpu_vma *vma);

/*
 * Serves a recoverable fault on an object or userptr gpu_vma (fault-mode VMs).
 * VM lock held for write. @write, @atomic: the access. 0, -EAGAIN (invalidated
 * meanwhile: look everything up again), -EACCES, or an error of validation.
 */
int svmgpu_vma_fault(struct svmgpu_vm *vm, struct svmgpu_vma *vma, bool write, bool atomic);

/*
 * For madvise: splits gpu_vmas at @start and @end so that [start, end) consists
 * of whole ones. VM lock held for write, nothing inside. In fault-mode VMs what was
 * split faults in again.
 */
int svmgpu_vma_split_range(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM lock held for write, fault-mode VMs: accesses to objects and userptrs there fault again. */
int svmgpu_vma_zap_range(struct svmgpu_vm *vm, u64 start, u64 end);
/*
 * VM lock held for write: back to the attributes given at bind, because the CPU
 * mapping is gone. 0, or -EAGAIN: gpu_vmas were split.
 */
int svmgpu_vma_reset_attr(struct svmgpu_vm *vm, u64 start, u64 end);

#endif

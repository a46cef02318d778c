// SPDX-License-Identifier: GPL-2.0
/*
 * Memory attributes of address ranges: MADVISE and VM_QUERY_MEM_RANGE_ATTRS.
 */
#include <linux/nospec.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_pagemap.h>
#include <drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_pat.h"
#include "svmgpu_svm.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Memory attributes
 *
 * Attributes belong to gpu_vmas, so advice for part of one splits it. New
 * advice takes effect at the next access: what the GPU has mapped of a mirror is
 * zapped, and the fault that follows sees the new attributes. Attributes change
 * under the VM lock for write; the purge state of an object under its resv too.
 */

/** struct madvise - one call on its way */
struct madvise {
	/** @vm: the VM, lock held for write */
	struct svmgpu_vm *vm;
	/** @args: of the ioctl, checked */
	const struct drm_xe_madvise *args;
	/** @start: first byte */
	u64 start;
	/** @end: first byte behind */
	u64 end;
	/** @dpagemap: preferred location that a file descriptor named, or NULL */
	struct drm_pagemap *dpagemap;
	/** @purged: an object in the range has lost its contents */
	bool purged;
};

static bool madvise_location_valid(const struct drm_xe_madvise *args)
{
	const s32 fd = args->preferred_mem_loc.devmem_fd;

	return fd >= DRM_XE_PREFERRED_LOC_DEFAULT_SYSTEM &&
	       (fd > 0 || !args->preferred_mem_loc.region_instance) &&
	       args->preferred_mem_loc.migration_policy <= DRM_XE_MIGRATE_ONLY_SYSTEM_PAGES &&
	       !args->preferred_mem_loc.reserved;
}

static bool madvise_value_valid(const struct drm_xe_madvise *args)
{
	switch (args->type) {
	case DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC:
		return madvise_location_valid(args);
	case DRM_XE_MEM_RANGE_ATTR_ATOMIC:
		return args->atomic.val <= DRM_XE_ATOMIC_CPU && !args->atomic.pad &&
		       !args->atomic.reserved;
	case DRM_XE_MEM_RANGE_ATTR_PAT:
		return svmgpu_pat_valid(args->pat_index.val) && !args->pat_index.pad &&
		       !args->pat_index.reserved;
	case DRM_XE_VMA_ATTR_PURGEABLE_STATE:
		return args->purge_state_val.val <= DRM_XE_VMA_PURGEABLE_STATE_DONTNEED &&
		       !args->purge_state_val.pad;
	default:
		return false;
	}
}

/* Canonical addresses are welcome; page tables see 48 bits. */
static u64 madvise_start(const struct drm_xe_madvise *args)
{
	return args->start & (SVMGPU_VM_SIZE - 1);
}

/**
 * svmgpu_madvise_check() - the arguments of MADVISE
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_madvise_check(const struct drm_xe_madvise *args)
{
	if (args->extensions || args->reserved[0] || args->reserved[1])
		return -EINVAL;
	if (!IS_ALIGNED(args->start, SZ_4K) || !IS_ALIGNED(args->range, SZ_4K) || !args->range ||
	    args->range > SVMGPU_VM_SIZE - madvise_start(args))
		return -EINVAL;
	return madvise_value_valid(args) ? 0 : -EINVAL;
}

static struct svmgpu_bo *vma_bo(struct svmgpu_vma *vma)
{
	return vma->gpuva.gem.obj ? gem_to_bo(vma->gpuva.gem.obj) : NULL;
}

/* May @bo's contents be used with the atomics that @val promises? */
static bool madvise_atomic_fits(const struct svmgpu_bo *bo, u32 val)
{
	switch (val) {
	case DRM_XE_ATOMIC_CPU:
		return bo->flags & SVMGPU_BO_SYSTEM;
	case DRM_XE_ATOMIC_DEVICE:
		return bo->flags & SVMGPU_BO_VRAM;
	case DRM_XE_ATOMIC_GLOBAL:
		return bo->flags & SVMGPU_BO_SYSTEM && bo->flags & SVMGPU_BO_VRAM;
	default:
		return true;
	}
}

static int madvise_check_objects(const struct madvise *madvise)
{
	struct drm_gpuva *gpuva;

	if (madvise->args->type != DRM_XE_MEM_RANGE_ATTR_ATOMIC)
		return 0;

	drm_gpuvm_for_each_va_range(gpuva, &madvise->vm->gpuvm, madvise->start, madvise->end) {
		struct svmgpu_bo *bo = vma_bo(gpuva_to_vma(gpuva));

		if (bo && !madvise_atomic_fits(bo, madvise->args->atomic.val))
			return -EINVAL;
	}

	return 0;
}

/* Returns true when the GPU must fault to see the change. */
static bool madvise_location(const struct madvise *madvise, struct svmgpu_vma *vma)
{
	const struct drm_xe_madvise *args = madvise->args;
	struct svmgpu_vma_attr *attr = &vma->attr;

	if (!svmgpu_vma_is_mirror(vma))
		return false;
	if (attr->devmem_fd == (s32)args->preferred_mem_loc.devmem_fd &&
	    attr->migration_policy == args->preferred_mem_loc.migration_policy &&
	    attr->dpagemap == madvise->dpagemap)
		return false;

	attr->devmem_fd = args->preferred_mem_loc.devmem_fd;
	attr->migration_policy = args->preferred_mem_loc.migration_policy;
	drm_pagemap_put(attr->dpagemap);
	attr->dpagemap = drm_pagemap_get(madvise->dpagemap);

	return true;
}

static bool madvise_atomic(const struct madvise *madvise, struct svmgpu_vma *vma)
{
	const u32 val = madvise->args->atomic.val;

	/* a userptr's pages stay where they are: nothing to decide */
	if (svmgpu_vma_is_userptr(vma) || vma->attr.atomic_access == val)
		return false;

	vma->attr.atomic_access = val;

	return true;
}

static bool madvise_pat(const struct madvise *madvise, struct svmgpu_vma *vma)
{
	/* an attribute for tools: the MMU has no caches that it would select */
	vma->attr.pat_index = madvise->args->pat_index.val;

	return false;
}

/* An object may be purged when every gpu_vma of it says so. Its resv is held. */
static bool madvise_purgeable(struct madvise *madvise, struct svmgpu_vma *vma)
{
	const u16 state = madvise->args->purge_state_val.val;
	struct svmgpu_bo *bo = vma_bo(vma);

	if (!bo)
		return false;
	if (bo->purge == SVMGPU_PURGED) {
		madvise->purged = true;
		return false;
	}
	if (vma->attr.purge == state)
		return false;

	vma->attr.purge = state;
	bo->dontneed_vmas += state == DRM_XE_VMA_PURGEABLE_STATE_DONTNEED ? 1 : -1;
	svmgpu_bo_update_purge(bo);

	return false;
}

static bool madvise_apply_vma(struct madvise *madvise, struct svmgpu_vma *vma)
{
	switch (madvise->args->type) {
	case DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC:
		return madvise_location(madvise, vma);
	case DRM_XE_MEM_RANGE_ATTR_ATOMIC:
		return madvise_atomic(madvise, vma);
	case DRM_XE_MEM_RANGE_ATTR_PAT:
		return madvise_pat(madvise, vma);
	default:
		return madvise_purgeable(madvise, vma);
	}
}

/* Objects locked, VM lock for write. */
static void madvise_apply(struct madvise *madvise)
{
	struct svmgpu_vm *vm = madvise->vm;
	struct drm_gpuva *gpuva;

	drm_gpuvm_for_each_va_range(gpuva, &vm->gpuvm, madvise->start, madvise->end) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

		if (madvise_apply_vma(madvise, vma) && svmgpu_vma_is_mirror(vma))
			svmgpu_svm_zap(vm, svmgpu_vma_start(vma), svmgpu_vma_end(vma));
	}
}

/*
 * Objects must be mapped anew when their atomics change. That may fail, so it comes
 * first: what was zapped in vain faults in again as it was. VM lock for write, so
 * that nothing is mapped before the change.
 */
static int madvise_zap_objects(const struct madvise *madvise)
{
	struct drm_gpuva *gpuva;

	if (madvise->args->type != DRM_XE_MEM_RANGE_ATTR_ATOMIC)
		return 0;
	drm_gpuvm_for_each_va_range(gpuva, &madvise->vm->gpuvm, madvise->start, madvise->end) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

		if (!svmgpu_vma_is_mirror(vma) &&
		    vma->attr.atomic_access != madvise->args->atomic.val)
			return svmgpu_vma_zap_range(madvise->vm, madvise->start, madvise->end);
	}

	return 0;
}

static int madvise_lock_objects(struct madvise *madvise, struct svmgpu_validation *v)
{
	struct drm_gpuva *gpuva;
	int err;

	drm_gpuvm_for_each_va_range(gpuva, &madvise->vm->gpuvm, madvise->start, madvise->end) {
		if (!gpuva->gem.obj)
			continue;
		err = svmgpu_validation_lock(v, gpuva->gem.obj, 0);
		if (err)
			return err;
	}

	return 0;
}

/* VM lock held for write. */
static int madvise_locked(struct madvise *madvise)
{
	struct svmgpu_vm *vm = madvise->vm;
	struct svmgpu_validation v;
	int err;

	if (vm->closed || vm->banned)
		return -ENOENT;

	/* pending collection may still reset attributes: it comes first */
	svmgpu_svm_collect(vm);

	err = svmgpu_vma_split_range(vm, madvise->start, madvise->end);
	if (err)
		return err;
	err = madvise_check_objects(madvise);
	if (!err)
		err = madvise_zap_objects(madvise);
	if (err)
		return err;

	svmgpu_validation_init(&v, vm->dev,
			       DRM_EXEC_IGNORE_DUPLICATES | DRM_EXEC_INTERRUPTIBLE_WAIT);
	svmgpu_validation_begin(&v);
	drm_exec_until_all_locked(&v.exec) {
		err = madvise_lock_objects(madvise, &v);
		drm_exec_retry_on_contention(&v.exec);
		if (err)
			break;
	}
	if (!err) {
		svmgpu_validation_traced(&v);
		madvise_apply(madvise);
	}
	svmgpu_validation_end(&v);

	return err;
}

/* The caller's word for "retained" must be there, and zero. */
static int madvise_retained_valid(const struct drm_xe_madvise *args)
{
	u32 retained;

	if (args->type != DRM_XE_VMA_ATTR_PURGEABLE_STATE || !args->purge_state_val.retained_ptr)
		return 0;
	if (get_user(retained, (u32 __user *)u64_to_user_ptr(args->purge_state_val.retained_ptr)))
		return -EFAULT;

	return retained ? -EINVAL : 0;
}

static int madvise_put_retained(const struct madvise *madvise)
{
	const struct drm_xe_madvise *args = madvise->args;
	const u32 retained = !madvise->purged;
	u32 __user *ptr;

	if (args->type != DRM_XE_VMA_ATTR_PURGEABLE_STATE || !args->purge_state_val.retained_ptr)
		return 0;
	ptr = u64_to_user_ptr(args->purge_state_val.retained_ptr);

	return put_user(retained, ptr);
}

static int madvise_open_location(struct madvise *madvise)
{
	const struct drm_xe_madvise *args = madvise->args;
	struct drm_pagemap *dpagemap;

	if (args->type != DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC ||
	    (s32)args->preferred_mem_loc.devmem_fd <= 0)
		return 0;
	if (!svmgpu_vm_in_fault_mode(madvise->vm))
		return -EINVAL;

	dpagemap = svmgpu_pagemap_from_fd(madvise->vm, args->preferred_mem_loc.devmem_fd,
					  args->preferred_mem_loc.region_instance);
	if (IS_ERR(dpagemap))
		return PTR_ERR(dpagemap);
	madvise->dpagemap = dpagemap;

	return 0;
}

/**
 * svmgpu_madvise_ioctl() - DRM_IOCTL_XE_MADVISE
 * @drm: the GPU
 * @data: struct drm_xe_madvise
 * @file: DRM file
 *
 * Context: ioctl; may sleep.
 *
 * Return: 0; -EINVAL: bad VM or argument; -ENOENT: closed VM, or a file that is
 * not one of this driver's; -ENOLINK: its GPU cannot be reached; -ENODEV, -EFAULT,
 * -ENOMEM, -EINTR.
 */
int svmgpu_madvise_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_xe_madvise *args = data;
	struct madvise madvise = {
		.args = args,
		.start = madvise_start(args),
		.end = madvise_start(args) + args->range,
	};
	struct svmgpu_vm *vm;
	int err;

	vm = svmgpu_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -EINVAL;

	madvise.vm = vm;
	err = svmgpu_madvise_check(args);
	if (!err)
		err = madvise_retained_valid(args);
	if (err)
		goto out;
	err = madvise_open_location(&madvise);
	if (err)
		goto out;

	err = svmgpu_down_write_killable(&vm->lock);
	if (err)
		goto out;
	err = madvise_locked(&madvise);
	svmgpu_up_write(&vm->lock);

	if (!err)
		err = madvise_put_retained(&madvise);
out:
	drm_pagemap_put(madvise.dpagemap);
	svmgpu_vm_put(vm);

	return err;
}

/* Fills @attrs, or counts when it is NULL. VM lock held. */
static int query_attrs(struct svmgpu_vm *vm, u64 start, u64 end,
		       struct drm_xe_mem_range_attr *attrs, u32 *count)
{
	struct drm_gpuva *gpuva;
	u32 n = 0;

	drm_gpuvm_for_each_va_range(gpuva, &vm->gpuvm, start, end) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

		if (attrs && n == *count)
			return -ENOSPC;
		if (attrs)
			attrs[n] = (struct drm_xe_mem_range_attr){
				.start = svmgpu_vma_start(vma),
				.end = svmgpu_vma_end(vma),
				.preferred_mem_loc.devmem_fd = vma->attr.devmem_fd,
				.preferred_mem_loc.migration_policy = vma->attr.migration_policy,
				.atomic.val = vma->attr.atomic_access,
				.pat_index.val = vma->attr.pat_index,
			};
		n++;
	}
	*count = n;

	return 0;
}

/**
 * svmgpu_query_mem_attrs_check() - the arguments of VM_QUERY_MEM_RANGE_ATTRS
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_query_mem_attrs_check(const struct drm_xe_vm_query_mem_range_attr *args)
{
	const bool vector = args->vector_of_mem_attr;
	const size_t entry = sizeof(struct drm_xe_mem_range_attr);

	if (args->extensions || args->reserved[0] || args->reserved[1])
		return -EINVAL;
	if (args->num_mem_ranges)
		return vector && args->sizeof_mem_range_attr == entry ? 0 : -EINVAL;
	return vector || args->sizeof_mem_range_attr ? -EINVAL : 0;
}

/**
 * svmgpu_query_mem_attrs_ioctl() - DRM_IOCTL_XE_VM_QUERY_MEM_RANGE_ATTRS
 * @drm: the GPU
 * @data: struct drm_xe_vm_query_mem_range_attr
 * @file: DRM file
 *
 * With no vector it tells how many entries there are and how large one is.
 *
 * Context: ioctl; may sleep.
 *
 * Return: 0; -EINVAL, -ENOSPC: more gpu_vmas than entries, -ENOBUFS or -ENOMEM,
 * -EFAULT, -EINTR.
 */
int svmgpu_query_mem_attrs_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_xe_vm_query_mem_range_attr *args = data;
	const u64 start = args->start & (SVMGPU_VM_SIZE - 1);
	void __user *vector = u64_to_user_ptr(args->vector_of_mem_attr);
	struct drm_xe_mem_range_attr *attrs = NULL;
	struct svmgpu_vm *vm;
	int err;

	err = svmgpu_query_mem_attrs_check(args);
	if (err)
		return err;
	vm = svmgpu_vm_lookup(file->driver_priv, args->vm_id);
	if (!vm)
		return -EINVAL;

	if (args->num_mem_ranges) {
		attrs = kvcalloc(args->num_mem_ranges, sizeof(*attrs), GFP_KERNEL | __GFP_ACCOUNT |
				 __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!attrs) {
			err = args->num_mem_ranges > 1 ? -ENOBUFS : -ENOMEM;
			goto out_put;
		}
	}

	err = svmgpu_down_read_interruptible(&vm->lock);
	if (err)
		goto out_free;
	err = query_attrs(vm, start, start + args->range, attrs, &args->num_mem_ranges);
	svmgpu_up_read(&vm->lock);

	/* L6 in spirit: user memory is touched with no driver lock held */
	if (!err && attrs && copy_to_user(vector, attrs, array_size(args->num_mem_ranges,
								    sizeof(*attrs))))
		err = -EFAULT;
	args->sizeof_mem_range_attr = sizeof(*attrs);
out_free:
	kvfree(attrs);
out_put:
	svmgpu_vm_put(vm);

	return err;
}

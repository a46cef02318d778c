// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: what user space asks for, read and checked.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_bind_args.h"
#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_pat.h"
#include "svmgpu_sync.h"
#include "svmgpu_vm.h"

#define BIND_FLAGS							\
	(DRM_XE_VM_BIND_FLAG_READONLY | DRM_XE_VM_BIND_FLAG_IMMEDIATE |	\
	 DRM_XE_VM_BIND_FLAG_NULL | DRM_XE_VM_BIND_FLAG_DUMPABLE |	\
	 DRM_XE_VM_BIND_FLAG_CHECK_PXP | DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR | \
	 DRM_XE_VM_BIND_FLAG_MADVISE_AUTORESET | DRM_XE_VM_BIND_FLAG_DECOMPRESS)

/**
 * svmgpu_bind_check_args() - the ioctl's own words
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_bind_check_args(const struct drm_xe_vm_bind *args)
{
	if (args->extensions || args->pad || args->pad2 || args->reserved[0] ||
	    args->reserved[1] || args->num_syncs > DRM_XE_MAX_SYNCS)
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_bind_check_op() - one operation, without its object
 * @vm: the VM; only its flags matter
 * @op: the operation
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP for a decompression that would be valid.
 */
int svmgpu_bind_check_op(const struct svmgpu_vm *vm, const struct drm_xe_vm_bind_op *op)
{
	const bool null = op->flags & DRM_XE_VM_BIND_FLAG_NULL;
	const bool mirror = op->flags & DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR;
	const bool decompress = op->flags & DRM_XE_VM_BIND_FLAG_DECOMPRESS;
	const u32 region = op->prefetch_mem_region_instance;
	u32 flags = BIND_FLAGS | (SVMGPU_BIND_INJECT_ALLOWED ? SVMGPU_BIND_INJECT_ERROR : 0);

	if (op->extensions || op->pad || op->pad2 ||
	    op->reserved[0] || op->reserved[1] || op->reserved[2])
		return -EINVAL;
	if (op->op > DRM_XE_VM_BIND_OP_PREFETCH || op->flags & ~flags ||
	    !svmgpu_pat_valid(op->pat_index))
		return -EINVAL;
	if (mirror && !svmgpu_vm_in_fault_mode(vm))
		return -EINVAL;
	if ((null || mirror) && (op->obj || op->obj_offset || op->op != DRM_XE_VM_BIND_OP_MAP ||
				 (null && mirror)))
		return -EINVAL;
	if (decompress && (op->op != DRM_XE_VM_BIND_OP_MAP ||
			   svmgpu_pat_compressed(op->pat_index)))
		return -EINVAL;
	if (op->flags & DRM_XE_VM_BIND_FLAG_MADVISE_AUTORESET && !mirror)
		return -EINVAL;
	/* 0: system memory, 1: this GPU's VRAM */
	if (region && (op->op != DRM_XE_VM_BIND_OP_PREFETCH ||
		       (region != 1 && region != (u32)DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)))
		return -EINVAL;

	switch (op->op) {
	case DRM_XE_VM_BIND_OP_MAP:
		if (!op->obj && !null && !mirror)
			return -EINVAL;
		break;
	case DRM_XE_VM_BIND_OP_MAP_USERPTR:
		if (op->obj || svmgpu_pat_compressed(op->pat_index) ||
		    svmgpu_pat_coherence(op->pat_index) == SVMGPU_PAT_COH_NONE)
			return -EINVAL;
		break;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		if (!op->obj || op->addr || op->range)
			return -EINVAL;
		break;
	default:
		if (op->obj)
			return -EINVAL;
		break;
	}

	if (!PAGE_ALIGNED(op->obj_offset) || !PAGE_ALIGNED(op->addr) ||
	    !PAGE_ALIGNED(op->range) ||
	    (!op->range && op->op != DRM_XE_VM_BIND_OP_UNMAP_ALL))
		return -EINVAL;
	if (op->range > SVMGPU_VM_SIZE || op->addr > SVMGPU_VM_SIZE - op->range)
		return -EINVAL;
	/* the device has no compression metadata to resolve */
	return decompress ? -EOPNOTSUPP : 0;
}

/**
 * svmgpu_bind_check_bo() - may an operation use its object
 * @vm: the VM
 * @bo: the object that @op names
 * @op: an operation that svmgpu_bind_check_op() let pass
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_bind_check_bo(const struct svmgpu_vm *vm, const struct svmgpu_bo *bo,
			 const struct drm_xe_vm_bind_op *op)
{
	const u64 size = bo->ttm.base.size;
	const bool incoherent = svmgpu_pat_coherence(op->pat_index) == SVMGPU_PAT_COH_NONE;

	/* UNMAP_ALL only names the object */
	if (op->op != DRM_XE_VM_BIND_OP_MAP)
		return 0;
	if (bo->vm && bo->vm != vm)
		return -EINVAL;
	if (op->range > size || op->obj_offset > size - op->range)
		return -EINVAL;
	if (bo->flags & SVMGPU_BO_NO_COMPRESS && svmgpu_pat_compressed(op->pat_index))
		return -EINVAL;
	/* imported objects say nothing about CPU caching: assume the worst */
	if (incoherent && (!bo->cpu_caching ||
			   bo->cpu_caching == DRM_XE_GEM_CPU_CACHING_WB))
		return -EINVAL;
	if (drm_gem_is_imported(&bo->ttm.base) && svmgpu_pat_compressed(op->pat_index))
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_bind_get_ops() - reads and checks the operations
 * @bind: the ioctl; its VM is known
 * @args: as user space gave them
 *
 * Context: may sleep.
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP, -EFAULT, -ENOMEM, or -ENOBUFS for an array
 * that does not fit.
 */
int svmgpu_bind_get_ops(struct svmgpu_bind *bind, const struct drm_xe_vm_bind *args)
{
	int err;
	u32 i;

	err = svmgpu_bind_check_args(args);
	if (err)
		return err;

	if (args->num_binds > 1) {
		bind->ops = kvmalloc_array(args->num_binds, sizeof(*bind->ops),
					   GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
					   __GFP_RETRY_MAYFAIL);
		if (!bind->ops)
			return -ENOBUFS;
		if (copy_from_user(bind->ops, u64_to_user_ptr(args->vector_of_binds),
				   array_size(args->num_binds, sizeof(*bind->ops))))
			return -EFAULT;
	} else if (args->num_binds) {
		bind->ops = kvmalloc_obj(*bind->ops, GFP_KERNEL_ACCOUNT);
		if (!bind->ops)
			return -ENOMEM;
		*bind->ops = args->bind;
	}
	bind->num_ops = args->num_binds;

	for (i = 0; i < bind->num_ops; i++) {
		err = svmgpu_bind_check_op(bind->vm, &bind->ops[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * svmgpu_bind_get_bos() - looks up the objects of the operations
 * @bind: the ioctl, with its operations
 * @file: whose handles are meant
 *
 * Context: may sleep.
 *
 * Return: 0, -ENOENT (bad handle), -EINVAL, -ENOMEM.
 */
int svmgpu_bind_get_bos(struct svmgpu_bind *bind, struct drm_file *file)
{
	int err;
	u32 i;

	if (!bind->num_ops)
		return 0;
	bind->bos = kvcalloc(bind->num_ops, sizeof(*bind->bos),
			     GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!bind->bos)
		return -ENOMEM;
	for (i = 0; i < bind->num_ops; i++) {
		const struct drm_xe_vm_bind_op *op = &bind->ops[i];
		struct drm_gem_object *obj;

		if (!op->obj)
			continue;
		obj = drm_gem_object_lookup(file, op->obj);
		if (!obj)
			return -ENOENT;
		bind->bos[i] = gem_to_bo(obj);
		err = svmgpu_bind_check_bo(bind->vm, bind->bos[i], op);
		if (err)
			return err;
	}
	return 0;
}

/**
 * svmgpu_bind_get_syncs() - reads the syncs
 * @bind: the ioctl, with its operations
 * @args: as user space gave them
 * @file: whose syncobj handles are meant
 *
 * Context: may sleep.
 *
 * Return: 0, -EINVAL (a second user fence, too), -ENOMEM, or as svmgpu_sync_parse().
 */
int svmgpu_bind_get_syncs(struct svmgpu_bind *bind, const struct drm_xe_vm_bind *args,
			  struct drm_file *file)
{
	struct drm_xe_sync __user *user = u64_to_user_ptr(args->syncs);
	unsigned int flags = 0;
	int err;
	u32 i;

	if (!args->num_syncs)
		return 0;
	if (svmgpu_vm_in_lr_mode(bind->vm))
		flags |= SVMGPU_SYNC_LR;
	if (!bind->num_ops)
		flags |= SVMGPU_SYNC_DISALLOW_USER_FENCE;
	bind->syncs = kcalloc(args->num_syncs, sizeof(*bind->syncs), GFP_KERNEL_ACCOUNT);
	if (!bind->syncs)
		return -ENOMEM;
	for (i = 0; i < args->num_syncs; i++) {
		err = svmgpu_sync_parse(bind->vm->dev, file->driver_priv, &bind->syncs[i],
					&user[i], flags);
		if (err)
			return err;
		bind->num_syncs++;
		if (!svmgpu_sync_is_user_fence(&bind->syncs[i]))
			continue;
		if (bind->ufence)
			return -EINVAL;
		bind->ufence = &bind->syncs[i];
	}
	return 0;
}

/**
 * svmgpu_bind_put_args() - lets go of operations, objects and syncs
 * @bind: the ioctl
 */
void svmgpu_bind_put_args(struct svmgpu_bind *bind)
{
	u32 i;

	for (i = 0; i < bind->num_syncs; i++)
		svmgpu_sync_cleanup(&bind->syncs[i]);
	kfree(bind->syncs);
	for (i = 0; bind->bos && i < bind->num_ops; i++)
		if (bind->bos[i])
			svmgpu_bo_put(bind->bos[i]);
	kvfree(bind->bos);
	kvfree(bind->ops);
}

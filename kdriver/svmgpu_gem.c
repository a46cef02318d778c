// SPDX-License-Identifier: GPL-2.0
/*
 * GEM: buffer objects as user space sees them. GEM_CREATE, GEM_MMAP_OFFSET,
 * CPU mappings and their faults, and the page for PCI barriers.
 */

#include <linux/mm.h>
#include <linux/pci.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem_ttm_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>
#include <drm/ttm/ttm_tt.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_args.h"
#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_ttm.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"

/* below DRM_FILE_PAGE_OFFSET_START, where objects begin */
#define SVMGPU_BARRIER_OFFSET	SZ_64K

#define SVMGPU_REGION_SYSTEM	BIT(0)	/* instances as MEM_REGIONS numbers them */
#define SVMGPU_REGION_VRAM	BIT(1)

/* --- CPU faults ------------------------------------------------------------ */

static vm_fault_t svmgpu_gem_fault_code(int err)
{
	switch (err) {
	case 0:
	case -EINTR:
	case -EAGAIN:
		return VM_FAULT_NOPAGE;
	case -ENOMEM:
	case -ENOSPC:
		return VM_FAULT_OOM;
	default:
		return VM_FAULT_SIGBUS;
	}
}

/* resv held. May the CPU look at the object at all? */
static bool svmgpu_gem_cpu_access(struct svmgpu_bo *bo)
{
	/* what is not needed may vanish at any time; what comes from elsewhere is mapped there */
	return bo->purge == SVMGPU_WILLNEED && bo->ttm.resource && bo->ttm.type != ttm_bo_type_sg;
}

/* resv held. Must it move before the CPU can reach it? */
static bool svmgpu_gem_hidden(struct svmgpu_bo *bo)
{
	return !svmgpu_resource_visible(bo->ttm.resource) && bo->flags & SVMGPU_BO_SYSTEM;
}

/* Resv held, object reachable. A reset that takes the BAR away for a moment is waited for. */
static vm_fault_t svmgpu_gem_insert(struct vm_fault *vmf, struct svmgpu_bo *bo)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	vm_fault_t ret;

	svmgpu_down_read(&dev->bar_lock);
	ret = ttm_bo_vm_fault_reserved(vmf, vmf->vma->vm_page_prot, TTM_BO_VM_NUM_PREFAULT);
	svmgpu_up_read(&dev->bar_lock);
	return ret;
}

/* resv held. Has it pages, or VRAM? */
static bool svmgpu_gem_backed(struct svmgpu_bo *bo)
{
	return bo->ttm.resource->mem_type == TTM_PL_VRAM || !bo->ttm.ttm ||
	       ttm_tt_is_populated(bo->ttm.ttm);
}

/* No waiting, no moving and no making of pages: true when *@ret is the result. */
static bool svmgpu_gem_fault_fast(struct vm_fault *vmf, struct svmgpu_bo *bo, vm_fault_t *ret)
{
	struct dma_resv *resv = bo->ttm.base.resv;
	bool done = true;

	if (!svmgpu_bo_trylock(bo))
		return false;
	if (!svmgpu_gem_cpu_access(bo))
		*ret = VM_FAULT_SIGBUS;
	else if (svmgpu_gem_hidden(bo) || !svmgpu_gem_backed(bo) ||
		 !dma_resv_test_signaled(resv, DMA_RESV_USAGE_KERNEL))
		done = false;
	else
		*ret = svmgpu_gem_insert(vmf, bo);
	svmgpu_bo_unlock(bo);
	return done;
}

/*
 * resv held by a validation section: makes the object reachable and idle. Pages are
 * made here, because TTM's part of the fault has one error for all, SIGBUS.
 */
static int svmgpu_gem_make_reachable(struct svmgpu_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	long left;
	int err;

	if (!svmgpu_gem_cpu_access(bo))
		return -EFAULT;
	if (svmgpu_gem_hidden(bo)) {
		err = svmgpu_bo_migrate(bo, false);
		if (err)
			return err;
	}
	if (!svmgpu_gem_backed(bo)) {
		err = ttm_bo_populate(&bo->ttm, &ctx);
		if (err)
			return err == -ERESTARTSYS ? -EINTR : err;
	}
	left = dma_resv_wait_timeout(bo->ttm.base.resv, DMA_RESV_USAGE_KERNEL, true,
				     MAX_SCHEDULE_TIMEOUT);
	return left == -ERESTARTSYS ? -EINTR : min(left, 0);
}

/*
 * With the mmap lock dropped where that is allowed: then the fault is only
 * prepared, and the next one takes the fast way.
 */
static vm_fault_t svmgpu_gem_fault_slow(struct vm_fault *vmf, struct svmgpu_device *dev,
					struct svmgpu_bo *bo)
{
	bool dropped = fault_flag_allow_retry_first(vmf->flags);
	vm_fault_t ret = VM_FAULT_NOPAGE;
	struct svmgpu_validation v;
	int err;

	if (dropped) {
		if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
			return VM_FAULT_RETRY;
		svmgpu_bo_get(bo);
		mmap_read_unlock(vmf->vma->vm_mm);
	}
	svmgpu_validation_init(&v, dev, DRM_EXEC_INTERRUPTIBLE_WAIT);
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			err = svmgpu_validation_lock(&v, &bo->ttm.base, 0);
			drm_exec_retry_on_contention(&v.exec);
			break;
		}
		svmgpu_validation_traced(&v);
		if (!err)
			err = svmgpu_gem_make_reachable(bo);
		if (!err && !dropped)
			ret = svmgpu_gem_insert(vmf, bo);
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));

	if (dropped) {
		svmgpu_bo_put(bo);
		return VM_FAULT_RETRY;
	}
	return err ? svmgpu_gem_fault_code(err) : ret;
}

static vm_fault_t svmgpu_gem_fault(struct vm_fault *vmf)
{
	struct svmgpu_bo *bo = ttm_to_bo(vmf->vma->vm_private_data);
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	vm_fault_t ret;
	int idx;

	if (svmgpu_device_wedged(dev) || !drm_dev_enter(&dev->drm, &idx))
		return ttm_bo_vm_dummy_page(vmf, vmf->vma->vm_page_prot);
	if (!svmgpu_gem_fault_fast(vmf, bo, &ret))
		ret = svmgpu_gem_fault_slow(vmf, dev, bo);
	drm_dev_exit(idx);
	return ret;
}

static const struct vm_operations_struct svmgpu_gem_vm_ops = {
	.fault = svmgpu_gem_fault,
	.open = ttm_bo_vm_open,
	.close = ttm_bo_vm_close,
	.access = ttm_bo_vm_access,
};

/* --- object ---------------------------------------------------------------- */

static void svmgpu_gem_free(struct drm_gem_object *obj)
{
	/* TTM has references of its own, for moves and deferred destruction */
	ttm_bo_fini(&gem_to_bo(obj)->ttm);
}

/* Fault-mode VMs lock nothing in an exec, so they could not move their objects. */
static bool svmgpu_gem_in_bulk(const struct svmgpu_bo *bo)
{
	return svmgpu_bo_is_local(bo) && !svmgpu_vm_in_fault_mode(bo->vm);
}

/*
 * A local object is moved with its VM's in the LRU lists for as long as it has a
 * handle: when it is freed its resv is no longer the VM's.
 */
static int svmgpu_gem_handle_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct svmgpu_bo *bo = gem_to_bo(obj);
	int err;

	if (!svmgpu_gem_in_bulk(bo))
		return 0;
	err = svmgpu_bo_lock(bo, true);
	if (err)
		return err;
	if (!bo->handles++)
		ttm_bo_set_bulk_move(&bo->ttm, &bo->vm->lru);
	svmgpu_bo_unlock(bo);
	return 0;
}

static void svmgpu_gem_handle_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct svmgpu_bo *bo = gem_to_bo(obj);

	if (!svmgpu_gem_in_bulk(bo))
		return;
	svmgpu_bo_lock(bo, false);
	if (!--bo->handles)
		ttm_bo_set_bulk_move(&bo->ttm, NULL);
	svmgpu_bo_unlock(bo);
}

static int svmgpu_gem_object_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct svmgpu_bo *bo = gem_to_bo(obj);
	int err;

	err = svmgpu_bo_lock(bo, true);
	if (err)
		return err;
	if (bo->purge == SVMGPU_DONTNEED)
		err = -EBUSY;
	else if (bo->purge == SVMGPU_PURGED)
		err = -EINVAL;
	svmgpu_bo_unlock(bo);
	return err ?: drm_gem_ttm_mmap(obj, vma);
}

static enum drm_gem_object_status svmgpu_gem_status(struct drm_gem_object *obj)
{
	struct svmgpu_bo *bo = gem_to_bo(obj);
	enum drm_gem_object_status status = 0;

	if (bo->ttm.resource && bo->ttm.resource->mem_type != TTM_PL_SYSTEM)
		status |= DRM_GEM_OBJECT_RESIDENT;
	if (bo->purge == SVMGPU_DONTNEED)
		status |= DRM_GEM_OBJECT_PURGEABLE;
	return status;
}

const struct drm_gem_object_funcs svmgpu_gem_funcs = {
	.free = svmgpu_gem_free,
	.open = svmgpu_gem_handle_open,
	.close = svmgpu_gem_handle_close,
	.mmap = svmgpu_gem_object_mmap,
	.export = svmgpu_prime_export,
	.status = svmgpu_gem_status,
	.vmap = drm_gem_ttm_vmap,
	.vunmap = drm_gem_ttm_vunmap,
	.print_info = drm_gem_ttm_print_info,
	.vm_ops = &svmgpu_gem_vm_ops,
};

/* --- ioctls ---------------------------------------------------------------- */

/**
 * svmgpu_gem_check_create() - the arguments of GEM_CREATE
 * @args: as user space gave them
 * @flags: SVMGPU_BO_*
 *
 * Return: 0; -EINVAL; -ENOSPC: larger than any address space.
 */
int svmgpu_gem_check_create(const struct drm_xe_gem_create *args, u32 *flags)
{
	if (args->pad[0] || args->pad[1] || args->pad[2] || args->reserved[0] || args->reserved[1])
		return -EINVAL;
	/* the one extension is about protected content, which this GPU has not */
	if (args->extensions)
		return -EINVAL;
	if (!args->placement || args->placement & ~(SVMGPU_REGION_SYSTEM | SVMGPU_REGION_VRAM))
		return -EINVAL;
	if (args->flags & ~(DRM_XE_GEM_CREATE_FLAG_DEFER_BACKING |
			    DRM_XE_GEM_CREATE_FLAG_SCANOUT |
			    DRM_XE_GEM_CREATE_FLAG_NEEDS_VISIBLE_VRAM |
			    DRM_XE_GEM_CREATE_FLAG_NO_COMPRESSION))
		return -EINVAL;
	if (args->handle || !args->size || !PAGE_ALIGNED(args->size))
		return -EINVAL;

	*flags = 0;
	if (args->placement & SVMGPU_REGION_SYSTEM)
		*flags |= SVMGPU_BO_SYSTEM;
	if (args->placement & SVMGPU_REGION_VRAM)
		*flags |= SVMGPU_BO_VRAM;
	if (args->flags & DRM_XE_GEM_CREATE_FLAG_DEFER_BACKING)
		*flags |= SVMGPU_BO_DEFER;
	if (args->flags & DRM_XE_GEM_CREATE_FLAG_SCANOUT)
		*flags |= SVMGPU_BO_SCANOUT;
	if (args->flags & DRM_XE_GEM_CREATE_FLAG_NO_COMPRESSION)
		*flags |= SVMGPU_BO_NO_COMPRESS;
	if (args->flags & DRM_XE_GEM_CREATE_FLAG_NEEDS_VISIBLE_VRAM) {
		if (!(*flags & SVMGPU_BO_VRAM))
			return -EINVAL;
		*flags |= SVMGPU_BO_VISIBLE;
	}

	if (args->cpu_caching != DRM_XE_GEM_CPU_CACHING_WB &&
	    args->cpu_caching != DRM_XE_GEM_CPU_CACHING_WC)
		return -EINVAL;
	/* VRAM and scanout are write-combined */
	if (*flags & (SVMGPU_BO_VRAM | SVMGPU_BO_SCANOUT) &&
	    args->cpu_caching != DRM_XE_GEM_CPU_CACHING_WC)
		return -EINVAL;
	/* told before anything is evicted for it */
	return args->size > SVMGPU_VM_SIZE ? -ENOSPC : 0;
}

/**
 * svmgpu_gem_create_ioctl() - DRM_IOCTL_XE_GEM_CREATE
 * @drm: the device
 * @data: struct drm_xe_gem_create
 * @file: who asks
 *
 * Return: 0; -EINVAL for bad arguments, -ENOENT for an unknown VM, -ENOSPC or
 * -ENOMEM when it does not fit, -EINTR.
 */
int svmgpu_gem_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct drm_xe_gem_create *args = data;
	struct svmgpu_validation v;
	struct svmgpu_vm *vm = NULL;
	struct svmgpu_bo *bo = NULL;
	u32 flags;
	int err;

	err = svmgpu_gem_check_create(args, &flags);
	if (err)
		return err;
	if (args->vm_id) {
		vm = svmgpu_vm_lookup(file->driver_priv, args->vm_id);
		if (!vm)
			return -ENOENT;
	}
	svmgpu_validation_init(&v, dev, DRM_EXEC_INTERRUPTIBLE_WAIT);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			if (vm) {
				err = svmgpu_validation_lock(&v, drm_gpuvm_resv_obj(&vm->gpuvm),
							     0);
				drm_exec_retry_on_contention(&v.exec);
			}
			break;
		}
		svmgpu_validation_traced(&v);
		if (!err) {
			bo = svmgpu_bo_create(dev, vm, vm ? svmgpu_vm_resv(vm) : NULL, &v.exec,
					      args->size, flags, args->cpu_caching);
			if (IS_ERR(bo))
				err = PTR_ERR(bo);
		}
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
	if (!err) {
		err = drm_gem_handle_create(file, &bo->ttm.base, &args->handle);
		svmgpu_bo_put(bo);
	}
	if (vm)
		svmgpu_vm_put(vm);
	return err;
}

/**
 * svmgpu_gem_check_mmap_offset() - the arguments of GEM_MMAP_OFFSET
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_gem_check_mmap_offset(const struct drm_xe_gem_mmap_offset *args)
{
	if (args->extensions || args->reserved[0] || args->reserved[1] ||
	    args->flags & ~DRM_XE_MMAP_OFFSET_FLAG_PCI_BARRIER)
		return -EINVAL;
	if (args->flags & DRM_XE_MMAP_OFFSET_FLAG_PCI_BARRIER &&
	    (args->handle || PAGE_SIZE != SZ_4K))
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_gem_mmap_offset_ioctl() - DRM_IOCTL_XE_GEM_MMAP_OFFSET
 * @drm: the device
 * @data: struct drm_xe_gem_mmap_offset
 * @file: who asks
 *
 * Return: 0, -EINVAL for bad arguments, -ENOENT for an unknown handle.
 */
int svmgpu_gem_mmap_offset_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_xe_gem_mmap_offset *args = data;
	struct drm_gem_object *obj;
	int err;

	err = svmgpu_gem_check_mmap_offset(args);
	if (err)
		return err;
	if (args->flags & DRM_XE_MMAP_OFFSET_FLAG_PCI_BARRIER) {
		BUILD_BUG_ON(SVMGPU_BARRIER_OFFSET + SZ_4K >
			     (u64)DRM_FILE_PAGE_OFFSET_START << PAGE_SHIFT);
		args->offset = SVMGPU_BARRIER_OFFSET;
		return 0;
	}
	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	args->offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return 0;
}

/* --- PCI barrier page ------------------------------------------------------ */

static void svmgpu_barrier_open(struct vm_area_struct *vma)
{
	drm_dev_get(vma->vm_private_data);
}

static void svmgpu_barrier_close(struct vm_area_struct *vma)
{
	drm_dev_put(vma->vm_private_data);
}

static void svmgpu_barrier_free_page(struct drm_device *drm, void *page)
{
	__free_page(page);
}

static vm_fault_t svmgpu_barrier_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_device *drm = vma->vm_private_data;
	pgprot_t prot = vm_get_page_prot(vma->vm_flags);
	struct page *page;
	vm_fault_t ret;
	int idx;

	if (drm_dev_enter(drm, &idx)) {
		unsigned long pfn = PHYS_PFN(pci_resource_start(to_svmgpu(drm)->pdev,
								SVMGPU_BAR_REGS) +
					     SVMGPU_BARRIER_PAGE);

		ret = vmf_insert_pfn_prot(vma, vma->vm_start, pfn, pgprot_noncached(prot));
		drm_dev_exit(idx);
		return ret;
	}
	/* the device is gone: somewhere to write to, until the last file is closed */
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return VM_FAULT_OOM;
	if (drmm_add_action_or_reset(drm, svmgpu_barrier_free_page, page))
		return VM_FAULT_OOM;
	return vmf_insert_pfn_prot(vma, vma->vm_start, page_to_pfn(page), prot);
}

static const struct vm_operations_struct svmgpu_barrier_vm_ops = {
	.open = svmgpu_barrier_open,
	.close = svmgpu_barrier_close,
	.fault = svmgpu_barrier_fault,
};

static int svmgpu_barrier_mmap(struct drm_device *drm, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start > SZ_4K || is_cow_mapping(vma->vm_flags) ||
	    vma->vm_flags & (VM_READ | VM_EXEC))
		return -EINVAL;
	vm_flags_clear(vma, VM_MAYREAD | VM_MAYEXEC);
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_IO);
	vma->vm_ops = &svmgpu_barrier_vm_ops;
	vma->vm_private_data = drm;
	drm_dev_get(drm);
	return 0;
}

/**
 * svmgpu_gem_mmap() - mmap() of a DRM file
 * @file: the file
 * @vma: the CPU mapping
 *
 * Return: 0 or an error.
 */
int svmgpu_gem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct drm_file *drm_file = file->private_data;
	struct drm_device *drm = drm_file->minor->dev;

	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	if (vma->vm_pgoff == SVMGPU_BARRIER_OFFSET >> PAGE_SHIFT)
		return svmgpu_barrier_mmap(drm, vma);
	return drm_gem_mmap(file, vma);
}

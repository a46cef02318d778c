// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: the prefetches among the operations. Mirrors are prefetched range by
 * range before anything is locked; objects and userptrs take part in each step of
 * svmgpu_bind_execute().
 */
#include <linux/sched/signal.h>

#include <drm/drm_gpuvm.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_bo.h"
#include "svmgpu_svm.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/* Mirrors are prefetched range by range, before anything is locked. */
static int prefetch_mirrors(struct svmgpu_vm *vm, const struct drm_xe_vm_bind_op *user)
{
	const u64 end = user->addr + user->range;
	u64 addr = user->addr;

	while (addr < end) {
		struct drm_gpuva *gpuva = drm_gpuva_find_first(&vm->gpuvm, addr, end - addr);
		struct svmgpu_vma *vma;
		u64 vma_end;
		int err;

		if (!gpuva)
			return 0;
		vma = gpuva_to_vma(gpuva);
		vma_end = svmgpu_vma_end(vma);
		if (svmgpu_vma_is_mirror(vma)) {
			addr = max(addr, svmgpu_vma_start(vma));
			err = svmgpu_svm_prefetch(vm, vma, addr, min(end, vma_end),
						  user->prefetch_mem_region_instance);
			if (err == -EAGAIN) {
				if (signal_pending(current))
					return -EINTR;
				continue;
			}
			/* nothing there to prefetch is no error: it is advice */
			if (err && err != -ENODATA)
				return err;
		}
		addr = vma_end;
	}
	return 0;
}

typedef int (*prefetch_fn)(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region,
			   void *arg);

/* Calls @fn for every object or userptr gpu_vma that an operation prefetches. */
static int each_prefetch(struct svmgpu_bind *bind, prefetch_fn fn, void *arg)
{
	struct drm_gpuva *gpuva;
	int err;
	u32 i;

	if (!bind->prefetches)
		return 0;
	for (i = 0; i < bind->num_ops; i++) {
		const struct drm_xe_vm_bind_op *user = &bind->ops[i];

		if (user->op != DRM_XE_VM_BIND_OP_PREFETCH)
			continue;
		drm_gpuvm_for_each_va_range(gpuva, &bind->vm->gpuvm, user->addr,
					    user->addr + user->range) {
			struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

			if (svmgpu_vma_is_mirror(vma))
				continue;
			err = fn(bind, vma, user->prefetch_mem_region_instance, arg);
			if (err)
				return err;
		}
	}
	return 0;
}

static int prefetch_touch(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	vma->binding = true;
	return svmgpu_bind_touch(bind, svmgpu_vma_start(vma), svmgpu_vma_end(vma));
}

static int prefetch_pin(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	return svmgpu_bind_pin_vma(vma);
}

static int prefetch_lock(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	struct svmgpu_validation *v = arg;
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	return bo ? svmgpu_validation_lock(v, &bo->ttm.base, 1) : 0;
}

static int prefetch_move(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	if (!bo)
		return 0;
	if (bo->purge != SVMGPU_WILLNEED)
		return bo->purge == SVMGPU_PURGED ? -EINVAL : -EBUSY;
	if (region == DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)
		return svmgpu_bo_validate(bo, bind->vm, true);
	return svmgpu_bo_migrate(bo, region);
}

static int prefetch_check(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	return svmgpu_vma_is_userptr(vma) && !svmgpu_userptr_valid(vma) ? -EAGAIN : 0;
}

static int prefetch_done(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u32 region, void *arg)
{
	const bool *committed = arg;

	vma->binding = false;
	if (!*committed)
		return 0;
	vma->present = true;
	vma->invalidated = false;
	if (svmgpu_vma_is_userptr(vma))
		vma->userptr.initial_bind = true;
	return 0;
}

/**
 * svmgpu_bind_prefetch_mirrors() - brings the pages of mirrors to their places
 * @bind: the ioctl, planned
 *
 * Context: VM lock held for write, no resv; may sleep, takes the mmap lock.
 *
 * Return: 0, -EINTR, -ENOMEM, -ENODEV. Pages that cannot be had are skipped.
 */
int svmgpu_bind_prefetch_mirrors(struct svmgpu_bind *bind)
{
	int err;
	u32 i;

	for (i = 0; i < bind->num_ops; i++) {
		if (bind->ops[i].op != DRM_XE_VM_BIND_OP_PREFETCH)
			continue;
		err = prefetch_mirrors(bind->vm, &bind->ops[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * svmgpu_bind_prefetch_touch() - lets prefetched gpu_vmas take part in the change
 * @bind: the ioctl, planned
 *
 * Context: VM lock held for write.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_bind_prefetch_touch(struct svmgpu_bind *bind)
{
	return each_prefetch(bind, prefetch_touch, NULL);
}

/**
 * svmgpu_bind_prefetch_pin() - obtains the pages of prefetched userptrs
 * @bind: the ioctl
 *
 * Context: VM lock held for write, no resv (L6); may sleep.
 *
 * Return: as svmgpu_bind_pin_vma().
 */
int svmgpu_bind_prefetch_pin(struct svmgpu_bind *bind)
{
	return each_prefetch(bind, prefetch_pin, NULL);
}

/**
 * svmgpu_bind_prefetch_lock() - locks the prefetched objects
 * @bind: the ioctl
 * @v: validation section
 *
 * Context: inside drm_exec_until_all_locked().
 *
 * Return: as svmgpu_validation_lock().
 */
int svmgpu_bind_prefetch_lock(struct svmgpu_bind *bind, struct svmgpu_validation *v)
{
	return each_prefetch(bind, prefetch_lock, v);
}

/**
 * svmgpu_bind_prefetch_move() - brings prefetched objects to their places
 * @bind: the ioctl
 *
 * Context: objects locked; may sleep.
 *
 * Return: 0; -EINVAL (purged, or may not be there), -EBUSY (DONTNEED, or pinned
 * elsewhere), or an error of validation.
 */
int svmgpu_bind_prefetch_move(struct svmgpu_bind *bind)
{
	return each_prefetch(bind, prefetch_move, NULL);
}

/**
 * svmgpu_bind_prefetch_check() - are the pages of prefetched userptrs still valid
 * @bind: the ioctl
 *
 * Context: notifier lock held for reading (L5).
 *
 * Return: 0 or -EAGAIN.
 */
int svmgpu_bind_prefetch_check(struct svmgpu_bind *bind)
{
	return each_prefetch(bind, prefetch_check, NULL);
}

/**
 * svmgpu_bind_prefetch_done() - the change is over for prefetched gpu_vmas
 * @bind: the ioctl
 * @committed: their entries were written
 *
 * Context: VM lock held for write; with @committed the objects' resvs and the
 * notifier lock too.
 */
void svmgpu_bind_prefetch_done(struct svmgpu_bind *bind, bool committed)
{
	each_prefetch(bind, prefetch_done, &committed);
}

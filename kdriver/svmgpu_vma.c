// SPDX-License-Identifier: GPL-2.0
/*
 * gpu_vmas: life, memory attributes, and where their pages are.
 */
#include <linux/error-injection.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <drm/drm_pagemap.h>
#include <drm/xe_drm.h>

#include "svmgpu_bind_job.h"
#include "svmgpu_device.h"
#include "svmgpu_stats.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * svmgpu_vma_attr_copy() - copies memory attributes with their reference
 * @to: holds none yet
 * @from: the attributes
 *
 * Context: any.
 */
void svmgpu_vma_attr_copy(struct svmgpu_vma_attr *to, const struct svmgpu_vma_attr *from)
{
	*to = *from;
	if (to->dpagemap)
		drm_pagemap_get(to->dpagemap);
}

static u16 vma_trace_kind(const struct svmgpu_vma *vma)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	if (svmgpu_vma_is_mirror(vma))
		return SVMGPU_TRACE_VMA_MIRROR;
	if (svmgpu_vma_is_userptr(vma))
		return SVMGPU_TRACE_VMA_USERPTR;
	if (svmgpu_vma_is_null(vma) || !bo)
		return SVMGPU_TRACE_VMA_NULL;
	return svmgpu_bo_is_local(bo) ? SVMGPU_TRACE_VMA_BO : SVMGPU_TRACE_VMA_EXTERNAL_BO;
}

/**
 * svmgpu_vma_trace_list() - tells the log that a gpu_vma joined or left a list
 * @vma: the gpu_vma
 * @list: enum svmgpu_trace_list
 * @added: it joined
 *
 * Context: any.
 */
void svmgpu_vma_trace_list(const struct svmgpu_vma *vma, u16 list, bool added)
{
	const struct svmgpu_vm *vm = vma->vm;
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	u32 bo_id = bo ? bo->trace_id : 0;
	u16 gpu = vm->dev->caps.gpu_index;

	if (added)
		trace_svmgpu_list_added(vm->trace_id, vma->trace_id, bo_id, list, gpu, 0,
					SVMGPU_TRACE_OWNER_BIND);
	else
		trace_svmgpu_list_removed(vm->trace_id, vma->trace_id, bo_id, list, gpu, 0,
					  SVMGPU_TRACE_OWNER_BIND);
}

/**
 * svmgpu_vma_trace() - tells the log that a gpu_vma came or went
 * @vma: the gpu_vma
 * @mapped: it came
 *
 * Context: any.
 */
void svmgpu_vma_trace(const struct svmgpu_vma *vma, bool mapped)
{
	const struct svmgpu_vm *vm = vma->vm;
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	u32 bo_id = bo ? bo->trace_id : 0;
	u16 kind = vma_trace_kind(vma);

	svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_PARTITION, mapped);
	if (mapped)
		trace_svmgpu_vma_mapped(vma->trace_id, vm->trace_id, svmgpu_vma_start(vma),
					vma->gpuva.va.range, vma->gpuva.gem.offset, bo_id, kind,
					vm->dev->caps.gpu_index);
	else
		trace_svmgpu_vma_unmapped(vma->trace_id, vm->trace_id, svmgpu_vma_start(vma),
					  vma->gpuva.va.range, vma->gpuva.gem.offset, bo_id, kind,
					  vm->dev->caps.gpu_index);
}

static void vma_free(struct svmgpu_vma *vma)
{
	struct svmgpu_vm *vm = vma->vm;

	if (svmgpu_vma_is_userptr(vma))
		svmgpu_userptr_remove(vma);
	if (vma->ufence)
		svmgpu_user_fence_put(vma->ufence);
	if (vma->attr.dpagemap)
		drm_pagemap_put(vma->attr.dpagemap);
	kfree(vma);
	svmgpu_vm_put(vm);
}

static void vma_destroy_work(struct work_struct *work)
{
	vma_free(container_of(work, struct svmgpu_vma, destroy_work));
}

static void vma_destroy_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct svmgpu_vma *vma = container_of(cb, struct svmgpu_vma, destroy_cb);

	queue_work(vma->vm->dev->unbound_wq, &vma->destroy_work);
}

static struct svmgpu_vma *vma_alloc(struct svmgpu_vm *vm, struct svmgpu_bo *bo, u64 start,
				    u64 bytes, u64 offset, u32 flags,
				    const struct svmgpu_vma_attr *attr, struct mm_struct *mm)
{
	struct svmgpu_vma *vma = kzalloc(sizeof(*vma), GFP_KERNEL_ACCOUNT);
	int err;

	if (!vma)
		return ERR_PTR(-ENOMEM);
	vma->vm = svmgpu_vm_get(vm);
	vma->trace_id = svmgpu_trace_new_id();
	vma->flags = flags;
	INIT_LIST_HEAD(&vma->rebind_link);
	INIT_LIST_HEAD(&vma->op_link);
	INIT_LIST_HEAD(&vma->gpuva.gem.entry);
	INIT_WORK(&vma->destroy_work, vma_destroy_work);
	vma->gpuva.va.addr = start;
	vma->gpuva.va.range = bytes;
	vma->gpuva.gem.obj = bo ? &bo->ttm.base : NULL;
	vma->gpuva.gem.offset = offset;
	svmgpu_vma_attr_copy(&vma->attr, attr);

	if (svmgpu_vma_is_userptr(vma)) {
		err = svmgpu_userptr_insert(vma, mm);
		if (err) {
			vma_free(vma);
			return ERR_PTR(err);
		}
	}
	return vma;
}

/**
 * svmgpu_vma_create() - a gpu_vma that is in no tree yet
 * @vm: the VM, lock held for write
 * @bo: the object, or NULL; referenced once linked
 * @start: GPU address
 * @bytes: size
 * @offset: into the object, or the CPU address of a userptr
 * @flags: SVMGPU_VMA_*
 * @attr: memory attributes, copied
 *
 * Context: may sleep; a userptr takes the mmap lock.
 *
 * Return: the gpu_vma or ERR_PTR().
 */
struct svmgpu_vma *svmgpu_vma_create(struct svmgpu_vm *vm, struct svmgpu_bo *bo, u64 start,
				     u64 bytes, u64 offset, u32 flags,
				     const struct svmgpu_vma_attr *attr)
{
	return vma_alloc(vm, bo, start, bytes, offset, flags, attr, current->mm);
}
ALLOW_ERROR_INJECTION(svmgpu_vma_create, ERRNO);

/**
 * svmgpu_vma_create_part() - what remains of a gpu_vma on one side of a cut
 * @vma: the gpu_vma
 * @start: GPU address, inside it
 * @bytes: size
 *
 * Context: VM lock held for write; may sleep.
 *
 * Return: the part or ERR_PTR().
 */
struct svmgpu_vma *svmgpu_vma_create_part(struct svmgpu_vma *vma, u64 start, u64 bytes)
{
	struct mm_struct *mm = NULL;
	struct svmgpu_vma *part;
	u64 offset = vma->gpuva.gem.offset;

	if (svmgpu_vma_bo(vma) || svmgpu_vma_is_userptr(vma))
		offset += start - svmgpu_vma_start(vma);
	if (svmgpu_vma_is_userptr(vma)) {
		mm = vma->userptr.notifier.mm;
		if (!mmget_not_zero(mm))
			return ERR_PTR(-EFAULT);
	}
	part = vma_alloc(vma->vm, svmgpu_vma_bo(vma), start, bytes, offset, vma->flags,
			 &vma->attr, mm);
	if (mm)
		mmput(mm);
	if (IS_ERR(part))
		return part;
	if (!svmgpu_vma_is_userptr(vma)) {
		part->present = vma->present;
		part->invalidated = vma->invalidated;
	}
	return part;
}
ALLOW_ERROR_INJECTION(svmgpu_vma_create_part, ERRNO);

/**
 * svmgpu_vma_link() - puts a gpu_vma into its object's list
 * @vma: in the VM's tree
 *
 * Context: VM lock for write, VM resv and the object's held (L7, L12); may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_vma_link(struct svmgpu_vma *vma)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	struct drm_gpuvm_bo *vm_bo;

	if (!bo)
		return 0;
	vm_bo = drm_gpuvm_bo_obtain_locked(&vma->vm->gpuvm, &bo->ttm.base);
	if (IS_ERR(vm_bo))
		return PTR_ERR(vm_bo);
	drm_gpuvm_bo_extobj_add(vm_bo);
	drm_gpuva_link(&vma->gpuva, vm_bo);
	drm_gpuvm_bo_put(vm_bo);
	bo->total_vmas++;
	if (vma->attr.purge != DRM_XE_VMA_PURGEABLE_STATE_WILLNEED)
		bo->dontneed_vmas++;
	svmgpu_bo_update_purge(bo);
	svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_GPUVA, true);
	return 0;
}

/**
 * svmgpu_vma_unlink() - takes a gpu_vma out of its object's list
 * @vma: the gpu_vma; nothing happens when it is not linked
 *
 * Context: VM resv and the object's held, VM lock for write (L7, L12).
 */
void svmgpu_vma_unlink(struct svmgpu_vma *vma)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	if (!bo || !vma->gpuva.vm_bo)
		return;
	bo->total_vmas--;
	if (vma->attr.purge != DRM_XE_VMA_PURGEABLE_STATE_WILLNEED)
		bo->dontneed_vmas--;
	svmgpu_bo_update_purge(bo);
	if (vma->gpuva.vm_bo->evicted)
		svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_EVICT, false);
	svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_GPUVA, false);
	drm_gpuva_unlink(&vma->gpuva);
	/* the reference on the object went with the link */
	vma->gpuva.gem.obj = NULL;
}

/**
 * svmgpu_vma_destroy() - frees a gpu_vma once the GPU is done with it
 * @vma: in no tree and no list of an object
 * @fence: of its unbinding, or NULL
 *
 * Context: VM lock held for write, no resv or notifier lock: a userptr's removal
 * waits for invalidations, which take the notifier lock. May sleep.
 */
void svmgpu_vma_destroy(struct svmgpu_vma *vma, struct dma_fence *fence)
{
	struct svmgpu_vm *vm = vma->vm;

	if (!list_empty(&vma->rebind_link)) {
		list_del_init(&vma->rebind_link);
		svmgpu_vma_trace_list(vma, SVMGPU_TRACE_LIST_REBIND, false);
	}
	if (svmgpu_vma_is_userptr(vma)) {
		/* An invalidation that still comes finds it destroyed and adds it to no list. */
		svmgpu_notifier_lock_write(&vm->svm.gpusvm);
		vma->flags |= SVMGPU_VMA_DESTROYED;
		svmgpu_spin_lock(&vm->userptr.invalidated_lock);
		list_del_init(&vma->userptr.invalidate_link);
		svmgpu_spin_unlock(&vm->userptr.invalidated_lock);
		svmgpu_notifier_unlock_write(&vm->svm.gpusvm);
	}
	if (!fence || dma_fence_add_callback(fence, &vma->destroy_cb, vma_destroy_cb))
		vma_free(vma);
}

/**
 * svmgpu_vma_find() - look up by address
 * @vm: the VM, lock held
 * @addr: GPU address
 *
 * Return: the gpu_vma that covers @addr, or NULL.
 */
struct svmgpu_vma *svmgpu_vma_find(struct svmgpu_vm *vm, u64 addr)
{
	struct drm_gpuva *gpuva;

	if (addr >= SVMGPU_VM_SIZE)
		return NULL;
	gpuva = drm_gpuva_find_first(&vm->gpuvm, addr, 1);
	return gpuva ? gpuva_to_vma(gpuva) : NULL;
}

/* --- where the pages are --------------------------------------------------- */

/*
 * Atomics from the GPU to system memory are not atomic against the CPU. In
 * fault mode they fault, and the object moves to VRAM, unless it cannot; other
 * VMs have no such choice.
 */
static void vma_permissions(const struct svmgpu_vma *vma, struct svmgpu_pt_source *base)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	bool atomic = vma->attr.atomic_access != DRM_XE_ATOMIC_CPU;
	bool system;

	base->flags = 0;
	base->system_flags = 0;
	if (svmgpu_vma_read_only(vma))
		return;
	system = atomic && (!svmgpu_vm_in_lr_mode(vma->vm) ||
			    !svmgpu_vm_in_fault_mode(vma->vm) ||
			    vma->attr.atomic_access == DRM_XE_ATOMIC_DEVICE ||
			    (bo && !(bo->flags & SVMGPU_BO_VRAM)));
	base->flags = SVMGPU_PTE_WRITE | (atomic ? SVMGPU_PTE_ATOMIC : 0);
	base->system_flags = SVMGPU_PTE_WRITE | (system ? SVMGPU_PTE_ATOMIC : 0);
}

static void source_rewind_segment(struct svmgpu_vma_source *source)
{
	struct svmgpu_vma *vma = source->vma;
	struct svmgpu_bo *bo;

	source->run_start = source->seg_start;
	source->run_end = source->seg_start;
	source->index = 0;
	if (!vma)
		return;
	bo = svmgpu_vma_bo(vma);
	if (bo)
		svmgpu_bo_cursor_init(&source->cursor, source->vm->dev, bo,
				      vma->gpuva.gem.offset +
				      (source->seg_start - svmgpu_vma_start(vma)),
				      source->seg_end - source->seg_start);
	else if (svmgpu_vma_is_userptr(vma))
		source->run_end = svmgpu_vma_start(vma);
}

static void source_enter_segment(struct svmgpu_vma_source *source, u64 addr)
{
	struct drm_gpuva *gpuva = drm_gpuva_find_first(&source->vm->gpuvm, addr,
						       source->end - addr);
	struct svmgpu_vma *vma = gpuva ? gpuva_to_vma(gpuva) : NULL;
	struct svmgpu_bo *bo;

	source->vma = NULL;
	source->seg_start = addr;
	source->seg_end = source->end;
	if (vma && svmgpu_vma_start(vma) > addr) {
		source->seg_end = svmgpu_vma_start(vma);
	} else if (vma) {
		source->seg_start = max(svmgpu_vma_start(vma), source->start);
		source->seg_end = min(svmgpu_vma_end(vma), source->end);
		bo = svmgpu_vma_bo(vma);
		/* mirrors are mapped range by range; a purged object has no pages */
		if (!svmgpu_vma_is_mirror(vma) && !(bo && bo->purge == SVMGPU_PURGED) &&
		    (!source->wanted || source->wanted(vma))) {
			source->vma = vma;
			vma_permissions(vma, &source->base);
		}
	}
	source_rewind_segment(source);
}

/* The next run of a userptr: entries of the DMA address array cover 2^order pages. */
static void source_next_userptr_run(struct svmgpu_vma_source *source)
{
	const struct drm_pagemap_addr *addr = source->vma->userptr.pages.dma_addr;
	u64 end = svmgpu_vma_end(source->vma), next;

	next = addr[source->index].addr;
	source->run_start = source->run_end;
	source->run_value = SVMGPU_PADDR_SYSTEM(next);
	do {
		u64 bytes = PAGE_SIZE << addr[source->index].order;

		source->run_end += bytes;
		next += bytes;
		source->index++;
	} while (source->run_end < end && addr[source->index].addr == next);
	source->run_end = min(source->run_end, end);
}

static void source_next_bo_run(struct svmgpu_vma_source *source)
{
	struct svmgpu_bo_cursor *cursor = &source->cursor;
	u64 next = cursor->paddr;

	source->run_start = source->run_end;
	source->run_value = next;
	do {
		u64 bytes = cursor->bytes;

		source->run_end += bytes;
		next += bytes;
		svmgpu_bo_cursor_next(cursor, bytes);
	} while (source->run_end < source->seg_end && cursor->bytes && cursor->paddr == next);
}

/* What the staging knew without a look at the pages. */
static void source_skip_bo(struct svmgpu_vma_source *source, u64 bytes)
{
	svmgpu_bo_cursor_next(&source->cursor, bytes);
	source->run_end += bytes;
	source->run_start = source->run_end;
}

static u64 vma_source_next(struct svmgpu_pt_source *base, u64 offset, u64 *bytes)
{
	struct svmgpu_vma_source *source = container_of(base, struct svmgpu_vma_source, base);
	const u64 addr = source->start + offset;

	if (addr < source->seg_start || addr >= source->seg_end)
		source_enter_segment(source, addr);

	*bytes = source->seg_end - addr;
	if (!source->vma)
		return SVMGPU_PT_HOLE;
	if (svmgpu_vma_is_null(source->vma))
		return SVMGPU_PTE_NULL;

	if (addr < source->run_start)
		source_rewind_segment(source);
	else if (addr > source->run_end && svmgpu_vma_bo(source->vma))
		source_skip_bo(source, addr - source->run_end);
	while (addr >= source->run_end) {
		if (svmgpu_vma_is_userptr(source->vma)) {
			if (!source->vma->userptr.pages.dma_addr)
				return SVMGPU_PT_HOLE;
			source_next_userptr_run(source);
		} else {
			if (WARN_ON_ONCE(!source->cursor.bytes))
				return SVMGPU_PT_HOLE;
			source_next_bo_run(source);
		}
	}
	*bytes = min(source->run_end, source->seg_end) - addr;
	return source->run_value + (addr - source->run_start);
}

static u64 vma_source_large(struct svmgpu_pt_source *base, u64 offset)
{
	struct svmgpu_vma_source *source = container_of(base, struct svmgpu_vma_source, base);
	const u64 addr = source->start + offset;
	struct svmgpu_bo *bo;

	if (addr < source->seg_start || addr >= source->seg_end)
		source_enter_segment(source, addr);
	bo = source->vma ? svmgpu_vma_bo(source->vma) : NULL;
	if (!bo)
		return 0;
	return min(svmgpu_bo_large(bo, source->vma->gpuva.gem.offset +
				   (addr - svmgpu_vma_start(source->vma))),
		   source->seg_end - addr);
}

/**
 * svmgpu_vma_source_init() - the pages behind [@start, @end) of a VM
 * @source: filled in
 * @vm: the VM, lock held for as long as the source is used
 * @start: first byte
 * @end: first byte behind
 * @wanted: which gpu_vmas are to be mapped, or NULL for all
 *
 * The objects must be locked and resident, the userptrs pinned. What a userptr's
 * source says is true only while the notifier lock is held and the pages are valid.
 */
void svmgpu_vma_source_init(struct svmgpu_vma_source *source, struct svmgpu_vm *vm, u64 start,
			    u64 end, bool (*wanted)(const struct svmgpu_vma *vma))
{
	memset(source, 0, sizeof(*source));
	source->base.next = vma_source_next;
	source->base.large = vma_source_large;
	source->vm = vm;
	source->start = start;
	source->end = end;
	source->wanted = wanted;
}

/* --- recoverable faults ---------------------------------------------------- */

/* 1: needs VRAM for this access; 0: any place; -EACCES: not permitted. */
static int vma_needs_vram(const struct svmgpu_vma *vma, bool atomic)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);

	if (!atomic)
		return 0;
	if (vma->attr.atomic_access == DRM_XE_ATOMIC_CPU)
		return -EACCES;
	if (vma->attr.atomic_access == DRM_XE_ATOMIC_DEVICE || !bo)
		return svmgpu_vma_is_userptr(vma) ? -EACCES : 0;
	return !!(bo->flags & SVMGPU_BO_VRAM);
}

static int vma_fault_resident(struct svmgpu_vm *vm, struct svmgpu_bo *bo, bool vram)
{
	long left;
	int err = 0;

	if (!bo)
		return 0;
	if (bo->purge == SVMGPU_PURGED)
		return -EACCES;
	if (vram)
		err = svmgpu_bo_migrate(bo, true);
	if (!err)
		err = svmgpu_bo_validate(bo, vm, false);
	if (err)
		return err;
	/* the answer must not come before the contents */
	left = dma_resv_wait_timeout(bo->ttm.base.resv, DMA_RESV_USAGE_KERNEL, false,
				     MAX_SCHEDULE_TIMEOUT);
	return left < 0 ? left : 0;
}

/* All locks held; writes the entries of one gpu_vma. */
static int vma_fault_commit(struct svmgpu_vm *vm, struct svmgpu_vma *vma)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);
	struct svmgpu_vma_source source;
	struct svmgpu_pt_update update;
	u16 flags = 0;
	int err;

	svmgpu_vma_source_init(&source, vm, start, end, NULL);
	err = svmgpu_pt_stage(vm, start, end, &source.base, &update);
	if (err)
		return err;
	err = svmgpu_bind_wait(vm, update.first, update.last);
	if (err)
		goto out;

	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	if (svmgpu_vma_is_userptr(vma) && !svmgpu_userptr_valid(vma)) {
		err = -EAGAIN;
		goto out_notifier;
	}
	svmgpu_pt_commit_cpu(&update);
	vma->present = true;
	vma->invalidated = false;
	if (svmgpu_vma_is_userptr(vma))
		vma->userptr.initial_bind = true;
	if (update.needs_flush) {
		svmgpu_tlb_flush(vm->dev, vm->asid, start, end);
		flags = SVMGPU_TRACE_PT_FLUSHED;
	}
	trace_svmgpu_pt_written(vma->trace_id, start, end - start, vm->trace_id, vma->trace_id,
				vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_FAULT,
				vma_trace_kind(vma), flags, vma->userptr.pages.notifier_seq);
out_notifier:
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
out:
	svmgpu_pt_abort(&update);
	return err;
}

/**
 * svmgpu_vma_fault() - serves a recoverable fault on an object or a userptr
 * @vm: fault-mode VM, lock held for write
 * @vma: the gpu_vma that covers the address
 * @write: the access writes
 * @atomic: the access is atomic
 *
 * Context: may sleep; no other lock held.
 *
 * Return: 0; -EAGAIN: look everything up again; -EACCES: not permitted; -EFAULT:
 * the userptr's CPU mapping is gone; -ENOMEM, -ENOSPC.
 */
int svmgpu_vma_fault(struct svmgpu_vm *vm, struct svmgpu_vma *vma, bool write, bool atomic)
{
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	struct svmgpu_validation v;
	int vram, err;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	if ((write || atomic) && svmgpu_vma_read_only(vma))
		return -EACCES;
	vram = vma_needs_vram(vma, atomic);
	if (vram < 0)
		return vram;

	/*
	 * Several contexts may have faulted on it, or its entries are a job's that
	 * has not run yet; atomics look at the place again.
	 */
	if (!atomic && READ_ONCE(vma->present) && !READ_ONCE(vma->invalidated))
		return svmgpu_bind_wait(vm, svmgpu_vma_start(vma), svmgpu_vma_end(vma) - 1);

	if (svmgpu_vma_is_userptr(vma)) {
		err = svmgpu_userptr_pin(vma);
		if (err)
			return err;
	}

	svmgpu_validation_init(&v, vm->dev, DRM_EXEC_IGNORE_DUPLICATES);
	v.vm = vm;
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			err = svmgpu_validation_lock(&v, vm->gpuvm.r_obj, 1);
			drm_exec_retry_on_contention(&v.exec);
			if (!err && bo) {
				err = svmgpu_validation_lock(&v, &bo->ttm.base, 1);
				drm_exec_retry_on_contention(&v.exec);
			}
			break;
		}
		svmgpu_validation_traced(&v);
		if (!err)
			err = vma_fault_resident(vm, bo, vram);
		if (!err)
			err = vma_fault_commit(vm, vma);
		if (!err)
			svmgpu_pt_free_deferred(vm);
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
	if (!err)
		svmgpu_stat_inc(vm->dev, SVMGPU_STAT_VMA_FAULT);
	return err;
}

/* --- madvise ---------------------------------------------------------------- */

/*
 * In fault mode: zap and flush one gpu_vma, so that it faults in again. VM lock
 * for write, VM resv and the object's held.
 */
static void vma_zap_locked(struct svmgpu_vm *vm, struct svmgpu_vma *vma)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);

	dma_resv_wait_timeout(svmgpu_vm_resv(vm), DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	svmgpu_notifier_lock_read(&vm->svm.gpusvm);
	if (svmgpu_pt_zap(vm, start, end)) {
		trace_svmgpu_pt_zapped(vma->trace_id, start, end - start, vm->trace_id,
				       vma->trace_id, vm->dev->caps.gpu_index,
				       SVMGPU_TRACE_OWNER_NONE, vma_trace_kind(vma),
				       SVMGPU_TRACE_PT_ZEROED, 0);
		svmgpu_tlb_flush(vm->dev, vm->asid, start, end);
	}
	vma->invalidated = true;
	svmgpu_notifier_unlock_read(&vm->svm.gpusvm);
}

/* Locks the VM's resv and @bo's (may be NULL) with one fence slot each. */
static int vma_lock(struct svmgpu_validation *v, struct svmgpu_vm *vm, struct svmgpu_bo *bo)
{
	int err = 0;

	svmgpu_validation_init(v, vm->dev, DRM_EXEC_IGNORE_DUPLICATES);
	v->vm = vm;
	svmgpu_validation_begin(v);
	drm_exec_until_all_locked(&v->exec) {
		err = svmgpu_validation_lock(v, vm->gpuvm.r_obj, 1);
		drm_exec_retry_on_contention(&v->exec);
		if (!err && bo) {
			err = svmgpu_validation_lock(v, &bo->ttm.base, 1);
			drm_exec_retry_on_contention(&v->exec);
		}
		if (err)
			break;
	}
	if (err)
		svmgpu_validation_end(v);
	else
		svmgpu_validation_traced(v);
	return err;
}

/**
 * svmgpu_vma_zap_range() - accesses to objects and userptrs in a range fault again
 * @vm: fault-mode VM, lock held for write; nothing happens for others
 * @start: first byte
 * @end: first byte behind
 *
 * Context: no other lock held; may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_vma_zap_range(struct svmgpu_vm *vm, u64 start, u64 end)
{
	struct svmgpu_validation v;
	struct drm_gpuva *gpuva;
	int err;

	if (!svmgpu_vm_in_fault_mode(vm))
		return 0;
	drm_gpuvm_for_each_va_range(gpuva, &vm->gpuvm, start, end) {
		struct svmgpu_vma *vma = gpuva_to_vma(gpuva);

		if (svmgpu_vma_is_mirror(vma) || !vma->present)
			continue;
		err = vma_lock(&v, vm, svmgpu_vma_bo(vma));
		if (err)
			return err;
		vma_zap_locked(vm, vma);
		svmgpu_validation_end(&v);
	}
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_vma_zap_range, ERRNO);

/*
 * After a split, a leaf may lie across the cut, and a userptr's DMA mapping
 * belongs to the old gpu_vma. In fault mode the parts fault in again; in other
 * modes objects keep their entries (evictions wait for fences and rebind whole
 * objects), and userptrs are repinned once the GPU is idle.
 */
static void vma_split_entries(struct svmgpu_vm *vm, struct svmgpu_vma *old,
			      struct svmgpu_vma **parts)
{
	unsigned int i;

	if (!old->present || (!svmgpu_vm_in_fault_mode(vm) && !svmgpu_vma_is_userptr(old)))
		return;
	vma_zap_locked(vm, old);
	for (i = 0; i < 3; i++) {
		struct svmgpu_vma *vma = parts[i];

		if (!vma)
			continue;
		vma->present = false;
		if (svmgpu_vm_in_fault_mode(vm))
			continue;
		svmgpu_spin_lock(&vm->userptr.invalidated_lock);
		list_move_tail(&vma->userptr.invalidate_link, &vm->userptr.invalidated);
		svmgpu_spin_unlock(&vm->userptr.invalidated_lock);
	}
}

/* Replaces @vma by up to three parts, cut at @start and @end. VM lock for write. */
static int vma_split(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 start, u64 end)
{
	const u64 cuts[4] = {
		svmgpu_vma_start(vma), max(start, svmgpu_vma_start(vma)),
		min(end, svmgpu_vma_end(vma)), svmgpu_vma_end(vma),
	};
	struct svmgpu_vma *parts[3] = {};
	struct svmgpu_bo *bo = svmgpu_vma_bo(vma);
	struct svmgpu_validation v;
	unsigned int i;
	int err;

	for (i = 0; i < 3; i++) {
		if (cuts[i] == cuts[i + 1])
			continue;
		parts[i] = svmgpu_vma_create_part(vma, cuts[i], cuts[i + 1] - cuts[i]);
		if (IS_ERR(parts[i])) {
			err = PTR_ERR(parts[i]);
			parts[i] = NULL;
			goto err_parts;
		}
		parts[i]->ufence = vma->ufence ? svmgpu_user_fence_get(vma->ufence) : NULL;
	}

	if (bo)
		svmgpu_bo_get(bo);
	err = vma_lock(&v, vm, bo);
	if (err)
		goto err_bo;

	drm_gpuva_remove(&vma->gpuva);
	for (i = 0; i < 3; i++) {
		if (!parts[i])
			continue;
		/* cannot fail: the place is free, and the object's link exists already */
		WARN_ON(drm_gpuva_insert(&vm->gpuvm, &parts[i]->gpuva));
		WARN_ON(svmgpu_vma_link(parts[i]));
		if (!list_empty(&vma->rebind_link)) {
			list_add_tail(&parts[i]->rebind_link, &vm->rebind_list);
			svmgpu_vma_trace_list(parts[i], SVMGPU_TRACE_LIST_REBIND, true);
		}
		svmgpu_vma_trace(parts[i], true);
	}
	vma_split_entries(vm, vma, parts);
	svmgpu_vma_trace(vma, false);
	svmgpu_vma_unlink(vma);
	svmgpu_validation_end(&v);
	if (bo)
		svmgpu_bo_put(bo);
	svmgpu_vma_destroy(vma, NULL);
	return 0;

err_bo:
	if (bo)
		svmgpu_bo_put(bo);
err_parts:
	for (i = 0; i < 3; i++)
		if (parts[i])
			svmgpu_vma_destroy(parts[i], NULL);
	return err;
}

/**
 * svmgpu_vma_split_range() - makes [@start, @end) consist of whole gpu_vmas
 * @vm: the VM, lock held for write
 * @start: first byte
 * @end: first byte behind
 *
 * Context: no other lock held; may sleep.
 *
 * Return: 0, -ENOMEM, or -EFAULT when a userptr's process is gone.
 */
int svmgpu_vma_split_range(struct svmgpu_vm *vm, u64 start, u64 end)
{
	struct svmgpu_vma *vma;
	int err;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	vma = svmgpu_vma_find(vm, start);
	if (vma && (svmgpu_vma_start(vma) < start || svmgpu_vma_end(vma) > end)) {
		err = vma_split(vm, vma, start, end);
		if (err)
			return err;
	}
	vma = svmgpu_vma_find(vm, end - 1);
	if (vma && svmgpu_vma_end(vma) > end)
		return vma_split(vm, vma, start, end);
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_vma_split_range, ERRNO);

static bool attr_is_default(const struct svmgpu_vma_attr *attr)
{
	return attr->devmem_fd == DRM_XE_PREFERRED_LOC_DEFAULT_DEVICE && !attr->dpagemap &&
	       attr->migration_policy == DRM_XE_MIGRATE_ALL_PAGES &&
	       attr->atomic_access == DRM_XE_ATOMIC_UNDEFINED &&
	       attr->pat_index == attr->default_pat_index;
}

/**
 * svmgpu_vma_reset_attr() - the CPU mapping is gone, and with it what was said about it
 * @vm: the VM, lock held for write
 * @start: first byte
 * @end: first byte behind
 *
 * Only mirrors that were bound with autoreset forget.
 *
 * Context: no other lock held; may sleep.
 *
 * Return: 0, or -EAGAIN when gpu_vmas were split, so that they must be looked up again.
 */
int svmgpu_vma_reset_attr(struct svmgpu_vm *vm, u64 start, u64 end)
{
	u64 addr = start;
	int ret = 0;

	svmgpu_lockdep_assert_held_write(&vm->lock);
	while (addr < end) {
		struct drm_gpuva *gpuva = drm_gpuva_find_first(&vm->gpuvm, addr, end - addr);
		struct svmgpu_vma *vma;

		if (!gpuva)
			break;
		vma = gpuva_to_vma(gpuva);
		addr = max(addr, svmgpu_vma_start(vma));
		if (!(vma->flags & SVMGPU_VMA_AUTORESET) || attr_is_default(&vma->attr)) {
			addr = svmgpu_vma_end(vma);
			continue;
		}
		if (svmgpu_vma_start(vma) < start || svmgpu_vma_end(vma) > end) {
			/* without memory the attributes stay: they are advice */
			if (vma_split(vm, vma, start, end))
				return ret;
			ret = -EAGAIN;
			vma = svmgpu_vma_find(vm, addr);
			if (WARN_ON_ONCE(!vma))
				return ret;
		}
		if (vma->attr.dpagemap)
			drm_pagemap_put(vma->attr.dpagemap);
		vma->attr.dpagemap = NULL;
		vma->attr.devmem_fd = DRM_XE_PREFERRED_LOC_DEFAULT_DEVICE;
		vma->attr.migration_policy = DRM_XE_MIGRATE_ALL_PAGES;
		vma->attr.atomic_access = DRM_XE_ATOMIC_UNDEFINED;
		vma->attr.pat_index = vma->attr.default_pat_index;
		addr = svmgpu_vma_end(vma);
	}
	return ret;
}

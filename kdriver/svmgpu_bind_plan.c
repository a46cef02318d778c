// SPDX-License-Identifier: GPL-2.0
/*
 * VM_BIND: what an array of operations does to a VM's partition into gpu_vmas.
 */
#include <linux/error-injection.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <drm/drm_gpuvm.h>
#include <drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_device.h"
#include "svmgpu_stats.h"
#include "svmgpu_sync.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/*
 * Each operation is applied to the drm_gpuvm tree at once, so that the next one
 * sees its result. The lists of struct svmgpu_bind record what was created and
 * removed; nothing else changes before the commit, so that undoing is complete.
 */

/**
 * svmgpu_bind_touch() - remembers that entries in a range have to be written
 * @bind: the ioctl
 * @start: first byte
 * @end: first byte behind
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_bind_touch(struct svmgpu_bind *bind, u64 start, u64 end)
{
	if (bind->num_touched == bind->max_touched) {
		u32 max = max(8U, 2 * bind->max_touched);
		struct svmgpu_bind_interval *more;

		more = kvrealloc(bind->touched, max * sizeof(*more), GFP_KERNEL_ACCOUNT);
		if (!more)
			return -ENOMEM;
		bind->touched = more;
		bind->max_touched = max;
	}
	bind->touched[bind->num_touched++] = (struct svmgpu_bind_interval) { start, end };
	return 0;
}

static int bind_insert(struct svmgpu_bind *bind, struct svmgpu_vma *vma)
{
	int err = drm_gpuva_insert(&bind->vm->gpuvm, &vma->gpuva);

	if (err) {
		svmgpu_vma_destroy(vma, NULL);
		return err;
	}
	vma->fresh = true;
	list_add_tail(&vma->op_link, &bind->created);
	return 0;
}

static void bind_remove(struct svmgpu_bind *bind, struct svmgpu_vma *vma)
{
	drm_gpuva_remove(&vma->gpuva);
	list_move_tail(&vma->op_link, vma->fresh ? &bind->stillborn : &bind->removed);
}

/*
 * [start, end) of a gpu_vma goes away. A mirror's ranges go with it unless a
 * mirror takes its place; live ones forbid it.
 */
static int bind_may_remove(struct svmgpu_bind *bind, struct svmgpu_vma *vma, u64 start, u64 end,
			   bool by_mirror)
{
	if (vma->ufence && !vma->fresh && !svmgpu_user_fence_signalled(vma->ufence))
		return -EBUSY;
	if (!svmgpu_vma_is_mirror(vma) || by_mirror)
		return 0;
	if (svmgpu_svm_has_mapping(bind->vm, start, end))
		return -EBUSY;
	return svmgpu_svm_unmap_ranges(bind->vm, start, end);
}

static int bind_op_unmap(struct svmgpu_bind *bind, struct svmgpu_vma *vma, bool by_mirror)
{
	const u64 start = svmgpu_vma_start(vma), end = svmgpu_vma_end(vma);
	int err;

	err = bind_may_remove(bind, vma, start, end, by_mirror);
	if (!err && !svmgpu_vma_is_mirror(vma))
		err = svmgpu_bind_touch(bind, start, end);
	if (!err)
		bind_remove(bind, vma);
	return err;
}

/* One side of a gpu_vma that stays when its middle goes. */
static int bind_keep_part(struct svmgpu_bind *bind, struct svmgpu_vma *old,
			  const struct drm_gpuva_op_map *op)
{
	struct svmgpu_vma *part;

	part = svmgpu_vma_create_part(old, op->va.addr, op->va.range);
	if (IS_ERR(part))
		return PTR_ERR(part);
	part->part = true;
	/* a userptr's entries are written anew, because the DMA mapping is a new one */
	part->binding = old->binding ||
			(svmgpu_vma_is_userptr(old) &&
			 (old->present || !svmgpu_vm_in_fault_mode(bind->vm)));
	if (old->ufence)
		part->ufence = svmgpu_user_fence_get(old->ufence);
	if (!list_empty(&old->rebind_link)) {
		list_add_tail(&part->rebind_link, &bind->vm->rebind_list);
		svmgpu_vma_trace_list(part, SVMGPU_TRACE_LIST_REBIND, true);
	}
	return bind_insert(bind, part);
}

static int bind_op_remap(struct svmgpu_bind *bind, const struct drm_gpuva_op_remap *op,
			 bool by_mirror)
{
	struct svmgpu_vma *old = gpuva_to_vma(op->unmap->va);
	u64 start = svmgpu_vma_start(old), end = svmgpu_vma_end(old);
	int err;

	if (op->prev)
		start = op->prev->va.addr + op->prev->va.range;
	if (op->next)
		end = op->next->va.addr;
	err = bind_may_remove(bind, old, start, end, by_mirror);
	if (err)
		return err;

	if (svmgpu_vma_is_userptr(old))
		err = svmgpu_bind_touch(bind, svmgpu_vma_start(old), svmgpu_vma_end(old));
	else if (!svmgpu_vma_is_mirror(old))
		err = svmgpu_bind_touch(bind, start, end);
	if (err)
		return err;

	bind_remove(bind, old);
	if (op->prev)
		err = bind_keep_part(bind, old, op->prev);
	if (!err && op->next)
		err = bind_keep_part(bind, old, op->next);
	return err;
}

static int bind_op_map(struct svmgpu_bind *bind, const struct drm_xe_vm_bind_op *user,
		       struct svmgpu_bo *bo)
{
	struct svmgpu_vm *vm = bind->vm;
	struct svmgpu_vma_attr attr = {
		.devmem_fd = DRM_XE_PREFERRED_LOC_DEFAULT_DEVICE,
		.migration_policy = DRM_XE_MIGRATE_ALL_PAGES,
		.atomic_access = DRM_XE_ATOMIC_UNDEFINED,
		.pat_index = user->pat_index,
		.default_pat_index = user->pat_index,
		.purge = DRM_XE_VMA_PURGEABLE_STATE_WILLNEED,
	};
	struct svmgpu_vma *vma;
	u32 flags = 0;
	int err;

	if (user->flags & DRM_XE_VM_BIND_FLAG_READONLY)
		flags |= SVMGPU_VMA_READ_ONLY;
	if (user->flags & DRM_XE_VM_BIND_FLAG_NULL)
		flags |= SVMGPU_VMA_NULL;
	if (user->flags & DRM_XE_VM_BIND_FLAG_DUMPABLE)
		flags |= SVMGPU_VMA_DUMPABLE;
	if (user->flags & DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR)
		flags |= SVMGPU_VMA_MIRROR;
	if (user->flags & DRM_XE_VM_BIND_FLAG_MADVISE_AUTORESET)
		flags |= SVMGPU_VMA_AUTORESET;
	if (user->op == DRM_XE_VM_BIND_OP_MAP_USERPTR)
		flags |= SVMGPU_VMA_USERPTR;

	vma = svmgpu_vma_create(vm, bo, user->addr, user->range, user->obj_offset, flags, &attr);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	if (bind->ufence)
		vma->ufence = svmgpu_sync_user_fence_get(bind->ufence);
	/* in fault mode the first access maps, unless user space wants it now */
	vma->binding = !svmgpu_vma_is_mirror(vma) &&
		       (!svmgpu_vm_in_fault_mode(vm) || svmgpu_vma_is_null(vma) ||
			user->flags & DRM_XE_VM_BIND_FLAG_IMMEDIATE);
	err = bind_insert(bind, vma);
	if (!err && !svmgpu_vma_is_mirror(vma))
		err = svmgpu_bind_touch(bind, user->addr, user->addr + user->range);
	return err;
}

/* Applies the pieces that drm_gpuvm found; the caller frees them. */
static int bind_apply(struct svmgpu_bind *bind, struct drm_gpuva_ops *ops,
		      const struct drm_xe_vm_bind_op *user, struct svmgpu_bo *bo)
{
	bool by_mirror = user->op == DRM_XE_VM_BIND_OP_MAP &&
			 user->flags & DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR;
	struct drm_gpuva_op *op;
	int err = 0;

	drm_gpuva_for_each_op(op, ops) {
		switch (op->op) {
		case DRM_GPUVA_OP_MAP:
			err = bind_op_map(bind, user, bo);
			break;
		case DRM_GPUVA_OP_REMAP:
			err = bind_op_remap(bind, &op->remap, by_mirror);
			break;
		case DRM_GPUVA_OP_UNMAP:
			err = bind_op_unmap(bind, gpuva_to_vma(op->unmap.va), by_mirror);
			break;
		default:
			err = -EINVAL;
			break;
		}
		if (err)
			break;
	}
	return err;
}

static int bind_plan_unmap_all(struct svmgpu_bind *bind, struct svmgpu_bo *bo)
{
	struct drm_gpuva *gpuva, *next;
	int err;

	drm_gpuvm_for_each_va_safe(gpuva, next, &bind->vm->gpuvm) {
		if (gpuva->gem.obj != &bo->ttm.base)
			continue;
		err = bind_op_unmap(bind, gpuva_to_vma(gpuva), false);
		if (err)
			return err;
	}
	return 0;
}

static u16 bind_trace_op(const struct drm_xe_vm_bind_op *user)
{
	switch (user->op) {
	case DRM_XE_VM_BIND_OP_MAP:
		if (user->flags & DRM_XE_VM_BIND_FLAG_NULL)
			return SVMGPU_TRACE_BIND_NULL;
		if (user->flags & DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR)
			return SVMGPU_TRACE_BIND_MIRROR;
		return SVMGPU_TRACE_BIND_MAP;
	case DRM_XE_VM_BIND_OP_MAP_USERPTR:
		return SVMGPU_TRACE_BIND_USERPTR;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		return SVMGPU_TRACE_BIND_UNMAP_ALL;
	case DRM_XE_VM_BIND_OP_PREFETCH:
		return SVMGPU_TRACE_BIND_PREFETCH;
	default:
		return SVMGPU_TRACE_BIND_UNMAP;
	}
}

static int bind_plan_op(struct svmgpu_bind *bind, u32 i)
{
	const struct drm_xe_vm_bind_op *user = &bind->ops[i];
	struct drm_gpuvm *gpuvm = &bind->vm->gpuvm;
	struct svmgpu_bo *bo = bind->bos[i];
	struct drm_gpuva_ops *ops;
	int err;

	trace_svmgpu_bind_started(bind->trace_id, bind->vm->trace_id, user->addr, user->range,
				  bo ? bo->trace_id : 0, 0, bind->vm->dev->caps.gpu_index,
				  bind_trace_op(user), 0);
	svmgpu_stat_inc(bind->vm->dev, SVMGPU_STAT_BIND);

	switch (user->op) {
	case DRM_XE_VM_BIND_OP_MAP:
	case DRM_XE_VM_BIND_OP_MAP_USERPTR: {
		struct drm_gpuvm_map_req req = {
			.map.va.addr = user->addr,
			.map.va.range = user->range,
			.map.gem.obj = bo ? &bo->ttm.base : NULL,
			.map.gem.offset = user->obj_offset,
		};

		ops = drm_gpuvm_sm_map_ops_create(gpuvm, &req);
		break;
	}
	case DRM_XE_VM_BIND_OP_UNMAP:
		ops = drm_gpuvm_sm_unmap_ops_create(gpuvm, user->addr, user->range);
		break;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		return bind_plan_unmap_all(bind, bo);
	default:
		bind->prefetches = true;
		return 0;
	}
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	err = bind_apply(bind, ops, user, bo);
	drm_gpuva_ops_free(gpuvm, ops);
	return err;
}

/**
 * svmgpu_bind_plan() - applies all operations to the partition, in order
 * @bind: the ioctl; its lists say what came and went
 *
 * Context: VM lock held for write, no resv; may sleep.
 *
 * Return: 0 or a negative errno; then svmgpu_bind_undo() takes back what was done.
 */
int svmgpu_bind_plan(struct svmgpu_bind *bind)
{
	static atomic_t position;
	int err;
	u32 i;

	for (i = 0; i < bind->num_ops; i++) {
		err = bind_plan_op(bind, i);
		if (err)
			return err;
		if (SVMGPU_BIND_INJECT_ALLOWED && bind->ops[i].flags & SVMGPU_BIND_INJECT_ERROR) {
			bind->inject = true;
			bind->inject_stage = (u32)atomic_inc_return(&position) % SVMGPU_BIND_STAGES;
		}
	}
	return svmgpu_bind_inject(bind, SVMGPU_BIND_STAGE_PLAN);
}
ALLOW_ERROR_INJECTION(svmgpu_bind_plan, ERRNO);

/**
 * svmgpu_bind_undo() - makes the partition what it was before
 * @bind: the ioctl; no entry was written
 *
 * Context: VM lock held for write.
 */
void svmgpu_bind_undo(struct svmgpu_bind *bind)
{
	struct svmgpu_vma *vma, *next;

	list_for_each_entry(vma, &bind->created, op_link)
		drm_gpuva_remove(&vma->gpuva);
	list_for_each_entry_safe(vma, next, &bind->removed, op_link) {
		list_del_init(&vma->op_link);
		WARN_ON(drm_gpuva_insert(&bind->vm->gpuvm, &vma->gpuva));
	}
	list_splice_tail_init(&bind->created, &bind->stillborn);
}

/* --- what to write ------------------------------------------------------------- */

static int interval_cmp(const void *a, const void *b)
{
	const struct svmgpu_bind_interval *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return 0;
}

/*
 * Where an interval begins or ends in a hole, the hole is taken to the boundary
 * of the table if nothing else lives there: then the table goes too (L10: page
 * tables are freed at unbind).
 */
static void interval_widen(struct svmgpu_vm *vm, struct svmgpu_bind_interval *interval)
{
	bool low = !svmgpu_vma_find(vm, interval->start);
	bool high = !svmgpu_vma_find(vm, interval->end - 1);
	unsigned int level;

	for (level = 1; level <= SVMGPU_PT_ROOT_LEVEL && (low || high); level++) {
		const u64 span = BIT_ULL(SVMGPU_PT_SHIFT(level));
		const u64 start = ALIGN_DOWN(interval->start, span);
		const u64 end = ALIGN(interval->end, span);

		if (low && start < interval->start) {
			low = drm_gpuvm_interval_empty(&vm->gpuvm, start,
						       interval->start - start);
			if (low)
				interval->start = start;
		}
		if (high && end > interval->end) {
			high = drm_gpuvm_interval_empty(&vm->gpuvm, interval->end,
							end - interval->end);
			if (high)
				interval->end = end;
		}
	}
}

/**
 * svmgpu_bind_merge() - makes disjoint, sorted intervals of what was touched
 * @bind: the ioctl; the partition is final
 *
 * Context: VM lock held.
 */
void svmgpu_bind_merge(struct svmgpu_bind *bind)
{
	struct svmgpu_bind_interval *touched = bind->touched;
	u32 i, last = 0;

	for (i = 0; i < bind->num_touched; i++)
		interval_widen(bind->vm, &touched[i]);
	sort(touched, bind->num_touched, sizeof(*touched), interval_cmp, NULL);
	for (i = 1; i < bind->num_touched; i++) {
		if (touched[i].start <= touched[last].end)
			touched[last].end = max(touched[last].end, touched[i].end);
		else
			touched[++last] = touched[i];
	}
	if (bind->num_touched)
		bind->num_touched = last + 1;
}

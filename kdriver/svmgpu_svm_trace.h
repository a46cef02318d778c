/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SVM files say to the tracepoints, in their own terms. Each helper
 * costs a static branch while nobody listens.
 */
#ifndef SVMGPU_SVM_TRACE_H
#define SVMGPU_SVM_TRACE_H

#include <linux/bits.h>

#include "svmgpu_device.h"
#include "svmgpu_move.h"
#include "svmgpu_scan.h"
#include "svmgpu_svm.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

static inline u16 vm_gpu(const struct svmgpu_vm *vm)
{
	return vm->dev->caps.gpu_index;
}

/* The place that a scan saw, before a migration. */
static inline u16 svmgpu_trace_scan_place(enum svmgpu_scan_state state)
{
	switch (state) {
	case SVMGPU_SCAN_UNPOPULATED:
		return SVMGPU_TRACE_PLACE_NONE;
	case SVMGPU_SCAN_SYSTEM:
		return SVMGPU_TRACE_PLACE_SYSTEM;
	default:
		return SVMGPU_TRACE_PLACE_MIXED;
	}
}

static inline u16 svmgpu_trace_scan_state(struct svmgpu_vm *vm, struct drm_pagemap *target,
					  enum svmgpu_scan_state state)
{
	switch (state) {
	case SVMGPU_SCAN_EQUAL:
		return target == vm->svm.pagemap ? SVMGPU_TRACE_STATE_GPU :
						   SVMGPU_TRACE_STATE_OTHER_GPU;
	case SVMGPU_SCAN_OTHER:
		return SVMGPU_TRACE_STATE_OTHER_GPU;
	case SVMGPU_SCAN_SYSTEM:
		return SVMGPU_TRACE_STATE_SYSTEM;
	case SVMGPU_SCAN_MIXED:
		return SVMGPU_TRACE_STATE_MIXED;
	case SVMGPU_SCAN_MIXED_DEVICE:
		return SVMGPU_TRACE_STATE_MIXED_DEVICE;
	default:
		return SVMGPU_TRACE_STATE_UNPOPULATED;
	}
}

static_assert(BIT(SVMGPU_SCAN_ABSENT) == SVMGPU_TRACE_SEEN_ABSENT &&
	      BIT(SVMGPU_SCAN_INACCESSIBLE) == SVMGPU_TRACE_SEEN_INACCESSIBLE &&
	      BIT(SVMGPU_SCAN_HINT) == SVMGPU_TRACE_SEEN_HINT &&
	      BIT(SVMGPU_SCAN_IN_SYSTEM) == SVMGPU_TRACE_SEEN_SYSTEM &&
	      BIT(SVMGPU_SCAN_IN_TARGET) == SVMGPU_TRACE_SEEN_TARGET &&
	      BIT(SVMGPU_SCAN_IN_OTHER) == SVMGPU_TRACE_SEEN_OTHER &&
	      BIT(SVMGPU_SCAN_IN_FURTHER) == SVMGPU_TRACE_SEEN_FURTHER);

static inline void svmgpu_trace_scan_result(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					    u32 fault, struct drm_pagemap *target, bool only_system,
					    const struct svmgpu_scan_result *result)
{
	trace_svmgpu_scan_completed(range->trace_id, vm->trace_id,
				    drm_gpusvm_range_start(&range->base),
				    drm_gpusvm_range_size(&range->base),
				    svmgpu_trace_scan_state(vm, target, result->state),
				    result->seen, result->windows, result->collisions, fault,
				    vm_gpu(vm), result->decision, only_system);
}

/* @vm and @range may be NULL: a move that no single VM asked for. Returns its id. */
static inline u32 svmgpu_trace_move_begin(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					  struct svmgpu_device *dev, u16 cause, u32 fault,
					  u64 bytes, u16 from, u16 to)
{
	u32 id;

	if (!trace_svmgpu_migration_started_enabled())
		return 0;

	id = svmgpu_trace_new_id();
	trace_svmgpu_migration_started(id, range ? range->trace_id : 0, vm ? vm->trace_id : 0,
				       dev->caps.gpu_index, cause,
				       range ? drm_gpusvm_range_start(&range->base) : 0, bytes,
				       from, to, fault);

	return id;
}

static inline void svmgpu_trace_move_end(u32 id, int result, u64 bytes,
					 const struct svmgpu_checksum *sum)
{
	if (id)
		trace_svmgpu_migration_ended(id, result, bytes, sum->before, sum->after);
}

/** struct svmgpu_trace_populate - a migration that drm_pagemap is asked for */
struct svmgpu_trace_populate {
	/** @id: in the log */
	u32 id;
	/** @bytes: of the range */
	u64 bytes;
	/** @move: collects the checksums of its copies */
	struct svmgpu_move move;
};

static inline void svmgpu_trace_populate_begin(struct svmgpu_trace_populate *populate,
					       struct svmgpu_vm *vm,
					       struct svmgpu_svm_range *range,
					       const struct svmgpu_svm_try *try,
					       struct drm_pagemap *target)
{
	const u16 cause = try->fault_id ? SVMGPU_TRACE_CAUSE_FAULT : SVMGPU_TRACE_CAUSE_PREFETCH;
	const u16 to = SVMGPU_TRACE_PLACE_VRAM(svmgpu_pagemap_device(target)->caps.gpu_index);

	populate->bytes = drm_gpusvm_range_size(&range->base);
	populate->id = svmgpu_trace_move_begin(vm, range, vm->dev, cause, try->fault_id,
					       populate->bytes,
					       svmgpu_trace_scan_place(try->from), to);
	svmgpu_move_begin(&populate->move, cause, SVMGPU_TRACE_PLACE_NONE);
}

static inline void svmgpu_trace_populate_end(struct svmgpu_trace_populate *populate, int result)
{
	svmgpu_move_end(&populate->move);
	svmgpu_trace_move_end(populate->id, result, result ? 0 : populate->bytes,
			      &populate->move.sum);
}

static inline void svmgpu_trace_range_is(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					 u16 state, u16 owner, u16 cause)
{
	trace_svmgpu_range_state_changed(range->trace_id, vm->trace_id,
					 drm_gpusvm_range_start(&range->base),
					 drm_gpusvm_range_size(&range->base), state, vm_gpu(vm),
					 owner, cause);
}

/* Notifier lock held, pages valid: where they are is known from their mapping. */
static inline void svmgpu_trace_range_mapped(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					     u16 cause)
{
	u16 state = SVMGPU_TRACE_STATE_SYSTEM, owner = SVMGPU_TRACE_NO_GPU;

	if (!trace_svmgpu_range_state_changed_enabled())
		return;

	if (range->base.pages.flags.has_devmem_pages) {
		owner = svmgpu_pagemap_device(range->base.pages.dpagemap)->caps.gpu_index;
		state = owner == vm_gpu(vm) ? SVMGPU_TRACE_STATE_GPU :
					      SVMGPU_TRACE_STATE_OTHER_GPU;
	}
	svmgpu_trace_range_is(vm, range, state, owner, cause);
}

/*
 * Notifier lock held for write: the GPU has lost its mapping of [start, end), at
 * least a part of the range. Where the pages go to is known when this driver
 * moves them; else they are not there for the GPU until its next fault.
 */
static inline void svmgpu_trace_range_lost(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					   u64 start, u64 end, enum mmu_notifier_event event)
{
	u16 state = SVMGPU_TRACE_STATE_UNPOPULATED, owner = SVMGPU_TRACE_NO_GPU;
	u16 cause, to = SVMGPU_TRACE_PLACE_NONE;

	if (!trace_svmgpu_range_state_changed_enabled())
		return;

	switch (event) {
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_PROTECTION_PAGE:
	case MMU_NOTIFY_SOFT_DIRTY:
		return;	/* they stay where they are */
	case MMU_NOTIFY_UNMAP:
	case MMU_NOTIFY_RELEASE:
		cause = SVMGPU_TRACE_CAUSE_UNMAP;
		break;
	default:
		if (svmgpu_move_current(&cause, &to) || event == MMU_NOTIFY_MIGRATE)
			break;
		cause = SVMGPU_TRACE_CAUSE_UNKNOWN;
		to = SVMGPU_TRACE_PLACE_NONE;
		break;
	}

	/* a move takes the whole range along, however many events it needs for that */
	if (to == SVMGPU_TRACE_PLACE_SYSTEM) {
		state = SVMGPU_TRACE_STATE_SYSTEM;
	} else if (to == SVMGPU_TRACE_PLACE_NONE) {
		if (start > drm_gpusvm_range_start(&range->base) ||
		    end < drm_gpusvm_range_end(&range->base))
			state = SVMGPU_TRACE_STATE_MIXED;
	} else {
		owner = to - SVMGPU_TRACE_PLACE_VRAM(0);
		state = owner == vm_gpu(vm) ? SVMGPU_TRACE_STATE_GPU :
					      SVMGPU_TRACE_STATE_OTHER_GPU;
	}
	svmgpu_trace_range_is(vm, range, state, owner, cause);
}

static inline u32 svmgpu_trace_range_bind(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					  u32 fault)
{
	u32 id;

	if (!trace_svmgpu_bind_started_enabled())
		return 0;

	id = svmgpu_trace_new_id();
	trace_svmgpu_bind_started(id, vm->trace_id, drm_gpusvm_range_start(&range->base),
				  drm_gpusvm_range_size(&range->base), range->trace_id, 0,
				  vm_gpu(vm), SVMGPU_TRACE_BIND_RANGE, fault);

	return id;
}

static inline void __svmgpu_trace_seq_begun(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					    u32 fault, unsigned long seq, bool by_helper)
{
	trace_svmgpu_seq_begun(fault, vm->trace_id, range->trace_id, seq, by_helper, 0, vm_gpu(vm),
			       fault ? SVMGPU_TRACE_OWNER_FAULT : SVMGPU_TRACE_OWNER_PREFETCH, 0);
}

/* A sequence was begun, which may have waited for invalidations (S1). */
static inline void svmgpu_trace_seq_begun(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					  u32 fault, unsigned long seq)
{
	__svmgpu_trace_seq_begun(vm, range, fault, seq, false);
}

/* What is called next will begin one, perhaps several: drm_gpusvm tells nobody of it. */
static inline void svmgpu_trace_seq_begins(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					   u32 fault)
{
	__svmgpu_trace_seq_begun(vm, range, fault, 0, true);
}

/* A mark of a fault's attempt: S3 seq_checked, L6 pages_obtained. */
static inline void svmgpu_trace_fault_phase(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					    const struct svmgpu_svm_try *try, u64 value,
					    void (*event)(u64 owner_id, u32 vm, u32 object, u64 seq,
							  u64 value, s32 result, u16 gpu,
							  u16 owner, u32 attempt))
{
	event(try->fault_id, vm->trace_id, range->trace_id, range->base.pages.notifier_seq, value,
	      0, vm_gpu(vm),
	      try->fault_id ? SVMGPU_TRACE_OWNER_FAULT : SVMGPU_TRACE_OWNER_PREFETCH,
	      try->attempts);
}

/* Notifier lock held: the sequence was checked, the entries are in the page tables now (S3). */
static inline void svmgpu_trace_range_written(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					      u32 fault)
{
	trace_svmgpu_pt_written(fault, drm_gpusvm_range_start(&range->base),
				drm_gpusvm_range_size(&range->base), vm->trace_id,
				range->trace_id, vm_gpu(vm),
				fault ? SVMGPU_TRACE_OWNER_FAULT : SVMGPU_TRACE_OWNER_PREFETCH,
				SVMGPU_TRACE_VMA_MIRROR, 0, range->base.pages.notifier_seq);
}

/* Notifier lock held for write; returns the id of the invalidation, 0 when nobody listens. */
static inline u32 svmgpu_trace_invalidation_begin(struct svmgpu_vm *vm,
						  struct drm_gpusvm_notifier *notifier, u64 start,
						  u64 end, enum mmu_notifier_event event)
{
	u32 id;

	if (!trace_svmgpu_invalidation_started_enabled())
		return 0;

	id = svmgpu_trace_new_id();
	trace_svmgpu_invalidation_started(id, vm->trace_id, start, end - start, 0,
					  svmgpu_trace_notify_event(event), vm_gpu(vm),
					  SVMGPU_TRACE_VMA_MIRROR,
					  notifier->notifier.invalidate_seq);

	return id;
}

static inline void svmgpu_trace_invalidation_end(struct svmgpu_vm *vm, u32 id)
{
	if (id)
		trace_svmgpu_invalidation_ended(id, vm->trace_id, 0,
						SVMGPU_TRACE_INVALIDATION_ZAPPED |
						SVMGPU_TRACE_INVALIDATION_FLUSHED, 0);
}

/* Notifier lock held: the entries of a range were cleared. */
static inline void svmgpu_trace_range_zapped(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					     u32 invalidation)
{
	trace_svmgpu_pt_zapped(invalidation, drm_gpusvm_range_start(&range->base),
			       drm_gpusvm_range_size(&range->base), vm->trace_id,
			       range->trace_id, vm_gpu(vm),
			       invalidation ? SVMGPU_TRACE_OWNER_INVALIDATION :
					      SVMGPU_TRACE_OWNER_GC,
			       SVMGPU_TRACE_VMA_MIRROR, SVMGPU_TRACE_PT_ZEROED, 0);
}

/* Notifier lock held for write: the pages of a range are no longer valid. */
static inline void svmgpu_trace_range_touched(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
					      u32 invalidation, enum mmu_notifier_event event)
{
	trace_svmgpu_range_invalidated(range->trace_id, vm->trace_id,
				       drm_gpusvm_range_start(&range->base),
				       drm_gpusvm_range_size(&range->base), invalidation,
				       svmgpu_trace_notify_event(event), vm_gpu(vm));
}

#endif

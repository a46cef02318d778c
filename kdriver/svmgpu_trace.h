/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's tracepoints. Each has the name of a record type of the trace
 * area (its header in qemu-hw/abi) and, as arguments, the fields of that
 * record's payload in their order without the reserved ones; what a field means
 * and its enumerations are said there. trace-cmd and perf can use them, and the
 * sink (svmgpu_trace_sink.c) copies them to the log.
 *
 * Ids come from svmgpu_trace_new_id(), faults are named as in the fault ring,
 * GPUs by their index in the fabric. Arguments that cost something to compute
 * belong under "if (trace_svmgpu_..._enabled())".
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM svmgpu

#if !defined(SVMGPU_TRACEPOINTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define SVMGPU_TRACEPOINTS_H

#include <linux/mmu_notifier.h>
#include <linux/tracepoint.h>

#include <abi/svmgpu_trace.h>

#include "svmgpu_lock.h"

/* svmgpu_trace.c. Never zero, never twice. Any context. */
u32 svmgpu_trace_new_id(void);
u16 svmgpu_trace_notify_event(enum mmu_notifier_event event);

int svmgpu_trace_lock_reg(void);
void svmgpu_trace_lock_unreg(void);

DECLARE_EVENT_CLASS(svmgpu_vm,
		    TP_PROTO(u32 vm, u16 gpu, u16 flags, u32 asid, u32 tgid),
		    TP_ARGS(vm, gpu, flags, asid, tgid),
		    TP_STRUCT__entry(__field(u32, vm)
				     __field(u16, gpu)
				     __field(u16, flags)
				     __field(u32, asid)
				     __field(u32, tgid)),
		    TP_fast_assign(__entry->vm = vm;
				   __entry->gpu = gpu;
				   __entry->flags = flags;
				   __entry->asid = asid;
				   __entry->tgid = tgid;),
		    TP_printk("vm=%u gpu=%u flags=0x%x asid=%u tgid=%u",
			      __entry->vm, __entry->gpu, __entry->flags, __entry->asid,
			      __entry->tgid));

DEFINE_EVENT(svmgpu_vm, svmgpu_vm_created,
	     TP_PROTO(u32 vm, u16 gpu, u16 flags, u32 asid, u32 tgid),
	     TP_ARGS(vm, gpu, flags, asid, tgid));

DEFINE_EVENT(svmgpu_vm, svmgpu_vm_destroyed,
	     TP_PROTO(u32 vm, u16 gpu, u16 flags, u32 asid, u32 tgid),
	     TP_ARGS(vm, gpu, flags, asid, tgid));

DECLARE_EVENT_CLASS(svmgpu_bo,
		    TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 placement, u32 flags),
		    TP_ARGS(bo, vm, bytes, gpu, placement, flags),
		    TP_STRUCT__entry(__field(u32, bo)
				     __field(u32, vm)
				     __field(u64, bytes)
				     __field(u16, gpu)
				     __field(u16, placement)
				     __field(u32, flags)),
		    TP_fast_assign(__entry->bo = bo;
				   __entry->vm = vm;
				   __entry->bytes = bytes;
				   __entry->gpu = gpu;
				   __entry->placement = placement;
				   __entry->flags = flags;),
		    TP_printk("bo=%u vm=%u bytes=0x%llx gpu=%u placement=%u flags=0x%x",
			      __entry->bo, __entry->vm, __entry->bytes, __entry->gpu,
			      __entry->placement, __entry->flags));

DEFINE_EVENT(svmgpu_bo, svmgpu_bo_created,
	     TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 placement, u32 flags),
	     TP_ARGS(bo, vm, bytes, gpu, placement, flags));

DEFINE_EVENT(svmgpu_bo, svmgpu_bo_destroyed,
	     TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 placement, u32 flags),
	     TP_ARGS(bo, vm, bytes, gpu, placement, flags));

DEFINE_EVENT(svmgpu_bo, svmgpu_bo_purged,
	     TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 placement, u32 flags),
	     TP_ARGS(bo, vm, bytes, gpu, placement, flags));

DECLARE_EVENT_CLASS(svmgpu_bo_move,
		    TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 from, u16 to, u16 cause,
			     s32 result),
		    TP_ARGS(bo, vm, bytes, gpu, from, to, cause, result),
		    TP_STRUCT__entry(__field(u32, bo)
				     __field(u32, vm)
				     __field(u64, bytes)
				     __field(u16, gpu)
				     __field(u16, from)
				     __field(u16, to)
				     __field(u16, cause)
				     __field(s32, result)),
		    TP_fast_assign(__entry->bo = bo;
				   __entry->vm = vm;
				   __entry->bytes = bytes;
				   __entry->gpu = gpu;
				   __entry->from = from;
				   __entry->to = to;
				   __entry->cause = cause;
				   __entry->result = result;),
		    TP_printk("bo=%u vm=%u bytes=0x%llx gpu=%u from=%u to=%u cause=%u result=%d",
			      __entry->bo, __entry->vm, __entry->bytes, __entry->gpu, __entry->from,
			      __entry->to, __entry->cause, __entry->result));

DEFINE_EVENT(svmgpu_bo_move, svmgpu_bo_moved,
	     TP_PROTO(u32 bo, u32 vm, u64 bytes, u16 gpu, u16 from, u16 to, u16 cause, s32 result),
	     TP_ARGS(bo, vm, bytes, gpu, from, to, cause, result));

DECLARE_EVENT_CLASS(svmgpu_vma,
		    TP_PROTO(u32 vma, u32 vm, u64 va, u64 bytes, u64 offset, u32 bo, u16 kind,
			     u16 gpu),
		    TP_ARGS(vma, vm, va, bytes, offset, bo, kind, gpu),
		    TP_STRUCT__entry(__field(u32, vma)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u64, offset)
				     __field(u32, bo)
				     __field(u16, kind)
				     __field(u16, gpu)),
		    TP_fast_assign(__entry->vma = vma;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->offset = offset;
				   __entry->bo = bo;
				   __entry->kind = kind;
				   __entry->gpu = gpu;),
		    TP_printk("vma=%u vm=%u va=0x%llx bytes=0x%llx offset=0x%llx bo=%u kind=%u gpu=%u",
			      __entry->vma, __entry->vm, __entry->va, __entry->bytes,
			      __entry->offset, __entry->bo, __entry->kind, __entry->gpu));

DEFINE_EVENT(svmgpu_vma, svmgpu_vma_mapped,
	     TP_PROTO(u32 vma, u32 vm, u64 va, u64 bytes, u64 offset, u32 bo, u16 kind, u16 gpu),
	     TP_ARGS(vma, vm, va, bytes, offset, bo, kind, gpu));

DEFINE_EVENT(svmgpu_vma, svmgpu_vma_unmapped,
	     TP_PROTO(u32 vma, u32 vm, u64 va, u64 bytes, u64 offset, u32 bo, u16 kind, u16 gpu),
	     TP_ARGS(vma, vm, va, bytes, offset, bo, kind, gpu));

DECLARE_EVENT_CLASS(svmgpu_queue,
		    TP_PROTO(u32 queue, u32 vm, u16 gpu, u16 engine, u32 flags),
		    TP_ARGS(queue, vm, gpu, engine, flags),
		    TP_STRUCT__entry(__field(u32, queue)
				     __field(u32, vm)
				     __field(u16, gpu)
				     __field(u16, engine)
				     __field(u32, flags)),
		    TP_fast_assign(__entry->queue = queue;
				   __entry->vm = vm;
				   __entry->gpu = gpu;
				   __entry->engine = engine;
				   __entry->flags = flags;),
		    TP_printk("queue=%u vm=%u gpu=%u engine=%u flags=0x%x",
			      __entry->queue, __entry->vm, __entry->gpu, __entry->engine,
			      __entry->flags));

DEFINE_EVENT(svmgpu_queue, svmgpu_queue_created,
	     TP_PROTO(u32 queue, u32 vm, u16 gpu, u16 engine, u32 flags),
	     TP_ARGS(queue, vm, gpu, engine, flags));

DEFINE_EVENT(svmgpu_queue, svmgpu_queue_destroyed,
	     TP_PROTO(u32 queue, u32 vm, u16 gpu, u16 engine, u32 flags),
	     TP_ARGS(queue, vm, gpu, engine, flags));

DECLARE_EVENT_CLASS(svmgpu_range,
		    TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u32 vma, u16 gpu),
		    TP_ARGS(range, vm, va, bytes, vma, gpu),
		    TP_STRUCT__entry(__field(u32, range)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, vma)
				     __field(u16, gpu)),
		    TP_fast_assign(__entry->range = range;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->vma = vma;
				   __entry->gpu = gpu;),
		    TP_printk("range=%u vm=%u va=0x%llx bytes=0x%llx vma=%u gpu=%u",
			      __entry->range, __entry->vm, __entry->va, __entry->bytes,
			      __entry->vma, __entry->gpu));

DEFINE_EVENT(svmgpu_range, svmgpu_range_created,
	     TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u32 vma, u16 gpu),
	     TP_ARGS(range, vm, va, bytes, vma, gpu));

DEFINE_EVENT(svmgpu_range, svmgpu_range_destroyed,
	     TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u32 vma, u16 gpu),
	     TP_ARGS(range, vm, va, bytes, vma, gpu));

DECLARE_EVENT_CLASS(svmgpu_range_state,
		    TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u16 state, u16 gpu, u16 owner,
			     u16 cause),
		    TP_ARGS(range, vm, va, bytes, state, gpu, owner, cause),
		    TP_STRUCT__entry(__field(u32, range)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u16, state)
				     __field(u16, gpu)
				     __field(u16, owner)
				     __field(u16, cause)),
		    TP_fast_assign(__entry->range = range;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->state = state;
				   __entry->gpu = gpu;
				   __entry->owner = owner;
				   __entry->cause = cause;),
		    TP_printk("range=%u vm=%u va=0x%llx bytes=0x%llx state=%u gpu=%u owner=%u cause=%u",
			      __entry->range, __entry->vm, __entry->va, __entry->bytes,
			      __entry->state, __entry->gpu, __entry->owner, __entry->cause));

DEFINE_EVENT(svmgpu_range_state, svmgpu_range_state_changed,
	     TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u16 state, u16 gpu, u16 owner,
		      u16 cause),
	     TP_ARGS(range, vm, va, bytes, state, gpu, owner, cause));

DECLARE_EVENT_CLASS(svmgpu_touch,
		    TP_PROTO(u32 object, u32 vm, u64 va, u64 bytes, u32 invalidation, u16 event,
			     u16 gpu),
		    TP_ARGS(object, vm, va, bytes, invalidation, event, gpu),
		    TP_STRUCT__entry(__field(u32, object)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, invalidation)
				     __field(u16, event)
				     __field(u16, gpu)),
		    TP_fast_assign(__entry->object = object;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->invalidation = invalidation;
				   __entry->event = event;
				   __entry->gpu = gpu;),
		    TP_printk("object=%u vm=%u va=0x%llx bytes=0x%llx invalidation=%u event=%u gpu=%u",
			      __entry->object, __entry->vm, __entry->va, __entry->bytes,
			      __entry->invalidation, __entry->event, __entry->gpu));

DEFINE_EVENT(svmgpu_touch, svmgpu_range_invalidated,
	     TP_PROTO(u32 object, u32 vm, u64 va, u64 bytes, u32 invalidation, u16 event, u16 gpu),
	     TP_ARGS(object, vm, va, bytes, invalidation, event, gpu));

DEFINE_EVENT(svmgpu_touch, svmgpu_userptr_invalidated,
	     TP_PROTO(u32 object, u32 vm, u64 va, u64 bytes, u32 invalidation, u16 event, u16 gpu),
	     TP_ARGS(object, vm, va, bytes, invalidation, event, gpu));

DECLARE_EVENT_CLASS(svmgpu_scan,
		    TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u16 state, u16 seen, u16 windows,
			     u16 collisions, u64 fault, u16 gpu, u16 decision, u16 policy),
		    TP_ARGS(range, vm, va, bytes, state, seen, windows, collisions, fault, gpu,
			    decision, policy),
		    TP_STRUCT__entry(__field(u32, range)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u16, state)
				     __field(u16, seen)
				     __field(u16, windows)
				     __field(u16, collisions)
				     __field(u64, fault)
				     __field(u16, gpu)
				     __field(u16, decision)
				     __field(u16, policy)),
		    TP_fast_assign(__entry->range = range;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->state = state;
				   __entry->seen = seen;
				   __entry->windows = windows;
				   __entry->collisions = collisions;
				   __entry->fault = fault;
				   __entry->gpu = gpu;
				   __entry->decision = decision;
				   __entry->policy = policy;),
		    TP_printk("range=%u vm=%u va=0x%llx bytes=0x%llx state=%u seen=%u windows=%u collisions=%u fault=%llu gpu=%u decision=%u policy=%u",
			      __entry->range, __entry->vm, __entry->va, __entry->bytes,
			      __entry->state, __entry->seen, __entry->windows, __entry->collisions,
			      __entry->fault, __entry->gpu, __entry->decision, __entry->policy));

DEFINE_EVENT(svmgpu_scan, svmgpu_scan_completed,
	     TP_PROTO(u32 range, u32 vm, u64 va, u64 bytes, u16 state, u16 seen, u16 windows,
		      u16 collisions, u64 fault, u16 gpu, u16 decision, u16 policy),
	     TP_ARGS(range, vm, va, bytes, state, seen, windows, collisions, fault, gpu, decision,
		     policy));

DECLARE_EVENT_CLASS(svmgpu_migration_start,
		    TP_PROTO(u32 migration, u32 range, u32 vm, u16 gpu, u16 cause, u64 va,
			     u64 bytes, u16 from, u16 to, u64 fault),
		    TP_ARGS(migration, range, vm, gpu, cause, va, bytes, from, to, fault),
		    TP_STRUCT__entry(__field(u32, migration)
				     __field(u32, range)
				     __field(u32, vm)
				     __field(u16, gpu)
				     __field(u16, cause)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u16, from)
				     __field(u16, to)
				     __field(u64, fault)),
		    TP_fast_assign(__entry->migration = migration;
				   __entry->range = range;
				   __entry->vm = vm;
				   __entry->gpu = gpu;
				   __entry->cause = cause;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->from = from;
				   __entry->to = to;
				   __entry->fault = fault;),
		    TP_printk("migration=%u range=%u vm=%u gpu=%u cause=%u va=0x%llx bytes=0x%llx from=%u to=%u fault=%llu",
			      __entry->migration, __entry->range, __entry->vm, __entry->gpu,
			      __entry->cause, __entry->va, __entry->bytes, __entry->from,
			      __entry->to, __entry->fault));

DEFINE_EVENT(svmgpu_migration_start, svmgpu_migration_started,
	     TP_PROTO(u32 migration, u32 range, u32 vm, u16 gpu, u16 cause, u64 va, u64 bytes,
		      u16 from, u16 to, u64 fault),
	     TP_ARGS(migration, range, vm, gpu, cause, va, bytes, from, to, fault));

DECLARE_EVENT_CLASS(svmgpu_migration_end,
		    TP_PROTO(u32 migration, s32 result, u64 bytes, u64 checksum_before,
			     u64 checksum_after),
		    TP_ARGS(migration, result, bytes, checksum_before, checksum_after),
		    TP_STRUCT__entry(__field(u32, migration)
				     __field(s32, result)
				     __field(u64, bytes)
				     __field(u64, checksum_before)
				     __field(u64, checksum_after)),
		    TP_fast_assign(__entry->migration = migration;
				   __entry->result = result;
				   __entry->bytes = bytes;
				   __entry->checksum_before = checksum_before;
				   __entry->checksum_after = checksum_after;),
		    TP_printk("migration=%u result=%d bytes=0x%llx checksum_before=0x%llx checksum_after=0x%llx",
			      __entry->migration, __entry->result, __entry->bytes,
			      __entry->checksum_before, __entry->checksum_after));

DEFINE_EVENT(svmgpu_migration_end, svmgpu_migration_ended,
	     TP_PROTO(u32 migration, s32 result, u64 bytes, u64 checksum_before,
		      u64 checksum_after),
	     TP_ARGS(migration, result, bytes, checksum_before, checksum_after));

DECLARE_EVENT_CLASS(svmgpu_fault,
		    TP_PROTO(u64 fault, u64 va, u32 vm, u32 asid, u32 queue, u16 gpu, u16 access),
		    TP_ARGS(fault, va, vm, asid, queue, gpu, access),
		    TP_STRUCT__entry(__field(u64, fault)
				     __field(u64, va)
				     __field(u32, vm)
				     __field(u32, asid)
				     __field(u32, queue)
				     __field(u16, gpu)
				     __field(u16, access)),
		    TP_fast_assign(__entry->fault = fault;
				   __entry->va = va;
				   __entry->vm = vm;
				   __entry->asid = asid;
				   __entry->queue = queue;
				   __entry->gpu = gpu;
				   __entry->access = access;),
		    TP_printk("fault=%llu va=0x%llx vm=%u asid=%u queue=%u gpu=%u access=%u",
			      __entry->fault, __entry->va, __entry->vm, __entry->asid,
			      __entry->queue, __entry->gpu, __entry->access));

DEFINE_EVENT(svmgpu_fault, svmgpu_fault_picked,
	     TP_PROTO(u64 fault, u64 va, u32 vm, u32 asid, u32 queue, u16 gpu, u16 access),
	     TP_ARGS(fault, va, vm, asid, queue, gpu, access));

DECLARE_EVENT_CLASS(svmgpu_fault_step,
		    TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 reason, u16 tier,
			     u16 attempt),
		    TP_ARGS(fault, va, vm, range, gpu, reason, tier, attempt),
		    TP_STRUCT__entry(__field(u64, fault)
				     __field(u64, va)
				     __field(u32, vm)
				     __field(u32, range)
				     __field(u16, gpu)
				     __field(u16, reason)
				     __field(u16, tier)
				     __field(u16, attempt)),
		    TP_fast_assign(__entry->fault = fault;
				   __entry->va = va;
				   __entry->vm = vm;
				   __entry->range = range;
				   __entry->gpu = gpu;
				   __entry->reason = reason;
				   __entry->tier = tier;
				   __entry->attempt = attempt;),
		    TP_printk("fault=%llu va=0x%llx vm=%u range=%u gpu=%u reason=%u tier=%u attempt=%u",
			      __entry->fault, __entry->va, __entry->vm, __entry->range,
			      __entry->gpu, __entry->reason, __entry->tier, __entry->attempt));

DEFINE_EVENT(svmgpu_fault_step, svmgpu_fault_vma_found,
	     TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 reason, u16 tier,
		      u16 attempt),
	     TP_ARGS(fault, va, vm, range, gpu, reason, tier, attempt));

DEFINE_EVENT(svmgpu_fault_step, svmgpu_fault_retried,
	     TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 reason, u16 tier,
		      u16 attempt),
	     TP_ARGS(fault, va, vm, range, gpu, reason, tier, attempt));

DEFINE_EVENT(svmgpu_fault_step, svmgpu_fault_escalated,
	     TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 reason, u16 tier,
		      u16 attempt),
	     TP_ARGS(fault, va, vm, range, gpu, reason, tier, attempt));

DECLARE_EVENT_CLASS(svmgpu_fault_answer,
		    TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 outcome,
			     u16 verdict, u16 tier, u32 attempts, s32 result),
		    TP_ARGS(fault, va, vm, range, gpu, outcome, verdict, tier, attempts, result),
		    TP_STRUCT__entry(__field(u64, fault)
				     __field(u64, va)
				     __field(u32, vm)
				     __field(u32, range)
				     __field(u16, gpu)
				     __field(u16, outcome)
				     __field(u16, verdict)
				     __field(u16, tier)
				     __field(u32, attempts)
				     __field(s32, result)),
		    TP_fast_assign(__entry->fault = fault;
				   __entry->va = va;
				   __entry->vm = vm;
				   __entry->range = range;
				   __entry->gpu = gpu;
				   __entry->outcome = outcome;
				   __entry->verdict = verdict;
				   __entry->tier = tier;
				   __entry->attempts = attempts;
				   __entry->result = result;),
		    TP_printk("fault=%llu va=0x%llx vm=%u range=%u gpu=%u outcome=%u verdict=%u tier=%u attempts=%u result=%d",
			      __entry->fault, __entry->va, __entry->vm, __entry->range,
			      __entry->gpu, __entry->outcome, __entry->verdict, __entry->tier,
			      __entry->attempts, __entry->result));

DEFINE_EVENT(svmgpu_fault_answer, svmgpu_fault_answered,
	     TP_PROTO(u64 fault, u64 va, u32 vm, u32 range, u16 gpu, u16 outcome, u16 verdict,
		      u16 tier, u32 attempts, s32 result),
	     TP_ARGS(fault, va, vm, range, gpu, outcome, verdict, tier, attempts, result));

DECLARE_EVENT_CLASS(svmgpu_phase,
		    TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result,
			     u16 gpu, u16 owner, u32 attempt),
		    TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt),
		    TP_STRUCT__entry(__field(u64, owner_id)
				     __field(u32, vm)
				     __field(u32, object)
				     __field(u64, seq)
				     __field(u64, value)
				     __field(s32, result)
				     __field(u16, gpu)
				     __field(u16, owner)
				     __field(u32, attempt)),
		    TP_fast_assign(__entry->owner_id = owner_id;
				   __entry->vm = vm;
				   __entry->object = object;
				   __entry->seq = seq;
				   __entry->value = value;
				   __entry->result = result;
				   __entry->gpu = gpu;
				   __entry->owner = owner;
				   __entry->attempt = attempt;),
		    TP_printk("owner_id=%llu vm=%u object=%u seq=%llu value=%llu result=%d gpu=%u owner=%u attempt=%u",
			      __entry->owner_id, __entry->vm, __entry->object, __entry->seq,
			      __entry->value, __entry->result, __entry->gpu, __entry->owner,
			      __entry->attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_exec_started,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_exec_locked,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_vma_revalidated,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_pages_obtained,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_seq_begun,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_seq_checked,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_fence_published,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_objects_unlocked,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DEFINE_EVENT(svmgpu_phase, svmgpu_exec_ended,
	     TP_PROTO(u64 owner_id, u32 vm, u32 object, u64 seq, u64 value, s32 result, u16 gpu,
		      u16 owner, u32 attempt),
	     TP_ARGS(owner_id, vm, object, seq, value, result, gpu, owner, attempt));

DECLARE_EVENT_CLASS(svmgpu_pt,
		    TP_PROTO(u64 owner_id, u64 va, u64 bytes, u32 vm, u32 object, u16 gpu,
			     u16 owner, u16 kind, u16 flags, u64 seq),
		    TP_ARGS(owner_id, va, bytes, vm, object, gpu, owner, kind, flags, seq),
		    TP_STRUCT__entry(__field(u64, owner_id)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, vm)
				     __field(u32, object)
				     __field(u16, gpu)
				     __field(u16, owner)
				     __field(u16, kind)
				     __field(u16, flags)
				     __field(u64, seq)),
		    TP_fast_assign(__entry->owner_id = owner_id;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->vm = vm;
				   __entry->object = object;
				   __entry->gpu = gpu;
				   __entry->owner = owner;
				   __entry->kind = kind;
				   __entry->flags = flags;
				   __entry->seq = seq;),
		    TP_printk("owner_id=%llu va=0x%llx bytes=0x%llx vm=%u object=%u gpu=%u owner=%u kind=%u flags=0x%x seq=%llu",
			      __entry->owner_id, __entry->va, __entry->bytes, __entry->vm,
			      __entry->object, __entry->gpu, __entry->owner, __entry->kind,
			      __entry->flags, __entry->seq));

DEFINE_EVENT(svmgpu_pt, svmgpu_pt_written,
	     TP_PROTO(u64 owner_id, u64 va, u64 bytes, u32 vm, u32 object, u16 gpu, u16 owner,
		      u16 kind, u16 flags, u64 seq),
	     TP_ARGS(owner_id, va, bytes, vm, object, gpu, owner, kind, flags, seq));

DEFINE_EVENT(svmgpu_pt, svmgpu_pt_zapped,
	     TP_PROTO(u64 owner_id, u64 va, u64 bytes, u32 vm, u32 object, u16 gpu, u16 owner,
		      u16 kind, u16 flags, u64 seq),
	     TP_ARGS(owner_id, va, bytes, vm, object, gpu, owner, kind, flags, seq));

DEFINE_EVENT(svmgpu_pt, svmgpu_pt_freed,
	     TP_PROTO(u64 owner_id, u64 va, u64 bytes, u32 vm, u32 object, u16 gpu, u16 owner,
		      u16 kind, u16 flags, u64 seq),
	     TP_ARGS(owner_id, va, bytes, vm, object, gpu, owner, kind, flags, seq));

DECLARE_EVENT_CLASS(svmgpu_list_change,
		    TP_PROTO(u32 vm, u32 object, u32 bo, u16 list, u16 gpu, u64 owner_id,
			     u16 owner),
		    TP_ARGS(vm, object, bo, list, gpu, owner_id, owner),
		    TP_STRUCT__entry(__field(u32, vm)
				     __field(u32, object)
				     __field(u32, bo)
				     __field(u16, list)
				     __field(u16, gpu)
				     __field(u64, owner_id)
				     __field(u16, owner)),
		    TP_fast_assign(__entry->vm = vm;
				   __entry->object = object;
				   __entry->bo = bo;
				   __entry->list = list;
				   __entry->gpu = gpu;
				   __entry->owner_id = owner_id;
				   __entry->owner = owner;),
		    TP_printk("vm=%u object=%u bo=%u list=%u gpu=%u owner_id=%llu owner=%u",
			      __entry->vm, __entry->object, __entry->bo, __entry->list,
			      __entry->gpu, __entry->owner_id, __entry->owner));

DEFINE_EVENT(svmgpu_list_change, svmgpu_list_added,
	     TP_PROTO(u32 vm, u32 object, u32 bo, u16 list, u16 gpu, u64 owner_id, u16 owner),
	     TP_ARGS(vm, object, bo, list, gpu, owner_id, owner));

DEFINE_EVENT(svmgpu_list_change, svmgpu_list_removed,
	     TP_PROTO(u32 vm, u32 object, u32 bo, u16 list, u16 gpu, u64 owner_id, u16 owner),
	     TP_ARGS(vm, object, bo, list, gpu, owner_id, owner));

DECLARE_EVENT_CLASS(svmgpu_invalidation_start,
		    TP_PROTO(u32 invalidation, u32 vm, u64 va, u64 bytes, u32 object, u16 event,
			     u16 gpu, u16 kind, u64 seq),
		    TP_ARGS(invalidation, vm, va, bytes, object, event, gpu, kind, seq),
		    TP_STRUCT__entry(__field(u32, invalidation)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, object)
				     __field(u16, event)
				     __field(u16, gpu)
				     __field(u16, kind)
				     __field(u64, seq)),
		    TP_fast_assign(__entry->invalidation = invalidation;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->object = object;
				   __entry->event = event;
				   __entry->gpu = gpu;
				   __entry->kind = kind;
				   __entry->seq = seq;),
		    TP_printk("invalidation=%u vm=%u va=0x%llx bytes=0x%llx object=%u event=%u gpu=%u kind=%u seq=%llu",
			      __entry->invalidation, __entry->vm, __entry->va, __entry->bytes,
			      __entry->object, __entry->event, __entry->gpu, __entry->kind,
			      __entry->seq));

DEFINE_EVENT(svmgpu_invalidation_start, svmgpu_invalidation_started,
	     TP_PROTO(u32 invalidation, u32 vm, u64 va, u64 bytes, u32 object, u16 event, u16 gpu,
		      u16 kind, u64 seq),
	     TP_ARGS(invalidation, vm, va, bytes, object, event, gpu, kind, seq));

DECLARE_EVENT_CLASS(svmgpu_invalidation_end,
		    TP_PROTO(u32 invalidation, u32 vm, u64 flush_seqno, u32 flags, s32 result),
		    TP_ARGS(invalidation, vm, flush_seqno, flags, result),
		    TP_STRUCT__entry(__field(u32, invalidation)
				     __field(u32, vm)
				     __field(u64, flush_seqno)
				     __field(u32, flags)
				     __field(s32, result)),
		    TP_fast_assign(__entry->invalidation = invalidation;
				   __entry->vm = vm;
				   __entry->flush_seqno = flush_seqno;
				   __entry->flags = flags;
				   __entry->result = result;),
		    TP_printk("invalidation=%u vm=%u flush_seqno=%llu flags=0x%x result=%d",
			      __entry->invalidation, __entry->vm, __entry->flush_seqno,
			      __entry->flags, __entry->result));

DEFINE_EVENT(svmgpu_invalidation_end, svmgpu_invalidation_ended,
	     TP_PROTO(u32 invalidation, u32 vm, u64 flush_seqno, u32 flags, s32 result),
	     TP_ARGS(invalidation, vm, flush_seqno, flags, result));

DECLARE_EVENT_CLASS(svmgpu_bind_start,
		    TP_PROTO(u32 bind, u32 vm, u64 va, u64 bytes, u32 object, u32 queue, u16 gpu,
			     u16 op, u64 fault),
		    TP_ARGS(bind, vm, va, bytes, object, queue, gpu, op, fault),
		    TP_STRUCT__entry(__field(u32, bind)
				     __field(u32, vm)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, object)
				     __field(u32, queue)
				     __field(u16, gpu)
				     __field(u16, op)
				     __field(u64, fault)),
		    TP_fast_assign(__entry->bind = bind;
				   __entry->vm = vm;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->object = object;
				   __entry->queue = queue;
				   __entry->gpu = gpu;
				   __entry->op = op;
				   __entry->fault = fault;),
		    TP_printk("bind=%u vm=%u va=0x%llx bytes=0x%llx object=%u queue=%u gpu=%u op=%u fault=%llu",
			      __entry->bind, __entry->vm, __entry->va, __entry->bytes,
			      __entry->object, __entry->queue, __entry->gpu, __entry->op,
			      __entry->fault));

DEFINE_EVENT(svmgpu_bind_start, svmgpu_bind_started,
	     TP_PROTO(u32 bind, u32 vm, u64 va, u64 bytes, u32 object, u32 queue, u16 gpu, u16 op,
		      u64 fault),
	     TP_ARGS(bind, vm, va, bytes, object, queue, gpu, op, fault));

DECLARE_EVENT_CLASS(svmgpu_bind_end,
		    TP_PROTO(u32 bind, s32 result, u32 by_job),
		    TP_ARGS(bind, result, by_job),
		    TP_STRUCT__entry(__field(u32, bind)
				     __field(s32, result)
				     __field(u32, by_job)),
		    TP_fast_assign(__entry->bind = bind;
				   __entry->result = result;
				   __entry->by_job = by_job;),
		    TP_printk("bind=%u result=%d by_job=%u",
			      __entry->bind, __entry->result, __entry->by_job));

DEFINE_EVENT(svmgpu_bind_end, svmgpu_bind_ended,
	     TP_PROTO(u32 bind, s32 result, u32 by_job),
	     TP_ARGS(bind, result, by_job));

DECLARE_EVENT_CLASS(svmgpu_job,
		    TP_PROTO(u32 job, u32 queue, u32 vm, u16 gpu, u16 engine, u64 seqno, u32 exec,
			     s32 result),
		    TP_ARGS(job, queue, vm, gpu, engine, seqno, exec, result),
		    TP_STRUCT__entry(__field(u32, job)
				     __field(u32, queue)
				     __field(u32, vm)
				     __field(u16, gpu)
				     __field(u16, engine)
				     __field(u64, seqno)
				     __field(u32, exec)
				     __field(s32, result)),
		    TP_fast_assign(__entry->job = job;
				   __entry->queue = queue;
				   __entry->vm = vm;
				   __entry->gpu = gpu;
				   __entry->engine = engine;
				   __entry->seqno = seqno;
				   __entry->exec = exec;
				   __entry->result = result;),
		    TP_printk("job=%u queue=%u vm=%u gpu=%u engine=%u seqno=%llu exec=%u result=%d",
			      __entry->job, __entry->queue, __entry->vm, __entry->gpu,
			      __entry->engine, __entry->seqno, __entry->exec, __entry->result));

DEFINE_EVENT(svmgpu_job, svmgpu_job_submitted,
	     TP_PROTO(u32 job, u32 queue, u32 vm, u16 gpu, u16 engine, u64 seqno, u32 exec,
		      s32 result),
	     TP_ARGS(job, queue, vm, gpu, engine, seqno, exec, result));

DEFINE_EVENT(svmgpu_job, svmgpu_job_armed,
	     TP_PROTO(u32 job, u32 queue, u32 vm, u16 gpu, u16 engine, u64 seqno, u32 exec,
		      s32 result),
	     TP_ARGS(job, queue, vm, gpu, engine, seqno, exec, result));

DEFINE_EVENT(svmgpu_job, svmgpu_job_completed,
	     TP_PROTO(u32 job, u32 queue, u32 vm, u16 gpu, u16 engine, u64 seqno, u32 exec,
		      s32 result),
	     TP_ARGS(job, queue, vm, gpu, engine, seqno, exec, result));

DECLARE_EVENT_CLASS(svmgpu_eviction,
		    TP_PROTO(u32 eviction, u32 bo, u64 bytes, u32 vm, u32 fences, u16 gpu, u16 from,
			     u16 to, s32 result),
		    TP_ARGS(eviction, bo, bytes, vm, fences, gpu, from, to, result),
		    TP_STRUCT__entry(__field(u32, eviction)
				     __field(u32, bo)
				     __field(u64, bytes)
				     __field(u32, vm)
				     __field(u32, fences)
				     __field(u16, gpu)
				     __field(u16, from)
				     __field(u16, to)
				     __field(s32, result)),
		    TP_fast_assign(__entry->eviction = eviction;
				   __entry->bo = bo;
				   __entry->bytes = bytes;
				   __entry->vm = vm;
				   __entry->fences = fences;
				   __entry->gpu = gpu;
				   __entry->from = from;
				   __entry->to = to;
				   __entry->result = result;),
		    TP_printk("eviction=%u bo=%u bytes=0x%llx vm=%u fences=%u gpu=%u from=%u to=%u result=%d",
			      __entry->eviction, __entry->bo, __entry->bytes, __entry->vm,
			      __entry->fences, __entry->gpu, __entry->from, __entry->to,
			      __entry->result));

DEFINE_EVENT(svmgpu_eviction, svmgpu_eviction_started,
	     TP_PROTO(u32 eviction, u32 bo, u64 bytes, u32 vm, u32 fences, u16 gpu, u16 from,
		      u16 to, s32 result),
	     TP_ARGS(eviction, bo, bytes, vm, fences, gpu, from, to, result));

DEFINE_EVENT(svmgpu_eviction, svmgpu_eviction_fenced,
	     TP_PROTO(u32 eviction, u32 bo, u64 bytes, u32 vm, u32 fences, u16 gpu, u16 from,
		      u16 to, s32 result),
	     TP_ARGS(eviction, bo, bytes, vm, fences, gpu, from, to, result));

DEFINE_EVENT(svmgpu_eviction, svmgpu_eviction_ended,
	     TP_PROTO(u32 eviction, u32 bo, u64 bytes, u32 vm, u32 fences, u16 gpu, u16 from,
		      u16 to, s32 result),
	     TP_ARGS(eviction, bo, bytes, vm, fences, gpu, from, to, result));

DECLARE_EVENT_CLASS(svmgpu_flush,
		    TP_PROTO(u64 seqno, u64 va, u64 bytes, u32 vm, u32 asid, u16 gpu, s32 result,
			     u32 invalidation),
		    TP_ARGS(seqno, va, bytes, vm, asid, gpu, result, invalidation),
		    TP_STRUCT__entry(__field(u64, seqno)
				     __field(u64, va)
				     __field(u64, bytes)
				     __field(u32, vm)
				     __field(u32, asid)
				     __field(u16, gpu)
				     __field(s32, result)
				     __field(u32, invalidation)),
		    TP_fast_assign(__entry->seqno = seqno;
				   __entry->va = va;
				   __entry->bytes = bytes;
				   __entry->vm = vm;
				   __entry->asid = asid;
				   __entry->gpu = gpu;
				   __entry->result = result;
				   __entry->invalidation = invalidation;),
		    TP_printk("seqno=%llu va=0x%llx bytes=0x%llx vm=%u asid=%u gpu=%u result=%d invalidation=%u",
			      __entry->seqno, __entry->va, __entry->bytes, __entry->vm,
			      __entry->asid, __entry->gpu, __entry->result, __entry->invalidation));

DEFINE_EVENT(svmgpu_flush, svmgpu_flush_requested,
	     TP_PROTO(u64 seqno, u64 va, u64 bytes, u32 vm, u32 asid, u16 gpu, s32 result,
		      u32 invalidation),
	     TP_ARGS(seqno, va, bytes, vm, asid, gpu, result, invalidation));

DEFINE_EVENT(svmgpu_flush, svmgpu_flush_completed,
	     TP_PROTO(u64 seqno, u64 va, u64 bytes, u32 vm, u32 asid, u16 gpu, s32 result,
		      u32 invalidation),
	     TP_ARGS(seqno, va, bytes, vm, asid, gpu, result, invalidation));

DECLARE_EVENT_CLASS(svmgpu_user_fence,
		    TP_PROTO(u64 va, u64 value, u32 vm, u32 queue, u16 gpu, s32 result),
		    TP_ARGS(va, value, vm, queue, gpu, result),
		    TP_STRUCT__entry(__field(u64, va)
				     __field(u64, value)
				     __field(u32, vm)
				     __field(u32, queue)
				     __field(u16, gpu)
				     __field(s32, result)),
		    TP_fast_assign(__entry->va = va;
				   __entry->value = value;
				   __entry->vm = vm;
				   __entry->queue = queue;
				   __entry->gpu = gpu;
				   __entry->result = result;),
		    TP_printk("va=0x%llx value=%llu vm=%u queue=%u gpu=%u result=%d",
			      __entry->va, __entry->value, __entry->vm, __entry->queue,
			      __entry->gpu, __entry->result));

DEFINE_EVENT(svmgpu_user_fence, svmgpu_user_fence_signalled,
	     TP_PROTO(u64 va, u64 value, u32 vm, u32 queue, u16 gpu, s32 result),
	     TP_ARGS(va, value, vm, queue, gpu, result));

DECLARE_EVENT_CLASS(svmgpu_race_point,
		    TP_PROTO(unsigned long place, u32 vm, u16 gpu, u64 waited_ns),
		    TP_ARGS(place, vm, gpu, waited_ns),
		    TP_STRUCT__entry(__field(unsigned long, place)
				     __field(u32, vm)
				     __field(u16, gpu)
				     __field(u64, waited_ns)),
		    TP_fast_assign(__entry->place = place;
				   __entry->vm = vm;
				   __entry->gpu = gpu;
				   __entry->waited_ns = waited_ns;),
		    TP_printk("place=%pS vm=%u gpu=%u waited_ns=%llu",
			      (void *)__entry->place, __entry->vm, __entry->gpu,
			      __entry->waited_ns));

DEFINE_EVENT(svmgpu_race_point, svmgpu_race_point_reached,
	     TP_PROTO(unsigned long place, u32 vm, u16 gpu, u64 waited_ns),
	     TP_ARGS(place, vm, gpu, waited_ns));

DEFINE_EVENT(svmgpu_race_point, svmgpu_race_point_left,
	     TP_PROTO(unsigned long place, u32 vm, u16 gpu, u64 waited_ns),
	     TP_ARGS(place, vm, gpu, waited_ns));

DECLARE_EVENT_CLASS(svmgpu_lock,
		    TP_PROTO(const struct svmgpu_lock_info *info, u8 mode, u8 flags,
			     unsigned long ip),
		    TP_ARGS(info, mode, flags, ip),
		    TP_STRUCT__entry(__field(u32, lock)
				     __field(u32, vm)
				     __field(u16, class)
				     __field(u8, mode)
				     __field(u8, flags)
				     __field(unsigned long, ip)),
		    TP_fast_assign(__entry->lock = info->id;
				   __entry->vm = info->vm;
				   __entry->class = info->class;
				   __entry->mode = mode;
				   __entry->flags = flags;
				   __entry->ip = ip;),
		    TP_printk("lock=%u rank=%u mode=%u flags=0x%x vm=%u place=%pS",
			      __entry->lock, __entry->class, __entry->mode, __entry->flags,
			      __entry->vm, (void *)__entry->ip));

DEFINE_EVENT_FN(svmgpu_lock, svmgpu_lock_contended,
		TP_PROTO(const struct svmgpu_lock_info *info, u8 mode, u8 flags, unsigned long ip),
		TP_ARGS(info, mode, flags, ip),
		svmgpu_trace_lock_reg, svmgpu_trace_lock_unreg);

DEFINE_EVENT_FN(svmgpu_lock, svmgpu_lock_acquired,
		TP_PROTO(const struct svmgpu_lock_info *info, u8 mode, u8 flags, unsigned long ip),
		TP_ARGS(info, mode, flags, ip),
		svmgpu_trace_lock_reg, svmgpu_trace_lock_unreg);

DEFINE_EVENT_FN(svmgpu_lock, svmgpu_lock_released,
		TP_PROTO(const struct svmgpu_lock_info *info, u8 mode, u8 flags, unsigned long ip),
		TP_ARGS(info, mode, flags, ip),
		svmgpu_trace_lock_reg, svmgpu_trace_lock_unreg);

TRACE_EVENT(svmgpu_mark_set,
	    TP_PROTO(const char *text),
	    TP_ARGS(text),
	    TP_STRUCT__entry(__string(text, text)),
	    TP_fast_assign(__assign_str(text);),
	    TP_printk("%s",
		      __get_str(text)));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kdriver
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE svmgpu_trace
#include <trace/define_trace.h>

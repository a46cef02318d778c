/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator of each type of record: translate.h.
 */
#include "translate.h"

/* clock_sampled is the session's own and never comes here. */
static EventTranslator *const translator[SVMGPU_TRACE_TYPE_COUNT] = {
    [SVMGPU_TRACE_MARK_SET] = translate_mark_set,
    [SVMGPU_TRACE_PLACE_DEFINED] = translate_place_defined,
    [SVMGPU_TRACE_LOCK_CLASS_DEFINED] = translate_lock_class_defined,
    [SVMGPU_TRACE_LOCK_DEFINED] = translate_lock_defined,
    [SVMGPU_TRACE_LOCK_RETIRED] = translate_lock_retired,
    [SVMGPU_TRACE_PROCESS_DEFINED] = translate_process_defined,
    [SVMGPU_TRACE_THREAD_DEFINED] = translate_thread_defined,
    [SVMGPU_TRACE_GPU_DEFINED] = translate_gpu_defined,

    [SVMGPU_TRACE_VM_CREATED] = translate_vm_created,
    [SVMGPU_TRACE_VM_DESTROYED] = translate_vm_destroyed,
    [SVMGPU_TRACE_BO_CREATED] = translate_bo_created,
    [SVMGPU_TRACE_BO_DESTROYED] = translate_bo_destroyed,
    [SVMGPU_TRACE_BO_MOVED] = translate_bo_moved,
    [SVMGPU_TRACE_BO_PURGED] = translate_bo_purged,
    [SVMGPU_TRACE_VMA_MAPPED] = translate_vma_mapped,
    [SVMGPU_TRACE_VMA_UNMAPPED] = translate_vma_unmapped,
    [SVMGPU_TRACE_QUEUE_CREATED] = translate_queue_created,
    [SVMGPU_TRACE_QUEUE_DESTROYED] = translate_queue_destroyed,

    [SVMGPU_TRACE_RANGE_CREATED] = translate_range_created,
    [SVMGPU_TRACE_RANGE_DESTROYED] = translate_range_destroyed,
    [SVMGPU_TRACE_RANGE_STATE_CHANGED] = translate_range_state_changed,
    [SVMGPU_TRACE_RANGE_INVALIDATED] = translate_range_invalidated,
    [SVMGPU_TRACE_USERPTR_INVALIDATED] = translate_userptr_invalidated,
    [SVMGPU_TRACE_SCAN_COMPLETED] = translate_scan_completed,
    [SVMGPU_TRACE_MIGRATION_STARTED] = translate_migration_started,
    [SVMGPU_TRACE_MIGRATION_ENDED] = translate_migration_ended,

    [SVMGPU_TRACE_FAULT_PICKED] = translate_fault_picked,
    [SVMGPU_TRACE_FAULT_VMA_FOUND] = translate_fault_vma_found,
    [SVMGPU_TRACE_FAULT_RETRIED] = translate_fault_retried,
    [SVMGPU_TRACE_FAULT_ESCALATED] = translate_fault_escalated,
    [SVMGPU_TRACE_FAULT_ANSWERED] = translate_fault_answered,

    [SVMGPU_TRACE_EXEC_STARTED] = translate_exec_started,
    [SVMGPU_TRACE_EXEC_ENDED] = translate_exec_ended,
    [SVMGPU_TRACE_EXEC_LOCKED] = translate_phase,
    [SVMGPU_TRACE_VMA_REVALIDATED] = translate_phase,
    [SVMGPU_TRACE_PAGES_OBTAINED] = translate_phase,
    [SVMGPU_TRACE_SEQ_BEGUN] = translate_phase,
    [SVMGPU_TRACE_SEQ_CHECKED] = translate_phase,
    [SVMGPU_TRACE_FENCE_PUBLISHED] = translate_phase,
    [SVMGPU_TRACE_OBJECTS_UNLOCKED] = translate_phase,

    [SVMGPU_TRACE_PT_WRITTEN] = translate_pt_change,
    [SVMGPU_TRACE_PT_ZAPPED] = translate_pt_change,
    [SVMGPU_TRACE_PT_FREED] = translate_pt_change,
    [SVMGPU_TRACE_LIST_ADDED] = translate_list_change,
    [SVMGPU_TRACE_LIST_REMOVED] = translate_list_change,
    [SVMGPU_TRACE_INVALIDATION_STARTED] = translate_invalidation_started,
    [SVMGPU_TRACE_INVALIDATION_ENDED] = translate_invalidation_ended,
    [SVMGPU_TRACE_BIND_STARTED] = translate_bind_started,
    [SVMGPU_TRACE_BIND_ENDED] = translate_bind_ended,
    [SVMGPU_TRACE_JOB_ARMED] = translate_job_armed,
    [SVMGPU_TRACE_JOB_SUBMITTED] = translate_job_submitted,
    [SVMGPU_TRACE_JOB_COMPLETED] = translate_job_completed,
    [SVMGPU_TRACE_EVICTION_STARTED] = translate_eviction_started,
    [SVMGPU_TRACE_EVICTION_FENCED] = translate_eviction_fenced,
    [SVMGPU_TRACE_EVICTION_ENDED] = translate_eviction_ended,
    [SVMGPU_TRACE_FLUSH_REQUESTED] = translate_flush_requested,
    [SVMGPU_TRACE_FLUSH_COMPLETED] = translate_flush_completed,
    [SVMGPU_TRACE_USER_FENCE_SIGNALLED] = translate_user_fence_signalled,
    [SVMGPU_TRACE_RACE_POINT_REACHED] = translate_race_point_reached,
    [SVMGPU_TRACE_RACE_POINT_LEFT] = translate_race_point_left,

    [SVMGPU_TRACE_LOCK_CONTENDED] = translate_lock_contended,
    [SVMGPU_TRACE_LOCK_ACQUIRED] = translate_lock_acquired,
    [SVMGPU_TRACE_LOCK_RELEASED] = translate_lock_released,
};

bool event_translate(EventContext *ctx)
{
    return ctx->type < SVMGPU_TRACE_TYPE_COUNT && translator[ctx->type] &&
           translator[ctx->type](ctx);
}

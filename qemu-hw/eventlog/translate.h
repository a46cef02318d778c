/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the driver's records to the log's things, intervals and points.
 *
 * Each type of record has one translator; the table of them is in
 * translate.c. svmgpu_trace.h documents the records.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_TRANSLATE_H
#define EVENTLOG_TRANSLATE_H

#include "context.h"

/* False: the record says something that cannot be. */
typedef bool EventTranslator(EventContext *ctx);

/* ctx->type may be anything. */
EventTranslator event_translate;

/* translate-things.c */
EventTranslator translate_place_defined, translate_process_defined,
    translate_thread_defined, translate_gpu_defined, translate_vm_created,
    translate_vm_destroyed, translate_bo_created, translate_bo_destroyed,
    translate_vma_mapped, translate_vma_unmapped, translate_queue_created,
    translate_queue_destroyed;

/* translate-ranges.c */
EventTranslator translate_range_created, translate_range_destroyed,
    translate_range_state_changed;

/* translate-locks.c */
EventTranslator translate_lock_class_defined, translate_lock_defined,
    translate_lock_retired, translate_lock_contended, translate_lock_acquired,
    translate_lock_released;

/* translate-points.c */
EventTranslator translate_mark_set, translate_bo_moved, translate_bo_purged,
    translate_range_invalidated, translate_userptr_invalidated,
    translate_scan_completed, translate_phase, translate_pt_change,
    translate_list_change, translate_user_fence_signalled;

/* translate-faults.c */
EventTranslator translate_fault_picked, translate_fault_vma_found,
    translate_fault_retried, translate_fault_escalated,
    translate_fault_answered;

/* translate-intervals.c */
EventTranslator translate_migration_started, translate_migration_ended,
    translate_invalidation_started, translate_invalidation_ended,
    translate_bind_started, translate_bind_ended, translate_job_armed,
    translate_job_submitted, translate_job_completed,
    translate_eviction_started, translate_eviction_fenced,
    translate_eviction_ended, translate_exec_started, translate_exec_ended,
    translate_flush_requested, translate_flush_completed,
    translate_race_point_reached, translate_race_point_left;

#endif /* EVENTLOG_TRANSLATE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records that begin and end what the driver does: migrations, invalidations,
 * binds, jobs, evictions, execs, flushes, holds at race points.
 */
#include "translate.h"

/* Ends an interval that has nothing but a result to tell. */
static bool end_with_result(EventContext *ctx, EventIntervalKind kind,
                            uint64_t key, int64_t result)
{
    EventOpen *open = context_open(ctx, kind, key);

    if (open) {
        open->row.result = result;
        context_end(ctx, open);
    }
    return true;
}

/* --- migrations ---------------------------------------------------------- */

bool translate_migration_started(EventContext *ctx)
{
    const struct svmgpu_trace_migration_start *p = &ctx->rec->migration_start;
    EventOpen *open = context_begin(
        ctx, EVENT_MIGRATION, p->migration,
        context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu), p->vm, p->gpu);

    if (open) {
        open->row.object_id = context_thing(ctx, EVENT_THING_SVM_RANGE,
                                            p->range);
        open->row.cause = p->cause;
        open->row.va = (int64_t)p->va;
        open->row.bytes = (int64_t)p->bytes;
        open->row.src = p->from;
        open->row.dst = p->to;
        open->row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
    }
    return true;
}

bool translate_migration_ended(EventContext *ctx)
{
    const struct svmgpu_trace_migration_end *p = &ctx->rec->migration_end;
    EventOpen *open = context_open(ctx, EVENT_MIGRATION, p->migration);

    if (open) {
        open->row.result = p->result;
        open->row.a0 = (int64_t)p->bytes;
        if (p->checksum_before || p->checksum_after) {
            open->row.a1 = (int64_t)p->checksum_before;
            open->row.a2 = (int64_t)p->checksum_after;
        }
        context_end(ctx, open);
    }
    return true;
}

/* --- invalidations ------------------------------------------------------- */

bool translate_invalidation_started(EventContext *ctx)
{
    const struct svmgpu_trace_invalidation_start *p =
        &ctx->rec->invalidation_start;
    EventOpen *open = context_begin(ctx, EVENT_INVALIDATION, p->invalidation,
                                    context_vm_or_gpu(ctx, p->vm, p->gpu),
                                    p->vm, p->gpu);

    if (open) {
        open->row.sub = p->event;
        open->row.object_id = context_thing(
            ctx, p->kind == SVMGPU_TRACE_VMA_USERPTR ? EVENT_THING_GPU_VMA :
                                                       EVENT_THING_SVM_RANGE,
            p->object);
        open->row.va = (int64_t)p->va;
        open->row.bytes = (int64_t)p->bytes;
        open->row.cause = p->kind;
        open->row.a1 = (int64_t)p->seq;
    }
    return true;
}

bool translate_invalidation_ended(EventContext *ctx)
{
    const struct svmgpu_trace_invalidation_end *p =
        &ctx->rec->invalidation_end;
    EventOpen *open = context_open(ctx, EVENT_INVALIDATION, p->invalidation);

    if (open) {
        open->row.n = p->flags;
        open->row.a0 = (int64_t)p->flush_seqno;
        open->row.result = p->result;
        context_end(ctx, open);
    }
    return true;
}

/* --- binds --------------------------------------------------------------- */

bool translate_bind_started(EventContext *ctx)
{
    const struct svmgpu_trace_bind_start *p = &ctx->rec->bind_start;
    EventOpen *open = context_begin(ctx, EVENT_BIND, p->bind,
                                    context_vm_or_gpu(ctx, p->vm, p->gpu),
                                    p->vm, p->gpu);

    if (open) {
        open->row.sub = p->op;
        open->row.object_id = context_thing(
            ctx, p->op == SVMGPU_TRACE_BIND_RANGE ? EVENT_THING_SVM_RANGE :
                                                    EVENT_THING_GPU_VMA,
            p->object);
        open->row.va = (int64_t)p->va;
        open->row.bytes = (int64_t)p->bytes;
        open->row.a1 = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->queue);
        open->row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
    }
    return true;
}

bool translate_bind_ended(EventContext *ctx)
{
    const struct svmgpu_trace_bind_end *p = &ctx->rec->bind_end;
    EventOpen *open = context_open(ctx, EVENT_BIND, p->bind);

    if (open) {
        open->row.result = p->result;
        open->row.a0 = p->by_job;
        context_end(ctx, open);
    }
    return true;
}

/* --- execs and jobs ------------------------------------------------------ */

bool translate_exec_started(EventContext *ctx)
{
    const struct svmgpu_trace_phase *p = &ctx->rec->phase;
    int64_t queue = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->object);
    EventOpen *open = context_begin(ctx, EVENT_EXEC, p->owner_id,
                                    queue != EVENT_NULL ?
                                        queue :
                                        context_vm_or_gpu(ctx, p->vm, p->gpu),
                                    p->vm, p->gpu);

    if (open) {
        open->row.object_id = queue;
    }
    return true;
}

bool translate_exec_ended(EventContext *ctx)
{
    const struct svmgpu_trace_phase *p = &ctx->rec->phase;
    EventOpen *open = context_open(ctx, EVENT_EXEC, p->owner_id);

    if (open) {
        open->row.n = p->attempt;
        open->row.result = p->result;
        context_end(ctx, open);
    }
    return true;
}

static EventOpen *job_begin(EventContext *ctx)
{
    const struct svmgpu_trace_job *p = &ctx->rec->job;
    int64_t queue = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->queue);
    EventOpen *open = context_begin(ctx, EVENT_JOB, p->job,
                                    queue != EVENT_NULL ?
                                        queue : context_gpu(ctx, p->gpu),
                                    p->vm, p->gpu);

    if (open) {
        EventOpen *exec = context_open(ctx, EVENT_EXEC, p->exec);

        open->row.sub = p->engine;
        open->row.a1 = (int64_t)p->seqno;
        open->row.parent_id = exec ? exec->row.id : EVENT_NULL;
    }
    return open;
}

bool translate_job_armed(EventContext *ctx)
{
    if (!context_open(ctx, EVENT_JOB, ctx->rec->job.job)) {
        job_begin(ctx);
    }
    return true;
}

bool translate_job_submitted(EventContext *ctx)
{
    const struct svmgpu_trace_job *p = &ctx->rec->job;
    EventOpen *open = context_open(ctx, EVENT_JOB, p->job);

    /* armed first; a log that begins later may see the submission only */
    if (!open) {
        open = job_begin(ctx);
    }
    if (open) {
        open->row.a0 = ctx->t;
        open->row.a1 = (int64_t)p->seqno;
        event_model_touch(ctx->model, open);
    }
    return true;
}

bool translate_job_completed(EventContext *ctx)
{
    const struct svmgpu_trace_job *p = &ctx->rec->job;

    return end_with_result(ctx, EVENT_JOB, p->job, p->result);
}

/* --- evictions ----------------------------------------------------------- */

bool translate_eviction_started(EventContext *ctx)
{
    const struct svmgpu_trace_eviction *p = &ctx->rec->eviction;
    EventOpen *open = context_begin(
        ctx, EVENT_EVICTION, p->eviction,
        context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu), p->vm, p->gpu);

    if (open) {
        open->row.object_id = context_thing(ctx, EVENT_THING_BO, p->bo);
        open->row.bytes = (int64_t)p->bytes;
        open->row.src = p->from;
        open->row.dst = p->to;
    }
    return true;
}

bool translate_eviction_fenced(EventContext *ctx)
{
    const struct svmgpu_trace_eviction *p = &ctx->rec->eviction;
    EventOpen *open = context_open(ctx, EVENT_EVICTION, p->eviction);

    if (open) {
        open->row.n = p->fences;
        open->row.a0 = ctx->t;
        event_model_touch(ctx->model, open);
    }
    return true;
}

bool translate_eviction_ended(EventContext *ctx)
{
    const struct svmgpu_trace_eviction *p = &ctx->rec->eviction;

    return end_with_result(ctx, EVENT_EVICTION, p->eviction, p->result);
}

/* --- TLB flushes --------------------------------------------------------- */

static uint64_t flush_key(const struct svmgpu_trace_flush *p)
{
    return ((uint64_t)p->gpu << 48) ^ p->seqno;
}

bool translate_flush_requested(EventContext *ctx)
{
    const struct svmgpu_trace_flush *p = &ctx->rec->flush;
    EventOpen *open;

    if (p->gpu >= EVENT_MAX_GPUS) {
        return false;
    }
    open = context_begin(ctx, EVENT_TLB_FLUSH, flush_key(p),
                         context_lane(ctx, EVENT_THING_TLB_LANE, p->gpu),
                         p->vm, p->gpu);
    if (open) {
        open->row.key = (int64_t)p->seqno;
        open->row.va = (int64_t)p->va;
        open->row.bytes = (int64_t)p->bytes;
        open->row.a0 = p->asid;
        open->row.parent_id = context_owner(
            ctx, SVMGPU_TRACE_OWNER_INVALIDATION, p->invalidation, p->gpu);
    }
    return true;
}

bool translate_flush_completed(EventContext *ctx)
{
    const struct svmgpu_trace_flush *p = &ctx->rec->flush;

    return p->gpu < EVENT_MAX_GPUS &&
           end_with_result(ctx, EVENT_TLB_FLUSH, flush_key(p), p->result);
}

/* --- race points --------------------------------------------------------- */

bool translate_race_point_reached(EventContext *ctx)
{
    const struct svmgpu_trace_race_point *p = &ctx->rec->race_point;
    EventOpen *open = context_begin(ctx, EVENT_RACE_HOLD,
                                    context_thread_key(ctx),
                                    context_thread(ctx), p->vm, p->gpu);

    if (open) {
        open->row.object_id = context_thing(ctx, EVENT_THING_PLACE, p->place);
    }
    return true;
}

bool translate_race_point_left(EventContext *ctx)
{
    const struct svmgpu_trace_race_point *p = &ctx->rec->race_point;
    EventOpen *open = context_open(ctx, EVENT_RACE_HOLD,
                                   context_thread_key(ctx));

    if (open) {
        open->row.a0 = (int64_t)p->waited_ns;
        context_end(ctx, open);
    }
    return true;
}

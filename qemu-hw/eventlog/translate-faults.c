/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of what the driver does about recoverable faults. The fault itself is
 * the device's: an interval of its scope, with the device's clock.
 */
#include "translate.h"

#include <glib.h>

/* What the records of a fault have in common. */
typedef struct FaultPoint {
    unsigned gpu;
    uint64_t fault;
    uint64_t va;
    uint32_t vm;
    uint32_t range;
} FaultPoint;

static void fault_point(EventContext *ctx, const EventOpen *open,
                        const FaultPoint *f, int64_t a0, int64_t a1,
                        int64_t a2, int64_t result)
{
    EventPoint row;

    context_point_init(ctx, &row,
                       context_lane(ctx, EVENT_THING_FAULT_LANE, f->gpu),
                       context_thing(ctx, EVENT_THING_SVM_RANGE, f->range),
                       f->vm, f->gpu);
    row.parent_id = open ? open->row.id : EVENT_NULL;
    row.key = (int64_t)f->fault;
    row.va = (int64_t)f->va;
    row.a0 = a0;
    row.a1 = a1;
    row.a2 = a2;
    row.result = result;
    context_point(ctx, &row);
}

/* The device did not tell of it (no device in a test, or lost); or NULL. */
static EventOpen *fault_begin(EventContext *ctx,
                              const struct svmgpu_trace_fault *p)
{
    EventOpen *open = event_model_begin(
        ctx->model, event_model_device(ctx->model), EVENT_FAULT,
        event_fault_key(p->gpu, p->fault),
        context_lane(ctx, EVENT_THING_FAULT_LANE, p->gpu), ctx->t,
        EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.key = (int64_t)p->fault;
        open->row.gpu = p->gpu;
        open->row.a1 = 0;
        open->row.bytes = 0;
        open->row.outcome = SVMGPU_TRACE_FAULT_OPEN;
        open->device_ended = true; /* nothing will come from there */
    }
    return open;
}

bool translate_fault_picked(EventContext *ctx)
{
    const struct svmgpu_trace_fault *p = &ctx->rec->fault;
    const FaultPoint point = {
        .gpu = p->gpu,
        .fault = p->fault,
        .va = p->va,
        .vm = p->vm,
    };
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= EVENT_MAX_GPUS || !p->fault) {
        return false;
    }
    context_within_fault(ctx, open);
    if (!open) {
        open = fault_begin(ctx, p);
        if (!open) {
            return true;
        }
    }
    open->row.va = (int64_t)p->va;
    open->row.sub = p->access;
    open->row.a0 = ctx->t;
    open->row.vm_id = context_vm(ctx, p->vm);
    open->row.thread_id = context_thread(ctx);
    event_model_touch(ctx->model, open);
    fault_point(ctx, open, &point, p->access, p->asid, EVENT_NULL,
                EVENT_NULL);
    return true;
}

/* A step on the way to the answer; retries: how many it adds. */
static bool fault_step(EventContext *ctx, unsigned retries, bool escalates)
{
    const struct svmgpu_trace_fault_step *p = &ctx->rec->fault_step;
    const FaultPoint point = {
        .gpu = p->gpu,
        .fault = p->fault,
        .va = p->va,
        .vm = p->vm,
        .range = p->range,
    };
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= EVENT_MAX_GPUS) {
        return false;
    }
    context_within_fault(ctx, open);
    if (open) {
        open->row.a1 += retries;
        if (escalates) {
            open->row.a2 = MAX(open->row.a2, (int64_t)p->tier);
        }
        event_model_touch(ctx->model, open);
    }
    fault_point(ctx, open, &point, p->reason, p->tier, p->attempt,
                EVENT_NULL);
    return true;
}

bool translate_fault_vma_found(EventContext *ctx)
{
    return fault_step(ctx, 0, false);
}

bool translate_fault_retried(EventContext *ctx)
{
    return fault_step(ctx, 1, false);
}

bool translate_fault_escalated(EventContext *ctx)
{
    return fault_step(ctx, 0, true);
}

bool translate_fault_answered(EventContext *ctx)
{
    const struct svmgpu_trace_fault_answer *p = &ctx->rec->fault_answer;
    const FaultPoint point = {
        .gpu = p->gpu,
        .fault = p->fault,
        .va = p->va,
        .vm = p->vm,
        .range = p->range,
    };
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= EVENT_MAX_GPUS || p->outcome > SVMGPU_TRACE_FAULT_FAILED) {
        return false;
    }
    context_within_fault(ctx, open);
    fault_point(ctx, open, &point, p->outcome, p->tier, p->attempts,
                p->result);
    if (!open) {
        return true;
    }
    open->driver_ended = true;
    open->row.n = p->attempts;
    open->row.a2 = MAX(open->row.a2, (int64_t)p->tier);
    open->row.outcome = p->outcome;
    open->row.cause = p->verdict;
    open->row.result = p->result;
    open->row.object_id = context_thing(ctx, EVENT_THING_SVM_RANGE, p->range);
    if (open->device_ended) {
        event_model_end(ctx->model, event_model_device(ctx->model), open,
                        open->row.t1 == EVENT_NULL ? ctx->t : open->row.t1);
    } else {
        event_model_touch(ctx->model, open);
    }
    return true;
}

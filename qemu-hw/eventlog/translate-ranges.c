/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of SVM ranges: things, each with an interval for every state that it
 * is in.
 */
#include "translate.h"

#include <glib.h>

/* Where it is written down: in a record of a range or of its state. */
typedef struct RangeState {
    uint32_t range;
    uint32_t vm;
    unsigned gpu;
    unsigned state;
    int64_t owner;
    unsigned cause;
    uint64_t va;
    uint64_t bytes;
} RangeState;

static void state_begin(EventContext *ctx, int64_t range_id,
                        const RangeState *s)
{
    EventOpen *open = event_model_begin(ctx->model, ctx->scope,
                                        EVENT_RANGE_STATE, s->range, range_id,
                                        ctx->t, EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.sub = s->state;
        open->row.dst = s->owner;
        open->row.cause = s->cause;
        open->row.vm_id = context_vm(ctx, s->vm);
        open->row.gpu = context_gpu_column(s->gpu);
        open->row.va = (int64_t)s->va;
        open->row.bytes = (int64_t)s->bytes;
    }
}

bool translate_range_created(EventContext *ctx)
{
    const struct svmgpu_trace_range *p = &ctx->rec->range;
    const RangeState unpopulated = {
        .range = p->range,
        .vm = p->vm,
        .gpu = p->gpu,
        .state = SVMGPU_TRACE_STATE_UNPOPULATED,
        .owner = EVENT_NULL,
        .cause = SVMGPU_TRACE_CAUSE_UNKNOWN,
        .va = p->va,
        .bytes = p->bytes,
    };
    g_autofree char *name = g_strdup_printf(
        "%#" G_GINT64_MODIFIER "x+%" G_GINT64_MODIFIER "uK", (guint64)p->va,
        (guint64)p->bytes >> 10);
    EventThing row;

    event_thing_init(&row, EVENT_THING_SVM_RANGE, p->range, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = context_thing(ctx, EVENT_THING_GPU_VMA, p->vma);
    row.name = name;
    state_begin(ctx, context_define(ctx, &row), &unpopulated);
    return true;
}

bool translate_range_destroyed(EventContext *ctx)
{
    const struct svmgpu_trace_range *p = &ctx->rec->range;
    EventOpen *open = context_open(ctx, EVENT_RANGE_STATE, p->range);

    if (open) {
        context_end(ctx, open);
    }
    context_gone(ctx, EVENT_THING_SVM_RANGE, p->range);
    return true;
}

bool translate_range_state_changed(EventContext *ctx)
{
    const struct svmgpu_trace_range_state *p = &ctx->rec->range_state;
    const RangeState state = {
        .range = p->range,
        .vm = p->vm,
        .gpu = p->gpu,
        .state = p->state,
        .owner = context_gpu_column(p->owner),
        .cause = p->cause,
        .va = p->va,
        .bytes = p->bytes,
    };
    EventOpen *open = context_open(ctx, EVENT_RANGE_STATE, p->range);

    if (p->state > SVMGPU_TRACE_STATE_MIXED_DEVICE || !p->range) {
        return false;
    }
    /* The same state again is no change. */
    if (open && open->row.sub == state.state && open->row.dst == state.owner) {
        return true;
    }
    if (open) {
        context_end(ctx, open);
    }
    state_begin(ctx, context_thing(ctx, EVENT_THING_SVM_RANGE, p->range),
                &state);
    return true;
}

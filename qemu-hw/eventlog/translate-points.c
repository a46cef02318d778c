/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of what happens at one moment.
 */
#include "translate.h"

bool translate_mark_set(EventContext *ctx)
{
    const struct svmgpu_trace_mark *p = &ctx->rec->mark;
    EventPoint row;

    context_point_init(ctx, &row, event_model_guest(ctx->model, ctx->t),
                       EVENT_NULL, 0, SVMGPU_TRACE_NO_GPU);
    row.text = event_model_text(p->text, sizeof(p->text));
    context_point(ctx, &row);
    return true;
}

/* --- objects ------------------------------------------------------------- */

static void bo_point_init(EventContext *ctx, EventPoint *row, uint32_t bo,
                          uint32_t vm, unsigned gpu, uint64_t bytes)
{
    context_point_init(ctx, row,
                       context_lane(ctx, EVENT_THING_MIGRATION_LANE, gpu),
                       context_thing(ctx, EVENT_THING_BO, bo), vm, gpu);
    row->bytes = (int64_t)bytes;
}

bool translate_bo_moved(EventContext *ctx)
{
    const struct svmgpu_trace_bo_move *p = &ctx->rec->bo_move;
    EventPoint row;

    bo_point_init(ctx, &row, p->bo, p->vm, p->gpu, p->bytes);
    row.a0 = p->from;
    row.a1 = p->to;
    row.a2 = p->cause;
    row.result = p->result;
    context_point(ctx, &row);
    return true;
}

bool translate_bo_purged(EventContext *ctx)
{
    const struct svmgpu_trace_bo *p = &ctx->rec->bo;
    EventPoint row;

    bo_point_init(ctx, &row, p->bo, p->vm, p->gpu, p->bytes);
    context_point(ctx, &row);
    return true;
}

/* --- ranges and gpu_vmas ------------------------------------------------- */

/* In the line of its object, where the record names one. */
static void object_point_init(EventContext *ctx, EventPoint *row,
                              int64_t object_id, uint32_t vm, unsigned gpu)
{
    context_point_init(ctx, row,
                       object_id != EVENT_NULL ?
                           object_id : context_vm_or_gpu(ctx, vm, gpu),
                       object_id, vm, gpu);
}

static bool touch(EventContext *ctx, EventThingKind kind)
{
    const struct svmgpu_trace_touch *p = &ctx->rec->touch;
    EventPoint row;

    object_point_init(ctx, &row, context_thing(ctx, kind, p->object), p->vm,
                      p->gpu);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = p->event;
    row.parent_id = context_owner(ctx, SVMGPU_TRACE_OWNER_INVALIDATION,
                                  p->invalidation, p->gpu);
    context_point(ctx, &row);
    return true;
}

bool translate_range_invalidated(EventContext *ctx)
{
    return touch(ctx, EVENT_THING_SVM_RANGE);
}

bool translate_userptr_invalidated(EventContext *ctx)
{
    return touch(ctx, EVENT_THING_GPU_VMA);
}

bool translate_scan_completed(EventContext *ctx)
{
    const struct svmgpu_trace_scan *p = &ctx->rec->scan;
    EventPoint row;

    object_point_init(ctx, &row,
                      context_thing(ctx, EVENT_THING_SVM_RANGE, p->range),
                      p->vm, p->gpu);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = p->state;
    row.a1 = p->seen;
    row.a2 = p->windows | (int64_t)p->collisions << 16;
    row.a3 = (p->decision & 1) | (int64_t)p->policy << 1;
    row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
    context_point(ctx, &row);
    return true;
}

/* --- on behalf of an interval -------------------------------------------- */

/* In the line of the VM, with whose doing it is. */
static void owned_point_init(EventContext *ctx, EventPoint *row,
                             int64_t object_id, uint32_t vm, unsigned gpu,
                             unsigned owner, uint64_t owner_id)
{
    context_point_init(ctx, row, context_vm_or_gpu(ctx, vm, gpu), object_id,
                       vm, gpu);
    row->key = (int64_t)owner_id;
    row->a0 = owner;
    row->parent_id = context_owner(ctx, owner, owner_id, gpu);
}

/* What a phase mark is about: svmgpu_trace_phase.object. */
static EventThingKind phase_object_kind(const EventContext *ctx,
                                        unsigned owner)
{
    switch (owner) {
    case SVMGPU_TRACE_OWNER_FAULT:
    case SVMGPU_TRACE_OWNER_PREFETCH:
    case SVMGPU_TRACE_OWNER_INVALIDATION:
    case SVMGPU_TRACE_OWNER_GC:
        return ctx->type == SVMGPU_TRACE_VMA_REVALIDATED ?
                   EVENT_THING_GPU_VMA : EVENT_THING_SVM_RANGE;
    default:
        return EVENT_THING_GPU_VMA;
    }
}

bool translate_phase(EventContext *ctx)
{
    const struct svmgpu_trace_phase *p = &ctx->rec->phase;
    EventPoint row;

    owned_point_init(ctx, &row,
                     context_thing(ctx, phase_object_kind(ctx, p->owner),
                                   p->object),
                     p->vm, p->gpu, p->owner, p->owner_id);
    row.a1 = (int64_t)p->seq;
    row.a2 = (int64_t)p->value;
    row.a3 = p->attempt;
    row.result = p->result;
    context_point(ctx, &row);
    return true;
}

bool translate_pt_change(EventContext *ctx)
{
    const struct svmgpu_trace_pt *p = &ctx->rec->pt;
    EventPoint row;

    owned_point_init(ctx, &row,
                     context_thing(ctx, p->kind == SVMGPU_TRACE_VMA_MIRROR ?
                                            EVENT_THING_SVM_RANGE :
                                            EVENT_THING_GPU_VMA, p->object),
                     p->vm, p->gpu, p->owner, p->owner_id);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a1 = p->kind;
    row.a2 = (int64_t)p->seq;
    row.a3 = p->flags;
    context_point(ctx, &row);
    return true;
}

bool translate_list_change(EventContext *ctx)
{
    const struct svmgpu_trace_list_change *p = &ctx->rec->list_change;
    bool of_bos = p->list == SVMGPU_TRACE_LIST_EXTOBJ ||
                  p->list == SVMGPU_TRACE_LIST_EVICT;
    EventPoint row;

    owned_point_init(ctx, &row,
                     context_thing(ctx, of_bos ? EVENT_THING_BO :
                                                 EVENT_THING_GPU_VMA,
                                   p->object),
                     p->vm, p->gpu, p->owner, p->owner_id);
    row.a1 = p->list;
    row.a2 = context_thing(ctx, EVENT_THING_BO, p->bo);
    context_point(ctx, &row);
    return true;
}

/* --- fences -------------------------------------------------------------- */

bool translate_user_fence_signalled(EventContext *ctx)
{
    const struct svmgpu_trace_user_fence *p = &ctx->rec->user_fence;
    EventPoint row;

    context_point_init(ctx, &row, context_vm_or_gpu(ctx, p->vm, p->gpu),
                       context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->queue),
                       p->vm, p->gpu);
    row.va = (int64_t)p->va;
    row.a0 = (int64_t)p->value;
    row.result = p->result;
    context_point(ctx, &row);
    return true;
}

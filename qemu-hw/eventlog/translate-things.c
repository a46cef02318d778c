/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records that define things, and those that tell of their end.
 */
#include "translate.h"

#include <glib.h>

/* --- names --------------------------------------------------------------- */

static bool define_named(EventContext *ctx, EventThingKind kind, uint64_t key,
                         int64_t parent_id, const char *text, size_t bytes)
{
    g_autofree char *name = event_model_text(text, bytes);
    EventThing row;

    event_thing_init(&row, kind, key, ctx->t);
    row.parent_id = parent_id;
    row.name = name;
    context_define(ctx, &row);
    return true;
}

bool translate_place_defined(EventContext *ctx)
{
    const struct svmgpu_trace_place *p = &ctx->rec->place;

    return define_named(ctx, EVENT_THING_PLACE, p->place, EVENT_NULL, p->name,
                        sizeof(p->name));
}

bool translate_process_defined(EventContext *ctx)
{
    const struct svmgpu_trace_process *p = &ctx->rec->process;

    return define_named(ctx, EVENT_THING_PROCESS, p->tgid, EVENT_NULL,
                        p->comm, sizeof(p->comm));
}

bool translate_thread_defined(EventContext *ctx)
{
    const struct svmgpu_trace_thread *p = &ctx->rec->thread;

    return define_named(ctx, EVENT_THING_THREAD, p->tid,
                        context_thing(ctx, EVENT_THING_PROCESS, p->tgid),
                        p->comm, sizeof(p->comm));
}

/* --- GPUs ---------------------------------------------------------------- */

bool translate_gpu_defined(EventContext *ctx)
{
    const struct svmgpu_trace_gpu *p = &ctx->rec->gpu;
    EventScope *device = event_model_device(ctx->model);
    g_autofree char *name = NULL;
    EventThing row;

    /* The device knows better; without it (a test) the driver's word does. */
    if (p->gpu >= EVENT_MAX_GPUS ||
        event_model_find_thing(device, EVENT_THING_GPU, p->gpu)) {
        return true;
    }
    name = g_strdup_printf("gpu%u", p->gpu);
    event_thing_init(&row, EVENT_THING_GPU, p->gpu, ctx->t);
    row.gpu = p->gpu;
    row.bytes = (int64_t)p->vram_bytes;
    row.name = name;
    event_model_define(ctx->model, device, &row);
    return true;
}

/* --- objects: VM, bo, gpu_vma, queue ------------------------------------- */

static bool gone(EventContext *ctx, EventThingKind kind, uint64_t key)
{
    context_gone(ctx, kind, key);
    return true;
}

bool translate_vm_created(EventContext *ctx)
{
    const struct svmgpu_trace_vm *p = &ctx->rec->vm;
    g_autofree char *name = g_strdup_printf("vm %u of gpu%u", p->vm, p->gpu);
    EventThing row;

    event_thing_init(&row, EVENT_THING_GPU_VM, p->vm, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = context_thing(ctx, EVENT_THING_PROCESS, p->tgid);
    row.name = name;
    row.sub = p->flags;
    row.a0 = p->asid;
    context_define(ctx, &row);
    return true;
}

bool translate_vm_destroyed(EventContext *ctx)
{
    return gone(ctx, EVENT_THING_GPU_VM, ctx->rec->vm.vm);
}

bool translate_bo_created(EventContext *ctx)
{
    const struct svmgpu_trace_bo *p = &ctx->rec->bo;
    EventThing row;

    event_thing_init(&row, EVENT_THING_BO, p->bo, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.bytes = (int64_t)p->bytes;
    row.sub = p->placement;
    row.a0 = p->flags;
    context_define(ctx, &row);
    return true;
}

bool translate_bo_destroyed(EventContext *ctx)
{
    return gone(ctx, EVENT_THING_BO, ctx->rec->bo.bo);
}

bool translate_vma_mapped(EventContext *ctx)
{
    const struct svmgpu_trace_vma *p = &ctx->rec->vma;
    EventThing row;

    if (p->kind > SVMGPU_TRACE_VMA_MIRROR) {
        return false;
    }
    event_thing_init(&row, EVENT_THING_GPU_VMA, p->vma, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.sub = p->kind;
    row.a0 = (int64_t)p->offset;
    row.a1 = context_thing(ctx, EVENT_THING_BO, p->bo);
    context_define(ctx, &row);
    return true;
}

bool translate_vma_unmapped(EventContext *ctx)
{
    return gone(ctx, EVENT_THING_GPU_VMA, ctx->rec->vma.vma);
}

bool translate_queue_created(EventContext *ctx)
{
    const struct svmgpu_trace_queue *p = &ctx->rec->queue;
    g_autofree char *name = g_strdup_printf("queue %u of gpu%u", p->queue,
                                            p->gpu);
    EventThing row;

    event_thing_init(&row, EVENT_THING_EXEC_QUEUE, p->queue, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.sub = p->engine;
    row.a0 = p->flags;
    row.name = name;
    context_define(ctx, &row);
    return true;
}

bool translate_queue_destroyed(EventContext *ctx)
{
    return gone(ctx, EVENT_THING_EXEC_QUEUE, ctx->rec->queue.queue);
}

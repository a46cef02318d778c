/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record of the driver, with what its numbers refer to: context.h.
 */
#include "context.h"

#include <glib.h>

/* Threads are things; interrupts on a CPU are told from threads by this. */
#define INTERRUPT_KEY (1ULL << 32)

/* --- time ---------------------------------------------------------------- */

void context_within_fault(EventContext *ctx, const EventOpen *fault)
{
    uint64_t guest_ns = ctx->rec->ts_ns;

    if (!fault || fault->row.clock != EVENT_CLOCK_DEVICE) {
        return;
    }
    ctx->t = event_timeline_not_before(ctx->timeline, guest_ns, ctx->t,
                                       fault->row.t0);
    if (fault->row.t1 != EVENT_NULL) {
        ctx->t = event_timeline_not_after(ctx->timeline, guest_ns, ctx->t,
                                          fault->row.t1);
    }
}

/* --- things -------------------------------------------------------------- */

uint64_t context_thread_key(const EventContext *ctx)
{
    return ctx->rec->tid ? ctx->rec->tid : INTERRUPT_KEY + ctx->cpu;
}

int64_t context_thread(EventContext *ctx)
{
    uint64_t key = context_thread_key(ctx);
    int64_t id = event_model_find_thing(ctx->scope, EVENT_THING_THREAD, key);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    if (key >= INTERRUPT_KEY) {
        name = g_strdup_printf("interrupts on CPU %u", ctx->cpu);
    } else {
        name = g_strdup_printf("thread %u", ctx->rec->tid);
    }
    event_thing_init(&row, EVENT_THING_THREAD, key, ctx->t);
    row.name = name;
    return context_define(ctx, &row);
}

int64_t context_thing(EventContext *ctx, EventThingKind kind, uint32_t key)
{
    return key ? event_model_thing(ctx->model, ctx->scope, kind, key, ctx->t)
               : EVENT_NULL;
}

int64_t context_vm(EventContext *ctx, uint32_t vm)
{
    g_autofree char *name = NULL;
    EventThing row;
    int64_t id;

    if (!vm) {
        return EVENT_NULL;
    }
    id = event_model_find_thing(ctx->scope, EVENT_THING_GPU_VM, vm);
    if (id) {
        return id;
    }
    name = g_strdup_printf("vm %u", vm);
    event_thing_init(&row, EVENT_THING_GPU_VM, vm, ctx->t);
    row.name = name;
    return context_define(ctx, &row);
}

int64_t context_gpu(EventContext *ctx, unsigned gpu)
{
    return gpu < EVENT_MAX_GPUS ? event_model_gpu(ctx->model, gpu, ctx->t)
                                : event_model_guest(ctx->model, ctx->t);
}

int64_t context_vm_or_gpu(EventContext *ctx, uint32_t vm, unsigned gpu)
{
    return vm ? context_vm(ctx, vm) : context_gpu(ctx, gpu);
}

int64_t context_lane(EventContext *ctx, EventThingKind kind, unsigned gpu)
{
    return gpu < EVENT_MAX_GPUS ?
               event_model_lane(ctx->model, kind, gpu, ctx->t) :
               event_model_guest(ctx->model, ctx->t);
}

int64_t context_gpu_column(unsigned gpu)
{
    return gpu == SVMGPU_TRACE_NO_GPU ? EVENT_NULL : (int64_t)gpu;
}

int64_t context_define(EventContext *ctx, EventThing *row)
{
    return event_model_define(ctx->model, ctx->scope, row);
}

void context_gone(EventContext *ctx, EventThingKind kind, uint64_t key)
{
    event_model_gone(ctx->model, ctx->scope, kind, key, ctx->t);
}

/* --- intervals ----------------------------------------------------------- */

EventOpen *context_begin(EventContext *ctx, EventIntervalKind kind,
                         uint64_t key, int64_t thing_id, uint32_t vm,
                         unsigned gpu)
{
    EventOpen *open = event_model_begin(ctx->model, ctx->scope, kind, key,
                                        thing_id, ctx->t, EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.key = (int64_t)key;
        open->row.thread_id = context_thread(ctx);
        open->row.vm_id = context_vm(ctx, vm);
        open->row.gpu = context_gpu_column(gpu);
    }
    return open;
}

EventOpen *context_open(EventContext *ctx, EventIntervalKind kind,
                        uint64_t key)
{
    return event_model_find(ctx->model, ctx->scope, kind, key);
}

void context_end(EventContext *ctx, EventOpen *open)
{
    event_model_end(ctx->model, ctx->scope, open, ctx->t);
}

EventOpen *context_fault(EventContext *ctx, unsigned gpu, uint64_t fault)
{
    return fault ? event_model_find(ctx->model,
                                    event_model_device(ctx->model),
                                    EVENT_FAULT, event_fault_key(gpu, fault))
                 : NULL;
}

int64_t context_fault_id(EventContext *ctx, unsigned gpu, uint64_t fault)
{
    EventOpen *open = context_fault(ctx, gpu, fault);

    return open ? open->row.id : EVENT_NULL;
}

int64_t context_owner(EventContext *ctx, unsigned owner, uint64_t key,
                      unsigned gpu)
{
    static const uint8_t kind[] = {
        [SVMGPU_TRACE_OWNER_EXEC] = EVENT_EXEC,
        [SVMGPU_TRACE_OWNER_BIND] = EVENT_BIND,
        [SVMGPU_TRACE_OWNER_PREFETCH] = EVENT_BIND,
        [SVMGPU_TRACE_OWNER_INVALIDATION] = EVENT_INVALIDATION,
        [SVMGPU_TRACE_OWNER_EVICTION] = EVENT_EVICTION,
        [SVMGPU_TRACE_OWNER_REBIND] = EVENT_BIND,
    };
    EventOpen *open;

    if (owner == SVMGPU_TRACE_OWNER_FAULT) {
        return context_fault_id(ctx, gpu, key);
    }
    if (!key || owner >= G_N_ELEMENTS(kind) || !kind[owner]) {
        return EVENT_NULL;
    }
    open = context_open(ctx, kind[owner], key);
    return open ? open->row.id : EVENT_NULL;
}

/* --- points -------------------------------------------------------------- */

void context_point_init(EventContext *ctx, EventPoint *row, int64_t thing_id,
                        int64_t object_id, uint32_t vm, unsigned gpu)
{
    event_point_init(row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row->thing_id = thing_id;
    row->object_id = object_id;
    row->vm_id = context_vm(ctx, vm);
    row->gpu = context_gpu_column(gpu);
}

void context_point(EventContext *ctx, EventPoint *row)
{
    if (row->thing_id == EVENT_NULL) {
        g_free(row->text);
        return;
    }
    row->thread_id = context_thread(ctx);
    event_store_point(event_model_store(ctx->model), row);
}

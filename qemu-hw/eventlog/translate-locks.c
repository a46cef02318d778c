/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of locks: their classes, the locks themselves, who waits for them
 * and who holds them. Most records of a log are of these.
 */
#include "translate.h"

#include <glib.h>

/* --- definitions --------------------------------------------------------- */

static int64_t lock_class_id(EventContext *ctx, unsigned lock_class)
{
    return context_thing(ctx, EVENT_THING_LOCK_CLASS, lock_class);
}

bool translate_lock_class_defined(EventContext *ctx)
{
    const struct svmgpu_trace_lock_class *p = &ctx->rec->lock_class;
    EventThing row;

    if (!p->lock_class || p->lock_class >= EVENT_LOCK_CLASSES ||
        p->type > SVMGPU_TRACE_LOCK_PSEUDO) {
        return false;
    }
    event_locks_name_class(ctx->locks, p->lock_class,
                           event_model_text(p->name, sizeof(p->name)));
    event_thing_init(&row, EVENT_THING_LOCK_CLASS, p->lock_class, ctx->t);
    row.name = event_locks_class_name(ctx->locks, p->lock_class);
    row.sub = p->type;
    row.a0 = p->rank;
    context_define(ctx, &row);
    return true;
}

static bool lock_instance_is_valid(const struct svmgpu_trace_lock_instance *p)
{
    return p->lock && p->lock_class < EVENT_LOCK_CLASSES;
}

static char *lock_name(EventContext *ctx,
                       const struct svmgpu_trace_lock_instance *p)
{
    char *name = event_model_text(p->name, sizeof(p->name));
    const char *what = event_locks_class_name(ctx->locks, p->lock_class);

    if (name[0]) {
        return name;
    }
    g_free(name);
    what = what ?: "lock";
    if (p->bo) {
        return g_strdup_printf("%s of bo %u", what, p->bo);
    }
    if (p->vm) {
        return g_strdup_printf("%s of vm %u", what, p->vm);
    }
    if (p->gpu < EVENT_MAX_GPUS) {
        return g_strdup_printf("%s of gpu%u", what, p->gpu);
    }
    return g_strdup_printf("%s %u", what, p->lock);
}

/* A bo, or a VM in the upper half; 0 when it is not told. */
static uint64_t lock_owner(const struct svmgpu_trace_lock_instance *p)
{
    if (!p->bo && p->lock_class == SVMGPU_TRACE_CLASS_VM_RESV) {
        return (uint64_t)p->vm << 32;
    }
    return p->bo;
}

static bool owner_exists(EventContext *ctx, uint64_t owner)
{
    return owner >> 32 ? event_model_find_thing(ctx->scope, EVENT_THING_GPU_VM,
                                                owner >> 32) != 0 :
                         event_model_find_thing(ctx->scope, EVENT_THING_BO,
                                                owner) != 0;
}

/*
 * A reservation lock is named by its address, which another object may have
 * later: with another owner it is another lock. False: the record does not
 * tell an owner, and the one that is known still exists.
 */
static bool check_owner(EventContext *ctx,
                        const struct svmgpu_trace_lock_instance *p)
{
    uint64_t before = event_locks_owner(ctx->locks, p->lock);
    uint64_t owner = lock_owner(p);

    if (owner == before) {
        return true;
    }
    if (before) {
        if (!owner && owner_exists(ctx, before)) {
            return false;
        }
        context_gone(ctx, EVENT_THING_LOCK, p->lock);
    }
    event_locks_set_owner(ctx->locks, p->lock, owner);
    return true;
}

bool translate_lock_defined(EventContext *ctx)
{
    const struct svmgpu_trace_lock_instance *p = &ctx->rec->lock_instance;
    g_autofree char *name = NULL;
    EventThing row;

    if (!lock_instance_is_valid(p)) {
        return false;
    }
    if (!check_owner(ctx, p)) {
        return true; /* less than what is known already */
    }
    name = lock_name(ctx, p);
    event_thing_init(&row, EVENT_THING_LOCK, p->lock, ctx->t);
    row.gpu = context_gpu_column(p->gpu);
    row.parent_id = lock_class_id(ctx, p->lock_class);
    row.a0 = context_vm(ctx, p->vm);
    row.a1 = context_thing(ctx, EVENT_THING_BO, p->bo);
    row.name = name;
    context_define(ctx, &row);
    return true;
}

bool translate_lock_retired(EventContext *ctx)
{
    const struct svmgpu_trace_lock_instance *p = &ctx->rec->lock_instance;

    if (!lock_instance_is_valid(p)) {
        return false;
    }
    context_gone(ctx, EVENT_THING_LOCK, p->lock);
    return true;
}

/* --- waits and holds: the hot path --------------------------------------- */

static int64_t lock_id(EventContext *ctx, const struct svmgpu_trace_lock *p)
{
    int64_t id = event_model_find_thing(ctx->scope, EVENT_THING_LOCK, p->lock);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    event_thing_init(&row, EVENT_THING_LOCK, p->lock, ctx->t);
    row.parent_id = lock_class_id(ctx, p->lock_class);
    row.a0 = context_vm(ctx, p->vm);
    name = g_strdup_printf(
        "%s lock %u",
        event_locks_class_name(ctx->locks, p->lock_class) ?: "", p->lock);
    row.name = g_strstrip(name);
    return context_define(ctx, &row);
}

static bool lock_is_valid(const EventContext *ctx)
{
    const struct svmgpu_trace_lock *p = &ctx->rec->lock;

    return p->lock && p->mode <= SVMGPU_TRACE_MODE_SHARED &&
           p->lock_class < EVENT_LOCK_CLASSES;
}

/* Who waits for or holds what; interrupts count as one per CPU. */
static uint64_t lock_key(const EventContext *ctx)
{
    return ((uint64_t)ctx->rec->lock.lock << 32) |
           (ctx->rec->tid ? ctx->rec->tid : 0xffff0000u + ctx->cpu);
}

static void lock_begin(EventContext *ctx, EventIntervalKind kind,
                       unsigned mode)
{
    const struct svmgpu_trace_lock *p = &ctx->rec->lock;
    EventOpen *open = event_model_begin(ctx->model, ctx->scope, kind,
                                        lock_key(ctx), lock_id(ctx, p), ctx->t,
                                        EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.sub = mode;
        open->row.thread_id = context_thread(ctx);
        open->row.object_id = context_thing(ctx, EVENT_THING_PLACE, p->place);
        open->row.n = p->flags;
        open->row.vm_id = context_vm(ctx, p->vm);
    }
}

static void lock_end(EventContext *ctx, EventOpen *open)
{
    if (open) {
        context_end(ctx, open);
    }
}

bool translate_lock_contended(EventContext *ctx)
{
    if (!lock_is_valid(ctx)) {
        return false;
    }
    lock_begin(ctx, EVENT_LOCK_WAIT, ctx->rec->lock.mode);
    return true;
}

bool translate_lock_acquired(EventContext *ctx)
{
    if (!lock_is_valid(ctx)) {
        return false;
    }
    lock_end(ctx, context_open(ctx, EVENT_LOCK_WAIT, lock_key(ctx)));
    lock_begin(ctx, EVENT_LOCK_HOLD, ctx->rec->lock.mode);
    return true;
}

bool translate_lock_released(EventContext *ctx)
{
    const struct svmgpu_trace_lock *p = &ctx->rec->lock;
    EventOpen *open;

    if (!lock_is_valid(ctx)) {
        return false;
    }
    if (p->flags & SVMGPU_TRACE_LOCK_GAVE_UP) {
        open = context_open(ctx, EVENT_LOCK_WAIT, lock_key(ctx));
        if (open) {
            open->row.n = p->flags;
        }
        lock_end(ctx, open);
        return true;
    }
    lock_end(ctx, context_open(ctx, EVENT_LOCK_HOLD, lock_key(ctx)));
    if (p->flags & SVMGPU_TRACE_LOCK_DOWNGRADED) {
        lock_begin(ctx, EVENT_LOCK_HOLD, SVMGPU_TRACE_MODE_SHARED);
    }
    return true;
}

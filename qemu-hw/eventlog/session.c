/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session of a driver: session.h. svmgpu_trace.h documents the records.
 *
 * Numbers of a record are the guest's: enumerations that select a row's
 * meaning are checked, everything else is only stored.
 */
#include "session.h"

#include <glib.h>
#include <string.h>

/* Threads are things; interrupts on a CPU are told from threads by this. */
#define INTERRUPT_KEY (1ULL << 32)
/* GPU numbers beyond are wild. */
#define MAX_GPUS 64
/* Reservation locks whose owners are remembered. */
#define SESSION_LOCKS (1u << 20)

/* Without a clock sample the mapping is a guess, wrong by up to this. */
#define GUESS_ERROR_NS 1000000000ULL

/* One record on its way through the functions below. */
typedef struct Context {
    EventSession *session;
    const struct svmgpu_trace_record *rec;
    unsigned type;
    unsigned cpu;
    int64_t t;
} Context;

EventSession *event_session_new(EventModel *model, uint64_t key,
                                uint64_t now_ns, unsigned gpu,
                                unsigned rings, unsigned ring_records,
                                const char *driver, const char *kernel)
{
    EventStore *store = event_model_store(model);
    EventSession *session = g_new0(EventSession, 1);
    int64_t id = event_store_session(store, key,
                                     event_store_time(store, now_ns), gpu,
                                     rings, ring_records, driver, kernel);

    session->model = model;
    session->key = key;
    event_clock_init(&session->clock);
    event_scope_init(&session->scope, id);
    event_map_init(&session->lock_owner, SESSION_LOCKS);
    return session;
}

void event_session_end(EventSession *session, uint64_t now_ns)
{
    EventStore *store = event_model_store(session->model);
    int64_t t = event_store_time(store, now_ns);

    event_model_cut_scope(session->model, &session->scope, t);
    event_store_things_gone(store, session->scope.session_id, t);
    event_store_session_update(store, session->scope.session_id, t,
                               session->records, session->bad, session->torn);
    event_scope_destroy(&session->scope);
    event_map_destroy(&session->lock_owner);
    for (unsigned i = 0; i < G_N_ELEMENTS(session->class_name); i++) {
        g_free(session->class_name[i]);
    }
    g_free(session);
}

/* --- the clock ----------------------------------------------------------- */

/* The newest piece of the map gets its row. */
static void session_store_piece(EventSession *session)
{
    EventStore *store = event_model_store(session->model);
    EventClockPiece *piece =
        &session->clock.piece[session->clock.pieces - 1];

    if (piece->row) {
        return; /* bent within its first nanosecond: the row stands */
    }
    piece->row = event_store_clock(
        store, session->scope.session_id, piece->guest_ns,
        event_store_time(store, piece->device_ns), piece->rate_ppb,
        piece->error_ns);
}

static void session_clock_sample(EventSession *session,
                                 const struct svmgpu_trace_clock *sample,
                                 uint64_t now_ns)
{
    EventClock *clock = &session->clock;
    int64_t row = clock->pieces ? clock->piece[clock->pieces - 1].row : 0;
    uint64_t error;

    if (!event_clock_sample(clock, sample->guest_before_ns,
                            sample->device_ns, sample->guest_after_ns,
                            now_ns, &error)) {
        session->bad++;
        return;
    }
    /* What the map before was wrong by is known only now. */
    if (row && error) {
        event_store_clock_error(event_model_store(session->model), row, error);
    }
    session_store_piece(session);
}

uint64_t event_session_device_ns(const EventSession *session,
                                 uint64_t guest_ns)
{
    return event_clock_map(&session->clock, guest_ns);
}

/* The driver saw what the device did at log time t: it cannot be earlier. */
static void context_not_before(Context *ctx, int64_t t)
{
    EventSession *session = ctx->session;
    EventStore *store = event_model_store(session->model);

    if (ctx->t >= t) {
        return;
    }
    if (event_clock_not_before(&session->clock, ctx->rec->ts_ns,
                               event_store_device_time(store, t))) {
        session_store_piece(session);
    }
    ctx->t = MAX(t, ctx->t);
}

/* The device saw at log time t what the driver did: it cannot be later. */
static void context_not_after(Context *ctx, int64_t t)
{
    EventSession *session = ctx->session;
    EventStore *store = event_model_store(session->model);

    if (ctx->t <= t) {
        return;
    }
    /*
     * The guest's own order comes first: what it did before this must not seem
     * to have happened later. What is left over is within the stored error.
     */
    t = MAX(t, MIN(session->latest_t, ctx->t));
    if (event_clock_not_after(&session->clock, ctx->rec->ts_ns,
                              event_store_device_time(store, t))) {
        session_store_piece(session);
    }
    ctx->t = t;
}

/* --- things ---------------------------------------------------------------- */

static uint64_t context_thread_key(const Context *ctx)
{
    return ctx->rec->tid ? ctx->rec->tid : INTERRUPT_KEY + ctx->cpu;
}

static int64_t context_thread(Context *ctx)
{
    EventScope *scope = &ctx->session->scope;
    uint64_t key = context_thread_key(ctx);
    int64_t id = event_model_find_thing(scope, EVENT_THING_THREAD, key);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    event_thing_init(&row, EVENT_THING_THREAD, key, ctx->t);
    if (key >= INTERRUPT_KEY) {
        name = g_strdup_printf("interrupts on CPU %u", ctx->cpu);
    } else {
        name = g_strdup_printf("thread %u", ctx->rec->tid);
    }
    row.name = name;
    return event_model_define(ctx->session->model, scope, &row);
}

/* Id of a driver object, EVENT_NULL for key 0. */
static int64_t context_thing(Context *ctx, EventThingKind kind, uint32_t key)
{
    return key ? event_model_thing(ctx->session->model, &ctx->session->scope,
                                   kind, key, ctx->t)
               : EVENT_NULL;
}

static int64_t context_vm(Context *ctx, uint32_t vm)
{
    int64_t id;
    g_autofree char *name = NULL;
    EventThing row;

    if (!vm) {
        return EVENT_NULL;
    }
    id = event_model_find_thing(&ctx->session->scope, EVENT_THING_GPU_VM, vm);
    if (id) {
        return id;
    }
    name = g_strdup_printf("vm %u", vm);
    event_thing_init(&row, EVENT_THING_GPU_VM, vm, ctx->t);
    row.name = name;
    return event_model_define(ctx->session->model, &ctx->session->scope, &row);
}

static int64_t context_gpu(Context *ctx, unsigned gpu)
{
    return gpu < MAX_GPUS ?
               event_model_gpu(ctx->session->model, gpu, ctx->t) :
               event_model_guest(ctx->session->model, ctx->t);
}

static int64_t context_lane(Context *ctx, EventThingKind kind, unsigned gpu)
{
    return gpu < MAX_GPUS ?
               event_model_lane(ctx->session->model, kind, gpu, ctx->t) :
               event_model_guest(ctx->session->model, ctx->t);
}

static int64_t gpu_column(unsigned gpu)
{
    return gpu == SVMGPU_TRACE_NO_GPU ? EVENT_NULL : (int64_t)gpu;
}

static int64_t context_lock_class(Context *ctx, unsigned lock_class)
{
    return context_thing(ctx, EVENT_THING_LOCK_CLASS, lock_class);
}

static int64_t context_lock(Context *ctx, const struct svmgpu_trace_lock *lock)
{
    EventScope *scope = &ctx->session->scope;
    int64_t id = event_model_find_thing(scope, EVENT_THING_LOCK, lock->lock);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    event_thing_init(&row, EVENT_THING_LOCK, lock->lock, ctx->t);
    row.parent_id = context_lock_class(ctx, lock->lock_class);
    row.a0 = context_vm(ctx, lock->vm);
    name = g_strdup_printf("%s lock %u",
                           ctx->session->class_name[lock->lock_class & 255] ?:
                               "", lock->lock);
    row.name = g_strstrip(name);
    return event_model_define(ctx->session->model, scope, &row);
}

/* --- definitions ------------------------------------------------------------- */

static bool define_lock_class(Context *ctx)
{
    const struct svmgpu_trace_lock_class *p = &ctx->rec->lock_class;
    EventSession *session = ctx->session;
    EventThing row;

    if (!p->lock_class || p->lock_class > 255 ||
        p->type > SVMGPU_TRACE_LOCK_PSEUDO) {
        return false;
    }
    g_free(session->class_name[p->lock_class]);
    session->class_name[p->lock_class] =
        event_model_text(p->name, sizeof(p->name));
    event_thing_init(&row, EVENT_THING_LOCK_CLASS, p->lock_class, ctx->t);
    row.name = session->class_name[p->lock_class];
    row.sub = p->type;
    row.a0 = p->rank;
    event_model_define(session->model, &session->scope, &row);
    return true;
}

/*
 * The driver names a reservation lock by its address, which another object may
 * have later: with another owner it is another lock.
 */
static void lock_check_owner(Context *ctx,
                             const struct svmgpu_trace_lock_instance *p)
{
    EventMap *owners = &ctx->session->lock_owner;
    uint64_t before = event_map_get(owners, p->lock);
    uint64_t owner = p->bo;

    if (!owner && p->lock_class == SVMGPU_TRACE_CLASS_VM_RESV) {
        owner = (uint64_t)p->vm << 32;
    }
    if (!owner || owner == before) {
        return;
    }
    if (before) {
        event_model_gone(ctx->session->model, &ctx->session->scope,
                         EVENT_THING_LOCK, p->lock, ctx->t);
    }
    event_map_put(owners, p->lock, owner);
}

static bool define_lock(Context *ctx)
{
    const struct svmgpu_trace_lock_instance *p = &ctx->rec->lock_instance;
    g_autofree char *name = event_model_text(p->name, sizeof(p->name));
    EventThing row;

    if (!p->lock || p->lock_class > 255) {
        return false;
    }
    if (ctx->type == SVMGPU_TRACE_LOCK_RETIRED) {
        event_model_gone(ctx->session->model, &ctx->session->scope,
                         EVENT_THING_LOCK, p->lock, ctx->t);
        return true;
    }
    lock_check_owner(ctx, p);
    if (!name[0]) {
        const char *what = ctx->session->class_name[p->lock_class] ?: "lock";

        g_free(name);
        name = p->bo    ? g_strdup_printf("%s of bo %u", what, p->bo) :
               p->vm    ? g_strdup_printf("%s of vm %u", what, p->vm) :
               p->gpu < MAX_GPUS ? g_strdup_printf("%s of gpu%u", what, p->gpu) :
                          g_strdup_printf("%s %u", what, p->lock);
    }
    event_thing_init(&row, EVENT_THING_LOCK, p->lock, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_lock_class(ctx, p->lock_class);
    row.a0 = context_vm(ctx, p->vm);
    row.a1 = context_thing(ctx, EVENT_THING_BO, p->bo);
    row.name = name;
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
    return true;
}

static void define_named(Context *ctx, EventThingKind kind, uint64_t key,
                         int64_t parent_id, const char *text, size_t bytes)
{
    g_autofree char *name = event_model_text(text, bytes);
    EventThing row;

    event_thing_init(&row, kind, key, ctx->t);
    row.parent_id = parent_id;
    row.name = name;
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
}

static void define_gpu(Context *ctx)
{
    const struct svmgpu_trace_gpu *p = &ctx->rec->gpu;
    EventScope *device = event_model_device(ctx->session->model);
    g_autofree char *name = NULL;
    EventThing row;

    /* The device knows better; without it (a test) the driver's word does. */
    if (p->gpu >= MAX_GPUS ||
        event_model_find_thing(device, EVENT_THING_GPU, p->gpu)) {
        return;
    }
    name = g_strdup_printf("gpu%u", p->gpu);
    event_thing_init(&row, EVENT_THING_GPU, p->gpu, ctx->t);
    row.gpu = p->gpu;
    row.bytes = (int64_t)p->vram_bytes;
    row.name = name;
    event_model_define(ctx->session->model, device, &row);
}

/* --- objects: vm, bo, vma, queue, range -------------------------------------- */

static void define_vm(Context *ctx)
{
    const struct svmgpu_trace_vm *p = &ctx->rec->vm;
    g_autofree char *name = g_strdup_printf("vm %u of gpu%u", p->vm, p->gpu);
    EventThing row;

    event_thing_init(&row, EVENT_THING_GPU_VM, p->vm, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_thing(ctx, EVENT_THING_PROCESS, p->tgid);
    row.name = name;
    row.sub = p->flags;
    row.a0 = p->asid;
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
}

static void define_bo(Context *ctx)
{
    const struct svmgpu_trace_bo *p = &ctx->rec->bo;
    EventThing row;

    event_thing_init(&row, EVENT_THING_BO, p->bo, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.bytes = (int64_t)p->bytes;
    row.sub = p->placement;
    row.a0 = p->flags;
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
}

static bool define_vma(Context *ctx)
{
    const struct svmgpu_trace_vma *p = &ctx->rec->vma;
    EventThing row;

    if (p->kind > SVMGPU_TRACE_VMA_MIRROR) {
        return false;
    }
    event_thing_init(&row, EVENT_THING_GPU_VMA, p->vma, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.sub = p->kind;
    row.a0 = (int64_t)p->offset;
    row.a1 = context_thing(ctx, EVENT_THING_BO, p->bo);
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
    return true;
}

static void define_queue(Context *ctx)
{
    const struct svmgpu_trace_queue *p = &ctx->rec->queue;
    g_autofree char *name = g_strdup_printf("queue %u of gpu%u", p->queue,
                                            p->gpu);
    EventThing row;

    event_thing_init(&row, EVENT_THING_EXEC_QUEUE, p->queue, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.sub = p->engine;
    row.a0 = p->flags;
    row.name = name;
    event_model_define(ctx->session->model, &ctx->session->scope, &row);
}

static void range_state_begin(Context *ctx, uint32_t range, int64_t range_id,
                              uint32_t vm, unsigned gpu, unsigned state,
                              int64_t owner, unsigned cause, uint64_t va,
                              uint64_t bytes)
{
    EventOpen *open = event_model_begin(ctx->session->model,
                                        &ctx->session->scope,
                                        EVENT_RANGE_STATE, range, range_id,
                                        ctx->t, EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.sub = state;
        open->row.dst = owner;
        open->row.cause = cause;
        open->row.vm_id = context_vm(ctx, vm);
        open->row.gpu = gpu_column(gpu);
        open->row.va = (int64_t)va;
        open->row.bytes = (int64_t)bytes;
    }
}

static EventOpen *context_open(Context *ctx, EventIntervalKind kind,
                               uint64_t key)
{
    return event_model_find(ctx->session->model, &ctx->session->scope, kind,
                            key);
}

static void context_end(Context *ctx, EventOpen *open)
{
    event_model_end(ctx->session->model, &ctx->session->scope, open, ctx->t);
}

static void range_created(Context *ctx)
{
    const struct svmgpu_trace_range *p = &ctx->rec->range;
    g_autofree char *name = g_strdup_printf(
        "%#" G_GINT64_MODIFIER "x+%" G_GINT64_MODIFIER "uK", (guint64)p->va,
        (guint64)p->bytes >> 10);
    EventThing row;
    int64_t id;

    event_thing_init(&row, EVENT_THING_SVM_RANGE, p->range, ctx->t);
    row.gpu = gpu_column(p->gpu);
    row.parent_id = context_vm(ctx, p->vm);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = context_thing(ctx, EVENT_THING_GPU_VMA, p->vma);
    row.name = name;
    id = event_model_define(ctx->session->model, &ctx->session->scope, &row);
    range_state_begin(ctx, p->range, id, p->vm, p->gpu,
                      SVMGPU_TRACE_STATE_UNPOPULATED, EVENT_NULL,
                      SVMGPU_TRACE_CAUSE_UNKNOWN, p->va, p->bytes);
}

static void range_destroyed(Context *ctx)
{
    const struct svmgpu_trace_range *p = &ctx->rec->range;
    EventOpen *open = context_open(ctx, EVENT_RANGE_STATE, p->range);

    if (open) {
        context_end(ctx, open);
    }
    event_model_gone(ctx->session->model, &ctx->session->scope,
                     EVENT_THING_SVM_RANGE, p->range, ctx->t);
}

static bool range_state_changed(Context *ctx)
{
    const struct svmgpu_trace_range_state *p = &ctx->rec->range_state;
    EventOpen *open = context_open(ctx, EVENT_RANGE_STATE, p->range);
    int64_t owner = gpu_column(p->owner);

    if (p->state > SVMGPU_TRACE_STATE_MIXED_DEVICE || !p->range) {
        return false;
    }
    /* The same state again is no change. */
    if (open && open->row.sub == p->state && open->row.dst == owner) {
        return true;
    }
    if (open) {
        context_end(ctx, open);
    }
    range_state_begin(ctx, p->range,
                      context_thing(ctx, EVENT_THING_SVM_RANGE, p->range),
                      p->vm, p->gpu, p->state, owner, p->cause, p->va,
                      p->bytes);
    return true;
}

/* --- points ------------------------------------------------------------------ */

static void context_point(Context *ctx, EventPoint *row)
{
    if (row->thing_id == EVENT_NULL) {
        g_free(row->text);
        return;
    }
    row->thread_id = context_thread(ctx);
    event_store_point(event_model_store(ctx->session->model), row);
}

static EventOpen *context_fault(Context *ctx, unsigned gpu, uint64_t fault)
{
    return fault ? event_model_find(ctx->session->model,
                                    event_model_device(ctx->session->model),
                                    EVENT_FAULT, event_fault_key(gpu, fault))
                 : NULL;
}

static int64_t context_fault_id(Context *ctx, unsigned gpu, uint64_t fault)
{
    EventOpen *open = context_fault(ctx, gpu, fault);

    return open ? open->row.id : EVENT_NULL;
}

/* The interval on whose behalf a phase mark is. */
static int64_t context_owner(Context *ctx, unsigned owner, uint64_t key,
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

static int64_t vm_or_gpu(Context *ctx, uint32_t vm, unsigned gpu)
{
    return vm ? context_vm(ctx, vm) : context_gpu(ctx, gpu);
}

static void point_bo(Context *ctx)
{
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    if (ctx->type == SVMGPU_TRACE_BO_MOVED) {
        const struct svmgpu_trace_bo_move *p = &ctx->rec->bo_move;

        row.thing_id = context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu);
        row.object_id = context_thing(ctx, EVENT_THING_BO, p->bo);
        row.vm_id = context_vm(ctx, p->vm);
        row.gpu = gpu_column(p->gpu);
        row.bytes = (int64_t)p->bytes;
        row.a0 = p->from;
        row.a1 = p->to;
        row.a2 = p->cause;
        row.result = p->result;
    } else {
        const struct svmgpu_trace_bo *p = &ctx->rec->bo;

        row.thing_id = context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu);
        row.object_id = context_thing(ctx, EVENT_THING_BO, p->bo);
        row.vm_id = context_vm(ctx, p->vm);
        row.gpu = gpu_column(p->gpu);
        row.bytes = (int64_t)p->bytes;
    }
    context_point(ctx, &row);
}

static void point_touch(Context *ctx)
{
    const struct svmgpu_trace_touch *p = &ctx->rec->touch;
    bool range = ctx->type == SVMGPU_TRACE_RANGE_INVALIDATED;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.object_id = context_thing(
        ctx, range ? EVENT_THING_SVM_RANGE : EVENT_THING_GPU_VMA, p->object);
    row.thing_id = row.object_id != EVENT_NULL ? row.object_id
                                               : vm_or_gpu(ctx, p->vm, p->gpu);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = p->event;
    row.parent_id = context_owner(ctx, SVMGPU_TRACE_OWNER_INVALIDATION,
                                  p->invalidation, p->gpu);
    context_point(ctx, &row);
}

static void point_scan(Context *ctx)
{
    const struct svmgpu_trace_scan *p = &ctx->rec->scan;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.object_id = context_thing(ctx, EVENT_THING_SVM_RANGE, p->range);
    row.thing_id = row.object_id != EVENT_NULL ? row.object_id
                                               : vm_or_gpu(ctx, p->vm, p->gpu);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = p->state;
    row.a1 = p->seen;
    row.a2 = p->windows | (int64_t)p->collisions << 16;
    row.a3 = (p->decision & 1) | (int64_t)p->policy << 1;
    row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
    context_point(ctx, &row);
}

/* What a phase mark is about: svmgpu_trace_phase.object. */
static EventThingKind phase_object_kind(const Context *ctx, unsigned owner)
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

static void point_phase(Context *ctx)
{
    const struct svmgpu_trace_phase *p = &ctx->rec->phase;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = vm_or_gpu(ctx, p->vm, p->gpu);
    row.object_id = context_thing(ctx, phase_object_kind(ctx, p->owner),
                                  p->object);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.key = (int64_t)p->owner_id;
    row.a0 = p->owner;
    row.a1 = (int64_t)p->seq;
    row.a2 = (int64_t)p->value;
    row.a3 = p->attempt;
    row.result = p->result;
    row.parent_id = context_owner(ctx, p->owner, p->owner_id, p->gpu);
    context_point(ctx, &row);
}

static void point_pt(Context *ctx)
{
    const struct svmgpu_trace_pt *p = &ctx->rec->pt;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = vm_or_gpu(ctx, p->vm, p->gpu);
    row.object_id = context_thing(ctx, p->kind == SVMGPU_TRACE_VMA_MIRROR ?
                                           EVENT_THING_SVM_RANGE :
                                           EVENT_THING_GPU_VMA, p->object);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.key = (int64_t)p->owner_id;
    row.va = (int64_t)p->va;
    row.bytes = (int64_t)p->bytes;
    row.a0 = p->owner;
    row.a1 = p->kind;
    row.a2 = (int64_t)p->seq;
    row.a3 = p->flags;
    row.parent_id = context_owner(ctx, p->owner, p->owner_id, p->gpu);
    context_point(ctx, &row);
}

static void point_list(Context *ctx)
{
    const struct svmgpu_trace_list_change *p = &ctx->rec->list_change;
    bool of_bos = p->list == SVMGPU_TRACE_LIST_EXTOBJ ||
                  p->list == SVMGPU_TRACE_LIST_EVICT;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = vm_or_gpu(ctx, p->vm, p->gpu);
    row.object_id = context_thing(
        ctx, of_bos ? EVENT_THING_BO : EVENT_THING_GPU_VMA, p->object);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.key = (int64_t)p->owner_id;
    row.a0 = p->owner;
    row.a1 = p->list;
    row.a2 = context_thing(ctx, EVENT_THING_BO, p->bo);
    row.parent_id = context_owner(ctx, p->owner, p->owner_id, p->gpu);
    context_point(ctx, &row);
}

static void point_user_fence(Context *ctx)
{
    const struct svmgpu_trace_user_fence *p = &ctx->rec->user_fence;
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = vm_or_gpu(ctx, p->vm, p->gpu);
    row.object_id = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->queue);
    row.vm_id = context_vm(ctx, p->vm);
    row.gpu = gpu_column(p->gpu);
    row.va = (int64_t)p->va;
    row.a0 = (int64_t)p->value;
    row.result = p->result;
    context_point(ctx, &row);
}

static void point_mark(Context *ctx)
{
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = event_model_guest(ctx->session->model, ctx->t);
    row.text = event_model_text(ctx->rec->mark.text,
                                sizeof(ctx->rec->mark.text));
    context_point(ctx, &row);
}

/* --- faults -------------------------------------------------------------------- */

static void fault_point(Context *ctx, int64_t parent_id, unsigned gpu,
                        uint64_t fault, uint64_t va, uint32_t vm,
                        uint32_t range, int64_t a0, int64_t a1, int64_t a2,
                        int64_t result)
{
    EventPoint row;

    event_point_init(&row, ctx->type, ctx->t, EVENT_CLOCK_DRIVER);
    row.thing_id = context_lane(ctx, EVENT_THING_FAULT_LANE, gpu);
    row.object_id = context_thing(ctx, EVENT_THING_SVM_RANGE, range);
    row.vm_id = context_vm(ctx, vm);
    row.parent_id = parent_id;
    row.gpu = gpu_column(gpu);
    row.key = (int64_t)fault;
    row.va = (int64_t)va;
    row.a0 = a0;
    row.a1 = a1;
    row.a2 = a2;
    row.result = result;
    context_point(ctx, &row);
}

/* What the driver does about a fault lies between the device's two events. */
static void context_within_fault(Context *ctx, const EventOpen *open)
{
    if (open && open->row.clock == EVENT_CLOCK_DEVICE) {
        context_not_before(ctx, open->row.t0);
        if (open->row.t1 != EVENT_NULL) {
            context_not_after(ctx, open->row.t1);
        }
    }
}

static bool fault_picked(Context *ctx)
{
    const struct svmgpu_trace_fault *p = &ctx->rec->fault;
    EventModel *model = ctx->session->model;
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= MAX_GPUS || !p->fault) {
        return false;
    }
    context_within_fault(ctx, open);
    if (!open) {
        /* The device did not tell of it (no device in a test, or lost). */
        open = event_model_begin(
            model, event_model_device(model), EVENT_FAULT,
            event_fault_key(p->gpu, p->fault),
            context_lane(ctx, EVENT_THING_FAULT_LANE, p->gpu), ctx->t,
            EVENT_CLOCK_DRIVER);
        if (!open) {
            return true;
        }
        open->row.key = (int64_t)p->fault;
        open->row.gpu = p->gpu;
        open->row.a1 = 0;
        open->row.bytes = 0;
        open->row.outcome = SVMGPU_TRACE_FAULT_OPEN;
        open->device_ended = true; /* nothing will come from there */
    }
    open->row.va = (int64_t)p->va;
    open->row.sub = p->access;
    open->row.a0 = ctx->t;
    open->row.vm_id = context_vm(ctx, p->vm);
    open->row.thread_id = context_thread(ctx);
    event_model_touch(model, open);
    fault_point(ctx, open->row.id, p->gpu, p->fault, p->va, p->vm, 0,
                p->access, p->asid, EVENT_NULL, EVENT_NULL);
    return true;
}

static bool fault_step(Context *ctx)
{
    const struct svmgpu_trace_fault_step *p = &ctx->rec->fault_step;
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= MAX_GPUS) {
        return false;
    }
    context_within_fault(ctx, open);
    if (open) {
        if (ctx->type == SVMGPU_TRACE_FAULT_RETRIED) {
            open->row.a1++;
        } else if (ctx->type == SVMGPU_TRACE_FAULT_ESCALATED) {
            open->row.a2 = MAX(open->row.a2, (int64_t)p->tier);
        }
        event_model_touch(ctx->session->model, open);
    }
    fault_point(ctx, open ? open->row.id : EVENT_NULL, p->gpu, p->fault,
                p->va, p->vm, p->range, p->reason, p->tier, p->attempt,
                EVENT_NULL);
    return true;
}

static bool fault_answered(Context *ctx)
{
    const struct svmgpu_trace_fault_answer *p = &ctx->rec->fault_answer;
    EventModel *model = ctx->session->model;
    EventOpen *open = context_fault(ctx, p->gpu, p->fault);

    if (p->gpu >= MAX_GPUS || p->outcome > SVMGPU_TRACE_FAULT_FAILED) {
        return false;
    }
    context_within_fault(ctx, open);
    fault_point(ctx, open ? open->row.id : EVENT_NULL, p->gpu, p->fault,
                p->va, p->vm, p->range, p->outcome, p->tier, p->attempts,
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
        event_model_end(model, event_model_device(model), open,
                        open->row.t1 == EVENT_NULL ? ctx->t : open->row.t1);
    } else {
        event_model_touch(model, open);
    }
    return true;
}

/* --- intervals of the driver ----------------------------------------------------- */

static EventOpen *context_begin(Context *ctx, EventIntervalKind kind,
                                uint64_t key, int64_t thing_id)
{
    EventOpen *open = event_model_begin(ctx->session->model,
                                        &ctx->session->scope, kind, key,
                                        thing_id, ctx->t, EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.key = (int64_t)key;
        open->row.thread_id = context_thread(ctx);
    }
    return open;
}

static void migration(Context *ctx)
{
    const struct svmgpu_trace_migration_start *p = &ctx->rec->migration_start;
    const struct svmgpu_trace_migration_end *e = &ctx->rec->migration_end;
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_MIGRATION_STARTED) {
        open = context_begin(
            ctx, EVENT_MIGRATION, p->migration,
            context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu));
        if (open) {
            open->row.object_id =
                context_thing(ctx, EVENT_THING_SVM_RANGE, p->range);
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
            open->row.cause = p->cause;
            open->row.va = (int64_t)p->va;
            open->row.bytes = (int64_t)p->bytes;
            open->row.src = p->from;
            open->row.dst = p->to;
            open->row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
        }
        return;
    }
    open = context_open(ctx, EVENT_MIGRATION, e->migration);
    if (open) {
        open->row.result = e->result;
        open->row.a0 = (int64_t)e->bytes;
        if (e->checksum_before || e->checksum_after) {
            open->row.a1 = (int64_t)e->checksum_before;
            open->row.a2 = (int64_t)e->checksum_after;
        }
        context_end(ctx, open);
    }
}

static void invalidation(Context *ctx)
{
    const struct svmgpu_trace_invalidation_start *p =
        &ctx->rec->invalidation_start;
    const struct svmgpu_trace_invalidation_end *e =
        &ctx->rec->invalidation_end;
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_INVALIDATION_STARTED) {
        open = context_begin(ctx, EVENT_INVALIDATION, p->invalidation,
                             vm_or_gpu(ctx, p->vm, p->gpu));
        if (open) {
            open->row.sub = p->event;
            open->row.object_id = context_thing(
                ctx, p->kind == SVMGPU_TRACE_VMA_USERPTR ?
                         EVENT_THING_GPU_VMA : EVENT_THING_SVM_RANGE,
                p->object);
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
            open->row.va = (int64_t)p->va;
            open->row.bytes = (int64_t)p->bytes;
            open->row.cause = p->kind;
            open->row.a1 = (int64_t)p->seq;
        }
        return;
    }
    open = context_open(ctx, EVENT_INVALIDATION, e->invalidation);
    if (open) {
        open->row.n = e->flags;
        open->row.a0 = (int64_t)e->flush_seqno;
        open->row.result = e->result;
        context_end(ctx, open);
    }
}

static void bind(Context *ctx)
{
    const struct svmgpu_trace_bind_start *p = &ctx->rec->bind_start;
    const struct svmgpu_trace_bind_end *e = &ctx->rec->bind_end;
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_BIND_STARTED) {
        open = context_begin(ctx, EVENT_BIND, p->bind,
                             vm_or_gpu(ctx, p->vm, p->gpu));
        if (open) {
            open->row.sub = p->op;
            open->row.object_id = context_thing(
                ctx, p->op == SVMGPU_TRACE_BIND_RANGE ? EVENT_THING_SVM_RANGE :
                                                        EVENT_THING_GPU_VMA,
                p->object);
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
            open->row.va = (int64_t)p->va;
            open->row.bytes = (int64_t)p->bytes;
            open->row.a1 = context_thing(ctx, EVENT_THING_EXEC_QUEUE,
                                         p->queue);
            open->row.parent_id = context_fault_id(ctx, p->gpu, p->fault);
        }
        return;
    }
    open = context_open(ctx, EVENT_BIND, e->bind);
    if (open) {
        open->row.result = e->result;
        open->row.a0 = e->by_job;
        context_end(ctx, open);
    }
}

static void job(Context *ctx)
{
    const struct svmgpu_trace_job *p = &ctx->rec->job;
    EventOpen *open = context_open(ctx, EVENT_JOB, p->job);

    if (ctx->type == SVMGPU_TRACE_JOB_COMPLETED) {
        if (open) {
            open->row.result = p->result;
            context_end(ctx, open);
        }
        return;
    }
    /* armed first; a log that begins later may see the submission only */
    if (!open) {
        int64_t queue = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->queue);

        open = context_begin(ctx, EVENT_JOB, p->job,
                             queue != EVENT_NULL ? queue
                                                 : context_gpu(ctx, p->gpu));
        if (open) {
            EventOpen *exec = context_open(ctx, EVENT_EXEC, p->exec);

            open->row.sub = p->engine;
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
            open->row.a1 = (int64_t)p->seqno;
            open->row.parent_id = exec ? exec->row.id : EVENT_NULL;
        }
    }
    if (open && ctx->type == SVMGPU_TRACE_JOB_SUBMITTED) {
        open->row.a0 = ctx->t;
        open->row.a1 = (int64_t)p->seqno;
        event_model_touch(ctx->session->model, open);
    }
}

static void eviction(Context *ctx)
{
    const struct svmgpu_trace_eviction *p = &ctx->rec->eviction;
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_EVICTION_STARTED) {
        open = context_begin(
            ctx, EVENT_EVICTION, p->eviction,
            context_lane(ctx, EVENT_THING_MIGRATION_LANE, p->gpu));
        if (open) {
            open->row.object_id = context_thing(ctx, EVENT_THING_BO, p->bo);
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
            open->row.bytes = (int64_t)p->bytes;
            open->row.src = p->from;
            open->row.dst = p->to;
        }
        return;
    }
    open = context_open(ctx, EVENT_EVICTION, p->eviction);
    if (!open) {
        return;
    }
    if (ctx->type == SVMGPU_TRACE_EVICTION_FENCED) {
        open->row.n = p->fences;
        open->row.a0 = ctx->t;
        event_model_touch(ctx->session->model, open);
    } else {
        open->row.result = p->result;
        context_end(ctx, open);
    }
}

static void exec(Context *ctx)
{
    const struct svmgpu_trace_phase *p = &ctx->rec->phase;
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_EXEC_STARTED) {
        int64_t queue = context_thing(ctx, EVENT_THING_EXEC_QUEUE, p->object);

        open = context_begin(ctx, EVENT_EXEC, p->owner_id,
                             queue != EVENT_NULL ? queue :
                             vm_or_gpu(ctx, p->vm, p->gpu));
        if (open) {
            open->row.object_id = queue;
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
        }
        return;
    }
    open = context_open(ctx, EVENT_EXEC, p->owner_id);
    if (open) {
        open->row.n = p->attempt;
        open->row.result = p->result;
        context_end(ctx, open);
    }
}

static bool flush(Context *ctx)
{
    const struct svmgpu_trace_flush *p = &ctx->rec->flush;
    uint64_t key = ((uint64_t)p->gpu << 48) ^ p->seqno;
    EventOpen *open;

    if (p->gpu >= MAX_GPUS) {
        return false;
    }
    if (ctx->type == SVMGPU_TRACE_FLUSH_REQUESTED) {
        open = context_begin(ctx, EVENT_TLB_FLUSH, key,
                             context_lane(ctx, EVENT_THING_TLB_LANE, p->gpu));
        if (open) {
            open->row.key = (int64_t)p->seqno;
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = p->gpu;
            open->row.va = (int64_t)p->va;
            open->row.bytes = (int64_t)p->bytes;
            open->row.a0 = p->asid;
            open->row.parent_id = context_owner(
                ctx, SVMGPU_TRACE_OWNER_INVALIDATION, p->invalidation, p->gpu);
        }
        return true;
    }
    open = context_open(ctx, EVENT_TLB_FLUSH, key);
    if (open) {
        open->row.result = p->result;
        context_end(ctx, open);
    }
    return true;
}

static void race_point(Context *ctx)
{
    const struct svmgpu_trace_race_point *p = &ctx->rec->race_point;
    uint64_t key = context_thread_key(ctx);
    EventOpen *open;

    if (ctx->type == SVMGPU_TRACE_RACE_POINT_REACHED) {
        open = context_begin(ctx, EVENT_RACE_HOLD, key, context_thread(ctx));
        if (open) {
            open->row.object_id = context_thing(ctx, EVENT_THING_PLACE,
                                                p->place);
            open->row.vm_id = context_vm(ctx, p->vm);
            open->row.gpu = gpu_column(p->gpu);
        }
        return;
    }
    open = context_open(ctx, EVENT_RACE_HOLD, key);
    if (open) {
        open->row.a0 = (int64_t)p->waited_ns;
        context_end(ctx, open);
    }
}

/* --- locks: the hot path ----------------------------------------------------- */

static EventOpen *lock_begin(Context *ctx, EventIntervalKind kind,
                             uint64_t key, unsigned mode)
{
    const struct svmgpu_trace_lock *p = &ctx->rec->lock;
    EventOpen *open = event_model_begin(ctx->session->model,
                                        &ctx->session->scope, kind, key,
                                        context_lock(ctx, p), ctx->t,
                                        EVENT_CLOCK_DRIVER);

    if (open) {
        open->row.sub = mode;
        open->row.thread_id = context_thread(ctx);
        open->row.object_id = context_thing(ctx, EVENT_THING_PLACE, p->place);
        open->row.n = p->flags;
        open->row.vm_id = context_vm(ctx, p->vm);
    }
    return open;
}

static bool lock(Context *ctx)
{
    const struct svmgpu_trace_lock *p = &ctx->rec->lock;
    /* who waits for or holds what; interrupts count as one per CPU */
    uint64_t key = ((uint64_t)p->lock << 32) |
                   (ctx->rec->tid ? ctx->rec->tid : 0xffff0000u + ctx->cpu);
    EventOpen *open;

    if (!p->lock || p->mode > SVMGPU_TRACE_MODE_SHARED ||
        p->lock_class > 255) {
        return false;
    }
    switch (ctx->type) {
    case SVMGPU_TRACE_LOCK_CONTENDED:
        lock_begin(ctx, EVENT_LOCK_WAIT, key, p->mode);
        break;
    case SVMGPU_TRACE_LOCK_ACQUIRED:
        open = context_open(ctx, EVENT_LOCK_WAIT, key);
        if (open) {
            context_end(ctx, open);
        }
        lock_begin(ctx, EVENT_LOCK_HOLD, key, p->mode);
        break;
    default: /* SVMGPU_TRACE_LOCK_RELEASED */
        if (p->flags & SVMGPU_TRACE_LOCK_GAVE_UP) {
            open = context_open(ctx, EVENT_LOCK_WAIT, key);
            if (open) {
                open->row.n = p->flags;
                context_end(ctx, open);
            }
            break;
        }
        open = context_open(ctx, EVENT_LOCK_HOLD, key);
        if (open) {
            context_end(ctx, open);
        }
        if (p->flags & SVMGPU_TRACE_LOCK_DOWNGRADED) {
            lock_begin(ctx, EVENT_LOCK_HOLD, key, SVMGPU_TRACE_MODE_SHARED);
        }
        break;
    }
    return true;
}

/* --- dispatch ------------------------------------------------------------------- */

static bool session_dispatch(Context *ctx)
{
    const struct svmgpu_trace_record *rec = ctx->rec;
    EventModel *model = ctx->session->model;
    EventScope *scope = &ctx->session->scope;

    switch (ctx->type) {
    case SVMGPU_TRACE_LOCK_CONTENDED:
    case SVMGPU_TRACE_LOCK_ACQUIRED:
    case SVMGPU_TRACE_LOCK_RELEASED:
        return lock(ctx);

    case SVMGPU_TRACE_MARK_SET:
        point_mark(ctx);
        return true;
    case SVMGPU_TRACE_PLACE_DEFINED:
        define_named(ctx, EVENT_THING_PLACE, rec->place.place, EVENT_NULL,
                     rec->place.name, sizeof(rec->place.name));
        return true;
    case SVMGPU_TRACE_LOCK_CLASS_DEFINED:
        return define_lock_class(ctx);
    case SVMGPU_TRACE_LOCK_DEFINED:
    case SVMGPU_TRACE_LOCK_RETIRED:
        return define_lock(ctx);
    case SVMGPU_TRACE_PROCESS_DEFINED:
        define_named(ctx, EVENT_THING_PROCESS, rec->process.tgid, EVENT_NULL,
                     rec->process.comm, sizeof(rec->process.comm));
        return true;
    case SVMGPU_TRACE_THREAD_DEFINED:
        define_named(ctx, EVENT_THING_THREAD, rec->thread.tid,
                     context_thing(ctx, EVENT_THING_PROCESS,
                                   rec->thread.tgid),
                     rec->thread.comm, sizeof(rec->thread.comm));
        return true;
    case SVMGPU_TRACE_GPU_DEFINED:
        define_gpu(ctx);
        return true;

    case SVMGPU_TRACE_VM_CREATED:
        define_vm(ctx);
        return true;
    case SVMGPU_TRACE_VM_DESTROYED:
        event_model_gone(model, scope, EVENT_THING_GPU_VM, rec->vm.vm, ctx->t);
        return true;
    case SVMGPU_TRACE_BO_CREATED:
        define_bo(ctx);
        return true;
    case SVMGPU_TRACE_BO_DESTROYED:
        event_model_gone(model, scope, EVENT_THING_BO, rec->bo.bo, ctx->t);
        return true;
    case SVMGPU_TRACE_BO_MOVED:
    case SVMGPU_TRACE_BO_PURGED:
        point_bo(ctx);
        return true;
    case SVMGPU_TRACE_VMA_MAPPED:
        return define_vma(ctx);
    case SVMGPU_TRACE_VMA_UNMAPPED:
        event_model_gone(model, scope, EVENT_THING_GPU_VMA, rec->vma.vma,
                         ctx->t);
        return true;
    case SVMGPU_TRACE_QUEUE_CREATED:
        define_queue(ctx);
        return true;
    case SVMGPU_TRACE_QUEUE_DESTROYED:
        event_model_gone(model, scope, EVENT_THING_EXEC_QUEUE,
                         rec->queue.queue, ctx->t);
        return true;

    case SVMGPU_TRACE_RANGE_CREATED:
        range_created(ctx);
        return true;
    case SVMGPU_TRACE_RANGE_DESTROYED:
        range_destroyed(ctx);
        return true;
    case SVMGPU_TRACE_RANGE_STATE_CHANGED:
        return range_state_changed(ctx);
    case SVMGPU_TRACE_RANGE_INVALIDATED:
    case SVMGPU_TRACE_USERPTR_INVALIDATED:
        point_touch(ctx);
        return true;
    case SVMGPU_TRACE_SCAN_COMPLETED:
        point_scan(ctx);
        return true;
    case SVMGPU_TRACE_MIGRATION_STARTED:
    case SVMGPU_TRACE_MIGRATION_ENDED:
        migration(ctx);
        return true;

    case SVMGPU_TRACE_FAULT_PICKED:
        return fault_picked(ctx);
    case SVMGPU_TRACE_FAULT_VMA_FOUND:
    case SVMGPU_TRACE_FAULT_RETRIED:
    case SVMGPU_TRACE_FAULT_ESCALATED:
        return fault_step(ctx);
    case SVMGPU_TRACE_FAULT_ANSWERED:
        return fault_answered(ctx);

    case SVMGPU_TRACE_EXEC_STARTED:
    case SVMGPU_TRACE_EXEC_ENDED:
        exec(ctx);
        return true;
    case SVMGPU_TRACE_EXEC_LOCKED:
    case SVMGPU_TRACE_VMA_REVALIDATED:
    case SVMGPU_TRACE_PAGES_OBTAINED:
    case SVMGPU_TRACE_SEQ_BEGUN:
    case SVMGPU_TRACE_SEQ_CHECKED:
    case SVMGPU_TRACE_FENCE_PUBLISHED:
    case SVMGPU_TRACE_OBJECTS_UNLOCKED:
        point_phase(ctx);
        return true;

    case SVMGPU_TRACE_PT_WRITTEN:
    case SVMGPU_TRACE_PT_ZAPPED:
    case SVMGPU_TRACE_PT_FREED:
        point_pt(ctx);
        return true;
    case SVMGPU_TRACE_LIST_ADDED:
    case SVMGPU_TRACE_LIST_REMOVED:
        point_list(ctx);
        return true;
    case SVMGPU_TRACE_INVALIDATION_STARTED:
    case SVMGPU_TRACE_INVALIDATION_ENDED:
        invalidation(ctx);
        return true;
    case SVMGPU_TRACE_BIND_STARTED:
    case SVMGPU_TRACE_BIND_ENDED:
        bind(ctx);
        return true;
    case SVMGPU_TRACE_JOB_SUBMITTED:
    case SVMGPU_TRACE_JOB_ARMED:
    case SVMGPU_TRACE_JOB_COMPLETED:
        job(ctx);
        return true;
    case SVMGPU_TRACE_EVICTION_STARTED:
    case SVMGPU_TRACE_EVICTION_FENCED:
    case SVMGPU_TRACE_EVICTION_ENDED:
        eviction(ctx);
        return true;
    case SVMGPU_TRACE_FLUSH_REQUESTED:
    case SVMGPU_TRACE_FLUSH_COMPLETED:
        return flush(ctx);
    case SVMGPU_TRACE_USER_FENCE_SIGNALLED:
        point_user_fence(ctx);
        return true;
    case SVMGPU_TRACE_RACE_POINT_REACHED:
    case SVMGPU_TRACE_RACE_POINT_LEFT:
        race_point(ctx);
        return true;
    default:
        return false;
    }
}

void event_session_record(EventSession *session, unsigned type, unsigned cpu,
                          const struct svmgpu_trace_record *rec,
                          uint64_t now_ns)
{
    EventStore *store = event_model_store(session->model);
    Context ctx = {
        .session = session,
        .rec = rec,
        .type = type,
        .cpu = cpu,
    };

    if (type == SVMGPU_TRACE_NONE) {
        return; /* was served out of turn */
    }
    session->records++;
    if (type == SVMGPU_TRACE_CLOCK_SAMPLED) {
        session_clock_sample(session, &rec->clock, now_ns);
        return;
    }
    if (!event_clock_is_known(&session->clock)) {
        event_clock_guess(&session->clock, rec->ts_ns, now_ns, GUESS_ERROR_NS);
        session_store_piece(session);
    }
    /* Nothing that was read has happened in the future. */
    ctx.t = event_store_time(
        store, MIN(event_clock_map(&session->clock, rec->ts_ns), now_ns));
    if (!session_dispatch(&ctx)) {
        session->bad++;
    }
    session->latest_t = MAX(session->latest_t, ctx.t);
}

void event_session_lost(EventSession *session, EventLostSource source,
                        unsigned ring, uint64_t first_ns, uint64_t last_ns,
                        uint64_t count)
{
    event_store_lost(event_model_store(session->model),
                     session->scope.session_id, source, ring,
                     event_store_time(event_model_store(session->model),
                                      first_ns),
                     event_store_time(event_model_store(session->model),
                                      last_ns), count);
}

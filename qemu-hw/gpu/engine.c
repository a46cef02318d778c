/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Engines and the scheduler that shares them among contexts. */

#include "engine.h"

#include <string.h>

#include "events.h"
#include "fault.h"
#include "gpu-priv.h"
#include "log.h"

/* Steps between two looks at the clock. */
#define STEPS_PER_CHECK 32
/* How often a running context's status page is brought up to date. */
#define PUBLISH_NS 1000000
/* A batch that jumped back so often spins; it naps every few rounds. */
#define LOOPS_BEFORE_NAP 256
#define LOOPS_PER_NAP 8
#define LOOP_NAP_US 50
#define LONG_LOOP_NAP_US 250
#define LONG_LOOP 16384
#define WAIT_NAP_MIN_US 20
#define WAIT_NAP_MAX_US 500
#define HUNG_NAP_US 100000

struct GpuEngine {
    GpuEngines *set;
    unsigned index;
    GThread *thread;
    GpuPort *port;
    GCond wake;

    /* the scheduler's lock */
    GpuContext *current;
    uint64_t busy_ns;
    uint64_t turns;

    int hung;                  /* atomic */
    int ready[GPU_PRIORITIES]; /* atomic: ready contexts that could run here */
};

struct GpuEngines {
    Gpu *gpu;
    /*
     * Protects the scheduling state of all contexts, the queues and the
     * table. Outside of the locks of events, faults and rings; never held
     * across a guest's batch.
     */
    GMutex lock;
    GCond left; /* a context has left its engine */
    GQueue ready[GPU_PRIORITIES];
    GQueue waiting; /* contexts that look at their semaphore again later */
    uint64_t next_due_ns; /* atomic: when the first of them does; 0: none */
    GQueue dead; /* dead contexts with new jobs */
    GpuContext **contexts;
    unsigned n_contexts;
    bool quiesce;
    bool quit;
    unsigned n;
    GpuEngine engine[SVMGPU_MAX_ENGINES];
};

typedef enum Leave {
    LEAVE_IDLE,
    LEAVE_PREEMPTED,
    LEAVE_FAULTED,
    LEAVE_WAITING,
    LEAVE_STOPPED,
    LEAVE_DEAD,
} Leave;

/* --- queues ---------------------------------------------------------------*/

static void count_ready_locked(GpuEngines *engines, GpuContext *context,
                               int delta)
{
    for (unsigned i = 0; i < engines->n; i++) {
        if (context->engines & 1u << i) {
            g_atomic_int_add(&engines->engine[i].ready[context->priority],
                             delta);
        }
    }
}

static void note_next_due_locked(GpuEngines *engines)
{
    uint64_t next = 0;

    for (GList *l = engines->waiting.head; l; l = l->next) {
        GpuContext *context = l->data;

        if (!next || context->due_ns < next) {
            next = context->due_ns;
        }
    }
    __atomic_store_n(&engines->next_due_ns, next, __ATOMIC_RELAXED);
}

static void dequeue_locked(GpuEngines *engines, GpuContext *context)
{
    if (context->waiting) {
        g_queue_unlink(&engines->waiting, &context->link);
        context->waiting = false;
        note_next_due_locked(engines);
    }
    if (context->queued) {
        g_queue_unlink(&engines->ready[context->priority], &context->link);
        context->queued = false;
        count_ready_locked(engines, context, -1);
    }
}

/* Queues the context if it has something to do and nothing holds it back. */
static void enqueue_locked(GpuEngines *engines, GpuContext *context)
{
    GpuEngine *victim = NULL;
    bool idle = false;

    if (context->queued || context->waiting || context->running ||
        context->held ||
        context->suspended || context->faulted || engines->quiesce ||
        !(context->doorbell || context->in_job)) {
        return;
    }
    if (g_atomic_int_get(&context->dead)) {
        if (!context->draining) {
            context->draining = true;
            g_queue_push_tail(&engines->dead, context);
            gpu_command_kick(engines->gpu);
        }
        return;
    }
    g_queue_push_tail_link(&engines->ready[context->priority],
                           &context->link);
    context->queued = true;
    count_ready_locked(engines, context, 1);

    for (unsigned i = 0; i < engines->n; i++) {
        GpuEngine *engine = &engines->engine[i];

        if (!(context->engines & 1u << i) ||
            g_atomic_int_get(&engine->hung)) {
            continue;
        }
        if (!engine->current) {
            /* all that are idle: one may have been called for another */
            g_cond_signal(&engine->wake);
            idle = true;
            continue;
        }
        if (!victim || engine->current->priority < victim->current->priority) {
            victim = engine;
        }
    }
    /* it may be napping */
    if (victim && !idle) {
        g_cond_signal(&victim->wake);
    }
}

/* Contexts whose semaphore is to be looked at again become ready. */
static void release_due_locked(GpuEngines *engines, uint64_t now)
{
    GList *l = engines->waiting.head;

    while (l) {
        GpuContext *context = l->data;

        l = l->next;
        if (context->due_ns <= now) {
            g_queue_unlink(&engines->waiting, &context->link);
            context->waiting = false;
            enqueue_locked(engines, context);
        }
    }
    note_next_due_locked(engines);
}

static GpuContext *pick_locked(GpuEngine *engine)
{
    GpuEngines *engines = engine->set;

    if (engines->quiesce || g_atomic_int_get(&engine->hung) ||
        gpu_events_congested(engines->gpu->events)) {
        return NULL;
    }
    for (int priority = GPU_PRIORITIES - 1; priority >= 0; priority--) {
        if (g_atomic_int_get(&engine->ready[priority]) == 0) {
            continue;
        }
        for (GList *l = engines->ready[priority].head; l; l = l->next) {
            GpuContext *context = l->data;

            if (context->engines & 1u << engine->index) {
                dequeue_locked(engines, context);
                return context;
            }
        }
    }
    return NULL;
}

/* --- running a context ----------------------------------------------------*/

static void nap(GpuEngine *engine, GpuContext *context, unsigned us)
{
    GpuEngines *engines = engine->set;

    g_mutex_lock(&engines->lock);
    if (!g_atomic_int_get(&context->stop)) {
        g_cond_wait_until(&engine->wake, &engines->lock,
                          g_get_monotonic_time() + us);
    }
    g_mutex_unlock(&engines->lock);
}

typedef struct Turn {
    GpuEngine *engine;
    GpuContext *context;
    uint64_t began_ns;
    uint64_t published_ns;
    uint64_t wanted_since_ns; /* somebody waits for this engine; 0: nobody */
    unsigned steps;
    bool between_jobs;
} Turn;

/* Does the schedule ask this context to leave? */
static bool turn_over(Turn *turn, uint64_t now)
{
    GpuEngine *engine = turn->engine;
    GpuContext *context = turn->context;

    for (unsigned p = context->priority + 1; p < GPU_PRIORITIES; p++) {
        if (g_atomic_int_get(&engine->ready[p])) {
            return true;
        }
    }
    return context->timeslice_ns &&
           now - turn->began_ns >= context->timeslice_ns &&
           g_atomic_int_get(&engine->ready[context->priority]);
}

static void release_due(GpuEngines *engines, uint64_t now)
{
    uint64_t due = __atomic_load_n(&engines->next_due_ns, __ATOMIC_RELAXED);

    if (due && due <= now) {
        g_mutex_lock(&engines->lock);
        release_due_locked(engines, now);
        g_mutex_unlock(&engines->lock);
    }
}

/* At a point where the context could leave: true with *leave if it does. */
static bool check_turn(Turn *turn, Leave *leave)
{
    GpuContext *context = turn->context;
    bool stays = (context->flags & SVMGPU_CTX_F_NO_PREEMPT) &&
                 !turn->between_jobs;
    int stop = g_atomic_int_get(&context->stop);
    uint64_t now = gpu_time_ns();
    bool wanted;

    if (stop & (GPU_STOP_KILL | GPU_STOP_RESET)) {
        *leave = LEAVE_STOPPED;
        return true;
    }
    release_due(turn->engine->set, now);
    wanted = turn_over(turn, now);
    if (stop & GPU_STOP_SUSPEND) {
        if (!stays) {
            *leave = LEAVE_STOPPED;
            return true;
        }
        wanted = true;
    }
    if (wanted && !stays) {
        *leave = LEAVE_PREEMPTED;
        return true;
    }
    if (!wanted) {
        turn->wanted_since_ns = 0;
    } else if (!turn->wanted_since_ns) {
        turn->wanted_since_ns = now;
    } else if (context->preempt_timeout_ns &&
               now - turn->wanted_since_ns > context->preempt_timeout_ns) {
        gpu_context_die(context, SVMGPU_ERROR_HANG);
        *leave = LEAVE_DEAD;
        return true;
    }
    if (now - turn->published_ns > PUBLISH_NS) {
        turn->published_ns = now;
        gpu_context_publish(context, SVMGPU_CTX_RUNNING);
    }
    return false;
}

/* The stream or the fence met a fault. */
static Leave leave_by_fault(GpuContext *context)
{
    enum svmgpu_error error = SVMGPU_ERROR_FAULT;

    context->fault_addr = context->fault.addr;
    if (context->flags & SVMGPU_CTX_F_FAULT_MODE) {
        return LEAVE_FAULTED;
    }
    if (context->fault.error != SVMGPU_OK) {
        error = context->fault.error;
    }
    gpu_fault_fatal(context);
    gpu_context_die(context, error);
    return LEAVE_DEAD;
}

static void rest_in_loop(Turn *turn)
{
    uint32_t loops = turn->context->stream.loops;

    if (loops > LOOPS_BEFORE_NAP && loops % LOOPS_PER_NAP == 0) {
        nap(turn->engine, turn->context,
            loops > LONG_LOOP ? LONG_LOOP_NAP_US : LOOP_NAP_US);
    }
}

static bool anyone_ready(GpuEngine *engine)
{
    for (unsigned p = 0; p < GPU_PRIORITIES; p++) {
        if (g_atomic_int_get(&engine->ready[p])) {
            return true;
        }
    }
    return false;
}

/* One step of the batch. False: the context leaves, *leave says why. */
static bool run_batch(Turn *turn, Leave *leave)
{
    GpuContext *context = turn->context;
    bool check = ++turn->steps % STEPS_PER_CHECK == 0;

    switch (gpu_stream_step(context, turn->engine->port)) {
    case GPU_STEP_NEXT:
        context->wait_nap_us = WAIT_NAP_MIN_US;
        break;
    case GPU_STEP_MORE:
        check = true;
        break;
    case GPU_STEP_LOOP:
        rest_in_loop(turn);
        check = true;
        break;
    case GPU_STEP_WAIT:
        context->wait_nap_us = CLAMP(context->wait_nap_us * 2,
                                     WAIT_NAP_MIN_US, WAIT_NAP_MAX_US);
        if (!(context->flags & SVMGPU_CTX_F_NO_PREEMPT) &&
            anyone_ready(turn->engine)) {
            *leave = LEAVE_WAITING;
            return false;
        }
        nap(turn->engine, context, context->wait_nap_us);
        check = true;
        break;
    case GPU_STEP_END:
        context->stage = GPU_JOB_FENCE;
        context->stream.access.active = false;
        break;
    case GPU_STEP_FAULT:
        *leave = leave_by_fault(context);
        return false;
    case GPU_STEP_ERROR:
        gpu_guest_error(context->gpu, SVMGPU_ERROR_BAD_PACKET,
                        context->stream.pc);
        gpu_context_die(context, SVMGPU_ERROR_BAD_PACKET);
        *leave = LEAVE_DEAD;
        return false;
    }
    while (check && g_atomic_int_get(&turn->engine->hung) &&
           !(g_atomic_int_get(&context->stop) &
             (GPU_STOP_KILL | GPU_STOP_RESET))) {
        nap(turn->engine, context, HUNG_NAP_US);
    }
    return !check || !check_turn(turn, leave);
}

static bool run_fence(Turn *turn, Leave *leave)
{
    GpuContext *context = turn->context;
    struct svmgpu_job *job = &context->job;

    if (job->flags & SVMGPU_JOB_F_USER_FENCE) {
        if (!gpu_stream_access(context, turn->engine->port,
                               SVMGPU_ACCESS_FENCE, job->user_fence_va,
                               &job->user_fence_value,
                               sizeof(job->user_fence_value))) {
            *leave = leave_by_fault(context);
            return false;
        }
        gpu_log_fence(context, turn->engine->index);
    }
    context->stage = GPU_JOB_RETIRE;
    return true;
}

static void run_retire(GpuContext *context)
{
    gpu_context_retire_job(context, SVMGPU_OK);
    if (context->job.flags & SVMGPU_JOB_F_IRQ) {
        gpu_event_put(context->gpu, &(struct svmgpu_event) {
            .type = SVMGPU_EVENT_JOB_DONE,
            .context = context->id,
            .seqno = context->job.seqno,
            .time_ns = gpu_time_ns(),
            .engine = context->last_engine,
        });
    }
}

/* The ring is looked at until it is empty and says so. */
static bool run_next_job(Turn *turn, Leave *leave)
{
    GpuContext *context = turn->context;
    GpuRingResult result;

    turn->between_jobs = true;
    if (check_turn(turn, leave) ||
        gpu_events_congested(context->gpu->events)) {
        if (gpu_events_congested(context->gpu->events)) {
            *leave = LEAVE_PREEMPTED;
        }
        return false;
    }
    turn->between_jobs = false;
    do {
        result = gpu_context_next_job(context);
        if (result == GPU_RING_NOTHING) {
            result = gpu_ring_sleep(&context->ring);
            if (result == GPU_RING_NOTHING) {
                *leave = LEAVE_IDLE;
                return false;
            }
        } else if (result == GPU_RING_OK) {
            turn->wanted_since_ns = 0;
            return true;
        }
    } while (result == GPU_RING_OK);
    gpu_context_die(context, SVMGPU_ERROR_BAD_RING);
    *leave = LEAVE_DEAD;
    return false;
}

static Leave run_context(GpuEngine *engine, GpuContext *context)
{
    Turn turn = {
        .engine = engine,
        .context = context,
        .began_ns = context->turn_began_ns,
        .published_ns = context->turn_began_ns,
    };
    Leave leave = LEAVE_IDLE;
    bool stays = true;

    if (g_atomic_int_get(&context->stop)) {
        return LEAVE_STOPPED;
    }
    while (stays) {
        switch (context->stage) {
        case GPU_JOB_NONE:
            stays = run_next_job(&turn, &leave);
            break;
        case GPU_JOB_BATCH:
            stays = run_batch(&turn, &leave);
            break;
        case GPU_JOB_FENCE:
            stays = run_fence(&turn, &leave);
            break;
        case GPU_JOB_RETIRE:
            run_retire(context);
            break;
        }
    }
    return leave;
}

static void put_suspended_event(GpuContext *context)
{
    gpu_event_put(context->gpu, &(struct svmgpu_event) {
        .type = SVMGPU_EVENT_CTX_SUSPENDED,
        .context = context->id,
        .seqno = context->completed,
        .time_ns = gpu_time_ns(),
        .error = context->error,
        .engine = context->last_engine,
    });
}

static const EventlogRunEnd run_end[] = {
    [LEAVE_IDLE] = EVENTLOG_RUN_IDLE,
    [LEAVE_PREEMPTED] = EVENTLOG_RUN_PREEMPTED,
    [LEAVE_FAULTED] = EVENTLOG_RUN_FAULTED,
    [LEAVE_WAITING] = EVENTLOG_RUN_WAITING,
    [LEAVE_STOPPED] = EVENTLOG_RUN_PREEMPTED,
    [LEAVE_DEAD] = EVENTLOG_RUN_KILLED,
};

static const enum svmgpu_context_state leave_state[] = {
    [LEAVE_IDLE] = SVMGPU_CTX_IDLE,
    [LEAVE_PREEMPTED] = SVMGPU_CTX_READY,
    [LEAVE_FAULTED] = SVMGPU_CTX_FAULTED,
    [LEAVE_WAITING] = SVMGPU_CTX_READY,
    [LEAVE_STOPPED] = SVMGPU_CTX_READY,
    [LEAVE_DEAD] = SVMGPU_CTX_DEAD,
};

static void leave_locked(GpuEngine *engine, GpuContext *context, Leave leave)
{
    GpuEngines *engines = engine->set;

    context->running = NULL;
    engine->current = NULL;
    context->in_job = leave != LEAVE_IDLE && leave != LEAVE_DEAD;
    if (leave == LEAVE_FAULTED) {
        context->faulted = true;
        /* under the lock: an answer finds the context off its engine */
        gpu_fault_raise(context);
    }
    if (context->suspend_event_due) {
        context->suspend_event_due = false;
        put_suspended_event(context);
    }
    if (leave == LEAVE_WAITING && !context->suspended && !context->held &&
        !engines->quiesce) {
        context->due_ns = gpu_time_ns() + context->wait_nap_us * 1000;
        context->waiting = true;
        g_queue_push_tail_link(&engines->waiting, &context->link);
        note_next_due_locked(engines);
    } else {
        enqueue_locked(engines, context);
    }
    g_cond_broadcast(&engines->left);
}

static void sleep_locked(GpuEngine *engine)
{
    GpuEngines *engines = engine->set;
    uint64_t due = engines->next_due_ns;

    if (due) {
        g_cond_wait_until(&engine->wake, &engines->lock, due / 1000 + 1);
    } else {
        g_cond_wait(&engine->wake, &engines->lock);
    }
}

static gpointer engine_main(gpointer data)
{
    GpuEngine *engine = data;
    GpuEngines *engines = engine->set;

    g_mutex_lock(&engines->lock);
    while (!engines->quit) {
        GpuContext *context;
        uint64_t began;
        Leave leave;

        if (engines->next_due_ns) {
            release_due_locked(engines, gpu_time_ns());
        }
        context = pick_locked(engine);
        if (!context) {
            sleep_locked(engine);
            continue;
        }
        engine->current = context;
        engine->turns++;
        context->running = engine;
        context->doorbell = false;
        context->last_engine = engine->index;
        g_mutex_unlock(&engines->lock);

        began = gpu_time_ns();
        gpu_context_turn_begin(context, began);
        gpu_context_publish(context, SVMGPU_CTX_RUNNING);
        gpu_log_run_started(context, engine->index, began);
        leave = run_context(engine, context);
        gpu_context_turn_end(context, gpu_time_ns());
        gpu_context_publish(context, leave == LEAVE_STOPPED &&
                            (g_atomic_int_get(&context->stop) &
                             GPU_STOP_SUSPEND) ?
                            SVMGPU_CTX_SUSPENDED : leave_state[leave]);
        gpu_log_run_ended(context, engine->index, run_end[leave]);

        g_mutex_lock(&engines->lock);
        engine->busy_ns += gpu_time_ns() - began;
        leave_locked(engine, context, leave);
    }
    g_mutex_unlock(&engines->lock);
    return NULL;
}

/* --- life -----------------------------------------------------------------*/

GpuEngines *gpu_engines_new(Gpu *gpu)
{
    GpuEngines *engines = g_new0(GpuEngines, 1);

    engines->gpu = gpu;
    engines->n = gpu->config->n_engines;
    engines->contexts = g_new0(GpuContext *, SVMGPU_MAX_CONTEXTS);
    g_mutex_init(&engines->lock);
    g_cond_init(&engines->left);
    g_queue_init(&engines->dead);
    g_queue_init(&engines->waiting);
    for (unsigned p = 0; p < GPU_PRIORITIES; p++) {
        g_queue_init(&engines->ready[p]);
    }
    for (unsigned i = 0; i < engines->n; i++) {
        GpuEngine *engine = &engines->engine[i];
        char name[16], engine_name[8];

        engine->set = engines;
        engine->index = i;
        engine->port = gpu_mmu_add_port(gpu->mmu, i);
        g_cond_init(&engine->wake);
        gpu_engine_name(&gpu->config->engines[i], engine_name,
                        sizeof(engine_name));
        g_snprintf(name, sizeof(name), "%u-%s", gpu->index, engine_name);
        engine->thread = g_thread_new(name, engine_main, engine);
    }
    return engines;
}

static void quiesce_locked(GpuEngines *engines)
{
    engines->quiesce = true;
    for (unsigned i = 0; i < engines->n; i++) {
        GpuEngine *engine = &engines->engine[i];

        while (engine->current) {
            g_atomic_int_or((guint *)&engine->current->stop, GPU_STOP_RESET);
            g_cond_broadcast(&engine->wake);
            g_cond_wait(&engines->left, &engines->lock);
        }
    }
}

static void forget_contexts_locked(GpuEngines *engines)
{
    for (unsigned id = 0; id < SVMGPU_MAX_CONTEXTS; id++) {
        GpuContext *context = engines->contexts[id];

        if (!context) {
            continue;
        }
        dequeue_locked(engines, context);
        gpu_fault_forget(context);
        gpu_context_free(context);
        engines->contexts[id] = NULL;
    }
    engines->n_contexts = 0;
    g_queue_clear(&engines->dead);
}

void gpu_engines_reset(GpuEngines *engines)
{
    g_mutex_lock(&engines->lock);
    quiesce_locked(engines);
    forget_contexts_locked(engines);
    engines->quiesce = false;
    g_mutex_unlock(&engines->lock);
}

void gpu_engines_free(GpuEngines *engines)
{
    g_mutex_lock(&engines->lock);
    quiesce_locked(engines);
    forget_contexts_locked(engines);
    engines->quit = true;
    for (unsigned i = 0; i < engines->n; i++) {
        g_cond_broadcast(&engines->engine[i].wake);
    }
    g_mutex_unlock(&engines->lock);
    for (unsigned i = 0; i < engines->n; i++) {
        g_thread_join(engines->engine[i].thread);
        g_cond_clear(&engines->engine[i].wake);
    }
    g_cond_clear(&engines->left);
    g_mutex_clear(&engines->lock);
    g_free(engines->contexts);
    g_free(engines);
}

void gpu_engines_wake_all(GpuEngines *engines)
{
    g_mutex_lock(&engines->lock);
    for (unsigned i = 0; i < engines->n; i++) {
        g_cond_broadcast(&engines->engine[i].wake);
    }
    g_mutex_unlock(&engines->lock);
}

/* --- the command processor's view -----------------------------------------*/

GpuContext *gpu_engines_find(GpuEngines *engines, uint32_t id)
{
    GpuContext *context = NULL;

    if (id < SVMGPU_MAX_CONTEXTS) {
        g_mutex_lock(&engines->lock);
        context = engines->contexts[id];
        g_mutex_unlock(&engines->lock);
    }
    return context;
}

bool gpu_engines_add(GpuEngines *engines, GpuContext *context)
{
    bool added = false;

    g_mutex_lock(&engines->lock);
    if (context->id > 0 && context->id < SVMGPU_MAX_CONTEXTS &&
        !engines->contexts[context->id]) {
        engines->contexts[context->id] = context;
        engines->n_contexts++;
        added = true;
        /* jobs may be in the ring already: look once */
        context->doorbell = true;
        enqueue_locked(engines, context);
    }
    g_mutex_unlock(&engines->lock);
    return added;
}

/* Takes the context off its engine and its queue, and keeps it off. */
static void hold_locked(GpuEngines *engines, GpuContext *context, int why)
{
    context->held = true;
    g_atomic_int_or((guint *)&context->stop, why);
    while (context->running) {
        g_cond_broadcast(&context->running->wake);
        g_cond_wait(&engines->left, &engines->lock);
    }
    dequeue_locked(engines, context);
    if (context->draining) {
        g_queue_remove(&engines->dead, context);
        context->draining = false;
    }
}

static void release_locked(GpuEngines *engines, GpuContext *context, int why)
{
    g_atomic_int_and((guint *)&context->stop, ~why);
    context->held = false;
    enqueue_locked(engines, context);
}

void gpu_engines_kill(GpuEngines *engines, GpuContext *context,
                      enum svmgpu_error error)
{
    g_mutex_lock(&engines->lock);
    if (context->running && g_atomic_int_get(&context->running->hung)) {
        error = SVMGPU_ERROR_HANG;
    }
    hold_locked(engines, context, GPU_STOP_KILL);
    context->faulted = false;
    context->in_job = false;
    context->doorbell = false;
    g_mutex_unlock(&engines->lock);

    gpu_fault_forget(context);
    if (g_atomic_int_get(&context->dead)) {
        gpu_context_drain(context);
    } else {
        gpu_context_die(context, error);
    }

    g_mutex_lock(&engines->lock);
    release_locked(engines, context, GPU_STOP_KILL);
    g_mutex_unlock(&engines->lock);
}

void gpu_engines_remove(GpuEngines *engines, GpuContext *context)
{
    gpu_engines_kill(engines, context, SVMGPU_ERROR_KILLED);
    g_mutex_lock(&engines->lock);
    hold_locked(engines, context, GPU_STOP_KILL);
    engines->contexts[context->id] = NULL;
    engines->n_contexts--;
    g_mutex_unlock(&engines->lock);
    gpu_context_free(context);
}

void gpu_engines_suspend(GpuEngines *engines, GpuContext *context)
{
    g_mutex_lock(&engines->lock);
    context->suspended = true;
    if (context->running) {
        context->suspend_event_due = true;
        g_atomic_int_or((guint *)&context->stop, GPU_STOP_SUSPEND);
        g_cond_broadcast(&context->running->wake);
    } else {
        dequeue_locked(engines, context);
        gpu_context_publish(context, g_atomic_int_get(&context->dead) ?
                            SVMGPU_CTX_DEAD : SVMGPU_CTX_SUSPENDED);
        put_suspended_event(context);
    }
    g_mutex_unlock(&engines->lock);
}

void gpu_engines_resume(GpuEngines *engines, GpuContext *context)
{
    g_mutex_lock(&engines->lock);
    context->suspended = false;
    g_atomic_int_and((guint *)&context->stop, ~GPU_STOP_SUSPEND);
    if (context->suspend_event_due) {
        /* taken back before it left: who waits for the event gets it */
        context->suspend_event_due = false;
        put_suspended_event(context);
    } else if (!context->running && !context->queued) {
        gpu_context_publish(context, g_atomic_int_get(&context->dead) ?
                            SVMGPU_CTX_DEAD :
                            context->faulted ? SVMGPU_CTX_FAULTED :
                            context->in_job ? SVMGPU_CTX_READY :
                            SVMGPU_CTX_IDLE);
    }
    enqueue_locked(engines, context);
    g_mutex_unlock(&engines->lock);
}

void gpu_engines_schedule(GpuEngines *engines, GpuContext *context,
                          uint32_t priority, uint64_t timeslice_ns,
                          uint64_t preempt_timeout_ns)
{
    g_mutex_lock(&engines->lock);
    dequeue_locked(engines, context);
    context->priority = priority;
    context->timeslice_ns = timeslice_ns;
    context->preempt_timeout_ns = preempt_timeout_ns;
    enqueue_locked(engines, context);
    g_mutex_unlock(&engines->lock);
}

bool gpu_engines_unfault(GpuEngines *engines, GpuContext *context)
{
    bool was;

    g_mutex_lock(&engines->lock);
    was = context->faulted;
    context->faulted = false;
    enqueue_locked(engines, context);
    g_mutex_unlock(&engines->lock);
    return was;
}

bool gpu_engines_is_suspended(GpuEngines *engines, GpuContext *context)
{
    bool suspended;

    g_mutex_lock(&engines->lock);
    suspended = context->suspended;
    g_mutex_unlock(&engines->lock);
    return suspended;
}

bool gpu_engines_is_faulted(GpuEngines *engines, GpuContext *context)
{
    bool faulted;

    g_mutex_lock(&engines->lock);
    faulted = context->faulted;
    g_mutex_unlock(&engines->lock);
    return faulted;
}

void gpu_engines_drain_dead(GpuEngines *engines)
{
    GpuContext *context;

    g_mutex_lock(&engines->lock);
    while ((context = g_queue_pop_head(&engines->dead))) {
        context->draining = false;
        context->doorbell = false;
        context->held = true;
        g_mutex_unlock(&engines->lock);
        gpu_context_drain(context);
        g_mutex_lock(&engines->lock);
        context->held = false;
        enqueue_locked(engines, context);
    }
    g_mutex_unlock(&engines->lock);
}

/* --- doorbells and injection ----------------------------------------------*/

bool gpu_engines_doorbell(GpuEngines *engines, uint32_t id)
{
    GpuContext *context = NULL;

    if (id == 0 || id >= SVMGPU_MAX_CONTEXTS) {
        return false;
    }
    g_mutex_lock(&engines->lock);
    context = engines->contexts[id];
    if (context) {
        context->doorbell = true;
        enqueue_locked(engines, context);
    }
    g_mutex_unlock(&engines->lock);
    return context;
}

bool gpu_engines_set_hung(GpuEngines *engines, unsigned index, bool hung)
{
    if (index >= engines->n) {
        return false;
    }
    g_mutex_lock(&engines->lock);
    g_atomic_int_set(&engines->engine[index].hung, hung);
    g_cond_broadcast(&engines->engine[index].wake);
    g_mutex_unlock(&engines->lock);
    return true;
}

void gpu_engines_status(GpuEngines *engines, unsigned index,
                        GpuEngineStatus *status)
{
    GpuEngine *engine = &engines->engine[index];

    g_mutex_lock(&engines->lock);
    status->context = engine->current ? engine->current->id : 0;
    status->hung = g_atomic_int_get(&engine->hung);
    status->busy_ns = engine->busy_ns;
    status->turns = engine->turns;
    g_mutex_unlock(&engines->lock);
}

unsigned gpu_engines_contexts(GpuEngines *engines)
{
    unsigned n;

    g_mutex_lock(&engines->lock);
    n = engines->n_contexts;
    g_mutex_unlock(&engines->lock);
    return n;
}

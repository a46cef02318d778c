/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recoverable faults: raised once, answered once, replayed at once. */

#include "fault.h"

#include <string.h>

#include "engine.h"
#include "gpu-priv.h"
#include "inject.h"
#include "log.h"
#include "ring.h"

/* Fatal entries are for information; so many wait for room at most. */
#define FATAL_BACKLOG 4096

struct GpuFaults {
    Gpu *gpu;
    GpuPort *port; /* the replay unit's */
    GMutex lock;   /* protects what follows and the contexts' fault group */
    GpuRing ring;
    GQueue waiting; /* FaultEntry, for room */
    unsigned fatal_waiting;
    unsigned outstanding;
    uint32_t last_id;
};

typedef struct FaultEntry {
    GpuContext *context; /* NULL: fatal */
    struct svmgpu_fault fault;
} FaultEntry;

GpuFaults *gpu_faults_new(Gpu *gpu)
{
    GpuFaults *faults = g_new0(GpuFaults, 1);

    faults->gpu = gpu;
    faults->port = gpu_mmu_add_port(gpu->mmu, gpu->config->n_engines);
    g_mutex_init(&faults->lock);
    g_queue_init(&faults->waiting);
    return faults;
}

static void clear_locked(GpuFaults *faults)
{
    gpu_ring_close(&faults->ring);
    g_queue_clear_full(&faults->waiting, g_free);
    g_queue_init(&faults->waiting);
    faults->fatal_waiting = 0;
    faults->outstanding = 0;
}

void gpu_faults_free(GpuFaults *faults)
{
    clear_locked(faults);
    g_mutex_clear(&faults->lock);
    g_free(faults);
}

void gpu_faults_reset(GpuFaults *faults)
{
    g_mutex_lock(&faults->lock);
    clear_locked(faults);
    g_mutex_unlock(&faults->lock);
}

static void pump_locked(GpuFaults *faults)
{
    bool wake = false;

    while (faults->waiting.length) {
        FaultEntry *entry = g_queue_peek_head(&faults->waiting);
        bool wake_one;

        if (gpu_ring_put(&faults->ring, &entry->fault, &wake_one) !=
            GPU_RING_OK) {
            break;
        }
        wake |= wake_one;
        if (entry->context) {
            entry->context->fault_posted = true;
        } else {
            faults->fatal_waiting--;
        }
        g_free(g_queue_pop_head(&faults->waiting));
    }
    if (wake) {
        gpu_irq(faults->gpu, SVMGPU_VECTOR_FAULT);
    }
}

enum svmgpu_error gpu_faults_enable(GpuFaults *faults, uint64_t base,
                                    uint32_t log2)
{
    enum svmgpu_error error;

    g_mutex_lock(&faults->lock);
    error = gpu_ring_open(&faults->ring, faults->gpu, GPU_RING_PRODUCER, base,
                          log2, sizeof(struct svmgpu_fault));
    faults->ring.wedges = true;
    pump_locked(faults);
    g_mutex_unlock(&faults->lock);
    return error;
}

void gpu_faults_disable(GpuFaults *faults)
{
    g_mutex_lock(&faults->lock);
    gpu_ring_close(&faults->ring);
    g_mutex_unlock(&faults->lock);
}

void gpu_faults_doorbell(GpuFaults *faults)
{
    g_mutex_lock(&faults->lock);
    pump_locked(faults);
    g_mutex_unlock(&faults->lock);
}

unsigned gpu_faults_outstanding(GpuFaults *faults)
{
    unsigned n;

    g_mutex_lock(&faults->lock);
    n = faults->outstanding;
    g_mutex_unlock(&faults->lock);
    return n;
}

static void describe(GpuContext *context, uint32_t id,
                     struct svmgpu_fault *fault)
{
    *fault = (struct svmgpu_fault) {
        .fault_id = id,
        .context = context->id,
        .asid = context->asid,
        .access = context->fault.access,
        .reason = context->fault.reason,
        .level = context->fault.level,
        .engine = context->last_engine,
        .addr = context->fault.addr,
        .batch_va = context->job.batch_va,
        .seqno = context->job.seqno,
        .time_ns = gpu_time_ns(),
    };
}

static uint32_t next_id_locked(GpuFaults *faults)
{
    if (++faults->last_id == 0) {
        faults->last_id = 1;
    }
    return faults->last_id;
}

void gpu_fault_raise(GpuContext *context)
{
    GpuFaults *faults = context->gpu->faults;
    FaultEntry *entry = g_new0(FaultEntry, 1);

    g_mutex_lock(&faults->lock);
    context->fault_addr = context->fault.addr;
    context->fault_id = next_id_locked(faults);
    context->fault_posted = false;
    context->replay_due = false;
    context->fault_raised_ns = gpu_time_ns();
    entry->context = context;
    describe(context, context->fault_id, &entry->fault);
    faults->outstanding++;
    gpu_count(&context->gpu->counters.faults_raised);
    /* before the ring: the driver's records come after it */
    gpu_log_fault_raised(context, context->fault_id);
    g_queue_push_tail(&faults->waiting, entry);
    pump_locked(faults);
    g_mutex_unlock(&faults->lock);
}

void gpu_fault_fatal(GpuContext *context)
{
    GpuFaults *faults = context->gpu->faults;

    gpu_count(&context->gpu->counters.fatal_faults);
    gpu_log_fault_fatal(context);
    g_mutex_lock(&faults->lock);
    if (faults->fatal_waiting < FATAL_BACKLOG) {
        FaultEntry *entry = g_new0(FaultEntry, 1);

        describe(context, next_id_locked(faults), &entry->fault);
        entry->fault.flags = SVMGPU_FAULT_F_FATAL;
        faults->fatal_waiting++;
        g_queue_push_tail(&faults->waiting, entry);
        pump_locked(faults);
    } else {
        gpu_count(&context->gpu->counters.events_dropped);
    }
    g_mutex_unlock(&faults->lock);
}

void gpu_fault_forget(GpuContext *context)
{
    GpuFaults *faults = context->gpu->faults;

    g_mutex_lock(&faults->lock);
    for (GList *l = faults->waiting.head; l; l = l->next) {
        FaultEntry *entry = l->data;

        if (entry->context == context) {
            g_queue_delete_link(&faults->waiting, l);
            g_free(entry);
            break;
        }
    }
    if (context->fault_id) {
        faults->outstanding--;
        context->fault_id = 0;
    }
    context->fault_posted = false;
    context->replay_due = false;
    g_mutex_unlock(&faults->lock);
}

/* The command processor holds the context: it is faulted, on no engine. */
static void replay(GpuContext *context, uint32_t id)
{
    GpuFaults *faults = context->gpu->faults;
    GpuAccess *access = &context->stream.access;

    if (!gpu_mmu_access(faults->port, context->asid, access, &context->pinned,
                        &context->fault)) {
        /* not served after all, or the access goes on in another page */
        gpu_fault_raise(context);
        gpu_context_publish(context, SVMGPU_CTX_FAULTED);
        return;
    }
    gpu_count(&context->gpu->counters.faults_replayed);
    gpu_log_access_replayed(context, id);
    gpu_context_publish(context, SVMGPU_CTX_READY);
    gpu_engines_unfault(context->gpu->engines, context);
}

enum svmgpu_error gpu_fault_answer(GpuFaults *faults, uint32_t context_id,
                                   uint64_t fault_id, uint64_t answer,
                                   uint64_t pte, uint64_t level)
{
    GpuEngines *engines = faults->gpu->engines;
    GpuContext *context = gpu_engines_find(engines, context_id);
    bool matches;

    g_mutex_lock(&faults->lock);
    matches = context && context->fault_posted && fault_id != 0 &&
              context->fault_id == fault_id &&
              (answer == SVMGPU_ANSWER_RETRY ||
               answer == SVMGPU_ANSWER_FAIL) &&
              (pte == 0 || level < SVMGPU_PT_ROOT_LEVEL);
    if (matches) {
        /* from here on a second answer to this fault is an error */
        context->fault_id = 0;
        context->fault_posted = false;
        context->pinned = (GpuPinnedLeaf) {
            .va = context->fault.addr & ((1ull << SVMGPU_VA_BITS) - 1),
            .pte = pte,
            .level = level,
        };
        faults->outstanding--;
    }
    g_mutex_unlock(&faults->lock);
    if (!matches) {
        gpu_count(&faults->gpu->counters.bad_answers);
        return SVMGPU_ERROR_BAD_COMMAND;
    }

    gpu_inject_late_answer(faults->gpu);
    gpu_count(&faults->gpu->counters.faults_answered);
    gpu_log_fault_answered(context, fault_id, answer == SVMGPU_ANSWER_RETRY);
    if (answer == SVMGPU_ANSWER_FAIL) {
        gpu_engines_kill(engines, context, SVMGPU_ERROR_FAULT);
    } else if (gpu_engines_is_suspended(engines, context)) {
        /* a suspended context makes no access */
        context->replay_due = true;
    } else {
        replay(context, fault_id);
    }
    return SVMGPU_OK;
}

void gpu_fault_resumed(GpuContext *context)
{
    if (context->replay_due) {
        context->replay_due = false;
        context->pinned.pte = 0; /* flushes have come since */
        replay(context, 0);
    }
}

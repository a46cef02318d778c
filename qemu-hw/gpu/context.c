/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A context: its jobs, its status page, its end. */

#include "context.h"

#include <string.h>

#include "events.h"
#include "gpu-priv.h"
#include "log.h"

enum svmgpu_error gpu_context_new(Gpu *gpu, uint32_t id, uint64_t descriptor,
                                  GpuContext **out)
{
    uint32_t all_engines = (1u << gpu->config->n_engines) - 1;
    g_autofree GpuContext *context = g_new0(GpuContext, 1);
    struct svmgpu_context d;

    if ((descriptor & 7) || descriptor > SVMGPU_PADDR_OFFSET_MASK ||
        gpu_memory_read(gpu, SVMGPU_PADDR_SYSTEM(descriptor), &d,
                        sizeof(d)) != SVMGPU_OK) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    if (d.asid == 0 || d.asid >= SVMGPU_MAX_ASIDS || d.engines == 0 ||
        (d.engines & ~all_engines) || d.priority >= GPU_PRIORITIES ||
        (d.flags & ~(SVMGPU_CTX_F_FAULT_MODE | SVMGPU_CTX_F_NO_PREEMPT)) ||
        (d.status & 7) ||
        !vfu_dma_is_mapped(gpu->vfu, d.status,
                           sizeof(struct svmgpu_context_status),
                           VFU_DMA_RW)) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    context->gpu = gpu;
    context->id = id;
    context->asid = d.asid;
    context->engines = d.engines;
    context->flags = d.flags;
    context->status = d.status;
    context->priority = d.priority;
    context->timeslice_ns = (uint64_t)d.timeslice_us * 1000;
    context->preempt_timeout_ns = (uint64_t)d.preempt_timeout_us * 1000;
    context->link.data = context;
    context->last_engine = __builtin_ctz(d.engines);
    if (gpu_ring_open(&context->ring, gpu, GPU_RING_CONSUMER, d.ring,
                      d.ring_log2, sizeof(struct svmgpu_job)) != SVMGPU_OK) {
        return SVMGPU_ERROR_BAD_RING;
    }
    gpu_context_publish(context, SVMGPU_CTX_IDLE);
    *out = g_steal_pointer(&context);
    return SVMGPU_OK;
}

void gpu_context_free(GpuContext *context)
{
    g_free(context);
}

uint64_t gpu_context_runtime(const GpuContext *context, uint64_t now_ns)
{
    if (context->turn_began_ns) {
        return context->runtime_ns + (now_ns - context->turn_began_ns);
    }
    return context->runtime_ns;
}

void gpu_context_turn_begin(GpuContext *context, uint64_t now_ns)
{
    context->turn_began_ns = now_ns;
}

void gpu_context_turn_end(GpuContext *context, uint64_t now_ns)
{
    uint64_t turn = now_ns - context->turn_began_ns;

    context->runtime_ns += turn;
    context->turn_began_ns = 0;
}

void gpu_context_publish(GpuContext *context, enum svmgpu_context_state state)
{
    struct svmgpu_context_status *status;
    uint64_t now = gpu_time_ns();
    uint64_t runtime = gpu_context_runtime(context, now);
    GpuSpan span;

    if (gpu_memory_begin(context->gpu, SVMGPU_PADDR_SYSTEM(context->status),
                         sizeof(*status), GPU_WRITE, &span) != SVMGPU_OK) {
        return; /* the guest took its memory away: nobody reads it */
    }
    status = span.host;
    __atomic_store_n(&status->runtime_ns, runtime, __ATOMIC_RELAXED);
    __atomic_store_n(&status->job_runtime_ns,
                     context->stage == GPU_JOB_NONE ? 0 :
                     runtime - context->job_runtime_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&status->fault_addr, context->fault_addr,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&status->error, context->error, __ATOMIC_RELAXED);
    __atomic_store_n(&status->failed_seqno, context->failed_seqno,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&status->state, state, __ATOMIC_RELAXED);
    /* last: who sees a job retired sees what it left behind */
    __atomic_store_n(&status->completed, context->completed,
                     __ATOMIC_RELEASE);
    gpu_memory_end(&span);
}

GpuRingResult gpu_context_next_job(GpuContext *context)
{
    GpuRingResult result;
    bool producer_waits;

    result = gpu_ring_take(&context->ring, &context->job, &producer_waits);
    if (producer_waits) {
        vfu_irq_trigger(context->gpu->vfu, SVMGPU_VECTOR_EVENT);
    }
    if (result != GPU_RING_OK) {
        return result;
    }
    context->job_begun_ns = gpu_time_ns();
    /* what the context had run before this job */
    context->job_runtime_ns = gpu_context_runtime(context,
                                                  context->job_begun_ns);
    context->stage = GPU_JOB_FENCE;
    if (context->job.flags & SVMGPU_JOB_F_BATCH) {
        gpu_stream_start(&context->stream, context->job.batch_va);
        context->stage = GPU_JOB_BATCH;
    } else {
        context->stream.access.active = false;
    }
    return GPU_RING_OK;
}

void gpu_context_retire_job(GpuContext *context, enum svmgpu_error error)
{
    bool dead = g_atomic_int_get(&context->dead);

    context->stage = GPU_JOB_NONE;
    context->completed = context->job.seqno;
    if (error != SVMGPU_OK) {
        context->error = error;
        if (!context->failed_seqno) {
            context->failed_seqno = context->job.seqno;
        }
    }
    gpu_context_publish(context,
                        dead ? SVMGPU_CTX_DEAD :
                        context->turn_began_ns ? SVMGPU_CTX_RUNNING :
                        SVMGPU_CTX_IDLE);
    gpu_ring_retire(&context->ring);
    gpu_count(&context->gpu->counters.jobs);
}

void gpu_context_drain(GpuContext *context)
{
    do {
        while (gpu_context_next_job(context) == GPU_RING_OK) {
            gpu_context_retire_job(context, context->error);
            gpu_count(&context->gpu->counters.jobs_failed);
            if (g_atomic_int_get(&context->gpu->resetting)) {
                return; /* a guest that feeds jobs for ever ends here */
            }
        }
    } while (gpu_ring_sleep(&context->ring) == GPU_RING_OK);
}

void gpu_context_die(GpuContext *context, enum svmgpu_error error)
{
    bool failed = context->stage != GPU_JOB_NONE;

    g_atomic_int_set(&context->dead, 1);
    context->error = error;
    if (!failed) {
        failed = gpu_context_next_job(context) == GPU_RING_OK;
    }
    if (failed) {
        gpu_context_retire_job(context, error);
        gpu_count(&context->gpu->counters.jobs_failed);
    }
    if (failed || error == SVMGPU_ERROR_BAD_RING) {
        gpu_event_put(context->gpu, &(struct svmgpu_event) {
            .type = SVMGPU_EVENT_JOB_FAILED,
            .context = context->id,
            .seqno = context->job.seqno,
            .time_ns = gpu_time_ns(),
            .error = error,
            .engine = context->last_engine,
        });
    }
    gpu_log_context_died(context, error);
    gpu_context_drain(context);
    gpu_context_publish(context, SVMGPU_CTX_DEAD);
}

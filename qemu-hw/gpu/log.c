/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the GPU tells the event log. */

#include "log.h"

#include <errno.h>

#include "qemu-hw/abi/svmgpu_trace.h"

uint64_t gpu_time_ns(void)
{
    return eventlog_now_ns();
}

const char *gpu_error_name(enum svmgpu_error error)
{
    static const char *const name[] = {
        [SVMGPU_OK] = "ok",
        [SVMGPU_ERROR_BAD_REGISTER] = "bad register access",
        [SVMGPU_ERROR_BAD_RING] = "bad ring",
        [SVMGPU_ERROR_BAD_COMMAND] = "bad command",
        [SVMGPU_ERROR_BAD_DESCRIPTOR] = "bad descriptor",
        [SVMGPU_ERROR_BAD_ADDRESS] = "bad address",
        [SVMGPU_ERROR_BAD_PACKET] = "bad packet",
        [SVMGPU_ERROR_FAULT] = "fault",
        [SVMGPU_ERROR_KILLED] = "killed",
        [SVMGPU_ERROR_RESET] = "reset",
        [SVMGPU_ERROR_POISON] = "poisoned page",
        [SVMGPU_ERROR_LINK] = "link down",
        [SVMGPU_ERROR_HANG] = "hang",
    };

    return error < G_N_ELEMENTS(name) ? name[error] : "unknown";
}

static int error_errno(enum svmgpu_error error)
{
    switch (error) {
    case SVMGPU_OK:
        return 0;
    case SVMGPU_ERROR_KILLED:
    case SVMGPU_ERROR_RESET:
        return -ECANCELED;
    case SVMGPU_ERROR_FAULT:
    case SVMGPU_ERROR_BAD_ADDRESS:
        return -EFAULT;
    case SVMGPU_ERROR_POISON:
    case SVMGPU_ERROR_LINK:
        return -EIO;
    case SVMGPU_ERROR_HANG:
        return -ETIMEDOUT;
    default:
        return -EINVAL;
    }
}

static void emit(Gpu *gpu, EventlogEvent *event)
{
    if (!gpu->log) {
        return;
    }
    event->gpu = gpu->index;
    eventlog_emit(gpu->log, event);
}

void gpu_log_defined(Gpu *gpu)
{
    EventlogEvent event = {
        .kind = EVENTLOG_GPU_DEFINED,
        .bytes = gpu->config->vram_bytes,
    };

    g_strlcpy(event.text, gpu->config->id, sizeof(event.text));
    emit(gpu, &event);
    for (unsigned i = 0; i < gpu->config->n_engines; i++) {
        EventlogEvent engine = {
            .kind = EVENTLOG_ENGINE_DEFINED,
            .engine = i,
        };

        gpu_engine_name(&gpu->config->engines[i], engine.text,
                        sizeof(engine.text));
        emit(gpu, &engine);
    }
    for (unsigned peer = 0; peer < gpu_machine_count(gpu->machine); peer++) {
        EventlogEvent link = { .kind = EVENTLOG_LINK_DEFINED, .a = peer };

        if (peer == gpu->index) {
            continue;
        }
        g_snprintf(link.text, sizeof(link.text), "link%u-%u", gpu->index,
                   peer);
        emit(gpu, &link);
    }
}

void gpu_log_client(Gpu *gpu, bool connected)
{
    EventlogEvent event = {
        .kind = connected ? EVENTLOG_CLIENT_CONNECTED :
                EVENTLOG_CLIENT_DISCONNECTED,
    };

    emit(gpu, &event);
}

void gpu_log_reset(Gpu *gpu, GpuResetKind kind)
{
    static const char *const name[] = {
        [GPU_RESET_POWER_ON] = "power on",
        [GPU_RESET_FUNCTION] = "function level",
        [GPU_RESET_GLOBAL] = "global, by the driver",
        [GPU_RESET_UNPLUG] = "surprise unplug",
    };
    EventlogEvent event = {
        .kind = EVENTLOG_GPU_RESET,
        .a = MIN(kind, GPU_RESET_GLOBAL),
    };

    g_strlcpy(event.text, name[kind], sizeof(event.text));
    emit(gpu, &event);
}

void gpu_log_run_started(GpuContext *context, unsigned engine, uint64_t at)
{
    EventlogEvent event = {
        .time_ns = at,
        .kind = EVENTLOG_RUN_STARTED,
        .engine = engine,
        .context = context->id,
        .asid = context->asid,
    };

    emit(context->gpu, &event);
}

void gpu_log_run_ended(GpuContext *context, unsigned engine,
                       EventlogRunEnd why)
{
    EventlogEvent event = {
        .kind = EVENTLOG_RUN_ENDED,
        .engine = engine,
        .context = context->id,
        .asid = context->asid,
        .a = why,
    };

    emit(context->gpu, &event);
}

void gpu_log_fence(GpuContext *context, unsigned engine)
{
    EventlogEvent event = {
        .kind = EVENTLOG_FENCE_WRITTEN,
        .engine = engine,
        .context = context->id,
        .asid = context->asid,
        .va = context->job.user_fence_va,
        .id = context->job.user_fence_value,
    };

    emit(context->gpu, &event);
}

void gpu_log_context_died(GpuContext *context, enum svmgpu_error error)
{
    EventlogEvent event = {
        .kind = EVENTLOG_ENGINE_RESET,
        .engine = context->last_engine,
        .context = context->id,
        .asid = context->asid,
    };

    g_strlcpy(event.text, gpu_error_name(error), sizeof(event.text));
    emit(context->gpu, &event);
}

void gpu_log_fault_raised(GpuContext *context, uint32_t id)
{
    EventlogEvent event = {
        .kind = EVENTLOG_FAULT_RAISED,
        .engine = context->last_engine,
        .context = context->id,
        .asid = context->asid,
        .id = id,
        .va = context->fault.addr,
        .a = context->fault.access,
        .b = context->fault.level,
    };

    emit(context->gpu, &event);
}

void gpu_log_fault_fatal(GpuContext *context)
{
    EventlogEvent event = {
        .kind = EVENTLOG_CONTEXT_KILLED,
        .engine = context->last_engine,
        .context = context->id,
        .asid = context->asid,
        .va = context->fault.addr,
        .a = context->fault.access,
    };

    emit(context->gpu, &event);
}

void gpu_log_fault_answered(GpuContext *context, uint32_t id, bool retry)
{
    EventlogEvent event = {
        .kind = EVENTLOG_FAULT_ANSWERED,
        .engine = context->last_engine,
        .context = context->id,
        .asid = context->asid,
        .id = id,
        .va = context->fault.addr,
        .result = retry ? 0 : -EFAULT,
    };

    emit(context->gpu, &event);
}

void gpu_log_access_replayed(GpuContext *context, uint32_t id)
{
    EventlogEvent event = {
        .kind = EVENTLOG_ACCESS_REPLAYED,
        .engine = context->last_engine,
        .context = context->id,
        .asid = context->asid,
        .id = id,
        .va = context->fault.addr,
    };

    emit(context->gpu, &event);
}

void gpu_log_copy_started(Gpu *gpu, uint64_t id, uint32_t from, uint32_t to,
                          uint64_t bytes)
{
    EventlogEvent event = {
        .kind = EVENTLOG_COPY_STARTED,
        .engine = EVENTLOG_ENGINE_COPY,
        .id = id,
        .a = from,
        .b = to,
        .bytes = bytes,
    };

    emit(gpu, &event);
}

void gpu_log_copy_ended(Gpu *gpu, uint64_t id, uint64_t bytes,
                        enum svmgpu_error error)
{
    EventlogEvent event = {
        .kind = EVENTLOG_COPY_ENDED,
        .engine = EVENTLOG_ENGINE_COPY,
        .id = id,
        .bytes = bytes,
        .result = error_errno(error),
    };

    emit(gpu, &event);
}

void gpu_log_flushed(Gpu *gpu, uint64_t id, uint32_t asid, uint64_t first,
                     uint64_t end)
{
    EventlogEvent event = {
        .kind = EVENTLOG_FLUSHED,
        .engine = EVENTLOG_NO_ENGINE,
        .asid = asid,
        .va = first,
        .bytes = first == 0 && end == UINT64_MAX ? 0 :
                 end > first ? end - first : 0,
        .id = id,
    };

    emit(gpu, &event);
}

void gpu_log_stale_hit(Gpu *gpu, unsigned engine, uint32_t asid, uint64_t va,
                       uint64_t paddr)
{
    EventlogEvent event = {
        .kind = EVENTLOG_STALE_HIT_FOUND,
        .engine = engine < gpu->config->n_engines ? engine :
                  EVENTLOG_NO_ENGINE,
        .asid = asid,
        .va = va,
        .id = paddr,
    };

    emit(gpu, &event);
}

void gpu_log_access_counter(Gpu *gpu, uint32_t asid, uint64_t paddr,
                            unsigned engine)
{
    EventlogEvent event = {
        .kind = EVENTLOG_ACCESS_COUNTED,
        .engine = engine,
        .asid = asid,
        .va = paddr,
        .id = gpu->config->hot_threshold,
    };

    emit(gpu, &event);
}

void gpu_log_pages(Gpu *gpu, uint64_t first, uint64_t pages, uint32_t state,
                   uint32_t asid, uint64_t va)
{
    EventlogEvent event = {
        .kind = EVENTLOG_PAGE_STATE_CHANGED,
        .engine = EVENTLOG_NO_ENGINE,
        .va = first * GPU_PAGE_BYTES,
        .bytes = pages * GPU_PAGE_BYTES,
        .a = state,
        .asid = asid,
        .id = va,
    };

    emit(gpu, &event);
}

void gpu_log_rejected(Gpu *gpu, enum svmgpu_error error, uint64_t detail)
{
    EventlogEvent event = {
        .kind = EVENTLOG_INPUT_REJECTED,
        .engine = EVENTLOG_NO_ENGINE,
        .va = detail,
        .a = error,
    };

    g_strlcpy(event.text, gpu_error_name(error), sizeof(event.text));
    emit(gpu, &event);
}

void gpu_log_injected(Gpu *gpu, const char *what)
{
    EventlogEvent event = {
        .kind = EVENTLOG_FAULT_INJECTED,
        .engine = EVENTLOG_NO_ENGINE,
    };

    g_strlcpy(event.text, what, sizeof(event.text));
    emit(gpu, &event);
}

void gpu_log_link(Gpu *gpu, unsigned peer, bool up)
{
    EventlogEvent event = {
        .kind = EVENTLOG_LINK_CHANGED,
        .engine = EVENTLOG_NO_ENGINE,
        .a = peer,
        .b = up,
    };

    emit(gpu, &event);
}

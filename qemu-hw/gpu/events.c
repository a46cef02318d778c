/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event ring: jobs and contexts that changed state. */

#include "events.h"

#include "engine.h"
#include "gpu-priv.h"
#include "ring.h"

/* Events behind a full ring before the engines pause. */
#define BACKLOG_LIMIT 1024

struct GpuEvents {
    Gpu *gpu;
    GMutex lock; /* protects what follows; innermost but for DMA */
    GpuRing ring;
    GQueue backlog;
    int congested; /* atomic */
};

GpuEvents *gpu_events_new(Gpu *gpu)
{
    GpuEvents *events = g_new0(GpuEvents, 1);

    events->gpu = gpu;
    g_mutex_init(&events->lock);
    g_queue_init(&events->backlog);
    return events;
}

void gpu_events_free(GpuEvents *events)
{
    g_queue_clear_full(&events->backlog, g_free);
    g_mutex_clear(&events->lock);
    g_free(events);
}

void gpu_events_reset(GpuEvents *events)
{
    g_mutex_lock(&events->lock);
    gpu_ring_close(&events->ring);
    g_queue_clear_full(&events->backlog, g_free);
    g_queue_init(&events->backlog);
    g_atomic_int_set(&events->congested, 0);
    g_mutex_unlock(&events->lock);
}

static void set_congested_locked(GpuEvents *events)
{
    g_atomic_int_set(&events->congested,
                     events->backlog.length > BACKLOG_LIMIT);
}

/* Moves the backlog into the ring as far as there is room. */
static void pump_locked(GpuEvents *events)
{
    bool wake = false;

    while (events->backlog.length) {
        struct svmgpu_event *event = g_queue_peek_head(&events->backlog);
        bool wake_one;

        if (gpu_ring_put(&events->ring, event, &wake_one) != GPU_RING_OK) {
            break;
        }
        wake |= wake_one;
        g_free(g_queue_pop_head(&events->backlog));
    }
    set_congested_locked(events);
    if (wake) {
        gpu_irq(events->gpu, SVMGPU_VECTOR_EVENT);
    }
}

enum svmgpu_error gpu_events_enable(GpuEvents *events, uint64_t base,
                                    uint32_t log2)
{
    enum svmgpu_error error;

    g_mutex_lock(&events->lock);
    error = gpu_ring_open(&events->ring, events->gpu, GPU_RING_PRODUCER, base,
                          log2, sizeof(struct svmgpu_event));
    events->ring.wedges = true;
    pump_locked(events);
    g_mutex_unlock(&events->lock);
    return error;
}

void gpu_events_disable(GpuEvents *events)
{
    g_mutex_lock(&events->lock);
    gpu_ring_close(&events->ring);
    g_mutex_unlock(&events->lock);
}

void gpu_event_put(Gpu *gpu, const struct svmgpu_event *event)
{
    GpuEvents *events = gpu->events;

    g_mutex_lock(&events->lock);
    if (events->ring.broken ||
        (!events->ring.enabled && events->backlog.length > BACKLOG_LIMIT)) {
        /* nobody will ever read it: the driver broke or never made the ring */
        gpu_count(&gpu->counters.events_dropped);
    } else {
        g_queue_push_tail(&events->backlog,
                          g_memdup2(event, sizeof(*event)));
        pump_locked(events);
    }
    g_mutex_unlock(&events->lock);
}

void gpu_events_doorbell(GpuEvents *events)
{
    bool was = gpu_events_congested(events);

    g_mutex_lock(&events->lock);
    pump_locked(events);
    g_mutex_unlock(&events->lock);
    if (was && !gpu_events_congested(events)) {
        gpu_engines_wake_all(events->gpu->engines);
    }
}

bool gpu_events_congested(GpuEvents *events)
{
    return g_atomic_int_get(&events->congested);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event ring: jobs and contexts that changed state.
 *
 * Concepts
 *   An event is put into the ring at once, or, when the ring is full, into a
 *   queue behind it, in order; nothing is lost. While the queue is long the
 *   engines take no new work (gpu_events_congested()), which is what bounds
 *   it: that is the back-pressure of svmgpu_ring.h.
 */

#ifndef GPU_EVENTS_H
#define GPU_EVENTS_H

#include "gpu.h"
#include "qemu-hw/abi/svmgpu_ring.h"

typedef struct GpuEvents GpuEvents;

GpuEvents *gpu_events_new(Gpu *gpu);
void gpu_events_free(GpuEvents *events);
/* Forgets ring and queue. */
void gpu_events_reset(GpuEvents *events);

enum svmgpu_error gpu_events_enable(GpuEvents *events, uint64_t base,
                                    uint32_t log2);
void gpu_events_disable(GpuEvents *events);

/* Any thread; takes only the event block's lock. */
void gpu_event_put(Gpu *gpu, const struct svmgpu_event *event);
/* The driver says that there is room again. */
void gpu_events_doorbell(GpuEvents *events);
bool gpu_events_congested(GpuEvents *events);

#endif /* GPU_EVENTS_H */

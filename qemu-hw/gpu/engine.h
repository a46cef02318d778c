/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines and the scheduler that shares them among contexts.
 *
 * Concepts
 *   - One thread per engine. It sleeps until a context that may run on it is
 *     ready, runs it, and puts it back, or aside, when it leaves.
 *   - Ready contexts wait in one queue per priority; an engine takes the
 *     first one whose engine mask names it. Equal priorities take turns of
 *     their timeslice; a higher priority gets in at the next packet.
 *   - A context leaves its engine at a packet boundary, or inside a block
 *     copy between two chunks. With NO_PREEMPT it leaves only between jobs;
 *     when somebody else waits longer than its preempt timeout it dies.
 *   - A context that loops without an end, or waits for a semaphore, naps:
 *     the host has better use for its CPU.
 */

#ifndef GPU_ENGINE_H
#define GPU_ENGINE_H

#include "context.h"
#include "gpu.h"

typedef struct GpuEngines GpuEngines;

typedef struct GpuEngineStatus {
    uint32_t context; /* 0: idle */
    bool hung;
    uint64_t busy_ns;
    uint64_t turns;
} GpuEngineStatus;

GpuEngines *gpu_engines_new(Gpu *gpu);
void gpu_engines_free(GpuEngines *engines);

/* Everything off, all contexts forgotten. Returns with the engines idle. */
void gpu_engines_reset(GpuEngines *engines);
void gpu_engines_wake_all(GpuEngines *engines);

/* --- for the command processor -------------------------------------------*/

/* NULL: no such context. Stays valid until gpu_engines_remove(). */
GpuContext *gpu_engines_find(GpuEngines *engines, uint32_t id);
bool gpu_engines_add(GpuEngines *engines, GpuContext *context);
/* Kills and frees it. */
void gpu_engines_remove(GpuEngines *engines, GpuContext *context);
void gpu_engines_kill(GpuEngines *engines, GpuContext *context,
                      enum svmgpu_error error);
void gpu_engines_suspend(GpuEngines *engines, GpuContext *context);
void gpu_engines_resume(GpuEngines *engines, GpuContext *context);
void gpu_engines_schedule(GpuEngines *engines, GpuContext *context,
                          uint32_t priority, uint64_t timeslice_ns,
                          uint64_t preempt_timeout_ns);
/*
 * The context's fault has been dealt with: it may run again. False when it
 * is not waiting for that.
 */
bool gpu_engines_unfault(GpuEngines *engines, GpuContext *context);
/* Fails the jobs that dead contexts were given. Command processor only. */
void gpu_engines_drain_dead(GpuEngines *engines);
bool gpu_engines_is_suspended(GpuEngines *engines, GpuContext *context);
bool gpu_engines_is_faulted(GpuEngines *engines, GpuContext *context);

/* --- doorbells and injection ---------------------------------------------*/

/* False for an id that is no context. */
bool gpu_engines_doorbell(GpuEngines *engines, uint32_t id);
/* Engine `index` makes no progress until it is released. */
bool gpu_engines_set_hung(GpuEngines *engines, unsigned index, bool hung);
void gpu_engines_status(GpuEngines *engines, unsigned index,
                        GpuEngineStatus *status);
unsigned gpu_engines_contexts(GpuEngines *engines);

#endif /* GPU_ENGINE_H */

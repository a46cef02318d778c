/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread that sleeps until it is kicked.
 *
 * Concepts
 *   The command processor and the migration engine are each a worker: their
 *   function runs until its ring is empty, then the thread sleeps. Pausing
 *   waits until the function has returned, so that a reset finds nobody at
 *   work; the function must look at gpu_worker_should_stop() between entries.
 */

#ifndef GPU_WORKER_H
#define GPU_WORKER_H

#include <glib.h>
#include <stdbool.h>

typedef struct GpuWorker GpuWorker;

GpuWorker *gpu_worker_new(const char *name, void (*work)(void *opaque),
                          void *opaque);
/* Ends the thread; what it was doing is finished or abandoned first. */
void gpu_worker_free(GpuWorker *worker);

/* Any thread, any lock: wakes the worker, or makes it look once more. */
void gpu_worker_kick(GpuWorker *worker);
/* Pauses nest. Not from the worker itself. */
void gpu_worker_pause(GpuWorker *worker);
void gpu_worker_resume(GpuWorker *worker);
/* For the work function: a pause or the end is wanted. */
bool gpu_worker_should_stop(GpuWorker *worker);

#endif /* GPU_WORKER_H */

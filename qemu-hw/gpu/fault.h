/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recoverable faults: raised once, answered once, replayed at once.
 *
 * Concepts
 *   A context in fault mode that faults leaves its engine; an entry goes to
 *   the fault ring, or waits behind it when it is full (each context has at
 *   most one, so the queue is bounded and nothing is lost). The driver's
 *   answer comes as a command.
 *
 *   RETRY does not merely make the context ready. The command processor
 *   carries the faulting access out itself, on a port of its own, before the
 *   answer retires. So the access retires before any later flush of its
 *   address does, whoever occupies the engines: that is the second promise
 *   of svmgpu_ring.h, and it makes every served fault progress.
 */

#ifndef GPU_FAULT_H
#define GPU_FAULT_H

#include "context.h"
#include "gpu.h"

typedef struct GpuFaults GpuFaults;

GpuFaults *gpu_faults_new(Gpu *gpu);
void gpu_faults_free(GpuFaults *faults);
void gpu_faults_reset(GpuFaults *faults);
enum svmgpu_error gpu_faults_enable(GpuFaults *faults, uint64_t base,
                                    uint32_t log2);
void gpu_faults_disable(GpuFaults *faults);
/* The driver says that the ring has room again. */
void gpu_faults_doorbell(GpuFaults *faults);
unsigned gpu_faults_outstanding(GpuFaults *faults);

/* context->fault tells the fault; the context is off its engine. */
void gpu_fault_raise(GpuContext *context);
/* For information: the context dies of it. Holder only. */
void gpu_fault_fatal(GpuContext *context);
/* The context is gone, or its fault does not matter any more. */
void gpu_fault_forget(GpuContext *context);

/* --- for the command processor -------------------------------------------*/

enum svmgpu_error gpu_fault_answer(GpuFaults *faults, uint32_t context_id,
                                   uint64_t fault_id, uint64_t answer,
                                   uint64_t pte, uint64_t level);
/* Carries out what was answered while the context was suspended. */
void gpu_fault_resumed(GpuContext *context);

#endif /* GPU_FAULT_H */

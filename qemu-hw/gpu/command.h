/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command processor: address spaces, flushes, contexts, fault answers.
 *
 * Concepts
 *   One worker executes the commands of the ring in order, each to its end:
 *   a command that has retired has taken effect. It is the only thread that
 *   makes, changes and destroys contexts, so it needs no lock for that. It
 *   never waits for a batch, only for an engine to let go of one.
 */

#ifndef GPU_COMMAND_H
#define GPU_COMMAND_H

#include "gpu.h"

typedef struct GpuCommand GpuCommand;

GpuCommand *gpu_command_new(Gpu *gpu);
void gpu_command_free(GpuCommand *command);

/* The worker must be paused, or nobody else may use the ring. */
enum svmgpu_error gpu_command_enable(GpuCommand *command, uint64_t base,
                                     uint32_t log2);
void gpu_command_disable(GpuCommand *command);
void gpu_command_pause(GpuCommand *command);
void gpu_command_resume(GpuCommand *command);

#endif /* GPU_COMMAND_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the GPU tells the event log.
 *
 * One function per kind of event, so that the blocks say what happened and
 * not how it is stored. None of them waits or takes a lock.
 */

#ifndef GPU_LOG_H
#define GPU_LOG_H

#include "context.h"
#include "gpu-priv.h"

void gpu_log_defined(Gpu *gpu);
void gpu_log_client(Gpu *gpu, bool connected);
void gpu_log_reset(Gpu *gpu, GpuResetKind kind);

void gpu_log_run_started(GpuContext *context, unsigned engine, uint64_t at);
void gpu_log_run_ended(GpuContext *context, unsigned engine,
                       EventlogRunEnd why);
void gpu_log_fence(GpuContext *context, unsigned engine);
void gpu_log_context_died(GpuContext *context, enum svmgpu_error error);

void gpu_log_fault_raised(GpuContext *context, uint32_t id);
void gpu_log_fault_fatal(GpuContext *context);
void gpu_log_fault_answered(GpuContext *context, uint32_t id, bool retry);
void gpu_log_access_replayed(GpuContext *context, uint32_t id);

void gpu_log_copy_started(Gpu *gpu, uint64_t id, uint32_t from, uint32_t to,
                          uint64_t bytes);
void gpu_log_copy_ended(Gpu *gpu, uint64_t id, uint64_t bytes,
                        enum svmgpu_error error);
void gpu_log_flushed(Gpu *gpu, uint64_t id, uint32_t asid, uint64_t first,
                     uint64_t end);
void gpu_log_stale_hit(Gpu *gpu, unsigned engine, uint32_t asid, uint64_t va,
                       uint64_t paddr);
void gpu_log_access_counter(Gpu *gpu, uint32_t asid, uint64_t paddr,
                            unsigned engine);
void gpu_log_pages(Gpu *gpu, uint64_t first, uint64_t pages, uint32_t state,
                   uint32_t asid, uint64_t va);

void gpu_log_rejected(Gpu *gpu, enum svmgpu_error error, uint64_t detail);
void gpu_log_injected(Gpu *gpu, const char *what);
void gpu_log_link(Gpu *gpu, unsigned peer, bool up);

const char *gpu_error_name(enum svmgpu_error error);

#endif /* GPU_LOG_H */

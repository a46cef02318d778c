/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command processor: address spaces, flushes, contexts, answers. */

#include "command.h"

#include "engine.h"
#include "fault.h"
#include "gpu-priv.h"
#include "log.h"
#include "ring.h"
#include "worker.h"

struct GpuCommand {
    Gpu *gpu;
    GpuWorker *worker;
    GpuRing ring; /* the worker's, or whoever has paused it */
};

static enum svmgpu_error context_create(Gpu *gpu,
                                        const struct svmgpu_command *c)
{
    GpuContext *context;
    enum svmgpu_error error;

    if (c->id == 0 || c->id >= SVMGPU_MAX_CONTEXTS ||
        gpu_engines_find(gpu->engines, c->id)) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    error = gpu_context_new(gpu, c->id, c->arg[0], &context);
    if (error == SVMGPU_OK) {
        gpu_engines_add(gpu->engines, context);
    }
    return error;
}

static enum svmgpu_error context_schedule(Gpu *gpu, GpuContext *context,
                                          const struct svmgpu_command *c)
{
    if (c->arg[0] >= GPU_PRIORITIES || c->arg[1] > UINT32_MAX ||
        c->arg[2] > UINT32_MAX) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    gpu_engines_schedule(gpu->engines, context, c->arg[0], c->arg[1] * 1000,
                         c->arg[2] * 1000);
    return SVMGPU_OK;
}

static enum svmgpu_error execute_context(Gpu *gpu,
                                         const struct svmgpu_command *c)
{
    GpuContext *context = gpu_engines_find(gpu->engines, c->id);

    if (!context) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    switch (c->op) {
    case SVMGPU_CMD_CTX_DESTROY:
        gpu_engines_remove(gpu->engines, context);
        return SVMGPU_OK;
    case SVMGPU_CMD_CTX_SUSPEND:
        gpu_engines_suspend(gpu->engines, context);
        return SVMGPU_OK;
    case SVMGPU_CMD_CTX_RESUME:
        gpu_engines_resume(gpu->engines, context);
        gpu_fault_resumed(context);
        return SVMGPU_OK;
    case SVMGPU_CMD_CTX_KILL:
        gpu_engines_kill(gpu->engines, context, SVMGPU_ERROR_KILLED);
        return SVMGPU_OK;
    default:
        return context_schedule(gpu, context, c);
    }
}

static enum svmgpu_error execute(Gpu *gpu, const struct svmgpu_command *c,
                                 uint32_t number)
{
    enum svmgpu_error error;

    switch (c->op) {
    case SVMGPU_CMD_NOP:
        return SVMGPU_OK;
    case SVMGPU_CMD_AS_SET:
        return gpu_mmu_set_as(gpu->mmu, c->id, c->arg[0], c->arg[1]);
    case SVMGPU_CMD_AS_CLEAR:
        error = gpu_mmu_clear_as(gpu->mmu, c->id);
        if (error == SVMGPU_OK) {
            gpu_count(&gpu->counters.flushes);
            gpu_log_flushed(gpu, number, c->id, 0, UINT64_MAX);
        }
        return error;
    case SVMGPU_CMD_TLB_FLUSH:
        if (c->id == 0 || c->id >= SVMGPU_MAX_ASIDS) {
            return SVMGPU_ERROR_BAD_COMMAND;
        }
        gpu_mmu_flush(gpu->mmu, c->id, c->arg[0], c->arg[1]);
        gpu_count(&gpu->counters.flushes);
        gpu_log_flushed(gpu, number, c->id, c->arg[0], c->arg[1]);
        return SVMGPU_OK;
    case SVMGPU_CMD_CTX_CREATE:
        return context_create(gpu, c);
    case SVMGPU_CMD_CTX_DESTROY:
    case SVMGPU_CMD_CTX_SUSPEND:
    case SVMGPU_CMD_CTX_RESUME:
    case SVMGPU_CMD_CTX_KILL:
    case SVMGPU_CMD_CTX_SCHEDULE:
        return execute_context(gpu, c);
    case SVMGPU_CMD_FAULT_ANSWER:
        return gpu_fault_answer(gpu->faults, c->id, c->arg[0], c->arg[1],
                                c->arg[2], c->arg[3]);
    case SVMGPU_CMD_PAGEMAP_SET:
        if (c->id >= SVMGPU_MAX_ASIDS ||
            !gpu_pagemap_set(&gpu->pagemap, c->arg[0], c->arg[1], c->id,
                             c->arg[2], c->arg[3])) {
            return SVMGPU_ERROR_BAD_COMMAND;
        }
        gpu_log_pages(gpu, c->arg[0], c->arg[1], c->arg[2], c->id, c->arg[3]);
        return SVMGPU_OK;
    default:
        return SVMGPU_ERROR_BAD_COMMAND;
    }
}

/* False: sleep. */
static bool execute_next(GpuCommand *command)
{
    Gpu *gpu = command->gpu;
    struct svmgpu_command c;
    enum svmgpu_error error;
    bool producer_waits;

    switch (gpu_ring_take(&command->ring, &c, &producer_waits)) {
    case GPU_RING_OK:
        break;
    case GPU_RING_NOTHING:
        return gpu_ring_sleep(&command->ring) == GPU_RING_OK;
    case GPU_RING_BROKEN:
        return false;
    }
    if (c.flags & ~SVMGPU_CMD_F_IRQ) {
        error = SVMGPU_ERROR_BAD_COMMAND;
    } else {
        error = execute(gpu, &c, command->ring.index);
    }
    if (error != SVMGPU_OK) {
        gpu_guest_error(gpu, error, (uint64_t)c.op << 32 | c.id);
    }
    gpu_count(&gpu->counters.commands);
    gpu_ring_retire(&command->ring);
    if ((c.flags & SVMGPU_CMD_F_IRQ) || producer_waits) {
        gpu_irq(gpu, SVMGPU_VECTOR_COMMAND);
    }
    return true;
}

static void command_work(void *opaque)
{
    GpuCommand *command = opaque;

    while (!gpu_worker_should_stop(command->worker)) {
        gpu_engines_drain_dead(command->gpu->engines);
        if (!gpu_is_enabled(command->gpu) || !command->ring.enabled ||
            !execute_next(command)) {
            return;
        }
    }
}

GpuCommand *gpu_command_new(Gpu *gpu)
{
    GpuCommand *command = g_new0(GpuCommand, 1);
    char name[16];

    command->gpu = gpu;
    g_snprintf(name, sizeof(name), "%u-command", gpu->index);
    command->worker = gpu_worker_new(name, command_work, command);
    return command;
}

void gpu_command_free(GpuCommand *command)
{
    gpu_worker_free(command->worker);
    g_free(command);
}

enum svmgpu_error gpu_command_enable(GpuCommand *command, uint64_t base,
                                     uint32_t log2)
{
    enum svmgpu_error error;

    error = gpu_ring_open(&command->ring, command->gpu, GPU_RING_CONSUMER,
                          base, log2, sizeof(struct svmgpu_command));
    command->ring.wedges = true;
    return error;
}

void gpu_command_disable(GpuCommand *command)
{
    gpu_ring_close(&command->ring);
}

void gpu_command_pause(GpuCommand *command)
{
    gpu_worker_pause(command->worker);
}

void gpu_command_resume(GpuCommand *command)
{
    gpu_worker_resume(command->worker);
}

void gpu_command_kick(Gpu *gpu)
{
    if (gpu->command) {
        gpu_worker_kick(gpu->command->worker);
    }
}

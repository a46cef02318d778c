/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register file: the one place where trapped accesses arrive.
 *
 * Runs on the protocol thread of the GPU. An access that svmgpu_regs.h does
 * not know reads as all ones, writes nothing, and counts as a guest error.
 */

#include <string.h>

#include "command.h"
#include "engine.h"
#include "fault.h"
#include "gpu-priv.h"
#include "migration.h"

static uint32_t low(uint64_t value)
{
    return value;
}

static uint32_t high(uint64_t value)
{
    return value >> 32;
}

static uint32_t capabilities(Gpu *gpu)
{
    return SVMGPU_CAP_ACCESSED_DIRTY | SVMGPU_CAP_PAGEMAP |
           (gpu->config->hot_threshold ? SVMGPU_CAP_ACCESS_COUNTERS : 0);
}

static uint32_t status(Gpu *gpu)
{
    uint32_t value = 0;

    if (g_atomic_int_get(&gpu->resetting)) {
        value |= SVMGPU_STATUS_RESETTING;
    } else {
        value |= SVMGPU_STATUS_READY;
    }
    if (g_atomic_int_get(&gpu->wedged)) {
        value |= SVMGPU_STATUS_WEDGED;
    }
    return value;
}

static bool ring_read(Gpu *gpu, uint64_t offset, uint32_t *value)
{
    unsigned ring = (offset - SVMGPU_REG_RING_BASE_LO(0)) / 0x10;
    GpuRingRegisters *regs = &gpu->rings[ring];

    switch ((offset - SVMGPU_REG_RING_BASE_LO(0)) % 0x10) {
    case 0x0:
        *value = low(regs->base);
        return true;
    case 0x4:
        *value = high(regs->base);
        return true;
    case 0x8:
        *value = regs->log2;
        return true;
    default:
        *value = regs->enabled;
        return true;
    }
}

static bool read32(Gpu *gpu, uint64_t offset, uint32_t *value)
{
    uint64_t now;

    if (offset >= SVMGPU_REG_RING_BASE_LO(0) &&
        offset < SVMGPU_REG_RING_BASE_LO(SVMGPU_RINGS)) {
        return ring_read(gpu, offset, value);
    }
    if (offset >= SVMGPU_REG_ENGINE(0) &&
        offset < SVMGPU_REG_ENGINE(SVMGPU_MAX_ENGINES)) {
        unsigned n = (offset - SVMGPU_REG_ENGINE(0)) / 4;
        const GpuEngineConfig *engine = &gpu->config->engines[n];

        *value = n < gpu->config->n_engines ?
                 SVMGPU_ENGINE_VALUE(engine->class,
                                     (uint32_t)engine->instance) : 0;
        return true;
    }
    switch (offset) {
    case SVMGPU_REG_MAGIC:
        *value = SVMGPU_MAGIC;
        return true;
    case SVMGPU_REG_VERSION:
        *value = SVMGPU_ABI_VERSION;
        return true;
    case SVMGPU_REG_GPU_INDEX:
        *value = gpu->index;
        return true;
    case SVMGPU_REG_GPU_COUNT:
        *value = gpu_machine_count(gpu->machine);
        return true;
    case SVMGPU_REG_CAPS:
        *value = capabilities(gpu);
        return true;
    case SVMGPU_REG_FABRIC_ID:
        *value = gpu_fabric_id(gpu->fabric);
        return true;
    case SVMGPU_REG_FABRIC_PEERS:
        *value = gpu_fabric_peers(gpu->fabric, gpu->index);
        return true;
    case SVMGPU_REG_FABRIC_UP:
        *value = gpu_fabric_up(gpu->fabric, gpu->index);
        return true;
    case SVMGPU_REG_VRAM_SIZE_LO:
        *value = low(gpu->config->vram_bytes);
        return true;
    case SVMGPU_REG_VRAM_SIZE_HI:
        *value = high(gpu->config->vram_bytes);
        return true;
    case SVMGPU_REG_VRAM_VISIBLE_LO:
        *value = low(MIN(gpu->config->visible_bytes,
                         gpu->config->vram_bytes));
        return true;
    case SVMGPU_REG_VRAM_VISIBLE_HI:
        *value = high(MIN(gpu->config->visible_bytes,
                          gpu->config->vram_bytes));
        return true;
    case SVMGPU_REG_TIME_LO:
        now = gpu_time_ns();
        gpu->time_hi = high(now);
        *value = low(now);
        return true;
    case SVMGPU_REG_TIME_HI:
        *value = gpu->time_hi;
        return true;
    case SVMGPU_REG_ENGINE_COUNT:
        *value = gpu->config->n_engines;
        return true;
    case SVMGPU_REG_REFERENCE_CLOCK:
        *value = GPU_REFERENCE_CLOCK_HZ;
        return true;
    case SVMGPU_REG_TRACE_BYTES_LO:
        *value = low(gpu->config->trace_bytes);
        return true;
    case SVMGPU_REG_TRACE_BYTES_HI:
        *value = high(gpu->config->trace_bytes);
        return true;
    case SVMGPU_REG_PAGEMAP_OFFSET_LO:
        *value = low(gpu->pagemap_offset);
        return true;
    case SVMGPU_REG_PAGEMAP_OFFSET_HI:
        *value = high(gpu->pagemap_offset);
        return true;
    case SVMGPU_REG_CONTROL:
        *value = gpu->control;
        return true;
    case SVMGPU_REG_STATUS:
        *value = status(gpu);
        return true;
    case SVMGPU_REG_ERROR_COUNT:
        *value = __atomic_load_n(&gpu->counters.guest_errors,
                                 __ATOMIC_RELAXED);
        return true;
    case SVMGPU_REG_ERROR_LAST:
        *value = g_atomic_int_get(&gpu->error_last);
        return true;
    case SVMGPU_REG_VF_CAP:
        *value = 0;
        return true;
    default:
        return false;
    }
}

/* --- writes ---------------------------------------------------------------*/

static void ring_switch(Gpu *gpu, unsigned ring, bool on)
{
    GpuRingRegisters *regs = &gpu->rings[ring];
    enum svmgpu_error error = SVMGPU_OK;

    switch (ring) {
    case SVMGPU_RING_COMMAND:
        gpu_command_pause(gpu->command);
        if (on) {
            error = gpu_command_enable(gpu->command, regs->base, regs->log2);
        } else {
            gpu_command_disable(gpu->command);
        }
        gpu_command_resume(gpu->command);
        break;
    case SVMGPU_RING_MIGRATION:
        gpu_migration_pause(gpu->migration);
        if (on) {
            error = gpu_migration_enable(gpu->migration, regs->base,
                                         regs->log2);
        } else {
            gpu_migration_disable(gpu->migration);
        }
        gpu_migration_resume(gpu->migration);
        break;
    case SVMGPU_RING_FAULT:
        if (on) {
            error = gpu_faults_enable(gpu->faults, regs->base, regs->log2);
        } else {
            gpu_faults_disable(gpu->faults);
        }
        break;
    default:
        if (on) {
            error = gpu_events_enable(gpu->events, regs->base, regs->log2);
        } else {
            gpu_events_disable(gpu->events);
        }
        break;
    }
    regs->enabled = on && error == SVMGPU_OK;
    if (error != SVMGPU_OK) {
        gpu_guest_error(gpu, error, regs->base);
    }
}

static bool ring_write(Gpu *gpu, uint64_t offset, uint32_t value)
{
    unsigned ring = (offset - SVMGPU_REG_RING_BASE_LO(0)) / 0x10;
    GpuRingRegisters *regs = &gpu->rings[ring];
    unsigned field = (offset - SVMGPU_REG_RING_BASE_LO(0)) % 0x10;

    if (field == 0xc) {
        if (value > 1) {
            return false;
        }
        if (value != regs->enabled) {
            ring_switch(gpu, ring, value);
        }
        return true;
    }
    if (regs->enabled) {
        return false; /* place and size hold still while it is on */
    }
    switch (field) {
    case 0x0:
        regs->base = (regs->base & ~(uint64_t)UINT32_MAX) | value;
        return true;
    case 0x4:
        regs->base = (uint64_t)value << 32 | low(regs->base);
        return true;
    default:
        regs->log2 = value;
        return true;
    }
}

static bool control_write(Gpu *gpu, uint32_t value)
{
    if (value & ~(SVMGPU_CONTROL_ENABLE | SVMGPU_CONTROL_RESET)) {
        return false;
    }
    if (value & SVMGPU_CONTROL_RESET) {
        gpu_request_reset(gpu); /* RESET clears itself */
        return true;
    }
    __atomic_store_n(&gpu->control, value, __ATOMIC_RELEASE);
    if (value & SVMGPU_CONTROL_ENABLE) {
        gpu_command_kick(gpu);
        gpu_migration_kick(gpu->migration);
    }
    return true;
}

static bool write32(Gpu *gpu, uint64_t offset, uint32_t value)
{
    if (offset >= SVMGPU_REG_RING_BASE_LO(0) &&
        offset < SVMGPU_REG_RING_BASE_LO(SVMGPU_RINGS)) {
        return ring_write(gpu, offset, value);
    }
    switch (offset) {
    case SVMGPU_REG_CONTROL:
        return control_write(gpu, value);
    case SVMGPU_REG_DOORBELL_COMMAND:
        gpu_command_kick(gpu);
        return true;
    case SVMGPU_REG_DOORBELL_MIGRATION:
        gpu_migration_kick(gpu->migration);
        return true;
    case SVMGPU_REG_DOORBELL_CONTEXT:
        return gpu_engines_doorbell(gpu->engines, value);
    case SVMGPU_REG_DOORBELL_FAULT:
        gpu_faults_doorbell(gpu->faults);
        return true;
    case SVMGPU_REG_DOORBELL_EVENT:
        gpu_events_doorbell(gpu->events);
        return true;
    case SVMGPU_REG_DOORBELL_TRACE:
        eventlog_drain_kick(gpu->drain);
        return true;
    default:
        return false;
    }
}

/* --- entry points ---------------------------------------------------------*/

/*
 * User space maps this page to order its writes: having left the CPU is all
 * that a write there is for.
 */
static bool in_barrier_page(uint64_t offset)
{
    return offset >> GPU_PAGE_SHIFT == SVMGPU_BARRIER_PAGE >> GPU_PAGE_SHIFT;
}

int gpu_region_read(void *opaque, unsigned bar, uint64_t offset, unsigned len,
                    uint64_t *value)
{
    Gpu *gpu = opaque;
    uint32_t word[2] = { UINT32_MAX, UINT32_MAX };
    bool good;

    *value = UINT64_MAX;
    if (g_atomic_int_get(&gpu->unplugged)) {
        return 0;
    }
    if (bar == SVMGPU_BAR_REGS && in_barrier_page(offset)) {
        *value = (uint64_t)SVMGPU_BARRIER_READS << 32 | SVMGPU_BARRIER_READS;
        return 0;
    }
    good = bar == SVMGPU_BAR_REGS && (len == 4 || len == 8) &&
           read32(gpu, offset, &word[0]);
    if (good && len == 8) {
        good = read32(gpu, offset + 4, &word[1]);
    }
    if (!good) {
        gpu_guest_error(gpu, SVMGPU_ERROR_BAD_REGISTER, offset);
        return 0;
    }
    *value = word[0] | (len == 8 ? (uint64_t)word[1] << 32 : 0);
    return 0;
}

int gpu_region_write(void *opaque, unsigned bar, uint64_t offset,
                     unsigned len, uint64_t value)
{
    Gpu *gpu = opaque;
    bool good;

    if (g_atomic_int_get(&gpu->unplugged)) {
        return 0;
    }
    if (bar == SVMGPU_BAR_REGS && in_barrier_page(offset)) {
        return 0;
    }
    if (g_atomic_int_get(&gpu->resetting)) {
        return 0; /* as the manual says: nothing is heard during a reset */
    }
    good = bar == SVMGPU_BAR_REGS && (len == 4 || len == 8) &&
           write32(gpu, offset, low(value));
    if (good && len == 8) {
        good = write32(gpu, offset + 4, high(value));
    }
    if (!good) {
        gpu_guest_error(gpu, SVMGPU_ERROR_BAD_REGISTER, offset);
    }
    return 0;
}

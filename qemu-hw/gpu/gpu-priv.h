/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the blocks of one GPU share.
 *
 * Concepts
 *   struct Gpu ties the blocks together; each block's own state is opaque to
 *   the others. Locks, outermost first:
 *     reset lock > worker pause > scheduler > fault block > event block >
 *     port access lock > guest memory (vfio-user)
 *   Interrupts may be raised under any of them.
 */

#ifndef GPU_PRIV_H
#define GPU_PRIV_H

#include "events.h"
#include "fabric.h"
#include "gpu.h"
#include "mmu.h"
#include "pagemap.h"
#include "ring.h"
#include "qemu-hw/eventlog/eventlog.h"
#include "qemu-hw/vfio-user/vfu.h"

#define GPU_REFERENCE_CLOCK_HZ 19200000u

typedef struct GpuEngines GpuEngines;
typedef struct GpuFaults GpuFaults;
typedef struct GpuCommand GpuCommand;
typedef struct GpuMigration GpuMigration;
typedef struct GpuInjection GpuInjection;
typedef struct GpuWorker GpuWorker;

/* Monotonic, relaxed; for people and tests. */
typedef struct GpuCounters {
    uint64_t guest_errors;
    uint64_t jobs;
    uint64_t jobs_failed;
    uint64_t faults_raised;
    uint64_t faults_answered;
    uint64_t faults_replayed;
    uint64_t bad_answers;
    uint64_t fatal_faults;
    uint64_t flushes;
    uint64_t commands;
    uint64_t descriptors;
    uint64_t bytes_copied;
    uint64_t interrupts;
    uint64_t interrupts_dropped;
    uint64_t events_dropped;
    uint64_t resets;
} GpuCounters;

/* What the guest writes into the ring registers. */
typedef struct GpuRingRegisters {
    uint64_t base;
    uint32_t log2;
    bool enabled;
} GpuRingRegisters;

struct Gpu {
    const GpuConfig *config;
    unsigned index;
    GpuMachine *machine;
    GpuFabric *fabric;
    VfuServer *vfu;
    Eventlog *log;
    EventlogDrain *drain;

    int vram_fd;
    uint8_t *vram;
    size_t vram_map_bytes;
    int trace_fd;
    uint8_t *trace; /* BAR 4 */
    size_t trace_map_bytes;
    uint64_t pagemap_offset;
    GpuPagemap pagemap;

    GpuMmu *mmu;
    GpuEvents *events;
    GpuFaults *faults;
    GpuEngines *engines;
    GpuCommand *command;
    GpuMigration *migration;
    GpuInjection *injection;
    GpuWorker *reset_worker; /* the global reset that the guest asks for */
    GMutex reset_lock;
    bool reset_wanted; /* the reset lock's */

    /* registers; written by the protocol thread and by resets */
    uint32_t control;
    uint32_t time_hi;
    GpuRingRegisters rings[SVMGPU_RINGS];

    int unplugged;  /* atomic */
    int resetting;  /* atomic */
    int wedged;     /* atomic */
    int error_last; /* atomic, enum svmgpu_error */
    GpuCounters counters;
};

uint64_t gpu_time_ns(void);

static inline void gpu_count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline void gpu_count_many(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/*
 * The guest did something wrong: counts it (SVMGPU_REG_ERROR_*) and logs it.
 * `detail` is the offending offset, address or id. Any thread, any lock.
 */
void gpu_guest_error(Gpu *gpu, enum svmgpu_error error, uint64_t detail);
/* Only a reset helps: SVMGPU_STATUS_WEDGED and the error interrupt. */
void gpu_wedge(Gpu *gpu);
/* Raises a vector, unless an injected fault eats or delays it. */
void gpu_irq(Gpu *gpu, unsigned vector);
void gpu_access_counter_fired(Gpu *gpu, uint32_t asid, uint64_t paddr,
                              unsigned engine);
/* Wakes the command processor. */
void gpu_command_kick(Gpu *gpu);
bool gpu_is_enabled(Gpu *gpu);

/*
 * Power-on state for everything but VRAM contents, poison and links. Not
 * from an engine, the command processor or the migration engine.
 */
typedef enum GpuResetKind {
    GPU_RESET_POWER_ON,
    GPU_RESET_FUNCTION,
    GPU_RESET_GLOBAL,
    GPU_RESET_UNPLUG,
} GpuResetKind;
void gpu_reset(Gpu *gpu, GpuResetKind kind);
/* Resets soon, on a thread of its own; STATUS says RESETTING at once. */
void gpu_request_reset(Gpu *gpu);

/* regs.c */
int gpu_region_read(void *opaque, unsigned bar, uint64_t offset, unsigned len,
                    uint64_t *value);
int gpu_region_write(void *opaque, unsigned bar, uint64_t offset,
                     unsigned len, uint64_t value);

#endif /* GPU_PRIV_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The GPUs of one device process: how they are made, reset and unmade. */

#include "gpu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "engine.h"
#include "fault.h"
#include "gpu-priv.h"
#include "inject.h"
#include "log.h"
#include "machine.h"
#include "migration.h"
#include "worker.h"

/* Guest errors logged one by one; then every power of two. */
#define ERRORS_LOGGED 64

struct GpuMachine {
    GpuFabric *fabric;
    Eventlog *log;
    unsigned n;
    Gpu *gpu[SVMGPU_MAX_GPUS];
};

/* --- what the blocks call -------------------------------------------------*/

void gpu_guest_error(Gpu *gpu, enum svmgpu_error error, uint64_t detail)
{
    uint64_t n = __atomic_add_fetch(&gpu->counters.guest_errors, 1,
                                    __ATOMIC_RELAXED);

    g_atomic_int_set(&gpu->error_last, error);
    if (n <= ERRORS_LOGGED || (n & (n - 1)) == 0) {
        gpu_log_rejected(gpu, error, detail);
    }
}

void gpu_wedge(Gpu *gpu)
{
    if (g_atomic_int_compare_and_exchange(&gpu->wedged, 0, 1)) {
        gpu_irq(gpu, SVMGPU_VECTOR_ERROR);
    }
}

void gpu_irq(Gpu *gpu, unsigned vector)
{
    if (g_atomic_int_get(&gpu->unplugged) || gpu_inject_irq(gpu, vector)) {
        return;
    }
    gpu_count(&gpu->counters.interrupts);
    vfu_irq_trigger(gpu->vfu, vector);
}

void gpu_access_counter_fired(Gpu *gpu, uint32_t asid, uint64_t paddr,
                              unsigned engine)
{
    gpu_log_access_counter(gpu, asid, paddr, engine);
    if (gpu_events_congested(gpu->events)) {
        return; /* a hint; the next one will do */
    }
    gpu_event_put(gpu, &(struct svmgpu_event) {
        .type = SVMGPU_EVENT_ACCESS_COUNTER,
        .context = asid,
        .seqno = paddr,
        .time_ns = gpu_time_ns(),
        .engine = engine,
    });
}

bool gpu_is_enabled(Gpu *gpu)
{
    return __atomic_load_n(&gpu->control, __ATOMIC_ACQUIRE) &
           SVMGPU_CONTROL_ENABLE;
}

/* --- reset ----------------------------------------------------------------*/

static void reset_locked(Gpu *gpu, GpuResetKind kind)
{
    gpu->reset_wanted = false;
    g_atomic_int_set(&gpu->resetting, 1);
    __atomic_store_n(&gpu->control, 0, __ATOMIC_RELEASE);

    /* nobody is left at work, in this order: each may wait for the next */
    gpu_command_pause(gpu->command);
    gpu_migration_pause(gpu->migration);
    gpu_engines_reset(gpu->engines);

    gpu_command_disable(gpu->command);
    gpu_migration_disable(gpu->migration);
    gpu_faults_reset(gpu->faults);
    gpu_events_reset(gpu->events);
    gpu_mmu_reset(gpu->mmu);
    gpu_pagemap_reset(&gpu->pagemap);
    memset(gpu->rings, 0, sizeof(gpu->rings));
    g_atomic_int_set(&gpu->wedged, 0);

    gpu_migration_resume(gpu->migration);
    gpu_command_resume(gpu->command);
    gpu_count(&gpu->counters.resets);
    gpu_log_reset(gpu, kind);
    g_atomic_int_set(&gpu->resetting, 0);
}

void gpu_reset(Gpu *gpu, GpuResetKind kind)
{
    g_mutex_lock(&gpu->reset_lock);
    reset_locked(gpu, kind);
    g_mutex_unlock(&gpu->reset_lock);
}

void gpu_request_reset(Gpu *gpu)
{
    /* waits for a reset that is under way: milliseconds */
    g_mutex_lock(&gpu->reset_lock);
    gpu->reset_wanted = true;
    g_atomic_int_set(&gpu->resetting, 1);
    __atomic_store_n(&gpu->control, 0, __ATOMIC_RELEASE);
    g_mutex_unlock(&gpu->reset_lock);
    gpu_worker_kick(gpu->reset_worker);
}

static void reset_work(void *opaque)
{
    Gpu *gpu = opaque;

    g_mutex_lock(&gpu->reset_lock);
    if (gpu->reset_wanted) { /* another reset may have served it */
        reset_locked(gpu, GPU_RESET_GLOBAL);
    }
    g_mutex_unlock(&gpu->reset_lock);
}

void gpu_unplug(Gpu *gpu)
{
    g_atomic_int_set(&gpu->unplugged, 1);
    gpu_reset(gpu, GPU_RESET_UNPLUG);
}

void gpu_plug(Gpu *gpu)
{
    g_atomic_int_set(&gpu->unplugged, 0);
}

/* --- what vfio-user calls -------------------------------------------------*/

static void vfu_reset(void *opaque, VfuReset kind)
{
    Gpu *gpu = opaque;

    gpu_reset(gpu, kind == VFU_RESET_FLR ? GPU_RESET_FUNCTION :
              GPU_RESET_POWER_ON);
    if (kind != VFU_RESET_FLR) {
        /* another kernel will run, or none */
        eventlog_drain_reset(gpu->drain);
    }
}

static void vfu_connected(void *opaque)
{
    Gpu *gpu = opaque;

    g_atomic_int_set(&gpu->unplugged, 0);
    gpu_log_client(gpu, true);
}

static void vfu_disconnected(void *opaque)
{
    gpu_log_client(opaque, false);
}

static const VfuOps gpu_vfu_ops = {
    .region_read = gpu_region_read,
    .region_write = gpu_region_write,
    .reset = vfu_reset,
    .connected = vfu_connected,
    .disconnected = vfu_disconnected,
};

/* --- making a GPU ---------------------------------------------------------*/

static uint64_t round_up_pow2(uint64_t value)
{
    uint64_t power = 4096;

    while (power < value) {
        power <<= 1;
    }
    return power;
}

static int make_memory(const char *name, size_t bytes, uint8_t **host,
                       GError **error)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    *host = NULL;
    if (fd >= 0 && ftruncate(fd, bytes) == 0) {
        void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                         0);

        if (map != MAP_FAILED) {
            *host = map;
            return fd;
        }
    }
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                "%s: %zu bytes of memory: %s", name, bytes,
                g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static bool make_memories(Gpu *gpu, GError **error)
{
    const GpuConfig *config = gpu->config;
    uint64_t pages = config->vram_bytes / GPU_PAGE_BYTES;

    /* the BAR may be larger than VRAM; what lies beyond is nobody's */
    gpu->vram_map_bytes = MAX(config->vram_bytes, config->visible_bytes);
    gpu->vram_fd = make_memory("svmgpu-vram", gpu->vram_map_bytes, &gpu->vram,
                               error);
    if (gpu->vram_fd < 0) {
        return false;
    }
    gpu->pagemap_offset = config->trace_bytes;
    gpu->trace_map_bytes =
        round_up_pow2(config->trace_bytes +
                      pages * sizeof(struct svmgpu_pagemap_entry));
    gpu->trace_fd = make_memory("svmgpu-trace", gpu->trace_map_bytes,
                                &gpu->trace, error);
    if (gpu->trace_fd < 0) {
        return false;
    }
    gpu_pagemap_init(&gpu->pagemap, gpu->trace + gpu->pagemap_offset, pages);
    return true;
}

static VfuServer *make_server(Gpu *gpu, GError **error)
{
    VfuDescription description = {
        .name = gpu->config->id,
        .vendor_id = SVMGPU_PCI_VENDOR,
        .device_id = SVMGPU_PCI_DEVICE,
        .subsystem_vendor_id = SVMGPU_PCI_VENDOR,
        .subsystem_id = SVMGPU_PCI_DEVICE,
        .class_code = SVMGPU_PCI_CLASS,
        .revision = SVMGPU_PCI_REVISION,
        .bars = {
            [SVMGPU_BAR_REGS] = {
                .size = SVMGPU_BAR_REGS_BYTES,
                .fd = -1,
            },
            [SVMGPU_BAR_VRAM] = {
                .size = gpu->config->visible_bytes,
                .is_64bit = true,
                .prefetchable = true,
                .fd = gpu->vram_fd,
            },
            [SVMGPU_BAR_TRACE] = {
                .size = gpu->trace_map_bytes,
                .is_64bit = true,
                .prefetchable = true,
                .fd = gpu->trace_fd,
            },
        },
        .msix = {
            .vectors = SVMGPU_VECTORS,
            .table_bar = SVMGPU_BAR_REGS,
            .table_offset = SVMGPU_MSIX_TABLE_OFFSET,
            .pba_bar = SVMGPU_BAR_REGS,
            .pba_offset = SVMGPU_MSIX_PBA_OFFSET,
        },
    };

    return vfu_server_new(&description, &gpu_vfu_ops, gpu, error);
}

static void gpu_free(Gpu *gpu)
{
    if (gpu->vfu) {
        vfu_server_stop(gpu->vfu);
    }
    if (gpu->engines) {
        g_atomic_int_set(&gpu->resetting, 1);
        gpu_worker_free(gpu->reset_worker);
        gpu_command_free(gpu->command);
        gpu->command = NULL;
        gpu_migration_free(gpu->migration);
        gpu_engines_free(gpu->engines);
        gpu_faults_free(gpu->faults);
        gpu_events_free(gpu->events);
        gpu_injection_free(gpu->injection);
        gpu_mmu_free(gpu->mmu);
    }
    eventlog_drain_remove(gpu->drain);
    g_clear_pointer(&gpu->vfu, vfu_server_free);
    gpu_pagemap_clear(&gpu->pagemap);
    if (gpu->vram) {
        munmap(gpu->vram, gpu->vram_map_bytes);
        close(gpu->vram_fd);
    }
    if (gpu->trace) {
        munmap(gpu->trace, gpu->trace_map_bytes);
        close(gpu->trace_fd);
    }
    g_mutex_clear(&gpu->reset_lock);
    g_free(gpu);
}

static Gpu *gpu_new(GpuMachine *machine, const GpuConfig *config,
                    unsigned index, GError **error)
{
    Gpu *gpu = g_new0(Gpu, 1);

    gpu->config = config;
    gpu->index = index;
    gpu->machine = machine;
    gpu->fabric = machine->fabric;
    gpu->log = machine->log;
    g_mutex_init(&gpu->reset_lock);
    if (!make_memories(gpu, error) || !(gpu->vfu = make_server(gpu, error))) {
        gpu_free(gpu);
        return NULL;
    }
    gpu->drain = eventlog_drain_add(gpu->log, index, gpu->trace,
                                    config->trace_bytes);
    gpu->mmu = gpu_mmu_new(gpu);
    gpu_mmu_set_check(gpu->mmu, config->check_tlb);
    gpu->injection = gpu_injection_new(gpu);
    gpu->events = gpu_events_new(gpu);
    gpu->faults = gpu_faults_new(gpu);
    gpu->engines = gpu_engines_new(gpu);
    gpu->migration = gpu_migration_new(gpu);
    gpu->command = gpu_command_new(gpu);
    gpu->reset_worker = gpu_worker_new("reset", reset_work, gpu);
    return gpu;
}

/* --- the machine ----------------------------------------------------------*/

GpuMachine *gpu_machine_new(const GpuConfig *configs, unsigned n,
                            Eventlog *log, GError **error)
{
    g_autoptr(GpuMachine) machine = g_new0(GpuMachine, 1);

    machine->log = log;
    machine->fabric = gpu_fabric_new(n);
    for (unsigned i = 0; i < n; i++) {
        machine->gpu[i] = gpu_new(machine, &configs[i], i, error);
        if (!machine->gpu[i]) {
            return NULL;
        }
        machine->n++;
    }
    for (unsigned i = 0; i < n; i++) {
        gpu_log_defined(machine->gpu[i]);
    }
    return g_steal_pointer(&machine);
}

bool gpu_machine_listen(GpuMachine *machine, GError **error)
{
    for (unsigned i = 0; i < machine->n; i++) {
        if (!vfu_server_listen(machine->gpu[i]->vfu,
                               machine->gpu[i]->config->socket, error)) {
            return false;
        }
    }
    return true;
}

void gpu_machine_free(GpuMachine *machine)
{
    /* peers reach into each other: all stop before the first one goes */
    for (unsigned i = 0; i < machine->n; i++) {
        vfu_server_stop(machine->gpu[i]->vfu);
    }
    for (unsigned i = 0; i < machine->n; i++) {
        gpu_reset(machine->gpu[i], GPU_RESET_POWER_ON);
    }
    for (unsigned i = 0; i < machine->n; i++) {
        gpu_free(machine->gpu[i]);
    }
    gpu_fabric_free(machine->fabric);
    g_free(machine);
}

unsigned gpu_machine_count(GpuMachine *machine)
{
    return machine->n;
}

Gpu *gpu_machine_get(GpuMachine *machine, unsigned index)
{
    return index < machine->n ? machine->gpu[index] : NULL;
}

bool gpu_machine_set_link(GpuMachine *machine, unsigned a, unsigned b,
                          bool up)
{
    unsigned end[2] = { a, b };

    if (a >= machine->n || b >= machine->n || a == b) {
        return false;
    }
    if (!gpu_fabric_set_link(machine->fabric, a, b, up)) {
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        Gpu *gpu = machine->gpu[end[i]];

        gpu_log_link(gpu, end[!i], up);
        gpu_event_put(gpu, &(struct svmgpu_event) {
            .type = SVMGPU_EVENT_LINK_CHANGED,
            .seqno = end[!i],
            .time_ns = gpu_time_ns(),
        });
    }
    return true;
}

bool gpu_poison_page(Gpu *gpu, uint64_t page, bool poisoned)
{
    if (page >= gpu->pagemap.pages) {
        return false;
    }
    gpu_pagemap_poison(&gpu->pagemap, page, poisoned);
    gpu_log_pages(gpu, page, 1, poisoned ? EVENTLOG_PAGE_POISONED :
                  EVENTLOG_PAGE_FREE, 0, 0);
    if (poisoned) {
        gpu_event_put(gpu, &(struct svmgpu_event) {
            .type = SVMGPU_EVENT_PAGE_POISONED,
            .seqno = page,
            .time_ns = gpu_time_ns(),
            .error = SVMGPU_ERROR_POISON,
        });
    }
    return true;
}

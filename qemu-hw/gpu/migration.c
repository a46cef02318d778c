/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The migration engine: the kernel's own copy engine. */

#include "migration.h"

#include <string.h>

#include "gpu-priv.h"
#include "inject.h"
#include "log.h"
#include "ring.h"
#include "worker.h"
#include "qemu-hw/abi/svmgpu_trace.h"

#define COPY_BYTES_MAX (1ull << 30)
#define LIST_ENTRIES_MAX 65536
/* One look-up of both ends, and one chance to stop, per so many bytes. */
#define CHUNK_BYTES (256u << 10)

struct GpuMigration {
    Gpu *gpu;
    GpuWorker *worker;
    GpuRing ring;
    void *list;
    uint8_t bounce[GPU_PAGE_BYTES];
};

static uint32_t place(Gpu *gpu, uint64_t paddr)
{
    switch (SVMGPU_PADDR_APERTURE(paddr)) {
    case SVMGPU_APERTURE_VRAM:
        return SVMGPU_TRACE_PLACE_VRAM(gpu->index);
    case SVMGPU_APERTURE_PEER:
        return SVMGPU_TRACE_PLACE_VRAM(SVMGPU_PADDR_PEER(paddr));
    default:
        return SVMGPU_TRACE_PLACE_SYSTEM;
    }
}

/* --- moving bytes ---------------------------------------------------------*/

/* Guest RAM in pieces, or without a descriptor: page by page. */
static enum svmgpu_error copy_by_pages(GpuMigration *migration, uint64_t to,
                                       uint64_t from, uint64_t bytes)
{
    Gpu *gpu = migration->gpu;
    enum svmgpu_error error = SVMGPU_OK;

    while (bytes && error == SVMGPU_OK) {
        size_t len = MIN(MIN(bytes, gpu_page_room(from)), gpu_page_room(to));

        error = gpu_memory_read(gpu, from, migration->bounce, len);
        if (error == SVMGPU_OK) {
            error = gpu_memory_write(gpu, to, migration->bounce, len);
        }
        from += len;
        to += len;
        bytes -= len;
    }
    return error;
}

static enum svmgpu_error copy_chunk(GpuMigration *migration, uint64_t to,
                                    uint64_t from, uint64_t bytes)
{
    Gpu *gpu = migration->gpu;
    enum svmgpu_error error;
    GpuSpan source, target;

    error = gpu_memory_begin(gpu, from, bytes, GPU_READ, &source);
    if (error != SVMGPU_OK) {
        return source.copy_only ? copy_by_pages(migration, to, from, bytes) :
               error;
    }
    error = gpu_memory_begin(gpu, to, bytes, GPU_WRITE, &target);
    if (error == SVMGPU_OK) {
        memmove(target.host, source.host, bytes);
        gpu_memory_end(&target);
    }
    gpu_memory_end(&source);
    if (error != SVMGPU_OK && target.copy_only) {
        error = copy_by_pages(migration, to, from, bytes);
    }
    return error;
}

static enum svmgpu_error fill_chunk(GpuMigration *migration, uint64_t to,
                                    uint64_t value, uint64_t bytes)
{
    Gpu *gpu = migration->gpu;
    enum svmgpu_error error;
    GpuSpan target;

    error = gpu_memory_begin(gpu, to, bytes, GPU_WRITE, &target);
    if (error == SVMGPU_OK) {
        if (value == (value & 0xff) * 0x0101010101010101ull) {
            memset(target.host, value & 0xff, bytes);
        } else {
            uint64_t *word = target.host;

            for (uint64_t i = 0; i < bytes / 8; i++) {
                word[i] = value;
            }
        }
        gpu_memory_end(&target);
        return SVMGPU_OK;
    }
    if (!target.copy_only) {
        return error;
    }
    for (unsigned i = 0; i < sizeof(migration->bounce); i += 8) {
        memcpy(&migration->bounce[i], &value, 8);
    }
    error = SVMGPU_OK;
    while (bytes && error == SVMGPU_OK) {
        size_t len = MIN(bytes, gpu_page_room(to));

        error = gpu_memory_write(gpu, to, migration->bounce, len);
        to += len;
        bytes -= len;
    }
    return error;
}

/* One list entry of COPY or FILL; *moved is what it moved, also on error. */
static enum svmgpu_error move_entry(GpuMigration *migration, bool fill,
                                    uint64_t value,
                                    const struct svmgpu_mig_copy *entry,
                                    uint64_t *moved)
{
    if (entry->bytes % 8 || entry->bytes > COPY_BYTES_MAX ||
        (fill && entry->dst % 8)) {
        return SVMGPU_ERROR_BAD_DESCRIPTOR;
    }
    for (uint64_t at = 0; at < entry->bytes; at += CHUNK_BYTES) {
        uint64_t bytes = MIN(entry->bytes - at, CHUNK_BYTES);
        enum svmgpu_error error;

        if (gpu_worker_should_stop(migration->worker) &&
            g_atomic_int_get(&migration->gpu->resetting)) {
            return SVMGPU_ERROR_RESET;
        }
        if (fill) {
            error = fill_chunk(migration, entry->dst + at, value, bytes);
        } else {
            error = copy_chunk(migration, entry->dst + at, entry->src + at,
                               bytes);
        }
        if (error != SVMGPU_OK) {
            return error;
        }
        *moved += bytes;
        gpu_fabric_settle();
    }
    return SVMGPU_OK;
}

static enum svmgpu_error write_ptes(GpuMigration *migration,
                                    const struct svmgpu_mig_pte *entry)
{
    uint64_t value = entry->value;
    GpuSpan span;
    enum svmgpu_error error;
    size_t bytes = (size_t)entry->count * 8;

    if (entry->pte % 8 || entry->count == 0 ||
        entry->count > SVMGPU_PT_ENTRIES ||
        bytes > gpu_page_room(entry->pte)) {
        return SVMGPU_ERROR_BAD_DESCRIPTOR;
    }
    error = gpu_memory_begin(migration->gpu, entry->pte, bytes, GPU_WRITE,
                             &span);
    if (error == SVMGPU_OK) {
        uint64_t *pte = span.host;

        for (uint32_t i = 0; i < entry->count; i++) {
            __atomic_store_n(&pte[i], value, __ATOMIC_RELEASE);
            value += (uint64_t)entry->step * GPU_PAGE_BYTES;
        }
        gpu_memory_end(&span);
        return SVMGPU_OK;
    }
    if (!span.copy_only) {
        return error;
    }
    error = SVMGPU_OK;
    for (uint32_t i = 0; i < entry->count && error == SVMGPU_OK; i++) {
        error = gpu_memory_store64(migration->gpu, entry->pte + 8 * i, value);
        value += (uint64_t)entry->step * GPU_PAGE_BYTES;
    }
    return error;
}

/* --- descriptors ----------------------------------------------------------*/

/* The list entries of a descriptor, wherever they are; NULL with *error. */
static const void *fetch_list(GpuMigration *migration,
                              const struct svmgpu_migration *d,
                              size_t entry_bytes, enum svmgpu_error *error)
{
    size_t bytes = (size_t)d->count * entry_bytes;

    if (d->flags & SVMGPU_MIG_F_INLINE) {
        *error = d->count == 1 ? SVMGPU_OK : SVMGPU_ERROR_BAD_DESCRIPTOR;
        return &d->copy;
    }
    if (d->count > LIST_ENTRIES_MAX || d->list % 8 ||
        d->list > SVMGPU_PADDR_OFFSET_MASK) {
        *error = SVMGPU_ERROR_BAD_DESCRIPTOR;
        return NULL;
    }
    *error = SVMGPU_OK;
    if (bytes) {
        *error = gpu_memory_read(migration->gpu, SVMGPU_PADDR_SYSTEM(d->list),
                                 migration->list, bytes);
    }
    return migration->list;
}

static enum svmgpu_error run_moves(GpuMigration *migration,
                                   const struct svmgpu_migration *d,
                                   uint32_t *failed)
{
    Gpu *gpu = migration->gpu;
    bool fill = d->op == SVMGPU_MIG_FILL;
    uint32_t from = SVMGPU_TRACE_PLACE_NONE, to = SVMGPU_TRACE_PLACE_NONE;
    uint64_t total = 0, moved = 0;
    const struct svmgpu_mig_copy *entries;
    enum svmgpu_error error;

    entries = fetch_list(migration, d, sizeof(*entries), &error);
    if (error != SVMGPU_OK) {
        return error;
    }
    for (uint32_t i = 0; i < d->count; i++) {
        uint32_t f = fill ? SVMGPU_TRACE_PLACE_NONE :
                     place(gpu, entries[i].src);
        uint32_t t = place(gpu, entries[i].dst);

        from = i == 0 || from == f ? f : SVMGPU_TRACE_PLACE_MIXED;
        to = i == 0 || to == t ? t : SVMGPU_TRACE_PLACE_MIXED;
        total += MIN(entries[i].bytes, COPY_BYTES_MAX);
    }
    gpu_log_copy_started(gpu, d->cookie, from, to, total);
    error = gpu_inject_fail_copy(gpu);
    for (uint32_t i = 0; i < d->count && error == SVMGPU_OK; i++) {
        *failed = i;
        error = move_entry(migration, fill, d->value, &entries[i], &moved);
    }
    gpu_count_many(&gpu->counters.bytes_copied, moved);
    gpu_log_copy_ended(gpu, d->cookie, moved, error);
    return error;
}

static enum svmgpu_error run_ptes(GpuMigration *migration,
                                  const struct svmgpu_migration *d,
                                  uint32_t *failed)
{
    const struct svmgpu_mig_pte *entries;
    enum svmgpu_error error;

    entries = fetch_list(migration, d, sizeof(*entries), &error);
    for (uint32_t i = 0; i < d->count && error == SVMGPU_OK; i++) {
        *failed = i;
        error = write_ptes(migration, &entries[i]);
    }
    return error;
}

static enum svmgpu_error run_descriptor(GpuMigration *migration,
                                        const struct svmgpu_migration *d,
                                        uint32_t *failed)
{
    Gpu *gpu = migration->gpu;

    if (d->flags & ~(SVMGPU_MIG_F_IRQ | SVMGPU_MIG_F_INLINE)) {
        return SVMGPU_ERROR_BAD_DESCRIPTOR;
    }
    switch (d->op) {
    case SVMGPU_MIG_NOP:
        return SVMGPU_OK;
    case SVMGPU_MIG_COPY:
    case SVMGPU_MIG_FILL:
        return run_moves(migration, d, failed);
    case SVMGPU_MIG_PTE_WRITE:
        return run_ptes(migration, d, failed);
    case SVMGPU_MIG_TLB_FLUSH:
        if (d->flush.asid == 0 || d->flush.asid >= SVMGPU_MAX_ASIDS) {
            return SVMGPU_ERROR_BAD_DESCRIPTOR;
        }
        gpu_mmu_flush(gpu->mmu, d->flush.asid, d->flush.first, d->flush.end);
        gpu_count(&gpu->counters.flushes);
        gpu_log_flushed(gpu, d->cookie, d->flush.asid, d->flush.first,
                        d->flush.end);
        return SVMGPU_OK;
    default:
        return SVMGPU_ERROR_BAD_DESCRIPTOR;
    }
}

static void write_result(Gpu *gpu, uint64_t address, enum svmgpu_error error,
                         uint32_t failed)
{
    struct svmgpu_mig_result result = {
        .error = error,
        .failed = error == SVMGPU_OK ? 0 : failed,
        .time_ns = gpu_time_ns(),
    };

    if (address % 8 || address > SVMGPU_PADDR_OFFSET_MASK ||
        gpu_memory_write(gpu, SVMGPU_PADDR_SYSTEM(address), &result,
                         sizeof(result)) != SVMGPU_OK) {
        gpu_guest_error(gpu, SVMGPU_ERROR_BAD_ADDRESS, address);
    }
}

/* False: sleep. */
static bool run_next(GpuMigration *migration)
{
    Gpu *gpu = migration->gpu;
    struct svmgpu_migration d;
    enum svmgpu_error error;
    bool producer_waits;
    uint32_t failed = 0;

    switch (gpu_ring_take(&migration->ring, &d, &producer_waits)) {
    case GPU_RING_OK:
        break;
    case GPU_RING_NOTHING:
        return gpu_ring_sleep(&migration->ring) == GPU_RING_OK;
    case GPU_RING_BROKEN:
        return false;
    }
    error = run_descriptor(migration, &d, &failed);
    if (error == SVMGPU_ERROR_BAD_DESCRIPTOR ||
        error == SVMGPU_ERROR_BAD_ADDRESS) {
        gpu_guest_error(gpu, error, (uint64_t)d.op << 32 | failed);
    }
    gpu_count(&gpu->counters.descriptors);
    if (d.result) {
        write_result(gpu, d.result, error, failed);
    }
    gpu_ring_retire(&migration->ring);
    if ((d.flags & SVMGPU_MIG_F_IRQ) || producer_waits) {
        gpu_irq(gpu, SVMGPU_VECTOR_MIGRATION);
    }
    gpu_fabric_settle();
    return true;
}

static void migration_work(void *opaque)
{
    GpuMigration *migration = opaque;

    while (!gpu_worker_should_stop(migration->worker)) {
        if (!gpu_is_enabled(migration->gpu) || !migration->ring.enabled ||
            !run_next(migration)) {
            return;
        }
    }
}

GpuMigration *gpu_migration_new(Gpu *gpu)
{
    GpuMigration *migration = g_new0(GpuMigration, 1);
    char name[16];

    migration->gpu = gpu;
    migration->list = g_malloc(LIST_ENTRIES_MAX *
                               sizeof(struct svmgpu_mig_copy));
    g_snprintf(name, sizeof(name), "%u-migration", gpu->index);
    migration->worker = gpu_worker_new(name, migration_work, migration);
    return migration;
}

void gpu_migration_free(GpuMigration *migration)
{
    gpu_worker_free(migration->worker);
    g_free(migration->list);
    g_free(migration);
}

enum svmgpu_error gpu_migration_enable(GpuMigration *migration, uint64_t base,
                                       uint32_t log2)
{
    enum svmgpu_error error;

    error = gpu_ring_open(&migration->ring, migration->gpu, GPU_RING_CONSUMER,
                          base, log2, sizeof(struct svmgpu_migration));
    migration->ring.wedges = true;
    return error;
}

void gpu_migration_disable(GpuMigration *migration)
{
    gpu_ring_close(&migration->ring);
}

void gpu_migration_pause(GpuMigration *migration)
{
    gpu_worker_pause(migration->worker);
}

void gpu_migration_resume(GpuMigration *migration)
{
    gpu_worker_resume(migration->worker);
}

void gpu_migration_kick(GpuMigration *migration)
{
    gpu_worker_kick(migration->worker);
}

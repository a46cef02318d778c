/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The GPU's end of a ring in guest memory. */

#include "ring.h"

#include <stddef.h>

#include "gpu-priv.h"

static GpuRingResult ring_break(GpuRing *ring)
{
    if (!ring->broken) {
        ring->broken = true;
        gpu_guest_error(ring->gpu, SVMGPU_ERROR_BAD_RING, ring->base);
        if (ring->wedges) {
            gpu_wedge(ring->gpu);
        }
    }
    return GPU_RING_BROKEN;
}

static struct svmgpu_ring_header *ring_header(GpuRing *ring, GpuSpan *span)
{
    if (!ring->enabled || ring->broken ||
        gpu_memory_begin(ring->gpu, SVMGPU_PADDR_SYSTEM(ring->base),
                         sizeof(struct svmgpu_ring_header), GPU_READ_WRITE,
                         span) != SVMGPU_OK) {
        return NULL;
    }
    return span->host;
}

static uint64_t ring_slot(GpuRing *ring)
{
    uint32_t slot = ring->index & ((1u << ring->log2) - 1);

    return SVMGPU_PADDR_SYSTEM(ring->base + SVMGPU_RING_ENTRIES_OFFSET +
                               (uint64_t)slot * ring->entry_bytes);
}

enum svmgpu_error gpu_ring_open(GpuRing *ring, Gpu *gpu, GpuRingRole role,
                                uint64_t base, uint32_t log2,
                                uint32_t entry_bytes)
{
    struct svmgpu_ring_header *header;
    uint64_t bytes;
    GpuSpan span;

    if (log2 < SVMGPU_RING_LOG2_MIN || log2 > SVMGPU_RING_LOG2_MAX ||
        base % 64 || base > SVMGPU_PADDR_OFFSET_MASK) {
        return SVMGPU_ERROR_BAD_RING;
    }
    bytes = SVMGPU_RING_ENTRIES_OFFSET + ((uint64_t)entry_bytes << log2);
    if (!vfu_dma_is_mapped(gpu->vfu, base, bytes, VFU_DMA_RW)) {
        return SVMGPU_ERROR_BAD_RING;
    }
    ring->gpu = gpu;
    ring->base = base;
    ring->log2 = log2;
    ring->entry_bytes = entry_bytes;
    ring->broken = false;
    ring->enabled = true;
    header = ring_header(ring, &span);
    if (!header) {
        ring->enabled = false;
        return SVMGPU_ERROR_BAD_RING;
    }
    ring->index = __atomic_load_n(role == GPU_RING_CONSUMER ?
                                  &header->consumer : &header->producer,
                                  __ATOMIC_ACQUIRE);
    ring->completed = __atomic_load_n(&header->completed, __ATOMIC_ACQUIRE);
    gpu_memory_end(&span);
    return SVMGPU_OK;
}

void gpu_ring_close(GpuRing *ring)
{
    ring->enabled = false;
    ring->broken = false;
}

/* Takes the flag back if it is set; whoever takes it has to wake the other. */
static bool take_flag(uint32_t *flag)
{
    uint32_t expected = 1;

    return __atomic_load_n(flag, __ATOMIC_RELAXED) == 1 &&
           __atomic_compare_exchange_n(flag, &expected, 0, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

GpuRingResult gpu_ring_take(GpuRing *ring, void *entry, bool *producer_waits)
{
    struct svmgpu_ring_header *header;
    uint32_t waiting;
    GpuSpan span;

    *producer_waits = false;
    header = ring_header(ring, &span);
    if (!header) {
        return ring->enabled ? ring_break(ring) : GPU_RING_NOTHING;
    }
    waiting = __atomic_load_n(&header->producer, __ATOMIC_ACQUIRE) -
              ring->index;
    if (waiting == 0 || waiting > 1u << ring->log2) {
        gpu_memory_end(&span);
        return waiting ? ring_break(ring) : GPU_RING_NOTHING;
    }
    if (gpu_memory_read(ring->gpu, ring_slot(ring), entry,
                        ring->entry_bytes) != SVMGPU_OK) {
        gpu_memory_end(&span);
        return ring_break(ring);
    }
    ring->index++;
    __atomic_store_n(&header->consumer, ring->index, __ATOMIC_SEQ_CST);
    *producer_waits = take_flag(&header->producer_asleep);
    gpu_memory_end(&span);
    return GPU_RING_OK;
}

GpuRingResult gpu_ring_retire(GpuRing *ring)
{
    struct svmgpu_ring_header *header;
    GpuSpan span;

    ring->completed++;
    header = ring_header(ring, &span);
    if (!header) {
        return ring->enabled ? ring_break(ring) : GPU_RING_NOTHING;
    }
    __atomic_store_n(&header->completed, ring->completed, __ATOMIC_RELEASE);
    gpu_memory_end(&span);
    return GPU_RING_OK;
}

GpuRingResult gpu_ring_sleep(GpuRing *ring)
{
    struct svmgpu_ring_header *header;
    GpuRingResult result = GPU_RING_NOTHING;
    GpuSpan span;

    header = ring_header(ring, &span);
    if (!header) {
        return ring->enabled ? ring_break(ring) : GPU_RING_NOTHING;
    }
    __atomic_store_n(&header->consumer_asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&header->producer, __ATOMIC_SEQ_CST) != ring->index) {
        take_flag(&header->consumer_asleep);
        result = GPU_RING_OK;
    }
    gpu_memory_end(&span);
    return result;
}

uint32_t gpu_ring_pending(GpuRing *ring)
{
    struct svmgpu_ring_header *header;
    uint32_t waiting;
    GpuSpan span;

    header = ring_header(ring, &span);
    if (!header) {
        return 0;
    }
    waiting = __atomic_load_n(&header->producer, __ATOMIC_ACQUIRE) -
              ring->index;
    gpu_memory_end(&span);
    return waiting <= 1u << ring->log2 ? waiting : 0;
}

GpuRingResult gpu_ring_put(GpuRing *ring, const void *entry, bool *wake)
{
    struct svmgpu_ring_header *header;
    uint32_t used;
    GpuSpan span;

    *wake = false;
    header = ring_header(ring, &span);
    if (!header) {
        return ring->enabled ? ring_break(ring) : GPU_RING_NOTHING;
    }
    used = ring->index - __atomic_load_n(&header->consumer, __ATOMIC_ACQUIRE);
    if (used == 1u << ring->log2) {
        __atomic_store_n(&header->producer_asleep, 1, __ATOMIC_SEQ_CST);
        used = ring->index -
               __atomic_load_n(&header->consumer, __ATOMIC_SEQ_CST);
        if (used == 1u << ring->log2) {
            gpu_memory_end(&span);
            return GPU_RING_NOTHING;
        }
        take_flag(&header->producer_asleep);
    }
    if (used > 1u << ring->log2 ||
        gpu_memory_write(ring->gpu, ring_slot(ring), entry,
                         ring->entry_bytes) != SVMGPU_OK) {
        gpu_memory_end(&span);
        return ring_break(ring);
    }
    ring->index++;
    __atomic_store_n(&header->producer, ring->index, __ATOMIC_SEQ_CST);
    *wake = take_flag(&header->consumer_asleep);
    gpu_memory_end(&span);
    return GPU_RING_OK;
}

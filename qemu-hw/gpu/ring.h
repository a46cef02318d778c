/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPU's end of a ring in guest memory.
 *
 * Concepts
 *   svmgpu_ring.h says how driver and GPU share a ring. The GPU believes of
 *   the shared header only the other side's index, and checks even that: its
 *   own index lives here. A ring whose indices make no sense or whose memory
 *   is out of reach is broken: it counts as a guest error once and is not
 *   served until the driver enables it again.
 *
 * A GpuRing is used by one thread at a time; its owner sees to that.
 */

#ifndef GPU_RING_H
#define GPU_RING_H

#include "gpu.h"
#include "memory.h"
#include "qemu-hw/abi/svmgpu_ring.h"

typedef enum GpuRingResult {
    GPU_RING_OK,
    GPU_RING_NOTHING, /* empty, or full */
    GPU_RING_BROKEN,
} GpuRingResult;

typedef struct GpuRing {
    Gpu *gpu;
    uint64_t base; /* DMA address of the header */
    uint32_t log2;
    uint32_t entry_bytes;
    uint32_t index; /* our own: consumer, or producer */
    uint32_t completed;
    bool enabled;
    bool broken;
    bool wedges; /* breaking it leaves the GPU useless: not a context's */
} GpuRing;

typedef enum GpuRingRole {
    GPU_RING_CONSUMER,
    GPU_RING_PRODUCER,
} GpuRingRole;

/* Takes over at the indices that the header holds. */
enum svmgpu_error gpu_ring_open(GpuRing *ring, Gpu *gpu, GpuRingRole role,
                                uint64_t base, uint32_t log2,
                                uint32_t entry_bytes);
void gpu_ring_close(GpuRing *ring);

/* --- as consumer ----------------------------------------------------------*/

/*
 * Copies the next entry out and frees its slot. *producer_waits says that
 * the driver slept for room: raise an interrupt.
 */
GpuRingResult gpu_ring_take(GpuRing *ring, void *entry, bool *producer_waits);
/* One more entry has retired. */
GpuRingResult gpu_ring_retire(GpuRing *ring);
/*
 * Says in memory that a doorbell is wanted. GPU_RING_OK: an entry came in
 * between, go on; GPU_RING_NOTHING: sleep.
 */
GpuRingResult gpu_ring_sleep(GpuRing *ring);
/* Entries that wait; 0 for a broken ring. */
uint32_t gpu_ring_pending(GpuRing *ring);

/* --- as producer ----------------------------------------------------------*/

/*
 * Puts an entry. GPU_RING_NOTHING: full, and the driver has been told to
 * ring when there is room. *wake says to raise the ring's interrupt.
 */
GpuRingResult gpu_ring_put(GpuRing *ring, const void *entry, bool *wake);

#endif /* GPU_RING_H */

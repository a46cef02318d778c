/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical memory as one GPU sees it.
 *
 * Concepts
 *   A physical address (svmgpu_pte.h) names a byte of guest RAM, of the GPU's
 *   own VRAM or of a peer's VRAM. This block is the only one that turns such
 *   an address into a host pointer. It checks bounds, poison and the fabric
 *   link, and keeps the guest's memory in place (GpuSpan) while the pointer
 *   is used. A span is held for one access or one copied chunk, never for a
 *   wait, because the protocol thread waits for spans when the guest takes
 *   memory away.
 *
 * All functions return SVMGPU_OK or the reason as enum svmgpu_error. Any
 * thread may call them.
 */

#ifndef GPU_MEMORY_H
#define GPU_MEMORY_H

#include "gpu.h"
#include "qemu-hw/abi/svmgpu_pte.h"
#include "qemu-hw/vfio-user/vfu.h"

#define GPU_PAGE_SHIFT 12
#define GPU_PAGE_BYTES (1u << GPU_PAGE_SHIFT)

typedef enum GpuDirection {
    GPU_READ = VFU_DMA_READ,
    GPU_WRITE = VFU_DMA_WRITE,
    GPU_READ_WRITE = VFU_DMA_RW,
} GpuDirection;

typedef struct GpuSpan {
    void *host;
    VfuServer *server; /* NULL for VRAM, which never goes away */
    VfuDmaMap map;
    bool copy_only; /* on error: guest RAM that only messages reach */
} GpuSpan;

/*
 * Looks `len` bytes at `paddr` up. On success span->host is valid until
 * gpu_memory_end(). VRAM accesses are counted in the pagemap.
 */
enum svmgpu_error gpu_memory_begin(Gpu *gpu, uint64_t paddr, size_t len,
                                   GpuDirection direction, GpuSpan *span);
void gpu_memory_end(GpuSpan *span);

/* Copies; also reach guest RAM that has no file descriptor. */
enum svmgpu_error gpu_memory_read(Gpu *gpu, uint64_t paddr, void *data,
                                  size_t len);
enum svmgpu_error gpu_memory_write(Gpu *gpu, uint64_t paddr, const void *data,
                                   size_t len);

/*
 * Copies within one element of memory semantics: naturally aligned 4 and 8
 * byte accesses are single loads and stores, as fences and polls need.
 */
void gpu_memory_copy(void *to, const void *from, size_t len);

/* One aligned 64-bit page-table entry. */
enum svmgpu_error gpu_memory_load64(Gpu *gpu, uint64_t paddr,
                                    uint64_t *value);
enum svmgpu_error gpu_memory_store64(Gpu *gpu, uint64_t paddr,
                                     uint64_t value);
/* *swapped says whether the entry still held `expected`. */
enum svmgpu_error gpu_memory_cas64(Gpu *gpu, uint64_t paddr,
                                   uint64_t expected, uint64_t value,
                                   bool *swapped);

/* Bytes from `paddr` to the end of its page. */
static inline size_t gpu_page_room(uint64_t address)
{
    return GPU_PAGE_BYTES - (address & (GPU_PAGE_BYTES - 1));
}

#endif /* GPU_MEMORY_H */

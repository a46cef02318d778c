/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory as one GPU sees it: guest RAM, own VRAM, peers' VRAM. */

#include "memory.h"

#include <errno.h>
#include <string.h>

#include "gpu-priv.h"

static enum svmgpu_error vram_begin(Gpu *owner, uint64_t offset, size_t len,
                                    GpuDirection direction, GpuSpan *span)
{
    uint64_t bytes = owner->config->vram_bytes;

    if (offset >= bytes || len > bytes - offset) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    if (gpu_pagemap_is_poisoned(&owner->pagemap, offset, len)) {
        return SVMGPU_ERROR_POISON;
    }
    for (uint64_t page = offset >> GPU_PAGE_SHIFT;
         page <= (offset + len - 1) >> GPU_PAGE_SHIFT; page++) {
        gpu_pagemap_touch(&owner->pagemap, page, direction & GPU_WRITE);
    }
    span->host = owner->vram + offset;
    return SVMGPU_OK;
}

enum svmgpu_error gpu_memory_begin(Gpu *gpu, uint64_t paddr, size_t len,
                                   GpuDirection direction, GpuSpan *span)
{
    uint64_t offset = SVMGPU_PADDR_OFFSET(paddr);
    unsigned peer = SVMGPU_PADDR_PEER(paddr);
    Gpu *owner;

    span->host = NULL;
    span->server = NULL;
    span->copy_only = false;
    if (paddr >> 60 || len == 0) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    switch (SVMGPU_PADDR_APERTURE(paddr)) {
    case SVMGPU_APERTURE_SYSTEM:
        if (peer) {
            return SVMGPU_ERROR_BAD_ADDRESS;
        }
        if (!vfu_dma_map_begin(gpu->vfu, offset, len,
                               (VfuDmaAccess)direction, &span->map)) {
            span->host = NULL;
            span->copy_only = span->map.error == -ENOTSUP;
            return SVMGPU_ERROR_BAD_ADDRESS;
        }
        span->host = span->map.host;
        span->server = gpu->vfu;
        gpu_fabric_charge(gpu->fabric, GPU_PATH_PCIE, len);
        return SVMGPU_OK;
    case SVMGPU_APERTURE_VRAM:
        return peer ? SVMGPU_ERROR_BAD_ADDRESS :
               vram_begin(gpu, offset, len, direction, span);
    case SVMGPU_APERTURE_PEER:
        if (peer == gpu->index) {
            return vram_begin(gpu, offset, len, direction, span);
        }
        if (!gpu_fabric_is_up(gpu->fabric, gpu->index, peer)) {
            return SVMGPU_ERROR_LINK;
        }
        owner = gpu_machine_get(gpu->machine, peer);
        if (!owner || g_atomic_int_get(&owner->unplugged)) {
            return SVMGPU_ERROR_LINK;
        }
        gpu_fabric_charge(gpu->fabric, GPU_PATH_LINK, len);
        return vram_begin(owner, offset, len, direction, span);
    default:
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
}

void gpu_memory_end(GpuSpan *span)
{
    if (span->server) {
        vfu_dma_map_end(span->server, &span->map);
    }
    span->host = NULL;
}

static bool aligned(const void *pointer, size_t len)
{
    return ((uintptr_t)pointer & (len - 1)) == 0;
}

void gpu_memory_copy(void *to, const void *from, size_t len)
{
    if (len == 8) {
        uint64_t value;

        if (aligned(from, len)) {
            value = __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);
        } else {
            memcpy(&value, from, len);
        }
        if (aligned(to, len)) {
            __atomic_store_n((uint64_t *)to, value, __ATOMIC_RELEASE);
        } else {
            memcpy(to, &value, len);
        }
    } else if (len == 4) {
        uint32_t value;

        if (aligned(from, len)) {
            value = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);
        } else {
            memcpy(&value, from, len);
        }
        if (aligned(to, len)) {
            __atomic_store_n((uint32_t *)to, value, __ATOMIC_RELEASE);
        } else {
            memcpy(to, &value, len);
        }
    } else {
        memcpy(to, from, len);
    }
}

enum svmgpu_error gpu_memory_read(Gpu *gpu, uint64_t paddr, void *data,
                                  size_t len)
{
    enum svmgpu_error error;
    GpuSpan span;

    error = gpu_memory_begin(gpu, paddr, len, GPU_READ, &span);
    if (error == SVMGPU_OK) {
        gpu_memory_copy(data, span.host, len);
        gpu_memory_end(&span);
    } else if (span.copy_only &&
               vfu_dma_read(gpu->vfu, SVMGPU_PADDR_OFFSET(paddr), data,
                            len) == 0) {
        error = SVMGPU_OK;
    }
    return error;
}

enum svmgpu_error gpu_memory_write(Gpu *gpu, uint64_t paddr, const void *data,
                                   size_t len)
{
    enum svmgpu_error error;
    GpuSpan span;

    error = gpu_memory_begin(gpu, paddr, len, GPU_WRITE, &span);
    if (error == SVMGPU_OK) {
        gpu_memory_copy(span.host, data, len);
        gpu_memory_end(&span);
    } else if (span.copy_only &&
               vfu_dma_write(gpu->vfu, SVMGPU_PADDR_OFFSET(paddr), data,
                             len) == 0) {
        error = SVMGPU_OK;
    }
    return error;
}

enum svmgpu_error gpu_memory_load64(Gpu *gpu, uint64_t paddr, uint64_t *value)
{
    if (paddr & 7) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    return gpu_memory_read(gpu, paddr, value, sizeof(*value));
}

enum svmgpu_error gpu_memory_store64(Gpu *gpu, uint64_t paddr, uint64_t value)
{
    if (paddr & 7) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    return gpu_memory_write(gpu, paddr, &value, sizeof(value));
}

enum svmgpu_error gpu_memory_cas64(Gpu *gpu, uint64_t paddr,
                                   uint64_t expected, uint64_t value,
                                   bool *swapped)
{
    enum svmgpu_error error;
    GpuSpan span;

    *swapped = false;
    if (paddr & 7) {
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    error = gpu_memory_begin(gpu, paddr, sizeof(value), GPU_READ_WRITE,
                             &span);
    if (error != SVMGPU_OK) {
        return error;
    }
    *swapped = __atomic_compare_exchange_n((uint64_t *)span.host, &expected,
                                           value, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    gpu_memory_end(&span);
    return SVMGPU_OK;
}

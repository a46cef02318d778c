/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DMA calls of device threads.
 */

#include "vfu-internal.h"

#include <errno.h>
#include <string.h>

/* A reader keeps the protocol thread waiting for no more than such a copy. */
#define VFU_DMA_COPY_BYTES (256 * 1024)

/* 0 and the entry, or why `iova` cannot be reached. Between enter and leave. */
static int vfu_dma_lookup(VfuServer *server, const VfuDmaTable *table,
                          uint64_t iova, unsigned access,
                          const VfuDmaEntry **entry)
{
    if (!table->enabled) {
        vfu_count(&server->stats.dma_faults);
        return -EPERM;
    }
    *entry = vfu_dma_table_find(table, iova);
    if (!*entry) {
        vfu_count(&server->stats.dma_faults);
        return -EFAULT;
    }
    if (access & ~(*entry)->region.access) {
        vfu_count(&server->stats.dma_faults);
        return -EACCES;
    }
    return 0;
}

/* Copies a first piece; returns its length or -errno. */
static ssize_t vfu_dma_copy_piece(VfuServer *server, VfuDmaAccess access,
                                  uint64_t iova, uint8_t *buf, size_t len)
{
    unsigned epoch = vfu_dma_space_enter(&server->dma);
    const VfuDmaTable *table = atomic_load(&server->dma.table);
    VfuUpcall *upcall = NULL;
    const VfuDmaEntry *entry;
    uint64_t offset;
    int ret;

    ret = vfu_dma_lookup(server, table, iova, access, &entry);
    if (ret < 0) {
        goto leave;
    }

    offset = iova - entry->region.iova;
    len = MIN(len, entry->region.size - offset);
    if (entry->region.host) {
        uint8_t *host = (uint8_t *)entry->region.host + offset;

        len = MIN(len, VFU_DMA_COPY_BYTES);
        if (access == VFU_DMA_READ) {
            memcpy(buf, host, len);
        } else {
            memcpy(host, buf, len);
        }
        goto leave;
    }

    /* Only this thread could take the reply off the socket. */
    if (g_thread_self() == atomic_load(&server->protocol_thread)) {
        ret = -EDEADLK;
        goto leave;
    }
    len = MIN(len, server->peer_max_xfer);
    upcall = vfu_upcall_begin(
        server, access == VFU_DMA_READ ? VFU_CMD_DMA_READ : VFU_CMD_DMA_WRITE,
        iova, buf, len);
    if (!upcall) {
        ret = -ECANCELED;
    }

leave:
    vfu_dma_space_leave(&server->dma, epoch);
    if (upcall) {
        ret = vfu_upcall_run(server, upcall);
    }
    return ret < 0 ? ret : (ssize_t)len;
}

static int vfu_dma_copy(VfuServer *server, VfuDmaAccess access, uint64_t iova,
                        uint8_t *buf, size_t len)
{
    if (len > 0 && iova + (len - 1) < iova) {
        vfu_count(&server->stats.dma_faults);
        return -EFAULT;
    }
    while (len > 0) {
        ssize_t done = vfu_dma_copy_piece(server, access, iova, buf, len);

        if (done < 0) {
            return done;
        }
        iova += done;
        buf += done;
        len -= done;
    }
    return 0;
}

int vfu_dma_read(VfuServer *server, uint64_t iova, void *buf, size_t len)
{
    return vfu_dma_copy(server, VFU_DMA_READ, iova, buf, len);
}

int vfu_dma_write(VfuServer *server, uint64_t iova, const void *buf, size_t len)
{
    return vfu_dma_copy(server, VFU_DMA_WRITE, iova, (uint8_t *)buf, len);
}

void *vfu_dma_map_begin(VfuServer *server, uint64_t iova, size_t len,
                        VfuDmaAccess access, VfuDmaMap *map)
{
    unsigned epoch = vfu_dma_space_enter(&server->dma);
    const VfuDmaTable *table = atomic_load(&server->dma.table);
    const VfuDmaEntry *entry;

    map->host = NULL;
    map->epoch = epoch;
    map->error = vfu_dma_lookup(server, table, iova, access, &entry);
    if (map->error == 0) {
        uint64_t offset = iova - entry->region.iova;

        if (!entry->region.host || len > entry->region.size - offset) {
            map->error = -ENOTSUP;
        } else {
            map->host = (uint8_t *)entry->region.host + offset;
            return map->host;
        }
    }
    vfu_dma_space_leave(&server->dma, epoch);
    return NULL;
}

void vfu_dma_map_end(VfuServer *server, VfuDmaMap *map)
{
    if (map->host) {
        map->host = NULL;
        vfu_dma_space_leave(&server->dma, map->epoch);
    }
}

bool vfu_dma_is_mapped(VfuServer *server, uint64_t iova, uint64_t len,
                       VfuDmaAccess access)
{
    unsigned epoch = vfu_dma_space_enter(&server->dma);
    const VfuDmaTable *table = atomic_load(&server->dma.table);
    bool mapped = table->enabled && iova + len >= iova;

    while (mapped && len > 0) {
        const VfuDmaEntry *entry = vfu_dma_table_find(table, iova);
        uint64_t n;

        if (!entry || (access & ~entry->region.access)) {
            mapped = false;
            break;
        }
        n = MIN(len, entry->region.size - (iova - entry->region.iova));
        iova += n;
        len -= n;
    }
    vfu_dma_space_leave(&server->dma, epoch);
    return mapped;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest memory that a function may reach.
 *
 * A sorted, immutable table of mappings, replaced as a whole. Readers (device
 * threads) announce themselves in one of two counters and may nest, the
 * writer (the protocol thread) publishes a new table and waits until both
 * counters have been seen empty, in turn, after new readers had been sent to
 * the other one. So a reader costs two atomic additions, never waits, and
 * cannot keep the writer waiting for longer than it holds its own pointer.
 * This is the two-counter scheme of sleepable read-copy-update.
 */

#ifndef VFU_DMA_SPACE_H
#define VFU_DMA_SPACE_H

#include "vfu.h"

#include <stdatomic.h>

typedef struct VfuDmaEntry {
    VfuDmaRegion region;
    void *map; /* what mmap returned; region.host lies within */
    size_t map_len;
} VfuDmaEntry;

typedef struct VfuDmaTable {
    bool enabled; /* bus mastering is on, in D0 */
    size_t n;
    VfuDmaEntry entries[]; /* by iova, without overlap */
} VfuDmaTable;

typedef struct VfuDmaSpace {
    _Atomic(VfuDmaTable *) table;
    atomic_uint epoch;
    struct {
        _Alignas(64) atomic_long n;
    } readers[2];
    atomic_bool draining;
    int wake_fd; /* eventfd, signalled by the last reader while draining */
} VfuDmaSpace;

/* Waits once for wake_fd and for whatever else must go on meanwhile. */
typedef void (*VfuDmaWait)(void *opaque);

void vfu_dma_space_init(VfuDmaSpace *space, int wake_fd);
void vfu_dma_space_clear(VfuDmaSpace *space);
void vfu_dma_space_wake(VfuDmaSpace *space);

static inline unsigned vfu_dma_space_enter(VfuDmaSpace *space)
{
    unsigned epoch = atomic_load(&space->epoch);

    atomic_fetch_add(&space->readers[epoch].n, 1);
    return epoch;
}

static inline void vfu_dma_space_leave(VfuDmaSpace *space, unsigned epoch)
{
    if (atomic_fetch_sub(&space->readers[epoch].n, 1) == 1
        && atomic_load(&space->draining)) {
        vfu_dma_space_wake(space);
    }
}

/* The entry that holds `iova`, or NULL. Between enter and leave. */
const VfuDmaEntry *vfu_dma_table_find(const VfuDmaTable *table, uint64_t iova);

/*
 * Writer side: one thread. Each returns after the last reader of the old
 * table has left.
 */
int vfu_dma_space_add(VfuDmaSpace *space, const VfuDmaRegion *region, int fd,
                      uint64_t fd_offset, VfuDmaRegion *added, VfuDmaWait wait,
                      void *opaque);

/*
 * Takes the mapping with exactly this address and size out of reach and
 * stores it in `removed`, which vfu_dma_entry_release() must be given.
 */
int vfu_dma_space_remove(VfuDmaSpace *space, uint64_t iova, uint64_t size,
                         VfuDmaEntry *removed, VfuDmaWait wait, void *opaque);
/* All mappings at once: a table of them, to be released and g_free()d. */
VfuDmaTable *vfu_dma_space_remove_all(VfuDmaSpace *space, VfuDmaWait wait,
                                      void *opaque);
void vfu_dma_entry_release(VfuDmaEntry *entry);

void vfu_dma_space_set_enabled(VfuDmaSpace *space, bool enabled,
                               VfuDmaWait wait, void *opaque);

#endif /* VFU_DMA_SPACE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest memory that a function may reach: the table and its writer.
 */

#include "vfu-dma-space.h"

#include "vfu-protocol.h"
#include "vfu-sigbus.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static VfuDmaTable *vfu_dma_table_new(size_t n)
{
    VfuDmaTable *table =
        g_malloc0(sizeof(VfuDmaTable) + n * sizeof(VfuDmaEntry));

    table->n = n;
    return table;
}

void vfu_dma_space_init(VfuDmaSpace *space, int wake_fd)
{
    memset(space, 0, sizeof(*space));
    atomic_init(&space->table, vfu_dma_table_new(0));
    space->wake_fd = wake_fd;
}

void vfu_dma_space_clear(VfuDmaSpace *space)
{
    VfuDmaTable *table = atomic_load(&space->table);
    size_t i;

    for (i = 0; i < table->n; i++) {
        vfu_dma_entry_release(&table->entries[i]);
    }
    g_free(table);
}

void vfu_dma_space_wake(VfuDmaSpace *space)
{
    uint64_t one = 1;
    ssize_t ret = write(space->wake_fd, &one, sizeof(one));

    /* A full counter wakes as well. */
    (void)ret;
}

/* The index of the first entry that ends above `iova`. */
static size_t vfu_dma_table_lower(const VfuDmaTable *table, uint64_t iova)
{
    size_t low = 0;
    size_t high = table->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const VfuDmaRegion *region = &table->entries[mid].region;

        if (region->iova + (region->size - 1) < iova) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

const VfuDmaEntry *vfu_dma_table_find(const VfuDmaTable *table, uint64_t iova)
{
    size_t i = vfu_dma_table_lower(table, iova);

    if (i == table->n || table->entries[i].region.iova > iova) {
        return NULL;
    }
    return &table->entries[i];
}

/*
 * A reader that loaded the epoch before a flip may count itself in after the
 * writer has seen that counter empty. It uses the new table, so that this
 * writer need not care, but it sits in a counter that the next writer's first
 * flip leaves alone. Hence two passes: each writer empties both counters.
 */
static VfuDmaTable *vfu_dma_space_exchange(VfuDmaSpace *space,
                                           VfuDmaTable *table, VfuDmaWait wait,
                                           void *opaque)
{
    VfuDmaTable *old = atomic_exchange(&space->table, table);
    unsigned pass;

    for (pass = 0; pass < 2; pass++) {
        unsigned epoch = atomic_load(&space->epoch);

        atomic_store(&space->epoch, !epoch);
        if (atomic_load(&space->readers[epoch].n) == 0) {
            continue;
        }
        atomic_store(&space->draining, true);
        while (atomic_load(&space->readers[epoch].n) != 0) {
            wait(opaque);
        }
        atomic_store(&space->draining, false);
    }
    return old;
}

static void vfu_dma_space_publish(VfuDmaSpace *space, VfuDmaTable *table,
                                  VfuDmaWait wait, void *opaque)
{
    g_free(vfu_dma_space_exchange(space, table, wait, opaque));
}

static int vfu_dma_map_file(VfuDmaEntry *entry, int fd, uint64_t fd_offset)
{
    VfuDmaRegion *region = &entry->region;
    uint64_t page = VFU_PAGE_SIZE;
    int prot = PROT_READ;
    struct statfs fs;
    struct stat st;

    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
        return -EINVAL;
    }
    /* Past the end of the file every access would be a SIGBUS. */
    if (fd_offset + region->size < fd_offset
        || (S_ISREG(st.st_mode)
            && fd_offset + region->size > (uint64_t)st.st_size)) {
        return -EINVAL;
    }
    if (region->access & VFU_DMA_WRITE) {
        prot |= PROT_WRITE;
    }
    /* A file of huge pages is mapped by whole huge pages only. */
    if (fs.f_type == HUGETLBFS_MAGIC) {
        page = fs.f_bsize;
    }
    entry->map_len =
        ((fd_offset & (page - 1)) + region->size + page - 1) & ~(page - 1);
    entry->map = mmap(NULL, entry->map_len, prot, MAP_SHARED, fd,
                      fd_offset & ~(page - 1));
    if (entry->map == MAP_FAILED) {
        entry->map = NULL;
        return -errno;
    }
    /* A core file is about the device; guest memory would swamp it. */
    madvise(entry->map, entry->map_len, MADV_DONTDUMP);
    region->host = (uint8_t *)entry->map + (fd_offset & (page - 1));
    vfu_sigbus_watch(entry->map, entry->map_len, page);
    return 0;
}

int vfu_dma_space_add(VfuDmaSpace *space, const VfuDmaRegion *region, int fd,
                      uint64_t fd_offset, VfuDmaRegion *added, VfuDmaWait wait,
                      void *opaque)
{
    VfuDmaTable *old = atomic_load(&space->table);
    VfuDmaEntry entry = { .region = *region };
    VfuDmaTable *table;
    size_t i;

    if (region->size == 0 || (region->size & (VFU_PAGE_SIZE - 1))
        || (region->iova & (VFU_PAGE_SIZE - 1))
        || (fd_offset & (VFU_PAGE_SIZE - 1))
        || region->iova + (region->size - 1) < region->iova
        || region->size > SIZE_MAX / 2) {
        return -EINVAL;
    }
    if (old->n >= VFU_MAX_DMA_MAPS) {
        return -ENOSPC;
    }
    i = vfu_dma_table_lower(old, region->iova);
    if (i < old->n
        && old->entries[i].region.iova <= region->iova + (region->size - 1)) {
        return -EEXIST;
    }

    entry.region.host = NULL;
    if (fd >= 0) {
        int ret = vfu_dma_map_file(&entry, fd, fd_offset);

        if (ret < 0) {
            return ret;
        }
    }

    table = vfu_dma_table_new(old->n + 1);
    table->enabled = old->enabled;
    memcpy(table->entries, old->entries, i * sizeof(VfuDmaEntry));
    table->entries[i] = entry;
    memcpy(table->entries + i + 1, old->entries + i,
           (old->n - i) * sizeof(VfuDmaEntry));
    *added = entry.region;
    vfu_dma_space_publish(space, table, wait, opaque);
    return 0;
}

int vfu_dma_space_remove(VfuDmaSpace *space, uint64_t iova, uint64_t size,
                         VfuDmaEntry *removed, VfuDmaWait wait, void *opaque)
{
    VfuDmaTable *old = atomic_load(&space->table);
    size_t i = vfu_dma_table_lower(old, iova);
    VfuDmaTable *table;

    if (i == old->n || old->entries[i].region.iova != iova
        || old->entries[i].region.size != size) {
        return -ENOENT;
    }
    table = vfu_dma_table_new(old->n - 1);
    table->enabled = old->enabled;
    memcpy(table->entries, old->entries, i * sizeof(VfuDmaEntry));
    memcpy(table->entries + i, old->entries + i + 1,
           (old->n - i - 1) * sizeof(VfuDmaEntry));
    *removed = old->entries[i];
    vfu_dma_space_publish(space, table, wait, opaque);
    return 0;
}

VfuDmaTable *vfu_dma_space_remove_all(VfuDmaSpace *space, VfuDmaWait wait,
                                      void *opaque)
{
    VfuDmaTable *table = vfu_dma_table_new(0);

    table->enabled = atomic_load(&space->table)->enabled;
    return vfu_dma_space_exchange(space, table, wait, opaque);
}

void vfu_dma_entry_release(VfuDmaEntry *entry)
{
    if (entry->map) {
        vfu_sigbus_unwatch(entry->map);
        munmap(entry->map, entry->map_len);
        entry->map = NULL;
    }
}

void vfu_dma_space_set_enabled(VfuDmaSpace *space, bool enabled,
                               VfuDmaWait wait, void *opaque)
{
    VfuDmaTable *old = atomic_load(&space->table);
    VfuDmaTable *table;

    if (old->enabled == enabled) {
        return;
    }
    table = vfu_dma_table_new(old->n);
    table->enabled = enabled;
    memcpy(table->entries, old->entries, old->n * sizeof(VfuDmaEntry));
    vfu_dma_space_publish(space, table, wait, opaque);
}

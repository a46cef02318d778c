/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pagemap: metadata of each VRAM page. */

#include "pagemap.h"

#include "memory.h"

void gpu_pagemap_init(GpuPagemap *map, void *entries, uint64_t pages)
{
    map->entries = entries;
    map->pages = pages;
    map->poison = g_new0(uint64_t, (pages + 63) / 64);
    map->poisoned = 0;
}

void gpu_pagemap_clear(GpuPagemap *map)
{
    g_clear_pointer(&map->poison, g_free);
    map->entries = NULL;
}

static bool page_poisoned(GpuPagemap *map, uint64_t page)
{
    uint64_t word = __atomic_load_n(&map->poison[page / 64], __ATOMIC_RELAXED);

    return word & 1ull << (page % 64);
}

void gpu_pagemap_reset(GpuPagemap *map)
{
    for (uint64_t page = 0; page < map->pages; page++) {
        struct svmgpu_pagemap_entry *entry = &map->entries[page];

        /* a peer may be counting an access at this moment */
        entry->va = 0;
        entry->asid = 0;
        entry->state = SVMGPU_PAGE_FREE;
        __atomic_store_n(&entry->flags, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->access_count, 0, __ATOMIC_RELAXED);
    }
    if (__atomic_load_n(&map->poisoned, __ATOMIC_RELAXED) == 0) {
        return;
    }
    for (uint64_t page = 0; page < map->pages; page++) {
        if (page_poisoned(map, page)) {
            map->entries[page].state = SVMGPU_PAGE_POISONED;
        }
    }
}

bool gpu_pagemap_set(GpuPagemap *map, uint64_t first, uint64_t pages,
                     uint16_t asid, uint64_t state, uint64_t va)
{
    if (first >= map->pages || pages > map->pages - first ||
        state > SVMGPU_PAGE_MIGRATING) {
        return false;
    }
    for (uint64_t i = 0; i < pages; i++) {
        struct svmgpu_pagemap_entry *entry = &map->entries[first + i];

        if (page_poisoned(map, first + i)) {
            continue;
        }
        entry->va = state == SVMGPU_PAGE_FREE ? 0 : va + i * GPU_PAGE_BYTES;
        entry->asid = state == SVMGPU_PAGE_FREE ? 0 : asid;
        if (state != SVMGPU_PAGE_MIGRATING &&
            (entry->state == SVMGPU_PAGE_FREE || state == SVMGPU_PAGE_FREE)) {
            entry->flags = 0;
            entry->access_count = 0;
        }
        entry->state = state;
    }
    return true;
}

void gpu_pagemap_poison(GpuPagemap *map, uint64_t page, bool poisoned)
{
    uint64_t bit = 1ull << (page % 64);
    uint64_t old;

    if (poisoned) {
        old = __atomic_fetch_or(&map->poison[page / 64], bit,
                                __ATOMIC_SEQ_CST);
        if (!(old & bit)) {
            __atomic_fetch_add(&map->poisoned, 1, __ATOMIC_SEQ_CST);
        }
        map->entries[page].state = SVMGPU_PAGE_POISONED;
    } else {
        old = __atomic_fetch_and(&map->poison[page / 64], ~bit,
                                 __ATOMIC_SEQ_CST);
        if (old & bit) {
            __atomic_fetch_sub(&map->poisoned, 1, __ATOMIC_SEQ_CST);
            map->entries[page].state = SVMGPU_PAGE_FREE;
        }
    }
}

bool gpu_pagemap_is_poisoned(GpuPagemap *map, uint64_t first_byte,
                             uint64_t bytes)
{
    uint64_t last = (first_byte + bytes - 1) >> GPU_PAGE_SHIFT;

    if (__atomic_load_n(&map->poisoned, __ATOMIC_RELAXED) == 0) {
        return false;
    }
    for (uint64_t page = first_byte >> GPU_PAGE_SHIFT; page <= last; page++) {
        if (page_poisoned(map, page)) {
            return true;
        }
    }
    return false;
}

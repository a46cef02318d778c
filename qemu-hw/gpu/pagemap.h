/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pagemap: what the GPU knows about each 4 KiB page of its VRAM.
 *
 * Concepts
 *   The entries (struct svmgpu_pagemap_entry) lie in BAR 4, where the guest
 *   can read them, and scribble on them; nothing here is decided from them.
 *   Owner and state are what the driver told with SVMGPU_CMD_PAGEMAP_SET;
 *   accessed, dirty and the access count come from the engines. Poison is
 *   kept aside, in a bitmap that the guest cannot reach.
 */

#ifndef GPU_PAGEMAP_H
#define GPU_PAGEMAP_H

#include "gpu.h"

typedef struct GpuPagemap {
    struct svmgpu_pagemap_entry *entries;
    uint64_t pages;
    uint64_t *poison;  /* one bit per page */
    int poisoned;      /* pages poisoned; 0 keeps the check cheap */
} GpuPagemap;

void gpu_pagemap_init(GpuPagemap *map, void *entries, uint64_t pages);
void gpu_pagemap_clear(GpuPagemap *map);

/* After a reset: every page free, counters zero; poison stays. */
void gpu_pagemap_reset(GpuPagemap *map);

bool gpu_pagemap_set(GpuPagemap *map, uint64_t first, uint64_t pages,
                     uint16_t asid, uint64_t state, uint64_t va);

void gpu_pagemap_poison(GpuPagemap *map, uint64_t page, bool poisoned);
bool gpu_pagemap_is_poisoned(GpuPagemap *map, uint64_t first_byte,
                             uint64_t bytes);

/*
 * Counts an access. Not atomic: two engines that touch a page in the same
 * instant may count once, which a heat map does not notice.
 */
static inline void gpu_pagemap_touch(GpuPagemap *map, uint64_t page,
                                     bool write)
{
    struct svmgpu_pagemap_entry *entry = &map->entries[page];
    uint32_t count = __atomic_load_n(&entry->access_count, __ATOMIC_RELAXED);
    uint8_t flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED);
    uint8_t wanted = flags | (write ? 3 : 1);

    if (count != UINT32_MAX) {
        __atomic_store_n(&entry->access_count, count + 1, __ATOMIC_RELAXED);
    }
    if (flags != wanted) {
        __atomic_store_n(&entry->flags, wanted, __ATOMIC_RELAXED);
    }
}

#endif /* GPU_PAGEMAP_H */

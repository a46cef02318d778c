/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map from 64-bit keys to 64-bit values: map.h says what for.
 */
#include "map.h"

#include <glib.h>
#include <string.h>

#define MAP_FIRST_SLOTS 64

static size_t map_home(const EventMap *map, uint64_t key)
{
    uint64_t h = key ^ map->seed;

    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    h ^= h >> 33;
    return h & map->mask;
}

void event_map_init(EventMap *map, size_t limit)
{
    map->slots = g_new0(EventMapSlot, MAP_FIRST_SLOTS);
    map->mask = MAP_FIRST_SLOTS - 1;
    map->used = 0;
    map->limit = limit;
    map->seed = ((uint64_t)g_random_int() << 32) | g_random_int();
}

void event_map_clear(EventMap *map)
{
    size_t limit = map->limit;

    event_map_destroy(map);
    event_map_init(map, limit);
}

void event_map_destroy(EventMap *map)
{
    g_clear_pointer(&map->slots, g_free);
}

/* The slot of key, or the free slot where it would go. */
static size_t map_find(const EventMap *map, uint64_t key)
{
    size_t i = map_home(map, key);

    while (map->slots[i].value && map->slots[i].key != key) {
        i = (i + 1) & map->mask;
    }
    return i;
}

uint64_t event_map_get(const EventMap *map, uint64_t key)
{
    return map->slots[map_find(map, key)].value;
}

static void map_grow(EventMap *map)
{
    EventMapSlot *old = map->slots;
    size_t old_slots = map->mask + 1;

    map->slots = g_new0(EventMapSlot, old_slots * 2);
    map->mask = old_slots * 2 - 1;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].value) {
            map->slots[map_find(map, old[i].key)] = old[i];
        }
    }
    g_free(old);
}

bool event_map_put(EventMap *map, uint64_t key, uint64_t value)
{
    size_t i = map_find(map, key);

    if (!map->slots[i].value) {
        if (map->used >= map->limit) {
            return false;
        }
        if ((map->used + 1) * 2 > map->mask + 1) {
            map_grow(map);
            i = map_find(map, key);
        }
        map->used++;
        map->slots[i].key = key;
    }
    map->slots[i].value = value;
    return true;
}

uint64_t event_map_take(EventMap *map, uint64_t key)
{
    size_t hole = map_find(map, key);
    uint64_t value = map->slots[hole].value;
    size_t i = hole;

    if (!value) {
        return 0;
    }
    /* Close the gap: an entry may move back as far as its home. */
    for (;;) {
        size_t home;

        i = (i + 1) & map->mask;
        if (!map->slots[i].value) {
            break;
        }
        home = map_home(map, map->slots[i].key);
        if (((i - home) & map->mask) >= ((i - hole) & map->mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole].value = 0;
    map->used--;
    return value;
}

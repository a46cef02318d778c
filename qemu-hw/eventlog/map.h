/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map from 64-bit keys to 64-bit values other than zero.
 *
 * Open addressing with linear probing; deletion moves the entries behind it
 * back, so there are no tombstones. Keys come from the guest: the hash is
 * seeded at random, and a map refuses to grow beyond its limit, so that a
 * guest can neither provoke long probe sequences nor exhaust memory.
 */
#ifndef EVENTLOG_MAP_H
#define EVENTLOG_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct EventMapSlot {
    uint64_t key;
    uint64_t value; /* 0: free */
} EventMapSlot;

typedef struct EventMap {
    EventMapSlot *slots;
    size_t mask; /* number of slots - 1 */
    size_t used;
    size_t limit; /* entries at most */
    uint64_t seed;
} EventMap;

void event_map_init(EventMap *map, size_t limit);
void event_map_clear(EventMap *map);
void event_map_destroy(EventMap *map);

/* 0 when there is none. */
uint64_t event_map_get(const EventMap *map, uint64_t key);

/* value != 0; false when the map is at its limit. */
bool event_map_put(EventMap *map, uint64_t key, uint64_t value);

/* The value that was there, or 0. */
uint64_t event_map_take(EventMap *map, uint64_t key);

#endif /* EVENTLOG_MAP_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session's records have told about locks: locks.h.
 */
#include "locks.h"

#include <glib.h>
#include <string.h>

/* Reservation locks whose owners are remembered. */
#define MAX_OWNERS (1u << 20)

void event_locks_init(EventLocks *locks)
{
    memset(locks, 0, sizeof(*locks));
    event_map_init(&locks->owner, MAX_OWNERS);
}

void event_locks_destroy(EventLocks *locks)
{
    event_map_destroy(&locks->owner);
    for (unsigned i = 0; i < EVENT_LOCK_CLASSES; i++) {
        g_free(locks->class_name[i]);
    }
}

void event_locks_name_class(EventLocks *locks, unsigned lock_class, char *name)
{
    g_free(locks->class_name[lock_class]);
    locks->class_name[lock_class] = name;
}

const char *event_locks_class_name(const EventLocks *locks,
                                   unsigned lock_class)
{
    return lock_class < EVENT_LOCK_CLASSES ? locks->class_name[lock_class]
                                           : NULL;
}

uint64_t event_locks_owner(const EventLocks *locks, uint32_t lock)
{
    return event_map_get(&locks->owner, lock);
}

void event_locks_set_owner(EventLocks *locks, uint32_t lock, uint64_t owner)
{
    if (owner) {
        event_map_put(&locks->owner, lock, owner);
    } else {
        event_map_take(&locks->owner, lock);
    }
}

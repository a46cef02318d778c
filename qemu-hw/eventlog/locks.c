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

bool event_locks_own(EventLocks *locks, uint32_t lock, uint64_t owner)
{
    uint64_t before = event_map_get(&locks->owner, lock);

    if (!owner || owner == before) {
        return false;
    }
    event_map_put(&locks->owner, lock, owner);
    return before != 0;
}

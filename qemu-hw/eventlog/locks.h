/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session's records have told about locks: the names of their classes,
 * and the owners of reservation locks.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_LOCKS_H
#define EVENTLOG_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"

#define EVENT_LOCK_CLASSES 256

typedef struct EventLocks {
    char *class_name[EVENT_LOCK_CLASSES];
    EventMap owner; /* of a reservation lock: its object or VM */
} EventLocks;

void event_locks_init(EventLocks *locks);
void event_locks_destroy(EventLocks *locks);

/* lock_class < EVENT_LOCK_CLASSES. Takes name. */
void event_locks_name_class(EventLocks *locks, unsigned lock_class,
                            char *name);
/* NULL without a name. */
const char *event_locks_class_name(const EventLocks *locks,
                                   unsigned lock_class);

/* Whose reservation it is, 0 when that is not known. */
uint64_t event_locks_owner(const EventLocks *locks, uint32_t lock);
void event_locks_set_owner(EventLocks *locks, uint32_t lock, uint64_t owner);

#endif /* EVENTLOG_LOCKS_H */

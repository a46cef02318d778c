/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drain: hands the driver's records over to its session, in the order of
 * the guest's clock.
 *
 * The taker (take.h) delivers parcels; within a parcel each ring's records
 * are in order, and here the rings are merged. Records of the last 5 ms
 * before a pass wait for the next parcel, because a ring that was read
 * already may get one that is earlier.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_DRAIN_H
#define EVENTLOG_DRAIN_H

#include "model.h"
#include "take.h"

typedef struct EventDrain EventDrain;

/* `tick` is called now and then within long parcels: time to commit? */
EventDrain *event_drain_new(EventModel *model, unsigned gpu,
                            void (*tick)(void *opaque), void *opaque);
/* Ends the session, if there is one; frees. */
void event_drain_free(EventDrain *drain);

/* The parcel is used up, and is still the caller's. */
void event_drain_parcel(EventDrain *drain, EventParcel *parcel);

bool event_drain_has_session(const EventDrain *drain);

/* Totals over all sessions of this area. */
typedef struct EventDrainStats {
    uint64_t records;
    uint64_t bad;
    uint64_t torn;
    uint64_t lost;
} EventDrainStats;

EventDrainStats event_drain_stats(const EventDrain *drain);

#endif /* EVENTLOG_DRAIN_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drain: takes the driver's records out of a trace area.
 *
 * Concepts
 *   svmgpu_trace.h describes the area and the protocol. The guest can write
 *   anything there at any time, so geometry and positions are private copies,
 *   a record is copied before it is looked at, and whatever does not fit is
 *   counted: bad records and headers, records whose producer never finished
 *   them (torn), records that the driver says it lost, rings that were
 *   overwritten.
 *   One pass takes what is committed from all rings and hands it over in the
 *   order of the guest's clock. Records of the last 5 ms wait for the next
 *   pass, because a ring that was read already may get one that is earlier.
 *   While records come there is a pass every 50 ms. 500 ms without any, and
 *   the drain says in memory that it sleeps, looks once more a pass later,
 *   and then waits for the doorbell.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_DRAIN_H
#define EVENTLOG_DRAIN_H

#include "model.h"

typedef struct EventDrain EventDrain;

typedef enum EventDrainMode {
    EVENT_DRAIN_NORMAL, /* keep the last milliseconds back */
    EVENT_DRAIN_ALL,    /* everything that is committed */
    EVENT_DRAIN_FINAL,  /* everything, and what is torn is given up */
} EventDrainMode;

EventDrain *event_drain_new(EventModel *model, unsigned gpu, void *area,
                            size_t bytes);
/* Ends the session, if there is one; frees. */
void event_drain_free(EventDrain *drain, uint64_t now_ns);

/*
 * The doorbell was rung: a pass is due at once. A session that has begun is
 * known from here on, before any of its records is taken.
 */
void event_drain_wake(EventDrain *drain);

/* When the next pass is due; UINT64_MAX: not before the doorbell. */
uint64_t event_drain_due(const EventDrain *drain);

/* Number of records handed over. */
size_t event_drain_pass(EventDrain *drain, uint64_t now_ns,
                        EventDrainMode mode);

/* Takes what is left, ends the session, makes the area empty. */
void event_drain_reset(EventDrain *drain, uint64_t now_ns);

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

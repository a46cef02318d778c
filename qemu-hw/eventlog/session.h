/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session of a driver: from its load to its unload or the guest's end.
 *
 * Has the records of the trace rings, handed over in the order of their time,
 * translated into things, intervals and points (translate.h). Owns what is
 * valid for a session only: the keys of driver objects, the mapping of the
 * guest's clock, and what is known of locks.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_SESSION_H
#define EVENTLOG_SESSION_H

#include "clock.h"
#include "locks.h"
#include "model.h"
#include "svmgpu_trace.h"
#include "timeline.h"

typedef struct EventSession {
    EventModel *model;
    EventScope scope;
    EventTimeline timeline;
    EventLocks locks;
    uint64_t key;
    uint64_t records;
    uint64_t bad;
    uint64_t torn;
} EventSession;

EventSession *event_session_new(EventModel *model, uint64_t key,
                                uint64_t now_ns, unsigned gpu,
                                unsigned rings, unsigned ring_records,
                                const char *driver, const char *kernel);

/* The session is over at now_ns: what is open is cut. Frees. */
void event_session_end(EventSession *session, uint64_t now_ns);

/* The guest's clock, as far as it is known. */
const EventClock *event_session_clock(const EventSession *session);

/*
 * One record; type is the type that was committed (rec->tag is not looked
 * at), cpu the number of its ring. Counts what it refuses.
 */
void event_session_record(EventSession *session, unsigned type, unsigned cpu,
                          const struct svmgpu_trace_record *rec,
                          uint64_t now_ns);

void event_session_lost(EventSession *session, EventLostSource source,
                        unsigned ring, uint64_t first_ns, uint64_t last_ns,
                        uint64_t count);

#endif /* EVENTLOG_SESSION_H */

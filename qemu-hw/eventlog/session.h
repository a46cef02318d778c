/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session of a driver: from its load to its unload or the guest's end.
 *
 * Turns the records of the trace rings, handed over in the order of their
 * time, into things, intervals and points. Owns what is valid for a session
 * only: the keys of driver objects and the mapping of the guest's clock.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_SESSION_H
#define EVENTLOG_SESSION_H

#include "clock.h"
#include "model.h"
#include "svmgpu_trace.h"

typedef struct EventSession {
    EventModel *model;
    EventScope scope;
    EventClock clock;
    uint64_t key;
    uint64_t records;
    int64_t latest_t; /* log time of the latest record so far */
    uint64_t bad;
    uint64_t torn;
    char *class_name[256];
    EventMap lock_owner; /* of a reservation lock: its object or VM */
} EventSession;

EventSession *event_session_new(EventModel *model, uint64_t key,
                                uint64_t now_ns, unsigned gpu,
                                unsigned rings, unsigned ring_records,
                                const char *driver, const char *kernel);

/* The session is over at now_ns: what is open is cut. Frees. */
void event_session_end(EventSession *session, uint64_t now_ns);

/* Device time of a guest time, as far as it is known. */
uint64_t event_session_device_ns(const EventSession *session,
                                 uint64_t guest_ns);

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

/* Key of an open fault in the device's scope. */
static inline uint64_t event_fault_key(unsigned gpu, uint64_t fault)
{
    return ((uint64_t)gpu << 48) ^ fault;
}

#endif /* EVENTLOG_SESSION_H */

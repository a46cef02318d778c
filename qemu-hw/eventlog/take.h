/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the driver's records out of trace areas.
 *
 * Concepts
 *   svmgpu_trace.h describes the area and the protocol. The guest can write
 *   anything there at any time, so geometry and positions are private copies,
 *   a record is copied before it is looked at, and whatever does not fit is
 *   counted: bad headers, records whose producer never finished them (torn),
 *   records that the driver says it lost, rings that were overwritten.
 *   A thread of its own does it, so that the rings are emptied in time even
 *   while the writer waits for the disk. What it takes goes to the writer in
 *   parcels, in order: a session begins, records, a session ends.
 *   While records come there is a pass every 50 ms. 500 ms without any, and
 *   the taker says in memory that it sleeps, looks once more a pass later,
 *   and then waits for the doorbell.
 */
#ifndef EVENTLOG_TAKE_H
#define EVENTLOG_TAKE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "svmgpu_trace.h"

typedef struct EventTaker EventTaker; /* the thread */
typedef struct EventArea EventArea;   /* one trace area */

typedef struct EventRecord {
    struct svmgpu_trace_record rec;
    uint16_t type;
    uint16_t cpu;
} EventRecord;

/* A part of a parcel's records that is in the order of time. */
typedef struct EventRecordRun {
    guint next;
    guint end;
} EventRecordRun;

typedef struct EventRecordLoss {
    unsigned ring;
    bool overwritten; /* else: as the driver counted; times are its clock */
    uint64_t first_ns;
    uint64_t last_ns;
    uint64_t count;
} EventRecordLoss;

typedef enum EventParcelKind {
    EVENT_PARCEL_BEGIN,   /* a session: header */
    EVENT_PARCEL_RECORDS, /* what one pass found; may be empty */
    EVENT_PARCEL_END,     /* the session is over */
    EVENT_PARCEL_REFUSED, /* a header that makes no sense: why */
} EventParcelKind;

typedef struct EventParcel {
    EventParcelKind kind;
    uint64_t now_ns; /* when the pass began */
    struct svmgpu_trace_header header;
    const char *why;
    bool all;        /* nothing is to be held back for the next parcel */
    GArray *records; /* EventRecord */
    GArray *runs;    /* EventRecordRun */
    GArray *losses;  /* EventRecordLoss */
    uint64_t torn;
    uint64_t bad;
} EventParcel;

/*
 * `deliver` is called on the taker's thread, with `opaque` and the area's own
 * `tag`; it owns the parcel from then on. in_flight: records in parcels that
 * the writer has not taken yet; beyond a bound the taker leaves records where
 * they are.
 */
typedef void EventDeliver(void *opaque, void *tag, EventParcel *parcel);

EventTaker *event_taker_new(EventDeliver *deliver, void *opaque);
/* Joins the thread, takes everything a last time, ends all sessions. */
void event_taker_stop(EventTaker *taker);
/* After event_taker_stop(), when every parcel is used up. */
void event_taker_free(EventTaker *taker);

EventArea *event_taker_add(EventTaker *taker, void *area, size_t bytes,
                           void *tag);
/* The doorbell was rung; any thread, takes no lock. */
void event_taker_kick(EventTaker *taker, EventArea *area);

typedef enum EventTakerRequest {
    EVENT_TAKE_NOTHING,
    EVENT_TAKE_ALL,    /* a pass now, nothing held back */
    EVENT_TAKE_RESET,  /* take what is left, end the session, empty area */
    EVENT_TAKE_REMOVE, /* the same, and forget the area */
} EventTakerRequest;

/* area NULL: of every area. Returns when it is done and delivered. */
void event_taker_request(EventTaker *taker, EventArea *area,
                         EventTakerRequest request);

/* The writer has used up a parcel. */
void event_taker_consumed(EventTaker *taker, EventParcel *parcel);

#endif /* EVENTLOG_TAKE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drain: parcels of records to the session. drain.h.
 */
#include "drain.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "session.h"

#define NS_PER_MS 1000000ULL
/* Records younger than this wait for the next parcel: longer than a virtual
 * CPU is likely to be stopped between taking the time and committing. */
#define HOLD_NS (5 * NS_PER_MS)
/* A time stamp this far ahead is wild: it does not hold anything back. */
#define WILD_NS (1000 * NS_PER_MS)
/* More runs than this are sorted, not merged. */
#define MERGE_RUNS 16
/* Records between two ticks. */
#define TICK_RECORDS 4096

struct EventDrain {
    EventModel *model;
    unsigned gpu;
    void (*tick)(void *opaque);
    void *opaque;
    EventSession *session;
    GArray *held;  /* EventRecord: kept back by the parcel before */
    GArray *spare; /* what held was */
    EventDrainStats past; /* of sessions that are over */
    uint64_t lost;
};

EventDrain *event_drain_new(EventModel *model, unsigned gpu,
                            void (*tick)(void *opaque), void *opaque)
{
    EventDrain *drain = g_new0(EventDrain, 1);

    drain->model = model;
    drain->gpu = gpu;
    drain->tick = tick;
    drain->opaque = opaque;
    drain->held = g_array_new(FALSE, FALSE, sizeof(EventRecord));
    drain->spare = g_array_new(FALSE, FALSE, sizeof(EventRecord));
    return drain;
}

bool event_drain_has_session(const EventDrain *drain)
{
    return drain->session != NULL;
}

EventDrainStats event_drain_stats(const EventDrain *drain)
{
    EventDrainStats stats = drain->past;

    stats.lost = drain->lost;
    if (drain->session) {
        stats.records += drain->session->records;
        stats.bad += drain->session->bad;
        stats.torn += drain->session->torn;
    }
    return stats;
}

/* --- sessions ------------------------------------------------------------------ */

static void drain_refused(EventDrain *drain, const EventParcel *parcel)
{
    EventStore *store = event_model_store(drain->model);
    int64_t t = event_store_time(store, parcel->now_ns);
    EventPoint row;

    event_point_init(&row, EVENTLOG_INPUT_REJECTED, t, EVENT_CLOCK_DEVICE);
    row.thing_id = event_model_gpu(drain->model, drain->gpu, t);
    row.gpu = drain->gpu;
    row.text = g_strdup(parcel->why);
    event_store_point(store, &row);
}

static void drain_end_session(EventDrain *drain, uint64_t now_ns)
{
    EventSession *session = g_steal_pointer(&drain->session);

    if (!session) {
        return;
    }
    drain->past.records += session->records;
    drain->past.bad += session->bad;
    drain->past.torn += session->torn;
    if (session->bad) {
        event_session_lost(session, EVENT_LOST_BAD_RECORDS, 0, now_ns, now_ns,
                           session->bad);
    }
    if (session->torn) {
        event_session_lost(session, EVENT_LOST_TORN_RECORDS, 0, now_ns,
                           now_ns, session->torn);
    }
    event_session_end(session, now_ns);
}

static void drain_begin_session(EventDrain *drain, const EventParcel *parcel)
{
    const struct svmgpu_trace_header *h = &parcel->header;
    g_autofree char *driver = event_model_text(h->driver, sizeof(h->driver));
    g_autofree char *kernel = event_model_text(h->kernel, sizeof(h->kernel));

    drain_end_session(drain, parcel->now_ns);
    drain->session = event_session_new(drain->model, h->session,
                                       parcel->now_ns, drain->gpu,
                                       h->ring_count, h->ring_records, driver,
                                       kernel);
}

void event_drain_free(EventDrain *drain)
{
    drain_end_session(drain, eventlog_now_ns());
    g_array_unref(drain->held);
    g_array_unref(drain->spare);
    g_free(drain);
}

/* --- handing over ---------------------------------------------------------------- */

typedef struct Source {
    const EventRecord *next;
    const EventRecord *end;
} Source;

static int record_compare(const void *a, const void *b)
{
    const EventRecord *ra = a;
    const EventRecord *rb = b;

    return ra->rec.ts_ns < rb->rec.ts_ns ? -1 : ra->rec.ts_ns > rb->rec.ts_ns;
}

static void drain_hand_over(EventDrain *drain, const EventRecord *record,
                            uint64_t horizon, uint64_t now_ns)
{
    if (record->rec.ts_ns > horizon &&
        record->rec.ts_ns - horizon < WILD_NS) {
        g_array_append_vals(drain->held, record, 1);
        return;
    }
    event_session_record(drain->session, record->type, record->cpu,
                         &record->rec, now_ns);
}

static void drain_merge(EventDrain *drain, Source *source, unsigned n,
                        uint64_t horizon)
{
    /* Nothing that was read has happened after this. */
    const uint64_t now_ns = eventlog_now_ns();
    unsigned since = 0;

    while (n) {
        unsigned first = 0;

        if (++since == TICK_RECORDS) {
            drain->tick(drain->opaque);
            since = 0;
        }
        for (unsigned i = 1; i < n; i++) {
            if (source[i].next->rec.ts_ns < source[first].next->rec.ts_ns) {
                first = i;
            }
        }
        drain_hand_over(drain, source[first].next, horizon, now_ns);
        if (++source[first].next == source[first].end) {
            source[first] = source[--n];
        }
    }
}

/* The first clock sample serves the records before it too. */
static void drain_find_clock(EventDrain *drain, EventParcel *parcel)
{
    EventSession *session = drain->session;
    const EventClock *clock = event_session_clock(session);

    for (guint i = 0;
         i < parcel->records->len && !event_clock_is_known(clock); i++) {
        EventRecord *record = &g_array_index(parcel->records, EventRecord, i);

        if (record->type == SVMGPU_TRACE_CLOCK_SAMPLED) {
            event_session_record(session, record->type, record->cpu,
                                 &record->rec, eventlog_now_ns());
            /* Not once more in its turn; nothing has type 0. */
            record->type = SVMGPU_TRACE_NONE;
        }
    }
}

static void drain_losses(EventDrain *drain, const EventParcel *parcel)
{
    EventSession *session = drain->session;
    const EventClock *clock = event_session_clock(session);
    uint64_t now = parcel->now_ns;

    for (guint i = 0; i < parcel->losses->len; i++) {
        EventRecordLoss *loss =
            &g_array_index(parcel->losses, EventRecordLoss, i);

        drain->lost += loss->count;
        if (loss->overwritten || !event_clock_is_known(clock)) {
            event_session_lost(session,
                               loss->overwritten ?
                                   EVENT_LOST_OVERWRITTEN_RINGS :
                                   EVENT_LOST_DRIVER_RING,
                               loss->ring, now, now, loss->count);
        } else {
            event_session_lost(
                session, EVENT_LOST_DRIVER_RING, loss->ring,
                MIN(event_clock_map(clock, loss->first_ns), now),
                MIN(event_clock_map(clock, loss->last_ns), now),
                loss->count);
        }
    }
    session->torn += parcel->torn;
    session->bad += parcel->bad;
}

static void drain_records(EventDrain *drain, EventParcel *parcel)
{
    Source source[MERGE_RUNS + 1];
    const EventClock *clock = event_session_clock(drain->session);
    uint64_t horizon = UINT64_MAX;
    GArray *before = drain->held;
    unsigned n = 0;

    /* What was held back comes first; the arrays change places. */
    drain->held = drain->spare;
    drain->spare = before;
    if (before->len) {
        source[n].next = (EventRecord *)before->data;
        source[n].end = source[n].next + before->len;
        n++;
    }
    if (!event_clock_is_known(clock)) {
        drain_find_clock(drain, parcel);
    }
    if (!parcel->all && event_clock_is_known(clock)) {
        horizon = event_clock_unmap(clock, parcel->now_ns);
        horizon -= MIN(horizon, HOLD_NS);
    }
    if (parcel->runs->len > MERGE_RUNS) {
        qsort(parcel->records->data, parcel->records->len,
              sizeof(EventRecord), record_compare);
        g_array_set_size(parcel->runs, 1);
        g_array_index(parcel->runs, EventRecordRun, 0) =
            (EventRecordRun) { .next = 0, .end = parcel->records->len };
    }
    for (guint i = 0; i < parcel->runs->len; i++) {
        EventRecordRun *run = &g_array_index(parcel->runs, EventRecordRun, i);

        source[n].next = (EventRecord *)parcel->records->data + run->next;
        source[n].end = (EventRecord *)parcel->records->data + run->end;
        n++;
    }
    drain_merge(drain, source, n, horizon);
    g_array_set_size(before, 0);
    drain_losses(drain, parcel);
}

void event_drain_parcel(EventDrain *drain, EventParcel *parcel)
{
    switch (parcel->kind) {
    case EVENT_PARCEL_BEGIN:
        drain_begin_session(drain, parcel);
        break;
    case EVENT_PARCEL_RECORDS:
        if (drain->session) {
            drain_records(drain, parcel);
        }
        break;
    case EVENT_PARCEL_END:
        drain_end_session(drain, parcel->now_ns);
        break;
    case EVENT_PARCEL_REFUSED:
        drain_refused(drain, parcel);
        break;
    }
}

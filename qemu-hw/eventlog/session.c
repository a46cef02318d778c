/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One session of a driver: session.h.
 */
#include "session.h"

#include <glib.h>

#include "translate.h"

EventSession *event_session_new(EventModel *model, uint64_t key,
                                uint64_t now_ns, unsigned gpu,
                                unsigned rings, unsigned ring_records,
                                const char *driver, const char *kernel)
{
    EventStore *store = event_model_store(model);
    EventSession *session = g_new0(EventSession, 1);
    int64_t id = event_store_session(store, key,
                                     event_store_time(store, now_ns), gpu,
                                     rings, ring_records, driver, kernel);

    session->model = model;
    session->key = key;
    event_scope_init(&session->scope, id);
    event_timeline_init(&session->timeline, store, id);
    event_locks_init(&session->locks);
    return session;
}

void event_session_end(EventSession *session, uint64_t now_ns)
{
    EventStore *store = event_model_store(session->model);
    int64_t t = event_store_time(store, now_ns);

    event_model_cut_scope(session->model, &session->scope, t);
    event_store_things_gone(store, session->scope.session_id, t);
    event_store_session_update(store, session->scope.session_id, t,
                               session->records, session->bad, session->torn);
    event_locks_destroy(&session->locks);
    event_scope_destroy(&session->scope);
    g_free(session);
}

const EventClock *event_session_clock(const EventSession *session)
{
    return &session->timeline.clock;
}

static bool session_translate(EventSession *session, unsigned type,
                              unsigned cpu,
                              const struct svmgpu_trace_record *rec,
                              uint64_t now_ns)
{
    EventContext ctx = {
        .model = session->model,
        .scope = &session->scope,
        .timeline = &session->timeline,
        .locks = &session->locks,
        .rec = rec,
        .type = type,
        .cpu = cpu,
        .t = event_timeline_time(&session->timeline, rec->ts_ns, now_ns),
    };
    bool taken = event_translate(&ctx);

    event_timeline_passed(&session->timeline, ctx.t);
    return taken;
}

void event_session_record(EventSession *session, unsigned type, unsigned cpu,
                          const struct svmgpu_trace_record *rec,
                          uint64_t now_ns)
{
    bool taken;

    if (type == SVMGPU_TRACE_NONE) {
        return; /* was served out of turn */
    }
    session->records++;
    if (type == SVMGPU_TRACE_CLOCK_SAMPLED) {
        taken = event_timeline_sample(&session->timeline, &rec->clock, now_ns);
    } else {
        taken = session_translate(session, type, cpu, rec, now_ns);
    }
    session->bad += !taken;
}

void event_session_lost(EventSession *session, EventLostSource source,
                        unsigned ring, uint64_t first_ns, uint64_t last_ns,
                        uint64_t count)
{
    EventStore *store = event_model_store(session->model);

    event_store_lost(store, session->scope.session_id, source, ring,
                     event_store_time(store, first_ns),
                     event_store_time(store, last_ns), count);
}

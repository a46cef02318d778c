/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a session's records lie in the time of the log: timeline.h.
 */
#include "timeline.h"

#include <glib.h>

/* Without a clock sample the mapping is a guess, wrong by up to this. */
#define GUESS_ERROR_NS 1000000000ULL

void event_timeline_init(EventTimeline *timeline, EventStore *store,
                         int64_t session_id)
{
    *timeline = (EventTimeline){
        .store = store,
        .session_id = session_id,
    };
    event_clock_init(&timeline->clock);
}

static EventClockPiece *newest_piece(EventTimeline *timeline)
{
    EventClock *clock = &timeline->clock;

    return clock->pieces ? &clock->piece[clock->pieces - 1] : NULL;
}

/* The newest piece of the map gets its row. */
static void store_piece(EventTimeline *timeline)
{
    EventClockPiece *piece = newest_piece(timeline);

    if (piece->row) {
        return; /* bent within its first nanosecond: the row stands */
    }
    piece->row = event_store_clock(
        timeline->store, timeline->session_id, piece->guest_ns,
        event_store_time(timeline->store, piece->device_ns), piece->rate_ppb,
        piece->error_ns);
}

bool event_timeline_sample(EventTimeline *timeline,
                           const struct svmgpu_trace_clock *sample,
                           uint64_t now_ns)
{
    const EventClockPiece *before = newest_piece(timeline);
    int64_t row = before ? before->row : 0;
    uint64_t error;

    if (!event_clock_sample(&timeline->clock, sample->guest_before_ns,
                            sample->device_ns, sample->guest_after_ns,
                            now_ns, &error)) {
        return false;
    }
    /* What the map before was wrong by is known only now. */
    if (row && error) {
        event_store_clock_error(timeline->store, row, error);
    }
    store_piece(timeline);
    return true;
}

int64_t event_timeline_time(EventTimeline *timeline, uint64_t guest_ns,
                            uint64_t now_ns)
{
    if (!event_clock_is_known(&timeline->clock)) {
        event_clock_guess(&timeline->clock, guest_ns, now_ns, GUESS_ERROR_NS);
        store_piece(timeline);
    }
    /* Nothing that was read has happened in the future. */
    return event_store_time(
        timeline->store,
        MIN(event_clock_map(&timeline->clock, guest_ns), now_ns));
}

int64_t event_timeline_not_before(EventTimeline *timeline, uint64_t guest_ns,
                                  int64_t t, int64_t cause)
{
    if (t >= cause) {
        return t;
    }
    if (event_clock_not_before(&timeline->clock, guest_ns,
                               event_store_device_time(timeline->store,
                                                       cause))) {
        store_piece(timeline);
    }
    return cause;
}

int64_t event_timeline_not_after(EventTimeline *timeline, uint64_t guest_ns,
                                 int64_t t, int64_t effect)
{
    if (t <= effect) {
        return t;
    }
    /*
     * The guest's own order comes first: what it did before this must not seem
     * to have happened later. What is left over is within the stored error.
     */
    effect = MAX(effect, MIN(timeline->latest_t, t));
    if (event_clock_not_after(&timeline->clock, guest_ns,
                              event_store_device_time(timeline->store,
                                                      effect))) {
        store_piece(timeline);
    }
    return effect;
}

void event_timeline_passed(EventTimeline *timeline, int64_t t)
{
    timeline->latest_t = MAX(timeline->latest_t, t);
}

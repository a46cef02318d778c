/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a session's records lie in the time of the log.
 *
 * The guest's clock is mapped to the device's (clock.h); every piece of the
 * map is a row of the log, with what it may be wrong by. Until the driver has
 * sent a sample the mapping is a guess.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_TIMELINE_H
#define EVENTLOG_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "store.h"
#include "svmgpu_trace.h"

typedef struct EventTimeline {
    EventStore *store;
    int64_t session_id;
    EventClock clock;
    int64_t latest_t; /* log time of the latest record so far */
} EventTimeline;

void event_timeline_init(EventTimeline *timeline, EventStore *store,
                         int64_t session_id);

/* A sample of both clocks, read at device time now_ns. False: not possible. */
bool event_timeline_sample(EventTimeline *timeline,
                           const struct svmgpu_trace_clock *sample,
                           uint64_t now_ns);

/* Log time of a record that was read at device time now_ns. */
int64_t event_timeline_time(EventTimeline *timeline, uint64_t guest_ns,
                            uint64_t now_ns);

/*
 * The record of guest_ns has log time t, and tells what the driver saw of the
 * device's act at log time cause: t is no earlier. Returns its log time.
 */
int64_t event_timeline_not_before(EventTimeline *timeline, uint64_t guest_ns,
                                  int64_t t, int64_t cause);

/* It tells of an act that the device saw at log time effect: t is no later. */
int64_t event_timeline_not_after(EventTimeline *timeline, uint64_t guest_ns,
                                 int64_t t, int64_t effect);

/* The record of log time t is done with. */
void event_timeline_passed(EventTimeline *timeline, int64_t t);

#endif /* EVENTLOG_TIMELINE_H */

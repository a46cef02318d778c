/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Level of detail: how many short intervals and points begin in each bucket
 * of each lane, and how long intervals cover it, at five bucket widths.
 *
 * Sums are kept in memory for two buckets per lane, kind and level (events
 * come nearly in time order) and handed out as differences: when a bucket
 * makes room for another one, and at every commit.
 */
#ifndef EVENTLOG_DENSITY_H
#define EVENTLOG_DENSITY_H

#include <stdint.h>

#define EVENT_DENSITY_LEVELS 5
/* Bucket width of a level: 2^(22 + 4 level) ns. */
#define EVENT_DENSITY_SHIFT(level) (22 + 4 * (level))
/* An interval longer than this is not counted: the reader draws it itself. */
#define EVENT_DENSITY_SHORT_NS (1 << 26)
#define EVENT_DENSITY_POINT 65536

typedef struct EventDensity EventDensity;

typedef void EventDensitySink(void *opaque, int64_t thing_id, unsigned level,
                              int64_t bucket, int64_t kind, int64_t count,
                              int64_t busy_ns);

EventDensity *event_density_new(EventDensitySink *sink, void *opaque);
void event_density_free(EventDensity *density);

/* An interval that ended, short or not; a point has t0 == t1. */
void event_density_add(EventDensity *density, int64_t thing_id, int64_t kind,
                       int64_t t0, int64_t t1);

/* Hands out all differences. */
void event_density_flush(EventDensity *density);

#endif /* EVENTLOG_DENSITY_H */

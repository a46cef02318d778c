/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapping from the guest's clock to the device's.
 *
 * Concepts
 *   A sample is what the driver records when it reads the device's time
 *   register between two readings of its own clock: the device's value
 *   belongs to an unknown moment between the two, so half their distance
 *   bounds the error. The map is a list of pieces; each begins at a guest
 *   time and is a straight line from there. A new sample begins a new piece,
 *   whose slope comes from the samples of the last seconds.
 *   The map never decreases, so guest order is kept. Known causes bend it:
 *   event_clock_not_before() makes it pass above a point, so that an effect
 *   that the driver saw never lies before the device's cause.
 *   Everything here is arithmetic on untrusted numbers: nothing overflows,
 *   and samples that cannot be true are refused.
 */
#ifndef EVENTLOG_CLOCK_H
#define EVENTLOG_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_CLOCK_PIECES 32
#define EVENT_CLOCK_ANCHORS 16

typedef struct EventClockPiece {
    uint64_t guest_ns;
    int64_t device_ns;
    int64_t rate_ppb; /* device runs faster by this */
    uint64_t error_ns;
    int64_t row; /* of the table clock_sample, or 0 */
} EventClockPiece;

typedef struct EventClock {
    EventClockPiece piece[EVENT_CLOCK_PIECES]; /* oldest first */
    unsigned pieces;
    /* mid-points of accepted samples, for the slope; oldest first */
    struct {
        uint64_t guest_ns;
        uint64_t device_ns;
    } anchor[EVENT_CLOCK_ANCHORS];
    unsigned anchors;
} EventClock;

void event_clock_init(EventClock *clock);

static inline bool event_clock_is_known(const EventClock *clock)
{
    return clock->pieces > 0;
}

/*
 * A sample: guest clock, device clock, guest clock. `now_ns` is the device
 * clock now. False when it cannot be true. *previous_error: what the map
 * before it was wrong by at most (the bound of the piece that ends here).
 */
bool event_clock_sample(EventClock *clock, uint64_t guest_before_ns,
                        uint64_t device_ns, uint64_t guest_after_ns,
                        uint64_t now_ns, uint64_t *previous_error);

/* Without any sample: guest_ns was now, wrong by at most error_ns. */
void event_clock_guess(EventClock *clock, uint64_t guest_ns, uint64_t now_ns,
                       uint64_t error_ns);

/* Device time of a guest time; the first or last piece serves beyond. */
uint64_t event_clock_map(const EventClock *clock, uint64_t guest_ns);

/* Guest time of a device time near the end of the map. */
uint64_t event_clock_unmap(const EventClock *clock, uint64_t device_ns);

/*
 * The guest saw at guest_ns what the device did at device_ns. True when the
 * map had to be bent (a piece was added).
 */
bool event_clock_not_before(EventClock *clock, uint64_t guest_ns,
                            uint64_t device_ns);

/* The guest did at guest_ns what the device saw at device_ns. */
bool event_clock_not_after(EventClock *clock, uint64_t guest_ns,
                           uint64_t device_ns);

/* The piece that serves a guest time. */
const EventClockPiece *event_clock_piece(const EventClock *clock,
                                         uint64_t guest_ns);

#endif /* EVENTLOG_CLOCK_H */

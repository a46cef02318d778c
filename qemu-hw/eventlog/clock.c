/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapping from the guest's clock to the device's: clock.h.
 */
#include "clock.h"

#include <string.h>

#define NS_PER_S 1000000000LL
/* Two readings of the guest's clock this far apart say nothing. */
#define MAX_SAMPLE_NS (1 * NS_PER_S)
/* A guest's clock that is off by more is not a clock. */
#define MAX_RATE_PPB 20000000LL
/* How much less steep the map may get to wait for the samples. */
#define MAX_CATCH_UP_PPB 500000000ULL
/* The slope is taken over at least this long. */
#define MIN_BASE_NS (NS_PER_S / 5)

void event_clock_init(EventClock *clock)
{
    memset(clock, 0, sizeof(*clock));
}

/* d * rate / 1e9 for any d, without overflow. */
static int64_t scaled(int64_t d, int64_t rate_ppb)
{
    return (int64_t)((__int128)d * rate_ppb / NS_PER_S);
}

#define MIN(a, b) ((a) < (b) ? (a) : (b))

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static uint64_t piece_map(const EventClockPiece *piece, uint64_t guest_ns)
{
    __int128 d = (__int128)guest_ns - piece->guest_ns;
    __int128 t;

    /* Beyond 100 years either way the result is clamped anyway. */
    d = d > INT64_MAX / 4 ? INT64_MAX / 4 : d;
    d = d < INT64_MIN / 4 ? INT64_MIN / 4 : d;
    t = (__int128)piece->device_ns + d + scaled(d, piece->rate_ppb);
    return t < 0 ? 0 : t > INT64_MAX ? INT64_MAX : (uint64_t)t;
}

const EventClockPiece *event_clock_piece(const EventClock *clock,
                                         uint64_t guest_ns)
{
    unsigned i = clock->pieces - 1;

    while (i > 0 && guest_ns < clock->piece[i].guest_ns) {
        i--;
    }
    return &clock->piece[i];
}

uint64_t event_clock_map(const EventClock *clock, uint64_t guest_ns)
{
    const EventClockPiece *piece = event_clock_piece(clock, guest_ns);
    const EventClockPiece *next = piece + 1;
    uint64_t t = piece_map(piece, guest_ns);

    /* Never beyond the beginning of the next piece: the map is monotone. */
    if (next < clock->piece + clock->pieces &&
        guest_ns >= piece->guest_ns && t > (uint64_t)next->device_ns) {
        t = next->device_ns;
    }
    return t;
}

uint64_t event_clock_unmap(const EventClock *clock, uint64_t device_ns)
{
    const EventClockPiece *piece = &clock->piece[clock->pieces - 1];
    __int128 d = (__int128)device_ns - piece->device_ns;
    __int128 g;

    d = d > INT64_MAX / 4 ? INT64_MAX / 4 : d;
    d = d < INT64_MIN / 4 ? INT64_MIN / 4 : d;
    g = (__int128)piece->guest_ns + d - scaled(d, piece->rate_ppb);
    return g < 0 ? 0 : g > INT64_MAX ? INT64_MAX : (uint64_t)g;
}

static EventClockPiece *clock_append(EventClock *clock, uint64_t guest_ns,
                                     uint64_t device_ns, int64_t rate_ppb,
                                     uint64_t error_ns)
{
    EventClockPiece *piece;

    if (clock->pieces == EVENT_CLOCK_PIECES) {
        memmove(&clock->piece[0], &clock->piece[1],
                sizeof(clock->piece[0]) * (EVENT_CLOCK_PIECES - 1));
        clock->pieces--;
    }
    piece = &clock->piece[clock->pieces++];
    piece->guest_ns = guest_ns;
    piece->device_ns = device_ns > INT64_MAX ? INT64_MAX : device_ns;
    piece->rate_ppb = rate_ppb;
    piece->error_ns = error_ns;
    piece->row = 0;
    return piece;
}

static int64_t clock_slope(const EventClock *clock)
{
    const unsigned last = clock->anchors - 1;

    for (unsigned i = 0; i < last; i++) {
        int64_t dg = clock->anchor[last].guest_ns - clock->anchor[i].guest_ns;
        int64_t dd = clock->anchor[last].device_ns -
                     clock->anchor[i].device_ns;

        if (dg >= MIN_BASE_NS) {
            return clamp((int64_t)((__int128)(dd - dg) * NS_PER_S / dg),
                         -MAX_RATE_PPB, MAX_RATE_PPB);
        }
        break;
    }
    return 0;
}

bool event_clock_sample(EventClock *clock, uint64_t guest_before_ns,
                        uint64_t device_ns, uint64_t guest_after_ns,
                        uint64_t now_ns, uint64_t *previous_error)
{
    uint64_t half, mid, error, ahead = 0;

    *previous_error = 0;
    if (guest_after_ns < guest_before_ns ||
        guest_after_ns - guest_before_ns > MAX_SAMPLE_NS ||
        guest_after_ns > INT64_MAX / 2 || device_ns > now_ns) {
        return false;
    }
    half = (guest_after_ns - guest_before_ns + 1) / 2;
    mid = guest_before_ns + (guest_after_ns - guest_before_ns) / 2;
    error = half;
    if (clock->anchors) {
        unsigned last = clock->anchors - 1;
        int64_t dg, dd;

        /* Time goes forward on both clocks, and about as fast. */
        if (mid <= clock->anchor[last].guest_ns ||
            device_ns <= clock->anchor[last].device_ns) {
            return false;
        }
        dg = mid - clock->anchor[last].guest_ns;
        dd = device_ns - clock->anchor[last].device_ns;
        if (dd - dg > (int64_t)MAX_SAMPLE_NS + dg / 8 ||
            dg - dd > (int64_t)MAX_SAMPLE_NS + dg / 8) {
            return false;
        }
    }
    if (clock->anchors == EVENT_CLOCK_ANCHORS) {
        memmove(&clock->anchor[0], &clock->anchor[1],
                sizeof(clock->anchor[0]) * (EVENT_CLOCK_ANCHORS - 1));
        clock->anchors--;
    }
    clock->anchor[clock->anchors].guest_ns = mid;
    clock->anchor[clock->anchors].device_ns = device_ns;
    clock->anchors++;

    if (clock->pieces) {
        EventClockPiece *piece = &clock->piece[clock->pieces - 1];
        uint64_t predicted = event_clock_map(clock, mid);
        uint64_t off = predicted > device_ns ? predicted - device_ns
                                             : device_ns - predicted;

        *previous_error = off + half;
        if (mid <= piece->guest_ns) {
            /* A piece was begun after this moment; it stays. */
            return true;
        }
        /*
         * A map that ran ahead cannot go back: the new piece begins where the
         * old one is, and is less steep, so that it meets the samples again
         * a second later.
         */
        if (predicted > device_ns) {
            ahead = predicted - device_ns;
            error += ahead;
            device_ns = predicted;
        }
    }
    /* n ns in a second are n ppb. */
    clock_append(clock, mid, device_ns,
                 (clock->anchors > 1 ? clock_slope(clock) : 0) -
                     (int64_t)MIN(ahead, MAX_CATCH_UP_PPB), error);
    return true;
}

void event_clock_guess(EventClock *clock, uint64_t guest_ns, uint64_t now_ns,
                       uint64_t error_ns)
{
    if (!clock->pieces) {
        clock_append(clock, guest_ns, now_ns, 0, error_ns);
    }
}

/* Begins a piece at guest_ns; false when it would rewrite the past. */
static bool clock_bend(EventClock *clock, uint64_t guest_ns,
                       uint64_t device_ns)
{
    EventClockPiece *last = &clock->piece[clock->pieces - 1];
    uint64_t predicted = event_clock_map(clock, guest_ns);
    uint64_t off = predicted > device_ns ? predicted - device_ns
                                         : device_ns - predicted;

    if (guest_ns < last->guest_ns) {
        return false;
    }
    if (guest_ns == last->guest_ns) {
        last->device_ns = device_ns > INT64_MAX ? INT64_MAX : device_ns;
        return true;
    }
    clock_append(clock, guest_ns, device_ns, last->rate_ppb,
                 last->error_ns > off ? last->error_ns : off);
    return true;
}

bool event_clock_not_before(EventClock *clock, uint64_t guest_ns,
                            uint64_t device_ns)
{
    /* What the guest claims can bend the map only as far as it is unsure. */
    if (!clock->pieces || event_clock_map(clock, guest_ns) >= device_ns ||
        device_ns - event_clock_map(clock, guest_ns) > 100 * 1000 * 1000) {
        return false;
    }
    return clock_bend(clock, guest_ns, device_ns);
}

bool event_clock_not_after(EventClock *clock, uint64_t guest_ns,
                           uint64_t device_ns)
{
    EventClockPiece *last;
    uint64_t mapped;

    if (!clock->pieces) {
        return false;
    }
    mapped = event_clock_map(clock, guest_ns);
    last = &clock->piece[clock->pieces - 1];
    if (mapped <= device_ns || mapped - device_ns > 100 * 1000 * 1000 ||
        device_ns < (uint64_t)last->device_ns) {
        return false;
    }
    return clock_bend(clock, guest_ns, device_ns);
}

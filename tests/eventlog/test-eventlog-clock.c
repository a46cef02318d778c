/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapping of the guest's clock, as arithmetic.
 */
#include <glib.h>

#include "clock.h"

#define US 1000LL
#define MS 1000000LL
#define S 1000000000LL

/* A guest whose clock began later and goes wrong by ppm. */
static uint64_t guest(uint64_t device, int64_t ppm)
{
    return 5 * S + device + (int64_t)device / 1000000 * ppm;
}

static bool sample(EventClock *clock, uint64_t device, int64_t ppm,
                   uint64_t width)
{
    uint64_t error;

    return event_clock_sample(clock, guest(device, ppm) - width / 2, device,
                              guest(device, ppm) + width / 2,
                              device + 10 * MS, &error);
}

static void test_offset(void)
{
    EventClock clock;

    event_clock_init(&clock);
    g_assert_false(event_clock_is_known(&clock));
    g_assert_true(sample(&clock, 1 * S, 0, 60 * US));
    g_assert_cmpuint(event_clock_map(&clock, guest(1 * S, 0)), ==, 1 * S);
    g_assert_cmpuint(event_clock_map(&clock, guest(1 * S + 7, 0)), ==,
                     1 * S + 7);
    /* before the first sample, too */
    g_assert_cmpuint(event_clock_map(&clock, guest(1 * S - 7, 0)), ==,
                     1 * S - 7);
    g_assert_cmpuint(event_clock_unmap(&clock, 1 * S + 7), ==,
                     guest(1 * S + 7, 0));
    g_assert_cmpuint(clock.piece[0].error_ns, ==, 30 * US);
}

static void test_drift(gconstpointer data)
{
    int64_t ppm = GPOINTER_TO_INT(data);
    uint64_t worst = 0;
    EventClock clock;

    event_clock_init(&clock);
    for (uint64_t t = 1 * S; t < 30 * S; t += 500 * MS) {
        g_assert_true(sample(&clock, t, ppm, 60 * US));
        if (t < 4 * S) {
            continue;
        }
        for (uint64_t u = t; u < t + 500 * MS; u += 37 * MS) {
            uint64_t m = event_clock_map(&clock, guest(u, ppm));
            uint64_t off = m > u ? m - u : u - m;

            worst = MAX(worst, off);
        }
    }
    /* The slope is learnt: far better than 500 ms of drift would be. */
    g_test_message("%" G_GINT64_FORMAT " ppm: off by %" G_GUINT64_FORMAT " ns",
                   ppm, (guint64)worst);
    g_assert_cmpuint(worst, <, 35 * US);
}

/* Samples that jitter by their width keep the map monotone. */
static void test_monotone(void)
{
    EventClock clock;
    uint64_t last = 0;

    event_clock_init(&clock);
    for (int i = 0; i < 200; i++) {
        uint64_t t = (i + 1) * 100 * MS;
        int64_t jitter = (i * 7919) % 60 - 30;
        uint64_t error;

        g_assert_true(event_clock_sample(
            &clock, guest(t, 40) - 30 * US + jitter * US, t,
            guest(t, 40) + 30 * US + jitter * US, t + S, &error));
        for (uint64_t u = t; u < t + 100 * MS; u += 1 * MS) {
            uint64_t m = event_clock_map(&clock, guest(u, 40));

            g_assert_cmpuint(m, >=, last);
            g_assert_cmpuint(m > u ? m - u : u - m, <, 120 * US);
            last = m;
        }
    }
}

static void test_bend(void)
{
    EventClock clock;
    uint64_t g1 = guest(2 * S, 0), m;

    event_clock_init(&clock);
    g_assert_true(sample(&clock, 1 * S, 0, 60 * US));
    /* The guest saw at g1 what the device did 20 us later than the map says */
    g_assert_true(event_clock_not_before(&clock, g1, 2 * S + 20 * US));
    m = event_clock_map(&clock, g1);
    g_assert_cmpuint(m, ==, 2 * S + 20 * US);
    /* What is true already changes nothing. */
    g_assert_false(event_clock_not_before(&clock, g1 + 5, 2 * S));
    /* And the other way. */
    g_assert_true(event_clock_not_after(&clock, g1 + 1 * MS,
                                        2 * S + 1 * MS + 5 * US));
    g_assert_cmpuint(event_clock_map(&clock, g1 + 1 * MS), ==,
                     2 * S + 1 * MS + 5 * US);
    /* Earlier times stay before, the map stays monotone. */
    g_assert_cmpuint(event_clock_map(&clock, g1 + 1 * MS - 1), <=,
                     2 * S + 1 * MS + 5 * US);
    /* A claim that is wild bends nothing. */
    g_assert_false(event_clock_not_before(&clock, g1 + 2 * MS, 100 * S));
}

static void test_refused(void)
{
    EventClock clock;
    uint64_t error;

    event_clock_init(&clock);
    /* backwards, endless, from the future, overflowing */
    g_assert_false(event_clock_sample(&clock, 10, 5, 9, 100, &error));
    g_assert_false(event_clock_sample(&clock, 0, 5, 2 * S, 100, &error));
    g_assert_false(event_clock_sample(&clock, 10, 500, 11, 100, &error));
    g_assert_false(event_clock_sample(&clock, UINT64_MAX - 5, 5, UINT64_MAX,
                                      100, &error));
    g_assert_false(event_clock_is_known(&clock));
    g_assert_true(sample(&clock, 1 * S, 0, 60 * US));
    /* device clock backwards; guest clock stands still */
    g_assert_false(event_clock_sample(&clock, guest(2 * S, 0), S / 2,
                                      guest(2 * S, 0), 9 * S, &error));
    g_assert_false(event_clock_sample(&clock, guest(1 * S, 0), 2 * S,
                                      guest(1 * S, 0), 9 * S, &error));
    /* the two clocks disagree by 100 s */
    g_assert_false(event_clock_sample(&clock, guest(102 * S, 0), 2 * S,
                                      guest(102 * S, 0), 9 * S, &error));
    /* any guest time maps to something */
    event_clock_map(&clock, 0);
    event_clock_map(&clock, UINT64_MAX);
    event_clock_unmap(&clock, 0);
    event_clock_unmap(&clock, UINT64_MAX);
}

/* More pieces than are kept: the latest still map. */
static void test_many_pieces(void)
{
    EventClock clock;
    int64_t m;

    event_clock_init(&clock);
    for (int i = 1; i < 5 * EVENT_CLOCK_PIECES; i++) {
        g_assert_true(sample(&clock, i * S, 10, 20 * US));
        g_assert_cmpuint(clock.pieces, <=, EVENT_CLOCK_PIECES);
    }
    m = event_clock_map(&clock, guest(150 * S, 10));
    g_assert_cmpuint(m > 150 * S ? m - 150 * S : 150 * S - m, <, 100);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/eventlog/clock/offset", test_offset);
    g_test_add_data_func("/eventlog/clock/drift/none", GINT_TO_POINTER(0),
                         test_drift);
    g_test_add_data_func("/eventlog/clock/drift/fast", GINT_TO_POINTER(200),
                         test_drift);
    g_test_add_data_func("/eventlog/clock/drift/slow", GINT_TO_POINTER(-200),
                         test_drift);
    g_test_add_func("/eventlog/clock/monotone", test_monotone);
    g_test_add_func("/eventlog/clock/bend", test_bend);
    g_test_add_func("/eventlog/clock/refused", test_refused);
    g_test_add_func("/eventlog/clock/many-pieces", test_many_pieces);
    return g_test_run();
}

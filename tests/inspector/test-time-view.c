/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Zooming, panning, tick marks and the spelling of times */

#include <glib.h>
#include <math.h>

#include "store/svi-text.h"
#include "view/svi-time-view.h"

#define HOUR 3600e9

static void
assert_sane (const SviTimeView *view)
{
  g_assert_true (isfinite (view->from_ns));
  g_assert_cmpfloat (view->span_ns, >=, SVI_TIME_VIEW_MIN_SPAN_NS);
  g_assert_cmpfloat (view->span_ns, <=, svi_time_view_max_span (view) * 1.000001);

  /* Something of the log is always on screen */
  g_assert_cmpfloat (view->from_ns, <=, view->length_ns);
  g_assert_cmpfloat (view->from_ns + view->span_ns, >=, 0);
}

static void
test_fit (void)
{
  SviTimeView view;

  svi_time_view_init (&view, HOUR, 1000);
  assert_sane (&view);
  g_assert_cmpfloat (svi_time_view_to_x (&view, 0), >=, 0);
  g_assert_cmpfloat (svi_time_view_to_x (&view, HOUR), <=, 1000);
  g_assert_cmpfloat (svi_time_view_to_x (&view, HOUR) - svi_time_view_to_x (&view, 0), >, 900);
}

static void
test_inverse (void)
{
  SviTimeView view;

  svi_time_view_init (&view, 5e9, 1234);
  for (double x = 0; x <= 1234; x += 37)
    g_assert_cmpfloat_with_epsilon (svi_time_view_to_x (&view, svi_time_view_to_ns (&view, x)), x,
                                    1e-6);
}

/* The time below the pointer stays below the pointer, at every scale from hours to nanoseconds */
static void
test_zoom_anchor (void)
{
  SviTimeView view;
  double anchor = 613.5, before;
  guint steps = 0;

  svi_time_view_init (&view, 3 * HOUR, 1000);
  before = svi_time_view_to_ns (&view, anchor);
  while (view.span_ns > SVI_TIME_VIEW_MIN_SPAN_NS)
    {
      svi_time_view_zoom (&view, 1.25, anchor);
      assert_sane (&view);
      g_assert_cmpfloat_with_epsilon (svi_time_view_to_ns (&view, anchor), before,
                                      view.span_ns * 1e-6 + 2e-3);
      g_assert_cmpuint (++steps, <, 300);
    }
  g_assert_cmpfloat (view.span_ns, ==, SVI_TIME_VIEW_MIN_SPAN_NS);

  /* And back out, as far as it goes */
  for (guint i = 0; i < 300; i++)
    svi_time_view_zoom (&view, 1 / 1.25, anchor);
  assert_sane (&view);
  g_assert_cmpfloat (view.span_ns, >=, view.length_ns);
}

static void
test_zoom_nonsense (void)
{
  SviTimeView view, before;

  svi_time_view_init (&view, 1e9, 1000);
  before = view;
  svi_time_view_zoom (&view, 0, 10);
  svi_time_view_zoom (&view, -2, 10);
  svi_time_view_zoom (&view, NAN, 10);
  svi_time_view_zoom (&view, INFINITY, 10);
  svi_time_view_pan (&view, NAN);
  g_assert_cmpfloat (view.from_ns, ==, before.from_ns);
  g_assert_cmpfloat (view.span_ns, ==, before.span_ns);

  svi_time_view_init (&view, 0, 0);
  assert_sane (&view);
  svi_time_view_zoom (&view, 1e30, 0);
  assert_sane (&view);
}

static void
test_pan (void)
{
  SviTimeView view;
  double from;

  svi_time_view_init (&view, 10e9, 1000);
  svi_time_view_zoom (&view, 100, 500);
  from = view.from_ns;
  svi_time_view_pan (&view, 100);
  g_assert_cmpfloat_with_epsilon (view.from_ns - from, view.span_ns / 10, 1);

  for (guint i = 0; i < 2000; i++)
    {
      svi_time_view_pan (&view, -300);
      assert_sane (&view);
    }
  g_assert_cmpfloat (svi_time_view_to_x (&view, 0), >=, 0);

  for (guint i = 0; i < 2000; i++)
    {
      svi_time_view_pan (&view, 300);
      assert_sane (&view);
    }
  g_assert_cmpfloat (svi_time_view_to_x (&view, view.length_ns), <=, 1000);
}

static void
test_random_walk (void)
{
  SviTimeView view;

  svi_time_view_init (&view, 7 * HOUR, 900);
  for (guint i = 0; i < 20000; i++)
    {
      switch (g_test_rand_int_range (0, 4))
        {
        case 0:
          svi_time_view_zoom (&view, g_test_rand_double_range (0.2, 5),
                              g_test_rand_double_range (0, 900));
          break;
        case 1:
          svi_time_view_pan (&view, g_test_rand_double_range (-2000, 2000));
          break;
        case 2:
          svi_time_view_show (&view, g_test_rand_double_range (0, 7 * HOUR),
                              g_test_rand_double_range (0, 7 * HOUR), 0.1);
          break;
        default:
          svi_time_view_reveal (&view, g_test_rand_double_range (0, 7 * HOUR));
          break;
        }
      assert_sane (&view);
    }
}

static void
test_show (void)
{
  SviTimeView view;

  svi_time_view_init (&view, 10e9, 1000);
  svi_time_view_show (&view, 4e9, 2e9, 0.25);
  g_assert_cmpfloat_with_epsilon (view.from_ns, 1.5e9, 1);
  g_assert_cmpfloat_with_epsilon (view.span_ns, 3e9, 1);

  /* A point is shown as closely as it goes */
  svi_time_view_show (&view, 5e9, 5e9, 2);
  assert_sane (&view);
  g_assert_cmpfloat_with_epsilon (svi_time_view_to_x (&view, 5e9), 500, 1e-3);

  svi_time_view_show (&view, 1e9, 2e9, 0);
  svi_time_view_reveal (&view, 9e9);
  g_assert_cmpfloat (svi_time_view_to_x (&view, 9e9), >, 0);
  g_assert_cmpfloat (svi_time_view_to_x (&view, 9e9), <, 1000);
  g_assert_cmpfloat_with_epsilon (view.span_ns, 1e9, 1);
}

static void
test_ticks (void)
{
  SviTimeView view;

  svi_time_view_init (&view, 30 * HOUR, 1100);
  do
    {
      SviTimeTicks ticks;
      double pixels;

      svi_time_view_ticks (&view, 96, &ticks);
      pixels = ticks.step_ns / view.span_ns * view.width;
      g_assert_cmpfloat (pixels, >=, 95.9);
      g_assert_cmpfloat (pixels, <, 96 * 8);
      g_assert_cmpfloat (ticks.first_ns, >=, view.from_ns - 1e-6);
      g_assert_cmpfloat (ticks.first_ns, <, view.from_ns + ticks.step_ns);
      g_assert_cmpint (ticks.minor, >=, 1);
      g_assert_cmpfloat_with_epsilon (remainder (ticks.first_ns, ticks.step_ns), 0,
                                      ticks.step_ns * 1e-3);
      if (ticks.base_ns != 0)
        g_assert_cmpfloat (ticks.base_ns, <=, view.from_ns + view.span_ns);

      svi_time_view_zoom (&view, 1.31, 700);
    }
  while (view.span_ns > SVI_TIME_VIEW_MIN_SPAN_NS);
}

/* Neighbouring labels of a ruler must differ, or the ruler says nothing */
static void
test_tick_labels (void)
{
  SviTimeView view;

  svi_time_view_init (&view, 30 * HOUR, 1100);
  do
    {
      SviTimeTicks ticks;
      g_autofree char *previous = NULL;

      svi_time_view_ticks (&view, 96, &ticks);
      for (double at = ticks.first_ns; at < view.from_ns + view.span_ns; at += ticks.step_ns)
        {
          g_autofree char *label = ticks.base_ns != 0
                                     ? svi_text_tick_offset (at - ticks.base_ns, ticks.step_ns)
                                     : svi_text_tick (at, ticks.step_ns);

          if (previous != NULL)
            g_assert_cmpstr (label, !=, previous);
          g_assert_cmpint (g_utf8_strlen (label, -1), <=, 14);
          g_free (previous);
          previous = g_steal_pointer (&label);
        }
      svi_time_view_zoom (&view, 1.31, 700);
    }
  while (view.span_ns > SVI_TIME_VIEW_MIN_SPAN_NS);
}

#define THIN "\xe2\x80\x89"

static void
test_text (void)
{
  static const struct
  {
    double      ns;
    const char *text;
  } times[] = {
    { 0, "0.000" THIN "000" THIN "000 s" },
    { 1, "0.000" THIN "000" THIN "001 s" },
    { 12345678901.0, "12.345" THIN "678" THIN "901 s" },
    { 61e9, "1:01.000" THIN "000" THIN "000" },
    { 3661e9, "1:01:01.000" THIN "000" THIN "000" },
  }, spans[] = {
    { 0, "0 ns" }, { 999, "999 ns" }, { 1000, "1.00 µs" }, { 12345, "12.3 µs" }, { 999400, "999 µs" },
    { 1e6, "1.00 ms" }, { 250e6, "250 ms" }, { 1.5e9, "1.50 s" }, { 90e9, "1 min 30 s" }, { 7260e9, "2 h 1 min" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autofree char *text = svi_text_time (times[i].ns);

      g_assert_cmpstr (text, ==, times[i].text);
    }
  for (guint i = 0; i < G_N_ELEMENTS (spans); i++)
    {
      g_autofree char *text = svi_text_span (spans[i].ns);

      g_assert_cmpstr (text, ==, spans[i].text);
    }
}

static void
test_bytes (void)
{
  static const struct
  {
    guint64     bytes;
    const char *text;
  } sizes[] = {
    { 0, "0 B" },         { 1023, "1023 B" },     { 4096, "4 KiB" },
    { 2097152, "2 MiB" }, { 1572864, "1.5 MiB" }, { G_GUINT64_CONSTANT (17179869184), "16 GiB" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = svi_text_bytes (sizes[i].bytes);

      g_assert_cmpstr (text, ==, sizes[i].text);
    }
}

static void
test_parse (void)
{
  static const struct
  {
    const char *text;
    double      ns;
  } good[] = {
    { "1500", 1500 }, { "20 ns", 20 }, { "1.5us", 1500 },  { "1.5 µs", 1500 },
    { "12ms", 12e6 }, { "3 s", 3e9 },  { "2 min", 120e9 },
  };
  static const char * const bad[] = { "", "s", "abc", "1 year", "nan", "inf", "1 s s" };
  double ns;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (svi_text_parse_time (good[i].text, &ns));
      g_assert_cmpfloat_with_epsilon (ns, good[i].ns, 1e-6);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (svi_text_parse_time (bad[i], &ns));
}

static void
test_humanize (void)
{
  g_autofree char *gpu = svi_text_humanize ("gpu_vm_bound");
  g_autofree char *empty = svi_text_humanize ("");

  g_assert_cmpstr (gpu, ==, "GPU VM bound");
  g_assert_cmpstr (empty, ==, "");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/time-view/fit", test_fit);
  g_test_add_func ("/time-view/inverse", test_inverse);
  g_test_add_func ("/time-view/zoom-anchor", test_zoom_anchor);
  g_test_add_func ("/time-view/zoom-nonsense", test_zoom_nonsense);
  g_test_add_func ("/time-view/pan", test_pan);
  g_test_add_func ("/time-view/random-walk", test_random_walk);
  g_test_add_func ("/time-view/show", test_show);
  g_test_add_func ("/time-view/ticks", test_ticks);
  g_test_add_func ("/time-view/tick-labels", test_tick_labels);
  g_test_add_func ("/text/times", test_text);
  g_test_add_func ("/text/bytes", test_bytes);
  g_test_add_func ("/text/parse", test_parse);
  g_test_add_func ("/text/humanize", test_humanize);

  return g_test_run ();
}

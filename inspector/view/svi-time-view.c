/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-time-view.h"

#include <math.h>

/* The part of the width that may show nothing beyond either end of the log */
#define OVERSCROLL 0.05

double
svi_time_view_max_span (const SviTimeView *self)
{
  return MAX (self->length_ns * (1 + 2 * OVERSCROLL), SVI_TIME_VIEW_MIN_SPAN_NS);
}

void
svi_time_view_clamp (SviTimeView *self)
{
  double margin;

  g_return_if_fail (self != NULL);

  self->width = MAX (self->width, 1);
  self->span_ns = CLAMP (self->span_ns, SVI_TIME_VIEW_MIN_SPAN_NS, svi_time_view_max_span (self));
  margin = self->span_ns * OVERSCROLL;

  if (self->span_ns >= self->length_ns + 2 * margin)
    self->from_ns = (self->length_ns - self->span_ns) / 2;
  else
    self->from_ns = CLAMP (self->from_ns, -margin, self->length_ns + margin - self->span_ns);
}

void
svi_time_view_fit (SviTimeView *self)
{
  g_return_if_fail (self != NULL);

  self->span_ns = MAX (self->length_ns * 1.02, SVI_TIME_VIEW_MIN_SPAN_NS);
  self->from_ns = (self->length_ns - self->span_ns) / 2;
  svi_time_view_clamp (self);
}

void
svi_time_view_init (SviTimeView *self,
                    double       length_ns,
                    double       width)
{
  g_return_if_fail (self != NULL);

  self->length_ns = MAX (length_ns, 0);
  self->width = MAX (width, 1);
  svi_time_view_fit (self);
}

double
svi_time_view_to_x (const SviTimeView *self,
                    double             ns)
{
  return (ns - self->from_ns) / self->span_ns * self->width;
}

double
svi_time_view_to_ns (const SviTimeView *self,
                     double             x)
{
  return self->from_ns + x / self->width * self->span_ns;
}

/* Changes the scale by @factor (above 1: closer) and keeps the time below @anchor_x where it is,
 * except where the ends of the log forbid it.
 */
void
svi_time_view_zoom (SviTimeView *self,
                    double       factor,
                    double       anchor_x)
{
  double anchor_ns;

  g_return_if_fail (self != NULL);

  if (!isfinite (factor) || factor <= 0)
    return;

  anchor_ns = svi_time_view_to_ns (self, anchor_x);
  self->span_ns = CLAMP (self->span_ns / factor,
                         SVI_TIME_VIEW_MIN_SPAN_NS,
                         svi_time_view_max_span (self));
  self->from_ns = anchor_ns - anchor_x / self->width * self->span_ns;
  svi_time_view_clamp (self);
}

void
svi_time_view_pan (SviTimeView *self,
                   double       dx)
{
  g_return_if_fail (self != NULL);

  if (!isfinite (dx))
    return;

  self->from_ns += dx / self->width * self->span_ns;
  svi_time_view_clamp (self);
}

/* Shows [from, to] with @margin of its length free on both sides. */
void
svi_time_view_show (SviTimeView *self,
                    double       from_ns,
                    double       to_ns,
                    double       margin)
{
  double length;

  g_return_if_fail (self != NULL);

  if (to_ns < from_ns)
    {
      double swap = from_ns;

      from_ns = to_ns;
      to_ns = swap;
    }

  length = MAX (to_ns - from_ns, SVI_TIME_VIEW_MIN_SPAN_NS / (1 + 2 * margin));
  self->span_ns = length * (1 + 2 * margin);
  self->from_ns = (from_ns + to_ns) / 2 - self->span_ns / 2;
  svi_time_view_clamp (self);
}

/* Pans by as little as it takes to have @ns inside the middle nine tenths. */
void
svi_time_view_reveal (SviTimeView *self,
                      double       ns)
{
  double edge = self->span_ns * OVERSCROLL;

  if (ns < self->from_ns + edge)
    self->from_ns = ns - self->span_ns / 4;
  else if (ns > self->from_ns + self->span_ns - edge)
    self->from_ns = ns - self->span_ns * 3 / 4;
  svi_time_view_clamp (self);
}

static double
tick_step (double  least_ns,
           int    *minor)
{
  static const struct
  {
    double step_s;
    int    minor;
  } clock_steps[] = {
    { 1, 5 }, { 2, 4 }, { 5, 5 }, { 10, 5 }, { 15, 3 }, { 30, 6 },
    { 60, 6 }, { 120, 4 }, { 300, 5 }, { 600, 5 }, { 900, 3 }, { 1800, 6 },
    { 3600, 6 }, { 7200, 4 }, { 21600, 6 }, { 43200, 6 }, { 86400, 4 },
  };
  double power;

  if (least_ns > 0.5e9)
    {
      for (guint i = 0; i < G_N_ELEMENTS (clock_steps); i++)
        if (clock_steps[i].step_s * 1e9 >= least_ns)
          {
            *minor = clock_steps[i].minor;
            return clock_steps[i].step_s * 1e9;
          }

      *minor = 4;
      return ceil (least_ns / 86400e9) * 86400e9;
    }

  power = pow (10, floor (log10 (MAX (least_ns, 1))));

  if (power >= least_ns)
    {
      *minor = power > 1 ? 5 : 1;
      return power;
    }
  if (2 * power >= least_ns)
    {
      *minor = power > 1 ? 4 : 2;
      return 2 * power;
    }
  if (5 * power >= least_ns)
    {
      *minor = 5;
      return 5 * power;
    }
  *minor = 5;
  return 10 * power;
}

/* Chooses ruler steps that are at least @min_distance pixels apart. When the step is much finer
 * than the time itself, labels would repeat a dozen digits; then they count from base_ns, which the
 * ruler prints once.
 */
void
svi_time_view_ticks (const SviTimeView *self,
                     double             min_distance,
                     SviTimeTicks      *ticks)
{
  double least = self->span_ns * min_distance / self->width;
  double far = MAX (fabs (self->from_ns), fabs (self->from_ns + self->span_ns));

  ticks->step_ns = tick_step (least, &ticks->minor);
  ticks->first_ns = ceil (self->from_ns / ticks->step_ns) * ticks->step_ns;
  ticks->base_ns = 0;

  if (ticks->step_ns < 0.5e9 && far / ticks->step_ns > 20000)
    {
      double coarse = ticks->step_ns;
      double wanted = self->span_ns;

      /* The next round power of ten above the view, so that panning seldom changes the base */
      coarse = pow (10, ceil (log10 (wanted)));
      ticks->base_ns = floor (MAX (self->from_ns, 0) / coarse) * coarse;
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A time view is the part of a log that is on screen: where it starts, how long it is, and how many
 * pixels wide it is drawn. Times are nanoseconds since the start of the log, as doubles: a log of a
 * hundred days still resolves a thousandth of a nanosecond, and zooming stays smooth below one. All
 * zoom and pan arithmetic and the choice of the ruler's tick marks are here, without GTK, so that
 * the widget, the picture without a display and the tests share them.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SVI_TIME_VIEW_MIN_SPAN_NS 20.0

typedef struct
{
  double from_ns;   /* the time at the left edge */
  double span_ns;   /* the time between both edges, never below SVI_TIME_VIEW_MIN_SPAN_NS */
  double length_ns; /* the length of the log: the view stays close to [0, length_ns] */
  double width;     /* pixels */
} SviTimeView;

typedef struct
{
  double step_ns;  /* distance of labelled ticks */
  int    minor;    /* small ticks per step */
  double first_ns; /* the first tick at or after the left edge */
  double base_ns;  /* labels count from here; 0 while whole times are short enough to read */
} SviTimeTicks;

void   svi_time_view_init     (SviTimeView       *self,
                               double             length_ns,
                               double             width);
void   svi_time_view_fit      (SviTimeView       *self);
void   svi_time_view_clamp    (SviTimeView       *self);
double svi_time_view_max_span (const SviTimeView *self);
double svi_time_view_to_x     (const SviTimeView *self,
                               double             ns);
double svi_time_view_to_ns    (const SviTimeView *self,
                               double             x);
void   svi_time_view_zoom     (SviTimeView       *self,
                               double             factor,
                               double             anchor_x);
void   svi_time_view_pan      (SviTimeView       *self,
                               double             dx);
void   svi_time_view_show     (SviTimeView       *self,
                               double             from_ns,
                               double             to_ns,
                               double             margin);
void   svi_time_view_reveal   (SviTimeView       *self,
                               double             ns);
void   svi_time_view_ticks    (const SviTimeView *self,
                               double             min_distance,
                               SviTimeTicks      *ticks);

G_END_DECLS

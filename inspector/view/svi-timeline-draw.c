/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-timeline-draw.h"

#include "store/svi-text.h"

#include <math.h>
#include <string.h>

#define LABEL_SCALE 0.86
#define CAPTION_SCALE 0.80
#define RADIUS 3.0
#define TICK_DISTANCE 96.0
#define THIN_NAME_DISTANCE 44.0

static PangoLayout *
text_layout (PangoContext *pango,
             const char   *text,
             double        scale,
             gboolean      bold)
{
  PangoLayout *layout = pango_layout_new (pango);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_scale_new (scale));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum=1"));
  if (bold)
    pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_SEMIBOLD));
  pango_layout_set_attributes (layout, attributes);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  return layout;
}

double
svi_text_width (PangoContext *pango,
                const char   *text,
                double        scale,
                gboolean      bold)
{
  g_autoptr (PangoLayout) layout = text_layout (pango, text, scale, bold);
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  return width;
}

/* One line of text, ellipsized, in the middle of the height; @align 0 is left, 1 right. */
void
svi_draw_text (cairo_t      *cr,
               PangoContext *pango,
               const char   *text,
               double        x,
               double        y,
               double        width,
               double        height,
               double        align,
               double        scale,
               gboolean      bold,
               SviColor      color)
{
  g_autoptr (PangoLayout) layout = NULL;
  int text_width, text_height;

  if (text == NULL || *text == '\0' || width < 4)
    return;

  layout = text_layout (pango, text, scale, bold);
  pango_layout_set_width (layout, (int) (width * PANGO_SCALE));
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_END);
  pango_layout_get_pixel_size (layout, &text_width, &text_height);

  svi_color_set (cr, color);
  cairo_move_to (cr, x + align * (width - text_width), y + floor ((height - text_height) / 2));
  pango_cairo_show_layout (cr, layout);
}

static void
rounded_rectangle (cairo_t *cr,
                   double   x,
                   double   y,
                   double   width,
                   double   height,
                   double   left,
                   double   right)
{
  cairo_new_sub_path (cr);
  cairo_arc (cr, x + width - right, y + right, right, -G_PI_2, 0);
  cairo_arc (cr, x + width - right, y + height - right, right, 0, G_PI_2);
  cairo_arc (cr, x + left, y + height - left, left, G_PI_2, G_PI);
  cairo_arc (cr, x + left, y + left, left, G_PI, G_PI + G_PI_2);
  cairo_close_path (cr);
}

double
svi_frame_lanes_top (const SviFrame *frame)
{
  return SVI_RULER_HEIGHT;
}

double
svi_frame_lanes_height (const SviFrame *frame)
{
  return MAX (frame->height - SVI_RULER_HEIGHT - (frame->show_legend ? SVI_LEGEND_HEIGHT : 0), 0);
}

/* Diagonal lines over the current path: memory that is in more than one place, time spent waiting
 */
static void
hatch (cairo_t  *cr,
       double    x,
       double    y,
       double    width,
       double    height,
       double    distance,
       SviColor  color)
{
  double first = floor (x / distance) * distance - height;

  cairo_save (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_clip (cr);
  svi_color_set (cr, color);
  cairo_set_line_width (cr, distance / 3);
  for (double at = first; at < x + width + distance; at += distance)
    {
      cairo_move_to (cr, at, y + height);
      cairo_line_to (cr, at + height, y);
    }
  cairo_stroke (cr);
  cairo_restore (cr);
}

static void
draw_point (cairo_t  *cr,
            double    x,
            double    y,
            double    height,
            SviColor  color)
{
  double radius = MIN (height / 2, 4.5);
  double middle = y + height / 2;

  svi_color_set (cr, color);
  cairo_move_to (cr, x, middle - radius);
  cairo_line_to (cr, x + radius, middle);
  cairo_line_to (cr, x, middle + radius);
  cairo_line_to (cr, x - radius, middle);
  cairo_close_path (cr);
  cairo_fill (cr);
}

static void
draw_span (cairo_t        *cr,
           const SviFrame *frame,
           const SviSpan  *span,
           double          y,
           double          height)
{
  const SviPalette *palette = frame->palette;
  SviColor color = svi_palette_tint (palette, span->tint);
  double plot_width = frame->view.width;
  double x0 = svi_time_view_to_x (&frame->view, span->start_ns);
  double x1 = svi_time_view_to_x (&frame->view, span->end_ns);
  double radius, width;

  if (x1 < -2 || x0 > plot_width + 2)
    return;

  if (span->flags & SVI_SPAN_POINT)
    {
      draw_point (cr, x0, y, height, color);
      return;
    }

  x0 = MAX (x0, -8);
  x1 = MIN (x1, plot_width + 8);
  width = x1 - x0;

  if (span->flags & SVI_SPAN_DENSE)
    {
      /* Time that is only partly covered is paler, but never so pale that a lonely event is lost */
      svi_color_set (cr, svi_color_alpha (color, 0.42 + 0.58 * CLAMP (span->fill, 0, 1)));
      x0 = floor (x0);
      cairo_rectangle (cr, x0, y, MAX (ceil (x1) - x0, 1), height);
      cairo_fill (cr);
      return;
    }

  if (width < 4)
    {
      /* Below a few pixels round corners only blur; whole pixels keep neighbours apart */
      x0 = floor (x0);
      svi_color_set (cr, color);
      cairo_rectangle (cr, x0, y, MAX (floor (width), 1), height);
      cairo_fill (cr);
      return;
    }

  /* In a map of thin rows colours touch; bars with names stand apart */
  if (height >= 6)
    width -= 0.75;
  radius = height < 6 ? 0 : MIN (MIN (RADIUS, width / 2), height / 2);

  if (span->event.kind == SVI_EVENT_LOCK_WAIT)
    {
      rounded_rectangle (cr, x0, y + 0.5, width, height - 1, MIN (radius, 2), MIN (radius, 2));
      svi_color_set (cr, svi_color_alpha (color, 0.38));
      cairo_fill (cr);
      hatch (cr, x0, y + 0.5, width, height - 1, 5, svi_color_alpha (color, 0.8));
      return;
    }

  rounded_rectangle (cr, x0, y, width, height, radius, span->flags & SVI_SPAN_OPEN ? 0 : radius);
  if (svi_tint_class (span->tint) == SVI_TINT_NONE)
    {
      svi_color_set (cr, svi_color_alpha (color, 0.55));
      cairo_fill (cr);
    }
  else
    {
      svi_color_set (cr, span->flags & SVI_SPAN_SHARED ? svi_color_alpha (color, 0.62) : color);
      cairo_fill (cr);
    }

  if (svi_tint_class (span->tint) == SVI_TINT_MIXED)
    hatch (cr, x0, y, width, height, 8,
           svi_color_alpha (svi_tint_value (span->tint) == 0
                              ? svi_palette_tint (palette, svi_tint (SVI_TINT_SYSTEM, 0))
                              : svi_palette_gpu (palette, 0),
                            0.9));

  if (span->flags & SVI_SPAN_OPEN && x1 < plot_width + 8)
    {
      /* An end that the log does not know fades out */
      cairo_pattern_t *fade;
      double fade_width = MIN (14, width);
      SviColor clear = frame->palette->background;

      fade = cairo_pattern_create_linear (x1 - fade_width, 0, x1, 0);
      cairo_pattern_add_color_stop_rgba (fade, 0, clear.red, clear.green, clear.blue, 0);
      cairo_pattern_add_color_stop_rgba (fade, 1, clear.red, clear.green, clear.blue, 0.85);
      cairo_set_source (cr, fade);
      cairo_rectangle (cr, x1 - fade_width, y, fade_width, height);
      cairo_fill (cr);
      cairo_pattern_destroy (fade);
    }

  if (span->label != NULL && width > 26 && height >= 11)
    {
      double left = MAX (x0, 0) + 5;
      double room = MIN (x1, plot_width) - left - 5;
      SviColor ink = svi_palette_over (palette, color);

      if (svi_tint_class (span->tint) == SVI_TINT_NONE)
        ink = palette->dim;
      /* A name cut down to a letter says less than none */
      if (room > 64 || room >= svi_text_width (frame->pango, span->label,
                                               height < 16 ? 0.74 : LABEL_SCALE, FALSE))
        svi_draw_text (cr, frame->pango, span->label, left, y, room, height, 0,
                       height < 16 ? 0.74 : LABEL_SCALE, FALSE, ink);
    }
}

static void
draw_selected (cairo_t        *cr,
               const SviFrame *frame,
               const SviSpan  *span,
               double          y,
               double          height)
{
  double x0 = MAX (svi_time_view_to_x (&frame->view, span->start_ns), -8);
  double x1 = MIN (svi_time_view_to_x (&frame->view, span->end_ns), frame->view.width + 8);

  if (x1 < -4 || x0 > frame->view.width + 4)
    return;

  if (x1 - x0 < 5)
    {
      double middle = (x0 + x1) / 2;

      x0 = middle - 2.5;
      x1 = middle + 2.5;
    }

  cairo_set_line_width (cr, 4);
  rounded_rectangle (cr, x0 - 1.5, y - 1.5, x1 - x0 + 2.25, height + 3, RADIUS + 1, RADIUS + 1);
  svi_color_set (cr, frame->palette->background);
  cairo_stroke_preserve (cr);
  cairo_set_line_width (cr, 2);
  svi_color_set (cr, frame->palette->text);
  cairo_stroke (cr);
}

static void
draw_lane (cairo_t            *cr,
           const SviFrame     *frame,
           const SviLayoutRow *row)
{
  const SviLane *lane = svi_catalog_get (frame->layout->catalog, row->lane);
  const SviSceneLane *entry;
  const SviSpan *spans;
  guint rows;
  double y, height;

  /* A scene of an older catalog has the same lanes in other places: it is found by its path */
  if (frame->scene == NULL)
    return;
  if (frame->scene->catalog == frame->layout->catalog)
    entry = svi_scene_find_lane (frame->scene, row->lane);
  else
    {
      int old = svi_catalog_find (frame->scene->catalog, lane->path);

      entry = old >= 0 ? svi_scene_find_lane (frame->scene, (guint) old) : NULL;
    }
  if (entry == NULL || entry->n_spans == 0)
    return;

  spans = svi_scene_spans (frame->scene, entry);
  rows = entry->n_rows;

  if (lane->kind == SVI_LANE_GROUP)
    {
      /* A heading says when its thing existed */
      double x0 = CLAMP (svi_time_view_to_x (&frame->view, spans->start_ns), -8,
                         frame->view.width + 8);
      double x1 = CLAMP (svi_time_view_to_x (&frame->view, spans->end_ns), -8,
                         frame->view.width + 8);

      if (x1 >= 0 && x0 <= frame->view.width)
        {
          rounded_rectangle (cr, x0, row->y + row->height / 2 - 2, MAX (x1 - x0, 3), 4,
                             MIN (2, MAX (x1 - x0, 3) / 2), MIN (2, MAX (x1 - x0, 3) / 2));
          svi_color_set (cr,
                         svi_color_alpha (svi_palette_tint (frame->palette, spans->tint), 0.55));
          cairo_fill (cr);
        }
      return;
    }

  for (guint i = 0; i < entry->n_spans; i++)
    {
      svi_layout_row_band (lane, row, spans[i].row, rows, &y, &height);
      draw_span (cr, frame, &spans[i], y + row->y, height >= 6 ? height - 0.5 : height);
    }

  if (frame->selected.kind == SVI_EVENT_NONE)
    return;

  for (guint i = 0; i < entry->n_spans; i++)
    if (svi_event_ref_equal (spans[i].event, frame->selected))
      {
        svi_layout_row_band (lane, row, spans[i].row, rows, &y, &height);
        draw_selected (cr, frame, &spans[i], y + row->y, height);
      }
}

/* What is said about a lane besides its name, where there is room for all of it */
static void
draw_subtitle (cairo_t            *cr,
               const SviFrame     *frame,
               const SviLane      *lane,
               const SviLayoutRow *row,
               double              left)
{
  double room = frame->gutter - left - 10;

  if (lane->subtitle != NULL &&
      svi_text_width (frame->pango, lane->subtitle, CAPTION_SCALE, FALSE) <= room)
    svi_draw_text (cr, frame->pango, lane->subtitle, left, row->y, room, row->height, 1,
                   CAPTION_SCALE, FALSE, frame->palette->dim);
}

static void
draw_gutter_row (cairo_t            *cr,
                 const SviFrame     *frame,
                 const SviLayoutRow *row)
{
  const SviPalette *palette = frame->palette;
  const SviLane *lane = svi_catalog_get (frame->layout->catalog, row->lane);
  double left = 12 + lane->level * 16;

  if (lane->kind == SVI_LANE_GROUP)
    {
      gboolean folded = frame->folded != NULL && g_hash_table_contains (frame->folded, lane->path);
      double cx = left + 4, cy = row->y + row->height / 2;
      double title_width;

      svi_color_set (cr, palette->dim);
      cairo_set_line_width (cr, 1.6);
      cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
      cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
      if (folded)
        {
          cairo_move_to (cr, cx - 2, cy - 4);
          cairo_line_to (cr, cx + 2, cy);
          cairo_line_to (cr, cx - 2, cy + 4);
        }
      else
        {
          cairo_move_to (cr, cx - 4, cy - 2);
          cairo_line_to (cr, cx, cy + 2);
          cairo_line_to (cr, cx + 4, cy - 2);
        }
      cairo_stroke (cr);

      left += 18;
      if (lane->tint != 0)
        {
          svi_color_set (cr, svi_palette_tint (palette, lane->tint));
          cairo_arc (cr, left + 4, cy, 4.5, 0, 2 * G_PI);
          cairo_fill (cr);
          left += 16;
        }

      title_width = svi_text_width (frame->pango, lane->title, 0.95, TRUE);
      svi_draw_text (cr, frame->pango, lane->title, left, row->y, frame->gutter - left - 8,
                     row->height, 0, 0.95, TRUE, palette->text);
      draw_subtitle (cr, frame, lane, row, left + title_width + 8);
      return;
    }

  left += 10;
  {
    double title_width = svi_text_width (frame->pango, lane->title, LABEL_SCALE, FALSE);

    svi_draw_text (cr, frame->pango, lane->title, left, row->y, frame->gutter - left - 8,
                   row->height, 0, LABEL_SCALE, FALSE, palette->text);
    draw_subtitle (cr, frame, lane, row, left + title_width + 8);
  }
}

/* Rows that are too low for their names have some of them written beside, as a scale has, and that
 * of the row below the pointer or with the keyboard on it
 */
static void
draw_thin_names (cairo_t        *cr,
                 const SviFrame *frame,
                 guint           first,
                 guint           last)
{
  double next = -G_MAXDOUBLE;

  for (guint pass = 0; pass < 2; pass++)
    for (guint i = first; i < last; i++)
      {
        const SviLayoutRow *row = &g_array_index (frame->layout->rows, SviLayoutRow, i);
        const SviLane *lane = svi_catalog_get (frame->layout->catalog, row->lane);
        gboolean marked = (int) i == frame->hover_row || (int) i == frame->focus_row;
        double left = 22 + lane->level * 16;
        double y = row->y + row->height / 2 - 10;

        /* The first is pushed out from below the heading above it */
        if (next == -G_MAXDOUBLE && pass == 0)
          y += 6;
        if (row->height >= SVI_TEXT_ROW_HEIGHT)
          {
            next = -G_MAXDOUBLE;
            continue;
          }
        if (pass == 1 && !marked)
          continue;

        if (pass == 0)
          {
            if (row->y < next)
              continue;
            next = row->y + THIN_NAME_DISTANCE;
            svi_color_set (cr, frame->palette->dim);
            cairo_rectangle (cr, frame->gutter - 6, floor (row->y + row->height / 2), 6, 1);
            cairo_fill (cr);
          }
        else
          {
            rounded_rectangle (cr, left - 6, y, frame->gutter - left - 2, 20, 4, 4);
            svi_color_set (cr, frame->palette->text);
            cairo_fill (cr);
          }
        svi_draw_text (cr, frame->pango, lane->title, left, y, frame->gutter - left - 14, 20, 0,
                       CAPTION_SCALE, pass == 1,
                       pass == 1 ? frame->palette->background : frame->palette->dim);
      }
}

static void
draw_ruler (cairo_t        *cr,
            const SviFrame *frame)
{
  const SviPalette *palette = frame->palette;
  double bottom = SVI_RULER_HEIGHT;
  SviTimeTicks ticks;
  double shown;

  svi_color_set (cr, palette->chrome);
  cairo_rectangle (cr, 0, 0, frame->width, bottom);
  cairo_fill (cr);

  svi_time_view_ticks (&frame->view, TICK_DISTANCE, &ticks);

  cairo_save (cr);
  cairo_rectangle (cr, frame->gutter, 0, frame->width - frame->gutter, bottom);
  cairo_clip (cr);
  cairo_translate (cr, frame->gutter, 0);
  cairo_set_line_width (cr, 1);

  for (double at = ticks.first_ns - ticks.step_ns;
       at <= frame->view.from_ns + frame->view.span_ns;
       at += ticks.step_ns)
    {
      double x = floor (svi_time_view_to_x (&frame->view, at)) + 0.5;
      g_autofree char *label = NULL;

      /* Rounding must not make the tick at zero say "-0" */
      if (fabs (at) < ticks.step_ns / 1000)
        at = 0;

      svi_color_set (cr, svi_color_alpha (palette->dim, 0.8));
      cairo_move_to (cr, x, bottom - 10);
      cairo_line_to (cr, x, bottom);
      cairo_stroke (cr);

      svi_color_set (cr, svi_color_alpha (palette->dim, 0.4));
      for (int i = 1; i < ticks.minor; i++)
        {
          double minor = floor (svi_time_view_to_x (&frame->view,
                                                    at + ticks.step_ns * i / ticks.minor)) +
                         0.5;

          cairo_move_to (cr, minor, bottom - 5);
          cairo_line_to (cr, minor, bottom);
        }
      cairo_stroke (cr);

      label = ticks.base_ns != 0 ? svi_text_tick_offset (at - ticks.base_ns, ticks.step_ns)
                                 : svi_text_tick (at, ticks.step_ns);
      if (x >= 0)
        svi_draw_text (cr, frame->pango, label, x + 4, 6, TICK_DISTANCE, bottom - 18, 0,
                       CAPTION_SCALE, FALSE, palette->dim);
    }
  cairo_restore (cr);

  /* The corner: where the labels count from, or how much is on screen */
  if (ticks.base_ns != 0)
    {
      g_autofree char *base = svi_text_time (ticks.base_ns);

      svi_draw_text (cr, frame->pango, base, 14, 0, frame->gutter - 24, bottom, 1, LABEL_SCALE,
                     TRUE, palette->text);
    }
  else
    {
      g_autofree char *span = NULL;
      g_autofree char *text = NULL;

      shown = MIN (frame->view.span_ns, MAX (frame->view.length_ns, 1));
      span = svi_text_span (shown);
      text = g_strdup_printf ("%s shown", span);
      svi_draw_text (cr, frame->pango, text, 14, 0, frame->gutter - 24, bottom, 0, LABEL_SCALE,
                     FALSE, palette->dim);
    }

  svi_color_set (cr, palette->line);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, 0, bottom - 0.5);
  cairo_line_to (cr, frame->width, bottom - 0.5);
  cairo_stroke (cr);
}

static void
draw_pill (cairo_t        *cr,
           const SviFrame *frame,
           const char     *text,
           double          x,
           SviColor        color)
{
  double width = svi_text_width (frame->pango, text, CAPTION_SCALE, TRUE) + 14;
  double left = CLAMP (x - width / 2, frame->gutter + 2,
                       MAX (frame->width - width - 2, frame->gutter + 2));

  rounded_rectangle (cr, left, 5, width, 19, 9.5, 9.5);
  svi_color_set (cr, color);
  cairo_fill (cr);
  svi_draw_text (cr, frame->pango, text, left, 5, width, 19, 0.5, CAPTION_SCALE, TRUE,
                 svi_palette_over (frame->palette, color));
}

static void
draw_cursor (cairo_t        *cr,
             const SviFrame *frame)
{
  double lanes_bottom = svi_frame_lanes_top (frame) + svi_frame_lanes_height (frame);
  gboolean marked = !isnan (frame->mark_from_ns) && !isnan (frame->mark_to_ns);

  if (!isnan (frame->hover_ns))
    {
      double x = floor (frame->gutter + svi_time_view_to_x (&frame->view, frame->hover_ns)) + 0.5;

      if (x >= frame->gutter)
        {
          svi_color_set (cr, svi_color_alpha (frame->palette->dim, 0.6));
          cairo_set_line_width (cr, 1);
          cairo_move_to (cr, x, SVI_RULER_HEIGHT - 12);
          cairo_line_to (cr, x, lanes_bottom);
          cairo_stroke (cr);
        }
    }

  if (!isnan (frame->cursor_ns))
    {
      double x = floor (frame->gutter + svi_time_view_to_x (&frame->view, frame->cursor_ns)) + 0.5;

      if (x >= frame->gutter && x <= frame->width)
        {
          g_autofree char *text = svi_text_time (frame->cursor_ns);

          svi_color_set (cr, frame->palette->accent);
          cairo_set_line_width (cr, 1.5);
          cairo_move_to (cr, x, 22);
          cairo_line_to (cr, x, lanes_bottom);
          cairo_stroke (cr);
          if (!marked)
            draw_pill (cr, frame, text, x, frame->palette->accent);
        }
    }

  if (marked)
    {
      double from = MIN (frame->mark_from_ns, frame->mark_to_ns);
      double to = MAX (frame->mark_from_ns, frame->mark_to_ns);
      double middle = frame->gutter + svi_time_view_to_x (&frame->view, (from + to) / 2);
      g_autofree char *text = svi_text_span (to - from);

      if (middle > frame->gutter - 40 && middle < frame->width + 40)
        draw_pill (cr, frame, text, middle, frame->palette->accent);
    }
}

static void
draw_mark (cairo_t        *cr,
           const SviFrame *frame,
           double          top,
           double          height)
{
  double x0, x1;

  if (isnan (frame->mark_from_ns) || isnan (frame->mark_to_ns))
    return;

  x0 = svi_time_view_to_x (&frame->view, MIN (frame->mark_from_ns, frame->mark_to_ns));
  x1 = svi_time_view_to_x (&frame->view, MAX (frame->mark_from_ns, frame->mark_to_ns));
  x0 = MAX (x0, -2);
  x1 = MIN (x1, frame->view.width + 2);
  if (x1 <= x0)
    return;

  svi_color_set (cr, svi_color_alpha (frame->palette->accent, 0.13));
  cairo_rectangle (cr, x0, top, x1 - x0, height);
  cairo_fill (cr);
  svi_color_set (cr, svi_color_alpha (frame->palette->accent, 0.8));
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (x0) + 0.5, top);
  cairo_line_to (cr, floor (x0) + 0.5, top + height);
  cairo_move_to (cr, floor (x1) + 0.5, top);
  cairo_line_to (cr, floor (x1) + 0.5, top + height);
  cairo_stroke (cr);
}

/* The layout row of a lane, or of the closest group above it that is on screen */
static int
flow_row (const SviFrame *frame,
          int             lane)
{
  while (lane >= 0)
    {
      int row = svi_layout_find_lane (frame->layout, (guint) lane);

      if (row >= 0)
        return row;
      lane = svi_catalog_get (frame->layout->catalog, (guint) lane)->parent;
    }
  return -1;
}

static void
draw_flows (cairo_t        *cr,
            const SviFrame *frame)
{
  for (guint i = 0; i < frame->n_flows; i++)
    {
      const SviFlow *flow = &frame->flows[i];
      int from = flow_row (frame, flow->from_lane), to = flow_row (frame, flow->to_lane);
      const SviLayoutRow *a, *b;
      double x0, y0, x1, y1, reach, direction;

      if (from < 0 || to < 0)
        continue;

      a = &g_array_index (frame->layout->rows, SviLayoutRow, from);
      b = &g_array_index (frame->layout->rows, SviLayoutRow, to);
      x0 = svi_time_view_to_x (&frame->view, flow->from_ns);
      x1 = svi_time_view_to_x (&frame->view, flow->to_ns);
      if (MAX (x0, x1) < -50 || MIN (x0, x1) > frame->view.width + 50)
        continue;

      y0 = a->y + a->height / 2;
      y1 = b->y + b->height / 2;
      reach = CLAMP (fabs (x1 - x0) / 2, 18, 90);
      direction = x1 >= x0 - 4 ? 1 : -1;

      for (int pass = 0; pass < 2; pass++)
        {
          svi_color_set (cr, pass == 0 ? svi_color_alpha (frame->palette->background, 0.9)
                                       : frame->palette->accent);
          cairo_set_line_width (cr, pass == 0 ? 4.5 : 2);
          cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
          cairo_move_to (cr, x0, y0);
          cairo_curve_to (cr, x0 + reach, y0, x1 - reach, y1, x1 - 5 * direction, y1);
          cairo_stroke (cr);
        }

      cairo_move_to (cr, x1, y1);
      cairo_line_to (cr, x1 - 8 * direction, y1 - 4.5);
      cairo_line_to (cr, x1 - 8 * direction, y1 + 4.5);
      cairo_close_path (cr);
      cairo_fill (cr);

      cairo_arc (cr, x0, y0, 3, 0, 2 * G_PI);
      cairo_fill (cr);
    }
}

typedef struct
{
  const char *heading; /* starts a group, or NULL */
  SviTint     tint;
  const char *text;
} LegendItem;

/* Draws the item at @x when it fits, and returns where the next one goes; -1 when the legend is
 * full.
 */
static double
legend_item (cairo_t          *cr,
             const SviFrame   *frame,
             const LegendItem *item,
             double            x,
             double            y)
{
  double middle = y + SVI_LEGEND_HEIGHT / 2;
  double width = svi_text_width (frame->pango, item->text, CAPTION_SCALE, FALSE);
  double heading = 0;
  SviColor color = svi_palette_tint (frame->palette, item->tint);

  if (item->heading != NULL)
    heading = svi_text_width (frame->pango, item->heading, CAPTION_SCALE, TRUE) + 14;
  if (x + heading + 20 + width > frame->width - 8)
    return -1;

  if (item->heading != NULL)
    svi_draw_text (cr, frame->pango, item->heading, x, y, heading, SVI_LEGEND_HEIGHT, 0,
                   CAPTION_SCALE, TRUE, frame->palette->text);
  x += heading;

  rounded_rectangle (cr, x, middle - 5, 14, 10, 2.5, 2.5);
  svi_color_set (cr, color);
  cairo_fill (cr);
  if (svi_tint_class (item->tint) == SVI_TINT_MIXED)
    hatch (cr, x, middle - 5, 14, 10, 6,
           svi_tint_value (item->tint) == 0
             ? svi_palette_tint (frame->palette, svi_tint (SVI_TINT_SYSTEM, 0))
             : svi_palette_gpu (frame->palette, 0));
  else if (svi_tint_class (item->tint) == SVI_TINT_WAITING)
    hatch (cr, x, middle - 5, 14, 10, 5, svi_color_alpha (frame->palette->background, 0.5));

  svi_draw_text (cr, frame->pango, item->text, x + 20, y, width + 2, SVI_LEGEND_HEIGHT, 0,
                 CAPTION_SCALE, FALSE, frame->palette->dim);
  return x + 20 + width + 18;
}

static void
draw_legend (cairo_t        *cr,
             const SviFrame *frame)
{
  static const char * const gpu_names[] = {
    "GPU 0", "GPU 1", "GPU 2", "GPU 3", "GPU 4", "GPU 5", "GPU 6", "GPU 7",
  };
  LegendItem items[20];
  double top = frame->height - SVI_LEGEND_HEIGHT;
  double x = 14;
  guint n = 0;

  svi_color_set (cr, frame->palette->chrome);
  cairo_rectangle (cr, 0, top, frame->width, SVI_LEGEND_HEIGHT);
  cairo_fill (cr);
  svi_color_set (cr, frame->palette->line);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, 0, top + 0.5);
  cairo_line_to (cr, frame->width, top + 0.5);
  cairo_stroke (cr);

  items[n++] = (LegendItem) { "Memory", svi_tint (SVI_TINT_SYSTEM, 0), "System" };
  for (guint i = 0; i < MIN (frame->n_gpus, G_N_ELEMENTS (gpu_names)); i++)
    items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_GPU, i), gpu_names[i] };
  items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_MIXED, 0), "Mixed" };
  if (frame->n_gpus > 1)
    items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_MIXED, 1), "Several GPUs" };
  items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_NONE, 0), "Unpopulated" };
  items[n++] = (LegendItem) { "Faults", svi_tint (SVI_TINT_GOOD, 0), "Served" };
  items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_WARNING, 0), "Retried" };
  items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_ERROR, 0), "Failed" };
  items[n++] = (LegendItem) { "Locks", svi_tint (SVI_TINT_THREAD, 0), "Held, by thread" };
  items[n++] = (LegendItem) { NULL, svi_tint (SVI_TINT_WAITING, 0), "Waited for" };

  for (guint i = 0; i < n && x >= 0; i++)
    x = legend_item (cr, frame, &items[i], items[i].heading != NULL && i > 0 ? x + 10 : x, top);
}

void
svi_timeline_draw (cairo_t        *cr,
                   const SviFrame *frame)
{
  const SviPalette *palette = frame->palette;
  double top = svi_frame_lanes_top (frame);
  double height = svi_frame_lanes_height (frame);
  SviTimeTicks ticks;
  guint first = 0, last;

  svi_color_set (cr, palette->background);
  cairo_rectangle (cr, 0, 0, frame->width, frame->height);
  cairo_fill (cr);

  /* The lanes that are on screen, and no others */
  while (first < frame->layout->rows->len &&
         g_array_index (frame->layout->rows, SviLayoutRow, first).y +
         g_array_index (frame->layout->rows, SviLayoutRow, first).height <= frame->scroll_y)
    first++;
  for (last = first; last < frame->layout->rows->len; last++)
    if (g_array_index (frame->layout->rows, SviLayoutRow, last).y >= frame->scroll_y + height)
      break;

  cairo_save (cr);
  cairo_rectangle (cr, 0, top, frame->width, height);
  cairo_clip (cr);
  cairo_translate (cr, 0, top - frame->scroll_y);

  for (guint i = first; i < last; i++)
    {
      const SviLayoutRow *row = &g_array_index (frame->layout->rows, SviLayoutRow, i);
      const SviLane *lane = svi_catalog_get (frame->layout->catalog, row->lane);

      if (lane->kind == SVI_LANE_GROUP)
        {
          svi_color_set (cr, palette->group);
          cairo_rectangle (cr, 0, row->y, frame->width, row->height);
          cairo_fill (cr);
        }
      if ((int) i == frame->hover_row || (int) i == frame->focus_row)
        {
          svi_color_set (cr, svi_color_alpha ((int) i == frame->focus_row ? palette->accent
                                                                          : palette->text,
                                              0.05));
          cairo_rectangle (cr, frame->gutter, row->y, frame->width - frame->gutter, row->height);
          cairo_fill (cr);
        }
    }

  /* Grid lines of the ruler */
  svi_time_view_ticks (&frame->view, TICK_DISTANCE, &ticks);
  svi_color_set (cr, svi_color_alpha (palette->line, 0.55));
  cairo_set_line_width (cr, 1);
  for (double at = ticks.first_ns; at <= frame->view.from_ns + frame->view.span_ns;
       at += ticks.step_ns)
    {
      double x = floor (frame->gutter + svi_time_view_to_x (&frame->view, at)) + 0.5;

      cairo_move_to (cr, x, frame->scroll_y);
      cairo_line_to (
        cr, x, frame->scroll_y + MIN (height, MAX (frame->layout->height - frame->scroll_y, 0)));
    }
  cairo_stroke (cr);

  cairo_save (cr);
  cairo_rectangle (cr, frame->gutter, frame->scroll_y, frame->width - frame->gutter, height);
  cairo_clip (cr);
  cairo_translate (cr, frame->gutter, 0);
  for (guint i = first; i < last; i++)
    draw_lane (cr, frame, &g_array_index (frame->layout->rows, SviLayoutRow, i));
  draw_mark (cr, frame, frame->scroll_y, height);
  draw_flows (cr, frame);
  cairo_restore (cr);

  /* The gutter lies over whatever reaches left of the plot */
  for (guint i = first; i < last; i++)
    {
      const SviLayoutRow *row = &g_array_index (frame->layout->rows, SviLayoutRow, i);
      const SviLane *lane = svi_catalog_get (frame->layout->catalog, row->lane);

      svi_color_set (cr, lane->kind == SVI_LANE_GROUP ? palette->group : palette->chrome);
      cairo_rectangle (cr, 0, row->y, frame->gutter, row->height);
      cairo_fill (cr);
      if ((int) i == frame->hover_row || (int) i == frame->focus_row)
        {
          svi_color_set (cr, svi_color_alpha ((int) i == frame->focus_row ? palette->accent
                                                                          : palette->text,
                                              (int) i == frame->focus_row ? 0.12 : 0.05));
          cairo_rectangle (cr, 0, row->y, frame->gutter, row->height);
          cairo_fill (cr);
        }
      if ((int) i == frame->focus_row)
        {
          svi_color_set (cr, palette->accent);
          cairo_rectangle (cr, 0, row->y, 3, row->height);
          cairo_fill (cr);
        }
      if (row->height < SVI_TEXT_ROW_HEIGHT)
        continue;

      draw_gutter_row (cr, frame, row);
      svi_color_set (cr, svi_color_alpha (palette->line, lane->kind == SVI_LANE_GROUP ? 1 : 0.6));
      cairo_set_line_width (cr, 1);
      cairo_move_to (cr, 0, row->y + row->height - 0.5);
      cairo_line_to (cr, frame->width, row->y + row->height - 0.5);
      cairo_stroke (cr);
    }

  draw_thin_names (cr, frame, first, last);

  if (frame->layout->height - frame->scroll_y < height)
    {
      svi_color_set (cr, palette->chrome);
      cairo_rectangle (cr, 0, frame->layout->height, frame->gutter,
                       height - (frame->layout->height - frame->scroll_y));
      cairo_fill (cr);
    }
  cairo_restore (cr);

  svi_color_set (cr, palette->line);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (frame->gutter) + 0.5, 0);
  cairo_line_to (cr, floor (frame->gutter) + 0.5, top + height);
  cairo_stroke (cr);

  draw_ruler (cr, frame);
  svi_color_set (cr, palette->line);
  cairo_move_to (cr, floor (frame->gutter) + 0.5, 0);
  cairo_line_to (cr, floor (frame->gutter) + 0.5, top);
  cairo_stroke (cr);
  draw_cursor (cr, frame);
  if (frame->show_legend)
    draw_legend (cr, frame);
}

void
svi_timeline_hit (const SviFrame *frame,
                  double          x,
                  double          y,
                  SviHit         *hit)
{
  double top = svi_frame_lanes_top (frame);
  double height = svi_frame_lanes_height (frame);
  const SviLayoutRow *row;
  const SviLane *lane;
  const SviSceneLane *entry;
  const SviSpan *best = NULL;
  double slack, inside;

  memset (hit, 0, sizeof *hit);
  hit->row = -1;
  hit->lane = -1;
  hit->ns = svi_time_view_to_ns (&frame->view, x - frame->gutter);

  if (y < top)
    {
      hit->part = SVI_HIT_RULER;
      return;
    }
  if (y >= top + height)
    {
      hit->part = SVI_HIT_LEGEND;
      return;
    }

  hit->part = x < frame->gutter ? SVI_HIT_GUTTER : SVI_HIT_LANE;
  hit->row = svi_layout_row_at (frame->layout, y - top + frame->scroll_y);
  if (hit->row < 0)
    return;

  row = &g_array_index (frame->layout->rows, SviLayoutRow, hit->row);
  hit->lane = (int) row->lane;
  lane = svi_catalog_get (frame->layout->catalog, row->lane);

  if (hit->part != SVI_HIT_LANE || frame->scene == NULL || lane->kind == SVI_LANE_GROUP ||
      frame->scene->catalog != frame->layout->catalog)
    return;

  /* The sub-row below the pointer first; a lane that is thin there still answers for its neighbours
   */
  slack = 3 * frame->view.span_ns / frame->view.width;
  inside = y - top + frame->scroll_y - row->y;
  entry = svi_scene_find_lane (frame->scene, row->lane);
  for (guint sub = 0; sub < lane->rows + 3u && best == NULL && entry != NULL; sub++)
    {
      double band_y, band_height;

      svi_layout_row_band (lane, row, sub, entry->n_rows, &band_y, &band_height);
      if (inside >= band_y && inside < band_y + band_height)
        best = svi_scene_hit (frame->scene, row->lane, hit->ns, slack, (int) sub);
    }
  if (best == NULL)
    best = svi_scene_hit (frame->scene, row->lane, hit->ns, slack, -1);
  hit->span = best;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-render.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "store/svi-details.h"
#include "store/svi-lanes.h"
#include "store/svi-scene-query.h"
#include "store/svi-text.h"
#include "view/svi-palette.h"
#include "view/svi-timeline-draw.h"

#define HEADER_HEIGHT 52.0
#define PANEL_WIDTH 320.0
#define PANEL_ROW 22.0
#define PANEL_FIELDS 10
#define GUTTER_WIDTH 224.0
#define MAX_RANGES 12
#define MIN_SIZE 320
#define MAX_SIZE 16384

static gboolean
parse_time (const char  *option,
            const char  *text,
            double      *ns,
            GError     **error)
{
  if (text == NULL || svi_text_parse_time (text, ns))
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "--%s “%s” is not a time; write nanoseconds, or a number with ns, µs, ms, s or min",
               option, text);
  return FALSE;
}

/* The fault that says the most: one whose pages came from another GPU, retried if there is one like
 * that; else any with a migration, else the last.
 */
static gint64
telling_fault (SviLog *log)
{
  gint64 fault;

  fault = svi_log_get_integer (
    log,
    "SELECT f.id FROM migration m JOIN fault f ON f.id = m.fault_id"
    " WHERE m.result = 0 AND m.t1 IS NOT NULL AND f.t_answered IS NOT NULL"
    " ORDER BY (m.from_place LIKE 'GPU%') DESC, f.retries > 0 DESC, f.id DESC LIMIT 1",
    0);
  if (fault == 0)
    fault = svi_log_get_integer (log, "SELECT id FROM fault ORDER BY t_raised DESC LIMIT 1", 0);
  return fault;
}

static const char *
section_of (SviLaneKind kind)
{
  return kind == SVI_LANE_LOCK ? "Locks" : kind == SVI_LANE_RANGE ? "SVM ranges" : "Activity";
}

typedef struct
{
  cairo_t          *cr;
  const SviPalette *palette;
  PangoContext     *pango;
  double            x;
  double            at;
  double            width;
  double            bottom;
} Panel;

static void
panel_heading (Panel      *panel,
               const char *text,
               double      scale,
               SviColor    color)
{
  svi_draw_text (panel->cr, panel->pango, text, panel->x + 18, panel->at, panel->width - 36,
                 PANEL_ROW, 0, scale, TRUE, color);
  panel->at += PANEL_ROW;
}

static void
panel_row (Panel      *panel,
           const char *name,
           const char *value,
           SviTint     tint)
{
  double left = panel->x + 18, room, name_width;

  if (tint != 0)
    {
      svi_color_set (panel->cr, svi_palette_tint (panel->palette, tint));
      cairo_arc (panel->cr, left + 5, panel->at + PANEL_ROW / 2, 4.5, 0, 2 * G_PI);
      cairo_fill (panel->cr);
      left += 18;
    }

  room = panel->x + panel->width - 18 - left;
  name_width = MIN (svi_text_width (panel->pango, name, 0.86, FALSE) + 2,
                    *value != '\0' ? room * 0.6 : room);
  svi_draw_text (panel->cr, panel->pango, name, left, panel->at, name_width, PANEL_ROW, 0, 0.86,
                 FALSE, tint != 0 ? panel->palette->text : panel->palette->dim);
  svi_draw_text (panel->cr, panel->pango, value, left + name_width + 8, panel->at,
                 room - name_width - 8, PANEL_ROW, 1, 0.86, FALSE,
                 tint != 0 ? panel->palette->dim : panel->palette->text);
  panel->at += PANEL_ROW;
}

/* The panel on the right: the selected event, and what the lanes hold at the cursor */
static void
draw_panel (cairo_t          *cr,
            const SviPalette *palette,
            PangoContext     *pango,
            SviCatalog       *catalog,
            const SviDetails *details,
            GPtrArray        *holdings,
            double            cursor_ns,
            double            x,
            double            y,
            double            width,
            double            height)
{
  static const char * const sections[] = { "Activity", "Locks", "SVM ranges" };
  g_autofree char *time = svi_text_time (cursor_ns);
  Panel panel = { cr, palette, pango, x, y + 16, width, y + height };

  svi_color_set (cr, palette->chrome);
  cairo_rectangle (cr, x, y, width, height);
  cairo_fill (cr);
  svi_color_set (cr, palette->line);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (x) + 0.5, y);
  cairo_line_to (cr, floor (x) + 0.5, y + height);
  cairo_stroke (cr);

  if (details != NULL)
    {
      g_autofree char *length = svi_text_span (details->event->end_ns - details->event->start_ns);

      panel_heading (&panel, details->event->title, 1.05, palette->text);
      panel_row (&panel, "Duration", length, 0);
      for (guint i = 0; i < details->fields->len && i < PANEL_FIELDS; i++)
        {
          const SviField *field = g_ptr_array_index (details->fields, i);

          panel_row (&panel, field->name, field->value, 0);
        }
      panel.at += PANEL_ROW / 2;
    }

  panel_heading (&panel, "At the cursor", 1.05, palette->text);
  panel.at -= 4;
  panel_row (&panel, time, "", 0);

  for (guint s = 0; s < G_N_ELEMENTS (sections); s++)
    {
      gboolean first = TRUE;

      for (guint i = 0; i < holdings->len; i++)
        {
          const SviHolding *holding = g_ptr_array_index (holdings, i);
          const SviLane *lane = svi_catalog_get (catalog, holding->lane);
          const SviLane *group = lane->parent >= 0 ? svi_catalog_get (catalog, (guint) lane->parent)
                                                   : NULL;
          g_autofree char *name = NULL;
          g_autofree char *value = NULL;

          if (strcmp (section_of (lane->kind), sections[s]) != 0)
            continue;
          if (panel.at + 2 * PANEL_ROW > panel.bottom)
            {
              panel_heading (&panel, "…", 0.86, palette->dim);
              return;
            }
          if (first)
            {
              panel.at += PANEL_ROW / 3;
              panel_heading (&panel, sections[s], 0.8, palette->dim);
              first = FALSE;
            }

          if (group != NULL && g_str_has_prefix (group->path, "gpu/"))
            name = g_strdup_printf ("%s %s", group->title, lane->title);
          value = g_strdup_printf (
            "%s%s", holding->event->event.kind == SVI_EVENT_LOCK_WAIT ? "waited for by " : "",
            holding->event->summary);
          panel_row (&panel, name != NULL ? name : lane->title, value, holding->event->tint);
        }
    }

  if (holdings->len == 0)
    panel_row (&panel, "Nothing happens at this moment.", "", 0);
}

static void
draw_header (cairo_t          *cr,
             const SviPalette *palette,
             PangoContext     *pango,
             SviLog           *log,
             double            length_ns,
             double            width)
{
  g_autofree char *name = g_path_get_basename (svi_log_get_path (log));
  g_autofree char *length = svi_text_span (length_ns);
  g_autofree char *text = NULL;
  gint64 faults = svi_log_get_integer (log, "SELECT count(*) FROM fault", 0);
  gint64 migrations = svi_log_get_integer (log, "SELECT count(*) FROM migration", 0);
  gint64 lost = svi_log_get_integer (log, "SELECT sum(count) FROM lost", 0);

  svi_color_set (cr, palette->group);
  cairo_rectangle (cr, 0, 0, width, HEADER_HEIGHT);
  cairo_fill (cr);
  svi_draw_text (cr, pango, name, 18, 0, width / 2, HEADER_HEIGHT, 0, 1.15, TRUE, palette->text);

  text = g_strdup_printf ("%s   ·   %" G_GINT64_FORMAT " faults   ·   %" G_GINT64_FORMAT
                          " migrations   ·   %" G_GINT64_FORMAT " records lost",
                          length, faults, migrations, lost);
  svi_draw_text (cr, pango, text, width / 2, 0, width / 2 - 18, HEADER_HEIGHT, 1, 0.9, FALSE,
                 palette->dim);
}

/* Draws @log_path as @options say into @picture_path: SVG when it ends in .svg, else PNG. */
gboolean
svi_render_picture (const char              *log_path,
                    const char              *picture_path,
                    const SviRenderOptions  *options,
                    GError                 **error)
{
  g_autoptr (SviLog) log = NULL;
  g_autoptr (SviCatalog) catalog = NULL;
  g_autoptr (SviLayout) layout = NULL;
  g_autoptr (SviSceneRequest) request = NULL;
  g_autoptr (SviScene) scene = NULL;
  g_autoptr (SviDetails) details = NULL;
  g_autoptr (GArray) flows = NULL;
  g_autoptr (GPtrArray) holdings = NULL;
  PangoContext *pango = NULL;
  g_autoptr (PangoFontDescription) font = NULL;
  PangoFontMap *font_map;
  cairo_surface_t *surface = NULL;
  cairo_t *cr = NULL;
  cairo_status_t status;
  SviPalette palette;
  SviFrame frame = { 0 };
  const char *view = options->view != NULL ? options->view : "timeline";
  const char *filter = NULL;
  SviEventRef fault = { SVI_EVENT_FAULT, 0 };
  double from = 0, to, cursor, length, panel = PANEL_WIDTH;
  gboolean svg, compact = FALSE, result = FALSE;

  g_return_val_if_fail (log_path != NULL && picture_path != NULL, FALSE);

  if (options->width < MIN_SIZE || options->height < MIN_SIZE ||
      options->width > MAX_SIZE || options->height > MAX_SIZE)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--size must be between %d×%d and %d×%d", MIN_SIZE, MIN_SIZE, MAX_SIZE,
                   MAX_SIZE);
      return FALSE;
    }

  if (strcmp (view, "ranges") == 0)
    filter = "SVM ranges";
  else if (strcmp (view, "map") == 0)
    {
      filter = "SVM ranges";
      compact = TRUE;
    }
  else if (strcmp (view, "locks") == 0)
    filter = "Locks";
  else if (strcmp (view, "gpus") == 0)
    filter = "GPU ";
  else if (strcmp (view, "timeline") != 0 && strcmp (view, "fault") != 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "There is no view “%s”; choose timeline, fault, gpus, ranges, map or locks",
                   view);
      return FALSE;
    }

  log = svi_log_open (log_path, error);
  if (log == NULL)
    return FALSE;

  svi_log_begin (log, NULL);
  catalog = svi_lanes_load (log, NULL, error);
  if (catalog == NULL)
    goto end_log;

  length = (double) svi_log_get_length (log);
  to = length;
  cursor = NAN;
  if (!parse_time ("from", options->from, &from, error) ||
      !parse_time ("to", options->to, &to, error) ||
      !parse_time ("cursor", options->cursor, &cursor, error))
    goto end_log;

  flows = g_array_new (FALSE, FALSE, sizeof (SviFlow));
  fault.id = telling_fault (log);
  if (fault.id != 0)
    {
      details = svi_details_load (log, catalog, fault, error);
      if (details == NULL)
        goto end_log;
    }

  if (strcmp (view, "fault") == 0)
    {
      double span;

      if (details == NULL)
        {
          g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY,
                       "The log has no fault; choose another view");
          goto end_log;
        }
      svi_flows_add (flows, details, catalog);

      span = MAX (details->event->end_ns - details->event->start_ns, 1);
      if (options->from == NULL)
        from = details->event->start_ns - span * 0.15;
      if (options->to == NULL)
        to = details->event->end_ns + span * 0.15;
      for (guint i = 0; i < details->related->len && isnan (cursor); i++)
        {
          const SviEventSummary *event = g_ptr_array_index (details->related, i);

          if (event->event.kind == SVI_EVENT_MIGRATION)
            cursor = (event->start_ns + event->end_ns) / 2;
        }
    }

  else if (details != NULL)
    {
      /* Other views put the cursor where there is something to say */
      if (isnan (cursor) && details->event->start_ns > from && details->event->end_ns < to)
        cursor = (details->event->start_ns + details->event->end_ns) / 2;
      g_clear_pointer (&details, svi_details_free);
    }

  if (to <= from && options->to != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--to must be later than --from");
      goto end_log;
    }
  if (isnan (cursor))
    cursor = from + (to - from) * 0.5;

  if (options->width < 900)
    panel = 0;

  svi_palette_init (&palette, options->dark);
  frame.width = options->width - panel;
  frame.height = options->height - HEADER_HEIGHT;
  frame.gutter = GUTTER_WIDTH;
  frame.show_legend = TRUE;
  frame.palette = &palette;
  frame.n_gpus = catalog->n_gpus;
  frame.cursor_ns = cursor;
  frame.hover_ns = NAN;
  frame.mark_from_ns = frame.mark_to_ns = NAN;
  frame.hover_row = frame.focus_row = -1;

  svi_time_view_init (&frame.view, length, frame.width - frame.gutter);
  if (options->from != NULL || options->to != NULL || details != NULL)
    svi_time_view_show (&frame.view, from, to, 0);

  request = svi_scene_request_new (frame.view.from_ns, frame.view.from_ns + frame.view.span_ns,
                                   frame.view.span_ns / frame.view.width);
  if (details != NULL)
    {
      /* Of a fault all that matters is what else happened meanwhile, wherever it did */
      for (guint i = 0; i < svi_catalog_size (catalog); i++)
        g_array_append_val (request->lanes, i);
      scene = svi_scene_load (log, catalog, request, NULL, error);
      if (scene == NULL)
        goto end_log;
      frame.selected = details->event->event;
      frame.flows = (const SviFlow *) (gpointer) flows->data;
      frame.n_flows = flows->len;
    }

  /* A picture cannot be scrolled: it shows what fits. */
  if (details != NULL)
    for (guint limit = MAX_RANGES; limit >= 1; limit--)
      {
        g_clear_pointer (&layout, svi_layout_free);
        layout = svi_layout_new (catalog, NULL, filter, NULL);
        svi_layout_keep (layout, scene, limit);
        if (layout->height <= svi_frame_lanes_height (&frame))
          break;
      }
  else
    layout = svi_layout_new_to_fit (catalog, filter, compact,
                                    svi_frame_lanes_height (&frame));
  frame.layout = layout;

  g_array_set_size (request->lanes, 0);
  for (guint i = 0; i < layout->rows->len; i++)
    {
      const SviLayoutRow *row = &g_array_index (layout->rows, SviLayoutRow, i);

      if (row->y < svi_frame_lanes_height (&frame))
        g_array_append_val (request->lanes, row->lane);
    }
  if (scene == NULL)
    scene = svi_scene_load (log, catalog, request, NULL, error);
  if (scene == NULL)
    goto end_log;
  frame.scene = scene;

  holdings = svi_holdings_load (log, catalog, cursor, request->lanes, NULL, error);
  if (holdings == NULL)
    goto end_log;

  svg = g_str_has_suffix (picture_path, ".svg");
  surface = svg ? cairo_svg_surface_create (picture_path, options->width, options->height)
                : cairo_image_surface_create (CAIRO_FORMAT_RGB24, options->width, options->height);
  cr = cairo_create (surface);
  font_map = pango_cairo_font_map_get_default ();
  pango = pango_font_map_create_context (font_map);
  font = pango_font_description_from_string ("Cantarell, Adwaita Sans, Inter, sans-serif 11");
  pango_context_set_font_description (pango, font);
  pango_cairo_context_set_resolution (pango, 96);
  frame.pango = pango;

  draw_header (cr, &palette, pango, log, length, options->width);
  cairo_save (cr);
  cairo_translate (cr, 0, HEADER_HEIGHT);
  cairo_rectangle (cr, 0, 0, frame.width, frame.height);
  cairo_clip (cr);
  svi_timeline_draw (cr, &frame);
  cairo_restore (cr);
  if (panel > 0)
    draw_panel (cr, &palette, pango, catalog, details, holdings, cursor, frame.width, HEADER_HEIGHT,
                panel, frame.height);

  svi_color_set (cr, palette.line);
  cairo_rectangle (cr, 0, HEADER_HEIGHT - 1, options->width, 1);
  cairo_fill (cr);

  if (svg)
    cairo_surface_finish (surface);
  status = svg ? cairo_surface_status (surface)
               : cairo_surface_write_to_png (surface, picture_path);
  if (status != CAIRO_STATUS_SUCCESS)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "“%s” cannot be written: %s",
                 picture_path, cairo_status_to_string (status));
  else
    result = TRUE;

end_log:
  svi_log_end (log);
  if (result && svi_log_get_damage (log) != NULL)
    g_printerr ("%s\n", svi_log_get_damage (log));
  g_clear_object (&pango);
  if (cr != NULL)
    cairo_destroy (cr);
  if (surface != NULL)
    cairo_surface_destroy (surface);
  return result;
}

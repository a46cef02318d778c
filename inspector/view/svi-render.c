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
#define PANEL_ROW 24.0
#define GUTTER_WIDTH 224.0
#define MIN_CHILDREN 2
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
               "--%s “%s” is not a time; write nanoseconds, or a number with ns, µs, ms, s or min", option, text);
  return FALSE;
}

static GHashTable *
initial_folds (SviCatalog *catalog)
{
  GHashTable *folded = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < svi_catalog_size (catalog); i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      if (lane->kind == SVI_LANE_GROUP && lane->folded)
        g_hash_table_add (folded, lane->path);
    }
  return folded;
}

/* The panel on the right: what the lanes hold at the cursor */
static void
draw_panel (cairo_t          *cr,
            const SviPalette *palette,
            PangoContext     *pango,
            SviCatalog       *catalog,
            GPtrArray        *holdings,
            double            cursor_ns,
            double            x,
            double            y,
            double            width,
            double            height)
{
  g_autofree char *time = svi_text_time (cursor_ns);
  double at = y + 16;

  svi_color_set (cr, palette->chrome);
  cairo_rectangle (cr, x, y, width, height);
  cairo_fill (cr);
  svi_color_set (cr, palette->line);
  cairo_set_line_width (cr, 1);
  cairo_move_to (cr, floor (x) + 0.5, y);
  cairo_line_to (cr, floor (x) + 0.5, y + height);
  cairo_stroke (cr);

  svi_draw_text (cr, pango, "At the cursor", x + 18, at, width - 36, 20, 0, 1.0, TRUE, palette->text);
  svi_draw_text (cr, pango, time, x + 18, at + 20, width - 36, 20, 0, 0.9, FALSE, palette->dim);
  at += 52;

  for (guint i = 0; i < holdings->len; i++)
    {
      const SviHolding *holding = g_ptr_array_index (holdings, i);
      const SviLane *lane = svi_catalog_get (catalog, holding->lane);
      SviColor color = svi_palette_tint (palette, holding->event->tint);
      g_autofree char *text = NULL;
      gboolean waits = holding->event->event.kind == SVI_EVENT_LOCK_WAIT;

      if (at + 2 * PANEL_ROW > y + height && i + 1 < holdings->len)
        {
          g_autofree char *more = g_strdup_printf ("and %u more", holdings->len - i);

          svi_draw_text (cr, pango, more, x + 18, at, width - 36, PANEL_ROW, 0, 0.86, FALSE, palette->dim);
          return;
        }

      svi_color_set (cr, color);
      cairo_arc (cr, x + 23, at + PANEL_ROW / 2, 4.5, 0, 2 * G_PI);
      cairo_fill (cr);
      svi_draw_text (cr, pango, lane->title, x + 36, at, width * 0.42 - 18, PANEL_ROW, 0, 0.86, FALSE, palette->text);
      text = g_strdup_printf ("%s%s", waits ? "waits: " : "", holding->event->summary);
      svi_draw_text (cr, pango, text, x + 36 + width * 0.42 - 10, at, width * 0.58 - 44, PANEL_ROW, 1, 0.82, FALSE,
                     palette->dim);
      at += PANEL_ROW;
    }

  if (holdings->len == 0)
    svi_draw_text (cr, pango, "Nothing happens at this moment.", x + 18, at, width - 36, PANEL_ROW, 0, 0.86, FALSE,
                   palette->dim);
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
                          " migrations   ·   %" G_GINT64_FORMAT " records lost", length, faults, migrations, lost);
  svi_draw_text (cr, pango, text, width / 2, 0, width / 2 - 18, HEADER_HEIGHT, 1, 0.9, FALSE, palette->dim);
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
  g_autoptr (GHashTable) folded = NULL;
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
  double from = 0, to, cursor, length, panel = PANEL_WIDTH;
  gboolean svg, result = FALSE;

  g_return_val_if_fail (log_path != NULL && picture_path != NULL, FALSE);

  if (options->width < MIN_SIZE || options->height < MIN_SIZE ||
      options->width > MAX_SIZE || options->height > MAX_SIZE)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--size must be between %d×%d and %d×%d", MIN_SIZE, MIN_SIZE, MAX_SIZE, MAX_SIZE);
      return FALSE;
    }

  if (strcmp (view, "ranges") == 0)
    filter = "SVM ranges";
  else if (strcmp (view, "locks") == 0)
    filter = "Locks";
  else if (strcmp (view, "gpus") == 0)
    filter = "GPU ";
  else if (strcmp (view, "timeline") != 0)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "There is no view “%s”; choose timeline, gpus, ranges or locks", view);
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
  if (!parse_time ("from", options->from, &from, error) || !parse_time ("to", options->to, &to, error) ||
      !parse_time ("cursor", options->cursor, &cursor, error))
    goto end_log;
  if (to <= from && options->to != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--to must be later than --from");
      goto end_log;
    }
  if (isnan (cursor))
    cursor = from + (to - from) * 0.5;

  folded = initial_folds (catalog);
  if (options->width < 900)
    panel = 0;

  svi_palette_init (&palette, options->dark);
  frame.width = options->width - panel;
  frame.height = options->height - HEADER_HEIGHT;
  frame.gutter = GUTTER_WIDTH;
  frame.show_legend = TRUE;
  frame.palette = &palette;
  frame.folded = folded;
  frame.n_gpus = catalog->n_gpus;
  frame.cursor_ns = cursor;
  frame.hover_ns = NAN;
  frame.mark_from_ns = frame.mark_to_ns = NAN;
  frame.hover_row = frame.focus_row = -1;

  /* A picture cannot be scrolled. So that every part of the log is on it, a group shows only its first lanes; how many,
   * is what fits.
   */
  for (guint limit = 64; limit >= MIN_CHILDREN; limit--)
    {
      g_clear_pointer (&layout, svi_layout_free);
      layout = svi_layout_new (catalog, folded, filter, limit);
      if (layout->height <= svi_frame_lanes_height (&frame))
        break;
    }
  frame.layout = layout;

  svi_time_view_init (&frame.view, length, frame.width - frame.gutter);
  if (options->from != NULL || options->to != NULL)
    svi_time_view_show (&frame.view, from, to, 0);

  request = svi_scene_request_new (frame.view.from_ns, frame.view.from_ns + frame.view.span_ns,
                                   frame.view.span_ns / frame.view.width);
  for (guint i = 0; i < layout->rows->len; i++)
    {
      const SviLayoutRow *row = &g_array_index (layout->rows, SviLayoutRow, i);

      if (row->y < svi_frame_lanes_height (&frame))
        g_array_append_val (request->lanes, row->lane);
    }
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
    draw_panel (cr, &palette, pango, catalog, holdings, cursor, frame.width, HEADER_HEIGHT, panel, frame.height);

  svi_color_set (cr, palette.line);
  cairo_rectangle (cr, 0, HEADER_HEIGHT - 1, options->width, 1);
  cairo_fill (cr);

  if (svg)
    cairo_surface_finish (surface);
  status = svg ? cairo_surface_status (surface) : cairo_surface_write_to_png (surface, picture_path);
  if (status != CAIRO_STATUS_SUCCESS)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "“%s” cannot be written: %s", picture_path,
                 cairo_status_to_string (status));
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

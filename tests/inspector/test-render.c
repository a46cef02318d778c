/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Drawing: colours at computed places of a frame, and the whole picture that --render makes */

#include <cairo.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "store/svi-lanes.h"
#include "view/svi-render.h"
#include "view/svi-timeline-draw.h"
#include "synthetic-log.h"

#define WIDTH 1000
#define HEIGHT 400
#define GUTTER 200

typedef struct
{
  cairo_surface_t *surface;
  PangoContext    *pango;
  SviCatalog      *catalog;
  SviLayout       *layout;
  SviScene        *scene;
  SviPalette       palette;
  SviFrame         frame;
} Canvas;

/* One engine lane and one range lane over a thousand nanoseconds, a pixel each */
static void
canvas_init (Canvas   *canvas,
             gboolean  dark)
{
  SviEventRef run = { SVI_EVENT_ENGINE_RUN, 1 }, state = { SVI_EVENT_RANGE_STATE, 2 },
              other = { SVI_EVENT_RANGE_STATE, 3 };

  memset (canvas, 0, sizeof *canvas);
  canvas->surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  canvas->pango = pango_font_map_create_context (pango_cairo_font_map_get_default ());
  canvas->catalog = svi_catalog_new ();
  svi_catalog_add (canvas->catalog, SVI_LANE_GROUP, -1, 1, "gpu/0", "GPU 0", NULL)->tint =
    svi_tint (SVI_TINT_GPU, 0);
  svi_catalog_add (canvas->catalog, SVI_LANE_ENGINE, 0, 2, "gpu/0/vcs0", "vcs0", NULL);
  svi_catalog_add (canvas->catalog, SVI_LANE_RANGE, 0, 3, "gpu/0/range", "0x1000", "2 MiB");
  canvas->catalog->n_gpus = 2;
  canvas->layout = svi_layout_new (canvas->catalog, NULL, NULL, NULL);

  canvas->scene = svi_scene_new (canvas->catalog, 0, WIDTH - GUTTER, 1);
  svi_scene_begin (canvas->scene, 1);
  svi_scene_add (canvas->scene, 100, 300, svi_tint (SVI_TINT_THREAD, 2), run, NULL);
  svi_scene_end (canvas->scene);
  svi_scene_begin (canvas->scene, 2);
  svi_scene_add (canvas->scene, 0, 400, svi_tint (SVI_TINT_SYSTEM, 0), state, NULL);
  svi_scene_add (canvas->scene, 400, 800, svi_tint (SVI_TINT_GPU, 1), other, NULL);
  svi_scene_end (canvas->scene);

  svi_palette_init (&canvas->palette, dark);
  canvas->frame.width = WIDTH;
  canvas->frame.height = HEIGHT;
  canvas->frame.gutter = GUTTER;
  canvas->frame.show_legend = TRUE;
  canvas->frame.layout = canvas->layout;
  canvas->frame.scene = canvas->scene;
  canvas->frame.palette = &canvas->palette;
  canvas->frame.pango = canvas->pango;
  canvas->frame.n_gpus = 2;
  canvas->frame.cursor_ns = canvas->frame.hover_ns = canvas->frame.mark_from_ns =
    canvas->frame.mark_to_ns = NAN;
  canvas->frame.hover_row = canvas->frame.focus_row = -1;
  svi_time_view_init (&canvas->frame.view, WIDTH - GUTTER, WIDTH - GUTTER);
  svi_time_view_show (&canvas->frame.view, 0, WIDTH - GUTTER, 0);
}

static void
canvas_draw (Canvas *canvas)
{
  cairo_t *cr = cairo_create (canvas->surface);

  svi_timeline_draw (cr, &canvas->frame);
  g_assert_cmpint (cairo_status (cr), ==, CAIRO_STATUS_SUCCESS);
  cairo_destroy (cr);
  cairo_surface_flush (canvas->surface);
}

static void
canvas_clear (Canvas *canvas)
{
  svi_scene_unref (canvas->scene);
  svi_layout_free (canvas->layout);
  svi_catalog_unref (canvas->catalog);
  g_object_unref (canvas->pango);
  cairo_surface_destroy (canvas->surface);
}

static guint32
pixel (cairo_surface_t *surface,
       int              x,
       int              y)
{
  const guchar *data = cairo_image_surface_get_data (surface);
  guint32 value;

  memcpy (&value, data + y * cairo_image_surface_get_stride (surface) + x * 4, sizeof value);
  return value & 0xffffff;
}

static gboolean
is_close (guint32  value,
          SviColor color)
{
  int red = (int) (value >> 16) - (int) (color.red * 255);
  int green = (int) (value >> 8 & 0xff) - (int) (color.green * 255);
  int blue = (int) (value & 0xff) - (int) (color.blue * 255);

  return ABS (red) <= 3 && ABS (green) <= 3 && ABS (blue) <= 3;
}

static void
assert_color (Canvas   *canvas,
              double    ns,
              guint     row,
              SviColor  color)
{
  const SviLayoutRow *entry = &g_array_index (canvas->layout->rows, SviLayoutRow, row);
  int x = (int) (GUTTER + svi_time_view_to_x (&canvas->frame.view, ns));
  int y = (int) (SVI_RULER_HEIGHT + entry->y - canvas->frame.scroll_y + entry->height / 2);
  guint32 value = pixel (canvas->surface, x, y);

  if (!is_close (value, color))
    g_test_message ("At %.0f ns in row %u there is #%06x, not #%02x%02x%02x", ns, row, value,
                    (int) (color.red * 255), (int) (color.green * 255), (int) (color.blue * 255));
  g_assert_true (is_close (value, color));
}

static void
test_places (gconstpointer data)
{
  Canvas canvas;

  canvas_init (&canvas, GPOINTER_TO_INT (data));
  canvas_draw (&canvas);

  assert_color (&canvas, 200, 1, svi_palette_tint (&canvas.palette, svi_tint (SVI_TINT_THREAD, 2)));
  assert_color (&canvas, 350, 1, canvas.palette.background);
  assert_color (&canvas, 55, 1, canvas.palette.background);
  assert_color (&canvas, 150, 2, svi_palette_tint (&canvas.palette, svi_tint (SVI_TINT_SYSTEM, 0)));
  assert_color (&canvas, 650, 2, svi_palette_gpu (&canvas.palette, 1));
  assert_color (&canvas, 350, 0, canvas.palette.group);
  canvas_clear (&canvas);
}

/* Panning by a hundred pixels moves what is drawn by a hundred pixels */
static void
test_pan (void)
{
  Canvas canvas;

  canvas_init (&canvas, FALSE);
  canvas.frame.view.length_ns = 1e6;
  canvas.frame.view.from_ns = 100;
  canvas_draw (&canvas);
  assert_color (&canvas, 200, 1, svi_palette_tint (&canvas.palette, svi_tint (SVI_TINT_THREAD, 2)));
  assert_color (&canvas, 350, 1, canvas.palette.background);

  canvas.frame.scroll_y = 30;
  canvas_draw (&canvas);
  assert_color (&canvas, 200, 1, svi_palette_tint (&canvas.palette, svi_tint (SVI_TINT_THREAD, 2)));
  canvas_clear (&canvas);
}

static void
test_marks (void)
{
  SviFlow flow = { 1, 2, 250, 700 };
  Canvas canvas;
  guint changed = 0;

  canvas_init (&canvas, FALSE);
  canvas_draw (&canvas);
  assert_color (&canvas, 480, 1, canvas.palette.background);

  canvas.frame.cursor_ns = 600;
  canvas.frame.mark_from_ns = 450;
  canvas.frame.mark_to_ns = 520;
  canvas.frame.selected = (SviEventRef) { SVI_EVENT_ENGINE_RUN, 1 };
  canvas.frame.flows = &flow;
  canvas.frame.n_flows = 1;
  canvas.frame.hover_ns = 50;
  canvas.frame.hover_row = 1;
  canvas.frame.focus_row = 2;
  canvas_draw (&canvas);

  /* The selected time is tinted, the cursor has its colour, the arrow arrived */
  {
    const SviLayoutRow *row = &g_array_index (canvas.layout->rows, SviLayoutRow, 1);
    int y = (int) (SVI_RULER_HEIGHT + row->y + row->height / 2);

    g_assert_false (is_close (pixel (canvas.surface, GUTTER + 480, y), canvas.palette.background));
    for (int x = GUTTER + 598; x <= GUTTER + 602; x++)
      changed += is_close (pixel (canvas.surface, x, 300), canvas.palette.accent);
  }
  g_assert_cmpuint (changed, >, 0);
  canvas_clear (&canvas);
}

/* A frame without lanes, without a scene, or too small for its parts is still a frame */
static void
test_degenerate (void)
{
  Canvas canvas;

  canvas_init (&canvas, TRUE);
  canvas.frame.scene = NULL;
  canvas_draw (&canvas);
  canvas.frame.width = 10;
  canvas.frame.height = 10;
  canvas.frame.view.width = 1;
  canvas_draw (&canvas);
  canvas_clear (&canvas);
}

static char *directory;
static char *log_path;
static SyntheticLogFacts facts;

static cairo_surface_t *
render (const SviRenderOptions *options)
{
  g_autofree char *path = g_build_filename (directory, "picture.png", NULL);
  g_autoptr (GError) error = NULL;
  cairo_surface_t *surface;

  g_assert_true (svi_render_picture (log_path, path, options, &error));
  g_assert_no_error (error);
  surface = cairo_image_surface_create_from_png (path);
  g_assert_cmpint (cairo_surface_status (surface), ==, CAIRO_STATUS_SUCCESS);
  g_assert_cmpint (cairo_image_surface_get_width (surface), ==, options->width);
  g_assert_cmpint (cairo_image_surface_get_height (surface), ==, options->height);
  g_unlink (path);
  return surface;
}

static guint
count_color (cairo_surface_t *surface,
             SviColor         color)
{
  guint n = 0;

  for (int y = 0; y < cairo_image_surface_get_height (surface); y++)
    for (int x = 0; x < cairo_image_surface_get_width (surface); x++)
      n += is_close (pixel (surface, x, y), color);
  return n;
}

/* The picture of a log has its memory on both GPUs and in the system, its cursor, and much else */
static void
test_picture (gconstpointer data)
{
  SviRenderOptions options = { .width = 1400, .height = 900, .dark = GPOINTER_TO_INT (data) };
  cairo_surface_t *surface = render (&options);
  SviPalette palette;

  svi_palette_init (&palette, options.dark);
  g_assert_cmpuint (count_color (surface, svi_palette_gpu (&palette, 0)), >, 2000);
  g_assert_cmpuint (count_color (surface, svi_palette_gpu (&palette, 1)), >, 2000);
  g_assert_cmpuint (
    count_color (surface, svi_palette_tint (&palette, svi_tint (SVI_TINT_SYSTEM, 0))), >, 500);
  g_assert_cmpuint (count_color (surface, palette.accent), >, 300);
  cairo_surface_destroy (surface);
}

static void
test_picture_repeats (void)
{
  SviRenderOptions options = {
    .width = 900, .height = 700, .from = "100 ms", .to = "140 ms", .cursor = "120 ms"
  };
  cairo_surface_t *one = render (&options), *other = render (&options);

  g_assert_cmpmem (cairo_image_surface_get_data (one), 700 * cairo_image_surface_get_stride (one),
                   cairo_image_surface_get_data (other),
                   700 * cairo_image_surface_get_stride (other));
  cairo_surface_destroy (one);
  cairo_surface_destroy (other);
}

static void
test_picture_views (void)
{
  static const char * const views[] = { "timeline", "fault", "gpus", "ranges", "map", "locks" };
  g_autoptr (GHashTable) sums = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (views); i++)
    {
      SviRenderOptions options = {
        .view = views[i], .width = 1000, .height = 600, .from = "1 ms", .to = "2 ms"
      };
      cairo_surface_t *surface = render (&options);

      g_hash_table_add (sums, g_compute_checksum_for_data (
                                G_CHECKSUM_SHA256, cairo_image_surface_get_data (surface),
                                (gsize) cairo_image_surface_get_stride (surface) * 600));
      cairo_surface_destroy (surface);
    }
  g_assert_cmpuint (g_hash_table_size (sums), ==, G_N_ELEMENTS (views));
}

static void
test_picture_svg (void)
{
  SviRenderOptions options = { .width = 1000, .height = 600 };
  g_autofree char *path = g_build_filename (directory, "picture.svg", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (svi_render_picture (log_path, path, &options, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_nonnull (strstr (contents, "<svg"));
  g_assert_nonnull (strstr (contents, "</svg>"));
  g_unlink (path);
}

static void
test_picture_wrong (void)
{
  static const SviRenderOptions wrong[] = {
    { .view = "soup", .width = 800, .height = 600 },
    { .width = 10, .height = 600 },
    { .width = 800, .height = 1000000 },
    { .width = 800, .height = 600, .from = "yesterday" },
    { .width = 800, .height = 600, .from = "2 s", .to = "1 s" },
  };
  g_autofree char *path = g_build_filename (directory, "wrong.png", NULL);
  SviRenderOptions good = { .width = 800, .height = 600 };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (svi_render_picture (log_path, path, &wrong[i], &error));
      g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
      g_clear_error (&error);
    }
  g_assert_false (svi_render_picture ("/nowhere/run.db", path, &good, &error));
  g_assert_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_OPEN);
  g_clear_error (&error);
  g_assert_false (svi_render_picture (log_path, "/nowhere/picture.png", &good, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

int
main (int    argc,
      char **argv)
{
  SyntheticLogOptions options = SYNTHETIC_LOG_DEFAULTS;
  g_autofree char *wal = NULL;
  g_autofree char *shm = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);

  directory = g_dir_make_tmp ("svi-render-XXXXXX", NULL);
  log_path = g_build_filename (directory, "run.db", NULL);
  wal = g_strdup_printf ("%s-wal", log_path);
  shm = g_strdup_printf ("%s-shm", log_path);
  synthetic_log_write (log_path, SCHEMA_PATH, &options, &facts);

  g_test_add_data_func ("/frame/places/light", GINT_TO_POINTER (FALSE), test_places);
  g_test_add_data_func ("/frame/places/dark", GINT_TO_POINTER (TRUE), test_places);
  g_test_add_func ("/frame/pan", test_pan);
  g_test_add_func ("/frame/marks", test_marks);
  g_test_add_func ("/frame/degenerate", test_degenerate);
  g_test_add_data_func ("/picture/light", GINT_TO_POINTER (FALSE), test_picture);
  g_test_add_data_func ("/picture/dark", GINT_TO_POINTER (TRUE), test_picture);
  g_test_add_func ("/picture/repeats", test_picture_repeats);
  g_test_add_func ("/picture/views", test_picture_views);
  g_test_add_func ("/picture/svg", test_picture_svg);
  g_test_add_func ("/picture/wrong", test_picture_wrong);
  result = g_test_run ();

  g_unlink (log_path);
  g_unlink (wal);
  g_unlink (shm);
  g_rmdir (directory);
  g_free (log_path);
  g_free (directory);
  return result;
}

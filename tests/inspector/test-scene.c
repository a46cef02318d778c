/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Scenes and layouts: stacking, hit tests, folding, filtering */

#include <glib.h>
#include <math.h>

#include "view/svi-timeline-draw.h"

static SviCatalog *
make_catalog (void)
{
  SviCatalog *catalog = svi_catalog_new ();

  svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 1, "gpu/0", "GPU 0", NULL);
  svi_catalog_add (catalog, SVI_LANE_ENGINE, 0, 2, "gpu/0/vcs0", "vcs0", NULL);
  svi_catalog_add (catalog, SVI_LANE_FAULT, 0, 3, "gpu/0/faults", "Faults", NULL)->rows = 3;
  svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 0, "locks", "Locks", NULL);
  svi_catalog_add (catalog, SVI_LANE_GROUP, 3, 0, "locks/notifier", "notifier", NULL);
  svi_catalog_add (catalog, SVI_LANE_LOCK, 4, 4, "locks/notifier/4", "notifier 1", NULL);
  return catalog;
}

static void
test_catalog (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  gint64 thread = 77;

  g_assert_cmpuint (svi_catalog_size (catalog), ==, 6);
  g_assert_cmpint (svi_catalog_find (catalog, "locks/notifier/4"), ==, 5);
  g_assert_cmpint (svi_catalog_find (catalog, "nothing"), ==, -1);
  g_assert_cmpint (svi_catalog_find_thing (catalog, 3), ==, 2);
  g_assert_cmpint (svi_catalog_find_thing (catalog, 1), ==, -1);
  g_assert_cmpint (svi_catalog_find_thing (catalog, 0), ==, -1);
  g_assert_cmpint (svi_catalog_get (catalog, 5)->level, ==, 2);
  g_assert_cmpuint (svi_catalog_get (catalog, 0)->children, ==, 2);
  g_assert_null (svi_catalog_name (catalog, 99));

  g_hash_table_insert (catalog->tints, g_memdup2 (&thread, sizeof thread), GUINT_TO_POINTER (3));
  g_assert_cmpuint (svi_catalog_thread_tint (catalog, 77), ==, svi_tint (SVI_TINT_THREAD, 3));
  g_assert_cmpuint (svi_tint_class (svi_catalog_thread_tint (catalog, 12345)), ==, SVI_TINT_THREAD);
}

static void
test_stack (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (SviScene) scene = svi_scene_new (catalog, 0, 100, 1);
  SviEventRef none = { SVI_EVENT_FAULT, 1 };
  const SviSpan *spans;

  svi_scene_begin (scene, 2);
  svi_scene_add (scene, 0, 10, 0, none, "a");
  svi_scene_add (scene, 5, 15, 0, none, "b");
  svi_scene_add (scene, 10, 20, 0, none, "c");
  svi_scene_add (scene, 11, 12, 0, none, "d");
  svi_scene_add (scene, 11.5, 13, 0, none, "e");
  svi_scene_stack (scene, 0, 3);
  svi_scene_end (scene);

  spans = svi_scene_spans (scene, svi_scene_find_lane (scene, 2));
  g_assert_cmpuint (spans[0].row, ==, 0);
  g_assert_cmpuint (spans[1].row, ==, 1);
  g_assert_cmpuint (spans[2].row, ==, 0);
  g_assert_cmpuint (spans[3].row, ==, 2);
  g_assert_cmpuint (spans[4].row, ==, 2);
  g_assert_cmpuint (svi_scene_find_lane (scene, 2)->n_rows, ==, 3);
  g_assert_null (svi_scene_find_lane (scene, 1));
}

static void
test_hit (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (SviScene) scene = svi_scene_new (catalog, 0, 100, 1);
  SviEventRef one = { SVI_EVENT_ENGINE_RUN, 1 }, two = { SVI_EVENT_ENGINE_RUN, 2 };

  svi_scene_begin (scene, 1);
  svi_scene_add (scene, 0, 50, 0, one, NULL);
  svi_scene_add (scene, 20, 22, 0, two, NULL);
  svi_scene_end (scene);

  g_assert_cmpint (svi_scene_hit (scene, 1, 10, 1, -1)->event.id, ==, 1);
  g_assert_cmpint (svi_scene_hit (scene, 1, 21, 1, -1)->event.id, ==, 2);
  g_assert_cmpint (svi_scene_hit (scene, 1, 50.5, 1, -1)->event.id, ==, 1);
  g_assert_null (svi_scene_hit (scene, 1, 60, 1, -1));
  g_assert_null (svi_scene_hit (scene, 0, 10, 1, -1));
}

static void
test_covers (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (SviScene) scene = svi_scene_new (catalog, 0, 1000, 10);

  g_assert_true (svi_scene_covers (scene, 0, 1000, 10));
  g_assert_true (svi_scene_covers (scene, 100, 200, 30));
  g_assert_false (svi_scene_covers (scene, -1, 100, 10));
  g_assert_false (svi_scene_covers (scene, 0, 1001, 10));
  /* Too coarse for a closer look; much finer than a far one needs */
  g_assert_false (svi_scene_covers (scene, 0, 100, 5));
  g_assert_false (svi_scene_covers (scene, 0, 1000, 100));
}

static guint
visible (SviLayout *layout)
{
  return layout->rows->len;
}

static void
test_layout_fold (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (GHashTable) folded = g_hash_table_new (g_str_hash, g_str_equal);
  SviLayout *layout;

  layout = svi_layout_new (catalog, folded, NULL, NULL);
  g_assert_cmpuint (visible (layout), ==, 6);
  g_assert_cmpint (svi_layout_row_at (layout, -1), ==, -1);
  g_assert_cmpint (svi_layout_row_at (layout, 0), ==, 0);
  g_assert_cmpint (svi_layout_row_at (layout, layout->height - 0.1), ==, 5);
  g_assert_cmpint (svi_layout_row_at (layout, layout->height), ==, -1);
  for (guint i = 0; i < visible (layout); i++)
    {
      const SviLayoutRow *row = &g_array_index (layout->rows, SviLayoutRow, i);

      g_assert_cmpint (svi_layout_row_at (layout, row->y), ==, (int) i);
      g_assert_cmpint (svi_layout_find_lane (layout, row->lane), ==, (int) i);
    }
  svi_layout_free (layout);

  g_hash_table_add (folded, (char *) "locks");
  layout = svi_layout_new (catalog, folded, NULL, NULL);
  g_assert_cmpuint (visible (layout), ==, 4);
  g_assert_cmpint (svi_layout_find_lane (layout, 5), ==, -1);

  /* A search looks into closed groups, and shows the way to what it finds */
  svi_layout_free (layout);
  layout = svi_layout_new (catalog, folded, "NOTIFIER 1", NULL);
  g_assert_cmpuint (visible (layout), ==, 3);
  g_assert_cmpint (svi_layout_find_lane (layout, 5), ==, 2);
  svi_layout_free (layout);

  layout = svi_layout_new (catalog, folded, "gpu 0", NULL);
  g_assert_cmpuint (visible (layout), ==, 3);
  svi_layout_free (layout);

  layout = svi_layout_new (catalog, folded, "nowhere", NULL);
  g_assert_cmpuint (visible (layout), ==, 0);
  svi_layout_free (layout);

  layout = svi_layout_new (NULL, NULL, NULL, NULL);
  g_assert_cmpuint (visible (layout), ==, 0);
  svi_layout_free (layout);
}

/* Of what does not fit the busiest stay, and something of each kind does */
static void
test_layout_fit (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  double previous = 0;

  svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 0, "ranges", "SVM ranges", NULL);
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *path = g_strdup_printf ("ranges/%u", i);

      svi_catalog_add (catalog, SVI_LANE_RANGE, 6, 100 + i, path, path, NULL)->weight = i;
    }

  for (double height = 250; height < 1600; height += 90)
    {
      g_autoptr (SviLayout) layout = svi_layout_new_to_fit (catalog, NULL, FALSE, height);

      g_assert_cmpfloat (layout->height, <=, height);
      g_assert_cmpfloat (layout->height, >=, previous);
      g_assert_cmpint (svi_layout_find_lane (layout, 5), >=, 0);
      g_assert_cmpint (svi_layout_find_lane (layout, 46), >=, 0);
      previous = layout->height;
    }
  {
    g_autoptr (SviLayout) map = svi_layout_new_to_fit (catalog, NULL, TRUE, 600);
    g_autoptr (SviLayout) layout = svi_layout_new_to_fit (catalog, NULL, FALSE, 5000);

    g_assert_cmpuint (map->rows->len, ==, svi_catalog_size (catalog));
    g_assert_cmpuint (layout->rows->len, ==, svi_catalog_size (catalog));
  }
}

/* A picture shows where memory moved, however busy a VM without ranges is */
static void
test_layout_fit_ranges (void)
{
  g_autoptr (SviCatalog) catalog = svi_catalog_new ();
  g_autoptr (SviLayout) layout = NULL;
  SviLane *busy = svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 1, "vm/1", "VM 1", NULL);

  busy->alive_from = 0;
  busy->weight = 1000;
  svi_catalog_add (catalog, SVI_LANE_QUEUE, 0, 2, "queue/2", "Queue 2", NULL)->weight = 1000;
  svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 3, "vm/3", "VM 3", NULL)->alive_from = 0;
  svi_catalog_add (catalog, SVI_LANE_GROUP, 2, 0, "vm/3/ranges", "SVM ranges", NULL);
  svi_catalog_add (catalog, SVI_LANE_RANGE, 3, 4, "range/4", "0x1000", NULL)->weight = 1;

  layout = svi_layout_new_to_fit (catalog, NULL, FALSE, 100);
  g_assert_cmpint (svi_layout_find_lane (layout, 4), >=, 0);
  g_assert_cmpint (svi_layout_find_lane (layout, 1), <, 0);
}

static void
test_bands (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (SviLayout) layout = svi_layout_new (catalog, NULL, NULL, NULL);

  /* No sub-row leaves its row, and holders are above waiters */
  for (guint i = 0; i < layout->rows->len; i++)
    {
      const SviLayoutRow *row = &g_array_index (layout->rows, SviLayoutRow, i);
      const SviLane *lane = svi_catalog_get (catalog, row->lane);

      for (guint rows = 1; rows <= 4; rows++)
        for (guint sub = 0; sub < 6; sub++)
          {
            double y, height;

            svi_layout_row_band (lane, row, sub, rows, &y, &height);
            g_assert_cmpfloat (y, >=, 0);
            g_assert_cmpfloat (height, >, 0);
            g_assert_cmpfloat (y + height, <=, row->height);
            if (lane->kind == SVI_LANE_LOCK && sub >= lane->rows)
              g_assert_cmpfloat (y, >, row->height / 2);
          }
    }
}

static void
test_frame_hit (void)
{
  g_autoptr (SviCatalog) catalog = make_catalog ();
  g_autoptr (SviLayout) layout = svi_layout_new (catalog, NULL, NULL, NULL);
  g_autoptr (SviScene) scene = svi_scene_new (catalog, 0, 1000, 1);
  SviEventRef event = { SVI_EVENT_ENGINE_RUN, 42 };
  SviFrame frame = { 0 };
  SviHit hit;

  svi_scene_begin (scene, 1);
  svi_scene_add (scene, 400, 600, 0, event, NULL);
  svi_scene_end (scene);

  frame.width = 1200;
  frame.height = 500;
  frame.gutter = 200;
  frame.show_legend = TRUE;
  frame.layout = layout;
  frame.scene = scene;
  svi_time_view_init (&frame.view, 1000, 1000);
  svi_time_view_show (&frame.view, 0, 1000, 0);

  svi_timeline_hit (&frame, 700, 10, &hit);
  g_assert_cmpint (hit.part, ==, SVI_HIT_RULER);
  svi_timeline_hit (&frame, 700, 490, &hit);
  g_assert_cmpint (hit.part, ==, SVI_HIT_LEGEND);
  svi_timeline_hit (&frame, 20, SVI_RULER_HEIGHT + 5, &hit);
  g_assert_cmpint (hit.part, ==, SVI_HIT_GUTTER);
  g_assert_cmpint (hit.lane, ==, 0);

  svi_timeline_hit (&frame, 700, SVI_RULER_HEIGHT + 30 + 13, &hit);
  g_assert_cmpint (hit.part, ==, SVI_HIT_LANE);
  g_assert_cmpint (hit.lane, ==, 1);
  g_assert_cmpfloat_with_epsilon (hit.ns, 500, 0.001);
  g_assert_nonnull (hit.span);
  g_assert_cmpint (hit.span->event.id, ==, 42);

  svi_timeline_hit (&frame, 300, SVI_RULER_HEIGHT + 30 + 13, &hit);
  g_assert_null (hit.span);

  /* Scrolling moves the lanes below the pointer */
  frame.scroll_y = 30;
  svi_timeline_hit (&frame, 700, SVI_RULER_HEIGHT + 13, &hit);
  g_assert_cmpint (hit.lane, ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scene/catalog", test_catalog);
  g_test_add_func ("/scene/stack", test_stack);
  g_test_add_func ("/scene/hit", test_hit);
  g_test_add_func ("/scene/covers", test_covers);
  g_test_add_func ("/layout/fold", test_layout_fold);
  g_test_add_func ("/layout/fit", test_layout_fit);
  g_test_add_func ("/layout/fit-ranges", test_layout_fit_ranges);
  g_test_add_func ("/layout/bands", test_bands);
  g_test_add_func ("/frame/hit", test_frame_hit);

  return g_test_run ();
}

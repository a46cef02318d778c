/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Reading logs: opening, lanes, scenes at every scale against the log itself, details, what holds
 * at a moment
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "store/svi-describe.h"
#include "store/svi-details.h"
#include "store/svi-lanes.h"
#include "store/svi-scene-query.h"
#include "synthetic-log.h"

typedef struct
{
  char              *directory;
  char              *path;
  SyntheticLogFacts  facts;
  SviLog            *log;
  SviCatalog        *catalog;
} Fixture;

static SviScene *load_scene (Fixture *fixture, double from_ns, double to_ns, double pixels);

static void
remove_log (const char *path)
{
  g_autofree char *wal = g_strdup_printf ("%s-wal", path);
  g_autofree char *shm = g_strdup_printf ("%s-shm", path);

  g_unlink (path);
  g_unlink (wal);
  g_unlink (shm);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  SyntheticLogOptions options = SYNTHETIC_LOG_DEFAULTS;
  g_autoptr (GError) error = NULL;

  if (data != NULL)
    options = *(const SyntheticLogOptions *) data;

  fixture->directory = g_dir_make_tmp ("svi-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "run.db", NULL);
  synthetic_log_write (fixture->path, SCHEMA_PATH, &options, &fixture->facts);
  fixture->log = svi_log_open (fixture->path, &error);
  g_assert_no_error (error);
  svi_log_begin (fixture->log, NULL);
  fixture->catalog = svi_lanes_load (fixture->log, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  svi_log_end (fixture->log);
  svi_catalog_unref (fixture->catalog);
  svi_log_close (fixture->log);
  remove_log (fixture->path);
  g_rmdir (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static void
execute (const char *path,
         const char *sql)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static void
assert_open_fails (const char *path,
                   int         code,
                   const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SviLog) log = svi_log_open (path, &error);

  g_assert_null (log);
  g_assert_error (error, SVI_LOG_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_not_a_log (Fixture       *fixture,
                gconstpointer  data)
{
  g_autofree char *other = g_build_filename (fixture->directory, "other", NULL);

  assert_open_fails ("/nowhere/run.db", SVI_LOG_ERROR_OPEN, "does not exist");
  assert_open_fails (fixture->directory, SVI_LOG_ERROR_NOT_LOG, "folder");

  g_assert_true (g_file_set_contents (
    other, "A letter to a friend, long enough to be read as a page", -1, NULL));
  assert_open_fails (other, SVI_LOG_ERROR_NOT_LOG, "not an event log");

  g_assert_true (g_file_set_contents (other, "", 0, NULL));
  assert_open_fails (other, SVI_LOG_ERROR_NOT_LOG, "nothing was written");

  g_unlink (other);
  execute (other, "CREATE TABLE recipe (name TEXT); PRAGMA application_id = 7;");
  assert_open_fails (other, SVI_LOG_ERROR_NOT_LOG, "not an event log");
  remove_log (other);
}

static void
test_version (Fixture       *fixture,
              gconstpointer  data)
{
  svi_log_end (fixture->log);
  execute (fixture->path, "PRAGMA user_version = 2");
  assert_open_fails (fixture->path, SVI_LOG_ERROR_VERSION, "newer inspector");
  execute (fixture->path, "PRAGMA user_version = 0");
  assert_open_fails (fixture->path, SVI_LOG_ERROR_VERSION, "version 0");
  svi_log_begin (fixture->log, NULL);
}

/* Whatever is wrong with a file, it opens or says why, and never brings the program down */
static void
test_damage (Fixture       *fixture,
             gconstpointer  data)
{
  g_autofree char *contents = NULL;
  g_autofree char *copy = g_build_filename (fixture->directory, "damaged.db", NULL);
  gsize length;
  guint opened = 0, noticed = 0;

  svi_log_end (fixture->log);
  execute (fixture->path, "PRAGMA wal_checkpoint (TRUNCATE)");
  svi_log_begin (fixture->log, NULL);
  g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));

  for (guint round = 0; round < 40; round++)
    {
      g_autofree char *damaged = g_memdup2 (contents, length);
      gsize size = length;
      g_autoptr (SviLog) log = NULL;
      g_autoptr (GError) error = NULL;

      if (round % 4 == 0)
        size = (gsize) g_test_rand_int_range (0, (int) length);
      else
        for (guint hole = 0; hole < 1 + round / 2; hole++)
          {
            gsize at = (gsize) g_test_rand_int_range (round % 4 == 1 ? 0 : 4096,
                                                      (int) length - 600);

            for (guint byte = 0; byte < 512; byte++)
              damaged[at + byte] = (char) g_test_rand_int_range (0, 256);
          }
      g_assert_true (g_file_set_contents (copy, damaged, (gssize) size, NULL));

      log = svi_log_open (copy, &error);
      if (log == NULL)
        {
          g_assert_nonnull (error);
          g_assert_cmpint (error->domain, ==, SVI_LOG_ERROR);
          continue;
        }

      opened++;
      svi_log_begin (log, NULL);
      {
        g_autoptr (SviCatalog) catalog = svi_lanes_load (log, NULL, NULL);
        double to = (double) svi_log_get_length (log);

        if (catalog != NULL)
          {
            g_autoptr (SviSceneRequest) request = svi_scene_request_new (0, to, MAX (to, 1) / 500);
            g_autoptr (SviScene) scene = NULL;

            for (guint i = 0; i < svi_catalog_size (catalog); i++)
              g_array_append_val (request->lanes, i);
            scene = svi_scene_load (log, catalog, request, NULL, NULL);
            g_assert_nonnull (scene);
            for (guint s = 0; s < scene->spans->len; s += 1 + scene->spans->len / 50)
              {
                const SviSpan *span = &g_array_index (scene->spans, SviSpan, s);
                g_autoptr (SviDetails) details = svi_details_load (log, catalog, span->event, NULL);

                g_assert_true (span->label == NULL || g_utf8_validate (span->label, -1, NULL));
                g_assert_true (details == NULL || details->event != NULL);
              }
            for (guint at = 0; at < 5; at++)
              {
                g_autoptr (GPtrArray)
                  holdings = svi_holdings_load (log, catalog, to * at / 5, NULL, NULL, NULL);

                g_assert_true (holdings != NULL || svi_log_get_damage (log) != NULL);
              }
          }
      }
      noticed += svi_log_get_damage (log) != NULL;
      svi_log_end (log);
      remove_log (copy);
    }

  g_test_message ("%u of 40 damaged logs opened, damage noticed in %u", opened, noticed);
  g_assert_cmpuint (noticed, >, 0);
  remove_log (copy);
}

/* Behind a page that cannot be read a lane goes on */
static void
test_damage_within (Fixture       *fixture,
                    gconstpointer  data)
{
  g_autofree char *contents = NULL;
  g_autoptr (SviScene) scene = NULL;
  int lane = svi_catalog_find_thing (fixture->catalog, fixture->facts.lock_notifier);
  const SviSceneLane *entry;
  gsize length;
  guint late = 0;

  svi_log_end (fixture->log);
  execute (fixture->path, "PRAGMA wal_checkpoint (TRUNCATE)");
  svi_log_close (fixture->log);
  g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));

  /* Pages a third into the file hold intervals of a third into the log */
  memset (contents + length / 3 / 4096 * 4096, 0xa5, 4 * 4096);
  g_assert_true (g_file_set_contents (fixture->path, contents, (gssize) length, NULL));
  fixture->log = svi_log_open (fixture->path, NULL);
  g_assert_nonnull (fixture->log);
  svi_log_begin (fixture->log, NULL);

  scene = load_scene (fixture, 0, (double) fixture->facts.length_ns, 1000);
  g_assert_nonnull (scene->damage);
  entry = svi_scene_find_lane (scene, (guint) lane);
  for (guint i = 0; i < entry->n_spans; i++)
    late += svi_scene_spans (scene, entry)[i].start_ns > 0.8 * (double) fixture->facts.length_ns;
  g_assert_cmpuint (late, >, 10);
}

static void
test_read_only (Fixture       *fixture,
                gconstpointer  data)
{
  g_assert_cmpint (sqlite3_exec (svi_log_get_handle (fixture->log), "DELETE FROM meta", NULL, NULL,
                                 NULL),
                   ==, SQLITE_READONLY);
}

/* A log in a folder where nothing can be written, as on a read-only file system: no write-ahead log
 * beside it
 */
static void
test_immutable (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SviLog) log = NULL;

  svi_log_end (fixture->log);
  svi_log_close (fixture->log);
  g_assert_cmpint (g_chmod (fixture->path, 0444), ==, 0);
  g_assert_cmpint (g_chmod (fixture->directory, 0555), ==, 0);

  log = svi_log_open (fixture->path, &error);
  g_assert_no_error (error);
  svi_log_begin (log, NULL);
  g_assert_cmpint (svi_log_get_length (log), ==, fixture->facts.length_ns);
  svi_log_end (log);

  g_assert_cmpint (g_chmod (fixture->directory, 0755), ==, 0);
  fixture->log = svi_log_open (fixture->path, NULL);
  svi_log_begin (fixture->log, NULL);
}

static void
test_length (Fixture       *fixture,
             gconstpointer  data)
{
  g_assert_cmpint (svi_log_get_length (fixture->log), ==, fixture->facts.length_ns);
}

static void
test_lanes (Fixture       *fixture,
            gconstpointer  data)
{
  SviCatalog *catalog = fixture->catalog;
  guint ranges = 0, locks = 0;

  g_assert_cmpuint (catalog->n_gpus, ==, 2);
  g_assert_cmpint (svi_catalog_find (catalog, "gpu/0"), >=, 0);
  g_assert_cmpint (svi_catalog_find (catalog, "gpu/1"), >=, 0);
  g_assert_cmpint (svi_catalog_find (catalog, "locks"), >=, 0);
  g_assert_cmpint (svi_catalog_find_thing (catalog, fixture->facts.lock_notifier), >=, 0);
  g_assert_cmpint (svi_catalog_find_thing (catalog, fixture->facts.first_range), >=, 0);

  for (guint i = 0; i < svi_catalog_size (catalog); i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      g_assert_nonnull (lane->title);
      g_assert_nonnull (lane->path);
      g_assert_cmpint (svi_catalog_find (catalog, lane->path), ==, (int) i);
      g_assert_cmpint (lane->parent, <, (int) i);
      if (lane->parent >= 0)
        g_assert_cmpint (svi_catalog_get (catalog, (guint) lane->parent)->kind, ==, SVI_LANE_GROUP);
      ranges += lane->kind == SVI_LANE_RANGE;
      locks += lane->kind == SVI_LANE_LOCK;
    }
  g_assert_cmpuint (ranges, ==, 24);
  g_assert_cmpuint (locks, ==, 7);
}

/* A log of a whole test run: the VMs of a process are one group, closed, and busy things weigh more
 * than idle ones
 */
static void
test_lanes_many (Fixture       *fixture,
                 gconstpointer  data)
{
  SviCatalog *catalog = fixture->catalog;
  g_autoptr (GHashTable) paths = g_hash_table_new (g_str_hash, g_str_equal);
  guint processes = 0, vms = 0;

  for (guint i = 0; i < svi_catalog_size (catalog); i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      g_assert_true (g_hash_table_add (paths, lane->path));
      processes += g_str_has_prefix (lane->path, "process/");
      vms += lane->kind == SVI_LANE_VM;
      if (g_str_has_prefix (lane->path, "process/"))
        {
          g_assert_true (lane->folded);
          g_assert_cmpint (lane->alive_from, >=, 0);
        }
      if (lane->parent >= 0)
        g_assert_cmpint (svi_catalog_get (catalog, (guint) lane->parent)->weight, >=, lane->weight);
    }
  g_assert_cmpuint (processes, ==, 11);
  g_assert_cmpuint (vms, ==, 33);
  g_assert_cmpint (svi_catalog_get (catalog, (guint) svi_catalog_find (catalog, "gpu/0"))->weight,
                   >, 100);
}

static SviScene *
load_scene (Fixture *fixture,
            double   from_ns,
            double   to_ns,
            double   pixels)
{
  g_autoptr (SviSceneRequest)
    request = svi_scene_request_new (from_ns, to_ns, (to_ns - from_ns) / pixels);
  g_autoptr (GError) error = NULL;
  SviScene *scene;

  for (guint i = 0; i < svi_catalog_size (fixture->catalog); i++)
    g_array_append_val (request->lanes, i);
  scene = svi_scene_load (fixture->log, fixture->catalog, request, NULL, &error);
  g_assert_no_error (error);
  return scene;
}

/* On every lane and at every scale: each interval of the log that is longer than a pixel and in
 * sight is a span of its own with its own times, each shorter one lies in a pixel that something is
 * drawn in, and no lane has more spans than its pixels can show.
 */
static void
check_scene (Fixture *fixture,
             double   from_ns,
             double   to_ns,
             double   pixels)
{
  g_autoptr (SviScene) scene = load_scene (fixture, from_ns, to_ns, pixels);
  double bucket = (to_ns - from_ns) / pixels;
  double end = (double) svi_log_get_length (fixture->log);
  sqlite3_stmt *row = svi_log_prepare (
    fixture->log,
    "SELECT id, t0, t1 FROM interval WHERE thing_id = ?1 AND t0 <= ?3"
    " AND (t1 IS NULL OR t1 >= ?2) ORDER BY t0",
    NULL);

  for (guint i = 0; i < svi_catalog_size (fixture->catalog); i++)
    {
      const SviLane *lane = svi_catalog_get (fixture->catalog, i);
      const SviSceneLane *entry = svi_scene_find_lane (scene, i);
      g_autoptr (GHashTable) own = g_hash_table_new (g_int64_hash, g_int64_equal);
      SviSpan *spans;

      if (lane->kind == SVI_LANE_GROUP || lane->kind == SVI_LANE_MARKS)
        continue;

      g_assert_nonnull (entry);
      g_assert_cmpuint (entry->n_spans, <=, (guint) (pixels * 8 + 1200));
      spans = (SviSpan *) svi_scene_spans (scene, entry);
      for (guint s = 0; s < entry->n_spans; s++)
        {
          g_assert_cmpfloat (spans[s].end_ns, >=, spans[s].start_ns);
          g_assert_cmpfloat (spans[s].fill, >=, 0);
          g_assert_cmpfloat (spans[s].fill, <=, 1);
          if (s > 0)
            g_assert_cmpfloat (spans[s].start_ns, >=, spans[s - 1].start_ns);
          if (!(spans[s].flags & SVI_SPAN_DENSE))
            g_hash_table_insert (own, &spans[s].event.id, &spans[s]);
        }

      sqlite3_reset (row);
      sqlite3_bind_int64 (row, 1, lane->key);
      sqlite3_bind_int64 (row, 2, (gint64) floor (from_ns));
      sqlite3_bind_int64 (row, 3, (gint64) ceil (to_ns));
      while (svi_log_step (fixture->log, row))
        {
          gint64 id = sqlite3_column_int64 (row, 0);
          double t0 = (double) sqlite3_column_int64 (row, 1);
          gboolean open = sqlite3_column_type (row, 2) == SQLITE_NULL;
          double t1 = open ? end : (double) sqlite3_column_int64 (row, 2);
          const SviSpan *span = g_hash_table_lookup (own, &id);
          gboolean drawn = span != NULL;

          if (t1 - t0 >= 2 * bucket && !drawn)
            {
              g_test_message ("%s: interval %" G_GINT64_FORMAT
                              " from %.0f to %.0f is missing at %.0f ns a pixel",
                              lane->path, id, t0, t1, bucket);
              g_assert_not_reached ();
            }
          if (span != NULL)
            {
              g_assert_cmpfloat (span->start_ns, ==, t0);
              g_assert_cmpfloat (span->end_ns, ==, t1);
              g_assert_cmpint ((span->flags & SVI_SPAN_OPEN) != 0, ==, open);
              continue;
            }

          for (guint s = 0; s < entry->n_spans && !drawn; s++)
            drawn = spans[s].start_ns <= t1 + bucket && spans[s].end_ns >= t0 - bucket;
          g_assert_true (drawn);
        }
    }
}

static void
test_scene_scales (Fixture       *fixture,
                   gconstpointer  data)
{
  double length = (double) fixture->facts.length_ns;

  for (double span = length * 1.1; span > 20; span /= 7)
    for (guint place = 0; place < 4; place++)
      {
        double from = place == 0 ? 1200000 - span / 2
                                 : g_test_rand_double_range (-span / 2, length - span / 2);

        check_scene (fixture, from, from + span, 400);
      }
}

/* The density of the log fills zoomed out pixels; it must not change what is there */
static void
test_scene_crowd (Fixture       *fixture,
                  gconstpointer  data)
{
  double length = (double) fixture->facts.length_ns;
  g_autoptr (SviScene) scene = load_scene (fixture, 0, length, 200);
  int lane = svi_catalog_find_thing (fixture->catalog, fixture->facts.lock_notifier);
  const SviSceneLane *entry = svi_scene_find_lane (scene, (guint) lane);
  const SviSpan *spans = svi_scene_spans (scene, entry);
  gint64 started = g_get_monotonic_time ();

  /* 20 000 holds in the last millisecond are one pixel */
  g_assert_cmpuint (entry->n_spans, <, 1000);
  g_assert_true (spans[entry->n_spans - 1].flags & SVI_SPAN_DENSE);

  for (guint i = 0; i < 5; i++)
    svi_scene_unref (load_scene (fixture, 0, length, 1500));
  g_test_message ("%.1f ms a scene", (double) (g_get_monotonic_time () - started) / 5000);
}

static void
test_scene_cancel (Fixture       *fixture,
                   gconstpointer  data)
{
  g_autoptr (SviSceneRequest) request = svi_scene_request_new (0, 1e9, 1e6);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  SviScene *scene;

  for (guint i = 0; i < svi_catalog_size (fixture->catalog); i++)
    g_array_append_val (request->lanes, i);
  g_cancellable_cancel (cancellable);
  svi_log_end (fixture->log);
  svi_log_begin (fixture->log, cancellable);
  scene = svi_scene_load (fixture->log, fixture->catalog, request, cancellable, &error);
  g_assert_null (scene);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_open_intervals (Fixture       *fixture,
                     gconstpointer  data)
{
  double length = (double) fixture->facts.length_ns;
  g_autoptr (SviScene) scene = load_scene (fixture, length - 1e6, length, 300);
  int lane = svi_catalog_find_thing (fixture->catalog, fixture->facts.first_range);
  const SviSceneLane *entry = svi_scene_find_lane (scene, (guint) lane);

  g_assert_cmpuint (entry->n_spans, ==, 1);
  g_assert_true (svi_scene_spans (scene, entry)->flags & SVI_SPAN_OPEN);
  g_assert_cmpfloat (svi_scene_spans (scene, entry)->end_ns, >=, length - 1);
}

static const char *
field (SviDetails *details,
       const char *name)
{
  for (guint i = 0; i < details->fields->len; i++)
    {
      const SviField *entry = g_ptr_array_index (details->fields, i);

      if (strcmp (entry->name, name) == 0)
        return entry->value;
    }
  return NULL;
}

static void
test_details (Fixture       *fixture,
              gconstpointer  data)
{
  SviEventRef fault = { SVI_EVENT_FAULT, fixture->facts.first_fault };
  SviEventRef migration = { SVI_EVENT_MIGRATION, fixture->facts.first_migration };
  SviEventRef nothing = { SVI_EVENT_FAULT, 99999999 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SviDetails) details = svi_details_load (fixture->log, fixture->catalog, fault, &error);
  g_autoptr (SviDetails) effect = NULL;
  const SviEventSummary *first;

  g_assert_no_error (error);
  g_assert_cmpstr (details->event->title, ==, "Fault");
  g_assert_cmpfloat (details->event->start_ns, ==, 1200000);
  g_assert_cmpstr (field (details, "Outcome"), ==, "served");
  g_assert_cmpstr (field (details, "Address"), ==, "0x7f3a00001000");
  g_assert_cmpstr (field (details, "Thread"), ==, "kworker/u8:0 60");
  g_assert_cmpuint (details->related->len, ==, 3);
  g_assert_cmpuint (details->steps->len, ==, 1);

  effect = svi_details_load (fixture->log, fixture->catalog, migration, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (field (effect, "Size"), ==, "2 MiB");
  g_assert_cmpstr (field (effect, "From place"), ==, "system");
  g_assert_cmpstr (field (effect, "To place"), ==, "GPU 0");

  /* From any of its events the whole chain is found, cause first */
  g_assert_cmpuint (effect->related->len, ==, 3);
  first = g_ptr_array_index (effect->related, 0);
  g_assert_true (svi_event_ref_equal (first->event, fault));
  g_assert_cmpint (first->depth, ==, 0);

  g_assert_null (svi_details_load (fixture->log, fixture->catalog, nothing, &error));
  g_assert_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY);
}

/* Who held which lock, and where was each range, against the log itself */
static void
test_holdings (Fixture       *fixture,
               gconstpointer  data)
{
  sqlite3_stmt *row = svi_log_prepare (
    fixture->log, "SELECT count(*) FROM interval WHERE t0 <= ?1 AND (t1 IS NULL OR t1 > ?1)", NULL);

  for (guint i = 0; i < 60; i++)
    {
      gint64 at = i == 0 ? 1300000 : g_test_rand_int_range (0, (int) fixture->facts.length_ns);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) holdings = svi_holdings_load (fixture->log, fixture->catalog,
                                                          (double) at, NULL, NULL, &error);

      g_assert_no_error (error);
      sqlite3_reset (row);
      sqlite3_bind_int64 (row, 1, at);
      g_assert_true (svi_log_step (fixture->log, row));
      g_assert_cmpuint (holdings->len, ==, (guint) sqlite3_column_int64 (row, 0));

      for (guint h = 0; h < holdings->len; h++)
        {
          const SviHolding *holding = g_ptr_array_index (holdings, h);

          g_assert_cmpfloat (holding->event->start_ns, <=, (double) at);
          g_assert_true (holding->event->open || holding->event->end_ns > (double) at);
        }
    }
}

static void
test_neighbour (Fixture       *fixture,
                gconstpointer  data)
{
  double at = -1, start = 0;
  guint n = 0;
  SviEventRef event;

  while (
    (event = svi_event_neighbour (fixture->log, fixture->facts.lock_vm, at, TRUE, &start)).kind !=
    SVI_EVENT_NONE)
    {
      g_assert_cmpfloat (start, >, at);
      at = start;
      n++;
    }
  g_assert_cmpuint (n, >=, 400);

  while (
    (event = svi_event_neighbour (fixture->log, fixture->facts.lock_vm, at, FALSE, &start)).kind !=
    SVI_EVENT_NONE)
    {
      g_assert_cmpfloat (start, <, at);
      at = start;
      n--;
    }
  g_assert_cmpuint (n, ==, 1);
}

static void
test_kinds (void)
{
  g_assert_cmpint (svi_describe_kind ("fault"), ==, SVI_EVENT_FAULT);
  g_assert_cmpint (svi_describe_kind ("from the future"), ==, SVI_EVENT_INTERVAL);
  g_assert_cmpint (svi_describe_kind (NULL), ==, SVI_EVENT_INTERVAL);
  for (int kind = SVI_EVENT_RANGE_STATE; kind <= SVI_EVENT_LOST; kind++)
    g_assert_cmpstr (svi_describe_title (kind), !=, "Event");
  g_assert_cmpuint (svi_describe_state_tint (2, 3), ==, svi_tint (SVI_TINT_GPU, 3));
}

/* The schema's kinds are the ones that this program has names for: a new one must get a name */
static void
test_kinds_of_schema (Fixture       *fixture,
                      gconstpointer  data)
{
  sqlite3_stmt *row = svi_log_prepare (fixture->log,
                                       "SELECT label, value FROM enum WHERE enum = 'interval_kind'",
                                       NULL);
  guint n = 0;

  while (svi_log_step (fixture->log, row))
    {
      g_assert_cmpint (svi_describe_kind ((const char *) sqlite3_column_text (row, 0)), ==,
                       sqlite3_column_int (row, 1));
      n++;
    }
  g_assert_cmpuint (n, ==, 14);
}

int
main (int    argc,
      char **argv)
{
  static const SyntheticLogOptions crowd = { 200, 8, 20000, 1000000, 0, FALSE };
  static const SyntheticLogOptions open = { 100, 8, 0, 2000000, 0, TRUE };
  static const SyntheticLogOptions sparse = { 60, 6, 0, 900000000, 0, FALSE };

  static const SyntheticLogOptions many = { 100, 8, 0, 2000000, 31, FALSE };

  g_test_init (&argc, &argv, NULL);

#define ADD(name, options, function)                                                               \
  g_test_add (name, Fixture, options, set_up, function, tear_down)
  ADD ("/log/not-a-log", NULL, test_not_a_log);
  ADD ("/log/version", NULL, test_version);
  ADD ("/log/damage", NULL, test_damage);
  ADD ("/log/damage-within", NULL, test_damage_within);
  ADD ("/log/read-only", NULL, test_read_only);
  ADD ("/log/immutable", NULL, test_immutable);
  ADD ("/log/length", NULL, test_length);
  ADD ("/lanes/all", NULL, test_lanes);
  ADD ("/lanes/many-vms", &many, test_lanes_many);
  ADD ("/scene/scales", NULL, test_scene_scales);
  ADD ("/scene/scales-sparse", &sparse, test_scene_scales);
  ADD ("/scene/scales-open", &open, test_scene_scales);
  ADD ("/scene/crowd", &crowd, test_scene_crowd);
  ADD ("/scene/cancel", NULL, test_scene_cancel);
  ADD ("/scene/open", &open, test_open_intervals);
  ADD ("/details/chain", NULL, test_details);
  ADD ("/holdings/all", NULL, test_holdings);
  ADD ("/holdings/open", &open, test_holdings);
  ADD ("/neighbour/walk", NULL, test_neighbour);
  g_test_add_func ("/kinds/names", test_kinds);
  ADD ("/kinds/schema", NULL, test_kinds_of_schema);

  return g_test_run ();
}

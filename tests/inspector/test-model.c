/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Tables and sessions: what the views are built on, without a display */

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "model/svi-session.h"
#include "store/svi-log.h"
#include "synthetic-log.h"

#define PATIENCE_SECONDS 20

typedef struct
{
  char              *directory;
  char              *path;
  SyntheticLogFacts  facts;
  SviSession        *session;
  GAsyncResult      *result;
  guint              changes;
} Fixture;

static void
on_ready (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  ((Fixture *) data)->result = g_object_ref (result);
}

static gboolean
on_impatient (gpointer data)
{
  g_error ("Nothing happened for %d seconds", PATIENCE_SECONDS);
  return G_SOURCE_REMOVE;
}

static GAsyncResult *
wait_result (Fixture *fixture)
{
  guint source = g_timeout_add_seconds (PATIENCE_SECONDS, on_impatient, NULL);

  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  return g_steal_pointer (&fixture->result);
}

static void
on_changed (Fixture *fixture)
{
  fixture->changes++;
}

static void
wait_changes (Fixture *fixture,
              guint    changes)
{
  guint source = g_timeout_add_seconds (PATIENCE_SECONDS, on_impatient, NULL);

  while (fixture->changes < changes)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

static gboolean
open_file (Fixture     *fixture,
           const char  *path,
           GError     **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GAsyncResult) result = NULL;

  svi_session_open_async (fixture->session, file, NULL, on_ready, fixture);
  result = wait_result (fixture);
  return svi_session_open_finish (fixture->session, result, error);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  SyntheticLogOptions options = SYNTHETIC_LOG_DEFAULTS;
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("svi-model-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "run.db", NULL);
  synthetic_log_write (fixture->path, SCHEMA_PATH, &options, &fixture->facts);
  fixture->session = svi_session_new ();
  g_assert_true (open_file (fixture, fixture->path, &error));
  g_assert_no_error (error);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_autofree char *wal = g_strdup_printf ("%s-wal", fixture->path);
  g_autofree char *shm = g_strdup_printf ("%s-shm", fixture->path);

  gpointer weak = fixture->session;
  guint source = g_timeout_add_seconds (PATIENCE_SECONDS, on_impatient, NULL);

  /* A worker that has just answered may hold its reference for a moment longer */
  g_object_add_weak_pointer (G_OBJECT (fixture->session), &weak);
  svi_session_close (fixture->session);
  g_object_unref (fixture->session);
  while (g_atomic_pointer_get (&weak) != NULL)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  g_source_remove (source);
  g_unlink (fixture->path);
  g_unlink (wal);
  g_unlink (shm);
  g_rmdir (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static SviTable *
query (Fixture     *fixture,
       const char  *sql,
       GVariant    *parameters,
       guint        max_rows,
       GError     **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  svi_session_query_async (fixture->session, sql, parameters, max_rows, NULL, on_ready, fixture);
  result = wait_result (fixture);
  return svi_session_query_finish (fixture->session, result, error);
}

static void
test_table (void)
{
  g_autoptr (SviTable) table = svi_table_new ();
  g_autoptr (SviRow) row = NULL;
  g_autofree char *time = NULL;
  g_autofree char *bytes = NULL;
  g_autofree char *none = NULL;
  g_autofree char *csv = NULL;

  svi_table_add_column (table, "t0", svi_table_guess_kind ("t0"));
  svi_table_add_column (table, "bytes", svi_table_guess_kind ("bytes"));
  svi_table_add_column (table, "text", svi_table_guess_kind ("text"));
  svi_table_add_cell (table, "1500");
  svi_table_add_cell (table, "2097152");
  svi_table_add_cell (table, "a \"quoted\", text");
  svi_table_add_cell (table, NULL);
  svi_table_add_cell (table, "0");
  svi_table_add_cell (table, "bad \xff byte");

  g_assert_true (g_type_is_a (g_list_model_get_item_type (G_LIST_MODEL (table)), SVI_TYPE_ROW));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (table)), ==, 2);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (table), 2));
  g_assert_cmpint (svi_table_find_column (table, "bytes"), ==, 1);
  g_assert_cmpint (svi_table_find_column (table, "none"), ==, -1);

  row = g_list_model_get_item (G_LIST_MODEL (table), 0);
  time = svi_row_dup_text (row, 0);
  bytes = svi_row_dup_text (row, 1);
  g_assert_cmpstr (bytes, ==, "2 MiB");
  g_assert_true (g_str_has_suffix (time, " s"));
  g_assert_cmpint (svi_row_get_number (row, 0), ==, 1500);

  g_clear_object (&row);
  row = g_list_model_get_item (G_LIST_MODEL (table), 1);
  none = svi_row_dup_text (row, 0);
  g_assert_cmpstr (none, ==, "");
  g_assert_true (g_utf8_validate (svi_row_get_cell (row, 2), -1, NULL));

  csv = svi_table_to_csv (table);
  g_assert_true (
    g_str_has_prefix (csv, "t0,bytes,text\r\n1500,2097152,\"a \"\"quoted\"\", text\"\r\n,0,"));
}

static void
test_open (Fixture       *fixture,
           gconstpointer  data)
{
  g_assert_cmpfloat (svi_session_get_length (fixture->session), ==,
                     (double) fixture->facts.length_ns);
  g_assert_cmpuint (svi_catalog_size (svi_session_get_catalog (fixture->session)), >, 40);
  g_assert_null (svi_session_get_damage (fixture->session));
  g_assert_false (svi_session_get_live (fixture->session));
  g_assert_true (isnan (svi_session_get_cursor (fixture->session)));
}

/* A file that cannot be opened leaves the log that is open as it was */
static void
test_open_wrong (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autofree char *other = g_build_filename (fixture->directory, "letter.txt", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (
    g_file_set_contents (other, "Dear reader, this is no database at all, only words.", -1, NULL));
  g_assert_false (open_file (fixture, other, &error));
  g_assert_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_NOT_LOG);
  g_assert_cmpfloat (svi_session_get_length (fixture->session), ==,
                     (double) fixture->facts.length_ns);
  g_unlink (other);
}

static void
test_query (Fixture       *fixture,
            gconstpointer  data)
{
  g_autoptr (GError) error = NULL;
  SviTable *table;

  table = query (fixture, "SELECT count(*) AS n FROM fault", NULL, 10, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_ascii_strtoll (svi_table_get_cell (table, 0, 0), NULL, 10), ==,
                   fixture->facts.n_faults);
  g_object_unref (table);

  table = query (fixture, "SELECT sum(moved_bytes) FROM migration WHERE to_place = ?1",
                 g_variant_new ("(s)", "GPU 1"), 10, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_ascii_strtoll (svi_table_get_cell (table, 0, 0), NULL, 10), ==,
                   fixture->facts.bytes_to_gpu[1]);
  g_object_unref (table);

  table = query (fixture, "SELECT t_raised FROM fault", NULL, 7, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (table)), ==, 7);
  g_assert_true (svi_table_get_truncated (table));
  g_assert_cmpint (svi_table_get_kind (table, 0), ==, SVI_CELL_TIME);
  g_object_unref (table);
}

static void
test_query_wrong (Fixture       *fixture,
                  gconstpointer  data)
{
  static const char *const wrong[] = {
    "",
    "-- only a comment",
    "SELECT",
    "SELECT * FROM nothing",
    "DELETE FROM meta",
    "CREATE TABLE t (a)",
    "SELECT 1; SELECT 2",
    "PRAGMA user_version = 9",
    "VACUUM",
    "ATTACH '/tmp/svi-other.db' AS other",
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SviTable) table = query (fixture, wrong[i], NULL, 10, &error);

      g_test_message ("“%s”: %s", wrong[i], error != NULL ? error->message : "no error");
      g_assert_null (table);
      g_assert_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY);
    }
  g_assert_false (g_file_test ("/tmp/svi-other.db", G_FILE_TEST_EXISTS));
}

/* A query that would run for minutes stops when it is told to */
static void
test_query_stop (Fixture       *fixture,
                 gconstpointer  data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 started = g_get_monotonic_time ();

  svi_session_query_async (
    fixture->session,
    "SELECT count(*) FROM interval a, interval b, interval c WHERE a.t0 + b.t0 = c.t0", NULL, 10,
    cancellable, on_ready, fixture);
  g_timeout_add_once (150, (GSourceOnceFunc) g_cancellable_cancel, cancellable);
  result = wait_result (fixture);
  g_assert_null (svi_session_query_finish (fixture->session, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - started, <, 10 * G_USEC_PER_SEC);
}

static void
test_select (Fixture       *fixture,
             gconstpointer  data)
{
  SviEventRef fault = { SVI_EVENT_FAULT, fixture->facts.first_fault }, none = { SVI_EVENT_NONE, 0 };

  g_signal_connect_swapped (fixture->session, "details-changed", G_CALLBACK (on_changed), fixture);
  svi_session_select (fixture->session, fault);
  g_assert_null (svi_session_get_details (fixture->session));
  wait_changes (fixture, 1);
  g_assert_nonnull (svi_session_get_details (fixture->session));
  g_assert_true (
    svi_event_ref_equal (svi_session_get_details (fixture->session)->event->event, fault));

  svi_session_select (fixture->session, none);
  g_assert_cmpuint (fixture->changes, ==, 2);
  g_assert_null (svi_session_get_details (fixture->session));
}

static void
test_cursor (Fixture       *fixture,
             gconstpointer  data)
{
  double from, to;

  g_signal_connect_swapped (fixture->session, "cursor-changed", G_CALLBACK (on_changed), fixture);
  svi_session_set_cursor (fixture->session, 5000);
  svi_session_set_cursor (fixture->session, 5000);
  g_assert_cmpuint (fixture->changes, ==, 1);
  svi_session_set_cursor (fixture->session, -100);
  g_assert_cmpfloat (svi_session_get_cursor (fixture->session), ==, 0);
  svi_session_set_cursor (fixture->session, 1e30);
  g_assert_cmpfloat (svi_session_get_cursor (fixture->session), ==,
                     (double) fixture->facts.length_ns);

  g_assert_false (svi_session_get_mark (fixture->session, &from, &to));
  svi_session_set_mark (fixture->session, 900, 100);
  g_assert_true (svi_session_get_mark (fixture->session, &from, &to));
  g_assert_cmpfloat (from, ==, 100);
  g_assert_cmpfloat (to, ==, 900);
}

static void
test_scene (Fixture       *fixture,
            gconstpointer  data)
{
  SviSceneRequest *request = svi_scene_request_new (0, 1e8, 1e5);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviScene) scene = NULL;
  guint lane = (guint) svi_catalog_find_thing (svi_session_get_catalog (fixture->session),
                                               fixture->facts.lock_vm);

  g_array_append_val (request->lanes, lane);
  svi_session_scene_async (fixture->session, request, NULL, on_ready, fixture);
  result = wait_result (fixture);
  scene = svi_session_scene_finish (fixture->session, result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (scene->lanes->len, ==, 1);
  g_assert_cmpuint (scene->spans->len, >, 5);
}

/* A log that grows is noticed without asking */
static void
test_follow (Fixture       *fixture,
             gconstpointer  data)
{
  double length = svi_session_get_length (fixture->session);
  guint source;

  g_signal_connect_swapped (fixture->session, "catalog-changed", G_CALLBACK (on_changed), fixture);
  synthetic_log_append (fixture->path, (gint64) length + 1000000, 50, fixture->facts.lock_vm);

  source = g_timeout_add_seconds (PATIENCE_SECONDS, on_impatient, NULL);
  while (svi_session_get_length (fixture->session) <= length)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);

  g_assert_true (svi_session_get_live (fixture->session));
  g_assert_cmpfloat (svi_session_get_length (fixture->session), ==,
                     length + 1000000 + 49 * 2000 + 1000);

  /* And a quiet log is no longer live */
  source = g_timeout_add_seconds (PATIENCE_SECONDS, on_impatient, NULL);
  while (svi_session_get_live (fixture->session))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

static void
test_neighbour (Fixture       *fixture,
                gconstpointer  data)
{
  g_autoptr (GAsyncResult) result = NULL;
  SviEventRef event;
  double start;

  svi_session_neighbour_async (fixture->session, fixture->facts.lock_vm, 0, TRUE, on_ready,
                               fixture);
  result = wait_result (fixture);
  g_assert_true (svi_session_neighbour_finish (fixture->session, result, &event, &start));
  g_assert_cmpfloat (start, >, 1200000);

  g_clear_object (&result);
  svi_session_neighbour_async (fixture->session, fixture->facts.lock_vm, 0, FALSE, on_ready,
                               fixture);
  result = wait_result (fixture);
  g_assert_false (svi_session_neighbour_finish (fixture->session, result, &event, &start));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function) g_test_add (name, Fixture, NULL, set_up, function, tear_down)
  g_test_add_func ("/table/cells", test_table);
  ADD ("/session/open", test_open);
  ADD ("/session/open-wrong", test_open_wrong);
  ADD ("/session/query", test_query);
  ADD ("/session/query-wrong", test_query_wrong);
  ADD ("/session/query-stop", test_query_stop);
  ADD ("/session/select", test_select);
  ADD ("/session/cursor", test_cursor);
  ADD ("/session/scene", test_scene);
  ADD ("/session/neighbour", test_neighbour);
  ADD ("/session/follow", test_follow);

  return g_test_run ();
}

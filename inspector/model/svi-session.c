/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-session.h"

#include <math.h>
#include <string.h>

#include "store/svi-lanes.h"

/* A log that is being written changes many times a second; this often it is looked at again, or
 * less often where a look takes long, so that at most a quarter of a processor goes into looking
 */
#define REFRESH_MS 250

/* A log counts as live while it changed this recently */
#define LIVE_SECONDS 3

/* A connection that is closed only when the last worker is done with it */
typedef struct
{
  gatomicrefcount ref_count;
  SviLog         *log;
} Connection;

struct _SviSession
{
  GObject       parent_instance;

  GFile        *file;
  Connection   *scenes;
  Connection   *queries;
  SviCatalog   *catalog;
  double        length_ns;
  char         *damage;

  GFileMonitor *monitors[2];
  guint         refresh_source;
  guint         refresh_ms;
  guint         live_source;
  gboolean      refreshing;
  gboolean      refresh_again;
  gboolean      live;
  gboolean      closed;

  double        cursor_ns;
  double        mark_from_ns;
  double        mark_to_ns;
  SviEventRef   selected;
  SviDetails   *details;
  GCancellable *details_cancellable;
};

enum
{
  SIGNAL_CATALOG_CHANGED, /* the lanes, or how long the log is */
  SIGNAL_CURSOR_CHANGED,
  SIGNAL_SELECTED_CHANGED,
  SIGNAL_DETAILS_CHANGED,
  SIGNAL_MARK_CHANGED,
  SIGNAL_LIVE_CHANGED,
  SIGNAL_DAMAGE_NOTICED,
  SIGNAL_REVEAL,          /* thing, start, end: show it */
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (SviSession, svi_session, G_TYPE_OBJECT)

static Connection *
connection_new (SviLog *log)
{
  Connection *self = g_new0 (Connection, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->log = log;
  return self;
}

static Connection *
connection_ref (Connection *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
connection_unref (Connection *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;

  svi_log_close (self->log);
  g_free (self);
}

static void
stop_watching (SviSession *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->monitors); i++)
    if (self->monitors[i] != NULL)
      {
        g_signal_handlers_disconnect_by_data (self->monitors[i], self);
        g_file_monitor_cancel (self->monitors[i]);
        g_clear_object (&self->monitors[i]);
      }
  g_clear_handle_id (&self->refresh_source, g_source_remove);
  g_clear_handle_id (&self->live_source, g_source_remove);
}

static void
svi_session_dispose (GObject *object)
{
  SviSession *self = SVI_SESSION (object);

  stop_watching (self);
  g_cancellable_cancel (self->details_cancellable);
  g_clear_object (&self->details_cancellable);
  g_clear_object (&self->file);
  g_clear_pointer (&self->details, svi_details_free);
  g_clear_pointer (&self->catalog, svi_catalog_unref);
  g_clear_pointer (&self->scenes, connection_unref);
  g_clear_pointer (&self->queries, connection_unref);
  g_clear_pointer (&self->damage, g_free);

  G_OBJECT_CLASS (svi_session_parent_class)->dispose (object);
}

static void
svi_session_class_init (SviSessionClass *klass)
{
  static const char *const names[] = {
    "catalog-changed", "cursor-changed", "selected-changed",
    "details-changed", "mark-changed",   "live-changed",
    "damage-noticed",
  };

  G_OBJECT_CLASS (klass)->dispose = svi_session_dispose;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    signals[i] = g_signal_new (names[i], G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                               NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REVEAL] = g_signal_new ("reveal", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 3, G_TYPE_INT64,
                                         G_TYPE_DOUBLE, G_TYPE_DOUBLE);
}

static void
svi_session_init (SviSession *self)
{
  self->cursor_ns = NAN;
  self->mark_from_ns = self->mark_to_ns = NAN;
  self->refresh_ms = REFRESH_MS;
}

SviSession *
svi_session_new (void)
{
  return g_object_new (SVI_TYPE_SESSION, NULL);
}

/* Stops following the log. Its owner calls this when it is done with the session: a worker may hold
 * the last reference, and what belongs to the main thread must not end in another.
 */
void
svi_session_close (SviSession *self)
{
  g_return_if_fail (SVI_IS_SESSION (self));

  stop_watching (self);
  g_cancellable_cancel (self->details_cancellable);
  g_clear_object (&self->details_cancellable);
  self->refresh_again = FALSE;
  self->closed = TRUE;
}

/* Opening and following ------------------------------------------------------- */

typedef struct
{
  Connection *scenes;
  Connection *queries;
  SviCatalog *catalog;
  double      length_ns;
  char       *damage;
  gint64      took_us;
} Opened;

static void
opened_free (gpointer data)
{
  Opened *opened = data;

  connection_unref (opened->scenes);
  connection_unref (opened->queries);
  g_clear_pointer (&opened->catalog, svi_catalog_unref);
  g_free (opened->damage);
  g_free (opened);
}

static gboolean
read_catalog (Opened        *opened,
              GCancellable  *cancellable,
              GError       **error)
{
  SviLog *log = opened->queries->log;
  gint64 started = g_get_monotonic_time ();

  svi_log_begin (log, cancellable);
  opened->catalog = svi_lanes_load (log, cancellable, error);
  if (opened->catalog != NULL)
    opened->length_ns = (double) svi_log_get_length (log);
  opened->damage = g_strdup (svi_log_get_damage (log));
  svi_log_end (log);
  opened->took_us = g_get_monotonic_time () - started;
  return opened->catalog != NULL;
}

static void
open_in_thread (GTask        *task,
                gpointer      source,
                gpointer      task_data,
                GCancellable *cancellable)
{
  g_autofree char *path = g_file_get_path (task_data);
  g_autoptr (SviLog) scenes = NULL;
  g_autoptr (SviLog) queries = NULL;
  GError *error = NULL;
  Opened *opened;

  if (path == NULL)
    {
      g_task_return_new_error (task, SVI_LOG_ERROR, SVI_LOG_ERROR_OPEN,
                               "Only local files can be opened");
      return;
    }

  scenes = svi_log_open (path, &error);
  if (scenes != NULL)
    queries = svi_log_open (path, &error);
  if (queries == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  opened = g_new0 (Opened, 1);
  opened->scenes = connection_new (g_steal_pointer (&scenes));
  opened->queries = connection_new (g_steal_pointer (&queries));
  if (!read_catalog (opened, cancellable, &error))
    {
      opened_free (opened);
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, opened, opened_free);
}

static void
refresh_in_thread (GTask        *task,
                   gpointer      source,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  Opened *opened = task_data;
  GError *error = NULL;

  if (read_catalog (opened, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void refresh (SviSession *self);

static gboolean
same_lanes (SviCatalog *a,
            SviCatalog *b)
{
  if (svi_catalog_size (a) != svi_catalog_size (b) ||
      g_hash_table_size (a->names) != g_hash_table_size (b->names))
    return FALSE;

  for (guint i = 0; i < svi_catalog_size (a); i++)
    {
      const SviLane *one = svi_catalog_get (a, i), *other = svi_catalog_get (b, i);

      if (strcmp (one->path, other->path) != 0 || g_strcmp0 (one->title, other->title) != 0 ||
          g_strcmp0 (one->subtitle, other->subtitle) != 0)
        return FALSE;
    }
  return TRUE;
}

static void
on_refreshed (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  SviSession *self = SVI_SESSION (source);
  Opened *opened = g_task_get_task_data (G_TASK (result));

  self->refreshing = FALSE;
  if (self->closed)
    return;
  if (g_task_propagate_boolean (G_TASK (result), NULL) && opened->queries == self->queries)
    {
      if (!same_lanes (self->catalog, opened->catalog))
        {
          g_clear_pointer (&self->catalog, svi_catalog_unref);
          self->catalog = g_steal_pointer (&opened->catalog);
        }
      self->length_ns = MAX (opened->length_ns, self->length_ns);
      self->refresh_ms = (guint) MAX (REFRESH_MS, opened->took_us / 1000 * 4);
      if (opened->damage != NULL)
        {
          g_free (self->damage);
          self->damage = g_steal_pointer (&opened->damage);
        }
      g_signal_emit (self, signals[SIGNAL_CATALOG_CHANGED], 0);
    }

  if (self->refresh_again)
    {
      self->refresh_again = FALSE;
      refresh (self);
    }
}

static void
set_live (SviSession *self,
          gboolean    live)
{
  if (self->live == live)
    return;

  self->live = live;
  g_signal_emit (self, signals[SIGNAL_LIVE_CHANGED], 0);
}

static gboolean
on_quiet (gpointer data)
{
  SviSession *self = data;

  self->live_source = 0;
  set_live (self, FALSE);
  return G_SOURCE_REMOVE;
}

static gboolean
on_refresh_due (gpointer data)
{
  SviSession *self = data;
  g_autoptr (GTask) task = NULL;
  Opened *opened;

  self->refresh_source = 0;
  if (self->queries == NULL)
    return G_SOURCE_REMOVE;

  self->refreshing = TRUE;
  opened = g_new0 (Opened, 1);
  opened->queries = connection_ref (self->queries);
  task = g_task_new (self, NULL, on_refreshed, NULL);
  g_task_set_task_data (task, opened, opened_free);
  g_task_run_in_thread (task, refresh_in_thread);
  return G_SOURCE_REMOVE;
}

/* Reads the catalog and the length again, soon, and once for however many changes come until then
 */
static void
refresh (SviSession *self)
{
  if (self->refreshing)
    {
      self->refresh_again = TRUE;
      return;
    }
  if (self->refresh_source == 0)
    self->refresh_source = g_timeout_add (self->refresh_ms, on_refresh_due, self);
}

static void
on_file_changed (GFileMonitor     *monitor,
                 GFile            *file,
                 GFile            *other,
                 GFileMonitorEvent event,
                 SviSession       *self)
{
  if (event != G_FILE_MONITOR_EVENT_CHANGED && event != G_FILE_MONITOR_EVENT_CREATED)
    return;

  set_live (self, TRUE);
  g_clear_handle_id (&self->live_source, g_source_remove);
  self->live_source = g_timeout_add_seconds (LIVE_SECONDS, on_quiet, self);
  refresh (self);
}

static void
watch (SviSession *self)
{
  g_autofree char *path = g_file_get_path (self->file);
  g_autofree char *wal_path = g_strdup_printf ("%s-wal", path);
  g_autoptr (GFile) wal = g_file_new_for_path (wal_path);
  GFile *files[] = { self->file, wal };

  /* A writer appends to the write-ahead log, and now and then folds that into the file */
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      self->monitors[i] = g_file_monitor_file (files[i], G_FILE_MONITOR_NONE, NULL, NULL);
      if (self->monitors[i] != NULL)
        {
          g_file_monitor_set_rate_limit (self->monitors[i], REFRESH_MS);
          g_signal_connect (self->monitors[i], "changed", G_CALLBACK (on_file_changed), self);
        }
    }
}

void
svi_session_open_async (SviSession          *self,
                        GFile               *file,
                        GCancellable        *cancellable,
                        GAsyncReadyCallback  callback,
                        gpointer             data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SVI_IS_SESSION (self) && G_IS_FILE (file));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_task_data (task, g_object_ref (file), g_object_unref);
  g_task_run_in_thread (task, open_in_thread);
}

gboolean
svi_session_open_finish (SviSession    *self,
                         GAsyncResult  *result,
                         GError       **error)
{
  Opened *opened;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  opened = g_task_propagate_pointer (G_TASK (result), error);
  if (opened == NULL)
    return FALSE;

  stop_watching (self);
  g_set_object (&self->file, g_task_get_task_data (G_TASK (result)));
  g_clear_pointer (&self->scenes, connection_unref);
  g_clear_pointer (&self->queries, connection_unref);
  g_clear_pointer (&self->catalog, svi_catalog_unref);
  g_clear_pointer (&self->details, svi_details_free);
  g_clear_pointer (&self->damage, g_free);
  self->scenes = g_steal_pointer (&opened->scenes);
  self->queries = g_steal_pointer (&opened->queries);
  self->catalog = g_steal_pointer (&opened->catalog);
  self->damage = g_steal_pointer (&opened->damage);
  self->length_ns = opened->length_ns;
  opened_free (opened);

  self->cursor_ns = NAN;
  self->mark_from_ns = self->mark_to_ns = NAN;
  self->selected = (SviEventRef) { SVI_EVENT_NONE, 0 };
  self->live = FALSE;
  watch (self);
  g_signal_emit (self, signals[SIGNAL_CATALOG_CHANGED], 0);
  g_signal_emit (self, signals[SIGNAL_DETAILS_CHANGED], 0);
  return TRUE;
}

GFile *
svi_session_get_file (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), NULL);

  return self->file;
}

SviCatalog *
svi_session_get_catalog (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), NULL);

  return self->catalog;
}

double
svi_session_get_length (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), 0);

  return self->length_ns;
}

const char *
svi_session_get_damage (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), NULL);

  return self->damage;
}

/* Whether somebody is writing to the log. */
gboolean
svi_session_get_live (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), FALSE);

  return self->live;
}

/* What the user looks at ------------------------------------------------------ */

/* The time cursor; NAN when there is none. */
double
svi_session_get_cursor (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), NAN);

  return self->cursor_ns;
}

void
svi_session_set_cursor (SviSession *self,
                        double      ns)
{
  g_return_if_fail (SVI_IS_SESSION (self));

  if (!isnan (ns))
    ns = CLAMP (ns, 0, MAX (self->length_ns, 0));
  if (self->cursor_ns == ns || (isnan (self->cursor_ns) && isnan (ns)))
    return;

  self->cursor_ns = ns;
  g_signal_emit (self, signals[SIGNAL_CURSOR_CHANGED], 0);
}

gboolean
svi_session_get_mark (SviSession *self,
                      double     *from_ns,
                      double     *to_ns)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), FALSE);

  if (isnan (self->mark_from_ns) || isnan (self->mark_to_ns))
    return FALSE;

  *from_ns = MIN (self->mark_from_ns, self->mark_to_ns);
  *to_ns = MAX (self->mark_from_ns, self->mark_to_ns);
  return TRUE;
}

/* Selects a stretch of time; NAN clears it. */
void
svi_session_set_mark (SviSession *self,
                      double      from_ns,
                      double      to_ns)
{
  g_return_if_fail (SVI_IS_SESSION (self));

  self->mark_from_ns = from_ns;
  self->mark_to_ns = to_ns;
  g_signal_emit (self, signals[SIGNAL_MARK_CHANGED], 0);
}

SviEventRef
svi_session_get_selected (SviSession *self)
{
  SviEventRef none = { SVI_EVENT_NONE, 0 };

  g_return_val_if_fail (SVI_IS_SESSION (self), none);

  return self->selected;
}

/* What is known about the selected event; NULL while it is read, and without a selection. */
SviDetails *
svi_session_get_details (SviSession *self)
{
  g_return_val_if_fail (SVI_IS_SESSION (self), NULL);

  return self->details;
}

typedef struct
{
  Connection      *connection;
  SviCatalog      *catalog;
  SviEventRef      event;
  SviSceneRequest *request;
  char            *sql;
  GVariant        *parameters;
  guint            max_rows;
  double           ns;
  gint64           thing;
  gboolean         forward;
} Question;

static Question *
question_new (SviSession *self,
              Connection *connection)
{
  Question *question = g_new0 (Question, 1);

  question->connection = connection_ref (connection);
  if (self->catalog != NULL)
    question->catalog = svi_catalog_ref (self->catalog);
  return question;
}

static void
question_free (gpointer data)
{
  Question *question = data;

  connection_unref (question->connection);
  g_clear_pointer (&question->catalog, svi_catalog_unref);
  g_clear_pointer (&question->request, svi_scene_request_free);
  g_clear_pointer (&question->parameters, g_variant_unref);
  g_free (question->sql);
  g_free (question);
}

static void
destroy_details (gpointer data)
{
  svi_details_free (data);
}

static void
details_in_thread (GTask        *task,
                   gpointer      source,
                   gpointer      task_data,
                   GCancellable *cancellable)
{
  Question *question = task_data;
  GError *error = NULL;
  SviDetails *details;

  svi_log_begin (question->connection->log, cancellable);
  details = svi_details_load (question->connection->log, question->catalog, question->event,
                              &error);
  svi_log_end (question->connection->log);

  if (details != NULL)
    g_task_return_pointer (task, details, destroy_details);
  else
    g_task_return_error (task, error);
}

static void
on_details (GObject      *source,
            GAsyncResult *result,
            gpointer      data)
{
  SviSession *self = SVI_SESSION (source);
  g_autoptr (GError) error = NULL;
  SviDetails *details = g_task_propagate_pointer (G_TASK (result), &error);

  if (details == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_debug ("%s", error->message);
      return;
    }

  if (!svi_event_ref_equal (details->event->event, self->selected))
    {
      svi_details_free (details);
      return;
    }

  g_clear_pointer (&self->details, svi_details_free);
  self->details = details;
  g_signal_emit (self, signals[SIGNAL_DETAILS_CHANGED], 0);
}

void
svi_session_select (SviSession *self,
                    SviEventRef event)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  g_return_if_fail (SVI_IS_SESSION (self));

  if (svi_event_ref_equal (self->selected, event))
    return;

  self->selected = event;
  g_cancellable_cancel (self->details_cancellable);
  g_clear_object (&self->details_cancellable);
  g_clear_pointer (&self->details, svi_details_free);
  g_signal_emit (self, signals[SIGNAL_SELECTED_CHANGED], 0);

  if (event.kind == SVI_EVENT_NONE || self->queries == NULL)
    {
      g_signal_emit (self, signals[SIGNAL_DETAILS_CHANGED], 0);
      return;
    }

  self->details_cancellable = g_cancellable_new ();
  question = question_new (self, self->queries);
  question->event = event;
  task = g_task_new (self, self->details_cancellable, on_details, NULL);
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, details_in_thread);
}

/* Selects an event and asks the views to bring it into sight. */
void
svi_session_reveal (SviSession *self,
                    SviEventRef event,
                    gint64      thing,
                    double      start_ns,
                    double      end_ns)
{
  g_return_if_fail (SVI_IS_SESSION (self));

  svi_session_select (self, event);
  svi_session_set_cursor (self, start_ns);
  g_signal_emit (self, signals[SIGNAL_REVEAL], 0, thing, start_ns, end_ns);
}

/* Questions ------------------------------------------------------------------- */

static void
destroy_scene (gpointer data)
{
  svi_scene_unref (data);
}

static void
scene_in_thread (GTask        *task,
                 gpointer      source,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  Question *question = task_data;
  GError *error = NULL;
  SviScene *scene;

  /* A request that was overtaken while it waited for its turn is not worth starting */
  if (g_task_return_error_if_cancelled (task))
    return;

  svi_log_begin (question->connection->log, cancellable);
  scene = svi_scene_load (question->connection->log, question->catalog, question->request,
                          cancellable, &error);
  svi_log_end (question->connection->log);

  if (scene != NULL)
    g_task_return_pointer (task, scene, destroy_scene);
  else
    g_task_return_error (task, error);
}

/* Reads a scene; takes @request. */
void
svi_session_scene_async (SviSession          *self,
                         SviSceneRequest     *request,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             data)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  g_return_if_fail (SVI_IS_SESSION (self) && self->scenes != NULL);

  task = g_task_new (self, cancellable, callback, data);
  question = question_new (self, self->scenes);
  question->request = request;
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, scene_in_thread);
}

SviScene *
svi_session_scene_finish (SviSession    *self,
                          GAsyncResult  *result,
                          GError       **error)
{
  SviScene *scene = g_task_propagate_pointer (G_TASK (result), error);

  if (scene != NULL && scene->damage != NULL && self->damage == NULL)
    {
      self->damage = g_strdup (scene->damage);
      g_signal_emit (self, signals[SIGNAL_DAMAGE_NOTICED], 0);
    }
  return scene;
}

static void
destroy_array (gpointer data)
{
  g_ptr_array_unref (data);
}

static void
holdings_in_thread (GTask        *task,
                    gpointer      source,
                    gpointer      task_data,
                    GCancellable *cancellable)
{
  Question *question = task_data;
  GError *error = NULL;
  GPtrArray *holdings;

  if (g_task_return_error_if_cancelled (task))
    return;

  svi_log_begin (question->connection->log, cancellable);
  holdings = svi_holdings_load (question->connection->log, question->catalog, question->ns, NULL,
                                cancellable, &error);
  svi_log_end (question->connection->log);

  if (holdings != NULL)
    g_task_return_pointer (task, holdings, destroy_array);
  else
    g_task_return_error (task, error);
}

void
svi_session_holdings_async (SviSession          *self,
                            double               ns,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             data)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  g_return_if_fail (SVI_IS_SESSION (self) && self->queries != NULL);

  task = g_task_new (self, cancellable, callback, data);
  question = question_new (self, self->queries);
  question->ns = ns;
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, holdings_in_thread);
}

/* The array's elements are SviHolding, by lane. */
GPtrArray *
svi_session_holdings_finish (SviSession    *self,
                             GAsyncResult  *result,
                             GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Runs one statement that the user wrote, or one of a page, and collects at most @max_rows rows.
 * @parameters is a tuple, or NULL. Call between svi_log_begin() and svi_log_end().
 */
SviTable *
svi_session_run_query (SviLog        *log,
                       const char    *sql,
                       GVariant      *parameters,
                       guint          max_rows,
                       GCancellable  *cancellable,
                       GError       **error)
{
  g_autoptr (SviTable) table = svi_table_new ();
  sqlite3 *handle = svi_log_get_handle (log);
  sqlite3_stmt *statement = NULL;
  const char *tail = NULL;
  guint rows = 0;
  int columns, code;

  code = sqlite3_prepare_v2 (handle, sql, -1, &statement, &tail);
  if (code != SQLITE_OK)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY, "%s", sqlite3_errmsg (handle));
      return NULL;
    }
  if (statement == NULL)
    {
      g_set_error_literal (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY,
                           "There is no statement to run");
      return NULL;
    }

  while (tail != NULL && (g_ascii_isspace (*tail) || *tail == ';'))
    tail++;
  if (tail != NULL && *tail != '\0' && !g_str_has_prefix (tail, "--"))
    {
      sqlite3_finalize (statement);
      g_set_error_literal (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY,
                           "Only one statement can be run at a time");
      return NULL;
    }
  if (!sqlite3_stmt_readonly (statement))
    {
      sqlite3_finalize (statement);
      g_set_error_literal (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY,
                           "The log is read-only: this statement would change it");
      return NULL;
    }

  for (gsize i = 0; parameters != NULL && i < g_variant_n_children (parameters); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (parameters, i);

      if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
        sqlite3_bind_text (statement, (int) i + 1, g_variant_get_string (value, NULL), -1,
                           SQLITE_TRANSIENT);
      else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
        sqlite3_bind_int64 (statement, (int) i + 1, g_variant_get_int64 (value));
      else
        sqlite3_bind_double (statement, (int) i + 1, g_variant_get_double (value));
    }

  columns = sqlite3_column_count (statement);
  for (int c = 0; c < columns; c++)
    svi_table_add_column (table, sqlite3_column_name (statement, c),
                          svi_table_guess_kind (sqlite3_column_name (statement, c)));

  while ((code = sqlite3_step (statement)) == SQLITE_ROW)
    {
      if (rows++ >= max_rows)
        {
          svi_table_set_truncated (table, TRUE);
          code = SQLITE_DONE;
          break;
        }
      for (int c = 0; c < columns; c++)
        svi_table_add_cell (table, (const char *) sqlite3_column_text (statement, c));
    }

  if (code != SQLITE_DONE)
    {
      if (!g_cancellable_set_error_if_cancelled (cancellable, error))
        g_set_error (error, SVI_LOG_ERROR,
                     (code & 0xff) == SQLITE_CORRUPT ? SVI_LOG_ERROR_DAMAGED : SVI_LOG_ERROR_QUERY,
                     "%s", sqlite3_errmsg (handle));
      sqlite3_finalize (statement);
      return NULL;
    }

  sqlite3_finalize (statement);
  return g_steal_pointer (&table);
}

static void
query_in_thread (GTask        *task,
                 gpointer      source,
                 gpointer      task_data,
                 GCancellable *cancellable)
{
  Question *question = task_data;
  GError *error = NULL;
  SviTable *table;

  if (g_task_return_error_if_cancelled (task))
    return;

  svi_log_begin (question->connection->log, cancellable);
  table = svi_session_run_query (question->connection->log, question->sql, question->parameters,
                                 question->max_rows, cancellable, &error);
  svi_log_end (question->connection->log);

  if (table != NULL)
    g_task_return_pointer (task, table, g_object_unref);
  else
    g_task_return_error (task, error);
}

/* Runs @sql with the values of the tuple @parameters (floating references are taken) and reads at
 * most @max_rows rows.
 */
void
svi_session_query_async (SviSession          *self,
                         const char          *sql,
                         GVariant            *parameters,
                         guint                max_rows,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             data)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  g_return_if_fail (SVI_IS_SESSION (self) && self->queries != NULL);

  task = g_task_new (self, cancellable, callback, data);
  question = question_new (self, self->queries);
  question->sql = g_strdup (sql);
  question->parameters = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  question->max_rows = max_rows;
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, query_in_thread);
}

SviTable *
svi_session_query_finish (SviSession    *self,
                          GAsyncResult  *result,
                          GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct
{
  SviEventRef event;
  double      start_ns;
} Neighbour;

static void
neighbour_in_thread (GTask        *task,
                     gpointer      source,
                     gpointer      task_data,
                     GCancellable *cancellable)
{
  Question *question = task_data;
  Neighbour *neighbour = g_new0 (Neighbour, 1);

  svi_log_begin (question->connection->log, cancellable);
  neighbour->event = svi_event_neighbour (question->connection->log, question->thing, question->ns,
                                          question->forward, &neighbour->start_ns);
  svi_log_end (question->connection->log);
  g_task_return_pointer (task, neighbour, g_free);
}

/* The next or the previous event on the lane of @thing. */
void
svi_session_neighbour_async (SviSession          *self,
                             gint64               thing,
                             double               ns,
                             gboolean             forward,
                             GAsyncReadyCallback  callback,
                             gpointer             data)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  g_return_if_fail (SVI_IS_SESSION (self) && self->queries != NULL);

  task = g_task_new (self, NULL, callback, data);
  question = question_new (self, self->queries);
  question->thing = thing;
  question->ns = ns;
  question->forward = forward;
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, neighbour_in_thread);
}

gboolean
svi_session_neighbour_finish (SviSession   *self,
                              GAsyncResult *result,
                              SviEventRef  *event,
                              double       *start_ns)
{
  g_autofree Neighbour *neighbour = g_task_propagate_pointer (G_TASK (result), NULL);

  if (neighbour == NULL || neighbour->event.kind == SVI_EVENT_NONE)
    return FALSE;

  *event = neighbour->event;
  *start_ns = neighbour->start_ns;
  return TRUE;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-log.h"

#include <string.h>

/* How many steps of SQLite's machine pass between two looks at the cancellable: about 20 µs */
#define PROGRESS_STEPS 2000

/* A writer that is checkpointing keeps a reader out only for moments */
#define BUSY_TIMEOUT_MS 2000

struct _SviLog
{
  char         *path;
  char         *damage;
  sqlite3      *handle;
  GCancellable *cancellable;
  GHashTable   *statements; /* SQL text to sqlite3_stmt */
  GMutex        mutex;
  gboolean      failed;     /* the last step met damage, not the end */
};

G_DEFINE_QUARK (svi-log-error-quark, svi_log_error)

static void
statement_free (gpointer data)
{
  sqlite3_finalize (data);
}

static int
progress (gpointer data)
{
  SviLog *self = data;

  return self->cancellable != NULL && g_cancellable_is_cancelled (self->cancellable);
}

static gboolean
probe (sqlite3    *handle,
       const char *sql,
       gint64     *value,
       int        *code)
{
  sqlite3_stmt *statement = NULL;
  gboolean found = FALSE;

  *code = sqlite3_prepare_v2 (handle, sql, -1, &statement, NULL);
  if (*code == SQLITE_OK)
    {
      *code = sqlite3_step (statement);
      if (*code == SQLITE_ROW)
        {
          *value = sqlite3_column_int64 (statement, 0);
          found = TRUE;
        }
    }
  sqlite3_finalize (statement);
  return found;
}

static int
open_handle (const char  *path,
             gboolean     immutable,
             sqlite3    **handle)
{
  g_autofree char *escaped = g_uri_escape_string (path, "/", TRUE);
  g_autofree char *uri = g_strdup_printf ("file:%s%s", escaped, immutable ? "?immutable=1" : "");
  int code = sqlite3_open_v2 (uri, handle,
                              SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);

  if (code == SQLITE_OK)
    {
      gint64 ignored;

      sqlite3_busy_timeout (*handle, BUSY_TIMEOUT_MS);
      /* Only a first read tells whether the file and its write-ahead log can be used */
      probe (*handle, "PRAGMA schema_version", &ignored, &code);
      if (code == SQLITE_ROW || code == SQLITE_DONE)
        code = SQLITE_OK;
    }
  return code;
}

/* Opens the log at @path. Errors: SVI_LOG_ERROR. */
SviLog *
svi_log_open (const char  *path,
              GError     **error)
{
  g_autoptr (SviLog) self = NULL;
  g_autofree char *name = NULL;
  gint64 application = 0, version = 0, tables = 0;
  int code;

  g_return_val_if_fail (path != NULL, NULL);

  name = g_path_get_basename (path);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_OPEN, "“%s” does not exist", path);
      return NULL;
    }
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_NOT_LOG,
                   "“%s” is a folder, not an event log", name);
      return NULL;
    }

  self = g_new0 (SviLog, 1);
  self->path = g_strdup (path);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, statement_free);
  g_mutex_init (&self->mutex);

  code = open_handle (path, FALSE, &self->handle);
  if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || (code & 0xff) == SQLITE_READONLY)
    {
      /* Write-ahead logging needs a shared memory file beside the log. Where none can be made
       * nobody can be writing either, so the file can be read as it lies there.
       */
      sqlite3_close_v2 (g_steal_pointer (&self->handle));
      code = open_handle (path, TRUE, &self->handle);
    }

  if (code == SQLITE_NOTADB)
    {
      g_set_error (
        error, SVI_LOG_ERROR, SVI_LOG_ERROR_NOT_LOG,
        "“%s” is not an event log. Logs are the files that svmgpu-device writes with --log.", name);
      return NULL;
    }
  if ((code & 0xff) == SQLITE_CORRUPT)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_DAMAGED,
                   "“%s” is damaged, and nothing of it can be read: %s", name,
                   sqlite3_errmsg (self->handle));
      return NULL;
    }
  if (code != SQLITE_OK)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_OPEN, "“%s” cannot be opened: %s", name,
                   self->handle != NULL ? sqlite3_errmsg (self->handle) : "out of memory");
      return NULL;
    }

  probe (self->handle, "PRAGMA application_id", &application, &code);
  probe (self->handle, "PRAGMA user_version", &version, &code);
  probe (self->handle,
         "SELECT count(*) FROM sqlite_schema WHERE name IN ('meta', 'enum', 'interval', 'thing')",
         &tables, &code);

  if (application != SVI_LOG_APPLICATION_ID)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_NOT_LOG,
                   tables == 0 && application == 0
                     ? "“%s” is not an event log, or nothing was written to it yet"
                     : "“%s” is a database, but not an event log",
                   name);
      return NULL;
    }
  if (version != SVI_LOG_SCHEMA_VERSION)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_VERSION,
                   "“%s” has version %" G_GINT64_FORMAT
                   " of the log's schema; this program reads version %d. %s",
                   name, version, SVI_LOG_SCHEMA_VERSION,
                   version > SVI_LOG_SCHEMA_VERSION
                     ? "A newer inspector can open it."
                     : "Record it again, or use an older inspector.");
      return NULL;
    }
  if (tables < 4)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_DAMAGED,
                   "“%s” is damaged: parts of its schema are missing", name);
      return NULL;
    }

  /* A log comes from anywhere: its schema may call nothing but plain functions, and its pages are
   * checked as they are read
   */
  sqlite3_exec (self->handle,
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;",
                NULL, NULL, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_progress_handler (self->handle, PROGRESS_STEPS, progress, self);
  return g_steal_pointer (&self);
}

void
svi_log_close (SviLog *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->statements, g_hash_table_unref);
  sqlite3_close_v2 (self->handle);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->mutex);
  g_free (self->damage);
  g_free (self->path);
  g_free (self);
}

const char *
svi_log_get_path (SviLog *self)
{
  return self->path;
}

/* What is wrong with the file, as one sentence; NULL when nothing was noticed. */
const char *
svi_log_get_damage (SviLog *self)
{
  return self->damage;
}

sqlite3 *
svi_log_get_handle (SviLog *self)
{
  return self->handle;
}

/* Between begin and end the connection belongs to the calling thread, all reads see the same moment
 * of the log, and @cancellable interrupts them.
 */
void
svi_log_begin (SviLog       *self,
               GCancellable *cancellable)
{
  g_return_if_fail (self != NULL);

  g_mutex_lock (&self->mutex);
  g_set_object (&self->cancellable, cancellable);
  sqlite3_exec (self->handle, "BEGIN", NULL, NULL, NULL);
}

void
svi_log_end (SviLog *self)
{
  GHashTableIter iter;
  gpointer statement;

  g_return_if_fail (self != NULL);

  g_clear_object (&self->cancellable);

  g_hash_table_iter_init (&iter, self->statements);
  while (g_hash_table_iter_next (&iter, NULL, &statement))
    sqlite3_reset (statement);

  /* A read transaction that stays open would keep the writer's log from being folded in */
  sqlite3_exec (self->handle, "COMMIT", NULL, NULL, NULL);
  g_mutex_unlock (&self->mutex);
}

static void
note_damage (SviLog *self,
             int     code)
{
  if (self->damage == NULL && ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ||
                               (code & 0xff) == SQLITE_IOERR))
    self->damage = g_strdup_printf ("The log is damaged (%s). What can be read is shown.",
                                    sqlite3_errmsg (self->handle));
}

/* A statement of this program, prepared once, reset and without bindings. It belongs to the log. */
sqlite3_stmt *
svi_log_prepare (SviLog      *self,
                 const char  *sql,
                 GError     **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup (self->statements, sql);
  int code;

  if (statement != NULL)
    {
      sqlite3_reset (statement);
      sqlite3_clear_bindings (statement);
      return statement;
    }

  code = sqlite3_prepare_v3 (self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
  if (code != SQLITE_OK)
    {
      note_damage (self, code);
      g_set_error (error, SVI_LOG_ERROR,
                   (code & 0xff) == SQLITE_CORRUPT ? SVI_LOG_ERROR_DAMAGED : SVI_LOG_ERROR_QUERY,
                   "%s", sqlite3_errmsg (self->handle));
      return NULL;
    }

  g_hash_table_insert (self->statements, g_strdup (sql), statement);
  return statement;
}

/* Whether there is another row. Damage and cancellation end the rows like an end does; both can be
 * asked for.
 */
gboolean
svi_log_step (SviLog       *self,
              sqlite3_stmt *statement)
{
  int code;

  self->failed = FALSE;
  if (statement == NULL)
    return FALSE;

  code = sqlite3_step (statement);
  if (code == SQLITE_ROW)
    return TRUE;

  if (code != SQLITE_DONE && code != SQLITE_INTERRUPT)
    {
      note_damage (self, code);
      self->failed = TRUE;
    }
  sqlite3_reset (statement);
  return FALSE;
}

/* Whether the last step ended at damage: there may be more rows beyond it. */
gboolean
svi_log_get_failed (SviLog *self)
{
  return self->failed;
}

gint64
svi_log_get_integer (SviLog     *self,
                     const char *sql,
                     gint64      fallback)
{
  sqlite3_stmt *statement = svi_log_prepare (self, sql, NULL);
  gint64 value = fallback;

  if (svi_log_step (self, statement) && sqlite3_column_type (statement, 0) != SQLITE_NULL)
    value = sqlite3_column_int64 (statement, 0);
  if (statement != NULL)
    sqlite3_reset (statement);
  return value;
}

/* The time of the last thing that the log knows. One look at the end of an index per kind: a log of
 * any size takes microseconds.
 */
gint64
svi_log_get_length (SviLog *self)
{
  static const char * const ends[] = {
    "SELECT coalesce(t1, t0) FROM range_state ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM lock_wait ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM lock_hold ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM migration ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t_answered, t_raised) FROM fault ORDER BY t_raised DESC LIMIT 1",
    "SELECT coalesce(t_completed, t_armed) FROM job ORDER BY t_armed DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM engine_run ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM copy ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM bind ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM invalidation ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM eviction ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM exec ORDER BY t0 DESC LIMIT 1",
    "SELECT coalesce(t1, t0) FROM tlb_flush ORDER BY t0 DESC LIMIT 1",
    "SELECT t FROM mark ORDER BY t DESC LIMIT 1",
    "SELECT max(t1) FROM lost",
    "SELECT max(t1) FROM run",
    "SELECT max(coalesce(t1, t0)) FROM session",
  };
  gint64 length = 0;

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    length = MAX (length, svi_log_get_integer (self, ends[i], 0));
  return length;
}


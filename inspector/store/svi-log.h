/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A log is one read-only connection to an event log: a SQLite file that the device process may be
 * writing at this moment. Opening checks that the file is a log, and of a version that this program
 * can read. Everything goes through the log's public views. A connection serves one query at a
 * time, so each worker has its own; nothing here may be called on the main thread of an
 * application, because any of it can wait for a disk.
 *
 * Damage does not end a query with nothing: what was read before it is kept, and
 * svi_log_get_damage() says what is wrong.
 */

#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

#define SVI_LOG_SCHEMA_VERSION 1
#define SVI_LOG_APPLICATION_ID 1398164821

typedef enum
{
  SVI_LOG_ERROR_OPEN,    /* cannot be opened */
  SVI_LOG_ERROR_NOT_LOG, /* some other file */
  SVI_LOG_ERROR_VERSION, /* a log of another schema version */
  SVI_LOG_ERROR_DAMAGED, /* nothing of it can be read */
  SVI_LOG_ERROR_QUERY,   /* a query that SQLite refuses */
} SviLogError;

#define SVI_LOG_ERROR (svi_log_error_quark ())
GQuark svi_log_error_quark (void);

typedef struct _SviLog SviLog;

SviLog     *svi_log_open           (const char    *path,
                                    GError       **error);
void        svi_log_close          (SviLog        *self);
const char *svi_log_get_path       (SviLog        *self);
const char *svi_log_get_damage     (SviLog        *self);
sqlite3    *svi_log_get_handle     (SviLog        *self);
void        svi_log_begin          (SviLog        *self,
                                    GCancellable  *cancellable);
void        svi_log_end            (SviLog        *self);
sqlite3_stmt *svi_log_prepare      (SviLog        *self,
                                    const char    *sql,
                                    GError       **error);
gboolean    svi_log_step           (SviLog        *self,
                                    sqlite3_stmt  *statement);
gboolean    svi_log_get_failed     (SviLog        *self);
gint64      svi_log_get_integer    (SviLog        *self,
                                    const char    *sql,
                                    gint64         fallback);
gint64      svi_log_get_length     (SviLog        *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviLog, svi_log_close)

G_END_DECLS

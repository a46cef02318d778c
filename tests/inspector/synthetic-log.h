/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Writes an event log with a known content for the inspector's tests: two GPUs that fault on the
 * ranges of one process in turn. The schema is the project's own file, so a change to it that
 * breaks a view breaks these tests. The same seed and size always give the same rows.
 */

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct
{
  guint    episodes; /* faults served */
  guint    ranges;
  guint    crowd;    /* short lock holds that are packed into one millisecond at the end */
  gint64   gap_ns;   /* mean time between two faults */
  guint    vms;      /* further VMs, three to a process, that do no more than bind once */
  gboolean open;     /* leave the last intervals without an end, as while it is written */
} SyntheticLogOptions;

#define SYNTHETIC_LOG_DEFAULTS { 400, 24, 0, 2500000, 0, FALSE }

typedef struct
{
  gint64 length_ns;
  gint64 n_faults;
  gint64 n_migrations;
  gint64 bytes_to_gpu[2];
  gint64 bytes_to_system;
  gint64 lock_vm;       /* thing ids */
  gint64 lock_notifier;
  gint64 first_range;
  gint64 first_fault;   /* interval ids */
  gint64 first_migration;
} SyntheticLogFacts;

void synthetic_log_write (const char                *path,
                          const char                *schema_path,
                          const SyntheticLogOptions *options,
                          SyntheticLogFacts         *facts);
void synthetic_log_append (const char *path,
                           gint64      at_ns,
                           guint       holds,
                           gint64      lock);

G_END_DECLS

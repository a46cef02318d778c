/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-describe.h"

#include <string.h>

/* The kind that the interval view calls by this label. */
SviEventKind
svi_describe_kind (const char *kind)
{
  static const struct
  {
    const char  *name;
    SviEventKind kind;
  } kinds[] = {
    { "lock_hold", SVI_EVENT_LOCK_HOLD }, { "lock_wait", SVI_EVENT_LOCK_WAIT },
    { "range_state", SVI_EVENT_RANGE_STATE }, { "engine_run", SVI_EVENT_ENGINE_RUN },
    { "fault", SVI_EVENT_FAULT }, { "migration", SVI_EVENT_MIGRATION },
    { "copy", SVI_EVENT_COPY }, { "bind", SVI_EVENT_BIND },
    { "invalidation", SVI_EVENT_INVALIDATION }, { "job", SVI_EVENT_JOB },
    { "exec", SVI_EVENT_EXEC }, { "tlb_flush", SVI_EVENT_TLB_FLUSH },
    { "eviction", SVI_EVENT_EVICTION }, { "race_hold", SVI_EVENT_RACE_HOLD },
  };

  for (guint i = 0; kind != NULL && i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kind, kinds[i].name) == 0)
      return kinds[i].kind;
  return SVI_EVENT_INTERVAL;
}

/* The tint of a range's state: values of the log's enumeration "state". */
SviTint
svi_describe_state_tint (int state,
                         int owner)
{
  switch (state)
    {
    case 0:
      return svi_tint (SVI_TINT_NONE, 0);
    case 1:
      return svi_tint (SVI_TINT_SYSTEM, 0);
    case 2:
    case 3:
      return svi_tint (SVI_TINT_GPU, (guint) MAX (owner, 0));
    case 4:
      return svi_tint (SVI_TINT_MIXED, 0);
    default:
      return svi_tint (SVI_TINT_MIXED, 1);
    }
}

static SviTint
place_tint (int place)
{
  if (place >= 256)
    return svi_tint (SVI_TINT_GPU, (guint) place - 256);
  return place == 2 ? svi_tint (SVI_TINT_MIXED, 0) : svi_tint (SVI_TINT_SYSTEM, 0);
}

static const char *
place_name (int   place,
            char *buffer,
            gsize size)
{
  if (place >= 256)
    {
      g_snprintf (buffer, size, "GPU %d", place - 256);
      return buffer;
    }
  return place == 1 ? "system" : place == 2 ? "mixed" : "nowhere";
}

/* What an interval looks like: its colour and the words on it. @row has SVI_INTERVAL_COLUMNS. */
void
svi_describe_interval (SviCatalog   *catalog,
                       sqlite3_stmt *row,
                       SviEventKind  kind,
                       SviTint      *tint,
                       char         *label,
                       gsize         label_size)
{
  static const char * const state_names[] = {
    "unpopulated", "system", NULL, NULL, "mixed", "several GPUs",
  };
  static const char * const access_names[] = { "read", "write", "atomic", "fetch", "fence" };
  static const char * const bind_names[] = {
    "map", "unmap", "userptr", "unmap all", "prefetch", "null", "mirror", "range", "rebind",
  };
  static const char *const event_names[] = {
    "",           "unmap",   "clear",   "protection", "protection",
    "soft dirty", "release", "migrate", "exclusive",
  };
  int sub = sqlite3_column_int (row, SVI_COLUMN_SUB);
  gint64 thread = sqlite3_column_int64 (row, SVI_COLUMN_THREAD);
  int outcome = sqlite3_column_int (row, SVI_COLUMN_OUTCOME);
  gint64 bytes = sqlite3_column_int64 (row, SVI_COLUMN_BYTES);
  const char *name;
  char from[16], to[16];

  label[0] = '\0';
  *tint = svi_tint (SVI_TINT_SYSTEM, 0);

  switch (kind)
    {
    case SVI_EVENT_RANGE_STATE:
      *tint = svi_describe_state_tint (sub, sqlite3_column_int (row, SVI_COLUMN_DST));
      if (sub == 2 || sub == 3)
        g_snprintf (label, label_size, "GPU %d", sqlite3_column_int (row, SVI_COLUMN_DST));
      else if (sub >= 0 && sub < (int) G_N_ELEMENTS (state_names))
        g_strlcpy (label, state_names[sub], label_size);
      break;

    case SVI_EVENT_LOCK_WAIT:
    case SVI_EVENT_LOCK_HOLD:
      *tint = svi_catalog_thread_tint (catalog, thread);
      name = svi_catalog_name (catalog, thread);
      g_strlcpy (label, name != NULL ? name : "", label_size);
      break;

    case SVI_EVENT_MIGRATION:
    case SVI_EVENT_COPY:
      {
        int source = sqlite3_column_int (row, SVI_COLUMN_SRC),
            target = sqlite3_column_int (row, SVI_COLUMN_DST);

        *tint = place_tint (target);
        if (bytes >= 1048576)
          g_snprintf (label, label_size, "%s → %s  %.4g MiB",
                      place_name (source, from, sizeof from), place_name (target, to, sizeof to),
                      bytes / 1048576.0);
        else
          g_snprintf (label, label_size, "%s → %s  %" G_GINT64_FORMAT " KiB",
                      place_name (source, from, sizeof from), place_name (target, to, sizeof to),
                      bytes / 1024);
      }
      break;

    case SVI_EVENT_FAULT:
      *tint = outcome >= 3 ? svi_tint (SVI_TINT_ERROR, 0)
              : sqlite3_column_int64 (row, SVI_COLUMN_A1) > 0 ? svi_tint (SVI_TINT_WARNING, 0)
                                                          : svi_tint (SVI_TINT_GOOD, 0);
      g_snprintf (label, label_size, "%s 0x%" G_GINT64_MODIFIER "x",
                  sub >= 0 && sub < (int) G_N_ELEMENTS (access_names) ? access_names[sub] : "",
                  (guint64) sqlite3_column_int64 (row, SVI_COLUMN_VA));
      break;

    case SVI_EVENT_ENGINE_RUN:
      *tint = outcome == 3 || outcome == 4
                ? svi_tint (SVI_TINT_ERROR, 0)
                : svi_tint (SVI_TINT_THREAD, (guint) sqlite3_column_int (row, SVI_COLUMN_KEY));
      g_snprintf (label, label_size, "context %d", sqlite3_column_int (row, SVI_COLUMN_KEY));
      break;

    case SVI_EVENT_BIND:
      *tint = svi_tint (SVI_TINT_THREAD, 4);
      if (sub >= 0 && sub < (int) G_N_ELEMENTS (bind_names))
        g_strlcpy (label, bind_names[sub], label_size);
      break;

    case SVI_EVENT_INVALIDATION:
      *tint = svi_tint (SVI_TINT_THREAD, 5);
      g_snprintf (label, label_size, "zap %s",
                  sub >= 0 && sub < (int) G_N_ELEMENTS (event_names) ? event_names[sub] : "");
      break;

    case SVI_EVENT_EVICTION:
      *tint = svi_tint (SVI_TINT_WARNING, 0);
      g_strlcpy (label, "eviction", label_size);
      break;

    case SVI_EVENT_JOB:
      *tint = svi_tint (SVI_TINT_THREAD, 0);
      g_snprintf (label, label_size, "job %d", sqlite3_column_int (row, SVI_COLUMN_A1));
      break;

    case SVI_EVENT_EXEC:
      *tint = svi_tint (SVI_TINT_THREAD, 6);
      g_strlcpy (label, "exec", label_size);
      break;

    case SVI_EVENT_TLB_FLUSH:
      *tint = svi_tint (SVI_TINT_THREAD, 8);
      g_strlcpy (label, "flush", label_size);
      break;

    case SVI_EVENT_RACE_HOLD:
      *tint = svi_tint (SVI_TINT_WARNING, 0);
      name = svi_catalog_name (catalog, sqlite3_column_int64 (row, SVI_COLUMN_OBJECT));
      g_snprintf (label, label_size, "held at %s", name != NULL ? name : "a race point");
      break;

    default:
      name = (const char *) sqlite3_column_text (row, SVI_COLUMN_KIND);
      g_strlcpy (label, name != NULL ? name : "", label_size);
      break;
    }
}

/* What a kind of event is called. */
const char *
svi_describe_title (SviEventKind kind)
{
  static const char * const titles[] = {
    [SVI_EVENT_RANGE_STATE] = "Range state",
    [SVI_EVENT_LOCK_WAIT] = "Lock wait",
    [SVI_EVENT_LOCK_HOLD] = "Lock hold",
    [SVI_EVENT_MIGRATION] = "Migration",
    [SVI_EVENT_FAULT] = "Fault",
    [SVI_EVENT_JOB] = "Job",
    [SVI_EVENT_ENGINE_RUN] = "Engine run",
    [SVI_EVENT_COPY] = "Copy",
    [SVI_EVENT_BIND] = "Bind",
    [SVI_EVENT_INVALIDATION] = "Invalidation",
    [SVI_EVENT_EVICTION] = "Eviction",
    [SVI_EVENT_EXEC] = "Exec",
    [SVI_EVENT_TLB_FLUSH] = "TLB flush",
    [SVI_EVENT_RACE_HOLD] = "Race point",
    [SVI_EVENT_INTERVAL] = "Interval",
    [SVI_EVENT_POINT] = "Point",
    [SVI_EVENT_LOST] = "Lost records",
  };

  return kind > SVI_EVENT_NONE && kind < G_N_ELEMENTS (titles) ? titles[kind] : "Event";
}

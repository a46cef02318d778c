/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-details.h"

#include "svi-describe.h"
#include "svi-text.h"

#include <math.h>
#include <string.h>

/* A chain of causes is short; a damaged log could make it a ring */
#define MAX_CHAIN 16
#define MAX_RELATED 200

void
svi_event_summary_free (SviEventSummary *self)
{
  if (self == NULL)
    return;

  g_free (self->title);
  g_free (self->summary);
  g_free (self);
}

static void
summary_destroy (gpointer data)
{
  svi_event_summary_free (data);
}

static void
field_free (gpointer data)
{
  SviField *field = data;

  g_free (field->name);
  g_free (field->value);
  g_free (field);
}

void
svi_details_free (SviDetails *self)
{
  if (self == NULL)
    return;

  svi_event_summary_free (self->event);
  g_ptr_array_unref (self->fields);
  g_ptr_array_unref (self->related);
  g_ptr_array_unref (self->steps);
  g_free (self);
}

static void G_GNUC_PRINTF (3, 4)
add_field (SviDetails *self,
           const char *name,
           const char *format,
           ...)
{
  SviField *field = g_new0 (SviField, 1);
  va_list arguments;

  va_start (arguments, format);
  field->name = g_strdup (name);
  field->value = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (!g_utf8_validate (field->value, -1, NULL))
    {
      char *valid = g_utf8_make_valid (field->value, -1);

      g_free (field->value);
      field->value = valid;
    }
  g_ptr_array_add (self->fields, field);
}

static SviEventSummary *
summarize (SviCatalog   *catalog,
           sqlite3_stmt *row)
{
  SviEventSummary *summary = g_new0 (SviEventSummary, 1);
  char label[SVI_LABEL_SIZE];

  summary->event.kind = svi_describe_kind (
    (const char *) sqlite3_column_text (row, SVI_COLUMN_KIND));
  summary->event.id = sqlite3_column_int64 (row, SVI_COLUMN_ID);
  summary->thing = sqlite3_column_int64 (row, SVI_COLUMN_THING);
  summary->start_ns = (double) sqlite3_column_int64 (row, SVI_COLUMN_T0);
  summary->open = sqlite3_column_int (row, SVI_COLUMN_UNFINISHED) != 0;
  summary->end_ns = MAX ((double) sqlite3_column_int64 (row, SVI_COLUMN_END), summary->start_ns);
  svi_describe_interval (catalog, row, summary->event.kind, &summary->tint, label, sizeof label);
  summary->title = g_strdup (svi_describe_title (summary->event.kind));
  summary->summary = g_utf8_make_valid (label, -1);
  return summary;
}

static SviEventSummary *
load_interval (SviLog     *log,
               SviCatalog *catalog,
               gint64      id,
               gint64     *parent)
{
  sqlite3_stmt *row = svi_log_prepare (
    log, "SELECT " SVI_INTERVAL_COLUMNS ", parent_id FROM interval WHERE id = ?", NULL);
  SviEventSummary *summary = NULL;

  if (row == NULL)
    return NULL;

  sqlite3_bind_int64 (row, 1, id);
  if (svi_log_step (log, row))
    {
      summary = summarize (catalog, row);
      if (parent != NULL)
        *parent = sqlite3_column_int64 (row, SVI_N_COLUMNS);
    }
  sqlite3_reset (row);
  return summary;
}

static void
add_effects (SviLog     *log,
             SviCatalog *catalog,
             SviDetails *self,
             gint64      cause,
             int         depth)
{
  g_autoptr (GPtrArray) effects = g_ptr_array_new ();
  sqlite3_stmt *row;

  row = svi_log_prepare (log,
                         "SELECT " SVI_INTERVAL_COLUMNS
                         " FROM interval WHERE parent_id = ? ORDER BY t0 LIMIT 64",
                         NULL);
  if (row == NULL || depth > MAX_CHAIN)
    return;

  sqlite3_bind_int64 (row, 1, cause);
  while (svi_log_step (log, row) && self->related->len + effects->len < MAX_RELATED)
    {
      SviEventSummary *summary = summarize (catalog, row);

      summary->depth = depth;
      g_ptr_array_add (effects, summary);
    }
  sqlite3_reset (row);

  for (guint i = 0; i < effects->len; i++)
    {
      SviEventSummary *summary = g_ptr_array_index (effects, i);

      g_ptr_array_add (self->related, summary);
      add_effects (log, catalog, self, summary->event.id, depth + 1);
    }
}

static void
load_related (SviLog     *log,
              SviCatalog *catalog,
              SviDetails *self,
              gint64      parent)
{
  gint64 root = self->event->event.id;
  SviEventSummary *first;

  for (int i = 0; i < MAX_CHAIN && parent > 0; i++)
    {
      gint64 next = 0;
      SviEventSummary *summary = load_interval (log, catalog, parent, &next);

      if (summary == NULL)
        break;
      root = parent;
      parent = next;
      svi_event_summary_free (summary);
    }

  first = load_interval (log, catalog, root, NULL);
  if (first == NULL)
    return;
  g_ptr_array_add (self->related, first);
  add_effects (log, catalog, self, root, 1);
}

static void
load_steps (SviLog     *log,
            SviDetails *self)
{
  sqlite3_stmt *row;

  row = svi_log_prepare (log,
                         "SELECT id, kind, t, thing_id, text, result FROM point WHERE parent_id = ?"
                         " ORDER BY t LIMIT 200",
                         NULL);
  if (row == NULL)
    return;

  sqlite3_bind_int64 (row, 1, self->event->event.id);
  while (svi_log_step (log, row))
    {
      SviEventSummary *step = g_new0 (SviEventSummary, 1);
      const char *text = (const char *) sqlite3_column_text (row, 4);

      step->event.kind = SVI_EVENT_POINT;
      step->event.id = sqlite3_column_int64 (row, 0);
      step->title = svi_text_humanize ((const char *) sqlite3_column_text (row, 1));
      step->start_ns = step->end_ns = (double) sqlite3_column_int64 (row, 2);
      step->thing = sqlite3_column_int64 (row, 3);
      step->summary = text != NULL ? g_utf8_make_valid (text, -1) : g_strdup ("");
      step->tint = svi_tint (SVI_TINT_SYSTEM, 0);
      g_ptr_array_add (self->steps, step);
    }
  sqlite3_reset (row);
}

/* The view that says the most about a kind, and how its columns are called */
static const char *
view_of (SviEventKind kind)
{
  switch (kind)
    {
    case SVI_EVENT_RANGE_STATE:
      return "SELECT * FROM range_state WHERE id = ?";
    case SVI_EVENT_LOCK_WAIT:
      return "SELECT * FROM lock_wait WHERE id = ?";
    case SVI_EVENT_LOCK_HOLD:
      return "SELECT * FROM lock_hold WHERE id = ?";
    case SVI_EVENT_MIGRATION:
      return "SELECT * FROM migration WHERE id = ?";
    case SVI_EVENT_FAULT:
      return "SELECT * FROM fault WHERE id = ?";
    case SVI_EVENT_JOB:
      return "SELECT * FROM job WHERE id = ?";
    case SVI_EVENT_ENGINE_RUN:
      return "SELECT * FROM engine_run WHERE id = ?";
    case SVI_EVENT_COPY:
      return "SELECT * FROM copy WHERE id = ?";
    case SVI_EVENT_BIND:
      return "SELECT * FROM bind WHERE id = ?";
    case SVI_EVENT_INVALIDATION:
      return "SELECT * FROM invalidation WHERE id = ?";
    case SVI_EVENT_EVICTION:
      return "SELECT * FROM eviction WHERE id = ?";
    case SVI_EVENT_EXEC:
      return "SELECT * FROM exec WHERE id = ?";
    case SVI_EVENT_TLB_FLUSH:
      return "SELECT * FROM tlb_flush WHERE id = ?";
    case SVI_EVENT_RACE_HOLD:
      return "SELECT * FROM race_hold WHERE id = ?";
    case SVI_EVENT_POINT:
      return "SELECT * FROM point WHERE id = ?";
    case SVI_EVENT_LOST:
      return "SELECT * FROM lost WHERE id = ?";
    default:
      return "SELECT * FROM interval WHERE id = ?";
    }
}

/* Columns that the details show in their own way, or that mean nothing to a reader */
static gboolean
is_hidden (const char *column)
{
  static const char *const hidden[] = {
    "id",          "t0",  "t1",  "t",        "wait_ns",    "hold_ns",     "latency_ns",
    "state_value", "src", "dst", "t_raised", "t_answered", "t_submitted", "t_completed",
  };

  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    if (strcmp (column, hidden[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
load_fields (SviLog     *log,
             SviCatalog *catalog,
             SviDetails *self)
{
  sqlite3_stmt *row = svi_log_prepare (log, view_of (self->event->event.kind), NULL);

  if (row == NULL)
    return;

  sqlite3_bind_int64 (row, 1, self->event->event.id);
  if (!svi_log_step (log, row))
    {
      sqlite3_reset (row);
      return;
    }

  for (int column = 0; column < sqlite3_column_count (row); column++)
    {
      const char *name = sqlite3_column_name (row, column);
      const char *text = (const char *) sqlite3_column_text (row, column);
      gint64 value = sqlite3_column_int64 (row, column);
      g_autofree char *label = NULL;
      g_autofree char *nice = NULL;

      if (text == NULL || is_hidden (name))
        continue;

      label = svi_text_humanize (name);
      if (g_str_has_suffix (label, " id"))
        label[strlen (label) - 3] = '\0';

      if (strcmp (name, "va") == 0 || g_str_has_suffix (name, "_va") ||
          strcmp (name, "address") == 0 || g_str_has_prefix (name, "checksum"))
        add_field (self, strcmp (name, "va") == 0 ? "Address" : label, "0x%" G_GINT64_MODIFIER "x",
                   (guint64) value);
      else if (strcmp (name, "bytes") == 0 || g_str_has_suffix (name, "_bytes"))
        {
          nice = svi_text_bytes ((guint64) value);
          add_field (self, strcmp (name, "bytes") == 0 ? "Size" : label, "%s", nice);
        }
      else if (g_str_has_prefix (name, "t_"))
        {
          /* A moment within the event reads best from its start */
          g_autofree char *what = svi_text_humanize (name + 2);

          nice = svi_text_span ((double) value - self->event->start_ns);
          add_field (self, what, "after %s", nice);
        }
      else if (g_str_has_suffix (name, "_ns"))
        {
          nice = svi_text_span ((double) value);
          add_field (self, label, "%s", nice);
        }
      else if (g_str_has_suffix (name, "_id"))
        {
          const char *thing = svi_catalog_name (catalog, value);
          int lane = svi_catalog_find_thing (catalog, value);

          if (thing != NULL)
            add_field (self, label, "%s", thing);
          else if (lane >= 0)
            add_field (self, label, "%s", svi_catalog_get (catalog, (guint) lane)->title);
          else
            add_field (self, label, "#%" G_GINT64_FORMAT, value);
        }
      else if (strcmp (name, "result") == 0)
        {
          if (value != 0)
            add_field (self, label, "%" G_GINT64_FORMAT " (%s)", value, g_strerror ((int) -value));
        }
      else
        add_field (self, label, "%s", text);
    }
  sqlite3_reset (row);
}

/* Everything about one event. Call between svi_log_begin() and svi_log_end(). Returns NULL with
 * @error set when the log does not hold it.
 */
SviDetails *
svi_details_load (SviLog       *log,
                  SviCatalog   *catalog,
                  SviEventRef   event,
                  GError      **error)
{
  g_autoptr (SviDetails) self = g_new0 (SviDetails, 1);
  gint64 parent = 0;

  g_return_val_if_fail (log != NULL && catalog != NULL, NULL);

  self->fields = g_ptr_array_new_with_free_func (field_free);
  self->related = g_ptr_array_new_with_free_func (summary_destroy);
  self->steps = g_ptr_array_new_with_free_func (summary_destroy);

  if (event.kind == SVI_EVENT_POINT || event.kind == SVI_EVENT_LOST)
    {
      sqlite3_stmt *row;

      row = svi_log_prepare (
        log,
        event.kind == SVI_EVENT_POINT
          ? "SELECT kind, t, t, thing_id, text, parent_id FROM point WHERE id = ?"
          : "SELECT 'records_lost', t0, t1, 0, count || ' records', 0 FROM lost WHERE id = ?",
        NULL);
      if (row != NULL)
        sqlite3_bind_int64 (row, 1, event.id);
      if (svi_log_step (log, row))
        {
          const char *text = (const char *) sqlite3_column_text (row, 4);

          self->event = g_new0 (SviEventSummary, 1);
          self->event->event = event;
          self->event->title = svi_text_humanize ((const char *) sqlite3_column_text (row, 0));
          self->event->start_ns = (double) sqlite3_column_int64 (row, 1);
          self->event->end_ns = (double) sqlite3_column_int64 (row, 2);
          self->event->thing = sqlite3_column_int64 (row, 3);
          self->event->summary = text != NULL ? g_utf8_make_valid (text, -1) : g_strdup ("");
          parent = sqlite3_column_int64 (row, 5);
          sqlite3_reset (row);
        }
    }
  else
    self->event = load_interval (log, catalog, event.id, &parent);

  if (self->event == NULL)
    {
      g_set_error (error, SVI_LOG_ERROR, SVI_LOG_ERROR_QUERY,
                   "The log has no event %" G_GINT64_FORMAT, event.id);
      return NULL;
    }

  load_fields (log, catalog, self);
  if (event.kind != SVI_EVENT_POINT && event.kind != SVI_EVENT_LOST)
    {
      load_related (log, catalog, self, parent);
      load_steps (log, self);
    }
  return g_steal_pointer (&self);
}

static void
holding_free (gpointer data)
{
  SviHolding *holding = data;

  svi_event_summary_free (holding->event);
  g_free (holding);
}

/* What the lanes (catalog indices; NULL: all) hold at a moment, in their order: every interval that
 * has begun and not ended.
 */
GPtrArray *
svi_holdings_load (SviLog        *log,
                   SviCatalog    *catalog,
                   double         at_ns,
                   const GArray  *lanes,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_autoptr (GPtrArray) holdings = g_ptr_array_new_with_free_func (holding_free);
  gint64 at = (gint64) floor (at_ns);
  sqlite3_stmt *short_row, *long_row;
  guint n;

  g_return_val_if_fail (log != NULL && catalog != NULL, NULL);

  /* A short interval that still runs began within the reach of the schema's limit; looking
   * backwards from the cursor through the last few finds it on any lane whose intervals do not
   * overlap by the hundred.
   */
  short_row = svi_log_prepare (log,
                               "SELECT * FROM (SELECT " SVI_INTERVAL_COLUMNS
                               " FROM interval WHERE thing_id = ?1"
                               " AND t0 <= ?2 AND t0 >= ?2 - 67108864 ORDER BY t0 DESC LIMIT 256)"
                               " WHERE t1 > ?2 AND t1 - t0 <= 67108864 LIMIT 16",
                               error);
  long_row = svi_log_prepare (log,
                              "SELECT " SVI_INTERVAL_COLUMNS
                              " FROM interval WHERE thing_id = ?1 AND t0 <= ?2"
                              " AND (t1 IS NULL OR t1 - t0 > 67108864) AND (t1 IS NULL OR t1 > ?2)"
                              " ORDER BY t0 LIMIT 16",
                              error);
  if (short_row == NULL || long_row == NULL)
    return NULL;

  n = lanes != NULL ? lanes->len : svi_catalog_size (catalog);
  for (guint i = 0; i < n; i++)
    {
      guint index = lanes != NULL ? g_array_index (lanes, guint, i) : i;
      const SviLane *lane = svi_catalog_get (catalog, index);
      sqlite3_stmt *rows[] = { long_row, short_row };

      if (lane == NULL || lane->kind == SVI_LANE_GROUP || lane->kind == SVI_LANE_MARKS)
        continue;

      for (guint r = 0; r < G_N_ELEMENTS (rows); r++)
        {
          sqlite3_reset (rows[r]);
          sqlite3_bind_int64 (rows[r], 1, lane->key);
          sqlite3_bind_int64 (rows[r], 2, at);
          while (svi_log_step (log, rows[r]))
            {
              SviHolding *holding = g_new0 (SviHolding, 1);

              holding->lane = index;
              holding->event = summarize (catalog, rows[r]);
              g_ptr_array_add (holdings, holding);
            }
        }
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
    }
  return g_steal_pointer (&holdings);
}

/* The first event of a thing that starts after (or before) @ns: for stepping through a lane by
 * keyboard.
 */
SviEventRef
svi_event_neighbour (SviLog   *log,
                     gint64    thing,
                     double    ns,
                     gboolean  forward,
                     double   *start_ns)
{
  SviEventRef event = { SVI_EVENT_NONE, 0 };
  sqlite3_stmt *row;

  row = svi_log_prepare (
    log,
    forward ? "SELECT id, kind, t0 FROM interval WHERE thing_id = ? AND t0 > ? ORDER BY t0 LIMIT 1"
            : "SELECT id, kind, t0 FROM interval WHERE thing_id = ? AND t0 < ?"
              " ORDER BY t0 DESC LIMIT 1",
    NULL);
  if (row == NULL)
    return event;

  sqlite3_bind_int64 (row, 1, thing);
  sqlite3_bind_int64 (row, 2, (gint64) (forward ? floor (ns) : ceil (ns)));
  if (svi_log_step (log, row))
    {
      event.id = sqlite3_column_int64 (row, 0);
      event.kind = svi_describe_kind ((const char *) sqlite3_column_text (row, 1));
      *start_ns = (double) sqlite3_column_int64 (row, 2);
    }
  sqlite3_reset (row);
  return event;
}

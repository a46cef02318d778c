/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-scene-query.h"

#include "svi-describe.h"

#include <math.h>
#include <string.h>

/* The schema's line between short intervals and long ones: a short one that reaches into a window
 * began at most this long before it, a long one is found by an index of its own.
 */
#define SHORT_NS G_GINT64_CONSTANT (67108864)

/* How many intervals of one pixel are looked at before the rest of the pixel is skipped */
#define LOOK 24
#define LOOK_COUNTED 4

/* How many times a lane is tried again beyond a damaged page */
#define DAMAGE_STEPS 64

/* The finest level of the density tables, and what a level is coarser than the one before */
#define DENSITY_BITS 22
#define DENSITY_STEP 4
#define DENSITY_LEVELS 5

typedef struct
{
  SviLog       *log;
  SviCatalog   *catalog;
  SviScene     *scene;
  GCancellable *cancellable;
  const SviLane *lane;
  double        from_ns;
  double        to_ns;
  double        bucket_ns;
} Reader;

SviSceneRequest *
svi_scene_request_new (double from_ns,
                       double to_ns,
                       double bucket_ns)
{
  SviSceneRequest *self = g_new0 (SviSceneRequest, 1);

  self->from_ns = from_ns;
  self->to_ns = to_ns;
  self->bucket_ns = bucket_ns;
  self->lanes = g_array_new (FALSE, FALSE, sizeof (guint));
  return self;
}

void
svi_scene_request_free (SviSceneRequest *self)
{
  if (self == NULL)
    return;

  g_array_unref (self->lanes);
  g_free (self);
}

static SviSpan *
add_row (Reader       *reader,
         sqlite3_stmt *row)
{
  double start = (double) sqlite3_column_int64 (row, SVI_COLUMN_T0);
  double end = MAX ((double) sqlite3_column_int64 (row, SVI_COLUMN_END), start);
  SviEventRef event = { svi_describe_kind (
                          (const char *) sqlite3_column_text (row, SVI_COLUMN_KIND)),
                        sqlite3_column_int64 (row, SVI_COLUMN_ID) };
  SviSpan *span;
  SviTint tint;
  char label[SVI_LABEL_SIZE];

  svi_describe_interval (reader->catalog, row, event.kind, &tint, label, sizeof label);
  span = svi_scene_add (reader->scene, start, end, tint, event, label);
  if (sqlite3_column_int (row, SVI_COLUMN_UNFINISHED))
    span->flags |= SVI_SPAN_OPEN;

  if (event.kind == SVI_EVENT_LOCK_WAIT)
    span->row = reader->lane->rows;
  if (event.kind == SVI_EVENT_LOCK_HOLD && sqlite3_column_int (row, SVI_COLUMN_SUB) == 1)
    span->flags |= SVI_SPAN_SHARED;
  return span;
}

/* Long intervals that reach into the window, however long ago they began */
static void
read_long (Reader *reader)
{
  sqlite3_stmt *row;

  row = svi_log_prepare (
    reader->log,
    "SELECT " SVI_INTERVAL_COLUMNS " FROM interval WHERE thing_id = ?1 AND t0 < ?2"
    " AND (t1 IS NULL OR t1 - t0 > 67108864) AND (t1 IS NULL OR t1 >= ?3) ORDER BY t0 LIMIT 20000",
    NULL);
  if (row == NULL)
    return;

  sqlite3_bind_int64 (row, 1, reader->lane->key);
  sqlite3_bind_int64 (row, 2, (gint64) reader->to_ns + 1);
  sqlite3_bind_int64 (row, 3, (gint64) floor (reader->from_ns));
  while (svi_log_step (reader->log, row))
    add_row (reader, row);
  sqlite3_reset (row);
}

static gboolean
is_long (sqlite3_stmt *row)
{
  return sqlite3_column_type (row, SVI_COLUMN_T1) == SQLITE_NULL ||
         sqlite3_column_int64 (row, SVI_COLUMN_T1) - sqlite3_column_int64 (row, SVI_COLUMN_T0) >
           SHORT_NS;
}

/* Turns the spans from @first on, which all began in one pixel, into what is worth drawing: those
 * longer than a pixel stay, the others become one dense span. @skipped more were not looked at.
 */
static void
thin (Reader  *reader,
      guint    first,
      gboolean skipped)
{
  GArray *spans = reader->scene->spans;
  double bucket = reader->bucket_ns;
  guint kept = first;
  guint dense_of[2] = { G_MAXUINT, G_MAXUINT };

  if (spans->len - first < 2 && !skipped)
    return;

  for (guint i = first; i < spans->len; i++)
    {
      SviSpan *span = &g_array_index (spans, SviSpan, i);
      guint below = span->event.kind == SVI_EVENT_LOCK_WAIT ? 1 : 0;

      if (span->end_ns - span->start_ns >= bucket || span->flags & SVI_SPAN_POINT)
        {
          g_array_index (spans, SviSpan, kept++) = *span;
          continue;
        }

      if (dense_of[below] == G_MAXUINT)
        {
          SviSpan dense = *span;

          double column = floor (span->start_ns / bucket);

          /* Exactly one pixel, so that neighbours touch and do not overlap */
          dense.flags |= SVI_SPAN_DENSE;
          dense.fill = (float) MIN ((span->end_ns - span->start_ns) / bucket, 1);
          dense.start_ns = column * bucket;
          dense.end_ns = (column + 1) * bucket;
          dense_of[below] = kept;
          g_array_index (spans, SviSpan, kept++) = dense;
        }
      else
        {
          SviSpan *dense = &g_array_index (spans, SviSpan, dense_of[below]);
          double longest = dense->fill * bucket / dense->count;

          /* The colour is that of the longest; a warning or an error always shows */
          if (svi_tint_class (span->tint) >= SVI_TINT_WARNING ||
              (span->end_ns - span->start_ns > longest &&
               svi_tint_class (dense->tint) < SVI_TINT_WARNING))
            {
              dense->tint = span->tint;
              dense->event = span->event;
              dense->label = span->label;
            }
          dense->fill = (float) MIN (dense->fill + (span->end_ns - span->start_ns) / bucket, 1);
          dense->count++;
        }
    }
  g_array_set_size (spans, kept);

  if (skipped && dense_of[0] != G_MAXUINT)
    g_array_index (spans, SviSpan, dense_of[0]).fill = 1;
}

static void
read_short (Reader *reader,
            int     look)
{
  sqlite3_stmt *forward, *backward;
  gint64 at = (gint64) floor (reader->from_ns) - SHORT_NS;
  gint64 to = (gint64) ceil (reader->to_ns);
  gint64 last = at;
  guint retries = DAMAGE_STEPS;
  gboolean more = TRUE;

  forward = svi_log_prepare (reader->log,
                             "SELECT " SVI_INTERVAL_COLUMNS
                             " FROM interval WHERE thing_id = ?1 AND t0 >= ?2 AND t0 <= ?3"
                             " ORDER BY t0",
                             NULL);
  backward = svi_log_prepare (reader->log,
                              "SELECT " SVI_INTERVAL_COLUMNS
                              " FROM interval WHERE thing_id = ?1 AND t0 >= ?2 AND t0 <= ?3"
                              " ORDER BY t0 DESC LIMIT 1",
                              NULL);
  if (forward == NULL || backward == NULL)
    return;

  /* What began before the window matters only if it reaches into it: before the window a pixel is a
   * hundredth of the reach, or of the window.
   */
  while (more && at <= to)
    {
      double bucket_end = 0, bucket = reader->bucket_ns;
      guint first = reader->scene->spans->len;
      int looked = 0;

      more = FALSE;
      sqlite3_reset (forward);
      sqlite3_bind_int64 (forward, 1, reader->lane->key);
      sqlite3_bind_int64 (forward, 2, at);
      sqlite3_bind_int64 (forward, 3, to);

      while (svi_log_step (reader->log, forward))
        {
          gint64 t0 = sqlite3_column_int64 (forward, SVI_COLUMN_T0);

          last = t0;
          if ((double) t0 >= bucket_end)
            {
              thin (reader, first, FALSE);
              first = reader->scene->spans->len;
              looked = 0;
              bucket = t0 < reader->from_ns ? MAX (reader->bucket_ns, SHORT_NS / 512.0)
                                            : reader->bucket_ns;
              bucket_end = (floor (t0 / bucket) + 1) * bucket;
              if (t0 < reader->from_ns)
                bucket_end = MIN (bucket_end, MAX (reader->from_ns, (double) t0 + 1));
            }

          if (looked++ < look)
            {
              gint64 t1 = sqlite3_column_int64 (forward, SVI_COLUMN_T1);

              if (!is_long (forward) && t1 >= reader->from_ns)
                add_row (reader, forward);
              continue;
            }

          /* The rest of this pixel is skipped, except for its last interval: on a lane where
           * nothing overlaps, only that one can be longer than the pixel.
           */
          at = (gint64) ceil (bucket_end);
          sqlite3_reset (backward);
          sqlite3_bind_int64 (backward, 1, reader->lane->key);
          sqlite3_bind_int64 (backward, 2, t0);
          sqlite3_bind_int64 (backward, 3, MIN (at - 1, to));
          if (svi_log_step (reader->log, backward) && !is_long (backward) &&
              sqlite3_column_int64 (backward, SVI_COLUMN_T1) >= reader->from_ns)
            add_row (reader, backward);
          sqlite3_reset (backward);
          thin (reader, first, TRUE);
          first = reader->scene->spans->len;
          more = TRUE;
          break;
        }

      if (!more)
        {
          thin (reader, first, FALSE);

          /* Beyond a damaged page there are others: look again a little later */
          if (svi_log_get_failed (reader->log) && retries-- > 0)
            {
              at = MAX (at, last) + MAX ((to - at) / DAMAGE_STEPS, (gint64) reader->bucket_ns + 1);
              more = TRUE;
            }
        }
      if (g_cancellable_is_cancelled (reader->cancellable))
        break;
    }
  sqlite3_reset (forward);
}

/* Where the log has counted, how full a pixel is comes from there and not from the few that were
 * looked at
 */
static void
read_density (Reader *reader,
              guint   first)
{
  g_autofree double *busy = NULL;
  sqlite3_stmt *row;
  double pixels = (reader->to_ns - reader->from_ns) / reader->bucket_ns;
  double width;
  gint64 low, high;
  int level = -1;
  guint n;

  for (int i = 0; i < DENSITY_LEVELS; i++)
    if (reader->bucket_ns >= (double) (G_GINT64_CONSTANT (1) << (DENSITY_BITS + DENSITY_STEP * i)))
      level = i;
  if (level < 0 || pixels > 100000)
    return;

  row = svi_log_prepare (
    reader->log,
    "SELECT bucket, sum(busy_ns) FROM density WHERE thing_id = ?1 AND level = ?2"
    " AND bucket BETWEEN ?3 AND ?4 AND NOT is_point GROUP BY bucket",
    NULL);
  if (row == NULL)
    return;

  width = (double) (G_GINT64_CONSTANT (1) << (DENSITY_BITS + DENSITY_STEP * level));
  low = (gint64) floor (reader->from_ns / width);
  high = (gint64) floor (reader->to_ns / width);
  n = (guint) ceil (pixels) + 2;
  busy = g_new0 (double, n);

  sqlite3_bind_int64 (row, 1, reader->lane->key);
  sqlite3_bind_int (row, 2, level);
  sqlite3_bind_int64 (row, 3, low);
  sqlite3_bind_int64 (row, 4, high);
  while (svi_log_step (reader->log, row))
    {
      double middle = ((double) sqlite3_column_int64 (row, 0) + 0.5) * width;
      double pixel = floor ((middle - reader->from_ns) / reader->bucket_ns);

      if (pixel >= 0 && pixel < n)
        busy[(guint) pixel] += (double) sqlite3_column_int64 (row, 1);
    }
  sqlite3_reset (row);

  for (guint i = first; i < reader->scene->spans->len; i++)
    {
      SviSpan *span = &g_array_index (reader->scene->spans, SviSpan, i);
      double pixel = floor ((span->start_ns - reader->from_ns) / reader->bucket_ns);

      if (span->flags & SVI_SPAN_DENSE && pixel >= 0 && pixel < n)
        span->fill = (float) CLAMP (busy[(guint) pixel] / reader->bucket_ns, 0.02, 1);
    }
}

static int
by_start (gconstpointer a,
          gconstpointer b)
{
  const SviSpan *one = a, *other = b;

  if (one->start_ns != other->start_ns)
    return one->start_ns < other->start_ns ? -1 : 1;
  return (one->event.id > other->event.id) - (one->event.id < other->event.id);
}

static void
read_lane (Reader *reader)
{
  GArray *spans = reader->scene->spans;
  guint first = spans->len;

  read_long (reader);
  read_short (reader, reader->bucket_ns >= (double) (1 << DENSITY_BITS) ? LOOK_COUNTED : LOOK);
  read_density (reader, first);
  if (spans->len - first > 1)
    qsort (&g_array_index (spans, SviSpan, first), spans->len - first, sizeof (SviSpan), by_start);

  if (reader->lane->kind == SVI_LANE_LOCK)
    {
      /* Holders share the upper part and waiters the lower: stack each by itself */
      guint n = spans->len - first;
      g_autofree double *free_at = g_new (double, reader->lane->rows + 2);

      for (guint r = 0; r < reader->lane->rows + 2; r++)
        free_at[r] = -INFINITY;
      for (guint i = 0; i < n; i++)
        {
          SviSpan *span = &g_array_index (spans, SviSpan, first + i);
          gboolean waits = span->event.kind == SVI_EVENT_LOCK_WAIT;
          guint base = waits ? reader->lane->rows : 0;
          guint last = waits ? base + 1 : reader->lane->rows - 1;
          guint row = base;

          while (row < last && free_at[row] > span->start_ns)
            row++;
          span->row = (guint16) row;
          free_at[row] = MAX (free_at[row], span->end_ns);
        }
    }
  else if (reader->lane->rows > 1)
    svi_scene_stack (reader->scene, 0, reader->lane->rows);
}

static void
read_points (Reader     *reader,
             const char *sql,
             SviEventKind kind,
             SviTint     tint)
{
  sqlite3_stmt *row = svi_log_prepare (reader->log, sql, NULL);

  if (row == NULL)
    return;

  sqlite3_bind_int64 (row, 1, (gint64) floor (reader->from_ns));
  sqlite3_bind_int64 (row, 2, (gint64) ceil (reader->to_ns));
  while (svi_log_step (reader->log, row))
    {
      double start = (double) sqlite3_column_int64 (row, 1);
      double end = (double) sqlite3_column_int64 (row, 2);
      SviEventRef event = { kind, sqlite3_column_int64 (row, 0) };
      SviSpan *span = svi_scene_add (reader->scene, start, end, tint, event,
                                     (const char *) sqlite3_column_text (row, 3));

      if (end <= start)
        span->flags |= SVI_SPAN_POINT;
    }
  sqlite3_reset (row);
}

static void
read_marks (Reader *reader)
{
  guint first = reader->scene->spans->len;

  read_points (reader,
               "SELECT id, t, t, text FROM mark WHERE t BETWEEN ?1 AND ?2 ORDER BY t LIMIT 2000",
               SVI_EVENT_POINT, svi_tint (SVI_TINT_THREAD, 0));
  read_points (reader, "SELECT id, t, t, coalesce(text, 'injected fault') FROM injected_fault"
                       " WHERE t BETWEEN ?1 AND ?2 ORDER BY t LIMIT 2000",
               SVI_EVENT_POINT, svi_tint (SVI_TINT_WARNING, 0));
  read_points (reader,
               "SELECT id, t, t, 'stale TLB hit' FROM stale_hit WHERE t BETWEEN ?1 AND ?2 ORDER BY "
               "t LIMIT 2000",
               SVI_EVENT_POINT, svi_tint (SVI_TINT_ERROR, 0));
  read_points (reader, "SELECT id, t, t, coalesce(text, 'input rejected') FROM input_rejected"
                       " WHERE t BETWEEN ?1 AND ?2 ORDER BY t LIMIT 2000",
               SVI_EVENT_POINT, svi_tint (SVI_TINT_WARNING, 0));
  read_points (reader,
               "SELECT id, t0, t1, count || ' records lost' FROM lost WHERE t1 >= ?1 AND t0 <= ?2"
               " ORDER BY t0 LIMIT 2000",
               SVI_EVENT_LOST, svi_tint (SVI_TINT_ERROR, 0));

  if (reader->scene->spans->len - first > 1)
    qsort (&g_array_index (reader->scene->spans, SviSpan, first), reader->scene->spans->len - first,
           sizeof (SviSpan), by_start);
}

/* Reads the lanes of @request. Returns NULL when cancelled, with the error set. */
SviScene *
svi_scene_load (SviLog                *log,
                SviCatalog            *catalog,
                const SviSceneRequest *request,
                GCancellable          *cancellable,
                GError               **error)
{
  g_autoptr (SviScene) scene = NULL;
  Reader reader = { 0 };
  double length;

  g_return_val_if_fail (log != NULL && catalog != NULL && request != NULL, NULL);

  length = (double) svi_log_get_length (log);
  scene = svi_scene_new (catalog, request->from_ns, request->to_ns, request->bucket_ns);
  reader.log = log;
  reader.catalog = catalog;
  reader.scene = scene;
  reader.cancellable = cancellable;
  reader.from_ns = request->from_ns;
  reader.to_ns = request->to_ns;
  reader.bucket_ns = MAX (request->bucket_ns, 0.001);

  for (guint i = 0; i < request->lanes->len; i++)
    {
      guint index = g_array_index (request->lanes, guint, i);

      if (index >= svi_catalog_size (catalog))
        continue;

      reader.lane = svi_catalog_get (catalog, index);
      if (reader.lane->kind == SVI_LANE_GROUP)
        {
          SviEventRef none = { SVI_EVENT_NONE, 0 };

          if (reader.lane->alive_from < 0)
            continue;

          svi_scene_begin (scene, index);
          svi_scene_add (scene, (double) reader.lane->alive_from,
                         reader.lane->alive_to >= 0 ? (double) reader.lane->alive_to : length,
                         reader.lane->tint != 0 ? reader.lane->tint : svi_tint (SVI_TINT_SYSTEM, 0),
                         none, NULL);
          svi_scene_end (scene);
          continue;
        }

      svi_scene_begin (scene, index);
      if (reader.lane->kind == SVI_LANE_MARKS)
        read_marks (&reader);
      else
        read_lane (&reader);
      svi_scene_end (scene);

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
    }

  scene->damage = g_strdup (svi_log_get_damage (log));
  return g_steal_pointer (&scene);
}

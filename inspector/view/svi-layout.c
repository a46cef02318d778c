/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Where each lane of the timeline is: the visible lanes of a catalog, from top to bottom; and which
 * of them the arrows of an event join.
 */

#include "svi-timeline-draw.h"

#include <math.h>
#include <string.h>

#define GROUP_HEIGHT 30.0
#define LANE_HEIGHT 26.0
#define FAULT_HEIGHT 28.0
#define LOCK_HEIGHT 32.0
#define COMPACT_HEIGHT 5.0
#define WAIT_ROWS 2

static double
lane_height (const SviLane         *lane,
             const SviLayoutLimits *limits)
{
  switch (lane->kind)
    {
    case SVI_LANE_RANGE:
      return limits != NULL && limits->compact ? COMPACT_HEIGHT : LANE_HEIGHT;
    case SVI_LANE_GROUP:
      return GROUP_HEIGHT;
    case SVI_LANE_FAULT:
    case SVI_LANE_COPY:
      return FAULT_HEIGHT;
    case SVI_LANE_LOCK:
      return LOCK_HEIGHT;
    default:
      return LANE_HEIGHT;
    }
}

static gboolean
contains (const char *haystack,
          const char *folded_needle)
{
  g_autofree char *folded = haystack != NULL ? g_utf8_casefold (haystack, -1) : NULL;

  return folded != NULL && strstr (folded, folded_needle) != NULL;
}

/* How many lanes like @lane its group may show; 0: all */
static guint
limit_of (const SviLane         *lane,
          const SviLayoutLimits *limits)
{
  switch (lane->kind)
    {
    case SVI_LANE_RANGE:
      return limits->ranges;
    case SVI_LANE_LOCK:
      return limits->locks;
    case SVI_LANE_QUEUE:
      return limits->queues;
    case SVI_LANE_GROUP:
      return lane->alive_from >= 0                      ? limits->vms
             : g_str_has_prefix (lane->path, "locks/") ? limits->lock_classes
                                                       : 0;
    default:
      return 0;
    }
}

typedef struct
{
  SviCatalog *catalog;
  /* by lane: how many SVM ranges are somewhere in a group */
  guint      *ranges;
} Ranking;

static int
by_rank (gconstpointer a,
         gconstpointer b,
         gpointer      data)
{
  const Ranking *ranking = data;
  guint i = *(const guint *) a, j = *(const guint *) b;
  const SviLane *one = svi_catalog_get (ranking->catalog, i);
  const SviLane *other = svi_catalog_get (ranking->catalog, j);

  if (ranking->ranges[i] != ranking->ranges[j])
    return ranking->ranges[i] > ranking->ranges[j] ? -1 : 1;
  if (one->weight != other->weight)
    return one->weight > other->weight ? -1 : 1;
  return i < j ? -1 : 1;
}

/* Hides all but the first of each group, as many as @limits allow: where most SVM ranges are comes
 * first, then the busiest.
 */
static void
keep_first (SviCatalog            *catalog,
            guint8                *visible,
            const SviLayoutLimits *limits)
{
  guint n = svi_catalog_size (catalog);
  g_autofree guint *order = g_new (guint, n);
  g_autofree guint *children = g_new0 (guint, (n + 1) * (SVI_LANE_MARKS + 1));
  g_autofree guint *ranges = g_new0 (guint, n);
  Ranking ranking = { catalog, ranges };
  guint m = 0;

  for (guint i = 0; i < n; i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      if (lane->kind == SVI_LANE_RANGE)
        for (int up = lane->parent; up >= 0; up = svi_catalog_get (catalog, (guint) up)->parent)
          ranges[up]++;
    }

  for (guint i = 0; i < n; i++)
    if (visible[i] && limit_of (svi_catalog_get (catalog, i), limits) != 0)
      order[m++] = i;
  g_qsort_with_data (order, (int) m, sizeof *order, by_rank, &ranking);

  for (guint i = 0; i < m; i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, order[i]);

      if (children[(guint) (lane->parent + 1) * (SVI_LANE_MARKS + 1) + lane->kind]++ >=
          limit_of (lane, limits))
        visible[order[i]] = FALSE;
    }

  for (guint i = 0; i < n; i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      if (lane->parent >= 0 && !visible[lane->parent])
        visible[i] = FALSE;
    }
}

/* Lays out the lanes of @catalog whose groups are open and whose name, or that of a group above,
 * contains @filter. While a filter is set, groups are open whatever @folded says, and a group
 * without a match is left out. @limits, if any, leave only the busiest of each group.
 */
SviLayout *
svi_layout_new (SviCatalog *catalog,
                GHashTable *folded,
                const char *filter,
                const SviLayoutLimits *limits)
{
  SviLayout *self = g_new0 (SviLayout, 1);
  g_autofree char *needle = NULL;
  g_autofree guint8 *visible = NULL;
  guint n = svi_catalog_size (catalog);

  self->catalog = catalog != NULL ? svi_catalog_ref (catalog) : NULL;
  self->rows = g_array_new (FALSE, FALSE, sizeof (SviLayoutRow));
  if (n == 0)
    return self;

  if (filter != NULL && *filter != '\0')
    needle = g_utf8_casefold (filter, -1);

  visible = g_new0 (guint8, n);
  for (guint i = 0; i < n; i++)
    {
      const SviLane *lane = svi_catalog_get (catalog, i);

      /* A group comes before what is in it: its fate is known */
      if (needle == NULL)
        {
          visible[i] = lane->parent < 0 ||
                       (visible[lane->parent] &&
                        (folded == NULL ||
                         !g_hash_table_contains (
                           folded, svi_catalog_get (catalog, (guint) lane->parent)->path)));
          continue;
        }

      for (const SviLane *up = lane; up != NULL;
           up = up->parent >= 0 ? svi_catalog_get (catalog, (guint) up->parent) : NULL)
        if (contains (up->title, needle) || contains (up->subtitle, needle))
          visible[i] = TRUE;

      if (visible[i])
        for (int up = lane->parent; up >= 0; up = svi_catalog_get (catalog, (guint) up)->parent)
          visible[up] = TRUE;
    }

  if (limits != NULL)
    keep_first (catalog, visible, limits);

  for (guint i = 0; i < n; i++)
    if (visible[i])
      {
        SviLayoutRow row = { i, self->height, lane_height (svi_catalog_get (catalog, i), limits) };

        g_array_append_val (self->rows, row);
        self->height += row.height;
      }

  return self;
}

/* Lays out as many of the busiest lanes as fit into @height, with something of every part of the
 * log: each kind gets one more in turn, as long as there is room.
 */
SviLayout *
svi_layout_new_to_fit (SviCatalog *catalog,
                       const char *filter,
                       gboolean    compact,
                       double      height)
{
  SviLayoutLimits limits = { 1, 1, 1, 1, 1, compact };
  guint *turns[] = { &limits.ranges, &limits.lock_classes, &limits.ranges, &limits.lock_classes,
                     &limits.queues, &limits.ranges,       &limits.locks,  &limits.vms };
  SviLayout *best = svi_layout_new (catalog, NULL, filter, &limits);
  guint refused = 0;

  for (guint turn = 0; refused < G_N_ELEMENTS (turns) && turn < 400; turn++)
    {
      guint *limit = turns[turn % G_N_ELEMENTS (turns)];
      SviLayout *more;

      (*limit)++;
      more = svi_layout_new (catalog, NULL, filter, &limits);
      if (more->height <= height)
        {
          refused = more->rows->len > best->rows->len ? 0 : refused + 1;
          svi_layout_free (best);
          best = more;
          continue;
        }
      (*limit)--;
      refused++;
      svi_layout_free (more);
    }
  return best;
}

void
svi_layout_free (SviLayout *self)
{
  if (self == NULL)
    return;

  g_array_unref (self->rows);
  g_clear_pointer (&self->catalog, svi_catalog_unref);
  g_free (self);
}

/* Leaves out the lanes that @scene has nothing on, and the groups that this leaves empty. Of the
 * ranges of a VM those that change in the scene come first, those that only exist fill up where
 * something else happens in the VM, and at most @max_children stay.
 */
void
svi_layout_keep (SviLayout      *self,
                 const SviScene *scene,
                 guint           max_children)
{
  guint n = svi_catalog_size (self->catalog);
  g_autofree guint8 *keep = g_new0 (guint8, MAX (n, 1));
  g_autofree guint8 *busy = g_new0 (guint8, MAX (n, 1));
  g_autofree guint *children = g_new0 (guint, n + 1);
  g_autoptr (GArray) rows = g_steal_pointer (&self->rows);

  /* First the ranges that change, then those that only exist */
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < n; i++)
      {
        const SviLane *lane = svi_catalog_get (self->catalog, i);
        const SviSceneLane *entry = svi_scene_find_lane (scene, i);

        if (lane->kind == SVI_LANE_GROUP || entry == NULL || entry->n_spans == 0 || keep[i])
          continue;
        if (lane->kind == SVI_LANE_RANGE)
          {
            int vm = lane->parent >= 0
                       ? svi_catalog_get (self->catalog, (guint) lane->parent)->parent
                       : -1;

            if (entry->n_spans < 2 && (pass == 0 || vm < 0 || !busy[vm]))
              continue;
            if (children[lane->parent + 1] >= max_children)
              continue;
            children[lane->parent + 1]++;
          }
        keep[i] = TRUE;
        for (int up = lane->parent; up >= 0 && pass == 0;
             up = svi_catalog_get (self->catalog, (guint) up)->parent)
          busy[up] = TRUE;
      }

  for (guint i = 0; i < n; i++)
    {
      const SviLane *lane = svi_catalog_get (self->catalog, i);

      if (!keep[i] || lane->kind == SVI_LANE_GROUP)
        continue;
      for (int up = lane->parent; up >= 0; up = svi_catalog_get (self->catalog, (guint) up)->parent)
        keep[up] = TRUE;
    }

  self->rows = g_array_new (FALSE, FALSE, sizeof (SviLayoutRow));
  self->height = 0;
  for (guint i = 0; i < rows->len; i++)
    {
      SviLayoutRow row = g_array_index (rows, SviLayoutRow, i);

      if (!keep[row.lane])
        continue;
      row.y = self->height;
      self->height += row.height;
      g_array_append_val (self->rows, row);
    }
}

/* The arrows of an event: from each cause to its effects, and for a fault back to its answer. */
void
svi_flows_add (GArray           *flows,
               const SviDetails *details,
               const SviCatalog *catalog)
{
  for (guint i = 1; i < details->related->len; i++)
    {
      const SviEventSummary *effect = g_ptr_array_index (details->related, i);
      const SviEventSummary *cause = NULL;
      SviFlow flow;

      /* The chain is in the order of a walk through a tree: the cause is the last one before that
       * is less deep
       */
      for (guint c = i; c-- > 0 && cause == NULL;)
        if (((const SviEventSummary *) g_ptr_array_index (details->related, c))->depth <
            effect->depth)
          cause = g_ptr_array_index (details->related, c);
      if (cause == NULL)
        continue;

      flow.from_lane = svi_catalog_find_thing (catalog, cause->thing);
      flow.to_lane = svi_catalog_find_thing (catalog, effect->thing);
      flow.from_ns = MIN (cause->start_ns, effect->start_ns);
      flow.to_ns = effect->start_ns;
      if (flow.from_lane < 0 || flow.to_lane < 0)
        continue;
      g_array_append_val (flows, flow);

      /* A fault is answered when its pages are bound: the arrow that closes the circle */
      if (cause->event.kind == SVI_EVENT_FAULT && effect->event.kind == SVI_EVENT_BIND &&
          !effect->open && !cause->open)
        {
          SviFlow answer = { flow.to_lane, flow.from_lane, effect->end_ns, cause->end_ns };

          g_array_append_val (flows, answer);
        }
    }
}

/* The row at @y, before scrolling; -1 below the last. */
int
svi_layout_row_at (const SviLayout *self,
                   double           y)
{
  guint low = 0, high = self->rows->len;

  if (y < 0)
    return -1;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const SviLayoutRow *row = &g_array_index (self->rows, SviLayoutRow, middle);

      if (y < row->y)
        high = middle;
      else if (y >= row->y + row->height)
        low = middle + 1;
      else
        return (int) middle;
    }
  return -1;
}

/* The row of a lane; -1 when it is not laid out. */
int
svi_layout_find_lane (const SviLayout *self,
                      guint            lane)
{
  guint low = 0, high = self->rows->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const SviLayoutRow *row = &g_array_index (self->rows, SviLayoutRow, middle);

      if (row->lane == lane)
        return (int) middle;
      if (row->lane < lane)
        low = middle + 1;
      else
        high = middle;
    }
  return -1;
}

/* The part of @row that sub-row @sub_row of its lane takes, relative to the top of the row. A lock
 * has its holders on top and its waiters, thinner, beneath; other lanes share their height evenly
 * among the @rows that are in use.
 */
void
svi_layout_row_band (const SviLane      *lane,
                     const SviLayoutRow *row,
                     guint               sub_row,
                     guint               rows,
                     double             *y,
                     double             *height)
{
  double inset = row->height < SVI_TEXT_ROW_HEIGHT ? 0 : 4;
  double space = row->height - 2 * inset;

  rows = CLAMP (rows, 1, MAX (lane->rows, 1));

  if (lane->kind == SVI_LANE_LOCK)
    {
      double holders = floor (space * 0.66);
      double waiters = space - holders - 1;

      if (sub_row < lane->rows)
        {
          *height = holders / rows;
          *y = inset + MIN (sub_row, rows - 1) * *height;
        }
      else
        {
          *height = waiters / WAIT_ROWS;
          *y = inset + holders + 1 + MIN (sub_row - lane->rows, WAIT_ROWS - 1) * *height;
        }
      return;
    }

  *height = space / rows;
  *y = inset + MIN (sub_row, rows - 1) * *height;
}

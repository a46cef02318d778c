/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Where each lane of the timeline is: the visible lanes of a catalog, from top to bottom. */

#include "svi-timeline-draw.h"

#include <math.h>
#include <string.h>

#define GROUP_HEIGHT 30.0
#define LANE_HEIGHT 26.0
#define FAULT_HEIGHT 28.0
#define LOCK_HEIGHT 32.0
#define WAIT_ROWS 2

static double
lane_height (const SviLane *lane)
{
  switch (lane->kind)
    {
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

/* Lays out the lanes of @catalog whose groups are open and whose name, or that of a group above, contains @filter. While a
 * filter is set, groups are open whatever @folded says, and a group without a match is left out. @max_children
 * limits the ranges, queues and locks of each group, for a picture that cannot be scrolled; 0 is no limit.
 */
SviLayout *
svi_layout_new (SviCatalog *catalog,
                GHashTable *folded,
                const char *filter,
                guint       max_children)
{
  SviLayout *self = g_new0 (SviLayout, 1);
  g_autofree char *needle = NULL;
  g_autofree guint8 *visible = NULL;
  g_autofree guint *children = NULL;
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

      if (needle == NULL)
        {
          const SviLane *up = lane;

          visible[i] = TRUE;
          while (up->parent >= 0)
            {
              up = svi_catalog_get (catalog, up->parent);
              if (folded != NULL && g_hash_table_contains (folded, up->path))
                visible[i] = FALSE;
            }
          continue;
        }

      for (const SviLane *up = lane; up != NULL;
           up = up->parent >= 0 ? svi_catalog_get (catalog, up->parent) : NULL)
        if (contains (up->title, needle) || contains (up->subtitle, needle))
          visible[i] = TRUE;

      if (visible[i])
        for (int up = lane->parent; up >= 0; up = svi_catalog_get (catalog, up)->parent)
          visible[up] = TRUE;
    }

  children = g_new0 (guint, n);
  for (guint i = 0; i < n; i++)
    if (visible[i])
      {
        const SviLane *lane = svi_catalog_get (catalog, i);
        SviLayoutRow row = { i, self->height, lane_height (lane) };

        if (max_children > 0 && lane->parent >= 0 &&
            (lane->kind == SVI_LANE_RANGE || lane->kind == SVI_LANE_LOCK || lane->kind == SVI_LANE_QUEUE) &&
            children[lane->parent]++ >= max_children)
          continue;
        g_array_append_val (self->rows, row);
        self->height += row.height;
      }

  return self;
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

/* The part of @row that sub-row @sub_row of its lane takes, relative to the top of the row. A lock has
 * its holders on top and its waiters, thinner, beneath; other lanes share their height evenly among the
 * @rows that are in use.
 */
void
svi_layout_row_band (const SviLane      *lane,
                     const SviLayoutRow *row,
                     guint               sub_row,
                     guint               rows,
                     double             *y,
                     double             *height)
{
  double inset = 4;
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

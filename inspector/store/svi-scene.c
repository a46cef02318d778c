/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-scene.h"

#include <math.h>
#include <string.h>

static void
lane_free (gpointer data)
{
  SviLane *lane = data;

  g_free (lane->title);
  g_free (lane->subtitle);
  g_free (lane->path);
  g_free (lane);
}

SviCatalog *
svi_catalog_new (void)
{
  SviCatalog *self = g_new0 (SviCatalog, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->lanes = g_ptr_array_new_with_free_func (lane_free);
  self->names = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->tints = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  return self;
}

SviCatalog *
svi_catalog_ref (SviCatalog *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
svi_catalog_unref (SviCatalog *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_ptr_array_unref (self->lanes);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->tints);
  g_free (self);
}

/* Appends a lane below the group with the index @parent. Lanes follow their group at once. */
SviLane *
svi_catalog_add (SviCatalog  *self,
                 SviLaneKind  kind,
                 int          parent,
                 gint64       key,
                 const char  *path,
                 const char  *title,
                 const char  *subtitle)
{
  SviLane *lane;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (parent < (int) self->lanes->len, NULL);

  lane = g_new0 (SviLane, 1);
  lane->kind = kind;
  lane->key = key;
  lane->parent = parent;
  lane->rows = 1;
  lane->alive_from = lane->alive_to = -1;
  lane->path = g_strdup (path);
  lane->title = g_strdup (title);
  lane->subtitle = g_strdup (subtitle);

  if (parent >= 0)
    {
      SviLane *group = g_ptr_array_index (self->lanes, parent);

      lane->level = group->level + 1;
      group->children++;
    }

  g_ptr_array_add (self->lanes, lane);
  return lane;
}

guint
svi_catalog_size (const SviCatalog *self)
{
  return self != NULL ? self->lanes->len : 0;
}

const SviLane *
svi_catalog_get (const SviCatalog *self,
                 guint             index)
{
  g_return_val_if_fail (self != NULL && index < self->lanes->len, NULL);

  return g_ptr_array_index (self->lanes, index);
}

int
svi_catalog_find (const SviCatalog *self,
                  const char       *path)
{
  for (guint i = 0; i < svi_catalog_size (self); i++)
    {
      const SviLane *lane = g_ptr_array_index (self->lanes, i);

      if (g_strcmp0 (lane->path, path) == 0)
        return (int) i;
    }
  return -1;
}

/* The lane that shows a thing; -1 when none does. */
int
svi_catalog_find_thing (const SviCatalog *self,
                        gint64            thing)
{
  if (thing == 0)
    return -1;

  for (guint i = 0; i < svi_catalog_size (self); i++)
    {
      const SviLane *lane = g_ptr_array_index (self->lanes, i);

      if (lane->key == thing && lane->kind != SVI_LANE_GROUP)
        return (int) i;
    }
  return -1;
}

/* What to call a thread, a place in the source, a queue; NULL when the log does not say. */
const char *
svi_catalog_name (const SviCatalog *self,
                  gint64            thing)
{
  return thing != 0 ? g_hash_table_lookup (self->names, &thing) : NULL;
}

SviTint
svi_catalog_thread_tint (const SviCatalog *self,
                         gint64            thread)
{
  gpointer number = NULL;

  /* A thread that appeared after the catalog was read still gets a colour of its own */
  if (!g_hash_table_lookup_extended (self->tints, &thread, NULL, &number))
    return svi_tint (SVI_TINT_THREAD, (guint) thread);
  return svi_tint (SVI_TINT_THREAD, GPOINTER_TO_UINT (number));
}

SviScene *
svi_scene_new (SviCatalog *catalog,
               double      from_ns,
               double      to_ns,
               double      bucket_ns)
{
  SviScene *self = g_new0 (SviScene, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->catalog = svi_catalog_ref (catalog);
  self->from_ns = from_ns;
  self->to_ns = to_ns;
  self->bucket_ns = bucket_ns;
  self->spans = g_array_new (FALSE, TRUE, sizeof (SviSpan));
  self->lanes = g_array_new (FALSE, TRUE, sizeof (SviSceneLane));
  self->strings = g_string_chunk_new (4096);
  return self;
}

SviScene *
svi_scene_ref (SviScene *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
svi_scene_unref (SviScene *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_array_unref (self->spans);
  g_array_unref (self->lanes);
  g_string_chunk_free (self->strings);
  g_free (self->damage);
  svi_catalog_unref (self->catalog);
  g_free (self);
}

/* Starts the next lane; lanes are added in the order of the catalog. */
void
svi_scene_begin (SviScene *self,
                 guint     lane)
{
  SviSceneLane entry = { lane, self->spans->len, 0, 1 };

  g_return_if_fail (self->lanes->len == 0 ||
                    g_array_index (self->lanes, SviSceneLane, self->lanes->len - 1).lane < lane);

  g_array_append_val (self->lanes, entry);
}

/* The pointer is good until the next span is added. */
SviSpan *
svi_scene_add (SviScene    *self,
               double       start_ns,
               double       end_ns,
               SviTint      tint,
               SviEventRef  event,
               const char  *label)
{
  SviSpan span = { 0 };

  span.start_ns = start_ns;
  span.end_ns = MAX (start_ns, end_ns);
  span.tint = tint;
  span.event = event;
  span.fill = 1;
  span.count = 1;
  if (label != NULL && *label != '\0')
    {
      /* A damaged log can hold anything; what is drawn must be text. A label that was cut can end
       * in half a character.
       */
      g_autofree char *valid = g_utf8_validate (label, -1, NULL) ? NULL
                                                                 : g_utf8_make_valid (label, -1);

      span.label = g_string_chunk_insert_const (self->strings, valid != NULL ? valid : label);
    }

  g_array_append_val (self->spans, span);
  return &g_array_index (self->spans, SviSpan, self->spans->len - 1);
}

void
svi_scene_end (SviScene *self)
{
  SviSceneLane *lane;
  guint upper;

  g_return_if_fail (self->lanes->len > 0);

  lane = &g_array_index (self->lanes, SviSceneLane, self->lanes->len - 1);
  lane->n_spans = self->spans->len - lane->first;
  upper = svi_catalog_get (self->catalog, lane->lane)->rows;

  for (guint i = 0; i < lane->n_spans; i++)
    {
      const SviSpan *span = &g_array_index (self->spans, SviSpan, lane->first + i);

      if (span->row < upper)
        lane->n_rows = MAX (lane->n_rows, span->row + 1u);
    }
}

/* Gives the spans of the open lane from @first_row on a row each, so that no two that overlap share
 * one: the first row that is free when a span starts, the last of @max_rows when none is. Spans
 * must be sorted by start. Rows above @first_row are left alone.
 */
void
svi_scene_stack (SviScene *self,
                 guint     first_row,
                 guint     max_rows)
{
  g_autofree double *free_at = g_new (double, MAX (max_rows, 1));
  SviSceneLane *lane;

  g_return_if_fail (self->lanes->len > 0 && max_rows > 0);

  for (guint r = 0; r < max_rows; r++)
    free_at[r] = -INFINITY;

  lane = &g_array_index (self->lanes, SviSceneLane, self->lanes->len - 1);

  for (guint i = lane->first; i < self->spans->len; i++)
    {
      SviSpan *span = &g_array_index (self->spans, SviSpan, i);
      guint row;

      if (span->row < first_row)
        continue;

      for (row = 0; row < max_rows - 1; row++)
        if (free_at[row] <= span->start_ns)
          break;

      span->row = first_row + row;
      free_at[row] = MAX (free_at[row], span->end_ns);
    }
}

const SviSceneLane *
svi_scene_find_lane (const SviScene *self,
                     guint           lane)
{
  guint low = 0, high;

  if (self == NULL)
    return NULL;

  high = self->lanes->len;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const SviSceneLane *entry = &g_array_index (self->lanes, SviSceneLane, middle);

      if (entry->lane == lane)
        return entry;
      if (entry->lane < lane)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

const SviSpan *
svi_scene_spans (const SviScene     *self,
                 const SviSceneLane *lane)
{
  return &((const SviSpan *) (gpointer) self->spans->data)[lane->first];
}

/* The span of @lane below @ns, or the nearest within @slack_ns; @row is the sub-row, -1 for any.
 * Short spans win over long ones, so that what is drawn on top is what is hit.
 */
const SviSpan *
svi_scene_hit (const SviScene *self,
               guint           lane,
               double          ns,
               double          slack_ns,
               int             row)
{
  const SviSceneLane *entry = svi_scene_find_lane (self, lane);
  const SviSpan *spans, *best = NULL;
  double best_distance = INFINITY, best_length = INFINITY;

  if (entry == NULL || entry->n_spans == 0)
    return NULL;

  spans = svi_scene_spans (self, entry);
  for (guint i = 0; i < entry->n_spans; i++)
    {
      const SviSpan *span = &spans[i];
      double distance, length;

      if (row >= 0 && span->row != row)
        continue;
      if (span->start_ns - slack_ns > ns)
        break;

      distance = ns < span->start_ns ? span->start_ns - ns
                 : ns > span->end_ns ? ns - span->end_ns
                                     : 0;
      length = span->end_ns - span->start_ns;
      if (distance > slack_ns)
        continue;
      if (distance < best_distance || (distance == best_distance && length <= best_length))
        {
          best = span;
          best_distance = distance;
          best_length = length;
        }
    }
  return best;
}

/* Whether the scene is good enough to draw this window: it holds it all, and about as finely. */
gboolean
svi_scene_covers (const SviScene *self,
                  double          from_ns,
                  double          to_ns,
                  double          bucket_ns)
{
  return self->from_ns <= from_ns && self->to_ns >= to_ns &&
         self->bucket_ns <= bucket_ns * 1.01 && self->bucket_ns >= bucket_ns / 4.01;
}

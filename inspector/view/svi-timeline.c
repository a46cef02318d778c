/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-timeline-private.h"

#include <math.h>

#include "store/svi-text.h"

#define GUTTER_WIDTH 224
#define GUTTER_NARROW 132
#define NARROW_BELOW 720

/* A scene reaches this many widths beyond both edges, so that a pan finds it ready */
#define SCENE_MARGIN 0.5

/* While the view moves, a scene is asked for this often at most */
#define SCENE_DELAY_MS 40

#define ANIMATION_MS 220

enum
{
  PROP_0,
  PROP_VADJUSTMENT,
  N_PROPS
};

enum
{
  SIGNAL_VIEW_CHANGED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (SviTimeline, svi_timeline, GTK_TYPE_WIDGET)

double
svi_timeline_gutter (SviTimeline *self)
{
  return gtk_widget_get_width (GTK_WIDGET (self)) < NARROW_BELOW ? GUTTER_NARROW : GUTTER_WIDTH;
}

void
svi_timeline_make_frame (SviTimeline *self,
                         SviFrame    *frame)
{
  double from, to;

  *frame = (SviFrame) { 0 };
  frame->width = gtk_widget_get_width (GTK_WIDGET (self));
  frame->height = gtk_widget_get_height (GTK_WIDGET (self));
  frame->gutter = svi_timeline_gutter (self);
  frame->scroll_y = self->vadjustment != NULL ? gtk_adjustment_get_value (self->vadjustment) : 0;
  frame->show_legend = TRUE;
  frame->view = self->view;
  frame->layout = self->layout;
  frame->scene = self->scene;
  frame->palette = &self->palette;
  frame->pango = gtk_widget_get_pango_context (GTK_WIDGET (self));
  frame->folded = self->folded;
  frame->cursor_ns = frame->hover_ns = frame->mark_from_ns = frame->mark_to_ns = NAN;
  frame->hover_row = -1;
  frame->focus_row = gtk_widget_has_focus (GTK_WIDGET (self)) ? self->focus_row : -1;
  frame->flows = (const SviFlow *) (gpointer) self->flows->data;
  frame->n_flows = self->flows->len;

  if (self->session == NULL)
    return;

  frame->cursor_ns = svi_session_get_cursor (self->session);
  frame->selected = svi_session_get_selected (self->session);
  if (svi_session_get_catalog (self->session) != NULL)
    frame->n_gpus = svi_session_get_catalog (self->session)->n_gpus;
  if (svi_session_get_mark (self->session, &from, &to))
    {
      frame->mark_from_ns = from;
      frame->mark_to_ns = to;
    }

  if (self->pointer_inside && !self->dragging && self->layout != NULL)
    {
      if (self->pointer_x >= frame->gutter)
        frame->hover_ns = svi_time_view_to_ns (&self->view, self->pointer_x - frame->gutter);
      if (self->pointer_y >= svi_frame_lanes_top (frame) &&
          self->pointer_y < svi_frame_lanes_top (frame) + svi_frame_lanes_height (frame))
        frame->hover_row = svi_layout_row_at (
          self->layout, self->pointer_y - svi_frame_lanes_top (frame) + frame->scroll_y);
    }
}

/* Scenes ---------------------------------------------------------------------- */

static void request_scene (SviTimeline *self);

static void
on_scene (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  g_autoptr (SviTimeline) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviScene) scene = svi_session_scene_finish (SVI_SESSION (source), result, &error);

  /* A cancelled answer belongs to a request that another one has replaced */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  self->reading = FALSE;
  g_clear_object (&self->scene_cancellable);
  if (scene == NULL)
    {
      g_warning ("The lanes cannot be read: %s", error->message);
      return;
    }

  g_clear_pointer (&self->scene, svi_scene_unref);
  self->scene = g_steal_pointer (&scene);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_VIEW_CHANGED], 0);
}

static gboolean
on_scene_due (gpointer data)
{
  SviTimeline *self = data;
  SviSceneRequest *request;
  double margin, bucket, lanes_height, scroll;

  self->scene_source = 0;
  if (self->session == NULL || self->layout == NULL ||
      svi_session_get_catalog (self->session) == NULL)
    return G_SOURCE_REMOVE;

  g_cancellable_cancel (self->scene_cancellable);
  g_clear_object (&self->scene_cancellable);
  self->scene_cancellable = g_cancellable_new ();

  margin = self->view.span_ns * SCENE_MARGIN;
  bucket = self->view.span_ns / MAX (self->view.width, 1);
  request = svi_scene_request_new (self->view.from_ns - margin,
                                   self->view.from_ns + self->view.span_ns + margin, bucket);

  /* The lanes on screen, and half a screen more in both directions */
  lanes_height = gtk_widget_get_height (GTK_WIDGET (self));
  scroll = self->vadjustment != NULL ? gtk_adjustment_get_value (self->vadjustment) : 0;
  for (guint i = 0; i < self->layout->rows->len; i++)
    {
      const SviLayoutRow *row = &g_array_index (self->layout->rows, SviLayoutRow, i);

      if (row->y + row->height >= scroll - lanes_height / 2 &&
          row->y <= scroll + lanes_height * 1.5)
        g_array_append_val (request->lanes, row->lane);
    }

  self->reading = TRUE;
  svi_session_scene_async (self->session, request, self->scene_cancellable, on_scene,
                           g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
request_scene (SviTimeline *self)
{
  if (self->scene_source == 0)
    self->scene_source = g_timeout_add (self->scene != NULL ? SCENE_DELAY_MS : 1, on_scene_due,
                                        self);
}

/* Whether the scene still has what is on screen */
static gboolean
scene_suffices (SviTimeline *self)
{
  double scroll, height;

  if (self->scene == NULL || self->layout == NULL ||
      self->scene->catalog != self->layout->catalog ||
      !svi_scene_covers (self->scene, MAX (self->view.from_ns, 0),
                         MIN (self->view.from_ns + self->view.span_ns, self->view.length_ns),
                         self->view.span_ns / MAX (self->view.width, 1)))
    return FALSE;

  scroll = self->vadjustment != NULL ? gtk_adjustment_get_value (self->vadjustment) : 0;
  height = gtk_widget_get_height (GTK_WIDGET (self));
  for (guint i = 0; i < self->layout->rows->len; i++)
    {
      const SviLayoutRow *row = &g_array_index (self->layout->rows, SviLayoutRow, i);

      if (row->y + row->height < scroll || row->y > scroll + height)
        continue;
      if (svi_catalog_get (self->layout->catalog, row->lane)->kind != SVI_LANE_GROUP &&
          svi_scene_find_lane (self->scene, row->lane) == NULL)
        return FALSE;
    }
  return TRUE;
}

void
svi_timeline_view_changed (SviTimeline *self)
{
  if (!scene_suffices (self))
    request_scene (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_VIEW_CHANGED], 0);
}

/* Layout ---------------------------------------------------------------------- */

static void
update_adjustment (SviTimeline *self)
{
  SviFrame frame;
  double page, upper;

  if (self->vadjustment == NULL || self->layout == NULL)
    return;

  svi_timeline_make_frame (self, &frame);
  page = svi_frame_lanes_height (&frame);
  upper = MAX (self->layout->height, page);
  gtk_adjustment_configure (self->vadjustment,
                            CLAMP (gtk_adjustment_get_value (self->vadjustment), 0, upper - page),
                            0, upper, 26, page * 0.9, page);
}

static void
update_layout (SviTimeline *self)
{
  SviCatalog *catalog = self->session != NULL ? svi_session_get_catalog (self->session) : NULL;
  g_autofree char *focus = g_strdup (svi_timeline_get_focus_path (self));
  SviLayoutLimits limits = { .compact = self->compact };

  if (catalog != NULL)
    for (guint i = 0; i < svi_catalog_size (catalog); i++)
      {
        const SviLane *lane = svi_catalog_get (catalog, i);

        if (lane->kind == SVI_LANE_GROUP &&
            g_hash_table_add (self->seen_groups, g_strdup (lane->path)) && lane->folded)
          g_hash_table_add (self->folded, g_strdup (lane->path));
      }

  g_clear_pointer (&self->layout, svi_layout_free);
  self->layout = svi_layout_new (catalog, self->folded, self->filter, &limits);

  /* The keyboard stays on its lane when lanes come and go above it */
  if (focus != NULL)
    {
      int lane = svi_catalog_find (catalog, focus);

      self->focus_row = lane >= 0 ? svi_layout_find_lane (self->layout, (guint) lane) : -1;
    }
  self->focus_row = CLAMP (self->focus_row, 0, MAX ((int) self->layout->rows->len - 1, 0));

  update_adjustment (self);
  svi_timeline_view_changed (self);
}

static void
update_flows (SviTimeline *self)
{
  SviDetails *details = self->session != NULL ? svi_session_get_details (self->session) : NULL;
  SviCatalog *catalog = self->session != NULL ? svi_session_get_catalog (self->session) : NULL;

  g_array_set_size (self->flows, 0);
  if (details != NULL && catalog != NULL)
    svi_flows_add (self->flows, details, catalog);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* What a screen reader says about the timeline */
void
svi_timeline_update_accessible (SviTimeline *self)
{
  SviDetails *details = self->session != NULL ? svi_session_get_details (self->session) : NULL;
  const char *focus = NULL;
  g_autofree char *text = NULL;
  g_autofree char *cursor = NULL;

  if (self->session == NULL || self->layout == NULL)
    return;

  if (self->focus_row >= 0 && self->focus_row < (int) self->layout->rows->len)
    focus = svi_catalog_get (self->layout->catalog,
                             g_array_index (self->layout->rows, SviLayoutRow, self->focus_row).lane)
              ->title;

  cursor = isnan (svi_session_get_cursor (self->session))
             ? g_strdup ("none")
             : svi_text_time (svi_session_get_cursor (self->session));
  if (details != NULL)
    {
      g_autofree char *length = svi_text_span (details->event->end_ns - details->event->start_ns);

      text = g_strdup_printf ("Lane %s. Cursor %s. %s, %s, %s.", focus != NULL ? focus : "none",
                              cursor, details->event->title, details->event->summary, length);
    }
  else
    text = g_strdup_printf ("Lane %s. Cursor %s.", focus != NULL ? focus : "none", cursor);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text,
                                  -1);
}

/* Session --------------------------------------------------------------------- */

static void
on_catalog_changed (SviTimeline *self)
{
  double length = svi_session_get_length (self->session);
  gboolean first = self->last_length < 0;
  double grown = length - self->last_length;

  self->last_length = length;
  self->view.length_ns = length;
  if (first)
    svi_time_view_fit (&self->view);
  else if (self->follow && grown > 0)
    {
      /* A view of everything keeps showing everything; a closer one moves along */
      if (self->view.span_ns >= (length - grown))
        svi_time_view_fit (&self->view);
      else
        self->view.from_ns = length - self->view.span_ns * 0.95;
    }
  svi_time_view_clamp (&self->view);

  /* What was the end of the log may go on now */
  if (grown > 0 && !first)
    request_scene (self);
  update_layout (self);
}

static void
on_session_changed (SviTimeline *self)
{
  svi_timeline_update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_details_changed (SviTimeline *self)
{
  update_flows (self);
  svi_timeline_update_accessible (self);
}

static void
scroll_to_row (SviTimeline *self,
               int          index)
{
  const SviLayoutRow *row;
  double value, page;

  if (self->vadjustment == NULL || index < 0 || index >= (int) self->layout->rows->len)
    return;

  row = &g_array_index (self->layout->rows, SviLayoutRow, index);
  value = gtk_adjustment_get_value (self->vadjustment);
  page = gtk_adjustment_get_page_size (self->vadjustment);
  if (row->y < value)
    gtk_adjustment_set_value (self->vadjustment, row->y);
  else if (row->y + row->height > value + page)
    gtk_adjustment_set_value (self->vadjustment, row->y + row->height - page);
}

void
svi_timeline_animate_to (SviTimeline       *self,
                         const SviTimeView *end)
{
  self->view_start = self->view;
  self->view_end = *end;
  svi_time_view_clamp (&self->view_end);

  if (!gtk_widget_get_mapped (GTK_WIDGET (self)) || !adw_get_enable_animations (GTK_WIDGET (self)))
    {
      self->view = self->view_end;
      svi_timeline_view_changed (self);
      return;
    }
  adw_animation_reset (self->animation);
  adw_animation_play (self->animation);
}

static void
on_animate (double   value,
            gpointer data)
{
  SviTimeline *self = data;
  double start = log (self->view_start.span_ns), end = log (self->view_end.span_ns);
  double centre_start = self->view_start.from_ns + self->view_start.span_ns / 2;
  double centre_end = self->view_end.from_ns + self->view_end.span_ns / 2;
  double part = value;

  /* Scale changes evenly to the eye when its logarithm does; the centre then has to move as the
   * scale does, or the target would leave the screen on the way.
   */
  self->view.span_ns = exp (start + (end - start) * value);
  if (fabs (self->view_end.span_ns - self->view_start.span_ns) > 1e-9)
    part = (self->view.span_ns - self->view_start.span_ns) /
           (self->view_end.span_ns - self->view_start.span_ns);
  self->view.from_ns = centre_start + (centre_end - centre_start) * part - self->view.span_ns / 2;
  if (value >= 1)
    {
      self->view.from_ns = self->view_end.from_ns;
      self->view.span_ns = self->view_end.span_ns;
    }
  svi_time_view_clamp (&self->view);
  svi_timeline_view_changed (self);
}

static void
on_reveal (SviTimeline *self,
           gint64       thing,
           double       start_ns,
           double       end_ns)
{
  SviCatalog *catalog = svi_session_get_catalog (self->session);
  int lane = svi_catalog_find_thing (catalog, thing);
  SviTimeView target = self->view;

  if (lane >= 0)
    {
      gboolean changed = FALSE;
      int row;

      for (int up = svi_catalog_get (catalog, (guint) lane)->parent; up >= 0;
           up = svi_catalog_get (catalog, (guint) up)->parent)
        changed |= g_hash_table_remove (self->folded, svi_catalog_get (catalog, (guint) up)->path);
      if (self->filter != NULL && svi_layout_find_lane (self->layout, (guint) lane) < 0)
        {
          g_clear_pointer (&self->filter, g_free);
          changed = TRUE;
        }
      if (changed)
        update_layout (self);

      row = svi_layout_find_lane (self->layout, (guint) lane);
      if (row >= 0)
        {
          self->focus_row = row;
          scroll_to_row (self, row);
        }
    }

  /* Close enough that the event is a bar with a name, and not so close that nothing else is seen */
  if (end_ns - start_ns < target.span_ns / 60 || end_ns - start_ns > target.span_ns)
    svi_time_view_show (&target, start_ns, end_ns, 2);
  else
    {
      svi_time_view_reveal (&target, end_ns);
      svi_time_view_reveal (&target, start_ns);
    }
  svi_timeline_animate_to (self, &target);
}

void
svi_timeline_set_session (SviTimeline *self,
                          SviSession  *session)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_set_object (&self->session, session);
  g_cancellable_cancel (self->scene_cancellable);
  g_clear_object (&self->scene_cancellable);
  g_clear_pointer (&self->scene, svi_scene_unref);
  g_clear_pointer (&self->filter, g_free);
  g_hash_table_remove_all (self->folded);
  g_hash_table_remove_all (self->seen_groups);
  g_array_set_size (self->flows, 0);
  self->last_length = -1;
  self->focus_row = 0;

  if (session != NULL)
    {
      g_signal_connect_object (session, "catalog-changed", G_CALLBACK (on_catalog_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (session, "cursor-changed", G_CALLBACK (on_session_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (session, "mark-changed", G_CALLBACK (on_session_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (session, "selected-changed", G_CALLBACK (on_session_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (session, "details-changed", G_CALLBACK (on_details_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (session, "reveal", G_CALLBACK (on_reveal), self, G_CONNECT_SWAPPED);
      if (svi_session_get_catalog (session) != NULL)
        on_catalog_changed (self);
    }
  else
    update_layout (self);
}

/* What other widgets ask for -------------------------------------------------- */

const SviTimeView *
svi_timeline_get_view (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), NULL);

  return &self->view;
}

/* Zooms around the pointer where it is over the lanes, else around the cursor if that is in sight,
 * else around the middle.
 */
void
svi_timeline_zoom (SviTimeline *self,
                   double       factor)
{
  double anchor = self->view.width / 2;
  double cursor = self->session != NULL ? svi_session_get_cursor (self->session) : NAN;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->pointer_inside && self->pointer_x > svi_timeline_gutter (self))
    anchor = self->pointer_x - svi_timeline_gutter (self);
  else if (!isnan (cursor) && svi_time_view_to_x (&self->view, cursor) >= 0 &&
           svi_time_view_to_x (&self->view, cursor) <= self->view.width)
    anchor = svi_time_view_to_x (&self->view, cursor);

  adw_animation_pause (self->animation);
  svi_time_view_zoom (&self->view, factor, anchor);
  svi_timeline_view_changed (self);
}

/* Pans by a part of the width. */
void
svi_timeline_pan (SviTimeline *self,
                  double       part)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  adw_animation_pause (self->animation);
  svi_time_view_pan (&self->view, part * self->view.width);
  svi_timeline_view_changed (self);
}

void
svi_timeline_fit (SviTimeline *self)
{
  SviTimeView target = self->view;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  svi_time_view_fit (&target);
  svi_timeline_animate_to (self, &target);
}

void
svi_timeline_show (SviTimeline *self,
                   double       from_ns,
                   double       to_ns)
{
  SviTimeView target = self->view;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  svi_time_view_show (&target, from_ns, to_ns, 0);
  svi_timeline_animate_to (self, &target);
}

/* Zooms to the selected time, else to the selected event. */
void
svi_timeline_zoom_selection (SviTimeline *self)
{
  SviTimeView target = self->view;
  SviDetails *details;
  double from, to;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->session == NULL)
    return;

  details = svi_session_get_details (self->session);
  if (svi_session_get_mark (self->session, &from, &to) && to > from)
    {
      svi_time_view_show (&target, from, to, 0.02);
      svi_session_set_mark (self->session, NAN, NAN);
    }
  else if (details != NULL)
    svi_time_view_show (&target, details->event->start_ns, details->event->end_ns, 0.25);
  else
    return;
  svi_timeline_animate_to (self, &target);
}

static void
on_neighbour (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr (SviTimeline) self = data;
  SviEventRef event;
  SviTimeView target;
  double start;

  if (!svi_session_neighbour_finish (SVI_SESSION (source), result, &event, &start) ||
      self->session == NULL)
    return;

  svi_session_select (self->session, event);
  svi_session_set_cursor (self->session, start);
  target = self->view;
  svi_time_view_reveal (&target, start);
  if (target.from_ns != self->view.from_ns)
    svi_timeline_animate_to (self, &target);
}

/* Selects the next or the previous event of the focused lane. */
void
svi_timeline_step (SviTimeline *self,
                   gboolean     forward)
{
  const SviLane *lane;
  double at;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->session == NULL || self->layout == NULL ||
      self->focus_row >= (int) self->layout->rows->len)
    return;

  lane = svi_catalog_get (self->layout->catalog,
                          g_array_index (self->layout->rows, SviLayoutRow, self->focus_row).lane);
  if (lane->kind == SVI_LANE_GROUP || lane->key == 0)
    return;

  at = svi_session_get_cursor (self->session);
  if (isnan (at))
    at = forward ? self->view.from_ns : self->view.from_ns + self->view.span_ns;
  svi_session_neighbour_async (self->session, lane->key, at, forward, on_neighbour,
                               g_object_ref (self));
}

void
svi_timeline_move_focus (SviTimeline *self,
                         int          rows)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->layout == NULL || self->layout->rows->len == 0)
    return;

  self->focus_row = CLAMP (self->focus_row + rows, 0, (int) self->layout->rows->len - 1);
  scroll_to_row (self, self->focus_row);
  svi_timeline_update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_signal_emit (self, signals[SIGNAL_VIEW_CHANGED], 0);
}

void
svi_timeline_toggle_row (SviTimeline *self,
                         int          index)
{
  const SviLane *lane;

  if (self->layout == NULL || index < 0 || index >= (int) self->layout->rows->len)
    return;

  lane = svi_catalog_get (self->layout->catalog,
                          g_array_index (self->layout->rows, SviLayoutRow, index).lane);
  if (lane->kind != SVI_LANE_GROUP)
    return;

  if (!g_hash_table_remove (self->folded, lane->path))
    g_hash_table_add (self->folded, g_strdup (lane->path));
  self->focus_row = index;
  update_layout (self);
}

void
svi_timeline_toggle_fold (SviTimeline *self)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  svi_timeline_toggle_row (self, self->focus_row);
}

void
svi_timeline_fold_all (SviTimeline *self,
                       gboolean     fold)
{
  SviCatalog *catalog = self->session != NULL ? svi_session_get_catalog (self->session) : NULL;

  g_return_if_fail (SVI_IS_TIMELINE (self));

  g_hash_table_remove_all (self->folded);
  for (guint i = 0; fold && i < svi_catalog_size (catalog); i++)
    if (svi_catalog_get (catalog, i)->kind == SVI_LANE_GROUP)
      g_hash_table_add (self->folded, g_strdup (svi_catalog_get (catalog, i)->path));
  update_layout (self);
}

/* Shows only lanes whose name, or that of a group around them, contains @filter. */
void
svi_timeline_set_filter (SviTimeline *self,
                         const char  *filter)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (filter != NULL && *filter == '\0')
    filter = NULL;
  if (g_strcmp0 (self->filter, filter) == 0)
    return;

  g_free (self->filter);
  self->filter = g_strdup (filter);
  update_layout (self);
}

/* Shows the ranges a few pixels high each: their addresses over time as one map. */
void
svi_timeline_set_compact (SviTimeline *self,
                          gboolean     compact)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  if (self->compact == compact)
    return;

  self->compact = compact;
  update_layout (self);
}

guint
svi_timeline_get_n_rows (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), 0);

  return self->layout != NULL ? self->layout->rows->len : 0;
}

/* How many spans the scene has: what a frame costs. */
guint
svi_timeline_get_n_spans (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), 0);

  return self->scene != NULL ? self->scene->spans->len : 0;
}

/* The lane that the keyboard is on. */
const char *
svi_timeline_get_focus_path (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), NULL);

  if (self->layout == NULL || self->focus_row < 0 ||
      self->focus_row >= (int) self->layout->rows->len)
    return NULL;
  return svi_catalog_get (self->layout->catalog,
                          g_array_index (self->layout->rows, SviLayoutRow, self->focus_row).lane)
    ->path;
}

/* Whether a scene for what is on screen is still to come. */
gboolean
svi_timeline_get_busy (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), FALSE);

  return self->reading || self->scene_source != 0 ||
         adw_animation_get_state (self->animation) == ADW_ANIMATION_PLAYING;
}

gboolean
svi_timeline_get_follow (SviTimeline *self)
{
  g_return_val_if_fail (SVI_IS_TIMELINE (self), FALSE);

  return self->follow;
}

void
svi_timeline_set_follow (SviTimeline *self,
                         gboolean     follow)
{
  g_return_if_fail (SVI_IS_TIMELINE (self));

  self->follow = follow;
  if (follow && self->view.from_ns + self->view.span_ns < self->view.length_ns)
    {
      SviTimeView target = self->view;

      target.from_ns = target.length_ns - target.span_ns * 0.95;
      svi_timeline_animate_to (self, &target);
    }
}

/* Writes what the timeline shows into a PNG, at twice the size for sharp print. */
gboolean
svi_timeline_save_png (SviTimeline  *self,
                       const char   *path,
                       GError      **error)
{
  cairo_surface_t *surface;
  cairo_status_t status;
  SviFrame frame;
  cairo_t *cr;

  g_return_val_if_fail (SVI_IS_TIMELINE (self), FALSE);

  svi_timeline_make_frame (self, &frame);
  frame.hover_ns = NAN;
  frame.hover_row = frame.focus_row = -1;
  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) frame.width * 2,
                                        (int) frame.height * 2);
  cr = cairo_create (surface);
  cairo_scale (cr, 2, 2);
  svi_timeline_draw (cr, &frame);
  cairo_destroy (cr);
  status = cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);

  if (status != CAIRO_STATUS_SUCCESS)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "“%s” cannot be written: %s", path,
                   cairo_status_to_string (status));
      return FALSE;
    }
  return TRUE;
}

/* Widget ---------------------------------------------------------------------- */

static void
svi_timeline_snapshot (GtkWidget   *widget,
                       GtkSnapshot *snapshot)
{
  SviTimeline *self = SVI_TIMELINE (widget);
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  SviFrame frame;
  cairo_t *cr;

  if (self->layout == NULL || width <= 0 || height <= 0)
    return;

  svi_timeline_make_frame (self, &frame);
  cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));
  svi_timeline_draw (cr, &frame);
  cairo_destroy (cr);

  if (gtk_widget_has_visible_focus (widget))
    {
      GdkRGBA accent = { (float) self->palette.accent.red, (float) self->palette.accent.green,
                         (float) self->palette.accent.blue, 0.5f };
      GskRoundedRect outline;

      gsk_rounded_rect_init_from_rect (&outline, &GRAPHENE_RECT_INIT (1, 1, width - 2, height - 2),
                                       4);
      gtk_snapshot_append_border (snapshot, &outline, (float[4]) { 2, 2, 2, 2 },
                                  (GdkRGBA[4]) { accent, accent, accent, accent });
    }
}

static void
svi_timeline_size_allocate (GtkWidget *widget,
                            int        width,
                            int        height,
                            int        baseline)
{
  SviTimeline *self = SVI_TIMELINE (widget);

  /* The same time stays on screen; a wider window shows it larger */
  self->view.width = MAX (width - svi_timeline_gutter (self), 1);
  update_adjustment (self);
  if (!scene_suffices (self))
    request_scene (self);
}

static void
svi_timeline_measure (GtkWidget      *widget,
                      GtkOrientation  orientation,
                      int             for_size,
                      int            *minimum,
                      int            *natural,
                      int            *minimum_baseline,
                      int            *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 300 : 200;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 900 : 560;
  *minimum_baseline = *natural_baseline = -1;
}

static void
on_dark_changed (SviTimeline *self)
{
  svi_palette_init (&self->palette, adw_style_manager_get_dark (adw_style_manager_get_default ()));
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_scrolled (SviTimeline *self)
{
  if (!scene_suffices (self))
    request_scene (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
svi_timeline_get_property (GObject    *object,
                           guint       id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  SviTimeline *self = SVI_TIMELINE (object);

  if (id == PROP_VADJUSTMENT)
    g_value_set_object (value, self->vadjustment);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
svi_timeline_set_property (GObject      *object,
                           guint         id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  SviTimeline *self = SVI_TIMELINE (object);

  if (id != PROP_VADJUSTMENT)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  if (self->vadjustment != NULL)
    g_signal_handlers_disconnect_by_data (self->vadjustment, self);
  g_set_object (&self->vadjustment, g_value_get_object (value));
  if (self->vadjustment != NULL)
    g_signal_connect_object (self->vadjustment, "value-changed", G_CALLBACK (on_scrolled), self,
                             G_CONNECT_SWAPPED);
  update_adjustment (self);
}

static void
svi_timeline_dispose (GObject *object)
{
  SviTimeline *self = SVI_TIMELINE (object);

  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_cancellable_cancel (self->scene_cancellable);
  g_clear_object (&self->scene_cancellable);
  g_clear_handle_id (&self->scene_source, g_source_remove);
  g_clear_object (&self->animation);
  g_clear_object (&self->vadjustment);
  g_clear_object (&self->session);
  g_clear_pointer (&self->layout, svi_layout_free);
  g_clear_pointer (&self->scene, svi_scene_unref);

  G_OBJECT_CLASS (svi_timeline_parent_class)->dispose (object);
}

static void
svi_timeline_finalize (GObject *object)
{
  SviTimeline *self = SVI_TIMELINE (object);

  g_hash_table_unref (self->folded);
  g_hash_table_unref (self->seen_groups);
  g_array_unref (self->flows);
  g_free (self->filter);

  G_OBJECT_CLASS (svi_timeline_parent_class)->finalize (object);
}

static void
svi_timeline_class_init (SviTimelineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = svi_timeline_get_property;
  object_class->set_property = svi_timeline_set_property;
  object_class->dispose = svi_timeline_dispose;
  object_class->finalize = svi_timeline_finalize;
  widget_class->snapshot = svi_timeline_snapshot;
  widget_class->size_allocate = svi_timeline_size_allocate;
  widget_class->measure = svi_timeline_measure;
  widget_class->query_tooltip = svi_timeline_query_tooltip;

  properties[PROP_VADJUSTMENT] = g_param_spec_object ("vadjustment", NULL, NULL,
                                                      GTK_TYPE_ADJUSTMENT,
                                                      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[SIGNAL_VIEW_CHANGED] = g_signal_new ("view-changed", G_TYPE_FROM_CLASS (klass),
                                               G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                               0);

  gtk_widget_class_set_css_name (widget_class, "timeline");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);

  svi_timeline_class_add_keys (widget_class);
}

static void
svi_timeline_init (SviTimeline *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  self->folded = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->seen_groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->flows = g_array_new (FALSE, FALSE, sizeof (SviFlow));
  self->last_length = -1;
  self->layout = svi_layout_new (NULL, NULL, NULL, NULL);
  svi_time_view_init (&self->view, 1e9, 600);

  gtk_widget_set_focusable (widget, TRUE);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  gtk_widget_set_overflow (widget, GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_has_tooltip (widget, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Timeline",
                                  -1);

  self->animation = adw_timed_animation_new (
    widget, 0, 1, ANIMATION_MS, adw_callback_animation_target_new (on_animate, self, NULL));
  adw_timed_animation_set_easing (ADW_TIMED_ANIMATION (self->animation), ADW_EASE_IN_OUT_CUBIC);

  svi_timeline_add_input (self);
  g_signal_connect_object (adw_style_manager_get_default (), "notify::dark",
                           G_CALLBACK (on_dark_changed), self, G_CONNECT_SWAPPED);
  on_dark_changed (self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-timeline-private.h"

#include <math.h>

#include "store/svi-describe.h"
#include "store/svi-text.h"

/* How much closer one turn of the wheel goes, and how far one press of an arrow, in widths */
#define ZOOM_STEP 1.25
#define PAN_STEP 0.10

/* A pointer that moved by fewer pixels has clicked */
#define CLICK_DISTANCE 4

static void
hit_at (SviTimeline *self,
        double       x,
        double       y,
        SviHit      *hit)
{
  SviFrame frame;

  svi_timeline_make_frame (self, &frame);
  svi_timeline_hit (&frame, x, y, hit);
}

static gboolean
on_scroll (SviTimeline              *self,
           double                    dx,
           double                    dy,
           GtkEventControllerScroll *controller)
{
  GdkModifierType state = gtk_event_controller_get_current_event_state (
    GTK_EVENT_CONTROLLER (controller));
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));
  gboolean smooth = event != NULL && gdk_scroll_event_get_direction (event) == GDK_SCROLL_SMOOTH &&
                    gdk_device_get_source (gdk_event_get_device (event)) == GDK_SOURCE_TOUCHPAD;
  double unit = smooth ? 0.01 : 1;
  SviHit hit;

  if (self->layout == NULL)
    return GDK_EVENT_PROPAGATE;

  adw_animation_pause (self->animation);
  hit_at (self, self->pointer_x, self->pointer_y, &hit);

  if (state & GDK_CONTROL_MASK || (hit.part == SVI_HIT_RULER && dy != 0))
    {
      svi_time_view_zoom (&self->view, pow (ZOOM_STEP, -dy * (smooth ? 0.05 : 1)),
                          MAX (self->pointer_x - svi_timeline_gutter (self), 0));
      svi_timeline_view_changed (self);
      return GDK_EVENT_STOP;
    }

  if (state & GDK_SHIFT_MASK && dx == 0)
    {
      dx = dy;
      dy = 0;
    }
  if (dx != 0)
    {
      svi_time_view_pan (&self->view, smooth ? dx : dx * unit * PAN_STEP * self->view.width);
      svi_timeline_view_changed (self);
    }
  if (dy != 0 && self->vadjustment != NULL)
    gtk_adjustment_set_value (self->vadjustment, gtk_adjustment_get_value (self->vadjustment) +
                                                   (smooth ? dy : dy * 52));
  return GDK_EVENT_STOP;
}

static void
on_motion (SviTimeline *self,
           double       x,
           double       y)
{
  SviHit hit;

  self->pointer_x = x;
  self->pointer_y = y;
  self->pointer_inside = TRUE;

  hit_at (self, x, y, &hit);
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self),
                                   self->dragging && !self->marking ? "grabbing"
                                   : hit.part == SVI_HIT_RULER ? "text"
                                   : hit.span != NULL ? "pointer" : "default");
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_leave (SviTimeline *self)
{
  self->pointer_inside = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_drag_begin (SviTimeline    *self,
               double          x,
               double          y,
               GtkGestureDrag *gesture)
{
  GdkModifierType state = gtk_event_controller_get_current_event_state (
    GTK_EVENT_CONTROLLER (gesture));
  SviHit hit;

  gtk_widget_grab_focus (GTK_WIDGET (self));
  hit_at (self, x, y, &hit);
  adw_animation_pause (self->animation);
  self->dragging = FALSE;
  self->marking = (hit.part == SVI_HIT_RULER || state & GDK_SHIFT_MASK) &&
                  x > svi_timeline_gutter (self);
  self->drag_x = x;
  self->drag_y = y;
  self->view_start = self->view;
  self->drag_value = self->vadjustment != NULL ? gtk_adjustment_get_value (self->vadjustment) : 0;
}

static void
on_drag_update (SviTimeline    *self,
                double          dx,
                double          dy,
                GtkGestureDrag *gesture)
{
  if (!self->dragging && fabs (dx) < CLICK_DISTANCE && fabs (dy) < CLICK_DISTANCE)
    return;

  self->dragging = TRUE;
  if (self->session == NULL)
    return;

  if (self->marking)
    {
      double gutter = svi_timeline_gutter (self);

      svi_session_set_mark (self->session, svi_time_view_to_ns (&self->view, self->drag_x - gutter),
                            svi_time_view_to_ns (&self->view, self->drag_x + dx - gutter));
      return;
    }

  self->view.from_ns = self->view_start.from_ns - dx / self->view.width * self->view.span_ns;
  svi_time_view_clamp (&self->view);
  if (self->vadjustment != NULL)
    gtk_adjustment_set_value (self->vadjustment, self->drag_value - dy);
  svi_timeline_view_changed (self);
}

static void
on_drag_end (SviTimeline    *self,
             double          dx,
             double          dy,
             GtkGestureDrag *gesture)
{
  SviEventRef none = { SVI_EVENT_NONE, 0 };
  SviHit hit;

  if (self->dragging)
    {
      self->dragging = FALSE;
      self->marking = FALSE;
      gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "default");
      return;
    }

  if (self->session == NULL || self->layout == NULL)
    return;

  hit_at (self, self->drag_x, self->drag_y, &hit);
  if (hit.row >= 0)
    self->focus_row = hit.row;

  switch (hit.part)
    {
    case SVI_HIT_GUTTER:
      svi_timeline_toggle_row (self, hit.row);
      break;
    case SVI_HIT_RULER:
    case SVI_HIT_LANE:
      if (self->drag_x < svi_timeline_gutter (self))
        break;
      svi_session_set_mark (self->session, NAN, NAN);
      if (hit.lane >= 0 &&
          svi_catalog_get (self->layout->catalog, (guint) hit.lane)->kind == SVI_LANE_GROUP)
        {
          svi_timeline_toggle_row (self, hit.row);
          break;
        }
      svi_session_set_cursor (self->session, hit.ns);
      if (hit.part == SVI_HIT_LANE)
        svi_session_select (self->session, hit.span != NULL ? hit.span->event : none);
      break;
    default:
      break;
    }
  svi_timeline_update_accessible (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
on_pressed (SviTimeline     *self,
            int              presses,
            double           x,
            double           y,
            GtkGestureClick *gesture)
{
  SviTimeView target = self->view;
  SviHit hit;

  if (presses != 2 || self->layout == NULL)
    return;

  hit_at (self, x, y, &hit);
  if (hit.part == SVI_HIT_RULER)
    svi_timeline_fit (self);
  else if (hit.span != NULL)
    {
      svi_time_view_show (&target, hit.span->start_ns, hit.span->end_ns, 0.25);
      svi_timeline_animate_to (self, &target);
    }
}

static void
on_zoom_begin (SviTimeline      *self,
               GdkEventSequence *sequence,
               GtkGesture       *gesture)
{
  double x = self->view.width / 2, y;

  gtk_gesture_get_bounding_box_center (gesture, &x, &y);
  self->view_start = self->view;
  self->zoom_x = MAX (x - svi_timeline_gutter (self), 0);
}

static void
on_zoom_changed (SviTimeline    *self,
                 double          scale,
                 GtkGestureZoom *gesture)
{
  self->view = self->view_start;
  svi_time_view_zoom (&self->view, scale, self->zoom_x);
  svi_timeline_view_changed (self);
}

/* What is below the pointer. */
gboolean
svi_timeline_query_tooltip (GtkWidget  *widget,
                            int         x,
                            int         y,
                            gboolean    keyboard,
                            GtkTooltip *tooltip)
{
  SviTimeline *self = SVI_TIMELINE (widget);
  const SviLane *lane;
  g_autofree char *length = NULL;
  g_autofree char *start = NULL;
  g_autofree char *markup = NULL;
  SviHit hit;

  if (keyboard || self->layout == NULL || self->dragging)
    return FALSE;

  hit_at (self, x, y, &hit);
  if (hit.lane < 0)
    return FALSE;

  lane = svi_catalog_get (self->layout->catalog, (guint) hit.lane);
  gtk_tooltip_set_tip_area (tooltip, &(GdkRectangle) { x - 2, y - 8, 4, 20 });
  if (hit.span == NULL)
    {
      if (hit.part != SVI_HIT_GUTTER || lane->subtitle == NULL)
        return FALSE;
      markup = g_markup_printf_escaped ("<b>%s</b>  %s", lane->title, lane->subtitle);
      gtk_tooltip_set_markup (tooltip, markup);
      return TRUE;
    }

  length = svi_text_span (hit.span->end_ns - hit.span->start_ns);
  start = svi_text_time (hit.span->start_ns);
  if (hit.span->flags & SVI_SPAN_DENSE && hit.span->count > 1)
    markup = g_markup_printf_escaped (
      "<b>%s</b>\n%u or more events in this pixel\nZoom in to see them", lane->title,
      hit.span->count);
  else if (hit.span->flags & SVI_SPAN_POINT)
    markup = g_markup_printf_escaped ("<b>%s</b>\nat %s",
                                      hit.span->label != NULL ? hit.span->label : lane->title,
                                      start);
  else
    markup = g_markup_printf_escaped ("<b>%s</b>  %s\n%s\n%s%s, from %s", lane->title,
                                      svi_describe_title (hit.span->event.kind),
                                      hit.span->label != NULL ? hit.span->label : "", length,
                                      hit.span->flags & SVI_SPAN_OPEN ? " so far" : "", start);
  gtk_tooltip_set_markup (tooltip, markup);
  return TRUE;
}

/* Keys: the functions that they call are public, so that menus and tests can use them too. */

static gboolean
key_zoom (GtkWidget *widget,
          GVariant  *args,
          gpointer   data)
{
  svi_timeline_zoom (SVI_TIMELINE (widget), g_variant_get_double (args));
  return GDK_EVENT_STOP;
}

static gboolean
key_pan (GtkWidget *widget,
         GVariant  *args,
         gpointer   data)
{
  svi_timeline_pan (SVI_TIMELINE (widget), g_variant_get_double (args));
  return GDK_EVENT_STOP;
}

static gboolean
key_row (GtkWidget *widget,
         GVariant  *args,
         gpointer   data)
{
  svi_timeline_move_focus (SVI_TIMELINE (widget), g_variant_get_int32 (args));
  return GDK_EVENT_STOP;
}

static gboolean
key_step (GtkWidget *widget,
          GVariant  *args,
          gpointer   data)
{
  svi_timeline_step (SVI_TIMELINE (widget), g_variant_get_boolean (args));
  return GDK_EVENT_STOP;
}

static gboolean
key_fold (GtkWidget *widget,
          GVariant  *args,
          gpointer   data)
{
  svi_timeline_toggle_fold (SVI_TIMELINE (widget));
  return GDK_EVENT_STOP;
}

static gboolean
key_fit (GtkWidget *widget,
         GVariant  *args,
         gpointer   data)
{
  svi_timeline_fit (SVI_TIMELINE (widget));
  return GDK_EVENT_STOP;
}

static gboolean
key_selection (GtkWidget *widget,
               GVariant  *args,
               gpointer   data)
{
  svi_timeline_zoom_selection (SVI_TIMELINE (widget));
  return GDK_EVENT_STOP;
}

static gboolean
key_clear (GtkWidget *widget,
           GVariant  *args,
           gpointer   data)
{
  SviTimeline *self = SVI_TIMELINE (widget);
  SviEventRef none = { SVI_EVENT_NONE, 0 };
  double from, to;

  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;

  if (svi_session_get_mark (self->session, &from, &to))
    svi_session_set_mark (self->session, NAN, NAN);
  else if (svi_session_get_selected (self->session).kind != SVI_EVENT_NONE)
    svi_session_select (self->session, none);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

static gboolean
key_cursor (GtkWidget *widget,
            GVariant  *args,
            gpointer   data)
{
  SviTimeline *self = SVI_TIMELINE (widget);
  double pixels = g_variant_get_double (args);
  double at;

  if (self->session == NULL)
    return GDK_EVENT_PROPAGATE;

  at = svi_session_get_cursor (self->session);
  if (isnan (at) || svi_time_view_to_x (&self->view, at) < 0 ||
      svi_time_view_to_x (&self->view, at) > self->view.width)
    at = self->view.from_ns + self->view.span_ns / 2;
  else
    at += pixels * self->view.span_ns / self->view.width;
  svi_session_set_cursor (self->session, at);
  svi_time_view_reveal (&self->view, svi_session_get_cursor (self->session));
  svi_timeline_view_changed (self);
  return GDK_EVENT_STOP;
}

void
svi_timeline_class_add_keys (GtkWidgetClass *klass)
{
  for (guint shift = 0; shift < 2; shift++)
    {
      GdkModifierType state = shift ? GDK_SHIFT_MASK : 0;

      gtk_widget_class_add_binding (klass, GDK_KEY_plus, state, key_zoom, "d",
                                    ZOOM_STEP * ZOOM_STEP);
      gtk_widget_class_add_binding (klass, GDK_KEY_equal, state, key_zoom, "d",
                                    ZOOM_STEP * ZOOM_STEP);
    }
  gtk_widget_class_add_binding (klass, GDK_KEY_KP_Add, 0, key_zoom, "d",
                                ZOOM_STEP * ZOOM_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_w, 0, key_zoom, "d", ZOOM_STEP * ZOOM_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_minus, 0, key_zoom, "d",
                                1 / (ZOOM_STEP * ZOOM_STEP));
  gtk_widget_class_add_binding (klass, GDK_KEY_KP_Subtract, 0, key_zoom, "d",
                                1 / (ZOOM_STEP * ZOOM_STEP));
  gtk_widget_class_add_binding (klass, GDK_KEY_s, 0, key_zoom, "d",
                                1 / (ZOOM_STEP * ZOOM_STEP));
  gtk_widget_class_add_binding (klass, GDK_KEY_Left, 0, key_pan, "d", -PAN_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_a, 0, key_pan, "d", -PAN_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_Right, 0, key_pan, "d", PAN_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_d, 0, key_pan, "d", PAN_STEP);
  gtk_widget_class_add_binding (klass, GDK_KEY_Left, GDK_SHIFT_MASK, key_cursor, "d", -1.0);
  gtk_widget_class_add_binding (klass, GDK_KEY_Right, GDK_SHIFT_MASK, key_cursor, "d", 1.0);
  gtk_widget_class_add_binding (klass, GDK_KEY_Left, GDK_CONTROL_MASK, key_step, "b", FALSE);
  gtk_widget_class_add_binding (klass, GDK_KEY_Right, GDK_CONTROL_MASK, key_step, "b", TRUE);
  gtk_widget_class_add_binding (klass, GDK_KEY_comma, 0, key_step, "b", FALSE);
  gtk_widget_class_add_binding (klass, GDK_KEY_period, 0, key_step, "b", TRUE);
  gtk_widget_class_add_binding (klass, GDK_KEY_Up, 0, key_row, "i", -1);
  gtk_widget_class_add_binding (klass, GDK_KEY_Down, 0, key_row, "i", 1);
  gtk_widget_class_add_binding (klass, GDK_KEY_Page_Up, 0, key_row, "i", -12);
  gtk_widget_class_add_binding (klass, GDK_KEY_Page_Down, 0, key_row, "i", 12);
  gtk_widget_class_add_binding (klass, GDK_KEY_space, 0, key_fold, NULL);
  gtk_widget_class_add_binding (klass, GDK_KEY_Return, 0, key_fold, NULL);
  gtk_widget_class_add_binding (klass, GDK_KEY_Home, 0, key_fit, NULL);
  gtk_widget_class_add_binding (klass, GDK_KEY_0, 0, key_fit, NULL);
  gtk_widget_class_add_binding (klass, GDK_KEY_f, 0, key_selection, NULL);
  gtk_widget_class_add_binding (klass, GDK_KEY_Escape, 0, key_clear, NULL);
}

/* Listens to pointer, wheel and touch. */
void
svi_timeline_add_input (SviTimeline *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GtkEventController *controller;
  GtkGesture *gesture;

  controller = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  g_signal_connect_swapped (controller, "scroll", G_CALLBACK (on_scroll), self);
  gtk_widget_add_controller (widget, controller);

  controller = gtk_event_controller_motion_new ();
  g_signal_connect_swapped (controller, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (controller, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (controller, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (widget, controller);

  controller = gtk_event_controller_focus_new ();
  g_signal_connect_swapped (controller, "enter", G_CALLBACK (gtk_widget_queue_draw), self);
  g_signal_connect_swapped (controller, "leave", G_CALLBACK (gtk_widget_queue_draw), self);
  gtk_widget_add_controller (widget, controller);

  gesture = gtk_gesture_drag_new ();
  g_signal_connect_swapped (gesture, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect_swapped (gesture, "drag-update", G_CALLBACK (on_drag_update), self);
  g_signal_connect_swapped (gesture, "drag-end", G_CALLBACK (on_drag_end), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (gesture));

  gesture = gtk_gesture_click_new ();
  g_signal_connect_swapped (gesture, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (gesture));

  gesture = gtk_gesture_zoom_new ();
  g_signal_connect_swapped (gesture, "begin", G_CALLBACK (on_zoom_begin), self);
  g_signal_connect_swapped (gesture, "scale-changed", G_CALLBACK (on_zoom_changed), self);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (gesture));
}

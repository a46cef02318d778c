/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-window-private.h"

#include "store/svi-text.h"

G_DEFINE_FINAL_TYPE (SviWindow, svi_window, ADW_TYPE_APPLICATION_WINDOW)

static void
show_page (SviWindow  *self,
           const char *page)
{
  gboolean log = g_str_equal (page, "log");

  gtk_stack_set_visible_child_name (self->stack, page);
  gtk_stack_set_visible_child_name (self->title_stack, log ? "pages" : "plain");
  svi_window_update_actions (self);
  if (log)
    gtk_widget_grab_focus (GTK_WIDGET (self->timeline));
}

static void
show_damage (SviWindow *self)
{
  const char *damage = svi_session_get_damage (self->session);
  gboolean known = g_strcmp0 (damage, gtk_label_get_label (self->damage_label)) == 0;

  /* Said once; who closed the bar knows */
  gtk_label_set_label (self->damage_label, damage != NULL ? damage : "");
  if (damage == NULL || !known)
    gtk_info_bar_set_revealed (self->damage_bar, damage != NULL);
}

static void
on_info_bar_response (SviWindow *self)
{
  gtk_info_bar_set_revealed (self->damage_bar, FALSE);
}

static void
on_catalog_changed (SviWindow *self)
{
  GFile *file = svi_session_get_file (self->session);
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *length = svi_text_span (svi_session_get_length (self->session));

  gtk_window_set_title (GTK_WINDOW (self), name);
  adw_view_switcher_title_set_title (self->switcher_title, name);
  adw_view_switcher_title_set_subtitle (self->switcher_title, length);
  if (svi_session_get_damage (self->session) != NULL)
    show_damage (self);
}

static void
on_live_changed (SviWindow *self)
{
  gtk_widget_set_visible (self->follow_button, svi_session_get_live (self->session) ||
                                                 svi_timeline_get_follow (self->timeline));
}

static void
on_opened (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  g_autoptr (SviWindow) self = data;
  g_autoptr (GError) error = NULL;

  if (!svi_session_open_finish (SVI_SESSION (source), result, &error))
    {
      g_autofree char *escaped = NULL;

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return;

      escaped = g_markup_escape_text (error->message, -1);
      adw_status_page_set_title (
        self->error_page,
        g_error_matches (error, SVI_LOG_ERROR, SVI_LOG_ERROR_NOT_LOG)   ? "Not an Event Log"
        : g_error_matches (error, SVI_LOG_ERROR, SVI_LOG_ERROR_VERSION) ? "Another Version"
        : g_error_matches (error, SVI_LOG_ERROR, SVI_LOG_ERROR_DAMAGED) ? "The Log Is Damaged"
                                                                        : "Cannot Open the Log");
      adw_status_page_set_description (self->error_page, escaped);
      show_page (self, "error");
      return;
    }

  show_damage (self);
  show_page (self, "log");
}

/* Shows the log in @file in this window; what was shown before is closed. */
void
svi_window_open (SviWindow *self,
                 GFile     *file)
{
  g_return_if_fail (SVI_IS_WINDOW (self) && G_IS_FILE (file));

  g_cancellable_cancel (self->open_cancellable);
  g_clear_object (&self->open_cancellable);
  self->open_cancellable = g_cancellable_new ();

  if (self->session != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->session, self);
      svi_session_close (self->session);
    }
  g_clear_object (&self->session);
  self->session = svi_session_new ();
  g_signal_connect_object (self->session, "catalog-changed", G_CALLBACK (on_catalog_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "live-changed", G_CALLBACK (on_live_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "damage-noticed", G_CALLBACK (show_damage), self,
                           G_CONNECT_SWAPPED);

  svi_timeline_set_session (self->timeline, self->session);
  svi_details_pane_set_session (self->details, self->session);
  svi_events_page_set_session (self->events, self->session);
  svi_locks_page_set_session (self->locks, self->session);
  svi_statistics_page_set_session (self->statistics, self->session);
  svi_query_page_set_session (self->sql, self->session);

  gtk_label_set_label (self->damage_label, "");
  gtk_info_bar_set_revealed (self->damage_bar, FALSE);
  show_page (self, "loading");
  svi_session_open_async (self->session, file, self->open_cancellable, on_opened,
                          g_object_ref (self));
}

/* Whether the window shows nothing yet, so that a file may be opened in it instead of a new one. */
gboolean
svi_window_is_unused (SviWindow *self)
{
  g_return_val_if_fail (SVI_IS_WINDOW (self), FALSE);

  return self->session == NULL;
}

static void
on_page_changed (SviWindow *self)
{
  const char *page = adw_view_stack_get_visible_child_name (self->pages);

  if (page == NULL || self->session == NULL)
    return;

  if (g_str_equal (page, "events"))
    {
      svi_events_page_refresh (self->events);
      svi_events_page_focus (self->events);
    }
  else if (g_str_equal (page, "locks"))
    svi_locks_page_refresh (self->locks);
  else if (g_str_equal (page, "statistics"))
    svi_statistics_page_refresh (self->statistics);
  else if (g_str_equal (page, "sql"))
    svi_query_page_focus (self->sql);
  else if (g_str_equal (page, "timeline"))
    gtk_widget_grab_focus (GTK_WIDGET (self->timeline));
  svi_window_update_actions (self);
}

static void
on_search_changed (SviWindow *self)
{
  svi_timeline_set_filter (self->timeline, gtk_editable_get_text (self->search_entry));
}

static void
on_search_mode (SviWindow *self)
{
  if (!gtk_search_bar_get_search_mode (self->search_bar))
    {
      svi_timeline_set_filter (self->timeline, NULL);
      gtk_widget_grab_focus (GTK_WIDGET (self->timeline));
    }
}

static void
on_view_changed (SviWindow *self)
{
  svi_window_update_actions (self);
}

static gboolean
on_drop (SviWindow    *self,
         const GValue *value)
{
  if (!G_VALUE_HOLDS (value, G_TYPE_FILE))
    return FALSE;

  svi_window_open (self, g_value_get_object (value));
  return TRUE;
}

static void
svi_window_dispose (GObject *object)
{
  SviWindow *self = SVI_WINDOW (object);

  g_cancellable_cancel (self->open_cancellable);
  g_clear_object (&self->open_cancellable);
  if (self->session != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->session, self);
      svi_session_close (self->session);
    }
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_WINDOW);

  G_OBJECT_CLASS (svi_window_parent_class)->dispose (object);
}

static void
svi_window_class_init (SviWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_window_dispose;

  g_type_ensure (SVI_TYPE_TIMELINE);
  g_type_ensure (SVI_TYPE_DETAILS_PANE);
  g_type_ensure (SVI_TYPE_EVENTS_PAGE);
  g_type_ensure (SVI_TYPE_LOCKS_PAGE);
  g_type_ensure (SVI_TYPE_STATISTICS_PAGE);
  g_type_ensure (SVI_TYPE_QUERY_PAGE);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/svmgpu/Inspector/svi-window.ui");
  gtk_widget_class_bind_template_child (widget_class, SviWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, title_stack);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, switcher_title);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, window_title);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, follow_button);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, details_button);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, search_button);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, damage_bar);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, damage_label);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, error_page);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, flap);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, search_bar);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, timeline);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, details);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, events);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, locks);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, statistics);
  gtk_widget_class_bind_template_child (widget_class, SviWindow, sql);
  gtk_widget_class_bind_template_callback (widget_class, on_page_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_view_changed);
}

static void
svi_window_init (SviWindow *self)
{
  GtkDropTarget *target;

  gtk_widget_init_template (GTK_WIDGET (self));

  svi_window_add_actions (self);
  gtk_search_bar_connect_entry (self->search_bar, self->search_entry);
  gtk_search_bar_set_key_capture_widget (self->search_bar, NULL);
  g_signal_connect_swapped (self->search_bar, "notify::search-mode-enabled",
                            G_CALLBACK (on_search_mode), self);
  g_signal_connect_swapped (self->damage_bar, "response", G_CALLBACK (on_info_bar_response), self);

  target = gtk_drop_target_new (G_TYPE_FILE, GDK_ACTION_COPY);
  g_signal_connect_swapped (target, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
  svi_window_update_actions (self);
}

SviWindow *
svi_window_new (GtkApplication *application)
{
  return g_object_new (SVI_TYPE_WINDOW, "application", application, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-window-private.h"

#include <math.h>

#include "store/svi-text.h"

/* Every command of the window is an action here, so that menus, keys and tests all do the same. */

static void
on_open_response (SviWindow            *self,
                  int                   response,
                  GtkFileChooserNative *chooser)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));

      if (file != NULL)
        svi_window_open (self, file);
    }
  g_object_unref (chooser);
}

static void
action_open (GSimpleAction *action,
             GVariant      *parameter,
             gpointer       data)
{
  SviWindow *self = data;
  GtkFileChooserNative *chooser;
  g_autoptr (GtkFileFilter) logs = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();

  chooser = gtk_file_chooser_native_new ("Open a Log", GTK_WINDOW (self),
                                         GTK_FILE_CHOOSER_ACTION_OPEN, "_Open", "_Cancel");
  gtk_file_filter_set_name (logs, "Event logs");
  gtk_file_filter_add_pattern (logs, "*.db");
  gtk_file_filter_set_name (all, "All files");
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (chooser), logs);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (chooser), all);
  g_signal_connect_object (chooser, "response", G_CALLBACK (on_open_response), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}

static void
action_open_file (GSimpleAction *action,
                  GVariant      *parameter,
                  gpointer       data)
{
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (g_variant_get_string (parameter, NULL));

  svi_window_open (data, file);
}

static void
action_close (GSimpleAction *action,
              GVariant      *parameter,
              gpointer       data)
{
  gtk_window_close (GTK_WINDOW (data));
}

static void
action_page (GSimpleAction *action,
             GVariant      *parameter,
             gpointer       data)
{
  SviWindow *self = data;

  adw_view_stack_set_visible_child_name (self->pages, g_variant_get_string (parameter, NULL));
}

static void
action_zoom (GSimpleAction *action,
             GVariant      *parameter,
             gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_zoom (self->timeline, g_variant_get_double (parameter));
}

static void
action_fit (GSimpleAction *action,
            GVariant      *parameter,
            gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_fit (self->timeline);
}

static void
action_zoom_selection (GSimpleAction *action,
                       GVariant      *parameter,
                       gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_zoom_selection (self->timeline);
}

static void
action_show_time (GSimpleAction *action,
                  GVariant      *parameter,
                  gpointer       data)
{
  SviWindow *self = data;
  double from, to;

  g_variant_get (parameter, "(dd)", &from, &to);
  svi_timeline_show (self->timeline, from, to);
}

static void
action_set_cursor (GSimpleAction *action,
                   GVariant      *parameter,
                   gpointer       data)
{
  SviWindow *self = data;

  if (self->session != NULL)
    svi_session_set_cursor (self->session, g_variant_get_double (parameter));
}

static void
action_fold_all (GSimpleAction *action,
                 GVariant      *parameter,
                 gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_fold_all (self->timeline, g_variant_get_boolean (parameter));
}

static void
action_show_lanes (GSimpleAction *action,
                   GVariant      *parameter,
                   gpointer       data)
{
  SviWindow *self = data;

  adw_view_stack_set_visible_child_name (self->pages, "timeline");
  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_editable_set_text (self->search_entry, g_variant_get_string (parameter, NULL));
}

static void
action_follow (GSimpleAction *action,
               GVariant      *state,
               gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_set_follow (self->timeline, g_variant_get_boolean (state));
  g_simple_action_set_state (action, state);
}

static void
action_compact (GSimpleAction *action,
                GVariant      *state,
                gpointer       data)
{
  SviWindow *self = data;

  svi_timeline_set_compact (self->timeline, g_variant_get_boolean (state));
  g_simple_action_set_state (action, state);
}

static void
on_go_to_response (SviWindow        *self,
                   const char       *response,
                   AdwMessageDialog *dialog)
{
  GtkEditable *entry = GTK_EDITABLE (adw_message_dialog_get_extra_child (dialog));
  SviTimeView view = *svi_timeline_get_view (self->timeline);
  double ns;

  if (!g_str_equal (response, "go") || self->session == NULL)
    return;

  if (!svi_text_parse_time (gtk_editable_get_text (entry), &ns))
    {
      adw_toast_overlay_add_toast (
        self->toasts, adw_toast_new ("Write a time as a number with ns, µs, ms, s or min"));
      return;
    }
  if (ns < 0 || ns > svi_session_get_length (self->session))
    {
      g_autofree char *length = svi_text_span (svi_session_get_length (self->session));
      g_autofree char *text = g_strdup_printf ("The log ends after %s", length);

      adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
      return;
    }

  svi_session_set_cursor (self->session, ns);
  svi_timeline_show (self->timeline, ns - view.span_ns / 2, ns + view.span_ns / 2);
}

static void
action_go_to (GSimpleAction *action,
              GVariant      *parameter,
              gpointer       data)
{
  SviWindow *self = data;
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), "Go to Time",
                                              "How long after the start of the log? For instance "
                                              "1.5 s, 20 ms, or a plain number of nanoseconds.");
  GtkWidget *entry = gtk_entry_new ();

  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), "12.5 ms");
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, "Time",
                                  -1);
  adw_message_dialog_set_extra_child (ADW_MESSAGE_DIALOG (dialog), entry);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", "_Cancel", "go", "_Go",
                                    NULL);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "go");
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "go",
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_go_to_response), self,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
on_save_response (SviWindow            *self,
                  int                   response,
                  GtkFileChooserNative *chooser)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;
      g_autoptr (GError) error = NULL;

      if (path == NULL || !svi_timeline_save_png (self->timeline, path, &error))
        adw_toast_overlay_add_toast (
          self->toasts, adw_toast_new (error != NULL ? error->message : "Cannot write there"));
      else
        adw_toast_overlay_add_toast (self->toasts, adw_toast_new ("Picture saved"));
    }
  g_object_unref (chooser);
}

static void
action_save_picture (GSimpleAction *action,
                     GVariant      *parameter,
                     gpointer       data)
{
  SviWindow *self = data;
  GtkFileChooserNative *chooser = gtk_file_chooser_native_new ("Save the Timeline as a Picture",
                                                               GTK_WINDOW (self),
                                                               GTK_FILE_CHOOSER_ACTION_SAVE,
                                                               "_Save", "_Cancel");

  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (chooser), "timeline.png");
  g_signal_connect_object (chooser, "response", G_CALLBACK (on_save_response), self,
                           G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}

static void
action_copy_details (GSimpleAction *action,
                     GVariant      *parameter,
                     gpointer       data)
{
  SviWindow *self = data;
  g_autofree char *text = svi_details_pane_dup_text (self->details);

  if (*text == '\0')
    return;

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new ("Details copied"));
}

static void
action_run_query (GSimpleAction *action,
                  GVariant      *parameter,
                  gpointer       data)
{
  SviWindow *self = data;

  adw_view_stack_set_visible_child_name (self->pages, "sql");
  svi_query_page_set_sql (self->sql, g_variant_get_string (parameter, NULL));
  svi_query_page_run (self->sql);
}

/* Writes what the window shows into a file, one "name: value" a line: for tests, and for bug
 * reports
 */
static void
action_dump_state (GSimpleAction *action,
                   GVariant      *parameter,
                   gpointer       data)
{
  SviWindow *self = data;
  const SviTimeView *view = svi_timeline_get_view (self->timeline);
  const char *focus = svi_timeline_get_focus_path (self->timeline);
  const char *error = adw_status_page_get_description (self->error_page);
  g_autofree char *details = svi_details_pane_dup_text (self->details);
  g_autofree char *statistics = svi_statistics_page_dup_text (self->statistics);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) failure = NULL;
  SviEventRef selected = { SVI_EVENT_NONE, 0 };

  if (self->session != NULL)
    selected = svi_session_get_selected (self->session);

  g_string_append_printf (text, "state: %s\n", gtk_stack_get_visible_child_name (self->stack));
  g_string_append_printf (text, "page: %s\n", adw_view_stack_get_visible_child_name (self->pages));
  g_string_append_printf (text, "busy: %d\n", svi_timeline_get_busy (self->timeline));
  g_string_append_printf (text, "rows: %u\n", svi_timeline_get_n_rows (self->timeline));
  g_string_append_printf (text, "spans: %u\n", svi_timeline_get_n_spans (self->timeline));
  g_string_append_printf (text, "from_ns: %.3f\n", view->from_ns);
  g_string_append_printf (text, "span_ns: %.3f\n", view->span_ns);
  g_string_append_printf (text, "length_ns: %.0f\n", view->length_ns);
  g_string_append_printf (text, "focus: %s\n", focus != NULL ? focus : "");
  g_string_append_printf (text, "cursor_ns: %.3f\n",
                          self->session != NULL ? svi_session_get_cursor (self->session) : NAN);
  g_string_append_printf (text, "selected_kind: %d\n", selected.kind);
  g_string_append_printf (text, "selected_id: %" G_GINT64_FORMAT "\n", selected.id);
  g_string_append_printf (text, "live: %d\n",
                          self->session != NULL && svi_session_get_live (self->session));
  g_string_append_printf (text, "follow: %d\n", svi_timeline_get_follow (self->timeline));
  g_string_append_printf (text, "search: %s\n", gtk_editable_get_text (self->search_entry));
  g_string_append_printf (text, "events: %u\n", svi_events_page_get_n_rows (self->events));
  g_string_append_printf (text, "lock_classes: %u\n", svi_locks_page_get_n_classes (self->locks));
  g_string_append_printf (text, "lock_holders: %u\n", svi_locks_page_get_n_holders (self->locks));
  g_string_append_printf (text, "sql_rows: %u\n", svi_query_page_get_n_rows (self->sql));
  g_string_append_printf (text, "sql_status: %s\n", svi_query_page_get_status (self->sql));
  g_string_append_printf (text, "error: %s\n", error != NULL ? error : "");
  g_string_append_printf (text, "damage: %s\n",
                          self->session != NULL && svi_session_get_damage (self->session) != NULL
                            ? svi_session_get_damage (self->session) : "");
  g_string_append_printf (text, "-- details --\n%s-- statistics --\n%s", details, statistics);

  if (!g_file_set_contents (g_variant_get_string (parameter, NULL), text->str, (gssize) text->len,
                            &failure))
    g_warning ("%s", failure->message);
}

static const GActionEntry entries[] = {
  { .name = "open", .activate = action_open },
  { .name = "open-file", .activate = action_open_file, .parameter_type = "s" },
  { .name = "close", .activate = action_close },
  { .name = "page", .activate = action_page, .parameter_type = "s" },
  { .name = "zoom", .activate = action_zoom, .parameter_type = "d" },
  { .name = "fit", .activate = action_fit },
  { .name = "zoom-selection", .activate = action_zoom_selection },
  { .name = "show-time", .activate = action_show_time, .parameter_type = "(dd)" },
  { .name = "set-cursor", .activate = action_set_cursor, .parameter_type = "d" },
  { .name = "fold-all", .activate = action_fold_all, .parameter_type = "b" },
  { .name = "show-lanes", .activate = action_show_lanes, .parameter_type = "s" },
  { .name = "follow", .state = "false", .change_state = action_follow },
  { .name = "compact", .state = "false", .change_state = action_compact },
  { .name = "go-to", .activate = action_go_to },
  { .name = "save-picture", .activate = action_save_picture },
  { .name = "copy-details", .activate = action_copy_details },
  { .name = "run-query", .activate = action_run_query, .parameter_type = "s" },
  { .name = "dump-state", .activate = action_dump_state, .parameter_type = "s" },
};

void
svi_window_add_actions (SviWindow *self)
{
  g_autoptr (GPropertyAction) details = NULL;
  g_autoptr (GPropertyAction) search = NULL;

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  details = g_property_action_new ("show-details", self->flap, "reveal-flap");
  search = g_property_action_new ("search", self->search_bar, "search-mode-enabled");
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (details));
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (search));
}

/* Enables what makes sense on the page that is shown. */
void
svi_window_update_actions (SviWindow *self)
{
  static const char * const of_log[] = {
    "page", "set-cursor", "show-lanes", "follow", "run-query",
  };
  static const char *const of_timeline[] = {
    "zoom",     "fit",   "zoom-selection", "show-time",
    "fold-all", "go-to", "compact", "save-picture",   "copy-details",
  };
  const char *page = adw_view_stack_get_visible_child_name (self->pages);
  gboolean log = g_strcmp0 (gtk_stack_get_visible_child_name (self->stack), "log") == 0;
  gboolean timeline = log && g_strcmp0 (page, "timeline") == 0;

  for (guint i = 0; i < G_N_ELEMENTS (of_log); i++)
    g_simple_action_set_enabled (
      G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self), of_log[i])), log);
  for (guint i = 0; i < G_N_ELEMENTS (of_timeline); i++)
    g_simple_action_set_enabled (
      G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self), of_timeline[i])), timeline);
  gtk_widget_set_visible (self->details_button, timeline);
  gtk_widget_set_visible (self->search_button, timeline);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-query-page.h"

#include "store/svi-text.h"
#include "view/svi-table-view.h"

#define MAX_ROWS 10000

struct _SviQueryPage
{
  AdwBin        parent_instance;

  GtkDropDown  *examples;
  GtkTextView  *text;
  GtkWidget    *run;
  GtkWidget    *stop;
  GtkWidget    *copy;
  GtkStack     *stack;
  GtkLabel     *error;
  SviTableView *table;
  GtkLabel     *status;

  SviSession   *session;
  GCancellable *cancellable;
  gint64        started_us;
};

G_DEFINE_FINAL_TYPE (SviQueryPage, svi_query_page, ADW_TYPE_BIN)

static const struct
{
  const char *name;
  const char *sql;
} examples[] = {
  { "Slowest faults", "SELECT t_raised, latency_ns, gpu, va, access, retries, tier, outcome\n"
                      "FROM fault\n"
                      "ORDER BY latency_ns DESC\n"
                      "LIMIT 100" },
  { "Migrations per direction",
    "SELECT from_place, to_place, count(*) AS migrations, sum(moved_bytes) AS moved_bytes,\n"
    "       avg(t1 - t0) AS mean_ns\n"
    "FROM migration\n"
    "GROUP BY from_place, to_place" },
  { "All migrations of GPU 1",
    "SELECT t0, t1 - t0 AS duration_ns, from_place, to_place, bytes, cause, result\n"
    "FROM migration\n"
    "WHERE gpu = 1\n"
    "ORDER BY t0" },
  { "Who held which lock at one second",
    "SELECT l.class, l.lock, h.mode, h.thread_id, h.t0, h.hold_ns\n"
    "FROM lock_hold h JOIN lock l ON l.id = h.lock_id\n"
    "WHERE h.t0 <= 1000000000 AND (h.t1 > 1000000000 OR h.t1 IS NULL)" },
  { "Where a range was, over time", "SELECT r.t0, r.t1, r.state, r.cause, s.va\n"
                                    "FROM range_state r JOIN svm_range s ON s.id = r.range_id\n"
                                    "WHERE r.range_id = (SELECT min(id) FROM svm_range)\n"
                                    "ORDER BY r.t0" },
  { "Lock totals per class", "SELECT * FROM lock_total" },
  { "Ranges that move the most",
    "SELECT range_id, count(*) AS migrations, sum(moved_bytes) AS moved_bytes\n"
    "FROM migration\n"
    "GROUP BY range_id\n"
    "ORDER BY migrations DESC\n"
    "LIMIT 50" },
  { "Why faults were retried", "SELECT reason, tier, count(*) AS retries\n"
                               "FROM fault_step\n"
                               "WHERE step = 'fault_retried'\n"
                               "GROUP BY reason, tier" },
  { "What the log has", "SELECT type, name FROM sqlite_schema WHERE type IN ('view', 'table') AND "
                        "name NOT LIKE '\\_%' ESCAPE '\\'" },
};

static void
set_running (SviQueryPage *self,
             gboolean      running)
{
  gtk_widget_set_visible (self->run, !running);
  gtk_widget_set_visible (self->stop, running);
}

static void
on_result (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  g_autoptr (SviQueryPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, &error);
  g_autofree char *text = NULL;
  g_autofree char *took = NULL;

  if (self->session == NULL)
    return;

  set_running (self, FALSE);
  g_clear_object (&self->cancellable);
  took = svi_text_span ((double) (g_get_monotonic_time () - self->started_us) * 1000);

  if (table == NULL)
    {
      gboolean stopped = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

      gtk_label_set_label (self->error, stopped ? "Stopped" : error->message);
      gtk_label_set_label (self->status, stopped ? "Stopped" : "Error");
      gtk_stack_set_visible_child_name (self->stack, "error");
      gtk_widget_set_sensitive (self->copy, FALSE);
      return;
    }

  svi_table_view_set_table (self->table, table);
  gtk_stack_set_visible_child_name (self->stack, "table");
  gtk_widget_set_sensitive (self->copy, TRUE);
  text = g_strdup_printf (svi_table_get_truncated (table) ? "The first %u rows, in %s"
                                                          : "%u rows, in %s",
                          g_list_model_get_n_items (G_LIST_MODEL (table)), took);
  gtk_label_set_label (self->status, text);
}

/* Runs what is in the box. */
void
svi_query_page_run (SviQueryPage *self)
{
  GtkTextBuffer *buffer;
  GtkTextIter start, end;
  g_autofree char *sql = NULL;

  g_return_if_fail (SVI_IS_QUERY_PAGE (self));

  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL)
    return;

  buffer = gtk_text_view_get_buffer (self->text);
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  sql = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->started_us = g_get_monotonic_time ();
  set_running (self, TRUE);
  gtk_label_set_label (self->status, "Running…");
  svi_session_query_async (self->session, sql, NULL, MAX_ROWS, self->cancellable, on_result,
                           g_object_ref (self));
}

static void
on_run (SviQueryPage *self)
{
  svi_query_page_run (self);
}

static void
on_stop (SviQueryPage *self)
{
  g_cancellable_cancel (self->cancellable);
}

static void
on_copy (SviQueryPage *self)
{
  SviTable *table = svi_table_view_get_table (self->table);
  g_autofree char *csv = NULL;

  if (table == NULL)
    return;

  csv = svi_table_to_csv (table);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), csv);
  gtk_label_set_label (self->status, "Copied as CSV");
}

static void
on_example_changed (SviQueryPage *self)
{
  guint example = gtk_drop_down_get_selected (self->examples);

  if (example < G_N_ELEMENTS (examples))
    svi_query_page_set_sql (self, examples[example].sql);
}

static gboolean
on_key_run (GtkWidget *widget,
            GVariant  *args,
            gpointer   data)
{
  svi_query_page_run (SVI_QUERY_PAGE (data));
  return GDK_EVENT_STOP;
}

void
svi_query_page_set_session (SviQueryPage *self,
                            SviSession   *session)
{
  g_return_if_fail (SVI_IS_QUERY_PAGE (self));

  g_set_object (&self->session, session);
  svi_table_view_set_session (self->table, session);
  svi_table_view_set_table (self->table, NULL);
  gtk_stack_set_visible_child_name (self->stack, "empty");
  gtk_label_set_label (self->status, "");
}

void
svi_query_page_set_sql (SviQueryPage *self,
                        const char   *sql)
{
  g_return_if_fail (SVI_IS_QUERY_PAGE (self));

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->text), sql, -1);
}

void
svi_query_page_focus (SviQueryPage *self)
{
  g_return_if_fail (SVI_IS_QUERY_PAGE (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->text));
}

guint
svi_query_page_get_n_rows (SviQueryPage *self)
{
  g_return_val_if_fail (SVI_IS_QUERY_PAGE (self), 0);

  return svi_table_view_get_n_rows (self->table);
}

const char *
svi_query_page_get_status (SviQueryPage *self)
{
  g_return_val_if_fail (SVI_IS_QUERY_PAGE (self), NULL);

  return gtk_label_get_label (self->status);
}

static void
svi_query_page_dispose (GObject *object)
{
  SviQueryPage *self = SVI_QUERY_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_QUERY_PAGE);

  G_OBJECT_CLASS (svi_query_page_parent_class)->dispose (object);
}

static void
svi_query_page_class_init (SviQueryPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_query_page_dispose;

  g_type_ensure (SVI_TYPE_TABLE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/svmgpu/Inspector/svi-query-page.ui");
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, examples);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, text);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, run);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, stop);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, copy);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, stack);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, error);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, table);
  gtk_widget_class_bind_template_child (widget_class, SviQueryPage, status);
  gtk_widget_class_bind_template_callback (widget_class, on_run);
  gtk_widget_class_bind_template_callback (widget_class, on_stop);
  gtk_widget_class_bind_template_callback (widget_class, on_copy);
  gtk_widget_class_bind_template_callback (widget_class, on_example_changed);
}

static void
svi_query_page_init (SviQueryPage *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  GtkEventController *controller;

  gtk_widget_init_template (GTK_WIDGET (self));

  /* Before the text view sees it, which takes any Enter for a new line */
  controller = gtk_shortcut_controller_new ();
  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  gtk_shortcut_controller_add_shortcut (
    GTK_SHORTCUT_CONTROLLER (controller),
    gtk_shortcut_new (gtk_shortcut_trigger_parse_string ("<Control>Return|<Control>KP_Enter"),
                      gtk_callback_action_new (on_key_run, self, NULL)));
  gtk_widget_add_controller (GTK_WIDGET (self->text), controller);

  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    gtk_string_list_append (names, examples[i].name);
  gtk_drop_down_set_model (self->examples, G_LIST_MODEL (names));
  svi_query_page_set_sql (self, examples[0].sql);
}

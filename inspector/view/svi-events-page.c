/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-events-page.h"

#include <math.h>

#include "store/svi-text.h"
#include "view/svi-table-view.h"

/* A page of a log of millions; the cursor chooses where it begins */
#define MAX_ROWS 5000

struct _SviEventsPage
{
  AdwBin        parent_instance;

  GtkDropDown  *kind;
  GtkEditable  *search;
  GtkToggleButton *from_cursor;
  GtkStack     *stack;
  SviTableView *table;
  AdwStatusPage *empty;
  GtkLabel     *status;

  SviSession   *session;
  GCancellable *cancellable;
  double        from_ns;
};

G_DEFINE_FINAL_TYPE (SviEventsPage, svi_events_page, ADW_TYPE_BIN)

static const struct
{
  const char  *name;
  SviEventKind kind;
  const char  *start; /* the column with the moment it began */
  const char  *sql;
} kinds[] = {
  { "Faults", SVI_EVENT_FAULT, "t_raised",
    "SELECT t_raised, latency_ns, gpu, va, access, outcome, retries, tier, attempts, verdict, "
    "thread_id, range_id, id"
    " FROM fault WHERE t_raised >= ?1 ORDER BY t_raised" },
  { "Migrations", SVI_EVENT_MIGRATION, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, from_place, to_place, bytes, moved_bytes, cause, va, "
    "result, thread_id,"
    " range_id, id FROM migration WHERE t0 >= ?1 ORDER BY t0" },
  { "Range states", SVI_EVENT_RANGE_STATE, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, state, cause, va, bytes, range_id, id FROM range_state "
    "WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Lock waits", SVI_EVENT_LOCK_WAIT, "t0",
    "SELECT t0, wait_ns, lock_id, mode, thread_id, place_id, id FROM lock_wait WHERE t0 >= ?1 "
    "ORDER BY t0" },
  { "Lock holds", SVI_EVENT_LOCK_HOLD, "t0",
    "SELECT t0, hold_ns, lock_id, mode, thread_id, place_id, id FROM lock_hold WHERE t0 >= ?1 "
    "ORDER BY t0" },
  { "Engine runs", SVI_EVENT_ENGINE_RUN, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, engine_id, context, asid, ended, id FROM engine_run "
    "WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Copies", SVI_EVENT_COPY, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, from_place, to_place, bytes, result, id FROM copy "
    "WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Binds", SVI_EVENT_BIND, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, op, va, bytes, vm_id, thread_id, result, id FROM bind "
    "WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Invalidations", SVI_EVENT_INVALIDATION, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, event, va, bytes, kind, zapped, flushed, vm_id, "
    "thread_id, id"
    " FROM invalidation WHERE t0 >= ?1 ORDER BY t0" },
  { "TLB flushes", SVI_EVENT_TLB_FLUSH, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, va, bytes, asid, seqno, result, vm_id, id FROM "
    "tlb_flush WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Jobs", SVI_EVENT_JOB, "t_armed",
    "SELECT t_armed, t_completed - t_armed AS duration_ns, t_submitted, gpu, queue_id, seqno, "
    "result, thread_id, id FROM job"
    " WHERE t_armed >= ?1 ORDER BY t_armed" },
  { "Execs", SVI_EVENT_EXEC, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, queue_id, attempts, result, thread_id, id FROM exec "
    "WHERE t0 >= ?1"
    " ORDER BY t0" },
  { "Evictions", SVI_EVENT_EVICTION, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, gpu, bo_id, bytes, unwaited_fences, result, thread_id, id "
    "FROM eviction"
    " WHERE t0 >= ?1 ORDER BY t0" },
  { "Fault steps", SVI_EVENT_POINT, "t",
    "SELECT t, step, reason, gpu, va, tier, attempt, range_id, thread_id, id FROM fault_step WHERE "
    "t >= ?1 ORDER BY t" },
  { "Scans", SVI_EVENT_POINT, "t",
    "SELECT t, state, gpu, va, bytes, windows, collisions, populate, range_id, thread_id, id FROM "
    "scan WHERE t >= ?1"
    " ORDER BY t" },
  { "Notes", SVI_EVENT_POINT, "t",
    "SELECT t, text, thread_id, id FROM mark WHERE t >= ?1 ORDER BY t" },
  { "Injected faults", SVI_EVENT_POINT, "t",
    "SELECT t, gpu, text, id FROM injected_fault WHERE t >= ?1 ORDER BY t" },
  { "Lost records", SVI_EVENT_LOST, "t0",
    "SELECT t0, t1 - t0 AS duration_ns, count, source, ring, id FROM lost WHERE t0 >= ?1 ORDER BY "
    "t0" },
};

static void
show_status (SviEventsPage *self)
{
  SviTable *table = svi_table_view_get_table (self->table);
  guint all = table != NULL ? g_list_model_get_n_items (G_LIST_MODEL (table)) : 0;
  guint shown = svi_table_view_get_n_rows (self->table);
  g_autofree char *from = svi_text_time (self->from_ns);
  g_autoptr (GString) text = g_string_new (NULL);

  if (table != NULL && svi_table_get_truncated (table))
    g_string_append_printf (
      text, "The first %'u events from %s on. Put the cursor further right to see later ones.", all,
      from);
  else
    g_string_append_printf (text, "%'u events from %s on", all, from);
  if (shown != all)
    g_string_append_printf (text, "  ·  %'u match the filter", shown);
  gtk_label_set_label (self->status, text->str);
  gtk_stack_set_visible_child_name (self->stack, shown > 0 ? "table" : "empty");
}

static void
on_table (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  g_autoptr (SviEventsPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->session == NULL)
    return;

  if (table == NULL)
    {
      adw_status_page_set_title (self->empty, "These Events Cannot Be Read");
      adw_status_page_set_description (self->empty, error->message);
      gtk_stack_set_visible_child_name (self->stack, "empty");
      return;
    }

  svi_table_view_set_table (self->table, table);
  adw_status_page_set_title (self->empty, "No Events");
  adw_status_page_set_description (self->empty, "The log has none of this kind here.");
  show_status (self);
}

/* Reads the chosen kind again. */
void
svi_events_page_refresh (SviEventsPage *self)
{
  guint kind = gtk_drop_down_get_selected (self->kind);
  double cursor;

  g_return_if_fail (SVI_IS_EVENTS_PAGE (self));

  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL ||
      kind >= G_N_ELEMENTS (kinds))
    return;

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();

  cursor = svi_session_get_cursor (self->session);
  self->from_ns = gtk_toggle_button_get_active (self->from_cursor) && !isnan (cursor) ? cursor : 0;
  if (svi_table_view_get_table (self->table) == NULL)
    gtk_stack_set_visible_child_name (self->stack, "loading");
  svi_session_query_async (self->session, kinds[kind].sql,
                           g_variant_new ("(x)", (gint64) floor (self->from_ns)), MAX_ROWS,
                           self->cancellable, on_table, g_object_ref (self));
}

static void
on_kind_changed (SviEventsPage *self)
{
  svi_events_page_refresh (self);
}

static void
on_search_changed (SviEventsPage *self)
{
  svi_table_view_set_filter (self->table, gtk_editable_get_text (self->search));
  show_status (self);
}

static void
on_cursor_changed (SviEventsPage *self)
{
  if (gtk_toggle_button_get_active (self->from_cursor) && gtk_widget_get_mapped (GTK_WIDGET (self)))
    svi_events_page_refresh (self);
}

typedef struct
{
  SviEventsPage *self;
  SviEventRef    event;
  double         start_ns;
} Jump;

static void
on_lane_known (GObject      *source,
               GAsyncResult *result,
               gpointer      data)
{
  g_autofree Jump *jump = data;
  g_autoptr (SviEventsPage) self = jump->self;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, NULL);
  gint64 thing = 0;
  double end = jump->start_ns;

  if (table != NULL && g_list_model_get_n_items (G_LIST_MODEL (table)) > 0)
    {
      const char *cell = svi_table_get_cell (table, 0, 0);
      const char *end_cell = svi_table_get_cell (table, 0, 1);

      thing = cell != NULL ? g_ascii_strtoll (cell, NULL, 10) : 0;
      end = end_cell != NULL ? g_ascii_strtod (end_cell, NULL) : end;
    }

  svi_session_reveal (SVI_SESSION (source), jump->event, thing, jump->start_ns, end);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.page", "s", "timeline");
}

static void
on_row_activated (SviEventsPage *self,
                  SviRow        *row)
{
  SviTable *table = svi_table_view_get_table (self->table);
  guint kind = gtk_drop_down_get_selected (self->kind);
  int id = svi_table_find_column (table, "id");
  int start = svi_table_find_column (table, kinds[kind].start);
  Jump *jump;

  if (id < 0 || start < 0)
    return;

  jump = g_new0 (Jump, 1);
  jump->self = g_object_ref (self);
  jump->event.kind = kinds[kind].kind;
  jump->event.id = svi_row_get_number (row, (guint) id);
  jump->start_ns = (double) svi_row_get_number (row, (guint) start);
  svi_session_query_async (self->session,
                           jump->event.kind == SVI_EVENT_POINT
                             ? "SELECT thing_id, t FROM point WHERE id = ?"
                           : jump->event.kind == SVI_EVENT_LOST
                             ? "SELECT 0, t1 FROM lost WHERE id = ?"
                             : "SELECT thing_id, t1 FROM interval WHERE id = ?",
                           g_variant_new ("(x)", jump->event.id), 1, NULL, on_lane_known, jump);
}

void
svi_events_page_set_session (SviEventsPage *self,
                             SviSession    *session)
{
  g_return_if_fail (SVI_IS_EVENTS_PAGE (self));

  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_set_object (&self->session, session);
  svi_table_view_set_session (self->table, session);
  svi_table_view_set_table (self->table, NULL);
  if (session != NULL)
    g_signal_connect_object (session, "cursor-changed", G_CALLBACK (on_cursor_changed), self,
                             G_CONNECT_SWAPPED);
}

void
svi_events_page_focus (SviEventsPage *self)
{
  g_return_if_fail (SVI_IS_EVENTS_PAGE (self));

  gtk_widget_grab_focus (GTK_WIDGET (self->search));
}

guint
svi_events_page_get_n_rows (SviEventsPage *self)
{
  g_return_val_if_fail (SVI_IS_EVENTS_PAGE (self), 0);

  return svi_table_view_get_n_rows (self->table);
}

static void
svi_events_page_dispose (GObject *object)
{
  SviEventsPage *self = SVI_EVENTS_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_EVENTS_PAGE);

  G_OBJECT_CLASS (svi_events_page_parent_class)->dispose (object);
}

static void
svi_events_page_class_init (SviEventsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_events_page_dispose;

  g_type_ensure (SVI_TYPE_TABLE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/svmgpu/Inspector/svi-events-page.ui");
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, kind);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, search);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, from_cursor);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, table);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, empty);
  gtk_widget_class_bind_template_child (widget_class, SviEventsPage, status);
  gtk_widget_class_bind_template_callback (widget_class, on_kind_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
}

static void
svi_events_page_init (SviEventsPage *self)
{
  static const char * const hidden[] = { "id", NULL };
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  gtk_widget_init_template (GTK_WIDGET (self));
  svi_table_view_set_hidden (self->table, hidden);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    gtk_string_list_append (names, kinds[i].name);
  gtk_drop_down_set_model (self->kind, G_LIST_MODEL (names));
}

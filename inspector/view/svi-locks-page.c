/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-locks-page.h"

#include <math.h>

#include "store/svi-text.h"
#include "view/svi-table-view.h"

struct _SviLocksPage
{
  AdwBin        parent_instance;

  SviTableView *totals;
  SviTableView *holders;
  GtkSpinner   *spinner;
  GtkStack     *stack;
  GtkLabel     *hint;
  GtkLabel     *cursor_time;

  SviSession   *session;
  GCancellable *totals_cancellable;
  GCancellable *holders_cancellable;
};

G_DEFINE_FINAL_TYPE (SviLocksPage, svi_locks_page, ADW_TYPE_BIN)

static void
on_totals (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  g_autoptr (SviLocksPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->session == NULL)
    return;

  gtk_spinner_stop (self->spinner);
  if (table == NULL)
    {
      g_warning ("Locks cannot be counted: %s", error->message);
      return;
    }
  svi_table_view_set_table (self->totals, table);
}

static void
on_holdings (GObject      *source,
             GAsyncResult *result,
             gpointer      data)
{
  g_autoptr (SviLocksPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray)
    holdings = svi_session_holdings_finish (SVI_SESSION (source), result, &error);
  g_autoptr (SviTable) table = NULL;
  SviCatalog *catalog;
  double cursor;
  guint rows = 0;

  if (holdings == NULL || self->session == NULL)
    return;

  catalog = svi_session_get_catalog (self->session);
  cursor = svi_session_get_cursor (self->session);
  table = svi_table_new ();
  svi_table_add_column (table, "lock", SVI_CELL_TEXT);
  svi_table_add_column (table, "state", SVI_CELL_TEXT);
  svi_table_add_column (table, "thread", SVI_CELL_TEXT);
  svi_table_add_column (table, "since", SVI_CELL_TIME);
  svi_table_add_column (table, "so_far_ns", SVI_CELL_SPAN);
  svi_table_add_column (table, "in_all_ns", SVI_CELL_SPAN);
  svi_table_add_column (table, "lock_id", SVI_CELL_TEXT);
  svi_table_add_column (table, "event", SVI_CELL_NUMBER);

  for (guint i = 0; i < holdings->len; i++)
    {
      const SviHolding *holding = g_ptr_array_index (holdings, i);
      const SviEventSummary *event = holding->event;
      const SviLane *lane;
      char number[32];

      if (holding->lane >= svi_catalog_size (catalog))
        continue;
      lane = svi_catalog_get (catalog, holding->lane);
      if (lane->kind != SVI_LANE_LOCK)
        continue;

      svi_table_add_cell (table, lane->title);
      svi_table_add_cell (table, event->event.kind == SVI_EVENT_LOCK_WAIT ? "waited for" : "held");
      svi_table_add_cell (table, event->summary);
      g_snprintf (number, sizeof number, "%.0f", event->start_ns);
      svi_table_add_cell (table, number);
      g_snprintf (number, sizeof number, "%.0f", MAX (cursor - event->start_ns, 0));
      svi_table_add_cell (table, number);
      g_snprintf (number, sizeof number, "%.0f", event->end_ns - event->start_ns);
      svi_table_add_cell (table, event->open ? NULL : number);
      g_snprintf (number, sizeof number, "%" G_GINT64_FORMAT, event->thing);
      svi_table_add_cell (table, number);
      g_snprintf (number, sizeof number, "%" G_GINT64_FORMAT, event->event.id);
      svi_table_add_cell (table, number);
      rows++;
    }

  svi_table_view_set_table (self->holders, table);
  gtk_label_set_label (self->hint, "No lock is held at this moment.");
  gtk_stack_set_visible_child_name (self->stack, rows > 0 ? "table" : "empty");
}

static void
load_holders (SviLocksPage *self)
{
  double cursor;
  g_autofree char *time = NULL;

  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL)
    return;

  cursor = svi_session_get_cursor (self->session);
  if (isnan (cursor))
    {
      gtk_label_set_label (self->cursor_time, "");
      gtk_stack_set_visible_child_name (self->stack, "empty");
      return;
    }

  time = svi_text_time (cursor);
  gtk_label_set_label (self->cursor_time, time);
  g_cancellable_cancel (self->holders_cancellable);
  g_clear_object (&self->holders_cancellable);
  self->holders_cancellable = g_cancellable_new ();
  svi_session_holdings_async (self->session, cursor, self->holders_cancellable, on_holdings,
                              g_object_ref (self));
}

/* Counts again; the log may have grown. */
void
svi_locks_page_refresh (SviLocksPage *self)
{
  g_return_if_fail (SVI_IS_LOCKS_PAGE (self));

  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL)
    return;

  g_cancellable_cancel (self->totals_cancellable);
  g_clear_object (&self->totals_cancellable);
  self->totals_cancellable = g_cancellable_new ();
  gtk_spinner_start (self->spinner);
  svi_session_query_async (
    self->session,
    "SELECT class, acquisitions, contended,"
    " printf('%.1f %%', 100.0 * contended / max(acquisitions, 1)) AS contention,"
    " wait_ns, wait_max_ns, hold_ns, hold_max_ns FROM lock_total",
    NULL, 1000, self->totals_cancellable, on_totals, g_object_ref (self));
  load_holders (self);
}

static void
on_cursor_changed (SviLocksPage *self)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (self)))
    load_holders (self);
}

static void
on_class_activated (SviLocksPage *self,
                    SviRow       *row)
{
  const char *name = svi_row_get_cell (row, 0);

  if (name != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.show-lanes", "s", name);
}

static void
on_holder_activated (SviLocksPage *self,
                     SviRow       *row)
{
  SviTable *table = svi_table_view_get_table (self->holders);
  const char *state = svi_row_get_cell (row, 1);
  SviEventRef event;
  double start, length;

  event.kind = g_strcmp0 (state, "held") == 0 ? SVI_EVENT_LOCK_HOLD : SVI_EVENT_LOCK_WAIT;
  event.id = svi_row_get_number (row, (guint) svi_table_find_column (table, "event"));
  start = (double) svi_row_get_number (row, (guint) svi_table_find_column (table, "since"));
  length = (double) svi_row_get_number (row, (guint) svi_table_find_column (table, "in_all_ns"));
  svi_session_reveal (self->session, event,
                      svi_row_get_number (row, (guint) svi_table_find_column (table, "lock_id")),
                      start, start + length);
  gtk_widget_activate_action (GTK_WIDGET (self), "win.page", "s", "timeline");
}

void
svi_locks_page_set_session (SviLocksPage *self,
                            SviSession   *session)
{
  g_return_if_fail (SVI_IS_LOCKS_PAGE (self));

  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_set_object (&self->session, session);
  svi_table_view_set_session (self->totals, session);
  svi_table_view_set_session (self->holders, session);
  svi_table_view_set_table (self->totals, NULL);
  svi_table_view_set_table (self->holders, NULL);
  gtk_stack_set_visible_child_name (self->stack, "empty");
  if (session != NULL)
    g_signal_connect_object (session, "cursor-changed", G_CALLBACK (on_cursor_changed), self,
                             G_CONNECT_SWAPPED);
}

guint
svi_locks_page_get_n_classes (SviLocksPage *self)
{
  g_return_val_if_fail (SVI_IS_LOCKS_PAGE (self), 0);

  return svi_table_view_get_n_rows (self->totals);
}

guint
svi_locks_page_get_n_holders (SviLocksPage *self)
{
  g_return_val_if_fail (SVI_IS_LOCKS_PAGE (self), 0);

  return svi_table_view_get_n_rows (self->holders);
}

static void
svi_locks_page_dispose (GObject *object)
{
  SviLocksPage *self = SVI_LOCKS_PAGE (object);

  g_cancellable_cancel (self->totals_cancellable);
  g_cancellable_cancel (self->holders_cancellable);
  g_clear_object (&self->totals_cancellable);
  g_clear_object (&self->holders_cancellable);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_LOCKS_PAGE);

  G_OBJECT_CLASS (svi_locks_page_parent_class)->dispose (object);
}

static void
svi_locks_page_class_init (SviLocksPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_locks_page_dispose;

  g_type_ensure (SVI_TYPE_TABLE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/svmgpu/Inspector/svi-locks-page.ui");
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, totals);
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, holders);
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, spinner);
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, stack);
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, hint);
  gtk_widget_class_bind_template_child (widget_class, SviLocksPage, cursor_time);
  gtk_widget_class_bind_template_callback (widget_class, svi_locks_page_refresh);
  gtk_widget_class_bind_template_callback (widget_class, on_class_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_holder_activated);
}

static void
svi_locks_page_init (SviLocksPage *self)
{
  static const char * const bars[] = { "acquisitions", "wait_ns", "hold_ns", NULL };

  static const char * const hidden[] = { "lock_id", "event", NULL };

  gtk_widget_init_template (GTK_WIDGET (self));
  svi_table_view_set_hidden (self->holders, hidden);
  svi_table_view_set_bars (self->totals, bars);
}

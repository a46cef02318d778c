/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-statistics-page.h"

#include <math.h>
#include <string.h>

#include "store/svi-text.h"
#include "view/svi-palette.h"
#include "view/svi-timeline-draw.h"

/* Bars of the histogram: each holds latencies up to twice those of the one before, the first up to
 * 1 µs
 */
#define N_BARS 24

struct _SviStatisticsPage
{
  AdwBin               parent_instance;

  GtkFlowBox          *tiles;
  GtkDrawingArea      *histogram;
  AdwPreferencesGroup *migrations;
  AdwPreferencesGroup *recording;

  SviSession          *session;
  GCancellable        *cancellable;
  GPtrArray           *migration_rows;
  GPtrArray           *recording_rows;
  guint64              bars[N_BARS];
  GString             *text;
};

G_DEFINE_FINAL_TYPE (SviStatisticsPage, svi_statistics_page, ADW_TYPE_BIN)

static void
add_tile (SviStatisticsPage *self,
          const char        *value,
          const char        *caption,
          gboolean           bad)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *number = gtk_label_new (value);
  GtkWidget *label = gtk_label_new (caption);
  GtkWidget *child;

  gtk_widget_add_css_class (box, "card");
  gtk_widget_add_css_class (box, "tile");
  gtk_widget_add_css_class (number, "title-1");
  gtk_widget_add_css_class (number, "numeric");
  gtk_widget_add_css_class (label, "dim-label");
  gtk_label_set_ellipsize (GTK_LABEL (number), PANGO_ELLIPSIZE_END);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  if (bad)
    gtk_widget_add_css_class (number, "error");
  gtk_box_append (GTK_BOX (box), number);
  gtk_box_append (GTK_BOX (box), label);
  gtk_flow_box_append (self->tiles, box);

  child = gtk_widget_get_parent (box);
  gtk_widget_set_focusable (child, FALSE);
  g_string_append_printf (self->text, "%s: %s\n", caption, value);
}

static void
add_row (SviStatisticsPage   *self,
         AdwPreferencesGroup *group,
         GPtrArray           *rows,
         const char          *title,
         const char          *subtitle,
         const char          *value)
{
  GtkWidget *row = adw_action_row_new ();
  GtkWidget *label = gtk_label_new (value);

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  if (subtitle != NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  gtk_widget_add_css_class (label, "numeric");
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  adw_preferences_group_add (group, row);
  g_ptr_array_add (rows, row);
  g_string_append_printf (self->text, "%s: %s\n", title, value);
}

static void
clear_rows (AdwPreferencesGroup *group,
            GPtrArray           *rows)
{
  for (guint i = 0; i < rows->len; i++)
    adw_preferences_group_remove (group, g_ptr_array_index (rows, i));
  g_ptr_array_set_size (rows, 0);
}

static gint64
cell (SviTable *table,
      guint     row,
      guint     column)
{
  const char *text = svi_table_get_cell (table, row, column);

  return text != NULL ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static void
draw_histogram (GtkDrawingArea *area,
                cairo_t        *cr,
                int             width,
                int             height,
                gpointer        data)
{
  SviStatisticsPage *self = data;
  PangoContext *pango = gtk_widget_get_pango_context (GTK_WIDGET (area));
  SviPalette palette;
  guint first = N_BARS, last = 0;
  guint64 most = 1;
  double left = 18, bottom = height - 30, top = 24, step;

  svi_palette_init (&palette, adw_style_manager_get_dark (adw_style_manager_get_default ()));
  for (guint i = 0; i < N_BARS; i++)
    if (self->bars[i] > 0)
      {
        first = MIN (first, i);
        last = i;
        most = MAX (most, self->bars[i]);
      }
  if (first == N_BARS)
    {
      svi_draw_text (cr, pango, "No fault was answered", 0, 0, width, height, 0.5, 1, FALSE,
                     palette.dim);
      return;
    }

  /* A bar alone says little: show its neighbours, which are empty, too */
  first = first > 0 ? first - 1 : 0;
  last = MIN (MAX (last + 1, first + 6), N_BARS - 1);
  step = (width - 2 * left) / (last - first + 1);

  for (guint i = first; i <= last; i++)
    {
      double x = left + (i - first) * step;
      double size = (bottom - top) * (double) self->bars[i] / (double) most;
      g_autofree char *edge = svi_text_span (1000.0 * (double) (G_GUINT64_CONSTANT (1) << i));

      if (self->bars[i] > 0)
        {
          g_autofree char *count = g_strdup_printf ("%" G_GUINT64_FORMAT, self->bars[i]);

          size = MAX (size, 2);
          svi_color_set (cr, svi_palette_tint (&palette, svi_tint (SVI_TINT_GOOD, 0)));
          cairo_rectangle (cr, floor (x) + 2, bottom - size, MAX (step - 4, 1), size);
          cairo_fill (cr);
          svi_draw_text (cr, pango, count, x - 10, bottom - size - 20, step + 20, 20, 0.5, 0.8,
                         FALSE, palette.dim);
        }
      svi_draw_text (cr, pango, edge, x, bottom + 4, step, 20, 0.5, 0.78, FALSE, palette.dim);
    }

  svi_color_set (cr, palette.line);
  cairo_rectangle (cr, left, bottom, width - 2 * left, 1);
  cairo_fill (cr);
}

static void
on_recording (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr (SviStatisticsPage) self = data;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, NULL);

  if (table == NULL || self->session == NULL)
    return;

  clear_rows (self->recording, self->recording_rows);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (table)); i++)
    add_row (self, self->recording, self->recording_rows, svi_table_get_cell (table, i, 0),
             svi_table_get_cell (table, i, 1), svi_table_get_cell (table, i, 2));
}

static void
on_migrations (GObject      *source,
               GAsyncResult *result,
               gpointer      data)
{
  g_autoptr (SviStatisticsPage) self = data;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, NULL);

  if (table == NULL || self->session == NULL)
    return;

  clear_rows (self->migrations, self->migration_rows);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (table)); i++)
    {
      gint64 count = cell (table, i, 2), bytes = cell (table, i, 3), time = cell (table, i, 4);
      g_autofree char *title = g_strdup_printf ("%s → %s", svi_table_get_cell (table, i, 0),
                                                svi_table_get_cell (table, i, 1));
      g_autofree char *size = svi_text_bytes ((guint64) bytes);
      g_autofree char *rate = svi_text_bytes (
        time > 0 ? (guint64) ((double) bytes / ((double) time / 1e9)) : 0);
      g_autofree char *subtitle = g_strdup_printf ("%" G_GINT64_FORMAT
                                                   " migrations, %s/s while they ran",
                                                   count, rate);

      add_row (self, self->migrations, self->migration_rows, title, subtitle, size);
    }
}

static void
on_faults (GObject      *source,
           GAsyncResult *result,
           gpointer      data)
{
  g_autoptr (SviStatisticsPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SviTable) table = svi_session_query_finish (SVI_SESSION (source), result, &error);
  g_autofree char *served = NULL;
  g_autofree char *retried = NULL;
  g_autofree char *failed = NULL;
  g_autofree char *mean = NULL;
  g_autofree char *slowest = NULL;
  g_autofree char *escalated = NULL;
  g_autofree char *open = NULL;
  g_autofree char *moved = NULL;
  GtkWidget *child;

  if (table == NULL || self->session == NULL ||
      g_list_model_get_n_items (G_LIST_MODEL (table)) == 0)
    return;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->tiles))) != NULL)
    gtk_flow_box_remove (self->tiles, child);

  served = g_strdup_printf ("%'" G_GINT64_FORMAT, cell (table, 0, 0));
  retried = g_strdup_printf ("%'" G_GINT64_FORMAT, cell (table, 0, 1));
  escalated = g_strdup_printf ("%'" G_GINT64_FORMAT, cell (table, 0, 2));
  failed = g_strdup_printf ("%'" G_GINT64_FORMAT, cell (table, 0, 3));
  open = g_strdup_printf ("%'" G_GINT64_FORMAT, cell (table, 0, 4));
  mean = svi_text_span ((double) cell (table, 0, 5));
  slowest = svi_text_span ((double) cell (table, 0, 6));
  moved = svi_text_bytes ((guint64) cell (table, 0, 7));

  add_tile (self, served, "faults served", FALSE);
  add_tile (self, mean, "mean latency", FALSE);
  add_tile (self, slowest, "slowest", FALSE);
  add_tile (self, moved, "migrated", FALSE);
  add_tile (self, retried, "retries", FALSE);
  add_tile (self, escalated, "escalated", FALSE);
  add_tile (self, failed, "refused or failed", cell (table, 0, 3) > 0);
  add_tile (self, open, "not answered", cell (table, 0, 4) > 0);

  for (guint i = 0; i < N_BARS; i++)
    self->bars[i] = (guint64) cell (table, 0, 8 + i);
  gtk_widget_queue_draw (GTK_WIDGET (self->histogram));
}

/* Counts again; the log may have grown. */
void
svi_statistics_page_refresh (SviStatisticsPage *self)
{
  g_autoptr (GString) sql = NULL;

  g_return_if_fail (SVI_IS_STATISTICS_PAGE (self));

  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL)
    return;

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_string_truncate (self->text, 0);

  sql = g_string_new ("SELECT sum(outcome IN ('served', 'spurious')), sum(retries), sum(tier > 0),"
                      " sum(outcome IN ('refused', 'failed', 'dropped')), sum(t_answered IS NULL),"
                      " avg(latency_ns), max(latency_ns),"
                      " (SELECT sum(coalesce(moved_bytes, 0)) FROM migration)");
  for (guint i = 0; i < N_BARS; i++)
    {
      gint64 high = G_GINT64_CONSTANT (1000) << i;

      g_string_append_printf (sql,
                              ", sum(latency_ns > %" G_GINT64_FORMAT
                              " AND latency_ns <= %" G_GINT64_FORMAT ")",
                              i == 0 ? -1 : high / 2, i == N_BARS - 1 ? G_MAXINT64 : high);
    }
  g_string_append (sql, " FROM fault");

  svi_session_query_async (self->session, sql->str, NULL, 1, self->cancellable, on_faults,
                           g_object_ref (self));
  svi_session_query_async (
    self->session,
    "SELECT from_place, to_place, count(*), sum(coalesce(moved_bytes, 0)), sum(t1 - t0)"
    " FROM migration GROUP BY from_place, to_place ORDER BY sum(coalesce(moved_bytes, 0)) DESC",
    NULL, 100, self->cancellable, on_migrations, g_object_ref (self));
  svi_session_query_async (
    self->session,
    "SELECT 'Records lost', 'With the span of time they are from, in the notes lane',"
    " coalesce(sum(count), 0) FROM lost"
    " UNION ALL SELECT 'Driver ' || coalesce(driver, '(unknown)'),"
    "  'Guest kernel ' || coalesce(kernel, '(unknown)'), records || ' records'"
    "  FROM session WHERE id > 0"
    " UNION ALL SELECT 'Clock of the guest', 'Largest bound of the mapping error',"
    "  coalesce(max(error_ns), 0) || ' ns' FROM clock_sample"
    " UNION ALL SELECT key, NULL, value FROM meta"
    "  WHERE key NOT LIKE 'start%' AND length(value) < 60",
    NULL, 100, self->cancellable, on_recording, g_object_ref (self));
}

void
svi_statistics_page_set_session (SviStatisticsPage *self,
                                 SviSession        *session)
{
  g_return_if_fail (SVI_IS_STATISTICS_PAGE (self));

  g_set_object (&self->session, session);
}

/* What the page says, one line per number. */
char *
svi_statistics_page_dup_text (SviStatisticsPage *self)
{
  g_return_val_if_fail (SVI_IS_STATISTICS_PAGE (self), NULL);

  return g_strdup (self->text->str);
}

static void
svi_statistics_page_dispose (GObject *object)
{
  SviStatisticsPage *self = SVI_STATISTICS_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_STATISTICS_PAGE);

  G_OBJECT_CLASS (svi_statistics_page_parent_class)->dispose (object);
}

static void
svi_statistics_page_finalize (GObject *object)
{
  SviStatisticsPage *self = SVI_STATISTICS_PAGE (object);

  g_ptr_array_unref (self->migration_rows);
  g_ptr_array_unref (self->recording_rows);
  g_string_free (self->text, TRUE);

  G_OBJECT_CLASS (svi_statistics_page_parent_class)->finalize (object);
}

static void
svi_statistics_page_class_init (SviStatisticsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_statistics_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = svi_statistics_page_finalize;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/svmgpu/Inspector/svi-statistics-page.ui");
  gtk_widget_class_bind_template_child (widget_class, SviStatisticsPage, tiles);
  gtk_widget_class_bind_template_child (widget_class, SviStatisticsPage, histogram);
  gtk_widget_class_bind_template_child (widget_class, SviStatisticsPage, migrations);
  gtk_widget_class_bind_template_child (widget_class, SviStatisticsPage, recording);
}

static void
svi_statistics_page_init (SviStatisticsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->migration_rows = g_ptr_array_new ();
  self->recording_rows = g_ptr_array_new ();
  self->text = g_string_new (NULL);
  gtk_drawing_area_set_draw_func (self->histogram, draw_histogram, self, NULL);
}

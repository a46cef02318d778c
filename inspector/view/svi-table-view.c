/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-table-view.h"

#include <string.h>

#include "store/svi-text.h"
#include "view/svi-palette.h"

#define BAR_WIDTH 180

struct _SviTableView
{
  AdwBin          parent_instance;

  GtkColumnView  *view;
  SviSession     *session;
  SviTable       *table;
  GtkFilterListModel *filtered;
  GtkCustomFilter *filter;
  char           *needle;
  GHashTable     *bars;    /* column name to largest value, as double* */
  GHashTable     *hidden;  /* column names */
};

enum
{
  SIGNAL_ROW_ACTIVATED, /* SviRow */
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (SviTableView, svi_table_view, ADW_TYPE_BIN)

/* The text of a cell; ids of threads, locks and the like become their names */
static char *
cell_text (SviTableView *self,
           SviRow       *row,
           guint         column)
{
  const char *name = svi_table_get_column (self->table, column);
  SviCatalog *catalog = self->session != NULL ? svi_session_get_catalog (self->session) : NULL;

  if (catalog != NULL && g_str_has_suffix (name, "_id") && svi_row_get_cell (row, column) != NULL)
    {
      gint64 id = svi_row_get_number (row, column);
      const char *thing = svi_catalog_name (catalog, id);
      int lane;

      if (thing != NULL)
        return g_strdup (thing);
      lane = svi_catalog_find_thing (catalog, id);
      if (lane >= 0)
        return g_strdup (svi_catalog_get (catalog, (guint) lane)->title);
    }
  return svi_row_dup_text (row, column);
}

static gboolean
is_number (SviTable *table,
           guint     column)
{
  guint rows = g_list_model_get_n_items (G_LIST_MODEL (table));

  if (svi_table_get_kind (table, column) != SVI_CELL_TEXT)
    return TRUE;
  if (g_str_has_suffix (svi_table_get_column (table, column), "_id"))
    return FALSE;

  /* A column of plain text says what it is by its first few values */
  for (guint r = 0; r < MIN (rows, 8); r++)
    {
      const char *cell = svi_table_get_cell (table, r, column);
      char *end = NULL;

      if (cell == NULL)
        continue;
      g_ascii_strtod (cell, &end);
      if (end == cell || *end != '\0')
        return FALSE;
    }
  return rows > 0;
}

static void
draw_bar (GtkDrawingArea *area,
          cairo_t        *cr,
          int             width,
          int             height,
          gpointer        data)
{
  double part = GPOINTER_TO_UINT (data) / 1000.0;
  SviPalette palette;

  svi_palette_init (&palette, adw_style_manager_get_dark (adw_style_manager_get_default ()));
  svi_color_set (cr, svi_color_alpha (palette.accent, 0.22));
  cairo_rectangle (cr, 0, 2, width * part, height - 4);
  cairo_fill (cr);
}

static void
on_setup (GtkSignalListItemFactory *factory,
          GtkListItem              *item,
          gpointer                  data)
{
  gboolean number = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (factory), "number")) != 0;
  gboolean bar = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (factory), "bar")) != 0;
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), number ? 1 : 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 48);
  gtk_widget_add_css_class (label, "numeric");
  if (bar)
    {
      GtkWidget *overlay = gtk_overlay_new ();
      GtkWidget *area = gtk_drawing_area_new ();

      gtk_overlay_set_child (GTK_OVERLAY (overlay), area);
      gtk_overlay_add_overlay (GTK_OVERLAY (overlay), label);
      gtk_overlay_set_measure_overlay (GTK_OVERLAY (overlay), label, TRUE);
      gtk_list_item_set_child (item, overlay);
      return;
    }
  gtk_list_item_set_child (item, label);
}

static void
on_bind (GtkSignalListItemFactory *factory,
         GtkListItem              *item,
         SviTableView             *self)
{
  guint column = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (factory), "column"));
  SviRow *row = gtk_list_item_get_item (item);
  g_autofree char *text = cell_text (self, row, column);
  GtkWidget *child = gtk_list_item_get_child (item);

  if (GTK_IS_OVERLAY (child))
    {
      GtkWidget *area = gtk_overlay_get_child (GTK_OVERLAY (child));
      GtkWidget *label = gtk_widget_get_last_child (child);
      const double *most = g_hash_table_lookup (self->bars,
                                                svi_table_get_column (self->table, column));
      double part = most != NULL && *most > 0 ? (double) svi_row_get_number (row, column) / *most
                                              : 0;

      gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_bar,
                                      GUINT_TO_POINTER ((guint) (CLAMP (part, 0, 1) * 1000)), NULL);
      gtk_label_set_label (GTK_LABEL (label), text);
      return;
    }
  gtk_label_set_label (GTK_LABEL (child), text);
}

typedef struct
{
  guint    column;
  gboolean number;
} Order;

static int
compare_rows (gconstpointer a,
              gconstpointer b,
              gpointer      data)
{
  const Order *order = data;
  const char *one = svi_row_get_cell ((SviRow *) a, order->column);
  const char *other = svi_row_get_cell ((SviRow *) b, order->column);

  if (order->number)
    {
      double x = one != NULL ? g_ascii_strtod (one, NULL) : -G_MAXDOUBLE;
      double y = other != NULL ? g_ascii_strtod (other, NULL) : -G_MAXDOUBLE;

      return (x > y) - (x < y);
    }
  return g_strcmp0 (one, other);
}

static gboolean
matches (gpointer item,
         gpointer data)
{
  SviTableView *self = data;

  if (self->needle == NULL)
    return TRUE;

  for (guint c = 0; c < svi_table_get_n_columns (self->table); c++)
    {
      g_autofree char *text = cell_text (self, item, c);
      g_autofree char *folded = g_utf8_casefold (text, -1);

      if (strstr (folded, self->needle) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
on_activate (SviTableView *self,
             guint         position)
{
  g_autoptr (SviRow)
    row = g_list_model_get_item (G_LIST_MODEL (gtk_column_view_get_model (self->view)), position);

  if (row != NULL)
    g_signal_emit (self, signals[SIGNAL_ROW_ACTIVATED], 0, row);
}

/* The session gives names to ids. */
void
svi_table_view_set_session (SviTableView *self,
                            SviSession   *session)
{
  g_return_if_fail (SVI_IS_TABLE_VIEW (self));

  g_set_object (&self->session, session);
}

/* Columns with a bar behind their numbers; a NULL-terminated list. */
void
svi_table_view_set_bars (SviTableView       *self,
                         const char * const *columns)
{
  g_return_if_fail (SVI_IS_TABLE_VIEW (self));

  g_hash_table_remove_all (self->bars);
  for (guint i = 0; columns != NULL && columns[i] != NULL; i++)
    g_hash_table_insert (self->bars, g_strdup (columns[i]), g_new0 (double, 1));
}

/* Columns that are there for the program and not for the reader; a NULL-terminated list. */
void
svi_table_view_set_hidden (SviTableView       *self,
                           const char * const *columns)
{
  g_return_if_fail (SVI_IS_TABLE_VIEW (self));

  g_hash_table_remove_all (self->hidden);
  for (guint i = 0; columns != NULL && columns[i] != NULL; i++)
    g_hash_table_add (self->hidden, g_strdup (columns[i]));
}

void
svi_table_view_set_table (SviTableView *self,
                          SviTable     *table)
{
  GListModel *columns;
  guint rows;

  g_return_if_fail (SVI_IS_TABLE_VIEW (self));

  gtk_column_view_set_model (self->view, NULL);
  columns = gtk_column_view_get_columns (self->view);
  while (g_list_model_get_n_items (columns) > 0)
    {
      g_autoptr (GtkColumnViewColumn) column = g_list_model_get_item (columns, 0);

      gtk_column_view_remove_column (self->view, column);
    }
  g_clear_object (&self->filtered);
  self->filter = NULL;
  g_set_object (&self->table, table);
  if (table == NULL)
    return;

  rows = g_list_model_get_n_items (G_LIST_MODEL (table));
  for (guint c = 0; c < svi_table_get_n_columns (table); c++)
    {
      const char *name = svi_table_get_column (table, c);
      g_autofree char *title = svi_text_humanize (name);
      GtkListItemFactory *factory;
      g_autoptr (GtkColumnViewColumn) column = NULL;
      g_autoptr (GtkSorter) sorter = NULL;
      gboolean number = is_number (table, c);
      double *most = g_hash_table_lookup (self->bars, name);
      Order order = { c, number };

      if (g_hash_table_contains (self->hidden, name))
        continue;

      if (most != NULL)
        {
          *most = 0;
          for (guint r = 0; r < rows; r++)
            {
              const char *cell = svi_table_get_cell (table, r, c);

              if (cell != NULL)
                *most = MAX (*most, g_ascii_strtod (cell, NULL));
            }
        }

      if (g_str_has_suffix (title, " ns"))
        title[strlen (title) - 3] = '\0';
      else if (g_str_has_suffix (title, " id") && strlen (title) > 3)
        title[strlen (title) - 3] = '\0';

      factory = gtk_signal_list_item_factory_new ();
      g_object_set_data (G_OBJECT (factory), "column", GUINT_TO_POINTER (c));
      g_object_set_data (G_OBJECT (factory), "number", GUINT_TO_POINTER (number));
      g_object_set_data (G_OBJECT (factory), "bar", GUINT_TO_POINTER (most != NULL));
      g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
      g_signal_connect (factory, "bind", G_CALLBACK (on_bind), self);

      column = gtk_column_view_column_new (title, factory);
      gtk_column_view_column_set_resizable (column, TRUE);
      if (most != NULL)
        gtk_column_view_column_set_fixed_width (column, BAR_WIDTH);
      sorter = GTK_SORTER (
        gtk_custom_sorter_new (compare_rows, g_memdup2 (&order, sizeof order), g_free));
      gtk_column_view_column_set_sorter (column, sorter);
      gtk_column_view_append_column (self->view, column);
    }

  /* What is left of the width belongs to nobody, so that numbers stay near their headings */
  {
    g_autoptr (GtkColumnViewColumn)
      rest = gtk_column_view_column_new (NULL, gtk_signal_list_item_factory_new ());

    gtk_column_view_column_set_expand (rest, TRUE);
    gtk_column_view_append_column (self->view, rest);
  }

  self->filter = gtk_custom_filter_new (matches, self, NULL);
  self->filtered = gtk_filter_list_model_new (G_LIST_MODEL (g_object_ref (table)),
                                              GTK_FILTER (self->filter));
  {
    GtkSorter *sorter = gtk_column_view_get_sorter (self->view);
    GtkSortListModel *sorted = gtk_sort_list_model_new (
      G_LIST_MODEL (g_object_ref (self->filtered)), g_object_ref (sorter));
    g_autoptr (GtkSingleSelection) selection = gtk_single_selection_new (G_LIST_MODEL (sorted));

    gtk_single_selection_set_autoselect (selection, FALSE);
    gtk_single_selection_set_can_unselect (selection, TRUE);
    gtk_single_selection_set_selected (selection, GTK_INVALID_LIST_POSITION);
    gtk_column_view_set_model (self->view, GTK_SELECTION_MODEL (selection));
  }
}

SviTable *
svi_table_view_get_table (SviTableView *self)
{
  g_return_val_if_fail (SVI_IS_TABLE_VIEW (self), NULL);

  return self->table;
}

/* Shows only rows with a cell that contains @text. */
void
svi_table_view_set_filter (SviTableView *self,
                           const char   *text)
{
  g_return_if_fail (SVI_IS_TABLE_VIEW (self));

  g_clear_pointer (&self->needle, g_free);
  if (text != NULL && *text != '\0')
    self->needle = g_utf8_casefold (text, -1);
  if (self->filter != NULL)
    gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
}

guint
svi_table_view_get_n_rows (SviTableView *self)
{
  g_return_val_if_fail (SVI_IS_TABLE_VIEW (self), 0);

  return self->filtered != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->filtered)) : 0;
}

static void
svi_table_view_dispose (GObject *object)
{
  SviTableView *self = SVI_TABLE_VIEW (object);

  if (self->view != NULL)
    gtk_column_view_set_model (self->view, NULL);
  self->view = NULL;
  g_clear_object (&self->filtered);
  g_clear_object (&self->table);
  g_clear_object (&self->session);

  G_OBJECT_CLASS (svi_table_view_parent_class)->dispose (object);
}

static void
svi_table_view_finalize (GObject *object)
{
  SviTableView *self = SVI_TABLE_VIEW (object);

  g_hash_table_unref (self->bars);
  g_hash_table_unref (self->hidden);
  g_free (self->needle);

  G_OBJECT_CLASS (svi_table_view_parent_class)->finalize (object);
}

static void
svi_table_view_class_init (SviTableViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = svi_table_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = svi_table_view_finalize;

  signals[SIGNAL_ROW_ACTIVATED] = g_signal_new ("row-activated", G_TYPE_FROM_CLASS (klass),
                                                G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                                1, SVI_TYPE_ROW);
}

static void
svi_table_view_init (SviTableView *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *view = gtk_column_view_new (NULL);

  self->bars = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->hidden = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->view = GTK_COLUMN_VIEW (view);
  gtk_widget_add_css_class (view, "data-table");
  gtk_column_view_set_show_column_separators (self->view, FALSE);
  gtk_column_view_set_show_row_separators (self->view, FALSE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), view);
  gtk_widget_set_vexpand (scroller, TRUE);
  gtk_widget_set_hexpand (scroller, TRUE);
  adw_bin_set_child (ADW_BIN (self), scroller);
  g_signal_connect_swapped (view, "activate", G_CALLBACK (on_activate), self);
}

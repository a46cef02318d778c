/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-table.h"

#include <string.h>

#include "store/svi-text.h"

typedef struct
{
  char        *name;
  SviCellKind  kind;
} Column;

struct _SviTable
{
  GObject       parent_instance;

  GArray       *columns;
  GPtrArray    *cells;    /* texts in strings, or NULL; row by row */
  GStringChunk *strings;
  gboolean      truncated;
};

struct _SviRow
{
  GObject   parent_instance;

  SviTable *table;
  guint     index;
};

static void list_model_iface_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE (SviRow, svi_row, G_TYPE_OBJECT)
G_DEFINE_FINAL_TYPE_WITH_CODE (SviTable, svi_table, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

static void
svi_row_dispose (GObject *object)
{
  SviRow *self = SVI_ROW (object);

  g_clear_object (&self->table);

  G_OBJECT_CLASS (svi_row_parent_class)->dispose (object);
}

static void
svi_row_class_init (SviRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = svi_row_dispose;
}

static void
svi_row_init (SviRow *self)
{
}

/* The cell as the log wrote it; NULL for a cell without a value. */
const char *
svi_row_get_cell (SviRow *self,
                  guint   column)
{
  g_return_val_if_fail (SVI_IS_ROW (self), NULL);

  return svi_table_get_cell (self->table, self->index, column);
}

gint64
svi_row_get_number (SviRow *self,
                    guint   column)
{
  const char *cell = svi_row_get_cell (self, column);

  return cell != NULL ? g_ascii_strtoll (cell, NULL, 10) : 0;
}

/* The cell as people read it, after the kind of its column. */
char *
svi_row_dup_text (SviRow *self,
                  guint   column)
{
  const char *cell = svi_row_get_cell (self, column);
  gint64 number;

  if (cell == NULL)
    return g_strdup ("");

  number = g_ascii_strtoll (cell, NULL, 10);
  switch (svi_table_get_kind (self->table, column))
    {
    case SVI_CELL_TIME:
      return svi_text_time ((double) number);
    case SVI_CELL_SPAN:
      return svi_text_span (g_ascii_strtod (cell, NULL));
    case SVI_CELL_BYTES:
      return svi_text_bytes ((guint64) MAX (number, 0));
    case SVI_CELL_ADDRESS:
      return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", (guint64) number);
    default:
      return g_strdup (cell);
    }
}

static GType
svi_table_get_item_type (GListModel *model)
{
  return SVI_TYPE_ROW;
}

static guint
svi_table_get_n_items (GListModel *model)
{
  SviTable *self = SVI_TABLE (model);

  return self->columns->len > 0 ? self->cells->len / self->columns->len : 0;
}

static gpointer
svi_table_get_item (GListModel *model,
                    guint       position)
{
  SviTable *self = SVI_TABLE (model);
  SviRow *row;

  if (position >= svi_table_get_n_items (model))
    return NULL;

  row = g_object_new (SVI_TYPE_ROW, NULL);
  row->table = g_object_ref (self);
  row->index = position;
  return row;
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = svi_table_get_item_type;
  iface->get_n_items = svi_table_get_n_items;
  iface->get_item = svi_table_get_item;
}

static void
svi_table_finalize (GObject *object)
{
  SviTable *self = SVI_TABLE (object);

  g_array_unref (self->columns);
  g_ptr_array_unref (self->cells);
  g_string_chunk_free (self->strings);

  G_OBJECT_CLASS (svi_table_parent_class)->finalize (object);
}

static void
svi_table_class_init (SviTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = svi_table_finalize;
}

static void
column_clear (gpointer data)
{
  g_free (((Column *) data)->name);
}

static void
svi_table_init (SviTable *self)
{
  self->columns = g_array_new (FALSE, FALSE, sizeof (Column));
  g_array_set_clear_func (self->columns, column_clear);
  self->cells = g_ptr_array_new ();
  self->strings = g_string_chunk_new (8192);
}

SviTable *
svi_table_new (void)
{
  return g_object_new (SVI_TYPE_TABLE, NULL);
}

void
svi_table_add_column (SviTable    *self,
                      const char  *name,
                      SviCellKind  kind)
{
  Column column = { g_strdup (name), kind };

  g_return_if_fail (SVI_IS_TABLE (self) && self->cells->len == 0);

  g_array_append_val (self->columns, column);
}

/* Cells come row by row. A table is filled by the thread that made it, before anybody else sees it.
 */
void
svi_table_add_cell (SviTable   *self,
                    const char *text)
{
  g_return_if_fail (SVI_IS_TABLE (self));

  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    {
      g_autofree char *valid = g_utf8_make_valid (text, -1);

      g_ptr_array_add (self->cells, g_string_chunk_insert_const (self->strings, valid));
      return;
    }
  g_ptr_array_add (self->cells,
                   text != NULL ? g_string_chunk_insert_const (self->strings, text) : NULL);
}

void
svi_table_set_truncated (SviTable *self,
                         gboolean  truncated)
{
  g_return_if_fail (SVI_IS_TABLE (self));

  self->truncated = truncated;
}

/* Whether the query had more rows than were wanted. */
gboolean
svi_table_get_truncated (SviTable *self)
{
  g_return_val_if_fail (SVI_IS_TABLE (self), FALSE);

  return self->truncated;
}

guint
svi_table_get_n_columns (SviTable *self)
{
  g_return_val_if_fail (SVI_IS_TABLE (self), 0);

  return self->columns->len;
}

const char *
svi_table_get_column (SviTable *self,
                      guint     column)
{
  g_return_val_if_fail (SVI_IS_TABLE (self) && column < self->columns->len, NULL);

  return g_array_index (self->columns, Column, column).name;
}

SviCellKind
svi_table_get_kind (SviTable *self,
                    guint     column)
{
  g_return_val_if_fail (SVI_IS_TABLE (self) && column < self->columns->len, SVI_CELL_TEXT);

  return g_array_index (self->columns, Column, column).kind;
}

int
svi_table_find_column (SviTable   *self,
                       const char *name)
{
  g_return_val_if_fail (SVI_IS_TABLE (self), -1);

  for (guint i = 0; i < self->columns->len; i++)
    if (strcmp (g_array_index (self->columns, Column, i).name, name) == 0)
      return (int) i;
  return -1;
}

const char *
svi_table_get_cell (SviTable *self,
                    guint     row,
                    guint     column)
{
  g_return_val_if_fail (SVI_IS_TABLE (self), NULL);
  g_return_val_if_fail (column < self->columns->len, NULL);
  g_return_val_if_fail ((row + 1) * self->columns->len <= self->cells->len, NULL);

  return g_ptr_array_index (self->cells, row * self->columns->len + column);
}

static void
append_csv (GString    *out,
            const char *text)
{
  if (text == NULL)
    return;

  if (strpbrk (text, ",\"\n\r") == NULL)
    {
      g_string_append (out, text);
      return;
    }

  g_string_append_c (out, '"');
  for (const char *at = text; *at != '\0'; at++)
    {
      if (*at == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *at);
    }
  g_string_append_c (out, '"');
}

/* The whole table after RFC 4180, with the values that the log has. */
char *
svi_table_to_csv (SviTable *self)
{
  g_autoptr (GString) out = g_string_new (NULL);
  guint rows;

  g_return_val_if_fail (SVI_IS_TABLE (self), NULL);

  rows = svi_table_get_n_items (G_LIST_MODEL (self));
  for (guint c = 0; c < self->columns->len; c++)
    {
      if (c > 0)
        g_string_append_c (out, ',');
      append_csv (out, g_array_index (self->columns, Column, c).name);
    }
  g_string_append (out, "\r\n");

  for (guint r = 0; r < rows; r++)
    {
      for (guint c = 0; c < self->columns->len; c++)
        {
          if (c > 0)
            g_string_append_c (out, ',');
          append_csv (out, svi_table_get_cell (self, r, c));
        }
      g_string_append (out, "\r\n");
    }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* The log names its columns after what is in them. */
SviCellKind
svi_table_guess_kind (const char *column_name)
{
  if (column_name == NULL)
    return SVI_CELL_TEXT;
  if (strcmp (column_name, "t") == 0 || strcmp (column_name, "t0") == 0 ||
      strcmp (column_name, "t1") == 0 || g_str_has_prefix (column_name, "t_"))
    return SVI_CELL_TIME;
  if (g_str_has_suffix (column_name, "_ns"))
    return SVI_CELL_SPAN;
  if (strcmp (column_name, "bytes") == 0 || g_str_has_suffix (column_name, "_bytes"))
    return SVI_CELL_BYTES;
  if (strcmp (column_name, "va") == 0 || g_str_has_suffix (column_name, "_va"))
    return SVI_CELL_ADDRESS;
  return SVI_CELL_TEXT;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A table is the result of one query as a list model: rows of cells, columns with names and a kind
 * that says how a cell is written (a time, a size, a plain number). Rows are made when a list view
 * asks for them, so that a table of a million cells costs its text and nothing more.
 */

#pragma once

#include <gio/gio.h>

#include "store/svi-scene.h"

G_BEGIN_DECLS

typedef enum
{
  SVI_CELL_TEXT,
  SVI_CELL_NUMBER,
  SVI_CELL_TIME,    /* a moment of the log */
  SVI_CELL_SPAN,    /* a length of time */
  SVI_CELL_BYTES,
  SVI_CELL_ADDRESS,
} SviCellKind;

#define SVI_TYPE_ROW (svi_row_get_type ())
G_DECLARE_FINAL_TYPE (SviRow, svi_row, SVI, ROW, GObject)

const char *svi_row_get_cell   (SviRow *self,
                                guint   column);
char       *svi_row_dup_text   (SviRow *self,
                                guint   column);
gint64      svi_row_get_number (SviRow *self,
                                guint   column);

#define SVI_TYPE_TABLE (svi_table_get_type ())
G_DECLARE_FINAL_TYPE (SviTable, svi_table, SVI, TABLE, GObject)

SviTable   *svi_table_new            (void);
void        svi_table_add_column     (SviTable    *self,
                                      const char  *name,
                                      SviCellKind  kind);
void        svi_table_add_cell       (SviTable    *self,
                                      const char  *text);
void        svi_table_set_truncated  (SviTable    *self,
                                      gboolean     truncated);
gboolean    svi_table_get_truncated  (SviTable    *self);
guint       svi_table_get_n_columns  (SviTable    *self);
const char *svi_table_get_column     (SviTable    *self,
                                      guint        column);
SviCellKind svi_table_get_kind       (SviTable    *self,
                                      guint        column);
int         svi_table_find_column    (SviTable    *self,
                                      const char  *name);
const char *svi_table_get_cell       (SviTable    *self,
                                      guint        row,
                                      guint        column);
char       *svi_table_to_csv         (SviTable    *self);
SviCellKind svi_table_guess_kind     (const char  *column_name);

G_END_DECLS

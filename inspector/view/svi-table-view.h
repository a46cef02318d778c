/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Shows a table: columns made after what the table has, sortable, numbers to the right, and for
 * chosen columns a bar behind the number that compares the rows at a glance.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_TABLE_VIEW (svi_table_view_get_type ())
G_DECLARE_FINAL_TYPE (SviTableView, svi_table_view, SVI, TABLE_VIEW, AdwBin)

void          svi_table_view_set_session (SviTableView       *self,
                                          SviSession         *session);
void          svi_table_view_set_bars    (SviTableView       *self,
                                          const char * const *columns);
void          svi_table_view_set_hidden  (SviTableView       *self,
                                          const char * const *columns);
void          svi_table_view_set_table   (SviTableView       *self,
                                          SviTable           *table);
SviTable     *svi_table_view_get_table   (SviTableView       *self);
void          svi_table_view_set_filter  (SviTableView       *self,
                                          const char         *text);
guint         svi_table_view_get_n_rows  (SviTableView       *self);

G_END_DECLS

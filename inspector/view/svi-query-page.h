/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The SQL page runs one read-only query over the log's public views and shows its rows. */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_QUERY_PAGE (svi_query_page_get_type ())
G_DECLARE_FINAL_TYPE (SviQueryPage, svi_query_page, SVI, QUERY_PAGE, AdwBin)

void        svi_query_page_set_session (SviQueryPage *self,
                                        SviSession   *session);
void        svi_query_page_set_sql     (SviQueryPage *self,
                                        const char   *sql);
void        svi_query_page_run         (SviQueryPage *self);
void        svi_query_page_focus       (SviQueryPage *self);
guint       svi_query_page_get_n_rows  (SviQueryPage *self);
const char *svi_query_page_get_status  (SviQueryPage *self);

G_END_DECLS

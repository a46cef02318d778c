/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The statistics page: faults served and how long they took, bytes migrated per direction, retries
 * and escalations, and how complete the recording is.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_STATISTICS_PAGE (svi_statistics_page_get_type ())
G_DECLARE_FINAL_TYPE (SviStatisticsPage, svi_statistics_page, SVI, STATISTICS_PAGE, AdwBin)

void  svi_statistics_page_set_session (SviStatisticsPage *self,
                                       SviSession        *session);
void  svi_statistics_page_refresh     (SviStatisticsPage *self);
char *svi_statistics_page_dup_text    (SviStatisticsPage *self);

G_END_DECLS

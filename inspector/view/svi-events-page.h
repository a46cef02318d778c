/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The events page lists the events of one kind with all their fields, filters them, and jumps to
 * them in the timeline.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_EVENTS_PAGE (svi_events_page_get_type ())
G_DECLARE_FINAL_TYPE (SviEventsPage, svi_events_page, SVI, EVENTS_PAGE, AdwBin)

void  svi_events_page_set_session (SviEventsPage *self,
                                   SviSession    *session);
void  svi_events_page_refresh     (SviEventsPage *self);
void  svi_events_page_focus       (SviEventsPage *self);
guint svi_events_page_get_n_rows  (SviEventsPage *self);

G_END_DECLS

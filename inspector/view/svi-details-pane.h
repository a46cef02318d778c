/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The details pane tells what the selected event is, what caused it and what it caused, and what
 * every lane holds at the time cursor. Everything that it names can be clicked to go there.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_DETAILS_PANE (svi_details_pane_get_type ())
G_DECLARE_FINAL_TYPE (SviDetailsPane, svi_details_pane, SVI, DETAILS_PANE, AdwBin)

void  svi_details_pane_set_session (SviDetailsPane *self,
                                    SviSession     *session);
char *svi_details_pane_dup_text    (SviDetailsPane *self);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The window shows one log: a session, and the pages that look at it. What can be done in it is in
 * svi-window-actions.c.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_WINDOW (svi_window_get_type ())
G_DECLARE_FINAL_TYPE (SviWindow, svi_window, SVI, WINDOW, AdwApplicationWindow)

SviWindow *svi_window_new       (GtkApplication *application);
void       svi_window_open      (SviWindow      *self,
                                 GFile          *file);
gboolean   svi_window_is_unused (SviWindow      *self);

G_END_DECLS

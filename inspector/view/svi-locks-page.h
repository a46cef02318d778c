/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The locks page: how often each class of locks was taken, waited for and held, and which locks are
 * held and wanted at the time cursor.
 */

#pragma once

#include <adwaita.h>

#include "model/svi-session.h"

G_BEGIN_DECLS

#define SVI_TYPE_LOCKS_PAGE (svi_locks_page_get_type ())
G_DECLARE_FINAL_TYPE (SviLocksPage, svi_locks_page, SVI, LOCKS_PAGE, AdwBin)

void  svi_locks_page_set_session   (SviLocksPage *self,
                                    SviSession   *session);
void  svi_locks_page_refresh       (SviLocksPage *self);
guint svi_locks_page_get_n_classes (SviLocksPage *self);
guint svi_locks_page_get_n_holders (SviLocksPage *self);

G_END_DECLS

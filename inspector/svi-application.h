/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The application: opens windows, and draws pictures without one when the command line says so. */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define SVI_TYPE_APPLICATION (svi_application_get_type ())
G_DECLARE_FINAL_TYPE (SviApplication, svi_application, SVI, APPLICATION, AdwApplication)

SviApplication *svi_application_new (void);

G_END_DECLS

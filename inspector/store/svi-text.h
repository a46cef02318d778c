/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How times, lengths of time, sizes and names are spelled, everywhere in the inspector. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char     *svi_text_time        (double      ns);
char     *svi_text_tick        (double      ns,
                                double      step_ns);
char     *svi_text_tick_offset (double      offset_ns,
                                double      step_ns);
char     *svi_text_span        (double      ns);
char     *svi_text_bytes       (guint64     bytes);
char     *svi_text_humanize    (const char *name);
gboolean  svi_text_parse_time  (const char *text,
                                double     *ns);

G_END_DECLS

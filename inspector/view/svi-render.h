/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Draws a view of a log into a PNG or SVG file without a display: the same lanes, spans and colours
 * as the window, with the panel of what holds at the cursor beside them.
 */

#pragma once

#include "store/svi-log.h"

G_BEGIN_DECLS

typedef struct
{
  const char *view;      /* "timeline", "fault", "gpus", "ranges", "map", "locks"; NULL: the first */
  const char *from;      /* times as text, NULL: from one end of the log to the other */
  const char *to;
  const char *cursor;    /* NULL: in the middle */
  int         width;
  int         height;
  gboolean    dark;
} SviRenderOptions;

gboolean svi_render_picture (const char              *log_path,
                             const char              *picture_path,
                             const SviRenderOptions  *options,
                             GError                 **error);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Puts intervals of the log into words and colours: a row of the interval view becomes a kind, a
 * tint and a label. The timeline, the details and the tables say the same thing about the same row
 * because they all ask here.
 */

#pragma once

#include <sqlite3.h>

#include "svi-scene.h"

G_BEGIN_DECLS

#define SVI_LABEL_SIZE 96

/* The columns that a description needs, and where each is */
#define SVI_INTERVAL_COLUMNS \
  "id, kind, t0, t1, sub, thread_id, dst, src, outcome, a0, a1, bytes, object_id, key, va," \
  " thing_id, t_end, unfinished"

enum
{
  SVI_COLUMN_ID,
  SVI_COLUMN_KIND,
  SVI_COLUMN_T0,
  SVI_COLUMN_T1,
  SVI_COLUMN_SUB,
  SVI_COLUMN_THREAD,
  SVI_COLUMN_DST,
  SVI_COLUMN_SRC,
  SVI_COLUMN_OUTCOME,
  SVI_COLUMN_A0,
  SVI_COLUMN_A1,
  SVI_COLUMN_BYTES,
  SVI_COLUMN_OBJECT,
  SVI_COLUMN_KEY,
  SVI_COLUMN_VA,
  SVI_COLUMN_THING,
  SVI_COLUMN_END,        /* t1, or until when it is known to have gone on */
  SVI_COLUMN_UNFINISHED, /* nobody saw it end */
  SVI_N_COLUMNS
};

SviEventKind svi_describe_kind       (const char   *kind);
const char  *svi_describe_title      (SviEventKind  kind);
SviTint      svi_describe_state_tint (int           state,
                                      int           owner);
void         svi_describe_interval   (SviCatalog   *catalog,
                                      sqlite3_stmt *row,
                                      SviEventKind  kind,
                                      SviTint      *tint,
                                      char         *label,
                                      gsize         label_size);

G_END_DECLS

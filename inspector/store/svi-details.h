/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Answers two questions about a log: what is this event (its fields, and the events that caused it
 * or that it caused), and what holds at this moment (which lock is held by whom, where each range
 * lives, what each engine runs).
 */

#pragma once

#include "svi-log.h"
#include "svi-scene.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *value;
} SviField;

typedef struct
{
  SviEventRef event;
  gint64      thing;    /* whose lane it is on */
  double      start_ns;
  double      end_ns;   /* while it is open: until when it is known to have gone on */
  gboolean    open;
  char       *title;    /* "Migration" */
  char       *summary;  /* "system → GPU 0, 2 MiB" */
  SviTint     tint;
  int         depth;    /* in a chain of causes: 0 is the first cause */
} SviEventSummary;

typedef struct
{
  SviEventSummary *event;
  GPtrArray       *fields;   /* of SviField */
  GPtrArray       *related;  /* of SviEventSummary: the chain of causes and effects, itself included */
  GPtrArray       *steps;    /* of SviEventSummary: the points that belong to it */
} SviDetails;

/* What one lane holds at a moment */
typedef struct
{
  guint            lane;     /* catalog index */
  SviEventSummary *event;
} SviHolding;

SviDetails *svi_details_load    (SviLog       *log,
                                 SviCatalog   *catalog,
                                 SviEventRef   event,
                                 GError      **error);
void        svi_details_free    (SviDetails   *self);
void        svi_event_summary_free (SviEventSummary *self);
GPtrArray  *svi_holdings_load   (SviLog       *log,
                                 SviCatalog   *catalog,
                                 double        at_ns,
                                 const GArray *lanes,
                                 GCancellable *cancellable,
                                 GError      **error);
SviEventRef svi_event_neighbour (SviLog       *log,
                                 gint64        thing,
                                 double        ns,
                                 gboolean      forward,
                                 double       *start_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviDetails, svi_details_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviEventSummary, svi_event_summary_free)

G_END_DECLS

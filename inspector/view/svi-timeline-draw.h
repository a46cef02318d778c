/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Draws a timeline with cairo and Pango alone, so that the widget, the picture without a display
 * and the tests show the same thing. A frame names everything that is on it: the view (which time),
 * the layout (which lane is at which height), the scene (the spans), the palette and the marks of
 * the user. Nothing here asks the log: what a frame costs depends on its pixels only.
 *
 * A frame has a ruler on top, the lane names in a gutter on the left, the spans, and a legend
 * below.
 */

#pragma once

#include <cairo.h>
#include <pango/pangocairo.h>

#include "store/svi-details.h"
#include "store/svi-scene.h"
#include "view/svi-palette.h"
#include "view/svi-time-view.h"

G_BEGIN_DECLS

#define SVI_RULER_HEIGHT 38.0
#define SVI_LEGEND_HEIGHT 34.0

/* A row below this height has no room for text */
#define SVI_TEXT_ROW_HEIGHT 14.0

typedef struct
{
  guint  lane; /* index in the catalog */
  double y;    /* from the top of the lanes, before scrolling */
  double height;
} SviLayoutRow;

typedef struct
{
  SviCatalog *catalog;
  GArray     *rows;   /* of SviLayoutRow */
  double      height;
} SviLayout;

/* How many of a kind a group shows, in a picture that cannot be scrolled: the busiest. 0 is all. */
typedef struct
{
  guint    vms;          /* or processes */
  guint    queues;
  guint    ranges;
  guint    lock_classes;
  guint    locks;
  gboolean compact;      /* ranges are a few pixels high: a map of addresses over time */
} SviLayoutLimits;

typedef struct
{
  int     from_lane; /* catalog index */
  int     to_lane;
  double  from_ns;
  double  to_ns;
} SviFlow;

typedef struct
{
  double             width;
  double             height;
  double             gutter;
  double             scroll_y;
  gboolean           show_legend;
  SviTimeView        view;
  const SviLayout   *layout;
  const SviScene    *scene;        /* NULL while the first one is read */
  const SviPalette  *palette;
  PangoContext      *pango;
  GHashTable        *folded;       /* paths of collapsed groups */
  guint              n_gpus;       /* for the legend */

  double             cursor_ns;    /* NAN: none */
  double             hover_ns;     /* NAN: none */
  int                hover_row;    /* index in the layout, -1: none */
  int                focus_row;    /* the row that the keyboard is on, -1: none */
  double             mark_from_ns; /* NAN: no selected time */
  double             mark_to_ns;
  SviEventRef        selected;     /* the event that is outlined */
  const SviFlow     *flows;
  guint              n_flows;
} SviFrame;

typedef enum
{
  SVI_HIT_NOTHING,
  SVI_HIT_RULER,
  SVI_HIT_GUTTER,
  SVI_HIT_LANE,
  SVI_HIT_LEGEND,
} SviHitPart;

typedef struct
{
  SviHitPart     part;
  int            row;    /* index in the layout, -1: below the last */
  int            lane;   /* index in the catalog, -1: none */
  double         ns;
  const SviSpan *span;   /* owned by the scene, NULL: none */
} SviHit;

SviLayout *svi_layout_new        (SviCatalog      *catalog,
                                  GHashTable      *folded,
                                  const char      *filter,
                                  const SviLayoutLimits *limits);
SviLayout *svi_layout_new_to_fit (SviCatalog      *catalog,
                                  const char      *filter,
                                  gboolean         compact,
                                  double           height);
void       svi_layout_free       (SviLayout       *self);
void       svi_layout_keep       (SviLayout       *self,
                                  const SviScene  *scene,
                                  guint            max_children);
int        svi_layout_row_at     (const SviLayout *self,
                                  double           y);
int        svi_layout_find_lane  (const SviLayout *self,
                                  guint            lane);
void       svi_layout_row_band   (const SviLane   *lane,
                                  const SviLayoutRow *row,
                                  guint            sub_row,
                                  guint            rows,
                                  double          *y,
                                  double          *height);

void       svi_flows_add         (GArray           *flows,
                                  const SviDetails *details,
                                  const SviCatalog *catalog);
void       svi_timeline_draw     (cairo_t         *cr,
                                  const SviFrame  *frame);
void       svi_timeline_hit      (const SviFrame  *frame,
                                  double           x,
                                  double           y,
                                  SviHit          *hit);
double     svi_frame_lanes_top   (const SviFrame  *frame);
double     svi_frame_lanes_height (const SviFrame *frame);
void       svi_draw_text         (cairo_t         *cr,
                                  PangoContext    *pango,
                                  const char      *text,
                                  double           x,
                                  double           y,
                                  double           width,
                                  double           height,
                                  double           align,
                                  double           scale,
                                  gboolean         bold,
                                  SviColor         color);
double     svi_text_width        (PangoContext    *pango,
                                  const char      *text,
                                  double           scale,
                                  gboolean         bold);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviLayout, svi_layout_free)

G_END_DECLS

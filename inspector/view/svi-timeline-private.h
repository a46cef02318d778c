/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What svi-timeline.c, which shows, and svi-timeline-input.c, which listens, share of the widget. */

#pragma once

#include <adwaita.h>

#include "svi-timeline.h"
#include "view/svi-timeline-draw.h"

G_BEGIN_DECLS

struct _SviTimeline
{
  GtkWidget       parent_instance;

  SviSession     *session;
  GtkAdjustment  *vadjustment;
  AdwAnimation   *animation;

  SviTimeView     view;
  SviTimeView     view_start;    /* of an animation or a gesture */
  SviTimeView     view_end;
  SviLayout      *layout;
  SviScene       *scene;
  GHashTable     *folded;        /* owned paths */
  GHashTable     *seen_groups;   /* groups whose first fold was decided */
  char           *filter;
  gboolean        compact;       /* ranges are a map and not lanes with names */
  SviPalette      palette;

  GCancellable   *scene_cancellable;
  guint           scene_source;
  gboolean        reading;       /* a scene is being read */
  gboolean        follow;        /* keep the end of a live log in sight */

  GArray         *flows;         /* of SviFlow */

  double          pointer_x;
  double          pointer_y;
  gboolean        pointer_inside;
  int             focus_row;
  gboolean        dragging;      /* the pointer moved far enough to be no click */
  gboolean        marking;       /* the drag selects time */
  double          drag_x;
  double          drag_y;
  double          drag_value;
  double          zoom_x;
  double          last_length;
};

double   svi_timeline_gutter            (SviTimeline       *self);
void     svi_timeline_make_frame        (SviTimeline       *self,
                                         SviFrame          *frame);
void     svi_timeline_view_changed      (SviTimeline       *self);
void     svi_timeline_animate_to        (SviTimeline       *self,
                                         const SviTimeView *end);
void     svi_timeline_update_accessible (SviTimeline       *self);
void     svi_timeline_toggle_row        (SviTimeline       *self,
                                         int                index);

void     svi_timeline_add_input         (SviTimeline       *self);
void     svi_timeline_class_add_keys    (GtkWidgetClass    *klass);
gboolean svi_timeline_query_tooltip     (GtkWidget         *widget,
                                         int                x,
                                         int                y,
                                         gboolean           keyboard,
                                         GtkTooltip        *tooltip);

G_END_DECLS

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The timeline widget: lanes over time, drawn by svi_timeline_draw(). It keeps the view (what time
 * is on screen), the folds and the filter, turns pointer, touch and keys into changes of them, and
 * asks its session for scenes. It always draws at once with the scene that it has; a better one
 * follows when the worker has read it.
 */

#pragma once

#include <gtk/gtk.h>

#include "model/svi-session.h"
#include "view/svi-time-view.h"

G_BEGIN_DECLS

#define SVI_TYPE_TIMELINE (svi_timeline_get_type ())
G_DECLARE_FINAL_TYPE (SviTimeline, svi_timeline, SVI, TIMELINE, GtkWidget)

void               svi_timeline_set_session    (SviTimeline *self,
                                                SviSession  *session);
const SviTimeView *svi_timeline_get_view       (SviTimeline *self);
void               svi_timeline_zoom           (SviTimeline *self,
                                                double       factor);
void               svi_timeline_pan            (SviTimeline *self,
                                                double       part);
void               svi_timeline_fit            (SviTimeline *self);
void               svi_timeline_show           (SviTimeline *self,
                                                double       from_ns,
                                                double       to_ns);
void               svi_timeline_zoom_selection (SviTimeline *self);
void               svi_timeline_step           (SviTimeline *self,
                                                gboolean     forward);
void               svi_timeline_move_focus     (SviTimeline *self,
                                                int          rows);
void               svi_timeline_toggle_fold    (SviTimeline *self);
void               svi_timeline_fold_all       (SviTimeline *self,
                                                gboolean     fold);
void               svi_timeline_set_filter     (SviTimeline *self,
                                                const char  *filter);
void               svi_timeline_set_compact    (SviTimeline *self,
                                                gboolean     compact);
guint              svi_timeline_get_n_rows     (SviTimeline *self);
guint              svi_timeline_get_n_spans    (SviTimeline *self);
const char        *svi_timeline_get_focus_path (SviTimeline *self);
gboolean           svi_timeline_get_busy       (SviTimeline *self);
gboolean           svi_timeline_get_follow     (SviTimeline *self);
void               svi_timeline_set_follow     (SviTimeline *self,
                                                gboolean     follow);
gboolean           svi_timeline_save_png       (SviTimeline *self,
                                                const char  *path,
                                                GError     **error);

G_END_DECLS

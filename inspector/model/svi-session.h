/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A session is one open log and what the user looks at in it: the catalog of lanes, the time
 * cursor, the selected event, the selected stretch of time. All views of a window share one
 * session, which is how they stay linked.
 *
 * The session owns the connections. Every question to the log runs in a worker thread and answers
 * on the main thread; scenes have a connection of their own, so that a long query in the SQL page
 * does not hold up the timeline.
 */

#pragma once

#include <gio/gio.h>

#include "model/svi-table.h"
#include "store/svi-details.h"
#include "store/svi-scene-query.h"

G_BEGIN_DECLS

#define SVI_TYPE_SESSION (svi_session_get_type ())
G_DECLARE_FINAL_TYPE (SviSession, svi_session, SVI, SESSION, GObject)

SviSession  *svi_session_new              (void);
void         svi_session_close            (SviSession            *self);
void         svi_session_open_async       (SviSession            *self,
                                           GFile                 *file,
                                           GCancellable          *cancellable,
                                           GAsyncReadyCallback    callback,
                                           gpointer               data);
gboolean     svi_session_open_finish      (SviSession            *self,
                                           GAsyncResult          *result,
                                           GError               **error);
GFile       *svi_session_get_file         (SviSession            *self);
SviCatalog  *svi_session_get_catalog      (SviSession            *self);
double       svi_session_get_length       (SviSession            *self);
const char  *svi_session_get_damage       (SviSession            *self);
gboolean     svi_session_get_live         (SviSession            *self);

double       svi_session_get_cursor       (SviSession            *self);
void         svi_session_set_cursor       (SviSession            *self,
                                           double                 ns);
SviEventRef  svi_session_get_selected     (SviSession            *self);
void         svi_session_select           (SviSession            *self,
                                           SviEventRef            event);
SviDetails  *svi_session_get_details      (SviSession            *self);
gboolean     svi_session_get_mark         (SviSession            *self,
                                           double                *from_ns,
                                           double                *to_ns);
void         svi_session_set_mark         (SviSession            *self,
                                           double                 from_ns,
                                           double                 to_ns);
void         svi_session_reveal           (SviSession            *self,
                                           SviEventRef            event,
                                           gint64                 thing,
                                           double                 start_ns,
                                           double                 end_ns);

void         svi_session_scene_async      (SviSession            *self,
                                           SviSceneRequest       *request,
                                           GCancellable          *cancellable,
                                           GAsyncReadyCallback    callback,
                                           gpointer               data);
SviScene    *svi_session_scene_finish     (SviSession            *self,
                                           GAsyncResult          *result,
                                           GError               **error);
void         svi_session_holdings_async   (SviSession            *self,
                                           double                 ns,
                                           GCancellable          *cancellable,
                                           GAsyncReadyCallback    callback,
                                           gpointer               data);
GPtrArray   *svi_session_holdings_finish  (SviSession            *self,
                                           GAsyncResult          *result,
                                           GError               **error);
void         svi_session_query_async      (SviSession            *self,
                                           const char            *sql,
                                           GVariant              *parameters,
                                           guint                  max_rows,
                                           GCancellable          *cancellable,
                                           GAsyncReadyCallback    callback,
                                           gpointer               data);
SviTable    *svi_session_query_finish     (SviSession            *self,
                                           GAsyncResult          *result,
                                           GError               **error);
void         svi_session_neighbour_async  (SviSession            *self,
                                           gint64                 thing,
                                           double                 ns,
                                           gboolean               forward,
                                           GAsyncReadyCallback    callback,
                                           gpointer               data);
gboolean     svi_session_neighbour_finish (SviSession            *self,
                                           GAsyncResult          *result,
                                           SviEventRef           *event,
                                           double                *start_ns);
SviTable    *svi_session_run_query        (SviLog                *log,
                                           const char            *sql,
                                           GVariant              *parameters,
                                           guint                  max_rows,
                                           GCancellable          *cancellable,
                                           GError               **error);

G_END_DECLS

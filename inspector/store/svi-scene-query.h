/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Reads a scene: the spans of some lanes in one window of time. What a lane costs depends on how
 * many pixels it is wide, not on how many events it holds: within one pixel only the first few
 * intervals and the last are looked at, and where the log has counted them (density), how full the
 * pixel is comes from there.
 */

#pragma once

#include "svi-log.h"
#include "svi-scene.h"

G_BEGIN_DECLS

typedef struct
{
  double  from_ns;
  double  to_ns;
  double  bucket_ns; /* one pixel */
  GArray *lanes;     /* of guint: catalog indices, ascending */
} SviSceneRequest;

SviSceneRequest *svi_scene_request_new  (double                 from_ns,
                                         double                 to_ns,
                                         double                 bucket_ns);
void             svi_scene_request_free (SviSceneRequest       *self);
SviScene        *svi_scene_load         (SviLog                *log,
                                         SviCatalog            *catalog,
                                         const SviSceneRequest *request,
                                         GCancellable          *cancellable,
                                         GError               **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviSceneRequest, svi_scene_request_free)

G_END_DECLS

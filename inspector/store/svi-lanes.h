/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Reads the catalog of lanes from a log: one group per GPU with its engines, copies, faults,
 * migrations and flushes; one per GPU VM with its binds, queues and SVM ranges; and one for the
 * locks, by class in the driver's locking order. Only things that something happened to get a lane.
 */

#pragma once

#include "svi-log.h"
#include "svi-scene.h"

G_BEGIN_DECLS

SviCatalog *svi_lanes_load (SviLog       *log,
                            GCancellable *cancellable,
                            GError      **error);

G_END_DECLS

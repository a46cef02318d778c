/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of the device, turned into things, intervals and points.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_DEVICE_H
#define EVENTLOG_DEVICE_H

#include "eventlog.h"
#include "model.h"

/* driver_present: a driver records; its half of a fault will come. */
void event_device_event(EventModel *model, const EventlogEvent *event,
                        bool driver_present);

/*
 * Faults that the device saw answered before t, and of which the driver has
 * not told its half (the record was lost): they are over.
 */
void event_device_expire(EventModel *model, int64_t t);

#endif /* EVENTLOG_DEVICE_H */

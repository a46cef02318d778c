/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded queue between the device's threads and the writer.
 *
 * Many producers, one consumer, no locks. Each cell carries the turn at which
 * it may be filled or emptied next, so producers only compete for the ticket.
 * A producer that finds the queue full gives up; the loss is counted with
 * the time of the first and the latest lost event since the consumer asked.
 */
#ifndef EVENTLOG_QUEUE_H
#define EVENTLOG_QUEUE_H

#include "eventlog.h"

typedef struct EventQueue EventQueue;

typedef struct EventQueueLoss {
    uint64_t count;
    uint64_t first_ns;
    uint64_t last_ns;
} EventQueueLoss;

/* `events` is rounded up to a power of two. */
EventQueue *event_queue_new(unsigned events);
void event_queue_free(EventQueue *queue);

/* Any thread; false when full. *level: events in the queue now, roughly. */
bool event_queue_push(EventQueue *queue, const EventlogEvent *event,
                      size_t *level);
/* Any thread; counts a loss at time_ns. */
void event_queue_lose(EventQueue *queue, uint64_t time_ns);

/* The consumer only. */
bool event_queue_pop(EventQueue *queue, EventlogEvent *event);
bool event_queue_is_empty(EventQueue *queue);
/* The consumer only; false when nothing was lost since the last call. */
bool event_queue_take_loss(EventQueue *queue, EventQueueLoss *loss);

size_t event_queue_capacity(const EventQueue *queue);

#endif /* EVENTLOG_QUEUE_H */

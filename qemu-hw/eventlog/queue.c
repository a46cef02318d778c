/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded queue between the device's threads and the writer: queue.h.
 *
 * Cell i starts with turn i. A producer with ticket p may fill cell p % n
 * when its turn is p, and then sets the turn to p + 1; the consumer at c may
 * empty cell c % n when its turn is c + 1, and then sets it to c + n.
 */
#include "queue.h"

#include <glib.h>
#include <stdatomic.h>

typedef struct QueueCell {
    _Atomic uint64_t turn;
    EventlogEvent event;
} QueueCell;

struct EventQueue {
    QueueCell *cells;
    uint64_t mask;
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t lost;
    _Atomic uint64_t lost_first_ns;
    _Atomic uint64_t lost_last_ns;
};

EventQueue *event_queue_new(unsigned events)
{
    uint64_t n = 64;
    EventQueue *queue;

    while (n < events && n < (1u << 24)) {
        n <<= 1;
    }
    queue = g_aligned_alloc0(1, (sizeof(*queue) + 63) & ~(size_t)63, 64);
    queue->cells = g_new0(QueueCell, n);
    queue->mask = n - 1;
    for (uint64_t i = 0; i < n; i++) {
        atomic_init(&queue->cells[i].turn, i);
    }
    return queue;
}

void event_queue_free(EventQueue *queue)
{
    g_free(queue->cells);
    g_aligned_free(queue);
}

bool event_queue_push(EventQueue *queue, const EventlogEvent *event,
                      size_t *level)
{
    uint64_t pos = atomic_load_explicit(&queue->ticket, memory_order_relaxed);
    QueueCell *cell;

    for (;;) {
        uint64_t turn;

        cell = &queue->cells[pos & queue->mask];
        turn = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == pos) {
            if (atomic_compare_exchange_weak_explicit(
                    &queue->ticket, &pos, pos + 1, memory_order_relaxed,
                    memory_order_relaxed)) {
                break;
            }
        } else if ((int64_t)(turn - pos) < 0) {
            return false;
        } else {
            pos = atomic_load_explicit(&queue->ticket, memory_order_relaxed);
        }
    }
    cell->event = *event;
    atomic_store_explicit(&cell->turn, pos + 1, memory_order_release);
    *level = pos + 1 -
             atomic_load_explicit(&queue->head, memory_order_relaxed);
    return true;
}

void event_queue_lose(EventQueue *queue, uint64_t time_ns)
{
    uint64_t none = 0;

    atomic_compare_exchange_strong(&queue->lost_first_ns, &none, time_ns);
    atomic_store(&queue->lost_last_ns, time_ns);
    atomic_fetch_add(&queue->lost, 1);
}

bool event_queue_pop(EventQueue *queue, EventlogEvent *event)
{
    uint64_t pos = atomic_load_explicit(&queue->head, memory_order_relaxed);
    QueueCell *cell = &queue->cells[pos & queue->mask];

    if (atomic_load_explicit(&cell->turn, memory_order_acquire) != pos + 1) {
        return false;
    }
    *event = cell->event;
    atomic_store_explicit(&cell->turn, pos + queue->mask + 1,
                          memory_order_release);
    atomic_store_explicit(&queue->head, pos + 1, memory_order_relaxed);
    return true;
}

bool event_queue_is_empty(EventQueue *queue)
{
    uint64_t pos = atomic_load_explicit(&queue->head, memory_order_relaxed);
    QueueCell *cell = &queue->cells[pos & queue->mask];

    return atomic_load(&cell->turn) != pos + 1;
}

bool event_queue_take_loss(EventQueue *queue, EventQueueLoss *loss)
{
    loss->count = atomic_exchange(&queue->lost, 0);
    if (!loss->count) {
        return false;
    }
    loss->first_ns = atomic_exchange(&queue->lost_first_ns, 0);
    loss->last_ns = atomic_load(&queue->lost_last_ns);
    /* A loss between the two exchanges leaves the span to its neighbour. */
    if (!loss->first_ns || loss->first_ns > loss->last_ns) {
        loss->first_ns = loss->last_ns;
    }
    return true;
}

size_t event_queue_capacity(const EventQueue *queue)
{
    return queue->mask + 1;
}

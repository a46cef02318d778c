/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log: its interface and its thread. eventlog.h explains it.
 *
 * The thread is in one of three states, which producers see in `mood`:
 *   IDLE    nothing is uncommitted: it sleeps without a timer, and the first
 *           event wakes it;
 *   WAITING a transaction is open: it sleeps until the transaction has to be
 *           committed or a drain is due; events wake it only when the queue
 *           fills;
 *   AWAKE   it will look at the queue again before it sleeps.
 */
#include "eventlog.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "drain.h"
#include "queue.h"
#include "store.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
/* Events taken from the queue before the thread looks at anything else. */
#define QUEUE_TURN 16384
/* Faults whose driver half is missing are over after this. */
#define FAULT_EXPIRY_NS (5 * NS_PER_S)

enum { MOOD_AWAKE, MOOD_WAITING, MOOD_IDLE };

typedef enum DrainRequest {
    DRAIN_NOTHING,
    DRAIN_RESET,
    DRAIN_REMOVE,
} DrainRequest;

struct EventlogDrain {
    Eventlog *log;
    EventDrain *drain;
    _Atomic bool kicked;
    DrainRequest request; /* under log->mutex */
};

struct Eventlog {
    EventStore *store;
    EventModel *model;
    EventQueue *queue;
    uint64_t commit_ns;

    GThread *thread;
    int wake_fd;
    _Atomic int mood;
    _Atomic bool stop;
    _Atomic bool kicked; /* some drain was */

    GMutex mutex;      /* what follows, up to the statistics */
    GCond done;        /* a request was served, or there is room */
    GPtrArray *drains; /* EventlogDrain; freed by the writer thread */
    uint64_t sync_wanted;
    uint64_t sync_done;

    _Atomic unsigned waiters; /* producers that wait for room */
    _Atomic uint64_t device_events, driver_records, lost, bad, rows, commits,
        write_errors;

    /* the writer thread's own */
    bool driver_present;
    uint64_t dirty_since;
    uint64_t next_expiry;
    uint64_t queue_lost;
    EventDrainStats gone; /* of drains that were removed */
};

uint64_t eventlog_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Wakes the writer if its mood is at least `mood`. */
static void log_wake(Eventlog *log, int mood)
{
    /* Pairs with the fence in log_sleep(): either it sees, or we do. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&log->mood, memory_order_relaxed) >= mood &&
        atomic_exchange(&log->mood, MOOD_AWAKE) != MOOD_AWAKE) {
        uint64_t one = 1;
        ssize_t n = write(log->wake_fd, &one, sizeof(one));

        (void)n; /* a full counter is awake enough */
    }
}

/* --- producers ------------------------------------------------------------- */

static bool log_push(Eventlog *log, const EventlogEvent *event)
{
    EventlogEvent copy;
    size_t level;

    if (!event->time_ns) {
        copy = *event;
        copy.time_ns = eventlog_now_ns();
        event = &copy;
    }
    if (!event_queue_push(log->queue, event, &level)) {
        log_wake(log, MOOD_WAITING);
        return false;
    }
    log_wake(log, level > event_queue_capacity(log->queue) / 4 ? MOOD_WAITING
                                                              : MOOD_IDLE);
    return true;
}

bool eventlog_emit(Eventlog *log, const EventlogEvent *event)
{
    if (!log) {
        return true;
    }
    if (log_push(log, event)) {
        return true;
    }
    event_queue_lose(log->queue,
                     event->time_ns ? event->time_ns : eventlog_now_ns());
    return false;
}

void eventlog_emit_wait(Eventlog *log, const EventlogEvent *event)
{
    if (!log || log_push(log, event)) {
        return;
    }
    g_mutex_lock(&log->mutex);
    atomic_fetch_add(&log->waiters, 1);
    while (!log_push(log, event)) {
        g_cond_wait(&log->done, &log->mutex);
    }
    atomic_fetch_sub(&log->waiters, 1);
    g_mutex_unlock(&log->mutex);
}

/* --- the writer thread --------------------------------------------------------- */

static bool log_take_events(Eventlog *log)
{
    EventlogEvent event;
    EventQueueLoss loss;
    unsigned n = 0;

    while (n < QUEUE_TURN && event_queue_pop(log->queue, &event)) {
        event_device_event(log->model, &event, log->driver_present);
        n++;
    }
    if (event_queue_take_loss(log->queue, &loss)) {
        event_store_lost(log->store, 0, EVENT_LOST_DEVICE_QUEUE, EVENT_NULL,
                         event_store_time(log->store, loss.first_ns),
                         event_store_time(log->store, loss.last_ns),
                         loss.count);
        log->queue_lost += loss.count;
    }
    if (n) {
        atomic_fetch_add_explicit(&log->device_events, n,
                                  memory_order_relaxed);
        if (atomic_load(&log->waiters)) {
            g_mutex_lock(&log->mutex);
            g_cond_broadcast(&log->done);
            g_mutex_unlock(&log->mutex);
        }
    }
    return n == QUEUE_TURN;
}

/*
 * Called with the mutex held. Comes before the events of the queue are taken:
 * they have to know whether there is a driver that will tell its half.
 */
static void log_serve_kicks(Eventlog *log)
{
    atomic_store(&log->kicked, false);
    for (guint i = 0; i < log->drains->len; i++) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);

        if (atomic_exchange(&d->kicked, false)) {
            event_drain_wake(d->drain);
            log->driver_present |= event_drain_has_session(d->drain);
        }
    }
}

/* Called with the mutex held. */
static void log_serve_drains(Eventlog *log, EventDrainMode mode)
{
    bool served = false;

    log->driver_present = false;
    for (guint i = 0; i < log->drains->len;) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);
        uint64_t now = eventlog_now_ns();

        if (d->request == DRAIN_REMOVE) {
            event_drain_reset(d->drain, now);
            event_device_expire(log->model, INT64_MAX);
            EventDrainStats stats = event_drain_stats(d->drain);

            log->gone.records += stats.records;
            log->gone.bad += stats.bad;
            log->gone.torn += stats.torn;
            log->gone.lost += stats.lost;
            event_drain_free(d->drain, now);
            d->request = DRAIN_NOTHING;
            g_ptr_array_remove_index(log->drains, i);
            served = true;
            continue;
        }
        if (d->request == DRAIN_RESET) {
            event_drain_reset(d->drain, now);
            event_device_expire(log->model, INT64_MAX);
            d->request = DRAIN_NOTHING;
            served = true;
        }
        if (mode != EVENT_DRAIN_NORMAL || event_drain_due(d->drain) <= now) {
            event_drain_pass(d->drain, now, mode);
        }
        log->driver_present |= event_drain_has_session(d->drain);
        i++;
    }
    if (served) {
        g_cond_broadcast(&log->done);
    }
}

static void log_commit(Eventlog *log)
{
    EventDrainStats sum = log->gone;

    if (!event_store_is_dirty(log->store)) {
        return;
    }
    event_model_before_commit(log->model);
    event_store_commit(log->store, eventlog_now_ns());
    for (guint i = 0; i < log->drains->len; i++) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);
        EventDrainStats stats = event_drain_stats(d->drain);

        sum.records += stats.records;
        sum.bad += stats.bad;
        sum.torn += stats.torn;
        sum.lost += stats.lost;
    }
    atomic_store(&log->driver_records, sum.records);
    atomic_store(&log->bad, sum.bad + event_model_dropped(log->model));
    atomic_store(&log->lost, sum.lost + sum.torn + log->queue_lost);
    atomic_store(&log->rows, event_store_rows(log->store));
    atomic_store(&log->commits, event_store_commits(log->store));
    atomic_store(&log->write_errors, event_store_write_errors(log->store));
}

/* Sleeps until there may be something to do; due: UINT64_MAX for no timer. */
static void log_sleep(Eventlog *log, uint64_t due)
{
    struct pollfd pfd = { .fd = log->wake_fd, .events = POLLIN };
    uint64_t now = eventlog_now_ns();
    struct timespec ts = { 0 };
    uint64_t count;

    if (due <= now) {
        return;
    }
    atomic_store(&log->mood, event_store_is_dirty(log->store) ? MOOD_WAITING
                                                              : MOOD_IDLE);
    atomic_thread_fence(memory_order_seq_cst);
    /* While a transaction is open, events in the queue can wait. */
    if (!atomic_load(&log->kicked) && !atomic_load(&log->stop) &&
        (event_store_is_dirty(log->store) ||
         event_queue_is_empty(log->queue))) {
        ts.tv_sec = (due - now) / NS_PER_S;
        ts.tv_nsec = (due - now) % NS_PER_S;
        ppoll(&pfd, 1, due == UINT64_MAX ? NULL : &ts, NULL);
    }
    atomic_store(&log->mood, MOOD_AWAKE);
    while (read(log->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
}

static gpointer log_thread(gpointer opaque)
{
    Eventlog *log = opaque;

    for (;;) {
        bool stop = atomic_load(&log->stop);
        uint64_t due = UINT64_MAX;
        uint64_t sync, now;
        bool more;

        /*
         * Device events first: when the driver's half of a fault comes, the
         * device's is known. The mutex protects the list of drains; nobody
         * holds it for longer than a few instructions but this thread.
         */
        g_mutex_lock(&log->mutex);
        sync = log->sync_wanted;
        log_serve_kicks(log);
        g_mutex_unlock(&log->mutex);
        do {
            more = log_take_events(log);
        } while (more && (stop || sync != log->sync_done));
        g_mutex_lock(&log->mutex);
        log_serve_drains(log, stop || sync != log->sync_done ?
                                  EVENT_DRAIN_ALL : EVENT_DRAIN_NORMAL);
        now = eventlog_now_ns();
        if (event_store_is_dirty(log->store) && !log->dirty_since) {
            log->dirty_since = now;
        }
        if (stop) {
            g_mutex_unlock(&log->mutex);
            return NULL;
        }
        if (sync != log->sync_done ||
            (log->dirty_since && now - log->dirty_since >= log->commit_ns)) {
            log_commit(log);
            log->dirty_since = 0;
            if (sync != log->sync_done) {
                log->sync_done = sync;
                g_cond_broadcast(&log->done);
            }
        }
        if (now >= log->next_expiry && log->driver_present) {
            log->next_expiry = now + FAULT_EXPIRY_NS;
            event_device_expire(log->model,
                                event_store_time(log->store, now) -
                                    (int64_t)FAULT_EXPIRY_NS);
        }
        if (log->dirty_since) {
            due = log->dirty_since + log->commit_ns;
        }
        for (guint i = 0; i < log->drains->len; i++) {
            EventlogDrain *d = g_ptr_array_index(log->drains, i);

            due = MIN(due, event_drain_due(d->drain));
            if (d->request) {
                due = 0;
            }
        }
        if (more || log->sync_wanted != log->sync_done) {
            due = 0;
        }
        g_mutex_unlock(&log->mutex);
        log_sleep(log, due);
    }
}

/* --- opening, closing -------------------------------------------------------------- */

int eventlog_open(Eventlog **out, const EventlogConfig *config, char **errmsg)
{
    g_autofree Eventlog *log = g_new0(Eventlog, 1);
    int rc;

    *out = NULL;
    *errmsg = NULL;
    log->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (log->wake_fd < 0) {
        rc = -errno;
        *errmsg = g_strdup_printf("eventfd: %s", g_strerror(errno));
        return rc;
    }
    rc = event_store_open(&log->store, config->path, config->creator,
                          config->start_ns ? config->start_ns :
                                             eventlog_now_ns(), errmsg);
    if (rc) {
        close(log->wake_fd);
        return rc;
    }
    log->model = event_model_new(log->store);
    log->queue = event_queue_new(config->queue_events ? config->queue_events
                                                      : 65536);
    log->commit_ns = (config->commit_ms ? config->commit_ms : 50) * NS_PER_MS;
    log->drains = g_ptr_array_new();
    g_mutex_init(&log->mutex);
    g_cond_init(&log->done);
    *out = g_steal_pointer(&log);
    (*out)->thread = g_thread_new("event-log", log_thread, *out);
    return 0;
}

void eventlog_close(Eventlog *log)
{
    if (!log) {
        return;
    }
    atomic_store(&log->stop, true);
    log_wake(log, MOOD_WAITING);
    g_thread_join(log->thread);

    /* Areas that nobody removed end with the log. */
    for (guint i = 0; i < log->drains->len; i++) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);

        event_drain_free(d->drain, eventlog_now_ns());
        g_free(d);
    }
    g_ptr_array_unref(log->drains);
    event_device_expire(log->model, INT64_MAX);
    event_model_before_commit(log->model);
    event_store_close(log->store, eventlog_now_ns());
    event_model_free(log->model);
    event_queue_free(log->queue);
    close(log->wake_fd);
    g_mutex_clear(&log->mutex);
    g_cond_clear(&log->done);
    g_free(log);
}

void eventlog_sync(Eventlog *log)
{
    uint64_t ticket;

    if (!log) {
        return;
    }
    g_mutex_lock(&log->mutex);
    ticket = ++log->sync_wanted;
    log_wake(log, MOOD_WAITING);
    while (log->sync_done < ticket) {
        g_cond_wait(&log->done, &log->mutex);
    }
    g_mutex_unlock(&log->mutex);
}

void eventlog_get_stats(Eventlog *log, EventlogStats *stats)
{
    memset(stats, 0, sizeof(*stats));
    if (log) {
        stats->device_events = atomic_load(&log->device_events);
        stats->driver_records = atomic_load(&log->driver_records);
        stats->lost = atomic_load(&log->lost);
        stats->bad_records = atomic_load(&log->bad);
        stats->rows = atomic_load(&log->rows);
        stats->commits = atomic_load(&log->commits);
        stats->write_errors = atomic_load(&log->write_errors);
    }
}

/* --- trace areas -------------------------------------------------------------------- */

EventlogDrain *eventlog_drain_add(Eventlog *log, unsigned gpu, void *area,
                                  size_t bytes)
{
    EventlogDrain *d;

    if (!log) {
        return NULL;
    }
    d = g_new0(EventlogDrain, 1);
    d->log = log;
    d->drain = event_drain_new(log->model, gpu, area, bytes);
    g_mutex_lock(&log->mutex);
    g_ptr_array_add(log->drains, d);
    g_mutex_unlock(&log->mutex);
    /* The area may hold a session already. */
    eventlog_drain_kick(d);
    return d;
}

void eventlog_drain_kick(EventlogDrain *d)
{
    if (d) {
        atomic_store(&d->kicked, true);
        atomic_store(&d->log->kicked, true);
        log_wake(d->log, MOOD_WAITING);
    }
}

static void drain_request(EventlogDrain *d, DrainRequest request)
{
    Eventlog *log = d->log;

    g_mutex_lock(&log->mutex);
    d->request = request;
    atomic_store(&d->kicked, true);
    atomic_store(&log->kicked, true);
    log_wake(log, MOOD_WAITING);
    while (d->request != DRAIN_NOTHING) {
        g_cond_wait(&log->done, &log->mutex);
    }
    g_mutex_unlock(&log->mutex);
}

void eventlog_drain_reset(EventlogDrain *d)
{
    if (d) {
        drain_request(d, DRAIN_RESET);
    }
}

void eventlog_drain_remove(EventlogDrain *d)
{
    if (d) {
        drain_request(d, DRAIN_REMOVE);
        g_free(d);
    }
}

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
#include "take.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
/* Events taken from the queue before the thread looks at anything else. */
#define QUEUE_TURN 16384
/* Records that wait; more wake the writer at once. */
#define PARCEL_RECORDS 16384
/* Faults whose driver half is missing are over after this. */
#define FAULT_EXPIRY_NS (5 * NS_PER_S)

enum { MOOD_AWAKE, MOOD_WAITING, MOOD_IDLE };

struct EventlogDrain {
    Eventlog *log;
    EventArea *area;   /* the taker's side */
    EventDrain *drain; /* the writer's side */
};

/* A parcel on its way from the taker to the writer. */
typedef struct Delivery {
    EventlogDrain *drain;
    EventParcel *parcel;
} Delivery;

struct Eventlog {
    EventStore *store;
    EventModel *model;
    EventQueue *queue;
    EventTaker *taker;
    uint64_t commit_ns;

    GThread *thread;
    int wake_fd;
    _Atomic int mood;
    _Atomic bool stop;
    _Atomic unsigned sessions; /* drivers that are known to record */

    GMutex mutex;     /* what follows, up to the statistics */
    GCond done;       /* a wish was served, or there is room */
    GArray *parcels;  /* Delivery, in order */
    GPtrArray *drains; /* EventlogDrain */
    uint64_t sync_wanted;
    uint64_t sync_done;
    EventDrainStats gone; /* of drains that were removed */

    _Atomic size_t parcel_count;
    _Atomic unsigned waiters; /* producers that wait for room */
    _Atomic uint64_t device_events, driver_records, lost, bad, rows, commits,
        write_errors;

    /* the writer thread's own */
    GArray *taken; /* what parcels was */
    uint64_t dirty_since;
    uint64_t next_expiry;
    uint64_t queue_lost;
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
    bool driver = atomic_load(&log->sessions) > 0;
    EventlogEvent event;
    EventQueueLoss loss;
    unsigned n = 0;

    while (n < QUEUE_TURN && event_queue_pop(log->queue, &event)) {
        event_device_event(log->model, &event, driver);
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

static void log_commit(Eventlog *log)
{
    EventDrainStats sum;

    if (!event_store_is_dirty(log->store)) {
        return;
    }
    event_model_before_commit(log->model);
    event_store_commit(log->store, eventlog_now_ns());
    g_mutex_lock(&log->mutex);
    sum = log->gone;
    for (guint i = 0; i < log->drains->len; i++) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);
        EventDrainStats stats = event_drain_stats(d->drain);

        sum.records += stats.records;
        sum.bad += stats.bad;
        sum.torn += stats.torn;
        sum.lost += stats.lost;
    }
    g_mutex_unlock(&log->mutex);
    atomic_store(&log->driver_records, sum.records);
    atomic_store(&log->bad, sum.bad + event_model_dropped(log->model));
    atomic_store(&log->lost, sum.lost + sum.torn + log->queue_lost);
    atomic_store(&log->rows, event_store_rows(log->store));
    atomic_store(&log->commits, event_store_commits(log->store));
    atomic_store(&log->write_errors, event_store_write_errors(log->store));
}

/*
 * On the taker's thread. That a session began is known at once: events of the
 * device that come from here on will get their driver's half.
 */
static void log_deliver(void *opaque, void *tag, EventParcel *parcel)
{
    Eventlog *log = opaque;
    Delivery delivery = { tag, parcel };
    bool many = parcel->records && parcel->records->len > PARCEL_RECORDS;

    if (parcel->kind == EVENT_PARCEL_BEGIN) {
        atomic_fetch_add(&log->sessions, 1);
    }
    g_mutex_lock(&log->mutex);
    g_array_append_val(log->parcels, delivery);
    atomic_store(&log->parcel_count, log->parcels->len);
    g_mutex_unlock(&log->mutex);
    log_wake(log, many ? MOOD_WAITING : MOOD_IDLE);
}

/* Commits when it is time to; marks the time when something is uncommitted. */
static void log_tick(void *opaque)
{
    Eventlog *log = opaque;
    uint64_t now = eventlog_now_ns();

    if (!event_store_is_dirty(log->store)) {
        return;
    }
    if (!log->dirty_since) {
        log->dirty_since = now;
    } else if (now - log->dirty_since >= log->commit_ns) {
        log_commit(log);
        log->dirty_since = 0;
    }
}

static void log_take_parcels(Eventlog *log)
{
    GArray *parcels;

    g_mutex_lock(&log->mutex);
    parcels = log->parcels;
    log->parcels = log->taken;
    log->taken = parcels;
    atomic_store(&log->parcel_count, 0);
    g_mutex_unlock(&log->mutex);
    /*
     * What the driver recorded it may have seen the device do: the device's
     * events from before these parcels were taken come first.
     */
    while (parcels->len && log_take_events(log)) {
        log_tick(log);
    }
    for (guint i = 0; i < parcels->len; i++) {
        Delivery *delivery = &g_array_index(parcels, Delivery, i);

        event_drain_parcel(delivery->drain->drain, delivery->parcel);
        if (delivery->parcel->kind == EVENT_PARCEL_END) {
            atomic_fetch_sub(&log->sessions, 1);
            event_device_expire(log->model, INT64_MAX);
        }
        event_taker_consumed(log->taker, delivery->parcel);
        log_tick(log);
    }
    g_array_set_size(parcels, 0);
}

/* Sleeps until there may be something to do; due: UINT64_MAX for no timer. */
static void log_sleep(Eventlog *log, uint64_t due)
{
    struct pollfd pfd = { .fd = log->wake_fd, .events = POLLIN };
    uint64_t now = eventlog_now_ns();
    struct timespec ts = { 0 };
    uint64_t count;
    bool wanted;

    if (due <= now) {
        return;
    }
    atomic_store(&log->mood, event_store_is_dirty(log->store) ? MOOD_WAITING
                                                              : MOOD_IDLE);
    atomic_thread_fence(memory_order_seq_cst);
    /* Who asked before the mood was known did not wake us. */
    g_mutex_lock(&log->mutex);
    wanted = log->sync_wanted != log->sync_done;
    g_mutex_unlock(&log->mutex);
    /* While a transaction is open, what is queued can wait. */
    if (!wanted && !atomic_load(&log->stop) &&
        (event_store_is_dirty(log->store) ||
         (event_queue_is_empty(log->queue) &&
          !atomic_load(&log->parcel_count)))) {
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
        bool more, wanted;

        g_mutex_lock(&log->mutex);
        sync = log->sync_wanted;
        wanted = sync != log->sync_done;
        g_mutex_unlock(&log->mutex);
        /*
         * Device events first: when the driver's half of a fault comes, the
         * device's is known.
         */
        do {
            more = log_take_events(log);
        } while (more && (stop || wanted));
        log_take_parcels(log);
        if (stop) {
            return NULL;
        }
        log_tick(log);
        if (wanted) {
            log_commit(log);
            log->dirty_since = 0;
        }
        now = eventlog_now_ns();
        if (now >= log->next_expiry && atomic_load(&log->sessions)) {
            log->next_expiry = now + FAULT_EXPIRY_NS;
            event_device_expire(log->model,
                                event_store_time(log->store, now) -
                                    (int64_t)FAULT_EXPIRY_NS);
        }
        if (log->dirty_since) {
            due = log->dirty_since + log->commit_ns;
        }
        g_mutex_lock(&log->mutex);
        if (wanted) {
            log->sync_done = sync;
            g_cond_broadcast(&log->done);
        }
        if (more || log->sync_wanted != log->sync_done) {
            due = 0;
        }
        g_mutex_unlock(&log->mutex);
        log_sleep(log, due);
    }
}

/* --- opening, closing -------------------------------------------------------------- */

static void log_free(Eventlog *log)
{
    for (guint i = 0; i < log->drains->len; i++) {
        EventlogDrain *d = g_ptr_array_index(log->drains, i);

        event_drain_free(d->drain);
        g_free(d);
    }
    if (log->taker) {
        event_taker_free(log->taker);
    }
    g_ptr_array_unref(log->drains);
    g_array_unref(log->parcels);
    g_array_unref(log->taken);
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
    log->parcels = g_array_new(FALSE, FALSE, sizeof(Delivery));
    log->taken = g_array_new(FALSE, FALSE, sizeof(Delivery));
    g_mutex_init(&log->mutex);
    g_cond_init(&log->done);
    log->taker = event_taker_new(log_deliver, log);
    if (!log->taker) {
        rc = -errno;
        *errmsg = g_strdup_printf("eventfd: %s", g_strerror(errno));
        log_free(g_steal_pointer(&log));
        return rc;
    }
    *out = g_steal_pointer(&log);
    (*out)->thread = g_thread_new("event-log", log_thread, *out);
    return 0;
}

void eventlog_close(Eventlog *log)
{
    if (!log) {
        return;
    }
    /* Its last deliveries come before the writer's last look. */
    event_taker_stop(log->taker);
    atomic_store(&log->stop, true);
    log_wake(log, MOOD_WAITING);
    g_thread_join(log->thread);
    log_free(log);
}

/* Until the writer has committed what was delivered and emitted so far. */
static void log_sync(Eventlog *log)
{
    uint64_t ticket;

    g_mutex_lock(&log->mutex);
    ticket = ++log->sync_wanted;
    log_wake(log, MOOD_WAITING);
    while (log->sync_done < ticket) {
        g_cond_wait(&log->done, &log->mutex);
    }
    g_mutex_unlock(&log->mutex);
}

void eventlog_sync(Eventlog *log)
{
    if (log) {
        event_taker_request(log->taker, NULL, EVENT_TAKE_ALL);
        log_sync(log);
    }
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
    d->drain = event_drain_new(log->model, gpu, log_tick, log);
    g_mutex_lock(&log->mutex);
    g_ptr_array_add(log->drains, d);
    g_mutex_unlock(&log->mutex);
    d->area = event_taker_add(log->taker, area, bytes, d);
    return d;
}

void eventlog_drain_kick(EventlogDrain *d)
{
    if (d) {
        event_taker_kick(d->log->taker, d->area);
    }
}

void eventlog_drain_reset(EventlogDrain *d)
{
    if (d) {
        event_taker_request(d->log->taker, d->area, EVENT_TAKE_RESET);
        log_sync(d->log);
    }
}

void eventlog_drain_remove(EventlogDrain *d)
{
    Eventlog *log;
    EventDrainStats stats;

    if (!d) {
        return;
    }
    log = d->log;
    event_taker_request(log->taker, d->area, EVENT_TAKE_REMOVE);
    /* The writer has used up all parcels of this area after that. */
    log_sync(log);
    g_mutex_lock(&log->mutex);
    stats = event_drain_stats(d->drain);
    log->gone.records += stats.records;
    log->gone.bad += stats.bad;
    log->gone.torn += stats.torn;
    log->gone.lost += stats.lost;
    g_ptr_array_remove(log->drains, d);
    g_mutex_unlock(&log->mutex);
    event_drain_free(d->drain);
    g_free(d);
}

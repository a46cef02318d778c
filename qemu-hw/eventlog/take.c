/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking the driver's records out of trace areas: take.h.
 */
#include "take.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eventlog.h"

#define NS_PER_MS 1000000ULL
#define NS_PER_S 1000000000ULL
#define PASS_NS (50 * NS_PER_MS)
/* Used-up parcels that are kept. */
#define SPARE_PARCELS 4
/* When a pass found the rings rather full, the next one comes sooner. */
#define BUSY_PASS_NS (5 * NS_PER_MS)
#define QUIET_NS (500 * NS_PER_MS)
/* A record that was reserved this long ago will not be committed any more. */
#define STUCK_NS (5000 * NS_PER_MS)
/* A clock that is further off than this is not crooked, but another one. */
#define CROOKED_NS NS_PER_S
/* Records that may wait for the writer: 300 MB. */
#define IN_FLIGHT_RECORDS (4u << 20)

typedef enum TakeMode {
    TAKE_NORMAL,
    TAKE_ALL,   /* the writer need not wait for earlier ones */
    TAKE_FINAL, /* the session is over: what is torn is given up */
} TakeMode;

typedef struct TakeRing {
    uint64_t tail;
    uint64_t lost;         /* as far as it was told */
    uint64_t lost_last_ns; /* the same */
    uint64_t stuck_since;  /* 0: the tail is not stuck */
    uint64_t last_ns;      /* time of the last record taken, guest clock */
} TakeRing;

struct EventArea {
    uint8_t *memory;
    size_t bytes;
    void *tag;
    _Atomic bool kicked;
    EventTakerRequest request; /* under taker->mutex */

    bool session;
    uint64_t key;
    bool refused;
    uint64_t refused_key;
    /* geometry: validated copies */
    unsigned ring_count;
    uint32_t ring_records;
    unsigned ring_shift;
    uint64_t ring_stride;
    TakeRing *ring;

    bool active;
    bool told_asleep;
    bool tick; /* the parcel before had records: send one more */
    uint64_t due;
    uint64_t last_record_ns;
};

struct EventTaker {
    EventDeliver *deliver;
    void *opaque;
    GThread *thread;
    int wake_fd;
    _Atomic bool stop;
    _Atomic bool awake; /* will look again before it sleeps */
    _Atomic size_t in_flight;

    GMutex mutex; /* the list of areas, and requests */
    GCond done;
    GPtrArray *areas;

    GMutex spare_mutex;
    GPtrArray *spare; /* EventParcel of records, used up: memory to use again */
};

/* --- memory that the guest shares ---------------------------------------------- */

static struct svmgpu_trace_header *area_header(const EventArea *area)
{
    return (struct svmgpu_trace_header *)area->memory;
}

static struct svmgpu_trace_ring *area_ring(const EventArea *area, unsigned r)
{
    return (struct svmgpu_trace_ring *)(area->memory +
                                        SVMGPU_TRACE_HEADER_BYTES +
                                        r * area->ring_stride);
}

static struct svmgpu_trace_record *area_records(const EventArea *area,
                                                unsigned r)
{
    return (struct svmgpu_trace_record *)((uint8_t *)area_ring(area, r) +
                                          SVMGPU_TRACE_RING_HEADER_BYTES);
}

static bool area_has_header(const EventArea *area)
{
    return area->bytes >= SVMGPU_TRACE_HEADER_BYTES;
}

static uint64_t area_magic(const EventArea *area)
{
    return __atomic_load_n(&area_header(area)->magic, __ATOMIC_ACQUIRE);
}

static uint64_t area_key(const EventArea *area)
{
    return __atomic_load_n(&area_header(area)->session, __ATOMIC_ACQUIRE);
}

static void area_tell_asleep(EventArea *area, bool asleep)
{
    __atomic_store_n(&area_header(area)->consumer_asleep, asleep,
                     __ATOMIC_SEQ_CST);
    area->told_asleep = asleep;
}

/* --- parcels -------------------------------------------------------------------- */

static EventParcel *parcel_new(EventParcelKind kind, uint64_t now_ns)
{
    EventParcel *parcel = g_new0(EventParcel, 1);

    parcel->kind = kind;
    parcel->now_ns = now_ns;
    return parcel;
}

static EventParcel *parcel_of_records(EventTaker *taker, uint64_t now_ns)
{
    EventParcel *parcel = NULL;

    g_mutex_lock(&taker->spare_mutex);
    if (taker->spare->len) {
        parcel = g_ptr_array_steal_index_fast(taker->spare,
                                              taker->spare->len - 1);
    }
    g_mutex_unlock(&taker->spare_mutex);
    if (parcel) {
        g_array_set_size(parcel->records, 0);
        g_array_set_size(parcel->runs, 0);
        g_array_set_size(parcel->losses, 0);
        parcel->torn = 0;
        parcel->bad = 0;
        parcel->now_ns = now_ns;
    } else {
        parcel = parcel_new(EVENT_PARCEL_RECORDS, now_ns);
        parcel->records = g_array_new(FALSE, FALSE, sizeof(EventRecord));
        parcel->runs = g_array_new(FALSE, FALSE, sizeof(EventRecordRun));
        parcel->losses = g_array_new(FALSE, FALSE, sizeof(EventRecordLoss));
    }
    return parcel;
}

static void parcel_free(gpointer data)
{
    EventParcel *parcel = data;

    if (parcel->records) {
        g_array_unref(parcel->records);
        g_array_unref(parcel->runs);
        g_array_unref(parcel->losses);
    }
    g_free(parcel);
}

static void parcel_put_back(EventTaker *taker, EventParcel *parcel)
{
    bool keep = false;

    if (parcel->records) {
        g_mutex_lock(&taker->spare_mutex);
        keep = taker->spare->len < SPARE_PARCELS;
        if (keep) {
            g_ptr_array_add(taker->spare, parcel);
        }
        g_mutex_unlock(&taker->spare_mutex);
    }
    if (!keep) {
        parcel_free(parcel);
    }
}

static void parcel_send(EventTaker *taker, EventArea *area,
                        EventParcel *parcel)
{
    if (parcel->records) {
        atomic_fetch_add(&taker->in_flight, parcel->records->len);
    }
    taker->deliver(taker->opaque, area->tag, parcel);
}

void event_taker_consumed(EventTaker *taker, EventParcel *parcel)
{
    if (parcel->records) {
        atomic_fetch_sub(&taker->in_flight, parcel->records->len);
    }
    parcel_put_back(taker, parcel);
}

/* --- sessions --------------------------------------------------------------------- */

static const char *header_fault(const struct svmgpu_trace_header *h,
                                size_t bytes)
{
    uint64_t need;

    if (h->version != SVMGPU_TRACE_VERSION) {
        return "trace area of another version";
    }
    if (h->record_bytes != SVMGPU_TRACE_RECORD_BYTES) {
        return "trace records of another size";
    }
    if (!h->ring_count || h->ring_count > SVMGPU_TRACE_MAX_RINGS) {
        return "trace area with a wild number of rings";
    }
    if (h->ring_records < SVMGPU_TRACE_MIN_RECORDS ||
        h->ring_records > SVMGPU_TRACE_MAX_RECORDS ||
        (h->ring_records & (h->ring_records - 1))) {
        return "trace rings with a wild number of records";
    }
    need = SVMGPU_TRACE_RING_HEADER_BYTES +
           (uint64_t)h->ring_records * SVMGPU_TRACE_RECORD_BYTES;
    if (h->ring_stride_bytes < need || h->ring_stride_bytes % 4096 ||
        h->ring_stride_bytes > bytes ||
        SVMGPU_TRACE_HEADER_BYTES + h->ring_count * h->ring_stride_bytes >
            bytes) {
        return "trace rings beyond the end of the trace area";
    }
    return NULL;
}

static void area_begin_session(EventTaker *taker, EventArea *area,
                               uint64_t now_ns)
{
    EventParcel *parcel;
    struct svmgpu_trace_header h;
    const char *fault;

    memcpy(&h, area_header(area), sizeof(h));
    if (area_magic(area) != SVMGPU_TRACE_MAGIC || area_key(area) != h.session) {
        return;
    }
    fault = header_fault(&h, area->bytes);
    if (fault) {
        if (!area->refused || area->refused_key != h.session) {
            parcel = parcel_new(EVENT_PARCEL_REFUSED, now_ns);
            parcel->why = fault;
            parcel_send(taker, area, parcel);
        }
        area->refused = true;
        area->refused_key = h.session;
        return;
    }
    area->refused = false;
    area->session = true;
    area->key = h.session;
    area->ring_count = h.ring_count;
    area->ring_records = h.ring_records;
    area->ring_shift = g_bit_nth_lsf(h.ring_records, -1);
    area->ring_stride = h.ring_stride_bytes;
    area->ring = g_new0(TakeRing, h.ring_count);
    area->last_record_ns = now_ns;
    parcel = parcel_new(EVENT_PARCEL_BEGIN, now_ns);
    parcel->header = h;
    parcel_send(taker, area, parcel);
}

/* --- taking records -------------------------------------------------------------- */

static void ring_take_loss(EventArea *area, EventParcel *parcel, unsigned r)
{
    struct svmgpu_trace_ring *shared = area_ring(area, r);
    TakeRing *ring = &area->ring[r];
    uint64_t lost = __atomic_load_n(&shared->lost, __ATOMIC_ACQUIRE);
    EventRecordLoss loss = { .ring = r };

    if (lost == ring->lost) {
        return;
    }
    loss.count = lost - ring->lost;
    loss.first_ns = MAX(__atomic_load_n(&shared->lost_first_ns,
                                        __ATOMIC_RELAXED), ring->lost_last_ns);
    loss.last_ns = __atomic_load_n(&shared->lost_last_ns, __ATOMIC_RELAXED);
    /* A counter that went back, or that no CPU could have counted: wild. */
    if (lost < ring->lost || loss.count > (1ULL << 48)) {
        parcel->bad++;
    } else {
        g_array_append_val(parcel->losses, loss);
        ring->lost_last_ns = loss.last_ns;
    }
    ring->lost = lost;
}

/* The slot at the tail has no record yet; true when it is to be skipped. */
static bool ring_is_torn(const EventArea *area, TakeRing *ring, uint64_t head,
                         uint64_t now_ns, TakeMode mode)
{
    if (head == ring->tail || head - ring->tail > area->ring_records) {
        ring->stuck_since = 0;
        return false;
    }
    if (mode == TAKE_FINAL) {
        return true;
    }
    if (!ring->stuck_since) {
        ring->stuck_since = now_ns;
        return false;
    }
    return now_ns - ring->stuck_since > STUCK_NS;
}

/* A CPU did things in the order of its ring. Its clock can disagree by a little:
   the guest's fast clock steps back at times, and an interrupt can come between
   the reservation of a record and its time stamp. */
static void ring_straighten(TakeRing *ring, struct svmgpu_trace_record *record)
{
    if (record->ts_ns < ring->last_ns &&
        ring->last_ns - record->ts_ns < CROOKED_NS) {
        record->ts_ns = ring->last_ns;
    }
    ring->last_ns = record->ts_ns;
}

static void ring_take(EventArea *area, EventParcel *parcel, unsigned r,
                      uint64_t now_ns, TakeMode mode)
{
    struct svmgpu_trace_ring *shared = area_ring(area, r);
    struct svmgpu_trace_record *records = area_records(area, r);
    TakeRing *ring = &area->ring[r];
    uint64_t head = __atomic_load_n(&shared->head, __ATOMIC_ACQUIRE);
    uint64_t end = ring->tail + area->ring_records;
    EventRecordRun run = { .next = parcel->records->len };

    if (head - ring->tail > area->ring_records &&
        head - ring->tail < (1ULL << 48)) {
        /* The driver went on without heeding the tail. */
        EventRecordLoss loss = { .ring = r, .overwritten = true,
                                 .count = head - ring->tail };

        g_array_append_val(parcel->losses, loss);
        ring->tail = head;
        end = head;
    }
    while (ring->tail != end) {
        struct svmgpu_trace_record *slot =
            &records[ring->tail & (area->ring_records - 1)];
        uint32_t tag = __atomic_load_n(&slot->tag, __ATOMIC_ACQUIRE);
        EventRecord copy;

        if (tag >> 16 != (((ring->tail >> area->ring_shift) + 1) & 0xffff)) {
            if (!ring_is_torn(area, ring, head, now_ns, mode)) {
                break;
            }
            parcel->torn++;
            ring->tail++;
            ring->stuck_since = 0;
            continue;
        }
        memcpy(&copy.rec, slot, sizeof(copy.rec));
        copy.type = tag & 0xffff;
        copy.cpu = r;
        ring_straighten(ring, &copy.rec);
        g_array_append_val(parcel->records, copy);
        ring->tail++;
        ring->stuck_since = 0;
    }
    /* A driver that is setting up anew owns the ring headers until it is done */
    if (area_key(area) == area->key) {
        __atomic_store_n(&shared->tail, ring->tail, __ATOMIC_RELEASE);
    }
    ring_take_loss(area, parcel, r);

    run.end = parcel->records->len;
    if (run.end == run.next) {
        return;
    }
    g_array_append_val(parcel->runs, run);
}

static size_t area_take(EventTaker *taker, EventArea *area, uint64_t now_ns,
                        TakeMode mode)
{
    EventParcel *parcel = parcel_of_records(taker, now_ns);
    size_t taken;

    for (unsigned r = 0; r < area->ring_count; r++) {
        ring_take(area, parcel, r, now_ns, mode);
    }
    taken = parcel->records->len;
    parcel->all = mode != TAKE_NORMAL;
    if (taken || area->tick || parcel->all || parcel->losses->len ||
        parcel->bad || parcel->torn) {
        area->tick = taken > 0;
        parcel_send(taker, area, parcel);
    } else {
        parcel_put_back(taker, parcel);
    }
    return taken;
}

static void area_end_session(EventTaker *taker, EventArea *area,
                             uint64_t now_ns)
{
    if (area->session) {
        area_take(taker, area, now_ns, TAKE_FINAL);
        area->session = false;
        area->tick = false;
        g_clear_pointer(&area->ring, g_free);
        parcel_send(taker, area, parcel_new(EVENT_PARCEL_END, now_ns));
    }
}

static void area_pass(EventTaker *taker, EventArea *area, uint64_t now_ns,
                      TakeMode mode)
{
    size_t taken = 0;

    area->due = UINT64_MAX;
    if (!area_has_header(area)) {
        area->active = false;
        return;
    }
    if (area->session && (area_magic(area) != SVMGPU_TRACE_MAGIC ||
                          area_key(area) != area->key)) {
        /* Unloaded, or loaded anew: the rings still hold the old rest. */
        area_end_session(taker, area, now_ns);
    }
    if (!area->session && area_magic(area) == SVMGPU_TRACE_MAGIC) {
        area_begin_session(taker, area, now_ns);
    }
    if (!area->session) {
        area->active = false;
        return;
    }
    if (atomic_load(&taker->in_flight) < IN_FLIGHT_RECORDS) {
        taken = area_take(taker, area, now_ns, mode);
    }
    if (taken) {
        area->last_record_ns = now_ns;
        area->active = true;
        if (area->told_asleep) {
            area_tell_asleep(area, false);
        }
    } else if (area->told_asleep) {
        /* Looked once more: now the doorbell will tell. */
        area->active = false;
    } else if (now_ns - area->last_record_ns >= QUIET_NS) {
        area_tell_asleep(area, true);
    }
    if (area->active) {
        bool busy = taken > area->ring_records / 4;

        area->due = now_ns + (busy ? BUSY_PASS_NS : PASS_NS);
    }
}

static void area_wake(EventArea *area, uint64_t now_ns)
{
    area->active = true;
    area->due = 0;
    area->last_record_ns = now_ns;
    if (area_has_header(area) && area->told_asleep) {
        area_tell_asleep(area, false);
    }
}

static void area_reset(EventTaker *taker, EventArea *area, uint64_t now_ns)
{
    area_end_session(taker, area, now_ns);
    if (area_has_header(area)) {
        __atomic_store_n(&area_header(area)->magic, 0, __ATOMIC_RELEASE);
        area_tell_asleep(area, true);
    }
    area->active = false;
}

/* --- the thread ---------------------------------------------------------------------- */

static void taker_wake(EventTaker *taker)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_exchange(&taker->awake, true)) {
        uint64_t one = 1;
        ssize_t n = write(taker->wake_fd, &one, sizeof(one));

        (void)n; /* a full counter is awake enough */
    }
}

/* Serves every area; returns when to do so again. Mutex held. */
static uint64_t taker_serve(EventTaker *taker)
{
    uint64_t due = UINT64_MAX;
    bool served = false;

    for (guint i = 0; i < taker->areas->len; i++) {
        EventArea *area = g_ptr_array_index(taker->areas, i);
        uint64_t now = eventlog_now_ns();

        if (atomic_exchange(&area->kicked, false)) {
            area_wake(area, now);
        }
        switch (area->request) {
        case EVENT_TAKE_ALL:
            area_pass(taker, area, now, TAKE_ALL);
            break;
        case EVENT_TAKE_RESET:
        case EVENT_TAKE_REMOVE:
            area_reset(taker, area, now);
            break;
        default:
            if (area->active && area->due <= now) {
                area_pass(taker, area, now, TAKE_NORMAL);
            }
            break;
        }
        if (area->request != EVENT_TAKE_NOTHING) {
            served = true;
            if (area->request == EVENT_TAKE_REMOVE) {
                g_ptr_array_remove_index(taker->areas, i--);
                g_free(area);
                continue;
            }
            area->request = EVENT_TAKE_NOTHING;
        }
        if (area->active) {
            due = MIN(due, area->due);
        }
    }
    if (served) {
        g_cond_broadcast(&taker->done);
    }
    return due;
}

static gpointer taker_thread(gpointer opaque)
{
    EventTaker *taker = opaque;
    struct pollfd pfd = { .fd = taker->wake_fd, .events = POLLIN };

    while (!atomic_load(&taker->stop)) {
        struct timespec ts = { 0 };
        uint64_t due, now, count;

        /* Whoever wakes from here on writes to wake_fd. */
        atomic_store(&taker->awake, false);
        g_mutex_lock(&taker->mutex);
        due = taker_serve(taker);
        g_mutex_unlock(&taker->mutex);
        now = eventlog_now_ns();
        if (due <= now) {
            continue;
        }
        ts.tv_sec = (due - now) / NS_PER_S;
        ts.tv_nsec = (due - now) % NS_PER_S;
        if (ppoll(&pfd, 1, due == UINT64_MAX ? NULL : &ts, NULL) > 0) {
            while (read(taker->wake_fd, &count, sizeof(count)) < 0 &&
                   errno == EINTR) {
            }
        }
    }
    return NULL;
}

EventTaker *event_taker_new(EventDeliver *deliver, void *opaque)
{
    EventTaker *taker = g_new0(EventTaker, 1);

    taker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (taker->wake_fd < 0) {
        g_free(taker);
        return NULL;
    }
    taker->deliver = deliver;
    taker->opaque = opaque;
    taker->areas = g_ptr_array_new();
    taker->spare = g_ptr_array_new_with_free_func(parcel_free);
    g_mutex_init(&taker->spare_mutex);
    g_mutex_init(&taker->mutex);
    g_cond_init(&taker->done);
    taker->thread = g_thread_new("log-take", taker_thread, taker);
    return taker;
}

void event_taker_stop(EventTaker *taker)
{
    atomic_store(&taker->stop, true);
    atomic_store(&taker->awake, false);
    taker_wake(taker);
    g_thread_join(taker->thread);
    for (guint i = 0; i < taker->areas->len; i++) {
        EventArea *area = g_ptr_array_index(taker->areas, i);

        area_reset(taker, area, eventlog_now_ns());
        g_free(area);
    }
}

void event_taker_free(EventTaker *taker)
{
    g_ptr_array_unref(taker->areas);
    g_ptr_array_unref(taker->spare);
    g_mutex_clear(&taker->spare_mutex);
    close(taker->wake_fd);
    g_mutex_clear(&taker->mutex);
    g_cond_clear(&taker->done);
    g_free(taker);
}

EventArea *event_taker_add(EventTaker *taker, void *memory, size_t bytes,
                           void *tag)
{
    EventArea *area = g_new0(EventArea, 1);

    area->memory = memory;
    area->bytes = bytes;
    area->tag = tag;
    area->due = UINT64_MAX;
    g_mutex_lock(&taker->mutex);
    g_ptr_array_add(taker->areas, area);
    g_mutex_unlock(&taker->mutex);
    /* It may hold a session already. */
    event_taker_kick(taker, area);
    return area;
}

void event_taker_kick(EventTaker *taker, EventArea *area)
{
    atomic_store(&area->kicked, true);
    taker_wake(taker);
}

void event_taker_request(EventTaker *taker, EventArea *area,
                         EventTakerRequest request)
{
    bool waiting = true;

    g_mutex_lock(&taker->mutex);
    for (guint i = 0; i < taker->areas->len; i++) {
        EventArea *each = g_ptr_array_index(taker->areas, i);

        if ((!area || each == area) && each->request < request) {
            each->request = request;
        }
    }
    taker_wake(taker);
    while (waiting) {
        waiting = false;
        for (guint i = 0; i < taker->areas->len; i++) {
            EventArea *each = g_ptr_array_index(taker->areas, i);

            waiting |= (!area || each == area) &&
                       each->request != EVENT_TAKE_NOTHING;
        }
        if (waiting) {
            g_cond_wait(&taker->done, &taker->mutex);
        }
    }
    g_mutex_unlock(&taker->mutex);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drain: takes the driver's records out of a trace area. drain.h.
 */
#include "drain.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "session.h"

#define NS_PER_MS 1000000ULL
#define PASS_NS (50 * NS_PER_MS)
/* When a pass found the rings rather full, the next one comes sooner. */
#define BUSY_PASS_NS (5 * NS_PER_MS)
#define QUIET_NS (500 * NS_PER_MS)
/* Records younger than this wait for the next pass: longer than a virtual CPU
 * is likely to be stopped between taking the time and committing. */
#define HOLD_NS (5 * NS_PER_MS)
/* A time stamp this far ahead is wild: it does not hold anything back. */
#define WILD_NS (1000 * NS_PER_MS)
/* A record that was reserved this long ago will not be committed any more. */
#define STUCK_NS (5000 * NS_PER_MS)
/* More rings than this are sorted, not merged. */
#define MERGE_RINGS 16

typedef struct DrainRing {
    uint64_t tail;
    uint64_t lost;         /* as far as it is in the log */
    uint64_t lost_last_ns; /* the same */
    uint64_t stuck_since;  /* 0: the tail is not stuck */
} DrainRing;

typedef struct DrainRecord {
    struct svmgpu_trace_record rec;
    uint16_t type;
    uint16_t cpu;
} DrainRecord;

/* A part of the batch that is in the order of time. */
typedef struct DrainRun {
    guint next;
    guint end;
} DrainRun;

struct EventDrain {
    EventModel *model;
    unsigned gpu;
    uint8_t *area;
    size_t bytes;

    EventSession *session;
    uint64_t refused_session;
    bool refused;
    /* geometry: validated copies */
    unsigned ring_count;
    uint32_t ring_records;
    unsigned ring_shift;
    uint64_t ring_stride;
    DrainRing *ring;

    GArray *batch; /* DrainRecord */
    GArray *held;  /* DrainRecord: kept back by the pass before */
    GArray *runs;  /* DrainRun */

    bool active;
    bool told_asleep;
    uint64_t due;
    uint64_t last_record_ns;
    EventDrainStats past; /* of sessions that are over */
    uint64_t lost;
};

EventDrain *event_drain_new(EventModel *model, unsigned gpu, void *area,
                            size_t bytes)
{
    EventDrain *drain = g_new0(EventDrain, 1);

    drain->model = model;
    drain->gpu = gpu;
    drain->area = area;
    drain->bytes = bytes;
    drain->batch = g_array_new(FALSE, FALSE, sizeof(DrainRecord));
    drain->held = g_array_new(FALSE, FALSE, sizeof(DrainRecord));
    drain->runs = g_array_new(FALSE, FALSE, sizeof(DrainRun));
    drain->due = UINT64_MAX;
    return drain;
}

bool event_drain_has_session(const EventDrain *drain)
{
    return drain->session != NULL;
}

EventDrainStats event_drain_stats(const EventDrain *drain)
{
    EventDrainStats stats = drain->past;

    stats.lost = drain->lost;
    if (drain->session) {
        stats.records += drain->session->records;
        stats.bad += drain->session->bad;
        stats.torn += drain->session->torn;
    }
    return stats;
}

/* --- memory that the guest shares -------------------------------------------- */

static struct svmgpu_trace_header *drain_header(const EventDrain *drain)
{
    return (struct svmgpu_trace_header *)drain->area;
}

static struct svmgpu_trace_ring *drain_ring(const EventDrain *drain,
                                            unsigned ring)
{
    return (struct svmgpu_trace_ring *)(drain->area +
                                        SVMGPU_TRACE_HEADER_BYTES +
                                        ring * drain->ring_stride);
}

static struct svmgpu_trace_record *drain_records(const EventDrain *drain,
                                                 unsigned ring)
{
    return (struct svmgpu_trace_record *)((uint8_t *)drain_ring(drain, ring) +
                                          SVMGPU_TRACE_RING_HEADER_BYTES);
}

static void drain_tell_asleep(EventDrain *drain, bool asleep)
{
    if (drain->bytes >= SVMGPU_TRACE_HEADER_BYTES) {
        __atomic_store_n(&drain_header(drain)->consumer_asleep, asleep,
                         __ATOMIC_SEQ_CST);
    }
    drain->told_asleep = asleep;
}

/* --- sessions ------------------------------------------------------------------ */

static void drain_note(EventDrain *drain, uint64_t now_ns, const char *text)
{
    EventStore *store = event_model_store(drain->model);
    int64_t t = event_store_time(store, now_ns);
    EventPoint row;

    event_point_init(&row, EVENTLOG_INPUT_REJECTED, t, EVENT_CLOCK_DEVICE);
    row.thing_id = event_model_gpu(drain->model, drain->gpu, t);
    row.gpu = drain->gpu;
    row.text = g_strdup(text);
    event_store_point(store, &row);
}

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

static bool drain_begin_session(EventDrain *drain, uint64_t now_ns)
{
    struct svmgpu_trace_header *shared = drain_header(drain);
    struct svmgpu_trace_header h;
    g_autofree char *driver = NULL;
    g_autofree char *kernel = NULL;
    const char *fault;

    memcpy(&h, shared, sizeof(h));
    if (__atomic_load_n(&shared->magic, __ATOMIC_ACQUIRE) !=
            SVMGPU_TRACE_MAGIC ||
        __atomic_load_n(&shared->session, __ATOMIC_ACQUIRE) != h.session) {
        return false;
    }
    fault = header_fault(&h, drain->bytes);
    if (fault) {
        if (!drain->refused || drain->refused_session != h.session) {
            drain_note(drain, now_ns, fault);
        }
        drain->refused = true;
        drain->refused_session = h.session;
        return false;
    }
    drain->refused = false;
    drain->ring_count = h.ring_count;
    drain->ring_records = h.ring_records;
    drain->ring_shift = g_bit_nth_lsf(h.ring_records, -1);
    drain->ring_stride = h.ring_stride_bytes;
    drain->ring = g_new0(DrainRing, h.ring_count);
    driver = event_model_text(h.driver, sizeof(h.driver));
    kernel = event_model_text(h.kernel, sizeof(h.kernel));
    drain->session = event_session_new(drain->model, h.session, now_ns,
                                       drain->gpu, h.ring_count,
                                       h.ring_records, driver, kernel);
    return true;
}

static void drain_end_session(EventDrain *drain, uint64_t now_ns)
{
    EventSession *session = g_steal_pointer(&drain->session);

    drain->past.records += session->records;
    drain->past.bad += session->bad;
    drain->past.torn += session->torn;
    if (session->bad) {
        event_session_lost(session, EVENT_LOST_BAD_RECORDS, 0, now_ns, now_ns,
                           session->bad);
    }
    if (session->torn) {
        event_session_lost(session, EVENT_LOST_TORN_RECORDS, 0, now_ns,
                           now_ns, session->torn);
    }
    event_session_end(session, now_ns);
    g_clear_pointer(&drain->ring, g_free);
}

/* --- taking records ---------------------------------------------------------- */

static void drain_take_loss(EventDrain *drain, unsigned r, uint64_t now_ns)
{
    struct svmgpu_trace_ring *shared = drain_ring(drain, r);
    DrainRing *ring = &drain->ring[r];
    uint64_t lost = __atomic_load_n(&shared->lost, __ATOMIC_ACQUIRE);
    uint64_t first, last;

    if (lost == ring->lost) {
        return;
    }
    first = __atomic_load_n(&shared->lost_first_ns, __ATOMIC_RELAXED);
    last = __atomic_load_n(&shared->lost_last_ns, __ATOMIC_RELAXED);
    /* A counter that went back, or that no CPU could have counted: wild. */
    if (lost < ring->lost || lost - ring->lost > (1ULL << 48)) {
        drain->session->bad++;
        ring->lost = lost;
        return;
    }
    if (event_clock_is_known(&drain->session->clock)) {
        first = MAX(first, ring->lost_last_ns);
        event_session_lost(
            drain->session, EVENT_LOST_DRIVER_RING, r,
            MIN(event_session_device_ns(drain->session, first), now_ns),
            MIN(event_session_device_ns(drain->session, last), now_ns),
            lost - ring->lost);
    } else {
        event_session_lost(drain->session, EVENT_LOST_DRIVER_RING, r, now_ns,
                           now_ns, lost - ring->lost);
    }
    drain->lost += lost - ring->lost;
    ring->lost_last_ns = last;
    ring->lost = lost;
}

/* The slot at the tail has no record yet; true when it is to be skipped. */
static bool drain_is_torn(EventDrain *drain, DrainRing *ring, uint64_t head,
                          uint64_t now_ns, EventDrainMode mode)
{
    if (head == ring->tail || head - ring->tail > drain->ring_records) {
        ring->stuck_since = 0;
        return false;
    }
    if (mode == EVENT_DRAIN_FINAL) {
        return true;
    }
    if (!ring->stuck_since) {
        ring->stuck_since = now_ns;
        return false;
    }
    return now_ns - ring->stuck_since > STUCK_NS;
}

static int record_compare(const void *a, const void *b)
{
    const DrainRecord *ra = a;
    const DrainRecord *rb = b;

    return ra->rec.ts_ns < rb->rec.ts_ns ? -1 : ra->rec.ts_ns > rb->rec.ts_ns;
}

static void drain_take_ring(EventDrain *drain, unsigned r, uint64_t now_ns,
                            EventDrainMode mode)
{
    struct svmgpu_trace_ring *shared = drain_ring(drain, r);
    struct svmgpu_trace_record *records = drain_records(drain, r);
    DrainRing *ring = &drain->ring[r];
    uint64_t head = __atomic_load_n(&shared->head, __ATOMIC_ACQUIRE);
    uint64_t end = ring->tail + drain->ring_records;
    DrainRun run = { .next = drain->batch->len };
    uint64_t latest = 0;
    bool sorted = true;

    if (head - ring->tail > drain->ring_records &&
        head - ring->tail < (1ULL << 48)) {
        /* The driver went on without heeding the tail. */
        event_session_lost(drain->session, EVENT_LOST_OVERWRITTEN_RINGS, r,
                           now_ns, now_ns, head - ring->tail);
        drain->lost += head - ring->tail;
        ring->tail = head;
        end = head;
    }
    while (ring->tail != end) {
        struct svmgpu_trace_record *slot =
            &records[ring->tail & (drain->ring_records - 1)];
        uint32_t tag = __atomic_load_n(&slot->tag, __ATOMIC_ACQUIRE);
        DrainRecord copy;

        if (tag >> 16 != (((ring->tail >> drain->ring_shift) + 1) & 0xffff)) {
            if (!drain_is_torn(drain, ring, head, now_ns, mode)) {
                break;
            }
            drain->session->torn++;
            ring->tail++;
            ring->stuck_since = 0;
            continue;
        }
        memcpy(&copy.rec, slot, sizeof(copy.rec));
        copy.type = tag & 0xffff;
        copy.cpu = r;
        sorted &= copy.rec.ts_ns >= latest;
        latest = copy.rec.ts_ns;
        g_array_append_val(drain->batch, copy);
        ring->tail++;
        ring->stuck_since = 0;
    }
    /* A driver that is setting up anew owns the ring headers until it is done */
    if (__atomic_load_n(&drain_header(drain)->session, __ATOMIC_ACQUIRE) ==
        drain->session->key) {
        __atomic_store_n(&shared->tail, ring->tail, __ATOMIC_RELEASE);
    }
    drain_take_loss(drain, r, now_ns);

    run.end = drain->batch->len;
    if (run.end == run.next) {
        return;
    }
    if (!sorted) {
        /* An interrupt recorded between reservation and time stamp. */
        qsort(&g_array_index(drain->batch, DrainRecord, run.next),
              run.end - run.next, sizeof(DrainRecord), record_compare);
    }
    g_array_append_val(drain->runs, run);
}

/* --- handing over ---------------------------------------------------------------- */

static void drain_hand_over(EventDrain *drain, const DrainRecord *record,
                            uint64_t horizon, uint64_t now_ns)
{
    if (record->rec.ts_ns > horizon &&
        record->rec.ts_ns - horizon < WILD_NS) {
        g_array_append_vals(drain->held, record, 1);
        return;
    }
    event_session_record(drain->session, record->type, record->cpu,
                         &record->rec, now_ns);
}

static void drain_merge(EventDrain *drain, uint64_t horizon, uint64_t now_ns)
{
    DrainRecord *records = (DrainRecord *)drain->batch->data;
    DrainRun *runs = (DrainRun *)drain->runs->data;
    unsigned n = drain->runs->len;

    if (n > MERGE_RINGS) {
        qsort(records, drain->batch->len, sizeof(DrainRecord), record_compare);
        runs[0].next = 0;
        runs[0].end = drain->batch->len;
        n = 1;
    }
    while (n) {
        unsigned first = 0;

        for (unsigned i = 1; i < n; i++) {
            if (records[runs[i].next].rec.ts_ns <
                records[runs[first].next].rec.ts_ns) {
                first = i;
            }
        }
        drain_hand_over(drain, &records[runs[first].next], horizon, now_ns);
        if (++runs[first].next == runs[first].end) {
            runs[first] = runs[--n];
        }
    }
}

/* The first clock sample serves the records before it too. */
static void drain_find_clock(EventDrain *drain, uint64_t now_ns)
{
    EventSession *session = drain->session;

    for (guint i = 0;
         i < drain->batch->len && !event_clock_is_known(&session->clock);
         i++) {
        DrainRecord *record = &g_array_index(drain->batch, DrainRecord, i);

        if (record->type == SVMGPU_TRACE_CLOCK_SAMPLED) {
            event_session_record(session, record->type, record->cpu,
                                 &record->rec, now_ns);
            /* Not once more in its turn; nothing has type 0. */
            record->type = SVMGPU_TRACE_NONE;
        }
    }
}

static size_t drain_take(EventDrain *drain, uint64_t now_ns,
                         EventDrainMode mode)
{
    uint64_t horizon = UINT64_MAX;
    GArray *held;
    size_t taken;

    /* What was held back comes first; the arrays change places. */
    held = drain->held;
    drain->held = drain->batch;
    drain->batch = held;
    g_array_set_size(drain->held, 0);
    g_array_set_size(drain->runs, 0);
    taken = held->len;
    if (held->len) {
        DrainRun run = { .next = 0, .end = held->len };

        g_array_append_val(drain->runs, run);
    }
    for (unsigned r = 0; r < drain->ring_count; r++) {
        drain_take_ring(drain, r, now_ns, mode);
    }
    taken = drain->batch->len - taken;
    if (!event_clock_is_known(&drain->session->clock)) {
        drain_find_clock(drain, now_ns);
    }
    if (mode == EVENT_DRAIN_NORMAL &&
        event_clock_is_known(&drain->session->clock)) {
        horizon = event_clock_unmap(&drain->session->clock, now_ns);
        horizon -= MIN(horizon, HOLD_NS);
    }
    drain_merge(drain, horizon, now_ns);
    g_array_set_size(drain->batch, 0);
    return taken;
}

size_t event_drain_pass(EventDrain *drain, uint64_t now_ns,
                        EventDrainMode mode)
{
    struct svmgpu_trace_header *header = drain_header(drain);
    size_t taken = 0;
    uint64_t magic;

    drain->due = UINT64_MAX;
    if (drain->bytes < SVMGPU_TRACE_HEADER_BYTES) {
        return 0;
    }
    magic = __atomic_load_n(&header->magic, __ATOMIC_ACQUIRE);
    if (drain->session &&
        (magic != SVMGPU_TRACE_MAGIC ||
         __atomic_load_n(&header->session, __ATOMIC_ACQUIRE) !=
             drain->session->key)) {
        /* Unloaded, or loaded anew: the rings still hold the old rest. */
        taken += drain_take(drain, now_ns, EVENT_DRAIN_FINAL);
        drain_end_session(drain, now_ns);
    }
    if (!drain->session && magic == SVMGPU_TRACE_MAGIC) {
        drain_begin_session(drain, now_ns);
    }
    if (!drain->session) {
        drain->active = false;
        return taken;
    }
    taken += drain_take(drain, now_ns, mode);

    if (taken || drain->held->len) {
        drain->last_record_ns = now_ns;
        drain->active = true;
        if (drain->told_asleep) {
            drain_tell_asleep(drain, false);
        }
    } else if (drain->told_asleep) {
        /* Looked once more: now the doorbell will tell. */
        drain->active = false;
    } else if (now_ns - drain->last_record_ns >= QUIET_NS) {
        drain_tell_asleep(drain, true);
    }
    if (drain->active) {
        bool busy = taken > (size_t)drain->ring_records / 4;

        drain->due = now_ns + (busy ? BUSY_PASS_NS : PASS_NS);
    }
    return taken;
}

void event_drain_wake(EventDrain *drain)
{
    drain->active = true;
    drain->due = 0;
    if (drain->told_asleep) {
        drain_tell_asleep(drain, false);
    }
    drain->last_record_ns = eventlog_now_ns();
    if (!drain->session && drain->bytes >= SVMGPU_TRACE_HEADER_BYTES &&
        __atomic_load_n(&drain_header(drain)->magic, __ATOMIC_ACQUIRE) ==
            SVMGPU_TRACE_MAGIC) {
        drain_begin_session(drain, drain->last_record_ns);
    }
}

uint64_t event_drain_due(const EventDrain *drain)
{
    return drain->active ? drain->due : UINT64_MAX;
}

void event_drain_reset(EventDrain *drain, uint64_t now_ns)
{
    if (drain->session) {
        drain_take(drain, now_ns, EVENT_DRAIN_FINAL);
        drain_end_session(drain, now_ns);
    }
    if (drain->bytes >= SVMGPU_TRACE_HEADER_BYTES) {
        __atomic_store_n(&drain_header(drain)->magic, 0, __ATOMIC_RELEASE);
        drain_tell_asleep(drain, true);
    }
    drain->active = false;
}

void event_drain_free(EventDrain *drain, uint64_t now_ns)
{
    event_drain_reset(drain, now_ns);
    g_array_unref(drain->batch);
    g_array_unref(drain->held);
    g_array_unref(drain->runs);
    g_free(drain);
}

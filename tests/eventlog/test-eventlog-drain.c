/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drain: the driver's records in, intervals and points out; and all that
 * a guest can do wrong, by mistake or on purpose.
 */
#include <string.h>

#include "log-fixture.h"

#define MS 1000000ULL

static struct svmgpu_trace_header *header(LogFixture *f)
{
    return f->area;
}

static uint64_t records_in_log(LogFixture *f)
{
    return log_fixture_ask(f, "SELECT count(*) FROM mark");
}

static void mark(LogFixture *f, unsigned cpu)
{
    g_assert_true(TRACE_PUT(&f->writer, cpu, NOW, 100, MARK_SET, mark,
                            .text = "mark"));
}

/* --- what a driver records --------------------------------------------------- */

static void test_locks(LogFixture *f, TEST_DATA)
{
    g_autofree char *name = NULL;
    g_autofree char *comm = NULL;

    log_fixture_begin(f);
    PUT(f, LOCK_CLASS_DEFINED, lock_class, .lock_class = 3, .rank = 20,
        .type = SVMGPU_TRACE_LOCK_RWSEM, .name = "vm");
    PUT(f, LOCK_DEFINED, lock_instance, .lock = 9, .lock_class = 3, .gpu = 0,
        .vm = 4);
    PUT(f, THREAD_DEFINED, thread, .tid = 100, .comm = "worker");
    PUT(f, LOCK_ACQUIRED, lock, .lock = 9, .lock_class = 3, .vm = 4);
    PUT_BY(f, 101, LOCK_CONTENDED, lock, .lock = 9, .lock_class = 3,
           .mode = 1, .vm = 4);
    PUT(f, LOCK_RELEASED, lock, .lock = 9, .lock_class = 3,
        .flags = SVMGPU_TRACE_LOCK_DOWNGRADED, .vm = 4);
    PUT_BY(f, 101, LOCK_ACQUIRED, lock, .lock = 9, .lock_class = 3,
           .mode = 1, .vm = 4);
    PUT(f, LOCK_RELEASED, lock, .lock = 9, .lock_class = 3, .mode = 1);
    PUT_BY(f, 101, LOCK_RELEASED, lock, .lock = 9, .lock_class = 3,
           .mode = 1);
    /* released without having been acquired: tracing was turned on late */
    PUT_BY(f, 102, LOCK_RELEASED, lock, .lock = 9, .lock_class = 3);
    /* a wait that a signal ended */
    PUT_BY(f, 103, LOCK_CONTENDED, lock, .lock = 9, .lock_class = 3);
    PUT_BY(f, 103, LOCK_RELEASED, lock, .lock = 9, .lock_class = 3,
           .flags = SVMGPU_TRACE_LOCK_GAVE_UP);
    /* an interrupt is no thread */
    PUT_BY(f, 0, LOCK_ACQUIRED, lock, .lock = 10, .lock_class = 3);
    PUT_BY(f, 0, LOCK_RELEASED, lock, .lock = 10, .lock_class = 3);
    eventlog_sync(f->log);

    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_hold"), ==,
                    4);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_wait"), ==,
                    2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_wait WHERE"
                                       " flags & 4 AND t1 IS NOT NULL"), ==,
                    1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_hold h JOIN"
                                       " thread t ON t.id = h.thread_id WHERE"
                                       " t.comm = 'worker' AND h.mode ="
                                       " 'exclusive'"), ==, 1);
    /* the downgraded hold begins where the other one ends */
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_hold a JOIN"
                                       " lock_hold b ON b.t0 = a.t1 AND"
                                       " b.thread_id = a.thread_id WHERE"
                                       " b.mode = 'shared'"), ==, 1);
    name = log_fixture_text(f, "SELECT name FROM lock WHERE lock = 9");
    g_assert_cmpstr(name, ==, "vm of vm 4");
    comm = log_fixture_text(f, "SELECT t.comm FROM lock_hold h JOIN thread t"
                               " ON t.id = h.thread_id JOIN lock l ON l.id ="
                               " h.lock_id WHERE l.lock = 10");
    g_assert_cmpstr(comm, ==, "interrupts on CPU 0");
    g_assert_cmpint(log_fixture_ask(f, "SELECT rank FROM lock WHERE lock ="
                                       " 9"), ==, 20);
    /* unpaired releases are no error */
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(bad_records) FROM session"),
                    ==, 0);
}

static void define_resv(LogFixture *f, unsigned bo)
{
    PUT(f, LOCK_DEFINED, lock_instance, .lock = 9,
        .lock_class = SVMGPU_TRACE_CLASS_BO_RESV, .bo = bo);
}

/*
 * Reservation locks are named by address: who does not tell the owner changes
 * nothing, as long as that exists; with another owner it is another lock.
 */
static void test_lock_owners(LogFixture *f, TEST_DATA)
{
    g_autofree char *names = NULL;

    log_fixture_begin(f);
    PUT(f, LOCK_CLASS_DEFINED, lock_class,
        .lock_class = SVMGPU_TRACE_CLASS_BO_RESV, .rank = 51,
        .name = "bo_resv");
    PUT(f, BO_CREATED, bo, .bo = 5, .bytes = 4096);
    define_resv(f, 5);
    define_resv(f, 0);
    PUT(f, BO_DESTROYED, bo, .bo = 5);
    define_resv(f, 0);
    PUT(f, BO_CREATED, bo, .bo = 6, .bytes = 4096);
    define_resv(f, 6);
    PUT(f, BO_CREATED, bo, .bo = 7, .bytes = 4096);
    define_resv(f, 7);
    eventlog_sync(f->log);

    names = log_fixture_text(f, "SELECT group_concat(name, ', ') FROM"
                                " (SELECT name FROM lock WHERE lock = 9"
                                "  ORDER BY id)");
    g_assert_cmpstr(names, ==, "bo_resv of bo 5, bo_resv of bo 6,"
                               " bo_resv of bo 7");
}

static void test_range_life(LogFixture *f, TEST_DATA)
{
    g_autofree char *states = NULL;

    log_fixture_begin(f);
    PUT(f, VM_CREATED, vm, .vm = 1, .gpu = 0, .asid = 5, .tgid = 50);
    PUT(f, RANGE_CREATED, range, .range = 7, .vm = 1, .va = 0x200000,
        .bytes = 0x200000);
    PUT(f, RANGE_STATE_CHANGED, range_state, .range = 7, .vm = 1,
        .va = 0x200000, .bytes = 0x200000, .state = 1,
        .owner = SVMGPU_TRACE_NO_GPU);
    PUT(f, MIGRATION_STARTED, migration_start, .migration = 3, .range = 7,
        .vm = 1, .cause = 1, .va = 0x200000, .bytes = 0x200000, .from = 1,
        .to = SVMGPU_TRACE_PLACE_VRAM(1));
    PUT(f, RANGE_STATE_CHANGED, range_state, .range = 7, .vm = 1,
        .va = 0x200000, .bytes = 0x200000, .state = 2, .owner = 1);
    /* no change */
    PUT(f, RANGE_STATE_CHANGED, range_state, .range = 7, .vm = 1,
        .va = 0x200000, .bytes = 0x200000, .state = 2, .owner = 1);
    PUT(f, MIGRATION_ENDED, migration_end, .migration = 3, .result = 0,
        .bytes = 0x1ff000);
    PUT(f, RANGE_DESTROYED, range, .range = 7, .vm = 1);
    PUT(f, VM_DESTROYED, vm, .vm = 1);
    eventlog_sync(f->log);

    states = log_fixture_text(f, "SELECT group_concat(state) FROM (SELECT"
                                 " state FROM range_state ORDER BY t0)");
    g_assert_cmpstr(states, ==, "unpopulated,system,GPU 1");
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM range_state WHERE"
                                       " t1 IS NULL"), ==, 0);
    g_assert_cmpint(log_fixture_ask(f, "SELECT moved_bytes FROM migration"
                                       " WHERE to_place = 'GPU 1' AND cause ="
                                       " 'fault' AND from_place = 'system'"),
                    ==, 0x1ff000);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM svm_range r JOIN"
                                       " gpu_vm v ON v.id = r.vm_id WHERE"
                                       " r.t1 IS NOT NULL AND v.t1 IS NOT"
                                       " NULL AND v.asid = 5"), ==, 1);
}

/* The two halves of a fault meet, in whatever order they come. */
static void test_fault_halves(LogFixture *f, TEST_DATA)
{
    const bool driver_first[] = { false, true };

    log_fixture_begin(f);
    eventlog_sync(f->log);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t id = 10 + i;
        EventlogEvent raised = { .kind = EVENTLOG_FAULT_RAISED, .id = id,
                                 .va = 0x5000, .engine = 1, .context = 3 };
        EventlogEvent answered = { .kind = EVENTLOG_FAULT_ANSWERED,
                                   .id = id };

        eventlog_emit(f->log, &raised);
        PUT(f, FAULT_PICKED, fault, .fault = id, .va = 0x5000, .vm = 1,
            .access = 2);
        PUT(f, FAULT_RETRIED, fault_step, .fault = id, .reason = 1,
            .attempt = 1);
        PUT(f, FAULT_ESCALATED, fault_step, .fault = id, .tier = 2,
            .attempt = 2);
        PUT(f, FAULT_ANSWERED, fault_answer, .fault = id, .outcome = 1,
            .verdict = 3, .attempts = 2, .tier = 2);
        if (driver_first[i]) {
            eventlog_sync(f->log);
            eventlog_emit(f->log, &answered);
        } else {
            eventlog_emit(f->log, &answered);
        }
        eventlog_sync(f->log);
    }
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM fault WHERE"
                                       " outcome = 'served' AND attempts = 2"
                                       " AND retries = 1 AND tier = 2 AND"
                                       " answers = 1 AND access = 'atomic'"
                                       " AND engine = 1 AND t_picked >="
                                       " t_raised AND t_answered >= t_picked"),
                    ==, 2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM fault_step WHERE"
                                       " fault_id IS NOT NULL"), ==, 4);
    /* an answer too many is seen, and belongs to no fault */
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_FAULT_ANSWERED,
                                             .id = 10 });
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM point WHERE kind"
                                       " = 'fault_answer_received' AND"
                                       " parent_id IS NULL"), ==, 1);
}

/* Guest time is off by a millisecond: cause and effect keep their order. */
static void test_causality(LogFixture *f, TEST_DATA)
{
    log_fixture_begin(f);
    eventlog_sync(f->log);
    for (int64_t off = -1; off <= 1; off += 2) {
        uint64_t id = 20 + off;
        uint64_t t = NOW;

        eventlog_emit(f->log, &(EventlogEvent) {
                                  .kind = EVENTLOG_FAULT_RAISED, .id = id,
                                  .time_ns = t });
        g_usleep(100);
        TRACE_PUT(&f->writer, 0, NOW + off * MS, 100, FAULT_PICKED, fault,
                  .fault = id, .vm = 1);
        g_usleep(100);
        TRACE_PUT(&f->writer, 0, NOW + off * MS, 100, FAULT_ANSWERED,
                  fault_answer, .fault = id, .outcome = 1, .attempts = 1);
        eventlog_emit(f->log, &(EventlogEvent) {
                                  .kind = EVENTLOG_FAULT_ANSWERED,
                                  .id = id });
        eventlog_sync(f->log);
        g_usleep(5000);
    }
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM fault WHERE"
                                       " t_picked >= t_raised AND t_picked <="
                                       " t_answered"), ==, 2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM fault f JOIN"
                                       " point p ON p.parent_id = f.id WHERE"
                                       " p.t NOT BETWEEN f.t_raised AND"
                                       " f.t_answered"), ==, 0);
    /* the map was bent, and says how wrong it was */
    g_assert_cmpint(log_fixture_ask(f, "SELECT max(error_ns) FROM"
                                       " clock_sample"), >=, 700000);
}

/* Records of two CPUs are handed over in the order of their time. */
static void test_merge(LogFixture *f, TEST_DATA)
{
    uint64_t t;

    log_fixture_begin(f);
    /* a little ahead: no pass takes some of them and not the others */
    t = NOW + 50 * MS;
    /* CPU 1 has the acquisition, CPU 0 (read first) the release */
    for (unsigned i = 0; i < 50; i++) {
        TRACE_PUT(&f->writer, 0, t + i * 1000 + 500, 100, LOCK_RELEASED, lock,
                  .lock = 1, .lock_class = 3);
        TRACE_PUT(&f->writer, 1, t + i * 1000, 100, LOCK_ACQUIRED, lock,
                  .lock = 1, .lock_class = 3);
    }
    g_usleep(60000);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_hold WHERE"
                                       " hold_ns = 500"), ==, 50);
}

/* A CPU did things in the order of its ring, whatever its clock says: the guest's
   fast clock can step back a little, and an interrupt can come between the
   reservation of a record and its time stamp. */
static void test_ring_order(LogFixture *f, TEST_DATA)
{
    uint64_t t;

    log_fixture_begin(f);
    t = NOW + 50 * MS;
    TRACE_PUT(&f->writer, 0, t + 900, 100, LOCK_ACQUIRED, lock, .lock = 2,
              .lock_class = 3);
    TRACE_PUT(&f->writer, 0, t + 100, 100, LOCK_RELEASED, lock, .lock = 2,
              .lock_class = 3);
    TRACE_PUT(&f->writer, 0, t + 2000, 100, LOCK_ACQUIRED, lock, .lock = 2,
              .lock_class = 3);
    TRACE_PUT(&f->writer, 0, t + 2300, 100, LOCK_RELEASED, lock, .lock = 2,
              .lock_class = 3);
    g_usleep(60000);
    eventlog_sync(f->log);
    /* and when a pass has taken the first already */
    TRACE_PUT(&f->writer, 0, t + 2200, 100, LOCK_ACQUIRED, lock, .lock = 2,
              .lock_class = 3);
    TRACE_PUT(&f->writer, 0, t + 2600, 100, LOCK_RELEASED, lock, .lock = 2,
              .lock_class = 3);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lock_hold"), ==,
                    3);
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(hold_ns) FROM lock_hold"),
                    ==, 600);
}

/* Every record type of the header is taken, none counts as bad. */
static void test_all_types(LogFixture *f, TEST_DATA)
{
    log_fixture_begin(f);
#define ONE(value, NAME, name, member)                                       \
    if ((value) != SVMGPU_TRACE_CLOCK_SAMPLED) {                             \
        struct svmgpu_trace_##member p;                                      \
                                                                             \
        memset(&p, 0, sizeof(p));                                            \
        memcpy(&p, &(uint32_t) { 1 }, sizeof(uint32_t));                     \
        g_assert_true(trace_writer_put(&f->writer, 1, NOW, 100, value, &p,   \
                                       sizeof(p)));                          \
    }
    SVMGPU_TRACE_TYPES(ONE)
#undef ONE
    eventlog_sync(f->log);
    log_fixture_close(f);
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(bad_records) FROM session"),
                    ==, 0);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM _point p WHERE"
                                       " NOT EXISTS (SELECT 1 FROM enum e"
                                       " WHERE e.enum = 'point_kind' AND"
                                       " e.value = p.kind)"), ==, 0);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM _interval p WHERE"
                                       " NOT EXISTS (SELECT 1 FROM enum e"
                                       " WHERE e.enum = 'interval_kind' AND"
                                       " e.value = p.kind)"), ==, 0);
}

/* --- the protocol ------------------------------------------------------------ */

/* Many laps around the ring; nothing is lost, nothing comes twice. */
static void test_laps(LogFixture *f, TEST_DATA)
{
    const unsigned n = 20 * FIXTURE_RECORDS + 17;

    log_fixture_begin(f);
    for (unsigned i = 0; i < n; i++) {
        while (!TRACE_PUT(&f->writer, 1, NOW, 100, MARK_SET, mark, "lap")) {
            g_error("the ring was full: drained too late");
        }
        if (i % 100 == 0) {
            eventlog_sync(f->log);
        }
    }
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, n);
}

static gpointer produce(gpointer data)
{
    LogFixture *f = data;

    for (unsigned i = 0; i < 20000; i++) {
        while (trace_writer_ring(&f->writer, 1)->head -
                   __atomic_load_n(&trace_writer_ring(&f->writer, 1)->tail,
                                   __ATOMIC_ACQUIRE) >= FIXTURE_RECORDS) {
            g_usleep(100);
        }
        mark(f, 1);
    }
    return NULL;
}

/* While the drain reads, somebody writes: no record is torn, none missing. */
static void test_concurrent(LogFixture *f, TEST_DATA)
{
    GThread *thread;

    log_fixture_begin(f);
    thread = g_thread_new("produce", produce, f);
    g_thread_join(thread);
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, 20000);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM mark WHERE text"
                                       " <> 'mark'"), ==, 0);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lost"), ==, 0);
}

static void test_lost(LogFixture *f, TEST_DATA)
{
    uint64_t first = 0, last = 0, lost = 0;
    EventlogStats stats;

    log_fixture_begin(f);
    eventlog_sync(f->log);
    f->writer.doorbell = NULL; /* nobody comes to empty the ring at once */
    for (unsigned i = 0; i < 100000 && lost < 500; i++) {
        uint64_t t = NOW;

        if (!TRACE_PUT(&f->writer, 1, t, 100, MARK_SET, mark, "x")) {
            first = first ? first : t;
            last = t;
            lost++;
        }
    }
    g_assert_cmpuint(lost, ==, 500);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(count) FROM lost WHERE"
                                       " source = 0 AND ring = 1"), ==, lost);
    g_assert_cmpint(ABS(log_fixture_ask(f, "SELECT max(t1) - min(t0) FROM"
                                           " lost") -
                        (int64_t)(last - first)), <, 1000000);
    eventlog_get_stats(f->log, &stats);
    g_assert_cmpuint(stats.lost, ==, lost);
}

/* A producer that was stopped in the middle of a record. */
static void test_torn(LogFixture *f, TEST_DATA)
{
    log_fixture_begin(f);
    mark(f, 0);
    trace_writer_tear(&f->writer, 0);
    mark(f, 0);
    mark(f, 1);
    eventlog_sync(f->log);
    /* what is behind it waits; the other ring does not */
    g_assert_cmpint(records_in_log(f), ==, 2);
    log_fixture_close(f);
    g_assert_cmpint(records_in_log(f), ==, 3);
    g_assert_cmpint(log_fixture_ask(f, "SELECT max(torn_records) FROM"
                                       " session"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count FROM lost WHERE source ="
                                       " 3"), ==, 1);
}

/* The doorbell is rung only when the consumer sleeps, and then wakes it. */
static void test_doorbell(LogFixture *f, TEST_DATA)
{
    uint64_t rung, begin;

    log_fixture_begin(f);
    for (int i = 0; i < 40; i++) {
        mark(f, 0);
        g_usleep(5000);
    }
    rung = f->writer.doorbells;
    g_assert_cmpuint(rung, <=, 2);
    begin = NOW;
    while (!__atomic_load_n(&header(f)->consumer_asleep, __ATOMIC_ACQUIRE)) {
        g_assert_cmpuint(NOW - begin, <, 5000 * MS);
        g_usleep(1000);
    }
    g_assert_cmpuint(NOW - begin, >=, 300 * MS);
    g_usleep(300 * 1000);
    mark(f, 0);
    g_assert_cmpuint(f->writer.doorbells, ==, rung + 1);
    g_assert_cmpuint(header(f)->consumer_asleep, ==, 0);
    begin = NOW;
    while (records_in_log(f) != 41) {
        g_assert_cmpuint(NOW - begin, <, 2000 * MS);
        g_usleep(1000);
    }
}

/* --- sessions ------------------------------------------------------------------ */

static void test_sessions(LogFixture *f, TEST_DATA)
{
    log_fixture_begin(f);
    eventlog_sync(f->log);
    PUT(f, LOCK_ACQUIRED, lock, .lock = 1, .lock_class = 3);
    trace_writer_end(&f->writer);
    eventlog_sync(f->log);
    /* what was held ends with the session, and says so */
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM interval WHERE"
                                       " kind = 'lock_hold' AND t1 IS NOT NULL"
                                       " AND unfinished"), ==, 1);
    /* loaded anew: the same ids mean other things */
    log_fixture_begin(f);
    PUT(f, LOCK_ACQUIRED, lock, .lock = 1, .lock_class = 3);
    PUT(f, LOCK_RELEASED, lock, .lock = 1, .lock_class = 3);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(DISTINCT lock_id) FROM"
                                       " lock_hold"), ==, 2);
    /* replaced without an end: the guest was reset behind our back */
    trace_writer_begin(&f->writer, f->area, f->area_bytes, FIXTURE_CPUS,
                       FIXTURE_RECORDS, 4711, NOW);
    mark(f, 0);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session WHERE id"
                                       " > 0"), ==, 3);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session WHERE id"
                                       " > 0 AND t1 IS NULL"), ==, 1);
    /* reset of the GPU */
    mark(f, 1);
    eventlog_drain_reset(f->drain);
    g_assert_cmpuint(header(f)->magic, ==, 0);
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, 2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session WHERE t1"
                                       " IS NULL AND id > 0"), ==, 0);
    log_fixture_begin(f);
    mark(f, 0);
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, 3);
}

/* No clock sample at all: a guess, with its error. */
static void test_no_clock(LogFixture *f, TEST_DATA)
{
    trace_writer_begin(&f->writer, f->area, f->area_bytes, FIXTURE_CPUS,
                       FIXTURE_RECORDS, 77, NOW);
    mark(f, 0);
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT error_ns FROM clock_sample"),
                    >=, 1000000000);
}

/* --- malice ------------------------------------------------------------------------ */

static void expect_refused(LogFixture *f, const char *what)
{
    f->writer.doorbell(f->writer.opaque);
    eventlog_sync(f->log);
    if (!log_fixture_ask(f, "SELECT count(*) FROM input_rejected")) {
        g_error("%s was not refused", what);
    }
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session WHERE id"
                                       " > 0"), ==, 0);
}

static void test_bad_headers(LogFixture *f, TEST_DATA)
{
    struct svmgpu_trace_header good;
    unsigned refused = 0;

    f->writer.doorbell = NULL;
    trace_writer_begin(&f->writer, f->area, f->area_bytes, FIXTURE_CPUS,
                       FIXTURE_RECORDS, 1, NOW);
    good = *header(f);
    header(f)->magic = 0;
    f->writer.doorbell = (void (*)(void *))eventlog_drain_kick;
    f->writer.opaque = f->drain;
#define REFUSE(field, value)                                                 \
    do {                                                                     \
        *header(f) = good;                                                   \
        header(f)->session = ++refused;                                      \
        header(f)->field = (value);                                          \
        expect_refused(f, #field " " #value);                                \
        g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM"            \
                                           " input_rejected"), ==, refused); \
    } while (0)
    REFUSE(version, 2);
    REFUSE(record_bytes, 128);
    REFUSE(ring_count, 0);
    REFUSE(ring_count, FIXTURE_CPUS + 1);
    REFUSE(ring_count, UINT32_MAX);
    REFUSE(ring_records, 0);
    REFUSE(ring_records, 100);
    REFUSE(ring_records, 1u << 31);
    REFUSE(ring_records, FIXTURE_RECORDS * 2);
    REFUSE(ring_stride_bytes, 0);
    REFUSE(ring_stride_bytes, 64);
    REFUSE(ring_stride_bytes, UINT64_MAX);
    REFUSE(ring_stride_bytes, UINT64_MAX - 4095);
    REFUSE(ring_stride_bytes, 1ULL << 63);
#undef REFUSE
    /* and the good one is taken, still */
    *header(f) = good;
    header(f)->session = 1000;
    f->writer.doorbell(f->writer.opaque);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session WHERE id"
                                       " > 0"), ==, 1);
}

static void test_bad_records(LogFixture *f, TEST_DATA)
{
    struct svmgpu_trace_ring *ring;
    EventlogStats stats;

    log_fixture_begin(f);
    /* unknown types, wild values */
    trace_writer_put(&f->writer, 0, NOW, 1, 0xfff, "", 1);
    trace_writer_put(&f->writer, 0, NOW, 1, 0x03, "", 1);
    PUT(f, RANGE_STATE_CHANGED, range_state, .range = 1, .state = 99);
    PUT(f, LOCK_ACQUIRED, lock, .lock = 1, .mode = 7);
    PUT(f, LOCK_ACQUIRED, lock, .lock = 1, .lock_class = 50000);
    PUT(f, FAULT_PICKED, fault, .fault = 1, .gpu = 40000);
    PUT(f, FAULT_ANSWERED, fault_answer, .fault = 1, .outcome = 77);
    PUT(f, CLOCK_SAMPLED, clock, .guest_before_ns = 9, .guest_after_ns = 1);
    PUT(f, CLOCK_SAMPLED, clock, NOW, UINT64_MAX, NOW);
    /* wild times */
    g_assert_true(TRACE_PUT(&f->writer, 0, UINT64_MAX, 1, MARK_SET, mark,
                            "later"));
    g_assert_true(TRACE_PUT(&f->writer, 0, 0, 1, MARK_SET, mark, "earlier"));
    eventlog_sync(f->log);
    eventlog_get_stats(f->log, &stats);
    g_assert_cmpuint(stats.bad_records, ==, 9);
    g_assert_cmpint(records_in_log(f), ==, 2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM mark WHERE t < 0"
                                       " OR t > (SELECT max(t1) FROM run)"),
                    ==, 0);

    /* a head that jumps, either way; a tail that somebody else writes */
    ring = trace_writer_ring(&f->writer, 1);
    ring->head = 1ULL << 40;
    eventlog_sync(f->log);
    ring->head = UINT64_MAX;
    eventlog_sync(f->log);
    ring->head = 0;
    ring->tail = 123456789;
    eventlog_sync(f->log);
    ring->lost = UINT64_MAX;
    ring->lost_first_ns = UINT64_MAX;
    eventlog_sync(f->log);
    ring->lost = 3;
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lost WHERE t1 <"
                                       " t0 OR count < 0"), ==, 0);
    /* the other ring works as before */
    mark(f, 0);
    eventlog_sync(f->log);
    g_assert_cmpint(records_in_log(f), ==, 3);
}

/* Anything at all in the area, again and again: no crash, no endless loop. */
static void test_random(LogFixture *f, TEST_DATA)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);
    const unsigned rounds = g_test_quick() ? 300 : 3000;

    for (unsigned round = 0; round < rounds; round++) {
        uint32_t *word = f->area;
        unsigned ring = g_rand_int_range(rand, 0, FIXTURE_CPUS);

        if (round % 20 == 0) {
            log_fixture_begin(f);
        }
        for (unsigned i = 0; i < 200; i++) {
            unsigned pos = g_rand_int_range(rand, 0, FIXTURE_RECORDS);
            unsigned type = g_rand_int_range(rand, 0, SVMGPU_TRACE_TYPE_COUNT);
            struct svmgpu_trace_record *rec =
                (struct svmgpu_trace_record *)
                    ((uint8_t *)trace_writer_ring(&f->writer, ring) +
                     SVMGPU_TRACE_RING_HEADER_BYTES) + pos;

            /* plausible tags, implausible content */
            for (unsigned w = 0; w < 16; w++) {
                ((uint32_t *)rec)[w] = g_rand_int_range(rand, 0, 3) ?
                                           g_rand_int_range(rand, 0, 9) :
                                           g_rand_int(rand);
            }
            rec->tag = svmgpu_trace_tag(
                type, pos + g_rand_int_range(rand, 0, 3) * FIXTURE_RECORDS,
                FIXTURE_RECORDS);
        }
        if (round % 7 == 0) {
            struct svmgpu_trace_ring *r = trace_writer_ring(&f->writer, ring);

            r->head = g_rand_int_range(rand, 0, 2) ? g_rand_int(rand) : 600;
            r->lost = g_rand_int(rand);
        }
        if (round % 31 == 0) {
            word[g_rand_int_range(rand, 0, 96)] = g_rand_int(rand);
        }
        eventlog_drain_kick(f->drain);
        if (round % 11 == 0) {
            eventlog_sync(f->log);
        }
        if (round % 97 == 0) {
            eventlog_drain_reset(f->drain);
        }
    }
    log_fixture_close(f);
    {
        g_autofree char *integrity =
            log_fixture_text(f, "PRAGMA integrity_check");

        g_assert_cmpstr(integrity, ==, "ok");
    }
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM _interval WHERE"
                                       " t1 < t0"), ==, 0);
}

/* An area that is too small for anything. */
static void test_tiny_area(LogFixture *f, TEST_DATA)
{
    static uint64_t tiny[8];
    EventlogDrain *drain = eventlog_drain_add(f->log, 1, tiny, sizeof(tiny));

    tiny[0] = SVMGPU_TRACE_MAGIC;
    eventlog_drain_kick(drain);
    eventlog_sync(f->log);
    eventlog_drain_reset(drain);
    eventlog_drain_remove(drain);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM session"), ==, 1);
}

#define ADD(name, function)                                                  \
    g_test_add("/eventlog/drain/" name, LogFixture, NULL,                    \
               log_fixture_set_up, function, log_fixture_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("locks", test_locks);
    ADD("lock-owners", test_lock_owners);
    ADD("range-life", test_range_life);
    ADD("fault-halves", test_fault_halves);
    ADD("causality", test_causality);
    ADD("merge", test_merge);
    ADD("ring-order", test_ring_order);
    ADD("all-types", test_all_types);
    ADD("laps", test_laps);
    ADD("concurrent", test_concurrent);
    ADD("lost", test_lost);
    ADD("torn", test_torn);
    ADD("doorbell", test_doorbell);
    ADD("sessions", test_sessions);
    ADD("no-clock", test_no_clock);
    ADD("bad-headers", test_bad_headers);
    ADD("bad-records", test_bad_records);
    ADD("random", test_random);
    ADD("tiny-area", test_tiny_area);
    return g_test_run();
}

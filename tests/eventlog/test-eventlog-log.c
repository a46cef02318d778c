/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log as the device process uses it: opening, events of the device,
 * commits, loss, and what a killed process leaves.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log-fixture.h"

#define MS 1000000ULL

/* --- events of the device -------------------------------------------------- */

static void test_device_events(LogFixture *f, TEST_DATA)
{
    uint64_t t = NOW;
    g_autofree char *engine = NULL;
    g_autofree char *outcome = NULL;

    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_GPU_DEFINED,
                                             .gpu = 1, .bytes = 1 << 28,
                                             .text = "gpu1" });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_ENGINE_DEFINED,
                                             .gpu = 1, .engine = 2,
                                             .text = "vcs1" });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_RUN_STARTED,
                                             .gpu = 1, .engine = 2,
                                             .context = 7, .asid = 3,
                                             .time_ns = t });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_FAULT_RAISED,
                                             .gpu = 1, .engine = 2,
                                             .context = 7, .asid = 3,
                                             .id = 55, .va = 0x7f0012345000,
                                             .a = 1, .time_ns = t + 1000 });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_RUN_ENDED,
                                             .gpu = 1, .engine = 2,
                                             .a = EVENTLOG_RUN_FAULTED,
                                             .time_ns = t + 1500 });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_FAULT_ANSWERED,
                                             .gpu = 1, .id = 55,
                                             .time_ns = t + 4000 });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_COPY_STARTED,
                                             .gpu = 1, .id = 9, .a = 1,
                                             .b = 0x101, .bytes = 4096,
                                             .time_ns = t });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_COPY_ENDED,
                                             .gpu = 1, .id = 9,
                                             .time_ns = t + 10 });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_STALE_HIT_FOUND,
                                             .gpu = 1, .va = 0x1000,
                                             .asid = 3 });
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_NOTE_WRITTEN,
                                             .gpu = EVENTLOG_NO_GPU,
                                             .text = "h\xffllo" });
    eventlog_sync(f->log);

    g_assert_cmpint(log_fixture_ask(f, "SELECT vram_bytes FROM gpu"), ==,
                    1 << 28);
    engine = log_fixture_text(f, "SELECT name FROM engine WHERE engine = 2");
    g_assert_cmpstr(engine, ==, "gpu1 vcs1");
    g_assert_cmpint(log_fixture_ask(f, "SELECT t1 - t0 FROM engine_run"), ==,
                    1500);
    g_assert_cmpint(log_fixture_ask(f, "SELECT latency_ns FROM fault"), ==,
                    3000);
    g_assert_cmpint(log_fixture_ask(f, "SELECT answers FROM fault"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT va FROM fault"), ==,
                    0x7f0012345000);
    outcome = log_fixture_text(f, "SELECT outcome FROM fault");
    g_assert_cmpstr(outcome, ==, "served");
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM copy"
                                       " WHERE from_place = 'system'"
                                       " AND to_place = 'GPU 1'"
                                       " AND bytes = 4096"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT va FROM stale_hit"), ==,
                    0x1000);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM point"
                                       " WHERE kind = 'note_written'"), ==, 1);
    /* density: one fault, two levels of sums at least */
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(count) FROM density WHERE"
                                       " thing_id = 0 AND level = 0 AND"
                                       " kind = 5 AND NOT is_point"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT sum(busy_ns) FROM density WHERE"
                                       " thing_id = 0 AND level = 4 AND"
                                       " kind = 7"), ==, 1500);
}

/* Committed within 100 ms, by itself. */
static void test_commits_alone(LogFixture *f, TEST_DATA)
{
    uint64_t begin;

    eventlog_sync(f->log);
    begin = NOW;
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_DOORBELL_RUNG,
                                             .gpu = 0 });
    while (!log_fixture_ask(f, "SELECT count(*) FROM point")) {
        g_assert_cmpuint(NOW - begin, <, 2000 * MS);
        g_usleep(1000);
    }
    g_test_message("committed after %.1f ms", (NOW - begin) / 1e6);
}

/* Nothing to write: no commits, next to no CPU time, no wake-ups. */
static void test_idle(LogFixture *f, TEST_DATA)
{
    EventlogStats before, after;
    struct rusage ru0, ru1;
    long switches;

    log_fixture_begin(f);
    eventlog_sync(f->log);
    g_usleep(900 * 1000); /* the drain falls asleep */
    eventlog_get_stats(f->log, &before);
    getrusage(RUSAGE_SELF, &ru0);
    g_usleep(1000 * 1000);
    getrusage(RUSAGE_SELF, &ru1);
    eventlog_get_stats(f->log, &after);
    g_assert_cmpuint(after.commits, ==, before.commits);
    switches = ru1.ru_nvcsw - ru0.ru_nvcsw;
    g_test_message("%ld voluntary context switches in 1 s", switches);
    g_assert_cmpint(switches, <, 8);
}

static void test_open_intervals(LogFixture *f, TEST_DATA)
{
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_RUN_STARTED,
                                             .gpu = 0, .engine = 0 });
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM interval WHERE"
                                       " unfinished AND t_end >= t0 AND t1"
                                       " IS NULL"), ==, 1);
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_RUN_ENDED,
                                             .gpu = 0, .engine = 0 });
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM interval WHERE"
                                       " NOT unfinished AND t1 >= t0"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM interval"), ==,
                    1);
}

/* --- overload -------------------------------------------------------------- */

static void test_queue_loss(void)
{
    g_autofree char *folder = g_dir_make_tmp("eventlog-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "log.db", NULL);
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    g_autofree char *errmsg = NULL;
    EventlogConfig config = { .path = path, .queue_events = 64 };
    LogFixture reader = { .path = path };
    uint64_t sent = 0, lost = 0, first = 0, last = 0;
    EventlogStats stats;
    Eventlog *log;

    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, 0);
    for (int i = 0; i < 200000; i++) {
        EventlogEvent ev = { .kind = EVENTLOG_DOORBELL_RUNG, .gpu = 0,
                             .time_ns = NOW };

        sent++;
        if (!eventlog_emit(log, &ev)) {
            lost++;
            first = first ? first : ev.time_ns;
            last = ev.time_ns;
        }
    }
    eventlog_sync(log);
    eventlog_get_stats(log, &stats);
    g_test_message("lost %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
                   (guint64)lost, (guint64)sent);
    g_assert_cmpuint(lost, >, 0);
    g_assert_cmpuint(stats.device_events, ==, sent - lost);
    g_assert_cmpuint(stats.lost, ==, lost);
    g_assert_cmpint(log_fixture_ask(&reader, "SELECT sum(count) FROM lost"
                                             " WHERE source = 1"), ==, lost);
    g_assert_cmpint(log_fixture_ask(&reader, "SELECT count(*) FROM point"), ==,
                    sent - lost);
    /* the spans of time cover the losses */
    g_assert_cmpint(log_fixture_ask(&reader, "SELECT max(t1) - min(t0) FROM"
                                             " lost"), ==, last - first);

    /* the other way: producers wait, nothing more is lost */
    for (int i = 0; i < 20000; i++) {
        eventlog_emit_wait(log, &(EventlogEvent) {
                                    .kind = EVENTLOG_INTERRUPT_RAISED });
    }
    eventlog_sync(log);
    g_assert_cmpint(log_fixture_ask(&reader, "SELECT count(*) FROM point WHERE"
                                             " kind = 'interrupt_raised'"),
                    ==, 20000);
    g_assert_cmpint(log_fixture_ask(&reader, "SELECT sum(count) FROM lost"),
                    ==, lost);
    eventlog_close(log);
    sqlite3_close(reader.db);
    g_unlink(path);
    g_unlink(wal);
    g_rmdir(folder);
}

static gpointer emit_many(gpointer data)
{
    LogFixture *f = data;

    for (int i = 0; i < 20000; i++) {
        eventlog_emit_wait(f->log, &(EventlogEvent) {
                                       .kind = EVENTLOG_DOORBELL_RUNG });
    }
    return NULL;
}

static void test_threads(LogFixture *f, TEST_DATA)
{
    GThread *thread[4];

    for (int i = 0; i < 4; i++) {
        thread[i] = g_thread_new("emit", emit_many, f);
    }
    for (int i = 0; i < 4; i++) {
        g_thread_join(thread[i]);
    }
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM point"), ==,
                    80000);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM lost"), ==, 0);
}

/* --- opening ------------------------------------------------------------------ */

static void test_null_log(void)
{
    EventlogStats stats;

    g_assert_true(eventlog_emit(NULL, &(EventlogEvent) { 0 }));
    eventlog_emit_wait(NULL, &(EventlogEvent) { 0 });
    eventlog_sync(NULL);
    eventlog_get_stats(NULL, &stats);
    g_assert_null(eventlog_drain_add(NULL, 0, NULL, 0));
    eventlog_drain_kick(NULL);
    eventlog_drain_reset(NULL);
    eventlog_drain_remove(NULL);
    eventlog_close(NULL);
}

static void test_open_refused(LogFixture *f, TEST_DATA)
{
    g_autofree char *other = g_build_filename(f->folder, "other", NULL);
    g_autofree char *db = g_build_filename(f->folder, "other.db", NULL);
    EventlogConfig config = { .path = f->path };
    char *errmsg = NULL;
    sqlite3 *sq = NULL;
    Eventlog *log;

    /* somebody writes it already */
    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, -EBUSY);
    g_assert_null(log);
    g_assert_nonnull(strstr(errmsg, "another process"));
    g_clear_pointer(&errmsg, g_free);
    /* no such folder */
    config.path = "/no/such/folder/log.db";
    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, -ENOENT);
    g_clear_pointer(&errmsg, g_free);
    /* a text file; it stays as it is */
    g_assert_true(g_file_set_contents(other, "this is a letter, and long "
                                      "enough to be read as a header, since "
                                      "that has one hundred bytes, or so it "
                                      "is said in the document of the format",
                                      -1, NULL));
    config.path = other;
    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, -EEXIST);
    g_assert_nonnull(strstr(errmsg, "not an event log"));
    g_clear_pointer(&errmsg, g_free);
    /* somebody else's database, and a log of a later version */
    g_assert_cmpint(sqlite3_open(db, &sq), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(sq, "CREATE TABLE t (x)", NULL, NULL, NULL),
                    ==, SQLITE_OK);
    config.path = db;
    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, -EEXIST);
    g_clear_pointer(&errmsg, g_free);
    g_assert_cmpint(sqlite3_exec(sq, "PRAGMA application_id = 1398164821;"
                                     "PRAGMA user_version = 2", NULL, NULL,
                                 NULL), ==, SQLITE_OK);
    g_assert_cmpint(eventlog_open(&log, &config, &errmsg), ==, -EEXIST);
    g_assert_nonnull(strstr(errmsg, "version 2"));
    g_clear_pointer(&errmsg, g_free);
    sqlite3_close(sq);
}

/* A second process goes on with the file: another run, later times. */
static void test_continued(LogFixture *f, TEST_DATA)
{
    EventlogConfig config = { .path = f->path, .creator = "second" };
    g_autofree char *errmsg = NULL;
    EventlogEvent gpu = { .kind = EVENTLOG_GPU_DEFINED, .gpu = 0,
                          .bytes = 4096, .text = "gpu0" };
    EventlogEvent run = { .kind = EVENTLOG_RUN_STARTED, .gpu = 0 };

    eventlog_emit(f->log, &gpu);
    eventlog_emit(f->log, &run);
    log_fixture_close(f);
    g_assert_cmpint(log_fixture_ask(f, "SELECT closed FROM run"), ==, 1);
    g_usleep(20000);
    g_assert_cmpint(eventlog_open(&f->log, &config, &errmsg), ==, 0);
    eventlog_emit(f->log, &gpu);
    eventlog_emit(f->log, &run);
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM run"), ==, 2);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM gpu"), ==, 1);
    g_assert_cmpint(log_fixture_ask(f, "SELECT b.t0 >= a.t1 + 20000000 FROM"
                                       " run a, run b WHERE a.id = 1 AND"
                                       " b.id = 2"), ==, 1);
    /* the one that never ended ends with its run, for readers */
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM interval i"
                                       " JOIN run r ON r.id = 1 WHERE"
                                       " i.unfinished AND i.t_end = r.t1"),
                    ==, 1);
}

/* --- killed ---------------------------------------------------------------------- */

typedef struct Shared {
    uint64_t device_ns; /* the latest event that was emitted */
    uint64_t driver_ns; /* the latest record */
    bool ready;
} Shared;

static void kick(void *drain)
{
    eventlog_drain_kick(drain);
}

/* The process that is to be killed: writes until then. */
G_NORETURN static void victim(const char *path, volatile Shared *shared)
{
    EventlogConfig config = { .path = path };
    TraceWriter writer = { 0 };
    char *errmsg = NULL;
    uint32_t lock = 0;
    Eventlog *log;
    size_t bytes;
    void *area;

    if (eventlog_open(&log, &config, &errmsg)) {
        _exit(1);
    }
    area = trace_area_new(1, 65536, &bytes);
    writer.opaque = eventlog_drain_add(log, 0, area, bytes);
    writer.doorbell = kick;
    trace_writer_begin(&writer, area, bytes, 1, 65536, 1, NOW);
    TRACE_PUT(&writer, 0, NOW, 1, CLOCK_SAMPLED, clock, NOW, NOW, NOW);
    for (;;) {
        uint64_t now = NOW;

        eventlog_emit(log, &(EventlogEvent) { .kind = EVENTLOG_DOORBELL_RUNG,
                                              .time_ns = now });
        shared->device_ns = now;
        now = NOW;
        lock = lock % 50 + 1;
        TRACE_PUT(&writer, 0, now, 1, LOCK_ACQUIRED, lock, .lock = lock,
                  .lock_class = 3);
        shared->driver_ns = now;
        TRACE_PUT(&writer, 0, NOW, 1, LOCK_RELEASED, lock, .lock = lock,
                  .lock_class = 3);
        shared->ready = true;
        g_usleep(100);
    }
}

static void test_killed(void)
{
    g_autofree char *folder = g_dir_make_tmp("eventlog-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "log.db", NULL);
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    g_autofree char *shm = g_strconcat(path, "-shm", NULL);
    volatile Shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const unsigned rounds = g_test_quick() ? 4 : 20;

    for (unsigned round = 0; round < rounds; round++) {
        LogFixture reader = { .path = path };
        g_autofree char *integrity = NULL;
        int64_t start, device, driver, lag_device, lag_driver;
        pid_t pid;

        shared->ready = false;
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (!pid) {
            victim(path, shared);
        }
        while (!shared->ready) {
            g_usleep(1000);
        }
        g_usleep(600000 + g_random_int_range(0, 200000));
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);

        integrity = log_fixture_text(&reader, "PRAGMA integrity_check");
        g_assert_cmpstr(integrity, ==, "ok");
        start = log_fixture_ask(&reader, "SELECT start_monotonic_ns - t0 FROM"
                                         " run ORDER BY id DESC");
        device = log_fixture_ask(&reader, "SELECT max(t) FROM point");
        driver = log_fixture_ask(&reader, "SELECT max(t0) FROM lock_hold");
        lag_device = shared->device_ns - (start + device);
        lag_driver = shared->driver_ns - (start + driver);
        g_test_message("lacks %.1f ms of the device, %.1f ms of the driver",
                       lag_device / 1e6, lag_driver / 1e6);
        g_assert_cmpint(lag_device, <=, 200 * MS);
        g_assert_cmpint(lag_driver, <=, 200 * MS);
        g_assert_cmpint(log_fixture_ask(&reader, "SELECT closed FROM run ORDER"
                                                 " BY id DESC"), ==, 0);
        g_assert_cmpint(log_fixture_ask(&reader, "SELECT count(*) FROM lost"),
                        ==, 0);
        sqlite3_close(reader.db);
    }
    munmap((void *)shared, sizeof(*shared));
    g_unlink(path);
    g_unlink(wal);
    g_unlink(shm);
    g_rmdir(folder);
}

/* The disk is full for a while: counted, and the log goes on. */
static void test_write_errors(LogFixture *f, TEST_DATA)
{
    struct rlimit old, small;
    EventlogStats stats;

    signal(SIGXFSZ, SIG_IGN);
    eventlog_sync(f->log);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 4096; /* no file may grow */
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 1000; i++) {
        eventlog_emit_wait(f->log, &(EventlogEvent) {
                                       .kind = EVENTLOG_DOORBELL_RUNG });
    }
    eventlog_sync(f->log);
    setrlimit(RLIMIT_FSIZE, &old);
    eventlog_get_stats(f->log, &stats);
    g_assert_cmpuint(stats.write_errors, >, 0);
    for (int i = 0; i < 10; i++) {
        eventlog_emit_wait(f->log, &(EventlogEvent) {
                                       .kind = EVENTLOG_INTERRUPT_RAISED });
    }
    eventlog_sync(f->log);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM point WHERE"
                                       " kind = 'interrupt_raised'"), ==, 10);
    g_assert_cmpint(log_fixture_ask(f, "SELECT count(*) FROM point WHERE"
                                       " kind = 'doorbell_rung'")
                    + log_fixture_ask(f, "SELECT coalesce(sum(count), 0) FROM"
                                         " lost WHERE source = 5"),
                    >=, 1000);
}

#define ADD(name, function)                                                  \
    g_test_add("/eventlog/log/" name, LogFixture, NULL, log_fixture_set_up,  \
               function, log_fixture_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* First: it forks, and nothing may run beside it. */
    g_test_add_func("/eventlog/log/killed", test_killed);
    ADD("device-events", test_device_events);
    ADD("commits-alone", test_commits_alone);
    ADD("idle", test_idle);
    ADD("open-intervals", test_open_intervals);
    ADD("threads", test_threads);
    ADD("open-refused", test_open_refused);
    ADD("continued", test_continued);
    ADD("write-errors", test_write_errors);
    g_test_add_func("/eventlog/log/queue-loss", test_queue_loss);
    g_test_add_func("/eventlog/log/null", test_null_log);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docs/rules.md as svmgpu-log runs it: for each rule a log that keeps it and
 * one that breaks it, and a log that says nothing.
 *
 * Environment: SVMGPU_LOG, MAKE_SAMPLE_LOG (programs).
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#include "log-fixture.h"

enum { VM = 1, RESV, EXT, NOTIFIER, MMAP, COPY, GPUVA };

static const struct {
    unsigned lock_class, rank;
    const char *name;
} classes[] = {
    [VM] = { SVMGPU_TRACE_CLASS_VM, 20, "vm" },
    [RESV] = { SVMGPU_TRACE_CLASS_VM_RESV, 50, "vm_resv" },
    [EXT] = { SVMGPU_TRACE_CLASS_BO_RESV, 51, "bo_resv" },
    [NOTIFIER] = { SVMGPU_TRACE_CLASS_NOTIFIER, 70, "notifier" },
    [MMAP] = { SVMGPU_TRACE_CLASS_MMAP, 30, "mmap" },
    [COPY] = { SVMGPU_TRACE_CLASS_COPY, 76, "copy" },
    [GPUVA] = { SVMGPU_TRACE_CLASS_GPUVA, 52, "gpuva" },
};

static void get(LogFixture *f, unsigned lock, unsigned mode)
{
    PUT(f, LOCK_ACQUIRED, lock, .lock = lock,
        .lock_class = classes[lock].lock_class, .mode = mode, .vm = 1);
}

static void put(LogFixture *f, unsigned lock, unsigned mode)
{
    PUT(f, LOCK_RELEASED, lock, .lock = lock,
        .lock_class = classes[lock].lock_class, .mode = mode, .vm = 1);
}

static void begin(LogFixture *f)
{
    log_fixture_begin(f);
    for (unsigned i = 1; i < G_N_ELEMENTS(classes); i++) {
        struct svmgpu_trace_lock_class c = {
            .lock_class = classes[i].lock_class,
            .rank = classes[i].rank,
        };

        memcpy(c.name, classes[i].name, strlen(classes[i].name));
        g_assert_true(trace_writer_put(&f->writer, 0, NOW, 1,
                                       SVMGPU_TRACE_LOCK_CLASS_DEFINED, &c,
                                       sizeof(c)));
        PUT(f, LOCK_DEFINED, lock_instance, .lock = i,
            .lock_class = classes[i].lock_class, .vm = 1,
            .bo = i == EXT ? 5 : 0);
    }
}

#define PHASE(f, NAME, ...)                                                  \
    PUT(f, NAME, phase, .vm = 1, .attempt = 1, __VA_ARGS__)
#define BY_EXEC .owner = SVMGPU_TRACE_OWNER_EXEC, .owner_id = 9
#define BY_FAULT .owner = SVMGPU_TRACE_OWNER_FAULT, .owner_id = 9

static void l1(LogFixture *f, bool bad)
{
    PHASE(f, EXEC_STARTED, BY_EXEC);
    get(f, RESV, 0);
    get(f, EXT, 0);
    PHASE(f, EXEC_LOCKED, BY_EXEC, .value = 2);
    if (bad) {
        put(f, EXT, 0);
    }
    PHASE(f, FENCE_PUBLISHED, BY_EXEC, .value = 2);
    put(f, RESV, 0);
    PHASE(f, EXEC_ENDED, BY_EXEC);
}

static void l2(LogFixture *f, bool bad)
{
    PHASE(f, EXEC_STARTED, BY_EXEC);
    get(f, RESV, 0);
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 3, .bo = 5,
        .list = SVMGPU_TRACE_LIST_REBIND, BY_EXEC);
    PHASE(f, VMA_REVALIDATED, BY_EXEC, .object = 3);
    if (!bad) {
        PUT(f, LIST_REMOVED, list_change, .vm = 1, .object = 3, .bo = 5,
            .list = SVMGPU_TRACE_LIST_REBIND, BY_EXEC);
    }
    PHASE(f, FENCE_PUBLISHED, BY_EXEC);
    put(f, RESV, 0);
    PHASE(f, EXEC_ENDED, BY_EXEC);
}

static void l3(LogFixture *f, bool bad)
{
    get(f, bad ? RESV : MMAP, 0);
    get(f, bad ? MMAP : RESV, 0);
    put(f, RESV, 0);
    put(f, MMAP, 0);
}

/* Among reservations the ticket decides: a contended one is locked first. */
static void l3_ticket(LogFixture *f, bool bad)
{
    get(f, bad ? NOTIFIER : EXT, 0);
    get(f, bad ? EXT : RESV, 0);
    put(f, bad ? EXT : RESV, 0);
    put(f, bad ? NOTIFIER : EXT, 0);
}

static void l4(LogFixture *f, bool bad)
{
    PUT(f, INVALIDATION_STARTED, invalidation_start, .invalidation = 1,
        .vm = 1);
    get(f, bad ? RESV : NOTIFIER, 0);
    put(f, bad ? RESV : NOTIFIER, 0);
    PUT(f, INVALIDATION_ENDED, invalidation_end, .invalidation = 1);
}

static void l5(LogFixture *f, bool bad)
{
    PHASE(f, EXEC_STARTED, BY_EXEC);
    get(f, NOTIFIER, 1);
    PHASE(f, SEQ_CHECKED, BY_EXEC);
    if (bad) {
        put(f, NOTIFIER, 1);
        get(f, NOTIFIER, 1);
    }
    PHASE(f, FENCE_PUBLISHED, BY_EXEC);
    put(f, NOTIFIER, 1);
    PHASE(f, EXEC_ENDED, BY_EXEC);
}

static void l6(LogFixture *f, bool bad)
{
    if (bad) {
        get(f, EXT, 0);
    }
    PHASE(f, PAGES_OBTAINED, BY_FAULT);
    if (bad) {
        put(f, EXT, 0);
    }
}

static void l7(LogFixture *f, bool bad)
{
    get(f, VM, bad ? 1 : 0);
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 3,
        .list = SVMGPU_TRACE_LIST_PARTITION);
    put(f, VM, bad ? 1 : 0);
}

static void l8(LogFixture *f, bool bad)
{
    get(f, EXT, 0);
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 5, .bo = 5,
        .list = SVMGPU_TRACE_LIST_EVICT,
        .owner = SVMGPU_TRACE_OWNER_EVICTION);
    put(f, EXT, 0);
    get(f, RESV, 0);
    if (!bad) {
        get(f, EXT, 0);
    }
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 5, .bo = 5,
        .list = SVMGPU_TRACE_LIST_EVICT, BY_EXEC);
    put(f, RESV, 0);
}

/* The object is gone and another has its address, and so its lock's name. */
static void l8_reused(LogFixture *f, bool bad)
{
    if (!bad) {
        get(f, EXT, 0);
    }
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 5, .bo = 5,
        .list = SVMGPU_TRACE_LIST_EVICT,
        .owner = SVMGPU_TRACE_OWNER_EVICTION);
    if (!bad) {
        put(f, EXT, 0);
    }
    PUT(f, LOCK_DEFINED, lock_instance, .lock = EXT,
        .lock_class = classes[EXT].lock_class, .vm = 1, .bo = 6);
    get(f, EXT, 0);
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 6, .bo = 6,
        .list = SVMGPU_TRACE_LIST_EVICT,
        .owner = SVMGPU_TRACE_OWNER_EVICTION);
    put(f, EXT, 0);
}

/* TTM locked another VM's object; a reservation of nobody is not that VM's. */
static void l8_foreign(LogFixture *f, bool bad)
{
    PUT(f, LOCK_ACQUIRED, lock, .lock = 20,
        .lock_class = classes[RESV].lock_class, .vm = bad ? 0 : 2,
        .flags = SVMGPU_TRACE_LOCK_TRY);
    PUT(f, LIST_ADDED, list_change, .vm = 2, .object = 6, .bo = 6,
        .list = SVMGPU_TRACE_LIST_EVICT,
        .owner = SVMGPU_TRACE_OWNER_EVICTION);
    PUT(f, LOCK_RELEASED, lock, .lock = 20,
        .lock_class = classes[RESV].lock_class);
}

static void l9(LogFixture *f, bool bad)
{
    get(f, RESV, 0);
    PUT(f, PT_WRITTEN, pt, .vm = 1, .kind = SVMGPU_TRACE_VMA_BO);
    if (!bad) {
        get(f, NOTIFIER, 1);
    }
    PUT(f, PT_WRITTEN, pt, .vm = 1, .kind = SVMGPU_TRACE_VMA_USERPTR);
    if (!bad) {
        put(f, NOTIFIER, 1);
    }
    put(f, RESV, 0);
}

static void l10(LogFixture *f, bool bad)
{
    PUT(f, PT_FREED, pt, .vm = 1,
        .owner = bad ? SVMGPU_TRACE_OWNER_INVALIDATION
                     : SVMGPU_TRACE_OWNER_BIND);
}

static void l11(LogFixture *f, bool bad)
{
    PUT(f, EVICTION_STARTED, eviction, .eviction = 4, .bo = 5);
    PUT(f, EVICTION_FENCED, eviction, .eviction = 4, .fences = bad);
    PUT(f, EVICTION_ENDED, eviction, .eviction = 4);
}

static void l12(LogFixture *f, bool bad)
{
    if (!bad) {
        get(f, VM, 0);
    }
    get(f, GPUVA, 0);
    PUT(f, LIST_ADDED, list_change, .vm = 1, .object = 3, .bo = 5,
        .list = SVMGPU_TRACE_LIST_GPUVA);
    put(f, GPUVA, 0);
    if (!bad) {
        put(f, VM, 0);
    }
}

static void s1(LogFixture *f, bool bad)
{
    /* the write side is the exception */
    get(f, MMAP, 0);
    PHASE(f, SEQ_BEGUN, BY_FAULT);
    put(f, MMAP, 0);
    if (bad) {
        get(f, MMAP, 1);
        PHASE(f, SEQ_BEGUN, BY_FAULT);
        put(f, MMAP, 1);
    }
}

static void fault(LogFixture *f, unsigned attempts, unsigned outcome)
{
    PUT(f, FAULT_PICKED, fault, .fault = 9, .vm = 1);
    PUT(f, FAULT_VMA_FOUND, fault_step, .fault = 9, .vm = 1, .reason = 3,
        .attempt = 1);
    PUT(f, FAULT_ANSWERED, fault_answer, .fault = 9, .vm = 1,
        .outcome = outcome, .verdict = SVMGPU_TRACE_VERDICT_PERMITTED,
        .attempts = attempts);
}

static void s2(LogFixture *f, bool bad)
{
    fault(f, bad ? 2 : 1, SVMGPU_TRACE_FAULT_SERVED);
}

static void s3(LogFixture *f, bool bad)
{
    get(f, RESV, 0);
    get(f, NOTIFIER, 1);
    PHASE(f, SEQ_CHECKED, BY_FAULT, .value = bad);
    PUT(f, PT_WRITTEN, pt, .vm = 1, .kind = SVMGPU_TRACE_VMA_MIRROR);
    put(f, NOTIFIER, 1);
    put(f, RESV, 0);
}

static void s4(LogFixture *f, bool bad)
{
    PUT(f, INVALIDATION_STARTED, invalidation_start, .invalidation = 1,
        .vm = 1);
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_FLUSHED });
    PUT(f, INVALIDATION_ENDED, invalidation_end, .invalidation = 1,
        .flags = 3);
    if (bad) {
        eventlog_emit(f->log, &(EventlogEvent) {
                                  .kind = EVENTLOG_STALE_HIT_FOUND });
    }
}

static void s5(LogFixture *f, bool bad)
{
    fault(f, 1, bad ? SVMGPU_TRACE_FAULT_FAILED : SVMGPU_TRACE_FAULT_SERVED);
}

static void s6(LogFixture *f, bool bad)
{
    EventlogEvent answer = { .kind = EVENTLOG_FAULT_ANSWERED, .id = 9 };

    eventlog_sync(f->log);
    eventlog_emit(f->log, &(EventlogEvent) { .kind = EVENTLOG_FAULT_RAISED,
                                             .id = 9 });
    fault(f, 1, SVMGPU_TRACE_FAULT_SERVED);
    eventlog_emit(f->log, &answer);
    if (bad) {
        eventlog_emit(f->log, &answer);
    }
}

static void s7(LogFixture *f, bool bad)
{
    PUT(f, SCAN_COMPLETED, scan, .range = 3, .vm = 1,
        .state = bad ? SVMGPU_TRACE_STATE_SYSTEM : SVMGPU_TRACE_STATE_GPU,
        .seen = bad ? SVMGPU_TRACE_SEEN_SYSTEM : SVMGPU_TRACE_SEEN_TARGET);
}

/* Another GPU: the target itself, or a place that pages are to leave. */
static void s7_other(LogFixture *f, bool bad)
{
    PUT(f, SCAN_COMPLETED, scan, .range = 3, .vm = 1,
        .state = SVMGPU_TRACE_STATE_OTHER_GPU,
        .seen = bad ? SVMGPU_TRACE_SEEN_OTHER : SVMGPU_TRACE_SEEN_TARGET);
    PUT(f, SCAN_COMPLETED, scan, .range = 3, .vm = 1, .policy = 1,
        .state = SVMGPU_TRACE_STATE_OTHER_GPU,
        .seen = SVMGPU_TRACE_SEEN_OTHER);
    PUT(f, SCAN_COMPLETED, scan, .range = 3, .vm = 1, .collisions = 9,
        .state = SVMGPU_TRACE_STATE_SYSTEM, .seen = SVMGPU_TRACE_SEEN_SYSTEM);
}

static void s8(LogFixture *f, bool bad)
{
    EventlogEvent ev = { .kind = EVENTLOG_PAGE_STATE_CHANGED, .va = 4096,
                         .a = EVENTLOG_PAGE_OWNED, .asid = 1 };

    eventlog_emit(f->log, &ev);
    if (!bad) {
        ev.a = EVENTLOG_PAGE_FREE;
        eventlog_emit(f->log, &ev);
        ev.a = EVENTLOG_PAGE_OWNED;
    }
    ev.asid = 2;
    eventlog_emit(f->log, &ev);
}

/* The other half of S8: a range does not outlive its VM. */
static void s8_end(LogFixture *f, bool bad)
{
    PUT(f, VM_CREATED, vm, .vm = 1);
    PUT(f, RANGE_CREATED, range, .range = 2, .vm = 1, .bytes = 4096);
    if (!bad) {
        PUT(f, RANGE_DESTROYED, range, .range = 2, .vm = 1);
    }
    PUT(f, VM_DESTROYED, vm, .vm = 1);
}

static void s10(LogFixture *f, bool bad)
{
    PUT(f, MIGRATION_STARTED, migration_start, .migration = 1, .from = 1,
        .to = 0x100);
    PUT(f, MIGRATION_ENDED, migration_end, .migration = 1,
        .checksum_before = 77, .checksum_after = 77 + bad);
}

static void d1(LogFixture *f, bool bad)
{
    PUT(f, QUEUE_CREATED, queue, .queue = 4, .vm = 1);
    PUT(f, JOB_ARMED, job, .job = 7, .queue = 4, .vm = 1);
    PUT(f, JOB_ARMED, job, .job = 8, .queue = 4, .vm = 1);
    PUT(f, JOB_SUBMITTED, job, .job = 7, .queue = 4, .vm = 1);
    PUT(f, JOB_COMPLETED, job, .job = 7, .queue = 4, .vm = 1);
    if (!bad) {
        /* cancelled before it was given to the hardware */
        PUT(f, JOB_COMPLETED, job, .job = 8, .queue = 4, .vm = 1,
            .result = -125);
    }
    PUT(f, QUEUE_DESTROYED, queue, .queue = 4, .vm = 1);
}

static const struct {
    const char *id;
    void (*plant)(LogFixture *f, bool bad);
    /* tells the tests of one rule apart */
    const char *half;
} rules[] = {
    { "L1", l1 },   { "L2", l2 },   { "L3", l3 }, { "L4", l4 },
    { "L3", l3_ticket, "-ticket" },
    { "L5", l5 },   { "L6", l6 },   { "L7", l7 }, { "L8", l8 },
    { "L8", l8_reused, "-reused" },
    { "L8", l8_foreign, "-foreign" },
    { "L9", l9 },   { "L10", l10 }, { "L11", l11 }, { "L12", l12 },
    { "S1", s1 },   { "S2", s2 },   { "S3", s3 }, { "S4", s4 },
    { "S5", s5 },   { "S6", s6 },   { "S7", s7 }, { "S7", s7_other, "-other" },
    { "S8", s8 },
    { "S8", s8_end, "-end" }, { "S10", s10 },
    { "D1", d1 },
};

/* Runs svmgpu-log; its exit status, *out its output. */
static int svmgpu_log(char **out, const char *command, const char *path,
                      const char *argument)
{
    const char *argv[] = { g_getenv("SVMGPU_LOG"), command, path, argument,
                           NULL };
    g_autofree char *error = NULL;
    int status = 0;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, out,
                               &error, &status, NULL));
    if (error[0]) {
        g_test_message("%s", g_strchomp(error));
    }
    g_assert_true(g_spawn_check_wait_status(status, NULL) ||
                  WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check(LogFixture *f, unsigned i, bool bad)
{
    g_autofree char *out = NULL;
    g_autofree char *line = NULL;
    int status;

    begin(f);
    rules[i].plant(f, bad);
    eventlog_sync(f->log);
    status = svmgpu_log(&out, "check", f->path, rules[i].id);
    line = g_strdup_printf("%-4s %-4s ", bad ? "FAIL" : "ok", rules[i].id);
    if (status != bad || !g_str_has_prefix(out, line)) {
        g_error("rule %s, %s: status %d\n%s", rules[i].id,
                bad ? "broken" : "kept", status, out);
    }
}

static void test_kept(LogFixture *f, gconstpointer data)
{
    check(f, GPOINTER_TO_UINT(data), false);
}

static void test_broken(LogFixture *f, gconstpointer data)
{
    check(f, GPOINTER_TO_UINT(data), true);
}

/* A log that says nothing keeps no rule. */
static void test_no_evidence(LogFixture *f, gconstpointer data)
{
    g_autofree char *out = NULL;

    (void)data;
    eventlog_sync(f->log);
    g_assert_cmpint(svmgpu_log(&out, "check", f->path, NULL), ==, 0);
    g_assert_nonnull(strstr(out, "0 kept, 0 violated, 23 without evidence"));
}

static void test_bad_arguments(LogFixture *f, gconstpointer data)
{
    g_autofree char *other = g_build_filename(f->folder, "other.db", NULL);
    char *out = NULL;

    (void)data;
    g_assert_cmpint(svmgpu_log(&out, "check", f->path, "L99"), ==, 2);
    g_clear_pointer(&out, g_free);
    g_assert_cmpint(svmgpu_log(&out, "report", "/no/such/log", NULL), ==, 2);
    g_clear_pointer(&out, g_free);
    g_assert_cmpint(svmgpu_log(&out, "explain", f->path, NULL), ==, 2);
    g_clear_pointer(&out, g_free);
    g_assert_true(g_file_set_contents(other, "not a database, but as long "
                                      "as the header of one would be, which "
                                      "is one hundred bytes and not fewer",
                                      -1, NULL));
    g_assert_cmpint(svmgpu_log(&out, "report", other, NULL), ==, 2);
    g_clear_pointer(&out, g_free);
    g_assert_cmpint(svmgpu_log(&out, "query", f->path, "SELECT nonsense"), ==,
                    2);
    g_clear_pointer(&out, g_free);
    g_assert_cmpint(svmgpu_log(&out, "query", f->path,
                               "SELECT 42 AS answer, NULL AS empty"), ==, 0);
    g_assert_cmpstr(out, ==, "answer  empty\n------  -----\n"
                             "    42  -\n");
    g_clear_pointer(&out, g_free);
}

/* The sample log breaks nothing, and has a report. */
static void test_sample(LogFixture *f, gconstpointer data)
{
    g_autofree char *sample = g_build_filename(f->folder, "sample.db", NULL);
    const char *make[] = { g_getenv("MAKE_SAMPLE_LOG"), sample, NULL };
    g_autofree char *out = NULL;
    int status;

    (void)data;
    g_assert_true(g_spawn_sync(NULL, (char **)make, NULL,
                               G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    status = svmgpu_log(&out, "check", sample, NULL);
    if (status) {
        g_error("%s", out);
    }
    g_clear_pointer(&out, g_free);
    g_assert_cmpint(svmgpu_log(&out, "report", sample, NULL), ==, 0);
    g_assert_nonnull(strstr(out, "served"));
    g_assert_nonnull(strstr(out, "cpu_fault"));
    g_assert_nonnull(strstr(out, "notifier"));
    g_assert_nonnull(strstr(out, "lost_events"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_nonnull(g_getenv("SVMGPU_LOG"));
    g_assert_nonnull(g_getenv("MAKE_SAMPLE_LOG"));
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autofree char *kept =
            g_strdup_printf("/eventlog/rules/%s%s/kept", rules[i].id,
                            rules[i].half ? rules[i].half : "");
        g_autofree char *broken =
            g_strdup_printf("/eventlog/rules/%s%s/broken", rules[i].id,
                            rules[i].half ? rules[i].half : "");

        g_test_add(kept, LogFixture, GUINT_TO_POINTER(i), log_fixture_set_up,
                   test_kept, log_fixture_tear_down);
        g_test_add(broken, LogFixture, GUINT_TO_POINTER(i),
                   log_fixture_set_up, test_broken, log_fixture_tear_down);
    }
    g_test_add("/eventlog/rules/no-evidence", LogFixture, NULL,
               log_fixture_set_up, test_no_evidence, log_fixture_tear_down);
    g_test_add("/eventlog/rules/bad-arguments", LogFixture, NULL,
               log_fixture_set_up, test_bad_arguments, log_fixture_tear_down);
    g_test_add("/eventlog/rules/sample", LogFixture, NULL, log_fixture_set_up,
               test_sample, log_fixture_tear_down);
    return g_test_run();
}

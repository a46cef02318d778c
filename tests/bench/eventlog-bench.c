/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventlog-bench [--records N] [--json FILE] [LOG]: how many records per second
 * the log sustains, indexes and level of detail included.
 *
 * One thread fills four trace rings as fast as there is room, with what a
 * busy driver records: mostly locks, and one served fault with its phases,
 * migration and state changes in every 64 records. The time runs from the
 * first record until the last one is committed.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "eventlog.h"
#include "trace-writer.h"

#define CPUS 4
#define RING_RECORDS 65536
#define LOCKS 40
#define RANGES 512

/* what the log has to sustain */
#define RECORDS_PER_SECOND 500000

static uint64_t waited;

static void doorbell(void *drain)
{
    eventlog_drain_kick(drain);
}

/* As a driver would if it could wait: not a record is lost. */
static void put(TraceWriter *writer, unsigned cpu, uint32_t tid,
                unsigned type, const void *payload, size_t size)
{
    struct svmgpu_trace_ring *ring = trace_writer_ring(writer, cpu);

    while (ring->head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >=
           RING_RECORDS) {
        writer->doorbell(writer->opaque);
        waited++;
        g_usleep(500);
    }
    trace_writer_put(writer, cpu, eventlog_now_ns(), tid, type, payload, size);
}

#define PUT(cpu, tid, NAME, member, ...)                                     \
    put(writer, cpu, tid, SVMGPU_TRACE_##NAME,                               \
        &(struct svmgpu_trace_##member) { __VA_ARGS__ },                     \
        sizeof(struct svmgpu_trace_##member))

/* A fault and what belongs to it: 12 records. */
static void one_fault(TraceWriter *writer, uint64_t n)
{
    unsigned cpu = n % CPUS;
    uint32_t tid = 200 + cpu;
    uint32_t range = 1 + n % RANGES;
    uint64_t va = 0x7f0000000000 + (uint64_t)range * 0x200000;
    uint32_t id = n + 1;

    PUT(cpu, tid, FAULT_PICKED, fault, .fault = id, .va = va, .vm = 1,
        .access = 1);
    PUT(cpu, tid, FAULT_VMA_FOUND, fault_step, .fault = id, .va = va,
        .vm = 1, .range = range, .reason = 3, .attempt = 1);
    PUT(cpu, tid, SCAN_COMPLETED, scan, .range = range, .vm = 1, .va = va,
        .bytes = 0x200000, .state = 1, .fault = id, .decision = 1);
    PUT(cpu, tid, MIGRATION_STARTED, migration_start, .migration = id,
        .range = range, .vm = 1, .cause = 1, .va = va, .bytes = 0x200000,
        .from = 1, .to = 0x100, .fault = id);
    PUT(cpu, tid, RANGE_STATE_CHANGED, range_state, .range = range, .vm = 1,
        .va = va, .bytes = 0x200000, .state = 1 + (n / RANGES) % 2,
        .owner = 0, .cause = 1);
    PUT(cpu, tid, MIGRATION_ENDED, migration_end, .migration = id,
        .bytes = 0x200000);
    PUT(cpu, tid, SEQ_BEGUN, phase, .owner_id = id, .vm = 1, .object = range,
        .owner = 3, .seq = n);
    PUT(cpu, tid, SEQ_CHECKED, phase, .owner_id = id, .vm = 1,
        .object = range, .owner = 3, .seq = n);
    PUT(cpu, tid, PT_WRITTEN, pt, .owner_id = id, .va = va,
        .bytes = 0x200000, .vm = 1, .object = range, .owner = 3, .kind = 4);
    PUT(cpu, tid, BIND_STARTED, bind_start, .bind = id, .vm = 1, .va = va,
        .bytes = 0x200000, .object = range, .op = 7, .fault = id);
    PUT(cpu, tid, BIND_ENDED, bind_end, .bind = id);
    PUT(cpu, tid, FAULT_ANSWERED, fault_answer, .fault = id, .va = va,
        .vm = 1, .range = range, .outcome = 1, .verdict = 3, .attempts = 1);
}

static void one_lock(TraceWriter *writer, uint64_t n)
{
    unsigned cpu = n % CPUS;
    uint32_t tid = 200 + cpu;
    uint32_t lock = 1 + (n * 7) % LOCKS;

    if (n % 32 == 0) {
        PUT(cpu, tid, LOCK_CONTENDED, lock, .lock = lock, .lock_class = 3,
            .place = 1, .vm = 1);
    }
    PUT(cpu, tid, LOCK_ACQUIRED, lock, .lock = lock, .lock_class = 3,
        .place = 1, .vm = 1);
    PUT(cpu, tid, LOCK_RELEASED, lock, .lock = lock, .lock_class = 3,
        .vm = 1);
}

/* CPU time of all threads of this process, filling the rings included. */
static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    uint64_t wanted = 3000000;
    const char *path = NULL;
    const char *json = NULL;
    g_autofree char *temporary = NULL;
    g_autofree char *errmsg = NULL;
    EventlogConfig config = { .creator = "eventlog-bench" };
    TraceWriter writer = { 0 };
    EventlogDrain *drain;
    EventlogStats stats;
    Eventlog *log;
    struct bench *bench;
    uint64_t begin, written, n = 0, records = 0;
    double seconds, fill, cpu;
    GStatBuf st;
    size_t bytes;
    void *area;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--records") && i + 1 < argc) {
            wanted = strtoull(argv[++i], NULL, 0);
        } else if (!strcmp(argv[i], "--json") && i + 1 < argc) {
            json = argv[++i];
        } else if (argv[i][0] == '-') {
            fprintf(stderr,
                    "usage: eventlog-bench [--records N] [--json FILE] [LOG]\n");
            return 2;
        } else {
            path = argv[i];
        }
    }
    if (!path) {
        temporary = g_strdup_printf("%s/eventlog-bench-%d.db",
                                    g_get_tmp_dir(), (int)getpid());
        path = temporary;
    }
    config.path = path;
    if (eventlog_open(&log, &config, &errmsg)) {
        fprintf(stderr, "eventlog-bench: %s\n", errmsg);
        return 1;
    }
    area = trace_area_new(CPUS, RING_RECORDS, &bytes);
    drain = eventlog_drain_add(log, 0, area, bytes);
    writer.doorbell = doorbell;
    writer.opaque = drain;
    trace_writer_begin(&writer, area, bytes, CPUS, RING_RECORDS, 1,
                       eventlog_now_ns());

    cpu = cpu_seconds();
    begin = eventlog_now_ns();
    put(&writer, 0, 1, SVMGPU_TRACE_CLOCK_SAMPLED,
        &(struct svmgpu_trace_clock) { begin, begin, begin },
        sizeof(struct svmgpu_trace_clock));
    while (records < wanted) {
        for (unsigned i = 0; i < 26; i++) {
            one_lock(&writer, n * 26 + i);
        }
        one_fault(&writer, n++);
        records += 26 * 2 + 12;
    }
    written = eventlog_now_ns();
    eventlog_sync(log);
    seconds = (eventlog_now_ns() - begin) / 1e9;
    fill = (written - begin) / 1e9;
    cpu = cpu_seconds() - cpu;

    eventlog_drain_remove(drain);
    eventlog_get_stats(log, &stats);
    eventlog_close(log);
    trace_area_free(area, bytes);
    if (g_stat(path, &st)) {
        st.st_size = 0;
    }
    if (temporary) {
        g_unlink(temporary);
    }

    bench = bench_begin("eventlog", "four rings, one writer of the log");
    bench_figure(bench, "records", stats.driver_records, "", "records");
    bench_figure(bench, "seconds", seconds, "s", "until the last is committed");
    bench_figure(bench, "cpu_seconds", cpu, "s", "CPU time, all threads");
    bench_figure(bench, "fill_seconds", fill, "s", "of these: rings being filled");
    bench_figure(bench, "waits", waited, "", "times that a ring was full");
    bench_figure(bench, "rows_per_second", stats.rows / seconds, "1/s",
                 "rows of the log");
    bench_figure(bench, "bytes_per_record",
                 (double)st.st_size / MAX(stats.driver_records, 1), "B",
                 "size of the log, for each record");
    bench_bound(bench, "records_per_second", stats.driver_records / seconds,
                "1/s", true, RECORDS_PER_SECOND, "records");
    bench_bound(bench, "lost", stats.lost, "", false, 0, "records lost");
    return bench_end(bench, json);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-sample-log FILE [EVENTS]: writes a log of an invented machine.
 *
 * Two GPUs, one process whose memory both use, fault workers that contend
 * for locks, migrations between system memory and both VRAMs, CPU faults,
 * invalidations, execs. About 100 000 events, the same every time (only the
 * start time of the run differs). Everything goes through the real way: trace
 * rings and eventlog_emit(). What is invented keeps every rule.
 *
 * Activities are laid out one after the other in the order of their start;
 * a lock remembers when it becomes free, and who comes earlier waits.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "trace-writer.h"

#define US 1000ULL
#define MS 1000000ULL

#define GPUS 2
#define RANGES 96
#define RANGE_BYTES (2ULL << 20)
#define VA_BASE 0x7f5a40000000ULL
#define CPUS 4
#define ENGINES 3

/* The guest's clock: another zero, and 35 ppm too slow. */
#define GUEST_ZERO 100000000000ULL
#define GUEST_PPM 35

typedef enum LockId {
    LOCK_MIGRATE = 1,
    LOCK_MMAP,
    LOCK_VM,                             /* + gpu */
    LOCK_VAL = LOCK_VM + GPUS,           /* + gpu */
    LOCK_RESV = LOCK_VAL + GPUS,         /* + gpu */
    LOCK_NOTIFIER = LOCK_RESV + GPUS,    /* + gpu */
    LOCK_TLB = LOCK_NOTIFIER + GPUS,     /* + gpu */
    LOCK_COPY = LOCK_TLB + GPUS,         /* + gpu */
    LOCK_FAULTQ = LOCK_COPY + GPUS,      /* + gpu */
    LOCKS = LOCK_FAULTQ + GPUS,
} LockId;

typedef struct Lock {
    uint16_t lock_class;
    int gpu; /* -1: none */
    uint64_t exclusive_until;
    uint64_t shared_until;
} Lock;

typedef struct Actor {
    const char *comm;
    uint32_t tid;
    uint32_t tgid;
    int gpu;
    unsigned cpu;
    uint64_t now;
    enum { FAULT_WORKER, CPU_THREAD, EXEC_THREAD } role;
} Actor;

typedef struct Event {
    uint64_t t;
    uint64_t order;
    bool device;
    EventlogEvent dev;
    unsigned cpu;
    uint32_t tid;
    unsigned type;
    _Alignas(8) uint8_t payload[SVMGPU_TRACE_PAYLOAD_BYTES];
} Event;

typedef struct Range {
    bool known[GPUS]; /* the VM of that GPU has a range */
    bool mapped[GPUS];
    int place; /* -1 system, else GPU */
    uint64_t busy_until;
} Range;

static GArray *events;
static Lock locks[LOCKS];
static Range ranges[RANGES];
static uint64_t random_state = 0x9e3779b97f4a7c15ULL;
static uint32_t next_id = 1;
static uint64_t fault_id[GPUS];
static uint64_t flush_seqno[GPUS];
static uint64_t notifier_seq = 1;
static uint64_t copy_id;

static uint64_t rnd(uint64_t low, uint64_t high)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return low + random_state % (high - low);
}

static uint64_t guest_time(uint64_t t)
{
    return GUEST_ZERO + t - t / 1000000 * GUEST_PPM;
}

static void put(uint64_t t, unsigned cpu, uint32_t tid, unsigned type,
                const void *payload, size_t size)
{
    Event ev = { .t = t, .order = events->len, .cpu = cpu, .tid = tid,
                 .type = type };

    memcpy(ev.payload, payload, size);
    g_array_append_val(events, ev);
}

#define PUT(actor, NAME, member, ...)                                        \
    put((actor)->now, (actor)->cpu, (actor)->tid, SVMGPU_TRACE_##NAME,       \
        &(struct svmgpu_trace_##member) { __VA_ARGS__ },                     \
        sizeof(struct svmgpu_trace_##member))

static void emit(uint64_t t, EventlogEvent dev)
{
    Event ev = { .t = t, .order = events->len, .device = true, .dev = dev };

    g_array_append_val(events, ev);
}

/* --- locks --------------------------------------------------------------- */

static void lock_get(Actor *a, unsigned lock, unsigned mode, uint32_t place)
{
    Lock *l = &locks[lock];
    uint64_t free_at = mode == SVMGPU_TRACE_MODE_SHARED ?
                           l->exclusive_until :
                           MAX(l->exclusive_until, l->shared_until);

    if (free_at > a->now) {
        PUT(a, LOCK_CONTENDED, lock, .lock = lock,
            .lock_class = l->lock_class, .mode = mode, .place = place,
            .vm = l->gpu + 1);
        a->now = free_at + rnd(200, 3000);
    }
    PUT(a, LOCK_ACQUIRED, lock, .lock = lock, .lock_class = l->lock_class,
        .mode = mode, .place = place, .vm = l->gpu + 1);
    a->now += rnd(100, 600);
}

static void lock_put(Actor *a, unsigned lock, unsigned mode)
{
    Lock *l = &locks[lock];

    a->now += rnd(100, 600);
    if (mode == SVMGPU_TRACE_MODE_SHARED) {
        l->shared_until = MAX(l->shared_until, a->now);
    } else {
        l->exclusive_until = MAX(l->exclusive_until, a->now);
    }
    PUT(a, LOCK_RELEASED, lock, .lock = lock, .lock_class = l->lock_class,
        .mode = mode, .vm = l->gpu + 1);
    a->now += rnd(50, 200);
}

#define EX SVMGPU_TRACE_MODE_EXCLUSIVE
#define SH SVMGPU_TRACE_MODE_SHARED

enum { PLACE_FAULT = 1, PLACE_EXEC, PLACE_NOTIFIER, PLACE_COPY, PLACE_CPU };

/* --- what a driver does ------------------------------------------------------ */

static uint32_t range_id(unsigned gpu, unsigned r)
{
    return gpu * 1000 + r + 1;
}

static void range_know(Actor *a, unsigned gpu, unsigned r)
{
    if (!ranges[r].known[gpu]) {
        ranges[r].known[gpu] = true;
        PUT(a, RANGE_CREATED, range, .range = range_id(gpu, r),
            .vm = gpu + 1, .va = VA_BASE + r * RANGE_BYTES,
            .bytes = RANGE_BYTES, .vma = gpu + 1, .gpu = gpu);
        a->now += 300;
    }
}

static void range_moved(Actor *a, unsigned r, int place, unsigned cause)
{
    ranges[r].place = place;
    for (unsigned gpu = 0; gpu < GPUS; gpu++) {
        if (ranges[r].known[gpu]) {
            PUT(a, RANGE_STATE_CHANGED, range_state,
                .range = range_id(gpu, r), .vm = gpu + 1,
                .va = VA_BASE + r * RANGE_BYTES, .bytes = RANGE_BYTES,
                .state = place < 0 ? SVMGPU_TRACE_STATE_SYSTEM :
                         place == (int)gpu ? SVMGPU_TRACE_STATE_GPU :
                                             SVMGPU_TRACE_STATE_OTHER_GPU,
                .gpu = gpu,
                .owner = place < 0 ? SVMGPU_TRACE_NO_GPU : place,
                .cause = cause);
            a->now += 100;
        }
    }
}

/* MMU notifier of one VM, in the context of whoever changes the mapping. */
static void invalidate(Actor *a, unsigned gpu, unsigned r, unsigned event)
{
    uint32_t id = next_id++;
    uint64_t va = VA_BASE + r * RANGE_BYTES;
    uint64_t seqno;

    if (!ranges[r].known[gpu]) {
        return;
    }
    PUT(a, INVALIDATION_STARTED, invalidation_start, .invalidation = id,
        .vm = gpu + 1, .va = va, .bytes = RANGE_BYTES,
        .object = range_id(gpu, r), .event = event, .gpu = gpu,
        .kind = SVMGPU_TRACE_VMA_MIRROR, .seq = ++notifier_seq);
    a->now += rnd(200, 900);
    lock_get(a, LOCK_NOTIFIER + gpu, EX, PLACE_NOTIFIER);
    PUT(a, RANGE_INVALIDATED, touch, .object = range_id(gpu, r),
        .vm = gpu + 1, .va = va, .bytes = RANGE_BYTES, .invalidation = id,
        .event = event, .gpu = gpu);
    a->now += 200;
    if (!ranges[r].mapped[gpu]) {
        lock_put(a, LOCK_NOTIFIER + gpu, EX);
        PUT(a, INVALIDATION_ENDED, invalidation_end, .invalidation = id,
            .vm = gpu + 1);
        return;
    }
    ranges[r].mapped[gpu] = false;
    PUT(a, PT_ZAPPED, pt, .owner_id = id, .va = va, .bytes = RANGE_BYTES,
        .vm = gpu + 1, .object = range_id(gpu, r), .gpu = gpu,
        .owner = SVMGPU_TRACE_OWNER_INVALIDATION,
        .kind = SVMGPU_TRACE_VMA_MIRROR,
        .flags = SVMGPU_TRACE_PT_ZEROED | SVMGPU_TRACE_PT_FLUSHED);
    a->now += rnd(500, 3000);
    lock_get(a, LOCK_TLB + gpu, EX, PLACE_NOTIFIER);
    seqno = ++flush_seqno[gpu];
    PUT(a, FLUSH_REQUESTED, flush, .seqno = seqno, .va = va,
        .bytes = RANGE_BYTES, .vm = gpu + 1, .asid = gpu + 1, .gpu = gpu,
        .invalidation = id);
    lock_put(a, LOCK_TLB + gpu, EX);
    a->now += rnd(20 * US, 60 * US);
    emit(a->now, (EventlogEvent) { .kind = EVENTLOG_FLUSHED, .gpu = gpu,
                                   .asid = gpu + 1, .va = va,
                                   .bytes = RANGE_BYTES, .id = seqno });
    a->now += rnd(40 * US, 90 * US);
    PUT(a, FLUSH_COMPLETED, flush, .seqno = seqno, .va = va,
        .bytes = RANGE_BYTES, .vm = gpu + 1, .asid = gpu + 1, .gpu = gpu,
        .invalidation = id);
    lock_put(a, LOCK_NOTIFIER + gpu, EX);
    PUT(a, INVALIDATION_ENDED, invalidation_end, .invalidation = id,
        .vm = gpu + 1, .flush_seqno = seqno,
        .flags = SVMGPU_TRACE_INVALIDATION_ZAPPED |
                 SVMGPU_TRACE_INVALIDATION_FLUSHED);
    a->now += 300;
}

static void migrate(Actor *a, unsigned gpu, unsigned r, int to,
                    unsigned cause, uint64_t fault)
{
    uint32_t id = next_id++;
    int from = ranges[r].place;
    uint64_t bytes = RANGE_BYTES;
    unsigned src = from < 0 ? SVMGPU_TRACE_PLACE_SYSTEM
                            : SVMGPU_TRACE_PLACE_VRAM(from);
    unsigned dst = to < 0 ? SVMGPU_TRACE_PLACE_SYSTEM
                          : SVMGPU_TRACE_PLACE_VRAM(to);
    uint64_t begin;

    PUT(a, MIGRATION_STARTED, migration_start, .migration = id,
        .range = range_id(gpu, r), .vm = gpu + 1, .gpu = gpu,
        .cause = cause, .va = VA_BASE + r * RANGE_BYTES, .bytes = bytes,
        .from = src, .to = dst, .fault = fault);
    a->now += rnd(20 * US, 60 * US);
    for (unsigned g = 0; g < GPUS; g++) {
        invalidate(a, g, r, SVMGPU_TRACE_EVENT_MIGRATE);
    }
    lock_get(a, LOCK_COPY + gpu, EX, PLACE_COPY);
    begin = a->now + rnd(10 * US, 30 * US);
    a->now = begin + rnd(150 * US, 400 * US);
    copy_id++;
    emit(begin, (EventlogEvent) { .kind = EVENTLOG_COPY_STARTED, .gpu = gpu,
                                  .id = copy_id, .a = src, .b = dst,
                                  .bytes = bytes });
    emit(a->now, (EventlogEvent) { .kind = EVENTLOG_COPY_ENDED, .gpu = gpu,
                                   .id = copy_id, .bytes = bytes });
    a->now += rnd(60 * US, 90 * US);
    lock_put(a, LOCK_COPY + gpu, EX);
    if (to >= 0) {
        emit(a->now, (EventlogEvent) {
                         .kind = EVENTLOG_PAGE_STATE_CHANGED, .gpu = to,
                         .va = r * RANGE_BYTES, .bytes = bytes,
                         .a = EVENTLOG_PAGE_OWNED, .asid = to + 1,
                         .id = VA_BASE + r * RANGE_BYTES });
    }
    if (from >= 0) {
        emit(a->now, (EventlogEvent) {
                         .kind = EVENTLOG_PAGE_STATE_CHANGED, .gpu = from,
                         .va = r * RANGE_BYTES, .bytes = bytes,
                         .a = EVENTLOG_PAGE_FREE });
    }
    range_moved(a, r, to, cause);
    PUT(a, MIGRATION_ENDED, migration_end, .migration = id, .bytes = bytes,
        .checksum_before = 0x1234 + r, .checksum_after = 0x1234 + r);
    a->now += 300;
}

static unsigned pick_range(Actor *a)
{
    unsigned r;

    /* A hot third, and a working set that moves along. */
    if (rnd(0, 3) == 0) {
        r = rnd(0, RANGES / 3);
    } else {
        r = (a->now / (200 * MS) * 7 + rnd(0, 24)) % RANGES;
    }
    return r;
}

static void serve_fault(Actor *a)
{
    unsigned gpu = a->gpu;
    unsigned r = pick_range(a);
    unsigned engine = rnd(0, ENGINES);
    unsigned access = rnd(0, 3);
    uint64_t fault = ++fault_id[gpu];
    uint64_t va = VA_BASE + r * RANGE_BYTES + rnd(0, 512) * 4096;
    uint32_t bind;
    unsigned attempts = 1;
    bool populate;

    a->now = MAX(a->now, ranges[r].busy_until);
    emit(a->now, (EventlogEvent) { .kind = EVENTLOG_RUN_ENDED, .gpu = gpu,
                                   .engine = engine, .context = engine + 1,
                                   .a = EVENTLOG_RUN_FAULTED });
    emit(a->now, (EventlogEvent) { .kind = EVENTLOG_FAULT_RAISED,
                                   .gpu = gpu, .engine = engine,
                                   .context = engine + 1, .asid = gpu + 1,
                                   .id = fault, .va = va, .a = access });
    a->now += rnd(70 * US, 300 * US);
    lock_get(a, LOCK_FAULTQ + gpu, EX, PLACE_FAULT);
    lock_put(a, LOCK_FAULTQ + gpu, EX);
    PUT(a, FAULT_PICKED, fault, .fault = fault, .va = va, .vm = gpu + 1,
        .asid = gpu + 1, .queue = gpu * ENGINES + engine + 1, .gpu = gpu,
        .access = access);
    lock_get(a, LOCK_VM + gpu, EX, PLACE_FAULT);
    lock_get(a, LOCK_MMAP, SH, PLACE_FAULT);
    PUT(a, FAULT_VMA_FOUND, fault_step, .fault = fault, .va = va,
        .vm = gpu + 1, .gpu = gpu, .reason = SVMGPU_TRACE_VERDICT_PERMITTED,
        .attempt = 1);
    range_know(a, gpu, r);
    a->now += rnd(2 * US, 9 * US);
    lock_put(a, LOCK_MMAP, SH);
    populate = ranges[r].place != (int)gpu;
    PUT(a, SCAN_COMPLETED, scan, .range = range_id(gpu, r), .vm = gpu + 1,
        .va = VA_BASE + r * RANGE_BYTES, .bytes = RANGE_BYTES,
        .state = ranges[r].place < 0 ? SVMGPU_TRACE_STATE_SYSTEM :
                 ranges[r].place == (int)gpu ? SVMGPU_TRACE_STATE_GPU :
                                               SVMGPU_TRACE_STATE_OTHER_GPU,
        .seen = ranges[r].place < 0 ? SVMGPU_TRACE_SEEN_SYSTEM :
                ranges[r].place == (int)gpu ? SVMGPU_TRACE_SEEN_TARGET :
                                              SVMGPU_TRACE_SEEN_OTHER,
        .windows = 1, .fault = fault, .gpu = gpu,
        .decision = populate);
    a->now += rnd(1 * US, 4 * US);
    if (populate) {
        lock_get(a, LOCK_MIGRATE, SH, PLACE_FAULT);
        migrate(a, gpu, r, gpu, SVMGPU_TRACE_CAUSE_FAULT, fault);
        lock_put(a, LOCK_MIGRATE, SH);
    }
    for (;;) {
        PUT(a, SEQ_BEGUN, phase, .owner_id = fault, .vm = gpu + 1,
            .object = range_id(gpu, r), .seq = notifier_seq, .gpu = gpu,
            .owner = SVMGPU_TRACE_OWNER_FAULT, .attempt = attempts);
        lock_get(a, LOCK_MMAP, SH, PLACE_FAULT);
        PUT(a, FAULT_VMA_FOUND, fault_step, .fault = fault, .va = va,
            .vm = gpu + 1, .range = range_id(gpu, r), .gpu = gpu,
            .reason = SVMGPU_TRACE_VERDICT_PERMITTED, .attempt = attempts);
        a->now += rnd(10 * US, 40 * US);
        lock_put(a, LOCK_MMAP, SH);
        if (attempts > 8 || rnd(0, 8)) {
            break;
        }
        PUT(a, FAULT_RETRIED, fault_step, .fault = fault, .va = va,
            .vm = gpu + 1, .range = range_id(gpu, r), .gpu = gpu,
            .reason = SVMGPU_TRACE_RETRY_COLLISION, .attempt = attempts++);
        a->now += rnd(5 * US, 20 * US);
    }
    PUT(a, PAGES_OBTAINED, phase, .owner_id = fault, .vm = gpu + 1,
        .object = range_id(gpu, r), .seq = notifier_seq, .value = 512,
        .gpu = gpu, .owner = SVMGPU_TRACE_OWNER_FAULT, .attempt = attempts);
    a->now += 400;
    lock_get(a, LOCK_VAL + gpu, SH, PLACE_FAULT);
    lock_get(a, LOCK_RESV + gpu, EX, PLACE_FAULT);
    bind = next_id++;
    PUT(a, BIND_STARTED, bind_start, .bind = bind, .vm = gpu + 1,
        .va = VA_BASE + r * RANGE_BYTES, .bytes = RANGE_BYTES,
        .object = range_id(gpu, r), .gpu = gpu,
        .op = SVMGPU_TRACE_BIND_RANGE, .fault = fault);
    a->now += rnd(2 * US, 8 * US);
    lock_get(a, LOCK_NOTIFIER + gpu, SH, PLACE_FAULT);
    PUT(a, SEQ_CHECKED, phase, .owner_id = fault, .vm = gpu + 1,
        .object = range_id(gpu, r), .seq = notifier_seq, .gpu = gpu,
        .owner = SVMGPU_TRACE_OWNER_FAULT, .attempt = attempts);
    a->now += rnd(300, 900);
    ranges[r].mapped[gpu] = true;
    PUT(a, PT_WRITTEN, pt, .owner_id = fault,
        .va = VA_BASE + r * RANGE_BYTES, .bytes = RANGE_BYTES,
        .vm = gpu + 1, .object = range_id(gpu, r), .gpu = gpu,
        .owner = SVMGPU_TRACE_OWNER_FAULT, .kind = SVMGPU_TRACE_VMA_MIRROR,
        .seq = notifier_seq);
    a->now += rnd(3 * US, 9 * US);
    lock_put(a, LOCK_NOTIFIER + gpu, SH);
    PUT(a, BIND_ENDED, bind_end, .bind = bind);
    lock_put(a, LOCK_RESV + gpu, EX);
    lock_put(a, LOCK_VAL + gpu, SH);
    lock_put(a, LOCK_VM + gpu, EX);
    PUT(a, FAULT_ANSWERED, fault_answer, .fault = fault, .va = va,
        .vm = gpu + 1, .range = range_id(gpu, r), .gpu = gpu,
        .outcome = SVMGPU_TRACE_FAULT_SERVED,
        .verdict = SVMGPU_TRACE_VERDICT_PERMITTED, .attempts = attempts);
    a->now += rnd(40 * US, 80 * US);
    emit(a->now, (EventlogEvent) { .kind = EVENTLOG_FAULT_ANSWERED,
                                   .gpu = gpu, .id = fault });
    emit(a->now + 3 * US, (EventlogEvent) {
                              .kind = EVENTLOG_ACCESS_REPLAYED, .gpu = gpu,
                              .id = fault, .va = va });
    emit(a->now + 4 * US, (EventlogEvent) {
                              .kind = EVENTLOG_RUN_STARTED, .gpu = gpu,
                              .engine = engine, .context = engine + 1,
                              .asid = gpu + 1 });
    ranges[r].busy_until = a->now + 100 * US;
    a->now += rnd(500 * US, 12 * MS);
}

static void touch_by_cpu(Actor *a)
{
    unsigned r = pick_range(a);
    int gpu = ranges[r].place;

    if (gpu >= 0 && ranges[r].busy_until <= a->now) {
        lock_get(a, LOCK_MMAP, SH, PLACE_CPU);
        migrate(a, gpu, r, -1, SVMGPU_TRACE_CAUSE_CPU_FAULT, 0);
        lock_put(a, LOCK_MMAP, SH);
        ranges[r].busy_until = a->now;
    }
    a->now += rnd(2 * MS, 20 * MS);
}

static void submit_exec(Actor *a)
{
    unsigned gpu = rnd(0, GPUS);
    unsigned engine = rnd(0, ENGINES);
    uint32_t queue = gpu * ENGINES + engine + 1;
    uint32_t exec = next_id++;
    uint32_t job = next_id++;
    uint64_t done;

    PUT(a, EXEC_STARTED, phase, .owner_id = exec, .vm = gpu + 1,
        .object = queue, .gpu = gpu, .owner = SVMGPU_TRACE_OWNER_EXEC,
        .attempt = 1);
    a->now += rnd(1 * US, 4 * US);
    lock_get(a, LOCK_VM + gpu, SH, PLACE_EXEC);
    lock_get(a, LOCK_VAL + gpu, SH, PLACE_EXEC);
    lock_get(a, LOCK_RESV + gpu, EX, PLACE_EXEC);
    PUT(a, EXEC_LOCKED, phase, .owner_id = exec, .vm = gpu + 1, .value = 1,
        .gpu = gpu, .owner = SVMGPU_TRACE_OWNER_EXEC, .attempt = 1);
    a->now += rnd(2 * US, 20 * US);
    lock_get(a, LOCK_NOTIFIER + gpu, SH, PLACE_EXEC);
    PUT(a, JOB_ARMED, job, .job = job, .queue = queue, .vm = gpu + 1,
        .gpu = gpu, .engine = engine, .seqno = job, .exec = exec);
    a->now += 300;
    PUT(a, FENCE_PUBLISHED, phase, .owner_id = exec, .vm = gpu + 1,
        .seq = job, .value = 1, .gpu = gpu,
        .owner = SVMGPU_TRACE_OWNER_EXEC, .attempt = 1);
    a->now += 300;
    lock_put(a, LOCK_NOTIFIER + gpu, SH);
    PUT(a, OBJECTS_UNLOCKED, phase, .owner_id = exec, .vm = gpu + 1,
        .value = 1, .gpu = gpu, .owner = SVMGPU_TRACE_OWNER_EXEC,
        .attempt = 1);
    lock_put(a, LOCK_RESV + gpu, EX);
    lock_put(a, LOCK_VAL + gpu, SH);
    lock_put(a, LOCK_VM + gpu, SH);
    PUT(a, EXEC_ENDED, phase, .owner_id = exec, .vm = gpu + 1,
        .object = queue, .gpu = gpu, .owner = SVMGPU_TRACE_OWNER_EXEC,
        .attempt = 1);
    a->now += 500;
    PUT(a, JOB_SUBMITTED, job, .job = job, .queue = queue, .vm = gpu + 1,
        .gpu = gpu, .engine = engine, .seqno = job, .exec = exec);
    done = a->now + rnd(300 * US, 900 * US);
    emit(a->now + 70 * US, (EventlogEvent) {
                               .kind = EVENTLOG_RUN_STARTED, .gpu = gpu,
                               .engine = engine, .context = engine + 1,
                               .asid = gpu + 1 });
    emit(done, (EventlogEvent) { .kind = EVENTLOG_FENCE_WRITTEN,
                                 .gpu = gpu, .engine = engine,
                                 .context = engine + 1, .id = job,
                                 .va = 0x10000 });
    emit(done + 1 * US, (EventlogEvent) {
                            .kind = EVENTLOG_RUN_ENDED, .gpu = gpu,
                            .engine = engine, .context = engine + 1,
                            .a = EVENTLOG_RUN_IDLE });
    put(done + 60 * US, engine, 0, SVMGPU_TRACE_JOB_COMPLETED,
        &(struct svmgpu_trace_job) { .job = job, .queue = queue,
                                     .vm = gpu + 1, .gpu = gpu,
                                     .engine = engine, .exec = exec },
        sizeof(struct svmgpu_trace_job));
    a->now += rnd(2 * MS, 14 * MS);
}

/* --- the machine --------------------------------------------------------------- */

static Actor actors[] = {
    { "svmgpu-fault0/0", 201, 0, 0, 0, 5 * MS, FAULT_WORKER },
    { "svmgpu-fault0/1", 202, 0, 0, 1, 6 * MS, FAULT_WORKER },
    { "svmgpu-fault1/0", 203, 0, 1, 2, 7 * MS, FAULT_WORKER },
    { "svmgpu-fault1/1", 204, 0, 1, 3, 8 * MS, FAULT_WORKER },
    { "svm-app", 1000, 1000, 0, 0, 9 * MS, CPU_THREAD },
    { "svm-app", 1001, 1000, 0, 1, 10 * MS, CPU_THREAD },
    { "submit", 1002, 1000, 0, 2, 11 * MS, EXEC_THREAD },
    { "submit", 1003, 1000, 0, 3, 12 * MS, EXEC_THREAD },
};

static void define_locks(Actor *a)
{
    static const struct {
        uint16_t lock_class, rank, type;
        const char *name;
        unsigned lock;
        bool per_gpu;
    } list[] = {
        { SVMGPU_TRACE_CLASS_VM, 20, SVMGPU_TRACE_LOCK_RWSEM, "vm", LOCK_VM,
          true },
        { SVMGPU_TRACE_CLASS_MIGRATE, 25, SVMGPU_TRACE_LOCK_RWSEM, "migrate",
          LOCK_MIGRATE, false },
        { SVMGPU_TRACE_CLASS_MMAP, 30, SVMGPU_TRACE_LOCK_MMAP, "mmap",
          LOCK_MMAP, false },
        { SVMGPU_TRACE_CLASS_VAL, 40, SVMGPU_TRACE_LOCK_RWSEM, "val",
          LOCK_VAL, true },
        { SVMGPU_TRACE_CLASS_VM_RESV, 50, SVMGPU_TRACE_LOCK_WW, "vm_resv",
          LOCK_RESV, true },
        { SVMGPU_TRACE_CLASS_NOTIFIER, 70, SVMGPU_TRACE_LOCK_RWSEM,
          "notifier", LOCK_NOTIFIER, true },
        { SVMGPU_TRACE_CLASS_TLB, 74, SVMGPU_TRACE_LOCK_MUTEX, "tlb",
          LOCK_TLB, true },
        { SVMGPU_TRACE_CLASS_COPY, 76, SVMGPU_TRACE_LOCK_MUTEX, "copy",
          LOCK_COPY, true },
        { SVMGPU_TRACE_CLASS_FAULT_QUEUE, 82, SVMGPU_TRACE_LOCK_SPIN,
          "fault_queue", LOCK_FAULTQ, true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        struct svmgpu_trace_lock_class c = {
            .lock_class = list[i].lock_class,
            .rank = list[i].rank,
            .type = list[i].type,
        };

        memcpy(c.name, list[i].name, strlen(list[i].name));
        put(a->now, a->cpu, a->tid, SVMGPU_TRACE_LOCK_CLASS_DEFINED, &c,
            sizeof(c));
        for (unsigned g = 0; g < (list[i].per_gpu ? GPUS : 1); g++) {
            struct svmgpu_trace_lock_instance l = {
                .lock = list[i].lock + g,
                .lock_class = list[i].lock_class,
                .gpu = list[i].per_gpu ? g : SVMGPU_TRACE_NO_GPU,
                .vm = list[i].per_gpu ? g + 1 : 0,
            };

            locks[l.lock].lock_class = l.lock_class;
            locks[l.lock].gpu = list[i].per_gpu ? (int)g : -1;
            put(a->now, a->cpu, a->tid, SVMGPU_TRACE_LOCK_DEFINED, &l,
                sizeof(l));
        }
    }
}

static void define_machine(Actor *a)
{
    static const char *const engine_name[ENGINES] = { "bcs0", "vcs0",
                                                      "vcs1" };
    static const char *const place[] = {
        [PLACE_FAULT] = "svmgpu_fault_serve", [PLACE_EXEC] = "svmgpu_exec",
        [PLACE_NOTIFIER] = "svmgpu_svm_invalidate",
        [PLACE_COPY] = "svmgpu_copy_run", [PLACE_CPU] = "do_swap_page",
    };

    for (unsigned g = 0; g < GPUS; g++) {
        EventlogEvent ev = { .kind = EVENTLOG_GPU_DEFINED, .gpu = g,
                             .bytes = 256ULL << 20 };

        g_snprintf(ev.text, sizeof(ev.text), "gpu%u", g);
        emit(0, ev);
        for (unsigned e = 0; e < ENGINES; e++) {
            ev = (EventlogEvent) { .kind = EVENTLOG_ENGINE_DEFINED,
                                   .gpu = g, .engine = e };
            g_strlcpy(ev.text, engine_name[e], sizeof(ev.text));
            emit(0, ev);
        }
        emit(1 * MS, (EventlogEvent) { .kind = EVENTLOG_CLIENT_CONNECTED,
                                       .gpu = g });
    }
    PUT(a, PROCESS_DEFINED, process, .tgid = 1000, .comm = "svm-app");
    for (unsigned i = 1; i < G_N_ELEMENTS(place); i++) {
        struct svmgpu_trace_place p = { .place = i };

        memcpy(p.name, place[i], strlen(place[i]));
        put(a->now, a->cpu, a->tid, SVMGPU_TRACE_PLACE_DEFINED, &p,
            sizeof(p));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(actors); i++) {
        struct svmgpu_trace_thread t = { .tid = actors[i].tid,
                                         .tgid = actors[i].tgid };

        memcpy(t.comm, actors[i].comm,
               MIN(strlen(actors[i].comm), sizeof(t.comm)));
        put(a->now, a->cpu, a->tid, SVMGPU_TRACE_THREAD_DEFINED, &t,
            sizeof(t));
    }
    define_locks(a);
    for (unsigned g = 0; g < GPUS; g++) {
        PUT(a, VM_CREATED, vm, .vm = g + 1, .gpu = g,
            .flags = SVMGPU_TRACE_VM_FAULT_MODE |
                     SVMGPU_TRACE_VM_LONG_RUNNING,
            .asid = g + 1, .tgid = 1000);
        PUT(a, VMA_MAPPED, vma, .vma = g + 1, .vm = g + 1, .va = 0,
            .bytes = 1ULL << 47, .kind = SVMGPU_TRACE_VMA_MIRROR, .gpu = g);
        for (unsigned e = 0; e < ENGINES; e++) {
            PUT(a, QUEUE_CREATED, queue, .queue = g * ENGINES + e + 1,
                .vm = g + 1, .gpu = g, .engine = e);
        }
    }
}

static int event_compare(const void *pa, const void *pb)
{
    const Event *a = pa;
    const Event *b = pb;

    if (a->t != b->t) {
        return a->t < b->t ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

/* An engine runs one context at a time: what does not fit is left out. */
static bool engine_fits(const EventlogEvent *ev)
{
    static bool runs[GPUS][ENGINES];
    bool start = ev->kind == EVENTLOG_RUN_STARTED;

    if (ev->kind != EVENTLOG_RUN_STARTED && ev->kind != EVENTLOG_RUN_ENDED) {
        return true;
    }
    if (runs[ev->gpu][ev->engine] == start) {
        return false;
    }
    runs[ev->gpu][ev->engine] = start;
    return true;
}

static void play(Eventlog *log, TraceWriter *writer, uint64_t start_ns)
{
    unsigned since = 0;

    for (guint i = 0; i < events->len; i++) {
        Event *ev = &g_array_index(events, Event, i);

        if (ev->device) {
            ev->dev.time_ns = start_ns + ev->t;
            if (engine_fits(&ev->dev)) {
                eventlog_emit_wait(log, &ev->dev);
            }
        } else {
            if (ev->type == SVMGPU_TRACE_CLOCK_SAMPLED) {
                struct svmgpu_trace_clock *c = (void *)ev->payload;

                c->device_ns += start_ns;
            }
            g_assert_true(trace_writer_put(
                writer, ev->cpu, guest_time(ev->t), ev->tid, ev->type,
                ev->payload, sizeof(ev->payload)));
        }
        /* The rings hold 8192 records each: empty them in time. */
        if (++since == 4096) {
            eventlog_sync(log);
            since = 0;
        }
    }
    eventlog_sync(log);
}

static void doorbell(void *drain)
{
    eventlog_drain_kick(drain);
}

int main(int argc, char **argv)
{
    unsigned long wanted = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    Actor boot = { .tid = 1, .now = 2 * MS };
    EventlogConfig config = { .creator = "make-sample-log" };
    g_autofree char *errmsg = NULL;
    TraceWriter writer = { 0 };
    EventlogDrain *drain;
    EventlogStats stats;
    Eventlog *log;
    uint64_t end = 0;
    size_t bytes;
    void *area;
    int rc;

    if (argc < 2) {
        fprintf(stderr, "usage: make-sample-log FILE [EVENTS]\n");
        return 2;
    }
    events = g_array_new(FALSE, TRUE, sizeof(Event));
    for (unsigned r = 0; r < RANGES; r++) {
        ranges[r].place = -1;
    }
    define_machine(&boot);
    while (events->len < wanted) {
        Actor *a = &actors[0];

        for (size_t i = 1; i < G_N_ELEMENTS(actors); i++) {
            a = actors[i].now < a->now ? &actors[i] : a;
        }
        switch (a->role) {
        case FAULT_WORKER:
            serve_fault(a);
            break;
        case CPU_THREAD:
            touch_by_cpu(a);
            break;
        case EXEC_THREAD:
            submit_exec(a);
            break;
        }
        end = MAX(end, a->now);
    }
    for (uint64_t t = 1 * MS; t < end; t += 250 * MS) {
        uint64_t half = rnd(20 * US, 40 * US);
        struct svmgpu_trace_clock c = {
            .guest_before_ns = guest_time(t - half),
            .device_ns = t,
            .guest_after_ns = guest_time(t + half),
        };

        put(t + half, 0, 1, SVMGPU_TRACE_CLOCK_SAMPLED, &c, sizeof(c));
    }
    put(end / 2, 0, 1000, SVMGPU_TRACE_MARK_SET, "second half", 12);
    qsort(events->data, events->len, sizeof(Event), event_compare);

    config.path = argv[1];
    config.start_ns = eventlog_now_ns() - end - 100 * MS;
    rc = eventlog_open(&log, &config, &errmsg);
    if (rc) {
        fprintf(stderr, "make-sample-log: %s\n", errmsg);
        return 1;
    }
    area = trace_area_new(CPUS, 8192, &bytes);
    drain = eventlog_drain_add(log, 0, area, bytes);
    writer.doorbell = doorbell;
    writer.opaque = drain;
    trace_writer_begin(&writer, area, bytes, CPUS, 8192, 0x5e55104,
                       guest_time(0));
    /* as in a guest: the driver is there long before the first fault */
    eventlog_sync(log);
    play(log, &writer, config.start_ns);
    eventlog_drain_remove(drain);
    eventlog_get_stats(log, &stats);
    eventlog_close(log);
    trace_area_free(area, bytes);
    printf("%u events over %.3f s, lost %" G_GUINT64_FORMAT
           ", bad %" G_GUINT64_FORMAT "\n", events->len, end / 1e9,
           (guint64)stats.lost, (guint64)stats.bad_records);
    g_array_unref(events);
    return stats.lost || stats.bad_records;
}

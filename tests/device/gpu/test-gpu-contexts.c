/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contexts: scheduling, suspension, killing, virtual engines, hangs. */

#include "gpu-fixture.h"

#include <string.h>

#define BATCH_VA 0x10000000ull
#define DATA_VA 0x5000u
#define ENGINES 3

/* Data page: per spinner i, [2i] start, [2i + 1] end. */
typedef struct Stand {
    TestMachine *machine;
    TestGpu *gpu;
    uint32_t *data;
    TestBatch spin[8];
    TestBatch inc;
} Stand;

static void stand_set_up(Stand *s)
{
    uint64_t dma;

    memset(s, 0, sizeof(*s));
    s->machine = test_machine_new(1, NULL);
    s->gpu = &s->machine->gpu[0];
    test_gpu_start(s->gpu);
    dma = test_gpu_alloc(s->gpu, 4096, 4096);
    test_gpu_map(s->gpu, DATA_VA, dma, 4096, TEST_RW);
    s->data = test_gpu_at(s->gpu, dma);
    for (unsigned i = 0; i < G_N_ELEMENTS(s->spin); i++) {
        s->spin[i] = test_batch_new(s->gpu, BATCH_VA + i * 4096);
        test_batch_spin(&s->spin[i], DATA_VA + 8 * i, DATA_VA + 8 * i + 4);
        s->data[2 * i + 1] = 1;
    }
    s->inc = test_batch_new(s->gpu, BATCH_VA + 0x100000);
    test_batch_add(&s->inc, 3, MI_ATOMIC_INC, DATA_VA + 0x100u, 0u);
    test_batch_end(&s->inc);
}

static void stand_tear_down(Stand *s)
{
    test_machine_free(s->machine);
}

static uint64_t start_spinner(Stand *s, TestContext *context, unsigned i)
{
    s->data[2 * i] = 0;
    s->data[2 * i + 1] = 1;
    return test_gpu_submit(s->gpu, context, s->spin[i].va, 0, 0);
}

static bool spins(Stand *s, unsigned i, unsigned timeout_ms)
{
    return test_wait_word(&s->data[2 * i], 0xc0ffee, true, timeout_ms);
}

static void stop_spinner(Stand *s, unsigned i)
{
    __atomic_store_n(&s->data[2 * i + 1], 0, __ATOMIC_SEQ_CST);
}

static void expect_event(TestGpu *gpu, uint32_t context, uint32_t type,
                         struct svmgpu_event *event)
{
    do {
        g_assert_true(test_gpu_event(gpu, event, TEST_TIMEOUT_MS));
    } while (event->context != context || event->type != type);
}

/* In order, each seqno once; the user fence before the seqno. */
static void test_order(void)
{
    Stand s;
    TestContext *context;
    uint64_t seqno = 0;

    stand_set_up(&s);
    context = test_gpu_context(s.gpu, 1, 7, 0);
    for (unsigned i = 0; i < 200; i++) {
        seqno = test_gpu_submit(s.gpu, context, s.inc.va, DATA_VA + 0x200,
                                i + 1);
    }
    test_gpu_wait(s.gpu, context, seqno);
    g_assert_cmpuint(s.data[64], ==, 200);
    g_assert_cmpuint(*(uint64_t *)&s.data[128], ==, 200);
    g_assert_cmpuint(context->ring.header->completed, ==, 200);
    /* a job without a batch is a fence only */
    seqno = test_gpu_submit(s.gpu, context, 0, DATA_VA + 0x208, 5);
    test_gpu_wait(s.gpu, context, seqno);
    g_assert_cmpuint(*(uint64_t *)&s.data[130], ==, 5);
    stand_tear_down(&s);
}

/* More spinners than engines share them by timeslices. */
static void test_timeslices(void)
{
    Stand s;
    uint64_t seqno[8];

    stand_set_up(&s);
    for (unsigned i = 0; i < 8; i++) {
        seqno[i] = start_spinner(&s, test_gpu_context(s.gpu, i + 1, 1, 0), i);
    }
    for (unsigned i = 0; i < 8; i++) {
        g_assert_true(spins(&s, i, TEST_TIMEOUT_MS));
    }
    g_usleep(100000);
    for (unsigned i = 0; i < 8; i++) {
        /* nobody got everything: run time adds up to about the wall's */
        g_assert_cmpuint(s.gpu->contexts[i + 1].status->runtime_ns, <,
                         2000000000);
        g_assert_cmpuint(s.gpu->contexts[i + 1].status->runtime_ns, >, 0);
        stop_spinner(&s, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        test_gpu_wait(s.gpu, &s.gpu->contexts[i + 1], seqno[i]);
    }
    stand_tear_down(&s);
}

/* Timeslice 0: until idle; but a higher priority gets in. */
static void test_priority(void)
{
    Stand s;
    TestContext *low, *same, *high;
    uint64_t low_seqno, same_seqno;

    stand_set_up(&s);
    low = test_gpu_context_full(s.gpu, 1, 1, 0, 1, 0, 0);
    same = test_gpu_context_full(s.gpu, 2, 1, 0, 1, 0, 0);
    high = test_gpu_context_full(s.gpu, 3, 1, 0, 2, 0, 0);
    low_seqno = start_spinner(&s, low, 0);
    g_assert_true(spins(&s, 0, 1000));
    same_seqno = test_gpu_submit(s.gpu, same, s.inc.va, 0, 0);
    g_assert_false(test_gpu_wait_for(s.gpu, same, same_seqno, 100));
    test_gpu_wait(s.gpu, high, test_gpu_submit(s.gpu, high, s.inc.va, 0, 0));
    /* raised, the waiting one gets in as well */
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_SCHEDULE, 2, 3, 0, 0, 0);
    test_gpu_wait(s.gpu, same, same_seqno);
    stop_spinner(&s, 0);
    test_gpu_wait(s.gpu, low, low_seqno);
    stand_tear_down(&s);
}

static void test_no_preempt(void)
{
    Stand s;
    TestContext *stayer, *other;
    uint64_t seqno, waits;

    stand_set_up(&s);
    /* stays for as long as it likes ... */
    stayer = test_gpu_context_full(s.gpu, 1, 1, SVMGPU_CTX_F_NO_PREEMPT, 1,
                                     1000, 0);
    other = test_gpu_context_full(s.gpu, 2, 1, 0, 3, 1000, 0);
    seqno = start_spinner(&s, stayer, 0);
    g_assert_true(spins(&s, 0, 1000));
    waits = test_gpu_submit(s.gpu, other, s.inc.va, 0, 0);
    g_assert_false(test_gpu_wait_for(s.gpu, other, waits, 100));
    stop_spinner(&s, 0);
    test_gpu_wait(s.gpu, stayer, seqno);
    test_gpu_wait(s.gpu, other, waits);
    /* ... unless it has a preempt timeout */
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_SCHEDULE, 1, 1, 1000, 50000, 0);
    start_spinner(&s, stayer, 1);
    g_assert_true(spins(&s, 1, 1000));
    waits = test_gpu_submit(s.gpu, other, s.inc.va, 0, 0);
    test_gpu_wait(s.gpu, other, waits);
    g_assert_true(test_wait_state(stayer, SVMGPU_CTX_DEAD, 1000));
    g_assert_cmpuint(stayer->status->error, ==, SVMGPU_ERROR_HANG);
    stand_tear_down(&s);
}

/* A virtual engine takes whichever is free. */
static void test_virtual_engine(void)
{
    Stand s;
    TestContext *virtual;
    uint64_t seqno[2];

    stand_set_up(&s);
    seqno[0] = start_spinner(&s, test_gpu_context_full(s.gpu, 1, 1 << 1, 0, 1,
                                                       0, 0), 0);
    g_assert_true(spins(&s, 0, 1000));
    virtual = test_gpu_context(s.gpu, 2, 1 << 1 | 1 << 2, 0);
    for (unsigned i = 0; i < 20; i++) {
        test_gpu_wait(s.gpu, virtual, test_gpu_submit(s.gpu, virtual,
                                                      s.inc.va, 0, 0));
    }
    g_assert_cmpuint(s.data[64], ==, 20);
    stop_spinner(&s, 0);
    test_gpu_wait(s.gpu, &s.gpu->contexts[1], seqno[0]);
    stand_tear_down(&s);
}

/* Two virtual contexts and two free engines: both run at once. */
static void test_two_virtual(void)
{
    Stand s;
    uint64_t seqno[2];

    stand_set_up(&s);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 2; i++) {
            if (round == 0) {
                test_gpu_context_full(s.gpu, i + 1, 6, 0, 1, 0, 0);
            }
            seqno[i] = start_spinner(&s, &s.gpu->contexts[i + 1], i);
        }
        for (unsigned i = 0; i < 2; i++) {
            g_assert_true(spins(&s, i, 1000));
        }
        for (unsigned i = 0; i < 2; i++) {
            stop_spinner(&s, i);
            test_gpu_wait(s.gpu, &s.gpu->contexts[i + 1], seqno[i]);
        }
    }
    stand_tear_down(&s);
}

/* Contexts that wait for semaphores on one engine: they rest, it is free. */
static void test_waiters(void)
{
    enum { WAITERS = 4 };
    Stand s;
    TestContext *worker;
    uint64_t seqno[WAITERS];

    stand_set_up(&s);
    for (unsigned i = 0; i < WAITERS; i++) {
        TestBatch wait = test_batch_new(s.gpu, BATCH_VA + 0x200000 +
                                        i * 4096);

        /* until 20 + i have been counted; one has a higher priority */
        test_batch_add(&wait, 5, 0x0e009003u, 20 + i, DATA_VA + 0x100, 0u,
                       0u);
        test_batch_end(&wait);
        seqno[i] = test_gpu_submit(s.gpu, test_gpu_context_full(
                                       s.gpu, i + 1, 1, 0, i == 0 ? 2 : 1,
                                       1000, 0), wait.va, 0, 0);
    }
    worker = test_gpu_context(s.gpu, 10, 1, 0);
    for (unsigned i = 0; i < 20 + WAITERS; i++) {
        if (i < 20) {
            g_assert_cmpuint(s.gpu->contexts[1].status->completed, ==, 0);
        }
        test_gpu_wait(s.gpu, worker, test_gpu_submit(s.gpu, worker, s.inc.va,
                                                     0, 0));
    }
    for (unsigned i = 0; i < WAITERS; i++) {
        test_gpu_wait(s.gpu, &s.gpu->contexts[i + 1], seqno[i]);
    }
    /* killed while waiting */
    s.data[64] = 0;
    test_gpu_submit(s.gpu, &s.gpu->contexts[1], BATCH_VA + 0x200000, 0, 0);
    test_gpu_submit(s.gpu, &s.gpu->contexts[2], BATCH_VA + 0x200000, 0, 0);
    g_usleep(5000);
    for (unsigned i = 0; i < WAITERS; i++) {
        test_gpu_command(s.gpu, SVMGPU_CMD_CTX_DESTROY, i + 1, 0, 0, 0, 0);
    }
    stand_tear_down(&s);
}

static void test_suspend(void)
{
    Stand s;
    TestContext *context;
    struct svmgpu_event event;
    uint64_t seqno, runtime;

    stand_set_up(&s);
    context = test_gpu_context(s.gpu, 1, 1, 0);
    seqno = start_spinner(&s, context, 0);
    g_assert_true(spins(&s, 0, 1000));
    for (unsigned i = 0; i < 20; i++) {
        test_gpu_command(s.gpu, SVMGPU_CMD_CTX_SUSPEND, 1, 0, 0, 0, 0);
        expect_event(s.gpu, 1, SVMGPU_EVENT_CTX_SUSPENDED, &event);
        g_assert_cmpuint(context->status->state, ==, SVMGPU_CTX_SUSPENDED);
        runtime = context->status->runtime_ns;
        g_usleep(2000);
        g_assert_cmpuint(context->status->runtime_ns, ==, runtime);
        test_gpu_command(s.gpu, SVMGPU_CMD_CTX_RESUME, 1, 0, 0, 0, 0);
    }
    stop_spinner(&s, 0);
    test_gpu_wait(s.gpu, context, seqno);
    /* idle: at once; jobs wait for the resume */
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_SUSPEND, 1, 0, 0, 0, 0);
    expect_event(s.gpu, 1, SVMGPU_EVENT_CTX_SUSPENDED, &event);
    seqno = test_gpu_submit(s.gpu, context, s.inc.va, 0, 0);
    g_assert_false(test_gpu_wait_for(s.gpu, context, seqno, 50));
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_RESUME, 1, 0, 0, 0, 0);
    test_gpu_wait(s.gpu, context, seqno);
    stand_tear_down(&s);
}

static void test_kill(void)
{
    Stand s;
    TestContext *context;
    struct svmgpu_event event;
    uint64_t first, last;

    stand_set_up(&s);
    context = test_gpu_context(s.gpu, 1, 1, SVMGPU_CTX_F_NO_PREEMPT);
    first = start_spinner(&s, context, 0);
    for (unsigned i = 0; i < 10; i++) {
        last = test_gpu_submit(s.gpu, context, s.inc.va, DATA_VA + 0x200, 1);
    }
    g_assert_true(spins(&s, 0, 1000));
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_KILL, 1, 0, 0, 0, 0);
    /* retired: everything has failed, in order, fences are not written */
    g_assert_cmpuint(context->status->state, ==, SVMGPU_CTX_DEAD);
    g_assert_cmpuint(context->status->completed, ==, last);
    g_assert_cmpuint(context->status->failed_seqno, ==, first);
    g_assert_cmpuint(context->status->error, ==, SVMGPU_ERROR_KILLED);
    g_assert_cmpuint(s.data[64], ==, 0);
    g_assert_cmpuint(s.data[128], ==, 0);
    expect_event(s.gpu, 1, SVMGPU_EVENT_JOB_FAILED, &event);
    g_assert_cmpuint(event.seqno, ==, first);
    g_assert_cmpuint(event.error, ==, SVMGPU_ERROR_KILLED);
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_KILL, 1, 0, 0, 0, 0);
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_DESTROY, 1,
                                           0, 0, 0, 0));
    stand_tear_down(&s);
}

static void test_destroy_running(void)
{
    Stand s;

    stand_set_up(&s);
    for (unsigned i = 0; i < 10; i++) {
        TestContext *context = test_gpu_context(s.gpu, 1, 7, 0);

        start_spinner(&s, context, 0);
        if (i & 1) {
            g_assert_true(spins(&s, 0, 1000));
        }
        test_gpu_command(s.gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
    }
    g_assert_cmpuint(test_counter(s.machine, 0, "contexts"), ==, 0);
    stand_tear_down(&s);
}

static void test_hung_engine(void)
{
    Stand s;
    TestContext *context, *other;
    uint64_t seqno;

    stand_set_up(&s);
    context = test_gpu_context(s.gpu, 1, 1, 0);
    other = test_gpu_context(s.gpu, 2, 2, 0);
    seqno = start_spinner(&s, context, 0);
    g_assert_true(spins(&s, 0, 1000));
    test_control_ok(s.machine, "hang 0 bcs0");
    g_usleep(20000);
    stop_spinner(&s, 0);
    g_assert_false(test_gpu_wait_for(s.gpu, context, seqno, 50));
    test_gpu_wait(s.gpu, other, test_gpu_submit(s.gpu, other, s.inc.va, 0,
                                                0));
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_KILL, 1, 0, 0, 0, 0);
    g_assert_cmpuint(context->status->error, ==, SVMGPU_ERROR_HANG);
    test_control_ok(s.machine, "unhang 0 bcs0");
    test_gpu_command(s.gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
    context = test_gpu_context(s.gpu, 1, 1, 0);
    test_gpu_wait(s.gpu, context, test_gpu_submit(s.gpu, context, s.inc.va, 0,
                                                  0));
    stand_tear_down(&s);
}

static void test_bad_descriptors(void)
{
    Stand s;
    uint64_t dma;
    struct svmgpu_context *d, good;

    stand_set_up(&s);
    test_gpu_context(s.gpu, 1, 1, 0);
    good = *s.gpu->contexts[1].descriptor;
    dma = test_gpu_alloc(s.gpu, 64, 64);
    d = test_gpu_at(s.gpu, dma);
    for (unsigned i = 0; i < 11; i++) {
        *d = good;
        switch (i) {
        case 0: d->asid = 0; break;
        case 1: d->asid = SVMGPU_MAX_ASIDS; break;
        case 2: d->engines = 0; break;
        case 3: d->engines = 1 << ENGINES; break;
        case 4: d->priority = 4; break;
        case 5: d->flags = 0x80; break;
        case 6: d->ring_log2 = 3; break;
        case 7: d->ring_log2 = 31; break;
        case 8: d->ring = 1ull << 50; break;
        case 9: d->status = 1ull << 50; break;
        case 10: d->status |= 4; break;
        }
        g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE,
                                               2, dma, 0, 0, 0));
    }
    *d = good;
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE, 0,
                                           dma, 0, 0, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE,
                                           SVMGPU_MAX_CONTEXTS, dma, 0, 0,
                                           0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE, 1,
                                           dma, 0, 0, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE, 2,
                                           1ull << 50, 0, 0, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_CREATE, 2,
                                           dma + 4, 0, 0, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_CTX_SCHEDULE, 1,
                                           4, 0, 0, 0));
    for (unsigned op = SVMGPU_CMD_CTX_DESTROY;
         op <= SVMGPU_CMD_CTX_SCHEDULE; op++) {
        g_assert_true(test_gpu_command_refused(s.gpu, op, 9, 0, 0, 0, 0));
    }
    g_assert_cmpuint(test_counter(s.machine, 0, "contexts"), ==, 1);
    stand_tear_down(&s);
}

/* Four thousand contexts exist at once, and each runs. */
static void test_many(void)
{
    Stand s;
    uint64_t ring, descriptor, status;
    unsigned i;

    stand_set_up(&s);
    ring = test_gpu_alloc(s.gpu, 4096 * 2048, 4096);
    descriptor = test_gpu_alloc(s.gpu, 4096 * 64, 64);
    status = test_gpu_alloc(s.gpu, 4096 * 64, 64);
    for (i = 0; i < 4096; i++) {
        struct svmgpu_context *d = test_gpu_at(s.gpu, descriptor + 64 * i);
        struct svmgpu_ring_header *header = test_gpu_at(s.gpu,
                                                        ring + 2048 * i);
        struct svmgpu_job *job = (void *)((char *)header +
                                          SVMGPU_RING_ENTRIES_OFFSET);

        *d = (struct svmgpu_context) {
            .asid = TEST_ASID,
            .engines = 1 << i % ENGINES,
            .ring_log2 = 4,
            .ring = ring + 2048 * i,
            .status = status + 64 * i,
        };
        *job = (struct svmgpu_job) {
            .seqno = 1,
            .batch_va = s.inc.va,
            .flags = SVMGPU_JOB_F_BATCH,
        };
        header->producer = 1;
        test_gpu_post(s.gpu, SVMGPU_CMD_CTX_CREATE, i + 1,
                      descriptor + 64 * i, 0, 0, 0);
    }
    for (i = 0; i < 4096; i++) {
        struct svmgpu_context_status *st = test_gpu_at(s.gpu,
                                                       status + 64 * i);

        g_assert_true(test_wait_word((uint32_t *)&st->completed, 1, true,
                                     20000));
    }
    g_assert_cmpuint(s.data[64], ==, 4096);
    stand_tear_down(&s);
}

/* Nobody takes the events for a while: none is lost. */
static void test_event_back_pressure(void)
{
    enum { JOBS = 3000 };
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    struct svmgpu_event event;
    uint64_t sent = 0, seen = 0;

    gpu->event_log2 = 4;
    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 7, 0);
    while (seen < JOBS) {
        while (sent < JOBS &&
               context->ring.header->producer -
               context->ring.header->consumer < 64) {
            sent = test_gpu_submit(gpu, context, 0, 0, 0);
        }
        if (sent < JOBS && sent < 1500 + seen) {
            g_usleep(100);
            if (context->status->completed < MIN(sent, 1000)) {
                continue;
            }
        }
        g_assert_true(test_gpu_event(gpu, &event, TEST_TIMEOUT_MS));
        g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_JOB_DONE);
        g_assert_cmpuint(event.seqno, ==, ++seen);
    }
    g_assert_cmpuint(test_counter(machine, 0, "events_dropped"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/contexts/order", test_order);
    g_test_add_func("/gpu/contexts/timeslices", test_timeslices);
    g_test_add_func("/gpu/contexts/priority", test_priority);
    g_test_add_func("/gpu/contexts/no-preempt", test_no_preempt);
    g_test_add_func("/gpu/contexts/virtual-engine", test_virtual_engine);
    g_test_add_func("/gpu/contexts/two-virtual", test_two_virtual);
    g_test_add_func("/gpu/contexts/waiters", test_waiters);
    g_test_add_func("/gpu/contexts/suspend", test_suspend);
    g_test_add_func("/gpu/contexts/kill", test_kill);
    g_test_add_func("/gpu/contexts/destroy-running", test_destroy_running);
    g_test_add_func("/gpu/contexts/hung-engine", test_hung_engine);
    g_test_add_func("/gpu/contexts/bad-descriptors", test_bad_descriptors);
    g_test_add_func("/gpu/contexts/many", test_many);
    g_test_add_func("/gpu/contexts/event-back-pressure",
                    test_event_back_pressure);
    return g_test_run();
}

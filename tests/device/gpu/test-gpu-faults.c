/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recoverable faults: every access, answers, replay, back-pressure. */

#include "gpu-fixture.h"

#include <string.h>

#define FAULT SVMGPU_CTX_F_FAULT_MODE
#define BATCH_VA 0x10000000ull

static TestMachine *start(TestGpu **gpu, const char *options)
{
    TestMachine *machine = test_machine_new(1, options);

    *gpu = &machine->gpu[0];
    test_gpu_start(*gpu);
    return machine;
}

static struct svmgpu_fault expect(TestGpu *gpu, uint64_t addr,
                                  enum svmgpu_access access)
{
    struct svmgpu_fault fault;

    g_assert_true(test_gpu_fault(gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmphex(fault.addr, ==, addr);
    g_assert_cmpuint(fault.access, ==, access);
    g_assert_cmpuint(fault.flags, ==, 0);
    return fault;
}

/* Serves a fault as a driver does: maps the page, then answers. */
static void serve(TestGpu *gpu, const struct svmgpu_fault *fault,
                  uint64_t paddr)
{
    test_gpu_map(gpu, fault->addr & ~4095ull, paddr, 4096, TEST_RW);
    test_gpu_answer(gpu, fault, SVMGPU_ANSWER_RETRY);
}

/* Instruction fetch, write, atomic, read and fence, each in its own page. */
static void test_every_access(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 7, FAULT);
    uint64_t pages = test_gpu_alloc(gpu, 6 * 4096, 4096);
    TestBatch batch = { .va = BATCH_VA, .dw = test_gpu_at(gpu, pages) };
    uint32_t *data = test_gpu_at(gpu, pages + 4096);
    struct svmgpu_fault fault;
    uint64_t seqno;

    test_batch_store(&batch, 0x5010, 77);
    test_batch_add(&batch, 3, MI_ATOMIC_INC, 0x6020u, 0u);
    test_batch_add(&batch, 4, 0x14800002u, 0x600u, 0x7030u, 0u);
    test_batch_add(&batch, 4, 0x12000002u, 0x600u, 0x5014u, 0u);
    test_batch_end(&batch);
    data[2048 + 12] = 0xabcd;
    seqno = test_gpu_submit(gpu, context, batch.va, 0x8040,
                            0x1122334455667788);

    fault = expect(gpu, BATCH_VA, SVMGPU_ACCESS_FETCH);
    g_assert_cmpuint(fault.seqno, ==, seqno);
    g_assert_true(test_wait_state(context, SVMGPU_CTX_FAULTED, 1000));
    serve(gpu, &fault, pages);
    fault = expect(gpu, 0x5010, SVMGPU_ACCESS_WRITE);
    serve(gpu, &fault, pages + 4096);
    fault = expect(gpu, 0x6020, SVMGPU_ACCESS_ATOMIC);
    g_assert_cmpuint(data[4], ==, 77);
    serve(gpu, &fault, pages + 2 * 4096);
    fault = expect(gpu, 0x7030, SVMGPU_ACCESS_READ);
    g_assert_cmpuint(data[1024 + 8], ==, 1);
    serve(gpu, &fault, pages + 3 * 4096);
    fault = expect(gpu, 0x8040, SVMGPU_ACCESS_FENCE);
    g_assert_cmpuint(data[5], ==, 0xabcd);
    g_assert_cmpuint(context->status->completed, ==, 0);
    serve(gpu, &fault, pages + 4 * 4096);
    test_gpu_wait(gpu, context, seqno);
    g_assert_cmphex(*(uint64_t *)&data[3 * 1024 + 16], ==,
                    0x1122334455667788);
    g_assert_cmpuint(data[1024 + 8], ==, 1); /* the atomic happened once */
    g_assert_cmpuint(test_counter(machine, 0, "faults_raised"), ==, 5);
    g_assert_cmpuint(test_counter(machine, 0, "faults_replayed"), ==, 5);
    g_assert_cmpuint(test_counter(machine, 0, "faults_outstanding"), ==, 0);
}

/* An access across a page end faults in either half and is done once. */
static void test_split_access(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t a = test_gpu_alloc(gpu, 4096, 4096);
    uint64_t b;
    struct svmgpu_fault fault;
    uint64_t seqno;

    test_gpu_alloc(gpu, 4096, 4096); /* a and b do not touch */
    b = test_gpu_alloc(gpu, 4096, 4096);
    test_batch_add(&batch, 5, 0x10200003u, 0x5ffcu, 0u, 0x11111111u,
                   0x22222222u);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
    fault = expect(gpu, 0x5ffc, SVMGPU_ACCESS_WRITE);
    serve(gpu, &fault, a);
    fault = expect(gpu, 0x6000, SVMGPU_ACCESS_WRITE);
    serve(gpu, &fault, b);
    test_gpu_wait(gpu, context, seqno);
    g_assert_cmphex(*(uint32_t *)test_gpu_at(gpu, a + 4092), ==, 0x11111111);
    g_assert_cmphex(*(uint32_t *)test_gpu_at(gpu, b), ==, 0x22222222);
}

/* A batch that crosses into a page that is not there yet. */
static void test_split_fetch(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    uint64_t pages = test_gpu_alloc(gpu, 2 * 4096, 4096);
    uint64_t out = test_gpu_alloc(gpu, 4096, 4096);
    TestBatch batch = { .va = BATCH_VA, .dw = test_gpu_at(gpu, pages) };
    struct svmgpu_fault fault;
    uint64_t seqno;

    for (unsigned cut = 1; cut < 4; cut++) {
        test_gpu_map(gpu, BATCH_VA, pages, 4096, SVMGPU_PTE_VALID);
        test_gpu_unmap(gpu, BATCH_VA + 4096, 4096);
        test_gpu_map(gpu, 0x5000, out, 4096, TEST_RW);
        test_gpu_flush(gpu, 0, ~0ull);
        memset(batch.dw, 0, 8192);
        batch.n = 1024 - cut;
        /* by hand: the helper guards the page's end */
        batch.dw[batch.n++] = MI_SDI;
        batch.dw[batch.n++] = 0x5000 + 4 * cut;
        batch.dw[batch.n++] = 0;
        batch.dw[batch.n++] = 0x600d0000 + cut;
        batch.dw[batch.n++] = MI_BBE;
        seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
        fault = expect(gpu, BATCH_VA + 4096, SVMGPU_ACCESS_FETCH);
        serve(gpu, &fault, pages + 4096);
        test_gpu_wait(gpu, context, seqno);
        g_assert_cmphex(((uint32_t *)test_gpu_at(gpu, out))[cut], ==,
                        0x600d0000 + cut);
    }
}

/* Copies fault page by page on both sides and arrive unchanged. */
static void test_copy(void)
{
    enum { PAGES = 5 };
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t source = test_gpu_alloc(gpu, PAGES * 4096, 4096);
    uint64_t target = test_gpu_alloc(gpu, PAGES * 4096, 4096);
    uint8_t *from = test_gpu_at(gpu, source);
    uint8_t *to = test_gpu_at(gpu, target);
    unsigned faults = 0;
    uint64_t seqno;

    for (unsigned i = 0; i < PAGES * 4096; i++) {
        from[i] = i * 7 + i / 251;
    }
    /* bytes 100 .. 4 pages, to an offset that is not the same in its page */
    test_batch_add(&batch, 10, 0x56800008u, 4 * 4096u - 1, 0u, 0u, 0u,
                   0x100064u, 0u, 0x2003e8u, 0u, 0u);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
    while (!test_gpu_wait_for(gpu, context, seqno, 0)) {
        struct svmgpu_fault fault;
        uint64_t page;

        if (!test_gpu_fault(gpu, &fault, 100)) {
            continue;
        }
        page = fault.addr & 0xff000;
        serve(gpu, &fault, (fault.addr & 0x200000 ? target : source) + page);
        faults++;
        g_assert_cmpuint(faults, <=, 2 * PAGES);
    }
    g_assert_cmpuint(faults, ==, 2 * PAGES);
    g_assert_cmpmem(to + 0x3e8, 4 * 4096, from + 0x64, 4 * 4096);
    g_assert_cmpuint(to[0x3e7], ==, 0);
    g_assert_cmpuint(to[0x3e8 + 4 * 4096], ==, 0);
}

static void test_answers(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    struct svmgpu_fault fault, again;
    uint64_t seqno;

    test_batch_store(&batch, 0x5000, 1);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
    fault = expect(gpu, 0x5000, SVMGPU_ACCESS_WRITE);
    /* a wrong id, context, value: refused, nothing happens */
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1,
                                           fault.fault_id + 1,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 2,
                                           fault.fault_id,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1,
                                           fault.fault_id, 7, 0, 0));
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1, 0,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    /* a premature answer: faults again, under a new id */
    test_gpu_answer(gpu, &fault, SVMGPU_ANSWER_RETRY);
    again = expect(gpu, 0x5000, SVMGPU_ACCESS_WRITE);
    g_assert_cmpuint(again.fault_id, !=, fault.fault_id);
    /* the first one has been answered */
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1,
                                           fault.fault_id,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    serve(gpu, &again, dma);
    test_gpu_wait(gpu, context, seqno);
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1,
                                           again.fault_id,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    g_assert_cmpuint(test_counter(machine, 0, "bad_answers"), ==, 6);
}

static void test_fail(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    struct svmgpu_fault fault;
    struct svmgpu_event event;
    uint64_t first, last;

    first = test_gpu_submit(gpu, context, 0x7000000, 0, 0);
    test_gpu_submit(gpu, context, 0x7001000, 0, 0);
    last = test_gpu_submit(gpu, context, 0x7002000, 0, 0);
    fault = expect(gpu, 0x7000000, SVMGPU_ACCESS_FETCH);
    test_gpu_answer(gpu, &fault, SVMGPU_ANSWER_FAIL);
    g_assert_true(test_gpu_event(gpu, &event, TEST_TIMEOUT_MS));
    g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_JOB_FAILED);
    g_assert_cmpuint(event.seqno, ==, first);
    g_assert_cmpuint(event.error, ==, SVMGPU_ERROR_FAULT);
    /* the others fail too, in silence */
    g_assert_cmpuint(context->status->completed, ==, last);
    g_assert_cmpuint(context->status->failed_seqno, ==, first);
    g_assert_cmpuint(context->status->state, ==, SVMGPU_CTX_DEAD);
    last = test_gpu_submit(gpu, context, 0x7003000, 0, 0);
    test_gpu_wait(gpu, context, last);
    g_assert_false(test_gpu_event(gpu, &event, 50));
    g_assert_false(test_gpu_fault(gpu, &fault, 0));
}

/* Without fault mode a context dies of a fault, alone. */
static void test_fatal(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *good = test_gpu_context(gpu, 1, 1, 0);
    TestContext *bad = test_gpu_context(gpu, 2, 1, 0);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    struct svmgpu_fault fault;

    test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
    test_batch_store(&batch, 0x5000, 5);
    test_batch_end(&batch);
    test_gpu_submit(gpu, bad, 0x7000000, 0, 0);
    g_assert_true(test_gpu_fault(gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmpuint(fault.flags, ==, SVMGPU_FAULT_F_FATAL);
    g_assert_cmpuint(fault.context, ==, 2);
    g_assert_cmphex(fault.addr, ==, 0x7000000);
    g_assert_true(test_wait_state(bad, SVMGPU_CTX_DEAD, 1000));
    test_gpu_wait(gpu, good, test_gpu_submit(gpu, good, batch.va, 0, 0));
    g_assert_cmpuint(good->status->error, ==, SVMGPU_OK);
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, 5);
    g_assert_cmpuint(test_counter(machine, 0, "faults_outstanding"), ==, 0);
}

/* While one context waits for its answer, others use its engine. */
static void test_others_go_on(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *waits = test_gpu_context(gpu, 1, 1, FAULT);
    TestContext *works = test_gpu_context(gpu, 2, 1, FAULT);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    struct svmgpu_fault fault;
    uint64_t seqno;

    test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
    test_batch_add(&batch, 3, MI_ATOMIC_INC, 0x5000u, 0u);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, waits, BATCH_VA, 0x9000, 1);
    fault = expect(gpu, 0x9000, SVMGPU_ACCESS_FENCE);
    for (unsigned i = 0; i < 50; i++) {
        test_gpu_wait(gpu, works, test_gpu_submit(gpu, works, BATCH_VA, 0,
                                                  0));
    }
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, 51);
    g_assert_cmpuint(waits->status->state, ==, SVMGPU_CTX_FAULTED);
    serve(gpu, &fault, dma);
    test_gpu_wait(gpu, waits, seqno);
}

/* A full fault ring holds faults back and loses none. */
static void test_back_pressure(void)
{
    enum { CONTEXTS = 24 };
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    uint32_t seen = 0;

    gpu->fault_log2 = 4;
    test_gpu_start(gpu);
    for (unsigned i = 1; i <= CONTEXTS; i++) {
        TestContext *context = test_gpu_context(gpu, i, 7, FAULT);

        test_gpu_submit(gpu, context, 0x7000000 + i * 0x1000, 0, 0);
    }
    for (unsigned i = 0; i < 1000 &&
         test_counter(machine, 0, "faults_raised") < CONTEXTS; i++) {
        g_usleep(1000);
    }
    g_assert_cmpuint(gpu->rings[SVMGPU_RING_FAULT].header->producer, ==, 16);
    g_assert_cmpuint(gpu->rings[SVMGPU_RING_FAULT].header->producer_asleep,
                     ==, 1);
    for (unsigned i = 1; i <= CONTEXTS; i++) {
        struct svmgpu_fault fault;

        g_assert_true(test_gpu_fault(gpu, &fault, TEST_TIMEOUT_MS));
        g_assert_cmphex(fault.addr, ==, 0x7000000 + fault.context * 0x1000);
        g_assert_false(seen & 1u << fault.context);
        seen |= 1u << fault.context;
        test_gpu_answer(gpu, &fault, SVMGPU_ANSWER_FAIL);
    }
    g_assert_cmpuint(test_counter(machine, 0, "faults_outstanding"), ==, 0);
}

/*
 * The second promise: after a good answer the access has retired before a
 * later flush does. The driver takes the page away at once with each answer
 * (and says in it which entry it had committed), at the end while a spinner
 * that cannot be preempted has the only engine. Still the batch ends after
 * one fault per access.
 */
static void test_progress(void)
{
    enum { ROUNDS = 40 };
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *victim = test_gpu_context(gpu, 1, 1, FAULT);
    TestContext *spinner;
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    TestBatch spin = test_batch_new(gpu, BATCH_VA + 4096);
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    uint64_t flag = test_gpu_alloc(gpu, 4096, 4096);
    uint32_t *flags = test_gpu_at(gpu, flag);
    unsigned faults = 0;
    uint64_t seqno, spin_seqno, pte;

    for (unsigned i = 0; i < ROUNDS; i++) {
        test_batch_add(&batch, 3, MI_ATOMIC_INC, 0x5000u, 0u);
    }
    test_batch_end(&batch);
    test_gpu_map(gpu, 0x6000, flag, 4096, TEST_RW);
    flags[1] = 1;
    test_batch_spin(&spin, 0x6000, 0x6004);
    seqno = test_gpu_submit(gpu, victim, batch.va, 0, 0);
    while (!test_gpu_wait_for(gpu, victim, seqno, 0)) {
        struct svmgpu_fault fault;

        if (!test_gpu_fault(gpu, &fault, 20)) {
            continue;
        }
        if (++faults == ROUNDS) {
            /* now nobody else gets on the engine any more */
            spinner = test_gpu_context(gpu, 2, 1, SVMGPU_CTX_F_NO_PREEMPT);
            spin_seqno = test_gpu_submit(gpu, spinner, spin.va, 0, 0);
            g_assert_true(test_wait_word(flags, 0xc0ffee, true, 1000));
        }
        test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
        pte = *test_gpu_pte(gpu, 0x5000, 0);
        if (faults < ROUNDS) {
            /* zapped before the GPU has even read the answer */
            test_gpu_unmap(gpu, 0x5000, 4096);
            test_gpu_post(gpu, SVMGPU_CMD_FAULT_ANSWER, 1, fault.fault_id,
                          SVMGPU_ANSWER_RETRY, pte, 0);
        } else {
            test_gpu_answer(gpu, &fault, SVMGPU_ANSWER_RETRY);
            test_gpu_unmap(gpu, 0x5000, 4096);
        }
        test_gpu_flush(gpu, 0x5000, 0x6000);
        /* the flush has retired: so has the access, exactly once */
        g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, faults);
        if (faults == ROUNDS) {
            flags[1] = 0;
            test_gpu_wait(gpu, spinner, spin_seqno);
        }
        g_assert_cmpuint(faults, <=, ROUNDS);
    }
    g_assert_cmpuint(faults, ==, ROUNDS);
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, ROUNDS);
}

/* A suspended context makes no access, not even a replay, until resumed. */
static void test_suspended_replay(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    TestBatch batch = test_batch_new(gpu, BATCH_VA);
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    struct svmgpu_fault fault;
    struct svmgpu_event event;
    uint64_t seqno;

    test_batch_store(&batch, 0x5000, 6);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
    fault = expect(gpu, 0x5000, SVMGPU_ACCESS_WRITE);
    test_gpu_command(gpu, SVMGPU_CMD_CTX_SUSPEND, 1, 0, 0, 0, 0);
    g_assert_true(test_gpu_event(gpu, &event, 1000));
    g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_CTX_SUSPENDED);
    serve(gpu, &fault, dma);
    g_assert_false(test_gpu_wait_for(gpu, context, seqno, 50));
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, 0);
    test_gpu_command(gpu, SVMGPU_CMD_CTX_RESUME, 1, 0, 0, 0, 0);
    test_gpu_wait(gpu, context, seqno);
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(gpu, dma), ==, 6);
}

static void test_kill_faulted(void)
{
    TestGpu *gpu;
    g_autoptr(TestMachine) machine = start(&gpu, NULL);
    TestContext *context = test_gpu_context(gpu, 1, 1, FAULT);
    struct svmgpu_fault fault;

    test_gpu_submit(gpu, context, 0x7000000, 0, 0);
    fault = expect(gpu, 0x7000000, SVMGPU_ACCESS_FETCH);
    test_gpu_command(gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
    g_assert_true(test_gpu_command_refused(gpu, SVMGPU_CMD_FAULT_ANSWER, 1,
                                           fault.fault_id,
                                           SVMGPU_ANSWER_RETRY, 0, 0));
    g_assert_cmpuint(test_counter(machine, 0, "faults_outstanding"), ==, 0);
    g_assert_cmpuint(test_counter(machine, 0, "contexts"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/faults/every-access", test_every_access);
    g_test_add_func("/gpu/faults/split-access", test_split_access);
    g_test_add_func("/gpu/faults/split-fetch", test_split_fetch);
    g_test_add_func("/gpu/faults/copy", test_copy);
    g_test_add_func("/gpu/faults/answers", test_answers);
    g_test_add_func("/gpu/faults/fail", test_fail);
    g_test_add_func("/gpu/faults/fatal", test_fatal);
    g_test_add_func("/gpu/faults/others-go-on", test_others_go_on);
    g_test_add_func("/gpu/faults/back-pressure", test_back_pressure);
    g_test_add_func("/gpu/faults/progress", test_progress);
    g_test_add_func("/gpu/faults/suspended-replay", test_suspended_replay);
    g_test_add_func("/gpu/faults/kill-faulted", test_kill_faulted);
    return g_test_run();
}

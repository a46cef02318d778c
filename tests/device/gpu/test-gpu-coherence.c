/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a driver builds on the promises: a page that moves between two GPUs
 * while contexts of both count in it. Not one update may be lost (S4, S10).
 */

#include "gpu-fixture.h"

#include <string.h>

#define BATCH_VA 0x10000000ull
#define PAGE_VA 0x5000ull
#define CONTEXTS 3 /* per GPU, one per engine */
#define MOVES 40
#define ADDS 150

typedef struct Mover {
    TestMachine *machine;
    unsigned at;        /* the GPU whose VRAM holds the page */
    uint64_t offset[2]; /* where it lies there */
    unsigned moves;
    unsigned faults;
    unsigned jobs[2];
} Mover;

static uint64_t place_for(Mover *m, unsigned gpu)
{
    return m->at == gpu ? SVMGPU_PADDR_VRAM(m->offset[gpu]) :
           SVMGPU_PADDR_OF_PEER(m->at, m->offset[m->at]);
}

/* Zap, flush, copy: the order of an invalidation and a migration. */
static void move(Mover *m)
{
    unsigned to = !m->at;
    struct svmgpu_migration copy = {
        .op = SVMGPU_MIG_COPY,
        .flags = SVMGPU_MIG_F_INLINE,
        .count = 1,
    };
    uint32_t index[2];

    for (unsigned i = 0; i < 2; i++) {
        test_gpu_unmap(&m->machine->gpu[i], PAGE_VA, 4096);
        index[i] = test_gpu_post(&m->machine->gpu[i], SVMGPU_CMD_TLB_FLUSH,
                                 TEST_ASID, PAGE_VA, PAGE_VA + 4096, 0, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        test_gpu_wait_command(&m->machine->gpu[i], index[i]);
    }
    /* pushed or pulled, in turn */
    if (m->moves & 1) {
        copy.copy.src = SVMGPU_PADDR_VRAM(m->offset[m->at]);
        copy.copy.dst = SVMGPU_PADDR_OF_PEER(to, m->offset[to]);
    } else {
        copy.copy.src = SVMGPU_PADDR_OF_PEER(m->at, m->offset[m->at]);
        copy.copy.dst = SVMGPU_PADDR_VRAM(m->offset[to]);
    }
    copy.copy.bytes = 4096;
    g_assert_cmpuint(test_gpu_migrate_wait(
                         &m->machine->gpu[m->moves & 1 ? m->at : to],
                         copy).error, ==, SVMGPU_OK);
    /* what stayed behind is nobody's: make every late access visible */
    memset(m->machine->gpu[m->at].vram + m->offset[m->at], 0xee, 4096);
    m->at = to;
    m->moves++;
}

static void serve_faults(Mover *m)
{
    for (unsigned i = 0; i < 2; i++) {
        TestGpu *gpu = &m->machine->gpu[i];
        struct svmgpu_fault fault;

        while (test_gpu_fault(gpu, &fault, 0)) {
            g_assert_cmphex(fault.addr & ~4095ull, ==, PAGE_VA);
            test_gpu_map(gpu, PAGE_VA, place_for(m, i), 4096, TEST_RW);
            test_gpu_post(gpu, SVMGPU_CMD_FAULT_ANSWER, fault.context,
                          fault.fault_id, SVMGPU_ANSWER_RETRY,
                          *test_gpu_pte(gpu, PAGE_VA, 0), 0);
            m->faults++;
        }
    }
}

/* Gives idle contexts another job until the page has moved often enough. */
static bool all_done(Mover *m, uint64_t seqno[2][CONTEXTS])
{
    bool done = m->moves >= MOVES;

    for (unsigned i = 0; i < 2; i++) {
        TestGpu *gpu = &m->machine->gpu[i];
        struct svmgpu_event event;

        while (test_gpu_event(gpu, &event, 0)) {
            g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_JOB_DONE);
        }
        for (unsigned c = 0; c < CONTEXTS; c++) {
            TestContext *context = &gpu->contexts[c + 1];

            if (__atomic_load_n(&context->status->completed,
                                __ATOMIC_ACQUIRE) != seqno[i][c]) {
                done = false;
            } else if (m->moves < MOVES) {
                seqno[i][c] = test_gpu_submit(gpu, context, BATCH_VA, 0, 0);
                m->jobs[i]++;
            }
        }
    }
    return done;
}

static void test_moving_page(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(2, "check-tlb=1");
    Mover m = { .machine = machine };
    uint64_t seqno[2][CONTEXTS] = { 0 };
    int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
    uint32_t *word;

    for (unsigned i = 0; i < 2; i++) {
        TestGpu *gpu = &machine->gpu[i];
        TestBatch batch;

        test_gpu_start(gpu);
        m.offset[i] = test_gpu_alloc_vram(gpu, 4096, 4096);
        batch = test_batch_new(gpu, BATCH_VA);
        for (unsigned n = 0; n < ADDS; n++) {
            /* one counter for all, one per GPU; 32 and 64 bits */
            test_batch_add(&batch, 3, MI_ATOMIC_INC, LO(PAGE_VA), 0u);
            test_batch_add(&batch, 3, 0x17802501u, LO(PAGE_VA + 64 + 64 * i),
                           0u);
        }
        test_batch_end(&batch);
        for (unsigned c = 0; c < CONTEXTS; c++) {
            test_gpu_context(gpu, c + 1, 1 << c, SVMGPU_CTX_F_FAULT_MODE);
        }
    }
    memset(machine->gpu[0].vram + m.offset[0], 0, 4096);
    while (!all_done(&m, seqno)) {
        serve_faults(&m);
        move(&m);
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    }
    word = (uint32_t *)(machine->gpu[m.at].vram + m.offset[m.at]);
    g_assert_cmpuint(word[0], ==, (m.jobs[0] + m.jobs[1]) * ADDS);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpuint(word[16 + 16 * i], ==, m.jobs[i] * ADDS);
    }
    g_test_message("%u moves, %u faults, %u jobs", m.moves, m.faults,
                   m.jobs[0] + m.jobs[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/coherence/moving-page", test_moving_page);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two GPUs: peer access, links, what each may not do to the other. */

#include "gpu-fixture.h"

#include <string.h>

#define BATCH_VA 0x10000000ull

typedef struct Pair {
    TestMachine *machine;
    TestGpu *gpu[2];
    TestContext *context[2];
    uint64_t vram[2]; /* a page of each */
} Pair;

static void pair_set_up(Pair *p, uint32_t flags)
{
    p->machine = test_machine_new(2, NULL);
    for (unsigned i = 0; i < 2; i++) {
        p->gpu[i] = &p->machine->gpu[i];
        test_gpu_start(p->gpu[i]);
        p->context[i] = test_gpu_context(p->gpu[i], 1, 1, flags);
        p->vram[i] = test_gpu_alloc_vram(p->gpu[i], 2 << 20, 2 << 20);
    }
}

static void pair_tear_down(Pair *p)
{
    test_machine_free(p->machine);
}

/* Each GPU maps the other's page at 0x5000 and its own at 0x6000. */
static void map_both(Pair *p)
{
    for (unsigned i = 0; i < 2; i++) {
        test_gpu_map(p->gpu[i], 0x5000,
                     SVMGPU_PADDR_OF_PEER(!i, p->vram[!i]), 4096, TEST_RW);
        test_gpu_map(p->gpu[i], 0x6000, SVMGPU_PADDR_VRAM(p->vram[i]), 4096,
                     TEST_RW);
    }
}

static void test_peer_access(void)
{
    Pair p;

    pair_set_up(&p, 0);
    map_both(&p);
    for (unsigned i = 0; i < 2; i++) {
        TestBatch batch = test_batch_new(p.gpu[i], BATCH_VA);

        test_batch_store(&batch, 0x5010, 0x50 + i);
        /* peer to own memory by the copy packet */
        test_batch_add(&batch, 10, 0x56800008u, 15u, 0u, 0u, 0u, 0x5010u, 0u,
                       0x6100u, 0u, 0u);
        test_batch_end(&batch);
        test_gpu_wait(p.gpu[i], p.context[i],
                      test_gpu_submit(p.gpu[i], p.context[i], batch.va, 0,
                                      0));
        g_assert_cmphex(p.gpu[!i]->vram[p.vram[!i] + 0x10], ==, 0x50 + i);
        g_assert_cmphex(p.gpu[i]->vram[p.vram[i] + 0x100], ==, 0x50 + i);
    }
    pair_tear_down(&p);
}

/* Both GPUs count in one place at once: no update is lost. */
static void test_peer_atomics(void)
{
    enum { ADDS = 300, JOBS = 20 };
    Pair p;
    TestBatch batch[2];
    uint64_t seqno[2];

    pair_set_up(&p, 0);
    map_both(&p);
    for (unsigned i = 0; i < 2; i++) {
        batch[i] = test_batch_new(p.gpu[i], BATCH_VA);
        for (unsigned n = 0; n < ADDS; n++) {
            /* GPU 0's page: its own at 0x6000, the peer's at 0x5000 */
            test_batch_add(&batch[i], 3, MI_ATOMIC_INC, i ? 0x5020u : 0x6020u,
                           0u);
        }
        test_batch_end(&batch[i]);
    }
    for (unsigned job = 0; job < JOBS; job++) {
        for (unsigned i = 0; i < 2; i++) {
            seqno[i] = test_gpu_submit(p.gpu[i], p.context[i], batch[i].va, 0,
                                       0);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        test_gpu_wait(p.gpu[i], p.context[i], seqno[i]);
    }
    g_assert_cmpuint(*(uint32_t *)(p.gpu[0]->vram + p.vram[0] + 0x20), ==,
                     2 * ADDS * JOBS);
    pair_tear_down(&p);
}

static struct svmgpu_mig_result copy(Pair *p, unsigned on, uint64_t dst,
                                     uint64_t src, uint64_t bytes)
{
    return test_gpu_migrate_wait(p->gpu[on], (struct svmgpu_migration) {
        .op = SVMGPU_MIG_COPY,
        .flags = SVMGPU_MIG_F_INLINE,
        .count = 1,
        .copy = { .src = src, .dst = dst, .bytes = bytes },
    });
}

static void test_migrate_between(void)
{
    Pair p;

    pair_set_up(&p, 0);
    for (unsigned i = 0; i < 1 << 20; i++) {
        p.gpu[0]->vram[p.vram[0] + i] = i * 11 + i / 255;
    }
    /* pushed by its owner, pulled by the other */
    for (unsigned on = 0; on < 2; on++) {
        uint64_t src = on ? SVMGPU_PADDR_OF_PEER(0, p.vram[0]) :
                       SVMGPU_PADDR_VRAM(p.vram[0]);
        uint64_t dst = on ? SVMGPU_PADDR_VRAM(p.vram[1]) :
                       SVMGPU_PADDR_OF_PEER(1, p.vram[1]);

        memset(p.gpu[1]->vram + p.vram[1], 0, 1 << 20);
        g_assert_cmpuint(copy(&p, on, dst, src, 1 << 20).error, ==,
                         SVMGPU_OK);
        g_assert_cmpmem(p.gpu[1]->vram + p.vram[1], 1 << 20,
                        p.gpu[0]->vram + p.vram[0], 1 << 20);
    }
    pair_tear_down(&p);
}

static void test_link_down(void)
{
    Pair p;
    TestBatch batch;
    struct svmgpu_fault fault;
    struct svmgpu_event event;
    uint64_t seqno;

    pair_set_up(&p, SVMGPU_CTX_F_FAULT_MODE);
    map_both(&p);
    batch = test_batch_new(p.gpu[0], BATCH_VA);
    test_batch_store(&batch, 0x5010, 0x77);
    test_batch_end(&batch);
    test_control_ok(p.machine, "link gpu0 gpu1 down");
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(test_gpu_event(p.gpu[i], &event, 1000));
        g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_LINK_CHANGED);
        g_assert_cmphex(vfu_client_read32(p.gpu[i]->client, 0,
                                          SVMGPU_REG_FABRIC_UP), ==, 0);
        g_assert_cmphex(vfu_client_read32(p.gpu[i]->client, 0,
                                          SVMGPU_REG_FABRIC_PEERS), ==,
                        1 << !i);
    }
    /* a context faults and can be served when the link is back */
    seqno = test_gpu_submit(p.gpu[0], p.context[0], batch.va, 0, 0);
    g_assert_true(test_gpu_fault(p.gpu[0], &fault, TEST_TIMEOUT_MS));
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_BAD_PADDR);
    g_assert_cmpuint(copy(&p, 0, SVMGPU_PADDR_OF_PEER(1, p.vram[1]),
                          SVMGPU_PADDR_VRAM(p.vram[0]), 4096).error, ==,
                     SVMGPU_ERROR_LINK);
    test_control_ok(p.machine, "link gpu0 gpu1 up");
    test_gpu_answer(p.gpu[0], &fault, SVMGPU_ANSWER_RETRY);
    test_gpu_wait(p.gpu[0], p.context[0], seqno);
    g_assert_cmphex(p.gpu[1]->vram[p.vram[1] + 0x10], ==, 0x77);
    pair_tear_down(&p);
}

/* A flush on one GPU has drained its accesses to the peer's memory. */
static void test_flush_drains_peer(void)
{
    enum { ROUNDS = 50 };
    Pair p;
    TestBatch batch;
    uint64_t loop;
    uint32_t *word, seen;

    pair_set_up(&p, SVMGPU_CTX_F_FAULT_MODE);
    batch = test_batch_new(p.gpu[0], BATCH_VA);
    loop = test_batch_here(&batch);
    for (unsigned i = 0; i < 64; i++) {
        test_batch_add(&batch, 3, MI_ATOMIC_INC, 0x5000u, 0u);
    }
    test_batch_add(&batch, 3, 0x18800101u, LO(loop), HI(loop));
    word = (uint32_t *)(p.gpu[1]->vram + p.vram[1]);
    test_gpu_submit(p.gpu[0], p.context[0], batch.va, 0, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct svmgpu_fault fault;

        g_assert_true(test_gpu_fault(p.gpu[0], &fault, TEST_TIMEOUT_MS));
        test_gpu_map(p.gpu[0], 0x5000, SVMGPU_PADDR_OF_PEER(1, p.vram[1]),
                     4096, TEST_RW);
        test_gpu_answer(p.gpu[0], &fault, SVMGPU_ANSWER_RETRY);
        test_gpu_unmap(p.gpu[0], 0x5000, 4096);
        test_gpu_flush(p.gpu[0], 0x5000, 0x6000);
        seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
        g_assert_cmpuint(seen, >, i);
        g_usleep(300);
        g_assert_cmpuint(__atomic_load_n(word, __ATOMIC_SEQ_CST), ==, seen);
    }
    pair_tear_down(&p);
}

/* One GPU's virtual machine goes, or resets: the other one works on. */
static void test_independence(void)
{
    Pair p;
    TestBatch batch;

    pair_set_up(&p, 0);
    map_both(&p);
    batch = test_batch_new(p.gpu[0], BATCH_VA);
    test_batch_add(&batch, 3, MI_ATOMIC_INC, 0x6000u, 0u);
    test_batch_end(&batch);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0) {
            vfu_client_write32(p.gpu[1]->client, 0, SVMGPU_REG_CONTROL,
                               SVMGPU_CONTROL_RESET);
        } else if (i == 1) {
            test_gpu_disconnect(p.gpu[1]);
        } else {
            test_gpu_connect(p.machine, 1);
        }
        test_gpu_wait(p.gpu[0], p.context[0],
                      test_gpu_submit(p.gpu[0], p.context[0], batch.va, 0,
                                      0));
    }
    g_assert_cmpuint(*(uint32_t *)(p.gpu[0]->vram + p.vram[0]), ==, 3);
    pair_tear_down(&p);
}

/* With a price on the link, a copy takes its time. */
static void test_cost(void)
{
    Pair p;
    int64_t begin;

    pair_set_up(&p, 0);
    begin = g_get_monotonic_time();
    copy(&p, 0, SVMGPU_PADDR_OF_PEER(1, p.vram[1]),
         SVMGPU_PADDR_VRAM(p.vram[0]), 1 << 20);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 50000);
    test_control_ok(p.machine, "cost link 10 0");
    begin = g_get_monotonic_time();
    copy(&p, 0, SVMGPU_PADDR_OF_PEER(1, p.vram[1]),
         SVMGPU_PADDR_VRAM(p.vram[0]), 1 << 20);
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 75000);
    pair_tear_down(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/fabric/peer-access", test_peer_access);
    g_test_add_func("/gpu/fabric/peer-atomics", test_peer_atomics);
    g_test_add_func("/gpu/fabric/migrate-between", test_migrate_between);
    g_test_add_func("/gpu/fabric/link-down", test_link_down);
    g_test_add_func("/gpu/fabric/flush-drains-peer", test_flush_drains_peer);
    g_test_add_func("/gpu/fabric/independence", test_independence);
    g_test_add_func("/gpu/fabric/cost", test_cost);
    return g_test_run();
}

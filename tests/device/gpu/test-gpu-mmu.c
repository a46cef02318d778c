/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMU: leaves of each size, permissions, A and D, the TLB. */

#include "gpu-fixture.h"

#include <string.h>

#define FAULT SVMGPU_CTX_F_FAULT_MODE
#define BATCH_VA 0x10000000ull

typedef struct Mmu {
    TestMachine *machine;
    TestGpu *gpu;
    TestContext *context;
    TestBatch batch;
} Mmu;

static void mmu_set_up(Mmu *m, uint32_t flags)
{
    m->machine = test_machine_new(1, NULL);
    m->gpu = &m->machine->gpu[0];
    test_gpu_start(m->gpu);
    m->context = test_gpu_context(m->gpu, 1, 1, flags);
    m->batch = test_batch_new(m->gpu, BATCH_VA);
}

static void mmu_tear_down(Mmu *m)
{
    test_machine_free(m->machine);
}

static uint64_t submit_store(Mmu *m, uint64_t va, uint32_t value)
{
    m->batch.n = 0;
    test_batch_store(&m->batch, va, value);
    test_batch_end(&m->batch);
    return test_gpu_submit(m->gpu, m->context, m->batch.va, 0, 0);
}

static void store(Mmu *m, uint64_t va, uint32_t value)
{
    test_gpu_wait(m->gpu, m->context, submit_store(m, va, value));
    g_assert_cmpuint(m->context->status->error, ==, SVMGPU_OK);
}

/* Through LRM and SRM: what the GPU reads at `va`. */
static uint32_t load(Mmu *m, uint64_t va)
{
    static const uint64_t out_va = 0x20000000;
    uint64_t *pte = test_gpu_pte(m->gpu, out_va, 0);
    uint32_t *out;

    if (!*pte) {
        uint64_t dma = test_gpu_alloc(m->gpu, 4096, 4096);

        test_gpu_map(m->gpu, out_va, dma, 4096, TEST_RW);
    }
    out = test_gpu_at(m->gpu, *pte & SVMGPU_PTE_PADDR_MASK);
    m->batch.n = 0;
    test_batch_add(&m->batch, 4, 0x14800002u, 0x600u, LO(va), HI(va));
    test_batch_add(&m->batch, 4, 0x12000002u, 0x600u, LO(out_va), HI(out_va));
    test_batch_end(&m->batch);
    test_gpu_wait(m->gpu, m->context,
                  test_gpu_submit(m->gpu, m->context, m->batch.va, 0, 0));
    g_assert_cmpuint(m->context->status->error, ==, SVMGPU_OK);
    return *out;
}

static void test_leaves(void)
{
    Mmu m;
    uint64_t system, vram;

    mmu_set_up(&m, 0);
    system = test_gpu_alloc(m.gpu, 4 << 20, 2 << 20);
    vram = test_gpu_alloc_vram(m.gpu, 4 << 20, 2 << 20);

    /* 4 KiB, in RAM and in VRAM, first and last dword */
    test_gpu_map(m.gpu, 0x1000, SVMGPU_PADDR_SYSTEM(system), 4096, TEST_RW);
    test_gpu_map(m.gpu, 0x2000, SVMGPU_PADDR_VRAM(vram), 4096, TEST_RW);
    store(&m, 0x1000, 1);
    store(&m, 0x1ffc, 2);
    store(&m, 0x2000, 3);
    store(&m, 0x2ffc, 4);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system), ==, 1);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system + 0xffc), ==, 2);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->vram + vram), ==, 3);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->vram + vram + 0xffc), ==, 4);

    /* 64 KiB: sixteen entries */
    test_gpu_map(m.gpu, 0x10000, SVMGPU_PADDR_VRAM(vram + 0x10000), 0x10000,
                 TEST_RW | SVMGPU_PTE_CONTIG64K);
    for (unsigned i = 0; i < 16; i++) {
        store(&m, 0x10000 + i * 0x1004, 100 + i);
        g_assert_cmpuint(*(uint32_t *)(m.gpu->vram + vram + 0x10000 +
                                       i * 0x1004), ==, 100 + i);
    }

    /* 2 MiB */
    test_gpu_map_leaf(m.gpu, 0x40200000, 1,
                      SVMGPU_PADDR_SYSTEM(system + (2 << 20)), TEST_RW);
    store(&m, 0x40200000, 5);
    store(&m, 0x403ffffc, 6);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system + (2 << 20)), ==, 5);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system + (4 << 20) - 4), ==,
                     6);

    /* 1 GiB, of which VRAM holds the first 64 MiB */
    test_gpu_map_leaf(m.gpu, 0x7f00000000, 2, SVMGPU_PADDR_VRAM(0), TEST_RW);
    store(&m, 0x7f00000000 + vram + 8, 7);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->vram + vram + 8), ==, 7);
    g_assert_cmpuint(load(&m, 0x7f00000000 + vram + 8), ==, 7);

    /* the top of the address space, zero-extended and canonical */
    test_gpu_map(m.gpu, 0xfffffffff000, SVMGPU_PADDR_SYSTEM(system + 0x2000),
                 4096, TEST_RW);
    store(&m, 0xfffffffff004, 8);
    store(&m, 0xfffffffffffff008, 9);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system + 0x2004), ==, 8);
    g_assert_cmpuint(*(uint32_t *)(m.gpu->ram + system + 0x2008), ==, 9);
    mmu_tear_down(&m);
}

static void test_null_leaf(void)
{
    Mmu m;

    mmu_set_up(&m, 0);
    for (unsigned level = 0; level <= 2; level++) {
        uint64_t va = 0x100000000000 + ((uint64_t)level << 39);

        test_gpu_map_leaf(m.gpu, va, level, 0, TEST_RW | SVMGPU_PTE_NULL);
        store(&m, va + 16, 0x55);
        g_assert_cmpuint(load(&m, va + 16), ==, 0);
    }
    mmu_tear_down(&m);
}

static void test_scratch(void)
{
    Mmu m;

    mmu_set_up(&m, 0);
    test_gpu_command(m.gpu, SVMGPU_CMD_AS_SET, TEST_ASID, m.gpu->root,
                     SVMGPU_AS_SCRATCH, 0, 0);
    store(&m, 0x123456789000, 1);
    g_assert_cmpuint(load(&m, 0x123456789000), ==, 0);
    /* an address that is none is as good */
    store(&m, 0x1fffffffffff000, 1);
    g_assert_cmpuint(load(&m, 0x1fffffffffff000), ==, 0);
    mmu_tear_down(&m);
}

static void test_accessed_dirty(void)
{
    Mmu m;
    uint64_t dma;
    uint64_t *pte;

    mmu_set_up(&m, 0);
    dma = test_gpu_alloc(m.gpu, 4096, 4096);
    test_gpu_map(m.gpu, 0x5000, dma, 4096, TEST_RW);
    pte = test_gpu_pte(m.gpu, 0x5000, 0);
    load(&m, 0x5000);
    g_assert_cmphex(*pte & (SVMGPU_PTE_ACCESSED | SVMGPU_PTE_DIRTY), ==,
                    SVMGPU_PTE_ACCESSED);
    /* the entry is cached clean: the first write still marks it */
    store(&m, 0x5000, 1);
    g_assert_cmphex(*pte & (SVMGPU_PTE_ACCESSED | SVMGPU_PTE_DIRTY), ==,
                    SVMGPU_PTE_ACCESSED | SVMGPU_PTE_DIRTY);
    mmu_tear_down(&m);
}

/* Submits a store that must fault, and takes the fault. */
static struct svmgpu_fault fault_of_store(Mmu *m, uint64_t va)
{
    struct svmgpu_fault fault;

    submit_store(m, va, 1);
    g_assert_true(test_gpu_fault(m->gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmphex(fault.addr, ==, va);
    g_assert_cmpuint(fault.context, ==, 1);
    g_assert_cmpuint(fault.asid, ==, TEST_ASID);
    g_assert_cmphex(fault.batch_va, ==, m->batch.va);
    g_assert_cmpuint(fault.flags, ==, 0);
    return fault;
}

static void fail_and_recreate(Mmu *m, const struct svmgpu_fault *fault)
{
    test_gpu_answer(m->gpu, fault, SVMGPU_ANSWER_FAIL);
    g_assert_true(test_wait_state(m->context, SVMGPU_CTX_DEAD,
                                  TEST_TIMEOUT_MS));
    g_assert_cmpuint(m->context->status->error, ==, SVMGPU_ERROR_FAULT);
    g_assert_cmphex(m->context->status->fault_addr, ==, fault->addr);
    test_gpu_command(m->gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
    m->context = test_gpu_context(m->gpu, 1, 1, FAULT);
}

static void test_fault_reasons(void)
{
    struct svmgpu_fault fault;
    Mmu m;
    uint64_t dma;

    mmu_set_up(&m, FAULT);
    dma = test_gpu_alloc(m.gpu, 4096, 4096);

    /* not present, at each level */
    for (int level = 3; level >= 0; level--) {
        uint64_t va = 0x200000000000 + ((uint64_t)level << 39);

        if (level < 3) {
            test_gpu_pte(m.gpu, va, level); /* makes the tables above */
        }
        fault = fault_of_store(&m, va + 0x24);
        g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_NOT_PRESENT);
        g_assert_cmpuint(fault.access, ==, SVMGPU_ACCESS_WRITE);
        g_assert_cmpuint(fault.level, ==, level);
        fail_and_recreate(&m, &fault);
    }
    /* read-only */
    test_gpu_map(m.gpu, 0x5000, dma, 4096, SVMGPU_PTE_VALID);
    fault = fault_of_store(&m, 0x5004);
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_READ_ONLY);
    fail_and_recreate(&m, &fault);
    /* no atomics */
    test_gpu_map(m.gpu, 0x5000, dma, 4096,
                 SVMGPU_PTE_VALID | SVMGPU_PTE_WRITE);
    m.batch.n = 0;
    test_batch_add(&m.batch, 3, MI_ATOMIC_INC, 0x5008u, 0u);
    test_batch_end(&m.batch);
    test_gpu_submit(m.gpu, m.context, m.batch.va, 0, 0);
    g_assert_true(test_gpu_fault(m.gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_NO_ATOMIC);
    g_assert_cmpuint(fault.access, ==, SVMGPU_ACCESS_ATOMIC);
    fail_and_recreate(&m, &fault);
    /* not canonical */
    fault = fault_of_store(&m, 0x1200000000000000);
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_BAD_VA);
    fail_and_recreate(&m, &fault);
    /* outside of guest RAM, of VRAM, a missing peer, a crooked leaf */
    test_gpu_map(m.gpu, 0x6000, 1ull << 40, 4096, TEST_RW);
    test_gpu_map(m.gpu, 0x7000, SVMGPU_PADDR_VRAM(TEST_VRAM_BYTES), 4096,
                 TEST_RW);
    test_gpu_map(m.gpu, 0x8000, SVMGPU_PADDR_OF_PEER(3, 0), 4096, TEST_RW);
    test_gpu_map(m.gpu, 0x9000, SVMGPU_PADDR(7, 0, 0), 4096, TEST_RW);
    test_gpu_map_leaf(m.gpu, 0x40000000, 1, 0x1000, TEST_RW);
    for (unsigned i = 0; i < 5; i++) {
        static const uint64_t va[] = {
            0x6000, 0x7000, 0x8000, 0x9000, 0x40000000
        };

        fault = fault_of_store(&m, va[i]);
        g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_BAD_PADDR);
        fail_and_recreate(&m, &fault);
    }
    /* a table outside of memory */
    *test_gpu_pte(m.gpu, 0x600000000000, 3) =
        SVMGPU_PADDR_VRAM(1ull << 40) | SVMGPU_PTE_VALID;
    fault = fault_of_store(&m, 0x600000000000);
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_BAD_PADDR);
    fail_and_recreate(&m, &fault);
    mmu_tear_down(&m);
}

/* The TLB is a cache: it serves what is stale until it is flushed. */
static void test_staleness(void)
{
    Mmu m;
    uint64_t a, b;
    uint32_t *at_a, *at_b;

    mmu_set_up(&m, 0);
    a = test_gpu_alloc(m.gpu, 4096, 4096);
    b = test_gpu_alloc(m.gpu, 4096, 4096);
    at_a = test_gpu_at(m.gpu, a);
    at_b = test_gpu_at(m.gpu, b);
    test_gpu_map(m.gpu, 0x5000, a, 4096, TEST_RW);
    store(&m, 0x5000, 1);
    test_gpu_map(m.gpu, 0x5000, b, 4096, TEST_RW);
    store(&m, 0x5000, 2);
    g_assert_cmpuint(*at_a, ==, 2);
    g_assert_cmpuint(*at_b, ==, 0);

    test_control_ok(m.machine, "check-tlb 0 on");
    g_assert_cmpuint(test_counter(m.machine, 0, "tlb_stale_hits"), ==, 0);
    store(&m, 0x5000, 3);
    g_assert_cmpuint(*at_a, ==, 3);
    g_assert_cmpuint(test_counter(m.machine, 0, "tlb_stale_hits"), ==, 1);

    /* flushes beside it do not help, one that touches it does */
    test_gpu_flush(m.gpu, 0, 0x5000);
    test_gpu_flush(m.gpu, 0x6000, ~0ull);
    store(&m, 0x5000, 4);
    g_assert_cmpuint(*at_a, ==, 4);
    test_gpu_flush(m.gpu, 0x5fff, 0x6000);
    store(&m, 0x5000, 5);
    g_assert_cmpuint(*at_a, ==, 4);
    g_assert_cmpuint(*at_b, ==, 5);
    g_assert_cmpuint(test_counter(m.machine, 0, "tlb_stale_hits"), ==, 2);
    mmu_tear_down(&m);
}

static void test_flush_sizes(void)
{
    static const struct {
        uint64_t va;
        unsigned level;
    } leaf[] = {
        { 0x5000, 0 }, { 0x80200000, 1 }, { 0x4000000000, 2 },
    };
    Mmu m;
    uint64_t vram;

    mmu_set_up(&m, 0);
    vram = test_gpu_alloc_vram(m.gpu, 4 << 20, 2 << 20);
    for (unsigned i = 0; i < G_N_ELEMENTS(leaf); i++) {
        uint64_t offset = leaf[i].level == 2 ? vram : 0;
        uint64_t first = leaf[i].level == 2 ? 0 : vram;
        uint32_t *word = (uint32_t *)(m.gpu->vram + vram);

        test_gpu_map_leaf(m.gpu, leaf[i].va, leaf[i].level,
                          SVMGPU_PADDR_VRAM(first), TEST_RW);
        store(&m, leaf[i].va + offset, 10 + i);
        g_assert_cmpuint(*word, ==, 10 + i);
        /* gone from memory, still cached; then all is flushed */
        *test_gpu_pte(m.gpu, leaf[i].va, leaf[i].level) =
            TEST_RW | SVMGPU_PTE_NULL | SVMGPU_PTE_LEAF;
        store(&m, leaf[i].va + offset, 20 + i);
        g_assert_cmpuint(*word, ==, 20 + i);
        test_gpu_flush(m.gpu, leaf[i].va + offset, leaf[i].va + offset + 1);
        store(&m, leaf[i].va + offset, 30 + i);
        g_assert_cmpuint(*word, ==, 20 + i);
    }
    mmu_tear_down(&m);
}

/* More permission in memory is seen without a flush. */
static void test_upgrade(void)
{
    Mmu m;
    uint64_t dma;

    mmu_set_up(&m, 0);
    dma = test_gpu_alloc(m.gpu, 4096, 4096);
    test_gpu_map(m.gpu, 0x5000, dma, 4096, SVMGPU_PTE_VALID);
    load(&m, 0x5000);
    test_gpu_map(m.gpu, 0x5000, dma, 4096, TEST_RW);
    store(&m, 0x5000, 9);
    g_assert_cmpuint(*(uint32_t *)test_gpu_at(m.gpu, dma), ==, 9);
    mmu_tear_down(&m);
}

static void test_bad_spaces(void)
{
    Mmu m;

    mmu_set_up(&m, FAULT);
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_AS_SET, 0,
                                           m.gpu->root, 0, 0, 0));
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_AS_SET,
                                           SVMGPU_MAX_ASIDS, m.gpu->root, 0,
                                           0, 0));
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_AS_SET, 2, 7, 0,
                                           0, 0));
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_AS_SET, 2,
                                           m.gpu->root, 0x80, 0, 0));
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_AS_CLEAR, 0, 0,
                                           0, 0, 0));
    g_assert_true(test_gpu_command_refused(m.gpu, SVMGPU_CMD_TLB_FLUSH, 0, 0,
                                           ~0ull, 0, 0));
    /* cleared: everything faults at the root */
    test_gpu_command(m.gpu, SVMGPU_CMD_AS_CLEAR, TEST_ASID, 0, 0, 0, 0);
    test_gpu_submit(m.gpu, m.context, m.batch.va, 0, 0);
    struct svmgpu_fault fault;
    g_assert_true(test_gpu_fault(m.gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmpuint(fault.access, ==, SVMGPU_ACCESS_FETCH);
    g_assert_cmpuint(fault.level, ==, 3);
    mmu_tear_down(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/mmu/leaves", test_leaves);
    g_test_add_func("/gpu/mmu/null-leaf", test_null_leaf);
    g_test_add_func("/gpu/mmu/scratch", test_scratch);
    g_test_add_func("/gpu/mmu/accessed-dirty", test_accessed_dirty);
    g_test_add_func("/gpu/mmu/fault-reasons", test_fault_reasons);
    g_test_add_func("/gpu/mmu/staleness", test_staleness);
    g_test_add_func("/gpu/mmu/flush-sizes", test_flush_sizes);
    g_test_add_func("/gpu/mmu/upgrade", test_upgrade);
    g_test_add_func("/gpu/mmu/bad-spaces", test_bad_spaces);
    return g_test_run();
}

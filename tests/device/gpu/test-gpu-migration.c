/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The migration engine: copies, fills, page-table writes, flushes. */

#include "gpu-fixture.h"

#include <string.h>

typedef struct Stand {
    TestMachine *machine;
    TestGpu *gpu;
} Stand;

static void stand_set_up(Stand *s)
{
    s->machine = test_machine_new(1, NULL);
    s->gpu = &s->machine->gpu[0];
    test_gpu_start(s->gpu);
}

static void stand_tear_down(Stand *s)
{
    test_machine_free(s->machine);
}

static void scribble(uint8_t *at, size_t bytes, uint32_t seed)
{
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 1664525 + 1013904223;
        at[i] = seed >> 24;
    }
}

static struct svmgpu_migration copy(uint64_t dst, uint64_t src,
                                    uint64_t bytes)
{
    return (struct svmgpu_migration) {
        .op = SVMGPU_MIG_COPY,
        .flags = SVMGPU_MIG_F_INLINE,
        .count = 1,
        .copy = { .src = src, .dst = dst, .bytes = bytes },
        .cookie = 1,
    };
}

static void run_ok(Stand *s, struct svmgpu_migration d)
{
    struct svmgpu_mig_result result = test_gpu_migrate_wait(s->gpu, d);

    g_assert_cmpuint(result.error, ==, SVMGPU_OK);
    g_assert_cmpuint(result.time_ns, !=, 0);
}

/* To VRAM and back, odd sizes and places, many megabytes. */
static void test_copy(void)
{
    static const uint64_t sizes[] = { 8, 4096, 4104, 65536, 3 << 20 };
    Stand s;
    uint64_t a, b, vram;

    stand_set_up(&s);
    a = test_gpu_alloc(s.gpu, 4 << 20, 4096);
    b = test_gpu_alloc(s.gpu, 4 << 20, 4096);
    vram = test_gpu_alloc_vram(s.gpu, 4 << 20, 4096);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint8_t *from = test_gpu_at(s.gpu, a + 8 * i);
        uint8_t *to = test_gpu_at(s.gpu, b + 24);

        scribble(from, sizes[i], i);
        memset(to - 8, 0, sizes[i] + 16);
        run_ok(&s, copy(SVMGPU_PADDR_VRAM(vram + 16 * i), a + 8 * i,
                        sizes[i]));
        g_assert_cmpmem(s.gpu->vram + vram + 16 * i, sizes[i], from,
                        sizes[i]);
        run_ok(&s, copy(b + 24, SVMGPU_PADDR_VRAM(vram + 16 * i), sizes[i]));
        g_assert_cmpmem(to, sizes[i], from, sizes[i]);
        g_assert_cmpuint(*(uint64_t *)(to - 8) |
                         *(uint64_t *)(to + sizes[i]), ==, 0);
    }
    stand_tear_down(&s);
}

/* A list of 512 scattered pages, as for a 2 MiB range. */
static void test_list(void)
{
    enum { PAGES = 512 };
    Stand s;
    uint64_t pages, list, vram;
    struct svmgpu_mig_copy *entry;
    struct svmgpu_migration d = { .op = SVMGPU_MIG_COPY, .count = PAGES };

    stand_set_up(&s);
    pages = test_gpu_alloc(s.gpu, PAGES * 4096, 4096);
    list = test_gpu_alloc(s.gpu, PAGES * 24, 8);
    vram = test_gpu_alloc_vram(s.gpu, PAGES * 4096, 4096);
    scribble(test_gpu_at(s.gpu, pages), PAGES * 4096, 1);
    entry = test_gpu_at(s.gpu, list);
    for (unsigned i = 0; i < PAGES; i++) {
        entry[i].src = pages + (i * 37 % PAGES) * 4096;
        entry[i].dst = SVMGPU_PADDR_VRAM(vram + i * 4096);
        entry[i].bytes = 4096;
    }
    d.list = list;
    run_ok(&s, d);
    for (unsigned i = 0; i < PAGES; i++) {
        g_assert_cmpmem(s.gpu->vram + vram + i * 4096, 4096,
                        test_gpu_at(s.gpu, pages + (i * 37 % PAGES) * 4096),
                        4096);
    }
    g_assert_cmpuint(test_counter(s.machine, 0, "bytes_copied"), ==,
                     PAGES * 4096);
    stand_tear_down(&s);
}

static void test_fill(void)
{
    static const uint64_t values[] = { 0, 0xababababababababull,
                                       0x0123456789abcdefull };
    Stand s;
    uint64_t vram;

    stand_set_up(&s);
    vram = test_gpu_alloc_vram(s.gpu, 1 << 20, 4096);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        struct svmgpu_migration d = copy(SVMGPU_PADDR_VRAM(vram + 8), 0,
                                         600000);
        uint64_t *word = (uint64_t *)(s.gpu->vram + vram);

        d.op = SVMGPU_MIG_FILL;
        d.value = values[i];
        memset(word, 0x77, 1 << 20);
        run_ok(&s, d);
        g_assert_cmphex(word[0], ==, 0x7777777777777777ull);
        for (unsigned w = 1; w <= 75000; w++) {
            g_assert_cmphex(word[w], ==, values[i]);
        }
        g_assert_cmphex(word[75001], ==, 0x7777777777777777ull);
    }
    stand_tear_down(&s);
}

/*
 * A bind as a job: page-table entries written and flushed by descriptors,
 * then a context sees the new page and no longer the old one.
 */
static void test_pte_write(void)
{
    Stand s;
    TestContext *context;
    TestBatch batch;
    uint64_t pages, table;
    struct svmgpu_migration ptes = {
        .op = SVMGPU_MIG_PTE_WRITE,
        .flags = SVMGPU_MIG_F_INLINE,
        .count = 1,
    };
    struct svmgpu_migration flush = {
        .op = SVMGPU_MIG_TLB_FLUSH,
        .flags = SVMGPU_MIG_F_IRQ,
        .flush = { .asid = TEST_ASID, .first = 0x200000, .end = 0x208000 },
    };

    stand_set_up(&s);
    context = test_gpu_context(s.gpu, 1, 1, 0);
    batch = test_batch_new(s.gpu, 0x10000000);
    pages = test_gpu_alloc(s.gpu, 16 * 4096, 4096);
    test_gpu_pte(s.gpu, 0x200000, 0);
    /* the table of level 0 lies where the entry of level 1 says */
    table = *test_gpu_pte(s.gpu, 0x200000, 1) & SVMGPU_PTE_PADDR_MASK;
    for (unsigned i = 0; i < 8; i++) {
        test_batch_store(&batch, 0x200000 + i * 4096, 0x100 + i);
    }
    test_batch_end(&batch);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t base = pages + round * 8 * 4096;

        ptes.pte.pte = table;
        ptes.pte.value = base | TEST_RW | SVMGPU_PTE_LEAF;
        ptes.pte.count = 8;
        ptes.pte.step = 1;
        test_gpu_migrate(s.gpu, &ptes);
        run_ok(&s, flush);
        g_assert_cmpuint(vfu_client_wait_irq(s.gpu->client,
                                             SVMGPU_VECTOR_MIGRATION, 1000),
                         >=, 1);
        test_gpu_wait(s.gpu, context, test_gpu_submit(s.gpu, context,
                                                      batch.va, 0, 0));
        for (unsigned i = 0; i < 8; i++) {
            uint32_t *word = test_gpu_at(s.gpu, base + i * 4096);

            g_assert_cmphex(*word, ==, 0x100 + i);
            *word = 0;
        }
    }
    /* a bad flush */
    flush.flush.asid = 0;
    g_assert_cmpuint(test_gpu_migrate_wait(s.gpu, flush).error, ==,
                     SVMGPU_ERROR_BAD_DESCRIPTOR);
    stand_tear_down(&s);
}

/* A failed descriptor names its failing entry; the ring goes on. */
static void test_failures(void)
{
    Stand s;
    uint64_t page, list, vram;
    struct svmgpu_mig_copy *entry;
    struct svmgpu_mig_result result;
    struct svmgpu_migration d = { .op = SVMGPU_MIG_COPY, .count = 3 };

    stand_set_up(&s);
    page = test_gpu_alloc(s.gpu, 4096, 4096);
    vram = test_gpu_alloc_vram(s.gpu, 3 * 4096, 4096);
    list = test_gpu_alloc(s.gpu, 3 * 24, 8);
    entry = test_gpu_at(s.gpu, list);
    memset(test_gpu_at(s.gpu, page), 0x5a, 4096);
    d.list = list;
    for (unsigned kind = 0; kind < 8; kind++) {
        enum svmgpu_error expected = SVMGPU_ERROR_BAD_ADDRESS;

        for (unsigned i = 0; i < 3; i++) {
            entry[i].src = page;
            entry[i].dst = SVMGPU_PADDR_VRAM(vram + i * 4096);
            entry[i].bytes = 4096;
        }
        memset(s.gpu->vram + vram, 0, 3 * 4096);
        switch (kind) {
        case 0: entry[1].dst = SVMGPU_PADDR_VRAM(TEST_VRAM_BYTES - 8); break;
        case 1: entry[1].src = 1ull << 44; break;
        case 2: entry[1].src = SVMGPU_PADDR(9, 0, 0); break;
        case 3: entry[1].src = ~0ull; break;
        case 4: entry[1].dst = SVMGPU_PADDR_OF_PEER(1, 0);
            expected = SVMGPU_ERROR_LINK; break;
        case 5: entry[1].bytes = 4097;
            expected = SVMGPU_ERROR_BAD_DESCRIPTOR; break;
        case 6: entry[1].bytes = (1ull << 30) + 8;
            expected = SVMGPU_ERROR_BAD_DESCRIPTOR; break;
        case 7: entry[1].bytes = ~7ull;
            expected = SVMGPU_ERROR_BAD_DESCRIPTOR; break;
        }
        result = test_gpu_migrate_wait(s.gpu, d);
        g_assert_cmpuint(result.error, ==, expected);
        g_assert_cmpuint(result.failed, ==, 1);
        g_assert_cmphex(s.gpu->vram[vram], ==, 0x5a);
        g_assert_cmphex(s.gpu->vram[vram + 2 * 4096], ==, 0);
    }
    /* malformed descriptors */
    for (unsigned kind = 0; kind < 9; kind++) {
        struct svmgpu_migration bad = copy(SVMGPU_PADDR_VRAM(vram), page,
                                           4096);
        uint32_t errors = vfu_client_read32(s.gpu->client, 0,
                                            SVMGPU_REG_ERROR_COUNT);

        switch (kind) {
        case 0: bad.op = 99; break;
        case 1: bad.flags |= 0x80; break;
        case 2: bad.count = 2; break;
        case 3: bad.flags = 0; bad.count = 65537; bad.list = list; break;
        case 4: bad.flags = 0; bad.list = 1ull << 50; break;
        case 5: bad.flags = 0; bad.list = list + 4; break;
        case 6: bad.op = SVMGPU_MIG_PTE_WRITE; bad.pte.pte = page + 4;
            bad.pte.count = 1; break;
        case 7: bad.op = SVMGPU_MIG_PTE_WRITE; bad.pte.pte = page + 8;
            bad.pte.count = 512; break;
        case 8: bad.op = SVMGPU_MIG_FILL; bad.copy.dst += 4; break;
        }
        result = test_gpu_migrate_wait(s.gpu, bad);
        g_assert_cmpuint(result.error, !=, SVMGPU_OK);
        g_assert_cmpuint(vfu_client_read32(s.gpu->client, 0,
                                           SVMGPU_REG_ERROR_COUNT), ==,
                         errors + 1);
    }
    /* an injected failure hits once */
    test_control_ok(s.machine, "fail-copy 0");
    result = test_gpu_migrate_wait(s.gpu, d = copy(SVMGPU_PADDR_VRAM(vram),
                                                   page, 4096));
    g_assert_cmpuint(result.error, !=, SVMGPU_OK);
    run_ok(&s, d);
    /* poison */
    test_control_ok(s.machine, "poison 0 %" G_GUINT64_FORMAT, vram / 4096);
    result = test_gpu_migrate_wait(s.gpu, d);
    g_assert_cmpuint(result.error, ==, SVMGPU_ERROR_POISON);
    test_control_ok(s.machine, "unpoison 0 %" G_GUINT64_FORMAT, vram / 4096);
    run_ok(&s, d);
    stand_tear_down(&s);
}

/* Never blocked by contexts: all engines spin or wait for an answer. */
static void test_not_blocked(void)
{
    Stand s;
    uint64_t dma, page, vram;
    uint32_t *word;
    TestBatch spin;
    struct svmgpu_fault fault;

    stand_set_up(&s);
    dma = test_gpu_alloc(s.gpu, 4096, 4096);
    page = test_gpu_alloc(s.gpu, 4096, 4096);
    vram = test_gpu_alloc_vram(s.gpu, 4096, 4096);
    word = test_gpu_at(s.gpu, dma);
    test_gpu_map(s.gpu, 0x5000, dma, 4096, TEST_RW);
    word[1] = 1;
    spin = test_batch_new(s.gpu, 0x10000000);
    test_batch_spin(&spin, 0x5000, 0x5004);
    for (unsigned i = 0; i < 3; i++) {
        test_gpu_submit(s.gpu, test_gpu_context(s.gpu, i + 1, 1 << i,
                                                SVMGPU_CTX_F_NO_PREEMPT),
                        spin.va, 0, 0);
    }
    test_gpu_submit(s.gpu, test_gpu_context(s.gpu, 4, 7,
                                            SVMGPU_CTX_F_FAULT_MODE),
                    0x7000000, 0, 0);
    g_assert_true(test_wait_word(word, 0xc0ffee, true, 1000));
    g_assert_false(test_gpu_fault(s.gpu, &fault, 20));
    for (unsigned i = 0; i < 20; i++) {
        *(uint32_t *)test_gpu_at(s.gpu, page) = i;
        run_ok(&s, copy(SVMGPU_PADDR_VRAM(vram), page, 4096));
        g_assert_cmpuint(*(uint32_t *)(s.gpu->vram + vram), ==, i);
    }
    stand_tear_down(&s);
}

static void test_pagemap(void)
{
    Stand s;
    uint64_t vram, page, offset, size;
    struct svmgpu_pagemap_entry *map;

    stand_set_up(&s);
    vram = test_gpu_alloc_vram(s.gpu, 4 * 4096, 4096);
    page = test_gpu_alloc(s.gpu, 4096, 4096);
    offset = vfu_client_read64(s.gpu->client, 0,
                               SVMGPU_REG_PAGEMAP_OFFSET_LO);
    size = TEST_VRAM_BYTES / 4096 * sizeof(*map);
    map = vfu_client_map_bar(s.gpu->client, SVMGPU_BAR_TRACE, offset, size);
    map += vram / 4096;
    test_gpu_command(s.gpu, SVMGPU_CMD_PAGEMAP_SET, 5, vram / 4096, 2,
                     SVMGPU_PAGE_OWNED, 0x7f0000000000);
    g_assert_cmpuint(map[0].state, ==, SVMGPU_PAGE_OWNED);
    g_assert_cmpuint(map[0].asid, ==, 5);
    g_assert_cmphex(map[1].va, ==, 0x7f0000001000);
    g_assert_cmpuint(map[2].state, ==, SVMGPU_PAGE_FREE);
    g_assert_cmpuint(map[0].access_count, ==, 0);
    run_ok(&s, copy(page, SVMGPU_PADDR_VRAM(vram), 4096));
    g_assert_cmpuint(map[0].access_count, ==, 1);
    g_assert_cmpuint(map[0].flags, ==, 1);
    run_ok(&s, copy(SVMGPU_PADDR_VRAM(vram), page, 4096));
    g_assert_cmpuint(map[0].access_count, ==, 2);
    g_assert_cmpuint(map[0].flags, ==, 3);
    test_gpu_command(s.gpu, SVMGPU_CMD_PAGEMAP_SET, 0, vram / 4096, 2,
                     SVMGPU_PAGE_FREE, 0);
    g_assert_cmpuint(map[0].state, ==, SVMGPU_PAGE_FREE);
    g_assert_cmphex(map[0].va, ==, 0);
    g_assert_cmpuint(map[0].access_count, ==, 0);
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_PAGEMAP_SET, 0,
                                           TEST_VRAM_BYTES / 4096, 1,
                                           SVMGPU_PAGE_FREE, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_PAGEMAP_SET, 0,
                                           1, ~0ull, SVMGPU_PAGE_FREE, 0));
    g_assert_true(test_gpu_command_refused(s.gpu, SVMGPU_CMD_PAGEMAP_SET, 0,
                                           1, 1, SVMGPU_PAGE_POISONED, 0));
    stand_tear_down(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/migration/copy", test_copy);
    g_test_add_func("/gpu/migration/list", test_list);
    g_test_add_func("/gpu/migration/fill", test_fill);
    g_test_add_func("/gpu/migration/pte-write", test_pte_write);
    g_test_add_func("/gpu/migration/failures", test_failures);
    g_test_add_func("/gpu/migration/not-blocked", test_not_blocked);
    g_test_add_func("/gpu/migration/pagemap", test_pagemap);
    return g_test_run();
}

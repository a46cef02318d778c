/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets: each one that docs/hardware.md lists, and those it does not. */

#include "gpu-fixture.h"

#include <string.h>

#define BATCH_VA 0x10000000ull
#define DATA_VA 0x5000u
#define LONG_VA 0x2000000u
#define LONG_SET 0x90000u

/* One GPU, one context, a batch and 64 KiB of data at DATA_VA. */
typedef struct Stand {
    TestMachine *machine;
    TestGpu *gpu;
    TestContext *context;
    TestBatch batch;
    uint32_t *data;
} Stand;

static void stand_set_up(Stand *s)
{
    uint64_t dma;

    s->machine = test_machine_new(1, NULL);
    s->gpu = &s->machine->gpu[0];
    test_gpu_start(s->gpu);
    s->context = test_gpu_context(s->gpu, 1, 1, 0);
    s->batch = test_batch_new(s->gpu, BATCH_VA);
    dma = test_gpu_alloc(s->gpu, 0x10000, 4096);
    test_gpu_map(s->gpu, DATA_VA, dma, 0x10000, TEST_RW);
    s->data = test_gpu_at(s->gpu, dma);
}

static void stand_tear_down(Stand *s)
{
    test_machine_free(s->machine);
}

/* Ends the batch, runs it, starts a new one. */
static void run(Stand *s)
{
    test_batch_end(&s->batch);
    test_gpu_wait(s->gpu, s->context,
                  test_gpu_submit(s->gpu, s->context, s->batch.va, 0, 0));
    g_assert_cmpuint(s->context->status->error, ==, SVMGPU_OK);
    s->batch.n = 0;
}

static void test_store_data(void)
{
    Stand s;

    stand_set_up(&s);
    test_batch_add(&s.batch, 3, 0u, 0x02800000u, 0x04000001u);
    test_batch_add(&s.batch, 1, 0x04800003u); /* MI_MEM_FENCE */
    test_batch_store(&s.batch, DATA_VA, 0x11223344);
    test_batch_add(&s.batch, 5, 0x10200003u, DATA_VA + 8, 0u, 0xaaaaaaaau,
                   0xbbbbbbbbu);
    run(&s);
    g_assert_cmphex(s.data[0], ==, 0x11223344);
    g_assert_cmphex(s.data[1], ==, 0);
    g_assert_cmphex(s.data[2], ==, 0xaaaaaaaa);
    g_assert_cmphex(s.data[3], ==, 0xbbbbbbbb);
    stand_tear_down(&s);
}

static void test_registers(void)
{
    Stand s;

    stand_set_up(&s);
    s.data[8] = 0xfeedface;
    /* three pairs; absolute (bcs) and relative offsets */
    test_batch_add(&s.batch, 7, 0x11000005u, 0x22600u, 1u, 0x604u, 2u, 0x678u,
                   3u);
    test_batch_add(&s.batch, 3, 0x15000001u, 0x600u, 0x608u); /* LRR */
    test_batch_add(&s.batch, 4, 0x14800002u, 0x60cu, DATA_VA + 32, 0u);
    for (unsigned i = 0; i < 4; i++) {
        test_batch_add(&s.batch, 4, 0x12000002u, 0x600u + 4 * i,
                       DATA_VA + 4 * i, 0u);
    }
    test_batch_add(&s.batch, 4, 0x12080002u, 0x678u, DATA_VA + 16, 0u);
    run(&s);
    g_assert_cmphex(s.data[0], ==, 1);
    g_assert_cmphex(s.data[1], ==, 2);
    g_assert_cmphex(s.data[2], ==, 1);
    g_assert_cmphex(s.data[3], ==, 0xfeedface);
    g_assert_cmphex(s.data[4], ==, 3);
    stand_tear_down(&s);
}

/* GPR0 = a op b, GPR1 = carry, GPR2 = zero. */
static uint64_t math(Stand *s, uint32_t op, uint64_t a, uint64_t b,
                     uint32_t *carry, uint32_t *zero)
{
    uint32_t *out = &s->data[64];

    test_batch_add(&s->batch, 9, 0x11000007u, 0x600u, LO(a), 0x604u, HI(a),
                   0x608u, LO(b), 0x60cu, HI(b));
    test_batch_add(&s->batch, 7, 0x0d000005u,
                   0x08000000u | 0x20 << 10 | 0, 0x08000000u | 0x21 << 10 | 1,
                   op << 20, 0x18000000u | 0 << 10 | 0x31,
                   0x18000000u | 1 << 10 | 0x33,
                   0x18000000u | 2 << 10 | 0x32);
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t reg[] = { 0x600, 0x604, 0x608, 0x610 };

        test_batch_add(&s->batch, 4, 0x12000002u, reg[i],
                       DATA_VA + 256 + 4 * i, 0u);
    }
    run(s);
    *carry = out[2];
    *zero = out[3];
    return out[0] | (uint64_t)out[1] << 32;
}

static void test_math(void)
{
    static const struct {
        uint32_t op;
        uint64_t a, b, result;
        bool carry;
    } sums[] = {
        { 0x100, 5, 7, 12, false },
        { 0x100, ~0ull, 1, 0, true },
        { 0x101, 7, 5, 2, false },
        { 0x101, 5, 7, -2ull, true },
        { 0x101, 1ull << 32, 1, 0xffffffff, false },
        { 0x102, 0xff00ff00ff, 0x0ff00ff00f, 0xf0000f000f & 0x0ff00ff00f,
          false },
        { 0x103, 0xf0, 0x0f, 0xff, false },
        { 0x104, 0xff, 0x0f, 0xf0, false },
        { 0x105, 1, 40, 1ull << 40, false },
        { 0x106, 1ull << 63, 63, 1, false },
        { 0x107, 1ull << 63, 62, -2ull, false },
        { 0x107, 1ull << 62, 62, 1, false },
    };
    Stand s;

    stand_set_up(&s);
    for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
        uint32_t carry, zero;
        uint64_t expected = sums[i].op == 0x102 ? sums[i].a & sums[i].b :
                            sums[i].result;

        g_assert_cmphex(math(&s, sums[i].op, sums[i].a, sums[i].b, &carry,
                             &zero), ==, expected);
        g_assert_cmphex(carry, ==, sums[i].carry ? 0xffffffff : 0);
        g_assert_cmphex(zero, ==, expected ? 0 : 0xffffffff);
    }
    /* LOADINV, LOAD0, LOAD1, STOREINV */
    test_batch_add(&s.batch, 6, 0x0d000004u,
                   0x08100000u | 0x20 << 10, 0x48100000u | 0x21 << 10,
                   0x103u << 20, 0x58000000u | 5 << 10 | 0x31,
                   0x48000000u | 0x20 << 10 | 5);
    test_batch_add(&s.batch, 4, 0x12000002u, 0x628u, DATA_VA, 0u);
    s.data[0] = 1;
    run(&s);
    g_assert_cmphex(s.data[0], ==, 0);
    stand_tear_down(&s);
}

static void test_atomics(void)
{
    static const struct {
        uint32_t op;
        uint64_t before, a, b, after;
    } ops[] = {
        { 0x01, 0xff, 0x0f, 0, 0x0f },
        { 0x02, 0xf0, 0x0f, 0, 0xff },
        { 0x03, 0xff, 0x0f, 0, 0xf0 },
        { 0x04, 1, 42, 0, 42 },
        { 0x05, 0xffffffff, 0, 0, 0 },
        { 0x06, 0, 0, 0, 0xffffffff },
        { 0x07, 40, 2, 0, 42 },
        { 0x08, 44, 2, 0, 42 },
        { 0x09, 2, 44, 0, 42 },
        { 0x0a, 1, 0xffffffff, 0, 1 },
        { 0x0b, 1, 0xffffffff, 0, 0xffffffff },
        { 0x0c, 1, 0xffffffff, 0, 0xffffffff },
        { 0x0d, 1, 0xffffffff, 0, 1 },
        { 0x0e, 5, 5, 9, 9 },
        { 0x0e, 6, 5, 9, 6 },
        { 0x0f, 5, 0, 0, 4 },
        { 0x25, 0xffffffff, 0, 0, 0x100000000 },
        { 0x26, 0, 0, 0, ~0ull },
        { 0x27, 0xffffffff, 0x100000001, 0, 0x200000000 },
        { 0x2a, 1, ~0ull, 0, 1 },
        { 0x2c, 1, ~0ull, 0, ~0ull },
        { 0x2e, 5, 5, 1ull << 40, 1ull << 40 },
    };
    Stand s;

    stand_set_up(&s);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        uint64_t *word = (uint64_t *)&s.data[16 * (i + 1)];
        uint32_t va = DATA_VA + 64 * (i + 1);
        uint64_t returned;

        /* inline operands, old value into GPR0 and out */
        *word = ops[i].before;
        test_batch_add(&s.batch, 11,
                       0x17800000u | 1u << 18 | 1u << 16 | ops[i].op << 8 | 9,
                       va, 0u, LO(ops[i].a), LO(ops[i].b), HI(ops[i].a),
                       HI(ops[i].b), 0u, 0u, 0u, 0u);
        test_batch_add(&s.batch, 4, 0x12000002u, 0x600u, DATA_VA, 0u);
        test_batch_add(&s.batch, 4, 0x12000002u, 0x604u, DATA_VA + 4, 0u);
        run(&s);
        returned = *(uint64_t *)s.data;
        g_assert_cmphex(*word, ==, ops[i].after);
        g_assert_cmphex(returned, ==, (ops[i].op & 0xf) == 0xf ?
                        ops[i].after : ops[i].before);
    }
    /* operands from GPR0 and GPR1 */
    s.data[0] = 10;
    test_batch_add(&s.batch, 3, 0x11000001u, 0x600u, 32u);
    test_batch_add(&s.batch, 3, 0x17800701u, DATA_VA, 0u);
    run(&s);
    g_assert_cmpuint(s.data[0], ==, 42);
    stand_tear_down(&s);
}

/* Counts in memory until it differs from a limit, as exec_store does. */
static void test_loop(void)
{
    Stand s;
    uint64_t loop;

    stand_set_up(&s);
    loop = test_batch_here(&s.batch);
    test_batch_add(&s.batch, 3, MI_ATOMIC_INC, DATA_VA, 0u);
    test_batch_add(&s.batch, 4, 0x1b205002u, 500u, DATA_VA, 0u); /* NEQ */
    test_batch_add(&s.batch, 3, 0x18800001u, LO(loop), HI(loop));
    run(&s);
    g_assert_cmpuint(s.data[0], ==, 500);
    stand_tear_down(&s);
}

static void test_conditions(void)
{
    /* memory 5 against 4, 5, 6: does the batch go on? */
    static const bool goes_on[6][3] = {
        { true, false, false }, { true, true, false },
        { false, false, true }, { false, true, true },
        { false, true, false }, { true, false, true },
    };
    Stand s;

    stand_set_up(&s);
    s.data[0] = 5;
    for (unsigned op = 0; op < 6; op++) {
        for (unsigned i = 0; i < 3; i++) {
            s.data[1] = 0;
            test_batch_add(&s.batch, 4, 0x1b200002u | op << 12, 4 + i,
                           DATA_VA, 0u);
            test_batch_store(&s.batch, DATA_VA + 4, 1);
            run(&s);
            g_assert_cmpuint(s.data[1], ==, goes_on[op][i]);
        }
    }
    stand_tear_down(&s);
}

static void test_second_level(void)
{
    Stand s;
    TestBatch inner;

    stand_set_up(&s);
    inner = test_batch_new(s.gpu, BATCH_VA + 0x10000);
    test_batch_store(&inner, DATA_VA, 1);
    test_batch_end(&inner);
    test_batch_add(&s.batch, 3, 0x18c00101u, LO(inner.va), HI(inner.va));
    test_batch_store(&s.batch, DATA_VA + 4, 2);
    run(&s);
    g_assert_cmpuint(s.data[0], ==, 1);
    g_assert_cmpuint(s.data[1], ==, 2);
    /* chained, not called: does not come back */
    s.data[0] = s.data[1] = 0;
    test_batch_add(&s.batch, 3, 0x18800101u, LO(inner.va), HI(inner.va));
    test_batch_store(&s.batch, DATA_VA + 4, 2);
    run(&s);
    g_assert_cmpuint(s.data[0], ==, 1);
    g_assert_cmpuint(s.data[1], ==, 0);
    stand_tear_down(&s);
}

static void test_flush_dw(void)
{
    Stand s;

    stand_set_up(&s);
    test_batch_add(&s.batch, 5, 0x13000003u, 0u, 0u, 0u, 0u);
    test_batch_add(&s.batch, 5, 0x13004003u, DATA_VA + 8, 0u, 7u, 9u);
    test_batch_add(&s.batch, 5, 0x1300c003u, DATA_VA + 16, 0u, 0u, 0u);
    run(&s);
    g_assert_cmpuint(s.data[2], ==, 7);
    g_assert_cmpuint(s.data[3], ==, 9);
    g_assert_cmpuint(*(uint64_t *)&s.data[4], !=, 0);
    stand_tear_down(&s);
}

static void test_semaphore(void)
{
    Stand s;
    TestContext *other;
    TestBatch batch;
    uint64_t seqno;

    stand_set_up(&s);
    other = test_gpu_context(s.gpu, 2, 1, 0);
    batch = test_batch_new(s.gpu, BATCH_VA + 0x10000);
    /* waits until memory is at least 3; the same engine counts it up */
    test_batch_add(&s.batch, 5, 0x0e009003u, 3u, DATA_VA, 0u, 0u);
    test_batch_store(&s.batch, DATA_VA + 4, 0x60);
    test_batch_end(&s.batch);
    seqno = test_gpu_submit(s.gpu, s.context, s.batch.va, 0, 0);
    g_assert_false(test_gpu_wait_for(s.gpu, s.context, seqno, 50));
    test_batch_add(&batch, 3, MI_ATOMIC_INC, DATA_VA, 0u);
    test_batch_end(&batch);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(s.data[1], ==, 0);
        test_gpu_wait(s.gpu, other, test_gpu_submit(s.gpu, other, batch.va, 0,
                                                    0));
    }
    test_gpu_wait(s.gpu, s.context, seqno);
    g_assert_cmpuint(s.data[1], ==, 0x60);
    stand_tear_down(&s);
}

/* CTX_TIMESTAMP counts run time at the reference clock. */
static void test_timestamps(void)
{
    Stand s;
    uint64_t seqno;
    uint32_t begin, end;

    stand_set_up(&s);
    s.data[1] = 1;
    test_batch_add(&s.batch, 4, 0x12080002u, 0x3a8u, DATA_VA + 64, 0u);
    test_batch_spin(&s.batch, DATA_VA, DATA_VA + 4);
    seqno = test_gpu_submit(s.gpu, s.context, s.batch.va, 0, 0);
    g_assert_true(test_wait_word(s.data, 0xc0ffee, true, 1000));
    begin = s.data[16];
    g_usleep(100000);
    s.data[1] = 0;
    test_gpu_wait(s.gpu, s.context, seqno);
    g_usleep(200000); /* off the engine: does not count */
    s.batch.n = 0;
    test_batch_add(&s.batch, 4, 0x12080002u, 0x3a8u, DATA_VA + 64, 0u);
    run(&s);
    end = s.data[16];
    g_assert_cmpuint(end - begin, >, 19200000 / 10);
    g_assert_cmpuint(end - begin, <, 19200000 / 10 * 2.5);
    g_assert_cmpuint(s.context->status->runtime_ns, >, 100000000);
    g_assert_cmpuint(s.context->status->runtime_ns, <, 250000000);
    stand_tear_down(&s);
}

static void fill(Stand *s)
{
    uint8_t *bytes = (uint8_t *)s->data;

    for (unsigned i = 0; i < 0x8000; i++) {
        bytes[i] = i * 13 + i / 253;
    }
    memset(bytes + 0x8000, 0, 0x8000);
}

static void test_mem_copy(void)
{
    Stand s;
    uint8_t *bytes;

    stand_set_up(&s);
    bytes = (uint8_t *)s.data;
    /* linear, odd places and length */
    fill(&s);
    test_batch_add(&s.batch, 10, 0x56800008u, 9999u, 1u, ~0u, ~0u,
                   DATA_VA + 3, 0u, DATA_VA + 0x8005, 0u, 0x12345u);
    run(&s);
    g_assert_cmpmem(bytes + 0x8005, 10000, bytes + 3, 10000);
    g_assert_cmpuint(bytes[0x8004] | bytes[0x8005 + 10000], ==, 0);
    /* pages of 256 bytes */
    fill(&s);
    test_batch_add(&s.batch, 10, 0x56880008u, 63u, 0u, 0u, 0u, DATA_VA, 0u,
                   DATA_VA + 0x8000, 0u, 0u);
    run(&s);
    g_assert_cmpmem(bytes + 0x8000, 0x4000, bytes, 0x4000);
    g_assert_cmpuint(bytes[0xc000], ==, 0);
    /* matrix: 16 rows of 100 bytes, pitches 200 and 300 */
    fill(&s);
    test_batch_add(&s.batch, 10, 0x56820008u, 99u, 15u, 199u, 299u, DATA_VA,
                   0u, DATA_VA + 0x8000, 0u, 0u);
    run(&s);
    for (unsigned row = 0; row < 16; row++) {
        g_assert_cmpmem(bytes + 0x8000 + 300 * row, 100, bytes + 200 * row,
                        100);
        g_assert_cmpuint(bytes[0x8000 + 300 * row + 100], ==, 0);
    }
    stand_tear_down(&s);
}

static void test_mem_set(void)
{
    Stand s;
    uint8_t *bytes;
    uint64_t dma;

    stand_set_up(&s);
    bytes = (uint8_t *)s.data;
    test_batch_add(&s.batch, 7, 0x56c00005u, 4999u, 0u, 0u, DATA_VA + 1, 0u,
                   0xab000000u);
    test_batch_add(&s.batch, 7, 0x56c20005u, 9u, 3u, 99u, DATA_VA + 0x8000,
                   0u, 0xcd000000u);
    run(&s);
    g_assert_cmphex(bytes[0], ==, 0);
    for (unsigned i = 1; i <= 5000; i++) {
        g_assert_cmphex(bytes[i], ==, 0xab);
    }
    g_assert_cmphex(bytes[5001], ==, 0);
    for (unsigned i = 0; i < 400; i++) {
        g_assert_cmphex(bytes[0x8000 + i], ==, i % 100 < 10 ? 0xcd : 0);
    }
    /* longer than 18 bits can say */
    dma = test_gpu_alloc(s.gpu, LONG_SET, 4096);
    test_gpu_map(s.gpu, LONG_VA, dma, LONG_SET, TEST_RW);
    bytes = test_gpu_at(s.gpu, dma);
    test_batch_add(&s.batch, 7, 0x56c00005u, LONG_SET - 3u, 0u, 0u, LONG_VA,
                   0u, 0xef000000u);
    run(&s);
    g_assert_cmphex(bytes[0], ==, 0xef);
    g_assert_cmphex(bytes[LONG_SET - 3], ==, 0xef);
    g_assert_cmphex(bytes[LONG_SET - 2], ==, 0);
    stand_tear_down(&s);
}

/* Linear to tiled and back for each tiling and depth: nothing is lost. */
static void test_fast_copy(void)
{
    static const struct {
        unsigned code, bytes;
    } depth[] = { { 0, 1 }, { 1, 2 }, { 3, 4 }, { 4, 8 }, { 5, 16 } };
    Stand s;
    uint8_t *bytes, *tiled;
    uint64_t dma;

    stand_set_up(&s);
    bytes = (uint8_t *)s.data;
    dma = test_gpu_alloc(s.gpu, 1 << 20, 4096);
    tiled = test_gpu_at(s.gpu, dma);
    test_gpu_map(s.gpu, 0x200000, dma, 1 << 20, TEST_RW);
    for (unsigned tiling = 0; tiling < 4; tiling++) {
        for (unsigned d = 0; d < G_N_ELEMENTS(depth); d++) {
            unsigned width = 512 / depth[d].bytes; /* 512 bytes a row */
            unsigned pitch = tiling == 3 ? 1024 : 512;
            unsigned pitch_field = tiling ? pitch / 4 : pitch;

            fill(&s);
            memset(tiled, 0, 1 << 20);
            /* 64 rows to (0, 0) of the tiled surface */
            test_batch_add(&s.batch, 10, 0x50800008u | tiling << 13,
                           depth[d].code << 24 | pitch_field, 0u,
                           64u << 16 | width, 0x200000u, 0u, 0u, 512u,
                           DATA_VA, 0u);
            /* and back */
            test_batch_add(&s.batch, 10, 0x50800008u | tiling << 20,
                           depth[d].code << 24 | 512u, 0u, 64u << 16 | width,
                           DATA_VA + 0x8000, 0u, 0u, pitch_field, 0x200000u,
                           0u);
            run(&s);
            g_assert_cmpmem(bytes + 0x8000, 0x8000, bytes, 0x8000);
            if (tiling == 1) {
                /* X: row 1 of the first tile follows row 0 */
                g_assert_cmpmem(tiled + 512, 512, bytes + 512, 512);
            }
            if (tiling == 2) {
                /* 4: sixteen bytes, then the next row's sixteen */
                g_assert_cmpmem(tiled + 16, 16, bytes + 512, 16);
                g_assert_cmpmem(tiled + 64, 16, bytes + 16, 16);
            }
        }
    }
    /* a rectangle inside: source (3, 5), target (2, 1), 7 x 4 */
    fill(&s);
    test_batch_add(&s.batch, 10, 0x50800008u, 3u << 24 | 256, 1u << 16 | 2,
                   5u << 16 | 9, DATA_VA + 0x8000, 0u, 5u << 16 | 3, 512u,
                   DATA_VA, 0u);
    run(&s);
    for (unsigned row = 0; row < 4; row++) {
        g_assert_cmpmem(bytes + 0x8000 + 256 * (row + 1) + 8, 28,
                        bytes + 512 * (row + 5) + 12, 28);
    }
    stand_tear_down(&s);
}

static void test_bad_packets(void)
{
    static const uint32_t bad[][4] = {
        { 0x7a000004 },             /* PIPE_CONTROL: no such client */
        { 0x20000000 },             /* client 1 */
        { 0x1c800000 },             /* MI 0x39 */
        { 0x0b000000 },             /* MI 0x16 */
        { 0x50000000 },             /* blitter 0x40 */
        { 0x56800000 },             /* MEM_COPY, too short */
        { 0x10000000, 0, 0 },       /* SDI, too short */
        { 0x10400002, 0x5000 },     /* SDI to the GGTT */
        { 0x17800001, 0x5000 },     /* atomic operation 0 */
        { 0x17805001, 0x5000 },     /* atomic of 128 bits */
        { 0x1b206002, 0, 0x5000 },  /* comparison 6 */
        { 0x0d000000, 0x70000000 }, /* no such ALU operation */
        { 0x0d000000, 0x080ffc00 }, /* no such ALU register */
        { 0x11000000, 0x600 },      /* LRI of half a pair */
    };
    Stand s;

    stand_set_up(&s);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        TestContext *victim = test_gpu_context(s.gpu, 2, 1, 0);
        uint32_t errors = vfu_client_read32(s.gpu->client, 0,
                                            SVMGPU_REG_ERROR_COUNT);
        struct svmgpu_event event;
        uint64_t seqno;

        for (unsigned d = 0; d < 4; d++) {
            test_batch_add(&s.batch, 1, bad[i][d]);
        }
        test_batch_end(&s.batch);
        seqno = test_gpu_submit(s.gpu, victim, s.batch.va, 0, 0);
        do {
            g_assert_true(test_gpu_event(s.gpu, &event, TEST_TIMEOUT_MS));
        } while (event.context != 2);
        g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_JOB_FAILED);
        g_assert_cmpuint(event.seqno, ==, seqno);
        g_assert_cmpuint(event.error, ==, SVMGPU_ERROR_BAD_PACKET);
        g_assert_cmpuint(vfu_client_read32(s.gpu->client, 0,
                                           SVMGPU_REG_ERROR_COUNT), ==,
                         errors + 1);
        test_gpu_command(s.gpu, SVMGPU_CMD_CTX_DESTROY, 2, 0, 0, 0, 0);
        s.batch.n = 0;
        /* the others live on */
        test_batch_store(&s.batch, DATA_VA, i + 1);
        run(&s);
        g_assert_cmpuint(s.data[0], ==, i + 1);
    }
    stand_tear_down(&s);
}

/* No end: walks through zeroes until there is no page any more. */
static void test_runs_off(void)
{
    Stand s;
    struct svmgpu_fault fault;

    stand_set_up(&s);
    test_gpu_submit(s.gpu, s.context, s.batch.va, 0, 0);
    g_assert_true(test_gpu_fault(s.gpu, &fault, TEST_TIMEOUT_MS));
    g_assert_cmphex(fault.addr, ==, s.batch.va + 4096);
    g_assert_cmpuint(fault.flags, ==, SVMGPU_FAULT_F_FATAL);
    stand_tear_down(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/packets/store-data", test_store_data);
    g_test_add_func("/gpu/packets/registers", test_registers);
    g_test_add_func("/gpu/packets/math", test_math);
    g_test_add_func("/gpu/packets/atomics", test_atomics);
    g_test_add_func("/gpu/packets/loop", test_loop);
    g_test_add_func("/gpu/packets/conditions", test_conditions);
    g_test_add_func("/gpu/packets/second-level", test_second_level);
    g_test_add_func("/gpu/packets/flush-dw", test_flush_dw);
    g_test_add_func("/gpu/packets/semaphore", test_semaphore);
    g_test_add_func("/gpu/packets/timestamps", test_timestamps);
    g_test_add_func("/gpu/packets/mem-copy", test_mem_copy);
    g_test_add_func("/gpu/packets/mem-set", test_mem_set);
    g_test_add_func("/gpu/packets/fast-copy", test_fast_copy);
    g_test_add_func("/gpu/packets/bad", test_bad_packets);
    g_test_add_func("/gpu/packets/runs-off", test_runs_off);
    return g_test_run();
}

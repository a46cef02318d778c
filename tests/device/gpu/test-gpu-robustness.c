/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that means harm: wild ring indices, random commands, descriptors
 * and batches. Nothing of it may end the process or stop it from serving.
 */

#include "gpu-fixture.h"

#include <string.h>

#define BATCH_VA 0x10000000ull

static void wait_ready(TestGpu *gpu)
{
    for (unsigned i = 0; i < 5000; i++) {
        if ((vfu_client_read32(gpu->client, 0, SVMGPU_REG_STATUS) &
             (SVMGPU_STATUS_READY | SVMGPU_STATUS_RESETTING)) ==
            SVMGPU_STATUS_READY) {
            return;
        }
        g_usleep(1000);
    }
    g_assert_not_reached();
}

static void restart(TestGpu *gpu)
{
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                       SVMGPU_CONTROL_RESET);
    wait_ready(gpu);
    memset(gpu->ram, 0, TEST_RAM_BYTES);
    gpu->ram_used = 0x10000;
    gpu->vram_used = 0;
    test_gpu_start(gpu);
}

static void assert_works(TestGpu *gpu)
{
    TestContext *context;

    restart(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    test_gpu_wait(gpu, context, test_gpu_submit(gpu, context, 0, 0, 0));
}

/* Indices that make no sense break the ring, and only a reset helps. */
static void test_ring_indices(void)
{
    static const uint64_t doorbell[] = {
        SVMGPU_REG_DOORBELL_COMMAND, SVMGPU_REG_DOORBELL_MIGRATION,
    };
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    for (unsigned ring = 0; ring < 2; ring++) {
        test_gpu_start(gpu);
        gpu->rings[ring].header->producer += 65;
        vfu_client_write32(gpu->client, 0, doorbell[ring], 1);
        for (unsigned i = 0; i < 1000 &&
             !(vfu_client_read32(gpu->client, 0, SVMGPU_REG_STATUS) &
               SVMGPU_STATUS_WEDGED); i++) {
            g_usleep(1000);
        }
        g_assert_true(vfu_client_read32(gpu->client, 0, SVMGPU_REG_STATUS) &
                      SVMGPU_STATUS_WEDGED);
        g_assert_cmpuint(vfu_client_read32(gpu->client, 0,
                                           SVMGPU_REG_ERROR_LAST), ==,
                         SVMGPU_ERROR_BAD_RING);
        g_assert_cmpuint(vfu_client_wait_irq(gpu->client,
                                             SVMGPU_VECTOR_ERROR, 1000), >=,
                         1);
        vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                           SVMGPU_CONTROL_RESET);
        wait_ready(gpu);
    }
    /* a context's ring: the context dies, the GPU does not */
    test_gpu_start(gpu);
    TestContext *context = test_gpu_context(gpu, 1, 1, 0);
    struct svmgpu_event event;

    context->ring.header->producer = 1000;
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_DOORBELL_CONTEXT, 1);
    g_assert_true(test_gpu_event(gpu, &event, 1000));
    g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_JOB_FAILED);
    g_assert_cmpuint(event.error, ==, SVMGPU_ERROR_BAD_RING);
    g_assert_false(vfu_client_read32(gpu->client, 0, SVMGPU_REG_STATUS) &
                   SVMGPU_STATUS_WEDGED);
    context = test_gpu_context(gpu, 2, 1, 0);
    test_gpu_wait(gpu, context, test_gpu_submit(gpu, context, 0, 0, 0));
    /* the GPU's own rings with a wild consumer */
    gpu->rings[SVMGPU_RING_EVENT].header->consumer = 77777;
    test_gpu_submit(gpu, context, 0, 0, 0);
    assert_works(gpu);
}

static uint64_t wild(void)
{
    switch (g_test_rand_int_range(0, 6)) {
    case 0:
        return g_test_rand_int_range(0, 16);
    case 1:
        return (uint64_t)(uint32_t)g_test_rand_int() << 32 |
               (uint32_t)g_test_rand_int();
    case 2:
        return ~0ull << g_test_rand_int_range(0, 63);
    case 3:
        return g_test_rand_int_range(0, TEST_RAM_BYTES);
    case 4:
        return SVMGPU_PADDR_VRAM(g_test_rand_int_range(0, TEST_VRAM_BYTES));
    default:
        return (uint32_t)g_test_rand_int() & 0xfffff000;
    }
}

static void test_random_commands(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(2, NULL);
    TestGpu *gpu = &machine->gpu[0];

    test_gpu_start(gpu);
    for (unsigned i = 0; i < 3000; i++) {
        unsigned op = g_test_rand_int_range(0, 14);

        test_gpu_wait_command(gpu, test_gpu_post(gpu, op, wild() & 0x3fff,
                                                 wild(), wild(), wild(),
                                                 wild()));
    }
    assert_works(gpu);
}

/* Destinations stay within one buffer: RAM holds rings that we still need. */
static void test_random_descriptors(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(2, NULL);
    TestGpu *gpu = &machine->gpu[0];

    test_gpu_start(gpu);
    for (unsigned i = 0; i < 2000; i++) {
        struct svmgpu_migration d = {
            .op = g_test_rand_int_range(0, 7),
            .flags = g_test_rand_int_range(0, 8),
            .count = g_test_rand_int_range(0, 3) ? 1 : wild(),
            .list = wild(),
            .value = wild(),
            .copy = { wild(), wild(), wild() },
            .cookie = i,
        };

        if (SVMGPU_PADDR_APERTURE(d.copy.dst) == SVMGPU_APERTURE_SYSTEM) {
            d.copy.dst = SVMGPU_PADDR_OF_PEER(1, d.copy.dst & 0xffffff8);
        }
        if (d.op == SVMGPU_MIG_PTE_WRITE) {
            d.pte.pte = SVMGPU_PADDR_VRAM(d.pte.pte & 0xfffffff);
        }
        if (!(d.flags & SVMGPU_MIG_F_INLINE)) {
            d.list = d.list & 0xfff8; /* zeroes */
        }
        test_gpu_migrate(gpu, &d);
    }
    assert_works(gpu);
}

/* Batches of random dwords and of damaged packets, in fault mode or not. */
static void test_random_batches(void)
{
    static const uint32_t heads[] = {
        0x10000002, 0x10200003, 0x11000001, 0x12000002, 0x13004003,
        0x14800002, 0x15000001, 0x17800501, 0x17872709, 0x0d000003,
        0x0e009003, 0x18800101, 0x18c00101, 0x1b204002, 0x50800008,
        0x56800008, 0x56880008, 0x56820008, 0x56c00005, 0x02800000,
    };
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestBatch batch;
    uint64_t vram;

    test_gpu_start(gpu);
    batch = test_batch_new(gpu, BATCH_VA);
    vram = test_gpu_alloc_vram(gpu, 1 << 20, 2 << 20);
    test_gpu_map(gpu, 0, SVMGPU_PADDR_VRAM(vram), 1 << 20, TEST_RW);
    for (unsigned i = 0; i < 400; i++) {
        uint32_t id = 1 + i % 3;
        bool mode = g_test_rand_bit();
        TestContext *context;
        uint64_t seqno;
        uint64_t ram_used = gpu->ram_used;

        for (unsigned d = 0; d < 1024; d++) {
            switch (g_test_rand_int_range(0, 4)) {
            case 0:
                batch.dw[d] = g_test_rand_int();
                break;
            case 1:
                batch.dw[d] = g_test_rand_int_range(0, 1 << 20);
                break;
            default:
                batch.dw[d] = heads[g_test_rand_int_range(
                    0, G_N_ELEMENTS(heads))];
            }
        }
        context = test_gpu_context(gpu, id, 7, mode ?
                                   SVMGPU_CTX_F_FAULT_MODE : 0);
        seqno = test_gpu_submit(gpu, context, batch.va, wild(), wild());
        for (unsigned wait = 0; wait < 4 &&
             !test_gpu_wait_for(gpu, context, seqno, 2); wait++) {
            struct svmgpu_fault fault;

            while (test_gpu_fault(gpu, &fault, 0)) {
                if (!fault.flags && fault.context == id) {
                    test_gpu_wait_command(gpu, test_gpu_post(
                        gpu, SVMGPU_CMD_FAULT_ANSWER, id, fault.fault_id,
                        SVMGPU_ANSWER_FAIL, 0, 0));
                }
            }
        }
        test_gpu_command(gpu, SVMGPU_CMD_CTX_DESTROY, id, 0, 0, 0, 0);
        memset(gpu->ram + ram_used, 0, gpu->ram_used - ram_used);
        gpu->ram_used = ram_used;
    }
    g_assert_cmpuint(test_counter(machine, 0, "contexts"), ==, 0);
    assert_works(gpu);
}

/* Page tables of random entries. */
static void test_random_tables(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(2, NULL);
    TestGpu *gpu = &machine->gpu[0];
    uint64_t table, *entry;
    uint64_t ring_used;

    test_gpu_start(gpu);
    table = SVMGPU_PADDR_VRAM(test_gpu_alloc_vram(gpu, 64 << 12, 4096));
    entry = test_gpu_paddr(gpu, table);
    ring_used = gpu->ram_used;
    for (unsigned i = 0; i < 200; i++) {
        TestContext *context;
        uint64_t seqno;

        for (unsigned e = 0; e < 64 * 512; e++) {
            /* no guest RAM behind it, so that nothing of ours is hit */
            entry[e] = (SVMGPU_PADDR(g_test_rand_int_range(1, 4),
                                     g_test_rand_int_range(0, 3),
                                     (uint64_t)g_test_rand_int_range(0, 128)
                                     << 12) |
                        (g_test_rand_int() & 0xfff)) |
                       (g_test_rand_int_range(0, 8) ? 1 : 0);
        }
        test_gpu_command(gpu, SVMGPU_CMD_AS_SET, TEST_ASID, table, 0, 0, 0);
        context = test_gpu_context(gpu, 1, 7, 0);
        seqno = test_gpu_submit(gpu, context, (uint64_t)g_test_rand_int() <<
                                12, (uint64_t)g_test_rand_int() << 8, 1);
        test_gpu_wait_for(gpu, context, seqno, 2);
        test_gpu_command(gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
        memset(gpu->ram + ring_used, 0, gpu->ram_used - ring_used);
        gpu->ram_used = ring_used;
    }
    assert_works(gpu);
}

/* Random registers; the rings may be anywhere. */
static void test_random_registers(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    test_gpu_start(gpu);
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t offset = (g_test_rand_int_range(0, 2) ?
                           g_test_rand_int_range(0, 0x400) :
                           0x1000 + g_test_rand_int_range(0, 0x20)) & ~3u;

        if (g_test_rand_bit()) {
            vfu_client_read32(gpu->client, 0, offset);
        } else {
            vfu_client_write32(gpu->client, 0, offset, wild());
        }
    }
    wait_ready(gpu);
    assert_works(gpu);
}

/* A guest that feeds jobs to a dead context does not hold anybody up. */
static void test_dead_context_fed(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    uint64_t seqno = 0;

    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    test_gpu_command(gpu, SVMGPU_CMD_CTX_KILL, 1, 0, 0, 0, 0);
    for (unsigned i = 0; i < 2000; i++) {
        seqno = test_gpu_submit(gpu, context, 0xdead000, 0, 0);
    }
    test_gpu_wait(gpu, context, seqno);
    test_gpu_command(gpu, SVMGPU_CMD_CTX_DESTROY, 1, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/robustness/ring-indices", test_ring_indices);
    g_test_add_func("/gpu/robustness/random-commands", test_random_commands);
    g_test_add_func("/gpu/robustness/random-descriptors",
                    test_random_descriptors);
    g_test_add_func("/gpu/robustness/random-batches", test_random_batches);
    g_test_add_func("/gpu/robustness/random-tables", test_random_tables);
    g_test_add_func("/gpu/robustness/random-registers",
                    test_random_registers);
    g_test_add_func("/gpu/robustness/dead-context-fed",
                    test_dead_context_fed);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers: identity, rings, errors, reset, re-connection. */

#include "gpu-fixture.h"

#include <string.h>

static uint32_t read_reg(TestGpu *gpu, uint64_t offset)
{
    return vfu_client_read32(gpu->client, 0, offset);
}

static void test_identity(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(2, NULL);

    for (unsigned i = 0; i < 2; i++) {
        TestGpu *gpu = &machine->gpu[i];

        g_assert_cmphex(vfu_client_config_read(gpu->client, 0, 4), ==,
                        SVMGPU_PCI_DEVICE << 16 | SVMGPU_PCI_VENDOR);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_MAGIC), ==, SVMGPU_MAGIC);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_VERSION), ==,
                        SVMGPU_ABI_VERSION);
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_GPU_INDEX), ==, i);
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_GPU_COUNT), ==, 2);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_FABRIC_PEERS), ==, 1 << !i);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_FABRIC_UP), ==, 1 << !i);
        g_assert_cmpuint(vfu_client_read64(gpu->client, 0,
                                           SVMGPU_REG_VRAM_SIZE_LO), ==,
                         TEST_VRAM_BYTES);
        g_assert_cmpuint(vfu_client_read64(gpu->client, 0,
                                           SVMGPU_REG_VRAM_VISIBLE_LO), ==,
                         TEST_VRAM_BYTES);
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ENGINE_COUNT), ==, 3);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_ENGINE(0)), ==,
                        SVMGPU_ENGINE_VALUE(SVMGPU_ENGINE_COPY, 0));
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_ENGINE(2)), ==,
                        SVMGPU_ENGINE_VALUE(SVMGPU_ENGINE_VIDEO_DECODE, 1));
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_REFERENCE_CLOCK), ==,
                         19200000);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_STATUS), ==,
                        SVMGPU_STATUS_READY);
        g_assert_cmphex(read_reg(gpu, SVMGPU_REG_VF_CAP), ==, 0);
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_COUNT), ==, 0);
    }
    g_assert_cmphex(read_reg(&machine->gpu[0], SVMGPU_REG_FABRIC_ID), ==,
                    read_reg(&machine->gpu[1], SVMGPU_REG_FABRIC_ID));
}

static void test_clock(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    VfuClient *client = machine->gpu[0].client;
    uint64_t a = vfu_client_read64(client, 0, SVMGPU_REG_TIME_LO);
    uint64_t lo, hi, b;

    g_usleep(20000);
    lo = vfu_client_read32(client, 0, SVMGPU_REG_TIME_LO);
    hi = vfu_client_read32(client, 0, SVMGPU_REG_TIME_HI);
    b = hi << 32 | lo;
    g_assert_cmpuint(b - a, >=, 20000000);
    g_assert_cmpuint(b - a, <, 5000000000);
    /* the host's monotonic clock, which is the log's too */
    g_assert_cmpuint(ABS((int64_t)b / 1000 - g_get_monotonic_time()), <,
                     5000000);
}

static void test_engines(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, "engines=bcs0+ccs0");

    g_assert_cmpuint(read_reg(&machine->gpu[0], SVMGPU_REG_ENGINE_COUNT), ==,
                     2);
    g_assert_cmphex(read_reg(&machine->gpu[0], SVMGPU_REG_ENGINE(1)), ==,
                    SVMGPU_ENGINE_VALUE(SVMGPU_ENGINE_COMPUTE, 0));
    g_assert_cmphex(read_reg(&machine->gpu[0], SVMGPU_REG_ENGINE(2)), ==, 0);
}

/* The CPU sees the first part of VRAM, the GPU all of it. */
static void test_visible_part(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, "visible=16M");
    TestGpu *gpu = &machine->gpu[0];
    struct svmgpu_migration copy = {
        .op = SVMGPU_MIG_COPY,
        .flags = SVMGPU_MIG_F_INLINE,
        .count = 1,
        .copy = { .bytes = 4096 },
    };
    uint64_t dma;

    g_assert_cmpuint(vfu_client_get_bar_size(gpu->client, SVMGPU_BAR_VRAM),
                     ==, 16 << 20);
    g_assert_cmpuint(vfu_client_read64(gpu->client, 0,
                                       SVMGPU_REG_VRAM_VISIBLE_LO), ==,
                     16 << 20);
    g_assert_cmpuint(vfu_client_read64(gpu->client, 0,
                                       SVMGPU_REG_VRAM_SIZE_LO), ==,
                     64 << 20);
    test_gpu_start(gpu);
    dma = test_gpu_alloc(gpu, 8192, 4096);
    memset(test_gpu_at(gpu, dma), 0x3c, 4096);
    copy.copy.src = dma;
    copy.copy.dst = SVMGPU_PADDR_VRAM((64 << 20) - 4096);
    g_assert_cmpuint(test_gpu_migrate_wait(gpu, copy).error, ==, SVMGPU_OK);
    copy.copy.src = copy.copy.dst;
    copy.copy.dst = dma + 4096;
    g_assert_cmpuint(test_gpu_migrate_wait(gpu, copy).error, ==, SVMGPU_OK);
    g_assert_cmpmem(test_gpu_at(gpu, dma), 4096,
                    test_gpu_at(gpu, dma + 4096), 4096);
}

static void test_bad_access(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    uint64_t value = 0;
    uint32_t errors;

    /* undefined offset, wrong sizes, read-only register */
    g_assert_cmphex(read_reg(gpu, 0x0ffc), ==, 0xffffffff);
    g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_COUNT), ==, 1);
    g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_LAST), ==,
                     SVMGPU_ERROR_BAD_REGISTER);
    g_assert_cmpint(vfu_client_read(gpu->client, 0, 0, &value, 1), ==, 0);
    g_assert_cmpint(vfu_client_write(gpu->client, 0, SVMGPU_REG_CONTROL,
                                     &value, 2), ==, 0);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_MAGIC, 1);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL, 0x80);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_DOORBELL_CONTEXT, 77);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_DOORBELL_CONTEXT,
                       0xffffffff);
    errors = read_reg(gpu, SVMGPU_REG_ERROR_COUNT);
    g_assert_cmpuint(errors, ==, 7);
    g_assert_cmphex(read_reg(gpu, SVMGPU_REG_MAGIC), ==, SVMGPU_MAGIC);
}

/* User space may write there what it likes. */
static void test_barrier_page(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    uint8_t byte = 1;

    g_assert_cmphex(read_reg(gpu, SVMGPU_BARRIER_PAGE), ==, 0xdeadbeef);
    vfu_client_write32(gpu->client, 0, SVMGPU_BARRIER_PAGE, 0);
    g_assert_cmpint(vfu_client_write(gpu->client, 0,
                                     SVMGPU_BARRIER_PAGE + 4095, &byte, 1),
                    ==, 0);
    g_assert_cmphex(read_reg(gpu, SVMGPU_BARRIER_PAGE + 4092), ==,
                    0xdeadbeef);
    g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_COUNT), ==, 0);
}

static void test_bad_rings(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    static const struct {
        uint64_t base;
        uint32_t log2;
    } bad[] = {
        { 0x10000, 3 },               /* too small */
        { 0x10000, 17 },              /* too large */
        { 0x10000, 0xffffffff },
        { 0x10004, 6 },               /* crooked */
        { TEST_RAM_BYTES - 4096, 16 }, /* half outside of RAM */
        { 1ull << 40, 6 },            /* outside */
        { ~0ull << 12, 6 },
    };

    for (unsigned ring = 0; ring < SVMGPU_RINGS; ring++) {
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
            uint32_t before = read_reg(gpu, SVMGPU_REG_ERROR_COUNT);

            vfu_client_write64(gpu->client, 0, SVMGPU_REG_RING_BASE_LO(ring),
                               bad[i].base);
            vfu_client_write32(gpu->client, 0, SVMGPU_REG_RING_LOG2(ring),
                               bad[i].log2);
            vfu_client_write32(gpu->client, 0, SVMGPU_REG_RING_ENABLE(ring),
                               1);
            g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_RING_ENABLE(ring)), ==,
                             0);
            g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_COUNT), ==,
                             before + 1);
            g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_ERROR_LAST), ==,
                             SVMGPU_ERROR_BAD_RING);
        }
    }
    test_gpu_start(gpu);
    /* an enabled ring holds still */
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_RING_LOG2(0), 5);
    g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_RING_LOG2(0)), ==, 6);
}

/* A small job, start to end: the GPU works. */
static void prove_life(TestGpu *gpu)
{
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    uint32_t *word = test_gpu_at(gpu, dma);
    TestContext *context = test_gpu_context(gpu, 1, 1, 0);
    TestBatch batch = test_batch_new(gpu, 0x100000);

    test_gpu_map(gpu, 0x200000, SVMGPU_PADDR_SYSTEM(dma), 4096, TEST_RW);
    test_batch_store(&batch, 0x200010, 0x12345678);
    test_batch_end(&batch);
    test_gpu_wait(gpu, context, test_gpu_submit(gpu, context, batch.va, 0,
                                                0));
    g_assert_cmphex(word[4], ==, 0x12345678);
}

static void test_store(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);

    test_gpu_start(&machine->gpu[0]);
    prove_life(&machine->gpu[0]);
}

static void wait_ready(TestGpu *gpu)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (read_reg(gpu, SVMGPU_REG_STATUS) == SVMGPU_STATUS_READY) {
            return;
        }
        g_usleep(1000);
    }
    g_assert_not_reached();
}

/* A spinner runs, a context waits for a fault's answer, then: reset. */
static void make_busy(TestGpu *gpu)
{
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);
    uint32_t *word = test_gpu_at(gpu, dma);
    TestContext *spinner = test_gpu_context(gpu, 2, 2, 0);
    TestContext *faulter = test_gpu_context(gpu, 3, 4,
                                            SVMGPU_CTX_F_FAULT_MODE);
    TestBatch batch = test_batch_new(gpu, 0x300000);
    struct svmgpu_fault fault;

    test_gpu_map(gpu, 0x400000, SVMGPU_PADDR_SYSTEM(dma), 4096, TEST_RW);
    word[1] = 1;
    test_batch_spin(&batch, 0x400000, 0x400004);
    test_gpu_submit(gpu, spinner, batch.va, 0, 0);
    test_gpu_submit(gpu, faulter, 0x7000000, 0, 0);
    g_assert_true(test_wait_word(word, 0xc0ffee, true, TEST_TIMEOUT_MS));
    g_assert_true(test_gpu_fault(gpu, &fault, TEST_TIMEOUT_MS));
}

static void assert_power_on(TestGpu *gpu)
{
    g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_CONTROL), ==, 0);
    for (unsigned ring = 0; ring < SVMGPU_RINGS; ring++) {
        g_assert_cmpuint(read_reg(gpu, SVMGPU_REG_RING_ENABLE(ring)), ==, 0);
        g_assert_cmpuint(vfu_client_read64(gpu->client, 0,
                                           SVMGPU_REG_RING_BASE_LO(ring)),
                         ==, 0);
    }
}

static void test_global_reset(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    for (unsigned i = 0; i < 3; i++) {
        test_gpu_start(gpu);
        make_busy(gpu);
        vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                           SVMGPU_CONTROL_RESET);
        wait_ready(gpu);
        assert_power_on(gpu);
        g_assert_cmpuint(test_counter(machine, 0, "contexts"), ==, 0);
        test_gpu_start(gpu);
        prove_life(gpu);
        vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                           SVMGPU_CONTROL_RESET);
        wait_ready(gpu);
    }
}

static void test_device_reset(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    test_gpu_start(gpu);
    make_busy(gpu);
    g_assert_cmpint(vfu_client_reset(gpu->client), ==, 0);
    vfu_client_enable(gpu->client);
    assert_power_on(gpu);
    test_gpu_start(gpu);
    prove_life(gpu);
}

static void test_reconnect(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    for (unsigned i = 0; i < 5; i++) {
        test_gpu_start(gpu);
        make_busy(gpu);
        test_gpu_disconnect(gpu);
        test_gpu_connect(machine, 0);
        assert_power_on(gpu);
        test_gpu_start(gpu);
        prove_life(gpu);
        test_gpu_disconnect(gpu);
        test_gpu_connect(machine, 0);
    }
}

static void test_memory_vanishes(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];

    test_gpu_start(gpu);
    make_busy(gpu);
    /* rings, page tables and batch go while they are in use */
    g_assert_cmpint(vfu_client_remove_ram(gpu->client, 0), ==, 0);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_DOORBELL_COMMAND, 1);
    for (unsigned i = 0; i < 1000 &&
         !(read_reg(gpu, SVMGPU_REG_STATUS) & SVMGPU_STATUS_WEDGED); i++) {
        g_usleep(1000);
    }
    g_assert_true(read_reg(gpu, SVMGPU_REG_STATUS) & SVMGPU_STATUS_WEDGED);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                       SVMGPU_CONTROL_RESET);
    wait_ready(gpu);
    gpu->ram = vfu_client_add_ram(gpu->client, 0, TEST_RAM_BYTES);
    gpu->ram_used = 0x10000;
    test_gpu_start(gpu);
    prove_life(gpu);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/registers/identity", test_identity);
    g_test_add_func("/gpu/registers/clock", test_clock);
    g_test_add_func("/gpu/registers/engines", test_engines);
    g_test_add_func("/gpu/registers/visible-part", test_visible_part);
    g_test_add_func("/gpu/registers/bad-access", test_bad_access);
    g_test_add_func("/gpu/registers/barrier-page", test_barrier_page);
    g_test_add_func("/gpu/registers/bad-rings", test_bad_rings);
    g_test_add_func("/gpu/registers/store", test_store);
    g_test_add_func("/gpu/reset/global", test_global_reset);
    g_test_add_func("/gpu/reset/device", test_device_reset);
    g_test_add_func("/gpu/reset/reconnect", test_reconnect);
    g_test_add_func("/gpu/reset/memory-vanishes", test_memory_vanishes);
    return g_test_run();
}

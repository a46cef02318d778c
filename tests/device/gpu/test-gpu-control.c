/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket, injected faults, and the command line. */

#include "gpu-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#define BATCH_VA 0x10000000ull

static void assert_error(TestMachine *machine, const char *command)
{
    g_autofree char *answer = test_control(machine, "%s", command);

    g_assert_true(g_str_has_prefix(answer, "error: "));
}

static void test_commands(void)
{
    static const char *const bad[] = {
        "bogus", "status now", "link", "link gpu0 gpu0 down",
        "link gpu0 gpu9 down", "link gpu0 gpu1 sideways", "poison gpu0",
        "poison gpu0 x", "poison gpu0 99999999", "poison nobody 1",
        "hang gpu0 ccs7", "drop-irq gpu0 8", "drop-irq gpu0 -1",
        "late-irq gpu0 1", "late-irq gpu0 1 999999", "late-answer gpu0 x",
        "fail-copy gpu0 many", "check-tlb gpu0 maybe", "cost wire 1 1",
        "cost link x 1", "unplug", "plug gpu7", "reset 8",
    };
    g_autoptr(TestMachine) machine = test_machine_new(2, NULL);
    g_autofree char *help = test_control(machine, "help");
    g_autofree char *status = test_control(machine, "status");

    g_assert_true(g_str_has_prefix(help, "commands:"));
    g_assert_true(g_str_has_prefix(status, "{\"gpus\":[{\"index\":0,"));
    g_assert_nonnull(strstr(status, "\"name\":\"vcs1\""));
    g_assert_nonnull(strstr(status, "\"connected\":true"));
    g_assert_nonnull(strstr(status, "\"log\":{"));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_error(machine, bad[i]);
    }
    test_control_ok(machine, "clear gpu0");
    test_control_ok(machine, "reset 1");
}

static uint64_t submit_nothing(TestGpu *gpu, TestContext *context)
{
    return test_gpu_submit(gpu, context, 0, 0, 0);
}

static void test_interrupts(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    struct svmgpu_ring_header *header;
    TestContext *context;
    uint64_t seqno;

    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    header = gpu->rings[SVMGPU_RING_EVENT].header;

    /* lost: the event is there, but nobody was told */
    test_control_ok(machine, "drop-irq gpu0 0");
    header->consumer_asleep = 1;
    seqno = submit_nothing(gpu, context);
    g_assert_true(test_wait_word((uint32_t *)&context->status->completed,
                                 seqno, true, 1000));
    g_assert_cmpuint(vfu_client_wait_irq(gpu->client, 0, 50), ==, 0);
    g_assert_cmpuint(header->producer, ==, 1);
    g_assert_cmpuint(test_counter(machine, 0, "interrupts_dropped"), ==, 1);

    /* late */
    test_control_ok(machine, "late-irq gpu0 0 100");
    header->consumer_asleep = 1;
    seqno = submit_nothing(gpu, context);
    g_assert_true(test_wait_word((uint32_t *)&context->status->completed,
                                 seqno, true, 1000));
    g_assert_cmpuint(vfu_client_wait_irq(gpu->client, 0, 50), ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(gpu->client, 0, 1000), ==, 1);

    /* awake: no interrupt at all; asleep: one */
    header->consumer_asleep = 0;
    submit_nothing(gpu, context);
    g_assert_cmpuint(vfu_client_wait_irq(gpu->client, 0, 50), ==, 0);
    header->consumer_asleep = 1;
    submit_nothing(gpu, context);
    g_assert_cmpuint(vfu_client_wait_irq(gpu->client, 0, 1000), ==, 1);
    g_assert_cmpuint(header->consumer_asleep, ==, 0);
}

static void test_late_answer(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    TestBatch batch;
    struct svmgpu_fault fault;
    uint64_t dma, seqno;
    int64_t begin;

    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, SVMGPU_CTX_F_FAULT_MODE);
    batch = test_batch_new(gpu, BATCH_VA);
    dma = test_gpu_alloc(gpu, 4096, 4096);
    test_batch_store(&batch, 0x5000, 1);
    test_batch_end(&batch);
    seqno = test_gpu_submit(gpu, context, batch.va, 0, 0);
    g_assert_true(test_gpu_fault(gpu, &fault, 1000));
    test_control_ok(machine, "late-answer gpu0 150");
    test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
    begin = g_get_monotonic_time();
    test_gpu_answer(gpu, &fault, SVMGPU_ANSWER_RETRY);
    test_gpu_wait(gpu, context, seqno);
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 140000);
}

static void test_poison(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    TestBatch batch;
    struct svmgpu_event event;
    struct svmgpu_fault fault;
    uint64_t vram;

    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    batch = test_batch_new(gpu, BATCH_VA);
    vram = test_gpu_alloc_vram(gpu, 4096, 4096);
    test_gpu_map(gpu, 0x5000, SVMGPU_PADDR_VRAM(vram), 4096, TEST_RW);
    test_batch_store(&batch, 0x5000, 1);
    test_batch_end(&batch);
    test_gpu_wait(gpu, context, test_gpu_submit(gpu, context, batch.va, 0,
                                                0));
    test_control_ok(machine, "poison gpu0 %" G_GUINT64_FORMAT, vram / 4096);
    do {
        g_assert_true(test_gpu_event(gpu, &event, 1000));
    } while (event.type == SVMGPU_EVENT_JOB_DONE);
    g_assert_cmpuint(event.type, ==, SVMGPU_EVENT_PAGE_POISONED);
    g_assert_cmpuint(event.seqno, ==, vram / 4096);
    /* cached translation or not, the access fails */
    test_gpu_submit(gpu, context, batch.va, 0, 0);
    g_assert_true(test_gpu_fault(gpu, &fault, 1000));
    g_assert_cmpuint(fault.reason, ==, SVMGPU_FAULT_BAD_PADDR);
    g_assert_true(test_wait_state(context, SVMGPU_CTX_DEAD, 1000));
    g_assert_cmpuint(context->status->error, ==, SVMGPU_ERROR_POISON);
}

static void test_unplug(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, NULL);
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    TestBatch batch;
    uint64_t dma;
    uint32_t *word;

    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    batch = test_batch_new(gpu, BATCH_VA);
    dma = test_gpu_alloc(gpu, 4096, 4096);
    word = test_gpu_at(gpu, dma);
    test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
    word[1] = 1;
    test_batch_spin(&batch, 0x5000, 0x5004);
    test_gpu_submit(gpu, context, batch.va, 0, 0);
    g_assert_true(test_wait_word(word, 0xc0ffee, true, 1000));
    test_control_ok(machine, "unplug gpu0");
    for (unsigned offset = 0; offset < 0x100; offset += 4) {
        g_assert_cmphex(vfu_client_read32(gpu->client, 0, offset), ==,
                        SVMGPU_STATUS_GONE);
    }
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_DOORBELL_CONTEXT, 1);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL, 1);
    test_control_ok(machine, "plug gpu0");
    g_assert_cmphex(vfu_client_read32(gpu->client, 0, SVMGPU_REG_STATUS), ==,
                    SVMGPU_STATUS_READY);
    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    test_gpu_wait(gpu, context, submit_nothing(gpu, context));
}

/* A remote page that is used often is reported once. */
static void test_access_counter(void)
{
    g_autoptr(TestMachine) machine = test_machine_new(1, "hot=20");
    TestGpu *gpu = &machine->gpu[0];
    TestContext *context;
    TestBatch batch;
    struct svmgpu_event event;
    uint64_t dma, vram;
    unsigned reports = 0;

    g_assert_true(vfu_client_read32(gpu->client, 0, SVMGPU_REG_CAPS) &
                  SVMGPU_CAP_ACCESS_COUNTERS);
    test_gpu_start(gpu);
    context = test_gpu_context(gpu, 1, 1, 0);
    batch = test_batch_new(gpu, BATCH_VA);
    dma = test_gpu_alloc(gpu, 4096, 4096);
    vram = test_gpu_alloc_vram(gpu, 4096, 4096);
    test_gpu_map(gpu, 0x5000, dma, 4096, TEST_RW);
    test_gpu_map(gpu, 0x6000, SVMGPU_PADDR_VRAM(vram), 4096, TEST_RW);
    for (unsigned i = 0; i < 100; i++) {
        test_batch_store(&batch, 0x5000, i);
        test_batch_store(&batch, 0x6000, i);
    }
    test_batch_end(&batch);
    test_gpu_submit(gpu, context, batch.va, 0, 0);
    while (test_gpu_event(gpu, &event, 200)) {
        if (event.type == SVMGPU_EVENT_ACCESS_COUNTER &&
            event.seqno == dma) {
            g_assert_cmpuint(event.context, ==, TEST_ASID);
            reports++;
        } else if (event.type == SVMGPU_EVENT_ACCESS_COUNTER) {
            g_assert_cmphex(event.seqno, !=, SVMGPU_PADDR_VRAM(vram));
        }
    }
    g_assert_cmpuint(reports, ==, 1);
}

static int run_device(const char *arguments, char **message)
{
    g_autofree char *command = g_strdup_printf("timeout 10 %s %s",
                                               g_getenv("SVMGPU_DEVICE"),
                                               arguments);
    g_autoptr(GError) error = NULL;
    int status;

    g_assert_true(g_spawn_command_line_sync(command, NULL, message, &status,
                                            &error));
    return status;
}

static void test_command_line(void)
{
    static const char *const bad[] = {
        "", "--bogus", "--gpu", "--gpu nonsense", "--gpu id=a",
        "--gpu socket=/nowhere/at/all", "--gpu socket=x,vram=1M",
        "--gpu socket=x,vram=100T", "--gpu socket=x,vram=65M",
        "--gpu socket=x,vram=256Q", "--gpu socket=x,engines=abc0",
        "--gpu socket=x,engines=bcs0+bcs0", "--gpu socket=x,engines=",
        "--gpu socket=x,visible=3M", "--gpu socket=x,visible=1G",
        "--gpu socket=x,colour=red", "--gpu socket=x,trace=5",
        "--gpu socket=/tmp/x --watch-pid 999999999", "stray words",
        "--ctl-client /nowhere status", "--ctl-client /nowhere",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *message = NULL;

        g_assert_cmpint(run_device(bad[i], &message), !=, 0);
        /* one clear line */
        g_assert_true(g_str_has_prefix(message, "svmgpu-device: "));
        g_assert_true(strchr(message, '\n') == message + strlen(message) - 1);
    }
}

/* The process that it watches ends: so does the device, cleanly. */
static void test_watch_pid(void)
{
    g_autofree char *dir = g_dir_make_tmp("svmgpu-test-XXXXXX", NULL);
    g_autofree char *socket = g_build_filename(dir, "s", NULL);
    g_autofree char *gpu = g_strdup_printf("socket=%s", socket);
    char *sleeper[] = { (char *)"sleep", (char *)"1", NULL };
    g_autofree char *pid_text = NULL;
    g_autofree char *message = NULL;
    g_autofree char *arguments = NULL;
    GPid pid;

    g_assert_true(g_spawn_async(NULL, sleeper, NULL,
                                G_SPAWN_SEARCH_PATH |
                                G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                                NULL));
    arguments = g_strdup_printf("--gpu %s --watch-pid %d", gpu, pid);
    g_assert_cmpint(run_device(arguments, &message), ==, 0);
    g_assert_cmpstr(message, ==, "");
    g_assert_false(g_file_test(socket, G_FILE_TEST_EXISTS));
    g_spawn_close_pid(pid);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpu/control/commands", test_commands);
    g_test_add_func("/gpu/control/interrupts", test_interrupts);
    g_test_add_func("/gpu/control/late-answer", test_late_answer);
    g_test_add_func("/gpu/control/poison", test_poison);
    g_test_add_func("/gpu/control/unplug", test_unplug);
    g_test_add_func("/gpu/control/access-counter", test_access_counter);
    g_test_add_func("/gpu/command-line/refused", test_command_line);
    g_test_add_func("/gpu/command-line/watch-pid", test_watch_pid);
    return g_test_run();
}

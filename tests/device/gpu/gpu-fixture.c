/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of GPUs under test, and a very small driver for each. */

#include "gpu-fixture.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_US 200
#define FIRST_DMA 0x10000

/* --- the process ----------------------------------------------------------*/

static void wait_ready(int fd)
{
    char byte;

    g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    close(fd);
}

TestMachine *test_machine_new(unsigned gpus, const char *options)
{
    TestMachine *machine = g_new0(TestMachine, 1);
    g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    int ready[2], ready_target;

    g_assert_true(g_unix_open_pipe(ready, FD_CLOEXEC, NULL));
    ready_target = 3;
    machine->dir = g_dir_make_tmp("svmgpu-test-XXXXXX", &error);
    g_assert_no_error(error);
    machine->ctl = g_build_filename(machine->dir, "ctl", NULL);
    machine->n = gpus;
    g_ptr_array_add(args, g_strdup(g_getenv("SVMGPU_DEVICE")));
    for (unsigned i = 0; i < gpus; i++) {
        machine->gpu[i].index = i;
        g_ptr_array_add(args, g_strdup("--gpu"));
        g_ptr_array_add(args,
                        g_strdup_printf("socket=%s/gpu%u,vram=64M%s%s",
                                        machine->dir, i, options ? "," : "",
                                        options ? options : ""));
    }
    g_ptr_array_add(args, g_strdup("--ctl"));
    g_ptr_array_add(args, g_strdup(machine->ctl));
    g_ptr_array_add(args, g_strdup("--log"));
    g_ptr_array_add(args, g_build_filename(machine->dir, "log.db", NULL));
    g_ptr_array_add(args, g_strdup("--watch-pid"));
    g_ptr_array_add(args, g_strdup_printf("%d", getpid()));
    g_ptr_array_add(args, g_strdup("--ready-fd"));
    g_ptr_array_add(args, g_strdup_printf("%d", ready_target));
    g_ptr_array_add(args, NULL);
    g_spawn_async_with_pipes_and_fds(NULL, (const char *const *)args->pdata,
                                     NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                     NULL, -1, STDERR_FILENO, STDERR_FILENO,
                                     &ready[1], &ready_target, 1,
                                     &machine->pid, NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    close(ready[1]);
    wait_ready(ready[0]);
    for (unsigned i = 0; i < gpus; i++) {
        test_gpu_connect(machine, i);
    }
    return machine;
}

void test_machine_free(TestMachine *machine)
{
    int status = 0;

    for (unsigned i = 0; i < machine->n; i++) {
        test_gpu_disconnect(&machine->gpu[i]);
    }
    g_assert_cmpint(kill(machine->pid, SIGTERM), ==, 0);
    g_assert_cmpint(waitpid(machine->pid, &status, 0), ==, machine->pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    g_spawn_close_pid(machine->pid);
    for (unsigned i = 0; i < machine->n; i++) {
        g_autofree char *socket = g_strdup_printf("%s/gpu%u", machine->dir,
                                                  i);

        g_assert_false(g_file_test(socket, G_FILE_TEST_EXISTS));
    }
    g_assert_false(g_file_test(machine->ctl, G_FILE_TEST_EXISTS));
    for (unsigned i = 0; i < 3; i++) {
        static const char *const suffix[] = { "", "-wal", "-shm" };
        g_autofree char *log = g_strdup_printf("%s/log.db%s", machine->dir,
                                               suffix[i]);

        g_unlink(log);
    }
    g_assert_cmpint(g_rmdir(machine->dir), ==, 0);
    g_free(machine->dir);
    g_free(machine->ctl);
    g_free(machine);
}

static char *control_line(TestMachine *machine, const char *command)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *line = NULL;
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    g_autoptr(GPtrArray) args = g_ptr_array_new();

    g_ptr_array_add(args, (char *)g_getenv("SVMGPU_DEVICE"));
    g_ptr_array_add(args, (char *)"--ctl-client");
    g_ptr_array_add(args, machine->ctl);
    for (char **word = words; *word; word++) {
        g_ptr_array_add(args, *word);
    }
    g_ptr_array_add(args, NULL);
    g_assert_true(g_spawn_sync(NULL, (char **)args->pdata, NULL,
                               G_SPAWN_DEFAULT, NULL, NULL, &line, NULL,
                               NULL, &error));
    return g_strdup(g_strchomp(line));
}

char *test_control(TestMachine *machine, const char *format, ...)
{
    g_autofree char *command = NULL;
    va_list arguments;

    va_start(arguments, format);
    command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return control_line(machine, command);
}

void test_control_ok(TestMachine *machine, const char *format, ...)
{
    g_autofree char *command = NULL;
    g_autofree char *answer = NULL;
    va_list arguments;

    va_start(arguments, format);
    command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    answer = control_line(machine, command);
    g_assert_cmpstr(answer, ==, "ok");
}

uint64_t test_counter(TestMachine *machine, unsigned index, const char *name)
{
    g_autofree char *status = control_line(machine, "status");
    g_autofree char *key = g_strdup_printf("\"%s\":", name);
    g_autofree char *gpu_key = g_strdup_printf("{\"index\":%u,", index);
    char *at = strstr(status, gpu_key);

    g_assert_nonnull(at);
    at = strstr(at, key);
    g_assert_nonnull(at);
    return g_ascii_strtoull(at + strlen(key), NULL, 10);
}

/* --- life -----------------------------------------------------------------*/

void test_gpu_connect(TestMachine *machine, unsigned index)
{
    TestGpu *gpu = &machine->gpu[index];
    g_autofree char *path = g_strdup_printf("%s/gpu%u", machine->dir, index);
    g_autoptr(GError) error = NULL;

    memset(gpu, 0, sizeof(*gpu));
    gpu->index = index;
    gpu->client = vfu_client_new(path, &error);
    g_assert_no_error(error);
    gpu->ram = vfu_client_add_ram(gpu->client, 0, TEST_RAM_BYTES);
    gpu->ram_used = FIRST_DMA;
    gpu->vram = vfu_client_map_bar(gpu->client, SVMGPU_BAR_VRAM, 0,
                                   vfu_client_get_bar_size(gpu->client,
                                                           SVMGPU_BAR_VRAM));
    vfu_client_enable(gpu->client);
    gpu->fault_log2 = 6;
    gpu->event_log2 = 6;
}

void test_gpu_disconnect(TestGpu *gpu)
{
    g_clear_pointer(&gpu->client, vfu_client_free);
}

static void make_ring(TestGpu *gpu, TestRing *ring, uint32_t log2,
                      uint32_t entry_bytes)
{
    ring->log2 = log2;
    ring->entry_bytes = entry_bytes;
    ring->dma = test_gpu_alloc(gpu, SVMGPU_RING_ENTRIES_OFFSET +
                               ((uint64_t)entry_bytes << log2), 4096);
    ring->header = test_gpu_at(gpu, ring->dma);
    ring->entries = (uint8_t *)ring->header + SVMGPU_RING_ENTRIES_OFFSET;
}

static void enable_ring(TestGpu *gpu, unsigned id, uint32_t log2,
                        uint32_t entry_bytes)
{
    TestRing *ring = &gpu->rings[id];

    make_ring(gpu, ring, log2, entry_bytes);
    vfu_client_write64(gpu->client, 0, SVMGPU_REG_RING_BASE_LO(id),
                       ring->dma);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_RING_LOG2(id), log2);
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_RING_ENABLE(id), 1);
    g_assert_cmpuint(vfu_client_read32(gpu->client, 0,
                                       SVMGPU_REG_RING_ENABLE(id)), ==, 1);
}

void test_gpu_start(TestGpu *gpu)
{
    enable_ring(gpu, SVMGPU_RING_COMMAND, 6, sizeof(struct svmgpu_command));
    enable_ring(gpu, SVMGPU_RING_MIGRATION, 6,
                sizeof(struct svmgpu_migration));
    enable_ring(gpu, SVMGPU_RING_FAULT, gpu->fault_log2,
                sizeof(struct svmgpu_fault));
    enable_ring(gpu, SVMGPU_RING_EVENT, gpu->event_log2,
                sizeof(struct svmgpu_event));
    vfu_client_write32(gpu->client, 0, SVMGPU_REG_CONTROL,
                       SVMGPU_CONTROL_ENABLE);
    gpu->root = SVMGPU_PADDR_SYSTEM(test_gpu_alloc(gpu, 4096, 4096));
    test_gpu_command(gpu, SVMGPU_CMD_AS_SET, TEST_ASID, gpu->root, 0, 0, 0);
}

/* --- memory ---------------------------------------------------------------*/

uint64_t test_gpu_alloc(TestGpu *gpu, uint64_t bytes, uint64_t align)
{
    uint64_t at = (gpu->ram_used + align - 1) & ~(align - 1);

    g_assert_cmpuint(at + bytes, <=, TEST_RAM_BYTES);
    gpu->ram_used = at + bytes;
    return at;
}

void *test_gpu_at(TestGpu *gpu, uint64_t dma)
{
    g_assert_cmpuint(dma, <, TEST_RAM_BYTES);
    return gpu->ram + dma;
}

uint64_t test_gpu_alloc_vram(TestGpu *gpu, uint64_t bytes, uint64_t align)
{
    uint64_t at = (gpu->vram_used + align - 1) & ~(align - 1);

    g_assert_cmpuint(at + bytes, <=, TEST_VRAM_BYTES);
    gpu->vram_used = at + bytes;
    return at;
}

void *test_gpu_paddr(TestGpu *gpu, uint64_t paddr)
{
    if (SVMGPU_PADDR_APERTURE(paddr) == SVMGPU_APERTURE_VRAM) {
        return gpu->vram + SVMGPU_PADDR_OFFSET(paddr);
    }
    return test_gpu_at(gpu, SVMGPU_PADDR_OFFSET(paddr));
}

/* --- page tables ----------------------------------------------------------*/

uint64_t *test_gpu_pte(TestGpu *gpu, uint64_t va, unsigned level)
{
    uint64_t *table = test_gpu_paddr(gpu, gpu->root);

    va &= (1ull << SVMGPU_VA_BITS) - 1;
    for (unsigned l = SVMGPU_PT_ROOT_LEVEL; l > level; l--) {
        uint64_t *entry = &table[SVMGPU_PT_INDEX(va, l)];

        if (!(*entry & SVMGPU_PTE_VALID)) {
            /* every other level in VRAM, so that both are walked */
            uint64_t paddr = l & 1 ?
                SVMGPU_PADDR_SYSTEM(test_gpu_alloc(gpu, 4096, 4096)) :
                SVMGPU_PADDR_VRAM(test_gpu_alloc_vram(gpu, 4096, 4096));

            memset(test_gpu_paddr(gpu, paddr), 0, 4096);
            *entry = paddr | SVMGPU_PTE_VALID;
        }
        g_assert_false(*entry & SVMGPU_PTE_LEAF);
        table = test_gpu_paddr(gpu, *entry & SVMGPU_PTE_PADDR_MASK);
    }
    return &table[SVMGPU_PT_INDEX(va, level)];
}

void test_gpu_map_leaf(TestGpu *gpu, uint64_t va, unsigned level,
                       uint64_t paddr, uint64_t flags)
{
    __atomic_store_n(test_gpu_pte(gpu, va, level),
                     paddr | flags | SVMGPU_PTE_LEAF, __ATOMIC_RELEASE);
}

void test_gpu_map(TestGpu *gpu, uint64_t va, uint64_t paddr, uint64_t bytes,
                  uint64_t flags)
{
    for (uint64_t at = 0; at < bytes; at += 4096) {
        test_gpu_map_leaf(gpu, va + at, 0, paddr + at, flags);
    }
}

void test_gpu_unmap(TestGpu *gpu, uint64_t va, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 4096) {
        __atomic_store_n(test_gpu_pte(gpu, va + at, 0), 0, __ATOMIC_SEQ_CST);
    }
}

/* --- rings ----------------------------------------------------------------*/

static bool take_flag(uint32_t *flag)
{
    uint32_t expected = 1;

    return __atomic_compare_exchange_n(flag, &expected, 0, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static uint32_t ring_put(TestGpu *gpu, TestRing *ring, const void *entry,
                         uint64_t doorbell, uint32_t value)
{
    uint32_t at = ring->header->producer;
    int64_t end = g_get_monotonic_time() + TEST_TIMEOUT_MS * 1000;

    while (at - __atomic_load_n(&ring->header->consumer, __ATOMIC_ACQUIRE) ==
           1u << ring->log2) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(POLL_US);
    }
    memcpy(ring->entries + (at & ((1u << ring->log2) - 1)) *
           ring->entry_bytes, entry, ring->entry_bytes);
    __atomic_store_n(&ring->header->producer, at + 1, __ATOMIC_SEQ_CST);
    if (take_flag(&ring->header->consumer_asleep)) {
        vfu_client_write32(gpu->client, 0, doorbell, value);
    }
    return at + 1;
}

static void ring_wait(TestRing *ring, uint32_t index)
{
    int64_t end = g_get_monotonic_time() + TEST_TIMEOUT_MS * 1000;

    while ((int32_t)(__atomic_load_n(&ring->header->completed,
                                     __ATOMIC_ACQUIRE) - index) < 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(POLL_US);
    }
}

/* The consumer's sleep protocol, with the interrupt as the alarm clock. */
static bool ring_get(TestGpu *gpu, TestRing *ring, unsigned vector,
                     uint64_t doorbell, void *entry, unsigned timeout_ms)
{
    int64_t end = g_get_monotonic_time() + timeout_ms * 1000ll;
    uint32_t at = ring->header->consumer;

    while (__atomic_load_n(&ring->header->producer, __ATOMIC_ACQUIRE) == at) {
        int64_t left = end - g_get_monotonic_time();

        __atomic_store_n(&ring->header->consumer_asleep, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&ring->header->producer, __ATOMIC_SEQ_CST) !=
            at) {
            break;
        }
        if (left <= 0) {
            return false;
        }
        vfu_client_wait_irq(gpu->client, vector, left / 1000 + 1);
    }
    memcpy(entry, ring->entries + (at & ((1u << ring->log2) - 1)) *
           ring->entry_bytes, ring->entry_bytes);
    __atomic_store_n(&ring->header->consumer, at + 1, __ATOMIC_SEQ_CST);
    if (take_flag(&ring->header->producer_asleep)) {
        vfu_client_write32(gpu->client, 0, doorbell, 0);
    }
    return true;
}

/* --- commands -------------------------------------------------------------*/

uint32_t test_gpu_post(TestGpu *gpu, unsigned op, uint32_t id, uint64_t a0,
                       uint64_t a1, uint64_t a2, uint64_t a3)
{
    struct svmgpu_command command = {
        .op = op,
        .id = id,
        .arg = { a0, a1, a2, a3 },
    };

    return ring_put(gpu, &gpu->rings[SVMGPU_RING_COMMAND], &command,
                    SVMGPU_REG_DOORBELL_COMMAND, 1);
}

void test_gpu_wait_command(TestGpu *gpu, uint32_t index)
{
    ring_wait(&gpu->rings[SVMGPU_RING_COMMAND], index);
}

bool test_gpu_command_refused(TestGpu *gpu, unsigned op, uint32_t id,
                              uint64_t a0, uint64_t a1, uint64_t a2,
                              uint64_t a3)
{
    uint32_t before = vfu_client_read32(gpu->client, 0,
                                        SVMGPU_REG_ERROR_COUNT);

    test_gpu_wait_command(gpu, test_gpu_post(gpu, op, id, a0, a1, a2, a3));
    return vfu_client_read32(gpu->client, 0, SVMGPU_REG_ERROR_COUNT) !=
           before;
}

void test_gpu_command(TestGpu *gpu, unsigned op, uint32_t id, uint64_t a0,
                      uint64_t a1, uint64_t a2, uint64_t a3)
{
    g_assert_false(test_gpu_command_refused(gpu, op, id, a0, a1, a2, a3));
}

void test_gpu_flush(TestGpu *gpu, uint64_t first, uint64_t end)
{
    test_gpu_command(gpu, SVMGPU_CMD_TLB_FLUSH, TEST_ASID, first, end, 0, 0);
}

/* --- contexts and jobs ----------------------------------------------------*/

TestContext *test_gpu_context_full(TestGpu *gpu, uint32_t id,
                                   uint32_t engines, uint32_t flags,
                                   uint32_t priority, uint32_t timeslice_us,
                                   uint32_t preempt_timeout_us)
{
    TestContext *context = &gpu->contexts[id];
    uint64_t status_dma;

    g_assert_cmpuint(id, <, TEST_MAX_CONTEXTS);
    memset(context, 0, sizeof(*context));
    context->id = id;
    make_ring(gpu, &context->ring, 6, sizeof(struct svmgpu_job));
    context->descriptor_dma = test_gpu_alloc(gpu, 64, 64);
    context->descriptor = test_gpu_at(gpu, context->descriptor_dma);
    status_dma = test_gpu_alloc(gpu, 64, 64);
    context->status = test_gpu_at(gpu, status_dma);
    *context->descriptor = (struct svmgpu_context) {
        .asid = TEST_ASID,
        .engines = engines,
        .flags = flags,
        .priority = priority,
        .timeslice_us = timeslice_us,
        .preempt_timeout_us = preempt_timeout_us,
        .ring_log2 = context->ring.log2,
        .ring = context->ring.dma,
        .status = status_dma,
    };
    test_gpu_command(gpu, SVMGPU_CMD_CTX_CREATE, id, context->descriptor_dma,
                     0, 0, 0);
    return context;
}

TestContext *test_gpu_context(TestGpu *gpu, uint32_t id, uint32_t engines,
                              uint32_t flags)
{
    return test_gpu_context_full(gpu, id, engines, flags, 1, 1000, 0);
}

uint64_t test_gpu_submit(TestGpu *gpu, TestContext *context,
                         uint64_t batch_va, uint64_t fence_va,
                         uint64_t fence_value)
{
    struct svmgpu_job job = {
        .seqno = ++context->next_seqno,
        .batch_va = batch_va,
        .user_fence_va = fence_va,
        .user_fence_value = fence_value,
        .flags = SVMGPU_JOB_F_IRQ | (batch_va ? SVMGPU_JOB_F_BATCH : 0) |
                 (fence_va ? SVMGPU_JOB_F_USER_FENCE : 0),
    };

    ring_put(gpu, &context->ring, &job, SVMGPU_REG_DOORBELL_CONTEXT,
             context->id);
    return job.seqno;
}

bool test_gpu_wait_for(TestGpu *gpu, TestContext *context, uint64_t seqno,
                       unsigned timeout_ms)
{
    int64_t end = g_get_monotonic_time() + timeout_ms * 1000ll;

    while (__atomic_load_n(&context->status->completed, __ATOMIC_ACQUIRE) <
           seqno) {
        struct svmgpu_event event;
        int64_t left = end - g_get_monotonic_time();

        if (left <= 0) {
            return false;
        }
        test_gpu_event(gpu, &event, MIN(left / 1000 + 1, 20));
    }
    return true;
}

void test_gpu_wait(TestGpu *gpu, TestContext *context, uint64_t seqno)
{
    g_assert_true(test_gpu_wait_for(gpu, context, seqno, TEST_TIMEOUT_MS));
}

bool test_wait_word(const uint32_t *word, uint32_t value, bool equal,
                    unsigned timeout_ms)
{
    int64_t end = g_get_monotonic_time() + timeout_ms * 1000ll;

    while ((__atomic_load_n(word, __ATOMIC_ACQUIRE) == value) != equal) {
        if (g_get_monotonic_time() > end) {
            return false;
        }
        g_usleep(POLL_US);
    }
    return true;
}

bool test_wait_state(TestContext *context, uint32_t state,
                     unsigned timeout_ms)
{
    return test_wait_word(&context->status->state, state, true, timeout_ms);
}

/* --- events and faults ----------------------------------------------------*/

bool test_gpu_event(TestGpu *gpu, struct svmgpu_event *event,
                    unsigned timeout_ms)
{
    return ring_get(gpu, &gpu->rings[SVMGPU_RING_EVENT], SVMGPU_VECTOR_EVENT,
                    SVMGPU_REG_DOORBELL_EVENT, event, timeout_ms);
}

bool test_gpu_fault(TestGpu *gpu, struct svmgpu_fault *fault,
                    unsigned timeout_ms)
{
    return ring_get(gpu, &gpu->rings[SVMGPU_RING_FAULT], SVMGPU_VECTOR_FAULT,
                    SVMGPU_REG_DOORBELL_FAULT, fault, timeout_ms);
}

void test_gpu_answer(TestGpu *gpu, const struct svmgpu_fault *fault,
                     enum svmgpu_answer answer)
{
    test_gpu_command(gpu, SVMGPU_CMD_FAULT_ANSWER, fault->context,
                     fault->fault_id, answer, 0, 0);
}

/* --- migration ------------------------------------------------------------*/

uint32_t test_gpu_migrate(TestGpu *gpu, const struct svmgpu_migration *d)
{
    return ring_put(gpu, &gpu->rings[SVMGPU_RING_MIGRATION], d,
                    SVMGPU_REG_DOORBELL_MIGRATION, 1);
}

struct svmgpu_mig_result test_gpu_migrate_wait(TestGpu *gpu,
                                               struct svmgpu_migration d)
{
    uint64_t dma = test_gpu_alloc(gpu, sizeof(struct svmgpu_mig_result), 8);
    struct svmgpu_mig_result *result = test_gpu_at(gpu, dma);

    result->error = 0xffff;
    d.result = dma;
    ring_wait(&gpu->rings[SVMGPU_RING_MIGRATION], test_gpu_migrate(gpu, &d));
    g_assert_cmpuint(result->error, !=, 0xffff);
    return *result;
}

/* --- batches --------------------------------------------------------------*/

TestBatch test_batch_new(TestGpu *gpu, uint64_t va)
{
    uint64_t dma = test_gpu_alloc(gpu, 4096, 4096);

    test_gpu_map(gpu, va, SVMGPU_PADDR_SYSTEM(dma), 4096, SVMGPU_PTE_VALID);
    return (TestBatch) { .va = va, .dw = test_gpu_at(gpu, dma) };
}

void test_batch_add(TestBatch *batch, unsigned n, ...)
{
    va_list dwords;

    g_assert_cmpuint(batch->n + n, <=, 1024);
    va_start(dwords, n);
    for (unsigned i = 0; i < n; i++) {
        batch->dw[batch->n++] = va_arg(dwords, uint32_t);
    }
    va_end(dwords);
}

uint64_t test_batch_here(const TestBatch *batch)
{
    return batch->va + 4 * batch->n;
}

void test_batch_store(TestBatch *batch, uint64_t va, uint32_t value)
{
    test_batch_add(batch, 4, MI_SDI, LO(va), HI(va), value);
}

void test_batch_end(TestBatch *batch)
{
    test_batch_add(batch, 1, MI_BBE);
}

void test_batch_spin(TestBatch *batch, uint64_t start, uint64_t end)
{
    uint64_t loop;

    test_batch_store(batch, start, 0xc0ffee);
    loop = test_batch_here(batch);
    test_batch_add(batch, 1, 0x02800000u); /* MI_ARB_CHECK */
    /* goes on while *end > 0 */
    test_batch_add(batch, 4, 0x1b200002u, 0u, LO(end), HI(end));
    test_batch_add(batch, 3, 0x18800101u, LO(loop), HI(loop));
    test_batch_end(batch);
}

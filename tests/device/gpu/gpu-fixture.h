/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of GPUs under test, and a very small driver for each.
 *
 * The fixture starts an svmgpu-device process with one or more GPUs of 64 MiB
 * and connects to each as a virtual machine would. A TestGpu owns "guest RAM"
 * (a memfd at address 0) and speaks the hardware interface as a driver does:
 * it makes rings, page tables and contexts, submits jobs, serves faults and
 * events when the test asks for them. What fails unexpectedly ends the test.
 *
 * Guest RAM is handed out by test_gpu_alloc() and never taken back. Page
 * tables may lie in RAM or in VRAM.
 */

#ifndef GPU_FIXTURE_H
#define GPU_FIXTURE_H

#include "vfu-client.h"

#include "qemu-hw/abi/svmgpu_pte.h"
#include "qemu-hw/abi/svmgpu_regs.h"
#include "qemu-hw/abi/svmgpu_ring.h"

#define TEST_RAM_BYTES (64u << 20)
#define TEST_VRAM_BYTES (64u << 20)
#define TEST_ASID 1
#define TEST_TIMEOUT_MS 5000
#define TEST_MAX_CONTEXTS 32

typedef struct TestRing {
    struct svmgpu_ring_header *header;
    uint8_t *entries;
    uint64_t dma;
    uint32_t log2;
    uint32_t entry_bytes;
} TestRing;

typedef struct TestContext {
    uint32_t id;
    TestRing ring;
    struct svmgpu_context *descriptor;
    struct svmgpu_context_status *status;
    uint64_t descriptor_dma;
    uint64_t next_seqno;
} TestContext;

typedef struct TestGpu {
    VfuClient *client;
    unsigned index;
    uint8_t *ram;
    uint64_t ram_used;
    uint8_t *vram;
    uint64_t vram_used;
    TestRing rings[SVMGPU_RINGS];
    TestContext contexts[TEST_MAX_CONTEXTS];
    uint64_t root; /* paddr of the page table of TEST_ASID */
    unsigned fault_log2;
    unsigned event_log2;
} TestGpu;

typedef struct TestMachine {
    char *dir;
    char *ctl;
    GPid pid;
    unsigned n;
    TestGpu gpu[2];
} TestMachine;

/* `options` (may be NULL) is appended to each --gpu. */
TestMachine *test_machine_new(unsigned gpus, const char *options);
/* Ends the process by SIGTERM; its exit status must be 0. */
void test_machine_free(TestMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestMachine, test_machine_free)

/* One control command; the answer's line, g_free() it. */
char *test_control(TestMachine *machine, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
void test_control_ok(TestMachine *machine, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
/* A number of the status answer of GPU `index`. */
uint64_t test_counter(TestMachine *machine, unsigned index,
                      const char *name);

/* --- life -----------------------------------------------------------------*/

void test_gpu_connect(TestMachine *machine, unsigned index);
void test_gpu_disconnect(TestGpu *gpu);
/* Rings, enable, an empty address space. */
void test_gpu_start(TestGpu *gpu);

/* --- memory ---------------------------------------------------------------*/

/* Zeroed guest RAM; returns the DMA address. */
uint64_t test_gpu_alloc(TestGpu *gpu, uint64_t bytes, uint64_t align);
void *test_gpu_at(TestGpu *gpu, uint64_t dma);
/* VRAM; returns the offset. */
uint64_t test_gpu_alloc_vram(TestGpu *gpu, uint64_t bytes, uint64_t align);
void *test_gpu_paddr(TestGpu *gpu, uint64_t paddr);

/* --- page tables ----------------------------------------------------------*/

#define TEST_RW (SVMGPU_PTE_VALID | SVMGPU_PTE_WRITE | SVMGPU_PTE_ATOMIC)

/* The entry of `va` at `level`; missing tables above it are made. */
uint64_t *test_gpu_pte(TestGpu *gpu, uint64_t va, unsigned level);
/* Maps 4 KiB pages. No flush. */
void test_gpu_map(TestGpu *gpu, uint64_t va, uint64_t paddr, uint64_t bytes,
                  uint64_t flags);
/* The same with one leaf at `level`. */
void test_gpu_map_leaf(TestGpu *gpu, uint64_t va, unsigned level,
                       uint64_t paddr, uint64_t flags);
void test_gpu_unmap(TestGpu *gpu, uint64_t va, uint64_t bytes);

/* --- commands -------------------------------------------------------------*/

/* Puts one command without waiting; returns the ring index after it. */
uint32_t test_gpu_post(TestGpu *gpu, unsigned op, uint32_t id, uint64_t a0,
                       uint64_t a1, uint64_t a2, uint64_t a3);
void test_gpu_wait_command(TestGpu *gpu, uint32_t index);
/* ... and waits until it has retired. */
void test_gpu_command(TestGpu *gpu, unsigned op, uint32_t id, uint64_t a0,
                      uint64_t a1, uint64_t a2, uint64_t a3);
void test_gpu_flush(TestGpu *gpu, uint64_t first, uint64_t end);
/* Whether the command counted as a guest error. */
bool test_gpu_command_refused(TestGpu *gpu, unsigned op, uint32_t id,
                              uint64_t a0, uint64_t a1, uint64_t a2,
                              uint64_t a3);

/* --- contexts and jobs ----------------------------------------------------*/

TestContext *test_gpu_context(TestGpu *gpu, uint32_t id, uint32_t engines,
                              uint32_t flags);
TestContext *test_gpu_context_full(TestGpu *gpu, uint32_t id,
                                   uint32_t engines, uint32_t flags,
                                   uint32_t priority, uint32_t timeslice_us,
                                   uint32_t preempt_timeout_us);
/* Queues a job; returns its seqno. */
uint64_t test_gpu_submit(TestGpu *gpu, TestContext *context,
                         uint64_t batch_va, uint64_t fence_va,
                         uint64_t fence_value);
/* Sleeps for events until the seqno is reached; the test ends otherwise. */
void test_gpu_wait(TestGpu *gpu, TestContext *context, uint64_t seqno);
bool test_gpu_wait_for(TestGpu *gpu, TestContext *context, uint64_t seqno,
                       unsigned timeout_ms);
/* Waits until *word equals (or, with !equal, differs from) the value. */
bool test_wait_word(const uint32_t *word, uint32_t value, bool equal,
                    unsigned timeout_ms);
bool test_wait_state(TestContext *context, uint32_t state,
                     unsigned timeout_ms);

/* --- events and faults ----------------------------------------------------*/

bool test_gpu_event(TestGpu *gpu, struct svmgpu_event *event,
                    unsigned timeout_ms);
bool test_gpu_fault(TestGpu *gpu, struct svmgpu_fault *fault,
                    unsigned timeout_ms);
void test_gpu_answer(TestGpu *gpu, const struct svmgpu_fault *fault,
                     enum svmgpu_answer answer);

/* --- migration ------------------------------------------------------------*/

uint32_t test_gpu_migrate(TestGpu *gpu, const struct svmgpu_migration *d);
/* Runs it to the end and returns its result. */
struct svmgpu_mig_result test_gpu_migrate_wait(TestGpu *gpu,
                                               struct svmgpu_migration d);

/* --- batches --------------------------------------------------------------*/

/* A batch under construction at `va`, in memory the test can write. */
typedef struct TestBatch {
    uint64_t va;
    uint32_t *dw;
    unsigned n;
} TestBatch;

/* 4 KiB of RAM, mapped read-only at `va`. */
TestBatch test_batch_new(TestGpu *gpu, uint64_t va);
void test_batch_add(TestBatch *batch, unsigned n, ...);
uint64_t test_batch_here(const TestBatch *batch);

#define LO(v) ((uint32_t)(v))
#define HI(v) ((uint32_t)((uint64_t)(v) >> 32))

#define MI_BBE 0x05000000u
#define MI_SDI 0x10000002u
#define MI_ATOMIC_INC 0x17800501u

void test_batch_store(TestBatch *batch, uint64_t va, uint32_t value);
void test_batch_end(TestBatch *batch);
/* xe_spin's form: `start` gets 0xc0ffee, runs while *end is not 0. */
void test_batch_spin(TestBatch *batch, uint64_t start, uint64_t end);

#endif /* GPU_FIXTURE_H */

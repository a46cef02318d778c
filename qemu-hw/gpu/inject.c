/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fault injection: what the control socket makes go wrong. */

#include "inject.h"

#include <string.h>

#include "gpu-priv.h"
#include "log.h"
#include "worker.h"

#define DELAY_MAX_MS 10000
#define DELAY_SLICE_US 10000

struct GpuInjection {
    Gpu *gpu;
    int drop_irq[SVMGPU_VECTORS];      /* atomic counts */
    int late_irq[SVMGPU_VECTORS];
    int late_irq_ms[SVMGPU_VECTORS];
    int fail_copies;
    int late_answers;
    int late_answer_ms;

    GpuWorker *late; /* sends late interrupts */
    int late_pending; /* atomic mask of vectors */
};

/* Uses one of `counter` up; false when none is left. */
static bool spend(int *counter)
{
    int left = g_atomic_int_get(counter);

    while (left > 0) {
        if (g_atomic_int_compare_and_exchange(counter, left, left - 1)) {
            return true;
        }
        left = g_atomic_int_get(counter);
    }
    return false;
}

static void late_work(void *opaque)
{
    GpuInjection *injection = opaque;
    guint pending;

    while ((pending = g_atomic_int_and((guint *)&injection->late_pending,
                                       0))) {
        int delay_ms = 0;

        for (unsigned v = 0; v < SVMGPU_VECTORS; v++) {
            if (pending & 1u << v) {
                delay_ms = MAX(delay_ms,
                               g_atomic_int_get(&injection->late_irq_ms[v]));
            }
        }
        for (int i = 0; i < delay_ms * 1000 / DELAY_SLICE_US + 1; i++) {
            if (gpu_worker_should_stop(injection->late)) {
                break;
            }
            g_usleep(MIN(DELAY_SLICE_US, delay_ms * 1000));
        }
        for (unsigned v = 0; v < SVMGPU_VECTORS; v++) {
            if (pending & 1u << v) {
                vfu_irq_trigger(injection->gpu->vfu, v);
            }
        }
    }
}

GpuInjection *gpu_injection_new(Gpu *gpu)
{
    GpuInjection *injection = g_new0(GpuInjection, 1);
    char name[16];

    injection->gpu = gpu;
    g_snprintf(name, sizeof(name), "%u-late", gpu->index);
    injection->late = gpu_worker_new(name, late_work, injection);
    return injection;
}

void gpu_injection_free(GpuInjection *injection)
{
    gpu_worker_free(injection->late);
    g_free(injection);
}

void gpu_inject_drop_irq(Gpu *gpu, unsigned vector, unsigned count)
{
    g_atomic_int_set(&gpu->injection->drop_irq[vector], count);
}

void gpu_inject_late_irq(Gpu *gpu, unsigned vector, unsigned count,
                         unsigned delay_ms)
{
    g_atomic_int_set(&gpu->injection->late_irq_ms[vector],
                     MIN(delay_ms, DELAY_MAX_MS));
    g_atomic_int_set(&gpu->injection->late_irq[vector], count);
}

void gpu_inject_copy_failures(Gpu *gpu, unsigned count)
{
    g_atomic_int_set(&gpu->injection->fail_copies, count);
}

void gpu_inject_late_answers(Gpu *gpu, unsigned count, unsigned delay_ms)
{
    g_atomic_int_set(&gpu->injection->late_answer_ms,
                     MIN(delay_ms, DELAY_MAX_MS));
    g_atomic_int_set(&gpu->injection->late_answers, count);
}

void gpu_inject_clear(Gpu *gpu)
{
    GpuInjection *injection = gpu->injection;

    for (unsigned v = 0; v < SVMGPU_VECTORS; v++) {
        g_atomic_int_set(&injection->drop_irq[v], 0);
        g_atomic_int_set(&injection->late_irq[v], 0);
    }
    g_atomic_int_set(&injection->fail_copies, 0);
    g_atomic_int_set(&injection->late_answers, 0);
}

bool gpu_inject_irq(Gpu *gpu, unsigned vector)
{
    GpuInjection *injection = gpu->injection;

    if (spend(&injection->drop_irq[vector])) {
        gpu_count(&gpu->counters.interrupts_dropped);
        gpu_log_injected(gpu, "interrupt lost");
        return true;
    }
    if (spend(&injection->late_irq[vector])) {
        gpu_log_injected(gpu, "interrupt delayed");
        g_atomic_int_or((guint *)&injection->late_pending, 1u << vector);
        gpu_worker_kick(injection->late);
        return true;
    }
    return false;
}

enum svmgpu_error gpu_inject_fail_copy(Gpu *gpu)
{
    if (spend(&gpu->injection->fail_copies)) {
        gpu_log_injected(gpu, "copy failed");
        return SVMGPU_ERROR_BAD_ADDRESS;
    }
    return SVMGPU_OK;
}

void gpu_inject_late_answer(Gpu *gpu)
{
    int delay_ms;

    if (!spend(&gpu->injection->late_answers)) {
        return;
    }
    delay_ms = g_atomic_int_get(&gpu->injection->late_answer_ms);
    gpu_log_injected(gpu, "fault answer delayed");
    for (int ms = 0; ms < delay_ms && !g_atomic_int_get(&gpu->resetting);
         ms++) {
        g_usleep(1000);
    }
}

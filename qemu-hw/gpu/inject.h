/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault injection: what the control socket makes go wrong.
 *
 * Each injection is armed by gpu_inject_command() and spent where it strikes;
 * arming and striking are both logged. With nothing armed the hooks cost one
 * relaxed load.
 */

#ifndef GPU_INJECT_H
#define GPU_INJECT_H

#include "gpu.h"

typedef struct GpuInjection GpuInjection;

GpuInjection *gpu_injection_new(Gpu *gpu);
void gpu_injection_free(GpuInjection *injection);

/* The next `count` interrupts of `vector` are lost, or come late. */
void gpu_inject_drop_irq(Gpu *gpu, unsigned vector, unsigned count);
void gpu_inject_late_irq(Gpu *gpu, unsigned vector, unsigned count,
                         unsigned delay_ms);
/* The next `count` copies or fills fail at their first entry. */
void gpu_inject_copy_failures(Gpu *gpu, unsigned count);
/* The next `count` fault answers take effect late; all commands wait. */
void gpu_inject_late_answers(Gpu *gpu, unsigned count, unsigned delay_ms);
void gpu_inject_clear(Gpu *gpu);

/* --- hooks ----------------------------------------------------------------*/

/* True: the interrupt has been taken care of. */
bool gpu_inject_irq(Gpu *gpu, unsigned vector);
enum svmgpu_error gpu_inject_fail_copy(Gpu *gpu);
void gpu_inject_late_answer(Gpu *gpu);

#endif /* GPU_INJECT_H */

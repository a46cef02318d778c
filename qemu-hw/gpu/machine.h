/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to whole GPUs from outside: links, poison, removal.
 *
 * For the control socket; each call takes effect at once, tells the driver
 * by an event where the hardware interface has one, and goes to the log.
 */

#ifndef GPU_MACHINE_H
#define GPU_MACHINE_H

#include "gpu.h"

/* False: no such link. */
bool gpu_machine_set_link(GpuMachine *machine, unsigned a, unsigned b,
                          bool up);
/* False: no such page. */
bool gpu_poison_page(Gpu *gpu, uint64_t page, bool poisoned);
/* Every register reads as all ones, nothing is done any more ... */
void gpu_unplug(Gpu *gpu);
/* ... until it is plugged in again, as after power-on. */
void gpu_plug(Gpu *gpu);

#endif /* GPU_MACHINE_H */

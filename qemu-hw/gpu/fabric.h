/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fabric: links between the GPUs of one process.
 *
 * Concepts
 *   Every pair of GPUs has a link, up or down. Through a link that is up a
 *   GPU reaches all of its peer's VRAM (aperture PEER). A link goes down in
 *   both directions at once; accesses that have begun finish first as far as
 *   the access itself, later ones fail with SVMGPU_ERROR_LINK.
 *
 *   The optional cost model gives links and the host connection (PCIe) a
 *   bandwidth and a latency. The price of an access is a debt of the thread
 *   that made it; it sleeps when the debt is worth a sleep, and with no lock
 *   held. With the model off, nothing is slower than memory.
 */

#ifndef GPU_FABRIC_H
#define GPU_FABRIC_H

#include "gpu.h"

typedef struct GpuFabric GpuFabric;

typedef enum GpuPath {
    GPU_PATH_PCIE, /* guest RAM */
    GPU_PATH_LINK, /* a peer's VRAM */
    GPU_PATHS,
} GpuPath;

GpuFabric *gpu_fabric_new(unsigned gpus);
void gpu_fabric_free(GpuFabric *fabric);

uint32_t gpu_fabric_id(GpuFabric *fabric);
/* Bit n: a link from `gpu` to GPU n exists, or is up. */
uint32_t gpu_fabric_peers(GpuFabric *fabric, unsigned gpu);
uint32_t gpu_fabric_up(GpuFabric *fabric, unsigned gpu);
bool gpu_fabric_is_up(GpuFabric *fabric, unsigned from, unsigned to);
/* Returns whether anything changed. */
bool gpu_fabric_set_link(GpuFabric *fabric, unsigned a, unsigned b, bool up);

/* 0 bytes per second: no limit. */
void gpu_fabric_set_cost(GpuFabric *fabric, GpuPath path,
                         uint64_t bytes_per_s, uint64_t latency_ns);
/* Adds to the calling thread's debt. */
void gpu_fabric_charge(GpuFabric *fabric, GpuPath path, uint64_t bytes);
/* Sleeps the debt off if it is long enough; call without locks. */
void gpu_fabric_settle(void);

#endif /* GPU_FABRIC_H */

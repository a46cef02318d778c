/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GPUs of one device process.
 *
 * A GpuMachine is a set of GPUs joined by a fabric; it lives as long as the
 * process. A Gpu is one PCI function: it is described by a GpuConfig, served
 * over its own socket, and made of the blocks that the other headers of this
 * folder declare. This is the part that main.c and the control socket see.
 */

#ifndef GPU_H
#define GPU_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "qemu-hw/abi/svmgpu_regs.h"
#include "qemu-hw/eventlog/eventlog.h"

typedef struct Gpu Gpu;
typedef struct GpuMachine GpuMachine;

typedef struct GpuEngineConfig {
    uint8_t class; /* enum svmgpu_engine_class */
    uint8_t instance;
} GpuEngineConfig;

typedef struct GpuConfig {
    char *id;
    char *socket;
    uint64_t vram_bytes;    /* multiple of 2 MiB, 64 MiB to 16 GiB */
    uint64_t visible_bytes; /* power of two, at most the above rounded up */
    uint64_t trace_bytes;   /* trace area of BAR 4 */
    GpuEngineConfig engines[SVMGPU_MAX_ENGINES];
    unsigned n_engines;
    unsigned hot_threshold; /* accesses until a remote page is hot; 0: off */
    bool check_tlb;         /* compare every TLB hit with the page table */
} GpuConfig;

/* Parses "socket=PATH,id=NAME,vram=SIZE,..." of --gpu. */
bool gpu_config_parse(GpuConfig *config, const char *text, GError **error);
void gpu_config_clear(GpuConfig *config);

/* "bcs0" and the like, into a buffer of at least 8 bytes. */
void gpu_engine_name(const GpuEngineConfig *engine, char *name, size_t size);

/*
 * Makes all GPUs; they are not served yet. `configs` and `log` (NULL: none)
 * must outlive the machine.
 */
GpuMachine *gpu_machine_new(const GpuConfig *configs, unsigned n,
                            Eventlog *log, GError **error);
bool gpu_machine_listen(GpuMachine *machine, GError **error);
void gpu_machine_free(GpuMachine *machine);

unsigned gpu_machine_count(GpuMachine *machine);
Gpu *gpu_machine_get(GpuMachine *machine, unsigned index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GpuMachine, gpu_machine_free)

#endif /* GPU_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The migration engine: the kernel's own copy engine.
 *
 * Concepts
 *   One worker takes descriptors from its ring, in order, each to its end:
 *   copies and fills between guest RAM, VRAM and peers, page-table writes,
 *   TLB flushes. All addresses are physical; it uses no translation, so it
 *   never faults and never waits for a context. A descriptor that fails
 *   stops at its failing list entry and says so; the ring goes on.
 */

#ifndef GPU_MIGRATION_H
#define GPU_MIGRATION_H

#include "gpu.h"

typedef struct GpuMigration GpuMigration;

GpuMigration *gpu_migration_new(Gpu *gpu);
void gpu_migration_free(GpuMigration *migration);

/* As the command processor's. */
enum svmgpu_error gpu_migration_enable(GpuMigration *migration, uint64_t base,
                                       uint32_t log2);
void gpu_migration_disable(GpuMigration *migration);
void gpu_migration_pause(GpuMigration *migration);
void gpu_migration_resume(GpuMigration *migration);
void gpu_migration_kick(GpuMigration *migration);

#endif /* GPU_MIGRATION_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MMU: from a GPU virtual address to memory, one access at a time.
 *
 * Concepts
 *   - An address space (asid) is a page-table root in memory.
 *   - A port is one user of translations: an engine, or the replay unit of
 *     the fault block. It has a TLB of its own and an access lock. The lock
 *     is held from the look-up of a translation until the access through it
 *     has retired. So a flush, which takes the lock of each port in turn to
 *     remove its entries, has drained every access through them when it
 *     returns: read-modify-writes and accesses to peers included (S4).
 *   - The TLB is really a cache: an entry stays until it is flushed or
 *     evicted, whatever the page table says by then. Only a permission that
 *     the cached entry lacks makes the port look at memory again.
 *   - An access (GpuAccess) belongs to a context. It is cut at page ends and
 *     remembers how far it came: after a fault it goes on from there.
 */

#ifndef GPU_MMU_H
#define GPU_MMU_H

#include "gpu.h"
#include "memory.h"
#include "qemu-hw/abi/svmgpu_ring.h"

typedef struct GpuMmu GpuMmu;
typedef struct GpuPort GpuPort;

/* Read-modify-write operations, as MI_ATOMIC numbers them. */
typedef enum GpuAtomicOp {
    GPU_ATOMIC_AND = 0x1,
    GPU_ATOMIC_OR = 0x2,
    GPU_ATOMIC_XOR = 0x3,
    GPU_ATOMIC_MOVE = 0x4,
    GPU_ATOMIC_INC = 0x5,
    GPU_ATOMIC_DEC = 0x6,
    GPU_ATOMIC_ADD = 0x7,
    GPU_ATOMIC_SUB = 0x8,
    GPU_ATOMIC_RSUB = 0x9,
    GPU_ATOMIC_IMAX = 0xa,
    GPU_ATOMIC_IMIN = 0xb,
    GPU_ATOMIC_UMAX = 0xc,
    GPU_ATOMIC_UMIN = 0xd,
    GPU_ATOMIC_CMPWR = 0xe, /* operand 2 if equal to operand 1 */
    GPU_ATOMIC_PREDEC = 0xf, /* decrement, returns the new value */
} GpuAtomicOp;

typedef struct GpuAccess {
    uint8_t kind; /* enum svmgpu_access */
    bool active;  /* belongs to the context's current step */
    GpuAtomicOp atomic_op;
    uint32_t len;
    uint32_t done;
    uint64_t va;
    void *data; /* source or target, in the context; ATOMIC: old value */
    uint64_t operand[2];
} GpuAccess;

typedef struct GpuFaultInfo {
    uint64_t addr;
    uint8_t access; /* enum svmgpu_access */
    uint8_t reason; /* enum svmgpu_fault_reason */
    uint8_t level;
    uint8_t error; /* enum svmgpu_error when a BAD_PADDR has a finer reason */
} GpuFaultInfo;

/*
 * A leaf entry that the driver put into its fault answer: it stands for the
 * page of `va` when the page table says not present by now.
 */
typedef struct GpuPinnedLeaf {
    uint64_t va;
    uint64_t pte; /* 0: none */
    unsigned level;
} GpuPinnedLeaf;

typedef struct GpuPortStats {
    uint64_t hits;
    uint64_t misses;
    uint64_t stale_hits; /* found by the checking mode */
} GpuPortStats;

GpuMmu *gpu_mmu_new(Gpu *gpu);
void gpu_mmu_free(GpuMmu *mmu);
/* Forgets all address spaces and translations. */
void gpu_mmu_reset(GpuMmu *mmu);
void gpu_mmu_set_check(GpuMmu *mmu, bool check);

/* Ports are made before the first access and live as long as the MMU. */
GpuPort *gpu_mmu_add_port(GpuMmu *mmu, unsigned engine);
void gpu_mmu_get_stats(GpuMmu *mmu, GpuPortStats *stats);

enum svmgpu_error gpu_mmu_set_as(GpuMmu *mmu, uint32_t asid, uint64_t root,
                                 uint64_t flags);
enum svmgpu_error gpu_mmu_clear_as(GpuMmu *mmu, uint32_t asid);

/*
 * Removes every translation of [first, end) and drains the accesses through
 * them. May wait for one access of each port.
 */
void gpu_mmu_flush(GpuMmu *mmu, uint32_t asid, uint64_t first, uint64_t end);

/*
 * Carries the access out, from where it stopped. False: it faulted, and
 * *fault says how. `pinned` may be NULL.
 */
bool gpu_mmu_access(GpuPort *port, uint32_t asid, GpuAccess *access,
                    const GpuPinnedLeaf *pinned, GpuFaultInfo *fault);

#endif /* GPU_MMU_H */

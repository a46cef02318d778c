/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMU: page-table walk, TLB, and accesses through them. */

#include "mmu.h"

#include <string.h>

#include "gpu-priv.h"
#include "log.h"

#define AS_PRESENT 1ull
#define AS_SCRATCH 2ull

/* A walk that loses the race for the A or D bit this often gives up. */
#define WALK_RETRIES 64

#define TLB_CLASSES 4
#define TLB_WAYS 4

static const unsigned tlb_shift[TLB_CLASSES] = { 12, 16, 21, 30 };
static const unsigned tlb_sets[TLB_CLASSES] = { 256, 64, 64, 16 };

typedef struct TlbEntry {
    uint64_t page;  /* va >> shift */
    uint64_t paddr; /* of the leaf's first byte; 0 for a null leaf */
    uint32_t asid;  /* 0: entry unused */
    uint32_t hits;
    bool write;
    bool atomic;
    bool null;
    bool dirty; /* D is set in memory: writes need no walk */
} TlbEntry;

struct GpuPort {
    GpuMmu *mmu;
    unsigned engine;

    /*
     * `access` protects the TLB and makes look-up and access one. Flushers
     * queue at `turnstile` first: a port whose lock is wanted waits there
     * too, so that a busy engine cannot starve a flush.
     */
    GMutex access;
    GMutex turnstile;
    int wanted;

    TlbEntry *tlb[TLB_CLASSES];
    unsigned used[TLB_CLASSES];
    unsigned victim;
    GpuPortStats stats;
};

struct GpuMmu {
    Gpu *gpu;
    uint64_t *as; /* root | AS_*; atomic */
    int check;    /* atomic */
    unsigned n_ports;
    GpuPort *ports[SVMGPU_MAX_ENGINES + 1];
};

typedef struct Leaf {
    TlbEntry entry;
    unsigned class;
    unsigned level;
} Leaf;

GpuMmu *gpu_mmu_new(Gpu *gpu)
{
    GpuMmu *mmu = g_new0(GpuMmu, 1);

    mmu->gpu = gpu;
    mmu->as = g_new0(uint64_t, SVMGPU_MAX_ASIDS);
    return mmu;
}

void gpu_mmu_free(GpuMmu *mmu)
{
    for (unsigned i = 0; i < mmu->n_ports; i++) {
        GpuPort *port = mmu->ports[i];

        for (unsigned class = 0; class < TLB_CLASSES; class++) {
            g_free(port->tlb[class]);
        }
        g_mutex_clear(&port->access);
        g_mutex_clear(&port->turnstile);
        g_free(port);
    }
    g_free(mmu->as);
    g_free(mmu);
}

GpuPort *gpu_mmu_add_port(GpuMmu *mmu, unsigned engine)
{
    GpuPort *port = g_new0(GpuPort, 1);

    g_assert(mmu->n_ports < G_N_ELEMENTS(mmu->ports));
    port->mmu = mmu;
    port->engine = engine;
    g_mutex_init(&port->access);
    g_mutex_init(&port->turnstile);
    for (unsigned class = 0; class < TLB_CLASSES; class++) {
        port->tlb[class] = g_new0(TlbEntry, tlb_sets[class] * TLB_WAYS);
    }
    mmu->ports[mmu->n_ports++] = port;
    return port;
}

void gpu_mmu_set_check(GpuMmu *mmu, bool check)
{
    g_atomic_int_set(&mmu->check, check);
}

void gpu_mmu_get_stats(GpuMmu *mmu, GpuPortStats *stats)
{
    memset(stats, 0, sizeof(*stats));
    for (unsigned i = 0; i < mmu->n_ports; i++) {
        GpuPort *port = mmu->ports[i];

        stats->hits += __atomic_load_n(&port->stats.hits, __ATOMIC_RELAXED);
        stats->misses += __atomic_load_n(&port->stats.misses,
                                         __ATOMIC_RELAXED);
        stats->stale_hits += __atomic_load_n(&port->stats.stale_hits,
                                             __ATOMIC_RELAXED);
    }
}

/* Statistics have one writer, the port's holder; readers may be anywhere. */
static void count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* --- the access lock ------------------------------------------------------*/

static void port_lock(GpuPort *port)
{
    if (g_atomic_int_get(&port->wanted)) {
        g_mutex_lock(&port->turnstile);
        g_mutex_unlock(&port->turnstile);
    }
    g_mutex_lock(&port->access);
}

static void port_unlock(GpuPort *port)
{
    g_mutex_unlock(&port->access);
}

static void port_lock_for_flush(GpuPort *port)
{
    g_atomic_int_inc(&port->wanted);
    g_mutex_lock(&port->turnstile);
    g_mutex_lock(&port->access);
    g_atomic_int_add(&port->wanted, -1);
    g_mutex_unlock(&port->turnstile);
}

/* --- the TLB --------------------------------------------------------------*/

static TlbEntry *tlb_set(GpuPort *port, unsigned class, uint32_t asid,
                         uint64_t page)
{
    uint64_t hash = (page ^ (uint64_t)asid * 0x9e37u) & (tlb_sets[class] - 1);

    return &port->tlb[class][hash * TLB_WAYS];
}

static TlbEntry *tlb_find(GpuPort *port, uint32_t asid, uint64_t va,
                          unsigned *class_out)
{
    for (unsigned class = 0; class < TLB_CLASSES; class++) {
        uint64_t page = va >> tlb_shift[class];
        TlbEntry *set;

        if (port->used[class] == 0) {
            continue;
        }
        set = tlb_set(port, class, asid, page);
        for (unsigned way = 0; way < TLB_WAYS; way++) {
            if (set[way].asid == asid && set[way].page == page) {
                *class_out = class;
                return &set[way];
            }
        }
    }
    return NULL;
}

static void tlb_drop(GpuPort *port, TlbEntry *entry, unsigned class)
{
    entry->asid = 0;
    port->used[class]--;
}

static TlbEntry *tlb_insert(GpuPort *port, const Leaf *leaf)
{
    TlbEntry *set = tlb_set(port, leaf->class, leaf->entry.asid,
                            leaf->entry.page);
    TlbEntry *slot = NULL;

    for (unsigned way = 0; way < TLB_WAYS; way++) {
        if (set[way].asid == 0) {
            slot = &set[way];
            break;
        }
    }
    if (!slot) {
        slot = &set[port->victim++ % TLB_WAYS];
        port->used[leaf->class]--;
    }
    *slot = leaf->entry;
    port->used[leaf->class]++;
    return slot;
}

static void port_flush_locked(GpuPort *port, uint32_t asid, uint64_t first,
                              uint64_t end)
{
    for (unsigned class = 0; class < TLB_CLASSES; class++) {
        unsigned slots = tlb_sets[class] * TLB_WAYS;

        for (unsigned i = 0; i < slots && port->used[class]; i++) {
            TlbEntry *entry = &port->tlb[class][i];
            uint64_t start = entry->page << tlb_shift[class];
            uint64_t last = start + (1ull << tlb_shift[class]) - 1;

            if (entry->asid && (asid == 0 || entry->asid == asid) &&
                start < end && last >= first) {
                tlb_drop(port, entry, class);
            }
        }
    }
}

void gpu_mmu_flush(GpuMmu *mmu, uint32_t asid, uint64_t first, uint64_t end)
{
    for (unsigned i = 0; i < mmu->n_ports; i++) {
        port_lock_for_flush(mmu->ports[i]);
        port_flush_locked(mmu->ports[i], asid, first, end);
        port_unlock(mmu->ports[i]);
    }
}

void gpu_mmu_reset(GpuMmu *mmu)
{
    for (unsigned i = 0; i < SVMGPU_MAX_ASIDS; i++) {
        __atomic_store_n(&mmu->as[i], 0, __ATOMIC_RELEASE);
    }
    gpu_mmu_flush(mmu, 0, 0, UINT64_MAX);
}

/* --- address spaces -------------------------------------------------------*/

enum svmgpu_error gpu_mmu_set_as(GpuMmu *mmu, uint32_t asid, uint64_t root,
                                 uint64_t flags)
{
    uint64_t value;

    if (asid == 0 || asid >= SVMGPU_MAX_ASIDS ||
        (root & ~SVMGPU_PTE_PADDR_MASK) || (flags & ~SVMGPU_AS_SCRATCH)) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    value = root | AS_PRESENT;
    if (flags & SVMGPU_AS_SCRATCH) {
        value |= AS_SCRATCH;
    }
    __atomic_store_n(&mmu->as[asid], value, __ATOMIC_RELEASE);
    gpu_mmu_flush(mmu, asid, 0, UINT64_MAX);
    return SVMGPU_OK;
}

enum svmgpu_error gpu_mmu_clear_as(GpuMmu *mmu, uint32_t asid)
{
    if (asid == 0 || asid >= SVMGPU_MAX_ASIDS) {
        return SVMGPU_ERROR_BAD_COMMAND;
    }
    __atomic_store_n(&mmu->as[asid], 0, __ATOMIC_RELEASE);
    gpu_mmu_flush(mmu, asid, 0, UINT64_MAX);
    return SVMGPU_OK;
}

/* --- the walk -------------------------------------------------------------*/

static bool wants_write(uint8_t kind)
{
    return kind == SVMGPU_ACCESS_WRITE || kind == SVMGPU_ACCESS_ATOMIC ||
           kind == SVMGPU_ACCESS_FENCE;
}

static bool fault_at(GpuFaultInfo *fault, enum svmgpu_fault_reason reason,
                     unsigned level, enum svmgpu_error error)
{
    fault->reason = reason;
    fault->level = level;
    fault->error = error;
    return false;
}

static bool leaf_permits(const TlbEntry *entry, uint8_t kind,
                         enum svmgpu_fault_reason *reason)
{
    if (wants_write(kind) && !entry->write) {
        *reason = SVMGPU_FAULT_READ_ONLY;
        return false;
    }
    if (kind == SVMGPU_ACCESS_ATOMIC && !entry->atomic) {
        *reason = SVMGPU_FAULT_NO_ATOMIC;
        return false;
    }
    return true;
}

/* Makes a TLB entry of a valid leaf entry found at `level`. */
static bool leaf_fill(Leaf *leaf, uint32_t asid, uint64_t va, uint64_t pte,
                      unsigned level)
{
    uint64_t paddr = pte & SVMGPU_PTE_PADDR_MASK;
    unsigned class = level == 0 ? 0 : level == 1 ? 2 : 3;

    if (level == 0 && (pte & SVMGPU_PTE_CONTIG64K)) {
        uint64_t block = paddr - (va & 0xf000);

        /* sixteen entries, each with the address of its own 4 KiB */
        if ((block & 0xffff) == 0 || (pte & SVMGPU_PTE_NULL)) {
            class = 1;
            paddr = block;
        }
    }
    if (pte & SVMGPU_PTE_NULL) {
        paddr = 0;
    } else if (paddr & ((1ull << tlb_shift[class]) - 1)) {
        return false;
    }
    leaf->class = class;
    leaf->level = level;
    leaf->entry = (TlbEntry) {
        .page = va >> tlb_shift[class],
        .paddr = paddr,
        .asid = asid,
        .write = pte & SVMGPU_PTE_WRITE,
        .atomic = pte & SVMGPU_PTE_ATOMIC,
        .null = pte & SVMGPU_PTE_NULL,
        .dirty = pte & SVMGPU_PTE_DIRTY,
    };
    return true;
}

/*
 * One walk. `mark`: set A, and D for a write, in the leaf. The entries are
 * read with single 64-bit loads; marking is a compare-and-exchange, so that
 * an entry that is zapped meanwhile stays zero, and the walk starts again.
 */
static bool mmu_walk(GpuMmu *mmu, uint32_t asid, uint64_t va, uint8_t kind,
                     bool mark, Leaf *leaf, GpuFaultInfo *fault)
{
    uint64_t as = asid < SVMGPU_MAX_ASIDS ?
        __atomic_load_n(&mmu->as[asid], __ATOMIC_ACQUIRE) : 0;
    uint64_t scratch_pte = SVMGPU_PTE_NULL | SVMGPU_PTE_WRITE |
                           SVMGPU_PTE_ATOMIC | SVMGPU_PTE_DIRTY;

    if (!(as & AS_PRESENT)) {
        return fault_at(fault, SVMGPU_FAULT_NOT_PRESENT, SVMGPU_PT_ROOT_LEVEL,
                        SVMGPU_ERROR_FAULT);
    }
    for (unsigned retry = 0; retry < WALK_RETRIES; retry++) {
        uint64_t table = as & SVMGPU_PTE_PADDR_MASK;
        bool again = false;

        for (int level = SVMGPU_PT_ROOT_LEVEL; !again; level--) {
            uint64_t at = table + SVMGPU_PT_INDEX(va, level) * 8;
            enum svmgpu_fault_reason reason;
            enum svmgpu_error error;
            uint64_t pte, marked;

            error = gpu_memory_load64(mmu->gpu, at, &pte);
            if (error != SVMGPU_OK) {
                return fault_at(fault, SVMGPU_FAULT_BAD_PADDR, level, error);
            }
            if (!(pte & SVMGPU_PTE_VALID)) {
                if (as & AS_SCRATCH) {
                    leaf_fill(leaf, asid, va, scratch_pte, 0);
                    leaf->entry.asid = 0; /* never cached */
                    return true;
                }
                return fault_at(fault, SVMGPU_FAULT_NOT_PRESENT, level,
                                SVMGPU_ERROR_FAULT);
            }
            if (level > 0 && !(pte & (SVMGPU_PTE_LEAF | SVMGPU_PTE_NULL))) {
                table = pte & SVMGPU_PTE_PADDR_MASK;
                continue;
            }
            if (level == SVMGPU_PT_ROOT_LEVEL ||
                !leaf_fill(leaf, asid, va, pte, level)) {
                return fault_at(fault, SVMGPU_FAULT_BAD_PADDR, level,
                                SVMGPU_ERROR_BAD_ADDRESS);
            }
            if (!leaf_permits(&leaf->entry, kind, &reason)) {
                return fault_at(fault, reason, level, SVMGPU_ERROR_FAULT);
            }
            marked = pte | SVMGPU_PTE_ACCESSED;
            if (wants_write(kind)) {
                marked |= SVMGPU_PTE_DIRTY;
            }
            if (mark && marked != pte) {
                bool swapped;

                error = gpu_memory_cas64(mmu->gpu, at, pte, marked, &swapped);
                if (error != SVMGPU_OK) {
                    return fault_at(fault, SVMGPU_FAULT_BAD_PADDR, level,
                                    error);
                }
                again = !swapped;
                leaf->entry.dirty = marked & SVMGPU_PTE_DIRTY;
            }
            if (!again) {
                return true;
            }
        }
    }
    return fault_at(fault, SVMGPU_FAULT_NOT_PRESENT, 0, SVMGPU_ERROR_FAULT);
}

/* Compares a hit with the page table; reports a difference once per entry. */
static void check_hit(GpuPort *port, TlbEntry *entry, unsigned class,
                      uint64_t va)
{
    GpuFaultInfo fault;
    Leaf now;
    bool same;

    same = mmu_walk(port->mmu, entry->asid, va, SVMGPU_ACCESS_READ, false,
                    &now, &fault) &&
           now.entry.asid == entry->asid && now.entry.null == entry->null &&
           (entry->null ||
            now.entry.paddr + (va & ((1ull << tlb_shift[now.class]) - 1)) ==
            entry->paddr + (va & ((1ull << tlb_shift[class]) - 1))) &&
           (now.entry.write || !entry->write) &&
           (now.entry.atomic || !entry->atomic);
    if (!same) {
        count(&port->stats.stale_hits);
        gpu_log_stale_hit(port->mmu->gpu, port->engine, entry->asid, va,
                          entry->paddr);
    }
}

/* Under the port's lock: the translation of `va`, from the TLB or memory. */
static bool port_translate(GpuPort *port, uint32_t asid, uint64_t va,
                           uint8_t kind, const GpuPinnedLeaf *pinned,
                           TlbEntry *result, uint64_t *paddr,
                           GpuFaultInfo *fault)
{
    enum svmgpu_fault_reason reason;
    TlbEntry *entry;
    unsigned class;
    Leaf leaf;

    entry = tlb_find(port, asid, va, &class);
    if (entry) {
        if (leaf_permits(entry, kind, &reason) &&
            (entry->dirty || !wants_write(kind))) {
            count(&port->stats.hits);
            if (g_atomic_int_get(&port->mmu->check)) {
                check_hit(port, entry, class, va);
            }
            entry->hits++;
            *result = *entry;
            *paddr = entry->paddr + (va & ((1ull << tlb_shift[class]) - 1));
            return true;
        }
        tlb_drop(port, entry, class);
    }
    count(&port->stats.misses);
    if (!mmu_walk(port->mmu, asid, va, kind, true, &leaf, fault)) {
        /*
         * The driver committed this entry, answered, and somebody zapped it
         * before the answer was read. The flush that makes the zap final
         * comes later in the ring, so the entry still holds for one access.
         */
        if (!pinned || !(pinned->pte & SVMGPU_PTE_VALID) ||
            fault->reason != SVMGPU_FAULT_NOT_PRESENT ||
            (va ^ pinned->va) >> SVMGPU_PT_SHIFT(pinned->level) ||
            !leaf_fill(&leaf, asid, va, pinned->pte, pinned->level) ||
            !leaf_permits(&leaf.entry, kind, &reason)) {
            return false;
        }
        leaf.entry.asid = 0;
    }
    if (leaf.entry.asid) {
        tlb_insert(port, &leaf);
    }
    *result = leaf.entry;
    *paddr = leaf.entry.paddr +
             (va & ((1ull << tlb_shift[leaf.class]) - 1));
    return true;
}

/* --- accesses -------------------------------------------------------------*/

#define ATOMIC_OPERATIONS(NAME, TYPE, STYPE)                                 \
static TYPE NAME##_new(GpuAtomicOp op, TYPE old, TYPE a, TYPE b)             \
{                                                                            \
    switch (op) {                                                            \
    case GPU_ATOMIC_AND:                                                     \
        return old & a;                                                      \
    case GPU_ATOMIC_OR:                                                      \
        return old | a;                                                      \
    case GPU_ATOMIC_XOR:                                                     \
        return old ^ a;                                                      \
    case GPU_ATOMIC_MOVE:                                                    \
        return a;                                                            \
    case GPU_ATOMIC_INC:                                                     \
        return old + 1;                                                      \
    case GPU_ATOMIC_DEC:                                                     \
    case GPU_ATOMIC_PREDEC:                                                  \
        return old - 1;                                                      \
    case GPU_ATOMIC_ADD:                                                     \
        return old + a;                                                      \
    case GPU_ATOMIC_SUB:                                                     \
        return old - a;                                                      \
    case GPU_ATOMIC_RSUB:                                                    \
        return a - old;                                                      \
    case GPU_ATOMIC_IMAX:                                                    \
        return (STYPE)old > (STYPE)a ? old : a;                              \
    case GPU_ATOMIC_IMIN:                                                    \
        return (STYPE)old < (STYPE)a ? old : a;                              \
    case GPU_ATOMIC_UMAX:                                                    \
        return MAX(old, a);                                                  \
    case GPU_ATOMIC_UMIN:                                                    \
        return MIN(old, a);                                                  \
    case GPU_ATOMIC_CMPWR:                                                   \
        return old == a ? b : old;                                           \
    }                                                                        \
    return old;                                                              \
}                                                                            \
                                                                             \
static uint64_t NAME(TYPE *target, GpuAtomicOp op, TYPE a, TYPE b)           \
{                                                                            \
    TYPE old = __atomic_load_n(target, __ATOMIC_RELAXED);                    \
    TYPE value;                                                              \
                                                                             \
    do {                                                                     \
        value = NAME##_new(op, old, a, b);                                   \
    } while (!__atomic_compare_exchange_n(target, &old, value, true,         \
                                          __ATOMIC_SEQ_CST,                  \
                                          __ATOMIC_RELAXED));                \
    return op == GPU_ATOMIC_PREDEC ? value : old;                            \
}

ATOMIC_OPERATIONS(atomic32, uint32_t, int32_t)
ATOMIC_OPERATIONS(atomic64, uint64_t, int64_t)

static enum svmgpu_error access_memory(Gpu *gpu, GpuAccess *access,
                                       uint64_t paddr, size_t len)
{
    uint8_t *data = (uint8_t *)access->data + access->done;
    enum svmgpu_error error;
    uint64_t old;
    GpuSpan span;

    switch (access->kind) {
    case SVMGPU_ACCESS_READ:
    case SVMGPU_ACCESS_FETCH:
        return gpu_memory_read(gpu, paddr, data, len);
    case SVMGPU_ACCESS_ATOMIC:
        error = gpu_memory_begin(gpu, paddr, len, GPU_READ_WRITE, &span);
        if (error != SVMGPU_OK) {
            return error;
        }
        if (len == 8) {
            old = atomic64(span.host, access->atomic_op, access->operand[0],
                           access->operand[1]);
        } else {
            old = atomic32(span.host, access->atomic_op, access->operand[0],
                           access->operand[1]);
        }
        gpu_memory_end(&span);
        memcpy(data, &old, len);
        return SVMGPU_OK;
    default:
        return gpu_memory_write(gpu, paddr, data, len);
    }
}

/* Sixteen bits of one: canonical; zero: zero-extended 48 bits. */
static bool va_canonical(uint64_t va)
{
    return va >> SVMGPU_VA_BITS == 0 || (int64_t)va >> 47 == -1;
}

/* Null leaves and scratch: zeroes come out, and nothing goes in. */
static void access_nothing(GpuAccess *access, size_t len)
{
    if (!wants_write(access->kind) || access->kind == SVMGPU_ACCESS_ATOMIC) {
        memset((uint8_t *)access->data + access->done, 0, len);
    }
    access->done += len;
}

static bool as_has_scratch(GpuMmu *mmu, uint32_t asid)
{
    uint64_t as = __atomic_load_n(&mmu->as[asid], __ATOMIC_ACQUIRE);

    return (as & AS_PRESENT) && (as & AS_SCRATCH);
}

static bool access_piece(GpuPort *port, uint32_t asid, GpuAccess *access,
                         const GpuPinnedLeaf *pinned, GpuFaultInfo *fault)
{
    Gpu *gpu = port->mmu->gpu;
    uint64_t exact = access->va + access->done;
    uint64_t va = exact & ((1ull << SVMGPU_VA_BITS) - 1);
    size_t len = MIN(access->len - access->done, gpu_page_room(exact));
    enum svmgpu_error error = SVMGPU_OK;
    TlbEntry entry;
    uint64_t paddr;

    fault->addr = exact;
    fault->access = access->kind;
    if (!va_canonical(exact)) {
        if (!as_has_scratch(port->mmu, asid)) {
            return fault_at(fault, SVMGPU_FAULT_BAD_VA, SVMGPU_PT_ROOT_LEVEL,
                            SVMGPU_ERROR_FAULT);
        }
        access_nothing(access, len);
        return true;
    }
    port_lock(port);
    if (!port_translate(port, asid, va, access->kind, pinned, &entry, &paddr,
                        fault)) {
        port_unlock(port);
        return false;
    }
    if (entry.null) {
        access_nothing(access, len);
    } else {
        error = access_memory(gpu, access, paddr, len);
        access->done += error == SVMGPU_OK ? len : 0;
    }
    port_unlock(port);

    if (error != SVMGPU_OK) {
        return fault_at(fault, SVMGPU_FAULT_BAD_PADDR, 0, error);
    }
    if (gpu->config->hot_threshold &&
        entry.hits == gpu->config->hot_threshold &&
        SVMGPU_PADDR_APERTURE(paddr) != SVMGPU_APERTURE_VRAM) {
        gpu_access_counter_fired(gpu, asid, paddr & ~0xfffull, port->engine);
    }
    return true;
}

bool gpu_mmu_access(GpuPort *port, uint32_t asid, GpuAccess *access,
                    const GpuPinnedLeaf *pinned, GpuFaultInfo *fault)
{
    while (access->done < access->len) {
        if (!access_piece(port, asid, access, pinned, fault)) {
            return false;
        }
    }
    gpu_fabric_settle();
    return true;
}

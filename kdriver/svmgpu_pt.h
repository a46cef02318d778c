/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GPU page tables. Tables are system pages that the GPU reads by DMA; the CPU
 * keeps a mirror tree of them. An update goes through two steps:
 *
 *   stage   allocates every table the update will need and, for leaves that
 *           must be split, prepares the smaller table with the neighbours'
 *           entries. May sleep. VM resv held.
 *   commit  writes the entries, by the CPU at once or by a list for the copy
 *           engine. Allocates nothing. VM resv held, for userptr and SVM also
 *           the notifier lock in read mode (L9).
 *
 * Zapping clears leaf entries only and frees nothing, so notifiers and evictions
 * may do it (L10). Tables that an update replaced or emptied are detached by its
 * commit and freed after a TLB flush: at bind and rebind, never by a notifier.
 */
#ifndef SVMGPU_PT_H
#define SVMGPU_PT_H

#include <linux/list.h>
#include <linux/types.h>

#include "svmgpu_pte.h"

struct device;
struct svmgpu_migrate_list;
struct svmgpu_pt;
struct svmgpu_vm;

/* struct svmgpu_pt_source.next: no page at this offset */
#define SVMGPU_PT_HOLE	(~0ULL)

/**
 * struct svmgpu_pt_source - where the pages of a mapping are
 *
 * @next returns, for the page at @offset bytes into the mapping, the leaf value
 * without VALID, LEAF and permission bits (a physical address, SVMGPU_PTE_NULL, or
 * SVMGPU_PT_HOLE for "nothing here") and in @bytes how far it is contiguous from
 * there (for the last two: how long it stays so).
 */
struct svmgpu_pt_source {
	/**
	 * @next: called in ascending order of @offset, the same one several times;
	 * an @offset before the last one begins a new walk. Must not sleep or allocate.
	 */
	u64 (*next)(struct svmgpu_pt_source *source, u64 offset, u64 *bytes);
	/**
	 * @large: may be NULL. How many bytes from @offset on, at a multiple of 2 MiB,
	 * are in pieces of 2 MiB that each fit one leaf; 0 when that is not known.
	 * Spares the staging a look at every page. No order among calls; must not sleep
	 * or allocate.
	 */
	u64 (*large)(struct svmgpu_pt_source *source, u64 offset);
	/** @flags: SVMGPU_PTE_WRITE | SVMGPU_PTE_ATOMIC as permitted; @next may change it */
	u64 flags;
	/** @system_flags: the same for pages in system memory */
	u64 system_flags;
};

/** struct svmgpu_pt_root - the page tables of one VM */
struct svmgpu_pt_root {
	/** @dma: device that reads the tables; NULL in unit tests */
	struct device *dma;
	/** @root: level-3 table */
	struct svmgpu_pt *root;
	/** @deferred: detached tables, to free after a flush; VM resv */
	struct list_head deferred;
	/** @num_deferred: length of it */
	u32 num_deferred;
	/** @batch: number of the newest list commit: tables of the same one are still hidden */
	u64 batch;
};

/** struct svmgpu_pt_update - one staged change of [@start, @end) */
struct svmgpu_pt_update {
	/** @vm: the address space */
	struct svmgpu_vm *vm;
	/** @start: first byte */
	u64 start;
	/** @end: first byte behind */
	u64 end;
	/** @source: mapping, or NULL to unmap */
	struct svmgpu_pt_source *source;
	/** @staged: tables allocated for it */
	struct list_head staged;
	/** @detached: tables that the commit took out of the tree (list commits only) */
	struct list_head detached;
	/** @entries: at most that many runs of page-table entries will be written by a list */
	u64 entries;
	/** @tables: tables that will be touched, for limits */
	u64 tables;
	/**
	 * @first: the range on which the update depends and which depends on it:
	 * [@start, @end), extended to what hangs below entries that link new tables
	 */
	u64 first;
	/** @last: last byte of that range */
	u64 last;
	/** @needs_flush: valid entries were replaced or removed; valid after the commit */
	bool needs_flush;
};

int svmgpu_pt_init(struct svmgpu_vm *vm);
void svmgpu_pt_fini(struct svmgpu_vm *vm);
u64 svmgpu_pt_root_paddr(struct svmgpu_vm *vm);

/* @source may be NULL (unmap). Returns 0 or -ENOMEM; on error nothing stays staged. */
int svmgpu_pt_stage(struct svmgpu_vm *vm, u64 start, u64 end, struct svmgpu_pt_source *source,
		    struct svmgpu_pt_update *update);
void svmgpu_pt_abort(struct svmgpu_pt_update *update);
/*
 * Writes by CPU; no job that wrote [first, last] may be unfinished
 * (svmgpu_bind_wait()). The caller flushes [start, end) when @update->needs_flush.
 */
void svmgpu_pt_commit_cpu(struct svmgpu_pt_update *update);
/*
 * List for the copy engine with room for all of @updates; NULL on -ENOMEM. Before
 * the point of no return.
 */
struct svmgpu_migrate_list *svmgpu_pt_list_alloc(struct svmgpu_pt_update *updates, u32 count,
						 gfp_t gfp);
/*
 * Fills @list with the PTE writes, makes the new tables part of the mirror tree
 * and collects detached ones in @detached: free them when the list's fence signalled.
 */
void svmgpu_pt_commit_list(struct svmgpu_pt_update *updates, u32 count,
			   struct svmgpu_migrate_list *list, struct list_head *detached);
/* The device can no longer reach the tables. May sleep. */
void svmgpu_pt_free_list(struct device *dma, struct list_head *tables);
/*
 * Clears valid leaf entries that [start, end) touches; true when there were any.
 * No leaf reaches beyond the mapping that it was made for. Notifier lock held for
 * write (userptr, SVM), or for read with the VM lock for write, or the resv of the
 * object (eviction). Never sleeps, never allocates. The caller flushes.
 */
bool svmgpu_pt_zap(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM resv held, no lock inside it; flushes the address space itself when there is work. */
void svmgpu_pt_free_deferred(struct svmgpu_vm *vm);
/* VM closed, its fences idle: nothing is mapped afterwards. The caller flushes. */
void svmgpu_pt_clear(struct svmgpu_vm *vm);
/* The leaf that maps @addr, or 0; @level may be NULL. Only a hint without the locks of zap. */
u64 svmgpu_pt_lookup(struct svmgpu_vm *vm, u64 addr, unsigned int *level);

#endif

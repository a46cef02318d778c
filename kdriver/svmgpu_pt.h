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
 * may do it (L10). Tables that became empty are freed by svmgpu_pt_free_deferred()
 * after the VM's fences and a TLB flush.
 */
#ifndef SVMGPU_PT_H
#define SVMGPU_PT_H

#include <linux/list.h>
#include <linux/types.h>

#include "svmgpu_pte.h"

struct dma_fence;
struct svmgpu_device;
struct svmgpu_migrate_list;
struct svmgpu_pt;
struct svmgpu_vm;

/**
 * struct svmgpu_pt_source - where the pages of a mapping are
 *
 * @next returns, for the page at @offset bytes into the mapping, the leaf value
 * without VALID, LEAF and permission bits (a physical address, or
 * SVMGPU_PTE_NULL) and in @bytes how far it is contiguous from there.
 */
struct svmgpu_pt_source {
	/** @next: called in ascending order of @offset; must not sleep or allocate */
	u64 (*next)(struct svmgpu_pt_source *source, u64 offset, u64 *bytes);
	/** @flags: SVMGPU_PTE_WRITE | SVMGPU_PTE_ATOMIC as permitted */
	u64 flags;
	/** @system_flags: the same for pages in system memory */
	u64 system_flags;
};

/** struct svmgpu_pt_root - the page tables of one VM */
struct svmgpu_pt_root {
	/** @root: level-3 table */
	struct svmgpu_pt *root;
	/** @deferred: tables to free once the VM is idle and flushed; VM resv */
	struct list_head deferred;
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
	/** @entries: page-table entries that will be written, for limits */
	u64 entries;
	/** @needs_flush: valid entries are replaced or removed */
	bool needs_flush;
};

int svmgpu_pt_init(struct svmgpu_vm *vm);
void svmgpu_pt_fini(struct svmgpu_vm *vm);
u64 svmgpu_pt_root_paddr(struct svmgpu_vm *vm);

/* @source may be NULL (unmap). Returns 0 or -ENOMEM; on error nothing stays staged. */
int svmgpu_pt_stage(struct svmgpu_vm *vm, u64 start, u64 end, struct svmgpu_pt_source *source,
		    struct svmgpu_pt_update *update);
void svmgpu_pt_abort(struct svmgpu_pt_update *update);
/* Writes by CPU. The caller flushes [start, end) when @update->needs_flush. */
void svmgpu_pt_commit_cpu(struct svmgpu_pt_update *update);
/* List for the copy engine with room for @update; NULL on -ENOMEM. Before the point of no return. */
struct svmgpu_migrate_list *svmgpu_pt_list_alloc(struct svmgpu_pt_update *update, gfp_t gfp);
/* Fills @list with the PTE writes and makes the new tables part of the mirror tree. */
void svmgpu_pt_commit_list(struct svmgpu_pt_update *update, struct svmgpu_migrate_list *list);
/*
 * Clears valid leaf entries that lie wholly inside [start, end); true when there
 * were any. Notifier lock held for write (userptr, SVM), or the resv of the
 * object (eviction), or the VM resv. Never sleeps, never allocates. The caller flushes.
 */
bool svmgpu_pt_zap(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM resv held, VM fences idle, flushed. */
void svmgpu_pt_free_deferred(struct svmgpu_vm *vm);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared virtual memory of a VM: drm_gpusvm ranges over the owner process's
 * address space, their invalidation, collection and mapping. Every VM has the
 * drm_gpusvm for its notifier lock (userptrs); ranges exist in fault mode only.
 */
#ifndef SVMGPU_SVM_H
#define SVMGPU_SVM_H

#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap_util.h>

#include "svmgpu_lock.h"

struct svmgpu_device;
struct svmgpu_fault;
struct svmgpu_pagemap;
struct svmgpu_svm_mm;
struct svmgpu_vm;
struct svmgpu_vma;

/* drm_pagemap_addr.proto: what the address of a device page means to this driver */
#define SVMGPU_INTERCONNECT_VRAM	DRM_INTERCONNECT_DRIVER		/* own VRAM offset */
#define SVMGPU_INTERCONNECT_PEER	(DRM_INTERCONNECT_DRIVER + 1)	/* paddr in a peer's VRAM */

/** struct svmgpu_svm - SVM state of a VM */
struct svmgpu_svm {
	/** @gpusvm: ranges, notifiers and the notifier lock (rank 70) */
	struct drm_gpusvm gpusvm;
	/** @mm: state shared by all VMs of the process (migrate lock), fault mode only */
	struct svmgpu_svm_mm *mm;
	/** @peer: pagemap owner group of this VM */
	struct drm_pagemap_peer peer;
	/** @pagemap: this GPU's VRAM pagemap (referenced), fault mode only */
	struct drm_pagemap *pagemap;
	/** @gc_lock: protects @gc_list (rank 73) */
	struct svmgpu_spinlock gc_lock;
	/** @gc_list: ranges whose CPU mapping went away */
	struct list_head gc_list;
	/** @gc_work: collects them */
	struct work_struct gc_work;
};

/** struct svmgpu_svm_range - a range with what our page tables hold of it */
struct svmgpu_svm_range {
	/** @base: drm_gpusvm's part */
	struct drm_gpusvm_range base;
	/** @gc_link: svmgpu_svm.gc_list */
	struct list_head gc_link;
	/** @present: entries were written; notifier lock */
	bool present;
	/** @invalidated: and zapped since; notifier lock */
	bool invalidated;
	/** @writable: pages were mapped for writing; notifier lock */
	bool writable;
	/** @trace_id: name in the event log */
	u32 trace_id;
};

static inline struct svmgpu_svm_range *to_svm_range(struct drm_gpusvm_range *range)
{
	return container_of(range, struct svmgpu_svm_range, base);
}

/* VM creation and destruction, from svmgpu_vm.c */
int svmgpu_svm_init(struct svmgpu_vm *vm);
/* vm->closed set, VM lock not held: stops collection, releases pagemaps. */
void svmgpu_svm_close(struct svmgpu_vm *vm);
/* VM lock for write: ranges hold references on the VM, so this is part of its close. */
void svmgpu_svm_fini(struct svmgpu_vm *vm);

/* VM lock for write. True when a live DMA mapping of an SVM range intersects. */
bool svmgpu_svm_has_mapping(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM lock for write: removes ranges in [start, end) with their page-table entries. */
int svmgpu_svm_unmap_ranges(struct svmgpu_vm *vm, u64 start, u64 end);
/* VM lock for write: collects ranges whose CPU mapping is gone. -EAGAIN: gpu_vmas were split. */
int svmgpu_svm_collect(struct svmgpu_vm *vm);
/* VM lock for write: zap and flush what of [start, end) is mapped, so that accesses fault. */
void svmgpu_svm_zap(struct svmgpu_vm *vm, u64 start, u64 end);
/**
 * struct svmgpu_svm_try - one fault's progress over its attempts
 *
 * The VM lock is dropped between attempts, so what was learnt is kept here.
 */
struct svmgpu_svm_try {
	/** @fault_id: of the hardware, 0 for a prefetch */
	u32 fault_id;
	/** @attempts: rounds so far */
	u32 attempts;
	/** @collisions: rounds lost to an invalidation */
	u32 collisions;
	/** @migrations: failed migrations */
	u32 migrations;
	/** @tier: 0 optimistic, 1 smaller range, no migration, 2 the write side, 3 locked folio */
	u32 tier;
	/** @width: bound on the range's size in bytes */
	u64 width;
	/** @write: the access writes */
	bool write;
	/** @atomic: the access is atomic */
	bool atomic;
	/** @read_only: the CPU mapping forbids writing: map it so */
	bool read_only;
	/** @migrated: the range was moved for this fault */
	bool migrated;
	/** @faulted_in: the page itself was there, when HMM could not have it */
	bool faulted_in;
	/** @spurious: another fault had mapped it already */
	bool spurious;
	/** @addr: faulting address */
	u64 addr;
	/** @from: enum svmgpu_scan_state seen before the migration */
	u8 from;
	/** @start: when it was picked up */
	ktime_t start;
	/** @no_atomic: attributes forbid GPU atomics: map so that they fault */
	bool no_atomic;
	/** @fault: entry to answer at commit, or NULL (a prefetch) */
	const struct svmgpu_fault *fault;
	/** @answered: that was done */
	bool answered;
};

void svmgpu_svm_try_init(struct svmgpu_svm_try *try, u32 fault_id, bool write, bool atomic);

/*
 * One attempt to serve a fault. VM lock held for write, nothing else. 0: mapped;
 * -EAGAIN: drop the VM lock, look the gpu_vma up again and come back (S2); else
 * the access is not permitted (-EPERM, -EACCES), nothing is mapped there
 * (-EFAULT) or memory is short (-ENOMEM).
 */
int svmgpu_svm_fault(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 addr,
		     struct svmgpu_svm_try *try);
/*
 * Moves what the CPU has mapped in [start, end) to where @region says: 0 system
 * memory, 1 this GPU's VRAM, DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC the gpu_vma's
 * preference; then maps it. VM lock held for write. Best effort: pages that are
 * not there yet are no error.
 */
int svmgpu_svm_prefetch(struct svmgpu_vm *vm, struct svmgpu_vma *vma, u64 start, u64 end,
			u32 region);

/** struct svmgpu_svm_commit - how the pages of a range get into the page tables */
struct svmgpu_svm_commit {
	/** @writable: map for writing */
	bool writable;
	/** @no_wait: -EBUSY instead of waiting for page-table jobs */
	bool no_wait;
	/**
	 * @prepare: the last step before the notifier lock, or NULL. The VM's resv is
	 * held and page tables are staged. An error ends the commit with it.
	 */
	int (*prepare)(struct svmgpu_svm_commit *commit);
	/** @ready: are the pages there and still valid; notifier lock held for read */
	bool (*ready)(struct svmgpu_svm_commit *commit);
	/** @vm: the VM */
	struct svmgpu_vm *vm;
	/** @range: its range; the DMA address array exists */
	struct svmgpu_svm_range *range;
	/** @first: with -EBUSY: page-table jobs are unfinished from here */
	u64 first;
	/** @last: to this byte */
	u64 last;
};

int svmgpu_svm_commit(struct svmgpu_svm_commit *commit, struct svmgpu_svm_try *try);
/*
 * svmgpu_svm_exclusive.c: as one attempt, for a range of one page; -EOPNOTSUPP: not
 * for this kind of memory.
 */
int svmgpu_svm_commit_exclusive(struct svmgpu_vm *vm, struct svmgpu_svm_range *range,
				struct svmgpu_svm_try *try, const struct drm_gpusvm_ctx *ctx);

/* Page-table part of a range: VM lock for write; returns true when it was mapped. */
bool svmgpu_svm_range_unbind(struct svmgpu_vm *vm, struct svmgpu_svm_range *range);
/* Unbinds and removes. VM lock for write, no other lock (it may sleep for a notifier). */
void svmgpu_svm_range_remove(struct svmgpu_vm *vm, struct svmgpu_svm_range *range);

/* svmgpu_pagemap.c */
int svmgpu_pagemap_init(struct svmgpu_device *dev);
void svmgpu_pagemap_evict_all(struct svmgpu_device *dev);
/* This GPU's pagemap, made on first use, with a reference. May sleep. */
struct drm_pagemap *svmgpu_pagemap_get(struct svmgpu_device *dev);
struct svmgpu_device *svmgpu_pagemap_device(struct drm_pagemap *dpagemap);
int svmgpu_pagemap_acquire_owner(struct svmgpu_vm *vm);
/* -ENOLINK, -ENODEV, -EINVAL; takes a reference. */
struct drm_pagemap *svmgpu_pagemap_from_fd(struct svmgpu_vm *vm, int fd, u32 region_instance);
struct svmgpu_bo;
int svmgpu_pagemap_evict_bo(struct svmgpu_bo *bo);

/* svmgpu_madvise.c */
int svmgpu_madvise_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_query_mem_attrs_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* svmgpu_fault.c */
int svmgpu_fault_init(struct svmgpu_device *dev);
void svmgpu_fault_fini(struct svmgpu_device *dev);
void svmgpu_fault_hold(struct svmgpu_device *dev);
void svmgpu_fault_release(struct svmgpu_device *dev);
irqreturn_t svmgpu_fault_irq(int irq, void *arg);
/*
 * Answers @try's fault with the entry that was just committed, so that the access
 * retires even if it is zapped at once. Notifier lock held for read: the zap's flush
 * comes later in the ring. Does not sleep.
 */
void svmgpu_fault_answer_committed(struct svmgpu_vm *vm, struct svmgpu_svm_try *try);

#endif

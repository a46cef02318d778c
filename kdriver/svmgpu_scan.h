/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The scan: a cheap, advisory look at where the pages of an SVM range are, so
 * that a fault handler or prefetcher knows whether a costly migration is needed.
 * It walks the range in windows, never sleeps under the mmap lock, allocates
 * nothing, and stops as soon as the caller's decision cannot change any more.
 */
#ifndef SVMGPU_SCAN_H
#define SVMGPU_SCAN_H

#include <linux/types.h>

struct dev_pagemap;
struct drm_gpusvm_range;
struct svmgpu_vm;

/** enum svmgpu_scan_state - where the pages are; a pure function of the classes seen */
enum svmgpu_scan_state {
	/** @SVMGPU_SCAN_NONE: nothing looked at; never a result */
	SVMGPU_SCAN_NONE,
	/** @SVMGPU_SCAN_UNPOPULATED: a page is absent or cannot be accessed */
	SVMGPU_SCAN_UNPOPULATED,
	/** @SVMGPU_SCAN_EQUAL: all in the target pagemap */
	SVMGPU_SCAN_EQUAL,
	/** @SVMGPU_SCAN_OTHER: all in one other pagemap */
	SVMGPU_SCAN_OTHER,
	/** @SVMGPU_SCAN_SYSTEM: all in system memory */
	SVMGPU_SCAN_SYSTEM,
	/** @SVMGPU_SCAN_MIXED_DEVICE: all in device memory, of several pagemaps */
	SVMGPU_SCAN_MIXED_DEVICE,
	/** @SVMGPU_SCAN_MIXED: partly system, partly device memory */
	SVMGPU_SCAN_MIXED,
	/** @SVMGPU_SCAN_STATES: how many there are */
	SVMGPU_SCAN_STATES,
};

/** enum svmgpu_scan_class - what one page is; the scan collects a mask of them */
enum svmgpu_scan_class {
	/** @SVMGPU_SCAN_ABSENT: no page */
	SVMGPU_SCAN_ABSENT,
	/** @SVMGPU_SCAN_INACCESSIBLE: hmm_range_fault() says error */
	SVMGPU_SCAN_INACCESSIBLE,
	/** @SVMGPU_SCAN_HINT: resident behind a NUMA hint; counts as system */
	SVMGPU_SCAN_HINT,
	/** @SVMGPU_SCAN_IN_SYSTEM: system memory */
	SVMGPU_SCAN_IN_SYSTEM,
	/** @SVMGPU_SCAN_IN_TARGET: the target pagemap */
	SVMGPU_SCAN_IN_TARGET,
	/** @SVMGPU_SCAN_IN_OTHER: the first other pagemap met */
	SVMGPU_SCAN_IN_OTHER,
	/** @SVMGPU_SCAN_IN_FURTHER: any further pagemap */
	SVMGPU_SCAN_IN_FURTHER,
	/** @SVMGPU_SCAN_CLASSES: how many there are */
	SVMGPU_SCAN_CLASSES,
};

/** struct svmgpu_scan_request - what to look at and what for */
struct svmgpu_scan_request {
	/** @range: the range; the VM lock is held */
	struct drm_gpusvm_range *range;
	/** @owner: pagemap owner whose pages are seen as device pages */
	void *owner;
	/** @target: pagemap that "equal" means; NULL when system memory is the target */
	const struct dev_pagemap *target;
	/** @addr: the window with this address is looked at first */
	unsigned long addr;
	/** @fault_id: fault on whose behalf, 0 for a prefetch */
	u32 fault_id;
	/**
	 * @decide: the caller's decision for each state. The scan stops when all
	 * states that are still possible lead to one decision.
	 */
	u8 decide[SVMGPU_SCAN_STATES];
};

/** struct svmgpu_scan_result - what was seen; out of date as soon as it is returned */
struct svmgpu_scan_result {
	/** @state: of the pages looked at */
	enum svmgpu_scan_state state;
	/** @decision: @decide of the state */
	u8 decision;
	/** @seen: mask of enum svmgpu_scan_class */
	u8 seen;
	/** @exact: every page was looked at */
	bool exact;
	/** @pages: pages looked at */
	u32 pages;
	/** @windows: windows looked at */
	u32 windows;
	/** @collisions: windows repeated because of an invalidation */
	u32 collisions;
};

/*
 * 0, -EBUSY (too many collisions: decide without the scan), -EFAULT (the process
 * is exiting), or what hmm_range_fault() said. May sleep; no mmap, notifier or
 * reservation lock held by the caller.
 */
int svmgpu_scan(const struct svmgpu_scan_request *request, struct svmgpu_scan_result *result);

/* Pure parts, for tests and for merging windows. */
enum svmgpu_scan_state svmgpu_scan_state_of(u8 seen);
enum svmgpu_scan_state svmgpu_scan_step(enum svmgpu_scan_state state,
					enum svmgpu_scan_class class);
u8 svmgpu_scan_reachable(enum svmgpu_scan_state state);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The migration-state scan of an SVM range.
 */
#include <linux/hmm.h>
#include <linux/memremap.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>

#include <drm/drm_gpusvm.h>

#include "svmgpu_lock.h"
#include "svmgpu_scan.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_vm.h"

/**
 * DOC: Migration-state scan
 *
 * Each page of the range belongs to a class (&enum svmgpu_scan_class). The
 * state is a function of the *set* of classes seen, so windows may be merged in
 * any order. svmgpu_scan_step() is the same function as a transition table; a
 * test folds every short sequence through both.
 *
 * One window is one round of the collision-retry loop: begin a sequence with no
 * lock held (the only place where it sleeps), walk the CPU page tables once in
 * snapshot mode under the mmap lock, and classify under the notifier lock after
 * the sequence was found unchanged (S1, S3). The bound is a number of collisions,
 * not a time: a loaded machine changes nothing about the outcome, and a scan that
 * gives up is a decision ("do not migrate now"), never a failed fault.
 */

#define SCAN_WINDOW_PAGES	64
#define SCAN_MAX_COLLISIONS	8

#define SEEN(class)		BIT(SVMGPU_SCAN_##class)
#define STATE(state)		BIT(SVMGPU_SCAN_##state)

/**
 * svmgpu_scan_state_of() - the state that a set of classes means
 * @seen: mask of enum svmgpu_scan_class
 *
 * Return: the state; SVMGPU_SCAN_NONE for an empty set.
 */
enum svmgpu_scan_state svmgpu_scan_state_of(u8 seen)
{
	const bool system = seen & (SEEN(IN_SYSTEM) | SEEN(HINT));
	const bool target = seen & SEEN(IN_TARGET);
	const bool other = seen & SEEN(IN_OTHER);
	const bool further = seen & SEEN(IN_FURTHER);

	if (!seen)
		return SVMGPU_SCAN_NONE;
	if (seen & (SEEN(ABSENT) | SEEN(INACCESSIBLE)))
		return SVMGPU_SCAN_UNPOPULATED;
	if (system)
		return target || other || further ? SVMGPU_SCAN_MIXED : SVMGPU_SCAN_SYSTEM;
	if (further || (target && other))
		return SVMGPU_SCAN_MIXED_DEVICE;

	return target ? SVMGPU_SCAN_EQUAL : SVMGPU_SCAN_OTHER;
}

/* Columns: system, target, first other, further. Absent pages make any state UNPOPULATED. */
static const u8 scan_steps[SVMGPU_SCAN_STATES][4] = {
	[SVMGPU_SCAN_NONE] = {
		SVMGPU_SCAN_SYSTEM, SVMGPU_SCAN_EQUAL, SVMGPU_SCAN_OTHER, SVMGPU_SCAN_MIXED_DEVICE,
	},
	[SVMGPU_SCAN_UNPOPULATED] = {
		SVMGPU_SCAN_UNPOPULATED, SVMGPU_SCAN_UNPOPULATED, SVMGPU_SCAN_UNPOPULATED,
		SVMGPU_SCAN_UNPOPULATED,
	},
	[SVMGPU_SCAN_EQUAL] = {
		SVMGPU_SCAN_MIXED, SVMGPU_SCAN_EQUAL, SVMGPU_SCAN_MIXED_DEVICE,
		SVMGPU_SCAN_MIXED_DEVICE,
	},
	[SVMGPU_SCAN_OTHER] = {
		SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED_DEVICE, SVMGPU_SCAN_OTHER,
		SVMGPU_SCAN_MIXED_DEVICE,
	},
	[SVMGPU_SCAN_SYSTEM] = {
		SVMGPU_SCAN_SYSTEM, SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED,
	},
	[SVMGPU_SCAN_MIXED_DEVICE] = {
		SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED_DEVICE, SVMGPU_SCAN_MIXED_DEVICE,
		SVMGPU_SCAN_MIXED_DEVICE,
	},
	[SVMGPU_SCAN_MIXED] = {
		SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED, SVMGPU_SCAN_MIXED,
	},
};

/**
 * svmgpu_scan_step() - one step of the same function, as a transition table
 * @state: state so far
 * @class: class of the next page
 *
 * Return: the next state.
 */
enum svmgpu_scan_state svmgpu_scan_step(enum svmgpu_scan_state state, enum svmgpu_scan_class class)
{
	switch (class) {
	case SVMGPU_SCAN_HINT:
	case SVMGPU_SCAN_IN_SYSTEM:
		return scan_steps[state][0];
	case SVMGPU_SCAN_IN_TARGET:
		return scan_steps[state][1];
	case SVMGPU_SCAN_IN_OTHER:
		return scan_steps[state][2];
	case SVMGPU_SCAN_IN_FURTHER:
		return scan_steps[state][3];
	default:
		return SVMGPU_SCAN_UNPOPULATED;
	}
}

/**
 * svmgpu_scan_reachable() - states that may still become the result
 * @state: state so far
 *
 * Return: mask of enum svmgpu_scan_state.
 */
u8 svmgpu_scan_reachable(enum svmgpu_scan_state state)
{
	static const u8 reachable[SVMGPU_SCAN_STATES] = {
		[SVMGPU_SCAN_NONE] = STATE(UNPOPULATED) | STATE(EQUAL) | STATE(OTHER) |
				     STATE(SYSTEM) | STATE(MIXED_DEVICE) | STATE(MIXED),
		[SVMGPU_SCAN_UNPOPULATED] = STATE(UNPOPULATED),
		[SVMGPU_SCAN_EQUAL] = STATE(EQUAL) | STATE(MIXED_DEVICE) | STATE(MIXED) |
				      STATE(UNPOPULATED),
		[SVMGPU_SCAN_OTHER] = STATE(OTHER) | STATE(MIXED_DEVICE) | STATE(MIXED) |
				      STATE(UNPOPULATED),
		[SVMGPU_SCAN_SYSTEM] = STATE(SYSTEM) | STATE(MIXED) | STATE(UNPOPULATED),
		[SVMGPU_SCAN_MIXED_DEVICE] = STATE(MIXED_DEVICE) | STATE(MIXED) |
					     STATE(UNPOPULATED),
		[SVMGPU_SCAN_MIXED] = STATE(MIXED) | STATE(UNPOPULATED),
	};

	return reachable[state];
}

static bool scan_decided(const struct svmgpu_scan_request *request, u8 seen)
{
	unsigned long left = svmgpu_scan_reachable(svmgpu_scan_state_of(seen));
	unsigned int first = __ffs(left), state;

	for_each_set_bit(state, &left, SVMGPU_SCAN_STATES)
		if (request->decide[state] != request->decide[first])
			return false;

	return true;
}

/* Notifier lock held, sequence unchanged: only then may the pages be looked at. */
static enum svmgpu_scan_class scan_classify(const struct svmgpu_scan_request *request,
					    unsigned long pfn, const struct dev_pagemap **other)
{
	const struct dev_pagemap *pagemap;
	struct page *page;

	if (pfn & HMM_PFN_ERROR)
		return SVMGPU_SCAN_INACCESSIBLE;
	if (!(pfn & HMM_PFN_VALID))
		/* hmm_range_fault() keeps the frame number of NUMA-hinted entries */
		return pfn & ~HMM_PFN_FLAGS ? SVMGPU_SCAN_HINT : SVMGPU_SCAN_ABSENT;

	page = hmm_pfn_to_page(pfn);
	if (!is_device_private_page(page))
		return SVMGPU_SCAN_IN_SYSTEM;

	pagemap = page_pgmap(page);
	if (pagemap == request->target)
		return SVMGPU_SCAN_IN_TARGET;
	if (!*other)
		*other = pagemap;

	return pagemap == *other ? SVMGPU_SCAN_IN_OTHER : SVMGPU_SCAN_IN_FURTHER;
}

/* Pages from @pfn on that one CPU mapping covers, clipped to @left. */
static unsigned long scan_stride(unsigned long pfn, unsigned long left)
{
	unsigned long size = 1UL << hmm_pfn_to_map_order(pfn);
	unsigned long offset = (pfn & ~HMM_PFN_FLAGS) & (size - 1);

	if (!(pfn & HMM_PFN_VALID))
		return 1;

	return min(size - offset, left);
}

/* One window, repeated until no invalidation interfered. */
static int scan_window(const struct svmgpu_scan_request *request, unsigned long start,
		       unsigned long end, const struct dev_pagemap **other,
		       struct svmgpu_scan_result *result)
{
	struct drm_gpusvm *gpusvm = request->range->gpusvm;
	struct mmu_interval_notifier *notifier = &request->range->notifier->notifier;
	unsigned long pfns[SCAN_WINDOW_PAGES] = {};
	struct hmm_range hmm = {
		.notifier = notifier,
		.start = start,
		.end = end,
		.hmm_pfns = pfns,
		.dev_private_owner = request->owner,
	};
	unsigned long pages = (end - start) >> PAGE_SHIFT, i;
	int err;

	for (;;) {
		if (result->collisions > SCAN_MAX_COLLISIONS)
			return -EBUSY;

		/* S1: no mmap lock here, this may wait for invalidations to drain */
		hmm.notifier_seq = mmu_interval_read_begin(notifier);
		svmgpu_trace_seq_begun(gpusvm_to_vm(gpusvm), to_svm_range(request->range),
				       request->fault_id, hmm.notifier_seq);

		svmgpu_mmap_read_lock(gpusvm->mm);
		err = hmm_range_fault(&hmm);
		svmgpu_mmap_read_unlock(gpusvm->mm);
		if (err == -EBUSY) {
			result->collisions++;
			continue;
		}
		if (err)
			return err;

		svmgpu_notifier_lock_read(gpusvm);
		if (!mmu_interval_read_retry(notifier, hmm.notifier_seq))
			break;
		svmgpu_notifier_unlock_read(gpusvm);
		result->collisions++;
	}

	for (i = 0; i < pages; i += scan_stride(pfns[i], pages - i))
		result->seen |= BIT(scan_classify(request, pfns[i], other));
	svmgpu_notifier_unlock_read(gpusvm);

	result->pages += pages;
	result->windows++;

	return 0;
}

/**
 * svmgpu_scan() - look where the pages of a range are
 * @request: range, target and the caller's decisions
 * @result: what was seen
 *
 * Context: the VM lock is held for write; no mmap, notifier or reservation
 * lock. May sleep. Source: drm_gpusvm_scan_mm() and the review that asked for
 * sub-ranges, a transition table and an early exit.
 *
 * Return: 0, -EBUSY after too many collisions, -EFAULT when the process is
 * exiting, or the error of hmm_range_fault().
 */
int svmgpu_scan(const struct svmgpu_scan_request *request, struct svmgpu_scan_result *result)
{
	const unsigned long start = drm_gpusvm_range_start(request->range);
	const unsigned long end = drm_gpusvm_range_end(request->range);
	const unsigned long window = SCAN_WINDOW_PAGES << PAGE_SHIFT;
	const unsigned long windows = DIV_ROUND_UP(end - start, window);
	struct mm_struct *mm = request->range->gpusvm->mm;
	const struct dev_pagemap *other = NULL;
	unsigned long first, i;
	int err = 0;

	*result = (struct svmgpu_scan_result){};
	if (!mmget_not_zero(mm))
		return -EFAULT;

	first = (clamp(request->addr, start, end - 1) - start) / window;
	for (i = 0; i < windows; i++) {
		unsigned long at = start + (first + i) % windows * window;

		err = scan_window(request, at, min(at + window, end), &other, result);
		if (err || scan_decided(request, result->seen))
			break;
	}
	mmput(mm);

	result->exact = result->pages == (end - start) >> PAGE_SHIFT;
	result->state = svmgpu_scan_state_of(result->seen);
	result->decision = request->decide[result->state];

	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Counters. See svmgpu_stats.h.
 */

#include <linux/percpu.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "svmgpu_device.h"
#include "svmgpu_stats.h"

/** struct svmgpu_stats - counters of one CPU */
struct svmgpu_stats {
	/** @counter: by enum svmgpu_stat */
	u64 counter[SVMGPU_STATS];
};

/*
 * Names that tests of the xe uAPI look up come first; they match a line by the
 * first one that contains what they ask for.
 */
static const char *const svmgpu_stat_names[SVMGPU_STATS] = {
	[SVMGPU_STAT_SVM_FAULT] = "svm_pagefault_count",
	[SVMGPU_STAT_SVM_FAULT_4K] = "svm_4K_pagefault_count",
	[SVMGPU_STAT_SVM_FAULT_64K] = "svm_64K_pagefault_count",
	[SVMGPU_STAT_SVM_FAULT_2M] = "svm_2M_pagefault_count",
	[SVMGPU_STAT_SVM_FAULT_VALID] = "svm_valid_fault_count",
	[SVMGPU_STAT_SVM_FAULT_US] = "svm_fault_us",
	[SVMGPU_STAT_SVM_RETRY] = "svm_retry_count",
	[SVMGPU_STAT_SVM_ESCALATION] = "svm_escalation_count",
	[SVMGPU_STAT_SVM_TIER1] = "svm_tier1_count",
	[SVMGPU_STAT_SVM_TIER2] = "svm_tier2_count",
	[SVMGPU_STAT_SVM_TIER3] = "svm_tier3_count",
	[SVMGPU_STAT_VMA_FAULT] = "vma_pagefault_count",
	[SVMGPU_STAT_FAULT_FAILED] = "failed_fault_count",
	[SVMGPU_STAT_SVM_MIGRATE] = "svm_migrate_count",
	[SVMGPU_STAT_SVM_MIGRATE_US] = "svm_migrate_us",
	[SVMGPU_STAT_SVM_DEVICE_COPY_KB] = "svm_device_copy_kb",
	[SVMGPU_STAT_SVM_DEVICE_COPY_US] = "svm_device_copy_us",
	[SVMGPU_STAT_SVM_CPU_COPY_KB] = "svm_cpu_copy_kb",
	[SVMGPU_STAT_SVM_CPU_COPY_US] = "svm_cpu_copy_us",
	[SVMGPU_STAT_SVM_INVALIDATION] = "svm_invalidation_count",
	[SVMGPU_STAT_SVM_TLB_INVAL] = "svm_flush_count",
	[SVMGPU_STAT_SVM_TLB_INVAL_US] = "svm_flush_us",
	[SVMGPU_STAT_USERPTR_INVALIDATION] = "userptr_invalidation_count",
	[SVMGPU_STAT_USERPTR_REPIN] = "userptr_repin_count",
	[SVMGPU_STAT_TLB_INVAL] = "tlb_inval_count",
	[SVMGPU_STAT_BO_EVICT] = "bo_evict_count",
	[SVMGPU_STAT_BO_EVICT_KB] = "bo_evict_kb",
	[SVMGPU_STAT_BO_RESTORE] = "bo_restore_count",
	[SVMGPU_STAT_BO_RESTORE_KB] = "bo_restore_kb",
	[SVMGPU_STAT_BO_PURGE] = "bo_purge_count",
	[SVMGPU_STAT_REBIND] = "rebind_count",
	[SVMGPU_STAT_BIND] = "bind_count",
	[SVMGPU_STAT_JOB] = "job_count",
	[SVMGPU_STAT_JOB_TIMEOUT] = "job_timeout_count",
	[SVMGPU_STAT_PREEMPT] = "preempt_count",
	[SVMGPU_STAT_RESET] = "reset_count",
};

static void svmgpu_stats_free(struct drm_device *drm, void *arg)
{
	free_percpu(to_svmgpu(drm)->stats);
}

/**
 * svmgpu_stats_init() - make the counters
 * @dev: the GPU
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_stats_init(struct svmgpu_device *dev)
{
	dev->stats = alloc_percpu(struct svmgpu_stats);
	if (!dev->stats)
		return -ENOMEM;
	return drmm_add_action_or_reset(&dev->drm, svmgpu_stats_free, NULL);
}

/**
 * svmgpu_stat_add() - count
 * @dev: the GPU
 * @stat: what
 * @n: how many
 *
 * Any context.
 */
void svmgpu_stat_add(struct svmgpu_device *dev, enum svmgpu_stat stat, u64 n)
{
	this_cpu_add(dev->stats->counter[stat], n);
}

/**
 * svmgpu_stat_read() - value of a counter
 * @dev: the GPU
 * @stat: what
 *
 * Return: the sum over all CPUs.
 */
u64 svmgpu_stat_read(struct svmgpu_device *dev, enum svmgpu_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(dev->stats, cpu)->counter[stat]);
	return sum;
}

/**
 * svmgpu_stats_print() - debugfs gt0/stats
 * @dev: the GPU
 * @p: where to
 */
void svmgpu_stats_print(struct svmgpu_device *dev, struct drm_printer *p)
{
	int i;

	for (i = 0; i < SVMGPU_STATS; i++)
		drm_printf(p, "%s: %llu\n", svmgpu_stat_names[i], svmgpu_stat_read(dev, i));
}

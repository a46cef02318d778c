/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of one GPU, shown in debugfs gt0/stats under the names that the IGT
 * tests look for. Counting is per CPU and legal in any context.
 */
#ifndef SVMGPU_STATS_H
#define SVMGPU_STATS_H

#include <linux/ktime.h>
#include <linux/types.h>

struct drm_printer;
struct svmgpu_device;

/** enum svmgpu_stat - what is counted; svmgpu_stats.c has the names */
enum svmgpu_stat {
	/** @SVMGPU_STAT_SVM_FAULT: faults served in SVM ranges */
	SVMGPU_STAT_SVM_FAULT,
	/** @SVMGPU_STAT_SVM_FAULT_4K: of these, ranges of 4 KiB */
	SVMGPU_STAT_SVM_FAULT_4K,
	/** @SVMGPU_STAT_SVM_FAULT_64K: ranges of 64 KiB */
	SVMGPU_STAT_SVM_FAULT_64K,
	/** @SVMGPU_STAT_SVM_FAULT_2M: ranges of more than 64 KiB */
	SVMGPU_STAT_SVM_FAULT_2M,
	/** @SVMGPU_STAT_SVM_FAULT_VALID: faults that found the range mapped already */
	SVMGPU_STAT_SVM_FAULT_VALID,
	/** @SVMGPU_STAT_SVM_FAULT_US: time spent serving them */
	SVMGPU_STAT_SVM_FAULT_US,
	/** @SVMGPU_STAT_SVM_RETRY: attempts that had to be repeated */
	SVMGPU_STAT_SVM_RETRY,
	/** @SVMGPU_STAT_SVM_ESCALATION: steps to less optimistic attempts */
	SVMGPU_STAT_SVM_ESCALATION,
	/** @SVMGPU_STAT_SVM_TIER1: faults served with a smaller range, unmoved */
	SVMGPU_STAT_SVM_TIER1,
	/** @SVMGPU_STAT_SVM_TIER2: faults served with the CPU held off */
	SVMGPU_STAT_SVM_TIER2,
	/** @SVMGPU_STAT_SVM_TIER3: faults served with the folio locked, too */
	SVMGPU_STAT_SVM_TIER3,
	/** @SVMGPU_STAT_VMA_FAULT: faults served on object and userptr gpu_vmas */
	SVMGPU_STAT_VMA_FAULT,
	/** @SVMGPU_STAT_FAULT_FAILED: faults answered with failure */
	SVMGPU_STAT_FAULT_FAILED,
	/** @SVMGPU_STAT_SVM_MIGRATE: migrations of ranges to VRAM */
	SVMGPU_STAT_SVM_MIGRATE,
	/** @SVMGPU_STAT_SVM_MIGRATE_US: time spent on them */
	SVMGPU_STAT_SVM_MIGRATE_US,
	/** @SVMGPU_STAT_SVM_DEVICE_COPY_KB: KiB copied to VRAM for SVM */
	SVMGPU_STAT_SVM_DEVICE_COPY_KB,
	/** @SVMGPU_STAT_SVM_DEVICE_COPY_US: time spent on that */
	SVMGPU_STAT_SVM_DEVICE_COPY_US,
	/** @SVMGPU_STAT_SVM_CPU_COPY_KB: KiB copied from VRAM for SVM */
	SVMGPU_STAT_SVM_CPU_COPY_KB,
	/** @SVMGPU_STAT_SVM_CPU_COPY_US: time spent on that */
	SVMGPU_STAT_SVM_CPU_COPY_US,
	/** @SVMGPU_STAT_SVM_INVALIDATION: notifier calls that found something mapped */
	SVMGPU_STAT_SVM_INVALIDATION,
	/** @SVMGPU_STAT_SVM_TLB_INVAL: TLB flushes for SVM */
	SVMGPU_STAT_SVM_TLB_INVAL,
	/** @SVMGPU_STAT_SVM_TLB_INVAL_US: time spent waiting for them */
	SVMGPU_STAT_SVM_TLB_INVAL_US,
	/** @SVMGPU_STAT_USERPTR_INVALIDATION: userptrs invalidated */
	SVMGPU_STAT_USERPTR_INVALIDATION,
	/** @SVMGPU_STAT_USERPTR_REPIN: userptrs pinned again */
	SVMGPU_STAT_USERPTR_REPIN,
	/** @SVMGPU_STAT_TLB_INVAL: TLB flushes of any kind */
	SVMGPU_STAT_TLB_INVAL,
	/** @SVMGPU_STAT_BO_EVICT: objects moved out of VRAM */
	SVMGPU_STAT_BO_EVICT,
	/** @SVMGPU_STAT_BO_EVICT_KB: KiB of them */
	SVMGPU_STAT_BO_EVICT_KB,
	/** @SVMGPU_STAT_BO_RESTORE: objects moved into VRAM */
	SVMGPU_STAT_BO_RESTORE,
	/** @SVMGPU_STAT_BO_RESTORE_KB: KiB of them */
	SVMGPU_STAT_BO_RESTORE_KB,
	/** @SVMGPU_STAT_BO_PURGE: DONTNEED objects whose backing was dropped */
	SVMGPU_STAT_BO_PURGE,
	/** @SVMGPU_STAT_REBIND: gpu_vmas bound again after eviction or invalidation */
	SVMGPU_STAT_REBIND,
	/** @SVMGPU_STAT_BIND: bind operations */
	SVMGPU_STAT_BIND,
	/** @SVMGPU_STAT_JOB: jobs submitted to contexts */
	SVMGPU_STAT_JOB,
	/** @SVMGPU_STAT_JOB_TIMEOUT: jobs that ran too long */
	SVMGPU_STAT_JOB_TIMEOUT,
	/** @SVMGPU_STAT_PREEMPT: queues suspended by preempt fences */
	SVMGPU_STAT_PREEMPT,
	/** @SVMGPU_STAT_RESET: resets of the device */
	SVMGPU_STAT_RESET,
	/** @SVMGPU_STATS: number of counters */
	SVMGPU_STATS,
};

int svmgpu_stats_init(struct svmgpu_device *dev);
/* Any context. */
void svmgpu_stat_add(struct svmgpu_device *dev, enum svmgpu_stat stat, u64 n);
u64 svmgpu_stat_read(struct svmgpu_device *dev, enum svmgpu_stat stat);
void svmgpu_stats_print(struct svmgpu_device *dev, struct drm_printer *p);

static inline void svmgpu_stat_inc(struct svmgpu_device *dev, enum svmgpu_stat stat)
{
	svmgpu_stat_add(dev, stat, 1);
}

/* For the *_US counters: adds the time since @start. */
static inline void svmgpu_stat_add_us(struct svmgpu_device *dev, enum svmgpu_stat stat,
				      ktime_t start)
{
	svmgpu_stat_add(dev, stat, ktime_us_delta(ktime_get(), start));
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Races on demand: named points between the two halves of what a race comes
 * between. A test holds a task there, or says that it lost (debugfs "races"), so
 * that each collision that the driver has an answer for happens when it is asked
 * to. Off, a point costs a static branch.
 *
 *	echo 'before_commit collide 40' > races		the next 40 lose
 *	echo 'after_pages pause 200 10' > races		the next 10 wait for 200 us
 *	echo 'after_pages until in_notifier 1' > races	the next one waits for a notifier
 *	echo off > races
 */
#ifndef SVMGPU_RACE_H
#define SVMGPU_RACE_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct dentry;
struct svmgpu_device;

/** enum svmgpu_race_point - where; svmgpu_race.c has the names */
enum svmgpu_race_point {
	/** @SVMGPU_RACE_AFTER_PAGES: SVM fault: pages obtained, nothing held but the VM lock */
	SVMGPU_RACE_AFTER_PAGES,
	/** @SVMGPU_RACE_BEFORE_COMMIT: SVM fault: notifier lock held, sequence to be checked */
	SVMGPU_RACE_BEFORE_COMMIT,
	/** @SVMGPU_RACE_BEFORE_FENCE: exec: resvs locked, userptrs to be checked; may lose */
	SVMGPU_RACE_BEFORE_FENCE,
	/** @SVMGPU_RACE_IN_NOTIFIER: invalidation: notifier lock held for write, nothing zapped */
	SVMGPU_RACE_IN_NOTIFIER,
	/** @SVMGPU_RACE_BEFORE_EVICT_COPY: eviction: resv held, object idle, nothing copied */
	SVMGPU_RACE_BEFORE_EVICT_COPY,
	/** @SVMGPU_RACE_POINTS: number of points */
	SVMGPU_RACE_POINTS,
};

DECLARE_STATIC_KEY_FALSE(svmgpu_race_key);

bool svmgpu_race_reached(struct svmgpu_device *dev, enum svmgpu_race_point point, u32 vm);

/**
 * svmgpu_race_point() - a task is at a point
 * @dev: the GPU
 * @point: the point
 * @vm: trace id of the VM, or 0
 *
 * Context: may sleep when a test asked for it.
 *
 * Return: true when the caller shall behave as if it had lost the race; only
 * where the point says so.
 */
static inline bool svmgpu_race_point(struct svmgpu_device *dev, enum svmgpu_race_point point,
				     u32 vm)
{
	return static_branch_unlikely(&svmgpu_race_key) && svmgpu_race_reached(dev, point, vm);
}

int svmgpu_race_init(struct svmgpu_device *dev);
void svmgpu_race_debugfs(struct svmgpu_device *dev, struct dentry *dir);

#endif

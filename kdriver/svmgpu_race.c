// SPDX-License-Identifier: GPL-2.0
/*
 * Races on demand. See svmgpu_race.h.
 *
 * A point has an action that the next so many tasks meet. There is no lock: who
 * arms a point makes it idle first, and tests do not arm one point from two sides.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <drm/drm_managed.h>

#include "svmgpu_device.h"
#include "svmgpu_race.h"
#include "svmgpu_trace.h"

/* nobody waits longer for a point that does not come */
#define RACE_UNTIL_MS	1000
#define RACE_PAUSE_US	1000000

DEFINE_STATIC_KEY_FALSE(svmgpu_race_key);

static const char *const race_names[SVMGPU_RACE_POINTS] = {
	[SVMGPU_RACE_AFTER_PAGES] = "after_pages",
	[SVMGPU_RACE_BEFORE_COMMIT] = "before_commit",
	[SVMGPU_RACE_BEFORE_FENCE] = "before_fence",
	[SVMGPU_RACE_IN_NOTIFIER] = "in_notifier",
	[SVMGPU_RACE_BEFORE_EVICT_COPY] = "before_evict_copy",
};

enum race_action { RACE_NONE, RACE_COLLIDE, RACE_PAUSE, RACE_UNTIL };

/** struct race - one point */
struct race {
	/** @left: tasks that still meet the action */
	atomic_t left;
	/** @passed: tasks that came by while any point was armed */
	atomic_t passed;
	/** @action: what happens to them */
	enum race_action action;
	/** @arg: microseconds, or the other point */
	u32 arg;
};

/** struct svmgpu_races - the points of one GPU */
struct svmgpu_races {
	/** @point: by enum svmgpu_race_point */
	struct race point[SVMGPU_RACE_POINTS];
	/** @wq: tasks that wait for another point */
	wait_queue_head_t wq;
	/** @armed: bit 0: counted in svmgpu_race_key */
	unsigned long armed;
};

/**
 * svmgpu_race_reached() - svmgpu_race_point() when a test has armed one
 * @dev: the GPU
 * @point: the point
 * @vm: trace id of the VM, or 0
 *
 * Context: may sleep.
 *
 * Return: true when the caller shall behave as if it had lost.
 */
bool svmgpu_race_reached(struct svmgpu_device *dev, enum svmgpu_race_point point, u32 vm)
{
	struct svmgpu_races *races = dev->races;
	struct race *race = &races->point[point];
	ktime_t start;
	int seen;

	atomic_inc(&race->passed);
	wake_up_all(&races->wq);
	if (atomic_dec_if_positive(&race->left) < 0)
		return false;

	start = ktime_get();
	trace_svmgpu_race_point_reached(_RET_IP_, vm, dev->caps.gpu_index, 0);
	switch (READ_ONCE(race->action)) {
	case RACE_PAUSE:
		fsleep(READ_ONCE(race->arg));
		break;
	case RACE_UNTIL:
		seen = atomic_read(&races->point[READ_ONCE(race->arg)].passed);
		wait_event_timeout(races->wq,
				   atomic_read(&races->point[READ_ONCE(race->arg)].passed) != seen,
				   msecs_to_jiffies(RACE_UNTIL_MS));
		break;
	default:
		break;
	}
	trace_svmgpu_race_point_left(_RET_IP_, vm, dev->caps.gpu_index,
				     ktime_to_ns(ktime_sub(ktime_get(), start)));
	return READ_ONCE(race->action) == RACE_COLLIDE;
}

static int race_find(const char *name)
{
	return match_string(race_names, ARRAY_SIZE(race_names), name);
}

static void race_off(struct svmgpu_races *races)
{
	for (unsigned int i = 0; i < SVMGPU_RACE_POINTS; i++)
		atomic_set(&races->point[i].left, 0);
	if (test_and_clear_bit(0, &races->armed))
		static_branch_dec(&svmgpu_race_key);
}

static void race_arm(struct svmgpu_races *races, int point, enum race_action action, u32 arg,
		     u32 count)
{
	struct race *race = &races->point[point];

	atomic_set(&race->left, 0);
	WRITE_ONCE(race->action, action);
	WRITE_ONCE(race->arg, arg);
	atomic_set_release(&race->left, count);
	if (!test_and_set_bit(0, &races->armed))
		static_branch_inc(&svmgpu_race_key);
}

/* One command, as in svmgpu_race.h. */
static int race_command(struct svmgpu_races *races, const char *text)
{
	char name[24], verb[12], other[24];
	u32 arg, count;
	int point, n;

	if (!strcmp(text, "off")) {
		race_off(races);
		return 0;
	}

	n = sscanf(text, "%23s %11s %23s %u", name, verb, other, &count);
	point = n >= 3 ? race_find(name) : -EINVAL;
	if (point < 0)
		return -EINVAL;

	if (n == 3 && !strcmp(verb, "collide")) {
		if (kstrtou32(other, 10, &count) || count > INT_MAX)
			return -EINVAL;
		race_arm(races, point, RACE_COLLIDE, 0, count);
		return 0;
	}
	if (n != 4 || count > INT_MAX)
		return -EINVAL;
	if (!strcmp(verb, "pause")) {
		if (kstrtou32(other, 10, &arg) || arg > RACE_PAUSE_US)
			return -EINVAL;
		race_arm(races, point, RACE_PAUSE, arg, count);
		return 0;
	}
	if (!strcmp(verb, "until")) {
		int until = race_find(other);

		if (until < 0)
			return -EINVAL;
		race_arm(races, point, RACE_UNTIL, until, count);
		return 0;
	}
	return -EINVAL;
}

static ssize_t race_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	struct svmgpu_device *dev = ((struct seq_file *)file->private_data)->private;
	char text[80];
	int err;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	text[count] = '\0';
	err = race_command(dev->races, strim(text));
	return err ?: count;
}

static int race_show(struct seq_file *m, void *unused)
{
	struct svmgpu_device *dev = m->private;

	for (unsigned int i = 0; i < SVMGPU_RACE_POINTS; i++)
		seq_printf(m, "%s passed %u left %u\n", race_names[i],
			   atomic_read(&dev->races->point[i].passed),
			   atomic_read(&dev->races->point[i].left));
	return 0;
}

static int race_open(struct inode *inode, struct file *file)
{
	return single_open(file, race_show, inode->i_private);
}

static const struct file_operations race_fops = {
	.owner = THIS_MODULE,
	.open = race_open,
	.read = seq_read,
	.write = race_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void race_fini(struct drm_device *drm, void *arg)
{
	race_off(to_svmgpu(drm)->races);
}

/**
 * svmgpu_race_init() - make the points of a GPU
 * @dev: the GPU
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_race_init(struct svmgpu_device *dev)
{
	dev->races = drmm_kzalloc(&dev->drm, sizeof(*dev->races), GFP_KERNEL);
	if (!dev->races)
		return -ENOMEM;
	init_waitqueue_head(&dev->races->wq);
	return drmm_add_action_or_reset(&dev->drm, race_fini, NULL);
}

/**
 * svmgpu_race_debugfs() - make the file "races"
 * @dev: the GPU
 * @dir: its directory
 */
void svmgpu_race_debugfs(struct svmgpu_device *dev, struct dentry *dir)
{
	debugfs_create_file("races", 0600, dir, dev, &race_fops);
}

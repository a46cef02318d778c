/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scheduling properties of engine classes, settable in sysfs:
 * device/tile0/gt0/engines/CLASS/{job_timeout_ms,timeslice_duration_us,
 * preempt_timeout_us} with _min and _max, and read-only .defaults. A queue
 * copies the values when it is created.
 */
#ifndef SVMGPU_SYSFS_H
#define SVMGPU_SYSFS_H

#include <linux/types.h>

struct svmgpu_device;

/** struct svmgpu_engine_prop - one property with the bounds that user space may use */
struct svmgpu_engine_prop {
	/** @value: for new queues */
	u32 value;
	/** @min: smallest value that is accepted */
	u32 min;
	/** @max: largest value that is accepted */
	u32 max;
};

/** enum svmgpu_engine_prop_id - index of a property */
enum svmgpu_engine_prop_id {
	/** @SVMGPU_PROP_JOB_TIMEOUT_MS: run time after which a job is hung */
	SVMGPU_PROP_JOB_TIMEOUT_MS,
	/** @SVMGPU_PROP_TIMESLICE_US: time on an engine while others wait */
	SVMGPU_PROP_TIMESLICE_US,
	/** @SVMGPU_PROP_PREEMPT_TIMEOUT_US: time to leave the engine when asked */
	SVMGPU_PROP_PREEMPT_TIMEOUT_US,
	/** @SVMGPU_PROPS: number of properties */
	SVMGPU_PROPS,
};

/**
 * struct svmgpu_engine_class_props - properties of one engine class
 *
 * Single words, read and written with READ_ONCE() and WRITE_ONCE().
 */
struct svmgpu_engine_class_props {
	/** @prop: by enum svmgpu_engine_prop_id */
	struct svmgpu_engine_prop prop[SVMGPU_PROPS];
};

#define SVMGPU_ENGINE_CLASSES	5

/* The short name of a class: rcs, bcs, vcs, vecs, ccs. */
const char *svmgpu_engine_class_name(u16 class);
u32 svmgpu_engine_instances(struct svmgpu_device *dev, u16 class);
/* @class: enum svmgpu_engine_class */
u32 svmgpu_engine_prop(struct svmgpu_device *dev, u16 class, enum svmgpu_engine_prop_id id);
/* May user space (@privileged: CAP_SYS_NICE) ask for @value? */
bool svmgpu_engine_prop_allowed(struct svmgpu_device *dev, u16 class,
				enum svmgpu_engine_prop_id id, u32 value, bool privileged);

int svmgpu_engine_props_init(struct svmgpu_device *dev);
int svmgpu_sysfs_init(struct svmgpu_device *dev);
void svmgpu_sysfs_fini(struct svmgpu_device *dev);

#endif

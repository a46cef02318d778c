/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an exec queue is created with, and the checks of what user space says
 * about it.
 */
#ifndef SVMGPU_EXEC_QUEUE_ARGS_H
#define SVMGPU_EXEC_QUEUE_ARGS_H

#include <linux/types.h>

#include <uapi/drm/xe_drm.h>

#include "svmgpu_exec_queue.h"

struct svmgpu_device;

#define SVMGPU_QUEUE_PRIORITY_NORMAL	1
#define SVMGPU_QUEUE_PRIORITY_HIGH	2

/** struct svmgpu_queue_props - what a queue is created with */
struct svmgpu_queue_props {
	/** @class: engine class */
	u16 class;
	/** @width: contexts */
	u16 width;
	/** @engines: placements of each context */
	u32 engines[SVMGPU_QUEUE_MAX_WIDTH];
	/** @priority: user priority */
	u8 priority;
	/** @timeslice_us: scheduling property */
	u32 timeslice_us;
	/** @low_latency: hint given */
	bool low_latency;
};

static inline bool svmgpu_queue_class_is_bind(u16 class)
{
	return class == DRM_XE_ENGINE_CLASS_VM_BIND;
}

int svmgpu_queue_check_create(const struct drm_xe_exec_queue_create *args);
int svmgpu_queue_set_placements(struct svmgpu_device *dev, struct svmgpu_queue_props *props,
				const struct drm_xe_engine_class_instance *eci,
				unsigned int placements);
int svmgpu_queue_set_property(struct svmgpu_device *dev, struct svmgpu_queue_props *props,
			      u32 property, u64 value);
int svmgpu_queue_read_props(struct svmgpu_device *dev,
			    const struct drm_xe_exec_queue_create *args,
			    struct svmgpu_queue_props *props);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * EXEC_QUEUE_CREATE: engines, properties and extensions, read and checked.
 */
#include <linux/capability.h>
#include <linux/uaccess.h>

#include <uapi/drm/xe_drm.h>

#include "svmgpu_device.h"
#include "svmgpu_exec_queue_args.h"
#include "svmgpu_sysfs.h"

#define MAX_USER_EXTENSIONS	16

static int set_priority(struct svmgpu_queue_props *props, u64 value)
{
	if (value > SVMGPU_QUEUE_PRIORITY_HIGH)
		return -EINVAL;
	if (value > SVMGPU_QUEUE_PRIORITY_NORMAL && !capable(CAP_SYS_NICE))
		return -EPERM;
	props->priority = value;
	return 0;
}

static int set_timeslice(struct svmgpu_device *dev, struct svmgpu_queue_props *props, u64 value)
{
	/* a bind queue gets no slices; a value for it is checked like one for copies */
	u16 class = svmgpu_queue_class_is_bind(props->class) ? DRM_XE_ENGINE_CLASS_COPY :
							       props->class;

	if (value > U32_MAX ||
	    !svmgpu_engine_prop_allowed(dev, class, SVMGPU_PROP_TIMESLICE_US, value,
					capable(CAP_SYS_NICE)))
		return -EINVAL;
	props->timeslice_us = value;
	return 0;
}

/**
 * svmgpu_queue_set_property() - one property of a queue to be created
 * @dev: the GPU
 * @props: class known; receives the value
 * @property: DRM_XE_EXEC_QUEUE_SET_PROPERTY_*
 * @value: as user space gave it
 *
 * Return: 0, -EINVAL, -EPERM, -ENODEV (no protected content), -EOPNOTSUPP.
 */
int svmgpu_queue_set_property(struct svmgpu_device *dev, struct svmgpu_queue_props *props,
			      u32 property, u64 value)
{
	switch (property) {
	case DRM_XE_EXEC_QUEUE_SET_PROPERTY_PRIORITY:
		return set_priority(props, value);
	case DRM_XE_EXEC_QUEUE_SET_PROPERTY_TIMESLICE:
		return set_timeslice(dev, props, value);
	case DRM_XE_EXEC_QUEUE_SET_PROPERTY_PXP_TYPE:
		/* no protected content: only "none" exists */
		return value == DRM_XE_PXP_TYPE_NONE ? 0 : -ENODEV;
	case DRM_XE_EXEC_QUEUE_SET_PROPERTY_MULTI_GROUP:
	case DRM_XE_EXEC_QUEUE_SET_DISABLE_STATE_CACHE_PERF_FIX:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int read_extensions(struct svmgpu_device *dev, struct svmgpu_queue_props *props, u64 next)
{
	for (unsigned int count = 0; next; count++) {
		struct drm_xe_ext_set_property ext;
		struct drm_xe_user_extension base;
		int err;

		if (count >= MAX_USER_EXTENSIONS)
			return -E2BIG;
		if (copy_from_user(&base, u64_to_user_ptr(next), sizeof(base)))
			return -EFAULT;
		if (base.pad || base.name != DRM_XE_EXEC_QUEUE_EXTENSION_SET_PROPERTY)
			return -EINVAL;
		if (copy_from_user(&ext, u64_to_user_ptr(next), sizeof(ext)))
			return -EFAULT;
		if (ext.pad)
			return -EINVAL;
		err = svmgpu_queue_set_property(dev, props, ext.property, ext.value);
		if (err)
			return err;
		next = base.next_extension;
	}
	return 0;
}

/* Hardware number of an engine, or -EINVAL. */
static int engine_number(struct svmgpu_device *dev,
			 const struct drm_xe_engine_class_instance *eci)
{
	if (eci->gt_id)
		return -EINVAL;
	for (unsigned int i = 0; i < dev->caps.num_engines; i++)
		if (dev->caps.engines[i].class == eci->engine_class &&
		    dev->caps.engines[i].instance == eci->engine_instance)
			return i;
	return -EINVAL;
}

/**
 * svmgpu_queue_set_placements() - which engines may run each context
 * @dev: the GPU
 * @props: class and width known; receives the engines
 * @eci: placements of context i are those at j * width + i
 * @placements: number of them for each context
 *
 * All are of one class, and those of each context are the ones of the context
 * before, moved by one.
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP (several contexts of a class that cannot).
 */
int svmgpu_queue_set_placements(struct svmgpu_device *dev, struct svmgpu_queue_props *props,
				const struct drm_xe_engine_class_instance *eci,
				unsigned int placements)
{
	u32 previous = 0;

	for (unsigned int i = 0; i < props->width; i++) {
		u32 instances = 0;

		for (unsigned int j = 0; j < placements; j++) {
			const struct drm_xe_engine_class_instance *e = &eci[j * props->width + i];
			int engine = engine_number(dev, e);

			if (engine < 0 || e->engine_class != props->class)
				return -EINVAL;
			props->engines[i] |= BIT(engine);
			instances |= BIT(e->engine_instance);
		}
		if (i && instances != previous << 1)
			return -EINVAL;
		previous = instances;
	}
	/* only the video engines run several contexts side by side */
	if (props->width > 1 && props->class != DRM_XE_ENGINE_CLASS_VIDEO_DECODE &&
	    props->class != DRM_XE_ENGINE_CLASS_VIDEO_ENHANCE)
		return -EOPNOTSUPP;
	return 0;
}

/**
 * svmgpu_queue_check_create() - the ioctl's own words
 * @args: as user space gave them
 *
 * Return: 0 or -EINVAL.
 */
int svmgpu_queue_check_create(const struct drm_xe_exec_queue_create *args)
{
	const u32 count = (u32)args->width * args->num_placements;

	if (args->flags & ~DRM_XE_EXEC_QUEUE_LOW_LATENCY_HINT || args->reserved[0] ||
	    args->reserved[1] || !count || count > SVMGPU_QUEUE_MAX_WIDTH)
		return -EINVAL;
	return 0;
}

/**
 * svmgpu_queue_read_props() - everything that user space says about a new queue
 * @dev: the GPU
 * @args: as user space gave them
 * @props: result
 *
 * Context: may sleep.
 *
 * Return: 0, -EINVAL, -EFAULT, -E2BIG (extensions), or as svmgpu_queue_set_property()
 * and svmgpu_queue_set_placements().
 */
int svmgpu_queue_read_props(struct svmgpu_device *dev,
			    const struct drm_xe_exec_queue_create *args,
			    struct svmgpu_queue_props *props)
{
	struct drm_xe_engine_class_instance eci[SVMGPU_QUEUE_MAX_WIDTH];
	u32 count = (u32)args->width * args->num_placements;
	int err;

	err = svmgpu_queue_check_create(args);
	if (err)
		return err;
	if (copy_from_user(eci, u64_to_user_ptr(args->instances), sizeof(*eci) * count))
		return -EFAULT;
	if (eci[0].gt_id)
		return -EINVAL;

	*props = (struct svmgpu_queue_props) {
		.class = eci[0].engine_class,
		.width = args->width,
		.priority = SVMGPU_QUEUE_PRIORITY_NORMAL,
		.low_latency = args->flags & DRM_XE_EXEC_QUEUE_LOW_LATENCY_HINT,
	};
	if (svmgpu_queue_class_is_bind(props->class)) {
		if (count != 1 || eci[0].engine_instance)
			return -EINVAL;
	} else {
		err = svmgpu_queue_set_placements(dev, props, eci, args->num_placements);
		if (err)
			return err;
		props->timeslice_us = svmgpu_engine_prop(dev, props->class,
							 SVMGPU_PROP_TIMESLICE_US);
	}
	return read_extensions(dev, props, args->extensions);
}

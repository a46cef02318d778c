// SPDX-License-Identifier: GPL-2.0
/*
 * Scheduling properties of engine classes. See svmgpu_sysfs.h.
 */

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include <drm/drm_managed.h>

#include "svmgpu_device.h"
#include "svmgpu_sysfs.h"

/* what every class starts with */
static const struct svmgpu_engine_class_props svmgpu_engine_defaults = {
	.prop[SVMGPU_PROP_JOB_TIMEOUT_MS] = { .value = 5000, .min = 1, .max = 10000 },
	.prop[SVMGPU_PROP_TIMESLICE_US] = { .value = 1000, .min = 1, .max = 10000000 },
	.prop[SVMGPU_PROP_PREEMPT_TIMEOUT_US] = { .value = 640000, .min = 1, .max = 10000000 },
};

/** enum svmgpu_prop_field - which number of a property a file shows */
enum svmgpu_prop_field {
	/** @SVMGPU_PROP_VALUE: the value */
	SVMGPU_PROP_VALUE,
	/** @SVMGPU_PROP_MIN: smallest value */
	SVMGPU_PROP_MIN,
	/** @SVMGPU_PROP_MAX: largest value */
	SVMGPU_PROP_MAX,
	/** @SVMGPU_PROP_FIELDS: number of files per property */
	SVMGPU_PROP_FIELDS,
};

static const char *const svmgpu_prop_files[SVMGPU_PROPS][SVMGPU_PROP_FIELDS] = {
	[SVMGPU_PROP_JOB_TIMEOUT_MS] = {
		"job_timeout_ms", "job_timeout_min", "job_timeout_max",
	},
	[SVMGPU_PROP_TIMESLICE_US] = {
		"timeslice_duration_us", "timeslice_duration_min", "timeslice_duration_max",
	},
	[SVMGPU_PROP_PREEMPT_TIMEOUT_US] = {
		"preempt_timeout_us", "preempt_timeout_min", "preempt_timeout_max",
	},
};

/** struct svmgpu_prop_attr - one file */
struct svmgpu_prop_attr {
	/** @attr: base */
	struct kobj_attribute attr;
	/** @props: of the class; NULL for .defaults */
	struct svmgpu_engine_class_props *props;
	/** @id: the property */
	enum svmgpu_engine_prop_id id;
	/** @field: which number of it */
	enum svmgpu_prop_field field;
};

/** struct svmgpu_prop_dir - the files of a directory */
struct svmgpu_prop_dir {
	/** @kobj: the directory, or NULL */
	struct kobject *kobj;
	/** @attrs: the files */
	struct svmgpu_prop_attr attrs[SVMGPU_PROPS][SVMGPU_PROP_FIELDS];
};

/** struct svmgpu_sysfs - everything below the PCI device */
struct svmgpu_sysfs {
	/** @tile: tile0 */
	struct kobject *tile;
	/** @gt: tile0/gt0 */
	struct kobject *gt;
	/** @engines: tile0/gt0/engines */
	struct kobject *engines;
	/** @classes: a directory for each class */
	struct svmgpu_prop_dir classes[SVMGPU_ENGINE_CLASSES];
	/** @defaults: its .defaults */
	struct svmgpu_prop_dir defaults[SVMGPU_ENGINE_CLASSES];
};

/* --- values ---------------------------------------------------------------- */

/**
 * svmgpu_engine_class_name() - short name
 * @class: enum svmgpu_engine_class
 *
 * Return: a constant string.
 */
const char *svmgpu_engine_class_name(u16 class)
{
	static const char *const names[SVMGPU_ENGINE_CLASSES] = {
		[SVMGPU_ENGINE_RENDER] = "rcs",
		[SVMGPU_ENGINE_COPY] = "bcs",
		[SVMGPU_ENGINE_VIDEO_DECODE] = "vcs",
		[SVMGPU_ENGINE_VIDEO_ENHANCE] = "vecs",
		[SVMGPU_ENGINE_COMPUTE] = "ccs",
	};

	return class < SVMGPU_ENGINE_CLASSES ? names[class] : "other";
}

/**
 * svmgpu_engine_instances() - how many engines a class has
 * @dev: the GPU
 * @class: enum svmgpu_engine_class
 *
 * Return: the number, 0 if there is no such class.
 */
u32 svmgpu_engine_instances(struct svmgpu_device *dev, u16 class)
{
	u32 i, n = 0;

	for (i = 0; i < dev->caps.num_engines; i++)
		n += dev->caps.engines[i].class == class;
	return n;
}

/**
 * svmgpu_engine_prop() - value for a new queue
 * @dev: the GPU
 * @class: enum svmgpu_engine_class
 * @id: the property
 *
 * Return: milliseconds or microseconds, as the name says.
 */
u32 svmgpu_engine_prop(struct svmgpu_device *dev, u16 class, enum svmgpu_engine_prop_id id)
{
	return READ_ONCE(dev->engine_props[class].prop[id].value);
}

/**
 * svmgpu_engine_prop_allowed() - may a queue have this value?
 * @dev: the GPU
 * @class: enum svmgpu_engine_class
 * @id: the property
 * @value: what is asked for
 * @privileged: with CAP_SYS_NICE only the driver's own bounds count
 *
 * Return: true if so.
 */
bool svmgpu_engine_prop_allowed(struct svmgpu_device *dev, u16 class,
				enum svmgpu_engine_prop_id id, u32 value, bool privileged)
{
	const struct svmgpu_engine_prop *prop = &dev->engine_props[class].prop[id];

	if (privileged)
		prop = &svmgpu_engine_defaults.prop[id];
	return value >= READ_ONCE(prop->min) && value <= READ_ONCE(prop->max);
}

/**
 * svmgpu_engine_props_init() - all classes get the defaults
 * @dev: the GPU
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_engine_props_init(struct svmgpu_device *dev)
{
	int class;

	dev->engine_props = drmm_kcalloc(&dev->drm, SVMGPU_ENGINE_CLASSES,
					 sizeof(*dev->engine_props), GFP_KERNEL);
	if (!dev->engine_props)
		return -ENOMEM;
	for (class = 0; class < SVMGPU_ENGINE_CLASSES; class++)
		dev->engine_props[class] = svmgpu_engine_defaults;
	return 0;
}

/* --- files ----------------------------------------------------------------- */

static u32 *svmgpu_prop_word(struct svmgpu_engine_prop *prop, enum svmgpu_prop_field field)
{
	switch (field) {
	case SVMGPU_PROP_MIN:
		return &prop->min;
	case SVMGPU_PROP_MAX:
		return &prop->max;
	default:
		return &prop->value;
	}
}

static ssize_t svmgpu_prop_show(struct kobject *kobj, struct kobj_attribute *kattr, char *buf)
{
	struct svmgpu_prop_attr *attr = container_of(kattr, struct svmgpu_prop_attr, attr);
	struct svmgpu_engine_prop prop = svmgpu_engine_defaults.prop[attr->id];

	if (attr->props)
		prop = attr->props->prop[attr->id];
	return sysfs_emit(buf, "%u\n", *svmgpu_prop_word(&prop, attr->field));
}

static ssize_t svmgpu_prop_store(struct kobject *kobj, struct kobj_attribute *kattr,
				 const char *buf, size_t count)
{
	struct svmgpu_prop_attr *attr = container_of(kattr, struct svmgpu_prop_attr, attr);
	const struct svmgpu_engine_prop *bounds = &svmgpu_engine_defaults.prop[attr->id];
	struct svmgpu_engine_prop *prop = &attr->props->prop[attr->id];
	u32 value, min = bounds->min, max = bounds->max;
	int err;

	err = kstrtou32(buf, 0, &value);
	if (err)
		return err;
	if (attr->field != SVMGPU_PROP_MIN)
		min = READ_ONCE(prop->min);
	if (attr->field != SVMGPU_PROP_MAX)
		max = READ_ONCE(prop->max);
	if (value < min || value > max)
		return -EINVAL;
	WRITE_ONCE(*svmgpu_prop_word(prop, attr->field), value);
	return count;
}

static int svmgpu_prop_dir_add(struct svmgpu_prop_dir *dir, struct kobject *parent,
			       const char *name, struct svmgpu_engine_class_props *props)
{
	int id, field, err;

	dir->kobj = kobject_create_and_add(name, parent);
	if (!dir->kobj)
		return -ENOMEM;
	for (id = 0; id < SVMGPU_PROPS; id++) {
		for (field = 0; field < SVMGPU_PROP_FIELDS; field++) {
			struct svmgpu_prop_attr *attr = &dir->attrs[id][field];

			sysfs_attr_init(&attr->attr.attr);
			attr->attr.attr.name = svmgpu_prop_files[id][field];
			attr->attr.attr.mode = props ? 0644 : 0444;
			attr->attr.show = svmgpu_prop_show;
			attr->attr.store = props ? svmgpu_prop_store : NULL;
			attr->props = props;
			attr->id = id;
			attr->field = field;
			err = sysfs_create_file(dir->kobj, &attr->attr.attr);
			if (err)
				return err;
		}
	}
	return 0;
}

/**
 * svmgpu_sysfs_init() - make the files
 * @dev: the GPU
 *
 * Return: 0 or an error.
 */
int svmgpu_sysfs_init(struct svmgpu_device *dev)
{
	struct svmgpu_sysfs *sysfs;
	int class, err = -ENOMEM;

	sysfs = kzalloc_obj(*sysfs);
	if (!sysfs)
		return -ENOMEM;
	dev->sysfs = sysfs;
	sysfs->tile = kobject_create_and_add("tile0", &dev->pdev->dev.kobj);
	if (!sysfs->tile)
		goto err_fini;
	sysfs->gt = kobject_create_and_add("gt0", sysfs->tile);
	if (!sysfs->gt)
		goto err_fini;
	sysfs->engines = kobject_create_and_add("engines", sysfs->gt);
	if (!sysfs->engines)
		goto err_fini;
	for (class = 0; class < SVMGPU_ENGINE_CLASSES; class++) {
		if (!svmgpu_engine_instances(dev, class))
			continue;
		err = svmgpu_prop_dir_add(&sysfs->classes[class], sysfs->engines,
					  svmgpu_engine_class_name(class),
					  &dev->engine_props[class]);
		if (err)
			goto err_fini;
		err = svmgpu_prop_dir_add(&sysfs->defaults[class], sysfs->classes[class].kobj,
					  ".defaults", NULL);
		if (err)
			goto err_fini;
	}
	return 0;

err_fini:
	svmgpu_sysfs_fini(dev);
	return err;
}

/* Also removes the files, and waits for who reads or writes one. */
static void svmgpu_sysfs_remove(struct kobject *kobj)
{
	if (!kobj)
		return;
	kobject_del(kobj);
	kobject_put(kobj);
}

/**
 * svmgpu_sysfs_fini() - remove the files
 * @dev: the GPU
 */
void svmgpu_sysfs_fini(struct svmgpu_device *dev)
{
	struct svmgpu_sysfs *sysfs = dev->sysfs;
	int class;

	if (!sysfs)
		return;
	dev->sysfs = NULL;
	for (class = 0; class < SVMGPU_ENGINE_CLASSES; class++) {
		svmgpu_sysfs_remove(sysfs->defaults[class].kobj);
		svmgpu_sysfs_remove(sysfs->classes[class].kobj);
	}
	svmgpu_sysfs_remove(sysfs->engines);
	svmgpu_sysfs_remove(sysfs->gt);
	svmgpu_sysfs_remove(sysfs->tile);
	kfree(sysfs);
}

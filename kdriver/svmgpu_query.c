// SPDX-License-Identifier: GPL-2.0
/*
 * DEVICE_QUERY. Each query fills a buffer and has the same protocol: a size of
 * zero asks for the size, any other must be exact.
 */

#include <linux/capability.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <drm/drm_device.h>
#include <drm/drm_print.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_pte.h"
#include "svmgpu_sysfs.h"
#include "svmgpu_vram.h"

/* Version of the packets that the device understands, as the tests know it. */
#define SVMGPU_IP_MAJOR		20
#define SVMGPU_IP_MINOR		1
#define SVMGPU_REGION_SYSTEM	0
#define SVMGPU_REGION_VRAM	1
#define SVMGPU_CYCLES_WIDTH	64
/* There is no shader; masks that say so have this many bytes. */
#define SVMGPU_TOPOLOGY_BYTES	8

/* 0: go on and fill @bytes; 1: the size was all that was asked for. */
static int svmgpu_query_size(struct drm_xe_device_query *query, size_t bytes)
{
	if (!query->size) {
		query->size = bytes;
		return 1;
	}
	return query->size == bytes ? 0 : -EINVAL;
}

/* Takes @reply. */
static int svmgpu_query_reply(struct drm_xe_device_query *query, void *reply, size_t bytes)
{
	int err = copy_to_user(u64_to_user_ptr(query->data), reply, bytes) ? -EFAULT : 0;

	kfree(reply);
	return err;
}

static int svmgpu_query_engines(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	struct drm_xe_query_engines *engines;
	size_t bytes = struct_size(engines, engines, dev->caps.num_engines);
	int ret = svmgpu_query_size(query, bytes);
	u32 i;

	if (ret)
		return min(ret, 0);
	engines = kzalloc(bytes, GFP_KERNEL);
	if (!engines)
		return -ENOMEM;
	engines->num_engines = dev->caps.num_engines;
	for (i = 0; i < dev->caps.num_engines; i++) {
		engines->engines[i].instance.engine_class = dev->caps.engines[i].class;
		engines->engines[i].instance.engine_instance = dev->caps.engines[i].instance;
	}
	return svmgpu_query_reply(query, engines, bytes);
}

static int svmgpu_query_mem_regions(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	struct drm_xe_query_mem_regions *regions;
	size_t bytes = struct_size(regions, mem_regions, 2);
	int ret = svmgpu_query_size(query, bytes);
	struct drm_xe_mem_region *region;

	if (ret)
		return min(ret, 0);
	regions = kzalloc(bytes, GFP_KERNEL);
	if (!regions)
		return -ENOMEM;
	regions->num_mem_regions = 2;
	region = &regions->mem_regions[SVMGPU_REGION_SYSTEM];
	region->mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM;
	region->instance = SVMGPU_REGION_SYSTEM;
	region->min_page_size = PAGE_SIZE;
	region->total_size = dev->system.size;
	region->used = min(ttm_resource_manager_usage(&dev->system), region->total_size);
	region = &regions->mem_regions[SVMGPU_REGION_VRAM];
	region->mem_class = DRM_XE_MEM_REGION_CLASS_VRAM;
	region->instance = SVMGPU_REGION_VRAM;
	region->min_page_size = PAGE_SIZE;
	region->total_size = dev->vram.bytes;
	region->cpu_visible_size = dev->vram.visible_bytes;
	/* read one after the other, and yet consistent */
	region->cpu_visible_used = svmgpu_vram_visible_used(&dev->vram);
	region->used = max(svmgpu_vram_used(&dev->vram), region->cpu_visible_used);
	return svmgpu_query_reply(query, regions, bytes);
}

static int svmgpu_query_config(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	const u32 num = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
	struct drm_xe_query_config *config;
	size_t bytes = struct_size(config, info, num);
	int ret = svmgpu_query_size(query, bytes);

	if (ret)
		return min(ret, 0);
	config = kzalloc(bytes, GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	config->num_params = num;
	config->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = dev->devid;
	config->info[DRM_XE_QUERY_CONFIG_FLAGS] =
		DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM |
		DRM_XE_QUERY_CONFIG_FLAG_HAS_LOW_LATENCY |
		DRM_XE_QUERY_CONFIG_FLAG_HAS_CPU_ADDR_MIRROR |
		DRM_XE_QUERY_CONFIG_FLAG_HAS_NO_COMPRESSION_HINT |
		DRM_XE_QUERY_CONFIG_FLAG_HAS_PURGING_SUPPORT;
	config->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = SZ_4K;
	config->info[DRM_XE_QUERY_CONFIG_VA_BITS] = SVMGPU_VA_BITS;
	config->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = capable(CAP_SYS_NICE) ? 2 : 1;
	return svmgpu_query_reply(query, config, bytes);
}

static int svmgpu_query_gt_list(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	struct drm_xe_query_gt_list *list;
	size_t bytes = struct_size(list, gt_list, 1);
	int ret = svmgpu_query_size(query, bytes);

	if (ret)
		return min(ret, 0);
	list = kzalloc(bytes, GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	list->num_gt = 1;
	list->gt_list[0].type = DRM_XE_QUERY_GT_TYPE_MAIN;
	list->gt_list[0].reference_clock = dev->caps.reference_clock_hz;
	list->gt_list[0].near_mem_regions = BIT(SVMGPU_REGION_VRAM);
	list->gt_list[0].far_mem_regions = BIT(SVMGPU_REGION_SYSTEM);
	list->gt_list[0].ip_ver_major = SVMGPU_IP_MAJOR;
	list->gt_list[0].ip_ver_minor = SVMGPU_IP_MINOR;
	return svmgpu_query_reply(query, list, bytes);
}

/* A table of fixed facts about shaders and caches, of which there are none. */
static int svmgpu_query_hwconfig(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	return min(svmgpu_query_size(query, 0), 0);
}

static int svmgpu_query_topology(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	static const u16 types[] = {
		DRM_XE_TOPO_DSS_GEOMETRY, DRM_XE_TOPO_DSS_COMPUTE, DRM_XE_TOPO_SIMD16_EU_PER_DSS,
	};
	const size_t one = sizeof(struct drm_xe_query_topology_mask) + SVMGPU_TOPOLOGY_BYTES;
	size_t bytes = one * ARRAY_SIZE(types);
	int ret = svmgpu_query_size(query, bytes);
	void *masks;
	int i;

	if (ret)
		return min(ret, 0);
	masks = kzalloc(bytes, GFP_KERNEL);
	if (!masks)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct drm_xe_query_topology_mask *mask = masks + i * one;

		mask->type = types[i];
		mask->num_bytes = SVMGPU_TOPOLOGY_BYTES;
	}
	return svmgpu_query_reply(query, masks, bytes);
}

static bool svmgpu_query_clock(clockid_t id, u64 (**clock)(void))
{
	switch (id) {
	case CLOCK_MONOTONIC:
		*clock = ktime_get_ns;
		return true;
	case CLOCK_MONOTONIC_RAW:
		*clock = ktime_get_raw_ns;
		return true;
	case CLOCK_REALTIME:
		*clock = ktime_get_real_ns;
		return true;
	case CLOCK_BOOTTIME:
		*clock = ktime_get_boottime_ns;
		return true;
	case CLOCK_TAI:
		*clock = ktime_get_clocktai_ns;
		return true;
	default:
		return false;
	}
}

static bool svmgpu_query_has_engine(struct svmgpu_device *dev,
				    const struct drm_xe_engine_class_instance *eci)
{
	u32 i;

	for (i = 0; i < dev->caps.num_engines; i++)
		if (dev->caps.engines[i].class == eci->engine_class &&
		    dev->caps.engines[i].instance == eci->engine_instance)
			return !eci->gt_id;
	return false;
}

/*
 * The free-running counter of an engine. All run from one clock; reading it from
 * the device would take longer than what callers want to measure, so it is the
 * guest's clock in units of the reference clock.
 */
static int svmgpu_query_cycles(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	struct drm_xe_query_engine_cycles __user *user = u64_to_user_ptr(query->data);
	int ret = svmgpu_query_size(query, sizeof(*user));
	struct drm_xe_query_engine_cycles reply;
	u64 (*clock)(void);
	unsigned long flags;
	u64 begin, now;

	if (ret)
		return min(ret, 0);
	if (copy_from_user(&reply, user, sizeof(reply)))
		return -EFAULT;
	if (!svmgpu_query_clock(reply.clockid, &clock) ||
	    !svmgpu_query_has_engine(dev, &reply.eci))
		return -EINVAL;
	/* the two clocks are read next to each other */
	local_irq_save(flags);
	begin = ktime_get_ns();
	reply.cpu_timestamp = clock();
	now = ktime_get_ns();
	reply.cpu_delta = ktime_get_ns() - begin;
	local_irq_restore(flags);
	reply.engine_cycles = mul_u64_u64_div_u64(now, dev->caps.reference_clock_hz, NSEC_PER_SEC);
	reply.width = SVMGPU_CYCLES_WIDTH;
	return copy_to_user(user, &reply, sizeof(reply)) ? -EFAULT : 0;
}

/* The device itself stands for the submission firmware; there is no other. */
static int svmgpu_query_firmware(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	struct drm_xe_query_uc_fw_version __user *user = u64_to_user_ptr(query->data);
	int ret = svmgpu_query_size(query, sizeof(*user));
	struct drm_xe_query_uc_fw_version reply;

	if (ret)
		return min(ret, 0);
	if (copy_from_user(&reply, user, sizeof(reply)))
		return -EFAULT;
	if (reply.pad || reply.pad2 || reply.reserved)
		return -EINVAL;
	if (reply.uc_type == XE_QUERY_UC_TYPE_HUC)
		return -ENODEV;
	if (reply.uc_type != XE_QUERY_UC_TYPE_GUC_SUBMISSION)
		return -EINVAL;
	reply.branch_ver = 0;
	reply.major_ver = SVMGPU_ABI_VERSION >> 16;
	reply.minor_ver = SVMGPU_ABI_VERSION & 0xffff;
	reply.patch_ver = 0;
	return copy_to_user(user, &reply, sizeof(reply)) ? -EFAULT : 0;
}

/* No observation units: an empty list. */
static int svmgpu_query_oa_units(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	size_t bytes = sizeof(struct drm_xe_query_oa_units);
	int ret = svmgpu_query_size(query, bytes);
	void *units;

	if (ret)
		return min(ret, 0);
	units = kzalloc(bytes, GFP_KERNEL);
	if (!units)
		return -ENOMEM;
	return svmgpu_query_reply(query, units, bytes);
}

static int svmgpu_query_pxp_status(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	int ret = svmgpu_query_size(query, sizeof(struct drm_xe_query_pxp_status));

	return ret ? min(ret, 0) : -ENODEV;
}

static int svmgpu_query_eu_stall(struct svmgpu_device *dev, struct drm_xe_device_query *query)
{
	return -ENODEV;
}

typedef int (*svmgpu_query_fn)(struct svmgpu_device *dev, struct drm_xe_device_query *query);

static const svmgpu_query_fn svmgpu_queries[] = {
	[DRM_XE_DEVICE_QUERY_ENGINES] = svmgpu_query_engines,
	[DRM_XE_DEVICE_QUERY_MEM_REGIONS] = svmgpu_query_mem_regions,
	[DRM_XE_DEVICE_QUERY_CONFIG] = svmgpu_query_config,
	[DRM_XE_DEVICE_QUERY_GT_LIST] = svmgpu_query_gt_list,
	[DRM_XE_DEVICE_QUERY_HWCONFIG] = svmgpu_query_hwconfig,
	[DRM_XE_DEVICE_QUERY_GT_TOPOLOGY] = svmgpu_query_topology,
	[DRM_XE_DEVICE_QUERY_ENGINE_CYCLES] = svmgpu_query_cycles,
	[DRM_XE_DEVICE_QUERY_UC_FW_VERSION] = svmgpu_query_firmware,
	[DRM_XE_DEVICE_QUERY_OA_UNITS] = svmgpu_query_oa_units,
	[DRM_XE_DEVICE_QUERY_PXP_STATUS] = svmgpu_query_pxp_status,
	[DRM_XE_DEVICE_QUERY_EU_STALL] = svmgpu_query_eu_stall,
};

/**
 * svmgpu_query_ioctl() - DRM_IOCTL_XE_DEVICE_QUERY
 * @drm: the device
 * @data: struct drm_xe_device_query
 * @file: who asks
 *
 * Return: 0; -EINVAL for bad arguments or a wrong size, -EFAULT, -ENOMEM,
 * -ENODEV for what this GPU has not.
 */
int svmgpu_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_xe_device_query *query = data;
	u32 index;

	if (query->extensions || query->reserved[0] || query->reserved[1] ||
	    query->query >= ARRAY_SIZE(svmgpu_queries))
		return -EINVAL;
	index = array_index_nospec(query->query, ARRAY_SIZE(svmgpu_queries));
	return svmgpu_queries[index](to_svmgpu(drm), query);
}

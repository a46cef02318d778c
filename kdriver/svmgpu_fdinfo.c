// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/fdinfo of DRM files: memory by region and engine time by class, in
 * the keys of Documentation/gpu/drm-usage-stats.rst. Engine time counts in ticks
 * of the reference clock.
 */

#include <linux/ktime.h>
#include <linux/math64.h>

#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_tt.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_sysfs.h"

static const char *const svmgpu_regions[] = {
	[TTM_PL_SYSTEM] = "system",
	[TTM_PL_TT] = "gtt",
	[TTM_PL_VRAM] = "vram0",
};

/* resv held */
static void svmgpu_fdinfo_add(struct svmgpu_bo *bo, struct drm_memory_stats *stats)
{
	struct ttm_buffer_object *ttm = &bo->ttm;
	u64 bytes = ttm->base.size;
	bool resident;
	u32 type;

	/* purged: nowhere */
	if (!ttm->resource)
		return;
	type = ttm->resource->mem_type;
	stats += type;
	if (drm_gem_object_is_shared_for_memory_stats(&ttm->base))
		stats->shared += bytes;
	else
		stats->private += bytes;
	resident = type == TTM_PL_VRAM || (ttm->ttm && ttm_tt_is_populated(ttm->ttm));
	if (!resident)
		return;
	stats->resident += bytes;
	if (!dma_resv_test_signaled(ttm->base.resv, DMA_RESV_USAGE_BOOKKEEP))
		stats->active += bytes;
	else if (type == TTM_PL_SYSTEM || bo->purge == SVMGPU_DONTNEED)
		stats->purgeable += bytes;
}

static void svmgpu_fdinfo_memory(struct drm_printer *p, struct drm_file *file)
{
	struct drm_memory_stats stats[ARRAY_SIZE(svmgpu_regions)] = {};
	struct drm_gem_object *obj;
	int id, type;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		if (svmgpu_bo_trylock(gem_to_bo(obj))) {
			svmgpu_fdinfo_add(gem_to_bo(obj), stats);
			svmgpu_bo_unlock(gem_to_bo(obj));
			continue;
		}
		/* the reference keeps the place in the table's walk */
		drm_gem_object_get(obj);
		spin_unlock(&file->table_lock);
		svmgpu_bo_lock(gem_to_bo(obj), false);
		svmgpu_fdinfo_add(gem_to_bo(obj), stats);
		svmgpu_bo_unlock(gem_to_bo(obj));
		drm_gem_object_put(obj);
		spin_lock(&file->table_lock);
	}
	spin_unlock(&file->table_lock);

	for (type = 0; type < ARRAY_SIZE(stats); type++)
		drm_print_memory_stats(p, &stats[type],
				       DRM_GEM_OBJECT_ACTIVE | DRM_GEM_OBJECT_RESIDENT |
				       DRM_GEM_OBJECT_PURGEABLE, svmgpu_regions[type]);
}

static u64 svmgpu_fdinfo_ticks(struct svmgpu_device *dev, u64 ns)
{
	return mul_u64_u64_div_u64(ns, dev->caps.reference_clock_hz, NSEC_PER_SEC);
}

static void svmgpu_fdinfo_engines(struct drm_printer *p, struct svmgpu_file *file)
{
	struct svmgpu_device *dev = file->dev;
	u64 run_ns[SVMGPU_ENGINE_CLASSES] = {};
	struct svmgpu_exec_queue *queue;
	unsigned long id;
	u64 now;
	int class;

	xa_lock(&file->queues);
	xa_for_each(&file->queues, id, queue)
		if (!svmgpu_exec_queue_is_bind(queue) && queue->class < SVMGPU_ENGINE_CLASSES)
			run_ns[queue->class] += svmgpu_exec_queue_runtime_ns(queue);
	/* a queue that is going adds its time before it leaves the table's sum */
	for (class = 0; class < SVMGPU_ENGINE_CLASSES; class++)
		run_ns[class] += atomic64_read(&file->run_ns[class]);
	xa_unlock(&file->queues);
	now = ktime_get_ns();

	for (class = 0; class < SVMGPU_ENGINE_CLASSES; class++) {
		const char *name = svmgpu_engine_class_name(class);
		u32 engines = svmgpu_engine_instances(dev, class);

		if (!engines)
			continue;
		drm_printf(p, "drm-cycles-%s:\t%llu\n", name,
			   svmgpu_fdinfo_ticks(dev, run_ns[class]));
		drm_printf(p, "drm-total-cycles-%s:\t%llu\n", name, svmgpu_fdinfo_ticks(dev, now));
		if (engines > 1)
			drm_printf(p, "drm-engine-capacity-%s:\t%u\n", name, engines);
	}
}

/**
 * svmgpu_fdinfo_show() - drm_driver.show_fdinfo
 * @p: where to
 * @file: of this file
 *
 * May sleep.
 */
void svmgpu_fdinfo_show(struct drm_printer *p, struct drm_file *file)
{
	svmgpu_fdinfo_memory(p, file);
	svmgpu_fdinfo_engines(p, file->driver_priv);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs, below dri/MINOR: what tests of the xe uAPI look up, and what a person
 * wants to know. Files about things that this GPU has not (firmware residency,
 * register workarounds, virtual functions) say so.
 */

#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/seq_file.h>
#include <linux/string_choices.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_pat.h"
#include "svmgpu_pte.h"
#include "svmgpu_race.h"
#include "svmgpu_stats.h"
#include "svmgpu_sysfs.h"
#include "svmgpu_vram.h"

/** struct svmgpu_debugfs_file - a file that shows something */
struct svmgpu_debugfs_file {
	/** @name: in its directory */
	const char *name;
	/** @show: prints it; may sleep */
	int (*show)(struct svmgpu_device *dev, struct drm_printer *p);
};

/** struct svmgpu_debugfs_open - a file together with its device */
struct svmgpu_debugfs_open {
	/** @file: what to show */
	const struct svmgpu_debugfs_file *file;
	/** @dev: of which GPU */
	struct svmgpu_device *dev;
};

static int svmgpu_show_info(struct svmgpu_device *dev, struct drm_printer *p)
{
	u32 i;

	drm_printf(p, "devid 0x%x\n", dev->devid);
	drm_puts(p, "revid 0\n");
	drm_puts(p, "is_dgfx yes\n");
	drm_puts(p, "tile_count 1\n");
	drm_puts(p, "gt_count 1\n");
	drm_printf(p, "vm_max_level %d\n", SVMGPU_PT_ROOT_LEVEL);
	drm_puts(p, "has_flat_ccs no\n");
	drm_puts(p, "has_usm yes\n");
	drm_printf(p, "gpu %u of %u\n", dev->caps.gpu_index, dev->caps.gpu_count);
	drm_printf(p, "fabric %#x peers %#x up %#x\n", dev->caps.fabric_id,
		   dev->caps.fabric_peers, svmgpu_read32(dev, SVMGPU_REG_FABRIC_UP));
	drm_printf(p, "vram %llu visible %llu\n", dev->vram.bytes, dev->vram.visible_bytes);
	drm_printf(p, "wedged %s\n", str_yes_no(svmgpu_device_wedged(dev)));
	/* several contexts of one class can run a job side by side */
	drm_puts(p, "multi_lrc_engine_classes");
	for (i = 0; i < SVMGPU_ENGINE_CLASSES; i++)
		if (svmgpu_engine_instances(dev, i) > 1)
			drm_printf(p, " %s", svmgpu_engine_class_name(i));
	drm_puts(p, "\ngt0 engines");
	for (i = 0; i < dev->caps.num_engines; i++)
		drm_printf(p, " %s%u", svmgpu_engine_class_name(dev->caps.engines[i].class),
			   dev->caps.engines[i].instance);
	drm_puts(p, "\ngt0 multi_queue_engine_classes\n");
	return 0;
}

static int svmgpu_show_sriov_info(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "supported: no\nenabled: no\nmode: none\n");
	return 0;
}

static int svmgpu_show_workarounds(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "Workarounds: none\n");
	return 0;
}

static int svmgpu_show_pkg_residencies(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "package states are not modelled\n");
	return 0;
}

static int svmgpu_show_link_residencies(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "PCIE LINK L0 RESIDENCY : not modelled\n");
	return 0;
}

static const struct svmgpu_debugfs_file svmgpu_root_files[] = {
	{ "info", svmgpu_show_info },
	{ "sriov_info", svmgpu_show_sriov_info },
	{ "workarounds", svmgpu_show_workarounds },
	{ "dgfx_pkg_residencies", svmgpu_show_pkg_residencies },
	{ "dgfx_pcie_link_residencies", svmgpu_show_link_residencies },
};

static int svmgpu_show_ggtt(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "no global page table\n");
	return 0;
}

static int svmgpu_show_sa_info(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "no suballocator\n");
	return 0;
}

static const struct svmgpu_debugfs_file svmgpu_tile_files[] = {
	{ "ggtt", svmgpu_show_ggtt },
	{ "sa_info", svmgpu_show_sa_info },
};

static int svmgpu_show_stats(struct svmgpu_device *dev, struct drm_printer *p)
{
	svmgpu_stats_print(dev, p);
	return 0;
}

static int svmgpu_show_pat(struct svmgpu_device *dev, struct drm_printer *p)
{
	svmgpu_pat_print(p, false);
	return 0;
}

static int svmgpu_show_pat_sw_config(struct svmgpu_device *dev, struct drm_printer *p)
{
	svmgpu_pat_print(p, true);
	return 0;
}

static int svmgpu_show_mocs(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "the device caches nothing: every MOCS index means the same\n");
	return 0;
}

static int svmgpu_show_nothing(struct svmgpu_device *dev, struct drm_printer *p)
{
	return 0;
}

static int svmgpu_show_topology(struct svmgpu_device *dev, struct drm_printer *p)
{
	drm_puts(p, "no shaders\n");
	return 0;
}

static int svmgpu_show_engines(struct svmgpu_device *dev, struct drm_printer *p)
{
	u32 i;

	for (i = 0; i < dev->caps.num_engines; i++) {
		u16 class = dev->caps.engines[i].class;

		drm_printf(p, "%s%u (hardware engine %u)\n", svmgpu_engine_class_name(class),
			   dev->caps.engines[i].instance, i);
	}
	drm_printf(p, "errors counted by the device: %u, last %u\n",
		   svmgpu_read32(dev, SVMGPU_REG_ERROR_COUNT),
		   svmgpu_read32(dev, SVMGPU_REG_ERROR_LAST));
	return 0;
}

/* As with xe, reading these resets too. */
static int svmgpu_show_force_reset(struct svmgpu_device *dev, struct drm_printer *p)
{
	svmgpu_device_queue_reset(dev);
	return 0;
}

static int svmgpu_show_force_reset_sync(struct svmgpu_device *dev, struct drm_printer *p)
{
	svmgpu_device_reset(dev);
	return 0;
}

static const struct svmgpu_debugfs_file svmgpu_gt_files[] = {
	{ "stats", svmgpu_show_stats },
	{ "pat", svmgpu_show_pat },
	{ "pat_sw_config", svmgpu_show_pat_sw_config },
	{ "mocs", svmgpu_show_mocs },
	{ "register-save-restore", svmgpu_show_nothing },
	/* lists registers that lost their values: none */
	{ "register-save-restore-check", svmgpu_show_nothing },
	{ "topology", svmgpu_show_topology },
	{ "hw_engines", svmgpu_show_engines },
	{ "force_reset", svmgpu_show_force_reset },
	{ "force_reset_sync", svmgpu_show_force_reset_sync },
};

static int svmgpu_debugfs_show(struct seq_file *m, void *unused)
{
	struct svmgpu_debugfs_open *open = m->private;
	struct drm_printer p = drm_seq_file_printer(m);
	int idx, err;

	if (!drm_dev_enter(&open->dev->drm, &idx))
		return -ENODEV;
	err = open->file->show(open->dev, &p);
	drm_dev_exit(idx);
	return err;
}

static int svmgpu_debugfs_open_file(struct inode *inode, struct file *file)
{
	return single_open(file, svmgpu_debugfs_show, inode->i_private);
}

/* Writing anything does what reading does; only the resets do something. */
static ssize_t svmgpu_debugfs_write(struct file *file, const char __user *buf, size_t count,
				    loff_t *pos)
{
	struct seq_file *m = file->private_data;
	struct svmgpu_debugfs_open *open = m->private;
	int idx;

	if (!drm_dev_enter(&open->dev->drm, &idx))
		return -ENODEV;
	if (open->file->show == svmgpu_show_force_reset)
		svmgpu_device_queue_reset(open->dev);
	else if (open->file->show == svmgpu_show_force_reset_sync)
		svmgpu_device_reset(open->dev);
	drm_dev_exit(idx);
	return count;
}

static const struct file_operations svmgpu_debugfs_fops = {
	.owner = THIS_MODULE,
	.open = svmgpu_debugfs_open_file,
	.read = seq_read,
	.write = svmgpu_debugfs_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static void svmgpu_debugfs_add(struct svmgpu_device *dev, struct dentry *dir,
			       const struct svmgpu_debugfs_file *files, size_t count)
{
	struct svmgpu_debugfs_open *open;
	size_t i;

	open = drmm_kcalloc(&dev->drm, count, sizeof(*open), GFP_KERNEL);
	if (!open)
		return;
	for (i = 0; i < count; i++) {
		bool writable = files[i].show == svmgpu_show_force_reset ||
				files[i].show == svmgpu_show_force_reset_sync;

		open[i].file = &files[i];
		open[i].dev = dev;
		debugfs_create_file(files[i].name, writable ? 0600 : 0400, dir, &open[i],
				    &svmgpu_debugfs_fops);
	}
}

/* --- files that are more than text ----------------------------------------- */

/* Holding it open would keep the GPU awake; it never sleeps. */
static const struct file_operations svmgpu_forcewake_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
};

static int svmgpu_wedged_mode_get(void *data, u64 *value)
{
	struct svmgpu_device *dev = data;

	*value = READ_ONCE(dev->wedged_mode);
	return 0;
}

static int svmgpu_wedged_mode_set(void *data, u64 value)
{
	struct svmgpu_device *dev = data;

	if (value > 2)
		return -EINVAL;
	WRITE_ONCE(dev->wedged_mode, value);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(svmgpu_wedged_mode_fops, svmgpu_wedged_mode_get, svmgpu_wedged_mode_set,
			 "%llu\n");

/**
 * svmgpu_debugfs_init() - make the files
 * @dev: the GPU, registered; they go when it is unregistered
 */
void svmgpu_debugfs_init(struct svmgpu_device *dev)
{
	struct dentry *root = dev->drm.debugfs_root;
	struct dentry *dir;

	if (IS_ERR_OR_NULL(root))
		return;
	svmgpu_debugfs_add(dev, root, svmgpu_root_files, ARRAY_SIZE(svmgpu_root_files));
	debugfs_create_file("forcewake_all", 0400, root, dev, &svmgpu_forcewake_fops);
	debugfs_create_file_unsafe("wedged_mode", 0600, root, dev, &svmgpu_wedged_mode_fops);
	debugfs_create_u32("atomic_svm_timeslice_ms", 0600, root, &dev->atomic_timeslice_ms);
	/* no firmware is ever loaded late, so that this only remembers what was written */
	debugfs_create_u32("disable_late_binding", 0600, root, &dev->disable_late_binding);
	svmgpu_race_debugfs(dev, root);
	ttm_resource_manager_create_debugfs(&dev->system, root, "gtt_mm");
#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
	fault_create_debugfs_attr("fail_gt_reset", root, &svmgpu_fail_reset);
#endif

	dir = debugfs_create_dir("tile0", root);
	svmgpu_debugfs_add(dev, dir, svmgpu_tile_files, ARRAY_SIZE(svmgpu_tile_files));
	ttm_resource_manager_create_debugfs(&dev->vram.manager, dir, "vram_mm");

	dir = debugfs_create_dir("gt0", root);
	svmgpu_debugfs_add(dev, dir, svmgpu_gt_files, ARRAY_SIZE(svmgpu_gt_files));
}

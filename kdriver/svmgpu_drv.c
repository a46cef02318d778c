// SPDX-License-Identifier: GPL-2.0
/*
 * The module: parameters, the PCI and DRM drivers, and the table of ioctls. The
 * user-space interface is that of xe (uapi/drm/xe_drm.h).
 */

#include <linux/compat.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_pagemap_util.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_svm.h"
#include "svmgpu_trace_sink.h"
#include "svmgpu_vm.h"

#if !IS_ENABLED(CONFIG_DRM_GPUSVM) || !IS_ENABLED(CONFIG_DRM_GPUVM) || \
	!IS_ENABLED(CONFIG_DRM_TTM) || !IS_ENABLED(CONFIG_DRM_SCHED) || \
	!IS_ENABLED(CONFIG_DEVICE_PRIVATE)
#error "the kernel lacks helpers that svmgpu needs; enable CONFIG_DRM_XE=m with GPUSVM and PAGEMAP"
#endif

static char *driver_name = "svmgpu";
module_param(driver_name, charp, 0444);
MODULE_PARM_DESC(driver_name, "Name of the DRM and PCI drivers (IGT's xe tests look for \"xe\")");

static ushort device_id = 0xe20b;
module_param(device_id, ushort, 0444);
MODULE_PARM_DESC(device_id, "Device id that DEVICE_QUERY reports; it tells tests which packets to use");

/* --- files ----------------------------------------------------------------- */

static int svmgpu_file_open(struct drm_device *drm, struct drm_file *file)
{
	struct svmgpu_file *sfile;

	sfile = kzalloc_obj(*sfile);
	if (!sfile)
		return -ENOMEM;
	sfile->dev = to_svmgpu(drm);
	sfile->drm = file;
	xa_init_flags(&sfile->vms, XA_FLAGS_ALLOC1);
	xa_init_flags(&sfile->queues, XA_FLAGS_ALLOC1);
	file->driver_priv = sfile;
	return 0;
}

static void svmgpu_file_close(struct drm_device *drm, struct drm_file *file)
{
	struct svmgpu_file *sfile = file->driver_priv;
	struct svmgpu_vm *vm;
	unsigned long id;

	/* queues first: a VM is only taken down when nothing runs in it */
	svmgpu_exec_queues_close(sfile);
	xa_for_each(&sfile->vms, id, vm) {
		xa_erase(&sfile->vms, id);
		svmgpu_vm_close(vm);
		svmgpu_vm_put(vm);
	}
	xa_destroy(&sfile->queues);
	xa_destroy(&sfile->vms);
	kfree(sfile);
	file->driver_priv = NULL;
}

/* --- ioctls ---------------------------------------------------------------- */

static const struct drm_ioctl_desc svmgpu_ioctls[] = {
	DRM_IOCTL_DEF_DRV(XE_DEVICE_QUERY, svmgpu_query_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_GEM_CREATE, svmgpu_gem_create_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_GEM_MMAP_OFFSET, svmgpu_gem_mmap_offset_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_VM_CREATE, svmgpu_vm_create_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_VM_DESTROY, svmgpu_vm_destroy_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_VM_BIND, svmgpu_vm_bind_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_EXEC_QUEUE_CREATE, svmgpu_exec_queue_create_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_EXEC_QUEUE_DESTROY, svmgpu_exec_queue_destroy_ioctl,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_EXEC_QUEUE_GET_PROPERTY, svmgpu_exec_queue_get_property_ioctl,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_EXEC, svmgpu_exec_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_WAIT_USER_FENCE, svmgpu_wait_user_fence_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_MADVISE, svmgpu_madvise_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_VM_QUERY_MEM_RANGE_ATTRS, svmgpu_query_mem_attrs_ioctl,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_EXEC_QUEUE_SET_PROPERTY, svmgpu_exec_queue_set_property_ioctl,
			  DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(XE_VM_GET_PROPERTY, svmgpu_vm_get_property_ioctl, DRM_RENDER_ALLOW),
};

/* Waits that only user space ends: they must not keep a device from going. */
static bool svmgpu_ioctl_waits(unsigned int cmd)
{
	switch (DRM_IOCTL_NR(cmd)) {
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_WAIT):
	case DRM_IOCTL_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT):
	case DRM_IOCTL_NR(DRM_IOCTL_XE_WAIT_USER_FENCE):
		return true;
	default:
		return false;
	}
}

/*
 * None begins on a device that is lost or gone. All but those that wait for user
 * space run with the device present.
 */
static long svmgpu_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct drm_file *drm_file = file->private_data;
	struct svmgpu_device *dev = to_svmgpu(drm_file->minor->dev);
	long ret;
	int idx;

	if (drm_dev_is_unplugged(&dev->drm))
		return -ENODEV;
	if (svmgpu_device_wedged(dev))
		return -ECANCELED;
	if (svmgpu_ioctl_waits(cmd))
		return drm_ioctl(file, cmd, arg);
	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	ret = drm_ioctl(file, cmd, arg);
	drm_dev_exit(idx);
	return ret;
}

static const struct file_operations svmgpu_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = svmgpu_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = svmgpu_gem_mmap,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
	.show_fdinfo = drm_show_fdinfo,
	.fop_flags = FOP_UNSIGNED_OFFSET,
};

/**
 * svmgpu_file_from() - the driver's file behind an open file
 * @file: any file
 *
 * The caller holds a reference to @file.
 *
 * Return: the svmgpu_file, or NULL if it is not a DRM file of this driver.
 */
struct svmgpu_file *svmgpu_file_from(struct file *file)
{
	struct drm_file *drm_file;

	if (file->f_op != &svmgpu_fops)
		return NULL;
	drm_file = file->private_data;
	return drm_file->driver_priv;
}

/* --- drivers --------------------------------------------------------------- */

/* not constant: the name is a module parameter */
static struct drm_driver svmgpu_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_GEM_GPUVA | DRIVER_RENDER | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = svmgpu_file_open,
	.postclose = svmgpu_file_close,
	.gem_prime_import = svmgpu_prime_import,
	.show_fdinfo = svmgpu_fdinfo_show,
	.ioctls = svmgpu_ioctls,
	.num_ioctls = ARRAY_SIZE(svmgpu_ioctls),
	.fops = &svmgpu_fops,
	.desc = SVMGPU_DRIVER_DESC,
	.major = SVMGPU_DRIVER_MAJOR,
	.minor = SVMGPU_DRIVER_MINOR,
};

static int svmgpu_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct svmgpu_device *dev;
	int err;

	dev = svmgpu_device_create(pdev, &svmgpu_drm_driver);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->devid = device_id;
	pci_set_drvdata(pdev, dev);
	err = svmgpu_device_init(dev);
	if (err)
		pci_set_drvdata(pdev, NULL);
	return err;
}

static void svmgpu_pci_remove(struct pci_dev *pdev)
{
	struct svmgpu_device *dev = pci_get_drvdata(pdev);

	pci_set_drvdata(pdev, NULL);
	svmgpu_device_remove(dev);
}

static void svmgpu_pci_reset_prepare(struct pci_dev *pdev)
{
	svmgpu_device_flr_prepare(pci_get_drvdata(pdev));
}

static void svmgpu_pci_reset_done(struct pci_dev *pdev)
{
	svmgpu_device_flr_done(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers svmgpu_pci_error_handlers = {
	.reset_prepare = svmgpu_pci_reset_prepare,
	.reset_done = svmgpu_pci_reset_done,
};

static const struct pci_device_id svmgpu_pci_ids[] = {
	{ PCI_DEVICE(SVMGPU_PCI_VENDOR, SVMGPU_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, svmgpu_pci_ids);

static struct pci_driver svmgpu_pci_driver = {
	.id_table = svmgpu_pci_ids,
	.probe = svmgpu_pci_probe,
	.remove = svmgpu_pci_remove,
	.err_handler = &svmgpu_pci_error_handlers,
};

/*
 * Programs find a PCI driver by /sys/module/NAME/drivers, to bind it anew. Under
 * another module's name that is a directory which the driver core makes, for a
 * driver that names a module but has no owner. Nothing here relies on the owner:
 * this module's exit waits for its devices by unregistering the driver.
 */
static int __init svmgpu_register_driver(void)
{
	bool own_name = !strcmp(driver_name, KBUILD_MODNAME);

	return __pci_register_driver(&svmgpu_pci_driver, own_name ? THIS_MODULE : NULL,
				     driver_name);
}

static int __init svmgpu_module_init(void)
{
	int err;

	if (drm_firmware_drivers_only())
		return -ENODEV;
	svmgpu_drm_driver.name = driver_name;
	svmgpu_pci_driver.name = driver_name;
	err = svmgpu_device_module_init();
	if (err)
		return err;
	err = svmgpu_register_driver();
	if (err) {
		svmgpu_device_module_fini();
		svmgpu_trace_sink_module_fini();
	}
	return err;
}
module_init(svmgpu_module_init);

static void __exit svmgpu_module_exit(void)
{
	pci_unregister_driver(&svmgpu_pci_driver);
	svmgpu_device_module_fini();
	svmgpu_trace_sink_module_fini();
	/* callbacks of ours that are still on their way */
	rcu_barrier();
}
module_exit(svmgpu_module_exit);

MODULE_DESCRIPTION(SVMGPU_DRIVER_DESC);
MODULE_AUTHOR("The svmgpu authors");
MODULE_LICENSE("GPL");

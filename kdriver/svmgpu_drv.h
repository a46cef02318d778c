/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module: its parameters, the DRM driver and the PCI driver, and what the
 * DRM core calls on a device or file.
 */
#ifndef SVMGPU_DRV_H
#define SVMGPU_DRV_H

#include <linux/types.h>

#include "svmgpu_regs.h"

struct drm_device;
struct drm_file;
struct drm_printer;
struct file;
struct svmgpu_device;
struct svmgpu_file;
struct vm_area_struct;

#define SVMGPU_DRIVER_DESC	"svmgpu virtual GPU"
#define SVMGPU_DRIVER_MAJOR	1
#define SVMGPU_DRIVER_MINOR	1

/* Reference to the svmgpu_file behind an open file, if it is one of ours; else NULL. */
struct svmgpu_file *svmgpu_file_from(struct file *file);

/* svmgpu_query.c */
int svmgpu_query_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
/* svmgpu_gem.c */
int svmgpu_gem_mmap(struct file *file, struct vm_area_struct *vma);
/* svmgpu_fdinfo.c */
void svmgpu_fdinfo_show(struct drm_printer *p, struct drm_file *file);
/* svmgpu_debugfs.c */
void svmgpu_debugfs_init(struct svmgpu_device *dev);
/* svmgpu_irq.c: event and fault handlers are threads, command and migration hard interrupts */
int svmgpu_irq_init(struct svmgpu_device *dev);
void svmgpu_irq_fini(struct svmgpu_device *dev);
/* One vector; not an error when it was never requested. Waits for its handler. */
void svmgpu_irq_free(struct svmgpu_device *dev, enum svmgpu_vector vector);
/* Around a reset; @enable false waits until no handler runs. */
void svmgpu_irq_enable(struct svmgpu_device *dev, bool enable);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device: one struct per GPU function, alive from probe until the last
 * DRM file is closed. It holds what the hardware offers, the rings, the memory
 * managers and the look-up tables that interrupts use.
 */
#ifndef SVMGPU_DEVICE_H
#define SVMGPU_DEVICE_H

#include <linux/idr.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_pagemap_util.h>
#include <drm/ttm/ttm_device.h>

#include "svmgpu_command.h"
#include "svmgpu_lock.h"
#include "svmgpu_migrate.h"
#include "svmgpu_regs.h"
#include "svmgpu_vram.h"

struct pci_dev;
struct svmgpu_engine;
struct svmgpu_events;
struct svmgpu_faults;
struct svmgpu_pagemap;
struct svmgpu_stats;
struct svmgpu_trace_sink;

/** struct svmgpu_engine_info - one command streamer, as the hardware names it */
struct svmgpu_engine_info {
	/** @class: enum svmgpu_engine_class, the numbers of the xe uAPI */
	u16 class;
	/** @instance: number within its class */
	u16 instance;
};

/** struct svmgpu_caps - what the registers said at probe; constant afterwards */
struct svmgpu_caps {
	/** @gpu_index: place in the fabric, 0 .. @gpu_count - 1 */
	u32 gpu_index;
	/** @gpu_count: GPUs in the fabric */
	u32 gpu_count;
	/** @fabric_id: equal for all GPUs of one fabric */
	u32 fabric_id;
	/** @fabric_peers: bit n: linked to GPU n */
	u32 fabric_peers;
	/** @vram_bytes: all of VRAM */
	u64 vram_bytes;
	/** @visible_bytes: the part behind BAR 2 */
	u64 visible_bytes;
	/** @reference_clock_hz: rate of CTX_TIMESTAMP */
	u32 reference_clock_hz;
	/** @num_engines: valid entries of @engines */
	u32 num_engines;
	/** @engines: indexed by hardware engine number */
	struct svmgpu_engine_info engines[SVMGPU_MAX_ENGINES];
};

/** struct svmgpu_device - one GPU */
struct svmgpu_device {
	/** @drm: base; its release frees the struct */
	struct drm_device drm;
	/** @pdev: the PCI function */
	struct pci_dev *pdev;
	/** @regs: BAR 0, registers and doorbells */
	void __iomem *regs;
	/** @vram_io: BAR 2, write-combined */
	void __iomem *vram_io;
	/** @vram_io_base: bus address of BAR 2 */
	resource_size_t vram_io_base;
	/** @caps: constant after probe */
	struct svmgpu_caps caps;
	/** @devid: device id that DEVICE_QUERY reports (module parameter) */
	u16 devid;
	/** @ttm: buffer-object device */
	struct ttm_device ttm;
	/** @vram: VRAM manager over gpu_buddy */
	struct svmgpu_vram vram;
	/** @command: COMMAND ring */
	struct svmgpu_command_ring command;
	/** @migration: MIGRATION ring, used by the kernel alone */
	struct svmgpu_migration_ring migration;
	/** @events: EVENT ring and its interrupt thread (svmgpu_event.c) */
	struct svmgpu_events *events;
	/** @faults: FAULT ring, queues and workers (svmgpu_fault.c) */
	struct svmgpu_faults *faults;
	/** @contexts: context id -> struct svmgpu_exec_queue, irq-safe */
	struct xarray contexts;
	/** @asids: address-space id -> struct svmgpu_vm, under @asid_lock */
	struct xarray asids;
	/** @asid_lock: outermost lock; never held while a VM lock is taken (rank 10) */
	struct svmgpu_rwsem asid_lock;
	/**
	 * @val_lock: validation domain (rank 40). Read: any drm_exec section.
	 * Write: the exclusive retry after -ENOMEM that resolves mutual eviction.
	 */
	struct svmgpu_rwsem val_lock;
	/** @pagemap_cache: the VRAM pagemap, made on first use (svmgpu_pagemap.c) */
	struct drm_pagemap_cache *pagemap_cache;
	/** @pagemap_shrinker: frees unused pagemaps under memory pressure */
	struct drm_pagemap_shrinker *pagemap_shrinker;
	/** @ufence_wq: WAIT_USER_FENCE sleepers; woken on any completion */
	wait_queue_head_t ufence_wq;
	/** @ordered_wq: reclaim-safe: user-fence writes, deferred releases */
	struct workqueue_struct *ordered_wq;
	/** @unbound_wq: rebind workers, garbage collection */
	struct workqueue_struct *unbound_wq;
	/** @sched_wq: drm_sched submission and timeout work */
	struct workqueue_struct *sched_wq;
	/** @engine_defaults: scheduling properties per class, sysfs (svmgpu_sysfs.c) */
	struct svmgpu_engine_class_props *engine_props;
	/** @stats: counters shown in debugfs gt0/stats */
	struct svmgpu_stats *stats;
	/** @wedged: the device is lost until it is bound again */
	atomic_t wedged;
	/** @wedged_mode: 0 never, 1 on failed reset, 2 on any hang (debugfs) */
	u32 wedged_mode;
};

static inline struct svmgpu_device *to_svmgpu(struct drm_device *drm)
{
	return container_of(drm, struct svmgpu_device, drm);
}

static inline struct svmgpu_device *ttm_to_svmgpu(struct ttm_device *ttm)
{
	return container_of(ttm, struct svmgpu_device, ttm);
}

/** struct svmgpu_file - one open DRM file */
struct svmgpu_file {
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @drm: the DRM file */
	struct drm_file *drm;
	/** @vms: id -> struct svmgpu_vm; the xarray's own lock protects it */
	struct xarray vms;
	/** @queues: id -> struct svmgpu_exec_queue; the xarray's own lock protects it */
	struct xarray queues;
	/** @run_ns: run time of queues already destroyed, per engine class (fdinfo) */
	atomic64_t run_ns[8];
};

/* svmgpu_device.c: probe builds the device in order, remove undoes it in reverse */
struct svmgpu_device *svmgpu_device_create(struct pci_dev *pdev, const struct drm_driver *driver);
int svmgpu_device_init(struct svmgpu_device *dev);
void svmgpu_device_remove(struct svmgpu_device *dev);
void svmgpu_device_wedge(struct svmgpu_device *dev, const char *why);
int svmgpu_device_reset(struct svmgpu_device *dev);

static inline bool svmgpu_device_wedged(struct svmgpu_device *dev)
{
	return atomic_read(&dev->wedged);
}

static inline u32 svmgpu_read32(struct svmgpu_device *dev, u32 reg)
{
	return readl(dev->regs + reg);
}

static inline void svmgpu_write32(struct svmgpu_device *dev, u32 reg, u32 value)
{
	writel(value, dev->regs + reg);
}

u64 svmgpu_device_time_ns(struct svmgpu_device *dev);

#endif

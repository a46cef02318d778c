/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device: one struct per GPU function, alive from probe until the last
 * DRM file is closed. It holds what the hardware offers, the rings, the memory
 * managers and the look-up tables that interrupts use.
 */
#ifndef SVMGPU_DEVICE_H
#define SVMGPU_DEVICE_H

#include <linux/idr.h>
#include <linux/io.h>
#include <linux/llist.h>
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
#include "svmgpu_ring.h"
#include "svmgpu_vram.h"

struct pci_dev;
struct svmgpu_engine;
struct svmgpu_events;
struct svmgpu_faults;
struct svmgpu_pagemap;
struct svmgpu_stats;
struct svmgpu_sysfs;
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

/**
 * struct svmgpu_ring - memory of one of the device-wide rings
 *
 * A reset empties all rings: the indices of both sides start from zero again.
 * The consumers of the EVENT and FAULT rings therefore keep no index of their
 * own but use @header->consumer.
 */
struct svmgpu_ring {
	/** @header: shared memory */
	struct svmgpu_ring_header *header;
	/** @entries: follow the header */
	void *entries;
	/** @dma: DMA address of @header */
	dma_addr_t dma;
	/** @bytes: of the whole allocation */
	size_t bytes;
	/** @log2: log2 of the number of entries */
	u32 log2;
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
	/** @rings: memory of the device-wide rings, by enum svmgpu_ring_id */
	struct svmgpu_ring rings[SVMGPU_RINGS];
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
	/** @next_context: where the search for a free context id begins */
	u32 next_context;
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
	/** @engine_props: scheduling properties per class, sysfs (svmgpu_sysfs.c) */
	struct svmgpu_engine_class_props *engine_props;
	/** @stats: counters shown in debugfs gt0/stats */
	struct svmgpu_stats __percpu *stats;
	/** @races: points where tests hold a task (svmgpu_race.c) */
	struct svmgpu_races *races;
	/** @wedged: the device is lost until it is bound again */
	atomic_t wedged;
	/** @wedged_mode: 0 never, 1 on failed reset, 2 on any hang (debugfs) */
	u32 wedged_mode;
	/** @atomic_timeslice_ms: residency of a page that an atomic brought to VRAM (debugfs) */
	u32 atomic_timeslice_ms;
	/** @disable_late_binding: debugfs; without effect */
	u32 disable_late_binding;
	/** @wedge_work: kills what still runs after the device was lost */
	struct work_struct wedge_work;
	/** @reset_work: global reset asked for by svmgpu_device_queue_reset() */
	struct work_struct reset_work;
	/** @reset_lock: one reset at a time, also over a function-level one (rank 5) */
	struct svmgpu_mutex reset_lock;
	/**
	 * @bar_lock: held for write while the BARs are not decoded (function-level
	 * reset). Read: the CPU gets or uses a mapping of VRAM (rank 57)
	 */
	struct svmgpu_rwsem bar_lock;
	/** @free_list: objects whose last reference goes in @free_work (atomic callers) */
	struct llist_head free_list;
	/** @free_work: empties @free_list */
	struct work_struct free_work;
	/** @system: TTM manager of system memory that the GPU can reach */
	struct ttm_resource_manager system;
	/** @sysfs: kobjects of tile0/gt0/engines (svmgpu_sysfs.c) */
	struct svmgpu_sysfs *sysfs;
	/** @irqs: vectors that were requested, bit per enum svmgpu_vector */
	u32 irqs;
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

/* Around everything else of the module. */
int svmgpu_device_module_init(void);
void svmgpu_device_module_fini(void);

/* svmgpu_device.c: probe builds the device in order, remove undoes it in reverse */
struct svmgpu_device *svmgpu_device_create(struct pci_dev *pdev, const struct drm_driver *driver);
int svmgpu_device_init(struct svmgpu_device *dev);
void svmgpu_device_remove(struct svmgpu_device *dev);
void svmgpu_device_wedge(struct svmgpu_device *dev, const char *why);
#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
/* debugfs fail_gt_reset: resets that fail on purpose */
extern struct fault_attr svmgpu_fail_reset;
#endif
int svmgpu_device_reset(struct svmgpu_device *dev);
/* Any context: resets in a worker. */
void svmgpu_device_queue_reset(struct svmgpu_device *dev);

/* Around a function-level reset by the PCI core. */
void svmgpu_device_flr_prepare(struct svmgpu_device *dev);
void svmgpu_device_flr_done(struct svmgpu_device *dev);

/*
 * Rings. Init allocates dev->rings[@id] (2^@log2 entries) and hands it to the
 * hardware, which serves it from svmgpu_device_init()'s end on.
 */
int svmgpu_ring_init(struct svmgpu_device *dev, enum svmgpu_ring_id id, u32 log2,
		     size_t entry_bytes);
void svmgpu_ring_fini(struct svmgpu_device *dev, enum svmgpu_ring_id id);

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

/*
 * After the producer index of a ring that the GPU reads was stored: rings
 * @doorbell if the GPU sleeps. Any context.
 */
static inline void svmgpu_ring_kick(struct svmgpu_device *dev, struct svmgpu_ring_header *header,
				    u32 doorbell, u32 value)
{
	/* the index is visible before sleep is looked at */
	smp_mb();
	if (READ_ONCE(header->consumer_asleep) && xchg(&header->consumer_asleep, 0))
		svmgpu_write32(dev, doorbell, value);
}

/*
 * After the consumer index of a ring that the GPU writes was stored: rings
 * @doorbell if the GPU waits for room. Any context.
 */
static inline void svmgpu_ring_room(struct svmgpu_device *dev, struct svmgpu_ring_header *header,
				    u32 doorbell)
{
	/* the index is visible before sleep is looked at */
	smp_mb();
	if (READ_ONCE(header->producer_asleep) && xchg(&header->producer_asleep, 0))
		svmgpu_write32(dev, doorbell, 0);
}

/*
 * Consumer of a ring that the GPU writes: nothing left at @consumer; true when
 * it may stop (an interrupt follows the next entry), false when there is more.
 */
static inline bool svmgpu_ring_sleep(struct svmgpu_ring_header *header, u32 consumer)
{
	/* full barrier: the GPU sees the wish before we look once more */
	xchg(&header->consumer_asleep, 1);
	if (READ_ONCE(header->producer) == consumer)
		return true;
	/* taken back, unless the GPU took it and sent an interrupt for nothing */
	xchg(&header->consumer_asleep, 0);
	return false;
}

u64 svmgpu_device_time_ns(struct svmgpu_device *dev);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * One GPU from probe to the last closed file: discovery, rings, reset, loss.
 *
 * A reset keeps what lives in memory: buffer objects, address spaces and copies
 * under way, which are simply done again. It kills every exec queue. A device
 * that is lost (wedged) keeps its memory too, as far as the CPU can reach it;
 * its fences signal with errors and ioctls are refused until it is bound again.
 */

#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/fault-inject.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "svmgpu_bo.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_lock.h"
#include "svmgpu_migrate.h"
#include "svmgpu_move.h"
#include "svmgpu_race.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_mm.h"
#include "svmgpu_sysfs.h"
#include "svmgpu_trace_sink.h"
#include "svmgpu_ttm.h"
#include "svmgpu_vm.h"
#include "svmgpu_vram.h"

#define SVMGPU_RESET_TIMEOUT_MS	10000
#define SVMGPU_ATOMIC_TIMESLICE_MS	5
#define SVMGPU_EVICT_ROUNDS	200
#define SVMGPU_EVICT_PAUSE_MS	20

/* --- rings ----------------------------------------------------------------- */

static void svmgpu_ring_program(struct svmgpu_device *dev, enum svmgpu_ring_id id)
{
	struct svmgpu_ring *ring = &dev->rings[id];

	svmgpu_write32(dev, SVMGPU_REG_RING_BASE_LO(id), lower_32_bits(ring->dma));
	svmgpu_write32(dev, SVMGPU_REG_RING_BASE_HI(id), upper_32_bits(ring->dma));
	svmgpu_write32(dev, SVMGPU_REG_RING_LOG2(id), ring->log2);
	svmgpu_write32(dev, SVMGPU_REG_RING_ENABLE(id), 1);
}

static void svmgpu_ring_clear(struct svmgpu_device *dev, enum svmgpu_ring_id id)
{
	struct svmgpu_ring_header *header = dev->rings[id].header;

	memset(header, 0, sizeof(*header));
	/* the GPU is the producer of these two and we consume by interrupt */
	if (id == SVMGPU_RING_EVENT || id == SVMGPU_RING_FAULT)
		header->consumer_asleep = 1;
}

/**
 * svmgpu_ring_init() - allocate a device-wide ring and tell the hardware
 * @dev: the GPU
 * @id: which ring
 * @log2: log2 of the number of entries
 * @entry_bytes: size of one entry
 *
 * The GPU serves the ring once CONTROL_ENABLE is set. May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_ring_init(struct svmgpu_device *dev, enum svmgpu_ring_id id, u32 log2,
		     size_t entry_bytes)
{
	struct svmgpu_ring *ring = &dev->rings[id];

	ring->bytes = SVMGPU_RING_ENTRIES_OFFSET + (entry_bytes << log2);
	ring->log2 = log2;
	ring->header = dma_alloc_coherent(dev->drm.dev, ring->bytes, &ring->dma, GFP_KERNEL);
	if (!ring->header)
		return -ENOMEM;
	ring->entries = (void *)ring->header + SVMGPU_RING_ENTRIES_OFFSET;
	svmgpu_ring_clear(dev, id);
	svmgpu_ring_program(dev, id);
	return 0;
}

/**
 * svmgpu_ring_fini() - take a ring away from the hardware and free it
 * @dev: the GPU
 * @id: which ring; may never have been initialised
 *
 * Nobody uses the ring any more. May sleep.
 */
void svmgpu_ring_fini(struct svmgpu_device *dev, enum svmgpu_ring_id id)
{
	struct svmgpu_ring *ring = &dev->rings[id];

	if (!ring->header)
		return;
	/* answered when the GPU has stopped using the memory */
	svmgpu_write32(dev, SVMGPU_REG_RING_ENABLE(id), 0);
	dma_free_coherent(dev->drm.dev, ring->bytes, ring->header, ring->dma);
	memset(ring, 0, sizeof(*ring));
}

/* --- clock ----------------------------------------------------------------- */

/**
 * svmgpu_device_time_ns() - the device's clock
 * @dev: the GPU
 *
 * Leaves the guest: not for hot paths. Any context.
 *
 * Return: nanoseconds.
 */
u64 svmgpu_device_time_ns(struct svmgpu_device *dev)
{
	return readq(dev->regs + SVMGPU_REG_TIME_LO);
}

/* --- loss and reset -------------------------------------------------------- */

static void svmgpu_device_wedge_work(struct work_struct *work)
{
	struct svmgpu_device *dev = container_of(work, struct svmgpu_device, wedge_work);

	svmgpu_migrate_abort(dev);
	svmgpu_exec_queues_kill_all(dev);
	wake_up_all(&dev->ufence_wq);
	drm_dev_wedged_event(&dev->drm, DRM_WEDGE_RECOVERY_REBIND | DRM_WEDGE_RECOVERY_BUS_RESET,
			     NULL);
}

/**
 * svmgpu_device_wedge() - give the device up
 * @dev: the GPU
 * @why: for the kernel log
 *
 * From now on commands vanish, fences of new work signal with -ENODEV at once
 * and ioctls are refused. What is under way is ended by a worker. Any context.
 */
void svmgpu_device_wedge(struct svmgpu_device *dev, const char *why)
{
	if (atomic_xchg(&dev->wedged, 1))
		return;
	/* in the words of xe, which the log watch of IGT knows */
	drm_err(&dev->drm, "CRITICAL: Xe has declared device %s as wedged: %s; bind it again to use it\n",
		dev_name(dev->drm.dev), why);
	wake_up_all(&dev->command.wq);
	wake_up_all(&dev->migration.wq);
	wake_up_all(&dev->ufence_wq);
	queue_work(dev->unbound_wq, &dev->wedge_work);
}

static int svmgpu_device_wait_ready(struct svmgpu_device *dev)
{
	unsigned long end = jiffies + msecs_to_jiffies(SVMGPU_RESET_TIMEOUT_MS);

	do {
		u32 status = svmgpu_read32(dev, SVMGPU_REG_STATUS);

		if (status == SVMGPU_STATUS_GONE)
			return -ENODEV;
		if ((status & SVMGPU_STATUS_READY) && !(status & SVMGPU_STATUS_RESETTING))
			return 0;
		usleep_range(1000, 2000);
	} while (time_before(jiffies, end));
	return -ETIMEDOUT;
}

/* Makes the hardware as it was at probe, with the state that memory holds. */
static int svmgpu_device_restart(struct svmgpu_device *dev)
{
	int id, err;

	err = svmgpu_device_wait_ready(dev);
	if (err)
		return err;
	svmgpu_fault_hold(dev);
	for (id = 0; id < SVMGPU_RINGS; id++)
		if (dev->rings[id].header)
			svmgpu_ring_clear(dev, id);
	svmgpu_command_restart(dev);
	for (id = 0; id < SVMGPU_RINGS; id++)
		if (dev->rings[id].header)
			svmgpu_ring_program(dev, id);
	svmgpu_fault_release(dev);
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, SVMGPU_CONTROL_ENABLE);
	svmgpu_irq_enable(dev, true);
	/* the hardware knows no address spaces any more; contexts are gone for good */
	svmgpu_vms_reset(dev);
	svmgpu_migrate_restart(dev);
	return 0;
}

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
DECLARE_FAULT_ATTR(svmgpu_fail_reset);

static bool svmgpu_device_reset_shall_fail(void)
{
	return should_fail(&svmgpu_fail_reset, 1);
}
#else
static bool svmgpu_device_reset_shall_fail(void)
{
	return false;
}
#endif

static int svmgpu_device_reset_locked(struct svmgpu_device *dev)
{
	int err;

	if (svmgpu_device_reset_shall_fail())
		return -ECANCELED;
	drm_notice(&dev->drm, "resetting the device\n");
	svmgpu_stat_inc(dev, SVMGPU_STAT_RESET);
	svmgpu_irq_enable(dev, false);
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, SVMGPU_CONTROL_RESET);
	err = svmgpu_device_restart(dev);
	if (err)
		svmgpu_irq_enable(dev, true);
	return err;
}

/**
 * svmgpu_device_reset() - global reset
 * @dev: the GPU
 *
 * Ends every exec queue. Buffer objects, address spaces and the copies under
 * way survive. A reset that fails wedges the device. Process context; no lock
 * of the driver may be held.
 *
 * Return: 0, -ENODEV when the device is lost, -ETIMEDOUT.
 */
int svmgpu_device_reset(struct svmgpu_device *dev)
{
	int err = -ENODEV;
	int idx;

	if (!drm_dev_enter(&dev->drm, &idx))
		return -ENODEV;
	svmgpu_mutex_lock(&dev->reset_lock);
	if (!svmgpu_device_wedged(dev))
		err = svmgpu_device_reset_locked(dev);
	svmgpu_mutex_unlock(&dev->reset_lock);
	if (err && dev->wedged_mode)
		svmgpu_device_wedge(dev, "reset failed");
	else
		svmgpu_exec_queues_reset(dev);
	drm_dev_exit(idx);
	return err;
}

static void svmgpu_device_reset_work(struct work_struct *work)
{
	svmgpu_device_reset(container_of(work, struct svmgpu_device, reset_work));
}

/**
 * svmgpu_device_queue_reset() - global reset by a worker
 * @dev: the GPU
 *
 * Any context.
 */
void svmgpu_device_queue_reset(struct svmgpu_device *dev)
{
	queue_work(dev->unbound_wq, &dev->reset_work);
}

/**
 * svmgpu_device_flr_prepare() - a function-level reset is about to happen
 * @dev: the GPU
 *
 * The PCI core switches decoding of the BARs off meanwhile: what is written to
 * VRAM or to the trace rings would vanish. So the CPU is kept away from both.
 * Leaves the reset lock and the BAR lock held for svmgpu_device_flr_done().
 */
void svmgpu_device_flr_prepare(struct svmgpu_device *dev)
{
	svmgpu_mutex_lock(&dev->reset_lock);
	/* first, while flushes are still served: others may wait for one with a BAR lock */
	svmgpu_down_write(&dev->bar_lock);
	unmap_mapping_range(dev->drm.anon_inode->i_mapping, 0, 0, 1);
	svmgpu_irq_enable(dev, false);
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, 0);
	svmgpu_trace_sink_pause(dev);
}

/**
 * svmgpu_device_flr_done() - the function-level reset is over
 * @dev: the GPU
 */
void svmgpu_device_flr_done(struct svmgpu_device *dev)
{
	int err;

	svmgpu_trace_sink_resume(dev);
	svmgpu_up_write(&dev->bar_lock);
	svmgpu_stat_inc(dev, SVMGPU_STAT_RESET);
	err = svmgpu_device_restart(dev);
	if (err)
		svmgpu_irq_enable(dev, true);
	svmgpu_mutex_unlock(&dev->reset_lock);
	if (err)
		svmgpu_device_wedge(dev, "function-level reset failed");
	else
		svmgpu_exec_queues_reset(dev);
}

/* --- creation and removal -------------------------------------------------- */

static void svmgpu_device_free_work(struct work_struct *work)
{
	struct svmgpu_device *dev = container_of(work, struct svmgpu_device, free_work);
	struct llist_node *list = llist_del_all(&dev->free_list);
	struct svmgpu_bo *bo, *next;

	llist_for_each_entry_safe(bo, next, list, free_link)
		svmgpu_bo_put(bo);
}

/** struct svmgpu_workqueues - queues to destroy when their device is gone */
struct svmgpu_workqueues {
	/** @work: on svmgpu_release_wq */
	struct work_struct work;
	/** @wq: the queues */
	struct workqueue_struct *wq[3];
};

/* outlives every device; the last reference of one may go in a work on its own queues */
static struct workqueue_struct *svmgpu_release_wq;

/**
 * svmgpu_device_module_init() - what all devices share
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_device_module_init(void)
{
	int err = svmgpu_lock_prime();

	if (err)
		return err;
	svmgpu_svm_mm_module_init();
	svmgpu_move_module_init();
	svmgpu_release_wq = alloc_workqueue("svmgpu-release", WQ_UNBOUND, 0);
	return svmgpu_release_wq ? 0 : -ENOMEM;
}

/**
 * svmgpu_device_module_fini() - waits for devices that are being released
 */
void svmgpu_device_module_fini(void)
{
	destroy_workqueue(svmgpu_release_wq);
}

static void svmgpu_workqueues_destroy(struct work_struct *work)
{
	struct svmgpu_workqueues *wqs = container_of(work, struct svmgpu_workqueues, work);
	int i;

	for (i = 0; i < ARRAY_SIZE(wqs->wq); i++)
		if (wqs->wq[i])
			destroy_workqueue(wqs->wq[i]);
	kfree(wqs);
}

/* What must live as long as the last file. */
static void svmgpu_device_release(struct drm_device *drm, void *arg)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct svmgpu_workqueues *wqs = arg;

	flush_work(&dev->free_work);
	svmgpu_vram_fini(dev);
	svmgpu_ttm_fini(dev);
	queue_work(svmgpu_release_wq, &wqs->work);
	xa_destroy(&dev->contexts);
	xa_destroy(&dev->asids);
	mutex_destroy(&dev->reset_lock.mutex);
}

static int svmgpu_device_alloc_queues(struct svmgpu_device *dev, struct svmgpu_workqueues *wqs)
{
	INIT_WORK(&wqs->work, svmgpu_workqueues_destroy);
	dev->ordered_wq = alloc_ordered_workqueue("svmgpu-ordered", WQ_MEM_RECLAIM);
	dev->unbound_wq = alloc_workqueue("svmgpu-unbound", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	dev->sched_wq = alloc_workqueue("svmgpu-sched", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	wqs->wq[0] = dev->sched_wq;
	wqs->wq[1] = dev->unbound_wq;
	wqs->wq[2] = dev->ordered_wq;
	return dev->ordered_wq && dev->unbound_wq && dev->sched_wq ? 0 : -ENOMEM;
}

/**
 * svmgpu_device_create() - the driver's struct for a PCI function
 * @pdev: the function
 * @driver: DRM driver
 *
 * Only memory; the hardware is not touched.
 *
 * Return: the device, or an ERR_PTR().
 */
struct svmgpu_device *svmgpu_device_create(struct pci_dev *pdev, const struct drm_driver *driver)
{
	struct svmgpu_workqueues *wqs;
	struct svmgpu_device *dev;
	int err;

	dev = devm_drm_dev_alloc(&pdev->dev, driver, struct svmgpu_device, drm);
	if (IS_ERR(dev))
		return dev;
	dev->pdev = pdev;
	dev->wedged_mode = 1;
	dev->atomic_timeslice_ms = SVMGPU_ATOMIC_TIMESLICE_MS;
	xa_init_flags(&dev->contexts, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
	xa_init_flags(&dev->asids, XA_FLAGS_ALLOC1);
	svmgpu_rwsem_init(&dev->asid_lock, SVMGPU_LOCK_ASID);
	svmgpu_rwsem_init(&dev->val_lock, SVMGPU_LOCK_VALIDATION);
	svmgpu_mutex_init(&dev->reset_lock, SVMGPU_LOCK_RESET);
	svmgpu_rwsem_init(&dev->bar_lock, SVMGPU_LOCK_BAR);
	init_waitqueue_head(&dev->ufence_wq);
	init_waitqueue_head(&dev->command.wq);
	init_waitqueue_head(&dev->migration.wq);
	init_llist_head(&dev->free_list);
	INIT_WORK(&dev->free_work, svmgpu_device_free_work);
	INIT_WORK(&dev->wedge_work, svmgpu_device_wedge_work);
	INIT_WORK(&dev->reset_work, svmgpu_device_reset_work);
	svmgpu_command_early_init(dev);
	svmgpu_migrate_early_init(dev);

	wqs = kzalloc_obj(*wqs);
	if (!wqs)
		return ERR_PTR(-ENOMEM);
	err = svmgpu_device_alloc_queues(dev, wqs);
	if (err)
		goto err_queues;
	err = svmgpu_ttm_init(dev);
	if (err)
		goto err_queues;
	err = drmm_add_action_or_reset(&dev->drm, svmgpu_device_release, wqs);
	if (err)
		return ERR_PTR(err);
	return dev;

err_queues:
	svmgpu_workqueues_destroy(&wqs->work);
	return ERR_PTR(err);
}

static int svmgpu_device_map(struct svmgpu_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	pci_set_master(pdev);
	/* a physical address of the page tables has 52 bits */
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(52));
	if (err)
		return err;
	/*
	 * Not requested: root's tools map the registers through sysfs, as they
	 * do those of xe, and IO_STRICT_DEVMEM refuses that for busy regions.
	 */
	dev->regs = pcim_iomap(pdev, SVMGPU_BAR_REGS, 0);
	if (!dev->regs)
		return -ENOMEM;
	err = pcim_request_region(pdev, SVMGPU_BAR_VRAM, "svmgpu-vram");
	if (err)
		return err;
	dev->vram_io_base = pci_resource_start(pdev, SVMGPU_BAR_VRAM);
	dev->vram_io = devm_ioremap_wc(&pdev->dev, dev->vram_io_base,
				       pci_resource_len(pdev, SVMGPU_BAR_VRAM));
	return dev->vram_io ? 0 : -ENOMEM;
}

static u64 svmgpu_read_pair(struct svmgpu_device *dev, u32 lo)
{
	return svmgpu_read32(dev, lo) | (u64)svmgpu_read32(dev, lo + 4) << 32;
}

static int svmgpu_device_discover(struct svmgpu_device *dev)
{
	struct svmgpu_caps *caps = &dev->caps;
	u32 value;
	int i;

	value = svmgpu_read32(dev, SVMGPU_REG_MAGIC);
	if (value != SVMGPU_MAGIC) {
		drm_err(&dev->drm, "no svmgpu behind BAR 0 (magic %#x)\n", value);
		return -ENODEV;
	}
	value = svmgpu_read32(dev, SVMGPU_REG_VERSION);
	if (value >> 16 != SVMGPU_ABI_VERSION >> 16) {
		drm_err(&dev->drm, "device speaks interface %u.%u, this driver %u.%u\n",
			value >> 16, value & 0xffff, SVMGPU_ABI_VERSION >> 16,
			SVMGPU_ABI_VERSION & 0xffff);
		return -ENODEV;
	}
	caps->gpu_index = svmgpu_read32(dev, SVMGPU_REG_GPU_INDEX);
	caps->gpu_count = svmgpu_read32(dev, SVMGPU_REG_GPU_COUNT);
	caps->fabric_id = svmgpu_read32(dev, SVMGPU_REG_FABRIC_ID);
	caps->fabric_peers = svmgpu_read32(dev, SVMGPU_REG_FABRIC_PEERS);
	caps->vram_bytes = svmgpu_read_pair(dev, SVMGPU_REG_VRAM_SIZE_LO);
	caps->visible_bytes = svmgpu_read_pair(dev, SVMGPU_REG_VRAM_VISIBLE_LO);
	caps->reference_clock_hz = svmgpu_read32(dev, SVMGPU_REG_REFERENCE_CLOCK);
	caps->num_engines = svmgpu_read32(dev, SVMGPU_REG_ENGINE_COUNT);

	if (!caps->vram_bytes || !caps->visible_bytes || caps->visible_bytes > caps->vram_bytes ||
	    caps->visible_bytes > pci_resource_len(dev->pdev, SVMGPU_BAR_VRAM) ||
	    !caps->reference_clock_hz || !caps->num_engines ||
	    caps->num_engines > SVMGPU_MAX_ENGINES || caps->gpu_index >= SVMGPU_MAX_GPUS) {
		drm_err(&dev->drm, "the device describes itself inconsistently\n");
		return -EIO;
	}
	for (i = 0; i < caps->num_engines; i++) {
		value = svmgpu_read32(dev, SVMGPU_REG_ENGINE(i));
		caps->engines[i].class = SVMGPU_ENGINE_CLASS(value);
		caps->engines[i].instance = SVMGPU_ENGINE_INSTANCE(value);
		if (caps->engines[i].class >= SVMGPU_ENGINE_CLASSES) {
			drm_err(&dev->drm, "engine %d has unknown class %u\n", i,
				caps->engines[i].class);
			return -EIO;
		}
	}
	return 0;
}

/**
 * svmgpu_device_init() - bring the hardware up and show the device to user space
 * @dev: from svmgpu_device_create()
 *
 * Return: 0 or an error; then everything is undone except for what goes with
 * the DRM device.
 */
int svmgpu_device_init(struct svmgpu_device *dev)
{
	int err;

	err = svmgpu_device_map(dev);
	if (err)
		return err;
	err = svmgpu_device_discover(dev);
	if (err)
		return err;
	svmgpu_lock_set_owner(&dev->asid_lock, dev->caps.gpu_index, 0);
	svmgpu_lock_set_owner(&dev->val_lock, dev->caps.gpu_index, 0);
	/* what an earlier driver may have left running */
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, SVMGPU_CONTROL_RESET);
	err = svmgpu_device_wait_ready(dev);
	if (err)
		return err;

	err = svmgpu_race_init(dev);
	if (err)
		return err;
	err = svmgpu_stats_init(dev);
	if (err)
		return err;
	err = svmgpu_engine_props_init(dev);
	if (err)
		return err;
	err = svmgpu_vram_init(dev);
	if (err)
		return err;
	svmgpu_trace_sink_add(dev);

	err = svmgpu_command_init(dev);
	if (err)
		goto err_trace;
	err = svmgpu_migrate_init(dev);
	if (err)
		goto err_command;
	err = svmgpu_event_init(dev);
	if (err)
		goto err_migrate;
	err = svmgpu_fault_init(dev);
	if (err)
		goto err_event;
	err = svmgpu_irq_init(dev);
	if (err)
		goto err_fault;
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, SVMGPU_CONTROL_ENABLE);

	/* devm: released after svmgpu_device_remove(), in reverse */
	err = svmgpu_pagemap_init(dev);
	if (err)
		goto err_enabled;
	err = drm_dev_register(&dev->drm, 0);
	if (err)
		goto err_enabled;
	err = svmgpu_sysfs_init(dev);
	if (err)
		goto err_registered;
	svmgpu_debugfs_init(dev);
	drm_info(&dev->drm, "GPU %u of %u: %llu MiB VRAM (%llu visible), %u engines, peers %#x\n",
		 dev->caps.gpu_index, dev->caps.gpu_count, dev->caps.vram_bytes >> 20,
		 dev->caps.visible_bytes >> 20, dev->caps.num_engines, dev->caps.fabric_peers);
	return 0;

err_registered:
	drm_dev_unplug(&dev->drm);
err_enabled:
	atomic_set(&dev->wedged, 1);
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, 0);
	svmgpu_irq_fini(dev);
err_fault:
	svmgpu_fault_fini(dev);
err_event:
	svmgpu_event_fini(dev);
err_migrate:
	svmgpu_migrate_fini(dev);
err_command:
	svmgpu_command_fini(dev);
err_trace:
	svmgpu_trace_sink_remove(dev);
	return err;
}

/*
 * Empties VRAM. Mandatory, because the pagemap can only go when no page of it
 * is in use any more; an object may be stuck for a while (its process exits, or
 * somebody holds a page), hence the rounds.
 */
static void svmgpu_device_evict_all(struct svmgpu_device *dev)
{
	struct ttm_resource_manager *vram = &dev->vram.manager;
	struct ttm_resource_manager *system = &dev->system;
	int round, err = 0;

	for (round = 0; round < SVMGPU_EVICT_ROUNDS; round++) {
		svmgpu_pagemap_evict_all(dev);
		err = ttm_resource_manager_evict_all(&dev->ttm, vram);
		if (!err)
			break;
		flush_work(&dev->free_work);
		msleep(SVMGPU_EVICT_PAUSE_MS);
	}
	if (err)
		drm_err(&dev->drm, "VRAM could not be emptied: %pe\n", ERR_PTR(err));
	ttm_resource_manager_evict_all(&dev->ttm, system);
}

/**
 * svmgpu_device_remove() - undo svmgpu_device_init()
 * @dev: the GPU
 *
 * User space may keep files open; they are refused with -ENODEV. The copy
 * engine works until VRAM is empty. May sleep.
 */
void svmgpu_device_remove(struct svmgpu_device *dev)
{
	if (svmgpu_read32(dev, SVMGPU_REG_MAGIC) != SVMGPU_MAGIC)
		svmgpu_device_wedge(dev, "it was pulled out");

	svmgpu_sysfs_fini(dev);
	drm_dev_unplug(&dev->drm);
	cancel_work_sync(&dev->reset_work);
	svmgpu_exec_queues_kill_all(dev);
	wake_up_all(&dev->ufence_wq);
	svmgpu_irq_free(dev, SVMGPU_VECTOR_FAULT);
	svmgpu_fault_fini(dev);
	svmgpu_device_evict_all(dev);

	/* no register and no ring is touched after this; late submitters find a lost device */
	if (!atomic_xchg(&dev->wedged, 1))
		wake_up_all(&dev->command.wq);
	flush_work(&dev->wedge_work);
	svmgpu_write32(dev, SVMGPU_REG_CONTROL, 0);
	svmgpu_irq_fini(dev);
	svmgpu_event_fini(dev);
	svmgpu_migrate_fini(dev);
	svmgpu_command_fini(dev);
	svmgpu_trace_sink_remove(dev);
	ttm_device_clear_dma_mappings(&dev->ttm);
}

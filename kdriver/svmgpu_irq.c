// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: one MSI-X vector per purpose. Completions of commands and copies
 * are handled in the hard interrupt, because memory management waits for them;
 * events and faults have threads.
 */

#include <linux/interrupt.h>
#include <linux/pci.h>

#include <drm/drm_print.h>

#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_migrate.h"
#include "svmgpu_svm.h"

/* SVMGPU_VECTOR_ERROR: the device says that something went wrong. */
static irqreturn_t svmgpu_error_irq(int irq, void *arg)
{
	struct svmgpu_device *dev = arg;
	u32 status = svmgpu_read32(dev, SVMGPU_REG_STATUS);

	if (status == SVMGPU_STATUS_GONE) {
		svmgpu_device_wedge(dev, "registers read as all ones");
	} else if (status & SVMGPU_STATUS_WEDGED) {
		drm_err(&dev->drm, "device reports a fatal error (last %u)\n",
			svmgpu_read32(dev, SVMGPU_REG_ERROR_LAST));
		svmgpu_device_queue_reset(dev);
	} else {
		drm_dbg(&dev->drm, "device counted %u errors, last %u\n",
			svmgpu_read32(dev, SVMGPU_REG_ERROR_COUNT),
			svmgpu_read32(dev, SVMGPU_REG_ERROR_LAST));
	}
	return IRQ_HANDLED;
}

/** struct svmgpu_irq_handler - what serves a vector */
struct svmgpu_irq_handler {
	/** @name: in /proc/interrupts */
	const char *name;
	/** @hard: handler in the hard interrupt, or NULL */
	irq_handler_t hard;
	/** @thread: handler in a thread, or NULL */
	irq_handler_t thread;
};

static const struct svmgpu_irq_handler svmgpu_irq_handlers[] = {
	[SVMGPU_VECTOR_EVENT] = { .name = "svmgpu-event", .thread = svmgpu_event_irq },
	[SVMGPU_VECTOR_FAULT] = { .name = "svmgpu-fault", .thread = svmgpu_fault_irq },
	[SVMGPU_VECTOR_COMMAND] = { .name = "svmgpu-command", .hard = svmgpu_command_irq },
	[SVMGPU_VECTOR_MIGRATION] = { .name = "svmgpu-migration", .hard = svmgpu_migrate_irq },
	[SVMGPU_VECTOR_ERROR] = { .name = "svmgpu-error", .thread = svmgpu_error_irq },
};

/**
 * svmgpu_irq_free() - stop serving one vector
 * @dev: the GPU
 * @vector: which; may not have been requested
 *
 * Waits for a running handler. May sleep.
 */
void svmgpu_irq_free(struct svmgpu_device *dev, enum svmgpu_vector vector)
{
	if (!(dev->irqs & BIT(vector)))
		return;
	dev->irqs &= ~BIT(vector);
	free_irq(pci_irq_vector(dev->pdev, vector), dev);
}

/**
 * svmgpu_irq_init() - request all vectors
 * @dev: the GPU; everything that the handlers use is there
 *
 * Return: 0 or an error.
 */
int svmgpu_irq_init(struct svmgpu_device *dev)
{
	int vector, err;

	err = pci_alloc_irq_vectors(dev->pdev, ARRAY_SIZE(svmgpu_irq_handlers),
				    ARRAY_SIZE(svmgpu_irq_handlers), PCI_IRQ_MSIX);
	if (err < 0)
		return err;
	for (vector = 0; vector < ARRAY_SIZE(svmgpu_irq_handlers); vector++) {
		const struct svmgpu_irq_handler *h = &svmgpu_irq_handlers[vector];

		err = request_threaded_irq(pci_irq_vector(dev->pdev, vector), h->hard, h->thread,
					   h->hard ? 0 : IRQF_ONESHOT, h->name, dev);
		if (err) {
			svmgpu_irq_fini(dev);
			return err;
		}
		dev->irqs |= BIT(vector);
	}
	return 0;
}

/**
 * svmgpu_irq_fini() - free all vectors
 * @dev: the GPU
 */
void svmgpu_irq_fini(struct svmgpu_device *dev)
{
	int vector;

	for (vector = 0; vector < ARRAY_SIZE(svmgpu_irq_handlers); vector++)
		svmgpu_irq_free(dev, vector);
	pci_free_irq_vectors(dev->pdev);
}

/**
 * svmgpu_irq_enable() - hold off the handlers while rings are made anew
 * @dev: the GPU
 * @enable: false waits until no handler runs
 *
 * Calls nest. May sleep.
 */
void svmgpu_irq_enable(struct svmgpu_device *dev, bool enable)
{
	int vector;

	for (vector = 0; vector < ARRAY_SIZE(svmgpu_irq_handlers); vector++) {
		int irq;

		if (!(dev->irqs & BIT(vector)))
			continue;
		irq = pci_irq_vector(dev->pdev, vector);
		if (enable)
			enable_irq(irq);
		else
			disable_irq(irq);
	}
}

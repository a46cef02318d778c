/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The COMMAND ring: address spaces, TLB flushes, contexts and fault answers.
 * Commands retire in order. Submitting never sleeps and never allocates, so it
 * is legal under the notifier lock, in reclaim and in fence-signalling sections.
 */
#ifndef SVMGPU_COMMAND_H
#define SVMGPU_COMMAND_H

#include <linux/irqreturn.h>
#include <linux/wait.h>

#include "svmgpu_lock.h"
#include "svmgpu_ring.h"

struct svmgpu_device;

/** struct svmgpu_command_ring - driver's side of the COMMAND ring */
struct svmgpu_command_ring {
	/** @header: shared memory, followed by the entries */
	struct svmgpu_ring_header *header;
	/** @entries: struct svmgpu_command slots */
	struct svmgpu_command *entries;
	/** @dma: DMA address of @header */
	dma_addr_t dma;
	/** @lock: orders producers (rank 82) */
	struct svmgpu_spinlock lock;
	/** @producer: next index in the ring, under @lock */
	u32 producer;
	/**
	 * @base: index of the ring's first command since the last reset, under @lock.
	 * What submit returns is @base + @producer, so that waiting goes on over a reset.
	 */
	u32 base;
	/** @wq: woken by SVMGPU_VECTOR_COMMAND and by device loss */
	wait_queue_head_t wq;
};

/* Locks only; before anything may submit. */
void svmgpu_command_early_init(struct svmgpu_device *dev);
int svmgpu_command_init(struct svmgpu_device *dev);
/* The ring was emptied by a reset: what was on it counts as retired. */
void svmgpu_command_restart(struct svmgpu_device *dev);
void svmgpu_command_fini(struct svmgpu_device *dev);
irqreturn_t svmgpu_command_irq(int irq, void *arg);

/*
 * Puts @count commands on the ring as one unit and returns the index to wait
 * for. Spins (bounded) for room. After device loss the commands vanish and
 * waiting returns -ENODEV. The last command of a unit that somebody waits for
 * carries SVMGPU_CMD_F_IRQ.
 */
u32 svmgpu_command_submit(struct svmgpu_device *dev, const struct svmgpu_command *commands,
			  unsigned int count);
/* Sleeps until the command at @index retired: 0, or -ENODEV when the device is lost. */
int svmgpu_command_wait(struct svmgpu_device *dev, u32 index);
int svmgpu_command_run(struct svmgpu_device *dev, const struct svmgpu_command *command);

/* svmgpu_tlb.c. [@start, @end) in bytes; 0, ~0ULL is the whole address space. */
u32 svmgpu_tlb_flush_submit(struct svmgpu_device *dev, u32 asid, u64 start, u64 end);
int svmgpu_tlb_flush_wait(struct svmgpu_device *dev, u32 index);
int svmgpu_tlb_flush(struct svmgpu_device *dev, u32 asid, u64 start, u64 end);

/* Wedges a device whose registers say that it is gone. May be called at any time. */
void svmgpu_command_check_device(struct svmgpu_device *dev);

#endif

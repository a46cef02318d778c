// SPDX-License-Identifier: GPL-2.0
/*
 * The COMMAND ring, driver's side. See svmgpu_command.h.
 */

#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>

#include "svmgpu_command.h"
#include "svmgpu_device.h"

#define SVMGPU_COMMAND_LOG2	12
/* longest wait for room in the ring, with interrupts off */
#define SVMGPU_COMMAND_ROOM_MS	2000
/* a command that takes longer means that the device is lost */
#define SVMGPU_COMMAND_TIMEOUT_MS	60000
/* how long nothing happens before a waiter looks whether the device is there */
#define SVMGPU_COMMAND_CHECK_MS		500
/* how often a waiter looks by itself, for commands without an interrupt */
#define SVMGPU_COMMAND_POLL_MS	10

/**
 * svmgpu_command_early_init() - make the ring's locks
 * @dev: the GPU
 */
void svmgpu_command_early_init(struct svmgpu_device *dev)
{
	svmgpu_spin_lock_init(&dev->command.lock, SVMGPU_LOCK_COMMAND);
}

/**
 * svmgpu_command_init() - make the ring
 * @dev: the GPU
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_command_init(struct svmgpu_device *dev)
{
	struct svmgpu_command_ring *ring = &dev->command;
	int err;

	svmgpu_lock_set_owner(&ring->lock, dev->caps.gpu_index, 0);
	err = svmgpu_ring_init(dev, SVMGPU_RING_COMMAND, SVMGPU_COMMAND_LOG2,
			       sizeof(struct svmgpu_command));
	if (err)
		return err;
	ring->header = dev->rings[SVMGPU_RING_COMMAND].header;
	ring->entries = dev->rings[SVMGPU_RING_COMMAND].entries;
	ring->dma = dev->rings[SVMGPU_RING_COMMAND].dma;
	return 0;
}

/**
 * svmgpu_command_fini() - free the ring
 * @dev: the GPU; marked wedged, so that nobody waits for commands any more
 */
void svmgpu_command_fini(struct svmgpu_device *dev)
{
	struct svmgpu_command_ring *ring = &dev->command;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	WRITE_ONCE(ring->header, NULL);
	ring->entries = NULL;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	wake_up_all(&ring->wq);
	/* svmgpu_command_done() looks without the lock */
	synchronize_rcu();
	svmgpu_ring_fini(dev, SVMGPU_RING_COMMAND);
}

/**
 * svmgpu_command_restart() - the ring was emptied by a reset
 * @dev: the GPU; interrupts held off
 *
 * A reset does what every command on the ring could have wanted (flush, destroy,
 * suspend), so that all of them count as retired.
 */
void svmgpu_command_restart(struct svmgpu_device *dev)
{
	struct svmgpu_command_ring *ring = &dev->command;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	/* release: pairs with svmgpu_command_done(), the header is clear already */
	smp_store_release(&ring->base, ring->base + ring->producer);
	ring->producer = 0;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	wake_up_all(&ring->wq);
}

/**
 * svmgpu_command_irq() - SVMGPU_VECTOR_COMMAND
 * @irq: unused
 * @arg: the GPU
 *
 * Return: IRQ_HANDLED.
 */
irqreturn_t svmgpu_command_irq(int irq, void *arg)
{
	struct svmgpu_device *dev = arg;

	wake_up_all(&dev->command.wq);
	return IRQ_HANDLED;
}

/* Ring lock held. True when @count slots are free; false when the device is lost. */
static bool svmgpu_command_room(struct svmgpu_device *dev, unsigned int count)
{
	struct svmgpu_command_ring *ring = &dev->command;
	u32 size = 1 << SVMGPU_COMMAND_LOG2;
	u64 end = 0;

	for (;;) {
		/* acquire: the GPU has read the slot before we write it again */
		u32 used = ring->producer - smp_load_acquire(&ring->header->consumer);

		if (used + count <= size)
			return true;
		if (svmgpu_device_wedged(dev))
			return false;
		if (!end) {
			end = ktime_get_mono_fast_ns() + SVMGPU_COMMAND_ROOM_MS * NSEC_PER_MSEC;
			/* whoever filled the ring rang; once more costs nothing */
			svmgpu_ring_kick(dev, ring->header, SVMGPU_REG_DOORBELL_COMMAND, 0);
		} else if (ktime_get_mono_fast_ns() > end) {
			svmgpu_device_wedge(dev, "the command ring stays full");
			return false;
		}
		udelay(1);
	}
}

/**
 * svmgpu_command_submit() - put commands on the ring
 * @dev: the GPU
 * @commands: executed in this order, with nothing between them
 * @count: how many, at most 16
 *
 * Any context. Allocates nothing, never sleeps.
 *
 * Return: index for svmgpu_command_wait().
 */
u32 svmgpu_command_submit(struct svmgpu_device *dev, const struct svmgpu_command *commands,
			  unsigned int count)
{
	struct svmgpu_command_ring *ring = &dev->command;
	u32 mask = (1 << SVMGPU_COMMAND_LOG2) - 1;
	unsigned long flags;
	unsigned int i;
	u32 index;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	if (ring->header && !svmgpu_device_wedged(dev) && svmgpu_command_room(dev, count)) {
		for (i = 0; i < count; i++)
			ring->entries[(ring->producer + i) & mask] = commands[i];
		ring->producer += count;
		/* release: the entries are complete before the GPU sees the index */
		smp_store_release(&ring->header->producer, ring->producer);
		svmgpu_ring_kick(dev, ring->header, SVMGPU_REG_DOORBELL_COMMAND, 0);
	}
	index = ring->base + ring->producer - 1;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	return index;
}

/* Lockless, because waiters look often. */
static bool svmgpu_command_done(struct svmgpu_device *dev, u32 index)
{
	struct svmgpu_command_ring *ring = &dev->command;
	struct svmgpu_ring_header *header;
	bool done = true;

	rcu_read_lock();
	header = READ_ONCE(ring->header);
	if (header) {
		/* a restart zeroes `completed` before it advances `base`: never too much */
		u32 base = smp_load_acquire(&ring->base);

		/* acquire: what the command did is visible after this */
		done = (s32)(base + smp_load_acquire(&header->completed) - index) > 0;
	}
	rcu_read_unlock();
	return done;
}

/**
 * svmgpu_command_check_device() - notice that the device was pulled out
 * @dev: the GPU
 *
 * Nobody may tell: then its registers, which read as ones, do. Leaves the guest,
 * so only for who waits for long. Process context; does not sleep.
 */
void svmgpu_command_check_device(struct svmgpu_device *dev)
{
	bool gone = false;

	/* in a function-level reset they read as ones, too */
	if (!svmgpu_mutex_trylock(&dev->reset_lock))
		return;
	/* as long as the ring is there, so are the registers */
	rcu_read_lock();
	if (READ_ONCE(dev->command.header) && !svmgpu_device_wedged(dev))
		gone = svmgpu_read32(dev, SVMGPU_REG_STATUS) == SVMGPU_STATUS_GONE;
	rcu_read_unlock();
	svmgpu_mutex_unlock(&dev->reset_lock);
	if (gone)
		svmgpu_device_wedge(dev, "it was pulled out");
}

/**
 * svmgpu_command_wait() - wait until a command has retired
 * @dev: the GPU
 * @index: from svmgpu_command_submit()
 *
 * Sleeps, uninterruptibly, without allocating: legal under the notifier lock
 * and in invalidation callbacks. A device that does not answer for a minute is
 * lost.
 *
 * Return: 0 or -ENODEV.
 */
int svmgpu_command_wait(struct svmgpu_device *dev, u32 index)
{
	unsigned long end = jiffies + msecs_to_jiffies(SVMGPU_COMMAND_TIMEOUT_MS);
	unsigned long check = jiffies + msecs_to_jiffies(SVMGPU_COMMAND_CHECK_MS);

	while (!svmgpu_command_done(dev, index)) {
		if (svmgpu_device_wedged(dev))
			return -ENODEV;
		if (time_after(jiffies, end)) {
			svmgpu_device_wedge(dev, "a command was not answered");
			return -ENODEV;
		}
		if (time_after(jiffies, check)) {
			svmgpu_command_check_device(dev);
			check = jiffies + msecs_to_jiffies(SVMGPU_COMMAND_CHECK_MS);
		}
		wait_event_timeout(dev->command.wq,
				   svmgpu_command_done(dev, index) || svmgpu_device_wedged(dev),
				   msecs_to_jiffies(SVMGPU_COMMAND_POLL_MS));
	}
	return svmgpu_device_wedged(dev) ? -ENODEV : 0;
}

/**
 * svmgpu_command_run() - one command, and wait for it
 * @dev: the GPU
 * @command: what to do; SVMGPU_CMD_F_IRQ is added
 *
 * May sleep.
 *
 * Return: 0 or -ENODEV.
 */
int svmgpu_command_run(struct svmgpu_device *dev, const struct svmgpu_command *command)
{
	struct svmgpu_command c = *command;

	c.flags |= SVMGPU_CMD_F_IRQ;
	return svmgpu_command_wait(dev, svmgpu_command_submit(dev, &c, 1));
}

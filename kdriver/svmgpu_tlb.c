// SPDX-License-Identifier: GPL-2.0
/*
 * TLB flushes. A flush that retired promises that no translation of its range
 * is cached and that every access made through one has retired.
 */

#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_stats.h"
#include "svmgpu_trace.h"

/**
 * svmgpu_tlb_flush_submit() - begin a flush
 * @dev: the GPU
 * @asid: address space
 * @start: first byte
 * @end: first byte behind; 0, ~0 is everything
 *
 * Any context.
 *
 * Return: index for svmgpu_tlb_flush_wait().
 */
u32 svmgpu_tlb_flush_submit(struct svmgpu_device *dev, u32 asid, u64 start, u64 end)
{
	struct svmgpu_command command = {
		.op = SVMGPU_CMD_TLB_FLUSH,
		.flags = SVMGPU_CMD_F_IRQ,
		.id = asid,
		.arg[0] = start,
		.arg[1] = end,
	};

	svmgpu_stat_inc(dev, SVMGPU_STAT_TLB_INVAL);
	return svmgpu_command_submit(dev, &command, 1);
}

/**
 * svmgpu_tlb_flush_wait() - wait for a flush
 * @dev: the GPU
 * @index: from svmgpu_tlb_flush_submit()
 *
 * Sleeps without allocating; legal under the notifier lock.
 *
 * Return: 0, or -ENODEV: the device is lost and accesses nothing any more.
 */
int svmgpu_tlb_flush_wait(struct svmgpu_device *dev, u32 index)
{
	return svmgpu_command_wait(dev, index);
}

/**
 * svmgpu_tlb_flush() - flush and wait
 * @dev: the GPU
 * @asid: address space
 * @start: first byte
 * @end: first byte behind; 0, ~0 is everything
 *
 * Return: 0 or -ENODEV.
 */
int svmgpu_tlb_flush(struct svmgpu_device *dev, u32 asid, u64 start, u64 end)
{
	return svmgpu_tlb_flush_wait(dev, svmgpu_tlb_flush_submit(dev, asid, start, end));
}

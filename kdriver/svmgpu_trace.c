// SPDX-License-Identifier: GPL-2.0
/*
 * Instances of the tracepoints, and names for what they speak about.
 */
#include <linux/atomic.h>
#include <linux/jump_label.h>
#include <linux/mmu_notifier.h>

#define CREATE_TRACE_POINTS
#include "svmgpu_trace.h"

DEFINE_STATIC_KEY_FALSE(svmgpu_lock_trace_key);

/*
 * Ids of locks in core structures have one of the top three bits set (see
 * svmgpu_lock.c), so these stay below.
 */
#define SVMGPU_TRACE_ID_MASK	(BIT(29) - 1)

static atomic_t svmgpu_trace_ids;

/**
 * svmgpu_trace_new_id() - a name for an object in the event log
 *
 * Any context.
 *
 * Return: a number that is never zero and that no other object gets.
 */
u32 svmgpu_trace_new_id(void)
{
	u32 id;

	do {
		id = (u32)atomic_inc_return(&svmgpu_trace_ids) & SVMGPU_TRACE_ID_MASK;
	} while (unlikely(!id));
	return id;
}

/**
 * svmgpu_trace_lock_reg() - the first probe of a lock tracepoint comes
 *
 * Called by the tracepoint code; may sleep. From here on locks take the traced way.
 *
 * Return: 0.
 */
int svmgpu_trace_lock_reg(void)
{
	static_branch_inc(&svmgpu_lock_trace_key);
	return 0;
}

/**
 * svmgpu_trace_lock_unreg() - the last probe of a lock tracepoint went
 *
 * Called by the tracepoint code; may sleep.
 */
void svmgpu_trace_lock_unreg(void)
{
	static_branch_dec(&svmgpu_lock_trace_key);
}

/**
 * svmgpu_trace_notify_event() - MMU_NOTIFY_* as the log names them
 * @event: why core mm invalidates
 *
 * Any context.
 *
 * Return: enum svmgpu_trace_event.
 */
u16 svmgpu_trace_notify_event(enum mmu_notifier_event event)
{
	switch (event) {
	case MMU_NOTIFY_UNMAP:
		return SVMGPU_TRACE_EVENT_UNMAP;
	case MMU_NOTIFY_CLEAR:
		return SVMGPU_TRACE_EVENT_CLEAR;
	case MMU_NOTIFY_PROTECTION_VMA:
		return SVMGPU_TRACE_EVENT_PROTECTION_VMA;
	case MMU_NOTIFY_PROTECTION_PAGE:
		return SVMGPU_TRACE_EVENT_PROTECTION_PAGE;
	case MMU_NOTIFY_SOFT_DIRTY:
		return SVMGPU_TRACE_EVENT_SOFT_DIRTY;
	case MMU_NOTIFY_RELEASE:
		return SVMGPU_TRACE_EVENT_RELEASE;
	case MMU_NOTIFY_MIGRATE:
		return SVMGPU_TRACE_EVENT_MIGRATE;
	case MMU_NOTIFY_EXCLUSIVE:
		return SVMGPU_TRACE_EVENT_EXCLUSIVE;
	default:
		return SVMGPU_TRACE_EVENT_UNKNOWN;
	}
}

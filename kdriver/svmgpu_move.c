// SPDX-License-Identifier: GPL-2.0
/*
 * Moves of process memory, known by their task.
 */
#include <linux/sched.h>

#include "svmgpu_device.h"
#include "svmgpu_lock.h"
#include "svmgpu_move.h"
#include "svmgpu_trace.h"

/* Protects the list of moves; rank 87, innermost. */
static struct svmgpu_spinlock moves_lock;
/* As many entries as tasks that migrate right now. */
static LIST_HEAD(moves);

/**
 * svmgpu_move_module_init() - make the list's lock
 */
void svmgpu_move_module_init(void)
{
	svmgpu_spin_lock_init(&moves_lock, SVMGPU_LOCK_MOVES);
}

/**
 * svmgpu_move_begin() - the current task begins to move pages
 * @move: on its stack, until svmgpu_move_end()
 * @cause: why, enum svmgpu_trace_cause
 * @to: where to, SVMGPU_TRACE_PLACE_*
 */
void svmgpu_move_begin(struct svmgpu_move *move, u16 cause, u16 to)
{
	move->task = current;
	move->cause = cause;
	move->to = to;
	move->sum = (struct svmgpu_checksum) { };
	svmgpu_spin_lock(&moves_lock);
	list_add(&move->link, &moves);
	svmgpu_spin_unlock(&moves_lock);
}

/**
 * svmgpu_move_end() - it has moved them, or failed to
 * @move: as given to svmgpu_move_begin()
 */
void svmgpu_move_end(struct svmgpu_move *move)
{
	svmgpu_spin_lock(&moves_lock);
	list_del(&move->link);
	svmgpu_spin_unlock(&moves_lock);
}

/**
 * svmgpu_move_current() - why and to where does the current task move pages
 * @cause: enum svmgpu_trace_cause
 * @to: SVMGPU_TRACE_PLACE_*
 *
 * Who announced nothing can only bring pages back to system memory: a CPU fault, or
 * HMM for a fault worker whose VM may not use them in place. So the two say then.
 *
 * Return: true when the task has announced a move.
 */
bool svmgpu_move_current(u16 *cause, u16 *to)
{
	struct svmgpu_move *move;
	bool announced = false;

	*cause = current->flags & PF_KTHREAD ? SVMGPU_TRACE_CAUSE_FAULT :
					       SVMGPU_TRACE_CAUSE_CPU_FAULT;
	*to = SVMGPU_TRACE_PLACE_SYSTEM;

	svmgpu_spin_lock(&moves_lock);
	list_for_each_entry(move, &moves, link) {
		if (move->task != current || move->to == SVMGPU_TRACE_PLACE_NONE)
			continue;
		*cause = move->cause;
		*to = move->to;
		announced = true;
		break;
	}
	svmgpu_spin_unlock(&moves_lock);

	return announced;
}

/**
 * svmgpu_move_copied() - the current task has copied pages
 * @sum: their checksums
 */
void svmgpu_move_copied(const struct svmgpu_checksum *sum)
{
	struct svmgpu_move *move;

	svmgpu_spin_lock(&moves_lock);
	list_for_each_entry(move, &moves, link)
		if (move->task == current)
			svmgpu_checksum_join(&move->sum, sum);
	svmgpu_spin_unlock(&moves_lock);
}

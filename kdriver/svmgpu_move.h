/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moves of process memory, known by the task that makes them. Core mm stands
 * between who decides on a migration and those whom it touches (notifiers,
 * copies), and carries no word from the one to the others. The log needs it:
 * why do pages move, and to where?
 */
#ifndef SVMGPU_MOVE_H
#define SVMGPU_MOVE_H

#include <linux/list.h>

struct task_struct;

/** struct svmgpu_move - one move in progress, on the stack of its task */
struct svmgpu_move {
	/** @link: all moves in progress */
	struct list_head link;
	/** @task: who moves */
	struct task_struct *task;
	/** @cause: enum svmgpu_trace_cause */
	u16 cause;
	/** @to: where to, SVMGPU_TRACE_PLACE_* */
	u16 to;
};

void svmgpu_move_module_init(void);
/* Any context but interrupts; pairs may be nested, the innermost counts. */
void svmgpu_move_begin(struct svmgpu_move *move, u16 cause, u16 to);
void svmgpu_move_end(struct svmgpu_move *move);
/* What the current task is at. False: nothing announced; if it moves pages, to system memory. */
bool svmgpu_move_current(u16 *cause, u16 *to);

#endif

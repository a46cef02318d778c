/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moves of process memory, known by the task that makes them. Core mm stands
 * between who decides on a migration and those whom it touches (notifiers,
 * copies), and carries no word from the one to the others. The log needs it:
 * why do pages move, and to where? And back: what were their checksums?
 */
#ifndef SVMGPU_MOVE_H
#define SVMGPU_MOVE_H

#include <linux/list.h>

#include "svmgpu_checksum.h"

struct task_struct;

/** struct svmgpu_move - one move in progress, on the stack of its task */
struct svmgpu_move {
	/** @link: all moves in progress */
	struct list_head link;
	/** @task: who moves */
	struct task_struct *task;
	/** @cause: enum svmgpu_trace_cause */
	u16 cause;
	/**
	 * @to: where to, SVMGPU_TRACE_PLACE_*; NONE for who only asks others for a
	 * migration: nothing moves but what they announce
	 */
	u16 to;
	/** @sum: of what was copied meanwhile, where that was wanted */
	struct svmgpu_checksum sum;
};

void svmgpu_move_module_init(void);
/* Any context but interrupts; pairs may be nested, the innermost counts. */
void svmgpu_move_begin(struct svmgpu_move *move, u16 cause, u16 to);
void svmgpu_move_end(struct svmgpu_move *move);
/* What the current task is at. False: nothing announced; if it moves pages, to system memory. */
bool svmgpu_move_current(u16 *cause, u16 *to);
/* The current task has copied pages: for all moves that it has announced. */
void svmgpu_move_copied(const struct svmgpu_checksum *sum);

#endif

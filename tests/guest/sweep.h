/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failure sweeps: a call is made again and again, and each time another of its
 * allocations, or of the driver's functions that it goes through, fails.
 *
 * A scenario is that call, what comes before it, and what must hold after it. After
 * each round the error must be one of those that docs/uapi.md gives, the call must
 * have done all of its work or nothing (@after asserts it), and the world must work:
 * old mappings, new jobs. A scenario with a worker sweeps what that does on behalf
 * of the GPU; there, nothing but time may be lost.
 */
#ifndef TESTS_GUEST_SWEEP_H
#define TESTS_GUEST_SWEEP_H

#include <stdint.h>

#include "world.h"

#define SWEEP_MAX_ERRORS	6
#define SWEEP_MAX_ROUNDS	2000

/** struct state - a scenario's world and what it has of its own there */
struct state {
	/** @world: the VM that must go on working */
	struct world world;
	/** @spot: object or memory that the call is about */
	struct spot spot;
	/** @more: another */
	struct spot more;
	/** @id: which spot, or what a call has made */
	uint32_t id;
	/** @vm: a second VM */
	struct vm vm;
	/** @queue: a second queue */
	struct queue queue;
	/** @pending: syncobj with a fence that has not signalled */
	uint32_t pending;
	/** @fd: a second file */
	int fd;
	/** @timeline: fences that this program signals, and how many */
	int timeline;
	/** @point: of @timeline */
	uint32_t point;
	/** @syncobj: of the call */
	uint32_t syncobj;
	/** @value: that a job is to store, or what memory holds */
	uint32_t value;
	/** @flip: changes from round to round */
	uint32_t flip;
	/** @points: syncobj with a timeline */
	uint32_t points;
	/** @exporter: file of the GPU whose object is imported */
	int exporter;
	/** @fillers: objects that fill the VRAM */
	struct bo *fillers;
	/** @num_fillers: of them */
	unsigned int num_fillers;
};

/** struct scenario - a call that is made to fail */
struct scenario {
	/** @kind: of VM */
	enum world_kind kind;
	/** @gpu: which */
	int gpu;
	/** @setup: once, may be NULL */
	void (*setup)(struct state *state);
	/** @before: each round, may be NULL */
	void (*before)(struct state *state);
	/** @act: the call; 0 or a negative errno */
	int (*act)(struct state *state);
	/** @after: checks, and takes back what was done */
	void (*after)(struct state *state, int err);
	/** @errors: that it may give, besides -ENOMEM */
	int errors[SWEEP_MAX_ERRORS];
	/** @worker: function of the driver below which @act works; NULL: in the call */
	const char *worker;
};

/*
 * The subtest of a scenario: fails the nth allocation, then the nth call of any
 * function that may fail, for every n that there is. Skips without fault injection.
 */
void sweep(const struct scenario *scenario);

/* The parts of it. Skips the subtest without fault injection. */
void sweep_need_injection(void);
void sweep_begin(const struct scenario *scenario, struct state *state);
void sweep_end(struct state *state);
/* After a call that gave @err: all that must hold. */
void sweep_round_end(const struct scenario *scenario, struct state *state, int err);

/* A syncobj for the call to signal: state->syncobj. */
void sweep_new_syncobj(struct state *state);
/* It has a fence if the call gave no error, and none if it did. Empties it. */
void sweep_check_syncobj(struct state *state, int err);
/* state->pending gets a fence that signals when told to; needs a timeline. */
void sweep_open_timeline(struct state *state);
void sweep_make_pending(struct state *state);
void sweep_signal_pending(struct state *state);

#endif

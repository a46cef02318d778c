/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Full load: processes that each keep one part of the driver busy, until they are told
 * to stop or lose a GPU.
 */
#ifndef TESTS_GUEST_WORKERS_H
#define TESTS_GUEST_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "xe.h"

/** struct worker - one process of the load */
struct worker {
	/** @name: what it does */
	const char *name;
	/**
	 * @run: works until xe_stop or an error. Returns 0, a negative errno of the
	 * uAPI, or -EBADMSG: data were wrong
	 */
	int (*run)(struct worker *worker);
	/** @gpus: how many it uses */
	int gpus;
	/** @address: PCI addresses of these */
	const char *address[2];
	/** @rounds: in shared memory; counts what was done */
	volatile uint64_t *rounds;
	/**
	 * @lost: called with each file after an error, while everything is still
	 * open, mapped and bound; returns the error that @run returns
	 */
	int (*lost)(struct worker *worker, int gpu, int fd, int err);
	/** @may_block: it only ends when it is told to, also without its GPU */
	bool may_block;
};

/* One of each kind; NULL name at the end. */
extern const struct worker workers[];

#endif

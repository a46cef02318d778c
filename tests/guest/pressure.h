/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pressure: objects of somebody else that take all of a GPU's VRAM, so that what
 * tests have there is evicted.
 */
#ifndef TESTS_GUEST_PRESSURE_H
#define TESTS_GUEST_PRESSURE_H

#include "bo.h"

#define PRESSURE_MAX	256

/** struct pressure - objects that fill the VRAM */
struct pressure {
	/** @fd: DRM file of its own */
	int fd;
	/** @bos: objects that may be in VRAM only */
	struct bo bos[PRESSURE_MAX];
	/** @count: of them */
	int count;
};

void pressure_init(struct pressure *pressure, int gpu);
/* Makes objects as large as the VRAM. Returns how many others were evicted meanwhile. */
uint64_t pressure_begin(struct pressure *pressure);
/* They go again. */
void pressure_end(struct pressure *pressure);
void pressure_fini(struct pressure *pressure);

#endif

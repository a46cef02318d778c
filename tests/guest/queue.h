/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exec queues and bind queues.
 */
#ifndef TESTS_GUEST_QUEUE_H
#define TESTS_GUEST_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "vm.h"

/** struct queue - a queue of a VM */
struct queue {
	/** @fd: DRM file */
	int fd;
	/** @id: in the file */
	uint32_t id;
};

/* A queue of one engine, or of all engines of a class if @instance is -1. */
struct queue queue_create(const struct vm *vm, uint16_t engine_class, int instance);
struct queue bind_queue_create(const struct vm *vm);
/*
 * @width contexts side by side, each on one engine of the class, from the first on:
 * 0 or a negative errno.
 */
int queue_try_create(const struct vm *vm, uint16_t engine_class, unsigned int width,
		     struct queue *queue);
void queue_destroy(struct queue *queue);

/* One EXEC of the batch at an address of the VM: 0 or a negative errno. */
int queue_exec(const struct queue *queue, uint64_t batch, const struct drm_xe_sync *syncs,
	       int num_syncs);
bool queue_banned(const struct queue *queue);

#endif

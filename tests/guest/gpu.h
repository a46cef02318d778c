/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A GPU as a guest program sees it: the least that SVM user space needs over the
 * xe uAPI. Every failure is reported with the ioctl's name and ends the program:
 * these are tests.
 */
#ifndef TESTS_GUEST_GPU_H
#define TESTS_GUEST_GPU_H

#include <stdint.h>

#define GPU_MAX		8

/** struct gpu - one GPU with a fault-mode VM that mirrors the process */
struct gpu {
	/** @fd: DRM file */
	int fd;
	/** @index: number, in the order of the DRM nodes */
	int index;
	/** @vm: mirror of the address space */
	uint32_t vm;
	/** @queue: copy-engine queue */
	uint32_t queue;
	/** @vram_bytes: size of its VRAM */
	uint64_t vram_bytes;
	/** @fence: user fence, in plain memory */
	uint64_t *fence;
	/** @fence_value: of the newest job */
	uint64_t fence_value;
};

/* Opens every GPU of the driver, at most @max; returns how many. */
int gpu_open_all(struct gpu *gpus, int max);
void gpu_close(struct gpu *gpu);

/* Submits the batch at @batch (any address of the process). */
void gpu_submit(struct gpu *gpu, const void *batch);
/* Waits for the newest job: 0, or a negative errno (-EIO, -ETIME). */
int gpu_wait(struct gpu *gpu, int64_t timeout_ns);

/* Preferred location of a range: a GPU's VRAM, or system memory (NULL). 0 or a negative errno. */
int gpu_advise_location(struct gpu *gpu, void *start, uint64_t bytes, struct gpu *where);
/* Moves a range ahead of its use, to where advice says. */
void gpu_prefetch(struct gpu *gpu, void *start, uint64_t bytes);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices: the DRM files of the driver's GPUs, and what they tell about themselves.
 * Like all of this library: what fails ends the subtest, except where a function
 * returns a negative errno.
 */
#ifndef TESTS_GUEST_DEVICE_H
#define TESTS_GUEST_DEVICE_H

#include <stdint.h>

#include <drm/xe_drm.h>

#define DEVICE_MAX_ENGINES	32

/* A file of the @n-th GPU of the driver, in the order of the DRM nodes, or -1. */
int device_open_nth(int n);
/* The same; skips the subtest when there is no such GPU. */
int device_open(int n);

/* Size of the VRAM, and how much of it is in use. */
uint64_t device_vram_bytes(int fd);
uint64_t device_vram_used(int fd);
/* The engines; returns how many. */
int device_engines(int fd, struct drm_xe_engine_class_instance engines[DEVICE_MAX_ENGINES]);
/* A counter of debugfs gt0/stats, by its name there. */
uint64_t device_stat(int fd, const char *name);

/*
 * A property of a class of engines, by its sysfs name, for instance job_timeout_ms of
 * bcs; new queues get it. Returns its old value.
 */
unsigned int device_set_engine_property(int fd, const char *engine_class, const char *name,
					unsigned int value);

/* drmIoctl(): 0 or a negative errno. */
int device_ioctl(int fd, unsigned long request, void *arg);

#endif

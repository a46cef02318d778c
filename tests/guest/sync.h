/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Syncs: syncobjs, their timelines, and the entries that EXEC and VM_BIND take.
 */
#ifndef TESTS_GUEST_SYNC_H
#define TESTS_GUEST_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <drm/xe_drm.h>

/* How long a test waits for what has to happen. */
#define SYNC_TIMEOUT_NS		(20ll * 1000 * 1000 * 1000)

uint32_t syncobj_create(int fd);
void syncobj_destroy(int fd, uint32_t handle);
/* Takes the fence out of it. */
void syncobj_reset(int fd, uint32_t handle);
/* Waits until the fence, or that of a point, has signalled; the subtest fails otherwise. */
void syncobj_wait(int fd, uint32_t handle);
void syncobj_wait_point(int fd, uint32_t handle, uint64_t point);
/* Has the fence, or that of a point, signalled? There must be one. */
bool syncobj_signalled(int fd, uint32_t handle);
bool syncobj_point_signalled(int fd, uint32_t handle, uint64_t point);
/* Error of the signalled fence: 0 or a negative errno. */
int syncobj_error(int fd, uint32_t handle);

/* Entries: what a submission waits for, and what it signals. */
struct drm_xe_sync sync_in(uint32_t handle);
struct drm_xe_sync sync_out(uint32_t handle);
struct drm_xe_sync sync_in_point(uint32_t handle, uint64_t point);
struct drm_xe_sync sync_out_point(uint32_t handle, uint64_t point);
/* A user fence: EXEC takes an address of the VM, VM_BIND one of the process. */
struct drm_xe_sync sync_out_user_fence(uint64_t address, uint64_t value);

/* Waits for a user fence; with a queue it ends when that is banned. 0 or a negative errno. */
int user_fence_wait(int fd, uint32_t queue, const uint64_t *fence, uint64_t value,
		    int64_t timeout_ns);

#endif

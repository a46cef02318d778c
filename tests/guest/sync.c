// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>
#include <xf86drm.h>

#include "device.h"
#include "subtest.h"
#include "sync.h"

uint32_t syncobj_create(int fd)
{
	uint32_t handle;

	check_eq(drmSyncobjCreate(fd, 0, &handle), 0);

	return handle;
}

void syncobj_destroy(int fd, uint32_t handle)
{
	check_eq(drmSyncobjDestroy(fd, handle), 0);
}

void syncobj_reset(int fd, uint32_t handle)
{
	check_eq(drmSyncobjReset(fd, &handle, 1), 0);
}

/* A timeout that the kernel compares with CLOCK_MONOTONIC. */
static int64_t deadline(int64_t timeout_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000000000ll + now.tv_nsec + timeout_ns;
}

static int wait(int fd, uint32_t handle, int64_t timeout_ns)
{
	return drmSyncobjWait(fd, &handle, 1, deadline(timeout_ns), 0, NULL);
}

static int wait_point(int fd, uint32_t handle, uint64_t point, int64_t timeout_ns)
{
	return drmSyncobjTimelineWait(fd, &handle, &point, 1, deadline(timeout_ns), 0, NULL);
}

void syncobj_wait(int fd, uint32_t handle)
{
	check_eq(wait(fd, handle, SYNC_TIMEOUT_NS), 0);
}

void syncobj_wait_point(int fd, uint32_t handle, uint64_t point)
{
	check_eq(wait_point(fd, handle, point, SYNC_TIMEOUT_NS), 0);
}

bool syncobj_signalled(int fd, uint32_t handle)
{
	int err = wait(fd, handle, 0);

	check_that(!err || err == -ETIME, "waiting for a syncobj: %s", strerror(-err));

	return !err;
}

bool syncobj_point_signalled(int fd, uint32_t handle, uint64_t point)
{
	int err = wait_point(fd, handle, point, 0);

	check_that(!err || err == -ETIME, "waiting for a point: %s", strerror(-err));

	return !err;
}

int syncobj_error(int fd, uint32_t handle)
{
	struct sync_file_info info = { 0 };
	int file;

	check_eq(drmSyncobjExportSyncFile(fd, handle, &file), 0);
	check_eq(device_ioctl(file, SYNC_IOC_FILE_INFO, &info), 0);
	close(file);

	/* 1: without error, 0: has not signalled */
	return info.status < 0 ? info.status : 0;
}

struct drm_xe_sync sync_in(uint32_t handle)
{
	return (struct drm_xe_sync){ .type = DRM_XE_SYNC_TYPE_SYNCOBJ, .handle = handle };
}

struct drm_xe_sync sync_out(uint32_t handle)
{
	return (struct drm_xe_sync){
		.type = DRM_XE_SYNC_TYPE_SYNCOBJ,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.handle = handle,
	};
}

struct drm_xe_sync sync_in_point(uint32_t handle, uint64_t point)
{
	return (struct drm_xe_sync){
		.type = DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ,
		.handle = handle,
		.timeline_value = point,
	};
}

struct drm_xe_sync sync_out_point(uint32_t handle, uint64_t point)
{
	return (struct drm_xe_sync){
		.type = DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.handle = handle,
		.timeline_value = point,
	};
}

struct drm_xe_sync sync_out_user_fence(uint64_t address, uint64_t value)
{
	return (struct drm_xe_sync){
		.type = DRM_XE_SYNC_TYPE_USER_FENCE,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.addr = address,
		.timeline_value = value,
	};
}

int user_fence_wait(int fd, uint32_t queue, const uint64_t *fence, uint64_t value,
		    int64_t timeout_ns)
{
	struct drm_xe_wait_user_fence wait = {
		.addr = (uintptr_t)fence,
		.op = DRM_XE_UFENCE_WAIT_OP_EQ,
		.value = value,
		.mask = ~0ull,
		.timeout = timeout_ns,
		.exec_queue_id = queue,
	};

	return device_ioctl(fd, DRM_IOCTL_XE_WAIT_USER_FENCE, &wait);
}

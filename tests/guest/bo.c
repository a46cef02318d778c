// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <xf86drm.h>

#include "bo.h"
#include "device.h"
#include "subtest.h"

int bo_try_create(int fd, const struct vm *vm, uint64_t bytes, enum bo_place place, uint32_t flags,
		  struct bo *bo)
{
	struct drm_xe_gem_create create = {
		.size = bytes,
		.placement = place,
		.flags = flags,
		.vm_id = vm ? vm->id : 0,
		.cpu_caching = place == BO_SYSTEM ? DRM_XE_GEM_CPU_CACHING_WB :
						    DRM_XE_GEM_CPU_CACHING_WC,
	};
	int err = device_ioctl(fd, DRM_IOCTL_XE_GEM_CREATE, &create);

	if (!err)
		*bo = (struct bo){ .fd = fd, .handle = create.handle, .bytes = bytes };

	return err;
}

struct bo bo_create(int fd, const struct vm *vm, uint64_t bytes, enum bo_place place)
{
	struct bo bo;

	check_eq(bo_try_create(fd, vm, bytes, place, 0, &bo), 0);

	return bo;
}

void *bo_map(struct bo *bo)
{
	struct drm_xe_gem_mmap_offset offset = { .handle = bo->handle };

	if (bo->map)
		return bo->map;
	check_eq(device_ioctl(bo->fd, DRM_IOCTL_XE_GEM_MMAP_OFFSET, &offset), 0);
	bo->map = mmap(NULL, bo->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bo->fd, offset.offset);
	check_that(bo->map != MAP_FAILED, "mmap of an object: %s", strerror(errno));

	return bo->map;
}

void bo_destroy(struct bo *bo)
{
	struct drm_gem_close close = { .handle = bo->handle };

	if (bo->map)
		munmap(bo->map, bo->bytes);
	check_eq(device_ioctl(bo->fd, DRM_IOCTL_GEM_CLOSE, &close), 0);
	*bo = (struct bo){ .fd = -1 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that SVM user space needs over the xe uAPI.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>
#include <drm/xe_drm.h>

#include "device.h"
#include "gpu.h"
#include "subtest.h"

#define VA_BITS		48

static void must(int ret, const char *what)
{
	check_that(!ret, "%s: %s", what, strerror(errno));
}

static void create_vm(struct gpu *gpu)
{
	struct drm_xe_vm_create create = {
		.flags = DRM_XE_VM_CREATE_FLAG_LR_MODE | DRM_XE_VM_CREATE_FLAG_FAULT_MODE,
	};
	struct drm_xe_sync sync = {
		.type = DRM_XE_SYNC_TYPE_USER_FENCE,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.addr = (uintptr_t)gpu->fence,
		.timeline_value = ++gpu->fence_value,
	};
	struct drm_xe_vm_bind bind = {
		.num_binds = 1,
		.bind.op = DRM_XE_VM_BIND_OP_MAP,
		.bind.range = 1ull << VA_BITS,
		.bind.flags = DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR,
		.num_syncs = 1,
		.syncs = (uintptr_t)&sync,
	};

	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_VM_CREATE, &create), "VM_CREATE");
	gpu->vm = create.vm_id;
	bind.vm_id = gpu->vm;
	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_VM_BIND, &bind), "VM_BIND");
	errno = -gpu_wait(gpu, 10ll * 1000 * 1000 * 1000);
	must(errno, "mirror bind");
}

static void create_queue(struct gpu *gpu)
{
	struct drm_xe_engine_class_instance engine = { .engine_class = DRM_XE_ENGINE_CLASS_COPY };
	struct drm_xe_exec_queue_create create = {
		.width = 1,
		.num_placements = 1,
		.vm_id = gpu->vm,
		.instances = (uintptr_t)&engine,
	};

	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_EXEC_QUEUE_CREATE, &create), "EXEC_QUEUE_CREATE");
	gpu->queue = create.exec_queue_id;
}

int gpu_open_all(struct gpu *gpus, int max)
{
	int n = 0;

	while (n < max) {
		int fd = device_open_nth(n);
		struct gpu *gpu = &gpus[n];

		if (fd < 0)
			break;
		*gpu = (struct gpu){ .fd = fd, .index = n };
		gpu->fence = aligned_alloc(64, 64);
		must(!gpu->fence, "memory for a fence");
		*gpu->fence = 0;
		gpu->vram_bytes = device_vram_bytes(fd);
		create_vm(gpu);
		create_queue(gpu);
		n++;
	}

	return n;
}

void gpu_close(struct gpu *gpu)
{
	struct drm_xe_exec_queue_destroy queue = { .exec_queue_id = gpu->queue };
	struct drm_xe_vm_destroy vm = { .vm_id = gpu->vm };

	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_EXEC_QUEUE_DESTROY, &queue), "EXEC_QUEUE_DESTROY");
	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_VM_DESTROY, &vm), "VM_DESTROY");
	close(gpu->fd);
	free(gpu->fence);
}

void gpu_submit(struct gpu *gpu, const void *batch)
{
	struct drm_xe_sync sync = {
		.type = DRM_XE_SYNC_TYPE_USER_FENCE,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.addr = (uintptr_t)gpu->fence,
		.timeline_value = ++gpu->fence_value,
	};
	struct drm_xe_exec exec = {
		.exec_queue_id = gpu->queue,
		.num_batch_buffer = 1,
		.address = (uintptr_t)batch,
		.num_syncs = 1,
		.syncs = (uintptr_t)&sync,
	};

	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_EXEC, &exec), "EXEC");
}

int gpu_wait(struct gpu *gpu, int64_t timeout_ns)
{
	struct drm_xe_wait_user_fence wait = {
		.addr = (uintptr_t)gpu->fence,
		.op = DRM_XE_UFENCE_WAIT_OP_EQ,
		.value = gpu->fence_value,
		.mask = ~0ull,
		.timeout = timeout_ns,
		.exec_queue_id = gpu->queue,
	};

	return drmIoctl(gpu->fd, DRM_IOCTL_XE_WAIT_USER_FENCE, &wait) ? -errno : 0;
}

int gpu_advise_location(struct gpu *gpu, void *start, uint64_t bytes, struct gpu *where)
{
	struct drm_xe_madvise advice = {
		.vm_id = gpu->vm,
		.start = (uintptr_t)start,
		.range = bytes,
		.type = DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC,
		.preferred_mem_loc.devmem_fd =
			where ? where->fd : DRM_XE_PREFERRED_LOC_DEFAULT_SYSTEM,
		.preferred_mem_loc.region_instance = !!where,
	};

	return drmIoctl(gpu->fd, DRM_IOCTL_XE_MADVISE, &advice) ? -errno : 0;
}

void gpu_prefetch(struct gpu *gpu, void *start, uint64_t bytes)
{
	struct drm_xe_sync sync = {
		.type = DRM_XE_SYNC_TYPE_USER_FENCE,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.addr = (uintptr_t)gpu->fence,
		.timeline_value = ++gpu->fence_value,
	};
	struct drm_xe_vm_bind bind = {
		.vm_id = gpu->vm,
		.num_binds = 1,
		.bind.op = DRM_XE_VM_BIND_OP_PREFETCH,
		.bind.addr = (uintptr_t)start,
		.bind.range = bytes,
		.bind.prefetch_mem_region_instance = DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC,
		.num_syncs = 1,
		.syncs = (uintptr_t)&sync,
	};

	must(drmIoctl(gpu->fd, DRM_IOCTL_XE_VM_BIND, &bind), "VM_BIND prefetch");
	errno = -gpu_wait(gpu, 30ll * 1000 * 1000 * 1000);
	must(errno, "prefetch");
}

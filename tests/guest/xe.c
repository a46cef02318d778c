// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The xe uAPI, call by call. See xe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>

#include "xe.h"

#define PREFETCH_PREFERRED	((uint32_t)DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC)

volatile sig_atomic_t xe_stop;

int xe_list(char address[XE_GPUS_MAX][XE_ADDRESS_BYTES])
{
	glob_t found;
	int n = 0;

	glob("/sys/bus/pci/drivers/xe/0000:*", 0, NULL, &found);
	glob("/sys/bus/pci/drivers/svmgpu/0000:*", GLOB_APPEND, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && n < XE_GPUS_MAX; i++)
		snprintf(address[n++], XE_ADDRESS_BYTES, "%s", strrchr(found.gl_pathv[i], '/') + 1);
	globfree(&found);

	return n;
}

int xe_open(const char *address)
{
	char path[128];
	glob_t found;
	int fd = -1;

	errno = ENODEV;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/drm/card*", address);
	if (!glob(path, 0, NULL, &found)) {
		snprintf(path, sizeof(path), "/dev/dri/%s", strrchr(found.gl_pathv[0], '/') + 1);
		fd = open(path, O_RDWR | O_CLOEXEC);
		globfree(&found);
	}

	/* the node may be gone between the look at sysfs and the open */
	return fd >= 0 ? fd : errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
}

int xe_ioctl(int fd, unsigned long request, void *argument)
{
	while (ioctl(fd, request, argument)) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (xe_stop)
			return -EINTR;
	}

	return 0;
}

int xe_probe(int fd)
{
	struct drm_xe_device_query query = { .query = DRM_XE_DEVICE_QUERY_CONFIG };

	return xe_ioctl(fd, DRM_IOCTL_XE_DEVICE_QUERY, &query);
}

int xe_vm_create(int fd, uint32_t flags, uint32_t *vm)
{
	struct drm_xe_vm_create args = { .flags = flags };
	int err = xe_ioctl(fd, DRM_IOCTL_XE_VM_CREATE, &args);

	*vm = args.vm_id;
	return err;
}

int xe_vm_destroy(int fd, uint32_t vm)
{
	struct drm_xe_vm_destroy args = { .vm_id = vm };

	return xe_ioctl(fd, DRM_IOCTL_XE_VM_DESTROY, &args);
}

int xe_bo_create(int fd, uint32_t vm, uint64_t bytes, uint32_t placement, uint32_t *handle)
{
	struct drm_xe_gem_create args = {
		.size = bytes,
		.placement = placement,
		.vm_id = vm,
		.cpu_caching = DRM_XE_GEM_CPU_CACHING_WC,
	};
	int err = xe_ioctl(fd, DRM_IOCTL_XE_GEM_CREATE, &args);

	*handle = args.handle;
	return err;
}

int xe_bo_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return xe_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

void *xe_bo_map(int fd, uint32_t handle, uint64_t bytes)
{
	struct drm_xe_gem_mmap_offset args = { .handle = handle };
	int err = xe_ioctl(fd, DRM_IOCTL_XE_GEM_MMAP_OFFSET, &args);
	void *map;

	if (err) {
		errno = -err;
		return NULL;
	}
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, args.offset);

	return map == MAP_FAILED ? NULL : map;
}

struct drm_xe_vm_bind_op xe_map(uint32_t handle, uint64_t addr, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_MAP,
		.obj = handle,
		.addr = addr,
		.range = bytes,
		.pat_index = XE_PAT_COHERENT,
	};
}

struct drm_xe_vm_bind_op xe_map_userptr(void *start, uint64_t addr, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_MAP_USERPTR,
		.userptr = (uintptr_t)start,
		.addr = addr,
		.range = bytes,
		.pat_index = XE_PAT_COHERENT,
	};
}

struct drm_xe_vm_bind_op xe_map_mirror(uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_MAP,
		.flags = DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR,
		.range = bytes,
	};
}

struct drm_xe_vm_bind_op xe_unmap(uint64_t addr, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_UNMAP,
		.addr = addr,
		.range = bytes,
	};
}

struct drm_xe_vm_bind_op xe_prefetch(uint64_t addr, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_PREFETCH,
		.addr = addr,
		.range = bytes,
		.prefetch_mem_region_instance = PREFETCH_PREFERRED,
	};
}

int xe_bind(int fd, uint32_t vm, uint32_t queue, struct drm_xe_vm_bind_op *ops, uint32_t count,
	    struct drm_xe_sync *syncs, uint32_t num_syncs)
{
	struct drm_xe_vm_bind args = {
		.vm_id = vm,
		.exec_queue_id = queue,
		.num_binds = count,
		.num_syncs = num_syncs,
		.syncs = (uintptr_t)syncs,
	};

	if (count == 1)
		args.bind = *ops;
	else
		args.vector_of_binds = (uintptr_t)ops;

	return xe_ioctl(fd, DRM_IOCTL_XE_VM_BIND, &args);
}

int xe_bind_wait(int fd, uint32_t vm, struct drm_xe_vm_bind_op op)
{
	uint64_t fence = 0;
	struct drm_xe_sync sync = xe_fence(&fence, 1);
	int err = xe_bind(fd, vm, 0, &op, 1, &sync, 1);

	return err ? err : xe_wait(fd, &fence, 1, 0, -1);
}

int xe_queue_create(int fd, uint32_t vm, uint16_t class, uint16_t instance, uint32_t *queue)
{
	struct drm_xe_engine_class_instance engine = {
		.engine_class = class,
		.engine_instance = instance,
	};
	struct drm_xe_exec_queue_create args = {
		.width = 1,
		.num_placements = 1,
		.vm_id = vm,
		.instances = (uintptr_t)&engine,
	};
	int err = xe_ioctl(fd, DRM_IOCTL_XE_EXEC_QUEUE_CREATE, &args);

	*queue = args.exec_queue_id;
	return err;
}

int xe_queue_destroy(int fd, uint32_t queue)
{
	struct drm_xe_exec_queue_destroy args = { .exec_queue_id = queue };

	return xe_ioctl(fd, DRM_IOCTL_XE_EXEC_QUEUE_DESTROY, &args);
}

int xe_exec(int fd, uint32_t queue, uint64_t batch, struct drm_xe_sync *syncs,
	    uint32_t num_syncs)
{
	struct drm_xe_exec args = {
		.exec_queue_id = queue,
		.num_batch_buffer = 1,
		.address = batch,
		.num_syncs = num_syncs,
		.syncs = (uintptr_t)syncs,
	};

	return xe_ioctl(fd, DRM_IOCTL_XE_EXEC, &args);
}

struct drm_xe_sync xe_fence(uint64_t *addr, uint64_t value)
{
	return (struct drm_xe_sync) {
		.type = DRM_XE_SYNC_TYPE_USER_FENCE,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.addr = (uintptr_t)addr,
		.timeline_value = value,
	};
}

struct drm_xe_sync xe_in(uint32_t syncobj)
{
	return (struct drm_xe_sync) {
		.type = DRM_XE_SYNC_TYPE_SYNCOBJ,
		.handle = syncobj,
	};
}

struct drm_xe_sync xe_out(uint32_t syncobj)
{
	return (struct drm_xe_sync) {
		.type = DRM_XE_SYNC_TYPE_SYNCOBJ,
		.flags = DRM_XE_SYNC_FLAG_SIGNAL,
		.handle = syncobj,
	};
}

int xe_wait(int fd, uint64_t *addr, uint64_t value, uint32_t queue, int64_t timeout_ns)
{
	struct drm_xe_wait_user_fence args = {
		.addr = (uintptr_t)addr,
		.op = DRM_XE_UFENCE_WAIT_OP_EQ,
		.value = value,
		.mask = ~0ull,
		.timeout = timeout_ns,
		.exec_queue_id = queue,
	};

	return xe_ioctl(fd, DRM_IOCTL_XE_WAIT_USER_FENCE, &args);
}

int xe_syncobj_create(int fd, uint32_t *syncobj)
{
	struct drm_syncobj_create args = { };
	int err = xe_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*syncobj = args.handle;
	return err;
}

int xe_syncobj_destroy(int fd, uint32_t syncobj)
{
	struct drm_syncobj_destroy args = { .handle = syncobj };

	return xe_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

int xe_syncobj_reset(int fd, uint32_t syncobj)
{
	struct drm_syncobj_array args = { .handles = (uintptr_t)&syncobj, .count_handles = 1 };

	return xe_ioctl(fd, DRM_IOCTL_SYNCOBJ_RESET, &args);
}

int xe_syncobj_wait(int fd, uint32_t syncobj)
{
	struct drm_syncobj_wait args = {
		.handles = (uintptr_t)&syncobj,
		.count_handles = 1,
		.timeout_nsec = INT64_MAX,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return xe_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &args);
}

int xe_prefer(int fd, uint32_t vm, void *start, uint64_t bytes, int where)
{
	struct drm_xe_madvise args = {
		.vm_id = vm,
		.start = (uintptr_t)start,
		.range = bytes,
		.type = DRM_XE_MEM_RANGE_ATTR_PREFERRED_LOC,
		.preferred_mem_loc.devmem_fd = where,
		.preferred_mem_loc.region_instance = 1,
	};

	return xe_ioctl(fd, DRM_IOCTL_XE_MADVISE, &args);
}

int xe_export(int fd, uint32_t handle, int *dma_buf)
{
	struct drm_prime_handle args = { .handle = handle, .flags = DRM_RDWR | DRM_CLOEXEC };
	int err = xe_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*dma_buf = args.fd;
	return err;
}

int xe_import(int fd, int dma_buf, uint32_t *handle)
{
	struct drm_prime_handle args = { .fd = dma_buf };
	int err = xe_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <stdint.h>

#include <xf86drm.h>

#include "bo.h"
#include "device.h"
#include "queue.h"
#include "subtest.h"
#include "sync.h"
#include "vm.h"

/* coherent with the CPU's caches, so it does for every kind of memory */
#define PAT_INDEX	2

int vm_try_create(int fd, uint32_t flags, struct vm *vm)
{
	struct drm_xe_vm_create create = { .flags = flags };
	int err = device_ioctl(fd, DRM_IOCTL_XE_VM_CREATE, &create);

	if (!err)
		*vm = (struct vm){ .fd = fd, .id = create.vm_id, .flags = flags };

	return err;
}

struct vm vm_create(int fd, uint32_t flags)
{
	struct vm vm;

	check_eq(vm_try_create(fd, flags, &vm), 0);

	return vm;
}

void vm_destroy(struct vm *vm)
{
	struct drm_xe_vm_destroy destroy = { .vm_id = vm->id };

	check_eq(device_ioctl(vm->fd, DRM_IOCTL_XE_VM_DESTROY, &destroy), 0);
}

struct drm_xe_vm_bind_op op_map(uint64_t address, const struct bo *bo, uint64_t offset,
				uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_MAP,
		.obj = bo->handle,
		.obj_offset = offset,
		.addr = address,
		.range = bytes,
		.pat_index = PAT_INDEX,
	};
}

struct drm_xe_vm_bind_op op_userptr(uint64_t address, const void *memory, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_MAP_USERPTR,
		.userptr = (uintptr_t)memory,
		.addr = address,
		.range = bytes,
		.pat_index = PAT_INDEX,
	};
}

struct drm_xe_vm_bind_op op_null(uint64_t address, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_MAP,
		.flags = DRM_XE_VM_BIND_FLAG_NULL,
		.addr = address,
		.range = bytes,
		.pat_index = PAT_INDEX,
	};
}

struct drm_xe_vm_bind_op op_unmap(uint64_t address, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_UNMAP,
		.addr = address,
		.range = bytes,
	};
}

struct drm_xe_vm_bind_op op_unmap_all(const struct bo *bo)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_UNMAP_ALL,
		.obj = bo->handle,
	};
}

struct drm_xe_vm_bind_op op_mirror(uint64_t address, uint64_t bytes)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_MAP,
		.flags = DRM_XE_VM_BIND_FLAG_CPU_ADDR_MIRROR,
		.addr = address,
		.range = bytes,
	};
}

struct drm_xe_vm_bind_op op_prefetch(uint64_t address, uint64_t bytes, uint32_t region)
{
	return (struct drm_xe_vm_bind_op){
		.op = DRM_XE_VM_BIND_OP_PREFETCH,
		.addr = address,
		.range = bytes,
		.prefetch_mem_region_instance = region,
	};
}

int vm_bind(const struct vm *vm, const struct queue *queue, const struct drm_xe_vm_bind_op *ops,
	    int num_ops, const struct drm_xe_sync *syncs, int num_syncs)
{
	struct drm_xe_vm_bind bind = {
		.vm_id = vm->id,
		.exec_queue_id = queue ? queue->id : 0,
		.num_binds = num_ops,
		.num_syncs = num_syncs,
		.syncs = (uintptr_t)syncs,
	};

	if (num_ops == 1)
		bind.bind = ops[0];
	else
		bind.vector_of_binds = (uintptr_t)ops;

	return device_ioctl(vm->fd, DRM_IOCTL_XE_VM_BIND, &bind);
}

void vm_bind_now(const struct vm *vm, struct drm_xe_vm_bind_op op)
{
	struct drm_xe_sync sync;
	uint64_t fence = 0;

	/* long-running VMs have no syncobjs to signal */
	if (vm->flags & DRM_XE_VM_CREATE_FLAG_LR_MODE) {
		sync = sync_out_user_fence((uintptr_t)&fence, 1);
		check_eq(vm_bind(vm, NULL, &op, 1, &sync, 1), 0);
		check_eq(user_fence_wait(vm->fd, 0, &fence, 1, SYNC_TIMEOUT_NS), 0);
		return;
	}
	sync = sync_out(syncobj_create(vm->fd));
	check_eq(vm_bind(vm, NULL, &op, 1, &sync, 1), 0);
	syncobj_wait(vm->fd, sync.handle);
	syncobj_destroy(vm->fd, sync.handle);
}

void vm_map(const struct vm *vm, uint64_t address, const struct bo *bo)
{
	vm_bind_now(vm, op_map(address, bo, 0, bo->bytes));
}

void vm_unmap(const struct vm *vm, uint64_t address, uint64_t bytes)
{
	vm_bind_now(vm, op_unmap(address, bytes));
}

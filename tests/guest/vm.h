/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GPU VMs and what VM_BIND does to them.
 */
#ifndef TESTS_GUEST_VM_H
#define TESTS_GUEST_VM_H

#include <stdint.h>

#include <drm/xe_drm.h>

struct bo;
struct queue;

/** struct vm - an address space */
struct vm {
	/** @fd: DRM file */
	int fd;
	/** @id: in the file */
	uint32_t id;
	/** @flags: DRM_XE_VM_CREATE_FLAG_*; 0 is a dma-fence VM */
	uint32_t flags;
};

struct vm vm_create(int fd, uint32_t flags);
/* The same: 0 or a negative errno. */
int vm_try_create(int fd, uint32_t flags, struct vm *vm);
void vm_destroy(struct vm *vm);

/* Operations of an array. Addresses, offsets and sizes are in bytes. */
struct drm_xe_vm_bind_op op_map(uint64_t address, const struct bo *bo, uint64_t offset,
				uint64_t bytes);
struct drm_xe_vm_bind_op op_userptr(uint64_t address, const void *memory, uint64_t bytes);
struct drm_xe_vm_bind_op op_null(uint64_t address, uint64_t bytes);
struct drm_xe_vm_bind_op op_unmap(uint64_t address, uint64_t bytes);
struct drm_xe_vm_bind_op op_unmap_all(const struct bo *bo);
/* A mirror of the process: the same addresses. */
struct drm_xe_vm_bind_op op_mirror(uint64_t address, uint64_t bytes);
/* @region: 0 system memory, 1 VRAM, or DRM_XE_CONSULT_MEM_ADVISE_PREF_LOC. */
struct drm_xe_vm_bind_op op_prefetch(uint64_t address, uint64_t bytes, uint32_t region);

/*
 * One VM_BIND on @queue, or on the VM's own bind queue if that is NULL.
 * Returns 0 or a negative errno.
 */
int vm_bind(const struct vm *vm, const struct queue *queue, const struct drm_xe_vm_bind_op *ops,
	    int num_ops, const struct drm_xe_sync *syncs, int num_syncs);

/* One operation; it has taken effect when this returns. */
void vm_bind_now(const struct vm *vm, struct drm_xe_vm_bind_op op);
/* The same for the whole of an object, and for its end. */
void vm_map(const struct vm *vm, uint64_t address, const struct bo *bo);
void vm_unmap(const struct vm *vm, uint64_t address, uint64_t bytes);

#endif

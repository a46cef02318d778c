/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xe uAPI, call by call: each returns 0 or a negative errno and leaves it to the
 * caller what an error means. For tests in which calls are to fail; gpu.h is for those
 * in which they are not.
 */
#ifndef TESTS_GUEST_XE_H
#define TESTS_GUEST_XE_H

#include <signal.h>
#include <stdint.h>

#include <drm/xe_drm.h>

#define XE_GPUS_MAX	8
/* a PAT index that is coherent with CPU caches, as userptrs and imports need */
#define XE_PAT_COHERENT		1
/* room for a PCI address such as 0000:03:00.0 */
#define XE_ADDRESS_BYTES	16

/* Set by a signal handler: calls that sleep give up with -EINTR. */
extern volatile sig_atomic_t xe_stop;

/* PCI addresses of all GPUs that the driver is bound to, sorted; returns how many. */
int xe_list(char address[XE_GPUS_MAX][XE_ADDRESS_BYTES]);
/* A DRM file of the GPU at a PCI address, or a negative errno. */
int xe_open(const char *address);

int xe_ioctl(int fd, unsigned long request, void *argument);
/* Does the GPU answer? A DEVICE_QUERY. */
int xe_probe(int fd);

int xe_vm_create(int fd, uint32_t flags, uint32_t *vm);
int xe_vm_destroy(int fd, uint32_t vm);

/* @placement: 1 system memory, 2 VRAM, 3 either. @vm: owner, or 0. */
int xe_bo_create(int fd, uint32_t vm, uint64_t bytes, uint32_t placement, uint32_t *handle);
int xe_bo_close(int fd, uint32_t handle);
/* NULL with errno set when it cannot be mapped. */
void *xe_bo_map(int fd, uint32_t handle, uint64_t bytes);

struct drm_xe_vm_bind_op xe_map(uint32_t handle, uint64_t addr, uint64_t bytes);
struct drm_xe_vm_bind_op xe_map_userptr(void *start, uint64_t addr, uint64_t bytes);
struct drm_xe_vm_bind_op xe_map_mirror(uint64_t bytes);
struct drm_xe_vm_bind_op xe_unmap(uint64_t addr, uint64_t bytes);
struct drm_xe_vm_bind_op xe_prefetch(uint64_t addr, uint64_t bytes);
/* @queue: a bind queue, or 0 for the VM's own. */
int xe_bind(int fd, uint32_t vm, uint32_t queue, struct drm_xe_vm_bind_op *ops, uint32_t count,
	    struct drm_xe_sync *syncs, uint32_t num_syncs);
/* One operation, and wait until it is done. */
int xe_bind_wait(int fd, uint32_t vm, struct drm_xe_vm_bind_op op);

int xe_queue_create(int fd, uint32_t vm, uint16_t class, uint16_t instance, uint32_t *queue);
int xe_queue_destroy(int fd, uint32_t queue);
int xe_exec(int fd, uint32_t queue, uint64_t batch, struct drm_xe_sync *syncs,
	    uint32_t num_syncs);

struct drm_xe_sync xe_fence(uint64_t *addr, uint64_t value);
struct drm_xe_sync xe_in(uint32_t syncobj);
struct drm_xe_sync xe_out(uint32_t syncobj);
/* Waits until *@addr is @value. @queue: whose end ends the wait, or 0. Negative: for ever. */
int xe_wait(int fd, uint64_t *addr, uint64_t value, uint32_t queue, int64_t timeout_ns);

int xe_syncobj_create(int fd, uint32_t *syncobj);
int xe_syncobj_destroy(int fd, uint32_t syncobj);
int xe_syncobj_reset(int fd, uint32_t syncobj);
/* For ever, also for a fence that is not there yet. */
int xe_syncobj_wait(int fd, uint32_t syncobj);

/* Preferred location of a range of a mirror: the VRAM of the GPU of @where. */
int xe_prefer(int fd, uint32_t vm, void *start, uint64_t bytes, int where);

int xe_export(int fd, uint32_t handle, int *dma_buf);
int xe_import(int fd, int dma_buf, uint32_t *handle);

#endif

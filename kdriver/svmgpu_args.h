/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The checks that need nothing but an ioctl's arguments. Each stands beside its
 * ioctl, which calls it first; unit tests ask them for every errno that
 * docs/uapi.md gives. Those of VM_BIND, of syncs and of new queues are in headers
 * of their own.
 */
#ifndef SVMGPU_ARGS_H
#define SVMGPU_ARGS_H

#include <linux/types.h>

struct drm_xe_exec;
struct drm_xe_gem_create;
struct drm_xe_gem_mmap_offset;
struct drm_xe_madvise;
struct drm_xe_vm_create;
struct drm_xe_vm_query_mem_range_attr;
struct drm_xe_wait_user_fence;

int svmgpu_exec_check(const struct drm_xe_exec *args);
int svmgpu_gem_check_create(const struct drm_xe_gem_create *args, u32 *flags);
int svmgpu_gem_check_mmap_offset(const struct drm_xe_gem_mmap_offset *args);
int svmgpu_madvise_check(const struct drm_xe_madvise *args);
int svmgpu_query_mem_attrs_check(const struct drm_xe_vm_query_mem_range_attr *args);
int svmgpu_vm_check_create(const struct drm_xe_vm_create *args, u32 *vm_flags);
int svmgpu_wait_check(const struct drm_xe_wait_user_fence *args);

#endif

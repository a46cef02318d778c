/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arguments of VM_BIND. The checks are pure: they look at what they are given
 * and nothing else, so that unit tests can ask them for every errno.
 */
#ifndef SVMGPU_BIND_ARGS_H
#define SVMGPU_BIND_ARGS_H

struct drm_file;
struct drm_xe_vm_bind;
struct drm_xe_vm_bind_op;
struct svmgpu_bind;
struct svmgpu_bo;
struct svmgpu_vm;

int svmgpu_bind_check_args(const struct drm_xe_vm_bind *args);
int svmgpu_bind_check_op(const struct svmgpu_vm *vm, const struct drm_xe_vm_bind_op *op);
int svmgpu_bind_check_bo(const struct svmgpu_vm *vm, const struct svmgpu_bo *bo,
			 const struct drm_xe_vm_bind_op *op);

int svmgpu_bind_get_ops(struct svmgpu_bind *bind, const struct drm_xe_vm_bind *args);
int svmgpu_bind_get_bos(struct svmgpu_bind *bind, struct drm_file *file);
int svmgpu_bind_get_syncs(struct svmgpu_bind *bind, const struct drm_xe_vm_bind *args,
			  struct drm_file *file);
/* Gives back what the three took, however far they came. */
void svmgpu_bind_put_args(struct svmgpu_bind *bind);

#endif

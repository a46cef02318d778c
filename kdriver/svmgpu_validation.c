// SPDX-License-Identifier: GPL-2.0
/*
 * Validation sections; see svmgpu_validation.h for how one is written.
 *
 * Many sections run side by side with the domain held for reading. Two of them
 * can each hold objects that the other would have to evict; TTM then gives up
 * with -ENOMEM (or -ENOSPC) although there is memory. The loser runs again
 * alone, with the domain held for writing: then a failure is a real one.
 */
#include <drm/drm_gem.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_trace.h"
#include "svmgpu_validation.h"
#include "svmgpu_vm.h"

/**
 * svmgpu_validation_init() - prepares a section, takes nothing yet
 * @v: the section
 * @dev: the GPU whose memory is going to be used
 * @flags: DRM_EXEC_*
 */
void svmgpu_validation_init(struct svmgpu_validation *v, struct svmgpu_device *dev, u32 flags)
{
	v->dev = dev;
	v->flags = flags;
	v->vm = NULL;
	v->traced = 0;
	v->exclusive = false;
	v->active = false;
}

/**
 * svmgpu_validation_begin() - enters the validation domain and begins a ww section
 * @v: the section
 *
 * May sleep. Caller may hold the VM lock and, when it populates device memory,
 * the mmap lock; never a dma_resv.
 */
void svmgpu_validation_begin(struct svmgpu_validation *v)
{
	if (v->exclusive)
		svmgpu_down_write(&v->dev->val_lock);
	else
		svmgpu_down_read(&v->dev->val_lock);
	drm_exec_init(&v->exec, v->flags, 0);
	v->traced = 0;
	v->active = true;
}

/**
 * svmgpu_validation_lock() - locks an object within drm_exec_until_all_locked()
 * @v: the section, active
 * @obj: the object
 * @num_fences: fence slots to reserve, or 0
 *
 * May sleep.
 *
 * Return: 0, -EDEADLK (drm_exec_retry_on_contention() deals with it), -EALREADY
 * for an object that is locked already without DRM_EXEC_IGNORE_DUPLICATES,
 * -EINTR, -ENOMEM.
 */
int svmgpu_validation_lock(struct svmgpu_validation *v, struct drm_gem_object *obj,
			   unsigned int num_fences)
{
	if (num_fences)
		return drm_exec_prepare_obj(&v->exec, obj, num_fences);
	return drm_exec_lock_obj(&v->exec, obj);
}

/*
 * The object that carries a VM's resv has no size, and a local object shares it.
 * Neither is told from the other by its lock, which is one and the same.
 */
static enum svmgpu_lock_class resv_class(struct drm_gem_object *obj, u32 *vm, u32 *bo)
{
	if (!obj->size)
		return SVMGPU_LOCK_VM_RESV;
	if (svmgpu_bo_is_local(gem_to_bo(obj))) {
		*vm = gem_to_bo(obj)->vm->trace_id;
		return SVMGPU_LOCK_VM_RESV;
	}
	*bo = gem_to_bo(obj)->trace_id;
	return SVMGPU_LOCK_BO_RESV;
}

/**
 * svmgpu_validation_traced() - emits the lock events for everything locked so far
 * @v: the section, active, behind drm_exec_until_all_locked()
 */
void svmgpu_validation_traced(struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	unsigned int index = 0;

	if (!svmgpu_lock_tracing())
		return;
	drm_exec_for_each_locked_object(&v->exec, obj) {
		u32 vm = v->vm ? v->vm->trace_id : 0, bo = 0;
		enum svmgpu_lock_class class = resv_class(obj, &vm, &bo);

		if (index++ >= v->traced)
			svmgpu_resv_acquired_owner(obj->resv, class, vm, bo);
	}
	v->traced = index;
}

static void trace_released(struct svmgpu_validation *v)
{
	struct drm_gem_object *obj;
	unsigned int index = 0;

	drm_exec_for_each_locked_object(&v->exec, obj) {
		u32 vm = 0, bo = 0;

		if (index++ >= v->traced)
			break;
		svmgpu_resv_released(obj->resv, resv_class(obj, &vm, &bo));
	}
}

/**
 * svmgpu_validation_end() - unlocks every object and leaves the domain
 * @v: the section; nothing happens when it is not active
 */
void svmgpu_validation_end(struct svmgpu_validation *v)
{
	if (!v->active)
		return;
	v->active = false;
	if (v->traced)
		trace_released(v);
	drm_exec_fini(&v->exec);
	if (v->exclusive)
		svmgpu_up_write(&v->dev->val_lock);
	else
		svmgpu_up_read(&v->dev->val_lock);
}

/**
 * svmgpu_validation_retry() - whether the section has to run once more
 * @v: the section, ended
 * @err: its result; set to 0 when it runs again
 *
 * Return: true when it ran out of memory while others could hold what it needs;
 * it then runs alone.
 */
bool svmgpu_validation_retry(struct svmgpu_validation *v, int *err)
{
	if ((*err != -ENOMEM && *err != -ENOSPC) || v->exclusive)
		return false;
	v->exclusive = true;
	*err = 0;
	return true;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Validation sections; see svmgpu_validation.h for how one is written.
 *
 * Many sections run side by side with the domain held for reading. Two of them
 * can each hold objects that the other would have to evict; TTM then gives up
 * with -ENOMEM (or -ENOSPC) although there is memory. The loser runs again
 * alone, with the domain held for writing: then a failure is a real one.
 */
#include <linux/error-injection.h>

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

static void trace_resv(struct svmgpu_validation *v, struct drm_gem_object *obj,
		       enum svmgpu_resv_event event, unsigned long place)
{
	u32 vm = v->vm ? v->vm->trace_id : 0, bo = 0;
	enum svmgpu_lock_class class = resv_class(obj, &vm, &bo);

	svmgpu_resv_trace(obj->resv, class, vm, bo, event, place);
}

/* What was locked since the last call. */
static void trace_acquired(struct svmgpu_validation *v, unsigned long place)
{
	for (; v->traced < v->exec.num_objects; v->traced++)
		trace_resv(v, v->exec.objects[v->traced], SVMGPU_RESV_ACQUIRED, place);
}

static void trace_released(struct svmgpu_validation *v, unsigned long place)
{
	for (unsigned int i = 0; i < v->traced; i++)
		trace_resv(v, v->exec.objects[i], SVMGPU_RESV_RELEASED, place);
	v->traced = 0;
}

/*
 * What drm_exec is going to wait for: the object that the last pass backed off
 * for, or this one. It cannot be tried first, so the second is a look: a lock
 * that is taken between look and wait is not seen as contended.
 */
static struct drm_gem_object *will_wait_for(struct svmgpu_validation *v,
					    struct drm_gem_object *obj)
{
	if (v->exec.contended)
		return v->exec.contended;
	if (obj == v->exec.prelocked || !dma_resv_is_locked(obj->resv) ||
	    dma_resv_locking_ctx(obj->resv) == &v->exec.ticket)
		return NULL;
	return obj;
}

static int validation_lock(struct svmgpu_validation *v, struct drm_gem_object *obj,
			   unsigned int num_fences)
{
	if (num_fences)
		return drm_exec_prepare_obj(&v->exec, obj, num_fences);
	return drm_exec_lock_obj(&v->exec, obj);
}

static int validation_lock_traced(struct svmgpu_validation *v, struct drm_gem_object *obj,
				  unsigned int num_fences, unsigned long place)
{
	struct drm_gem_object *waits = will_wait_for(v, obj);
	int err;

	if (waits) {
		/* drm_exec lets its reference go when it has the lock */
		drm_gem_object_get(waits);
		trace_resv(v, waits, SVMGPU_RESV_CONTENDED, place);
	}
	err = validation_lock(v, obj, num_fences);
	if (waits && dma_resv_locking_ctx(waits->resv) != &v->exec.ticket)
		trace_resv(v, waits, SVMGPU_RESV_GAVE_UP, place);
	trace_acquired(v, place);
	/* the next pass begins with none */
	if (err == -EDEADLK)
		trace_released(v, place);
	if (waits)
		drm_gem_object_put(waits);
	return err;
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
	if (svmgpu_lock_tracing())
		return validation_lock_traced(v, obj, num_fences, _RET_IP_);
	return validation_lock(v, obj, num_fences);
}
ALLOW_ERROR_INJECTION(svmgpu_validation_lock, ERRNO);

/**
 * svmgpu_validation_traced() - emits the lock events for everything locked so far
 * @v: the section, active, behind drm_exec_until_all_locked()
 *
 * Only where an object was locked by other means than svmgpu_validation_lock(),
 * or tracing was turned on meanwhile.
 */
void svmgpu_validation_traced(struct svmgpu_validation *v)
{
	if (svmgpu_lock_tracing())
		trace_acquired(v, _RET_IP_);
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
		trace_released(v, _RET_IP_);
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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Validation sections: drm_exec together with the validation domain
 * (svmgpu_device.val_lock) and tracing of the reservation locks taken. A section
 * that fails with -ENOMEM because two of them evict each other is run once more
 * with the domain held for write.
 *
 *	svmgpu_validation_init(&v, dev, DRM_EXEC_INTERRUPTIBLE_WAIT);
 *	do {
 *		svmgpu_validation_begin(&v);
 *		drm_exec_until_all_locked(&v.exec) {
 *			err = svmgpu_validation_lock(&v, obj, num_fences);
 *			drm_exec_retry_on_contention(&v.exec);
 *			break;
 *		}
 *		svmgpu_validation_traced(&v);
 *		... work ...
 *		svmgpu_validation_end(&v);
 *	} while (svmgpu_validation_retry(&v, &err));
 *
 * The loop is left by break. At its end drm_exec would close the ticket
 * (ww_acquire_done()), but TTM locks with it what it evicts for the work. Sections
 * that allocate no device memory may let the loop end.
 */
#ifndef SVMGPU_VALIDATION_H
#define SVMGPU_VALIDATION_H

#include <drm/drm_exec.h>

struct svmgpu_device;
struct svmgpu_vm;

/** struct svmgpu_validation - one validation section */
struct svmgpu_validation {
	/** @exec: the ww ticket and the objects locked */
	struct drm_exec exec;
	/** @dev: whose domain */
	struct svmgpu_device *dev;
	/** @flags: DRM_EXEC_* */
	u32 flags;
	/** @vm: VM whose resv is among the objects, for the event log; else NULL */
	struct svmgpu_vm *vm;
	/** @traced: objects whose lock events were emitted */
	unsigned int traced;
	/** @exclusive: the domain is held for write */
	bool exclusive;
	/** @active: between begin and end */
	bool active;
};

void svmgpu_validation_init(struct svmgpu_validation *v, struct svmgpu_device *dev, u32 flags);
void svmgpu_validation_begin(struct svmgpu_validation *v);
int svmgpu_validation_lock(struct svmgpu_validation *v, struct drm_gem_object *obj,
			   unsigned int num_fences);
/* Emits the lock events for everything the section locked. */
void svmgpu_validation_traced(struct svmgpu_validation *v);
void svmgpu_validation_end(struct svmgpu_validation *v);
bool svmgpu_validation_retry(struct svmgpu_validation *v, int *err);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
#include <xf86drm.h>

#include "device.h"
#include "queue.h"
#include "subtest.h"

static int try_create(const struct vm *vm, const struct drm_xe_engine_class_instance *engines,
		      unsigned int width, unsigned int placements, struct queue *queue)
{
	struct drm_xe_exec_queue_create create = {
		.width = width,
		.num_placements = placements,
		.vm_id = vm->id,
		.instances = (uintptr_t)engines,
	};
	int err = device_ioctl(vm->fd, DRM_IOCTL_XE_EXEC_QUEUE_CREATE, &create);

	if (!err)
		*queue = (struct queue){ .fd = vm->fd, .id = create.exec_queue_id };

	return err;
}

static struct queue create(const struct vm *vm,
			   const struct drm_xe_engine_class_instance *placements, int count)
{
	struct queue queue;

	check_eq(try_create(vm, placements, 1, count, &queue), 0);

	return queue;
}

int queue_try_create(const struct vm *vm, uint16_t engine_class, unsigned int width,
		     struct queue *queue)
{
	struct drm_xe_engine_class_instance engines[DEVICE_MAX_ENGINES];

	check(width <= DEVICE_MAX_ENGINES);
	for (unsigned int i = 0; i < width; i++)
		engines[i] = (struct drm_xe_engine_class_instance){
			.engine_class = engine_class,
			.engine_instance = i,
		};

	return try_create(vm, engines, width, 1, queue);
}

struct queue queue_create(const struct vm *vm, uint16_t engine_class, int instance)
{
	struct drm_xe_engine_class_instance engines[DEVICE_MAX_ENGINES];
	struct drm_xe_engine_class_instance placements[DEVICE_MAX_ENGINES];
	int count = device_engines(vm->fd, engines), found = 0;

	for (int i = 0; i < count; i++)
		if (engines[i].engine_class == engine_class &&
		    (instance < 0 || engines[i].engine_instance == instance))
			placements[found++] = engines[i];
	if (!found)
		subtest_skip("there is no engine %d of class %u", instance, engine_class);

	return create(vm, placements, found);
}

struct queue bind_queue_create(const struct vm *vm)
{
	struct drm_xe_engine_class_instance instance = {
		.engine_class = DRM_XE_ENGINE_CLASS_VM_BIND,
	};

	return create(vm, &instance, 1);
}

void queue_destroy(struct queue *queue)
{
	struct drm_xe_exec_queue_destroy destroy = { .exec_queue_id = queue->id };

	check_eq(device_ioctl(queue->fd, DRM_IOCTL_XE_EXEC_QUEUE_DESTROY, &destroy), 0);
}

int queue_exec(const struct queue *queue, uint64_t batch, const struct drm_xe_sync *syncs,
	       int num_syncs)
{
	struct drm_xe_exec exec = {
		.exec_queue_id = queue->id,
		.num_batch_buffer = 1,
		.address = batch,
		.num_syncs = num_syncs,
		.syncs = (uintptr_t)syncs,
	};

	return device_ioctl(queue->fd, DRM_IOCTL_XE_EXEC, &exec);
}

bool queue_banned(const struct queue *queue)
{
	struct drm_xe_exec_queue_get_property get = {
		.exec_queue_id = queue->id,
		.property = DRM_XE_EXEC_QUEUE_GET_PROPERTY_BAN,
	};

	check_eq(device_ioctl(queue->fd, DRM_IOCTL_XE_EXEC_QUEUE_GET_PROPERTY, &get), 0);

	return get.value;
}

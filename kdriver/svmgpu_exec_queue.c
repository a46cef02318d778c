// SPDX-License-Identifier: GPL-2.0
/*
 * Exec queues: creation, properties, and the end of a queue.
 */
#include <linux/error-injection.h>
#include <linux/slab.h>

#include <drm/drm_print.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_context.h"
#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_exec_queue_args.h"
#include "svmgpu_sched.h"
#include "svmgpu_sysfs.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

/**
 * svmgpu_exec_queue_dead() - whether a queue takes no more work
 * @queue: the queue
 *
 * Any context; exact under the queue's ring lock.
 *
 * Return: true when it is banned or killed, or its device is lost.
 */
bool svmgpu_exec_queue_dead(const struct svmgpu_exec_queue *queue)
{
	return READ_ONCE(queue->banned) || READ_ONCE(queue->killed) ||
	       svmgpu_device_wedged(queue->dev);
}

static void queue_stop_work(struct work_struct *work)
{
	struct svmgpu_exec_queue *queue = container_of(work, struct svmgpu_exec_queue, stop_work);

	svmgpu_sched_stop(queue, -ECANCELED);
	svmgpu_exec_queue_put(queue);
}

static void queue_free(struct svmgpu_exec_queue *queue)
{
	if (queue->contexts) {
		for (unsigned int i = 0; i < queue->width; i++)
			svmgpu_context_fini(queue, &queue->contexts[i]);
		kfree(queue->contexts);
	}
	dma_fence_put(queue->last_fence);
	dma_fence_put(queue->preempt_fence);
	if (!queue->internal)
		svmgpu_vm_put(queue->vm);
	kfree(queue);
}

static void queue_release_work(struct work_struct *work)
{
	struct svmgpu_exec_queue *queue =
		container_of(work, struct svmgpu_exec_queue, release_work);

	trace_svmgpu_queue_destroyed(queue->trace_id,
				     queue->internal ? 0 : queue->vm->trace_id,
				     queue->dev->caps.gpu_index,
				     queue->engines[0] ? __ffs(queue->engines[0]) : 0, 0);
	svmgpu_sched_fini(queue);
	queue_free(queue);
}

/* The scheduler's own work may drop the last reference, and cannot wait for itself. */
static void queue_release(struct kref *kref)
{
	struct svmgpu_exec_queue *queue = container_of(kref, struct svmgpu_exec_queue, refcount);

	queue_work(queue->dev->unbound_wq, &queue->release_work);
}

/**
 * svmgpu_exec_queue_get() - takes a reference
 * @queue: the queue
 */
void svmgpu_exec_queue_get(struct svmgpu_exec_queue *queue)
{
	kref_get(&queue->refcount);
}

/**
 * svmgpu_exec_queue_put() - drops a reference
 * @queue: the queue
 *
 * Any context.
 */
void svmgpu_exec_queue_put(struct svmgpu_exec_queue *queue)
{
	kref_put(&queue->refcount, queue_release);
}

/**
 * svmgpu_exec_queue_lookup() - finds a queue by its handle
 * @file: whose handle
 * @id: the handle
 *
 * Return: the queue with a reference, or NULL.
 */
struct svmgpu_exec_queue *svmgpu_exec_queue_lookup(struct svmgpu_file *file, u32 id)
{
	struct svmgpu_exec_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		svmgpu_exec_queue_get(queue);
	xa_unlock(&file->queues);
	return queue;
}

static struct svmgpu_exec_queue *queue_alloc(struct svmgpu_device *dev, struct svmgpu_vm *vm,
					     const struct svmgpu_queue_props *props)
{
	struct svmgpu_exec_queue *queue = kzalloc_obj(*queue, GFP_KERNEL_ACCOUNT);

	if (!queue)
		return NULL;
	kref_init(&queue->refcount);
	queue->dev = dev;
	queue->vm = vm;
	queue->class = props->class;
	queue->width = props->width;
	memcpy(queue->engines, props->engines, sizeof(queue->engines));
	queue->priority = props->priority;
	queue->timeslice_us = props->timeslice_us;
	queue->low_latency = props->low_latency;
	queue->fence_context = dma_fence_context_alloc(2);
	queue->preempt_context = queue->fence_context + 1;
	queue->trace_id = svmgpu_trace_new_id();
	svmgpu_spin_lock_init(&queue->ring_lock, SVMGPU_LOCK_CONTEXT_RING);
	svmgpu_mutex_init(&queue->bind_lock, SVMGPU_LOCK_BIND_QUEUE);
	svmgpu_lock_set_owner(&queue->ring_lock, dev->caps.gpu_index, vm->trace_id);
	svmgpu_lock_set_owner(&queue->bind_lock, dev->caps.gpu_index, vm->trace_id);
	INIT_LIST_HEAD(&queue->pending);
	INIT_LIST_HEAD(&queue->vm_link);
	INIT_WORK(&queue->stop_work, queue_stop_work);
	INIT_WORK(&queue->release_work, queue_release_work);
	return queue;
}

static void trace_created(const struct svmgpu_exec_queue *queue)
{
	trace_svmgpu_queue_created(queue->trace_id, queue->vm->trace_id,
				   queue->dev->caps.gpu_index,
				   queue->engines[0] ? __ffs(queue->engines[0]) : 0, 0);
}

/**
 * svmgpu_exec_queue_create_bind() - makes a bind queue
 * @dev: the GPU
 * @vm: whose page tables its jobs write
 * @internal: it belongs to @vm, which it does not reference
 *
 * Process context, may sleep.
 *
 * Return: the queue with one reference, or ERR_PTR(-ENOMEM).
 */
struct svmgpu_exec_queue *svmgpu_exec_queue_create_bind(struct svmgpu_device *dev,
							struct svmgpu_vm *vm, bool internal)
{
	const struct svmgpu_queue_props props = {
		.class = DRM_XE_ENGINE_CLASS_VM_BIND,
		.width = 1,
		.priority = SVMGPU_QUEUE_PRIORITY_NORMAL,
	};
	struct svmgpu_exec_queue *queue;
	int err;

	queue = queue_alloc(dev, vm, &props);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	queue->internal = internal;
	err = svmgpu_sched_init(queue, true, 0);
	if (err) {
		kfree(queue);
		return ERR_PTR(err);
	}
	if (!internal)
		svmgpu_vm_get(vm);
	trace_created(queue);
	return queue;
}
ALLOW_ERROR_INJECTION(svmgpu_exec_queue_create_bind, ERRNO);

static struct svmgpu_exec_queue *queue_create(struct svmgpu_device *dev, struct svmgpu_vm *vm,
					      const struct svmgpu_queue_props *props)
{
	bool lr = svmgpu_vm_in_lr_mode(vm);
	struct svmgpu_exec_queue *queue;
	int err;

	queue = queue_alloc(dev, vm, props);
	if (!queue)
		return ERR_PTR(-ENOMEM);
	svmgpu_vm_get(vm);
	queue->preempt_timeout_us = svmgpu_engine_prop(dev, props->class,
						       SVMGPU_PROP_PREEMPT_TIMEOUT_US);
	queue->job_timeout_ms = svmgpu_engine_prop(dev, props->class,
						   SVMGPU_PROP_JOB_TIMEOUT_MS);
	queue->contexts = kcalloc(props->width, sizeof(*queue->contexts), GFP_KERNEL_ACCOUNT);
	if (!queue->contexts) {
		err = -ENOMEM;
		goto free_queue;
	}
	/* Before the contexts: an event for one finds a queue whose scheduler works. */
	err = svmgpu_sched_init(queue, false, lr ? 0 : queue->job_timeout_ms);
	if (err)
		goto free_queue;
	trace_created(queue);
	for (unsigned int i = 0; i < props->width; i++) {
		err = svmgpu_context_init(queue, &queue->contexts[i], props->engines[i],
					  svmgpu_vm_in_fault_mode(vm) ?
					  SVMGPU_CTX_F_FAULT_MODE : 0);
		if (err)
			goto put_queue;
	}
	return queue;

put_queue:
	/* the event thread may have found the first contexts already */
	svmgpu_exec_queue_put(queue);
	return ERR_PTR(err);
free_queue:
	queue_free(queue);
	return ERR_PTR(err);
}

/**
 * svmgpu_exec_queue_mark_banned() - lets a queue take no more work
 * @queue: the queue
 *
 * Any context. Under the ring lock, so that no job gets to the hardware later.
 */
void svmgpu_exec_queue_mark_banned(struct svmgpu_exec_queue *queue)
{
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	WRITE_ONCE(queue->banned, true);
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);
}

/**
 * svmgpu_exec_queue_ban() - bans a queue whose job failed
 * @queue: the queue
 *
 * Its contexts are told to die; a worker waits until they have and signals the
 * fences of what they had not done. Any context.
 */
void svmgpu_exec_queue_ban(struct svmgpu_exec_queue *queue)
{
	svmgpu_exec_queue_mark_banned(queue);
	if (svmgpu_exec_queue_is_bind(queue))
		return;
	for (unsigned int i = 0; i < queue->width; i++)
		if (queue->contexts[i].created)
			svmgpu_context_command(queue->dev, &queue->contexts[i],
					       SVMGPU_CMD_CTX_KILL);
	wake_up_all(&queue->dev->ufence_wq);
	svmgpu_exec_queue_get(queue);
	if (!queue_work(queue->dev->sched_wq, &queue->stop_work))
		svmgpu_exec_queue_put(queue);
}

/**
 * svmgpu_exec_queue_kill() - ends a queue
 * @queue: the queue
 *
 * No job of it runs any more and all its hardware fences are signalled. Process
 * context, may sleep; no dma_resv held.
 */
void svmgpu_exec_queue_kill(struct svmgpu_exec_queue *queue)
{
	WRITE_ONCE(queue->killed, true);
	if (svmgpu_exec_queue_is_bind(queue))
		return;
	svmgpu_sched_stop(queue, -ECANCELED);
	svmgpu_preempt_remove_queue(queue);
}

/**
 * svmgpu_exec_queue_runtime_ns() - time that a queue spent on engines
 * @queue: the queue
 *
 * Any context.
 *
 * Return: nanoseconds, all contexts together; 0 for a bind queue.
 */
u64 svmgpu_exec_queue_runtime_ns(const struct svmgpu_exec_queue *queue)
{
	u64 sum = 0;

	if (svmgpu_exec_queue_is_bind(queue))
		return 0;
	for (unsigned int i = 0; i < queue->width; i++)
		sum += svmgpu_context_runtime_ns(&queue->contexts[i]);
	return sum;
}

/* Kills a queue that no handle names any more and drops the handle's reference. */
static void queue_close(struct svmgpu_file *file, struct svmgpu_exec_queue *queue)
{
	svmgpu_exec_queue_kill(queue);
	if (queue->class < ARRAY_SIZE(file->run_ns))
		atomic64_add(svmgpu_exec_queue_runtime_ns(queue), &file->run_ns[queue->class]);
	svmgpu_exec_queue_put(queue);
}

/**
 * svmgpu_exec_queues_close() - ends all queues of a file
 * @file: being closed
 *
 * Process context, may sleep; before the file's VMs are closed.
 */
void svmgpu_exec_queues_close(struct svmgpu_file *file)
{
	struct svmgpu_exec_queue *queue;
	unsigned long id;

	xa_for_each(&file->queues, id, queue) {
		xa_erase(&file->queues, id);
		queue_close(file, queue);
	}
}

/*
 * Calls @fn for every queue with contexts, each with a reference held. A queue
 * with several contexts is visited with its first.
 */
static void visit_queues(struct svmgpu_device *dev, void (*fn)(struct svmgpu_exec_queue *queue))
{
	struct svmgpu_exec_queue *queue;
	unsigned long id = 0;

	for (;;) {
		xa_lock_irq(&dev->contexts);
		queue = xa_find(&dev->contexts, &id, ULONG_MAX, XA_PRESENT);
		if (queue && (!kref_get_unless_zero(&queue->refcount)))
			queue = ERR_PTR(-ENOENT);
		xa_unlock_irq(&dev->contexts);
		if (!queue)
			return;
		if (!IS_ERR(queue)) {
			if (queue->contexts[0].id == id)
				fn(queue);
			svmgpu_exec_queue_put(queue);
		}
		id++;
	}
}

static void kill_one(struct svmgpu_exec_queue *queue)
{
	svmgpu_sched_stop(queue, -ECANCELED);
}

/**
 * svmgpu_exec_queues_kill_all() - ends every queue's work: the device is lost
 * @dev: the GPU
 *
 * Process context, may sleep.
 */
void svmgpu_exec_queues_kill_all(struct svmgpu_device *dev)
{
	visit_queues(dev, kill_one);
	wake_up_all(&dev->ufence_wq);
}

static void reset_one(struct svmgpu_exec_queue *queue)
{
	unsigned long flags;
	bool idle;

	/* no job goes into a ring that is made anew */
	drm_sched_wqueue_stop(&queue->sched);
	svmgpu_sched_retire(queue);
	svmgpu_spin_lock_irqsave(&queue->ring_lock, flags);
	idle = list_empty(&queue->pending) && !svmgpu_exec_queue_dead(queue);
	svmgpu_spin_unlock_irqrestore(&queue->ring_lock, flags);

	/* The reset took the contexts: nothing to kill. */
	for (unsigned int i = 0; i < queue->width; i++) {
		WRITE_ONCE(queue->contexts[i].created, false);
		if (idle && svmgpu_context_recreate(queue, &queue->contexts[i]))
			idle = false;
	}
	if (!idle)
		svmgpu_sched_stop(queue, -EIO);
	drm_sched_wqueue_start(&queue->sched);
}

/**
 * svmgpu_exec_queues_reset() - picks up the queues after a global reset
 * @dev: the GPU, rings served again
 *
 * Process context, may sleep.
 */
void svmgpu_exec_queues_reset(struct svmgpu_device *dev)
{
	visit_queues(dev, reset_one);
}

/* --- ioctls --------------------------------------------------------------- */

static struct svmgpu_exec_queue *create_on_vm(struct svmgpu_device *dev, struct svmgpu_vm *vm,
					      const struct svmgpu_queue_props *props)
{
	struct svmgpu_exec_queue *queue;
	int err;

	/* The queue's kind depends on the VM, which must not be closed meanwhile. */
	err = svmgpu_down_read_interruptible(&vm->lock);
	if (err)
		return ERR_PTR(err);
	if (vm->closed || vm->banned)
		queue = ERR_PTR(-ENOENT);
	else if (svmgpu_queue_class_is_bind(props->class))
		queue = svmgpu_exec_queue_create_bind(dev, vm, false);
	else
		queue = queue_create(dev, vm, props);
	svmgpu_up_read(&vm->lock);
	return queue;
}

/**
 * svmgpu_exec_queue_create_ioctl() - DRM_IOCTL_XE_EXEC_QUEUE_CREATE
 * @drm: the device
 * @data: struct drm_xe_exec_queue_create
 * @file: the DRM file
 *
 * Return: 0 or the errno that docs/uapi.md gives.
 */
int svmgpu_exec_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_device *dev = to_svmgpu(drm);
	struct svmgpu_file *sfile = file->driver_priv;
	struct drm_xe_exec_queue_create *args = data;
	struct svmgpu_exec_queue *queue;
	struct svmgpu_queue_props props;
	struct svmgpu_vm *vm;
	u32 id;
	int err;

	if (svmgpu_device_wedged(dev))
		return -ECANCELED;
	err = svmgpu_queue_read_props(dev, args, &props);
	if (err)
		return err;
	vm = svmgpu_vm_lookup(sfile, args->vm_id);
	if (!vm)
		return -ENOENT;
	queue = create_on_vm(dev, vm, &props);
	if (IS_ERR(queue)) {
		err = PTR_ERR(queue);
		goto put_vm;
	}
	queue->file = sfile;
	if (svmgpu_vm_in_preempt_mode(vm) && !svmgpu_exec_queue_is_bind(queue)) {
		err = svmgpu_preempt_add_queue(vm, queue);
		if (err)
			goto kill_queue;
	}
	/* Last: from here on user space can use, and destroy, the queue. */
	err = xa_alloc(&sfile->queues, &id, queue, xa_limit_32b, GFP_KERNEL);
	if (err)
		goto kill_queue;
	args->exec_queue_id = id;
	svmgpu_vm_put(vm);
	return 0;

kill_queue:
	svmgpu_exec_queue_kill(queue);
	svmgpu_exec_queue_put(queue);
put_vm:
	svmgpu_vm_put(vm);
	return err;
}

/**
 * svmgpu_exec_queue_destroy_ioctl() - DRM_IOCTL_XE_EXEC_QUEUE_DESTROY
 * @drm: the device
 * @data: struct drm_xe_exec_queue_destroy
 * @file: the DRM file
 *
 * Jobs that still run are killed.
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
int svmgpu_exec_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct svmgpu_file *sfile = file->driver_priv;
	struct drm_xe_exec_queue_destroy *args = data;
	struct svmgpu_exec_queue *queue;

	if (args->pad || args->reserved[0] || args->reserved[1])
		return -EINVAL;
	queue = xa_erase(&sfile->queues, args->exec_queue_id);
	if (!queue)
		return -ENOENT;
	queue_close(sfile, queue);
	return 0;
}

/**
 * svmgpu_exec_queue_get_property_ioctl() - DRM_IOCTL_XE_EXEC_QUEUE_GET_PROPERTY
 * @drm: the device
 * @data: struct drm_xe_exec_queue_get_property
 * @file: the DRM file
 *
 * Return: 0, -EINVAL, -ENOENT.
 */
int svmgpu_exec_queue_get_property_ioctl(struct drm_device *drm, void *data,
					 struct drm_file *file)
{
	struct drm_xe_exec_queue_get_property *args = data;
	struct svmgpu_exec_queue *queue;
	int err = 0;

	if (args->reserved[0] || args->reserved[1])
		return -EINVAL;
	queue = svmgpu_exec_queue_lookup(file->driver_priv, args->exec_queue_id);
	if (!queue)
		return -ENOENT;
	if (args->property == DRM_XE_EXEC_QUEUE_GET_PROPERTY_BAN)
		args->value = svmgpu_exec_queue_dead(queue);
	else
		err = -EINVAL;
	svmgpu_exec_queue_put(queue);
	return err;
}

/**
 * svmgpu_exec_queue_set_property_ioctl() - DRM_IOCTL_XE_EXEC_QUEUE_SET_PROPERTY
 * @drm: the device
 * @data: struct drm_xe_exec_queue_set_property
 * @file: the DRM file
 *
 * The only property there is belongs to multi-queue groups, which this hardware
 * has not.
 *
 * Return: -EINVAL, -ENOENT, -EOPNOTSUPP.
 */
int svmgpu_exec_queue_set_property_ioctl(struct drm_device *drm, void *data,
					 struct drm_file *file)
{
	struct drm_xe_exec_queue_set_property *args = data;
	struct svmgpu_exec_queue *queue;

	if (args->reserved[0] || args->reserved[1] ||
	    args->property != DRM_XE_EXEC_QUEUE_SET_PROPERTY_MULTI_QUEUE_PRIORITY)
		return -EINVAL;
	queue = svmgpu_exec_queue_lookup(file->driver_priv, args->exec_queue_id);
	if (!queue)
		return -ENOENT;
	svmgpu_exec_queue_put(queue);
	return -EOPNOTSUPP;
}

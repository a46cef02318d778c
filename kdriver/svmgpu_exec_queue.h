/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exec queues: user space's handle on engines. A queue has one hardware context
 * per unit of width and one drm_sched entity and scheduler; a bind queue
 * (VM class) has a scheduler only, whose jobs write page tables.
 */
#ifndef SVMGPU_EXEC_QUEUE_H
#define SVMGPU_EXEC_QUEUE_H

#include <linux/irqreturn.h>
#include <linux/kref.h>

#include <drm/gpu_scheduler.h>

#include "svmgpu_lock.h"

struct svmgpu_context_hw;
struct svmgpu_device;
struct svmgpu_file;
struct svmgpu_vm;

#define SVMGPU_QUEUE_MAX_WIDTH	9

/** struct svmgpu_exec_queue - one exec or bind queue */
struct svmgpu_exec_queue {
	/** @refcount: handles, jobs, the VM's default queue */
	struct kref refcount;
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @file: for fdinfo accounting; valid until the file is closed */
	struct svmgpu_file *file;
	/** @vm: address space (referenced, except for a VM's own bind queue) */
	struct svmgpu_vm *vm;
	/** @class: engine class; DRM_XE_ENGINE_CLASS_VM_BIND for bind queues */
	u16 class;
	/** @width: contexts that run a job side by side */
	u16 width;
	/** @engines: hardware engine mask of each context's placements */
	u32 engines[SVMGPU_QUEUE_MAX_WIDTH];
	/** @sched: one scheduler per queue */
	struct drm_gpu_scheduler sched;
	/** @entity: of @sched */
	struct drm_sched_entity entity;
	/** @contexts: hardware contexts, @width of them; NULL for bind queues */
	struct svmgpu_context_hw *contexts;
	/** @fence_context: of the hardware fences */
	u64 fence_context;
	/** @seqno: of the newest job, in push order */
	u64 seqno;
	/** @ring_lock: protects @pending; taken in interrupts (rank 84) */
	struct svmgpu_spinlock ring_lock;
	/** @pending: hardware fences in ring order */
	struct list_head pending;
	/** @bind_lock: orders submissions on a bind queue with its timeline (rank 12) */
	struct svmgpu_mutex bind_lock;
	/** @last_fence: of the newest submission: bind queues @bind_lock, exec queues VM resv */
	struct dma_fence *last_fence;
	/** @vm_link: svmgpu_vm.preempt.queues; VM resv */
	struct list_head vm_link;
	/** @preempt_fence: armed preempt fence (preempt-mode VMs); VM resv */
	struct dma_fence *preempt_fence;
	/** @suspended: by a preempt fence; its worker and the rebind worker */
	bool suspended;
	/** @banned: error or hang: exec gives -ECANCELED */
	bool banned;
	/** @killed: destroyed */
	bool killed;
	/** @priority: DRM_XE user priority 0 .. 2 */
	u8 priority;
	/** @timeslice_us: scheduling property */
	u32 timeslice_us;
	/** @preempt_timeout_us: scheduling property */
	u32 preempt_timeout_us;
	/** @job_timeout_ms: run time (not wall time) after which a job is hung */
	u32 job_timeout_ms;
};

static inline bool svmgpu_exec_queue_is_bind(const struct svmgpu_exec_queue *queue)
{
	return !queue->contexts;
}

struct svmgpu_exec_queue *svmgpu_exec_queue_lookup(struct svmgpu_file *file, u32 id);
/* Bind queue; @vm not referenced by it when @internal (a VM's default queue). */
struct svmgpu_exec_queue *svmgpu_exec_queue_create_bind(struct svmgpu_device *dev,
							struct svmgpu_vm *vm, bool internal);
void svmgpu_exec_queue_get(struct svmgpu_exec_queue *queue);
void svmgpu_exec_queue_put(struct svmgpu_exec_queue *queue);
/* Kills the contexts, signals every fence with an error; process context. */
void svmgpu_exec_queue_kill(struct svmgpu_exec_queue *queue);
/* Marks banned after a failed fault or job; any context. */
void svmgpu_exec_queue_ban(struct svmgpu_exec_queue *queue);

/*
 * Preempt fences (preempt-mode VMs; svmgpu_preempt.c). Arm: VM resv held; makes
 * one fence per queue and adds it to the VM resv and the external objects
 * (BOOKKEEP). Signalling one suspends its queue; svmgpu_vm_queue_rebind() follows.
 * Resume: VM resv held, everything revalidated.
 */
int svmgpu_preempt_prepare(struct svmgpu_vm *vm, struct list_head *fences, u32 count);
void svmgpu_preempt_arm(struct svmgpu_vm *vm, struct list_head *fences);
void svmgpu_preempt_free(struct list_head *fences);
/* Waits until every queue of @vm that began to be suspended is. VM resv held. */
int svmgpu_preempt_wait(struct svmgpu_vm *vm);
void svmgpu_preempt_resume(struct svmgpu_vm *vm);

int svmgpu_exec_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_exec_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_exec_queue_get_property_ioctl(struct drm_device *drm, void *data,
					 struct drm_file *file);
int svmgpu_exec_queue_set_property_ioctl(struct drm_device *drm, void *data,
					 struct drm_file *file);
int svmgpu_exec_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_wait_user_fence_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/* svmgpu_event.c: the EVENT ring */
int svmgpu_event_init(struct svmgpu_device *dev);
void svmgpu_event_fini(struct svmgpu_device *dev);
irqreturn_t svmgpu_event_irq(int irq, void *arg);

#endif

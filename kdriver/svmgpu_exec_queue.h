/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exec queues: user space's handle on engines. A queue has one hardware context
 * per unit of width and one drm_sched entity and scheduler; a bind queue
 * (VM class) has a scheduler only, whose jobs write page tables.
 *
 * A queue is *banned* when a job of it failed or hung: it takes no more work.
 * It is *killed* when its owner let go of it. It is freed by a worker, since the
 * last reference may be dropped by a job of its own scheduler.
 */
#ifndef SVMGPU_EXEC_QUEUE_H
#define SVMGPU_EXEC_QUEUE_H

#include <linux/irqreturn.h>
#include <linux/kref.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "svmgpu_lock.h"
#include "svmgpu_ring.h"

struct svmgpu_context_hw;
struct svmgpu_device;
struct svmgpu_file;
struct svmgpu_preempt_fence;
struct svmgpu_vm;

#define SVMGPU_QUEUE_MAX_WIDTH	9

/* Jobs of one queue that have not been freed yet; EXEC gives -EAGAIN beyond. */
#define SVMGPU_QUEUE_MAX_JOBS	1000

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
	/** @internal: @vm is not referenced */
	bool internal;
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
	/** @seqno: of the newest job given to the hardware; @ring_lock */
	u64 seqno;
	/** @ring_lock: protects @pending; taken in interrupts (rank 84) */
	struct svmgpu_spinlock ring_lock;
	/** @pending: hardware fences in ring order */
	struct list_head pending;
	/**
	 * @join: of a job with a user fence on several contexts: writes the fence
	 * once all of them are done; seqno 0 when there is none; @ring_lock
	 */
	struct svmgpu_job join;
	/** @job_count: jobs that have not been freed yet */
	atomic_t job_count;
	/**
	 * @bind_lock: orders submissions on a bind queue with its timeline, and those
	 * on a long-running queue (rank 12)
	 */
	struct svmgpu_mutex bind_lock;
	/** @last_fence: of the newest submission: bind queues @bind_lock, exec queues VM resv */
	struct dma_fence *last_fence;
	/** @last_behind_user: svmgpu_bind_job.behind_user of @last_fence; @bind_lock */
	bool last_behind_user;
	/** @vm_link: svmgpu_vm.preempt.queues; VM resv */
	struct list_head vm_link;
	/** @preempt_fence: armed preempt fence (preempt-mode VMs); VM resv */
	struct dma_fence *preempt_fence;
	/** @preempting: preempt fence whose suspension was asked for; @ring_lock */
	struct svmgpu_preempt_fence *preempting;
	/** @preempt_context: fence context of the preempt fences */
	u64 preempt_context;
	/** @preempt_seqno: of the newest preempt fence; VM resv */
	u64 preempt_seqno;
	/** @unsuspended: bit n: context n is still to be suspended; @ring_lock */
	u32 unsuspended;
	/** @suspended: by a preempt fence; @ring_lock */
	bool suspended;
	/** @banned: error or hang: exec gives -ECANCELED; set under @ring_lock */
	bool banned;
	/** @killed: destroyed */
	bool killed;
	/** @low_latency: the creator gave the hint */
	bool low_latency;
	/** @priority: DRM_XE user priority 0 .. 2 */
	u8 priority;
	/** @timeslice_us: scheduling property */
	u32 timeslice_us;
	/** @preempt_timeout_us: scheduling property */
	u32 preempt_timeout_us;
	/** @job_timeout_ms: run time (not wall time) after which a job is hung */
	u32 job_timeout_ms;
	/** @trace_id: name in the event log */
	u32 trace_id;
	/** @stop_work: stops the contexts of a queue that was banned in an interrupt */
	struct work_struct stop_work;
	/** @release_work: frees the queue */
	struct work_struct release_work;
};

static inline bool svmgpu_exec_queue_is_bind(const struct svmgpu_exec_queue *queue)
{
	return !queue->contexts;
}

/* Banned, killed, or on a device that is lost. */
bool svmgpu_exec_queue_dead(const struct svmgpu_exec_queue *queue);

/* A reference, or NULL. */
struct svmgpu_exec_queue *svmgpu_exec_queue_lookup(struct svmgpu_file *file, u32 id);
/* Bind queue; @vm not referenced by it when @internal (a VM's default queue). */
struct svmgpu_exec_queue *svmgpu_exec_queue_create_bind(struct svmgpu_device *dev,
							struct svmgpu_vm *vm, bool internal);
void svmgpu_exec_queue_get(struct svmgpu_exec_queue *queue);
/* Any context. */
void svmgpu_exec_queue_put(struct svmgpu_exec_queue *queue);
/*
 * Kills the contexts, signals every fence with an error; process context, no
 * dma_resv held (it takes the VM resv of preempt-mode VMs).
 */
void svmgpu_exec_queue_kill(struct svmgpu_exec_queue *queue);
/* Marks banned after a failed fault or job; any context. */
void svmgpu_exec_queue_ban(struct svmgpu_exec_queue *queue);
/* The mark alone; true for who set it. Any context. */
void svmgpu_exec_queue_mark_banned(struct svmgpu_exec_queue *queue);
/* File close: kills and lets go of every queue of @file. */
void svmgpu_exec_queues_close(struct svmgpu_file *file);
/* The device is lost: kills every queue that has contexts. May sleep. */
void svmgpu_exec_queues_kill_all(struct svmgpu_device *dev);
/*
 * After a global reset, rings served again: queues with unfinished jobs are
 * banned and their fences signalled, idle ones get their contexts back. May sleep.
 */
void svmgpu_exec_queues_reset(struct svmgpu_device *dev);
/* Time on engines so far, all contexts together (fdinfo). */
u64 svmgpu_exec_queue_runtime_ns(const struct svmgpu_exec_queue *queue);

/*
 * Preempt fences (preempt-mode VMs; svmgpu_preempt.c). Arm: VM resv held; makes
 * one fence per queue and adds it to the VM resv and the external objects
 * (BOOKKEEP). Signalling one suspends its queue; svmgpu_vm_queue_rebind() follows.
 * Resume: VM resv held, everything revalidated. External objects are locked too,
 * with a fence slot per queue on each lock.
 */
int svmgpu_preempt_prepare(struct svmgpu_vm *vm, struct list_head *fences, u32 count);
void svmgpu_preempt_arm(struct svmgpu_vm *vm, struct list_head *fences);
void svmgpu_preempt_free(struct list_head *fences);
/* Suspends every queue of @vm and waits until all are. VM resv held. */
int svmgpu_preempt_wait(struct svmgpu_vm *vm);
void svmgpu_preempt_resume(struct svmgpu_vm *vm);
/* Within svmgpu_preempt.c's family: queue creation, event thread, end of a queue. */
int svmgpu_preempt_add_queue(struct svmgpu_vm *vm, struct svmgpu_exec_queue *queue);
void svmgpu_preempt_remove_queue(struct svmgpu_exec_queue *queue);
void svmgpu_preempt_context_suspended(struct svmgpu_exec_queue *queue, u32 context);
void svmgpu_preempt_abandon(struct svmgpu_exec_queue *queue);

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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The GPU VM: an address space with its gpu_vmas (drm_gpuvm), page tables,
 * userptrs, SVM state and queues. There are three kinds: dma-fence VMs, whose
 * jobs carry fences; long-running VMs, whose queues are suspended by preempt
 * fences; and fault-mode VMs (long-running too), whose accesses fault.
 */
#ifndef SVMGPU_VM_H
#define SVMGPU_VM_H

#include <linux/llist.h>
#include <linux/rbtree.h>

#include <drm/drm_gpuvm.h>
#include <drm/ttm/ttm_resource.h>

#include "svmgpu_lock.h"
#include "svmgpu_pt.h"
#include "svmgpu_svm.h"

struct drm_exec;
struct svmgpu_bo;
struct svmgpu_device;
struct svmgpu_exec_queue;
struct svmgpu_file;
struct svmgpu_user_fence;
struct svmgpu_validation;

#define SVMGPU_VM_SCRATCH	BIT(0)	/* unmapped accesses go to scratch */
#define SVMGPU_VM_LR		BIT(1)	/* long-running */
#define SVMGPU_VM_FAULT		BIT(2)	/* recoverable faults; implies LR */
#define SVMGPU_VM_NO_OVERCOMMIT	BIT(3)

#define SVMGPU_VM_SIZE		BIT_ULL(SVMGPU_VA_BITS)

/** struct svmgpu_vm_fault - a bad access, for VM_GET_PROPERTY */
struct svmgpu_vm_fault {
	/** @addr: page aligned */
	u64 addr;
	/** @access: enum svmgpu_access */
	u8 access;
	/** @reason: enum svmgpu_fault_reason */
	u8 reason;
	/** @level: page-table level */
	u8 level;
};

/** struct svmgpu_vm - one GPU address space */
struct svmgpu_vm {
	/** @gpuvm: base; holds the reference count and the VM resv */
	struct drm_gpuvm gpuvm;
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @file: the DRM file that made it; valid until the VM is closed */
	struct svmgpu_file *file;
	/** @flags: SVMGPU_VM_*; constant */
	u32 flags;
	/** @asid: address-space id of the hardware */
	u32 asid;
	/** @trace_id: name in the event log */
	u32 trace_id;
	/**
	 * @lock: the gpu_vm->lock (rank 20): the partition into gpu_vmas, the
	 * external-object list, SVM range tree and userptr lists.
	 * Write: bind, fault, collection, madvise, repin, rebind worker, a new queue of
	 * a preempt VM, close. Read: exec, a new queue, attribute query.
	 */
	struct svmgpu_rwsem lock;
	/** @closed: no new work; set under @lock and the notifier lock, both for write */
	bool closed;
	/** @banned: an error left the VM unusable; @lock */
	bool banned;
	/** @pt: page tables */
	struct svmgpu_pt_root pt;
	/** @svm: notifier lock (all kinds), ranges (fault mode) */
	struct svmgpu_svm svm;
	/**
	 * @lru: local objects, side by side in TTM's LRU lists, so that they move there
	 * at once; not in fault mode, whose execs lock nothing. VM resv and TTM's lru_lock
	 */
	struct ttm_lru_bulk_move lru;
	/** @rebind_list: gpu_vmas to rebind: @lock for write, or for read with the VM resv */
	struct list_head rebind_list;
	/** @userptr: user-pointer state */
	struct {
		/** @userptr.invalidated_lock: protects @invalidated; innermost (rank 72) */
		struct svmgpu_spinlock invalidated_lock;
		/**
		 * @userptr.invalidated: invalidated and not yet repinned. Adding needs the
		 * notifier lock for write or @lock for write; removing also @lock for write.
		 */
		struct list_head invalidated;
		/** @userptr.repin: being repinned; @lock for write */
		struct list_head repin;
	} userptr;
	/** @preempt: long-running, non-fault VMs */
	struct {
		/** @preempt.queues: queues of this VM; VM resv */
		struct list_head queues;
		/** @preempt.num_queues: length of it */
		u32 num_queues;
		/** @preempt.rebind_work: revalidates and resumes */
		struct work_struct rebind_work;
	} preempt;
	/** @bind_queue: default bind queue (svmgpu_vm_bind.c); sync binds inject through another */
	struct svmgpu_exec_queue *bind_queue;
	/** @range_fences: of page-table jobs (svmgpu_bind_job.h) */
	struct {
		/** @range_fences.tree: by range: of unfinished jobs and of those in @done; @lock */
		struct rb_root_cached tree;
		/** @range_fences.done: of ended jobs; emptied with @lock held for write */
		struct llist_head done;
	} range_fences;
	/** @faults: bad accesses, at most SVMGPU_VM_MAX_FAULTS; @faults_lock */
	struct svmgpu_vm_fault *faults;
	/** @num_faults: of @faults */
	u32 num_faults;
	/** @faults_lock: protects @faults and @num_faults (rank 86, innermost) */
	struct svmgpu_spinlock faults_lock;
	/**
	 * @validating: task whose validation may not push out the VM's own objects;
	 * VM resv (TTM's eviction_valuable reads it)
	 */
	struct task_struct *validating;
	/** @destroy_work: the last reference may go in atomic context */
	struct work_struct destroy_work;
};

#define SVMGPU_VM_MAX_FAULTS	50

static inline struct svmgpu_vm *gpuvm_to_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct svmgpu_vm, gpuvm);
}

static inline struct svmgpu_vm *gpusvm_to_vm(struct drm_gpusvm *gpusvm)
{
	return container_of(gpusvm, struct svmgpu_vm, svm.gpusvm);
}

static inline struct svmgpu_vm *svmgpu_vm_get(struct svmgpu_vm *vm)
{
	drm_gpuvm_get(&vm->gpuvm);
	return vm;
}

static inline void svmgpu_vm_put(struct svmgpu_vm *vm)
{
	drm_gpuvm_put(&vm->gpuvm);
}

static inline struct dma_resv *svmgpu_vm_resv(struct svmgpu_vm *vm)
{
	return drm_gpuvm_resv(&vm->gpuvm);
}

static inline bool svmgpu_vm_in_fault_mode(const struct svmgpu_vm *vm)
{
	return vm->flags & SVMGPU_VM_FAULT;
}

static inline bool svmgpu_vm_in_lr_mode(const struct svmgpu_vm *vm)
{
	return vm->flags & SVMGPU_VM_LR;
}

/* Long-running without faults: suspended by preempt fences. */
static inline bool svmgpu_vm_in_preempt_mode(const struct svmgpu_vm *vm)
{
	return (vm->flags & (SVMGPU_VM_LR | SVMGPU_VM_FAULT)) == SVMGPU_VM_LR;
}

/* By file handle: a reference, or NULL. */
struct svmgpu_vm *svmgpu_vm_lookup(struct svmgpu_file *file, u32 id);
/* By address-space id, for the fault worker: a reference, or NULL. */
struct svmgpu_vm *svmgpu_vm_lookup_asid(struct svmgpu_device *dev, u32 asid);
/* No more work; what it maps goes. The caller's reference stays. May sleep, no lock held. */
void svmgpu_vm_close(struct svmgpu_vm *vm);
/* After a global reset: the hardware learns the address spaces again. */
void svmgpu_vms_reset(struct svmgpu_device *dev);
/* The VM's resv alone, traced: 0 or -EINTR. For work that locks no object. */
int svmgpu_vm_resv_lock(struct svmgpu_vm *vm);
void svmgpu_vm_resv_unlock(struct svmgpu_vm *vm);
/* svmgpu_rebind.c */
extern const struct drm_gpuvm_ops svmgpu_gpuvm_ops;
void svmgpu_rebind_init(struct svmgpu_vm *vm);
/* VM lock held: a failure after the point of no return; process context. */
void svmgpu_vm_ban(struct svmgpu_vm *vm);
/* Any context: remembers a bad access for VM_GET_PROPERTY. */
void svmgpu_vm_record_fault(struct svmgpu_vm *vm, const struct svmgpu_vm_fault *fault);

int svmgpu_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int svmgpu_vm_get_property_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

/*
 * Revalidation for exec and the rebind worker (document: "exec function").
 *
 * svmgpu_vm_userptr_pin(): VM lock held for write; repins invalidated userptrs
 * with no resv and no notifier lock held (L6). -EFAULT userptrs are parked.
 * svmgpu_vm_userptr_needs_repin(): lockless hint; exact under the notifier lock.
 * svmgpu_vm_lock_objects(): in a section: VM resv, external objects, evicted flags to
 * the list (L8); @num_fences slots each. svmgpu_vm_lock_pass(): one pass of it, inside
 * drm_exec_until_all_locked, for who cannot give up.
 * svmgpu_vm_validate(): all locked: validates evicted objects and rebinds every
 * listed gpu_vma (L2). Waits for nothing but memory.
 */
int svmgpu_vm_userptr_pin(struct svmgpu_vm *vm);
bool svmgpu_vm_userptr_needs_repin(struct svmgpu_vm *vm);
int svmgpu_vm_lock_pass(struct svmgpu_vm *vm, struct svmgpu_validation *v,
			unsigned int num_fences);
int svmgpu_vm_lock_objects(struct svmgpu_vm *vm, struct svmgpu_validation *v,
			   unsigned int num_fences);
int svmgpu_vm_validate(struct svmgpu_vm *vm, struct drm_exec *exec);
/* The same locked: eviction looks at the VM's objects last. */
void svmgpu_vm_used(struct svmgpu_vm *vm, struct drm_exec *exec);
/* VM lock for write: a preempt-mode VM's evicted objects come back, or -ENOSPC, -ENOMEM. */
int svmgpu_vm_revalidate(struct svmgpu_vm *vm);
/* Objects locked by @exec: sleeps until their clears and copies are done. */
long svmgpu_vm_wait_kernel(struct svmgpu_vm *vm, struct drm_exec *exec);
/* Objects locked by svmgpu_vm_lock_objects(): is something not where the page tables say? */
static inline bool svmgpu_vm_needs_rebind(const struct svmgpu_vm *vm)
{
	return !list_empty(&vm->gpuvm.evict.list) || !list_empty(&vm->rebind_list);
}

/* LR: schedules the rebind worker. Any context. */
void svmgpu_vm_queue_rebind(struct svmgpu_vm *vm);

#endif

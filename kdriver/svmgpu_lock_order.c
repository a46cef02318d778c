// SPDX-License-Identifier: GPL-2.0
/*
 * Teaches lockdep the lock table of docs/locking.md, outermost first, before
 * anything else runs, so that the first lock taken the wrong way round is
 * reported although its counterpart has not been seen yet.
 *
 * lockdep knows classes, and a class is a row of the table (svmgpu_lock.c). So
 * locks made for the purpose do, at load, whatever kinds of VM come later; the
 * locks of the core are real ones, or the core's own annotations. Each function
 * takes them along one of the table's longest legal chains.
 *
 * Reservation locks are one class, of ww mutexes: had 50 and 51 classes of their
 * own, backing off from one to take the other first would look like a cycle.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/lockdep.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <drm/drm_gpusvm.h>

#include "svmgpu_lock.h"

#if IS_ENABLED(CONFIG_PROVE_LOCKING)

/** struct order - one lock of each class, by rank */
struct order {
	/** @reset: 5 */
	struct svmgpu_mutex reset;
	/** @asid: 10 */
	struct svmgpu_rwsem asid;
	/** @bind: 12 */
	struct svmgpu_mutex bind;
	/** @vm: 20 */
	struct svmgpu_rwsem vm;
	/** @svm_mm: 22 */
	struct svmgpu_mutex svm_mm;
	/** @migrate: 25 */
	struct svmgpu_rwsem migrate;
	/** @val: 40 */
	struct svmgpu_rwsem val;
	/** @ticket: 45 */
	struct ww_acquire_ctx ticket;
	/** @resv: 50 and 51 */
	struct dma_resv resv;
	/** @vram: 55 */
	struct svmgpu_mutex vram;
	/** @bar: 57 */
	struct svmgpu_rwsem bar;
	/** @gpusvm: 70 is its notifier lock */
	struct drm_gpusvm gpusvm;
	/** @invalidated: 72 */
	struct svmgpu_spinlock invalidated;
	/** @gc: 73 */
	struct svmgpu_spinlock gc;
	/** @fault_ring: 80 */
	struct svmgpu_mutex fault_ring;
	/** @copy_signal: 81 */
	struct svmgpu_spinlock copy_signal;
	/** @fence: its lock lies between 81 and 82 */
	struct dma_fence fence;
	/** @command: 82 */
	struct svmgpu_spinlock command;
	/** @migration: 83 */
	struct svmgpu_spinlock migration;
	/** @context: 84 */
	struct svmgpu_spinlock context;
	/** @fault_queue: 85 */
	struct svmgpu_spinlock fault_queue;
	/** @vm_faults: 86 */
	struct svmgpu_spinlock vm_faults;
	/** @moves: 87 */
	struct svmgpu_spinlock moves;
};

static const char *order_name(struct dma_fence *fence)
{
	return "svmgpu";
}

/* As those of jobs, copies and preemption: with a lock of its own. */
static const struct dma_fence_ops order_fence_ops = {
	.get_driver_name = order_name,
	.get_timeline_name = order_name,
};

static int order_init(struct order *o)
{
	int err = drm_gpusvm_init(&o->gpusvm, "svmgpu", NULL, NULL, 0, 0, 0, NULL, NULL, 0);

	if (err)
		return err;
	svmgpu_mutex_init(&o->reset, SVMGPU_LOCK_RESET);
	svmgpu_rwsem_init(&o->asid, SVMGPU_LOCK_ASID);
	svmgpu_mutex_init(&o->bind, SVMGPU_LOCK_BIND_QUEUE);
	svmgpu_rwsem_init(&o->vm, SVMGPU_LOCK_VM);
	svmgpu_mutex_init(&o->svm_mm, SVMGPU_LOCK_SVM_MM);
	svmgpu_rwsem_init(&o->migrate, SVMGPU_LOCK_MIGRATE);
	svmgpu_rwsem_init(&o->val, SVMGPU_LOCK_VALIDATION);
	dma_resv_init(&o->resv);
	svmgpu_mutex_init(&o->vram, SVMGPU_LOCK_VRAM);
	svmgpu_rwsem_init(&o->bar, SVMGPU_LOCK_BAR);
	svmgpu_spin_lock_init(&o->invalidated, SVMGPU_LOCK_USERPTR_LIST);
	svmgpu_spin_lock_init(&o->gc, SVMGPU_LOCK_GC_LIST);
	svmgpu_mutex_init(&o->fault_ring, SVMGPU_LOCK_FAULT_RING);
	svmgpu_spin_lock_init(&o->copy_signal, SVMGPU_LOCK_COPY_SIGNAL);
	dma_fence_init(&o->fence, &order_fence_ops, NULL, dma_fence_context_alloc(1), 1);
	svmgpu_spin_lock_init(&o->command, SVMGPU_LOCK_COMMAND);
	svmgpu_spin_lock_init(&o->migration, SVMGPU_LOCK_MIGRATION_RING);
	svmgpu_spin_lock_init(&o->context, SVMGPU_LOCK_CONTEXT_RING);
	svmgpu_spin_lock_init(&o->fault_queue, SVMGPU_LOCK_FAULT_QUEUE);
	svmgpu_spin_lock_init(&o->vm_faults, SVMGPU_LOCK_VM_FAULTS);
	svmgpu_spin_lock_init(&o->moves, SVMGPU_LOCK_MOVES);
	return 0;
}

static void order_fini(struct order *o)
{
	dma_fence_signal(&o->fence);
	dma_resv_fini(&o->resv);
	drm_gpusvm_fini(&o->gpusvm);
}

/* 80 and below, as interrupts take them too: 81 .. 84, and a fence's own lock. */
static void prime_signalling(struct order *o)
{
	bool cookie = dma_fence_begin_signalling();
	unsigned long flags;

	/* copies signal in ring order; who waits for a preempt fence suspends its queue */
	spin_lock_irqsave(&o->copy_signal.lock, flags);
	might_lock(&o->migration.lock);
	spin_lock(dma_fence_spinlock(&o->fence));
	might_lock(&o->command.lock);
	might_lock(&o->context.lock);
	spin_unlock(dma_fence_spinlock(&o->fence));
	spin_unlock_irqrestore(&o->copy_signal.lock, flags);
	dma_fence_end_signalling(cookie);
}

/* 70 and below: a callback may wait for fences and flush, and allocates nothing. */
static void prime_notifier(struct order *o)
{
	down_write(&o->gpusvm.notifier_lock);
	might_lock(&o->invalidated.lock);
	might_lock(&o->gc.lock);
	might_lock(&o->moves.lock);
	prime_signalling(o);
	up_write(&o->gpusvm.notifier_lock);
}

/* A validation section, 40 and below: reclaim, and so the notifiers, lie inside it. */
static void prime_section(struct order *o)
{
	down_read(&o->val.sem);
	ww_acquire_init(&o->ticket, &reservation_ww_class);
	/* the first lock of a ticket: -EDEADLK can only be injected */
	if (dma_resv_lock(&o->resv, &o->ticket))
		dma_resv_lock_slow(&o->resv, &o->ticket);
	mutex_lock(&o->vram.mutex);
	down_read(&o->bar.sem);
	fs_reclaim_acquire(GFP_KERNEL);
	prime_notifier(o);
	fs_reclaim_release(GFP_KERNEL);
	up_read(&o->bar.sem);
	mutex_unlock(&o->vram.mutex);
	dma_resv_unlock(&o->resv);
	ww_acquire_fini(&o->ticket);
	up_read(&o->val.sem);
}

/*
 * 12 and below. A process's own mmap lock stands for all: it is one class. With
 * none (the driver is built in) its place has to be learnt as it comes.
 */
static void prime_vm(struct order *o)
{
	struct mm_struct *mm = current->mm;

	mutex_lock(&o->bind.mutex);
	down_write(&o->vm.sem);
	mutex_lock(&o->svm_mm.mutex);
	fs_reclaim_acquire(GFP_KERNEL);
	fs_reclaim_release(GFP_KERNEL);
	mutex_unlock(&o->svm_mm.mutex);
	might_lock(&o->vm_faults.lock);
	down_read(&o->migrate.sem);
	if (mm)
		mmap_read_lock(mm);
	prime_section(o);
	if (mm)
		mmap_read_unlock(mm);
	up_read(&o->migrate.sem);
	up_write(&o->vm.sem);
	mutex_unlock(&o->bind.mutex);
}

/* 5 and 10: nothing of a VM is taken inside; the rings of the device are. */
static void prime_device(struct order *o)
{
	mutex_lock(&o->reset.mutex);
	might_lock(&o->bar.sem);
	down_read(&o->asid.sem);
	prime_signalling(o);
	up_read(&o->asid.sem);
	mutex_unlock(&o->reset.mutex);

	mutex_lock(&o->fault_ring.mutex);
	might_lock(&o->fault_queue.lock);
	mutex_unlock(&o->fault_ring.mutex);
}

/**
 * svmgpu_lock_prime() - teaches lockdep the order of the driver's locks
 *
 * Context: module initialisation; may sleep, no lock held.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_lock_prime(void)
{
	struct order *o = kzalloc_obj(*o);
	int err;

	if (!o)
		return -ENOMEM;
	err = order_init(o);
	if (!err) {
		prime_device(o);
		prime_vm(o);
		order_fini(o);
	}
	kfree(o);
	return err;
}

#else

int svmgpu_lock_prime(void)
{
	return 0;
}

#endif

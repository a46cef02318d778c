// SPDX-License-Identifier: GPL-2.0
/*
 * Teaches lockdep the lock table of docs/locking.md, outermost first, before
 * anything else runs, so that the first lock taken the wrong way round is
 * reported although its counterpart has not been seen yet.
 *
 * Each function takes (or pretends to take) locks along the longest legal
 * chains. The classes are the module's, so once per module is enough.
 */
#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/lockdep.h>
#include <linux/sched/mm.h>

#include "svmgpu_device.h"
#include "svmgpu_exec_queue.h"
#include "svmgpu_svm_mm.h"
#include "svmgpu_vm.h"

#if IS_ENABLED(CONFIG_PROVE_LOCKING)

static atomic_t device_primed, vm_primed;

/* Everything below rank 80: takes part in fence signalling. */
static void prime_signalling(struct svmgpu_device *dev)
{
	bool cookie = dma_fence_begin_signalling();
	unsigned long flags;

	/* as they are taken, for interrupts take them too */
	local_irq_save(flags);
	might_lock(&dev->command.lock.lock);
	might_lock(&dev->migration.lock.lock);
	local_irq_restore(flags);
	dma_fence_end_signalling(cookie);
}

/**
 * svmgpu_lock_prime_device() - primes the order of a GPU's own locks
 * @dev: the GPU, locks initialised
 *
 * Process context, may sleep, no lock held.
 */
void svmgpu_lock_prime_device(struct svmgpu_device *dev)
{
	struct ww_acquire_ctx ticket;
	struct dma_resv resv;

	if (atomic_xchg(&device_primed, 1))
		return;

	/* 40 val_lock, 45 ticket, 50 resv, 55 VRAM manager, 60 reclaim, 80 signalling */
	dma_resv_init(&resv);
	down_read(&dev->val_lock.sem);
	ww_acquire_init(&ticket, &reservation_ww_class);
	dma_resv_lock(&resv, &ticket);
	might_lock(&dev->vram.lock.mutex);
	fs_reclaim_acquire(GFP_KERNEL);
	prime_signalling(dev);
	fs_reclaim_release(GFP_KERNEL);
	dma_resv_unlock(&resv);
	ww_acquire_fini(&ticket);
	up_read(&dev->val_lock.sem);
	dma_resv_fini(&resv);

	/* 10 asid_lock is let go before a VM lock is taken: no edge from it */
}

/**
 * svmgpu_lock_prime_vm() - primes the order of a VM's locks
 * @vm: the VM, locks initialised, not visible to anybody else
 *
 * Process context, may sleep, no lock held.
 */
void svmgpu_lock_prime_vm(struct svmgpu_vm *vm)
{
	struct svmgpu_device *dev = vm->dev;
	struct rw_semaphore *notifier_lock = &vm->svm.gpusvm.notifier_lock;

	if (!svmgpu_vm_in_fault_mode(vm) || atomic_xchg(&vm_primed, 1))
		return;

	/* 20 VM lock, 25 migrate lock, 30 mmap lock, 40 .. 55, 60 reclaim, 70 notifier lock */
	down_write(&vm->lock.sem);
	if (vm->svm.mm)
		might_lock(&vm->svm.mm->migrate_lock.sem);
	if (current->mm)
		might_lock_read(&current->mm->mmap_lock);
	down_read(&dev->val_lock.sem);
	dma_resv_lock(svmgpu_vm_resv(vm), NULL);
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock_read(notifier_lock);
	fs_reclaim_release(GFP_KERNEL);
	might_lock_read(notifier_lock);
	dma_resv_unlock(svmgpu_vm_resv(vm));
	up_read(&dev->val_lock.sem);
	up_write(&vm->lock.sem);

	/*
	 * 70 notifier lock, 72/73 lists, 80 signalling: a callback may wait for
	 * fences and flush, and allocates nothing.
	 */
	down_write(notifier_lock);
	might_lock(&vm->userptr.invalidated_lock.lock);
	might_lock(&vm->svm.gc_lock.lock);
	prime_signalling(dev);
	up_write(notifier_lock);
}

#else

void svmgpu_lock_prime_device(struct svmgpu_device *dev)
{
}

void svmgpu_lock_prime_vm(struct svmgpu_vm *vm)
{
}

#endif

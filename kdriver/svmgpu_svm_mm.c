// SPDX-License-Identifier: GPL-2.0
/*
 * State that the GPU VMs of one process share.
 */
#include <linux/error-injection.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "svmgpu_svm_mm.h"

/*
 * Protects the list and who is on it; rank 22: VM creation and close take it,
 * and allocate in it.
 */
static struct svmgpu_mutex svm_mm_lock;
static LIST_HEAD(svm_mm_list);

/**
 * svmgpu_svm_mm_module_init() - make the registry
 */
void svmgpu_svm_mm_module_init(void)
{
	svmgpu_mutex_init(&svm_mm_lock, SVMGPU_LOCK_SVM_MM);
}

/**
 * svmgpu_svm_mm_get() - find or make the shared state of a process
 * @mm: its address space
 *
 * Context: may sleep. The caller keeps @mm from being freed as long as it keeps
 * the result (drm_gpusvm does).
 *
 * Return: the state with a reference, or NULL without memory.
 */
struct svmgpu_svm_mm *svmgpu_svm_mm_get(struct mm_struct *mm)
{
	struct svmgpu_svm_mm *svm_mm;

	svmgpu_mutex_lock(&svm_mm_lock);
	list_for_each_entry(svm_mm, &svm_mm_list, link) {
		if (svm_mm->mm == mm) {
			kref_get(&svm_mm->refcount);
			goto out;
		}
	}

	svm_mm = kzalloc_obj(*svm_mm);
	if (!svm_mm)
		goto out;
	kref_init(&svm_mm->refcount);
	svm_mm->mm = mm;
	svmgpu_rwsem_init(&svm_mm->migrate_lock, SVMGPU_LOCK_MIGRATE);
	list_add(&svm_mm->link, &svm_mm_list);
out:
	svmgpu_mutex_unlock(&svm_mm_lock);

	return svm_mm;
}
ALLOW_ERROR_INJECTION(svmgpu_svm_mm_get, NULL);

/* svm_mm_lock held. */
static void svm_mm_release(struct kref *refcount)
{
	struct svmgpu_svm_mm *svm_mm = container_of(refcount, struct svmgpu_svm_mm, refcount);

	list_del(&svm_mm->link);
	kfree(svm_mm);
}

/**
 * svmgpu_svm_mm_put() - drop a reference
 * @svm_mm: the state
 *
 * Context: may sleep; a VM lock may be held.
 */
void svmgpu_svm_mm_put(struct svmgpu_svm_mm *svm_mm)
{
	svmgpu_mutex_lock(&svm_mm_lock);
	kref_put(&svm_mm->refcount, svm_mm_release);
	svmgpu_mutex_unlock(&svm_mm_lock);
}

/**
 * svmgpu_svm_mm_fault_in() - makes the CPU's faults for a range, and says how they end
 * @mm: address space
 * @start: first byte, page aligned
 * @end: first byte behind
 * @write: faults that write
 *
 * hmm_range_fault() has one error for memory that is not there and for memory for
 * which there was no page just now: -EFAULT. The first is final, the second must
 * pass; the CPU's own fault tells them apart.
 *
 * Context: no mmap lock, resv or notifier lock held; may sleep.
 *
 * Return: 0: the pages were there for a moment; -ENOMEM; -EFAULT: no such memory;
 * -EINTR: the task is being killed.
 */
int svmgpu_svm_mm_fault_in(struct mm_struct *mm, u64 start, u64 end, bool write)
{
	const unsigned int flags = FAULT_FLAG_REMOTE | (write ? FAULT_FLAG_WRITE : 0);
	int err = 0;
	u64 addr;

	if (!mmget_not_zero(mm))
		return -EFAULT;
	svmgpu_mmap_read_lock(mm);
	for (addr = start; addr < end && !err; addr += PAGE_SIZE) {
		err = fatal_signal_pending(current) ? -EINTR :
						      fixup_user_fault(mm, addr, flags, NULL);
		cond_resched();
	}
	svmgpu_mmap_read_unlock(mm);
	mmput(mm);

	/* poisoned, or not for us: all the same */
	return !err || err == -ENOMEM || err == -EINTR ? err : -EFAULT;
}

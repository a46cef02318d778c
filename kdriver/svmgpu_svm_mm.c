// SPDX-License-Identifier: GPL-2.0
/*
 * State that the GPU VMs of one process share.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "svmgpu_svm_mm.h"

/* Registry lock: taken at VM creation and destruction only, nothing inside it. */
static DEFINE_MUTEX(svm_mm_mutex);
static LIST_HEAD(svm_mm_list);

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

	mutex_lock(&svm_mm_mutex);
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
	mutex_unlock(&svm_mm_mutex);

	return svm_mm;
}

static void svm_mm_release(struct kref *refcount)
{
	struct svmgpu_svm_mm *svm_mm = container_of(refcount, struct svmgpu_svm_mm, refcount);

	list_del(&svm_mm->link);
	mutex_unlock(&svm_mm_mutex);
	kfree(svm_mm);
}

/**
 * svmgpu_svm_mm_put() - drop a reference
 * @svm_mm: the state
 *
 * Context: may sleep.
 */
void svmgpu_svm_mm_put(struct svmgpu_svm_mm *svm_mm)
{
	kref_put_mutex(&svm_mm->refcount, svm_mm_release, &svm_mm_mutex);
}

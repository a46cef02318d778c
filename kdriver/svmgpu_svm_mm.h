/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all GPU VMs of one process share: the migrate lock. A GPU that must evict
 * and migrate without interference takes it for write; it is per process, so
 * that unrelated processes never wait for each other.
 */
#ifndef SVMGPU_SVM_MM_H
#define SVMGPU_SVM_MM_H

#include <linux/kref.h>
#include <linux/list.h>

#include "svmgpu_lock.h"

struct mm_struct;

/** struct svmgpu_svm_mm - one mirrored process */
struct svmgpu_svm_mm {
	/** @refcount: one for each VM */
	struct kref refcount;
	/** @link: list of all; svm_mm_lock */
	struct list_head link;
	/** @mm: the address space, for comparing only */
	struct mm_struct *mm;
	/** @migrate_lock: rank 25; read: migrate; write: evict and migrate */
	struct svmgpu_rwsem migrate_lock;
};

void svmgpu_svm_mm_module_init(void);
/* NULL without memory. May sleep. */
struct svmgpu_svm_mm *svmgpu_svm_mm_get(struct mm_struct *mm);
void svmgpu_svm_mm_put(struct svmgpu_svm_mm *svm_mm);

/* Why pages could not be had: see there. May sleep; takes the mmap lock. */
int svmgpu_svm_mm_fault_in(struct mm_struct *mm, u64 start, u64 end, bool write);

#endif

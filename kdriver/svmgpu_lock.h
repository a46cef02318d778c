/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traced locks. Every lock of the driver is taken through these wrappers, so
 * that contention, hold times and owners reach the tracepoints and the event
 * log. With tracing off a wrapper costs one static branch.
 *
 * The classes below are the rows of docs/locking.md, outermost first; the
 * number is the rank. lockdep is primed with that order at load.
 */
#ifndef SVMGPU_LOCK_H
#define SVMGPU_LOCK_H

#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

struct dma_resv;
struct drm_gpusvm;
struct drm_pagemap_cache;
struct mm_struct;

/** enum svmgpu_lock_class - the lock table; the value is the rank */
enum svmgpu_lock_class {
	/** @SVMGPU_LOCK_RESET: svmgpu_device.reset_lock */
	SVMGPU_LOCK_RESET = 5,
	/** @SVMGPU_LOCK_ASID: svmgpu_device.asid_lock */
	SVMGPU_LOCK_ASID = 10,
	/** @SVMGPU_LOCK_BIND_QUEUE: svmgpu_exec_queue.bind_lock */
	SVMGPU_LOCK_BIND_QUEUE = 12,
	/** @SVMGPU_LOCK_VM: svmgpu_vm.lock */
	SVMGPU_LOCK_VM = 20,
	/** @SVMGPU_LOCK_SVM_MM: svm_mm_lock, the list of mirrored processes */
	SVMGPU_LOCK_SVM_MM = 22,
	/** @SVMGPU_LOCK_MIGRATE: svmgpu_svm_mm.migrate_lock, shared by all GPUs of an mm */
	SVMGPU_LOCK_MIGRATE = 25,
	/** @SVMGPU_LOCK_MMAP: mm_struct.mmap_lock, where the driver takes it */
	SVMGPU_LOCK_MMAP = 30,
	/** @SVMGPU_LOCK_PAGEMAP: look-up lock of svmgpu_device.pagemap_cache, inside nothing */
	SVMGPU_LOCK_PAGEMAP = 36,
	/** @SVMGPU_LOCK_VALIDATION: svmgpu_device.val_lock */
	SVMGPU_LOCK_VALIDATION = 40,
	/** @SVMGPU_LOCK_VM_RESV: the VM's dma_resv */
	SVMGPU_LOCK_VM_RESV = 50,
	/** @SVMGPU_LOCK_BO_RESV: an external object's dma_resv */
	SVMGPU_LOCK_BO_RESV = 51,
	/** @SVMGPU_LOCK_VRAM: svmgpu_vram.lock */
	SVMGPU_LOCK_VRAM = 55,
	/** @SVMGPU_LOCK_BAR: svmgpu_device.bar_lock */
	SVMGPU_LOCK_BAR = 57,
	/** @SVMGPU_LOCK_NOTIFIER: drm_gpusvm.notifier_lock */
	SVMGPU_LOCK_NOTIFIER = 70,
	/** @SVMGPU_LOCK_USERPTR_LIST: svmgpu_vm.userptr.invalidated_lock (spin) */
	SVMGPU_LOCK_USERPTR_LIST = 72,
	/** @SVMGPU_LOCK_GC_LIST: svmgpu_svm.gc_lock (spin) */
	SVMGPU_LOCK_GC_LIST = 73,
	/** @SVMGPU_LOCK_FAULT_RING: svmgpu_faults.drain, inside nothing */
	SVMGPU_LOCK_FAULT_RING = 80,
	/** @SVMGPU_LOCK_COPY_SIGNAL: svmgpu_migration_ring.signal_lock (spin) */
	SVMGPU_LOCK_COPY_SIGNAL = 81,
	/** @SVMGPU_LOCK_COMMAND: svmgpu_command_ring.lock (spin) */
	SVMGPU_LOCK_COMMAND = 82,
	/** @SVMGPU_LOCK_MIGRATION_RING: svmgpu_migration_ring.lock (spin) */
	SVMGPU_LOCK_MIGRATION_RING = 83,
	/** @SVMGPU_LOCK_CONTEXT_RING: svmgpu_exec_queue.ring_lock (spin) */
	SVMGPU_LOCK_CONTEXT_RING = 84,
	/** @SVMGPU_LOCK_FAULT_QUEUE: svmgpu_faults queue (spin) */
	SVMGPU_LOCK_FAULT_QUEUE = 85,
	/** @SVMGPU_LOCK_VM_FAULTS: svmgpu_vm.faults_lock (spin), innermost */
	SVMGPU_LOCK_VM_FAULTS = 86,
	/** @SVMGPU_LOCK_MOVES: moves_lock (spin), innermost */
	SVMGPU_LOCK_MOVES = 87,
};

#include "svmgpu_lock_types.h"

/*
 * Provided by svmgpu_lock.c and svmgpu_lock_types.h. Every *_lock call records
 * its place (return address). Types: struct svmgpu_rwsem { struct rw_semaphore
 * sem; ... }, struct svmgpu_mutex { struct mutex mutex; ... }, struct
 * svmgpu_spinlock { spinlock_t lock; ... }.
 *
 *   svmgpu_rwsem_init(l, class)            svmgpu_mutex_init(l, class)
 *   svmgpu_down_read(l)                    svmgpu_mutex_lock(l)
 *   svmgpu_down_read_interruptible(l)      svmgpu_mutex_lock_interruptible(l)
 *   svmgpu_down_write(l)                   svmgpu_mutex_trylock(l)
 *   svmgpu_down_write_killable(l)          svmgpu_mutex_unlock(l)
 *   svmgpu_down_read_trylock(l)            svmgpu_spin_lock_init(l, class)
 *   svmgpu_up_read(l), svmgpu_up_write(l)  svmgpu_spin_lock(l), svmgpu_spin_unlock(l)
 *   svmgpu_downgrade_write(l)              svmgpu_spin_lock_irqsave(l, flags), ..._irqrestore
 *   svmgpu_lockdep_assert_held{,_write,_read}(l)
 *
 * Locks that live in core structures are traced at the place where we take them:
 *   svmgpu_notifier_lock_read(gpusvm), svmgpu_notifier_unlock_read(gpusvm)
 *   svmgpu_notifier_lock_write(gpusvm), svmgpu_notifier_unlock_write(gpusvm)
 *   svmgpu_mmap_read_lock(mm), svmgpu_mmap_read_unlock(mm), svmgpu_mmap_write_lock_killable(mm),
 *   svmgpu_mmap_write_unlock(mm)
 *   svmgpu_notifier_lock_held(gpusvm, begins): at both ends of a callback for which
 *   drm_gpusvm took the lock
 *   svmgpu_pagemap_lock(cache), svmgpu_pagemap_unlock(cache)
 *   svmgpu_resv_lock(resv, class, vm, bo), ..._interruptible, svmgpu_resv_trylock(...),
 *   svmgpu_resv_unlock(resv, class): a reservation lock by itself
 *   svmgpu_resv_trace(): drm_exec or TTM takes it (svmgpu_validation.c, svmgpu_bo.c)
 */

#endif

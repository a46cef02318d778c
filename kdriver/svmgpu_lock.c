// SPDX-License-Identifier: GPL-2.0
/*
 * The traced half of the lock wrappers, and the lockdep class of each lock.
 *
 * A lock that has to be waited for gives lock_contended before the wait; every
 * lock gives lock_acquired once it is held and lock_released before it is let
 * go, so that in the log the next owner never appears before the last one went.
 */
#include <linux/hash.h>
#include <linux/lockdep.h>
#include <linux/mmap_lock.h>

#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap_util.h>

#include "svmgpu_device.h"
#include "svmgpu_lock.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

#define EXCLUSIVE	SVMGPU_TRACE_MODE_EXCLUSIVE
#define SHARED		SVMGPU_TRACE_MODE_SHARED

/* Name spaces of ids of locks that have no svmgpu_lock_info of their own. */
#define LOCK_ID_PAGEMAP		BIT(28)
#define LOCK_ID_MMAP		BIT(29)
#define LOCK_ID_NOTIFIER	BIT(30)
#define LOCK_ID_RESV		BIT(31)

static struct lock_class_key svmgpu_lock_keys[SVMGPU_LOCK_CLASSES];

static const struct svmgpu_lock_class_info svmgpu_lock_table[] = {
	{ SVMGPU_LOCK_RESET, SVMGPU_TRACE_CLASS_RESET, SVMGPU_TRACE_LOCK_MUTEX, "reset_lock" },
	{ SVMGPU_LOCK_ASID, SVMGPU_TRACE_CLASS_ASID, SVMGPU_TRACE_LOCK_RWSEM, "asid_lock" },
	{ SVMGPU_LOCK_BIND_QUEUE, SVMGPU_TRACE_CLASS_BINDQ, SVMGPU_TRACE_LOCK_MUTEX,
	  "bind_lock" },
	{ SVMGPU_LOCK_VM, SVMGPU_TRACE_CLASS_VM, SVMGPU_TRACE_LOCK_RWSEM, "vm_lock" },
	{ SVMGPU_LOCK_SVM_MM, SVMGPU_TRACE_CLASS_SVM_MM, SVMGPU_TRACE_LOCK_MUTEX, "svm_mm_lock" },
	{ SVMGPU_LOCK_MIGRATE, SVMGPU_TRACE_CLASS_MIGRATE, SVMGPU_TRACE_LOCK_RWSEM,
	  "migrate_lock" },
	{ SVMGPU_LOCK_MMAP, SVMGPU_TRACE_CLASS_MMAP, SVMGPU_TRACE_LOCK_MMAP, "mmap_lock" },
	{ SVMGPU_LOCK_PAGEMAP, SVMGPU_TRACE_CLASS_OWNER, SVMGPU_TRACE_LOCK_MUTEX,
	  "pagemap_lock" },
	{ SVMGPU_LOCK_VALIDATION, SVMGPU_TRACE_CLASS_VAL, SVMGPU_TRACE_LOCK_RWSEM, "val_lock" },
	{ SVMGPU_LOCK_VM_RESV, SVMGPU_TRACE_CLASS_VM_RESV, SVMGPU_TRACE_LOCK_WW, "vm_resv" },
	{ SVMGPU_LOCK_BO_RESV, SVMGPU_TRACE_CLASS_BO_RESV, SVMGPU_TRACE_LOCK_WW, "bo_resv" },
	{ SVMGPU_LOCK_VRAM, SVMGPU_TRACE_CLASS_VRAM, SVMGPU_TRACE_LOCK_MUTEX, "vram_lock" },
	{ SVMGPU_LOCK_BAR, SVMGPU_TRACE_CLASS_BAR, SVMGPU_TRACE_LOCK_RWSEM, "bar_lock" },
	{ SVMGPU_LOCK_NOTIFIER, SVMGPU_TRACE_CLASS_NOTIFIER, SVMGPU_TRACE_LOCK_RWSEM,
	  "notifier_lock" },
	{ SVMGPU_LOCK_USERPTR_LIST, SVMGPU_TRACE_CLASS_INVALIDATED, SVMGPU_TRACE_LOCK_SPIN,
	  "invalidated_lock" },
	{ SVMGPU_LOCK_GC_LIST, SVMGPU_TRACE_CLASS_GC, SVMGPU_TRACE_LOCK_SPIN, "gc_lock" },
	{ SVMGPU_LOCK_FAULT_RING, SVMGPU_TRACE_CLASS_FAULT_RING, SVMGPU_TRACE_LOCK_MUTEX,
	  "fault_ring" },
	{ SVMGPU_LOCK_COPY_SIGNAL, SVMGPU_TRACE_CLASS_COPY_SIGNAL, SVMGPU_TRACE_LOCK_SPIN,
	  "signal_lock" },
	{ SVMGPU_LOCK_COMMAND, SVMGPU_TRACE_CLASS_RING, SVMGPU_TRACE_LOCK_SPIN,
	  "command_ring" },
	{ SVMGPU_LOCK_MIGRATION_RING, SVMGPU_TRACE_CLASS_MIGRATION_RING, SVMGPU_TRACE_LOCK_SPIN,
	  "migration_ring" },
	{ SVMGPU_LOCK_CONTEXT_RING, SVMGPU_TRACE_CLASS_CONTEXT_RING, SVMGPU_TRACE_LOCK_SPIN,
	  "context_ring" },
	{ SVMGPU_LOCK_FAULT_QUEUE, SVMGPU_TRACE_CLASS_FAULT_QUEUE, SVMGPU_TRACE_LOCK_SPIN,
	  "fault_queue" },
	{ SVMGPU_LOCK_VM_FAULTS, SVMGPU_TRACE_CLASS_VM_FAULTS, SVMGPU_TRACE_LOCK_SPIN,
	  "faults_lock" },
	{ SVMGPU_LOCK_MOVES, SVMGPU_TRACE_CLASS_MOVES, SVMGPU_TRACE_LOCK_SPIN,
	  "moves_lock" },
};

/**
 * svmgpu_lock_class_info() - row of the lock table
 * @class: enum svmgpu_lock_class
 *
 * Any context.
 *
 * Return: the row, or NULL for a number that is no class.
 */
const struct svmgpu_lock_class_info *svmgpu_lock_class_info(u16 class)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(svmgpu_lock_table); i++)
		if (svmgpu_lock_table[i].class == class)
			return &svmgpu_lock_table[i];
	return NULL;
}

static const char *lock_info_init(struct svmgpu_lock_info *info, enum svmgpu_lock_class class)
{
	info->id = svmgpu_trace_new_id();
	info->vm = 0;
	info->bo = 0;
	info->class = class;
	info->gpu = SVMGPU_TRACE_NO_GPU;
	return svmgpu_lock_class_info(class)->name;
}

/**
 * svmgpu_rwsem_init() - makes a traced rwsem ready
 * @l: the lock
 * @class: its row of the table
 */
void svmgpu_rwsem_init(struct svmgpu_rwsem *l, enum svmgpu_lock_class class)
{
	const char __maybe_unused *name = lock_info_init(&l->info, class);

	init_rwsem(&l->sem);
	lockdep_set_class_and_name(&l->sem, &svmgpu_lock_keys[class], name);
}

/**
 * svmgpu_mutex_init() - makes a traced mutex ready
 * @l: the lock
 * @class: its row of the table
 */
void svmgpu_mutex_init(struct svmgpu_mutex *l, enum svmgpu_lock_class class)
{
	const char __maybe_unused *name = lock_info_init(&l->info, class);

	mutex_init(&l->mutex);
	lockdep_set_class_and_name(&l->mutex, &svmgpu_lock_keys[class], name);
}

/**
 * svmgpu_spin_lock_init() - makes a traced spinlock ready
 * @l: the lock
 * @class: its row of the table
 */
void svmgpu_spin_lock_init(struct svmgpu_spinlock *l, enum svmgpu_lock_class class)
{
	const char __maybe_unused *name = lock_info_init(&l->info, class);

	spin_lock_init(&l->lock);
	lockdep_set_class_and_name(&l->lock, &svmgpu_lock_keys[class], name);
}

/*
 * Takes a lock in two steps, so that waiting shows: @try, and when that failed
 * the operation that waits. @place is the caller of the wrapper.
 */
#define traced_lock(info, mode, place, try, wait)				\
	((void)traced_lock_err(info, mode, place, try, ({ wait; 0; })))

#define traced_lock_err(info, mode, place, try, wait) ({			\
		const struct svmgpu_lock_info *__info = (info);			\
		const unsigned long __place = (place);				\
		const u8 __mode = (mode);					\
		int __err = 0;							\
										\
		if (!(try)) {							\
			trace_svmgpu_lock_contended(__info, __mode, 0, __place);	\
			__err = (wait);						\
		}								\
		if (!__err)							\
			trace_svmgpu_lock_acquired(__info, __mode, 0, __place);	\
		else								\
			trace_svmgpu_lock_released(__info, __mode,		\
						   SVMGPU_TRACE_LOCK_GAVE_UP, __place); \
		__err;								\
	})

#define traced_trylock(info, mode, place, try) ({				\
		bool __taken = (try);						\
										\
		if (__taken)							\
			trace_svmgpu_lock_acquired(info, mode,			\
						   SVMGPU_TRACE_LOCK_TRY, place); \
		__taken;							\
	})

/**
 * svmgpu_traced_down_read() - down_read() with events
 * @l: the lock
 */
void svmgpu_traced_down_read(struct svmgpu_rwsem *l)
{
	traced_lock(&l->info, SHARED, _RET_IP_, down_read_trylock(&l->sem), down_read(&l->sem));
}

/**
 * svmgpu_traced_down_read_interruptible() - down_read_interruptible() with events
 * @l: the lock
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_traced_down_read_interruptible(struct svmgpu_rwsem *l)
{
	return traced_lock_err(&l->info, SHARED, _RET_IP_, down_read_trylock(&l->sem),
			       down_read_interruptible(&l->sem));
}

/**
 * svmgpu_traced_down_read_trylock() - down_read_trylock() with events
 * @l: the lock
 *
 * Return: true when the lock was taken.
 */
bool svmgpu_traced_down_read_trylock(struct svmgpu_rwsem *l)
{
	return traced_trylock(&l->info, SHARED, _RET_IP_, down_read_trylock(&l->sem));
}

/**
 * svmgpu_traced_down_write() - down_write() with events
 * @l: the lock
 */
void svmgpu_traced_down_write(struct svmgpu_rwsem *l)
{
	traced_lock(&l->info, EXCLUSIVE, _RET_IP_, down_write_trylock(&l->sem),
		    down_write(&l->sem));
}

/**
 * svmgpu_traced_down_write_killable() - down_write_killable() with events
 * @l: the lock
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_traced_down_write_killable(struct svmgpu_rwsem *l)
{
	return traced_lock_err(&l->info, EXCLUSIVE, _RET_IP_, down_write_trylock(&l->sem),
			       down_write_killable(&l->sem));
}

/**
 * svmgpu_traced_mutex_lock() - mutex_lock() with events
 * @l: the lock
 */
void svmgpu_traced_mutex_lock(struct svmgpu_mutex *l)
{
	traced_lock(&l->info, EXCLUSIVE, _RET_IP_, mutex_trylock(&l->mutex),
		    mutex_lock(&l->mutex));
}

/**
 * svmgpu_traced_mutex_lock_interruptible() - mutex_lock_interruptible() with events
 * @l: the lock
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_traced_mutex_lock_interruptible(struct svmgpu_mutex *l)
{
	return traced_lock_err(&l->info, EXCLUSIVE, _RET_IP_, mutex_trylock(&l->mutex),
			       mutex_lock_interruptible(&l->mutex));
}

/**
 * svmgpu_traced_mutex_trylock() - mutex_trylock() with events
 * @l: the lock
 *
 * Return: true when the lock was taken.
 */
bool svmgpu_traced_mutex_trylock(struct svmgpu_mutex *l)
{
	return traced_trylock(&l->info, EXCLUSIVE, _RET_IP_, mutex_trylock(&l->mutex));
}

/**
 * svmgpu_traced_spin_lock() - spin_lock() with events
 * @l: the lock
 *
 * Any context that may take the lock.
 */
void svmgpu_traced_spin_lock(struct svmgpu_spinlock *l)
{
	traced_lock(&l->info, EXCLUSIVE, _RET_IP_, spin_trylock(&l->lock), spin_lock(&l->lock));
}

/**
 * svmgpu_traced_spin_lock_irqsave() - spin_lock_irqsave() with events
 * @l: the lock
 *
 * Any context that may take the lock.
 *
 * Return: the interrupt state for svmgpu_spin_unlock_irqrestore().
 */
unsigned long svmgpu_traced_spin_lock_irqsave(struct svmgpu_spinlock *l)
{
	unsigned long flags;

	local_irq_save(flags);
	traced_lock(&l->info, EXCLUSIVE, _RET_IP_, spin_trylock(&l->lock), spin_lock(&l->lock));
	return flags;
}

/**
 * svmgpu_traced_released() - event before a lock is let go
 * @info: the lock
 * @shared: it was held for reading
 *
 * Any context.
 */
void svmgpu_traced_released(const struct svmgpu_lock_info *info, bool shared)
{
	trace_svmgpu_lock_released(info, shared ? SHARED : EXCLUSIVE, 0, _RET_IP_);
}

/**
 * svmgpu_traced_downgrade() - event before a write lock becomes a read lock
 * @info: the lock
 */
void svmgpu_traced_downgrade(const struct svmgpu_lock_info *info)
{
	trace_svmgpu_lock_released(info, EXCLUSIVE, SVMGPU_TRACE_LOCK_DOWNGRADED, _RET_IP_);
}

/* --- locks of core structures ------------------------------------------- */

static struct svmgpu_lock_info notifier_info(struct drm_gpusvm *gpusvm)
{
	struct svmgpu_vm *vm = gpusvm_to_vm(gpusvm);

	return (struct svmgpu_lock_info) {
		.id = LOCK_ID_NOTIFIER | vm->trace_id,
		.vm = vm->trace_id,
		.class = SVMGPU_LOCK_NOTIFIER,
		.gpu = vm->dev->caps.gpu_index,
	};
}

/**
 * svmgpu_notifier_lock_read() - takes a VM's notifier lock for reading
 * @gpusvm: the VM's drm_gpusvm
 *
 * May sleep. Nothing that reclaim could wait for may be done under it.
 */
void svmgpu_notifier_lock_read(struct drm_gpusvm *gpusvm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = notifier_info(gpusvm);

		traced_lock(&info, SHARED, _RET_IP_, down_read_trylock(&gpusvm->notifier_lock),
			    down_read(&gpusvm->notifier_lock));
	} else {
		down_read(&gpusvm->notifier_lock);
	}
}

/**
 * svmgpu_notifier_unlock_read() - lets go what svmgpu_notifier_lock_read() took
 * @gpusvm: the VM's drm_gpusvm
 */
void svmgpu_notifier_unlock_read(struct drm_gpusvm *gpusvm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = notifier_info(gpusvm);

		trace_svmgpu_lock_released(&info, SHARED, 0, _RET_IP_);
	}
	up_read(&gpusvm->notifier_lock);
}

/**
 * svmgpu_notifier_lock_write() - takes a VM's notifier lock for writing
 * @gpusvm: the VM's drm_gpusvm
 *
 * May sleep. For callbacks of notifiers of our own (userptr), and for closing a VM.
 */
void svmgpu_notifier_lock_write(struct drm_gpusvm *gpusvm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = notifier_info(gpusvm);

		traced_lock(&info, EXCLUSIVE, _RET_IP_, down_write_trylock(&gpusvm->notifier_lock),
			    down_write(&gpusvm->notifier_lock));
	} else {
		down_write(&gpusvm->notifier_lock);
	}
}

/**
 * svmgpu_notifier_unlock_write() - lets go what svmgpu_notifier_lock_write() took
 * @gpusvm: the VM's drm_gpusvm
 */
void svmgpu_notifier_unlock_write(struct drm_gpusvm *gpusvm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = notifier_info(gpusvm);

		trace_svmgpu_lock_released(&info, EXCLUSIVE, 0, _RET_IP_);
	}
	up_write(&gpusvm->notifier_lock);
}

/**
 * svmgpu_notifier_lock_held() - events of a section that drm_gpusvm locked
 * @gpusvm: the VM's drm_gpusvm, notifier lock held for write
 * @begins: the section begins, or ends
 *
 * drm_gpusvm takes the lock for its invalidation callback and does nothing else
 * in the section, so the callback says for it when the lock is held. Whether it
 * was waited for is not known.
 */
void svmgpu_notifier_lock_held(struct drm_gpusvm *gpusvm, bool begins)
{
	struct svmgpu_lock_info info;

	lockdep_assert_held_write(&gpusvm->notifier_lock);
	if (!svmgpu_lock_tracing())
		return;
	info = notifier_info(gpusvm);
	if (begins)
		trace_svmgpu_lock_acquired(&info, EXCLUSIVE, 0, _RET_IP_);
	else
		trace_svmgpu_lock_released(&info, EXCLUSIVE, 0, _RET_IP_);
}

static struct svmgpu_lock_info pagemap_info(struct drm_pagemap_cache *cache)
{
	return (struct svmgpu_lock_info) {
		.id = LOCK_ID_PAGEMAP | hash_ptr(cache, 28),
		.class = SVMGPU_LOCK_PAGEMAP,
		.gpu = SVMGPU_TRACE_NO_GPU,
	};
}

/**
 * svmgpu_pagemap_lock() - drm_pagemap_cache_lock_lookup() with events
 * @cache: of the GPU
 *
 * May sleep. The core has no trylock, so waiting does not show.
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_pagemap_lock(struct drm_pagemap_cache *cache)
{
	int err = drm_pagemap_cache_lock_lookup(cache);

	if (!err && svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = pagemap_info(cache);

		trace_svmgpu_lock_acquired(&info, EXCLUSIVE, 0, _RET_IP_);
	}
	return err;
}

/**
 * svmgpu_pagemap_unlock() - lets go what svmgpu_pagemap_lock() took
 * @cache: of the GPU
 */
void svmgpu_pagemap_unlock(struct drm_pagemap_cache *cache)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = pagemap_info(cache);

		trace_svmgpu_lock_released(&info, EXCLUSIVE, 0, _RET_IP_);
	}
	drm_pagemap_cache_unlock_lookup(cache);
}

static struct svmgpu_lock_info mmap_info(struct mm_struct *mm)
{
	return (struct svmgpu_lock_info) {
		.id = LOCK_ID_MMAP | hash_ptr(mm, 29),
		.class = SVMGPU_LOCK_MMAP,
		.gpu = SVMGPU_TRACE_NO_GPU,
	};
}

static void mmap_released(struct mm_struct *mm, u8 mode, unsigned long ip)
{
	struct svmgpu_lock_info info = mmap_info(mm);

	trace_svmgpu_lock_released(&info, mode, 0, ip);
}

/**
 * svmgpu_mmap_read_lock() - mmap_read_lock() with events
 * @mm: the address space
 */
void svmgpu_mmap_read_lock(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = mmap_info(mm);

		traced_lock(&info, SHARED, _RET_IP_, mmap_read_trylock(mm), mmap_read_lock(mm));
	} else {
		mmap_read_lock(mm);
	}
}

/**
 * svmgpu_mmap_read_lock_killable() - mmap_read_lock_killable() with events
 * @mm: the address space
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_mmap_read_lock_killable(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = mmap_info(mm);

		return traced_lock_err(&info, SHARED, _RET_IP_, mmap_read_trylock(mm),
				       mmap_read_lock_killable(mm));
	}
	return mmap_read_lock_killable(mm);
}

/**
 * svmgpu_mmap_read_trylock() - mmap_read_trylock() with events
 * @mm: the address space
 *
 * Return: true when the lock was taken.
 */
bool svmgpu_mmap_read_trylock(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = mmap_info(mm);

		return traced_trylock(&info, SHARED, _RET_IP_, mmap_read_trylock(mm));
	}
	return mmap_read_trylock(mm);
}

/**
 * svmgpu_mmap_read_unlock() - mmap_read_unlock() with events
 * @mm: the address space
 */
void svmgpu_mmap_read_unlock(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing())
		mmap_released(mm, SHARED, _RET_IP_);
	mmap_read_unlock(mm);
}

/**
 * svmgpu_mmap_write_lock() - mmap_write_lock() with events
 * @mm: the address space
 */
void svmgpu_mmap_write_lock(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = mmap_info(mm);

		trace_svmgpu_lock_contended(&info, EXCLUSIVE, 0, _RET_IP_);
		mmap_write_lock(mm);
		trace_svmgpu_lock_acquired(&info, EXCLUSIVE, 0, _RET_IP_);
	} else {
		mmap_write_lock(mm);
	}
}

/**
 * svmgpu_mmap_write_lock_killable() - mmap_write_lock_killable() with events
 * @mm: the address space
 *
 * The core has no trylock for writing, so lock_contended always comes first.
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_mmap_write_lock_killable(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = mmap_info(mm);

		return traced_lock_err(&info, EXCLUSIVE, _RET_IP_, false,
				       mmap_write_lock_killable(mm));
	}
	return mmap_write_lock_killable(mm);
}

/**
 * svmgpu_mmap_write_unlock() - mmap_write_unlock() with events
 * @mm: the address space
 */
void svmgpu_mmap_write_unlock(struct mm_struct *mm)
{
	if (svmgpu_lock_tracing())
		mmap_released(mm, EXCLUSIVE, _RET_IP_);
	mmap_write_unlock(mm);
}

static struct svmgpu_lock_info resv_info(struct dma_resv *resv, enum svmgpu_lock_class class,
					 u32 vm, u32 bo)
{
	return (struct svmgpu_lock_info) {
		.id = LOCK_ID_RESV | hash_ptr(resv, 31),
		.vm = vm,
		.bo = bo,
		.class = class,
		.gpu = SVMGPU_TRACE_NO_GPU,
	};
}

/**
 * svmgpu_resv_lock() - dma_resv_lock() with events, without a ticket
 * @resv: the lock
 * @class: SVMGPU_LOCK_VM_RESV or SVMGPU_LOCK_BO_RESV
 * @vm: trace id of the VM that it belongs to, or 0
 * @bo: trace id of the object that it belongs to, or 0
 *
 * May sleep; no other resv is held.
 */
void svmgpu_resv_lock(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = resv_info(resv, class, vm, bo);

		traced_lock(&info, EXCLUSIVE, _RET_IP_, dma_resv_trylock(resv),
			    dma_resv_lock(resv, NULL));
	} else {
		dma_resv_lock(resv, NULL);
	}
}

/**
 * svmgpu_resv_lock_interruptible() - the same; signals end the wait
 * @resv: the lock
 * @class: SVMGPU_LOCK_VM_RESV or SVMGPU_LOCK_BO_RESV
 * @vm: trace id of the VM that it belongs to, or 0
 * @bo: trace id of the object that it belongs to, or 0
 *
 * May sleep; no other resv is held.
 *
 * Return: 0 or -EINTR.
 */
int svmgpu_resv_lock_interruptible(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm,
				   u32 bo)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = resv_info(resv, class, vm, bo);

		return traced_lock_err(&info, EXCLUSIVE, _RET_IP_, dma_resv_trylock(resv),
				       dma_resv_lock_interruptible(resv, NULL));
	}
	return dma_resv_lock_interruptible(resv, NULL);
}

/**
 * svmgpu_resv_trylock() - dma_resv_trylock() with events
 * @resv: the lock
 * @class: SVMGPU_LOCK_VM_RESV or SVMGPU_LOCK_BO_RESV
 * @vm: trace id of the VM that it belongs to, or 0
 * @bo: trace id of the object that it belongs to, or 0
 *
 * Return: true when the lock was taken.
 */
bool svmgpu_resv_trylock(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo)
{
	if (svmgpu_lock_tracing()) {
		struct svmgpu_lock_info info = resv_info(resv, class, vm, bo);

		return traced_trylock(&info, EXCLUSIVE, _RET_IP_, dma_resv_trylock(resv));
	}
	return dma_resv_trylock(resv);
}

/**
 * svmgpu_resv_unlock() - lets go what one of the three above took
 * @resv: the lock
 * @class: as given when it was taken
 */
void svmgpu_resv_unlock(struct dma_resv *resv, enum svmgpu_lock_class class)
{
	svmgpu_resv_trace(resv, class, 0, 0, SVMGPU_RESV_RELEASED, _RET_IP_);
	dma_resv_unlock(resv);
}

/**
 * svmgpu_resv_trace() - one event of a reservation lock that others take for us
 * @resv: the lock
 * @class: SVMGPU_LOCK_VM_RESV or SVMGPU_LOCK_BO_RESV
 * @vm: trace id of the VM that it belongs to, or 0
 * @bo: trace id of the object that it belongs to, or 0
 * @event: what happens to it
 * @place: in the code
 *
 * For validation sections (drm_exec) and evictions (TTM). Any context.
 */
void svmgpu_resv_trace(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo,
		       enum svmgpu_resv_event event, unsigned long place)
{
	struct svmgpu_lock_info info;

	if (!svmgpu_lock_tracing())
		return;
	info = resv_info(resv, class, vm, bo);
	switch (event) {
	case SVMGPU_RESV_CONTENDED:
		trace_svmgpu_lock_contended(&info, EXCLUSIVE, 0, place);
		break;
	case SVMGPU_RESV_GAVE_UP:
		trace_svmgpu_lock_released(&info, EXCLUSIVE, SVMGPU_TRACE_LOCK_GAVE_UP, place);
		break;
	case SVMGPU_RESV_ACQUIRED:
		trace_svmgpu_lock_acquired(&info, EXCLUSIVE, 0, place);
		break;
	case SVMGPU_RESV_TRIED:
		trace_svmgpu_lock_acquired(&info, EXCLUSIVE, SVMGPU_TRACE_LOCK_TRY, place);
		break;
	case SVMGPU_RESV_RELEASED:
		trace_svmgpu_lock_released(&info, EXCLUSIVE, 0, place);
		break;
	}
}

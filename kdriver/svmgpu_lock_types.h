/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lock types behind svmgpu_lock.h: a kernel lock together with its name in
 * the event log. Each operation is inline: the plain lock operation, unless a
 * lock tracepoint is in use, which one static branch tells.
 */
#ifndef SVMGPU_LOCK_TYPES_H
#define SVMGPU_LOCK_TYPES_H

#ifndef SVMGPU_LOCK_H
#error "include svmgpu_lock.h"
#endif

#include <linux/jump_label.h>

/** struct svmgpu_lock_info - who a lock is, for the event log */
struct svmgpu_lock_info {
	/** @id: name in the event log */
	u32 id;
	/** @vm: VM that it belongs to, or 0 */
	u32 vm;
	/** @bo: buffer object that it belongs to, or 0 */
	u32 bo;
	/** @class: enum svmgpu_lock_class */
	u16 class;
	/** @gpu: GPU that it belongs to, or SVMGPU_TRACE_NO_GPU */
	u16 gpu;
};

/** struct svmgpu_rwsem - traced struct rw_semaphore */
struct svmgpu_rwsem {
	/** @sem: the lock */
	struct rw_semaphore sem;
	/** @info: its name */
	struct svmgpu_lock_info info;
};

/** struct svmgpu_mutex - traced struct mutex */
struct svmgpu_mutex {
	/** @mutex: the lock */
	struct mutex mutex;
	/** @info: its name */
	struct svmgpu_lock_info info;
};

/** struct svmgpu_spinlock - traced spinlock_t; usable in interrupts */
struct svmgpu_spinlock {
	/** @lock: the lock */
	spinlock_t lock;
	/** @info: its name */
	struct svmgpu_lock_info info;
};

/** struct svmgpu_lock_class_info - one row of the lock table, for the event log */
struct svmgpu_lock_class_info {
	/** @class: enum svmgpu_lock_class, which is the rank */
	u16 class;
	/** @trace_class: number of the class in the event log */
	u16 trace_class;
	/** @type: enum svmgpu_trace_lock_type */
	u16 type;
	/** @name: as in docs/locking.md */
	const char *name;
};

#define SVMGPU_LOCK_CLASSES	(SVMGPU_LOCK_MOVES + 1)

const struct svmgpu_lock_class_info *svmgpu_lock_class_info(u16 class);

DECLARE_STATIC_KEY_FALSE(svmgpu_lock_trace_key);

/* True while a lock tracepoint has a probe. */
#define svmgpu_lock_tracing()	static_branch_unlikely(&svmgpu_lock_trace_key)

void svmgpu_rwsem_init(struct svmgpu_rwsem *l, enum svmgpu_lock_class class);
void svmgpu_mutex_init(struct svmgpu_mutex *l, enum svmgpu_lock_class class);
void svmgpu_spin_lock_init(struct svmgpu_spinlock *l, enum svmgpu_lock_class class);

static inline void svmgpu_lock_info_set_owner(struct svmgpu_lock_info *info, u16 gpu, u32 vm)
{
	info->gpu = gpu;
	info->vm = vm;
}

/**
 * svmgpu_lock_set_owner() - says in the log whose lock it is; after init
 * @l: any of the three types
 * @gpu: GPU number
 * @vm: trace id of the VM, or 0
 */
#define svmgpu_lock_set_owner(l, gpu, vm)	svmgpu_lock_info_set_owner(&(l)->info, gpu, vm)

void svmgpu_traced_down_read(struct svmgpu_rwsem *l);
int svmgpu_traced_down_read_interruptible(struct svmgpu_rwsem *l);
bool svmgpu_traced_down_read_trylock(struct svmgpu_rwsem *l);
void svmgpu_traced_down_write(struct svmgpu_rwsem *l);
int svmgpu_traced_down_write_killable(struct svmgpu_rwsem *l);
void svmgpu_traced_released(const struct svmgpu_lock_info *info, bool shared);
void svmgpu_traced_downgrade(const struct svmgpu_lock_info *info);
void svmgpu_traced_mutex_lock(struct svmgpu_mutex *l);
int svmgpu_traced_mutex_lock_interruptible(struct svmgpu_mutex *l);
bool svmgpu_traced_mutex_trylock(struct svmgpu_mutex *l);
void svmgpu_traced_spin_lock(struct svmgpu_spinlock *l);
unsigned long svmgpu_traced_spin_lock_irqsave(struct svmgpu_spinlock *l);

static inline void svmgpu_down_read(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_down_read(l);
	else
		down_read(&l->sem);
}

static inline int __must_check svmgpu_down_read_interruptible(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		return svmgpu_traced_down_read_interruptible(l);
	return down_read_interruptible(&l->sem);
}

static inline bool svmgpu_down_read_trylock(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		return svmgpu_traced_down_read_trylock(l);
	return down_read_trylock(&l->sem);
}

static inline void svmgpu_down_write(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_down_write(l);
	else
		down_write(&l->sem);
}

static inline int __must_check svmgpu_down_write_killable(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		return svmgpu_traced_down_write_killable(l);
	return down_write_killable(&l->sem);
}

static inline void svmgpu_up_read(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_released(&l->info, true);
	up_read(&l->sem);
}

static inline void svmgpu_up_write(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_released(&l->info, false);
	up_write(&l->sem);
}

static inline void svmgpu_downgrade_write(struct svmgpu_rwsem *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_downgrade(&l->info);
	downgrade_write(&l->sem);
}

static inline void svmgpu_mutex_lock(struct svmgpu_mutex *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_mutex_lock(l);
	else
		mutex_lock(&l->mutex);
}

static inline int __must_check svmgpu_mutex_lock_interruptible(struct svmgpu_mutex *l)
{
	if (svmgpu_lock_tracing())
		return svmgpu_traced_mutex_lock_interruptible(l);
	return mutex_lock_interruptible(&l->mutex);
}

static inline bool svmgpu_mutex_trylock(struct svmgpu_mutex *l)
{
	if (svmgpu_lock_tracing())
		return svmgpu_traced_mutex_trylock(l);
	return mutex_trylock(&l->mutex);
}

static inline void svmgpu_mutex_unlock(struct svmgpu_mutex *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_released(&l->info, false);
	mutex_unlock(&l->mutex);
}

static inline void svmgpu_spin_lock(struct svmgpu_spinlock *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_spin_lock(l);
	else
		spin_lock(&l->lock);
}

static inline void svmgpu_spin_unlock(struct svmgpu_spinlock *l)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_released(&l->info, false);
	spin_unlock(&l->lock);
}

static inline unsigned long svmgpu_spin_lock_irq_state(struct svmgpu_spinlock *l)
{
	unsigned long flags;

	if (svmgpu_lock_tracing())
		return svmgpu_traced_spin_lock_irqsave(l);
	spin_lock_irqsave(&l->lock, flags);
	return flags;
}

#define svmgpu_spin_lock_irqsave(l, flags)	((flags) = svmgpu_spin_lock_irq_state(l))

static inline void svmgpu_spin_unlock_irqrestore(struct svmgpu_spinlock *l, unsigned long flags)
{
	if (svmgpu_lock_tracing())
		svmgpu_traced_released(&l->info, false);
	spin_unlock_irqrestore(&l->lock, flags);
}

static inline void svmgpu_rwsem_assert_held(const struct svmgpu_rwsem *l)
{
	lockdep_assert_held(&l->sem);
}

static inline void svmgpu_mutex_assert_held(const struct svmgpu_mutex *l)
{
	lockdep_assert_held(&l->mutex);
}

static inline void svmgpu_spin_assert_held(const struct svmgpu_spinlock *l)
{
	lockdep_assert_held(&l->lock);
}

#define svmgpu_lockdep_assert_held(l)					\
	_Generic(*(l),							\
		 struct svmgpu_rwsem : svmgpu_rwsem_assert_held,		\
		 struct svmgpu_mutex : svmgpu_mutex_assert_held,		\
		 struct svmgpu_spinlock : svmgpu_spin_assert_held)(l)

#define svmgpu_lockdep_assert_held_write(l)	lockdep_assert_held_write(&(l)->sem)
#define svmgpu_lockdep_assert_held_read(l)	lockdep_assert_held_read(&(l)->sem)

/* --- locks of core structures, traced where the driver takes them -------- */

struct svmgpu_vm;

void svmgpu_notifier_lock_read(struct drm_gpusvm *gpusvm);
void svmgpu_notifier_unlock_read(struct drm_gpusvm *gpusvm);
void svmgpu_notifier_lock_write(struct drm_gpusvm *gpusvm);
void svmgpu_notifier_unlock_write(struct drm_gpusvm *gpusvm);
void svmgpu_notifier_lock_held(struct drm_gpusvm *gpusvm, bool begins);

int __must_check svmgpu_pagemap_lock(struct drm_pagemap_cache *cache);
void svmgpu_pagemap_unlock(struct drm_pagemap_cache *cache);

void svmgpu_mmap_read_lock(struct mm_struct *mm);
int __must_check svmgpu_mmap_read_lock_killable(struct mm_struct *mm);
bool svmgpu_mmap_read_trylock(struct mm_struct *mm);
void svmgpu_mmap_read_unlock(struct mm_struct *mm);
void svmgpu_mmap_write_lock(struct mm_struct *mm);
int __must_check svmgpu_mmap_write_lock_killable(struct mm_struct *mm);
void svmgpu_mmap_write_unlock(struct mm_struct *mm);

/* Reservation locks by themselves. class: SVMGPU_LOCK_VM_RESV or SVMGPU_LOCK_BO_RESV. */
void svmgpu_resv_lock(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo);
int __must_check svmgpu_resv_lock_interruptible(struct dma_resv *resv,
						enum svmgpu_lock_class class, u32 vm, u32 bo);
bool svmgpu_resv_trylock(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo);
void svmgpu_resv_unlock(struct dma_resv *resv, enum svmgpu_lock_class class);

/** enum svmgpu_resv_event - what happens to a reservation lock that drm_exec or TTM takes */
enum svmgpu_resv_event {
	/** @SVMGPU_RESV_CONTENDED: a wait begins */
	SVMGPU_RESV_CONTENDED,
	/** @SVMGPU_RESV_GAVE_UP: the wait ended without the lock: a signal, or backing off */
	SVMGPU_RESV_GAVE_UP,
	/** @SVMGPU_RESV_ACQUIRED: it is held */
	SVMGPU_RESV_ACQUIRED,
	/** @SVMGPU_RESV_TRIED: by trylock, or by TTM with a ticket: no order to keep */
	SVMGPU_RESV_TRIED,
	/** @SVMGPU_RESV_RELEASED: it is about to be let go */
	SVMGPU_RESV_RELEASED,
};

void svmgpu_resv_trace(struct dma_resv *resv, enum svmgpu_lock_class class, u32 vm, u32 bo,
		       enum svmgpu_resv_event event, unsigned long place);

/* svmgpu_lock_order.c: teaches lockdep the table; no-op without PROVE_LOCKING. */
int svmgpu_lock_prime(void);

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * Recoverable faults: from the FAULT ring to the answer.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_svm_trace.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

/**
 * DOC: Fault service
 *
 * The interrupt thread moves entries from the ring into one of FAULT_QUEUES
 * queues, chosen by address space, so that faults of different VMs are served in
 * parallel and those of one VM in order. A full queue leaves its entries in the
 * ring: the GPU waits for room, and nothing is ever lost.
 *
 * A worker looks the VM up by address-space id, and serves the fault in attempts
 * (svmgpu_svm_range.c). Between two attempts it holds no lock at all, so that
 * whoever keeps invalidating can finish. There is no timeout: attempts end when
 * the access is mapped, or is not permitted (S5). Only a lack of memory that lasts
 * for FAULT_STARVED_ATTEMPTS fails it. Every entry that wants an answer gets
 * exactly one (S6).
 */

#define FAULT_RING_LOG2		12
#define FAULT_QUEUES		4
#define FAULT_QUEUE_ENTRIES	256
/* attempts without a pause; later ones give other tasks the CPU for a moment */
#define FAULT_EAGER_ATTEMPTS	16
/* attempts without memory, with a pause after each, before the access is failed */
#define FAULT_STARVED_ATTEMPTS	200
#define FAULT_STARVED_PAUSE_US	10000

/** struct fault_queue - faults on their way from the interrupt to a worker */
struct fault_queue {
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @lock: protects the indices; rank 85 */
	struct svmgpu_spinlock lock;
	/** @head: next entry to serve */
	u32 head;
	/** @tail: next free entry */
	u32 tail;
	/** @work: serves them */
	struct work_struct work;
	/** @entries: copies of ring entries */
	struct svmgpu_fault entries[FAULT_QUEUE_ENTRIES];
};

/** struct svmgpu_faults - fault service of one GPU */
struct svmgpu_faults {
	/** @wq: of the workers; not for reclaim: serving a fault allocates */
	struct workqueue_struct *wq;
	/** @drain: the ring's only consumer at a time: interrupt thread or worker (rank 80) */
	struct svmgpu_mutex drain;
	/** @queues: by address-space id */
	struct fault_queue queues[FAULT_QUEUES];
};

static bool fault_queue_put(struct fault_queue *queue, const struct svmgpu_fault *fault)
{
	bool room;

	svmgpu_spin_lock(&queue->lock);
	room = queue->tail - queue->head < FAULT_QUEUE_ENTRIES;
	if (room)
		queue->entries[queue->tail++ % FAULT_QUEUE_ENTRIES] = *fault;
	svmgpu_spin_unlock(&queue->lock);

	return room;
}

static bool fault_queue_get(struct fault_queue *queue, struct svmgpu_fault *fault)
{
	bool any;

	svmgpu_spin_lock(&queue->lock);
	any = queue->tail != queue->head;
	if (any)
		*fault = queue->entries[queue->head++ % FAULT_QUEUE_ENTRIES];
	svmgpu_spin_unlock(&queue->lock);

	return any;
}

/* Moves what fits from the ring into the queues. May sleep. */
static void fault_drain(struct svmgpu_device *dev)
{
	struct svmgpu_ring *ring = &dev->rings[SVMGPU_RING_FAULT];
	struct svmgpu_ring_header *header = ring->header;
	struct svmgpu_fault *entries = ring->entries;
	struct svmgpu_faults *faults = dev->faults;

	svmgpu_mutex_lock(&faults->drain);
	for (;;) {
		u32 consumer = header->consumer;
		struct fault_queue *queue;
		struct svmgpu_fault fault;

		if (READ_ONCE(header->producer) == consumer) {
			if (svmgpu_ring_sleep(header, consumer))
				break;
			continue;
		}
		smp_rmb(); /* the entry was written before the index */

		fault = entries[consumer & (BIT(ring->log2) - 1)];
		queue = &faults->queues[fault.asid % FAULT_QUEUES];
		/* full: its worker comes back here when there is room */
		if (!fault_queue_put(queue, &fault))
			break;

		/* the entry was read before the slot is given back */
		smp_store_release(&header->consumer, consumer + 1);
		svmgpu_ring_room(dev, header, SVMGPU_REG_DOORBELL_FAULT);
		queue_work(faults->wq, &queue->work);
	}
	svmgpu_mutex_unlock(&faults->drain);
}

/**
 * svmgpu_fault_irq() - SVMGPU_VECTOR_FAULT
 * @irq: interrupt
 * @arg: the GPU
 *
 * Context: interrupt thread.
 *
 * Return: IRQ_HANDLED.
 */
irqreturn_t svmgpu_fault_irq(int irq, void *arg)
{
	fault_drain(arg);

	return IRQ_HANDLED;
}

static bool fault_writes(const struct svmgpu_fault *fault)
{
	return fault->access == SVMGPU_ACCESS_WRITE || fault->access == SVMGPU_ACCESS_ATOMIC ||
	       fault->access == SVMGPU_ACCESS_FENCE;
}

/* One attempt under the VM lock. */
static int fault_attempt(struct svmgpu_vm *vm, const struct svmgpu_fault *fault,
			 struct svmgpu_svm_try *try)
{
	struct svmgpu_vma *vma;
	int err;

	svmgpu_down_write(&vm->lock);
	if (vm->closed || vm->banned) {
		err = -ENOENT;
		goto out;
	}

	vma = svmgpu_vma_find(vm, fault->addr);
	trace_svmgpu_fault_vma_found(fault->fault_id, fault->addr, vm->trace_id, 0, vm_gpu(vm),
				     vma ? SVMGPU_TRACE_VERDICT_PERMITTED :
					   SVMGPU_TRACE_VERDICT_NO_VMA, try->tier,
				     try->attempts + 1);
	if (!vma)
		err = -EFAULT;
	else if (try->write && svmgpu_vma_read_only(vma))
		err = -EPERM;
	else if (svmgpu_vma_is_mirror(vma))
		err = svmgpu_svm_fault(vm, vma, fault->addr, try);
	else
		err = svmgpu_vma_fault(vm, vma, try->write, try->atomic);
out:
	svmgpu_up_write(&vm->lock);

	return err;
}

static u16 fault_outcome(int err, const struct svmgpu_svm_try *try)
{
	switch (err) {
	case 0:
		return try->spurious ? SVMGPU_TRACE_FAULT_SPURIOUS : SVMGPU_TRACE_FAULT_SERVED;
	case -ENOENT:
		return SVMGPU_TRACE_FAULT_DROPPED;
	case -EFAULT:
	case -EPERM:
	case -EACCES:
	case -EINVAL:
		return SVMGPU_TRACE_FAULT_REFUSED;
	default:
		return SVMGPU_TRACE_FAULT_FAILED;
	}
}

static u16 fault_verdict(int err)
{
	switch (err) {
	case -EFAULT:
		return SVMGPU_TRACE_VERDICT_NO_VMA;
	case -EPERM:
	case -EACCES:
		return SVMGPU_TRACE_VERDICT_NOT_PERMITTED;
	case -ENOENT:
		return SVMGPU_TRACE_VERDICT_UNKNOWN;
	default:
		return SVMGPU_TRACE_VERDICT_PERMITTED;
	}
}

static int fault_serve_vm(struct svmgpu_vm *vm, const struct svmgpu_fault *fault,
			  struct svmgpu_svm_try *try)
{
	unsigned int starved = 0;
	int err;

	for (;;) {
		err = fault_attempt(vm, fault, try);
		/* No lock held: the other side can finish what it does (S1). */
		if (err == -EAGAIN) {
			if (try->attempts < FAULT_EAGER_ATTEMPTS)
				cond_resched();
			else
				usleep_range(50, 500);
		} else if ((err == -ENOMEM || err == -ENOSPC) &&
			   starved++ < FAULT_STARVED_ATTEMPTS) {
			usleep_range(FAULT_STARVED_PAUSE_US, 2 * FAULT_STARVED_PAUSE_US);
		} else {
			return err;
		}
	}
}

/* For VM_GET_PROPERTY: an access that cannot be served. */
static void fault_remember(struct svmgpu_vm *vm, const struct svmgpu_fault *fault)
{
	const struct svmgpu_vm_fault bad = {
		.addr = ALIGN_DOWN(fault->addr, SZ_4K),
		.access = fault->access,
		.reason = fault->reason,
		.level = fault->level,
	};

	svmgpu_vm_record_fault(vm, &bad);
}

/* Exactly one of these per fault that wants an answer (S6). */
static void fault_answer(struct svmgpu_device *dev, struct svmgpu_vm *vm,
			 const struct svmgpu_fault *fault, const struct svmgpu_svm_try *try,
			 u64 entry, unsigned int level, int err)
{
	const struct svmgpu_command command = {
		.op = SVMGPU_CMD_FAULT_ANSWER,
		.id = fault->context,
		.arg = {
			fault->fault_id, err ? SVMGPU_ANSWER_FAIL : SVMGPU_ANSWER_RETRY,
			entry, level,
		},
	};

	/* the log first: the answer lets the access, its effect, go on */
	trace_svmgpu_fault_answered(fault->fault_id, fault->addr, vm ? vm->trace_id : 0, 0,
				    dev->caps.gpu_index, fault_outcome(err, try),
				    fault_verdict(err), try->tier, try->attempts, err);
	if (!(fault->flags & SVMGPU_FAULT_F_FATAL))
		svmgpu_command_submit(dev, &command, 1);
}

/**
 * svmgpu_fault_answer_committed() - answer a fault while its mapping cannot go away
 * @vm: the VM, lock held for write, notifier lock for read
 * @try: progress of the fault; nothing happens for a prefetch
 *
 * The answer carries the entry: the access retires with it even when an
 * invalidation comes next, whose flush is behind the answer in the ring. So each
 * commit is progress.
 *
 * Context: does not sleep.
 */
void svmgpu_fault_answer_committed(struct svmgpu_vm *vm, struct svmgpu_svm_try *try)
{
	unsigned int level = 0;
	u64 entry;

	if (!try->fault)
		return;

	entry = svmgpu_pt_lookup(vm, try->fault->addr & (SVMGPU_VM_SIZE - 1), &level);
	fault_answer(vm->dev, vm, try->fault, try, entry, level, 0);
	try->answered = true;
}

static void fault_serve(struct svmgpu_device *dev, const struct svmgpu_fault *fault)
{
	const bool fatal = fault->flags & SVMGPU_FAULT_F_FATAL;
	struct svmgpu_vm *vm = svmgpu_vm_lookup_asid(dev, fault->asid);
	struct svmgpu_svm_try try;
	int err = -ENOENT;

	svmgpu_svm_try_init(&try, fault->fault_id, fault_writes(fault),
			    fault->access == SVMGPU_ACCESS_ATOMIC);
	try.addr = fault->addr;
	try.fault = fatal ? NULL : fault;
	trace_svmgpu_fault_picked(fault->fault_id, fault->addr, vm ? vm->trace_id : 0,
				  fault->asid, fault->context, dev->caps.gpu_index,
				  fault->access);

	if (vm && fatal)
		err = -EFAULT;
	else if (vm)
		err = fault_serve_vm(vm, fault, &try);

	if (err) {
		svmgpu_stat_inc(dev, SVMGPU_STAT_FAULT_FAILED);
		if (vm)
			fault_remember(vm, fault);
	}

	if (!try.answered)
		fault_answer(dev, vm, fault, &try, 0, 0, err);
	if (vm)
		svmgpu_vm_put(vm);
}

static void fault_work(struct work_struct *work)
{
	struct fault_queue *queue = container_of(work, struct fault_queue, work);
	struct svmgpu_fault fault;

	while (fault_queue_get(queue, &fault)) {
		fault_serve(queue->dev, &fault);
		/* there is room again: take what a full queue left in the ring */
		fault_drain(queue->dev);
	}
}

/**
 * svmgpu_fault_init() - fault service of a GPU
 * @dev: the GPU
 *
 * Context: probe, before interrupts.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_fault_init(struct svmgpu_device *dev)
{
	struct svmgpu_faults *faults;
	int i, err;

	faults = kvzalloc_obj(*faults);
	if (!faults)
		return -ENOMEM;

	faults->wq = alloc_workqueue("svmgpu-fault", WQ_UNBOUND | WQ_HIGHPRI, FAULT_QUEUES);
	if (!faults->wq) {
		kvfree(faults);
		return -ENOMEM;
	}

	svmgpu_mutex_init(&faults->drain, SVMGPU_LOCK_FAULT_RING);
	for (i = 0; i < FAULT_QUEUES; i++) {
		faults->queues[i].dev = dev;
		svmgpu_spin_lock_init(&faults->queues[i].lock, SVMGPU_LOCK_FAULT_QUEUE);
		INIT_WORK(&faults->queues[i].work, fault_work);
	}
	dev->faults = faults;

	err = svmgpu_ring_init(dev, SVMGPU_RING_FAULT, FAULT_RING_LOG2,
			       sizeof(struct svmgpu_fault));
	if (err)
		svmgpu_fault_fini(dev);

	return err;
}

/**
 * svmgpu_fault_hold() - keep everybody from the FAULT ring
 * @dev: the GPU; svmgpu_fault_release() undoes it
 *
 * Workers look at the ring, too, so interrupts that are off are not enough while
 * it is made anew. May sleep.
 */
void svmgpu_fault_hold(struct svmgpu_device *dev)
{
	if (dev->faults)
		svmgpu_mutex_lock(&dev->faults->drain);
}

/**
 * svmgpu_fault_release() - undo svmgpu_fault_hold()
 * @dev: the GPU
 */
void svmgpu_fault_release(struct svmgpu_device *dev)
{
	if (dev->faults)
		svmgpu_mutex_unlock(&dev->faults->drain);
}

/**
 * svmgpu_fault_fini() - stop serving faults
 * @dev: the GPU; its interrupts are off, or never were on
 *
 * Context: may sleep. Faults in service are finished and answered.
 */
void svmgpu_fault_fini(struct svmgpu_device *dev)
{
	if (!dev->faults)
		return;

	destroy_workqueue(dev->faults->wq);
	svmgpu_ring_fini(dev, SVMGPU_RING_FAULT);
	kvfree(dev->faults);
	dev->faults = NULL;
}

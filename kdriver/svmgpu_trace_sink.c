// SPDX-License-Identifier: GPL-2.0
/*
 * The trace sink: copies the driver's tracepoints into the rings of BAR 4, from
 * where the device process takes them to the event log. The protocol is told in
 * qemu-hw/abi/svmgpu_trace.h.
 *
 * One GPU, the first that is probed, carries the rings of the whole module. The
 * probes stay registered when it goes, and find the sink paused: patching the
 * tracepoints' call sites under load is more than a GPU that goes may ask for. A
 * probe reserves a record in its CPU's ring, fills it and commits it; it takes no
 * lock, so it may be called anywhere but in an NMI. What a record refers to
 * (threads, processes, lock classes, locks, places) is defined by a record of
 * its own the first time that it is seen.
 */
#include <linux/hash.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/utsname.h>
#include <linux/workqueue.h>

#include <drm/drm_print.h>

#include "svmgpu_device.h"
#include "svmgpu_drv.h"
#include "svmgpu_trace.h"
#include "svmgpu_trace_sink.h"

#define SEEN_WAYS		4
#define SEEN_SETS		2048
#define CLOCK_TRIES		3

static bool trace_param = true;
module_param_named(trace, trace_param, bool, 0444);
MODULE_PARM_DESC(trace, "copy the driver's events to the device's event log (default: on)");

/** struct sink_cpu - one CPU's ring */
struct sink_cpu {
	/** @ring: header, in BAR 4 */
	struct svmgpu_trace_ring *ring;
	/** @records: in BAR 4 */
	struct svmgpu_trace_record *records;
	/** @losing: the last event was lost */
	bool losing;
	/** @missed: events while the sink was paused */
	u64 missed;
	/** @missed_first_ns: when the first of them was */
	u64 missed_first_ns;
};

/** struct svmgpu_trace_sink - the module's sink */
struct svmgpu_trace_sink {
	/** @dev: GPU whose BAR 4 it is; NULL: none, the sink is paused */
	struct svmgpu_device *dev;
	/** @header: BAR 4, mapped */
	struct svmgpu_trace_header *header;
	/** @records: per ring */
	u32 records;
	/** @shift: log2 of @records */
	u32 shift;
	/** @paused: BAR 4 must not be touched */
	bool paused;
	/** @starter: task that puts the first records into rings that are still paused */
	struct task_struct *starter;
	/** @cpus: rings by CPU number */
	struct sink_cpu *cpus;
	/** @trace_class: number in the log of each enum svmgpu_lock_class */
	u16 trace_class[SVMGPU_LOCK_CLASSES];
	/** @seen: hashes of what has been defined; a hash that was pushed out is defined again */
	u64 seen[SEEN_SETS][SEEN_WAYS];
	/** @clock_idle: nothing was recorded for a while, @clock_work rests */
	u32 clock_idle;
	/** @clock_head: records of all rings when the clock was sampled last */
	u64 clock_head;
	/** @clock_work: samples the clocks */
	struct delayed_work clock_work;
	/** @clock_wake: starts @clock_work from any context */
	struct irq_work clock_wake;
};

/* Set before the probes are registered, freed after they are unregistered. */
static struct svmgpu_trace_sink *sink;
/* GPUs that come and go at the same time; protects @sink but from probes */
static DEFINE_MUTEX(sink_mutex);

/* --- records --------------------------------------------------------------- */

static void count_lost(struct sink_cpu *cpu)
{
	struct svmgpu_trace_ring *ring = cpu->ring;
	u64 now = ktime_get_mono_fast_ns(), lost;

	if (!cpu->losing) {
		cpu->losing = true;
		WRITE_ONCE(ring->lost_first_ns, now);
	}
	WRITE_ONCE(ring->lost_last_ns, now);
	do {
		lost = READ_ONCE(ring->lost);
	} while (cmpxchg64_local(&ring->lost, lost, lost + 1) != lost);
}

static void ring_doorbell(void)
{
	svmgpu_write32(sink->dev, SVMGPU_REG_DOORBELL_TRACE, 1);
}

static bool sink_paused(void)
{
	return READ_ONCE(sink->paused) && READ_ONCE(sink->starter) != current;
}

/* Any context but NMI. */
static void put_record(u32 type, const void *payload, size_t bytes)
{
	struct svmgpu_trace_record *record;
	struct sink_cpu *cpu;
	u64 pos, tail;

	preempt_disable_notrace();
	cpu = &sink->cpus[smp_processor_id()];
	if (unlikely(sink_paused())) {
		if (!cpu->missed)
			cpu->missed_first_ns = ktime_get_mono_fast_ns();
		cpu->missed++;
		goto out;
	}
	do {
		pos = READ_ONCE(cpu->ring->head);
		tail = READ_ONCE(cpu->ring->tail);
		if (unlikely(pos - tail >= sink->records)) {
			count_lost(cpu);
			goto out;
		}
		/* an interrupt here takes this position: then the next one is ours */
	} while (cmpxchg64_local(&cpu->ring->head, pos, pos + 1) != pos);
	cpu->losing = false;

	record = &cpu->records[pos & (sink->records - 1)];
	record->ts_ns = ktime_get_mono_fast_ns();
	record->tid = in_task() ? task_pid_nr(current) : 0;
	memcpy(record->payload, payload, bytes);
	/* commits: the consumer reads the rest only after it saw this lap's tag */
	smp_store_release(&record->tag, type | (u32)(((pos >> sink->shift) + 1) & 0xffff) << 16);

	if (unlikely(READ_ONCE(sink->header->consumer_asleep))) {
		if (xchg(&sink->header->consumer_asleep, 0))
			ring_doorbell();
	} else if (unlikely(pos + 1 - tail == sink->records / 2)) {
		ring_doorbell();
	}
	if (unlikely(READ_ONCE(sink->clock_idle)) && xchg(&sink->clock_idle, 0))
		irq_work_queue(&sink->clock_wake);
out:
	preempt_enable_notrace();
}

/*
 * True when @hash was seen before; else it is from now on. Nothing is defined
 * while the sink is paused.
 */
static bool seen(u64 hash)
{
	u64 *set = sink->seen[hash_64(hash, ilog2(SEEN_SETS))];

	if (unlikely(sink_paused()))
		return true;
	for (unsigned int i = 0; i < SEEN_WAYS; i++)
		if (READ_ONCE(set[i]) == hash)
			return true;
	for (unsigned int i = 0; i < SEEN_WAYS; i++)
		if (!READ_ONCE(set[i])) {
			WRITE_ONCE(set[i], hash);
			return false;
		}
	WRITE_ONCE(set[hash & (SEEN_WAYS - 1)], hash);
	return false;
}

enum sink_kind { KIND_THREAD = 1, KIND_PROCESS, KIND_CLASS, KIND_LOCK, KIND_PLACE };

/* Never zero. */
static u64 kind_hash(enum sink_kind kind, u64 a, u64 b)
{
	u64 hash = (a + kind) * GOLDEN_RATIO_64;

	hash = (rol64(hash, 29) ^ b) * GOLDEN_RATIO_64;
	return hash ?: 1;
}

static u64 comm_hash(const struct task_struct *task)
{
	u64 words[TASK_COMM_LEN / sizeof(u64)];

	/* may change under us: then it is defined once more */
	memcpy(words, task->comm, sizeof(words));
	return words[0] ^ rol64(words[1], 17);
}

static void define_task(void)
{
	struct task_struct *task = current, *leader = task->group_leader;
	bool kernel = task->flags & PF_KTHREAD;

	if (!in_task() || seen(kind_hash(KIND_THREAD, task_pid_nr(task), comm_hash(task))))
		return;
	if (!kernel && !seen(kind_hash(KIND_PROCESS, task_tgid_nr(task), comm_hash(leader)))) {
		struct svmgpu_trace_process process = { .tgid = task_tgid_nr(task) };

		memcpy(process.comm, leader->comm, sizeof(process.comm));
		put_record(SVMGPU_TRACE_PROCESS_DEFINED, &process, sizeof(process));
	}
	{
		struct svmgpu_trace_thread thread = {
			.tid = task_pid_nr(task),
			.tgid = kernel ? 0 : task_tgid_nr(task),
		};

		memcpy(thread.comm, task->comm, sizeof(thread.comm));
		put_record(SVMGPU_TRACE_THREAD_DEFINED, &thread, sizeof(thread));
	}
}

static void record(u32 type, const void *payload, size_t bytes)
{
	define_task();
	put_record(type, payload, bytes);
}

#define SINK_RECORD(data, member, ...) do {					\
		const struct svmgpu_trace_##member payload = { __VA_ARGS__ };	\
										\
		record((uintptr_t)(data), &payload, sizeof(payload));		\
	} while (0)

/* --- probes: one per payload, the record type is their data ---------------- */

static void probe_vm(void *data, u32 vm, u16 gpu, u16 flags, u32 asid, u32 tgid)
{
	SINK_RECORD(data, vm, .vm = vm, .gpu = gpu, .flags = flags, .asid = asid, .tgid = tgid);
}

static void probe_bo(void *data, u32 bo, u32 vm, u64 bytes, u16 gpu, u16 placement, u32 flags)
{
	SINK_RECORD(data, bo, .bo = bo, .vm = vm, .bytes = bytes, .gpu = gpu,
		    .placement = placement, .flags = flags);
}

static void probe_bo_move(void *data, u32 bo, u32 vm, u64 bytes, u16 gpu, u16 from, u16 to,
			  u16 cause, s32 result)
{
	SINK_RECORD(data, bo_move, .bo = bo, .vm = vm, .bytes = bytes, .gpu = gpu, .from = from,
		    .to = to, .cause = cause, .result = result);
}

static void probe_vma(void *data, u32 vma, u32 vm, u64 va, u64 bytes, u64 offset, u32 bo,
		      u16 kind, u16 gpu)
{
	SINK_RECORD(data, vma, .vma = vma, .vm = vm, .va = va, .bytes = bytes, .offset = offset,
		    .bo = bo, .kind = kind, .gpu = gpu);
}

static void probe_queue(void *data, u32 queue, u32 vm, u16 gpu, u16 engine, u32 flags)
{
	SINK_RECORD(data, queue, .queue = queue, .vm = vm, .gpu = gpu, .engine = engine,
		    .flags = flags);
}

static void probe_range(void *data, u32 range, u32 vm, u64 va, u64 bytes, u32 vma, u16 gpu)
{
	SINK_RECORD(data, range, .range = range, .vm = vm, .va = va, .bytes = bytes, .vma = vma,
		    .gpu = gpu);
}

static void probe_range_state(void *data, u32 range, u32 vm, u64 va, u64 bytes, u16 state,
			      u16 gpu, u16 owner, u16 cause)
{
	SINK_RECORD(data, range_state, .range = range, .vm = vm, .va = va, .bytes = bytes,
		    .state = state, .gpu = gpu, .owner = owner, .cause = cause);
}

static void probe_touch(void *data, u32 object, u32 vm, u64 va, u64 bytes, u32 invalidation,
			u16 event, u16 gpu)
{
	SINK_RECORD(data, touch, .object = object, .vm = vm, .va = va, .bytes = bytes,
		    .invalidation = invalidation, .event = event, .gpu = gpu);
}

static void probe_scan(void *data, u32 range, u32 vm, u64 va, u64 bytes, u16 state, u16 seen,
		       u16 windows, u16 collisions, u64 fault, u16 gpu, u16 decision, u16 policy)
{
	SINK_RECORD(data, scan, .range = range, .vm = vm, .va = va, .bytes = bytes,
		    .state = state, .seen = seen, .windows = windows, .collisions = collisions,
		    .fault = fault, .gpu = gpu, .decision = decision, .policy = policy);
}

static void probe_migration_start(void *data, u32 migration, u32 range, u32 vm, u16 gpu,
				  u16 cause, u64 va, u64 bytes, u16 from, u16 to, u64 fault)
{
	SINK_RECORD(data, migration_start, .migration = migration, .range = range, .vm = vm,
		    .gpu = gpu, .cause = cause, .va = va, .bytes = bytes, .from = from, .to = to,
		    .fault = fault);
}

static void probe_migration_end(void *data, u32 migration, s32 result, u64 bytes,
				u64 checksum_before, u64 checksum_after)
{
	SINK_RECORD(data, migration_end, .migration = migration, .result = result,
		    .bytes = bytes, .checksum_before = checksum_before,
		    .checksum_after = checksum_after);
}

static void probe_fault(void *data, u64 fault, u64 va, u32 vm, u32 asid, u32 queue, u16 gpu,
			u16 access)
{
	SINK_RECORD(data, fault, .fault = fault, .va = va, .vm = vm, .asid = asid,
		    .queue = queue, .gpu = gpu, .access = access);
}

static void probe_fault_step(void *data, u64 fault, u64 va, u32 vm, u32 range, u16 gpu,
			     u16 reason, u16 tier, u16 attempt)
{
	SINK_RECORD(data, fault_step, .fault = fault, .va = va, .vm = vm, .range = range,
		    .gpu = gpu, .reason = reason, .tier = tier, .attempt = attempt);
}

static void probe_fault_answer(void *data, u64 fault, u64 va, u32 vm, u32 range, u16 gpu,
			       u16 outcome, u16 verdict, u16 tier, u32 attempts, s32 result)
{
	SINK_RECORD(data, fault_answer, .fault = fault, .va = va, .vm = vm, .range = range,
		    .gpu = gpu, .outcome = outcome, .verdict = verdict, .tier = tier,
		    .attempts = attempts, .result = result);
}

static void probe_phase(void *data, u64 owner_id, u32 vm, u32 object, u64 seq, u64 value,
			s32 result, u16 gpu, u16 owner, u32 attempt)
{
	SINK_RECORD(data, phase, .owner_id = owner_id, .vm = vm, .object = object, .seq = seq,
		    .value = value, .result = result, .gpu = gpu, .owner = owner,
		    .attempt = attempt);
}

static void probe_pt(void *data, u64 owner_id, u64 va, u64 bytes, u32 vm, u32 object, u16 gpu,
		     u16 owner, u16 kind, u16 flags, u64 seq)
{
	SINK_RECORD(data, pt, .owner_id = owner_id, .va = va, .bytes = bytes, .vm = vm,
		    .object = object, .gpu = gpu, .owner = owner, .kind = kind, .flags = flags,
		    .seq = seq);
}

static void probe_list_change(void *data, u32 vm, u32 object, u32 bo, u16 list, u16 gpu,
			      u64 owner_id, u16 owner)
{
	SINK_RECORD(data, list_change, .vm = vm, .object = object, .bo = bo, .list = list,
		    .gpu = gpu, .owner_id = owner_id, .owner = owner);
}

static void probe_invalidation_start(void *data, u32 invalidation, u32 vm, u64 va, u64 bytes,
				     u32 object, u16 event, u16 gpu, u16 kind, u64 seq)
{
	SINK_RECORD(data, invalidation_start, .invalidation = invalidation, .vm = vm, .va = va,
		    .bytes = bytes, .object = object, .event = event, .gpu = gpu, .kind = kind,
		    .seq = seq);
}

static void probe_invalidation_end(void *data, u32 invalidation, u32 vm, u64 flush_seqno,
				   u32 flags, s32 result)
{
	SINK_RECORD(data, invalidation_end, .invalidation = invalidation, .vm = vm,
		    .flush_seqno = flush_seqno, .flags = flags, .result = result);
}

static void probe_bind_start(void *data, u32 bind, u32 vm, u64 va, u64 bytes, u32 object,
			     u32 queue, u16 gpu, u16 op, u64 fault)
{
	SINK_RECORD(data, bind_start, .bind = bind, .vm = vm, .va = va, .bytes = bytes,
		    .object = object, .queue = queue, .gpu = gpu, .op = op, .fault = fault);
}

static void probe_bind_end(void *data, u32 bind, s32 result, u32 by_job)
{
	SINK_RECORD(data, bind_end, .bind = bind, .result = result, .by_job = by_job);
}

static void probe_job(void *data, u32 job, u32 queue, u32 vm, u16 gpu, u16 engine, u64 seqno,
		      u32 exec, s32 result)
{
	SINK_RECORD(data, job, .job = job, .queue = queue, .vm = vm, .gpu = gpu,
		    .engine = engine, .seqno = seqno, .exec = exec, .result = result);
}

static void probe_eviction(void *data, u32 eviction, u32 bo, u64 bytes, u32 vm, u32 fences,
			   u16 gpu, u16 from, u16 to, s32 result)
{
	SINK_RECORD(data, eviction, .eviction = eviction, .bo = bo, .bytes = bytes, .vm = vm,
		    .fences = fences, .gpu = gpu, .from = from, .to = to, .result = result);
}

static void probe_flush(void *data, u64 seqno, u64 va, u64 bytes, u32 vm, u32 asid, u16 gpu,
			s32 result, u32 invalidation)
{
	SINK_RECORD(data, flush, .seqno = seqno, .va = va, .bytes = bytes, .vm = vm,
		    .asid = asid, .gpu = gpu, .result = result, .invalidation = invalidation);
}

static void probe_user_fence(void *data, u64 va, u64 value, u32 vm, u32 queue, u16 gpu,
			     s32 result)
{
	SINK_RECORD(data, user_fence, .va = va, .value = value, .vm = vm, .queue = queue,
		    .gpu = gpu, .result = result);
}

static void probe_mark(void *data, const char *text)
{
	struct svmgpu_trace_mark mark = { };

	strscpy_pad(mark.text, text, sizeof(mark.text));
	record(SVMGPU_TRACE_MARK_SET, &mark, sizeof(mark));
}

/* --- locks ------------------------------------------------------------------ */

/* Distance from the start of the module's text, so that it needs no table. */
static u32 define_place(unsigned long ip)
{
#ifdef MODULE
	u32 place = ip - (unsigned long)THIS_MODULE->mem[MOD_TEXT].base + 1;
#else
	u32 place = ip - (unsigned long)_stext + 1;
#endif
	struct svmgpu_trace_place definition = { .place = place };
	char name[KSYM_SYMBOL_LEN];

	if (seen(kind_hash(KIND_PLACE, place, 0)))
		return place;
	/* "function [module]": the first word */
	scnprintf(name, sizeof(name), "%ps", (void *)ip);
	name[strcspn(name, " ")] = 0;
	strscpy_pad(definition.name, name, sizeof(definition.name));
	put_record(SVMGPU_TRACE_PLACE_DEFINED, &definition, sizeof(definition));
	return place;
}

static void probe_race_point(void *data, unsigned long ip, u32 vm, u16 gpu, u64 waited_ns)
{
	SINK_RECORD(data, race_point, .place = define_place(ip), .vm = vm, .gpu = gpu,
		    .waited_ns = waited_ns);
}

static void define_class(u16 class)
{
	const struct svmgpu_lock_class_info *info = svmgpu_lock_class_info(class);
	struct svmgpu_trace_lock_class definition = {
		.lock_class = info->trace_class,
		.rank = info->class,
		.type = info->type,
	};

	strscpy_pad(definition.name, info->name, sizeof(definition.name));
	put_record(SVMGPU_TRACE_LOCK_CLASS_DEFINED, &definition, sizeof(definition));
}

static void define_lock(const struct svmgpu_lock_info *info)
{
	const struct svmgpu_trace_lock_instance definition = {
		.lock = info->id,
		.lock_class = sink->trace_class[info->class],
		.gpu = info->gpu,
		.vm = info->vm,
		.bo = info->bo,
	};

	if (!seen(kind_hash(KIND_LOCK, info->id, (u64)info->vm << 32 | info->bo)))
		put_record(SVMGPU_TRACE_LOCK_DEFINED, &definition, sizeof(definition));
}

static void probe_lock(void *data, const struct svmgpu_lock_info *info, u8 mode, u8 flags,
		       unsigned long ip)
{
	u32 type = (uintptr_t)data;

	/* who lets a lock go may know less of it than who took it */
	if (type != SVMGPU_TRACE_LOCK_RELEASED)
		define_lock(info);
	SINK_RECORD(data, lock, .lock = info->id, .lock_class = sink->trace_class[info->class],
		    .mode = mode, .flags = flags, .place = define_place(ip), .vm = info->vm);
}

#define SINK_PROBE(_name, _NAME, _member)				\
	{ &__tracepoint_svmgpu_##_name, probe_##_member, SVMGPU_TRACE_##_NAME }

static const struct {
	struct tracepoint *tracepoint;
	void *probe;
	uintptr_t type;
} sink_probes[] = {
	SINK_PROBE(vm_created, VM_CREATED, vm),
	SINK_PROBE(vm_destroyed, VM_DESTROYED, vm),
	SINK_PROBE(bo_created, BO_CREATED, bo),
	SINK_PROBE(bo_destroyed, BO_DESTROYED, bo),
	SINK_PROBE(bo_moved, BO_MOVED, bo_move),
	SINK_PROBE(bo_purged, BO_PURGED, bo),
	SINK_PROBE(vma_mapped, VMA_MAPPED, vma),
	SINK_PROBE(vma_unmapped, VMA_UNMAPPED, vma),
	SINK_PROBE(queue_created, QUEUE_CREATED, queue),
	SINK_PROBE(queue_destroyed, QUEUE_DESTROYED, queue),
	SINK_PROBE(range_created, RANGE_CREATED, range),
	SINK_PROBE(range_destroyed, RANGE_DESTROYED, range),
	SINK_PROBE(range_state_changed, RANGE_STATE_CHANGED, range_state),
	SINK_PROBE(range_invalidated, RANGE_INVALIDATED, touch),
	SINK_PROBE(userptr_invalidated, USERPTR_INVALIDATED, touch),
	SINK_PROBE(scan_completed, SCAN_COMPLETED, scan),
	SINK_PROBE(migration_started, MIGRATION_STARTED, migration_start),
	SINK_PROBE(migration_ended, MIGRATION_ENDED, migration_end),
	SINK_PROBE(fault_picked, FAULT_PICKED, fault),
	SINK_PROBE(fault_vma_found, FAULT_VMA_FOUND, fault_step),
	SINK_PROBE(fault_retried, FAULT_RETRIED, fault_step),
	SINK_PROBE(fault_escalated, FAULT_ESCALATED, fault_step),
	SINK_PROBE(fault_answered, FAULT_ANSWERED, fault_answer),
	SINK_PROBE(exec_started, EXEC_STARTED, phase),
	SINK_PROBE(exec_locked, EXEC_LOCKED, phase),
	SINK_PROBE(vma_revalidated, VMA_REVALIDATED, phase),
	SINK_PROBE(pages_obtained, PAGES_OBTAINED, phase),
	SINK_PROBE(seq_begun, SEQ_BEGUN, phase),
	SINK_PROBE(seq_checked, SEQ_CHECKED, phase),
	SINK_PROBE(fence_published, FENCE_PUBLISHED, phase),
	SINK_PROBE(objects_unlocked, OBJECTS_UNLOCKED, phase),
	SINK_PROBE(exec_ended, EXEC_ENDED, phase),
	SINK_PROBE(pt_written, PT_WRITTEN, pt),
	SINK_PROBE(pt_zapped, PT_ZAPPED, pt),
	SINK_PROBE(pt_freed, PT_FREED, pt),
	SINK_PROBE(list_added, LIST_ADDED, list_change),
	SINK_PROBE(list_removed, LIST_REMOVED, list_change),
	SINK_PROBE(invalidation_started, INVALIDATION_STARTED, invalidation_start),
	SINK_PROBE(invalidation_ended, INVALIDATION_ENDED, invalidation_end),
	SINK_PROBE(bind_started, BIND_STARTED, bind_start),
	SINK_PROBE(bind_ended, BIND_ENDED, bind_end),
	SINK_PROBE(job_submitted, JOB_SUBMITTED, job),
	SINK_PROBE(job_armed, JOB_ARMED, job),
	SINK_PROBE(job_completed, JOB_COMPLETED, job),
	SINK_PROBE(eviction_started, EVICTION_STARTED, eviction),
	SINK_PROBE(eviction_fenced, EVICTION_FENCED, eviction),
	SINK_PROBE(eviction_ended, EVICTION_ENDED, eviction),
	SINK_PROBE(flush_requested, FLUSH_REQUESTED, flush),
	SINK_PROBE(flush_completed, FLUSH_COMPLETED, flush),
	SINK_PROBE(user_fence_signalled, USER_FENCE_SIGNALLED, user_fence),
	SINK_PROBE(race_point_reached, RACE_POINT_REACHED, race_point),
	SINK_PROBE(race_point_left, RACE_POINT_LEFT, race_point),
	SINK_PROBE(lock_contended, LOCK_CONTENDED, lock),
	SINK_PROBE(lock_acquired, LOCK_ACQUIRED, lock),
	SINK_PROBE(lock_released, LOCK_RELEASED, lock),
	SINK_PROBE(mark_set, MARK_SET, mark),
};

static void unregister_probes(unsigned int count)
{
	while (count--)
		tracepoint_probe_unregister(sink_probes[count].tracepoint,
					    sink_probes[count].probe,
					    (void *)sink_probes[count].type);
	/* no probe runs any more, so nobody uses the sink */
	tracepoint_synchronize_unregister();
}

static int register_probes(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(sink_probes); i++) {
		int err = tracepoint_probe_register(sink_probes[i].tracepoint,
						    sink_probes[i].probe,
						    (void *)sink_probes[i].type);

		if (err) {
			unregister_probes(i);
			return err;
		}
	}
	return 0;
}

/* --- clock ------------------------------------------------------------------ */

/* The tightest of some readings: what the register access costs varies. */
static void sample_clock(void)
{
	struct svmgpu_trace_clock best = { .guest_after_ns = U64_MAX };

	for (unsigned int i = 0; i < CLOCK_TRIES; i++) {
		struct svmgpu_trace_clock clock;

		preempt_disable();
		clock.guest_before_ns = ktime_get_mono_fast_ns();
		clock.device_ns = svmgpu_device_time_ns(sink->dev);
		clock.guest_after_ns = ktime_get_mono_fast_ns();
		preempt_enable();
		if (clock.guest_after_ns - clock.guest_before_ns <
		    best.guest_after_ns - best.guest_before_ns)
			best = clock;
	}
	/* a device that was pulled out has no clock */
	if (best.device_ns != U64_MAX)
		put_record(SVMGPU_TRACE_CLOCK_SAMPLED, &best, sizeof(best));
}

static u64 all_heads(void)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(sink->cpus[cpu].ring->head);
	return sum;
}

static void clock_work(struct work_struct *work)
{
	bool idle;

	if (READ_ONCE(sink->paused)) {
		schedule_delayed_work(&sink->clock_work, HZ / 4);
		return;
	}
	idle = all_heads() == sink->clock_head;
	if (!idle)
		sample_clock();
	sink->clock_head = all_heads();
	if (idle)
		/* the next record, of any CPU, starts us again */
		smp_store_mb(sink->clock_idle, 1);
	else
		schedule_delayed_work(&sink->clock_work, HZ * 3 / 4);
}

static void clock_wake(struct irq_work *work)
{
	schedule_delayed_work(&sink->clock_work, 0);
}

/* --- set-up ----------------------------------------------------------------- */

static u64 read_trace_bytes(struct svmgpu_device *dev)
{
	return svmgpu_read32(dev, SVMGPU_REG_TRACE_BYTES_LO) |
	       (u64)svmgpu_read32(dev, SVMGPU_REG_TRACE_BYTES_HI) << 32;
}

static u32 records_that_fit(u64 bytes, u32 rings)
{
	u32 records = SVMGPU_TRACE_MAX_RECORDS;

	while (records >= SVMGPU_TRACE_MIN_RECORDS &&
	       svmgpu_trace_area_bytes(rings, records) > bytes)
		records /= 2;
	return records >= SVMGPU_TRACE_MIN_RECORDS ? records : 0;
}

static void write_header(u32 rings)
{
	struct svmgpu_trace_header *header = sink->header;
	u64 stride = SVMGPU_TRACE_RING_HEADER_BYTES +
		     (u64)sink->records * SVMGPU_TRACE_RECORD_BYTES;

	WRITE_ONCE(header->magic, 0);
	/* the consumer has lost interest before what it looked at changes */
	wmb();
	memset(header, 0, SVMGPU_TRACE_HEADER_BYTES);
	for (u32 i = 0; i < rings; i++) {
		void *ring = (void *)header + SVMGPU_TRACE_HEADER_BYTES + i * stride;

		memset(ring, 0, stride);
		memset(&sink->cpus[i], 0, sizeof(sink->cpus[i]));
		sink->cpus[i].ring = ring;
		sink->cpus[i].records = ring + SVMGPU_TRACE_RING_HEADER_BYTES;
	}
	header->version = SVMGPU_TRACE_VERSION;
	header->record_bytes = SVMGPU_TRACE_RECORD_BYTES;
	header->ring_count = rings;
	header->ring_records = sink->records;
	header->ring_stride_bytes = stride;
	header->session = get_random_u64();
	header->session_start_ns = ktime_get_mono_fast_ns();
	header->gpu = sink->dev->caps.gpu_index;
	header->gpu_count = sink->dev->caps.gpu_count;
	strscpy_pad(header->driver, SVMGPU_DRIVER_DESC, sizeof(header->driver));
	strscpy_pad(header->kernel, init_uts_ns.name.release, sizeof(header->kernel));
	header->consumer_asleep = 1;
	/* the rest is valid for who sees the magic */
	smp_store_release(&header->magic, SVMGPU_TRACE_MAGIC);
	ring_doorbell();
}

static void sink_free(struct svmgpu_trace_sink *s)
{
	kvfree(s->cpus);
	kvfree(s);
}

/* The sink of the module, paused, with its probes. */
static int sink_create(void)
{
	struct svmgpu_trace_sink *s;
	int err;

	if (nr_cpu_ids > SVMGPU_TRACE_MAX_RINGS)
		return -E2BIG;
	s = kvzalloc_obj(*s, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->cpus = kvcalloc(nr_cpu_ids, sizeof(*s->cpus), GFP_KERNEL);
	if (!s->cpus) {
		sink_free(s);
		return -ENOMEM;
	}
	s->paused = true;
	INIT_DELAYED_WORK(&s->clock_work, clock_work);
	init_irq_work(&s->clock_wake, clock_wake);
	for (u16 class = 0; class < SVMGPU_LOCK_CLASSES; class++) {
		const struct svmgpu_lock_class_info *info = svmgpu_lock_class_info(class);

		if (info)
			s->trace_class[class] = info->trace_class;
	}
	sink = s;
	err = register_probes();
	if (err) {
		sink = NULL;
		sink_free(s);
	}
	return err;
}

/* Probes leave BAR 4 alone and define nothing until sink_continue(). */
static void sink_pause(void)
{
	WRITE_ONCE(sink->paused, true);
	/* who did not see it has returned */
	tracepoint_synchronize_unregister();
}

static void sink_continue(void)
{
	/* what was to be defined meanwhile may have been lost */
	memset(sink->seen, 0, sizeof(sink->seen));
	/* the rings and what has been seen, before who uses them */
	smp_store_release(&sink->paused, false);
}

static void define_gpu(struct svmgpu_device *dev)
{
	struct svmgpu_trace_gpu definition = {
		.gpu = dev->caps.gpu_index,
		.vram_bytes = dev->caps.vram_bytes,
	};

	strscpy_pad(definition.pci, pci_name(dev->pdev), sizeof(definition.pci));
	put_record(SVMGPU_TRACE_GPU_DEFINED, &definition, sizeof(definition));
}

static int sink_start(struct svmgpu_device *dev, u64 bytes)
{
	u32 records = records_that_fit(bytes, nr_cpu_ids);

	if (!records)
		return -ENOSPC;
	/* host memory behind a BAR: cached, like any memory that two CPUs share */
	sink->header = memremap(pci_resource_start(dev->pdev, SVMGPU_BAR_TRACE), bytes,
				MEMREMAP_WB);
	if (!sink->header)
		return -ENOMEM;
	sink->dev = dev;
	sink->records = records;
	sink->shift = ilog2(records);
	sink->clock_idle = 0;
	sink->clock_head = 0;
	write_header(nr_cpu_ids);
	WRITE_ONCE(sink->starter, current);
	sample_clock();
	define_gpu(dev);
	for (u16 class = 0; class < SVMGPU_LOCK_CLASSES; class++)
		if (svmgpu_lock_class_info(class))
			define_class(class);
	WRITE_ONCE(sink->starter, NULL);
	sink_continue();
	schedule_delayed_work(&sink->clock_work, HZ / 4);
	return 0;
}

/**
 * svmgpu_trace_sink_add() - lets the module's events go to the log
 * @dev: the GPU, registers usable
 *
 * The first GPU that has a trace area carries the rings; of the others only the
 * existence is recorded. A GPU works without a log, so nothing here is an error.
 * Process context, may sleep.
 */
void svmgpu_trace_sink_add(struct svmgpu_device *dev)
{
	resource_size_t bar = pci_resource_len(dev->pdev, SVMGPU_BAR_TRACE);
	u64 bytes;
	int err;

	guard(mutex)(&sink_mutex);
	if (sink && sink->dev) {
		define_gpu(dev);
		return;
	}
	if (!trace_param || !bar)
		return;
	bytes = min_t(u64, read_trace_bytes(dev), bar);
	if (!bytes)
		return;
	err = sink ? 0 : sink_create();
	if (!err)
		err = sink_start(dev, bytes);
	if (err)
		drm_warn(&dev->drm, "no event log: trace area of %#llx bytes: %d\n", bytes, err);
}

/**
 * svmgpu_trace_sink_remove() - ends recording, if the rings are this GPU's
 * @dev: the GPU, registers still usable
 *
 * Process context, may sleep.
 */
void svmgpu_trace_sink_remove(struct svmgpu_device *dev)
{
	guard(mutex)(&sink_mutex);
	if (!sink || sink->dev != dev)
		return;
	sample_clock();
	sink_pause();
	irq_work_sync(&sink->clock_wake);
	cancel_delayed_work_sync(&sink->clock_work);
	ring_doorbell();
	WRITE_ONCE(sink->header->magic, 0);
	memunmap(sink->header);
	sink->header = NULL;
	sink->dev = NULL;
}

/**
 * svmgpu_trace_sink_module_fini() - undoes what the first GPU made for the module
 *
 * No GPU is left. Process context, may sleep.
 */
void svmgpu_trace_sink_module_fini(void)
{
	if (!sink)
		return;
	unregister_probes(ARRAY_SIZE(sink_probes));
	sink_free(sink);
	sink = NULL;
}

/**
 * svmgpu_trace_sink_pause() - BAR 4 is about to be out of reach
 * @dev: its GPU
 *
 * Until svmgpu_trace_sink_resume(), events are only counted. Process context,
 * may sleep.
 */
void svmgpu_trace_sink_pause(struct svmgpu_device *dev)
{
	guard(mutex)(&sink_mutex);
	if (!sink || sink->dev != dev)
		return;
	sink_pause();
}

/**
 * svmgpu_trace_sink_resume() - BAR 4 can be reached again
 * @dev: its GPU
 *
 * Process context, may sleep.
 */
void svmgpu_trace_sink_resume(struct svmgpu_device *dev)
{
	unsigned int i;

	guard(mutex)(&sink_mutex);
	if (!sink || sink->dev != dev || !sink->paused)
		return;
	for_each_possible_cpu(i) {
		struct sink_cpu *cpu = &sink->cpus[i];
		struct svmgpu_trace_ring *ring = cpu->ring;

		if (!cpu->missed)
			continue;
		if (!cpu->losing)
			WRITE_ONCE(ring->lost_first_ns, cpu->missed_first_ns);
		WRITE_ONCE(ring->lost_last_ns, ktime_get_mono_fast_ns());
		/* nobody else writes it while the sink is paused */
		WRITE_ONCE(ring->lost, READ_ONCE(ring->lost) + cpu->missed);
		cpu->missed = 0;
	}
	sink_continue();
}

static int set_mark(const char *value, const struct kernel_param *param)
{
	char text[sizeof_field(struct svmgpu_trace_mark, text) + 1];

	strscpy(text, value, sizeof(text));
	text[strcspn(text, "\n")] = 0;
	trace_svmgpu_mark_set(text);
	return 0;
}

static const struct kernel_param_ops mark_ops = { .set = set_mark };

module_param_cb(mark, &mark_ops, NULL, 0200);
MODULE_PARM_DESC(mark, "write a text here to put a mark into the event log");

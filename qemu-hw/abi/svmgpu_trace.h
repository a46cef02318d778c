/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The trace area (BAR4): how the driver's events reach the device's log.
 *
 * BAR4 is host memory, mapped by the guest: writing a record costs no exit,
 * and what was written outlives a guest panic. The area is a header page and
 * one ring per CPU. The driver is the only producer; the device process is
 * the only consumer, and trusts nothing that it finds here.
 *
 * Which GPU: every GPU has a BAR4, but one carries the rings of the whole
 * driver module: the GPU with the lowest index (GPU_INDEX register) among
 * those that the module has probed first, normally GPU 0. The others keep
 * svmgpu_trace_header.magic at zero. A record names the GPU that it is about.
 *
 * Set-up by the driver (device process and memory may be older than it):
 *   1. magic = 0; zero every ring header and every record;
 *   2. write geometry, session, text fields, consumer_asleep = 1;
 *   3. magic = SVMGPU_TRACE_MAGIC with release; ring the trace doorbell;
 *   4. record clock_sampled at once and then at least every second while
 *      anything is recorded; then definitions of all that exists already.
 * A new session value makes the consumer forget tails, ids and the clock.
 * On unload: record nothing more, ring the doorbell, magic = 0 after that.
 *
 * Producer, with preemption disabled, any context up to hard interrupt (an
 * NMI must not record):
 *   pos = head; if (pos - tail >= records per ring) { count as lost; return; }
 *   local cmpxchg head: pos -> pos + 1, again from the top when it failed;
 *   fill in ts_ns, tid and payload of record[pos % records per ring];
 *   store-release tag = svmgpu_trace_tag(type, pos, records per ring);
 *   if (consumer_asleep, or pos + 1 - tail == records per ring / 2) and, for
 *   the former, xchg(consumer_asleep, 0) != 0: ring the trace doorbell.
 * The tag is the commit word: it holds the lap, so that a slot's content of
 * the lap before is never taken for the new one and nobody needs to clear it.
 * No full barrier is needed between tag and consumer_asleep: the consumer
 * looks once more, 50 ms after it has set consumer_asleep, before it sleeps.
 *
 * Lost records: under the same rules (local cmpxchg / local add) the producer
 * counts in svmgpu_trace_ring.lost and keeps the first and last time stamp of
 * the current loss; the consumer reports differences with their time span.
 *
 * Ids (vm, range, bo, vma, queue, lock, migration, ...) are the driver's own,
 * never zero, and never used again within a session. Zero means none. Fault
 * ids are the device's, as found in the fault ring. Times are nanoseconds of
 * the guest's CLOCK_MONOTONIC (ktime_get_mono_fast_ns()).
 */
#ifndef SVMGPU_TRACE_H
#define SVMGPU_TRACE_H

#include <linux/types.h>

#define SVMGPU_TRACE_MAGIC		0x65636172744d5653ULL	/* "SVMtrace" */
#define SVMGPU_TRACE_VERSION		1

#define SVMGPU_TRACE_HEADER_BYTES	4096
#define SVMGPU_TRACE_RING_HEADER_BYTES	4096
#define SVMGPU_TRACE_RECORD_BYTES	64
#define SVMGPU_TRACE_PAYLOAD_BYTES	48
#define SVMGPU_TRACE_MAX_RINGS		1024
/* records per ring: a power of two between these */
#define SVMGPU_TRACE_MIN_RECORDS	64
#define SVMGPU_TRACE_MAX_RECORDS	(1 << 24)
#define SVMGPU_TRACE_NO_GPU		0xffff

/**
 * struct svmgpu_trace_header - first page of the trace area
 */
struct svmgpu_trace_header {
	/** @magic: SVMGPU_TRACE_MAGIC once the rest is valid, written last */
	__u64 magic;
	/** @version: SVMGPU_TRACE_VERSION */
	__u32 version;
	/** @record_bytes: SVMGPU_TRACE_RECORD_BYTES */
	__u32 record_bytes;
	/** @ring_count: rings, one per possible CPU; ring n starts at
	 * SVMGPU_TRACE_HEADER_BYTES + n * @ring_stride_bytes
	 */
	__u32 ring_count;
	/** @ring_records: records in each ring, a power of two */
	__u32 ring_records;
	/** @ring_stride_bytes: ring header plus records, page aligned */
	__u64 ring_stride_bytes;
	/** @session: random, differs for every load of the driver */
	__u64 session;
	/** @session_start_ns: guest clock when the session began */
	__u64 session_start_ns;
	/** @gpu: GPU_INDEX of the GPU whose BAR4 this is */
	__u16 gpu;
	/** @gpu_count: GPUs that the module drives; informative */
	__u16 gpu_count;
	/** @flags: zero */
	__u32 flags;
	/** @driver: name and version of the driver, NUL padded */
	char driver[64];
	/** @kernel: release of the guest's kernel, NUL padded */
	char kernel[64];
	/** @reserved: zero */
	__u8 reserved[136];
	/** @consumer_asleep: 1: ring the trace doorbell after the next record;
	 * set by the consumer, taken (xchg to 0) by the producer that rings.
	 * On a cache line of its own.
	 */
	__u32 consumer_asleep;
	/** @reserved2: zero */
	__u8 reserved2[60];
};

/**
 * struct svmgpu_trace_ring - header of one ring, its records follow
 * SVMGPU_TRACE_RING_HEADER_BYTES after its start
 */
struct svmgpu_trace_ring {
	/** @head: records reserved since the session began; producer only */
	__u64 head;
	/** @lost: records lost since the session began; producer only */
	__u64 lost;
	/** @lost_first_ns: when the current run of losses began */
	__u64 lost_first_ns;
	/** @lost_last_ns: the latest loss */
	__u64 lost_last_ns;
	/** @reserved: zero */
	__u8 reserved[32];
	/** @tail: records consumed since the session began; consumer only,
	 * on a cache line of its own
	 */
	__u64 tail;
	/** @reserved2: zero */
	__u8 reserved2[56];
};

/* --- enumerations; schema.sql has the same values, a test compares ------ */

/** enum svmgpu_trace_state - where the pages of a range are */
enum svmgpu_trace_state {
	SVMGPU_TRACE_STATE_UNPOPULATED = 0,
	SVMGPU_TRACE_STATE_SYSTEM = 1,
	/** in the memory of the GPU that the record names */
	SVMGPU_TRACE_STATE_GPU = 2,
	/** in the memory of another GPU than the VM's */
	SVMGPU_TRACE_STATE_OTHER_GPU = 3,
	/** partly system, partly device memory */
	SVMGPU_TRACE_STATE_MIXED = 4,
	/** in the memory of several GPUs */
	SVMGPU_TRACE_STATE_MIXED_DEVICE = 5,
};

/**
 * Places: where memory is, one number. 0 nowhere, 1 system memory,
 * SVMGPU_TRACE_PLACE_VRAM(n) the memory of GPU n, 2 more than one place.
 */
#define SVMGPU_TRACE_PLACE_NONE		0
#define SVMGPU_TRACE_PLACE_SYSTEM	1
#define SVMGPU_TRACE_PLACE_MIXED	2
#define SVMGPU_TRACE_PLACE_VRAM(gpu)	(0x100 + (gpu))

/** enum svmgpu_trace_cause - why memory moved */
enum svmgpu_trace_cause {
	SVMGPU_TRACE_CAUSE_UNKNOWN = 0,
	SVMGPU_TRACE_CAUSE_FAULT = 1,
	SVMGPU_TRACE_CAUSE_PREFETCH = 2,
	SVMGPU_TRACE_CAUSE_CPU_FAULT = 3,
	SVMGPU_TRACE_CAUSE_EVICTION = 4,
	SVMGPU_TRACE_CAUSE_MADVISE = 5,
	SVMGPU_TRACE_CAUSE_EXEC = 6,
	SVMGPU_TRACE_CAUSE_BIND = 7,
	SVMGPU_TRACE_CAUSE_UNPLUG = 8,
	SVMGPU_TRACE_CAUSE_UNMAP = 9,
};

/** enum svmgpu_trace_access - how the GPU accessed memory */
enum svmgpu_trace_access {
	SVMGPU_TRACE_ACCESS_READ = 0,
	SVMGPU_TRACE_ACCESS_WRITE = 1,
	SVMGPU_TRACE_ACCESS_ATOMIC = 2,
	SVMGPU_TRACE_ACCESS_FETCH = 3,
	SVMGPU_TRACE_ACCESS_FENCE = 4,
};

/** enum svmgpu_trace_fault_outcome - how a fault was answered */
enum svmgpu_trace_fault_outcome {
	SVMGPU_TRACE_FAULT_OPEN = 0,
	/** served: the access can be replayed */
	SVMGPU_TRACE_FAULT_SERVED = 1,
	/** was valid already: another fault had served it */
	SVMGPU_TRACE_FAULT_SPURIOUS = 2,
	/** refused: no VMA, or the VMA does not permit the access */
	SVMGPU_TRACE_FAULT_REFUSED = 3,
	/** dropped: VM or queue is gone */
	SVMGPU_TRACE_FAULT_DROPPED = 4,
	/** failed although the VMA permits the access: breaks rule S5 */
	SVMGPU_TRACE_FAULT_FAILED = 5,
};

/** enum svmgpu_trace_verdict - what the CPU VMA says about an access */
enum svmgpu_trace_verdict {
	SVMGPU_TRACE_VERDICT_UNKNOWN = 0,
	SVMGPU_TRACE_VERDICT_NO_VMA = 1,
	SVMGPU_TRACE_VERDICT_NOT_PERMITTED = 2,
	SVMGPU_TRACE_VERDICT_PERMITTED = 3,
};

/** enum svmgpu_trace_retry - why an attempt had to be repeated */
enum svmgpu_trace_retry {
	SVMGPU_TRACE_RETRY_UNKNOWN = 0,
	/** hmm_range_fault() met a concurrent invalidation */
	SVMGPU_TRACE_RETRY_COLLISION = 1,
	/** the sequence had changed when it was to be committed */
	SVMGPU_TRACE_RETRY_SEQUENCE = 2,
	SVMGPU_TRACE_RETRY_RANGE_UNMAPPED = 3,
	SVMGPU_TRACE_RETRY_MIGRATION_BUSY = 4,
	SVMGPU_TRACE_RETRY_MIXED_PLACES = 5,
	SVMGPU_TRACE_RETRY_GARBAGE = 6,
	SVMGPU_TRACE_RETRY_NO_MEMORY = 7,
	SVMGPU_TRACE_RETRY_RANGE_TOO_WIDE = 8,
	SVMGPU_TRACE_RETRY_USERPTR = 9,
};

/** enum svmgpu_trace_lock_type */
enum svmgpu_trace_lock_type {
	SVMGPU_TRACE_LOCK_MUTEX = 0,
	SVMGPU_TRACE_LOCK_RWSEM = 1,
	SVMGPU_TRACE_LOCK_SPIN = 2,
	SVMGPU_TRACE_LOCK_WW = 3,
	SVMGPU_TRACE_LOCK_MMAP = 4,
	SVMGPU_TRACE_LOCK_VMA = 5,
	SVMGPU_TRACE_LOCK_FOLIO = 6,
	/** a section, not a lock: fence signalling, reclaim */
	SVMGPU_TRACE_LOCK_PSEUDO = 7,
};

/** enum svmgpu_trace_lock_mode */
enum svmgpu_trace_lock_mode {
	SVMGPU_TRACE_MODE_EXCLUSIVE = 0,
	SVMGPU_TRACE_MODE_SHARED = 1,
};

/* svmgpu_trace_lock.flags */
#define SVMGPU_TRACE_LOCK_TRY		(1 << 0) /* taken by trylock */
#define SVMGPU_TRACE_LOCK_DOWNGRADED	(1 << 1) /* released: held as shared from here on */
#define SVMGPU_TRACE_LOCK_GAVE_UP	(1 << 2) /* released: the wait ended without the lock */

/**
 * enum svmgpu_trace_class - the driver's lock classes; docs/locking.md
 *
 * The value is the class id in records; the rank is the place in the order,
 * outermost lowest. lock_class_defined states both, so that the log needs no
 * table of its own; the values here are for tools and rules.
 */
enum svmgpu_trace_class {
	SVMGPU_TRACE_CLASS_NONE = 0,
	SVMGPU_TRACE_CLASS_ASID = 1,		/* rank 10 */
	SVMGPU_TRACE_CLASS_BINDQ = 2,		/* rank 12 */
	SVMGPU_TRACE_CLASS_VM = 3,		/* rank 20 */
	SVMGPU_TRACE_CLASS_MIGRATE = 4,		/* rank 25 */
	SVMGPU_TRACE_CLASS_MMAP = 5,		/* rank 30 */
	SVMGPU_TRACE_CLASS_VMA = 6,		/* rank 32 */
	SVMGPU_TRACE_CLASS_OWNER = 7,		/* rank 36: making or finding a pagemap */
	SVMGPU_TRACE_CLASS_VAL = 8,		/* rank 40 */
	SVMGPU_TRACE_CLASS_VM_RESV = 9,		/* rank 50 */
	SVMGPU_TRACE_CLASS_BO_RESV = 10,	/* rank 51 */
	SVMGPU_TRACE_CLASS_GPUVA = 11,		/* rank 52 */
	SVMGPU_TRACE_CLASS_VRAM = 12,		/* rank 55 */
	SVMGPU_TRACE_CLASS_FOLIO = 13,		/* rank 62 */
	SVMGPU_TRACE_CLASS_NOTIFIER = 14,	/* rank 70 */
	SVMGPU_TRACE_CLASS_INVALIDATED = 15,	/* rank 72 */
	SVMGPU_TRACE_CLASS_GC = 16,		/* rank 73 */
	SVMGPU_TRACE_CLASS_TLB = 17,		/* rank 74 */
	SVMGPU_TRACE_CLASS_COPY = 18,		/* rank 76 */
	SVMGPU_TRACE_CLASS_SIGNALLING = 19,	/* rank 80 */
	SVMGPU_TRACE_CLASS_RING = 20,		/* rank 82 */
	SVMGPU_TRACE_CLASS_FAULT_QUEUE = 21,	/* rank 85 */
	SVMGPU_TRACE_CLASS_RESET = 22,		/* rank 5 */
	SVMGPU_TRACE_CLASS_SVM_MM = 23,		/* rank 22 */
	SVMGPU_TRACE_CLASS_FAULT_RING = 24,	/* rank 80 */
	SVMGPU_TRACE_CLASS_COPY_SIGNAL = 25,	/* rank 81 */
	SVMGPU_TRACE_CLASS_MIGRATION_RING = 26,	/* rank 83 */
	SVMGPU_TRACE_CLASS_CONTEXT_RING = 27,	/* rank 84 */
	SVMGPU_TRACE_CLASS_VM_FAULTS = 28,	/* rank 86 */
	SVMGPU_TRACE_CLASS_MOVES = 29,		/* rank 87 */
	SVMGPU_TRACE_CLASS_BAR = 30,		/* rank 57 */
	/** first id for classes that are not in this list */
	SVMGPU_TRACE_CLASS_OTHER = 64,
};

/** enum svmgpu_trace_event - MMU notifier event kinds */
enum svmgpu_trace_event {
	SVMGPU_TRACE_EVENT_UNKNOWN = 0,
	SVMGPU_TRACE_EVENT_UNMAP = 1,
	SVMGPU_TRACE_EVENT_CLEAR = 2,
	SVMGPU_TRACE_EVENT_PROTECTION_VMA = 3,
	SVMGPU_TRACE_EVENT_PROTECTION_PAGE = 4,
	SVMGPU_TRACE_EVENT_SOFT_DIRTY = 5,
	SVMGPU_TRACE_EVENT_RELEASE = 6,
	SVMGPU_TRACE_EVENT_MIGRATE = 7,
	SVMGPU_TRACE_EVENT_EXCLUSIVE = 8,
};

/** enum svmgpu_trace_vma_kind - what a gpu_vma maps */
enum svmgpu_trace_vma_kind {
	SVMGPU_TRACE_VMA_BO = 0,
	SVMGPU_TRACE_VMA_EXTERNAL_BO = 1,
	SVMGPU_TRACE_VMA_USERPTR = 2,
	SVMGPU_TRACE_VMA_NULL = 3,
	SVMGPU_TRACE_VMA_MIRROR = 4,
};

/** enum svmgpu_trace_bind_op */
enum svmgpu_trace_bind_op {
	SVMGPU_TRACE_BIND_MAP = 0,
	SVMGPU_TRACE_BIND_UNMAP = 1,
	SVMGPU_TRACE_BIND_USERPTR = 2,
	SVMGPU_TRACE_BIND_UNMAP_ALL = 3,
	SVMGPU_TRACE_BIND_PREFETCH = 4,
	SVMGPU_TRACE_BIND_NULL = 5,
	SVMGPU_TRACE_BIND_MIRROR = 6,
	/** mapping of an SVM range by the fault or prefetch path */
	SVMGPU_TRACE_BIND_RANGE = 7,
	/** revalidation by exec or by the rebind worker */
	SVMGPU_TRACE_BIND_REBIND = 8,
};

/** enum svmgpu_trace_owner - on whose behalf a phase mark is */
enum svmgpu_trace_owner {
	SVMGPU_TRACE_OWNER_NONE = 0,
	SVMGPU_TRACE_OWNER_EXEC = 1,
	SVMGPU_TRACE_OWNER_BIND = 2,
	SVMGPU_TRACE_OWNER_FAULT = 3,
	SVMGPU_TRACE_OWNER_PREFETCH = 4,
	SVMGPU_TRACE_OWNER_INVALIDATION = 5,
	SVMGPU_TRACE_OWNER_EVICTION = 6,
	SVMGPU_TRACE_OWNER_GC = 7,
	SVMGPU_TRACE_OWNER_CLOSE = 8,
	SVMGPU_TRACE_OWNER_REBIND = 9,
};

/** enum svmgpu_trace_list - lists of a VM that rules speak about */
enum svmgpu_trace_list {
	/** the partition: the tree of gpu_vmas */
	SVMGPU_TRACE_LIST_PARTITION = 0,
	SVMGPU_TRACE_LIST_EXTOBJ = 1,
	SVMGPU_TRACE_LIST_EVICT = 2,
	SVMGPU_TRACE_LIST_INVALIDATED = 3,
	SVMGPU_TRACE_LIST_REPIN = 4,
	SVMGPU_TRACE_LIST_REBIND = 5,
	/** the gpu_vma list of a buffer object */
	SVMGPU_TRACE_LIST_GPUVA = 6,
};

/* svmgpu_trace_vm.flags */
#define SVMGPU_TRACE_VM_FAULT_MODE	(1 << 0)
#define SVMGPU_TRACE_VM_LONG_RUNNING	(1 << 1)

/* svmgpu_trace_pt.flags */
#define SVMGPU_TRACE_PT_BY_JOB		(1 << 0) /* else written by the CPU */
#define SVMGPU_TRACE_PT_ZEROED		(1 << 1)
#define SVMGPU_TRACE_PT_FLUSHED		(1 << 2)

/* svmgpu_trace_invalidation_end.flags */
#define SVMGPU_TRACE_INVALIDATION_ZAPPED	(1 << 0)
#define SVMGPU_TRACE_INVALIDATION_FLUSHED	(1 << 1)

/* --- payloads, 48 bytes at most each ------------------------------------ */

/** struct svmgpu_trace_clock - guest clock, device clock, guest clock */
struct svmgpu_trace_clock {
	/** @guest_before_ns: guest clock before the register was read */
	__u64 guest_before_ns;
	/** @device_ns: value of the device's time register */
	__u64 device_ns;
	/** @guest_after_ns: guest clock after that */
	__u64 guest_after_ns;
};

/** struct svmgpu_trace_mark - a text in the log: a test's name, a note */
struct svmgpu_trace_mark {
	/** @text: NUL padded, need not be terminated */
	char text[48];
};

/** struct svmgpu_trace_place - a place in the code that takes locks */
struct svmgpu_trace_place {
	/** @place: id */
	__u32 place;
	/** @name: function, NUL padded */
	char name[44];
};

/** struct svmgpu_trace_lock_class - a lock class */
struct svmgpu_trace_lock_class {
	/** @lock_class: enum svmgpu_trace_class or above _OTHER */
	__u16 lock_class;
	/** @rank: place in the documented order; 0: none */
	__u16 rank;
	/** @type: enum svmgpu_trace_lock_type */
	__u16 type;
	/** @reserved: zero */
	__u16 reserved;
	/** @name: as in docs/locking.md, NUL padded */
	char name[40];
};

/** struct svmgpu_trace_lock_instance - one lock */
struct svmgpu_trace_lock_instance {
	/** @lock: id */
	__u32 lock;
	/** @lock_class: its class */
	__u16 lock_class;
	/** @gpu: the GPU it belongs to, or SVMGPU_TRACE_NO_GPU */
	__u16 gpu;
	/** @vm: the VM it belongs to, or 0 */
	__u32 vm;
	/** @bo: the buffer object it belongs to, or 0 */
	__u32 bo;
	/** @name: NUL padded; may be empty (class and owner name it then) */
	char name[32];
};

/** struct svmgpu_trace_process - a process that uses the driver */
struct svmgpu_trace_process {
	/** @tgid: thread group */
	__u32 tgid;
	/** @reserved: zero */
	__u32 reserved;
	/** @comm: NUL padded */
	char comm[16];
};

/** struct svmgpu_trace_thread - a thread that a record names */
struct svmgpu_trace_thread {
	/** @tid: as in svmgpu_trace_record.tid */
	__u32 tid;
	/** @tgid: its process; 0 for kernel threads */
	__u32 tgid;
	/** @comm: NUL padded */
	char comm[16];
};

/** struct svmgpu_trace_gpu - a GPU that the driver has bound */
struct svmgpu_trace_gpu {
	/** @gpu: GPU_INDEX register */
	__u16 gpu;
	/** @reserved: zero */
	__u16 reserved[3];
	/** @vram_bytes: as the driver manages it */
	__u64 vram_bytes;
	/** @pci: address in the guest, NUL padded */
	char pci[16];
};

/** struct svmgpu_trace_vm - vm_created, vm_destroyed */
struct svmgpu_trace_vm {
	__u32 vm;
	__u16 gpu;
	/** @flags: SVMGPU_TRACE_VM_* */
	__u16 flags;
	/** @asid: address space id; 0 when it has none */
	__u32 asid;
	/** @tgid: process that created it */
	__u32 tgid;
};

/** struct svmgpu_trace_bo - bo_created, bo_destroyed, bo_purged */
struct svmgpu_trace_bo {
	__u32 bo;
	/** @vm: VM whose resv it shares (local), or 0 (may be external) */
	__u32 vm;
	__u64 bytes;
	__u16 gpu;
	/** @placement: SVMGPU_TRACE_PLACE_* */
	__u16 placement;
	__u32 flags;
};

/** struct svmgpu_trace_bo_move - bo_moved */
struct svmgpu_trace_bo_move {
	__u32 bo;
	__u32 vm;
	__u64 bytes;
	__u16 gpu;
	__u16 from;
	__u16 to;
	/** @cause: enum svmgpu_trace_cause */
	__u16 cause;
	/** @result: 0 or -errno */
	__s32 result;
};

/** struct svmgpu_trace_vma - vma_mapped, vma_unmapped (gpu_vma) */
struct svmgpu_trace_vma {
	__u32 vma;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @offset: in the buffer object, or the CPU address of a userptr */
	__u64 offset;
	__u32 bo;
	/** @kind: enum svmgpu_trace_vma_kind */
	__u16 kind;
	__u16 gpu;
};

/** struct svmgpu_trace_range - range_created, range_destroyed */
struct svmgpu_trace_range {
	__u32 range;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	__u32 vma;
	__u16 gpu;
	__u16 reserved;
};

/** struct svmgpu_trace_range_state - range_state_changed */
struct svmgpu_trace_range_state {
	__u32 range;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @state: enum svmgpu_trace_state, the new state */
	__u16 state;
	/** @gpu: the VM's GPU */
	__u16 gpu;
	/** @owner: GPU that holds the pages, or SVMGPU_TRACE_NO_GPU */
	__u16 owner;
	/** @cause: enum svmgpu_trace_cause */
	__u16 cause;
};

/** struct svmgpu_trace_touch - range_invalidated, userptr_invalidated */
struct svmgpu_trace_touch {
	/** @object: range or vma */
	__u32 object;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @invalidation: id of the invalidation that did it */
	__u32 invalidation;
	/** @event: enum svmgpu_trace_event */
	__u16 event;
	__u16 gpu;
};

/** struct svmgpu_trace_queue - queue_created, queue_destroyed */
struct svmgpu_trace_queue {
	__u32 queue;
	__u32 vm;
	__u16 gpu;
	/** @engine: number of the engine on its GPU */
	__u16 engine;
	__u32 flags;
};

/*
 * What a scan saw of the pages of a range. The target is where the caller wants
 * them; the state does not tell whether another GPU is it.
 */
#define SVMGPU_TRACE_SEEN_ABSENT	0x01
#define SVMGPU_TRACE_SEEN_INACCESSIBLE	0x02
#define SVMGPU_TRACE_SEEN_HINT		0x04
#define SVMGPU_TRACE_SEEN_SYSTEM	0x08
#define SVMGPU_TRACE_SEEN_TARGET	0x10
#define SVMGPU_TRACE_SEEN_OTHER		0x20
#define SVMGPU_TRACE_SEEN_FURTHER	0x40

/** struct svmgpu_trace_scan - scan_completed */
struct svmgpu_trace_scan {
	__u32 range;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @state: enum svmgpu_trace_state */
	__u16 state;
	/** @seen: mask of SVMGPU_TRACE_SEEN_*: the pages that were looked at */
	__u16 seen;
	__u16 windows;
	__u16 collisions;
	/** @fault: fault on whose behalf, or 0 */
	__u64 fault;
	__u16 gpu;
	/** @decision: 1: populate; 0: skip */
	__u16 decision;
	/** @policy: bit 0: MIGRATE_ONLY_SYSTEM_PAGES; others 0 */
	__u16 policy;
	__u16 reserved;
};

/** struct svmgpu_trace_migration_start - migration_started */
struct svmgpu_trace_migration_start {
	__u32 migration;
	/** @range: or 0 when no single range is moved */
	__u32 range;
	__u32 vm;
	__u16 gpu;
	/** @cause: enum svmgpu_trace_cause */
	__u16 cause;
	__u64 va;
	__u64 bytes;
	/** @from: SVMGPU_TRACE_PLACE_* */
	__u16 from;
	__u16 to;
	__u32 reserved;
	/** @fault: fault on whose behalf, or 0 */
	__u64 fault;
};

/** struct svmgpu_trace_migration_end - migration_ended */
struct svmgpu_trace_migration_end {
	__u32 migration;
	/** @result: 0 or -errno */
	__s32 result;
	/** @bytes: moved in fact */
	__u64 bytes;
	/** @checksum_before: of the source, or 0 when not computed (rule S10) */
	__u64 checksum_before;
	/** @checksum_after: of the destination, or 0 */
	__u64 checksum_after;
};

/** struct svmgpu_trace_fault - fault_picked */
struct svmgpu_trace_fault {
	__u64 fault;
	__u64 va;
	__u32 vm;
	__u32 asid;
	__u32 queue;
	__u16 gpu;
	/** @access: enum svmgpu_trace_access */
	__u16 access;
};

/** struct svmgpu_trace_fault_step - fault_retried, fault_escalated,
 * fault_vma_found
 */
struct svmgpu_trace_fault_step {
	__u64 fault;
	__u64 va;
	__u32 vm;
	__u32 range;
	__u16 gpu;
	/** @reason: enum svmgpu_trace_retry; fault_vma_found:
	 * enum svmgpu_trace_verdict
	 */
	__u16 reason;
	/** @tier: tier now; fault_escalated: the tier from here on */
	__u16 tier;
	/** @attempt: number of the attempt, from 1 */
	__u16 attempt;
};

/** struct svmgpu_trace_fault_answer - fault_answered */
struct svmgpu_trace_fault_answer {
	__u64 fault;
	__u64 va;
	__u32 vm;
	__u32 range;
	__u16 gpu;
	/** @outcome: enum svmgpu_trace_fault_outcome */
	__u16 outcome;
	/** @verdict: enum svmgpu_trace_verdict, of the last attempt */
	__u16 verdict;
	/** @tier: the highest tier that was used */
	__u16 tier;
	__u32 attempts;
	/** @result: 0 or -errno */
	__s32 result;
};

/** struct svmgpu_trace_phase - marks within exec, bind, fault, ...:
 * exec_started, exec_locked, exec_ended, vma_revalidated, pages_obtained,
 * seq_begun, seq_checked, fence_published, objects_unlocked
 */
struct svmgpu_trace_phase {
	/** @owner_id: exec, bind, fault or invalidation */
	__u64 owner_id;
	__u32 vm;
	/** @object: vma, range, bo or queue that it is about */
	__u32 object;
	/** @seq: notifier sequence, or seqno of the fence */
	__u64 seq;
	/** @value: count of objects locked, of fences added, of pages; for
	 * seq_checked 0: unchanged, 1: changed; for seq_begun 0: it was begun,
	 * 1: the helper that is called next begins it, @seq is not known
	 */
	__u64 value;
	/** @result: 0 or -errno */
	__s32 result;
	__u16 gpu;
	/** @owner: enum svmgpu_trace_owner */
	__u16 owner;
	/** @attempt: from 1 */
	__u32 attempt;
	__u32 reserved;
};

/** struct svmgpu_trace_pt - pt_written, pt_zapped, pt_freed */
struct svmgpu_trace_pt {
	/** @owner_id: bind, exec, fault, invalidation or eviction */
	__u64 owner_id;
	__u64 va;
	__u64 bytes;
	__u32 vm;
	/** @object: range or vma */
	__u32 object;
	__u16 gpu;
	/** @owner: enum svmgpu_trace_owner */
	__u16 owner;
	/** @kind: enum svmgpu_trace_vma_kind; MIRROR for SVM */
	__u16 kind;
	/** @flags: SVMGPU_TRACE_PT_* */
	__u16 flags;
	/** @seq: notifier sequence under which it was checked, low bits */
	__u64 seq;
};

/** struct svmgpu_trace_list_change - list_added, list_removed */
struct svmgpu_trace_list_change {
	__u32 vm;
	/** @object: vma or bo */
	__u32 object;
	__u32 bo;
	/** @list: enum svmgpu_trace_list */
	__u16 list;
	__u16 gpu;
	/** @owner_id: exec, bind, ... */
	__u64 owner_id;
	__u16 owner;
	__u16 reserved[3];
};

/** struct svmgpu_trace_invalidation_start - invalidation_started */
struct svmgpu_trace_invalidation_start {
	__u32 invalidation;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @object: range (the first) or userptr vma, or 0 */
	__u32 object;
	/** @event: enum svmgpu_trace_event */
	__u16 event;
	__u16 gpu;
	/** @kind: enum svmgpu_trace_vma_kind: USERPTR or MIRROR */
	__u16 kind;
	__u16 reserved[3];
	/** @seq: new notifier sequence */
	__u64 seq;
};

/** struct svmgpu_trace_invalidation_end - invalidation_ended */
struct svmgpu_trace_invalidation_end {
	__u32 invalidation;
	__u32 vm;
	/** @flush_seqno: of the TLB flush that it waited for, or 0 */
	__u64 flush_seqno;
	/** @flags: SVMGPU_TRACE_INVALIDATION_* */
	__u32 flags;
	__s32 result;
};

/** struct svmgpu_trace_bind_start - bind_started */
struct svmgpu_trace_bind_start {
	__u32 bind;
	__u32 vm;
	__u64 va;
	__u64 bytes;
	/** @object: vma or range */
	__u32 object;
	__u32 queue;
	__u16 gpu;
	/** @op: enum svmgpu_trace_bind_op */
	__u16 op;
	__u32 reserved;
	/** @fault: fault on whose behalf, or 0 */
	__u64 fault;
};

/** struct svmgpu_trace_bind_end - bind_ended: page tables are written */
struct svmgpu_trace_bind_end {
	__u32 bind;
	__s32 result;
	/** @by_job: 1: a job wrote the page tables; 0: the CPU */
	__u32 by_job;
	__u32 reserved;
};

/** struct svmgpu_trace_job - job_submitted, job_armed, job_completed */
struct svmgpu_trace_job {
	__u32 job;
	__u32 queue;
	__u32 vm;
	__u16 gpu;
	__u16 engine;
	/** @seqno: of its fence on the queue's timeline */
	__u64 seqno;
	/** @exec: the exec that made it, or 0 */
	__u32 exec;
	/** @result: job_completed: 0 or -errno */
	__s32 result;
};

/** struct svmgpu_trace_eviction - eviction_started, eviction_fenced,
 * eviction_ended
 */
struct svmgpu_trace_eviction {
	__u32 eviction;
	/** @bo: buffer object, or 0 for SVM memory */
	__u32 bo;
	__u64 bytes;
	__u32 vm;
	/** @fences: eviction_fenced: fences of the object that are not
	 * signalled and that the copy does not wait for (rule L11: 0)
	 */
	__u32 fences;
	__u16 gpu;
	__u16 from;
	__u16 to;
	__u16 reserved;
	__s32 result;
};

/** struct svmgpu_trace_lock - lock_contended, lock_acquired, lock_released;
 * the task is svmgpu_trace_record.tid. lock_contended is recorded before the
 * task waits, and only when it has to; lock_acquired or lock_released with
 * SVMGPU_TRACE_LOCK_GAVE_UP (a signal, a deadlock avoided) ends the wait.
 */
struct svmgpu_trace_lock {
	__u32 lock;
	__u16 lock_class;
	/** @mode: enum svmgpu_trace_lock_mode */
	__u8 mode;
	/** @flags: SVMGPU_TRACE_LOCK_TRY, _DOWNGRADED, _GAVE_UP */
	__u8 flags;
	/** @place: defined by place_defined, or 0 */
	__u32 place;
	__u32 vm;
};

/** struct svmgpu_trace_flush - flush_requested, flush_completed */
struct svmgpu_trace_flush {
	__u64 seqno;
	__u64 va;
	__u64 bytes;
	__u32 vm;
	__u32 asid;
	__u16 gpu;
	__u16 reserved;
	/** @result: flush_completed: 0 or -errno */
	__s32 result;
	/** @invalidation: on whose behalf, or 0 */
	__u32 invalidation;
	__u32 reserved2;
};

/** struct svmgpu_trace_user_fence - user_fence_signalled, fence_waited */
struct svmgpu_trace_user_fence {
	__u64 va;
	__u64 value;
	__u32 vm;
	__u32 queue;
	__u16 gpu;
	__u16 reserved;
	__s32 result;
};

/** struct svmgpu_trace_race_point - race_point_reached, race_point_left */
struct svmgpu_trace_race_point {
	/** @place: place_defined gives its name */
	__u32 place;
	__u32 vm;
	__u16 gpu;
	__u16 reserved[3];
	/** @waited_ns: race_point_left: how long the task was held */
	__u64 waited_ns;
};

/**
 * SVMGPU_TRACE_TYPES() - every record type
 * @X: macro of (value, NAME, name, payload member)
 */
#define SVMGPU_TRACE_TYPES(X) \
	X(0x001, CLOCK_SAMPLED, clock_sampled, clock) \
	X(0x002, MARK_SET, mark_set, mark) \
	X(0x010, PLACE_DEFINED, place_defined, place) \
	X(0x011, LOCK_CLASS_DEFINED, lock_class_defined, lock_class) \
	X(0x012, LOCK_DEFINED, lock_defined, lock_instance) \
	X(0x013, LOCK_RETIRED, lock_retired, lock_instance) \
	X(0x014, PROCESS_DEFINED, process_defined, process) \
	X(0x015, THREAD_DEFINED, thread_defined, thread) \
	X(0x016, GPU_DEFINED, gpu_defined, gpu) \
	X(0x020, VM_CREATED, vm_created, vm) \
	X(0x021, VM_DESTROYED, vm_destroyed, vm) \
	X(0x022, BO_CREATED, bo_created, bo) \
	X(0x023, BO_DESTROYED, bo_destroyed, bo) \
	X(0x024, BO_MOVED, bo_moved, bo_move) \
	X(0x025, BO_PURGED, bo_purged, bo) \
	X(0x026, VMA_MAPPED, vma_mapped, vma) \
	X(0x027, VMA_UNMAPPED, vma_unmapped, vma) \
	X(0x028, QUEUE_CREATED, queue_created, queue) \
	X(0x029, QUEUE_DESTROYED, queue_destroyed, queue) \
	X(0x030, RANGE_CREATED, range_created, range) \
	X(0x031, RANGE_DESTROYED, range_destroyed, range) \
	X(0x032, RANGE_STATE_CHANGED, range_state_changed, range_state) \
	X(0x033, RANGE_INVALIDATED, range_invalidated, touch) \
	X(0x034, USERPTR_INVALIDATED, userptr_invalidated, touch) \
	X(0x035, SCAN_COMPLETED, scan_completed, scan) \
	X(0x036, MIGRATION_STARTED, migration_started, migration_start) \
	X(0x037, MIGRATION_ENDED, migration_ended, migration_end) \
	X(0x040, FAULT_PICKED, fault_picked, fault) \
	X(0x041, FAULT_VMA_FOUND, fault_vma_found, fault_step) \
	X(0x042, FAULT_RETRIED, fault_retried, fault_step) \
	X(0x043, FAULT_ESCALATED, fault_escalated, fault_step) \
	X(0x044, FAULT_ANSWERED, fault_answered, fault_answer) \
	X(0x050, EXEC_STARTED, exec_started, phase) \
	X(0x051, EXEC_LOCKED, exec_locked, phase) \
	X(0x052, VMA_REVALIDATED, vma_revalidated, phase) \
	X(0x053, PAGES_OBTAINED, pages_obtained, phase) \
	X(0x054, SEQ_BEGUN, seq_begun, phase) \
	X(0x055, SEQ_CHECKED, seq_checked, phase) \
	X(0x056, FENCE_PUBLISHED, fence_published, phase) \
	X(0x057, OBJECTS_UNLOCKED, objects_unlocked, phase) \
	X(0x058, EXEC_ENDED, exec_ended, phase) \
	X(0x060, PT_WRITTEN, pt_written, pt) \
	X(0x061, PT_ZAPPED, pt_zapped, pt) \
	X(0x062, PT_FREED, pt_freed, pt) \
	X(0x063, LIST_ADDED, list_added, list_change) \
	X(0x064, LIST_REMOVED, list_removed, list_change) \
	X(0x065, INVALIDATION_STARTED, invalidation_started, \
	  invalidation_start) \
	X(0x066, INVALIDATION_ENDED, invalidation_ended, invalidation_end) \
	X(0x067, BIND_STARTED, bind_started, bind_start) \
	X(0x068, BIND_ENDED, bind_ended, bind_end) \
	X(0x070, JOB_SUBMITTED, job_submitted, job) \
	X(0x071, JOB_ARMED, job_armed, job) \
	X(0x072, JOB_COMPLETED, job_completed, job) \
	X(0x073, EVICTION_STARTED, eviction_started, eviction) \
	X(0x074, EVICTION_FENCED, eviction_fenced, eviction) \
	X(0x075, EVICTION_ENDED, eviction_ended, eviction) \
	X(0x080, LOCK_CONTENDED, lock_contended, lock) \
	X(0x081, LOCK_ACQUIRED, lock_acquired, lock) \
	X(0x082, LOCK_RELEASED, lock_released, lock) \
	X(0x090, FLUSH_REQUESTED, flush_requested, flush) \
	X(0x091, FLUSH_COMPLETED, flush_completed, flush) \
	X(0x092, USER_FENCE_SIGNALLED, user_fence_signalled, user_fence) \
	X(0x093, RACE_POINT_REACHED, race_point_reached, race_point) \
	X(0x094, RACE_POINT_LEFT, race_point_left, race_point)

/** enum svmgpu_trace_type - record types, SVMGPU_TRACE_<NAME> */
enum svmgpu_trace_type {
	SVMGPU_TRACE_NONE = 0,
#define SVMGPU_TRACE_TYPE_ENUM(value, NAME, name, member) \
	SVMGPU_TRACE_##NAME = (value),
	SVMGPU_TRACE_TYPES(SVMGPU_TRACE_TYPE_ENUM)
#undef SVMGPU_TRACE_TYPE_ENUM
	SVMGPU_TRACE_TYPE_COUNT = 0x0a0,
};

/**
 * struct svmgpu_trace_record - one record of a ring
 */
struct svmgpu_trace_record {
	/** @ts_ns: guest clock */
	__u64 ts_ns;
	/** @tag: commit word: type in the low half, lap in the high half */
	__u32 tag;
	/** @tid: current task (pid in the initial namespace); 0: interrupt */
	__u32 tid;
	union {
		__u8 payload[SVMGPU_TRACE_PAYLOAD_BYTES];
		struct svmgpu_trace_clock clock;
		struct svmgpu_trace_mark mark;
		struct svmgpu_trace_place place;
		struct svmgpu_trace_lock_class lock_class;
		struct svmgpu_trace_lock_instance lock_instance;
		struct svmgpu_trace_process process;
		struct svmgpu_trace_thread thread;
		struct svmgpu_trace_gpu gpu;
		struct svmgpu_trace_vm vm;
		struct svmgpu_trace_bo bo;
		struct svmgpu_trace_bo_move bo_move;
		struct svmgpu_trace_vma vma;
		struct svmgpu_trace_range range;
		struct svmgpu_trace_range_state range_state;
		struct svmgpu_trace_touch touch;
		struct svmgpu_trace_queue queue;
		struct svmgpu_trace_scan scan;
		struct svmgpu_trace_migration_start migration_start;
		struct svmgpu_trace_migration_end migration_end;
		struct svmgpu_trace_fault fault;
		struct svmgpu_trace_fault_step fault_step;
		struct svmgpu_trace_fault_answer fault_answer;
		struct svmgpu_trace_phase phase;
		struct svmgpu_trace_pt pt;
		struct svmgpu_trace_list_change list_change;
		struct svmgpu_trace_invalidation_start invalidation_start;
		struct svmgpu_trace_invalidation_end invalidation_end;
		struct svmgpu_trace_bind_start bind_start;
		struct svmgpu_trace_bind_end bind_end;
		struct svmgpu_trace_job job;
		struct svmgpu_trace_eviction eviction;
		struct svmgpu_trace_lock lock;
		struct svmgpu_trace_flush flush;
		struct svmgpu_trace_user_fence user_fence;
		struct svmgpu_trace_race_point race_point;
	};
};

/**
 * svmgpu_trace_tag() - commit word of a record
 * @type: enum svmgpu_trace_type
 * @pos: its position: value of head when it was reserved
 * @ring_records: records per ring, a power of two
 *
 * The lap starts at one, so that zeroed memory holds no committed record.
 */
static inline __u32 svmgpu_trace_tag(__u32 type, __u64 pos, __u32 ring_records)
{
	__u32 shift = 0;

	while ((1u << shift) < ring_records)
		shift++;
	return (type & 0xffff) | (__u32)(((pos >> shift) + 1) & 0xffff) << 16;
}

/**
 * svmgpu_trace_area_bytes() - size of a trace area
 * @ring_count: rings
 * @ring_records: records per ring
 */
static inline __u64 svmgpu_trace_area_bytes(__u64 ring_count, __u64 ring_records)
{
	return SVMGPU_TRACE_HEADER_BYTES +
	       ring_count * (SVMGPU_TRACE_RING_HEADER_BYTES +
			     ring_records * SVMGPU_TRACE_RECORD_BYTES);
}

_Static_assert(sizeof(struct svmgpu_trace_header) == 384, "trace header");
_Static_assert(__builtin_offsetof(struct svmgpu_trace_header,
				  consumer_asleep) == 320,
	       "consumer_asleep has a cache line of its own");
_Static_assert(sizeof(struct svmgpu_trace_ring) == 128, "ring header");
_Static_assert(__builtin_offsetof(struct svmgpu_trace_ring, tail) == 64,
	       "tail has a cache line of its own");
_Static_assert(sizeof(struct svmgpu_trace_record) == SVMGPU_TRACE_RECORD_BYTES,
	       "record");
_Static_assert(__builtin_offsetof(struct svmgpu_trace_record, payload) == 16,
	       "payload");
#define SVMGPU_TRACE_TYPE_CHECK(value, NAME, name, member) \
	_Static_assert(sizeof(((struct svmgpu_trace_record *)0)->member) <= \
		       SVMGPU_TRACE_PAYLOAD_BYTES && \
		       (value) < SVMGPU_TRACE_TYPE_COUNT, #name);
SVMGPU_TRACE_TYPES(SVMGPU_TRACE_TYPE_CHECK)
#undef SVMGPU_TRACE_TYPE_CHECK

#endif /* SVMGPU_TRACE_H */

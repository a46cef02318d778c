/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * svmgpu rings: everything that driver and GPU tell each other through memory.
 *
 * Concepts
 *   A ring is a struct svmgpu_ring_header followed, at SVMGPU_RING_ENTRIES_OFFSET,
 *   by 2^log2 entries of a fixed size. Indices run freely and wrap at 2^32.
 *   Putting an entry: write it, store `producer` with release, full barrier,
 *   then if `consumer_asleep` can be changed from 1 to 0, ring the doorbell (or
 *   raise the vector). Going to sleep: set `consumer_asleep`, full barrier, look
 *   at `producer` once more. A producer that finds the ring full does the same
 *   with `producer_asleep`. `consumer` says which slots may be reused, `completed`
 *   how many entries have retired, in order.
 *
 *   ring       producer  entries                    serves
 *   COMMAND    driver    struct svmgpu_command      address spaces, TLB, contexts, fault answers
 *   MIGRATION  driver    struct svmgpu_migration    copies, fills, PTE writes, flushes
 *   FAULT      GPU       struct svmgpu_fault        recoverable (and fatal) faults
 *   EVENT      GPU       struct svmgpu_event        jobs and contexts that changed state
 *   (context)  driver    struct svmgpu_job          one ring per context
 */
#ifndef SVMGPU_ABI_RING_H
#define SVMGPU_ABI_RING_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>
#else
#include <assert.h>
#endif

enum svmgpu_ring_id {
	SVMGPU_RING_COMMAND	= 0,
	SVMGPU_RING_MIGRATION	= 1,
	SVMGPU_RING_FAULT	= 2,
	SVMGPU_RING_EVENT	= 3,
	SVMGPU_RINGS		= 4,
};

#define SVMGPU_RING_LOG2_MIN	4
#define SVMGPU_RING_LOG2_MAX	16

struct svmgpu_ring_header {
	__u32 producer;
	__u32 producer_asleep;	/* waits for room */
	__u32 reserved0[14];
	__u32 consumer;
	__u32 consumer_asleep;	/* wants a doorbell or an interrupt */
	__u32 completed;	/* retired entries, free-running; driver-fed rings only */
	__u32 reserved1[13];
};

#define SVMGPU_RING_ENTRIES_OFFSET	128

/* --- COMMAND ring --------------------------------------------------------- */

enum svmgpu_command_op {
	SVMGPU_CMD_NOP		= 0,
	SVMGPU_CMD_AS_SET	= 1,	/* id asid; arg[0] root table paddr, arg[1] SVMGPU_AS_* */
	SVMGPU_CMD_AS_CLEAR	= 2,	/* id asid; flushes it */
	SVMGPU_CMD_TLB_FLUSH	= 3,	/* id asid; arg[0] first byte, arg[1] end (0, ~0 = all) */
	SVMGPU_CMD_CTX_CREATE	= 4,	/* id context; arg[0] DMA address of svmgpu_context */
	SVMGPU_CMD_CTX_DESTROY	= 5,	/* id context; kills it first; its memory is free after */
	SVMGPU_CMD_CTX_SUSPEND	= 6,	/* id context; EVENT_CTX_SUSPENDED when it is off its engine */
	SVMGPU_CMD_CTX_RESUME	= 7,	/* id context */
	SVMGPU_CMD_CTX_KILL	= 8,	/* id context; current and queued jobs fail, in order */
	SVMGPU_CMD_CTX_SCHEDULE	= 9,	/* id context; arg[0] priority, arg[1] timeslice_us, arg[2] preempt_timeout_us */
	SVMGPU_CMD_FAULT_ANSWER	= 10,	/* id context; arg[0] fault id, arg[1] enum svmgpu_answer; see below */
	SVMGPU_CMD_PAGEMAP_SET	= 11,	/* id asid; arg[0] first page, arg[1] pages, arg[2] state, arg[3] va */
};

#define SVMGPU_CMD_F_IRQ	(1u << 0)	/* raise SVMGPU_VECTOR_COMMAND when retired */

#define SVMGPU_AS_SCRATCH	(1u << 0)	/* unmapped: reads zero, writes dropped, no fault */

enum svmgpu_answer {
	SVMGPU_ANSWER_RETRY	= 0,	/* mapped: replay the access */
	SVMGPU_ANSWER_FAIL	= 1,	/* the context's job fails, the context dies */
};

/*
 * A retired TLB_FLUSH promises that no translation of the range is cached and
 * that every access made through one, reads-modify-writes and accesses to peers
 * included, has retired. After FAULT_ANSWER(RETRY) at least one replay of the
 * faulting access retires before a later flush of its address does. An entry
 * that is zapped before the GPU has read the answer cannot be used for that,
 * unless the answer names it: arg[2] the leaf entry that was committed for the
 * faulting address (0: none), arg[3] its level. Name it only in an answer put
 * under the lock that zapping takes, so that the zap's flush comes later.
 */
struct svmgpu_command {
	__u16 op;		/* enum svmgpu_command_op */
	__u16 flags;		/* SVMGPU_CMD_F_* */
	__u32 id;
	__u64 arg[7];
};

/* --- contexts and their job rings ---------------------------------------- */

#define SVMGPU_CTX_F_FAULT_MODE	(1u << 0)	/* faults are recoverable */
#define SVMGPU_CTX_F_NO_PREEMPT	(1u << 1)	/* off its engine only when idle, faulted or killed */

struct svmgpu_context {
	__u32 asid;
	__u32 engines;		/* bit n: may run on engine n; several make a virtual engine */
	__u32 flags;		/* SVMGPU_CTX_F_* */
	__u32 priority;		/* 0 low .. 3 kernel */
	__u32 timeslice_us;	/* 0 = until idle */
	__u32 preempt_timeout_us;
	__u32 ring_log2;	/* log2 of jobs */
	__u32 reserved;
	__u64 ring;		/* DMA address of the job ring */
	__u64 status;		/* DMA address of struct svmgpu_context_status */
	__u64 reserved1[2];
};

enum svmgpu_context_state {
	SVMGPU_CTX_IDLE		= 0,
	SVMGPU_CTX_READY	= 1,
	SVMGPU_CTX_RUNNING	= 2,
	SVMGPU_CTX_FAULTED	= 3,	/* waits for a fault answer, off its engine */
	SVMGPU_CTX_SUSPENDED	= 4,
	SVMGPU_CTX_DEAD		= 5,
};

/* written by the GPU only; stale by at most one timeslice while running */
struct svmgpu_context_status {
	__u64 completed;	/* seqno of the last retired job */
	__u64 runtime_ns;	/* time spent on an engine */
	__u64 job_runtime_ns;	/* of that, the current job */
	__u64 fault_addr;	/* last fault */
	__u32 state;		/* enum svmgpu_context_state */
	__u32 error;		/* enum svmgpu_error of the last failed job */
	__u64 failed_seqno;	/* first job that failed */
	__u64 reserved[2];
};

#define SVMGPU_JOB_F_BATCH	(1u << 0)	/* run the batch at batch_va */
#define SVMGPU_JOB_F_USER_FENCE	(1u << 1)	/* then write user_fence_value at user_fence_va */
#define SVMGPU_JOB_F_IRQ	(1u << 2)	/* then put EVENT_JOB_DONE */

struct svmgpu_job {
	__u64 seqno;		/* context_status.completed when it has retired */
	__u64 batch_va;		/* GPU virtual, 4-byte aligned */
	__u64 user_fence_va;	/* GPU virtual, 8-byte aligned; the write may fault */
	__u64 user_fence_value;
	__u32 flags;		/* SVMGPU_JOB_F_* */
	__u32 reserved0;
	__u64 reserved[3];
};

/* --- EVENT ring ------------------------------------------------------------ */

enum svmgpu_event_type {
	SVMGPU_EVENT_JOB_DONE		= 1,
	SVMGPU_EVENT_JOB_FAILED		= 2,	/* the context is dead; later jobs fail too, without events */
	SVMGPU_EVENT_CTX_SUSPENDED	= 3,
	SVMGPU_EVENT_LINK_CHANGED	= 4,	/* read SVMGPU_REG_FABRIC_UP */
	SVMGPU_EVENT_ACCESS_COUNTER	= 5,	/* seqno = paddr of a hot remote page, context = asid */
	SVMGPU_EVENT_PAGE_POISONED	= 6,	/* seqno = VRAM page */
};

struct svmgpu_event {
	__u32 type;		/* enum svmgpu_event_type */
	__u32 context;
	__u64 seqno;
	__u64 time_ns;		/* device clock */
	__u32 error;		/* enum svmgpu_error */
	__u32 engine;
};

/* --- FAULT ring ------------------------------------------------------------ */

enum svmgpu_access {
	SVMGPU_ACCESS_READ	= 0,
	SVMGPU_ACCESS_WRITE	= 1,
	SVMGPU_ACCESS_ATOMIC	= 2,
	SVMGPU_ACCESS_FETCH	= 3,	/* instruction */
	SVMGPU_ACCESS_FENCE	= 4,	/* user-fence write */
};

enum svmgpu_fault_reason {
	SVMGPU_FAULT_NOT_PRESENT	= 0,
	SVMGPU_FAULT_READ_ONLY		= 1,
	SVMGPU_FAULT_NO_ATOMIC		= 2,
	SVMGPU_FAULT_BAD_VA		= 3,	/* not canonical */
	SVMGPU_FAULT_BAD_PADDR		= 4,	/* the entry points outside its aperture, or to poison */
};

#define SVMGPU_FAULT_F_FATAL	(1u << 0)	/* for information: no answer is expected */

struct svmgpu_fault {
	__u32 fault_id;		/* 1 .., per GPU; names the fault in its answer */
	__u32 context;
	__u32 asid;
	__u8 access;		/* enum svmgpu_access */
	__u8 reason;		/* enum svmgpu_fault_reason */
	__u8 level;		/* page-table level where the walk ended */
	__u8 engine;
	__u32 flags;		/* SVMGPU_FAULT_F_* */
	__u32 reserved0;
	__u64 addr;		/* GPU virtual, exact */
	__u64 batch_va;
	__u64 seqno;		/* job */
	__u64 time_ns;		/* device clock */
	__u64 reserved1;
};

/* --- MIGRATION ring -------------------------------------------------------- */

enum svmgpu_migration_op {
	SVMGPU_MIG_NOP		= 0,	/* orders and fences only */
	SVMGPU_MIG_COPY		= 1,	/* copy entries of the list */
	SVMGPU_MIG_FILL		= 2,	/* fill entries (dst, bytes) of the list with `value` */
	SVMGPU_MIG_PTE_WRITE	= 3,	/* PTE entries of the list */
	SVMGPU_MIG_TLB_FLUSH	= 4,	/* asid, first, end as SVMGPU_CMD_TLB_FLUSH */
};

#define SVMGPU_MIG_F_IRQ	(1u << 0)	/* raise SVMGPU_VECTOR_MIGRATION when retired */
#define SVMGPU_MIG_F_INLINE	(1u << 1)	/* the one list entry is in the descriptor */

struct svmgpu_mig_copy {	/* 24 bytes: list entry of COPY and FILL */
	__u64 src;		/* paddr; unused by FILL */
	__u64 dst;		/* paddr */
	__u64 bytes;		/* COPY and FILL: multiple of 8, <= 1 GiB */
};

struct svmgpu_mig_pte {		/* 24 bytes: list entry of PTE_WRITE */
	__u64 pte;		/* paddr of the first entry, 8-byte aligned */
	__u64 value;		/* first value */
	__u32 count;		/* entries, 1 .. 512, within one table */
	__u32 step;		/* added to the value after each, in 4 KiB pages */
};

/* A failed descriptor stops at its failing entry; the ring goes on. */
struct svmgpu_mig_result {
	__u32 error;		/* enum svmgpu_error */
	__u32 failed;		/* index of the list entry that failed */
	__u64 time_ns;		/* device clock at retirement */
};

struct svmgpu_migration {
	__u16 op;		/* enum svmgpu_migration_op */
	__u16 flags;		/* SVMGPU_MIG_F_* */
	__u32 count;		/* list entries, <= 65536 */
	__u64 list;		/* DMA address of the list */
	__u64 result;		/* DMA address of svmgpu_mig_result, or 0 */
	__u64 value;		/* FILL: 64-bit pattern */
	union {
		struct {	/* SVMGPU_MIG_F_INLINE with COPY or FILL */
			__u64 src;
			__u64 dst;
			__u64 bytes;
		} copy;
		struct svmgpu_mig_pte pte;	/* SVMGPU_MIG_F_INLINE with PTE_WRITE */
		struct {	/* TLB_FLUSH */
			__u64 asid;
			__u64 first;
			__u64 end;
		} flush;
	};
	__u64 cookie;		/* the driver's name for the work; goes to the event log */
};

static_assert(sizeof(struct svmgpu_ring_header) == SVMGPU_RING_ENTRIES_OFFSET,
	      "ring header is two cache lines");
static_assert(sizeof(struct svmgpu_command) == 64, "command is one cache line");
static_assert(sizeof(struct svmgpu_context) == 64, "context is one cache line");
static_assert(sizeof(struct svmgpu_context_status) == 64, "status is one cache line");
static_assert(sizeof(struct svmgpu_job) == 64, "job is one cache line");
static_assert(sizeof(struct svmgpu_event) == 32, "event is half a cache line");
static_assert(sizeof(struct svmgpu_fault) == 64, "fault is one cache line");
static_assert(sizeof(struct svmgpu_migration) == 64, "migration is one cache line");
static_assert(sizeof(struct svmgpu_mig_copy) == 24 && sizeof(struct svmgpu_mig_pte) == 24,
	      "list entries are 24 bytes");

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A context: a ring of jobs, an address space, and a command stream that can
 * stop at any access and go on there later.
 *
 * Concepts
 *   Who may touch what. The scheduler's lock protects the scheduling state
 *   (first group below). The stream, the job and the ring belong to whoever
 *   *holds* the context: the engine that runs it, or, while it runs nowhere,
 *   the command processor. `running` says that an engine holds it; the
 *   command processor makes it stop, waits, and then is the holder, because
 *   it is the only one that changes a stopped context into a ready one
 *   besides the doorbell, and the doorbell only queues.
 */

#ifndef GPU_CONTEXT_H
#define GPU_CONTEXT_H

#include "gpu.h"
#include "mmu.h"
#include "ring.h"
#include "stream.h"

#define GPU_PRIORITIES 4 /* 0 low .. 3 kernel */

typedef struct GpuEngine GpuEngine;

/* Why a context should leave its engine; atomic bits of GpuContext.stop. */
enum {
    GPU_STOP_SUSPEND = 1 << 0,
    GPU_STOP_KILL = 1 << 1,
    GPU_STOP_RESET = 1 << 2,
};

typedef enum GpuJobStage {
    GPU_JOB_NONE,
    GPU_JOB_BATCH,
    GPU_JOB_FENCE,
    GPU_JOB_RETIRE,
} GpuJobStage;

struct GpuContext {
    Gpu *gpu;
    uint32_t id;
    uint32_t asid;
    uint32_t engines; /* mask */
    uint32_t flags;   /* SVMGPU_CTX_F_* */
    uint64_t status;  /* DMA address */

    /* scheduling; the scheduler's lock */
    GList link; /* in the ready queue of its priority */
    bool queued;
    bool waiting; /* for a semaphore, off its engine, until due_ns */
    uint64_t due_ns;
    bool doorbell; /* jobs may have arrived since the ring was last seen */
    bool suspended;
    bool suspend_event_due;
    bool faulted;
    bool in_job; /* stopped in the middle of one */
    bool held;   /* by the command processor: not to be queued */
    bool draining; /* in the queue of dead contexts with new jobs */
    uint32_t priority;
    uint64_t timeslice_ns;
    uint64_t preempt_timeout_ns;
    GpuEngine *running;

    int stop; /* atomic, GPU_STOP_* */
    int dead; /* atomic; jobs are only drained */

    /* the holder's */
    GpuRing ring;
    GpuJobStage stage;
    struct svmgpu_job job;
    uint64_t job_begun_ns;
    unsigned last_engine;
    GpuStream stream;
    GpuFaultInfo fault;
    uint64_t completed;
    uint64_t failed_seqno;
    uint64_t runtime_ns; /* without the present turn */
    uint64_t job_runtime_ns;
    uint64_t turn_began_ns; /* 0: not on an engine */
    uint64_t fault_addr;
    unsigned wait_nap_us; /* grows while a semaphore stays as it is */
    enum svmgpu_error error;

    /* the fault block's, its lock */
    uint32_t fault_id; /* 0: none outstanding */
    bool fault_posted; /* the driver can know of it */
    bool fault_waiting; /* for room in the ring */
    bool replay_due;    /* answered while suspended */
    GpuPinnedLeaf pinned;
    uint64_t fault_raised_ns;
};

/* Reads and checks the description at `descriptor`. */
enum svmgpu_error gpu_context_new(Gpu *gpu, uint32_t id, uint64_t descriptor,
                                  GpuContext **context);
void gpu_context_free(GpuContext *context);

/* Writes struct svmgpu_context_status; `state` as of now. Holder only. */
void gpu_context_publish(GpuContext *context,
                         enum svmgpu_context_state state);

/* Time spent on engines, the present turn included. Holder only. */
uint64_t gpu_context_runtime(const GpuContext *context, uint64_t now_ns);
void gpu_context_turn_begin(GpuContext *context, uint64_t now_ns);
void gpu_context_turn_end(GpuContext *context, uint64_t now_ns);

/* Takes the next job from the ring. Holder only. */
GpuRingResult gpu_context_next_job(GpuContext *context);
/* The current job is done, or has failed with `error`. Holder only. */
void gpu_context_retire_job(GpuContext *context, enum svmgpu_error error);

/*
 * The context dies: its current job, or if it has none the first one that
 * waits, fails with an event; the others fail in silence. Holder only.
 */
void gpu_context_die(GpuContext *context, enum svmgpu_error error);
/* Fails what has come into the ring of a dead context. Holder only. */
void gpu_context_drain(GpuContext *context);

#endif /* GPU_CONTEXT_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command stream: executes the packets of a batch.
 *
 * Concepts
 *   A stream is a state machine, not a call stack. Each step does at most a
 *   few memory accesses, one after the other; what a packet has done so far
 *   is in GpuStream. When an access faults the step says so and is called
 *   again after the fault has been answered: it takes up the very access
 *   that failed, and nothing is done twice. stream.c decodes and has the MI
 *   packets, blit.c the packets that move blocks of memory, math.c the ALU.
 */

#ifndef GPU_STREAM_H
#define GPU_STREAM_H

#include "gpu.h"
#include "mmu.h"

typedef struct GpuContext GpuContext;

#define GPU_STREAM_REGISTERS 16
#define GPU_PACKET_MAX_DWORDS 258
#define GPU_STREAM_BUFFER 4096

typedef enum GpuStep {
    GPU_STEP_NEXT,  /* a packet has retired */
    GPU_STEP_MORE,  /* inside a long packet, at a point to leave the engine */
    GPU_STEP_LOOP,  /* like NEXT, after a jump backwards */
    GPU_STEP_WAIT,  /* a semaphore is not yet signalled */
    GPU_STEP_END,   /* the batch is over */
    GPU_STEP_FAULT, /* context->fault says which */
    GPU_STEP_ERROR, /* unknown or malformed packet */
} GpuStep;

/* A block transfer in progress: rows of bytes. */
typedef struct GpuBlit {
    uint64_t source;
    uint64_t target;
    uint64_t source_pitch;
    uint64_t target_pitch;
    uint64_t width;
    uint64_t height;
    uint64_t column; /* progress */
    uint64_t row;
    uint32_t chunk;  /* bytes in the buffer, read but not yet written */
    uint8_t source_tiling;
    uint8_t target_tiling;
    uint8_t element_bytes;
    uint32_t source_x; /* bytes */
    uint32_t source_y;
    uint32_t target_x;
    uint32_t target_y;
    bool fill;
    uint8_t fill_byte;
} GpuBlit;

typedef struct GpuStream {
    uint64_t pc; /* of the packet in hand */
    uint64_t return_pc;
    unsigned level; /* 1 inside a second-level batch */
    uint32_t packet[GPU_PACKET_MAX_DWORDS];
    uint32_t fetched; /* dwords of it in `packet` */
    uint32_t step;    /* progress inside the packet */
    GpuAccess access;
    GpuBlit blit;
    uint64_t scratch[2];
    uint64_t gpr[GPU_STREAM_REGISTERS];
    uint64_t packets;    /* retired, in this job */
    uint32_t loops;      /* backward jumps, in this job */
    uint8_t buffer[GPU_STREAM_BUFFER] __attribute__((aligned(8)));
} GpuStream;

/* Begins a batch; registers keep their values. */
void gpu_stream_start(GpuStream *stream, uint64_t batch_va);
GpuStep gpu_stream_step(GpuContext *context, GpuPort *port);

/*
 * One access of the context's address space, begun or taken up again. True
 * when it has retired; otherwise context->fault is set. `data` must be in
 * the context. Kind ATOMIC uses gpu_stream_atomic().
 */
bool gpu_stream_access(GpuContext *context, GpuPort *port,
                       enum svmgpu_access kind, uint64_t va, void *data,
                       uint32_t len);
bool gpu_stream_atomic(GpuContext *context, GpuPort *port, uint64_t va,
                       GpuAtomicOp op, uint32_t len, uint64_t a, uint64_t b,
                       uint64_t *old);

/* blit.c: MEM_COPY, MEM_SET, XY_FAST_COPY_BLT */
GpuStep gpu_stream_blit(GpuContext *context, GpuPort *port);

/* math.c: false for a malformed operation */
bool gpu_stream_math(GpuStream *stream, const uint32_t *operations,
                     unsigned count);

#endif /* GPU_STREAM_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command stream: fetch, decode, and the MI packets.
 *
 * docs/hardware.md, "Packets", is the list of what is executed and how.
 */

#include "stream.h"

#include <string.h>

#include "context.h"
#include "gpu-priv.h"

/* client, bits 31:29 of a packet's first dword */
enum {
    CLIENT_MI = 0,
    CLIENT_BLIT = 2,
};

/* MI opcodes, bits 28:23 */
enum {
    MI_NOOP = 0x00,
    MI_ARB_CHECK = 0x05,
    MI_ARB_ON_OFF = 0x08,
    MI_MEM_FENCE = 0x09,
    MI_BATCH_BUFFER_END = 0x0a,
    MI_FIRST_LONG = 0x10, /* below: one dword */
    MI_MATH = 0x1a,
    MI_SEMAPHORE_WAIT = 0x1c,
    MI_STORE_DATA_IMM = 0x20,
    MI_LOAD_REGISTER_IMM = 0x22,
    MI_STORE_REGISTER_MEM = 0x24,
    MI_FLUSH_DW = 0x26,
    MI_LOAD_REGISTER_MEM = 0x29,
    MI_LOAD_REGISTER_REG = 0x2a,
    MI_ATOMIC = 0x2f,
    MI_BATCH_BUFFER_START = 0x31,
    MI_CONDITIONAL_BATCH_BUFFER_END = 0x36,
};

/* registers, by offset from the engine's base */
enum {
    REG_RING_TIMESTAMP = 0x358,
    REG_RING_TIMESTAMP_HI = 0x35c,
    REG_CTX_TIMESTAMP = 0x3a8,
    REG_GPR = 0x600,
    REG_GPR_END = REG_GPR + 8 * GPU_STREAM_REGISTERS,
    REG_MASK = 0xffc,
};

/* A fetch takes this much if the page has it; the rest is discarded. */
#define FETCH_BYTES 64

void gpu_stream_start(GpuStream *stream, uint64_t batch_va)
{
    stream->pc = batch_va & ~3ull;
    stream->return_pc = 0;
    stream->level = 0;
    stream->fetched = 0;
    stream->step = 0;
    stream->access.active = false;
    stream->packets = 0;
    stream->loops = 0;
}

/* --- accesses -------------------------------------------------------------*/

static bool access_run(GpuContext *context, GpuPort *port)
{
    GpuAccess *access = &context->stream.access;

    if (!gpu_mmu_access(port, context->asid, access, NULL, &context->fault)) {
        return false;
    }
    access->active = false;
    return true;
}

bool gpu_stream_access(GpuContext *context, GpuPort *port,
                       enum svmgpu_access kind, uint64_t va, void *data,
                       uint32_t len)
{
    GpuAccess *access = &context->stream.access;

    if (!access->active) {
        access->active = true;
        access->kind = kind;
        access->va = va;
        access->data = data;
        access->len = len;
        access->done = 0;
    }
    return access_run(context, port);
}

bool gpu_stream_atomic(GpuContext *context, GpuPort *port, uint64_t va,
                       GpuAtomicOp op, uint32_t len, uint64_t a, uint64_t b,
                       uint64_t *old)
{
    GpuAccess *access = &context->stream.access;

    if (!access->active) {
        access->active = true;
        access->kind = SVMGPU_ACCESS_ATOMIC;
        access->va = va & ~(uint64_t)(len - 1);
        access->data = old;
        access->len = len;
        access->done = 0;
        access->atomic_op = op;
        access->operand[0] = a;
        access->operand[1] = b;
        *old = 0;
    }
    return access_run(context, port);
}

/* --- packets: length ------------------------------------------------------*/

/* Dwords of the packet that begins with `head`; 0: no such packet. */
static unsigned packet_dwords(uint32_t head)
{
    unsigned opcode = head >> 23 & 0x3f;

    switch (head >> 29) {
    case CLIENT_MI:
        if (opcode < MI_FIRST_LONG) {
            return 1;
        }
        return (head & 0xff) + 2;
    case CLIENT_BLIT:
        return (head & 0xff) + 2;
    default:
        return 0;
    }
}

/*
 * Fetches the packet at pc. Runs of NOOPs are skipped as far as one fetch
 * reaches: a batch that runs off its end walks through zeroes.
 */
static GpuStep fetch_packet(GpuContext *context, GpuPort *port,
                            unsigned *dwords)
{
    GpuStream *stream = &context->stream;
    unsigned need;

    if (stream->fetched == 0) {
        size_t len = MIN(FETCH_BYTES, gpu_page_room(stream->pc));
        unsigned have = len / 4;
        unsigned noops = 0;

        if (!gpu_stream_access(context, port, SVMGPU_ACCESS_FETCH, stream->pc,
                               stream->packet, len)) {
            return GPU_STEP_FAULT;
        }
        while (noops < have && stream->packet[noops] == MI_NOOP) {
            noops++;
        }
        if (noops) {
            stream->pc += 4 * noops;
            stream->packets += noops;
            return GPU_STEP_NEXT;
        }
        need = packet_dwords(stream->packet[0]);
        if (need == 0) {
            return GPU_STEP_ERROR;
        }
        stream->fetched = MIN(have, need);
    }
    need = packet_dwords(stream->packet[0]);
    if (stream->fetched < need) {
        if (!gpu_stream_access(context, port, SVMGPU_ACCESS_FETCH,
                               stream->pc + 4 * stream->fetched,
                               &stream->packet[stream->fetched],
                               4 * (need - stream->fetched))) {
            return GPU_STEP_FAULT;
        }
        stream->fetched = need;
    }
    *dwords = need;
    return GPU_STEP_MORE;
}

/* --- registers ------------------------------------------------------------*/

static uint64_t ticks(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * GPU_REFERENCE_CLOCK_HZ /
                      1000000000u);
}

static uint32_t register_read(GpuContext *context, uint32_t offset)
{
    uint64_t now = gpu_time_ns();

    offset &= REG_MASK;
    if (offset >= REG_GPR && offset < REG_GPR_END) {
        uint64_t value = context->stream.gpr[(offset - REG_GPR) / 8];

        return offset & 4 ? value >> 32 : value;
    }
    switch (offset) {
    case REG_CTX_TIMESTAMP:
        return ticks(gpu_context_runtime(context, now));
    case REG_RING_TIMESTAMP:
        return ticks(now);
    case REG_RING_TIMESTAMP_HI:
        return ticks(now) >> 32;
    default:
        return 0;
    }
}

static void register_write(GpuContext *context, uint32_t offset,
                           uint32_t value)
{
    offset &= REG_MASK;
    if (offset >= REG_GPR && offset < REG_GPR_END) {
        uint64_t *gpr = &context->stream.gpr[(offset - REG_GPR) / 8];

        if (offset & 4) {
            *gpr = (*gpr & UINT32_MAX) | (uint64_t)value << 32;
        } else {
            *gpr = (*gpr & ~(uint64_t)UINT32_MAX) | value;
        }
    }
}

/* --- MI packets -----------------------------------------------------------*/

static uint64_t packet_address(const uint32_t *at)
{
    return at[0] | (uint64_t)at[1] << 32;
}

/* Comparisons of semaphores and conditional batch ends. */
static bool compare(unsigned op, uint32_t memory, uint32_t value, bool *valid)
{
    *valid = true;
    switch (op) {
    case 0:
        return memory > value;
    case 1:
        return memory >= value;
    case 2:
        return memory < value;
    case 3:
        return memory <= value;
    case 4:
        return memory == value;
    case 5:
        return memory != value;
    default:
        *valid = false;
        return false;
    }
}

static GpuStep store_data(GpuContext *context, GpuPort *port, unsigned dwords)
{
    uint32_t *p = context->stream.packet;
    bool quad = p[0] & 1u << 21;

    if (dwords < 4 || (p[0] & 1u << 22) || (quad && dwords < 5)) {
        return GPU_STEP_ERROR;
    }
    /* more data than one element: the rest follows in memory */
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_WRITE,
                           packet_address(&p[1]) & ~3ull, &p[3],
                           4 * (dwords - 3))) {
        return GPU_STEP_FAULT;
    }
    return GPU_STEP_NEXT;
}

static GpuStep store_register(GpuContext *context, GpuPort *port,
                              unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;

    if (dwords != 4 || (p[0] & 1u << 22)) {
        return GPU_STEP_ERROR;
    }
    if (stream->step == 0) {
        *(uint32_t *)stream->buffer = register_read(context, p[1]);
        stream->step = 1;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_WRITE,
                           packet_address(&p[2]) & ~3ull, stream->buffer,
                           4)) {
        return GPU_STEP_FAULT;
    }
    return GPU_STEP_NEXT;
}

static GpuStep load_register_memory(GpuContext *context, GpuPort *port,
                                    unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;

    if (dwords != 4 || (p[0] & 1u << 22)) {
        return GPU_STEP_ERROR;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_READ,
                           packet_address(&p[2]) & ~3ull, stream->buffer,
                           4)) {
        return GPU_STEP_FAULT;
    }
    register_write(context, p[1], *(uint32_t *)stream->buffer);
    return GPU_STEP_NEXT;
}

static GpuStep flush_dw(GpuContext *context, GpuPort *port, unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;
    unsigned operation = p[0] >> 14 & 3;
    uint64_t *value = stream->scratch;

    if (dwords < 4) {
        return GPU_STEP_ERROR;
    }
    if (operation != 1 && operation != 3) {
        return GPU_STEP_NEXT; /* accesses retire in order anyway */
    }
    if (stream->step == 0) {
        if (operation == 3) {
            *value = ticks(gpu_time_ns());
        } else {
            *value = p[3] | (dwords > 4 ? (uint64_t)p[4] << 32 : 0);
        }
        stream->step = 1;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_WRITE,
                           packet_address(&p[1]) & ~7ull, value, 8)) {
        return GPU_STEP_FAULT;
    }
    return GPU_STEP_NEXT;
}

static GpuStep atomic(GpuContext *context, GpuPort *port, unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;
    unsigned op = p[0] >> 8 & 0xff;
    unsigned len = op & 0x20 ? 8 : 4;
    bool is_inline = p[0] & 1u << 18;
    uint64_t a = stream->gpr[0];
    uint64_t b = stream->gpr[1];

    if (dwords < (is_inline ? 7 : 3) || (p[0] & 1u << 22) ||
        (op & ~0x2fu) || (op & 0xf) == 0) {
        return GPU_STEP_ERROR;
    }
    if (is_inline) {
        /* the dwords of the two operands alternate */
        a = p[3] | (uint64_t)p[5] << 32;
        b = p[4] | (uint64_t)p[6] << 32;
    }
    if (!gpu_stream_atomic(context, port, packet_address(&p[1]), op & 0xf,
                           len, a, b, &stream->scratch[0])) {
        return GPU_STEP_FAULT;
    }
    if (p[0] & 1u << 16) {
        stream->gpr[0] = stream->scratch[0];
    }
    return GPU_STEP_NEXT;
}

static GpuStep semaphore_wait(GpuContext *context, GpuPort *port,
                              unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;
    bool valid, signalled;

    if (dwords < 4 || (p[0] & 1u << 22)) {
        return GPU_STEP_ERROR;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_READ,
                           packet_address(&p[2]) & ~3ull, stream->buffer,
                           4)) {
        return GPU_STEP_FAULT;
    }
    signalled = compare(p[0] >> 12 & 7, *(uint32_t *)stream->buffer, p[1],
                        &valid);
    if (!valid) {
        return GPU_STEP_ERROR;
    }
    return signalled ? GPU_STEP_NEXT : GPU_STEP_WAIT;
}

static GpuStep batch_end(GpuStream *stream, bool all_levels)
{
    if (stream->level && !all_levels) {
        stream->level = 0;
        stream->pc = stream->return_pc;
        stream->fetched = 0;
        return GPU_STEP_NEXT;
    }
    return GPU_STEP_END;
}

static GpuStep conditional_end(GpuContext *context, GpuPort *port,
                               unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;
    bool valid, go_on;

    if (dwords < 4 || (p[0] & 1u << 22)) {
        return GPU_STEP_ERROR;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_READ,
                           packet_address(&p[2]) & ~3ull, stream->buffer,
                           4)) {
        return GPU_STEP_FAULT;
    }
    go_on = compare(p[0] >> 12 & 7, *(uint32_t *)stream->buffer, p[1],
                    &valid);
    if (!valid) {
        return GPU_STEP_ERROR;
    }
    return go_on ? GPU_STEP_NEXT : batch_end(stream, !(p[0] & 1u << 18));
}

static GpuStep batch_start(GpuStream *stream, unsigned dwords)
{
    uint32_t *p = stream->packet;
    uint64_t target = packet_address(&p[1]) & ~3ull;
    bool backwards = target <= stream->pc;

    if (dwords < 3) {
        return GPU_STEP_ERROR;
    }
    if ((p[0] & 1u << 22) && stream->level == 0) {
        stream->level = 1;
        stream->return_pc = stream->pc + 4 * dwords;
    }
    stream->pc = target;
    stream->fetched = 0;
    if (backwards) {
        stream->loops++;
        return GPU_STEP_LOOP;
    }
    return GPU_STEP_NEXT;
}

static GpuStep load_register_imm(GpuContext *context, unsigned dwords)
{
    uint32_t *p = context->stream.packet;

    if (dwords % 2 == 0) {
        return GPU_STEP_ERROR;
    }
    for (unsigned i = 1; i + 1 < dwords; i += 2) {
        register_write(context, p[i], p[i + 1]);
    }
    return GPU_STEP_NEXT;
}

static GpuStep execute_mi(GpuContext *context, GpuPort *port, unsigned dwords)
{
    GpuStream *stream = &context->stream;
    uint32_t *p = stream->packet;

    switch (p[0] >> 23 & 0x3f) {
    case MI_NOOP:
    case MI_ARB_CHECK:
    case MI_ARB_ON_OFF:
    case MI_MEM_FENCE:
        return GPU_STEP_NEXT;
    case MI_BATCH_BUFFER_END:
        return batch_end(stream, false);
    case MI_MATH:
        return gpu_stream_math(stream, p + 1, dwords - 1) ?
               GPU_STEP_NEXT : GPU_STEP_ERROR;
    case MI_SEMAPHORE_WAIT:
        return semaphore_wait(context, port, dwords);
    case MI_STORE_DATA_IMM:
        return store_data(context, port, dwords);
    case MI_LOAD_REGISTER_IMM:
        return load_register_imm(context, dwords);
    case MI_STORE_REGISTER_MEM:
        return store_register(context, port, dwords);
    case MI_FLUSH_DW:
        return flush_dw(context, port, dwords);
    case MI_LOAD_REGISTER_MEM:
        return load_register_memory(context, port, dwords);
    case MI_LOAD_REGISTER_REG:
        if (dwords != 3) {
            return GPU_STEP_ERROR;
        }
        register_write(context, p[2], register_read(context, p[1]));
        return GPU_STEP_NEXT;
    case MI_ATOMIC:
        return atomic(context, port, dwords);
    case MI_BATCH_BUFFER_START:
        return batch_start(stream, dwords);
    case MI_CONDITIONAL_BATCH_BUFFER_END:
        return conditional_end(context, port, dwords);
    default:
        return GPU_STEP_ERROR;
    }
}

GpuStep gpu_stream_step(GpuContext *context, GpuPort *port)
{
    GpuStream *stream = &context->stream;
    uint64_t pc = stream->pc;
    unsigned dwords = 0;
    GpuStep step;

    step = fetch_packet(context, port, &dwords);
    if (step != GPU_STEP_MORE) {
        return step;
    }
    if (stream->packet[0] >> 29 == CLIENT_MI) {
        step = execute_mi(context, port, dwords);
    } else {
        step = gpu_stream_blit(context, port);
    }
    switch (step) {
    case GPU_STEP_NEXT:
    case GPU_STEP_LOOP:
        stream->packets++;
        stream->step = 0;
        if (stream->fetched) { /* not after a jump */
            stream->fetched = 0;
            stream->pc = pc + 4 * dwords;
        }
        break;
    case GPU_STEP_WAIT:
        /* the packet is fetched again: its memory may go meanwhile */
        stream->fetched = 0;
        stream->step = 0;
        break;
    default:
        break;
    }
    return step;
}

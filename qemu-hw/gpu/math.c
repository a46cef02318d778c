/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MI_MATH: the 64-bit ALU of the command streamer. */

#include "stream.h"

enum {
    ALU_NOOP = 0x000,
    ALU_LOAD = 0x080,
    ALU_LOAD0 = 0x081,
    ALU_LOADINV = 0x480,
    ALU_LOAD1 = 0x481,
    ALU_ADD = 0x100,
    ALU_SUB = 0x101,
    ALU_AND = 0x102,
    ALU_OR = 0x103,
    ALU_XOR = 0x104,
    ALU_SHL = 0x105,
    ALU_SHR = 0x106,
    ALU_SAR = 0x107,
    ALU_STORE = 0x180,
    ALU_STOREINV = 0x580,

    ALU_SRCA = 0x20,
    ALU_SRCB = 0x21,
    ALU_ACCU = 0x31,
    ALU_ZF = 0x32,
    ALU_CF = 0x33,
};

typedef struct Alu {
    GpuStream *stream;
    uint64_t srca;
    uint64_t srcb;
    uint64_t accu;
    bool zero;
    bool carry;
} Alu;

/* A flag reads as all ones or zero. */
static bool alu_read(Alu *alu, uint32_t operand, uint64_t *value)
{
    if (operand < GPU_STREAM_REGISTERS) {
        *value = alu->stream->gpr[operand];
        return true;
    }
    switch (operand) {
    case ALU_SRCA:
        *value = alu->srca;
        return true;
    case ALU_SRCB:
        *value = alu->srcb;
        return true;
    case ALU_ACCU:
        *value = alu->accu;
        return true;
    case ALU_ZF:
        *value = alu->zero ? UINT64_MAX : 0;
        return true;
    case ALU_CF:
        *value = alu->carry ? UINT64_MAX : 0;
        return true;
    default:
        return false;
    }
}

static bool alu_write(Alu *alu, uint32_t operand, uint64_t value)
{
    if (operand < GPU_STREAM_REGISTERS) {
        alu->stream->gpr[operand] = value;
        return true;
    }
    switch (operand) {
    case ALU_SRCA:
        alu->srca = value;
        return true;
    case ALU_SRCB:
        alu->srcb = value;
        return true;
    default:
        return false;
    }
}

static bool alu_compute(Alu *alu, uint32_t op)
{
    uint64_t a = alu->srca;
    uint64_t b = alu->srcb;
    unsigned shift = b & 63;

    alu->carry = false;
    switch (op) {
    case ALU_ADD:
        alu->carry = __builtin_add_overflow(a, b, &alu->accu);
        break;
    case ALU_SUB:
        alu->carry = __builtin_sub_overflow(a, b, &alu->accu);
        break;
    case ALU_AND:
        alu->accu = a & b;
        break;
    case ALU_OR:
        alu->accu = a | b;
        break;
    case ALU_XOR:
        alu->accu = a ^ b;
        break;
    case ALU_SHL:
        alu->accu = a << shift;
        break;
    case ALU_SHR:
        alu->accu = a >> shift;
        break;
    case ALU_SAR:
        alu->accu = a >> shift;
        if (shift && a >> 63) {
            alu->accu |= UINT64_MAX << (64 - shift);
        }
        break;
    default:
        return false;
    }
    alu->zero = alu->accu == 0;
    return true;
}

static bool alu_step(Alu *alu, uint32_t word)
{
    uint32_t op = word >> 20;
    uint32_t to = word >> 10 & 0x3ff;
    uint32_t from = word & 0x3ff;
    uint64_t value;

    switch (op) {
    case ALU_NOOP:
        return true;
    case ALU_LOAD0:
        return alu_write(alu, to, 0);
    case ALU_LOAD1:
        return alu_write(alu, to, UINT64_MAX);
    case ALU_LOAD:
    case ALU_STORE:
        return alu_read(alu, from, &value) && alu_write(alu, to, value);
    case ALU_LOADINV:
    case ALU_STOREINV:
        return alu_read(alu, from, &value) && alu_write(alu, to, ~value);
    default:
        return alu_compute(alu, op);
    }
}

bool gpu_stream_math(GpuStream *stream, const uint32_t *operations,
                     unsigned count)
{
    Alu alu = { .stream = stream };

    for (unsigned i = 0; i < count; i++) {
        if (!alu_step(&alu, operations[i])) {
            return false;
        }
    }
    return true;
}

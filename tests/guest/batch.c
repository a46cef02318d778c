// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small assembler for command packets.
 */
#include <stdlib.h>

#include "batch.h"
#include "subtest.h"

#define MI(opcode, dwords)	((uint32_t)(opcode) << 23 | ((dwords) - 2))
#define MI_CS_RELATIVE		(1u << 19)

#define MI_BATCH_END		(0x0au << 23)
#define MI_MATH			0x1a
#define MI_SEMAPHORE_WAIT	0x1c
#define SEMAPHORE_EQUAL		(4u << 12)
#define MI_STORE_DWORD		0x20
#define MI_LOAD_REG_IMM		0x22
#define MI_STORE_REG_MEM	0x24
#define MI_LOAD_REG_MEM		0x29
#define MI_ATOMIC		0x2f
#define ATOMIC_INCREMENT	(5u << 8)
#define MI_BATCH_START		0x31
#define MI_COND_BATCH_END	0x36
#define COND_COMPARE		(1u << 21)
#define COND_NOT_EQUAL		(5u << 12)

#define BLT(opcode, dwords)	(2u << 29 | (uint32_t)(opcode) << 22 | ((dwords) - 2))
#define MEM_COPY		0x5a

#define GPR(n)			(0x600 + 8 * (n))

#define ALU(op, a, b)		((uint32_t)(op) << 20 | (a) << 10 | (b))
#define ALU_LOAD		0x080
#define ALU_LOAD0		0x081
#define ALU_ADD			0x100
#define ALU_STORE		0x180
#define ALU_SRCA		0x20
#define ALU_SRCB		0x21
#define ALU_ACCU		0x31

void batch_init(struct batch *batch, unsigned int dwords)
{
	*batch = (struct batch){ .room = dwords };
	batch->dw = aligned_alloc(4096, (dwords * 4 + 4095) / 4096 * 4096);
	check_that(batch->dw, "no memory for a batch");
	batch->address = (uintptr_t)batch->dw;
}

void batch_init_at(struct batch *batch, void *memory, uint64_t address, unsigned int dwords)
{
	*batch = (struct batch){ .dw = memory, .address = address, .room = dwords };
}

void batch_free(struct batch *batch)
{
	free(batch->dw);
}

uint64_t batch_here(const struct batch *batch)
{
	return batch->address + 4 * batch->count;
}

static void emit(struct batch *batch, uint32_t dword)
{
	check_that(batch->count < batch->room, "the batch is full");
	batch->dw[batch->count++] = dword;
}

static uint64_t emit_address(struct batch *batch, uint64_t addr)
{
	uint64_t field = batch_here(batch);

	emit(batch, addr);
	emit(batch, addr >> 32);

	return field;
}

void batch_set(struct batch *batch, unsigned int reg, uint64_t value)
{
	emit(batch, MI(MI_LOAD_REG_IMM, 5) | MI_CS_RELATIVE);
	emit(batch, GPR(reg));
	emit(batch, value);
	emit(batch, GPR(reg) + 4);
	emit(batch, value >> 32);
}

void batch_store_dword(struct batch *batch, uint64_t addr, uint32_t value)
{
	emit(batch, MI(MI_STORE_DWORD, 4));
	emit_address(batch, addr);
	emit(batch, value);
}

void batch_copy_dword(struct batch *batch, uint64_t dst, uint64_t src)
{
	batch_load_reg(batch, 0, 0, src);
	batch_store_reg(batch, 0, 0, dst);
}

void batch_increment(struct batch *batch, uint64_t addr)
{
	emit(batch, MI(MI_ATOMIC, 3) | ATOMIC_INCREMENT);
	emit_address(batch, addr);
}

void batch_wait_equal(struct batch *batch, uint64_t addr, uint32_t value)
{
	emit(batch, MI(MI_SEMAPHORE_WAIT, 4) | SEMAPHORE_EQUAL);
	emit(batch, value);
	emit_address(batch, addr);
}

void batch_add(struct batch *batch, unsigned int dst, unsigned int a, unsigned int b)
{
	emit(batch, MI(MI_MATH, 5));
	emit(batch, ALU(ALU_LOAD, ALU_SRCA, a));
	emit(batch, ALU(ALU_LOAD, ALU_SRCB, b));
	emit(batch, ALU(ALU_ADD, 0, 0));
	emit(batch, ALU(ALU_STORE, dst, ALU_ACCU));
}

void batch_move(struct batch *batch, unsigned int dst, unsigned int src)
{
	emit(batch, MI(MI_MATH, 5));
	emit(batch, ALU(ALU_LOAD, ALU_SRCA, src));
	emit(batch, ALU(ALU_LOAD0, ALU_SRCB, 0));
	emit(batch, ALU(ALU_ADD, 0, 0));
	emit(batch, ALU(ALU_STORE, dst, ALU_ACCU));
}

void batch_jump(struct batch *batch, uint64_t addr)
{
	emit(batch, MI(MI_BATCH_START, 3) | 1u << 8);
	emit_address(batch, addr);
}

void batch_end(struct batch *batch)
{
	emit(batch, MI_BATCH_END);
}

uint64_t batch_load_reg(struct batch *batch, unsigned int reg, int high, uint64_t addr)
{
	emit(batch, MI(MI_LOAD_REG_MEM, 4) | MI_CS_RELATIVE);
	emit(batch, GPR(reg) + 4 * high);

	return emit_address(batch, addr);
}

uint64_t batch_store_reg(struct batch *batch, unsigned int reg, int high, uint64_t addr)
{
	emit(batch, MI(MI_STORE_REG_MEM, 4) | MI_CS_RELATIVE);
	emit(batch, GPR(reg) + 4 * high);

	return emit_address(batch, addr);
}

uint64_t batch_end_if_equal(struct batch *batch, uint64_t addr, uint32_t value)
{
	emit(batch, MI(MI_COND_BATCH_END, 4) | COND_COMPARE | COND_NOT_EQUAL);
	emit(batch, value);

	return emit_address(batch, addr);
}

void batch_copy(struct batch *batch, uint32_t bytes, uint64_t *src_field, uint64_t *dst_field)
{
	emit(batch, BLT(MEM_COPY, 10));
	emit(batch, bytes - 1);
	emit(batch, 0);
	emit(batch, bytes - 1);
	emit(batch, bytes - 1);
	*src_field = emit_address(batch, 0);
	*dst_field = emit_address(batch, 0);
	emit(batch, 0);
}

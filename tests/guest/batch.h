/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches: a small assembler for the command packets of docs/hardware.md.
 * Registers are the sixteen 64-bit general-purpose ones of the command streamer.
 */
#ifndef TESTS_GUEST_BATCH_H
#define TESTS_GUEST_BATCH_H

#include <stdint.h>

/** struct batch - packets being written */
struct batch {
	/** @dw: memory, which the GPU will execute */
	uint32_t *dw;
	/** @address: where the GPU has it */
	uint64_t address;
	/** @count: dwords written */
	unsigned int count;
	/** @room: dwords of memory */
	unsigned int room;
};

/* A batch in memory of its own, for VMs that mirror the process. */
void batch_init(struct batch *batch, unsigned int dwords);
void batch_free(struct batch *batch);
/* A batch in @memory, which the GPU has at @address. */
void batch_init_at(struct batch *batch, void *memory, uint64_t address, unsigned int dwords);
/* Address of the next packet. */
uint64_t batch_here(const struct batch *batch);

void batch_set(struct batch *batch, unsigned int reg, uint64_t value);
void batch_store_dword(struct batch *batch, uint64_t addr, uint32_t value);
/* Copies a dword through a register of the GPU. */
void batch_copy_dword(struct batch *batch, uint64_t dst, uint64_t src);
/* Adds one to the dword at @addr, atomically. */
void batch_increment(struct batch *batch, uint64_t addr);
/* Waits until the dword at @addr is @value; other contexts run meanwhile. */
void batch_wait_equal(struct batch *batch, uint64_t addr, uint32_t value);
void batch_add(struct batch *batch, unsigned int dst, unsigned int a, unsigned int b);
void batch_move(struct batch *batch, unsigned int dst, unsigned int src);
void batch_jump(struct batch *batch, uint64_t addr);
void batch_end(struct batch *batch);

/*
 * Packets with a memory address return where that address stands in the batch,
 * so that the GPU itself can write it (batch_store_reg to it).
 */
uint64_t batch_load_reg(struct batch *batch, unsigned int reg, int high, uint64_t addr);
uint64_t batch_store_reg(struct batch *batch, unsigned int reg, int high, uint64_t addr);
/* Goes on while the dword at @addr is not @value. */
uint64_t batch_end_if_equal(struct batch *batch, uint64_t addr, uint32_t value);
/* Linear copy of @bytes < 256 KiB; @src_field and @dst_field say where the addresses stand. */
void batch_copy(struct batch *batch, uint32_t bytes, uint64_t *src_field, uint64_t *dst_field);

#endif

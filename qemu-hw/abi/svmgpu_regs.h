/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * svmgpu register interface: PCI identity, BAR layout, registers, doorbells
 * and interrupt vectors of one GPU function.
 *
 * Concepts
 *   Registers are slow (each access leaves the guest), so they serve discovery,
 *   ring set-up and doorbells only. Work and answers travel through rings in
 *   guest memory (svmgpu_ring.h); a doorbell is rung, and an interrupt raised,
 *   only when the other side has said in memory that it sleeps.
 *
 * docs/hardware.md is the manual that explains each entry of this file.
 */
#ifndef SVMGPU_ABI_REGS_H
#define SVMGPU_ABI_REGS_H

#include <linux/types.h>

/* --- PCI identity ------------------------------------------------------- */

#define SVMGPU_PCI_VENDOR		0x1234	/* QEMU's experimental vendor */
#define SVMGPU_PCI_DEVICE		0x5347
#define SVMGPU_PCI_CLASS		0x038000 /* display controller, other */
#define SVMGPU_PCI_REVISION		1

#define SVMGPU_BAR_REGS			0	/* registers and MSI-X, 32-bit */
#define SVMGPU_BAR_VRAM			2	/* VRAM, 64-bit prefetchable */
#define SVMGPU_BAR_TRACE		4	/* trace rings, then pagemap, 64-bit */

#define SVMGPU_BAR_REGS_BYTES		0x200000
#define SVMGPU_MSIX_TABLE_OFFSET	0x10000	/* in BAR 0 */
#define SVMGPU_MSIX_PBA_OFFSET		0x18000	/* in BAR 0 */

/* --- limits -------------------------------------------------------------- */

#define SVMGPU_MAX_GPUS			8
#define SVMGPU_MAX_ENGINES		16
#define SVMGPU_MAX_CONTEXTS		16384	/* context ids 1 .. 16383; 0 is none */
#define SVMGPU_MAX_ASIDS		8192	/* address-space ids 1 .. 8191; 0 is none */

/* --- interrupt vectors (MSI-X) ------------------------------------------- */

enum svmgpu_vector {
	SVMGPU_VECTOR_EVENT	= 0,	/* event ring has entries */
	SVMGPU_VECTOR_FAULT	= 1,	/* fault ring has entries */
	SVMGPU_VECTOR_COMMAND	= 2,	/* a command with _F_IRQ retired */
	SVMGPU_VECTOR_MIGRATION	= 3,	/* a descriptor with _F_IRQ retired */
	SVMGPU_VECTOR_ERROR	= 4,	/* SVMGPU_REG_STATUS changed for the worse */
	SVMGPU_VECTORS		= 8,
};

/* --- registers: 32-bit; a LO/HI pair may be read as one 64-bit access ---- */

#define SVMGPU_REG_MAGIC		0x000	/* RO SVMGPU_MAGIC */
#define SVMGPU_REG_VERSION		0x004	/* RO SVMGPU_ABI_VERSION */
#define SVMGPU_REG_GPU_INDEX		0x008	/* RO place in the fabric, 0 .. count-1 */
#define SVMGPU_REG_GPU_COUNT		0x00c	/* RO GPUs in the device process */
#define SVMGPU_REG_CAPS			0x010	/* RO SVMGPU_CAP_* */
#define SVMGPU_REG_FABRIC_ID		0x014	/* RO equal on all GPUs of one fabric */
#define SVMGPU_REG_FABRIC_PEERS		0x018	/* RO bit n: a link to GPU n exists */
#define SVMGPU_REG_FABRIC_UP		0x01c	/* RO bit n: that link is up */
#define SVMGPU_REG_VRAM_SIZE_LO		0x020	/* RO bytes of VRAM */
#define SVMGPU_REG_VRAM_SIZE_HI		0x024
#define SVMGPU_REG_VRAM_VISIBLE_LO	0x028	/* RO bytes of it behind BAR 2 */
#define SVMGPU_REG_VRAM_VISIBLE_HI	0x02c
#define SVMGPU_REG_TIME_LO		0x030	/* RO device clock, ns; latches HI */
#define SVMGPU_REG_TIME_HI		0x034
#define SVMGPU_REG_ENGINE_COUNT		0x038	/* RO */
#define SVMGPU_REG_REFERENCE_CLOCK	0x03c	/* RO Hz of CTX_TIMESTAMP */
#define SVMGPU_REG_TRACE_BYTES_LO	0x040	/* RO bytes of the trace area at BAR 4 + 0 */
#define SVMGPU_REG_TRACE_BYTES_HI	0x044
#define SVMGPU_REG_PAGEMAP_OFFSET_LO	0x048	/* RO offset of the pagemap in BAR 4 */
#define SVMGPU_REG_PAGEMAP_OFFSET_HI	0x04c

#define SVMGPU_REG_CONTROL		0x080	/* RW SVMGPU_CONTROL_* */
#define SVMGPU_REG_STATUS		0x084	/* RO SVMGPU_STATUS_* */
#define SVMGPU_REG_ERROR_COUNT		0x088	/* RO guest errors counted so far */
#define SVMGPU_REG_ERROR_LAST		0x08c	/* RO enum svmgpu_error of the last one */

/* engine n: SVMGPU_ENGINE_CLASS | SVMGPU_ENGINE_INSTANCE */
#define SVMGPU_REG_ENGINE(n)		(0x100 + 4 * (n))	/* RO */

/* ring n of enum svmgpu_ring_id: write BASE and SIZE, then ENABLE */
#define SVMGPU_REG_RING_BASE_LO(n)	(0x200 + 0x10 * (n))	/* RW DMA address */
#define SVMGPU_REG_RING_BASE_HI(n)	(0x204 + 0x10 * (n))
#define SVMGPU_REG_RING_LOG2(n)		(0x208 + 0x10 * (n))	/* RW log2 of entries, 4 .. 16 */
#define SVMGPU_REG_RING_ENABLE(n)	(0x20c + 0x10 * (n))	/* RW 1 = on; 0 waits until unused */

/* doorbells */
#define SVMGPU_REG_DOORBELL_COMMAND	0x1000	/* WO command ring has entries */
#define SVMGPU_REG_DOORBELL_MIGRATION	0x1004	/* WO migration ring has entries */
#define SVMGPU_REG_DOORBELL_CONTEXT	0x1008	/* WO value = context id with new jobs */
#define SVMGPU_REG_DOORBELL_FAULT	0x100c	/* WO the full fault ring has room again */
#define SVMGPU_REG_DOORBELL_EVENT	0x1010	/* WO the full event ring has room again */
#define SVMGPU_REG_DOORBELL_TRACE	0x1014	/* WO trace rings have records */

/* a page for processes: writes are ordered behind earlier ones to BAR 2 and else ignored */
#define SVMGPU_BARRIER_PAGE		0xf000	/* in BAR 0; 4 KiB; reads SVMGPU_BARRIER_READS */
#define SVMGPU_BARRIER_READS		0xdeadbeefu

/* where the xe uAPI's user space asks whether this is an SR-IOV virtual function */
#define SVMGPU_REG_VF_CAP		0x1901f8	/* RO 0: it is not */

#define SVMGPU_MAGIC			0x474d5653u	/* "SVMG" */
#define SVMGPU_ABI_VERSION		0x00010001u	/* major << 16 | minor */

#define SVMGPU_CAP_ACCESSED_DIRTY	(1u << 0)	/* the MMU sets PTE A and D bits */
#define SVMGPU_CAP_PAGEMAP		(1u << 1)
#define SVMGPU_CAP_ACCESS_COUNTERS	(1u << 2)

#define SVMGPU_CONTROL_ENABLE		(1u << 0)	/* rings are served */
#define SVMGPU_CONTROL_RESET		(1u << 1)	/* self-clearing global reset */

#define SVMGPU_STATUS_READY		(1u << 0)
#define SVMGPU_STATUS_RESETTING		(1u << 1)
#define SVMGPU_STATUS_WEDGED		(1u << 2)	/* only a reset helps */
#define SVMGPU_STATUS_GONE		0xffffffffu	/* surprise removal: every read */

#define SVMGPU_ENGINE_CLASS(v)		((v) & 0xff)	/* enum svmgpu_engine_class */
#define SVMGPU_ENGINE_INSTANCE(v)	(((v) >> 8) & 0xff)
#define SVMGPU_ENGINE_VALUE(c, i)	((c) | (i) << 8)

/* numbered as the engine classes of the public xe uAPI are */
enum svmgpu_engine_class {
	SVMGPU_ENGINE_RENDER		= 0,
	SVMGPU_ENGINE_COPY		= 1,
	SVMGPU_ENGINE_VIDEO_DECODE	= 2,
	SVMGPU_ENGINE_VIDEO_ENHANCE	= 3,
	SVMGPU_ENGINE_COMPUTE		= 4,
};

/* what the guest did wrong, or what happened to a job, descriptor or command */
enum svmgpu_error {
	SVMGPU_OK			= 0,
	SVMGPU_ERROR_BAD_REGISTER	= 1,	/* undefined offset, size or value */
	SVMGPU_ERROR_BAD_RING		= 2,	/* ring memory unreachable or indices insane */
	SVMGPU_ERROR_BAD_COMMAND	= 3,	/* unknown command or argument */
	SVMGPU_ERROR_BAD_DESCRIPTOR	= 4,	/* unknown migration descriptor or argument */
	SVMGPU_ERROR_BAD_ADDRESS	= 5,	/* physical address outside its aperture */
	SVMGPU_ERROR_BAD_PACKET		= 6,	/* unknown packet in a batch */
	SVMGPU_ERROR_FAULT		= 7,	/* fault without fault mode, or answered with failure */
	SVMGPU_ERROR_KILLED		= 8,	/* SVMGPU_CMD_CTX_KILL */
	SVMGPU_ERROR_RESET		= 9,	/* global reset */
	SVMGPU_ERROR_POISON		= 10,	/* poisoned VRAM page */
	SVMGPU_ERROR_LINK		= 11,	/* fabric link down or missing */
	SVMGPU_ERROR_HANG		= 12,	/* injected hang, ended by a kill */
};

/* --- pagemap: one entry per 4 KiB page of VRAM, in BAR 4 ------------------ */

enum svmgpu_page_state {
	SVMGPU_PAGE_FREE	= 0,
	SVMGPU_PAGE_OWNED	= 1,
	SVMGPU_PAGE_MIGRATING	= 2,
	SVMGPU_PAGE_POISONED	= 3,
};

struct svmgpu_pagemap_entry {
	__u64 va;		/* owner's virtual address, 4 KiB aligned */
	__u16 asid;		/* owner's address space, 0 = the driver's own */
	__u8 state;		/* enum svmgpu_page_state */
	__u8 flags;		/* bit 0 accessed, bit 1 dirty */
	__u32 access_count;	/* saturating */
};

#endif

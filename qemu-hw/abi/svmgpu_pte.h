/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * svmgpu physical addresses and page tables.
 *
 * Concepts
 *   A *physical address* (paddr) names a byte of one aperture: system memory
 *   (a DMA address), the GPU's own VRAM, or the VRAM of a peer on the fabric.
 *   A *page-table entry* is such an address with flags in its low 12 bits.
 *   The tree has four levels of 512 entries (level 3 is the root) and maps
 *   48 bits. A leaf may stand at level 0 (4 KiB), 1 (2 MiB) or 2 (1 GiB);
 *   sixteen aligned level-0 entries with _CONTIG64K form one 64 KiB leaf.
 *   The MMU reads entries with single 64-bit loads and sets A and D with
 *   compare-and-exchange, so that a zapped entry stays zero.
 */
#ifndef SVMGPU_ABI_PTE_H
#define SVMGPU_ABI_PTE_H

#include <linux/types.h>

enum svmgpu_aperture {
	SVMGPU_APERTURE_SYSTEM	= 0,
	SVMGPU_APERTURE_VRAM	= 1,	/* this GPU's own */
	SVMGPU_APERTURE_PEER	= 2,	/* VRAM of GPU SVMGPU_PADDR_PEER */
};

#define SVMGPU_PADDR_OFFSET_MASK	0x000fffffffffffffULL	/* bits 51:0 */
#define SVMGPU_PADDR_APERTURE_SHIFT	52			/* bits 55:52 */
#define SVMGPU_PADDR_PEER_SHIFT		56			/* bits 59:56 */

#define SVMGPU_PADDR(aperture, peer, offset)				\
	((__u64)(aperture) << SVMGPU_PADDR_APERTURE_SHIFT |		\
	 (__u64)(peer) << SVMGPU_PADDR_PEER_SHIFT |			\
	 ((__u64)(offset) & SVMGPU_PADDR_OFFSET_MASK))
#define SVMGPU_PADDR_SYSTEM(dma)	SVMGPU_PADDR(SVMGPU_APERTURE_SYSTEM, 0, dma)
#define SVMGPU_PADDR_VRAM(offset)	SVMGPU_PADDR(SVMGPU_APERTURE_VRAM, 0, offset)
#define SVMGPU_PADDR_OF_PEER(gpu, off)	SVMGPU_PADDR(SVMGPU_APERTURE_PEER, gpu, off)
#define SVMGPU_PADDR_APERTURE(p)	(((p) >> SVMGPU_PADDR_APERTURE_SHIFT) & 0xf)
#define SVMGPU_PADDR_PEER(p)		(((p) >> SVMGPU_PADDR_PEER_SHIFT) & 0xf)
#define SVMGPU_PADDR_OFFSET(p)		((p) & SVMGPU_PADDR_OFFSET_MASK)

#define SVMGPU_PTE_VALID	(1ULL << 0)
#define SVMGPU_PTE_WRITE	(1ULL << 1)
#define SVMGPU_PTE_ATOMIC	(1ULL << 2)	/* atomics allowed (needs _WRITE) */
#define SVMGPU_PTE_LEAF		(1ULL << 3)	/* leaf at level 1 or 2; set at level 0 too */
#define SVMGPU_PTE_NULL		(1ULL << 4)	/* sparse leaf: reads zero, writes dropped */
#define SVMGPU_PTE_ACCESSED	(1ULL << 5)
#define SVMGPU_PTE_DIRTY	(1ULL << 6)
#define SVMGPU_PTE_CONTIG64K	(1ULL << 7)
#define SVMGPU_PTE_SOFTWARE	(0xfULL << 8)	/* ignored by the MMU */
#define SVMGPU_PTE_PADDR_MASK	0x0ffffffffffff000ULL	/* bits 59:12 */

#define SVMGPU_PT_ROOT_LEVEL	3
#define SVMGPU_PT_ENTRIES	512
#define SVMGPU_PT_SHIFT(level)	(12 + 9 * (level))	/* log2 bytes of one entry's span */
#define SVMGPU_PT_INDEX(va, level) (((va) >> SVMGPU_PT_SHIFT(level)) & 511)
#define SVMGPU_VA_BITS		48

#endif

// SPDX-License-Identifier: GPL-2.0
/*
 * The page attribute table. See svmgpu_pat.h.
 */

#include <linux/bitfield.h>
#include <linux/bits.h>

#include <drm/drm_print.h>

#include "svmgpu_pat.h"

/* fields of an entry, as the GPU whose id is reported has them */
#define PAT_NO_PROMOTE	BIT(10)
#define PAT_COMPRESS	BIT(9)
#define PAT_L3_CLASS	GENMASK(7, 6)
#define PAT_L3_POLICY	GENMASK(5, 4)	/* 0 write-back, 1 transient, 3 uncached */
#define PAT_L4_POLICY	GENMASK(3, 2)	/* 0 write-back, 1 write-through, 3 uncached */
#define PAT_COHERENCE	GENMASK(1, 0)	/* enum svmgpu_pat_coherence */

#define PAT(promote, compress, l3_class, l3, l4, coherence)	\
	(FIELD_PREP_CONST(PAT_NO_PROMOTE, promote) |		\
	 FIELD_PREP_CONST(PAT_COMPRESS, compress) |		\
	 FIELD_PREP_CONST(PAT_L3_CLASS, l3_class) |		\
	 FIELD_PREP_CONST(PAT_L3_POLICY, l3) |			\
	 FIELD_PREP_CONST(PAT_L4_POLICY, l4) |			\
	 FIELD_PREP_CONST(PAT_COHERENCE, coherence))

#define PAT_RESERVED_FIRST	16
#define PAT_RESERVED_LAST	19

static const u32 svmgpu_pat_table[SVMGPU_PAT_ENTRIES] = {
	[0] = PAT(0, 0, 0, 0, 3, 0),
	[1] = PAT(0, 0, 0, 0, 3, 2),
	[2] = PAT(0, 0, 0, 0, 3, 3),
	[3] = PAT(0, 0, 0, 3, 3, 0),
	[4] = PAT(0, 0, 0, 3, 0, 2),
	[5] = PAT(0, 0, 0, 3, 3, 2),
	[6] = PAT(1, 0, 0, 1, 3, 0),
	[7] = PAT(0, 0, 0, 3, 0, 3),
	[8] = PAT(0, 0, 0, 3, 0, 0),
	[9] = PAT(0, 1, 0, 0, 3, 0),
	[10] = PAT(0, 1, 0, 3, 0, 0),
	[11] = PAT(1, 1, 0, 1, 3, 0),
	[12] = PAT(0, 1, 0, 3, 3, 0),
	[13] = PAT(0, 0, 0, 0, 0, 0),
	[14] = PAT(0, 1, 0, 0, 0, 0),
	[15] = PAT(1, 1, 0, 1, 1, 0),
	[20] = PAT(0, 0, 1, 0, 3, 0),
	[21] = PAT(0, 1, 1, 0, 3, 0),
	[22] = PAT(0, 0, 1, 0, 3, 2),
	[23] = PAT(0, 0, 1, 0, 3, 3),
	[24] = PAT(0, 0, 2, 0, 3, 0),
	[25] = PAT(0, 1, 2, 0, 3, 0),
	[26] = PAT(0, 0, 2, 0, 3, 2),
	[27] = PAT(0, 0, 2, 0, 3, 3),
};

/**
 * svmgpu_pat_valid() - may user space use an index?
 * @index: pat_index of the uAPI
 *
 * Return: true for entries of the table that are not reserved.
 */
bool svmgpu_pat_valid(u32 index)
{
	return index < SVMGPU_PAT_ENTRIES &&
	       (index < PAT_RESERVED_FIRST || index > PAT_RESERVED_LAST);
}

/**
 * svmgpu_pat_coherence() - what an index promises
 * @index: a valid index
 *
 * Return: the coherence with CPU caches.
 */
enum svmgpu_pat_coherence svmgpu_pat_coherence(u32 index)
{
	return FIELD_GET(PAT_COHERENCE, svmgpu_pat_table[index]);
}

/**
 * svmgpu_pat_compressed() - does an index ask for compression?
 * @index: a valid index
 *
 * Return: true if so. There is none; it has no effect.
 */
bool svmgpu_pat_compressed(u32 index)
{
	return FIELD_GET(PAT_COMPRESS, svmgpu_pat_table[index]);
}

static void svmgpu_pat_print_entry(struct drm_printer *p, const char *name, u32 value,
				   bool reserved)
{
	drm_printf(p, "%s = [ %u, %u, %u, %u, %u, %u ]  (%#8x)%s\n", name,
		   (u32)FIELD_GET(PAT_NO_PROMOTE, value), (u32)FIELD_GET(PAT_COMPRESS, value),
		   (u32)FIELD_GET(PAT_L3_CLASS, value), (u32)FIELD_GET(PAT_L3_POLICY, value),
		   (u32)FIELD_GET(PAT_L4_POLICY, value), (u32)FIELD_GET(PAT_COHERENCE, value),
		   value, reserved ? " *" : "");
}

/**
 * svmgpu_pat_print() - debugfs gt0/pat and gt0/pat_sw_config
 * @p: where to
 * @software: also which indices stand for the usual kinds of memory
 */
void svmgpu_pat_print(struct drm_printer *p, bool software)
{
	char name[16];
	u32 i;

	drm_puts(p, "PAT table: (* = reserved entry)\n");
	for (i = 0; i < SVMGPU_PAT_ENTRIES; i++) {
		snprintf(name, sizeof(name), "PAT[%2u]", i);
		svmgpu_pat_print_entry(p, name, svmgpu_pat_table[i], !svmgpu_pat_valid(i));
	}
	drm_puts(p, "Page Table Access:\n");
	svmgpu_pat_print_entry(p, "PTA_MODE", PAT(0, 0, 0, 0, 3, 2), false);
	drm_puts(p, "PCIe ATS/PASID:\n");
	svmgpu_pat_print_entry(p, "PAT_ATS ", PAT(0, 0, 0, 0, 3, 3), false);
	if (!software)
		return;
	drm_puts(p, "Cache Level:\n");
	drm_printf(p, "IDX[XE_CACHE_NONE] = %d\n", SVMGPU_PAT_INDEX_UC);
	drm_printf(p, "IDX[XE_CACHE_WT] = %d\n", SVMGPU_PAT_INDEX_WT);
	drm_printf(p, "IDX[XE_CACHE_WB] = %d\n", SVMGPU_PAT_INDEX_WB);
	drm_puts(p, "IDX[XE_CACHE_NONE_COMPRESSION] = 12\n");
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The page attribute table: what a pat_index of the uAPI means. The device
 * caches nothing, so the table only decides which indices exist, which
 * coherence they promise and whether they ask for compression; its values are
 * those of the GPU whose device id is reported, because tests compare them.
 */
#ifndef SVMGPU_PAT_H
#define SVMGPU_PAT_H

#include <linux/types.h>

struct drm_printer;

/** enum svmgpu_pat_coherence - CPU coherence that an index promises */
enum svmgpu_pat_coherence {
	/** @SVMGPU_PAT_COH_NONE: none; refused for userptrs and WB objects */
	SVMGPU_PAT_COH_NONE = 0,
	/** @SVMGPU_PAT_COH_1WAY: the GPU snoops CPU caches */
	SVMGPU_PAT_COH_1WAY = 2,
	/** @SVMGPU_PAT_COH_2WAY: and the CPU GPU caches */
	SVMGPU_PAT_COH_2WAY = 3,
};

/*
 * Number of indices of the table; valid ones are told by svmgpu_pat_valid(). The
 * GPU whose id is reported by default has four more, which it cannot use.
 */
#define SVMGPU_PAT_ENTRIES	28

/* What drivers use when user space gives no index. */
#define SVMGPU_PAT_INDEX_UC	3
#define SVMGPU_PAT_INDEX_WT	15
#define SVMGPU_PAT_INDEX_WB	2

bool svmgpu_pat_valid(u32 index);
enum svmgpu_pat_coherence svmgpu_pat_coherence(u32 index);
bool svmgpu_pat_compressed(u32 index);
void svmgpu_pat_print(struct drm_printer *p, bool software);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checksums of pages that are copied, for the event log (rule S10): the CPU reads
 * the source before the copy engine does, and the destination afterwards. Off
 * unless the module parameter svm_checksum asks for it.
 */
#ifndef SVMGPU_CHECKSUM_H
#define SVMGPU_CHECKSUM_H

#include <linux/types.h>

struct svmgpu_device;

/** struct svmgpu_checksum - of both ends of one or more copies; 0: nothing was read */
struct svmgpu_checksum {
	/** @before: of the source */
	u64 before;
	/** @after: of the destination */
	u64 after;
};

bool svmgpu_checksum_wanted(void);
/* May sleep. False: the CPU does not reach all of it; @sum then means nothing. */
bool svmgpu_checksum_add(struct svmgpu_device *dev, u64 *sum, u64 paddr, u64 bytes);
/* One more copy, of the same migration. */
void svmgpu_checksum_join(struct svmgpu_checksum *all, const struct svmgpu_checksum *one);

#endif

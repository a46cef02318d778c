/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sync entries of EXEC and VM_BIND: syncobjs (binary and timeline) and user
 * fences, parsed once, added to a job as dependencies, and signalled by a fence.
 */
#ifndef SVMGPU_SYNC_H
#define SVMGPU_SYNC_H

#include <linux/dma-fence.h>

#include <drm/drm_syncobj.h>

#include "svmgpu_user_fence.h"

struct drm_sched_job;
struct drm_xe_sync;
struct svmgpu_device;
struct svmgpu_file;

/** struct svmgpu_sync - one parsed entry */
struct svmgpu_sync {
	/** @syncobj: out-sync target, or NULL */
	struct drm_syncobj *syncobj;
	/** @fence: in-sync fence, or NULL */
	struct dma_fence *fence;
	/** @chain: node for a timeline point */
	struct dma_fence_chain *chain;
	/** @point: timeline value */
	u64 point;
	/** @ufence: user fence of a bind, or NULL */
	struct svmgpu_user_fence *ufence;
	/** @addr: user fence's address */
	u64 addr;
	/** @value: user fence's value */
	u64 value;
	/** @type: DRM_XE_SYNC_TYPE_* */
	u32 type;
	/** @flags: DRM_XE_SYNC_FLAG_* */
	u32 flags;
};

#define SVMGPU_SYNC_EXEC	BIT(0)	/* user fences are GPU addresses */
#define SVMGPU_SYNC_LR		BIT(1)	/* long-running: no syncobj signalling */
#define SVMGPU_SYNC_DISALLOW_USER_FENCE	BIT(2)

/* Pure: what svmgpu_sync_parse() says of an entry before it looks up anything. */
int svmgpu_sync_check(const struct drm_xe_sync *in, unsigned int flags);
int svmgpu_sync_parse(struct svmgpu_device *dev, struct svmgpu_file *file,
		      struct svmgpu_sync *sync, struct drm_xe_sync __user *user,
		      unsigned int flags);
int svmgpu_sync_add_deps(const struct svmgpu_sync *sync, struct drm_sched_job *job);
/* Out-syncs: @fence becomes the syncobj's; a bind's user fence is written when it signals. */
void svmgpu_sync_signal(struct svmgpu_sync *sync, struct dma_fence *fence);
void svmgpu_sync_cleanup(struct svmgpu_sync *sync);

/* One fence for all in-syncs and @queue_fence (may be NULL): for submissions without a job. */
struct dma_fence *svmgpu_sync_in_fence(struct svmgpu_sync *sync, unsigned int count,
				       struct dma_fence *queue_fence);

static inline bool svmgpu_sync_is_user_fence(const struct svmgpu_sync *sync)
{
	return sync->ufence;
}

struct svmgpu_user_fence *svmgpu_sync_user_fence_get(const struct svmgpu_sync *sync);

#endif

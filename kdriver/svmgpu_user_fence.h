/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User fences of binds: a value that the driver writes to a CPU address of the
 * process that asked for it, when a fence has signalled. (The user fences of
 * jobs are written by the GPU.)
 */
#ifndef SVMGPU_USER_FENCE_H
#define SVMGPU_USER_FENCE_H

#include <linux/types.h>

struct dma_fence;
struct svmgpu_device;
struct svmgpu_user_fence;

struct svmgpu_user_fence *svmgpu_user_fence_create(struct svmgpu_device *dev, u64 addr,
						   u64 value);
struct svmgpu_user_fence *svmgpu_user_fence_get(struct svmgpu_user_fence *ufence);
void svmgpu_user_fence_put(struct svmgpu_user_fence *ufence);
/* Once per user fence. Neither sleeps nor fails. */
void svmgpu_user_fence_attach(struct svmgpu_user_fence *ufence, struct dma_fence *fence);
bool svmgpu_user_fence_signalled(struct svmgpu_user_fence *ufence);

#endif

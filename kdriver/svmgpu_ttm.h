/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TTM below the buffer objects. TTM_PL_VRAM is this GPU's memory, TTM_PL_TT is
 * system memory that the GPU reaches by DMA, TTM_PL_SYSTEM is no place that the
 * GPU could use: backing not made yet, swapped out, purged, or (SVM objects)
 * given back to the process.
 */
#ifndef SVMGPU_TTM_H
#define SVMGPU_TTM_H

#include <linux/types.h>

struct dma_buf;
struct dma_resv;
struct svmgpu_bo;
struct svmgpu_device;
struct svmgpu_vm;
struct ttm_buffer_object;
struct ttm_operation_ctx;
struct ttm_resource;
struct ttm_tt;

/* of 4 KiB, in a large piece of system memory */
#define SVMGPU_TT_LARGE_PAGES	512

int svmgpu_ttm_init(struct svmgpu_device *dev);
void svmgpu_ttm_fini(struct svmgpu_device *dev);
/* Is it one of ours, and not a ghost that TTM keeps for a move under way? */
bool svmgpu_ttm_is_bo(const struct ttm_buffer_object *ttm);
/* Whole resource behind BAR 2? */
bool svmgpu_resource_visible(const struct ttm_resource *res);
/* Do 2 MiB that are contiguous and aligned for DMA begin at @page? */
bool svmgpu_tt_is_large(struct ttm_tt *tt, u64 page);
/* Pages from @page on that are in such pieces. */
u64 svmgpu_tt_large(struct ttm_tt *tt, u64 page);
/* svmgpu_bo.c: TTM's destructor */
void svmgpu_bo_destroy(struct ttm_buffer_object *ttm);
/* svmgpu_bo.c: also imported objects (@dma_buf) */
struct svmgpu_bo *svmgpu_bo_create_type(struct svmgpu_device *dev, struct svmgpu_vm *vm,
					struct dma_resv *resv, size_t size, u32 flags,
					u16 cpu_caching, struct dma_buf *dma_buf);
/* svmgpu_prime.c: gives an imported object its addresses (TT) or takes them away (SYSTEM) */
int svmgpu_prime_move(struct svmgpu_bo *bo, struct ttm_resource *new_mem);
void svmgpu_prime_unmap(struct svmgpu_bo *bo);

#endif

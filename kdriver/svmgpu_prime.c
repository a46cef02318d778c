// SPDX-License-Identifier: GPL-2.0
/*
 * PRIME: buffer objects as dma-bufs.
 *
 * Between GPUs of one fabric an object stays in its VRAM: the importer gets the
 * physical addresses of the exporter's VRAM as a peer sees them (svmgpu_pte.h),
 * in the place of DMA addresses. Everybody else gets system memory. When the
 * object moves, importers drop their addresses and ask again at the next
 * validation.
 */

#include <linux/dma-buf.h>
#include <linux/error-injection.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_tt.h>

#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_pte.h"
#include "svmgpu_ttm.h"
#include "svmgpu_validation.h"

MODULE_IMPORT_NS("DMA_BUF");

static const struct dma_buf_ops svmgpu_dmabuf_ops;
static const struct dma_buf_attach_ops svmgpu_attach_ops;

/* The importing GPU, if it is one of ours that reaches @owner's VRAM over the fabric. */
static struct svmgpu_device *svmgpu_prime_peer(struct svmgpu_device *owner,
					       struct dma_buf_attachment *attach)
{
	struct svmgpu_device *peer;

	if (attach->importer_ops != &svmgpu_attach_ops)
		return NULL;
	peer = to_svmgpu(((struct drm_gem_object *)attach->importer_priv)->dev);
	if (peer->caps.fabric_id != owner->caps.fabric_id ||
	    !(peer->caps.fabric_peers & BIT(owner->caps.gpu_index)))
		return NULL;
	return peer;
}

/* --- exporter -------------------------------------------------------------- */

static int svmgpu_prime_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct svmgpu_bo *bo = gem_to_bo(dmabuf->priv);

	attach->peer2peer = svmgpu_prime_peer(ttm_to_svmgpu(bo->ttm.bdev), attach);
	if (!attach->peer2peer && !(bo->flags & SVMGPU_BO_SYSTEM))
		return -EOPNOTSUPP;
	return 0;
}

static bool svmgpu_prime_all_peers(struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;

	list_for_each_entry(attach, &dmabuf->attachments, node)
		if (!attach->peer2peer)
			return false;
	return true;
}

/* resv held */
static int svmgpu_prime_pin(struct dma_buf_attachment *attach)
{
	struct svmgpu_bo *bo = gem_to_bo(attach->dmabuf->priv);
	int err;

	if (bo->purge != SVMGPU_WILLNEED)
		return -EINVAL;
	if (svmgpu_prime_all_peers(attach->dmabuf))
		err = svmgpu_bo_validate(bo, NULL, true);
	else
		err = svmgpu_bo_migrate(bo, false);
	if (!err)
		ttm_bo_pin(&bo->ttm);
	return err;
}

/* resv held */
static void svmgpu_prime_unpin(struct dma_buf_attachment *attach)
{
	ttm_bo_unpin(&gem_to_bo(attach->dmabuf->priv)->ttm);
}

/* The addresses of VRAM as @peer sees them. Entries have no pages. */
static struct sg_table *svmgpu_prime_vram_table(struct svmgpu_device *peer, struct svmgpu_bo *bo)
{
	struct svmgpu_bo_cursor cursor;
	struct scatterlist *sg;
	struct sg_table *table;
	unsigned int i, n = 0;

	/* the length of an entry is 32-bit */
	svmgpu_bo_cursor_init(&cursor, peer, bo, 0, bo->ttm.base.size);
	for (; cursor.bytes; n++)
		svmgpu_bo_cursor_next(&cursor, min_t(u64, cursor.bytes, SZ_1G));

	table = kzalloc_obj(*table);
	if (!table)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table(table, n, GFP_KERNEL)) {
		kfree(table);
		return ERR_PTR(-ENOMEM);
	}
	svmgpu_bo_cursor_init(&cursor, peer, bo, 0, bo->ttm.base.size);
	for_each_sgtable_sg(table, sg, i) {
		u32 bytes = min_t(u64, cursor.bytes, SZ_1G);

		sg_set_page(sg, NULL, bytes, 0);
		sg_dma_address(sg) = cursor.paddr;
		sg_dma_len(sg) = bytes;
		svmgpu_bo_cursor_next(&cursor, bytes);
	}
	return table;
}

static struct sg_table *svmgpu_prime_page_table(struct dma_buf_attachment *attach,
						struct svmgpu_bo *bo,
						enum dma_data_direction dir)
{
	struct ttm_tt *tt = bo->ttm.ttm;
	struct sg_table *table;
	int err;

	table = drm_prime_pages_to_sg(bo->ttm.base.dev, tt->pages,
				      bo->ttm.base.size >> PAGE_SHIFT);
	if (IS_ERR(table))
		return table;
	err = dma_map_sgtable(attach->dev, table, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (err) {
		sg_free_table(table);
		kfree(table);
		return ERR_PTR(err);
	}
	return table;
}

/* resv held */
static struct sg_table *svmgpu_prime_map(struct dma_buf_attachment *attach,
					 enum dma_data_direction dir)
{
	struct svmgpu_bo *bo = gem_to_bo(attach->dmabuf->priv);
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	struct svmgpu_device *peer;
	int err = 0, idx;

	if (bo->purge == SVMGPU_PURGED)
		return ERR_PTR(-EINVAL);
	/* an exporter that is gone gave it its last place, in system memory */
	if (drm_dev_enter(&dev->drm, &idx)) {
		if (svmgpu_device_wedged(dev))
			err = -ENODEV;
		else if (attach->peer2peer)
			err = svmgpu_bo_validate(bo, NULL, true);
		else
			err = svmgpu_bo_migrate(bo, false);
		drm_dev_exit(idx);
	} else if (!bo->ttm.resource || bo->ttm.resource->mem_type == TTM_PL_VRAM ||
		   !bo->ttm.ttm || !ttm_tt_is_populated(bo->ttm.ttm)) {
		err = -ENODEV;
	}
	if (err)
		return ERR_PTR(err);
	if (bo->ttm.resource->mem_type != TTM_PL_VRAM)
		return svmgpu_prime_page_table(attach, bo, dir);
	peer = svmgpu_prime_peer(ttm_to_svmgpu(bo->ttm.bdev), attach);
	/* pinned in VRAM by a peer, and now somebody else comes */
	if (!peer)
		return ERR_PTR(-EBUSY);
	return svmgpu_prime_vram_table(peer, bo);
}
ALLOW_ERROR_INJECTION(svmgpu_prime_map, ERRNO);

static void svmgpu_prime_unmap_table(struct dma_buf_attachment *attach, struct sg_table *table,
				     enum dma_data_direction dir)
{
	if (sg_page(table->sgl))
		dma_unmap_sgtable(attach->dev, table, dir, 0);
	sg_free_table(table);
	kfree(table);
}

static int svmgpu_prime_begin_cpu_access(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	struct drm_gem_object *obj = dmabuf->priv;
	struct svmgpu_bo *bo = gem_to_bo(obj);
	struct svmgpu_validation v;
	int err;

	if (dir != DMA_BIDIRECTIONAL && dir != DMA_FROM_DEVICE)
		return 0;
	/* reads through the BAR are slow: try to bring it here, but it is no must */
	if (!(bo->flags & SVMGPU_BO_SYSTEM))
		return 0;
	svmgpu_validation_init(&v, to_svmgpu(obj->dev), 0);
	do {
		svmgpu_validation_begin(&v);
		drm_exec_until_all_locked(&v.exec) {
			err = svmgpu_validation_lock(&v, obj, 0);
			drm_exec_retry_on_contention(&v.exec);
			break;
		}
		svmgpu_validation_traced(&v);
		if (!err && bo->ttm.resource)
			err = svmgpu_bo_migrate(bo, false);
		svmgpu_validation_end(&v);
	} while (svmgpu_validation_retry(&v, &err));
	return 0;
}

static const struct dma_buf_ops svmgpu_dmabuf_ops = {
	.attach = svmgpu_prime_attach,
	.pin = svmgpu_prime_pin,
	.unpin = svmgpu_prime_unpin,
	.map_dma_buf = svmgpu_prime_map,
	.unmap_dma_buf = svmgpu_prime_unmap_table,
	.release = drm_gem_dmabuf_release,
	.begin_cpu_access = svmgpu_prime_begin_cpu_access,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
};

/**
 * svmgpu_prime_export() - make a dma-buf of an object
 * @obj: the object
 * @flags: for the file
 *
 * Return: the dma-buf; -EPERM for an object of one VM, -EBUSY for one that is
 * not needed, -EINVAL for a purged one.
 */
struct dma_buf *svmgpu_prime_export(struct drm_gem_object *obj, int flags)
{
	struct svmgpu_bo *bo = gem_to_bo(obj);
	struct ttm_operation_ctx ctx = {
		.interruptible = true,
		.gfp_retry_mayfail = true,
	};
	struct dma_buf *dmabuf;
	int err;

	if (svmgpu_bo_is_local(bo))
		return ERR_PTR(-EPERM);
	err = svmgpu_bo_lock(bo, true);
	if (err)
		return ERR_PTR(err);
	if (bo->purge == SVMGPU_DONTNEED)
		err = -EBUSY;
	else if (bo->purge == SVMGPU_PURGED)
		err = -EINVAL;
	svmgpu_bo_unlock(bo);
	if (err)
		return ERR_PTR(err);
	err = ttm_bo_setup_export(&bo->ttm, &ctx);
	if (err)
		return ERR_PTR(err);
	dmabuf = drm_gem_prime_export(obj, flags);
	if (!IS_ERR(dmabuf))
		dmabuf->ops = &svmgpu_dmabuf_ops;
	return dmabuf;
}
ALLOW_ERROR_INJECTION(svmgpu_prime_export, ERRNO);

/* --- importer -------------------------------------------------------------- */

/**
 * svmgpu_prime_unmap() - give the exporter's addresses back
 * @bo: an imported object, resv held; nobody uses the addresses any more
 */
void svmgpu_prime_unmap(struct svmgpu_bo *bo)
{
	if (!bo->ttm.sg)
		return;
	dma_buf_unmap_attachment(bo->ttm.base.import_attach, bo->ttm.sg, DMA_BIDIRECTIONAL);
	bo->ttm.sg = NULL;
}

/**
 * svmgpu_prime_move() - TTM moves an imported object
 * @bo: the object, resv held, idle if it leaves TT
 * @new_mem: TT: ask the exporter where it is; SYSTEM: nowhere any more
 *
 * Return: 0 or the exporter's error.
 */
int svmgpu_prime_move(struct svmgpu_bo *bo, struct ttm_resource *new_mem)
{
	struct sg_table *table;

	svmgpu_prime_unmap(bo);
	if (new_mem->mem_type == TTM_PL_TT) {
		table = dma_buf_map_attachment(bo->ttm.base.import_attach, DMA_BIDIRECTIONAL);
		if (IS_ERR(table))
			return PTR_ERR(table);
		bo->ttm.sg = table;
	}
	ttm_bo_move_null(&bo->ttm, new_mem);
	return 0;
}

/* The exporter is about to move: resv held. */
static void svmgpu_prime_invalidate(struct dma_buf_attachment *attach)
{
	struct svmgpu_bo *bo = gem_to_bo(attach->importer_priv);
	const struct ttm_place nowhere = { .mem_type = TTM_PL_SYSTEM };
	struct ttm_placement placement = { .num_placement = 1, .placement = &nowhere };
	struct ttm_operation_ctx ctx = {};
	int err;

	if (!bo->ttm.resource || bo->ttm.resource->mem_type == TTM_PL_SYSTEM)
		return;
	err = ttm_bo_validate(&bo->ttm, &placement, &ctx);
	if (err)
		drm_err(bo->ttm.base.dev, "imported object keeps stale addresses: %pe\n",
			ERR_PTR(err));
}

static const struct dma_buf_attach_ops svmgpu_attach_ops = {
	.allow_peer2peer = true,
	.invalidate_mappings = svmgpu_prime_invalidate,
};

static struct svmgpu_bo *svmgpu_prime_create(struct svmgpu_device *dev, struct dma_buf *dmabuf)
{
	/* in the log it stays the exporter's lock, if that is one of us */
	u32 exporter = dmabuf->ops == &svmgpu_dmabuf_ops ? gem_to_bo(dmabuf->priv)->trace_id : 0;
	struct svmgpu_bo *bo;

	svmgpu_resv_lock(dmabuf->resv, SVMGPU_LOCK_BO_RESV, 0, exporter);
	bo = svmgpu_bo_create_type(dev, NULL, dmabuf->resv, dmabuf->size,
				   SVMGPU_BO_SYSTEM | SVMGPU_BO_DEFER, 0, dmabuf);
	svmgpu_resv_unlock(dmabuf->resv, SVMGPU_LOCK_BO_RESV);
	return bo;
}

/**
 * svmgpu_prime_import() - make an object of a dma-buf
 * @drm: the importing device
 * @dmabuf: the dma-buf
 *
 * A dma-buf of the same device gives the object it was made of.
 *
 * Return: the object with a reference, or an ERR_PTR().
 */
struct drm_gem_object *svmgpu_prime_import(struct drm_device *drm, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;
	struct drm_gem_object *obj;
	struct svmgpu_bo *bo;

	if (dmabuf->ops == &svmgpu_dmabuf_ops) {
		obj = dmabuf->priv;
		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}
	if (!PAGE_ALIGNED(dmabuf->size))
		return ERR_PTR(-EINVAL);
	/* complete before it is attached: from then on the exporter may call */
	bo = svmgpu_prime_create(to_svmgpu(drm), dmabuf);
	if (IS_ERR(bo))
		return ERR_CAST(bo);
	attach = dma_buf_dynamic_attach(dmabuf, drm->dev, &svmgpu_attach_ops, &bo->ttm.base);
	if (IS_ERR(attach)) {
		svmgpu_bo_put(bo);
		return ERR_CAST(attach);
	}
	get_dma_buf(dmabuf);
	bo->ttm.base.import_attach = attach;
	return &bo->ttm.base;
}
ALLOW_ERROR_INJECTION(svmgpu_prime_import, ERRNO);

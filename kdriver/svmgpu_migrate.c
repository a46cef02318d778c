// SPDX-License-Identifier: GPL-2.0
/*
 * The MIGRATION ring, driver's side. See svmgpu_migrate.h.
 *
 * A list has its entries in DMA-mapped chunks of pages, one descriptor for each.
 * Submitted lists go to the ring as far as there is room, the rest follows from
 * the interrupt; nobody waits for room. The fence of a list is an allocation of
 * its own, so that it may outlive the list, the device and the module.
 */

#include <linux/dma-mapping.h>
#include <linux/error-injection.h>
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "svmgpu_bo.h"
#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_migrate.h"
#include "svmgpu_pte.h"

#define SVMGPU_MIGRATION_LOG2		12
#define SVMGPU_MIGRATION_SLOTS		BIT_U32(SVMGPU_MIGRATION_LOG2)
#define SVMGPU_MIGRATE_CHUNK_ORDER	4
#define SVMGPU_MIGRATE_MAX_CHUNKS	256
#define SVMGPU_MIGRATE_RESERVE		8
#define SVMGPU_MIGRATE_RESERVE_ORDER	1
#define SVMGPU_MIGRATE_MAX_BYTES	SZ_1G
#define SVMGPU_MIGRATE_TIMEOUT_MS	120000
/* how often somebody looks whether the engine gets on, while it has work */
#define SVMGPU_MIGRATE_WATCH_MS		500

/* COPY and FILL entries have the size of PTE entries */
static_assert(sizeof(struct svmgpu_mig_copy) == sizeof(struct svmgpu_mig_pte));

/** struct svmgpu_migrate_chunk - a piece of a list: one descriptor */
struct svmgpu_migrate_chunk {
	/** @page: first of 2^@order pages */
	struct page *page;
	/** @dma: their DMA address */
	dma_addr_t dma;
	/** @order: how many */
	u32 order;
	/** @count: entries used */
	u32 count;
};

/** struct svmgpu_migrate_list - work for the copy engine */
struct svmgpu_migrate_list {
	/** @link: queued, pending or reserve list of the ring */
	struct list_head link;
	/** @dev: the GPU */
	struct svmgpu_device *dev;
	/** @fence: initialised by submit; a reference */
	struct dma_fence *fence;
	/** @fill_value: FILL: the pattern */
	u64 fill_value;
	/** @cookie: for the event log */
	u64 cookie;
	/** @flush_start: first byte of the flush afterwards */
	u64 flush_start;
	/** @flush_end: first byte behind */
	u64 flush_end;
	/** @flush_asid: its address space; 0 for no flush */
	u32 flush_asid;
	/** @op: what the entries mean */
	enum svmgpu_migration_op op;
	/** @capacity: entries that there is room for */
	u32 capacity;
	/** @count: entries used */
	u32 count;
	/** @current_chunk: chunk that is being filled */
	u32 current_chunk;
	/** @descriptors: of the whole list, after submit */
	u32 descriptors;
	/** @pushed: descriptors put on the ring, ring lock */
	u32 pushed;
	/** @retired: descriptors that retired, ring lock */
	u32 retired;
	/** @error: first enum svmgpu_error that a descriptor met, ring lock */
	u32 error;
	/** @reserved: belongs to the reserve */
	bool reserved;
	/** @num_chunks: of @chunks */
	u32 num_chunks;
	/** @chunks: the entries */
	struct svmgpu_migrate_chunk chunks[] __counted_by(num_chunks);
};

/* --- fence ----------------------------------------------------------------- */

static const char *svmgpu_migrate_driver_name(struct dma_fence *fence)
{
	return "svmgpu";
}

static const char *svmgpu_migrate_timeline_name(struct dma_fence *fence)
{
	return "migration";
}

/* no wait and no release: a signalled fence does not need the module any more */
static const struct dma_fence_ops svmgpu_migrate_fence_ops = {
	.get_driver_name = svmgpu_migrate_driver_name,
	.get_timeline_name = svmgpu_migrate_timeline_name,
};

/* --- lists ----------------------------------------------------------------- */

static u32 svmgpu_migrate_chunk_capacity(const struct svmgpu_migrate_chunk *chunk)
{
	return (PAGE_SIZE << chunk->order) / sizeof(struct svmgpu_mig_copy);
}

static void svmgpu_migrate_chunk_free(struct svmgpu_device *dev,
				      struct svmgpu_migrate_chunk *chunk)
{
	dma_unmap_page(dev->drm.dev, chunk->dma, PAGE_SIZE << chunk->order, DMA_TO_DEVICE);
	__free_pages(chunk->page, chunk->order);
}

static bool svmgpu_migrate_chunk_alloc(struct svmgpu_device *dev,
				       struct svmgpu_migrate_chunk *chunk, u32 order, gfp_t gfp)
{
	for (;; order--) {
		gfp_t try = order ? gfp | __GFP_NOWARN | __GFP_NORETRY : gfp;

		chunk->page = alloc_pages(try, order);
		if (chunk->page)
			break;
		if (!order)
			return false;
	}
	chunk->order = order;
	chunk->count = 0;
	chunk->dma = dma_map_page(dev->drm.dev, chunk->page, 0, PAGE_SIZE << order,
				  DMA_TO_DEVICE);
	if (dma_mapping_error(dev->drm.dev, chunk->dma)) {
		__free_pages(chunk->page, order);
		return false;
	}
	return true;
}

/* Any context: the list was never submitted, or has retired and given its fence away. */
static void svmgpu_migrate_list_destroy(struct svmgpu_migrate_list *list)
{
	u32 i;

	for (i = 0; i < list->num_chunks; i++)
		svmgpu_migrate_chunk_free(list->dev, &list->chunks[i]);
	kfree(list->fence);
	kfree(list);
}

static struct svmgpu_migrate_list *svmgpu_migrate_list_make(struct svmgpu_device *dev,
							    u32 capacity, u32 max_order,
							    gfp_t gfp)
{
	u32 per_chunk = (PAGE_SIZE << max_order) / sizeof(struct svmgpu_mig_copy);
	struct svmgpu_migrate_list *list;
	u32 max_chunks, i;

	/* small chunks, if there are no large pages, may make the list shorter than asked */
	max_chunks = min_t(u32, DIV_ROUND_UP(capacity, per_chunk) * 2, SVMGPU_MIGRATE_MAX_CHUNKS);
	list = kzalloc_flex(*list, chunks, max_chunks, gfp);
	if (!list)
		return NULL;
	/* grows with the chunks */
	list->num_chunks = 0;
	list->dev = dev;
	INIT_LIST_HEAD(&list->link);
	list->fence = kzalloc_obj(*list->fence, gfp);
	if (!list->fence) {
		kfree(list);
		return NULL;
	}
	for (i = 0; i < max_chunks && list->capacity < capacity; i++) {
		u32 bytes = (capacity - list->capacity) * sizeof(struct svmgpu_mig_copy);
		u32 order = min_t(u32, get_order(bytes), max_order);

		list->num_chunks = i + 1;
		if (!svmgpu_migrate_chunk_alloc(dev, &list->chunks[i], order, gfp)) {
			list->num_chunks = i;
			break;
		}
		list->capacity += svmgpu_migrate_chunk_capacity(&list->chunks[i]);
	}
	return list;
}

static void svmgpu_migrate_list_reset(struct svmgpu_migrate_list *list)
{
	u32 i;

	for (i = 0; i < list->num_chunks; i++)
		list->chunks[i].count = 0;
	list->count = 0;
	list->current_chunk = 0;
	list->descriptors = 0;
	list->pushed = 0;
	list->retired = 0;
	list->error = 0;
	list->flush_asid = 0;
	list->cookie = 0;
}

static struct svmgpu_migrate_list *svmgpu_migrate_reserve_take(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	struct svmgpu_migrate_list *list;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	list = list_first_entry_or_null(&ring->reserve, struct svmgpu_migrate_list, link);
	if (list)
		list_del_init(&list->link);
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	return list;
}

/* Any context. The list needs a fence again; without memory a worker gets it. */
static void svmgpu_migrate_reserve_give(struct svmgpu_migrate_list *list)
{
	struct svmgpu_device *dev = list->dev;
	struct svmgpu_migration_ring *ring = &dev->migration;
	unsigned long flags;

	svmgpu_migrate_list_reset(list);
	if (!list->fence)
		list->fence = kzalloc_obj(*list->fence, GFP_NOWAIT);
	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	list_add(&list->link, list->fence ? &ring->reserve : &ring->spent);
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	if (list->fence)
		wake_up_all(&ring->wq);
	else
		queue_work(dev->ordered_wq, &ring->refill);
}

static void svmgpu_migrate_refill(struct work_struct *work)
{
	struct svmgpu_migration_ring *ring =
		container_of(work, struct svmgpu_migration_ring, refill);
	struct svmgpu_migrate_list *list, *next;
	unsigned long flags;
	LIST_HEAD(spent);

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	list_splice_init(&ring->spent, &spent);
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	list_for_each_entry_safe(list, next, &spent, link) {
		list_del_init(&list->link);
		list->fence = kzalloc_obj(*list->fence, GFP_KERNEL | __GFP_NOFAIL);
		svmgpu_migrate_reserve_give(list);
	}
}

/**
 * svmgpu_migrate_list_alloc() - make a list
 * @dev: the GPU
 * @op: COPY, FILL or PTE_WRITE
 * @capacity: entries that are wanted
 * @gfp: how hard to try; see the header for flags that do not block
 *
 * May sleep.
 *
 * Return: the list, or NULL when there is no memory.
 */
struct svmgpu_migrate_list *svmgpu_migrate_list_alloc(struct svmgpu_device *dev,
						      enum svmgpu_migration_op op,
						      u32 capacity, gfp_t gfp)
{
	struct svmgpu_migrate_list *list;
	bool nofail = !gfpflags_allow_blocking(gfp);

	capacity = max(capacity, 1);
	list = svmgpu_migrate_list_make(dev, capacity, SVMGPU_MIGRATE_CHUNK_ORDER,
					nofail ? gfp | __GFP_NOWARN : gfp);
	if (list && list->capacity < capacity && (!nofail || !list->capacity)) {
		svmgpu_migrate_list_destroy(list);
		list = NULL;
	}
	if (!list && nofail)
		wait_event(dev->migration.wq, (list = svmgpu_migrate_reserve_take(dev)));
	if (list)
		list->op = op;
	return list;
}

/**
 * svmgpu_migrate_list_free() - give up a list that was not submitted
 * @list: the list
 *
 * Any context.
 */
void svmgpu_migrate_list_free(struct svmgpu_migrate_list *list)
{
	if (list->reserved)
		svmgpu_migrate_reserve_give(list);
	else
		svmgpu_migrate_list_destroy(list);
}

/**
 * svmgpu_migrate_list_room() - how many more entries fit
 * @list: the list
 *
 * Return: entries; what is added may need fewer, because neighbours are merged.
 */
u32 svmgpu_migrate_list_room(const struct svmgpu_migrate_list *list)
{
	return list->capacity - list->count;
}

/* The slot for the next entry, or NULL when the list is full. */
static void *svmgpu_migrate_slot(struct svmgpu_migrate_list *list)
{
	struct svmgpu_migrate_chunk *chunk = &list->chunks[list->current_chunk];

	if (list->count == list->capacity)
		return NULL;
	if (chunk->count == svmgpu_migrate_chunk_capacity(chunk))
		chunk = &list->chunks[++list->current_chunk];
	list->count++;
	return (struct svmgpu_mig_copy *)page_address(chunk->page) + chunk->count++;
}

/* The entry added last, if it is in the current chunk. */
static void *svmgpu_migrate_last(struct svmgpu_migrate_list *list)
{
	struct svmgpu_migrate_chunk *chunk = &list->chunks[list->current_chunk];

	if (!chunk->count)
		return NULL;
	return (struct svmgpu_mig_copy *)page_address(chunk->page) + chunk->count - 1;
}

static int svmgpu_migrate_add(struct svmgpu_migrate_list *list, u64 src, u64 dst, u64 bytes)
{
	bool copy = list->op == SVMGPU_MIG_COPY;
	struct svmgpu_mig_copy *last = svmgpu_migrate_last(list);

	if (last && last->dst + last->bytes == dst && (!copy || last->src + last->bytes == src) &&
	    last->bytes + bytes <= SVMGPU_MIGRATE_MAX_BYTES) {
		last->bytes += bytes;
		return 0;
	}
	/* all or nothing, so that the caller can go on with another list */
	if (svmgpu_migrate_list_room(list) < DIV_ROUND_UP_ULL(bytes, SVMGPU_MIGRATE_MAX_BYTES))
		return -ENOSPC;
	while (bytes) {
		struct svmgpu_mig_copy *entry = svmgpu_migrate_slot(list);
		u64 part = min_t(u64, bytes, SVMGPU_MIGRATE_MAX_BYTES);

		*entry = (struct svmgpu_mig_copy) { .src = src, .dst = dst, .bytes = part };
		bytes -= part;
		dst += part;
		if (copy)
			src += part;
	}
	return 0;
}

/**
 * svmgpu_migrate_add_copy() - one more piece to copy
 * @list: a COPY list
 * @src: physical address (svmgpu_pte.h)
 * @dst: physical address
 * @bytes: multiple of 8
 *
 * Return: 0, or -ENOSPC when the list is full; then nothing was added.
 */
int svmgpu_migrate_add_copy(struct svmgpu_migrate_list *list, u64 src, u64 dst, u64 bytes)
{
	return svmgpu_migrate_add(list, src, dst, bytes);
}

/**
 * svmgpu_migrate_add_fill() - one more piece to fill
 * @list: a FILL list
 * @dst: physical address
 * @bytes: multiple of 8
 *
 * Return: 0, or -ENOSPC when the list is full.
 */
int svmgpu_migrate_add_fill(struct svmgpu_migrate_list *list, u64 dst, u64 bytes)
{
	return svmgpu_migrate_add(list, 0, dst, bytes);
}

/**
 * svmgpu_migrate_add_pte() - write page-table entries
 * @list: a PTE_WRITE list
 * @pte: physical address of the first entry
 * @value: its value
 * @count: entries, 1 .. 512, within one table
 * @step: added after each, in pages of 4 KiB
 *
 * Return: 0, or -ENOSPC when the list is full.
 */
int svmgpu_migrate_add_pte(struct svmgpu_migrate_list *list, u64 pte, u64 value, u32 count,
			   u32 step)
{
	struct svmgpu_mig_pte *entry = svmgpu_migrate_slot(list);

	if (!entry)
		return -ENOSPC;
	*entry = (struct svmgpu_mig_pte) {
		.pte = pte,
		.value = value,
		.count = count,
		.step = step,
	};
	return 0;
}

/**
 * svmgpu_migrate_set_flush() - flush after the entries, before the fence
 * @list: the list
 * @asid: address space
 * @start: first byte
 * @end: first byte behind
 */
void svmgpu_migrate_set_flush(struct svmgpu_migrate_list *list, u32 asid, u64 start, u64 end)
{
	list->flush_asid = asid;
	list->flush_start = start;
	list->flush_end = end;
}

/**
 * svmgpu_migrate_set_cookie() - name the work in the event log
 * @list: the list
 * @cookie: the name
 */
void svmgpu_migrate_set_cookie(struct svmgpu_migrate_list *list, u64 cookie)
{
	list->cookie = cookie;
}

/* --- ring ------------------------------------------------------------------ */

/* Ring lock held. Descriptor @n of @list. */
static void svmgpu_migrate_describe(struct svmgpu_migrate_list *list, u32 n,
				    struct svmgpu_migration *d)
{
	memset(d, 0, sizeof(*d));
	d->cookie = list->cookie;
	if (n < list->num_chunks && list->chunks[n].count) {
		struct svmgpu_migrate_chunk *chunk = &list->chunks[n];

		d->op = list->op;
		d->count = chunk->count;
		d->value = list->fill_value;
		if (chunk->count == 1) {
			void *entry = page_address(chunk->page);

			d->flags = SVMGPU_MIG_F_INLINE;
			if (list->op == SVMGPU_MIG_PTE_WRITE)
				d->pte = *(struct svmgpu_mig_pte *)entry;
			else
				memcpy(&d->copy, entry, sizeof(d->copy));
		} else {
			d->list = chunk->dma;
			dma_sync_single_for_device(list->dev->drm.dev, chunk->dma,
						   PAGE_SIZE << chunk->order, DMA_TO_DEVICE);
		}
	} else if (list->flush_asid) {
		d->op = SVMGPU_MIG_TLB_FLUSH;
		d->flush.asid = list->flush_asid;
		d->flush.first = list->flush_start;
		d->flush.end = list->flush_end;
	} else {
		d->op = SVMGPU_MIG_NOP;
	}
}

/* Ring lock held. Puts as much as there is room for on the ring. */
static void svmgpu_migrate_push(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	u32 before = ring->producer;

	if (svmgpu_device_wedged(dev))
		return;
	/* a slot is free when its result was looked at */
	while (ring->producer - ring->reaped < SVMGPU_MIGRATION_SLOTS) {
		struct svmgpu_migrate_list *list = ring->pushing;
		u32 slot = ring->producer & (SVMGPU_MIGRATION_SLOTS - 1);
		struct svmgpu_migration *d = &ring->entries[slot];

		if (!list) {
			list = list_first_entry_or_null(&ring->queued, struct svmgpu_migrate_list,
							link);
			if (!list)
				break;
			list_move_tail(&list->link, &ring->pending);
			ring->pushing = list;
		}
		svmgpu_migrate_describe(list, list->pushed, d);
		ring->results[slot].error = 0;
		d->result = ring->results_dma + slot * sizeof(*ring->results);
		ring->producer++;
		/* the end of a list signals; a full ring wants to be told of room */
		if (++list->pushed == list->descriptors) {
			d->flags |= SVMGPU_MIG_F_IRQ;
			ring->pushing = NULL;
		} else if (ring->producer - ring->reaped == SVMGPU_MIGRATION_SLOTS) {
			d->flags |= SVMGPU_MIG_F_IRQ;
		}
	}
	if (ring->producer == before)
		return;
	/* release: the entries are complete before the GPU sees the index */
	smp_store_release(&ring->header->producer, ring->producer);
	svmgpu_ring_kick(dev, ring->header, SVMGPU_REG_DOORBELL_MIGRATION, 0);
	queue_delayed_work(dev->sched_wq, &ring->watchdog,
			   msecs_to_jiffies(SVMGPU_MIGRATE_WATCH_MS));
}

/* Ring lock held. Moves lists that retired wholly to @done. */
static void svmgpu_migrate_reap(struct svmgpu_device *dev, struct list_head *done)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	/* acquire: results and copied data are visible after this */
	u32 completed = smp_load_acquire(&ring->header->completed);

	/* a device that claims more than it was given is not believed */
	if (completed - ring->reaped > ring->producer - ring->reaped)
		return;
	while (ring->reaped != completed) {
		struct svmgpu_migrate_list *list =
			list_first_entry(&ring->pending, struct svmgpu_migrate_list, link);
		u32 slot = ring->reaped++ & (SVMGPU_MIGRATION_SLOTS - 1);

		if (ring->results[slot].error && !list->error)
			list->error = ring->results[slot].error;
		if (++list->retired == list->descriptors)
			list_move_tail(&list->link, done);
	}
}

/* Signal lock held. */
static void svmgpu_migrate_finish(struct list_head *done, int error)
{
	struct svmgpu_migrate_list *list, *next;

	list_for_each_entry_safe(list, next, done, link) {
		struct dma_fence *fence = list->fence;

		list_del_init(&list->link);
		list->fence = NULL;
		if (error || list->error)
			dma_fence_set_error(fence, error ?: -EIO);
		svmgpu_migrate_list_free(list);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

/* Any context. */
static void svmgpu_migrate_process(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	unsigned long flags, inner;
	LIST_HEAD(done);

	svmgpu_spin_lock_irqsave(&ring->signal_lock, flags);
	svmgpu_spin_lock_irqsave(&ring->lock, inner);
	if (ring->header) {
		svmgpu_migrate_reap(dev, &done);
		svmgpu_migrate_push(dev);
	}
	svmgpu_spin_unlock_irqrestore(&ring->lock, inner);
	svmgpu_migrate_finish(&done, 0);
	svmgpu_spin_unlock_irqrestore(&ring->signal_lock, flags);
	if (wq_has_sleeper(&ring->wq))
		wake_up_all(&ring->wq);
}

/**
 * svmgpu_migrate_irq() - SVMGPU_VECTOR_MIGRATION
 * @irq: unused
 * @arg: the GPU
 *
 * Return: IRQ_HANDLED.
 */
irqreturn_t svmgpu_migrate_irq(int irq, void *arg)
{
	svmgpu_migrate_process(arg);
	return IRQ_HANDLED;
}

/*
 * The engine has work: a lost interrupt is made up for, a device that was pulled
 * out is noticed, although nobody tells.
 */
static void svmgpu_migrate_watch(struct work_struct *work)
{
	struct svmgpu_migration_ring *ring =
		container_of(to_delayed_work(work), struct svmgpu_migration_ring, watchdog);
	struct svmgpu_device *dev = container_of(ring, struct svmgpu_device, migration);
	unsigned long flags;
	bool busy, stuck;

	svmgpu_migrate_process(dev);
	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	busy = ring->header && !list_empty(&ring->pending) && !svmgpu_device_wedged(dev);
	stuck = ring->watched == ring->reaped;
	ring->watched = ring->reaped;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	if (!busy)
		return;
	if (stuck)
		svmgpu_command_check_device(dev);
	queue_delayed_work(dev->sched_wq, &ring->watchdog,
			   msecs_to_jiffies(SVMGPU_MIGRATE_WATCH_MS));
}

/* Page-table writes are not worth it: nothing walks the tables any more. */
static int svmgpu_migrate_list_by_cpu(struct svmgpu_migrate_list *list)
{
	u32 i;

	if (list->op == SVMGPU_MIG_PTE_WRITE || !list->count)
		return -ENODEV;
	for (i = 0; i < list->num_chunks && list->chunks[i].count; i++) {
		int err = svmgpu_migrate_by_cpu(list->dev, list->op == SVMGPU_MIG_COPY,
						page_address(list->chunks[i].page),
						list->chunks[i].count, list->fill_value);

		if (err)
			return err;
	}
	list->error = 0;
	return 0;
}

/* In the order of submission, like the engine. Needs no memory: others wait for it to get some. */
static void svmgpu_migrate_lost_work(struct work_struct *work)
{
	struct svmgpu_migration_ring *ring =
		container_of(work, struct svmgpu_migration_ring, lost_work);
	struct svmgpu_migrate_list *list;
	unsigned long flags;
	LIST_HEAD(done);
	int err;

	for (;;) {
		svmgpu_spin_lock_irqsave(&ring->lock, flags);
		list = list_first_entry_or_null(&ring->queued, struct svmgpu_migrate_list, link);
		if (list)
			list_move(&list->link, &done);
		svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
		if (!list)
			break;
		err = svmgpu_migrate_list_by_cpu(list);
		svmgpu_spin_lock_irqsave(&ring->signal_lock, flags);
		svmgpu_migrate_finish(&done, err);
		svmgpu_spin_unlock_irqrestore(&ring->signal_lock, flags);
	}
	wake_up_all(&ring->wq);
}

/**
 * svmgpu_migrate_abort() - take the work from a lost device
 * @dev: the GPU, marked wedged; its registers are mapped
 *
 * What was under way is done by the CPU, in a worker; of what the engine had
 * begun, from the start. Process context.
 */
void svmgpu_migrate_abort(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	unsigned long flags;

	/* if it is alive after all: answered when it writes nothing any more */
	svmgpu_write32(dev, SVMGPU_REG_RING_ENABLE(SVMGPU_RING_MIGRATION), 0);
	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	list_splice_init(&ring->pending, &ring->queued);
	ring->pushing = NULL;
	ring->reaped = ring->producer;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	queue_work(dev->sched_wq, &ring->lost_work);
}

/**
 * svmgpu_migrate_restart() - the ring was emptied by a reset
 * @dev: the GPU; the ring is served again
 *
 * Copying, filling and writing page tables can be repeated: as long as the
 * fence has not signalled, the source is kept and nobody uses the destination.
 */
void svmgpu_migrate_restart(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	struct svmgpu_migrate_list *list;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	ring->producer = 0;
	ring->reaped = 0;
	ring->pushing = NULL;
	list_for_each_entry(list, &ring->pending, link)
		list->pushed = list->retired;
	list_splice_init(&ring->pending, &ring->queued);
	if (ring->header && !svmgpu_device_wedged(dev))
		svmgpu_migrate_push(dev);
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
}

/**
 * svmgpu_migrate_submit() - hand a list to the copy engine
 * @dev: the GPU
 * @list: the list; taken
 * @fill_value: FILL: the pattern
 *
 * Any context; allocates nothing. Lists retire in the order of submission.
 *
 * Return: a reference to the fence, for the caller.
 */
struct dma_fence *svmgpu_migrate_submit(struct svmgpu_device *dev,
					struct svmgpu_migrate_list *list, u64 fill_value)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	struct dma_fence *fence = list->fence;
	unsigned long flags;
	bool lost;

	list->fill_value = fill_value;
	list->descriptors = list->count ? list->current_chunk + 1 : 0;
	if (list->flush_asid || !list->descriptors)
		list->descriptors++;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	dma_fence_init64(fence, &svmgpu_migrate_fence_ops, NULL, ring->fence_context,
			 ++ring->seqno);
	dma_fence_get(fence);
	lost = !ring->header;
	if (!lost) {
		list_add_tail(&list->link, &ring->queued);
		svmgpu_migrate_push(dev);
		if (svmgpu_device_wedged(dev))
			queue_work(dev->sched_wq, &ring->lost_work);
	}
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);

	if (lost) {
		LIST_HEAD(done);

		list_add(&list->link, &done);
		svmgpu_spin_lock_irqsave(&ring->signal_lock, flags);
		svmgpu_migrate_finish(&done, -ENODEV);
		svmgpu_spin_unlock_irqrestore(&ring->signal_lock, flags);
	}
	return fence;
}

/**
 * svmgpu_migrate_run() - submit and wait
 * @dev: the GPU
 * @list: the list; taken
 *
 * Sleeps, uninterruptibly, without allocating.
 *
 * Return: 0, -EIO when the engine met an error, -ENODEV when the device is lost.
 */
int svmgpu_migrate_run(struct svmgpu_device *dev, struct svmgpu_migrate_list *list)
{
	struct dma_fence *fence = svmgpu_migrate_submit(dev, list, 0);
	int err;

	if (!dma_fence_wait_timeout(fence, false, msecs_to_jiffies(SVMGPU_MIGRATE_TIMEOUT_MS))) {
		svmgpu_device_wedge(dev, "the copy engine does not answer");
		dma_fence_wait(fence, false);
	}
	err = dma_fence_get_status(fence);
	dma_fence_put(fence);
	return min(err, 0);
}

/**
 * svmgpu_migrate_early_init() - make the ring's locks
 * @dev: the GPU
 */
void svmgpu_migrate_early_init(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;

	svmgpu_spin_lock_init(&ring->lock, SVMGPU_LOCK_MIGRATION_RING);
	svmgpu_spin_lock_init(&ring->signal_lock, SVMGPU_LOCK_COPY_SIGNAL);
	INIT_LIST_HEAD(&ring->queued);
	INIT_LIST_HEAD(&ring->pending);
	INIT_LIST_HEAD(&ring->reserve);
	INIT_LIST_HEAD(&ring->spent);
	INIT_WORK(&ring->refill, svmgpu_migrate_refill);
	INIT_WORK(&ring->lost_work, svmgpu_migrate_lost_work);
	INIT_DELAYED_WORK(&ring->watchdog, svmgpu_migrate_watch);
	ring->fence_context = dma_fence_context_alloc(1);
}

static void svmgpu_migrate_free_reserve(struct svmgpu_device *dev)
{
	struct svmgpu_migrate_list *list;

	cancel_work_sync(&dev->migration.refill);
	svmgpu_migrate_refill(&dev->migration.refill);
	while ((list = svmgpu_migrate_reserve_take(dev)))
		svmgpu_migrate_list_destroy(list);
}

/**
 * svmgpu_migrate_init() - make the ring and the reserve
 * @dev: the GPU
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_migrate_init(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	u32 capacity = (PAGE_SIZE << SVMGPU_MIGRATE_RESERVE_ORDER) /
		       sizeof(struct svmgpu_mig_copy);
	int i, err;

	svmgpu_lock_set_owner(&ring->lock, dev->caps.gpu_index, 0);
	svmgpu_lock_set_owner(&ring->signal_lock, dev->caps.gpu_index, 0);
	for (i = 0; i < SVMGPU_MIGRATE_RESERVE; i++) {
		struct svmgpu_migrate_list *list;

		list = svmgpu_migrate_list_make(dev, capacity, SVMGPU_MIGRATE_RESERVE_ORDER,
						GFP_KERNEL);
		err = -ENOMEM;
		if (!list)
			goto err_reserve;
		list->reserved = true;
		list_add(&list->link, &ring->reserve);
		if (!list->capacity)
			goto err_reserve;
	}
	ring->results = dma_alloc_coherent(dev->drm.dev,
					   SVMGPU_MIGRATION_SLOTS * sizeof(*ring->results),
					   &ring->results_dma, GFP_KERNEL);
	err = -ENOMEM;
	if (!ring->results)
		goto err_reserve;
	err = svmgpu_ring_init(dev, SVMGPU_RING_MIGRATION, SVMGPU_MIGRATION_LOG2,
			       sizeof(struct svmgpu_migration));
	if (err)
		goto err_results;
	ring->entries = dev->rings[SVMGPU_RING_MIGRATION].entries;
	ring->header = dev->rings[SVMGPU_RING_MIGRATION].header;
	return 0;

err_results:
	dma_free_coherent(dev->drm.dev, SVMGPU_MIGRATION_SLOTS * sizeof(*ring->results),
			  ring->results, ring->results_dma);
err_reserve:
	svmgpu_migrate_free_reserve(dev);
	return err;
}

/**
 * svmgpu_migrate_fini() - free the ring
 * @dev: the GPU, marked wedged
 *
 * Late submitters get fences that have failed.
 */
void svmgpu_migrate_fini(struct svmgpu_device *dev)
{
	struct svmgpu_migration_ring *ring = &dev->migration;
	unsigned long flags;

	svmgpu_spin_lock_irqsave(&ring->lock, flags);
	ring->header = NULL;
	svmgpu_spin_unlock_irqrestore(&ring->lock, flags);
	cancel_delayed_work_sync(&ring->watchdog);
	svmgpu_migrate_abort(dev);
	flush_work(&ring->lost_work);
	svmgpu_ring_fini(dev, SVMGPU_RING_MIGRATION);
	dma_free_coherent(dev->drm.dev, SVMGPU_MIGRATION_SLOTS * sizeof(*ring->results),
			  ring->results, ring->results_dma);
	svmgpu_migrate_free_reserve(dev);
}

/* --- buffer objects -------------------------------------------------------- */

/* Pieces that are contiguous in both places; the second may be NULL. */
static u64 svmgpu_migrate_count(struct svmgpu_device *dev, struct svmgpu_bo *bo,
				struct ttm_resource *a, struct ttm_resource *b, u64 offset)
{
	struct svmgpu_bo_cursor ca, cb;
	u64 left = bo->ttm.base.size - offset;
	u64 count = 0;

	svmgpu_bo_cursor_init_resource(&ca, dev, bo, a, offset, left);
	if (b)
		svmgpu_bo_cursor_init_resource(&cb, dev, bo, b, offset, left);
	while (ca.bytes) {
		u64 bytes = b ? min(ca.bytes, cb.bytes) : ca.bytes;

		if (!bytes)
			break;
		count += DIV_ROUND_UP_ULL(bytes, SVMGPU_MIGRATE_MAX_BYTES);
		svmgpu_bo_cursor_next(&ca, bytes);
		if (b)
			svmgpu_bo_cursor_next(&cb, bytes);
	}
	return count;
}

/* @from NULL clears @to. */
static struct dma_fence *svmgpu_migrate_bo(struct svmgpu_bo *bo, struct ttm_resource *from,
					   struct ttm_resource *to)
{
	struct svmgpu_device *dev = ttm_to_svmgpu(bo->ttm.bdev);
	u32 max = SVMGPU_MIGRATE_MAX_CHUNKS / 2 * (PAGE_SIZE << SVMGPU_MIGRATE_CHUNK_ORDER) /
		  sizeof(struct svmgpu_mig_copy);
	u64 offset = 0, size = bo->ttm.base.size;
	struct dma_fence *fence = NULL;

	/* one list, unless the object is huge and in pieces */
	while (offset < size) {
		u64 count = svmgpu_migrate_count(dev, bo, to, from, offset);
		struct svmgpu_bo_cursor cf, ct;
		struct svmgpu_migrate_list *list;

		if (fence) {
			int err;

			/* the error of an early part must not get lost behind a later one */
			dma_fence_wait(fence, false);
			err = dma_fence_get_status(fence);
			if (err < 0)
				break;
			dma_fence_put(fence);
			fence = NULL;
		}
		list = svmgpu_migrate_list_alloc(dev, from ? SVMGPU_MIG_COPY : SVMGPU_MIG_FILL,
						 min_t(u64, count, max),
						 GFP_KERNEL | __GFP_RETRY_MAYFAIL);
		if (!list)
			return ERR_PTR(-ENOMEM);
		svmgpu_bo_cursor_init_resource(&ct, dev, bo, to, offset, size - offset);
		if (from)
			svmgpu_bo_cursor_init_resource(&cf, dev, bo, from, offset, size - offset);
		while (ct.bytes) {
			u64 bytes = from ? min(ct.bytes, cf.bytes) : ct.bytes;

			if (!bytes ||
			    svmgpu_migrate_add(list, from ? cf.paddr : 0, ct.paddr, bytes))
				break;
			offset += bytes;
			svmgpu_bo_cursor_next(&ct, bytes);
			if (from)
				svmgpu_bo_cursor_next(&cf, bytes);
		}
		if (!list->count) {
			/* a place without addresses: nothing that could be copied */
			svmgpu_migrate_list_free(list);
			return ERR_PTR(-EINVAL);
		}
		fence = svmgpu_migrate_submit(dev, list, 0);
	}
	return fence;
}

/**
 * svmgpu_migrate_bo_copy() - copy an object between two places
 * @bo: the object
 * @from: where it is
 * @to: where it shall be
 *
 * Resv held, object idle. May sleep.
 *
 * Return: a fence, or an ERR_PTR().
 */
struct dma_fence *svmgpu_migrate_bo_copy(struct ttm_buffer_object *bo, struct ttm_resource *from,
					 struct ttm_resource *to)
{
	return svmgpu_migrate_bo(ttm_to_bo(bo), from, to);
}
ALLOW_ERROR_INJECTION(svmgpu_migrate_bo_copy, ERRNO);

/**
 * svmgpu_migrate_bo_clear() - zero a place
 * @bo: the object
 * @res: the place, in VRAM
 *
 * Resv held. May sleep.
 *
 * Return: a fence, or an ERR_PTR().
 */
struct dma_fence *svmgpu_migrate_bo_clear(struct ttm_buffer_object *bo, struct ttm_resource *res)
{
	return svmgpu_migrate_bo(ttm_to_bo(bo), NULL, res);
}
ALLOW_ERROR_INJECTION(svmgpu_migrate_bo_clear, ERRNO);

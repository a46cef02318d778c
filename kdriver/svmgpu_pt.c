// SPDX-License-Identifier: GPL-2.0
/*
 * GPU page tables: the builder.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/error-injection.h>
#include <linux/slab.h>

#include "svmgpu_command.h"
#include "svmgpu_device.h"
#include "svmgpu_migrate.h"
#include "svmgpu_pt.h"
#include "svmgpu_trace.h"
#include "svmgpu_vm.h"

/**
 * DOC: Overview
 *
 * One recursive walk, pt_walk(), serves both steps of an update. Dry, it counts
 * the tables and list entries that the update needs; these are then allocated.
 * Wet, it writes. Between the two, notifiers may only clear leaves, and an
 * earlier update of the same batch may only have added tables, so the wet walk
 * never needs more than the dry one counted.
 *
 * The mirror of a table above level 0 is an array of *slots*. A slot is zero, or
 * a leaf value (bit 0, VALID, is set), or a pointer to the child table. It says
 * what the entry will be when every submitted job has run; the entry itself may
 * lag behind. Level 0 has no slots: whoever needs to know waits for the jobs.
 *
 * A leaf that must become smaller is split by building the lower table with the
 * unchanged neighbours and the new entries together, and by then replacing the
 * one entry: the neighbours translate to the same place before and after.
 */

/** struct svmgpu_pt - one table of 512 entries */
struct svmgpu_pt {
	/** @entries: what the GPU reads */
	u64 *entries;
	/** @dma: its DMA address */
	dma_addr_t dma;
	/** @level: 0 .. SVMGPU_PT_ROOT_LEVEL; set when it becomes part of a tree */
	u8 level;
	/** @batch: list commit that made it: until its list runs, the GPU cannot reach it */
	u64 batch;
	/** @link: staged, detached or deferred */
	struct list_head link;
	/** @slots: mirror of @entries; unused at level 0 */
	u64 *slots;
};

#define PT_PERMISSIONS	(SVMGPU_PTE_WRITE | SVMGPU_PTE_ATOMIC)

/* Free that many detached tables at once, so that one flush serves all. */
#define PT_DEFERRED_MAX	64

static u64 pt_span(unsigned int level)
{
	return BIT_ULL(SVMGPU_PT_SHIFT(level));
}

static struct svmgpu_pt *pt_alloc(struct device *dma, gfp_t gfp)
{
	struct svmgpu_pt *pt = kzalloc(sizeof(*pt), gfp);

	if (!pt)
		return NULL;
	INIT_LIST_HEAD(&pt->link);
	pt->slots = (u64 *)get_zeroed_page(gfp);
	if (!pt->slots)
		goto err_pt;
	if (dma) {
		pt->entries = dma_alloc_coherent(dma, PAGE_SIZE, &pt->dma, gfp);
	} else {
		pt->entries = (u64 *)get_zeroed_page(gfp);
		pt->dma = virt_to_phys(pt->entries);
	}
	if (!pt->entries)
		goto err_slots;
	return pt;

err_slots:
	free_page((unsigned long)pt->slots);
err_pt:
	kfree(pt);
	return NULL;
}

static void pt_free(struct device *dma, struct svmgpu_pt *pt)
{
	if (dma)
		dma_free_coherent(dma, PAGE_SIZE, pt->entries, pt->dma);
	else
		free_page((unsigned long)pt->entries);
	free_page((unsigned long)pt->slots);
	kfree(pt);
}

static struct svmgpu_pt *slot_table(u64 slot)
{
	return slot & SVMGPU_PTE_VALID ? NULL : (struct svmgpu_pt *)(unsigned long)slot;
}

/** struct pt_walk - one walk over [start, end) */
struct pt_walk {
	/** @update: what is being done */
	struct svmgpu_pt_update *update;
	/** @list: for the copy engine, or NULL when the CPU writes */
	struct svmgpu_migrate_list *list;
	/** @batch: of @list; 0 when the CPU writes */
	u64 batch;
	/** @dry: count only */
	bool dry;
	/** @need: dry: tables to allocate */
	u32 need;
};

static u64 walk_next(struct pt_walk *walk, u64 addr, u64 *bytes)
{
	struct svmgpu_pt_source *source = walk->update->source;

	if (!source) {
		*bytes = walk->update->end - addr;
		return SVMGPU_PT_HOLE;
	}
	return source->next(source, addr - walk->update->start, bytes);
}

static u64 walk_next_large(struct pt_walk *walk, u64 addr)
{
	struct svmgpu_pt_source *source = walk->update->source;

	return source && source->large ? source->large(source, addr - walk->update->start) : 0;
}

static u64 walk_leaf(struct pt_walk *walk, u64 value)
{
	const struct svmgpu_pt_source *source = walk->update->source;
	u64 flags = source->flags;

	if (!(value & SVMGPU_PTE_NULL) && SVMGPU_PADDR_APERTURE(value) == SVMGPU_APERTURE_SYSTEM)
		flags = source->system_flags;
	return value | SVMGPU_PTE_VALID | SVMGPU_PTE_LEAF | (flags & PT_PERMISSIONS);
}

/*
 * Writes @count entries from @index; @step is added after each. The GPU may be
 * walking the table, so entries are written whole. A table of the same batch is
 * not linked yet: the CPU may write it although the batch is a list's.
 */
static void walk_write(struct pt_walk *walk, struct svmgpu_pt *table, unsigned int index,
		       u64 value, unsigned int count, u64 step)
{
	unsigned int i;

	if (walk->list && table->batch != walk->batch) {
		int err = svmgpu_migrate_add_pte(walk->list,
						 SVMGPU_PADDR_SYSTEM(table->dma + 8 * index),
						 value, count, step >> PAGE_SHIFT);

		WARN_ON_ONCE(err);
		walk->update->needs_flush = true;
		return;
	}
	for (i = 0; i < count; i++, value += step) {
		if (READ_ONCE(table->entries[index + i]) & SVMGPU_PTE_VALID)
			walk->update->needs_flush = true;
		WRITE_ONCE(table->entries[index + i], value);
	}
}

/* Takes a staged table; it stays out of the GPU's reach until it is linked. */
static struct svmgpu_pt *walk_take(struct pt_walk *walk, unsigned int level)
{
	struct svmgpu_pt *pt = list_first_entry_or_null(&walk->update->staged,
							struct svmgpu_pt, link);

	if (WARN_ON_ONCE(!pt))
		return NULL;
	list_del_init(&pt->link);
	pt->level = level;
	pt->batch = walk->batch;
	return pt;
}

/* The smaller leaves that together are the leaf @leaf of a level-@level + 1 entry. */
static void walk_fill_split(struct svmgpu_pt *pt, u64 leaf)
{
	const u64 step = leaf & SVMGPU_PTE_NULL ? 0 : pt_span(pt->level);
	unsigned int i;

	for (i = 0; i < SVMGPU_PT_ENTRIES; i++, leaf += step) {
		pt->entries[i] = leaf;
		if (pt->level)
			pt->slots[i] = leaf;
	}
}

static void walk_detach(struct pt_walk *walk, struct svmgpu_pt *pt)
{
	unsigned int i;

	for (i = 0; pt->level && i < SVMGPU_PT_ENTRIES; i++) {
		struct svmgpu_pt *child = slot_table(pt->slots[i]);

		if (child)
			walk_detach(walk, child);
	}
	list_add_tail(&pt->link, &walk->update->detached);
	/* a walk of the GPU may be inside it: it needs a flush before it goes */
	walk->update->needs_flush = true;
}

static void walk_set_slot(struct pt_walk *walk, struct svmgpu_pt *table, unsigned int index,
			  u64 slot, u64 value)
{
	struct svmgpu_pt *old = slot_table(table->slots[index]);

	/* pairs with smp_load_acquire() of zaps, which may run beside us elsewhere */
	smp_store_release(&table->slots[index], slot);
	walk_write(walk, table, index, value, 1, 0);
	if (old)
		walk_detach(walk, old);
}

/* The same for @count leaves, or none (0), above level 0: entry and slot are equal. */
static void walk_set_leaves(struct pt_walk *walk, struct svmgpu_pt *table, unsigned int index,
			    u64 leaf, unsigned int count, u64 step)
{
	u64 slot = leaf;
	unsigned int i;

	for (i = 0; i < count; i++, slot += step) {
		struct svmgpu_pt *old = slot_table(table->slots[index + i]);

		/* pairs with smp_load_acquire() of zaps */
		smp_store_release(&table->slots[index + i], slot);
		/* only detached: it is freed after the flush that follows the entries */
		if (old)
			walk_detach(walk, old);
	}
	walk_write(walk, table, index, leaf, count, step);
}

/* Level 0: entries of [start, end), run by run. */
static void walk_leaves(struct pt_walk *walk, struct svmgpu_pt *table, bool hidden, u64 start,
			u64 end)
{
	u64 addr = start;

	walk->update->tables++;
	while (addr < end) {
		unsigned int count;
		u64 bytes, value;

		value = walk_next(walk, addr, &bytes);
		bytes = min(bytes, end - addr);
		count = bytes >> PAGE_SHIFT;
		if (walk->dry) {
			if (!hidden)
				walk->update->entries++;
		} else if (value == SVMGPU_PT_HOLE) {
			walk_write(walk, table, SVMGPU_PT_INDEX(addr, 0), 0, count, 0);
		} else {
			walk_write(walk, table, SVMGPU_PT_INDEX(addr, 0),
				   walk_leaf(walk, value), count,
				   value & SVMGPU_PTE_NULL ? 0 : PAGE_SIZE);
		}
		addr += bytes;
	}
}

static bool leaf_fits(u64 value, u64 bytes, unsigned int level)
{
	if (level > 2 || bytes < pt_span(level))
		return false;
	return value & SVMGPU_PTE_NULL || IS_ALIGNED(SVMGPU_PADDR_OFFSET(value), pt_span(level));
}

/*
 * Above level 0: @count leaves from @index, one run of the source. A dry walk does
 * not look at them one by one, so that its cost is the number of runs.
 */
static void walk_large_leaves(struct pt_walk *walk, struct svmgpu_pt *table, unsigned int level,
			      bool hidden, unsigned int index, u64 value, unsigned int count)
{
	walk->update->tables += count;
	if (!walk->dry)
		walk_set_leaves(walk, table, index, walk_leaf(walk, value), count,
				value & SVMGPU_PTE_NULL ? 0 : pt_span(level));
	else if (!hidden)
		walk->update->entries++;
}

/* Above level 0: nothing is mapped by @count entries from @index any more. */
static void walk_clear(struct pt_walk *walk, struct svmgpu_pt *table, bool hidden,
		       unsigned int index, unsigned int count)
{
	/* a table that does not exist yet is made with nothing there */
	if (!table)
		return;
	while (count && !READ_ONCE(table->slots[index])) {
		index++;
		count--;
	}
	if (!count)
		return;
	if (!walk->dry)
		walk_set_leaves(walk, table, index, 0, count, 0);
	else if (!hidden)
		walk->update->entries++;
}

/*
 * @table: NULL in a dry walk below a table that does not exist yet; then @inherit
 * is what its slots would be: 0, or a leaf. @hidden: the GPU cannot reach it.
 */
static void pt_walk(struct pt_walk *walk, struct svmgpu_pt *table, unsigned int level,
		    u64 inherit, bool hidden, u64 start, u64 end)
{
	const unsigned int shift = SVMGPU_PT_SHIFT(level);
	const u64 span = pt_span(level);
	u64 addr, next;

	if (!level) {
		walk_leaves(walk, table, hidden, start, end);
		return;
	}

	for (addr = start; addr < end; addr = next) {
		const unsigned int index = SVMGPU_PT_INDEX(addr, level);
		const u64 slot = table ? READ_ONCE(table->slots[index]) : inherit;
		struct svmgpu_pt *child = slot_table(slot);
		unsigned int count;
		u64 bytes, value;

		if (walk->dry && level == 1 && IS_ALIGNED(addr, span)) {
			count = min(walk_next_large(walk, addr), end - addr) >> shift;
			if (count) {
				next = addr + count * span;
				walk->update->tables += count;
				walk->update->entries += hidden ? 0 : count;
				continue;
			}
		}

		next = min(end, (addr & ~(span - 1)) + span);
		value = walk_next(walk, addr, &bytes);
		/* whole entries that are one run; @end is not behind this table */
		count = IS_ALIGNED(addr, span) ? min(bytes, end - addr) >> shift : 0;

		if (value == SVMGPU_PT_HOLE && count) {
			walk_clear(walk, table, hidden, index, count);
			next = addr + count * span;
			continue;
		}
		if (value == SVMGPU_PT_HOLE && bytes >= next - addr && !slot)
			continue;
		if (value != SVMGPU_PT_HOLE && count && leaf_fits(value, bytes, level)) {
			walk_large_leaves(walk, table, level, hidden, index, value, count);
			next = addr + count * span;
			continue;
		}

		if (child) {
			pt_walk(walk, child, level - 1, 0, hidden, addr, next);
			continue;
		}

		if (walk->dry) {
			/* who else uses this entry's span depends on the link (range fences) */
			if (!hidden) {
				walk->update->entries++;
				walk->update->first = min(walk->update->first,
							  addr & ~(span - 1));
				walk->update->last = max(walk->update->last,
							 (addr & ~(span - 1)) + span - 1);
			}
			walk->need++;
			pt_walk(walk, NULL, level - 1, slot, true, addr, next);
			continue;
		}

		child = walk_take(walk, level - 1);
		if (!child)
			continue;
		if (slot)
			walk_fill_split(child, slot);
		/* built in full first, linked by one write last */
		pt_walk(walk, child, level - 1, 0, true, addr, next);
		dma_wmb();
		walk_set_slot(walk, table, index, (unsigned long)child,
			      SVMGPU_PADDR_SYSTEM(child->dma) | SVMGPU_PTE_VALID);
	}
}

/**
 * svmgpu_pt_init() - makes an empty address space
 * @vm: the VM; @vm->pt.dma is set
 *
 * Context: may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int svmgpu_pt_init(struct svmgpu_vm *vm)
{
	struct svmgpu_pt_root *root = &vm->pt;

	INIT_LIST_HEAD(&root->deferred);
	root->num_deferred = 0;
	root->batch = 0;
	root->root = pt_alloc(root->dma, GFP_KERNEL_ACCOUNT);
	if (!root->root)
		return -ENOMEM;
	root->root->level = SVMGPU_PT_ROOT_LEVEL;
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_pt_init, ERRNO);

/**
 * svmgpu_pt_free_list() - frees detached tables
 * @dma: device that read them, or NULL in unit tests
 * @tables: list of them; empty afterwards
 *
 * Context: the device can no longer reach them; may sleep.
 */
void svmgpu_pt_free_list(struct device *dma, struct list_head *tables)
{
	struct svmgpu_pt *pt, *next;

	list_for_each_entry_safe(pt, next, tables, link) {
		list_del(&pt->link);
		pt_free(dma, pt);
	}
}

static void pt_collect(struct svmgpu_pt *pt, struct list_head *tables)
{
	unsigned int i;

	for (i = 0; pt->level && i < SVMGPU_PT_ENTRIES; i++) {
		struct svmgpu_pt *child = slot_table(pt->slots[i]);

		if (child)
			pt_collect(child, tables);
	}
	list_add_tail(&pt->link, tables);
}

/**
 * svmgpu_pt_fini() - frees all tables
 * @vm: the VM; its address space is cleared in the hardware
 *
 * Context: nobody else has the VM; may sleep.
 */
void svmgpu_pt_fini(struct svmgpu_vm *vm)
{
	if (!vm->pt.root)
		return;
	pt_collect(vm->pt.root, &vm->pt.deferred);
	vm->pt.root = NULL;
	svmgpu_pt_free_list(vm->pt.dma, &vm->pt.deferred);
	vm->pt.num_deferred = 0;
}

/**
 * svmgpu_pt_root_paddr() - address of the root table, as the hardware takes it
 * @vm: the VM
 *
 * Return: physical address (svmgpu_pte.h).
 */
u64 svmgpu_pt_root_paddr(struct svmgpu_vm *vm)
{
	return SVMGPU_PADDR_SYSTEM(vm->pt.root->dma);
}

/**
 * svmgpu_pt_stage() - allocates what a change of [@start, @end) needs
 * @vm: the VM
 * @start: first byte, page aligned
 * @end: first byte behind, page aligned
 * @source: where the pages are; NULL unmaps
 * @update: filled in
 *
 * Context: VM resv held, with the resv of every object whose leaves lie across
 * @start or @end; may sleep.
 *
 * Return: 0 or -ENOMEM; then nothing stays allocated.
 */
int svmgpu_pt_stage(struct svmgpu_vm *vm, u64 start, u64 end, struct svmgpu_pt_source *source,
		    struct svmgpu_pt_update *update)
{
	struct pt_walk walk = { .update = update, .dry = true };

	*update = (struct svmgpu_pt_update) {
		.vm = vm,
		.start = start,
		.end = end,
		.source = source,
		.first = start,
		.last = end - 1,
	};
	INIT_LIST_HEAD(&update->staged);
	INIT_LIST_HEAD(&update->detached);

	pt_walk(&walk, vm->pt.root, SVMGPU_PT_ROOT_LEVEL, 0, false, start, end);

	while (walk.need--) {
		struct svmgpu_pt *pt = pt_alloc(vm->pt.dma, GFP_KERNEL_ACCOUNT);

		if (!pt) {
			svmgpu_pt_abort(update);
			return -ENOMEM;
		}
		list_add_tail(&pt->link, &update->staged);
	}
	return 0;
}
ALLOW_ERROR_INJECTION(svmgpu_pt_stage, ERRNO);

/**
 * svmgpu_pt_abort() - frees what was staged; also after a commit, for what was left over
 * @update: the update
 *
 * Context: may sleep.
 */
void svmgpu_pt_abort(struct svmgpu_pt_update *update)
{
	svmgpu_pt_free_list(update->vm->pt.dma, &update->staged);
}

static void pt_commit(struct svmgpu_pt_update *update, struct svmgpu_migrate_list *list,
		      u64 batch)
{
	struct pt_walk walk = { .update = update, .list = list, .batch = batch };

	update->needs_flush = false;
	pt_walk(&walk, update->vm->pt.root, SVMGPU_PT_ROOT_LEVEL, 0, false, update->start,
		update->end);
}

/**
 * svmgpu_pt_commit_cpu() - writes the entries now
 * @update: staged; svmgpu_pt_abort() still frees what was not needed
 *
 * Tables that are no longer used wait in the VM's deferred list (L10).
 *
 * Context: VM resv held, for userptr and SVM also the notifier lock in read mode
 * (L9). Neither sleeps nor allocates.
 */
void svmgpu_pt_commit_cpu(struct svmgpu_pt_update *update)
{
	struct svmgpu_pt_root *root = &update->vm->pt;
	struct svmgpu_pt *pt;

	pt_commit(update, NULL, 0);
	/* the entries before whatever tells the GPU to use them */
	wmb();
	list_for_each_entry(pt, &update->detached, link)
		root->num_deferred++;
	list_splice_tail_init(&update->detached, &root->deferred);
}

/**
 * svmgpu_pt_list_alloc() - list with room for several updates
 * @updates: staged updates of one VM
 * @count: number of them
 * @gfp: how to allocate
 *
 * Context: may sleep as @gfp allows.
 *
 * Return: the list, or NULL.
 */
struct svmgpu_migrate_list *svmgpu_pt_list_alloc(struct svmgpu_pt_update *updates, u32 count,
						 gfp_t gfp)
{
	u64 entries = 1;
	u32 i;

	for (i = 0; i < count; i++)
		entries += updates[i].entries;
	if (entries > U32_MAX)
		return NULL;
	return svmgpu_migrate_list_alloc(updates[0].vm->dev, SVMGPU_MIG_PTE_WRITE, entries, gfp);
}
ALLOW_ERROR_INJECTION(svmgpu_pt_list_alloc, NULL);

/**
 * svmgpu_pt_commit_list() - turns updates into work for the copy engine
 * @updates: staged updates of one VM, in any order, not overlapping
 * @count: number of them
 * @list: from svmgpu_pt_list_alloc()
 * @detached: receives the tables to free once the list has run
 *
 * Context: VM resv held, notifier lock in read mode. Neither sleeps nor allocates.
 */
void svmgpu_pt_commit_list(struct svmgpu_pt_update *updates, u32 count,
			   struct svmgpu_migrate_list *list, struct list_head *detached)
{
	struct svmgpu_vm *vm = updates[0].vm;
	u64 batch = ++vm->pt.batch;
	u32 i;

	for (i = 0; i < count; i++) {
		pt_commit(&updates[i], list, batch);
		list_splice_tail_init(&updates[i].detached, detached);
	}
	/* new tables before the entries that will link them */
	wmb();
}

static bool pt_zap_table(struct svmgpu_pt *table, u64 start, u64 end)
{
	const u64 span = pt_span(table->level);
	bool zapped = false;
	u64 addr, next;

	for (addr = start; addr < end; addr = next) {
		const unsigned int index = SVMGPU_PT_INDEX(addr, table->level);
		u64 slot;

		next = min(end, (addr & ~(span - 1)) + span);
		if (!table->level) {
			if (!READ_ONCE(table->entries[index]))
				continue;
			WRITE_ONCE(table->entries[index], 0);
			zapped = true;
			continue;
		}
		/* pairs with smp_store_release() in walk_set_slot() */
		slot = smp_load_acquire(&table->slots[index]);
		if (!slot)
			continue;
		if (slot & SVMGPU_PTE_VALID) {
			WRITE_ONCE(table->slots[index], 0);
			WRITE_ONCE(table->entries[index], 0);
			zapped = true;
			continue;
		}
		zapped |= pt_zap_table(slot_table(slot), addr, next);
	}
	return zapped;
}

/**
 * svmgpu_pt_zap() - clears leaf entries, so that accesses fault
 * @vm: the VM
 * @start: first byte, page aligned
 * @end: first byte behind, page aligned
 *
 * Frees and changes no table (L10). The caller flushes before pages are released.
 *
 * Context: no unfinished job writes in [@start, @end). Notifier lock held for write,
 * or for read with the VM lock for write, or the resv of the object; see
 * svmgpu_pt.h. Neither sleeps nor allocates.
 *
 * Return: true when something was mapped.
 */
bool svmgpu_pt_zap(struct svmgpu_vm *vm, u64 start, u64 end)
{
	bool zapped = pt_zap_table(vm->pt.root, start, end);

	if (zapped)
		wmb(); /* before the flush */
	return zapped;
}

/**
 * svmgpu_pt_clear() - takes everything out of a closed VM's address space
 * @vm: the VM
 *
 * Context: VM resv held and its fences idle; the caller flushes. Does not sleep.
 */
void svmgpu_pt_clear(struct svmgpu_vm *vm)
{
	struct svmgpu_pt *root = vm->pt.root;
	unsigned int i;

	for (i = 0; i < SVMGPU_PT_ENTRIES; i++) {
		struct svmgpu_pt *child = slot_table(root->slots[i]);

		WRITE_ONCE(root->entries[i], 0);
		WRITE_ONCE(root->slots[i], 0);
		if (child) {
			pt_collect(child, &vm->pt.deferred);
			vm->pt.num_deferred++;
		}
	}
	/* before the flush */
	wmb();
}

/**
 * svmgpu_pt_free_deferred() - frees detached tables when there are many, or the VM is closed
 * @vm: the VM
 *
 * Context: VM resv held; may sleep.
 */
void svmgpu_pt_free_deferred(struct svmgpu_vm *vm)
{
	if (!vm->pt.num_deferred || (!vm->closed && vm->pt.num_deferred < PT_DEFERRED_MAX))
		return;
	if (vm->pt.dma) {
		svmgpu_tlb_flush(vm->dev, vm->asid, 0, ~0ULL);
		trace_svmgpu_pt_freed(0, 0, vm->pt.num_deferred * PAGE_SIZE, vm->trace_id, 0,
				      vm->dev->caps.gpu_index, SVMGPU_TRACE_OWNER_BIND,
				      SVMGPU_TRACE_VMA_BO, SVMGPU_TRACE_PT_FLUSHED, 0);
	}
	svmgpu_pt_free_list(vm->pt.dma, &vm->pt.deferred);
	vm->pt.num_deferred = 0;
}

/**
 * svmgpu_pt_lookup() - what the GPU would find at an address
 * @vm: the VM
 * @addr: any address below SVMGPU_VM_SIZE
 * @level: receives the level where the walk ended; may be NULL
 *
 * Context: VM resv held, so that tables stay. Does not sleep.
 *
 * Return: the leaf entry, or 0.
 */
u64 svmgpu_pt_lookup(struct svmgpu_vm *vm, u64 addr, unsigned int *level)
{
	struct svmgpu_pt *table = vm->pt.root;
	u64 entry;

	for (;;) {
		const unsigned int index = SVMGPU_PT_INDEX(addr, table->level);
		struct svmgpu_pt *child;

		if (level)
			*level = table->level;
		entry = READ_ONCE(table->entries[index]);
		if (!table->level || entry & SVMGPU_PTE_LEAF || !(entry & SVMGPU_PTE_VALID))
			return entry & SVMGPU_PTE_VALID ? entry : 0;
		child = slot_table(READ_ONCE(table->slots[index]));
		if (!child)
			return 0;
		table = child;
	}
}

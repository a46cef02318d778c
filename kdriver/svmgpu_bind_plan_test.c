// SPDX-License-Identifier: GPL-2.0
/*
 * Bind planning against a flat model of the partition: for each page, which object
 * is there and with which offset. The VM has no hardware and no page tables.
 */
#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include <drm/drm_drv.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_kunit_helpers.h>
#include <uapi/drm/xe_drm.h>

#include "svmgpu_bind.h"
#include "svmgpu_bo.h"
#include "svmgpu_device.h"
#include "svmgpu_stats.h"
#include "svmgpu_svm.h"
#include "svmgpu_sync.h"
#include "svmgpu_vm.h"
#include "svmgpu_vma.h"

#define PAGES		64
#define MAX_OPS		4
#define ROUNDS		2000
/* pages of the window lie in one page table */
#define PAGE_VA(page)	(SZ_2M + (u64)(page) * SZ_4K)

/* what a page maps: one of two objects, a null mapping, or nothing */
enum plan_object { NONE, A, B, ZERO, USERPTR, OBJECTS };

/** struct plan_page - model of one page */
struct plan_page {
	/** @object: what is there */
	enum plan_object object;
	/** @offset: page of the object */
	int offset;
};

/** struct plan_op - one operation on the model */
struct plan_op {
	/** @op: DRM_XE_VM_BIND_OP_* */
	u32 op;
	/** @first: page */
	unsigned int first;
	/** @count: pages */
	unsigned int count;
	/** @object: of a map or unmap-all */
	enum plan_object object;
	/** @offset: page of the object at @first */
	int offset;
};

#define MAP(first, count, object, offset)	\
	{ DRM_XE_VM_BIND_OP_MAP, first, count, object, offset }
#define UNMAP(first, count)	{ DRM_XE_VM_BIND_OP_UNMAP, first, count }
#define UNMAP_ALL(object)	{ DRM_XE_VM_BIND_OP_UNMAP_ALL, 0, 0, object }
#define PREFETCH(first, count)	{ DRM_XE_VM_BIND_OP_PREFETCH, first, count }

/** struct plan_test - a VM without hardware and its model */
struct plan_test {
	/** @dev: counters and a DRM device, no more */
	struct svmgpu_device *dev;
	/** @vm: the VM */
	struct svmgpu_vm vm;
	/** @bos: by enum plan_object; only A and B are used */
	struct svmgpu_bo bos[OBJECTS];
	/** @pages: the model */
	struct plan_page pages[PAGES];
	/** @bind: the ioctl */
	struct svmgpu_bind bind;
	/** @ops: of @bind */
	struct drm_xe_vm_bind_op ops[MAX_OPS];
	/** @op_bos: of @bind */
	struct svmgpu_bo *op_bos[MAX_OPS];
};

static void plan_vm_free(struct drm_gpuvm *gpuvm)
{
	/* the test's memory */
}

static const struct drm_gpuvm_ops plan_gpuvm_ops = {
	.vm_free = plan_vm_free,
};

static int plan_test_init(struct kunit *test)
{
	struct plan_test *plan = kunit_kzalloc(test, sizeof(*plan), GFP_KERNEL);
	struct device *parent = drm_kunit_helper_alloc_device(test);
	struct drm_gem_object *resv;
	struct svmgpu_vm *vm;

	KUNIT_ASSERT_NOT_NULL(test, plan);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	plan->dev = drm_kunit_helper_alloc_drm_device(test, parent, struct svmgpu_device, drm,
						      DRIVER_GEM);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, plan->dev);
	KUNIT_ASSERT_EQ(test, svmgpu_stats_init(plan->dev), 0);

	vm = &plan->vm;
	vm->dev = plan->dev;
	svmgpu_rwsem_init(&vm->lock, SVMGPU_LOCK_VM);
	svmgpu_spin_lock_init(&vm->userptr.invalidated_lock, SVMGPU_LOCK_USERPTR_LIST);
	INIT_LIST_HEAD(&vm->rebind_list);
	INIT_LIST_HEAD(&vm->userptr.invalidated);
	INIT_LIST_HEAD(&vm->userptr.repin);
	KUNIT_ASSERT_EQ(test, svmgpu_svm_init(vm), 0);
	resv = drm_gpuvm_resv_object_alloc(&plan->dev->drm);
	KUNIT_ASSERT_NOT_NULL(test, resv);
	drm_gpuvm_init(&vm->gpuvm, "plan", DRM_GPUVM_RESV_PROTECTED, &plan->dev->drm, resv, 0,
		       SVMGPU_VM_SIZE, 0, 0, &plan_gpuvm_ops);
	drm_gem_object_put(resv);
	for (int i = 0; i < OBJECTS; i++)
		plan->bos[i].ttm.base.size = PAGES * SZ_4K;
	test->priv = plan;
	return 0;
}

static void plan_test_exit(struct kunit *test)
{
	struct plan_test *plan = test->priv;
	struct drm_gpuva *gpuva, *next;

	if (!plan)
		return;
	svmgpu_down_write(&plan->vm.lock);
	drm_gpuvm_for_each_va_safe(gpuva, next, &plan->vm.gpuvm) {
		drm_gpuva_remove(gpuva);
		svmgpu_vma_destroy(gpuva_to_vma(gpuva), NULL);
	}
	svmgpu_up_write(&plan->vm.lock);
	svmgpu_svm_close(&plan->vm);
	svmgpu_svm_fini(&plan->vm);
	svmgpu_vm_put(&plan->vm);
}

/* --- an ioctl ----------------------------------------------------------------- */

static void plan_begin(struct plan_test *plan)
{
	struct svmgpu_bind *bind = &plan->bind;

	*bind = (struct svmgpu_bind) { .vm = &plan->vm, .ops = plan->ops, .bos = plan->op_bos };
	memset(plan->ops, 0, sizeof(plan->ops));
	memset(plan->op_bos, 0, sizeof(plan->op_bos));
	INIT_LIST_HEAD(&bind->created);
	INIT_LIST_HEAD(&bind->removed);
	INIT_LIST_HEAD(&bind->stillborn);
	svmgpu_down_write(&plan->vm.lock);
}

static void plan_add(struct plan_test *plan, const struct plan_op *op)
{
	struct svmgpu_bind *bind = &plan->bind;
	struct drm_xe_vm_bind_op *user = &bind->ops[bind->num_ops];

	user->op = op->op;
	if (op->op == DRM_XE_VM_BIND_OP_UNMAP_ALL) {
		bind->bos[bind->num_ops++] = &plan->bos[op->object];
		return;
	}
	user->addr = PAGE_VA(op->first);
	user->range = (u64)op->count * SZ_4K;
	user->obj_offset = (u64)op->offset * SZ_4K;
	if (op->object == ZERO)
		user->flags = DRM_XE_VM_BIND_FLAG_NULL;
	else if (op->object != NONE)
		bind->bos[bind->num_ops] = &plan->bos[op->object];
	bind->num_ops++;
}

static void plan_free_list(struct list_head *list)
{
	struct svmgpu_vma *vma, *next;

	list_for_each_entry_safe(vma, next, list, op_link) {
		list_del_init(&vma->op_link);
		svmgpu_vma_destroy(vma, NULL);
	}
}

/* What svmgpu_vm_bind.c does after the change, or instead of it. */
static void plan_end(struct plan_test *plan, bool undo)
{
	struct svmgpu_bind *bind = &plan->bind;
	struct svmgpu_vma *vma, *next;

	if (undo)
		svmgpu_bind_undo(bind);
	list_for_each_entry_safe(vma, next, &bind->created, op_link) {
		list_del_init(&vma->op_link);
		vma->fresh = false;
		vma->present = true;
		vma->binding = false;
	}
	plan_free_list(&bind->removed);
	plan_free_list(&bind->stillborn);
	kvfree(bind->touched);
	svmgpu_up_write(&plan->vm.lock);
}

/* --- the model ---------------------------------------------------------------- */

static void model_apply(struct plan_page *pages, const struct plan_op *op)
{
	switch (op->op) {
	case DRM_XE_VM_BIND_OP_MAP:
		for (unsigned int i = 0; i < op->count; i++)
			pages[op->first + i] = (struct plan_page) {
				op->object, op->object == ZERO ? 0 : op->offset + i
			};
		break;
	case DRM_XE_VM_BIND_OP_UNMAP:
		memset(&pages[op->first], 0, op->count * sizeof(*pages));
		break;
	case DRM_XE_VM_BIND_OP_UNMAP_ALL:
		for (unsigned int i = 0; i < PAGES; i++)
			if (pages[i].object == op->object)
				pages[i] = (struct plan_page) { };
		break;
	}
}

static struct plan_page plan_look(struct plan_test *plan, unsigned int page)
{
	struct svmgpu_vma *vma = svmgpu_vma_find(&plan->vm, PAGE_VA(page));
	struct plan_page found = { };

	if (!vma)
		return found;
	if (svmgpu_vma_is_null(vma)) {
		found.object = ZERO;
		return found;
	}
	found.object = svmgpu_vma_is_userptr(vma) ? USERPTR :
		       svmgpu_vma_bo(vma) - plan->bos;
	found.offset = (vma->gpuva.gem.offset + PAGE_VA(page) - svmgpu_vma_start(vma)) / SZ_4K;
	return found;
}

static void plan_compare(struct kunit *test, const struct plan_page *pages, const char *what)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		struct plan_page found = plan_look(test->priv, i);

		if (found.object == pages[i].object && found.offset == pages[i].offset)
			continue;
		KUNIT_FAIL(test, "%s: page %u is %d+%d instead of %d+%d", what, i, found.object,
			   found.offset, pages[i].object, pages[i].offset);
		return;
	}
}

/* Each page that changed lies in one of the merged intervals, which are apart and sorted. */
static void plan_check_touched(struct kunit *test, const struct plan_page *before,
			       const struct plan_page *after)
{
	struct plan_test *plan = test->priv;
	struct svmgpu_bind *bind = &plan->bind;
	u32 at = 0;

	svmgpu_bind_merge(bind);
	for (u32 i = 0; i < bind->num_touched; i++) {
		KUNIT_EXPECT_LT(test, bind->touched[i].start, bind->touched[i].end);
		if (i)
			KUNIT_EXPECT_GT(test, bind->touched[i].start, bind->touched[i - 1].end);
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		if (before[i].object == after[i].object && before[i].offset == after[i].offset)
			continue;
		while (at < bind->num_touched && bind->touched[at].end <= PAGE_VA(i))
			at++;
		if (at < bind->num_touched && bind->touched[at].start <= PAGE_VA(i))
			continue;
		KUNIT_FAIL(test, "page %u changed and will not be written", i);
		return;
	}
}

/* --- tests -------------------------------------------------------------------- */

static void random_op(struct rnd_state *rnd, struct plan_op *op)
{
	const u32 kind = prandom_u32_state(rnd) % 8;

	*op = (struct plan_op) { .op = DRM_XE_VM_BIND_OP_MAP };
	op->first = prandom_u32_state(rnd) % PAGES;
	op->count = 1 + prandom_u32_state(rnd) % (PAGES - op->first);
	if (kind < 4) {
		op->object = kind < 2 ? A : B;
		op->offset = prandom_u32_state(rnd) % (PAGES - op->count + 1);
	} else if (kind == 4) {
		op->object = ZERO;
	} else if (kind < 7) {
		op->op = DRM_XE_VM_BIND_OP_UNMAP;
	} else {
		*op = (struct plan_op)UNMAP_ALL(prandom_u32_state(rnd) % 2 ? A : B);
	}
}

/* Arrays of operations, every third one undone. */
static void plan_random_test(struct kunit *test)
{
	struct plan_page *after = kunit_kcalloc(test, PAGES, sizeof(*after), GFP_KERNEL);
	struct plan_test *plan = test->priv;
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, after);
	prandom_seed_state(&rnd, 0x53564d);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		const u32 num = 1 + prandom_u32_state(&rnd) % MAX_OPS;
		const bool undo = round % 3 == 0;

		memcpy(after, plan->pages, sizeof(plan->pages));
		plan_begin(plan);
		for (u32 i = 0; i < num; i++) {
			struct plan_op op;

			random_op(&rnd, &op);
			plan_add(plan, &op);
			model_apply(after, &op);
		}
		KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
		plan_compare(test, after, "planned");
		if (!undo)
			plan_check_touched(test, plan->pages, after);
		plan_end(plan, undo);
		if (!undo)
			memcpy(plan->pages, after, sizeof(plan->pages));
		plan_compare(test, plan->pages, undo ? "undone" : "done");
		if (test->status == KUNIT_FAILURE)
			return;
	}
}

/** struct plan_case - operations and what they do to the lists */
struct plan_case {
	/** @what: for the report */
	const char *what;
	/** @ops: at most four; a count of zero without UNMAP_ALL ends them */
	struct plan_op ops[MAX_OPS];
	/** @created: new gpu_vmas */
	unsigned int created;
	/** @removed: old ones that went */
	unsigned int removed;
	/** @stillborn: new ones that went */
	unsigned int stillborn;
	/** @rewritten: pages to write before intervals are widened to tables */
	unsigned int rewritten;
};

/* before each: A on pages 16 to 31, B on 32 to 47 */
static const struct plan_op plan_old[] = { MAP(16, 16, A, 0), MAP(32, 16, B, 4) };

static const struct plan_case plan_cases[] = {
	{ "map in a hole", { MAP(0, 8, A, 0) }, 1, 0, 0, 8 },
	{ "map over the whole", { MAP(16, 16, B, 0) }, 1, 1, 0, 32 },
	{ "map over the middle", { MAP(20, 4, B, 0) }, 3, 1, 0, 8 },
	{ "map over both", { MAP(24, 16, ZERO, 0) }, 3, 2, 0, 32 },
	{ "map the same again", { MAP(16, 16, A, 0) }, 1, 1, 0, 32 },
	{ "unmap a hole", { UNMAP(0, 8) }, 0, 0, 0, 0 },
	{ "unmap the middle", { UNMAP(20, 4) }, 2, 1, 0, 4 },
	{ "unmap the head", { UNMAP(8, 12) }, 1, 1, 0, 4 },
	{ "unmap the tail of one, the head of the other", { UNMAP(24, 16) }, 2, 2, 0, 16 },
	{ "unmap everything", { UNMAP(0, PAGES) }, 0, 2, 0, 32 },
	{ "unmap an object", { UNMAP_ALL(B) }, 0, 1, 0, 16 },
	{ "unmap what is not mapped", { UNMAP_ALL(ZERO) }, 0, 0, 0, 0 },
	{ "prefetch", { PREFETCH(16, 16) }, 0, 0, 0, 0 },
	{ "map and unmap", { MAP(0, 8, A, 0), UNMAP(0, 8) }, 0, 0, 1, 16 },
	{ "unmap and map back", { UNMAP(20, 4), MAP(20, 4, A, 4) }, 3, 1, 0, 8 },
	{ "split a part again", { UNMAP(20, 4), UNMAP(28, 2) }, 3, 1, 1, 6 },
};

static unsigned int list_length(const struct list_head *list)
{
	const struct list_head *pos;
	unsigned int n = 0;

	list_for_each(pos, list)
		n++;
	return n;
}

static void plan_case_run(struct kunit *test, const struct plan_case *c)
{
	struct plan_test *plan = test->priv;
	struct svmgpu_bind *bind = &plan->bind;
	struct svmgpu_vma *old[2];
	u64 rewritten = 0;

	old[0] = svmgpu_vma_find(&plan->vm, PAGE_VA(16));
	old[1] = svmgpu_vma_find(&plan->vm, PAGE_VA(32));
	plan_begin(plan);
	for (unsigned int i = 0; i < MAX_OPS; i++)
		if (c->ops[i].count || c->ops[i].op == DRM_XE_VM_BIND_OP_UNMAP_ALL)
			plan_add(plan, &c->ops[i]);
	KUNIT_EXPECT_EQ_MSG(test, svmgpu_bind_plan(bind), 0, "%s", c->what);
	KUNIT_EXPECT_EQ_MSG(test, list_length(&bind->created), c->created, "%s", c->what);
	KUNIT_EXPECT_EQ_MSG(test, list_length(&bind->removed), c->removed, "%s", c->what);
	KUNIT_EXPECT_EQ_MSG(test, list_length(&bind->stillborn), c->stillborn, "%s", c->what);
	for (u32 i = 0; i < bind->num_touched; i++)
		rewritten += bind->touched[i].end - bind->touched[i].start;
	KUNIT_EXPECT_EQ_MSG(test, rewritten, c->rewritten * (u64)SZ_4K, "%s", c->what);
	KUNIT_EXPECT_EQ_MSG(test, bind->prefetches, c->ops[0].op == DRM_XE_VM_BIND_OP_PREFETCH,
			    "%s", c->what);
	plan_end(plan, true);

	/* undone: the very same gpu_vmas, not equal ones */
	plan_compare(test, plan->pages, c->what);
	KUNIT_EXPECT_PTR_EQ(test, svmgpu_vma_find(&plan->vm, PAGE_VA(16)), old[0]);
	KUNIT_EXPECT_PTR_EQ(test, svmgpu_vma_find(&plan->vm, PAGE_VA(47)), old[1]);
}

static void plan_apply(struct kunit *test, const struct plan_op *ops, u32 num)
{
	struct plan_test *plan = test->priv;

	plan_begin(plan);
	for (u32 i = 0; i < num; i++) {
		plan_add(plan, &ops[i]);
		model_apply(plan->pages, &ops[i]);
	}
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	plan_end(plan, false);
}

static void plan_split_test(struct kunit *test)
{
	plan_apply(test, plan_old, ARRAY_SIZE(plan_old));
	for (size_t i = 0; i < ARRAY_SIZE(plan_cases); i++)
		plan_case_run(test, &plan_cases[i]);
}

/* What remains of a gpu_vma is not written, a new one is; in fault mode only on demand. */
static void plan_binding_test(struct kunit *test)
{
	static const struct plan_op op = MAP(20, 4, B, 0);
	struct plan_test *plan = test->priv;

	plan_apply(test, plan_old, ARRAY_SIZE(plan_old));
	plan_begin(plan);
	plan_add(plan, &op);
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	KUNIT_EXPECT_TRUE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(20))->binding);
	KUNIT_EXPECT_FALSE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(19))->binding);
	KUNIT_EXPECT_TRUE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(19))->present);
	KUNIT_EXPECT_FALSE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(24))->binding);
	plan_end(plan, true);

	plan->vm.flags = SVMGPU_VM_LR | SVMGPU_VM_FAULT;
	plan_begin(plan);
	plan_add(plan, &op);
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	KUNIT_EXPECT_FALSE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(20))->binding);
	plan_end(plan, true);
	plan_begin(plan);
	plan_add(plan, &op);
	plan->ops[0].flags = DRM_XE_VM_BIND_FLAG_IMMEDIATE;
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	KUNIT_EXPECT_TRUE(test, svmgpu_vma_find(&plan->vm, PAGE_VA(20))->binding);
	plan_end(plan, true);
	plan->vm.flags = 0;
}

/* Some of the process's memory, which a kernel thread has none of. */
static u64 plan_user_memory(struct kunit *test, size_t bytes)
{
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	addr = kunit_vm_mmap(test, NULL, 0, bytes, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, addr, 0UL);
	KUNIT_ASSERT_LT(test, addr, (unsigned long)TASK_SIZE);
	return addr;
}

/* The last operation of an array is refused: what the others did is taken back. */
static void plan_busy_test(struct kunit *test)
{
	static const struct plan_op fenced = MAP(48, 8, A, 0);
	static const struct plan_op array[] = {
		UNMAP(20, 4), MAP(28, 12, ZERO, 0), UNMAP_ALL(B), UNMAP(50, 2),
	};
	const u64 addr = plan_user_memory(test, PAGE_SIZE);
	struct plan_test *plan = test->priv;
	struct svmgpu_sync sync = { };

	plan_apply(test, plan_old, ARRAY_SIZE(plan_old));
	sync.ufence = svmgpu_user_fence_create(plan->dev, addr, 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sync.ufence);
	plan_begin(plan);
	plan->bind.ufence = &sync;
	plan_add(plan, &fenced);
	model_apply(plan->pages, &fenced);
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	plan_end(plan, false);

	plan_begin(plan);
	for (size_t i = 0; i < ARRAY_SIZE(array); i++)
		plan_add(plan, &array[i]);
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), -EBUSY);
	plan_end(plan, true);
	plan_compare(test, plan->pages, "refused");
	svmgpu_user_fence_put(sync.ufence);
}

/* A userptr's parts map its pages anew: all of it is written. */
static void plan_userptr_test(struct kunit *test)
{
	const u64 addr = plan_user_memory(test, 8 * SZ_4K);
	static const struct plan_op hole = UNMAP(10, 2);
	struct plan_test *plan = test->priv;
	struct svmgpu_vma *part;

	plan_begin(plan);
	plan->ops[0] = (struct drm_xe_vm_bind_op) {
		.op = DRM_XE_VM_BIND_OP_MAP_USERPTR,
		.userptr = addr,
		.addr = PAGE_VA(8),
		.range = 8 * SZ_4K,
	};
	plan->bind.num_ops = 1;
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	plan_end(plan, false);

	plan_begin(plan);
	plan_add(plan, &hole);
	KUNIT_EXPECT_EQ(test, svmgpu_bind_plan(&plan->bind), 0);
	KUNIT_EXPECT_EQ(test, plan->bind.num_touched, 1);
	KUNIT_EXPECT_EQ(test, plan->bind.touched[0].start, PAGE_VA(8));
	KUNIT_EXPECT_EQ(test, plan->bind.touched[0].end, PAGE_VA(16));
	part = svmgpu_vma_find(&plan->vm, PAGE_VA(15));
	KUNIT_ASSERT_NOT_NULL(test, part);
	KUNIT_EXPECT_EQ(test, svmgpu_vma_start(part), PAGE_VA(12));
	KUNIT_EXPECT_EQ(test, part->gpuva.gem.offset, addr + 4 * SZ_4K);
	KUNIT_EXPECT_TRUE(test, part->binding);
	KUNIT_EXPECT_NULL(test, svmgpu_vma_find(&plan->vm, PAGE_VA(10)));
	plan_end(plan, true);
	KUNIT_EXPECT_EQ(test, svmgpu_vma_start(svmgpu_vma_find(&plan->vm, PAGE_VA(10))),
			PAGE_VA(8));
}

static struct kunit_case plan_kunit_cases[] = {
	KUNIT_CASE(plan_random_test),
	KUNIT_CASE(plan_split_test),
	KUNIT_CASE(plan_binding_test),
	KUNIT_CASE(plan_busy_test),
	KUNIT_CASE(plan_userptr_test),
	{}
};

static struct kunit_suite plan_suite = {
	.name = "svmgpu_bind_plan",
	.init = plan_test_init,
	.exit = plan_test_exit,
	.test_cases = plan_kunit_cases,
};

kunit_test_suite(plan_suite);

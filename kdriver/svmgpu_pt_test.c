// SPDX-License-Identifier: GPL-2.0
/*
 * The page-table builder against a flat model: an array with one value per page.
 * The tables are ordinary memory here; no device is involved.
 */
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include "svmgpu_pt.h"
#include "svmgpu_vm.h"

/* the window crosses a boundary of level 2 */
#define WINDOW_START	(SZ_1G - 2 * SZ_2M)
#define WINDOW_PAGES	(5 * SZ_2M / SZ_4K)
#define ROUNDS		400

/** struct test_source - pages of a test mapping */
struct test_source {
	/** @base: what the builder knows */
	struct svmgpu_pt_source base;
	/** @value: leaf value of the first page, or SVMGPU_PT_HOLE, SVMGPU_PTE_NULL */
	u64 value;
	/** @bytes: of the mapping */
	u64 bytes;
	/** @run: bytes that are contiguous; after each the address jumps */
	u64 run;
	/** @calls: how often the builder asked for an address */
	unsigned int calls;
};

static u64 test_value(const struct test_source *source, u64 offset)
{
	if (source->value == SVMGPU_PT_HOLE || source->value & SVMGPU_PTE_NULL)
		return source->value;
	/* every run lies 4 GiB behind the one before it */
	return source->value + offset % source->run + offset / source->run * SZ_4G;
}

static u64 test_next(struct svmgpu_pt_source *base, u64 offset, u64 *bytes)
{
	struct test_source *source = container_of(base, struct test_source, base);

	source->calls++;
	*bytes = source->bytes - offset;
	if (source->value != SVMGPU_PT_HOLE && !(source->value & SVMGPU_PTE_NULL))
		*bytes = min(*bytes, source->run - offset % source->run);
	return test_value(source, offset);
}

/* Of sources that are one run, aligned to 2 MiB. */
static u64 test_large(struct svmgpu_pt_source *base, u64 offset)
{
	return container_of(base, struct test_source, base)->bytes - offset;
}

static int pt_test_init(struct kunit *test)
{
	struct svmgpu_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return -ENOMEM;
	test->priv = vm;
	return svmgpu_pt_init(vm);
}

static void pt_test_exit(struct kunit *test)
{
	struct svmgpu_vm *vm = test->priv;

	if (vm)
		svmgpu_pt_fini(vm);
}

static void pt_change(struct kunit *test, u64 start, u64 end, struct svmgpu_pt_source *source)
{
	struct svmgpu_vm *vm = test->priv;
	struct svmgpu_pt_update update;

	KUNIT_ASSERT_EQ(test, svmgpu_pt_stage(vm, start, end, source, &update), 0);
	KUNIT_EXPECT_LE(test, update.first, start);
	KUNIT_EXPECT_GE(test, update.last, end - 1);
	svmgpu_pt_commit_cpu(&update);
	svmgpu_pt_abort(&update);
}

/* What the GPU would access at @addr: a physical address, NULL, or a hole. */
static u64 pt_translate(struct svmgpu_vm *vm, u64 addr)
{
	unsigned int level;
	u64 leaf = svmgpu_pt_lookup(vm, addr, &level);

	if (!leaf)
		return SVMGPU_PT_HOLE;
	if (leaf & SVMGPU_PTE_NULL)
		return SVMGPU_PTE_NULL;
	return (leaf & SVMGPU_PTE_PADDR_MASK) + (addr & (BIT_ULL(SVMGPU_PT_SHIFT(level)) - 1));
}

static void pt_compare(struct kunit *test, const u64 *model, unsigned int round)
{
	struct svmgpu_vm *vm = test->priv;

	for (unsigned int page = 0; page < WINDOW_PAGES; page++) {
		u64 addr = WINDOW_START + (u64)page * SZ_4K;

		if (pt_translate(vm, addr) == model[page])
			continue;
		KUNIT_FAIL(test, "round %u page %u: 0x%llx instead of 0x%llx", round, page,
			   pt_translate(vm, addr), model[page]);
		return;
	}
}

static void pt_random_test(struct kunit *test)
{
	u64 *model = kunit_kcalloc(test, WINDOW_PAGES, sizeof(*model), GFP_KERNEL);
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, model);
	for (unsigned int page = 0; page < WINDOW_PAGES; page++)
		model[page] = SVMGPU_PT_HOLE;
	prandom_seed_state(&rnd, 0x53564d);

	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int first = prandom_u32_state(&rnd) % WINDOW_PAGES;
		unsigned int count = 1 + prandom_u32_state(&rnd) % (WINDOW_PAGES - first);
		unsigned int kind = prandom_u32_state(&rnd) % 8;
		struct test_source source = { .base.next = test_next };
		u64 start;

		if (kind & 1) {
			/* whole leaves of level 1 */
			first = round_down(first, 512);
			count = min(round_up(count, 512), WINDOW_PAGES - first);
		}
		start = WINDOW_START + (u64)first * SZ_4K;
		source.bytes = (u64)count * SZ_4K;
		source.run = source.bytes;
		/* same offset within 2 MiB as the address: large leaves are possible */
		source.value = SVMGPU_PADDR_VRAM((u64)round * SZ_64M + start % SZ_2M);
		if (kind == 2)
			source.run = SZ_4K * (1 + prandom_u32_state(&rnd) % 16);
		if (kind == 4)
			source.value = SVMGPU_PTE_NULL;
		if (kind >= 6)
			source.value = SVMGPU_PT_HOLE;
		if (kind == 3)
			source.base.large = test_large;

		pt_change(test, start, start + source.bytes, kind == 6 ? NULL : &source.base);
		for (unsigned int i = 0; i < count; i++)
			model[first + i] = test_value(&source, (u64)i * SZ_4K);
		pt_compare(test, model, round);
	}
}

static void pt_huge_test(struct kunit *test)
{
	struct test_source source = {
		.base.next = test_next,
		.value = SVMGPU_PADDR_VRAM(0),
		.bytes = SZ_1G,
		.run = SZ_1G,
	};
	const u64 start = 3ULL * SZ_1G, hole = start + 77 * (u64)SZ_2M + 5 * SZ_4K;
	struct svmgpu_vm *vm = test->priv;
	unsigned int level;

	pt_change(test, start, start + SZ_1G, &source.base);
	KUNIT_EXPECT_NE(test, svmgpu_pt_lookup(vm, start + SZ_512M, &level), 0ULL);
	KUNIT_EXPECT_EQ(test, level, 2);

	/* one page goes; everything around it stays where it was */
	pt_change(test, hole, hole + SZ_4K, NULL);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, hole), SVMGPU_PT_HOLE);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, hole - SZ_4K), source.value + hole - SZ_4K - start);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, hole + SZ_4K), source.value + hole + SZ_4K - start);
	svmgpu_pt_lookup(vm, start, &level);
	KUNIT_EXPECT_EQ(test, level, 1);
	svmgpu_pt_lookup(vm, hole + SZ_4K, &level);
	KUNIT_EXPECT_EQ(test, level, 0);

	/* whole again: the smaller tables are detached, not leaked */
	pt_change(test, start, start + SZ_1G, &source.base);
	svmgpu_pt_lookup(vm, hole, &level);
	KUNIT_EXPECT_EQ(test, level, 2);
	KUNIT_EXPECT_EQ(test, vm->pt.num_deferred, 2);
}

/*
 * What a run of large leaves costs is one entry of a list, wherever tables are below
 * it, and a few looks at the source; where that knows of large pieces, staging takes
 * its word.
 */
static void pt_run_test(struct kunit *test)
{
	struct test_source source = {
		.base.next = test_next,
		.value = SVMGPU_PADDR_VRAM(SZ_2M),
		.bytes = SZ_1G - SZ_4M,
		.run = SZ_1G,
	};
	struct test_source small = {
		.base.next = test_next,
		.value = SVMGPU_PADDR_VRAM(SZ_4K),
		.bytes = SZ_4K,
		.run = SZ_4K,
	};
	const u64 first = 5ULL * SZ_1G, start = first + SZ_4M;
	struct svmgpu_vm *vm = test->priv;
	struct svmgpu_pt_update update;
	unsigned int level;

	pt_change(test, first, first + SZ_4K, &small.base);
	pt_change(test, start + 7 * SZ_2M, start + 7 * SZ_2M + SZ_4K, &small.base);
	KUNIT_ASSERT_EQ(test, svmgpu_pt_stage(vm, start, start + source.bytes, &source.base,
					      &update), 0);
	KUNIT_EXPECT_EQ(test, update.entries, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&update.staged));
	svmgpu_pt_commit_cpu(&update);
	svmgpu_pt_abort(&update);
	KUNIT_EXPECT_LE(test, source.calls, 6);

	source.base.large = test_large;
	KUNIT_ASSERT_EQ(test, svmgpu_pt_stage(vm, start, start + source.bytes, &source.base,
					      &update), 0);
	KUNIT_EXPECT_EQ(test, update.tables, source.bytes / SZ_2M);
	svmgpu_pt_commit_cpu(&update);
	svmgpu_pt_abort(&update);
	KUNIT_EXPECT_EQ(test, vm->pt.num_deferred, 1);
	for (u64 offset = 0; offset < source.bytes; offset += SZ_2M) {
		KUNIT_EXPECT_EQ(test, pt_translate(vm, start + offset), source.value + offset);
		svmgpu_pt_lookup(vm, start + offset, &level);
		KUNIT_EXPECT_EQ(test, level, 1);
	}
	KUNIT_EXPECT_EQ(test, pt_translate(vm, start - SZ_4K), SVMGPU_PT_HOLE);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, first), small.value);
}

static void pt_zap_test(struct kunit *test)
{
	struct test_source source = {
		.base.next = test_next,
		.base.flags = SVMGPU_PTE_WRITE,
		.value = SVMGPU_PADDR_VRAM(SZ_2M),
		.bytes = SZ_4M,
		.run = SZ_4M,
	};
	const u64 start = SZ_16M;
	struct svmgpu_vm *vm = test->priv;

	KUNIT_EXPECT_FALSE(test, svmgpu_pt_zap(vm, start, start + SZ_4M));
	pt_change(test, start, start + SZ_4M, &source.base);
	KUNIT_EXPECT_TRUE(test, svmgpu_pt_lookup(vm, start, NULL) & SVMGPU_PTE_WRITE);
	KUNIT_EXPECT_TRUE(test, svmgpu_pt_zap(vm, start, start + SZ_2M));
	KUNIT_EXPECT_EQ(test, pt_translate(vm, start), SVMGPU_PT_HOLE);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, start + SZ_2M), source.value + SZ_2M);
	KUNIT_EXPECT_FALSE(test, svmgpu_pt_zap(vm, start, start + SZ_2M));

	svmgpu_pt_clear(vm);
	KUNIT_EXPECT_EQ(test, pt_translate(vm, start + SZ_2M), SVMGPU_PT_HOLE);
}

/* Who depends on whom: only an update that links a table reaches beyond its own bytes. */
static void pt_dependency_test(struct kunit *test)
{
	struct test_source source = {
		.base.next = test_next,
		.value = SVMGPU_PADDR_VRAM(SZ_4K),
		.bytes = SZ_4K,
		.run = SZ_4K,
	};
	const u64 start = SZ_2M + SZ_64K;
	struct svmgpu_vm *vm = test->priv;
	struct svmgpu_pt_update update;

	KUNIT_ASSERT_EQ(test, svmgpu_pt_stage(vm, start, start + SZ_4K, &source.base, &update), 0);
	KUNIT_EXPECT_EQ(test, update.first, 0ULL);
	KUNIT_EXPECT_EQ(test, update.last, BIT_ULL(39) - 1);
	svmgpu_pt_commit_cpu(&update);
	svmgpu_pt_abort(&update);

	KUNIT_ASSERT_EQ(test, svmgpu_pt_stage(vm, start + SZ_64K, start + SZ_64K + SZ_4K,
					      &source.base, &update), 0);
	KUNIT_EXPECT_EQ(test, update.first, start + SZ_64K);
	KUNIT_EXPECT_EQ(test, update.last, start + SZ_64K + SZ_4K - 1);
	svmgpu_pt_abort(&update);
}

static struct kunit_case pt_cases[] = {
	KUNIT_CASE(pt_random_test),
	KUNIT_CASE(pt_huge_test),
	KUNIT_CASE(pt_run_test),
	KUNIT_CASE(pt_zap_test),
	KUNIT_CASE(pt_dependency_test),
	{}
};

static struct kunit_suite pt_suite = {
	.name = "svmgpu_pt",
	.init = pt_test_init,
	.exit = pt_test_exit,
	.test_cases = pt_cases,
};

kunit_test_suite(pt_suite);

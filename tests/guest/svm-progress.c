// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Forward progress of faults: a fault that keeps losing to invalidations escalates
 * to a smaller range (tier 1), to the write side of the CPU's own locks (tier 2)
 * and to a locked folio (tier 3), and is served in the end.
 *
 * The collisions are made on purpose: the driver's race points (debugfs "races")
 * lose as often as a test says, or a thread keeps changing the CPU mapping while
 * the driver dwells between looking at the pages and mapping them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "batch.h"
#include "gpu.h"
#include "subtest.h"

#define PAGE		4096
#define BLOCK		(2ul << 20)
#define PAGES		16
#define WAIT_NS		(120ll * 1000 * 1000 * 1000)

/* collisions that a fault has behind it when a tier begins; svmgpu_svm_range.c */
#define TIER1		8
#define TIER2		24
#define TIER3		28

/** struct scene - a GPU, what it executes and what it works on */
struct scene {
	/** @gpu: the first one */
	struct gpu gpu;
	/** @dir: its debugfs directory */
	char dir[64];
	/** @own_fence: as gpu_open_all() made it */
	uint64_t *own_fence;
	/**
	 * @control: batch, fence and result; stays in system memory and mapped, so
	 * that only accesses to @block fault
	 */
	uint8_t *control;
	/** @block: what the GPU accesses */
	uint8_t *block;
	/** @batch: at the start of @control */
	struct batch batch;
	/** @failed: faults that failed before */
	uint64_t failed;
	/** @faults: faults that were served before */
	uint64_t faults;
	/** @served: by tier, before; [0] is not used */
	uint64_t served[4];
};

/* A block of its own, in no other mapping's neighbourhood. */
static uint8_t *map_block(void)
{
	uint8_t *area = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

	check(area != MAP_FAILED);
	return (uint8_t *)(((uintptr_t)area + BLOCK - 1) & -BLOCK);
}

static uint64_t counter(struct scene *scene, const char *name)
{
	char path[96], line[128], word[64];
	unsigned long long value;
	FILE *file;

	snprintf(path, sizeof(path), "%s/gt0/stats", scene->dir);
	file = fopen(path, "r");
	check_that(file, "%s cannot be opened", path);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]: %llu", word, &value) == 2 && !strcmp(word, name)) {
			fclose(file);
			return value;
		}
	}
	subtest_fail(__FILE__, __LINE__, "there is no counter %s", name);
}

static void race(struct scene *scene, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void race(struct scene *scene, const char *format, ...)
{
	char path[96], command[64];
	va_list args;
	int fd, n;

	va_start(args, format);
	n = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/races", scene->dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check_that(fd >= 0, "%s cannot be opened", path);
	check_that(write(fd, command, n) == n, "race '%s' is refused", command);
	close(fd);
}

/* How many tasks will still meet what was armed. */
static unsigned int race_left(struct scene *scene, const char *point)
{
	unsigned int passed, left = ~0u;
	char path[96], line[96], name[32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/races", scene->dir);
	file = fopen(path, "r");
	check_that(file, "%s cannot be opened", path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%31s passed %u left %u", name, &passed, &left) == 3 &&
		    !strcmp(name, point))
			break;
	fclose(file);
	return left;
}

static void note_counters(struct scene *scene)
{
	scene->failed = counter(scene, "failed_fault_count");
	scene->faults = counter(scene, "svm_pagefault_count");
	scene->served[1] = counter(scene, "svm_tier1_count");
	scene->served[2] = counter(scene, "svm_tier2_count");
	scene->served[3] = counter(scene, "svm_tier3_count");
}

static uint64_t served(struct scene *scene, unsigned int tier)
{
	char name[32];

	snprintf(name, sizeof(name), "svm_tier%u_count", tier);
	return counter(scene, name) - scene->served[tier];
}

/* Runs what is in the batch; the next one is written over it. */
static void run(struct scene *scene)
{
	int err;

	batch_end(&scene->batch);
	gpu_submit(&scene->gpu, scene->batch.dw);
	err = gpu_wait(&scene->gpu, WAIT_NS);
	check_that(!err, "the job ends with %s", strerror(-err));
	scene->batch.count = 0;
}

static void scene_begin(struct scene *scene)
{
	struct stat st;

	memset(scene, 0, sizeof(*scene));
	if (!gpu_open_all(&scene->gpu, 1))
		subtest_skip("there is no GPU");
	check(!fstat(scene->gpu.fd, &st));
	snprintf(scene->dir, sizeof(scene->dir), "/sys/kernel/debug/dri/%u", minor(st.st_rdev));

	scene->control = map_block();
	memset(scene->control, 0, BLOCK);
	check(!gpu_advise_location(&scene->gpu, scene->control, BLOCK, NULL));
	scene->batch = (struct batch){ .dw = (uint32_t *)scene->control, .room = PAGE / 4 };
	scene->own_fence = scene->gpu.fence;
	scene->gpu.fence = (uint64_t *)(scene->control + 2 * PAGE);
	*scene->gpu.fence = scene->gpu.fence_value;

	scene->block = map_block();
	memset(scene->block, 0x55, PAGES * PAGE);

	race(scene, "off");
	/* whatever the next jobs need besides the block is mapped afterwards */
	batch_store_dword(&scene->batch, (uintptr_t)scene->control + PAGE, 1);
	run(scene);
	note_counters(scene);
}

static void scene_end(struct scene *scene)
{
	race(scene, "off");
	check_eq(counter(scene, "failed_fault_count") - scene->failed, 0);
	scene->gpu.fence = scene->own_fence;
	gpu_close(&scene->gpu);
}

static uint32_t *result(struct scene *scene)
{
	return (uint32_t *)(scene->control + PAGE);
}

static uint32_t *page(struct scene *scene, unsigned int n)
{
	return (uint32_t *)(scene->block + n * PAGE);
}

/* One fault that loses @collisions times: then it was served in @tier. */
static void lose(struct scene *scene, unsigned int collisions, unsigned int tier)
{
	note_counters(scene);
	race(scene, "before_commit collide %u", collisions);
	run(scene);
	check_eq(race_left(scene, "before_commit"), 0);
	/* it is counted after it was answered */
	for (double begin = subtest_now();
	     counter(scene, "svm_pagefault_count") == scene->faults; usleep(1000))
		check_that(subtest_now() - begin < 10, "no fault was counted");
	for (unsigned int t = 1; t <= 3; t++)
		check_eq(served(scene, t), t == tier);
}

/* Stores that lose more and more often, to one page each. */
static void store_in_all_tiers(struct scene *scene)
{
	static const struct {
		unsigned int collisions, tier;
	} cases[] = {
		{ TIER1 - 1, 0 }, { TIER1, 1 }, { TIER2 - 1, 1 }, { TIER2, 2 },
		{ TIER3 - 1, 2 }, { TIER3, 3 }, { TIER3 + 8, 3 },
	};
	const unsigned int n = sizeof(cases) / sizeof(cases[0]);

	for (unsigned int i = 0; i < n; i++) {
		/* no entry of an earlier, wider range may serve it */
		check(!mprotect(scene->block, PAGES * PAGE, PROT_READ));
		check(!mprotect(scene->block, PAGES * PAGE, PROT_READ | PROT_WRITE));
		batch_store_dword(&scene->batch, (uintptr_t)page(scene, i), 0xc0de0000 + i);
		lose(scene, cases[i].collisions, cases[i].tier);
	}
	for (unsigned int i = 0; i < n; i++) {
		check_eq(*page(scene, i), 0xc0de0000 + i);
		check_eq(page(scene, i)[1], 0x55555555);
	}
}

static void store_system(void)
{
	struct scene scene;

	scene_begin(&scene);
	check(!gpu_advise_location(&scene.gpu, scene.block, BLOCK, NULL));
	store_in_all_tiers(&scene);
	scene_end(&scene);
}

static void store_vram(void)
{
	struct scene scene;

	scene_begin(&scene);
	store_in_all_tiers(&scene);
	scene_end(&scene);
}

static void load_read_only(void)
{
	struct scene scene;

	scene_begin(&scene);
	for (unsigned int i = 0; i < 3; i++)
		*page(&scene, i) = 0xf00d0000 + i;
	check(!mprotect(scene.block, PAGES * PAGE, PROT_READ));
	for (unsigned int i = 0; i < 3; i++) {
		batch_load_reg(&scene.batch, 0, 0, (uintptr_t)page(&scene, i));
		batch_store_reg(&scene.batch, 0, 0, (uintptr_t)result(&scene));
		lose(&scene, i == 0 ? TIER1 : i == 1 ? TIER2 : TIER3, i + 1);
		check_eq(*result(&scene), 0xf00d0000 + i);
		/* the next page is in a range of its own only if this one was narrow */
		check(!mprotect(scene.block, PAGES * PAGE, PROT_READ | PROT_WRITE));
		check(!mprotect(scene.block, PAGES * PAGE, PROT_READ));
	}
	scene_end(&scene);
}

static void atomic_in_vram(void)
{
	struct scene scene;

	scene_begin(&scene);
	for (unsigned int i = 0; i < 3; i++) {
		*page(&scene, i) = 41;
		batch_increment(&scene.batch, (uintptr_t)page(&scene, i));
		lose(&scene, i == 0 ? TIER1 : i == 1 ? TIER2 : TIER3, i + 1);
		check_eq(*page(&scene, i), 42);
	}
	scene_end(&scene);
}

/** struct hammer - a thread that keeps changing a CPU mapping */
struct hammer {
	/** @block: where; the odd pages hold nothing of worth */
	uint8_t *block;
	/** @stop: asks it to end */
	atomic_bool stop;
	/** @blows: how often */
	unsigned long blows;
	/** @thread: the thread */
	pthread_t thread;
};

static void *hammer_work(void *arg)
{
	struct hammer *hammer = arg;

	while (!hammer->stop) {
		/* each of it invalidates; the accesses stay permitted all the time */
		check(!mprotect(hammer->block, PAGES * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
		check(!mprotect(hammer->block, PAGES * PAGE, PROT_READ | PROT_WRITE));
		/* seldom: it leaves the even pages alone, so that a narrow range may win */
		if (hammer->blows % 16 == 15)
			check(!madvise(hammer->block + (hammer->blows / 16 * 2 + 1) % PAGES * PAGE,
				       PAGE, MADV_DONTNEED));
		hammer->blows++;
	}
	return NULL;
}

static void hammered_stores(struct scene *scene, unsigned int collisions)
{
	struct hammer hammer = { .block = scene->block };

	check(!gpu_advise_location(&scene->gpu, scene->block, BLOCK, NULL));
	/* pages in hand, each fault waits for the next blow, however slow the machine */
	race(scene, "after_pages until in_notifier 1000000");
	if (collisions)
		race(scene, "before_commit collide %u", collisions);
	check(!pthread_create(&hammer.thread, NULL, hammer_work, &hammer));
	for (unsigned int i = 0; i < PAGES; i += 2) {
		batch_store_dword(&scene->batch, (uintptr_t)page(scene, i), 0xbeef0000 + i);
		run(scene);
	}
	hammer.stop = true;
	pthread_join(hammer.thread, NULL);
	subtest_info("%lu blows, retries %llu, tier 1 %llu, tier 2 %llu, tier 3 %llu", hammer.blows,
		     (unsigned long long)counter(scene, "svm_retry_count"),
		     (unsigned long long)served(scene, 1), (unsigned long long)served(scene, 2),
		     (unsigned long long)served(scene, 3));
	for (unsigned int i = 0; i < PAGES; i += 2)
		check_eq(*page(scene, i), 0xbeef0000 + i);
}

static void hammer(void)
{
	struct scene scene;

	scene_begin(&scene);
	hammered_stores(&scene, 0);
	check_that(served(&scene, 2) > 0, "the hammer never drove a fault to tier 2");
	scene_end(&scene);
}

static void hammer_and_collide(void)
{
	struct scene scene;

	scene_begin(&scene);
	hammered_stores(&scene, TIER3 + 4);
	check_that(served(&scene, 3) > 0, "no fault was driven to tier 3");
	scene_end(&scene);
}

static const struct subtest subtests[] = {
	{ "store-system", store_system,
	  "a store that loses 7 to 36 times is served in the tier that its number asks for" },
	{ "store-vram", store_vram, "so is a store to a page that moves to VRAM" },
	{ "load-read-only", load_read_only, "so is a load from memory that the CPU may only read" },
	{ "atomic", atomic_in_vram, "so is an atomic, which has to be done in VRAM" },
	{ "hammer", hammer,
	  "a thread that keeps changing the mapping delays stores, but stops none of them" },
	{ "hammer-and-collide", hammer_and_collide,
	  "nor does it when commits lose on top of it" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Faults that keep losing are served all the same.", subtests);
}

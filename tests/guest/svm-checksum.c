// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Migrations that the driver checks itself: with the module parameter svm_checksum
 * it reads the pages at both ends of each copy. What it then tells of them is what
 * rule S10 asks of a log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "batch.h"
#include "gpu.h"
#include "subtest.h"
#include "tracing.h"

#define PAGE		4096
#define BLOCK		(2ul << 20)
#define PARAMETER	"/sys/module/svmgpu/parameters/svm_checksum"
#define WAIT_NS		(60ll * 1000 * 1000 * 1000)

/** struct scene - a GPU and the memory that it pulls at */
struct scene {
	/** @gpu: the first one */
	struct gpu gpu;
	/** @batch: in a block of its own, which stays in system memory */
	struct batch batch;
	/** @block: what migrates */
	uint8_t *block;
};

/** struct sums - what the trace says of the migrations that have ended */
struct sums {
	/** @checked: have checksums */
	unsigned int checked;
	/** @changed: and these differ */
	unsigned int changed;
	/** @bytes: of the checked ones */
	uint64_t bytes;
};

static uint8_t *map_block(void)
{
	uint8_t *area = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

	check(area != MAP_FAILED);
	return (uint8_t *)(((uintptr_t)area + BLOCK - 1) & -BLOCK);
}

static void ask_for_checksums(bool on)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);

	check_that(fd >= 0, "%s cannot be opened", PARAMETER);
	check_eq(write(fd, on ? "1" : "0", 1), 1);
	close(fd);
}

static uint8_t pattern(size_t byte)
{
	return byte * 2654435761u >> 11;
}

static void scene_begin(struct scene *scene)
{
	static const char *const events[] = { "svmgpu_migration_ended", NULL };
	uint8_t *control;

	memset(scene, 0, sizeof(*scene));
	if (!gpu_open_all(&scene->gpu, 1))
		subtest_skip("there is no GPU");
	control = map_block();
	memset(control, 0, BLOCK);
	check(!gpu_advise_location(&scene->gpu, control, BLOCK, NULL));
	scene->batch = (struct batch){ .dw = (uint32_t *)control, .room = PAGE / 4 };
	scene->block = map_block();
	for (size_t i = 0; i < BLOCK; i++)
		scene->block[i] = pattern(i);
	tracing_begin("svmgpu", events);
}

/* The GPU writes the first dword of the block, and the block moves to it. */
static void to_vram(struct scene *scene)
{
	batch_store_dword(&scene->batch, (uintptr_t)scene->block, 0xc0de);
	batch_store_dword(&scene->batch, (uintptr_t)scene->block + BLOCK / 2, 0xc0de);
	batch_end(&scene->batch);
	gpu_submit(&scene->gpu, scene->batch.dw);
	check_eq(gpu_wait(&scene->gpu, WAIT_NS), 0);
}

/* The CPU reads all of it, and it comes back. */
static void to_system(struct scene *scene)
{
	for (size_t i = 0; i < BLOCK; i++) {
		if (i % (BLOCK / 2) < 4)
			continue;
		check_that(scene->block[i] == pattern(i), "byte %zu differs", i);
	}
	check_eq(*(uint32_t *)scene->block, 0xc0de);
	check_eq(*(uint32_t *)(scene->block + BLOCK / 2), 0xc0de);
}

static void add_event(const struct trace_event *event, void *arg)
{
	uint64_t before, after, bytes;
	struct sums *sums = arg;
	const char *fields = strstr(event->fields, "bytes=");

	if (!fields || sscanf(fields, "bytes=%" SCNx64 " checksum_before=%" SCNx64
			      " checksum_after=%" SCNx64, &bytes, &before, &after) != 3)
		subtest_fail(__FILE__, __LINE__, "no checksums in '%s'", event->fields);
	if (!before)
		return;
	sums->checked++;
	sums->changed += before != after;
	sums->bytes += bytes;
}

static struct sums scene_end(struct scene *scene)
{
	struct sums sums = { };

	tracing_end(add_event, &sums);
	gpu_close(&scene->gpu);
	return sums;
}

static void there_and_back(void)
{
	struct scene scene;
	struct sums sums;

	scene_begin(&scene);
	ask_for_checksums(true);
	to_vram(&scene);
	to_system(&scene);
	ask_for_checksums(false);
	sums = scene_end(&scene);
	check_that(sums.bytes >= 2 * BLOCK, "%u migrations of %" PRIu64 " bytes were checked",
		   sums.checked, sums.bytes);
	check_eq(sums.changed, 0);
}

static void unasked(void)
{
	struct scene scene;

	scene_begin(&scene);
	ask_for_checksums(false);
	to_vram(&scene);
	to_system(&scene);
	check_eq(scene_end(&scene).checked, 0);
}

static const struct subtest subtests[] = {
	{ "there-and-back", there_and_back,
	  "pages on their way to VRAM and back have the same checksums at both ends" },
	{ "unasked", unasked, "nothing is read when the parameter does not ask for it" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Checksums of pages that migrate.", subtests);
}

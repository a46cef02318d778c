// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <xf86drm.h>

#include "device.h"
#include "subtest.h"

#define MAX_MINORS	64

int device_ioctl(int fd, unsigned long request, void *arg)
{
	return drmIoctl(fd, request, arg) ? -errno : 0;
}

static int open_ours(int minor)
{
	char path[32];
	drmVersionPtr version;
	int fd, ours;

	snprintf(path, sizeof(path), "/dev/dri/card%d", minor);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;

	version = drmGetVersion(fd);
	ours = version && (!strcmp(version->name, "xe") || !strcmp(version->name, "svmgpu"));
	drmFreeVersion(version);
	if (ours)
		return fd;

	close(fd);
	return -1;
}

int device_open_nth(int n)
{
	for (int minor = 0; minor < MAX_MINORS; minor++) {
		int fd = open_ours(minor);

		if (fd >= 0 && !n--)
			return fd;
		if (fd >= 0)
			close(fd);
	}

	return -1;
}

int device_open(int n)
{
	int fd = device_open_nth(n);

	if (fd < 0)
		subtest_skip("there is no GPU %d", n);

	return fd;
}

/* The answer to a query; the caller frees it. */
static void *query(int fd, uint32_t id)
{
	struct drm_xe_device_query query = { .query = id };
	void *answer;

	check_eq(device_ioctl(fd, DRM_IOCTL_XE_DEVICE_QUERY, &query), 0);
	answer = calloc(1, query.size);
	query.data = (uintptr_t)answer;
	check_eq(device_ioctl(fd, DRM_IOCTL_XE_DEVICE_QUERY, &query), 0);

	return answer;
}

static struct drm_xe_mem_region query_vram(int fd)
{
	struct drm_xe_query_mem_regions *regions = query(fd, DRM_XE_DEVICE_QUERY_MEM_REGIONS);
	struct drm_xe_mem_region vram = { 0 };

	for (uint32_t i = 0; i < regions->num_mem_regions; i++)
		if (regions->mem_regions[i].mem_class == DRM_XE_MEM_REGION_CLASS_VRAM)
			vram = regions->mem_regions[i];
	free(regions);

	return vram;
}

uint64_t device_vram_bytes(int fd)
{
	return query_vram(fd).total_size;
}

uint64_t device_vram_used(int fd)
{
	return query_vram(fd).used;
}

int device_engines(int fd, struct drm_xe_engine_class_instance engines[DEVICE_MAX_ENGINES])
{
	struct drm_xe_query_engines *answer = query(fd, DRM_XE_DEVICE_QUERY_ENGINES);
	int count = answer->num_engines;

	check(count <= DEVICE_MAX_ENGINES);
	for (int i = 0; i < count; i++)
		engines[i] = answer->engines[i].instance;
	free(answer);

	return count;
}

uint64_t device_stat(int fd, const char *name)
{
	char path[64], line[128];
	uint64_t value = 0;
	size_t length = strlen(name);
	struct stat stat;
	int found = 0;
	FILE *file;

	check_eq(fstat(fd, &stat), 0);
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/gt0/stats", minor(stat.st_rdev));
	file = fopen(path, "r");
	if (!file)
		subtest_skip("%s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			found = sscanf(line + length + 1, "%llu", (unsigned long long *)&value);
	fclose(file);
	check_that(found == 1, "%s has no counter %s", path, name);

	return value;
}

unsigned int device_set_engine_property(int fd, const char *engine_class, const char *name,
					unsigned int value)
{
	unsigned int old = 0;
	struct stat stat;
	char path[128];
	FILE *file;

	check_eq(fstat(fd, &stat), 0);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/tile0/gt0/engines/%s/%s",
		 major(stat.st_rdev), minor(stat.st_rdev), engine_class, name);
	file = fopen(path, "r+");
	check_that(file, "%s: %s", path, strerror(errno));
	check_eq(fscanf(file, "%u", &old), 1);
	rewind(file);
	fprintf(file, "%u", value);
	check_that(!fclose(file), "%s: %s", path, strerror(errno));

	return old;
}

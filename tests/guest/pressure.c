// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "device.h"
#include "pressure.h"
#include "subtest.h"

#define CHUNK		(8ull << 20)

void pressure_init(struct pressure *pressure, int gpu)
{
	*pressure = (struct pressure){ .fd = device_open(gpu) };
}

uint64_t pressure_begin(struct pressure *pressure)
{
	const uint64_t evicted = device_stat(pressure->fd, "bo_evict_count");
	const uint64_t chunks = device_vram_bytes(pressure->fd) / CHUNK;

	check(!pressure->count);
	for (uint64_t i = 0; i < chunks && i < PRESSURE_MAX; i++)
		pressure->bos[pressure->count++] = bo_create(pressure->fd, NULL, CHUNK, BO_VRAM);

	return device_stat(pressure->fd, "bo_evict_count") - evicted;
}

void pressure_end(struct pressure *pressure)
{
	while (pressure->count)
		bo_destroy(&pressure->bos[--pressure->count]);
}

void pressure_fini(struct pressure *pressure)
{
	pressure_end(pressure);
	close(pressure->fd);
}

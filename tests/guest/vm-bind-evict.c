// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects that are evicted and revalidated: local ones, and external ones that several
 * VMs map. An eviction marks them; the next exec of a VM brings them back and writes
 * that VM's entries anew, and no other's.
 */
#include <fcntl.h>
#include <unistd.h>

#include <xf86drm.h>

#include "client.h"
#include "device.h"
#include "pressure.h"
#include "subtest.h"

#define PAGE		4096ull
#define MIB		(1ull << 20)
#define GIB		(1ull << 30)
#define PLACE(i)	((1 + (i)) * GIB)
#define OBJECT		(2 * MIB)

static uint32_t value_at(int object, uint64_t offset)
{
	return object << 24 | offset / PAGE << 8 | 0x5a;
}

static void fill(struct bo *bo, int object)
{
	for (uint64_t offset = 0; offset < bo->bytes; offset += PAGE)
		*(volatile uint32_t *)(bo_map(bo) + offset) = value_at(object, offset);
}

static void check_filled(struct client *client, uint64_t address, int object)
{
	check_eq(client_read(client, address), value_at(object, 0));
	check_eq(client_read(client, address + MIB), value_at(object, MIB));
	check_eq(client_read(client, address + OBJECT - PAGE),
		 value_at(object, OBJECT - PAGE));
}

static uint64_t rebinds(struct client *client)
{
	return device_stat(client->fd, "rebind_count");
}

/* Evicts everything that can be. */
static void squeeze(struct pressure *pressure)
{
	check(pressure_begin(pressure) > 0);
	pressure_end(pressure);
}

static void local(void)
{
	enum { OBJECTS = 8 };
	struct pressure pressure;
	struct bo bos[OBJECTS];
	struct client client;
	uint64_t before;

	client_open(&client, 0, 0);
	pressure_init(&pressure, 0);
	for (int i = 0; i < OBJECTS; i++) {
		bos[i] = bo_create(client.fd, &client.vm, OBJECT, BO_ANY);
		fill(&bos[i], i);
		vm_map(&client.vm, PLACE(i), &bos[i]);
	}
	for (int round = 0; round < 3; round++) {
		squeeze(&pressure);
		before = rebinds(&client);
		check_filled(&client, PLACE(0), 0);
		/* one exec brought all of them back, and the next found nothing to do */
		check_eq(rebinds(&client) - before, OBJECTS);
		for (int i = 0; i < OBJECTS; i++)
			check_filled(&client, PLACE(i), i);
		check_eq(rebinds(&client) - before, OBJECTS);
		for (int i = 0; i < OBJECTS; i++)
			client_write(&client, PLACE(i) + 4, round);
	}
	for (int i = 0; i < OBJECTS; i++)
		check_eq(*(volatile uint32_t *)(bo_map(&bos[i]) + 4), 2);
	pressure_fini(&pressure);
}

/* An object of @client's file as one of another client's. */
static struct bo share(const struct bo *bo, int fd)
{
	struct bo other = { .fd = fd, .bytes = bo->bytes };
	int file;

	check_eq(drmPrimeHandleToFD(bo->fd, bo->handle, DRM_CLOEXEC | DRM_RDWR, &file), 0);
	check_eq(drmPrimeFDToHandle(fd, file, &other.handle), 0);
	close(file);

	return other;
}

static void external(void)
{
	struct pressure pressure;
	struct client a, b;
	struct bo bo, shared;
	uint64_t before;

	client_open(&a, 0, 0);
	client_open(&b, 0, 0);
	pressure_init(&pressure, 0);
	bo = bo_create(a.fd, NULL, OBJECT, BO_ANY);
	fill(&bo, 1);
	shared = share(&bo, b.fd);
	/* three gpu_vmas in one VM, one in the other */
	for (int i = 0; i < 3; i++)
		vm_map(&a.vm, PLACE(i), &bo);
	vm_map(&b.vm, PLACE(5), &shared);
	for (int round = 0; round < 3; round++) {
		before = rebinds(&a);
		squeeze(&pressure);
		check_eq(rebinds(&a), before);
		check_filled(&a, PLACE(2), 1);
		check_eq(rebinds(&a) - before, 3);
		check_filled(&a, PLACE(0), 1);
		check_eq(rebinds(&a) - before, 3);
		/* the other VM's turn comes with its own exec */
		check_filled(&b, PLACE(5), 1);
		check_eq(rebinds(&a) - before, 4);
		client_write(&b, PLACE(5) + 4, round);
		check_eq(client_read(&a, PLACE(1) + 4), round);
	}
	pressure_fini(&pressure);
}

/* What is not mapped any more does not come back, nor does it keep an exec. */
static void unmapped_while_evicted(void)
{
	struct pressure pressure;
	struct client client;
	struct bo bos[2];
	uint64_t before;

	client_open(&client, 0, 0);
	pressure_init(&pressure, 0);
	for (int i = 0; i < 2; i++) {
		bos[i] = bo_create(client.fd, i ? &client.vm : NULL, OBJECT, BO_ANY);
		fill(&bos[i], i);
		vm_map(&client.vm, PLACE(2 * i), &bos[i]);
		vm_map(&client.vm, PLACE(2 * i + 1), &bos[i]);
	}
	squeeze(&pressure);
	for (int i = 0; i < 2; i++) {
		/* the half of one goes, and all of the other */
		vm_unmap(&client.vm, PLACE(2 * i), MIB);
		vm_unmap(&client.vm, PLACE(2 * i + 1), OBJECT);
	}
	before = rebinds(&client);
	for (int i = 0; i < 2; i++)
		check_eq(client_read(&client, PLACE(2 * i) + MIB), value_at(i, MIB));
	check_eq(rebinds(&client) - before, 2);
	pressure_fini(&pressure);
}

/* Bound once more while it is evicted: the new mapping and the old ones are right. */
static void bound_while_evicted(void)
{
	struct pressure pressure;
	struct client client;
	struct bo bos[2];

	client_open(&client, 0, 0);
	pressure_init(&pressure, 0);
	for (int i = 0; i < 2; i++) {
		bos[i] = bo_create(client.fd, i ? &client.vm : NULL, OBJECT, BO_ANY);
		fill(&bos[i], i);
		vm_map(&client.vm, PLACE(2 * i), &bos[i]);
	}
	squeeze(&pressure);
	for (int i = 0; i < 2; i++)
		vm_map(&client.vm, PLACE(2 * i + 1), &bos[i]);
	for (int i = 0; i < 2; i++) {
		check_filled(&client, PLACE(2 * i + 1), i);
		check_filled(&client, PLACE(2 * i), i);
		client_write(&client, PLACE(2 * i) + 8, 7 + i);
		check_eq(client_read(&client, PLACE(2 * i + 1) + 8), 7 + i);
	}
	pressure_fini(&pressure);
}

/* Jobs of two VMs on one object, in and out of VRAM all the time. */
static void under_pressure(void)
{
	struct pressure pressure;
	struct client clients[2];
	struct bo bos[2];
	pid_t child;
	double begin;
	uint32_t count = 0;

	for (int i = 0; i < 2; i++)
		client_open(&clients[i], 0, 0);
	bos[0] = bo_create(clients[0].fd, NULL, OBJECT, BO_ANY);
	bos[1] = share(&bos[0], clients[1].fd);
	for (int i = 0; i < 2; i++)
		vm_map(&clients[i].vm, PLACE(i), &bos[i]);
	child = subtest_fork();
	if (!child) {
		uint64_t evicted = 0;

		pressure_init(&pressure, 0);
		for (int i = 0; i < 4; i++) {
			evicted += pressure_begin(&pressure);
			pressure_end(&pressure);
		}
		check(evicted > 0);
		_exit(0);
	}
	begin = subtest_now();
	while (subtest_now() - begin < 1.0) {
		for (int i = 0; i < 2; i++) {
			struct batch batch = client_batch(&clients[i]);

			batch_increment(&batch, PLACE(i) + MIB);
			batch_increment(&batch, PLACE(i));
			batch_end(&batch);
			check_eq(client_run(&clients[i], &batch), 0);
			count++;
		}
	}
	subtest_join(child);
	check_eq(client_read(&clients[0], PLACE(0)), count);
	check_eq(client_read(&clients[1], PLACE(1) + MIB), count);
}

static const struct subtest subtests[] = {
	{ "local", local, "evicted local objects come back with the next exec, all of them once" },
	{ "external", external,
	  "an evicted external object comes back to each VM with that VM's next exec" },
	{ "unmapped-while-evicted", unmapped_while_evicted,
	  "what is unmapped while it is evicted does not come back" },
	{ "bound-while-evicted", bound_while_evicted,
	  "an evicted object that is bound once more is right in both places" },
	{ "under-pressure", under_pressure,
	  "jobs of two VMs count in one object that goes in and out of VRAM" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Eviction and revalidation of objects.", subtests);
}

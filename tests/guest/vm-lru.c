// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has to leave VRAM when it is full: the objects of the VM that has not run for the
 * longest time, whenever they were made.
 */
#include <stddef.h>

#include "client.h"
#include "device.h"
#include "subtest.h"

#define OBJECTS		8
#define ADDRESS		(1ull << 32)

/* Objects in VRAM, local or external, mapped side by side. */
static void fill(struct client *client, int local, uint64_t bytes)
{
	const uint64_t each = bytes / OBJECTS & ~4095ull;

	for (unsigned int i = 0; i < OBJECTS; i++) {
		struct bo bo = bo_create(client->fd, local ? &client->vm : NULL, each, BO_VRAM);

		vm_map(&client->vm, ADDRESS + i * each, &bo);
	}
}

static void run(struct client *client)
{
	struct batch batch = client_store(client, ADDRESS, 1);

	check_eq(client_run(client, &batch), 0);
}

/*
 * Two VMs with three eighths of VRAM each; the older runs last. Who comes in needs half:
 * one of the two has to go.
 */
static void oldest_run_goes(int local)
{
	struct client first, second, other;
	uint64_t bytes, restored;
	struct bo bo;

	client_open(&first, 0, 0);
	client_open(&second, 0, 0);
	client_open(&other, 0, 0);
	bytes = device_vram_bytes(first.fd);
	fill(&first, local, bytes * 3 / 8);
	fill(&second, local, bytes * 3 / 8);
	run(&second);
	run(&first);

	bo = bo_create(other.fd, NULL, bytes / 2 & ~4095ull, BO_VRAM);
	restored = device_stat(first.fd, "bo_restore_count");
	run(&first);
	check_that(device_stat(first.fd, "bo_restore_count") == restored,
		   "the VM that ran last lost objects");
	bo_destroy(&bo);
	run(&second);
	check_that(device_stat(first.fd, "bo_restore_count") > restored,
		   "the VM that had not run for longer lost nothing");

	client_close(&first);
	client_close(&second);
	client_close(&other);
}

static void local_objects(void)
{
	oldest_run_goes(1);
}

static void external_objects(void)
{
	oldest_run_goes(0);
}

/* The last handle goes while the object is mapped, and its VM runs on. */
static void without_handle(void)
{
	struct client client;
	struct bo bo;

	client_open(&client, 0, 0);
	bo = bo_create(client.fd, &client.vm, 1 << 20, BO_VRAM);
	vm_map(&client.vm, ADDRESS, &bo);
	run(&client);
	bo_destroy(&bo);
	run(&client);
	vm_unmap(&client.vm, ADDRESS, 1 << 20);
	client_close(&client);
}

static const struct subtest subtests[] = {
	{ "local-objects", local_objects, "local objects of the VM that ran last stay in VRAM" },
	{ "external-objects", external_objects,
	  "external objects of the VM that ran last stay in VRAM" },
	{ "without-handle", without_handle,
	  "a mapped object without a handle does not disturb its VM's jobs" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Eviction takes what was not used for the longest time.",
			    subtests);
}

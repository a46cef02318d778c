// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recoverable faults on bound objects and userptrs: in fault-mode VMs a mapping is
 * written by the first access to it, and again after each eviction or invalidation;
 * the job that faulted repeats its access. What cannot be served ends that job's
 * queue alone, and the VM tells where it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xf86drm.h>

#include "client.h"
#include "device.h"
#include "pressure.h"
#include "subtest.h"
#include "traffic.h"

#define PAGE		4096ull
#define MIB		(1ull << 20)
#define GIB		(1ull << 30)
#define PLACE		GIB
#define FAULT_MODE	(DRM_XE_VM_CREATE_FLAG_LR_MODE | DRM_XE_VM_CREATE_FLAG_FAULT_MODE)

static volatile uint32_t *dword(void *memory, uint64_t offset)
{
	return memory + offset;
}

static char *map_memory(unsigned int pages)
{
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	memset(memory, 0, pages * PAGE);

	return memory;
}

static uint64_t faults(struct client *client)
{
	return device_stat(client->fd, "vma_pagefault_count");
}

/* The first fault that the VM could not serve. There is just one. */
static struct xe_vm_fault failed_fault(struct client *client)
{
	struct xe_vm_fault fault = { 0 };
	struct drm_xe_vm_get_property get = {
		.vm_id = client->vm.id,
		.property = DRM_XE_VM_GET_PROPERTY_FAULTS,
	};

	check_eq(device_ioctl(client->fd, DRM_IOCTL_XE_VM_GET_PROPERTY, &get), 0);
	check_eq(get.size, sizeof(fault));
	get.data = (uintptr_t)&fault;
	check_eq(device_ioctl(client->fd, DRM_IOCTL_XE_VM_GET_PROPERTY, &get), 0);

	return fault;
}

/* A new queue for a client whose old one is banned. */
static void revive(struct client *client)
{
	check(queue_banned(&client->queue));
	queue_destroy(&client->queue);
	client->queue = queue_create(&client->vm, DRM_XE_ENGINE_CLASS_COPY, -1);
}

/* --- served ------------------------------------------------------------------------ */

static void first_access(void)
{
	struct client client;
	uint64_t before;
	struct bo bo;

	client_open(&client, 0, FAULT_MODE);
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_SYSTEM);
	*dword(bo_map(&bo), MIB) = 0xbeef;
	/* whatever the client itself needs is there */
	client_write(&client, CLIENT_BATCHES + PAGE - 8, 1);
	vm_map(&client.vm, PLACE, &bo);
	before = faults(&client);
	check_eq(client_read(&client, PLACE + MIB), 0xbeef);
	check_eq(faults(&client) - before, 1);
	/* all of it is mapped now */
	client_write(&client, PLACE + 2 * MIB - 4, 7);
	check_eq(*dword(bo_map(&bo), 2 * MIB - 4), 7);
	check_eq(faults(&client) - before, 1);
}

static void immediate(void)
{
	struct drm_xe_vm_bind_op op;
	struct client client;
	uint64_t before;
	struct bo bo;

	client_open(&client, 0, FAULT_MODE);
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_SYSTEM);
	*dword(bo_map(&bo), MIB) = 0xbeef;
	client_write(&client, CLIENT_BATCHES + PAGE - 8, 1);
	op = op_map(PLACE, &bo, 0, bo.bytes);
	op.flags |= DRM_XE_VM_BIND_FLAG_IMMEDIATE;
	vm_bind_now(&client.vm, op);
	before = faults(&client);
	check_eq(client_read(&client, PLACE + MIB), 0xbeef);
	check_eq(faults(&client), before);
}

/* Every access of a job can be the first to its page: batch, data, fence. */
static void everything_faults(void)
{
	struct client client;
	struct batch batch;
	struct bo bos[8];

	client_open(&client, 0, FAULT_MODE);
	batch = client_batch(&client);
	for (int i = 0; i < 8; i++) {
		bos[i] = bo_create(client.fd, i % 2 ? &client.vm : NULL, 64 * 1024,
				   i % 3 ? BO_ANY : BO_SYSTEM);
		vm_map(&client.vm, PLACE * (1 + i), &bos[i]);
		*dword(bo_map(&bos[i]), 0) = i;
		batch_increment(&batch, PLACE * (1 + i));
		batch_copy_dword(&batch, PLACE * (1 + i) + PAGE, PLACE * (1 + i));
	}
	batch_end(&batch);
	check_eq(client_run(&client, &batch), 0);
	for (int i = 0; i < 8; i++)
		check_eq(*dword(bo_map(&bos[i]), PAGE), i + 1);
}

static void object_evicted(void)
{
	const uint64_t address[] = { PLACE, 2 * PLACE + MIB };
	struct pressure pressure;
	struct traffic traffic;
	struct client client;
	struct bo bos[2];
	uint64_t before, evicted = 0;
	uint32_t rounds;

	client_open(&client, 0, FAULT_MODE);
	for (int i = 0; i < 2; i++) {
		bos[i] = bo_create(client.fd, i ? NULL : &client.vm, 2 * MIB, BO_ANY);
		vm_map(&client.vm, (1 + i) * PLACE, &bos[i]);
	}
	pressure_init(&pressure, 0);
	traffic_begin(&traffic, &client, address, 2);
	before = faults(&client);
	for (int i = 0; i < 3; i++) {
		evicted += pressure_begin(&pressure);
		traffic_wait_round(&traffic);
		pressure_end(&pressure);
		traffic_wait_round(&traffic);
	}
	rounds = traffic_end(&traffic);
	subtest_info("%u rounds, %llu evictions, %llu faults", rounds,
		     (unsigned long long)evicted, (unsigned long long)(faults(&client) - before));
	check(evicted > 0);
	check(faults(&client) > before);
	check_eq(*dword(bo_map(&bos[0]), 0), rounds);
	check_eq(*dword(bo_map(&bos[1]), MIB), rounds);
	pressure_fini(&pressure);
}

static void userptr_discarded(void)
{
	const uint64_t address[] = { PLACE, PLACE + 8 * PAGE };
	char *memory = map_memory(16);
	struct traffic traffic;
	struct client client;
	uint64_t before;
	uint32_t rounds;

	client_open(&client, 0, FAULT_MODE);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 16 * PAGE));
	traffic_begin(&traffic, &client, address, 2);
	before = faults(&client);
	for (int i = 0; i < 50; i++) {
		check_eq(madvise(memory + 8 * PAGE, PAGE, MADV_DONTNEED), 0);
		if (i % 5 == 0)
			traffic_wait_round(&traffic);
	}
	traffic_wait_round(&traffic);
	rounds = traffic_end(&traffic);
	check(faults(&client) - before >= 10);
	check_eq(*dword(memory, 0), rounds);
	check(*dword(memory, 8 * PAGE) > 0);
	check(*dword(memory, 8 * PAGE) <= rounds);
}

static void userptr_forked(void)
{
	const uint64_t address = PLACE;
	char *memory = map_memory(2);
	struct traffic traffic;
	struct client client;
	uint32_t rounds;

	client_open(&client, 0, FAULT_MODE);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 2 * PAGE));
	traffic_begin(&traffic, &client, &address, 1);
	for (int i = 0; i < 3; i++) {
		pid_t child = subtest_fork();

		if (!child) {
			uint32_t seen = *dword(memory, 0);

			for (int wait = 0; wait < 10; wait++) {
				usleep(5000);
				check_eq(*dword(memory, 0), seen);
			}
			_exit(0);
		}
		traffic_wait_round(&traffic);
		subtest_join(child);
	}
	rounds = traffic_end(&traffic);
	check_eq(*dword(memory, 0), rounds);
}

/* Binds and unbinds of the neighbours, and of the whole, while a job faults on it. */
static void rebound(void)
{
	const uint64_t address = PLACE + MIB;
	struct traffic traffic;
	struct client client;
	struct bo bo, other;
	double begin;

	client_open(&client, 0, FAULT_MODE);
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_VRAM);
	other = bo_create(client.fd, &client.vm, 64 * 1024, BO_SYSTEM);
	vm_map(&client.vm, PLACE, &bo);
	traffic_begin(&traffic, &client, &address, 1);
	begin = subtest_now();
	while (subtest_now() - begin < 0.5) {
		vm_unmap(&client.vm, PLACE, 64 * 1024);
		vm_map(&client.vm, PLACE + 64 * 1024, &other);
		/* the same mapping as before, as a new one that is not written yet */
		vm_map(&client.vm, PLACE, &bo);
		traffic_wait_round(&traffic);
	}
	check_eq(traffic_end(&traffic), *dword(bo_map(&bo), MIB));
}

/* --- not served ----------------------------------------------------------------------- */

static void nothing_there(void)
{
	struct xe_vm_fault fault;
	struct client client;
	struct batch batch;

	client_open(&client, 0, FAULT_MODE);
	client_write(&client, CLIENT_BATCHES + PAGE - 8, 1);
	batch = client_store(&client, PLACE + 5 * PAGE + 12, 1);
	check_eq(client_run(&client, &batch), -EIO);
	fault = failed_fault(&client);
	check_eq(fault.address & ~(PAGE - 1), PLACE + 5 * PAGE);
	check_eq(fault.access_type, FAULT_ACCESS_TYPE_WRITE);
	check_eq(fault.fault_type, FAULT_TYPE_NOT_PRESENT);
	revive(&client);
	client_write(&client, CLIENT_BATCHES + PAGE - 8, 2);
}

static void unbound(void)
{
	struct client client;
	struct batch batch;
	struct bo bo;

	client_open(&client, 0, FAULT_MODE);
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_ANY);
	vm_map(&client.vm, PLACE, &bo);
	client_write(&client, PLACE, 1);
	vm_unmap(&client.vm, PLACE, PAGE);
	/* the rest is still there */
	client_write(&client, PLACE + PAGE, 2);
	batch = client_store(&client, PLACE, 3);
	check_eq(client_run(&client, &batch), -EIO);
	check_eq(*dword(bo_map(&bo), 0), 1);
	check_eq(failed_fault(&client).address & ~(PAGE - 1), PLACE);
}

static void read_only(void)
{
	struct drm_xe_vm_bind_op op;
	struct xe_vm_fault fault;
	struct client client;
	struct batch batch;
	struct bo bo;

	client_open(&client, 0, FAULT_MODE);
	bo = bo_create(client.fd, &client.vm, 64 * 1024, BO_SYSTEM);
	*dword(bo_map(&bo), 0) = 0xbeef;
	op = op_map(PLACE, &bo, 0, bo.bytes);
	op.flags |= DRM_XE_VM_BIND_FLAG_READONLY;
	vm_bind_now(&client.vm, op);
	check_eq(client_read(&client, PLACE), 0xbeef);
	batch = client_store(&client, PLACE, 1);
	check_eq(client_run(&client, &batch), -EIO);
	check_eq(*dword(bo_map(&bo), 0), 0xbeef);
	fault = failed_fault(&client);
	check_eq(fault.access_type, FAULT_ACCESS_TYPE_WRITE);
	check_eq(fault.fault_type, FAULT_TYPE_WRITE_ACCESS);
	revive(&client);
	check_eq(client_read(&client, PLACE), 0xbeef);
}

static void userptr_gone(void)
{
	char *memory = map_memory(4);
	struct client client;
	struct batch batch;

	client_open(&client, 0, FAULT_MODE);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 2 * PAGE));
	vm_bind_now(&client.vm, op_userptr(2 * PLACE, memory + 2 * PAGE, 2 * PAGE));
	client_write(&client, PLACE, 1);
	client_write(&client, 2 * PLACE, 2);
	munmap(memory, PAGE);
	batch = client_store(&client, PLACE, 3);
	check_eq(client_run(&client, &batch), -EIO);
	check_eq(failed_fault(&client).address & ~(PAGE - 1), PLACE);
	revive(&client);
	/* the other is still there; and so is this one, when its memory is */
	client_write(&client, 2 * PLACE, 4);
	check_eq(*dword(memory, 2 * PAGE), 4);
	check(mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == memory);
	client_write(&client, PLACE, 5);
	check_eq(*dword(memory, 0), 5);
}

static const struct subtest subtests[] = {
	{ "first-access", first_access, "the first access to an object maps all of it" },
	{ "immediate", immediate, "with IMMEDIATE there is no fault" },
	{ "everything-faults", everything_faults,
	  "each access of a job may fault, and is repeated" },
	{ "object-evicted", object_evicted,
	  "objects are evicted under a job, which faults them in again and misses nothing" },
	{ "userptr-discarded", userptr_discarded,
	  "pages of a userptr are discarded under a job, which misses nothing else" },
	{ "userptr-forked", userptr_forked,
	  "after fork() the job goes on in the parent's pages, and the child's stay" },
	{ "rebound", rebound, "mappings are replaced under a job that faults on them" },
	{ "nothing-there", nothing_there,
	  "an access to nothing ends its queue, is told, and the VM goes on" },
	{ "unbound", unbound, "the same for what was unbound" },
	{ "read-only", read_only, "the same for a store to a read-only mapping; reading is served" },
	{ "userptr-gone", userptr_gone,
	  "the same for a userptr whose memory is gone; it is served again when that is back" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Recoverable faults on bound memory.", subtests);
}

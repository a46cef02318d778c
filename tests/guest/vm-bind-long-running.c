// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Long-running VMs without faults: what takes memory from their jobs suspends them,
 * and they go on without having noticed; and nobody waits for such a job to end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "device.h"
#include "pressure.h"
#include "subtest.h"
#include "traffic.h"

#define PAGE		4096ull
#define MIB		(1024 * 1024ull)
#define GIB		(1024 * MIB)
#define PLACE		GIB
#define LR		DRM_XE_VM_CREATE_FLAG_LR_MODE

/* For what must not take long; generous, because the machine may be slow. */
#define SOON_S		10

static volatile uint32_t *dword(void *memory, uint64_t offset)
{
	return memory + offset;
}

static uint32_t *map_memory(unsigned int pages)
{
	uint32_t *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	memset(memory, 0, pages * PAGE);

	return memory;
}

/* --- eviction ------------------------------------------------------------------ */

/* A job counts in an object, which leaves VRAM and comes back meanwhile. */
static void evict(bool external, enum bo_place place)
{
	const uint64_t address[] = { PLACE, PLACE + MIB };
	struct pressure pressure;
	struct traffic traffic;
	struct client client;
	uint64_t preempted, evicted = 0;
	uint32_t rounds;
	struct bo bo;

	client_open(&client, 0, LR);
	bo = bo_create(client.fd, external ? NULL : &client.vm, 2 * MIB, place);
	vm_map(&client.vm, PLACE, &bo);
	pressure_init(&pressure, 0);
	preempted = device_stat(client.fd, "preempt_count");
	traffic_begin(&traffic, &client, address, 2);
	for (int i = 0; i < 4; i++) {
		evicted += pressure_begin(&pressure);
		traffic_wait_round(&traffic);
		pressure_end(&pressure);
		traffic_wait_round(&traffic);
	}
	rounds = traffic_end(&traffic);
	subtest_info("%u rounds, %llu evictions", rounds, (unsigned long long)evicted);
	check(evicted > 0);
	check(device_stat(client.fd, "preempt_count") > preempted);
	check_eq(*dword(bo_map(&bo), 0), rounds);
	check_eq(*dword(bo_map(&bo), MIB), rounds);
	pressure_fini(&pressure);
}

static void evict_local(void)
{
	evict(false, BO_ANY);
}

static void evict_external(void)
{
	evict(true, BO_ANY);
}

static void evict_vram_only(void)
{
	evict(false, BO_VRAM);
}

/* --- userptrs ------------------------------------------------------------------- */

static void userptr_discarded(void)
{
	const uint64_t address[] = { PLACE, PLACE + 8 * PAGE };
	uint32_t *memory = map_memory(16);
	uint64_t invalidated, preempted;
	struct traffic traffic;
	struct client client;
	uint32_t rounds;

	client_open(&client, 0, LR);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 16 * PAGE));
	invalidated = device_stat(client.fd, "userptr_invalidation_count");
	preempted = device_stat(client.fd, "preempt_count");
	traffic_begin(&traffic, &client, address, 2);
	for (int i = 0; i < 50; i++) {
		check_eq(madvise(memory + 8 * PAGE / 4, PAGE, MADV_DONTNEED), 0);
		if (i % 10 == 0)
			traffic_wait_round(&traffic);
	}
	traffic_wait_round(&traffic);
	rounds = traffic_end(&traffic);
	check(device_stat(client.fd, "userptr_invalidation_count") - invalidated >= 50);
	check(device_stat(client.fd, "preempt_count") > preempted);
	/* the page that nobody threw away has them all, the other what came since */
	check_eq(*dword(memory, 0), rounds);
	check(*dword(memory, 8 * PAGE) > 0);
	check(*dword(memory, 8 * PAGE) < rounds);
}

static void userptr_forked(void)
{
	uint32_t *memory = map_memory(4);
	const uint64_t address = PLACE;
	struct traffic traffic;
	struct client client;
	uint32_t rounds;

	client_open(&client, 0, LR);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 4 * PAGE));
	traffic_begin(&traffic, &client, &address, 1);
	for (int i = 0; i < 3; i++) {
		pid_t child = subtest_fork();

		if (!child) {
			/* the child has the page as it was; the GPU goes on in another one */
			uint32_t seen = *dword(memory, 0);

			for (int wait = 0; wait < 10; wait++) {
				usleep(5000);
				check_eq(*dword(memory, 0), seen);
			}
			_exit(0);
		}
		traffic_wait_round(&traffic);
		subtest_join(child);
		traffic_wait_round(&traffic);
	}
	rounds = traffic_end(&traffic);
	check_eq(*dword(memory, 0), rounds);
}

static void userptr_protected(void)
{
	uint32_t *memory = map_memory(4);
	const uint64_t address = PLACE + PAGE;
	struct traffic traffic;
	struct client client;
	uint32_t rounds;

	client_open(&client, 0, LR);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 4 * PAGE));
	traffic_begin(&traffic, &client, &address, 1);
	/* invalidated, but what the job needs is permitted all the time */
	for (int i = 0; i < 20; i++) {
		check_eq(mprotect(memory, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
		check_eq(mprotect(memory, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
		check_eq(madvise(memory + 2 * PAGE / 4, PAGE, MADV_DONTNEED), 0);
	}
	traffic_wait_round(&traffic);
	rounds = traffic_end(&traffic);
	check_eq(*dword(memory, PAGE), rounds);
}

/* Evicted and invalidated at the same time, with two queues. */
static void both_at_once(void)
{
	const uint64_t addresses[2][2] = {
		{ PLACE, 2 * PLACE }, { PLACE + 64, 2 * PLACE + 64 },
	};
	uint32_t *memory = map_memory(16);
	struct pressure pressure;
	struct traffic traffic[2];
	struct client client;
	struct bo bo;

	client_open(&client, 0, LR);
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_ANY);
	vm_map(&client.vm, PLACE, &bo);
	vm_bind_now(&client.vm, op_userptr(2 * PLACE, memory, 16 * PAGE));
	for (int i = 0; i < 2; i++)
		traffic_begin(&traffic[i], &client, addresses[i], 2);
	pressure_init(&pressure, 0);
	for (int round = 0; round < 3; round++) {
		pid_t child = subtest_fork();

		if (!child) {
			pressure_begin(&pressure);
			pressure_end(&pressure);
			_exit(0);
		}
		for (int i = 0; i < 10; i++)
			check_eq(madvise(memory + 4 * PAGE / 4, 12 * PAGE, MADV_DONTNEED), 0);
		subtest_join(child);
		for (int i = 0; i < 2; i++)
			traffic_wait_round(&traffic[i]);
	}
	for (int i = 0; i < 2; i++) {
		uint32_t rounds = traffic_end(&traffic[i]);

		check_eq(*dword(bo_map(&bo), 64 * i), rounds);
		check_eq(*dword(memory, 64 * i), rounds);
	}
	pressure_fini(&pressure);
}

/* --- nobody waits ------------------------------------------------------------------ */

static void binds_meanwhile(void)
{
	struct traffic traffic;
	struct client client;
	uint64_t address = PLACE;
	struct bo counter, bo;
	double begin;

	client_open(&client, 0, LR);
	counter = bo_create(client.fd, &client.vm, PAGE, BO_SYSTEM);
	vm_map(&client.vm, PLACE, &counter);
	traffic_begin(&traffic, &client, &address, 1);
	begin = subtest_now();
	for (uint32_t i = 0; i < 20; i++) {
		bo = bo_create(client.fd, i % 2 ? &client.vm : NULL, 64 * 1024, BO_ANY);
		vm_map(&client.vm, 2 * PLACE, &bo);
		/* another queue of the VM uses it at once */
		client_write(&client, 2 * PLACE + PAGE, i);
		check_eq(*dword(bo_map(&bo), PAGE), i);
		vm_unmap(&client.vm, 2 * PLACE, bo.bytes);
		bo_destroy(&bo);
	}
	check(subtest_now() - begin < SOON_S);
	traffic_wait_round(&traffic);
	check_eq(traffic_end(&traffic), *dword(bo_map(&counter), 0));
}

static void others_go_on(void)
{
	uint32_t *memory = map_memory(4), *gone = map_memory(16);
	uint64_t address = PLACE;
	struct client client, other;
	struct traffic traffic;
	struct bo bo;
	double begin;

	client_open(&client, 0, LR);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 4 * PAGE));
	vm_bind_now(&client.vm, op_userptr(2 * PLACE, gone, 16 * PAGE));
	bo = bo_create(client.fd, &client.vm, 2 * MIB, BO_VRAM);
	vm_map(&client.vm, 4 * PLACE, &bo);
	traffic_begin(&traffic, &client, &address, 1);

	begin = subtest_now();
	/* a client with jobs of its own comes and goes */
	client_open(&other, 0, 0);
	client_write(&other, CLIENT_BATCHES + PAGE - 8, 1);
	client_close(&other);
	/* memory that the VM maps, and that this job does not use, goes */
	check_eq(munmap(gone + 8 * PAGE / 4, 4 * PAGE), 0);
	check_eq(munmap(gone, 16 * PAGE), 0);
	traffic_wait_round(&traffic);
	/* an object goes, its mapping first, while the job runs */
	check_eq(*dword(bo_map(&bo), 0), 0);
	vm_unmap(&client.vm, 4 * PLACE, bo.bytes);
	bo_destroy(&bo);
	check(subtest_now() - begin < SOON_S);

	traffic_wait_round(&traffic);
	check_eq(traffic_end(&traffic), *dword(memory, 0));
}

static void no_fence_of_it(void)
{
	struct drm_xe_sync sync;
	struct client client;
	struct batch batch;

	client_open(&client, 0, LR);
	batch = client_batch(&client);
	batch_end(&batch);
	sync = sync_out(syncobj_create(client.fd));
	check_eq(client_exec(&client, &batch, &sync, 1), -EOPNOTSUPP);
	sync = sync_out_point(sync.handle, 1);
	check_eq(client_exec(&client, &batch, &sync, 1), -EOPNOTSUPP);
	check_eq(client_run(&client, &batch), 0);
}

static void queues_come_and_go(void)
{
	const uint64_t address[] = { PLACE, PLACE + 64 };
	struct traffic traffic[2];
	struct client client;
	struct bo bo;
	double begin;

	client_open(&client, 0, LR);
	bo = bo_create(client.fd, &client.vm, PAGE, BO_ANY);
	vm_map(&client.vm, PLACE, &bo);
	traffic_begin(&traffic[0], &client, &address[0], 1);
	begin = subtest_now();
	for (int i = 0; i < 8; i++) {
		traffic_begin(&traffic[1], &client, &address[1], 1);
		/* while it runs */
		queue_destroy(&traffic[1].queue);
		traffic_wait_round(&traffic[0]);
	}
	check(subtest_now() - begin < 2 * SOON_S);
	check_eq(traffic_end(&traffic[0]), *dword(bo_map(&bo), 0));
}

static void killed(void)
{
	struct client client;
	pid_t child;
	double begin;

	child = subtest_fork();
	if (!child) {
		struct traffic traffic;
		uint64_t address = PLACE;
		struct bo bo;

		client_open(&client, 0, LR);
		bo = bo_create(client.fd, &client.vm, PAGE, BO_VRAM);
		vm_map(&client.vm, PLACE, &bo);
		traffic_begin(&traffic, &client, &address, 1);
		kill(getpid(), SIGKILL);
	}
	begin = subtest_now();
	check_eq(waitpid(child, NULL, 0), child);
	client_open(&client, 0, 0);
	client_write(&client, CLIENT_BATCHES + PAGE - 8, 1);
	check(subtest_now() - begin < SOON_S);
}

static const struct subtest subtests[] = {
	{ "evict-local", evict_local,
	  "a job's local object is evicted and comes back, and the job misses nothing" },
	{ "evict-external", evict_external, "the same with an external object" },
	{ "evict-vram-only", evict_vram_only,
	  "the same with an object that may be in VRAM only: others have to go" },
	{ "userptr-discarded", userptr_discarded,
	  "pages of a userptr are discarded while a job uses them" },
	{ "userptr-forked", userptr_forked,
	  "after fork() the job goes on in the parent's pages, and the child's stay" },
	{ "userptr-protected", userptr_protected,
	  "protections change around what a job uses, and it misses nothing" },
	{ "both-at-once", both_at_once,
	  "evictions and invalidations together, with two queues, and no job misses anything" },
	{ "binds-meanwhile", binds_meanwhile, "binds and unbinds do not wait for a job that runs" },
	{ "others-go-on", others_go_on,
	  "clients, munmap() and the end of objects do not wait for it" },
	{ "no-fence-of-it", no_fence_of_it, "a syncobj cannot be made to wait for it" },
	{ "queues-come-and-go", queues_come_and_go,
	  "queues begin and end beside a job that runs" },
	{ "killed", killed, "a process is killed while its job runs" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Long-running VMs and their preempt fences.", subtests);
}

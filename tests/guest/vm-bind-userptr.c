// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Userptrs of dma-fence VMs that collide with the CPU: memory is discarded, moved and
 * copied by other threads while jobs are submitted and run. After each job its stores
 * are where the process has the memory, or were discarded with it; they are never in
 * pages that belong to somebody else by now.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "device.h"
#include "subtest.h"

#define PAGE		4096ull
#define GIB		(1ull << 30)
#define PLACE		GIB
#define PAGES		16
#define SECONDS		1.0

/** struct hammer - a thread that changes the second half of some memory */
struct hammer {
	/** @memory: PAGES pages */
	char *memory;
	/** @strike: what it does to the second half, again and again */
	void (*strike)(struct hammer *hammer);
	/** @strikes: how often it did */
	unsigned int strikes;
	/** @stop: it shall end */
	atomic_bool stop;
	/** @thread: that does it */
	pthread_t thread;
};

static char *second_half(struct hammer *hammer)
{
	return hammer->memory + PAGES / 2 * PAGE;
}

static void *hammer_thread(void *arg)
{
	struct hammer *hammer = arg;

	for (; !hammer->stop; hammer->strikes++)
		hammer->strike(hammer);

	return NULL;
}

static void discard(struct hammer *hammer)
{
	check_eq(madvise(second_half(hammer), PAGES / 2 * PAGE, MADV_DONTNEED), 0);
}

/* Discards pages, gets others at once and fills them: nobody else may write to those. */
static void discard_and_reuse(struct hammer *hammer)
{
	const size_t bytes = 4 * PAGES * PAGE;
	unsigned char *canary;

	discard(hammer);
	canary = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	check(canary != MAP_FAILED);
	memset(canary, 0xa5, bytes);
	usleep(500);
	for (size_t i = 0; i < bytes; i++)
		check_that(canary[i] == 0xa5, "a page that the GPU has no longer changed");
	munmap(canary, bytes);
}

/* Another mapping takes its place, without a moment in which there is none. */
static void replace(struct hammer *hammer)
{
	check(mmap(second_half(hammer), PAGES / 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
}

/* A child shares all pages for a moment: whoever writes first gets a copy. */
static void share(struct hammer *hammer)
{
	pid_t child = subtest_fork();

	if (!child)
		_exit(0);
	subtest_join(child);
}

static void stir(struct hammer *hammer)
{
	switch (hammer->strikes % 3) {
	case 0:
		discard(hammer);
		break;
	case 1:
		replace(hammer);
		break;
	default:
		check_eq(mprotect(second_half(hammer), PAGE, PROT_READ | PROT_WRITE | PROT_EXEC),
			 0);
		check_eq(mprotect(second_half(hammer), PAGE, PROT_READ | PROT_WRITE), 0);
		break;
	}
}

static volatile uint32_t *first_dword(char *memory, int page)
{
	return (volatile uint32_t *)(memory + page * PAGE);
}

/* One job stores @value into every page. */
static void store_all(struct client *client, uint64_t address, uint32_t value)
{
	struct batch batch = client_batch(client);

	for (int page = 0; page < PAGES; page++)
		batch_store_dword(&batch, address + page * PAGE, value);
	batch_end(&batch);
	check_eq(client_run(client, &batch), 0);
}

static void collide(void (*strike)(struct hammer *hammer))
{
	struct hammer hammer = { .strike = strike };
	struct client client;
	uint64_t repinned;
	uint32_t value;
	double begin;

	client_open(&client, 0, 0);
	hammer.memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(hammer.memory != MAP_FAILED);
	vm_bind_now(&client.vm, op_userptr(PLACE, hammer.memory, PAGES * PAGE));
	repinned = device_stat(client.fd, "userptr_repin_count");
	check_eq(pthread_create(&hammer.thread, NULL, hammer_thread, &hammer), 0);
	begin = subtest_now();
	for (value = 1; subtest_now() - begin < SECONDS; value++) {
		store_all(&client, PLACE, value);
		for (int page = 0; page < PAGES / 2; page++)
			check_eq(*first_dword(hammer.memory, page), value);
		for (int page = PAGES / 2; page < PAGES; page++) {
			uint32_t now = *first_dword(hammer.memory, page);

			check_that(now == value || !now, "page %d has %u, not %u or nothing",
				   page, now, value);
		}
	}
	hammer.stop = true;
	pthread_join(hammer.thread, NULL);
	subtest_info("%u jobs, %u strikes, %llu repins", value - 1, hammer.strikes,
		     (unsigned long long)(device_stat(client.fd, "userptr_repin_count") -
					  repinned));
	check(hammer.strikes > 0);
	check(device_stat(client.fd, "userptr_repin_count") > repinned);

	/* when it is quiet, every page is right */
	store_all(&client, PLACE, value);
	for (int page = 0; page < PAGES; page++)
		check_eq(*first_dword(hammer.memory, page), value);
}

static void collide_discard(void)
{
	collide(discard);
}

static void collide_reuse(void)
{
	collide(discard_and_reuse);
}

static void collide_replace(void)
{
	collide(replace);
}

static void collide_fork(void)
{
	collide(share);
}

static void collide_all(void)
{
	collide(stir);
}

/* Binds and unbinds of the userptr itself, while its memory is discarded. */
static void rebound(void)
{
	struct hammer hammer = { .strike = discard };
	struct client client;
	uint32_t value;
	double begin;

	client_open(&client, 0, 0);
	hammer.memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(hammer.memory != MAP_FAILED);
	check_eq(pthread_create(&hammer.thread, NULL, hammer_thread, &hammer), 0);
	begin = subtest_now();
	for (value = 1; subtest_now() - begin < SECONDS; value++) {
		uint64_t address = PLACE + value % 7 * 64 * PAGE;

		vm_bind_now(&client.vm, op_userptr(address, hammer.memory, PAGES * PAGE));
		/* a piece of it is bound a second time, and a piece unbound */
		vm_bind_now(&client.vm, op_userptr(address + 3 * PAGE, hammer.memory + 3 * PAGE,
						   9 * PAGE));
		store_all(&client, address, value);
		for (int page = 0; page < PAGES / 2; page++)
			check_eq(*first_dword(hammer.memory, page), value);
		vm_unmap(&client.vm, address + 5 * PAGE, 4 * PAGE);
		vm_unmap(&client.vm, address, PAGES * PAGE);
	}
	hammer.stop = true;
	pthread_join(hammer.thread, NULL);
	subtest_info("%u binds, %u strikes", value - 1, hammer.strikes);
}

/* Only what was invalidated is looked at: the others keep their pages. */
static void only_invalidated(void)
{
	enum { USERPTRS = 64 };
	struct client client;
	uint64_t repinned;
	char *memory;

	client_open(&client, 0, 0);
	memory = mmap(NULL, 2 * USERPTRS * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED);
	for (int i = 0; i < USERPTRS; i++)
		vm_bind_now(&client.vm, op_userptr(PLACE + i * PAGE, memory + 2 * i * PAGE, PAGE));
	repinned = device_stat(client.fd, "userptr_repin_count");
	client_write(&client, PLACE, 1);
	check_eq(device_stat(client.fd, "userptr_repin_count"), repinned);
	check_eq(madvise(memory + 2 * 7 * PAGE, PAGE, MADV_DONTNEED), 0);
	check_eq(madvise(memory + 2 * 40 * PAGE, PAGE, MADV_DONTNEED), 0);
	client_write(&client, PLACE + 40 * PAGE, 2);
	check_eq(device_stat(client.fd, "userptr_repin_count"), repinned + 2);
	check_eq(*first_dword(memory, 2 * 40), 2);
	client_write(&client, PLACE + 7 * PAGE, 3);
	check_eq(*first_dword(memory, 2 * 7), 3);
	check_eq(device_stat(client.fd, "userptr_repin_count"), repinned + 2);
}

/* Memory that is gone: the exec is accepted, and what touches it fails alone. */
static void memory_gone(void)
{
	struct client client;
	struct queue other;
	struct drm_xe_sync sync;
	struct batch batch;
	char *memory;

	client_open(&client, 0, 0);
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 2 * PAGE));
	vm_bind_now(&client.vm, op_userptr(2 * PLACE, memory + 2 * PAGE, 2 * PAGE));
	client_write(&client, PLACE, 1);
	munmap(memory, PAGE);
	/* the other userptr is as good as before */
	client_write(&client, 2 * PLACE, 2);
	check_eq(*first_dword(memory, 2), 2);
	/* the one whose memory is gone is not there at all */
	batch = client_store(&client, PLACE + PAGE, 3);
	check_eq(client_run(&client, &batch), -EIO);
	check(queue_banned(&client.queue));
	check(*first_dword(memory, 1) != 3);

	/* bound again, after the memory is back */
	check(mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) != MAP_FAILED);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 2 * PAGE));
	other = queue_create(&client.vm, DRM_XE_ENGINE_CLASS_COPY, -1);
	batch = client_store(&client, PLACE, 4);
	sync = sync_out(syncobj_create(client.fd));
	check_eq(queue_exec(&other, batch.address, &sync, 1), 0);
	syncobj_wait(client.fd, sync.handle);
	check_eq(syncobj_error(client.fd, sync.handle), 0);
	check_eq(*first_dword(memory, 0), 4);
}

/* What remains of such a userptr when a part of it is unbound is not mapped either. */
static void memory_gone_cut(void)
{
	struct client client;
	struct batch batch;
	char *memory;

	client_open(&client, 0, 0);
	memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED);
	vm_bind_now(&client.vm, op_userptr(PLACE, memory, 8 * PAGE));
	client_write(&client, PLACE, 1);
	munmap(memory, PAGE);
	/* out of the middle: one part lost its memory, the other has it still */
	vm_unmap(&client.vm, PLACE + 3 * PAGE, PAGE);
	client_write(&client, PLACE + 7 * PAGE, 2);
	check_eq(*first_dword(memory, 7), 2);
	/* and once more, where nothing has been mapped for a while */
	vm_unmap(&client.vm, PLACE + PAGE, PAGE);
	client_write(&client, PLACE + 2 * PAGE, 3);
	check_eq(*first_dword(memory, 2), 3);
	batch = client_store(&client, PLACE, 4);
	check_eq(client_run(&client, &batch), -EIO);
}

static const struct subtest subtests[] = {
	{ "collide-discard", collide_discard,
	  "MADV_DONTNEED against jobs: stores are there, or were discarded with the page" },
	{ "collide-reuse", collide_reuse,
	  "the same, and nothing is ever stored in a page that belongs to somebody else by now" },
	{ "collide-replace", collide_replace, "the same when another mapping takes the place" },
	{ "collide-fork", collide_fork, "the same when pages are shared with a child" },
	{ "collide-all", collide_all, "the same with all of that, and changes of protection" },
	{ "rebound", rebound, "the userptr is bound and unbound while its memory is discarded" },
	{ "only-invalidated", only_invalidated,
	  "an exec obtains the pages of those that were invalidated, and of no others" },
	{ "memory-gone", memory_gone,
	  "a userptr whose memory is gone is not mapped, and the others stay" },
	{ "memory-gone-cut", memory_gone_cut,
	  "such a userptr can be cut; a part of it that has its memory is mapped" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Userptrs of dma-fence VMs against the CPU.", subtests);
}

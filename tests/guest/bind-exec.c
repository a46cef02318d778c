// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Execs that follow a bind without a sync: behind one that only the kernel holds
 * up they wait, behind one that user space holds up they do not.
 */
#include <stddef.h>

#include "client.h"
#include "device.h"
#include "subtest.h"

#define ADDRESS		(1ull << 32)
#define BYTES		(32ull << 20)
#define ROUNDS		40
#define VALUE		0x5eed0002

/* An object in VRAM is cleared first, so its bind is a job; the exec comes at once. */
static void behind_clear(struct client *client, const struct queue *queue, int round)
{
	struct bo bo = bo_create(client->fd, &client->vm, BYTES, BO_VRAM);
	const uint64_t last = ADDRESS + BYTES - 4;
	struct batch batch = client_store(client, last, VALUE + round);
	struct drm_xe_sync bound = sync_out(syncobj_create(client->fd));
	struct drm_xe_vm_bind_op op = op_map(ADDRESS, &bo, 0, BYTES);

	check_eq(vm_bind(&client->vm, queue, &op, 1, &bound, 1), 0);
	check_that(!client_run(client, &batch), "round %d: the exec overtook the bind", round);
	check_eq(((uint32_t *)bo_map(&bo))[BYTES / 4 - 1], VALUE + round);

	vm_unmap(&client->vm, ADDRESS, BYTES);
	syncobj_destroy(client->fd, bound.handle);
	bo_destroy(&bo);
}

static void waits_for_kernel(void)
{
	struct client client;

	client_open(&client, 0, 0);
	for (int round = 0; round < ROUNDS; round++)
		behind_clear(&client, NULL, round);
	client_close(&client);
}

static void waits_for_kernel_on_bind_queue(void)
{
	struct client client;
	struct queue queue;

	client_open(&client, 0, 0);
	queue = bind_queue_create(&client.vm);
	for (int round = 0; round < ROUNDS; round++)
		behind_clear(&client, &queue, round);
	queue_destroy(&queue);
	client_close(&client);
}

/*
 * Three binds behind a gate: by a sync, by the order of the queue, and by their
 * addresses. The exec ends while the gate is closed.
 */
static void passes_user(void)
{
	struct drm_xe_sync syncs[2], out;
	struct drm_xe_vm_bind_op op;
	struct client client;
	struct queue queue, other;
	struct bo bo, used;
	struct gate gate;

	client_open(&client, 0, 0);
	gate_init(&gate, 0);
	queue = bind_queue_create(&client.vm);
	other = bind_queue_create(&client.vm);
	bo = bo_create(client.fd, &client.vm, 2 * BYTES, BO_VRAM);
	used = bo_create(client.fd, &client.vm, 4096, BO_VRAM);
	vm_map(&client.vm, ADDRESS / 2, &used);

	syncs[0] = sync_in(gate_syncobj(&gate, client.fd));
	syncs[1] = sync_out(syncobj_create(client.fd));
	out = sync_out(syncobj_create(client.fd));
	op = op_map(ADDRESS, &bo, 0, BYTES);
	check_eq(vm_bind(&client.vm, &queue, &op, 1, syncs, 2), 0);
	op = op_map(ADDRESS + BYTES, &bo, BYTES, BYTES);
	check_eq(vm_bind(&client.vm, &queue, &op, 1, &syncs[1], 1), 0);
	op = op_unmap(ADDRESS, BYTES);
	check_eq(vm_bind(&client.vm, &other, &op, 1, &out, 1), 0);

	client_write(&client, ADDRESS / 2, VALUE);
	check_that(!syncobj_signalled(client.fd, syncs[1].handle), "a bind passed its in-sync");
	check_that(!syncobj_signalled(client.fd, out.handle), "a bind passed another one's range");

	gate_open(&gate);
	syncobj_wait(client.fd, syncs[1].handle);
	syncobj_wait(client.fd, out.handle);
	client_write(&client, ADDRESS + BYTES, VALUE);
	gate_fini(&gate);
	client_close(&client);
}

static const struct subtest subtests[] = {
	{ "waits-for-kernel", waits_for_kernel,
	  "An exec runs after a bind before it that waits for the clear of its object." },
	{ "waits-for-kernel-on-bind-queue", waits_for_kernel_on_bind_queue,
	  "The same when the bind went through a queue of its own." },
	{ "passes-user", passes_user,
	  "An exec does not wait for binds that wait, themselves or through others, for a sync." },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Execs that follow binds without a sync", subtests);
}

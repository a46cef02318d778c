// SPDX-License-Identifier: GPL-2.0-or-later
#include "subtest.h"
#include "traffic.h"

static bool long_running(const struct traffic *traffic)
{
	return traffic->client->vm.flags & DRM_XE_VM_CREATE_FLAG_LR_MODE;
}

/*
 * Atomically, except where the GPU has no atomics on process memory. Nobody else adds,
 * but without atomics an addition can span the moment at which a page is thrown away.
 */
static void add_one(struct batch *batch, const struct client *client, uint64_t address)
{
	enum { VALUE, ONE };

	if (!(client->vm.flags & DRM_XE_VM_CREATE_FLAG_FAULT_MODE)) {
		batch_increment(batch, address);
		return;
	}
	batch_set(batch, ONE, 1);
	batch_load_reg(batch, VALUE, 0, address);
	batch_add(batch, VALUE, VALUE, ONE);
	batch_store_reg(batch, VALUE, 0, address);
}

void traffic_wait_round(struct traffic *traffic)
{
	/* the round that runs may have done a part of its work before */
	const uint32_t goal = *traffic->rounds.cpu + 2;
	const double begin = subtest_now();

	while ((int32_t)(*(volatile uint32_t *)traffic->rounds.cpu - goal) < 0) {
		check(!queue_banned(&traffic->queue));
		check_that(subtest_now() - begin < SYNC_TIMEOUT_NS * 1e-9,
			   "the job makes no more rounds");
	}
}

void traffic_begin(struct traffic *traffic, struct client *client, const uint64_t *addresses,
		   int count)
{
	struct batch batch = client_kept_batch(client);
	const uint64_t start = batch_here(&batch);
	struct drm_xe_sync sync;

	*traffic = (struct traffic){
		.client = client,
		.queue = queue_create(&client->vm, DRM_XE_ENGINE_CLASS_VIDEO_DECODE, -1),
		.rounds = client_word(client),
		.stop = client_word(client),
		.fence = client_word(client),
	};
	check(count <= TRAFFIC_MAX);
	for (int i = 0; i < count; i++)
		add_one(&batch, client, addresses[i]);
	add_one(&batch, client, traffic->rounds.gpu);
	batch_end_if_equal(&batch, traffic->stop.gpu, 1);
	batch_jump(&batch, start);
	if (long_running(traffic)) {
		sync = sync_out_user_fence(traffic->fence.gpu, 1);
	} else {
		traffic->syncobj = syncobj_create(client->fd);
		sync = sync_out(traffic->syncobj);
	}
	check_eq(queue_exec(&traffic->queue, batch.address, &sync, 1), 0);
	traffic_wait_round(traffic);
}

uint32_t traffic_end(struct traffic *traffic)
{
	const int fd = traffic->client->fd;

	*traffic->stop.cpu = 1;
	if (long_running(traffic)) {
		check_eq(user_fence_wait(fd, traffic->queue.id,
					 (const uint64_t *)traffic->fence.cpu, 1,
					 SYNC_TIMEOUT_NS), 0);
	} else {
		syncobj_wait(fd, traffic->syncobj);
		check_eq(syncobj_error(fd, traffic->syncobj), 0);
	}
	check(!queue_banned(&traffic->queue));

	return *traffic->rounds.cpu;
}

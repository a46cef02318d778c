// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include <xf86drm.h>

#include "client.h"
#include "device.h"
#include "subtest.h"

#define PAGE		4096ull

/* places in the first page */
#define FENCE		0
#define RESULT		64
#define WORDS		128

/* the most that sysfs takes */
#define GATE_TIMEOUT_MS	10000

static bool long_running(const struct client *client)
{
	return client->vm.flags & DRM_XE_VM_CREATE_FLAG_LR_MODE;
}

void client_open(struct client *client, int gpu, uint32_t flags)
{
	*client = (struct client){ .fd = device_open(gpu) };
	client->vm = vm_create(client->fd, flags);
	client->queue = queue_create(&client->vm, DRM_XE_ENGINE_CLASS_COPY, -1);
	client->pages = bo_create(client->fd, &client->vm,
				  (1 + CLIENT_BATCH_COUNT + CLIENT_KEPT_COUNT) * PAGE, BO_SYSTEM);
	bo_map(&client->pages);
	vm_map(&client->vm, CLIENT_BATCHES, &client->pages);
}

struct word client_word(struct client *client)
{
	const unsigned int offset = WORDS + 8 * client->words++;
	struct word word = {
		.cpu = client->pages.map + offset,
		.gpu = CLIENT_BATCHES + offset,
	};

	check(offset < PAGE);
	*word.cpu = 0;

	return word;
}

void client_close(struct client *client)
{
	queue_destroy(&client->queue);
	bo_destroy(&client->pages);
	vm_destroy(&client->vm);
	close(client->fd);
}

static struct batch batch_in_page(struct client *client, unsigned int page)
{
	struct batch batch;

	batch_init_at(&batch, client->pages.map + page * PAGE, CLIENT_BATCHES + page * PAGE,
		      CLIENT_BATCH_DWORDS);

	return batch;
}

struct batch client_batch(struct client *client)
{
	return batch_in_page(client, 1 + client->next++ % CLIENT_BATCH_COUNT);
}

struct batch client_kept_batch(struct client *client)
{
	check(client->kept < CLIENT_KEPT_COUNT);

	return batch_in_page(client, 1 + CLIENT_BATCH_COUNT + client->kept++);
}

struct batch client_store(struct client *client, uint64_t address, uint32_t value)
{
	struct batch batch = client_batch(client);

	batch_store_dword(&batch, address, value);
	batch_end(&batch);

	return batch;
}

int client_exec(struct client *client, const struct batch *batch, const struct drm_xe_sync *syncs,
		int num_syncs)
{
	return queue_exec(&client->queue, batch->address, syncs, num_syncs);
}

static int run_long_running(struct client *client, const struct batch *batch)
{
	struct drm_xe_sync sync = sync_out_user_fence(CLIENT_BATCHES + FENCE, ++client->fence);
	int err = client_exec(client, batch, &sync, 1);

	return err ? err : user_fence_wait(client->fd, client->queue.id,
					   client->pages.map + FENCE, client->fence,
					   SYNC_TIMEOUT_NS);
}

int client_run(struct client *client, const struct batch *batch)
{
	struct drm_xe_sync sync;
	int err;

	if (long_running(client))
		return run_long_running(client, batch);
	sync = sync_out(syncobj_create(client->fd));
	err = client_exec(client, batch, &sync, 1);
	if (!err) {
		syncobj_wait(client->fd, sync.handle);
		err = syncobj_error(client->fd, sync.handle);
	}
	syncobj_destroy(client->fd, sync.handle);

	return err;
}

void client_write(struct client *client, uint64_t address, uint32_t value)
{
	struct batch batch = client_store(client, address, value);

	check_eq(client_run(client, &batch), 0);
}

uint32_t client_read(struct client *client, uint64_t address)
{
	struct batch batch = client_batch(client);

	batch_copy_dword(&batch, CLIENT_BATCHES + RESULT, address);
	batch_end(&batch);
	check_eq(client_run(client, &batch), 0);

	return *(volatile uint32_t *)(client->pages.map + RESULT);
}

void gate_close(struct gate *gate)
{
	struct batch batch = client_batch(&gate->client);
	struct drm_xe_sync sync = sync_out(gate->fence);

	batch_wait_equal(&batch, gate->open.gpu, ++gate->turn);
	batch_end(&batch);
	check_eq(client_exec(&gate->client, &batch, &sync, 1), 0);
	if (gate->turn > 1)
		close(gate->file);
	check_eq(drmSyncobjExportSyncFile(gate->client.fd, gate->fence, &gate->file), 0);
}

void gate_init(struct gate *gate, int gpu)
{
	int fd = device_open(gpu);
	unsigned int timeout_ms;

	*gate = (struct gate){ 0 };
	/* its queue gets all the time that there is */
	timeout_ms = device_set_engine_property(fd, "bcs", "job_timeout_ms", GATE_TIMEOUT_MS);
	client_open(&gate->client, gpu, 0);
	device_set_engine_property(fd, "bcs", "job_timeout_ms", timeout_ms);
	close(fd);
	gate->open = client_word(&gate->client);
	gate->fence = syncobj_create(gate->client.fd);
	gate_close(gate);
}

uint32_t gate_syncobj(const struct gate *gate, int fd)
{
	uint32_t handle = syncobj_create(fd);

	check_eq(drmSyncobjImportSyncFile(fd, handle, gate->file), 0);

	return handle;
}

void gate_open(struct gate *gate)
{
	*gate->open.cpu = gate->turn;
}

void gate_fini(struct gate *gate)
{
	close(gate->file);
	client_close(&gate->client);
}

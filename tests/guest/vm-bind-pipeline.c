// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binds, execs and unbinds that are all submitted before the first of them runs, and
 * what other bind queues do meanwhile. A gate, the fence of a job that waits for the
 * CPU, holds the first bind back.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "subtest.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define GIB		(1024 * MIB)

/*
 * Places of the tests. A bind that makes a page table holds back all that has to be
 * below the same new entry; ELSEWHERE shares none with the others but the root.
 */
#define INPUT		(1 * GIB)
#define OUTPUT		(2 * GIB)
#define ELSEWHERE	(1024 * GIB)

#define MAX_SCENES	32

/** struct scene - objects that are bound for one exec, and go again */
struct scene {
	/** @input: read by the GPU */
	struct bo input;
	/** @output: written by the GPU */
	struct bo output;
};

/** struct stage - a client, its gate, and a timeline that orders what it submits */
struct stage {
	/** @client: the client */
	struct client client;
	/** @gate: closed at first */
	struct gate gate;
	/** @opener: syncobj with the gate's fence, of the client */
	uint32_t opener;
	/** @timeline: syncobj */
	uint32_t timeline;
	/** @point: the newest of @timeline */
	uint64_t point;
};

static void stage_init(struct stage *stage)
{
	*stage = (struct stage){ 0 };
	client_open(&stage->client, 0, 0);
	gate_init(&stage->gate, 0);
	stage->opener = gate_syncobj(&stage->gate, stage->client.fd);
	stage->timeline = syncobj_create(stage->client.fd);
}

static void stage_fini(struct stage *stage)
{
	gate_fini(&stage->gate);
	client_close(&stage->client);
}

/* The gate is closed, and nothing of the timeline has happened. */
static void check_nothing_ran(const struct stage *stage)
{
	check(!syncobj_signalled(stage->gate.client.fd, stage->gate.fence));
	check(!syncobj_point_signalled(stage->client.fd, stage->timeline, 1));
}

static void open_and_wait(struct stage *stage)
{
	gate_open(&stage->gate);
	syncobj_wait_point(stage->client.fd, stage->timeline, stage->point);
}

/* Waits for what was submitted before: the gate at first, then the timeline. */
static void next_syncs(struct stage *stage, struct drm_xe_sync syncs[2])
{
	syncs[0] = stage->point ? sync_in_point(stage->timeline, stage->point) :
				  sync_in(stage->opener);
	syncs[1] = sync_out_point(stage->timeline, ++stage->point);
}

static void pipeline_bind(struct stage *stage, const struct queue *queue,
			  const struct drm_xe_vm_bind_op *ops, int num_ops)
{
	struct drm_xe_sync syncs[2];

	next_syncs(stage, syncs);
	check_eq(vm_bind(&stage->client.vm, queue, ops, num_ops, syncs, 2), 0);
}

static void pipeline_exec(struct stage *stage, const struct batch *batch)
{
	struct drm_xe_sync syncs[2];

	next_syncs(stage, syncs);
	check_eq(client_exec(&stage->client, batch, syncs, 2), 0);
}

static struct bo object_with(struct stage *stage, uint64_t bytes, enum bo_place place,
			     uint32_t value)
{
	struct bo bo = bo_create(stage->client.fd, &stage->client.vm, bytes, place);

	for (uint64_t offset = 0; offset < bytes; offset += 4 * KIB)
		*(uint32_t *)(bo_map(&bo) + offset) = value;

	return bo;
}

static uint32_t value_of(struct bo *bo, uint64_t offset)
{
	return *(volatile uint32_t *)(bo_map(bo) + offset);
}

/* --- scenes ------------------------------------------------------------------ */

static uint32_t scene_value(int scene)
{
	return 0x5ce40000 + scene;
}

/*
 * Every scene has the same two addresses and objects of its own; its job copies one
 * dword from there to here. Which objects it finds depends on all binds and unbinds
 * before it and on none behind it.
 */
static void run_scenes(int count, enum bo_place place, bool unbind)
{
	struct scene scenes[MAX_SCENES];
	struct stage stage;

	stage_init(&stage);
	for (int i = 0; i < count; i++) {
		scenes[i].input = object_with(&stage, 4 * KIB, place, scene_value(i));
		scenes[i].output = object_with(&stage, 4 * KIB, place, 0);
	}
	for (int i = 0; i < count; i++) {
		const struct drm_xe_vm_bind_op binds[] = {
			op_map(INPUT, &scenes[i].input, 0, 4 * KIB),
			op_map(OUTPUT, &scenes[i].output, 0, 4 * KIB),
		};
		const struct drm_xe_vm_bind_op unbinds[] = {
			op_unmap(INPUT, 4 * KIB),
			op_unmap(OUTPUT, 4 * KIB),
		};
		struct batch batch = client_batch(&stage.client);

		batch_copy_dword(&batch, OUTPUT, INPUT);
		batch_end(&batch);
		pipeline_bind(&stage, NULL, binds, 2);
		pipeline_exec(&stage, &batch);
		if (unbind)
			pipeline_bind(&stage, NULL, unbinds, 2);
	}
	check_nothing_ran(&stage);
	for (int i = 0; i < count; i++)
		check_eq(value_of(&scenes[i].output, 0), 0);

	open_and_wait(&stage);
	for (int i = 0; i < count; i++)
		check_eq(value_of(&scenes[i].output, 0), scene_value(i));
	stage_fini(&stage);
}

static void two_scenes(void)
{
	run_scenes(2, BO_SYSTEM, true);
}

static void two_scenes_vram(void)
{
	run_scenes(2, BO_VRAM, true);
}

static void many_scenes(void)
{
	run_scenes(MAX_SCENES, BO_ANY, true);
}

static void many_scenes_replaced(void)
{
	run_scenes(MAX_SCENES, BO_SYSTEM, false);
}

static void userptr_scenes(void)
{
	uint32_t *memory = mmap(NULL, 4 * 4 * KIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stage stage;

	check(memory != MAP_FAILED);
	stage_init(&stage);
	for (int i = 0; i < 2; i++) {
		uint32_t *pages = memory + i * 2 * KIB;
		const struct drm_xe_vm_bind_op binds[] = {
			op_userptr(INPUT, pages, 4 * KIB),
			op_userptr(OUTPUT, pages + KIB, 4 * KIB),
		};
		const struct drm_xe_vm_bind_op unbinds[] = {
			op_unmap(INPUT, 4 * KIB),
			op_unmap(OUTPUT, 4 * KIB),
		};
		struct batch batch = client_batch(&stage.client);

		pages[0] = scene_value(i);
		batch_copy_dword(&batch, OUTPUT, INPUT);
		batch_end(&batch);
		pipeline_bind(&stage, NULL, binds, 2);
		pipeline_exec(&stage, &batch);
		pipeline_bind(&stage, NULL, unbinds, 2);
	}
	check_nothing_ran(&stage);
	open_and_wait(&stage);
	for (int i = 0; i < 2; i++)
		check_eq(memory[i * 2 * KIB + KIB], scene_value(i));
	stage_fini(&stage);
}

/* --- other queues meanwhile ---------------------------------------------------- */

/* The pipeline waits with a bind at INPUT, one of 2 MiB. */
static struct bo begin_waiting(struct stage *stage)
{
	struct bo bo = object_with(stage, 2 * MIB, BO_SYSTEM, scene_value(0));
	const struct drm_xe_vm_bind_op op = op_map(INPUT, &bo, 0, 64 * KIB);

	pipeline_bind(stage, NULL, &op, 1);

	return bo;
}

/* A bind without in-syncs. Returns its out-syncobj. */
static uint32_t bind_on(struct stage *stage, const struct queue *queue,
			struct drm_xe_vm_bind_op op)
{
	struct drm_xe_sync sync = sync_out(syncobj_create(stage->client.fd));

	check_eq(vm_bind(&stage->client.vm, queue, &op, 1, &sync, 1), 0);

	return sync.handle;
}

static void injected_binds(void)
{
	struct queue injector;
	struct stage stage;
	struct bo bo;

	stage_init(&stage);
	injector = bind_queue_create(&stage.client.vm);
	bo = object_with(&stage, 2 * MIB, BO_SYSTEM, 0);
	begin_waiting(&stage);

	for (uint32_t i = 1; i <= 8; i++) {
		uint64_t address = ELSEWHERE + i * 2 * MIB;
		uint32_t fence = bind_on(&stage, &injector, op_map(address, &bo, 0, 2 * MIB));

		syncobj_wait(stage.client.fd, fence);
		/* and it can be used: the exec does not wait for the pipeline */
		client_write(&stage.client, address + i * 4 * KIB, i);
		check_eq(value_of(&bo, i * 4 * KIB), i);
		fence = bind_on(&stage, &injector, op_unmap(address, 2 * MIB));
		syncobj_wait(stage.client.fd, fence);
		check_nothing_ran(&stage);
	}

	open_and_wait(&stage);
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	stage_fini(&stage);
}

static void injected_at_once(void)
{
	struct queue injector;
	struct stage stage;
	struct bo bo;

	stage_init(&stage);
	injector = bind_queue_create(&stage.client.vm);
	bo = object_with(&stage, 64 * KIB, BO_SYSTEM, scene_value(1));
	begin_waiting(&stage);
	/* nothing to wait for: the CPU wrote the entries before the ioctl returned */
	check(syncobj_signalled(stage.client.fd,
				bind_on(&stage, &injector, op_map(ELSEWHERE, &bo, 0, 64 * KIB))));
	check_nothing_ran(&stage);
	open_and_wait(&stage);
	stage_fini(&stage);
}

static void injected_in_same_table(void)
{
	struct queue injector;
	struct stage stage;
	struct bo bo;

	stage_init(&stage);
	injector = bind_queue_create(&stage.client.vm);
	bo = object_with(&stage, 64 * KIB, BO_SYSTEM, scene_value(1));
	/* with the table there already, only what overlaps has to wait */
	vm_bind_now(&stage.client.vm, op_map(INPUT + MIB, &bo, 0, 4 * KIB));
	begin_waiting(&stage);
	check(syncobj_signalled(stage.client.fd,
				bind_on(&stage, &injector,
					op_map(INPUT + 64 * KIB, &bo, 0, 64 * KIB))));
	check_eq(client_read(&stage.client, INPUT + 64 * KIB), scene_value(1));
	check_nothing_ran(&stage);
	open_and_wait(&stage);
	check_eq(client_read(&stage.client, INPUT + 60 * KIB), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + 64 * KIB), scene_value(1));
	stage_fini(&stage);
}

static void overlapping_maps(void)
{
	struct queue other;
	struct stage stage;
	uint32_t fence;
	struct bo bo;

	stage_init(&stage);
	other = bind_queue_create(&stage.client.vm);
	bo = object_with(&stage, 2 * MIB, BO_SYSTEM, scene_value(1));
	begin_waiting(&stage);
	fence = bind_on(&stage, &other, op_map(INPUT + 32 * KIB, &bo, 0, 64 * KIB));
	check(!syncobj_signalled(stage.client.fd, fence));
	check_nothing_ran(&stage);

	open_and_wait(&stage);
	syncobj_wait(stage.client.fd, fence);
	/* the later one wins where they overlap */
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + 28 * KIB), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + 32 * KIB), scene_value(1));
	check_eq(client_read(&stage.client, INPUT + 92 * KIB), scene_value(1));
	stage_fini(&stage);
}

static void overlapping_unmap(void)
{
	struct queue other;
	struct stage stage;
	uint32_t fence;
	struct batch batch;

	stage_init(&stage);
	other = bind_queue_create(&stage.client.vm);
	begin_waiting(&stage);
	fence = bind_on(&stage, &other, op_unmap(INPUT + 4 * KIB, 4 * KIB));
	check(!syncobj_signalled(stage.client.fd, fence));

	open_and_wait(&stage);
	syncobj_wait(stage.client.fd, fence);
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + 8 * KIB), scene_value(0));
	batch = client_store(&stage.client, INPUT + 4 * KIB, 1);
	check_eq(client_run(&stage.client, &batch), -EIO);
	stage_fini(&stage);
}

/* Many queues, all of them behind one another at one address. */
static void overlapping_chain(void)
{
	struct queue queues[8];
	struct bo bos[8];
	struct stage stage;
	uint32_t fence = 0;

	stage_init(&stage);
	for (int i = 0; i < 8; i++) {
		queues[i] = bind_queue_create(&stage.client.vm);
		bos[i] = object_with(&stage, 8 * KIB, i % 2 ? BO_VRAM : BO_SYSTEM, scene_value(i));
	}
	begin_waiting(&stage);
	for (int i = 0; i < 64; i++)
		fence = bind_on(&stage, &queues[i * 5 % 8],
				op_map(INPUT + i % 2 * 4 * KIB, &bos[i % 8], 0, 8 * KIB));
	check_nothing_ran(&stage);
	check(!syncobj_signalled(stage.client.fd, fence));
	open_and_wait(&stage);
	syncobj_wait(stage.client.fd, fence);
	/* the last two: 62 at INPUT, 63 one page further */
	check_eq(client_read(&stage.client, INPUT), scene_value(62 % 8));
	check_eq(client_read(&stage.client, INPUT + 4 * KIB), scene_value(63 % 8));
	check_eq(client_read(&stage.client, INPUT + 8 * KIB), scene_value(63 % 8));
	stage_fini(&stage);
}

/* --- what a pending bind means for those behind it -------------------------------- */

static void partition_at_submission(void)
{
	struct stage stage;
	struct batch batch;
	struct bo bo, hole;

	stage_init(&stage);
	bo = object_with(&stage, 2 * MIB, BO_SYSTEM, scene_value(0));
	hole = object_with(&stage, 64 * KIB, BO_SYSTEM, scene_value(1));
	/* each operation finds what the one before it, which has not run, will leave */
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_map(INPUT, &bo, 0, 2 * MIB) }, 1);
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_unmap(INPUT + MIB, 128 * KIB) }, 1);
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_map(INPUT + MIB, &hole, 0, 64 * KIB) }, 1);
	check_nothing_ran(&stage);

	open_and_wait(&stage);
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + MIB - 4 * KIB), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + MIB), scene_value(1));
	check_eq(client_read(&stage.client, INPUT + MIB + 128 * KIB), scene_value(0));
	check_eq(client_read(&stage.client, INPUT + 2 * MIB - 4 * KIB), scene_value(0));
	batch = client_store(&stage.client, INPUT + MIB + 64 * KIB, 1);
	check_eq(client_run(&stage.client, &batch), -EIO);
	stage_fini(&stage);
}

static void fences_in_order(void)
{
	uint64_t user_fence = 0;
	struct drm_xe_sync sync;
	struct stage stage;
	uint32_t empty;

	stage_init(&stage);
	begin_waiting(&stage);
	/* no operation at all, on the same queue: its fence comes behind the bind's */
	empty = syncobj_create(stage.client.fd);
	sync = sync_out(empty);
	check_eq(vm_bind(&stage.client.vm, NULL, NULL, 0, &sync, 1), 0);
	check(!syncobj_signalled(stage.client.fd, empty));
	/* an operation that changes nothing but the fence */
	sync = sync_out_user_fence((uintptr_t)&user_fence, 1);
	check_eq(vm_bind(&stage.client.vm, NULL,
			 (struct drm_xe_vm_bind_op[]){ op_unmap(ELSEWHERE, 4 * KIB) }, 1,
			 &sync, 1), 0);
	check_eq(user_fence_wait(stage.client.fd, 0, &user_fence, 1, 50 * 1000 * 1000), -ETIME);
	check_nothing_ran(&stage);

	open_and_wait(&stage);
	syncobj_wait(stage.client.fd, empty);
	check_eq(user_fence_wait(stage.client.fd, 0, &user_fence, 1, SYNC_TIMEOUT_NS), 0);
	stage_fini(&stage);
}

static void object_destroyed(void)
{
	struct stage stage;
	struct batch batch;
	struct bo input, output, kept;

	stage_init(&stage);
	input = object_with(&stage, 4 * KIB, BO_ANY, scene_value(0));
	kept = object_with(&stage, 4 * KIB, BO_ANY, 0);
	output = object_with(&stage, 4 * KIB, BO_SYSTEM, 0);
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_map(INPUT, &input, 0, 4 * KIB), op_map(OUTPUT, &output, 0, 4 * KIB) }, 2);
	batch = client_batch(&stage.client);
	batch_copy_dword(&batch, OUTPUT, INPUT);
	batch_end(&batch);
	pipeline_exec(&stage, &batch);
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_unmap(INPUT, 4 * KIB) }, 1);
	/* the handle goes while bind, exec and unbind are still to come */
	bo_destroy(&input);
	for (int i = 0; i < 8; i++)
		object_with(&stage, 4 * KIB, BO_ANY, 0xdead);
	check_nothing_ran(&stage);

	open_and_wait(&stage);
	check_eq(value_of(&output, 0), scene_value(0));
	check_eq(value_of(&kept, 0), 0);
	stage_fini(&stage);
}

static void exec_after_unbind(void)
{
	struct drm_xe_sync sync;
	struct stage stage;
	struct batch batch;
	struct queue fresh;
	struct bo bo;

	stage_init(&stage);
	bo = object_with(&stage, 4 * KIB, BO_SYSTEM, scene_value(0));
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_map(INPUT, &bo, 0, 4 * KIB) }, 1);
	batch = client_store(&stage.client, INPUT, 1);
	pipeline_exec(&stage, &batch);
	pipeline_bind(&stage, NULL, (struct drm_xe_vm_bind_op[]){
		op_unmap(INPUT, 4 * KIB) }, 1);
	batch = client_store(&stage.client, INPUT, 2);
	pipeline_exec(&stage, &batch);
	check(!queue_banned(&stage.client.queue));

	open_and_wait(&stage);
	/* the job before the unbind wrote, the one behind it died, and its queue with it */
	check_eq(value_of(&bo, 0), 1);
	check(queue_banned(&stage.client.queue));
	check_eq(client_exec(&stage.client, &batch, NULL, 0), -ECANCELED);

	/* the VM is as good as before */
	fresh = queue_create(&stage.client.vm, DRM_XE_ENGINE_CLASS_COPY, -1);
	vm_map(&stage.client.vm, INPUT, &bo);
	sync = sync_out(syncobj_create(stage.client.fd));
	check_eq(queue_exec(&fresh, batch.address, &sync, 1), 0);
	syncobj_wait(stage.client.fd, sync.handle);
	check_eq(syncobj_error(stage.client.fd, sync.handle), 0);
	check_eq(value_of(&bo, 0), 2);
	stage_fini(&stage);
}

/* A bind and an exec that wait for @opener, and then the process ends without a word. */
static void submit_and_exit(struct client *client, uint32_t opener)
{
	struct drm_xe_sync syncs[] = { sync_in(opener), sync_out(syncobj_create(client->fd)) };
	struct bo bo = bo_create(client->fd, &client->vm, 4 * KIB, BO_ANY);
	struct drm_xe_vm_bind_op op = op_map(INPUT, &bo, 0, 4 * KIB);
	struct batch batch = client_store(client, INPUT, 1);

	check_eq(vm_bind(&client->vm, NULL, &op, 1, syncs, 2), 0);
	syncs[0].handle = syncs[1].handle;
	check_eq(client_exec(client, &batch, syncs, 1), 0);
	check(!syncobj_signalled(client->fd, syncs[1].handle));
	_exit(0);
}

static void closed_while_pending(void)
{
	struct stage stage, other;
	pid_t child;

	stage_init(&stage);
	begin_waiting(&stage);
	child = subtest_fork();
	if (!child) {
		stage_init(&other);
		submit_and_exit(&other.client, other.opener);
	}
	subtest_join(child);
	check_nothing_ran(&stage);
	open_and_wait(&stage);
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	stage_fini(&stage);
}

static void closed_before_foreign_fence(void)
{
	struct client other;
	struct stage stage;
	pid_t child;

	stage_init(&stage);
	begin_waiting(&stage);
	child = subtest_fork();
	if (!child) {
		client_open(&other, 0, 0);
		submit_and_exit(&other, gate_syncobj(&stage.gate, other.fd));
	}
	usleep(200 * 1000);
	check_nothing_ran(&stage);
	open_and_wait(&stage);
	subtest_join(child);
	check_eq(client_read(&stage.client, INPUT), scene_value(0));
	stage_fini(&stage);
}

static const struct subtest subtests[] = {
	{ "two-scenes", two_scenes,
	  "two scenes, submitted before the first bind runs, each find their own objects" },
	{ "two-scenes-vram", two_scenes_vram, "the same with objects in VRAM" },
	{ "many-scenes", many_scenes, "the same with 32 scenes" },
	{ "many-scenes-replaced", many_scenes_replaced,
	  "the same without unbinds: the next bind replaces the mapping" },
	{ "userptr-scenes", userptr_scenes, "the same with userptrs" },
	{ "injected-binds", injected_binds,
	  "while the pipeline waits, another bind queue binds and unbinds, and jobs use that" },
	{ "injected-at-once", injected_at_once,
	  "a bind that nothing holds back has happened when the ioctl returns" },
	{ "injected-in-same-table", injected_in_same_table,
	  "the same for a neighbour of the pending bind in a page table that exists" },
	{ "overlapping-maps", overlapping_maps,
	  "a bind that overlaps a pending one of another queue comes behind it" },
	{ "overlapping-unmap", overlapping_unmap,
	  "an unbind of a part of a pending bind of another queue comes behind it" },
	{ "overlapping-chain", overlapping_chain,
	  "64 overlapping binds on eight queues have the effect of their order" },
	{ "partition-at-submission", partition_at_submission,
	  "a bind is planned with what the pending ones before it will leave" },
	{ "fences-in-order", fences_in_order,
	  "fences of one bind queue signal in order, with nothing to write too" },
	{ "object-destroyed", object_destroyed,
	  "an object lives until the pending bind, exec and unbind of it are over" },
	{ "exec-after-unbind", exec_after_unbind,
	  "a job behind the unbind is the only one that fails, and the VM goes on" },
	{ "closed-while-pending", closed_while_pending,
	  "a process that ends with everything pending takes nothing else with it" },
	{ "closed-before-foreign-fence", closed_before_foreign_fence,
	  "the same when what it waits for is a fence of another process" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Pipelines of binds and execs in dma-fence VMs.", subtests);
}

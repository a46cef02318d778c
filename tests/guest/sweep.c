// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure sweeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <xf86drm.h>

#include "device.h"
#include "inject.h"
#include "subtest.h"
#include "sweep.h"

static bool allowed(const struct scenario *scenario, int err)
{
	if (!err || err == -ENOMEM)
		return true;
	for (int i = 0; i < SWEEP_MAX_ERRORS; i++) {
		if (scenario->errors[i] && scenario->errors[i] == -err)
			return true;
	}

	return false;
}

/* --- syncs ------------------------------------------------------------------------ */

void sweep_new_syncobj(struct state *state)
{
	state->syncobj = syncobj_create(state->world.fd);
}

/* A call that failed gives no fence to wait for. */
void sweep_check_syncobj(struct state *state, int err)
{
	int fd = state->world.fd;

	if (err) {
		check_that(drmSyncobjWait(fd, &state->syncobj, 1, 0, 0, NULL) == -EINVAL,
			   "a call that failed has put a fence into its syncobj");
		return;
	}
	syncobj_wait(fd, state->syncobj);
	check_eq(syncobj_error(fd, state->syncobj), 0);
	syncobj_reset(fd, state->syncobj);
}

/* The kernel's software timelines (drivers/dma-buf/sw_sync.c). */
struct sw_sync_create {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_CREATE	_IOWR('W', 0, struct sw_sync_create)
#define SW_SYNC_INC	_IOW('W', 1, uint32_t)

void sweep_open_timeline(struct state *state)
{
	state->timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	if (state->timeline < 0)
		subtest_skip("the kernel has no sw_sync");
}

void sweep_make_pending(struct state *state)
{
	struct sw_sync_create create = { .value = ++state->point };

	check_eq(device_ioctl(state->timeline, SW_SYNC_CREATE, &create), 0);
	state->pending = syncobj_create(state->world.fd);
	check_eq(drmSyncobjImportSyncFile(state->world.fd, state->pending, create.fence), 0);
	close(create.fence);
}

void sweep_signal_pending(struct state *state)
{
	uint32_t one = 1;

	check_eq(device_ioctl(state->timeline, SW_SYNC_INC, &one), 0);
	syncobj_destroy(state->world.fd, state->pending);
}

/* --- sweeping --------------------------------------------------------------------- */

void sweep_begin(const struct scenario *scenario, struct state *state)
{
	*state = (struct state){ .timeline = -1, .fd = -1, .exporter = -1 };
	world_init(&state->world, scenario->kind, scenario->gpu);
	if (scenario->setup)
		scenario->setup(state);
}

void sweep_end(struct state *state)
{
	for (unsigned int i = 0; i < state->num_fillers; i++)
		bo_destroy(&state->fillers[i]);
	free(state->fillers);
	/* what they map lives as long as that */
	if (state->spot.cpu)
		spot_free(&state->spot);
	if (state->more.cpu)
		spot_free(&state->more);
	world_fini(&state->world);
}

void sweep_need_injection(void)
{
	const char *why;

	if (!inject_init(&why))
		subtest_skip("%s", why);
}

void sweep_round_end(const struct scenario *scenario, struct state *state, int err)
{
	check_that(allowed(scenario, err), "error %d (%s) is not one of those documented", err,
		   strerror(-err));
	if (scenario->after)
		scenario->after(state, err);
	world_check(&state->world);
}

/* An argument of the program says that every round is of interest. */
static void tell(unsigned int round, bool fired, int err)
{
	if (subtest_argument(0, 0))
		subtest_info("round %u: %s failed, %s", round, fired ? "one" : "none",
			     err ? strerror(-err) : "success");
}

static unsigned int sweep_call(const struct scenario *scenario, struct state *state)
{
	for (unsigned int n = 1; n < SWEEP_MAX_ROUNDS; n++) {
		bool fired;
		int err;

		if (scenario->before)
			scenario->before(state);
		inject_nth(n);
		err = scenario->act(state);
		fired = inject_nth_done();
		tell(n, fired, err);
		sweep_round_end(scenario, state, err);
		if (!fired) {
			check_that(!err, "nothing failed, but the call did: %s", strerror(-err));
			return n - 1;
		}
	}
	subtest_fail(__FILE__, __LINE__, "there is no end of it");
}

static unsigned int sweep_worker(const struct scenario *scenario, struct state *state,
				 enum inject_kind kind)
{
	for (unsigned int n = 1; n < SWEEP_MAX_ROUNDS; n++) {
		bool fired;
		int err;

		if (scenario->before)
			scenario->before(state);
		inject_below(kind, scenario->worker, n);
		err = scenario->act(state);
		fired = inject_below_done();
		tell(n, fired, err);
		check_that(!err, "the worker's call: %s", strerror(-err));
		sweep_round_end(scenario, state, err);
		if (!fired)
			return n - 1;
	}
	subtest_fail(__FILE__, __LINE__, "there is no end of it");
}

/* Workers free what the GPU has to be done with first. */
static void check_vram(int fd, uint64_t before)
{
	double end = subtest_now() + 10;
	uint64_t now;

	while ((now = device_vram_used(fd)) > before && subtest_now() < end)
		usleep(10000);
	check_that(now <= before, "%llu bytes of VRAM are lost", (unsigned long long)(now - before));
}

void sweep(const struct scenario *scenario)
{
	unsigned int slabs, pages, calls;
	struct state state;
	uint64_t vram;
	int fd;

	sweep_need_injection();
	fd = device_open(scenario->gpu);
	vram = device_vram_used(fd);
	sweep_begin(scenario, &state);
	if (scenario->worker) {
		slabs = sweep_worker(scenario, &state, INJECT_SLAB);
		pages = sweep_worker(scenario, &state, INJECT_PAGES);
		subtest_info("%u slab and %u page allocations failed", slabs, pages);
	} else {
		inject_count(INJECT_ALLOCATIONS);
		slabs = sweep_call(scenario, &state);
		inject_arm_all(-ENOMEM);
		inject_count(INJECT_CALLS);
		calls = sweep_call(scenario, &state);
		subtest_info("%u allocations and %u calls failed", slabs, calls);
	}
	inject_off();
	sweep_end(&state);
	check_vram(fd, vram);
	close(fd);
}

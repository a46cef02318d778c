// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-exec [--json FILE] [--conditions TEXT] [PART...]: what EXEC and VM_BIND cost,
 * and that it depends on what changed and not on what is there. docs/command-line.md
 * says what each row means.
 *
 * It is the ioctl that is timed, not the job: every job waits behind a gate. So while
 * the clock runs neither the GPUs nor the driver's workers take the CPUs away, and no
 * call waits for room in a ring. Between two rounds the gate opens and all jobs run.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "client.h"
#include "subtest.h"
#include "svmgpu_trace.h"
#include "tracing.h"

#define KIB			1024ull
#define MIB			(1024 * KIB)
#define GIB			(1024 * MIB)
#define PAGE			4096ull

#define MANY			10000
#define USERPTR_ADDRESS		(4 * GIB)
#define OBJECT_ADDRESS		(8 * GIB)
/* 1 GiB from here needs one page table, as 2 MiB do */
#define BIG_ADDRESS		(16 * GIB)

#define BINDS_PER_CALL		500

/* --- VMs that submit behind a gate ----------------------------------------- */

/** struct submitter - a dma-fence VM with a queue and a batch that only ends */
struct submitter {
	/** @client: file, VM, queue */
	struct client client;
	/** @batch: the batch */
	struct batch batch;
	/** @gate: in-sync of its jobs while the gate is shut */
	struct drm_xe_sync gate;
	/** @done: syncobj of its last job */
	uint32_t done;
};

static void submitter_open(struct submitter *submitter)
{
	client_open(&submitter->client, 0, 0);
	submitter->batch = client_batch(&submitter->client);
	batch_end(&submitter->batch);
	submitter->done = syncobj_create(submitter->client.fd);
}

static void submitter_close(struct submitter *submitter)
{
	client_close(&submitter->client);
}

static void submit(struct submitter *submitter)
{
	check_eq(client_exec(&submitter->client, &submitter->batch, &submitter->gate, 1), 0);
}

static double timed_submit(struct submitter *submitter)
{
	uint64_t start = bench_now_ns();

	submit(submitter);

	return bench_now_ns() - start;
}

/* Until release() nothing that they submit runs. */
static void hold(struct gate *gate, struct submitter *submitters, unsigned int count)
{
	gate_init(gate, 0);
	for (unsigned int i = 0; i < count; i++)
		submitters[i].gate = sync_in(gate_syncobj(gate, submitters[i].client.fd));
}

/* Lets everything run, and waits for it. */
static void release(struct gate *gate, struct submitter *submitters, unsigned int count)
{
	gate_open(gate);
	for (unsigned int i = 0; i < count; i++) {
		struct client *client = &submitters[i].client;
		struct drm_xe_sync last = sync_out(submitters[i].done);

		check_eq(client_exec(client, &submitters[i].batch, &last, 1), 0);
		syncobj_wait(client->fd, last.handle);
		syncobj_destroy(client->fd, submitters[i].gate.handle);
	}
	gate_fini(gate);
}

static void bind_array(const struct vm *vm, const struct drm_xe_vm_bind_op *ops,
		       unsigned int count)
{
	for (unsigned int i = 0; i < count; i += BINDS_PER_CALL)
		check_eq(vm_bind(vm, NULL, &ops[i],
				 count - i < BINDS_PER_CALL ? count - i : BINDS_PER_CALL,
				 NULL, 0), 0);
}

/*
 * Every part does its rounds, or as many as fit into its time if that is less: a loaded
 * machine gets fewer samples, not a benchmark that never ends.
 */
#define PART_SECONDS	20
#define LEAST_ROUNDS	4

/** struct rounds - of one part */
struct rounds {
	/** @left: to be done at most */
	unsigned int left;
	/** @done: so far */
	unsigned int done;
	/** @end_ns: when to stop */
	uint64_t end_ns;
};

static struct rounds rounds_begin(unsigned int count)
{
	return (struct rounds){
		.left = count,
		.end_ns = bench_now_ns() + PART_SECONDS * 1000000000ull,
	};
}

static bool rounds_next(struct rounds *rounds)
{
	if (!rounds->left || (rounds->done >= LEAST_ROUNDS && bench_now_ns() > rounds->end_ns))
		return false;
	rounds->left--;
	rounds->done++;

	return true;
}

/* --- exec against what is there -------------------------------------------- */

#define PAIR_ROUNDS	20
#define PAIR_CALLS	100

enum { FEW_THERE, MANY_THERE };

/* Alternately on both VMs. Returns the quotient of the medians. */
static double compare_submits(struct submitter pair[2], double *few_ns)
{
	struct rounds rounds = rounds_begin(1 + PAIR_ROUNDS);
	struct samples samples[2] = { };
	double ratio;

	while (rounds_next(&rounds)) {
		struct gate gate;

		hold(&gate, pair, 2);
		for (unsigned int i = 0; i < 2 * PAIR_CALLS; i++) {
			/* 0 1 1 0 0 1: each follows itself as often as the other */
			unsigned int which = (i + 1) / 2 % 2;
			double ns = timed_submit(&pair[which]);

			/* the first round warms up */
			if (rounds.done > 1)
				samples_add(&samples[which], ns);
		}
		release(&gate, pair, 2);
	}
	*few_ns = samples_median(&samples[FEW_THERE]);
	ratio = samples_median(&samples[MANY_THERE]) / *few_ns;
	samples_clear(&samples[FEW_THERE]);
	samples_clear(&samples[MANY_THERE]);

	return ratio;
}

static void *anonymous(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	check(memory != MAP_FAILED);
	/* huge pages come and go on their own, and invalidate */
	check_eq(madvise(memory, bytes, MADV_NOHUGEPAGE), 0);
	memset(memory, 1, bytes);

	return memory;
}

static void bind_userptrs(const struct vm *vm, char *memory, unsigned int count)
{
	struct drm_xe_vm_bind_op *ops = calloc(count, sizeof(*ops));

	for (unsigned int i = 0; i < count; i++)
		ops[i] = op_userptr(USERPTR_ADDRESS + i * PAGE, memory + i * PAGE, PAGE);
	bind_array(vm, ops, count);
	free(ops);
}

static void bench_userptr(struct bench *bench)
{
	void *few = anonymous(PAGE), *many = anonymous(MANY * PAGE);
	struct submitter pair[2];
	double ratio, ns;

	submitter_open(&pair[FEW_THERE]);
	submitter_open(&pair[MANY_THERE]);
	bind_userptrs(&pair[FEW_THERE].client.vm, few, 1);
	bind_userptrs(&pair[MANY_THERE].client.vm, many, MANY);

	ratio = compare_submits(pair, &ns);
	bench_figure(bench, "exec_us", ns / 1000, "us", "exec, 1 valid userptr");
	bench_ratio(bench, "exec_userptrs", ratio, false, 1.1,
		    "exec, 10 000 valid userptrs / 1");

	submitter_close(&pair[FEW_THERE]);
	submitter_close(&pair[MANY_THERE]);
	munmap(few, PAGE);
	munmap(many, MANY * PAGE);
}

/* Local objects, one page each; they go with the file. */
static void bind_objects(const struct vm *vm, unsigned int count)
{
	struct drm_xe_vm_bind_op *ops = calloc(count, sizeof(*ops));

	for (unsigned int i = 0; i < count; i++) {
		struct bo bo = bo_create(vm->fd, vm, PAGE, BO_VRAM);

		ops[i] = op_map(OBJECT_ADDRESS + i * PAGE, &bo, 0, PAGE);
	}
	bind_array(vm, ops, count);
	free(ops);
}

static void bench_local(struct bench *bench)
{
	struct submitter pair[2];
	double ratio, ns;

	submitter_open(&pair[FEW_THERE]);
	submitter_open(&pair[MANY_THERE]);
	bind_objects(&pair[FEW_THERE].client.vm, 1);
	bind_objects(&pair[MANY_THERE].client.vm, MANY);

	ratio = compare_submits(pair, &ns);
	bench_ratio(bench, "exec_local_objects", ratio, false, 1.1,
		    "exec, 10 000 local objects / 1");

	submitter_close(&pair[FEW_THERE]);
	submitter_close(&pair[MANY_THERE]);
}

/* --- exec against what changed --------------------------------------------- */

#define INVALIDATE_ROUNDS	7

/** struct repins - what one invalidated userptr costs */
struct repins {
	/** @exec: the exec that brings it back */
	struct samples exec;
	/** @notifier: the change of the CPU mapping that invalidates it */
	struct samples notifier;
};

/*
 * The pages of @count userptrs go: these are invalidated, and no others. (mprotect() of a
 * part of a mapping splits it, for which the kernel invalidates the 2 MiB around, also
 * where there is no huge page.)
 */
static double invalidate(void *memory, unsigned int count)
{
	uint64_t start = bench_now_ns();

	check_eq(madvise(memory, count * PAGE, MADV_DONTNEED), 0);

	return bench_now_ns() - start;
}

/* @base_ns: an exec that finds nothing invalidated. */
static void repin(struct submitter *submitter, void *memory, unsigned int count, double base_ns,
		  struct repins *repins)
{
	struct gate gate;

	samples_add(&repins->notifier, invalidate(memory, count) / count);
	hold(&gate, submitter, 1);
	samples_add(&repins->exec, (timed_submit(submitter) - base_ns) / count);
	release(&gate, submitter, 1);
}

static double exec_base_ns(struct submitter *submitter)
{
	struct samples samples = { };
	struct gate gate;
	double base_ns;

	hold(&gate, submitter, 1);
	for (unsigned int i = 0; i < PAIR_CALLS; i++)
		samples_add(&samples, timed_submit(submitter));
	release(&gate, submitter, 1);
	base_ns = samples_median(&samples);
	samples_clear(&samples);

	return base_ns;
}

/*
 * The least of the samples: an exec that brings something back waits for the device to
 * flush, and how soon that gets a CPU of the host is not the driver's doing.
 */
static void report_repins(struct bench *bench, struct repins *small, struct repins *few,
			  struct repins *some, struct repins *many)
{
	double few_ns = samples_least(&few->exec), many_ns = samples_least(&many->exec);

	bench_figure(bench, "repin_100_us", few_ns / 1000, "us",
		     "exec, for each of 100 invalidated userptrs of 10 000");
	bench_figure(bench, "repin_1000_us", samples_least(&some->exec) / 1000, "us",
		     "exec, for each of 1000 invalidated userptrs");
	bench_figure(bench, "repin_10000_us", many_ns / 1000, "us",
		     "exec, for each of 10 000 invalidated userptrs");
	bench_ratio(bench, "repin_valid", few_ns / samples_least(&small->exec), false, 1.1,
		    "for each invalidated userptr, 100 of 10 000 / 100 of 100");
	bench_ratio(bench, "repin_invalidated", many_ns / few_ns, false, 1.1,
		    "for each invalidated userptr, 10 000 / 100");
	bench_figure(bench, "notifier_us", samples_least(&few->notifier) / 1000, "us",
		     "invalidation, for each of 100 userptrs");
	bench_ratio(bench, "notifier_invalidated",
		    samples_least(&many->notifier) / samples_least(&few->notifier), false, 1.1,
		    "invalidation, for each userptr, 10 000 / 100");
}

static void bench_invalidated(struct bench *bench)
{
	const unsigned int few = 100, some = 1000;
	void *small_memory = anonymous(few * PAGE), *memory = anonymous(MANY * PAGE);
	struct repins of_small = { }, of_few = { }, of_some = { }, of_many = { };
	struct submitter small, submitter;
	struct rounds rounds;
	double base_ns;

	submitter_open(&small);
	submitter_open(&submitter);
	bind_userptrs(&small.client.vm, small_memory, few);
	bind_userptrs(&submitter.client.vm, memory, MANY);

	base_ns = exec_base_ns(&submitter);
	rounds = rounds_begin(INVALIDATE_ROUNDS);
	while (rounds_next(&rounds)) {
		/* of each kind some, spread over the round */
		for (unsigned int i = 0; i < 10; i++) {
			repin(&small, small_memory, few, base_ns, &of_small);
			repin(&submitter, memory, few, base_ns, &of_few);
			if (i % 3 == 2)
				repin(&submitter, memory, some, base_ns, &of_some);
			if (i == 5)
				repin(&submitter, memory, MANY, base_ns, &of_many);
		}
	}
	report_repins(bench, &of_small, &of_few, &of_some, &of_many);

	submitter_close(&small);
	submitter_close(&submitter);
	munmap(small_memory, few * PAGE);
	munmap(memory, MANY * PAGE);
}

/* --- threads --------------------------------------------------------------- */

#define THREADS		64
#define THREAD_ROUNDS	9
#define THREAD_CALLS	100
/* turns of a loop that take about as long as an exec */
#define SPINS		20000

static struct submitter submitters[THREADS];
static pthread_barrier_t threads_begin, threads_end;
static enum { EXEC, SPIN, STOP } threads_do;

static void some_calls(struct submitter *submitter)
{
	for (unsigned int i = 0; i < THREAD_CALLS; i++) {
		if (threads_do == EXEC)
			submit(submitter);
		else
			for (volatile unsigned int spin = 0; spin < SPINS; spin++)
				;
	}
}

static void *thread_main(void *submitter)
{
	for (;;) {
		pthread_barrier_wait(&threads_begin);
		if (threads_do == STOP)
			return NULL;
		some_calls(submitter);
		pthread_barrier_wait(&threads_end);
	}
}

static double all_threads(void)
{
	uint64_t start = bench_now_ns();

	pthread_barrier_wait(&threads_begin);
	pthread_barrier_wait(&threads_end);

	return bench_now_ns() - start;
}

static double one_thread(void)
{
	uint64_t start = bench_now_ns();

	for (unsigned int i = 0; i < THREADS; i++)
		some_calls(&submitters[i]);

	return bench_now_ns() - start;
}

/* How much faster all threads get it done than one. */
static double gain_of_execs(struct samples *cost)
{
	struct gate gate;
	double one, all;

	threads_do = EXEC;
	hold(&gate, submitters, THREADS);
	one = one_thread();
	release(&gate, submitters, THREADS);
	hold(&gate, submitters, THREADS);
	all = all_threads();
	release(&gate, submitters, THREADS);
	samples_add(cost, one / (THREADS * THREAD_CALLS));

	return one / all;
}

static double gain_of_spins(void)
{
	double one;

	threads_do = SPIN;
	one = one_thread();

	return one / all_threads();
}

static void bench_threads(struct bench *bench)
{
	struct samples execs = { }, spins = { }, cost = { };
	pthread_t threads[THREADS];
	struct rounds rounds;

	pthread_barrier_init(&threads_begin, NULL, THREADS + 1);
	pthread_barrier_init(&threads_end, NULL, THREADS + 1);
	for (unsigned int i = 0; i < THREADS; i++) {
		submitter_open(&submitters[i]);
		check_eq(pthread_create(&threads[i], NULL, thread_main, &submitters[i]), 0);
	}
	rounds = rounds_begin(THREAD_ROUNDS);
	while (rounds_next(&rounds)) {
		samples_add(&execs, gain_of_execs(&cost));
		samples_add(&spins, gain_of_spins());
	}
	threads_do = STOP;
	pthread_barrier_wait(&threads_begin);
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		submitter_close(&submitters[i]);
	}
	bench_figure(bench, "threads_exec_us", samples_median(&cost) / 1000, "us",
		     "exec, one thread on 64 VMs in turn");
	bench_figure(bench, "threads_spin_gain", samples_median(&spins), "x",
		     "64 threads of plain work / one");
	bench_figure(bench, "threads_exec_gain", samples_median(&execs), "x",
		     "64 threads of execs on 64 VMs / one");
	bench_ratio(bench, "threads_scale", samples_median(&execs) / samples_median(&spins), true,
		    0.9, "what 64 threads gain: execs / plain work");
}

/* --- bind ------------------------------------------------------------------ */

#define BIND_ROUNDS	400

static const uint64_t bind_sizes[] = { 2 * MIB, GIB / 2, GIB };

#define BIND_SIZES	(sizeof(bind_sizes) / sizeof(bind_sizes[0]))

/** struct bind_times - of one size */
struct bind_times {
	/** @bind: the ioctl, as the program sees it */
	struct samples bind;
	/** @unbind: the same, of the unbind */
	struct samples unbind;
	/** @write: of @bind: from the last check to the last entry written */
	struct samples write;
};

/** struct bind_trace - position in the trace */
struct bind_trace {
	/** @times: by size */
	struct bind_times *times;
	/** @calls: ioctls seen; bind and unbind of each size in turn */
	unsigned int calls;
	/** @checked_us: time of the last check */
	double checked_us;
};

static void bind_event(const struct trace_event *event, void *arg)
{
	struct bind_trace *trace = arg;
	struct bind_times *times = &trace->times[trace->calls / 2 % BIND_SIZES];
	const char *owner = strstr(event->fields, " owner=");

	/* userptrs are checked too, on behalf of nobody */
	if (!owner || atoi(owner + strlen(" owner=")) != SVMGPU_TRACE_OWNER_BIND)
		return;
	if (!strcmp(event->name, "svmgpu_seq_checked")) {
		trace->checked_us = event->us;
		return;
	}
	if (!(trace->calls++ & 1))
		samples_add(&times->write, (event->us - trace->checked_us) * 1000);
}

static double timed_bind(const struct vm *vm, struct drm_xe_vm_bind_op op)
{
	uint64_t start = bench_now_ns();

	check_eq(vm_bind(vm, NULL, &op, 1, NULL, 0), 0);

	return bench_now_ns() - start;
}

/*
 * What writing the entries takes is the driver's own time from svmgpu_seq_checked,
 * after which nothing can fail, to svmgpu_pt_written. Calls of all sizes pay the same
 * for being called, for locks, for their one gpu_vma and for the tracepoints; the
 * difference between two sizes is what grows with the leaves.
 */
static void bench_bind(struct bench *bench)
{
	static const char *const events[] = { "svmgpu_seq_checked", "svmgpu_pt_written", NULL };
	struct bind_times times[BIND_SIZES] = { };
	struct bind_times *least = &times[0], *most = &times[BIND_SIZES - 1];
	struct bind_trace trace = { .times = times };
	double bind_ns, write_ns;
	struct rounds rounds;
	struct client client;
	struct bo bo;

	client_open(&client, 0, 0);
	bo = bo_create(client.fd, &client.vm, GIB, BO_SYSTEM);
	/* the tables above those of the range stay, as in a VM that is in use */
	vm_bind_now(&client.vm, op_map(BIG_ADDRESS - 2 * GIB, &bo, 0, 2 * MIB));
	tracing_begin("svmgpu", events);
	rounds = rounds_begin(BIND_ROUNDS);
	while (rounds_next(&rounds))
		for (unsigned int i = 0; i < BIND_SIZES; i++) {
			struct drm_xe_vm_bind_op
				map = op_map(BIG_ADDRESS, &bo, 0, bind_sizes[i]),
				unmap = op_unmap(BIG_ADDRESS, bind_sizes[i]);

			samples_add(&times[i].bind, timed_bind(&client.vm, map));
			samples_add(&times[i].unbind, timed_bind(&client.vm, unmap));
		}
	tracing_end(bind_event, &trace);
	check_eq(trace.calls, 2 * BIND_SIZES * rounds.done);

	bind_ns = samples_middle(&most->bind) - samples_middle(&least->bind);
	write_ns = samples_middle(&most->write) - samples_middle(&least->write);
	bench_figure(bench, "bind_2m_us", samples_middle(&least->bind) / 1000, "us",
		     "bind, one leaf of 2 MiB");
	bench_figure(bench, "bind_512m_us", samples_middle(&times[1].bind) / 1000, "us",
		     "bind, 512 MiB: 256 leaves");
	bench_figure(bench, "bind_1g_us", samples_middle(&most->bind) / 1000, "us",
		     "bind, 1 GiB: 512 leaves");
	bench_figure(bench, "unbind_1g_us", samples_middle(&most->unbind) / 1000, "us",
		     "unbind, 1 GiB: 512 leaves");
	bench_figure(bench, "bind_growth_us", bind_ns / 1000, "us",
		     "bind, 511 leaves more");
	bench_figure(bench, "write_growth_us", write_ns / 1000, "us",
		     "writing page-table entries, 511 leaves more");
	bench_ratio(bench, "bind_write", bind_ns / write_ns, false, 1.5,
		    "bind, 511 leaves more / writing their entries");

	for (unsigned int i = 0; i < BIND_SIZES; i++) {
		samples_clear(&times[i].bind);
		samples_clear(&times[i].unbind);
		samples_clear(&times[i].write);
	}
	client_close(&client);
}

/* --- bind against what is pending -------------------------------------------- */

#define PENDING_FEW	16
#define PENDING_MANY	4096
#define PENDING_ROUNDS	9
#define PENDING_CALLS	50
/* pages that share a page table */
#define TABLE_PAGES	512

/** struct pending - a VM whose binds wait behind a gate */
struct pending {
	/** @submitter: the VM, and what its binds wait for */
	struct submitter submitter;
	/** @bo: one page, mapped everywhere */
	struct bo bo;
	/** @next: page that the next bind maps */
	unsigned int next;
};

/* The page tables are there: a pending bind that made one would hold back its neighbours. */
static void pending_open(struct pending *pending)
{
	struct client *client = &pending->submitter.client;

	submitter_open(&pending->submitter);
	pending->bo = bo_create(client->fd, &client->vm, PAGE, BO_SYSTEM);
	for (unsigned int i = 0; i < PENDING_MANY + 2 * PENDING_CALLS; i += TABLE_PAGES)
		vm_bind_now(&client->vm, op_map(OBJECT_ADDRESS + i * PAGE, &pending->bo, 0, PAGE));
	pending->next = 0;
}

static double pending_bind(struct pending *pending)
{
	unsigned int page = pending->next % TABLE_PAGES ? pending->next : ++pending->next;
	struct drm_xe_vm_bind_op op = op_map(OBJECT_ADDRESS + page * PAGE, &pending->bo, 0, PAGE);
	uint64_t start;

	pending->next++;
	start = bench_now_ns();
	check_eq(vm_bind(&pending->submitter.client.vm, NULL, &op, 1, &pending->submitter.gate, 1),
		 0);

	return bench_now_ns() - start;
}

static void pending_round(struct pending pair[2], struct samples samples[2])
{
	static const unsigned int counts[] = { PENDING_FEW, PENDING_MANY };
	struct gate gate;

	gate_init(&gate, 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct submitter *submitter = &pair[i].submitter;

		pending_open(&pair[i]);
		submitter->gate = sync_in(gate_syncobj(&gate, submitter->client.fd));
		for (unsigned int count = counts[i]; count; count--)
			pending_bind(&pair[i]);
	}
	for (unsigned int i = 0; i < 2 * PENDING_CALLS; i++) {
		unsigned int which = (i + 1) / 2 % 2;

		samples_add(&samples[which], pending_bind(&pair[which]));
	}
	gate_open(&gate);
	for (unsigned int i = 0; i < 2; i++) {
		struct drm_xe_sync last = sync_out(pair[i].submitter.done);
		int fd = pair[i].submitter.client.fd;

		check_eq(vm_bind(&pair[i].submitter.client.vm, NULL, NULL, 0, &last, 1), 0);
		syncobj_wait(fd, last.handle);
		submitter_close(&pair[i].submitter);
	}
	gate_fini(&gate);
}

static void bench_pending(struct bench *bench)
{
	struct rounds rounds = rounds_begin(PENDING_ROUNDS);
	struct samples samples[2] = { };
	struct pending pair[2];
	double few_ns;

	while (rounds_next(&rounds))
		pending_round(pair, samples);
	few_ns = samples_median(&samples[FEW_THERE]);
	bench_figure(bench, "bind_pending_us", few_ns / 1000, "us",
		     "bind behind a fence, few others pending");
	bench_ratio(bench, "bind_pending", samples_median(&samples[MANY_THERE]) / few_ns, false,
		    1.2, "bind behind a fence, 4096 others pending / few");
	samples_clear(&samples[FEW_THERE]);
	samples_clear(&samples[MANY_THERE]);
}

/* --- main ------------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*run)(struct bench *bench);
} parts[] = {
	{ "userptr", bench_userptr },
	{ "local", bench_local },
	{ "invalidated", bench_invalidated },
	{ "threads", bench_threads },
	{ "bind", bench_bind },
	{ "pending", bench_pending },
};

#define PARTS	(sizeof(parts) / sizeof(parts[0]))

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return !argc;
}

static void usage(void)
{
	fprintf(stderr, "usage: bench-exec [--json FILE] [--conditions TEXT] [PART...]\nparts:");
	for (unsigned int i = 0; i < PARTS; i++)
		fprintf(stderr, " %s", parts[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "conditions", required_argument, NULL, 'c' },
		{ }
	};
	const char *json = NULL, *conditions = "";
	struct bench *bench;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			json = optarg;
		else if (option == 'c')
			conditions = optarg;
		else
			usage();
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	bench = bench_begin("exec", conditions);
	for (unsigned int i = 0; i < PARTS; i++) {
		uint64_t start = bench_now_ns();

		if (!wanted(parts[i].name, argc - optind, argv + optind))
			continue;
		parts[i].run(bench);
		fprintf(stderr, "%s: %.0f s\n", parts[i].name, (bench_now_ns() - start) / 1e9);
	}

	return bench_end(bench, json);
}

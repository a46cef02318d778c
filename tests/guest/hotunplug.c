// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What becomes of processes under full load when their GPU goes, is reset, or when they
 * are killed; and whether the GPUs work. svmgpu-hotunplug makes the rounds.
 *
 *	hotunplug load [--lose ADDRESS]... [--reset] [--kill COUNT]
 *	hotunplug check COUNT
 *
 * load: one process of each kind of workers.c per GPU, or per pair of GPUs. Prints
 * "loaded" when all are at work. SIGTERM says that whatever was to happen has happened:
 *
 *   - who uses a GPU that was lost ends by itself, after calls failed as docs/uapi.md
 *     says, with -ENODEV in the end
 *   - everybody else still gets on, without any error; with --reset, after an error, with
 *     a new file
 *   - data in memory of the process are right, also those that were in lost VRAM
 *
 * With --kill processes are killed instead, one after the other, and must be gone soon.
 *
 * check: a small verified job on each of COUNT GPUs, and memory that both use.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workers.h"

#define PROCESSES_MAX	64
/* how long anything may take; a debug kernel without KVM is slow */
#define LIMIT_S		100

/** struct process - one process of the load, in shared memory */
struct process {
	/** @worker: what it does */
	struct worker worker;
	/** @rounds: see there */
	volatile uint64_t rounds;
	/** @errors: errors that a reset explains */
	volatile uint64_t errors;
	/** @first: first error that it met */
	volatile int first;
	/** @result: 0 or a negative errno, when it has ended */
	volatile int result;
	/** @pid: 0 when it has ended */
	pid_t pid;
	/** @status: of waitpid() */
	int status;
	/** @seen: rounds, at some time */
	uint64_t seen;
};

static char gpus[XE_GPUS_MAX][XE_ADDRESS_BYTES];
static int num_gpus;
static const char *lose[XE_GPUS_MAX];
static int num_lose;
static bool reset;
static long kills;
static struct process *processes;
static int num_processes;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static void stop(int signal)
{
	xe_stop = 1;
}

/* Without SA_RESTART: calls that sleep end. */
static void stop_on_sigterm(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGTERM, &action, NULL);
}

static bool is_lost(const char *address)
{
	for (int i = 0; i < num_lose; i++)
		if (address && !strcmp(address, lose[i]))
			return true;

	return false;
}

static bool loses(const struct worker *worker)
{
	return is_lost(worker->address[0]) || is_lost(worker->address[1]);
}

/* --- one process ------------------------------------------------------------------ */

static struct process *to_process(struct worker *worker)
{
	return (struct process *)worker;
}

/* What a call may say when its GPU goes, is gone, or is reset. */
static bool loss_error(int err)
{
	return err == -ENODEV || err == -ECANCELED || err == -EIO;
}

static int lost(struct worker *worker, int gpu, int fd, int err)
{
	struct process *process = to_process(worker);
	double end = now() + LIMIT_S;
	int probe;

	if (!process->first)
		process->first = err;
	if (!loss_error(err) || !is_lost(worker->address[gpu]))
		return err;

	/* sooner or later every call says so */
	while ((probe = xe_probe(fd)) != -ENODEV) {
		if (probe && probe != -ECANCELED && probe != -EINTR)
			return probe;
		if (now() > end)
			return -ETIMEDOUT;
		usleep(10000);
	}
	if (mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED || errno != ENODEV)
		return -EPROTO;

	return -ENODEV;
}

static int process_main(struct process *process)
{
	struct worker *worker = &process->worker;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, worker->name);
	worker->lost = lost;
	worker->rounds = &process->rounds;
	do {
		err = worker->run(worker);
		if (reset && loss_error(err)) {
			process->errors++;
			usleep(10000);
			err = 0;
		}
	} while (!err && !xe_stop);
	if (loses(worker) && err == -ENODEV)
		err = 0;
	process->result = err;

	return err ? 1 : 0;
}

static void process_start(struct process *process)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(process_main(process));
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	process->pid = pid;
}

static bool process_ended(struct process *process)
{
	if (process->pid && waitpid(process->pid, &process->status, WNOHANG) == process->pid)
		process->pid = 0;

	return !process->pid;
}

/* Where the kernel has it. */
static void process_show(const struct process *process)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "for t in /proc/%d/task/*; do echo \"  $t $(cat $t/wchan)\"; cat $t/stack; done",
		 process->pid);
	fflush(NULL);
	if (system(command))
		printf("  no stack\n");
}

/* --- all of them ------------------------------------------------------------------ */

static void make_processes(void)
{
	processes = mmap(NULL, PROCESSES_MAX * sizeof(*processes), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (const struct worker *worker = workers; worker->name; worker++) {
		for (int i = 0; i < num_gpus; i++) {
			struct process *process = &processes[num_processes];

			if (worker->gpus > num_gpus || num_processes == PROCESSES_MAX ||
			    (worker->gpus == 2 && i % 2))
				continue;
			process->worker = *worker;
			process->worker.address[0] = gpus[i];
			if (worker->gpus == 2)
				process->worker.address[1] = gpus[i + 1];
			num_processes++;
		}
	}
}

static bool fail(const struct process *process, const char *format, ...)
{
	va_list args;

	printf("not ok - %s on %s: ", process->worker.name, process->worker.address[0]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("; %llu rounds, first error %s\n", (unsigned long long)process->rounds,
	       process->first ? strerror(-process->first) : "none");

	return false;
}

/* Until @condition is true of all that @which says, or one of these fails or takes too long. */
static bool wait_until(bool (*which)(const struct process *process),
		       bool (*condition)(struct process *process), const char *what)
{
	double end = now() + LIMIT_S;
	bool good = true;

	for (int i = 0; i < num_processes; i++) {
		struct process *process = &processes[i];

		while (which(process) && !condition(process)) {
			if (process_ended(process) && !condition(process)) {
				good = fail(process, "ended before it %s: status %#x, %s", what,
					    process->status, strerror(-process->result));
				break;
			}
			if (now() > end) {
				good = fail(process, "hangs: it never %s", what);
				process_show(process);
				break;
			}
			usleep(10000);
		}
	}

	return good;
}

static bool everybody(const struct process *process)
{
	return true;
}

static bool loser(const struct process *process)
{
	return loses(&process->worker) && !process->worker.may_block;
}

/* Its rounds tell of its life. */
static bool survivor(const struct process *process)
{
	return !loses(&process->worker) && strncmp(process->worker.name, "wait", 4);
}

static bool worked(struct process *process)
{
	return process->rounds > 0;
}

static bool got_on(struct process *process)
{
	return process->rounds > process->seen;
}

static bool stop_all(void)
{
	double end = now() + LIMIT_S;
	bool good = true;

	for (int i = 0; i < num_processes; i++) {
		struct process *process = &processes[i];

		while (!process_ended(process)) {
			/* again and again: the signal may come just before the sleep */
			for (int j = i; j < num_processes; j++)
				if (processes[j].pid)
					kill(processes[j].pid, SIGTERM);
			if (now() > end) {
				good = fail(process, "hangs: it cannot be stopped");
				process_show(process);
				kill(process->pid, SIGKILL);
				break;
			}
			usleep(20000);
		}
		if (!process->pid && process->status)
			good = fail(process, "status %#x, %s", process->status,
				    strerror(-process->result));
	}

	return good;
}

static bool kill_some(void)
{
	unsigned int seed = getpid();

	for (; kills; kills--) {
		struct process *process = &processes[rand_r(&seed) % num_processes];
		double end = now() + LIMIT_S;

		if (process_ended(process))
			return fail(process, "ended: status %#x, %s", process->status,
				    strerror(-process->result));
		kill(process->pid, SIGKILL);
		while (!process_ended(process)) {
			if (now() > end) {
				process_show(process);
				return fail(process, "does not die");
			}
			usleep(1000);
		}
		process->status = 0;
		process_start(process);
		usleep(rand_r(&seed) % 150000);
	}

	return true;
}

static void report(bool good)
{
	uint64_t rounds = 0, errors = 0;
	int losers = 0;

	for (int i = 0; i < num_processes; i++) {
		rounds += processes[i].rounds;
		errors += processes[i].errors;
		losers += loses(&processes[i].worker);
	}
	printf("%sok - %d processes, %llu rounds, %d lost their GPU, %llu errors after resets\n",
	       good ? "" : "not ", num_processes, (unsigned long long)rounds, losers,
	       (unsigned long long)errors);
}

static int load(void)
{
	bool good;

	stop_on_sigterm();
	make_processes();
	for (int i = 0; i < num_processes; i++)
		process_start(&processes[i]);
	good = wait_until(everybody, worked, "worked");
	if (good) {
		printf("loaded\n");
		fflush(stdout);
		if (kills)
			good = kill_some();
		while (!kills && !xe_stop && getppid() != 1)
			usleep(10000);
		/* in children it says to end; here that something has happened */
		good = wait_until(loser, process_ended, "ended") && good;
		for (int i = 0; i < num_processes; i++)
			processes[i].seen = processes[i].rounds;
		good = wait_until(survivor, got_on, "got on") && good;
	}
	good = stop_all() && good;
	report(good);

	return good ? 0 : 1;
}

/* --- check ------------------------------------------------------------------------- */

static struct process checked;

static int check_lost(struct worker *worker, int gpu, int fd, int err)
{
	return err;
}

static void *check_timer(void *argument)
{
	/* some rounds of each kind */
	for (int i = 0; i < LIMIT_S * 100 && checked.rounds < 12; i++)
		usleep(10000);
	xe_stop = 1;

	return NULL;
}

static bool check_kind(const struct worker *worker, int gpu)
{
	pthread_t timer;
	int err;

	checked = (struct process) { .worker = *worker };
	checked.worker.lost = check_lost;
	checked.worker.rounds = &checked.rounds;
	checked.worker.address[0] = gpus[gpu];
	checked.worker.address[1] = worker->gpus == 2 ? gpus[gpu + 1] : NULL;
	xe_stop = 0;
	alarm(2 * LIMIT_S);
	pthread_create(&timer, NULL, check_timer, NULL);
	err = checked.worker.run(&checked.worker);
	pthread_join(timer, NULL);
	if (err || checked.rounds < 12)
		return fail(&checked, "%s", err ? strerror(-err) : "too slow");

	return true;
}

static int check(int count)
{
	bool good = true;

	if (num_gpus != count) {
		printf("not ok - %d GPUs, not %d\n", num_gpus, count);
		return 1;
	}
	for (const struct worker *worker = workers; worker->name; worker++) {
		if (strcmp(worker->name, "fence") && strcmp(worker->name, "preempt") &&
		    strcmp(worker->name, "svm") && strcmp(worker->name, "prime"))
			continue;
		for (int i = 0; i + worker->gpus <= num_gpus; i += worker->gpus)
			good = check_kind(worker, i) && good;
	}
	printf("%sok - %d GPUs work\n", good ? "" : "not ", num_gpus);

	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "lose", required_argument, NULL, 'l' },
		{ "reset", no_argument, NULL, 'r' },
		{ "kill", required_argument, NULL, 'k' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'l' && num_lose < XE_GPUS_MAX)
			lose[num_lose++] = optarg;
		else if (option == 'r')
			reset = true;
		else if (option == 'k')
			kills = atol(optarg);
		else
			return 2;
	}
	num_gpus = xe_list(gpus);
	if (argc - optind == 2 && !strcmp(argv[optind], "check"))
		return check(atoi(argv[optind + 1]));
	if (argc - optind == 1 && !strcmp(argv[optind], "load"))
		return load();
	fprintf(stderr, "usage: hotunplug load [--lose ADDRESS]... [--reset] [--kill COUNT]\n"
			"       hotunplug check COUNT\n");
	return 2;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IGT's protocol, as lib/igt_core.c speaks and runner/resultgen.c reads it: "Starting
 * subtest: NAME" and "Subtest NAME: RESULT (SECONDSs)" on stdout, the same lines on
 * stderr where IGT_SENTINEL_ON_STDERR asks for them, and lines in the kernel log, by
 * which igt_runner tells whose messages the kernel's are.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "subtest.h"

/* less than the 300 s that igt_runner gives a test: a hang is one subtest's result */
#define TIMEOUT_S	280

enum {
	EXIT_PASS = 0,
	EXIT_SKIP = 77,
	EXIT_INVALID = 79,
	EXIT_FAIL = 98,
};

/** struct result - how a subtest ended, in IGT's word */
struct result {
	/** @word: that igt_runner knows */
	const char *word;
	/** @exit: status of the program if all end so */
	int exit;
};

static const char *program;
static int argument_count;
static char **arguments;

double subtest_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

long subtest_argument(int n, long value)
{
	return n < argument_count ? strtol(arguments[n], NULL, 0) : value;
}

void subtest_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void subtest_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("Skipped: ", stdout);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(NULL);
	_exit(EXIT_SKIP);
}

void subtest_fail(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	va_list args;

	fflush(stdout);
	flockfile(stderr);
	fprintf(stderr, "%s:%d: failed: ", name ? name + 1 : file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	fflush(NULL);
	_exit(EXIT_FAIL);
}

pid_t subtest_fork(void)
{
	pid_t parent = getpid(), child;

	fflush(NULL);
	child = fork();
	check_that(child >= 0, "fork: %s", strerror(errno));
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAIL);
	}

	return child;
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}

	return status;
}

void subtest_join(pid_t child)
{
	int status = wait_for(child);

	check_that(status == 0, "process %d ended with status 0x%x", child, status);
}

/* A line of the kernel log, by which igt_runner knows whose the lines after it are. */
__attribute__((format(printf, 1, 2))) static void kernel_log(const char *format, ...)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char line[256];
	va_list args;
	int length;

	if (fd < 0)
		return;
	length = snprintf(line, sizeof(line), "<6>[IGT] %s: ", program);
	va_start(args, format);
	vsnprintf(line + length, sizeof(line) - length, format, args);
	va_end(args);
	/* a kernel that does not take it does without it */
	if (write(fd, line, strlen(line)) < 0)
		subtest_info("/dev/kmsg: %s", strerror(errno));
	close(fd);
}

/* A line of the protocol. */
__attribute__((format(printf, 1, 2))) static void protocol(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
	if (!getenv("IGT_SENTINEL_ON_STDERR"))
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

static struct result result_of(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASS)
		return (struct result){ "SUCCESS", EXIT_PASS };
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		return (struct result){ "SKIP", EXIT_SKIP };
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return (struct result){ "TIMEOUT", EXIT_FAIL };
	if (WIFSIGNALED(status))
		return (struct result){ "CRASH", EXIT_FAIL };

	return (struct result){ "FAIL", EXIT_FAIL };
}

static int run(const struct subtest *subtest)
{
	struct result result;
	double begin;
	pid_t child;

	kernel_log("starting subtest %s\n", subtest->name);
	protocol("Starting subtest: %s\n", subtest->name);
	begin = subtest_now();
	child = subtest_fork();
	if (!child) {
		alarm(TIMEOUT_S);
		subtest->run();
		fflush(NULL);
		_exit(EXIT_PASS);
	}
	result = result_of(wait_for(child));
	protocol("Subtest %s: %s (%.3fs)\n", subtest->name, result.word, subtest_now() - begin);
	kernel_log("finished subtest %s, %s\n", subtest->name, result.word);

	return result.exit;
}

/* IGT's rule for patterns: the last that matches decides, '!' before it negates. */
static bool wanted(const char *name, const char *patterns)
{
	char *copy = strdup(patterns), *rest = copy, *pattern;
	bool found = false;

	while ((pattern = strsep(&rest, ","))) {
		bool negated = *pattern == '!';

		if (!fnmatch(pattern + negated, name, 0))
			found = !negated;
	}
	free(copy);

	return found;
}

static int run_all(const struct subtest *subtests, const char *patterns)
{
	unsigned int passed = 0, failed = 0, skipped = 0;
	struct utsname system;
	int status;

	uname(&system);
	kernel_log("executing\n");
	printf("IGT-Version: svmgpu (%s) (Linux: %s %s)\n", system.machine, system.release,
	       system.machine);
	fflush(stdout);
	for (const struct subtest *subtest = subtests; subtest->name; subtest++) {
		if (!wanted(subtest->name, patterns))
			continue;
		status = run(subtest);
		passed += status == EXIT_PASS;
		skipped += status == EXIT_SKIP;
		failed += status == EXIT_FAIL;
	}
	if (!(passed + failed + skipped)) {
		fprintf(stderr, "Unknown subtest: %s\n", patterns);
		return EXIT_INVALID;
	}
	status = failed ? EXIT_FAIL : passed ? EXIT_PASS : EXIT_SKIP;
	kernel_log("exiting, ret=%d\n", status);

	return status;
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: %s [OPTION] [ARGUMENT...]\n"
		"  --list-subtests          names of the subtests\n"
		"  --run-subtest GLOB[,..]  run only these; '!' before one leaves it out\n"
		"  --describe[=GLOB]        what the subtests assert\n"
		"  --help-description       what the program is about\n"
		"  --show-testlist          names as igt_runner's lists have them\n"
		"  --version, --help\n", program);
}

int subtest_main(int argc, char **argv, const char *description, const struct subtest *subtests)
{
	enum { LIST = 'l', RUN = 'r', DESCRIBE = 'd', ABOUT = 'a', TESTLIST = 't', VERSION = 'v',
	       HELP = 'h' };
	static const struct option options[] = {
		{ "list-subtests", no_argument, NULL, LIST },
		{ "run-subtest", required_argument, NULL, RUN },
		{ "describe", optional_argument, NULL, DESCRIBE },
		{ "help-description", no_argument, NULL, ABOUT },
		{ "show-testlist", no_argument, NULL, TESTLIST },
		{ "version", no_argument, NULL, VERSION },
		{ "help", no_argument, NULL, HELP },
		{ }
	};
	const char *patterns = "*";
	int option, show = 0;

	program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (option) {
		case LIST:
		case TESTLIST:
			show = option;
			break;
		case DESCRIBE:
			show = option;
			if (optarg)
				patterns = optarg;
			printf("%s\n\n", description);
			break;
		case RUN:
			patterns = optarg;
			break;
		case ABOUT:
			puts(description);
			return EXIT_PASS;
		case VERSION:
			puts("IGT-Version: svmgpu");
			return EXIT_PASS;
		case HELP:
			usage(stdout);
			return EXIT_PASS;
		default:
			usage(stderr);
			return EXIT_INVALID;
		}
	}
	argument_count = argc - optind;
	arguments = argv + optind;
	if (!show)
		return run_all(subtests, patterns);

	for (const struct subtest *subtest = subtests; subtest->name; subtest++) {
		if (!wanted(subtest->name, patterns))
			continue;
		if (show == DESCRIBE)
			printf("SUB %s:\n  %s\n\n", subtest->name, subtest->fact);
		else if (show == TESTLIST)
			printf("igt@%s@%s\n", program, subtest->name);
		else
			puts(subtest->name);
	}

	return EXIT_PASS;
}

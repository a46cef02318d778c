// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program of subtests that end in every way, for check-protocol.sh.
 */
#include <signal.h>
#include <unistd.h>

#include "subtest.h"

static void passes(void)
{
	subtest_info("argument %ld", subtest_argument(0, 7));
	check_eq(2 + 2, 4);
	check(1);
}

static void fails(void)
{
	check_eq(2 + 2, -1);
}

static void skips(void)
{
	subtest_skip("there is no %s", "GPU");
}

static void crashes(void)
{
	raise(SIGKILL);
}

static void times_out(void)
{
	alarm(1);
	pause();
}

static void child_fails(void)
{
	pid_t child = subtest_fork();

	if (!child)
		check(0);
	subtest_join(child);
}

static const struct subtest subtests[] = {
	{ "passes", passes, "what is true passes" },
	{ "fails", fails, "what is false fails" },
	{ "skips", skips, "what is missing skips" },
	{ "crashes", crashes, "a signal is a crash" },
	{ "times-out", times_out, "an alarm is a timeout" },
	{ "child-fails", child_fails, "a child's failure is its parent's" },
	{ }
};

int main(int argc, char **argv)
{
	return subtest_main(argc, argv, "Every way to end.", subtests);
}

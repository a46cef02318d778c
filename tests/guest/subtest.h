/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subtests: a program that speaks IGT's protocol, so that igt_runner runs it.
 *
 * A program is a table of subtests; main() hands it to subtest_main(), which knows
 * IGT's options (--list-subtests, --run-subtest, --describe and so on), prints
 * IGT's lines and ends with IGT's exit statuses. Each subtest runs in a process of
 * its own: its files, memory and threads end with it whatever becomes of it, and a
 * crash or a hang is the result of that subtest alone.
 *
 *	static void doubles(void)
 *	{
 *		check_eq(twice(2), 4);
 *	}
 *
 *	static const struct subtest subtests[] = {
 *		{ "doubles", doubles, "twice a number is the number added to itself" },
 *		{ }
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return subtest_main(argc, argv, "Arithmetic.", subtests);
 *	}
 *
 * A check that fails ends the subtest, from whichever of its threads. What goes to
 * stderr besides makes a pass a warning: information goes to stdout.
 */
#ifndef TESTS_GUEST_SUBTEST_H
#define TESTS_GUEST_SUBTEST_H

#include <stdnoreturn.h>
#include <sys/types.h>

/** struct subtest - one fact that a program asserts */
struct subtest {
	/** @name: letters, digits, '-' and '_'; NULL ends a table */
	const char *name;
	/** @run: asserts it */
	void (*run)(void);
	/** @fact: what is true when it passes, one sentence */
	const char *fact;
};

/*
 * Runs what the command line asks for. Returns the exit status: 0 all passed (or were
 * skipped, but one), 77 all were skipped, 98 one failed, 79 the command line is wrong.
 */
int subtest_main(int argc, char **argv, const char *description, const struct subtest *subtests);

/* The @n-th argument after the options (from 0), as a number, or @value if there is none. */
long subtest_argument(int n, long value);

/* A line of information, with a newline at its end. */
void subtest_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the subtest: what it needs is not there. */
noreturn void subtest_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the subtest: it failed. */
noreturn void subtest_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A child process that ends with the subtest; as fork(). */
pid_t subtest_fork(void);
/* Waits for such a child. Its failed check fails this subtest; so does a signal. */
void subtest_join(pid_t child);

/* Seconds since some moment. */
double subtest_now(void);

#define check(condition)							\
	do {									\
		if (!(condition))						\
			subtest_fail(__FILE__, __LINE__, "%s", #condition);	\
	} while (0)

/* With words of your own. */
#define check_that(condition, ...)						\
	do {									\
		if (!(condition))						\
			subtest_fail(__FILE__, __LINE__, __VA_ARGS__);		\
	} while (0)

#define check_eq(actual, expected)						\
	do {									\
		long long actual_ = (actual), expected_ = (expected);		\
										\
		if (actual_ != expected_)					\
			subtest_fail(__FILE__, __LINE__,			\
				     "%s is %lld (0x%llx), not %lld (0x%llx)",	\
				     #actual, actual_, actual_, expected_,	\
				     expected_);				\
	} while (0)

#endif

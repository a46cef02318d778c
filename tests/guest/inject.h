/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault injection: the kernel's own (Documentation/fault-injection), aimed at the
 * driver. An allocation counts when a function of the driver is on its stack, a
 * call when the function is one that the driver lets be failed. Needs root, debugfs
 * and a kernel with failslab, fail_page_alloc and fail_function.
 *
 * The nth of this thread: exact, because only this thread counts.
 *
 *	inject_count(INJECT_ALLOCATIONS);
 *	inject_nth(n);
 *	err = ioctl(...);
 *	fired = inject_nth_done();
 *
 * A worker's: allocations below one function, in any thread. The nth is exact if
 * only one thread gets there.
 */
#ifndef TESTS_GUEST_INJECT_H
#define TESTS_GUEST_INJECT_H

#include <stdbool.h>

enum inject_what {
	INJECT_ALLOCATIONS,	/* slab and pages */
	INJECT_CALLS,		/* injectable functions that are armed */
};

enum inject_kind { INJECT_SLAB, INJECT_PAGES, INJECT_KINDS };

/* False when the kernel cannot; the reason is in @why. Nothing fails yet. */
bool inject_init(const char **why);
/* Nothing fails any more. */
void inject_off(void);

/* What inject_nth() counts. */
void inject_count(enum inject_what what);
void inject_nth(unsigned int n);
/* Did it fail? Nothing does any more. */
bool inject_nth_done(void);

/* The driver's injectable functions, NULL at the end. */
const char *const *inject_functions(void);
/* Lets the @n-th of them return @error, a negative errno, or NULL. */
void inject_arm(unsigned int n, int error);
void inject_disarm(unsigned int n);
/*
 * All of them. Arming takes a tenth of a second each and outlives the program, to do
 * no harm and to be found by the next; without inject_nth() or inject_calls() no armed
 * function fails.
 */
void inject_arm_all(int error);
void inject_disarm_all(void);
/* The armed functions fail whenever this thread calls them. */
void inject_calls(void);
/* How many did? None does any more. */
unsigned int inject_calls_done(void);

/* The @n-th allocation of @kind below @function of the driver fails, once. */
void inject_below(enum inject_kind kind, const char *function, unsigned int n);
/* All below it fail. */
void inject_all_below(const char *function);
/* Did one? Nothing fails any more. */
bool inject_below_done(void);

#endif

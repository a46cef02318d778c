/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Benchmarks: samples, their medians, and a report of what was measured against what
 * was promised.
 *
 * What is compared is measured in turn, A B A B, in one run: a machine that gets slower
 * meanwhile slows both. Medians drop the samples that an interrupt or another program
 * lies in. Two figures that have to be equal are equal in the medians when the
 * driver does the same for both, whatever the machine does besides.
 */
#ifndef TESTS_GUEST_BENCH_H
#define TESTS_GUEST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC, in ns; about 0.1 us of it is the clock's. */
uint64_t bench_now_ns(void);

/** struct samples - what one thing cost, again and again */
struct samples {
	/** @values: in ns, unsorted */
	double *values;
	/** @count: how many */
	size_t count;
	/** @room: how many there may be */
	size_t room;
};

void samples_add(struct samples *samples, double value);
double samples_median(const struct samples *samples);
double samples_least(const struct samples *samples);
/* Mean of the middle half: as steady as the median, and finer than a coarse clock. */
double samples_middle(const struct samples *samples);
void samples_clear(struct samples *samples);

/** struct bench - a report being made */
struct bench;

/* @conditions: what else one has to know: the machine, the kernel. Rows are printed as they come. */
struct bench *bench_begin(const char *name, const char *conditions);
/* A figure that is told: nothing is promised about it. @unit: "us", "x", "1/s". */
void bench_figure(struct bench *bench, const char *key, double value, const char *unit,
		  const char *what);
/* A figure that must not be above (at_least: below) @bound. */
void bench_bound(struct bench *bench, const char *key, double value, const char *unit,
		 bool at_least, double bound, const char *what);
/* A quotient that must not be above (at_least: below) @bound. */
void bench_ratio(struct bench *bench, const char *key, double value, bool at_least, double bound,
		 const char *what);
/*
 * With @json writes the table there: name, conditions, figures (key,
 * what, value, unit), bounds (the same, and kind, bound, kept). Returns the exit status:
 * 0 when every bound is kept, else 1.
 */
int bench_end(struct bench *bench, const char *json);

#endif

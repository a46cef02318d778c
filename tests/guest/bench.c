// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Samples, and the report of a benchmark.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define ROWS_MAX	64

/** struct row - one line of the table */
struct row {
	/** @key: its name in the JSON */
	const char *key;
	/** @what: its name in the table */
	const char *what;
	/** @unit: of @value */
	const char *unit;
	/** @value: what was measured */
	double value;
	/** @bound: what it is held against */
	double bound;
	/** @bounded: there is a @bound */
	bool bounded;
	/** @at_least: @bound is a lower one */
	bool at_least;
};

struct bench {
	/** @name: of the benchmark */
	const char *name;
	/** @conditions: under which it ran */
	const char *conditions;
	/** @rows: in the order of the table */
	struct row rows[ROWS_MAX];
	/** @count: of @rows */
	unsigned int count;
};

static void *must_have(void *memory)
{
	if (!memory) {
		fprintf(stderr, "Bail out! no memory for the figures\n");
		exit(1);
	}
	return memory;
}

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

void samples_add(struct samples *samples, double value)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 256;
		samples->values = must_have(realloc(samples->values,
						    samples->room * sizeof(*samples->values)));
	}
	samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* A sorted copy; NULL when there are no samples. */
static double *sorted(const struct samples *samples)
{
	size_t bytes = samples->count * sizeof(double);
	double *copy;

	if (!bytes)
		return NULL;
	copy = must_have(malloc(bytes));
	memcpy(copy, samples->values, bytes);
	qsort(copy, samples->count, sizeof(*copy), compare);

	return copy;
}

double samples_median(const struct samples *samples)
{
	double *values = sorted(samples);
	double median = values ? values[samples->count / 2] : 0;

	free(values);

	return median;
}

double samples_least(const struct samples *samples)
{
	double least = samples->count ? samples->values[0] : 0;

	for (size_t i = 1; i < samples->count; i++)
		if (samples->values[i] < least)
			least = samples->values[i];

	return least;
}

double samples_middle(const struct samples *samples)
{
	size_t first = samples->count / 4, count = samples->count - 2 * first;
	double *values = sorted(samples);
	double sum = 0;

	for (size_t i = 0; values && i < count; i++)
		sum += values[first + i];
	free(values);

	return values ? sum / count : 0;
}

void samples_clear(struct samples *samples)
{
	free(samples->values);
	*samples = (struct samples){ };
}

static bool row_kept(const struct row *row)
{
	if (!row->bounded)
		return true;
	return row->at_least ? row->value >= row->bound : row->value <= row->bound;
}

static int decimals(double value)
{
	return value >= 1000 ? 0 : value >= 10 ? 1 : 3;
}

static void print_row(const struct row *row)
{
	printf("%-62s %10.*f %-3s", row->what, decimals(row->value), row->value, row->unit);
	if (row->bounded)
		printf("  %s %g  %s", row->at_least ? ">=" : "<=", row->bound,
		       row_kept(row) ? "kept" : "NOT KEPT");
	printf("\n");
	fflush(stdout);
}

static void add_row(struct bench *bench, const struct row *row)
{
	if (bench->count == ROWS_MAX)
		abort();
	bench->rows[bench->count++] = *row;
	print_row(row);
}

struct bench *bench_begin(const char *name, const char *conditions)
{
	struct bench *bench = must_have(calloc(1, sizeof(*bench)));

	bench->name = name;
	bench->conditions = conditions;
	printf("%s: %s\n", name, conditions);

	return bench;
}

void bench_figure(struct bench *bench, const char *key, double value, const char *unit,
		  const char *what)
{
	add_row(bench, &(struct row){ .key = key, .what = what, .unit = unit, .value = value });
}

void bench_bound(struct bench *bench, const char *key, double value, const char *unit,
		 bool at_least, double bound, const char *what)
{
	add_row(bench, &(struct row){
		.key = key, .what = what, .unit = unit, .value = value,
		.bounded = true, .at_least = at_least, .bound = bound,
	});
}

void bench_ratio(struct bench *bench, const char *key, double value, bool at_least, double bound,
		 const char *what)
{
	bench_bound(bench, key, value, "x", at_least, bound, what);
}

static void write_rows(FILE *file, const struct bench *bench, bool bounded)
{
	const char *separator = "";

	for (unsigned int i = 0; i < bench->count; i++) {
		const struct row *row = &bench->rows[i];

		if (row->bounded != bounded)
			continue;
		fprintf(file, "%s\n    {\"key\": \"%s\", \"what\": \"%s\"", separator, row->key,
			row->what);
		fprintf(file, ", \"value\": %.6g, \"unit\": \"%s\"", row->value, row->unit);
		if (bounded)
			fprintf(file, ", \"kind\": \"%s\", \"bound\": %g, \"kept\": %s",
				row->at_least ? "at least" : "at most", row->bound,
				row_kept(row) ? "true" : "false");
		fprintf(file, "}");
		separator = ",";
	}
}

static void write_json(const struct bench *bench, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file) {
		fprintf(stderr, "Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
	fprintf(file, "{\n  \"name\": \"%s\",\n  \"conditions\": \"%s\",\n  \"figures\": [",
		bench->name, bench->conditions);
	write_rows(file, bench, false);
	fprintf(file, "\n  ],\n  \"bounds\": [");
	write_rows(file, bench, true);
	fprintf(file, "\n  ]\n}\n");
	if (fclose(file)) {
		fprintf(stderr, "Bail out! %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

int bench_end(struct bench *bench, const char *json)
{
	int status = 0;

	for (unsigned int i = 0; i < bench->count; i++)
		if (!row_kept(&bench->rows[i]))
			status = 1;
	if (json)
		write_json(bench, json);
	free(bench);

	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's tracepoints, recorded by a tracefs instance of this program's own:
 * what others trace at the same time is left alone.
 */
#ifndef TESTS_GUEST_TRACING_H
#define TESTS_GUEST_TRACING_H

/** struct trace_event - one event of the trace */
struct trace_event {
	/** @name: of the tracepoint */
	const char *name;
	/** @us: CLOCK_MONOTONIC, in whole microseconds */
	double us;
	/** @fields: what the tracepoint prints: "field=value field=value" */
	const char *fields;
};

/*
 * Begins to record @events (NULL at the end) of @system. Ends the program when that
 * cannot be: it needs root.
 */
void tracing_begin(const char *system, const char *const *events);
/* Stops, calls @each for every event in the order of time, and throws them away. */
void tracing_end(void (*each)(const struct trace_event *event, void *arg), void *arg);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tracepoints by way of tracefs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracing.h"

#define TRACEFS		"/sys/kernel/tracing"
#define BUFFER_KIB	"8192"

static char instance[64];

static void fail(const char *what)
{
	fprintf(stderr, "Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

static void set(const char *file, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail(path);
	close(fd);
}

void tracing_begin(const char *system, const char *const *events)
{
	snprintf(instance, sizeof(instance), TRACEFS "/instances/svmgpu-%d", (int)getpid());
	if (access(TRACEFS "/instances", F_OK) &&
	    mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		fail("mount of " TRACEFS);
	if (mkdir(instance, 0700))
		fail(instance);
	set("trace_clock", "mono");
	set("buffer_size_kb", BUFFER_KIB);
	for (; *events; events++) {
		char file[128];

		snprintf(file, sizeof(file), "events/%s/%s/enable", system, *events);
		set(file, "1");
	}
	set("tracing_on", "1");
}

/* "  task-pid  [cpu] flags  seconds.micros: name: fields" */
static int parse(char *line, struct trace_event *event)
{
	char *end, *colon, *time;

	if (line[0] == '#')
		return 0;
	colon = strstr(line, ": ");
	if (!colon)
		return 0;
	*colon = 0;
	time = strrchr(line, ' ');
	event->us = time ? strtod(time + 1, &end) * 1e6 : 0;
	if (!time || *end)
		return 0;
	event->name = colon + 2;
	colon = strstr(colon + 2, ": ");
	if (!colon)
		return 0;
	*colon = 0;
	event->fields = colon + 2;

	return 1;
}

void tracing_end(void (*each)(const struct trace_event *event, void *arg), void *arg)
{
	char path[256], *line = NULL;
	size_t room = 0;
	FILE *trace;

	set("tracing_on", "0");
	snprintf(path, sizeof(path), "%s/trace", instance);
	trace = fopen(path, "r");
	if (!trace)
		fail(path);
	while (getline(&line, &room, trace) > 0) {
		struct trace_event event;

		if (parse(line, &event))
			each(&event, arg);
	}
	free(line);
	fclose(trace);
	if (rmdir(instance))
		fail(instance);
}

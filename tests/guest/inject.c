// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fault injection, aimed at the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "subtest.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define MODULE		"svmgpu"
#define MAX_FUNCTIONS	256
/* "for ever" in a count that can be read back */
#define MANY		1000000

/** struct span - addresses of kernel text */
struct span {
	/** @start: first */
	uint64_t start;
	/** @end: first behind */
	uint64_t end;
};

static const char *const allocators[] = { "failslab", "fail_page_alloc" };
static int nth_file = -1;
static const char *functions[MAX_FUNCTIONS + 1];
/* by function: it returns NULL, and no error */
static bool returns_null[MAX_FUNCTIONS];

static int try_write(const char *path, const char *text)
{
	char full[256];
	int fd, err = 0;

	snprintf(full, sizeof(full), DEBUGFS "%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);

	return err;
}

/* A setting: @dir/@name. */
__attribute__((format(printf, 3, 4)))
static void set(const char *dir, const char *name, const char *format, ...)
{
	char path[200], text[64];
	va_list args;
	int err;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	err = try_write(path, text);
	check_that(!err, "%s = %s: %s", path, text, strerror(-err));
}

static long long get(const char *dir, const char *name)
{
	char path[256];
	long long value;
	FILE *file;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", dir, name);
	file = fopen(path, "re");
	check_that(file, "%s: %s", path, strerror(errno));
	check_that(fscanf(file, "%lli", &value) == 1, "%s cannot be read", path);
	fclose(file);

	return value;
}

/* Symbols of the module's text, by address. */
struct symbol {
	uint64_t addr;
	char name[64];
};

static struct symbol *symbols;
static unsigned int num_symbols;
/* the two functions below which the kernel's buddy allocator allocates */
static const char *const buddy_functions[] = { "gpu_buddy_alloc_blocks", "gpu_buddy_block_trim" };
static struct span buddy_text = { .start = UINT64_MAX };

static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	return left->addr < right->addr ? -1 : left->addr > right->addr;
}

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long addr;
	char line[512], type;
	struct symbol symbol;

	check(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %c %63s", &addr, &type, symbol.name) != 3 ||
		    (type != 't' && type != 'T'))
			continue;
		for (int i = 0; i < 2; i++) {
			if (strcmp(symbol.name, buddy_functions[i]))
				continue;
			/* a page is enough for either, and all of it is the allocator's */
			if (addr < buddy_text.start)
				buddy_text.start = addr;
			if (addr + 4096 > buddy_text.end)
				buddy_text.end = addr + 4096;
		}
		if (!strstr(line, "[" MODULE "]"))
			continue;
		symbol.addr = addr;
		symbols = realloc(symbols, (num_symbols + 1) * sizeof(*symbols));
		check(symbols);
		symbols[num_symbols++] = symbol;
	}
	fclose(file);
	check_that(num_symbols, "no text of %s in /proc/kallsyms", MODULE);
	qsort(symbols, num_symbols, sizeof(*symbols), compare_symbols);
}

static struct span module_text(void)
{
	/* the last function is as long as it is; no other module begins in its page */
	return (struct span){ symbols[0].addr, symbols[num_symbols - 1].addr + 4096 };
}

static struct span function_text(const char *function)
{
	unsigned int i, next;

	for (i = 0; i < num_symbols && strcmp(symbols[i].name, function); i++)
		;
	for (next = i + 1; next < num_symbols; next++) {
		/* the same place may have several names */
		if (symbols[next].addr > symbols[i].addr)
			return (struct span){ symbols[i].addr, symbols[next].addr };
	}
	subtest_fail(__FILE__, __LINE__, "%s has no function %s", MODULE, function);
}

static void aim(const char *dir, struct span at)
{
	set(dir, "require-start", "0x%llx", (unsigned long long)at.start);
	set(dir, "require-end", "0x%llx", (unsigned long long)at.end);
}

/*
 * Linux 7.2's buddy allocator corrupts its trees when it has no memory to split a
 * block (alloc_from_freetree() frees a block that is free): not the driver's doing,
 * and nothing that the driver could do about.
 */
static void spare_buddy(const char *dir)
{
	if (buddy_text.start > buddy_text.end)
		return;
	set(dir, "reject-start", "0x%llx", (unsigned long long)buddy_text.start);
	set(dir, "reject-end", "0x%llx", (unsigned long long)buddy_text.end);
}

static void aim_allocators(struct span at)
{
	for (int i = 0; i < INJECT_KINDS; i++)
		aim(allocators[i], at);
}

static void read_functions(void)
{
	FILE *file = fopen(DEBUGFS "error_injection/list", "re");
	char line[512], name[256], module[64], type[32];
	unsigned int n = 0;

	check_that(file, "error_injection/list: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%255[^+ \t]%*[^[][%63[^]]] %31s", name, module, type) != 3 ||
		    strcmp(module, MODULE) || n == MAX_FUNCTIONS)
			continue;
		returns_null[n] = !strcmp(type, "NULL");
		functions[n++] = strdup(name);
	}
	functions[n] = NULL;
	fclose(file);
}

bool inject_init(const char **why)
{
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_file < 0) {
		*why = "the kernel has no fault injection";
		return false;
	}
	for (int i = 0; i < INJECT_KINDS; i++) {
		const char *dir = allocators[i];

		if (try_write(dir, "") == -ENOENT) {
			*why = "the kernel has no failslab or no fail_page_alloc";
			return false;
		}
		set(dir, "probability", "0");
		set(dir, "verbose", "0");
		set(dir, "times", "-1");
		set(dir, "interval", "1");
		set(dir, "space", "0");
		set(dir, "task-filter", "0");
		set(dir, "ignore-gfp-wait", "0");
		set(dir, "stacktrace-depth", "32");
	}
	set("fail_page_alloc", "ignore-gfp-highmem", "0");
	set("fail_page_alloc", "min-order", "0");
	set("failslab", "cache-filter", "0");
	if (try_write("fail_function/probability", "0")) {
		*why = "the kernel has no fail_function";
		return false;
	}
	set("fail_function", "verbose", "0");
	set("fail_function", "times", "-1");
	set("fail_function", "interval", "1");
	read_functions();
	read_symbols();
	for (int i = 0; i < INJECT_KINDS; i++)
		spare_buddy(allocators[i]);
	aim_allocators(module_text());

	return true;
}

void inject_off(void)
{
	set("fail_function", "probability", "0");
	for (int i = 0; i < INJECT_KINDS; i++)
		set(allocators[i], "probability", "0");
}

/* --- the nth of this thread -------------------------------------------------------- */

static void write_nth(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	check(pwrite(nth_file, text, length, 0) == length);
}

void inject_count(enum inject_what what)
{
	/* nothing is at address 1 */
	static const struct span nowhere = { 1, 2 };

	aim_allocators(what == INJECT_ALLOCATIONS ? module_text() : nowhere);
	if (what == INJECT_ALLOCATIONS)
		aim("fail_function", nowhere);
	else
		aim("fail_function", (struct span){ 0, UINT64_MAX });
}

void inject_nth(unsigned int n)
{
	write_nth(n);
}

bool inject_nth_done(void)
{
	char text[16] = "";

	check(pread(nth_file, text, sizeof(text) - 1, 0) > 0);
	write_nth(0);

	return !atoi(text);
}

/* --- functions --------------------------------------------------------------------- */

const char *const *inject_functions(void)
{
	return functions;
}

void inject_arm(unsigned int n, int error)
{
	const char *function = functions[n];
	char dir[200];
	int err;

	err = try_write("fail_function/inject", function);
	check_that(!err || err == -EBUSY, "arming %s: %s", function, strerror(-err));
	if (returns_null[n])
		return;
	snprintf(dir, sizeof(dir), "fail_function/%s", function);
	set(dir, "retval", "0x%llx", (unsigned long long)(long long)error);
}

void inject_disarm(unsigned int n)
{
	char text[200];
	int err;

	snprintf(text, sizeof(text), "!%s", functions[n]);
	err = try_write("fail_function/inject", text);
	check_that(!err, "disarming %s: %s", functions[n], strerror(-err));
}

/* How many functions are armed. */
static unsigned int count_armed(void)
{
	FILE *file = fopen(DEBUGFS "fail_function/inject", "re");
	unsigned int n = 0;
	char line[256];

	check(file);
	while (fgets(line, sizeof(line), file))
		n++;
	fclose(file);

	return n;
}

void inject_arm_all(int error)
{
	unsigned int n = 0;

	while (functions[n])
		n++;
	if (count_armed() == n)
		return;
	for (n = 0; functions[n]; n++)
		inject_arm(n, error);
}

void inject_disarm_all(void)
{
	set("fail_function", "inject", "\n");
}

/* make-it-fail marks this thread for the task filters. */
static void mark_thread(bool on)
{
	int fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);

	check(fd >= 0);
	check(write(fd, on ? "1" : "0", 1) == 1);
	close(fd);
}

void inject_calls(void)
{
	mark_thread(true);
	set("fail_function", "task-filter", "1");
	aim("fail_function", (struct span){ 0, UINT64_MAX });
	set("fail_function", "times", "%d", MANY);
	set("fail_function", "probability", "100");
}

unsigned int inject_calls_done(void)
{
	set("fail_function", "probability", "0");
	mark_thread(false);

	return MANY - get("fail_function", "times");
}

/* --- below a function, in any thread ------------------------------------------------ */

/*
 * An attribute counts the allocations that match, and never begins anew: "interval
 * n" fails those whose number is a multiple of n. So one of this thread is made to
 * fail first, as often as it takes: then the next to fail is the nth.
 */
static void align_count(enum inject_kind kind, unsigned int n)
{
	const char *dir = allocators[kind];

	mark_thread(true);
	set(dir, "task-filter", "1");
	aim(dir, (struct span){ 0, UINT64_MAX });
	set(dir, "interval", "%u", n);
	set(dir, "times", "1");
	set(dir, "probability", "100");
	for (unsigned int i = 0; i < 16 * n; i++) {
		int fds[2];

		/* both kinds: inodes and a page of the buffer */
		if (pipe2(fds, O_CLOEXEC) < 0)
			break;
		if (write(fds[1], "", 1) < 0)
			i = 16 * n;
		close(fds[0]);
		close(fds[1]);
	}
	set(dir, "probability", "0");
	check_that(!get(dir, "times"), "%s does not fail", dir);
	mark_thread(false);
}

static enum inject_kind below_kind;
static bool below_all;

void inject_below(enum inject_kind kind, const char *function, unsigned int n)
{
	const char *dir = allocators[kind];

	below_kind = kind;
	below_all = false;
	align_count(kind, n);
	set(dir, "task-filter", "0");
	aim(dir, function_text(function));
	set(dir, "times", "1");
	set(dir, "probability", "100");
}

void inject_all_below(const char *function)
{
	below_all = true;
	for (int i = 0; i < INJECT_KINDS; i++) {
		set(allocators[i], "task-filter", "0");
		set(allocators[i], "interval", "1");
		aim(allocators[i], function_text(function));
		set(allocators[i], "times", "%d", MANY);
		set(allocators[i], "probability", "100");
	}
}

bool inject_below_done(void)
{
	bool fired = false;

	for (int i = 0; i < INJECT_KINDS; i++) {
		long long left;

		if (!below_all && i != (int)below_kind)
			continue;
		set(allocators[i], "probability", "0");
		left = get(allocators[i], "times");
		fired |= left != (below_all ? MANY : 1);
		set(allocators[i], "times", "-1");
	}
	aim_allocators(module_text());

	return fired;
}

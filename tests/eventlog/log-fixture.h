/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log in a folder of its own, with a trace area and a driver's side to it,
 * for one test.
 */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

#include <glib.h>
#include <sqlite3.h>

#include "eventlog.h"
#include "trace-writer.h"

#define FIXTURE_CPUS 2
#define FIXTURE_RECORDS 256

typedef struct LogFixture {
    char *folder;
    char *path;
    Eventlog *log;
    void *area;
    size_t area_bytes;
    EventlogDrain *drain;
    TraceWriter writer;
    sqlite3 *db; /* a reader, opened by the first question */
} LogFixture;

/* The second parameter of every test with a fixture; none needs it. */
#define TEST_DATA gconstpointer G_GNUC_UNUSED unused

/* For g_test_add(): an open log with an empty trace area. */
void log_fixture_set_up(LogFixture *f, TEST_DATA);
void log_fixture_tear_down(LogFixture *f, TEST_DATA);

/* The driver begins a session, with a clock sample. */
void log_fixture_begin(LogFixture *f);
/* Closes the log, which takes what is in the rings. */
void log_fixture_close(LogFixture *f);

/* The first column of the first row; printf-like. */
int64_t log_fixture_ask(LogFixture *f, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
char *log_fixture_text(LogFixture *f, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/* Guest clock of these tests: the device's. */
#define NOW eventlog_now_ns()

/* A record of CPU 0, thread 100, now. */
#define PUT(f, NAME, member, ...)                                            \
    g_assert_true(TRACE_PUT(&(f)->writer, 0, NOW, 100, NAME, member,         \
                            __VA_ARGS__))
#define PUT_BY(f, tid, NAME, member, ...)                                    \
    g_assert_true(TRACE_PUT(&(f)->writer, 0, NOW, tid, NAME, member,         \
                            __VA_ARGS__))

#endif /* LOG_FIXTURE_H */

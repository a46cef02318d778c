/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log in a folder of its own: log-fixture.h.
 */
#include "log-fixture.h"

#include <glib/gstdio.h>

static void doorbell(void *opaque)
{
    LogFixture *f = opaque;

    eventlog_drain_kick(f->drain);
}

void log_fixture_set_up(LogFixture *f, TEST_DATA)
{
    EventlogConfig config = { .creator = "test" };
    g_autofree char *errmsg = NULL;

    f->folder = g_dir_make_tmp("eventlog-XXXXXX", NULL);
    g_assert_nonnull(f->folder);
    f->path = g_build_filename(f->folder, "log.db", NULL);
    config.path = f->path;
    g_assert_cmpint(eventlog_open(&f->log, &config, &errmsg), ==, 0);
    g_assert_null(errmsg);
    f->area = trace_area_new(FIXTURE_CPUS, FIXTURE_RECORDS, &f->area_bytes);
    f->drain = eventlog_drain_add(f->log, 0, f->area, f->area_bytes);
    f->writer.doorbell = doorbell;
    f->writer.opaque = f;
}

void log_fixture_close(LogFixture *f)
{
    if (f->drain) {
        eventlog_drain_remove(f->drain);
        f->drain = NULL;
    }
    eventlog_close(f->log);
    f->log = NULL;
}

void log_fixture_tear_down(LogFixture *f, TEST_DATA)
{
    GDir *dir;
    const char *name;

    log_fixture_close(f);
    sqlite3_close(f->db);
    trace_area_free(f->area, f->area_bytes);
    dir = g_dir_open(f->folder, 0, NULL);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(f->folder, name, NULL);

        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(f->folder);
    g_free(f->path);
    g_free(f->folder);
}

void log_fixture_begin(LogFixture *f)
{
    struct svmgpu_trace_header *header = f->area;
    uint64_t before, device, after;

    /* Let go of the session before, if there was one: as an unload does. */
    header->magic = 0;
    eventlog_drain_kick(f->drain);
    eventlog_sync(f->log);
    trace_writer_begin(&f->writer, f->area, f->area_bytes, FIXTURE_CPUS,
                       FIXTURE_RECORDS, g_random_int() + 1ULL, NOW);
    before = NOW;
    device = NOW;
    after = NOW;
    PUT(f, CLOCK_SAMPLED, clock, .guest_before_ns = before,
        .device_ns = device, .guest_after_ns = after);
}

static sqlite3_stmt *ask(LogFixture *f, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (!f->db) {
        g_assert_cmpint(sqlite3_open_v2(f->path, &f->db, SQLITE_OPEN_READONLY,
                                        NULL), ==, SQLITE_OK);
        sqlite3_busy_timeout(f->db, 5000);
    }
    if (sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL)) {
        g_error("%s: %s", sql, sqlite3_errmsg(f->db));
    }
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        g_error("%s: no row: %s", sql, sqlite3_errmsg(f->db));
    }
    return stmt;
}

int64_t log_fixture_ask(LogFixture *f, const char *format, ...)
{
    g_autofree char *sql = NULL;
    sqlite3_stmt *stmt;
    int64_t value;
    va_list ap;

    va_start(ap, format);
    sql = g_strdup_vprintf(format, ap);
    va_end(ap);
    stmt = ask(f, sql);
    value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

char *log_fixture_text(LogFixture *f, const char *format, ...)
{
    g_autofree char *sql = NULL;
    sqlite3_stmt *stmt;
    char *value;
    va_list ap;

    va_start(ap, format);
    sql = g_strdup_vprintf(format, ap);
    va_end(ap);
    stmt = ask(f, sql);
    value = g_strdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return value;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is declared once and used elsewhere: schema.sql against the headers,
 * against docs/event-log.md, and every query of that document on a log.
 *
 * Environment: SVMGPU_SOURCE_ROOT, MAKE_SAMPLE_LOG (a program).
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

#include "svmgpu_trace.h"

extern const char eventlog_schema[];

static char *folder;
static char *sample;
static sqlite3 *db;

static char *source_text(const char *path)
{
    g_autofree char *full =
        g_build_filename(g_getenv("SVMGPU_SOURCE_ROOT"), path, NULL);
    char *text = NULL;

    if (!g_file_get_contents(full, &text, NULL, NULL)) {
        g_error("%s cannot be read", full);
    }
    return text;
}

/* The label of a value of one of the schema's enumerations, or NULL. */
static char *schema_label(const char *name, int64_t value)
{
    sqlite3_stmt *stmt;
    char *label = NULL;

    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT label FROM enum WHERE enum"
                                           " = ? AND value = ?", -1, &stmt,
                                       NULL), ==, SQLITE_OK);
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, value);
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        label = g_strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return label;
}

static int64_t schema_count(const char *name)
{
    sqlite3_stmt *stmt;
    int64_t count;

    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT count(*) FROM enum WHERE"
                                           " enum = ?", -1, &stmt, NULL), ==,
                    SQLITE_OK);
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
    count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

/* --- enumerations ------------------------------------------------------------ */

static const struct {
    const char *file;
    const char *c_enum; /* as it begins in the file */
    const char *prefix;
    const char *schema;
    const char *skip; /* values that stand for no row, separated by spaces */
} pairs[] = {
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_state {",
      "SVMGPU_TRACE_STATE_", "state", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_cause {",
      "SVMGPU_TRACE_CAUSE_", "cause", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_access {",
      "SVMGPU_TRACE_ACCESS_", "access", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_fault_outcome {",
      "SVMGPU_TRACE_FAULT_", "fault_outcome", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_verdict {",
      "SVMGPU_TRACE_VERDICT_", "verdict", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_retry {",
      "SVMGPU_TRACE_RETRY_", "retry", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_lock_type {",
      "SVMGPU_TRACE_LOCK_", "lock_type", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_lock_mode {",
      "SVMGPU_TRACE_MODE_", "lock_mode", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_class {",
      "SVMGPU_TRACE_CLASS_", "lock_class", "none other" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_event {",
      "SVMGPU_TRACE_EVENT_", "event", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_vma_kind {",
      "SVMGPU_TRACE_VMA_", "vma_kind", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_bind_op {",
      "SVMGPU_TRACE_BIND_", "bind_op", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_owner {",
      "SVMGPU_TRACE_OWNER_", "owner", "" },
    { "qemu-hw/abi/svmgpu_trace.h", "enum svmgpu_trace_list {",
      "SVMGPU_TRACE_LIST_", "list", "" },
    { "qemu-hw/eventlog/eventlog.h", "typedef enum EventlogPageState {",
      "EVENTLOG_PAGE_", "page_state", "" },
    { "qemu-hw/eventlog/eventlog.h", "typedef enum EventlogRunEnd {",
      "EVENTLOG_RUN_", "run_end", "" },
    { "qemu-hw/eventlog/store.h", "typedef enum EventThingKind {",
      "EVENT_THING_", "thing_kind", "kinds" },
    { "qemu-hw/eventlog/store.h", "typedef enum EventIntervalKind {",
      "EVENT_", "interval_kind", "interval_kinds" },
    { "qemu-hw/eventlog/store.h", "typedef enum EventLostSource {",
      "EVENT_LOST_", "lost_source", "" },
};

/* The body of an enumeration as it is written in a header. */
static char *enum_body(const char *text, const char *begin)
{
    const char *start = strstr(text, begin);
    const char *end = start ? strstr(start, "\n}") : NULL;

    if (!end) {
        g_error("there is no \"%s\"", begin);
    }
    return g_strndup(start, end - start);
}

static void test_enum(gconstpointer data)
{
    unsigned i = GPOINTER_TO_UINT(data);
    g_autofree char *text = source_text(pairs[i].file);
    g_autofree char *body = enum_body(text, pairs[i].c_enum);
    g_autofree char *pattern =
        g_strdup_printf("\\b%s(\\w+)\\s*=\\s*(\\w+)", pairs[i].prefix);
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    g_auto(GStrv) skip = g_strsplit(pairs[i].skip, " ", -1);
    g_autoptr(GMatchInfo) match = NULL;
    int64_t found = 0;

    g_regex_match(regex, body, 0, &match);
    while (g_match_info_matches(match)) {
        g_autofree char *upper = g_match_info_fetch(match, 1);
        g_autofree char *number = g_match_info_fetch(match, 2);
        g_autofree char *lower = g_ascii_strdown(upper, -1);
        int64_t value = g_ascii_strtoll(number, NULL, 0);
        g_autofree char *label = schema_label(pairs[i].schema, value);

        if (!g_strv_contains((const char *const *)skip, lower)) {
            g_assert_cmpstr(label, ==, lower);
            found++;
        }
        g_match_info_next(match, NULL);
    }
    g_assert_cmpint(found, >, 0);
    g_assert_cmpint(found, ==, schema_count(pairs[i].schema));
}

/* Points have the numbers of driver's and device's kinds. */
static void test_point_kinds(void)
{
    g_autofree char *text = source_text("qemu-hw/eventlog/eventlog.h");
    g_autofree char *body = enum_body(text, "typedef enum EventlogKind {");
    g_autoptr(GRegex) regex =
        g_regex_new("\\bEVENTLOG_(\\w+)\\s*=\\s*(\\w+)", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    int64_t found = 0;

#define TYPE(value, NAME, name, member)                                      \
    {                                                                        \
        g_autofree char *label = schema_label("point_kind", value);          \
                                                                             \
        if (label) {                                                         \
            g_assert_cmpstr(label, ==, #name);                               \
            found++;                                                         \
        }                                                                    \
    }
    SVMGPU_TRACE_TYPES(TYPE)
#undef TYPE
    g_regex_match(regex, body, 0, &match);
    while (g_match_info_matches(match)) {
        g_autofree char *upper = g_match_info_fetch(match, 1);
        g_autofree char *number = g_match_info_fetch(match, 2);
        g_autofree char *lower = g_ascii_strdown(upper, -1);
        int64_t value = g_ascii_strtoll(number, NULL, 0);
        g_autofree char *label = schema_label("point_kind", value);

        if (label) {
            /* the driver has a record of that name too */
            g_assert_cmpstr(label, ==, !strcmp(lower, "fault_answered") ?
                                           "fault_answer_received" : lower);
            found++;
        }
        g_match_info_next(match, NULL);
    }
    g_assert_cmpint(found, ==, schema_count("point_kind"));
}

/* --- docs/event-log.md -------------------------------------------------------- */

/* Every view is mentioned, every interval kind has its number there. */
static void test_document(void)
{
    g_autofree char *text = source_text("docs/event-log.md");
    sqlite3_stmt *stmt;

    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema"
                                           " WHERE type = 'view'", -1, &stmt,
                                       NULL), ==, SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *view = (const char *)sqlite3_column_text(stmt, 0);
        g_autofree char *quoted = g_strdup_printf("`%s`", view);

        if (!strstr(text, quoted) && strcmp(view, "lock_total")) {
            g_error("docs/event-log.md does not mention the view %s", view);
        }
    }
    sqlite3_finalize(stmt);
    for (int kind = 1; kind <= schema_count("interval_kind"); kind++) {
        g_autofree char *label = schema_label("interval_kind", kind);
        g_autofree char *row = g_strdup_printf("| `%s` | %d |", label, kind);

        if (!strstr(text, row)) {
            g_error("docs/event-log.md lacks \"%s\"", row);
        }
    }
}

static int64_t ask(const char *sql)
{
    sqlite3_stmt *stmt;
    int64_t value;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        g_error("%s: %s", sql, sqlite3_errmsg(db));
    }
    value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* Parameters of the document's queries, so that each has an answer. */
static void bind_parameter(sqlite3_stmt *stmt, int i)
{
    const char *name = sqlite3_bind_parameter_name(stmt, i);

    if (!strcmp(name, ":lock")) {
        sqlite3_bind_text(stmt, i, "vm of vm 1", -1, SQLITE_STATIC);
    } else if (!strcmp(name, ":t")) {
        sqlite3_bind_int64(stmt, i, ask("SELECT (h.t0 + h.t1) / 2 FROM lock_hold"
                                        " h JOIN lock l ON l.id = h.lock_id"
                                        " WHERE l.name = 'vm of vm 1' ORDER BY"
                                        " h.t0 DESC LIMIT 1 OFFSET 300"));
    } else if (!strcmp(name, ":range")) {
        sqlite3_bind_int64(stmt, i, ask("SELECT va + 4096 FROM svm_range"
                                        " ORDER BY t0 LIMIT 1"));
    } else if (!strcmp(name, ":fault")) {
        sqlite3_bind_int64(stmt, i, ask("SELECT fault_id FROM migration WHERE"
                                        " fault_id IS NOT NULL LIMIT 1"));
    } else if (!strcmp(name, ":lane")) {
        sqlite3_bind_int64(stmt, i, ask("SELECT thing_id FROM lane WHERE kind"
                                        " = 'fault_lane' LIMIT 1"));
    } else if (!strcmp(name, ":a")) {
        sqlite3_bind_int64(stmt, i, 0);
    } else if (!strcmp(name, ":b")) {
        sqlite3_bind_int64(stmt, i, 2000000000);
    } else if (!strcmp(name, ":level")) {
        sqlite3_bind_int64(stmt, i, 1);
    } else {
        g_error("no value for the parameter %s", name);
    }
}

static void test_queries(void)
{
    g_autofree char *text = source_text("docs/event-log.md");
    g_auto(GStrv) parts = g_strsplit(text, "```", -1);
    unsigned queries = 0;

    for (unsigned i = 1; parts[i]; i += 2) {
        sqlite3_stmt *stmt = NULL;
        int64_t begin = g_get_monotonic_time();
        unsigned rows = 0;
        int rc;

        if (!g_str_has_prefix(parts[i], "sql\n")) {
            continue;
        }
        if (sqlite3_prepare_v2(db, parts[i] + 4, -1, &stmt, NULL)) {
            g_error("%s: %s", parts[i] + 4, sqlite3_errmsg(db));
        }
        for (int p = 1; p <= sqlite3_bind_parameter_count(stmt); p++) {
            bind_parameter(stmt, p);
        }
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            rows++;
        }
        g_assert_cmpint(rc, ==, SQLITE_DONE);
        sqlite3_finalize(stmt);
        g_test_message("%u rows in %.1f ms:%.60s", rows,
                       (g_get_monotonic_time() - begin) / 1e3, parts[i] + 3);
        if (!rows) {
            g_error("no row: %s", parts[i] + 4);
        }
        queries++;
    }
    g_assert_cmpuint(queries, >=, 12);
}

/* Every view answers, and the sample's numbers fit together. */
static void test_views(void)
{
    sqlite3_stmt *stmt;

    g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema"
                                           " WHERE type = 'view'", -1, &stmt,
                                       NULL), ==, SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        g_autofree char *sql = g_strdup_printf(
            "SELECT count(*) FROM (SELECT * FROM %s)",
            sqlite3_column_text(stmt, 0));

        ask(sql);
    }
    sqlite3_finalize(stmt);
    g_assert_cmpint(ask("SELECT count(*) FROM gpu"), ==, 2);
    g_assert_cmpint(ask("SELECT count(*) FROM engine"), ==, 6);
    g_assert_cmpint(ask("SELECT count(*) FROM fault WHERE outcome <> 'served'"
                        " OR answers <> 1 OR t_picked < t_raised"), ==, 0);
    g_assert_cmpint(ask("SELECT count(*) FROM lost"), ==, 0);
    /* no effect before its cause */
    g_assert_cmpint(ask("SELECT count(*) FROM flow WHERE to_t < from_t"), ==,
                    0);
    /* density counts each short interval of a lane once on each level */
    g_assert_cmpint(ask("SELECT count(*) FROM (SELECT thing_id, kind, level,"
                        " sum(count) AS n FROM density WHERE NOT is_point AND"
                        " thing_id > 0 GROUP BY 1, 2, 3) d JOIN (SELECT"
                        " thing_id, kind, count(*) AS n FROM _interval WHERE"
                        " t1 - t0 <= 67108864 GROUP BY 1, 2) i USING"
                        " (thing_id, kind) WHERE d.n <> i.n"), ==, 0);
    g_assert_cmpint(ask("SELECT (SELECT sum(busy_ns) FROM density WHERE level"
                        " = 0 AND NOT is_point AND thing_id > 0) - (SELECT"
                        " sum(t1 - t0) FROM _interval WHERE t1 - t0 <="
                        " 67108864)"), ==, 0);
    g_assert_cmpint(ask("SELECT (SELECT sum(count) FROM density WHERE level ="
                        " 4 AND is_point AND thing_id = 0) - (SELECT count(*)"
                        " FROM point)"), ==, 0);
    /* the mapping of the clock is as good as it says */
    g_assert_cmpint(ask("SELECT max(error_ns) FROM clock_sample"), <, 100000);
}

int main(int argc, char **argv)
{
    char *make[] = { NULL, NULL, NULL };
    int status = 0, rc;

    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("eventlog-XXXXXX", NULL);
    sample = g_build_filename(folder, "sample.db", NULL);
    make[0] = g_strdup(g_getenv("MAKE_SAMPLE_LOG"));
    make[1] = sample;
    g_assert_nonnull(make[0]);
    g_assert_true(g_spawn_sync(NULL, make, NULL, G_SPAWN_STDOUT_TO_DEV_NULL,
                               NULL, NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(sqlite3_open_v2(sample, &db, SQLITE_OPEN_READONLY, NULL),
                    ==, SQLITE_OK);

    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *path =
            g_strdup_printf("/eventlog/schema/enum/%s", pairs[i].schema);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_enum);
    }
    g_test_add_func("/eventlog/schema/point-kinds", test_point_kinds);
    g_test_add_func("/eventlog/schema/document", test_document);
    g_test_add_func("/eventlog/schema/views", test_views);
    g_test_add_func("/eventlog/schema/queries", test_queries);
    rc = g_test_run();
    sqlite3_close(db);
    g_unlink(sample);
    g_rmdir(folder);
    g_free(sample);
    g_free(folder);
    g_free(make[0]);
    return rc;
}

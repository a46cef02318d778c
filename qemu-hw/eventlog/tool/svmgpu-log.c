/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svmgpu-log: questions to an event log.
 *
 *   svmgpu-log report LOG          what the GPUs and the driver did
 *   svmgpu-log check LOG [RULE..]  the rules of docs/rules.md
 *   svmgpu-log query LOG SQL       any query on the log's views
 *
 * The log may be one that is still being written, or one that a killed
 * process left. It is never changed.
 *
 * Exit status: 0; 1 when a rule is violated; 2 when the log or the question
 * cannot be used.
 */
#include <glib.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "script.h"
#include "table.h"

#define SCHEMA_VERSION 1
#define APPLICATION_ID 1398164821
/* Violations of one rule that are printed. */
#define SHOWN 10
#define NO_LIMIT UINT32_MAX

extern const char log_report_sql[];
extern const char log_rules_md[];

static int64_t ask(sqlite3 *db, const char *sql, int *rc)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = 0;

    *rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (*rc == SQLITE_OK) {
        int step = sqlite3_step(stmt);

        if (step == SQLITE_ROW) {
            value = sqlite3_column_int64(stmt, 0);
        } else if (step != SQLITE_DONE) {
            *rc = step;
        }
    }
    sqlite3_finalize(stmt);
    return value;
}

static sqlite3 *open_log(const char *path)
{
    sqlite3 *db = NULL;
    int64_t application = 0, version;
    int rc;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        fprintf(stderr, "svmgpu-log: %s: there is no such file\n", path);
        return NULL;
    }
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(db, 5000);
        application = ask(db, "PRAGMA application_id", &rc);
    }
    if (rc == SQLITE_CANTOPEN) {
        /*
         * The log of a killed process needs its WAL read, for which SQLite
         * wants to write beside it. Not possible here: as of its last
         * checkpoint is better than nothing.
         */
        g_autofree char *uri = NULL;
        g_autofree char *absolute = g_canonicalize_filename(path, NULL);
        g_autofree char *escaped = g_uri_escape_string(absolute, "/", TRUE);

        sqlite3_close(db);
        uri = g_strdup_printf("file:%s?immutable=1", escaped);
        fprintf(stderr, "svmgpu-log: %s: the folder cannot be written; what "
                "is in %s-wal is not shown\n", path, path);
        rc = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                             NULL);
        if (rc == SQLITE_OK) {
            application = ask(db, "PRAGMA application_id", &rc);
        }
    }
    if (rc != SQLITE_OK) {
        fprintf(stderr, "svmgpu-log: %s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return NULL;
    }
    if (application != APPLICATION_ID) {
        fprintf(stderr, "svmgpu-log: %s is not an event log\n", path);
        sqlite3_close(db);
        return NULL;
    }
    version = ask(db, "PRAGMA user_version", &rc);
    if (version != SCHEMA_VERSION) {
        fprintf(stderr, "svmgpu-log: %s has schema version %" PRId64
                ", this program reads %d\n", path, version, SCHEMA_VERSION);
        sqlite3_close(db);
        return NULL;
    }
    return db;
}

static int report(sqlite3 *db, const char *path)
{
    g_autoptr(GPtrArray) steps = log_script_steps(log_report_sql);

    for (guint i = 0; i < steps->len; i++) {
        LogStep *step = g_ptr_array_index(steps, i);

        if (step->title) {
            puts(step->title);
        } else if (log_table_print(stdout, db, step->sql, NO_LIMIT)) {
            fprintf(stderr, "svmgpu-log: %s: %s\n", path, sqlite3_errmsg(db));
            return 2;
        }
    }
    return 0;
}

static void print_violations(sqlite3_stmt *stmt, int64_t *count, int *rc)
{
    while ((*rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (++*count <= SHOWN) {
            const char *what = (const char *)sqlite3_column_text(stmt, 2);

            printf("        at %.9f s: %s\n",
                   sqlite3_column_int64(stmt, 0) / 1e9, what ? what : "");
        }
    }
    if (*count > SHOWN) {
        printf("        ... and %" PRId64 " more\n", *count - SHOWN);
    }
}

/* 0: kept, 1: violated, 2: the query failed, 3: no evidence. */
static int check_rule(sqlite3 *db, const LogRule *rule)
{
    sqlite3_stmt *stmt = NULL;
    int64_t witnesses, count = 0;
    int rc;

    witnesses = ask(db, rule->evidence, &rc);
    if (rc != SQLITE_OK) {
        goto failed;
    }
    /* Violations are evidence too, whatever the first query says. */
    rc = sqlite3_prepare_v2(db, rule->violations, -1, &stmt, NULL);
    if (rc != SQLITE_OK) {
        goto failed;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        sqlite3_reset(stmt);
        printf("FAIL %-4s %s\n", rule->id, rule->title);
        print_violations(stmt, &count, &rc);
    }
    if (rc != SQLITE_DONE) {
        goto failed;
    }
    sqlite3_finalize(stmt);
    if (count) {
        printf("        violated %" PRId64 " times, %" PRId64 " witnesses\n",
               count, witnesses);
        return 1;
    }
    if (!witnesses) {
        printf("none %-4s %s: no evidence\n", rule->id, rule->title);
        return 3;
    }
    printf("ok   %-4s %s: %" PRId64 " witnesses\n", rule->id, rule->title,
           witnesses);
    return 0;

failed:
    fprintf(stderr, "svmgpu-log: rule %s: %s\n", rule->id, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return 2;
}

static int check(sqlite3 *db, char **wanted)
{
    g_autofree char *prepare = NULL;
    g_autoptr(GPtrArray) rules = log_script_rules(log_rules_md, &prepare);
    unsigned tally[4] = { 0 };
    int64_t lost;
    int rc;

    sqlite3_exec(db, "PRAGMA temp_store = FILE; PRAGMA cache_size = -65536;",
                 NULL, NULL, NULL);
    if (sqlite3_exec(db, prepare, NULL, NULL, NULL)) {
        fprintf(stderr, "svmgpu-log: %s\n", sqlite3_errmsg(db));
        return 2;
    }
    for (char **id = wanted; *id; id++) {
        bool known = false;

        for (guint i = 0; i < rules->len; i++) {
            LogRule *rule = g_ptr_array_index(rules, i);

            known |= !g_ascii_strcasecmp(rule->id, *id);
        }
        if (!known) {
            fprintf(stderr, "svmgpu-log: there is no rule %s\n", *id);
            return 2;
        }
    }
    for (guint i = 0; i < rules->len; i++) {
        LogRule *rule = g_ptr_array_index(rules, i);
        bool run = !*wanted;

        for (char **id = wanted; *id; id++) {
            run |= !g_ascii_strcasecmp(rule->id, *id);
        }
        if (run) {
            tally[check_rule(db, rule)]++;
            fflush(stdout);
        }
    }
    lost = ask(db, "SELECT coalesce(sum(count), 0) FROM lost", &rc);
    if (lost) {
        printf("the log lost %" PRId64 " records: a rule may seem violated, "
               "or kept, that is not\n", lost);
    }
    printf("%u kept, %u violated, %u without evidence\n", tally[0], tally[1],
           tally[3]);
    return tally[2] ? 2 : tally[1] ? 1 : 0;
}

static int usage(FILE *out)
{
    fputs("usage: svmgpu-log report LOG\n"
          "       svmgpu-log check LOG [RULE...]\n"
          "       svmgpu-log query LOG SQL\n", out);
    return out == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    int status;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        return usage(stdout);
    }
    if (argc < 3 ||
        (strcmp(argv[1], "report") && strcmp(argv[1], "check") &&
         strcmp(argv[1], "query")) ||
        (!strcmp(argv[1], "report") && argc != 3) ||
        (!strcmp(argv[1], "query") && argc != 4)) {
        return usage(stderr);
    }
    db = open_log(argv[2]);
    if (!db) {
        return 2;
    }
    if (!strcmp(argv[1], "report")) {
        status = report(db, argv[2]);
    } else if (!strcmp(argv[1], "check")) {
        status = check(db, argv + 3);
    } else {
        status = 0;
        if (log_table_print(stdout, db, argv[3], NO_LIMIT)) {
            fprintf(stderr, "svmgpu-log: %s\n", sqlite3_errmsg(db));
            status = 2;
        }
    }
    sqlite3_close(db);
    return status;
}

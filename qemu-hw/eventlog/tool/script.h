/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts that hold SQL: scripts/report.sql and docs/rules.md, as this program
 * carries them.
 *
 * A report is a SQLite shell script; of its dot commands only .print means
 * something here (a title). The rules are a Markdown document: a heading
 * "## ID: title" begins a rule, fenced blocks marked "sql prepare",
 * "sql evidence" and "sql violations" hold its queries.
 */
#ifndef LOG_SCRIPT_H
#define LOG_SCRIPT_H

#include <glib.h>

typedef struct LogStep {
    char *title; /* or NULL */
    char *sql;   /* or NULL: a title only */
} LogStep;

typedef struct LogRule {
    char *id;
    char *title;
    char *evidence;
    char *violations;
} LogRule;

/* LogStep, in the order of the script. */
GPtrArray *log_script_steps(const char *text);

/* LogRule, in the order of the document; *prepare: statements to run first. */
GPtrArray *log_script_rules(const char *text, char **prepare);

#endif /* LOG_SCRIPT_H */

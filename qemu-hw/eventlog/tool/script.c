/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts that hold SQL: script.h.
 */
#include "script.h"

#include <string.h>

static void step_free(gpointer data)
{
    LogStep *step = data;

    g_free(step->title);
    g_free(step->sql);
    g_free(step);
}

static void rule_free(gpointer data)
{
    LogRule *rule = data;

    g_free(rule->id);
    g_free(rule->title);
    g_free(rule->evidence);
    g_free(rule->violations);
    g_free(rule);
}

static void step_add(GPtrArray *steps, char *title, char *sql)
{
    LogStep *step = g_new0(LogStep, 1);

    step->title = title;
    step->sql = sql;
    g_ptr_array_add(steps, step);
}

static void step_add_sql(GPtrArray *steps, GString *sql)
{
    const char *p = sql->str;

    /* Comments and blank lines alone are no statement. */
    while (*p) {
        if (g_ascii_isspace(*p)) {
            p++;
        } else if (!strncmp(p, "--", 2)) {
            p += strcspn(p, "\n");
        } else {
            step_add(steps, NULL, g_strdup(p));
            break;
        }
    }
    g_string_truncate(sql, 0);
}

GPtrArray *log_script_steps(const char *text)
{
    GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GString) sql = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        if ((*line)[0] == '.') {
            step_add_sql(steps, sql);
            if (g_str_has_prefix(*line, ".print")) {
                step_add(steps, g_strstrip(g_strdup(*line + 6)), NULL);
            }
            continue;
        }
        g_string_append(sql, *line);
        g_string_append_c(sql, '\n');
    }
    step_add_sql(steps, sql);
    return steps;
}

GPtrArray *log_script_rules(const char *text, char **prepare)
{
    GPtrArray *rules = g_ptr_array_new_with_free_func(rule_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    LogRule *rule = NULL;
    char **block = NULL; /* where the block in progress goes */

    *prepare = NULL;
    for (char **line = lines; *line; line++) {
        char *colon;

        if (block) {
            if (g_str_has_prefix(*line, "```")) {
                block = NULL;
            } else {
                char *longer = g_strconcat(*block ? *block : "", *line, "\n",
                                           NULL);

                g_free(*block);
                *block = longer;
            }
        } else if (!strcmp(*line, "```sql prepare")) {
            block = prepare;
        } else if (rule && !strcmp(*line, "```sql evidence")) {
            block = &rule->evidence;
        } else if (rule && !strcmp(*line, "```sql violations")) {
            block = &rule->violations;
        } else if (g_str_has_prefix(*line, "## ")) {
            rule = NULL;
            colon = strchr(*line, ':');
            if (colon) {
                rule = g_new0(LogRule, 1);
                rule->id = g_strndup(*line + 3, colon - *line - 3);
                rule->title = g_strstrip(g_strdup(colon + 1));
                g_ptr_array_add(rules, rule);
            }
        }
    }
    return rules;
}

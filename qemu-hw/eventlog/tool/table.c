/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of a query, printed as a table of text: table.h.
 */
#include "table.h"

#include <glib.h>
#include <string.h>

typedef struct Cell {
    char *text;
    gboolean number;
} Cell;

static void cell_clear(gpointer data)
{
    Cell *cell = data;

    g_free(cell->text);
}

static void print_cell(FILE *out, const Cell *cell, int width, gboolean last)
{
    int pad = width - (int)g_utf8_strlen(cell->text, -1);

    if (cell->number) {
        fprintf(out, "%*s%s", pad, "", cell->text);
    } else if (last) {
        fputs(cell->text, out);
    } else {
        fprintf(out, "%s%*s", cell->text, pad, "");
    }
    fputs(last ? "\n" : "  ", out);
}

static void print_rows(FILE *out, GArray *cells, int columns, int64_t more)
{
    g_autofree int *width = g_new0(int, columns);
    guint rows = cells->len / columns;

    for (guint i = 0; i < cells->len; i++) {
        Cell *cell = &g_array_index(cells, Cell, i);
        int length = g_utf8_strlen(cell->text, -1);

        width[i % columns] = MAX(width[i % columns], length);
    }
    for (guint r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            print_cell(out, &g_array_index(cells, Cell, r * columns + c),
                       width[c], c == columns - 1);
        }
        if (r == 0) {
            for (int c = 0; c < columns; c++) {
                for (int i = 0; i < width[c]; i++) {
                    fputc('-', out);
                }
                fputs(c == columns - 1 ? "\n" : "  ", out);
            }
        }
    }
    if (more) {
        fprintf(out, "... and %" G_GINT64_FORMAT " more\n", more);
    }
}

static int print_query(FILE *out, sqlite3_stmt *stmt, unsigned limit)
{
    g_autoptr(GArray) cells = g_array_new(FALSE, TRUE, sizeof(Cell));
    int columns = sqlite3_column_count(stmt);
    unsigned rows = 0;
    int64_t more = 0;
    int rc;

    g_array_set_clear_func(cells, cell_clear);
    for (int c = 0; c < columns; c++) {
        Cell cell = { g_strdup(sqlite3_column_name(stmt, c)), FALSE };

        g_array_append_val(cells, cell);
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (++rows > limit) {
            more++;
            continue;
        }
        for (int c = 0; c < columns; c++) {
            int type = sqlite3_column_type(stmt, c);
            const char *text = (const char *)sqlite3_column_text(stmt, c);
            Cell cell = { g_utf8_make_valid(text ? text : "-", -1),
                          type == SQLITE_INTEGER || type == SQLITE_FLOAT };

            g_array_append_val(cells, cell);
        }
    }
    if (rc != SQLITE_DONE) {
        return rc;
    }
    if (columns) {
        /* A heading stands where its column's numbers stand. */
        for (int c = 0; c < columns && cells->len > (guint)columns; c++) {
            g_array_index(cells, Cell, c).number =
                g_array_index(cells, Cell, columns + c).number;
        }
        if (rows) {
            print_rows(out, cells, columns, more);
        } else {
            fputs("none\n", out);
        }
    }
    return SQLITE_OK;
}

int log_table_print(FILE *out, sqlite3 *db, const char *sql, unsigned limit)
{
    while (*sql) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);

        if (rc == SQLITE_OK && stmt) {
            rc = print_query(out, stmt, limit);
        }
        sqlite3_finalize(stmt);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return SQLITE_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of a query, printed as a table of text.
 */
#ifndef LOG_TABLE_H
#define LOG_TABLE_H

#include <sqlite3.h>
#include <stdio.h>

/*
 * Runs every statement of sql; SQLITE_OK or the code of the first failure
 * (sqlite3_errmsg() tells more). Numbers stand to the right. At most
 * `limit` rows of each query are printed, and how many there are more.
 */
int log_table_print(FILE *out, sqlite3 *db, const char *sql, unsigned limit);

#endif /* LOG_TABLE_H */

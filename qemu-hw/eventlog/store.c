/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SQLite side of the log: store.h.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "density.h"

extern const char eventlog_schema[];

#define SCHEMA_VERSION 1
#define APPLICATION_ID 1398164821

/* Pages of the WAL that wake the checkpointer; that the writer bounds if
 * little is left to copy; and that it bounds whatever is left. */
#define WAL_WAKE_PAGES 1000
#define WAL_BOUND_PAGES 16000
#define WAL_LITTLE_PAGES 1000
#define WAL_LIMIT_PAGES 130000

/*
 * Rows of one table on their way: inserted `rows` at a time by one prepared
 * statement, the rest one by one at commit. The last column may be text.
 */
typedef struct Batch {
    sqlite3_stmt *many;
    sqlite3_stmt *one;
    unsigned columns;
    unsigned rows;
    unsigned fill;
    int64_t *value;
    char **text; /* or NULL: all columns are integers */
} Batch;

struct EventStore {
    sqlite3 *db;
    char *path;
    int lock_fd; /* one writer per file */
    int64_t run_id;
    int64_t run_t0;
    uint64_t start_monotonic_ns;

    Batch locks;     /* intervals, short columns */
    Batch intervals; /* intervals, all columns */
    Batch points;
    Batch densities;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *interval_replace;
    sqlite3_stmt *thing_put, *thing_gone, *things_gone;
    sqlite3_stmt *session_put, *session_update;
    sqlite3_stmt *clock_put, *clock_error;
    sqlite3_stmt *lost_put;
    sqlite3_stmt *run_update;

    EventDensity *density;
    int64_t next_interval, next_point, next_thing;

    bool in_transaction;
    bool dirty;
    bool failed;     /* this transaction is lost */
    bool complained; /* a message was printed for the current trouble */
    uint64_t transaction_rows;
    uint64_t failed_rows;
    int64_t failed_t0, failed_t1;
    uint64_t rows, commits, write_errors;

    /* checkpointer: its own thread and connection */
    GThread *thread;
    GMutex mutex;
    GCond cond;
    bool wanted, busy, quit;
    int copied_pages; /* of the WAL, by the latest checkpoint */
    int wal_pages;    /* the writer thread's own */
};

static void store_fail(EventStore *store, const char *what)
{
    if (!store->failed && !store->complained) {
        g_printerr("svmgpu: event log %s: %s: %s\n", store->path, what,
                   sqlite3_errmsg(store->db));
        store->complained = true;
    }
    store->failed = true;
}

static void store_run(EventStore *store, sqlite3_stmt *stmt, const char *what)
{
    if (store->failed) {
        return;
    }
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        store_fail(store, what);
    }
    sqlite3_reset(stmt);
}

static void store_begin(EventStore *store)
{
    store->dirty = true;
    if (!store->in_transaction) {
        store->in_transaction = true;
        store->transaction_rows = 0;
        store_run(store, store->begin, "begin");
    }
}

static void bind_value(sqlite3_stmt *stmt, int column, int64_t value)
{
    if (value == EVENT_NULL) {
        sqlite3_bind_null(stmt, column);
    } else {
        sqlite3_bind_int64(stmt, column, value);
    }
}

/* --- batches ----------------------------------------------------------- */

static int batch_prepare(sqlite3 *db, Batch *batch, const char *head,
                         const char *tail, unsigned columns, unsigned rows,
                         bool text)
{
    int rc = SQLITE_OK;

    batch->columns = columns;
    batch->rows = rows;
    batch->fill = 0;
    batch->value = g_new0(int64_t, columns * rows);
    batch->text = text ? g_new0(char *, rows) : NULL;
    for (unsigned pass = 0; pass < 2 && rc == SQLITE_OK; pass++) {
        unsigned n = pass ? rows : 1;
        g_autoptr(GString) sql = g_string_new(head);

        for (unsigned r = 0; r < n; r++) {
            g_string_append(sql, r ? ",(?" : " (?");
            for (unsigned c = 1; c < columns; c++) {
                g_string_append(sql, ",?");
            }
            g_string_append_c(sql, ')');
        }
        g_string_append(sql, tail);
        rc = sqlite3_prepare_v3(db, sql->str, -1, SQLITE_PREPARE_PERSISTENT,
                                pass ? &batch->many : &batch->one, NULL);
    }
    return rc;
}

static void batch_destroy(Batch *batch)
{
    sqlite3_finalize(batch->many);
    sqlite3_finalize(batch->one);
    g_free(batch->value);
    g_free(batch->text);
}

static void batch_insert(EventStore *store, Batch *batch, sqlite3_stmt *stmt,
                         unsigned first, unsigned rows)
{
    int column = 1;

    for (unsigned r = first; r < first + rows; r++) {
        const int64_t *value = &batch->value[r * batch->columns];
        unsigned integers = batch->columns - (batch->text ? 1 : 0);

        for (unsigned c = 0; c < integers; c++) {
            bind_value(stmt, column++, value[c]);
        }
        if (batch->text) {
            if (batch->text[r]) {
                sqlite3_bind_text(stmt, column, batch->text[r], -1, g_free);
                batch->text[r] = NULL;
            } else {
                sqlite3_bind_null(stmt, column);
            }
            column++;
        }
    }
    store_run(store, stmt, "insert");
    store->transaction_rows += rows;
}

static void batch_flush(EventStore *store, Batch *batch)
{
    for (unsigned r = 0; r < batch->fill; r++) {
        batch_insert(store, batch, batch->one, r, 1);
    }
    batch->fill = 0;
}

/* Inserts what is waiting when row id (the first column) is among it. */
static void batch_flush_id(EventStore *store, Batch *batch, int64_t id)
{
    for (unsigned r = 0; r < batch->fill; r++) {
        if (batch->value[r * batch->columns] == id) {
            batch_flush(store, batch);
            return;
        }
    }
}

static void batch_add(EventStore *store, Batch *batch, const int64_t *value,
                      char *text)
{
    unsigned integers = batch->columns - (batch->text ? 1 : 0);

    store_begin(store);
    memcpy(&batch->value[batch->fill * batch->columns], value,
           integers * sizeof(*value));
    if (batch->text) {
        batch->text[batch->fill] = text;
    }
    if (++batch->fill == batch->rows) {
        batch_insert(store, batch, batch->many, 0, batch->rows);
        batch->fill = 0;
    }
}

/* --- the checkpointer ---------------------------------------------------- */

static gpointer checkpointer(gpointer opaque)
{
    EventStore *store = opaque;
    sqlite3 *db = NULL;
    int copied = 0;

    if (sqlite3_open_v2(store->path, &db, SQLITE_OPEN_READWRITE, NULL)) {
        sqlite3_close(db);
        db = NULL;
    }
    g_mutex_lock(&store->mutex);
    while (!store->quit) {
        if (!store->wanted) {
            g_cond_wait(&store->cond, &store->mutex);
            continue;
        }
        store->wanted = false;
        store->busy = true;
        g_mutex_unlock(&store->mutex);
        if (db) {
            sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                      NULL, &copied);
        }
        g_mutex_lock(&store->mutex);
        store->copied_pages = copied;
        store->busy = false;
    }
    g_mutex_unlock(&store->mutex);
    sqlite3_close(db);
    return NULL;
}

static int wal_hook(void *opaque, sqlite3 *db, const char *name, int pages)
{
    EventStore *store = opaque;

    (void)db;
    (void)name;
    store->wal_pages = pages;
    return SQLITE_OK;
}

/*
 * After a commit: the checkpointer copies while the writer goes on, so it
 * never quite catches up and the WAL would grow for ever. Beyond the bound
 * the writer copies the small rest itself, and the next transaction starts
 * the WAL anew (unless a reader still needs it).
 */
static void store_bound_wal(EventStore *store)
{
    bool bound = false;

    if (store->wal_pages < WAL_WAKE_PAGES) {
        return;
    }
    g_mutex_lock(&store->mutex);
    if (!store->busy && !store->wanted) {
        int left = store->wal_pages - store->copied_pages;

        bound = store->wal_pages >= WAL_LIMIT_PAGES ||
                (store->wal_pages >= WAL_BOUND_PAGES && left >= 0 &&
                 left <= WAL_LITTLE_PAGES);
        if (!bound) {
            store->wanted = true;
            g_cond_signal(&store->cond);
        }
    }
    g_mutex_unlock(&store->mutex);
    if (bound) {
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL);
    }
}

/* --- opening --------------------------------------------------------------- */

static int64_t query_int(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = 0;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        value = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return value;
}

static int store_prepare_one(EventStore *store, sqlite3_stmt **stmt,
                             const char *sql)
{
    return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                              stmt, NULL);
}

#define INTERVAL_SHORT_LIST                                                  \
    "id,kind,thing_id,t0,t1,clock,sub,thread_id,object_id,n,vm_id"
#define INTERVAL_LIST                                                        \
    INTERVAL_SHORT_LIST ",parent_id,key,gpu,va,bytes,src,dst,cause,outcome," \
                        "result,a0,a1,a2,cut"
#define POINT_LIST                                                           \
    "id,kind,thing_id,t,clock,thread_id,object_id,vm_id,parent_id,gpu,key,"  \
    "va,bytes,a0,a1,a2,a3,result,text"

G_STATIC_ASSERT(sizeof(EventInterval) ==
                EVENT_INTERVAL_COLUMNS * sizeof(int64_t));
G_STATIC_ASSERT(sizeof(EventPoint) == EVENT_POINT_COLUMNS * sizeof(int64_t));

static int store_prepare(EventStore *store)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } single[] = {
        { &store->begin, "BEGIN IMMEDIATE" },
        { &store->commit, "COMMIT" },
        { &store->rollback, "ROLLBACK" },
        { &store->interval_replace,
          "REPLACE INTO _interval (" INTERVAL_LIST ") VALUES "
          "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)" },
        { &store->thing_put,
          "REPLACE INTO _thing (id, kind, session_id, key, gpu, parent_id,"
          " name, t0, t1, va, bytes, sub, a0, a1)"
          " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)" },
        { &store->thing_gone, "UPDATE _thing SET t1 = ?2 WHERE id = ?1" },
        { &store->things_gone,
          "UPDATE _thing SET t1 = ?2 WHERE session_id = ?1 AND t1 IS NULL" },
        { &store->session_put,
          "INSERT INTO session (id, key, t0, gpu, rings, ring_records,"
          " driver, kernel) VALUES (?,?,?,?,?,?,?,?)" },
        { &store->session_update,
          "UPDATE session SET t1 = ?2, records = ?3, bad_records = ?4,"
          " torn_records = ?5 WHERE id = ?1" },
        { &store->clock_put,
          "INSERT INTO clock_sample (session_id, guest_ns, t_device,"
          " rate_ppb, error_ns) VALUES (?,?,?,?,?)" },
        { &store->clock_error,
          "UPDATE clock_sample SET error_ns = max(error_ns, ?2)"
          " WHERE id = ?1" },
        { &store->lost_put,
          "INSERT INTO lost (session_id, source, ring, t0, t1, count)"
          " VALUES (?,?,?,?,?,?)" },
        { &store->run_update,
          "UPDATE run SET t1 = max(t1, ?2), closed = ?3 WHERE id = ?1" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(single); i++) {
        if (store_prepare_one(store, single[i].stmt, single[i].sql)) {
            return -EIO;
        }
    }
    /*
     * OR FAIL: a refused row does not undo the rows before it in its
     * statement. The transaction is lost then anyway, and SQLite need not
     * keep a journal for each statement, which takes half of its time.
     */
    if (batch_prepare(store->db, &store->locks,
                      "INSERT OR FAIL INTO _interval (" INTERVAL_SHORT_LIST ") VALUES",
                      "", EVENT_INTERVAL_SHORT_COLUMNS, 64, false) ||
        batch_prepare(store->db, &store->intervals,
                      "INSERT OR FAIL INTO _interval (" INTERVAL_LIST ") VALUES", "",
                      EVENT_INTERVAL_COLUMNS, 16, false) ||
        batch_prepare(store->db, &store->points,
                      "INSERT OR FAIL INTO _point (" POINT_LIST ") VALUES", "",
                      EVENT_POINT_COLUMNS, 32, true) ||
        batch_prepare(store->db, &store->densities,
                      "INSERT OR FAIL INTO _density VALUES",
                      " ON CONFLICT DO UPDATE SET"
                      " count = count + excluded.count,"
                      " busy_ns = busy_ns + excluded.busy_ns",
                      6, 32, false)) {
        return -EIO;
    }
    return 0;
}

static void density_sink(void *opaque, int64_t thing_id, unsigned level,
                         int64_t bucket, int64_t kind, int64_t count,
                         int64_t busy_ns)
{
    const int64_t value[] = { thing_id, level, bucket, kind, count, busy_ns };
    EventStore *store = opaque;

    batch_add(store, &store->densities, value, NULL);
}

/* Adds this process's run; its t0 continues the time of the runs before. */
static int store_begin_run(EventStore *store, const char *creator,
                           uint64_t now_ns)
{
    struct timespec ts;
    int64_t real, t0 = 0;
    sqlite3_stmt *stmt = NULL;
    int rc;

    /* What the wall clock showed at now_ns, which may be a while ago. */
    clock_gettime(CLOCK_REALTIME, &ts);
    real = ts.tv_sec * 1000000000LL + ts.tv_nsec;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    real -= ts.tv_sec * 1000000000LL + ts.tv_nsec - (int64_t)now_ns;
    rc = sqlite3_prepare_v2(store->db,
                            "SELECT t0, t1, start_realtime_ns FROM run"
                            " ORDER BY id DESC LIMIT 1", -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        int64_t old_t0 = sqlite3_column_int64(stmt, 0);
        int64_t old_t1 = sqlite3_column_int64(stmt, 1);
        int64_t old_real = sqlite3_column_int64(stmt, 2);

        t0 = MAX(old_t1 + 1, old_t0 + (real - old_real));
    }
    sqlite3_finalize(stmt);

    store->start_monotonic_ns = now_ns;
    store->run_t0 = t0;
    if (sqlite3_prepare_v2(store->db,
                           "INSERT INTO run (t0, t1, start_monotonic_ns,"
                           " start_realtime_ns, pid, creator)"
                           " VALUES (?1, ?1, ?2, ?3, ?4, ?5)",
                           -1, &stmt, NULL)) {
        return -EIO;
    }
    sqlite3_bind_int64(stmt, 1, t0);
    sqlite3_bind_int64(stmt, 2, now_ns);
    sqlite3_bind_int64(stmt, 3, real);
    sqlite3_bind_int64(stmt, 4, getpid());
    sqlite3_bind_text(stmt, 5, creator ? creator : "", -1, SQLITE_TRANSIENT);
    rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    store->run_id = sqlite3_last_insert_rowid(store->db);
    return rc == SQLITE_DONE ? 0 : -EIO;
}

static int store_create_schema(EventStore *store, char **errmsg)
{
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
        sqlite3_exec(store->db, eventlog_schema, NULL, NULL, NULL) ||
        sqlite3_exec(store->db,
                     "INSERT INTO meta VALUES ('schema', 1),"
                     " ('sqlite', sqlite_version());"
                     "INSERT INTO session (id, key, t0) VALUES (0, 0, 0);"
                     "COMMIT", NULL, NULL, NULL)) {
        *errmsg = g_strdup(sqlite3_errmsg(store->db));
        return -EIO;
    }
    return 0;
}

/*
 * Once per process, before SQLite is used: no statistics about memory, whose
 * mutex every allocation would take. Refused when SQLite is in use already,
 * which costs speed only.
 */
static gpointer configure_sqlite(gpointer unused)
{
    (void)unused;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    return NULL;
}

int event_store_open(EventStore **out, const char *path, const char *creator,
                     uint64_t now_ns, char **errmsg)
{
    static GOnce configured = G_ONCE_INIT;
    EventStore *store = g_new0(EventStore, 1);
    int64_t objects, application, version;
    int rc;

    store->path = g_strdup(path);
    g_mutex_init(&store->mutex);
    g_cond_init(&store->cond);
    *errmsg = NULL;
    /*
     * The lock lives on a descriptor of our own, opened before SQLite's and
     * closed after them: closing any descriptor of the file would drop the
     * POSIX locks that SQLite holds.
     */
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock_fd < 0) {
        rc = -errno;
        *errmsg = g_strdup_printf("%s: %s", path, g_strerror(errno));
        goto close_store;
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
        rc = -EBUSY;
        *errmsg = g_strdup_printf("%s is being written by another process",
                                  path);
        goto close_store;
    }

    /* One thread at a time uses the connection: no mutex around each call. */
    g_once(&configured, configure_sqlite, NULL);
    rc = sqlite3_open_v2(path, &store->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 1024,
                          256);
        sqlite3_busy_timeout(store->db, 5000);
        rc = sqlite3_exec(store->db, "SELECT 1 FROM sqlite_schema", NULL, NULL,
                          NULL);
    }
    objects = query_int(store->db, "SELECT count(*) FROM sqlite_schema");
    application = query_int(store->db, "PRAGMA application_id");
    version = query_int(store->db, "PRAGMA user_version");
    if (rc == SQLITE_NOTADB || (objects && application != APPLICATION_ID)) {
        *errmsg = g_strdup_printf("%s exists and is not an event log", path);
        rc = -EEXIST;
        goto close_store;
    }
    if (objects && version != SCHEMA_VERSION) {
        *errmsg = g_strdup_printf("%s is an event log of schema version %"
                                  PRId64 ", not %d", path, version,
                                  SCHEMA_VERSION);
        rc = -EEXIST;
        goto close_store;
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(store->db,
                          "PRAGMA page_size = 8192;"
                          "PRAGMA journal_mode = WAL;"
                          "PRAGMA synchronous = NORMAL;"
                          "PRAGMA wal_autocheckpoint = 0;"
                          "PRAGMA journal_size_limit = 67108864;"
                          "PRAGMA temp_store = MEMORY;"
                          "PRAGMA cache_size = -65536;",
                          NULL, NULL, NULL);
    }
    if (rc) {
        *errmsg = g_strdup_printf("%s: %s", path, sqlite3_errmsg(store->db));
        rc = -EIO;
        goto close_store;
    }
    if (!objects) {
        rc = store_create_schema(store, errmsg);
        if (rc) {
            goto close_store;
        }
    }
    store->next_interval =
        query_int(store->db, "SELECT coalesce(max(id), 0) FROM _interval") + 1;
    store->next_point =
        query_int(store->db, "SELECT coalesce(max(id), 0) FROM _point") + 1;
    store->next_thing =
        query_int(store->db, "SELECT coalesce(max(id), 0) FROM _thing") + 1;
    rc = store_begin_run(store, creator, now_ns);
    if (rc == 0) {
        rc = store_prepare(store);
    }
    if (rc) {
        *errmsg = g_strdup_printf("%s: %s", path, sqlite3_errmsg(store->db));
        goto close_store;
    }
    sqlite3_wal_hook(store->db, wal_hook, store);
    store->density = event_density_new(density_sink, store);
    store->thread = g_thread_new("log-checkpoint", checkpointer, store);
    *out = store;
    return 0;

close_store:
    event_store_close(store, 0);
    return rc;
}

void event_store_close(EventStore *store, uint64_t now_ns)
{
    sqlite3_stmt *single[] = {
        store->begin, store->commit, store->rollback,
        store->interval_replace, store->thing_put, store->thing_gone,
        store->things_gone, store->session_put, store->session_update, store->clock_put,
        store->clock_error, store->lost_put,
    };

    if (store->thread) {
        store->dirty = true;
        event_store_commit(store, now_ns);
        sqlite3_bind_int64(store->run_update, 1, store->run_id);
        sqlite3_bind_int64(store->run_update, 2,
                           event_store_time(store, now_ns));
        sqlite3_bind_int64(store->run_update, 3, 1);
        store_run(store, store->run_update, "close");

        g_mutex_lock(&store->mutex);
        store->quit = true;
        g_cond_signal(&store->cond);
        g_mutex_unlock(&store->mutex);
        g_thread_join(store->thread);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(single); i++) {
        sqlite3_finalize(single[i]);
    }
    sqlite3_finalize(store->run_update);
    batch_destroy(&store->locks);
    batch_destroy(&store->intervals);
    batch_destroy(&store->points);
    batch_destroy(&store->densities);
    if (store->density) {
        event_density_free(store->density);
    }
    sqlite3_close(store->db);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    g_mutex_clear(&store->mutex);
    g_cond_clear(&store->cond);
    g_free(store->path);
    g_free(store);
}

int64_t event_store_time(const EventStore *store, uint64_t device_ns)
{
    return device_ns <= store->start_monotonic_ns ?
               store->run_t0 :
               store->run_t0 +
                   (int64_t)(device_ns - store->start_monotonic_ns);
}

uint64_t event_store_device_time(const EventStore *store, int64_t t)
{
    return t <= store->run_t0 ?
               store->start_monotonic_ns :
               store->start_monotonic_ns + (uint64_t)(t - store->run_t0);
}

/* --- rows ------------------------------------------------------------------ */

int64_t event_store_next_interval(EventStore *store)
{
    return store->next_interval++;
}

int64_t event_store_next_thing(EventStore *store)
{
    return store->next_thing++;
}

void event_store_interval(EventStore *store, const EventInterval *row,
                          bool rewrite)
{
    const int64_t *value = (const int64_t *)row;

    if (rewrite) {
        store_begin(store);
        batch_flush_id(store, &store->locks, row->id);
        batch_flush_id(store, &store->intervals, row->id);
        for (unsigned c = 0; c < EVENT_INTERVAL_COLUMNS; c++) {
            bind_value(store->interval_replace, c + 1, value[c]);
        }
        store_run(store, store->interval_replace, "insert");
    } else if ((row->kind == EVENT_LOCK_HOLD ||
                row->kind == EVENT_LOCK_WAIT) && row->cut == EVENT_NULL) {
        batch_add(store, &store->locks, value, NULL);
    } else {
        batch_add(store, &store->intervals, value, NULL);
    }
}

void event_store_count_interval(EventStore *store, int64_t kind,
                                int64_t thing_id, int64_t t0, int64_t t1)
{
    event_density_add(store->density, thing_id, kind, t0, t1);
}

void event_store_point(EventStore *store, EventPoint *row)
{
    row->id = store->next_point++;
    batch_add(store, &store->points, (const int64_t *)row, row->text);
    event_density_add(store->density, row->thing_id,
                      row->kind + EVENT_DENSITY_POINT, row->t, row->t);
}

void event_store_thing(EventStore *store, const EventThing *row)
{
    sqlite3_stmt *stmt = store->thing_put;

    store_begin(store);
    bind_value(stmt, 1, row->id);
    bind_value(stmt, 2, row->kind);
    bind_value(stmt, 3, row->session_id);
    bind_value(stmt, 4, row->key);
    bind_value(stmt, 5, row->gpu);
    bind_value(stmt, 6, row->parent_id);
    if (row->name) {
        sqlite3_bind_text(stmt, 7, row->name, -1, SQLITE_TRANSIENT);
    } else {
        sqlite3_bind_null(stmt, 7);
    }
    bind_value(stmt, 8, row->t0);
    bind_value(stmt, 9, row->t1);
    bind_value(stmt, 10, row->va);
    bind_value(stmt, 11, row->bytes);
    bind_value(stmt, 12, row->sub);
    bind_value(stmt, 13, row->a0);
    bind_value(stmt, 14, row->a1);
    store_run(store, stmt, "insert");
    store->transaction_rows++;
}

void event_store_thing_gone(EventStore *store, int64_t id, int64_t t1)
{
    store_begin(store);
    bind_value(store->thing_gone, 1, id);
    bind_value(store->thing_gone, 2, t1);
    store_run(store, store->thing_gone, "update");
}

void event_store_things_gone(EventStore *store, int64_t session_id,
                             int64_t t1)
{
    store_begin(store);
    bind_value(store->things_gone, 1, session_id);
    bind_value(store->things_gone, 2, t1);
    store_run(store, store->things_gone, "update");
}

void event_store_each_device_thing(EventStore *store,
                                   void (*fn)(void *opaque, int64_t id,
                                              int64_t kind, uint64_t key),
                                   void *opaque)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(store->db,
                           "SELECT id, kind, key FROM _thing"
                           " WHERE session_id = 0", -1, &stmt, NULL)) {
        return;
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        fn(opaque, sqlite3_column_int64(stmt, 0),
           sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2));
    }
    sqlite3_finalize(stmt);
}

int64_t event_store_session(EventStore *store, uint64_t key, int64_t t0,
                            unsigned gpu, unsigned rings,
                            unsigned ring_records, const char *driver,
                            const char *kernel)
{
    sqlite3_stmt *stmt = store->session_put;
    int64_t id = query_int(store->db, "SELECT max(id) + 1 FROM session");

    store_begin(store);
    bind_value(stmt, 1, id);
    sqlite3_bind_int64(stmt, 2, (int64_t)key);
    bind_value(stmt, 3, t0);
    bind_value(stmt, 4, gpu);
    bind_value(stmt, 5, rings);
    bind_value(stmt, 6, ring_records);
    sqlite3_bind_text(stmt, 7, driver, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(stmt, 8, kernel, -1, SQLITE_TRANSIENT);
    store_run(store, stmt, "insert");
    return id;
}

void event_store_session_update(EventStore *store, int64_t id, int64_t t1,
                                uint64_t records, uint64_t bad,
                                uint64_t torn)
{
    sqlite3_stmt *stmt = store->session_update;

    store_begin(store);
    bind_value(stmt, 1, id);
    bind_value(stmt, 2, t1);
    bind_value(stmt, 3, records);
    bind_value(stmt, 4, bad);
    bind_value(stmt, 5, torn);
    store_run(store, stmt, "update");
}

int64_t event_store_clock(EventStore *store, int64_t session_id,
                          uint64_t guest_ns, int64_t t, int64_t rate_ppb,
                          uint64_t error_ns)
{
    sqlite3_stmt *stmt = store->clock_put;

    store_begin(store);
    bind_value(stmt, 1, session_id);
    bind_value(stmt, 2, guest_ns);
    bind_value(stmt, 3, t);
    bind_value(stmt, 4, rate_ppb);
    bind_value(stmt, 5, error_ns);
    store_run(store, stmt, "insert");
    return sqlite3_last_insert_rowid(store->db);
}

void event_store_clock_error(EventStore *store, int64_t row,
                             uint64_t error_ns)
{
    if (row) {
        store_begin(store);
        bind_value(store->clock_error, 1, row);
        bind_value(store->clock_error, 2, error_ns);
        store_run(store, store->clock_error, "update");
    }
}

void event_store_lost(EventStore *store, int64_t session_id,
                      EventLostSource source, int64_t ring, int64_t t0,
                      int64_t t1, uint64_t count)
{
    sqlite3_stmt *stmt = store->lost_put;

    store_begin(store);
    bind_value(stmt, 1, session_id);
    bind_value(stmt, 2, source);
    bind_value(stmt, 3, ring);
    bind_value(stmt, 4, t0);
    bind_value(stmt, 5, MAX(t0, t1));
    bind_value(stmt, 6, MIN(count, (uint64_t)INT64_MAX));
    store_run(store, stmt, "insert");
}

/* --- transactions ------------------------------------------------------------ */

bool event_store_is_dirty(const EventStore *store)
{
    return store->dirty;
}

bool event_store_commit(EventStore *store, uint64_t now_ns)
{
    int64_t now = event_store_time(store, now_ns);

    if (!store->dirty) {
        return true;
    }
    store_begin(store);
    batch_flush(store, &store->locks);
    batch_flush(store, &store->intervals);
    batch_flush(store, &store->points);
    event_density_flush(store->density);
    batch_flush(store, &store->densities);
    if (store->failed_rows && !store->failed) {
        event_store_lost(store, 0, EVENT_LOST_WRITE_FAILED, EVENT_NULL,
                         store->failed_t0, store->failed_t1,
                         store->failed_rows);
    }
    sqlite3_bind_int64(store->run_update, 1, store->run_id);
    sqlite3_bind_int64(store->run_update, 2, now);
    sqlite3_bind_int64(store->run_update, 3, 0);
    store_run(store, store->run_update, "update");
    store_run(store, store->commit, "commit");

    store->in_transaction = false;
    store->dirty = false;
    if (store->failed) {
        if (!sqlite3_get_autocommit(store->db)) {
            sqlite3_step(store->rollback);
            sqlite3_reset(store->rollback);
        }
        if (!store->failed_rows) {
            store->failed_t0 = now;
        }
        store->failed_t1 = now;
        store->failed_rows += store->transaction_rows;
        store->write_errors++;
        store->failed = false;
        return false;
    }
    store->failed_rows = 0;
    store->complained = false;
    store->rows += store->transaction_rows;
    store->commits++;
    store_bound_wal(store);
    return true;
}

uint64_t event_store_rows(const EventStore *store)
{
    return store->rows;
}

uint64_t event_store_commits(const EventStore *store)
{
    return store->commits;
}

uint64_t event_store_write_errors(const EventStore *store)
{
    return store->write_errors;
}

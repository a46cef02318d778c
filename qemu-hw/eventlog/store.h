/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SQLite side of the log: rows in, transactions out.
 *
 * Concepts
 *   One connection, used by the writer thread alone. Rows are collected and
 *   inserted several at a time by prepared statements within a transaction;
 *   event_store_commit() ends it. WAL, synchronous=NORMAL: a commit does not
 *   wait for the disk, and a killed process loses no commit. A second thread
 *   moves the WAL into the file, so that the waiting for the disk that this
 *   needs never delays a commit.
 *   What SQLite refuses (disk full) is counted and kept as a message; the
 *   log goes on with the next transaction.
 *
 *   Density rows (level of detail) are summed here as rows are stored.
 */
#ifndef EVENTLOG_STORE_H
#define EVENTLOG_STORE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct EventStore EventStore;

/* NULL in a row. */
#define EVENT_NULL INT64_MIN

/* Interval kinds, thing kinds, ...: the values of schema.sql's enum table. */
typedef enum EventThingKind {
    EVENT_THING_GPU = 1,
    EVENT_THING_ENGINE = 2,
    EVENT_THING_COPY_LANE = 3,
    EVENT_THING_FAULT_LANE = 4,
    EVENT_THING_MIGRATION_LANE = 5,
    EVENT_THING_TLB_LANE = 6,
    EVENT_THING_PROCESS = 7,
    EVENT_THING_THREAD = 8,
    EVENT_THING_GPU_VM = 9,
    EVENT_THING_SVM_RANGE = 10,
    EVENT_THING_GPU_VMA = 11,
    EVENT_THING_BO = 12,
    EVENT_THING_LOCK_CLASS = 13,
    EVENT_THING_LOCK = 14,
    EVENT_THING_EXEC_QUEUE = 15,
    EVENT_THING_PLACE = 16,
    EVENT_THING_LINK = 17,
    EVENT_THING_GUEST = 18,
    EVENT_THING_KINDS = 19,
} EventThingKind;

typedef enum EventIntervalKind {
    EVENT_RANGE_STATE = 1,
    EVENT_LOCK_WAIT = 2,
    EVENT_LOCK_HOLD = 3,
    EVENT_MIGRATION = 4,
    EVENT_FAULT = 5,
    EVENT_JOB = 6,
    EVENT_ENGINE_RUN = 7,
    EVENT_COPY = 8,
    EVENT_BIND = 9,
    EVENT_INVALIDATION = 10,
    EVENT_EVICTION = 11,
    EVENT_EXEC = 12,
    EVENT_TLB_FLUSH = 13,
    EVENT_RACE_HOLD = 14,
    EVENT_INTERVAL_KINDS = 15,
} EventIntervalKind;

typedef enum EventLostSource {
    EVENT_LOST_DRIVER_RING = 0,
    EVENT_LOST_DEVICE_QUEUE = 1,
    EVENT_LOST_BAD_RECORDS = 2,
    EVENT_LOST_TORN_RECORDS = 3,
    EVENT_LOST_OVERWRITTEN_RINGS = 4,
    EVENT_LOST_WRITE_FAILED = 5,
} EventLostSource;

#define EVENT_CLOCK_DEVICE 0
#define EVENT_CLOCK_DRIVER 1

/* Rows: one member per column, in the order of the table; see schema.sql. */

typedef struct EventInterval {
    int64_t id;
    int64_t kind;
    int64_t thing_id;
    int64_t t0;
    int64_t t1;
    int64_t clock;
    int64_t sub;
    int64_t thread_id;
    int64_t object_id;
    int64_t n;
    int64_t vm_id;
    /* the columns above are all that lock intervals have */
    int64_t parent_id;
    int64_t key;
    int64_t gpu;
    int64_t va;
    int64_t bytes;
    int64_t src;
    int64_t dst;
    int64_t cause;
    int64_t outcome;
    int64_t result;
    int64_t a0;
    int64_t a1;
    int64_t a2;
    int64_t cut;
} EventInterval;

#define EVENT_INTERVAL_COLUMNS 25
#define EVENT_INTERVAL_SHORT_COLUMNS 11

typedef struct EventPoint {
    int64_t id;
    int64_t kind;
    int64_t thing_id;
    int64_t t;
    int64_t clock;
    int64_t thread_id;
    int64_t object_id;
    int64_t vm_id;
    int64_t parent_id;
    int64_t gpu;
    int64_t key;
    int64_t va;
    int64_t bytes;
    int64_t a0;
    int64_t a1;
    int64_t a2;
    int64_t a3;
    int64_t result;
    char *text; /* or NULL; owned by the row */
} EventPoint;

#define EVENT_POINT_COLUMNS 19

typedef struct EventThing {
    int64_t id;
    int64_t kind;
    int64_t session_id;
    int64_t key;
    int64_t gpu;
    int64_t parent_id;
    const char *name; /* or NULL */
    int64_t t0;
    int64_t t1;
    int64_t va;
    int64_t bytes;
    int64_t sub;
    int64_t a0;
    int64_t a1;
} EventThing;

/*
 * Opens or creates the file. -EEXIST: not a log of this version; other
 * -errno: as SQLite says in *errmsg (g_free() it).
 */
int event_store_open(EventStore **store, const char *path,
                     const char *creator, uint64_t now_ns, char **errmsg);

/* Ends the run: closed = 1. Collects what is still buffered. */
void event_store_close(EventStore *store, uint64_t now_ns);

/* Time of the log for a time of the device clock. */
int64_t event_store_time(const EventStore *store, uint64_t device_ns);

/* And back. */
uint64_t event_store_device_time(const EventStore *store, int64_t t);

/* The next id of intervals, points, things, sessions. */
int64_t event_store_next_interval(EventStore *store);
int64_t event_store_next_thing(EventStore *store);

/* rewrite: the row was stored before, with t1 NULL or other values. */
void event_store_interval(EventStore *store, const EventInterval *row,
                          bool rewrite);
/* Counts an interval that has ended for density; once per interval. */
void event_store_count_interval(EventStore *store, int64_t kind,
                                int64_t thing_id, int64_t t0, int64_t t1);
/* Takes row->text; gives row an id. */
void event_store_point(EventStore *store, EventPoint *row);

/* Inserts, or replaces what is known of the thing. */
void event_store_thing(EventStore *store, const EventThing *row);
void event_store_thing_gone(EventStore *store, int64_t id, int64_t t1);

/* Every thing of a session that still exists ends at t1. */
void event_store_things_gone(EventStore *store, int64_t session_id,
                             int64_t t1);

/* Calls fn for every thing of session 0 (the device's) in the file. */
void event_store_each_device_thing(EventStore *store,
                                   void (*fn)(void *opaque, int64_t id,
                                              int64_t kind, uint64_t key),
                                   void *opaque);

int64_t event_store_session(EventStore *store, uint64_t key, int64_t t0,
                            unsigned gpu, unsigned rings,
                            unsigned ring_records, const char *driver,
                            const char *kernel);
void event_store_session_update(EventStore *store, int64_t id, int64_t t1,
                                uint64_t records, uint64_t bad,
                                uint64_t torn);
int64_t event_store_clock(EventStore *store, int64_t session_id,
                          uint64_t guest_ns, int64_t t, int64_t rate_ppb,
                          uint64_t error_ns);
void event_store_clock_error(EventStore *store, int64_t row,
                             uint64_t error_ns);
void event_store_lost(EventStore *store, int64_t session_id,
                      EventLostSource source, int64_t ring, int64_t t0,
                      int64_t t1, uint64_t count);

/* Something was stored since the last commit. */
bool event_store_is_dirty(const EventStore *store);

/* Ends the transaction; false when SQLite refused it (and all of it). */
bool event_store_commit(EventStore *store, uint64_t now_ns);

uint64_t event_store_rows(const EventStore *store);
uint64_t event_store_commits(const EventStore *store);
uint64_t event_store_write_errors(const EventStore *store);

#endif /* EVENTLOG_STORE_H */

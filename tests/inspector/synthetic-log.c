/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "synthetic-log.h"

#include <glib/gstdio.h>
#include <string.h>

enum
{
  THING_GPU = 1,
  THING_ENGINE,
  THING_COPY_LANE,
  THING_FAULT_LANE,
  THING_MIGRATION_LANE,
  THING_TLB_LANE,
  THING_PROCESS,
  THING_THREAD,
  THING_GPU_VM,
  THING_SVM_RANGE,
  THING_LOCK_CLASS = 13,
  THING_LOCK,
  THING_EXEC_QUEUE,
  THING_PLACE,
};

enum
{
  RANGE_STATE = 1,
  LOCK_WAIT,
  LOCK_HOLD,
  MIGRATION,
  FAULT,
  JOB,
  ENGINE_RUN,
  COPY,
  BIND,
  INVALIDATION,
  TLB_FLUSH = 13,
};

#define SYSTEM 1
#define GPU(n) (256 + (n))
#define RANGE_BYTES 2097152

typedef struct
{
  sqlite3      *db;
  sqlite3_stmt *thing;
  sqlite3_stmt *interval;
  sqlite3_stmt *point;
  GRand        *random;
  gint64        next_id;
} Writer;

typedef struct
{
  int    kind;
  gint64 thing, t0, t1;
  gint64 sub, thread, object, n, vm, parent, gpu, va, bytes, src, dst, cause, outcome, a0, a1, a2,
    key;
} Interval;

static void
execute (sqlite3    *db,
         const char *sql)
{
  char *message = NULL;

  if (sqlite3_exec (db, sql, NULL, NULL, &message) != SQLITE_OK)
    g_error ("%s", message);
}

static sqlite3_stmt *
prepare (sqlite3    *db,
         const char *sql)
{
  sqlite3_stmt *statement = NULL;

  if (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) != SQLITE_OK)
    g_error ("%s", sqlite3_errmsg (db));
  return statement;
}

static void
bind_or_null (sqlite3_stmt *statement,
              int           index,
              gint64        value,
              gint64        none)
{
  if (value == none)
    sqlite3_bind_null (statement, index);
  else
    sqlite3_bind_int64 (statement, index, value);
}

static gint64
thing (Writer     *writer,
       int         kind,
       gint64      key,
       gint64      gpu,
       gint64      parent,
       const char *name,
       gint64      va,
       gint64      bytes,
       gint64      sub,
       gint64      a0)
{
  sqlite3_stmt *row = writer->thing;

  sqlite3_reset (row);
  sqlite3_bind_int (row, 1, kind);
  sqlite3_bind_int64 (row, 2, key);
  bind_or_null (row, 3, gpu, -1);
  bind_or_null (row, 4, parent, 0);
  sqlite3_bind_text (row, 5, name, -1, SQLITE_TRANSIENT);
  bind_or_null (row, 6, va, 0);
  bind_or_null (row, 7, bytes, 0);
  bind_or_null (row, 8, sub, -1);
  bind_or_null (row, 9, a0, -1);
  if (sqlite3_step (row) != SQLITE_DONE)
    g_error ("%s", sqlite3_errmsg (writer->db));
  return sqlite3_last_insert_rowid (writer->db);
}

static gint64
interval (Writer         *writer,
          const Interval *i)
{
  const gint64 values[] = {
    i->sub, i->thread, i->object, i->n, i->vm, i->parent, i->gpu, i->va, i->bytes,
    i->src, i->dst, i->cause, i->outcome, i->a0, i->a1, i->a2, i->key,
  };
  sqlite3_stmt *row = writer->interval;

  sqlite3_reset (row);
  sqlite3_bind_int (row, 1, i->kind);
  sqlite3_bind_int64 (row, 2, i->thing);
  sqlite3_bind_int64 (row, 3, i->t0);
  bind_or_null (row, 4, i->t1, -1);
  for (guint v = 0; v < G_N_ELEMENTS (values); v++)
    bind_or_null (row, 5 + (int) v, values[v], -1);
  if (sqlite3_step (row) != SQLITE_DONE)
    g_error ("%s", sqlite3_errmsg (writer->db));
  return sqlite3_last_insert_rowid (writer->db);
}

#define NOTHING                                                                                    \
  .sub = -1, .thread = -1, .object = -1, .n = -1, .vm = -1, .parent = -1, .gpu = -1, .va = -1,     \
  .bytes = -1, .src = -1, .dst = -1, .cause = -1, .outcome = -1, .a0 = -1, .a1 = -1, .a2 = -1,     \
  .key = -1

_Pragma ("GCC diagnostic ignored \"-Woverride-init\"")

static void
hold (Writer *writer,
      gint64  lock,
      gint64  thread,
      gint64  place,
      int     mode,
      gint64  wanted,
      gint64  from,
      gint64  to)
{
  if (from > wanted)
    interval (writer, &(Interval){ NOTHING, .kind = LOCK_WAIT, .thing = lock, .t0 = wanted,
                                   .t1 = from, .sub = mode, .thread = thread, .object = place });
  interval (writer, &(Interval) { NOTHING, .kind = LOCK_HOLD, .thing = lock, .t0 = from, .t1 = to,
                                  .sub = mode, .thread = thread, .object = place });
}

/* The density tables count short intervals as docs/event-log.md says; whole buckets are enough for
 * a test
 */
static void
count_density (sqlite3 *db)
{
  for (int level = 0; level < 5; level++)
    {
      g_autofree char *sql = g_strdup_printf (
        "INSERT INTO _density (thing_id, level, bucket, kind, count, busy_ns)"
        " SELECT thing_id, %d, t0 >> %d, kind, count(*), min(sum(t1 - t0), 1 << %d) FROM _interval"
        " WHERE t1 IS NOT NULL AND t1 - t0 <= 67108864 GROUP BY thing_id, t0 >> %d, kind",
        level, 22 + 4 * level, 22 + 4 * level, 22 + 4 * level);

      execute (db, sql);
    }
}

static void
open_database (Writer     *writer,
               const char *path)
{
  if (sqlite3_open (path, &writer->db) != SQLITE_OK)
    g_error ("%s: %s", path, sqlite3_errmsg (writer->db));
}

static void
prepare_all (Writer *writer)
{
  writer->thing = prepare (
    writer->db,
    "INSERT INTO _thing (kind, session_id, key, gpu, parent_id, name, t0, va, bytes, sub, a0)"
    " VALUES (?1, 1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9)");
  writer->interval = prepare (
    writer->db,
    "INSERT INTO _interval (kind, thing_id, t0, t1, clock, sub, thread_id, object_id, n,"
    " vm_id, parent_id, gpu, va, bytes, src, dst, cause, outcome, a0, a1, a2, key)"
    " VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
    " ?17, ?18, ?19, ?20, ?21)");
  writer->point = prepare (
    writer->db, "INSERT INTO _point (kind, thing_id, t, clock, parent_id, text, a0, a1, a2)"
                " VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)");
}

static void
point (Writer     *writer,
       int         kind,
       gint64      on,
       gint64      at,
       gint64      parent,
       const char *text,
       gint64      a0)
{
  sqlite3_stmt *row = writer->point;

  sqlite3_reset (row);
  sqlite3_bind_int (row, 1, kind);
  sqlite3_bind_int64 (row, 2, on);
  sqlite3_bind_int64 (row, 3, at);
  bind_or_null (row, 4, parent, -1);
  sqlite3_bind_text (row, 5, text, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64 (row, 6, a0);
  sqlite3_bind_int64 (row, 7, 0);
  sqlite3_bind_int64 (row, 8, 1);
  if (sqlite3_step (row) != SQLITE_DONE)
    g_error ("%s", sqlite3_errmsg (writer->db));
}

static void
close_database (Writer *writer)
{
  sqlite3_finalize (writer->thing);
  sqlite3_finalize (writer->interval);
  sqlite3_finalize (writer->point);
  sqlite3_close (writer->db);
}

void
synthetic_log_write (const char                *path,
                     const char                *schema_path,
                     const SyntheticLogOptions *options,
                     SyntheticLogFacts         *facts)
{
  static const char * const engine_names[] = { "bcs0", "vcs0", "vcs1" };
  static const struct
  {
    const char *name;
    int         key, type;
  } classes[] = {
    { "asid", 1, 1 }, { "vm", 3, 1 }, { "mmap", 5, 4 }, { "vm_resv", 9, 3 }, { "vram", 12, 0 },
    { "notifier", 14, 1 }, { "copy", 18, 0 },
  };
  Writer writer = { 0 };
  g_autofree char *schema = NULL;
  gint64 engine[2][3], copy_lane[2], fault_lane[2], migration_lane[2], tlb_lane[2], gpu[2];
  gint64 lock[G_N_ELEMENTS (classes)], worker[2][2], owner, vm[2], queue[2], place;
  g_autofree gint64 *range = NULL, *since = NULL;
  g_autofree int *where = NULL;
  gint64 at = 1200000, run_from[2] = { 400000, 900000 };
  gint64 process;

  g_return_if_fail (g_file_get_contents (schema_path, &schema, NULL, NULL));

  g_unlink (path);
  memset (facts, 0, sizeof *facts);
  open_database (&writer, path);
  execute (writer.db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;");
  execute (writer.db, schema);
  execute (writer.db, "BEGIN; INSERT INTO session (id, key, t0, gpu, driver, kernel)"
                      " VALUES (1, 1, 0, 0, 'svmgpu', '7.2.12');");
  prepare_all (&writer);
  writer.random = g_rand_new_with_seed (7);

  for (int g = 0; g < 2; g++)
    {
      g_autofree char *name = g_strdup_printf ("gpu%d", g);

      gpu[g] = thing (&writer, THING_GPU, g, g, 0, name, 0, 268435456, -1, -1);
      for (int e = 0; e < 3; e++)
        engine[g][e] = thing (&writer, THING_ENGINE, e, g, gpu[g], engine_names[e], 0, 0, -1, -1);
      copy_lane[g] = thing (&writer, THING_COPY_LANE, g, g, gpu[g], "copy", 0, 0, -1, -1);
      fault_lane[g] = thing (&writer, THING_FAULT_LANE, g, g, gpu[g], "faults", 0, 0, -1, -1);
      migration_lane[g] = thing (&writer, THING_MIGRATION_LANE, g, g, gpu[g], "migrations", 0, 0,
                                 -1, -1);
      tlb_lane[g] = thing (&writer, THING_TLB_LANE, g, g, gpu[g], "tlb", 0, 0, -1, -1);
    }
  process = thing (&writer, THING_PROCESS, 812, -1, 0, "xe_multigpu_svm", 0, 0, -1, -1);
  owner = thing (&writer, THING_THREAD, 812, -1, process, "xe_multigpu_svm", 0, 0, -1, -1);
  for (int g = 0; g < 2; g++)
    for (int w = 0; w < 2; w++)
      {
        g_autofree char *name = g_strdup_printf ("kworker/u8:%d", g * 2 + w);

        worker[g][w] = thing (&writer, THING_THREAD, 60 + g * 2 + w, -1, 0, name, 0, 0, -1, -1);
      }
  for (int g = 0; g < 2; g++)
    {
      vm[g] = thing (&writer, THING_GPU_VM, g + 1, g, process, NULL, 0, 0, 0, g + 1);
      queue[g] = thing (&writer, THING_EXEC_QUEUE, g + 1, g, vm[g], NULL, 0, 0, 1, -1);
    }
  place = thing (&writer, THING_PLACE, 1, -1, 0, "svmgpu_fault.c:214", 0, 0, -1, -1);

  for (guint c = 0; c < G_N_ELEMENTS (classes); c++)
    {
      gint64 its_class = thing (&writer, THING_LOCK_CLASS, classes[c].key, -1, 0, classes[c].name,
                                0, 0, classes[c].type, classes[c].key);

      lock[c] = thing (&writer, THING_LOCK, (gint64) c + 1, c == 5 ? -1 : 0, its_class, NULL, 0, 0,
                       -1, vm[0]);
    }
  facts->lock_vm = lock[1];
  facts->lock_notifier = lock[5];

  range = g_new0 (gint64, options->ranges);
  since = g_new0 (gint64, options->ranges);
  where = g_new0 (int, options->ranges);
  for (guint r = 0; r < options->ranges; r++)
    {
      gint64 va = G_GINT64_CONSTANT (0x7f3a00000000) + (gint64) r * RANGE_BYTES;

      range[r] = thing (&writer, THING_SVM_RANGE, r + 1, 0, vm[0], NULL, va, RANGE_BYTES, -1, -1);
      since[r] = 200000 + (gint64) r * 9000;
    }
  facts->first_range = range[0];
  point (&writer, 2, gpu[0], 300000, -1, "workload started", 0);

  for (guint e = 0; e < options->episodes; e++)
    {
      int g = (e / 11) % 2;
      guint r = (e * 7 + (e / 31)) % options->ranges;
      int w = e % 2;
      int from = where[r];
      gint64 va = G_GINT64_CONSTANT (0x7f3a00000000) + (gint64) r * RANGE_BYTES;
      gint64 picked = at + 4000 + g_rand_int_range (writer.random, 0, 3000);
      gint64 retry = e % 17 == 5 ? 90000 : 0;
      gint64 locked = picked + 3000 + retry;
      gint64 copied = locked + 22000,
             copy_end = copied + 140000 + g_rand_int_range (writer.random, 0, 80000);
      gint64 committed = copy_end + 9000, flushed = committed + 6000, answered = flushed + 5000;
      gint64 fault, migration;
      int source = from == 0 ? SYSTEM : from, target = GPU (g);

      interval (&writer, &(Interval){ NOTHING, .kind = ENGINE_RUN, .thing = engine[g][1 + w],
                                      .t0 = run_from[g], .t1 = at, .key = 3 + w, .outcome = 2,
                                      .gpu = g, .a0 = g + 1 });
      fault = interval (&writer, &(Interval){ NOTHING,
                                              .kind = FAULT,
                                              .thing = fault_lane[g],
                                              .t0 = at,
                                              .t1 = answered,
                                              .sub = e % 3 == 0 ? 1 : 0,
                                              .thread = worker[g][w],
                                              .object = range[r],
                                              .n = retry ? 2 : 1,
                                              .vm = vm[g],
                                              .gpu = g,
                                              .va = va + 4096,
                                              .outcome = 1,
                                              .cause = 3,
                                              .a0 = picked,
                                              .a1 = retry ? 1 : 0,
                                              .a2 = 0,
                                              .key = e + 1,
                                              .bytes = 1,
                                              .dst = 1 + w,
                                              .src = 3 + w });
      point (&writer, 65, fault_lane[g], picked + 1500, fault, NULL, 3);
      if (retry)
        point (&writer, 66, fault_lane[g], picked + 40000, fault, NULL, 1);
      migration = interval (&writer, &(Interval){
                                       NOTHING, .kind = MIGRATION, .thing = migration_lane[g],
                                       .t0 = locked, .t1 = copy_end + 2000, .thread = worker[g][w],
                                       .object = range[r], .vm = vm[g], .parent = fault, .gpu = g,
                                       .va = va, .bytes = RANGE_BYTES, .src = source, .dst = target,
                                       .cause = 1, .a0 = RANGE_BYTES, .key = e + 1 });
      for (int c = 0; c < 4; c++)
        interval (&writer, &(Interval){ NOTHING, .kind = COPY, .thing = copy_lane[g],
                                        .t0 = copied + (copy_end - copied) * c / 4,
                                        .t1 = copied + (copy_end - copied) * (c + 1) / 4 - 2000,
                                        .gpu = g, .bytes = RANGE_BYTES / 4, .src = source,
                                        .dst = target, .key = e * 4 + c });
      interval (&writer,
                &(Interval){ NOTHING, .kind = BIND, .thing = vm[g], .t0 = committed,
                             .t1 = committed + 4000, .sub = 7, .parent = fault, .gpu = g, .va = va,
                             .bytes = RANGE_BYTES, .thread = worker[g][w], .object = range[r] });
      interval (&writer, &(Interval){ NOTHING, .kind = TLB_FLUSH, .thing = tlb_lane[g],
                                      .t0 = committed + 4200, .t1 = flushed, .gpu = g, .va = va,
                                      .bytes = RANGE_BYTES, .vm = vm[g] });

      if (from >= 256 && from != target)
        interval (&writer, &(Interval){ NOTHING, .kind = INVALIDATION, .thing = vm[from - 256],
                                        .t0 = locked + 4000, .t1 = locked + 9000, .sub = 7,
                                        .gpu = from - 256, .va = va, .bytes = RANGE_BYTES,
                                        .thread = worker[g][w], .object = range[r] });

      hold (&writer, lock[0], worker[g][w], place, 1, picked, picked, answered - 1000);
      hold (&writer, lock[1], worker[g][w], place, 0, picked + 1000,
            picked + 1000 + (e % 5 == 0 ? 14000 : 0), copy_end + 12000);
      hold (&writer, lock[2], worker[g][w], place, 1, picked + 2000, picked + 2000, locked + 18000);
      hold (&writer, lock[4], worker[g][w], place, 0, locked + 2000, locked + 2000, locked + 20000);
      hold (&writer, lock[5], worker[g][w], place, 1, copy_end + 4000,
            copy_end + 4000 + (e % 7 == 0 ? 3000 : 0), flushed);
      hold (&writer, lock[6], worker[g][w], place, 0, copied, copied, copy_end);
      if (e % 9 == 0)
        hold (&writer, lock[3], owner, place, 0, picked + 8000, picked + 8000, picked + 60000);

      interval (&writer, &(Interval){ NOTHING, .kind = RANGE_STATE, .thing = range[r],
                                      .t0 = since[r], .t1 = locked, .sub = from == 0 ? 1 : 2,
                                      .dst = from == 0 ? -1 : from - 256, .vm = vm[0], .va = va,
                                      .bytes = RANGE_BYTES, .cause = 1 });
      if (from >= 256 && from != target)
        interval (&writer, &(Interval){ NOTHING, .kind = RANGE_STATE, .thing = range[r],
                                        .t0 = locked, .t1 = copy_end, .sub = 5, .vm = vm[0],
                                        .va = va, .bytes = RANGE_BYTES });
      else
        interval (&writer, &(Interval){ NOTHING, .kind = RANGE_STATE, .thing = range[r],
                                        .t0 = locked, .t1 = copy_end, .sub = 4, .vm = vm[0],
                                        .va = va, .bytes = RANGE_BYTES });
      since[r] = copy_end;
      where[r] = target;

      if (e % 8 == 0)
        interval (&writer,
                  &(Interval){ NOTHING, .kind = JOB, .thing = queue[g], .t0 = run_from[g] - 20000,
                               .t1 = answered + options->gap_ns / 2, .thread = owner, .vm = vm[g],
                               .gpu = g, .a0 = run_from[g] - 10000, .a1 = e / 8 + 1, .key = e / 8 + 1 });

      if (e == 0)
        {
          facts->first_fault = fault;
          facts->first_migration = migration;
        }
      facts->n_faults++;
      facts->n_migrations++;
      facts->bytes_to_gpu[g] += RANGE_BYTES;

      run_from[g] = answered + 2000;
      at = answered + 20000 +
           g_rand_int_range (writer.random, 0, (int) MIN (options->gap_ns * 2, G_MAXINT));

      /* Now and then the CPU looks at its memory and takes it back */
      if (e % 13 == 12)
        {
          gint64 start = answered + 6000, end = start + 180000;

          interval (&writer,
                    &(Interval){ NOTHING, .kind = MIGRATION, .thing = migration_lane[g],
                                 .t0 = start, .t1 = end, .thread = owner, .object = range[r],
                                 .vm = vm[g], .gpu = g, .va = va, .bytes = RANGE_BYTES,
                                 .src = target, .dst = SYSTEM, .cause = 3, .a0 = RANGE_BYTES });
          interval (&writer, &(Interval){ NOTHING, .kind = RANGE_STATE, .thing = range[r],
                                          .t0 = since[r], .t1 = end, .sub = 2, .dst = g,
                                          .vm = vm[0], .va = va, .bytes = RANGE_BYTES });
          hold (&writer, lock[2], owner, place, 1, start, start, end);
          since[r] = end;
          where[r] = 0;
          facts->n_migrations++;
          facts->bytes_to_system += RANGE_BYTES;
          at = MAX (at, end + 5000);
        }
    }

  for (guint c = 0; c < options->crowd; c++)
    hold (&writer, lock[5], worker[0][c % 2], place, 0, at + (gint64) c * 1000000 / options->crowd,
          at + (gint64) c * 1000000 / options->crowd,
          at + (gint64) c * 1000000 / options->crowd + MAX (500000 / options->crowd, 1));
  if (options->crowd > 0)
    at += 1000000;

  for (guint r = 0; r < options->ranges; r++)
    interval (&writer,
              &(Interval){ NOTHING, .kind = RANGE_STATE, .thing = range[r], .t0 = since[r],
                           .t1 = options->open ? -1 : at, .sub = where[r] == 0 ? 1 : 2,
                           .dst = where[r] == 0 ? -1 : where[r] - 256, .vm = vm[0],
                           .va = G_GINT64_CONSTANT (0x7f3a00000000) + (gint64) r * RANGE_BYTES,
                           .bytes = RANGE_BYTES });
  point (&writer, 2, gpu[0], at, -1, "workload verified", 0);
  for (guint v = 0; v < options->vms; v++)
    {
      gint64 its_process = v % 3 == 0
                             ? thing (&writer, THING_PROCESS, 900 + v, -1, 0, "xe_vm", 0, 0, -1, -1)
                             : process;
      gint64 its_vm;

      process = its_process;
      its_vm = thing (&writer, THING_GPU_VM, 100 + v, v % 2, its_process, NULL, 0, 0, 0, 100 + v);
      interval (&writer, &(Interval){ NOTHING, .kind = BIND, .thing = its_vm,
                                      .t0 = 500000 + v * 1000, .t1 = 500500 + v * 1000, .sub = 0,
                                      .gpu = v % 2, .va = 4096, .bytes = 4096 });
    }
  facts->length_ns = at;
  {
    g_autofree char *run = g_strdup_printf (
      "INSERT INTO run (t0, t1, closed, start_monotonic_ns, start_realtime_ns, pid)"
      " VALUES (0, %" G_GINT64_FORMAT ", %d, 0, 0, 1)",
      at, !options->open);

    execute (writer.db, run);
  }

  count_density (writer.db);
  execute (writer.db, "COMMIT");
  g_rand_free (writer.random);
  close_database (&writer);
}

/* Adds short holds of @lock from @at_ns on, as a live writer would */
void
synthetic_log_append (const char *path,
                      gint64      at_ns,
                      guint       holds,
                      gint64      lock)
{
  Writer writer = { 0 };

  open_database (&writer, path);
  execute (writer.db, "BEGIN");
  prepare_all (&writer);
  for (guint h = 0; h < holds; h++)
    hold (&writer, lock, 10, -1, 0, at_ns + h * 2000, at_ns + h * 2000, at_ns + h * 2000 + 1000);
  execute (writer.db, "COMMIT");
  close_database (&writer);
}

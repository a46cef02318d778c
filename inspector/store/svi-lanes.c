/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-lanes.h"

#include "svi-text.h"

#include <string.h>

/* A lock class or a VM with more lanes than this starts collapsed */
#define FOLD_ABOVE 24

/* Up to this many VMs are shown one below the other; more are grouped by process, and start
 * collapsed
 */
#define FLAT_VMS 4

typedef struct
{
  gint64  id;
  gint64  parent;
  gint64  gpu;
  gint64  key;
  gint64  va;
  guint64 bytes;
  gint64  t0;
  gint64  weight;
  char   *kind;
  char   *name;
} Thing;

static void
thing_free (gpointer data)
{
  Thing *thing = data;

  g_free (thing->kind);
  g_free (thing->name);
  g_free (thing);
}

static gint64
column_or (sqlite3_stmt *statement,
           int           column,
           gint64        fallback)
{
  return sqlite3_column_type (statement, column) == SQLITE_NULL
           ? fallback
           : sqlite3_column_int64 (statement, column);
}

static char *
column_text (sqlite3_stmt *statement,
             int           column)
{
  const char *text = (const char *) sqlite3_column_text (statement, column);

  return text != NULL && *text != '\0' ? g_utf8_make_valid (text, -1) : NULL;
}

/* Everything that has a lane, in the order in which it is shown within its group */
static GPtrArray *
load_things (SviLog  *log,
             GError **error)
{
  g_autoptr (GPtrArray) things = g_ptr_array_new_with_free_func (thing_free);
  sqlite3_stmt *statement, *count;

  statement = svi_log_prepare (
    log,
    "SELECT th.id, th.kind, th.parent_id, th.gpu, th.key, th.va, th.bytes, th.name, th.t0"
    " FROM thing th"
    " WHERE EXISTS (SELECT 1 FROM interval i WHERE i.thing_id = th.id)"
    " ORDER BY th.gpu, th.va, th.key, th.id",
    error);
  if (statement == NULL)
    return NULL;

  while (svi_log_step (log, statement))
    {
      Thing *thing = g_new0 (Thing, 1);

      thing->id = sqlite3_column_int64 (statement, 0);
      thing->kind = column_text (statement, 1);
      thing->parent = column_or (statement, 2, 0);
      thing->gpu = column_or (statement, 3, -1);
      thing->key = sqlite3_column_int64 (statement, 4);
      thing->va = column_or (statement, 5, 0);
      thing->bytes = (guint64) column_or (statement, 6, 0);
      thing->name = column_text (statement, 7);
      thing->t0 = sqlite3_column_int64 (statement, 8);
      g_ptr_array_add (things, thing);
    }

  /* How busy each is, from the few buckets of the coarsest density level */
  count = svi_log_prepare (log, "SELECT sum(count) FROM density WHERE thing_id = ? AND level = 4",
                           NULL);
  for (guint i = 0; i < things->len && count != NULL; i++)
    {
      Thing *thing = g_ptr_array_index (things, i);

      sqlite3_reset (count);
      sqlite3_bind_int64 (count, 1, thing->id);
      if (svi_log_step (log, count))
        thing->weight = sqlite3_column_int64 (count, 0);
      sqlite3_reset (count);
    }
  return g_steal_pointer (&things);
}

static void
load_names (SviLog     *log,
            SviCatalog *catalog)
{
  sqlite3_stmt *statement;
  guint number = 0;

  /* Threads are numbered by their order of appearance: the first dozen have a colour each */
  statement = svi_log_prepare (log, "SELECT id, comm, tid FROM thread ORDER BY id", NULL);
  while (svi_log_step (log, statement))
    {
      gint64 id = sqlite3_column_int64 (statement, 0);
      g_autofree char *comm = column_text (statement, 1);

      g_hash_table_insert (catalog->names, g_memdup2 (&id, sizeof id),
                           g_strdup_printf ("%s %" G_GINT64_FORMAT, comm != NULL ? comm : "thread",
                                            (gint64) sqlite3_column_int64 (statement, 2)));
      g_hash_table_insert (catalog->tints, g_memdup2 (&id, sizeof id), GUINT_TO_POINTER (number++));
    }

  statement = svi_log_prepare (
    log,
    "SELECT id, kind, name, key FROM thing"
    " WHERE kind IN ('place', 'exec_queue', 'process', 'gpu_vm', 'lock', 'engine', 'bo')",
    NULL);
  while (svi_log_step (log, statement))
    {
      gint64 id = sqlite3_column_int64 (statement, 0);
      g_autofree char *kind = column_text (statement, 1);
      g_autofree char *name = column_text (statement, 2);
      gint64 key = sqlite3_column_int64 (statement, 3);
      char *text;

      if (name != NULL)
        text = g_steal_pointer (&name);
      else if (g_strcmp0 (kind, "exec_queue") == 0)
        text = g_strdup_printf ("Queue %" G_GINT64_FORMAT, key);
      else if (g_strcmp0 (kind, "gpu_vm") == 0)
        text = g_strdup_printf ("VM %" G_GINT64_FORMAT, key);
      else if (g_strcmp0 (kind, "bo") == 0)
        text = g_strdup_printf ("BO %" G_GINT64_FORMAT, key);
      else
        text = g_strdup_printf ("%s %" G_GINT64_FORMAT, kind, key);

      g_hash_table_insert (catalog->names, g_memdup2 (&id, sizeof id), text);
    }
}

static char *
address (gint64 va)
{
  return g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", (guint64) va);
}

static gboolean
is_kind (const Thing *thing,
         const char  *kind)
{
  return g_strcmp0 (thing->kind, kind) == 0;
}

/* "gpu0 vcs1" is vcs1 below the heading of its GPU */
static char *
short_name (const Thing *thing)
{
  g_autofree char *prefix = g_strdup_printf ("gpu%" G_GINT64_FORMAT " ", thing->gpu);

  if (thing->name == NULL)
    return g_strdup_printf ("%s %" G_GINT64_FORMAT, thing->kind, thing->key);
  return g_strdup (g_str_has_prefix (thing->name, prefix) ? thing->name + strlen (prefix)
                                                          : thing->name);
}

static void
add_things (SviCatalog *catalog,
            GPtrArray  *things,
            const char *kind,
            SviLaneKind lane_kind,
            int         group,
            gint64      gpu,
            gint64      parent,
            const char *prefix)
{
  for (guint i = 0; i < things->len; i++)
    {
      const Thing *thing = g_ptr_array_index (things, i);
      g_autofree char *title = NULL;
      g_autofree char *subtitle = NULL;
      g_autofree char *path = NULL;
      SviLane *lane;

      if (!is_kind (thing, kind) || (gpu >= 0 && thing->gpu != gpu) ||
          (parent > 0 && thing->parent != parent))
        continue;

      path = g_strdup_printf ("%s/%" G_GINT64_FORMAT, prefix, thing->id);
      switch (lane_kind)
        {
        case SVI_LANE_RANGE:
          title = address (thing->va);
          subtitle = svi_text_bytes (thing->bytes);
          break;
        case SVI_LANE_QUEUE:
          title = g_strdup_printf ("Queue %" G_GINT64_FORMAT, thing->key);
          break;
        case SVI_LANE_ENGINE:
          title = short_name (thing);
          break;
        case SVI_LANE_VM:
          title = g_strdup ("Binds, invalidations");
          break;
        case SVI_LANE_FLUSH:
          title = g_strdup ("TLB flushes");
          break;
        case SVI_LANE_FAULT:
          title = g_strdup ("Faults");
          break;
        case SVI_LANE_COPY:
          title = g_strdup (is_kind (thing, "migration_lane") ? "Migrations" : "Copies");
          break;
        default:
          title = thing->name != NULL
                    ? g_strdup (thing->name)
                    : g_strdup_printf ("%s %" G_GINT64_FORMAT, thing->kind, thing->key);
          break;
        }

      lane = svi_catalog_add (catalog, lane_kind, group, thing->id, path, title, subtitle);
      lane->weight = thing->weight;
      if (lane_kind == SVI_LANE_FAULT || lane_kind == SVI_LANE_COPY || lane_kind == SVI_LANE_QUEUE)
        lane->rows = 2;
    }
}

static void
add_gpus (SviLog     *log,
          SviCatalog *catalog,
          GPtrArray  *things)
{
  sqlite3_stmt *statement = svi_log_prepare (
    log, "SELECT gpu, name, vram_bytes, id FROM gpu ORDER BY gpu", NULL);

  while (svi_log_step (log, statement))
    {
      gint64 gpu = sqlite3_column_int64 (statement, 0);
      g_autofree char *vram = svi_text_bytes ((guint64) sqlite3_column_int64 (statement, 2));
      g_autofree char *title = g_strdup_printf ("GPU %" G_GINT64_FORMAT, gpu);
      g_autofree char *subtitle = g_strdup_printf ("%s VRAM", vram);
      g_autofree char *path = g_strdup_printf ("gpu/%" G_GINT64_FORMAT, gpu);
      SviLane *group;
      int index;

      /* A log that several runs were written to names its GPUs once for each */
      if (svi_catalog_find (catalog, path) >= 0)
        continue;

      group = svi_catalog_add (catalog, SVI_LANE_GROUP, -1, sqlite3_column_int64 (statement, 3),
                               path, title,
                               sqlite3_column_int64 (statement, 2) > 0 ? subtitle : NULL);
      group->tint = svi_tint (SVI_TINT_GPU, (guint) gpu);
      catalog->n_gpus = MAX (catalog->n_gpus, (guint) gpu + 1);
      index = (int) svi_catalog_size (catalog) - 1;

      add_things (catalog, things, "engine", SVI_LANE_ENGINE, index, gpu, 0, path);
      add_things (catalog, things, "fault_lane", SVI_LANE_FAULT, index, gpu, 0, path);
      add_things (catalog, things, "migration_lane", SVI_LANE_COPY, index, gpu, 0, path);
      add_things (catalog, things, "copy_lane", SVI_LANE_COPY, index, gpu, 0, path);
      add_things (catalog, things, "tlb_lane", SVI_LANE_FLUSH, index, gpu, 0, path);
    }
}

typedef struct
{
  gint64 id;
  gint64 vm;
  gint64 gpu;
  gint64 process;
  gint64 tgid;
  gint64 t0;
  gint64 t1;
  guint  ranges;
  char  *comm;
} Vm;

static void
vm_free (gpointer data)
{
  Vm *vm = data;

  g_free (vm->comm);
  g_free (vm);
}

/* The VMs that something happened in, those of one process together, by the time they appeared */
static GPtrArray *
load_vms (SviLog    *log,
          GPtrArray *things)
{
  g_autoptr (GPtrArray) vms = g_ptr_array_new_with_free_func (vm_free);
  g_autoptr (GHashTable) used = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  sqlite3_stmt *statement;

  /* The value counts the ranges, and is one more so that it is never NULL */
  for (guint i = 0; i < things->len; i++)
    {
      const Thing *thing = g_ptr_array_index (things, i);
      gint64 vm = is_kind (thing, "gpu_vm")                                       ? thing->id
                  : is_kind (thing, "svm_range") || is_kind (thing, "exec_queue") ? thing->parent
                                                                                  : 0;
      guint ranges;

      if (vm == 0)
        continue;
      ranges = GPOINTER_TO_UINT (g_hash_table_lookup (used, &vm));
      g_hash_table_replace (used, g_memdup2 (&vm, sizeof vm),
                            GUINT_TO_POINTER (MAX (ranges, 1) + is_kind (thing, "svm_range")));
    }

  statement = svi_log_prepare (
    log,
    "SELECT v.id, v.vm, v.gpu, p.comm, p.tgid, p.id, v.t0, v.t1 FROM gpu_vm v"
    " LEFT JOIN process p ON p.id = v.process_id"
    " ORDER BY coalesce(p.t0, v.t0), coalesce(p.id, 0), v.t0, v.id",
    NULL);
  while (svi_log_step (log, statement))
    {
      gint64 id = sqlite3_column_int64 (statement, 0);
      guint ranges = GPOINTER_TO_UINT (g_hash_table_lookup (used, &id));
      Vm *vm;

      if (ranges == 0)
        continue;

      vm = g_new0 (Vm, 1);
      vm->id = id;
      vm->ranges = ranges - 1;
      vm->vm = sqlite3_column_int64 (statement, 1);
      vm->gpu = column_or (statement, 2, -1);
      vm->comm = column_text (statement, 3);
      vm->tgid = column_or (statement, 4, 0);
      vm->process = column_or (statement, 5, 0);
      vm->t0 = sqlite3_column_int64 (statement, 6);
      vm->t1 = column_or (statement, 7, -1);
      g_ptr_array_add (vms, vm);
    }
  return g_steal_pointer (&vms);
}

/* The lanes of one VM below the group @index */
static void
add_vm_lanes (SviCatalog *catalog,
              GPtrArray  *things,
              const Vm   *vm,
              int         index,
              const char *path)
{
  for (guint i = 0; i < things->len; i++)
    {
      const Thing *thing = g_ptr_array_index (things, i);
      g_autofree char *lane_path = NULL;
      SviLane *lane;

      if (thing->id != vm->id)
        continue;
      lane_path = g_strdup_printf ("%s/binds", path);
      lane = svi_catalog_add (catalog, SVI_LANE_VM, index, vm->id, lane_path, "Binds, zaps", NULL);
      lane->rows = 2;
      lane->weight = thing->weight;
      break;
    }

  add_things (catalog, things, "exec_queue", SVI_LANE_QUEUE, index, -1, vm->id, path);
  if (vm->ranges > 0)
    {
      g_autofree char *ranges_path = g_strdup_printf ("%s/ranges", path);
      g_autofree char *count = g_strdup_printf ("%u", vm->ranges);
      SviLane *group = svi_catalog_add (catalog, SVI_LANE_GROUP, index, 0, ranges_path,
                                        "SVM ranges", count);

      group->folded = vm->ranges > 4 * FOLD_ABOVE;
      add_things (catalog, things, "svm_range", SVI_LANE_RANGE,
                  (int) svi_catalog_size (catalog) - 1, -1, vm->id, ranges_path);
    }
}

static void
add_vms (SviLog     *log,
         SviCatalog *catalog,
         GPtrArray  *things)
{
  g_autoptr (GPtrArray) vms = load_vms (log, things);
  gboolean many = vms->len > FLAT_VMS;
  guint next;

  for (guint first = 0; first < vms->len; first = next)
    {
      const Vm *head = g_ptr_array_index (vms, first);
      g_autofree char *process_path = g_strdup_printf ("process/%" G_GINT64_FORMAT, head->process);
      g_autofree char *process_title = NULL;
      int process = -1;

      for (next = first + 1; next < vms->len; next++)
        if (((const Vm *) g_ptr_array_index (vms, next))->process != head->process)
          break;

      if (head->comm != NULL)
        process_title = g_strdup_printf ("%s %" G_GINT64_FORMAT, head->comm, head->tgid);

      /* A log of a whole test run has a VM or two per test: then each process is a group */
      if (many && process_title != NULL && next - first > 1)
        {
          g_autofree char *count = g_strdup_printf ("%u VMs", next - first);
          SviLane *group = svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 0, process_path,
                                            process_title, count);

          group->folded = TRUE;
          group->alive_from = head->t0;
          process = (int) svi_catalog_size (catalog) - 1;
          for (guint i = first; i < next; i++)
            {
              const Vm *vm = g_ptr_array_index (vms, i);

              if (vm->t1 >= 0 && (i == first || group->alive_to >= 0))
                group->alive_to = MAX (group->alive_to, vm->t1);
              else if (vm->t1 < 0)
                group->alive_to = -1;
            }
        }

      for (guint i = first; i < next; i++)
        {
          const Vm *vm = g_ptr_array_index (vms, i);
          g_autofree char *path = g_strdup_printf ("vm/%" G_GINT64_FORMAT, vm->id);
          g_autofree char *title = g_strdup_printf ("VM %" G_GINT64_FORMAT, vm->vm);
          gboolean alone = many && process < 0 && process_title != NULL;
          SviLane *group;

          group = svi_catalog_add (catalog, SVI_LANE_GROUP, process, vm->id, path,
                                   alone ? process_title : title,
                                   alone ? title : process < 0 ? process_title : NULL);
          if (vm->gpu >= 0)
            group->tint = svi_tint (SVI_TINT_GPU, (guint) vm->gpu);
          group->alive_from = vm->t0;
          group->alive_to = vm->t1;
          group->folded = many && process < 0;
          add_vm_lanes (catalog, things, vm, (int) svi_catalog_size (catalog) - 1, path);
        }
    }
}

typedef struct
{
  gint64 id;
  gint64 lock;
  gint64 gpu;
  gint64 weight;
  gint64 class_id;
  char  *class_name;
  char  *type;
  char  *name;
} Lock;

static void
lock_free (gpointer data)
{
  Lock *lock = data;

  g_free (lock->class_name);
  g_free (lock->type);
  g_free (lock->name);
  g_free (lock);
}

/* The locks that were taken, outermost class first, so that nesting reads from top to bottom */
static GPtrArray *
load_locks (SviLog    *log,
            GPtrArray *things)
{
  g_autoptr (GPtrArray) locks = g_ptr_array_new_with_free_func (lock_free);
  g_autoptr (GHashTable) with_lane = g_hash_table_new (g_int64_hash, g_int64_equal);
  sqlite3_stmt *statement;

  for (guint i = 0; i < things->len; i++)
    {
      Thing *thing = g_ptr_array_index (things, i);

      if (is_kind (thing, "lock"))
        g_hash_table_insert (with_lane, &thing->id, thing);
    }

  statement = svi_log_prepare (log,
                               "SELECT l.id, l.lock, l.name, l.gpu, l.class_id, l.class,"
                               " (SELECT c.type FROM lock_class c WHERE c.id = l.class_id)"
                               " FROM lock l ORDER BY coalesce(l.rank, 999), l.class, l.t0, l.id",
                               NULL);
  while (svi_log_step (log, statement))
    {
      gint64 id = sqlite3_column_int64 (statement, 0);
      Lock *lock;

      if (!g_hash_table_contains (with_lane, &id))
        continue;

      lock = g_new0 (Lock, 1);
      lock->id = id;
      lock->weight = ((const Thing *) g_hash_table_lookup (with_lane, &id))->weight;
      lock->lock = sqlite3_column_int64 (statement, 1);
      lock->name = column_text (statement, 2);
      lock->gpu = column_or (statement, 3, -1);
      lock->class_id = column_or (statement, 4, 0);
      lock->class_name = column_text (statement, 5);
      lock->type = column_text (statement, 6);
      if (lock->class_name == NULL)
        lock->class_name = g_strdup ("other");
      g_ptr_array_add (locks, lock);
    }
  return g_steal_pointer (&locks);
}

static void
add_locks (SviLog     *log,
           SviCatalog *catalog,
           GPtrArray  *things)
{
  g_autoptr (GPtrArray) locks = load_locks (log, things);
  g_autofree char *summary = NULL;
  int top, group;
  guint next;

  if (locks->len == 0)
    return;

  summary = g_strdup_printf ("%u, outermost first", locks->len);
  svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 0, "locks", "Locks", summary);
  top = (int) svi_catalog_size (catalog) - 1;

  for (guint first = 0; first < locks->len; first = next)
    {
      const Lock *head = g_ptr_array_index (locks, first);
      g_autofree char *path = g_strdup_printf ("locks/%s", head->class_name);

      for (next = first + 1; next < locks->len; next++)
        if (strcmp (((const Lock *) g_ptr_array_index (locks, next))->class_name,
                    head->class_name) != 0)
          break;

      /* Each load of the driver names its classes anew: the same name is the same class. A class
       * with one lock needs no heading of its own
       */
      group = top;
      if (next - first > 1)
        {
          g_autofree char *count = g_strdup_printf ("%u × %s", next - first,
                                                    head->type != NULL ? head->type : "lock");
          SviLane *lane = svi_catalog_add (catalog, SVI_LANE_GROUP, top, head->class_id, path,
                                           head->class_name, count);

          lane->folded = next - first > FOLD_ABOVE;
          group = (int) svi_catalog_size (catalog) - 1;
        }

      for (guint i = first; i < next; i++)
        {
          const Lock *lock = g_ptr_array_index (locks, i);
          g_autofree char *lane_path = g_strdup_printf ("%s/%" G_GINT64_FORMAT, path, lock->id);
          g_autofree char *title = NULL;
          g_autofree char *subtitle = NULL;
          SviLane *lane;

          if (lock->name != NULL)
            title = g_strdup (lock->name);
          else if (next - first == 1)
            title = g_strdup (lock->class_name);
          else
            title = g_strdup_printf ("%s %" G_GINT64_FORMAT, lock->class_name, lock->lock);

          if (lock->gpu >= 0 && next - first > 1)
            subtitle = g_strdup_printf ("GPU %" G_GINT64_FORMAT, lock->gpu);
          else
            subtitle = g_strdup (lock->type);

          lane = svi_catalog_add (catalog, SVI_LANE_LOCK, group, lock->id, lane_path, title,
                                  subtitle);
          lane->weight = lock->weight;
          lane->rows = g_strcmp0 (lock->type, "rwsem") == 0 || g_strcmp0 (lock->type, "mmap") == 0
                         ? 2
                         : 1;
        }
    }
}

/* Reads which lanes the log has. Call between svi_log_begin() and svi_log_end(). */
SviCatalog *
svi_lanes_load (SviLog       *log,
                GCancellable *cancellable,
                GError      **error)
{
  g_autoptr (SviCatalog) catalog = svi_catalog_new ();
  g_autoptr (GPtrArray) things = NULL;

  g_return_val_if_fail (log != NULL, NULL);

  things = load_things (log, error);
  if (things == NULL)
    return NULL;

  load_names (log, catalog);
  svi_catalog_add (catalog, SVI_LANE_MARKS, -1, 0, "marks", "Notes and warnings", NULL);
  add_gpus (log, catalog, things);
  add_vms (log, catalog, things);
  add_locks (log, catalog, things);

  /* Whatever has intervals is shown, even if this version knows no place for it */
  {
    g_autoptr (GHashTable) shown = g_hash_table_new (g_int64_hash, g_int64_equal);
    int others = -1;

    for (guint i = 0; i < catalog->lanes->len; i++)
      {
        SviLane *lane = g_ptr_array_index (catalog->lanes, i);

        if (lane->kind != SVI_LANE_GROUP)
          g_hash_table_add (shown, &lane->key);
      }
    for (guint i = 0; i < things->len; i++)
      {
        const Thing *thing = g_ptr_array_index (things, i);
        const char *name = svi_catalog_name (catalog, thing->id);
        g_autofree char *path = NULL;
        g_autofree char *title = NULL;

        if (g_hash_table_contains (shown, &thing->id))
          continue;
        if (others < 0)
          {
            svi_catalog_add (catalog, SVI_LANE_GROUP, -1, 0, "others", "Other", NULL);
            others = (int) svi_catalog_size (catalog) - 1;
          }
        path = g_strdup_printf ("others/%" G_GINT64_FORMAT, thing->id);
        title = name != NULL ? g_strdup (name)
                             : g_strdup_printf ("%s %" G_GINT64_FORMAT, thing->kind, thing->key);
        svi_catalog_add (catalog, SVI_LANE_OTHER, others, thing->id, path, title, thing->kind);
      }
  }

  /* Children follow their group, so that one walk backwards sums everything up */
  for (guint i = catalog->lanes->len; i-- > 0;)
    {
      const SviLane *lane = g_ptr_array_index (catalog->lanes, i);

      if (lane->parent >= 0)
        ((SviLane *) g_ptr_array_index (catalog->lanes, lane->parent))->weight += lane->weight;
    }

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  return g_steal_pointer (&catalog);
}

-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- The event log, schema version 1. This file is the one place that declares
-- it: the writer executes it on a new file, docs/event-log.md explains it,
-- and a test compares the enumerations below with the C headers.
--
-- Conventions
--   * Names with a leading underscore are the writer's tables. Everybody else
--     uses the views: they stay when tables change.
--   * Times are integers, nanoseconds of the device's clock since the log was
--     created (run.start_monotonic_ns and run.start_realtime_ns tie a run's
--     t0 to the host's clocks). Driver times were mapped to that clock; see
--     clock_sample for the error bound.
--   * NULL means "none" or "not known". An interval whose t1 is NULL had not
--     ended when its run ended, or has not yet: the view interval shows the
--     time of the run's last commit as its t_end.
--   * Ids (id, *_id) are ids of this file. Keys (key) are the ids that driver
--     or device use; they are unique within one session and kind.
--   * A short interval lasts at most 2^26 ns (67 ms), a long one more or
--     is open. Density counts short ones only; the few long ones are found
--     by the index on them, so that any window of any lane is drawn from
--       thing_id = ? AND t0 BETWEEN a - 67108864 AND b          and
--       thing_id = ? AND t0 < a AND (t1 IS NULL OR t1 - t0 > 67108864).

PRAGMA application_id = 1398164821;
PRAGMA user_version = 1;

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

-- Every enumeration: enum says which one, label what a value means.
CREATE TABLE enum (
    enum  TEXT    NOT NULL,
    value INTEGER NOT NULL,
    label TEXT    NOT NULL,
    PRIMARY KEY (enum, value)
) STRICT, WITHOUT ROWID;

-- One row for each device process that wrote this log. closed = 0: it still
-- writes, or it was killed; t1 is the time of its last commit either way.
CREATE TABLE run (
    id                 INTEGER PRIMARY KEY,
    t0                 INTEGER NOT NULL,
    t1                 INTEGER NOT NULL,
    closed             INTEGER NOT NULL DEFAULT 0,
    start_monotonic_ns INTEGER NOT NULL,
    start_realtime_ns  INTEGER NOT NULL,
    pid                INTEGER NOT NULL,
    creator            TEXT
) STRICT;

-- One row for each load of a driver in the guest, and row 0 for the device.
CREATE TABLE session (
    id            INTEGER PRIMARY KEY,
    key           INTEGER NOT NULL,
    t0            INTEGER NOT NULL,
    t1            INTEGER,
    gpu           INTEGER,
    rings         INTEGER,
    ring_records  INTEGER,
    driver        TEXT,
    kernel        TEXT,
    records       INTEGER NOT NULL DEFAULT 0,
    bad_records   INTEGER NOT NULL DEFAULT 0,
    torn_records  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Pieces of the mapping from the guest's clock to the device's:
-- t = t_device + (guest - guest_ns) * (1 + rate_ppb / 1e9), from guest_ns
-- until the next row of the same session; wrong by at most error_ns.
CREATE TABLE clock_sample (
    id         INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL,
    guest_ns   INTEGER NOT NULL,
    t_device   INTEGER NOT NULL,
    rate_ppb   INTEGER NOT NULL,
    error_ns   INTEGER NOT NULL
) STRICT;
CREATE INDEX _clock_sample_t ON clock_sample (session_id, t_device);

-- Records that were lost, counted, with the span of time that they are from.
CREATE TABLE lost (
    id         INTEGER PRIMARY KEY,
    session_id INTEGER NOT NULL,
    source     INTEGER NOT NULL,        -- enum lost_source
    ring       INTEGER,
    t0         INTEGER NOT NULL,
    t1         INTEGER NOT NULL,
    count      INTEGER NOT NULL
) STRICT;

-- Things: whatever events are about. Lanes of a timeline are things.
CREATE TABLE _thing (
    id         INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,        -- enum thing_kind
    session_id INTEGER NOT NULL,
    key        INTEGER NOT NULL,
    gpu        INTEGER,
    parent_id  INTEGER,                 -- gpu, vm, process or lock class
    name       TEXT,
    t0         INTEGER NOT NULL,
    t1         INTEGER,
    va         INTEGER,
    bytes      INTEGER,
    sub        INTEGER,                 -- kind within the kind
    a0         INTEGER,
    a1         INTEGER
) STRICT;
CREATE INDEX _thing_kind ON _thing (kind, session_id, key);
CREATE INDEX _thing_parent ON _thing (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE _interval (
    id        INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL,         -- enum interval_kind
    thing_id  INTEGER NOT NULL,         -- its lane
    t0        INTEGER NOT NULL,
    t1        INTEGER,
    clock     INTEGER NOT NULL,         -- enum clock
    sub       INTEGER,                  -- state, mode, access, op, event
    thread_id INTEGER,
    object_id INTEGER,                  -- range, bo, gpu_vma, queue or place
    n         INTEGER,                  -- attempts, flags
    vm_id     INTEGER,
    parent_id INTEGER,                  -- the interval that caused this one
    key       INTEGER,
    gpu       INTEGER,
    va        INTEGER,
    bytes     INTEGER,
    src       INTEGER,                  -- place: enum place, 256 + n: GPU n
    dst       INTEGER,
    cause     INTEGER,
    outcome   INTEGER,
    result    INTEGER,                  -- 0 or -errno
    a0        INTEGER,
    a1        INTEGER,
    a2        INTEGER,
    cut       INTEGER                   -- 1: ended because its session did
) STRICT;
CREATE INDEX _interval_kind ON _interval (kind, t0);
CREATE INDEX _interval_thing ON _interval (thing_id, t0);
CREATE INDEX _interval_thread ON _interval (thread_id, t0)
    WHERE thread_id IS NOT NULL;
CREATE INDEX _interval_long ON _interval (thing_id, t0)
    WHERE t1 IS NULL OR t1 - t0 > 67108864;
CREATE INDEX _interval_object ON _interval (object_id, t0)
    WHERE object_id IS NOT NULL AND kind NOT IN (2, 3);
CREATE INDEX _interval_parent ON _interval (parent_id)
    WHERE parent_id IS NOT NULL;

CREATE TABLE _point (
    id        INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL,         -- enum point_kind
    thing_id  INTEGER NOT NULL,
    t         INTEGER NOT NULL,
    clock     INTEGER NOT NULL,
    thread_id INTEGER,
    object_id INTEGER,
    vm_id     INTEGER,
    parent_id INTEGER,                  -- the interval that it belongs to
    gpu       INTEGER,
    key       INTEGER,
    va        INTEGER,
    bytes     INTEGER,
    a0        INTEGER,
    a1        INTEGER,
    a2        INTEGER,
    a3        INTEGER,
    result    INTEGER,
    text      TEXT
) STRICT;
CREATE INDEX _point_kind ON _point (kind, t);
CREATE INDEX _point_thing ON _point (thing_id, t);
CREATE INDEX _point_parent ON _point (parent_id) WHERE parent_id IS NOT NULL;

-- Level of detail: how many short intervals and points begin in a bucket of
-- a lane, and how long the intervals cover it. Level l has buckets of
-- 2^(22 + 4 l) ns: 4.2 ms, 67 ms, 1.07 s, 17 s, 275 s. Intervals are counted
-- in the bucket where they begin; busy_ns is cut at bucket borders. thing_id
-- 0 is the sum over all lanes. Points have kind + 65536.
CREATE TABLE _density (
    thing_id INTEGER NOT NULL,
    level    INTEGER NOT NULL,
    bucket   INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    busy_ns  INTEGER NOT NULL,
    PRIMARY KEY (thing_id, level, bucket, kind)
) STRICT, WITHOUT ROWID;

-- Enumerations -----------------------------------------------------------

INSERT INTO enum (enum, value, label) VALUES
    ('clock', 0, 'device'), ('clock', 1, 'driver'),

    ('lost_source', 0, 'driver_ring'), ('lost_source', 1, 'device_queue'),
    ('lost_source', 2, 'bad_records'), ('lost_source', 3, 'torn_records'),
    ('lost_source', 4, 'overwritten_rings'),
    ('lost_source', 5, 'write_failed'),

    ('place', 0, 'none'), ('place', 1, 'system'), ('place', 2, 'mixed'),

    ('thing_kind', 1, 'gpu'), ('thing_kind', 2, 'engine'),
    ('thing_kind', 3, 'copy_lane'), ('thing_kind', 4, 'fault_lane'),
    ('thing_kind', 5, 'migration_lane'), ('thing_kind', 6, 'tlb_lane'),
    ('thing_kind', 7, 'process'), ('thing_kind', 8, 'thread'),
    ('thing_kind', 9, 'gpu_vm'), ('thing_kind', 10, 'svm_range'),
    ('thing_kind', 11, 'gpu_vma'), ('thing_kind', 12, 'bo'),
    ('thing_kind', 13, 'lock_class'), ('thing_kind', 14, 'lock'),
    ('thing_kind', 15, 'exec_queue'), ('thing_kind', 16, 'place'),
    ('thing_kind', 17, 'link'), ('thing_kind', 18, 'guest'),

    ('interval_kind', 1, 'range_state'), ('interval_kind', 2, 'lock_wait'),
    ('interval_kind', 3, 'lock_hold'), ('interval_kind', 4, 'migration'),
    ('interval_kind', 5, 'fault'), ('interval_kind', 6, 'job'),
    ('interval_kind', 7, 'engine_run'), ('interval_kind', 8, 'copy'),
    ('interval_kind', 9, 'bind'), ('interval_kind', 10, 'invalidation'),
    ('interval_kind', 11, 'eviction'), ('interval_kind', 12, 'exec'),
    ('interval_kind', 13, 'tlb_flush'), ('interval_kind', 14, 'race_hold'),

    -- 1..159 are the driver's record types (enum svmgpu_trace_type),
    -- 256.. the device's (EventlogKind)
    ('point_kind', 2, 'mark_set'),
    ('point_kind', 36, 'bo_moved'), ('point_kind', 37, 'bo_purged'),
    ('point_kind', 51, 'range_invalidated'),
    ('point_kind', 52, 'userptr_invalidated'),
    ('point_kind', 53, 'scan_completed'),
    ('point_kind', 64, 'fault_picked'), ('point_kind', 65, 'fault_vma_found'),
    ('point_kind', 66, 'fault_retried'),
    ('point_kind', 67, 'fault_escalated'),
    ('point_kind', 68, 'fault_answered'),
    ('point_kind', 81, 'exec_locked'), ('point_kind', 82, 'vma_revalidated'),
    ('point_kind', 83, 'pages_obtained'), ('point_kind', 84, 'seq_begun'),
    ('point_kind', 85, 'seq_checked'), ('point_kind', 86, 'fence_published'),
    ('point_kind', 87, 'objects_unlocked'),
    ('point_kind', 96, 'pt_written'), ('point_kind', 97, 'pt_zapped'),
    ('point_kind', 98, 'pt_freed'), ('point_kind', 99, 'list_added'),
    ('point_kind', 100, 'list_removed'),
    ('point_kind', 146, 'user_fence_signalled'),
    ('point_kind', 259, 'client_connected'),
    ('point_kind', 260, 'client_disconnected'),
    ('point_kind', 261, 'gpu_reset'), ('point_kind', 262, 'engine_reset'),
    ('point_kind', 273, 'fault_answer_received'),
    ('point_kind', 274, 'access_replayed'),
    ('point_kind', 275, 'context_killed'),
    ('point_kind', 304, 'flushed'),
    ('point_kind', 305, 'stale_hit_found'),
    ('point_kind', 320, 'fence_written'),
    ('point_kind', 321, 'interrupt_raised'),
    ('point_kind', 322, 'doorbell_rung'),
    ('point_kind', 323, 'access_counted'),
    ('point_kind', 336, 'page_state_changed'),
    ('point_kind', 352, 'fault_injected'),
    ('point_kind', 353, 'input_rejected'),
    ('point_kind', 354, 'link_changed'),
    ('point_kind', 355, 'note_written'),

    ('state', 0, 'unpopulated'), ('state', 1, 'system'), ('state', 2, 'gpu'),
    ('state', 3, 'other_gpu'), ('state', 4, 'mixed'),
    ('state', 5, 'mixed_device'),

    ('cause', 0, 'unknown'), ('cause', 1, 'fault'), ('cause', 2, 'prefetch'),
    ('cause', 3, 'cpu_fault'), ('cause', 4, 'eviction'),
    ('cause', 5, 'madvise'), ('cause', 6, 'exec'), ('cause', 7, 'bind'),
    ('cause', 8, 'unplug'), ('cause', 9, 'unmap'),

    ('access', 0, 'read'), ('access', 1, 'write'), ('access', 2, 'atomic'),
    ('access', 3, 'fetch'), ('access', 4, 'fence'),

    ('fault_outcome', 0, 'open'), ('fault_outcome', 1, 'served'),
    ('fault_outcome', 2, 'spurious'), ('fault_outcome', 3, 'refused'),
    ('fault_outcome', 4, 'dropped'), ('fault_outcome', 5, 'failed'),

    ('verdict', 0, 'unknown'), ('verdict', 1, 'no_vma'),
    ('verdict', 2, 'not_permitted'), ('verdict', 3, 'permitted'),

    ('retry', 0, 'unknown'), ('retry', 1, 'collision'),
    ('retry', 2, 'sequence'), ('retry', 3, 'range_unmapped'),
    ('retry', 4, 'migration_busy'), ('retry', 5, 'mixed_places'),
    ('retry', 6, 'garbage'), ('retry', 7, 'no_memory'),
    ('retry', 8, 'range_too_wide'), ('retry', 9, 'userptr'),

    ('lock_type', 0, 'mutex'), ('lock_type', 1, 'rwsem'),
    ('lock_type', 2, 'spin'), ('lock_type', 3, 'ww'),
    ('lock_type', 4, 'mmap'), ('lock_type', 5, 'vma'),
    ('lock_type', 6, 'folio'), ('lock_type', 7, 'pseudo'),

    ('lock_mode', 0, 'exclusive'), ('lock_mode', 1, 'shared'),

    ('lock_class', 1, 'asid'), ('lock_class', 2, 'bindq'),
    ('lock_class', 3, 'vm'), ('lock_class', 4, 'migrate'),
    ('lock_class', 5, 'mmap'), ('lock_class', 6, 'vma'),
    ('lock_class', 7, 'owner'), ('lock_class', 8, 'val'),
    ('lock_class', 9, 'vm_resv'), ('lock_class', 10, 'bo_resv'),
    ('lock_class', 11, 'gpuva'), ('lock_class', 12, 'vram'),
    ('lock_class', 13, 'folio'), ('lock_class', 14, 'notifier'),
    ('lock_class', 15, 'invalidated'), ('lock_class', 16, 'gc'),
    ('lock_class', 17, 'tlb'), ('lock_class', 18, 'copy'),
    ('lock_class', 19, 'signalling'), ('lock_class', 20, 'ring'),
    ('lock_class', 21, 'fault_queue'), ('lock_class', 22, 'reset'),
    ('lock_class', 23, 'svm_mm'), ('lock_class', 24, 'fault_ring'),
    ('lock_class', 25, 'copy_signal'), ('lock_class', 26, 'migration_ring'),
    ('lock_class', 27, 'context_ring'), ('lock_class', 28, 'vm_faults'),
    ('lock_class', 29, 'moves'), ('lock_class', 30, 'bar'),

    ('event', 0, 'unknown'), ('event', 1, 'unmap'), ('event', 2, 'clear'),
    ('event', 3, 'protection_vma'), ('event', 4, 'protection_page'),
    ('event', 5, 'soft_dirty'), ('event', 6, 'release'),
    ('event', 7, 'migrate'), ('event', 8, 'exclusive'),

    ('vma_kind', 0, 'bo'), ('vma_kind', 1, 'external_bo'),
    ('vma_kind', 2, 'userptr'), ('vma_kind', 3, 'null'),
    ('vma_kind', 4, 'mirror'),

    ('bind_op', 0, 'map'), ('bind_op', 1, 'unmap'), ('bind_op', 2, 'userptr'),
    ('bind_op', 3, 'unmap_all'), ('bind_op', 4, 'prefetch'),
    ('bind_op', 5, 'null'), ('bind_op', 6, 'mirror'), ('bind_op', 7, 'range'),
    ('bind_op', 8, 'rebind'),

    ('owner', 0, 'none'), ('owner', 1, 'exec'), ('owner', 2, 'bind'),
    ('owner', 3, 'fault'), ('owner', 4, 'prefetch'),
    ('owner', 5, 'invalidation'), ('owner', 6, 'eviction'),
    ('owner', 7, 'gc'), ('owner', 8, 'close'), ('owner', 9, 'rebind'),

    ('list', 0, 'partition'), ('list', 1, 'extobj'), ('list', 2, 'evict'),
    ('list', 3, 'invalidated'), ('list', 4, 'repin'), ('list', 5, 'rebind'),
    ('list', 6, 'gpuva'),

    ('page_state', 0, 'free'), ('page_state', 1, 'owned'),
    ('page_state', 2, 'migrating'), ('page_state', 3, 'poisoned'),

    ('run_end', 0, 'idle'), ('run_end', 1, 'preempted'),
    ('run_end', 2, 'faulted'), ('run_end', 3, 'reset'),
    ('run_end', 4, 'killed'), ('run_end', 5, 'waiting');

-- Things, one view per kind ------------------------------------------------

CREATE VIEW thing AS
    SELECT th.id, e.label AS kind, th.session_id, th.key, th.gpu,
           th.parent_id, th.name, th.t0, th.t1, th.va, th.bytes
    FROM _thing th
    JOIN enum e ON e.enum = 'thing_kind' AND e.value = th.kind;

CREATE VIEW gpu AS
    SELECT id, key AS gpu, name, bytes AS vram_bytes, t0, t1
    FROM _thing WHERE kind = 1;
CREATE VIEW engine AS
    SELECT id, gpu, sub AS engine, name, parent_id AS gpu_id, t0
    FROM _thing WHERE kind = 2;
CREATE VIEW process AS
    SELECT id, session_id, key AS tgid, name AS comm, t0
    FROM _thing WHERE kind = 7;
CREATE VIEW thread AS
    SELECT id, session_id, key AS tid, name AS comm,
           parent_id AS process_id, t0
    FROM _thing WHERE kind = 8;
CREATE VIEW gpu_vm AS
    SELECT id, session_id, key AS vm, gpu, name, parent_id AS process_id,
           t0, t1, sub AS flags, a0 AS asid
    FROM _thing WHERE kind = 9;
CREATE VIEW svm_range AS
    SELECT id, session_id, key AS range, gpu, parent_id AS vm_id, va, bytes,
           t0, t1
    FROM _thing WHERE kind = 10;
CREATE VIEW gpu_vma AS
    SELECT th.id, th.session_id, th.key AS vma, th.gpu,
           th.parent_id AS vm_id, e.label AS kind, th.va, th.bytes,
           th.a0 AS offset, th.a1 AS bo_id, th.t0, th.t1
    FROM _thing th
    LEFT JOIN enum e ON e.enum = 'vma_kind' AND e.value = th.sub
    WHERE th.kind = 11;
CREATE VIEW bo AS
    SELECT id, session_id, key AS bo, gpu, parent_id AS vm_id, bytes,
           sub AS placement, a0 AS flags, t0, t1
    FROM _thing WHERE kind = 12;
CREATE VIEW lock_class AS
    SELECT th.id, th.session_id, th.key AS lock_class, th.name,
           th.a0 AS rank, e.label AS type
    FROM _thing th
    LEFT JOIN enum e ON e.enum = 'lock_type' AND e.value = th.sub
    WHERE th.kind = 13;
CREATE VIEW lock AS
    SELECT l.id, l.session_id, l.key AS lock, l.name, l.gpu,
           l.a0 AS vm_id, l.a1 AS bo_id, c.id AS class_id, c.name AS class,
           c.key AS class_key, c.a0 AS rank, l.t0, l.t1
    FROM _thing l
    LEFT JOIN _thing c ON c.id = l.parent_id
    WHERE l.kind = 14;
CREATE VIEW exec_queue AS
    SELECT id, session_id, key AS queue, gpu, parent_id AS vm_id,
           sub AS engine, name, a0 AS flags, t0, t1
    FROM _thing WHERE kind = 15;

-- A lane is a thing that intervals or points lie on.
CREATE VIEW lane AS
    SELECT th.id AS thing_id, e.label AS kind, th.gpu, th.parent_id, th.name,
           th.key, th.t0, th.t1
    FROM _thing th
    JOIN enum e ON e.enum = 'thing_kind' AND e.value = th.kind
    WHERE EXISTS (SELECT 1 FROM _interval i WHERE i.thing_id = th.id)
       OR EXISTS (SELECT 1 FROM _point p WHERE p.thing_id = th.id);

-- Intervals, one view per kind ----------------------------------------------

CREATE VIEW range_state AS
    SELECT i.id, i.thing_id AS range_id, i.t0, i.t1, i.sub AS state_value,
           CASE i.sub WHEN 2 THEN 'GPU ' || i.dst ELSE e.label END AS state,
           i.dst AS owner_gpu, c.label AS cause, i.vm_id, i.gpu, i.va,
           i.bytes
    FROM _interval i
    JOIN enum e ON e.enum = 'state' AND e.value = i.sub
    LEFT JOIN enum c ON c.enum = 'cause' AND c.value = i.cause
    WHERE i.kind = 1;

CREATE VIEW lock_wait AS
    SELECT i.id, i.thing_id AS lock_id, i.t0, i.t1, i.t1 - i.t0 AS wait_ns,
           m.label AS mode, i.thread_id, i.object_id AS place_id,
           i.vm_id, i.n AS flags
    FROM _interval i
    JOIN enum m ON m.enum = 'lock_mode' AND m.value = i.sub
    WHERE i.kind = 2;

CREATE VIEW lock_hold AS
    SELECT i.id, i.thing_id AS lock_id, i.t0, i.t1, i.t1 - i.t0 AS hold_ns,
           m.label AS mode, i.thread_id, i.object_id AS place_id,
           i.vm_id, i.n AS flags
    FROM _interval i
    JOIN enum m ON m.enum = 'lock_mode' AND m.value = i.sub
    WHERE i.kind = 3;

CREATE VIEW migration AS
    SELECT i.id, i.key AS migration, i.gpu, i.t0, i.t1, i.object_id AS range_id,
           i.vm_id, i.thread_id, c.label AS cause, i.src, i.dst,
           coalesce(f.label, 'GPU ' || (i.src - 256)) AS from_place,
           coalesce(t.label, 'GPU ' || (i.dst - 256)) AS to_place,
           i.va, i.bytes, i.a0 AS moved_bytes, i.result,
           i.parent_id AS fault_id,
           i.a1 AS checksum_before, i.a2 AS checksum_after
    FROM _interval i
    LEFT JOIN enum c ON c.enum = 'cause' AND c.value = i.cause
    LEFT JOIN enum f ON f.enum = 'place' AND f.value = i.src
    LEFT JOIN enum t ON t.enum = 'place' AND t.value = i.dst
    WHERE i.kind = 4;

CREATE VIEW fault AS
    SELECT i.id, i.key AS fault, i.gpu, i.t0 AS t_raised,
           i.a0 AS t_picked, i.t1 AS t_answered, i.t1 - i.t0 AS latency_ns,
           i.va, a.label AS access, i.vm_id, i.thread_id,
           i.object_id AS range_id, i.n AS attempts, i.a1 AS retries,
           i.a2 AS tier, i.bytes AS answers, i.dst AS engine,
           i.src AS context, o.label AS outcome, v.label AS verdict, i.result
    FROM _interval i
    LEFT JOIN enum a ON a.enum = 'access' AND a.value = i.sub
    LEFT JOIN enum o ON o.enum = 'fault_outcome' AND o.value = i.outcome
    LEFT JOIN enum v ON v.enum = 'verdict' AND v.value = i.cause
    WHERE i.kind = 5;

CREATE VIEW job AS
    SELECT id, key AS job, gpu, thing_id AS queue_id, vm_id, thread_id,
           t0 AS t_armed, a0 AS t_submitted, t1 AS t_completed,
           a1 AS seqno, parent_id AS exec_id, result
    FROM _interval WHERE kind = 6;

CREATE VIEW engine_run AS
    SELECT i.id, i.gpu, i.thing_id AS engine_id, i.t0, i.t1,
           i.key AS context, i.a0 AS asid, e.label AS ended
    FROM _interval i
    LEFT JOIN enum e ON e.enum = 'run_end' AND e.value = i.outcome
    WHERE i.kind = 7;

CREATE VIEW copy AS
    SELECT i.id, i.key AS copy, i.gpu, i.t0, i.t1, i.src, i.dst,
           coalesce(f.label, 'GPU ' || (i.src - 256)) AS from_place,
           coalesce(t.label, 'GPU ' || (i.dst - 256)) AS to_place,
           i.bytes, i.result
    FROM _interval i
    LEFT JOIN enum f ON f.enum = 'place' AND f.value = i.src
    LEFT JOIN enum t ON t.enum = 'place' AND t.value = i.dst
    WHERE i.kind = 8;

CREATE VIEW bind AS
    SELECT i.id, i.key AS bind, i.gpu, i.thing_id AS vm_id, i.t0, i.t1,
           o.label AS op, i.va, i.bytes, i.object_id, i.thread_id,
           i.a0 AS by_job, i.parent_id AS fault_id, i.result
    FROM _interval i
    LEFT JOIN enum o ON o.enum = 'bind_op' AND o.value = i.sub
    WHERE i.kind = 9;

CREATE VIEW invalidation AS
    SELECT i.id, i.key AS invalidation, i.gpu, i.thing_id AS vm_id,
           i.t0, i.t1, e.label AS event, i.va, i.bytes, i.object_id,
           i.thread_id, k.label AS kind, i.a0 AS flush_seqno,
           i.n & 1 AS zapped, (i.n >> 1) & 1 AS flushed, i.a1 AS seq,
           i.result
    FROM _interval i
    LEFT JOIN enum e ON e.enum = 'event' AND e.value = i.sub
    LEFT JOIN enum k ON k.enum = 'vma_kind' AND k.value = i.cause
    WHERE i.kind = 10;

CREATE VIEW eviction AS
    SELECT id, key AS eviction, gpu, t0, t1, object_id AS bo_id, vm_id,
           thread_id, src, dst, bytes, n AS unwaited_fences,
           a0 AS t_fenced, result
    FROM _interval WHERE kind = 11;

CREATE VIEW exec AS
    SELECT id, key AS exec, gpu, thing_id AS queue_id, vm_id, thread_id,
           t0, t1, n AS attempts, result
    FROM _interval WHERE kind = 12;

CREATE VIEW tlb_flush AS
    SELECT id, key AS seqno, gpu, t0, t1, vm_id, va, bytes, a0 AS asid,
           parent_id AS invalidation_id, thread_id, result
    FROM _interval WHERE kind = 13;

CREATE VIEW race_hold AS
    SELECT id, thing_id AS thread_id, t0, t1, object_id AS place_id, vm_id,
           a0 AS waited_ns
    FROM _interval WHERE kind = 14;

-- Points ----------------------------------------------------------------

CREATE VIEW point AS
    SELECT p.id, e.label AS kind, p.thing_id, p.t, c.label AS clock,
           p.thread_id, p.object_id, p.vm_id, p.parent_id, p.gpu, p.key,
           p.va, p.bytes, p.a0, p.a1, p.a2, p.a3, p.result, p.text
    FROM _point p
    LEFT JOIN enum e ON e.enum = 'point_kind' AND e.value = p.kind
    LEFT JOIN enum c ON c.enum = 'clock' AND c.value = p.clock;

CREATE VIEW mark AS
    SELECT id, t, text, thread_id FROM _point WHERE kind = 2;
CREATE VIEW bo_move AS
    SELECT p.id, p.t, p.object_id AS bo_id, p.gpu, p.bytes, p.a0 AS src,
           p.a1 AS dst, c.label AS cause, p.result, p.thread_id
    FROM _point p
    LEFT JOIN enum c ON c.enum = 'cause' AND c.value = p.a2
    WHERE p.kind = 36;
CREATE VIEW touch AS
    SELECT p.id, p.t, p.object_id, p.vm_id, p.va, p.bytes,
           p.parent_id AS invalidation_id, e.label AS event,
           p.kind = 52 AS userptr, p.gpu
    FROM _point p
    LEFT JOIN enum e ON e.enum = 'event' AND e.value = p.a0
    WHERE p.kind IN (51, 52);
CREATE VIEW scan AS
    SELECT p.id, p.t, p.object_id AS range_id, p.vm_id, p.gpu, p.va, p.bytes,
           s.label AS state, p.a0 AS state_value, p.a1 AS seen,
           p.a2 & 0xffff AS windows, p.a2 >> 16 AS collisions,
           p.a3 & 1 AS populate, (p.a3 >> 1) AS policy,
           p.parent_id AS fault_id, p.thread_id
    FROM _point p
    LEFT JOIN enum s ON s.enum = 'state' AND s.value = p.a0
    WHERE p.kind = 53;
CREATE VIEW fault_step AS
    SELECT p.id, k.label AS step, p.t, p.parent_id AS fault_id, p.vm_id,
           p.object_id AS range_id, p.gpu, p.va,
           CASE p.kind WHEN 65 THEN v.label ELSE r.label END AS reason,
           p.a1 AS tier, p.a2 AS attempt, p.thread_id
    FROM _point p
    JOIN enum k ON k.enum = 'point_kind' AND k.value = p.kind
    LEFT JOIN enum r ON r.enum = 'retry' AND r.value = p.a0
    LEFT JOIN enum v ON v.enum = 'verdict' AND v.value = p.a0
    WHERE p.kind IN (65, 66, 67);
CREATE VIEW phase AS
    SELECT p.id, k.label AS phase, p.t, o.label AS owner, p.key AS owner_key,
           p.parent_id, p.vm_id, p.object_id, p.a1 AS seq, p.a2 AS value,
           p.a3 AS attempt, p.result, p.gpu, p.thread_id
    FROM _point p
    JOIN enum k ON k.enum = 'point_kind' AND k.value = p.kind
    LEFT JOIN enum o ON o.enum = 'owner' AND o.value = p.a0
    WHERE p.kind BETWEEN 80 AND 88;
CREATE VIEW pt_change AS
    SELECT p.id, k.label AS change, p.t, o.label AS owner,
           p.key AS owner_key, p.parent_id, p.vm_id, p.object_id, p.va,
           p.bytes, v.label AS kind, p.a2 AS seq, p.a3 AS flags, p.gpu,
           p.thread_id
    FROM _point p
    JOIN enum k ON k.enum = 'point_kind' AND k.value = p.kind
    LEFT JOIN enum o ON o.enum = 'owner' AND o.value = p.a0
    LEFT JOIN enum v ON v.enum = 'vma_kind' AND v.value = p.a1
    WHERE p.kind BETWEEN 96 AND 98;
CREATE VIEW list_change AS
    SELECT p.id, p.kind = 99 AS added, p.t, l.label AS list, o.label AS owner,
           p.key AS owner_key, p.vm_id, p.object_id, p.a2 AS bo_id, p.gpu,
           p.thread_id
    FROM _point p
    LEFT JOIN enum l ON l.enum = 'list' AND l.value = p.a1
    LEFT JOIN enum o ON o.enum = 'owner' AND o.value = p.a0
    WHERE p.kind IN (99, 100);
CREATE VIEW user_fence AS
    SELECT id, t, gpu, vm_id, va, a0 AS value, object_id AS queue_id, result
    FROM _point WHERE kind = 146;
CREATE VIEW stale_hit AS
    SELECT id, t, gpu, thing_id, a0 AS asid, va, a1 AS engine, a2 AS context
    FROM _point WHERE kind = 305;
CREATE VIEW page_state AS
    SELECT p.id, p.t, p.gpu, p.va AS vram_offset, p.bytes, s.label AS state,
           p.a1 AS asid, p.key AS owner_va
    FROM _point p
    LEFT JOIN enum s ON s.enum = 'page_state' AND s.value = p.a0
    WHERE p.kind = 336;
CREATE VIEW injected_fault AS
    SELECT id, t, gpu, text FROM _point WHERE kind = 352;
CREATE VIEW input_rejected AS
    SELECT id, t, gpu, a0 AS code, va AS address, text
    FROM _point WHERE kind = 353;

-- Across kinds -------------------------------------------------------------

CREATE VIEW interval AS
    SELECT i.id, e.label AS kind, i.thing_id, i.t0, i.t1, c.label AS clock,
           i.sub, i.thread_id, i.object_id, i.n, i.vm_id, i.parent_id, i.key,
           i.gpu, i.va, i.bytes, i.src, i.dst, i.cause, i.outcome, i.result,
           i.a0, i.a1, i.a2, (i.t1 IS NULL OR i.cut IS NOT NULL) AS unfinished,
           coalesce(i.t1, (SELECT r.t1 FROM run r WHERE r.t0 <= i.t0
                           ORDER BY r.t0 DESC LIMIT 1)) AS t_end
    FROM _interval i
    LEFT JOIN enum e ON e.enum = 'interval_kind' AND e.value = i.kind
    LEFT JOIN enum c ON c.enum = 'clock' AND c.value = i.clock;

-- Arrows of the timeline: fault -> migration, fault -> bind,
-- invalidation -> flush, exec -> job.
CREATE VIEW flow AS
    SELECT i.parent_id AS from_id, i.id AS to_id, p.t0 AS from_t,
           i.t0 AS to_t, p.thing_id AS from_thing_id,
           i.thing_id AS to_thing_id
    FROM _interval i
    JOIN _interval p ON p.id = i.parent_id
    WHERE i.parent_id IS NOT NULL;

CREATE VIEW density AS
    SELECT thing_id, level, bucket, kind & 65535 AS kind,
           kind >= 65536 AS is_point, bucket << (22 + 4 * level) AS t,
           1 << (22 + 4 * level) AS width_ns, count, busy_ns
    FROM _density;

-- Totals per lock class; times in nanoseconds.
CREATE VIEW lock_total AS
    SELECT c.name AS class, c.a0 AS rank,
           sum(i.kind = 3) AS acquisitions,
           sum(i.kind = 2) AS contended,
           coalesce(sum(CASE WHEN i.kind = 3 THEN i.t1 - i.t0 END), 0)
               AS hold_ns,
           coalesce(max(CASE WHEN i.kind = 3 THEN i.t1 - i.t0 END), 0)
               AS hold_max_ns,
           coalesce(sum(CASE WHEN i.kind = 2 THEN i.t1 - i.t0 END), 0)
               AS wait_ns,
           coalesce(max(CASE WHEN i.kind = 2 THEN i.t1 - i.t0 END), 0)
               AS wait_max_ns
    FROM _interval i
    JOIN _thing l ON l.id = i.thing_id
    JOIN _thing c ON c.id = l.parent_id
    WHERE i.kind IN (2, 3)
    GROUP BY c.name, c.a0
    ORDER BY c.a0;

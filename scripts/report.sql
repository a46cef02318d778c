-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- The report on a log: what the GPUs and the driver did.

.mode column
.headers on

.print
.print Faults
SELECT 'GPU ' || gpu AS gpu, outcome, count(*) AS faults,
       printf('%.1f', avg(latency_ns) / 1e3) AS mean_us,
       printf('%.1f', max(latency_ns) / 1e3) AS max_us,
       sum(max(coalesce(attempts, 1) - 1, 0)) AS repeats
FROM fault GROUP BY gpu, outcome ORDER BY gpu, outcome;

.print
.print Migrations
SELECT from_place AS "from", to_place AS "to", cause, count(*) AS migrations,
       sum(result <> 0) AS failed,
       coalesce(sum(moved_bytes), 0) AS bytes,
       printf('%.1f', avg(t1 - t0) / 1e3) AS mean_us
FROM migration GROUP BY src, dst, cause ORDER BY src, dst, cause;

.print
.print Copies by the engines
SELECT 'GPU ' || gpu AS gpu, from_place AS "from", to_place AS "to",
       count(*) AS copies, sum(bytes) AS bytes
FROM copy GROUP BY gpu, src, dst ORDER BY gpu, src, dst;

.print
.print Fault retries, by reason
SELECT reason, count(*) AS retries, max(tier) AS highest_tier
FROM fault_step WHERE step = 'fault_retried' GROUP BY reason;
SELECT count(*) AS retries FROM fault_step WHERE step = 'fault_retried';

.print
.print Other events
SELECT (SELECT count(*) FROM invalidation) AS invalidations,
       (SELECT count(*) FROM tlb_flush) AS tlb_flushes,
       (SELECT count(*) FROM bind) AS binds,
       (SELECT count(*) FROM job) AS jobs,
       (SELECT count(*) FROM eviction) AS evictions,
       (SELECT count(*) FROM svm_range) AS svm_ranges;

.print
.print Locks
SELECT class, acquisitions, contended,
       printf('%.3f', hold_ns / 1e6) AS hold_ms,
       printf('%.1f', hold_max_ns / 1e3) AS hold_max_us,
       printf('%.3f', wait_ns / 1e6) AS wait_ms,
       printf('%.1f', wait_max_ns / 1e3) AS wait_max_us
FROM lock_total;

.print
.print Lost events
SELECT coalesce(sum(count), 0) AS lost_events FROM lost;

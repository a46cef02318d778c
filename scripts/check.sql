-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Rules that a log must hold, as far as one query can tell (docs/rules.md has
-- the whole list).  One line for each: "ok   RULE what" or "FAIL RULE what:
-- how many, and where to look first".  All through the log's public views.

.mode list
.headers off

SELECT CASE WHEN (SELECT value FROM pragma_user_version AS p(value)) = 1
       THEN 'ok   log  its schema version is 1'
       ELSE 'FAIL log  its schema version is not 1' END;

SELECT CASE WHEN integrity_check = 'ok' THEN 'ok   log  its integrity'
       ELSE 'FAIL log  its integrity: ' || integrity_check END
FROM pragma_integrity_check;

SELECT CASE WHEN coalesce(sum(count), 0) = 0 THEN 'ok   log  no event was lost'
       ELSE 'FAIL log  ' || sum(count) || ' events were lost, first at '
            || min(t0) || ' ns' END
FROM lost;

SELECT CASE WHEN count(*) = 0 THEN 'ok   log  no effect is older than its cause'
       ELSE 'FAIL log  ' || count(*)
            || ' effects are older than their causes, first interval '
            || min(to_id) END
FROM flow WHERE to_t < from_t;

SELECT CASE WHEN count(*) = 0
       THEN 'ok   L3   no mmap lock is taken under a dma_resv'
       ELSE 'FAIL L3   ' || count(*)
            || ' mmap locks taken under a dma_resv, first at ' || min(m.t0)
            || ' ns' END
FROM lock_hold m
JOIN lock lm ON lm.id = m.lock_id AND lm.class = 'mmap'
JOIN lock_hold r ON r.thread_id = m.thread_id AND r.t0 < m.t0
                AND (r.t1 > m.t0 OR r.t1 IS NULL) AND r.t0 > m.t0 - 10000000000
JOIN lock lr ON lr.id = r.lock_id AND lr.class IN ('vm_resv', 'bo_resv');

SELECT CASE WHEN count(*) = 0
       THEN 'ok   L4   an invalidation takes no VM lock and no dma_resv'
       ELSE 'FAIL L4   ' || count(*)
            || ' VM locks or dma_resv taken by an invalidation, first at '
            || min(h.t0) || ' ns' END
FROM invalidation i
JOIN lock_hold h ON h.thread_id = i.thread_id AND h.t0 > i.t0 AND h.t0 < i.t1
JOIN lock l ON l.id = h.lock_id AND l.class IN ('vm', 'vm_resv', 'bo_resv');

SELECT CASE WHEN count(*) = 0
       THEN 'ok   L10  an invalidation frees no page table'
       ELSE 'FAIL L10  ' || count(*)
            || ' page tables freed by an invalidation, first at ' || min(t)
            || ' ns' END
FROM pt_change WHERE change = 'pt_freed' AND owner = 'invalidation';

SELECT CASE WHEN count(*) = 0
       THEN 'ok   L11  an eviction waits for every fence of its object'
       ELSE 'FAIL L11  ' || count(*)
            || ' evictions did not wait for a fence, first at ' || min(t0)
            || ' ns' END
FROM eviction WHERE unwaited_fences > 0;

SELECT CASE WHEN count(*) = 0
       THEN 'ok   S4   no access used a translation that was taken back'
       ELSE 'FAIL S4   ' || count(*) || ' stale TLB hits, first at ' || min(t)
            || ' ns' END
FROM stale_hit;

SELECT CASE WHEN count(*) = 0
       THEN 'ok   S5   no fault failed while its VMA permitted the access'
       ELSE 'FAIL S5   ' || count(*)
            || ' permitted accesses were refused, first at ' || min(t_raised)
            || ' ns' END
FROM fault
WHERE verdict = 'permitted' AND outcome IN ('refused', 'failed');

SELECT CASE WHEN count(*) = 0
       THEN 'ok   S6   every recoverable fault was answered once'
       ELSE 'FAIL S6   ' || count(*)
            || ' faults were not answered once, first at ' || min(t_raised)
            || ' ns' END
FROM fault
WHERE answers > 1
   OR (outcome IN ('served', 'spurious', 'refused') AND answers <> 1);

SELECT CASE WHEN count(*) = 0
       THEN 'ok   S10  migrated bytes arrived unchanged'
       ELSE 'FAIL S10  ' || count(*)
            || ' migrations changed their bytes, first at ' || min(t0)
            || ' ns' END
FROM migration
WHERE result = 0 AND checksum_before <> checksum_after;

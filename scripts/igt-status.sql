-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- docs/igt-status.md, from
--   plan(binary, subtest, list, reason)  what the lists run; else why not
--   runs(kernel, json)                   results.json of igt_runner, one a run
-- Of several results of a test on a kernel the newest counts.

CREATE TEMP TABLE result AS
WITH one(kernel, started, test, result, text) AS (
    SELECT kernel, json_extract(runs.json, '$.time_elapsed.start'), substr(t.key, 5),
           json_extract(t.value, '$.result'),
           coalesce(json_extract(t.value, '$.out'), '')
    FROM runs, json_each(runs.json, '$.tests') t
    WHERE json_extract(t.value, '$.result') <> 'notrun'),
newest AS (
    SELECT *, row_number() OVER (PARTITION BY kernel, test ORDER BY started DESC) AS n
    FROM one)
SELECT p.binary, p.subtest, r.kernel,
       CASE WHEN r.result IN ('pass', 'warn') THEN 'pass'
            WHEN r.result = 'skip' THEN 'skip' ELSE 'fail' END AS result,
       r.result AS word,
       substr(r.text, instr(r.text, 'Test requirement:') + 18) AS rest,
       instr(r.text, 'Test requirement:') > 0 AS has_requirement
FROM plan p JOIN newest r ON r.test = rtrim(p.binary || '@' || p.subtest, '@') AND r.n = 1
WHERE p.list <> '';

-- one line of what IGT says: the condition that is not met
CREATE TEMP VIEW skipped AS
SELECT kernel, binary, subtest,
       CASE WHEN has_requirement THEN substr(rest, 1, instr(rest || char(10), char(10)) - 1)
            ELSE 'the test says no reason' END AS requirement
FROM result WHERE result = 'skip';

CREATE TEMP VIEW count_by_binary AS
SELECT binary, kernel, sum(result = 'pass') AS passed, sum(result = 'fail') AS failed,
       sum(result = 'skip') AS skipped
FROM result GROUP BY binary, kernel;

.mode list
.print <!-- SPDX-License-Identifier: GPL-2.0-or-later -->
.print # IGT status
.print
SELECT 'What IGT ' || (SELECT substr(json_extract(t.value, '$.igt-version'), 14, 3)
                       FROM runs, json_each(runs.json, '$.tests') t
                       WHERE json_extract(t.value, '$.igt-version') IS NOT NULL LIMIT 1) ||
       ' says of the driver. Made by `scripts/svmgpu igt-status` from the results of runs and from the lists';
.print in `tests/igt`; not written by hand. Of several results of a subtest the newest counts; a warning of IGT is a pass.
.print
.print | kernel | passed | failed | skipped | no result |
.print |---|---|---|---|---|
SELECT '| ' || kernel || ' | ' || sum(result = 'pass') || ' | ' || sum(result = 'fail') || ' | ' ||
       sum(result = 'skip') || ' | ' || ((SELECT count(*) FROM plan) - count(*)) || ' |'
FROM result GROUP BY kernel ORDER BY kernel DESC;

.print
.print ## By test program
.print
.print `run`: subtests that a list runs; `left out`: those that none does, for the reasons below.
.print
.print | program | subtests | run | left out | stock: passed | failed | skipped | debug: passed | failed | skipped |
.print |---|---|---|---|---|---|---|---|---|---|
SELECT '| `' || p.binary || '` | ' || count(*) || ' | ' || sum(list <> '') || ' | ' || sum(list = '') ||
       ' | ' || coalesce(s.passed, '') || ' | ' || coalesce(s.failed, '') || ' | ' || coalesce(s.skipped, '') ||
       ' | ' || coalesce(d.passed, '') || ' | ' || coalesce(d.failed, '') || ' | ' || coalesce(d.skipped, '') || ' |'
FROM plan p
LEFT JOIN count_by_binary s ON s.binary = p.binary AND s.kernel = 'stock'
LEFT JOIN count_by_binary d ON d.binary = p.binary AND d.kernel = 'debug'
GROUP BY p.binary ORDER BY p.binary;

.print
.print ## Failed
.print
.print | kernel | subtest | result |
.print |---|---|---|
SELECT '| ' || kernel || ' | `' || rtrim(binary || '@' || subtest, '@') || '` | ' || word || ' |'
FROM result WHERE result = 'fail' ORDER BY kernel DESC, binary, subtest;

.print
.print ## Skipped
.print
.print With the condition that IGT finds not met.
.print
.print | kernel | program | subtests | condition |
.print |---|---|---|---|
SELECT '| ' || kernel || ' | `' || binary || '` | ' || group_concat('`' || subtest || '`', ', ') || ' | `' ||
       replace(requirement, '|', '&#124;') || '` |'
FROM (SELECT * FROM skipped ORDER BY kernel DESC, binary, requirement, subtest)
GROUP BY kernel, binary, requirement ORDER BY kernel DESC, binary, min(subtest);

.print
.print ## Left out
.print
.print | program | subtests | how many | why |
.print |---|---|---|---|
SELECT '| `' || binary || '` | ' ||
       CASE WHEN count(*) = (SELECT count(*) FROM plan q WHERE q.binary = p.binary) THEN 'all'
            WHEN count(*) > 8 THEN '`' || min(subtest) || '` … `' || max(subtest) || '`'
            ELSE group_concat('`' || subtest || '`', ', ') END ||
       ' | ' || count(*) || ' | ' || reason || ' |'
FROM (SELECT * FROM plan ORDER BY binary, reason, subtest) p
WHERE list = '' GROUP BY binary, reason ORDER BY binary, min(subtest);

.print
.print ## Run by a list, but without a result
.print
.print | kernel | program | how many of |
.print |---|---|---|
SELECT '| ' || k.kernel || ' | `' || p.binary || '` | ' || sum(r.binary IS NULL) || ' of ' || count(*) || ' |'
FROM (SELECT DISTINCT kernel FROM result) k, plan p
LEFT JOIN result r ON r.kernel = k.kernel AND r.binary = p.binary AND r.subtest = p.subtest
WHERE p.list <> '' GROUP BY k.kernel, p.binary HAVING sum(r.binary IS NULL) > 0
ORDER BY k.kernel DESC, p.binary;

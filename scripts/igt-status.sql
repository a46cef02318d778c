-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- docs/igt-status.md, from
--   plan(binary, subtest, list, reason)  what the lists run; else why not
--   runs(kernel, json)                   results.json of igt_runner, one a run
-- Of several results of a test on a kernel the newest counts.

CREATE TEMP TABLE result AS
WITH one(kernel, started, test, result, text) AS (
    SELECT kernel, json_extract(runs.json, '$.time_elapsed.start'), lower(substr(t.key, 5)),
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
       -- what it says of a skip: the condition that is not met, or a sentence
       CASE WHEN instr(r.text, 'Test requirement:') > 0
            THEN substr(r.text, instr(r.text, 'Test requirement:') + 18)
            WHEN instr(r.text, 'Starting subtest:') > 0
            THEN substr(r.text, instr(r.text, 'Starting subtest:') + 19 + length(p.subtest))
            ELSE '' END AS said
FROM plan p JOIN newest r ON r.test = lower(rtrim(p.binary || '@' || p.subtest, '@')) AND r.n = 1
WHERE p.list <> '';

CREATE TEMP VIEW said AS
SELECT kernel, binary, subtest,
       CASE WHEN said LIKE 'Subtest %: SKIP%' THEN ''
            ELSE substr(said, 1, instr(said || char(10), char(10)) - 1) END AS said
FROM result WHERE result = 'skip';

-- IGT says it once for a group of subtests
CREATE TEMP VIEW skipped AS
SELECT kernel, binary, subtest,
       CASE WHEN said <> '' THEN said
            ELSE coalesce((SELECT min(o.said) FROM said o
                           WHERE o.kernel = s.kernel AND o.binary = s.binary AND o.said <> ''
                           HAVING count(DISTINCT o.said) = 1), '(that of its group)')
       END AS said
FROM said s;

CREATE TEMP VIEW total AS
SELECT binary, count(*) AS subtests FROM plan GROUP BY binary;

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
.print | kernel | passed | failed | skipped | not run yet | left out |
.print |---|---|---|---|---|---|
SELECT '| ' || kernel || ' | ' || sum(result = 'pass') || ' | ' || sum(result = 'fail') || ' | ' ||
       sum(result = 'skip') || ' | ' || ((SELECT sum(list <> '') FROM plan) - count(*)) || ' | ' ||
       (SELECT sum(list = '') FROM plan) || ' |'
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
.print With the condition that IGT finds not met, or what it says.
.print
.print | kernel | program | subtests | how many | condition |
.print |---|---|---|---|---|
SELECT '| ' || kernel || ' | `' || s.binary || '` | ' ||
       CASE WHEN count(*) = subtests THEN 'all'
            WHEN count(*) > 18 THEN '`' || min(subtest) || '` … `' || max(subtest) || '`'
            ELSE group_concat('`' || subtest || '`', ', ') END ||
       ' | ' || count(*) || ' | `' || replace(said, '|', '&#124;') || '` |'
FROM (SELECT * FROM skipped ORDER BY kernel DESC, binary, said, subtest) s
JOIN total USING (binary)
GROUP BY kernel, s.binary, said ORDER BY kernel DESC, s.binary, min(subtest);

.print
.print ## Left out
.print
.print | program | subtests | how many | why |
.print |---|---|---|---|
SELECT '| `' || p.binary || '` | ' ||
       CASE WHEN count(*) = subtests THEN 'all'
            WHEN count(*) > 8 THEN '`' || min(subtest) || '` … `' || max(subtest) || '`'
            ELSE group_concat('`' || subtest || '`', ', ') END ||
       ' | ' || count(*) || ' | ' || reason || ' |'
FROM (SELECT * FROM plan ORDER BY binary, reason, subtest) p JOIN total USING (binary)
WHERE list = '' GROUP BY p.binary, reason ORDER BY p.binary, min(subtest);

.print
.print ## Not run yet
.print
.print A list runs them, and there is no result.
.print
.print | kernel | program | how many of |
.print |---|---|---|
SELECT '| ' || k.kernel || ' | `' || p.binary || '` | ' || sum(r.binary IS NULL) || ' of ' || count(*) || ' |'
FROM (SELECT DISTINCT kernel FROM result) k, plan p
LEFT JOIN result r ON r.kernel = k.kernel AND r.binary = p.binary AND r.subtest = p.subtest
WHERE p.list <> '' GROUP BY k.kernel, p.binary HAVING sum(r.binary IS NULL) > 0
ORDER BY k.kernel DESC, p.binary;

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lines, options and exit statuses of IGT that a guest program must have.
# Writes TAP.
#
# usage: check-protocol.sh SUBTEST_EXAMPLE
set -u
example=$1
out=$(mktemp)
trap 'rm -f "$out" "$out.err"' EXIT
n=0 failed=0

# expect NAME STATUS PATTERN ARGUMENT...: the program ends with STATUS, and
# what it writes matches PATTERN, times in seconds being T
expect() {
    local name=$1 status=$2 pattern=$3 text got=0
    shift 3
    "$example" "$@" >"$out" 2>"$out.err" || got=$?
    text=$(sed -E 's/\([0-9]+\.[0-9]{3}s\)/(Ts)/' "$out")
    n=$((n + 1))
    # shellcheck disable=SC2053 # the pattern is a pattern
    if ((got == status)) && [[ $text == $pattern ]]; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        printf '# status %s, not %s; it wrote:\n' "$got" "$status"
        sed 's/^/# /' "$out" "$out.err"
        failed=1
    fi
}

version='IGT-Version: svmgpu (*) (Linux: *)'
pass='Starting subtest: passes
argument 7
Subtest passes: SUCCESS (Ts)'

expect 'names are listed' 0 $'passes\nfails\nskips\ncrashes\ntimes-out\nchild-fails' --list-subtests
expect 'names of a testlist' 0 $'igt@subtest-example@passes\n*' --show-testlist
expect 'facts are told' 0 $'Every way to end.\n\nSUB skips:\n  what is missing skips' --describe=sk*
expect 'the program is described' 0 'Every way to end.' --help-description
expect 'a pass' 0 "$version"$'\n'"$pass" --run-subtest passes
expect 'an argument' 0 $'*\nargument 12\n*' --run-subtest passes 12
expect 'a failure' 98 $'*\nSubtest fails: FAIL (Ts)' --run-subtest fails
expect 'a skip' 77 $'*\nSkipped: there is no GPU\nSubtest skips: SKIP (Ts)' --run-subtest skips
expect 'a crash' 98 $'*\nSubtest crashes: CRASH (Ts)' --run-subtest crashes
expect 'a timeout' 98 $'*\nSubtest times-out: TIMEOUT (Ts)' --run-subtest times-out
expect 'a failure of a child' 98 $'*\nSubtest child-fails: FAIL (Ts)' --run-subtest child-fails
expect 'several, one is skipped' 0 "$version"$'\n'"$pass"$'\n*Subtest skips: SKIP (Ts)' \
    --run-subtest passes,skips
expect 'patterns, the last decides' 0 "$version"$'\n'"$pass" --run-subtest '*,!?[!a]*,!f*'
expect 'one failure is not the end' 98 $'*Subtest fails: FAIL*Subtest skips: SKIP*' \
    --run-subtest 'fails,skips'
expect 'an unknown subtest' 79 "$version" --run-subtest nothing
expect 'an unknown option' 79 '' --nonsense

IGT_SENTINEL_ON_STDERR=1 "$example" --run-subtest passes >/dev/null 2>"$out"
n=$((n + 1))
if [[ $(sed -E 's/\(.*s\)/(Ts)/' "$out") == $'Starting subtest: passes\nSubtest passes: SUCCESS (Ts)' ]]; then
    echo "ok $n - stderr has the lines too when it is asked to"
else
    echo "not ok $n - stderr has the lines too when it is asked to"
    failed=1
fi
echo "1..$n"
exit $failed

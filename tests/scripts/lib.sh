# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the script tests share.  A test prints what it found wrong and ends with
# 1; 77 means that it cannot be run here.

set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck disable=SC2034 # for the tests
SVMGPU=$TOP/scripts/svmgpu
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

fail() {
    echo "FAIL: $*"
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# says PATTERN COMMAND...: COMMAND fails, and tells PATTERN in at most two lines
# that begin with svmgpu:
says() {
    local pattern=$1 lines
    shift
    ! "$@" >"$TMP/said" 2>&1 </dev/null || fail "'$*' succeeded"
    grep -qE "^svmgpu: .*($pattern)" "$TMP/said" || {
        cat "$TMP/said"
        fail "'$*' does not say '$pattern'"
    }
    lines=$(grep -c '^svmgpu: ' "$TMP/said")
    ((lines <= 2)) || fail "'$*' says $lines lines"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.3
    done
}

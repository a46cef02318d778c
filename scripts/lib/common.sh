# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every script here shares: where things are kept, how a step tells what
# it does, and how a failure ends.  A failure is one line that says what is
# wrong and one that says what to do; details are in the step's log.
#
# Sourced, never run.  The caller has set -euo pipefail.
# shellcheck disable=SC2034 # the variables are for those who source this

SVMGPU_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
SVMGPU_BUILD=$SVMGPU_TOP/build
SVMGPU_CACHE=${SVMGPU_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/svmgpu}
SVMGPU_LOGS=$SVMGPU_CACHE/logs
SVMGPU_SUITE=forky
export SVMGPU_CACHE

# an ordinary user's PATH may lack what the builds call
PATH=$PATH:/usr/sbin:/sbin

msg() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*" >&2; }

# die WHAT-IS-WRONG [WHAT-TO-DO]
die() {
    printf 'svmgpu: %s\n' "$1" >&2
    [[ $# -lt 2 ]] || printf 'svmgpu: %s\n' "$2" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [[ $(id -u) -eq 0 ]]; }

make_dirs() {
    mkdir -p "$SVMGPU_CACHE" "$SVMGPU_LOGS" 2>/dev/null ||
        die "cannot write to the cache directory $SVMGPU_CACHE" \
            "make it writable, or set SVMGPU_CACHE to a directory that is"
}

# need_space DIR MIB WHAT-FOR: refuse before the work starts, not in its midst
need_space() {
    local dir=$1 mib=$2 what=$3 free
    while [[ ! -d $dir ]]; do dir=$(dirname "$dir"); done
    free=$(df -Pm -- "$dir" | awk 'NR == 2 { print $4 }')
    ((free >= mib)) ||
        die "no disk space for $what: $mib MiB needed below $dir, $free MiB free" \
            "free some space, or set SVMGPU_CACHE to a directory on a larger disk"
}

# hash_of STRING...: a short content key
hash_of() { printf '%s\0' "$@" | sha256sum | cut -c1-16; }

# hash_files FILE...: a short key of names and contents (names as given)
hash_files() { sha256sum -- "$@" | sha256sum | cut -c1-16; }

# kill_tree PID: end a process and all that it started, by id
kill_tree() {
    local pid=$1 child
    for child in $(ps -o pid= --ppid "$pid" 2>/dev/null); do
        kill_tree "$child"
    done
    kill -TERM "$pid" 2>/dev/null || true
}

# Everything that must be undone when the script ends, however it ends:
# commands, run last in first out by the one EXIT trap.
SVMGPU_UNDO=()
SVMGPU_MAIN_PID=$BASHPID
at_exit() { SVMGPU_UNDO+=("$(printf '%q ' "$@")"); }
run_undo() {
    local status=$? i
    [[ $BASHPID -eq $SVMGPU_MAIN_PID ]] || return "$status"
    trap '' INT TERM HUP
    for ((i = ${#SVMGPU_UNDO[@]} - 1; i >= 0; i--)); do
        eval "${SVMGPU_UNDO[i]}" || true
    done
    return "$status"
}
trap run_undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# A step's failure in words, from its log.  Prints nothing when the log holds
# nothing that is known.
explain_log() {
    local log=$1
    if grep -qE 'No space left on device' "$log"; then
        echo "the disk is full: free some space, or set SVMGPU_CACHE to a larger disk"
    elif grep -qE 'Could not resolve|Unable to connect|Temporary failure resolving|Network is unreachable|Connection (timed out|refused|failed)|Could not connect' "$log"; then
        echo "there is no network, or the package mirror does not answer: check it and start the command again"
    elif grep -qE 'is expired since|Release file .* is expired' "$log"; then
        echo "the mirror's index is expired: set SVMGPU_APT_OPTIONS='Acquire::Check-Valid-Until=false', or use another mirror (SVMGPU_MIRROR)"
    elif grep -qE 'Unable to locate package|has no installation candidate' "$log"; then
        echo "a package is missing from the mirror: run apt-get update, or set SVMGPU_MIRROR to a full mirror"
    fi
}

# step TEXT LOGNAME COMMAND...: run COMMAND with its output in a log, and say
# what goes on: on a terminal a line that counts the seconds, elsewhere a line
# at the start, every 30 s, and at the end.  A command that is over within two
# seconds says nothing.  Ends the script when the command fails.
step() {
    local text=$1 log=$SVMGPU_LOGS/$2.log pid status=0 start=$SECONDS said=0 why
    shift 2
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    SVMGPU_STEP_PID=$pid
    while kill -0 "$pid" 2>/dev/null; do
        if ((SECONDS - start >= 2)); then
            if [[ -t 1 ]]; then
                printf '\r%s ... %d s ' "$text" $((SECONDS - start))
                said=1
            elif ((said == 0 || SECONDS - said >= 30)); then
                msg "$text ... $((SECONDS - start)) s"
                said=$SECONDS
            fi
        fi
        sleep 0.2
    done
    wait "$pid" || status=$?
    SVMGPU_STEP_PID=
    if ((status != 0)); then
        [[ ! -t 1 || $said -eq 0 ]] || printf '\n'
        tail -n 15 "$log" | sed 's/^/    /' >&2
        why=$(explain_log "$log")
        die "$text: failed (status $status); the whole log is $log" ${why:+"$why"}
    fi
    if ((said)); then
        [[ ! -t 1 ]] || printf '\r'
        msg "$text: done in $((SECONDS - start)) s"
    fi
}
SVMGPU_STEP_PID=
end_step() { [[ -z $SVMGPU_STEP_PID ]] || kill_tree "$SVMGPU_STEP_PID"; }
at_exit end_step

# attempt_begin COMMAND...: run COMMAND in a shell of its own, which cleans up
# after itself, and go on; its process is ATTEMPT_PID.
attempt_begin() {
    (
        SVMGPU_UNDO=()
        SVMGPU_MAIN_PID=$BASHPID
        SVMGPU_ATTEMPTS=()
        SVMGPU_STEP_PID=
        trap run_undo EXIT
        trap 'exit 143' TERM
        at_exit end_step
        at_exit end_attempts
        "$@"
    ) &
    ATTEMPT_PID=$!
    SVMGPU_ATTEMPTS[$ATTEMPT_PID]=running
}

# attempt_end PID: wait for it, whatever comes of it; ATTEMPT_STATUS is its status
attempt_end() {
    ATTEMPT_STATUS=0
    wait "$1" || ATTEMPT_STATUS=$?
    unset "SVMGPU_ATTEMPTS[$1]"
}

# attempt COMMAND...: both.  (Not "if COMMAND": in a condition the shell ignores
# errors inside COMMAND.)
attempt() {
    attempt_begin "$@"
    attempt_end "$ATTEMPT_PID"
}

declare -A SVMGPU_ATTEMPTS=() # by process
end_attempts() {
    ((${#SVMGPU_ATTEMPTS[@]})) || return 0
    kill -TERM "${!SVMGPU_ATTEMPTS[@]}" 2>/dev/null || true
    wait "${!SVMGPU_ATTEMPTS[@]}" 2>/dev/null || true
}
at_exit end_attempts

# with_lock NAME COMMAND...: one builder of a thing at a time; the others wait
# and then find it built.  The lock is the open file, so it never stays behind.
# Never in a condition: a failing COMMAND ends the script.
with_lock() {
    local name=$1 fd
    shift
    exec {fd}>"$SVMGPU_CACHE/.lock-$name"
    if ! flock -n "$fd"; then
        msg "waiting for another svmgpu command that builds the same ($name)"
        flock "$fd"
    fi
    "$@"
    exec {fd}>&-
}

# publish TMP FINAL: the only way a finished thing gets its name
publish() { mv -T -- "$1" "$2"; }

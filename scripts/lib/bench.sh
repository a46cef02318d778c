# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # RUN_TIMEOUT is run.sh's
#
# "svmgpu bench": benchmarks, which hold what they measure against what was
# promised.  tests/bench/NAME-bench.c is one of the host, tests/guest/bench-NAME.c
# one that runs in a guest of its own.  Each prints a table, writes JSON and ends
# with 1 when a bound is not kept.  They are no tests: how fast this machine is at
# the moment is nobody's mistake.

BENCH_DIR=$SVMGPU_BUILD/bench

bench_names_host() { find "$SVMGPU_TOP/tests/bench" -name '*-bench.c' -printf '%f\n' | sed 's/-bench\.c$//' | sort; }
bench_names_guest() { find "$SVMGPU_TOP/tests/guest" -name 'bench-*.c' -printf '%f\n' | sed 's/^bench-//; s/\.c$//' | sort; }

# bench_host NAME: sets BENCH_STATUS
bench_host() {
    BENCH_STATUS=0
    "$(host_program "$1-bench")" --json "$BENCH_DIR/$1.json" || BENCH_STATUS=$?
}

# bench_guest NAME: the same, in a guest
bench_guest() {
    local dir conditions
    prepare_guest "$OPT_KERNEL" "$OPT_GPUS"
    conditions="$OPT_KERNEL kernel, $GUEST_VCPUS CPUs ($SVMGPU_ACCEL), the driver traces, event log $([[ -n $OPT_LOG ]] && echo on || echo off)"
    [[ -z $OPT_TIMEOUT ]] || RUN_TIMEOUT=$OPT_TIMEOUT
    dir=$(new_run_dir)
    printf '%q ' "$SVMGPU_BUILD/guest/bench-$1" --json "$BENCH_DIR/$1.json" \
        --conditions "$conditions" >"$dir/command"
    run_guest "svmgpu-bench-$$" "$OPT_KERNEL" "$OPT_GPUS" "$OPT_LOG" "$(module_words)" "$dir"
    BENCH_STATUS=$RUN_STATUS
}

cmd_bench() {
    local name host guest names missed=()
    parse_options "$@"
    ((${#REST[@]} <= 1)) || no_more_arguments "${REST[@]:1}"
    host=$(bench_names_host)
    guest=$(bench_names_guest)
    names=$(printf '%s\n' "$host" "$guest")
    if ((${#REST[@]})); then
        grep -qxF -- "${REST[0]}" <<<"$names" ||
            die "there is no benchmark named ${REST[0]}" "there are: $(paste -sd ' ' <<<"$names")"
        names=${REST[0]}
    fi
    make_dirs
    ensure_host_packages
    ensure_host_build
    mkdir -p "$BENCH_DIR"
    for name in $names; do
        msg "== $name"
        rm -f "$BENCH_DIR/$name.json"
        if grep -qxF -- "$name" <<<"$host"; then
            bench_host "$name"
        else
            bench_guest "$name"
        fi
        [[ -s $BENCH_DIR/$name.json ]] || die "the benchmark $name did not end" "see what it wrote above"
        msg "== $name: $BENCH_DIR/$name.json"
        ((BENCH_STATUS == 0)) || missed+=("$name")
    done
    ((${#missed[@]} == 0)) ||
        die "not every bound is kept: ${missed[*]}" "see the lines above that say NOT KEPT; a loaded machine is one reason"
}

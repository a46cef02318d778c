# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# "svmgpu igt": IGT's tests, unmodified, and the programs of tests/guest, which
# speak IGT's protocol, by igt_runner in the guest.  What its results say, the
# kernel log, the taint flags and (debug kernel) the leak report become lines
# "result<TAB>seconds<TAB>name" in results.tsv.

# Evictions of large objects take minutes without KVM on a busy machine.
IGT_TEST_TIMEOUT=300

# What a kernel log must not hold.
SPLAT='WARNING:|BUG:|KASAN|UBSAN|Oops|general protection fault|possible (circular|recursive) locking|inconsistent lock state|suspicious RCU usage|INFO: task .* blocked|soft lockup|rcu.*detected stalls|DMA-API:|kernel panic|unreferenced object'

# O: a module from outside the tree, E: an unsigned one; both are the driver's.  L: the kernel's
# sw_sync sets it when a test opens it; a lockup would have its splat.
TAINT_ALLOWED=$((4096 | 8192 | 16384))

# igt_patterns ARGUMENT...: one pattern, or variable for the tests, a line
igt_patterns() {
    local argument
    for argument in "$@"; do
        if [[ -f $argument ]]; then
            sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$argument"
        elif [[ $argument == *.testlist ]]; then
            die "there is no test list $argument" "see tests/igt"
        else
            printf '%s\n' "$argument"
        fi
    done
}

# igt_command DIR: the guest's command that runs the patterns of DIR/patterns
igt_command() { echo "svmgpu-igt $1/patterns $1/results $IGT_TEST_TIMEOUT $SVMGPU_BUILD/guest"; }

# kernel_findings DIR: lines of results.tsv for what the run did to the kernel
kernel_findings() {
    local dir=$1 taint
    if grep -aE "$SPLAT" "$dir/dmesg" >"$dir/splats"; then
        printf 'fail\t0\tkernel log: %s\n' "$(head -n 1 "$dir/splats")"
    else
        printf 'pass\t0\tkernel log has no splat\n'
    fi
    if [[ -e $dir/results/taint ]]; then
        taint=$(cat "$dir/results/taint")
        if ((taint & ~TAINT_ALLOWED)); then
            printf 'fail\t0\tkernel taint is %s\n' "$taint"
        else
            printf 'pass\t0\tkernel taint is only the module'\''s own\n'
        fi
    fi
    if [[ -e $dir/results/kmemleak ]]; then
        if grep -q 'unreferenced object' "$dir/results/kmemleak"; then
            printf 'fail\t0\tkernel memory leaked: %s objects\n' \
                "$(grep -c 'unreferenced object' "$dir/results/kmemleak")"
        else
            printf 'pass\t0\tno kernel memory leaked\n'
        fi
    fi
}

# igt_results_tsv DIR: what igt_runner found
igt_results_tsv() {
    local json=$1/results/results.json
    [[ -s $json ]] || {
        printf 'fail\t0\tigt_runner left no results\n'
        return
    }
    sqlite3 -batch -noheader -separator $'\t' :memory: "
        SELECT CASE json_extract(value, '\$.result')
                 WHEN 'pass' THEN 'pass' WHEN 'warn' THEN 'pass'
                 WHEN 'skip' THEN 'skip' WHEN 'notrun' THEN 'fail'
                 ELSE 'fail' END,
               printf('%.3f', coalesce(json_extract(value, '\$.time.end') -
                                       json_extract(value, '\$.time.start'), 0)),
               substr(key, 5) ||
               CASE json_extract(value, '\$.result')
                 WHEN 'pass' THEN '' WHEN 'fail' THEN '' WHEN 'skip' THEN ''
                 ELSE ' (' || json_extract(value, '\$.result') || ')' END
        FROM json_each(readfile('$json'), '\$.tests')"
}

# count_results FILE RESULT
count_results() { grep -c "^$2"$'\t' "$1" || true; }

# run_igt KERNEL GPUS LOG RESULTS PATTERN...: boot, run, and leave results.tsv
run_igt() {
    local kernel=$1 gpus=$2 log=$3 results=$4 dir
    shift 4
    dir=$(new_run_dir)
    igt_patterns "$@" >"$dir/patterns"
    igt_command "$dir" >"$dir/command"
    mkdir -p "$results"
    rm -rf "${results:?}"/*
    run_guest "svmgpu-igt-$BASHPID" "$kernel" "$gpus" "$log" svmgpu.module.driver_name=xe "$dir"
    cp -r "$dir/." "$results/"
    ((RUN_STATUS == 0)) || die "igt_runner was not started" "see the lines above"
    {
        igt_results_tsv "$dir"
        kernel_findings "$dir"
    } >"$results/results.tsv"
    echo "$kernel" >"$results/kernel"
}

print_results() {
    awk -F'\t' '{ printf "  %-4s  %8.2f s  %s\n", $1, $2, $3 }' "$1"
}

# igt_results_dir KERNEL ARGUMENT...: where results go; a list has a place of its own
igt_results_dir() {
    local name=tests
    [[ $# -ne 2 || $2 != *.testlist ]] || name=$(basename "$2" .testlist)
    echo "$SVMGPU_BUILD/igt/$1/$name"
}

cmd_igt() {
    local results
    parse_options "$@"
    ((${#REST[@]})) || die "igt needs a pattern or a test list" "scripts/svmgpu igt xe_vm@bind-once"
    igt_patterns "${REST[@]}" >/dev/null
    # shellcheck disable=SC2034 # read by run_guest
    [[ -z $OPT_TIMEOUT ]] || RUN_TIMEOUT=$OPT_TIMEOUT
    results=${OPT_RESULTS:-$(igt_results_dir "$OPT_KERNEL" "${REST[@]}")}
    prepare_guest "$OPT_KERNEL" "$OPT_GPUS"
    mkdir -p "$results"
    rm -f "$results".db*
    run_igt "$OPT_KERNEL" "$OPT_GPUS" "${OPT_LOG:-$results.db}" "$results" "${REST[@]}"
    print_results "$results/results.tsv"
    msg "results: $results, log: ${OPT_LOG:-$results.db}"
    msg "$(count_results "$results/results.tsv" pass) passed, $(count_results "$results/results.tsv" fail) failed, $(count_results "$results/results.tsv" skip) skipped"
    [[ $(count_results "$results/results.tsv" fail) -eq 0 ]]
}

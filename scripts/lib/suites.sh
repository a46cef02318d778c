# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# "svmgpu test": suites, each a function that adds lines
# "result<TAB>seconds<TAB>name" to a file of its own below build/test.  A suite
# that ends early is one failure more, never a silence.  Suites run one after
# the other in lanes, and the lanes side by side, because a guest that waits for
# its GPUs, or boots, leaves a processor idle.

TEST_DIR=$SVMGPU_BUILD/test

# the scripts themselves: style, and what they say to bad input
suite_scripts() {
    local out=$1 script status start
    if (cd "$SVMGPU_TOP" && git ls-files scripts .ci tests/scripts | xargs grep -lE '^#!.*sh$' |
        xargs shellcheck -x) >"$out.log" 2>&1; then
        printf 'pass\t0\tshellcheck\n' >>"$out"
    else
        tail -n 40 "$out.log"
        printf 'fail\t0\tshellcheck\n' >>"$out"
    fi
    for script in "$SVMGPU_TOP"/tests/scripts/*.test; do
        [[ -x $script ]] || continue
        start=$SECONDS status=0
        "$script" >"$out.log" 2>&1 </dev/null || status=$?
        case $status in
        0) printf 'pass\t%s\t%s\n' $((SECONDS - start)) "${script##*/}" ;;
        77) printf 'skip\t%s\t%s\n' $((SECONDS - start)) "${script##*/}" ;;
        *)
            tail -n 20 "$out.log" >&2
            printf 'fail\t%s\t%s\n' $((SECONDS - start)) "${script##*/}"
            ;;
        esac >>"$out"
    done
}

# the tests of the host's programs, each named test of a program by itself
suite_host() {
    local out=$1 status=0 log
    ensure_check_build
    log=$(check_build)/meson-logs/testlog.json
    rm -f "$log"
    SVMGPU_QEMU=$SVMGPU_QEMU meson test -C "$(check_build)" --no-rebuild \
        --print-errorlogs -t 3 || status=$?
    [[ -s $log ]] || die "meson test ran nothing"
    # A program that speaks TAP has a line for each of its tests; one that died,
    # or that speaks nothing, counts as one.
    sqlite3 -batch -noheader -separator $'\t' :memory: "
        WITH RECURSIVE run(v) AS (
            SELECT value FROM json_each(
                '[' || rtrim(replace(readfile('$log'), char(10), ','), ',') || ']')),
        program(name, result, duration, text) AS (
            SELECT json_extract(v, '\$.name'), json_extract(v, '\$.result'),
                   json_extract(v, '\$.duration'),
                   coalesce(json_extract(v, '\$.stdout'), '') || char(10) FROM run),
        line(name, text, rest) AS (
            SELECT name, '', text FROM program
            UNION ALL
            SELECT name, substr(rest, 1, instr(rest, char(10)) - 1),
                   substr(rest, instr(rest, char(10)) + 1)
            FROM line WHERE rest <> ''),
        tap(name, result, test) AS (
            SELECT name, CASE WHEN text LIKE '%# SKIP%' THEN 'skip'
                              WHEN text LIKE 'not ok %' THEN 'fail' ELSE 'pass' END,
                   substr(text, instr(text, 'ok ') + 3)
            FROM line WHERE text GLOB 'ok [0-9]*' OR text GLOB 'not ok [0-9]*')
        SELECT CASE WHEN result IN ('OK', 'EXPECTEDFAIL') THEN 'pass'
                    WHEN result = 'SKIP' THEN 'skip' ELSE 'fail' END,
               printf('%.3f', duration), name
        FROM program
        WHERE name NOT IN (SELECT name FROM tap)
           OR (result NOT IN ('OK', 'SKIP', 'EXPECTEDFAIL')
               AND name NOT IN (SELECT name FROM tap WHERE result = 'fail'))
        UNION ALL
        SELECT result, '0', name || ': ' || test FROM tap
        ORDER BY 3" >>"$out"
    ((status == 0)) || grep -q '^fail' "$out" || die "meson test failed (status $status)"
}

# the driver's unit tests, which KUnit runs when their module is loaded; they
# taint the kernel, so they have a guest of their own
suite_kunit() {
    local out=$1 dir module
    prepare_guest debug 0 no-driver
    ensure_driver debug kunit
    module=$(kdriver_out debug kunit)/svmgpu.ko
    dir=$(new_run_dir)
    cat >"$dir/command" <<END
modprobe kunit enable=1 autorun=1 && modprobe drm_kunit_helpers
for name in \$(modinfo -F depends $module | tr , ' '); do modprobe \$name; done
insmod $module || exit 1
dmesg | sed 's/^\[ *[0-9.]*\] //' >$dir/ktap
grep -E '^ *(not )?ok ' $dir/ktap
END
    run_guest "svmgpu-kunit-$BASHPID" debug 0 "" svmgpu.noload "$dir"
    {
        # a case is a result line one level below its suite's
        sed -nE -e 's/^    ok [0-9]+ ([^ ]+).*# SKIP.*/skip\t0\tkunit \1/p' \
            -e '/# SKIP/!s/^    ok [0-9]+ ([^ ]+).*/pass\t0\tkunit \1/p' \
            -e 's/^    not ok [0-9]+ ([^ ]+).*/fail\t0\tkunit \1/p' "$dir/ktap"
        grep -qE '^    (not )?ok ' "$dir/ktap" || printf 'fail\t0\tkunit ran no test\n'
        kernel_findings "$dir" | sed 's|$| (unit tests)|'
    } >>"$out"
    ((RUN_STATUS == 0)) || die "the unit tests' module does not load" "see $dir/console"
}

# the driver's sources, by the kernel's own tools
suite_driver() {
    local out=$1 start=$SECONDS
    if "$SVMGPU_TOP/scripts/check-kdriver" >"$out.log" 2>&1; then
        printf 'pass\t%s\tcheckpatch and kernel-doc\n' $((SECONDS - start)) >>"$out"
    else
        tail -n 40 "$out.log" >&2
        printf 'fail\t%s\tcheckpatch and kernel-doc\n' $((SECONDS - start)) >>"$out"
    fi
}

# tests from lists, IGT's or the programs of tests/guest
suite_igt() {
    local out=$1 kernel=$2 name
    shift 2
    name=$(basename "$1" .testlist)
    prepare_guest "$kernel" 2
    rm -f "$out.db"*
    run_igt "$kernel" 2 "$out.db" "$out.results" "$@"
    {
        sed "s|\$| ($kernel kernel)|" "$out.results/results.tsv"
        check_result "$out.db" "$name, $kernel kernel"
    } >>"$out"
}

# the guest programs on the debug kernel, which needs minutes to fill a GPU's memory
suite_guest_debug() {
    local out=$1
    shift
    # shellcheck disable=SC2034 # read by gpu_args
    GPU_VRAM=128M
    suite_igt "$out" debug "$@"
}

# a log that a suite made must hold the rules
check_result() {
    local status=0
    "$(host_program svmgpu-log)" check "$1" >"$1.check" 2>&1 || status=$?
    if ((status == 0)); then
        printf 'pass\t0\trules hold in the log of %s\n' "$2"
    else
        grep '^FAIL' "$1.check" >&2 || cat "$1.check" >&2
        printf 'fail\t0\trules hold in the log of %s\n' "$2"
    fi
}

# run_suite TITLE FUNCTION ARGUMENT...: run it, whatever becomes of it
run_suite() {
    local title=$1 suite=$2 out start=$SECONDS
    shift 2
    out=$TEST_DIR/$(tr -c 'a-z0-9\n' - <<<"$title").tsv
    : >"$out"
    msg "== $title"
    attempt "$suite" "$out" "$@"
    ((ATTEMPT_STATUS == 0)) || printf 'fail\t0\t%s ended early\n' "$title" >>"$out"
    sed "s|^|$title\t|" "$out" >>"$TEST_DIR/all.tsv"
    print_results "$out"
    msg "== $title: $(count_results "$out" pass) passed, $(count_results "$out" fail) failed, $(count_results "$out" skip) skipped, $((SECONDS - start)) s"
}

# The lanes. A lane's lines begin with its name.
lane_stock() {
    run_suite host suite_host
    run_suite "guest stock" suite_igt stock "$SVMGPU_TOP/tests/guest/guest.testlist"
    run_suite "igt stock" suite_igt stock "$SVMGPU_TOP/tests/igt/first-light.testlist"
    run_suite scripts suite_scripts
}

lane_debug() {
    run_suite driver suite_driver
    run_suite kunit suite_kunit
    run_suite "guest debug" suite_guest_debug "$SVMGPU_TOP/tests/guest/guest.testlist"
    run_suite "igt debug" suite_igt debug "$SVMGPU_TOP/tests/igt/short.testlist"
}

# what takes hours, with --full
lane_full() {
    local list
    run_suite "sweep debug" suite_igt debug fail-sweep
    for list in "$SVMGPU_TOP"/tests/igt/*.testlist; do
        [[ $list != */first-light.testlist && $list != */short.testlist ]] || continue
        run_suite "igt stock $(basename "$list" .testlist)" suite_igt stock "$list"
    done
}

# run_lanes NAME...: all at the same time, until the last has ended
run_lanes() {
    local name writer lanes=() writers=()
    for name in "$@"; do
        mkfifo "$TEST_DIR/$name.lane"
        sed -u "s/^/$name | /" <"$TEST_DIR/$name.lane" &
        writers+=($!)
        attempt_begin "lane_$name" >"$TEST_DIR/$name.lane" 2>&1
        lanes+=("$ATTEMPT_PID $name")
    done
    for name in "${lanes[@]}"; do
        attempt_end "${name% *}"
        ((ATTEMPT_STATUS == 0)) ||
            printf '%s\tfail\t0\tended early\n' "${name#* }" >>"$TEST_DIR/all.tsv"
    done
    for writer in "${writers[@]}"; do wait "$writer"; done
}

cmd_test() {
    local mode=default passed failed skipped
    while (($#)); do
        case $1 in
        --quick) mode=quick ;;
        --full) mode=full ;;
        -*) die "unknown option '$1'" "scripts/svmgpu test [--quick|--full]" ;;
        *) no_more_arguments "$1" ;;
        esac
        shift
    done
    make_dirs
    ensure_host_packages
    rm -rf "$TEST_DIR"
    mkdir -p "$TEST_DIR"
    : >"$TEST_DIR/all.tsv"
    export SVMGPU_TEST_MODE=$mode
    [[ $mode != full ]] || export SVMGPU_TEST_ROUNDS=10
    ensure_host_build
    ensure_check_build
    prepare_guest stock 2
    case $mode in
    quick) run_lanes stock ;;
    default | full)
        prepare_guest debug 2
        ensure_driver debug kunit
        run_lanes stock debug
        ;;
    esac
    [[ $mode != full ]] || run_lanes full
    passed=$(cut -f2 "$TEST_DIR/all.tsv" | grep -c '^pass' || true)
    failed=$(cut -f2 "$TEST_DIR/all.tsv" | grep -c '^fail' || true)
    skipped=$(cut -f2 "$TEST_DIR/all.tsv" | grep -c '^skip' || true)
    awk -F'\t' '$2 == "fail" { printf "failed: %s: %s\n", $1, $4 }' "$TEST_DIR/all.tsv"
    msg "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0))
}

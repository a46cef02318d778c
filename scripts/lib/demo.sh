# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# "svmgpu demo": one guest with two GPUs runs the first-light IGT tests and the
# workload of tests/guest/svm-list.c; its log becomes a report and a picture.

DEMO_DIR=$SVMGPU_BUILD/demo

# write_report DIR LOG: what ran and how long, then what the log knows
write_report() {
    local dir=$1 log=$2
    echo "svmgpu demo, $(date -u '+%Y-%m-%d %H:%M:%S') UTC"
    echo "guest kernel $(stock_release), $GUEST_VCPUS processors ($SVMGPU_ACCEL), 2 GPUs of $GPU_VRAM, engines $GPU_ENGINES"
    echo
    echo "Tests"
    print_results "$dir/results.tsv"
    "$(host_program svmgpu-log)" report "$log"
    echo
    echo "Rules"
    "$(host_program svmgpu-log)" check "$log" | sed 's/^/  /' || true
}

cmd_demo() {
    local dir log=$DEMO_DIR/events.db inspector failed start=$SECONDS
    no_more_arguments "$@"
    make_dirs
    ensure_host_packages
    ensure_host_build
    prepare_guest stock 2
    rm -rf "$DEMO_DIR"
    mkdir -p "$DEMO_DIR"
    dir=$(new_run_dir)
    igt_patterns "$SVMGPU_TOP/tests/igt/first-light.testlist" svm-list >"$dir/patterns"
    igt_command "$dir" >"$dir/command"
    msg "first the IGT tests, then the two-GPU workload"
    run_guest "svmgpu-demo-$$" stock 2 "$log" svmgpu.module.driver_name=xe "$dir"
    {
        igt_results_tsv "$dir"
        kernel_findings "$dir"
    } >"$dir/results.tsv"
    cp "$dir/results.tsv" "$DEMO_DIR/results.tsv"
    write_report "$dir" "$log" >"$DEMO_DIR/report.txt.part"
    publish "$DEMO_DIR/report.txt.part" "$DEMO_DIR/report.txt"
    inspector=$(host_program svmgpu-inspector)
    step "drawing the log" demo-render "$inspector" --render "$DEMO_DIR/inspector.png" "$log"
    cat "$DEMO_DIR/report.txt"
    failed=$(count_results "$DEMO_DIR/results.tsv" fail)
    msg "results: $DEMO_DIR (events.db, report.txt, inspector.png), $((SECONDS - start)) s"
    ((failed == 0)) || die "$failed tests failed" "see $DEMO_DIR/report.txt and $dir"
    if [[ -n ${WAYLAND_DISPLAY:-}${DISPLAY:-} && -t 1 ]]; then
        msg "opening the inspector; close its window to end the demo"
        "$inspector" "$log"
    fi
}

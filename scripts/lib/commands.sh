# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # options are read by other files
#
# The small commands, and what a guest needs before it can start.

DOMAIN=svmgpu
UP_DIR=$SVMGPU_BUILD/up

# The options that several commands share; what they do not know stays in REST.
parse_options() {
    OPT_GPUS=2 OPT_KERNEL=stock OPT_LOG='' OPT_DRIVER='' OPT_TIMEOUT='' OPT_RESULTS='' OPT_NODRIVER='' REST=()
    while (($#)); do
        case $1 in
        --gpus | --kernel | --log | --driver-name | --timeout | --results)
            (($# > 1)) || die "$1 needs a value" "see scripts/svmgpu --help"
            case $1 in
            --gpus) OPT_GPUS=$2 ;;
            --kernel) OPT_KERNEL=$2 ;;
            --log) OPT_LOG=$(realpath -m -- "$2") ;;
            --driver-name) OPT_DRIVER=$2 ;;
            --timeout) OPT_TIMEOUT=$2 ;;
            --results) OPT_RESULTS=$(realpath -m -- "$2") ;;
            esac
            shift 2
            ;;
        --no-driver)
            OPT_NODRIVER=1
            shift
            ;;
        --)
            shift
            REST+=("$@")
            break
            ;;
        -*) die "unknown option '$1'" "see scripts/svmgpu --help" ;;
        *)
            REST+=("$1")
            shift
            ;;
        esac
    done
    [[ $OPT_GPUS =~ ^[0-8]$ ]] || die "--gpus $OPT_GPUS: not a number from 0 to 8"
    [[ $OPT_KERNEL == stock || $OPT_KERNEL == debug ]] ||
        die "unknown kernel '$OPT_KERNEL'" "use --kernel stock or --kernel debug"
    [[ -z $OPT_TIMEOUT || $OPT_TIMEOUT =~ ^[0-9]+$ ]] ||
        die "--timeout $OPT_TIMEOUT: not a number of seconds"
}

no_more_arguments() {
    (($# == 0)) || die "'$1': there is nothing to do with this argument" "see scripts/svmgpu --help"
}

# module_words: the words of the guest's kernel command line about the driver
module_words() {
    [[ -z $OPT_NODRIVER ]] || echo svmgpu.noload
    [[ -z $OPT_DRIVER ]] || echo "svmgpu.module.driver_name=$OPT_DRIVER"
}

# prepare_guest KERNEL GPUS [NO-DRIVER]: build and make all that a guest needs
prepare_guest() {
    make_dirs
    ensure_host_packages
    ensure_qemu
    ensure_kernel "$1"
    ensure_guest_image
    ensure_initrd "$1"
    ensure_accel
    [[ -n ${3:-} ]] || ensure_driver "$1"
    ensure_guest_programs
    ensure_emulator "$2"
    ensure_libvirt
}

cmd_build() {
    parse_options "$@"
    no_more_arguments "${REST[@]}"
    make_dirs
    ensure_host_packages
    ensure_host_build
    prepare_guest "$OPT_KERNEL" 1
    msg "built: $(host_build), $SVMGPU_BUILD/kdriver/$(kernel_release "$OPT_KERNEL"), $SVMGPU_BUILD/guest"
}

cmd_run() {
    local dir
    parse_options "$@"
    ((${#REST[@]})) || die "run needs a command" "scripts/svmgpu run -- COMMAND..."
    prepare_guest "$OPT_KERNEL" "$OPT_GPUS" "$OPT_NODRIVER"
    [[ -z $OPT_TIMEOUT ]] || RUN_TIMEOUT=$OPT_TIMEOUT
    dir=$(new_run_dir)
    ((OPT_GPUS == 0)) || mkdir "$dir/ctl"
    # one argument is a shell command line, several are one command's words
    if ((${#REST[@]} == 1)); then
        printf '%s\n' "${REST[0]}" >"$dir/command"
    else
        printf '%q ' "${REST[@]}" >"$dir/command"
    fi
    run_guest "svmgpu-run-$$" "$OPT_KERNEL" "$OPT_GPUS" "$OPT_LOG" \
        "$(module_words)" "$dir"
    exit "$RUN_STATUS"
}

# The domain keeps its identity over "up"s, whatever changes in it.
domain_uuid() { virsh_quiet domuuid "$DOMAIN" 2>/dev/null || cat /proc/sys/kernel/random/uuid; }

cmd_up() {
    local start=$SECONDS uuid
    parse_options "$@"
    no_more_arguments "${REST[@]}"
    make_dirs
    ensure_host_packages
    ensure_libvirt
    ! domain_active "$DOMAIN" ||
        die "the domain $DOMAIN is already running" "use scripts/svmgpu shell, or stop it: scripts/svmgpu down"
    prepare_guest "$OPT_KERNEL" "$OPT_GPUS" "$OPT_NODRIVER"
    mkdir -p "$UP_DIR"
    rm -f "$UP_DIR/console"
    uuid=$(domain_uuid | tr -d '\n')
    domain_xml "$DOMAIN" "$OPT_KERNEL" "$OPT_GPUS" "${OPT_LOG:-$UP_DIR/events.db}" \
        "$(ctl_socket)" "" "" "$(kernel_cmdline "$OPT_KERNEL" "$(module_words)")" restart |
        sed -e "s|^  <name>.*|&<uuid>$uuid</uuid>|" \
            -e "s|<serial type='pty'>|&<log file='$(xml_escape "$UP_DIR/console")' append='off'/>|" \
            >"$UP_DIR/domain.xml"
    msg "starting the domain $DOMAIN: $OPT_KERNEL kernel, $OPT_GPUS GPUs"
    virsh_or_die define "$UP_DIR/domain.xml"
    virsh_or_die start "$DOMAIN"
    while ! grep -aq 'svmgpu-guest: ready' "$UP_DIR/console" 2>/dev/null; do
        domain_active "$DOMAIN" || die "the guest did not start" "see $UP_DIR/console"
        ((SECONDS - start < 600)) || die "the guest is not ready after 600 s" "see $UP_DIR/console"
        sleep 0.5
    done
    msg "the domain $DOMAIN runs (${OPT_GPUS} GPUs, $OPT_KERNEL kernel); its log is ${OPT_LOG:-$UP_DIR/events.db}"
    msg "next: scripts/svmgpu shell, virsh console $DOMAIN, scripts/svmgpu inspect, scripts/svmgpu down"
}

cmd_down() {
    local i
    no_more_arguments "$@"
    make_dirs
    ensure_libvirt
    if ! domain_active "$DOMAIN"; then
        msg "the domain $DOMAIN is not running"
        return
    fi
    msg "pressing the power button of the domain $DOMAIN"
    virsh_quiet shutdown "$DOMAIN" >/dev/null
    for ((i = 0; i < 40; i++)); do
        domain_active "$DOMAIN" || break
        sleep 0.5
    done
    if domain_active "$DOMAIN"; then
        note "the guest does not answer the power button: pulling the plug"
        destroy_domain "$DOMAIN"
    fi
    msg "the domain $DOMAIN is stopped"
}

need_domain() {
    no_more_arguments "$@"
    make_dirs
    ensure_libvirt
    domain_active "$DOMAIN" || die "the domain $DOMAIN is not running" "start it: scripts/svmgpu up"
}

need_terminal() { [[ -t 0 ]] || die "this needs a terminal" "for one command use: scripts/svmgpu run -- COMMAND"; }

cmd_shell() {
    need_terminal
    need_domain "$@"
    msg "press Enter; leave with ^]"
    virsh -q --no-pkttyagent -c "$SVMGPU_URI" console "$DOMAIN" --devname console1
}

cmd_console() {
    need_terminal
    need_domain "$@"
    msg "the kernel's console; leave with ^]"
    virsh -q --no-pkttyagent -c "$SVMGPU_URI" console "$DOMAIN" --devname serial0
}

# newest_log: the log that "inspect" without an argument means
newest_log() {
    local newest='' file
    for file in "$UP_DIR/events.db" "$SVMGPU_BUILD/demo/events.db" "$SVMGPU_BUILD"/igt/*/*.db; do
        [[ ! -e $file || (-n $newest && $newest -nt $file) ]] || newest=$file
    done
    [[ -n $newest ]] || die "there is no log yet" "make one: scripts/svmgpu demo"
    echo "$newest"
}

need_log() { [[ -r $1 ]] || die "cannot read the log $1" "scripts/svmgpu inspect LOG, with a log that exists"; }

cmd_inspect() {
    local log=${1:-}
    (($# <= 1)) || no_more_arguments "${@:2}"
    [[ $log != -* ]] || die "unknown option '$log'" "see scripts/svmgpu --help"
    [[ -n $log ]] || log=$(newest_log)
    need_log "$log"
    ensure_host_packages
    ensure_host_build
    [[ -n ${WAYLAND_DISPLAY:-}${DISPLAY:-} ]] ||
        die "there is no display" "draw a picture instead: $(host_program svmgpu-inspector) --render VIEW.png $log"
    "$(host_program svmgpu-inspector)" "$log"
}

cmd_check() {
    local log=${1:-} status=0
    [[ -n $log ]] || die "check needs a log" "scripts/svmgpu check LOG"
    [[ $log != -* ]] || die "unknown option '$log'" "see scripts/svmgpu --help"
    need_log "$log"
    make_dirs
    ensure_host_build
    "$(host_program svmgpu-log)" check "$@" || status=$?
    case $status in
    0) ;;
    1) die "the log $log breaks a rule" "see the lines above that start with FAIL, and docs/rules.md" ;;
    *) die "the log $log cannot be checked" "see the line above" ;;
    esac
}

ctl_socket() { echo "${XDG_RUNTIME_DIR:-/run}/svmgpu-$(hash_of "$SVMGPU_TOP").ctl"; }

cmd_ctl() {
    [[ ${1:-} != -* ]] || die "unknown option '$1'" "scripts/svmgpu ctl help"
    make_dirs
    ensure_host_build
    [[ -S $(ctl_socket) ]] ||
        die "the domain $DOMAIN is not running" "start it: scripts/svmgpu up"
    "$(host_program svmgpu-device)" --ctl-client "$(ctl_socket)" "${@:-help}"
}

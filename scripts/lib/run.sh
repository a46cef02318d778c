# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # RUN_STATUS is the callers'
#
# "svmgpu run": boots a domain of its own, runs one command in it, shows the
# command's output as it comes and ends with its status.  What the two sides
# exchange is in a run directory inside the checkout, which the guest sees at
# the same path:
#
#   command   the shell script to run             (host)
#   output    what it wrote                       (virtio port)
#   console   the kernel's serial console         (serial port)
#   dmesg     the kernel's log at the end         (guest)
#   status    the command's exit status           (guest; last of all)
#   ctl/      commands for the GPUs' control socket, asked for by svmgpu-ctl
#             (guest) and answered (host); where it exists

RUN_TIMEOUT=3600

# domain_pid NAME: the domain's QEMU process, as libvirt wrote it down
domain_pid() {
    local dir
    for dir in /run/libvirt/qemu "${XDG_RUNTIME_DIR:-/nonexistent}/libvirt/qemu/run" \
        "${XDG_CACHE_HOME:-$HOME/.cache}/libvirt/qemu/run"; do
        [[ ! -r $dir/$1.pid ]] || cat "$dir/$1.pid"
    done
}

# device_pid PID: the process of the GPUs of this QEMU
device_pid() { pgrep -f -- "svmgpu-device .*--watch-pid $1( |\$)" || true; }

domain_active() { [[ $(virsh_quiet domstate "$1" 2>/dev/null) =~ ^(running|paused|in\ shutdown|idle|no\ state) ]]; }

# guest_alive NAME PID: by its process where that is known, so that a libvirtd
# that starts anew is not taken for a guest that ended
guest_alive() {
    if [[ -n $2 ]]; then
        kill -0 "$2" 2>/dev/null
    else
        domain_active "$1"
    fi
}

# serve_ctl DIR SOCKET: pass on what the guest wants of the control socket
serve_ctl() {
    local dir=$1 socket=$2 request command
    while sleep 0.2; do
        for request in "$dir"/*.request; do
            [[ -e $request ]] || continue
            read -r -a command <"$request" || true
            rm -f "$request"
            "$(host_program svmgpu-device)" --ctl-client "$socket" "${command[@]}" \
                >"$request.part" 2>&1 || true
            mv "$request.part" "${request%.request}.answer"
        done
    done
}

# run_guest NAME KERNEL GPUS LOG WORDS DIR: boot with these words on the kernel's
# command line, run DIR/command; its status is
# in RUN_STATUS afterwards; ends the script when there is none. With a directory
# DIR/ctl the guest may use the control socket.
run_guest() {
    local name=$1 kernel=$2 gpus=$3 log=$4 words=$5 dir=$6 tail_pid why qemu device=''
    local start=$SECONDS ctl=''
    : >"$dir/output"
    : >"$dir/console"
    [[ ! -d $dir/ctl ]] || ctl=${XDG_RUNTIME_DIR:-/run}/$name.ctl
    domain_xml "$name" "$kernel" "$gpus" "$log" "$ctl" "$dir/console" "$dir/output" \
        "$(kernel_cmdline "$kernel" "svmgpu.run=$dir $words")" destroy >"$dir/domain.xml"
    at_exit destroy_domain "$name"
    # to stderr: what comes on stdout is the command's
    msg "starting a guest: $kernel kernel, $gpus GPUs" >&2
    ensure_libvirt
    virsh_or_die create "$dir/domain.xml"
    qemu=$(domain_pid "$name")
    tail -n +1 -s 0.2 -f "$dir/output" &
    tail_pid=$!
    at_exit end_process "$tail_pid"
    if [[ -n $ctl ]]; then
        serve_ctl "$dir/ctl" "$ctl" &
        at_exit end_process $!
    fi
    [[ $gpus -eq 0 || -z $qemu ]] || device=$(device_pid "$qemu")
    while guest_alive "$name" "$qemu"; do
        if [[ -n $device ]] && ! kill -0 "$device" 2>/dev/null; then
            # the device goes when its QEMU goes; QEMU may only just be gone
            sleep 1
            guest_alive "$name" "$qemu" || break
            end_process "$tail_pid"
            die "the device process died" "see $dir/console; the log, if any, holds what it did last"
        fi
        if ((SECONDS - start > RUN_TIMEOUT)); then
            end_process "$tail_pid"
            die "the command did not end within $RUN_TIMEOUT s" \
                "its output is $dir/output; --timeout SECONDS gives it more time"
        fi
        sleep 0.5
    done
    sleep 0.3
    end_process "$tail_pid"
    if [[ -e $dir/status ]]; then
        RUN_STATUS=$(cat "$dir/status")
        [[ ! -e $dir/load-failed ]] || die "the driver does not load" "see $dir/console"
        return
    fi
    why=$(grep -ahoE 'Kernel panic - not syncing.*|svmgpu-guest: .*' "$dir/console" |
        grep -v '^svmgpu-guest: ready' | tail -n 1 | tr -d '\r') || true
    case $why in
    *"broken guest image"*)
        die "the guest image is broken" "remove $(guest_image) and start again"
        ;;
    svmgpu-guest:*) die "the guest did not start: ${why#svmgpu-guest: }" "see $dir/console" ;;
    ?*) die "the guest died: $why" "see $dir/console" ;;
    *) die "the guest ended without a word (QEMU or the device was killed?)" \
        "see $dir/console and libvirt's log of the domain $name" ;;
    esac
}

end_process() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

destroy_domain() {
    local pid
    pid=$(domain_pid "$1")
    virsh_quiet destroy "$1" >/dev/null 2>&1 || [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
}

# new_run_dir: a directory for one run, inside the checkout; old ones go
new_run_dir() {
    local runs=$SVMGPU_BUILD/runs
    mkdir -p "$runs"
    # shellcheck disable=SC2012 # our own names
    ls -1t "$runs" | tail -n +20 | while read -r old; do rm -rf "${runs:?}/$old"; done
    mktemp -d "$runs/$(date +%H%M%S)-XXXXXX"
}

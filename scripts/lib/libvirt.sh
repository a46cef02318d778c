# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The libvirt connection.  A running daemon is used as it is: the system's for
# root, the session's (which libvirt starts by itself) for an ordinary user.
# Where root has no daemon running, one of our own is started on the usual
# socket, so that plain virsh works, but with its configuration and its state
# in a directory of ours: /etc/libvirt and /var/lib/libvirt stay as they are.
# It leaves by itself 30 s after the last domain and the last client are gone.

SVMGPU_LIBVIRT_DIR=$SVMGPU_CACHE/libvirt

virsh_quiet() { virsh -q -c "$SVMGPU_URI" "$@" </dev/null; }

# virsh_or_die COMMAND ARGUMENT...: what libvirt says is shown when it refuses
virsh_or_die() {
    local said
    said=$(virsh_quiet "$@" 2>&1) || {
        printf '    %s\n' "$said" >&2
        die "libvirt refuses to $1 the domain" "see the lines above, and $SVMGPU_LOGS/libvirtd.log"
    }
}

_libvirtd_config() {
    local dir=$SVMGPU_LIBVIRT_DIR
    mkdir -p "$dir/etc/qemu" "$dir/lib" "$dir/cache" "$dir/log"
    # one log for each guest there ever was
    rm -f "$dir"/log/qemu/svmgpu-*.log
    # Only this machine's root may connect.
    cat >"$dir/etc/libvirtd.conf" <<END
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:$SVMGPU_LOGS/libvirtd.log"
END
    # The emulator runs as the user that started us, without what a bare
    # machine may lack: control groups, a security driver, virtlogd.
    cat >"$dir/etc/qemu.conf" <<END
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = [ ]
namespaces = [ ]
security_driver = "none"
stdio_handler = "file"
END
}

_start_libvirtd() {
    local dir=$SVMGPU_LIBVIRT_DIR i
    _libvirtd_config
    # The daemon's view of /etc/libvirt, its state and its logs is ours, in a
    # mount name space that ends with it; the socket below /run is everyone's.
    # It must not inherit our files: a lock would then be its own for its life.
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --propagation private bash -ec '
        for fd in /proc/$$/fd/*; do
            ((${fd##*/} <= 2)) || eval "exec ${fd##*/}>&-"
        done
        mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run/libvirt
        mount --bind "$1/etc" /etc/libvirt
        mount --bind "$1/lib" /var/lib/libvirt
        mount --bind "$1/cache" /var/cache/libvirt
        mount --bind "$1/log" /var/log/libvirt
        exec libvirtd --daemon --timeout 30 --pid-file "$1/libvirtd.pid"' bash "$dir" \
        </dev/null >>"$SVMGPU_LOGS/libvirtd.log" 2>&1 ||
        die "libvirtd does not start" "see $SVMGPU_LOGS/libvirtd.log"
    for ((i = 0; i < 50; i++)); do
        virsh_quiet list --name >/dev/null 2>&1 && return
        sleep 0.2
    done
    die "libvirtd does not answer" "see $SVMGPU_LOGS/libvirtd.log"
}

# ensure_libvirt: afterwards SVMGPU_URI answers.  Asked again before each guest:
# a daemon with nothing to do may have left meanwhile.
ensure_libvirt() {
    have virsh || die "virsh is missing" "apt-get install libvirt-clients libvirt-daemon-system"
    if [[ -n ${SVMGPU_LIBVIRT_URI:-} ]]; then
        SVMGPU_URI=$SVMGPU_LIBVIRT_URI
    elif is_root; then
        SVMGPU_URI=qemu:///system
    else
        SVMGPU_URI=qemu:///session
    fi
    if [[ -z ${SVMGPU_CLIENT_FD:-} ]]; then
        # As long as one of our commands uses the daemon, none of them ends it.
        exec {SVMGPU_CLIENT_FD}>"$SVMGPU_CACHE/.lock-libvirt-clients"
        flock -s "$SVMGPU_CLIENT_FD"
        at_exit stop_own_libvirtd
    fi
    virsh_quiet list --name >/dev/null 2>&1 && return
    if ! is_root || [[ -n ${SVMGPU_LIBVIRT_URI:-} ]]; then
        die "libvirt at $SVMGPU_URI does not answer" \
            "start it (for an ordinary user: libvirtd --daemon), or set SVMGPU_LIBVIRT_URI"
    fi
    have libvirtd || die "libvirtd is missing" "apt-get install libvirt-daemon-system"
    with_lock libvirtd _start_libvirtd_once
}

_start_libvirtd_once() {
    virsh_quiet list --name >/dev/null 2>&1 || _start_libvirtd
}

# The daemon that we started has nothing left to do: end it now, not in 30 s.
stop_own_libvirtd() {
    local pid names
    [[ -e $SVMGPU_LIBVIRT_DIR/libvirtd.pid ]] || return 0
    flock -n -x "$SVMGPU_CLIENT_FD" || return 0
    pid=$(cat "$SVMGPU_LIBVIRT_DIR/libvirtd.pid")
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == libvirtd ]] || return 0
    names=$(virsh_quiet list --name 2>/dev/null) || return 0
    [[ -z ${names//[[:space:]]/} ]] || return 0
    kill -TERM "$pid" 2>/dev/null || true
    local i
    for ((i = 0; i < 50; i++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
}

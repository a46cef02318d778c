# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The QEMU that runs the guest: the host's, when it has vfio-user-pci, else a
# private one, unpacked (not installed) from the guest's distribution.  The
# private one runs through its own dynamic loader with its own libraries,
# firmware and modules; it must never load the host's modules, which belong to
# another build.  Also here: whether KVM really works.

QEMU_RECIPE=1
QEMU_PACKAGES=(qemu-system-x86 seabios)

qemu_private_root() {
    echo "$SVMGPU_CACHE/qemu/root-$(hash_of "$QEMU_RECIPE" "$SVMGPU_SUITE" "${QEMU_PACKAGES[@]}")"
}

_unpack_qemu() {
    local root=$1 mirror=$2 mode=unshare opt
    local -a args=()
    shift 2
    is_root && mode=root
    for opt in "$@"; do
        args+=(--aptopt="${opt/=/ }")
    done
    as_root_owner rm -rf --one-file-system -- "$root"
    mmdebstrap --mode="$mode" --variant=extract --format=directory \
        --include="$(
            IFS=,
            echo "${QEMU_PACKAGES[*]}"
        )" "${args[@]}" --aptopt='Acquire::Languages "none"' \
        "$SVMGPU_SUITE" "$root" "$mirror"
}

# The command that runs it, with the same arguments as QEMU; it lies beside the
# root, whose files belong to sub-ids when an ordinary user made it
qemu_private_command() { echo "$(qemu_private_root)-system-x86_64"; }

_write_qemu_command() {
    local name=$1 command=$2 lib=$1/usr/lib/x86_64-linux-gnu
    cat >"$command.part" <<END
#!/bin/sh
# Runs the QEMU below this root with its own libraries, firmware and modules.
QEMU_MODULE_DIR=$lib/qemu
export QEMU_MODULE_DIR
exec $lib/ld-linux-x86-64.so.2 --argv0 qemu-system-x86_64 --library-path $lib \\
    $name/usr/bin/qemu-system-x86_64 -L $name/usr/share/seabios -L $name/usr/share/qemu "\$@"
END
    chmod 755 "$command.part"
    publish "$command.part" "$command"
}

_build_private_qemu() {
    local root=$1 part=$1.part mirror
    local -a opts=()
    [[ ! -e $(qemu_private_command) ]] || return 0
    need_space "$SVMGPU_CACHE" 1500 "the private QEMU"
    mirror=$(debian_mirror)
    mapfile -t opts < <(apt_options)
    mkdir -p "$(dirname "$root")"
    step "getting a QEMU with vfio-user-pci" qemu _unpack_qemu "$part" "$mirror" "${opts[@]}"
    as_root_owner rm -rf --one-file-system -- "$root"
    publish "$part" "$root"
    _write_qemu_command "$root" "$(qemu_private_command)"
}

qemu_has_vfio_user() { "$1" -device help 2>/dev/null | grep -q '"vfio-user-pci"'; }

# ensure_qemu: afterwards SVMGPU_QEMU is a QEMU command with vfio-user-pci
ensure_qemu() {
    local qemu
    [[ -z ${SVMGPU_QEMU:-} ]] || return 0
    qemu=$(command -v qemu-system-x86_64 || true)
    if [[ -n $qemu ]] && qemu_has_vfio_user "$qemu"; then
        SVMGPU_QEMU=$qemu
        return
    fi
    make_dirs
    [[ -e $(qemu_private_command) ]] || with_lock qemu _build_private_qemu "$(qemu_private_root)"
    SVMGPU_QEMU=$(qemu_private_command)
    qemu_has_vfio_user "$SVMGPU_QEMU" ||
        die "the QEMU in $(qemu_private_root) does not run or lacks vfio-user-pci" \
            "remove $SVMGPU_CACHE/qemu and start again"
}

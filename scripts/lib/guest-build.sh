# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Builds in the guest root: the driver's module for a kernel, and the guest
# programs.  Sources go in and results come out as tar streams, so that it is
# the same for root and for an ordinary user, whose ids mean nothing in there.
# Each output directory has a work directory of its own in the root, so that
# builds of different variants can run side by side and each is incremental.

# push_tree ROOT DIR SOURCE [TAR-OPTION...]: make DIR in the root a copy of
# SOURCE.  Times are kept, for make; C files that are gone are removed.
push_tree() {
    local root=$1 dir=$2 source=$3
    shift 3
    in_root "$root" mkdir -p "$dir"
    tar -C "$source" --owner=0 --group=0 "$@" -c . | in_root "$root" tar -C "$dir" -x
    (cd "$source" && find . -name '*.[chS]' -o -name 'Kbuild' -o -name 'Makefile' | sort) |
        in_root "$root" sh -ec "
            cd '$dir'; cat >.svmgpu-sources
            find . -name '*.mod.c' -prune -o -name '*.[chS]' -print | sort |
                comm -13 .svmgpu-sources - | xargs -r rm -f"
}

# pull_file ROOT FILE DEST: replace DEST, if it differs, in one go
pull_file() {
    local root=$1 file=$2 dest=$3
    in_root "$root" cat "$file" >"$dest.part"
    if cmp -s "$dest.part" "$dest"; then
        rm -f "$dest.part"
    else
        publish "$dest.part" "$dest"
    fi
}

# kernel_release stock|debug
kernel_release() {
    case $1 in
    stock) stock_release ;;
    debug) debug_release ;;
    *) die "unknown kernel '$1'" "use --kernel stock or --kernel debug" ;;
    esac
}

ensure_kernel() {
    case $1 in
    stock) ensure_guest_root ;;
    debug) ensure_debug_kernel ;;
    *) die "unknown kernel '$1'" "use --kernel stock or --kernel debug" ;;
    esac
}

# build_kdriver KERNEL SRC OUT [VARIABLE=VALUE...]: OUT/svmgpu.ko from SRC, with
# these variables of make; the compiler's output goes to stdout.  KERNEL's tree
# must be there.
build_kdriver() {
    local kernel=$1 src=$2 out=$3 root release work tree abi
    shift 3
    root=$(guest_root)
    release=$(kernel_release "$kernel")
    abi=$SVMGPU_TOP/qemu-hw/abi
    [[ ! -d $src/../qemu-hw/abi ]] || abi=$src/../qemu-hw/abi
    case $kernel in
    stock) tree=/lib/modules/$release/build ;;
    debug) tree=/build/$(kernel_name) ;;
    esac
    mkdir -p "$out"
    work=/build/kdriver-$(hash_of "$(realpath "$out")" "$tree" "$*")
    push_tree "$root" "$work/kdriver" "$src" --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd'
    push_tree "$root" "$work/qemu-hw/abi" "$abi"
    in_root "$root" make -s -C "$tree" M="$work/kdriver" -j"$(nproc)" "$@" \
        W=1 KCFLAGS="-Werror -I$work/qemu-hw -I$work/qemu-hw/abi" CONFIG_DRM_SVMGPU=m modules
    pull_file "$root" "$work/kdriver/svmgpu.ko" "$out/svmgpu.ko"
}

# build_guest_programs SRC OUT: every program of SRC (see guest-programs.mk)
build_guest_programs() {
    local src=$1 out=$2 root work
    root=$(guest_root)
    mkdir -p "$out"
    work=/build/guest-$(hash_of "$(realpath "$out")")
    push_tree "$root" "$work/src" "$src"
    push_tree "$root" "$work/qemu-hw/abi" "$SVMGPU_TOP/qemu-hw/abi"
    in_root "$root" sh -c "cat >'$work/guest-programs.mk'" \
        <"$SVMGPU_TOP/scripts/guest-programs.mk"
    in_root "$root" make -s -C "$work" -f guest-programs.mk -j"$(nproc)"
    in_root "$root" tar -C "$work/out" -c . | tar -C "$out" -x --no-same-owner
}

# kdriver_out KERNEL VARIANT: where a variant ("" or kunit) of the driver goes
kdriver_out() { echo "$SVMGPU_BUILD/kdriver/$(kernel_release "$1")${2:+-$2}"; }

# ensure_driver KERNEL [kunit]: afterwards $(kdriver_out ...)/svmgpu.ko is up to date
ensure_driver() {
    local out
    [[ -e $SVMGPU_TOP/kdriver/Kbuild ]] || return 0
    out=$(kdriver_out "$1" "${2:-}")
    mkdir -p "$out"
    with_lock "kdriver-$(hash_of "$out" "$1")" \
        step "building the driver for the $1 kernel${2:+, with its unit tests}" "kdriver-$1${2:-}" \
        build_kdriver "$1" "$SVMGPU_TOP/kdriver" "$out" ${2:+SVMGPU_KUNIT=y}
}

ensure_guest_programs() {
    local out=$SVMGPU_BUILD/guest
    [[ -d $SVMGPU_TOP/tests/guest ]] || return 0
    mkdir -p "$out"
    with_lock "guest-$(hash_of "$out")" step "building the guest programs" guest-programs \
        build_guest_programs "$SVMGPU_TOP/tests/guest" "$out"
}

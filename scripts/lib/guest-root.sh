# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The guest root: a directory with the guest's distribution, made by
# mmdebstrap.  It is three things at once: the file system that the guest
# boots, the compiler that builds the driver and the guest programs, and the
# source of the guest's kernel packages.  It is cached by its recipe.
#
# As root it is entered by chroot; as an ordinary user by a user namespace of
# mmdebstrap.  Its files then belong to sub-ids, and all that touches them
# runs through in_root or as_root_owner.

GUEST_PACKAGES=(
    # the kernel, and what builds modules and kernels
    linux-image-amd64 linux-headers-amd64 kmod
    gcc make libc6-dev linux-libc-dev libdrm-dev pkgconf
    flex bison bc libelf-dev libssl-dev cpio xz-utils zstd python3-minimal
    # what runs in the guest
    busybox-static igt-gpu-tools-tests
    util-linux procps pciutils strace trace-cmd numactl
)
GUEST_RECIPE=3

guest_key() { hash_of "$GUEST_RECIPE" "$SVMGPU_SUITE" "${GUEST_PACKAGES[@]}"; }
guest_root() { echo "$SVMGPU_CACHE/guest/root-$(guest_key)"; }

# The archive that the host itself uses, so that a site's own mirror is kept.
# shellcheck disable=SC2016 # apt's own format
debian_mirror() {
    local uri
    if [[ -n ${SVMGPU_MIRROR:-} ]]; then
        echo "$SVMGPU_MIRROR"
        return
    fi
    uri=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    [[ -n $uri ]] ||
        die "no Debian archive among this machine's apt sources" \
            "run apt-get update, or set SVMGPU_MIRROR=http://.../debian"
    echo "$uri"
}

# Options for every apt here: the user's, and the host's own decision about
# indexes whose date has passed (a snapshot mirror needs it).
apt_options() {
    local opt
    for opt in ${SVMGPU_APT_OPTIONS:-}; do
        printf '%s\n' "$opt"
    done
    if apt-config dump Acquire::Check-Valid-Until 2>/dev/null | grep -q '"false"'; then
        printf 'Acquire::Check-Valid-Until=false\n'
    fi
}

# in_root ROOT COMMAND...: run COMMAND as the guest's root user, in the root,
# with /proc and /dev; the mounts live in a name space of the command's own and
# end with it
in_root() {
    local root=$1
    local -a enter=(mmdebstrap --unshare-helper)
    shift
    is_root && enter=(unshare --mount --propagation private)
    # shellcheck disable=SC2016 # expanded by the inner shell
    "${enter[@]}" sh -ec '
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        exec env -u TMPDIR HOME=/root LC_ALL=C.UTF-8 chroot "$@"' sh "$root" "$@"
}

# as_root_owner COMMAND...: run a host command that may touch the root's files
as_root_owner() {
    if is_root; then
        "$@"
    else
        mmdebstrap --unshare-helper "$@"
    fi
}

# shellcheck disable=SC2016 # the hooks' "$1" is mmdebstrap's
_make_guest_root() {
    local root=$1 mirror=$2 mode=unshare opt
    local -a args=()
    shift 2
    is_root && mode=root
    for opt in "$@"; do
        args+=(--aptopt="${opt/=/ }")
    done
    as_root_owner rm -rf --one-file-system -- "$root"
    # INITRD=No: the guest's initrd is ours, see guest-image.sh.
    # The hook makes the directories that the guest's init and the builds need.
    env INITRD=No DEBIAN_FRONTEND=noninteractive mmdebstrap --mode="$mode" --variant=minbase \
        --format=directory --include="$(
            IFS=,
            echo "${GUEST_PACKAGES[*]}"
        )" \
        "${args[@]}" \
        --aptopt='Acquire::Languages "none"' \
        --dpkgopt=path-exclude=/usr/share/doc/* \
        --dpkgopt=path-exclude=/usr/share/man/* \
        --dpkgopt=path-exclude=/usr/share/locale/* \
        --dpkgopt=path-exclude=/usr/share/info/* \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools" "$1/build" "$1/mnt" "$1/run/svmgpu"' \
        --customize-hook='rm -f "$1"/boot/initrd.img*' \
        --customize-hook='echo svmgpu >"$1/etc/hostname"' \
        "$SVMGPU_SUITE" "$root" "$mirror"
}

_build_guest_root() {
    local root=$1 part=$1.part mirror log=$SVMGPU_LOGS/guest-root.log
    local -a opts=()
    [[ ! -d $root ]] || return 0
    have mmdebstrap || die "mmdebstrap is missing" "apt-get install mmdebstrap"
    need_space "$SVMGPU_CACHE" 6000 "the guest root"
    mirror=$(debian_mirror)
    mapfile -t opts < <(apt_options)
    mkdir -p "$(dirname "$root")"
    # An index whose date has passed is a mirror's matter: say so, and use it.
    # Signatures are checked either way.
    if ! (step "making the guest root ($SVMGPU_SUITE)" guest-root \
        _make_guest_root "$part" "$mirror" "${opts[@]}"); then
        grep -qE 'expired' "$log" || exit 1
        note "the mirror's index is expired; using it all the same (its signature is checked)"
        step "making the guest root ($SVMGPU_SUITE)" guest-root \
            _make_guest_root "$part" "$mirror" "${opts[@]}" Acquire::Check-Valid-Until=false
    fi
    publish "$part" "$root"
}

# ensure_guest_root: afterwards "$(guest_root)" is there
ensure_guest_root() {
    [[ -d $(guest_root) ]] && return
    make_dirs
    with_lock guest-root _build_guest_root "$(guest_root)"
}

# The release of the distribution's kernel in the root
stock_release() {
    local dir
    for dir in "$(guest_root)"/lib/modules/*; do
        [[ -e $dir/kernel ]] && basename "$dir" && return
    done
    die "the guest root holds no kernel" "remove $(guest_root) and start again"
}

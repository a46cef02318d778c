# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The host's part: the packages that everything here needs, and the build of
# what runs on the host (device, launcher, inspector, their tests).

HOST_PACKAGES=(
    # to build
    gcc pkg-config perl python3 meson ninja-build libglib2.0-dev libjson-glib-dev
    libsqlite3-dev libseccomp-dev libgtk-4-dev
    libadwaita-1-dev libvirt-dev gettext
    # to test and to draw without a display
    shellcheck xvfb xauth xdotool dbus adwaita-icon-theme fonts-cantarell fonts-dejavu-core
    sqlite3
    # to make the guest and to run it
    mmdebstrap uidmap debian-archive-keyring e2fsprogs procps util-linux
    libvirt-clients libvirt-daemon libvirt-daemon-system libvirt-daemon-driver-qemu
)

missing_packages() {
    # shellcheck disable=SC2016 # dpkg-query's own format
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${HOST_PACKAGES[@]}" 2>/dev/null |
        sed -n 's/^installed //p' | sort -u |
        comm -13 - <(printf '%s\n' "${HOST_PACKAGES[@]}" | sort -u)
}

_install_packages() {
    local -a opts=()
    mapfile -t opts < <(apt_options | sed 's/^/-o/')
    export DEBIAN_FRONTEND=noninteractive
    # the lists of a machine that never ran apt are empty, or out of date
    apt-get "${opts[@]}" install -y --no-install-recommends "$@" && return
    apt-get "${opts[@]}" update
    apt-get "${opts[@]}" install -y --no-install-recommends "$@"
}

ensure_host_packages() {
    local -a missing
    have apt-get || die "this is not a Debian machine: apt-get is missing" \
        "install by hand what corresponds to: ${HOST_PACKAGES[*]}"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    is_root || die "packages are missing: ${missing[*]}" \
        "install them: sudo apt-get install --no-install-recommends ${missing[*]}"
    make_dirs
    need_space /usr 1500 "the packages to build with"
    step "installing ${#missing[@]} packages" host-packages _install_packages "${missing[@]}"
}

# Two builds of the same sources: the one that runs, and the one for the tests,
# with the address and undefined-behaviour sanitizers.
host_build() { echo "$SVMGPU_BUILD/host"; }
check_build() { echo "$SVMGPU_BUILD/check"; }

# _host_build DIR LOG TEXT OPTION...: bring DIR up to date
_host_build() {
    local dir=$1 log=$2 text=$3
    shift 3
    make_dirs
    need_space "$SVMGPU_BUILD" 500 "the build"
    mkdir -p "$SVMGPU_BUILD"
    if [[ ! -e $dir/build.ninja ]]; then
        # what an interrupted set-up leaves cannot be continued
        rm -rf "$dir"
        step "configuring $text" "$log-setup" meson setup "$dir" "$SVMGPU_TOP" "$@"
    fi
    with_lock "$log-$(hash_of "$SVMGPU_TOP")" step "building $text" "$log" ninja -C "$dir"
}

# ensure_host_build: afterwards build/host is up to date
ensure_host_build() {
    [[ -z ${SVMGPU_HOST_BUILT:-} ]] || return 0
    _host_build "$(host_build)" host-build "the host's programs"
    SVMGPU_HOST_BUILT=1
}

# ensure_check_build: the same for build/check
ensure_check_build() {
    _host_build "$(check_build)" check-build "the host's tests (with sanitizers)" \
        -Db_sanitize=address,undefined -Db_lundef=false
}

# host_program NAME: where the build put it
host_program() {
    local path
    path=$(find "$(host_build)" -type f -name "$1" -perm -u+x -not -path '*.p/*' -print -quit)
    [[ -n $path ]] || die "the build has no program $1" "see $SVMGPU_LOGS/host-build.log"
    echo "$path"
}

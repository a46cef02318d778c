# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The debug kernel: the distribution's kernel source, built in the guest root
# with kernel-debug.config and the helpers that kdriver/Kconfig selects.  The
# key of a built tree is what went into it: the root (its compiler), the source
# package's version, the configuration, the symbols of Kconfig, the recipe.
#
# The tree stays as it was built: modules outside it are built against it.

KERNEL_RECIPE=1

# The version of the source package that belongs to the stock kernel
kernel_source_version() {
    awk -v RS= '/^Package: linux-image-amd64\n/' "$(guest_root)/var/lib/dpkg/status" |
        awk '$1 == "Version:" { print $2 }'
}

kernel_key() {
    hash_of "$KERNEL_RECIPE" "$(guest_key)" "$(kernel_source_version)" \
        "$(grep -v '^#' "$SVMGPU_TOP/scripts/kernel-debug.config")" \
        "$(grep -E '^[[:space:]]*(config|tristate|bool|select|depends|default)' \
            "$SVMGPU_TOP/kdriver/Kconfig")"
}

# The built tree's name inside the root, and its path outside
kernel_name() { echo "linux-debug-$(kernel_key)"; }
kernel_tree() { echo "$(guest_root)/build/$(kernel_name)"; }

debug_release() { cat "$(kernel_tree)/include/config/kernel.release"; }

# The source, downloaded by the root's own apt, so that its signature counts.
_fetch_kernel_source() {
    local root=$1 dir=$2 series=$3 version=$4
    local -a opts=()
    mapfile -t opts < <(apt_options | sed 's/^/-o/')
    # the root's apt must forgive what the host's does; its own lists may be old
    in_root "$root" sh -ec "
        cd /build
        rm -rf source && mkdir source && cd source
        apt-get ${opts[*]} download linux-source-$series=$version ||
            { apt-get ${opts[*]} update && apt-get ${opts[*]} download linux-source-$series=$version; }
        dpkg-deb --fsys-tarfile linux-source-*.deb |
            tar -x --wildcards --strip-components=3 './usr/src/*.tar.xz'
        rm -f linux-source-*.deb
        mkdir -p /build/$dir
        xz -T0 -dc linux-source-*.tar.xz | tar -x --strip-components=1 -C /build/$dir
        cd .. && rm -rf source"
}

_configure_kernel() {
    local root=$1 dir=$2
    in_root "$root" sh -ec "
        cd /build/$dir
        cat >svmgpu.config
        make -s ARCH=x86_64 KCONFIG_ALLCONFIG=svmgpu.config allnoconfig
        # every line that was asked for must have come true
        grep '^CONFIG' svmgpu.config | while read -r line; do
            grep -qxF \"\$line\" .config || { echo \"not accepted: \$line\"; exit 1; }
        done" <"$SVMGPU_TOP/scripts/kernel-debug.config"
}

_append_kconfig() {
    local root=$1 dir=$2
    in_root "$root" sh -ec "
        cd /build/$dir/drivers/gpu/drm
        [ -e Kconfig.orig ] || cp Kconfig Kconfig.orig
        cat Kconfig.orig - >Kconfig.new
        cmp -s Kconfig.new Kconfig || cp Kconfig.new Kconfig
        rm Kconfig.new" <"$SVMGPU_TOP/kdriver/Kconfig"
}

_make_kernel() {
    local root=$1 dir=$2
    in_root "$root" sh -ec "
        cd /build/$dir
        nice make -s ARCH=x86_64 -j$(nproc) KBUILD_BUILD_USER=svmgpu KBUILD_BUILD_HOST=svmgpu \
            bzImage modules
        rm -rf modules && make -s INSTALL_MOD_PATH=/build/$dir/modules modules_install
        rm -f modules/lib/modules/*/build"
}

_build_debug_kernel() {
    local root version series part final old
    root=$(guest_root)
    final=$(kernel_tree)
    part=$(kernel_name).part
    [[ ! -d $final ]] || return 0
    need_space "$SVMGPU_CACHE" 6000 "the debug kernel"
    version=$(kernel_source_version)
    series=$(cut -d. -f1-2 <<<"$version")
    # An interrupted build goes on where it was, and another configuration of
    # the same source starts from what is built.
    for old in "$root/build"/linux-debug-*; do
        [[ ! -e $root/build/$part && $(cat "$old/.svmgpu-source" 2>/dev/null) == "$version" ]] ||
            continue
        in_root "$root" mv -T "/build/${old##*/}" "/build/$part"
    done
    if [[ $(cat "$root/build/$part/.svmgpu-source" 2>/dev/null) != "$version" ]]; then
        as_root_owner rm -rf --one-file-system -- "$root/build/$part"
        step "getting the kernel source $version" kernel-source \
            _fetch_kernel_source "$root" "$part" "$series" "$version"
        in_root "$root" sh -c "echo $version >/build/$part/.svmgpu-source"
    fi
    _append_kconfig "$root" "$part"
    step "configuring the debug kernel" kernel-config _configure_kernel "$root" "$part"
    step "building the debug kernel (once, about a quarter of an hour on two cores)" \
        kernel-build _make_kernel "$root" "$part"
    in_root "$root" mv -T "/build/$part" "/build/$(kernel_name)"
}

# ensure_debug_kernel: afterwards "$(kernel_tree)" holds a built kernel
ensure_debug_kernel() {
    ensure_guest_root
    [[ -d $(kernel_tree) ]] && return
    with_lock debug-kernel _build_debug_kernel
}

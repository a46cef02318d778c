# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the guest boots: the root image (ext4, made once from the guest root and
# only ever read), and for each kernel an initrd of a static busybox, the
# modules that reach the root image, the guest files of guest/, and for the
# debug kernel its whole (small) module tree.

INITRD_RECIPE=1
INITRD_MODULES=(virtio_pci virtio_blk virtio_console ext4 overlay 9pnet_virtio 9p pvpanic_mmio)

guest_image() { echo "$(guest_root).ext4"; }

_make_guest_image() {
    local root=$1 image=$2 mib
    mib=$(as_root_owner du -sm --exclude="$root/build" "$root" | cut -f1)
    : >"$image"
    chmod 666 "$image"
    truncate -s $((mib * 5 / 4 + 128))M "$image"
    local -a enter=(mmdebstrap --unshare-helper)
    is_root && enter=(unshare --mount --propagation private)
    # /build holds builds, not the guest
    # shellcheck disable=SC2016 # expanded by the inner shell
    "${enter[@]}" sh -ec '
        mount -t tmpfs tmpfs "$1/build"
        PATH=$PATH:/usr/sbin:/sbin
        mkfs.ext4 -q -F -m 0 -O ^has_journal,^metadata_csum -E lazy_itable_init=1,nodiscard \
            -L svmgpu -d "$1" "$2"' sh "$root" "$image"
    chmod 644 "$image"
}

_build_guest_image() {
    local image
    image=$(guest_image)
    [[ ! -e $image ]] || return 0
    need_space "$SVMGPU_CACHE" 1500 "the guest image"
    step "making the guest image" guest-image _make_guest_image "$(guest_root)" "$image.part"
    publish "$image.part" "$image"
}

ensure_guest_image() {
    ensure_guest_root
    [[ -e $(guest_image) ]] && return
    with_lock guest-image _build_guest_image
}

guest_files_key() {
    (cd "$SVMGPU_TOP/scripts/guest" && find . -type f | sort | xargs sha256sum | sha256sum | cut -c1-16)
}

# The kernel image of stock|debug, readable by the host's user
kernel_image() {
    case $1 in
    stock) echo "$(guest_root)/boot/vmlinuz-$(stock_release)" ;;
    debug) echo "$(kernel_tree)/arch/x86/boot/bzImage" ;;
    esac
}

initrd_path() {
    local id=$1
    [[ $1 != debug ]] || id=$(kernel_name)
    echo "$SVMGPU_CACHE/guest/initrd-$(hash_of "$INITRD_RECIPE" "$id" "$(guest_key)" \
        "$(guest_files_key)" "${INITRD_MODULES[@]}").zst"
}

_make_initrd() {
    local kernel=$1 out=$2 root release work=/build/initrd-$1.$BASHPID tree=''
    root=$(guest_root)
    release=$(kernel_release "$kernel")
    [[ $kernel != debug ]] || tree=/build/$(kernel_name)/modules/lib/modules
    tar -C "$SVMGPU_TOP/scripts/guest" --owner=0 --group=0 -c init root |
        in_root "$root" sh -ec "rm -rf $work && mkdir -p $work && tar -C $work -x"
    in_root "$root" sh -ec "
        cd $work
        mkdir -p bin proc sys dev modules guest
        cp /usr/bin/busybox bin/busybox
        rmdir guest && mv root guest
        if [ -n '$tree' ]; then
            mkdir -p lib && cp -r $tree lib/modules
            find lib/modules -name '*.ko' -exec strip --strip-debug {} +
            depmod -b . $release
        else
            n=10
            for name in ${INITRD_MODULES[*]}; do
                modprobe -S $release -n --show-depends \$name | sed -n 's/^insmod //p'
            done | awk '!seen[\$1]++ { print \$1 }' | while read -r file; do
                base=\$(basename \"\$file\" | sed 's/\\.ko.*//')
                case \$file in
                *.xz) xz -dc \"\$file\" ;;
                *.zst) zstd -dc \"\$file\" ;;
                *) cat \"\$file\" ;;
                esac >modules/\$n-\$base.ko
                n=\$((n + 1))
            done
        fi
        find . | cpio -o -H newc --quiet | zstd -q -3 -T0 >$work.cpio"
    in_root "$root" cat "$work.cpio" >"$out.part"
    in_root "$root" rm -rf "$work" "$work.cpio"
    publish "$out.part" "$out"
}

# ensure_initrd KERNEL
ensure_initrd() {
    local out
    out=$(initrd_path "$1")
    [[ -e $out ]] && return
    step "making the initrd for the $1 kernel" "initrd-$1" _make_initrd "$1" "$out"
}

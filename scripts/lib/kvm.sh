# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Whether KVM really works here.  A machine can have /dev/kvm and still not run
# a stock kernel, so the probe boots one and waits for its word.  The answer
# holds until the machine boots again.

_probe_kvm() {
    local out=$1 answer=tcg console
    console=$(mktemp "$SVMGPU_CACHE/kvm-probe.XXXXXX")
    if [[ -r /dev/kvm && -w /dev/kvm ]]; then
        timeout -k 2 20 "$SVMGPU_QEMU" -accel kvm -machine q35 -cpu host -m 512 -nodefaults \
            -display none -no-reboot -serial "file:$console" \
            -kernel "$(kernel_image stock)" -initrd "$(initrd_path stock)" \
            -append 'console=ttyS0 panic=-1 svmgpu.probe' </dev/null || true
        ! grep -q 'svmgpu-guest: probe answered' "$console" || answer=kvm
    fi
    rm -f "$console"
    echo "$answer" >"$out.part"
    publish "$out.part" "$out"
}

# ensure_accel: afterwards SVMGPU_ACCEL is kvm or tcg
ensure_accel() {
    local file
    [[ -z ${SVMGPU_ACCEL:-} ]] || return 0
    file=$SVMGPU_CACHE/accel-$(cat /proc/sys/kernel/random/boot_id)
    if [[ ! -e $file ]]; then
        ensure_initrd stock
        step "trying KVM" kvm-probe _probe_kvm "$file"
        [[ $(cat "$file") == kvm ]] ||
            msg "KVM does not run a guest here: using emulation (TCG), which is slower"
    fi
    SVMGPU_ACCEL=$(cat "$file")
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The libvirt domain: its XML, and the emulator that it names.  Memory is a
# shared memfd, because the GPUs are another process and reach guest memory
# through it.  The kernel is booted directly; the root image is read-only; the
# checkout is shared by 9p under its own path.

GUEST_VCPUS=2
GUEST_MIB=4096
GPU_VRAM=${SVMGPU_VRAM:-256M}
GPU_ENGINES=${SVMGPU_ENGINES:-bcs0+vcs0+vcs1}

xml_escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e "s/'/\&apos;/g" <<<"$1"; }

# gpu_args COUNT LOG CTL: the <qemu:arg> lines of the GPUs
gpu_args() {
    local count=$1 log=$2 ctl=$3 i arg
    for ((i = 0; i < count; i++)); do
        arg="svmgpu,id=gpu$i,vram=$GPU_VRAM,engines=$GPU_ENGINES"
        ((i > 0)) || arg+="${log:+,log=${log//,/,,}}${ctl:+,ctl=${ctl//,/,,}}"
        printf "    <qemu:arg value='-device'/>\n    <qemu:arg value='%s'/>\n" "$(xml_escape "$arg")"
    done
}

# domain_xml NAME KERNEL GPUS LOG CTL CONSOLE OUTPUT CMDLINE REBOOT
# CONSOLE: file of the serial console, or "" for a terminal; OUTPUT: file of the
# command's output, or ""; REBOOT: restart or destroy
domain_xml() {
    local name=$1 kernel=$2 gpus=$3 log=$4 ctl=$5 console=$6 output=$7 cmdline=$8 reboot=$9
    local type=qemu cpu='<cpu mode="maximum"/>' seclabel='' serial port=''
    if [[ $SVMGPU_ACCEL == kvm ]]; then
        type=kvm
        cpu='<cpu mode="host-passthrough"/>'
    fi
    # Files stay whose they are; the emulator of a system daemon runs as root,
    # because the checkout and the cache are root's.
    if is_root; then
        seclabel="<seclabel type='none' model='none'/>"
        if virsh_quiet capabilities | grep -q '<model>dac</model>'; then
            seclabel="<seclabel type='static' model='dac' relabel='no'><label>+0:+0</label></seclabel>"
        fi
        if virsh_quiet capabilities | grep -q '<model>apparmor</model>'; then
            seclabel+="<seclabel type='none' model='apparmor'/>"
        fi
    fi
    if [[ -n $console ]]; then
        serial="<serial type='file'><source path='$(xml_escape "$console")'/><target type='isa-serial' port='0'/></serial>"
    else
        serial="<serial type='pty'><target type='isa-serial' port='0'/></serial>"
    fi
    if [[ -n $output ]]; then
        port="<channel type='file'><source path='$(xml_escape "$output")'/><target type='virtio' name='org.svmgpu.output'/></channel>"
    fi
    cat <<END
<domain type='$type' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$name</name>
  <memory unit='MiB'>$GUEST_MIB</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>$GUEST_VCPUS</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$(xml_escape "$(kernel_image "$kernel")")</kernel>
    <initrd>$(xml_escape "$(initrd_path "$kernel")")</initrd>
    <cmdline>$(xml_escape "$cmdline")</cmdline>
  </os>
  <features><acpi/><apic/></features>
  $cpu
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>$reboot</on_reboot>
  <on_crash>destroy</on_crash>
  $seclabel
  <devices>
    <emulator>$(xml_escape "$SVMGPU_EMULATOR")</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='$(xml_escape "$(guest_image)")'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
      <shareable/>
    </disk>
    <filesystem type='mount' accessmode='squash'>
      <source dir='$(xml_escape "$SVMGPU_TOP")'/>
      <target dir='svmgpu'/>
    </filesystem>
    $serial
    <console type='pty'><target type='virtio'/></console>
    $port
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <video><model type='none'/></video>
  </devices>
  <qemu:commandline>
$(gpu_args "$gpus" "$log" "$ctl")
  </qemu:commandline>
</domain>
END
}

# kernel_cmdline KERNEL EXTRA...
kernel_cmdline() {
    shift
    tr -s ' \n' ' ' <<<"console=ttyS0 quiet loglevel=4 mitigations=off tsc=reliable nokaslr no5lvl oops=panic panic=2 svmgpu.top=$SVMGPU_TOP $*"
}

# ensure_emulator GPUS: afterwards SVMGPU_EMULATOR is what libvirt starts
ensure_emulator() {
    local launcher
    ensure_qemu
    if [[ $1 -eq 0 ]]; then
        SVMGPU_EMULATOR=$SVMGPU_QEMU
        return
    fi
    ensure_host_build
    launcher=$(host_program svmgpu-qemu)
    printf '[launcher]\nqemu=%s\ndevice=%s\n' "$SVMGPU_QEMU" "$(host_program svmgpu-device)" >"$launcher.conf.part"
    if cmp -s "$launcher.conf.part" "$launcher.conf"; then
        rm -f "$launcher.conf.part"
    else
        publish "$launcher.conf.part" "$launcher.conf"
    fi
    SVMGPU_EMULATOR=$launcher
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The hardware manual names everything that the interface headers declare,
# and the command line and control commands that the device program knows.
# Writes TAP.
#
# usage: check-manual.sh SOURCE_ROOT DEVICE

set -euo pipefail

root=$1
device=$2
manual=$root/docs/hardware.md
failed=0
n=0

check() { # NAME MISSING
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1: missing in the manual: $2"
		failed=1
	fi
}

# Names of a header; a HI register is named with its LO.
names() {
	grep -oE 'SVMGPU_[A-Z0-9_]+' "$1" | sort -u |
		grep -vE '(_H|_HI|_)$|^SVMGPU_ABI_(REGS|PTE|RING)'
}

missing_names() {
	local name
	for name in $(names "$1"); do
		grep -qw -- "$name" "$manual" || echo -n "$name "
	done
}

missing_options() {
	local option
	for option in $("$device" --help | grep -oE -- '--[a-z-]+' | sort -u); do
		[ "$option" = --help ] || grep -q -- "$option" "$manual" ||
			echo -n "$option "
	done
}

missing_commands() {
	local command
	sed -n 's/^    { "\([a-z-]*\)", [0-9], .*/\1/p' \
		"$root/qemu-hw/gpu/control.c" |
		while read -r command; do
			grep -q "\`${command}[ \`]" "$manual" || echo -n "$command "
		done
}

echo 1..5
for header in regs pte ring; do
	check "svmgpu_$header.h" \
		"$(missing_names "$root/qemu-hw/abi/svmgpu_$header.h")"
done
check options "$(missing_options)"
check 'control commands' "$(missing_commands)"
exit $failed

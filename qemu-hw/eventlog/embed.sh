#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# embed.sh NAME INPUT...: prints C source that defines the inputs' text as
# const char NAME[].
set -euo pipefail

name=$1
shift
printf '/* made from %s */\n' "${*##*/}"
printf 'extern const char %s[];\nconst char %s[] =\n' "$name" "$name"
# shellcheck disable=SC1003
cat "$@" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/'
printf '    "";\n'

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# "svmgpu igt-status": docs/igt-status.md, from the test lists and from what
# runs of "svmgpu igt" and "svmgpu test" have left.
#
# In a list, after "# Left out:", a comment line names tests that the list does
# not run ("# binary@glob, binary@glob"), and the lines below it that begin with
# "#<TAB>" say why.

STATUS_FILE=$SVMGPU_TOP/docs/igt-status.md

# igt_list_items LIST...: "run|leave<TAB>list<TAB>pattern<TAB>reason", one line
# for each pattern
igt_list_items() {
    awk -v OFS='\t' '
        function flush(  i) {
            for (i = 1; i <= n; i++)
                print "leave", list, left[i], reason
            n = 0
            reason = ""
        }
        FNR == 1 {
            flush()
            list = FILENAME
            sub(/.*\//, "", list)
            sub(/\.testlist$/, "", list)
            out = 0
        }
        /^# Left out:/ { out = 1; next }
        out && /^#\t/ { reason = reason (reason == "" ? "" : " ") substr($0, 3); next }
        out && /^# / { if (reason != "") flush(); gsub(/,/, " "); for (i = 2; i <= NF; i++) left[++n] = $i; next }
        /^#/ || /^[A-Z_]+=/ || NF == 0 { next }
        { print "run", list, $1, "" }
        END { flush() }' "$@"
}

# igt_plan ITEMS: "binary<TAB>subtest<TAB>list<TAB>reason" for each subtest of the
# binaries that the lists name; the list that runs it, or why none does
igt_plan() {
    local root binary names subtest action list pattern reason i
    local -a actions lists globs reasons
    root=$(guest_root)
    cut -f3 "$1" | sed 's/@.*//' | sort -u | while read -r binary; do
        actions=() lists=() globs=() reasons=()
        while IFS=$'\t' read -r action list pattern reason; do
            [[ ${pattern%%@*} == "$binary" ]] || continue
            actions+=("$action") lists+=("$list") reasons+=("$reason")
            [[ $pattern == *@* ]] && globs+=("${pattern#*@}") || globs+=('*')
        done <"$1"
        # a program without subtests is a test itself
        names=$(in_root "$root" "/usr/libexec/igt-gpu-tools/$binary" --list-subtests \
            </dev/null 2>/dev/null | sort) || true
        while read -r subtest; do
            list='' reason=''
            for ((i = 0; i < ${#globs[@]}; i++)); do
                # shellcheck disable=SC2053 # the pattern is a pattern
                [[ $subtest == ${globs[i]} ]] || continue
                if [[ ${actions[i]} == run ]]; then
                    list=${lists[i]} reason=''
                    break
                fi
                [[ -n $reason ]] || reason=${reasons[i]}
            done
            printf '%s\t%s\t%s\t%s\n' "$binary" "$subtest" "$list" "$reason"
        done <<<"$names"
    done
}

# result_dirs [DIR...]: the directories with results among these, or of all runs
result_dirs() {
    (($#)) || set -- "$SVMGPU_BUILD"
    find "$@" -name runs -prune -o -name kernel -type f -printf '%h\n' | sort -u
}

cmd_igt_status() {
    local work dir missing check=''
    local -a dirs=()
    while (($#)); do
        case $1 in
        --check) check=1 ;;
        -*) die "unknown option '$1'" "scripts/svmgpu igt-status [--check] [DIR...]" ;;
        *) dirs+=("$1") ;;
        esac
        shift
    done
    make_dirs
    ensure_host_packages
    ensure_guest_root
    work=$(mktemp -d)
    at_exit rm -rf "$work"
    igt_list_items "$SVMGPU_TOP"/tests/igt/*.testlist >"$work/items.tsv"
    igt_plan "$work/items.tsv" >"$work/plan.tsv"
    missing=$(awk -F'\t' '$3 == "" && $4 == "" { print $1 "@" $2; exit }' "$work/plan.tsv")
    [[ -z $missing ]] || die "no list runs $missing, and none says why" "see tests/igt/*.testlist"
    if [[ -n $check ]]; then
        msg "each of $(wc -l <"$work/plan.tsv") subtests is run by a list, or left out with a reason"
        return
    fi
    {
        echo 'CREATE TABLE plan (binary TEXT, subtest TEXT, list TEXT, reason TEXT);'
        echo 'CREATE TABLE runs (kernel TEXT, json TEXT);'
        printf '.mode tabs\n.import %s plan\n' "$work/plan.tsv"
        result_dirs "${dirs[@]}" | while read -r dir; do
            [[ -s $dir/results/results.json ]] || continue
            printf "INSERT INTO runs VALUES ('%s', readfile('%s'));\n" \
                "$(cat "$dir/kernel")" "$dir/results/results.json"
        done
        cat "$SVMGPU_TOP/scripts/igt-status.sql"
    } >"$work/status.sql"
    sqlite3 -batch -bail -noheader :memory: <"$work/status.sql" >"$work/status.md"
    cp "$work/status.md" "$STATUS_FILE"
    msg "written: $STATUS_FILE"
}

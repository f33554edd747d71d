#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# How large the program is: for every target as it is, under gzip and under xz, and its .ipk; and what Go's packages have in it.
# Fails where a target has grown by more than three percent of what tests/size/recorded says: what grows on purpose records its
# size in the same commit, with -u. What is smaller than it says by more than that fails as well, so that the record stays true.
#
#	tests/size/size.sh [-u]

set -euo pipefail
cd "$(dirname "$0")/../.."
record=tests/size/recorded
if [[ ${1-} == -u ]]; then
	record=/dev/null
fi

declare -A recorded=()
while read -r target xz; do
	[[ $target == '#'* ]] || recorded[$target]=$xz
done <"$record"

printf '%-10s %10s %10s %10s %10s\n' target bytes 'gzip -9' 'xz -9e' .ipk
failed=0 new=
while read -r target _ _ _ names; do
	[[ $target != '#'* ]] || continue
	program=build/cross/gojail-$target
	xz=$(xz -9e -T1 -c "$program" | wc -c)
	new+="$target $xz"$'\n'
	printf '%-10s %10d %10d %10d %10d\n' "$target" "$(stat -c %s "$program")" "$(gzip -9nc "$program" | wc -c)" "$xz" \
		"$(stat -c %s build/packages/gojail_*_"${names%%,*}".ipk)"
	[[ $record != /dev/null ]] || continue
	was=${recorded[$target]:-0}
	if ((xz * 100 > was * 103 || xz * 103 < was * 100)); then
		echo "size: $target: $xz bytes under xz, recorded are $was: if that is meant, tests/size/size.sh -u records it" >&2
		failed=1
	fi
done <tests/cross/targets

echo
echo 'What the packages of Go have in it (mipsle, code and data of symbols, the largest twenty):'
symbols=$(mktemp)
trap 'rm -f "$symbols"' EXIT
CGO_ENABLED=0 GOARCH=mipsle GOMIPS=softfloat GOFLAGS=$GCFLAGS go build -trimpath -buildvcs=false -ldflags "${LDFLAGS//-s /}" -o "$symbols" ./src/cmd/gojail
go tool nm -size "$symbols" | awk '
	$3 ~ /^[TtRrDd]$/ {
		name = $4
		sub(/^(type:\.eq\.|type:\.hash\.|go:itab\.\*?|\.dict\.|\.stmp_|_cgo_)/, "", name)
		slash = match(name, /\/[^\/]*$/)
		head = slash ? substr(name, 1, slash) : ""
		rest = slash ? substr(name, slash + 1) : name
		sub(/[.(\[].*/, "", rest)
		size[head rest] += $2
	}
	END { for (p in size) printf "%10d %s\n", size[p], p }' | sort -rn | head -20

if [[ ${1-} == -u ]]; then
	{
		printf '# SPDX-License-Identifier: LGPL-2.1-only\n#\n# The size of the program in bytes under xz -9e, by target. tests/size/size.sh -u writes this file.\n'
		printf '%s' "$new"
	} >tests/size/recorded
fi
exit "$failed"

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Fuzzes every decoder for a moment: each Fuzz function of src, one after the other. An input that fails is kept by go test in the
# package's testdata, to be committed with the repair.
#
#	tests/fuzz.sh [PACKAGE...]    FUZZTIME is how long: 10m, or a number of inputs such as 20000x
#
# The default is a number of inputs because up to Go 1.26 a time can end in "context deadline exceeded" without a finding
# (go.dev/issue/75804).

set -euo pipefail
cd "$(dirname "$0")/.."
(($#)) || set -- ./src/...
: "${FUZZTIME:=20000x}"

count=0 names=() failed=()
listing=$(go test -list '^Fuzz' "$@")
while read -r first second _; do
	case $first in
	Fuzz*) names+=("$first") ;;
	ok)
		for name in ${names[@]+"${names[@]}"}; do
			echo "-- $second $name"
			go test -run '^$' -fuzz "^$name\$" -fuzztime "$FUZZTIME" "$second" || failed+=("$second $name")
			count=$((count + 1))
		done
		names=()
		;;
	esac
done <<<"$listing"
if ((${#failed[@]})); then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
((count)) || {
	echo "no Fuzz function in $*" >&2
	exit 1
}
echo "$count decoders fuzzed"

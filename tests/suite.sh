#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The whole suite: every stage is a target of the Makefile. All of them run, also after one has failed; the last lines say how
# each ended and how long it took.
#
#	tests/suite.sh STAGE...

set -euo pipefail
cd "$(dirname "$0")/.."
((EUID == 0)) || {
	echo "make test makes namespaces and mounts: run it as root. Without root there are: make lint unit race fuzz cross" >&2
	exit 1
}

results=() failed=0
for stage in "$@"; do
	echo
	echo "== make $stage"
	began=$SECONDS word=passed
	"${MAKE:-make}" --no-print-directory "$stage" </dev/null || {
		word=FAILED
		failed=$((failed + 1))
	}
	results+=("$(printf '%-10s %-7s %4d s' "$stage" "$word" $((SECONDS - began)))")
	echo "== ${results[-1]}"
done
printf '\n'
printf '%s\n' "${results[@]}"
printf '%-10s %-7s %4d s\n' all "$( ((failed)) && echo FAILED || echo passed)" "$SECONDS"
((failed == 0))

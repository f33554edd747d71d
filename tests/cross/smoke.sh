#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Runs a built program, in the emulator $GOJAIL_EMULATOR if there is one: its version, the resident's fork and status, refusals, and
# plans, which have to be those of the machine's own program build/gojail to the byte.
#
#	tests/cross/smoke.sh PROGRAM

set -euo pipefail
: "${VERSION?}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/own" "$work/other"
ln -s "$(realpath build/gojail)" "$work/own/gojail"
ln -s "$(realpath "$1")" "$work/other/gojail"
ln -s "$(realpath "$1")" "$work/other/ujail"

# The emulator starts no interpreter and needs no binfmt: the program is static.
run() {
	local applet=$1
	shift
	timeout 60 ${GOJAIL_EMULATOR:+"$GOJAIL_EMULATOR"} "$work/other/$applet" "$@" </dev/null
}

bad=0
# expect STATUS OUTPUT COMMAND...: OUTPUT is a pattern.
expect() {
	local want=$1 pattern=$2 output status=0
	shift 2
	output=$(run "$@" 2>&1) || status=$?
	# shellcheck disable=SC2053 # a pattern
	if [[ $status != "$want" || $output != $pattern ]]; then
		printf '%s: status %s, not %s, or not %s:\n%s\n' "$*" "$status" "$want" "$pattern" "$output" >&2
		bad=1
	fi
}

expect 0 "gojail $VERSION" gojail version
expect 0 "ujail (gojail) $VERSION" ujail --version
expect 2 'ujail: *' ujail --no-such-option
expect 1 'gojail: *' gojail plan "$work/no-bundle"

plans=0
# same ARGUMENTS...: both programs print the same plan, or refuse in the same words.
same() {
	"$work/own/gojail" plan "$@" >"$work/own/plan" 2>&1 || true
	run gojail plan "$@" >"$work/other/plan" 2>&1 || true
	cmp -s "$work/own/plan" "$work/other/plan" || {
		echo "gojail plan $*: not the plan of the machine's own program:" >&2
		diff "$work/own/plan" "$work/other/plan" | head >&2 || true
		bad=1
	}
	plans=$((plans + 1))
}

for config in tests/demo/config.json src/spec/testdata/configs/*.json src/plan/testdata/golden/*/config.json; do
	bundle=$work/bundles/$plans
	mkdir -p "$bundle/rootfs"
	cp "$config" "$bundle"/config.json
	same "$bundle"
done
# The emulator has no openat2: no plan that stages the machine's files.
same -- -c -- /bin/sh -c true
same -- -n slim -h host -F -t 3 -e PATH -- /bin/sh
same -- -n slim -f -N -- /bin/sh
same -- -n slim -N -h host -j 1:user -- /bin/sh
((bad)) || echo "$plans plans are the same, to the byte"
exit "$bad"

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The benchmark: `ujail -n NAME -i -J BUNDLE` beside crun, runc and a C floor, in interleaved rounds. Needs root, a C compiler
# with a static libc, busybox (static), jq, crun and runc. This file checks the arguments, makes the namespaces in which nothing
# can touch the host, and cleans up; measure.sh does the rest inside them.

set -euo pipefail

usage() {
	cat <<'END'
usage: GOJAIL=PATH bench.sh [--rounds N] [--quick] [--json FILE]

  --rounds N   rounds of the main set (default 40; the others take fewer)
  --quick      5 rounds, no memory figures, no growth: a smoke test
  --json FILE  write the summary there as well

environment:
  GOJAIL       the binary under test (if its name does not end in ujail, it is run through a link that does)
  HARDENED=1   add the set "hardened": a user namespace; seccomp and limits are not in it
  INSTANCES    idle supervisors of each kind (default 200)
  CRUN RUNC BUSYBOX CC   programs to use instead of those found in PATH
END
}

die() {
	echo "bench: $*" >&2
	exit 2
}

rounds=40 quick=0 json=/dev/null
while (($#)); do
	case $1 in
	--rounds)
		rounds=${2-}
		[[ $rounds =~ ^[1-9][0-9]{0,4}$ ]] || die "--rounds $rounds: a number from 1 to 99999 is wanted"
		shift
		;;
	--quick) quick=1 rounds=5 ;;
	--json)
		json=${2-}
		[[ -n $json ]] || die "--json: a file is wanted"
		shift
		;;
	-h | --help)
		usage
		exit
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done

# found VARIABLE COMMAND PACKAGE: the variable's value, or the command in PATH.
found() {
	local path
	path=$(command -v "${!1:-$2}") || die "${!1:-$2} is not there: set $1 or install $3"
	realpath -s "$path"
}

((EUID == 0)) || die "namespaces and mounts need root"
[[ -n ${GOJAIL-} ]] || die "GOJAIL is not set: the path of the gojail binary is wanted, for example GOJAIL=build/ujail $0"
[[ -x $GOJAIL && ! -d $GOJAIL ]] || die "GOJAIL=$GOJAIL: no such program; build it first"
for tool in jq unshare awk gzip xz find; do
	command -v "$tool" >/dev/null || die "$tool is not there: install it"
done
GOJAIL=$(realpath -s "$GOJAIL")
CRUN=$(found CRUN crun crun)
RUNC=$(found RUNC runc runc)
BUSYBOX=$(realpath "$(found BUSYBOX busybox busybox-static)")
CC=$(found CC cc "gcc and libc6-dev")
for path in "$GOJAIL" "$CRUN" "$RUNC" "$BUSYBOX" "$CC"; do
	[[ $(realpath "$path") != /run/* ]] || die "$path: /run is covered during the benchmark; put it elsewhere"
done
here=$(realpath "$(dirname "$0")")
prefix=gojail-bench-$$ instances=${INSTANCES:-200} hardened=${HARDENED:-0}
[[ $instances =~ ^[1-9][0-9]{0,2}$ ]] || die "INSTANCES=$instances: a number from 1 to 999 is wanted"
exec 3>"$json" || die "$json cannot be written"

work=$(mktemp -d)
child=

# The death of unshare ends all processes inside, and with them go the mounts. Control groups belong to the host: one that a
# container killed half-way has left is removed here.
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	trap - EXIT INT TERM HUP
	if [[ -n $child ]]; then
		kill -KILL "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	for _ in {1..50}; do
		find /sys/fs/cgroup -depth -type d -name "$prefix-*" -exec rmdir {} + 2>/dev/null || true
		[[ -n $(find /sys/fs/cgroup -type d -name "$prefix-*" -print -quit 2>/dev/null) ]] || break
		sleep 0.1
	done
	rmdir "$work" || true
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A job of its own (-m), so that it does not start with INT and QUIT ignored, as payloads would then see.
set -m
export GOJAIL CRUN RUNC BUSYBOX CC rounds quick work prefix instances hardened
unshare --mount --propagation private --pid --fork --kill-child --mount-proc bash "$here/measure.sh" </dev/null &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"

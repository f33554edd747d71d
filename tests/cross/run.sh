#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Builds, looks at and runs the program for every line of the file targets. What this machine cannot run itself runs in qemu's
# emulator for user programs; without it a target counts as failed. All targets are tried before this one fails, as many at a time
# as there are processors.
#
#	tests/cross/run.sh [-a TARGET[,TARGET...]] [vet|build|smoke|test]...
#
#	vet    go vet of the assembly
#	build  build/cross/gojail-TARGET, with the flags of $LDFLAGS and $GCFLAGS, which make cross sets as it does $VERSION
#	smoke  run that program: see smoke.sh
#	test   the unit tests of the packages that need no kernel of their own, the golden plans among them; once for each GOARCH

set -euo pipefail
cd "$(dirname "$0")/../.."

only=
if [[ ${1-} == -a ]]; then
	only=,${2?}, && shift 2
fi
(($#)) || set -- vet build smoke test

mapfile -t assembly < <(find src -name '*.s' -printf './%h\n' | sort -u)
# An emulator has neither namespaces nor the newer system calls; package root tests what acts. Here is what could depend on the size of
# a word, the order of bytes, or the numbers of system calls.
acting='cmd/gojail|agent|console|etcuxc|foreground|hooks|host|hostfs|jailnet|kernel|procd|resident|rpcd|spawn|supervise|uxc'
mapfile -t pure < <(go list ./src/... | grep -vE "/src/($acting)\$")

# step NAME TARGET: one step for one target, whose settings are in the environment.
step() {
	case $1 in
	vet) go vet -asmdecl "${assembly[@]}" ;;
	build) GOFLAGS=${GCFLAGS?} go build -trimpath -buildvcs=false -ldflags "${LDFLAGS?}" -o "build/cross/gojail-$2" ./src/cmd/gojail ;;
	smoke) tests/cross/smoke.sh "build/cross/gojail-$2" ;;
	test)
		# of the resident what does not depend on processes
		unit "${pure[@]}" && unit -run '^TestForward|^TestName' ./src/resident
		;;
	*)
		echo "unknown step: $1" >&2
		return 2
		;;
	esac
}

unit() {
	go test -vet=off -count=1 -short -timeout 15m ${GOJAIL_EMULATOR:+-exec "$PWD/tests/cross/emulate.sh $GOJAIL_EMULATOR"} "$@"
}

# try TARGET GOARCH SETTINGS EMULATOR STEP...
try() {
	local target=$1 emulator=$4 setting name status=0
	export CGO_ENABLED=0 GOOS=linux GOARCH=$2 GOJAIL_EMULATOR=
	if [[ $emulator != - ]]; then
		GOJAIL_EMULATOR=$(command -v "$emulator") || {
			echo "$emulator is not installed (Debian: qemu-user-static)"
			return 1
		}
	fi
	[[ $3 == - ]] || for setting in ${3//,/ }; do
		export "${setting?}"
	done
	shift 4
	for name in "$@"; do
		step "$name" "$target" </dev/null || {
			echo "$name failed on $target"
			status=1
		}
	done
	return "$status"
}

failures=$(mktemp)
declare -A tested=()
trap 'rm -f "$failures"' EXIT
while read -r target goarch settings emulator _; do
	[[ $target != '#'* && (-z $only || $only == *,$target,*) ]] || continue
	only=${only/,$target,/,}
	while (($(jobs -rp | wc -l) >= $(nproc))); do
		wait -n || true # its failure is on record
	done
	steps=()
	for name in "$@"; do
		[[ $name == test && -n ${tested[$goarch]-} ]] || steps+=("$name")
	done
	tested[$goarch]=1
	{
		output=$(try "$target" "$goarch" "$settings" "$emulator" ${steps[@]+"${steps[@]}"} 2>&1) || echo "$target" >>"$failures"
		printf -- '-- %s: %s\n%s\n' "$target" "${steps[*]}" "$output"
	} &
done <tests/cross/targets
wait
[[ -z ${only//,/} ]] || echo "${only//,/}: unknown" >>"$failures"
if [[ -s $failures ]]; then
	echo "failed on: $(tr '\n' ' ' <"$failures")" >&2
	exit 1
fi

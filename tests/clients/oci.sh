#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The validation suite of opencontainers/runtime-tools, see run.sh: its folder, with validation/*/*.t and runtimetest built, is in
# $OCI_VALIDATION. Of the executables that oci.expected names other things than success are expected, and said why.

client=oci
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

expected=$PWD/tests/clients/oci.expected
cd "${OCI_VALIDATION?}" || exit 1
for program in validation/*/*.t; do
	name=${program##*/}
	name=${name%.t}
	count=$((count + 1))
	output=$(RUNTIME=$runtime timeout 60 "$program" 2>&1 </dev/null)
	status=$?
	why=$(sed -n "s/^$name  *//p" "$expected")
	word=ok
	if ((status != 0)) || grep -q '^not ok' <<<"$output"; then
		word=red
	fi
	case $word${why:+expected} in
	ok) echo "ok      $client: $name" ;;
	redexpected) echo "red     $client: $name: $why" ;;
	okexpected) echo "ok      $client: $name, though red is expected here" ;;
	red)
		failed=$((failed + 1))
		printf 'FAILED  %s: %s ended with %s\n%s\n' "$client" "$name" "$status" "$output"
		;;
	esac
	"$runtime" list -q | while read -r id; do
		"$runtime" delete --force "$id"
	done
done
finish

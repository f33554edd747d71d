#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Runs a program in qemu's emulator for user programs. Now and then the emulator hangs for good in a fork of a program with several
# threads: such a run, and only such a one, is done again, twice at most.
#
#	tests/cross/emulate.sh EMULATOR PROGRAM [ARG...]

set -euo pipefail

for try in 1 2 3; do
	status=0
	timeout --kill-after=5 "${GOJAIL_EMULATE_LIMIT:-240}" "$@" || status=$?
	((status == 124 || status == 137)) || exit "$status"
	echo "the emulator hung in $2 (try $try of 3)" >&2
done
exit "$status"

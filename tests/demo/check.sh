# SPDX-License-Identifier: LGPL-2.1-only
# shellcheck shell=sh
#
# What the demo's scripts have in common, inside a jail and outside.
bad=0

# must TEXT COMMAND...: shows the text, and whether the command succeeds.
must() {
	text=$1
	shift
	if "$@"; then
		printf '   ok    %s\n' "$text"
	else
		printf '   BAD   %s\n' "$text"
		bad=$((bad + 1))
	fi
}

differ() { [ -n "$1" ] && [ -n "$2" ] && [ "$1" != "$2" ]; }

fails() { ! "$@" >/dev/null 2>&1; }

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The package's files as they are on the router: the one place that says what is installed where. `make install`, the packages of
# `make package` and the feed's Makefile all call it.
#
#	openwrt/layout.sh PROGRAM DESTDIR

set -euo pipefail
program=${1:?} root=${2:?}
cd "$(dirname "$0")/.."

install -d "$root/sbin" "$root/usr/sbin"
install -m 0755 "$program" "$root/usr/sbin/gojail"
while read -r link target; do
	install -d "$root${link%/*}"
	ln -sfn "$target" "$root$link"
done <openwrt/links

# Scripts can be run, what may hold a secret is read by its owner only, everything else by all.
tree() {
	local from=$1 to=$2 file mode
	while IFS= read -r file; do
		case $to/$file in
		*/etc/config/*) mode=0600 ;;
		*/etc/init.d/* | */etc/uci-defaults/* | */usr/libexec/*) mode=0755 ;;
		*) mode=0644 ;;
		esac
		install -D -m "$mode" "$from/$file" "$to/$file"
	done < <(cd "$from" && find . -type f ! -name README.md -printf '%P\n' | sort)
}
tree files "$root"
tree uci-defaults "$root/etc/uci-defaults"

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# What the scripts of the clients share. Sourced in namespaces of one's own, with the directory to work in as $1, and the client's name.
# shellcheck disable=SC2154 # that is $client

set -uo pipefail
work=$1
runtime=$work/bin/uxc
failed=0 count=0

hostname clients
mount -t tmpfs tmpfs "$work"
mount -t tmpfs tmpfs /run
umount -R /sys/fs/cgroup 2>/dev/null
mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
mkdir -p "$work"/{bin,home,tmp} "$work"/rootfs/{bin,dev,etc,proc,root,run,sys,tmp,mnt}
cp build/gojail "$runtime"
cp /bin/busybox "$work/rootfs/bin"
for name in $(/bin/busybox --list); do
	[[ $name == busybox ]] || ln -s busybox "$work/rootfs/bin/$name"
done
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n' >"$work/rootfs/etc/passwd"
printf 'root:x:0:\nweb:x:1000:\n' >"$work/rootfs/etc/group"
export HOME=$work/home TMPDIR=$work/tmp PATH=$work/bin:$PATH work

# check NAME STATUS TEXT COMMAND...: the command ends with this status and prints, among else, a line that matches the text.
check() {
	local name=$1 status=$2 text=$3 output got
	shift 3
	count=$((count + 1))
	output=$(timeout 60 "$@" 2>&1 </dev/null)
	got=$?
	output=${output//$'\r'/}
	if ((got == status)) && grep -Eq -- "$text" <<<"$output"; then
		echo "ok      $client: $name"
		return
	fi
	failed=$((failed + 1))
	printf 'FAILED  %s: %s\n        %s\n        ended with %s, not %s, and printed, instead of %s:\n%s\n' "$client" "$name" "$*" "$got" "$status" \
		"$text" "$output"
}

# tool NAME TEXT: a program of that name, for check and for those that it runs.
tool() {
	printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
	chmod 755 "$work/bin/$1"
}

# finish: what has to be true at the end.
finish() {
	local left
	left=$(find /run/gojail "$work/state" -mindepth 1 -maxdepth 1 2>/dev/null)
	[[ -z $left ]] || {
		failed=$((failed + 1))
		echo "FAILED  $client: states are left: $left"
	}
	echo "$client: $count checks, $failed failed"
	((failed == 0))
}

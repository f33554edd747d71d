#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only
#
# Runs inside the demo's container: shows what it sees, beside what the host sees, and says of each whether it is as it should
# be. Its exit status is the number of things that are not.
# shellcheck source=tests/demo/check.sh
. /demo/check.sh
# host_name and so on, as demo.sh has written them down:
# shellcheck source=/dev/null
. /demo/host
: "${host_name?}" "${host_processes?}" "${host_pid?}" "${host_mnt?}" "${host_uts?}" "${host_ipc?}" "${host_net?}"

must "it is process number $$" [ $$ = 1 ]
must "it runs as uid $(id -u), gid $(id -g): config.json wants root, without a user namespace" [ "$(id -u) $(id -g)" = '0 0' ]
must "its host name is $(hostname); the host's is $host_name" [ "$(hostname)" = runc ]
theirs=
for ns in pid mnt uts ipc net; do
	eval "theirs=\$host_$ns"
	ours=$(readlink /proc/self/ns/$ns)
	must "its namespace $ours is its own; the host's is $theirs" differ "$ours" "$theirs"
done

processes=$(ps -o pid,args)
must "it sees no process of the host, which has $host_processes:" fails grep gojail-demo-witness /proc/[0-9]*/cmdline
echo "$processes" | sed 's/^/            /'

must "its only network interface is $(ls /sys/class/net)" [ "$(ls /sys/class/net)" = lo ]
must "which is up: $(ip -o -4 addr show dev lo | sed 's/.*inet \([^ ]*\).*/\1/')" grep -q 0x9 /sys/class/net/lo/flags

outside=$(awk '$2 !~ "^(/|/(proc|dev|sys)(/.*)?)$"' /proc/self/mounts)
must "its $(grep -c . /proc/self/mounts) mounts are those of config.json:" [ -z "$outside" ]
awk '{ split($4, mode, ","); printf "            %-24s %-8s %s\n", $2, $3, mode[1] }' /proc/self/mounts

must "its root cannot be written" fails touch /written
must "/proc/sys cannot be written" fails sh -c 'echo 1 >/proc/sys/kernel/panic'
must "/proc/kcore is masked" [ ! -s /proc/kcore ]
must "it has the descriptors 0, 1 and 2, and of others only the shell's own" fails sh -c 'ls /proc/1/fd | grep -q "^[3-9]$"'
must "it has the three capabilities of config.json" grep -q '^CapEff:.0000000020000420$' /proc/self/status
must "it cannot gain privileges" grep -q '^NoNewPrivs:.1$' /proc/self/status
exit "$bad"

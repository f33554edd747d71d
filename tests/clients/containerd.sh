#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Containerd: see run.sh.

# shellcheck disable=SC2016 # the commands are for other shells

client=containerd
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

cat >"$work/config.toml" <<END
version = 2
root = "$work/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "/run/containerd/containerd.sock"
END
containerd --config "$work/config.toml" >"$work/log" 2>&1 &
daemon=$!
for _ in {1..300}; do
	ctr version >/dev/null 2>&1 && break
	sleep 0.1
done
tool run "exec ctr run --cpu-shares 0 --runc-binary $runtime \"\$@\""

rootfs=(--rootfs "$work/rootfs")
check 'a command' 0 '^hi$' run --rm "${rootfs[@]}" c1 echo hi
check 'its exit status' 7 '' run --rm "${rootfs[@]}" c2 sh -c 'exit 7'
check 'no such command' 1 'executable file not found' run --rm "${rootfs[@]}" c3 nosuch
check 'capabilities' 0 'CapEff:.*[13579bdf]...$' run --rm --cap-add CAP_NET_ADMIN "${rootfs[@]}" c4 grep CapEff /proc/self/status
check 'seccomp' 0 'Seccomp:.2' run --rm --seccomp "${rootfs[@]}" c5 grep Seccomp: /proc/self/status
check 'read-only' 1 'Read-only file system' run --rm --read-only "${rootfs[@]}" c6 touch /x
check 'a terminal' 0 '/dev/pts/0' script -qec "run --rm -t ${rootfs[*]} c7 tty" /dev/null
check 'an environment' 0 '^b$' run --rm --env A=b "${rootfs[@]}" c8 sh -c 'echo $A'
check 'in the background' 0 '' run -d "${rootfs[@]}" d sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
check 'it runs' 0 'd .*RUNNING' ctr task ls
check 'exec' 0 '^exec$' ctr task exec --exec-id e1 d echo exec
check 'its exit status' 9 '' ctr task exec --exec-id e2 d sh -c 'exit 9'
check 'exec of no such command' 1 'executable file not found' ctr task exec --exec-id e3 d nosuch
check 'exec at a terminal' 0 '/dev/pts/' script -qec 'ctr task exec -t --exec-id e4 d tty' /dev/null
check 'processes' 0 '^[0-9]+ ' ctr task ps d
check 'pause' 0 '' ctr task pause d
check 'it is paused' 0 'd .*PAUSED' ctr task ls
check 'resume' 0 '' ctr task resume d
check 'metrics' 0 'd ' ctr task metrics d
check 'kill' 0 '' ctr task kill -s SIGTERM d
check 'it has ended' 0 'd .*STOPPED' bash -c 'for i in {1..100}; do ctr task ls | grep STOPPED && exit; sleep 0.1; done; ctr task ls'
check 'delete' 0 'exit code 3' ctr task delete d
check 'delete the container' 0 '' ctr container delete d
check 'kill what does not end by itself' 0 '' run -d "${rootfs[@]}" k sleep 1000
check 'kill it' 0 '' ctr task kill -a -s SIGKILL k
check 'delete it' 0 'exit code 137' bash -c 'for i in {1..100}; do ctr task ls | grep -q STOPPED && break; sleep 0.1; done; ctr task delete k'
check 'delete its container' 0 '' ctr container delete k
kill $daemon
wait $daemon
finish

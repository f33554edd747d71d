#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Podman: see run.sh.

# shellcheck disable=SC2016 # the commands are for other shells

client=podman
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

# No limit of the host may be raised, and it may have no controller for pids.
cat >"$work/containers.conf" <<'END'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
END
export CONTAINERS_CONF=$work/containers.conf
# p is podman, t podman at a terminal, run a container without a network that goes when it has ended.
options="--root $work/storage --runroot $work/run --tmpdir $work/tmp --runtime $runtime"
tool p "exec podman $options \"\$@\""
tool t "exec script -qec \"podman $options \${*@Q}\" /dev/null"
tool run 'exec p run --rm --network none "$@"'

rootfs=(--rootfs "$work/rootfs")
check 'a command' 0 '^hi$' run "${rootfs[@]}" echo hi
check 'its exit status' 7 '' run "${rootfs[@]}" sh -c 'exit 7'
check 'no such command' 127 'not found' run "${rootfs[@]}" nosuch
check 'a command that cannot be executed' 126 'permission denied' run "${rootfs[@]}" /etc
check 'standard input' 0 '^stdin$' bash -c 'echo stdin | run -i "$@" cat' - "${rootfs[@]}"
check 'a terminal' 0 '/dev/pts/0' t run --rm -it --network none "${rootfs[@]}" tty
check 'read-only' 1 'Read-only file system' run --read-only "${rootfs[@]}" touch /x
check 'tmpfs' 0 'tmpfs /mnt tmpfs .*size=1024k' run --tmpfs /mnt:size=1m "${rootfs[@]}" grep /mnt /proc/mounts
mkdir "$work/volume" && echo volume >"$work/volume/file"
check 'a volume' 0 '^volume$' run -v "$work/volume:/mnt:ro" "${rootfs[@]}" cat /mnt/file
check 'it is read-only' 1 'Read-only' run -v "$work/volume:/mnt:ro" "${rootfs[@]}" touch /mnt/x
check 'capabilities' 0 'CapEff:.0000000000001000' run --cap-drop all --cap-add net_admin "${rootfs[@]}" grep CapEff /proc/self/status
check 'a user' 0 '^1000$' run --user web "${rootfs[@]}" id -u
check 'a user namespace' 0 '0 +100000 +65536' run --uidmap 0:100000:65536 --gidmap 0:100000:65536 "${rootfs[@]}" cat /proc/self/uid_map
check 'privileged' 0 'Seccomp:.0' run --privileged "${rootfs[@]}" grep Seccomp: /proc/self/status
check 'seccomp' 0 'Seccomp:.2' run "${rootfs[@]}" grep Seccomp: /proc/self/status
check 'environment and directory' 0 '^b /tmp$' run -e A=b -w /tmp "${rootfs[@]}" sh -c 'echo $A $PWD'
check 'an init of its own' 0 '^1$' run "${rootfs[@]}" sh -c 'echo $$'
check 'preserved descriptors' 0 '^kept$' bash -c 'run --preserve-fds 1 "$@" sh -c "cat <&3" 3< <(echo kept)' - "${rootfs[@]}"

check 'in the background' 0 '' p run -d --name a --network none "${rootfs[@]}" sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
check 'exec' 0 '^exec$' p exec a echo exec
check 'its exit status' 9 '' p exec a sh -c 'exit 9'
check 'exec of no such command' 127 'not found' p exec a nosuch
check 'exec at a terminal' 0 '/dev/pts/' t exec -it a tty
check 'exec as a user, with an environment' 0 '^1000 c /tmp$' p exec -u web -e B=c -w /tmp a sh -c 'echo $(id -u) $B $PWD'
check 'ps' 0 'Up ' p ps
check 'top' 0 'sleep|sh -c' p top a
check 'pause' 0 '' p pause a
check 'it is paused' 0 'Paused' p ps -a
check 'unpause' 0 '' p unpause a
check 'stats' 0 'a ' p stats --no-stream a
check 'stop' 0 '' p stop -t 10 a
check 'it has ended by its own will' 0 'Exited \(3\)' p ps -a
check 'start again' 0 '' p start a
check 'kill' 0 '' p kill a
check 'it has ended' 0 '137' p wait a
check 'rm' 0 '' p rm -f a

check 'import' 0 '' bash -c 'tar -C "$work/rootfs" -c . | p import - box'
check 'an image' 0 '^image$' run box echo image
check 'it is written to' 0 '^x$' run box sh -c 'touch /tmp/x; ls /tmp'
check 'health' 0 'healthy' bash -c 'p run -d --name h --network none --health-cmd "true" --health-interval disable box sleep 1000 >/dev/null &&
	p healthcheck run h && p inspect h --format "{{.State.Healthcheck.Status}}{{.State.Health.Status}}"'
check 'rm -f' 0 '' p rm -f -t 0 h
check 'a network' 0 'inet 10\.' p run --rm box ip addr show dev eth0
check 'two containers of a network' 0 '0% packet loss' bash -c 'p run -d --name n1 box sleep 1000 >/dev/null &&
	ip=$(p inspect n1 --format "{{.NetworkSettings.IPAddress}}") && p run --rm box ping -c 1 -W 5 "$ip"'
check 'rm -f' 0 '' p rm -f -t 0 n1

check 'a pod' 0 '' p pod create --name p --infra=false --share none
check 'a container of it' 0 '' p run -d --pod p --name c1 --network none box sleep 1000
check 'another one' 0 '^pod$' p run --rm --pod p --network none box echo pod
check 'pod ps' 0 'p +Running' p pod ps
check 'pod rm' 0 '' p pod rm -f -t 0 p
finish

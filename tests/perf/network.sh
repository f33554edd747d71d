#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Throughput from the host into a container by the light bridge, beside a pair and a bridge made by ip(8): interleaved rounds of iperf3, the
# medians and how they compare. Needs root, ip, iperf3, jq. All of it is in a network namespace of its own.
#
#	GOJAIL=PATH tests/perf/network.sh [ROUNDS [SECONDS]]    default 9 rounds of 2 seconds

set -euo pipefail

if [[ ${1-} != inside ]]; then
	[[ -n ${GOJAIL-} ]] || {
		echo 'network: GOJAIL is not set: the path of the gojail binary is wanted' >&2
		exit 2
	}
	GOJAIL=$(realpath -s "$GOJAIL")
	export GOJAIL
	exec unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc bash "$0" inside "${1:-9}" "${2:-2}"
fi
rounds=$2 seconds=$3

mount -t tmpfs tmpfs /run
mkdir /run/bin /run/box
ln -s "$GOJAIL" /run/bin/ujail
iperf=$(command -v iperf3)
jq -n --arg iperf "$iperf" '{ociVersion: "1.2.0", root: {path: "/", readonly: true},
	process: {user: {uid: 65534, gid: 65534}, args: [$iperf, "-s"], cwd: "/"},
	mounts: [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}], annotations: {"org.openwrt.gojail.network.0": "bridge=br0 ipaddr=10.99.0.2/24"},
	linux: {namespaces: [{type: "mount"}, {type: "network"}, {type: "pid"}]}}' >/run/box/config.json

ip link add name br0 type bridge
ip addr add 10.99.0.1/24 dev br0
ip link set br0 up
/run/bin/ujail -n box -i -J /run/box >/dev/null 2>/run/said &

unshare --net "$iperf" -s >/dev/null &
until [[ $(readlink "/proc/$!/ns/net") != $(readlink /proc/self/ns/net) ]]; do sleep 0.01; done
ip link add name plain type veth peer name eth0 netns "$!"
ip link set plain master br0 up
nsenter --net="/proc/$!/ns/net" ip addr add 10.99.0.3/24 dev eth0
nsenter --net="/proc/$!/ns/net" ip link set eth0 up

# measure ADDRESS: megabits a second
measure() { "$iperf" -c "$1" -t "$2" -J | jq '.end.sum_received.bits_per_second / 1e6 | floor'; }

for address in 10.99.0.2 10.99.0.3; do
	for ((n = 0; n < 100; n++)); do
		! measure "$address" 1 >/dev/null 2>&1 || break
		sleep 0.1
	done
done
for ((n = 0; n < rounds; n++)); do
	measure 10.99.0.2 "$seconds" >>/run/light
	measure 10.99.0.3 "$seconds" >>/run/plain
done
median() { sort -n "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
light=$(median /run/light) plain=$(median /run/plain)
echo "throughput: the light bridge $light Mbit/s, a pair made by ip $plain Mbit/s: $((light * 100 / plain)) % (medians of $rounds)"

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The inner half of bench.sh, which starts it as the first process of a pid namespace in a private mount namespace, with its
# settings in the environment and the JSON file as fd 3. Bundles, control groups of the tmpfs, state: all ends with it.

set -euo pipefail

here=$(dirname "$0")
: "${GOJAIL:?}" "${CRUN:?}" "${RUNC:?}" "${BUSYBOX:?}" "${CC:?}" "${rounds:?}" "${quick:?}" "${work:?}" "${prefix:?}"
: "${instances:?}" "${hardened:?}"
results=$work/results.tsv rootfs=$work/rootfs

die() {
	echo "bench: $*" >&2
	exit 1
}

note() {
	printf 'note\t%s\n' "$*" >>"$results"
}

# OpenWrt's layout: one cgroup2 hierarchy on /sys/fs/cgroup. crun refuses a mixed one.
arrange_host() {
	mount -t tmpfs -o mode=755 bench "$work"
	mount -t tmpfs -o mode=755 bench /run
	: >"$results"
	note "load average before the run: $(cut -d ' ' -f 1-3 /proc/loadavg), on $(nproc) processors; where it is high, compare the p10"
	[[ $(stat -f -c %T /sys/fs/cgroup) != cgroup2fs ]] || return 0
	umount -R -l /sys/fs/cgroup 2>/dev/null || true
	mount -t cgroup2 cgroup2 /sys/fs/cgroup || die "cgroup2 cannot be mounted on /sys/fs/cgroup"
	note "this host has no pure cgroup2 on /sys/fs/cgroup: it was mounted there for the benchmark"
}

build() {
	local program cflags=(-O2 -static -Wall -Wextra)
	export TMPDIR=$work
	"$CC" "${cflags[@]}" -o "$work/floor" "$here/floor.c"
	for program in timer burst idle; do
		"$CC" "${cflags[@]}" -o "$work/$program" "$here/$program.c" "$here/run.c"
	done
	mkdir -p "$rootfs"/{bin,b,dev,proc,sys,tmp} "$work/source"
	cp "$BUSYBOX" "$rootfs/bin/busybox"
	"$CC" "${cflags[@]}" -nostartfiles -o "$rootfs/stamp" "$here/stamp.c"
	"$CC" "${cflags[@]}" -nostartfiles -DSTAY -o "$rootfs/stay" "$here/stamp.c"
	ujail=$GOJAIL
	if [[ $ujail != *ujail ]]; then
		ujail=$work/ujail
		ln -s "$GOJAIL" "$ujail"
	fi
}

# bundle NAME FILTER [ARG...]: $work/NAME, whose config.json is that of `runc spec` changed by the jq filter.
bundle() {
	local name=$1 filter=$2
	shift 2
	mkdir -p "$work/$name"
	jq --arg rootfs "$rootfs" "$filter" "$work/spec/config.json" --args -- "$@" >"$work/$name/config.json"
}

bundles() {
	local count
	mkdir -p "$work/spec" "$work/first"
	(cd "$work/first" && "$RUNC" spec)
	jq --arg rootfs "$rootfs" '.process.terminal = false | .root.path = $rootfs | .process.args = ["/stamp"]
		| .linux.namespaces |= (map(select(.type != "cgroup")) + [{type: "cgroup"}])' \
		"$work/first/config.json" >"$work/spec/config.json"
	if ! "$CRUN" run --bundle "$work/spec" "$prefix-probe" </dev/null >/dev/null 2>"$work/err"; then
		note "crun refuses the device rule of runc spec here ($(head -n 1 "$work/err")): linux.resources is left out for all"
		jq 'del(.linux.resources)' "$work/spec/config.json" >"$work/first/config.json"
		mv "$work/first/config.json" "$work/spec/config.json"
	fi
	bundle plain .
	bundle stay '.process.args = ["/stay"]'
	# shellcheck disable=SC2016 # the variable is jq's
	bundle inside '.process.args = $ARGS.positional' /bin/busybox sh -c "$(inside)"
	for count in 10 100 1000; do
		bundle "binds$count" ".mounts += [range($count) | {destination: \"/b/\(.)\", type: \"bind\", source: \$ARGS.positional[0],
			options: [\"bind\", \"ro\"]}]" "$work/source"
	done
	(cd "$rootfs/b" && mkdir {0..999})
	bundle hardened '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
}

# inside is the shell script that describes a jail from within; what legitimately differs between runtimes is left out
# (where a masked file comes from, /dev/core).
inside() {
	local host
	host=$(readlink /proc/self/ns/*)
	cat <<END
b=/bin/busybox
\$b awk '{ for (i = 7; \$i != "-"; i++); type = \$(i + 1); sub("devtmpfs", "tmpfs", type)
	print "mount " \$5 " " type (\$4 != "/null" && \$6 ~ /^ro/ ? " ro" : "") }' /proc/self/mountinfo | \$b sort
\$b grep -E '^(Uid|Gid|Cap|NoNewPrivs|Sig(Blk|Ign))' /proc/self/status
for n in cgroup ipc mnt net pid user uts; do
	case "${host//$'\n'/ }" in *\$(\$b readlink /proc/self/ns/\$n)*) echo "ns \$n of the host" ;; *) echo "ns \$n own" ;; esac
done
for l in \$(\$b ls /dev | \$b grep -v core); do echo "dev \$l \$(\$b stat -c '%F %a %t:%T' /dev/\$l)"; done
echo "files \$(ulimit -n)"
echo "hostname \$(\$b hostname)"
echo "umask \$(umask)"
echo "lo \$(\$b cat /sys/class/net/lo/flags)"
echo "fds \$(\$b ls /proc/self/fd | \$b wc -l)"
END
}

# rows BUNDLE PROGRAM [FLOOR-OPTION...] sets the array command: the rows for timer, burst and idle.
rows() {
	local dir=$work/$1 program=$2
	shift 2
	command=(floor "$work/floor" "$@" "$rootfs" "$program"
		+ ours "$ujail" -n @ -i -J "$dir"
		+ crun "$CRUN" run --bundle "$dir" @
		+ crun-nocg "$CRUN" --cgroup-manager=disabled run --bundle "$dir" @
		+ runc "$RUNC" run --bundle "$dir" @)
}

# measure PROGRAM SET ROUNDS [OPTION...]: the rows in the array command, into the results.
measure() {
	local program=$1 set=$2 count=$3
	shift 3
	echo "bench: $set: $count rounds" >&2
	"$work/$program" -s "$set" -n "$count" -i "$prefix-$set" "$@" "${command[@]}" >>"$results" ||
		die "$set: the run is broken; no figures"
}

# prune SET takes those other runtimes out of the rows that cannot run the set's bundle, and says so.
prune() {
	local part=() kept=() word
	for word in "${command[@]}" +; do
		if [[ $word != + ]]; then
			part+=("$word")
			continue
		fi
		if [[ ${part[0]} == floor || ${part[0]} == ours ]] ||
			"$work/timer" -n 1 -i "$prefix-probe" "${part[@]}" >/dev/null 2>"$work/err"; then
			kept+=(${kept[0]:++} "${part[@]}")
		else
			note "$1: ${part[0]} is left out: $(head -c 300 "$work/err" | tr '\n' ' ')"
		fi
		part=()
	done
	command=("${kept[@]}")
}

seen() {
	local name=$1 status=0
	shift
	"$@" >"$work/seen/$name" </dev/null || status=$?
	((status == 0)) || die "$name cannot run the bundle of runc spec (exit status $status; its words are above)"
}

# compare_inside says where a runtime's jail is not the one that crun makes: then its times do not compare either.
compare_inside() {
	local name id=$prefix-inside dir=$work/inside
	mkdir "$work/seen"
	seen crun "$CRUN" run --bundle "$dir" "$id"
	seen runc "$RUNC" run --bundle "$dir" "$id"
	seen ours "$ujail" -n "$id" -i -J "$dir"
	seen floor "$work/floor" "$rootfs" /bin/busybox sh -c "$(inside)"
	for name in floor ours runc; do
		cmp -s "$work/seen/crun" "$work/seen/$name" || note "inside the jail, $name is not as crun (< crun, > $name): $(
			diff "$work/seen/crun" "$work/seen/$name" | grep '^[<>]' | tr '\t\n' ' ;'
		)"
	done
}

at_least() {
	echo $(($1 > $2 ? $1 : $2))
}

time_sets() {
	local count
	rows plain /stamp
	measure timer plain "$rounds"
	if ((hardened)); then
		rows hardened /stamp -u
		prune hardened
		measure timer hardened "$rounds"
		note "hardened: plain and a user namespace; no seccomp, no limits"
	else
		note "hardened: off; HARDENED=1 adds the set (a user namespace; no seccomp, no limits)"
	fi
	((!quick)) || return 0
	for count in 10 100 1000; do
		rows "binds$count" /stamp -b "$count" "$work/source"
		prune "binds$count"
		measure timer "binds$count" "$(at_least 3 $((rounds / (count == 1000 ? 4 : 2))))"
	done
}

burst_sets() {
	local jobs count
	rows stay /stay
	for jobs in 1 8 64; do
		count=$(at_least 3 $((rounds / (jobs == 1 ? 2 : 4))))
		measure burst "burst$jobs" "$((quick ? 1 : count))" -j "$jobs"
	done
}

# memory_group makes a control group that accounts memory and prints its directory; nothing if this host has no controller for
# it that can be used without a change of the host.
memory_group() {
	local dir=/sys/fs/cgroup
	if ! grep -qw memory "$dir/cgroup.subtree_control"; then
		dir=$work/memory
		mkdir "$dir"
		mount -t cgroup -o memory cgroup "$dir" 2>/dev/null || return 0
	fi
	mkdir "$dir/$prefix-idle"
	echo "$dir/$prefix-idle"
}

# idle_set adds a row to the others: the floor's jail and payload without a supervisor.
idle_set() {
	local group file
	rows stay /stay
	command+=(+ alone "$work/floor" -d "$rootfs" /stay)
	group=$(memory_group)
	if [[ -z $group ]]; then
		measure idle idle 5 -j "$instances"
		return
	fi
	for file in memory.current memory.usage_in_bytes; do
		[[ ! -e $group/$file ]] || export USAGE=$group/$file
	done
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		measure idle idle 5 -j "$instances"
	)
	rmdir "$group"
	[[ $group != "$work"/* ]] || umount "$work/memory"
}

sizes() {
	local name path libraries
	for name in ours:"$GOJAIL" crun:"$CRUN" runc:"$RUNC"; do
		path=$(realpath "${name#*:}")
		libraries=$(ldd "$path" 2>/dev/null | grep -c '=>' || true)
		printf 'size\t%s\t%d\t%d\t%d\t%s\n' "${name%%:*}" "$(stat -c %s "$path")" "$(gzip -9 <"$path" | wc -c)" \
			"$(xz -9e <"$path" | wc -c)" "$( ((libraries == 0)) || echo "and $libraries shared libraries")" >>"$results"
	done
}

# What a run could leave on the host or here: mounts, processes, control groups, state.
traces() {
	local p
	cut -d ' ' -f 5- /proc/self/mountinfo
	for p in /proc/[0-9]*; do
		((${p#/proc/} == 1 || ${p#/proc/} == BASHPID)) || [[ ! -r $p/comm ]] || echo "process $(cat "$p/comm" 2>/dev/null)"
	done
	find /sys/fs/cgroup -type d -name "$prefix-*" 2>/dev/null || true
	find /run -mindepth 2 2>/dev/null || true
}

arrange_host
build
bundles
traces >"$work/before"
compare_inside
time_sets
burst_sets
if ((!quick)); then
	idle_set
fi
sizes
traces >"$work/after"
diff "$work/before" "$work/after" >&2 || die "something was left behind (above: mounts, processes, control groups or files in /run)"
awk -v instances="$instances" -f "$here/report.awk" "$results"
awk -v instances="$instances" -v json=1 -f "$here/report.awk" "$results" | jq -s . >&3

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# The demo: runs a container from an OCI bundle and a slim jail, and checks what it shows.
#
#	tests/demo/demo.sh [UJAIL]    as root; UJAIL is build/ujail if not given

set -euo pipefail
cd "$(dirname "$0")/../.."
ujail=${1:-build/ujail}
here=tests/demo

die() {
	echo "demo: $*" >&2
	exit 1
}

((EUID == 0)) || die "namespaces and mounts need root"
[[ -x $ujail ]] || die "$ujail is not there: run make build"
[[ -x /bin/busybox ]] || die "/bin/busybox is not there: install Debian's busybox-static"

# shellcheck source=tests/demo/check.sh
. $here/check.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/gojail-demo.XXXXXX")
witness=
# shellcheck disable=SC2317,SC2329 # called by the trap
cleanup() {
	trap - EXIT
	if [[ -n $witness ]]; then
		kill "$witness" 2>/dev/null || true
		wait "$witness" 2>/dev/null || true
	fi
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A process of the host that no jail should see.
(exec -a gojail-demo-witness sleep 600) </dev/null >/dev/null 2>&1 &
witness=$!

make_bundle() {
	local bundle=$work/bundle applet
	mkdir -p "$bundle"/rootfs/{bin,demo,dev,etc,proc,sys,tmp}
	cp $here/config.json "$bundle/config.json"
	cp /bin/busybox "$bundle/rootfs/bin/busybox"
	for applet in $(/bin/busybox --list); do
		[[ $applet == busybox ]] || ln -s busybox "$bundle/rootfs/bin/$applet"
	done
	cp $here/show.sh $here/check.sh "$bundle/rootfs/demo"
	{
		printf 'host_name=%q host_processes=%q\n' "$(uname -n)" "$(find /proc -maxdepth 1 -name '[0-9]*' | wc -l)"
		for ns in pid mnt uts ipc net; do
			printf 'host_%s=%q\n' "$ns" "$(readlink "/proc/self/ns/$ns")"
		done
	} >"$bundle/rootfs/demo/host"
}

# ended PROGRAM: no process runs it.
ended() {
	[[ -z $(find -L /proc/[0-9]*/exe -maxdepth 0 -samefile "$1" 2>/dev/null) ]]
}

hostname=$(uname -n)
make_bundle

cat <<END

1. A container from an OCI bundle
   The bundle is $work/bundle: a root with busybox, and the config.json that \`runc spec\` writes
   (terminal off, another command). Inside runs tests/demo/show.sh.

   \$ $ujail -n demo -i -J $work/bundle

END
status=0
"$ujail" -n demo -i -J "$work/bundle" </dev/null || status=$?
bad=$((bad + (status > 0)))

cat <<END

2. A slim jail
   One program of the host, jailed without a bundle: it gets a root with itself and nothing else (a program that needs libraries
   brings them along), read-only (-o), with a /proc of its own (-p). Host name and network stay the host's. Inside runs
   tests/demo/slim.sh.

   \$ $ujail -n demo -p -o -- /bin/busybox sh -c ...

END
status=0
"$ujail" -n demo -p -o -- /bin/busybox sh -c "$(cat $here/check.sh $here/slim.sh)" </dev/null || status=$?
must "outside, its exit status has arrived: 7" [ "$status" = 7 ]

cat <<END

3. A container from UCI
   $work/config/container is what /etc/config/container would be:

END
mkdir "$work/config"
sed "s,@work@,$work,; s,@repo@,$PWD," $here/container | tee "$work/config/container" | sed 's/^/       /'
cat <<END

   \$ ${ujail%/*}/gojail up -c $work/config

END
"${ujail%/*}/gojail" up -c "$work/config" -o "$work/bundles" </dev/null >"$work/up" 2>"$work/up.err" || bad=$((bad + 1))
sed 's/^/       /' "$work/up" "$work/up.err"
must "it is $(sed -n 's/^hello | id: //p' "$work/up"), as option user says" grep -q '^hello | id: uid=65534' "$work/up"
must 'it has no capabilities and cannot gain privileges: that is the profile strict' grep -q '^hello | caps: 0000000000000000 1$' "$work/up"
must "its variable has come from UCI" grep -q '^hello | greeting: it is UCI$' "$work/up"
must "it writes to its own /tmp and nowhere else" grep -q '^hello | tmp: written$' "$work/up"
must "its rootfs has not been written to" [ ! -e "$work/bundle/rootfs/tmp/x" ]

cat <<END

4. The host afterwards

END
must "its name is still $hostname" [ "$(uname -n)" = "$hostname" ]
must "it has no mount of the jails" fails grep -F "$work" /proc/self/mountinfo
must "no process of the container is left" ended "$work/bundle/rootfs/bin/busybox"
must "its process that the jails could not see still runs" kill -0 "$witness"
echo
((bad == 0)) || die "$bad of these are not as they should be"
echo "All of it is as it should be."

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Installs what a make target needs from Debian: only the packages that are missing, and says which.
#
#	tests/deps.sh ci|demo|lint|unit|race|libseccomp|cross|package|luci|size|vm|root|clients|bench|test...

set -euo pipefail

die() {
	echo "deps: $*" >&2
	exit 1
}

declare -A wanted=()

# want SET: notes the packages of a set. test is everything that `make test` runs.
want() {
	local packages
	case $1 in
	ci) packages='make ca-certificates' ;;
	demo) packages='busybox-static' ;;
	root) packages='busybox-static iproute2 nftables procps dnsmasq-base hostapd rsync dbus-daemon dbus-bin postgresql python3 squashfs-tools e2fsprogs crun runc' ;; # what is jailed, and its clients
	lint) packages='shellcheck shfmt' ;;
	unit) packages='iproute2 libcap2-bin golang-github-containers-common' ;;
	race) packages='iproute2 libcap2-bin golang-github-containers-common gcc libc6-dev' ;;
	libseccomp) packages='libseccomp-dev pkg-config golang-github-containers-common gcc libc6-dev' ;;
	cross) packages='qemu-user-static' ;;
	luci) packages=$(command -v npm >/dev/null || echo nodejs npm) ;; # whoever has node of another source keeps it
	size) packages='xz-utils mawk' ;;
	package) packages='' ;; # tar, gzip and sha256sum are everywhere
	vm) packages='busybox-static qemu-system-x86 qemu-system-common cpio kmod iproute2' ;;
	clients) packages='busybox-static podman conmon netavark aardvark-dns containerd iptables iproute2 bsdutils' ;;
	bench) packages='iproute2 iperf3 busybox-static gcc libc6-dev crun runc jq mawk xz-utils' ;;
	test)
		want demo
		want lint
		want unit
		want race
		want libseccomp
		want cross
		want size
		want luci
		want root
		want vm
		want clients
		return
		;;
	*) die "unknown set of packages: $1" ;;
	esac
	for package in $packages; do
		wanted[$package]=1
	done
}

(($#)) || die "which set of packages? See the head of $0"
for set in "$@"; do
	want "$set"
done

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not Debian, nothing is installed; needed are what Debian calls: ${!wanted[*]}" >&2
	exit 0
fi

missing=()
for package in "${!wanted[@]}"; do
	[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

((EUID == 0)) || die "missing: ${missing[*]}. Install them, or run this as root"
echo "deps: installing from Debian: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Services are for the tests to start, and a database is for them to make.
policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.conf made=()
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	made+=("$policy")
fi
if [[ " ${missing[*]} " == *' postgresql '* && ! -e $cluster ]]; then
	mkdir -p "${cluster%/*}"
	echo 'create_main_cluster = false' >$cluster
fi
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any -o Acquire::Retries=3)
log=$(mktemp)
trap 'rm -f "$log" "${made[@]}"' EXIT
for step in update "install -y --no-install-recommends ${missing[*]}"; do
	# shellcheck disable=SC2086 # the step is a list of words
	"${apt[@]}" $step >"$log" 2>&1 </dev/null || {
		cat "$log" >&2
		die "apt-get ${step%% *} failed"
	}
done

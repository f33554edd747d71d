#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Boots Debian's kernel under qemu, without a hypervisor, and runs job.sh there as root: a machine with cgroup v2 and all its
# controllers, whatever this one has. Its root is this machine's, which it cannot change. Needs root.
#
#	tests/vm/run.sh [TIMEOUT [TESTS]]    in seconds, default 600; the tests of tests/root whose names match, default ^TestVM

set -euo pipefail
vm=$(dirname "$(realpath "$0")")
cd "$vm/../.."
limit=${1:-600}
build=$PWD/build/vm
mkdir -p "$build"
printf '%s %s %s %s %s\n' "$limit" "${2:-^TestVM}" "${GOJAIL_STRESS:-0}" "${NETIFD-}" "${UBUSD-}" >"$build/what"

# The kernel is downloaded, not installed: nothing of this machine changes.
kernel() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image/ {print $2; exit}'
}
package=$(kernel)
if [[ -z $package ]]; then # as where the lists were deleted to save space
	apt-get -qq -o Acquire::Retries=3 update
	package=$(kernel)
fi
[[ -n $package ]] || {
	echo 'vm: apt knows no linux-image-cloud-amd64' >&2
	exit 1
}
if [[ ! -e $build/$package ]]; then
	rm -rf "$build/kernel" "$build"/*.deb
	(cd "$build" && apt-get download -q "$package")
	dpkg-deb -x "$build/$package"_*.deb "$build/kernel"
	rm -f "$build/$package"_*.deb
	version=$(ls "$build/kernel/lib/modules")
	depmod -b "$build/kernel" "$version"
	touch "$build/$package"
fi
version=$(ls "$build/kernel/lib/modules")

# The initial file system: busybox and the modules that find the root.
init=$build/initrd
rm -rf "$init"
mkdir -p "$init"/{bin,proc,sys,dev,host,layer,new} "$init/lib/modules/$version"
cp "$(command -v busybox)" "$init/bin/busybox"
ln -s busybox "$init/bin/sh"
install -m 755 "$vm/init" "$init/init"
modules=$build/kernel/lib/modules/$version
cp "$modules"/modules.{order,builtin,builtin.modinfo} "$init/lib/modules/$version/"
for module in virtio_pci virtiofs overlay; do
	modprobe -d "$build/kernel" -S "$version" --show-depends "$module" | while read -r _ file _; do
		[[ $file == /* ]] || continue # builtin
		install -D -m 644 "$file" "$init/lib/modules/$version/${file#"$modules"/}"
	done
done
depmod -b "$init" "$version"
(cd "$init" && find . | cpio -o -H newc --quiet | gzip -1) >"$build/initrd.gz"

work=$(mktemp -d)
server=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
/usr/lib/qemu/virtiofsd --socket-path="$work/socket" --rlimit-nofile=0 -o source=/ -o cache=always -o sandbox=chroot -o xattr \
	>"$work/virtiofsd.log" 2>&1 &
server=$!
for _ in {1..100}; do
	[[ ! -S $work/socket ]] || break
	sleep 0.1
done
memory=2G
timeout "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m "$memory" -smp 2 -nographic -no-reboot -nodefaults -serial stdio \
	-object memory-backend-memfd,id=mem,size="$memory",share=on -numa node,memdev=mem \
	-chardev socket,id=host,path="$work/socket" -device vhost-user-fs-pci,chardev=host,tag=host \
	-kernel "$build"/kernel/boot/vmlinuz-* -initrd "$build/initrd.gz" \
	-append "console=ttyS0 panic=-1 loglevel=1 guest=$vm/guest.sh" </dev/null 2>&1 | tr -d '\r' | tee "$work/console" || true
status=$(sed -n 's/^VM RESULT \([0-9]*\)$/\1/p' "$work/console" | tail -1)
if [[ -z $status ]]; then
	echo "vm: the machine did not say how the job ended; virtiofsd said:" >&2
	cat "$work/virtiofsd.log" >&2
	exit 1
fi
exit "$status"

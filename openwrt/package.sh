#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Makes OpenWrt packages without OpenWrt's buildroot: an .ipk for every architecture name of tests/cross/targets, an index of them
# and checksums; .apk as well where apk (of apk-tools 3) is. The words come from the feed's Makefile. The same tree gives the same
# bytes.
#
#	openwrt/package.sh PROGRAMS OUT		PROGRAMS/gojail-TARGET are the programs

set -euo pipefail
programs=$(realpath "${1:?}")
mkdir -p "${2:?}"
out=$(realpath "$2")
cd "$(dirname "$0")/.."
makefile=openwrt/gojail/Makefile
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y "$makefile")}

# variable NAME: what the feed's Makefile says.
variable() {
	sed -n "s/^ *$1:=//p" "$makefile"
}

# block NAME: the lines of `define Package/gojail/NAME`, as make hands them to the shell.
block() {
	sed -n "/^define Package\/gojail\/$1\$/,/^endef\$/p" "$makefile" | sed '1d;$d;s/\$\$/$/g'
}

version=$(variable PKG_VERSION)-r$(variable PKG_RELEASE)

# depends: DEPENDS as a package has it: those with + that are packages.
depends() {
	local list=libc word
	for word in $(variable DEPENDS); do
		[[ $word == +[a-z]* ]] && list+=", ${word#+}"
	done
	echo "$list"
}

commas() {
	local list=$*
	echo "${list// /, }"
}

# What package-pack.mk gives every package: init scripts are enabled and started, uci-defaults are run.
default_script() {
	cat <<-END
		#!/bin/sh
		[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
		[ -s \${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
		. \${IPKG_INSTROOT}/lib/functions.sh
		default_$1 \$0 \$@
	END
}

control() {
	cat <<-END
		Package: gojail
		Version: $version
		Depends: $(depends)
		Conflicts: $(commas "$(variable CONFLICTS)")
		Provides: $(commas "$(variable PROVIDES)")
		Source: feeds/gojail/gojail
		SourceName: gojail
		License: $(variable PKG_LICENSE)
		Section: $(variable SECTION)
		SourceDateEpoch: $epoch
		Architecture: $1
		Installed-Size: $2
		Description: $(block description | sed '1s/^ *//;2,$s/^ */ /')
	END
}

pack() {
	tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" --format=gnu -cf - . | gzip -n9
}

# scripts DIR: the maintainer scripts, as package-pack.mk names them.
scripts() {
	default_script postinst >"$1/postinst"
	default_script prerm >"$1/prerm"
	block postinst >"$1/postinst-pkg"
	block prerm >"$1/prerm-pkg"
	block postrm >"$1/postrm"
	find "$1" -size 0 -delete
	chmod 0755 "$1"/*
}

# seal FILE CONTROL ROOT: packs the two, and notes the package in the index.
seal() {
	local dir=$work/ipk
	rm -rf "$dir"
	mkdir -p "$dir"
	chmod 0644 "$2/control"
	pack "$3" >"$dir/data.tar.gz"
	pack "$2" >"$dir/control.tar.gz"
	echo 2.0 >"$dir/debian-binary"
	pack "$dir" >"$1"
	{
		sed '/^Description:/,$d' "$2/control"
		echo "Filename: ${1##*/}"
		echo "Size: $(stat -c %s "$1")"
		echo "SHA256sum: $(sha256sum "$1" | cut -d' ' -f1)"
		sed -n '/^Description:/,$p' "$2/control"
		echo
	} >>"$out/Packages"
}

# ipk ARCH ROOT: $out/gojail_VERSION_ARCH.ipk
ipk() {
	local control=$work/control
	rm -rf "$control"
	mkdir -p "$control"
	scripts "$control"
	block conffiles >"$control/conffiles"
	[[ -s $control/conffiles ]] || rm "$control/conffiles"
	control "$1" "$(size "$2")" >"$control/control"
	seal "$out/gojail_${version}_$1.ipk" "$control" "$2"
}

size() {
	find "$1" -type f -printf '%s\n' | awk '{n += $1} END {print n}'
}

# luci: $out/luci-app-containers_VERSION_all.ipk, as luci.mk makes it, but for the translations, which are packages of their own there.
luci() {
	local root=$work/luci control=$work/luci-control makefile=openwrt/luci-app-containers/Makefile version file
	version=$(variable PKG_VERSION)-r$(variable PKG_RELEASE)
	while IFS= read -r file; do
		install -D -m 0644 "luci/htdocs/$file" "$root/www/$file"
	done < <(cd luci/htdocs && find . -type f -printf '%P\n' | sort)
	while IFS= read -r file; do
		install -D -m 0644 "luci/root/$file" "$root/$file"
	done < <(cd luci/root && find . -type f -printf '%P\n' | sort)
	mkdir -p "$control"
	default_script postinst >"$control/postinst"
	default_script prerm >"$control/prerm"
	cat >"$control/postinst-pkg" <<-'END'
		#!/bin/sh
		[ -z "${IPKG_INSTROOT}" ] || exit 0
		rm -f /tmp/luci-indexcache.*
		rm -rf /tmp/luci-modulecache/
		/etc/init.d/rpcd reload
		exit 0
	END
	chmod 0755 "$control"/*
	cat >"$control/control" <<-END
		Package: luci-app-containers
		Version: $version
		Depends: libc, $(variable LUCI_DEPENDS | sed 's/+//g; s/ /, /g')
		Source: feeds/gojail/luci-app-containers
		SourceName: luci-app-containers
		License: $(variable PKG_LICENSE)
		Section: luci
		SourceDateEpoch: $epoch
		Architecture: all
		Installed-Size: $(size "$root")
		Description: $(variable LUCI_DESCRIPTION)
	END
	seal "$out/luci-app-containers_${version}_all.ipk" "$control" "$root"
}

# apk_script NAME: the same for apk, where it is one script.
apk_script() {
	cat <<-END
		#!/bin/sh
		[ "\${IPKG_NO_SCRIPT}" = "1" ] && exit 0
		[ -s \${IPKG_INSTROOT}/lib/functions.sh ] || exit 0
		. \${IPKG_INSTROOT}/lib/functions.sh
		export root="\${IPKG_INSTROOT}"
		export pkgname="gojail"
		default_$1
	END
	block "$1" | sed 1d
}

# apk ARCH ROOT: $out/gojail-VERSION.ARCH.apk; the database of its files and its conffiles are where OpenWrt's are.
apk() {
	local root=$work/apk scripts=$work/scripts info=lib/apk/packages
	rm -rf "$root" "$scripts"
	cp -a "$2" "$root"
	mkdir -p "$root/$info" "$scripts"
	(cd "$2" && find . ! -type d -printf '/%P\n' | sort) >"$root/$info/gojail.list"
	block conffiles >"$root/$info/gojail.conffiles"
	apk_script postinst >"$scripts/post-install"
	{
		printf '#!/bin/sh\nexport PKG_UPGRADE=1\n'
		sed 1d "$scripts/post-install"
	} >"$scripts/post-upgrade"
	apk_script prerm >"$scripts/pre-deinstall"
	block postrm >"$scripts/post-deinstall"
	SOURCE_DATE_EPOCH=$epoch "$APK" mkpkg --info name:gojail --info "version:$version" --info "arch:$1" \
		--info "description:$(variable TITLE)" --info "license:$(variable PKG_LICENSE)" --info origin:feeds/gojail/gojail \
		--info "depends:$(depends | tr -d ,) $(for name in $(variable CONFLICTS); do printf '!%s ' "$name"; done)" \
		--info "provides:$(variable PROVIDES)" \
		--script "post-install:$scripts/post-install" --script "post-upgrade:$scripts/post-upgrade" \
		--script "pre-deinstall:$scripts/pre-deinstall" --script "post-deinstall:$scripts/post-deinstall" \
		--files "$root" --output "$out/gojail-$version.$1.apk"
}

rm -rf "$out"/*.ipk "$out"/*.apk "$out"/Packages* "$out/sha256sums"
umask 022
while read -r target _ _ _ names; do
	[[ $target == '#'* ]] && continue
	rm -rf "$work/root"
	openwrt/layout.sh "$programs/gojail-$target" "$work/root"
	for name in ${names//,/ }; do
		ipk "$name" "$work/root"
		[[ -z ${APK-} ]] || apk "$name" "$work/root"
	done
done <tests/cross/targets
luci
gzip -nk9 "$out/Packages"
sums=$(cd "$out" && find . -type f -printf '%P\n' | sort | xargs sha256sum)
echo "$sums" >"$out/sha256sums"
[[ -n ${APK-} ]] || echo "SKIPPED: .apk packages: APK does not say where apk (of apk-tools 3) is"
echo "$(find "$out" -name '*.ipk' | wc -l) packages in ${out#"$PWD/"}"

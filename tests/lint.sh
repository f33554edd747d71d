#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Everything that judges the source without running it. All checks run before this fails.
#
#	tests/lint.sh

set -euo pipefail
cd "$(dirname "$0")/.."

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.7.0 # 2026.1, the last for Go 1.25
folders=(.ci files luci openwrt src tests uci-defaults)
failed=()

# check NAME COMMAND...: a check that prints nothing and ends with 0 has passed; stderr has go's downloads too.
check() {
	local name=$1 output status=0
	shift
	echo "-- $name"
	output=$("$@") || status=$?
	if [[ $status != 0 || -n $output ]]; then
		printf '%s\n' "$output"
		failed+=("$name")
	fi
}

scripts() {
	local file line
	while read -r file; do
		read -r line <"$file" || true
		if [[ $file == *.sh || $line =~ ^'#!'.*sh($| ) ]]; then
			echo "$file"
		fi
	done < <(find "${folders[@]}" -type f -not -path '*/testdata/*' | sort)
}
mapfile -t scripts < <(scripts)

check gofmt gofmt -s -d src tests
check 'go mod tidy' go mod tidy -diff
check 'go vet' go vet ./...
check staticcheck go run "$staticcheck" ./...
check shellcheck shellcheck -x "${scripts[@]}"
check shfmt shfmt -s -d "${scripts[@]}"
if ((${#failed[@]})); then
	printf 'lint failed:' >&2
	printf ' [%s]' "${failed[@]}" >&2
	echo >&2
	exit 1
fi

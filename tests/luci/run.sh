#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Tests of the web interface: what it is generated from, its style, its pages in jsdom, and at $LUCI_URL a real LuCI in a browser.
# What they need of npm comes, by the lock file, into build/luci.

set -euo pipefail
cd "$(dirname "$0")/../.."
dir=build/luci
mkdir -p "$dir"

node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' || {
	echo "luci: node 18 or later is wanted, this is $(node --version)" >&2
	exit 1
}
if ! cmp -s tests/luci/package-lock.json "$dir/installed"; then
	cp tests/luci/package.json tests/luci/package-lock.json "$dir"
	(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
	cp tests/luci/package-lock.json "$dir/installed"
fi
export NODE_PATH=$PWD/$dir/node_modules

echo '-- go test ./tests/luci'
go test -count=1 ./tests/luci
echo '-- eslint'
"$dir/node_modules/.bin/eslint" --max-warnings 0 -c tests/luci/eslint.config.cjs luci tests/luci
echo '-- node --test'
node --test tests/luci/*.test.cjs
if [[ -z ${LUCI_URL-} ]]; then
	echo "SKIPPED: the pages in a real LuCI: LUCI_URL does not say where one is"
else
	echo "-- $LUCI_URL"
	[[ -d $dir/node_modules/playwright-core ]] || (cd "$dir" && npm install --no-save --no-audit --no-fund --loglevel=error playwright-core@1.49.1)
	node tests/luci/real.cjs
fi

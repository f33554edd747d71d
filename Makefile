# SPDX-License-Identifier: LGPL-2.1-only
#
# make help lists the targets.

# The version is written once, in the feed.
VERSION := $(shell sed -n 's/^PKG_VERSION:=//p' openwrt/gojail/Makefile)

# The entry point is the project's own (src/resident): a binary without -E is not gojail.
LDFLAGS := -s -w -E jail_entry -X main.version=$(VERSION)
# What makes it small is written there as well.
GCFLAGS := $(shell sed -n 's/^GOJAIL_GOFLAGS:=//p' openwrt/gojail/Makefile)
APPLETS := $(shell sed -n 's,^/.*/\([^ /]*\) .*,\1,p' openwrt/links)

# Where Go is if it was unpacked and PATH does not have it yet.
export PATH := $(PATH):/usr/local/go/bin
export LDFLAGS GCFLAGS VERSION

GO_BUILD := CGO_ENABLED=0 GOFLAGS='$(GCFLAGS)' go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

.DEFAULT_GOAL := build
.PHONY: build demo test test-root test-procd test-vm test-clients test-oci bench fuzz lint unit race libseccomp cross package size install clean help

build: ## the program, build/gojail, and its names (build/ujail)
	@mkdir -p build
	$(GO_BUILD) -o build/gojail ./src/cmd/gojail
	@for applet in $(APPLETS); do ln -sf gojail build/$$applet; done

demo: build ## a container and a slim jail that show what they see (root)
	@tests/deps.sh demo
	@tests/demo/demo.sh build/ujail

test: ## the whole suite: lint unit race libseccomp fuzz luci cross size test-root test-vm test-clients demo (root)
	@tests/deps.sh test
	@tests/suite.sh build lint unit race libseccomp fuzz luci cross size test-root test-vm test-clients demo

test-root: build ## the program run as root, looked at from inside and outside (root)
	@tests/deps.sh root
	@[ -n "$$PROCD" ] || echo 'SKIPPED: the same under the real procd: $$PROCD, $$UBUSD and $$UBUS do not say where it is'
	GOJAIL=$(CURDIR)/build/gojail go test -count=1 -timeout 30m ./tests/root

test-procd: build ## the program under OpenWrt's procd and ubusd, which PROCD, UBUSD and UBUS name (root)
	GOJAIL=$(CURDIR)/build/gojail go test -count=1 -timeout 30m -v -run TestProcd ./tests/root

VMTIME ?= 600
VMTESTS ?= ^TestVM|^TestOCI(CgroupNamespace|DeviceRules|Idmap|UserNamespace)|^TestD33
test-vm: build ## limits, devices, user namespaces on a real cgroup v2 in a virtual machine (root); VMTESTS=. VMTIME=5000: all of test-root on that kernel
	@tests/deps.sh vm
	@mkdir -p build/vm
	CGO_ENABLED=0 go test -c -o build/vm/root.test ./tests/root
	GOJAIL_WORLD=probes GOJAIL_PROBES=$(CURDIR)/build/vm build/vm/root.test
	tests/vm/run.sh $(VMTIME) '$(VMTESTS)'

test-clients: build ## podman and containerd with build/uxc as their runtime (root)
	@tests/deps.sh clients
	@tests/clients/run.sh

test-oci: build ## the validation suite of opencontainers/runtime-tools, built in the folder OCI_VALIDATION (root)
	@tests/deps.sh clients
	@if [ -n "$$OCI_VALIDATION" ]; then tests/clients/run.sh oci; else echo 'SKIPPED: $$OCI_VALIDATION does not say where the suite is'; fi

bench: build ## time and memory beside crun, runc and a C floor (root)
	@tests/deps.sh bench
	GOJAIL=$(CURDIR)/build/ujail tests/perf/bench.sh $(BENCHFLAGS)
	GOJAIL=$(CURDIR)/build/ujail tests/perf/network.sh $(if $(findstring --quick,$(BENCHFLAGS)),1 1)

fuzz: ## every decoder fuzzed for FUZZTIME (20000x: inputs; or 10m)
	@tests/fuzz.sh

lint: ## gofmt, go vet, staticcheck, shellcheck, shfmt
	@tests/deps.sh lint
	@tests/lint.sh

unit: ## the tests beside the code, and those of the sources
	@tests/deps.sh unit
	go test $$(go list ./src/... ./tests/... | grep -vE '/tests/(root|package)$$')

# Not the packages that act where there is no Go runtime: the detector cannot look there.
race: ## the same under the race detector, where it applies
	@tests/deps.sh race
	CGO_ENABLED=1 go test -race $$(go list ./src/... | grep -vE '/src/(hooks|resident|spawn|trampoline)$$')

libseccomp: ## seccomp filters compared with those of libseccomp
	@tests/deps.sh libseccomp
	CGO_ENABLED=1 go vet -tags libseccomp ./src/seccomp
	CGO_ENABLED=1 go test -count=1 -tags libseccomp -run Libseccomp ./src/seccomp

cross: ## every architecture: vet, build, run in an emulator
	@tests/deps.sh cross
	@mkdir -p build/cross
	@tests/cross/run.sh

package: ## build/packages: an .ipk for every target, looked into afterwards; .apk too where APK names apk
	@tests/deps.sh package
	@mkdir -p build/cross
	@tests/cross/run.sh build
	@openwrt/package.sh build/cross build/packages
	@[ -n "$$OPKG" ] || echo 'SKIPPED: install, upgrade and remove by opkg: $$OPKG does not say where opkg-cl is'
	@[ -n "$$TOPDIR" ] || echo 'SKIPPED: the feed in a buildroot: $$TOPDIR does not say where one is'
	GOJAIL_PACKAGES=$(CURDIR)/build/packages go test -count=1 ./tests/package

.PHONY: luci
luci: ## the web interface: what it is generated from, eslint, its pages in jsdom; at LUCI_URL in a real LuCI
	@tests/deps.sh luci
	@tests/luci/run.sh

size: package ## how large the program is on every target; fails where one has grown without tests/size/recorded saying so
	@tests/deps.sh size
	@tests/size/size.sh $(SIZEFLAGS)

install: build ## the files of the package into $(DESTDIR)/
	openwrt/layout.sh build/gojail '$(DESTDIR)'

clean: ## removes build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1#\2/p' Makefile | while IFS='#' read -r name text; do \
		printf '%-12s %s\n' "$$name" "$$text"; done

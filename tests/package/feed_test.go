// SPDX-License-Identifier: LGPL-2.1-only

package packagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// OpenWrt's own buildroot reads the feed without a warning, and builds from it what `make package` makes.
func TestFeed(t *testing.T) {
	topdir := os.Getenv("TOPDIR")
	if topdir == "" {
		t.Skip("SKIPPED: TOPDIR does not say where a buildroot of OpenWrt is")
	}
	run := func(args ...string) string {
		t.Helper()
		args = append([]string{"--no-print-directory", "-C", "../../openwrt/gojail", "TOPDIR=" + topdir, "HOST_OS=Linux", "HOST_ARCH=x86_64"}, args...)
		cmd := exec.Command("make", args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	dump := run("DUMP=1")
	if strings.Contains(strings.ToLower(dump), "warning") {
		t.Errorf("the feed's metadata:\n%s", dump)
	}
	for _, want := range []string{"Package: gojail\nVersion: " + variable(t, "PKG_VERSION"), "Conflicts: procd-ujail uxc\n", "Provides: procd-ujail uxc\n", "+kmod-veth"} {
		if !strings.Contains(dump, want) {
			t.Errorf("the feed's metadata lack %q:\n%s", want, dump)
		}
	}
	run("clean")
	defer run("clean")
	out := run("compile", "V=s")
	list, err := filepath.Glob(filepath.Join(topdir, "bin/targets/*/*/packages/gojail_*.ipk"))
	if err != nil || len(list) != 1 {
		t.Fatalf("the buildroot has made %v (%v)\n%s", list, err, out)
	}
	p := read(t, list[0])
	golden(t, "manifest", lines(p.data)+"\n"+lines(p.control))
	for _, field := range []string{"Package", "Conflicts", "Provides", "License", "Section"} {
		if want := all(t)[0].fields[field]; p.fields[field] != want {
			t.Errorf("%s is %q in the feed's package, %q in that of make package", field, p.fields[field], want)
		}
	}
}

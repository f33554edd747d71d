// SPDX-License-Identifier: LGPL-2.1-only

package packagetest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The package of the web interface holds its files, unchanged, for every architecture, and wants gojail; it has the version of it.
func TestLuciPackage(t *testing.T) {
	name := "luci-app-containers_" + variable(t, "PKG_VERSION") + "-r" + variable(t, "PKG_RELEASE") + "_all.ipk"
	p := read(t, filepath.Join(folder(t), name))
	golden(t, "manifest-luci", lines(p.data)+"\n"+lines(p.control))
	if p.fields["Architecture"] != "all" || p.fields["Depends"] != "libc, luci-base, gojail" || p.fields["Package"] != "luci-app-containers" {
		t.Error(p.fields)
	}
	for _, m := range p.data {
		if m.Typeflag != '0' {
			continue
		}
		source := strings.Replace(m.Name, "./www/", "../../luci/htdocs/", 1)
		source = strings.Replace(source, "./usr/", "../../luci/root/usr/", 1)
		want, err := os.ReadFile(source)
		if err != nil || !bytes.Equal(m.data, want) {
			t.Errorf("%s is not %s (%v)", m.Name, source, err)
		}
	}
	script := filepath.Join(t.TempDir(), "postinst")
	if err := os.WriteFile(script, find(t, p.control, "./postinst-pkg"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", script)
	cmd.Env = []string{"PATH=/nonexistent", "IPKG_INSTROOT=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	index, err := os.ReadFile(filepath.Join(folder(t), "Packages"))
	if err != nil || !strings.Contains(string(index), "Filename: "+name+"\n") {
		t.Errorf("the index lacks it (%v)", err)
	}
}

// The feed's package has the sources of this repository, by links, as luci.mk wants them beside its Makefile.
func TestLuciFeed(t *testing.T) {
	dir := "../../openwrt/luci-app-containers/"
	for _, name := range []string{"htdocs", "root", "po"} {
		if to, err := os.Readlink(dir + name); err != nil || to != "../../luci/"+name {
			t.Errorf("%s: %q, %v", name, to, err)
		}
		if i, err := os.Stat(dir + name); err != nil || !i.IsDir() {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile(dir + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PKG_VERSION:=" + variable(t, "PKG_VERSION") + "\n", "LUCI_PKGARCH:=all\n", "\n# call BuildPackage - OpenWrt buildroot signature\n", "/luci.mk\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the feed's Makefile lacks %q", want)
		}
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package packagetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A router is a root directory that opkg installs into, with packages of these tests in place of OpenWrt's.
type router struct {
	*testing.T
	root, opkg string
}

func newRouter(t *testing.T) *router {
	r := &router{t, t.TempDir(), os.Getenv("OPKG")}
	if r.opkg == "" {
		t.Skip("SKIPPED: OPKG does not say where OpenWrt's opkg-cl is")
	}
	for _, dir := range []string{"etc", "usr/lib/opkg", "tmp", "lib", "var/lock"} {
		if err := os.MkdirAll(filepath.Join(r.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.write("etc/opkg.conf", "dest root /\nlists_dir ext /tmp/lists\n")
	// what default_postinst and default_prerm would do is not what is tested here: they only tell that they were called
	r.write("lib/functions.sh", "default_postinst() { echo \"postinst ${PKG_UPGRADE-}\" >>${IPKG_INSTROOT}/tmp/calls; }\n"+
		"default_prerm() { echo \"prerm ${PKG_UPGRADE-}\" >>${IPKG_INSTROOT}/tmp/calls; }\n")
	return r
}

func (r *router) write(path, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.root, path), []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
}

func (r *router) read(path string) string {
	r.Helper()
	b, err := os.ReadFile(filepath.Join(r.root, path))
	if err != nil {
		r.Fatal(err)
	}
	return string(b)
}

func (r *router) run(args ...string) (string, error) {
	args = append([]string{"--offline-root", r.root, "--conf", filepath.Join(r.root, "etc/opkg.conf"), "--force-postinstall",
		"--add-arch", "all:100", "--add-arch", "x86_64:200", "--cache", filepath.Join(r.root, "tmp/cache")}, args...)
	cmd := exec.Command(r.opkg, args...)
	cmd.Env = append(os.Environ(), "IPKG_INSTROOT="+r.root) // as OpenWrt's buildroot calls it
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *router) must(args ...string) string {
	r.Helper()
	out, err := r.run(args...)
	if err != nil {
		r.Fatalf("opkg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// other makes a package of that name without a program in it.
func (r *router) other(name, version, fields string, files map[string]string) string {
	r.Helper()
	dir := r.TempDir()
	for _, part := range []string{"control", "data", "out"} {
		if err := os.Mkdir(filepath.Join(dir, part), 0o755); err != nil {
			r.Fatal(err)
		}
	}
	put := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			r.Fatal(err)
		}
	}
	put(filepath.Join(dir, "control/control"), fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\n%sDescription: of a test\n", name, version, fields))
	for path, text := range files {
		put(filepath.Join(dir, "data", path), text)
	}
	put(filepath.Join(dir, "out/debian-binary"), "2.0\n")
	path := filepath.Join(dir, name+".ipk")
	script := "tar -C control -czf out/control.tar.gz . && tar -C data -czf out/data.tar.gz . && tar -C out -czf " + path + " ."
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
	return path
}

// again makes the package anew with another version.
func (r *router) again(version string) string {
	r.Helper()
	tree, out := r.TempDir(), r.TempDir()
	for _, name := range []string{"files", "uci-defaults", "luci", "openwrt"} {
		if b, err := exec.Command("cp", "-a", "../../"+name, tree).CombinedOutput(); err != nil {
			r.Fatalf("%v\n%s", err, b)
		}
	}
	if err := os.MkdirAll(filepath.Join(tree, "tests/cross"), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "tests/cross/targets"), []byte("amd64 amd64 - - x86_64\n"), 0o644); err != nil {
		r.Fatal(err)
	}
	makefile := filepath.Join(tree, "openwrt/gojail/Makefile")
	b, err := os.ReadFile(makefile)
	if err != nil {
		r.Fatal(err)
	}
	b = bytes.Replace(b, []byte("PKG_VERSION:="+variable(r.T, "PKG_VERSION")), []byte("PKG_VERSION:="+version), 1)
	if err := os.WriteFile(makefile, b, 0o644); err != nil {
		r.Fatal(err)
	}
	pack := exec.Command(filepath.Join(tree, "openwrt/package.sh"), filepath.Join(folder(r), "../cross"), out)
	pack.Env = append(os.Environ(), "APK=", "SOURCE_DATE_EPOCH=1")
	if b, err := pack.CombinedOutput(); err != nil {
		r.Fatalf("%v\n%s", err, b)
	}
	return filepath.Join(out, "gojail_"+version+"-r"+variable(r.T, "PKG_RELEASE")+"_x86_64.ipk")
}

const seccomp = "etc/seccomp/container.json"

// Install in the place of procd-ujail, upgrade and downgrade with a conffile that somebody has edited, remove.
func TestOpkg(t *testing.T) {
	r := newRouter(t)
	r.must("install", r.other("libc", "1", "", nil), r.other("kmod-veth", "6", "", nil))
	r.must("install", r.other("procd-ujail", "2024", "", map[string]string{"sbin/ujail": "the C program\n"}))
	path := filepath.Join(folder(t), "gojail_"+variable(t, "PKG_VERSION")+"-r"+variable(t, "PKG_RELEASE")+"_x86_64.ipk")
	if out, err := r.run("install", path); err == nil {
		t.Fatalf("opkg installs it beside procd-ujail:\n%s", out)
	}
	r.must("--force-depends", "remove", "procd-ujail")
	r.must("install", path)
	if link, err := os.Readlink(filepath.Join(r.root, "sbin/ujail")); err != nil || link != "../usr/sbin/gojail" {
		t.Errorf("/sbin/ujail: %q, %v", link, err)
	}
	if out := r.must("list-installed"); !strings.Contains(out, "gojail - "+variable(t, "PKG_VERSION")) {
		t.Errorf("opkg lists\n%s", out)
	}
	// what depends on procd-ujail has what it wants
	r.must("install", r.other("service", "1", "Depends: procd-ujail\n", nil))
	r.must("remove", "service")

	shipped := r.read(seccomp)
	r.write(seccomp, "{}")
	r.must("install", r.again("99.0"))
	if out := r.must("list-installed"); !strings.Contains(out, "gojail - 99.0") {
		t.Errorf("after the upgrade opkg lists\n%s", out)
	}
	if r.read(seccomp) != "{}" || r.read(seccomp+"-opkg") != shipped {
		t.Error("an edited conffile is not kept, or the new one is not beside it")
	}
	r.must("--force-downgrade", "install", r.again("0.0.1"))
	if out := r.must("list-installed"); !strings.Contains(out, "gojail - 0.0.1") {
		t.Errorf("after the downgrade opkg lists\n%s", out)
	}
	if r.read(seccomp) != "{}" {
		t.Error("an edited conffile is not kept by a downgrade")
	}
	r.must("remove", "gojail")
	if calls, again := r.read("tmp/calls"), "prerm 1\npostinst 1\n"; calls != "postinst 0\n"+again+again+"prerm 0\n" {
		t.Errorf("the scripts were called so:\n%s", calls)
	}
	for _, name := range []string{"usr/sbin/gojail", "sbin/ujail"} {
		if _, err := os.Lstat(filepath.Join(r.root, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if r.read(seccomp) != "{}" {
		t.Error("what the user has edited went with the package")
	}
}

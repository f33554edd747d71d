// SPDX-License-Identifier: LGPL-2.1-only

package packagetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// apk changes procd-ujail for gojail by itself, since gojail provides it, and keeps an edited conffile when it upgrades.
func TestApk(t *testing.T) {
	apk := os.Getenv("APK")
	if apk == "" {
		t.Skip("SKIPPED: APK does not say where apk (of apk-tools 3) is")
	}
	root, made := t.TempDir(), t.TempDir()
	other := func(name, file string) string {
		t.Helper()
		files := t.TempDir()
		if file != "" {
			if err := os.MkdirAll(filepath.Join(files, filepath.Dir(file)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(files, file), []byte("the C program\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(made, name+"-2024.apk")
		out, err := exec.Command(apk, "mkpkg", "--info", "name:"+name, "--info", "version:2024", "--info", "arch:x86_64",
			"--info", "description:of a test", "--files", files, "--output", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return path
	}
	gojail := filepath.Join(folder(t), "gojail-"+variable(t, "PKG_VERSION")+"-r"+variable(t, "PKG_RELEASE")+".x86_64.apk")
	list := []string{other("libc", ""), other("kmod-veth", ""), other("procd-ujail", "sbin/ujail"), filepath.Join(made, strings.Replace(filepath.Base(gojail), ".x86_64", "", 1))}
	if err := os.Symlink(gojail, list[3]); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(made, "packages.adb")
	if out, err := exec.Command(apk, append([]string{"mkndx", "--allow-untrusted", "--output", index}, list...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root", root, "--arch", "x86_64", "--allow-untrusted",
			"--repositories-file", "/dev/null", "--repository", index}, args...)
		out, err := exec.Command(apk, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("apk %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("add", "--no-scripts", "--initdb", "libc", "kmod-veth", "procd-ujail")
	run("add", "--no-scripts", "gojail")
	if link, err := os.Readlink(filepath.Join(root, "sbin/ujail")); err != nil || link != "../usr/sbin/gojail" {
		t.Errorf("/sbin/ujail: %q, %v", link, err)
	}
	if out := run("list", "--installed"); !strings.Contains(out, "gojail-"+variable(t, "PKG_VERSION")) || strings.Contains(out, "procd-ujail-2024") {
		t.Errorf("apk lists\n%s", out)
	}
	run("del", "--no-scripts", "gojail")
	if _, err := os.Lstat(filepath.Join(root, "usr/sbin/gojail")); err == nil {
		t.Error("/usr/sbin/gojail is still there")
	}
	if b, err := os.ReadFile(filepath.Join(root, "sbin/ujail")); err != nil || string(b) != "the C program\n" {
		t.Errorf("procd-ujail is not back: %q, %v", b, err)
	}
}

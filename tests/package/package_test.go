// SPDX-License-Identifier: LGPL-2.1-only

// Package packagetest looks into the packages that `make package` has made, and has opkg install them where it is known.
package packagetest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (-update writes it anew). Now:\n%swas:\n%s", name, got, want)
	}
}

// variable is what the feed's Makefile says.
func variable(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../openwrt/gojail/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":="); ok {
			return value
		}
	}
	t.Fatalf("openwrt/gojail/Makefile does not say %s", name)
	return ""
}

// targets are the columns of tests/cross/targets by OpenWrt's name.
func targets(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../cross/targets")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 5 && f[0] != "#" {
			for name := range strings.SplitSeq(f[4], ",") {
				m[name] = f
			}
		}
	}
	return m
}

// Every package holds the same files, with the same modes and owners, and says the same of itself.
func TestManifest(t *testing.T) {
	known := targets(t)
	for _, p := range all(t) {
		arch := p.fields["Architecture"]
		if known[arch] == nil {
			t.Errorf("%s: no target is called %q", p.path, arch)
		}
		delete(known, arch)
		if want := "gojail_" + p.fields["Version"] + "_" + arch + ".ipk"; filepath.Base(p.path) != want {
			t.Errorf("%s: has to be called %s", p.path, want)
		}
		golden(t, "manifest", lines(p.data)+"\n"+lines(p.control))
		var b strings.Builder
		size := 0
		for _, m := range p.data {
			if m.Typeflag == '0' {
				size += len(m.data)
			}
		}
		if p.fields["Installed-Size"] != strconv.Itoa(size) {
			t.Errorf("%s: Installed-Size is %s, the files have %d bytes", p.path, p.fields["Installed-Size"], size)
		}
		for line := range strings.Lines(string(find(t, p.control, "./control"))) {
			if !strings.HasPrefix(line, "Architecture: ") && !strings.HasPrefix(line, "Installed-Size: ") &&
				!strings.HasPrefix(line, "SourceDateEpoch: ") && !strings.HasPrefix(line, "Version: ") {
				b.WriteString(line)
			}
		}
		golden(t, "control", b.String())
		if want := variable(t, "PKG_VERSION") + "-r" + variable(t, "PKG_RELEASE"); p.fields["Version"] != want {
			t.Errorf("%s: Version is %s, want %s", p.path, p.fields["Version"], want)
		}
	}
	for name := range known {
		t.Errorf("no package for %s", name)
	}
}

// The program in a package is one for that architecture.
func TestProgram(t *testing.T) {
	machines := map[string]struct {
		elf.Machine
		elf.Class
		elf.Data
	}{
		"386":     {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB},
		"amd64":   {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB},
		"arm":     {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB},
		"arm64":   {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB},
		"loong64": {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB},
		"mips":    {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2MSB},
		"mipsle":  {elf.EM_MIPS, elf.ELFCLASS32, elf.ELFDATA2LSB},
		"riscv64": {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB},
	}
	known, programs := targets(t), map[string][]byte{}
	for _, p := range all(t) {
		target := known[p.fields["Architecture"]]
		if target == nil {
			continue // TestManifest says so
		}
		program := p.program(t)
		f, err := elf.NewFile(bytes.NewReader(program))
		if err != nil {
			t.Errorf("%s: %v", p.path, err)
			continue
		}
		if want := machines[target[1]]; f.Machine != want.Machine || f.Class != want.Class || f.Data != want.Data {
			t.Errorf("%s: the program is for %v %v %v, want %v", p.path, f.Machine, f.Class, f.Data, want)
		}
		if other := programs[target[0]]; other != nil && !bytes.Equal(other, program) {
			t.Errorf("%s: another program than in the other packages of target %s", p.path, target[0])
		}
		programs[target[0]] = program
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{wd, runtime.GOROOT(), os.Getenv("HOME") + "/go"} {
			if len(word) > len("/root/go")-1 && bytes.Contains(program, []byte(word)) {
				t.Errorf("%s: the program holds a path of the machine that has built it, %s", p.path, word)
			}
		}
	}
	names := slices.Sorted(maps.Keys(programs))
	dir := t.TempDir()
	args := []string{"run", "./openwrt/checkelf"}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, programs[name], 0o755); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("checkelf: %v\n%s", err, out)
	}
	own := filepath.Join(dir, "gojail")
	if err := os.Rename(filepath.Join(dir, runtime.GOARCH), own); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(own, "--version").CombinedOutput()
	if want := "gojail " + variable(t, "PKG_VERSION") + "\n"; err != nil || string(out) != want {
		t.Errorf("gojail --version says %q (%v), want %q", out, err, want)
	}
}

// A program that lacks the supervisor's entry point, or is position independent, does not pass.
func TestCheckelf(t *testing.T) {
	for _, test := range []struct{ flags, want string }{
		{"-ldflags=-s -w", "is not jail_entry"},
		{"-ldflags=-w -E jail_entry", "not stripped"},
		{"-buildmode=pie", "not PIE"},
	} {
		path := filepath.Join(t.TempDir(), "gojail")
		build := exec.Command("go", "build", test.flags, "-o", path, "./src/cmd/gojail")
		build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		check := exec.Command("go", "run", "./openwrt/checkelf", path)
		check.Dir = "../.."
		if out, err := check.CombinedOutput(); err == nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: checkelf says %q (%v), want %q", test.flags, out, err, test.want)
		}
	}
}

// The index has what opkg needs to find and check each package.
func TestIndex(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(folder(t), "Packages"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.Open(filepath.Join(folder(t), "Packages.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil || !bytes.Equal(b.Bytes(), text) {
		t.Errorf("Packages.gz is not Packages (%v)", err)
	}
	for _, p := range all(t) {
		data, err := os.ReadFile(p.path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		want := fmt.Sprintf("Filename: %s\nSize: %d\nSHA256sum: %s\nDescription: ", filepath.Base(p.path), len(data),
			hex.EncodeToString(sum[:]))
		if !strings.Contains(string(text), want) {
			t.Errorf("Packages lacks\n%s", want)
		}
	}
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "sha256sums")
	check.Dir = folder(t)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sums: %v\n%s", err, out)
	}
}

// A conffile is there, and what a user edits is one.
func TestConffiles(t *testing.T) {
	p := all(t)[0]
	listed := map[string]bool{}
	for _, m := range p.control {
		if m.Name == "./conffiles" {
			for line := range strings.Lines(string(m.data)) {
				listed["."+strings.TrimSuffix(line, "\n")] = true
			}
		}
	}
	for _, m := range p.data {
		edited := strings.HasPrefix(m.Name, "./etc/config/") || strings.HasPrefix(m.Name, "./etc/seccomp/")
		if m.Typeflag == '0' && edited != listed[m.Name] {
			t.Errorf("%s: a conffile is %v, want %v", m.Name, listed[m.Name], edited)
		}
		delete(listed, m.Name)
	}
	delete(listed, "./etc/config/container") // the first boot makes it
	for name := range listed {
		t.Errorf("%s is a conffile and not in the package", name)
	}
}

// The scripts of a package are scripts, and in a root that is being put together they touch nothing of this machine.
func TestScripts(t *testing.T) {
	for _, m := range all(t)[0].control {
		if m.Mode&0o111 == 0 || m.Typeflag != '0' {
			continue
		}
		path := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(path, m.data, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m.Name, err, out)
		}
		root := t.TempDir()
		cmd := exec.Command("sh", path)
		cmd.Env = []string{"PATH=/nonexistent", "IPKG_INSTROOT=" + root}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s in a root: %v\n%s", m.Name, err, out)
		}
	}
}

// The same tree gives the same packages, wherever it lies.
func TestReproducible(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "src", "files", "uci-defaults", "luci", "openwrt"} {
		if b, err := exec.Command("cp", "-a", "../../"+name, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
	name := "gojail_" + variable(t, "PKG_VERSION") + "-r" + variable(t, "PKG_RELEASE") + "_mipsel_24kc.ipk"
	first := read(t, filepath.Join(folder(t), name))
	if err := os.MkdirAll(filepath.Join(dir, "tests/cross"), 0o755); err != nil {
		t.Fatal(err)
	}
	line := strings.Join(targets(t)["mipsel_24kc"], " ")
	if err := os.WriteFile(filepath.Join(dir, "tests/cross/targets"), []byte(line+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(filepath.Join(dir, "files"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chmod(path, 0o600) // as another umask has it
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", os.Getenv("LDFLAGS"), "-o", "gojail-mipsle", "./src/cmd/gojail")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=mipsle", "GOMIPS=softfloat", "GOCACHE="+t.TempDir(), "GOFLAGS="+os.Getenv("GCFLAGS"))
	if b, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	pack := exec.Command(filepath.Join(dir, "openwrt/package.sh"), dir, out)
	pack.Env = append(os.Environ(), "APK=", "SOURCE_DATE_EPOCH="+first.fields["SourceDateEpoch"])
	if b, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	second := read(t, filepath.Join(out, name))
	if !bytes.Equal(first.program(t), second.program(t)) {
		t.Error("two builds of the program differ")
	}
	a, err := os.ReadFile(first.path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(second.path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two packages of the same tree differ")
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

// Package floors checks what the sources may contain: which package imports which, and what every file has to have.
package floors

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "gojail/"

// floors has every package below src. A package imports from lower floors, and from those beside it on its own.
var floors = map[string]struct {
	floor  int
	beside []string
	why    string // of beside
}{
	"blob":          {floor: 0},
	"elfdep":        {floor: 0},
	"kernel":        {floor: 0},
	"logline":       {floor: 0},
	"passwd":        {floor: 0},
	"uci":           {floor: 0},
	"caps":          {floor: 1},
	"cgroup":        {floor: 1},
	"config":        {floor: 1, beside: []string{"caps"}, why: "it knows the names of capabilities"},
	"hostfs":        {floor: 1},
	"inject":        {floor: 1},
	"netbridge":     {floor: 1},
	"seccomp":       {floor: 1},
	"slim":          {floor: 1},
	"spec":          {floor: 1},
	"ubus":          {floor: 1},
	"bundle":        {floor: 2},
	"plan":          {floor: 2},
	"procd":         {floor: 2},
	"state":         {floor: 2},
	"trampoline":    {floor: 2},
	"ubus/ubustest": {floor: 2},
	"program":       {floor: 3},
	"resident":      {floor: 3, beside: []string{"program"}, why: "its child runs what program makes"},
	"spawn":         {floor: 3, beside: []string{"program"}, why: "it runs what program makes"},
	"console":       {floor: 3},
	"etcuxc":        {floor: 3},
	"host":          {floor: 3},
	"jailnet":       {floor: 3},
	"hooks":         {floor: 3, beside: []string{"program", "spawn"}, why: "a hook is a process that runs a program of its own"},
	"agent":         {floor: 4},
	"foreground":    {floor: 4},
	"rpcd":          {floor: 4},
	"supervise":     {floor: 5},
	"uxc":           {floor: 5, beside: []string{"supervise"}, why: "what runs in the foreground is supervised"},
	"cmd/gojail":    {floor: 6},
}

// pure packages decide and never act: they have no system calls.
var pure = []string{"blob", "bundle", "caps", "cgroup", "config", "elfdep", "logline", "netbridge", "passwd", "plan", "seccomp", "slim", "spec", "uci"}

// outside has the packages of other modules, and who may import them.
var outside = map[string][]string{
	"github.com/opencontainers/runtime-spec/specs-go": {"bundle", "caps", "cgroup", "plan", "seccomp", "slim", "spec", "supervise", "uxc", "cmd/gojail"},
	// kernel acts; the others only take numbers from it
	"golang.org/x/sys/unix": {"hooks", "inject", "kernel", "program", "resident", "spawn"},
}

// costly packages of the standard library, with what is used in their place. Size and start time are features.
var costly = []struct{ path, instead string }{
	{"bufio", "a buffer of a fixed size"},
	{"crypto", "nothing"},
	{"database", "nothing"},
	{"debug", "package elfdep"},
	{"embed", "a constant"},
	{"encoding/gob", "the project's own codecs"},
	{"encoding/json", "package spec, which needs no reflection"},
	{"encoding/xml", "the project's own codecs"},
	{"expvar", "nothing"},
	{"flag", "package slim"},
	{"fmt", "+ and strconv"},
	{"go", "nothing"},
	{"html", "nothing"},
	{"io/ioutil", "package kernel"},
	{"log", "a Logf that is passed in"},
	{"mime", "nothing"},
	{"net", "package kernel"},
	{"os", "packages kernel, spawn, passwd, and resident.Args"},
	{"plugin", "nothing"},
	{"reflect", "code that knows its types"},
	{"regexp", "package strings"},
	{"sort", "package slices"},
	{"testing", "files that end in _test.go"},
	{"text", "+ and strconv"},
}

// architectures stand for the ways files are chosen: word size, byte order, system call table.
var architectures = []string{"amd64", "386", "arm", "arm64", "mips", "mipsle", "riscv64", "loong64"}

// goPackage is what go list tells.
type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func list(t *testing.T, arch string, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Standard"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOARCH="+arch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// within says whether path is the package or one below it.
func within(path, pkg string) bool {
	return path == pkg || strings.HasPrefix(path, pkg+"/")
}

func TestImports(t *testing.T) {
	for _, arch := range architectures {
		t.Run(arch, func(t *testing.T) {
			found := 0
			for _, p := range list(t, arch, "./src/...") {
				name := strings.TrimPrefix(p.ImportPath, module+"src/")
				if _, ok := floors[name]; !ok {
					t.Errorf("%s has no floor: give it one in this test and in CONTRIBUTING.md", name)
					continue
				}
				found++
				for _, imported := range p.Imports {
					if why := refused(name, imported); why != "" {
						t.Errorf("%s imports %s: %s", name, imported, why)
					}
				}
			}
			if found != len(floors) {
				t.Errorf("%d packages found, %d have a floor: take those away that are no more", found, len(floors))
			}
		})
	}
}

// refused tells why the package may not import the path, or "".
func refused(name, path string) string {
	if other, ok := strings.CutPrefix(path, module); ok {
		own := floors[name]
		other, ok = strings.CutPrefix(other, "src/")
		target, known := floors[other]
		switch {
		case !ok || !known:
			return "it is not a package of src"
		case target.floor >= own.floor && !slices.Contains(own.beside, other):
			return "it is not on a lower floor"
		}
		return ""
	}
	if users, ok := outside[path]; ok {
		if !slices.Contains(users, name) {
			return "only " + strings.Join(users, ", ") + " may"
		}
		return ""
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return "it is from a module that the project does not use"
	}
	if slices.Contains(pure, name) && (path == "os" || path == "syscall" || path == "unsafe") {
		return "the package only decides: it has to be the same on every host"
	}
	for _, c := range costly {
		if within(path, c.path) {
			return "it is too big or slow; use " + c.instead
		}
	}
	return ""
}

// tolerated are costly packages that come with others, and how. The list is exact, so that one that is no more goes from it.
var tolerated = []string{
	"reflect", // encoding/binary, which x/sys and elfdep use: the linker leaves most of it out
	"sort",    // x/sys
}

// What the program drags in through others counts as well.
func TestProgramIsSmall(t *testing.T) {
	for _, arch := range architectures {
		var found []string
		for _, p := range list(t, arch, "-deps", "./src/cmd/gojail") {
			isCostly := func(c struct{ path, instead string }) bool { return within(p.ImportPath, c.path) }
			if p.Standard && slices.ContainsFunc(costly, isCostly) {
				found = append(found, p.ImportPath)
			}
		}
		slices.Sort(found)
		if !slices.Equal(found, tolerated) {
			t.Errorf("%s: the program contains %v, not just %v", arch, found, tolerated)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, path string
		ok         bool
	}{
		{"plan", "gojail/src/spec", true},
		{"plan", "gojail/src/trampoline", false},
		{"spec", "gojail/src/plan", false},
		{"spawn", "gojail/src/program", true},
		{"resident", "gojail/src/spawn", false},
		{"supervise", "gojail/src/plan", true},
		{"supervise", "gojail/tests/root", false},
		{"kernel", "golang.org/x/sys/unix", true},
		{"supervise", "golang.org/x/sys/unix", false},
		{"plan", "golang.org/x/sys/unix", false},
		{"plan", "github.com/vishvananda/netlink", false},
		{"plan", "os", false},
		{"cmd/gojail", "os", false},
		{"spec", "encoding/json", false},
		{"spec", "strings", true},
		{"kernel", "net/netip", false},
	} {
		if why := refused(c.name, c.path); (why == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.name, c.path, why)
		}
	}
}

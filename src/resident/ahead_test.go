// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// scanned is what a look at the text finds, in pieces of this size.
func scanned(text string, size int) (net, user bool) {
	var s scan
	for len(text) > 0 {
		piece := []byte(text[:min(size, len(text))])
		text = text[len(piece):]
		scanText(&s, unsafe.Pointer(&piece[0]), uintptr(len(piece)))
		runtime.KeepAlive(piece)
	}
	return s.wantsNet, s.wantsUser
}

func TestScan(t *testing.T) {
	for text, want := range map[string][2]bool{
		``:   {},
		`{}`: {},
		`{"linux":{"namespaces":[{"type":"network"}]}}`:                                                                  {true, false},
		`{"linux": {"namespaces": [ {"type": "pid"}, {"type" : "network" } , {"type":"mount"}]}}`:                        {true, false},
		`{"linux":{"namespaces":[{"type":"pid"}]}}`:                                                                      {},
		`{"linux":{"namespaces":[]}}`:                                                                                    {},
		`{"linux":{"namespaces":[{"type":"network"},{"type":"user"}]}}`:                                                  {true, true},
		`{"linux":{"namespaces":[{"type":"network","path":"/run/netns/a"}]}}`:                                            {},
		`{"linux":{"namespaces":[{"path":"/run/netns/a","type":"network"},{"type":"user"}]}}`:                            {false, true},
		`{"linux":{"namespaces":[{"type":"network","path":""}]}}`:                                                        {true, false},
		`{"process":{"user":{"uid":0}},"linux":{"resources":{"network":{"classID":1}},"namespaces":[{"type":"pid"}]}}`:   {},
		`{"annotations":{"type":"network","namespaces":"network"},"linux":{"namespaces":[{"type":"ipc"}]}}`:              {},
		`{"annotations":{"a":"\"namespaces\":[{\"type\":\"network\"}]"}}`:                                                {},
		`{"linux":{"namespaces":[{"type":"networks"},{"type":"net"},{"type":"\u006eetwork"}]},"x":[{"type":"network"}]}`: {},
		`{"linux":{"namespacesx":[{"type":"network"}],"namespaceX":[{"type":"network"}]}}`:                               {},
		`{"linux":{"namespaces":[{"type":"network"`:                                                                      {},
		`]}}"`: {},
	} {
		for _, size := range []int{1, 3, 1 << 20} {
			if net, user := scanned(text, size); net != want[0] || user != want[1] {
				t.Errorf("%s, %d bytes at a time: network %v, user %v; want %v", text, size, net, user, want)
			}
		}
	}
}

// The look finds in real bundles what is there.
func TestScanGolden(t *testing.T) {
	files, err := filepath.Glob("../plan/testdata/golden/*/config.json")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d bundles, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s specs.Spec
		if json.Unmarshal(b, &s) != nil || s.Linux == nil {
			continue
		}
		var wantNet, wantUser bool
		for _, n := range s.Linux.Namespaces {
			wantNet = wantNet || n.Type == specs.NetworkNamespace && n.Path == ""
			wantUser = wantUser || n.Type == specs.UserNamespace && n.Path == ""
		}
		if net, user := scanned(string(b), 4096); net != wantNet || user != wantUser {
			t.Errorf("%s: network %v, user %v; want %v, %v", file, net, user, wantNet, wantUser)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"linux":{"namespaces":[{"type":"network","path":"/a\"b"},{"type":"user"}]}}`), 7)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = max(size, 1)
		net, user := scanned(string(text), 1<<20)
		if n, u := scanned(string(text), size); n != net || u != user {
			t.Errorf("%v, %v in one piece, %v, %v in pieces of %d", net, user, n, u, size)
		}
		if (net || user) && !strings.Contains(string(text), `"namespaces"`) {
			t.Error("found without a list")
		}
	})
}

// config.json is opened as the worker opens it: what is none, or not there, holds nothing up.
func TestConfigWants(t *testing.T) {
	defer func(b uintptr) { r().bundle = b }(r().bundle)
	dir := t.TempDir()
	wants := func(bundle string) bool {
		path := append([]byte(bundle), 0)
		r().bundle = uintptr(unsafe.Pointer(&path[0]))
		look.scan = scan{}
		defer runtime.KeepAlive(path)
		return configWants()
	}
	if wants(dir) {
		t.Error("wanted where there is no config.json")
	}
	config := filepath.Join(dir, "config.json")
	text := strings.Repeat(" ", 5000) + `{"linux":{"namespaces":[{"type":"network"}]}}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if !wants(dir) || wants(dir+"/"+strings.Repeat("./", 600)) {
		t.Error("not wanted, or wanted in a directory with too long a name")
	}
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(config, 0o600); err != nil {
		t.Fatal(err)
	}
	if wants(dir) {
		t.Error("wanted by a pipe")
	}
}

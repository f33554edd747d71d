// SPDX-License-Identifier: LGPL-2.1-only

package state

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func full() *State {
	return &State{ID: "web.1_+-", Bundle: "/srv/\"ü\n", Rootfs: "/srv/web/rootfs", OCI: "1.0.2", Status: Created, Mode: Detached,
		Process: Process{12, 1<<64 - 1}, Owner: Process{1<<31 - 1, 3}, Created: 1700000000123456789, Cgroup: "/containers/web",
		Groups: []string{"/sys/fs/cgroup/containers", "/sys/fs/cgroup/containers/web"}, Mounts: []string{"/mnt/a"}, Dirs: []string{"/tmp/b"},
		Annotations: []Annotation{{"a", ""}, {"b", "x\\"}}, Ujail: true, Program: 300, Made: true}
}

func TestEncode(t *testing.T) {
	for _, s := range []*State{full(), {ID: "a"}} {
		got, err := Decode(s.Encode())
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: %+v, %v", s.Encode(), got, err)
		}
	}
	for _, v := range []reflect.Value{reflect.ValueOf(*full())} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s is not tested", v.Type().Field(i).Name)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for in, want := range map[string]string{
		``:                        "must be",
		`{}`:                      "version: is required",
		`{"version":2,"id":"a"}`:  "later version",
		`{"version":1}`:           "id: is no name",
		`{"version":1,"id":"./"}`: "id: is no name",
		`{"version":1,"id":"a","process":{"pid":-1}}`:                     "process.pid",
		`{"version":1,"id":"a","bundle":7}`:                               "bundle",
		`{"version":1,"id":"a"} x`:                                        "end of the text",
		`{"version":1,"id":"` + strings.Repeat("a", 256) + `"}`:           "id: is no name",
		`{"version":1,"id":"a","x":"` + strings.Repeat("a", 1<<20) + `"}`: "are accepted",
	} {
		if s, err := Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) && in != "" || s != nil {
			t.Errorf("%.80s: %v, %v; want %s", in, s, err, want)
		}
	}
	if _, err := Decode([]byte(`{"version":1,"id":"a","later":{"x":[1]}}`)); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(full().Encode())
	f.Add([]byte(`{"version":1,"id":"a"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(s.Encode())
		if err != nil || !bytes.Equal(again.Encode(), s.Encode()) {
			t.Fatalf("%s: %v", s.Encode(), err)
		}
	})
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{"": false, ".": false, "..": false, "a/b": false, "a b": false, "ü": false, "a\x00": false, "...": true, "-a": true,
		"A+_-.9": true, strings.Repeat("x", 255): true, strings.Repeat("x", 256): false} {
		if ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func TestEntry(t *testing.T) {
	root := t.TempDir() + "/a/b"
	if _, err := Open(root, "x"); !errors.Is(err, ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
		t.Fatal(err)
	}
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	for _, id := range []string{"x", "a"} {
		e, err := Create(root, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Load(); !errors.Is(err, ErrNotExist) {
			t.Fatal(err)
		}
		if err := e.SaveConfig([]byte("{ \"a\": 1 }\n")); err != nil {
			t.Fatal(err)
		}
		if err := e.Save(&State{ID: id, Mode: Detached}); err != nil {
			t.Fatal(err)
		}
		e.Close()
	}
	if b, err := Config(root, "x"); err != nil || string(b) != `{"a":1}` {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := Create(root, "x"); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	for _, f := range []func(string, string) (*Entry, error){Create, Open} {
		if _, err := f(root, "../x"); !errors.Is(err, ErrName) {
			t.Fatal(err)
		}
	}
	os.Mkdir(root+"/empty", 0o700)
	list, err := List(root)
	if err != nil || len(list) != 2 || list[0].ID != "a" || list[1].ID != "x" {
		t.Fatal(list, err)
	}
	e, err := Open(root, "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Remove(); err != nil {
		t.Fatal(err)
	}
	e.Close()
	if _, err := Load(root, "x"); !errors.Is(err, ErrNotExist) {
		t.Fatal(err)
	}
	// What a crash has left between two steps of making or removing one.
	if _, err := Open(root, "empty"); !errors.Is(err, ErrNotExist) {
		t.Fatal(err)
	}
	if _, err := os.Stat(root + "/empty"); err == nil {
		t.Error("an empty directory stays")
	}
	os.Mkdir(root+"/empty", 0o700)
	for range 2 { // the second time there is a lock, and nobody who has it
		if e, err = Create(root, "empty"); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(root, "empty"); !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
		e.Close()
	}
}

// Many make and remove a container of one ID: at any time one of them has it.
func TestEntryRace(t *testing.T) {
	root := t.TempDir()
	var owners, made atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				e, err := Create(root, "x")
				if err == nil {
					made.Add(1)
				} else if errors.Is(err, ErrExists) {
					e, err = Open(root, "x")
				}
				if err != nil {
					if !errors.Is(err, ErrNotExist) {
						t.Error(err)
					}
					continue
				}
				if owners.Add(1) != 1 {
					t.Error("two have it")
				}
				if _, err := e.Load(); err != nil {
					if err := e.Save(&State{ID: "x"}); err != nil {
						t.Error(err)
					}
				}
				owners.Add(-1)
				if err := e.Remove(); err != nil {
					t.Error(err)
				}
				e.Close()
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(root + "/x"); made.Load() == 0 || err == nil {
		t.Errorf("%d made, %v", made.Load(), err)
	}
}

func TestNow(t *testing.T) {
	root := t.TempDir()
	cmd := exec.Command("/bin/sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	alive := This(cmd.Process.Pid)
	another := Process{alive.PID, alive.Start + 1}
	os.MkdirAll(root+"/waits", 0o700)
	os.WriteFile(root+"/waits/start", nil, 0o600)
	check := func(want Status, s *State) {
		t.Helper()
		if got := s.Now(root); got != want {
			t.Errorf("%+v: %s, not %s", s, got, want)
		}
	}
	check(Creating, &State{ID: "x", Status: Creating, Owner: alive})
	check(Creating, &State{ID: "x", Status: Creating, Owner: alive, Process: alive})
	check(Stopped, &State{ID: "x", Status: Creating, Owner: another, Process: alive})
	check(Stopped, &State{ID: "x", Status: Creating})
	check(Created, &State{ID: "waits", Status: Created, Mode: Detached, Process: alive})
	check(Running, &State{ID: "x", Status: Created, Mode: Detached, Process: alive})
	check(Created, &State{ID: "x", Status: Created, Mode: Supervised, Process: alive})
	check(Running, &State{ID: "x", Status: Running, Process: alive})
	check(Stopped, &State{ID: "x", Status: Running, Process: another})
	check(Stopped, &State{ID: "x", Status: Stopped, Process: alive})
	cmd.Process.Kill()
	// A process that nobody has waited for is no container that runs.
	for alive.Alive() {
	}
	check(Stopped, &State{ID: "x", Status: Running, Process: alive})
	if This(cmd.Process.Pid) != alive {
		t.Error("the process is gone")
	}
	cmd.Wait()
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	states "gojail/src/state"
	"gojail/src/ubus"
	"gojail/tests/procd"
)

// What `gojail sync` makes of /etc/config/container with procd.

// A fleet is a configuration with several containers, and who has them.
type fleet struct {
	*testing.T
	dir    string // of UCI
	out    string // of bundles
	root   string
	prefix string            // of the names
	boxes  map[string]string // options
	names  []string
}

func newFleet(t *testing.T, names ...string) *fleet {
	t.Helper()
	b := newBundle(t)
	f := &fleet{T: t, dir: b.dir + "/uci", out: b.dir + "/out", root: b.root(), prefix: b.name, boxes: map[string]string{}}
	for _, name := range names {
		f.names = append(f.names, b.name+name)
		f.boxes[name] = ""
	}
	t.Cleanup(func() {
		f.sync("--stop")
		if list, err := filepath.Glob(states.Root + "/" + b.name + "*"); err != nil || len(list) > 0 {
			t.Errorf("left: %v (%v)", list, err)
		}
	})
	return f
}

func (f *fleet) name(short string) string { return f.prefix + short }

// write writes the configuration.
func (f *fleet) write() {
	f.Helper()
	text := ""
	for _, name := range f.names {
		for short, options := range f.boxes {
			if f.name(short) != name {
				continue
			}
			text += "config container " + name + "\n\toption rootfs '" + f.root + "'\n\toption seccomp unconfined\n\toption log 0\n\toption stop_timeout 3\n"
			if !strings.Contains(options, "command") {
				text += "\toption command 'sh -c \"trap \\\"exit 0\\\" TERM; while :; do sleep 0.02; done\"'\n"
			}
			text += options + "\n"
		}
	}
	writeFile(f, f.dir+"/container", text, 0o600)
}

// sync runs the verb; it prints without the common part of the names.
func (f *fleet) sync(args ...string) (out string, code int) {
	f.Helper()
	for i, a := range args {
		if _, ok := f.boxes[a]; ok {
			args[i] = f.name(a)
		}
	}
	r := run(f.T, command{args: append([]string{programDir + "/gojail", "sync", "-c", f.dir, "-o", f.out}, args...)})
	for line := range strings.Lines(r.stdout + r.stderr) {
		for _, name := range f.names {
			line = strings.ReplaceAll(line, name, f.short(name))
		}
		if !strings.Contains(line, "warning: ") { // what this machine's control groups cannot do
			out += line
		}
	}
	return out, r.code
}

func (f *fleet) short(name string) string { return strings.TrimPrefix(name, f.prefix) }

// does runs the verb and checks what it says it does.
func (f *fleet) does(want string, args ...string) {
	f.Helper()
	if out, code := f.sync(args...); out != want || code != 0 {
		f.Errorf("sync %v: status %d, it says\n%swant\n%s", args, code, out, want)
	}
}

// runs checks which containers run, by what is published of them.
func (f *fleet) runs(want ...string) {
	f.Helper()
	slices.Sort(want)
	var got []string
	ok := eventually(func() bool {
		got = nil
		for short := range f.boxes {
			if s, err := states.Load(states.Root, f.name(short)); err == nil && s.Now(states.Root) == states.Running {
				got = append(got, short)
			}
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
	if !ok {
		f.Errorf("there run %v, want %v", got, want)
	}
}

func fakeProcd(t *testing.T) *procd.Fake {
	newBus(t)
	return procd.StartFake(t, ubus.Path, ujailPath)
}

func TestSync(t *testing.T) { syncs(t, fakeProcd(t)) }

// TestProcdSync is the same with the real procd and ubusd.
func TestProcdSync(t *testing.T) {
	procds(t)
	syncs(t, nil)
}

// syncs goes through the life of a configuration. Without p it is the real procd that has the containers.
func syncs(t *testing.T, p *procd.Fake) {
	f := newFleet(t, "Db", "Web", "Off")
	started := func(want ...string) {
		t.Helper()
		if p == nil {
			return
		}
		var got []string
		eventually(func() bool { got = append(got, p.Forget()...); return len(got) >= len(want) })
		for i := range got {
			got[i] = f.short(got[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("started: %v, want %v", got, want)
		}
	}
	f.boxes["Web"] = "\tlist depends " + f.name("Db")
	f.boxes["Off"] = "\toption enabled 0"
	f.write()
	f.does("Db: started\nWeb: started\n", "--start")
	f.runs("Db", "Web")
	started("Db", "Web")
	f.does("")
	f.does("Off: started\n", "Off")
	f.runs("Db", "Web", "Off")
	started("Off")

	// only what has changed is started anew, also if it is not enabled
	f.boxes["Off"] += "\n\tlist env A=1"
	f.write()
	f.does("Off: changed\n")
	started("Off")
	f.runs("Db", "Web", "Off")
	// the bundle from before goes when nothing runs from it any more
	if !eventually(func() bool { f.sync(); return len(madeBundles(t, f.out)) == 3 }) {
		t.Errorf("bundles: %v", madeBundles(t, f.out))
	}

	// what was stopped by hand stays so, until somebody starts it, or everything
	f.does("Web: stopped\n", "--stop", "Web")
	f.runs("Db", "Off")
	f.does("Db: running\nWeb: stopped\nOff: running\n", "--status")
	if out, code := f.sync("--status", "Web"); out != "Web: stopped\n" || code != 3 {
		t.Errorf("status %d: %s", code, out)
	}
	f.does("")
	f.boxes["Web"] += "\n\tlist env A=1"
	f.write()
	f.does("")
	f.runs("Db", "Off")
	f.does("Web: started\n", "--start")
	f.runs("Db", "Web", "Off")

	// what is not in the configuration any more goes
	delete(f.boxes, "Off")
	f.write()
	f.does("Off: stopped: it is not in the configuration any more\n")
	f.runs("Db", "Web")
	// procd lists what it ends until that has ended
	if out, code := f.sync("--stop"); strings.TrimSuffix(out, "Off: stopped\n") != "Web: stopped\nDb: stopped\n" || code != 0 {
		t.Errorf("status %d: %s", code, out)
	}
	f.runs()
	if left := madeBundles(t, f.out); len(left) > 0 {
		t.Errorf("bundles: %v", left)
	}
}

func madeBundles(t *testing.T, dir string) (list []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".stopped" {
			list = append(list, e.Name())
		}
	}
	return list
}

// What has ended by itself stays as it is until its configuration changes or somebody starts it.
func TestSyncEnded(t *testing.T) {
	p := fakeProcd(t)
	f := newFleet(t, "Once", "Broken")
	f.boxes["Once"] = "\toption command true\n\toption restart never"
	f.boxes["Broken"] = "\toption command false\n\toption restart never"
	f.write()
	f.does("Once: started\nBroken: started\n", "--start")
	p.Rest()
	p.Forget()
	f.does("")
	if starts := p.Forget(); len(starts) > 0 {
		t.Errorf("started: %v", starts)
	}
	f.boxes["Broken"] = "\toption restart never"
	f.write()
	f.does("Broken: started\n")
	f.runs("Broken")
}

// With restart on-failure procd starts a container again that has failed, and leaves one that has ended well.
func TestSyncOnFailure(t *testing.T) { restarts(t, fakeProcd(t)) }

// TestProcdSyncOnFailure is the same with the real procd.
func TestProcdSyncOnFailure(t *testing.T) {
	procds(t)
	restarts(t, nil)
}

func restarts(t *testing.T, p *procd.Fake) {
	f := newFleet(t, "Well", "Badly", "Ever")
	count := filepath.Dir(f.dir) + "/count"
	for name, end := range map[string]string{"Well": "0", "Badly": "3", "Ever": "0"} {
		writeFile(t, count+"/"+name, "", 0o644)
		f.boxes[name] = "\toption command 'sh -c \"echo . >>/mnt/" + name + "; test $(grep -c . /mnt/" + name + ") -gt 2 && exec sleep 1000; exit " + end + "\"'\n" +
			"\toption restart_delay 0\n\toption restart on-failure\n\tlist mount " + count + ":/mnt"
	}
	f.boxes["Ever"] = strings.Replace(f.boxes["Ever"], "on-failure", "always", 1)
	f.write()
	f.does("Well: started\nBadly: started\nEver: started\n", "--start")
	starts := func(name string) int {
		b, err := os.ReadFile(count + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return len(b) / 2
	}
	if !eventually(func() bool { return starts("Badly") == 3 && starts("Ever") == 3 }) {
		t.Errorf("started %d and %d times, want 3", starts("Badly"), starts("Ever"))
	}
	f.runs("Badly", "Ever")
	if n := starts("Well"); n != 1 {
		t.Errorf("what has ended well was started %d times", n)
	}
}

// A container waits for its mount, and never starts on the bare directory.
func TestSyncRequireMount(t *testing.T) {
	p := fakeProcd(t)
	f := newFleet(t, "Box")
	storage := filepath.Dir(f.dir) + "/storage"
	if err := os.Mkdir(storage, 0o755); err != nil {
		t.Fatal(err)
	}
	f.boxes["Box"] = "\tlist require_mount " + storage + "\n\tlist mount " + storage + ":/mnt"
	f.write()
	f.does("Box: waiting: nothing is mounted on "+storage+"\n", "--start")
	f.does("Box: waiting: nothing is mounted on " + storage + "\n")
	if starts := p.Forget(); len(starts) > 0 {
		t.Errorf("started: %v", starts)
	}
	if err := unix.Mount("tmpfs", storage, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.sync("--stop")
		if err := unix.Unmount(storage, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	f.does("Box: started\n")
	f.runs("Box")
	f.does("Box: stopped\n", "--stop")
}

// An error in the configuration changes nothing, and does not keep anything from being stopped.
func TestSyncErrors(t *testing.T) {
	fakeProcd(t)
	f := newFleet(t, "Box", "Other")
	f.write()
	f.does("Box: started\nOther: started\n", "--start")
	f.boxes["Box"] = "\toption memory much"
	f.write()
	if out, code := f.sync(); code != 1 || !strings.Contains(out, "container:Box:memory: much: ") {
		t.Errorf("status %d: %s", code, out)
	}
	f.runs("Box", "Other")
	if out, code := f.sync("--start", "Nobody"); code != 1 || !strings.Contains(out, "container:Box:memory: much: ") {
		t.Errorf("status %d: %s", code, out)
	}
	f.boxes["Box"] = "\tlist mount /nowhere:/mnt\n\tlist env A=1"
	f.boxes["Other"] = "\tlist env A=1"
	f.write()
	out, code := f.sync()
	if code != 1 || !strings.Contains(out, "/nowhere") || !strings.Contains(out, "Other: changed\n") {
		t.Errorf("status %d: %s", code, out)
	}
	f.runs("Box", "Other")
	if out, code := f.sync("Nobody"); code != 1 || out != "gojail: Nobody: there is no such container\n" {
		t.Errorf("status %d: %s", code, out)
	}
}

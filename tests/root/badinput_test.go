// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// What is wrong before anything starts: one line that says what and where,
// status 1, and nothing left.

func TestBadBundle(t *testing.T) {
	run(t, command{args: []string{ujailPath, "-n", "x", "-i", "-J", "/no/bundle"}}).refused("/no/bundle")
	run(t, command{args: []string{ujailPath, "-n", "x", "-i", "-J", "/etc/passwd"}}).refused("/etc/passwd")
	run(t, command{args: []string{ujailPath, "-n", "x", "-i", "-J", "/tmp"}}).refused("/tmp/config.json")
	t.Run("config.json is a directory", func(t *testing.T) {
		b := newBundle(t)
		if err := os.Mkdir(b.dir+"/config.json", 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, command{args: []string{ujailPath, "-n", "x", "-i", "-J", b.dir}}).refused("config.json")
	})
	t.Run("config.json is a fifo", func(t *testing.T) {
		b := newBundle(t)
		if err := unix.Mkfifo(b.dir+"/config.json", 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, command{args: []string{ujailPath, "-n", "x", "-i", "-J", b.dir}}).refused("config.json")
	})
}

func TestBadJSON(t *testing.T) {
	good, err := json.Marshal(baseSpec())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty":            {},
		"blank":            []byte(" \n"),
		"truncated":        good[:len(good)/2],
		"last byte gone":   good[:len(good)-1],
		"trailing":         append(bytes.Clone(good), "{}"...),
		"brackets":         bytes.Repeat([]byte("["), 100<<20),
		"objects":          bytes.Repeat([]byte(`{"process":`), 1<<20),
		"array":            []byte("[]"),
		"null":             []byte("null"),
		"number":           []byte("1"),
		"binary":           {0, 1, 2, 3},
		"invalid UTF-8":    bytes.Replace(good, []byte("TERM=xterm"), []byte("TERM=\xff\xfe"), 1),
		"not JSON":         []byte("ociVersion: 1.0.0\n"),
		"a comma too many": bytes.Replace(good, []byte(`"sh"]`), []byte(`"sh",]`), 1),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.config = text
			if b.config == nil {
				b.config = []byte{}
			}
			b.run().refused("config.json")
		})
	}
}

// with replaces what is at the path of keys in the JSON text of a good config.
func with(t *testing.T, value any, path ...string) []byte {
	t.Helper()
	text, err := json.Marshal(baseSpec())
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	at := config
	for _, key := range path[:len(path)-1] {
		at = at[key].(map[string]any)
	}
	at[path[len(path)-1]] = value
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestBadValues(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		path  string
		value any
		word  string // beside the path; empty: the path is enough
	}{
		{"ociVersion", 1, ""}, {"ociVersion", nil, ""},
		{"process", []any{}, ""}, {"process", nil, ""}, {"process", "sh", ""},
		{"process.args", nil, ""}, {"process.args", []any{}, ""}, {"process.args", "sh", ""}, {"process.args", []any{1}, "[0]"},
		{"process.args", []any{""}, "[0]"}, {"process.args", []any{"sh", "a\x00b"}, "[1]"},
		{"process.env", []any{"A=1", 7}, "[1]"}, {"process.env", []any{"A=\x00"}, "[0]"}, {"process.env", map[string]any{}, ""},
		{"process.cwd", nil, ""}, {"process.cwd", "", ""}, {"process.cwd", 1, ""}, {"process.cwd", "/a\x00b", ""},
		{"process.user", 0, ""}, {"process.user.uid", -1, ""}, {"process.user.uid", "0", ""}, {"process.user.uid", uint32(4294967295), ""},
		{"process.user.uid", int64(4294967296), ""}, {"process.user.uid", 1.5, ""}, {"process.user.gid", -1, ""}, {"process.user.additionalGids", []any{-1}, "[0]"},
		{"process.noNewPrivileges", "yes", ""}, {"process.capabilities", []any{}, ""}, {"process.capabilities.bounding", []any{3}, ""},
		{"process.rlimits", []any{map[string]any{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}}, "[0]"},
		{"process.terminal", 1, ""}, {"process.oomScoreAdj", -1001, ""}, {"process.oomScoreAdj", "0", ""},
		{"root", nil, ""}, {"root", "rootfs", ""}, {"root.path", nil, ""}, {"root.path", "", ""}, {"root.path", 3, ""}, {"root.readonly", 1, ""},
		{"root.path", "root\x00fs", ""}, {"hostname", 5, ""}, {"hostname", "a\x00b", ""}, {"hostname", long, ""},
		{"mounts", map[string]any{}, ""}, {"mounts", []any{1}, "[0]"}, {"mounts", []any{map[string]any{"source": "x"}}, "[0].destination"},
		{"mounts", []any{map[string]any{"destination": "/x", "options": "ro"}}, "[0].options"},
		{"mounts", []any{map[string]any{"destination": "/a\x00b", "type": "tmpfs"}}, "[0].destination"},
		{"linux", []any{}, ""}, {"linux", nil, ""}, {"linux.namespaces", nil, "mount"}, {"linux.namespaces", []any{}, "mount"}, {"linux.namespaces", []any{"pid"}, "[0]"},
		{"linux.maskedPaths", "x", ""}, {"linux.maskedPaths", []any{1}, "[0]"}, {"linux.sysctl", []any{}, ""}, {"linux.sysctl", map[string]any{"a": 1}, ""},
		{"linux.devices", []any{map[string]any{"type": "c"}}, "[0]"}, {"linux.devices", []any{map[string]any{"type": "c", "path": "dev/x"}}, "[0]"},
		{"annotations", []any{}, ""}, {"annotations", map[string]any{"a": 1}, ""}, {"annotations", map[string]any{"": "a"}, ""},
	} {
		text, _ := json.Marshal(c.value)
		name := c.path + "=" + string(text[:min(len(text), 60)])
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			b.config = with(t, c.value, strings.Split(c.path, ".")...)
			b.run().refused(c.path, c.word)
		})
	}
}

// The specification has runtimes ignore properties they do not know.
func TestUnknownProperties(t *testing.T) {
	for _, path := range []string{"x", "process.x", "root.x", "linux.x", "process.user.x"} {
		b := newBundle(t)
		b.config = bytes.Replace(with(t, map[string]any{"deep": []any{1, "2", nil, true, -1.5e300}}, strings.Split(path, ".")...),
			[]byte(`["sh"]`), []byte(`["echo","ran"]`), 1)
		b.run().prints("ran\n")
	}
}

func TestBadRoot(t *testing.T) {
	for path, word := range map[string]string{"nowhere": "nowhere", "/no/where": "/no/where", "config.json": "config.json", "rootfs/bin/busybox": "busybox", "loop": "loop"} {
		t.Run(path, func(t *testing.T) {
			b := newBundle(t)
			if err := os.Symlink("loop", b.dir+"/loop"); err != nil {
				t.Fatal(err)
			}
			b.spec.Root.Path = path
			b.run().refused("root", word)
		})
	}
}

func TestBadMounts(t *testing.T) {
	for _, c := range []struct {
		name string
		edit edit
		word string
	}{
		{"missing source", bind("/no/source", "/mnt"), "/no/source"},
		{"missing relative source", bind("source", "/mnt"), "source"},
		{"file on a directory", bind("/etc/passwd", "/mnt"), "/mnt"},
		{"directory on a file", bind("/etc", "/etc/passwd"), "/etc/passwd"},
		{"unknown file system", mount("/mnt", "nosuchfs", "x"), "nosuchfs"},
		{"no type", mount("/mnt", "", "x"), "/mnt"},
		{"cyclic links", mount("/loop/x", "tmpfs", "tmpfs"), "/loop"},
		{"link to itself", mount("/self", "tmpfs", "tmpfs"), "/self"},
		{"below a file", mount("/etc/passwd/x", "tmpfs", "tmpfs"), "/etc/passwd"},
		{"root", mount("/", "tmpfs", "tmpfs"), "mounts[6]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBundle(t, args("/bin/echo", "ran"), c.edit)
			b.link("loop", "pool").link("pool", "loop").link("self", "self")
			b.run().refused(c.word)
		})
	}
	t.Run("relative source", func(t *testing.T) {
		b := newBundle(t, args("/bin/cat", "/mnt/file"), bind("data", "/mnt"))
		writeFile(t, b.dir+"/data/file", "of the bundle\n", 0o644)
		b.run().prints("of the bundle\n")
	})
}

// A rootfs on a read-only file system: all is well as long as nothing is to be made.
func TestReadOnlyFileSystem(t *testing.T) {
	b := newBundle(t, args("/bin/echo", "ran"))
	for _, flags := range []uintptr{unix.MS_BIND, unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY} {
		if err := unix.Mount(b.root(), b.root(), "", flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { unix.Unmount(b.root(), unix.MNT_DETACH) })
	b.run().prints("ran\n")
	writable(b.spec)
	b.run().prints("ran\n")
	slimRun(t, "-p -R "+b.root(), "/bin/echo", "ran").prints("ran\n")
	mount("/no/target", "tmpfs", "tmpfs")(b.spec)
	b.run().refused("/no/target")
}

// Neither kind of jail depends on room in /tmp.
func TestFullTmp(t *testing.T) {
	b := newBundle(t, args("/bin/echo", "ran"))
	c := slim("-p", busybox, "echo", "ran")
	if err := unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "size=4k,nr_inodes=1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount("/tmp", unix.MNT_DETACH) })
	b.run().prints("ran\n")
	run(t, c).prints("ran\n")
	slimRun(t, "-p -N", busybox, "echo", "ran").refused("/tmp/resolv.conf-")
}

// The mounts of a jail stay in it even where the host's / is shared, as
// systemd makes it.
func TestD30SharedHost(t *testing.T) {
	b := newBundle(t, script(untilTerm), mount("/mnt", "tmpfs", "tmpfs"))
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") })
	mounts := func() string {
		text, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := mounts()
	for _, c := range []command{b.command(), newBundle(t, script(untilTerm), shifted).command(), slim("-p -N", sh(untilTerm)...), slim("-p -f", sh(untilTerm)...),
		slim("-p -T 1M -R "+b.root(), "/bin/sh", "-c", untilTerm)} {
		p := start(t, c).until("ready")
		if after := mounts(); after != before {
			t.Errorf("%v: the host's mounts are now\n%s\nwere\n%s", c.args, after, before)
		}
		p.signal(unix.SIGTERM).wait().ends(0)
	}
}

// A config that a test changes after it was refused is a good one again.
func TestRefusedAndThenRun(t *testing.T) {
	b := newBundle(t, args("/bin/echo", "ran"), bind("/no/source", "/mnt"))
	b.run().refused("/no/source")
	withoutMount("/mnt")(b.spec)
	b.run().prints("ran\n")
	b.spec.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.MountNamespace}}
	b.spec.Hostname = ""
	b.run().prints("ran\n")
}

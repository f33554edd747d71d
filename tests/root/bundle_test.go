// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// bundle is an OCI bundle of one test, with a rootfs of its own.
type bundle struct {
	t    testing.TB
	dir  string
	name string // of the jail
	spec *specs.Spec
	// config, if set, is written instead of spec.
	config []byte
}

// edit is a change to the configuration that every bundle starts from.
type edit func(*specs.Spec)

var serial atomic.Int64

// newName is a jail's name that no other test has.
func newName() string { return "j" + strconv.FormatInt(serial.Add(1), 10) }

// newBundle makes a bundle from what `runc spec` writes, changed by edits.
func newBundle(t testing.TB, edits ...edit) *bundle {
	t.Helper()
	watch(t)
	b := &bundle{t: t, name: newName(), spec: baseSpec()}
	b.dir = filepath.Join(bundles, b.name)
	t.Cleanup(func() { os.RemoveAll(b.dir) })
	copyTree(t, rootfsSource, b.root())
	for _, e := range edits {
		e(b.spec)
	}
	return b
}

// root is the path of the rootfs, or of name in it.
func (b *bundle) root(name ...string) string {
	return filepath.Join(append([]string{b.dir, "rootfs"}, name...)...)
}

// write makes a file in the rootfs, with the directories above it.
func (b *bundle) write(name, text string, mode fs.FileMode) *bundle {
	b.t.Helper()
	writeFile(b.t, b.root(name), text, mode)
	return b
}

// link makes a symbolic link in the rootfs, in the place of what is there.
func (b *bundle) link(name, target string) *bundle {
	b.t.Helper()
	os.RemoveAll(b.root(name))
	if err := os.Symlink(target, b.root(name)); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// command is the one that runs the bundle, with options before -i -J.
func (b *bundle) command(options ...string) command {
	b.t.Helper()
	config := b.config
	if config == nil {
		var err error
		if config, err = json.Marshal(b.spec); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.WriteFile(b.dir+"/config.json", config, 0o644); err != nil {
		b.t.Fatal(err)
	}
	args := append([]string{ujailPath, "-n", b.name}, options...)
	return command{args: append(args, "-i", "-J", b.dir)}
}

func (b *bundle) run(options ...string) result {
	b.t.Helper()
	return run(b.t, b.command(options...))
}

func (b *bundle) start(options ...string) *process {
	b.t.Helper()
	return start(b.t, b.command(options...))
}

// tree lists the rootfs: nothing may be written into it that was not asked for (D9).
func (b *bundle) tree() string {
	var list strings.Builder
	filepath.WalkDir(b.root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			b.t.Fatal(err)
		}
		if info, err := d.Info(); err == nil {
			list.WriteString(info.Mode().String() + " " + path + " " + strconv.FormatInt(info.Size(), 10) + "\n")
		}
		return nil
	})
	return list.String()
}

// copyTree copies directories and links, and shares the files.
func copyTree(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		return os.Link(path, target)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// writeFile makes a file, with the directories above it and the mode asked for.
func writeFile(t testing.TB, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(path) // it may share its bytes with the source of all rootfs
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// baseSpec is what `runc spec` writes, without a terminal, without resources
// and the mount of their cgroup (tests/vm has those).
func baseSpec() *specs.Spec {
	caps := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	safe := func(more ...string) []string { return append([]string{"nosuid", "noexec", "nodev"}, more...) }
	return &specs.Spec{
		Version: "1.0.2-dev",
		Process: &specs.Process{
			Args: []string{"sh"},
			Env:  []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"},
			Cwd:  "/",
			Capabilities: &specs.LinuxCapabilities{
				Bounding: caps, Effective: caps, Permitted: caps, Ambient: caps,
			},
			Rlimits:         []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024}},
			NoNewPrivileges: true,
		},
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Hostname: "runc",
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
				Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: safe("mode=1777", "size=65536k")},
			{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: safe()},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: safe("ro")},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
			},
			MaskedPaths: []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
				"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Escapes that are races: somebody exchanges a path for another one, all the time, while the container starts.

// swapped exchanges two paths until the test is over.
func swapped(t *testing.T, a, b string) {
	t.Helper()
	stop, done := make(chan bool), sync.WaitGroup{}
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
					t.Errorf("exchange %s: %v", a, err)
					return
				}
			}
		}
	})
	t.Cleanup(func() { close(stop); done.Wait() })
}

// onlyHost checks that a directory of the host has what it had: one file.
func onlyHost(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Fatalf("made on the host: %v, %v", entries, err)
	}
}

// The directory above the targets of mounts is swapped for a link to a host directory. Also 2024-45310. Each start resolves it for each of the
// mounts, which are the rounds. Fails without RESOLVE_IN_ROOT.
func TestEscape2021_30465(t *testing.T) {
	const mounts = 50
	host := hostFiles(t, map[string]string{"host": ""})
	tree := hostTree(t, opened)
	b := newBundle(t, args("/bin/ls", "/vol/x"), writable)
	for i := range mounts / 2 {
		bind(tree, "/vol/x/deep"+strconv.Itoa(i))(b.spec)
		mount("/vol/x/tmp"+strconv.Itoa(i), "tmpfs", "tmpfs")(b.spec)
	}
	b.write("vol/x/real", "", 0o644).link("vol/y", host)
	swapped(t, b.root("vol/x"), b.root("vol/y"))
	for i := 0; i < rounds(t, 2000); i += mounts {
		if r := b.run(); strings.Contains(r.stdout, "host") {
			t.Errorf("round %d: the host's directory shows inside: %q", i, r.stdout)
		}
		onlyHost(t, host)
	}
}

// A race of a start: what is swapped.
type race struct {
	edits []edit
	swap  func(b *bundle, host string) (x, y string) // made by it
}

// Links come and go where the runtime mounts, masks, makes devices and a terminal. What comes of a start may be a refusal. Fails when links are
// followed there: see the tests of these without a race.
func TestEscapeRaces(t *testing.T) {
	linked := func(b *bundle, x, to string) (string, string) {
		b.t.Helper()
		y := x + ".link"
		if err := os.Symlink(to, y); err != nil {
			b.t.Fatal(err)
		}
		return x, y
	}
	// It looks by names that are exchanged as well.
	all := []edit{writable, script("until cat /proc/self/mountinfo 2>&-; do :; done; cat /etc/secret; (echo written >/etc/secret) 2>&-; (echo written >/dev/console) 2>&-; :")}
	races := map[string]race{
		"2019-19921 proc": {all, func(b *bundle, host string) (string, string) { return linked(b, b.root("proc"), host) }},
		"2019-19921 sys":  {all, func(b *bundle, host string) (string, string) { return linked(b, b.root("sys"), host) }},
		"2025-31133": {all, func(b *bundle, host string) (string, string) {
			dev := ownDev(b)
			if err := unix.Mknod(dev+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); err != nil {
				b.t.Fatal(err)
			}
			return linked(b, dev+"/null", host+"/host")
		}},
		"2025-52565": {append([]edit{terminal}, all...), func(b *bundle, host string) (string, string) {
			dev := ownDev(b)
			if err := os.WriteFile(dev+"/console", nil, 0o666); err != nil {
				b.t.Fatal(err)
			}
			return linked(b, dev+"/console", host+"/host")
		}},
		"2026-41579": {all, func(b *bundle, host string) (string, string) { return linked(b, b.root("dev"), host) }},
	}
	for name, c := range races {
		t.Run(name, func(t *testing.T) {
			host := hostFiles(t, map[string]string{"host": "untouched\n"})
			b := newBundle(t, c.edits...)
			b.write("etc/secret", "secret\n", 0o666)
			b.spec.Linux.MaskedPaths = []string{"/etc/secret"}
			x, y := c.swap(b, host)
			swapped(t, x, y)
			ran := 0
			for i := range rounds(t, 10) {
				r := b.run()
				if r.code == 0 {
					ran++
					for fstype, target := range map[string]string{"proc": "/proc", "sysfs": "/sys", "devpts": "/"} {
						if !slices.ContainsFunc(parseMounts(r.stdout), func(m mountEntry) bool { return m.fstype == fstype && strings.HasPrefix(m.target, target) }) {
							t.Errorf("round %d: no %s on %s: %s", i, fstype, target, r.stdout)
						}
					}
					if strings.Contains(r.stdout, "secret\n") {
						t.Errorf("round %d: it is not masked: %s", i, r.stdout)
					}
				}
				onlyHost(t, host)
				if text, err := os.ReadFile(host + "/host"); string(text) != "untouched\n" {
					t.Fatalf("round %d: the host's file: %q, %v", i, text, err)
				}
			}
			t.Logf("%d of %d ran", ran, rounds(t, 10))
		})
	}
}

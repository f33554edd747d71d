// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"slices"
	"strings"
	"testing"
)

// mountEntry is a line of /proc/PID/mountinfo (proc(5)).
type mountEntry struct {
	root, target   string
	options        []string // of the mount
	propagation    []string // shared:N, master:N, unbindable; empty: private
	fstype, source string
	super          []string // options of the file system
}

func parseMounts(text string) []mountEntry {
	var list []mountEntry
	for line := range strings.Lines(text) {
		left, right, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 6 || len(r) < 3 {
			continue
		}
		list = append(list, mountEntry{
			root: unescape(l[3]), target: unescape(l[4]), options: strings.Split(l[5], ","), propagation: l[6:],
			fstype: r[0], source: r[1], super: strings.Split(r[2], ","),
		})
	}
	return list
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// mountAt is the topmost mount at target in the mountinfo text.
func mountAt(t testing.TB, text, target string) mountEntry {
	t.Helper()
	list := parseMounts(text)
	for _, m := range slices.Backward(list) {
		if m.target == target {
			return m
		}
	}
	t.Fatalf("nothing is mounted on %s:\n%s", target, text)
	return mountEntry{}
}

// want checks the options of a mount: "x" must be there, "!x" must not,
// "fs:x" is an option of the file system and not of the mount.
func (m mountEntry) want(t testing.TB, wants ...string) {
	t.Helper()
	for _, w := range wants {
		name, no := strings.CutPrefix(w, "!")
		list := m.options
		if rest, ok := strings.CutPrefix(name, "fs:"); ok {
			name, list = rest, m.super
		}
		if slices.Contains(list, name) == no {
			t.Errorf("%s has %v and fs %v, want %s", m.target, m.options, m.super, w)
		}
	}
}

// propagates checks the propagation of a mount: private, shared, slave or unbindable.
func (m mountEntry) propagates(t testing.TB, want string) {
	t.Helper()
	got := "private"
	for _, p := range m.propagation {
		switch {
		case strings.HasPrefix(p, "shared:"):
			got = "shared"
		case strings.HasPrefix(p, "master:") && got != "shared":
			got = "slave"
		case p == "unbindable":
			got = p
		}
	}
	if got != want {
		t.Errorf("%s is %s (%v), want %s", m.target, got, m.propagation, want)
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"slices"
	"testing"
)

// Two hostile files: the one asked about and a library or script it may find,
// among good ones. Whatever they hold, the answer is bounded and each path in
// it is a file to be found.
func FuzzDeps(f *testing.F) {
	for _, m := range []image{
		prog("libubox.so.2025", "lib.so"),
		{interp: glibcLoader, needed: []string{"lib.so", "$ORIGIN/lib.so"}, rpath: "$ORIGIN/..:/lib"},
		{class: class32, machine: em386, interp: "/lib/ld.so", needed: []string{"lib.so"}},
		{class: class32, order: big, machine: emMips, needed: []string{"lib.so"}, runpath: "/lib"},
		{class: class64, order: big, machine: emPpc64, needed: []string{"lib.so"}},
	} {
		f.Add(m.build(), image{class: m.class, order: m.order, machine: m.machine, needed: []string{"x", "libc.so.6"}}.build())
	}
	f.Add([]byte("#!/usr/bin/env -S A=b lib.so\n"), []byte("#!/lib/lib.so x"))
	f.Add([]byte("#! /x"), []byte("include *\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		root := openwrt.with(debian).with(tree{"/x": a, "/lib/lib.so": b, "/etc/ld.so.conf.d/x.conf": b, "/etc/ld-musl-x86_64.path": b}).fs()
		r := New(root, Search{Path: "/bin:/lib", LibraryPath: "/lib"})
		for _, name := range []string{"/x", "/lib/lib.so", "/x"} {
			got, err := r.Deps(name)
			if err != nil && (got != nil || err.Error() == "" || len(err.Error()) > 8192) {
				t.Fatalf("%s: %v, %v", name, got, err)
			}
			for i, p := range got {
				file, info, err := root.Open(p)
				if err != nil || !info.Regular {
					t.Fatalf("%s: %q: %v, regular %v", name, p, err, info.Regular)
				}
				file.Close()
				if p == name || p[0] != '/' || slices.Contains(got[:i], p) {
					t.Fatalf("%s: %q", name, got)
				}
			}
		}
	})
}

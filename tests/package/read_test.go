// SPDX-License-Identifier: LGPL-2.1-only

package packagetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A member is a file of an archive.
type member struct {
	tar.Header
	data []byte
}

// unpack reads a gzip'd tar archive.
func unpack(t *testing.T, data []byte) []member {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var list []member
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, member{*h, b})
	}
}

// find is the contents of the member of that name.
func find(t *testing.T, list []member, name string) []byte {
	t.Helper()
	for _, m := range list {
		if m.Name == name {
			return m.data
		}
	}
	t.Fatalf("no %s in the archive", name)
	return nil
}

// An ipk is an .ipk file taken apart.
type ipk struct {
	path          string
	control, data []member
	fields        map[string]string
}

func (p *ipk) program(t *testing.T) []byte { return find(t, p.data, "./usr/sbin/gojail") }

// lines lists members as a manifest does: type and mode, owner, path, and where a link leads.
func lines(list []member) string {
	var b strings.Builder
	for _, m := range list {
		link := ""
		if m.Linkname != "" {
			link = " -> " + m.Linkname
		}
		fmt.Fprintf(&b, "%c%04o %d:%d %s%s\n", m.Typeflag, m.Mode, m.Uid, m.Gid, m.Name, link)
	}
	return b.String()
}

func read(t *testing.T, path string) *ipk {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	outer := unpack(t, b)
	if v := string(find(t, outer, "./debian-binary")); v != "2.0\n" {
		t.Errorf("debian-binary is %q", v)
	}
	p := &ipk{
		path:    path,
		control: unpack(t, find(t, outer, "./control.tar.gz")),
		data:    unpack(t, find(t, outer, "./data.tar.gz")),
		fields:  map[string]string{},
	}
	key := ""
	for line := range strings.Lines(string(find(t, p.control, "./control"))) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, " ") && key != "" {
			p.fields[key] += "\n" + line
			continue
		}
		var ok bool
		var value string
		if key, value, ok = strings.Cut(line, ": "); !ok {
			t.Fatalf("%s: control: %q is no field", path, line)
		}
		p.fields[key] = value
	}
	return p
}

// folder is where the packages are: what `make package` has made.
func folder(t testing.TB) string {
	dir := os.Getenv("GOJAIL_PACKAGES")
	if dir == "" {
		t.Fatal("GOJAIL_PACKAGES does not say where the packages are: run make package")
	}
	return dir
}

// all reads every .ipk of gojail.
func all(t *testing.T) []*ipk {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder(t), "gojail_*.ipk"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no packages in %s (%v)", folder(t), err)
	}
	var list []*ipk
	for _, path := range paths {
		list = append(list, read(t, path))
	}
	return list
}

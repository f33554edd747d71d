// SPDX-License-Identifier: LGPL-2.1-only

package golden

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"gojail/src/elfdep"
)

// A Host is the files of a listing: an elfdep.FS that remembers what was asked of it. It looks paths up as
// they are, so that what asks for one that is not clean fails.
//
// A listing has a line for each file, its path and what it is:
//
//	/path program NEEDED...   an ELF program with the interpreter of musl on big-endian MIPS
//	/path library NEEDED...   an ELF library
//	/path static              an ELF program without interpreter
//	/path script WORD...      a file that starts with #! and the words
//	/path text                what the following lines hold after their tab
//	/path file                a regular file that is none of these
//	/path directory           or anything else that is no regular file
//
// and # before remarks. All but text and file are executable.
type Host struct {
	Asked  []string // the paths that were asked for, in order
	Opened int      // files that are open

	files map[string]entry
	below string // only files in this directory are there, and stand at /
	of    *Host  // that this is a part of
}

type entry struct {
	content          []byte
	regular, execute bool
}

// MuslLoader is the interpreter of the programs of a listing.
const MuslLoader = "/lib/ld-musl-mips-sf.so.1"

// LoadHost reads a listing.
func LoadHost(t testing.TB, listing string) *Host {
	t.Helper()
	b, err := os.ReadFile(listing)
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{files: map[string]entry{}}
	last := ""
	for i, line := range strings.Split(string(b), "\n") {
		if text, ok := strings.CutPrefix(line, "\t"); ok {
			e := h.files[last]
			e.content = append(append(e.content, text...), '\n')
			h.files[last] = e
			continue
		}
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) < 2 || words[0] != path.Clean(words[0]) || words[0][0] != '/' {
			t.Fatalf("%s:%d: not a path and what it is", listing, i+1)
		}
		last = words[0]
		if _, twice := h.files[last]; twice {
			t.Fatalf("%s:%d: %s is there already", listing, i+1, last)
		}
		e := entry{regular: true, execute: true}
		switch kind, rest := words[1], words[2:]; kind {
		case "program":
			e.content = elfImage(MuslLoader, rest)
		case "library":
			e.content = elfImage("", rest)
		case "static":
			e.content = elfImage("", nil)
		case "script":
			e.content = []byte("#!" + strings.Join(rest, " ") + "\n")
		case "text", "file":
			e.execute = false
		case "directory", "socket":
			e.regular = false
		default:
			t.Fatalf("%s:%d: unknown kind %s", listing, i+1, kind)
		}
		h.files[last] = e
	}
	return h
}

// Rootfs is the part of the host below dir, as the root of a file system of its own.
func (h *Host) Rootfs(dir string) *Host { return &Host{files: h.files, below: dir, of: h} }

// whole is where what is asked is written down.
func (h *Host) whole() *Host {
	if h.of != nil {
		return h.of
	}
	return h
}

// Open is elfdep.FS's.
func (h *Host) Open(name string) (elfdep.File, elfdep.Info, error) {
	h.whole().Asked = append(h.whole().Asked, h.below+name)
	e, ok := h.files[h.below+name]
	if !ok {
		return nil, elfdep.Info{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	info := elfdep.Info{Regular: e.regular, Executable: e.execute}
	if !e.regular {
		return nil, info, nil
	}
	h.whole().Opened++
	return &openFile{bytes.NewReader(e.content), h.whole()}, info, nil
}

// ReadDir is elfdep.FS's.
func (h *Host) ReadDir(name string) ([]string, error) {
	h.whole().Asked = append(h.whole().Asked, h.below+name)
	var list []string
	for f := range h.files {
		if path.Dir(f) == h.below+name {
			list = append(list, path.Base(f))
		}
	}
	slices.Sort(list)
	return list, nil
}

type openFile struct {
	*bytes.Reader
	of *Host
}

// Close is elfdep.File's.
func (f *openFile) Close() error {
	f.of.Opened--
	return nil
}

// elfImage is the least that the dynamic loaders of musl would take for a program or library: one segment that holds the whole file,
// the name of the interpreter, the dynamic segment and its strings.
func elfImage(interp string, needed []string) []byte {
	const ehsize, phsize, dynsize, headers = 52, 32, 8, 3
	be := binary.BigEndian
	stringsAt := ehsize + headers*phsize
	table := append([]byte{0}, interp+"\x00"...)
	var dyn []uint32
	for _, n := range needed {
		dyn = append(dyn, 1, uint32(len(table))) // DT_NEEDED
		table = append(table, n+"\x00"...)
	}
	table = append(table, make([]byte, -len(table)&7)...)
	dynAt := stringsAt + len(table)
	dyn = append(dyn, 5, uint32(stringsAt), 10, uint32(len(table)), 0, 0) // DT_STRTAB, DT_STRSZ
	size := uint32(dynAt + 4*len(dyn))

	b := append([]byte("\x7fELF"), 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0) // 32 bits, big-endian
	half := func(v ...uint16) {
		for _, v := range v {
			b = be.AppendUint16(b, v)
		}
	}
	word := func(v ...uint32) {
		for _, v := range v {
			b = be.AppendUint32(b, v)
		}
	}
	half(3, 8) // ET_DYN, EM_MIPS
	word(1, 0, ehsize, 0, 0)
	half(ehsize, phsize, headers, 0, 0, 0)
	segment := func(typ, at, size uint32) { word(typ, at, at, at, size, size, 5, 4) }
	segment(1, 0, size) // PT_LOAD
	if interp != "" {
		segment(3, uint32(stringsAt)+1, uint32(len(interp))+1) // PT_INTERP
	} else {
		segment(0, 0, 0)
	}
	if len(needed) > 0 {
		segment(2, uint32(dynAt), uint32(4*len(dyn))) // PT_DYNAMIC
	} else {
		segment(0, 0, 0)
	}
	b = append(b, table...)
	word(dyn...)
	return b
}

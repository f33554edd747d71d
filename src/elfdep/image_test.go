// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"path"
)

// image describes an ELF file to be made for a test.
type image struct {
	class   byte // class64 if 0
	order   byte // little if 0
	machine uint16
	typ     uint16
	interp  string
	needed  []string
	soname  string
	rpath   string
	runpath string
	pad     int // bytes between the strings, to drive them apart
}

// build lays the file out with the dynamic segment and its strings in a second
// PT_LOAD whose addresses have nothing to do with the offsets.
func (m image) build() []byte {
	if m.class == 0 {
		m.class = class64
	}
	if m.order == 0 {
		m.order = little
	}
	if m.machine == 0 {
		m.machine = emX86_64
	}
	if m.typ == 0 {
		m.typ = typeDyn
	}
	var bo binary.AppendByteOrder = binary.LittleEndian
	if m.order == big {
		bo = binary.BigEndian
	}
	wide := m.class == class64
	word := func(b []byte, v uint64) []byte {
		if wide {
			return bo.AppendUint64(b, v)
		}
		return bo.AppendUint32(b, uint32(v))
	}
	ehsize, phsize := 52, 32
	if wide {
		ehsize, phsize = 64, 56
	}

	const base = 0x400000
	phnum := 3
	if m.interp != "" {
		phnum++
	}
	interpOff := ehsize + phnum*phsize
	dynOff := (interpOff + len(m.interp) + 1 + 15) &^ 15

	strtab := []byte{0}
	str := func(s string) uint64 {
		strtab = append(strtab, bytes.Repeat([]byte{'.'}, m.pad)...)
		off := len(strtab)
		strtab = append(append(strtab, s...), 0)
		return uint64(off)
	}
	type entry struct{ tag, val uint64 }
	var dyn []entry
	for _, n := range m.needed {
		dyn = append(dyn, entry{dtNeeded, str(n)})
	}
	if m.soname != "" {
		dyn = append(dyn, entry{dtSoname, str(m.soname)})
	}
	if m.rpath != "" {
		dyn = append(dyn, entry{dtRpath, str(m.rpath)})
	}
	if m.runpath != "" {
		dyn = append(dyn, entry{dtRunpath, str(m.runpath)})
	}
	dynLen := (len(dyn) + 3) * 2 * 4
	if wide {
		dynLen *= 2
	}
	strOff := dynOff + dynLen
	dyn = append(dyn, entry{dtStrtab, base + uint64(strOff)}, entry{dtStrsz, uint64(len(strtab))}, entry{})
	end := uint64(strOff + len(strtab))

	b := append([]byte("\x7fELF"), m.class, m.order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = bo.AppendUint16(b, m.typ)
	b = bo.AppendUint16(b, m.machine)
	b = bo.AppendUint32(b, 1)
	b = word(b, base)           // entry
	b = word(b, uint64(ehsize)) // phoff
	b = word(b, 0)              // shoff
	b = bo.AppendUint32(b, 0)
	for _, v := range []int{ehsize, phsize, phnum, 0, 0, 0} {
		b = bo.AppendUint16(b, uint16(v))
	}
	segment := func(typ uint32, off, size uint64) {
		b = bo.AppendUint32(b, typ)
		if wide {
			b = bo.AppendUint32(b, 4)
		}
		for _, v := range []uint64{off, base + off, base + off, size, size} {
			b = word(b, v)
		}
		if !wide {
			b = bo.AppendUint32(b, 4)
		}
		b = word(b, 0x1000)
	}
	segment(ptLoad, 0, uint64(dynOff))
	if m.interp != "" {
		segment(ptInterp, uint64(interpOff), uint64(len(m.interp)+1))
	}
	segment(ptLoad, uint64(dynOff), end-uint64(dynOff))
	segment(ptDynamic, uint64(dynOff), uint64(dynLen))
	b = append(append(b, m.interp...), 0)
	b = append(b, make([]byte, dynOff-len(b))...)
	for _, e := range dyn {
		b = word(word(b, e.tag), e.val)
	}
	return append(b, strtab...)
}

// tree is a file system for tests: path -> image, []byte, string (a file's
// text) or fs.FileMode (something that is no regular file).
type tree map[string]any

// files is the FS of a tree. It looks up paths as they are, so that what asks
// for a path that is not clean fails.
type files map[string]content

type content struct {
	data []byte
	mode fs.FileMode
}

func (t tree) fs() FS {
	out := files{}
	for name, v := range t {
		c := content{mode: 0o755}
		switch v := v.(type) {
		case image:
			c.data = v.build()
		case []byte:
			c.data = v
		case string:
			c.data = []byte(v)
		case fs.FileMode:
			c.mode = v
		}
		out[name] = c
		for dir := path.Dir(name); ; dir = path.Dir(dir) {
			if _, known := out[dir]; !known {
				out[dir] = content{mode: fs.ModeDir | 0o755}
			}
			if dir == "/" {
				break
			}
		}
	}
	return out
}

func (f files) Open(name string) (File, Info, error) {
	c, ok := f[name]
	if !ok {
		return nil, Info{}, fs.ErrNotExist
	}
	info := Info{Regular: c.mode.IsRegular(), Executable: c.mode&0o111 != 0}
	if !info.Regular {
		return nil, info, nil
	}
	return memory{bytes.NewReader(c.data)}, info, nil
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (f files) ReadDir(name string) ([]string, error) {
	if c, ok := f[name]; !ok || !c.mode.IsDir() {
		return nil, fs.ErrNotExist
	}
	var list []string
	for n := range f {
		if path.Dir(n) == name && n != "/" {
			list = append(list, path.Base(n))
		}
	}
	return list, nil
}

const (
	muslLoader  = "/lib/ld-musl-x86_64.so.1"
	glibcLoader = "/lib64/ld-linux-x86-64.so.2"
)

// with returns a copy of t and more.
func (t tree) with(more tree) tree {
	out := tree{}
	for k, v := range t {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// openwrt is a root as on a router: musl, a few libraries.
var openwrt = tree{
	muslLoader:                     image{soname: "libc.so"},
	"/lib/libc.so":                 image{soname: "libc.so"},
	"/lib/libgcc_s.so.1":           image{soname: "libgcc_s.so.1", needed: []string{"libc.so"}},
	"/lib/libubox.so.2025":         image{soname: "libubox.so.2025", needed: []string{"libgcc_s.so.1", "libc.so"}},
	"/lib/libubus.so.2025":         image{soname: "libubus.so.2025", needed: []string{"libubox.so.2025", "libgcc_s.so.1", "libc.so"}},
	"/usr/lib/libnetfilter.so.3":   image{needed: []string{"libmnl.so.0", "libc.so"}},
	"/usr/lib/libmnl.so.0":         image{needed: []string{"libc.so"}},
	"/usr/local/lib/libmnl.so.0":   image{machine: emArm, class: class32},
	"/bin/busybox":                 image{interp: muslLoader, needed: []string{"libgcc_s.so.1", "libc.so"}},
	"/bin/sh":                      image{interp: muslLoader, needed: []string{"libgcc_s.so.1", "libc.so"}},
	"/usr/bin/env":                 image{interp: muslLoader, needed: []string{"libgcc_s.so.1", "libc.so"}},
	"/usr/sbin/dnsmasq":            image{interp: muslLoader, needed: []string{"libubus.so.2025", "libnetfilter.so.3", "libgcc_s.so.1", "libc.so"}},
	"/etc/hosts":                   "127.0.0.1 localhost\n",
	"/usr/lib/dnsmasq/dhcp-script": "#!/bin/sh\n. /usr/share/libubox/jshn.sh\n",
}

var debian = tree{
	glibcLoader:                           image{soname: "ld-linux-x86-64.so.2"},
	"/lib/x86_64-linux-gnu/libc.so.6":     image{soname: "libc.so.6", needed: []string{"ld-linux-x86-64.so.2"}},
	"/lib/x86_64-linux-gnu/libm.so.6":     image{soname: "libm.so.6", needed: []string{"libc.so.6", "ld-linux-x86-64.so.2"}},
	"/usr/lib/x86_64-linux-gnu/libz.so.1": image{soname: "libz.so.1", needed: []string{"libc.so.6"}},
	"/etc/ld.so.conf":                     "include ld.so.conf.d/*.conf\n# remark\n/opt/lib # remark\n",
	"/etc/ld.so.conf.d/b.conf":            "/usr/local/lib\nhwcap 1 nosegneg\n",
	"/etc/ld.so.conf.d/a.conf":            "  /lib/x86_64-linux-gnu/  \n/usr/lib/x86_64-linux-gnu=libc6\n/lib/x86_64-linux-gnu\nrelative\n",
	"/etc/ld.so.conf.d/no.txt":            "/not/this\n",
	"/etc/ld.so.conf.d/.no.conf":          "/not/this\n",
	"/etc/ld.so.cache":                    "glibc-ld.so.cache1.1",
}

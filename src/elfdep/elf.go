// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"bytes"
	"io"
)

// arch is what two objects must have in common to be loaded together.
type arch struct {
	class, order byte
	machine      uint16
}

// Numbers of elf(5).
const (
	class32, class64         = 1, 2
	little, big              = 1, 2
	typeExec, typeDyn        = 2, 3
	ptLoad                   = 1
	ptDynamic                = 2
	ptInterp                 = 3
	dtNeeded                 = 1
	dtStrtab                 = 5
	dtStrsz                  = 10
	dtSoname                 = 14
	dtRpath                  = 15
	dtRunpath                = 29
	maxSegments              = 256
	maxDynamic               = 4096 // entries
	maxNeeded                = 512
	maxString                = 1 << 15
	maxOffset         uint64 = 1 << 62
)

// malformed is an ELF file that no loader would take.
type malformed string

func (m malformed) Error() string { return string(m) }

// reader takes an ELF file apart. Only the headers, the dynamic segment and
// the strings it names are read.
type reader struct {
	f    io.ReaderAt
	head []byte  // the beginning of the file
	str  *[]byte // window on the string table, kept to be used again

	wide  bool // 64-bit
	big   bool
	loads []segment

	strings  segment // string table: place and size in the file
	from, to uint64  // what of it is in str
}

type segment struct{ addr, off, size uint64 }

// By hand, for encoding/binary brings reflection along.
func (x *reader) number(b []byte) uint64 {
	var n uint64
	for i := range b {
		if x.big {
			n = n<<8 | uint64(b[i])
		} else {
			n |= uint64(b[i]) << (8 * i)
		}
	}
	return n
}

func (x *reader) u16(b []byte) uint16 { return uint16(x.number(b[:2])) }

func (x *reader) u32(b []byte) uint32 { return uint32(x.number(b[:4])) }

// word reads an address, offset or size: 4 or 8 bytes.
func (x *reader) word(b []byte) uint64 {
	if x.wide {
		return x.number(b[:8])
	}
	return x.number(b[:4])
}

// bytes returns n bytes at off, which must all be there.
func (x *reader) bytes(off, n uint64, what string) ([]byte, error) {
	if off < uint64(len(x.head)) && n <= uint64(len(x.head))-off {
		return x.head[off : off+n], nil
	}
	if off > maxOffset {
		return nil, malformed("malformed ELF: " + what + " lies outside of the file")
	}
	b, err := readAt(x.f, make([]byte, n), int64(off))
	if err == nil && uint64(len(b)) < n {
		err = malformed("malformed ELF: " + what + " lies outside of the file")
	}
	return b, err
}

func (x *reader) elf(out *file) error {
	h := x.head
	if len(h) < 52 || h[4] == class64 && len(h) < 64 {
		return malformed("malformed ELF: the header is cut short")
	}
	if h[4] != class32 && h[4] != class64 || h[5] != little && h[5] != big {
		return malformed("malformed ELF: neither 32 nor 64 bits, or no byte order")
	}
	x.wide, x.big = h[4] == class64, h[5] == big
	out.arch = arch{h[4], h[5], x.u16(h[18:])}
	if t := x.u16(h[16:]); t != typeExec && t != typeDyn {
		out.kind = data // a kernel module, a core
		return nil
	}
	phoff, counts, size := x.word(h[28:]), h[42:], uint64(32)
	if x.wide {
		phoff, counts, size = x.word(h[32:]), h[54:], 56
	}
	num := uint64(x.u16(counts[2:]))
	if num == 0 {
		return nil
	}
	if uint64(x.u16(counts)) != size || num > maxSegments {
		return malformed("malformed ELF: program headers of a wrong size or number")
	}
	table, err := x.bytes(phoff, num*size, "the program header table")
	if err != nil {
		return err
	}
	var interp, dynamic segment
	for ; len(table) > 0; table = table[size:] {
		s := segment{x.word(table[8:]), x.word(table[4:]), x.word(table[16:])}
		if x.wide {
			s = segment{x.word(table[16:]), x.word(table[8:]), x.word(table[32:])}
		}
		switch x.u32(table) {
		case ptLoad:
			x.loads = append(x.loads, s)
		case ptDynamic:
			dynamic = s
		case ptInterp:
			if interp.size == 0 {
				interp = s
			}
		}
	}
	if interp.size > 0 {
		if out.interp, err = x.interp(interp); err != nil {
			return err
		}
	}
	return x.dynamic(dynamic, out)
}

func (x *reader) interp(s segment) (string, error) {
	if s.size < 2 || s.size > maxPath+1 {
		return "", malformed("malformed ELF: the interpreter's name is too short or too long")
	}
	b, err := x.bytes(s.off, s.size, "the interpreter's name")
	if err != nil {
		return "", err
	}
	name, _, ended := bytes.Cut(b, []byte{0})
	if !ended || len(name) == 0 {
		return "", malformed("malformed ELF: the interpreter's name has no end, or is empty")
	}
	return string(name), nil
}

// dynamic reads the dynamic segment, then the strings it names.
func (x *reader) dynamic(s segment, out *file) error {
	size := uint64(8)
	if x.wide {
		size = 16
	}
	num := s.size / size
	if num == 0 {
		return nil
	}
	// The table ends at a zero tag, and the segment may be larger: it is read
	// in pieces.
	const piece = 64
	var needed []uint64
	var addr, length, soname, rpath, runpath uint64
	var hasAddr, hasSoname, hasRpath, hasRunpath bool
	done := false
	for i := uint64(0); i < num && !done; i += piece {
		if i >= maxDynamic || s.off > maxOffset {
			return malformed("malformed ELF: the dynamic segment is too long or outside of the file")
		}
		b, err := x.bytes(s.off+i*size, min(piece, num-i)*size, "the dynamic segment")
		if err != nil {
			return err
		}
		for ; len(b) > 0 && !done; b = b[size:] {
			v := x.word(b[size/2:])
			switch x.word(b) {
			case 0:
				done = true
			case dtNeeded:
				if len(needed) == maxNeeded {
					return malformed("malformed ELF: too many libraries")
				}
				needed = append(needed, v)
			case dtStrtab:
				addr, hasAddr = v, true
			case dtStrsz:
				length = v
			case dtSoname:
				soname, hasSoname = v, true
			case dtRpath:
				rpath, hasRpath = v, true
			case dtRunpath:
				runpath, hasRunpath = v, true
			}
		}
	}
	if len(needed) == 0 && !hasSoname {
		return nil
	}
	if !hasAddr || !x.findStrings(addr, length) {
		return malformed("malformed ELF: the dynamic string table is missing or outside of the file")
	}
	var err error
	if hasSoname {
		if out.soname, err = x.string(soname); err != nil {
			return err
		}
	}
	switch {
	case len(needed) == 0:
		return nil
	case hasRunpath:
		out.runpath = true
		out.rpath, err = x.string(runpath)
	case hasRpath:
		out.rpath, err = x.string(rpath)
	}
	if err != nil {
		return err
	}
	out.needed = make([]string, len(needed))
	for i, off := range needed {
		if out.needed[i], err = x.string(off); err != nil {
			return err
		}
	}
	return nil
}

// findStrings turns the address of the string table into a place in the file.
func (x *reader) findStrings(addr, length uint64) bool {
	for _, l := range x.loads {
		if addr < l.addr || addr-l.addr >= l.size {
			continue
		}
		skip := addr - l.addr
		if l.off > maxOffset || skip > maxOffset {
			return false
		}
		x.strings = segment{off: l.off + skip, size: min(length, l.size-skip)}
		return true
	}
	return false
}

// string returns the string at off in the string table. The names of libraries
// tend to lie together, so one read mostly serves for all.
func (x *reader) string(off uint64) (string, error) {
	const usual = 2048
	if off >= x.strings.size || off > maxOffset {
		return "", malformed("malformed ELF: a name lies outside of the string table")
	}
	if x.from <= off && off < x.to {
		if s, _, ended := bytes.Cut((*x.str)[off-x.from:x.to-x.from], []byte{0}); ended {
			return string(s), nil
		}
	}
	for _, size := range [...]uint64{usual, maxString} {
		size = min(size, x.strings.size-off)
		if uint64(len(*x.str)) < size {
			*x.str = make([]byte, max(size, usual))
		}
		b, err := readAt(x.f, (*x.str)[:size], int64(x.strings.off+off))
		if err != nil {
			return "", err
		}
		x.from, x.to = off, off+uint64(len(b))
		if s, _, ended := bytes.Cut(b, []byte{0}); ended {
			return string(s), nil
		}
	}
	return "", malformed("malformed ELF: a name has no end, or is too long")
}

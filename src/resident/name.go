// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxName is the longest name that package slim lets a jail have, in bytes.
const maxName = 63

// withArgument has a bit for each option of ujail, A being 0, that takes an argument.
const withArgument = 1<<('C'-'A') | 1<<('G'-'A') | 1<<('J'-'A') | 1<<('O'-'A') | 1<<('P'-'A') | 1<<('R'-'A') | 1<<('S'-'A') | 1<<('T'-'A') |
	1<<('U'-'A') | 1<<('d'-'A') | 1<<('e'-'A') | 1<<('h'-'A') | 1<<('j'-'A') | 1<<('n'-'A') | 1<<('r'-'A') | 1<<('t'-'A') | 1<<('w'-'A')

// findName notes the name that the command line gives the jail, as package slim reads it, and what askAhead wants to know. What cannot
// be a name is none: the first worker refuses it.
//
//go:nosplit
//go:norace
//go:nocheckptr
func findName(stack *uintptr) {
	arg := func(i uintptr) *byte {
		return *(**byte)(unsafe.Add(unsafe.Pointer(stack), (1+i)*unsafe.Sizeof(uintptr(0))))
	}
	for i := uintptr(1); i < *stack; i++ {
		w := arg(i)
		if *w != '-' || at(w, 1) == 0 || at(w, 1) == '-' {
			return
		}
		for n := uintptr(1); at(w, n) != 0; n++ {
			c := at(w, n)
			if uint64(withArgument)>>((c-'A')&63)&1 == 0 || c < 'A' {
				r().optNet, r().optUser = r().optNet || c == 'N', r().optUser || c == 'f'
				continue
			}
			w = (*byte)(unsafe.Add(unsafe.Pointer(w), n+1))
			if *w == 0 {
				if i++; i >= *stack {
					return
				}
				w = arg(i)
			}
			switch c {
			case 'n':
				noteName(w)
			case 'J':
				r().bundle = uintptr(unsafe.Pointer(w))
			}
			break
		}
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func at(s *byte, n uintptr) byte { return *(*byte)(unsafe.Add(unsafe.Pointer(s), n)) }

//go:nosplit
//go:norace
//go:nocheckptr
func noteName(s *byte) {
	r().nameLen = 0
	for n := uintptr(0); n <= maxName; n++ {
		switch c := at(s, n); {
		case c == 0:
			r().nameLen = uint32(n)
			return
		case c < ' ' || c == 0x7f || c == '/':
			return
		}
		r().name[n&63] = at(s, n)
	}
}

// Name is the jail's name as the command line has it, "" if it has none.
func Name() string { return string(r().name[:r().nameLen]) }

// say writes a line to stderr, after the jail's name, unless nobody makes room for it: a message must not stop the resident.
//
//go:nosplit
//go:norace
//go:nocheckptr
func say(text string) {
	var line [192]byte
	n := put(&line, put(&line, 0, "ujail: "), unsafe.String(&r().name[0], r().nameLen))
	if r().nameLen > 0 {
		n = put(&line, n, ": ")
	}
	n = min(put(&line, n, text), uintptr(len(line))-1)
	line[n] = '\n'
	p := pollFD{fd: 2, events: unix.POLLOUT}
	patience := [2]uintptr{0, 200e6}
	if sys(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&patience)), 0, sigsetSize) == 1 {
		sys(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(&line)), n+1, 0, 0)
	}
}

//go:nosplit
//go:norace
//go:nocheckptr
func put(line *[192]byte, n uintptr, text string) uintptr {
	for i := 0; i < len(text) && n < uintptr(len(line))-1; i++ {
		line[n] = text[i]
		n++
	}
	return n
}

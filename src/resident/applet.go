// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// supervises tells whether this process becomes a resident: as ujail, and as uxc for what runs in the foreground. Of another one the limit of
// descriptors is noted, which Go raises.
//
//go:nosplit
//go:norace
//go:nocheckptr
func supervises(stack *uintptr, argv0 unsafe.Pointer) bool {
	switch {
	case isJail(argv0):
		findName(stack)
		return true
	case isApplet((*byte)(argv0), "uxc") && inForeground(stack):
		return true
	}
	sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, 0, uintptr(unsafe.Pointer(&boot().limits[0])), 0)
	return false
}

// isApplet: the last component of the name is this.
//
//go:nosplit
//go:norace
//go:nocheckptr
func isApplet(s *byte, name string) bool {
	last := uintptr(0)
	for i := uintptr(0); at(s, i) != 0; i++ {
		if at(s, i) == '/' {
			last = i + 1
		}
	}
	return same(s, last, name)
}

// same tells whether the string from there on is this, up to its end or a =.
//
//go:nosplit
//go:norace
//go:nocheckptr
func same(s *byte, from uintptr, word string) bool {
	n := uintptr(len(word))
	for i := uintptr(0); i < n; i++ {
		if at(s, from+i) != at(unsafe.StringData(word), i) {
			return false
		}
	}
	return at(s, from+n) == 0 || at(s, from+n) == '='
}

// ValuedOptions are the options of uxc, of run and of exec, whose value is the next argument, each between blanks, ValuedLetters the short ones; a test compares with package uxc.
const (
	ValuedOptions = " root log log-format cgroup-manager rootless criu bundle config pid-file console-socket preserve-fds process env cwd user additional-gids cap process-label apparmor "
	ValuedLetters = "bfpewugc"
)

var here = [...]byte{'.', 0}

// inForeground tells whether a command line of uxc is one of run or exec, without --detach.
//
//go:nosplit
//go:norace
//go:nocheckptr
func inForeground(stack *uintptr) bool {
	exec, verb := false, false
	arg := func(i uintptr) *byte {
		return *(**byte)(unsafe.Add(unsafe.Pointer(stack), (1+i)*unsafe.Sizeof(uintptr(0))))
	}
	for i := uintptr(1); i < *stack; i++ {
		w := arg(i)
		switch {
		case at(w, 0) != '-' || at(w, 1) == 0:
			if verb && exec { // the ID: what follows is the command's
				return true
			}
			if verb {
				continue
			}
			if exec = same(w, 0, "exec"); !exec && !same(w, 0, "run") {
				return false
			}
			if verb = true; !exec {
				r().bundle = uintptr(unsafe.Pointer(&here))
			}
		case at(w, 1) == '-' && at(w, 2) == 0:
			return verb
		case at(w, 1) == '-':
			if same(w, 2, "detach") && !same(w, 2, "detach=false") {
				return false
			}
			if takesNext(w) {
				if i++; !exec && verb && i < *stack && same(w, 2, "bundle") {
					r().bundle = uintptr(unsafe.Pointer(arg(i)))
				}
			}
		default:
			for n := uintptr(1); at(w, n) != 0; n++ {
				if at(w, n) == 'd' && verb {
					return false
				}
				if hasLetter(at(w, n)) {
					value := (*byte)(unsafe.Add(unsafe.Pointer(w), n+1))
					if *value == 0 {
						if i++; i >= *stack {
							return verb
						}
						value = arg(i)
					}
					if at(w, n) == 'b' && !exec && verb {
						r().bundle = uintptr(unsafe.Pointer(value))
					}
					break
				}
			}
		}
	}
	return verb
}

//go:nosplit
//go:norace
//go:nocheckptr
func hasLetter(c byte) bool {
	for i := uintptr(0); i < uintptr(len(ValuedLetters)); i++ {
		if at(unsafe.StringData(ValuedLetters), i) == c {
			return true
		}
	}
	return false
}

// takesNext: the name is in the list, and no value is joined to it.
//
//go:nosplit
//go:norace
//go:nocheckptr
func takesNext(w *byte) bool {
	list := unsafe.StringData(ValuedOptions)
	for from := uintptr(0); from < uintptr(len(ValuedOptions)); from++ {
		if at(list, from) != ' ' {
			continue
		}
		n := uintptr(0)
		for at(w, 2+n) != 0 && from+1+n < uintptr(len(ValuedOptions)) && at(w, 2+n) == at(list, from+1+n) {
			n++
		}
		if at(w, 2+n) == 0 && n > 0 && from+1+n < uintptr(len(ValuedOptions)) && at(list, from+1+n) == ' ' {
			return true
		}
	}
	return false
}

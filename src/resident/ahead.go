// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A network namespace takes the kernel half a millisecond, as long as everything else in a container. The resident makes it while the
// Go runtime of the worker starts, enters it, and is back when the container's process has inherited it. Whether one is wanted the
// worker guesses, before its runtime starts: from the command line, or from a look into config.json, which the resident itself never
// opens. A guess is all it is: what is done is what the plan says. One that was made for nothing the kernel takes back as that of a
// container which failed to start.
//
//	worker                     resident
//	(guesses) ---- ahead ----->  (makes it, and is in it)
//	(has a plan) - make ------>  clone, without a new network namespace if that of the resident is meant
//	                             (goes home)

// look is what askAhead needs in a worker. The resident does not touch it: it costs no memory.
var look struct {
	path [1024]byte
	text [4096]byte
	scan
}

// scan is how far a look into config.json has come.
type scan struct {
	word, key           word // the last string, and the last that was a name
	value               bool // word came after key
	inString, escaped   bool
	inList              bool // in linux.namespaces
	network, user, path bool // in the object there
	wantsNet, wantsUser bool
	done                bool
	_                   [3]byte
}

// word is the beginning of a string and its length.
type word struct {
	text, more uint64 // eight bytes each
	n          uint32
}

const configName = "/config.json\x00"

// askAhead has the resident make a network namespace if one will be wanted. User namespaces own theirs, which must be made in them.
//
//go:nosplit
//go:norace
//go:nocheckptr
func askAhead() {
	want := r().optNet && !r().optUser
	if r().bundle != 0 {
		want = configWants()
	}
	r().msg = message{kind: msgAhead}
	if want && CanMake() {
		r().msg.first = 1
	}
	sys(unix.SYS_SENDTO, uintptr(boot().ctl), uintptr(unsafe.Pointer(&r().msg)), messageSize, unix.MSG_NOSIGNAL, 0)
}

// hearAhead waits for the guess without going to sleep, for a tenth of a millisecond or two: if this processor had nothing to do it would
// fetch the worker back from the one that is waking up for it, and the two would not run side by side. Whoever else wants to
// run does.
//
//go:nosplit
//go:norace
func hearAhead() {
	for n := 0; n < aheadTries && !r().heard; n++ {
		readControl()
		sys(unix.SYS_SCHED_YIELD, 0, 0, 0, 0, 0)
	}
}

const aheadTries = 300

// configWants looks into config.json of the bundle.
//
//go:nosplit
//go:norace
//go:nocheckptr
func configWants() bool {
	n := uintptr(0)
	dir := *(**byte)(unsafe.Pointer(&r().bundle))
	for ; at(dir, n) != 0; n++ {
		if n >= unsafe.Sizeof(look.path)-uintptr(len(configName)) {
			return false
		}
		*(*byte)(unsafe.Add(unsafe.Pointer(&look.path), n)) = at(dir, n)
	}
	for i := 0; i < len(configName); i++ {
		*(*byte)(unsafe.Add(unsafe.Pointer(&look.path), n+uintptr(i))) = configName[i]
	}
	fd := sys(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&look.path)), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0, 0)
	if fd < 0 {
		return false
	}
	for reads := 0; reads < 16 && !look.done; reads++ {
		n := sys(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&look.text)), unsafe.Sizeof(look.text), 0, 0)
		if n <= 0 {
			break
		}
		scanText(&look.scan, unsafe.Pointer(&look.text), uintptr(n))
	}
	sys(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0)
	return look.wantsNet && !look.wantsUser
}

// scanText goes on with the next n bytes. It knows strings, and of all else the characters that it needs.
//
//go:nosplit
//go:norace
//go:nocheckptr
func scanText(s *scan, text unsafe.Pointer, n uintptr) {
	const (
		namespac = uint64('n') | 'a'<<8 | 'm'<<16 | 'e'<<24 | 's'<<32 | 'p'<<40 | 'a'<<48 | 'c'<<56
		es       = uint64('e') | 's'<<8
		typ      = uint64('t') | 'y'<<8 | 'p'<<16 | 'e'<<24
		path     = uint64('p') | 'a'<<8 | 't'<<16 | 'h'<<24
		network  = uint64('n') | 'e'<<8 | 't'<<16 | 'w'<<24 | 'o'<<32 | 'r'<<40 | 'k'<<48
		user     = uint64('u') | 's'<<8 | 'e'<<16 | 'r'<<24
	)
	for i := uintptr(0); i < n && !s.done; i++ {
		c := *(*byte)(unsafe.Add(text, i))
		if s.inString {
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
				s.word.n = 1 << 16 // none of ours
			case c == '"':
				s.inString = false
			default:
				switch {
				case s.word.n < 8:
					s.word.text |= uint64(c) << (8 * s.word.n)
				case s.word.n < 16:
					s.word.more |= uint64(c) << (8 * (s.word.n - 8))
				}
				s.word.n++
			}
			continue
		}
		switch c {
		case '"':
			s.inString, s.word = true, word{}
			s.value = s.key.n != 0
		case ':':
			s.key = s.word
		case '[':
			s.inList = s.inList || s.key == word{namespac, es, 10}
		case '{':
			s.network, s.user, s.path, s.key = false, false, false, word{}
		case ',', '}', ']':
			if s.value && s.inList {
				switch s.key {
				case word{typ, 0, 4}:
					s.network = s.word == word{network, 0, 7}
					s.user = s.word == word{user, 0, 4}
				case word{path, 0, 4}:
					s.path = s.word.n > 0
				}
			}
			s.key, s.value = word{}, false
			if c == '}' && s.inList && !s.path {
				s.wantsNet, s.wantsUser = s.wantsNet || s.network, s.wantsUser || s.user
			}
			s.done = c == ']' && s.inList
		}
	}
}

// goAhead makes the namespace and enters it. The way home is a descriptor of the old one, that of a socket.
//
//go:nosplit
//go:norace
//go:nocheckptr
func goAhead() {
	r().heard = true
	if r().msg.first == 0 || r().home >= 0 || r().had || r().cancel != 0 {
		return
	}
	r().home = int32(sys(unix.SYS_IOCTL, uintptr(r().ctl), unix.SIOCGSKNS, 0, 0, 0))
	if r().home >= 0 && sys(unix.SYS_UNSHARE, unix.CLONE_NEWNET, 0, 0, 0, 0) < 0 {
		drop(r().home)
		r().home = -1
	}
}

// goHome goes back.
//
//go:nosplit
//go:norace
//go:nocheckptr
func goHome() {
	if r().home < 0 {
		return
	}
	if sys(unix.SYS_SETNS, uintptr(r().home), unix.CLONE_NEWNET, 0, 0, 0) < 0 {
		strandedFn()
	}
	drop(r().home)
	r().home = -1
}

// strandedFn is a variable for the linker's count of stack, as childFn is.
var strandedFn = stranded

// stranded ends everything: nothing that comes later could be done right in another network namespace.
//
//go:nosplit
//go:norace
func stranded() {
	say("cannot return to its network namespace")
	kill(r().payload, unix.SIGKILL)
	exit(1)
}

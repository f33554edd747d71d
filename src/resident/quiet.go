// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A worker lives for milliseconds on one processor. Told so in its environment, the Go runtime starts no threads and no garbage
// collector for others.
var (
	quietProcs = [...]byte{'G', 'O', 'M', 'A', 'X', 'P', 'R', 'O', 'C', 'S', '=', '1', 0}
	quietGC    = [...]byte{'G', 'O', 'G', 'C', '=', '4', '0', '0', 0} // none before 16 MiB
)

const atFlags = 8 // AT_FLAGS of getauxval(3): always zero, read by nobody

// quieten adds the two variables to the environment that the runtime is going to see. Room for them is in the auxiliary vector,
// which follows the environment: the entry AT_FLAGS goes. An environment that sets GOMAXPROCS is left alone.
//
//go:nosplit
//go:norace
//go:nocheckptr
func quieten(stack *uintptr) {
	word := func(i uintptr) *uintptr {
		return (*uintptr)(unsafe.Add(unsafe.Pointer(stack), i*unsafe.Sizeof(uintptr(0))))
	}
	env := *stack + 2
	for ; *word(env) != 0; env++ {
		s, n := *(*unsafe.Pointer)(unsafe.Pointer(word(env))), uintptr(0)
		for n < 11 && *(*byte)(unsafe.Add(s, n)) == quietProcs[n] {
			n++
		}
		if n == 11 {
			return
		}
	}
	aux := env + 1
	for *word(aux) != atFlags {
		if *word(aux) == 0 {
			return
		}
		aux += 2
	}
	for i := aux - 1; i >= env; i-- {
		*word(i + 2) = *word(i)
	}
	*word(env) = uintptr(unsafe.Pointer(&quietProcs))
	*word(env + 1) = uintptr(unsafe.Pointer(&quietGC))
	boot().quieted = true
}

// hideFiles keeps the Go runtime from opening files while it starts: its control group, the whole mount table, the size of huge pages. It
// wants to know what it may use of the machine, which takes longer the more mounts there are, and does without where it cannot. Awake
// ends it.
//
//go:nosplit
//go:norace
//go:nocheckptr
func hideFiles() {
	lim := [2]uint64{0, boot().limits[0][1]}
	sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&lim)), 0, 0)
}

// Awake is for the first act of main: files can be opened again, as many as the hard limit allows.
func Awake() {
	if boot().mode != Plain {
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: boot().limits[0][1], Max: boot().limits[0][1]})
	}
}

// Environ is env, as os.Environ gave it, without what quieten added.
func Environ(env []string) []string {
	if !boot().quieted {
		return env
	}
	// Os leaves out what stands twice: of GOGC the first is the caller's, and then ours is not here.
	for _, ours := range [...]string{string(quietGC[:len(quietGC)-1]), string(quietProcs[:len(quietProcs)-1])} {
		if n := len(env) - 1; n >= 0 && env[n] == ours {
			env = env[:n]
		}
	}
	return env
}

// SPDX-License-Identifier: LGPL-2.1-only

package resident

import "unsafe"

// A worker lives for milliseconds on one processor. Told so in its environment, the Go runtime neither reads the control groups and
// the whole mount table to find out how many processors it may use, nor starts threads and a garbage collector for them: a
// tenth to a fifth of the time from exec to payload, more on a host with many mounts.
var (
	quietProcs = [...]byte{'G', 'O', 'M', 'A', 'X', 'P', 'R', 'O', 'C', 'S', '=', '1', 0}
	quietGC    = [...]byte{'G', 'O', 'G', 'C', '=', '4', '0', '0', 0} // none before 16 MiB
	quieted    bool
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
	quieted = true
}

// Environ is env, as os.Environ gave it, without what quieten added.
func Environ(env []string) []string {
	if !quieted {
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

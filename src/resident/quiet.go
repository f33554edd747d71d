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

// startSlack is how late timers may be while the Go runtime starts, in nanoseconds: its monitor would else wake up every 20 microseconds.
const startSlack = 2e6

// settle has the Go runtime start without what only longer lives than a worker's are worth; Awake ends it. Without files to open it reads
// neither its control group nor the whole mount table, to find out how many processors it may use, nor the size of huge pages. Its
// monitor sleeps. Its first threads wake each other by turns: on one processor that is a switch, else each time an idle
// processor has to wake up.
//
//go:nosplit
//go:norace
//go:nocheckptr
func settle() {
	none := [2]uint64{0, boot().limits[0][1]}
	sys(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&none)), 0, 0)
	boot().slack = sys(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	sys(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, startSlack, 0, 0, 0)
	var cpu uint32
	if sys(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0, 0, 0) < 0 || cpu >= uint32(unsafe.Sizeof(boot().cpus)*8) {
		return
	}
	boot().cpuLen = int32(sys(unix.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(boot().cpus), uintptr(unsafe.Pointer(&boot().cpus)), 0, 0))
	if boot().cpuLen > 0 {
		var one [unsafe.Sizeof(boot().cpus) / unsafe.Sizeof(uintptr(0))]uintptr
		const bits = unsafe.Sizeof(uintptr(0)) * 8
		*(*uintptr)(unsafe.Add(unsafe.Pointer(&one), uintptr(cpu)/bits*unsafe.Sizeof(uintptr(0)))) = 1 << (uintptr(cpu) % bits)
		sys(unix.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(one), uintptr(unsafe.Pointer(&one)), 0, 0)
	}
}

// Awake is for the first act of main. Files can be opened again, as many as the hard limit allows. It gives what every process that we make
// has to have back, and threads too that were there before: the slack of timers in nanoseconds (prctl(2)), 0 if it is not known, and
// the processors it may run on, empty if they were left alone.
func Awake() (slack int, cpus []byte) {
	if boot().mode == Plain {
		return 0, nil
	}
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: boot().limits[0][1], Max: boot().limits[0][1]})
	if boot().slack > 0 {
		slack = boot().slack
		sys(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0)
	}
	if boot().cpuLen > 0 {
		cpus = (*[unsafe.Sizeof(boot().cpus)]byte)(unsafe.Pointer(&boot().cpus))[:boot().cpuLen]
		sys(unix.SYS_SCHED_SETAFFINITY, 0, uintptr(len(cpus)), uintptr(unsafe.Pointer(&cpus[0])), 0, 0)
	}
	return slack, cpus
}

// Environ is env, as syscall.Environ gave it, without what quieten added.
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

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// helped has c started by the test binary as the named helper: what a shell cannot
// do to its child before it executes it.
func helped(name string, c command) command {
	c.args = append([]string{"/proc/self/exe"}, c.args...)
	c.env = append([]string{envHelper + "=" + name}, c.env...)
	return c
}

// shelled has c started by a shell after its setup lines.
func shelled(setup string, c command) command {
	c.args = append([]string{"/bin/sh", "-c", setup + "\n" + `exec "$@"`, "sh"}, c.args...)
	return c
}

// helperInJail is a payload, with -e envHelper, that does the same on the way to its own.
const helperInJail = "/proc/1/exe" // the test binary is the world's first process

// helper is what the test binary does in the place of a test: it changes what a
// program inherits, and becomes the program of its arguments.
func helper(name string) int {
	runtime.LockOSThread()
	switch name {
	case "watch":
		return watchProcesses()
	case "tell":
		return tell()
	case "block":
		var set unix.Sigset_t
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGCHLD, syscall.SIGHUP} {
			set.Val[0] |= 1 << (s - 1)
		}
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "slack":
		var one unix.CPUSet
		one.Set(0)
		err := unix.Prctl(unix.PR_SET_TIMERSLACK, 123456, 0, 0, 0)
		if err == nil {
			err = unix.SchedSetaffinity(0, &one)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "trace":
		if _, _, e := unix.RawSyscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0); e != 0 {
			fmt.Fprintln(os.Stderr, e)
			return 1
		}
	case "no clone3", "no namespaces":
		var flags uint32
		if name == "no namespaces" {
			flags = unix.CLONE_NEWUSER | unix.CLONE_NEWTIME | unix.CLONE_NEWCGROUP
		}
		if err := lacking(flags); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "gate":
		if err := askTheGate(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "mdwe":
		b, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err == nil {
			err = unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
		}
		if err != nil {
			fmt.Println(err)
			return 0
		}
		fmt.Println("executable")
		return 0
	default:
		fmt.Fprintln(os.Stderr, "no such helper:", name)
		return 1
	}
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, envHelper+"=") && !strings.HasPrefix(e, envGate+"=") {
			env = append(env, e)
		}
	}
	fmt.Fprintln(os.Stderr, syscall.Exec(os.Args[1], os.Args[1:], env))
	return 1
}

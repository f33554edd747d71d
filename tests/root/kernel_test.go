// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// lacking has clone3 answer as a kernel does that does not have it, and clone and unshare as one without the namespaces of flags.
func lacking(flags uint32) error {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		both  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
	)
	flagsAt := uint32(16) // of the first argument in struct seccomp_data
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 {
		flagsAt += 4
	}
	filter := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: equal, K: unix.SYS_CLONE3, Jt: 5},
		{Code: equal, K: unix.SYS_CLONE, Jt: 1},
		{Code: equal, K: unix.SYS_UNSHARE, Jf: 2},
		{Code: load, K: flagsAt},
		{Code: both, K: flags, Jt: 2},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	return nil
}

// Clone does where a filter or an old kernel has no clone3.
func TestNoClone3(t *testing.T) {
	for name, c := range map[string]command{
		"bundle":         newBundle(t, script("echo $$")).command(),
		"user namespace": newBundle(t, script("echo $$"), shifted).command(),
		"second process": newBundle(t, script("echo $$"), namespace(specs.TimeNamespace, "")).command(),
		"slim":           slim("-p -N -f", sh("echo $$")...),
	} {
		t.Run(name, func(t *testing.T) { run(t, helped("no clone3", c)).prints("1\n") })
	}
	t.Run("no namespace", func(t *testing.T) { run(t, helped("no clone3", slim("-c", sh("echo ran")...))).prints("ran\n") })
}

// A kernel that lacks a namespace: the start is refused, whoever has to make it.
func TestNoSuchNamespace(t *testing.T) {
	for name, c := range map[string]command{
		"user in a bundle": newBundle(t, args("/bin/echo", "ran"), shifted).command(),
		"user":             slim("-p -f", sh("echo ran")...),
		"time":             newBundle(t, args("/bin/echo", "ran"), namespace(specs.TimeNamespace, "")).command(),
		"cgroup":           slim("-p -F", sh("echo ran")...),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, helped("no namespaces", c)).refused("make", "new namespaces: ", "invalid argument")
		})
	}
}

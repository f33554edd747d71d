// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func signalSet(list []syscall.Signal) *unix.Sigset_t {
	var set unix.Sigset_t
	const bits = int(8 * unsafe.Sizeof(set.Val[0]))
	for _, s := range list {
		set.Val[(int(s)-1)/bits] |= 1 << ((int(s) - 1) % bits)
	}
	return &set
}

// BlockSignals has the signals wait that come to this thread, and to what it executes.
func BlockSignals(list ...syscall.Signal) error {
	return fail("block signals", "", unix.PthreadSigmask(unix.SIG_BLOCK, signalSet(list), nil))
}

// OpenSignals opens a descriptor that signals are read from. They have to be blocked in every thread, which Go makes of those alone that were
// when it was executed, and not of those that end a program: SIGINT, SIGTERM, SIGHUP.
func OpenSignals(list ...syscall.Signal) (int, error) {
	fd, err := unix.Signalfd(-1, signalSet(list), unix.SFD_CLOEXEC)
	return fd, fail("signalfd", "", err)
}

// ReadSignal waits for the next one.
func ReadSignal(fd int) (syscall.Signal, error) {
	var info unix.SignalfdSiginfo
	b := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
	err := retry(func() error { _, err := unix.Read(fd, b); return err })
	return syscall.Signal(info.Signo), fail("read signals", "", err)
}

// EndWithParent has the kernel send the signal when the thread has ended that made this process.
func EndWithParent(s syscall.Signal) error {
	return fail("prctl", "PR_SET_PDEATHSIG", unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(s), 0, 0, 0))
}

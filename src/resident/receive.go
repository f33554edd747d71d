// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// msghdr is struct msghdr. It is no unix.Msghdr, which holds pointers, and not on the stack, which the linker counts.
type msghdr struct {
	name                             uintptr
	namelen                          uint32
	iov, iovlen, control, controllen uintptr
	flags                            int32
}

// receive takes a message, and the descriptor that came with it or -1; a second one is in r.fd2. The path of an undo stands where the
// next one belongs.
//
//go:nosplit
//go:norace
//go:nocheckptr
func receive() (fd int32, ok bool) {
	r().iov = [4]uintptr{uintptr(unsafe.Pointer(&r().msg)), messageSize,
		uintptr(unsafe.Pointer(&r().undo)) + uintptr(r().undoLen), undoSize - uintptr(r().undoLen)}
	r().hdr = msghdr{iov: uintptr(unsafe.Pointer(&r().iov)), iovlen: 2, control: uintptr(unsafe.Pointer(&r().control)), controllen: unix.SizeofCmsghdr + 8}
	n := sys(unix.SYS_RECVMSG, uintptr(r().ctl), uintptr(unsafe.Pointer(&r().hdr)), unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC, 0, 0)
	fd, r().fd2 = -1, -1
	if n >= 0 && r().hdr.controllen >= unix.SizeofCmsghdr+4 && r().control.Type == unix.SCM_RIGHTS {
		fd = r().control.fd
		if r().control.Len >= unix.SizeofCmsghdr+8 {
			r().fd2 = r().control.fd2
		}
	}
	if n < messageSize || r().fd2 >= 0 && r().msg.kind != msgMake {
		drop(fd)
		drop(r().fd2)
		return -1, false
	}
	r().pathLen = uint32(n) - messageSize
	return fd, true
}

// drop closes a descriptor, or nothing.
//
//go:nosplit
//go:norace
func drop(fd int32) {
	if fd >= 0 {
		sys(unix.SYS_CLOSE, uintptr(fd), 0, 0, 0, 0)
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// WatchLinks opens a socket that becomes readable when a device of one of these names, at most eight, is made in the network namespace of the
// calling thread, and for nothing else: a filter in the kernel sees to that. Drain empties it.
func WatchLinks(names []string) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fail("open an rtnetlink socket", "", err)
	}
	filter := linkFilter(names)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err == nil {
		// The socket keeps nothing of what came before the filter: it joins the group after it.
		err = unix.Bind(fd, &unix.SockaddrNetlink{Groups: unix.RTMGRP_LINK})
	}
	if err != nil {
		Close(fd)
		return -1, fail("watch network devices", "", err)
	}
	return fd, nil
}

const maxWatched = 8

// linkFilter accepts the RTM_NEWLINK of a new device (ifi_change has all bits then) with one of the names, which is the first attribute.
//
//	0 nlmsghdr   16 ifinfomsg   32 rtattr   36 the name, with a zero byte
func linkFilter(names []string) (f []unix.SockFilter) {
	const (
		load16 = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		load32 = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give   = unix.BPF_RET | unix.BPF_K
	)
	// What is loaded is taken for big-endian.
	half := func(v uint16) uint32 { b := native.AppendUint16(nil, v); return uint32(b[0])<<8 | uint32(b[1]) }
	for _, c := range [...]struct {
		load uint16
		at   uint32
		want uint32
	}{{load16, 4, half(unix.RTM_NEWLINK)}, {load32, 28, ^uint32(0)}, {load16, 34, half(unix.IFLA_IFNAME)}} {
		f = append(f, unix.SockFilter{Code: c.load, K: c.at}, unix.SockFilter{Code: equal, Jt: 1, K: c.want}, unix.SockFilter{Code: give})
	}
	for _, name := range names[:min(len(names), maxWatched)] {
		b := append([]byte(name), 0)
		f = append(f, unix.SockFilter{Code: load16, K: 32}) // its length
		steps := (len(b) + 3) / 4
		skip := func(done int) uint8 { return uint8(2*(steps-done) + 1) }
		f = append(f, unix.SockFilter{Code: equal, Jf: skip(0), K: half(uint16(nlAttr + len(b)))})
		for i := range steps {
			var part [4]byte // behind the name is padding, which the kernel clears
			copy(part[:], b[4*i:])
			word := uint32(part[0])<<24 | uint32(part[1])<<16 | uint32(part[2])<<8 | uint32(part[3])
			f = append(f, unix.SockFilter{Code: load32, K: uint32(36 + 4*i)}, unix.SockFilter{Code: equal, Jf: skip(i + 1), K: word})
		}
		f = append(f, unix.SockFilter{Code: give, K: ^uint32(0)})
	}
	return append(f, unix.SockFilter{Code: give})
}

// Drain throws away what has come in on a socket that does not block.
func Drain(fd int) {
	var b [64]byte
	for {
		_, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), uintptr(len(b)), unix.MSG_TRUNC|unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 && errno != unix.EINTR && errno != unix.ENOBUFS {
			return
		}
	}
}

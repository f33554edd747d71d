// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadMemfd is the whole content of a file in memory, whatever its offset is, which several processes may share.
func ReadMemfd(fd, max int) ([]byte, error) {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return nil, fail("fstat", "memfd", err)
	}
	if st.Size < 0 || st.Size > int64(max) {
		return nil, fail("read", "memfd", unix.EFBIG)
	}
	b := make([]byte, st.Size)
	for at := 0; at < len(b); {
		var n int
		err := retry(func() (err error) {
			n, err = unix.Pread(fd, b[at:], int64(at))
			return err
		})
		if err == nil && n == 0 {
			err = unix.EIO
		}
		if err != nil {
			return nil, fail("read", "memfd", err)
		}
		at += n
	}
	return b, nil
}

// A Region is a file in memory for another process to map, at an address at which nothing is in this one.
type Region struct {
	FD   int
	Size int
	at   unsafe.Pointer
}

// NewRegion makes a Region; the caller closes it. The address stays taken until then.
func NewRegion(name string, size int) (Region, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return Region{FD: -1}, fail("memfd_create", name, err)
	}
	r := Region{FD: fd, Size: size}
	if r.at, err = unix.MmapPtr(fd, 0, nil, uintptr(size), unix.PROT_NONE, unix.MAP_SHARED); err != nil {
		unix.Close(fd)
		return Region{FD: -1}, fail("map", name, err)
	}
	return r, nil
}

// Addr is the address.
func (r *Region) Addr() uintptr { return uintptr(r.at) }

// Close frees the address and closes the file.
func (r *Region) Close() {
	if r.FD >= 0 {
		_ = unix.MunmapPtr(r.at, uintptr(r.Size))
		unix.Close(r.FD)
		r.FD = -1
	}
}

// Signal is the number of a signal on this machine: of its name, with SIG or without, or of the number itself. Real-time signals have no
// names.
func Signal(s string) (number int, ok bool) {
	if len(s) < 4 || s[:3] != "SIG" {
		s = "SIG" + s
	}
	n := unix.SignalNum(s)
	return int(n), n != 0
}

// SIGKILL cannot be handled.
const SIGKILL = int(unix.SIGKILL)

// MaxSignal is the highest number of a signal.
const MaxSignal = sigsetBits

// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers of linux/bpf.h.
const (
	bpfProgLoad         = 5
	bpfProgAttach       = 8
	bpfProgFromID       = 13
	bpfProgQuery        = 16
	bpfTypeCgroupDevice = 15
	bpfAttachDevice     = 6
	bpfAllowMulti       = 2
	bpfReplace          = 4
)

func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	fd, _, e := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
	if e != 0 {
		return -1, e
	}
	return int(fd), nil
}

// LoadDeviceProgram gives the kernel a program, in its own form (struct bpf_insn), that decides on devices. The caller closes fd.
// ENOSYS and EINVAL: the kernel was built without BPF, or without CGROUP_BPF.
func LoadDeviceProgram(prog []byte) (fd int, err error) {
	license := [...]byte{'L', 'G', 'P', 'L', 0}
	attr := struct {
		typ, count     uint32
		insns, license uint64
		level, size    uint32
		log            uint64
		version, flags uint32
	}{typ: bpfTypeCgroupDevice, count: uint32(len(prog) / 8)}
	attr.insns, attr.license = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(prog)))), uint64(uintptr(unsafe.Pointer(&license)))
	fd, err = bpf(bpfProgLoad, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(prog)
	runtime.KeepAlive(&license)
	return fd, fail("load the device program", "", err)
}

// attachment is what BPF_PROG_ATTACH and BPF_PROG_DETACH take.
type attachment struct{ target, prog, typ, flags, replace uint32 }

// AttachDeviceProgram has a program decide for the processes in a cgroup, along with those that do already: what one denies is denied.
func (c Cgroup) AttachDeviceProgram(prog int) error {
	a := attachment{uint32(c.fd), uint32(prog), bpfAttachDevice, bpfAllowMulti, 0}
	_, err := bpf(bpfProgAttach, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return fail("attach the device program to", c.path, err)
}

// ReplaceDeviceProgram has a program decide in the place of the one that does so far, in one step: there is no moment without one. EBUSY:
// more than one does, and somebody else has attached it.
func (c Cgroup) ReplaceDeviceProgram(prog int) error {
	var ids [2]uint32
	q := struct {
		target, typ, query, flags uint32
		ids                       uint64
		count, _                  uint32
	}{target: uint32(c.fd), typ: bpfAttachDevice, ids: uint64(uintptr(unsafe.Pointer(&ids))), count: uint32(len(ids))}
	_, err := bpf(bpfProgQuery, unsafe.Pointer(&q), unsafe.Sizeof(q))
	runtime.KeepAlive(&ids)
	switch {
	case err == unix.ENOSPC || err == nil && q.count > 1:
		return &Error{"replace the device program of", c.path, unix.EBUSY}
	case err != nil:
		return fail("find the device program of", c.path, err)
	case q.count == 0:
		return c.AttachDeviceProgram(prog)
	}
	id := [3]uint32{ids[0]}
	old, err := bpf(bpfProgFromID, unsafe.Pointer(&id), unsafe.Sizeof(id))
	if err != nil {
		return fail("open the device program of", c.path, err)
	}
	defer unix.Close(old)
	a := attachment{uint32(c.fd), uint32(prog), bpfAttachDevice, bpfAllowMulti | bpfReplace, uint32(old)}
	_, err = bpf(bpfProgAttach, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return fail("replace the device program of", c.path, err)
}

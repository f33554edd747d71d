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
	bpfProgDetach       = 9
	bpfTypeCgroupDevice = 15
	bpfAttachDevice     = 6
	bpfAllowMulti       = 2
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

// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ImageType is the file system in an image file: squashfs, ext4 (and its ancestors, which the same driver reads), or "".
func ImageType(path string) (string, error) {
	fd, err := Open(path, unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return imageType(fd, path)
}

func imageType(fd int, path string) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", fail("stat", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", fail("read as an image file", path, unix.EINVAL)
	}
	var head [1082]byte
	n := 0
	err := retry(func() (err error) { n, err = unix.Pread(fd, head[:], 0); return })
	switch {
	case err != nil:
		return "", fail("read", path, err)
	case n >= 4 && string(head[:4]) == "hsqs":
		return "squashfs", nil
	case n == len(head) && head[1080] == 0x53 && head[1081] == 0xef:
		return "ext4", nil
	}
	return "", nil
}

// loopTries bounds how often somebody else may take a loop device before us.
const loopTries = 64

// MountImage mounts the file system in an image file, read-only and without devices, as a detached mount, which the caller closes. The
// loop device below it is given back by the kernel when the last mount of it is gone.
func MountImage(path string) (int, error) {
	file, err := Open(path, unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	kind, err := imageType(file, path)
	if err != nil {
		return -1, err
	}
	if kind == "" {
		return -1, explain(fail("mount", path, unix.EINVAL), "it is neither an image of squashfs nor of ext4")
	}
	loop, device, err := loopDevice(file, path)
	if err != nil {
		return -1, err
	}
	defer unix.Close(loop)
	fs, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, explain(fail("mount "+kind+" of", path, err), "this kernel has no "+kind)
	}
	defer unix.Close(fs)
	if err = unix.FsconfigSetString(fs, "source", device); err == nil {
		err = unix.FsconfigSetFlag(fs, "ro")
	}
	if err == nil {
		err = unix.FsconfigCreate(fs)
	}
	tree := -1
	if err == nil {
		tree, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NODEV)
	}
	if err != nil {
		return -1, explain(fail("mount "+kind+" of", path, err), "the kernel's log says more; one that was not unmounted has to be checked first")
	}
	return tree, nil
}

// loopDevice gives a file to a free loop device, to read only. Whoever has the descriptor open, or what is mounted, keeps it.
func loopDevice(file int, path string) (fd int, device string, err error) {
	control, err := Open("/dev/loop-control", unix.O_RDWR)
	if err != nil {
		return -1, "", explain(err, "an image needs a loop device: this kernel has none (OpenWrt: kmod-loop)")
	}
	defer unix.Close(control)
	config := unix.LoopConfig{Fd: uint32(file), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_READ_ONLY | unix.LO_FLAGS_AUTOCLEAR}}
	copy(config.Info.File_name[:len(config.Info.File_name)-1], path)
	for try := 0; ; try++ {
		n, e := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if e != nil {
			return -1, "", fail("find a free loop device for", path, e)
		}
		device = "/dev/loop" + strconv.Itoa(n)
		if fd, err = Open(device, unix.O_RDONLY); err != nil {
			return -1, "", err
		}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.LOOP_CONFIGURE, uintptr(unsafe.Pointer(&config)))
		if errno == 0 {
			return fd, device, nil
		}
		unix.Close(fd)
		if errno != unix.EBUSY || try == loopTries {
			return -1, "", fail("give "+device, path, errno)
		}
	}
}

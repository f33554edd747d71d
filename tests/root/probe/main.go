// SPDX-License-Identifier: LGPL-2.1-only

// Command probe is a payload of tests/root: it makes one system call, and tells what came of it.
//
//	probe NUMBER [ARGUMENT...]   prints "errno N" or "done"
package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	var a [7]uintptr
	for i, s := range os.Args[1:] {
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil || i >= len(a) {
			os.Exit(2)
		}
		a[i] = uintptr(n)
	}
	if _, _, e := syscall.RawSyscall6(a[0], a[1], a[2], a[3], a[4], a[5], a[6]); e != 0 {
		os.Stdout.WriteString("errno " + strconv.Itoa(int(e)) + "\n")
		return
	}
	os.Stdout.WriteString("done\n")
}

// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread calls f on an operating system thread of its own, which ends with it: f may change what belongs to a thread
// (namespaces, file system ids, capabilities) and leave it so.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread cannot end, and /proc/self shows its namespaces. While it is held, another one is found.
			defer runtime.UnlockOSThread()
			done <- onThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

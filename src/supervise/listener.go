// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"strconv"
	"syscall"
	"time"

	"gojail/src/kernel"
	"gojail/src/spec"
)

// listenerLimit is how long the agent of a seccomp filter may leave us waiting: it has to accept and to read.
const listenerLimit = 10 * time.Second

// passListener sends the container process state with the listener of its seccomp filter to the agent that waits at path (runtime-spec,
// config-linux.md, "The Container Process State").
func (r *record) passListener(path, metadata, status string, container, pid, listener int) error {
	deadline := time.Now().Add(listenerLimit)
	socket, err := kernel.ConnectUnix(path)
	for kernel.ErrnoOf(err) == syscall.EAGAIN && time.Now().Before(deadline) { // its queue is full
		time.Sleep(10 * time.Millisecond)
		socket, err = kernel.ConnectUnix(path)
	}
	if err != nil {
		return err
	}
	defer kernel.Close(socket)
	for b := r.processState(metadata, status, container, pid); len(b) > 0; {
		n, err := kernel.SendFD(socket, b, listener)
		if kernel.ErrnoOf(err) == syscall.EAGAIN {
			ready, perr := kernel.Poll([]kernel.PollFD{{Fd: int32(socket), Events: kernel.Writable}}, deadline)
			if perr == nil && ready > 0 {
				continue
			}
		}
		if err != nil {
			return err
		}
		b, listener = b[n:], -1
	}
	return nil
}

// processState is the container process state as JSON.
func (r *record) processState(metadata, status string, container, pid int) []byte {
	b := make([]byte, 0, 1024)
	text := func(before, value string) { b = spec.AppendJSON(append(b, before...), value) }
	number := func(before string, value int) { b = strconv.AppendInt(append(b, before...), int64(value), 10) }
	text(`{"ociVersion":`, r.version)
	number(`,"fds":["seccompFd"],"pid":`, pid)
	if metadata != "" {
		text(`,"metadata":`, metadata)
	}
	text(`,"state":{"ociVersion":`, r.version)
	text(`,"id":`, r.name)
	text(`,"status":`, status)
	number(`,"pid":`, container)
	text(`,"bundle":`, r.bundle)
	before := `,"annotations":{`
	for _, a := range r.annotations {
		text(before, a.key)
		text(":", a.value)
		before = ","
	}
	if len(r.annotations) > 0 {
		b = append(b, '}')
	}
	return append(b, "}}"...)
}

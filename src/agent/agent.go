// SPDX-License-Identifier: LGPL-2.1-only

// Package agent gives the listener of a container's seccomp filter to the program that waits for it (seccomp_unotify(2)).
package agent

import (
	"strconv"
	"syscall"
	"time"

	"gojail/src/hooks"
	"gojail/src/kernel"
	"gojail/src/spec"
)

// listenerLimit is how long the agent of a seccomp filter may leave us waiting: it has to accept and to read.
const listenerLimit = 10 * time.Second

// Pass sends the container process state with the listener of its seccomp filter to the agent that waits at path (runtime-spec,
// config-linux.md, "The Container Process State").
//
// container is the pid of the container's process, in this status, and pid that of the process with the filter. listener stays the caller's.
func Pass(s *hooks.State, path, metadata, status string, container, pid, listener int) error {
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
	for b := processState(s, metadata, status, container, pid); len(b) > 0; {
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
func processState(s *hooks.State, metadata, status string, container, pid int) []byte {
	b := make([]byte, 0, 1024)
	text := func(before, value string) { b = spec.AppendJSON(append(b, before...), value) }
	number := func(before string, value int) { b = strconv.AppendInt(append(b, before...), int64(value), 10) }
	text(`{"ociVersion":`, s.Version)
	number(`,"fds":["seccompFd"],"pid":`, pid)
	if metadata != "" {
		text(`,"metadata":`, metadata)
	}
	text(`,"state":{"ociVersion":`, s.Version)
	text(`,"id":`, s.ID)
	text(`,"status":`, status)
	number(`,"pid":`, container)
	text(`,"bundle":`, s.Bundle)
	before := `,"annotations":{`
	for _, a := range s.Annotations {
		text(before, a.Key)
		text(":", a.Value)
		before = ","
	}
	if len(s.Annotations) > 0 {
		b = append(b, '}')
	}
	return append(b, "}}"...)
}

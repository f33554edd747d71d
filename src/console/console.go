// SPDX-License-Identifier: LGPL-2.1-only

// Package console says who gets the other end, the master, of a payload's terminal: procd, which gives it to whoever attaches; or else
// the terminal and the output that ujail itself was started with, between which and the master the resident relays. It is not for
// making the terminal, which the child does (packages plan and program), nor for relaying.
package console

import (
	"strings"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
)

// A Receiver takes a duplicate of the master, which stays the caller's, or says why it does not.
type Receiver func(master int) error

// Offer offers the master to one after the other. The error is the last one's: nobody has taken it.
func Offer(master int, to ...Receiver) (err error) {
	for _, take := range to {
		if err = take(master); err == nil {
			return nil
		}
	}
	return err
}

// Procd gives it to procd, as the console of an instance of a container; without an instance, of its first one. procd refuses with
// StatusInvalidArgument what was not registered with it (its service.c, container_handle_console). A console that it had for the
// instance is forgotten.
func Procd(until ubus.Until, c *ubus.Client, container, instance string) Receiver {
	return func(master int) error {
		id, err := c.LookupID(until, "container")
		if err != nil {
			return err
		}
		var w blob.Builder
		w.AddString("name", container)
		if instance != "" {
			w.AddString("instance", instance)
		}
		args, err := w.Bytes()
		if err != nil {
			return err
		}
		r, err := c.Invoke(until, id, "console_set", args, master)
		kernel.Close(r.FD)
		return err
	}
}

// maxCgroup is more than /proc/PID/cgroup has in bytes: a line for each of a dozen hierarchies.
const maxCgroup = 64 << 10

// Instance is which instance of a container procd has started this process as, or "": procd puts each into a cgroup
// services/CONTAINER/INSTANCE.
func Instance(container string) string {
	text, err := kernel.ReadFile("/proc/self/cgroup", maxCgroup)
	if err != nil {
		return ""
	}
	return instanceIn(string(text), container)
}

func instanceIn(text, container string) string {
	for line := range strings.Lines(text) {
		path, unified := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::")
		if rest, ok := strings.CutPrefix(path, "/services/"+container+"/"); unified && ok && container != "" {
			instance, _, _ := strings.Cut(rest, "/")
			return instance
		}
	}
	return ""
}

// Own is what ujail was started with: the terminal that its stdin is, and its stdout. Neither blocks. Each is -1 where it is not there or of no
// use; the caller closes them. Input is a terminal or nothing: procd starts with /dev/null, and a terminal is not told that a file has ended.
type Own struct{ Input, Output int }

// OpenOwn opens them. Without a terminal stdout takes what the payload writes, as it does of payloads without a terminal.
func OpenOwn() Own {
	own := Own{-1, -1}
	if kernel.IsTerminal(0) {
		own.Input = opened(kernel.Unblocked(0, kernel.ReadOnly))
	}
	own.Output = opened(kernel.Unblocked(1, kernel.WriteOnly))
	return own
}

func opened(fd int, err error) int {
	if err != nil {
		return -1
	}
	return fd
}

// Close closes them.
func (o Own) Close() {
	kernel.Close(o.Input)
	kernel.Close(o.Output)
}

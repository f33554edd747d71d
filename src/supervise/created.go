// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"time"

	"gojail/src/kernel"
	"gojail/src/resident"
	"gojail/src/spawn"
	"gojail/src/ubus"
)

// waiting is a container in the state "created": its worker stays until somebody calls start.
type waiting struct {
	*record
	logf    Logf
	parent  *parent
	bus     *ubus.Client
	pid     int            // of the payload
	call    *ubus.Incoming // of start: answered when it is known whether the payload runs
	term    terminal
	entered bool // it has a directory in state.Root
}

// created waits. The object is on the bus from here on: no start comes too early.
func (w *waiting) created(pid, sync int) error {
	box := container{record: w.record, status: stateCreated, pid: pid, tty: w.term.tty, group: groupAt(w.parent.cgroup), kill: resident.Kill,
		start: func() ubus.Status { return ubus.StatusOK }}
	next := time.Now()
	var limit time.Time // for the rest of a message of which the beginning has come
	for {
		if w.bus == nil && !time.Now().Before(next) {
			w.bus = offer(w.record, w.logf)
			w.term.offerTo(w.bus, w.name)
			next = time.Now().Add(time.Duration(w.retry) * time.Millisecond)
		}
		if w.bus != nil {
			switch err := w.serve(&box); {
			case w.call != nil:
				return nil
			case err != ubus.ErrTimeout || w.bus.Partial() && !limit.IsZero() && !time.Now().Before(limit):
				w.bus.Close()
				w.bus, next, limit = nil, time.Now().Add(firstRetry*time.Millisecond), time.Time{}
			case !w.bus.Partial():
				limit = time.Time{}
			case limit.IsZero():
				limit = time.Now().Add(busLimit)
			}
		}
		if kernel.HungUp(sync) {
			return spawn.ErrCancelled
		}
		fds := []kernel.PollFD{{Fd: int32(sync), Events: kernel.Readable}, {Fd: -1, Events: kernel.Readable}}
		deadline := next
		if w.bus != nil {
			fds[1].Fd, deadline = int32(w.bus.FD()), limit
		}
		if _, err := kernel.Poll(fds, deadline); err != nil {
			return err
		}
	}
}

// serve answers what has come in, up to a call of start.
func (w *waiting) serve(box *container) error {
	for {
		in, err := serveOne(box, w.bus, ubus.Look())
		if err != nil {
			return err
		}
		if in != nil {
			w.call = in
			return nil
		}
	}
}

// started answers the call of start.
func (w *waiting) started(err error) {
	if w.call == nil {
		return
	}
	status := ubus.StatusOK
	if err != nil {
		status = ubus.StatusUnknownError
	}
	if err := w.bus.Finish(ubus.Within(busLimit), w.call.Ticket, status, -1); err != nil && ubus.Fatal(err) {
		w.bus.Close()
		w.bus = nil
	}
	w.call = nil
}

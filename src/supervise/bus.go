// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"time"

	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/ubus"
)

// How long ubusd may take, and how long to wait before it is tried again: a bus that hangs, or is not there, holds nothing up.
const (
	busLimit   = time.Second
	busPause   = 5 * time.Millisecond // a burst of messages is one worker
	firstRetry = 1000                 // milliseconds
	lastRetry  = 30000
)

// offer puts the container on the bus: the object container.NAME.
func offer(r *record, logf Logf) *ubus.Client {
	c, err := ubus.Dial(ubus.Within(busLimit), slim.UbusSocket)
	if err == nil {
		r.object, err = c.AddObject(ubus.Within(busLimit), "container."+r.name, methods)
		if err != nil {
			c.Close()
		}
	}
	if err == nil {
		r.retry, r.warned = 0, false
		return c
	}
	if !r.warned { // once, not at each attempt
		r.warned = true
		logf(plan.Message("warning: " + busFault(err) + ": the container is not on the bus"))
	}
	r.retry = min(max(2*r.retry, firstRetry), lastRetry)
	return nil
}

func busFault(err error) string {
	if !kernel.Exists(slim.UbusSocket) {
		return "there is no ubusd at " + slim.UbusSocket
	}
	return err.Error()
}

// handOver leaves the connection and the record to the worker that comes next, and the resident to wait for what starts it.
func handOver(r *record, c *ubus.Client) error {
	fd := -1
	r.bus = ubus.State{}
	if c != nil {
		fd, r.bus = c.Detach()
	}
	err := leave(r)
	if err == nil {
		err = resident.Hold(resident.Bus, fd)
	}
	if err == nil && r.retry > 0 {
		err = resident.Wake(r.retry)
	}
	kernel.Close(fd)
	return err
}

// leave leaves the record to the workers to come.
func leave(r *record) error {
	b, err := r.encode()
	if err != nil {
		return err
	}
	memfd, err := kernel.SealedMemfd("container", b)
	if err != nil {
		return err
	}
	defer kernel.Close(memfd)
	return resident.Hold(resident.State, memfd)
}

// left is the record that an earlier worker has left.
func left() (*record, error) {
	b, err := kernel.ReadMemfd(resident.Held(resident.State), maxRecord)
	if err != nil {
		return nil, err
	}
	return decodeRecord(b)
}

// Event is the worker that serves the bus: what has come in, and if ubusd is gone another attempt to reach it.
func Event(o *slim.Options, logf Logf) int {
	if err := event(o, logf); err != nil {
		logf(plan.Message(err.Error()))
		return ExitFailed
	}
	return 0
}

func event(o *slim.Options, logf Logf) error {
	r, err := left()
	if err != nil {
		return err
	}
	if !r.published {
		republish(r, o, logf)
	}
	var c *ubus.Client
	if fd := resident.Held(resident.Bus); fd >= 0 {
		if c, err = ubus.Resume(fd, r.bus); err != nil {
			kernel.Close(fd)
		}
	} else {
		if c = offer(r, logf); c != nil {
			offerHeld(c, r.name)
		}
	}
	err = tellEnds(r, c)
	if c != nil && (err != nil || !answer(r, c, o, logf)) {
		c.Close()
		c, r.retry = nil, firstRetry
	}
	again := r.minds(o, logf)
	if err := handOver(r, c); err != nil || again == 0 || r.retry > 0 && r.retry < again {
		return err
	}
	return resident.Wake(again)
}

// answer answers what has come in, until nothing does any more. False: the connection is of no use any more.
func answer(r *record, c *ubus.Client, o *slim.Options, logf Logf) bool {
	e := execs{r, o, logf, -1}
	defer e.close()
	box := container{record: r, status: stateRunning, pid: resident.Payload(), tty: resident.Held(resident.TTY), group: heldGroup(),
		kill: resident.Kill, exec: e.start}
	pause := busPause
	for stop := time.Now().Add(4 * busLimit); time.Now().Before(stop); {
		_, err := serveOne(&box, c, ubus.Within(pause))
		switch {
		case err == nil:
			pause = busPause
		case err != ubus.ErrTimeout:
			return false
		case !c.Partial():
			return true
		case pause == busLimit: // the rest of a message does not come
			return false
		default:
			pause = busLimit
		}
	}
	return true
}

// serveOne takes a call and answers it. A call of start that is in order is given back: it is answered when the payload runs. The error is
// ErrTimeout where nothing came, or Fatal.
func serveOne(box *container, c *ubus.Client, until ubus.Until) (start *ubus.Incoming, err error) {
	in, err := c.Receive(until)
	switch {
	case err != nil && !ubus.Fatal(err):
		return nil, ubus.ErrTimeout
	case err != nil:
		return nil, err
	}
	defer kernel.Close(in.FD)
	if in.Kind != ubus.KindCall {
		return nil, nil
	}
	data, status := box.handle(in)
	if in.Method == "start" && status == ubus.StatusOK {
		return in, nil
	}
	if data != nil {
		err = c.Reply(ubus.Within(busLimit), in.Ticket, data)
	}
	if err == nil {
		err = c.Finish(ubus.Within(busLimit), in.Ticket, status, -1)
	}
	if err != nil && !ubus.Fatal(err) {
		err = nil
	}
	return nil, err
}

// SPDX-License-Identifier: LGPL-2.1-only

package ubustest

import (
	"slices"
	"time"

	"gojail/src/kernel"
	"gojail/src/ubus"
)

// An Offered is an object with somebody who answers for it: a fake of procd, netifd and so on.
type Offered struct {
	ID     uint32
	client *ubus.Client
	wake   int
	done   chan struct{}
}

// Offer adds an object at a bus, real or not, and answers its calls by handle, one after the other in a goroutine of its own: with
// the data, if it is not nil, and the status. handle closes in.FD.
func Offer(bus, path string, methods []ubus.Method, handle func(in *ubus.Incoming) ([]byte, ubus.Status)) (*Offered, error) {
	until := ubus.Within(10 * time.Second)
	c, err := ubus.Dial(until, bus)
	if err != nil {
		return nil, err
	}
	o := &Offered{client: c, done: make(chan struct{})}
	if o.ID, err = c.AddObject(until, path, methods); err == nil {
		o.wake, err = kernel.Eventfd()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	go o.serve(handle)
	return o, nil
}

// Close withdraws the object, and waits until nothing is answered any more. It may be called once.
func (o *Offered) Close() {
	_ = kernel.Wake(o.wake)
	<-o.done
	kernel.Close(o.wake)
	_ = o.client.RemoveObject(ubus.Within(10*time.Second), o.ID) // closing alone leaves a moment in which calls go nowhere
	o.client.Close()
}

func (o *Offered) serve(handle func(in *ubus.Incoming) ([]byte, ubus.Status)) {
	defer close(o.done)
	fds := []kernel.PollFD{{Fd: int32(o.wake), Events: kernel.Readable}, {Fd: int32(o.client.FD()), Events: kernel.Readable}}
	for {
		if _, err := kernel.Poll(fds, time.Time{}); err != nil || fds[0].Revents != 0 {
			return
		}
		for {
			in, err := o.client.Receive(now)
			if err != nil {
				if ubus.Fatal(err) {
					return
				}
				break
			}
			if in.Kind != ubus.KindCall {
				continue
			}
			data, status := handle(in)
			if data != nil {
				err = o.client.Reply(ubus.Within(10*time.Second), in.Ticket, slices.Clone(data))
			}
			if err == nil {
				err = o.client.Finish(ubus.Within(10*time.Second), in.Ticket, status, -1)
			}
			if err != nil && ubus.Fatal(err) {
				return
			}
		}
	}
}

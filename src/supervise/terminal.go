// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"gojail/src/blob"
	"gojail/src/console"
	"gojail/src/kernel"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/ubus"
)

// terminal is the payload's, in the worker that starts it.
type terminal struct {
	master int  // -1: there is none, or it is somebody else's
	tty    int  // the payload's end, or -1
	own    bool // it is relayed to our own terminal
}

// made has the resident keep the terminal before the payload can run, so that it is there however this worker ends. What is open here
// is so until then.
func (t *terminal) made(master int) error {
	t.master = master
	own := console.OpenOwn()
	defer own.Close()
	if err := kernel.SetNonblock(master); err != nil {
		return err
	}
	var err error
	if t.tty, err = kernel.OpenPeer(master); err != nil {
		return err
	}
	if t.own = own.Input >= 0; t.own {
		if size, err := kernel.GetWindowSize(own.Input); err == nil && size != (kernel.WindowSize{}) {
			_ = kernel.SetWindowSize(master, size)
		}
	}
	for _, h := range [...]struct{ slot, fd int }{{resident.TTY, t.tty}, {resident.Input, own.Input}, {resident.Output, own.Output},
		{resident.Console, master}} {
		if err = resident.Hold(h.slot, h.fd); err != nil {
			break
		}
	}
	return err
}

// offerTo offers the master to procd. Who has started ujail at a terminal wants it there: that of a container that procd knows by the
// same name has nothing to do with it.
func (t *terminal) offerTo(c *ubus.Client, name string) {
	if t.master < 0 || t.own || c == nil || name == "" {
		return
	}
	if giveAway(c, name, t.master) {
		kernel.Close(t.master)
		t.master = -1
	}
}

// offer is offerTo over a connection of its own, for a jail that has none.
func (t *terminal) offer(name string) {
	if t.master < 0 || t.own || name == "" || !kernel.Exists(slim.UbusSocket) {
		return
	}
	c, err := ubus.Dial(ubus.Within(busLimit), slim.UbusSocket)
	if err != nil {
		return
	}
	defer c.Close()
	t.offerTo(c, name)
}

// giveAway gives the master to procd if that wants it, and the resident then relays nothing.
func giveAway(c *ubus.Client, name string, master int) bool {
	if console.Offer(master, console.Procd(ubus.Within(busLimit), c, name, console.Instance(name))) != nil {
		return false
	}
	return resident.Hold(resident.Console, -1) == nil && resident.Hold(resident.Output, -1) == nil
}

// offerHeld offers the master to procd that nobody was there to take until now.
func offerHeld(c *ubus.Client, name string) {
	if master := resident.Held(resident.Console); master >= 0 && resident.Held(resident.Input) < 0 {
		giveAway(c, name, master)
	}
}

// resize is the method of that name. tty is either end of the payload's terminal, or -1.
func resize(tty int, data []byte) ubus.Status {
	width, height := int64(-1), int64(-1)
	d := blob.NewFields(data)
	for d.Next() {
		switch d.Name() {
		case "width":
			width = d.Int()
		case "height":
			height = d.Int()
		}
	}
	const most = 1<<16 - 1
	switch {
	case d.Err() != nil || width < 1 || width > most || height < 1 || height > most:
		return ubus.StatusInvalidArgument
	case tty < 0: // as procd's console_attach says it
		return ubus.StatusNotSupported
	case kernel.SetWindowSize(tty, kernel.WindowSize{Width: uint16(width), Height: uint16(height)}) != nil:
		return ubus.StatusUnknownError
	}
	return ubus.StatusOK
}

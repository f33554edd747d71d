// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"slices"

	"gojail/src/blob"
	"gojail/src/kernel"
)

// WaitFor waits until there is an object at path, and gives its id. What else comes in meanwhile is kept for Receive.
func (c *Client) WaitFor(until Until, path string) (id uint32, err error) {
	listener, err := c.AddObject(until, "", nil)
	if err != nil {
		return 0, err
	}
	id, err = c.waitFor(until, listener, path)
	if !Fatal(err) {
		// Also where the time is over: nobody would take the object's events out of the way afterwards.
		after := until
		if until.expired() != nil {
			after = Within(grace)
		}
		if removed := c.RemoveObject(after, listener); err == nil {
			err = removed
		}
		c.added(listener, "")
	}
	return id, opError("wait for", path, err)
}

func (c *Client) waitFor(until Until, listener uint32, path string) (uint32, error) {
	if err := c.Listen(until, listener, "ubus.object.add"); err != nil {
		return 0, err
	}
	switch id, err := c.LookupID(until, path); {
	case err == nil:
		return id, nil
	case !isNotFound(err):
		return 0, err
	}
	for {
		if id := c.added(listener, path); id != 0 {
			return id, nil
		}
		m, err := c.conn.Receive(until)
		if err == nil {
			err = c.keep(until, m)
		}
		if err == nil {
			err = until.expired()
		}
		if err != nil {
			return 0, err
		}
	}
}

func isNotFound(err error) bool {
	e, ok := err.(*OpError)
	return ok && e.Err == StatusNotFound
}

// added takes the events of listener out of what is kept for Receive, and gives the id of the object at path if one of them has it.
func (c *Client) added(listener uint32, path string) (id uint32) {
	c.queue = slices.DeleteFunc(c.queue, func(m Message) bool {
		if m.Type != MsgInvoke {
			return false
		}
		a, err := ParseAttrs(m.Body)
		if err != nil || a.Object != listener {
			return false
		}
		var at string
		var which uint32
		for d := blob.NewFields(a.Data); d.Next(); {
			switch {
			case d.Name() == "path" && d.Type() == blob.String:
				at = d.Text()
			case d.Name() == "id" && d.Type() == blob.Int32:
				which = d.Uint32()
			}
		}
		if at == path && path != "" {
			id = which
		}
		kernel.Close(m.FD)
		c.queued -= len(m.Body)
		return true
	})
	return id
}

// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"strconv"

	"gojail/src/blob"
	"gojail/src/kernel"
)

// begin empties the Builder for the body of a request.
func (c *Client) begin() *blob.Builder {
	c.w.Reset()
	return &c.w
}

// do sends what was built since begin.
func (c *Client) do(until Until, t MsgType, peer uint32, pass int, data func(*Attrs)) (passed int, err error) {
	body, err := c.w.Bytes()
	if err != nil {
		return -1, err
	}
	return c.Do(until, &Request{t, peer, body, pass}, data)
}

// simple is do for what has neither data nor a descriptor in its answer.
func (c *Client) simple(until Until, op, on string, t MsgType, peer uint32) error {
	passed, err := c.do(until, t, peer, -1, nil)
	kernel.Close(passed)
	return opError(op, on, err)
}

// objectName is an id as the ubus command prints it.
func objectName(id uint32) string {
	digits := strconv.FormatUint(uint64(id), 16)
	return "object @" + "00000000"[len(digits):] + digits
}

// Ping asks ubusd for a sign of life.
func (c *Client) Ping(until Until) error {
	c.begin()
	return c.simple(until, "ping ubusd", "", MsgPing, 0)
}

// An Object is what Lookup has found.
type Object struct {
	Path      string
	ID        uint32 // changes whenever it is added anew
	Type      uint32
	Signature []byte // its methods, for Methods
}

// Lookup finds the object at a path; with * at the end of it, all whose paths begin with what is before; with the empty path, all.
// They come in the order of their paths, without those that ubusd's access lists hide. None is StatusNotFound, but not for the
// empty path.
func (c *Client) Lookup(until Until, path string) (found []Object, err error) {
	if w := c.begin(); path != "" {
		w.PutString(AttrObjPath, path)
	}
	passed, err := c.do(until, MsgLookup, 0, -1, func(a *Attrs) {
		if a.Has(AttrObjID) && a.Has(AttrObjPath) {
			found = append(found, Object{a.Path, a.Object, a.ObjectType, a.Signature})
		}
	})
	kernel.Close(passed)
	if err != nil {
		return nil, opError("look up", path, err)
	}
	return found, nil
}

// LookupID finds one object.
func (c *Client) LookupID(until Until, path string) (uint32, error) {
	found, err := c.Lookup(until, path)
	switch {
	case err != nil:
		return 0, err
	case len(found) != 1: // hidden by access lists, or a pattern
		return 0, &OpError{"look up", path, StatusNotFound}
	}
	return found[0].ID, nil
}

// A Reply is what a method has answered.
type Reply struct {
	Data [][]byte // tables, for blob.NewFields; most methods give one or none
	FD   int      // a descriptor, the caller's to close, or -1
}

// Invoke calls a method of an object. args is the content of a table, which may be nil. pass is a descriptor that goes with it, or
// -1; it stays the caller's.
func (c *Client) Invoke(until Until, object uint32, method string, args []byte, pass int) (r Reply, err error) {
	c.putCall(object, method, args)
	r.FD, err = c.do(until, MsgInvoke, object, pass, func(a *Attrs) {
		if a.Has(AttrData) {
			r.Data = append(r.Data, a.Data)
		}
	})
	if err != nil {
		return Reply{FD: -1}, opError("call", method+" of "+objectName(object), err)
	}
	return r, nil
}

// Call looks an object up and calls a method of it.
func (c *Client) Call(until Until, path, method string, args []byte) (Reply, error) {
	id, err := c.LookupID(until, path)
	if err != nil {
		return Reply{FD: -1}, err
	}
	r, err := c.Invoke(until, id, method, args, -1)
	if e, ok := err.(*OpError); ok {
		e.On = path + " " + method
	}
	return r, err
}

func (c *Client) putCall(object uint32, method string, args []byte) *blob.Builder {
	w := c.begin()
	w.PutUint32(AttrObjID, object)
	w.PutString(AttrMethod, method)
	w.PutBytes(AttrData, args)
	return w
}

// A Method is what an object offers.
type Method struct {
	Name string
	Args []Arg
}

// An Arg is an argument of a method. Neither ubusd nor this package holds callers to it.
type Arg struct {
	Name string
	Type blob.Type
}

// AddObject offers an object: its calls come in by Receive. The empty path is an object without a name, to subscribe and listen
// with. A path that is taken is StatusInvalidArgument.
func (c *Client) AddObject(until Until, path string, methods []Method) (id uint32, err error) {
	w := c.begin()
	if path != "" {
		w.PutString(AttrObjPath, path)
		w.OpenNested(AttrSignature)
		for _, m := range methods {
			w.OpenTable(m.Name)
			for _, a := range m.Args {
				w.AddUint32(a.Name, uint32(a.Type))
			}
			w.Close()
		}
		w.Close()
	}
	passed, err := c.do(until, MsgAddObject, 0, -1, func(a *Attrs) { id = a.Object })
	kernel.Close(passed)
	if err == nil && id == 0 {
		err = StatusNoData
	}
	if err != nil {
		return 0, opError("add object", path, err)
	}
	return id, nil
}

// Methods reads the Signature of an Object.
func Methods(signature []byte) (methods []Method, err error) {
	d := blob.NewFields(signature)
	for d.Next() {
		m := Method{Name: d.Name()}
		for args := d.Fields(); args.Next(); {
			m.Args = append(m.Args, Arg{args.Name(), blob.Type(args.Uint32())})
		}
		methods = append(methods, m)
	}
	return methods, opError("read the methods of an object", "", d.Err())
}

// RemoveObject withdraws an object of this Client.
func (c *Client) RemoveObject(until Until, id uint32) error {
	c.begin().PutUint32(AttrObjID, id)
	return c.simple(until, "remove", objectName(id), MsgRemoveObject, 0)
}

// Subscribe has the notifications of target come in as calls of subscriber, an object of this Client; target has to be another
// client's. When target is gone, a KindUnsubscribed comes in.
func (c *Client) Subscribe(until Until, subscriber, target uint32) error {
	return c.subscribe(until, "subscribe to", MsgSubscribe, subscriber, target)
}

// Unsubscribe ends it. StatusNotFound: it was not subscribed.
func (c *Client) Unsubscribe(until Until, subscriber, target uint32) error {
	return c.subscribe(until, "unsubscribe from", MsgUnsubscribe, subscriber, target)
}

func (c *Client) subscribe(until Until, op string, t MsgType, subscriber, target uint32) error {
	w := c.begin()
	w.PutUint32(AttrObjID, subscriber)
	w.PutUint32(AttrTarget, target)
	return c.simple(until, op, objectName(target), t, 0)
}

// Listen has events come in as calls of object, one of this Client's: those with the name of the pattern or, with * at its end,
// those whose names begin with what is before. An object may listen for several. Its own events do not come back to a Client.
func (c *Client) Listen(until Until, object uint32, pattern string) error {
	var w blob.Builder
	w.AddUint32("object", object)
	w.AddString("pattern", pattern)
	return c.event(until, "listen for", pattern, "register", &w)
}

// SendEvent sends an event to all who listen. data is the content of a table, which may be nil.
func (c *Client) SendEvent(until Until, name string, data []byte) error {
	var w blob.Builder
	w.AddString("id", name)
	w.AddRaw("data", blob.Table, data)
	return c.event(until, "send event", name, "send", &w)
}

func (c *Client) event(until Until, op, name, method string, w *blob.Builder) error {
	args, err := w.Bytes()
	if err != nil {
		return opError(op, name, err)
	}
	c.putCall(ObjectEvent, method, args)
	return c.simple(until, op, name, MsgInvoke, ObjectEvent)
}

// Monitor has copies of all messages of ubusd come in as KindMonitored, or ends that. Only root may.
func (c *Client) Monitor(until Until, on bool) error {
	method := "remove"
	if on {
		method = "add"
	}
	c.putCall(ObjectMonitor, method, nil)
	return c.simple(until, "monitor ubusd", "", MsgInvoke, ObjectMonitor)
}

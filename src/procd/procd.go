// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"errors"
	"strconv"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// object is procd's.
const object = "container"

// ErrNone is what the calls end with where procd is there and has no containers: it has them only if /sbin/ujail was there when it was started.
var ErrNone = errors.New("procd has no containers: /sbin/ujail was not there when it was started (reboot once)")

// A Client speaks with procd.
type Client struct {
	Bus *ubus.Client
	// Until gives each call its time.
	Until func() ubus.Until
}

func (c *Client) call(method string, args *blob.Builder, reply func(*blob.Decoder)) error {
	b, err := args.Bytes()
	if err != nil {
		return err
	}
	r, err := c.Bus.Call(c.Until(), object, method, b)
	var status ubus.Status
	switch {
	case errors.As(err, &status) && status == ubus.StatusNotFound && method == "list":
		return ErrNone
	case err != nil:
		return err
	}
	for _, b := range r.Data {
		d := blob.NewFields(b)
		if reply != nil {
			reply(d)
		}
		if err := d.Err(); err != nil {
			return err
		}
	}
	return nil
}

// List asks for all containers.
func (c *Client) List() (list []Have, err error) {
	var args blob.Builder
	err = c.call("list", &args, func(d *blob.Decoder) {
		for d.Next() {
			if d.Type() == blob.Table {
				list = append(list, have(d.Name(), d.Fields()))
			}
		}
	})
	return list, err
}

// have reads a container: of its instances, the one of its own name counts.
func have(name string, d *blob.Decoder) Have {
	h := Have{Container: Container{Name: name}}
	for d.Next() {
		if d.Name() != "instances" || d.Type() != blob.Table {
			continue
		}
		for in := d.Fields(); in.Next(); {
			if in.Name() == name && in.Type() == blob.Table {
				h.instance(in.Fields())
			}
		}
	}
	return h
}

func (h *Have) instance(d *blob.Decoder) {
	for d.Next() {
		switch name := d.Name(); {
		case name == "running" && d.Type() == blob.Int8:
			h.Running = d.Bool()
		case name == "bundle" && d.Type() == blob.String:
			h.Bundle = d.Text()
		case name == "pid":
			h.PID = int(d.Int())
		case name == "exit_code":
			h.Exit = int(d.Int())
		case name == "term_timeout":
			h.TermTimeout = uint32(d.Int())
		case name == "respawn" && d.Type() == blob.Table:
			h.Respawn.On = true
			for f := d.Fields(); f.Next(); {
				if n := map[string]*uint32{"threshold": &h.Respawn.Threshold, "timeout": &h.Respawn.Timeout, "retry": &h.Respawn.Retry}[f.Name()]; n != nil {
					*n = uint32(f.Int())
				}
			}
		}
	}
}

// Add has procd start a container, or start it anew if it runs otherwise.
func (c *Client) Add(o *Container) error {
	var w blob.Builder
	w.AddString("name", o.Name)
	w.OpenTable("instances")
	w.OpenTable(o.Name)
	w.AddString("bundle", o.Bundle)
	w.AddUint32("term_timeout", o.TermTimeout)
	w.AddBool("stderr", true) // the supervisor's own words
	if o.Respawn.On {
		w.OpenArray("respawn")
		for _, n := range [...]uint32{o.Respawn.Threshold, o.Respawn.Timeout, o.Respawn.Retry} {
			w.AddString("", strconv.FormatUint(uint64(n), 10))
		}
		w.Close()
	}
	w.OpenTable("jail")
	w.AddString("name", o.Name)
	w.AddBool("immediately", true)
	w.Close()
	w.Close()
	w.Close()
	return c.call("add", &w, nil)
}

// Delete has procd end a container, with all instances of that name, and forget it. It does not wait for the end.
func (c *Client) Delete(name string) error {
	var w blob.Builder
	w.AddString("name", name)
	err := c.call("delete", &w, nil)
	if errors.Is(err, ubus.StatusNotFound) { // it has ended meanwhile
		return nil
	}
	return err
}

// NoRespawn has procd not start a container again that is about to end.
func (c *Client) NoRespawn(name string) error {
	var w blob.Builder
	w.AddString("name", name)
	w.AddBool("spawn", false)
	return c.call("state", &w, nil)
}

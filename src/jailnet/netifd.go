// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"strconv"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/plan"
	"gojail/src/slim"
	"gojail/src/ubus"
)

// netifdLimit is how long netifd may take to answer, and to have a device for an interface that is coming up.
const netifdLimit = 3 * time.Second

const netifdObject = "network.interface."

// call calls netifd; use gets the table that it answers.
func call(iface, method string, args *blob.Builder, use func(*blob.Decoder)) error {
	return callAt(netifdObject+iface, method, args, use)
}

func callAt(object, method string, args *blob.Builder, use func(*blob.Decoder)) error {
	until := ubus.Within(netifdLimit)
	var b []byte
	if args != nil {
		var err error
		if b, err = args.Bytes(); err != nil {
			return err
		}
	}
	c, err := ubus.Dial(until, slim.UbusSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Call(until, object, method, b)
	if err != nil {
		return err
	}
	kernel.Close(r.FD)
	for _, table := range r.Data {
		if use != nil {
			use(blob.NewFields(table))
		}
	}
	return nil
}

// deviceOf is the device of one of netifd's interfaces. One that is coming up is waited for.
func deviceOf(iface string) (name string, err error) {
	where := "interface=" + iface
	for stop := time.Now().Add(netifdLimit); ; time.Sleep(50 * time.Millisecond) {
		err = call(iface, "status", nil, func(d *blob.Decoder) {
			for d.Next() {
				if d.Name() == "device" && d.Type() == blob.String {
					name = d.Text()
				}
			}
		})
		switch {
		case err == nil && name != "":
			return name, nil
		case !kernel.Exists(slim.UbusSocket):
			return "", &plan.Error{Where: where, Reason: "there is no ubusd to ask netifd by (bridge= names a device without it)"}
		case time.Now().After(stop) && err != nil:
			return "", &plan.Error{Where: where, Reason: "netifd has no such interface: " + err.Error()}
		case time.Now().After(stop):
			return "", &plan.Error{Where: where, Reason: "netifd has no device for it: see ifstatus " + iface}
		}
	}
}

// addDevice has netifd make a device a port of an interface's bridge, in a VLAN if the bridge filters them.
func addDevice(iface, device string, vlan uint16, filters bool) error {
	var w blob.Builder
	w.AddString("name", device)
	w.AddBool("link-ext", true)
	if vlan != 0 && filters {
		w.OpenArray("vlan")
		w.AddString("", strconv.Itoa(int(vlan))+":u")
		w.Close()
	}
	if err := call(iface, "add_device", &w, nil); err != nil {
		return &plan.Error{Where: "interface=" + iface, Reason: "netifd does not take " + device + ": " + err.Error()}
	}
	return nil
}

// removeDevice has netifd forget it. Where there is no netifd there is nothing to forget.
func removeDevice(iface, device string) {
	var w blob.Builder
	w.AddString("name", device)
	w.AddBool("link-ext", true)
	_ = call(iface, "remove_device", &w, nil)
}

// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
)

// procdLimit is how long an answer of procd is waited for: the page can do without.
const procdLimit = 500 * time.Millisecond

// An instance is a container as procd sees it.
type instance struct {
	running bool
	exit    int64 // of the last run; 0 also if there was none
}

// instances asks procd for its containers. Without one there are none.
func (s *Server) instances() map[string]instance {
	until := ubus.Within(procdLimit)
	client, err := ubus.Dial(until, s.Ubus)
	if err != nil {
		return nil
	}
	defer client.Close()
	reply, err := client.Call(until, "container", "list", nil)
	if err != nil {
		return nil
	}
	kernel.Close(reply.FD)
	all := map[string]instance{}
	for _, table := range reply.Data {
		for d := blob.NewFields(table); d.Next(); {
			if d.Type() == blob.Table {
				readContainer(all, d.Name(), d.Fields())
			}
		}
	}
	return all
}

// readContainer reads {instances: {NAME: {running, exit_code, ...}}}. The instance that is the container has its name; others are its ubusd and
// netifd.
func readContainer(all map[string]instance, name string, d *blob.Decoder) {
	for d.Next() {
		if d.Name() != "instances" || d.Type() != blob.Table {
			continue
		}
		for i := d.Fields(); i.Next(); {
			if i.Type() != blob.Table {
				continue
			}
			one, own := instance{}, i.Name()
			for f := i.Fields(); f.Next(); {
				switch {
				case f.Name() == "running" && f.Type() == blob.Bool:
					one.running = f.Bool()
				case f.Name() == "exit_code" && f.Type() == blob.Int32:
					one.exit = f.Int()
				}
			}
			if _, have := all[name]; !have || own == name {
				all[name] = one
			}
		}
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"slices"
	"strconv"
	"strings"

	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/spec"
)

// A Status is what is to be told of one interface.
type Status struct {
	Container, Name    string
	Alive, Up          bool
	Type, Proto        string
	MAC                string
	Addresses          []string
	Host, On           string // the host's end, and what it is connected to
	Joined             bool   // it is a port of On
	Counters           kernel.Counters
	Interface, Gateway string
}

// List tells of all containers with a network of this package, or of one.
func List(only string) (list []Status, err error) {
	names, err := kernel.ReadNames(Dir, maxNames)
	if err != nil {
		return nil, nil // there has been none
	}
	slices.Sort(names)
	host, err := kernel.OpenNetlink()
	if err != nil {
		return nil, err
	}
	defer host.Close()
	for _, name := range names {
		if only != "" && name != only {
			continue
		}
		n, err := load(name)
		if err != nil {
			continue
		}
		list = append(list, n.status(host, alive(name))...)
	}
	return list, nil
}

func (n *Net) status(host *kernel.Netlink, living bool) (list []Status) {
	var in *kernel.Netlink
	var addresses []kernel.Address
	if living && n.PID > 0 {
		if fd, err := NetNS(n.Name); err == nil {
			if in, err = kernel.OpenNetlinkIn(fd); err == nil {
				addresses, _ = in.Addresses()
			}
			kernel.Close(fd)
		}
	}
	defer in.Close()
	for i := range n.Links {
		l := &n.Links[i]
		s := Status{Container: n.Name, Name: l.Name, Alive: living, Type: l.Type, Proto: l.Proto, MAC: l.mac(n).String(), Host: l.Host, On: l.On, Interface: l.Interface}
		if lease, err := loadLease(n.Name, l.Name); err == nil && lease.Gateway.IsSet() {
			s.Gateway = lease.Gateway.String()
		} else if l.Gateway.IsSet() {
			s.Gateway = l.Gateway.String()
		}
		if in != nil {
			if dev, err := in.Link(l.Name); err == nil {
				s.Up, s.Counters = dev.Up && dev.Running, dev.Counters
				for _, a := range addresses {
					if ip, ok := netbridge.AddrFrom(a.IP); ok && a.Index == dev.Index {
						s.Addresses = append(s.Addresses, netbridge.Prefix{Addr: ip, Bits: a.Bits}.String())
					}
				}
			}
		}
		if outer, err := host.Link(l.Host); err == nil {
			on, err := host.Link(l.On)
			s.Joined = err == nil && outer.Master == on.Index
		} else if l.Type == netbridge.MACVLAN {
			_, err := host.Link(l.On)
			s.Joined = err == nil
		}
		list = append(list, s)
	}
	return list
}

// JSON is the list as an array of objects.
func JSON(list []Status) string {
	b := []byte{'['}
	for i := range list {
		s := &list[i]
		if i > 0 {
			b = append(b, ',')
		}
		text := func(before, key, value string) {
			b = spec.AppendJSON(append(b, before...), key)
			b = spec.AppendJSON(append(b, ':'), value)
		}
		flag := func(key string, v bool) { b = strconv.AppendBool(append(b, `,"`+key+`":`...), v) }
		text("{", "container", s.Container)
		text(",", "ifname", s.Name)
		flag("running", s.Alive)
		flag("up", s.Up)
		text(",", "type", s.Type)
		text(",", "proto", s.Proto)
		text(",", "macaddr", s.MAC)
		b = append(b, `,"addresses":[`...)
		for k, a := range s.Addresses {
			if k > 0 {
				b = append(b, ',')
			}
			b = spec.AppendJSON(b, a)
		}
		b = append(b, ']')
		text(",", "gateway", s.Gateway)
		text(",", "interface", s.Interface)
		text(",", "device", s.On)
		text(",", "host_device", s.Host)
		flag("joined", s.Joined)
		c := &s.Counters
		for _, v := range [...]struct {
			key   string
			count uint64
		}{{"rx_bytes", c.RxBytes}, {"rx_packets", c.RxPackets}, {"rx_errors", c.RxErrors}, {"rx_dropped", c.RxDropped},
			{"tx_bytes", c.TxBytes}, {"tx_packets", c.TxPackets}, {"tx_errors", c.TxErrors}, {"tx_dropped", c.TxDropped}} {
			b = strconv.AppendUint(append(b, `,"`+v.key+`":`...), v.count, 10)
		}
		b = append(b, '}')
	}
	return string(append(b, ']', '\n'))
}

// Text is the list for people.
func Text(list []Status) string {
	var b strings.Builder
	for i := range list {
		s := &list[i]
		state := "up"
		switch {
		case !s.Alive:
			state = "of a container that is no more (jailnet repair)"
		case !s.Up:
			state = "down"
		case !s.Joined:
			state = "not connected (jailnet repair)"
		}
		b.WriteString(s.Container + " " + s.Name + ": " + state + ", " + s.Type + ", " + s.Proto + ", " + s.MAC + "\n")
		if s.On != "" {
			b.WriteString("    on " + s.On)
			if s.Host != "" {
				b.WriteString(" by " + s.Host)
			}
			if s.Interface != "" {
				b.WriteString(" (netifd's " + s.Interface + ")")
			}
			b.WriteByte('\n')
		}
		if len(s.Addresses) > 0 {
			b.WriteString("    " + strings.Join(s.Addresses, " "))
			if s.Gateway != "" {
				b.WriteString(" via " + s.Gateway)
			}
			b.WriteByte('\n')
		}
		c := &s.Counters
		u := func(v uint64) string { return strconv.FormatUint(v, 10) }
		b.WriteString("    received " + u(c.RxBytes) + " bytes, " + u(c.RxPackets) + " packets, " + u(c.RxErrors+c.RxDropped) + " lost; sent " +
			u(c.TxBytes) + " bytes, " + u(c.TxPackets) + " packets, " + u(c.TxErrors+c.TxDropped) + " lost\n")
	}
	return b.String()
}

// Repair takes away what containers have left that are no more, and connects those that live again. It tells what it has done.
func Repair(say func(string)) error {
	top, err := lockTop()
	if err != nil {
		return err
	}
	defer unlockTop(top)
	names, err := kernel.ReadNames(Dir, maxNames)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		n, err := open(name)
		if err == nil {
			n.undo()
			n.Close()
			say(name + ": the network of a container that is no more was taken away")
			continue
		}
		if n, err = load(name); err != nil {
			continue
		}
		if err := n.Rejoin(); err != nil {
			say(name + ": " + err.Error())
		}
	}
	if err := writeHosts(); err != nil {
		return err
	}
	return strays(say)
}

// strays takes away the host's ends that belong to no container.
func strays(say func(string)) error {
	host, err := kernel.OpenNetlink()
	if err != nil {
		return err
	}
	defer host.Close()
	list, err := host.Links()
	if err != nil {
		return err
	}
	for _, l := range list {
		words := strings.SplitN(l.Alias, " ", 3)
		if l.Kind != "veth" || len(words) < 3 || words[0] != "gojail" {
			continue
		}
		// The alias is written after the state.
		if n, err := load(words[2]); err == nil && slices.ContainsFunc(n.Links, func(k Link) bool { return k.Host == l.Name }) {
			continue
		}
		if err := host.DeleteLink(l.Index, l.Name); err == nil {
			say(l.Name + ": a device of no container was taken away (" + l.Alias + ")")
		}
	}
	return nil
}

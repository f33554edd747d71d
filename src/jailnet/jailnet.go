// SPDX-License-Identifier: LGPL-2.1-only

// Package jailnet makes the network that package netbridge describes: pairs of devices of which one end is the container's and the other a
// port of a bridge, addresses, routes, resolv.conf and hosts. It is not for netifd's own jails.
//
// What is known of a container's network stands in a directory below Dir, which is locked (flock(2)) as long as the container lives: the
// resident has the lock. Where nobody has it the container is no more, and what it has left is taken away by who comes by.
package jailnet

import (
	"strconv"
	"strings"
	"syscall"

	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
)

// Dir has a directory for each container with a network of this package.
const Dir = "/run/jailnet"

const (
	maxState = 64 << 10 // bytes of a state
	maxNames = 4096     // directories
	tries    = 64
)

// A Net is a container's network.
type Net struct {
	Name     string
	Hostname string
	PID      int // of the container's process, 0 before there is one
	Links    []Link
	Ports    []netbridge.Port

	lock int
}

// A Link is one interface and where its other end is.
type Link struct {
	netbridge.Config
	Host string // the host's device, "" if there is none
	On   string // the bridge that it is a port of, or the device that a macvlan stands on
}

func (n *Net) dir() string { return Dir + "/" + n.Name }

// Lock is the descriptor of the lock, for the resident to hold.
func (n *Net) Lock() int { return n.lock }

// Close closes the lock: it is gone with the last descriptor of it.
func (n *Net) Close() {
	if n != nil {
		kernel.Close(n.lock)
	}
}

// lockTop locks Dir, which it makes, against all who make or remove a directory there.
func lockTop() (fd int, err error) {
	for range tries {
		if err := kernel.MakeDirs(Dir, 0o755); err != nil {
			return -1, err
		}
		if fd, err = kernel.LockDir(Dir, true); kernel.ErrnoOf(err) != syscall.ENOENT {
			break
		}
	}
	return fd, err
}

// unlockTop removes Dir if it is empty.
func unlockTop(fd int) {
	_ = kernel.Rmdir(Dir)
	kernel.Close(fd)
}

// Claim makes a container's directory, with the files that it is to have, and locks it. What others that live have claimed is refused.
func Claim(name, hostname string, want *netbridge.Network) (n *Net, err error) {
	top, err := lockTop()
	if err != nil {
		return nil, err
	}
	defer unlockTop(top)
	n = &Net{Name: name, Hostname: hostname, Ports: want.Ports, lock: -1}
	for _, c := range want.Interfaces {
		n.Links = append(n.Links, Link{Config: c})
	}
	if err := n.unclaimed(); err != nil {
		return nil, err
	}
	if old, err := open(name); err == nil { // of a container that has died without a word
		old.undo()
		old.Close()
	}
	if _, err := kernel.Mkdir(n.dir(), 0o755); err != nil {
		return nil, err
	}
	if n.lock, err = kernel.LockDir(n.dir(), false); err == nil {
		if err = n.save(); err == nil {
			err = n.writeFiles()
		}
	}
	if err == nil {
		err = writeHosts()
	}
	if err != nil {
		n.removeFiles()
		n.Close()
		return nil, err
	}
	return n, nil
}

// unclaimed refuses what another container that lives has.
func (n *Net) unclaimed() error {
	names, err := kernel.ReadNames(Dir, maxNames)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !alive(name) {
			continue
		}
		if name == n.Name {
			return &plan.Error{Reason: "a container of this name has its network already (" + Dir + "/" + name + ")"}
		}
		other, err := load(name)
		if err != nil {
			continue // it is ending
		}
		for i := range n.Links {
			if what := n.Links[i].clash(n, other); what != "" {
				return &plan.Error{Where: where(i), Reason: what + " is that of container " + name + ", which runs"}
			}
		}
	}
	return nil
}

func where(i int) string { return "annotations." + netbridge.Annotation + strconv.Itoa(i) }

// clash tells what of an interface another container has on the same bridge.
func (l *Link) clash(mine, other *Net) string {
	for i := range other.Links {
		o := &other.Links[i]
		if l.Interface != o.Interface || l.Bridge != o.Bridge || l.VLAN != o.VLAN {
			continue
		}
		if l.mac(mine) == o.mac(other) {
			return "macaddr=" + l.mac(mine).String()
		}
		for _, a := range l.Addresses {
			for _, b := range o.Addresses {
				if a.Addr == b.Addr {
					return "address " + a.Addr.String()
				}
			}
		}
	}
	return ""
}

func (l *Link) mac(n *Net) netbridge.MAC {
	if l.MAC != (netbridge.MAC{}) {
		return l.MAC
	}
	return netbridge.StableMAC(n.Name, l.Name)
}

// alive tells whether somebody has the lock.
func alive(name string) bool {
	fd, err := kernel.LockDir(Dir+"/"+name, false)
	kernel.Close(fd)
	return kernel.ErrnoOf(err) == syscall.EWOULDBLOCK
}

// open takes the network of a container that is no more, to undo it.
func open(name string) (*Net, error) {
	lock, err := kernel.LockDir(Dir+"/"+name, false)
	if err != nil {
		return nil, err
	}
	n, err := load(name)
	if err != nil { // it has not come far
		n = &Net{Name: name}
	}
	n.lock = lock
	return n, nil
}

// Load is the network of a container that lives.
func Load(name string) (*Net, error) {
	if strings.Contains(name, "/") || !alive(name) {
		return nil, &plan.Error{Reason: name + ": no container of that name has a network of its own here"}
	}
	return load(name)
}

func load(name string) (*Net, error) {
	b, err := kernel.ReadFile(Dir+"/"+name+"/state", maxState)
	if err != nil {
		return nil, err
	}
	n, err := decode(string(b))
	if err != nil {
		return nil, err
	}
	n.Name = name
	return n, nil
}

func (n *Net) save() error { return kernel.Replace(n.dir(), "state", []byte(n.encode()), 0o644) }

// encode writes a line for each thing that is known.
func (n *Net) encode() string {
	var b strings.Builder
	line := func(words ...string) { b.WriteString(strings.Join(words, " ") + "\n") }
	line("hostname", n.Hostname)
	line("pid", strconv.Itoa(n.PID))
	for i := range n.Links {
		l := &n.Links[i]
		line("network", l.Text())
		line("link", l.Host, l.On)
	}
	for i := range n.Ports {
		line("port", n.Ports[i].Text())
	}
	return b.String()
}

func decode(text string) (*Net, error) {
	n := &Net{lock: -1}
	for line := range strings.Lines(text) {
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch what {
		case "hostname":
			n.Hostname = rest
		case "pid":
			pid, err := strconv.ParseUint(rest, 10, 31)
			if err != nil {
				return nil, errState
			}
			n.PID = int(pid)
		case "network":
			c, err := netbridge.Parse(rest)
			if err != nil {
				return nil, err
			}
			n.Links = append(n.Links, Link{Config: c})
		case "link":
			host, on, _ := strings.Cut(rest, " ")
			if len(n.Links) == 0 || host != "" && !netbridge.LinkName(host) || on != "" && !netbridge.LinkName(on) {
				return nil, errState
			}
			l := &n.Links[len(n.Links)-1]
			l.Host, l.On = host, on
		case "port":
			p, err := netbridge.ParsePort(rest)
			if err != nil {
				return nil, err
			}
			n.Ports = append(n.Ports, p)
		default:
			return nil, errState
		}
	}
	return n, nil
}

var errState = &plan.Error{Reason: "the state of a network is not as it was written"}

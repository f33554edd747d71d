// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"gojail/src/jailnet"
	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
	"gojail/src/resident"
	"gojail/src/slim"
	"gojail/src/spawn"
)

const (
	rejoinMS      = 1000 // until it is tried again to make a port of a bridge that was made anew
	clientPauseMS = 2000 // until a DHCP client that has ended is started again
)

// network claims the container's network. The worker for the end takes it away again, however the start ends; if this one dies before it
// has asked for that, who comes by does (package jailnet).
func (w *waiting) network(p *plan.Plan, o *slim.Options, cfg *spawn.Config) error {
	cfg.Share = jailnet.NetNS
	want := p.Outside.Network
	if want == nil {
		return nil
	}
	n, err := jailnet.Claim(p.Name, want.Hostname, &want.Network)
	if err != nil {
		return err
	}
	defer n.Close()
	if err = resident.Hold(resident.NetLock, n.Lock()); err == nil {
		err = resident.WantStopped(0)
	}
	if err != nil {
		jailnet.Down(p.Name)
		return err
	}
	cfg.Network = func(netns, pid int) error {
		if err := n.Up(netns, pid); err != nil {
			return err
		}
		if err := watchBridges(n); err != nil {
			return err
		}
		w.clients = make([]uint32, len(n.Links))
		return w.startClients(n, o, pid, w.logf)
	}
	return nil
}

// watchBridges has a worker started when a bridge of the container's is made anew.
func watchBridges(n *jailnet.Net) error {
	names := n.Bridges()
	if len(names) == 0 {
		return nil
	}
	fd, err := kernel.WatchLinks(names)
	if err != nil {
		return err
	}
	defer kernel.Close(fd)
	if err := resident.Hold(resident.NetWatch, fd); err != nil {
		return err
	}
	return n.Rejoin() // from before it was watched
}

// startClients starts the DHCP clients that do not run. They are the resident's children, and end with the payload.
func (r *record) startClients(n *jailnet.Net, o *slim.Options, pid int, logf Logf) error {
	e := execs{r, o, logf, -1}
	defer e.close()
	for _, i := range n.Clients() {
		if i >= len(r.clients) || r.clients[i] != 0 {
			continue
		}
		p, err := n.Client(i, pid)
		if err != nil {
			return err
		}
		if err := e.lifeLine(); err != nil {
			return err
		}
		client, err := spawn.Start(p, &spawn.Config{Parent: &e, Limits: originalLimits(), Pidfd: -1, Stdio: -1, Cgroup: -1})
		if err != nil {
			return &plan.Error{Where: "annotations." + netbridge.Annotation + itoa(i) + ": proto=dhcp", Reason: err.Error()}
		}
		r.clients[i] = uint32(client)
	}
	return nil
}

// clientEnded tells whether a process that has ended is one of the DHCP clients.
func (r *record) clientEnded(pid int) bool {
	for i := range r.clients {
		if r.clients[i] != 0 && r.clients[i] == uint32(pid) {
			r.clients[i] = 0
			return true
		}
	}
	return false
}

// minds sees to the network of a container that runs. It tells after how many milliseconds that is to be done again, 0 for not before
// something happens.
func (r *record) minds(o *slim.Options, logf Logf) (again uint32) {
	watch := resident.Held(resident.NetWatch)
	if watch < 0 && len(r.clients) == 0 {
		return 0
	}
	if watch >= 0 {
		kernel.Drain(watch)
	}
	n, err := jailnet.Load(r.name)
	if err != nil {
		logf(plan.Message("warning: network: " + err.Error()))
		return 0
	}
	if err := n.Rejoin(); err != nil {
		logf(plan.Message("warning: network: " + err.Error()))
		again = rejoinMS
	}
	if r.clientsDue {
		r.clientsDue = false
		if err := r.startClients(n, o, resident.Payload(), logf); err != nil {
			logf(plan.Message("warning: network: " + err.Error()))
		}
	}
	for _, i := range n.Clients() {
		if i < len(r.clients) && r.clients[i] == 0 {
			r.clientsDue, again = true, max(again, clientPauseMS)
		}
	}
	return again
}

// endNetwork takes a network away that the container had.
func endNetwork(o *slim.Options) {
	if resident.Held(resident.NetLock) >= 0 {
		jailnet.Down(o.Name)
	}
}

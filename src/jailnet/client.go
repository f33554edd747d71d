// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"strconv"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/plan"
)

// Script is the name of the applet that udhcpc calls, of a link to it in the container's directory.
const Script = "jailnet-lease"

// udhcpc is where the host may have it: busybox' own links, or busybox itself.
var udhcpc = [...]string{"/sbin/udhcpc", "/usr/sbin/udhcpc", "/bin/udhcpc", "/usr/bin/udhcpc", "/bin/busybox", "/usr/bin/busybox"}

// Clients are the interfaces that want a DHCP client, by their numbers.
func (n *Net) Clients() (list []int) {
	for i := range n.Links {
		if n.Links[i].Proto == netbridge.DHCP {
			list = append(list, i)
		}
	}
	return list
}

// Client is the DHCP client of the i'th interface, as the process that it is to be. It stays until it is ended.
func (n *Net) Client(i, pid int) (*plan.Plan, error) {
	l := &n.Links[i]
	file := ""
	for _, path := range udhcpc {
		if kernel.Exists(path) {
			file = path
			break
		}
	}
	if file == "" {
		return nil, &plan.Error{Where: where(i) + ": proto=dhcp", Reason: "this machine has no udhcpc (it comes with busybox)"}
	}
	script := File(n.Name, Script)
	if !kernel.Exists(script) {
		self, err := kernel.Readlink("/proc/self/exe")
		if err == nil {
			err = kernel.Symlink(self, script)
		}
		if err != nil {
			return nil, err
		}
	}
	hostname := l.Hostname
	if hostname == "" {
		hostname = n.Hostname
	}
	args := []string{"udhcpc", "-f", "-t", "0", "-i", l.Name, "-s", script, "-O", "staticroutes"}
	if hostname != "" {
		args = append(args, "-x", "hostname:"+hostname)
	}
	return (&plan.NetClient{Name: n.Name, PID: pid, File: file, Args: args}).Plan(), nil
}

// NetNS opens the network namespace of a container that runs, which the caller closes.
func NetNS(container string) (fd int, err error) {
	absent := &plan.Error{Reason: "no container " + strconv.Quote(container) + " runs here (start it first: list depends)"}
	pid := 0
	if n, err := Load(container); err == nil {
		pid = n.PID
	}
	if pid == 0 {
		_ = callAt("container."+container, "state", nil, func(d *blob.Decoder) {
			for d.Next() {
				if d.Name() == "pid" {
					pid = int(d.Int())
				}
			}
		})
	}
	if pid <= 0 {
		return -1, absent
	}
	pidfd, err := kernel.PidfdOpen(pid)
	if err != nil {
		return -1, absent
	}
	defer kernel.Close(pidfd)
	return kernel.OpenNamespaceOf(pid, pidfd, plan.NewNet.File())
}

// SPDX-License-Identifier: LGPL-2.1-only

package plan

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/netbridge"
)

// A Network is what the supervisor makes in the container's network namespace when that exists.
type Network struct {
	netbridge.Network
	Hostname string
}

// netDir has the files that containers with such a network see.
const netDir = "/run/jailnet/"

// network plans what the annotations say of the container's network. It gives the join in place of a namespace of its own, if that is what
// they say.
func (b *builder) network(s *specs.Spec, o *Bundle, joins []Join) ([]Join, error) {
	n, err := netbridge.FromAnnotations(s.Annotations)
	if err != nil {
		return nil, refuse("", "annotations."+err.Error())
	}
	if n.Empty() {
		return joins, nil
	}
	if !o.Ujail {
		return nil, refuse("annotations."+netbridge.Annotation+"0", "needs ujail to supervise the container: have your manager make its network, and take the annotation out")
	}
	i := slices.IndexFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	if i >= 0 && s.Linux.Namespaces[i].Path != "" {
		return nil, refuse("linux.namespaces["+itoa(i)+"].path", "the annotations ask for another network: one of the two")
	}
	if n.Share != "" {
		if n.Share == o.Name {
			return nil, refuse("annotations."+netbridge.ShareAnnotation, "is this container itself")
		}
		b.new &^= NewNet
		b.shared = n.Share
		return append(joins, Join{Type: NewNet, Container: n.Share}), nil
	}
	if i < 0 {
		return nil, refuse("linux.namespaces", "the annotations ask for a network of its own: add {\"type\": \"network\"}")
	}
	for i := range n.Interfaces {
		if n.Interfaces[i].Zone != "" {
			return nil, refuse("annotations."+netbridge.Annotation+itoa(i), "zone="+n.Interfaces[i].Zone+": a port of a bridge is in the zone of the bridge's interface")
		}
	}
	hostname := s.Hostname
	if hostname == "" {
		hostname = o.Name
	}
	b.plan.Outside.Network = &Network{n, hostname}
	return joins, nil
}

// networkFiles shows resolv.conf and hosts of a network, where the configuration has nothing of its own there. A root that has no such file
// and can have none stays without.
func (b *builder) networkFiles(name string, targets []string) {
	if b.shared != "" {
		name = b.shared
	}
	for _, file := range [...]string{"resolv.conf", "hosts"} {
		if target := "/etc/" + file; !slices.Contains(targets, target) && !slices.Contains(targets, "/etc") {
			b.add(Bind{Source: netDir + name + "/" + file, Target: target, Attr: Attr{attrRdonly, 0}, FromHost: b.inUser, SkipMissing: b.shared != "", MayFail: true})
		}
	}
}

// text prints what the supervisor makes.
func (n *Network) text(name string, line func(...string)) {
	for i := range n.Interfaces {
		c := &n.Interfaces[i]
		mac := c.MAC
		if mac == (netbridge.MAC{}) {
			mac = netbridge.StableMAC(name, c.Name)
		}
		host := ""
		if c.Type == netbridge.Veth {
			host = ", the host's end " + netbridge.HostLink(name, c.Name, 0)
		}
		line("outside: network: ", c.Text(), " (", mac.String(), host, ")")
	}
	for i := range n.Ports {
		line("outside: publish port: ", n.Ports[i].Text())
	}
}

// A NetClient is a program of the host that runs in a container's network namespace and in none of its others.
type NetClient struct {
	Name string // the container's, for messages
	PID  int    // a process in the network namespace
	File string // the program
	Args []string
}

// Plan is what makes its process.
func (c *NetClient) Plan() *Plan {
	return &Plan{Name: c.Name, Ops: []Op{Stdio{}, Join{Type: NewNet, PID: c.PID}, Sync{}, Rlimits{},
		Exec{Args: c.Args, File: c.File, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Umask: 0o022}}}
}

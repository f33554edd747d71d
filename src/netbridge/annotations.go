// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import (
	"strconv"
	"strings"
)

// ShareAnnotation is "container:NAME": the network of another container that runs.
const ShareAnnotation = "org.openwrt.gojail.network"

// PortAnnotation with a number behind it, from 0 on, has one port that is published through the firewall.
const PortAnnotation = "org.openwrt.gojail.port."

// A Network is all that a container's annotations say of its network.
type Network struct {
	Interfaces []Config
	Ports      []Port
	Share      string // the container whose network is used; then there is nothing else
}

// Empty tells whether they say nothing.
func (n *Network) Empty() bool { return len(n.Interfaces)+len(n.Ports) == 0 && n.Share == "" }

// FromAnnotations reads a container's annotations. Errors begin with the name of the annotation.
func FromAnnotations(annotations map[string]string) (n Network, err error) {
	for key, value := range annotations {
		rest, ours := strings.CutPrefix(key, "org.openwrt.gojail.")
		if !ours {
			continue
		}
		list, _, _ := strings.Cut(rest, ".")
		switch {
		case key == ShareAnnotation:
			name, ok := strings.CutPrefix(value, "container:")
			if !ok || name == "" || strings.Contains(name, "/") {
				return n, wrong(key, "has to be container:NAME")
			}
			n.Share = name
		case list != "network" && list != "port":
		case !numbered(annotations, key, Annotation) && !numbered(annotations, key, PortAnnotation):
			return n, wrong(key, "has to end with a number from 0 to "+strconv.Itoa(MaxNetworks-1)+", and the one before has to be there")
		}
	}
	for i := range MaxNetworks {
		key := Annotation + strconv.Itoa(i)
		text, ok := annotations[key]
		if !ok {
			break
		}
		c, err := Parse(text)
		if err != nil {
			return n, wrong(key, err.Error())
		}
		for _, other := range n.Interfaces {
			if other.Name == c.Name {
				return n, wrong(key, "ifname="+c.Name+" is there twice")
			}
		}
		n.Interfaces = append(n.Interfaces, c)
	}
	c, err := upstream(annotations)
	if err != nil {
		return n, err
	}
	if c != nil {
		if len(n.Interfaces) > 0 || n.Share != "" {
			return n, wrong(upstreamPrefix+"attach", "the other annotations ask for a network as well: one of the two")
		}
		n.Interfaces = append(n.Interfaces, *c)
	}
	for i := range MaxNetworks {
		key := PortAnnotation + strconv.Itoa(i)
		text, ok := annotations[key]
		if !ok {
			break
		}
		p, err := ParsePort(text)
		if err != nil {
			return n, wrong(key, err.Error())
		}
		n.Ports = append(n.Ports, p)
	}
	switch {
	case n.Share != "" && len(n.Interfaces)+len(n.Ports) > 0:
		return n, wrong(ShareAnnotation, "the network of another container has its own interfaces and ports")
	case len(n.Ports) > 0 && len(n.Interfaces) == 0:
		return n, wrong(PortAnnotation+"0", "a published port needs an interface ("+Annotation+"0)")
	}
	return n, nil
}

// numbered tells whether the key is the prefix and a number, and the one before it is there as well.
func numbered(annotations map[string]string, key, prefix string) bool {
	text, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return false
	}
	v, ok := digits(text, MaxNetworks-1)
	if !ok || strconv.Itoa(int(v)) != text {
		return false
	}
	_, before := annotations[prefix+strconv.Itoa(int(v)-1)]
	return v == 0 || before
}

// A Port is one that is published: what comes to it from a zone of the firewall is the container's.
type Port struct {
	Source  string // the zone
	Proto   string // "tcp", "udp" or "tcp,udp"
	From    string // of the router: PORT or FIRST-LAST
	To      string // of the container; "" for the same
	Comment string // the name of the rule
}

var portWords = [...]string{"src", "proto", "src_dport", "dest_port", "name"}

// ParsePort reads NAME=VALUE words as Parse does.
func ParsePort(text string) (p Port, err error) {
	if len(text) > maxText {
		return p, wrong("", "is longer than "+strconv.Itoa(maxText)+" bytes")
	}
	p.Proto = "tcp"
	fields := [...]*string{&p.Source, &p.Proto, &p.From, &p.To, &p.Comment}
	seen := [len(fields)]bool{}
next:
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		for i, w := range portWords {
			if w == name && value != "" && !seen[i] {
				*fields[i], seen[i] = value, true
				continue next
			}
		}
		return p, wrong(word, "has to be NAME=VALUE, once each ("+strings.Join(portWords[:], ", ")+")")
	}
	return p, p.Check()
}

// Check tells what of a port cannot be.
func (p *Port) Check() error {
	first, last, ok := portRange(p.From)
	switch {
	case p.Source == "":
		return wrong("src", "is required: the firewall zone that may use the port")
	case p.Source == "*" || !plain(p.Source, 64):
		return wrong("src="+p.Source, "has to be one firewall zone")
	case p.Proto != "tcp" && p.Proto != "udp" && p.Proto != "tcp,udp":
		return wrong("proto="+p.Proto, "has to be tcp, udp or tcp,udp")
	case !ok:
		return wrong("src_dport="+p.From, "has to be a port from 1 to 65535, or FIRST-LAST")
	case p.Comment != "" && !plain(p.Comment, 64):
		return wrong("name="+p.Comment, "has to be letters, digits, - and .")
	case p.To == "":
		return nil
	}
	begin, end, ok := portRange(p.To)
	if !ok || end-begin != last-first && end != begin {
		return wrong("dest_port="+p.To, "has to be a port from 1 to 65535, or as many as src_dport")
	}
	return nil
}

func portRange(s string) (first, last uint32, ok bool) {
	a, b, both := strings.Cut(s, "-")
	if first, ok = digits(a, 65535); !ok || first == 0 {
		return 0, 0, false
	}
	if last = first; both {
		last, ok = digits(b, 65535)
	}
	return first, last, ok && first <= last
}

// Text is the port as ParsePort reads it.
func (p *Port) Text() string {
	s := "src=" + p.Source + " proto=" + p.Proto + " src_dport=" + p.From
	if p.To != "" {
		s += " dest_port=" + p.To
	}
	if p.Comment != "" {
		s += " name=" + p.Comment
	}
	return s
}

// SPDX-License-Identifier: LGPL-2.1-only

package netbridge

import "strings"

// upstreamPrefix begins the annotations that OpenWrt's own tools write.
const upstreamPrefix = "org.openwrt.network."

// upstream reads them: attach is none, host, or bridged:INTERFACE with address and gateway or by DHCP. What else they can ask for is refused by
// name.
func upstream(annotations map[string]string) (c *Config, err error) {
	attach := annotations[upstreamPrefix+"attach"]
	iface, bridged := strings.CutPrefix(attach, "bridged:")
	switch {
	case bridged, attach == "", attach == "none", attach == "host":
	case attach == "routed":
		return nil, wrong(upstreamPrefix+"attach", "routed networks are not offered by this version")
	default:
		return nil, wrong(upstreamPrefix+"attach", "has to be none, host, routed or bridged:INTERFACE")
	}
	refused := "" // the first of them, so that it is always the same one
	for key, value := range annotations {
		name, ours := strings.CutPrefix(key, upstreamPrefix)
		switch {
		case !ours || value == "" || name == "attach":
		case bridged && (name == "address" || name == "gateway" || name == "proto"):
		case refused == "" || key < refused:
			refused = key
		}
	}
	if refused != "" {
		return nil, wrong(refused, "is not offered by this version")
	}
	if !bridged {
		return nil, nil
	}
	text := "interface=" + iface
	for _, w := range [...][2]string{{"address", "ipaddr"}, {"gateway", "gateway"}, {"proto", "proto"}} {
		if v := annotations[upstreamPrefix+w[0]]; v != "" {
			text += " " + w[1] + "=" + v
		}
	}
	if annotations[upstreamPrefix+"address"] == "" && annotations[upstreamPrefix+"proto"] == "" {
		text += " proto=dhcp"
	}
	read, err := Parse(text)
	if err != nil {
		return nil, wrong(upstreamPrefix+"attach", err.Error())
	}
	return &read, nil
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// filteringBridge makes a bridge that filters VLANs, whose own interface in VLAN 10 has the address. This machine's kernel may have none.
func filteringBridge(t *testing.T, name, address string) {
	t.Helper()
	watch(t)
	out, err := exec.Command("ip", "link", "add", name, "type", "bridge", "vlan_filtering", "1").CombinedOutput()
	if err != nil {
		if os.Getenv("GOJAIL_VM") == "" {
			t.Skip("SKIPPED: no VLAN filtering in this kernel: make test-vm")
		}
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "link", "del", name).Run() })
	ip(t, "link", "set", name, "up")
	if out, err := exec.Command("bridge", "vlan", "add", "dev", name, "vid", "10", "self").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	onVLAN(t, name, address)
}

// onVLAN makes an interface of VLAN 10 on a bridge.
func onVLAN(t *testing.T, name, address string) {
	t.Helper()
	ip(t, "link", "add", "link", name, "name", name+".10", "type", "vlan", "id", "10")
	ip(t, "addr", "add", address, "dev", name+".10")
	ip(t, "link", "set", name+".10", "up")
}

// A port of a filtering bridge is in its VLAN alone, and the container sees no tags. Those of two VLANs do not reach each other.
func TestVMNetworkPortVLAN(t *testing.T) {
	filteringBridge(t, "br-v", "10.77.0.1/24")
	a := newBundle(t, networks("bridge=br-v vlan=10 ipaddr=10.77.0.2/24"), script(ping+"10.77.0.1 && "+untilTerm))
	p := a.start().until("ready")
	out, err := exec.Command("bridge", "vlan", "show", "dev", a.hostEnd().Name).CombinedOutput()
	if s := string(out); err != nil || !strings.Contains(s, "10 PVID Egress Untagged") || strings.Contains(s, " 1 ") {
		t.Errorf("%v\n%s", err, s)
	}
	b := newBundle(t, networks("bridge=br-v vlan=11 ipaddr=10.77.0.3/24"), script("ping -c 2 -W 1 -q 10.77.0.2 >/dev/null || echo unreachable"))
	b.run().prints("unreachable\n")
	b = newBundle(t, networks("bridge=br-v vlan=10 ipaddr=10.77.0.3/24"), script(ping+"10.77.0.2 >/dev/null"))
	b.run().prints("")
	p.signal(syscall.SIGTERM).wait()
}

// On a bridge that does not filter, the container's interface tags what it sends.
func TestVMNetworkTaggedVLAN(t *testing.T) {
	if os.Getenv("GOJAIL_VM") == "" {
		t.Skip("SKIPPED: make test-vm")
	}
	newBridge(t, "br-v")
	onVLAN(t, "br-v", "10.77.0.1/24")
	b := newBundle(t, networks("bridge=br-v vlan=10 ipaddr=10.77.0.2/24"), script(ping+"10.77.0.1 >/dev/null && cat /sys/class/net/eth0/address"))
	if out := b.run().ok().stdout; len(out) != 18 {
		t.Errorf("%q", out)
	}
}

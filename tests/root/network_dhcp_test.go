// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gojail/src/netbridge"
)

// untilAddress is a script that goes on when eth0 has an address.
const untilAddress = `until ip -o addr show dev eth0 scope global | grep -q "$1"; do usleep 20000; done
`

// clients are the DHCP clients that a container has.
func (p *process) clients() (pids []int) {
	for _, c := range children(p.pid()) {
		if text, _ := os.ReadFile(procPath(c, "cmdline")); strings.HasPrefix(string(text), "udhcpc\x00") {
			pids = append(pids, c)
		}
	}
	return pids
}

// A lease of a real udhcpd: address, route, resolv.conf and hosts, the same one after a restart. A client that dies is started again, and
// none outlives its container.
func TestNetworkDHCP(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	writeFile(t, filepath.Join(dir, "leases"), "", 0o644)
	writeFile(t, conf, "start 10.77.0.100\nend 10.77.0.120\ninterface br-t\nlease_file "+dir+"/leases\npidfile "+dir+"/pid\noption subnet 255.255.255.0\n"+
		"option router 10.77.0.1\noption dns 10.77.0.53 10.77.0.54\noption domain lan.example\noption lease 600\n", 0o644)
	server := start(t, command{args: []string{busybox, "udhcpd", "-f", conf}})
	b := newBundle(t, networks("bridge=br-t proto=dhcp metric=9 hostname=printer"), script(`set -- "inet "; `+untilAddress+
		`ip -o -4 addr show dev eth0; ip route; until grep -q search /etc/resolv.conf; do usleep 20000; done; cat /etc/resolv.conf; until grep -q ' *10.77.*runc' /etc/hosts; do usleep 20000; done
		ping -c 1 -W 10 -q 10.77.0.1; `+untilTerm))
	p := b.start().until("ready")
	out := p.out.String()
	for _, want := range []string{"inet 10.77.0.1", "default via 10.77.0.1 dev eth0", "metric 9", "search lan.example\nnameserver 10.77.0.53\nnameserver 10.77.0.54\n", "1 packets received"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	status := run(t, command{args: []string{jailnetPath, "status", b.name}}).ok().stdout
	for _, want := range []string{b.name + " eth0: up, veth, dhcp, " + netbridge.StableMAC(b.name, "eth0").String(), "on br-t by " + netbridge.HostLink(b.name, "eth0", 0), "/24 ", "via 10.77.0.1", "received "} {
		if !strings.Contains(status, want) {
			t.Errorf("no %q in\n%s", want, status)
		}
	}
	first := p.clients()
	if len(first) != 1 {
		t.Fatalf("clients: %v", first)
	}
	if err := syscall.Kill(first[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { now := p.clients(); return len(now) == 1 && now[0] != first[0] }) {
		t.Errorf("the client was not started again: %v", p.clients())
	}
	p.signal(syscall.SIGTERM).wait().ok()

	again := b.start().until("ready")
	line := func(s string) string { s, _, _ = strings.Cut(s, "\n"); _, s, _ = strings.Cut(s, "inet "); return s }
	if line(again.out.String()) != line(out) {
		t.Errorf("%q, then %q", line(out), line(again.out.String()))
	}
	again.signal(syscall.SIGKILL).wait()
	if !eventually(func() bool { return b.hostEnd() == nil }) {
		t.Error("the client of a killed supervisor keeps the network")
	}
	b.spec.Process.Args = []string{"true"}
	b.run().ok() // tidies up what the killed one has left
	server.signal(syscall.SIGTERM).wait()
}

// Without an answer the container starts all the same.
func TestNetworkDHCPWithoutServer(t *testing.T) {
	newBridge(t, "br-t")
	newBundle(t, networks("bridge=br-t proto=dhcp dns=192.0.2.1"), script("cat /etc/resolv.conf; tail -n 1 /etc/hosts")).run().prints("nameserver 192.0.2.1\n127.0.1.1\trunc\n")
}

// IPv4 by DHCP and IPv6 by router advertisements, both of dnsmasq.
func TestNetworkRouterAdvertisement(t *testing.T) {
	path, err := exec.LookPath("dnsmasq")
	if err != nil {
		t.Fatal(err)
	}
	newBridge(t, "br-t", "10.77.0.1/24", "fd77::1/64")
	server := start(t, command{args: []string{path, "-k", "-C", "/dev/null", "-p", "0", "-i", "br-t", "--bind-interfaces", "--user=root", "--pid-file=", "--leasefile-ro", "--log-facility=/dev/null",
		"--dhcp-range=10.77.0.100,10.77.0.120,600", "--dhcp-range=fd77::,ra-only", "--enable-ra", "--ra-param=br-t,4,600"}})
	b := newBundle(t, networks("bridge=br-t proto=dhcp ip6addr=fd77::77/64"), script(`set -- "inet fd77"; set -- "inet "; `+untilAddress+`set -- dynamic; `+untilAddress+
		`ip -o addr show dev eth0 scope global; ip -6 route; ping -6 -c 1 -W 10 -q fd77::1`))
	out := b.run().ok().stdout
	for _, want := range []string{"inet 10.77.0.1", "inet6 fd77::77/64", "inet6 fd77::", "default via fe80::", "1 packets received"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	server.signal(syscall.SIGTERM).wait()
}

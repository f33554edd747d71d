// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"gojail/src/netbridge"
)

const jailnetPath = programDir + "/jailnet"

// ip runs ip(8) in the world.
func ip(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// newBridge makes a bridge in the world, as netifd would have it.
func newBridge(t testing.TB, name string, addresses ...string) {
	t.Helper()
	watch(t)
	ip(t, "link", "add", name, "type", "bridge")
	t.Cleanup(func() { exec.Command("ip", "link", "del", name).Run() })
	for _, a := range addresses {
		args := []string{"addr", "add", a, "dev", name}
		if strings.Contains(a, ":") {
			args = append(args, "nodad")
		}
		ip(t, args...)
	}
	ip(t, "link", "set", name, "up")
}

// networks gives a container interfaces, and the right to ping.
func networks(texts ...string) edit {
	return func(s *specs.Spec) {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		for i, text := range texts {
			s.Annotations[netbridge.Annotation+strconv.Itoa(i)] = text
		}
		c := s.Process.Capabilities
		for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted, &c.Ambient} {
			*set = append(slices.Clone(*set), "CAP_NET_RAW")
		}
	}
}

// device is what ip tells of one in the world.
type device struct {
	Name   string `json:"ifname"`
	Master string `json:"master"`
	MTU    int    `json:"mtu"`
	MAC    string `json:"address"`
	State  string `json:"operstate"`
	Alias  string `json:"ifalias"`
}

func devices(t testing.TB) (list []device) {
	t.Helper()
	if err := json.Unmarshal([]byte(ip(t, "-j", "link")), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// hostEnd is the host's end of a container's eth0, or nil.
func (b *bundle) hostEnd() *device {
	b.t.Helper()
	for _, d := range devices(b.t) {
		if d.Alias == netbridge.Alias(b.name, "eth0") {
			return &d
		}
	}
	return nil
}

const ping = "ping -c 1 -W 10 -q "

// Two containers, the host and a namespace behind it reach each other, over IPv4 and IPv6.
func TestNetworkStatic(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24", "fd77::1/64")
	farAway(t, "10.88.0.2/24", "10.88.0.1/24")
	text := func(n string) string {
		return "bridge=br-t ipaddr=10.77.0." + n + "/24 gateway=10.77.0.1 ip6addr=fd77::" + n + "/64 ip6gw=fd77::1 dns=10.77.0.1,fd77::1 mtu=1400"
	}
	a := newBundle(t, networks(text("2")), script("ip -o addr show dev eth0; ip route; ip -6 route; cat /etc/resolv.conf /etc/hosts; "+untilTerm))
	pa := a.start().until("ready")
	b := newBundle(t, networks(text("3")), script(
		ping+"10.77.0.1 && "+ping+"fd77::1 && "+ping+"10.77.0.2 && "+ping+"fd77::2 && "+ping+"10.88.0.2 && "+ping+a.spec.Hostname+"; echo status $?"))
	b.write("etc/hosts", "10.0.0.1 somebody\n", 0o644)
	out := b.run().ok().stdout
	if !strings.Contains(out, "status 0") {
		t.Error(out)
	}
	for _, to := range []string{"10.77.0.1 ", "fd77::1 ", "10.77.0.2 ", "fd77::2 ", "10.88.0.2 "} {
		if !strings.Contains(out, "PING "+to) {
			t.Errorf("no answer before %s\n%s", to, out)
		}
	}
	if !strings.Contains(out, "PING "+a.spec.Hostname+" (10.77.0.3)") { // its own name: both have the same
		t.Errorf("its name is not in hosts:\n%s", out)
	}
	got := pa.out.String()
	for _, want := range []string{"inet 10.77.0.2/24 brd 10.77.0.255", "inet6 fd77::2/64 scope global", "default via 10.77.0.1 dev eth0", "default via fd77::1 dev eth0",
		"nameserver 10.77.0.1\nnameserver fd77::1\n", "127.0.0.1\tlocalhost\n", "10.77.0.2\trunc\nfd77::2\trunc\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	d := a.hostEnd()
	if d == nil || d.Master != "br-t" || d.MTU != 1400 || d.Name != netbridge.HostLink(a.name, "eth0", 0) || d.State != "UP" {
		t.Fatalf("the host's end: %+v", d)
	}
	if out, err := exec.Command(busybox, "ping", "-c1", "-W10", "10.77.0.2").CombinedOutput(); err != nil {
		t.Errorf("from the host: %v\n%s", err, out)
	}
	pa.signal(syscall.SIGTERM).wait()
}

// farAway is a network namespace behind the world's, which forwards.
func farAway(t testing.TB, address, ours string) {
	t.Helper()
	watch(t)
	p := start(t, command{args: []string{busybox, "sh", "-c", "echo ready; " + forever}, attr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}}).until("ready")
	pid := strconv.Itoa(p.pid())
	ip(t, "link", "add", "out0", "type", "veth", "peer", "name", "in0", "netns", pid)
	t.Cleanup(func() { exec.Command("ip", "link", "del", "out0").Run() })
	ip(t, "addr", "add", ours, "dev", "out0")
	ip(t, "link", "set", "out0", "up")
	gateway, _, _ := strings.Cut(ours, "/")
	for _, c := range []string{"ip link set lo up", "ip link set in0 up", "ip addr add " + address + " dev in0", "ip route add default via " + gateway} {
		args := append([]string{"-t", pid, "-n", busybox}, strings.Fields(c)...)
		if out, err := exec.Command("nsenter", args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, out)
		}
	}
	const forward = "/proc/sys/net/ipv4/ip_forward"
	if err := os.WriteFile(forward, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.WriteFile(forward, []byte("0"), 0) })
}

// A container has the same addresses, hardware addresses and host's end each time; nothing of it is left between.
func TestNetworkRestart(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.2/24"), script("cat /sys/class/net/eth0/address; "+ping+"10.77.0.1"))
	first := b.run().ok().stdout
	if mac := netbridge.StableMAC(b.name, "eth0").String(); !strings.HasPrefix(first, mac+"\n") {
		t.Errorf("%q, want %s", first, mac)
	}
	if d := b.hostEnd(); d != nil {
		t.Errorf("left behind: %+v", d)
	}
	if second := b.run().ok().stdout; second[:18] != first[:18] {
		t.Errorf("%q, then %q", first, second)
	}
}

// What a killed supervisor has left is no hindrance for the next.
func TestNetworkSupervisorKilled(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.2/24"), script(untilTerm))
	for _, repair := range []bool{true, false} {
		b.start().until("ready").signal(syscall.SIGKILL).wait()
		if !eventually(func() bool { return b.hostEnd() == nil }) {
			t.Error("the network lives")
		}
		if repair {
			run(t, command{args: []string{jailnetPath, "repair"}}).prints(b.name + ": the network of a container that is no more was taken away\n")
		}
	}
	b = &bundle{t: t, name: b.name, dir: b.dir, spec: b.spec}
	b.spec.Process.Args = []string{"sh", "-c", ping + "10.77.0.1 >/dev/null"}
	b.run().prints("")
}

// Two that run do not have the same address on one bridge, nor one name; on another bridge they may.
func TestNetworkClaims(t *testing.T) {
	newBridge(t, "br-t")
	newBridge(t, "br-u")
	const text = "bridge=br-t ip6addr=fd77::2/64 ipaddr=10.77.0.2/24"
	a := newBundle(t, networks(text), script(untilTerm))
	p := a.start().until("ready")
	b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.3/24,10.77.0.2/24"))
	b.run().refused("annotations.org.openwrt.gojail.network.0: address 10.77.0.2 is that of container " + a.name)
	newBundle(t, networks("bridge=br-t macaddr="+netbridge.StableMAC(a.name, "eth0").String())).run().refused("macaddr=", a.name)
	a.run().refused("a container of this name")
	newBundle(t, networks("bridge=br-u ipaddr=10.77.0.2/24"), script("true")).run().prints("")
	newBundle(t, networks("bridge=br-t ipaddr=10.77.0.9/24"), script("grep "+a.name+" /etc/hosts")).run().prints("10.77.0.2\t" + a.name + "\nfd77::2\t" + a.name + "\n")
	p.signal(syscall.SIGTERM).wait()
	b.spec.Process.Args = []string{"grep", a.name, "/etc/hosts"}
	b.run().ends(1)
}

// A bridge that is made anew gets its ports back.
func TestNetworkBridgeAnew(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.2/24"), script(untilTerm))
	p := b.start().until("ready")
	for range 3 {
		ip(t, "link", "del", "br-t")
		if d := b.hostEnd(); d == nil || d.Master != "" {
			t.Fatalf("%+v", d)
		}
		run(t, command{args: []string{jailnetPath, "status", b.name}}).ok()
		ip(t, "link", "add", "br-t", "type", "bridge")
		ip(t, "addr", "add", "10.77.0.1/24", "dev", "br-t")
		ip(t, "link", "set", "br-t", "up")
		if !eventually(func() bool { d := b.hostEnd(); return d != nil && d.Master == "br-t" }) {
			t.Fatalf("%+v", b.hostEnd())
		}
		if out, err := exec.Command(busybox, "ping", "-c1", "-W10", "10.77.0.2").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	p.signal(syscall.SIGTERM).wait()
}

func TestNetworkMACVLAN(t *testing.T) {
	newBridge(t, "br-t")
	a := newBundle(t, networks("type=macvlan bridge=br-t ipaddr=10.77.0.2/24"), script(untilTerm))
	p := a.start().until("ready")
	newBundle(t, networks("type=macvlan bridge=br-t ipaddr=10.77.0.3/24"), script(ping+"10.77.0.2 >/dev/null")).run().prints("")
	p.signal(syscall.SIGTERM).wait()
}

// Several interfaces, without a default route on the second, whose root is a user namespace's, with a hook that sees the network.
func TestNetworkUserNamespace(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.2/24 gateway=10.77.0.1", "bridge=br-t ifname=lan1 ipaddr=10.78.0.2/32 gateway=10.77.0.1 metric=7"),
		script("ip route; ip addr add 10.79.0.1/24 dev eth0 2>/dev/null; echo $?; cat /etc/hosts | tail -n 1"))
	b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	b.spec.Linux.UIDMappings, b.spec.Linux.GIDMappings = ids, ids
	chownTree(t, b.root(), 100000)
	out := b.run().ok().stdout
	for _, want := range []string{"default via 10.77.0.1 dev eth0 \n", "default via 10.77.0.1 dev lan1  metric 7 onlink", "\n2\n", "10.78.0.2\trunc\n"} {
		if !strings.Contains(strings.ReplaceAll(out, "proto static ", ""), want) && !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func chownTree(t testing.TB, root string, id int) {
	t.Helper()
	if out, err := exec.Command("find", root, "-type", "d", "-exec", "chown", strconv.Itoa(id)+":"+strconv.Itoa(id), "{}", "+").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The network of another container, which both use, and its resolv.conf.
func TestNetworkShared(t *testing.T) {
	newBridge(t, "br-t", "10.77.0.1/24")
	a := newBundle(t, networks("bridge=br-t ipaddr=10.77.0.2/24 dns=10.77.0.1"), script(untilTerm))
	b := newBundle(t, networks(), script("cat /sys/class/net/eth0/address /etc/resolv.conf; "+ping+"10.77.0.1 >/dev/null"))
	b.spec.Annotations[netbridge.ShareAnnotation] = "container:" + a.name
	b.run().refused("annotations.org.openwrt.gojail.network: no container \"" + a.name + "\" runs here")
	p := a.start().until("ready")
	b.run().prints(netbridge.StableMAC(a.name, "eth0").String() + "\nnameserver 10.77.0.1\n")
	p.signal(syscall.SIGTERM).wait()
	b.run().refused("no container")
}

// What cannot be is refused in words, and nothing is left.
func TestNetworkRefused(t *testing.T) {
	newBridge(t, "br-t")
	ip(t, "link", "add", "dev0", "type", "veth", "peer", "name", "dev1")
	t.Cleanup(func() { exec.Command("ip", "link", "del", "dev0").Run() })
	for _, c := range []struct {
		text string
		want string
	}{
		{"bridge=br-none", "network.0: find network device br-none: no such device"},
		{"bridge=dev0", "network.0: dev0 is no bridge (use type=macvlan"},
		{"interface=lan", "network.0: interface=lan: there is no ubusd"},
		{"bridge=br-t vlan=0", "network.0: vlan=0: has to be a number from 1 to 4094"},
		{"bridge=br-t ipaddr=10.77.0.2/24 gateway=10.77.0.2", "the gateway's address as well"},
		{"bridge=br-t mtu=68 ip6addr=fd77::2/64", "network.0: add an address to network device eth0"},
	} {
		newBundle(t, networks(c.text)).run().refused(c.want)
	}
	b := newBundle(t, networks("bridge=br-t"))
	b.spec.Linux.Namespaces = slices.DeleteFunc(b.spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
	b.run().refused("linux.namespaces: the annotations ask for a network of its own")
	b = newBundle(t, networks("bridge=br-t"))
	b.spec.Process.Args = []string{"/bin/absent"}
	b.run().ends(127)
	b = newBundle(t, networks("bridge=br-t"), script("exit 3"))
	b.run().ends(3)
}

// Many at once: every one has its place on the bridge, and none is left.
func TestNetworkMany(t *testing.T) {
	count := 8
	if os.Getenv("GOJAIL_STRESS") != "" {
		count = 64
	}
	newBridge(t, "br-t", "10.77.0.1/24")
	var all []*process
	for i := range count {
		b := newBundle(t, networks("bridge=br-t ipaddr=10.77.0."+strconv.Itoa(10+i)+"/24"), script(ping+"10.77.0.1 >/dev/null && echo pong; "+untilTerm))
		all = append(all, b.start())
	}
	for _, p := range all {
		p.until("pong\nready")
	}
	var list []struct {
		Container string
		Running   bool
		Joined    bool
		Addresses []string
	}
	out := run(t, command{args: []string{jailnetPath, "status", "--json"}}).ok().stdout
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != count {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range list {
		if !s.Running || !s.Joined || len(s.Addresses) == 0 || !strings.HasPrefix(s.Addresses[0], "10.77.0.") {
			t.Errorf("%+v", s)
		}
	}
	for _, p := range all {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range all {
		p.wait()
	}
}

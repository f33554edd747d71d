// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/netbridge"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// procdData stands in for procd's service object: it keeps what it is told, and what it was asked.
type procdData struct {
	mu    sync.Mutex
	calls []string
	data  string // of the last add
}

func newProcdData(t *testing.T) *procdData {
	t.Helper()
	p := &procdData{}
	bus := newBus(t)
	o, err := ubustest.Offer(bus.Path(), "service", []ubus.Method{{Name: "add"}, {Name: "delete"}, {Name: "event"}}, func(in *ubus.Incoming) ([]byte, ubus.Status) {
		kernel.Close(in.FD)
		p.mu.Lock()
		defer p.mu.Unlock()
		text := blob.Text(in.Data)
		if in.Method == "add" {
			p.data, text = text, ""
		}
		p.calls = append(p.calls, strings.TrimSpace(in.Method+" "+text))
		return nil, ubus.StatusOK
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return p
}

func (p *procdData) told() (data, calls string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.data, strings.Join(p.calls, "\n")
}

// routerEtc has /etc/config/firewall in /etc until the test ends.
func routerEtc(t *testing.T) {
	t.Helper()
	watch(t)
	dir := t.TempDir()
	writeFile(t, dir+"/upper/config/firewall", "config zone\n\toption name 'lan'\n\tlist network 'lan'\n\nconfig zone\n\toption name 'wan'\n\tlist network 'wan'\n", 0o644)
	if err := os.Mkdir(dir+"/work", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+dir+"/upper,workdir="+dir+"/work"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount("/etc", unix.MNT_DETACH) })
}

// ruleset is what firewall4 makes of the data (its templates redirect.uc and rule.uc), for a router whose lan is the network given.
func ruleset(t *testing.T, data, device, lan string) string {
	t.Helper()
	var service struct {
		Data struct {
			Firewall []struct {
				Type, Proto, Family, Src string
				SrcDIP                   string `json:"src_dip"`
				SrcDport                 string `json:"src_dport"`
				SrcIP                    string `json:"src_ip"`
				DestIP                   string `json:"dest_ip"`
				DestPort                 string `json:"dest_port"`
			}
		}
	}
	if err := json.Unmarshal([]byte(data), &service); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	var in, out string
	for _, r := range service.Data.Firewall {
		if r.Src != "lan" || r.Family != "ipv4" {
			continue
		}
		switch r.Type {
		case "redirect":
			in += "iifname " + device + " ip daddr " + lan + " " + r.Proto + " dport " + r.SrcDport + " dnat ip to " + r.DestIP + ":" + r.DestPort + "\n"
		case "nat":
			out += "oifname " + device + " ip saddr " + r.SrcIP + " ip daddr " + r.DestIP + " " + r.Proto + " dport " + r.DestPort + " masquerade\n"
		}
	}
	return "table inet fw4 {\nchain dstnat {\ntype nat hook prerouting priority dstnat; policy accept;\n" + in + "}\n" +
		"chain srcnat {\ntype nat hook postrouting priority srcnat; policy accept;\n" + out + "}\n}\n"
}

// A client on the container's own bridge reaches its port at the router's address, without br_netfilter; procd has the data as long as the
// container runs, and the firewall is told each time.
func TestNetworkPorts(t *testing.T) {
	newBridge(t, "br-lan", "10.77.0.1/24")
	routerEtc(t)
	p := newProcdData(t)
	b := newBundle(t, networks("bridge=br-lan ipaddr=10.77.0.2/24 gateway=10.77.0.1"), script("echo hello >/tmp/x; httpd -p 80 -h /tmp; "+untilTerm), mount("/tmp", "tmpfs", "tmpfs"))
	b.spec.Annotations[netbridge.PortAnnotation+"0"] = "src=lan src_dport=8080 dest_port=80"
	c := b.start().until("ready")
	data, calls := p.told()
	const reload = `event {"type":"config.change","data":{"package":"firewall"}}`
	if calls != "add\n"+reload || !strings.Contains(data, `"name":"container.`+b.name+`"`) {
		t.Errorf("%s\n%s", data, calls)
	}
	rules := exec.Command("nft", "-f", "-")
	rules.Stdin = strings.NewReader(ruleset(t, data, "br-lan", "10.77.0.0/24"))
	if out, err := rules.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("nft", "delete", "table", "inet", "fw4").Run() })
	farAway(t, "10.88.0.2/24", "10.88.0.1/24") // for its forwarding
	client := newBundle(t, networks("bridge=br-lan ipaddr=10.77.0.3/24 gateway=10.77.0.1"), script("printf 'GET /x HTTP/1.0\r\n\r\n' | nc -w 10 10.77.0.1 8080 | tail -n 1"))
	client.run().prints("hello\n")
	c.signal(syscall.SIGTERM).wait()
	if _, calls = p.told(); calls != "add\n"+reload+"\ndelete {\"name\":\"container."+b.name+"\"}\n"+reload {
		t.Error(calls)
	}
	b.spec.Annotations[netbridge.PortAnnotation+"0"] = "src=dmz src_dport=8080"
	b.run().refused("annotations.org.openwrt.gojail.port.0: src=dmz: there is no such zone in /etc/config/firewall (there are lan, wan)")
}

// A port of a container that gets its address by DHCP is published when it has one.
func TestNetworkPortsDHCP(t *testing.T) {
	newBridge(t, "br-lan", "10.77.0.1/24")
	routerEtc(t)
	p := newProcdData(t)
	dir := t.TempDir()
	writeFile(t, dir+"/leases", "", 0o644)
	writeFile(t, dir+"/conf", "start 10.77.0.100\nend 10.77.0.120\ninterface br-lan\nlease_file "+dir+"/leases\npidfile "+dir+"/pid\noption subnet 255.255.255.0\n", 0o644)
	server := start(t, command{args: []string{busybox, "udhcpd", "-f", dir + "/conf"}})
	b := newBundle(t, networks("bridge=br-lan proto=dhcp"), script(untilTerm))
	b.spec.Annotations[netbridge.PortAnnotation+"0"] = "src=wan src_dport=1" + strconv.Itoa(1000)
	c := b.start().until("ready")
	if !eventually(func() bool { data, _ := p.told(); return strings.Contains(data, `"dest_ip":"10.77.0.1`) }) {
		t.Error(p.told())
	}
	c.signal(syscall.SIGTERM).wait()
	if _, calls := p.told(); !strings.Contains(calls, "delete ") {
		t.Error(calls)
	}
	server.signal(syscall.SIGTERM).wait()
}

// Without procd nobody would open the port.
func TestNetworkPortsRefused(t *testing.T) {
	newBridge(t, "br-lan")
	b := newBundle(t, networks("bridge=br-lan ipaddr=10.77.0.2/24"))
	b.spec.Annotations[netbridge.PortAnnotation+"0"] = "src=lan src_dport=8080"
	b.run().refused("annotations.org.openwrt.gojail.port.0: open /etc/config/firewall: no such file or directory")
	routerEtc(t)
	b.run().refused("annotations.org.openwrt.gojail.port.0: the firewall gets ports from procd")
}

// The real procd keeps the data where firewall4 looks for it, as long as the container runs.
func TestProcdNetworkPort(t *testing.T) {
	routerEtc(t)
	newBridge(t, "br-lan", "10.77.0.1/24")
	p := procds(t)
	b := newBundle(t, networks("bridge=br-lan ipaddr=10.77.0.2/24"), script(untilTerm))
	b.spec.Annotations[netbridge.PortAnnotation+"0"] = "src=lan src_dport=8080 dest_port=80"
	data := func() string {
		list, err := p.Call("service", "get_data", func(w *blob.Builder) { w.AddString("type", "firewall") })
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, table := range list {
			text += blob.Text(table)
		}
		return text
	}
	c := b.start().until("ready")
	if got := data(); !strings.HasPrefix(got, `{"container.`+b.name+`":{"*":{"firewall":[{"type":"redirect","target":"DNAT","src":"lan","src_dip":"lan","src_dport":"8080",`) {
		t.Error(got)
	}
	c.signal(syscall.SIGTERM).wait()
	if got := data(); got != "{}" {
		t.Error(got)
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// netifd stands in for it: an interface on a bridge, and what it was asked.
type netifd struct {
	t      *testing.T
	bridge string
	mu     sync.Mutex
	calls  []string
	refuse bool // add_device
	lazy   bool // it answers, but does nothing
}

func newNetifd(t *testing.T, iface, bridge string) *netifd {
	t.Helper()
	n := &netifd{t: t, bridge: bridge}
	bus := newBus(t)
	o, err := ubustest.Offer(bus.Path(), "network.interface."+iface, []ubus.Method{{Name: "status"}, {Name: "add_device"}, {Name: "remove_device"}}, n.handle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return n
}

func (n *netifd) handle(in *ubus.Incoming) ([]byte, ubus.Status) {
	kernel.Close(in.FD)
	n.mu.Lock()
	defer n.mu.Unlock()
	var w blob.Builder
	name := ""
	for d := blob.NewFields(in.Data); d.Next(); {
		if d.Name() == "name" {
			name = d.Text()
		}
	}
	switch in.Method {
	case "status":
		w.AddBool("up", true)
		w.AddString("device", n.bridge)
	default:
		n.calls = append(n.calls, in.Method+" "+blob.Text(in.Data))
		if n.refuse {
			return nil, ubus.StatusUnknownError
		}
		if in.Method == "add_device" && !n.lazy {
			exec.Command("ip", "link", "set", name, "master", n.bridge).Run()
		}
	}
	b, _ := w.Bytes()
	return b, ubus.StatusOK
}

func (n *netifd) asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.calls)
}

// The host's end is netifd's to put into its bridge, and to take out; also into one that was made anew.
func TestNetworkInterface(t *testing.T) {
	newBridge(t, "br-lan", "10.77.0.1/24")
	n := newNetifd(t, "lan", "br-lan")
	b := newBundle(t, networks("interface=lan ipaddr=10.77.0.2/24"), script(ping+"10.77.0.1; "+untilTerm))
	p := b.start().until("1 packets received").until("ready")
	onBus(t, b.name)
	d := b.hostEnd()
	if d == nil || d.Master != "br-lan" {
		t.Fatalf("%+v", d)
	}
	want := `add_device {"name":"` + d.Name + `","link-ext":true}`
	if got := n.asked(); !slices.Equal(got, []string{want}) {
		t.Errorf("%q, want %q", got, want)
	}
	ip(t, "link", "del", "br-lan")
	ip(t, "link", "add", "br-lan", "type", "bridge")
	ip(t, "link", "set", "br-lan", "up")
	if !eventually(func() bool { d := b.hostEnd(); return d != nil && d.Master == "br-lan" }) {
		t.Errorf("%+v", b.hostEnd())
	}
	p.signal(syscall.SIGTERM).wait()
	got := n.asked()
	if len(got) < 3 || got[1] != want || got[len(got)-1] != strings.Replace(want, "add", "remove", 1) {
		t.Errorf("%q", got)
	}
}

// A netifd that refuses, or does not do what it says.
func TestNetworkInterfaceRefused(t *testing.T) {
	newBridge(t, "br-lan")
	n := newNetifd(t, "lan", "br-lan")
	n.refuse = true
	newBundle(t, networks("interface=lan")).run().refused("network.0: interface=lan: netifd does not take v")
	n.refuse, n.lazy = false, true
	newBundle(t, networks("interface=lan")).run().refused("network.0: netifd has not made v", "a port of br-lan")
	newBundle(t, networks("interface=wan")).run().refused("network.0: interface=wan: netifd has no such interface")
}

// The same with the real netifd and ubusd (and a kernel whose bridges filter VLANs), where $NETIFD and $UBUSD name them; netifd is ended and started again meanwhile.
func TestVMNetworkNetifd(t *testing.T) {
	program, ubusd := os.Getenv("NETIFD"), os.Getenv("UBUSD")
	if program == "" || ubusd == "" {
		t.Skip("SKIPPED: $NETIFD and $UBUSD do not say where they are")
	}
	watch(t)
	if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll("/run/ubus") })
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "config/network"), "config interface 'loopback'\n\toption device 'lo'\n\toption proto 'static'\n\toption ipaddr '127.0.0.1/8'\n"+
		"config device\n\toption name 'br-lan'\n\toption type 'bridge'\n\toption bridge_empty '1'\n"+
		"config interface 'lan'\n\toption device 'br-lan'\n\toption proto 'static'\n\toption ipaddr '10.77.0.1/24'\n", 0o644)
	bus := start(t, command{args: []string{ubusd, "-s", ubus.Path}})
	begin := func() *process {
		return start(t, command{args: []string{program, "-s", ubus.Path, "-c", dir + "/config", "-p", dir, "-r", dir + "/resolv.conf", "-S", "-l", "7"}})
	}
	daemon := begin()
	t.Cleanup(func() { exec.Command("ip", "link", "set", "lo", "up").Run() }) // it begins with what is there set down
	t.Cleanup(func() {
		if t.Failed() {
			status, _ := exec.Command("ip", "-d", "link").CombinedOutput()
			t.Logf("netifd: %s%s\n%s", daemon.out, daemon.err, status)
		}
	})
	t.Cleanup(func() { exec.Command("ip", "link", "del", "br-lan").Run() })
	b := newBundle(t, networks("interface=lan ipaddr=10.77.0.2/24"), script("until "+ping+"10.77.0.1; do :; done; "+untilTerm))
	p := b.start().until("1 packets received").until("ready")
	reach := func() {
		t.Helper()
		if !eventually(func() bool { return exec.Command(busybox, "ping", "-c1", "-W1", "10.77.0.2").Run() == nil }) {
			t.Fatalf("%+v\nnetifd: %s\nujail: %s", b.hostEnd(), daemon.err, p.err)
		}
	}
	reach()
	daemon.signal(syscall.SIGKILL).wait()
	reach() // its bridge is still there
	daemon = begin()
	reach()
	p.signal(syscall.SIGTERM).wait()
	if !eventually(func() bool { return b.hostEnd() == nil }) {
		t.Error(b.hostEnd())
	}
	daemon.signal(syscall.SIGKILL).wait()
	bus.signal(syscall.SIGTERM).wait()
}

// A start that waits for netifd can be ended, and so can one whose supervisor dies then; nothing is left.
func TestNetworkStartEnded(t *testing.T) {
	newBridge(t, "br-lan")
	n := newNetifd(t, "lan", "br-lan")
	n.lazy = true
	b := newBundle(t, networks("interface=lan"), script("echo ran"))
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT} {
		before := len(n.asked())
		p := b.start("-t", "1")
		if !eventually(func() bool { return len(n.asked()) > before }) {
			t.Fatal("netifd was not asked")
		}
		if r := p.signal(s).wait(); r.code != 128+int(s) || r.stdout != "" {
			t.Errorf("%v: %+v", s, r)
		}
		if !eventually(func() bool { return b.hostEnd() == nil }) {
			t.Errorf("%v: %+v", s, b.hostEnd())
		}
	}
}

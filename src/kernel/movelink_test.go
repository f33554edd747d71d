// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// device is what ip tells about a network device.
type device struct {
	Index     int      `json:"ifindex"`
	Name      string   `json:"ifname"`
	MTU       int      `json:"mtu"`
	MAC       string   `json:"address"`
	Flags     []string `json:"flags"`
	Addresses []struct {
		Family        string `json:"family"`
		Local         string `json:"local"`
		Peer          string `json:"address"`
		Prefix        int    `json:"prefixlen"`
		Metric        int    `json:"metric"`
		Broadcast     string `json:"broadcast"`
		Scope         string `json:"scope"`
		NoPrefixRoute bool   `json:"noprefixroute"`
		NoDAD         bool   `json:"nodad"`
		Secondary     bool   `json:"secondary"`
	} `json:"addr_info"`
}

func (d device) up() bool { return slices.Contains(d.Flags, "UP") }

// global lists the addresses of global scope, one line each.
func (d device) global() string {
	var lines []string
	for _, a := range d.Addresses {
		if a.Scope != "global" {
			continue
		}
		s := a.Local + "/" + strconv.Itoa(a.Prefix)
		if a.Peer != "" {
			s += " peer " + a.Peer
		}
		if a.Broadcast != "" {
			s += " brd " + a.Broadcast
		}
		if a.Metric != 0 {
			s += " metric " + strconv.Itoa(a.Metric)
		}
		for word, set := range map[string]bool{"noprefixroute": a.NoPrefixRoute, "nodad": a.NoDAD, "secondary": a.Secondary} {
			if set {
				s += " " + word
			}
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "\n")
}

// parseDevices reads what ip has printed.
func parseDevices(t *testing.T, text string) map[string]device {
	t.Helper()
	var list []device
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	devices := map[string]device{}
	for _, d := range list {
		devices[d.Name] = d
	}
	return devices
}

func devicesHere(t *testing.T) map[string]device {
	t.Helper()
	return parseDevices(t, run(t, "ip", "-j", "address"))
}

func (w world) devices(t *testing.T) map[string]device {
	t.Helper()
	return parseDevices(t, w.run(t, "-n", "ip", "-j", "address"))
}

// batch has ip do several things on this thread.
func batch(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		run(t, append([]string{"ip"}, strings.Fields(l)...)...)
	}
}

// makeDevice makes the pair outer0 and peer0 with many kinds of addresses on the former.
func makeDevice(t *testing.T) {
	t.Helper()
	batch(t,
		"link add name outer0 address 02:00:00:00:00:01 mtu 1400 type veth peer name peer0",
		"link set outer0 up",
		"link set peer0 up",
		"address add 192.0.2.1/24 brd + dev outer0",
		"address add 192.0.2.2/24 dev outer0 label outer0:x",
		"address add 198.51.100.1 peer 198.51.100.2/32 dev outer0 noprefixroute",
		"address add 203.0.113.1/25 dev outer0 metric 50",
		"address add 192.0.2.77/24 dev outer0 valid_lft 1000 preferred_lft 1000",
		"address add 10.9.9.9/24 dev outer0 scope link",
		"address add fd00::1/64 dev outer0 nodad",
		"address add fd00::2/64 dev outer0 nodad",
		"address add fd01::1/64 dev outer0 nodad noprefixroute metric 7",
		"address add fd00::77/64 dev outer0 nodad valid_lft 1000 preferred_lft 1000",
	)
}

const keptAddresses = `192.0.2.1/24 brd 192.0.2.255
198.51.100.1/32 peer 198.51.100.2 noprefixroute
203.0.113.1/25 metric 50
192.0.2.2/24 secondary
fd01::1/64 metric 7 noprefixroute nodad
fd00::2/64 nodad
fd00::1/64 nodad`

// sameAddresses compares without the order of words in a line.
func sameAddresses(a, b string) bool {
	return slices.EqualFunc(strings.Split(a, "\n"), strings.Split(b, "\n"), func(a, b string) bool {
		x, y := strings.Fields(a), strings.Fields(b)
		slices.Sort(x)
		slices.Sort(y)
		return slices.Equal(x, y)
	})
}

func TestMoveLink(t *testing.T) {
	for _, c := range []struct{ name, newName, want, setup string }{
		{"renamed", "inner0", "inner0", ""},
		{"same name", "", "outer0", ""},
		{"name of another device outside", "peer0", "peer0", ""},
		{"old name taken inside", "inner0", "inner0", "ip link add name outer0 type bridge"},
		{"index taken inside", "inner0", "inner0", "for i in 2 3 4 5 6 7; do ip link add name x$i index $i type bridge; done"},
		{"pattern", "eth%d", "eth1", "ip link add name eth0 type bridge"},
		{"pattern, index taken", "n%dx", "n0x", "for i in 2 3 4 5 6 7; do ip link add name x$i index $i type bridge; done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ownThread(t, unix.CLONE_NEWNET)
			makeDevice(t)
			w := newWorld(t, unix.CLONE_NEWNET, c.setup)
			if err := MoveLink("outer0", c.newName, w.namespace(t, "net")); err != nil {
				t.Fatal(err)
			}
			if d, ok := devicesHere(t)["outer0"]; ok {
				t.Errorf("still there: %+v", d)
			}
			inside := w.devices(t)
			d, ok := inside[c.want]
			if !ok {
				t.Fatalf("%s is not in %+v", c.want, inside)
			}
			if !d.up() || d.MTU != 1400 || d.MAC != "02:00:00:00:00:01" {
				t.Errorf("%+v", d)
			}
			if !sameAddresses(d.global(), keptAddresses) {
				t.Errorf("addresses:\n%s\nwant:\n%s", d.global(), keptAddresses)
			}
		})
	}
}

func TestMoveLinkIntoUserNamespace(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	makeDevice(t)
	w := newWorld(t, unix.CLONE_NEWUSER|unix.CLONE_NEWNET, "")
	if err := MoveLink("outer0", "", w.namespace(t, "net")); err != nil {
		t.Fatal(err)
	}
	if d := w.devices(t)["outer0"]; !d.up() || !sameAddresses(d.global(), keptAddresses) {
		t.Errorf("%+v", d)
	}
}

func TestMoveLinkDown(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	batch(t, "link add name outer0 type veth peer name peer0", "address add 192.0.2.1/24 dev outer0", "address add fd00::1/64 dev outer0")
	w := newWorld(t, unix.CLONE_NEWNET, "")
	if err := MoveLink("outer0", "", w.namespace(t, "net")); err != nil {
		t.Fatal(err)
	}
	if d := w.devices(t)["outer0"]; !d.up() || !sameAddresses(d.global(), "192.0.2.1/24\nfd00::1/64") {
		t.Errorf("%+v\n%s", d, d.global())
	}
}

// Refusals change nothing.
func TestMoveLinkRefused(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	makeDevice(t)
	batch(t, "link add name br0 type bridge", "link property add dev peer0 altname another0")
	before := devicesHere(t)
	w := newWorld(t, unix.CLONE_NEWNET, "ip link add name taken0 type bridge; ip link add name peer0 type bridge")
	inside := w.devices(t)
	netns := w.namespace(t, "net")
	own, err := OpenNamespace("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer Close(own)
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		name, newName string
		netns         int
		errno         Errno
		words         string
	}{
		{"nothing0", "", netns, unix.ENODEV, "no device of that name"},
		{"outer0", "taken0", netns, unix.EEXIST, "a device named taken0"},
		{"peer0", "", netns, unix.EEXIST, "choose another name"},
		{"outer0", "lo", netns, unix.EEXIST, "choose another name"},
		{"lo", "lo1", netns, unix.EINVAL, "cannot change its network namespace"},
		{"br0", "", netns, unix.EINVAL, "bridges"},
		{"another0", "", netns, unix.EINVAL, "use peer0"},
		{"outer0", "", own, unix.EINVAL, "one of its own"},
		{"outer0", "", int(file.Fd()), unix.EINVAL, "outer0"},
		{"outer0", "", -1, unix.EBADF, "outer0"},
		{"", "x", netns, unix.EINVAL, "cannot be the name"},
		{"outer%d", "", netns, unix.EINVAL, "cannot be the name"},
		{"sixteen-letters0", "x", netns, unix.EINVAL, "cannot be the name"},
		{"outer0", "sixteen-letters0", netns, unix.EINVAL, "1 to 15 characters"},
		{"outer0", "a b", netns, unix.EINVAL, "cannot be named a b"},
		{"outer0", "a/b", netns, unix.EINVAL, "cannot be named"},
		{"outer0", "..", netns, unix.EINVAL, "cannot be named"},
		{"outer0", "%dx%d", netns, unix.EINVAL, "cannot be named"},
		{"outer0", "%s", netns, unix.EINVAL, "cannot be named"},
	} {
		err := MoveLink(c.name, c.newName, c.netns)
		if err == nil || !errors.Is(err, c.errno) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%q as %q: %v, want %v and %q", c.name, c.newName, err, c.errno, c.words)
		}
	}
	if now := devicesHere(t); !sameDevices(before, now) {
		t.Errorf("outside changed from\n%+v to\n%+v", before, now)
	}
	if now := w.devices(t); !sameDevices(inside, now) {
		t.Errorf("inside changed from\n%+v to\n%+v", inside, now)
	}
}

func sameDevices(a, b map[string]device) bool {
	if len(a) != len(b) {
		return false
	}
	for name, d := range a {
		e, ok := b[name]
		if !ok || d.Index != e.Index || d.up() != e.up() || d.MTU != e.MTU || !sameAddresses(d.global(), e.global()) {
			return false
		}
	}
	return true
}

// What fails inside takes the device back.
func TestMoveLinkBack(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	makeDevice(t)
	before := devicesHere(t)["outer0"]
	w := newWorld(t, unix.CLONE_NEWNET, "")
	w.run(t, "-n", "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6")
	err := MoveLink("outer0", "inner0", w.namespace(t, "net"))
	for _, words := range []string{"outer0", "IPv6 is disabled", "the device is back where it was"} {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Fatalf("%v does not say %q", err, words)
		}
	}
	if !errors.Is(err, unix.EACCES) {
		t.Errorf("%v, want EACCES", err)
	}
	if d := w.devices(t); len(d) != 1 {
		t.Errorf("inside: %+v", d)
	}
	d := devicesHere(t)["outer0"]
	if d.Index != before.Index || !d.up() || d.MTU != 1400 || !sameAddresses(d.global(), keptAddresses) {
		t.Errorf("%+v\n%s", d, d.global())
	}
}

// The kernel renames a device when it has moved it: if somebody has taken the name just then, the device is taken back too.
func TestMoveLinkNameLost(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	makeDevice(t)
	w := newWorld(t, unix.CLONE_NEWNET, "ip link add name inner0 type bridge")
	netns := w.namespace(t, "net")
	m := linkMove{name: "outer0", newName: "inner0", home: -1}
	defer m.close()
	err := m.open(netns)
	if err == nil {
		m.old, _, _, err = m.here.find(0, m.name)
	}
	if err == nil {
		m.address, err = m.here.addresses(m.old.index)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = m.carry(netns)
	if !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), "the device is back where it was") {
		t.Error(err)
	}
	if d := w.devices(t); len(d) != 2 {
		t.Errorf("inside: %+v", d)
	}
	if d := devicesHere(t)["outer0"]; d.Index != int(m.old.index) || !d.up() || !sameAddresses(d.global(), keptAddresses) {
		t.Errorf("%+v\n%s", d, d.global())
	}
}

// The calling thread, and the process, stay in their network namespace.
func TestMoveLinkStays(t *testing.T) {
	ownThread(t, unix.CLONE_NEWNET)
	batch(t, "link add name outer0 type veth peer name peer0")
	stat := func(path string) (st unix.Stat_t) {
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	thread, process := stat("/proc/thread-self/ns/net").Ino, stat("/proc/self/ns/net").Ino
	w := newWorld(t, unix.CLONE_NEWNET, "")
	if err := MoveLink("outer0", "", w.namespace(t, "net")); err != nil {
		t.Fatal(err)
	}
	if stat("/proc/thread-self/ns/net").Ino != thread || stat("/proc/self/ns/net").Ino != process {
		t.Error("a thread has moved")
	}
}

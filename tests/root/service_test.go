// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gojail/tests/procd"
)

// OpenWrt's jailed services, as far as Debian has them, with the options of their init scripts: each is started, does its work, and is
// ended. Under procd's command lines, and under the real procd where it is known.

// The accounts of these services.
const (
	services = "network:x:101:101:network:/:/bin/false\n" + "dnsmasq:x:453:453:dnsmasq:/:/bin/false\n" +
		"rsyncd:x:54:54:rsyncd:/:/bin/false\n" + "messagebus:x:81:81:dbus:/:/bin/false\n" + "postgres:x:5432:5432:postgres:/:/bin/false\n"
	serviceGroups = "network:x:101:\ndnsmasq:x:453:\nrsyncd:x:54:\nmessagebus:x:81:\npostgres:x:5432:\n"
)

// A jailedService is one of them.
type jailedService struct {
	needs string // its program, and Debian's package
	// configure makes its files in dir, an empty directory, and gives the instance and what shows that it works.
	configure func(t *testing.T, dir string) (in procd.Instance, works func(t *testing.T, log *procd.Syslog))
	codes     []int // its status after TERM, in the versions that there are
}

var jailedServices = map[string]jailedService{
	"dnsmasq":    {"/usr/sbin/dnsmasq dnsmasq-base", configureDnsmasq, []int{0}},
	"hostapd":    {"/usr/sbin/hostapd hostapd", configureHostapd, []int{0}},
	"rsyncd":     {"/usr/bin/rsync rsync", configureRsyncd, []int{0, 20}},
	"dbus":       {"/usr/bin/dbus-daemon dbus-daemon", configureDbus, []int{0}},
	"postgresql": {"/usr/bin/psql postgresql", configurePostgresql, []int{0}},
}

// prepared has a service's files made, and its name its own.
func (s *jailedService) prepared(t *testing.T) (*procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	t.Helper()
	if program, pkg, _ := strings.Cut(s.needs, " "); !exists(program) {
		t.Fatalf("%s is not there: install Debian's %s (tests/deps.sh root)", program, pkg)
	}
	dir := hostFiles(t, nil)
	in, works := s.configure(t, dir)
	in.Jail.Name = newName()
	in.Stderr = true // of no importance to ujail, and worth something if it fails
	return &in, works
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestServices(t *testing.T) {
	for name, s := range jailedServices {
		t.Run(name, func(t *testing.T) {
			in, works := s.prepared(t)
			newBus(t)
			log := procd.Listen(t)
			p := asProcd(t, in)
			works(t, log)
			if t.Failed() {
				t.Logf("log: %s\nstderr: %s", strings.Join(log.Lines(0), "\n"), p.err)
			}
			if r := p.signal(syscall.SIGTERM).wait(); !slices.Contains(s.codes, r.code) {
				r.ends(s.codes[0])
			}
		})
	}
}

func TestProcdJailedServices(t *testing.T) {
	for name, s := range jailedServices {
		t.Run(name, func(t *testing.T) {
			procd.Skip(t)
			in, works := s.prepared(t)
			p := procds(t)
			name := service(t, p, in)
			works(t, p.Syslog)
			p.SetState("service", name, false)
			if got := p.Until("service", name, "ended", isEnded); !slices.Contains(s.codes, got.ExitCode) {
				t.Errorf("exit status %d, want one of %d", got.ExitCode, s.codes)
			}
		})
	}
}

// untilOutput runs a client until it succeeds and prints what is wanted.
func untilOutput(t *testing.T, want string, args ...string) {
	t.Helper()
	var out []byte
	var err error
	if !eventually(func() bool {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = "/", []string{"PATH=" + hostPath, "HOME=/"}
		out, err = cmd.CombinedOutput()
		return err == nil && bytes.Contains(out, []byte(want))
	}) {
		t.Errorf("%q: %v, %q, want %q", args, err, out, want)
	}
}

// capabilitiesOf writes the file of -C as OpenWrt's packages have it: the same names in all sets.
func capabilitiesOf(t *testing.T, dir string, names ...string) string {
	t.Helper()
	list := `["` + strings.Join(names, `","`) + `"]`
	file := dir + "/capabilities.json"
	writeFile(t, file, `{"bounding":`+list+`,"effective":`+list+`,"ambient":`+list+`,"permitted":`+list+`,"inheritable":`+list+`}`, 0o644)
	return file
}

// runDir makes a directory below /run, for a user.
func runDir(t *testing.T, name string, id int) string {
	t.Helper()
	dir := "/run/" + name
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, id, id); err != nil {
		t.Fatal(err)
	}
	return dir
}

// /etc/init.d/dnsmasq: a name from its configuration, one from a file that comes later and is read on HUP, a lease whose script runs
// in the jail with its interpreter, and lines in the log.
func configureDnsmasq(t *testing.T, dir string) (procd.Instance, func(t *testing.T, log *procd.Syslog)) {
	run := runDir(t, "dnsmasq", 453)
	config, leases, hosts, hook := dir+"/dnsmasq.conf.cfg01411c", dir+"/dhcp.leases", dir+"/hosts", dir+"/dhcp-script.sh"
	writeFile(t, config, "user=dnsmasq\ngroup=dnsmasq\ninterface=lo\nbind-interfaces\nno-resolv\nport=5353\naddress=/box.test/192.0.2.7\naddn-hosts="+hosts+
		"\ndhcp-range=192.0.2.100,192.0.2.110,1h\ndhcp-leasefile="+leases+"\ndhcp-script="+hook+"\n", 0o644)
	writeFile(t, leases, "4102444800 02:00:00:00:00:01 192.0.2.101 guest *\n", 0o666)
	writeFile(t, hosts+"/dhcp", "192.0.2.8 early.test\n", 0o644)
	writeFile(t, hook, "#!/bin/sh\n[ \"$1\" = old ] && echo \"$@\" >>"+run+"/script\nexit 0\n", 0o755)
	in := procd.Instance{
		Command: []string{"/usr/sbin/dnsmasq", "-C", config, "-k", "-x", run + "/dnsmasq.cfg01411c.pid"},
		Jail: &procd.Jail{Ubus: true, Log: true, Mount: map[string]string{
			config: "0", "/usr/share/dnsmasq/dhcpbogushostname.conf": "0", hook: "0", "/usr/share/libubox/jshn.sh": "0", "/usr/bin/jshn": "0", "/bin/ubus": "0",
			"/usr/bin/env": "0", "/usr/share/dnsmasq/rfc6761.conf": "0", "/usr/share/dnsmasq/trust-anchors.conf": "0", "/etc/dnsmasq.conf": "0", dir + "/dnsmasq.d": "0",
			hosts: "0", "/etc/passwd": "0", "/etc/group": "0", "/etc/TZ": "0", "/etc/hosts": "0", "/etc/ethers": "0", run + "/": "1", leases: "1"}},
	}
	return in, func(t *testing.T, log *procd.Syslog) {
		resolves(t, "box.test", "192.0.2.7")
		resolves(t, "early.test", "192.0.2.8")
		if !eventually(func() bool {
			text, _ := os.ReadFile(run + "/script")
			return string(text) == "old 02:00:00:00:00:01 192.0.2.101 guest\n"
		}) {
			t.Error("the script has not run")
		}
		if !eventually(func() bool { return strings.Contains(strings.Join(log.Lines(0), "\n"), "started, version") }) {
			t.Error("nothing in the log")
		}
		writeFile(t, hosts+"/late", "192.0.2.9 late.test\n", 0o644)
		text, err := os.ReadFile(run + "/dnsmasq.cfg01411c.pid")
		if err != nil || strings.TrimSpace(string(text)) != "1" {
			t.Errorf("its pid file: %q, %v", text, err)
		}
		syscall.Kill(onlyProcess(t, "/usr/sbin/dnsmasq"), syscall.SIGHUP)
		resolves(t, "late.test", "192.0.2.9")
	}
}

func resolves(t *testing.T, name, want string) {
	t.Helper()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", "127.0.0.1:5353")
	}}
	var got []string
	var err error
	if !eventually(func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		got, err = r.LookupHost(ctx, name+".")
		return err == nil && len(got) == 1 && got[0] == want
	}) {
		t.Errorf("%s: %v, %v, want %s", name, got, err, want)
	}
}

// onlyProcess is the supervisor of the program.
func onlyProcess(t *testing.T, program string) int {
	t.Helper()
	list, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range list {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if line, _ := os.ReadFile(dir + "/cmdline"); bytes.Contains(line, []byte("ujail\x00-t\x00")) && bytes.Contains(line, []byte("--\x00"+program+"\x00")) && len(children(pid)) > 0 {
			return pid
		}
	}
	t.Fatalf("no supervisor of %s", program)
	return 0
}

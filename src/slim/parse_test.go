// SPDX-License-Identifier: LGPL-2.1-only

package slim

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// line splits a command line at blanks; ” stands for an empty word.
func line(s string) []string {
	list := strings.Fields(s)
	for i := range list {
		if list[i] == "''" {
			list[i] = ""
		}
	}
	return list
}

// What procd starts on a router, in the order procd gives.
func TestParseServices(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       Options
		newNS      string
	}{
		{
			"hostapd", "-t 5 -n hostapd -U network -G network -C /etc/capabilities/wpad.json -- /usr/sbin/hostapd -s -g /var/run/hostapd/global",
			Options{
				Name: "hostapd", User: "network", Group: "network", Capabilities: "/etc/capabilities/wpad.json",
				Args: []string{"/usr/sbin/hostapd", "-s", "-g", "/var/run/hostapd/global"},
			}, "",
		},
		{
			"dnsmasq", "-t 5 -n dnsmasq -u -l -r /bin/ubus -r /etc/hosts -w /tmp/dhcp.leases -w /tmp/hosts/ -- /usr/sbin/dnsmasq -C /var/etc/dnsmasq.conf -k",
			Options{
				Name: "dnsmasq",
				Mounts: []Mount{
					{Source: UbusSocket, Target: UbusSocket, Writable: true, Option: 'u'},
					{Source: LogSocket, Target: LogSocket, Writable: true, Option: 'l'},
					{Source: "/bin/ubus", Target: "/bin/ubus", Optional: true, Deps: true, Option: 'r'},
					{Source: "/etc/hosts", Target: "/etc/hosts", Optional: true, Deps: true, Option: 'r'},
					{Source: "/tmp/dhcp.leases", Target: "/tmp/dhcp.leases", Writable: true, Optional: true, Deps: true, Option: 'w'},
					{Source: "/tmp/hosts/", Target: "/tmp/hosts", Writable: true, Optional: true, Deps: true, Option: 'w'},
				},
				Args: []string{"/usr/sbin/dnsmasq", "-C", "/var/etc/dnsmasq.conf", "-k"},
			}, "mount pid ipc",
		},
		{
			"ntpd", "-t 5 -n ntpd -U ntp -G ntp -C /etc/capabilities/ntpd.json -c -u -r /usr/sbin/ntpd-hotplug -- /usr/sbin/ntpd -n",
			Options{
				Name: "ntpd", User: "ntp", Group: "ntp", Capabilities: "/etc/capabilities/ntpd.json", NoNewPrivs: true,
				Mounts: []Mount{
					{Source: UbusSocket, Target: UbusSocket, Writable: true, Option: 'u'},
					{Source: "/usr/sbin/ntpd-hotplug", Target: "/usr/sbin/ntpd-hotplug", Optional: true, Deps: true, Option: 'r'},
				},
				Args: []string{"/usr/sbin/ntpd", "-n"},
			}, "mount pid ipc",
		},
		{
			"umdns", "-t 5 -n umdns -S /etc/seccomp/umdns.json -u -l -- /usr/sbin/umdns",
			Options{
				Name: "umdns", Seccomp: "/etc/seccomp/umdns.json",
				Mounts: []Mount{
					{Source: "/etc/seccomp/umdns.json", Target: "/etc/seccomp/umdns.json", Option: 'S'},
					{Source: UbusSocket, Target: UbusSocket, Writable: true, Option: 'u'},
					{Source: LogSocket, Target: LogSocket, Writable: true, Option: 'l'},
				},
				Args: []string{"/usr/sbin/umdns"},
			}, "mount pid ipc",
		},
		{
			"netifd of a container", "-t 5 -n netjail -p -s -l -E -e PATH -w /var/containers/ubus-web:/var/run/ubus -r /bin/cat -j 4711:net,ipc,uts -- /sbin/netifd -r x",
			Options{
				Name: "netjail", Procfs: true, Sysfs: true, Require: true, Env: []string{"PATH"},
				Mounts: []Mount{
					{Source: LogSocket, Target: LogSocket, Writable: true, Option: 'l'},
					{Source: "/var/containers/ubus-web", Target: "/var/run/ubus", Writable: true, Optional: true, Deps: true, Option: 'w'},
					{Source: "/bin/cat", Target: "/bin/cat", Optional: true, Deps: true, Option: 'r'},
				},
				Join: []Join{{4711, []specs.LinuxNamespaceType{"network", "ipc", "uts"}}},
				Args: []string{"/sbin/netifd", "-r", "x"},
			}, "mount pid",
		},
		{
			"bundle by uxc", "-t 7 -n web -O /srv/rw -T 16M -i -P /run/web.pid -J /srv/web --",
			Options{
				Name: "web", TermTimeout: 7, OverlayDir: "/srv/rw", TmpOverlaySize: "16M", Immediately: true,
				PidFile: "/run/web.pid", Bundle: "/srv/web",
			}, "",
		},
		{
			"everything", "-t 0 -n a -h host -S p.json -U u -G g -C c.json -c -p -s -u -D -l -o -N -f -F -y -R /srv/r -O o -T 10% -i -P pid -E -e A -e B -r /a -w /b:/c//d/ -d 3 -j 1:time -- x",
			Options{
				Debug: 3, Seccomp: "p.json", Capabilities: "c.json", NoNewPrivs: true, Name: "a", Env: []string{"A", "B"},
				UTSNS: true, Hostname: "host", NetNS: true, UserNS: true, CgroupNS: true, Procfs: true, Sysfs: true,
				User: "u", Group: "g", ReadonlyRoot: true, Rootfs: "/srv/r", OverlayDir: "o", TmpOverlaySize: "10%",
				Require: true, Console: true, Immediately: true, PidFile: "pid", TermTimeout: -1,
				Mounts: []Mount{
					{Source: UbusSocket, Target: UbusSocket, Writable: true, Option: 'u'},
					{Source: UdebugSocket, Target: UdebugSocket, Writable: true, Optional: true, Option: 'D'},
					{Source: LogSocket, Target: LogSocket, Writable: true, Option: 'l'},
					{Source: "/a", Target: "/a", Optional: true, Deps: true, Option: 'r'},
					{Source: "/b", Target: "/c/d", Writable: true, Optional: true, Deps: true, Option: 'w'},
				},
				Join: []Join{{1, []specs.LinuxNamespaceType{"time"}}},
				Args: []string{"x"},
			}, "user mount network uts cgroup pid ipc",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			switch tt.want.TermTimeout {
			case 0:
				tt.want.TermTimeout = 5
			case -1:
				tt.want.TermTimeout = 0
			}
			if tt.want.Args == nil {
				tt.want.Args = []string{}
			}
			got, err := Parse(line(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
			var ns []string
			for _, n := range got.NewNamespaces() {
				ns = append(ns, string(n))
			}
			if s := strings.Join(ns, " "); s != tt.newNS {
				t.Errorf("new namespaces %q, want %q", s, tt.newNS)
			}
		})
	}
}

// D10: ids, capabilities and no_new_privs are reasons enough on their own.
func TestD10AloneIsEnough(t *testing.T) {
	for _, tt := range []struct{ line, newNS string }{
		{"-c true", ""},
		{"-U nobody true", ""},
		{"-G nogroup true", ""},
		{"-C f true", ""},
		{"-S f true", ""},
		{"-j 1:net true", ""},
		{"-j 1:mnt true", ""},
		{"-f true", "user pid ipc"},
		{"-F true", "cgroup pid ipc"},
		{"-N -n x true", "network pid ipc"},
		{"-h x true", "uts pid ipc"},
		{"-h '' true", "uts pid ipc"},
		{"-p true", "mount pid ipc"},
		{"-s true", "mount pid ipc"},
		{"-o true", "mount pid ipc"},
		{"-l true", "mount pid ipc"},
		{"-u true", "mount pid ipc"},
		{"-D true", "mount pid ipc"},
		{"-r /a true", "mount pid ipc"},
		{"-w /a true", "mount pid ipc"},
		{"-R /a true", "mount pid ipc"},
		{"-O /a true", "mount pid ipc"},
		{"-T 1m true", "mount pid ipc"},
		{"-o -j 1:pid -j 2:ipc true", "mount"},
	} {
		o, err := Parse(line(tt.line))
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		var ns []string
		for _, n := range o.NewNamespaces() {
			ns = append(ns, string(n))
		}
		if s := strings.Join(ns, " "); s != tt.newNS {
			t.Errorf("%s: new namespaces %q, want %q", tt.line, s, tt.newNS)
		}
		if o.MountNS() != strings.Contains(tt.newNS, "mount") {
			t.Errorf("%s: MountNS is %v", tt.line, o.MountNS())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, tt := range []struct{ line, want string }{
		{"", "no command to run (ujail [options] -- command [arguments], or -n name -J bundle)"},
		{"-c", "no command to run (ujail [options] -- command [arguments], or -n name -J bundle)"},
		{"-c --", "no command to run (ujail [options] -- command [arguments], or -n name -J bundle)"},
		{"-c -- ''", "the command is empty"},
		{"true", "nothing to do: these options would not restrict the command (see ujail --help)"},
		{"-n x -t 3 -i -y -E -P p -e V -d 1 true", "nothing to do: these options would not restrict the command (see ujail --help)"},
		{"-x true", "-x: unknown option"},
		{"-cxp true", "-x: unknown option"},
		{"-: true", "-:: unknown option"},
		{"-c\x01 true", `"-\x01": unknown option`},
		{"-c --help", "--help: unknown option (long options are --help and --version, first and alone)"},
		{"-n", "-n: needs an argument"},
		{"-cn", "-n: needs an argument"},
		{"-n '' -c true", "-n: the argument is empty"},
		{"-n . -c true", "-n .: not usable as a name"},
		{"-n .. -c true", "-n ..: not usable as a name"},
		{"-n a/b -c true", "-n a/b: a name cannot hold '/'"},
		{"-n a\x7fb -c true", `-n "a\x7fb": a name cannot hold '\x7f'`},
		{"-n a\u009bb -c true", `-n "a\u009bb": a name cannot hold '\u009b'`},
		{"-n a\xffb -c true", `-n "a\xffb": a name cannot hold '�'`},
		{"-n " + long + " -c true", "-n " + long + ": the name is longer than 63 bytes"},
		{"-h " + long + " true", "-h " + long + ": longer than 64 bytes"},
		{"-e A=B -c true", "-e A=B: not the name of a variable (its value is taken from the environment)"},
		{"-r etc/x true", "-r etc/x: the source is not an absolute path"},
		{"-w :/x true", "-w :/x: the source is not an absolute path"},
		{"-w /x: true", "-w /x:: the target is not an absolute path"},
		{"-w /x:y true", "-w /x:y: the target is not an absolute path"},
		{"-T 123456789 true", "-T 123456789: longer than 8 characters"},
		{"-T 0 true", "-T 0: not a size above 0 such as 512k, 16M or 25%"},
		{"-T 0M true", "-T 0M: not a size above 0 such as 512k, 16M or 25%"},
		{"-T M true", "-T M: not a size above 0 such as 512k, 16M or 25%"},
		{"-T 16MB true", "-T 16MB: not a size above 0 such as 512k, 16M or 25%"},
		{"-T 1,uid=0 true", "-T 1,uid=0: not a size above 0 such as 512k, 16M or 25%"},
		{"-T 101% true", "-T 101%: more than all of the memory"},
		{"-t -1 -c true", "-t -1: not a number from 0 to 86400"},
		{"-t 86401 -c true", "-t 86401: not a number from 0 to 86400"},
		{"-t 5s -c true", "-t 5s: not a number from 0 to 86400"},
		{"-t 99999999999999999999 -c true", "-t 99999999999999999999: not a number from 0 to 86400"},
		{"-d x -c true", "-d x: not a number from 0 to 1000"},
		{"-j 1 true", "-j 1: no namespaces named (PID:namespace[,namespace...])"},
		{"-j 1: true", "-j 1:: no namespaces named (PID:namespace[,namespace...])"},
		{"-j 0:net true", "-j 0:net: the part before the colon is no process id"},
		{"-j -1:net true", "-j -1:net: the part before the colon is no process id"},
		{"-j x:net true", "-j x:net: the part before the colon is no process id"},
		{"-j 4294967297:net true", "-j 4294967297:net: the part before the colon is no process id"},
		{"-j 1:net, true", `-j 1:net,: unknown namespace "" (pid, net, mount, ipc, uts, user, cgroup, time)`},
		{"-j 1:root true", `-j 1:root: unknown namespace "root" (pid, net, mount, ipc, uts, user, cgroup, time)`},
		{"-j 1:net,network true", "-j 1:net,network: a network namespace is joined already"},
		{"-j 1:net -j 2:net true", "-j 2:net: a network namespace is joined already"},
		{"-j 1:net -N -n x true", "-j 1:network: -N makes a network namespace of the jail's own (one of the two)"},
		{"-j 1:uts -h x true", "-j 1:uts: -h makes a uts namespace of the jail's own (one of the two)"},
		{"-j 1:user -f true", "-j 1:user: -f makes a user namespace of the jail's own (one of the two)"},
		{"-F -j 1:cgroup true", "-j 1:cgroup: -F makes a cgroup namespace of the jail's own (one of the two)"},
		{"-u -j 1:mnt true", "-j 1:mount: -u makes a mount namespace of the jail's own (one of the two)"},
		{"-N true", "-N: a jail with its own network needs a name (add -n name)"},
		{"-J /b", "-J /b: a container needs a name (add -n name)"},
		{"-n x -J /b -e V", "-e: not possible with -J (set process.env in the bundle's config.json)"},
		{"-n x -J /b -r /a", "-r: not possible with -J (set mounts in the bundle's config.json)"},
		{"-n x -j 1:net -J /b", "-j: not possible with -J (set linux.namespaces[].path in the bundle's config.json)"},
		{"-n x -J /b -- sh", "a command (sh) beside -J (set process.args in the bundle's config.json)"},
	} {
		o, err := Parse(line(tt.line))
		if err == nil {
			t.Errorf("%q was accepted: %+v", tt.line, *o)
			continue
		}
		if _, ok := err.(*UsageError); !ok || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.line, err, tt.want)
		}
	}
}

// Every option is either possible with a bundle or refused by its name.
func TestBundleOptions(t *testing.T) {
	argument := map[byte]string{'d': "1", 'j': "1:net", 'r': "/a", 'w': "/a", 't': "9", 'T': "1m"}
	allowed := ""
	for _, c := range []byte(flagLetters + argLetters) {
		words := []string{"-n", "web", "-J", "/b", option(c)}
		if strings.IndexByte(argLetters, c) >= 0 {
			a := argument[c]
			if a == "" {
				a = "arg"
			}
			words = append(words, a)
		}
		o, err := Parse(words)
		if err == nil {
			allowed += string(c)
			if o.MountNS() || o.NewNamespaces() != nil {
				t.Errorf("-%c: namespaces beside a bundle", c)
			}
		} else if want := option(c) + ": not possible with -J"; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("-%c: %v", c, err)
		}
	}
	if want := "cEiydJnOPtT"; allowed != want {
		t.Errorf("allowed with -J: %s, want %s", allowed, want)
	}
}

// The shell's getopts is defined by POSIX through getopt, so it is a reference
// that shares no code with this package.
func TestScannerAgainstShell(t *testing.T) {
	const script = `while getopts :cC:d:De:EfFG:h:ij:J:ln:NoO:pP:r:R:sS:uU:w:t:T:y o; do
	case $o in
	'?') printf '%s' "-$OPTARG unknown"; exit 0;;
	:) printf '%s' "-$OPTARG missing"; exit 0;;
	esac
	case $o in
	[CdeGhjJnOPrRSUwtT]) printf '%s=<%s> ' "$o" "$OPTARG";;
	*) printf '%s ' "$o";;
	esac
done
shift $((OPTIND - 1))
printf '|'
for a; do printf '<%s>' "$a"; done`
	for _, l := range []string{
		"-p -o -- true", "-po true", "-pon name true", "-pnname true", "-n -p true", "-n -- true", "-n -- -- true",
		"-p true -o", "-p - -o", "-p -- -o", "-p -- -- -o", "- -p", "", "--", "-", "-p '' -o", "-n '' -o", "-n", "-pn",
		"-x", "-pxo", "-nx -x", "-e A -eB -e C sh -c x", "-t5 -t 6 -T7", "-uUlnobody", "-cC c -Cc x", "-p-o", "-n-- a",
	} {
		args := line(l)
		out, err := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		got, s := "", scanner{args: args}
		for {
			c, arg, err := s.next()
			if e, ok := err.(*UsageError); ok {
				got += e.Option + map[bool]string{true: " missing", false: " unknown"}[e.Why == "needs an argument"]
				break
			}
			if c == 0 {
				got += "|"
				for _, a := range s.args {
					got += "<" + a + ">"
				}
				break
			}
			got += string(c)
			if strings.IndexByte(argLetters, c) >= 0 {
				got += "=<" + arg + ">"
			}
			got += " "
		}
		if got != string(out) {
			t.Errorf("%q: got %s, the shell %s", l, got, out)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	if o, err := Parse(line("--help -x")); err != nil || !o.Help || o.Version {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := Parse(line("--version")); err != nil || !o.Version || o.Help {
		t.Errorf("%+v, %v", o, err)
	}
}

// The help has every option, with its argument where it takes one, and fits a
// terminal.
func TestUsage(t *testing.T) {
	for _, c := range []byte(flagLetters + argLetters) {
		i := strings.Index(Usage(), "\n  -"+string(c)+" ")
		if i < 0 {
			t.Errorf("-%c is not in the help", c)
			continue
		}
		takes := strings.IndexByte(argLetters, c) >= 0
		if shown := Usage()[i+6] != ' '; shown != takes {
			t.Errorf("-%c: the help is wrong about its argument", c)
		}
	}
	for l := range strings.Lines(Usage()) {
		if len(l) > 81 || strings.TrimRight(l, " \n") != strings.TrimSuffix(l, "\n") {
			t.Errorf("line %q", l)
		}
	}
}

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "//": "/", "/a": "/a", "/a/": "/a", "//a//b//": "/a/b", "/./a/.": "/a", "/a/../b": "/a/../b", "/.a/b.": "/.a/b.",
	} {
		if got := tidy(in); got != want {
			t.Errorf("tidy(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, n := range []string{"a", "my-web", "a.b", "...", strings.Repeat("x", 63), "käfig"} {
		if err := CheckName(n); err != nil {
			t.Errorf("%q: %v", n, err)
		}
	}
	for _, n := range []string{"", ".", "..", "/", "a\n", strings.Repeat("x", 64)} {
		if CheckName(n) == nil {
			t.Errorf("%q was accepted", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"-t\x005\x00-n\x00web\x00-J\x00/b", "-po\x00-r\x00/a:/b\x00--\x00sh", "-j\x001:net,ipc\x00-T\x0016M\x00x",
		"--help", "-h\x00\x00-U\x000\x00x", "-w\x00//a/./b/:/c/\x00x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		args := strings.Split(in, "\x00")
		o, err := Parse(args)
		if err != nil {
			e, ok := err.(*UsageError)
			if !ok || e.Error() == "" || o != nil {
				t.Fatalf("%q: %v", args, err)
			}
			return
		}
		if o.Help || o.Version {
			return
		}
		if o.Bundle == "" == (len(o.Args) == 0) || o.TermTimeout < 0 || o.TermTimeout > 86400 || len(o.TmpOverlaySize) > 8 {
			t.Fatalf("%q: %+v", args, *o)
		}
		if (o.NetNS || o.Bundle != "") && CheckName(o.Name) != nil {
			t.Fatalf("%q: name %q", args, o.Name)
		}
		for _, m := range o.Mounts {
			if m.Source[0] != '/' || m.Target != tidy(m.Target) {
				t.Fatalf("%q: %+v", args, m)
			}
		}
		for _, n := range o.NewNamespaces() {
			if _, twice := o.JoinOf(n); twice {
				t.Fatalf("%q: %s is both new and joined", args, n)
			}
		}
	})
}

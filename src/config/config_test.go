// SPDX-License-Identifier: LGPL-2.1-only

package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gojail/src/uci"
)

const file = "/etc/config/container"

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const some = `
config globals 'globals'
	option storage '/mnt/usb/containers'

config container 'web'
	option name 'my-web'
	option rootfs '/srv/web'
	option command '/usr/sbin/httpd -f "-h" /srv/a\ b'
	option profile 'strict'
	list rlimit 'nofile=4096'
	option memory '25%'
	list depends 'db'
	option enabled '0'

config container 'db'
	option rootfs '/srv/db'
	list command '/bin/db'
	list command ''
	option network 'container:web'

config network
	option container 'web'
	option interface 'lan'

config port
	option container 'my-web'
	option src 'lan'
	option src_dport '8080'
	option dest_port '80'
`

func TestParse(t *testing.T) {
	c, err := Parse(file, []byte(strings.Replace(some, "\toption network 'container:web'\n", "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	web, db := c.Containers[0], c.Containers[1]
	for _, x := range []struct{ got, want any }{
		{c.Globals.Text("storage"), "/mnt/usb/containers"},
		{c.Globals.Text("bundle_dir"), "/var/run/gojail/bundles"},
		{web.ID, "my-web"}, {db.ID, "db"},
		{web.List("command"), []string{"/usr/sbin/httpd", "-f", "-h", "/srv/a b"}},
		{db.List("command"), []string{"/bin/db", ""}},
		{web.Bool("enabled"), false}, {db.Bool("enabled"), true},
		{web.Bool("no_new_privileges"), true}, {db.Bool("no_new_privileges"), false}, // the profile
		{web.List("rlimit"), []string{"nofile=4096"}}, {web.Number("pids"), int64(256)}, {db.Number("pids"), int64(2048)},
		{web.Has("pids"), false}, {web.Text("memory"), "25%"}, {db.Text("memory"), ""},
		{web.Network(), "bridge"}, {db.Network(), "none"}, {len(web.Networks), 1}, {len(web.Ports), 1},
		{web.Networks[0].Text("proto"), "dhcp"}, {web.Ports[0].Text("proto"), "tcp"},
		{len(web.After), 1}, {web.After[0] == db, true},
		{c.Find("web") == web, true}, {c.Find("my-web") == web, true}, {c.Find("x") == nil, true},
		{c.Ordered()[0] == db, true}, {len(c.Ordered()), 2},
	} {
		if !reflect.DeepEqual(x.got, x.want) {
			t.Errorf("got %v, want %v", x.got, x.want)
		}
	}
	if c := parse(t, ""); len(c.Containers) != 0 || c.Globals.Text("storage") != "/srv/containers" {
		t.Error("an empty file has containers, or no defaults")
	}
}

func TestNetworkOf(t *testing.T) {
	c := parse(t, strings.Replace(some, "\tlist depends 'db'\n", "", 1))
	if db := c.Find("db"); db.NetworkOf != c.Find("web") || c.Ordered()[1] != db {
		t.Error("it does not come after the one whose network it shares")
	}
}

func TestErrors(t *testing.T) {
	const ok = "\toption rootfs /srv\n\tlist command /bin/a\n"
	box := func(options ...string) string {
		return "config container box\n" + ok + strings.Join(options, "\n") + "\n"
	}
	for _, c := range []struct{ name, in, want string }{
		{"syntax", "config container box\n\tfoo\n", file + ":2: invalid command"},
		{"unknown option", box("option rootf /x"), file + ":box:rootf: unknown option (did you mean rootfs?)"},
		{"unknown option, nothing near", box("option zzzzzzzz /x"), file + ":box:zzzzzzzz: unknown option"},
		{"unknown section", "config contaner box\n", file + ":box: unknown section type contaner (did you mean container?)"},
		{"anonymous", "config container\n" + ok, file + ":@container[0]:name: is required, for the section has no name"},
		{"long name", "config container " + strings.Repeat("n", 64) + "\n" + ok, file + ":" + strings.Repeat("n", 64) + ": must have letters, digits, _ . and - only, a letter or digit first, and at most 63 of them: give it an option name"},
		{"name", box("option name 'a/b'"), file + ":box:name: a/b: must have letters, digits, _ . and - only, a letter or digit first, and at most 63 of them"},
		{"two of a name", box() + "config container other\n" + ok + "option name box\n", file + ":other:name: box: is the name of section box already"},
		{"no rootfs", "config container box\n\tlist command a\n", file + ":box:rootfs: is required (or bundle)"},
		{"both", box("option bundle /b"), file + ":box:rootfs: is of no use with bundle, which has its own"},
		{"no command", "config container box\n\toption rootfs /srv\n", file + ":box:command: is required"},
		{"empty command", "config container box\n\toption rootfs /srv\n\tlist command ''\n", file + ":box:command: must name a program"},
		{"shell", "config container box\n\toption rootfs /srv\n\toption command 'a | b'\n", file + ":box:command: a | b: the shell would do something about |: quote it, or run /bin/sh -c with list command"},
		{"quote", "config container box\n\toption rootfs /srv\n\toption command 'a \"b'\n", file + ":box:command: a \"b: a quote is not closed"},
		{"list for option", box("list hostname a"), file + ":box:hostname: is one value: write option in place of list"},
		{"path", box("option cwd srv"), file + ":box:cwd: srv: must be an absolute path"},
		{"dots", box("option cwd /a/../b"), file + ":box:cwd: /a/../b: must not contain .."},
		{"size", box("option overlay tmpfs", "option overlay_size 16Q"), file + ":box:overlay_size: 16Q: must be a size such as 16M (K, M and G are of 1024)"},
		{"layer", box("option overlay_size 16M"), file + ":box:overlay_size: is for overlay tmpfs"},
		{"memory", box("option memory 0"), file + ":box:memory: 0: must be a size such as 64M, or a part of the memory such as 25%"},
		{"percent", box("option memory 101%"), file + ":box:memory: 101%: must be from 1% to 100%"},
		{"swap alone", box("option swap 1M"), file + ":box:swap: is beside memory, which has no limit: give that as well"},
		{"cpus", box("option cpus 0"), file + ":box:cpus: 0: must be a number of processors such as 0.5 or 2, at least 0.01"},
		{"cpuset", box("option cpuset 3-1"), file + ":box:cpuset: 3-1: must be a list of processors such as 0-1,3"},
		{"number", box("option pids 0"), file + ":box:pids: 0: must be a number from 1 to 4194304"},
		{"leading zero", box("option pids 0100"), file + ":box:pids: 0100: must be a number from 1 to 4194304"},
		{"bool", box("option readonly maybe"), file + ":box:readonly: maybe: must be 0 or 1"},
		{"enum", box("option profile defualt"), file + ":box:profile: defualt: must be one of strict, default, system, privileged (did you mean default?)"},
		{"capability", box("list cap_add NET_ADMN"), file + ":box:cap_add: NET_ADMN: is no capability (did you mean NET_ADMIN?)"},
		{"seccomp", box("option seccomp on"), file + ":box:seccomp: on: must be default, unconfined, or the path of a profile"},
		{"signal", box("option stop_signal TURM"), file + ":box:stop_signal: TURM: is no signal (TERM, INT, RTMIN+3 or a number)"},
		{"env", box("list env 'A'"), file + ":box:env: A: must be name=value"},
		{"idmap", box("option userns 1", "list uidmap 0:1"), file + ":box:gidmap: is required, as the other map is given\n" + file + ":box:uidmap: 0:1: must be container:host:size, as 0:100000:65536"},
		{"idmap without", box("list uidmap 0:1:1", "list gidmap 0:1:1"), file + ":box:uidmap: is for userns 1\n" + file + ":box:gidmap: is for userns 1"},
		{"rlimit", box("list rlimit nofiles=1"), file + ":box:rlimit: nofiles=1: there is no such limit (did you mean nofile?)"},
		{"rlimit order", box("list rlimit nofile=2:1"), file + ":box:rlimit: nofile=2:1: the first, soft limit must not exceed the hard one"},
		{"device", box("list device /tmp/x"), file + ":box:device: /tmp/x: must be a device in /dev"},
		{"device access", box("list device /dev/x:/dev/y:rx"), file + ":box:device: /dev/x:/dev/y:rx: must be letters of rwm: read, write, mknod"},
		{"mount", box("list mount /srv"), file + ":box:mount: /srv: must be source:target[:options], as /srv/data:/data:ro"},
		{"mount target", box("list mount /srv:data"), file + ":box:mount: /srv:data: target must be an absolute path"},
		{"network", box("option network bridged"), file + ":box:network: bridged: must be none, host, bridge, routed, netifd or container:NAME (did you mean bridge?)"},
		{"its own network", box("option network container:box"), file + ":box:network: container:box: is the container itself"},
		{"dangling", box() + "config network\n\toption bridge br-lan\n\toption container boxx\n\nconfig port\n\toption container none\n\toption src lan\n\toption src_dport 80\nconfig mount m\n\toption container b\n\toption source /a\n\toption target /b\n",
			file + ":@network[0]:container: boxx: there is no such container (did you mean box?)\n" + file + ":@port[0]:container: none: there is no such container\n" + file + ":m:container: b: there is no such container"},
		{"required", box() + "config port\n\toption container box\n", file + ":@port[0]:src: is required\n" + file + ":@port[0]:src_dport: is required\n" + file + ":@port[0]:container: box: has network none: a section port is for bridge or routed"},
		{"network unused", box("option network host") + "config network\n\toption bridge br-lan\n\toption container box\n", file + ":@network[0]:container: box: has network host: a section network is for bridge or routed"},
		{"static", box() + "config network\n\toption bridge br-lan\n\toption container box\n\toption proto static\n", file + ":@network[0]:ipaddr: is required with proto static"},
		{"address with dhcp", box() + "config network\n\toption bridge br-lan\n\toption container box\n\tlist ipaddr 10.0.0.1/8\n", file + ":@network[0]:ipaddr: is for proto static"},
		{"address", box() + "config network\n\toption bridge br-lan\n\toption container box\n\toption proto static\n\tlist ipaddr 10.0.0.256/8\n\tlist ip6addr fd00::1\n\tlist dns 1.1.1\n\toption macaddr 01:00:00:00:00:00\n",
			file + ":@network[0]:ipaddr: 10.0.0.256/8: must be an IPv4 address such as 192.168.1.20/24\n" + file + ":@network[0]:ip6addr: fd00::1: must be an IPv6 address such as fd00::2/64\n" +
				file + ":@network[0]:dns: 1.1.1: must be an IP address\n" + file + ":@network[0]:macaddr: 01:00:00:00:00:00: must be a MAC address such as 02:00:00:00:00:01, of one device"},
		{"no bits", box() + "config network\n\toption bridge br-lan\n\toption container box\n\toption proto static\n\tlist ipaddr 10.0.0.2\n", file + ":@network[0]:ipaddr: 10.0.0.2: needs its bits, as in 10.0.0.2/24, or a netmask"},
		{"egress", box() + "config network\n\toption bridge br-lan\n\toption container box\n\tlist egress wan\n", file + ":@network[0]:egress: is for network routed"},
		{"two of an ifname", box() + "config network\n\toption bridge br-lan\n\toption container box\nconfig network\n\toption bridge br-lan\n\toption container box\n", file + ":@network[1]:ifname: eth0: is the name of another interface of box"},
		{"itself", box("list depends box"), file + ":box:depends: box: is the container itself"},
		{"circle", box("list depends b") + "config container b\n" + ok + "\toption network container:c\nconfig container c\n" + ok + "\tlist depends box\n", file + ":c:depends: each would wait for the other: box -> b -> c -> box"},
		{"privileged", box("option profile privileged", "option userns 1"), file + ":box:userns: is not for the profile privileged, which is to be root outside"},
		{"globals twice", "config globals a\nconfig globals b\n", file + ":b: there is a section globals already"},
		{"all at once, in order", "config container a\n\toption memory x\n\toption foo 1\nconfig container b\n\toption pids -1\n" + ok,
			file + ":a:command: is required\n" + file + ":a:rootfs: is required (or bundle)\n" + file + ":a:memory: x: must be a size such as 64M, or a part of the memory such as 25%\n" +
				file + ":a:foo: unknown option\n" + file + ":b:pids: -1: must be a number from 1 to 4194304"},
		{"long value", box("option cwd " + strings.Repeat("x", 200)), file + ":box:cwd: " + strings.Repeat("x", 100) + "...: must be an absolute path"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := Parse(file, []byte(c.in))
			if err == nil || err.Error() != c.want || cfg != nil {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

// Every line of the schema can be checked, its default is valid, and its name is one that UCI takes.
func TestSchema(t *testing.T) {
	list := Options()
	if len(list) < 95 {
		t.Errorf("only %d options", len(list))
	}
	seen := map[string]bool{}
	for _, o := range list {
		key := o.Section + "." + o.Name
		if seen[key] || !uci.ValidName(o.Name) || o.Help == "" || strings.Contains(o.Help, "|") {
			t.Errorf("%+v", o)
		}
		seen[key] = true
		check(o.Kind, "x")
		check(o.Kind, "")
		if o.Default == "" {
			continue
		}
		if reason := check(o.Kind, o.Default); reason != "" {
			t.Errorf("%s: default %s: %s", key, o.Default, reason)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(profiles), "\n") {
		f := strings.Fields(line)
		i := slices.IndexFunc(list, func(o Option) bool { return o.Section == "container" && o.Name == f[1] })
		if i < 0 || check(list[i].Kind, f[2]) != "" || check("enum:strict,default,system,privileged", f[0]) != "" {
			t.Errorf("%s: no such profile or option, or value", line)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct{ kind, good, bad string }{
		{"ip6", ":: ::1 1::2 fe80::1 1:2:3:4:5:6:7:8 ::ffff:1.2.3.4 1:2:3:4:5:6:1.2.3.4 FD00::A", "1 1:2 1::2::3 1:2:3:4:5:6:7:8:9 12345::1 ::1%eth0 1:2:3:4:5:6:7::8:9 :::1 ::1.2.3 1.2.3.4"},
		{"ip4", "0.0.0.0 255.255.255.255 192.168.1.1", "1.2.3 1.2.3.4.5 256.1.1.1 01.2.3.4 1.2.3.a +1.2.3.4"},
		{"netmask", "255.255.255.0 255.255.255.255 0.0.0.0 128.0.0.0", "255.0.255.0 255.255.255 0.0.0.255 24"},
		{"mac", "02:00:00:00:00:01 AA:bb:cc:dd:ee:ff", "00:00:00:00:00:00 03:00:00:00:00:01 2:0:0:0:0:1 02:00:00:00:00 02-00-00-00-00-01"},
		{"portrange", "1 80 65535 80-90", "0 65536 90-80 a 080 -1 80-"},
		{"hostport", "udp/53 tcp/443", "53 udp/0 icmp/1 udp/65536"},
		{"size", "0 1 16M 1g 4K", "M 1T -1 1.5M +1 99999999999G"},
		{"cpus", "0.5 1 2.25 0.01 64", "0 0.001 .5 1. 0.123456 -1 x +1"},
		{"signal", "TERM SIGTERM term 15 RTMIN+3 SIGRTMIN+3 RTMIN", "SIG 0 65 RTMIN-1 RTMIN+31 TER FOO"},
		{"octal", "0 022 0777", "8 1000 x"},
		{"capability", "NET_ADMIN CAP_NET_ADMIN net_admin ALL", "NET_ADM1N CAP_"},
		{"rlimit", "nofile=1 nofile=1:2 CORE=0 memlock=unlimited as=64M", "nofile nofile= nofile=x foo=1 nofile=1:x"},
		{"device", "/dev/a /dev/a:/dev/b /dev/a:r /dev/a:/dev/b:rw", "a /dev/a:b /dev/a:/dev/b:rr /dev/a:/dev/b:rw:x /dev/../x"},
		{"mount", "/a:/b /a:/b:ro,noexec mqueue:/dev/mqueue", "/a /a: :/b a:b /a/../b:/c"},
		{"ifname", "eth0 br-lan.1", "0123456789abcdef a/b a:b .."},
		{"network", "none host bridge routed netifd container:web", "container: foo container:a/b"},
		{"annotation", "a=b a.b/c=d=e", "a =b a="},
		{"idmap", "0:100000:65536 5:5:1", "0:0:0 1:0:4294967295 1:2 a:b:c 4294967295:0:1"},
	} {
		for v := range strings.FieldsSeq(c.good) {
			if reason := check(c.kind, v); reason != "" {
				t.Errorf("%s %s: %s", c.kind, v, reason)
			}
		}
		for v := range strings.FieldsSeq(c.bad) {
			if check(c.kind, v) == "" {
				t.Errorf("%s %s is accepted", c.kind, v)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil}, {"a  b\tc", []string{"a", "b", "c"}}, {`'a b' "c d" e\ f`, []string{"a b", "c d", "e f"}}, {`""  ''`, []string{"", ""}},
		{`"a\"b\c"'\'`, []string{`a"b\c\`}}, {"a\\\nb", []string{"ab"}}, {`a'b'"c"`, []string{"abc"}}, {"'|&;$'", []string{"|&;$"}},
	} {
		if got, reason := Split(c.in); reason != "" || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q %s, want %q", c.in, got, reason, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(some)
	f.Add("config container a\n\toption rootfs /a\n\toption command 'a \"b\" \\'\n\tlist uidmap 0:1:2\n\tlist mount a:b:c\nconfig network\n\toption bridge br-lan\n\toption container a\n\tlist ip6addr ::1/64\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(file, []byte(text))
		var all Errors
		var syntax *uci.Error
		switch {
		case err == nil && c == nil, err != nil && c != nil:
			t.Error("neither or both")
		case err != nil && !errors.As(err, &all) && !errors.As(err, &syntax):
			t.Errorf("%T", err)
		}
	})
}

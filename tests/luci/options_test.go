// SPDX-License-Identifier: LGPL-2.1-only

// Package luci holds the web interface to what the program says: the options of its forms, its validation, the methods it calls, its texts. What
// the pages do is tested by the scripts beside it, with node (make luci).
package luci

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gojail/src/caps"
	"gojail/src/config"
)

var update = flag.Bool("update", false, "write what is generated anew")

const folder = "../../luci/"

// generated compares a file with what it has to be.
func generated(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what it has to be: go test ./tests/luci -update writes it", path)
	}
}

func js(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// The forms' table of options is that of package config.
func TestLuciOptions(t *testing.T) {
	var b strings.Builder
	b.WriteString("// SPDX-License-Identifier: LGPL-2.1-only\n'use strict';\n'require baseclass';\n\n/*\n * Made from package config by go test ./tests/luci -update: not to be edited.\n */\n\n" +
		"return baseclass.extend({\n\tsections: {\n")
	section := ""
	for _, o := range config.Options() {
		if o.Section != section {
			if section != "" {
				b.WriteString("\t\t},\n")
			}
			section = o.Section
			b.WriteString("\t\t" + section + ": {\n")
		}
		b.WriteString("\t\t\t" + o.Name + ": { kind: " + js(o.Kind))
		if o.List {
			b.WriteString(", list: true")
		}
		if o.Default != "" {
			b.WriteString(", def: " + js(o.Default))
		}
		if profiles := byProfile(o.Section, o.Name); profiles != "" {
			b.WriteString(", profiles: " + profiles)
		}
		b.WriteString(", help: _(" + js(o.Help) + ") },\n")
	}
	b.WriteString("\t\t}\n\t},\n\n\tcapabilities: [\n")
	line := "\t\t"
	for c := range caps.Cap(64) {
		name := strings.TrimPrefix(c.String(), "CAP_")
		if _, ok := config.Capability(name); !ok {
			continue
		}
		if len(line) > 130 {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = "\t\t"
		}
		line += js(name) + ", "
	}
	b.WriteString(strings.TrimSuffix(line, ", ") + "\n\t]\n});\n")
	generated(t, folder+"htdocs/luci-static/resources/containers/options.js", b.String())
}

// byProfile are the profiles in which a container's option has another default, as JavaScript.
func byProfile(section, option string) string {
	if section != "container" || option == "profile" {
		return ""
	}
	of := func(profile string) string {
		c, err := config.Parse("x", []byte("config container x\n\toption rootfs /x\n\toption command x\n\toption profile "+profile+"\n"))
		if err != nil {
			panic(err)
		}
		if option == "rootfs" || option == "command" {
			return ""
		}
		return strings.Join(c.Containers[0].List(option), " ")
	}
	list := []string{}
	for _, profile := range []string{"strict", "system", "privileged"} {
		if v := of(profile); v != of("default") {
			list = append(list, profile+": "+js(v))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "{ " + strings.Join(list, ", ") + " }"
}

// values are tried with every kind of option. Those of one kind are wrong for most others.
var values = []string{"0", "1", "2", "-1", "-0", "+1", "00", "01", "007", "0755", "0777", "01000", "8", "22", "100", "255", "256", "4096", "65535", "65536", "65548",
	"4194304", "4194305", "4294967295", "4294967296", "99999999999999999999", "1.5", "0.5", "0.01", "0.001", "0.123456", "0.5.5", ".5", "5.", "4096.1", "1e3", "0x10",
	"on", "off", "true", "no", "enabled", "disabled", "maybe", "64M", "64m", "1G", "16K", "5T", "M", "9223372036854775807", "9223372036854775808", "9007199254740993G", "25%", "0%", "100%", "101%", "%",
	"unlimited", "none", "host", "bridge", "routed", "netifd", "container:web", "container:", "container:-x", "web", "Web-1_a.b", "-web", ".web", "a b", "a\tb", "a/b", "ü",
	strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("x", 65), "/", "/srv/web", "srv/web", "/srv/../etc", "/srv/..x", "/a\nb",
	"/" + strings.Repeat("x", 255), "/" + strings.Repeat("x", 256), "/" + strings.Repeat("x/", 2100), "/ümläüt", "A=b", "A=", "=b", "A", "A=b=c", "net.ipv4.ip_forward=1", "net ipv4=1", "a=\n",
	"0:100000:65536", "0:0", "0:0:0", "4294967295:0:1", "0:4294967294:1", "0:1:4294967296", "a:b:c", "nofile=1024", "nofile=1024:4096", "nofile=4096:1024", "nofile=unlimited", "NOFILE=5", "nofile", "nofiles=5", "core=0:unlimited",
	"nofile=", "nofile=-1", "nofile=5:6:7", "/dev/ttyUSB0", "/dev/ttyUSB0:/dev/ttyS0", "/dev/ttyUSB0:/dev/ttyS0:rw", "/dev/ttyUSB0:rwm", "/dev/x:rr", "/dev/x:", "/dev/x:x:rw:y", "dev/x", "/dev/a:/dev/b:z",
	"/srv/data:/data", "/srv/data:/data:ro", "/srv/data:/data:ro,nosuid", "/srv/data", "srv/data:/data", "/srv/data:data", ":/data", "/srv:/data:", "/srv:/data:ro:rw", "/tmp:size=8M", "/tmp", "tmp:size=8M",
	"r", "rw", "rwm", "mwr", "rww", "x", "NET_ADMIN", "net_admin", "CAP_NET_ADMIN", "cap_sys_admin", "ALL", "all", "NET_ADMINS", "default", "unconfined", "/etc/seccomp/x.json", "TERM", "SIGTERM", "sigterm", "RTMIN",
	"RTMIN+3", "RTMIN+30", "RTMIN+31", "RTMIN-1", "SIGRTMIN+5", "9", "64", "65", "-9", "FOO", "SIG", "tcp", "udp", "udp/53", "tcp/80", "tcp/0", "icmp/1", "tcp/", "tcp/080", "tcp/65536", "80-90", "90-80", "80-", "80-90-100",
	"br-lan", "eth0:1", ".", "..", "192.168.1.20", "192.168.1.20/24", "255.255.255.0", "255.0.255.0", "255.255.255.255", "0.0.0.0", "254.0.0.0", "128.0.0.0", "192.168.1.20/33", "192.168.1.20/", "192.168.1", "192.168.1.256", "192.168.01.2", "1.2.3.4.5", "fd00::2", "fd00::2/64", "fd00::2/129", "fd00::", "::", "::1", ":::",
	"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::ffff:1.2.3.4", "1::2::3", "g::", "12345::", "fe80::1%eth0", ":1", "1:", "02:00:00:00:00:01", "01:00:00:00:00:01", "00:00:00:00:00:00", "2:0:0:0:0:1", "02:00:00:00:00", "02-00-00-00-00-01",
	"0-1,3", "0", "3-1", "0-8191", "0-8192", "0,", ",", "a", "strict", "always", "on-failure", "onfailure", "createRuntime", "veth", "bind", "<img src=x onerror=alert(1)>", " ", ""}

// What validation in the browser has to say: the same as the program, but for what it guesses was meant.
func TestLuciValues(t *testing.T) {
	kinds := map[string]config.Option{}
	for _, o := range config.Options() {
		if _, have := kinds[o.Kind]; !have || o.Section == "network" || !o.List {
			kinds[o.Kind] = o
		}
	}
	type answers struct {
		Values []string                    `json:"values"`
		Kinds  map[string]map[string][]int `json:"kinds"` // reason to the numbers of values; all others are valid
	}
	all := answers{values, map[string]map[string][]int{}}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		o := kinds[kind]
		all.Kinds[kind] = map[string][]int{}
		for i, v := range values {
			if strings.ContainsAny(v, "'\\") {
				t.Fatalf("%q would have to be quoted", v)
			}
			_, err := config.Parse("x", []byte("config "+o.Section+" x\n\t"+word(o.List)+" "+o.Name+" '"+v+"'\n"))
			reason := ""
			errs, ok := err.(config.Errors)
			if err != nil && !ok {
				t.Fatalf("%q: %v", v, err)
			}
			for _, e := range errs {
				if e.Option == o.Name && e.Value == v && !relation(e.Reason) {
					reason, _, _ = strings.Cut(e.Reason, " (did you mean")
				}
			}
			if v == "" && kind != "argument" && kind != "text" {
				reason = "is empty"
			}
			if reason != "" {
				all.Kinds[kind][reason] = append(all.Kinds[kind][reason], i)
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "testdata/values.json", string(text)+"\n")
}

func word(list bool) string {
	if list {
		return "list"
	}
	return "option"
}

// relation tells errors of what options have to do with each other from those of a value alone.
func relation(reason string) bool {
	for _, s := range []string{"there is no such container", "is for ", "is of no use", "is required", "is the container itself", "must name a program", "needs its bits", "the shell would"} {
		if strings.HasPrefix(reason, s) {
			return true
		}
	}
	return false
}

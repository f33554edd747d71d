// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gojail/tests/procd"
)

// A procdCase is an instance of a service with each attribute that reaches ujail, seen from inside. The same table runs under the command
// line that procd makes of an instance (TestProcdLine) and under the real procd (TestProcdService).
type procdCase struct {
	in     procd.Instance
	script string // the payload, unless in has a command
	want   string // what it prints
	stderr string
	code   int
	// setup, if there is one, makes what the instance names and completes the case.
	setup func(t *testing.T, c *procdCase)
}

// ready completes a case.
func (c *procdCase) ready(t *testing.T) {
	t.Helper()
	watch(t)
	j := procd.Jail{}
	if c.in.Jail != nil {
		j = *c.in.Jail
	}
	j.Name = newName()
	c.in.Jail = &j
	c.in.Stdout, c.in.Stderr = true, true
	if c.setup != nil {
		c.setup(t, c)
	}
	if c.in.Command == nil {
		c.in.Command = sh(c.script)
	}
}

const capsFile = `{"bounding":["CAP_NET_RAW"],"effective":["CAP_NET_RAW"],"permitted":["CAP_NET_RAW"],"inheritable":["CAP_NET_RAW"],"ambient":["CAP_NET_RAW"]}`

// Texts of payloads.
const (
	showLimits = "grep -E 'open files|address|stack|core|data' /proc/self/limits | tr -s ' '"
	showMaps   = "cat /proc/self/uid_map | tr -s ' '; id -u"
)

// ownRoot has the payload run in a copy of the tree that bundles start from, and be its shell.
func ownRoot(t *testing.T, c *procdCase) {
	t.Helper()
	c.in.Extroot = newBundle(t).root()
	c.in.Command = []string{"/bin/sh", "-c", c.script}
}

func procdCases() map[string]procdCase {
	plain := &procd.Jail{Procfs: true}
	return map[string]procdCase{
		"a name":          {script: "echo ran", want: "ran\n", in: procd.Instance{Jail: plain}},
		"status":          {script: "exit 42", code: 42, in: procd.Instance{Jail: plain}},
		"signal":          {script: busybox + " sh -c 'kill -USR1 $$'; exit $?", code: 138, stderr: "User defined signal 1\n", in: procd.Instance{Jail: plain}},
		"stderr":          {script: "echo out; echo err >&2", want: "out\n", stderr: "err\n", in: procd.Instance{Jail: plain}},
		"hostname":        {script: "hostname", want: "box\n", in: procd.Instance{Jail: &procd.Jail{Hostname: "box"}}},
		"procfs":          {script: "ls -d /proc/1; echo $$; ls /sys 2>/dev/null || echo none", want: "/proc/1\n1\nnone\n", in: procd.Instance{Jail: plain}},
		"sysfs":           {script: "ls -d /sys/class; ls /proc 2>/dev/null || echo none", want: "/sys/class\nnone\n", in: procd.Instance{Jail: &procd.Jail{Sysfs: true}}},
		"ubus":            {script: "stat -c %F /var/run/ubus/ubus.sock", want: "socket\n", in: procd.Instance{Jail: &procd.Jail{Ubus: true}}},
		"console":         {script: "echo words", want: "words\r\n", in: procd.Instance{Jail: &procd.Jail{Console: true, Ubus: true}}}, // procd gives services none
		"udebug":          {script: "echo ran", want: "ran\n", in: procd.Instance{Jail: &procd.Jail{Udebug: true}}},
		"log":             {script: "stat -c %F /dev/log; logger hello; echo $?", want: "socket\n0\n", in: procd.Instance{Jail: &procd.Jail{Log: true}}},
		"ronly":           {script: "touch /x 2>/dev/null || echo refused", want: "refused\n", in: procd.Instance{Jail: &procd.Jail{Ronly: true}}},
		"not ronly":       {script: "touch /x && echo made", want: "made\n", in: procd.Instance{Jail: plain}},
		"netns":           {script: "ip -o link show | wc -l; readlink /etc/resolv.conf", want: "1\n../dev/resolv.conf.d/resolv.conf.auto\n", in: procd.Instance{Jail: &procd.Jail{Netns: true, Procfs: true}}},
		"userns":          {script: showMaps, want: " 0 65534 1\n0\n", in: procd.Instance{Jail: &procd.Jail{Userns: true, Procfs: true}}},
		"userns of web":   {script: showMaps, want: " 0 1234 1\n0\n", in: procd.Instance{User: "web", Jail: &procd.Jail{Userns: true, Procfs: true}}},
		"requirejail":     {script: "echo ran", want: "ran\n", in: procd.Instance{Jail: &procd.Jail{Procfs: true, RequireJail: true}}},
		"immediately":     {script: "echo ran", want: "ran\n", in: procd.Instance{Jail: &procd.Jail{Procfs: true, Immediately: true}}},
		"user":            {script: "id", want: "uid=1234(web) gid=1235(web) groups=1235(web),2001(media),2002(backup)\n", in: procd.Instance{User: "web", Jail: plain}},
		"user and group":  {script: "id -u; id -g", want: "1234\n2001\n", in: procd.Instance{User: "web", Group: "media"}},
		"no_new_privs":    {script: "grep NoNewPrivs /proc/self/status | tr '\\t' ' '", want: "NoNewPrivs: 1\n", in: procd.Instance{NoNewPrivs: true}},
		"nice":            {script: busybox + " cut -d ' ' -f 19 /proc/self/stat", want: "5\n", in: procd.Instance{Nice: 5, Jail: plain}},
		"term_timeout":    {script: "echo ran", want: "ran\n", in: procd.Instance{TermTimeout: 30, Jail: plain}},
		"tmpoverlaysize":  {script: "echo new >/home/x; cat /home/x", want: "new\n", in: procd.Instance{TmpOverlaySize: "1M", Jail: plain}, setup: ownRoot},
		"extroot":         {script: "ls -d /home; echo $$; touch /home/x", want: "/home\n1\n", in: procd.Instance{Jail: plain}, setup: ownRoot},
		"everything else": {script: "hostname; id -u; touch /x 2>/dev/null || echo refused", want: "box\n0\nrefused\n", in: procd.Instance{User: "web", NoNewPrivs: true, Jail: &procd.Jail{Hostname: "box", Procfs: true, Sysfs: true, Udebug: true, Ronly: true, Netns: true, Userns: true, RequireJail: true}}},
		"env": {want: "container=ujail\nA=a b\nEMPTY=\nZ=last\n", in: procd.Instance{Command: []string{busybox, "env"}, NoNewPrivs: true,
			Env: map[string]string{"Z": "last", "A": "a b", "EMPTY": ""}}},
		"limits": {script: showLimits, want: "Max data size 8388608 unlimited bytes \nMax stack size 1048576 2097152 bytes \nMax core file size 0 0 bytes \n" +
			"Max open files 100 200 files \nMax address space 33554432 unlimited bytes \n", in: procd.Instance{Jail: plain, Limits: map[string]string{
			"nofile": "100 200", "as": "33554432", "data": "8388608", "stack": "1048576 2097152", "core": "0 0"}}},
		"capabilities": {script: "grep -E '^Cap(Eff|Bnd)' /proc/self/status | tr '\\t' ' '", want: "CapEff: 0000000000002000\nCapBnd: 0000000000002000\n",
			in: procd.Instance{User: "web"}, setup: func(t *testing.T, c *procdCase) {
				c.in.Capabilities = hostFiles(t, map[string]string{"caps.json": capsFile}) + "/caps.json"
			}},
		"mount": {want: "A\nB\nF\nrefused\nx\nfile\nro\nrw\n", setup: func(t *testing.T, c *procdCase) {
			dir := hostFiles(t, map[string]string{"ro/a": "A\n", "rw/b": "B\n", "file": "F\n"})
			c.in.Jail.Mount = map[string]string{dir + "/ro": "0", dir + "/rw/": "1", dir + "/file": "0", dir + "/missing": "0", dir + "/gone": "1"}
			c.script = "cd " + dir + "; cat ro/a rw/b file; (echo x >ro/a) 2>/dev/null || echo refused; echo x >rw/b && cat rw/b; ls"
		}},
		"overlaydir": {script: "echo new >/home/x; cat /home/x", want: "new\n", in: procd.Instance{Jail: plain}, setup: func(t *testing.T, c *procdCase) {
			ownRoot(t, c)
			c.in.OverlayDir = hostFiles(t, map[string]string{"over/other": ""}) + "/over"
		}},
		"setns": {script: "for n in net ipc uts; do readlink /proc/self/ns/$n; done", in: procd.Instance{Jail: plain}, setup: func(t *testing.T, c *procdCase) {
			target := target(t, unix.CLONE_NEWNET|unix.CLONE_NEWIPC|unix.CLONE_NEWUTS, 0)
			for _, f := range strings.Fields("net ipc uts") {
				c.want += namespaceOf(t, target, f) + "\n"
			}
			pid, _ := strconv.Atoi(target)
			c.in.Jail.Setns = []procd.Setns{{PID: pid, Namespaces: []string{"net", "ipc", "uts"}}}
		}},
		"as ntpd": {want: "stratum 1234 1235\nsocket\nnone\n", in: procd.Instance{User: "web", Group: "web", NoNewPrivs: true, Jail: &procd.Jail{Ubus: true}}, setup: func(t *testing.T, c *procdCase) {
			dir := hostFiles(t, map[string]string{"caps.json": capsFile})
			writeFile(t, dir+"/hotplug", "#!/bin/sh\nexport ACTION=$1\n"+busybox+" sh -c 'echo $ACTION $(id -u) $(id -g)'\n", 0o755)
			c.in.Capabilities, c.in.Jail.Mount = dir+"/caps.json", map[string]string{dir + "/hotplug": "0", busybox: "0", "/bin/ubus": "0"}
			c.script = dir + "/hotplug stratum; stat -c %F /var/run/ubus/ubus.sock; ls /proc 2>/dev/null || echo none"
		}},
		"cgroupsns": {script: "grep ^0: /proc/self/cgroup", want: "0::/\n", in: procd.Instance{Jail: &procd.Jail{Cgroupsns: true, Procfs: true}}},
		"its cgroup": {script: "grep ^0: /proc/self/cgroup", in: procd.Instance{Jail: plain}, setup: func(_ *testing.T, c *procdCase) {
			c.want = "0::/services/" + c.in.Jail.Name + "/" + c.in.Jail.Name + "\n"
		}},
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// namespaceFile is the name in /proc/PID/ns of a type in config.json.
var namespaceFile = map[specs.LinuxNamespaceType]string{
	specs.PIDNamespace: "pid", specs.NetworkNamespace: "net", specs.MountNamespace: "mnt", specs.IPCNamespace: "ipc",
	specs.UTSNamespace: "uts", specs.UserNamespace: "user", specs.CgroupNamespace: "cgroup", specs.TimeNamespace: "time",
}

func namespaceOf(t testing.TB, pid, file string) string {
	t.Helper()
	id, err := os.Readlink("/proc/" + pid + "/ns/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOCINamespaces(t *testing.T) {
	for kind, file := range namespaceFile {
		show := args("/bin/readlink", "/proc/self/ns/"+file)
		ours := namespaceOf(t, "self", file) + "\n"
		t.Run("new "+file, func(t *testing.T) {
			b := newBundle(t, show, namespace(kind, ""))
			if kind == specs.UserNamespace {
				shifted(b.spec)
			}
			if r := b.run().ok(); r.stdout == ours || !strings.HasPrefix(r.stdout, file+":[") {
				t.Errorf("the container's is %s, ours is %s", r.stdout, ours)
			}
		})
		if kind == specs.MountNamespace {
			continue // always a new one, or one that is joined
		}
		t.Run("no new "+file, func(t *testing.T) {
			newBundle(t, show, withoutNamespace(kind), func(s *specs.Spec) {
				if kind == specs.UTSNamespace {
					s.Hostname = ""
				}
			}).run().prints(ours)
		})
	}
	for name, c := range map[string]struct {
		edit edit
		word string
	}{
		"twice":    {func(s *specs.Spec) { s.Linux.Namespaces = append(s.Linux.Namespaces, s.Linux.Namespaces[0]) }, "linux.namespaces"},
		"unknown":  {namespace("mood", ""), "mood"},
		"relative": {namespace(specs.PIDNamespace, "proc/1/ns/pid"), "proc/1/ns/pid"},
		"missing":  {namespace(specs.PIDNamespace, "/proc/1/ns/none"), "/proc/1/ns/none"},
		"a file":   {namespace(specs.PIDNamespace, "/etc/passwd"), "/etc/passwd"},
		"other":    {namespace(specs.NetworkNamespace, "/proc/1/ns/pid"), "/proc/1/ns/pid"},
		"no ids":   {namespace(specs.UserNamespace, ""), "linux.uidMappings"},
	} {
		t.Run(name, func(t *testing.T) { newBundle(t, c.edit).run().refused(c.word) })
	}
}

// target is a process whose namespaces can be joined.
func target(t *testing.T, flags, unshare uintptr) string { return targetWith(t, flags, unshare, true) }

// targetWith can also deny setgroups in the user namespace, as a user without privileges has to.
func targetWith(t *testing.T, flags, unshare uintptr, setgroups bool) string {
	t.Helper()
	watch(t)
	cmd := exec.Command(busybox, "sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Unshareflags: unshare}
	if flags&unix.CLONE_NEWUSER != 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: shift, Size: 65536}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = ids, ids
		cmd.SysProcAttr.GidMappingsEnableSetgroups = setgroups
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return strconv.Itoa(cmd.Process.Pid)
}

const allNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// join edits a config, whose payload is a script, to join a namespace of the
// target. Who joins a mount namespace stays in its root: his shell is the world's.
func join(kind specs.LinuxNamespaceType, pid string) edit {
	return func(s *specs.Spec) {
		file := namespaceFile[kind]
		switch kind {
		case specs.TimeNamespace:
			file = "time_for_children"
		case specs.UTSNamespace:
			s.Hostname = ""
		case specs.MountNamespace:
			s.Process.Args = append([]string{busybox, "sh"}, s.Process.Args[1:]...)
		}
		namespace(kind, "/proc/"+pid+"/ns/"+file)(s)
	}
}

func TestOCIJoinNamespaces(t *testing.T) {
	for kind, file := range namespaceFile {
		t.Run(file, func(t *testing.T) {
			flags, wanted := uintptr(allNamespaces), file
			switch kind {
			case specs.UserNamespace:
				flags |= unix.CLONE_NEWUSER
			case specs.TimeNamespace:
				wanted = "time_for_children"
			}
			pid := target(t, flags, unix.CLONE_NEWTIME)
			want := namespaceOf(t, pid, wanted)
			newBundle(t, script("readlink /proc/self/ns/"+file), join(kind, pid)).run().prints(want + "\n")
		})
	}
}

func TestOCIJoinAll(t *testing.T) {
	kinds := []specs.LinuxNamespaceType{specs.PIDNamespace, specs.NetworkNamespace, specs.IPCNamespace, specs.UTSNamespace,
		specs.CgroupNamespace, specs.UserNamespace, specs.MountNamespace}
	for name, flags := range map[string]uintptr{"without user": allNamespaces, "with user": allNamespaces | unix.CLONE_NEWUSER} {
		t.Run(name, func(t *testing.T) {
			pid := target(t, flags, 0)
			b := newBundle(t)
			var show, want strings.Builder
			for _, kind := range kinds {
				if kind == specs.UserNamespace && flags&unix.CLONE_NEWUSER == 0 {
					continue
				}
				show.WriteString("readlink /proc/self/ns/" + namespaceFile[kind] + "\n")
				want.WriteString(namespaceOf(t, pid, namespaceFile[kind]) + "\n")
				script(show.String())(b.spec)
				join(kind, pid)(b.spec)
			}
			b.run().prints(want.String())
		})
	}
}

// The pid namespace of a container that joins a user namespace must belong to
// that one, which takes a second clone.
func TestOCIJoinedUserNewPid(t *testing.T) {
	pid := target(t, unix.CLONE_NEWUSER, 0)
	b := newBundle(t, join(specs.UserNamespace, pid), script("readlink /proc/self/ns/user; tr -s ' ' </proc/self/uid_map; id -u; cat /proc/1/comm; echo $$"))
	b.run().prints(namespaceOf(t, pid, "user") + "\n 0 " + strconv.Itoa(shift) + " 65536\n0\nsh\n1\n")
}

// A user namespace that somebody without privileges has made denies setgroups: no group is left that was there outside.
func TestOCIJoinedUserWithoutSetgroups(t *testing.T) {
	pid := targetWith(t, unix.CLONE_NEWUSER, 0, false)
	b := newBundle(t, join(specs.UserNamespace, pid), script("id -u; id -g; cat /proc/self/setgroups; grep Groups /proc/self/status"))
	c := b.command()
	c.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{1234}}}
	if r := run(t, c).ok(); strings.Join(strings.Fields(r.stdout), " ") != "0 0 deny Groups:" {
		t.Errorf("printed %q", r.stdout)
	}
	user(0, 0, 7)(b.spec)
	b.run().refused("groups 7", "setgroups")
	r := slimRun(t, "-p -j "+pid+":user", busybox, "cat", "/proc/self/status").ok()
	if got := idStatus(t, r.stdout); got != "0 0 " {
		t.Errorf("ids %q", got)
	}
}

func TestOCIJoinedPid(t *testing.T) {
	pid := target(t, unix.CLONE_NEWPID, 0)
	b := newBundle(t, join(specs.PIDNamespace, pid), script("cat /proc/1/comm; kill -0 1 && echo seen; "+untilTerm))
	p := b.start().until("ready")
	p.signal(syscall.SIGTERM)
	if r := p.wait().ends(0); r.stdout != "busybox\nseen\nready\n" && r.stdout != "sleep\nseen\nready\n" {
		t.Errorf("printed %q", r.stdout)
	}
}

func TestOCIUserNamespace(t *testing.T) {
	b := newBundle(t, shifted, script(`id -u; id -g; tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map
		stat -c %u:%g /bin /dev /proc/1; echo x >/dev/null; cat /proc/1/comm; ls /sys/class/net; ls /dev/pts`))
	line := " 0 " + strconv.Itoa(shift) + " 65536\n"
	b.run().prints("0\n0\n" + line + line + "65534:65534\n0:0\n0:0\nsh\nlo\nptmx\n")
	t.Run("as a user", func(t *testing.T) {
		r := newBundle(t, shifted, user(1000, 1001, 5), args("/bin/cat", "/proc/self/status")).run().ok()
		if got := status(t, r.stdout, "Uid") + " " + status(t, r.stdout, "Groups"); got != "1000 1000 1000 1000 5" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("seen from outside", func(t *testing.T) {
		p := newBundle(t, shifted, script(untilTerm)).start().until("ready")
		text, err := os.ReadFile(procPath(p.payload(), "status"))
		if err != nil {
			t.Fatal(err)
		}
		if got := status(t, string(text), "Uid"); !strings.HasPrefix(got, strconv.Itoa(shift)+" ") {
			t.Errorf("uid %s on the host", got)
		}
		p.signal(syscall.SIGTERM).wait().ends(0)
	})
	t.Run("two ranges", func(t *testing.T) {
		b := newBundle(t, shifted, user(1000, 1000), script("id -u; stat -c %u /etc"))
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: shift, Size: 10}, {ContainerID: 1000, HostID: 0, Size: 1}, {ContainerID: 5, HostID: 0, Size: 0}}
		b.spec.Linux.UIDMappings = ids[:2]
		b.run().prints("1000\n1000\n")
		b.spec.Linux.UIDMappings = ids
		b.run().refused("linux.uidMappings")
	})
	t.Run("overlapping", func(t *testing.T) {
		b := newBundle(t, shifted)
		b.spec.Linux.UIDMappings = append(b.spec.Linux.UIDMappings, b.spec.Linux.UIDMappings[0])
		b.run().refused("linux.uidMappings")
	})
	t.Run("the user is not mapped", func(t *testing.T) {
		newBundle(t, shifted, user(70000, 0)).run().refused("process.user.uid")
	})
}

func TestOCILoopbackIsUp(t *testing.T) {
	for name, e := range map[string]edit{"plain": func(*specs.Spec) {}, "user namespace": shifted} {
		t.Run(name, func(t *testing.T) {
			newBundle(t, e, script(`cat /sys/class/net/lo/flags; nc -l -p 99 -e true &
				n=0; until nc 127.0.0.1 99 </dev/null 2>/dev/null || [ $((n+=1)) = 1000 ]; do sleep 0.01; done; [ $n -lt 1000 ] && echo connected`)).
				run().prints("0x9\nconnected\n")
		})
	}
}

func TestOCINetDevices(t *testing.T) {
	ip := func(t *testing.T, line string) {
		t.Helper()
		if out, err := exec.Command(busybox, strings.Fields("ip "+line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
	device := func(t *testing.T) {
		watch(t)
		ip(t, "link add v0 type veth") // its peer is veth0
		t.Cleanup(func() { exec.Command(busybox, "ip", "link", "del", "veth0").Run() })
		ip(t, "addr add 192.0.2.7/24 dev v0")
		ip(t, "link set v0 address 02:00:00:00:00:07")
	}
	show := func(name string) edit {
		return script("cd /sys/class/net; ls; cat " + name + "/address; ip -o -4 addr show " + name + " | tr -s ' ' | cut -d' ' -f4; echo $(($(cat " + name + "/flags) & 1))")
	}
	for name, inside := range map[string]string{"": "v0", "eth0": "eth0", "uplink%d": "uplink0"} {
		t.Run(inside, func(t *testing.T) {
			device(t)
			b := newBundle(t, show(inside))
			b.spec.Linux.NetDevices = map[string]specs.LinuxNetDevice{"v0": {Name: name}}
			list := "lo\n" + inside + "\n"
			if inside < "lo" {
				list = inside + "\nlo\n"
			}
			b.run().prints(list + "02:00:00:00:00:07\n192.0.2.7/24\n1\n")
		})
	}
	t.Run("missing", func(t *testing.T) {
		b := newBundle(t)
		b.spec.Linux.NetDevices = map[string]specs.LinuxNetDevice{"none0": {}}
		b.run().refused("linux.netDevices", "none0")
	})
	t.Run("name is taken", func(t *testing.T) {
		device(t)
		b := newBundle(t)
		b.spec.Linux.NetDevices = map[string]specs.LinuxNetDevice{"v0": {Name: "lo"}}
		b.run().refused("linux.netDevices")
		if _, err := os.Stat("/sys/class/net/v0"); err != nil {
			t.Errorf("the refused start took the device: %v", err)
		}
	})
	t.Run("a failed start gives it back", func(t *testing.T) {
		device(t)
		b := newBundle(t)
		b.spec.Process.Args = []string{"/no/such"}
		b.spec.Linux.NetDevices = map[string]specs.LinuxNetDevice{"v0": {Name: "eth0"}}
		b.run().ends(127)
		out, err := exec.Command(busybox, "ip", "-o", "addr", "show", "v0").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "192.0.2.7/24") {
			t.Errorf("the device is not what it was: %v\n%s", err, out)
		}
	})
	t.Run("no network namespace", func(t *testing.T) {
		device(t)
		b := newBundle(t, withoutNamespace(specs.NetworkNamespace))
		b.spec.Linux.NetDevices = map[string]specs.LinuxNetDevice{"v0": {}}
		b.run().refused("linux.netDevices")
	})
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Slim jails: ujail's own options, as procd writes them for a service.

// slim is the command line of a slim jail with a name of its own.
func slim(options string, argv ...string) command {
	line := append([]string{ujailPath, "-n", newName()}, strings.Fields(options)...)
	return command{args: append(append(line, "--"), argv...)}
}

// sh is a payload that runs text in the busybox that the jail stages for it,
// which has no other programs: the applets are functions.
func sh(text string) []string {
	var functions strings.Builder
	for _, a := range strings.Fields("cat chmod dd env grep head hostname id ip ls logger mkdir mount readlink sort stat touch tr wc") {
		functions.WriteString(a + "() { " + busybox + " " + a + ` "$@"; }; `)
	}
	// not sleep, as a function a second process between the shell and the applet
	return []string{busybox, "sh", "-c", functions.String() + strings.ReplaceAll(text, "sleep ", busybox+" sleep ")}
}

func slimRun(t testing.TB, options string, argv ...string) result {
	t.Helper()
	return run(t, slim(options, argv...))
}

func TestSlimRoot(t *testing.T) {
	r := slimRun(t, "-p", sh("pwd; ls -A /; cat /proc/self/mountinfo")...).ok()
	list, mounts, _ := strings.Cut(r.stdout, "mnt\nproc\n")
	if !strings.HasPrefix(list, "/\n") || strings.Contains(list, "old") || strings.Contains(list, "home") {
		t.Errorf("/ holds %q", list)
	}
	root := mountAt(t, mounts, "/")
	if root.fstype != "tmpfs" {
		t.Errorf("/ is %s", root.fstype)
	}
	root.want(t, "fs:mode=755")
	mountAt(t, mounts, busybox).want(t, "ro")
	for _, m := range parseMounts(mounts) {
		m.propagates(t, "private")
	}
}

func TestSlimDev(t *testing.T) {
	r := slimRun(t, "-p", sh(`ls -A /dev
		for f in null zero full random urandom tty; do stat -c '%n %F %a %u:%g %t:%T' /dev/$f; done
		for l in fd ptmx stderr stdin stdout; do echo $l $(readlink /dev/$l); done
		stat -c '%a %F' /dev /dev/shm /dev/pts; ls /dev/pts; echo; cat /proc/self/mountinfo`)...).ok()
	text, mounts, _ := strings.Cut(r.stdout, "\n\n")
	want := "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n" +
		"/dev/null character special file 666 0:0 1:3\n/dev/zero character special file 666 0:0 1:5\n" +
		"/dev/full character special file 666 0:0 1:7\n/dev/random character special file 666 0:0 1:8\n" +
		"/dev/urandom character special file 666 0:0 1:9\n/dev/tty character special file 666 0:5 5:0\n" +
		"fd /proc/self/fd\nptmx /dev/pts/ptmx\nstderr /proc/self/fd/2\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\n" +
		"755 directory\n1777 directory\n755 directory\nptmx"
	if text = strings.ReplaceAll(text, "ptmx pts/ptmx", "ptmx /dev/pts/ptmx"); text != want {
		t.Errorf("/dev is\n%s\nwant\n%s", text, want)
	}
	mountAt(t, mounts, "/dev").want(t, "nosuid", "noexec", "noatime", "fs:size=1024k")
	mountAt(t, mounts, "/dev/shm").want(t, "nosuid", "noexec", "nodev")
	mountAt(t, mounts, "/dev/pts").want(t, "nosuid", "noexec", "fs:gid=5", "fs:mode=620", "fs:ptmxmode=666")
}

func TestSlimProc(t *testing.T) {
	probe := `cat /proc/self/mountinfo; echo; cat /proc/timer_list
		for f in kcore sysrq-trigger latency_stats timer_list timer_stats sched_debug scsi; do
			case $(stat -c %F:%t:%T /proc/$f 2>/dev/null) in ""|"character special file:1:3") ;; directory:*) ls -A /proc/$f;; *) echo $f is there; esac
		done
		for f in /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward; do (echo 0 >$f) 2>/dev/null && echo wrote $f; done; :`
	for options, want := range map[string]string{
		"-p":        "",
		"-p -h box": "",
		"-p -N":     "wrote /proc/sys/net/ipv4/ip_forward\n", // its own, and netifd needs it
	} {
		t.Run(options, func(t *testing.T) {
			r := slimRun(t, options, sh(probe)...).ok()
			mounts, rest, _ := strings.Cut(r.stdout, "\n\n")
			if rest != want {
				t.Errorf("%q, want %q", rest, want)
			}
			mountAt(t, mounts, "/proc").want(t, "nosuid", "noexec", "nodev")
			mountAt(t, mounts, "/proc/sys").want(t, "ro")
		})
	}
	t.Run("without", func(t *testing.T) { slimRun(t, "-s", sh("ls /proc 2>/dev/null || echo none")...).prints("none\n") })
}

func TestSlimSys(t *testing.T) {
	r := slimRun(t, "-s -p", sh("ls -A /sys/firmware; [ -d /sys/class/net/lo ] && cat /proc/self/mountinfo")...).ok()
	mountAt(t, r.stdout, "/sys").want(t, "ro", "nosuid", "noexec", "nodev")
	if strings.Contains(r.stdout, "acpi") {
		t.Error("/sys/firmware is not masked")
	}
	slimRun(t, "-p", sh("ls /sys 2>/dev/null || echo none")...).prints("none\n")
}

// Any namespace option brings the pid and ipc namespaces along.
func TestSlimNamespaces(t *testing.T) {
	files := strings.Fields("cgroup ipc mnt net pid user uts")
	for options, want := range map[string]string{
		"-p":        "ipc mnt pid",
		"-p -N":     "ipc mnt net pid",
		"-p -h box": "ipc mnt pid uts",
		"-p -F":     "cgroup ipc mnt pid",
		"-p -f":     "ipc mnt pid user",
		"-h box":    "ipc pid uts",
		"-N":        "ipc net pid",
		"-F":        "cgroup ipc pid",
		"-c":        "",
	} {
		t.Run(options, func(t *testing.T) {
			var show string
			var ours []string
			for _, f := range files {
				show += "readlink /proc/self/ns/" + f + "; "
				ours = append(ours, namespaceOf(t, "self", f))
			}
			got := strings.Split(strings.TrimSuffix(slimRun(t, options, sh(show)...).ok().stdout, "\n"), "\n")
			if len(got) != len(files) {
				t.Fatalf("got %v", got)
			}
			var other []string
			for i, f := range files {
				if got[i] != ours[i] {
					other = append(other, f)
				}
			}
			if strings.Join(other, " ") != want {
				t.Errorf("new namespaces %v, want %s", other, want)
			}
		})
	}
}

func TestSlimHostname(t *testing.T) {
	slimRun(t, "-h box", sh("hostname; echo $$")...).prints("box\n1\n")
	slimRun(t, "-p", sh("hostname")...).prints("world\n")
}

func TestSlimNetwork(t *testing.T) {
	show := sh("ip -o link show | tr -s ' <>,' '\\n' | grep -cE '^(lo:|UP)$'; readlink /etc/resolv.conf; ls /dev/resolv.conf.d")
	slimRun(t, "-p -N", show...).prints("2\n../dev/resolv.conf.d/resolv.conf.auto\n")
	slimRun(t, "-p", sh("cat /etc/resolv.conf")...).prints(resolvConf)
	t.Run("what netifd writes arrives", func(t *testing.T) {
		c := slim("-p -N", sh("echo ready; until [ -s /etc/resolv.conf ]; do sleep 0.01; done; cat /etc/resolv.conf")...)
		p := start(t, c).until("ready")
		file := "/tmp/resolv.conf-" + c.args[2] + ".d/resolv.conf.auto"
		t.Cleanup(func() { os.Remove(file) })
		if err := os.WriteFile(file, []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if r := p.wait().ends(0); !strings.HasSuffix(r.stdout, "192.0.2.1\n") {
			t.Errorf("printed %q", r.stdout)
		}
		// a directory somebody wrote into is his
		os.Remove(file)
		os.Remove("/tmp/resolv.conf-" + c.args[2] + ".d")
	})
	t.Run("no name", func(t *testing.T) {
		run(t, command{args: []string{ujailPath, "-N", "--", "/bin/true"}}).ends(2).says("-N")
	})
}

func TestSlimUserNamespace(t *testing.T) {
	for options, want := range map[string]string{
		"-p -f":                 "0 65534 1\n0 65534 1\n0\n0\n",
		"-p -f -U daemon":       "0 1 1\n0 1 1\n2001 2001 1\n0\n0 2001\n",
		"-p -f -U web":          "0 1234 1\n0 1235 1\n2001 2001 1\n2002 2002 1\n0\n0 2001 2002\n",
		"-p -f -U web -G media": "0 1234 1\n0 2001 1\n",
	} {
		t.Run(options, func(t *testing.T) {
			r := slimRun(t, options, sh("cat /proc/self/uid_map /proc/self/gid_map; id -u; id -G")...).ok()
			var got string
			for line := range strings.Lines(r.stdout) {
				got += strings.Join(strings.Fields(line), " ") + "\n"
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("maps and ids %q, want %q", got, want)
			}
		})
	}
}

func TestSlimSockets(t *testing.T) {
	t.Run("log", func(t *testing.T) {
		watch(t)
		log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			log.Close()
			os.Remove("/dev/log")
		})
		slimRun(t, "-l", sh("logger hello from the jail")...).ok()
		text := make([]byte, 1000)
		log.SetReadDeadline(time.Now().Add(patience))
		if n, err := log.Read(text); err != nil || !strings.Contains(string(text[:n]), "hello from the jail") {
			t.Errorf("the log got %q, %v", text[:n], err)
		}
	})
	t.Run("no log", func(t *testing.T) { slimRun(t, "-l", sh("echo ran")...).refused("/dev/log") })
	for option, path := range map[string]string{"-u": "/var/run/ubus/ubus.sock", "-D": "/var/run/udebug.sock"} {
		t.Run(option, func(t *testing.T) {
			watch(t)
			if err := os.MkdirAll("/run/ubus", 0o755); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove("/run/ubus") })
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					c.Close()
				}
			}()
			slimRun(t, option, sh("stat -c %F "+path)...).prints("socket\n")
		})
	}
	t.Run("no ubus", func(t *testing.T) { slimRun(t, "-u", sh("echo ran")...).refused("/var/run/ubus/ubus.sock") })
	t.Run("no udebug", func(t *testing.T) { slimRun(t, "-D", sh("echo ran")...).prints("ran\n") })
}

// The C ujail does not start even a slim jail without ubusd.
func TestD12NoUbusd(t *testing.T) {
	for name, c := range map[string]command{
		"slim":         slim("-p", busybox, "echo", "ran"),
		"slim network": slim("-p -N", busybox, "echo", "ran"),
		"bundle":       newBundle(t, args("/bin/echo", "ran")).command(),
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, c).prints("ran\n")
			if strings.Count(r.stderr, "\n") > 1 || (name == "bundle") != strings.Contains(r.stderr, "warning: there is no ubusd") {
				t.Errorf("says %q", r.stderr)
			}
		})
	}
}

func TestSlimEnv(t *testing.T) {
	c := slim("-c -e ONE -e NONE -e EMPTY", busybox, "env")
	c.env = []string{"ONE=1 2", "TWO=2", "EMPTY=", "LD_PRELOAD=/lib/libsetlbf.so"}
	got := strings.Split(strings.TrimSpace(run(t, c).ends(0).stdout), "\n")
	slices.Sort(got)
	if want := []string{"EMPTY=", "ONE=1 2", "container=ujail"}; !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
}

// A start that fails removes the pid file it has written, and nothing else.
func TestFailedStartAndPidfile(t *testing.T) {
	d := hostFiles(t, map[string]string{"old": "1\n"})
	slimRun(t, "-c -P "+d+"/new", "/no/such/program").ends(127)
	slimRun(t, "-p -P "+d+"/old -j 4194303:net", "/bin/true").refused("4194303")
	if text, err := os.ReadFile(d + "/old"); string(text) != "1\n" {
		t.Errorf("the old pid file: %q, %v", text, err)
	}
	if _, err := os.Lstat(d + "/new"); err == nil {
		t.Error("the new pid file is left")
	}
	slimRun(t, "-c -P /dev/null", "/no/such/program").ends(127)
	if info, err := os.Lstat("/dev/null"); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("/dev/null: %v, %v", info, err)
	}
}

func TestSlimPidfile(t *testing.T) {
	watch(t)
	file := "/tmp/pid"
	t.Cleanup(func() { os.Remove(file) })
	p := start(t, slim("-p -P "+file, sh(untilTerm)...)).until("ready")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := strconv.Itoa(p.payload()) + "\n"; string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
	p.signal(syscall.SIGTERM).wait().ends(0)
	t.Run("cannot be written", func(t *testing.T) { slimRun(t, "-c -P /nowhere/pid", sh("echo ran")...).refused("/nowhere/pid") })
}

func TestSlimJoin(t *testing.T) {
	show := sh("readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; echo $$")
	pid := target(t, unix.CLONE_NEWNET|unix.CLONE_NEWIPC|unix.CLONE_NEWUTS, 0)
	var want string
	for _, f := range strings.Fields("net ipc uts") {
		want += namespaceOf(t, pid, f) + "\n"
	}
	slimRun(t, "-p -j "+pid+":net,ipc,uts", show...).prints(want + "1\n")
	slimRun(t, "-p -j "+pid+":network -j "+pid+":ipc,uts", show...).prints(want + "1\n")
	r := slimRun(t, "-j "+pid+":net,ipc,uts", show...).ok()
	if !strings.HasPrefix(r.stdout, want) || strings.HasSuffix(r.stdout, "\n1\n") {
		t.Errorf("printed %q", r.stdout)
	}
}

// Every kind alone, all at once, and all but the mount namespace with a root of the jail's own.
func TestSlimJoinEach(t *testing.T) {
	pid := target(t, allNamespaces|unix.CLONE_NEWUSER, unix.CLONE_NEWTIME)
	kinds := strings.Fields("user mnt pid net ipc uts cgroup time")
	host := namespaceOf(t, "self", "mnt")
	for _, joined := range append([]string{strings.Join(kinds, ","), "user,pid,net,ipc,uts,cgroup,time"}, kinds...) {
		options := []string{"-j " + pid + ":" + joined}
		if !strings.Contains(joined, "mnt") {
			options = append(options, "-p "+options[0], "-p -j "+pid+":"+strings.ReplaceAll(joined, ",", " -j "+pid+":"))
		}
		for _, o := range options {
			t.Run(o, func(t *testing.T) {
				p := start(t, slim(o, sh(untilTerm)...)).until("ready")
				payload := strconv.Itoa(p.payload())
				for _, k := range kinds {
					is, its, in := namespaceOf(t, payload, k), namespaceOf(t, pid, k), slices.Contains(strings.Split(joined, ","), k)
					// before Linux 6.2 an exec did not enter the time namespace
					if in != (is == its) && (in || its != namespaceOf(t, "self", k)) {
						t.Errorf("%s is %s, the target's %s", k, is, its)
					}
				}
				if own := strings.HasPrefix(o, "-p"); own == (namespaceOf(t, payload, "mnt") == host) && !strings.Contains(joined, "mnt") {
					t.Errorf("a mount namespace of its own: %v", own)
				}
				p.signal(syscall.SIGTERM).wait().ends(0)
			})
		}
	}
}

// The C ujail goes on as the host's root when it cannot join.
func TestD26FailedJoin(t *testing.T) {
	for argument, code := range map[string]int{"4194303:net": 1, "1:net,mood": 2, "0:net": 2, "x:net": 2, "1": 2, "1:": 2} {
		t.Run(argument, func(t *testing.T) {
			slimRun(t, "-p -j "+argument, sh("echo ran")...).ends(code).says(strings.Split(argument, ":")[0])
		})
	}
	t.Run("made and joined", func(t *testing.T) { slimRun(t, "-p -N -j 1:net", sh("echo ran")...).ends(2).says("-j") })
}

// What procd writes for a service that asks for everything a slim jail has
// here, and options that only change how the start is told of.
func TestSlimAsProcd(t *testing.T) {
	watch(t)
	file := t.TempDir() + "/caps.json"
	writeFile(t, file, `{"bounding":["CAP_NET_RAW"],"effective":["CAP_NET_RAW"],"permitted":["CAP_NET_RAW"],"inheritable":["CAP_NET_RAW"],"ambient":["CAP_NET_RAW"]}`, 0o644)
	r := slimRun(t, "-t 5 -h box -U web -G media -C "+file+" -c -p -s -D -o -N -f -F -i -E -r /etc/passwd -w /tmp/none",
		sh("hostname; id -u; id -g; grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\\t' ' '; touch /x 2>/dev/null || echo refused")...)
	r.prints("box\n0\n0\nCapEff: 0000000000002000\nNoNewPrivs: 1\nrefused\n")
}

// What -d reports, and that each line has the jail's name.
func TestSlimDebug(t *testing.T) {
	for level, want := range map[string][]string{"0": nil, "1": {"note: -r /none: skipped", "note: runs as process "},
		"2": {"set no_new_privs\n", "note: -r /none: skipped", "note: runs as process "}, "9": {"set no_new_privs\n"}} {
		r := slimRun(t, "-n deb -c -r /none -d "+level, busybox, "echo", "ran").ends(0)
		if r.stdout != "ran\n" || (want == nil) != (r.stderr == "") {
			t.Errorf("-d %s: printed %q, said %q", level, r.stdout, r.stderr)
		}
		for _, w := range want {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("-d %s says %q, not %q", level, r.stderr, w)
			}
		}
		for line := range strings.Lines(r.stderr) {
			if !strings.HasPrefix(line, "ujail: deb: ") {
				t.Errorf("-d %s says %q", level, line)
			}
		}
		if level == "1" && strings.Contains(r.stderr, "set no_new_privs") {
			t.Errorf("-d 1 says %q", r.stderr)
		}
	}
}

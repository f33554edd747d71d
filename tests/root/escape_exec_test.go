// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"gojail/src/ubus"
)

// Known ways out of containers that need a process made from outside (exec): see escape_test.go.

// watcher is a payload that looks at every process as it comes, and tells of each that is neither busybox nor itself whether it could open its
// program or its memory. It has the test binary, so that it is fast, and reads what to do from its name (helper_test.go).
func watcher(b *bundle) {
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("bin/watcher", string(text), 0o755)
	for _, dir := range []string{"/lib", "/lib64", "/usr/lib"} { // if it is linked dynamically
		if _, err := os.Stat(dir); err == nil && os.MkdirAll(b.root(dir), 0o755) == nil {
			bind(dir, dir, "ro")(b.spec)
		}
	}
	b.spec.Process.Args = []string{"/bin/watcher"}
	b.spec.Process.Env = append(b.spec.Process.Env, envHelper+"=watch")
}

// watchProcesses is what it does, until it is ended.
func watchProcesses() int {
	runtime.GC()
	fmt.Println("up")
	own, _ := os.Readlink("/proc/self/exe")
	newest, err := os.Open("/proc/loadavg") // its last word is the last pid
	if err != nil {
		fmt.Println(err)
		return 1
	}
	said, text := map[string]bool{}, make([]byte, 100)
	for {
		n, _ := newest.ReadAt(text, 0)
		f := strings.Fields(string(text[:n]))
		last, _ := strconv.Atoi(f[len(f)-1])
		for pid := max(2, last-6); pid <= last+6; pid++ {
			dir := "/proc/" + strconv.Itoa(pid)
			exe, err := os.Readlink(dir + "/exe")
			if err != nil || strings.HasSuffix(exe, "/busybox") {
				continue
			}
			if exe == own { // our threads
				continue
			}
			fd, err := unix.Open(dir+"/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				unix.Close(fd)
			}
			mem, memErr := unix.Open(dir+"/mem", unix.O_RDWR|unix.O_CLOEXEC, 0)
			if memErr == nil {
				unix.Close(mem)
			}
			if what := fmt.Sprint("saw ", exe); !said[what] {
				said[what] = true
				fmt.Println(what)
			}
		}
	}
}

// What is made in a container by exec is never to be seen there while it is our own program, not even by one who may trace everybody. Fails when our
// own program forks after it has joined, in place of the trampoline (plan.Exec); with no rights or in no pid namespace of its own when it is dumpable.
func TestEscapeExec2019_5736(t *testing.T) {
	before := programHash(t)
	all := capabilities("CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_KILL", "CAP_DAC_OVERRIDE")
	nobody := func(s *specs.Spec) { // for whom our program would be an ordinary process of its own user
		user(1000, 1000)(s)
		s.Process.Capabilities = &specs.LinuxCapabilities{}
		withoutNamespace(specs.PIDNamespace)(s)
	}
	for name, kind := range map[string]edit{"all rights": all, "user namespace": shifted, "as configured": func(*specs.Spec) {}, "no pid namespace": nobody} {
		t.Run(name, func(t *testing.T) {
			newBus(t)
			b := newBundle(t, kind, writable)
			watcher(b)
			p := b.start().until("up\n")
			e := execIn(t, b.name)
			// until it has seen something at all
			const harmless = "saw /memfd:trampoline (deleted)\n"
			n, sees := rounds(t, 30), func() bool { return strings.Contains(p.out.String(), harmless) }
			for i := 0; i < n; i++ {
				e.end(e.start(request{args: words("true")}, -1))
			}
			if !eventually(func() bool { e.end(e.start(request{args: words("true")}, -1)); return sees() }) {
				t.Fatalf("it is too slow to see what comes: %s", p.out)
			}
			if out := strings.ReplaceAll(p.out.String(), harmless, ""); out != "up\n" {
				t.Errorf("the container could open: %s", out)
			}
			if err := syscall.Kill(p.payload(), syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			p.wait().ends(137)
		})
	}
	t.Run("itself", func(t *testing.T) {
		b, p, e := host(t, writable, all)
		b.write("bin/evil", "#!/proc/self/exe\n", 0o755).link("bin/link", "/proc/self/exe")
		for _, name := range []string{"/proc/self/exe", "/bin/evil", "/bin/link", "link"} {
			pid, said, _, err := e.call(request{args: []string{name}}.data(), -1)
			if err == nil {
				if s := e.end(pid); s != 126 {
					t.Errorf("%s: status %d", name, s)
				}
			} else if said == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		p.signal(syscall.SIGTERM).wait().ends(5)
	})
	if programHash(t) != before {
		t.Fatal("the program was overwritten")
	}
}

// An inherited descriptor as the working directory, or found in the process. Fails when the directory is changed to by its path, or resolved
// with no flag of openat2.
func TestEscapeExec2024_21626(t *testing.T) {
	_, p, e := host(t)
	refused := func(cwd string) {
		t.Helper()
		if pid, said, _, err := e.call(request{args: words("pwd"), cwd: cwd}.data(), -1); err == nil || !strings.Contains(said, cwd) || pid != 0 {
			t.Errorf("%s: pid %d, %v, %q", cwd, pid, err, said)
		}
	}
	for n := 3; n <= 20; n++ {
		refused("/proc/self/fd/" + strconv.Itoa(n))
		refused("/proc/1/fd/" + strconv.Itoa(n))
	}
	refused("/proc/self/cwd")
	refused("/proc/1/cwd")
	refused("/proc/1/root")
	if out := e.sh("ls /proc/$$/fd; :"); out != "0\n1\n2\n" {
		t.Errorf("descriptors %q", out)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// Inheritable capabilities nobody asked for. Fails when what is permitted is inheritable.
func TestEscapeExec2022_29162(t *testing.T) {
	_, p, e := host(t)
	for _, user := range []string{"", "0", "1", "web"} {
		out, _ := e.run(request{args: words("cat /proc/self/status"), user: user, caps: words("CAP_NET_RAW")})
		if got := status(t, out, "CapInh"); got != bits() {
			t.Errorf("user %q: inheritable %s", user, got)
		}
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// A user without a group gets group 0 and no other, not those of the container's process. Fails when plan.requestedUser
// leaves it others.
func TestEscape2026_30892(t *testing.T) {
	_, p, e := host(t, user(0, 0, 5, 6, 7))
	out, _ := e.run(request{args: words("cat /proc/self/status"), user: "1"})
	for field, want := range map[string]string{"Uid": "1 1 1 1", "Gid": "0 0 0 0", "Groups": ""} {
		if got := status(t, out, field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// The container's /dev/null is not what its processes get: see TestEscape2025_31133. Fails when the worker opens that of the container.
func TestEscapeExec2025_31133(t *testing.T) {
	b, p, e := host(t, writable)
	e.sh("rm /dev/null && echo mine >/dev/null")
	pid := e.start(request{args: words("sleep 1000")}, -1)
	for fd := range 3 {
		var st unix.Stat_t
		if err := unix.Stat(procPath(pid, "fd/"+strconv.Itoa(fd)), &st); err != nil || st.Rdev != unix.Mkdev(1, 3) {
			t.Errorf("descriptor %d is device %d:%d, %v", fd, unix.Major(st.Rdev), unix.Minor(st.Rdev), err)
		}
	}
	syscall.Kill(pid, syscall.SIGKILL)
	e.end(pid)
	onBus(t, b.name)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// What is written of such a process below /proc is not written to what the container has there: see TestEscape2025_52881.
func TestEscapeExec2025_52881(t *testing.T) {
	score := 500
	_, p, e := host(t, writable, capabilities("CAP_SYS_ADMIN", "CAP_KILL", "CAP_DAC_OVERRIDE"), func(s *specs.Spec) { s.Process.OOMScoreAdj = &score })
	// the container sees a tmpfs in the place of /proc, and one with files for all pids to come
	e.sh("mount -t tmpfs tmpfs /proc; for i in self 1 $(seq 2 100); do mkdir /proc/$i; echo fake >/proc/$i/oom_score_adj; done; umount -l /proc/1 2>&-; :")
	pid := e.start(request{args: words("sleep 1000")}, -1)
	if text, err := os.ReadFile(procPath(pid, "oom_score_adj")); string(text) != "500\n" {
		t.Errorf("its oom_score_adj: %q, %v", text, err)
	}
	syscall.Kill(pid, syscall.SIGKILL)
	e.end(pid)
	if out := e.sh("cat /proc/*/oom_score_adj | sort -u"); out != "fake\n" {
		t.Errorf("written in the container: %q", out)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// The container's own files decide who is who, and lead nowhere else.
func TestExecNamesOfTheImage(t *testing.T) {
	victim := hostFiles(t, map[string]string{"passwd": "host:x:4242:4242::/:/bin/sh\n"})
	b, p, e := host(t, writable)
	for _, to := range []string{victim + "/passwd", "/proc/1/root" + victim + "/passwd", "../../../.." + victim + "/passwd"} {
		b.link("etc/passwd", to)
		if _, said, _, err := e.call(request{args: words("id"), user: "host"}.data(), -1); !errors.Is(err, ubus.StatusInvalidArgument) {
			t.Errorf("%s: %v, %q", to, err, said)
		}
	}
	os.Remove(b.root("etc/passwd"))
	if err := unix.Mkfifo(filepath.Join(b.root("etc"), "passwd"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := e.call(request{args: words("id"), user: "host"}.data(), -1); !errors.Is(err, ubus.StatusInvalidArgument) {
		t.Errorf("a fifo: %v", err)
	}
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// Descriptors that come with the call and are not ours to keep: the container's end closes them all.
func TestExecDescriptorIsPassedOn(t *testing.T) {
	_, p, e := host(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pid := e.start(request{args: []string{"sh", "-c", "echo here; exec sleep 1000"}}, int(w.Fd()))
	w.Close()
	if text, err := io.ReadAll(io.LimitReader(r, 5)); string(text) != "here\n" {
		t.Fatalf("%q, %v", text, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); len(text) != 0 || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	e.end(pid)
	p.signal(syscall.SIGTERM).wait().ends(5)
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The filter of -S: at the program's entry point where the profile has no execve, before its exec where it has.

// openwrt is a profile of OpenWrt's (testdata/seccomp), as the world can see it.
func openwrt(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/seccomp/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".json")
	writeFile(t, path, string(b), 0o644)
	return path
}

// profile writes one.
func profile(t *testing.T, edits ...edit) string {
	t.Helper()
	s := &specs.Spec{Linux: &specs.Linux{}}
	for _, e := range edits {
		e(s)
	}
	b, err := json.Marshal(s.Linux.Seccomp)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "profile.json")
	writeFile(t, path, string(b), 0o644)
	return path
}

// noExec is a profile that forbids execve, and what else is named.
func noExec(t *testing.T, names ...string) string {
	t.Helper()
	return profile(t, filter(specs.ActAllow, errnoRule(unix.EXDEV, append(names, "execve", "execveat")...)))
}

// has checks that stderr has the words.
func (r result) has(words string) {
	r.t.Helper()
	if !strings.Contains(r.stderr, words) {
		r.t.Errorf("says %q, want it to name %q", r.stderr, words)
	}
}

var sigsys = 128 + int(unix.SIGSYS)

// Dynamically linked programs of Debian under OpenWrt's profiles: what they do after their loader is in force, what the loader does is not.
func TestSlimSeccompOpenWrt(t *testing.T) {
	watch(t)
	umdns, transmission := openwrt(t, "umdns"), openwrt(t, "transmission-daemon")
	for _, options := range []string{"-S ", "-p -U nobody -c -S ", "-f -p -S ", "-N -F -h box -p -S "} {
		slimRun(t, options+umdns, "/bin/echo", "hello").prints("hello\n")
		slimRun(t, options+umdns, "/bin/mkdir", "/dev/shm/x").ends(sigsys) // mkdir is not in the list
		slimRun(t, options+umdns, "/bin/sh", "-c", "exec /bin/echo hello").ends(sigsys)
		slimRun(t, options+transmission, "/usr/bin/printf", "%s\n", "hello").ends(sigsys) // openat came later than that list
	}
	// Against the loader's own calls both lists stand: mprotect and execve are not in the first.
	list, err := os.ReadFile(umdns)
	if err != nil || bytes.Contains(list, []byte("execve")) || bytes.Contains(list, []byte("mprotect")) {
		t.Errorf("%v: the profile is not what it is taken for", err)
	}
}

// What the payload sees of it.
func TestSlimSeccompAtEntry(t *testing.T) {
	watch(t)
	p := noExec(t, "mkdir", "mkdirat")
	r := slimRun(t, "-p -S "+p, "/bin/cat", "/proc/self/status").ok()
	for _, want := range []string{"\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n", "\nTracerPid:\t0\n", "\nThreads:\t1\n"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if mask := status(t, r.stdout, "SigBlk"); strings.Trim(mask, "0") != "" {
		t.Errorf("signals %s are blocked", mask)
	}
	slimRun(t, "-p -S "+p, "/bin/mkdir", "/dev/shm/x").ends(1).has("Invalid cross-device link")
	slimRun(t, "-p -S "+p, "/bin/sh", "-c", "echo ran; exec /bin/echo again").ends(126).has("Invalid cross-device link")
	for name, argv := range map[string][]string{
		"static":  {busybox, "sh", "-c", "echo ran"},
		"dynamic": {"/bin/sh", "-c", "echo ran"},
	} {
		t.Run(name, func(t *testing.T) { slimRun(t, "-p -S "+p, argv...).prints("ran\n") })
	}
	t.Run("script", func(t *testing.T) {
		script := filepath.Join(t.TempDir(), "script")
		writeFile(t, script, "#!/bin/sh\necho \"$0 $1\"\n", 0o755)
		slimRun(t, "-p -S "+p, script, "argument").prints(script + " argument\n")
	})
	t.Run("Go", func(t *testing.T) {
		getpid := noExec(t, "getpid")
		slimRun(t, "-S "+getpid, programDir+"/probe", strconv.Itoa(unix.SYS_GETPID)).prints("errno 18\n")
		slimRun(t, "-S "+getpid, programDir+"/probe", strconv.Itoa(unix.SYS_GETPPID)).prints("done\n")
	})
	t.Run("386", func(t *testing.T) {
		if runtime.GOARCH != "amd64" {
			t.Skip("programs for 386 run on amd64 only")
		}
		getpid := profile(t, filter(specs.ActAllow, errnoRule(unix.EXDEV, "getpid", "execve")),
			func(s *specs.Spec) { s.Linux.Seccomp.Architectures = []specs.Arch{specs.ArchX86} })
		slimRun(t, "-S "+getpid, programDir+"/probe386", "20").prints("errno 18\n")
		slimRun(t, "-S "+getpid, programDir+"/probe386", "64").prints("done\n")
		slimRun(t, "-S "+p, programDir+"/probe386", "20").ends(sigsys)
	})
	t.Run("longest", func(t *testing.T) { // the filter lies on the stack
		long := profile(t, filter(specs.ActAllow, errnoRule(unix.EXDEV, "execve")), func(s *specs.Spec) {
			for i := range 800 {
				r := rule(specs.ActTrap, "getppid")
				r.Args = []specs.LinuxSeccompArg{{Index: 1, Value: uint64(1000 + i), Op: specs.OpEqualTo}}
				s.Linux.Seccomp.Syscalls = append(s.Linux.Seccomp.Syscalls, r)
			}
		})
		slimRun(t, "-p -S "+long, "/bin/echo", "ran").prints("ran\n")
	})
}

// A profile that allows execve is in force before it.
func TestSlimSeccompBeforeExec(t *testing.T) {
	watch(t)
	p := profile(t, filter(specs.ActAllow, errnoRule(unix.EXDEV, "mkdir", "mkdirat")))
	slimRun(t, "-p -S "+p, sh("mkdir /dev/shm/x 2>&1; exec "+busybox+" grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status")...).
		prints("mkdir: can't create directory '/dev/shm/x': Invalid cross-device link\nNoNewPrivs:\t1\nSeccomp:\t2\n")
}

func TestSlimSeccompRefusals(t *testing.T) {
	watch(t)
	slimRun(t, "-S /no/such/profile", "/bin/echo", "ran").refused("/no/such/profile: no such file or directory")
	broken := filepath.Join(t.TempDir(), "broken.json")
	writeFile(t, broken, "{", 0o644)
	slimRun(t, "-S "+broken, "/bin/echo", "ran").refused("-S " + broken + ": line 1")
	slimRun(t, "-S "+profile(t, filter("SCMP_ACT_FLY")), "/bin/echo", "ran").refused("profile.json: defaultAction: unknown action")
	slimRun(t, "-S "+profile(t, filter(specs.ActNotify), func(s *specs.Spec) { s.Linux.Seccomp.ListenerPath = "/x" }), "/bin/echo", "ran").
		refused("SCMP_ACT_NOTIFY is only for bundles")
	slimRun(t, "-S "+noExec(t), "/no/such/program").ends(127)
	empty := filepath.Join(t.TempDir(), "empty")
	writeFile(t, empty, "", 0o755)
	slimRun(t, "-S "+noExec(t), empty).ends(126)
}

// elf writes a program: a loader whose machine code is given, or one that names its loader.
func elf(t *testing.T, path string, code []byte, loader string) {
	t.Helper()
	const base, head = 0x10000, 64 + 2*56
	var b bytes.Buffer
	kind, entry := uint16(2), uint64(base+head)
	if loader != "" {
		kind, code = 3, append([]byte(loader), 0)
		entry = head + uint64(len(code)) - 1
	}
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	put([]uint16{kind, 62})
	put(uint32(1))
	put([]uint64{entry, 64, 0})
	put(uint32(0))
	put([]uint16{64, 56, 2, 0, 0, 0})
	address := uint64(base)
	if loader != "" {
		address = 0
	}
	put([]uint32{1, 5}) // PT_LOAD, r-x
	put([]uint64{0, address, address, head + uint64(len(code)), head + uint64(len(code)), 0x1000})
	if loader != "" {
		put([]uint32{3, 4}) // PT_INTERP
	} else {
		put([]uint32{0x6474e551, 6}) // PT_GNU_STACK
	}
	put([]uint64{head, address + head, address + head, uint64(len(code)), uint64(len(code)), 1})
	b.Write(code)
	writeFile(t, path, b.String(), 0o755)
}

// Machine code of loaders that never come to the program's entry point.
var (
	loaderPauses = []byte{0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7}                                // for { pause() }
	loaderForks  = []byte{0xb8, 57, 0, 0, 0, 0x0f, 0x05, 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7} // fork(); for { pause() }
	loaderTraps  = []byte{0xcc, 0xeb, 0xfd}                                                         // a trap of its own
	loaderExits  = []byte{0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05}                          // exit(7)
)

// loaded is a program with one of these loaders, to be started without namespaces.
func loaded(t *testing.T, loader []byte) command {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("machine code of amd64")
	}
	watch(t)
	dir := t.TempDir()
	elf(t, dir+"/loader", loader, "")
	elf(t, dir+"/program", nil, dir+"/loader")
	return slim("-S "+noExec(t), dir+"/program")
}

func TestSlimSeccompStrangeLoaders(t *testing.T) {
	t.Run("ends", func(t *testing.T) { run(t, loaded(t, loaderExits)).ends(7) })
	t.Run("forks", func(t *testing.T) {
		run(t, loaded(t, loaderForks)).refused("load a seccomp filter at the program's entry point: operation not permitted (its loader makes processes or threads)")
	})
	t.Run("traps", func(t *testing.T) { run(t, loaded(t, loaderTraps)).ends(128 + int(unix.SIGTRAP)) })
}

// In the loader, before the filter, the payload can be ended, and it never lives without who traces it.
func TestSlimSeccompInTheLoader(t *testing.T) {
	inLoader := func(t *testing.T) (p *process, payload, worker int) {
		p = start(t, loaded(t, loaderPauses))
		eventually(func() bool {
			for _, c := range children(p.pid()) {
				switch exe, _ := os.Readlink(procPath(c, "exe")); filepath.Base(exe) {
				case "program":
					payload = c
				case "gojail":
					worker = c
				}
			}
			call, _ := os.ReadFile(procPath(payload, "syscall"))
			return payload != 0 && strings.HasPrefix(string(call), "34 ") // pause(2)
		})
		if payload == 0 || worker == 0 {
			t.Fatalf("payload %d, worker %d\n%s", payload, worker, p.err)
		}
		return p, payload, worker
	}
	t.Run("TERM", func(t *testing.T) {
		p, _, _ := inLoader(t)
		p.signal(unix.SIGTERM).wait().ends(128 + int(unix.SIGTERM))
	})
	t.Run("the payload is killed", func(t *testing.T) {
		p, payload, _ := inLoader(t)
		unix.Kill(payload, unix.SIGKILL)
		p.wait().ends(128 + int(unix.SIGKILL))
	})
	t.Run("the payload is stopped and continued", func(t *testing.T) {
		p, payload, _ := inLoader(t)
		unix.Kill(payload, unix.SIGSTOP)
		eventually(func() bool {
			s, _ := os.ReadFile(procPath(payload, "stat"))
			return bytes.Contains(s, []byte(") t ")) || bytes.Contains(s, []byte(") T "))
		})
		unix.Kill(payload, unix.SIGCONT)
		unix.Kill(payload, unix.SIGUSR1)
		p.wait().ends(128 + int(unix.SIGUSR1))
	})
	t.Run("the worker is killed", func(t *testing.T) {
		p, payload, worker := inLoader(t)
		unix.Kill(worker, unix.SIGKILL)
		if r := p.wait(); r.code == 0 {
			t.Error("as if nothing had happened")
		}
		if alive(payload) {
			t.Error("the payload lives")
		}
	})
	t.Run("the supervisor is killed", func(t *testing.T) {
		p, payload, _ := inLoader(t)
		p.signal(unix.SIGKILL)
		if !eventually(func() bool { return !alive(payload) }) {
			t.Error("the payload lives")
		}
	})
}

// Again and again, and at once.
func TestSlimSeccompStress(t *testing.T) {
	watch(t)
	p := openwrt(t, "umdns")
	var running []*process
	for range 20 {
		for range 10 {
			running = append(running, start(t, slim("-p -S "+p, "/bin/echo", "hello")))
		}
		for _, r := range running {
			r.wait().prints("hello\n")
		}
		running = running[:0]
	}
}

// Whoever is killed on the way, and when: nothing is left, and nothing runs without the filter.
func TestSlimSeccompKilledAtRandom(t *testing.T) {
	watch(t)
	c := slim("-t 1 -p -S "+noExec(t, "mkdir", "mkdirat"), "/bin/sh", "-c", "while :; do read line </proc/self/status; done")
	for i := range rounds(t, 30) {
		p := start(t, c)
		time.Sleep(time.Duration(random.IntN(10000)) * time.Microsecond)
		victim := p.pid()
		if list := children(p.pid()); i%2 == 0 && len(list) > 0 {
			victim = list[0] // the worker, or already the payload
		}
		unix.Kill(victim, unix.SIGKILL)
		time.AfterFunc(time.Duration(random.IntN(10000))*time.Microsecond, func() { p.cmd.Process.Signal(unix.SIGTERM) })
		p.wait()
		if !eventually(func() bool { return strays() == "" }) {
			t.Fatalf("round %d left processes: %s", i, strays())
		}
	}
}

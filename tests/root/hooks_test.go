// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// kinds are those of hooks, in the order of a container's life.
var kinds = []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}

// hooks adds hooks of a kind: each is a shell that runs a text.
func hooks(kind string, texts ...string) edit {
	return func(s *specs.Spec) {
		for _, text := range texts {
			addHook(s, kind, shellHook(kind, text))
		}
	}
}

// shellHook is a shell of the host, or of the container for the one kind that is looked up there.
func shellHook(kind, text string) specs.Hook {
	path := busybox
	if kind == "startContainer" {
		path = "/bin/busybox"
	}
	return specs.Hook{Path: path, Args: []string{"sh", "-c", text}, Env: []string{"PATH=" + hostPath + ":" + programDir}}
}

func addHook(s *specs.Spec, kind string, h specs.Hook) {
	if s.Hooks == nil {
		s.Hooks = &specs.Hooks{}
	}
	list := map[string]*[]specs.Hook{"prestart": &s.Hooks.Prestart, "createRuntime": &s.Hooks.CreateRuntime, //nolint:staticcheck
		"createContainer": &s.Hooks.CreateContainer, "startContainer": &s.Hooks.StartContainer, "poststart": &s.Hooks.Poststart,
		"poststop": &s.Hooks.Poststop}[kind]
	*list = append(*list, h)
}

// each adds a hook of every kind.
func each(text string) edit {
	return func(s *specs.Spec) {
		for _, k := range kinds {
			hooks(k, strings.ReplaceAll(text, "KIND", k))(s)
		}
	}
}

// timed gives all hooks of a kind a timeout in seconds.
func timed(kind string, seconds int) edit {
	return func(s *specs.Spec) {
		h := *s.Hooks
		for k, list := range map[string][]specs.Hook{"prestart": h.Prestart, "createRuntime": h.CreateRuntime, //nolint:staticcheck
			"createContainer": h.CreateContainer, "startContainer": h.StartContainer, "poststart": h.Poststart, "poststop": h.Poststop} {
			for i := range list {
				if k == kind {
					list[i].Timeout = &seconds
				}
			}
		}
	}
}

func version(v string) edit { return func(s *specs.Spec) { s.Version = v } }

// said gives what the hooks have said on stderr: of each kind the lines that begin with "kind:".
func said(text string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(text) {
		if kind, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok && slices.Contains(kinds, kind) {
			out[kind] = append(out[kind], rest)
		}
	}
	return out
}

// The C ujail crashed with any hook (D1) and told them nothing (D24).
func TestD1Hooks(t *testing.T) {
	for _, k := range kinds {
		t.Run(k, func(t *testing.T) {
			b := newBundle(t, hooks(k, "exit 0"), script("echo ran; exit 7"))
			if r := b.run().ends(7); r.stdout != "ran\n" {
				t.Errorf("printed %q", r.stdout)
			}
		})
	}
	t.Run("no args, no env", func(t *testing.T) {
		b := newBundle(t, script("echo ran"))
		for _, k := range kinds {
			path := "/bin/true"
			addHook(b.spec, k, specs.Hook{Path: path})
		}
		b.run().prints("ran\n")
	})
}

func TestD24HookState(t *testing.T) {
	status := map[string]string{"prestart": "creating", "createRuntime": "creating", "createContainer": "creating", "startContainer": "created",
		"poststart": "running", "poststop": "stopped"}
	for name, edits := range map[string][]edit{"pid namespace": nil, "host's pids": {withoutNamespace(specs.PIDNamespace)}, "user namespace": {shifted}} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, append(edits, each("echo KIND:$(cat)"), annotation("org.example.\"a\"", "x\n\\ü\x01"), annotation("b", ""),
				script("echo pid $$; "+untilTerm))...)
			p := b.start().until("ready\n")
			payload := p.payload()
			p.signal(15).wait().ends(0)
			heard := said(p.err.String())
			for _, k := range kinds {
				var got specs.State
				if len(heard[k]) != 1 {
					t.Fatalf("%s: %q of\n%s", k, heard[k], p.err)
				}
				if err := json.Unmarshal([]byte(heard[k][0]), &got); err != nil {
					t.Fatalf("%s: %v: %s", k, err, heard[k][0])
				}
				pid := payload
				if k == "createContainer" || k == "startContainer" {
					pid, _ = strconv.Atoi(strings.Fields(p.out.String())[1])
				}
				if k == "poststop" {
					pid = 0
				}
				if string(got.Status) != status[k] || got.ID != b.name || got.Bundle != b.dir || got.Version != b.spec.Version || got.Pid != pid ||
					!maps.Equal(got.Annotations, b.spec.Annotations) {
					t.Errorf("%s: %+v; the payload is %d", k, got, pid)
				}
			}
		})
	}
}

func TestHookOrder(t *testing.T) {
	var edits []edit
	want := ""
	for _, k := range kinds {
		if k == "poststart" {
			want += "payload\n" // which it may follow, or not
		}
		edits = append(edits, hooks(k, "echo "+k+" 0", "echo "+k+" 1"))
		want += k + " 0\n" + k + " 1\n"
	}
	for range rounds(t, 5) {
		b := newBundle(t, append(edits, script("echo payload >&2; sleep 0.1"))...)
		r := b.run().ends(0)
		got := ""
		for line := range strings.Lines(r.stderr) {
			if !strings.Contains(line, "ubus") && line != "payload\n" {
				got += line
			}
		}
		if got != strings.ReplaceAll(want, "payload\n", "") {
			t.Errorf("%s\nwant %s", got, want)
		}
		if at := strings.Index(r.stderr, "payload\n"); at < strings.Index(r.stderr, "startContainer 1") || at > strings.Index(r.stderr, "poststop 0") {
			t.Errorf("the payload's line stands wrong in\n%s", r.stderr)
		}
	}
}

// In which namespaces each is, and what its root is.
func TestHookNamespaces(t *testing.T) {
	list := []string{"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"}
	text := "for n in " + strings.Join(list, " ") + "; do echo KIND:$n=$(readlink /proc/self/ns/$n); done"
	at := "; ls -d /mnt/bin 2>&1 | sed s/^/KIND:/; [ -e etc/passwd ] && echo KIND:cwd $(pwd); :"
	pid := target(t, allNamespaces|unix.CLONE_NEWUSER, 0)
	own := map[string]string{}
	for _, n := range list {
		own[n], _ = os.Readlink("/proc/self/ns/" + n)
	}
	for name, edits := range map[string][]edit{
		"usual":          nil,
		"user namespace": {shifted, namespace(specs.CgroupNamespace, "")},
		"second process": {namespace(specs.TimeNamespace, "")},
		"joined":         {join(specs.UserNamespace, pid), join(specs.PIDNamespace, pid), join(specs.NetworkNamespace, pid), join(specs.IPCNamespace, pid)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t, append(edits, each(text+at), script(strings.ReplaceAll(text, "KIND:", "")))...)
			r := b.run().ends(0)
			inside := map[string]string{}
			for line := range strings.Lines(r.stdout) {
				n, id, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				inside[n] = id
			}
			if len(inside) != len(list) || inside["mnt"] == own["mnt"] {
				t.Fatalf("the payload says %q", r.stdout)
			}
			heard := said(r.stderr)
			for _, k := range kinds {
				expect, root, cwd := own, "/mnt/bin", ""
				switch k {
				case "createContainer":
					expect, cwd = inside, "cwd "+b.root()
				case "startContainer":
					expect, root, cwd = inside, "ls: /mnt/bin: No such file or directory", "cwd /"
				}
				var want []string
				for _, n := range list {
					want = append(want, n+"="+expect[n])
				}
				if want = append(want, root); cwd != "" {
					want = append(want, cwd)
				}
				if !slices.Equal(heard[k], want) {
					t.Errorf("%s: %q\nwant %q", k, heard[k], want)
				}
			}
		})
	}
}

// What a hook does to its container is seen in it.
func TestHookChangesTheContainer(t *testing.T) {
	b := newBundle(t, hooks("createContainer", "mkdir srv/made; mount -t tmpfs tmpfs mnt && echo mounted >mnt/file; hostname hooked"),
		hooks("startContainer", "echo started >/dev/shm/file"), script("cat /mnt/file /dev/shm/file; hostname; ls /srv"))
	b.spec.Hostname = ""
	b.run().prints("mounted\nstarted\nhooked\nmade\n")
	if text, _ := os.ReadFile("/proc/self/mountinfo"); strings.Contains(string(text), b.dir) {
		t.Error("mounted in the supervisor's namespace")
	}
}

// A network that the runtime's side sets up.
func TestHookNetwork(t *testing.T) {
	b := newBundle(t, hooks("createRuntime", `pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/'); nsenter -t $pid -n busybox ip link add dummy7 type dummy || `+
		`nsenter -t $pid -n busybox ip addr add 192.0.2.7/32 dev lo`), script("ip -o addr show; ip -o link show"))
	r := b.run().ends(0)
	if !strings.Contains(r.stdout, "dummy7") && !strings.Contains(r.stdout, "192.0.2.7") {
		t.Errorf("the container has\n%s\nstderr: %s", r.stdout, r.stderr)
	}
}

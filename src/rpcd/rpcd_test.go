// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gojail/src/state"
)

// testJobs has a test's job directory: this program is then what begin has started.
const testJobs = "GOJAIL_TEST_RPCD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(testJobs); dir != "" {
		s := at(dir)
		if len(os.Args) != 4 || os.Args[1] != "job" || s.Job(os.Args[2], os.Args[3]) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func at(dir string) *Server {
	return &Server{ConfigDir: dir + "/config", State: dir + "/state", Jobs: dir + "/a/jobs", Init: dir + "/init", Logread: dir + "/logread",
		Ubus: dir + "/ubus", Self: dir + "/self"}
}

// router is a server whose surroundings are files of the test.
func router(t *testing.T, config string) (*Server, string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/self", "#!/bin/sh\n"+testJobs+"="+dir+" exec "+self+" \"$@\"\n", 0o755)
	if config != "" {
		write(t, dir+"/config/container", config, 0o600)
	}
	return at(dir), dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

type answer map[string]any

func call1(t *testing.T, s *Server, method, input string) answer {
	t.Helper()
	text, ok := s.Call(method, []byte(input))
	if !ok {
		t.Fatalf("no method %s", method)
	}
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s: %v\n%s", method, err, text)
	}
	return a
}

// find is the container of that name.
func (a answer) find(t *testing.T, name string) answer {
	t.Helper()
	for _, c := range a["containers"].([]any) {
		if c := c.(map[string]any); c["name"] == name {
			return c
		}
	}
	t.Fatalf("no container %s: %v", name, a)
	return nil
}

const two = `
config container web
	option rootfs /
	list command /bin/sh
	list env 'PASSWORD=hush-hush'
	option network bridge
config network
	option container web
	option bridge br-lan
config port
	option container web
	option src wan
	option src_dport 8080
	option dest_port 80
config container db
	option name my-db
	option enabled 0
	option rootfs /nowhere
	list command /bin/sh
`

func TestMethods(t *testing.T) {
	var m map[string]map[string]any
	if err := json.Unmarshal([]byte(Methods()), &m); err != nil {
		t.Fatal(err)
	}
	if len(m) != len(methods) || m["logs"]["lines"] != 32.0 || m["kill"]["signal"] != "str" {
		t.Error(m)
	}
	if _, ok := (&Server{}).Call("nothing", nil); ok {
		t.Error("there is a method nothing")
	}
}

func TestArguments(t *testing.T) {
	s, _ := router(t, two)
	for in, want := range map[string]string{
		`{`:                        "end of the text",
		`[]`:                       "must be an object",
		`{}`:                       "is no name",
		`{"name":"../x"}`:          "is no name",
		`{"name":7}`:               "name: must be a string",
		`{"name":"` + "\xff" + `"`: "invalid UTF-8",
		`{"name":"<img src=x onerror=alert(1)>"}`:       "is no name",
		`{"name":"nobody","ubus_rpc_session":"0"}`:      "there is no container nobody",
		`{"name":"` + strings.Repeat("x", 1<<17) + `"}`: "are accepted",
	} {
		if a := call1(t, s, "status", in); a["error"] == nil || !strings.Contains(a["error"].(string), want) || len(a) != 1 {
			t.Errorf("%.60s: %v, want %s", in, a, want)
		}
	}
	if a := call1(t, s, "list", ""); a["error"] != nil {
		t.Error(a)
	}
}

func TestList(t *testing.T) {
	s, _ := router(t, two)
	a := call1(t, s, "list", "{}")
	web := a.find(t, "web")
	ports := []any{map[string]any{"src": "wan", "proto": "tcp", "src_dport": "8080", "dest_port": "80"}}
	if web["state"] != "stopped" || web["enabled"] != true || web["network"] != "bridge" || web["restart"] != "on-failure" || !reflect.DeepEqual(web["ports"], ports) {
		t.Error(web)
	}
	if db := a.find(t, "my-db"); db["enabled"] != false || db["defined"] != true || db["network"] != "none" {
		t.Error(db)
	}
	if a["memory"].(float64) < 1<<20 || len(a["problems"].([]any)) != 0 {
		t.Error(a)
	}
}

// Nobody is told the value of a variable, in whatever way it is asked.
func TestSecrets(t *testing.T) {
	s, _ := router(t, two)
	for _, m := range methods {
		if m.name == "start" || m.name == "stop" || m.name == "restart" {
			continue
		}
		if text, _ := s.Call(m.name, []byte(`{"name":"web","signal":"0"}`)); strings.Contains(text, "hush") {
			t.Errorf("%s: %s", m.name, text)
		}
	}
	a := call1(t, s, "status", `{"name":"web"}`)
	if env := a["options"].(map[string]any)["env"]; !reflect.DeepEqual(env, []any{"PASSWORD"}) {
		t.Error(env)
	}
}

// No file is the beginning, a broken one is told of, and what runs is there all the same.
func TestWithoutConfiguration(t *testing.T) {
	s, dir := router(t, "")
	me := state.This(os.Getpid())
	st := &state.State{ID: "orphan", Status: state.Running, Mode: state.Supervised, Process: me, Bundle: "/srv/<img src=x>"}
	write(t, dir+"/state/orphan/state", string(st.Encode()), 0o600)
	a := call1(t, s, "list", "{}")
	if o := a.find(t, "orphan"); o["state"] != "running" || o["defined"] != false || o["checked"] != true || o["pid"] != float64(me.PID) || len(a["problems"].([]any)) != 0 {
		t.Error(a)
	}
	write(t, dir+"/config/container", "config container web\n\toption rootfs relative\n\toption colour red\n", 0o600)
	a = call1(t, s, "list", "{}")
	if o := a.find(t, "orphan"); o["checked"] != false {
		t.Error(o)
	}
	if list := a["problems"].([]any); len(list) != 3 || !strings.Contains(list[0].(string), "container:web:command: is required") {
		t.Error(list)
	}
}

func TestChanged(t *testing.T) {
	s, dir := router(t, "config container web\n\toption rootfs /\n\toption command /bin/sh\n\toption seccomp unconfined\n")
	for bundle, want := range map[string]any{"/var/run/gojail/bundles/web-0123456789abcdef": true, "/srv/other": nil} {
		st := &state.State{ID: "web", Status: state.Running, Process: state.This(os.Getpid()), Bundle: bundle}
		write(t, dir+"/state/web/state", string(st.Encode()), 0o600)
		if web := call1(t, s, "list", "{}").find(t, "web"); web["changed"] != want {
			t.Errorf("%s: %v", bundle, web)
		}
	}
}

func TestProcesses(t *testing.T) {
	s, dir := router(t, two)
	cmd := exec.Command("/bin/sh", "-c", "read x", "<img src=x onerror=alert(1)>")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	st := &state.State{ID: "web", Status: state.Running, Process: state.This(cmd.Process.Pid)}
	write(t, dir+"/state/web/state", string(st.Encode()), 0o600)
	a := call1(t, s, "processes", `{"name":"web"}`)
	p := a["processes"].([]any)[0].(map[string]any)
	if a["total"] != 1.0 || p["pid"] != float64(cmd.Process.Pid) || p["ppid"] != float64(os.Getpid()) || p["uid"] != "0" && os.Getuid() == 0 ||
		p["memory"].(float64) <= 0 {
		t.Error(a)
	}
	if a := call1(t, s, "processes", `{"name":"my-db"}`); !strings.Contains(a["error"].(string), "does not exist") {
		t.Error(a)
	}
	if a := call1(t, s, "kill", `{"name":"web","signal":"SOON"}`); !strings.Contains(a["error"].(string), "is no signal") {
		t.Error(a)
	}
	if a := call1(t, s, "kill", `{"name":"web","signal":"SIGTERM"}`); len(a) != 0 {
		t.Error(a)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: terminated" {
		t.Error(err)
	}
	if a := call1(t, s, "kill", `{"name":"web","signal":"TERM"}`); !strings.Contains(a["error"].(string), "does not run") {
		t.Error(a)
	}
}

func TestSignalNumber(t *testing.T) {
	for word, want := range map[string]int{"TERM": 15, "9": 9, "RTMIN": 34, "RTMIN+3": 37} {
		if n := signalNumber(word); n != want {
			t.Errorf("%s: %d", word, n)
		}
	}
}

func TestLogs(t *testing.T) {
	s, dir := router(t, two)
	write(t, dir+"/logread", "#!/bin/sh\n[ \"$1\" = -e ] && printf '%s\\n' a '<img src=x onerror=alert(1)>' \"$2\"\n", 0o755)
	a := call1(t, s, "logs", `{"name":"my.db"}`)
	if want := []any{"a", "<img src=x onerror=alert(1)>", `^my[.]db\[`}; !reflect.DeepEqual(a["lines"], want) {
		t.Error(a)
	}
	if a := call1(t, s, "logs", `{"name":"web","lines":1}`); !reflect.DeepEqual(a["lines"], []any{`^web\[`}) {
		t.Error(a)
	}
	write(t, dir+"/logread", "#!/bin/sh\n", 0o755)
	if a := call1(t, s, "logs", `{"name":"web"}`); !reflect.DeepEqual(a["lines"], []any{}) {
		t.Error(a)
	}
	write(t, dir+"/logread", "#!/bin/sh\necho 'daemon.err .[7]: ujail: web: mounts[1]: one'\necho 'daemon.err .[8]: ujail: web: exec /x: two'\n", 0o755)
	if got := s.lastError("web"); got != "exec /x: two" {
		t.Error(got)
	}
	// A log without end is cut.
	write(t, dir+"/logread", "#!/bin/sh\nyes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | head -c 3000000\n", 0o755)
	if a := call1(t, s, "logs", `{"name":"web","lines":1000000}`); len(a["lines"].([]any)) != maxLines {
		t.Error(len(a["lines"].([]any)))
	}
	os.Remove(dir + "/logread")
	if a := call1(t, s, "logs", `{"name":"web"}`); !strings.Contains(a["error"].(string), "logd") {
		t.Error(a)
	}
}

// What was begun goes on by itself, is told of while it does, and is refused a second time meanwhile.
func TestJob(t *testing.T) {
	s, dir := router(t, two)
	fifo := dir + "/fifo"
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(t, dir+"/init", "#!/bin/sh\necho \"$1 $2 <b>\"\nread -r status <"+fifo+"\nexit $status\n", 0o755)
	job := func() answer { return call1(t, s, "list", "{}").find(t, "web")["job"].(map[string]any) }
	for _, status := range []string{"0", "3"} {
		a := call1(t, s, "restart", `{"name":"web"}`)
		if j := a["job"].(map[string]any); j["action"] != "restart" || j["running"] != true {
			t.Fatal(a)
		}
		if j := job(); j["running"] != true || j["action"] != "restart" || j["exit"] != nil {
			t.Fatal(j)
		}
		if a := call1(t, s, "stop", `{"name":"web"}`); a["error"] == nil || !strings.Contains(a["error"].(string), "under way") {
			t.Fatal(a)
		}
		if a := call1(t, s, "list", "{}").find(t, "my-db"); a["job"] != nil {
			t.Error(a)
		}
		if err := os.WriteFile(fifo, []byte(status+"\n"), 0); err != nil { // waits for the script
			t.Fatal(err)
		}
		j := job()
		for j["running"] == true {
			j = job()
		}
		if status == "0" && (j["exit"] != 0.0 || j["output"] != nil) || status == "3" && (j["exit"] != 3.0 || j["output"] != "restart web <b>") {
			t.Error(j)
		}
	}
	// One that was killed has not ended by itself.
	write(t, dir+"/a/jobs/web/job", `{"action":"start","time":1}`, 0o600)
	if j := job(); j["interrupted"] != true || j["running"] != false {
		t.Error(j)
	}
	// Without an init script the reason is told.
	os.Remove(dir + "/init")
	call1(t, s, "start", `{"name":"web"}`)
	j := job()
	for j["running"] == true {
		j = job()
	}
	if j["exit"] != 127.0 || !strings.Contains(j["output"].(string), "no such file") {
		t.Error(j)
	}
}

func TestHost(t *testing.T) {
	s, _ := router(t, two)
	a := call1(t, s, "host", "{}")
	if a["kernel"] == "" || a["memory"].(float64) == 0 || a["storage"].(map[string]any)["path"] != "/srv/containers" {
		t.Error(a)
	}
	if lacks := a["containers"].(map[string]any)["my-db"]; !strings.Contains(strings.Join(texts(lacks), "\n"), "/nowhere") {
		t.Error(a["containers"])
	}
	if n := available("MemTotal: 10 kB\nMemAvailable:    5 kB\n"); n != 5<<10 {
		t.Error(n)
	}
}

func texts(v any) (list []string) {
	array, _ := v.([]any)
	for _, s := range array {
		list = append(list, s.(string))
	}
	return list
}

func FuzzCall(f *testing.F) {
	f.Add([]byte(`{"name":"web","lines":5,"signal":"9"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range methods {
			c, err := parse(m.args, b)
			if (err == nil) == (c == nil) {
				t.Fatal(c, err)
			}
			if err == nil && strings.Contains(m.args, "name") && !state.ValidID(c.name) {
				t.Fatal(c)
			}
		}
	})
}

// SPDX-License-Identifier: LGPL-2.1-only

package root

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// gojail up: the containers of a configuration, without procd.

// up is the command for these boxes, whose configurations are put together.
func up(t *testing.T, boxes ...*box) command {
	t.Helper()
	text := ""
	for _, x := range boxes {
		text += x.config + "\n"
	}
	dir := boxes[0].dir
	writeFile(t, dir+"/container", text, 0o600)
	return command{args: []string{programPath, "up", "-c", dir, "-o", filepath.Dir(dir) + "/out"}}
}

// lines are those of the output that begin with a name, without it, as gojail up prints them.
func linesOf(name, text string) (list []string) {
	for line := range strings.Lines(text) {
		if before, rest, ok := strings.Cut(line, " | "); ok && strings.TrimSpace(before) == name {
			list = append(list, strings.TrimSuffix(rest, "\n"))
		}
	}
	return list
}

func TestUp(t *testing.T) {
	db := newBox(t, "option command 'sh -c \"echo out; echo err >&2; printf end\"'\noption log 1\n")
	web := newBox(t, "option command 'sh -c \"echo web\"'\nlist depends "+db.name+"\n")
	r := run(t, up(t, web, db)).ends(0)
	equal(t, "stdout", linesOf(db.name, r.stdout), "out", "end")
	if !strings.Contains(strings.Join(linesOf(db.name, r.stderr), "\n"), "err") {
		t.Errorf("stderr %q", r.stderr)
	}
	equal(t, "stdout", linesOf(web.name, r.stdout), "web")
	if exists(filepath.Dir(web.dir) + "/out/" + web.name) {
		t.Error("a bundle is left")
	}
}

// Ctrl-C ends those first that need others, and leaves nothing.
func TestUpInterrupted(t *testing.T) {
	const lives = "list command sh\nlist command -c\nlist command 'trap \"echo bye; exit 3\" TERM; echo ready; while :; do sleep 1000 & wait $!; done'\noption restart always\n"
	db := newBox(t, lives)
	web := newBox(t, lives+"list depends "+db.name+"\n")
	p := start(t, up(t, web, db)).until(web.name + " | ready\n").until(db.name + " | ready\n")
	r := p.signal(syscall.SIGINT).wait().ends(128 + 2)
	if web, db := strings.Index(r.stdout, web.name+" | bye"), strings.Index(r.stdout, db.name+" | bye"); web < 0 || db < web {
		t.Errorf("not asked to end in order: %q", r.stdout)
	}
}

func TestUpRestarts(t *testing.T) {
	x := newBox(t, "option command 'sh -c \"echo run; exit 4\"'\noption restart_delay 0\noption restart_retries 2\n")
	r := run(t, up(t, x)).ends(4)
	equal(t, "stdout", linesOf(x.name, r.stdout), "run", "run", "run")
	if !strings.Contains(r.stderr, "gojail: up: "+x.name+": has ended with status 4: started again in 0 s\n") ||
		!strings.Contains(r.stderr, ": not started again, as it has ended 3 times within 3600 seconds\n") {
		t.Errorf("said %q", r.stderr)
	}
	x = newBox(t, "option command 'sh -c \"echo run; exit 4\"'\noption restart never\n")
	equal(t, "stdout", linesOf(x.name, run(t, up(t, x)).ends(4).stdout), "run")
}

// What a container needs has to have started; what cannot be generated starts nothing at all.
func TestUpRefused(t *testing.T) {
	db := newBox(t, "list command /bin/sh\nlist require_mount /opt\n")
	web := newBox(t, "option command 'echo ran'\nlist depends "+db.name+"\n")
	r := run(t, up(t, web, db)).ends(1)
	if r.stdout != "" || !strings.Contains(r.stderr, db.name+": is not started: nothing is mounted on /opt (option require_mount)\n") ||
		!strings.Contains(r.stderr, web.name+": is not started: "+db.name+", which it needs, has not started\n") {
		t.Errorf("printed %q, said %q", r.stdout, r.stderr)
	}
	db = newBox(t, "list command /bin/none\n")
	r = run(t, up(t, newBox(t, "option command 'echo ran'\n"), db)).ends(1)
	if r.stdout != "" || !strings.Contains(r.stderr, db.name+":command: /bin/none: there is no such program") {
		t.Errorf("printed %q, said %q", r.stdout, r.stderr)
	}
}

// Nobody survives a gojail up that is killed.
func TestUpKilled(t *testing.T) {
	x := newBox(t, "list command sh\nlist command -c\nlist command 'trap \"exit 0\" TERM; echo ready; while :; do sleep 1000 & wait $!; done'\n")
	p := start(t, up(t, x)).until("ready\n")
	p.signal(syscall.SIGKILL).wait()
}

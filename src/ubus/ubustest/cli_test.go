// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gojail/src/ubus"
)

// onBusesByCommand runs a test of the ubus command of OpenWrt on each bus.
func onBusesByCommand(t *testing.T, test func(t *testing.T, path string)) {
	if realUbus == "" {
		t.Skip("SKIPPED: the ubus command was not run: $UBUS does not say where it is")
	}
	onBuses(t, test)
}

// run gives the output of a ubus command and the status that it has ended with.
func run(t *testing.T, path string, args ...string) (out string, status ubus.Status) {
	t.Helper()
	b, err := exec.Command(realUbus, append([]string{"-t", "20", "-s", path}, args...)...).Output()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(b), ubus.StatusOK
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return string(b), ubus.Status(-int8(exit.ExitCode()))
	}
	t.Fatalf("ubus %v: %v", args, err)
	return "", 0
}

// follow starts a ubus command that prints what comes in, and gives its lines.
func follow(t *testing.T, path string, args ...string) <-chan string {
	t.Helper()
	cmd := exec.Command(realUbus, append([]string{"-s", path}, args...)...)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := make(chan string, 100)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range lines {
		}
		_ = cmd.Wait()
	})
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

func TestCommandList(t *testing.T) {
	onBusesByCommand(t, func(t *testing.T, path string) {
		defer offer(t, path, "container.web").Close()
		defer offer(t, path, "container.db").Close()
		defer offer(t, path, "service").Close()
		out, status := run(t, path, "list")
		if out != "container.db\ncontainer.web\nservice\n" || status != 0 {
			t.Errorf("%s%v", out, status)
		}
		out, status = run(t, path, "list", "container.*")
		if out != "container.db\ncontainer.web\n" || status != 0 {
			t.Errorf("%s%v", out, status)
		}
		out, status = run(t, path, "-v", "list", "service")
		want := regexp.MustCompile(`^'service' @[0-9a-f]{8}
	"echo":{"s":"String","n":"Integer","b":"Boolean","t":"Table","a":"Array"}
	"fail":{}
	"void":{}
$`)
		if !want.MatchString(out) || status != 0 {
			t.Errorf("%s%v", out, status)
		}
		if out, status = run(t, path, "list", "none"); out != "" || status == 0 {
			t.Errorf("%s%v", out, status)
		}
	})
}

func TestCommandCall(t *testing.T) {
	onBusesByCommand(t, func(t *testing.T, path string) {
		defer offer(t, path, "o").Close()
		const args = `{"s":"é \"x\"","n":-5,"big":1234567890123,"b":true,"d":0.25,"t":{"x":{"y":[]}},"a":[1,"two",{"three":3},[]]}`
		out, status := run(t, path, "call", "o", "echo", args)
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(out), &got), json.Unmarshal([]byte(args), &want)); err != nil || fmt.Sprint(got) != fmt.Sprint(want) || status != 0 {
			t.Errorf("%s%v, %v", out, status, err)
		}
		for method, want := range map[string]ubus.Status{"void": ubus.StatusOK, "fail": ubus.StatusNotSupported, "none": ubus.StatusMethodNotFound} {
			if out, status := run(t, path, "call", "o", method); out != "" || status != want {
				t.Errorf("%s: %s%v, want %v", method, out, status, want)
			}
		}
		run(t, path, "wait_for", "o")
	})
}

func TestCommandEvents(t *testing.T) {
	onBusesByCommand(t, func(t *testing.T, path string) {
		c := dial(t, path)
		id, err := c.AddObject(soon(), "", nil)
		must(t, err)
		must(t, c.Listen(soon(), id, "from.command"))
		if out, status := run(t, path, "send", "from.command", `{"a":[1]}`); out != "" || status != 0 {
			t.Errorf("%s%v", out, status)
		}
		if in := receive(t, c); in.Method != "from.command" {
			t.Errorf("%+v", in)
		}
		lines := follow(t, path, "listen", "test.*", "ready")
		untilHeard(t, c, lines)
		must(t, c.SendEvent(soon(), "test.x", words("y")))
		if l := next(t, lines, "test"); l != `{ "test.x": {"s":"y"} }` {
			t.Error(l)
		}
	})
}

// untilHeard sends an event until the command prints it: only then has it registered.
func untilHeard(t *testing.T, c *ubus.Client, lines <-chan string) {
	t.Helper()
	for {
		must(t, c.SendEvent(soon(), "ready", nil))
		select {
		case l, ok := <-lines:
			if !ok {
				t.Fatal("the command has ended")
			}
			if strings.Contains(l, "ready") {
				return
			}
		default:
		}
	}
}

// next is the next line with a word in it.
func next(t *testing.T, lines <-chan string, word string) string {
	t.Helper()
	for l := range lines {
		if strings.Contains(l, word) {
			return l
		}
	}
	t.Fatalf("the command has ended without %q", word)
	return ""
}

func TestCommandSubscribe(t *testing.T) {
	onBusesByCommand(t, func(t *testing.T, path string) {
		c := dial(t, path)
		id, err := c.AddObject(soon(), "o", methods)
		must(t, err)
		lines := follow(t, path, "subscribe", "o")
		if in := receive(t, c); in.Kind != ubus.KindSubscribers || !in.Active {
			t.Fatalf("%+v", in)
		}
		must(t, c.Announce(soon(), id, "quiet", words("a")))
		if l := next(t, lines, "quiet"); l != `{ "quiet": {"s":"a"} }` {
			t.Error(l)
		}
		answers, err := c.Notify(soon(), id, "loud", words("b"))
		if err != nil || len(answers) != 1 || answers[0].Status != ubus.StatusOK {
			t.Errorf("%+v, %v", answers, err)
		}
		if l := next(t, lines, "loud"); l != `{ "loud": {"s":"b"} }` {
			t.Error(l)
		}
	})
}

func TestCommandMonitor(t *testing.T) {
	onBusesByCommand(t, func(t *testing.T, path string) {
		c := dial(t, path)
		lines := follow(t, path, "monitor")
		seen := false
		for !seen {
			_, err := c.Lookup(soon(), "nobody.*")
			check(t, err, ubus.StatusNotFound)
			select {
			case l := <-lines:
				seen = strings.Contains(l, "lookup") && strings.Contains(l, `"objpath":"nobody.*"`)
			default:
			}
		}
		must(t, c.SendEvent(soon(), "x", words("y")))
		want := fmt.Sprintf("<- %08x #00000001", c.ID())
		if l := next(t, lines, `"send"`); !strings.HasPrefix(l, want) || !strings.Contains(l, `{"id":"x","data":{"s":"y"}}`) {
			t.Errorf("%s, want %s", l, want)
		}
	})
}

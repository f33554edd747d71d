// SPDX-License-Identifier: LGPL-2.1-only

// Package rpcd is what the web interface asks: an exec plugin of rpcd(8), which calls it with `list` for the methods and with `call METHOD` and
// a JSON object on stdin for an answer, a JSON object too. What is refused is {"error": TEXT}, to be shown as it is.
//
// Whoever only looks wakes nobody up: the answers come from /etc/config, /run/gojail, /proc and the control groups, and how procd sees its
// containers from one call to it. Starting, stopping and restarting is the init script's business; here it is begun, and its end is told of when asked.
// No answer holds a value of a container's environment, or anything of an env_file.
package rpcd

import (
	"strconv"
	"strings"
	"syscall"

	"gojail/src/config"
	"gojail/src/kernel"
	"gojail/src/spec"
	"gojail/src/state"
)

// MaxInput is the most that is read of a call, in bytes.
const MaxInput = 64 << 10

// A Server answers. The zero value is of no use; see Router.
type Server struct {
	ConfigDir string // "" is the router's own: see host.Load
	State     string // state.Root
	Jobs      string // directory of what was begun
	Init      string // the init script
	Logread   string
	Ubus      string // ubusd's socket
	Self      string // this program, which sees to what was begun
}

// Router is the server of a router.
func Router() *Server {
	return &Server{State: state.Root, Jobs: "/var/run/gojail-jobs", Init: "/etc/init.d/container", Logread: "/sbin/logread",
		Ubus: "/var/run/ubus/ubus.sock", Self: "/proc/self/exe"}
}

// A call has the arguments of one.
type call struct {
	name, signal string
	lines        int
}

// methods are all of them. The arguments are written as rpcd wants them: a value of the type.
var methods = [...]struct {
	name, args string
	answer     func(s *Server, c *call, w *object) error
}{
	{"list", `{}`, (*Server).list},
	{"status", `{"name":"str"}`, (*Server).status},
	{"stats", `{}`, (*Server).stats},
	{"logs", `{"name":"str","lines":32}`, (*Server).logs},
	{"processes", `{"name":"str"}`, (*Server).processes},
	{"host", `{}`, (*Server).host},
	{"start", `{"name":"str"}`, func(s *Server, c *call, w *object) error { return s.begin("start", c, w) }},
	{"stop", `{"name":"str"}`, func(s *Server, c *call, w *object) error { return s.begin("stop", c, w) }},
	{"restart", `{"name":"str"}`, func(s *Server, c *call, w *object) error { return s.begin("restart", c, w) }},
	{"kill", `{"name":"str","signal":"str"}`, (*Server).kill},
}

// Methods is the answer to list.
func Methods() string {
	w := object("{")
	for _, m := range methods {
		w.key(m.name)
		w = append(w, m.args...)
	}
	return string(append(w, '}', '\n'))
}

// An Error is what the page shows.
type Error struct{ Reason string }

func (e *Error) Error() string { return e.Reason }

// Call answers a call. ok is false if there is no such method.
func (s *Server) Call(method string, input []byte) (answer string, ok bool) {
	for _, m := range methods {
		if m.name != method {
			continue
		}
		w := object("{")
		c, err := parse(m.args, input)
		if err == nil {
			err = m.answer(s, c, &w)
		}
		if err != nil {
			w = object("{")
			w.text("error", err.Error())
		}
		return string(append(w, '}', '\n')), true
	}
	return "", false
}

// Input reads a call from a descriptor, to its end, or somewhat more than is accepted.
func Input(fd int) ([]byte, error) {
	b := make([]byte, 0, 1<<10)
	for len(b) <= MaxInput {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := syscall.Read(fd, b[len(b):cap(b)])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return b, nil
		default:
			b = b[:len(b)+n]
		}
	}
	return b, nil
}

// parse reads the arguments that a method takes. Others, as rpcd's own session, are passed over.
func parse(args string, input []byte) (*call, error) {
	c := &call{}
	if strings.TrimSpace(string(input)) == "" {
		input = []byte("{}")
	}
	err := spec.DecodeObject(input, MaxInput, func(key string, v *spec.Value) {
		if !strings.Contains(args, `"`+key+`":`) {
			return
		}
		switch key {
		case "name":
			c.name = v.Text()
		case "signal":
			c.signal = v.Text()
		case "lines":
			c.lines = int(v.Int(0, 1<<31-1))
		}
	})
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(args, `"name":`) && !state.ValidID(c.name):
		return nil, &Error{"name: " + strconv.Quote(c.name) + " is no name of a container"}
	}
	return c, nil
}

// uptime is the time since the machine was started, in milliseconds.
func uptime() int64 {
	text, _ := kernel.ReadProc("/proc/uptime")
	whole, part, _ := strings.Cut(text, ".")
	n, _ := strconv.ParseInt(whole, 10, 64)
	if len(part) < 2 {
		return n * 1000
	}
	hundredths, _ := strconv.ParseInt(part[:2], 10, 64)
	return n*1000 + hundredths*10
}

// ticks is how many of a process' start time are a second: USER_HZ is 100 on every architecture.
const ticks = 100

// problems are the lines of an error of package config, or of any other.
func problems(err error) (list []string) {
	if errs, ok := err.(config.Errors); ok {
		for _, e := range errs {
			list = append(list, e.Error())
		}
		return list
	}
	return []string{err.Error()}
}

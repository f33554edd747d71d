// SPDX-License-Identifier: LGPL-2.1-only

package rpcd

import (
	"strings"
	"syscall"
	"time"

	"gojail/src/kernel"
)

const (
	usualLines = 100
	maxLines   = 2000
	maxLog     = 1 << 20 // bytes; logd keeps 64 KiB unless told otherwise
	logLimit   = 10 * time.Second
)

// logs has the last lines of a container's log, the newest last.
func (s *Server) logs(c *call, w *object) error {
	n := c.lines
	if n == 0 {
		n = usualLines
	}
	// A basic regular expression; a name has no other character that means something in one.
	text, err := s.logread("^" + strings.ReplaceAll(c.name, ".", "[.]") + `\[`)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		lines = nil
	}
	w.list("lines", lines[max(0, len(lines)-min(n, maxLines)):])
	return nil
}

// lastError is the last thing that the container's supervisor has said before its end.
func (s *Server) lastError(name string) string {
	mark := "ujail: " + name + ": "
	text, err := s.logread("ujail: " + strings.ReplaceAll(name, ".", "[.]") + ": ")
	if err != nil {
		return ""
	}
	last := ""
	for line := range strings.Lines(text) {
		if _, reason, ok := strings.Cut(line, mark); ok {
			last = strings.TrimSpace(reason)
		}
	}
	return last
}

// logread runs logread with a pattern for the program's name and its message.
func (s *Server) logread(pattern string) (string, error) {
	read, write, err := kernel.Pipe()
	if err != nil {
		return "", err
	}
	defer kernel.Close(read)
	null, err := kernel.Open("/dev/null", syscall.O_RDWR)
	if err != nil {
		kernel.Close(write)
		return "", err
	}
	defer kernel.Close(null)
	pid, err := syscall.ForkExec(s.Logread, []string{"logread", "-e", pattern}, &syscall.ProcAttr{Dir: "/", Env: environment(),
		Files: []uintptr{uintptr(null), uintptr(write), uintptr(null)}})
	kernel.Close(write)
	if err != nil {
		return "", &Error{s.Logread + ": " + err.Error() + " (logs are read from logd)"}
	}
	defer func() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it has ended, or takes too long: nobody else has waited for it
		var w syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &w, 0, nil); err != syscall.EINTR {
				return
			}
		}
	}()
	deadline := time.Now().Add(logLimit)
	b := make([]byte, 0, 8<<10)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := syscall.Read(read, b[len(b):cap(b)])
		switch {
		case err == syscall.EAGAIN:
			ready, err := kernel.Poll([]kernel.PollFD{{Fd: int32(read), Events: kernel.Readable}}, deadline)
			if err == nil && ready == 0 {
				return "", &Error{s.Logread + " does not answer"}
			}
			continue
		case err == syscall.EINTR:
			continue
		case err != nil:
			return "", &Error{s.Logread + ": " + err.Error()}
		case n == 0:
			return string(b), nil
		}
		if b = b[:len(b)+n]; len(b) > maxLog { // what is oldest goes
			b = append(b[:0], b[len(b)-maxLog/2:]...)
		}
	}
}

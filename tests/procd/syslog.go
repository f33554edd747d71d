// SPDX-License-Identifier: LGPL-2.1-only

package procd

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
)

// A Syslog is a logd that keeps everything.
type Syslog struct {
	mu    sync.Mutex
	lines []string
}

// Listen listens on /dev/log until the test ends.
func Listen(t testing.TB) *Syslog {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
	if err == nil {
		err = os.Chmod("/dev/log", 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Syslog{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 64<<10)
		for {
			n, err := c.Read(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			s.mu.Lock()
			s.lines = append(s.lines, strings.TrimRight(string(b[:n]), "\x00\n"))
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
		os.Remove("/dev/log")
	})
	return s
}

// Lines are those that have come, after the first n.
func (s *Syslog) Lines(n int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines[n:]...)
}

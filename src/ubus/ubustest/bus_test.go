// SPDX-License-Identifier: LGPL-2.1-only

package ubustest_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

// The programs of OpenWrt, if somebody says where they are: what is true of the fake has to be true of them.
var (
	realUbusd = os.Getenv("UBUSD")
	realUbus  = os.Getenv("UBUS")
)

// soon ends a test that would hang.
func soon() ubus.Until { return ubus.Within(20 * time.Second) }

var now = ubus.Look()

// fake starts a Server.
func fake(t *testing.T) *ubustest.Server {
	t.Helper()
	s, err := ubustest.Start(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// onBuses runs a test against the fake, and against the real ubusd.
func onBuses(t *testing.T, test func(t *testing.T, path string)) {
	t.Run("fake", func(t *testing.T) { test(t, fake(t).Path()) })
	t.Run("real", func(t *testing.T) {
		if realUbusd == "" {
			t.Skip("SKIPPED: not run against the real ubusd: $UBUSD does not say where it is")
		}
		path := filepath.Join(t.TempDir(), "s")
		cmd := exec.Command(realUbusd, "-s", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		c, err := ubus.Redial(soon(), path, &ubus.Backoff{Min: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		test(t, path)
	})
}

func dial(t *testing.T, path string) *ubus.Client {
	t.Helper()
	c, err := ubus.Dial(soon(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func receive(t *testing.T, c *ubus.Client) *ubus.Incoming {
	t.Helper()
	in, err := c.Receive(soon())
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func table(build func(w *blob.Builder)) []byte {
	var w blob.Builder
	build(&w)
	b, err := w.Bytes()
	if err != nil {
		panic(err)
	}
	return b
}

func words(s string) []byte { return table(func(w *blob.Builder) { w.AddString("s", s) }) }

var methods = []ubus.Method{{Name: "echo", Args: []ubus.Arg{{Name: "s", Type: blob.String}, {Name: "n", Type: blob.Int32}, {Name: "b", Type: blob.Bool},
	{Name: "t", Type: blob.Table}, {Name: "a", Type: blob.Array}}}, {Name: "fail"}, {Name: "void"}}

// offer adds an object that answers with what it is told.
func offer(t *testing.T, path, name string) *ubustest.Offered {
	t.Helper()
	o, err := ubustest.Offer(path, name, methods, func(in *ubus.Incoming) ([]byte, ubus.Status) {
		switch in.Method {
		case "echo":
			return in.Data, ubus.StatusOK
		case "fail":
			return nil, ubus.StatusNotSupported
		case "void":
			return nil, ubus.StatusOK
		}
		return nil, ubus.StatusMethodNotFound
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const (
	stop = syscall.SIGSTOP
	cont = syscall.SIGCONT
)

// SPDX-License-Identifier: LGPL-2.1-only

package console

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gojail/src/blob"
	"gojail/src/kernel"
	"gojail/src/ubus"
	"gojail/src/ubus/ubustest"
)

const wait = 10 * time.Second

func TestInstance(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"0::/services/web/main\n", "main"}, {"0::/services/web/main/deeper\n", "main"}, {"0::/services/web/main", "main"},
		{"12:cpu:/services/web/x\n1:name=systemd:/\n0::/services/web/i1\n", "i1"}, {"12:cpu:/services/web/x\n", ""},
		{"0::/services/web\n", ""}, {"0::/services/web/\n", ""}, {"0::/services/webs/main\n", ""}, {"0::/services/other/main\n", ""},
		{"0::/\n", ""}, {"", ""}, {"0::/../services/web/x\n", ""},
	} {
		if got := instanceIn(c.text, "web"); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := instanceIn("0::/services//x\n", ""); got != "" {
		t.Errorf("of no container: %q", got)
	}
}

func FuzzInstance(f *testing.F) {
	f.Add("0::/services/web/main\n", "web")
	f.Fuzz(func(t *testing.T, text, container string) {
		if got := instanceIn(text, container); strings.ContainsAny(got, "/\n") || !strings.Contains(text, got) {
			t.Errorf("%q", got)
		}
	})
}

func TestOffer(t *testing.T) {
	var asked []int
	takes := func(n int, err error) Receiver {
		return func(int) error { asked = append(asked, n); return err }
	}
	first, last := errors.New("first"), errors.New("last")
	if err := Offer(0, takes(1, first), takes(2, nil), takes(3, nil)); err != nil || len(asked) != 2 {
		t.Errorf("%v after %v", err, asked)
	}
	if err := Offer(0, takes(1, first), takes(2, last)); err != last {
		t.Error(err)
	}
}

// procd gets the descriptor and who it is of; without an object container, or where it refuses, that is the error.
func TestProcd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	s, err := ubustest.Start(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dial := func() *ubus.Client {
		c, err := ubus.Dial(ubus.Within(wait), path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ours, theirs := dial(), dial()
	defer ours.Close()
	defer theirs.Close()
	file := filepath.Join(t.TempDir(), "master")
	if err := os.WriteFile(file, []byte("it"), 0o600); err != nil {
		t.Fatal(err)
	}
	master, err := kernel.Open(file, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close(master)
	var status ubus.Status
	if err := Procd(ubus.Within(wait), ours, "web", "")(master); !errors.As(err, &status) || status != ubus.StatusNotFound {
		t.Errorf("without procd: %v", err)
	}
	if _, err := theirs.AddObject(ubus.Within(wait), "container", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		instance, want string
		answer         ubus.Status
	}{{"", "name=web", ubus.StatusOK}, {"main", "name=web instance=main", ubus.StatusOK}, {"", "name=web", ubus.StatusInvalidArgument}} {
		got := make(chan string)
		go func() {
			in, err := theirs.Receive(ubus.Within(wait))
			if err != nil {
				got <- err.Error()
				return
			}
			var said []string
			for f := blob.NewFields(in.Data); f.Next(); {
				said = append(said, f.Name()+"="+f.Text())
			}
			b, err := kernel.ReadMemfd(in.FD, 10)
			if err != nil || string(b) != "it" || in.Method != "console_set" {
				said = append(said, in.Method, "descriptor", string(b))
			}
			kernel.Close(in.FD)
			_ = theirs.Finish(ubus.Within(wait), in.Ticket, c.answer, -1)
			got <- strings.Join(said, " ")
		}()
		err := Procd(ubus.Within(wait), ours, "web", c.instance)(master)
		if said := <-got; said != c.want {
			t.Errorf("asked for %q, want %q", said, c.want)
		}
		if c.answer == ubus.StatusOK && err != nil || c.answer != ubus.StatusOK && (!errors.As(err, &status) || status != c.answer) {
			t.Errorf("answered %v: %v", c.answer, err)
		}
	}
}

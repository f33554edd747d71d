// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"slices"
	"testing"

	"gojail/src/blob"
)

// methodNames are those of an object.
func methodNames(t *testing.T, signature []byte) (names []string) {
	t.Helper()
	methods, err := Methods(signature)
	check(t, err, nil)
	for _, m := range methods {
		names = append(names, m.Name)
	}
	return names
}

// What the ubus command has asked procd for.
func TestReplayContainerAdd(t *testing.T) {
	replay(t, session(t, "container-add"), func(c *Client) {
		found, err := c.Lookup(soon(), "container")
		check(t, err, nil)
		want := []string{"set", "add", "list", "delete", "state", "get_features", "console_set", "console_attach"}
		if len(found) != 1 || !slices.Equal(methodNames(t, found[0].Signature), want) {
			t.Fatalf("%+v", found)
		}
		_, err = c.Invoke(soon(), found[0].ID, "add", table(func(w *blob.Builder) {
			w.AddString("name", "c1")
			w.OpenTable("instances")
			w.OpenTable("c1")
			w.AddString("bundle", "/mnt/b")
			w.OpenTable("jail")
			w.AddString("name", "c1")
			w.Close()
			w.Close()
			w.Close()
		}), -1)
		check(t, err, nil)
	})
}

func TestReplayContainerList(t *testing.T) {
	replay(t, session(t, "container-list"), func(c *Client) {
		id, err := c.LookupID(soon(), "container")
		check(t, err, nil)
		r, err := c.Invoke(soon(), id, "list", nil, -1)
		check(t, err, nil)
		want := `{"c1":{"instances":{"c1":{"running":true,"pid":33,"bundle":"/mnt/b","term_timeout":5,"jail":{"name":"c1","immediately":false,"console":false}}}}}`
		if len(r.Data) != 1 || blob.Text(r.Data[0]) != want {
			t.Errorf("%s", blob.Text(r.Data[0]))
		}
	})
}

// A call with a descriptor, and without an answer that has data.
func TestReplayConsoleSet(t *testing.T) {
	replay(t, session(t, "console-set"), func(c *Client) {
		id, err := c.LookupID(soon(), "container")
		check(t, err, nil)
		r, err := c.Invoke(soon(), id, "console_set", table(func(w *blob.Builder) { w.AddString("name", "c1") }), 0)
		check(t, err, nil)
		if len(r.Data) != 0 || r.FD != -1 {
			t.Errorf("%+v", r)
		}
	})
}

// The C ujail's object, call by call.
func TestReplayUjail(t *testing.T) {
	state := func(status string) []byte {
		return table(func(w *blob.Builder) {
			w.AddString("ociVersion", "1.0.2")
			w.AddString("id", "c1")
			w.AddString("status", status)
			w.AddUint32("pid", 37)
			w.AddString("bundle", "/mnt/b")
			w.OpenTable("annotations")
			w.AddString("org.example.a", "one")
			w.Close()
		})
	}
	replay(t, session(t, "ujail"), func(c *Client) {
		id, err := c.AddObject(soon(), "container.c1", []Method{{"start", nil}, {"state", nil}, {"kill", []Arg{{"signal", blob.Int32}}}})
		check(t, err, nil)
		for _, call := range []struct {
			method, args string
			data         []byte
			status       Status
		}{
			{"state", "{}", state("created"), StatusOK},
			{"start", "{}", nil, StatusOK},
			{"state", "{}", state("running"), StatusOK},
			{"start", "{}", nil, StatusInvalidArgument},
			{"kill", `{"signal":0}`, nil, StatusOK},
			{"kill", `{"signal":9}`, nil, StatusOK},
		} {
			in, err := c.Receive(soon())
			check(t, err, nil)
			if in.Object != id || in.Method != call.method || blob.Text(in.Data) != call.args || in.User != "root" {
				t.Errorf("%+v, want %s %s", in, call.method, call.args)
			}
			if call.data != nil {
				check(t, c.Reply(soon(), in.Ticket, call.data), nil)
			}
			check(t, c.Finish(soon(), in.Ticket, call.status, -1), nil)
		}
	})
}

// What ubusd's access lists forbid: an object is as good as not there, the rest is refused.
func TestReplayDenied(t *testing.T) {
	replay(t, session(t, "denied-call"), func(c *Client) {
		found, err := c.Lookup(soon(), "container")
		check(t, err, nil)
		if len(found) != 0 {
			t.Errorf("%+v", found)
		}
		_, err = c.Invoke(soon(), 0, "list", nil, -1)
		check(t, err, StatusNotFound)
	})
	replay(t, session(t, "denied-send"), func(c *Client) {
		check(t, c.SendEvent(soon(), "x.y", nil), StatusPermissionDenied)
	})
	replay(t, session(t, "denied-listen"), func(c *Client) {
		id, err := c.AddObject(soon(), "", nil)
		check(t, err, nil)
		check(t, c.Listen(soon(), id, "x"), StatusPermissionDenied)
	})
}

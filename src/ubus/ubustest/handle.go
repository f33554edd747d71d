// SPDX-License-Identifier: LGPL-2.1-only

package ubustest

import (
	"slices"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// silent is the status of what is not answered by the server itself.
const silent = ^ubus.Status(0)

// handle does what a message asks for. Its descriptor goes on with calls and statuses only.
func (s *Server) handle(c *client, m *ubus.Message) {
	a, err := ubus.ParseAttrs(m.Body)
	status := ubus.StatusInvalidArgument
	if err == nil {
		status = s.request(c, m, &a)
	}
	if status == silent {
		return
	}
	s.send(c, &ubus.Message{Type: ubus.MsgStatus, Seq: m.Seq, Peer: m.Peer, FD: -1, Body: body(func(w *blob.Builder) {
		w.PutUint32(ubus.AttrStatus, uint32(status))
	})})
}

func (s *Server) request(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	switch m.Type {
	case ubus.MsgPing:
		s.data(c, m, m.Body)
		return ubus.StatusOK
	case ubus.MsgLookup:
		return s.lookup(c, m, a)
	case ubus.MsgAddObject:
		o := s.addObject(c, a)
		if o == nil {
			return ubus.StatusInvalidArgument
		}
		s.data(c, m, body(func(w *blob.Builder) {
			w.PutUint32(ubus.AttrObjID, o.id)
			if a.Has(ubus.AttrSignature) && o.kind != nil {
				w.PutUint32(ubus.AttrObjType, o.kind.id)
			}
		}))
		return ubus.StatusOK
	case ubus.MsgRemoveObject:
		return s.removeObject(c, m, a)
	case ubus.MsgInvoke:
		return s.invoke(c, m, a)
	case ubus.MsgStatus, ubus.MsgData:
		s.response(c, m, a)
		return silent
	case ubus.MsgSubscribe, ubus.MsgUnsubscribe:
		return s.watch(c, m, a)
	case ubus.MsgNotify:
		return s.notify(c, m, a)
	}
	return ubus.StatusInvalidCommand
}

// data answers a request.
func (s *Server) data(c *client, m *ubus.Message, b []byte) {
	s.send(c, &ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: m.Peer, Body: b, FD: -1})
}

func (s *Server) denied(path, method string) bool {
	return s.deny != nil && path != "" && s.deny(path, method)
}

func (s *Server) lookup(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	if a.Has(ubus.AttrObjPath) && a.Path == "" {
		return ubus.StatusInvalidArgument
	}
	found := !a.Has(ubus.AttrObjPath)
	paths := make([]string, 0, len(s.paths))
	for path := range s.paths {
		if !a.Has(ubus.AttrObjPath) || matches(a.Path, path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		found = true
		o := s.paths[path]
		if o.kind == nil || s.denied(path, "") {
			continue
		}
		s.data(c, m, body(func(w *blob.Builder) {
			w.PutString(ubus.AttrObjPath, path)
			w.PutUint32(ubus.AttrObjID, o.id)
			w.PutUint32(ubus.AttrObjType, o.kind.id)
			w.PutBytes(ubus.AttrSignature, o.kind.signature)
		}))
	}
	if !found {
		return ubus.StatusNotFound
	}
	return ubus.StatusOK
}

func (s *Server) removeObject(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	o := s.objects[a.Object]
	switch {
	case !a.Has(ubus.AttrObjID):
		return ubus.StatusInvalidArgument
	case o == nil:
		return ubus.StatusNotFound
	case o.client != c:
		return ubus.StatusPermissionDenied
	}
	s.data(c, m, body(func(w *blob.Builder) {
		w.PutUint32(ubus.AttrObjID, o.id)
		if o.kind != nil && o.kind.users == 1 {
			w.PutUint32(ubus.AttrObjType, o.kind.id)
		}
	}))
	s.free(o)
	return ubus.StatusOK
}

func (s *Server) invoke(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	if !a.Has(ubus.AttrMethod) || !a.Has(ubus.AttrObjID) {
		return ubus.StatusInvalidArgument
	}
	switch a.Object {
	case ubus.ObjectEvent:
		return s.events(c, a)
	case ubus.ObjectMonitor:
		switch a.Method {
		case "add":
			c.monitor, c.monSeq = true, 0
		case "remove":
			c.monitor = false
		default:
			return ubus.StatusMethodNotFound
		}
		return ubus.StatusOK
	}
	o := s.objects[a.Object]
	switch {
	case o == nil:
		return ubus.StatusNotFound
	case s.denied(o.path, a.Method):
		return ubus.StatusPermissionDenied
	}
	s.forward(c, o, m, a, false)
	return silent
}

// forward calls an object for a client: the descriptor goes with it.
func (s *Server) forward(c *client, o *object, m *ubus.Message, a *ubus.Attrs, noReply bool) {
	fd := m.FD
	m.FD = -1
	s.send(o.client, &ubus.Message{Type: ubus.MsgInvoke, Seq: m.Seq, Peer: c.id, FD: fd, Body: body(func(w *blob.Builder) {
		if noReply {
			w.PutBool(ubus.AttrNoReply, true)
		}
		w.PutUint32(ubus.AttrObjID, o.id)
		w.PutString(ubus.AttrMethod, a.Method)
		w.PutString(ubus.AttrUser, User)
		w.PutString(ubus.AttrGroup, Group)
		if a.Has(ubus.AttrData) {
			w.PutBytes(ubus.AttrData, a.Data)
		}
	})})
}

// response brings an answer to the client that has called.
func (s *Server) response(c *client, m *ubus.Message, a *ubus.Attrs) {
	o := s.objects[a.Object]
	if o == nil || o.client != c || !a.Has(ubus.AttrStatus) && !a.Has(ubus.AttrData) {
		return
	}
	i := slices.IndexFunc(s.clients, func(c *client) bool { return c.id == m.Peer })
	if i < 0 {
		return
	}
	m.Peer = o.id
	s.send(s.clients[i], m)
}

func (s *Server) watch(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	o, target := s.objects[a.Object], s.objects[a.Target]
	switch {
	case !a.Has(ubus.AttrObjID) || !a.Has(ubus.AttrTarget):
		return ubus.StatusInvalidArgument
	case o == nil:
		return ubus.StatusNotFound
	case o.client != c:
		return ubus.StatusInvalidArgument
	case target == nil:
		return ubus.StatusNotFound
	}
	if m.Type == ubus.MsgUnsubscribe {
		if !slices.Contains(o.targets, target) {
			return ubus.StatusNotFound
		}
		s.unsubscribe(o, target)
		return ubus.StatusOK
	}
	if target.client == c {
		return ubus.StatusInvalidArgument
	}
	s.subscribe(o, target)
	return ubus.StatusOK
}

func (s *Server) notify(c *client, m *ubus.Message, a *ubus.Attrs) ubus.Status {
	o := s.objects[a.Object]
	switch {
	case !a.Has(ubus.AttrMethod) || !a.Has(ubus.AttrObjID):
		return ubus.StatusInvalidArgument
	case o == nil:
		return ubus.StatusNotFound
	case o.client != c:
		return ubus.StatusPermissionDenied
	}
	if !a.NoReply {
		s.send(c, &ubus.Message{Type: ubus.MsgStatus, Seq: m.Seq, Peer: m.Peer, FD: -1, Body: body(func(w *blob.Builder) {
			w.PutUint32(ubus.AttrObjID, o.id)
			w.OpenNested(ubus.AttrSubscribers)
			for _, subscriber := range o.subscribers {
				w.PutUint32(0, subscriber.id)
			}
			w.Close()
			w.PutUint32(ubus.AttrStatus, 0)
		})})
	}
	plain := *m
	plain.FD = -1
	for _, subscriber := range o.subscribers {
		s.forward(c, subscriber, &plain, a, a.NoReply)
	}
	return silent
}

// SPDX-License-Identifier: LGPL-2.1-only

package ubustest

import (
	"slices"
	"strings"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// object is what a client has added.
type object struct {
	id          uint32
	path        string
	client      *client
	kind        *objectType // nil for one without methods
	subscribers []*object   // who want its notifications, the last one first, as ubusd has them
	targets     []*object   // whose notifications it wants
	patterns    []string    // of events it listens for
	seq         uint16      // of what the server tells it
}

// objectType is a set of methods, which objects share.
type objectType struct {
	id        uint32
	signature []byte
	users     int
}

// addObject gives nil for what ubusd refuses.
func (s *Server) addObject(c *client, a *ubus.Attrs) *object {
	var kind *objectType
	switch {
	case a.Has(ubus.AttrObjType):
		kind = s.types[a.ObjectType]
	case a.Has(ubus.AttrSignature) && isSignature(a.Signature):
		kind = &objectType{id: s.newID(), signature: slices.Clone(a.Signature)}
	}
	if a.Has(ubus.AttrObjPath) && s.paths[a.Path] != nil {
		return nil
	}
	o := &object{id: s.newID(), path: a.Path, client: c, kind: kind}
	s.objects[o.id] = o
	if kind != nil {
		kind.users++
		s.types[kind.id] = kind
	}
	if a.Has(ubus.AttrObjPath) {
		s.paths[o.path] = o
		s.objectEvent("ubus.object.add", o)
	}
	return o
}

// isSignature: each method has a name.
func isSignature(b []byte) bool {
	d := blob.NewFields(b)
	for d.Next() {
		if d.Name() == "" {
			return false
		}
	}
	return d.Err() == nil
}

// free removes an object and tells who has to know.
func (s *Server) free(o *object) {
	for _, target := range slices.Clone(o.targets) {
		s.unsubscribe(o, target)
	}
	for _, subscriber := range slices.Clone(o.subscribers) {
		subscriber.seq++
		w := body(func(w *blob.Builder) {
			w.PutUint32(ubus.AttrObjID, subscriber.id)
			w.PutUint32(ubus.AttrTarget, o.id)
		})
		s.send(subscriber.client, &ubus.Message{Type: ubus.MsgUnsubscribe, Seq: subscriber.seq, Body: w, FD: -1})
		s.unsubscribe(subscriber, o)
	}
	o.patterns = nil
	if s.paths[o.path] == o {
		s.objectEvent("ubus.object.remove", o)
		delete(s.paths, o.path)
	}
	delete(s.objects, o.id)
	if o.kind != nil {
		if o.kind.users--; o.kind.users == 0 {
			delete(s.types, o.kind.id)
		}
	}
}

func (s *Server) subscribe(subscriber, target *object) {
	target.subscribers = slices.Insert(target.subscribers, 0, subscriber)
	subscriber.targets = slices.Insert(subscriber.targets, 0, target)
	if len(target.subscribers) == 1 {
		s.subscription(target)
	}
}

func (s *Server) unsubscribe(subscriber, target *object) {
	remove := func(list []*object, o *object) []*object {
		i := slices.Index(list, o)
		return slices.Delete(list, i, i+1)
	}
	target.subscribers = remove(target.subscribers, subscriber)
	subscriber.targets = remove(subscriber.targets, target)
	if len(target.subscribers) == 0 {
		s.subscription(target)
	}
}

// subscription tells an object whether it has subscribers.
func (s *Server) subscription(o *object) {
	o.seq++
	s.send(o.client, &ubus.Message{Type: ubus.MsgNotify, Seq: o.seq, FD: -1, Body: body(func(w *blob.Builder) {
		w.PutUint32(ubus.AttrObjID, o.id)
		w.PutBool(ubus.AttrActive, len(o.subscribers) > 0)
	})})
}

func (s *Server) objectEvent(name string, o *object) {
	s.sendEvent(nil, name, body(func(w *blob.Builder) {
		w.AddUint32("id", o.id)
		w.AddString("path", o.path)
	}))
}

// sendEvent gives an event to each object that listens, but not to those of the client that it is from.
func (s *Server) sendEvent(from *client, name string, data []byte) {
	for _, id := range sortedIDs(s.objects) {
		o := s.objects[id]
		if o.client == from || !slices.ContainsFunc(o.patterns, func(p string) bool { return matches(p, name) }) {
			continue
		}
		s.eventSeq++
		s.send(o.client, &ubus.Message{Type: ubus.MsgInvoke, Seq: s.eventSeq, FD: -1, Body: body(func(w *blob.Builder) {
			w.PutUint32(ubus.AttrObjID, o.id)
			w.PutString(ubus.AttrMethod, name)
			w.PutBytes(ubus.AttrData, data)
		})})
	}
}

// matches: a pattern is a name, or with * at its end the beginning of one.
func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

// body builds what cannot fail to be built: it is made of what was received.
func body(build func(w *blob.Builder)) []byte {
	var w blob.Builder
	build(&w)
	b, err := w.Bytes()
	if err != nil {
		return nil
	}
	return b
}

// SPDX-License-Identifier: LGPL-2.1-only

package ubustest

import (
	"strings"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// events is the object that events go through.
func (s *Server) events(c *client, a *ubus.Attrs) ubus.Status {
	var id uint32
	var name, pattern string
	var data []byte
	hasData := false
	for d := blob.NewFields(a.Data); d.Next(); {
		switch {
		case d.Name() == "object" && d.Type() == blob.Int32:
			id = d.Uint32()
		case d.Name() == "pattern" && d.Type() == blob.String:
			pattern = d.Text()
		case d.Name() == "id" && d.Type() == blob.String:
			name = d.Text()
		case d.Name() == "data" && d.Type() == blob.Table:
			data, hasData = d.Bytes(), true
		}
	}
	switch a.Method {
	case "register":
		o := s.objects[id]
		switch {
		case pattern == "" || id == 0:
			return ubus.StatusInvalidArgument
		case o == nil:
			return ubus.StatusNotFound
		case o.client != c:
			return ubus.StatusPermissionDenied
		}
		o.patterns = append(o.patterns, pattern)
		return ubus.StatusOK
	case "send":
		switch {
		case name == "" || !hasData:
			return ubus.StatusInvalidArgument
		case strings.HasPrefix(name, "ubus."):
			return ubus.StatusPermissionDenied
		}
		s.sendEvent(c, name, data)
		return ubus.StatusOK
	}
	return ubus.StatusInvalidCommand
}

// watched tells those who monitor of a message.
func (s *Server) watched(c *client, m *ubus.Message, sent bool) {
	for _, to := range s.clients {
		if !to.monitor || to.gone {
			continue
		}
		to.monSeq++
		s.send(to, &ubus.Message{Type: ubus.MsgMonitor, Seq: to.monSeq, FD: -1, Body: body(func(w *blob.Builder) {
			w.PutUint32(ubus.MonitorClient, c.id)
			w.PutUint32(ubus.MonitorPeer, m.Peer)
			w.PutUint32(ubus.MonitorSeq, uint32(m.Seq))
			w.PutUint32(ubus.MonitorType, uint32(m.Type))
			w.PutBool(ubus.MonitorSend, sent)
			w.PutBytes(ubus.MonitorData, m.Body)
		})})
	}
}

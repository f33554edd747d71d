// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"slices"

	"gojail/src/blob"
)

// An Answer is what a subscriber has said to a notification.
type Answer struct {
	Subscriber uint32
	Status     Status
	Data       [][]byte // tables
}

// Notify sends a notification to all who have subscribed to object, one of this Client's, and waits for what they say, in the order
// in which they have done it. data is the content of a table, which may be nil. If the time is over before, the answers up to then come with
// the error: a subscriber that is gone never answers.
func (c *Client) Notify(until Until, object uint32, kind string, data []byte) (answers []Answer, err error) {
	c.putCall(object, kind, data)
	body, err := c.w.Bytes()
	if err != nil {
		return nil, opError("notify of", kind, err)
	}
	var pending, open []uint32
	var said []Answer // those that have given data and no status yet
	listed := false
	err = c.exchange(until, &Request{MsgNotify, object, body, -1}, func(m *Message, a *Attrs, parsed error) (bool, error) {
		switch {
		case m.Peer == object && m.Type == MsgStatus && !listed:
			if a.Status != StatusOK {
				return true, a.Status
			}
			listed = true
			pending, parsed = subscribers(a.Subscribers)
			if parsed != nil {
				return true, parsed
			}
		case !slices.Contains(pending, m.Peer):
		case m.Type == MsgData:
			i := slices.Index(open, m.Peer)
			if i < 0 {
				i = len(open)
				open, said = append(open, m.Peer), append(said, Answer{Subscriber: m.Peer})
			}
			if parsed == nil && a.Has(AttrData) {
				said[i].Data = append(said[i].Data, a.Data)
			}
		default:
			answer := Answer{Subscriber: m.Peer}
			if i := slices.Index(open, m.Peer); i >= 0 {
				answer = said[i]
			}
			if answer.Status = a.Status; !a.Has(AttrStatus) {
				answer.Status = StatusParseError
			}
			answers = append(answers, answer)
			pending = slices.DeleteFunc(pending, func(id uint32) bool { return id == m.Peer })
		}
		return listed && len(pending) == 0, nil
	})
	return answers, opError("notify of", kind, err)
}

// subscribers reads the list in ubusd's answer.
func subscribers(b []byte) (ids []uint32, err error) {
	d := blob.NewDecoder(b)
	for d.Next() && len(ids) < maxSubscribers {
		ids = append(ids, d.Uint32())
	}
	return ids, d.Err()
}

// Announce sends a notification and waits for nobody: ubusd has it, no more is known.
func (c *Client) Announce(until Until, object uint32, kind string, data []byte) error {
	c.putCall(object, kind, data).PutBool(AttrNoReply, true)
	body, err := c.w.Bytes()
	if err == nil {
		_, err = c.send(until, &Request{MsgNotify, object, body, -1})
	}
	return opError("notify of", kind, err)
}

// SPDX-License-Identifier: LGPL-2.1-only

package supervise

import (
	"encoding/binary"
	"errors"

	"gojail/src/blob"
	"gojail/src/ubus"
)

// A record is what workers leave for those who come after them, in a sealed memfd that the resident holds: what the container is, as it
// was when it was made, and where the conversation with ubusd has stopped. Its length, in four bytes, stands before the attributes, the
// configuration behind them.
type record struct {
	name, bundle, version string
	annotations           []annotation
	config                []byte // of the bundle, as it was read then, without the blanks
	object                uint32 // what ubusd calls container.NAME
	bus                   ubus.State
	retry                 uint32   // milliseconds until the next attempt to reach ubusd
	warned                bool     // the user has been told that there is none
	made                  bool     // its poststop hooks are run when it has ended
	rootfs                string   // absolute; "": none of its own
	since                 uint64   // when it was made, in nanoseconds since 1970
	published             bool     // that it runs stands in state.Root, or cannot
	clients               []uint32 // DHCP clients, by the number of the interface; 0: none
	clientsDue            bool     // one that has ended is to be started again
}

type annotation struct{ key, value string }

const (
	recordVersion = 3
	maxRecord     = 8 << 20 // bytes
)

// The attributes of a record.
const (
	recVersion = iota + 1
	recName
	recBundle
	recOCIVersion
	recKey
	recValue
	recObject
	recClient
	recSeq
	recPending
	recRetry
	recWarned
	recMade
	recRootfs
	recSince // bytes
	recPublished
	recDHCPClient
	recClientsDue
)

func (r *record) encode() ([]byte, error) {
	var w blob.Builder
	w.PutUint32(recVersion, recordVersion)
	w.PutString(recName, r.name)
	w.PutString(recBundle, r.bundle)
	w.PutString(recOCIVersion, r.version)
	for _, a := range r.annotations {
		w.PutString(recKey, a.key)
		w.PutString(recValue, a.value)
	}
	w.PutUint32(recObject, r.object)
	w.PutUint32(recClient, r.bus.ID)
	w.PutUint32(recSeq, uint32(r.bus.Seq))
	w.PutBytes(recPending, r.bus.Pending)
	w.PutUint32(recRetry, r.retry)
	w.PutBool(recWarned, r.warned)
	w.PutBool(recMade, r.made)
	w.PutString(recRootfs, r.rootfs)
	w.PutBytes(recSince, binary.BigEndian.AppendUint64(nil, r.since))
	w.PutBool(recPublished, r.published)
	for _, pid := range r.clients {
		w.PutUint32(recDHCPClient, pid)
	}
	w.PutBool(recClientsDue, r.clientsDue)
	b, err := w.Bytes()
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)+len(r.config)), uint32(len(b)))
	return append(append(out, b...), r.config...), nil
}

// decodeRecord reads what encode has written. Another version's record is refused: the worker is always a copy of the process that
// holds it, so that this is a fault.
func decodeRecord(b []byte) (*record, error) {
	r := &record{}
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, errors.New("the container's record is not whole")
	}
	attributes, config := b[4:4+binary.BigEndian.Uint32(b)], b[4+binary.BigEndian.Uint32(b):]
	r.config = append(r.config, config...)
	d := blob.NewDecoder(attributes)
	version := uint32(0)
	for d.Next() {
		switch d.ID() {
		case recVersion:
			version = d.Uint32()
		case recName:
			r.name = d.Text()
		case recBundle:
			r.bundle = d.Text()
		case recOCIVersion:
			r.version = d.Text()
		case recKey:
			r.annotations = append(r.annotations, annotation{key: d.Text()})
		case recValue:
			if n := len(r.annotations); n > 0 {
				r.annotations[n-1].value = d.Text()
			}
		case recObject:
			r.object = d.Uint32()
		case recClient:
			r.bus.ID = d.Uint32()
		case recSeq:
			r.bus.Seq = uint16(d.Uint32())
		case recPending:
			r.bus.Pending = append([]byte(nil), d.Bytes()...)
		case recRetry:
			r.retry = d.Uint32()
		case recWarned:
			r.warned = d.Bool()
		case recMade:
			r.made = d.Bool()
		case recRootfs:
			r.rootfs = d.Text()
		case recSince:
			if b := d.Bytes(); len(b) == 8 {
				r.since = binary.BigEndian.Uint64(b)
			}
		case recPublished:
			r.published = d.Bool()
		case recDHCPClient:
			r.clients = append(r.clients, d.Uint32())
		case recClientsDue:
			r.clientsDue = d.Bool()
		}
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	if version != recordVersion {
		return nil, errors.New("the container's record is of another version")
	}
	return r, nil
}

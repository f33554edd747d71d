// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func seeds(f *testing.F, add func(frame []byte)) {
	files, err := filepath.Glob("testdata/sessions/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d sessions, %v", len(files), err)
	}
	for _, file := range files {
		for _, l := range session(f, strings.TrimSuffix(filepath.Base(file), ".txt")) {
			add(l.frame)
		}
	}
}

// The framer gives back what it was given, up to what is no frame.
func FuzzFrames(f *testing.F) {
	var last []byte
	seeds(f, func(frame []byte) {
		f.Add(append(last, frame...), uint8(len(frame)))
		last = bytes.Clone(frame)
	})
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var fr framer
		var out []byte
		for rest := stream; len(rest) > 0; {
			room := fr.room()
			if len(room) == 0 || len(room) > chunk && len(room) > len(stream) {
				t.Fatalf("room for %d bytes", len(room))
			}
			n := copy(room, rest[:min(len(rest), int(step)+1)])
			rest = rest[n:]
			m, done, err := fr.took(n)
			if err != nil {
				return
			}
			if !done {
				continue
			}
			if len(m.Body) > MaxBody || m.FD != -1 {
				t.Fatal(len(m.Body), m.FD)
			}
			before := len(out)
			out = AppendFrame(out, &m)
			want := bytes.Clone(stream[before:len(out)])
			want[8] = 0 // the number of the attribute around the others means nothing
			if !bytes.Equal(out[before:], want) {
				t.Fatalf("%x is read as %x", want, out[before:])
			}
		}
		if !bytes.HasSuffix(stream, fr.partial()) {
			t.Fatalf("%x is not the rest of %x", fr.partial(), stream)
		}
	})
}

func FuzzAttrs(f *testing.F) {
	seeds(f, func(frame []byte) { f.Add(frame[headLen:]) })
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := ParseAttrs(body)
		if err == nil && len(body) > 0 && a.Has(0) {
			t.Fatal("an attribute without a number")
		}
		if len(a.Path) > len(body) || len(a.Data) > len(body) {
			t.Fatal("more than there was")
		}
		if methods, err := Methods(a.Signature); err == nil {
			for _, m := range methods {
				_ = m.Name
			}
		}
		_, _ = subscribers(a.Subscribers)
		_, _ = ParseMonitored(body)
	})
}

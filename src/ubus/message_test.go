// SPDX-License-Identifier: LGPL-2.1-only

package ubus

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What libubus sends to monitor has the leavings of another message as arguments, so only what comes in is replayed.
func TestReplayMonitor(t *testing.T) {
	var kinds []string
	for _, l := range session(t, "monitor") {
		if l.sent || MsgType(l.frame[1]) != MsgMonitor {
			continue
		}
		m, err := ParseMonitored(l.frame[headLen:])
		check(t, err, nil)
		if _, err := ParseAttrs(m.Message.Body); err != nil {
			t.Error(err)
		}
		kinds = append(kinds, fmt.Sprint(m.Message.Type, m.Sent, m.Message.Seq))
	}
	want := []string{"status true 1", "lookup false 2", "data true 2", "status true 2", "invoke false 3"}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q, want %q", kinds, want)
	}
}

// Every recorded frame is read and written as the same bytes, however it is cut.
func TestFramer(t *testing.T) {
	files, err := filepath.Glob("testdata/sessions/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d sessions, %v", len(files), err)
	}
	var stream []byte
	frames := 0
	for _, f := range files {
		for _, l := range session(t, strings.TrimSuffix(filepath.Base(f), ".txt")) {
			stream = append(stream, l.frame...)
			frames++
		}
	}
	for _, step := range []int{1, 7, 12, 1000} {
		var f framer
		var again []byte
		n := 0
		for rest := stream; len(rest) > 0; {
			took := copy(f.room(), rest[:min(step, len(rest))])
			if took == 0 {
				t.Fatal("no room")
			}
			m, done, err := f.took(took)
			if err != nil {
				t.Fatal(err)
			}
			if rest = rest[took:]; done {
				again = AppendFrame(again, &m)
				n++
			} else if partial := f.partial(); !bytes.HasSuffix(stream[:len(stream)-len(rest)], partial) || len(partial) == 0 {
				t.Fatalf("partial %x", partial)
			}
		}
		if !bytes.Equal(again, stream) || n != frames {
			t.Errorf("by %d bytes: %d frames of %d are not the same", step, n, frames)
		}
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package foreground

import (
	"bytes"
	"strings"

	"gojail/src/kernel"
)

// maxLine is where a line that does not end is taken for one.
const maxLine = 8 << 10

// lines reads what a container prints, and passes it on line by line.
func (r *run) lines(u *unit, kind byte, in int) {
	defer kernel.Close(in)
	defer func() { r.events <- event{u: u, kind: 'c'} }()
	buf := make([]byte, 0, maxLine)
	for {
		n, err := kernel.Recv(in, buf[len(buf):cap(buf)])
		ended := err != nil || n <= 0
		buf = buf[:len(buf)+max(n, 0)]
		for {
			i := bytes.IndexByte(buf, '\n')
			if i < 0 && (len(buf) == cap(buf) || ended && len(buf) > 0) {
				i = len(buf)
			}
			if i < 0 {
				break
			}
			r.events <- event{u: u, kind: kind, text: string(buf[:i])}
			buf = append(buf[:0], buf[min(i+1, len(buf)):]...)
		}
		if ended {
			return
		}
	}
}

func (r *run) print(u *unit, kind byte, text string) {
	line := u.Container.ID + strings.Repeat(" ", r.width-len(u.Container.ID)) + " | " + strings.TrimSuffix(text, "\r")
	if kind == 'o' {
		r.out.Out(line)
	} else {
		r.out.Err(line)
	}
}

// flush prints what has come already.
func (r *run) flush() {
	for {
		select {
		case e := <-r.events:
			if e.kind == 'o' || e.kind == 'O' {
				r.print(e.u, e.kind, e.text)
			}
		default:
			return
		}
	}
}

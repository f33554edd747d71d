// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"gojail/src/kernel"
)

// undoSize is room for the directories of a control group. What does not fit is left to a worker.
const undoSize = 640

// How much it matters that a directory goes.
const (
	undoTry  = 1 + iota // it stays if it is not empty
	undoMust            // else a worker is wanted
)

// Undo has the resident remove an empty directory when the container has ended, before any worker for that. Directories are removed
// in the opposite order. If one that must go cannot be removed, a worker in mode Stopped is started, and then it is tried again.
func Undo(path string, must bool) error {
	kind := byte(undoTry)
	if must {
		kind = undoMust
	}
	m := message{kind: msgUndo}
	b := append(append(append(make([]byte, 0, messageSize+len(path)+2), m.bytes()...), kind), path...)
	return kernel.Send(int(boot().ctl), append(b, 0))
}

// keepUndo keeps the path that has just been received.
//
//go:nosplit
//go:norace
func keepUndo() {
	end := r().undoLen + r().pathLen
	if r().pathLen < 2 || end >= undoSize || *undoByte(end - 1) != 0 { // a full buffer may have cut it off
		r().want = true
		return
	}
	r().undoLen = end
}

// undo removes what has been kept, the last first. What must go and does not is left, with all before it, to be tried again after a
// worker.
//
//go:nosplit
//go:norace
//go:nocheckptr
func undo() {
	for r().undoLen > 0 {
		i := r().undoLen - 1
		for i > 0 && *undoByte(i - 1) != 0 {
			i--
		}
		e := sys(unix.SYS_UNLINKAT, 0, uintptr(unsafe.Pointer(undoByte(i+1))), unix.AT_REMOVEDIR, 0, 0)
		if e < 0 && e != -int(unix.ENOENT) && *undoByte(i) == undoMust {
			r().want = true
			return
		}
		r().undoLen = i
	}
}

// undoByte is without the check of an index, which would call the runtime.
//
//go:nosplit
//go:norace
//go:nocheckptr
func undoByte(i uint32) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(&r().undo), i)) }

// StateRoot is state.Root: where a container has a directory of its name, with these files, while it is there.
const StateRoot = "/run/gojail"

const (
	stateDir   = StateRoot + "/"
	stateFiles = "/state\x00/.state.new\x00/lock\x00"
)

// Published has the resident remove the container's directory in StateRoot when all else is done, or not any more.
func Published(yes bool) error {
	m := message{kind: msgPublished}
	if yes {
		m.first = 1
	}
	return tell(m)
}

var unpublishFn = unpublish // see childFn

// unpublish removes that directory.
//
//go:nosplit
//go:norace
//go:nocheckptr
func unpublish() {
	if !r().published {
		return
	}
	n := place(place(0, stateDir), unsafe.String(&r().name[0], r().nameLen))
	end := n
	for i := 0; i < len(stateFiles); i++ {
		end = place(end, stateFiles[i:i+1])
		if stateFiles[i] == 0 {
			sys(unix.SYS_UNLINKAT, 0, uintptr(unsafe.Pointer(&r().info)), 0, 0, 0)
			end = n
		}
	}
	place(n, "\x00")
	sys(unix.SYS_UNLINKAT, 0, uintptr(unsafe.Pointer(&r().info)), unix.AT_REMOVEDIR, 0, 0)
}

// place puts text into info, which has room for every path, and gives the place after it.
//
//go:nosplit
//go:norace
//go:nocheckptr
func place(n uintptr, text string) uintptr {
	for i := 0; i < len(text); i++ {
		*(*byte)(unsafe.Add(unsafe.Pointer(&r().info), n)) = text[i]
		n++
	}
	return n
}

// SPDX-License-Identifier: LGPL-2.1-only

package trampoline

import "unsafe"

// filterHeader tells the code whether to load a filter. It ends in struct sock_fprog (seccomp(2)); the instructions stand at the end of
// the image.
type filterHeader struct {
	kind   uint32 // noFilter, withFilter or withListener
	flags  uint32 // SECCOMP_FILTER_FLAG_*
	length uint16 // in instructions
	insns  uintptr
}

const (
	noFilter = iota
	withFilter
	withListener
)

const (
	filterOffset = unsafe.Offsetof(headers{}.filter)
	filterAt     = loadAddress + filterOffset
)

// insnSize is the size of struct sock_filter.
const insnSize = 8

// WithFilter adds a seccomp filter to an image: a program of struct sock_filter, at most 4096 of them, and the flags of seccomp(2), of which
// SECCOMP_FILTER_FLAG_NEW_LISTENER has to go with listener.
func WithFilter(image, program []byte, flags uint32, listener bool) []byte {
	b := make([]byte, 0, len(image)+insnSize+len(program))
	b = append(b, image...)
	b = append(b, make([]byte, -len(b)&(insnSize-1))...)
	at := uintptr(len(b))
	b = append(b, program...)
	h := (*headers)(unsafe.Pointer(&b[0]))
	h.filter = filterHeader{withFilter, flags, uint16(len(program) / insnSize), loadAddress + at}
	if listener {
		h.filter.kind = withListener
	}
	h.load.fileSize, h.load.memorySize = uintptr(len(b)), uintptr(len(b))
	return b
}

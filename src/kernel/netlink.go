// SPDX-License-Identifier: LGPL-2.1-only

package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// The format of netlink(7): messages of a header and a body, and in the body a fixed part and attributes. All is in the byte
// order of the machine and begins at multiples of four.
const (
	nlHeader   = 16 // struct nlmsghdr
	nlAttr     = 4  // struct rtattr
	nlLink     = 16 // struct ifinfomsg
	nlAddress  = 8  // struct ifaddrmsg
	nlTypeMask = 0x3fff
)

var native = binary.NativeEndian

// nlMessage is one message from the kernel.
type nlMessage struct {
	kind, flags uint16
	seq         uint32
	body        []byte
}

// nextMessage takes the first message off b; ok is false at the end and where it is malformed.
func nextMessage(b []byte) (m nlMessage, rest []byte, ok bool) {
	if len(b) < nlHeader {
		return m, nil, false
	}
	size := native.Uint32(b)
	if size < nlHeader || uint64(size) > uint64(len(b)) {
		return m, nil, false
	}
	m = nlMessage{native.Uint16(b[4:]), native.Uint16(b[6:]), native.Uint32(b[8:]), b[nlHeader:size]}
	return m, b[min(aligned(int(size)), len(b)):], true
}

// nextAttr takes the first attribute off b; ok is false at the end and where it is malformed.
func nextAttr(b []byte) (kind uint16, value, rest []byte, ok bool) {
	if len(b) < nlAttr {
		return 0, nil, nil, false
	}
	size := int(native.Uint16(b))
	if size < nlAttr || size > len(b) {
		return 0, nil, nil, false
	}
	return native.Uint16(b[2:]) & nlTypeMask, b[nlAttr:size], b[min(aligned(size), len(b)):], true
}

func aligned(n int) int { return (n + 3) &^ 3 }

// newMessage begins a message to the kernel with a body of the given size, all zero. send fills in size and number.
func newMessage(kind, flags uint16, body int) []byte {
	b := make([]byte, nlHeader+body, 128)
	native.PutUint16(b[4:], kind)
	native.PutUint16(b[6:], flags|unix.NLM_F_REQUEST)
	return b
}

func addAttr(b []byte, kind uint16, value []byte) []byte {
	b = native.AppendUint16(b, uint16(nlAttr+len(value)))
	b = native.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, aligned(len(value))-len(value))...)
}

func addAttr32(b []byte, kind uint16, value uint32) []byte {
	return addAttr(b, kind, native.AppendUint32(make([]byte, 0, 4), value))
}

func addAttrString(b []byte, kind uint16, value string) []byte {
	return addAttr(b, kind, append([]byte(value), 0))
}

const maxRemark = 120

// parseAck reads the body of an NLMSG_ERROR: the errno, 0 for success, and the kernel's remark on it, if it has one.
func parseAck(m nlMessage) (errno Errno, remark string) {
	if len(m.body) < 4 {
		return unix.EBADMSG, ""
	}
	code := int32(native.Uint32(m.body))
	if code == 0 {
		return 0, ""
	}
	if code > 0 || code < -4095 {
		return unix.EBADMSG, ""
	}
	errno = Errno(-code)
	if m.flags&unix.NLM_F_ACK_TLVS == 0 || len(m.body) < 4+nlHeader {
		return errno, ""
	}
	skip := uint64(nlHeader) // of the request that is answered
	if m.flags&unix.NLM_F_CAPPED == 0 {
		skip = uint64(native.Uint32(m.body[4:]))
	}
	if skip = (skip + 3) &^ 3; 4+skip > uint64(len(m.body)) {
		return errno, ""
	}
	for b := m.body[4+skip:]; ; {
		kind, value, rest, ok := nextAttr(b)
		if !ok {
			return errno, ""
		}
		if kind == unix.NLMSGERR_ATTR_MSG {
			return errno, remarkOf(value)
		}
		b = rest
	}
}

// remarkOf makes a terminated text of the kernel's fit for an error message.
func remarkOf(b []byte) string {
	b = b[:min(len(b), maxRemark)]
	for i, c := range b {
		if c < ' ' || c > '~' {
			return string(b[:i])
		}
	}
	return string(b)
}

// rtnl is a socket of rtnetlink(7). It acts in the network namespace that it was opened in, whoever uses it.
type rtnl struct {
	fd  int
	seq uint32
	buf []byte
}

// The kernel sends at most 8 KiB at a time, more only for one link with very much to tell.
const rtnlBuffer = 16 << 10

// openRTNL opens a socket in the network namespace of the calling thread; it is closed with its fd.
func openRTNL() (*rtnl, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fail("open an rtnetlink socket", "", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{}); err != nil {
		unix.Close(fd)
		return nil, fail("bind an rtnetlink socket", "", err)
	}
	// What these ask for only makes answers shorter and errors clearer.
	for _, option := range [...]int{unix.NETLINK_GET_STRICT_CHK, unix.NETLINK_EXT_ACK, unix.NETLINK_CAP_ACK} {
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1)
	}
	return &rtnl{fd: fd, buf: make([]byte, rtnlBuffer)}, nil
}

// exchange sends a request, one with NLM_F_ACK or NLM_F_DUMP, and calls each (which may be nil) with every message of the answer.
// The error is the kernel's, an Errno, and remark what it says about it. EAGAIN: what was listed changed meanwhile.
func (r *rtnl) exchange(req []byte, each func(nlMessage)) (remark string, err error) {
	r.seq++
	native.PutUint32(req, uint32(len(req)))
	native.PutUint32(req[8:], r.seq)
	if err := retry(func() error { return unix.Sendto(r.fd, req, 0, &unix.SockaddrNetlink{}) }); err != nil {
		return "", err
	}
	changed := false
	for {
		b, err := r.receive()
		if err != nil {
			return "", err
		}
		for len(b) > 0 {
			m, rest, ok := nextMessage(b)
			if !ok {
				return "", unix.EBADMSG
			}
			if b = rest; m.seq != r.seq {
				continue
			}
			changed = changed || m.flags&unix.NLM_F_DUMP_INTR != 0
			switch m.kind {
			case unix.NLMSG_ERROR, unix.NLMSG_DONE:
				errno, remark := parseAck(m)
				if errno == 0 && changed {
					errno = unix.EAGAIN
				}
				if errno != 0 {
					return remark, errno
				}
				return "", nil
			default:
				if each != nil {
					each(m)
				}
			}
		}
	}
}

// receive gives what the kernel, and nobody else, has sent.
func (r *rtnl) receive() ([]byte, error) {
	for {
		n, from, err := unix.Recvfrom(r.fd, r.buf, unix.MSG_TRUNC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue
		}
		if n > len(r.buf) {
			return nil, unix.EMSGSIZE
		}
		return r.buf[:n], nil
	}
}

// SPDX-License-Identifier: LGPL-2.1-only

package resident

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// pty makes a raw terminal: its master, which does not block, and the payload's end.
func pty(t *testing.T) (master, slave int) {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	fd, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK)
	if e != 0 {
		t.Fatal(e)
	}
	slave = int(fd)
	modes, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	modes.Oflag, modes.Lflag, modes.Iflag = 0, 0, 0
	if err := unix.IoctlSetTermios(slave, unix.TCSETS, modes); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// relays has this process relay a terminal, and gives the payload's end.
func relays(t *testing.T, input, output int) (slave int) {
	t.Helper()
	master, slave := pty(t)
	before, beforeBoot, beforeRelay := *r(), *boot(), relay
	for i := range &boot().held {
		boot().held[i] = -1
	}
	for i := range &r().poll {
		r().poll[i].fd, r().poll[i].events = -1, unix.POLLIN
	}
	boot().held[Console], boot().held[Input], boot().held[Output] = int32(master), int32(input), int32(output)
	r().started, r().worker = true, 0
	relay.begun, relay.away, relay.raw, relay.known, relay.in, relay.out = false, false, false, false, flow{}, flow{}
	t.Cleanup(func() {
		for _, fd := range &boot().held {
			drop(fd)
		}
		unix.Close(slave)
		*r(), *boot(), relay = before, beforeBoot, beforeRelay
	})
	return slave
}

// waits tells whether the relay waits for something of a slot.
func waits(slot int) bool {
	for i := range &boot().held {
		r().poll[pollHeld+i].fd = -1
	}
	watchTerminal()
	return r().poll[pollHeld+slot].fd >= 0
}

// Output that nobody takes holds nothing up, and what is taken is all of it, in order.
func TestRelayOutput(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	if err := unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_SNDBUF, 4096); err != nil {
		t.Fatal(err)
	}
	slave := relays(t, -1, pair[1]) // which blocks, as sockets do
	var wrote, got []byte
	block := make([]byte, 1000)
	for full := 0; full < 3; { // the payload waits: the kernel's buffers are full
		for i := range block {
			block[i] = byte(len(wrote) + i)
		}
		n, err := unix.Write(slave, block)
		if err != nil {
			full++
		} else {
			wrote = append(wrote, block[:n]...)
		}
		if waits(Console) {
			wait()
		}
	}
	if !waits(Output) || waits(Console) {
		t.Error("it does not wait for room")
	}
	b := make([]byte, 10000)
	for len(got) < len(wrote) {
		n, err := unix.Read(pair[0], b)
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		got = append(got, b[:n]...)
		wait()
	}
	if !bytes.Equal(got, wrote) {
		t.Errorf("%d bytes arrived, %d were written, or they differ", len(got), len(wrote))
	}
}

// Where nobody reads any more, and where nobody ever did, it is thrown away.
func TestRelayNoOutput(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(pair[0])
	for _, output := range []int{pair[1], -1} {
		slave := relays(t, -1, output)
		for range 10 {
			if _, err := unix.Write(slave, []byte("words")); err != nil {
				t.Fatal(err)
			}
			wait()
		}
		if boot().held[Output] >= 0 || relay.out.at != relay.out.end || boot().held[Console] < 0 {
			t.Errorf("holds %v, %v is on its way", boot().held, relay.out)
		}
	}
}

// What is typed waits with who types it while the payload does not read.
func TestRelayInput(t *testing.T) {
	outer, input := pty(t)
	defer unix.Close(outer)
	slave := relays(t, input, -1)
	var typed, got []byte
	for stuck := 0; stuck < 3; {
		if n, err := unix.Write(outer, []byte("0123456789abcdef")); err == nil {
			typed = append(typed, "0123456789abcdef"[:n]...)
		} else {
			stuck++
		}
		if waits(Input) {
			wait()
		}
	}
	if !waits(Console) || r().poll[pollHeld+Console].events&unix.POLLOUT == 0 {
		t.Error("it does not wait for room")
	}
	b := make([]byte, 10000)
	for len(got) < len(typed) {
		n, err := unix.Read(slave, b)
		if err == nil {
			got = append(got, b[:n]...)
		} else if waits(Input) || waits(Console) {
			wait()
		}
	}
	if !bytes.Equal(got, typed) {
		t.Errorf("%d bytes arrived, %d were typed, or they differ", len(got), len(typed))
	}
}

// A terminal that hangs up takes the payload's along, and is not waited for any more.
func TestRelayHangUp(t *testing.T) {
	outer, input := pty(t)
	slave := relays(t, input, -1)
	if !waits(Input) {
		t.Fatal("it does not wait for input")
	}
	unix.Close(outer)
	wait()
	if boot().held[Console] >= 0 || boot().held[Input] >= 0 || waits(Input) || waits(Console) {
		t.Errorf("holds %v", boot().held)
	}
	if n, err := unix.Read(slave, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the payload reads %d bytes, %v", n, err)
	}
	finishTerminal()
}

// Input is raw while it is relayed, has the payload's size, and is afterwards as it was before.
func TestRelayModes(t *testing.T) {
	outer, input := pty(t)
	defer unix.Close(outer)
	before, err := unix.IoctlGetTermios(input, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	before.Lflag |= unix.ICANON | unix.ECHO | unix.ISIG
	before.Oflag |= unix.OPOST
	if err := unix.IoctlSetTermios(input, unix.TCSETS, before); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(input, unix.TIOCSWINSZ, &unix.Winsize{Row: 31, Col: 91}); err != nil {
		t.Fatal(err)
	}
	slave := relays(t, input, -1)
	waits(Input)
	raw, _ := unix.IoctlGetTermios(input, unix.TCGETS)
	if raw.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || raw.Oflag&unix.OPOST != 0 || raw.Cc[unix.VMIN] != 1 {
		t.Errorf("modes %+v", raw)
	}
	if size, err := unix.IoctlGetWinsize(slave, unix.TIOCGWINSZ); err != nil || size.Row != 31 || size.Col != 91 {
		t.Errorf("size %+v, %v", size, err)
	}
	again, err := unix.Dup(input)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(again)
	hangUp()
	if after, _ := unix.IoctlGetTermios(again, unix.TCGETS); *after != *before {
		t.Errorf("modes %+v, before %+v", after, before)
	}
}

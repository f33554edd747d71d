// SPDX-License-Identifier: LGPL-2.1-only

package host

import (
	"runtime"
	"strings"

	"gojail/src/config"
	"gojail/src/kernel"
)

// A machine is what the head of an ELF file says: the class (1: 32 bits), the byte order (1: little-endian), and the number of the processor.
type machine struct {
	class, order byte
	number       uint16
}

var machines = [...]struct {
	arch string
	machine
	name string
}{
	{"amd64", machine{2, 1, 62}, "x86-64"}, {"386", machine{1, 1, 3}, "x86"}, {"arm64", machine{2, 1, 183}, "ARM 64"}, {"arm", machine{1, 1, 40}, "ARM"},
	{"mips", machine{1, 2, 8}, "big-endian MIPS"}, {"mipsle", machine{1, 1, 8}, "little-endian MIPS"}, {"mips64", machine{2, 2, 8}, "big-endian MIPS 64"},
	{"mips64le", machine{2, 1, 8}, "little-endian MIPS 64"}, {"riscv64", machine{2, 1, 243}, "RISC-V 64"}, {"loong64", machine{2, 1, 258}, "LoongArch 64"},
}

// also are the programs of another architecture that a processor may run as well.
var also = map[string]string{"amd64": "386", "arm64": "arm", "mips64": "mips", "mips64le": "mipsle"}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// program looks at the container's program, or at the interpreter that a script names: it has to be one for this machine.
func program(c *config.Container, root string, refuse func(option, value, reason string)) {
	command := c.List("command")
	if len(command) == 0 || c.Has("mount") || len(c.Mounts) > 0 { // it may come with a mount
		return
	}
	name := command[0]
	path := defaultPath
	for _, v := range c.List("env") {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
		}
	}
	head, found := []byte(nil), false
	if strings.Contains(name, "/") {
		if name[0] != '/' {
			name = strings.TrimRight(c.Text("cwd"), "/") + "/" + name
		}
		head, found = look(root, name)
	} else {
		for dir := range strings.SplitSeq(path, ":") {
			if head, found = look(root, dir+"/"+name); found {
				break
			}
		}
	}
	if !found && c.Text("overlay") == "disk" { // it may be in the layer
		return
	}
	if !found {
		refuse("command", command[0], "there is no such program in "+root)
		return
	}
	if script, ok := strings.CutPrefix(string(head), "#!"); ok {
		line, _, _ := strings.Cut(script, "\n")
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] != '/' {
			return
		}
		name = f[0]
		if head, found = look(root, name); !found {
			refuse("command", command[0], "is a script for "+name+", which is not in "+root)
			return
		}
	}
	if what := foreign(head); what != "" && !emulated() {
		refuse("command", command[0], name+" is a program for "+what+", not for this machine ("+runtime.GOARCH+")")
	}
}

// look is the head of a program in the root.
func look(root, path string) (head []byte, found bool) {
	r, err := kernel.OpenRegular(root, path)
	if err != nil || r == nil {
		return nil, false
	}
	defer r.Close()
	b := make([]byte, 256)
	n, _ := r.ReadAt(b, 0)
	return b[:n], true
}

// foreign names the processor of an ELF file that this one is not.
func foreign(head []byte) string {
	if len(head) < 20 || string(head[:4]) != "\x7fELF" {
		return ""
	}
	m := machine{head[4], head[5], uint16(head[18]) | uint16(head[19])<<8}
	if m.order == 2 {
		m.number = m.number>>8 | m.number<<8
	}
	for _, k := range machines {
		if k.machine != m {
			continue
		}
		if k.arch == runtime.GOARCH || k.arch == also[runtime.GOARCH] {
			return ""
		}
		return k.name
	}
	return "another processor"
}

// emulated tells whether the kernel has programs for other processors run by an emulator.
func emulated() bool {
	names, _ := kernel.ReadNames("/proc/sys/fs/binfmt_misc", 100)
	for _, n := range names {
		if strings.HasPrefix(n, "qemu") {
			return true
		}
	}
	return false
}

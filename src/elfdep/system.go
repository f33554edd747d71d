// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"path"
	"slices"
	"strings"
)

const (
	glibcConf  = "/etc/ld.so.conf"
	glibcCache = "/etc/ld.so.cache"
)

// muslDefault is what musl searches where no file says otherwise.
var muslDefault = []string{"/lib", "/usr/local/lib", "/usr/lib"}

// muslPath is the search path of one of musl's loaders.
type muslPath struct {
	file string // that has it, "" for the default one
	dirs []string
}

// systemDirs sets where libraries are looked for at last.
func (l *loader) systemDirs(by flavour) {
	if l.musl {
		p := l.w.r.muslDirs(by.interp)
		l.system, l.list, l.standard = p.dirs, p.file, muslDefault
		return
	}
	conf := l.w.r.glibcDirs()
	l.standard = standardDirs(by.arch)
	l.system = make([]string, 0, len(conf)+len(l.standard)+1)
	// As ldconfig has it, the configured directories come first.
	l.system = append(l.system, conf...)
	for _, d := range l.standard {
		if !slices.Contains(conf, d) {
			l.system = append(l.system, d)
		}
	}
	if by.interp == "" && !slices.Contains(l.system, "/usr/local/lib") {
		// Nothing says which C library this is for: it may be musl.
		l.system = append(l.system, "/usr/local/lib")
	}
	if _, err := l.w.open(glibcCache); err == nil {
		l.list = glibcCache
	}
}

// muslDirs reads the file that musl's loader takes its search path from. It
// stands beside the directory the loader is in: /etc for /lib/ld-musl-*.
func (r *Resolver) muslDirs(interp string) muslPath {
	if p, known := r.musl[interp]; known {
		return p
	}
	p := muslPath{dirs: muslDefault}
	name, ok := strings.CutSuffix(path.Base(interp), ".so.1")
	if ok && interp[0] == '/' {
		file := path.Join(path.Dir(path.Dir(interp)), "etc", name+".path")
		if text, there := r.text(file); there {
			p = muslPath{file: file}
			for d := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ':' || c == '\n' || c == 0 }) {
				if d[0] == '/' && ordinary(d) && len(p.dirs) < maxDirs {
					p.dirs = append(p.dirs, d)
				}
			}
		}
	}
	if r.musl == nil {
		r.musl = make(map[string]muslPath, 1)
	}
	r.musl[interp] = p
	return p
}

// standardDirs are the directories that builds of glibc know by themselves:
// each distribution has some of them.
func standardDirs(a arch) []string {
	var dirs []string
	if t := triplet(a); t != "" {
		dirs = append(dirs, "/lib/"+t, "/usr/lib/"+t)
	}
	if a.machine == emArm {
		dirs = append(dirs, "/lib/arm-linux-gnueabi", "/usr/lib/arm-linux-gnueabi")
	}
	if a.class == class64 {
		dirs = append(dirs, "/lib64", "/usr/lib64")
		if a.machine == emRiscv {
			dirs = append(dirs, "/lib64/lp64d", "/usr/lib64/lp64d")
		}
	} else {
		dirs = append(dirs, "/lib32", "/usr/lib32")
	}
	return append(dirs, "/lib", "/usr/lib")
}

// e_machine of elf(5), as far as there are multiarch directories for it.
const (
	em386       = 3
	emMips      = 8
	emPpc64     = 21
	emS390      = 22
	emArm       = 40
	emX86_64    = 62
	emAarch64   = 183
	emRiscv     = 243
	emLoongarch = 258
)

// triplet is the name of Debian's directory for an architecture, "" for others.
func triplet(a arch) string {
	wide := a.class == class64
	switch {
	case a.machine == emX86_64 && wide:
		return "x86_64-linux-gnu"
	case a.machine == emX86_64:
		return "x86_64-linux-gnux32"
	case a.machine == em386:
		return "i386-linux-gnu"
	case a.machine == emAarch64:
		return "aarch64-linux-gnu"
	case a.machine == emArm:
		return "arm-linux-gnueabihf"
	case a.machine == emRiscv && wide:
		return "riscv64-linux-gnu"
	case a.machine == emLoongarch && wide:
		return "loongarch64-linux-gnu"
	case a.machine == emMips && wide && a.order == little:
		return "mips64el-linux-gnuabi64"
	case a.machine == emMips && !wide && a.order == little:
		return "mipsel-linux-gnu"
	case a.machine == emMips && !wide:
		return "mips-linux-gnu"
	case a.machine == emPpc64 && a.order == little:
		return "powerpc64le-linux-gnu"
	case a.machine == emS390 && wide:
		return "s390x-linux-gnu"
	}
	return ""
}

// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

type depsCase struct {
	name string
	root tree
	file string
	env  Search
	want string // paths, or "error: " and its text
}

func (c depsCase) run(t *testing.T) {
	t.Helper()
	got, err := Deps(c.root.fs(), c.file, c.env)
	s := strings.Join(got, " ")
	if err != nil {
		s = "error: " + err.Error()
		if e := (*Error)(nil); !errors.As(err, &e) {
			t.Errorf("%T is not an *Error", err)
		}
	}
	if s != c.want {
		t.Errorf("got  %s\nwant %s", s, c.want)
	}
}

func runAll(t *testing.T, list []depsCase) {
	for _, c := range list {
		t.Run(c.name, c.run)
	}
}

func prog(needed ...string) image { return image{interp: muslLoader, needed: needed} }

func gprog(needed ...string) image { return image{interp: glibcLoader, needed: needed} }

func TestKinds(t *testing.T) {
	runAll(t, []depsCase{
		{"data", openwrt, "/etc/hosts", Search{}, ""},
		{"empty", tree{"/x": ""}, "/x", Search{}, ""},
		{"short", tree{"/x": "#"}, "/x", Search{}, ""},
		{"static", tree{"/x": image{typ: typeExec}}, "/x", Search{}, ""},
		{"object file", tree{"/x": image{typ: 1, needed: []string{"nosuch"}}}, "/x", Search{}, ""},
		{"directory", tree{"/x/y": ""}, "/x", Search{}, ""},
		{"device", tree{"/x": fs.ModeDevice | 0o600}, "/x", Search{}, ""},
		{"below proc", tree{"/proc/x": prog("libnosuch.so")}, "/sys/../proc/x", Search{}, ""},
		{"missing", tree{}, "/x", Search{}, "error: /x: not found"},
		{"relative", tree{}, "x", Search{}, "error: x: not an absolute path of at most 4095 bytes"},
		{"doubled slashes", openwrt, "//usr//sbin/./dnsmasq", Search{}, muslLoader + " /lib/libubus.so.2025 /usr/lib/libnetfilter.so.3 /lib/libgcc_s.so.1 /lib/libubox.so.2025 /usr/lib/libmnl.so.0"},
	})
	_, err := Deps(tree{}.fs(), "/x", Search{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not ErrNotExist", err)
	}
}

func TestMusl(t *testing.T) {
	pathFile := tree{"/etc/ld-musl-x86_64.path": "/opt/lib:\n/usr/lib\n:relative:/proc/self"}
	opt := tree{"/opt/lib/libmnl.so.0": image{needed: []string{"libc.so"}}}
	runAll(t, []depsCase{
		{"dnsmasq", openwrt, "/usr/sbin/dnsmasq", Search{},
			muslLoader + " /lib/libubus.so.2025 /usr/lib/libnetfilter.so.3 /lib/libgcc_s.so.1 /lib/libubox.so.2025 /usr/lib/libmnl.so.0"},
		{"script", openwrt, "/usr/lib/dnsmasq/dhcp-script", Search{}, "/bin/sh " + muslLoader + " /lib/libgcc_s.so.1"},
		{"missing library", openwrt.with(tree{"/x": prog("libnosuch.so.1")}), "/x", Search{},
			"error: /x: needs libnosuch.so.1: not found in /lib:/usr/local/lib:/usr/lib"},
		{"missing below", openwrt.with(tree{"/x": prog("liba.so"), "/usr/lib/liba.so": image{needed: []string{"libb.so"}}}), "/x", Search{},
			"error: /usr/lib/liba.so (for /x): needs libb.so: not found in /lib:/usr/local/lib:/usr/lib"},
		{"missing interpreter", tree{"/x": prog("libc.so")}, "/x", Search{},
			"error: /x: needs " + muslLoader + ": not found"},
		{"only another machine's", openwrt.with(tree{"/x": prog("liba.so"), "/lib/liba.so": image{machine: emArm, class: class32}}), "/x", Search{},
			"error: /x: needs liba.so: not found (/lib/liba.so is for another machine) in /lib:/usr/local/lib:/usr/lib"},
		{"names of libc", openwrt.with(tree{"/x": prog("libc.so", "libpthread.so.0", "libm.so.6", "libdl.so", "librt.so", "libutil.so.1", "libxnet.so", "ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1")}),
			"/x", Search{}, muslLoader},
		{"almost libc", openwrt.with(tree{"/x": prog("libcap.so"), "/lib/libcap.so": image{}}), "/x", Search{}, muslLoader + " /lib/libcap.so"},
		{"path file", openwrt.with(pathFile).with(opt).with(tree{"/x": prog("libmnl.so.0")}), "/x", Search{},
			muslLoader + " /etc/ld-musl-x86_64.path /opt/lib/libmnl.so.0"},
		{"path file without use", openwrt.with(pathFile).with(tree{"/x": prog("libmnl.so.0")}), "/x", Search{},
			muslLoader + " /usr/lib/libmnl.so.0"},
		{"path file replaces", openwrt.with(pathFile).with(tree{"/x": prog("libubox.so.2025")}), "/x", Search{},
			"error: /x: needs libubox.so.2025: not found in /opt/lib:/usr/lib"},
		{"loader elsewhere", tree{
			"/opt/musl/lib/ld-musl-x86_64.so.1": image{}, "/opt/musl/etc/ld-musl-x86_64.path": "/opt/musl/lib",
			"/opt/musl/lib/liba.so": image{}, "/x": image{interp: "/opt/musl/lib/ld-musl-x86_64.so.1", needed: []string{"liba.so", "libc.so"}},
		}, "/x", Search{}, "/opt/musl/lib/ld-musl-x86_64.so.1 /opt/musl/etc/ld-musl-x86_64.path /opt/musl/lib/liba.so"},
		{"environment", openwrt.with(opt).with(tree{"/x": image{interp: muslLoader, needed: []string{"libmnl.so.0"}, rpath: "/usr/lib"}}), "/x",
			Search{LibraryPath: "relative:/opt/lib/"}, muslLoader + " /opt/lib/libmnl.so.0"},
		{"rpath is inherited", openwrt.with(tree{
			"/x":         image{interp: muslLoader, needed: []string{"liba.so"}, runpath: "/a"},
			"/a/liba.so": image{needed: []string{"libb.so"}, rpath: "/b"}, "/a/libb.so": image{},
		}), "/x", Search{}, muslLoader + " /a/liba.so /a/libb.so"},
		{"unknown $ ends rpath", openwrt.with(tree{
			"/x": image{interp: muslLoader, needed: []string{"liba.so"}, rpath: "/a:/$LIB"}, "/a/liba.so": image{},
		}), "/x", Search{}, "error: /x: needs liba.so: not found in /lib:/usr/local/lib:/usr/lib"},
		{"plug-in", openwrt.with(tree{"/usr/lib/uci.so": image{needed: []string{"libubox.so.2025", "libc.so"}}}), "/usr/lib/uci.so", Search{},
			"/lib/libubox.so.2025 /lib/libgcc_s.so.1"},
	})
}

func TestGlibc(t *testing.T) {
	lib := "/lib/x86_64-linux-gnu/libc.so.6"
	runAll(t, []depsCase{
		{"program", debian.with(tree{"/x": gprog("libz.so.1", "libm.so.6", "libc.so.6")}), "/x", Search{},
			glibcLoader + " /usr/lib/x86_64-linux-gnu/libz.so.1 /lib/x86_64-linux-gnu/libm.so.6 " + lib},
		{"configured directory", debian.with(tree{"/x": gprog("liba.so", "libc.so.6"), "/opt/lib/liba.so": image{}}), "/x", Search{},
			glibcLoader + " /etc/ld.so.cache /opt/lib/liba.so " + lib},
		{"configured before standard", debian.with(tree{"/x": gprog("liba.so"), "/usr/local/lib/liba.so": image{}, "/usr/lib/liba.so": image{}}), "/x", Search{},
			glibcLoader + " /etc/ld.so.cache /usr/local/lib/liba.so"},
		{"missing", debian.with(tree{"/x": gprog("liba.so")}), "/x", Search{},
			"error: /x: needs liba.so: not found in /lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/usr/local/lib:/opt/lib:/lib64:/usr/lib64:/lib:/usr/lib"},
		{"32-bit passed over", debian.with(tree{"/x": gprog("liba.so"), "/lib/x86_64-linux-gnu/liba.so": image{class: class32, machine: em386}, "/usr/lib/liba.so": image{}}), "/x", Search{},
			glibcLoader + " /usr/lib/liba.so"},
		{"linker script passed over", debian.with(tree{"/x": gprog("liba.so"), "/lib/x86_64-linux-gnu/liba.so": "/* GNU ld script */\n", "/usr/lib/liba.so": image{}}), "/x", Search{},
			glibcLoader + " /usr/lib/liba.so"},
		{"rpath is inherited", debian.with(tree{
			"/x":         image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/a:/b"},
			"/a/liba.so": image{needed: []string{"libb.so"}}, "/b/libb.so": image{},
		}), "/x", Search{}, glibcLoader + " /a/liba.so /b/libb.so"},
		{"own rpath first", debian.with(tree{
			"/x":         image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/a"},
			"/a/liba.so": image{needed: []string{"libb.so"}, rpath: "/b"}, "/a/libb.so": image{}, "/b/libb.so": image{},
		}), "/x", Search{}, glibcLoader + " /a/liba.so /b/libb.so"},
		{"runpath is not inherited", debian.with(tree{
			"/x":         image{interp: glibcLoader, needed: []string{"liba.so"}, runpath: "/a"},
			"/a/liba.so": image{needed: []string{"libb.so"}}, "/a/libb.so": image{},
		}), "/x", Search{}, "error: /a/liba.so (for /x): needs libb.so: not found in /lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/usr/local/lib:/opt/lib:/lib64:/usr/lib64:/lib:/usr/lib"},
		{"runpath shuts out rpath", debian.with(tree{
			"/x":         image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/a:/b"},
			"/a/liba.so": image{needed: []string{"libb.so"}, runpath: "/c"}, "/b/libb.so": image{}, "/c/libb.so": image{},
		}), "/x", Search{}, glibcLoader + " /a/liba.so /c/libb.so"},
		{"rpath beside runpath is ignored", debian.with(tree{
			"/x": image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/a", runpath: "/b"}, "/a/liba.so": image{}, "/b/liba.so": image{},
		}), "/x", Search{}, glibcLoader + " /b/liba.so"},
		{"environment after rpath", debian.with(tree{
			"/x": image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/a"}, "/a/liba.so": image{}, "/b/liba.so": image{},
		}), "/x", Search{LibraryPath: "/b"}, glibcLoader + " /a/liba.so"},
		{"environment before runpath", debian.with(tree{
			"/x": image{interp: glibcLoader, needed: []string{"liba.so"}, runpath: "/a"}, "/a/liba.so": image{}, "/b/liba.so": image{},
		}), "/x", Search{LibraryPath: "/b"}, glibcLoader + " /b/liba.so"},
		{"origin", debian.with(tree{
			"/opt/app/bin/x":           image{interp: glibcLoader, needed: []string{"liba.so"}, runpath: "$ORIGIN/../lib"},
			"/opt/app/lib/liba.so":     image{needed: []string{"libb.so"}, runpath: "${ORIGIN}/sub:$LIB/x"},
			"/opt/app/lib/sub/libb.so": image{},
		}), "/opt/app/bin/x", Search{}, glibcLoader + " /opt/app/lib/liba.so /opt/app/lib/sub/libb.so"},
		{"unknown $ ends an element", debian.with(tree{
			"/x": image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/opt/$PLATFORM::rel:/a"}, "/a/liba.so": image{},
		}), "/x", Search{}, glibcLoader + " /a/liba.so"},
		{"needed by path", debian.with(tree{
			"/d/x": gprog("/a/liba.so", "$ORIGIN/libb.so"), "/a/liba.so": image{soname: "liba.so.1"}, "/d/libb.so": image{needed: []string{"liba.so.1"}},
		}), "/d/x", Search{}, glibcLoader + " /a/liba.so /d/libb.so"},
		{"needed by relative path", debian.with(tree{"/x": gprog("lib/a.so")}), "/x", Search{}, "error: /x: needs lib/a.so: not an absolute path"},
		{"found by soname", debian.with(tree{
			"/x":           gprog("liba.so", "libb.so"),
			"/lib/liba.so": image{soname: "libreal.so.1"},
			"/lib/libb.so": image{needed: []string{"libreal.so.1"}},
		}), "/x", Search{}, glibcLoader + " /lib/liba.so /lib/libb.so"},
		{"cycle", debian.with(tree{
			"/x": gprog("liba.so"), "/lib/liba.so": image{needed: []string{"libb.so"}}, "/lib/libb.so": image{needed: []string{"liba.so"}},
		}), "/x", Search{}, glibcLoader + " /lib/liba.so /lib/libb.so"},
		{"interpreter of another machine", debian.with(tree{glibcLoader: image{machine: emArm}, "/x": gprog()}), "/x", Search{},
			"error: /x: needs " + glibcLoader + ": not an ELF file of the same class and machine"},
		{"interpreter from proc", debian.with(tree{"/proc/self/exe": image{}, "/x": image{interp: "/./proc/self/exe", needed: []string{"libc.so.6"}}}), "/x", Search{},
			"error: /x: needs /./proc/self/exe: not allowed: it is not an ordinary file"},
		{"library from proc", debian.with(tree{"/proc/self/cwd/liba.so": image{}, "/x": image{interp: glibcLoader, needed: []string{"liba.so"}, rpath: "/proc/self/cwd"}}), "/x", Search{},
			"error: /x: needs liba.so: not found in /lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/usr/local/lib:/opt/lib:/lib64:/usr/lib64:/lib:/usr/lib"},
		{"relative interpreter", tree{"/x": image{interp: "ld.so"}}, "/x", Search{}, "error: /x: needs ld.so: not an absolute path"},
		{"plug-in", debian.with(tree{"/usr/lib/p.so": image{needed: []string{"libm.so.6", "libc.so.6"}}}), "/usr/lib/p.so", Search{},
			"/lib/x86_64-linux-gnu/libm.so.6 " + lib + " " + glibcLoader},
	})
}

func TestScripts(t *testing.T) {
	sh := "/bin/sh " + muslLoader + " /lib/libgcc_s.so.1"
	long := strings.Repeat("x", 300)
	root := openwrt.with(tree{
		"/blanks":        "#! \t/bin/sh \t -e  \n",
		"/nonewline":     "#!/bin/sh",
		"/nul":           "#!/bin/sh\x00/nosuch\n",
		"/crlf":          "#!/bin/sh\r\n",
		"/empty":         "#!\n/bin/sh\n",
		"/spaces":        "#!   \n",
		"/long":          "#!/" + long + "\n",
		"/longarg":       "#!/bin/sh " + long + "\n",
		"/relative":      "#!sh\n",
		"/missing":       "#!/bin/nosuch\n",
		"/dir":           "#!/bin\n",
		"/proc1":         "#!/proc/self/exe\n",
		"/proc2":         "#!/bin/../proc/self/exe\n",
		"/proc/self/exe": image{},
		"/dev/fd/3":      image{},
		"/fd":            "#!/dev/fd/3\n",
		"/dots":          "#!/usr/../bin/sh\n",
		"/textual":       "#!/etc/hosts\n",
		"/s0":            "#!/s1\n", "/s1": "#!/s2\n", "/s2": "#!/s3\n", "/s3": "#!/s4\n", "/s4": "#!/s5\n", "/s5": "#!/bin/sh\n",
		"/self": "#!/self\n",
		"/env1": "#!/usr/bin/env tool\n", "/env2": "#!/usr/bin/env -S A=1 tool -x y\n", "/env3": "#!/usr/bin/env -i tool\n", "/env4": "#!/usr/bin/env\n",
		"/env5": "#!/usr/bin/env nosuch\n", "/env6": "#!/usr/bin/env A=1\n", "/env7": "#!/usr/bin/env /bin/sh\n", "/env8": "#!/usr/bin/env bin/sh\n",
		"/env9": "#!/usr/bin/env -Stool\n", "/envx": "#!/usr/bin/env -S -i tool\n", "/enva": "#!/usr/bin/env a b\n",
		"/opt/bin/tool": "#!/bin/sh\n", "/usr/bin/tool/x": "",
		"/bin/loop": "#!/usr/bin/env loop\n",
	})
	env := "/usr/bin/env " + muslLoader + " /lib/libgcc_s.so.1"
	search := Search{Path: "relative::/usr/bin:/nosuch:/opt/bin/:/bin"}
	runAll(t, []depsCase{
		{"blanks", root, "/blanks", search, sh},
		{"no newline", root, "/nonewline", search, sh},
		{"nul", root, "/nul", search, sh},
		{"carriage return", root, "/crlf", search, `error: /crlf: needs "/bin/sh\r": not found`},
		{"empty", root, "/empty", search, ""},
		{"spaces", root, "/spaces", search, ""},
		{"too long", root, "/long", search, ""},
		{"long argument", root, "/longarg", search, sh},
		{"relative", root, "/relative", search, "error: /relative: needs sh: not an absolute path"},
		{"missing", root, "/missing", search, "error: /missing: needs /bin/nosuch: not found"},
		{"directory", root, "/dir", search, "error: /dir: needs /bin: not a regular file"},
		{"proc", root, "/proc1", search, "error: /proc1: needs /proc/self/exe: not allowed: it is not an ordinary file"},
		{"proc by dots", root, "/proc2", search, "error: /proc2: needs /bin/../proc/self/exe: not allowed: it is not an ordinary file"},
		{"fd", root, "/fd", search, "error: /fd: needs /dev/fd/3: not allowed: it is not an ordinary file"},
		{"dots", root, "/dots", search, sh},
		{"data as interpreter", root, "/textual", search, "/etc/hosts"},
		{"five levels", root, "/s1", search, "/s2 /s3 /s4 /s5 " + sh},
		{"six levels", root, "/s0", search, "error: /s5 (for /s0): needs /bin/sh: more than 5 scripts that interpret each other"},
		{"interprets itself", root, "/self", search, ""},
		{"env", root, "/env1", search, env + " /opt/bin/tool /bin/sh"},
		{"env -S", root, "/env2", search, env + " /opt/bin/tool /bin/sh"},
		{"env -Sprog", root, "/env9", search, env + " /opt/bin/tool /bin/sh"},
		{"env -S -i", root, "/envx", search, env},
		{"env -i", root, "/env3", search, env},
		{"env alone", root, "/env4", search, env},
		{"env and nothing found", root, "/env5", search, "error: /env5: needs nosuch: not found in /usr/bin:/nosuch:/opt/bin:/bin"},
		{"env without PATH", root, "/env5", Search{}, "error: /env5: needs nosuch: not found, PATH is empty"},
		{"env with a variable", root, "/env6", search, env},
		{"env and a path", root, "/env7", search, env + " /bin/sh"},
		{"env and a relative path", root, "/env8", search, "error: /env8: needs bin/sh: neither a plain name nor an absolute path"},
		{"env and two words", root, "/enva", search, "error: /enva: needs a b: not found in /usr/bin:/nosuch:/opt/bin:/bin"},
		{"env loops", root, "/bin/loop", search, env},
	})
}

// Several files of one jail: what was returned is not returned again, and a
// failure leaves nothing behind.
func TestResolver(t *testing.T) {
	root := openwrt.with(tree{
		"/bad":            prog("libubox.so.2025", "libnosuch.so"),
		"/usr/lib/p.so":   image{needed: []string{"libmnl.so.0", "libpthread.so.0"}},
		"/etc/ld.so.conf": "/usr/local/lib\n",
	})
	r := New(root.fs(), Search{})
	if _, err := r.Deps("/bad"); err == nil || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
	for _, tt := range []struct{ file, want string }{
		{"/bin/sh", muslLoader + " /lib/libgcc_s.so.1"},
		{"/bin/busybox", ""},
		{"/usr/lib/p.so", "/usr/lib/libmnl.so.0"}, // libpthread is musl's, as /bin/sh was
		{"/usr/sbin/dnsmasq", "/lib/libubus.so.2025 /usr/lib/libnetfilter.so.3 /lib/libubox.so.2025"},
		{"/usr/sbin/dnsmasq", ""},
	} {
		got, err := r.Deps(tt.file)
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.file, s, err, tt.want)
		}
	}
}

func TestHostileSizes(t *testing.T) {
	many := make([]string, 600)
	dirs := make([]string, 400)
	root := tree{glibcLoader: image{}}
	for i := range many {
		many[i] = "lib" + strings.Repeat("x", i%200) + string(rune('a'+i%26)) + ".so"
	}
	for i := range dirs {
		dirs[i] = "/d" + strings.Repeat("y", i%97) + string(rune('a'+i%26))
	}
	rpath := strings.Join(dirs, ":")
	// A chain of libraries, each with a search path of its own.
	const n = 600
	name := func(i int) string { return "lib" + strings.Repeat("c", i/26) + string(rune('a'+i%26)) + ".so" }
	root["/x"] = gprog(name(0))
	for i := range n {
		root["/lib/"+name(i)] = image{needed: []string{name(i + 1)}, rpath: rpath}
	}
	root["/many"] = gprog(many...)
	root["/longname"] = gprog(strings.Repeat("n", 300))
	root["/longer"] = gprog("/" + strings.Repeat("n", 5000))
	root["/endless"] = gprog(strings.Repeat("n", 40000))
	for i := range n {
		root["/plain/"+name(i)] = image{needed: []string{name(i + 1)}}
	}
	root["/y"] = image{interp: glibcLoader, needed: []string{name(0)}, rpath: "/plain"}
	for file, want := range map[string]string{
		"/x":        "searched too long",
		"/y":        "more than 512 libraries",
		"/many":     "too many libraries",
		"/longname": "the name of a library is too long",
		"/longer":   "the name of a library is empty or too long",
		"/endless":  "a name has no end, or is too long",
	} {
		_, err := Deps(root.fs(), file, Search{})
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 1500 {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
	}
}

func TestLdSoConf(t *testing.T) {
	r := New(debian.with(tree{
		"/etc/ld.so.conf.d/c.conf":   "include /etc/ld.so.conf.d/c.conf\ninclude /more/[xy]?.d\tthird\n",
		"/more/x1.d":                 "/x1\n",
		"/more/y1.d":                 "/y1\r\n/proc/x\n",
		"/more/z1.d":                 "/z1\n",
		"/etc/ld.so.conf.d/third":    "/third/\n",
		"/etc/ld.so.conf.d/bad.conf": "include [\ninclude\nincluded /no\n\x00\n",
	}).fs(), Search{})
	want := "/lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu /usr/local/lib /x1 /y1 /third /opt/lib"
	if got := strings.Join(r.glibcDirs(), " "); got != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	r = New(debian.with(tree{"/etc/ld.so.conf": strings.Repeat("include ld.so.conf.d/*.conf\n", 3000) + "/never\n"}).fs(), Search{})
	if got := r.glibcDirs(); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

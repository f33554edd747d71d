// SPDX-License-Identifier: LGPL-2.1-only

package elfdep

import (
	"path"
	"slices"
	"strings"
)

const (
	maxText  = 1 << 16 // bytes of one configuration file
	maxDepth = 8       // of files that include each other
	maxFiles = 64      // read, and directories listed
)

// glibcDirs returns the directories of /etc/ld.so.conf and what it includes, as
// ldconfig(8) reads them.
func (r *Resolver) glibcDirs() []string {
	if !r.confRead {
		r.confRead = true
		c := conf{r: r, files: maxFiles}
		c.read(glibcConf, 0)
		r.conf = c.dirs
	}
	return r.conf
}

type conf struct {
	r     *Resolver
	dirs  []string
	files int // that may still be read
}

// read takes one file: a directory to a line, or "include" and file name
// patterns, "#" before a remark. What is malformed is passed over.
func (c *conf) read(file string, depth int) {
	if c.files--; depth > maxDepth || c.files < 0 {
		return
	}
	text, _ := c.r.text(file)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "include"); ok && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			for pattern := range strings.FieldsSeq(rest) {
				if pattern[0] != '/' {
					pattern = path.Join(path.Dir(file), pattern)
				}
				c.include(pattern, depth)
			}
			continue
		}
		dir, _, _ := strings.Cut(line, "=") // dir=libc6, of old
		if dir == "" || dir[0] != '/' || !ordinary(dir) || len(c.dirs) >= maxDirs {
			continue
		}
		if dir = path.Clean(dir); !slices.Contains(c.dirs, dir) {
			c.dirs = append(c.dirs, dir)
		}
	}
}

// include reads the files of a pattern in the order of their names. Only the
// last part of it may have wildcards.
func (c *conf) include(pattern string, depth int) {
	dir, last := path.Split(pattern)
	if strings.IndexByte(last, '*') < 0 && strings.IndexByte(last, '?') < 0 && strings.IndexByte(last, '[') < 0 {
		c.read(pattern, depth+1)
		return
	}
	if c.files--; c.files < 0 {
		return
	}
	names, err := c.r.fs.ReadDir(path.Clean(dir))
	if err != nil {
		return
	}
	names = slices.Clone(names)
	slices.Sort(names)
	for _, n := range names {
		if n == "" || n[0] == '.' && last[0] != '.' {
			continue
		}
		if ok, err := path.Match(last, n); err == nil && ok {
			c.read(path.Join(dir, n), depth+1)
		}
	}
}

// text reads a small file; what is longer is cut.
func (r *Resolver) text(file string) (string, bool) {
	f, info, err := r.fs.Open(file)
	if err != nil || f == nil {
		return "", false
	}
	defer f.Close()
	if !info.Regular {
		return "", false
	}
	// Such files have a few lines: the large buffer is for the odd one.
	b, err := readAt(f, r.head(), 0)
	if err == nil && len(b) == maxHead {
		b, err = readAt(f, make([]byte, maxText), 0)
	}
	return string(b), err == nil
}

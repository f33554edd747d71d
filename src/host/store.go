// SPDX-License-Identifier: LGPL-2.1-only

package host

import (
	"bytes"
	"strings"

	"gojail/src/bundle"
	"gojail/src/kernel"
)

// Put makes a bundle in a directory, and tells its path and whether it was not there. Only root may look into it. Until it is complete
// it has another name.
func Put(dir string, b *bundle.Bundle) (path string, made bool, err error) {
	if !kernel.Exists(dir) {
		if err := kernel.MakeDirs(dir[:strings.LastIndexByte(dir, '/')], 0o755); err != nil {
			return "", false, err
		}
		if _, err := kernel.Mkdir(dir, 0o700); err != nil {
			return "", false, err
		}
	}
	path = dir + "/" + b.Dir()
	have, err := kernel.ReadFile(path+"/config.json", len(b.Config))
	if err == nil && bytes.Equal(have, b.Config) {
		return path, false, nil
	}
	if kernel.Exists(path) { // somebody has changed it
		return path, true, kernel.Replace(path, "config.json", b.Config, 0o600)
	}
	temporary := dir + "/." + b.Dir()
	remove(temporary)
	if _, err := kernel.Mkdir(temporary, 0o700); err != nil {
		return "", false, err
	}
	err = kernel.WriteFile(temporary+"/config.json", b.Config, 0o600)
	if err == nil {
		_, err = kernel.Mkdir(temporary+"/rootfs", 0o755) // where an image has it
	}
	if err == nil {
		err = kernel.Rename(temporary, path)
	}
	if err != nil {
		remove(temporary)
	}
	return path, true, err
}

// Old are the bundles of a directory, each with its container's id, that are not among those to keep. Only what Put has made counts.
func Old(dir string, keep []string) (list [][2]string) {
	names, _ := kernel.ReadNames(dir, 1<<16)
next:
	for _, name := range names {
		id, ok := owner(strings.TrimPrefix(name, "."))
		if !ok {
			continue
		}
		for _, k := range keep {
			if k == dir+"/"+name {
				continue next
			}
		}
		list = append(list, [2]string{dir + "/" + name, id})
	}
	return list
}

// owner is the id of the container in the name of a bundle.
func owner(name string) (id string, ok bool) {
	i := len(name) - 17
	if i < 1 || name[i] != '-' || strings.Trim(name[i+1:], "0123456789abcdef") != "" {
		return "", false
	}
	return name[:i], true
}

// Clean removes a bundle, unless a process has it in its command line: a container runs from it.
func Clean(path string) (removed bool) {
	pids, err := kernel.ReadNames("/proc", 1<<20)
	if err != nil {
		return false
	}
	for _, pid := range pids {
		if pid[0] < '1' || pid[0] > '9' {
			continue
		}
		line, _ := kernel.ReadProc("/proc/" + pid + "/cmdline")
		if strings.Contains(line, path) {
			return false
		}
	}
	remove(path)
	return true
}

func remove(path string) {
	_ = kernel.Unlink(path + "/config.json")
	_ = kernel.Unlink(path + "/.config.json.new")
	_ = kernel.Unlink(path + "/pid")
	_ = kernel.Rmdir(path + "/rootfs")
	_ = kernel.Rmdir(path)
}

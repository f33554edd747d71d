// SPDX-License-Identifier: LGPL-2.1-only

package bundle

import (
	"slices"
	"strconv"

	"gojail/src/config"
	"gojail/src/passwd"
)

// mappings are those given, or those of a range of the container's own: all of it, or with the profile strict the ids in use.
func (g *generator) mappings() {
	for _, kind := range [...]struct {
		option, key, file string
		used              []uint32
	}{
		{"uidmap", "uidMappings", "/etc/subuid", []uint32{0, g.uid}},
		{"gidmap", "gidMappings", "/etc/subgid", append([]uint32{0, g.gid}, g.groups...)},
	} {
		list := g.linux().list(kind.key)
		put := func(m config.IDMap) {
			n := object()
			n.set("containerID", natural(uint64(m.Container)))
			n.set("hostID", natural(uint64(m.Host)))
			n.set("size", natural(uint64(m.Size)))
			list.add(n)
		}
		if g.c.Has(kind.option) {
			for _, v := range g.c.List(kind.option) {
				m, _ := config.ParseIDMap(v)
				put(m)
			}
			continue
		}
		base, err := g.share(kind.option, kind.file)
		if err != nil {
			g.refuse("userns", "", kind.file+" has "+err.Error())
			return
		}
		if g.c.Text("profile") != "strict" {
			put(config.IDMap{Container: 0, Host: base, Size: passwd.ShareSize})
			continue
		}
		slices.Sort(kind.used)
		for _, id := range slices.Compact(kind.used) {
			if id >= passwd.ShareSize {
				g.refuse("userns", "", "id "+strconv.FormatUint(uint64(id), 10)+" is beyond its range of 65536: give uidmap and gidmap")
				return
			}
			put(config.IDMap{Container: id, Host: base + id, Size: 1})
		}
	}
}

// share is the first id of the container's range on the host, which no other container has.
func (g *generator) share(option, file string) (uint32, error) {
	var names []string
	for _, c := range g.cfg.Containers {
		if c.Bool("userns") && !c.Has(option) {
			names = append(names, c.ID)
		}
	}
	b, _ := g.host.File(file, false) // OpenWrt has none
	shares, err := passwd.Shares(names, passwd.SubRanges(b, passwd.SubOwner))
	return shares[g.c.ID], err
}

// SPDX-License-Identifier: LGPL-2.1-only

package passwd

import (
	"bytes"
	"errors"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const users = `root:x:0:0:root:/root:/bin/ash
daemon:*:1:1:daemon:/var:/bin/false

broken
broken2:x:12
broken3:x:-1:1:::
broken4:x:5:4294967295:::
broken5:x:4294967296:5:::
broken6:x: 7:7:::
:x:0:0:::
+nis::0:0:::
-nis::0:0:::
ftp:*:55:55:ftp:/home/ftp:/bin/false
ftp:*:56:56:second:/home/other:/bin/false
1000:x:77:78:a name of digits:/n:/bin/sh
dnsmasq:x:453:453:dnsmasq:/var/run/dnsmasq:/bin/false:extra
nobody:*:65534:65533:nobody::/bin/false
twin:x:453:9:same id:/t:
last:x:4294967294:4294967294::/:/bin/sh`

func TestLookupUser(t *testing.T) {
	for _, tt := range []struct {
		name string
		want User
	}{
		{"root", User{"root", 0, 0, "/root"}},
		{"ftp", User{"ftp", 55, 55, "/home/ftp"}},
		{"dnsmasq", User{"dnsmasq", 453, 453, "/var/run/dnsmasq"}},
		{"nobody", User{"nobody", 65534, 65533, ""}},
		{"last", User{"last", 4294967294, 4294967294, "/"}},
		{"1000", User{"1000", 77, 78, "/n"}},
		{"453", User{"dnsmasq", 453, 453, "/var/run/dnsmasq"}},
		{"0", User{"root", 0, 0, "/root"}},
		{"5", User{"", 5, NoID, ""}},
		{"4294967293", User{"", 4294967293, NoID, ""}},
	} {
		if got, err := LookupUser([]byte(users), tt.name); err != nil || got != tt.want {
			t.Errorf("%q: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
	for _, name := range []string{
		"", "roo", "Root", "broken", "broken2", "broken3", "broken4", "broken5", "broken6", "+nis", "-nis", "nis",
		"root:x", "4294967295", "4294967296", "00000000001", "-1", "+1", " 1", "1 ", "0x1", strings.Repeat("1", 300),
	} {
		u, err := LookupUser([]byte(users), name)
		var e *NotFoundError
		if !errors.As(err, &e) || e.Kind != "user" || e.Name != name || u != (User{}) {
			t.Errorf("%q: %+v, %v", name, u, err)
		}
	}
	_, err := LookupUser(nil, "web")
	if want := `no user "web" in /etc/passwd`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

const groups = `root:x:0:
adm:x:4:web,root
nocolons:x
bad:x:four:web
web:x:80:
audio:x:29:root,web,
copy:x:29:web
webby:x:81:webby,aweb
dialout:x:20:,web
again:x:80:web
spaced:x:33: web
long:x:34:root,web:more`

func TestLookupGroup(t *testing.T) {
	for name, want := range map[string]uint32{
		"root": 0, "web": 80, "audio": 29, "again": 80, "12345": 12345, "0": 0,
	} {
		if got, err := LookupGroup([]byte(groups), name); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"", "nocolons", "bad", "nosuch", "4294967295", "99999999999"} {
		_, err := LookupGroup([]byte(groups), name)
		if want := "no group " + strconv.Quote(name) + " in /etc/group"; err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, tt := range []struct {
		user    string
		primary uint32
		want    []uint32
	}{
		{"web", 80, []uint32{80, 4, 29, 20}},
		{"web", 29, []uint32{29, 4, 20, 80}},
		{"root", 0, []uint32{0, 4, 29, 34}},
		{"nosuch", 7, []uint32{7}},
		{"", 7, []uint32{7}},
	} {
		// The last line of groups names root and "web:more": not web.
		if got := Groups([]byte(groups), tt.user, tt.primary); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.user, got, tt.want)
		}
	}
}

func TestGroupsIsBounded(t *testing.T) {
	var b bytes.Buffer
	for i := range maxGroups + 1000 {
		b.WriteString("g:x:" + strconv.Itoa(i) + ":u\n")
	}
	if got := len(Groups(b.Bytes(), "u", 1)); got != maxGroups {
		t.Errorf("%d groups", got)
	}
	long := []byte("g:x:5:" + strings.Repeat("u,", maxLine/2) + "\ng2:x:6:u\n")
	if got := Groups(long, "u", 1); !slices.Equal(got, []uint32{1, 6}) {
		t.Errorf("%v", got)
	}
}

// The machine's own files, read by the standard library, are the reference.
func TestAgainstStandardLibrary(t *testing.T) {
	pw, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	gr, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(pw)) {
		name, _, _ := strings.Cut(l, ":")
		want, err := user.Lookup(name)
		if err != nil {
			continue
		}
		u, err := LookupUser(pw, name)
		if err != nil || strconv.FormatUint(uint64(u.UID), 10) != want.Uid || strconv.FormatUint(uint64(u.GID), 10) != want.Gid || u.Home != want.HomeDir {
			t.Errorf("%s: %+v, %v; want %+v", name, u, err, want)
		}
		ids, err := want.GroupIds()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range Groups(gr, name, u.GID) {
			got = append(got, strconv.FormatUint(uint64(g), 10))
		}
		if got[0] != want.Gid {
			t.Errorf("%s: the primary group is not first: %v", name, got)
		}
		slices.Sort(got)
		slices.Sort(ids)
		if !slices.Equal(got, slices.Compact(ids)) {
			t.Errorf("%s: groups %v, want %v", name, got, ids)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add([]byte(users), "453")
	f.Add([]byte(groups), "web")
	f.Add([]byte("a:::::\n:::\n::::::::\x00\n+:"), "0")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		u, err := LookupUser(text, name)
		if err == nil {
			if u.UID == NoID || u.GID == NoID && u.Name != "" {
				t.Fatalf("%q: %+v", name, u)
			}
			if u.Name != "" && u.Name != name {
				if id, ok := parseID(name); !ok || id != u.UID {
					t.Fatalf("%q found %+v", name, u)
				}
			}
		}
		if g, err := LookupGroup(text, name); err == nil && g == NoID {
			t.Fatalf("%q: group %d", name, g)
		}
		list := Groups(text, name, 5)
		if list[0] != 5 || slices.Contains(list, NoID) {
			t.Fatalf("%v", list)
		}
		slices.Sort(list)
		if len(slices.Compact(list)) != len(list) {
			t.Fatalf("%v has duplicates", list)
		}
	})
}

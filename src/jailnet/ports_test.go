// SPDX-License-Identifier: LGPL-2.1-only

package jailnet

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gojail/src/blob"
	"gojail/src/netbridge"
)

const firewallText = `
config zone
	option name lan
	list network lan
	list network 'guest'
config zone
	option name 'wan'
	option network 'wan wan6'
config rule
	option name 'x'
`

func ports(t testing.TB, texts ...string) (list []netbridge.Port) {
	t.Helper()
	for _, text := range texts {
		p, err := netbridge.ParsePort(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// published is what procd would be told of a container with these addresses.
func published(t testing.TB, n *Net) string {
	t.Helper()
	zones, err := zonesIn([]byte(firewallText))
	if err != nil {
		t.Fatal(err)
	}
	w, err := n.firewall(zones, n.targets(zones))
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return blob.Text(b)
}

func TestPorts(t *testing.T) {
	n := &Net{Name: "web", Ports: ports(t, "src=lan src_dport=8080 dest_port=80 proto=tcp,udp", "src=wan src_dport=443"),
		Links: []Link{{Config: config(t, "interface=lan ipaddr=192.168.26.20/24 ip6addr=fd63:e2f:f706::20/64")}}}
	want := `{"name":"container.web","instances":{},"data":{"firewall":[` +
		`{"type":"redirect","target":"DNAT","src":"lan","src_dip":"lan","src_dport":"8080","dest":"lan","reflection":"0","proto":"tcp udp","family":"ipv4","dest_ip":"192.168.26.20","dest_port":"80"},` +
		`{"type":"redirect","target":"DNAT","src":"lan","src_dip":"guest","src_dport":"8080","dest":"lan","reflection":"0","proto":"tcp udp","family":"ipv4","dest_ip":"192.168.26.20","dest_port":"80"},` +
		`{"type":"nat","target":"MASQUERADE","src":"lan","src_ip":"192.168.26.0/24","proto":"tcp udp","family":"ipv4","dest_ip":"192.168.26.20","dest_port":"80"},` +
		`{"type":"redirect","target":"DNAT","src":"lan","src_dip":"lan","src_dport":"8080","dest":"lan","reflection":"0","proto":"tcp udp","family":"ipv6","dest_ip":"fd63:e2f:f706::20","dest_port":"80"},` +
		`{"type":"redirect","target":"DNAT","src":"lan","src_dip":"guest","src_dport":"8080","dest":"lan","reflection":"0","proto":"tcp udp","family":"ipv6","dest_ip":"fd63:e2f:f706::20","dest_port":"80"},` +
		`{"type":"nat","target":"MASQUERADE","src":"lan","src_ip":"fd63:e2f:f706::/64","proto":"tcp udp","family":"ipv6","dest_ip":"fd63:e2f:f706::20","dest_port":"80"},` +
		`{"type":"redirect","target":"DNAT","src":"wan","src_dip":"wan","src_dport":"443","dest":"lan","reflection":"0","proto":"tcp","family":"ipv4","dest_ip":"192.168.26.20","dest_port":"443"},` +
		`{"type":"redirect","target":"DNAT","src":"wan","src_dip":"wan6","src_dport":"443","dest":"lan","reflection":"0","proto":"tcp","family":"ipv4","dest_ip":"192.168.26.20","dest_port":"443"},` +
		`{"type":"redirect","target":"DNAT","src":"wan","src_dip":"wan","src_dport":"443","dest":"lan","reflection":"0","proto":"tcp","family":"ipv6","dest_ip":"fd63:e2f:f706::20","dest_port":"443"},` +
		`{"type":"redirect","target":"DNAT","src":"wan","src_dip":"wan6","src_dport":"443","dest":"lan","reflection":"0","proto":"tcp","family":"ipv6","dest_ip":"fd63:e2f:f706::20","dest_port":"443"}]}}`
	if got := published(t, n); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	n.Ports = ports(t, "src=dmz src_dport=1")
	zones, _ := zonesIn([]byte(firewallText))
	if _, err := n.firewall(zones, nil); err == nil || !strings.Contains(err.Error(), "port.0: src=dmz: there is no such zone in /etc/config/firewall (there are lan, wan)") {
		t.Error(err)
	}
}

// What the real firewall4 makes of it, where $FW4 is its source tree and $UCODE the interpreter, with its own mock of a router: lan has
// 192.168.26.1/24, wan 10.11.12.194/24.
func TestPortsRendered(t *testing.T) {
	tree, ucode := os.Getenv("FW4"), os.Getenv("UCODE")
	if tree == "" || ucode == "" {
		t.Skip("SKIPPED: $FW4 and $UCODE do not say where firewall4's sources and ucode are")
	}
	n := &Net{Name: "web", Ports: ports(t, "src=lan src_dport=8080 dest_port=80", "src=wan src_dport=443 proto=udp"),
		Links: []Link{{Config: config(t, "interface=lan ipaddr=192.168.26.20/24 ip6addr=fd63:e2f:f706::20/64")}}}
	_, data, _ := strings.Cut(published(t, n), `"data":`)
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("uci/helpers.json", "{}")
	write("uci/firewall.json", `{"zone":[{"name":"wan","network":["wan","wan6"],"masq":1,"input":"REJECT","forward":"REJECT","output":"ACCEPT"},
		{"name":"lan","network":["lan","guest"],"input":"ACCEPT","output":"ACCEPT","forward":"ACCEPT"}]}`)
	write("ubus/service~get_data~type-firewall.json", `{"container.web":{"*":`+strings.TrimSuffix(data, "}")+`}}`)
	cmd := exec.Command(ucode, "-S", "-T,", "-L./tests/lib", "-L./root/usr/share/ucode", "-D", `MOCK_SEARCH_PATH=["`+dir+`", "./tests/mocks"]`, "-l", "mocklib", "-l", "fw4", "-")
	cmd.Dir = tree
	cmd.Stdin = strings.NewReader(`{% include("./root/usr/share/firewall4/main.uc", { getenv: function(n) { return (n == 'ACTION') ? 'print' : null; } }) %}`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for _, want := range []string{
		`ip daddr { 10.0.0.0/24, 192.168.26.0/24 } tcp dport 8080 counter dnat 192.168.26.20:80 comment`,
		`ip6 daddr { 2001:db8:1000::/60, fd63:e2f:f706::/60 } tcp dport 8080 counter dnat [fd63:e2f:f706::20]:80 comment`,
		`ip saddr 192.168.26.0/24 ip daddr 192.168.26.20 tcp dport 80 counter masquerade comment`,
		`ip6 saddr fd63:e2f:f706::/64 ip6 daddr fd63:e2f:f706::20 tcp dport 80 counter masquerade comment`,
		`ip daddr 10.11.12.0/24 udp dport 443 counter dnat 192.168.26.20:443 comment`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s\n%s", want, out, &stderr)
		}
	}
}

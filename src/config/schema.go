// SPDX-License-Identifier: LGPL-2.1-only

package config

import "strings"

// schema is every section and option of /etc/config/container: a line each with name, kind, default (- for none) and help. A kind
// is a word of check, with its arguments after a colon; one that ends in + is that of a list's entries. The web interface's forms and
// the README's table come from here.
const schema = `
globals
storage path /srv/containers where disk layers are: <storage>/<name>
bundle_dir path /var/run/gojail/bundles where the bundles are generated

container
name name - the container's id; if not given the section's name
enabled bool 1 start it on boot
rootfs path - its root: a directory, or an image of squashfs or ext4, which is mounted read-only
bundle path - an OCI bundle in place of a rootfs; the options given here override its config.json
command argument+ - the program and its arguments, an entry each; a single option is split as the shell does
profile enum:strict,default,system,privileged default how much it is confined: what the other options are where they are not given
cwd path / directory that the program starts in
user user 0 user of the program, a name of its root or a number
group user - group of the program; if not given the user's
additional_gid user+ - further groups
env env+ - environment, NAME=value
env_file path+ - files with lines NAME=value, for what is secret: only root may read them
hostname hostname - host name; if not given the container's name
terminal bool 0 give it a terminal
umask octal 0022 umask of the program
readonly bool 0 its root cannot be written
overlay enum:none,tmpfs,disk none writable layer over the root: gone at the end (tmpfs) or kept (disk)
overlay_size size 16M size of a layer on tmpfs
overlay_dir path - directory of a layer on disk; if not given <storage>/<name>
memory memory - limit of memory, 64M or 25%
memory_reservation memory - memory that it is left when memory is short
swap swap - limit of swap beside the memory, or unlimited
cpus cpus - processors, 0.5 is half of one
cpu_weight int:1,10000 - share of processors under load; 100 is usual
cpuset cpuset - processors that it may use, 0-1,3
pids int:1,4194304 2048 limit of processes and threads
io_weight int:1,10000 - share of storage under load; 100 is usual
oom_score_adj int:-1000,1000 0 how readily it is ended when memory is short
capability capability+ - capabilities, in place of the profile's
cap_add capability+ - capabilities to add, or ALL
cap_drop capability+ - capabilities to take away, or ALL
seccomp seccomp default system calls: default, unconfined, or a file with a profile
no_new_privileges bool 0 it cannot gain privileges by executing programs
mdwe bool 0 it cannot execute memory that it has written
landlock_ro path+ - it may read these and no others
landlock_rx path+ - it may read and execute these and no others
landlock_rw path+ - it may read and write these and no others
userns bool 0 root inside is nobody outside
uidmap idmap+ - users inside: container:host:size; if not given a range of its own
idmap bool 0 with userns: what root owns in the rootfs belongs to root inside
gidmap idmap+ - groups inside: container:host:size
sysctl sysctl+ - kernel parameters of its namespaces, key=value
rlimit rlimit+ - resource limits, nofile=1024:4096
device device+ - devices of the host: path[:path inside][:rwm]
mount mount+ - source:target[:options], as /srv/data:/data:ro
tmpfs tmpfs+ - target[:options], as /tmp:size=8M
masked_path path+ - further paths to hide
readonly_path path+ - further paths that cannot be written
restart enum:always,on-failure,never on-failure when to start it again
restart_delay int:0,86400 5 seconds before that; doubled each time, up to a minute or the delay
restart_retries int:0,1000000 5 how often in the window; 0 is for ever
restart_window int:1,31536000 3600 seconds
stop_signal signal TERM what asks it to end
stop_timeout int:0,3600 5 seconds until it is killed
log bool 1 its output goes to the system log
require_mount path+ - start it when something is mounted there
depends reference+ - containers to be started before it
annotation annotation+ - key=value, for the bundle
network network - none, host, bridge, routed, netifd or container:NAME; if not given bridge with a network section, else none

network
container reference - whose interface it is
interface word - netifd interface that the bridge belongs to
bridge ifname - bridge of the host, in place of interface
ifname ifname eth0 name inside
type enum:veth,macvlan veth kind of device
proto enum:static,dhcp,none dhcp where its addresses come from
ipaddr ip4prefix+ - IPv4 addresses, 192.168.1.20/24
netmask netmask - netmask of an ipaddr without /bits
gateway ip4 - IPv4 router
ip6addr ip6prefix+ - IPv6 addresses, fd00::2/64
ip6gw ip6 - IPv6 router
dns ip+ - name servers
metric int:0,4294967295 0 metric of the default route
defaultroute bool 1 take a default route
peerdns bool 1 use the name servers that DHCP tells
hostname hostname - host name sent by DHCP
macaddr mac - MAC address; if not given made from the name
vlan int:1,4094 - VLAN on the bridge
mtu int:68,65535 - MTU
zone word - firewall zone of the host's end
egress word+ - routed: zones that it may reach
host_port hostport+ - routed: what it may reach on the router, udp/53

port
container reference - whose port it is
src word - firewall zone that may use it; nothing is open that is not written here
proto enum:tcp,udp,tcpudp tcp protocol
src_dport portrange - port on the router
dest_port portrange - port of the container; if not given the same

mount
container reference - whose mount it is
source text - directory or file of the host, or what the file system wants
target path - where inside
type word bind file system
options word+ - mount options

device
container reference - whose device it is
path path - device of the host
target path - path inside; if not given the same
access access rwm read, write, mknod
uid int:0,4294967294 - owner inside
gid int:0,4294967294 - group inside
mode octal - mode inside

hook
container reference - whose hook it is
when enum:createRuntime,createContainer,startContainer,poststart,poststop - when it is run
path path - program
args text+ - its arguments, the name of the program first
env env+ - its environment
timeout int:1,86400 - seconds until it is killed
`

// profiles are defaults of options that depend on the profile, of lists an entry each.
const profiles = `
strict no_new_privileges 1
strict mdwe 1
strict userns 1
strict pids 256
strict oom_score_adj 500
strict swap 0
strict rlimit nofile=1024
strict rlimit core=0
system userns 1
system idmap 1
system tmpfs /run:mode=755,nosuid,nodev
system tmpfs /tmp:mode=1777,nosuid,nodev
privileged seccomp unconfined
privileged pids 4194304
`

// An Option is a line of the schema.
type Option struct {
	Section, Name string
	Kind          string
	List          bool
	Default, Help string // Default is empty if there is none
}

// Options lists all of them, section by section.
func Options() []Option {
	var list []Option
	section := ""
	for line := range strings.SplitSeq(schema, "\n") {
		name, rest, ok := strings.Cut(line, " ")
		if !ok {
			section = name
			continue
		}
		o := Option{Section: section, Name: name}
		o.Kind, rest, _ = strings.Cut(rest, " ")
		o.Kind, o.List = strings.CutSuffix(o.Kind, "+")
		if o.Default, o.Help, _ = strings.Cut(rest, " "); o.Default == "-" {
			o.Default = ""
		}
		list = append(list, o)
	}
	return list
}

// ofProfile are the profile's defaults of an option.
func ofProfile(profile, option string) (values []string) {
	for line := range strings.SplitSeq(profiles, "\n") {
		if rest, ok := strings.CutPrefix(line, profile+" "+option+" "); ok {
			values = append(values, rest)
		}
	}
	return values
}

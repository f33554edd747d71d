// SPDX-License-Identifier: LGPL-2.1-only

package slim

// Usage is the whole help text, ending in a newline.
func Usage() string { return usage }

const usage = `Usage: ujail [options] -- command [arguments]
       ujail -n name -J bundle [-ciyE] [-O dir | -T size] [-P file] [-t s]

Runs a command in a jail made of what is listed, or an OCI bundle. Has to be
started by root. The exit status is the command's; 128+N if signal N ended it,
127 if it was not found, 126 if it could not be run.

Restrictions
  -U user         run as this user of /etc/passwd (or id), with its groups
  -G group        run with this primary group of /etc/group (or id)
  -c              no new privileges: set-user-id programs have no effect
  -C file         capabilities to keep: OCI JSON object with bounding,
                  effective, permitted, inheritable, ambient
  -S file         seccomp profile, in force once the program is loaded

Files: each of these gives the jail a root of its own, with only what is named
  -r src[:dst]    file or directory, read-only; a program or script brings its
                  libraries and interpreter along; skipped if src is missing
  -w src[:dst]    the same, writable
  -p              /proc, with its dangerous parts masked
  -s              /sys, read-only
  -l              socket of the system log, /dev/log
  -u              socket of ubus
  -D              socket of udebug, if there is one
  -o              the root is read-only
  -R dir          a directory as the root, instead of single files
  -O dir          changes to the root go into dir (upper, work)
  -T size         changes to the root go into memory: 512k, 16M, 25%; at most 8
                  characters; -O goes before it
  Where two of them have the same target, the first one holds.

Namespaces: any of these but -j, and any under Files, also makes a pid and an
ipc namespace
  -N              network (needs -n); netifd sets it up
  -f              user: root inside is an ordinary user outside
  -F              cgroup
  -h hostname     uts, with this host name
  -j PID:ns[,ns]  enter those of a process instead; may be repeated. ns is pid,
                  net, mount, ipc, uts, user, cgroup or time

Running
  -n name         name of the jail, at most 63 bytes
  -e variable     hand on an environment variable; all others are dropped
  -t seconds      from TERM to KILL when the jail is stopped: 0 to 86400,
                  default 5
  -y              a terminal: relayed to the one that ujail was started at, or
                  procd's to give away (console_attach)
  -P file         write the pid of the command into file
  -E              do not start unless all that was asked for can be had
  -d level        report on stderr: 1 what is passed over or not as asked, and
                  the pid; 2 and above every step too, as gojail plan does;
                  warnings and errors are always reported; default 0

Bundles
  -J bundle       directory with config.json (needs -n). What the config says
                  cannot be given as an option too
  -i              start at once, not when ubus container.NAME start is called

  --help, --version   this text, the version

A jail's root has the powers of the host's root unless -U, -C or -f takes them
away: it can break out. Use them together with -S and -c.
`

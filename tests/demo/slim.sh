# SPDX-License-Identifier: LGPL-2.1-only
# shellcheck shell=sh
#
# Runs inside the demo's slim jail, which has no other program than /bin/busybox. Its exit status is 7, plus the number of
# things that are not as they should be; check.sh stands before it.
bb=/bin/busybox
files=$($bb find / -xdev -type f)

must "it is process number $$" [ $$ = 1 ]
must "it runs as uid $($bb id -u), for no user was named (-U)" [ "$($bb id -u)" = 0 ]
must "it sees no process of the host" fails $bb grep "gojail-demo-[w]itness" /proc/[0-9]*/cmdline
must "the files of its root are the program and what every jail has:" fails $bb ls /root /home /sbin /usr/sbin
echo "$files" | $bb sed 's/^/            /'
must "its root cannot be written (-o)" fails $bb touch /written
must "/proc is there (-p), its dangerous parts masked" [ ! -s /proc/kcore ]
exit $((${bad?} + 7))

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# What the machine does once its root is there: it becomes a plain machine with cgroup v2, runs the job and says how it ended.

export PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
vm=$(dirname "$(realpath "$0")")
build=$vm/../../build/vm
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts -o gid=5,mode=620,ptmxmode=666
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
umount -l /sys/fs/cgroup 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mkdir /sys/fs/cgroup/init
echo $$ >/sys/fs/cgroup/init/cgroup.procs
for controller in $(</sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
rm -rf /lib/modules
ln -sfn "$(realpath "$build")/kernel/lib/modules" /lib/modules
for module in veth bridge 8021q loop squashfs ext4 dummy macvlan tun nf_tables; do
	modprobe -q "$module" || echo "VM: no module $module"
done
ip link set lo up
hostname vm
ulimit -n 65536
read -r up _ </proc/uptime
echo "VM: ready after $up s, Linux $(uname -r)"
"$vm/job.sh" </dev/null
echo "VM RESULT $?"
echo o >/proc/sysrq-trigger
sleep 10

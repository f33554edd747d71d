#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# Podman and containerd with build/uxc as their runtime, in namespaces of their own: what a client does and sees, not what the runtime
# does for it. Nothing of the machine is changed; a control group for the time of the test is.
#
#	tests/clients/run.sh [podman|containerd|oci]...

set -euo pipefail
cd "$(dirname "$0")/../.."
((EUID == 0)) || {
	echo "clients: they make namespaces and mounts: run this as root" >&2
	exit 1
}
(($#)) || set -- podman containerd

hierarchy=/sys/fs/cgroup
[[ -d $hierarchy/unified ]] && hierarchy=$hierarchy/unified
group=$hierarchy/gojail-clients-$$
work=$(mktemp -d)
mkdir "$group"

# shellcheck disable=SC2317 # the trap calls it
clean() {
	local dir
	if [[ -e $group/cgroup.kill ]]; then
		echo 1 >"$group/cgroup.kill"
	fi
	for _ in {1..100}; do
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
		[[ -d $group ]] || break
		sleep 0.1
	done
	for dir in "$work" "$group"; do
		[[ -d $dir ]] && rmdir "$dir"
	done
	return 0
}
trap clean EXIT

status=0
for client in "$@"; do
	mkdir "$group/$client"
	# The group is the root of the hierarchy inside, where no process may be.
	# shellcheck disable=SC2016 # for the inner shells
	bash -c 'echo $$ >"$1/cgroup.procs" && exec unshare --cgroup "${@:2}"' - "$group/$client" \
		bash -c 'mkdir -p "$1/init" && echo $$ >"$1/init/cgroup.procs" && exec unshare --mount --propagation private --net --ipc --uts \
		--pid --fork --mount-proc "${@:2}"' - "$group/$client" "$PWD/tests/clients/$client.sh" "$work" </dev/null || status=1
done
exit $status

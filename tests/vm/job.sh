#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only
#
# What is tested in the machine: limits that a kernel holds which has every controller, or what run.sh was told.

set -euo pipefail
build=$(realpath "$(dirname "$0")/../../build")
cd "$build/../tests/root" # as go test does
export GOJAIL=$build/gojail GOJAIL_PROBES=$build/vm GOJAIL_VM=1
read -r limit tests stress NETIFD UBUSD <"$build/vm/what"
[[ $stress == 0 ]] || export GOJAIL_STRESS=$stress
export NETIFD UBUSD
exec "$build/vm/root.test" -test.run "$tests" -test.timeout "${limit}s"

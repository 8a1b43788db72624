#!/usr/bin/env bash
# hook.sh KERNEL-SOURCE: makes doorbell-zoo.c part of the kernel's vdpa_sim. Three anchored edits, none of which may
# find another number of places than the kernels this was written for have (6.1, 6.12): two tables of config ops.
set -euo pipefail
simulator=$1/drivers/vdpa/vdpa_sim
source=$simulator/vdpa_sim.c
cp "$(dirname "${BASH_SOURCE[0]}")/doorbell-zoo.c" "$simulator/"

expect() { # COUNT PATTERN
  local found
  found=$(grep -cE "$2" "$source" || true)
  [ "$found" = "$1" ] || { echo "hook.sh: $source has $found lines like $2 instead of $1" >&2; exit 1; }
}
first='^static const struct vdpa_config_ops vdpasim_config_ops = \{$'
state='^	\.get_vq_state[[:space:]]*= vdpasim_get_vq_state,$'
free='^	\.free[[:space:]]*= vdpasim_free,$'
expect 1 "$first"
expect 2 "$state"
expect 2 "$free"
sed -E -i \
  -e "/$first/i #include \"doorbell-zoo.c\"" \
  -e "/$state/a \\	.get_vq_notification = zoo_get_vq_notification," \
  -e "/$free/c \\	.free = zoo_free," "$source"
expect 1 '^#include "doorbell-zoo\.c"$'
expect 2 'zoo_get_vq_notification,$'
expect 2 'zoo_free,$'

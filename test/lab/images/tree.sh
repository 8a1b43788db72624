#!/usr/bin/env bash
# tree.sh trixie: a Debian tree with QEMU 10.0, libvirt 11.3, Node and the vdpa tool, to be the root of L1 over 9p.
# Prints its path. Cached by this script's text; 6 min when absent.
. "$(dirname "$0")/cache.sh"
suite=${1:-trixie}
packages=qemu-system-x86,qemu-block-extra,ipxe-qemu,qemu-utils,seabios,nodejs,iproute2,libvirt-clients,libvirt-daemon-system,libvirt-daemon-driver-qemu,kmod,busybox-static,pciutils,python3-minimal
out=$cache/tree-$suite-$(key_of "$0")
if [ ! -e "$out/.done" ]; then
  say "building the $suite tree (about 6 min)"
  rm -rf "$out"
  mmdebstrap --quiet --variant=minbase --include="$packages" "$suite" "$out" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_uri) $suite main" >&2
  # mount points that a read-only root must already have
  mkdir -p "$out/share" "$out/project"
  touch "$out/.done"
fi
printf '%s\n' "$out"

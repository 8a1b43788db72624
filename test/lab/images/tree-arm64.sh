#!/usr/bin/env bash
# tree-arm64.sh: a Debian trixie tree for arm64 with QEMU 10.0 (for arm64 and x86 guests), Node and the vdpa tool, to be the root of L1 over 9p.
# Prints its path. Its packages are only unpacked: nothing of it can run here. Cached by this script's text and the
# version of ffi-rs; under a minute when absent.
. "$(dirname "$0")/cache.sh"
project=$images/../../..
ffi=$(node -p 'require(process.argv[1]).version' "$project/node_modules/ffi-rs/package.json")
packages=qemu-system-arm,qemu-system-x86,ipxe-qemu,seabios,qemu-utils,nodejs,iproute2,kmod,busybox-static,pciutils,bash,coreutils,util-linux,mount,libc-bin,grep,sed
out=$cache/tree-arm64-$(printf '%s\n' "$ffi" | key_of "$0" -)
if [ ! -e "$out/.done" ]; then
  say "building the arm64 tree (about a minute)"
  rm -rf "$out"
  mmdebstrap --quiet --variant=extract --arch=arm64 --include="$packages" trixie "$out" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_uri) trixie main" >&2
  # what the packages' own scripts would have made
  ln -sfn bash "$out/usr/bin/sh"
  mkdir -p "$out/etc" "$out/root" "$out/share" "$out/project" "$out/node_modules/@yuuang"
  printf 'root:x:0:0:root:/root:/bin/bash\n' >"$out/etc/passwd"
  printf 'root:x:0:\n' >"$out/etc/group"
  # The checkout's node_modules hold the binary for this machine. Node looks for a package in /node_modules at last.
  package=$(cd "$out" && npm pack --silent "@yuuang/ffi-rs-linux-arm64-gnu@$ffi")
  mkdir "$out/node_modules/@yuuang/ffi-rs-linux-arm64-gnu"
  tar -xzf "$out/$package" -C "$out/node_modules/@yuuang/ffi-rs-linux-arm64-gnu" --strip-components=1
  rm "$out/$package"
  touch "$out/.done"
fi
printf '%s\n' "$out"

#!/usr/bin/env bash
# initrd.sh [BUSYBOX]: packs busybox and initrd-init into the initrd of L1 and prints its path.
# Cached by both files. The default busybox is this machine's; another one (a static build for another
# architecture) is given by path.
. "$(dirname "$0")/cache.sh"
busybox=${1:-$(command -v busybox || true)}
[ -n "$busybox" ] || { say "no busybox (package busybox-static)"; exit 1; }
if [ -n "$(readelf -lW "$busybox" | grep INTERP)" ]; then
  say "$busybox is not static (package busybox-static)"
  exit 1
fi
out=$cache/initrd-$(key_of "$0" "$images/initrd-init" "$busybox").cpio.gz
if [ ! -e "$out" ]; then
  tree=$(mktemp -d)
  trap 'rm -rf "$tree"' EXIT
  mkdir "$tree/bin" "$tree/proc" "$tree/dev" "$tree/over" "$tree/new"
  install -m 755 "$busybox" "$tree/bin/busybox"
  install -m 755 "$images/initrd-init" "$tree/init"
  (cd "$tree" && find . | sort | cpio --quiet -o -H newc --owner 0:0 --reproducible) | gzip -9n >"$out.$$"
  mv "$out.$$" "$out"
fi
printf '%s\n' "$out"

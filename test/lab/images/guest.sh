#!/usr/bin/env bash
# Compiles the guest of the migration cells (guest/driver.c), a multiboot program, and prints its path.
. "$(dirname "$0")/cache.sh"
cc=${CC:-gcc}
source=$images/../guest/driver.c
out=$cache/guest-$({ "$cc" --version && cat "$0" "$source"; } | sha256sum | cut -c1-12)
if [ ! -e "$out" ]; then
  new=$(mktemp "$cache/guest.XXXXXX")
  trap 'rm -f "$new"' EXIT
  "$cc" -m32 -march=i686 -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -no-pie -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -mno-sse -nostdlib -static \
    -Wl,--build-id=none -Wl,-z,noexecstack,-z,norelro -T "$images/../guest/driver.ld" -o "$new" "$source" >&2
  chmod 644 "$new"
  mv -T "$new" "$out"
  trap - EXIT
fi
printf '%s\n' "$out"

# shellcheck shell=bash
# Sourced by the image scripts: where built things are kept, and Debian suites other than the machine's own.
set -euo pipefail

images=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${VDPA_QEMU_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vdpa-qemu-lab}
mkdir -p "$cache"
lock=$(basename "$0")${*:+-$*}
exec 8>"$cache/${lock//[\/ ]/-}.lock" && flock 8 # another run may be making the same

say() { printf 'lab: %s\n' "$*" >&2; }

# The Debian archive this machine already uses, so that no host name is written down here.
debian_uri() {
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' | awk '$2 == "Debian" && $1 !~ /security/ { print $1; exit }'
}

# apt_suite SUITE ARGS..: apt-get on another suite, without touching this machine's own apt set-up.
# Its package lists are good for a day, so that a lab run does not begin with the network every time.
apt_suite() {
  local dir=$cache/apt-$1 suite=$1
  shift
  if [ "$1" = update ] && [ -n "$(find "$dir/updated" -mtime -1 2>/dev/null)" ]; then return; fi
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\ndeb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$(debian_uri)" "$suite" "$(debian_uri)" "$suite" >"$dir/sources.list.$$"
  mv "$dir/sources.list.$$" "$dir/sources.list" # at once: another run may be reading it
  apt-get -qq -o "Dir::State::Lists=$dir/lists" -o "Dir::Etc::SourceList=$dir/sources.list" \
    -o Dir::Etc::SourceParts=/nonexistent -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root "$@" || return
  if [ "$1" = update ]; then touch "$dir/updated"; fi
}

# newest DIR-GLOB: the newest finished build, for a machine that cannot reach the archive.
newest() { ls -1dt "$@" 2>/dev/null | head -n 1; }

# key_of FILE..: a short name made from contents, so that a changed input is another cache entry.
key_of() { cat "$@" | sha256sum | cut -c1-12; }

#!/usr/bin/env bash
# kernel.sh VERSION ARCH: builds the lab kernel from Debian's source package linux-source-VERSION, with the doorbell
# zoo (../zoo) in its vdpa_sim, and prints the image's path. Cached by source package version, config, zoo and this
# script. 15 min on 2 cores when absent.
#   kernel.sh 6.12 x86_64
. "$(dirname "$0")/cache.sh"
version=${1:-6.12} arch=${2:-x86_64}
case $version in
  6.12) suite=trixie ;;
  6.1) suite=bookworm ;;
  *) say "no Debian suite known for linux-source-$version"; exit 2 ;;
esac
case $arch in
  x86_64) config=$images/kernel-x86_64.config target=bzImage image=arch/x86/boot/bzImage make_arch=(ARCH=x86_64) ;;
  arm64-64k) config=$images/kernel-arm64-64k.config target=Image image=arch/arm64/boot/Image make_arch=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-) ;;
  *) say "unknown architecture $arch"; exit 2 ;;
esac
zoo=$(cd "$images/../zoo" && pwd)

apt_suite "$suite" update || say "cannot update the package lists of $suite; using what is cached"
package=$(apt_suite "$suite" download --print-uris "linux-source-$version" 2>/dev/null | awk '{ print $2 }' || true)
if [ -z "$package" ]; then
  found=$(newest "$cache/kernel-$version-$arch-"*/image)
  [ -n "$found" ] || { say "no linux-source-$version to be had and no cached kernel"; exit 1; }
  say "no package lists of $suite; using $found"
  printf '%s\n' "$found"
  exit 0
fi
key=$(printf '%s\n' "$package" | cat - "$config" "$zoo/hook.sh" "$zoo/doorbell-zoo.c" "$0" | sha256sum | cut -c1-12)
out=$cache/kernel-$version-$arch-$key
exec 9>"$out.lock" && flock 9 # another run may be building the same
if [ ! -e "$out/image" ]; then
  say "building kernel $package for $arch (about 15 min on 2 cores); log: $out/build.log"
  rm -rf "$out" && mkdir -p "$out"
  cd "$out"
  trap 'tail -n 20 "$out/build.log" >&2' EXIT
  # not as part of an || list: there a failing command would not end the script
  {
    apt_suite "$suite" download "linux-source-$version"
    dpkg -x ./linux-source-"$version"_*.deb deb
    mkdir src
    tar -xf deb/usr/src/linux-source-"$version".tar.xz -C src --strip-components=1
    rm -rf deb ./*.deb
    "$zoo/hook.sh" src
    cd src
    make "${make_arch[@]}" tinyconfig
    scripts/kconfig/merge_config.sh -m .config "$config"
    make "${make_arch[@]}" olddefconfig
    make "${make_arch[@]}" -j"$(nproc)" "$target"
    cp .config "$out/config"
    cp "$image" "$out/image.new"
  } >"$out/build.log" 2>&1
  trap - EXIT
  cd "$out" && rm -rf src && mv image.new image
fi
printf '%s\n' "$out/image"

#!/bin/sh
# libvirt-host.sh NAME UUID [HOOK]: starts a libvirtd in L1 that is a host of its own to other libvirtds: its host name,
# host UUID and directories are its own, and the vDPA devices and the network are L1's. HOOK becomes its
# /etc/libvirt/hooks/qemu. Its directories can be seen by all in /run/lab/hosts/NAME: etc is /etc/libvirt, run is
# /run/libvirt, lib is /var/lib/libvirt, log is /var/log/libvirt, report is /var/lib/vdpa-qemu. Returns when it answers.
set -eu
name=$1 uuid=$2 hook=${3:-}
own=/run/lab/hosts/$name
mkdir -p "$own/run" "$own/lib" "$own/log" "$own/report" /run/libvirt /var/lib/vdpa-qemu
cp -r /etc/libvirt "$own/etc"
cat >>"$own/etc/qemu.conf" <<'CONF'
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
CONF
echo "host_uuid = \"$uuid\"" >>"$own/etc/libvirtd.conf"
if [ -n "$hook" ]; then
  mkdir -p "$own/etc/hooks"
  cp "$hook" "$own/etc/hooks/qemu"
  chmod 755 "$own/etc/hooks/qemu"
fi
unshare --mount --uts sh -euc '
  echo "$1" >/proc/sys/kernel/hostname
  mount --bind "$2/etc" /etc/libvirt
  mount --bind "$2/run" /run/libvirt
  mount --bind "$2/lib" /var/lib/libvirt
  mount --bind "$2/log" /var/log/libvirt
  mount --bind "$2/report" /var/lib/vdpa-qemu
  libvirtd -d -p "$2/libvirtd.pid"
' sh "$name" "$own"
tries=300
until virsh -q -c "qemu+unix:///system?socket=$own/run/libvirt-sock" version >"$own/version" 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" = 0 ]; then
    cat "$own/version" >&2
    exit 1
  fi
  sleep 0.2
done

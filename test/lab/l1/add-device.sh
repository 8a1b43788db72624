#!/bin/sh
# add-device.sh NAME MGMTDEV [ARG..]: creates a vDPA device, binds it to vhost_vdpa and prints its /dev/vhost-vdpa-N.
#   add-device.sh vp0 pci/0000:00:04.0           a virtio-net function of L0's QEMU, taken over from virtio_pci
#   add-device.sh sim0 vdpasim_net mac 52:54:00:0d:0a:02
# ARGs go to `vdpa dev add`. Drivers of the vdpa bus match every device, so autoprobing is off meanwhile:
# else virtio_vdpa would take the device and drive it as a network card of L1.
set -eu
name=$1 mgmtdev=$2
shift 2

case $mgmtdev in
  pci/*)
    address=${mgmtdev#pci/}
    function=/sys/bus/pci/devices/$address
    driver=$(basename "$(readlink "$function/driver" || echo none)")
    case $driver in
      vp-vdpa | none) ;;
      *) echo "$address" >"$function/driver/unbind" ;;
    esac
    negotiate-mq "$function"
    if [ "$driver" != vp-vdpa ]; then
      echo vp-vdpa >"$function/driver_override"
      echo "$address" >/sys/bus/pci/drivers_probe
    fi
    ;;
esac

echo 0 >/sys/bus/vdpa/drivers_autoprobe
trap 'echo 1 >/sys/bus/vdpa/drivers_autoprobe' EXIT
vdpa dev add name "$name" mgmtdev "$mgmtdev" "$@"
device=/sys/bus/vdpa/devices/$name
echo vhost_vdpa >"$device/driver_override"
echo "$name" >/sys/bus/vdpa/drivers/vhost_vdpa/bind
for node in "$device"/vhost-vdpa-*; do
  [ -c "/dev/$(basename "$node")" ] || { echo "add-device: no chardev for $name" >&2; exit 1; }
  echo "/dev/$(basename "$node")"
done

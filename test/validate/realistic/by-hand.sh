#!/bin/sh
# started by hand, as in the documentation of QEMU and of the vDPA tools
qemu-system-x86_64 \
  -nographic -m 4G -enable-kvm -cpu host -smp 2 -M q35 \
  -drive file="$IMAGE",if=virtio \
  -netdev type=vhost-vdpa,vhostdev=/dev/vhost-vdpa-0,id=vhost-vdpa1 \
  -device virtio-net-pci,netdev=vhost-vdpa1,mac="$MAC",page-per-vq=on,iommu_platform=off,rx_queue_size=256,tx_queue_size=256,bus=pcie.0,addr=0x7,disable-legacy=on \
  -qmp unix:/tmp/qmp.sock,server,nowait 2>&1 | tee /tmp/qemu.log

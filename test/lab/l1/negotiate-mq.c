/*
 * negotiate-mq PCI-DIRECTORY: writes VIRTIO_NET_F_MQ into the driver features of a virtio-net function nobody drives.
 *
 * QEMU (seen in 7.2) makes the virtqueues of the second and later queue pairs when the driver accepts MQ, and removes
 * them at reset, so that num_queues says 3 before. vp_vdpa reads num_queues when the vDPA device is created and would
 * make one that offers four pairs and has three virtqueues, on which QEMU 10.0 crashes. Real functions always count
 * all their queues; this makes QEMU's do so at that moment. The common configuration structure is where QEMU always
 * has it: BAR 4, offset 0 (virtio_pci_realize). A function that does not offer MQ is left alone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MQ = 22, CTRL_VQ = 17 };

/* struct virtio_pci_common_cfg, its beginning */
struct common {
    volatile uint32_t device_feature_select, device_feature, driver_feature_select, driver_feature;
};

int main(int argc, char **argv) {
    char path[256];
    if (argc != 2) {
        fprintf(stderr, "usage: negotiate-mq /sys/bus/pci/devices/ADDRESS\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/resource4", argv[1]);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct common *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || common == MAP_FAILED) {
        perror(path);
        return 1;
    }
    common->device_feature_select = 0;
    if (!(common->device_feature & 1u << MQ)) return 0;
    common->driver_feature_select = 0;
    common->driver_feature = 1u << MQ | 1u << CTRL_VQ;
    return 0;
}

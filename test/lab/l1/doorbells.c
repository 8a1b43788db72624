/*
 * doorbells DEVICE: asks the kernel, for every virtqueue of a vhost-vdpa device, whether its doorbell can be mapped.
 *
 * The lab's own witness: it shares no code with the product, takes its numbers from the kernel's header, and maps the
 * way QEMU does (one page, PROT_WRITE, MAP_SHARED, offset = index * page size; hw/virtio/vhost-vdpa.c:
 * vhost_vdpa_host_notifier_init) after FEATURES_OK, where some parent drivers first know their queues. Nothing is ever
 * written to a mapping. Prints one JSON object. errno 0 = mapped; 524 is ENOTSUPP, which libc does not name.
 * An ioctl the kernel does not have is null. Exit: 0 printed, 1 device refused something that must work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Debian 12's headers are those of Linux 6.1; these came before or with it, older ones may lack them. */
#ifndef VHOST_VDPA_GET_CONFIG_SIZE
#define VHOST_VDPA_GET_CONFIG_SIZE _IOR(VHOST_VIRTIO, 0x79, __u32)
#endif
#ifndef VHOST_VDPA_GET_VQS_COUNT
#define VHOST_VDPA_GET_VQS_COUNT _IOR(VHOST_VIRTIO, 0x80, __u32)
#endif
#ifndef VHOST_VDPA_GET_GROUP_NUM
#define VHOST_VDPA_GET_GROUP_NUM _IOR(VHOST_VIRTIO, 0x81, __u32)
#endif
#ifndef VHOST_VDPA_GET_AS_NUM
#define VHOST_VDPA_GET_AS_NUM _IOR(VHOST_VIRTIO, 0x7A, unsigned int)
#endif

enum { ACKNOWLEDGE = 1, DRIVER = 2, FEATURES_OK = 8 };

static const char *device;

static void die(const char *what) {
    fprintf(stderr, "doorbells: %s: %s: errno %d (%s)\n", device, what, errno, strerror(errno));
    exit(1);
}

static void set_status(int fd, uint8_t status) {
    if (ioctl(fd, VHOST_VDPA_SET_STATUS, &status)) die("SET_STATUS");
}

/* "name":value, or null where the kernel does not know the ioctl */
static void print_u32(int fd, const char *name, unsigned long request) {
    uint32_t value = 0;
    if (ioctl(fd, request, &value)) printf("\"%s\":null,", name);
    else printf("\"%s\":%u,", name, value);
}

static void print_vq(int fd, uint32_t index, long page) {
    void *doorbell = mmap(NULL, page, PROT_WRITE, MAP_SHARED, fd, (off_t)index * page);
    int error = doorbell == MAP_FAILED ? errno : 0;
    printf("%s{\"index\":%u,\"errno\":%d}", index ? "," : "", index, error);
    if (!error && munmap(doorbell, page)) die("munmap");
}

int main(int argc, char **argv) {
    uint64_t features = 0, backend_features = 0;
    uint32_t device_id = 0, count = 0;
    uint16_t vq_size = 0;
    uint8_t status = 0;
    long page = sysconf(_SC_PAGESIZE);

    if (argc != 2) {
        fprintf(stderr, "usage: doorbells /dev/vhost-vdpa-N\n");
        return 2;
    }
    device = argv[1];
    int fd = open(device, O_RDWR | O_CLOEXEC);
    if (fd < 0) die("open");
    if (ioctl(fd, VHOST_VDPA_GET_DEVICE_ID, &device_id)) die("GET_DEVICE_ID");
    if (ioctl(fd, VHOST_GET_FEATURES, &features)) die("GET_FEATURES");
    if (ioctl(fd, VHOST_GET_BACKEND_FEATURES, &backend_features)) die("GET_BACKEND_FEATURES");
    if (ioctl(fd, VHOST_VDPA_GET_VRING_NUM, &vq_size)) die("GET_VRING_NUM");
    /* Without the count nothing is mapped: an index too large reads out of bounds in older kernels (CVE-2026-74312). */
    if (ioctl(fd, VHOST_VDPA_GET_VQS_COUNT, &count)) die("GET_VQS_COUNT");

    set_status(fd, ACKNOWLEDGE | DRIVER);
    if (ioctl(fd, VHOST_SET_FEATURES, &features)) die("SET_FEATURES");
    set_status(fd, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    if (ioctl(fd, VHOST_VDPA_GET_STATUS, &status)) die("GET_STATUS");
    if (!(status & FEATURES_OK)) {
        errno = 0;
        die("FEATURES_OK did not stick");
    }

    printf("{\"device\":\"%s\",\"pageSize\":%ld,\"deviceId\":%u,", device, page, device_id);
    printf("\"features\":\"0x%llx\",", (unsigned long long)features);
    printf("\"backendFeatures\":\"0x%llx\",", (unsigned long long)backend_features);
    print_u32(fd, "configSize", VHOST_VDPA_GET_CONFIG_SIZE);
    print_u32(fd, "groups", VHOST_VDPA_GET_GROUP_NUM);
    print_u32(fd, "addressSpaces", VHOST_VDPA_GET_AS_NUM);
    printf("\"vqCount\":%u,\"vqSizeMax\":%u,\"vqs\":[", count, vq_size);
    for (uint32_t index = 0; index < count; index++) print_vq(fd, index, page);
    printf("]}\n");

    set_status(fd, 0);
    close(fd);
    return fflush(stdout) ? 1 : 0;
}

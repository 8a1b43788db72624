/*
 * ring DEVICE VIRTQUEUE: maps the doorbell of a virtqueue of an idle vhost-vdpa device and stores two bytes to it: what
 * a probe must never do. Only for devices of the doorbell zoo, whose pattern then shows that it can tell.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    long page = sysconf(_SC_PAGESIZE);
    if (argc != 3) {
        fprintf(stderr, "usage: ring /dev/vhost-vdpa-N VIRTQUEUE\n");
        return 2;
    }
    int fd = open(argv[1], O_RDWR | O_CLOEXEC);
    volatile uint16_t *doorbell = mmap(NULL, page, PROT_WRITE, MAP_SHARED, fd, atoi(argv[2]) * page);
    if (fd < 0 || doorbell == MAP_FAILED) {
        perror(argv[1]);
        return 1;
    }
    *doorbell = (uint16_t)atoi(argv[2]);
    return 0;
}

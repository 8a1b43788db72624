/*
 * A vhost-vdpa device for tests, put before libc: ioctl() and mmap() on a descriptor of /dev/null are served as
 * drivers/vhost/vdpa.c and vhost.c would, everything else goes to the kernel. Numbers and structures come from
 * <linux/vhost.h> where it is new enough, not from the product.
 *
 * -DDIRECTORY="..": each call is a line in DIRECTORY/log; DIRECTORY/scenario says what is different from a page-per-vq
 * network device with 3 virtqueues on a new kernel, as words:
 *   old-kernel        none of the ioctls that came after Linux 5.10
 *   refuse-features   SET_FEATURES gives EINVAL
 *   drop-features-ok  the device takes FEATURES_OK away again
 *   sub-page          doorbells of 4 bytes: vq 0 ENOTSUPP (524), others EINVAL
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef VHOST_VDPA_GET_VRING_SIZE
#define VHOST_VDPA_GET_VRING_SIZE _IOWR(VHOST_VIRTIO, 0x82, struct vhost_vring_state)
#endif
#define NVQS 3
#define ENOTSUPP 524

static uint8_t status;
static int features_valid, owned, mapped;

static int is_device(int fd) {
    struct stat found;
    int saved = errno, yes = fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3);
    errno = saved;
    return yes;
}

static int scenario(const char *word) {
    char text[256];
    int saved = errno, fd = open(DIRECTORY "/scenario", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[length > 0 ? length : 0] = 0;
    errno = saved;
    return strstr(text, word) != NULL;
}

static void note(const char *format, ...) {
    va_list args;
    int saved = errno, fd = open(DIRECTORY "/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    va_start(args, format);
    if (fd >= 0) vdprintf(fd, format, args);
    va_end(args);
    if (fd >= 0) close(fd);
    errno = saved;
}

static int fail(int error) {
    errno = error;
    return -1;
}

/* what a kernel answers to an ioctl that it does not know: vhost_dev_ioctl(), then vhost_vdpa_vring_ioctl() */
static int missing(void *argument) {
    uint32_t index = 0;
    if (!owned) return fail(EPERM);
    memcpy(&index, argument, sizeof index);
    return fail(index >= NVQS ? ENOBUFS : ENOTTY);
}

static int put(void *argument, const void *value, size_t size) {
    memcpy(argument, value, size);
    return 0;
}

static int serve(unsigned long request, void *argument) {
    static const uint64_t features = 0x300010020; /* MAC, STATUS, VERSION_1, ACCESS_PLATFORM */
    struct vhost_vring_state vring;
    struct vhost_vdpa_config config;
    int old = scenario("old-kernel");

    switch (request) {
    case VHOST_VDPA_GET_DEVICE_ID: return note("GET_DEVICE_ID\n"), put(argument, &(uint32_t){1}, 4);
    case VHOST_GET_FEATURES: return note("GET_FEATURES\n"), put(argument, &features, 8);
    case VHOST_GET_BACKEND_FEATURES: return note("GET_BACKEND_FEATURES\n"), put(argument, &(uint64_t){0x10e}, 8);
    case VHOST_VDPA_GET_VRING_NUM: return note("GET_VRING_NUM\n"), put(argument, &(uint16_t){256}, 2);
    case VHOST_VDPA_GET_IOVA_RANGE:
        return note("GET_IOVA_RANGE\n"), put(argument, &(struct vhost_vdpa_iova_range){0, 0xffffffffffff}, 16);
    case VHOST_VDPA_GET_STATUS: return note("GET_STATUS\n"), put(argument, &status, 1);
    case VHOST_VDPA_SET_STATUS:
        status = *(uint8_t *)argument;
        note("SET_STATUS %u\n", status);
        if (scenario("drop-features-ok")) status &= ~8;
        if (status == 0) features_valid = owned = 0; /* owned: so that the next open starts anew */
        return 0;
    case VHOST_SET_FEATURES:
        note("SET_FEATURES 0x%llx\n", (unsigned long long)*(uint64_t *)argument);
        if (scenario("refuse-features")) return fail(EINVAL);
        features_valid = 1;
        return 0;
    case VHOST_VDPA_GET_CONFIG:
        memcpy(&config, argument, sizeof config);
        note("GET_CONFIG %u %u%s\n", config.off, config.len, features_valid ? "" : " WITHOUT FEATURES");
        if (config.off + config.len > 12) return fail(EINVAL);
        return put((char *)argument + 8, "\x52\x54\0\x12\x34\x56\1\0\0\0\0\0" + config.off, config.len);
    case VHOST_SET_OWNER:
        note("SET_OWNER\n");
        if (owned) return fail(EBUSY);
        owned = 1;
        return 0;
    }
    if (old) return note("unknown\n"), missing(argument);
    switch (request) {
    case VHOST_VDPA_GET_VQS_COUNT: return note("GET_VQS_COUNT\n"), put(argument, &(uint32_t){NVQS}, 4);
    case VHOST_VDPA_GET_CONFIG_SIZE: return note("GET_CONFIG_SIZE\n"), put(argument, &(uint32_t){12}, 4);
    case VHOST_VDPA_GET_GROUP_NUM: return note("GET_GROUP_NUM\n"), put(argument, &(uint32_t){1}, 4);
    case VHOST_VDPA_GET_AS_NUM: return note("GET_AS_NUM\n"), put(argument, &(uint32_t){1}, 4);
    case VHOST_VDPA_GET_VRING_GROUP:
    case VHOST_VDPA_GET_VRING_SIZE:
        memcpy(&vring, argument, sizeof vring);
        note("%s %u\n", request == VHOST_VDPA_GET_VRING_GROUP ? "GET_VRING_GROUP" : "GET_VRING_SIZE", vring.index);
        if (!owned) return fail(EPERM);
        if (vring.index >= NVQS) return fail(ENOBUFS);
        if (request == VHOST_VDPA_GET_VRING_GROUP) return fail(EOPNOTSUPP); /* as vp_vdpa before 6.x */
        vring.num = 256;
        return put(argument, &vring, sizeof vring);
    }
    note("request 0x%lx\n", request);
    return missing(argument);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return is_device(fd) ? serve(request, argument) : (int)syscall(SYS_ioctl, fd, request, argument);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    long page = sysconf(_SC_PAGESIZE), index = offset / page;
    if (fd < 0 || !is_device(fd)) return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
    note("mmap %ld protection %d%s%s\n", index, protection, status & 8 ? "" : " WITHOUT FEATURES_OK",
         index >= NVQS ? " OUT OF BOUNDS" : "");
    int error = (long)length != page || flags != MAP_SHARED || (protection & PROT_READ) ? EINVAL
                : !scenario("sub-page")                                                 ? 0
                : index                                                                 ? EINVAL
                                                                                        : ENOTSUPP;
    if (error) return errno = error, MAP_FAILED;
    mapped++;
    return (void *)syscall(SYS_mmap, NULL, length, protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

int munmap(void *address, size_t length) {
    if (mapped > 0) {
        mapped--;
        note("munmap\n");
    }
    return (int)syscall(SYS_munmap, address, length);
}

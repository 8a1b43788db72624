/*
 * vhost-user-notifier SOCKET PAGE [VQ..]: a vhost-user network back end that moves no packet, but gives QEMU a doorbell
 * page for each of these virtqueues (all when left out), as a DPDK vDPA driver does: VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG.
 * The page of virtqueue N is page N of the file PAGE, so that anybody can see what the guest stores there.
 * Messages and numbers: QEMU's docs/interop/vhost-user.rst.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    GET_FEATURES = 1,
    GET_VRING_BASE = 11,
    SET_VRING_KICK = 12,
    GET_PROTOCOL_FEATURES = 15,
    GET_QUEUE_NUM = 17,
    SET_BACKEND_REQ_FD = 21,
    BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
    VERSION = 1,
    REPLY = 4,
    PAGE = 4096,
    MOST_FDS = 8,
};

struct header {
    uint32_t request, flags, size;
} __attribute__((packed));

struct message {
    struct header header;
    union {
        uint64_t word;
        struct {
            uint32_t index, num;
        } state;
        struct {
            uint64_t vq, size, offset;
        } area;
        char bytes[4096];
    } payload;
} __attribute__((packed));

static void send_with(int to, struct message *message, uint32_t size, int fd)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {message, sizeof(message->header) + size};
    struct msghdr out = {.msg_iov = &part, .msg_iovlen = 1};
    message->header.size = size;
    if (fd >= 0) {
        out.msg_control = control;
        out.msg_controllen = sizeof(control);
        struct cmsghdr *head = CMSG_FIRSTHDR(&out);
        *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &fd, sizeof(int));
    }
    if (sendmsg(to, &out, MSG_NOSIGNAL) < 0)
        warn("send");
}

static void reply(int to, struct message *message, uint32_t size)
{
    message->header.flags = VERSION | REPLY;
    send_with(to, message, size, -1);
}

static void give_page(int backend, int pages, uint64_t vq)
{
    struct message message = {.header = {BACKEND_VRING_HOST_NOTIFIER_MSG, VERSION, 0}};
    message.payload.area.vq = vq;
    message.payload.area.size = PAGE;
    message.payload.area.offset = vq * PAGE;
    send_with(backend, &message, sizeof(message.payload.area), pages);
}

/* One message and the descriptors that come with it; false: the other side has gone. */
static bool receive(int from, struct message *message, int *fds)
{
    char control[CMSG_SPACE(MOST_FDS * sizeof(int))];
    struct iovec part = {&message->header, sizeof(message->header)};
    struct msghdr in = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    if (recvmsg(from, &in, MSG_WAITALL) != sizeof(message->header))
        return false;
    for (int i = 0; i < MOST_FDS; i++)
        fds[i] = -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&in); head; head = CMSG_NXTHDR(&in, head))
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
            memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
    uint32_t size = message->header.size;
    if (size > sizeof(message->payload))
        errx(1, "a message of %u bytes", size);
    return size == 0 || recv(from, &message->payload, size, MSG_WAITALL) == (ssize_t)size;
}

static void serve(int client, int pages, const bool *wanted)
{
    static struct message message;
    int fds[MOST_FDS], backend = -1;
    while (receive(client, &message, fds)) {
        bool keep = false;
        switch (message.header.request) {
        case GET_FEATURES: /* VIRTIO_F_VERSION_1, VHOST_USER_F_PROTOCOL_FEATURES */
            message.payload.word = 1ull << 32 | 1ull << 30;
            reply(client, &message, sizeof(uint64_t));
            break;
        case GET_PROTOCOL_FEATURES: /* BACKEND_REQ, BACKEND_SEND_FD, HOST_NOTIFIER */
            message.payload.word = 1ull << 5 | 1ull << 10 | 1ull << 11;
            reply(client, &message, sizeof(uint64_t));
            break;
        case GET_QUEUE_NUM:
            message.payload.word = 2;
            reply(client, &message, sizeof(uint64_t));
            break;
        case GET_VRING_BASE:
            message.payload.state.num = 0;
            reply(client, &message, sizeof(message.payload.state));
            break;
        case SET_BACKEND_REQ_FD:
            backend = fds[0];
            keep = true;
            break;
        case SET_VRING_KICK: {
            uint64_t vq = message.payload.word & 0xff;
            if (backend >= 0 && vq < 2 && wanted[vq])
                give_page(backend, pages, vq);
            break;
        }
        default:
            break;
        }
        for (int i = 0; i < MOST_FDS && !keep; i++)
            if (fds[i] >= 0)
                close(fds[i]);
    }
    if (backend >= 0)
        close(backend);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(2, "usage: vhost-user-notifier SOCKET PAGE [VQ..]");
    bool wanted[2] = {argc == 3, argc == 3};
    for (int i = 3; i < argc; i++)
        wanted[atoi(argv[i]) & 1] = true;
    int pages = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (pages < 0 || ftruncate(pages, 2 * PAGE) < 0)
        err(1, "%s", argv[2]);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(argv[1]) >= sizeof(address.sun_path))
        errx(2, "%s: too long", argv[1]);
    strcpy(address.sun_path, argv[1]);
    unlink(argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        err(1, "%s", argv[1]);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            err(1, "accept");
        serve(client, pages, wanted);
        close(client);
    }
}

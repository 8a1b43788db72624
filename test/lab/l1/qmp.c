/*
 * qmp SOCKET COMMAND..: sends QMP commands (JSON objects) to a QEMU one after another and prints the replies as one
 * JSON array: {"return": ..} or {"error": ..}, in the order asked. Events are dropped.
 *
 * The lab's own witness of what QEMU did: it shares no code with the product's QMP client. In C because Node takes
 * 1.5 s to start under emulation, and waiting for a guest asks often. It needs no JSON parser: QEMU writes one
 * message per line, and a reply to a command without id has exactly one key.
 * Exit code: 0 every command was answered, 1 the connection failed or ended before, 2 wrong usage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *path;

static void die(const char *what) {
    fprintf(stderr, "qmp: %s: %s\n", path, what);
    exit(1);
}

static FILE *dial(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof(address.sun_path)) die("path too long");
    strcpy(address.sun_path, path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) die(strerror(errno));
    return fdopen(fd, "r");
}

/* The next line that begins as wanted, without its end. */
static const char *next(FILE *from, const char *one, const char *other) {
    static char *line;
    static size_t size;
    while (getline(&line, &size, from) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!strncmp(line, one, strlen(one)) || !strncmp(line, other, strlen(other))) return line;
    }
    die("closed before the last reply");
    return NULL;
}

static const char *ask(FILE *qemu, const char *command) {
    if (dprintf(fileno(qemu), "%s\n", command) < 0) die(strerror(errno));
    return next(qemu, "{\"return\":", "{\"error\":");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: qmp SOCKET COMMAND..\n");
        return 2;
    }
    path = argv[1];
    FILE *qemu = dial();
    next(qemu, "{\"QMP\":", "{\"QMP\":");
    ask(qemu, "{\"execute\":\"qmp_capabilities\"}");
    for (int i = 2; i < argc; i++) printf("%s%s", i == 2 ? "[" : ",\n", ask(qemu, argv[i]));
    printf("]\n");
    return fflush(stdout) ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: lines in, lines out, for a few clients at a time. */

#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CLIENTS 8
#define MAX_LINE 1024

typedef struct Client {
    int fd; /* -1: free */
    size_t used;
    char line[MAX_LINE];
} Client;

struct GpuControl {
    GpuMachine *machine;
    char *path;
    int listen_fd;
    int quit_fd[2]; /* closing [1] ends the thread */
    GThread *thread;
    Client client[MAX_CLIENTS];
};

static bool fill_address(const char *path, struct sockaddr_un *address)
{
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(address->sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(address->sun_path, path);
    return true;
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        text += sent;
        len -= sent;
    }
    return true;
}

static void client_drop(Client *client)
{
    close(client->fd);
    client->fd = -1;
}

static void client_read(GpuControl *control, Client *client)
{
    ssize_t got = recv(client->fd, client->line + client->used,
                       MAX_LINE - 1 - client->used, MSG_DONTWAIT);
    char *end;

    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got <= 0) {
        client_drop(client);
        return;
    }
    client->used += got;
    client->line[client->used] = '\0';
    while ((end = memchr(client->line, '\n', client->used))) {
        g_autofree char *answer = NULL;
        g_autofree char *reply = NULL;
        size_t taken = end - client->line + 1;

        *end = '\0';
        answer = gpu_control_execute(control->machine, client->line);
        reply = g_strconcat(answer, "\n", NULL);
        if (!send_all(client->fd, reply, strlen(reply))) {
            client_drop(client);
            return;
        }
        memmove(client->line, client->line + taken, client->used - taken);
        client->used -= taken;
    }
    if (client->used == MAX_LINE - 1) {
        send_all(client->fd, "error: line too long\n", 21);
        client_drop(client);
    }
}

static void client_accept(GpuControl *control)
{
    struct timeval patience = { .tv_sec = 1 };
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0) {
        return;
    }
    /* who does not read the answers must not stop the others for long */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    for (unsigned i = 0; i < MAX_CLIENTS; i++) {
        if (control->client[i].fd < 0) {
            control->client[i].fd = fd;
            control->client[i].used = 0;
            return;
        }
    }
    send_all(fd, "error: too many clients\n", 24);
    close(fd);
}

static gpointer control_main(gpointer data)
{
    GpuControl *control = data;

    for (;;) {
        struct pollfd fds[2 + MAX_CLIENTS] = {
            { .fd = control->quit_fd[0], .events = POLLIN },
            { .fd = control->listen_fd, .events = POLLIN },
        };

        for (unsigned i = 0; i < MAX_CLIENTS; i++) {
            fds[2 + i].fd = control->client[i].fd;
            fds[2 + i].events = POLLIN;
        }
        if (poll(fds, G_N_ELEMENTS(fds), -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            break;
        }
        if (fds[0].revents) {
            break;
        }
        for (unsigned i = 0; i < MAX_CLIENTS; i++) {
            if (fds[2 + i].revents && control->client[i].fd >= 0) {
                client_read(control, &control->client[i]);
            }
        }
        if (fds[1].revents) {
            client_accept(control);
        }
    }
    for (unsigned i = 0; i < MAX_CLIENTS; i++) {
        if (control->client[i].fd >= 0) {
            client_drop(&control->client[i]);
        }
    }
    return NULL;
}

GpuControl *gpu_control_new(GpuMachine *machine, const char *path,
                            GError **error)
{
    g_autoptr(GpuControl) control = g_new0(GpuControl, 1);
    struct sockaddr_un address;
    mode_t mask;
    bool bound;

    control->machine = machine;
    control->quit_fd[0] = control->quit_fd[1] = -1;
    for (unsigned i = 0; i < MAX_CLIENTS; i++) {
        control->client[i].fd = -1;
    }
    control->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control->listen_fd < 0 || !fill_address(path, &address)) {
        goto fail;
    }
    unlink(path);
    mask = umask(0177);
    bound = bind(control->listen_fd, (struct sockaddr *)&address,
                 sizeof(address)) == 0;
    umask(mask);
    if (!bound) {
        goto fail;
    }
    control->path = g_strdup(path);
    if (listen(control->listen_fd, MAX_CLIENTS) < 0 ||
        pipe2(control->quit_fd, O_CLOEXEC) < 0) {
        goto fail;
    }
    control->thread = g_thread_new("control", control_main, control);
    return g_steal_pointer(&control);

fail:
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                "control socket %s: %s", path, g_strerror(errno));
    return NULL;
}

void gpu_control_free(GpuControl *control)
{
    if (control->thread) {
        close(control->quit_fd[1]);
        g_thread_join(control->thread);
        close(control->quit_fd[0]);
    }
    if (control->listen_fd >= 0) {
        close(control->listen_fd);
    }
    if (control->path) {
        unlink(control->path);
        g_free(control->path);
    }
    g_free(control);
}

int gpu_control_client(const char *path, char **words)
{
    g_autofree char *text = g_strjoinv(" ", words);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    g_autoptr(GString) answer = g_string_new(NULL);
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !fill_address(path, &address) ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        fprintf(stderr, "svmgpu-device: %s: %s; is the VM running?\n", path,
                g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return 1;
    }
    if (send_all(fd, line, strlen(line))) {
        char buffer[4096];
        ssize_t got;

        while (!strchr(answer->str, '\n') &&
               (got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
            g_string_append_len(answer, buffer, got);
        }
    }
    close(fd);
    if (answer->len == 0) {
        fprintf(stderr, "svmgpu-device: %s: no answer\n", path);
        return 1;
    }
    fputs(answer->str, stdout);
    return g_str_has_prefix(answer->str, "error") ? 1 : 0;
}

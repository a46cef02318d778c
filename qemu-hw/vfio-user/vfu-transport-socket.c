/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages over a UNIX stream socket.
 */

#include "vfu-transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct VfuSocketTransport {
    VfuTransport parent;

    int fd;
} VfuSocketTransport;

static ssize_t vfu_socket_recv(VfuTransport *transport, void *buf, size_t len,
                               int *fds, size_t *n_fds)
{
    VfuSocketTransport *self = (VfuSocketTransport *)transport;
    union {
        char buf[CMSG_SPACE(sizeof(int) * VFU_TRANSPORT_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec iov = { .iov_base = buf, .iov_len = len };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buf,
        .msg_controllen = sizeof(control.buf),
    };
    struct cmsghdr *cmsg;
    ssize_t ret;

    *n_fds = 0;
    do {
        ret = recvmsg(self->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }

    for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
        size_t n, i;

        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
            if (*n_fds < VFU_TRANSPORT_MAX_FDS) {
                fds[(*n_fds)++] = fd;
            } else {
                close(fd);
            }
        }
    }
    return ret;
}

static ssize_t vfu_socket_send(VfuTransport *transport, const void *buf,
                               size_t len, const int *fds, size_t n_fds)
{
    VfuSocketTransport *self = (VfuSocketTransport *)transport;
    union {
        char buf[CMSG_SPACE(sizeof(int) * VFU_TRANSPORT_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t ret;

    g_assert(n_fds <= VFU_TRANSPORT_MAX_FDS);
    if (n_fds > 0) {
        struct cmsghdr *cmsg;

        memset(&control, 0, sizeof(control));
        msg.msg_control = control.buf;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
    }

    do {
        ret = sendmsg(self->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    }
    return ret;
}

static int vfu_socket_get_fd(VfuTransport *transport)
{
    return ((VfuSocketTransport *)transport)->fd;
}

static void vfu_socket_free(VfuTransport *transport)
{
    VfuSocketTransport *self = (VfuSocketTransport *)transport;

    close(self->fd);
    g_free(self);
}

static const VfuTransportOps vfu_socket_ops = {
    .recv = vfu_socket_recv,
    .send = vfu_socket_send,
    .get_fd = vfu_socket_get_fd,
    .free = vfu_socket_free,
};

VfuTransport *vfu_transport_new_socket(int fd)
{
    VfuSocketTransport *self = g_new0(VfuSocketTransport, 1);

    self->parent.ops = &vfu_socket_ops;
    self->fd = fd;
    return &self->parent;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What carries the messages.
 *
 * A VfuTransport is one connection: a stream of bytes in both directions,
 * with descriptors attached to some of the received bytes. The server never
 * sees a socket, so that the same code is driven by a UNIX socket in use and
 * by a buffer in memory when it is fuzzed.
 */

#ifndef VFU_TRANSPORT_H
#define VFU_TRANSPORT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* As many descriptors as the kernel can attach to one message. */
#define VFU_TRANSPORT_MAX_FDS 253

typedef struct VfuTransport VfuTransport;

typedef struct VfuTransportOps {
    /*
     * Receives at most `len` bytes without sleeping. Descriptors that came
     * with them are stored in `fds` (room for VFU_TRANSPORT_MAX_FDS) and
     * belong to the caller. Returns the number of bytes, 0 at the end of the
     * stream, -EAGAIN when there is nothing now, or another -errno.
     */
    ssize_t (*recv)(VfuTransport *transport, void *buf, size_t len, int *fds,
                    size_t *n_fds);

    /*
     * Sends without sleeping. Descriptors go with the first byte. Returns
     * the number of bytes, -EAGAIN, or another -errno.
     */
    ssize_t (*send)(VfuTransport *transport, const void *buf, size_t len,
                    const int *fds, size_t n_fds);

    /* A descriptor to poll, or -1 when recv and send never say -EAGAIN. */
    int (*get_fd)(VfuTransport *transport);

    void (*free)(VfuTransport *transport);
} VfuTransportOps;

struct VfuTransport {
    const VfuTransportOps *ops;
};

static inline void vfu_transport_free(VfuTransport *transport)
{
    if (transport) {
        transport->ops->free(transport);
    }
}

/* A connected UNIX stream socket; takes `fd`. */
VfuTransport *vfu_transport_new_socket(int fd);

/*
 * A peer in memory: everything that it will ever say is pushed first, then
 * the server reads it to the end. What the server sends is kept.
 */
VfuTransport *vfu_transport_new_memory(void);

/* Appends bytes; takes the descriptors, which arrive with the first byte. */
void vfu_transport_memory_push(VfuTransport *transport, const void *buf,
                               size_t len, const int *fds, size_t n_fds);

/* What was sent so far; owned by the transport. */
const GByteArray *vfu_transport_memory_get_sent(VfuTransport *transport);

#endif /* VFU_TRANSPORT_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer in memory, for fuzzing and for tests that need no socket.
 */

#include "vfu-transport.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct VfuMemoryChunk {
    GByteArray *bytes;
    size_t read;
    int fds[VFU_TRANSPORT_MAX_FDS];
    size_t n_fds;
} VfuMemoryChunk;

typedef struct VfuMemoryTransport {
    VfuTransport parent;

    GQueue incoming; /* VfuMemoryChunk */
    GByteArray *sent;
} VfuMemoryTransport;

static void vfu_memory_chunk_free(VfuMemoryChunk *chunk)
{
    size_t i;

    for (i = 0; i < chunk->n_fds; i++) {
        close(chunk->fds[i]);
    }
    g_byte_array_unref(chunk->bytes);
    g_free(chunk);
}

static ssize_t vfu_memory_recv(VfuTransport *transport, void *buf, size_t len,
                               int *fds, size_t *n_fds)
{
    VfuMemoryTransport *self = (VfuMemoryTransport *)transport;
    VfuMemoryChunk *chunk = g_queue_peek_head(&self->incoming);
    size_t n;

    *n_fds = 0;
    if (!chunk) {
        return 0;
    }

    n = MIN(len, chunk->bytes->len - chunk->read);
    memcpy(buf, chunk->bytes->data + chunk->read, n);
    chunk->read += n;
    memcpy(fds, chunk->fds, chunk->n_fds * sizeof(int));
    *n_fds = chunk->n_fds;
    chunk->n_fds = 0;
    if (chunk->read == chunk->bytes->len) {
        vfu_memory_chunk_free(g_queue_pop_head(&self->incoming));
    }
    return n;
}

static ssize_t vfu_memory_send(VfuTransport *transport, const void *buf,
                               size_t len, const int *fds G_GNUC_UNUSED,
                               size_t n_fds G_GNUC_UNUSED)
{
    VfuMemoryTransport *self = (VfuMemoryTransport *)transport;

    g_byte_array_append(self->sent, buf, len);
    return len;
}

static int vfu_memory_get_fd(VfuTransport *transport G_GNUC_UNUSED)
{
    return -1;
}

static void vfu_memory_free(VfuTransport *transport)
{
    VfuMemoryTransport *self = (VfuMemoryTransport *)transport;

    g_queue_clear_full(&self->incoming, (GDestroyNotify)vfu_memory_chunk_free);
    g_byte_array_unref(self->sent);
    g_free(self);
}

static const VfuTransportOps vfu_memory_ops = {
    .recv = vfu_memory_recv,
    .send = vfu_memory_send,
    .get_fd = vfu_memory_get_fd,
    .free = vfu_memory_free,
};

VfuTransport *vfu_transport_new_memory(void)
{
    VfuMemoryTransport *self = g_new0(VfuMemoryTransport, 1);

    self->parent.ops = &vfu_memory_ops;
    g_queue_init(&self->incoming);
    self->sent = g_byte_array_new();
    return &self->parent;
}

void vfu_transport_memory_push(VfuTransport *transport, const void *buf,
                               size_t len, const int *fds, size_t n_fds)
{
    VfuMemoryTransport *self = (VfuMemoryTransport *)transport;
    VfuMemoryChunk *chunk;

    g_assert(transport->ops == &vfu_memory_ops);
    g_assert(len > 0 && n_fds <= VFU_TRANSPORT_MAX_FDS);

    chunk = g_new0(VfuMemoryChunk, 1);
    chunk->bytes = g_byte_array_append(g_byte_array_new(), buf, len);
    for (chunk->n_fds = 0; chunk->n_fds < n_fds; chunk->n_fds++) {
        chunk->fds[chunk->n_fds] = fds[chunk->n_fds];
    }
    g_queue_push_tail(&self->incoming, chunk);
}

const GByteArray *vfu_transport_memory_get_sent(VfuTransport *transport)
{
    g_assert(transport->ops == &vfu_memory_ops);
    return ((VfuMemoryTransport *)transport)->sent;
}

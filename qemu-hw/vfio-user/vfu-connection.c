/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framing: bytes and descriptors to messages and back.
 *
 * Nothing here sleeps. A message may arrive in any number of pieces, and what
 * the socket does not take is queued. Sizes are checked before memory is
 * allocated for them.
 */

#include "vfu-internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A client that leaves this much unread is not reading at all. */
#define VFU_MAX_OUTPUT_BYTES (16 * 1024 * 1024)

void vfu_message_free(VfuMessage *message)
{
    size_t i;

    for (i = 0; i < message->n_fds; i++) {
        if (message->fds[i] >= 0) {
            close(message->fds[i]);
        }
    }
    g_free(message->payload);
    g_free(message);
}

void vfu_connection_reset_rx(VfuServer *server)
{
    size_t i;

    for (i = 0; i < server->rx.n_fds; i++) {
        close(server->rx.fds[i]);
    }
    g_clear_pointer(&server->rx.message, vfu_message_free);
    memset(&server->rx, 0, sizeof(server->rx));
}

/* Descriptors belong to the message in whose bytes they came. */
static void vfu_connection_take_fds(VfuServer *server, const int *fds,
                                    size_t n_fds)
{
    size_t i;

    for (i = 0; i < n_fds; i++) {
        if (server->rx.n_fds < VFU_MAX_MSG_FDS) {
            server->rx.fds[server->rx.n_fds++] = fds[i];
        } else {
            server->rx.too_many_fds = true;
            close(fds[i]);
        }
    }
}

static ssize_t vfu_connection_read(VfuServer *server, void *buf, size_t len)
{
    int fds[VFU_TRANSPORT_MAX_FDS];
    size_t n_fds = 0;
    ssize_t ret =
        server->transport->ops->recv(server->transport, buf, len, fds, &n_fds);

    if (ret > 0) {
        vfu_connection_take_fds(server, fds, n_fds);
    }
    return ret;
}

static bool vfu_connection_check_header(VfuServer *server)
{
    const VfuHeader *header = &server->rx.header;
    unsigned type = header->flags & VFU_FLAG_TYPE_MASK;

    if (type != VFU_FLAG_COMMAND && type != VFU_FLAG_REPLY) {
        vfu_server_peer_error(server, VFU_PEER_HEADER, EINVAL);
        return false;
    }
    /* After a wrong size the next header cannot be found: close. */
    if (header->size < sizeof(*header) || header->size > VFU_MAX_MSG_SIZE) {
        vfu_server_peer_error(server, VFU_PEER_SIZE, EMSGSIZE);
        return false;
    }
    return true;
}

VfuReceive vfu_connection_receive(VfuServer *server, VfuMessage **message)
{
    const size_t header_size = sizeof(VfuHeader);

    if (server->broken) {
        return VFU_RECEIVE_END;
    }

    for (;;) {
        uint8_t *to;
        size_t want;
        ssize_t ret;

        if (server->rx.got < header_size) {
            to = (uint8_t *)&server->rx.header + server->rx.got;
            want = header_size - server->rx.got;
        } else {
            to = server->rx.message->payload + (server->rx.got - header_size);
            want = server->rx.header.size - server->rx.got;
        }

        if (want > 0) {
            ret = vfu_connection_read(server, to, want);
            if (ret == -EAGAIN) {
                return VFU_RECEIVE_AGAIN;
            }
            if (ret <= 0) {
                if (server->rx.got > 0) {
                    vfu_server_peer_error(server, VFU_PEER_SIZE, EPIPE);
                }
                return VFU_RECEIVE_END;
            }
            server->rx.got += ret;
        }

        if (server->rx.got < header_size) {
            continue;
        }
        if (!server->rx.message) {
            if (!vfu_connection_check_header(server)) {
                return VFU_RECEIVE_END;
            }
            server->rx.message = g_new0(VfuMessage, 1);
            server->rx.message->header = server->rx.header;
            server->rx.message->payload_len =
                server->rx.header.size - header_size;
            if (server->rx.message->payload_len > 0) {
                server->rx.message->payload =
                    g_malloc(server->rx.message->payload_len);
            }
        }
        if (server->rx.got < server->rx.header.size) {
            continue;
        }

        *message = g_steal_pointer(&server->rx.message);
        memcpy((*message)->fds, server->rx.fds, server->rx.n_fds * sizeof(int));
        (*message)->n_fds = server->rx.n_fds;
        server->rx.n_fds = 0;
        server->rx.got = 0;
        vfu_count(&server->stats.messages);
        if (server->rx.too_many_fds) {
            /* The handler must not act on a part of them. */
            server->rx.too_many_fds = false;
            (*message)->too_many_fds = true;
        }
        return VFU_RECEIVE_MESSAGE;
    }
}

static void vfu_output_free(VfuOutput *output)
{
    g_free(output->data);
    g_free(output);
}

/* Sends what the socket takes; true when the queue is empty. */
static bool vfu_connection_flush_locked(VfuServer *server)
{
    VfuOutput *output;

    while ((output = g_queue_peek_head(&server->tx_queue))) {
        ssize_t ret = server->transport->ops->send(
            server->transport, output->data + output->sent,
            output->len - output->sent, &output->fd, output->fd >= 0 ? 1 : 0);

        if (ret < 0) {
            if (ret != -EAGAIN) {
                server->tx_broken = true;
            }
            return false;
        }
        output->fd = -1;
        output->sent += ret;
        server->tx_bytes -= ret;
        if (output->sent == output->len) {
            vfu_output_free(g_queue_pop_head(&server->tx_queue));
        }
    }
    return true;
}

int vfu_connection_send(VfuServer *server, const VfuHeader *header,
                        const void *payload, size_t payload_len,
                        const void *data, size_t data_len, int fd)
{
    size_t len = sizeof(*header) + payload_len + data_len;
    bool wake = false;
    VfuOutput *output;
    int ret = 0;

    g_mutex_lock(&server->tx_lock);
    if (!server->transport || server->tx_broken) {
        ret = -ENOTCONN;
    } else if (server->tx_bytes + len > VFU_MAX_OUTPUT_BYTES) {
        server->tx_broken = true;
        wake = true;
        ret = -ENOBUFS;
    } else {
        output = g_new0(VfuOutput, 1);
        output->data = g_malloc(len);
        output->len = len;
        output->fd = fd;
        memcpy(output->data, header, sizeof(*header));
        if (payload_len > 0) {
            memcpy(output->data + sizeof(*header), payload, payload_len);
        }
        if (data_len > 0) {
            memcpy(output->data + sizeof(*header) + payload_len, data,
                   data_len);
        }
        g_queue_push_tail(&server->tx_queue, output);
        server->tx_bytes += len;
        wake = !vfu_connection_flush_locked(server);
    }
    g_mutex_unlock(&server->tx_lock);

    /* The protocol thread must now also wait for room to send. */
    if (wake && g_thread_self() != atomic_load(&server->protocol_thread)) {
        vfu_server_wake(server);
    }
    return ret;
}

void vfu_connection_flush(VfuServer *server)
{
    g_mutex_lock(&server->tx_lock);
    vfu_connection_flush_locked(server);
    if (server->tx_broken && !server->broken) {
        server->broken = true;
    }
    g_mutex_unlock(&server->tx_lock);
}

bool vfu_connection_has_output(VfuServer *server, size_t *bytes)
{
    bool any;

    g_mutex_lock(&server->tx_lock);
    any = !g_queue_is_empty(&server->tx_queue);
    *bytes = server->tx_bytes;
    g_mutex_unlock(&server->tx_lock);
    return any;
}

/* After this no thread touches the transport. */
void vfu_connection_close_output(VfuServer *server)
{
    VfuTransport *transport;

    g_mutex_lock(&server->tx_lock);
    transport = g_steal_pointer(&server->transport);
    g_queue_clear_full(&server->tx_queue, (GDestroyNotify)vfu_output_free);
    server->tx_bytes = 0;
    server->tx_broken = false;
    g_mutex_unlock(&server->tx_lock);
    vfu_transport_free(transport);
}

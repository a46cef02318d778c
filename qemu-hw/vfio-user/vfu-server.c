/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life of a server, the protocol thread, connections.
 */

#include "vfu-internal.h"

#include "vfu-sigbus.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Above this much unsent output the client's next commands stay unread. */
#define VFU_OUTPUT_PAUSE_BYTES (4 * 1024 * 1024)

/* Commands kept while the protocol thread waits for device threads. */
#define VFU_MAX_BACKLOG 64

/*
 * While the protocol thread waits for device threads to give pointers back,
 * one of them may sit in an upcall that the client answers only after we have
 * answered it. After this long the upcalls are cancelled.
 */
#define VFU_DRAIN_PATIENCE_US (G_USEC_PER_SEC / 2)

static const char *const vfu_peer_error_names[VFU_PEER_N] = {
    [VFU_PEER_HEADER] = "message of unknown type",
    [VFU_PEER_SIZE] = "message of impossible size",
    [VFU_PEER_FDS] = "unexpected descriptors",
    [VFU_PEER_VERSION] = "no version agreed upon",
    [VFU_PEER_COMMAND] = "command that is not offered",
    [VFU_PEER_REPLY] = "reply to nothing",
    [VFU_PEER_ARGUMENT] = "invalid argument",
    [VFU_PEER_ACCESS] = "refused region access",
    [VFU_PEER_OUTPUT] = "client does not read",
};

void vfu_server_peer_error(VfuServer *server, VfuPeerError kind, int error)
{
    if (kind != VFU_PEER_ACCESS) {
        vfu_count(&server->stats.bad_messages);
    }
    if (server->reported & (1u << kind)) {
        return;
    }
    server->reported |= 1u << kind;
    if (server->ops->peer_error) {
        server->ops->peer_error(server->opaque, vfu_peer_error_names[kind],
                                error);
    }
}

void vfu_server_wake(VfuServer *server)
{
    vfu_dma_space_wake(&server->dma);
}

VfuServer *vfu_server_new(const VfuDescription *desc, const VfuOps *ops,
                          void *opaque, GError **error)
{
    VfuServer *server = g_new0(VfuServer, 1);

    server->name = g_strdup(desc->name ?: "vfu");
    server->desc = *desc;
    server->desc.name = server->name;
    server->ops = ops;
    server->opaque = opaque;
    server->listen_fd = -1;
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_assert(server->wake_fd >= 0);
    g_mutex_init(&server->tx_lock);
    g_queue_init(&server->tx_queue);
    g_queue_init(&server->backlog);
    vfu_upcalls_init(&server->upcalls);
    vfu_irqs_init(&server->irqs, MIN(desc->msix.vectors, VFU_MAX_MSIX_VECTORS));
    vfu_irqs_init(&server->events, VFU_EVENT_N);
    vfu_dma_space_init(&server->dma, server->wake_fd);

    if (vfu_bars_init(server, error) < 0) {
        vfu_server_free(server);
        return NULL;
    }
    vfu_config_init(&server->config, &server->desc);
    return server;
}

void vfu_server_free(VfuServer *server)
{
    vfu_server_stop(server);
    vfu_bars_clear(server);
    vfu_dma_space_clear(&server->dma);
    vfu_irqs_clear(&server->irqs);
    vfu_irqs_clear(&server->events);
    vfu_upcalls_clear(&server->upcalls);
    g_mutex_clear(&server->tx_lock);
    close(server->wake_fd);
    g_free(server->name);
    g_free(server);
}

const char *vfu_server_get_name(const VfuServer *server)
{
    return server->name;
}

bool vfu_server_is_connected(VfuServer *server)
{
    return atomic_load(&server->negotiated);
}

void vfu_server_get_stats(VfuServer *server, VfuStats *stats)
{
    *stats = (VfuStats){
        .connections = atomic_load(&server->stats.connections),
        .messages = atomic_load(&server->stats.messages),
        .error_replies = atomic_load(&server->stats.error_replies),
        .bad_messages = atomic_load(&server->stats.bad_messages),
        .bad_accesses = atomic_load(&server->stats.bad_accesses),
        .dma_faults = atomic_load(&server->stats.dma_faults),
        .dma_messages = atomic_load(&server->stats.dma_messages),
        .irqs_sent = atomic_load(&server->stats.irqs_sent),
        .irqs_pended = atomic_load(&server->stats.irqs_pended),
        .irqs_dropped = atomic_load(&server->stats.irqs_dropped),
        .resets = atomic_load(&server->stats.resets),
        .sigbus_pages = vfu_sigbus_get_count(),
    };
}

void vfu_irq_trigger(VfuServer *server, unsigned vector)
{
    switch (vfu_irqs_trigger(&server->irqs, vector)) {
    case VFU_IRQ_SENT:
        vfu_count(&server->stats.irqs_sent);
        break;
    case VFU_IRQ_PENDED:
        vfu_count(&server->stats.irqs_pended);
        break;
    default:
        vfu_count(&server->stats.irqs_dropped);
        break;
    }
}

bool vfu_request_removal(VfuServer *server)
{
    return vfu_irqs_trigger(&server->events, VFU_EVENT_REQUEST) == VFU_IRQ_SENT;
}

static void vfu_server_take_wake(VfuServer *server)
{
    uint64_t count;
    ssize_t ret = read(server->wake_fd, &count, sizeof(count));

    (void)ret; /* -EAGAIN: someone else's wake-up was merged into it */
}

/*
 * Sleeps until the connection can be read (if `want_input`) or written, or
 * somebody wakes this thread.
 */
static void vfu_server_sleep(VfuServer *server, bool want_input, int timeout_ms)
{
    struct pollfd fds[2] = {
        { .fd = server->wake_fd, .events = POLLIN },
        { .fd = -1 },
    };
    size_t bytes;

    if (server->transport && !server->broken) {
        fds[1].fd = server->transport->ops->get_fd(server->transport);
        fds[1].events = want_input ? POLLIN : 0;
        if (vfu_connection_has_output(server, &bytes)) {
            fds[1].events |= POLLOUT;
        }
        if (!fds[1].events) {
            fds[1].fd = -1; /* a hang-up alone would make poll() spin */
        }
    }
    poll(fds, 2, timeout_ms);
    if (fds[0].revents) {
        vfu_server_take_wake(server);
    }
    /* A wake-up may also mean that a device thread found no room to send. */
    if (server->transport) {
        vfu_connection_flush(server);
    }
}

/*
 * Called again and again while VfuDmaSpace waits for readers. Replies are
 * handled, because a reader may be waiting for one; commands are kept.
 */
void vfu_server_drain_wait(void *opaque)
{
    VfuServer *server = opaque;
    gint64 now = g_get_monotonic_time();
    bool room = g_queue_get_length(&server->backlog) < VFU_MAX_BACKLOG;

    if (server->drain_start_us == 0) {
        server->drain_start_us = now;
    } else if (now - server->drain_start_us > VFU_DRAIN_PATIENCE_US) {
        vfu_upcalls_cancel(server, 0, UINT64_MAX);
    }

    while (room && server->transport && !server->broken) {
        VfuMessage *message = NULL;
        VfuReceive received = vfu_connection_receive(server, &message);

        if (received == VFU_RECEIVE_END) {
            server->broken = true;
            vfu_upcalls_cancel(server, 0, UINT64_MAX);
            break;
        }
        if (received == VFU_RECEIVE_AGAIN) {
            break;
        }
        if ((message->header.flags & VFU_FLAG_TYPE_MASK) == VFU_FLAG_REPLY) {
            vfu_upcalls_reply(server, message);
            vfu_message_free(message);
        } else {
            g_queue_push_tail(&server->backlog, message);
            room = g_queue_get_length(&server->backlog) < VFU_MAX_BACKLOG;
        }
    }
    vfu_server_sleep(server, room, 100);
}

void vfu_server_unmap_all(VfuServer *server)
{
    VfuDmaTable *table =
        vfu_dma_space_remove_all(&server->dma, vfu_server_drain_wait, server);
    size_t i;

    vfu_upcalls_cancel(server, 0, UINT64_MAX);
    for (i = 0; i < table->n; i++) {
        if (server->ops->dma_unmapped) {
            server->ops->dma_unmapped(server->opaque,
                                      &table->entries[i].region);
        }
        vfu_dma_entry_release(&table->entries[i]);
    }
    g_free(table);
}

static void vfu_server_handle(VfuServer *server, VfuMessage *message)
{
    if ((message->header.flags & VFU_FLAG_TYPE_MASK) == VFU_FLAG_REPLY) {
        vfu_upcalls_reply(server, message);
    } else {
        vfu_handle_command(server, message);
    }
    server->drain_start_us = 0;
    vfu_message_free(message);
}

static void vfu_server_disconnected(VfuServer *server)
{
    bool was_negotiated = atomic_exchange(&server->negotiated, false);
    unsigned i;

    vfu_upcalls_set_open(server, false);
    server->broken = true;
    vfu_dma_space_set_enabled(&server->dma, false, vfu_server_drain_wait,
                              server);
    if (was_negotiated && server->ops->disconnected) {
        server->ops->disconnected(server->opaque);
    }
    vfu_server_unmap_all(server);
    for (i = 0; i < server->irqs.n; i++) {
        vfu_irqs_set_fd(&server->irqs, i, -1);
    }
    for (i = 0; i < VFU_EVENT_N; i++) {
        vfu_irqs_set_fd(&server->events, i, -1);
    }
    vfu_irqs_reset(&server->events);
    vfu_function_reset(server, VFU_RESET_DISCONNECT);
}

void vfu_server_serve(VfuServer *server, VfuTransport *transport)
{
    VfuMessage *message;
    size_t unsent;

    atomic_store(&server->protocol_thread, g_thread_self());
    server->reported = 0;
    server->broken = false;
    server->upcalls.layout = VFU_DMA_LAYOUT_UNKNOWN;
    g_mutex_lock(&server->tx_lock);
    server->transport = transport;
    g_mutex_unlock(&server->tx_lock);
    vfu_count(&server->stats.connections);

    while (!atomic_load(&server->stopping) && !server->broken) {
        VfuReceive received = VFU_RECEIVE_AGAIN;
        bool paused = vfu_connection_has_output(server, &unsent)
                      && unsent > VFU_OUTPUT_PAUSE_BYTES;

        message = g_queue_pop_head(&server->backlog);
        if (message) {
            received = VFU_RECEIVE_MESSAGE;
        } else if (!paused) {
            received = vfu_connection_receive(server, &message);
        }
        if (received == VFU_RECEIVE_END) {
            break;
        }
        if (received == VFU_RECEIVE_MESSAGE) {
            vfu_server_handle(server, message);
        } else {
            vfu_server_sleep(server, !paused, -1);
        }
    }

    vfu_server_disconnected(server);
    vfu_connection_close_output(server);
    vfu_connection_reset_rx(server);
    g_queue_clear_full(&server->backlog, (GDestroyNotify)vfu_message_free);
    atomic_store(&server->protocol_thread, NULL);
}

static gpointer vfu_server_thread(gpointer opaque)
{
    VfuServer *server = opaque;

    while (!atomic_load(&server->stopping)) {
        struct pollfd fds[2] = {
            { .fd = server->wake_fd, .events = POLLIN },
            { .fd = server->listen_fd, .events = POLLIN },
        };
        int fd;

        poll(fds, 2, -1);
        if (fds[0].revents) {
            vfu_server_take_wake(server);
        }
        if (!fds[1].revents) {
            continue;
        }
        fd = accept4(server->listen_fd, NULL, NULL,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            vfu_server_serve(server, vfu_transport_new_socket(fd));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            g_usleep(100000); /* the client waits in the queue meanwhile */
        }
    }
    return NULL;
}

/* A socket file that nobody listens on is left over from a crash. */
static bool vfu_socket_is_stale(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = false;

    if (fd >= 0) {
        stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0
                && errno == ECONNREFUSED;
        close(fd);
    }
    return stale;
}

bool vfu_server_listen(VfuServer *server, const char *path, GError **error)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd;

    g_assert(!server->thread);
    if (g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path))
        >= sizeof(addr.sun_path)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                    "socket path '%s' is longer than %zu bytes", path,
                    sizeof(addr.sun_path) - 1);
        return false;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        goto fail;
    }
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        if (errno != EADDRINUSE || !vfu_socket_is_stale(&addr)) {
            goto fail;
        }
        unlink(path);
        if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
            goto fail;
        }
    }
    /* Nobody can connect before listen(). */
    if (chmod(path, 0600) < 0 || listen(fd, 4) < 0) {
        int saved = errno;

        unlink(path);
        errno = saved;
        goto fail;
    }

    server->listen_fd = fd;
    server->path = g_strdup(path);
    atomic_store(&server->stopping, false);
    server->thread = g_thread_new(server->name, vfu_server_thread, server);
    return true;

fail:
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                "cannot listen on '%s': %s", path, g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

void vfu_server_stop(VfuServer *server)
{
    if (!server->thread) {
        return;
    }
    g_assert(g_thread_self() != atomic_load(&server->protocol_thread));
    atomic_store(&server->stopping, true);
    vfu_server_wake(server);
    g_thread_join(g_steal_pointer(&server->thread));
    close(server->listen_fd);
    server->listen_fd = -1;
    unlink(server->path);
    g_clear_pointer(&server->path, g_free);
}

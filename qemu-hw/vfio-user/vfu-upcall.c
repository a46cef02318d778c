/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA_READ and DMA_WRITE commands to the client.
 *
 * Memory that the client lent without a descriptor is reached by asking for
 * it. A device thread registers an upcall, sends the command and sleeps; the
 * protocol thread matches the reply by its id. Nothing can deadlock: the
 * protocol thread never makes an upcall, a reset, an unmap of the range or a
 * disconnection cancels the upcall, and it ends by itself after a time that
 * is shorter than the client's own patience.
 */

#include "vfu-internal.h"

#include <errno.h>
#include <string.h>

#define VFU_UPCALL_TIMEOUT_US (3 * G_USEC_PER_SEC)
#define VFU_MAX_UPCALLS 1024

struct VfuUpcall {
    GCond cond;
    uint16_t id;
    VfuCommand command;
    uint64_t iova;
    void *buf; /* destination of a read, source of a write */
    size_t len;
    VfuDmaLayout layout;  /* as which it is sent */
    size_t reply_payload; /* length, for the probe */
    bool done;
    int result;
};

void vfu_upcalls_init(VfuUpcalls *upcalls)
{
    memset(upcalls, 0, sizeof(*upcalls));
    g_mutex_init(&upcalls->lock);
}

void vfu_upcalls_clear(VfuUpcalls *upcalls)
{
    g_assert(!upcalls->list);
    g_mutex_clear(&upcalls->lock);
}

static void vfu_upcall_finish_locked(VfuUpcalls *upcalls, VfuUpcall *upcall,
                                     int result)
{
    upcalls->list = g_list_remove(upcalls->list, upcall);
    upcalls->n--;
    upcall->done = true;
    upcall->result = result;
    g_cond_signal(&upcall->cond);
}

void vfu_upcalls_set_open(VfuServer *server, bool open)
{
    VfuUpcalls *upcalls = &server->upcalls;

    g_mutex_lock(&upcalls->lock);
    upcalls->open = open;
    g_mutex_unlock(&upcalls->lock);
    if (!open) {
        vfu_upcalls_cancel(server, 0, UINT64_MAX);
    }
}

void vfu_upcalls_cancel(VfuServer *server, uint64_t iova, uint64_t size)
{
    VfuUpcalls *upcalls = &server->upcalls;
    GList *l, *next;

    g_mutex_lock(&upcalls->lock);
    for (l = upcalls->list; l; l = next) {
        VfuUpcall *upcall = l->data;

        next = l->next;
        if (upcall->iova >= iova && upcall->iova - iova < size) {
            vfu_upcall_finish_locked(upcalls, upcall, -ECANCELED);
        }
    }
    g_mutex_unlock(&upcalls->lock);
}

static bool vfu_upcalls_id_in_use(const VfuUpcalls *upcalls, uint16_t id)
{
    const GList *l;

    for (l = upcalls->list; l; l = l->next) {
        if (((const VfuUpcall *)l->data)->id == id) {
            return true;
        }
    }
    return false;
}

VfuUpcall *vfu_upcall_begin(VfuServer *server, VfuCommand command,
                            uint64_t iova, void *buf, size_t len)
{
    VfuUpcalls *upcalls = &server->upcalls;
    VfuUpcall *upcall = NULL;

    g_mutex_lock(&upcalls->lock);
    if (upcalls->open && upcalls->n < VFU_MAX_UPCALLS) {
        upcall = g_new0(VfuUpcall, 1);
        g_cond_init(&upcall->cond);
        do {
            upcall->id = upcalls->next_id++;
        } while (vfu_upcalls_id_in_use(upcalls, upcall->id));
        upcall->command = command;
        upcall->iova = iova;
        upcall->buf = buf;
        upcall->len = len;
        upcall->layout = upcalls->layout;
        upcalls->list = g_list_prepend(upcalls->list, upcall);
        upcalls->n++;
    }
    g_mutex_unlock(&upcalls->lock);
    return upcall;
}

static void vfu_upcall_send(VfuServer *server, VfuUpcall *upcall)
{
    bool compact = upcall->layout == VFU_DMA_LAYOUT_COMPACT;
    size_t data_len = upcall->command == VFU_CMD_DMA_WRITE ? upcall->len : 0;
    VfuWireDma dma = { .address = upcall->iova, .count = upcall->len };
    VfuHeader header = {
        .id = upcall->id,
        .command = upcall->command,
        .size = sizeof(header) + sizeof(dma) + data_len,
        .flags = VFU_FLAG_COMMAND,
    };
    int ret;

    if (compact && data_len > 0) {
        /* Data at once after a 32-bit count, padding at the end. */
        g_autofree uint8_t *payload = g_malloc0(sizeof(dma) + data_len);

        memcpy(payload, &dma, VFU_DMA_COMPACT_DATA_OFFSET);
        memcpy(payload + VFU_DMA_COMPACT_DATA_OFFSET, upcall->buf, data_len);
        ret = vfu_connection_send(server, &header, payload,
                                  sizeof(dma) + data_len, NULL, 0, -1);
    } else {
        ret = vfu_connection_send(server, &header, &dma, sizeof(dma),
                                  upcall->buf, data_len, -1);
    }
    vfu_count(&server->stats.dma_messages);

    if (ret < 0) {
        g_mutex_lock(&server->upcalls.lock);
        if (!upcall->done) {
            vfu_upcall_finish_locked(&server->upcalls, upcall, -ECANCELED);
        }
        g_mutex_unlock(&server->upcalls.lock);
    }
}

static int vfu_upcall_wait(VfuServer *server, VfuUpcall *upcall)
{
    VfuUpcalls *upcalls = &server->upcalls;
    gint64 deadline = g_get_monotonic_time() + VFU_UPCALL_TIMEOUT_US;

    g_mutex_lock(&upcalls->lock);
    while (!upcall->done) {
        if (!g_cond_wait_until(&upcall->cond, &upcalls->lock, deadline)
            && !upcall->done) {
            vfu_upcall_finish_locked(upcalls, upcall, -ETIMEDOUT);
        }
    }
    g_mutex_unlock(&upcalls->lock);
    return upcall->result;
}

static void vfu_upcall_free(VfuUpcall *upcall)
{
    g_cond_clear(&upcall->cond);
    g_free(upcall);
}

/*
 * Learns how the client lays out these messages, by a write of no bytes: the
 * documented reply repeats address and count, the compact one is a header.
 */
static VfuDmaLayout vfu_upcall_probe(VfuServer *server, uint64_t iova)
{
    VfuDmaLayout layout = VFU_DMA_LAYOUT_DOCUMENTED;
    VfuUpcall *probe;

    probe = vfu_upcall_begin(server, VFU_CMD_DMA_WRITE, iova, NULL, 0);
    if (!probe) {
        return layout;
    }
    vfu_upcall_send(server, probe);
    if (vfu_upcall_wait(server, probe) == 0) {
        if (probe->reply_payload == 0) {
            layout = VFU_DMA_LAYOUT_COMPACT;
        }
        g_mutex_lock(&server->upcalls.lock);
        server->upcalls.layout = layout;
        g_mutex_unlock(&server->upcalls.lock);
    }
    vfu_upcall_free(probe);
    return layout;
}

int vfu_upcall_run(VfuServer *server, VfuUpcall *upcall)
{
    int ret;

    if (upcall->layout == VFU_DMA_LAYOUT_UNKNOWN) {
        upcall->layout = vfu_upcall_probe(server, upcall->iova);
    }
    vfu_upcall_send(server, upcall);
    ret = vfu_upcall_wait(server, upcall);
    vfu_upcall_free(upcall);
    return ret;
}

/* 0, or -EIO for a reply that does not answer the command. */
static int vfu_upcall_take_reply(VfuUpcall *upcall, const VfuMessage *message)
{
    size_t data = upcall->layout == VFU_DMA_LAYOUT_COMPACT
                      ? VFU_DMA_COMPACT_DATA_OFFSET
                      : sizeof(VfuWireDma);

    upcall->reply_payload = message->payload_len;
    if (message->header.flags & VFU_FLAG_ERROR) {
        return -EIO;
    }
    if (message->header.command != upcall->command) {
        return -EIO;
    }
    if (upcall->command == VFU_CMD_DMA_READ) {
        if (message->payload_len < data
            || message->payload_len - data < upcall->len) {
            return -EIO;
        }
        memcpy(upcall->buf, message->payload + data, upcall->len);
    }
    return 0;
}

void vfu_upcalls_reply(VfuServer *server, const VfuMessage *message)
{
    VfuUpcalls *upcalls = &server->upcalls;
    bool found = false;
    GList *l;

    g_mutex_lock(&upcalls->lock);
    for (l = upcalls->list; l; l = l->next) {
        VfuUpcall *upcall = l->data;

        if (upcall->id == message->header.id) {
            vfu_upcall_finish_locked(upcalls, upcall,
                                     vfu_upcall_take_reply(upcall, message));
            found = true;
            break;
        }
    }
    g_mutex_unlock(&upcalls->lock);

    /* Late after a timeout or a cancellation, or invented: no harm. */
    if (!found) {
        vfu_server_peer_error(server, VFU_PEER_REPLY, ENOENT);
    }
}

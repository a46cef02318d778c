/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One handler per command of the client.
 *
 * A handler checks the payload's length before it looks at it, and either
 * fills in the reply and returns 0, or returns -errno, which becomes an error
 * reply (header only). Descriptors that it does not take are closed with the
 * message. All values of the peer are hostile until checked.
 */

#include "vfu-internal.h"

#include "vfu-version.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

/* What a handler answers with. */
typedef struct VfuReply {
    GByteArray *payload;
    int fd; /* the server's own, or -1 */
} VfuReply;

typedef int (*VfuHandler)(VfuServer *server, VfuMessage *message,
                          VfuReply *reply);

static void vfu_reply_append(VfuReply *reply, const void *data, size_t len)
{
    g_byte_array_append(reply->payload, data, len);
}

/* The fixed part of a payload, or -EINVAL when the message is shorter. */
static int vfu_get_payload(const VfuMessage *message, void *fixed, size_t len)
{
    if (message->payload_len < len) {
        return -EINVAL;
    }
    memcpy(fixed, message->payload, len);
    return 0;
}

static int vfu_handle_version(VfuServer *server, VfuMessage *message,
                              VfuReply *reply)
{
    g_autoptr(GByteArray) answer = NULL;
    VfuPeerLimits limits;
    int ret;

    if (atomic_load(&server->negotiated)) {
        return -EALREADY;
    }
    ret = vfu_version_negotiate(message->payload, message->payload_len, &limits,
                                &answer);
    if (ret < 0) {
        /* There is no way to go on without a version. */
        server->broken = true;
        vfu_server_peer_error(server, VFU_PEER_VERSION, -ret);
        return ret;
    }
    server->peer_max_xfer = limits.max_data_xfer_size;
    vfu_reply_append(reply, answer->data, answer->len);
    atomic_store(&server->negotiated, true);
    if (server->ops->connected) {
        server->ops->connected(server->opaque);
    }
    return 0;
}

static int vfu_handle_dma_map(VfuServer *server, VfuMessage *message,
                              VfuReply *reply G_GNUC_UNUSED)
{
    VfuDmaRegion region, added;
    VfuWireDmaMap map;
    int fd = -1;
    int ret;

    ret = vfu_get_payload(message, &map, sizeof(map));
    if (ret < 0) {
        return ret;
    }
    if (map.argsz < sizeof(map) || message->n_fds > 1
        || (map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
        || map.flags == 0) {
        return -EINVAL;
    }
    if (message->n_fds == 1) {
        fd = message->fds[0]; /* closed with the message: the map remains */
    }

    region = (VfuDmaRegion){
        .iova = map.address,
        .size = map.size,
        .access = ((map.flags & VFIO_DMA_MAP_FLAG_READ) ? VFU_DMA_READ : 0)
                  | ((map.flags & VFIO_DMA_MAP_FLAG_WRITE) ? VFU_DMA_WRITE : 0),
    };
    ret = vfu_dma_space_add(&server->dma, &region, fd, fd >= 0 ? map.offset : 0,
                            &added, vfu_server_drain_wait, server);
    if (ret == 0 && server->ops->dma_mapped) {
        server->ops->dma_mapped(server->opaque, &added);
    }
    return ret;
}

static int vfu_handle_dma_unmap(VfuServer *server, VfuMessage *message,
                                VfuReply *reply)
{
    VfuWireDmaUnmap unmap;
    VfuDmaEntry entry;
    int ret;

    ret = vfu_get_payload(message, &unmap, sizeof(unmap));
    if (ret < 0) {
        return ret;
    }
    if (unmap.argsz < sizeof(unmap)
        || (unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)) {
        return -EINVAL;
    }

    if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL) {
        if (unmap.address != 0 || unmap.size != 0) {
            return -EINVAL;
        }
        vfu_server_unmap_all(server);
    } else {
        ret = vfu_dma_space_remove(&server->dma, unmap.address, unmap.size,
                                   &entry, vfu_server_drain_wait, server);
        if (ret < 0) {
            return ret;
        }
        vfu_upcalls_cancel(server, unmap.address, unmap.size);
        if (server->ops->dma_unmapped) {
            server->ops->dma_unmapped(server->opaque, &entry.region);
        }
        vfu_dma_entry_release(&entry);
    }
    unmap.argsz = sizeof(unmap);
    vfu_reply_append(reply, &unmap, sizeof(unmap));
    return 0;
}

static int vfu_handle_get_info(VfuServer *server G_GNUC_UNUSED,
                               VfuMessage *message, VfuReply *reply)
{
    VfuWireDeviceInfo info;
    int ret = vfu_get_payload(message, &info, sizeof(info));

    if (ret < 0) {
        return ret;
    }
    if (info.argsz < sizeof(info)) {
        return -EINVAL;
    }
    info = (VfuWireDeviceInfo){
        .argsz = sizeof(info),
        .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
        .num_regions = VFIO_PCI_NUM_REGIONS,
        .num_irqs = VFIO_PCI_NUM_IRQS,
    };
    vfu_reply_append(reply, &info, sizeof(info));
    return 0;
}

/* The list of areas that may be mapped, when it is not just the whole BAR. */
static void vfu_append_sparse_cap(GByteArray *caps, const VfuBarState *bar)
{
    struct vfio_region_info_cap_sparse_mmap cap = {
        .header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
        .header.version = 1,
        .nr_areas = bar->n_areas,
    };
    size_t i;

    g_byte_array_append(caps, (const uint8_t *)&cap, sizeof(cap));
    for (i = 0; i < bar->n_areas; i++) {
        struct vfio_region_sparse_mmap_area area = {
            .offset = bar->areas[i].offset,
            .size = bar->areas[i].size,
        };

        g_byte_array_append(caps, (const uint8_t *)&area, sizeof(area));
    }
}

static int vfu_handle_get_region_info(VfuServer *server, VfuMessage *message,
                                      VfuReply *reply)
{
    g_autoptr(GByteArray) caps = g_byte_array_new();
    VfuWireRegionInfo info;
    uint32_t argsz;
    int ret = vfu_get_payload(message, &info, sizeof(info));

    if (ret < 0) {
        return ret;
    }
    if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS) {
        return -EINVAL;
    }

    argsz = info.argsz;
    info = (VfuWireRegionInfo){
        .argsz = sizeof(info),
        .index = info.index,
        .size = vfu_region_size(server, info.index),
    };
    if (info.size > 0) {
        info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    }
    if (info.index < VFU_NUM_BARS && server->bars[info.index].n_areas > 0) {
        info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
        info.offset = server->desc.bars[info.index].fd_offset;
        reply->fd = server->desc.bars[info.index].fd;
        if (server->bars[info.index].sparse) {
            vfu_append_sparse_cap(caps, &server->bars[info.index]);
        }
    }
    if (caps->len > 0) {
        /*
         * The offset is given even when the capability does not fit into this
         * reply: QEMU checks it before it asks again with room enough.
         */
        info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
        info.cap_offset = sizeof(info);
        info.argsz += caps->len;
    }
    vfu_reply_append(reply, &info, sizeof(info));
    if (argsz >= info.argsz) {
        vfu_reply_append(reply, caps->data, caps->len);
    }
    return 0;
}

/* No part of a region is served by ioeventfds: doorbells carry a value. */
static int vfu_handle_get_region_io_fds(VfuServer *server G_GNUC_UNUSED,
                                        VfuMessage *message, VfuReply *reply)
{
    VfuWireRegionIoFds fds;
    int ret = vfu_get_payload(message, &fds, sizeof(fds));

    if (ret < 0) {
        return ret;
    }
    if (fds.argsz < sizeof(fds) || fds.flags != 0
        || fds.index >= VFIO_PCI_NUM_REGIONS) {
        return -EINVAL;
    }
    fds.argsz = sizeof(fds);
    fds.count = 0;
    vfu_reply_append(reply, &fds, sizeof(fds));
    return 0;
}

/* The vectors behind one of VFIO's interrupt indices. */
typedef struct VfuIrqRange {
    VfuIrqs *irqs;
    unsigned first;
    uint32_t n;
} VfuIrqRange;

static VfuIrqRange vfu_irq_range(VfuServer *server, uint32_t index)
{
    switch (index) {
    case VFIO_PCI_MSIX_IRQ_INDEX:
        return (VfuIrqRange){ &server->irqs, 0, server->irqs.n };
    case VFIO_PCI_ERR_IRQ_INDEX:
        return (VfuIrqRange){ &server->events, VFU_EVENT_ERROR, 1 };
    case VFIO_PCI_REQ_IRQ_INDEX:
        return (VfuIrqRange){ &server->events, VFU_EVENT_REQUEST, 1 };
    default: /* the function has neither INTx nor MSI */
        return (VfuIrqRange){ &server->irqs, 0, 0 };
    }
}

static int vfu_handle_get_irq_info(VfuServer *server, VfuMessage *message,
                                   VfuReply *reply)
{
    VfuWireIrqInfo info;
    int ret = vfu_get_payload(message, &info, sizeof(info));

    if (ret < 0) {
        return ret;
    }
    if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS) {
        return -EINVAL;
    }
    info.argsz = sizeof(info);
    info.count = vfu_irq_range(server, info.index).n;
    info.flags =
        info.count ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE : 0;
    vfu_reply_append(reply, &info, sizeof(info));
    return 0;
}

static int vfu_set_irq_fds(VfuIrqs *irqs, VfuMessage *message, unsigned first,
                           uint32_t count)
{
    int result = 0;
    uint32_t i;

    if (message->n_fds != 0 && message->n_fds != count) {
        return -EINVAL;
    }
    for (i = 0; i < count; i++) {
        int fd = -1;
        int ret;

        if (message->n_fds > 0) {
            fd = message->fds[i];
            message->fds[i] = -1;
        }
        ret = vfu_irqs_set_fd(irqs, first + i, fd);
        if (ret < 0) {
            result = ret;
        }
    }
    return result;
}

static void vfu_apply_irq_action(VfuServer *server, VfuIrqs *irqs,
                                 uint32_t action, unsigned vector)
{
    switch (action) {
    case VFIO_IRQ_SET_ACTION_MASK:
        vfu_irqs_set_masked(irqs, vector, true);
        break;
    case VFIO_IRQ_SET_ACTION_UNMASK:
        vfu_irqs_set_masked(irqs, vector, false);
        break;
    default:
        if (irqs == &server->irqs) {
            vfu_irq_trigger(server, vector);
        } else {
            vfu_irqs_trigger(irqs, vector);
        }
        break;
    }
}

static int vfu_handle_set_irqs(VfuServer *server, VfuMessage *message,
                               VfuReply *reply G_GNUC_UNUSED)
{
    uint32_t action, data, i;
    const uint8_t *bools;
    VfuIrqRange range;
    VfuWireIrqSet set;
    unsigned first;
    int ret = vfu_get_payload(message, &set, sizeof(set));

    if (ret < 0) {
        return ret;
    }
    if (set.argsz < sizeof(set) || set.index >= VFIO_PCI_NUM_IRQS
        || (set.flags
            & ~(VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK))) {
        return -EINVAL;
    }
    data = set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    action = set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
    if (!data || (data & (data - 1)) || !action || (action & (action - 1))) {
        return -EINVAL;
    }
    range = vfu_irq_range(server, set.index);
    if (set.start > range.n || set.count > range.n - set.start) {
        return -EINVAL;
    }
    first = range.first + set.start;

    switch (data) {
    case VFIO_IRQ_SET_DATA_EVENTFD:
        if (action != VFIO_IRQ_SET_ACTION_TRIGGER || set.count == 0) {
            return -EINVAL;
        }
        return vfu_set_irq_fds(range.irqs, message, first, set.count);

    case VFIO_IRQ_SET_DATA_BOOL:
        if (message->payload_len - sizeof(set) < set.count) {
            return -EINVAL;
        }
        bools = message->payload + sizeof(set);
        for (i = 0; i < set.count; i++) {
            if (bools[i]) {
                vfu_apply_irq_action(server, range.irqs, action, first + i);
            }
        }
        return 0;

    default:
        if (set.count == 0) {
            /* Nothing at all of this index: the client disables it. */
            if (action != VFIO_IRQ_SET_ACTION_TRIGGER || set.start != 0) {
                return -EINVAL;
            }
            for (i = 0; i < range.n; i++) {
                vfu_irqs_set_fd(range.irqs, range.first + i, -1);
            }
            return 0;
        }
        for (i = 0; i < set.count; i++) {
            vfu_apply_irq_action(server, range.irqs, action, first + i);
        }
        return 0;
    }
}

static int vfu_handle_region_read(VfuServer *server, VfuMessage *message,
                                  VfuReply *reply)
{
    VfuWireRegionAccess access;
    int ret = vfu_get_payload(message, &access, sizeof(access));

    if (ret < 0) {
        return ret;
    }
    if (access.count > VFU_MAX_DATA_XFER) {
        return -E2BIG;
    }
    vfu_reply_append(reply, &access, sizeof(access));
    g_byte_array_set_size(reply->payload, sizeof(access) + access.count);
    ret = vfu_region_read(server, access.region, access.offset,
                          reply->payload->data + sizeof(access), access.count);
    if (ret < 0) {
        vfu_count(&server->stats.bad_accesses);
        vfu_server_peer_error(server, VFU_PEER_ACCESS, -ret);
    }
    return ret;
}

static int vfu_handle_region_write(VfuServer *server, VfuMessage *message,
                                   VfuReply *reply)
{
    VfuWireRegionAccess access;
    int ret = vfu_get_payload(message, &access, sizeof(access));

    if (ret < 0) {
        return ret;
    }
    if (access.count > VFU_MAX_DATA_XFER) {
        return -E2BIG;
    }
    if (message->payload_len - sizeof(access) < access.count) {
        return -EINVAL;
    }
    ret = vfu_region_write(server, access.region, access.offset,
                           message->payload + sizeof(access), access.count);
    if (ret < 0) {
        vfu_count(&server->stats.bad_accesses);
        vfu_server_peer_error(server, VFU_PEER_ACCESS, -ret);
        return ret;
    }
    vfu_reply_append(reply, &access, sizeof(access));
    return 0;
}

static int vfu_handle_region_write_multi(VfuServer *server, VfuMessage *message,
                                         VfuReply *reply)
{
    uint64_t n, i;
    int ret = vfu_get_payload(message, &n, sizeof(n));

    if (ret < 0) {
        return ret;
    }
    if (n > (message->payload_len - sizeof(n)) / sizeof(VfuWireWrite)) {
        return -EINVAL;
    }
    for (i = 0; i < n; i++) {
        VfuWireWrite write;

        memcpy(&write, message->payload + sizeof(n) + i * sizeof(VfuWireWrite),
               sizeof(write));
        ret = write.count > sizeof(write.data)
                  ? -EINVAL
                  : vfu_region_write(server, write.region, write.offset,
                                     write.data, write.count);
        if (ret < 0) {
            vfu_count(&server->stats.bad_accesses);
            vfu_server_peer_error(server, VFU_PEER_ACCESS, -ret);
            return ret;
        }
    }
    vfu_reply_append(reply, &n, sizeof(n));
    return 0;
}

static int vfu_handle_device_reset(VfuServer *server,
                                   VfuMessage *message G_GNUC_UNUSED,
                                   VfuReply *reply G_GNUC_UNUSED)
{
    vfu_function_reset(server, VFU_RESET_DEVICE);
    return 0;
}

static const struct {
    VfuHandler handle;
    bool takes_fds;
} vfu_handlers[] = {
    [VFU_CMD_VERSION] = { vfu_handle_version, false },
    [VFU_CMD_DMA_MAP] = { vfu_handle_dma_map, true },
    [VFU_CMD_DMA_UNMAP] = { vfu_handle_dma_unmap, false },
    [VFU_CMD_DEVICE_GET_INFO] = { vfu_handle_get_info, false },
    [VFU_CMD_DEVICE_GET_REGION_INFO] = { vfu_handle_get_region_info, false },
    [VFU_CMD_DEVICE_GET_REGION_IO_FDS] = { vfu_handle_get_region_io_fds,
                                           false },
    [VFU_CMD_DEVICE_GET_IRQ_INFO] = { vfu_handle_get_irq_info, false },
    [VFU_CMD_DEVICE_SET_IRQS] = { vfu_handle_set_irqs, true },
    [VFU_CMD_REGION_READ] = { vfu_handle_region_read, false },
    [VFU_CMD_REGION_WRITE] = { vfu_handle_region_write, false },
    [VFU_CMD_DEVICE_RESET] = { vfu_handle_device_reset, false },
    [VFU_CMD_REGION_WRITE_MULTI] = { vfu_handle_region_write_multi, false },
};

static int vfu_dispatch(VfuServer *server, VfuMessage *message, VfuReply *reply)
{
    uint16_t command = message->header.command;

    if (message->too_many_fds) {
        return -E2BIG;
    }
    /* Migration, features, dirty pages and the unknown: not offered. */
    if (command >= G_N_ELEMENTS(vfu_handlers)
        || !vfu_handlers[command].handle) {
        vfu_server_peer_error(server, VFU_PEER_COMMAND, ENOTSUP);
        return -ENOTSUP;
    }
    if (command != VFU_CMD_VERSION && !atomic_load(&server->negotiated)) {
        server->broken = true;
        vfu_server_peer_error(server, VFU_PEER_VERSION, EPROTO);
        return -EPROTO;
    }
    if (message->n_fds > 0 && !vfu_handlers[command].takes_fds) {
        vfu_server_peer_error(server, VFU_PEER_FDS, EINVAL);
        return -EINVAL;
    }
    return vfu_handlers[command].handle(server, message, reply);
}

void vfu_handle_command(VfuServer *server, VfuMessage *message)
{
    VfuReply reply = { .payload = g_byte_array_new(), .fd = -1 };
    VfuHeader header = {
        .id = message->header.id,
        .command = message->header.command,
        .size = sizeof(header),
        .flags = VFU_FLAG_REPLY,
    };
    int ret = vfu_dispatch(server, message, &reply);

    if (ret < 0) {
        if (ret == -EINVAL || ret == -E2BIG) {
            vfu_server_peer_error(server, VFU_PEER_ARGUMENT, -ret);
        }
        vfu_count(&server->stats.error_replies);
        header.flags |= VFU_FLAG_ERROR;
        header.error = -ret;
        g_byte_array_set_size(reply.payload, 0);
        reply.fd = -1;
    }
    header.size += reply.payload->len;
    if (!(message->header.flags & VFU_FLAG_NO_REPLY)
        && vfu_connection_send(server, &header, reply.payload->data,
                               reply.payload->len, NULL, 0, reply.fd)
               < 0) {
        vfu_server_peer_error(server, VFU_PEER_OUTPUT, EPIPE);
        server->broken = true;
    }
    g_byte_array_unref(reply.payload);
}

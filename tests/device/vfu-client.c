/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user client for tests.
 *
 * The reader thread owns the receiving end of the socket. Calls register
 * themselves under the lock, send, and sleep until the reader has found their
 * reply or the connection has ended.
 */

#include "vfu-client.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VFU_CLIENT_MAX_VECTORS 2048
#define VFU_CLIENT_NUM_BARS 6

typedef struct VfuClientCall {
    uint16_t id;
    bool done;
    VfuHeader header;
    uint8_t *payload;
    size_t payload_len;
    int fd;
} VfuClientCall;

typedef struct VfuClientRam {
    uint64_t iova;
    uint64_t size;
    uint8_t *host;
    int fd; /* -1: must be asked for */
} VfuClientRam;

typedef struct VfuClientMap {
    void *addr;
    size_t len;
} VfuClientMap;

struct VfuClient {
    int fd;
    GThread *reader;
    char *capabilities;

    GMutex send_lock; /* one message at a time */

    GMutex lock; /* guards all below */
    GCond cond;
    GList *calls; /* VfuClientCall */
    GArray *ram;  /* VfuClientRam */
    uint16_t next_id;
    bool closed;
    bool compact_dma;
    VfuClientDma dma_behaviour;
    unsigned n_dma;

    /* Used by the test's thread alone */
    GArray *maps; /* VfuClientMap */
    int irq_fds[VFU_CLIENT_MAX_VECTORS];
};

/* Sends all of it; descriptors go with the first byte. */
static int vfu_client_send_locked(VfuClient *client, const uint8_t *bytes,
                                  size_t len, const int *fds, size_t n_fds)
{
    g_autofree char *control = NULL;

    while (len > 0) {
        struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t ret;

        if (n_fds > 0) {
            struct cmsghdr *cmsg;

            control = g_malloc0(CMSG_SPACE(sizeof(int) * n_fds));
            msg.msg_control = control;
            msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
            cmsg = CMSG_FIRSTHDR(&msg);
            cmsg->cmsg_level = SOL_SOCKET;
            cmsg->cmsg_type = SCM_RIGHTS;
            cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
            memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
            n_fds = 0;
        }
        ret = sendmsg(client->fd, &msg, MSG_NOSIGNAL);
        if (ret < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno == ECONNRESET ? -EPIPE : -errno;
        }
        bytes += ret;
        len -= ret;
    }
    return 0;
}

int vfu_client_send_bytes(VfuClient *client, const void *bytes, size_t len,
                          const int *fds, size_t n_fds)
{
    int ret;

    g_mutex_lock(&client->send_lock);
    ret = vfu_client_send_locked(client, bytes, len, fds, n_fds);
    g_mutex_unlock(&client->send_lock);
    return ret;
}

static int vfu_client_send_message(VfuClient *client, VfuHeader header,
                                   const void *payload, size_t len,
                                   const int *fds, size_t n_fds)
{
    g_autofree uint8_t *bytes = g_malloc(sizeof(header) + len);

    header.size = sizeof(header) + len;
    memcpy(bytes, &header, sizeof(header));
    if (len > 0) {
        memcpy(bytes + sizeof(header), payload, len);
    }
    return vfu_client_send_bytes(client, bytes, header.size, fds, n_fds);
}

/* Where the test sees [iova, iova + len), or NULL. */
static uint8_t *vfu_client_at_locked(VfuClient *client, uint64_t iova,
                                     uint64_t len)
{
    guint i;

    for (i = 0; i < client->ram->len; i++) {
        VfuClientRam *ram = &g_array_index(client->ram, VfuClientRam, i);

        if (iova >= ram->iova && iova - ram->iova < ram->size
            && len <= ram->size - (iova - ram->iova)) {
            return ram->host + (iova - ram->iova);
        }
    }
    return NULL;
}

/* Serves a DMA_READ or DMA_WRITE of the server. */
static void vfu_client_serve(VfuClient *client, VfuHeader header,
                             const uint8_t *payload, size_t len)
{
    VfuWireDma dma = { 0 };
    g_autofree uint8_t *reply = NULL;
    size_t reply_len = 0;
    VfuClientDma behaviour;
    size_t data;
    uint8_t *host;
    int error = 0;

    g_mutex_lock(&client->lock);
    client->n_dma++;
    behaviour = client->dma_behaviour;
    data = client->compact_dma ? VFU_DMA_COMPACT_DATA_OFFSET : sizeof(dma);
    if (len >= sizeof(dma)) {
        memcpy(&dma, payload, sizeof(dma));
    }
    if (client->compact_dma) {
        dma.count = (uint32_t)dma.count;
    }
    host = vfu_client_at_locked(client, dma.address, dma.count);
    if (len < sizeof(dma) || !host) {
        error = EFAULT;
    } else if (header.command == VFU_CMD_DMA_READ) {
        reply_len = sizeof(dma) + dma.count;
        reply = g_malloc0(reply_len);
        memcpy(reply, &dma, data);
        memcpy(reply + data, host, dma.count);
    } else if (header.command == VFU_CMD_DMA_WRITE
               && len - sizeof(dma) >= dma.count) {
        memcpy(host, payload + data, dma.count);
        reply_len = client->compact_dma ? 0 : sizeof(dma);
        reply = g_memdup2(&dma, sizeof(dma));
    } else {
        error = EINVAL;
    }
    g_mutex_unlock(&client->lock);

    header.flags = VFU_FLAG_REPLY;
    header.error = 0;
    switch (behaviour) {
    case VFU_CLIENT_DMA_IGNORE:
        return;
    case VFU_CLIENT_DMA_FAIL:
        error = EIO;
        break;
    case VFU_CLIENT_DMA_SHORT:
        reply_len = MIN(reply_len, 4);
        break;
    default:
        break;
    }
    if (error) {
        header.flags |= VFU_FLAG_ERROR;
        header.error = error;
        reply_len = 0;
    }
    vfu_client_send_message(client, header, reply, reply_len, NULL, 0);
}

static void vfu_client_take_reply(VfuClient *client, const VfuHeader *header,
                                  uint8_t *payload, size_t len, int fd)
{
    bool found = false;
    GList *l;

    g_mutex_lock(&client->lock);
    for (l = client->calls; l; l = l->next) {
        VfuClientCall *call = l->data;

        if (call->id == header->id && !call->done) {
            call->header = *header;
            call->payload = payload;
            call->payload_len = len;
            call->fd = fd;
            call->done = true;
            found = true;
            break;
        }
    }
    g_cond_broadcast(&client->cond);
    g_mutex_unlock(&client->lock);
    if (!found) {
        g_free(payload);
        if (fd >= 0) {
            close(fd);
        }
    }
}

/* Reads exactly `len` bytes; the last descriptor that comes goes to `fd`. */
static bool vfu_client_receive(VfuClient *client, void *buf, size_t len,
                               int *fd)
{
    uint8_t *to = buf;

    while (len > 0) {
        union {
            char buf[CMSG_SPACE(sizeof(int))];
            struct cmsghdr align;
        } control;
        struct iovec iov = { .iov_base = to, .iov_len = len };
        struct msghdr msg = {
            .msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.buf,
            .msg_controllen = sizeof(control.buf),
        };
        struct cmsghdr *cmsg;
        ssize_t ret = recvmsg(client->fd, &msg, MSG_CMSG_CLOEXEC);

        if (ret < 0 && errno == EINTR) {
            continue;
        }
        if (ret <= 0) {
            return false;
        }
        for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
            if (cmsg->cmsg_level == SOL_SOCKET
                && cmsg->cmsg_type == SCM_RIGHTS) {
                memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
            }
        }
        to += ret;
        len -= ret;
    }
    return true;
}

static gpointer vfu_client_reader(gpointer opaque)
{
    VfuClient *client = opaque;
    VfuHeader header;
    int fd = -1;

    while (vfu_client_receive(client, &header, sizeof(header), &fd)) {
        size_t len = header.size - sizeof(header);
        g_autofree uint8_t *payload = NULL;

        g_assert_cmpuint(header.size, >=, sizeof(header));
        g_assert_cmpuint(header.size, <=, VFU_MAX_MSG_SIZE);
        payload = g_malloc(len + 1);
        if (!vfu_client_receive(client, payload, len, &fd)) {
            break;
        }
        if ((header.flags & VFU_FLAG_TYPE_MASK) == VFU_FLAG_REPLY) {
            vfu_client_take_reply(client, &header, g_steal_pointer(&payload),
                                  len, fd);
        } else {
            vfu_client_serve(client, header, payload, len);
        }
        fd = -1;
    }

    g_mutex_lock(&client->lock);
    client->closed = true;
    g_cond_broadcast(&client->cond);
    g_mutex_unlock(&client->lock);
    return NULL;
}

VfuClient *vfu_client_new_raw(const char *path, GError **error)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    VfuClient *client;
    unsigned i;
    int fd;

    g_assert_cmpuint(g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)), <,
                     sizeof(addr.sun_path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0
        || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    "cannot connect to '%s': %s", path, g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }

    client = g_new0(VfuClient, 1);
    client->fd = fd;
    g_mutex_init(&client->send_lock);
    g_mutex_init(&client->lock);
    g_cond_init(&client->cond);
    client->ram = g_array_new(FALSE, FALSE, sizeof(VfuClientRam));
    client->maps = g_array_new(FALSE, FALSE, sizeof(VfuClientMap));
    for (i = 0; i < VFU_CLIENT_MAX_VECTORS; i++) {
        client->irq_fds[i] = -1;
    }
    client->reader = g_thread_new("vfu-client", vfu_client_reader, client);
    return client;
}

VfuClient *vfu_client_new(const char *path, GError **error)
{
    static const char proposal[] =
        "{\"capabilities\":{\"max_msg_fds\":16,"
        "\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,"
        "\"pgsizes\":4096,\"write_multiple\":true}}";
    VfuWireVersion version = { VFU_PROTOCOL_MAJOR, VFU_PROTOCOL_MINOR };
    g_autoptr(VfuClient) client = vfu_client_new_raw(path, error);
    uint8_t payload[sizeof(version) + sizeof(proposal)];
    char reply[4096] = { 0 };
    size_t reply_len;
    int ret;

    if (!client) {
        return NULL;
    }
    memcpy(payload, &version, sizeof(version));
    memcpy(payload + sizeof(version), proposal, sizeof(proposal));
    ret = vfu_client_call(client, VFU_CMD_VERSION, payload, sizeof(payload),
                          NULL, 0, reply, sizeof(reply) - 1, &reply_len, NULL);
    if (ret < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(-ret),
                    "no version agreed upon: %s", g_strerror(-ret));
        return NULL;
    }
    if (reply_len > sizeof(version)) {
        client->capabilities = g_strdup(reply + sizeof(version));
    }
    return g_steal_pointer(&client);
}

static void vfu_client_ram_clear(VfuClientRam *ram)
{
    munmap(ram->host, ram->size);
    if (ram->fd >= 0) {
        close(ram->fd);
    }
}

void vfu_client_free(VfuClient *client)
{
    guint i;

    vfu_client_shutdown(client);
    g_thread_join(client->reader);
    close(client->fd);
    for (i = 0; i < client->ram->len; i++) {
        vfu_client_ram_clear(&g_array_index(client->ram, VfuClientRam, i));
    }
    g_array_unref(client->ram);
    for (i = 0; i < client->maps->len; i++) {
        VfuClientMap *map = &g_array_index(client->maps, VfuClientMap, i);

        munmap(map->addr, map->len);
    }
    g_array_unref(client->maps);
    for (i = 0; i < VFU_CLIENT_MAX_VECTORS; i++) {
        if (client->irq_fds[i] >= 0) {
            close(client->irq_fds[i]);
        }
    }
    g_mutex_clear(&client->send_lock);
    g_mutex_clear(&client->lock);
    g_cond_clear(&client->cond);
    g_free(client->capabilities);
    g_free(client);
}

const char *vfu_client_get_capabilities(VfuClient *client)
{
    return client->capabilities;
}

void vfu_client_shutdown(VfuClient *client)
{
    shutdown(client->fd, SHUT_RDWR);
}

bool vfu_client_wait_closed(VfuClient *client, unsigned timeout_ms)
{
    gint64 deadline = g_get_monotonic_time() + timeout_ms * 1000LL;
    bool closed;

    g_mutex_lock(&client->lock);
    while (!client->closed
           && g_cond_wait_until(&client->cond, &client->lock, deadline)) {
        continue;
    }
    closed = client->closed;
    g_mutex_unlock(&client->lock);
    return closed;
}

int vfu_client_call(VfuClient *client, VfuCommand command, const void *payload,
                    size_t len, const int *fds, size_t n_fds, void *reply,
                    size_t reply_size, size_t *reply_len, int *reply_fd)
{
    gint64 deadline = g_get_monotonic_time() + VFU_CLIENT_TIMEOUT_MS * 1000LL;
    VfuClientCall call = { .fd = -1 };
    int ret;

    g_mutex_lock(&client->lock);
    call.id = client->next_id++;
    client->calls = g_list_prepend(client->calls, &call);
    g_mutex_unlock(&client->lock);

    ret = vfu_client_send_message(
        client, (VfuHeader){ .id = call.id, .command = command }, payload, len,
        fds, n_fds);

    g_mutex_lock(&client->lock);
    while (ret == 0 && !call.done && !client->closed) {
        if (!g_cond_wait_until(&client->cond, &client->lock, deadline)) {
            ret = -ETIMEDOUT;
        }
    }
    client->calls = g_list_remove(client->calls, &call);
    g_mutex_unlock(&client->lock);

    if (call.done) {
        g_assert_cmpuint(call.header.command, ==, command);
        ret = 0;
        if (call.header.flags & VFU_FLAG_ERROR) {
            g_assert_cmpuint(call.header.size, ==, sizeof(VfuHeader));
            ret = call.header.error ? -(int)call.header.error : -EIO;
        }
    } else if (ret == 0) {
        ret = -EPIPE;
    }
    if (reply && call.payload_len > 0) {
        memcpy(reply, call.payload, MIN(reply_size, call.payload_len));
    }
    if (reply_len) {
        *reply_len = call.payload_len;
    }
    if (reply_fd) {
        *reply_fd = call.fd;
    } else if (call.fd >= 0) {
        close(call.fd);
    }
    g_free(call.payload);
    return ret;
}

int vfu_client_post(VfuClient *client, VfuCommand command, const void *payload,
                    size_t len, const int *fds, size_t n_fds)
{
    VfuHeader header = { .command = command, .flags = VFU_FLAG_NO_REPLY };

    g_mutex_lock(&client->lock);
    header.id = client->next_id++;
    g_mutex_unlock(&client->lock);
    return vfu_client_send_message(client, header, payload, len, fds, n_fds);
}

static void *vfu_client_add_ram_kind(VfuClient *client, uint64_t iova,
                                     uint64_t size, bool by_fd)
{
    VfuClientRam ram = { .iova = iova, .size = size };
    VfuWireDmaMap map = {
        .argsz = sizeof(map),
        .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
        .address = iova,
        .size = size,
    };
    int ret;

    ram.fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint(ram.fd, >=, 0);
    g_assert_no_errno(ftruncate(ram.fd, size));
    ram.host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ram.fd, 0);
    g_assert_true(ram.host != MAP_FAILED);
    ret = vfu_client_call(client, VFU_CMD_DMA_MAP, &map, sizeof(map), &ram.fd,
                          by_fd ? 1 : 0, NULL, 0, NULL, NULL);
    g_assert_cmpint(ret, ==, 0);
    if (!by_fd) {
        close(ram.fd);
        ram.fd = -1;
    }

    g_mutex_lock(&client->lock);
    g_array_append_val(client->ram, ram);
    g_mutex_unlock(&client->lock);
    return ram.host;
}

void *vfu_client_add_ram(VfuClient *client, uint64_t iova, uint64_t size)
{
    return vfu_client_add_ram_kind(client, iova, size, true);
}

void *vfu_client_add_ram_unmapped(VfuClient *client, uint64_t iova,
                                  uint64_t size)
{
    return vfu_client_add_ram_kind(client, iova, size, false);
}

static VfuClientRam *vfu_client_find_ram_locked(VfuClient *client,
                                                uint64_t iova, guint *index)
{
    guint i;

    for (i = 0; i < client->ram->len; i++) {
        VfuClientRam *ram = &g_array_index(client->ram, VfuClientRam, i);

        if (ram->iova == iova) {
            *index = i;
            return ram;
        }
    }
    g_error("the test has no RAM at 0x%" G_GINT64_MODIFIER "x", iova);
}

int vfu_client_remove_ram(VfuClient *client, uint64_t iova)
{
    VfuWireDmaUnmap unmap = { .argsz = sizeof(unmap), .address = iova };
    guint i;
    int ret;

    g_mutex_lock(&client->lock);
    unmap.size = vfu_client_find_ram_locked(client, iova, &i)->size;
    g_mutex_unlock(&client->lock);

    ret = vfu_client_call(client, VFU_CMD_DMA_UNMAP, &unmap, sizeof(unmap),
                          NULL, 0, NULL, 0, NULL, NULL);
    if (ret < 0) {
        return ret;
    }
    g_mutex_lock(&client->lock);
    vfu_client_ram_clear(vfu_client_find_ram_locked(client, iova, &i));
    g_array_remove_index(client->ram, i);
    g_mutex_unlock(&client->lock);
    return 0;
}

int vfu_client_get_ram_fd(VfuClient *client, uint64_t iova)
{
    guint i;
    int fd;

    g_mutex_lock(&client->lock);
    fd = vfu_client_find_ram_locked(client, iova, &i)->fd;
    g_mutex_unlock(&client->lock);
    return fd;
}

void *vfu_client_at(VfuClient *client, uint64_t iova)
{
    void *host;

    g_mutex_lock(&client->lock);
    host = vfu_client_at_locked(client, iova, 1);
    g_mutex_unlock(&client->lock);
    return host;
}

void vfu_client_set_compact_dma(VfuClient *client, bool compact)
{
    g_mutex_lock(&client->lock);
    client->compact_dma = compact;
    g_mutex_unlock(&client->lock);
}

void vfu_client_set_dma_behaviour(VfuClient *client, VfuClientDma behaviour)
{
    g_mutex_lock(&client->lock);
    client->dma_behaviour = behaviour;
    g_mutex_unlock(&client->lock);
}

unsigned vfu_client_get_n_dma(VfuClient *client)
{
    unsigned n;

    g_mutex_lock(&client->lock);
    n = client->n_dma;
    g_mutex_unlock(&client->lock);
    return n;
}

int vfu_client_read(VfuClient *client, unsigned region, uint64_t offset,
                    void *buf, uint32_t len)
{
    VfuWireRegionAccess access = { offset, region, len };
    g_autofree uint8_t *reply = g_malloc(sizeof(access) + len);
    size_t reply_len;
    int ret;

    ret =
        vfu_client_call(client, VFU_CMD_REGION_READ, &access, sizeof(access),
                        NULL, 0, reply, sizeof(access) + len, &reply_len, NULL);
    if (ret == 0) {
        g_assert_cmpuint(reply_len, ==, sizeof(access) + len);
        g_assert_cmpmem(reply, sizeof(access), &access, sizeof(access));
        memcpy(buf, reply + sizeof(access), len);
    }
    return ret;
}

int vfu_client_write(VfuClient *client, unsigned region, uint64_t offset,
                     const void *buf, uint32_t len)
{
    VfuWireRegionAccess access = { offset, region, len };
    g_autofree uint8_t *payload = g_malloc(sizeof(access) + len);

    memcpy(payload, &access, sizeof(access));
    memcpy(payload + sizeof(access), buf, len);
    return vfu_client_call(client, VFU_CMD_REGION_WRITE, payload,
                           sizeof(access) + len, NULL, 0, NULL, 0, NULL, NULL);
}

uint32_t vfu_client_read32(VfuClient *client, unsigned bar, uint64_t offset)
{
    uint32_t value = 0;

    g_assert_cmpint(vfu_client_read(client, bar, offset, &value, sizeof(value)),
                    ==, 0);
    return value;
}

uint64_t vfu_client_read64(VfuClient *client, unsigned bar, uint64_t offset)
{
    uint64_t value = 0;

    g_assert_cmpint(vfu_client_read(client, bar, offset, &value, sizeof(value)),
                    ==, 0);
    return value;
}

void vfu_client_write32(VfuClient *client, unsigned bar, uint64_t offset,
                        uint32_t value)
{
    g_assert_cmpint(
        vfu_client_write(client, bar, offset, &value, sizeof(value)), ==, 0);
}

void vfu_client_write64(VfuClient *client, unsigned bar, uint64_t offset,
                        uint64_t value)
{
    g_assert_cmpint(
        vfu_client_write(client, bar, offset, &value, sizeof(value)), ==, 0);
}

uint32_t vfu_client_config_read(VfuClient *client, unsigned offset,
                                unsigned len)
{
    uint32_t value = 0;

    g_assert_cmpuint(len, <=, sizeof(value));
    g_assert_cmpint(vfu_client_read(client, VFIO_PCI_CONFIG_REGION_INDEX,
                                    offset, &value, len),
                    ==, 0);
    return value;
}

void vfu_client_config_write(VfuClient *client, unsigned offset, unsigned len,
                             uint32_t value)
{
    g_assert_cmpuint(len, <=, sizeof(value));
    g_assert_cmpint(vfu_client_write(client, VFIO_PCI_CONFIG_REGION_INDEX,
                                     offset, &value, len),
                    ==, 0);
}

unsigned vfu_client_find_cap(VfuClient *client, uint8_t id)
{
    unsigned cap = vfu_client_config_read(client, PCI_CAPABILITY_LIST, 1);
    unsigned steps;

    for (steps = 0; cap && steps < 48; steps++) {
        if (vfu_client_config_read(client, cap, 1) == id) {
            return cap;
        }
        cap = vfu_client_config_read(client, cap + PCI_CAP_LIST_NEXT, 1);
    }
    return 0;
}

void vfu_client_enable(VfuClient *client)
{
    unsigned msix = vfu_client_find_cap(client, PCI_CAP_ID_MSIX);

    if (msix) {
        uint16_t control =
            vfu_client_config_read(client, msix + PCI_MSIX_FLAGS, 2);
        unsigned n = (control & PCI_MSIX_FLAGS_QSIZE) + 1;

        vfu_client_config_write(client, msix + PCI_MSIX_FLAGS, 2,
                                PCI_MSIX_FLAGS_ENABLE);
        g_assert_cmpint(vfu_client_set_irqs(client, 0, n), ==, 0);
    }
    vfu_client_config_write(client, PCI_COMMAND, 2,
                            PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* The region's information with its capabilities; `fd` as in call(). */
static uint8_t *vfu_client_get_region(VfuClient *client, unsigned region,
                                      VfuWireRegionInfo *info, int *fd)
{
    VfuWireRegionInfo request = { .argsz = 4096, .index = region };
    uint8_t *reply = g_malloc0(4096);
    size_t len;

    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_GET_REGION_INFO,
                                    &request, sizeof(request), NULL, 0, reply,
                                    4096, &len, fd),
                    ==, 0);
    g_assert_cmpuint(len, >=, sizeof(*info));
    memcpy(info, reply, sizeof(*info));
    return reply;
}

uint64_t vfu_client_get_bar_size(VfuClient *client, unsigned bar)
{
    VfuWireRegionInfo info;
    g_autofree uint8_t *reply = vfu_client_get_region(client, bar, &info, NULL);

    g_assert_cmpuint(bar, <, VFU_CLIENT_NUM_BARS);
    return info.size;
}

static bool vfu_client_may_map(const VfuWireRegionInfo *info,
                               const uint8_t *reply, uint64_t offset,
                               uint64_t size)
{
    const struct vfio_region_info_cap_sparse_mmap *cap;
    uint32_t i;

    if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS)) {
        return offset <= info->size && size <= info->size - offset;
    }
    cap = (const void *)(reply + info->cap_offset);
    g_assert_cmpuint(cap->header.id, ==, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
    for (i = 0; i < cap->nr_areas; i++) {
        if (offset >= cap->areas[i].offset
            && offset - cap->areas[i].offset < cap->areas[i].size
            && size <= cap->areas[i].size - (offset - cap->areas[i].offset)) {
            return true;
        }
    }
    return false;
}

void *vfu_client_map_bar(VfuClient *client, unsigned bar, uint64_t offset,
                         uint64_t size)
{
    VfuWireRegionInfo info;
    VfuClientMap map = { .len = size };
    g_autofree uint8_t *reply = NULL;
    int fd = -1;

    reply = vfu_client_get_region(client, bar, &info, &fd);
    g_assert_cmpint(fd, >=, 0);
    g_assert_true(vfu_client_may_map(&info, reply, offset, size));
    map.addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                    info.offset + offset);
    g_assert_true(map.addr != MAP_FAILED);
    close(fd);
    g_array_append_val(client->maps, map);
    return map.addr;
}

int vfu_client_set_irqs_raw(VfuClient *client, uint32_t flags, uint32_t start,
                            uint32_t count, const void *data, size_t len,
                            const int *fds, size_t n_fds)
{
    VfuWireIrqSet set = {
        .argsz = sizeof(set) + len,
        .flags = flags,
        .index = VFIO_PCI_MSIX_IRQ_INDEX,
        .start = start,
        .count = count,
    };
    g_autofree uint8_t *payload = g_malloc(sizeof(set) + len);

    memcpy(payload, &set, sizeof(set));
    if (len > 0) {
        memcpy(payload + sizeof(set), data, len);
    }
    return vfu_client_call(client, VFU_CMD_DEVICE_SET_IRQS, payload,
                           sizeof(set) + len, fds, n_fds, NULL, 0, NULL, NULL);
}

int vfu_client_set_irqs(VfuClient *client, unsigned first, unsigned n)
{
    g_assert_cmpuint(first + n, <=, VFU_CLIENT_MAX_VECTORS);
    while (n > 0) {
        unsigned chunk = MIN(n, VFU_MAX_MSG_FDS);
        unsigned i;
        int ret;

        for (i = first; i < first + chunk; i++) {
            if (client->irq_fds[i] < 0) {
                client->irq_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                g_assert_cmpint(client->irq_fds[i], >=, 0);
            }
        }
        ret = vfu_client_set_irqs_raw(
            client, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
            first, chunk, NULL, 0, &client->irq_fds[first], chunk);
        if (ret < 0) {
            return ret;
        }
        first += chunk;
        n -= chunk;
    }
    return 0;
}

uint64_t vfu_client_wait_irq(VfuClient *client, unsigned vector,
                             unsigned timeout_ms)
{
    struct pollfd fd = { .events = POLLIN };
    uint64_t count = 0;

    g_assert_cmpuint(vector, <, VFU_CLIENT_MAX_VECTORS);
    fd.fd = client->irq_fds[vector];
    g_assert_cmpint(fd.fd, >=, 0);
    if (poll(&fd, 1, timeout_ms) <= 0
        || read(fd.fd, &count, sizeof(count)) < 0) {
        return 0;
    }
    return count;
}

int vfu_client_reset(VfuClient *client)
{
    return vfu_client_call(client, VFU_CMD_DEVICE_RESET, NULL, 0, NULL, 0, NULL,
                           0, NULL, NULL);
}

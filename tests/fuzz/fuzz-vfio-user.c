/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: everything that a vfio-user client may send.
 *
 * An input is a list of records. A record's first byte says what it is (see
 * the RECORD_ bits), the next two how many bytes follow. A framed record is a
 * command byte and a payload, to which a right header is added; a raw one is
 * sent as it is. Unless the first record forbids it, the client has
 * negotiated before. The peer is in memory: no thread, no socket.
 */

#include "fuzz.h"

#include "vfu-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_FDS 0x07 /* which descriptors come with it: FdKind */
#define RECORD_RAW 0x08
#define RECORD_REPLY 0x10    /* framed: a reply */
#define RECORD_NO_REPLY 0x20 /* framed: to be posted */
#define RECORD_UNNEGOTIATED 0x80

typedef enum FdKind {
    FDS_NONE,
    FDS_MEMORY,
    FDS_EVENT,
    FDS_MANY_EVENTS,
    FDS_TOO_MANY,
    FDS_PIPE,
    FDS_SHORT_MEMORY,
    FDS_TWO,
} FdKind;

#define MEMORY_SIZE 0x10000

typedef struct Target {
    VfuServer *server;
    unsigned n_regions;
} Target;

static int target_read(void *opaque, unsigned bar, uint64_t offset,
                       unsigned len, uint64_t *value)
{
    Target *target = opaque;
    uint8_t byte;

    g_assert_cmpuint(bar, <, VFU_NUM_BARS);
    g_assert_cmpuint(offset % len, ==, 0);
    *value = offset;
    vfu_irq_trigger(target->server, offset);
    return vfu_dma_read(target->server, offset << 8, &byte, 1) == -EDEADLK
               ? -EIO
               : 0;
}

/* The guest makes the device do DMA wherever it likes. */
static int target_write(void *opaque, unsigned bar, uint64_t offset,
                        unsigned len, uint64_t value)
{
    Target *target = opaque;
    uint8_t buf[64] = { 0 };
    VfuDmaMap map;

    g_assert_cmpuint(bar, <, VFU_NUM_BARS);
    g_assert_cmpuint(offset % len, ==, 0);
    vfu_dma_write(target->server, value, buf, offset % sizeof(buf));
    if (vfu_dma_map_begin(target->server, value, 8, VFU_DMA_RW, &map)) {
        memset(map.host, 0x55, 8);
        vfu_dma_map_end(target->server, &map);
    }
    vfu_dma_is_mapped(target->server, value, value, VFU_DMA_READ);
    return 0;
}

static void target_mapped(void *opaque, const VfuDmaRegion *region)
{
    Target *target = opaque;

    g_assert_cmpuint(region->size, >, 0);
    target->n_regions++;
}

static void target_unmapped(void *opaque,
                            const VfuDmaRegion *region G_GNUC_UNUSED)
{
    Target *target = opaque;

    g_assert_cmpuint(target->n_regions, >, 0);
    target->n_regions--;
}

static const VfuOps target_ops = {
    .region_read = target_read,
    .region_write = target_write,
    .dma_mapped = target_mapped,
    .dma_unmapped = target_unmapped,
};

static int memory_new(uint64_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(fd, >=, 0);
    g_assert_no_errno(ftruncate(fd, size));
    return fd;
}

static size_t make_fds(FdKind kind, int *fds)
{
    size_t n = 1;
    size_t i;

    switch (kind) {
    case FDS_MEMORY:
        fds[0] = memory_new(MEMORY_SIZE);
        return 1;
    case FDS_EVENT:
        fds[0] = eventfd(0, EFD_CLOEXEC);
        return 1;
    case FDS_MANY_EVENTS:
        n = 8;
        break;
    case FDS_TOO_MANY:
        n = VFU_MAX_MSG_FDS + 4;
        break;
    case FDS_PIPE:
        g_assert_no_errno(pipe2(fds, O_CLOEXEC));
        return 2;
    case FDS_SHORT_MEMORY:
        fds[0] = memory_new(100);
        return 1;
    case FDS_TWO:
        fds[0] = memory_new(MEMORY_SIZE);
        fds[1] = eventfd(0, EFD_CLOEXEC);
        return 2;
    default:
        return 0;
    }
    for (i = 0; i < n; i++) {
        fds[i] = eventfd(0, EFD_CLOEXEC);
    }
    return n;
}

static void push_framed(VfuTransport *transport, unsigned kind,
                        const uint8_t *data, size_t len, const int *fds,
                        size_t n_fds)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    VfuHeader header = {
        .command = len ? data[0] : 0,
        .size = sizeof(header) + (len ? len - 1 : 0),
        .flags = (kind & RECORD_REPLY ? VFU_FLAG_REPLY : 0)
                 | (kind & RECORD_NO_REPLY ? VFU_FLAG_NO_REPLY : 0),
    };

    g_byte_array_append(bytes, (const uint8_t *)&header, sizeof(header));
    if (len > 1) {
        g_byte_array_append(bytes, data + 1, len - 1);
    }
    vfu_transport_memory_push(transport, bytes->data, bytes->len, fds, n_fds);
}

static void push_version(VfuTransport *transport)
{
    static const char proposal[] =
        "\x01\0\0\0\0{\"capabilities\":{\"write_multiple\":true}}";

    push_framed(transport, 0, (const uint8_t *)proposal, sizeof(proposal), NULL,
                0);
}

static void push_records(VfuTransport *transport, const uint8_t *data,
                         size_t size)
{
    if (size == 0 || !(data[0] & RECORD_UNNEGOTIATED)) {
        push_version(transport);
    }
    while (size >= 3) {
        unsigned kind = data[0];
        size_t len = data[1] | data[2] << 8;
        int fds[VFU_TRANSPORT_MAX_FDS];
        size_t n_fds;

        data += 3;
        size -= 3;
        len = MIN(len, size);
        n_fds = make_fds(kind & RECORD_FDS, fds);
        if (!(kind & RECORD_RAW)) {
            push_framed(transport, kind, data, len, fds, n_fds);
        } else if (len > 0) {
            vfu_transport_memory_push(transport, data, len, fds, n_fds);
        } else {
            while (n_fds > 0) {
                close(fds[--n_fds]);
            }
        }
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const VfuArea areas[] = { { 0x4000, 0x4000 }, { 0xc000, 0x4000 } };
    Target target = { 0 };
    VfuDescription desc = {
        .name = "fuzz",
        .vendor_id = 0x1234,
        .bars = {
            [0] = { .size = 0x4000, .fd = -1 },
            [2] = { .size = MEMORY_SIZE, .is_64bit = true, .fd = -1,
                    .mmap_areas = areas, .n_mmap_areas = 2 },
        },
        .msix = { .vectors = 8, .table_offset = 0x2000,
                  .pba_offset = 0x3000 },
    };
    int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    VfuTransport *transport = vfu_transport_new_memory();
    int bar2;

    close(lowest);
    bar2 = memory_new(MEMORY_SIZE);
    desc.bars[2].fd = bar2;
    target.server = vfu_server_new(&desc, &target_ops, &target, NULL);
    g_assert_nonnull(target.server);

    push_records(transport, data, size);
    vfu_server_serve(target.server, transport);

    /* Nothing of the client's is left. */
    g_assert_cmpuint(target.n_regions, ==, 0);
    g_assert_false(vfu_server_is_connected(target.server));
    vfu_server_free(target.server);
    close(bar2);
    bar2 = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    g_assert_cmpint(bar2, ==, lowest);
    close(bar2);
    return 0;
}

static void seed_add(GByteArray *seed, uint8_t kind, uint8_t command,
                     const void *payload, size_t len)
{
    uint16_t size = len + 1;
    uint8_t head[] = { kind, size & 0xff, size >> 8, command };

    g_byte_array_append(seed, head, sizeof(head));
    g_byte_array_append(seed, payload, len);
}

static void seed_add_config_write(GByteArray *seed, uint64_t offset,
                                  uint16_t value)
{
    struct {
        VfuWireRegionAccess access;
        uint16_t value;
    } write = { { offset, VFIO_PCI_CONFIG_REGION_INDEX, 2 }, value };

    seed_add(seed, 0, VFU_CMD_REGION_WRITE, &write, 18);
}

static GByteArray *seed_queries(void)
{
    GByteArray *seed = g_byte_array_new();
    VfuWireDeviceInfo info = { .argsz = 16 };
    VfuWireRegionInfo region = { .argsz = 256, .index = 2 };
    VfuWireRegionIoFds fds = { .argsz = 256 };
    VfuWireIrqInfo irq = { .argsz = 16, .index = 2 };

    seed_add(seed, 0, VFU_CMD_DEVICE_GET_INFO, &info, sizeof(info));
    seed_add(seed, 0, VFU_CMD_DEVICE_GET_REGION_INFO, &region, sizeof(region));
    seed_add(seed, 0, VFU_CMD_DEVICE_GET_REGION_IO_FDS, &fds, sizeof(fds));
    seed_add(seed, 0, VFU_CMD_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq));
    return seed;
}

static GByteArray *seed_dma(void)
{
    GByteArray *seed = g_byte_array_new();
    VfuWireDmaMap map = { 32, 3, 0, 0x10000, MEMORY_SIZE };
    VfuWireDmaMap other = { 32, 1, 0, 0x40000, 0x1000 };
    VfuWireDmaUnmap unmap = { 24, 0, 0x10000, MEMORY_SIZE };
    struct {
        VfuWireRegionAccess access;
        uint64_t value;
    } write = { { 0x10, 0, 8 }, 0x10800 };

    seed_add_config_write(seed, 4, 6);
    seed_add(seed, FDS_MEMORY, VFU_CMD_DMA_MAP, &map, sizeof(map));
    seed_add(seed, FDS_NONE, VFU_CMD_DMA_MAP, &other, sizeof(other));
    seed_add(seed, 0, VFU_CMD_REGION_WRITE, &write, sizeof(write));
    write.value = 0x40010;
    seed_add(seed, 0, VFU_CMD_REGION_WRITE, &write, sizeof(write));
    seed_add(seed, 0, VFU_CMD_DMA_UNMAP, &unmap, sizeof(unmap));
    return seed;
}

static GByteArray *seed_irqs(void)
{
    GByteArray *seed = g_byte_array_new();
    VfuWireIrqSet set = {
        20, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 2, 0, 8
    };
    VfuWireRegionAccess read = { 4, 0, 4 };

    seed_add_config_write(seed, 4, 6);
    seed_add_config_write(seed, 0x8a, 0x8000);
    seed_add(seed, FDS_MANY_EVENTS, VFU_CMD_DEVICE_SET_IRQS, &set, sizeof(set));
    seed_add(seed, 0, VFU_CMD_REGION_READ, &read, sizeof(read));
    set.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK;
    seed_add(seed, 0, VFU_CMD_DEVICE_SET_IRQS, &set, sizeof(set));
    return seed;
}

static GByteArray *seed_regions(void)
{
    GByteArray *seed = g_byte_array_new();
    VfuWireRegionAccess read = { 0x1fc0, 0, 0x80 };
    struct {
        uint64_t n;
        VfuWireWrite writes[2];
    } multi = { 2, { { 0x4000, 2, 8, { 1 } }, { 0x3008, 0, 4, { 2 } } } };

    seed_add_config_write(seed, 4, 6);
    seed_add(seed, 0, VFU_CMD_REGION_READ, &read, sizeof(read));
    read.region = 2;
    read.offset = 0x3fc0;
    seed_add(seed, 0, VFU_CMD_REGION_READ, &read, sizeof(read));
    seed_add(seed, RECORD_NO_REPLY, VFU_CMD_REGION_WRITE_MULTI, &multi,
             sizeof(multi));
    seed_add(seed, 0, VFU_CMD_DEVICE_RESET, NULL, 0);
    seed_add_config_write(seed, 0x50, 0x8000);
    seed_add(seed, RECORD_REPLY, VFU_CMD_DMA_READ, &read, sizeof(read));
    return seed;
}

static GByteArray *seed_raw(void)
{
    static const char json[] = "{\"capabilities\":{\"max_msg_fds\":8,"
                               "\"max_data_xfer_size\":4096}}";
    GByteArray *seed = g_byte_array_new();
    VfuHeader header = { 1, VFU_CMD_VERSION, 20 + sizeof(json), 0, 0 };
    uint16_t len = header.size;
    uint8_t head[] = { RECORD_RAW | RECORD_UNNEGOTIATED, len & 0xff, len >> 8 };

    g_byte_array_append(seed, head, sizeof(head));
    g_byte_array_append(seed, (const uint8_t *)&header, sizeof(header));
    g_byte_array_append(seed, (const uint8_t *)"\0\0\1\0", 4);
    g_byte_array_append(seed, (const uint8_t *)json, sizeof(json));
    return seed;
}

GPtrArray *fuzz_make_seeds(void)
{
    GPtrArray *seeds = g_ptr_array_new();

    g_ptr_array_add(seeds, seed_queries());
    g_ptr_array_add(seeds, seed_dma());
    g_ptr_array_add(seeds, seed_irqs());
    g_ptr_array_add(seeds, seed_regions());
    g_ptr_array_add(seeds, seed_raw());
    return seeds;
}

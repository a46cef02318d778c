/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user: each command, used as it should be.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void test_version_capabilities(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    const char *caps = vfu_client_get_capabilities(client);

    g_assert_nonnull(caps);
    g_assert_nonnull(strstr(caps, "\"max_msg_fds\":16"));
    g_assert_nonnull(strstr(caps, "\"max_data_xfer_size\":1048576"));
    g_assert_nonnull(strstr(caps, "\"pgsizes\":4096"));
    g_assert_nonnull(strstr(caps, "\"write_multiple\":true"));
    g_assert_cmpuint(fixture->n_connected, ==, 1);
    g_assert_true(vfu_server_is_connected(fixture->server));
}

/* Only what was proposed is answered; a lower minor version is kept. */
static void test_version_minimal(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = NULL;
    VfuWireVersion version = { 0, 0 };
    char reply[256] = { 0 };
    size_t len;

    client = vfu_client_new_raw(fixture->path, NULL);
    g_assert_cmpint(vfu_client_call(client, VFU_CMD_VERSION, &version,
                                    sizeof(version), NULL, 0, reply,
                                    sizeof(reply), &len, NULL),
                    ==, 0);
    g_assert_cmpmem(reply, sizeof(version), &version, sizeof(version));
    g_assert_cmpstr(reply + sizeof(version), ==, "{\"capabilities\":{}}");
}

static void test_device_get_info(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireDeviceInfo info = { .argsz = sizeof(info) };

    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_GET_INFO, &info,
                                    sizeof(info), NULL, 0, &info, sizeof(info),
                                    NULL, NULL),
                    ==, 0);
    g_assert_cmphex(info.flags, ==,
                    VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
    g_assert_cmpuint(info.num_regions, ==, VFIO_PCI_NUM_REGIONS);
    g_assert_cmpuint(info.num_irqs, ==, VFIO_PCI_NUM_IRQS);
}

static void get_region(VfuClient *client, uint32_t index, uint32_t argsz,
                       uint8_t *reply, size_t *len, int *fd)
{
    VfuWireRegionInfo info = { .argsz = argsz, .index = index };

    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_GET_REGION_INFO,
                                    &info, sizeof(info), NULL, 0, reply, 256,
                                    len, fd),
                    ==, 0);
}

static void test_region_info_trapped(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t reply[256];
    VfuWireRegionInfo info;
    size_t len;
    int fd;

    get_region(client, 0, sizeof(info), reply, &len, &fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_cmpuint(len, ==, sizeof(info));
    g_assert_cmpint(fd, ==, -1);
    g_assert_cmpuint(info.size, ==, FIXTURE_BAR0_SIZE);
    g_assert_cmphex(info.flags, ==,
                    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
}

static void test_region_info_mapped(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t reply[256];
    VfuWireRegionInfo info;
    size_t len;
    int fd;

    get_region(client, 2, sizeof(info), reply, &len, &fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_cmpuint(len, ==, sizeof(info));
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpuint(info.size, ==, FIXTURE_BAR2_SIZE);
    g_assert_cmphex(info.flags, ==,
                    VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE
                        | VFIO_REGION_INFO_FLAG_MMAP);
    close(fd);
}

/* First with room for the fixed part only, as QEMU asks; then with all. */
static void test_region_info_sparse(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    struct vfio_region_info_cap_sparse_mmap *cap;
    _Alignas(8) uint8_t reply[256];
    VfuWireRegionInfo info;
    size_t len;
    int fd;

    get_region(client, 4, sizeof(info), reply, &len, &fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_cmpuint(len, ==, sizeof(info));
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_cmpuint(info.argsz, ==, sizeof(info) + 16 + 2 * 16);
    g_assert_cmpuint(info.cap_offset, ==, sizeof(info));

    get_region(client, 4, info.argsz, reply, &len, &fd);
    g_assert_cmpuint(len, ==, info.argsz);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_true(info.flags & VFIO_REGION_INFO_FLAG_CAPS);
    g_assert_true(info.flags & VFIO_REGION_INFO_FLAG_MMAP);
    cap = (void *)(reply + info.cap_offset);
    g_assert_cmpuint(cap->header.id, ==, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
    g_assert_cmpuint(cap->header.version, ==, 1);
    g_assert_cmpuint(cap->header.next, ==, 0);
    g_assert_cmpuint(cap->nr_areas, ==, 2);
    g_assert_cmphex(cap->areas[0].offset, ==, 0x4000);
    g_assert_cmphex(cap->areas[0].size, ==, 0x4000);
    g_assert_cmphex(cap->areas[1].offset, ==, 0xc000);
    g_assert_cmphex(cap->areas[1].size, ==, 0x4000);
}

static void test_region_info_config(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t reply[256];
    VfuWireRegionInfo info;
    size_t len;
    int fd;

    get_region(client, VFIO_PCI_CONFIG_REGION_INDEX, sizeof(info), reply, &len,
               &fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_cmpuint(info.size, ==, 4096);
    get_region(client, VFIO_PCI_ROM_REGION_INDEX, sizeof(info), reply, &len,
               &fd);
    memcpy(&info, reply, sizeof(info));
    g_assert_cmpuint(info.size, ==, 0);
    g_assert_cmphex(info.flags, ==, 0);
}

static void test_region_io_fds(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireRegionIoFds fds = { .argsz = 1024, .index = 0 };
    size_t len;

    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_GET_REGION_IO_FDS,
                                    &fds, sizeof(fds), NULL, 0, &fds,
                                    sizeof(fds), &len, NULL),
                    ==, 0);
    g_assert_cmpuint(len, ==, sizeof(fds));
    g_assert_cmpuint(fds.argsz, ==, sizeof(fds));
    g_assert_cmpuint(fds.count, ==, 0);
}

static void test_irq_info(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint32_t index;

    for (index = 0; index < VFIO_PCI_NUM_IRQS; index++) {
        VfuWireIrqInfo info = { .argsz = sizeof(info), .index = index };

        g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_GET_IRQ_INFO,
                                        &info, sizeof(info), NULL, 0, &info,
                                        sizeof(info), NULL, NULL),
                        ==, 0);
        g_assert_cmpuint(info.index, ==, index);
        if (index == VFIO_PCI_MSIX_IRQ_INDEX) {
            g_assert_cmpuint(info.count, ==, FIXTURE_VECTORS);
            g_assert_true(info.flags & VFIO_IRQ_INFO_EVENTFD);
            g_assert_false(info.flags & VFIO_IRQ_INFO_NORESIZE);
        } else {
            g_assert_cmpuint(info.count, ==,
                             index == VFIO_PCI_ERR_IRQ_INDEX
                                 || index == VFIO_PCI_REQ_IRQ_INDEX);
        }
    }
}

static void test_irq_trigger(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmpint(vfu_client_set_irqs(client, 0, FIXTURE_VECTORS), ==, 0);
    vfu_irq_trigger(fixture->server, 0);
    vfu_irq_trigger(fixture->server, 39);
    vfu_irq_trigger(fixture->server, 39);
    g_assert_cmpuint(vfu_client_wait_irq(client, 0, 1000), ==, 1);
    g_assert_cmpuint(vfu_client_wait_irq(client, 39, 1000), ==, 2);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 0), ==, 0);
    vfu_irq_trigger(fixture->server, FIXTURE_VECTORS);
    vfu_irq_trigger(fixture->server, UINT_MAX);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).irqs_sent, ==, 3);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).irqs_dropped, ==, 2);
}

/* A partial range, taken back by a message without descriptors. */
static void test_irq_partial_range(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmpint(vfu_client_set_irqs(client, 3, 4), ==, 0);
    vfu_irq_trigger(fixture->server, 2);
    vfu_irq_trigger(fixture->server, 4);
    g_assert_cmpuint(vfu_client_wait_irq(client, 4, 1000), ==, 1);
    g_assert_cmpint(vfu_client_set_irqs_raw(client,
                                            VFIO_IRQ_SET_DATA_EVENTFD
                                                | VFIO_IRQ_SET_ACTION_TRIGGER,
                                            4, 1, NULL, 0, NULL, 0),
                    ==, 0);
    vfu_irq_trigger(fixture->server, 4);
    vfu_irq_trigger(fixture->server, 5);
    g_assert_cmpuint(vfu_client_wait_irq(client, 4, 0), ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 5, 1000), ==, 1);
}

static void test_irq_disable_all(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmpint(vfu_client_set_irqs(client, 0, FIXTURE_VECTORS), ==, 0);
    g_assert_cmpint(vfu_client_set_irqs_raw(client,
                                            VFIO_IRQ_SET_DATA_NONE
                                                | VFIO_IRQ_SET_ACTION_TRIGGER,
                                            0, 0, NULL, 0, NULL, 0),
                    ==, 0);
    vfu_irq_trigger(fixture->server, 1);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 0), ==, 0);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).irqs_dropped, ==, 1);
}

/* The client may trigger by itself: all of a range, or some of it. */
static void test_irq_loopback(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    static const uint8_t bools[] = { 0, 1, 0 };

    g_assert_cmpint(vfu_client_set_irqs(client, 0, 8), ==, 0);
    g_assert_cmpint(vfu_client_set_irqs_raw(client,
                                            VFIO_IRQ_SET_DATA_NONE
                                                | VFIO_IRQ_SET_ACTION_TRIGGER,
                                            1, 2, NULL, 0, NULL, 0),
                    ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 1000), ==, 1);
    g_assert_cmpuint(vfu_client_wait_irq(client, 2, 1000), ==, 1);
    g_assert_cmpint(vfu_client_set_irqs_raw(
                        client,
                        VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER, 1,
                        3, bools, sizeof(bools), NULL, 0),
                    ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 0), ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 2, 1000), ==, 1);
    g_assert_cmpuint(vfu_client_wait_irq(client, 3, 0), ==, 0);
}

static void test_irq_mask(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmpint(vfu_client_set_irqs(client, 0, 2), ==, 0);
    g_assert_cmpint(vfu_client_set_irqs_raw(client,
                                            VFIO_IRQ_SET_DATA_NONE
                                                | VFIO_IRQ_SET_ACTION_MASK,
                                            1, 1, NULL, 0, NULL, 0),
                    ==, 0);
    vfu_irq_trigger(fixture->server, 1);
    vfu_irq_trigger(fixture->server, 1);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 0), ==, 0);
    g_assert_cmpint(vfu_client_set_irqs_raw(client,
                                            VFIO_IRQ_SET_DATA_NONE
                                                | VFIO_IRQ_SET_ACTION_UNMASK,
                                            1, 1, NULL, 0, NULL, 0),
                    ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 1, 1000), ==, 1);
}

/* The client's own events: the device asks to be taken away. */
static void test_irq_request(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireIrqSet set = {
        .argsz = sizeof(set),
        .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
        .count = 1,
    };
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    uint64_t count = 0;

    g_assert_false(vfu_request_removal(fixture->server));
    for (set.index = VFIO_PCI_ERR_IRQ_INDEX;
         set.index <= VFIO_PCI_REQ_IRQ_INDEX; set.index++) {
        g_assert_cmpint(vfu_client_call(client, VFU_CMD_DEVICE_SET_IRQS, &set,
                                        sizeof(set), &fd, 1, NULL, 0, NULL,
                                        NULL),
                        ==, 0);
    }
    g_assert_true(vfu_request_removal(fixture->server));
    g_assert_cmpint(read(fd, &count, sizeof(count)), ==, sizeof(count));
    g_assert_cmpuint(count, ==, 1);
    close(fd);
    g_clear_pointer(&client, vfu_client_free);
    vfu_fixture_wait(fixture, &fixture->n_resets[VFU_RESET_DISCONNECT], 1);
    g_assert_false(vfu_request_removal(fixture->server));
}

/* Enabled, but no descriptor yet: pending, seen in the BAR, delivered later. */
static void test_irq_pending(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned msix = vfu_client_find_cap(client, PCI_CAP_ID_MSIX);

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    vfu_client_config_write(client, msix + PCI_MSIX_FLAGS, 2,
                            PCI_MSIX_FLAGS_ENABLE);
    vfu_irq_trigger(fixture->server, 33);
    g_assert_cmphex(vfu_client_read64(client, 0, FIXTURE_MSIX_PBA), ==,
                    1ULL << 33);
    vfu_client_write64(client, 0, FIXTURE_MSIX_PBA, 0);
    g_assert_cmphex(vfu_client_read64(client, 0, FIXTURE_MSIX_PBA), ==,
                    1ULL << 33);
    g_assert_cmpint(vfu_client_set_irqs(client, 33, 1), ==, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 33, 1000), ==, 1);
    g_assert_cmphex(vfu_client_read64(client, 0, FIXTURE_MSIX_PBA), ==, 0);
}

static void test_msix_table(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmphex(vfu_client_read32(client, 0, FIXTURE_MSIX_TABLE + 16 + 12),
                    ==, PCI_MSIX_ENTRY_CTRL_MASKBIT);
    vfu_client_write32(client, 0, FIXTURE_MSIX_TABLE + 16, 0xfee00000);
    g_assert_cmphex(vfu_client_read32(client, 0, FIXTURE_MSIX_TABLE + 16), ==,
                    0xfee00000);
    g_assert_cmpuint(fixture->n_accesses, ==, 0);
}

static void test_region_read_write(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t byte = 0x5a;

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    vfu_client_write32(client, 0, 0x10, 0xdeadbeef);
    g_assert_cmpuint(fixture->last_len, ==, 4);
    g_assert_cmphex(vfu_client_read32(client, 0, 0x10), ==, 0xdeadbeef);
    vfu_client_write64(client, 0, 0x18, 0x0123456789abcdefULL);
    g_assert_cmpuint(fixture->last_len, ==, 8);
    g_assert_cmphex(vfu_client_read64(client, 0, 0x18), ==,
                    0x0123456789abcdefULL);
    g_assert_cmpint(vfu_client_write(client, 0, 0x13, &byte, 1), ==, 0);
    g_assert_cmpuint(fixture->last_len, ==, 1);
    g_assert_cmphex(vfu_client_read32(client, 0, 0x10), ==, 0x5aadbeef);
}

/* Any bytes: cut into naturally aligned pieces. */
static void test_region_crooked_access(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t out[27], in[27];
    unsigned i;

    for (i = 0; i < sizeof(out); i++) {
        out[i] = i * 7 + 1;
    }
    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmpint(vfu_client_write(client, 0, 0x101, out, sizeof(out)), ==,
                    0);
    /* 1 + 2 + 4 + 8 + 8 + 4 bytes from 0x101 on */
    g_assert_cmpuint(fixture->n_accesses, ==, 6);
    g_assert_cmpint(vfu_client_read(client, 0, 0x101, in, sizeof(in)), ==, 0);
    g_assert_cmpmem(in, sizeof(in), out, sizeof(out));
    g_assert_cmpint(vfu_client_read(client, 0, 0x101, in, 0), ==, 0);
}

/* A message for mapped memory reaches the same memory. */
static void test_region_mapped_by_message(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    g_autofree uint8_t *big = g_malloc(FIXTURE_BAR2_SIZE);
    uint8_t *bar2;
    uint32_t *bar4;

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    bar2 = vfu_client_map_bar(client, 2, 0, FIXTURE_BAR2_SIZE);
    memset(bar2, 0x77, FIXTURE_BAR2_SIZE);
    g_assert_cmpint(vfu_client_read(client, 2, 0, big, FIXTURE_BAR2_SIZE), ==,
                    0);
    g_assert_cmpmem(big, FIXTURE_BAR2_SIZE, bar2, FIXTURE_BAR2_SIZE);
    vfu_client_write32(client, 2, 0x1234, 0xcafef00d);
    g_assert_cmpmem(bar2 + 0x1234, 4, "\x0d\xf0\xfe\xca", 4);
    g_assert_cmpuint(fixture->n_accesses, ==, 0);

    bar4 = vfu_client_map_bar(client, 4, 0xc000, 0x4000);
    bar4[0] = 42;
    g_assert_cmpuint(vfu_client_read32(client, 4, 0xc000), ==, 42);
    g_assert_cmpuint(fixture->n_accesses, ==, 0);
    g_assert_cmphex(vfu_client_read32(client, 4, 0x8010), ==, 0x8010);
    g_assert_cmpuint(fixture->n_accesses, ==, 1);
}

static void test_region_refused(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint32_t value = 0;

    /* Memory decoding is off after power-on. */
    g_assert_cmpint(vfu_client_read(client, 0, 0, &value, 4), ==, -EIO);
    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmpint(vfu_client_read(client, 0, 0, &value, 4), ==, 0);
    /* The device refuses this one. */
    g_assert_cmpint(vfu_client_write(client, 0, 0x1000, &value, 4), ==, -EIO);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).bad_accesses, ==, 2);
    g_assert_cmpuint(fixture->n_peer_errors, ==, 1);
}

static void test_region_write_multi(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    struct {
        uint64_t n;
        VfuWireWrite writes[3];
    } request = {
        .n = 3,
        .writes = {
            { .offset = 0x20, .region = 0, .count = 4,
              .data = { 1, 2, 3, 4 } },
            { .offset = 0x28, .region = 0, .count = 8,
              .data = { 8, 7, 6, 5, 4, 3, 2, 1 } },
            { .offset = 0x20, .region = 0, .count = 1, .data = { 0xff } },
        },
    };
    uint64_t n = 0;

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmpint(vfu_client_call(client, VFU_CMD_REGION_WRITE_MULTI,
                                    &request, sizeof(request), NULL, 0, &n,
                                    sizeof(n), NULL, NULL),
                    ==, 0);
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmphex(vfu_client_read32(client, 0, 0x20), ==, 0x040302ff);
    g_assert_cmphex(vfu_client_read64(client, 0, 0x28), ==,
                    0x0102030405060708ULL);
}

/* Posted writes are done, in order, before a later command is answered. */
static void test_no_reply(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint32_t i;

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (i = 0; i < 1000; i++) {
        struct {
            VfuWireRegionAccess access;
            uint32_t value;
        } post = { { 0x40, 0, 4 }, i };

        g_assert_cmpint(vfu_client_post(client, VFU_CMD_REGION_WRITE, &post,
                                        sizeof(post), NULL, 0),
                        ==, 0);
    }
    g_assert_cmpuint(vfu_client_read32(client, 0, 0x40), ==, 999);
    /* A refused one is counted, and not answered either. */
    g_assert_cmpint(vfu_client_post(client, 99, NULL, 0, NULL, 0), ==, 0);
    g_assert_cmpuint(vfu_client_read32(client, 0, 0x40), ==, 999);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).error_replies, ==, 1);
}

static void test_device_reset(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    vfu_client_enable(client);
    vfu_client_write32(client, 0, 0x10, 5);
    g_assert_cmpint(fixture->mastering, ==, 1);
    g_assert_cmpint(vfu_client_reset(client), ==, 0);
    g_assert_cmpuint(fixture->n_resets[VFU_RESET_DEVICE], ==, 1);
    g_assert_cmpint(fixture->mastering, ==, 0);
    g_assert_cmphex(vfu_client_config_read(client, PCI_COMMAND, 2), ==, 0);
    /* The client's descriptors outlive a reset of the device. */
    vfu_irq_trigger(fixture->server, 0);
    g_assert_cmpuint(vfu_client_wait_irq(client, 0, 1000), ==, 1);
}

static void test_reconnect(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    unsigned i;

    for (i = 0; i < 20; i++) {
        g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
        uint8_t byte;

        vfu_client_add_ram(client, 0x100000, 0x10000);
        g_assert_cmphex(vfu_client_config_read(client, PCI_COMMAND, 2), ==, 0);
        vfu_client_enable(client);
        vfu_client_write32(client, 0, 0x10, 1);
        g_assert_cmpint(vfu_dma_read(fixture->server, 0x100000, &byte, 1), ==,
                        0);
        g_clear_pointer(&client, vfu_client_free);
        vfu_fixture_wait(fixture, &fixture->n_resets[VFU_RESET_DISCONNECT],
                         i + 1);
        g_assert_cmpuint(fixture->n_disconnected, ==, i + 1);
        g_assert_cmpuint(fixture->regions->len, ==, 0);
        g_assert_cmpint(vfu_dma_read(fixture->server, 0x100000, &byte, 1), ==,
                        -EPERM);
        vfu_irq_trigger(fixture->server, 0);
    }
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).irqs_sent, ==, 0);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).connections, ==, 20);
}

/* A second client waits its turn. */
static void test_two_clients(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) first = vfu_fixture_connect(fixture);
    g_autoptr(VfuClient) second = vfu_client_new_raw(fixture->path, NULL);
    VfuWireVersion version = { 0, 1 };
    VfuHeader header = {
        .id = 1,
        .command = VFU_CMD_VERSION,
        .size = sizeof(header) + sizeof(version),
    };

    g_assert_nonnull(second);
    g_assert_cmpint(
        vfu_client_send_bytes(second, &header, sizeof(header), NULL, 0), ==, 0);
    g_assert_cmpint(
        vfu_client_send_bytes(second, &version, sizeof(version), NULL, 0), ==,
        0);
    g_assert_cmpuint(vfu_client_config_read(first, 0, 2), ==, 0x1234);
    g_assert_cmpuint(fixture->n_connected, ==, 1);
    g_clear_pointer(&first, vfu_client_free);
    vfu_fixture_wait(fixture, &fixture->n_connected, 2);
    g_assert_cmpuint(vfu_client_config_read(second, 0, 2), ==, 0x1234);
}

/* The server goes first: the client sees the end, a new server can follow. */
static void test_server_stop(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    g_autoptr(GError) error = NULL;

    vfu_client_enable(client);
    vfu_server_stop(fixture->server);
    g_assert_true(vfu_client_wait_closed(client, 1000));
    g_assert_cmpuint(fixture->n_disconnected, ==, 1);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
    g_assert_true(vfu_server_listen(fixture->server, fixture->path, &error));
    g_assert_no_error(error);
    vfu_fixture_assert_alive(fixture);
}

static void test_listen_errors(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuFixture) other = vfu_fixture_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *longer = g_strnfill(200, 'x');

    vfu_server_stop(other->server);
    g_assert_false(vfu_server_listen(other->server, fixture->path, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_false(vfu_server_listen(other->server, longer, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_false(vfu_server_listen(other->server, "/nonexistent/x", &error));
    g_assert_nonnull(error);
    vfu_fixture_assert_alive(fixture);
}

static void assert_bad_description(const VfuDescription *desc)
{
    static const VfuOps ops;
    g_autoptr(GError) error = NULL;

    g_assert_null(vfu_server_new(desc, &ops, NULL, &error));
    g_assert_nonnull(error);
}

static void test_bad_descriptions(void)
{
    static const VfuArea crooked = { .offset = 0x10, .size = 0x1000 };
    int devnull = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert_bad_description(
        &(VfuDescription){ .bars[0] = { .size = 3000, .fd = -1 } });
    assert_bad_description(&(VfuDescription){
        .bars[5] = { .size = 4096, .fd = -1, .is_64bit = true } });
    assert_bad_description(&(VfuDescription){
        .bars[0] = { .size = 4096, .fd = -1, .is_64bit = true },
        .bars[1] = { .size = 4096, .fd = -1 } });
    assert_bad_description(
        &(VfuDescription){ .bars[0] = { .size = 1ULL << 33, .fd = -1 } });
    assert_bad_description(
        &(VfuDescription){ .bars[0] = { .size = 4096, .fd = devnull } });
    assert_bad_description(
        &(VfuDescription){ .bars[0] = { .size = 4096,
                                        .fd = devnull,
                                        .mmap_areas = &crooked,
                                        .n_mmap_areas = 1 } });
    assert_bad_description(&(VfuDescription){
        .bars[0] = { .size = 4096, .fd = -1 }, .msix = { .vectors = 512 } });
    assert_bad_description(
        &(VfuDescription){ .bars[0] = { .size = 4096, .fd = -1 },
                           .msix = { .vectors = 4, .pba_offset = 16 } });
    close(devnull);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfu/version/capabilities", test_version_capabilities);
    g_test_add_func("/vfu/version/minimal", test_version_minimal);
    g_test_add_func("/vfu/device-get-info", test_device_get_info);
    g_test_add_func("/vfu/region-info/trapped", test_region_info_trapped);
    g_test_add_func("/vfu/region-info/mapped", test_region_info_mapped);
    g_test_add_func("/vfu/region-info/sparse", test_region_info_sparse);
    g_test_add_func("/vfu/region-info/config", test_region_info_config);
    g_test_add_func("/vfu/region-io-fds", test_region_io_fds);
    g_test_add_func("/vfu/irq-info", test_irq_info);
    g_test_add_func("/vfu/set-irqs/trigger", test_irq_trigger);
    g_test_add_func("/vfu/set-irqs/partial-range", test_irq_partial_range);
    g_test_add_func("/vfu/set-irqs/disable-all", test_irq_disable_all);
    g_test_add_func("/vfu/set-irqs/loopback", test_irq_loopback);
    g_test_add_func("/vfu/set-irqs/mask", test_irq_mask);
    g_test_add_func("/vfu/set-irqs/request", test_irq_request);
    g_test_add_func("/vfu/set-irqs/pending", test_irq_pending);
    g_test_add_func("/vfu/msix-table", test_msix_table);
    g_test_add_func("/vfu/region/read-write", test_region_read_write);
    g_test_add_func("/vfu/region/crooked-access", test_region_crooked_access);
    g_test_add_func("/vfu/region/mapped-by-message",
                    test_region_mapped_by_message);
    g_test_add_func("/vfu/region/refused", test_region_refused);
    g_test_add_func("/vfu/region/write-multi", test_region_write_multi);
    g_test_add_func("/vfu/no-reply", test_no_reply);
    g_test_add_func("/vfu/device-reset", test_device_reset);
    g_test_add_func("/vfu/reconnect", test_reconnect);
    g_test_add_func("/vfu/two-clients", test_two_clients);
    g_test_add_func("/vfu/server-stop", test_server_stop);
    g_test_add_func("/vfu/listen-errors", test_listen_errors);
    g_test_add_func("/vfu/bad-descriptions", test_bad_descriptions);
    return g_test_run();
}

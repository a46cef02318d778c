/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user: what a peer must not send.
 *
 * Each test sends one kind of malformed input and then asks whether the
 * server still serves: the same client where an error reply is enough, a new
 * one where the connection has to go. Every kind is counted.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static int call(VfuClient *client, unsigned command, const void *payload,
                size_t len)
{
    return vfu_client_call(client, command, payload, len, NULL, 0, NULL, 0,
                           NULL, NULL);
}

static int call_fds(VfuClient *client, unsigned command, const void *payload,
                    size_t len, const int *fds, size_t n_fds)
{
    return vfu_client_call(client, command, payload, len, fds, n_fds, NULL, 0,
                           NULL, NULL);
}

static void assert_still_served(VfuClient *client)
{
    g_assert_cmphex(vfu_client_config_read(client, 0, 4), ==, 0x56781234);
}

static unsigned count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

/* Sends a header alone and expects the connection to go. */
static void assert_header_closes(VfuHeader header)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmpint(
        vfu_client_send_bytes(client, &header, sizeof(header), NULL, 0), ==, 0);
    g_assert_true(vfu_client_wait_closed(client, 2000));
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).bad_messages, ==, 1);
    g_assert_cmpuint(fixture->n_peer_errors, ==, 1);
    g_clear_pointer(&client, vfu_client_free);
    vfu_fixture_assert_alive(fixture);
}

static void test_header_size_zero(void)
{
    assert_header_closes((VfuHeader){ .command = VFU_CMD_REGION_READ });
}

static void test_header_size_small(void)
{
    assert_header_closes((VfuHeader){ .command = VFU_CMD_REGION_READ,
                                      .size = sizeof(VfuHeader) - 1 });
}

static void test_header_size_huge(void)
{
    assert_header_closes(
        (VfuHeader){ .command = VFU_CMD_REGION_WRITE, .size = UINT32_MAX });
}

static void test_header_size_over_limit(void)
{
    assert_header_closes((VfuHeader){ .command = VFU_CMD_REGION_WRITE,
                                      .size = VFU_MAX_MSG_SIZE + 1 });
}

static void test_header_type(void)
{
    assert_header_closes((VfuHeader){ .command = VFU_CMD_REGION_READ,
                                      .size = sizeof(VfuHeader),
                                      .flags = 0x7 });
}

/* The peer dies in the middle of a message. */
static void test_truncated(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    VfuHeader header = { .command = VFU_CMD_DMA_MAP, .size = 48 };
    size_t len;

    for (len = 1; len < sizeof(header) + 4; len += 3) {
        g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
        uint8_t bytes[sizeof(header) + 4] = { 0 };

        memcpy(bytes, &header, sizeof(header));
        g_assert_cmpint(vfu_client_send_bytes(client, bytes, len, NULL, 0), ==,
                        0);
    }
    vfu_fixture_assert_alive(fixture);
}

/* One byte at a time is slow, but legal. */
static void test_dribble(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    struct {
        VfuHeader header;
        VfuWireRegionAccess access;
        uint32_t value;
    } message = {
        .header = { .id = 7,
                    .command = VFU_CMD_REGION_WRITE,
                    .size = 36,
                    .flags = VFU_FLAG_NO_REPLY },
        .access = { .offset = PCI_COMMAND,
                    .region = VFIO_PCI_CONFIG_REGION_INDEX,
                    .count = 2 },
        .value = PCI_COMMAND_MEMORY,
    };
    size_t i;

    for (i = 0; i < message.header.size; i++) {
        g_assert_cmpint(
            vfu_client_send_bytes(client, (uint8_t *)&message + i, 1, NULL, 0),
            ==, 0);
    }
    g_assert_cmphex(vfu_client_config_read(client, PCI_COMMAND, 2), ==,
                    PCI_COMMAND_MEMORY);
}

static void test_command_before_version(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_client_new_raw(fixture->path, NULL);
    VfuWireDeviceInfo info = { .argsz = sizeof(info) };

    g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_INFO, &info, sizeof(info)),
                    ==, -EPROTO);
    g_assert_true(vfu_client_wait_closed(client, 2000));
    g_clear_pointer(&client, vfu_client_free);
    g_assert_cmpuint(fixture->n_connected, ==, 0);
    vfu_fixture_assert_alive(fixture);
}

static void test_version_twice(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireVersion version = { 0, 1 };

    g_assert_cmpint(call(client, VFU_CMD_VERSION, &version, sizeof(version)),
                    ==, -EALREADY);
    assert_still_served(client);
}

static void test_version_payloads(void)
{
    static const struct {
        uint16_t major;
        const char *json;
        size_t len; /* 0: with its NUL */
        int error;
    } proposals[] = {
        { 1, "{}", 0, -EPROTONOSUPPORT },
        { 0, "", 0, -EINVAL },
        { 0, "{", 0, -EINVAL },
        { 0, "[]", 0, -EINVAL },
        { 0, "{\"capabilities\":[]}", 0, -EINVAL },
        { 0, "{\"capabilities\":{\"max_data_xfer_size\":0}}", 0, -EINVAL },
        { 0, "{\"capabilities\":{\"max_data_xfer_size\":-1}}", 0, -EINVAL },
        { 0, "{\"capabilities\":{\"max_data_xfer_size\":\"x\"}}", 0, -EINVAL },
        { 0, "{}not terminated", 2, -EINVAL },
        { 0, "\xff\xfe{}", 0, -EINVAL },
        { 0, "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", 0, -EINVAL },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(proposals); i++) {
        g_autoptr(VfuClient) client = vfu_client_new_raw(fixture->path, NULL);
        VfuWireVersion version = { proposals[i].major, 1 };
        size_t len = proposals[i].len ?: strlen(proposals[i].json) + 1;
        uint8_t payload[256];

        memcpy(payload, &version, sizeof(version));
        memcpy(payload + sizeof(version), proposals[i].json, len);
        g_assert_cmpint(
            call(client, VFU_CMD_VERSION, payload, sizeof(version) + len), ==,
            proposals[i].error);
        g_assert_true(vfu_client_wait_closed(client, 2000));
    }
    g_assert_cmpuint(fixture->n_connected, ==, 0);
    vfu_fixture_assert_alive(fixture);
}

static void test_version_short(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_client_new_raw(fixture->path, NULL);

    g_assert_cmpint(call(client, VFU_CMD_VERSION, "\0", 2), ==, -EINVAL);
    g_clear_pointer(&client, vfu_client_free);
    vfu_fixture_assert_alive(fixture);
}

static void test_unknown_commands(void)
{
    static const uint16_t commands[] = {
        0,
        VFU_CMD_DMA_READ,
        VFU_CMD_DMA_WRITE,
        14,
        VFU_CMD_DEVICE_FEATURE,
        VFU_CMD_MIG_DATA_READ,
        VFU_CMD_MIG_DATA_WRITE,
        19,
        0x7fff,
        0xffff,
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t payload[64] = { 0 };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_assert_cmpint(call(client, commands[i], payload, sizeof(payload)), ==,
                        -ENOTSUP);
    }
    assert_still_served(client);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).error_replies, ==,
                     G_N_ELEMENTS(commands));
}

/* Every command, with every payload that is too short for it. */
static void test_short_payloads(void)
{
    static const struct {
        uint16_t command;
        size_t len;
    } commands[] = {
        { VFU_CMD_DMA_MAP, sizeof(VfuWireDmaMap) },
        { VFU_CMD_DMA_UNMAP, sizeof(VfuWireDmaUnmap) },
        { VFU_CMD_DEVICE_GET_INFO, sizeof(VfuWireDeviceInfo) },
        { VFU_CMD_DEVICE_GET_REGION_INFO, sizeof(VfuWireRegionInfo) },
        { VFU_CMD_DEVICE_GET_REGION_IO_FDS, sizeof(VfuWireRegionIoFds) },
        { VFU_CMD_DEVICE_GET_IRQ_INFO, sizeof(VfuWireIrqInfo) },
        { VFU_CMD_DEVICE_SET_IRQS, sizeof(VfuWireIrqSet) },
        { VFU_CMD_REGION_READ, sizeof(VfuWireRegionAccess) },
        { VFU_CMD_REGION_WRITE, sizeof(VfuWireRegionAccess) },
        { VFU_CMD_REGION_WRITE_MULTI, sizeof(uint64_t) },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t payload[64] = { 0 };
    size_t i, len;

    for (i = 0; i < G_N_ELEMENTS(commands); i++) {
        for (len = 0; len < commands[i].len; len++) {
            g_assert_cmpint(call(client, commands[i].command, payload, len), ==,
                            -EINVAL);
        }
    }
    assert_still_served(client);
}

static void test_argsz_small(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint32_t payload[16] = { 4 };

    g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_INFO, payload, 16), ==,
                    -EINVAL);
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_REGION_INFO, payload, 32),
                    ==, -EINVAL);
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_REGION_IO_FDS, payload, 16),
                    ==, -EINVAL);
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_IRQ_INFO, payload, 16), ==,
                    -EINVAL);
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_SET_IRQS, payload, 20), ==,
                    -EINVAL);
    g_assert_cmpint(call(client, VFU_CMD_DMA_UNMAP, payload, 24), ==, -EINVAL);
    assert_still_served(client);
}

static void test_index_out_of_range(void)
{
    static const uint32_t indices[] = { 9, 100, 0x80000000, UINT32_MAX };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(indices); i++) {
        VfuWireRegionInfo region = { .argsz = 32, .index = indices[i] };
        VfuWireRegionIoFds fds = { .argsz = 16, .index = indices[i] };
        VfuWireIrqInfo irq = { .argsz = 16, .index = indices[i] };
        VfuWireRegionAccess access = { 0, indices[i], 4 };

        g_assert_cmpint(call(client, VFU_CMD_DEVICE_GET_REGION_INFO, &region,
                             sizeof(region)),
                        ==, -EINVAL);
        g_assert_cmpint(
            call(client, VFU_CMD_DEVICE_GET_REGION_IO_FDS, &fds, sizeof(fds)),
            ==, -EINVAL);
        g_assert_cmpint(
            call(client, VFU_CMD_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq)), ==,
            -EINVAL);
        g_assert_cmpint(
            call(client, VFU_CMD_REGION_READ, &access, sizeof(access)), ==,
            -EINVAL);
    }
    assert_still_served(client);
}

static void test_region_out_of_range(void)
{
    static const struct {
        uint32_t region;
        uint64_t offset;
        uint32_t count;
    } accesses[] = {
        { 0, FIXTURE_BAR0_SIZE, 1 },
        { 0, FIXTURE_BAR0_SIZE - 2, 4 },
        { 0, UINT64_MAX, 4 },
        { 0, UINT64_MAX - 3, 8 },
        { 1, 0, 4 },
        { 2, FIXTURE_BAR2_SIZE - 1, 2 },
        { 3, 0, 4 },
        { 2, 1ULL << 63, 8 },
        { VFIO_PCI_CONFIG_REGION_INDEX, 4096, 1 },
        { VFIO_PCI_CONFIG_REGION_INDEX, 4094, 4 },
        { VFIO_PCI_CONFIG_REGION_INDEX, 1ULL << 32, 4 },
        { VFIO_PCI_ROM_REGION_INDEX, 0, 4 },
        { VFIO_PCI_VGA_REGION_INDEX, 0, 4 },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint8_t data[8] = { 0 };
    size_t i;

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (i = 0; i < G_N_ELEMENTS(accesses); i++) {
        g_assert_cmpint(vfu_client_read(client, accesses[i].region,
                                        accesses[i].offset, data,
                                        accesses[i].count),
                        ==, -EINVAL);
        g_assert_cmpint(vfu_client_write(client, accesses[i].region,
                                         accesses[i].offset, data,
                                         accesses[i].count),
                        ==, -EINVAL);
    }
    g_assert_cmpuint(fixture->n_accesses, ==, 0);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).bad_accesses, ==,
                     2 * G_N_ELEMENTS(accesses));
    assert_still_served(client);
}

/* Counts that the message does not hold, or no message could. */
static void test_region_count(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    struct {
        VfuWireRegionAccess access;
        uint32_t data;
    } write = { { 0x10, 0, 5 }, 0 };
    VfuWireRegionAccess read = { 0, 2, VFU_MAX_DATA_XFER + 1 };

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmpint(call(client, VFU_CMD_REGION_WRITE, &write, 20), ==,
                    -EINVAL);
    write.access.count = UINT32_MAX;
    g_assert_cmpint(call(client, VFU_CMD_REGION_WRITE, &write, 20), ==, -E2BIG);
    g_assert_cmpint(call(client, VFU_CMD_REGION_READ, &read, sizeof(read)), ==,
                    -E2BIG);
    read.count = UINT32_MAX;
    g_assert_cmpint(call(client, VFU_CMD_REGION_READ, &read, sizeof(read)), ==,
                    -E2BIG);
    assert_still_served(client);
}

static void test_write_multi(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    struct {
        uint64_t n;
        VfuWireWrite writes[2];
    } request = { .n = 3 };

    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    g_assert_cmpint(
        call(client, VFU_CMD_REGION_WRITE_MULTI, &request, sizeof(request)), ==,
        -EINVAL);
    request.n = UINT64_MAX;
    g_assert_cmpint(
        call(client, VFU_CMD_REGION_WRITE_MULTI, &request, sizeof(request)), ==,
        -EINVAL);
    request.n = 1;
    request.writes[0].count = 9;
    g_assert_cmpint(
        call(client, VFU_CMD_REGION_WRITE_MULTI, &request, sizeof(request)), ==,
        -EINVAL);
    assert_still_served(client);
}

static void test_set_irqs(void)
{
    const uint32_t trigger = VFIO_IRQ_SET_ACTION_TRIGGER;
    const struct {
        uint32_t flags, start, count;
    } sets[] = {
        { 0, 0, 1 },
        { trigger, 0, 1 },
        { VFIO_IRQ_SET_DATA_NONE, 0, 1 },
        { VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | trigger, 0, 1 },
        { VFIO_IRQ_SET_DATA_NONE | trigger | VFIO_IRQ_SET_ACTION_MASK, 0, 1 },
        { VFIO_IRQ_SET_DATA_NONE | trigger | 0x100, 0, 1 },
        { VFIO_IRQ_SET_DATA_NONE | trigger, FIXTURE_VECTORS, 1 },
        { VFIO_IRQ_SET_DATA_NONE | trigger, 1, UINT32_MAX },
        { VFIO_IRQ_SET_DATA_NONE | trigger, UINT32_MAX, 2 },
        { VFIO_IRQ_SET_DATA_NONE | trigger, 1, 0 },
        { VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, 0, 0 },
        { VFIO_IRQ_SET_DATA_BOOL | trigger, 0, 2 }, /* no bools */
        { VFIO_IRQ_SET_DATA_EVENTFD | trigger, 0, 0 },
        { VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_MASK, 0, 1 },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireIrqSet intx = { 20, VFIO_IRQ_SET_DATA_NONE | trigger, 0, 0, 1 };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_assert_cmpint(vfu_client_set_irqs_raw(client, sets[i].flags,
                                                sets[i].start, sets[i].count,
                                                NULL, 0, NULL, 0),
                        ==, -EINVAL);
    }
    /* Interrupts that the function has none of: only disabling is allowed. */
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_SET_IRQS, &intx, sizeof(intx)),
                    ==, -EINVAL);
    intx.count = 0;
    g_assert_cmpint(call(client, VFU_CMD_DEVICE_SET_IRQS, &intx, sizeof(intx)),
                    ==, 0);
    assert_still_served(client);
}

/* Descriptors that are not eventfds, or not as many as there are vectors. */
static void test_set_irqs_descriptors(void)
{
    const uint32_t flags =
        VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned before = count_fds();
    int fds[2], pipe_fds[2];

    g_assert_no_errno(pipe2(pipe_fds, O_CLOEXEC));
    fds[0] = eventfd(0, EFD_CLOEXEC);
    fds[1] = pipe_fds[1];
    g_assert_cmpint(
        vfu_client_set_irqs_raw(client, flags, 0, 3, NULL, 0, fds, 1), ==,
        -EINVAL);
    g_assert_cmpint(
        vfu_client_set_irqs_raw(client, flags, 0, 1, NULL, 0, fds, 2), ==,
        -EINVAL);
    g_assert_cmpint(
        vfu_client_set_irqs_raw(client, flags, 0, 2, NULL, 0, fds, 2), ==,
        -EINVAL);
    g_assert_cmpint(
        vfu_client_set_irqs_raw(client, flags, 0, 2, NULL, 0, NULL, 0), ==, 0);
    close(fds[0]);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_still_served(client);
    g_assert_cmpuint(count_fds(), ==, before);
}

/* Descriptors with commands that take none, and too many of them. */
static void test_descriptors_not_leaked(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned before = count_fds();
    VfuWireDeviceInfo info = { .argsz = sizeof(info) };
    VfuWireDmaMap map = { .argsz = sizeof(map), .flags = 3, .size = 4096 };
    int fds[64];
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = memfd_create("many", MFD_CLOEXEC);
        g_assert_no_errno(ftruncate(fds[i], 4096));
    }
    for (i = 0; i < 10; i++) {
        g_assert_cmpint(call_fds(client, VFU_CMD_DEVICE_GET_INFO, &info,
                                 sizeof(info), fds, 3),
                        ==, -EINVAL);
        g_assert_cmpint(
            call_fds(client, VFU_CMD_DMA_MAP, &map, sizeof(map), fds, 2), ==,
            -EINVAL);
        g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, sizeof(map),
                                 fds, G_N_ELEMENTS(fds)),
                        ==, -E2BIG);
        g_assert_cmpint(call_fds(client, 77, NULL, 0, fds, 5), ==, -ENOTSUP);
    }
    for (i = 0; i < G_N_ELEMENTS(fds); i++) {
        close(fds[i]);
    }
    assert_still_served(client);
    g_assert_cmpuint(count_fds(), ==, before);
    g_assert_cmpuint(fixture->regions->len, ==, 0);
}

static void test_dma_map_arguments(void)
{
    static const VfuWireDmaMap maps[] = {
        { 32, 3, 0, 0, 0 },                    /* nothing */
        { 32, 0, 0, 0, 4096 },                 /* neither read nor write */
        { 32, 7, 0, 0, 4096 },                 /* unknown flag */
        { 31, 3, 0, 0, 4096 },                 /* argsz */
        { 32, 3, 0, 0x800, 4096 },             /* crooked address */
        { 32, 3, 0, 0, 100 },                  /* crooked size */
        { 32, 3, 0, UINT64_MAX - 4095, 8192 }, /* wraps */
        { 32, 3, 0, 0, 1ULL << 63 },           /* half of everything */
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(maps); i++) {
        g_assert_cmpint(
            call(client, VFU_CMD_DMA_MAP, &maps[i], sizeof(maps[i])), ==,
            -EINVAL);
    }
    g_assert_cmpuint(fixture->regions->len, ==, 0);
    assert_still_served(client);
}

/* Files that do not hold what is lent, or cannot be mapped as asked. */
static void test_dma_map_files(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireDmaMap map = { .argsz = 32, .flags = 3, .size = 8192 };
    g_autofree char *path = NULL;
    int memfd = memfd_create("short", MFD_CLOEXEC);
    int read_only, event, pipe_fds[2];

    g_assert_no_errno(ftruncate(memfd, 8191));
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &memfd, 1), ==,
                    -EINVAL);
    g_assert_no_errno(ftruncate(memfd, 8192));
    map.offset = 4096;
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &memfd, 1), ==,
                    -EINVAL);
    map.offset = 100;
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &memfd, 1), ==,
                    -EINVAL);
    map.offset = UINT64_MAX - 4095;
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &memfd, 1), ==,
                    -EINVAL);
    map.offset = 0;

    path = g_strdup_printf("/proc/self/fd/%d", memfd);
    read_only = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(read_only, >=, 0);
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &read_only, 1),
                    ==, -EACCES);

    event = eventfd(0, EFD_CLOEXEC);
    g_assert_cmpint(call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &event, 1), ==,
                    -EINVAL);
    g_assert_no_errno(pipe2(pipe_fds, O_CLOEXEC));
    g_assert_cmpint(
        call_fds(client, VFU_CMD_DMA_MAP, &map, 32, &pipe_fds[0], 1), ==,
        -EINVAL);
    close(memfd);
    close(read_only);
    close(event);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    g_assert_cmpuint(fixture->regions->len, ==, 0);
    assert_still_served(client);
}

static void test_dma_map_overlap(void)
{
    static const struct {
        uint64_t address, size;
    } overlaps[] = {
        { 0x10000, 0x10000 }, { 0x10000, 0x1000 }, { 0x1f000, 0x1000 },
        { 0xf000, 0x2000 },   { 0x1f000, 0x8000 }, { 0, 0x100000 },
        { 0x12000, 0x1000 },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    size_t i;

    vfu_client_add_ram(client, 0x10000, 0x10000);
    for (i = 0; i < G_N_ELEMENTS(overlaps); i++) {
        VfuWireDmaMap map = { 32, 3, 0, overlaps[i].address, overlaps[i].size };

        g_assert_cmpint(call(client, VFU_CMD_DMA_MAP, &map, sizeof(map)), ==,
                        -EEXIST);
    }
    /* Neighbours are not overlaps, also at both ends of the address space. */
    vfu_client_add_ram(client, 0xf000, 0x1000);
    vfu_client_add_ram(client, 0x20000, 0x1000);
    vfu_client_add_ram(client, 0, 0x1000);
    vfu_client_add_ram(client, UINT64_MAX - 4095, 0x1000);
    g_assert_cmpuint(fixture->regions->len, ==, 5);
    assert_still_served(client);
}

static void test_dma_unmap_arguments(void)
{
    static const VfuWireDmaUnmap unmaps[] = {
        { 24, 0, 0x10000, 0x1000 },  { 24, 0, 0x11000, 0x1000 },
        { 24, 0, 0x10000, 0x20000 }, { 24, 0, 0, 0 },
        { 24, 0, 0x30000, 0x1000 },
    };
    static const VfuWireDmaUnmap invalid[] = {
        { 23, 0, 0x10000, 0x10000 },
        { 24, 1, 0x10000, 0x10000 },
        { 24, 2, 0x10000, 0x10000 },
    };
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    size_t i;

    vfu_client_add_ram(client, 0x10000, 0x10000);
    for (i = 0; i < G_N_ELEMENTS(unmaps); i++) {
        g_assert_cmpint(
            call(client, VFU_CMD_DMA_UNMAP, &unmaps[i], sizeof(unmaps[i])), ==,
            -ENOENT);
    }
    for (i = 0; i < G_N_ELEMENTS(invalid); i++) {
        g_assert_cmpint(
            call(client, VFU_CMD_DMA_UNMAP, &invalid[i], sizeof(invalid[i])),
            ==, -EINVAL);
    }
    g_assert_cmpuint(fixture->regions->len, ==, 1);
    g_assert_cmpint(vfu_client_remove_ram(client, 0x10000), ==, 0);
    assert_still_served(client);
}

static void test_dma_map_limit(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuWireDmaUnmap all = { .argsz = 24, .flags = VFIO_DMA_UNMAP_FLAG_ALL };
    unsigned i;

    for (i = 0; i <= VFU_MAX_DMA_MAPS; i++) {
        VfuWireDmaMap map = { 32, 3, 0, i * 8192ULL, 4096 };

        g_assert_cmpint(call(client, VFU_CMD_DMA_MAP, &map, sizeof(map)), ==,
                        i < VFU_MAX_DMA_MAPS ? 0 : -ENOSPC);
    }
    g_assert_cmpint(call(client, VFU_CMD_DMA_UNMAP, &all, sizeof(all)), ==, 0);
    g_assert_cmpuint(fixture->regions->len, ==, 0);
    assert_still_served(client);
}

static void test_reply_to_nothing(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    VfuHeader header = {
        .id = 3,
        .command = VFU_CMD_DMA_READ,
        .size = sizeof(header),
        .flags = VFU_FLAG_REPLY,
    };

    g_assert_cmpint(
        vfu_client_send_bytes(client, &header, sizeof(header), NULL, 0), ==, 0);
    assert_still_served(client);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).bad_messages, ==, 1);
}

/* A client that asks and asks but never reads the answers. */
static void test_client_does_not_read(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    VfuWireRegionAccess access = { 0, 2, VFU_MAX_DATA_XFER };
    VfuClient *greedy = vfu_fixture_connect(fixture);
    unsigned i;

    vfu_client_config_write(greedy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (i = 0; i < 100; i++) {
        VfuHeader header = {
            .id = 1000 + i,
            .command = VFU_CMD_REGION_READ,
            .size = sizeof(header) + sizeof(access),
        };

        if (vfu_client_send_bytes(greedy, &header, sizeof(header), NULL, 0) < 0
            || vfu_client_send_bytes(greedy, &access, sizeof(access), NULL, 0)
                   < 0) {
            break;
        }
    }
    vfu_client_free(greedy);
    vfu_fixture_assert_alive(fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfu/bad/header/size-zero", test_header_size_zero);
    g_test_add_func("/vfu/bad/header/size-small", test_header_size_small);
    g_test_add_func("/vfu/bad/header/size-huge", test_header_size_huge);
    g_test_add_func("/vfu/bad/header/size-over-limit",
                    test_header_size_over_limit);
    g_test_add_func("/vfu/bad/header/type", test_header_type);
    g_test_add_func("/vfu/bad/truncated", test_truncated);
    g_test_add_func("/vfu/bad/dribble", test_dribble);
    g_test_add_func("/vfu/bad/version/before", test_command_before_version);
    g_test_add_func("/vfu/bad/version/twice", test_version_twice);
    g_test_add_func("/vfu/bad/version/payloads", test_version_payloads);
    g_test_add_func("/vfu/bad/version/short", test_version_short);
    g_test_add_func("/vfu/bad/unknown-commands", test_unknown_commands);
    g_test_add_func("/vfu/bad/short-payloads", test_short_payloads);
    g_test_add_func("/vfu/bad/argsz-small", test_argsz_small);
    g_test_add_func("/vfu/bad/index-out-of-range", test_index_out_of_range);
    g_test_add_func("/vfu/bad/region-out-of-range", test_region_out_of_range);
    g_test_add_func("/vfu/bad/region-count", test_region_count);
    g_test_add_func("/vfu/bad/write-multi", test_write_multi);
    g_test_add_func("/vfu/bad/set-irqs", test_set_irqs);
    g_test_add_func("/vfu/bad/set-irqs-descriptors", test_set_irqs_descriptors);
    g_test_add_func("/vfu/bad/descriptors-not-leaked",
                    test_descriptors_not_leaked);
    g_test_add_func("/vfu/bad/dma-map-arguments", test_dma_map_arguments);
    g_test_add_func("/vfu/bad/dma-map-files", test_dma_map_files);
    g_test_add_func("/vfu/bad/dma-map-overlap", test_dma_map_overlap);
    g_test_add_func("/vfu/bad/dma-map-limit", test_dma_map_limit);
    g_test_add_func("/vfu/bad/dma-unmap-arguments", test_dma_unmap_arguments);
    g_test_add_func("/vfu/bad/reply-to-nothing", test_reply_to_nothing);
    g_test_add_func("/vfu/bad/client-does-not-read", test_client_does_not_read);
    return g_test_run();
}

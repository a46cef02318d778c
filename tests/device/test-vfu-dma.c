/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user: DMA, by descriptor and by message, and what must not deadlock.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM 0x100000ULL
#define RAM_SIZE 0x40000ULL

static VfuClient *connect_master(VfuFixture *fixture)
{
    VfuClient *client = vfu_fixture_connect(fixture);

    vfu_client_config_write(client, PCI_COMMAND, 2,
                            PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    return client;
}

static void fill(uint8_t *bytes, size_t len, uint8_t seed)
{
    size_t i;

    for (i = 0; i < len; i++) {
        bytes[i] = seed + i * 31 + (i >> 8);
    }
}

static void test_copy_by_fd(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    g_autofree uint8_t *buf = g_malloc(RAM_SIZE);
    uint8_t *ram = vfu_client_add_ram(client, RAM, RAM_SIZE);

    g_assert_cmpuint(fixture->regions->len, ==, 1);
    fill(ram, RAM_SIZE, 3);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, RAM_SIZE), ==, 0);
    g_assert_cmpmem(buf, RAM_SIZE, ram, RAM_SIZE);
    fill(buf, 1000, 77);
    g_assert_cmpint(vfu_dma_write(fixture->server, RAM + 5, buf, 1000), ==, 0);
    g_assert_cmpmem(ram + 5, 1000, buf, 1000);
    g_assert_cmpuint(vfu_client_get_n_dma(client), ==, 0);
}

/* Neighbouring mappings of both kinds, in one call. */
static void test_copy_across(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    uint8_t *a = vfu_client_add_ram(client, RAM, 0x1000);
    uint8_t *b = vfu_client_add_ram_unmapped(client, RAM + 0x1000, 0x1000);
    uint8_t *c = vfu_client_add_ram(client, RAM + 0x2000, 0x1000);
    uint8_t buf[0x2000];

    fill(buf, sizeof(buf), 9);
    g_assert_cmpint(
        vfu_dma_write(fixture->server, RAM + 0x800, buf, sizeof(buf)), ==, 0);
    g_assert_cmpmem(a + 0x800, 0x800, buf, 0x800);
    g_assert_cmpmem(b, 0x1000, buf + 0x800, 0x1000);
    g_assert_cmpmem(c, 0x800, buf + 0x1800, 0x800);
    memset(buf, 0, sizeof(buf));
    g_assert_cmpint(
        vfu_dma_read(fixture->server, RAM + 0x800, buf, sizeof(buf)), ==, 0);
    g_assert_cmpmem(b, 0x1000, buf + 0x800, 0x1000);
}

static void test_errors(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    VfuWireDmaMap read_only = { 32, VFIO_DMA_MAP_FLAG_READ, 0, 0, 0x1000 };
    uint8_t buf[64] = { 0 };
    VfuDmaMap map;
    int fd;

    vfu_client_add_ram(client, RAM, RAM_SIZE);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM - 1, buf, 2), ==,
                    -EFAULT);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM + RAM_SIZE - 1, buf, 2),
                    ==, -EFAULT);
    g_assert_cmpint(vfu_dma_write(fixture->server, UINT64_MAX, buf, 2), ==,
                    -EFAULT);
    g_assert_cmpint(vfu_dma_read(fixture->server, 0xdead0000, buf, 0), ==, 0);
    g_assert_null(
        vfu_dma_map_begin(fixture->server, 0xdead0000, 8, VFU_DMA_READ, &map));
    g_assert_cmpint(map.error, ==, -EFAULT);
    g_assert_null(vfu_dma_map_begin(fixture->server, RAM + RAM_SIZE - 4, 8,
                                    VFU_DMA_READ, &map));
    g_assert_cmpint(map.error, ==, -ENOTSUP);
    g_assert_true(
        vfu_dma_is_mapped(fixture->server, RAM, RAM_SIZE, VFU_DMA_RW));
    g_assert_false(
        vfu_dma_is_mapped(fixture->server, RAM, RAM_SIZE + 1, VFU_DMA_RW));

    fd = memfd_create("ro", MFD_CLOEXEC);
    g_assert_no_errno(ftruncate(fd, 0x1000));
    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DMA_MAP, &read_only,
                                    sizeof(read_only), &fd, 1, NULL, 0, NULL,
                                    NULL),
                    ==, 0);
    close(fd);
    g_assert_cmpint(vfu_dma_read(fixture->server, 0, buf, 8), ==, 0);
    g_assert_cmpint(vfu_dma_write(fixture->server, 0, buf, 8), ==, -EACCES);
    g_assert_null(vfu_dma_map_begin(fixture->server, 0, 8, VFU_DMA_RW, &map));
    g_assert_cmpint(map.error, ==, -EACCES);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).dma_faults, >=, 5);
}

static void test_map_begin(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    uint8_t *ram = vfu_client_add_ram(client, RAM, RAM_SIZE);
    VfuDmaMap outer, inner;
    uint32_t *word;

    word = vfu_dma_map_begin(fixture->server, RAM + 16, 4, VFU_DMA_RW, &outer);
    g_assert_nonnull(word);
    g_assert_nonnull(
        vfu_dma_map_begin(fixture->server, RAM, 16, VFU_DMA_READ, &inner));
    *word = 0x11223344;
    vfu_dma_map_end(fixture->server, &inner);
    vfu_dma_map_end(fixture->server, &outer);
    vfu_dma_map_end(fixture->server, &outer); /* harmless */
    g_assert_cmpmem(ram + 16, 4, "\x44\x33\x22\x11", 4);
}

/* A file offset: the server must not map from the start of the file. */
static void test_map_offset(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    VfuWireDmaMap map = { 32, 3, 0x3000, RAM, 0x2000 };
    int fd = memfd_create("offset", MFD_CLOEXEC);
    uint64_t value = 0;

    g_assert_no_errno(ftruncate(fd, 0x8000));
    g_assert_cmpint(pwrite(fd, "svmgpu!!", 8, 0x4ff8), ==, 8);
    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DMA_MAP, &map, sizeof(map),
                                    &fd, 1, NULL, 0, NULL, NULL),
                    ==, 0);
    close(fd);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM + 0x1ff8, &value, 8), ==,
                    0);
    g_assert_cmpmem(&value, 8, "svmgpu!!", 8);
}

static void test_unmap_all(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    VfuWireDmaUnmap all = { .argsz = 24, .flags = VFIO_DMA_UNMAP_FLAG_ALL };
    uint8_t byte;
    unsigned i;

    for (i = 0; i < 10; i++) {
        vfu_client_add_ram(client, RAM + i * 0x10000, 0x1000);
    }
    g_assert_cmpuint(fixture->regions->len, ==, 10);
    g_assert_cmpint(vfu_client_call(client, VFU_CMD_DMA_UNMAP, &all,
                                    sizeof(all), NULL, 0, NULL, 0, NULL, NULL),
                    ==, 0);
    g_assert_cmpuint(fixture->regions->len, ==, 0);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, &byte, 1), ==, -EFAULT);
}

static void check_messages(bool compact)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = NULL;
    g_autofree uint8_t *buf = g_malloc(3 * 1024 * 1024);
    const size_t size = 3 * 1024 * 1024;
    uint8_t *ram;

    client = connect_master(fixture);
    vfu_client_set_compact_dma(client, compact);
    ram = vfu_client_add_ram_unmapped(client, RAM, size);
    fill(ram, size, 5);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, size), ==, 0);
    g_assert_cmpmem(buf, size, ram, size);
    fill(buf, size, 99);
    g_assert_cmpint(vfu_dma_write(fixture->server, RAM, buf, size), ==, 0);
    g_assert_cmpmem(buf, size, ram, size);
    /* A probe, and one command per mebibyte and direction. */
    g_assert_cmpuint(vfu_client_get_n_dma(client), ==, 1 + 3 + 3);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).dma_messages, ==, 7);
}

static void test_messages(void)
{
    check_messages(false);
}

static void test_messages_compact(void)
{
    check_messages(true);
}

/* The client's limit for one message is obeyed. */
static void test_messages_small_transfers(void)
{
    static const char json[] =
        "\0\0\1\0{\"capabilities\":{\"max_data_xfer_size\":100}}";
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_client_new_raw(fixture->path, NULL);
    uint8_t buf[1000];
    uint8_t *ram;

    g_assert_cmpint(vfu_client_call(client, VFU_CMD_VERSION, json, sizeof(json),
                                    NULL, 0, NULL, 0, NULL, NULL),
                    ==, 0);
    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    ram = vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    fill(ram, 1000, 1);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, sizeof(buf)), ==,
                    0);
    g_assert_cmpmem(buf, sizeof(buf), ram, sizeof(buf));
    g_assert_cmpuint(vfu_client_get_n_dma(client), ==, 11);
}

static void test_messages_bad_replies(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    uint8_t buf[64] = { 0 };

    vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, 64), ==, 0);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_FAIL);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, 64), ==, -EIO);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_SHORT);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, 64), ==, -EIO);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_ANSWER);
    g_assert_cmpint(vfu_dma_write(fixture->server, RAM, buf, 64), ==, 0);
}

static void test_messages_timeout(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    uint8_t buf[64];

    vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, 64), ==, 0);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_IGNORE);
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, 64), ==,
                    -ETIMEDOUT);
    g_assert_cmphex(vfu_client_config_read(client, 0, 2), ==, 0x1234);
}

typedef struct Reader {
    VfuFixture *fixture;
    GThread *thread;
    uint64_t iova;
    uint64_t hold_iova; /* held by vfu_dma_map_begin() meanwhile; 0: none */
    int result;
    atomic_bool started;
} Reader;

static gpointer reader_thread(gpointer opaque)
{
    Reader *reader = opaque;
    VfuDmaMap map = { 0 };
    uint8_t buf[16];

    if (reader->hold_iova) {
        g_assert_nonnull(vfu_dma_map_begin(
            reader->fixture->server, reader->hold_iova, 16, VFU_DMA_RW, &map));
    }
    atomic_store(&reader->started, true);
    reader->result =
        vfu_dma_read(reader->fixture->server, reader->iova, buf, sizeof(buf));
    vfu_dma_map_end(reader->fixture->server, &map);
    return NULL;
}

static void reader_start(Reader *reader, VfuClient *client)
{
    unsigned before = vfu_client_get_n_dma(client);

    reader->thread = g_thread_new("reader", reader_thread, reader);
    while (vfu_client_get_n_dma(client) == before) {
        g_usleep(1000);
    }
}

/* Each of these must free a device thread that waits for a message. */
static void check_cancel(const char *how)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    Reader reader = { .fixture = fixture, .iova = RAM };
    gint64 start;

    vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_IGNORE);
    reader_start(&reader, client);
    start = g_get_monotonic_time();
    if (g_str_equal(how, "reset")) {
        g_assert_cmpint(vfu_client_reset(client), ==, 0);
    } else if (g_str_equal(how, "unmap")) {
        g_assert_cmpint(vfu_client_remove_ram(client, RAM), ==, 0);
    } else if (g_str_equal(how, "bus-master")) {
        vfu_client_config_write(client, PCI_COMMAND, 2, 0);
    } else if (g_str_equal(how, "stop")) {
        vfu_server_stop(fixture->server);
    } else {
        g_clear_pointer(&client, vfu_client_free);
    }
    g_thread_join(reader.thread);
    g_assert_cmpint(reader.result, <, 0);
    g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
}

static void test_cancel_reset(void)
{
    check_cancel("reset");
}

static void test_cancel_unmap(void)
{
    check_cancel("unmap");
}

static void test_cancel_bus_master(void)
{
    check_cancel("bus-master");
}

static void test_cancel_stop(void)
{
    check_cancel("stop");
}

static void test_cancel_disconnect(void)
{
    check_cancel("disconnect");
}

/*
 * The worst of both: a thread holds a pointer and waits for a message, while
 * the client unmaps what it holds and answers no messages until that is done.
 */
static void test_no_deadlock_hold_and_ask(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    Reader reader = {
        .fixture = fixture,
        .iova = RAM,
        .hold_iova = 2 * RAM,
    };

    vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    vfu_client_add_ram(client, 2 * RAM, 0x1000);
    vfu_client_set_dma_behaviour(client, VFU_CLIENT_DMA_IGNORE);
    reader_start(&reader, client);
    g_assert_cmpint(vfu_client_remove_ram(client, 2 * RAM), ==, 0);
    g_thread_join(reader.thread);
    g_assert_cmpint(reader.result, ==, -ECANCELED);
}

/* On the protocol thread a message could never be answered. */
static int ask_read(void *opaque, unsigned bar, uint64_t offset, unsigned len,
                    uint64_t *value)
{
    VfuServer **server = opaque;
    uint32_t word = 0;

    g_assert_cmpuint(bar, ==, 0);
    g_assert_cmpuint(len, ==, 4);
    *value = -vfu_dma_read(*server, offset ? RAM : 0, &word, sizeof(word));
    return 0;
}

static void test_protocol_thread(void)
{
    static const VfuOps ops = { .region_read = ask_read };
    static const VfuDescription desc = {
        .bars[0] = { .size = 4096, .fd = -1 },
    };
    g_autofree char *dir = g_dir_make_tmp("vfu-test-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    VfuServer *server = NULL;
    VfuClient *client;

    server = vfu_server_new(&desc, &ops, &server, NULL);
    g_assert_true(vfu_server_listen(server, path, NULL));
    client = vfu_client_new(path, NULL);
    g_assert_nonnull(client);
    vfu_client_config_write(client, PCI_COMMAND, 2,
                            PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    vfu_client_add_ram(client, 0, 0x1000);
    vfu_client_add_ram_unmapped(client, RAM, 0x1000);
    g_assert_cmpuint(vfu_client_read32(client, 0, 0), ==, 0);
    g_assert_cmpuint(vfu_client_read32(client, 0, 4), ==, EDEADLK);
    vfu_client_free(client);
    vfu_server_free(server);
    rmdir(dir);
}

typedef struct Hammer {
    VfuFixture *fixture;
    GThread *thread;
    atomic_bool stop;
    uint64_t accesses;
    uint64_t refused;
} Hammer;

static gpointer hammer_thread(gpointer opaque)
{
    Hammer *hammer = opaque;

    while (!atomic_load(&hammer->stop)) {
        VfuDmaMap a, b;
        uint64_t *word =
            vfu_dma_map_begin(hammer->fixture->server, RAM, 8, VFU_DMA_RW, &a);

        if (!word) {
            hammer->refused++;
            continue;
        }
        /* Nested, as a copy between two places would. */
        if (vfu_dma_map_begin(hammer->fixture->server, RAM + 8, 8, VFU_DMA_RW,
                              &b)) {
            *(volatile uint64_t *)b.host += *(volatile uint64_t *)word;
            vfu_dma_map_end(hammer->fixture->server, &b);
        }
        *(volatile uint64_t *)word += 1;
        hammer->accesses++;
        vfu_dma_map_end(hammer->fixture->server, &a);
    }
    return NULL;
}

/*
 * Threads use the memory while the client takes it away and lends it again:
 * an access to memory that is gone would be a crash.
 */
static void test_unmap_races(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    Hammer hammers[3] = { 0 };
    uint64_t accesses = 0;
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(hammers); i++) {
        hammers[i].fixture = fixture;
        hammers[i].thread = g_thread_new("hammer", hammer_thread, &hammers[i]);
    }
    for (i = 0; i < 300; i++) {
        vfu_client_add_ram(client, RAM, 0x1000);
        if (i % 3 == 0) {
            g_usleep(100);
        }
        g_assert_cmpint(vfu_client_remove_ram(client, RAM), ==, 0);
    }
    for (i = 0; i < G_N_ELEMENTS(hammers); i++) {
        atomic_store(&hammers[i].stop, true);
        g_thread_join(hammers[i].thread);
        accesses += hammers[i].accesses;
    }
    g_assert_cmpuint(accesses, >, 0);
}

/* The client shrinks the file behind its RAM: the process survives. */
static void test_memory_vanishes(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    uint64_t before = vfu_fixture_get_stats(fixture).sigbus_pages;
    uint8_t buf[0x3000];

    vfu_client_add_ram(client, RAM, 0x3000);
    memset(vfu_client_at(client, RAM), 1, 0x3000);
    g_assert_no_errno(ftruncate(vfu_client_get_ram_fd(client, RAM), 0x1000));
    g_assert_cmpint(vfu_dma_read(fixture->server, RAM, buf, sizeof(buf)), ==,
                    0);
    g_assert_cmpuint(buf[0xfff], ==, 1);
    g_assert_cmpuint(buf[0x1000], ==, 0);
    g_assert_cmpuint(vfu_fixture_get_stats(fixture).sigbus_pages - before, ==,
                     2);
}

/* BAR memory goes to the client by descriptor: it must not shrink it. */
static void test_bar_memory_sealed(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();

    g_assert_cmpint(ftruncate(fixture->bar2_fd, 0x1000), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
}

static void test_speed(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = connect_master(fixture);
    const unsigned n = 200000;
    VfuDmaMap map;
    gint64 start;
    unsigned i;

    for (i = 0; i < 8; i++) {
        vfu_client_add_ram(client, RAM * (i + 1), 0x1000);
    }
    start = g_get_monotonic_time();
    for (i = 0; i < n; i++) {
        vfu_dma_map_begin(fixture->server, RAM * 5, 8, VFU_DMA_RW, &map);
        vfu_dma_map_end(fixture->server, &map);
    }
    g_test_minimized_result((g_get_monotonic_time() - start) * 1000.0 / n,
                            "vfu_dma_map_begin() and _end(): %.1f ns",
                            (g_get_monotonic_time() - start) * 1000.0 / n);

    start = g_get_monotonic_time();
    for (i = 0; i < 2000; i++) {
        vfu_client_read32(client, 0, 0);
    }
    g_test_minimized_result((g_get_monotonic_time() - start) / 2000.0,
                            "register read by message: %.1f us",
                            (g_get_monotonic_time() - start) / 2000.0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfu/dma/copy-by-fd", test_copy_by_fd);
    g_test_add_func("/vfu/dma/copy-across", test_copy_across);
    g_test_add_func("/vfu/dma/errors", test_errors);
    g_test_add_func("/vfu/dma/map-begin", test_map_begin);
    g_test_add_func("/vfu/dma/map-offset", test_map_offset);
    g_test_add_func("/vfu/dma/unmap-all", test_unmap_all);
    g_test_add_func("/vfu/dma/messages", test_messages);
    g_test_add_func("/vfu/dma/messages-compact", test_messages_compact);
    g_test_add_func("/vfu/dma/messages-small-transfers",
                    test_messages_small_transfers);
    g_test_add_func("/vfu/dma/messages-bad-replies", test_messages_bad_replies);
    g_test_add_func("/vfu/dma/messages-timeout", test_messages_timeout);
    g_test_add_func("/vfu/dma/cancel/reset", test_cancel_reset);
    g_test_add_func("/vfu/dma/cancel/unmap", test_cancel_unmap);
    g_test_add_func("/vfu/dma/cancel/bus-master", test_cancel_bus_master);
    g_test_add_func("/vfu/dma/cancel/stop", test_cancel_stop);
    g_test_add_func("/vfu/dma/cancel/disconnect", test_cancel_disconnect);
    g_test_add_func("/vfu/dma/no-deadlock/hold-and-ask",
                    test_no_deadlock_hold_and_ask);
    g_test_add_func("/vfu/dma/protocol-thread", test_protocol_thread);
    g_test_add_func("/vfu/dma/unmap-races", test_unmap_races);
    g_test_add_func("/vfu/dma/memory-vanishes", test_memory_vanishes);
    g_test_add_func("/vfu/dma/bar-memory-sealed", test_bar_memory_sealed);
    g_test_add_func("/vfu/dma/speed", test_speed);
    return g_test_run();
}

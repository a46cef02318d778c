/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small PCI function for the protocol tests.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIXTURE_WAIT_US (10 * G_USEC_PER_SEC)

static int fixture_region_read(void *opaque, unsigned bar, uint64_t offset,
                               unsigned len, uint64_t *value)
{
    VfuFixture *fixture = opaque;
    int ret = 0;

    g_assert_cmpuint(offset % len, ==, 0);
    g_mutex_lock(&fixture->lock);
    fixture->last_len = len;
    fixture->n_accesses++;
    if (bar == 4) {
        *value = offset;
    } else if (bar == 0 && offset + len <= FIXTURE_REGISTERS_SIZE) {
        memcpy(value, fixture->registers + offset, len);
    } else {
        ret = -EIO;
    }
    g_mutex_unlock(&fixture->lock);
    return ret;
}

static int fixture_region_write(void *opaque, unsigned bar, uint64_t offset,
                                unsigned len, uint64_t value)
{
    VfuFixture *fixture = opaque;
    int ret = 0;

    g_assert_cmpuint(offset % len, ==, 0);
    g_mutex_lock(&fixture->lock);
    fixture->last_len = len;
    fixture->n_accesses++;
    if (bar == 0 && offset + len <= FIXTURE_REGISTERS_SIZE) {
        memcpy(fixture->registers + offset, &value, len);
    } else if (bar != 4) {
        ret = -EIO;
    }
    g_mutex_unlock(&fixture->lock);
    return ret;
}

static void fixture_reset(void *opaque, VfuReset kind)
{
    VfuFixture *fixture = opaque;

    g_mutex_lock(&fixture->lock);
    memset(fixture->registers, 0, sizeof(fixture->registers));
    fixture->n_resets[kind]++;
    g_cond_broadcast(&fixture->cond);
    g_mutex_unlock(&fixture->lock);
}

static void fixture_dma_mapped(void *opaque, const VfuDmaRegion *region)
{
    VfuFixture *fixture = opaque;

    g_mutex_lock(&fixture->lock);
    g_array_append_val(fixture->regions, *region);
    g_mutex_unlock(&fixture->lock);
}

static void fixture_dma_unmapped(void *opaque, const VfuDmaRegion *region)
{
    VfuFixture *fixture = opaque;
    guint i;

    g_mutex_lock(&fixture->lock);
    for (i = 0; i < fixture->regions->len; i++) {
        VfuDmaRegion *known = &g_array_index(fixture->regions, VfuDmaRegion, i);

        if (known->iova == region->iova) {
            g_assert_cmpuint(known->size, ==, region->size);
            g_assert_true(known->host == region->host);
            g_array_remove_index(fixture->regions, i);
            break;
        }
    }
    g_mutex_unlock(&fixture->lock);
}

static void fixture_count(VfuFixture *fixture, unsigned *counter)
{
    g_mutex_lock(&fixture->lock);
    (*counter)++;
    g_cond_broadcast(&fixture->cond);
    g_mutex_unlock(&fixture->lock);
}

static void fixture_connected(void *opaque)
{
    VfuFixture *fixture = opaque;

    fixture_count(fixture, &fixture->n_connected);
}

static void fixture_disconnected(void *opaque)
{
    VfuFixture *fixture = opaque;

    fixture_count(fixture, &fixture->n_disconnected);
}

static void fixture_peer_error(void *opaque, const char *what, int error)
{
    VfuFixture *fixture = opaque;

    g_assert_nonnull(what);
    g_assert_cmpint(error, >, 0);
    fixture_count(fixture, &fixture->n_peer_errors);
}

static void fixture_bus_master(void *opaque, bool on)
{
    VfuFixture *fixture = opaque;

    g_mutex_lock(&fixture->lock);
    fixture->mastering = on;
    g_mutex_unlock(&fixture->lock);
}

static const VfuOps fixture_ops = {
    .region_read = fixture_region_read,
    .region_write = fixture_region_write,
    .reset = fixture_reset,
    .dma_mapped = fixture_dma_mapped,
    .dma_unmapped = fixture_dma_unmapped,
    .connected = fixture_connected,
    .disconnected = fixture_disconnected,
    .bus_master = fixture_bus_master,
    .peer_error = fixture_peer_error,
};

static int fixture_memory(const char *name, uint64_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(fd, >=, 0);
    g_assert_no_errno(ftruncate(fd, size));
    return fd;
}

VfuFixture *vfu_fixture_new(void)
{
    static const VfuArea areas[] = {
        { .offset = 0x4000, .size = 0x4000 },
        { .offset = 0xc000, .size = 0x4000 },
    };
    VfuFixture *fixture = g_new0(VfuFixture, 1);
    g_autoptr(GError) error = NULL;
    VfuDescription desc = {
        .name = "fixture",
        .vendor_id = 0x1234,
        .device_id = 0x5678,
        .subsystem_vendor_id = 0x1af4,
        .subsystem_id = 0x1100,
        .class_code = 0x030200,
        .revision = 7,
        .bars = {
            [0] = { .size = FIXTURE_BAR0_SIZE, .fd = -1 },
            [2] = { .size = FIXTURE_BAR2_SIZE, .is_64bit = true,
                    .prefetchable = true },
            [4] = { .size = FIXTURE_BAR4_SIZE, .mmap_areas = areas,
                    .n_mmap_areas = G_N_ELEMENTS(areas) },
        },
        .msix = {
            .vectors = FIXTURE_VECTORS,
            .table_bar = 0,
            .table_offset = FIXTURE_MSIX_TABLE,
            .pba_bar = 0,
            .pba_offset = FIXTURE_MSIX_PBA,
        },
    };

    g_mutex_init(&fixture->lock);
    g_cond_init(&fixture->cond);
    fixture->mastering = -1;
    fixture->regions = g_array_new(FALSE, FALSE, sizeof(VfuDmaRegion));
    fixture->bar2_fd = fixture_memory("bar2", FIXTURE_BAR2_SIZE);
    fixture->bar4_fd = fixture_memory("bar4", FIXTURE_BAR4_SIZE);
    desc.bars[2].fd = fixture->bar2_fd;
    desc.bars[4].fd = fixture->bar4_fd;

    fixture->dir = g_dir_make_tmp("vfu-test-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->dir, "vfu.sock", NULL);

    fixture->server = vfu_server_new(&desc, &fixture_ops, fixture, &error);
    g_assert_no_error(error);
    g_assert_true(vfu_server_listen(fixture->server, fixture->path, &error));
    g_assert_no_error(error);
    return fixture;
}

void vfu_fixture_free(VfuFixture *fixture)
{
    vfu_server_free(fixture->server);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
    g_assert_no_errno(g_rmdir(fixture->dir));
    g_assert_cmpuint(fixture->regions->len, ==, 0);
    g_array_unref(fixture->regions);
    close(fixture->bar2_fd);
    close(fixture->bar4_fd);
    g_mutex_clear(&fixture->lock);
    g_cond_clear(&fixture->cond);
    g_free(fixture->path);
    g_free(fixture->dir);
    g_free(fixture);
}

VfuClient *vfu_fixture_connect(VfuFixture *fixture)
{
    g_autoptr(GError) error = NULL;
    VfuClient *client = vfu_client_new(fixture->path, &error);

    g_assert_no_error(error);
    return client;
}

void vfu_fixture_wait(VfuFixture *fixture, const unsigned *counter, unsigned n)
{
    gint64 deadline = g_get_monotonic_time() + FIXTURE_WAIT_US;

    g_mutex_lock(&fixture->lock);
    while (*counter < n) {
        g_assert_true(
            g_cond_wait_until(&fixture->cond, &fixture->lock, deadline));
    }
    g_mutex_unlock(&fixture->lock);
}

VfuStats vfu_fixture_get_stats(VfuFixture *fixture)
{
    VfuStats stats;

    vfu_server_get_stats(fixture->server, &stats);
    return stats;
}

void vfu_fixture_assert_alive(VfuFixture *fixture)
{
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmphex(vfu_client_config_read(client, 0, 4), ==, 0x56781234);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses to BARs and configuration space, and resets.
 *
 * A message may ask for any bytes of a region. It is cut into naturally
 * aligned pieces of at most 8 bytes, and each piece goes where it belongs:
 * MSI-X table, pending bits, memory behind the BAR, or the device's own
 * operations.
 */

#include "vfu-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool vfu_ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b,
                               uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

#define VFU_DESC_ERROR(error, ...) \
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, __VA_ARGS__)

static bool vfu_bar_check_layout(const VfuDescription *desc, unsigned i,
                                 GError **error)
{
    const VfuBar *bar = &desc->bars[i];

    if (bar->size < VFU_PAGE_SIZE || (bar->size & (bar->size - 1))) {
        VFU_DESC_ERROR(error,
                       "%s: BAR%u size 0x%" G_GINT64_MODIFIER
                       "x is not a power of two of at least 4096",
                       desc->name, i, bar->size);
        return false;
    }
    if (bar->is_64bit && (i + 1 == VFU_NUM_BARS || desc->bars[i + 1].size)) {
        VFU_DESC_ERROR(error, "%s: the upper half of 64-bit BAR%u is taken",
                       desc->name, i);
        return false;
    }
    if (!bar->is_64bit && bar->size > (1ULL << 31)) {
        VFU_DESC_ERROR(error, "%s: BAR%u is too large for 32 bits", desc->name,
                       i);
        return false;
    }
    return true;
}

static bool vfu_bar_check_msix(const VfuDescription *desc, GError **error)
{
    const VfuMsix *msix = &desc->msix;
    uint64_t table_size = (uint64_t)msix->vectors * PCI_MSIX_ENTRY_SIZE;
    uint64_t pba_size = ((uint64_t)msix->vectors + 63) / 64 * 8;

    if (msix->vectors == 0) {
        return true;
    }
    if (msix->vectors > VFU_MAX_MSIX_VECTORS || msix->table_bar >= VFU_NUM_BARS
        || msix->pba_bar >= VFU_NUM_BARS || (msix->table_offset & 7)
        || (msix->pba_offset & 7)
        || msix->table_offset + table_size > desc->bars[msix->table_bar].size
        || msix->pba_offset + pba_size > desc->bars[msix->pba_bar].size
        || (msix->table_bar == msix->pba_bar
            && vfu_ranges_overlap(msix->table_offset, table_size,
                                  msix->pba_offset, pba_size))) {
        VFU_DESC_ERROR(error,
                       "%s: the MSI-X table or its pending bits do not"
                       " fit into their BARs",
                       desc->name);
        return false;
    }
    return true;
}

static bool vfu_bar_map_memory(VfuServer *server, unsigned i, GError **error)
{
    const VfuBar *bar = &server->desc.bars[i];
    VfuBarState *state = &server->bars[i];
    struct stat st;

    if (fstat(bar->fd, &st) < 0
        || (uint64_t)st.st_size < bar->fd_offset + bar->size) {
        VFU_DESC_ERROR(error, "%s: the memory of BAR%u is too small",
                       server->name, i);
        return false;
    }
    /* The client gets this descriptor: it must not be able to shrink it. */
    if (fcntl(bar->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0
        && !(fcntl(bar->fd, F_GET_SEALS) & F_SEAL_SHRINK)) {
        VFU_DESC_ERROR(error, "%s: the memory of BAR%u cannot be sealed: %s",
                       server->name, i, g_strerror(errno));
        return false;
    }
    state->host = mmap(NULL, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED,
                       bar->fd, bar->fd_offset);
    if (state->host == MAP_FAILED) {
        state->host = NULL;
        VFU_DESC_ERROR(error, "%s: the memory of BAR%u cannot be mapped: %s",
                       server->name, i, g_strerror(errno));
        return false;
    }
    return true;
}

static bool vfu_bar_init(VfuServer *server, unsigned i, GError **error)
{
    VfuBar *bar = &server->desc.bars[i];
    VfuBarState *state = &server->bars[i];
    const VfuMsix *msix = &server->desc.msix;
    size_t k;

    if (bar->size == 0) {
        bar->fd = -1;
        return true;
    }
    if (!vfu_bar_check_layout(&server->desc, i, error)) {
        return false;
    }
    if (bar->fd < 0) {
        return true;
    }
    if (!vfu_bar_map_memory(server, i, error)) {
        return false;
    }

    state->sparse = bar->n_mmap_areas > 0;
    if (state->sparse) {
        state->n_areas = bar->n_mmap_areas;
        state->areas = g_new(VfuArea, state->n_areas);
        memcpy(state->areas, bar->mmap_areas, state->n_areas * sizeof(VfuArea));
    } else {
        state->n_areas = 1;
        state->areas = g_new(VfuArea, 1);
        state->areas[0] = (VfuArea){ .offset = 0, .size = bar->size };
    }
    for (k = 0; k < state->n_areas; k++) {
        const VfuArea *area = &state->areas[k];

        if (area->size == 0 || (area->offset & (VFU_PAGE_SIZE - 1))
            || (area->size & (VFU_PAGE_SIZE - 1)) || area->offset > bar->size
            || area->size > bar->size - area->offset) {
            VFU_DESC_ERROR(error,
                           "%s: a mapped area of BAR%u is not made of"
                           " pages of it",
                           server->name, i);
            return false;
        }
        if (msix->vectors
            && ((msix->table_bar == i
                 && vfu_ranges_overlap(area->offset, area->size,
                                       msix->table_offset,
                                       vfu_irqs_table_size(&server->irqs)))
                || (msix->pba_bar == i
                    && vfu_ranges_overlap(area->offset, area->size,
                                          msix->pba_offset,
                                          vfu_irqs_pba_size(&server->irqs))))) {
            VFU_DESC_ERROR(error, "%s: MSI-X lies in a mapped area of BAR%u",
                           server->name, i);
            return false;
        }
    }
    return true;
}

int vfu_bars_init(VfuServer *server, GError **error)
{
    unsigned i;

    if (!vfu_bar_check_msix(&server->desc, error)) {
        return -EINVAL;
    }
    for (i = 0; i < VFU_NUM_BARS; i++) {
        if (!vfu_bar_init(server, i, error)) {
            return -EINVAL;
        }
    }
    return 0;
}

void vfu_bars_clear(VfuServer *server)
{
    unsigned i;

    for (i = 0; i < VFU_NUM_BARS; i++) {
        if (server->bars[i].host) {
            munmap(server->bars[i].host, server->desc.bars[i].size);
        }
        g_free(server->bars[i].areas);
    }
}

uint64_t vfu_region_size(VfuServer *server, uint32_t region)
{
    if (region < VFU_NUM_BARS) {
        return server->desc.bars[region].size;
    }
    return region == VFIO_PCI_CONFIG_REGION_INDEX ? VFU_CONFIG_SIZE : 0;
}

/* Bytes from `offset` on that lie in [start, start + size), at most `len`. */
static size_t vfu_overlap(uint64_t offset, size_t len, uint64_t start,
                          uint64_t size)
{
    if (offset < start || offset - start >= size) {
        return 0;
    }
    return MIN(len, size - (offset - start));
}

/* The memory for `*len` bytes at `offset`, shortened to what it has. */
static uint8_t *vfu_bar_memory(VfuServer *server, unsigned bar, uint64_t offset,
                               size_t *len)
{
    VfuBarState *state = &server->bars[bar];
    size_t i;

    for (i = 0; i < state->n_areas; i++) {
        size_t n = vfu_overlap(offset, *len, state->areas[i].offset,
                               state->areas[i].size);

        if (n > 0) {
            *len = n;
            return state->host + offset;
        }
    }
    return NULL;
}

/* The longest naturally aligned access at `offset` of at most `len`. */
static size_t vfu_natural_len(uint64_t offset, size_t len)
{
    size_t n = 8;

    while (n > len || (offset & (n - 1))) {
        n /= 2;
    }
    return n;
}

/* Serves a first piece; returns its length or -errno. */
static ssize_t vfu_bar_read_piece(VfuServer *server, unsigned bar,
                                  uint64_t offset, uint8_t *buf, size_t len)
{
    const VfuMsix *msix = &server->desc.msix;
    uint64_t value = 0;
    uint8_t *host;
    size_t n;
    int ret;

    host = vfu_bar_memory(server, bar, offset, &len);
    if (host) {
        memcpy(buf, host, len);
        return len;
    }

    n = vfu_natural_len(offset, len);
    if (msix->vectors && bar == msix->table_bar) {
        size_t in = vfu_overlap(offset, n, msix->table_offset,
                                vfu_irqs_table_size(&server->irqs));

        if (in > 0) {
            vfu_irqs_read_table(&server->irqs, offset - msix->table_offset, buf,
                                in);
            return in;
        }
    }
    if (msix->vectors && bar == msix->pba_bar) {
        size_t in = vfu_overlap(offset, n, msix->pba_offset,
                                vfu_irqs_pba_size(&server->irqs));

        if (in > 0) {
            vfu_irqs_read_pba(&server->irqs, offset - msix->pba_offset, buf,
                              in);
            return in;
        }
    }

    if (!server->ops->region_read) {
        return -EIO;
    }
    ret = server->ops->region_read(server->opaque, bar, offset, n, &value);
    if (ret < 0) {
        return ret;
    }
    memcpy(buf, &value, n);
    return n;
}

static ssize_t vfu_bar_write_piece(VfuServer *server, unsigned bar,
                                   uint64_t offset, const uint8_t *buf,
                                   size_t len)
{
    const VfuMsix *msix = &server->desc.msix;
    uint64_t value = 0;
    uint8_t *host;
    size_t n;
    int ret;

    host = vfu_bar_memory(server, bar, offset, &len);
    if (host) {
        memcpy(host, buf, len);
        return len;
    }

    n = vfu_natural_len(offset, len);
    if (msix->vectors && bar == msix->table_bar) {
        size_t in = vfu_overlap(offset, n, msix->table_offset,
                                vfu_irqs_table_size(&server->irqs));

        if (in > 0) {
            vfu_irqs_write_table(&server->irqs, offset - msix->table_offset,
                                 buf, in);
            return in;
        }
    }
    if (msix->vectors && bar == msix->pba_bar) {
        size_t in = vfu_overlap(offset, n, msix->pba_offset,
                                vfu_irqs_pba_size(&server->irqs));

        if (in > 0) {
            return in; /* read-only */
        }
    }

    if (!server->ops->region_write) {
        return -EIO;
    }
    memcpy(&value, buf, n);
    ret = server->ops->region_write(server->opaque, bar, offset, n, value);
    return ret < 0 ? ret : (ssize_t)n;
}

static int vfu_region_check(VfuServer *server, uint32_t region, uint64_t offset,
                            uint32_t count)
{
    uint64_t size = vfu_region_size(server, region);

    if (offset > size || count > size - offset || size == 0) {
        return -EINVAL;
    }
    if (region < VFU_NUM_BARS && !vfu_config_decodes_memory(&server->config)) {
        return -EIO;
    }
    return 0;
}

int vfu_region_read(VfuServer *server, uint32_t region, uint64_t offset,
                    void *buf, uint32_t count)
{
    uint8_t *to = buf;
    int ret = vfu_region_check(server, region, offset, count);

    if (ret < 0) {
        return ret;
    }
    if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
        vfu_config_read(&server->config, offset, buf, count);
        return 0;
    }
    while (count > 0) {
        ssize_t n = vfu_bar_read_piece(server, region, offset, to, count);

        if (n < 0) {
            return n;
        }
        offset += n;
        to += n;
        count -= n;
    }
    return 0;
}

/* Brings the other parts of the function in line with its registers. */
static void vfu_function_update(VfuServer *server)
{
    bool mastering = vfu_config_may_master(&server->config);

    vfu_irqs_set_enabled(&server->irqs,
                         vfu_config_msix_enabled(&server->config));
    if (mastering == server->mastering) {
        return;
    }
    /* No access is under way any more when "off" is acknowledged. */
    vfu_upcalls_set_open(server, mastering);
    vfu_dma_space_set_enabled(&server->dma, mastering, vfu_server_drain_wait,
                              server);
    server->mastering = mastering;
    if (server->ops->bus_master) {
        server->ops->bus_master(server->opaque, mastering);
    }
}

void vfu_function_reset(VfuServer *server, VfuReset kind)
{
    vfu_count(&server->stats.resets);
    vfu_config_reset(&server->config);
    vfu_function_update(server);
    vfu_irqs_reset(&server->irqs);
    if (server->ops->reset) {
        server->ops->reset(server->opaque, kind);
    }
}

static void vfu_config_space_write(VfuServer *server, unsigned offset,
                                   const void *buf, unsigned count)
{
    unsigned effects = vfu_config_write(&server->config, offset, buf, count);

    if (effects & VFU_CONFIG_FLR) {
        vfu_function_reset(server, VFU_RESET_FLR);
    } else if (effects & VFU_CONFIG_STATE) {
        vfu_function_update(server);
    }
}

int vfu_region_write(VfuServer *server, uint32_t region, uint64_t offset,
                     const void *buf, uint32_t count)
{
    const uint8_t *from = buf;
    int ret = vfu_region_check(server, region, offset, count);

    if (ret < 0) {
        return ret;
    }
    if (region == VFIO_PCI_CONFIG_REGION_INDEX) {
        vfu_config_space_write(server, offset, buf, count);
        return 0;
    }
    while (count > 0) {
        ssize_t n = vfu_bar_write_piece(server, region, offset, from, count);

        if (n < 0) {
            return n;
        }
        offset += n;
        from += n;
        count -= n;
    }
    return 0;
}

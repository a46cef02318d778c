/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MSI-X vectors of one function.
 */

#include "vfu-irq.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

size_t vfu_irqs_table_size(const VfuIrqs *irqs)
{
    return (size_t)irqs->n * PCI_MSIX_ENTRY_SIZE;
}

size_t vfu_irqs_pba_size(const VfuIrqs *irqs)
{
    return ((size_t)irqs->n + 63) / 64 * 8;
}

void vfu_irqs_init(VfuIrqs *irqs, unsigned n)
{
    unsigned i;

    memset(irqs, 0, sizeof(*irqs));
    g_mutex_init(&irqs->lock);
    irqs->n = n;
    irqs->fds = g_new(int, n);
    for (i = 0; i < n; i++) {
        irqs->fds[i] = -1;
    }
    irqs->masked = g_new0(bool, n);
    /* Never NULL, also without vectors: memset() and memcpy() forbid that. */
    irqs->pending = g_malloc0(vfu_irqs_pba_size(irqs) + 8);
    irqs->table = g_malloc0(vfu_irqs_table_size(irqs) + 8);
    vfu_irqs_reset(irqs);
}

void vfu_irqs_clear(VfuIrqs *irqs)
{
    unsigned i;

    for (i = 0; i < irqs->n; i++) {
        if (irqs->fds[i] >= 0) {
            close(irqs->fds[i]);
        }
    }
    g_free(irqs->fds);
    g_free(irqs->masked);
    g_free(irqs->pending);
    g_free(irqs->table);
    g_mutex_clear(&irqs->lock);
}

void vfu_irqs_reset(VfuIrqs *irqs)
{
    unsigned i;

    g_mutex_lock(&irqs->lock);
    irqs->enabled = false;
    memset(irqs->table, 0, vfu_irqs_table_size(irqs));
    memset(irqs->pending, 0, vfu_irqs_pba_size(irqs));
    for (i = 0; i < irqs->n; i++) {
        irqs->masked[i] = false;
        irqs->table[i * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] =
            PCI_MSIX_ENTRY_CTRL_MASKBIT;
    }
    g_mutex_unlock(&irqs->lock);
}

void vfu_irqs_set_enabled(VfuIrqs *irqs, bool enabled)
{
    g_mutex_lock(&irqs->lock);
    if (irqs->enabled && !enabled) {
        memset(irqs->pending, 0, vfu_irqs_pba_size(irqs));
    }
    irqs->enabled = enabled;
    g_mutex_unlock(&irqs->lock);
}

static VfuIrqResult vfu_irqs_signal_locked(VfuIrqs *irqs, unsigned vector)
{
    uint64_t one = 1;

    if (irqs->fds[vector] >= 0 && !irqs->masked[vector]) {
        /*
         * Only a counter at its very end refuses, and then the client has
         * 2^64 interrupts to look at.
         */
        if (write(irqs->fds[vector], &one, sizeof(one)) < 0) {
            return VFU_IRQ_DROPPED;
        }
        irqs->pending[vector / 8] &= ~(1u << vector % 8);
        return VFU_IRQ_SENT;
    }
    if (irqs->enabled || irqs->masked[vector]) {
        irqs->pending[vector / 8] |= 1u << vector % 8;
        return VFU_IRQ_PENDED;
    }
    return VFU_IRQ_DROPPED;
}

static void vfu_irqs_deliver_pending_locked(VfuIrqs *irqs, unsigned vector)
{
    if (irqs->pending[vector / 8] & (1u << vector % 8)) {
        vfu_irqs_signal_locked(irqs, vector);
    }
}

VfuIrqResult vfu_irqs_trigger(VfuIrqs *irqs, unsigned vector)
{
    VfuIrqResult result;

    if (vector >= irqs->n) {
        return VFU_IRQ_DROPPED;
    }
    g_mutex_lock(&irqs->lock);
    result = vfu_irqs_signal_locked(irqs, vector);
    g_mutex_unlock(&irqs->lock);
    return result;
}

static bool vfu_fd_is_eventfd(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    char target[32] = { 0 };
    ssize_t len = readlink(path, target, sizeof(target) - 1);

    return len > 0 && g_str_has_prefix(target, "anon_inode:[eventfd");
}

int vfu_irqs_set_fd(VfuIrqs *irqs, unsigned vector, int fd)
{
    int old;

    g_assert(vector < irqs->n);
    if (fd >= 0) {
        int flags = fcntl(fd, F_GETFL);

        /* A device thread must never sleep in the client's descriptor. */
        if (flags < 0 || !vfu_fd_is_eventfd(fd)
            || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
            close(fd);
            return -EINVAL;
        }
    }

    g_mutex_lock(&irqs->lock);
    old = irqs->fds[vector];
    irqs->fds[vector] = fd;
    vfu_irqs_deliver_pending_locked(irqs, vector);
    g_mutex_unlock(&irqs->lock);

    if (old >= 0) {
        close(old);
    }
    return 0;
}

void vfu_irqs_set_masked(VfuIrqs *irqs, unsigned vector, bool masked)
{
    g_assert(vector < irqs->n);
    g_mutex_lock(&irqs->lock);
    irqs->masked[vector] = masked;
    vfu_irqs_deliver_pending_locked(irqs, vector);
    g_mutex_unlock(&irqs->lock);
}

void vfu_irqs_read_table(VfuIrqs *irqs, size_t offset, void *buf, size_t len)
{
    g_mutex_lock(&irqs->lock);
    memcpy(buf, irqs->table + offset, len);
    g_mutex_unlock(&irqs->lock);
}

void vfu_irqs_write_table(VfuIrqs *irqs, size_t offset, const void *buf,
                          size_t len)
{
    g_mutex_lock(&irqs->lock);
    memcpy(irqs->table + offset, buf, len);
    g_mutex_unlock(&irqs->lock);
}

void vfu_irqs_read_pba(VfuIrqs *irqs, size_t offset, void *buf, size_t len)
{
    g_mutex_lock(&irqs->lock);
    memcpy(buf, irqs->pending + offset, len);
    g_mutex_unlock(&irqs->lock);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MSI-X vectors of one function.
 *
 * Each vector has an eventfd of the client, or none, and a mask and a pending
 * bit. A trigger signals the eventfd; a masked vector, or one that has no
 * eventfd while MSI-X is enabled, becomes pending instead and is delivered as
 * soon as it can be. While MSI-X is disabled a trigger is dropped.
 *
 * The client emulates the MSI-X table for its guest and says by SET_IRQS what
 * it wants; table entries written here are stored and read back, no more.
 */

#ifndef VFU_IRQ_H
#define VFU_IRQ_H

#include "vfu.h"

typedef enum VfuIrqResult {
    VFU_IRQ_SENT,
    VFU_IRQ_PENDED,
    VFU_IRQ_DROPPED,
} VfuIrqResult;

typedef struct VfuIrqs {
    GMutex lock; /* guards all below but the constant `n` */
    unsigned n;
    bool enabled; /* the MSI-X enable bit */
    int *fds;     /* -1: none */
    bool *masked;
    uint8_t *pending; /* bitmap, 8-byte multiple, as the guest reads it */
    uint8_t *table;   /* 16 bytes per vector */
} VfuIrqs;

void vfu_irqs_init(VfuIrqs *irqs, unsigned n);
void vfu_irqs_clear(VfuIrqs *irqs);

/* Power-on state of table, masks and pending bits; descriptors stay. */
void vfu_irqs_reset(VfuIrqs *irqs);

/* The guest changed MSI-X enable. Disabling forgets what is pending. */
void vfu_irqs_set_enabled(VfuIrqs *irqs, bool enabled);

VfuIrqResult vfu_irqs_trigger(VfuIrqs *irqs, unsigned vector);

/*
 * Takes the eventfd (-1: none). Returns -EINVAL, the descriptor closed, for
 * one that is not an eventfd: writing to it might block.
 */
int vfu_irqs_set_fd(VfuIrqs *irqs, unsigned vector, int fd);
void vfu_irqs_set_masked(VfuIrqs *irqs, unsigned vector, bool masked);

/* Sizes in bytes of the table and the pending bits in the BAR. */
size_t vfu_irqs_table_size(const VfuIrqs *irqs);
size_t vfu_irqs_pba_size(const VfuIrqs *irqs);

/* Accesses within those sizes. Writes to the pending bits are not. */
void vfu_irqs_read_table(VfuIrqs *irqs, size_t offset, void *buf, size_t len);
void vfu_irqs_write_table(VfuIrqs *irqs, size_t offset, const void *buf,
                          size_t len);
void vfu_irqs_read_pba(VfuIrqs *irqs, size_t offset, void *buf, size_t len);

#endif /* VFU_IRQ_H */

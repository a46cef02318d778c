/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory that vanishes.
 *
 * The client owns the file behind guest RAM and can shrink it while we hold
 * it mapped; the next access is then a SIGBUS. A peer must not be able to end
 * this process, so such a page is replaced by a zero page of our own, the
 * access is repeated, and the loss is counted. Ranges outside the registered
 * ones keep the default action.
 */

#ifndef VFU_SIGBUS_H
#define VFU_SIGBUS_H

#include <stddef.h>
#include <stdint.h>

/* Watches a mapping. `page_size` is that of the file behind it. */
void vfu_sigbus_watch(void *addr, size_t len, size_t page_size);

/* To be called before the mapping goes. */
void vfu_sigbus_unwatch(void *addr);

uint64_t vfu_sigbus_get_count(void);

#endif /* VFU_SIGBUS_H */

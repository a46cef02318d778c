/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space of one function.
 *
 * Built from a VfuDescription: a type 0 header, power management, PCI Express
 * endpoint and MSI-X capabilities. Every byte has a value, a power-on value,
 * a mask of writable bits and a mask of bits that a written one clears. BAR
 * sizing needs no code: the address bits below a BAR's size are not writable.
 *
 * Used by the protocol thread alone.
 */

#ifndef VFU_CONFIG_H
#define VFU_CONFIG_H

#include "vfu.h"

#define VFU_CONFIG_SIZE 4096

typedef struct VfuConfig {
    uint8_t data[VFU_CONFIG_SIZE];
    uint8_t init[VFU_CONFIG_SIZE];
    uint8_t wmask[VFU_CONFIG_SIZE];
    uint8_t w1c[VFU_CONFIG_SIZE];
    unsigned pm_cap;
    unsigned exp_cap;
    unsigned msix_cap; /* 0: no interrupts */
} VfuConfig;

/* What a write asks of the function beyond the stored bits. */
typedef enum VfuConfigEffect {
    VFU_CONFIG_STATE = 1 << 0, /* COMMAND, power state or MSI-X enable */
    VFU_CONFIG_FLR = 1 << 1,
} VfuConfigEffect;

void vfu_config_init(VfuConfig *config, const VfuDescription *desc);
void vfu_config_reset(VfuConfig *config);

/* `offset + len` must lie within VFU_CONFIG_SIZE. */
void vfu_config_read(const VfuConfig *config, unsigned offset, void *buf,
                     unsigned len);
unsigned vfu_config_write(VfuConfig *config, unsigned offset, const void *buf,
                          unsigned len);

/* Bus mastering is on and the function is in D0. */
bool vfu_config_may_master(const VfuConfig *config);
/* Memory decoding is on and the function is in D0. */
bool vfu_config_decodes_memory(const VfuConfig *config);
bool vfu_config_msix_enabled(const VfuConfig *config);

#endif /* VFU_CONFIG_H */

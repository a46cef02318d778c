/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space of one function.
 *
 * Layout of the capabilities: power management at 0x40, PCI Express at 0x48,
 * MSI-X at 0x88. There are no extended capabilities: 0x100 reads as zero.
 */

#include "vfu-config.h"

#include <linux/pci_regs.h>
#include <string.h>

#define VFU_PM_CAP 0x40
#define VFU_EXP_CAP 0x48
#define VFU_MSIX_CAP 0x88

#define VFU_DEFAULT_LINK_SPEED 4
#define VFU_DEFAULT_LINK_WIDTH 16

static void vfu_set16(uint8_t *bytes, unsigned offset, uint16_t value)
{
    bytes[offset] = value;
    bytes[offset + 1] = value >> 8;
}

static void vfu_set32(uint8_t *bytes, unsigned offset, uint32_t value)
{
    vfu_set16(bytes, offset, value);
    vfu_set16(bytes, offset + 2, value >> 16);
}

static uint16_t vfu_get16(const uint8_t *bytes, unsigned offset)
{
    return bytes[offset] | bytes[offset + 1] << 8;
}

static void vfu_config_init_header(VfuConfig *config,
                                   const VfuDescription *desc)
{
    vfu_set16(config->init, PCI_VENDOR_ID, desc->vendor_id);
    vfu_set16(config->init, PCI_DEVICE_ID, desc->device_id);
    vfu_set16(config->wmask, PCI_COMMAND,
              PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY
                  | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
    vfu_set16(config->init, PCI_STATUS, PCI_STATUS_CAP_LIST);
    vfu_set16(config->w1c, PCI_STATUS,
              PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT
                  | PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT
                  | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY);
    vfu_set32(config->init, PCI_CLASS_REVISION,
              desc->class_code << 8 | desc->revision);
    config->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
    vfu_set16(config->init, PCI_SUBSYSTEM_VENDOR_ID, desc->subsystem_vendor_id);
    vfu_set16(config->init, PCI_SUBSYSTEM_ID, desc->subsystem_id);
    config->wmask[PCI_INTERRUPT_LINE] = 0xff;
}

static void vfu_config_init_bars(VfuConfig *config, const VfuDescription *desc)
{
    unsigned i;

    for (i = 0; i < VFU_NUM_BARS; i++) {
        const VfuBar *bar = &desc->bars[i];
        unsigned offset = PCI_BASE_ADDRESS_0 + 4 * i;
        uint64_t mask = ~(bar->size - 1);

        if (bar->size == 0) {
            continue;
        }
        vfu_set32(
            config->init, offset,
            (bar->is_64bit ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0)
                | (bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
        vfu_set32(config->wmask, offset, mask);
        if (bar->is_64bit) {
            vfu_set32(config->wmask, offset + 4, mask >> 32);
        }
    }
}

static void vfu_config_init_pm(VfuConfig *config)
{
    unsigned cap = VFU_PM_CAP;

    config->pm_cap = cap;
    config->init[cap] = PCI_CAP_ID_PM;
    config->init[cap + 1] = VFU_EXP_CAP;
    vfu_set16(config->init, cap + PCI_PM_PMC, 3); /* version 1.2, D0, D3hot */
    vfu_set16(config->init, cap + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    vfu_set16(config->wmask, cap + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
}

static void vfu_config_init_exp(VfuConfig *config, const VfuDescription *desc)
{
    unsigned cap = VFU_EXP_CAP;
    unsigned speed = desc->link_speed ?: VFU_DEFAULT_LINK_SPEED;
    unsigned width = desc->link_width ?: VFU_DEFAULT_LINK_WIDTH;

    config->exp_cap = cap;
    config->init[cap] = PCI_CAP_ID_EXP;
    config->init[cap + 1] = desc->msix.vectors ? VFU_MSIX_CAP : 0;
    vfu_set16(config->init, cap + PCI_EXP_FLAGS,
              2 | PCI_EXP_TYPE_ENDPOINT << 4);
    /* 256-byte payloads; a function-level reset is offered. */
    vfu_set32(config->init, cap + PCI_EXP_DEVCAP,
              1 | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER
                  | PCI_EXP_DEVCAP_FLR);
    vfu_set16(config->init, cap + PCI_EXP_DEVCTL,
              PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN
                  | PCI_EXP_DEVCTL_READRQ_512B);
    vfu_set16(config->wmask, cap + PCI_EXP_DEVCTL,
              PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE
                  | PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN
                  | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG
                  | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ);
    vfu_set16(config->w1c, cap + PCI_EXP_DEVSTA,
              PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED
                  | PCI_EXP_DEVSTA_URD);
    vfu_set32(config->init, cap + PCI_EXP_LNKCAP, speed | width << 4);
    vfu_set16(config->wmask, cap + PCI_EXP_LNKCTL,
              PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
    vfu_set16(config->init, cap + PCI_EXP_LNKSTA,
              speed | width << PCI_EXP_LNKSTA_NLW_SHIFT | PCI_EXP_LNKSTA_SLC);
    vfu_set32(config->init, cap + PCI_EXP_DEVCAP2,
              PCI_EXP_DEVCAP2_COMP_TMOUT_DIS);
    vfu_set16(config->wmask, cap + PCI_EXP_DEVCTL2,
              PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
    vfu_set32(config->init, cap + PCI_EXP_LNKCAP2, ((1u << speed) - 1) << 1);
    vfu_set16(config->init, cap + PCI_EXP_LNKCTL2, speed);
    vfu_set16(config->wmask, cap + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS);
}

static void vfu_config_init_msix(VfuConfig *config, const VfuMsix *msix)
{
    unsigned cap = VFU_MSIX_CAP;

    config->msix_cap = cap;
    config->init[cap] = PCI_CAP_ID_MSIX;
    vfu_set16(config->init, cap + PCI_MSIX_FLAGS, msix->vectors - 1);
    vfu_set16(config->wmask, cap + PCI_MSIX_FLAGS,
              PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    vfu_set32(config->init, cap + PCI_MSIX_TABLE,
              msix->table_offset | msix->table_bar);
    vfu_set32(config->init, cap + PCI_MSIX_PBA,
              msix->pba_offset | msix->pba_bar);
}

void vfu_config_init(VfuConfig *config, const VfuDescription *desc)
{
    memset(config, 0, sizeof(*config));
    vfu_config_init_header(config, desc);
    vfu_config_init_bars(config, desc);
    config->init[PCI_CAPABILITY_LIST] = VFU_PM_CAP;
    vfu_config_init_pm(config);
    vfu_config_init_exp(config, desc);
    if (desc->msix.vectors) {
        vfu_config_init_msix(config, &desc->msix);
    }
    vfu_config_reset(config);
}

void vfu_config_reset(VfuConfig *config)
{
    memcpy(config->data, config->init, sizeof(config->data));
}

void vfu_config_read(const VfuConfig *config, unsigned offset, void *buf,
                     unsigned len)
{
    g_assert(offset <= VFU_CONFIG_SIZE && len <= VFU_CONFIG_SIZE - offset);
    memcpy(buf, config->data + offset, len);
}

unsigned vfu_config_write(VfuConfig *config, unsigned offset, const void *buf,
                          unsigned len)
{
    const uint8_t *bytes = buf;
    uint8_t pm_state = config->data[config->pm_cap + PCI_PM_CTRL];
    unsigned flr_byte = config->exp_cap + PCI_EXP_DEVCTL + 1;
    unsigned effects = VFU_CONFIG_STATE;
    unsigned i;

    g_assert(offset <= VFU_CONFIG_SIZE && len <= VFU_CONFIG_SIZE - offset);
    for (i = 0; i < len; i++) {
        uint8_t *data = &config->data[offset + i];
        uint8_t wmask = config->wmask[offset + i];
        uint8_t w1c = config->w1c[offset + i];

        *data = (*data & ~wmask) | (bytes[i] & wmask);
        *data &= ~(bytes[i] & w1c);
        if (offset + i == flr_byte
            && (bytes[i] & (PCI_EXP_DEVCTL_BCR_FLR >> 8))) {
            effects |= VFU_CONFIG_FLR;
        }
    }

    /* D1 and D2 do not exist: a write that asks for them changes nothing. */
    i = config->pm_cap + PCI_PM_CTRL;
    if ((config->data[i] & PCI_PM_CTRL_STATE_MASK) == 1
        || (config->data[i] & PCI_PM_CTRL_STATE_MASK) == 2) {
        config->data[i] = pm_state;
    }
    return effects;
}

static bool vfu_config_in_d0(const VfuConfig *config)
{
    return (config->data[config->pm_cap + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK)
           == 0;
}

bool vfu_config_may_master(const VfuConfig *config)
{
    return vfu_config_in_d0(config)
           && (vfu_get16(config->data, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

bool vfu_config_decodes_memory(const VfuConfig *config)
{
    return vfu_config_in_d0(config)
           && (vfu_get16(config->data, PCI_COMMAND) & PCI_COMMAND_MEMORY);
}

bool vfu_config_msix_enabled(const VfuConfig *config)
{
    return config->msix_cap
           && (vfu_get16(config->data, config->msix_cap + PCI_MSIX_FLAGS)
               & PCI_MSIX_FLAGS_ENABLE);
}

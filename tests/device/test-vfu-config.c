/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user: configuration space, as a driver and a bus scan use it.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <linux/pci_regs.h>

static void test_header(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    g_assert_cmphex(vfu_client_config_read(client, PCI_VENDOR_ID, 4), ==,
                    0x56781234);
    g_assert_cmphex(vfu_client_config_read(client, PCI_CLASS_REVISION, 4), ==,
                    0x03020007);
    g_assert_cmphex(vfu_client_config_read(client, PCI_HEADER_TYPE, 1), ==,
                    PCI_HEADER_TYPE_NORMAL);
    g_assert_cmphex(vfu_client_config_read(client, PCI_SUBSYSTEM_VENDOR_ID, 4),
                    ==, 0x11001af4);
    g_assert_cmphex(vfu_client_config_read(client, PCI_STATUS, 2), ==,
                    PCI_STATUS_CAP_LIST);
    g_assert_cmphex(vfu_client_config_read(client, PCI_INTERRUPT_PIN, 1), ==,
                    0);
    /* Ids are not for writing. */
    vfu_client_config_write(client, PCI_VENDOR_ID, 4, 0xffffffff);
    g_assert_cmphex(vfu_client_config_read(client, PCI_VENDOR_ID, 4), ==,
                    0x56781234);
}

static void test_bar_sizing(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned i;

    for (i = 0; i < 6; i++) {
        vfu_client_config_write(client, PCI_BASE_ADDRESS_0 + 4 * i, 4,
                                0xffffffff);
    }
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_0, 4), ==,
                    (uint32_t)-FIXTURE_BAR0_SIZE);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_1, 4), ==,
                    0);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_2, 4), ==,
                    (uint32_t)-FIXTURE_BAR2_SIZE | PCI_BASE_ADDRESS_MEM_TYPE_64
                        | PCI_BASE_ADDRESS_MEM_PREFETCH);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_3, 4), ==,
                    0xffffffff);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_4, 4), ==,
                    (uint32_t)-FIXTURE_BAR4_SIZE);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_5, 4), ==,
                    0);
}

/* Byte by byte, and in one piece that is not aligned. */
static void test_access_sizes(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);

    vfu_client_config_write(client, PCI_BASE_ADDRESS_0 + 3, 1, 0xfe);
    vfu_client_config_write(client, PCI_BASE_ADDRESS_0 + 1, 2, 0xc0ab);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_0, 4), ==,
                    0xfec08000);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_0 + 2, 2),
                    ==, 0xfec0);
}

static void test_capabilities(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned exp = vfu_client_find_cap(client, PCI_CAP_ID_EXP);
    unsigned msix = vfu_client_find_cap(client, PCI_CAP_ID_MSIX);
    unsigned flags;

    g_assert_cmpuint(vfu_client_find_cap(client, PCI_CAP_ID_PM), !=, 0);
    g_assert_cmpuint(exp, !=, 0);
    flags = vfu_client_config_read(client, exp + PCI_EXP_FLAGS, 2);
    g_assert_cmpuint(flags & PCI_EXP_FLAGS_VERS, ==, 2);
    g_assert_cmpuint((flags & PCI_EXP_FLAGS_TYPE) >> 4, ==,
                     PCI_EXP_TYPE_ENDPOINT);
    g_assert_true(vfu_client_config_read(client, exp + PCI_EXP_DEVCAP, 4)
                  & PCI_EXP_DEVCAP_FLR);
    g_assert_cmpuint(vfu_client_config_read(client, msix + PCI_MSIX_FLAGS, 2)
                         & PCI_MSIX_FLAGS_QSIZE,
                     ==, FIXTURE_VECTORS - 1);
    g_assert_cmphex(vfu_client_config_read(client, msix + PCI_MSIX_TABLE, 4),
                    ==, FIXTURE_MSIX_TABLE);
    g_assert_cmphex(vfu_client_config_read(client, msix + PCI_MSIX_PBA, 4), ==,
                    FIXTURE_MSIX_PBA);
    g_assert_cmphex(vfu_client_config_read(client, 0x100, 4), ==, 0);
}

static void test_bus_master(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    uint32_t value;

    vfu_client_add_ram(client, 0, 0x1000);
    g_assert_cmpint(vfu_dma_read(fixture->server, 0, &value, 4), ==, -EPERM);
    vfu_client_config_write(client, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    g_assert_cmpint(fixture->mastering, ==, 1);
    g_assert_cmpint(vfu_dma_read(fixture->server, 0, &value, 4), ==, 0);
    vfu_client_config_write(client, PCI_COMMAND, 2, 0);
    g_assert_cmpint(fixture->mastering, ==, 0);
    g_assert_cmpint(vfu_dma_read(fixture->server, 0, &value, 4), ==, -EPERM);
}

static void test_power_states(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned pm = vfu_client_find_cap(client, PCI_CAP_ID_PM);
    uint32_t value;

    vfu_client_enable(client);
    vfu_client_write32(client, 0, 0x10, 77);
    vfu_client_config_write(client, pm + PCI_PM_CTRL, 2, 3);
    g_assert_cmpint(fixture->mastering, ==, 0);
    g_assert_cmpint(vfu_client_read(client, 0, 0x10, &value, 4), ==, -EIO);
    vfu_client_config_write(client, pm + PCI_PM_CTRL, 2, 0);
    /* The state survives: No_Soft_Reset is set. */
    g_assert_cmpint(fixture->mastering, ==, 1);
    g_assert_cmpuint(vfu_client_read32(client, 0, 0x10), ==, 77);
    /* D1 and D2 do not exist. */
    vfu_client_config_write(client, pm + PCI_PM_CTRL, 2, 2);
    g_assert_cmphex(vfu_client_config_read(client, pm + PCI_PM_CTRL, 2), ==,
                    PCI_PM_CTRL_NO_SOFT_RESET);
}

static void test_flr(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned exp = vfu_client_find_cap(client, PCI_CAP_ID_EXP);
    unsigned control;

    vfu_client_enable(client);
    vfu_client_config_write(client, PCI_BASE_ADDRESS_0, 4, 0xfe000000);
    vfu_client_write32(client, 0, 0x10, 77);
    control = vfu_client_config_read(client, exp + PCI_EXP_DEVCTL, 2);
    vfu_client_config_write(client, exp + PCI_EXP_DEVCTL, 2,
                            control | PCI_EXP_DEVCTL_BCR_FLR);
    g_assert_cmpuint(fixture->n_resets[VFU_RESET_FLR], ==, 1);
    g_assert_cmpint(fixture->mastering, ==, 0);
    g_assert_cmphex(vfu_client_config_read(client, exp + PCI_EXP_DEVCTL, 2), ==,
                    control);
    g_assert_cmphex(vfu_client_config_read(client, PCI_COMMAND, 2), ==, 0);
    g_assert_cmphex(vfu_client_config_read(client, PCI_BASE_ADDRESS_0, 4), ==,
                    0);
    vfu_client_enable(client);
    g_assert_cmpuint(vfu_client_read32(client, 0, 0x10), ==, 0);
}

/* Every bit of every byte: nothing breaks, the read-only ones stay. */
static void test_write_everything(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    g_autoptr(VfuClient) client = vfu_fixture_connect(fixture);
    unsigned offset;

    for (offset = 0; offset < 4096; offset += 4) {
        vfu_client_config_write(client, offset, 4, 0xffffffff);
        vfu_client_config_write(client, offset, 4, 0xa5a5a5a5);
        vfu_client_config_write(client, offset, 4, 0);
    }
    g_assert_cmphex(vfu_client_config_read(client, PCI_VENDOR_ID, 4), ==,
                    0x56781234);
    g_assert_cmpuint(vfu_client_find_cap(client, PCI_CAP_ID_MSIX), !=, 0);
    g_assert_cmpuint(fixture->n_resets[VFU_RESET_FLR], >=, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfu/config/header", test_header);
    g_test_add_func("/vfu/config/bar-sizing", test_bar_sizing);
    g_test_add_func("/vfu/config/access-sizes", test_access_sizes);
    g_test_add_func("/vfu/config/capabilities", test_capabilities);
    g_test_add_func("/vfu/config/bus-master", test_bus_master);
    g_test_add_func("/vfu/config/power-states", test_power_states);
    g_test_add_func("/vfu/config/flr", test_flr);
    g_test_add_func("/vfu/config/write-everything", test_write_everything);
    return g_test_run();
}

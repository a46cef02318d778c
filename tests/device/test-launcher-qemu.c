/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher and the server with a real QEMU, but without a guest.
 *
 * $SVMGPU_QEMU, or the QEMU that the launcher in the build tree is configured
 * with, or one in $PATH; skipped when none of them has vfio-user-pci.
 */

#include "launcher-fixture.h"
#include "qtest-client.h"

#include <linux/pci_regs.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define BAR0 0xe0000000
#define BAR2 0xe0100000
#define RAM 0x100000
#define MSI_TARGET 0x200000

static char *qemu;

typedef struct Machine {
    LauncherFixture *fixture;
    QTest *qtest;
    GPid pid;
    GPid device;
    unsigned bus; /* where the test's device is */
    unsigned dev;
} Machine;

static Machine *machine_start(const char *device_suffix)
{
    Machine *machine = g_new0(Machine, 1);
    g_autofree char *device = NULL;
    g_autofree char *qtest_path = NULL;
    g_autofree char *qmp_path = NULL;
    g_autofree char *qtest_arg = NULL;
    g_autofree char *qmp_arg = NULL;

    machine->fixture =
        launcher_fixture_new(qemu, g_getenv("SVMGPU_TEST_DEVICE"));
    qtest_path = g_build_filename(machine->fixture->dir, "qtest", NULL);
    qmp_path = g_build_filename(machine->fixture->dir, "qmp", NULL);
    qtest_arg = g_strdup_printf("unix:%s,server=on,wait=off", qtest_path);
    qmp_arg = g_strdup_printf("unix:%s,server=on,wait=off", qmp_path);
    device = g_strdup_printf("svmgpu,id=gpu0,log=%s%s", machine->fixture->log,
                             device_suffix);
    machine->pid = launcher_fixture_start(
        machine->fixture,
        (const char *const[]){
            "-accel",      "qtest",
            "-nodefaults", "-display",
            "none",        "-no-user-config",
            "-object",     "memory-backend-memfd,id=ram,share=on,size=64M",
            "-m",          "64M",
            "-machine",    "q35,memory-backend=ram",
            "-qmp",        qmp_arg,
            "-qtest",      qtest_arg,
            "-qtest-log",  "none",
            "-device",     device,
            "-device",     "svmgpu,id=gpu1",
            NULL });
    machine->qtest = qtest_connect(qtest_path, qmp_path);
    machine->device = launcher_fixture_get_device_pid(machine->fixture);
    launcher_fixture_assert_no_sockets(machine->fixture);
    return machine;
}

static void machine_free(Machine *machine)
{
    qtest_free(machine->qtest);
    g_assert_cmpint(waitpid(machine->pid, NULL, 0), ==, machine->pid);
    g_assert_true(launcher_fixture_wait_gone(machine->device));
    launcher_fixture_free(machine->fixture);
    g_free(machine);
}

static uint32_t config_read(Machine *machine, unsigned offset)
{
    return qtest_config_read(machine->qtest, machine->bus, machine->dev,
                             offset);
}

static void config_write(Machine *machine, unsigned offset, uint32_t value)
{
    qtest_config_write(machine->qtest, machine->bus, machine->dev, offset,
                       value);
}

/* The device on pcie.0, slot 5, with its BARs in the 32-bit hole. */
static void machine_set_up_device(Machine *machine)
{
    machine->bus = 0;
    machine->dev = 5;
    g_assert_cmphex(config_read(machine, PCI_VENDOR_ID), ==, 0x56791234);
    config_write(machine, PCI_BASE_ADDRESS_2, 0xffffffff);
    g_assert_cmphex(config_read(machine, PCI_BASE_ADDRESS_2), ==, 0xffff000c);
    config_write(machine, PCI_BASE_ADDRESS_0, BAR0);
    config_write(machine, PCI_BASE_ADDRESS_2, BAR2);
    config_write(machine, PCI_BASE_ADDRESS_3, 0);
    config_write(machine, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void device_run(Machine *machine, uint64_t address, uint32_t length,
                       uint32_t command)
{
    unsigned i;

    qtest_writel(machine->qtest, BAR0, address);
    qtest_writel(machine->qtest, BAR0 + 4, address >> 32);
    qtest_writel(machine->qtest, BAR0 + 8, length);
    qtest_writel(machine->qtest, BAR0 + 12, command);
    for (i = 0; i < 500; i++) {
        uint32_t status = qtest_readl(machine->qtest, BAR0 + 16);

        if (status != ~0u) {
            g_assert_cmpuint(status, ==, 0);
            return;
        }
        g_usleep(10000);
    }
    g_assert_not_reached();
}

static void test_registers_and_dma(void)
{
    Machine *machine = machine_start(",bus=pcie.0,addr=5");
    QTest *qtest = machine->qtest;

    machine_set_up_device(machine);
    qtest_writel(qtest, BAR0, 0xdeadbeef);
    g_assert_cmphex(qtest_readl(qtest, BAR0), ==, 0xdeadbeef);
    g_assert_cmphex(qtest_readl(qtest, BAR0 + 16), ==, 0);

    /* Guest memory by descriptor, the BAR as QEMU has mapped it. */
    qtest_writeq(qtest, RAM + 8, 0x1122334455667788);
    device_run(machine, RAM, 4096, 1);
    g_assert_cmphex(qtest_readq(qtest, BAR2 + 8), ==, 0x1122334455667788);
    qtest_writeq(qtest, BAR2 + 16, 0xa5a5a5a55a5a5a5a);
    device_run(machine, RAM + 0x10000, 4096, 2);
    g_assert_cmphex(qtest_readq(qtest, RAM + 0x10010), ==, 0xa5a5a5a55a5a5a5a);

    /* The firmware is no memfd: QEMU is asked for it, by message. */
    device_run(machine, 0xfffff000, 4096, 1);
    g_assert_cmphex(qtest_readq(qtest, BAR2 + 0xff0), ==,
                    qtest_readq(qtest, 0xfffffff0));
    g_assert_cmphex(qtest_readq(qtest, BAR2 + 0xff0), !=, 0);

    qtest_qmp(qtest, "quit");
    machine_free(machine);
}

/* An interrupt arrives as the memory write that the table entry describes. */
static void test_interrupt(void)
{
    Machine *machine = machine_start(",bus=pcie.0,addr=5");
    QTest *qtest = machine->qtest;
    unsigned cap;
    unsigned i;

    machine_set_up_device(machine);
    cap = config_read(machine, PCI_CAPABILITY_LIST) & 0xff;
    while ((config_read(machine, cap) & 0xff) != PCI_CAP_ID_MSIX) {
        cap = config_read(machine, cap) >> 8 & 0xff;
        g_assert_cmpuint(cap, !=, 0);
    }
    qtest_writel(qtest, BAR0 + 0x2000, MSI_TARGET);
    qtest_writel(qtest, BAR0 + 0x2004, 0);
    qtest_writel(qtest, BAR0 + 0x2008, 0xabcd);
    config_write(machine, cap, (uint32_t)PCI_MSIX_FLAGS_ENABLE << 16);
    qtest_writel(qtest, BAR0 + 0x200c, 0);
    g_assert_cmphex(qtest_readl(qtest, MSI_TARGET), ==, 0);
    device_run(machine, 0, 0, 3);
    for (i = 0; i < 500 && qtest_readl(qtest, MSI_TARGET) == 0; i++) {
        g_usleep(10000);
    }
    g_assert_cmphex(qtest_readl(qtest, MSI_TARGET), ==, 0xabcd);

    qtest_qmp(qtest, "quit");
    machine_free(machine);
}

static void test_system_reset(void)
{
    Machine *machine = machine_start(",bus=pcie.0,addr=5");
    unsigned i;

    machine_set_up_device(machine);
    for (i = 0; i < 3; i++) {
        uint32_t before = qtest_readl(machine->qtest, BAR0 + 20);

        qtest_writel(machine->qtest, BAR0, 77);
        qtest_qmp(machine->qtest, "system_reset");
        machine_set_up_device(machine);
        g_assert_cmphex(qtest_readl(machine->qtest, BAR0), ==, 0);
        g_assert_cmpuint(qtest_readl(machine->qtest, BAR0 + 20), >, before);
        qtest_writeq(machine->qtest, RAM, i);
        device_run(machine, RAM, 8, 1);
        g_assert_cmpuint(qtest_readq(machine->qtest, BAR2), ==, i);
    }
    qtest_qmp(machine->qtest, "quit");
    machine_free(machine);
}

/* Both GPUs answer behind root port, upstream and downstream port. */
static void test_switch(void)
{
    Machine *machine = machine_start("");
    QTest *qtest = machine->qtest;
    unsigned dev, found = 0;

    for (dev = 0; dev < 31; dev++) {
        if (qtest_config_read(qtest, 0, dev, PCI_VENDOR_ID) == 0x000c1b36) {
            break;
        }
    }
    g_assert_cmpuint(dev, <, 31);
    qtest_config_write(qtest, 0, dev, PCI_PRIMARY_BUS, 0x00080100);
    /* the switch: upstream port on bus 1, downstream ports on bus 2 */
    qtest_config_write(qtest, 1, 0, PCI_PRIMARY_BUS, 0x00080201);
    for (dev = 0; dev < 31; dev++) {
        unsigned bus = 3 + found;

        if (qtest_config_read(qtest, 2, dev, PCI_VENDOR_ID) == ~0u) {
            continue;
        }
        qtest_config_write(qtest, 2, dev, PCI_PRIMARY_BUS,
                           bus << 16 | bus << 8 | 2);
        g_assert_cmphex(qtest_config_read(qtest, bus, 0, PCI_VENDOR_ID), ==,
                        0x56791234);
        found++;
    }
    g_assert_cmpuint(found, ==, 2);
    qtest_qmp(qtest, "quit");
    machine_free(machine);
}

static void test_kill_qemu(void)
{
    Machine *machine = machine_start("");

    g_assert_cmpint(kill(machine->pid, SIGKILL), ==, 0);
    machine_free(machine);
}

/* QEMU survives the loss of its device process. */
/*
 * A guest that goes on using a device that died is not held up: it reads all
 * ones, or QEMU ends. The latter is a race in QEMU 11.1: when the connection
 * breaks while a request is under way, both report an error to one place, and
 * an assertion of error_setv() ends it.
 */
static void test_kill_device(void)
{
    Machine *machine = machine_start(",bus=pcie.0,addr=5");
    uint32_t value;
    gint64 start;

    machine_set_up_device(machine);
    g_assert_cmpint(kill(machine->device, SIGKILL), ==, 0);
    g_assert_true(launcher_fixture_wait_gone(machine->device));
    start = g_get_monotonic_time();
    if (qtest_try_readl(machine->qtest, BAR0, &value)) {
        g_assert_cmphex(value, ==, ~0u);
        if (qtest_try_readl(machine->qtest, BAR0 + 4, &value)) {
            g_assert_cmphex(value, ==, ~0u);
        }
    }
    g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
    kill(machine->pid, SIGKILL);
    machine_free(machine);
}

static char *find_qemu(void)
{
    const char *launcher = g_getenv("SVMGPU_TEST_LAUNCHER");
    const char *chosen = g_getenv("SVMGPU_QEMU");
    g_autofree char *conf = g_strconcat(launcher, ".conf", NULL);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *help = NULL;
    g_autofree char *command = NULL;
    char *path = NULL;

    if (chosen) {
        path = g_strdup(chosen);
    } else if (g_key_file_load_from_file(file, conf, G_KEY_FILE_NONE, NULL)) {
        path = g_key_file_get_string(file, "launcher", "qemu", NULL);
    }
    if (!path) {
        path = g_find_program_in_path("qemu-system-x86_64");
    }
    if (!path) {
        return NULL;
    }
    command = g_strdup_printf("'%s' -device vfio-user-pci,help", path);
    if (!g_spawn_command_line_sync(command, &help, NULL, NULL, NULL)
        || !strstr(help, "socket=")) {
        g_clear_pointer(&path, g_free);
    }
    return path;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qemu = find_qemu();
    if (!qemu) {
        g_print("1..0 # SKIP no QEMU with vfio-user-pci\n");
        return 0;
    }
    g_test_add_func("/launcher/qemu/registers-and-dma", test_registers_and_dma);
    g_test_add_func("/launcher/qemu/interrupt", test_interrupt);
    g_test_add_func("/launcher/qemu/system-reset", test_system_reset);
    g_test_add_func("/launcher/qemu/switch", test_switch);
    g_test_add_func("/launcher/qemu/kill-qemu", test_kill_qemu);
    g_test_add_func("/launcher/qemu/kill-device", test_kill_device);
    return g_test_run();
}

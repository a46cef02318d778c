/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher: processes, files and messages, with scripts in QEMU's place.
 */

#include "launcher-fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY \
    "-object", "memory-backend-memfd,id=ram,share=on,size=64M", "-machine", \
        "q35,memory-backend=ram"

/* Says that it knows the device when asked, else says what it was given. */
#define FAKE_QEMU \
    "#!/bin/sh\n" \
    "if [ \"$2\" = vfio-user-pci,help ]; then\n" \
    "    echo '  socket=<SocketAddress>'\n" \
    "    echo '  x-msg-timeout=<uint32>'\n" \
    "    exit 0\n" \
    "fi\n" \
    "echo \"pid $$\"\n" \
    "for a; do\n" \
    "    echo \"$a\"\n" \
    "    p=$(echo \"$a\" | sed -n 's/.*\"path\":\"\\([^\"]*\\)\".*/\\1/p')\n" \
    "    if [ -n \"$p\" ]; then\n" \
    "        [ -S \"/proc/$$/${p#/proc/self/}\" ] && echo \"a socket\"\n" \
    "    fi\n" \
    "done\n"

static const char *device_program(void)
{
    return g_getenv("SVMGPU_TEST_DEVICE");
}

static void test_pass_through(void)
{
    static const char *const args[] = { "[%s]", "-machine", "none",
                                        "-a b", "",         NULL };
    g_autoptr(LauncherFixture) fixture =
        launcher_fixture_new("/usr/bin/printf", "/nonexistent");
    g_autofree char *out = NULL;

    g_assert_cmpint(launcher_fixture_run(fixture, args, &out, NULL), ==, 0);
    g_assert_cmpstr(out, ==, "[-machine][none][-a b][]");
}

static void assert_complains(LauncherFixture *fixture, const char *const *args,
                             const char *because)
{
    g_autofree char *err = NULL;
    char *end;

    g_assert_cmpint(launcher_fixture_run(fixture, args, NULL, &err), ==, 1);
    g_assert_true(g_str_has_prefix(err, "svmgpu-qemu: "));
    end = strchr(err, '\n');
    g_assert_nonnull(end);
    g_assert_cmpstr(end, ==, "\n");
    if (!strstr(err, because)) {
        g_error("'%s' does not say '%s'", err, because);
    }
}

static void test_missing_programs(void)
{
    static const char *const version[] = { "-version", NULL };
    static const char *const gpu[] = { MEMORY, "-device", "svmgpu", NULL };
    g_autoptr(LauncherFixture) no_qemu =
        launcher_fixture_new("/nonexistent/qemu", NULL);
    g_autoptr(LauncherFixture) no_device =
        launcher_fixture_new("/bin/true", NULL);
    g_autoptr(LauncherFixture) old_qemu =
        launcher_fixture_new("/bin/true", device_program());

    assert_complains(no_qemu, version, "/nonexistent/qemu");
    assert_complains(no_device, gpu, "svmgpu-device");
    assert_complains(old_qemu, gpu, "QEMU 10.1");
}

static void test_bad_config(void)
{
    static const char *const version[] = { "-version", NULL };
    g_autoptr(LauncherFixture) fixture = launcher_fixture_new(NULL, NULL);
    g_autofree char *path =
        g_build_filename(fixture->dir, "svmgpu-qemu.conf", NULL);

    g_assert_true(g_file_set_contents(path, "qemu=here\n", -1, NULL));
    assert_complains(fixture, version, "svmgpu-qemu.conf");
}

/* The device process refuses: its reason, then ours; nothing is left. */
static void test_device_refuses(void)
{
    static const char *const args[] = { MEMORY, "-device",
                                        "svmgpu,vram=refused", NULL };
    g_autoptr(LauncherFixture) fixture =
        launcher_fixture_new(NULL, device_program());
    g_autofree char *qemu =
        launcher_fixture_add_script(fixture, "qemu", FAKE_QEMU);
    g_autofree char *conf =
        g_build_filename(fixture->dir, "svmgpu-qemu.conf", NULL);
    g_autofree char *text = g_strdup_printf("[launcher]\nqemu=%s\ndevice=%s\n",
                                            qemu, device_program());
    g_autofree char *err = NULL;

    g_assert_true(g_file_set_contents(conf, text, -1, NULL));
    g_assert_cmpint(launcher_fixture_run(fixture, args, NULL, &err), ==, 1);
    g_assert_nonnull(strstr(err, "vfu-test-device: vram=refused\n"));
    g_assert_nonnull(strstr(err, "svmgpu-qemu: "));
    launcher_fixture_assert_no_sockets(fixture);
}

static LauncherFixture *fixture_with_fake_qemu(const char *script)
{
    LauncherFixture *fixture = launcher_fixture_new(NULL, NULL);
    g_autofree char *qemu =
        launcher_fixture_add_script(fixture, "qemu", script);
    g_autofree char *conf =
        g_build_filename(fixture->dir, "svmgpu-qemu.conf", NULL);
    g_autofree char *text = g_strdup_printf("[launcher]\nqemu=%s\ndevice=%s\n",
                                            qemu, device_program());

    g_assert_true(g_file_set_contents(conf, text, -1, NULL));
    return fixture;
}

/* The same process; sockets as descriptors, the device told, nothing left. */
static void test_start(void)
{
    g_autoptr(LauncherFixture) fixture = fixture_with_fake_qemu(FAKE_QEMU);
    g_autofree char *gpu0 =
        g_strdup_printf("svmgpu,id=a,vram=256M,log=%s", fixture->log);
    const char *const args[] = { MEMORY,    "-device",     gpu0,
                                 "-device", "svmgpu,id=b", NULL };
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    g_autofree char *told = NULL;
    const char *socket;

    g_assert_cmpint(launcher_fixture_run(fixture, args, &out, &err), ==, 0);
    g_assert_cmpstr(err, ==, "");
    g_assert_nonnull(strstr(out, "\"id\":\"a\""));
    g_assert_nonnull(strstr(out, "\"x-msg-timeout\":60000"));
    socket = strstr(out, "a socket\n");
    g_assert_nonnull(socket);
    g_assert_nonnull(strstr(socket + 1, "a socket\n"));
    launcher_fixture_assert_no_sockets(fixture);

    g_assert_true(g_file_get_contents(fixture->log, &told, NULL, NULL));
    g_assert_nonnull(strstr(told, "0.sock,id=a,vram=256M\n"));
    g_assert_nonnull(strstr(told, "1.sock,id=b\n"));
    g_assert_true(
        launcher_fixture_wait_gone(launcher_fixture_get_device_pid(fixture)));
}

/* QEMU is killed: the device process follows, nothing else is needed. */
static void test_kill(void)
{
    g_autoptr(LauncherFixture) fixture = fixture_with_fake_qemu(
        "#!/bin/sh\n"
        "[ \"$2\" = vfio-user-pci,help ] && echo socket= && exit 0\n"
        "exec sleep 1000\n");
    g_autofree char *gpu = g_strdup_printf("svmgpu,log=%s", fixture->log);
    const char *const args[] = { MEMORY, "-device", gpu, NULL };
    g_autofree char *comm_path = NULL;
    g_autofree char *comm = NULL;
    GPid pid = launcher_fixture_start(fixture, args);
    GPid device;
    unsigned i;

    comm_path = g_strdup_printf("/proc/%d/comm", pid);
    for (i = 0; i < 1000; i++) {
        g_clear_pointer(&comm, g_free);
        g_assert_true(g_file_get_contents(comm_path, &comm, NULL, NULL));
        if (g_str_equal(comm, "sleep\n")) {
            break;
        }
        g_usleep(10000);
    }
    g_assert_cmpstr(comm, ==, "sleep\n");
    launcher_fixture_assert_no_sockets(fixture);
    device = launcher_fixture_get_device_pid(fixture);
    g_assert_cmpint(kill(device, 0), ==, 0);
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    g_assert_true(launcher_fixture_wait_gone(device));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launcher/pass-through", test_pass_through);
    g_test_add_func("/launcher/missing-programs", test_missing_programs);
    g_test_add_func("/launcher/bad-config", test_bad_config);
    g_test_add_func("/launcher/device-refuses", test_device_refuses);
    g_test_add_func("/launcher/start", test_start);
    g_test_add_func("/launcher/kill", test_kill);
    return g_test_run();
}

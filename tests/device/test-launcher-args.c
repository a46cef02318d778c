/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher: what it makes of a command line.
 */

#include "launcher-args.h"

#include <gio/gio.h>
#include <string.h>

#define MEMORY \
    "-object", "memory-backend-memfd,id=ram,share=on,size=64M", "-machine", \
        "q35,memory-backend=ram"

static char *const two_paths[] = { "/s/0", "/s/1", NULL };

static LauncherArgs *parse(const char *const *argv)
{
    g_autoptr(GError) error = NULL;
    LauncherArgs *args = launcher_args_parse((char **)argv, &error);

    g_assert_no_error(error);
    g_assert_nonnull(args);
    return args;
}

static void assert_refused(const char *const *argv, const char *because)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(launcher_args_parse((char **)argv, &error));
    g_assert_nonnull(error);
    g_assert_null(strchr(error->message, '\n'));
    if (!strstr(error->message, because)) {
        g_error("'%s' does not say '%s'", error->message, because);
    }
}

static void assert_rewritten(const char *const *argv,
                             const char *const *expected)
{
    g_autoptr(LauncherArgs) args = parse(argv);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) out = launcher_args_rewrite(args, two_paths, 60000, &error);
    unsigned i;

    g_assert_no_error(error);
    for (i = 0; expected[i] && out[i]; i++) {
        g_assert_cmpstr(out[i], ==, expected[i]);
    }
    g_assert_cmpstr(out[i], ==, expected[i]);
}

static void test_keyval(void)
{
    g_autoptr(GHashTable) table = launcher_keyval_parse(
        "svmgpu,id=a,,b,x=,y=1=2,log=/a,,b", "driver", NULL, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(g_hash_table_lookup(table, "driver"), ==, "svmgpu");
    g_assert_cmpstr(g_hash_table_lookup(table, "id"), ==, "a,b");
    g_assert_cmpstr(g_hash_table_lookup(table, "x"), ==, "");
    g_assert_cmpstr(g_hash_table_lookup(table, "y"), ==, "1=2");
    g_assert_cmpstr(g_hash_table_lookup(table, "log"), ==, "/a,b");
    g_assert_null(launcher_keyval_parse("svmgpu,id", "driver", NULL, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_null(launcher_keyval_parse("svmgpu,=x", "driver", NULL, &error));
    g_assert_nonnull(error);
}

/* libvirt's questions have no GPUs, and no memory either. */
static void test_probing(void)
{
    static const char *const calls[][12] = {
        { "-version", NULL },
        { "-help", NULL },
        { "-device", "?", NULL },
        { "-device", "vfio-user-pci,help", NULL },
        { "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine",
          "none,accel=kvm:tcg", "-qmp", "unix:/x,server=on,wait=off",
          "-pidfile", "/y", "-daemonize", NULL },
        { "-device", NULL },
        { NULL },
    };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autoptr(LauncherArgs) args = parse(calls[i]);

        g_assert_cmpuint(args->gpus->len, ==, 0);
    }
}

static void test_two_gpus(void)
{
    static const char *const argv[] = {
        "-S",
        MEMORY,
        "-device",
        "{\"driver\":\"pcie-root-port\",\"chassis\":4,"
        "\"id\":\"pci.4\",\"bus\":\"pcie.0\",\"addr\":\"0x1\"}",
        "-device",
        "svmgpu,id=gpu0,vram=256M,engines=bcs0+vcs0,log=/l,ctl=/c",
        "-device",
        "svmgpu,id=gpu1,vram=128M",
        "-msg",
        "timestamp=on",
        NULL,
    };
    static const char *const expected[] = {
        "-S",
        MEMORY,
        "-device",
        "{\"driver\":\"pcie-root-port\",\"chassis\":4,"
        "\"id\":\"pci.4\",\"bus\":\"pcie.0\",\"addr\":\"0x1\"}",
        "-device",
        "{\"driver\":\"pcie-root-port\",\"id\":\"svmgpu-root\","
        "\"bus\":\"pcie.0\",\"chassis\":5}",
        "-device",
        "{\"driver\":\"x3130-upstream\",\"id\":\"svmgpu-switch\","
        "\"bus\":\"svmgpu-root\"}",
        "-device",
        "{\"driver\":\"xio3130-downstream\",\"id\":\"svmgpu-port0\","
        "\"bus\":\"svmgpu-switch\",\"chassis\":6}",
        "-device",
        "{\"driver\":\"vfio-user-pci\",\"id\":\"gpu0\","
        "\"bus\":\"svmgpu-port0\",\"x-msg-timeout\":60000,"
        "\"socket\":{\"type\":\"unix\",\"path\":\"/s/0\"}}",
        "-device",
        "{\"driver\":\"xio3130-downstream\",\"id\":\"svmgpu-port1\","
        "\"bus\":\"svmgpu-switch\",\"chassis\":7}",
        "-device",
        "{\"driver\":\"vfio-user-pci\",\"id\":\"gpu1\","
        "\"bus\":\"svmgpu-port1\",\"x-msg-timeout\":60000,"
        "\"socket\":{\"type\":\"unix\",\"path\":\"/s/1\"}}",
        "-msg",
        "timestamp=on",
        NULL,
    };
    g_autoptr(LauncherArgs) args = parse(argv);
    const LauncherGpu *gpu = g_ptr_array_index(args->gpus, 0);

    g_assert_cmpuint(args->gpus->len, ==, 2);
    g_assert_cmpstr(gpu->id, ==, "gpu0");
    g_assert_cmpstr(gpu->properties, ==, "vram=256M,engines=bcs0+vcs0");
    g_assert_cmpstr(args->log, ==, "/l");
    g_assert_cmpstr(args->ctl, ==, "/c");
    g_assert_cmpuint(args->max_chassis, ==, 4);
    assert_rewritten(argv, expected);
}

static void test_own_bus(void)
{
    static const char *const argv[] = {
        MEMORY,
        "--device",
        "{\"driver\":\"svmgpu\",\"bus\":\"pcie.0\","
        "\"addr\":\"5\",\"vram\":\"64M\"}",
        NULL,
    };
    static const char *const expected[] = {
        MEMORY,
        "-device",
        "{\"driver\":\"vfio-user-pci\",\"id\":\"gpu0\",\"bus\":\"pcie.0\","
        "\"addr\":\"5\",\"x-msg-timeout\":60000,"
        "\"socket\":{\"type\":\"unix\",\"path\":\"/s/0\"}}",
        NULL,
    };

    assert_rewritten(argv, expected);
}

/* Commas in a value reach the device process as commas. */
static void test_commas(void)
{
    static const char *const argv[] = {
        MEMORY,
        "-device",
        "svmgpu,name=a,,b,log=/x,,y",
        NULL,
    };
    g_autoptr(LauncherArgs) args = parse(argv);
    const LauncherGpu *gpu = g_ptr_array_index(args->gpus, 0);

    g_assert_cmpstr(gpu->properties, ==, "name=a,,b");
    g_assert_cmpstr(args->log, ==, "/x,y");
}

static void test_shared_memory(void)
{
    static const char *const shared[][8] = {
        { "-object",
          "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"r\","
          "\"share\":true,\"size\":1}",
          "-M", "q35,memory-backend=r", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-memfd,id=r,size=1", "-numa",
          "node,nodeid=0,memdev=r", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-file,id=r,share=on,mem-path=/x",
          "-machine", "memory-backend=r", "-device", "svmgpu", NULL },
    };
    static const char *const private[][8] = {
        { "-device", "svmgpu", NULL },
        { "-m", "4G", "-machine", "q35", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-file,id=r,mem-path=/x", "-machine",
          "memory-backend=r", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-ram,id=r,share=on", "-machine",
          "memory-backend=r", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-memfd,id=r,share=off", "-machine",
          "memory-backend=r", "-device", "svmgpu", NULL },
        { "-object", "memory-backend-memfd,id=r", "-device", "svmgpu", NULL },
    };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(shared); i++) {
        g_autoptr(LauncherArgs) args = parse(shared[i]);

        g_assert_cmpuint(args->gpus->len, ==, 1);
    }
    for (i = 0; i < G_N_ELEMENTS(private); i++) {
        assert_refused(private[i], "memoryBacking");
    }
}

static void test_refused(void)
{
    static const struct {
        const char *device;
        const char *because;
    } devices[] = {
        { "svmgpu,vram", "KEY=VALUE" },
        { "svmgpu,addr=5", "without a bus=" },
        { "svmgpu,socket=/x", "socket=" },
        { "svmgpu,id=first", "two GPUs" },
        { "svmgpu,log=/other", "share one" },
        { "intel-iommu", "IOMMU" },
    };
    static const char *const daemon[] = { MEMORY, "-device", "svmgpu",
                                          "-daemonize", NULL };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(devices); i++) {
        const char *argv[] = {
            MEMORY,    "-device",         "svmgpu,id=first,log=/log",
            "-device", devices[i].device, NULL
        };

        assert_refused(argv, devices[i].because);
    }
    assert_refused(daemon, "-daemonize");
}

static void test_no_chassis(void)
{
    static const char *const argv[] = {
        MEMORY,    "-device", "pcie-root-port,chassis=254",
        "-device", "svmgpu",  NULL,
    };
    g_autoptr(LauncherArgs) args = parse(argv);
    g_autoptr(GError) error = NULL;

    g_assert_null(launcher_args_rewrite(args, two_paths, 0, &error));
    g_assert_nonnull(strstr(error->message, "chassis"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launcher/args/keyval", test_keyval);
    g_test_add_func("/launcher/args/probing", test_probing);
    g_test_add_func("/launcher/args/two-gpus", test_two_gpus);
    g_test_add_func("/launcher/args/own-bus", test_own_bus);
    g_test_add_func("/launcher/args/commas", test_commas);
    g_test_add_func("/launcher/args/shared-memory", test_shared_memory);
    g_test_add_func("/launcher/args/refused", test_refused);
    g_test_add_func("/launcher/args/no-chassis", test_no_chassis);
    return g_test_run();
}

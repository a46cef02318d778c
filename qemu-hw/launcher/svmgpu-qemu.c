/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svmgpu-qemu: QEMU, with a device "svmgpu".
 *
 * A libvirt domain names this program as its emulator. Without a "-device
 * svmgpu,..." argument (libvirt asks for versions and capabilities that way)
 * it is QEMU. With them it starts one svmgpu-device for all, and then becomes
 * QEMU in the same process, so that libvirt's process id, descriptors and
 * control groups stay right.
 *
 *   -device svmgpu[,id=ID][,bus=BUS[,addr=ADDR]][,log=FILE][,ctl=SOCKET]
 *                 [,PROPERTY=VALUE...]
 *
 * log= and ctl= are the event log and the control socket of the device
 * process; PROPERTY is one of `svmgpu-device --help`, such as vram=256M.
 *
 * libvirt clears the environment. What to start stands in svmgpu-qemu.conf
 * beside this program:
 *
 *   [launcher]
 *   qemu=/usr/bin/qemu-system-x86_64
 *   device=/usr/libexec/svmgpu-device
 *
 * Without that file, or a key in it: qemu-system-x86_64 in $PATH, and
 * svmgpu-device beside this program.
 */

#include "launcher-args.h"
#include "launcher-device.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A reset or an unmapping waits for engines to stop, and a busy host can be
 * slow: QEMU's default of 5 seconds would give up the device for good.
 */
#define LAUNCHER_MSG_TIMEOUT_MS 60000

typedef struct LauncherConfig {
    char *qemu;
    char *device;
} LauncherConfig;

static bool launcher_load_config(LauncherConfig *config, GError **error)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", error);
    g_autofree char *dir = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) local = NULL;

    if (!self) {
        return false;
    }
    dir = g_path_get_dirname(self);
    path = g_build_filename(dir, "svmgpu-qemu.conf", NULL);
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &local)
        && !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&local),
                                   "%s: ", path);
        return false;
    }

    config->qemu = g_key_file_get_string(file, "launcher", "qemu", NULL);
    config->device = g_key_file_get_string(file, "launcher", "device", NULL);
    if (!config->qemu) {
        config->qemu = g_find_program_in_path("qemu-system-x86_64");
    }
    if (!config->qemu) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                    "no QEMU: qemu-system-x86_64 is not in $PATH and %s names"
                    " none",
                    path);
        return false;
    }
    if (!config->device) {
        config->device = g_build_filename(dir, "svmgpu-device", NULL);
    }
    return true;
}

static bool launcher_check_program(const char *path, const char *key,
                                   GError **error)
{
    if (access(path, X_OK) < 0) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    "cannot run '%s' (%s= in svmgpu-qemu.conf): %s", path, key,
                    g_strerror(errno));
        return false;
    }
    return true;
}

/* What this QEMU can do; asked because both differ between versions. */
static bool launcher_probe_qemu(const char *qemu, bool *has_timeout,
                                GError **error)
{
    const char *argv[] = { qemu, "-device", "vfio-user-pci,help", NULL };
    g_autofree char *out = NULL;
    int status;

    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL,
                      NULL, NULL, &out, NULL, &status, error)) {
        return false;
    }
    if (!strstr(out, "socket=")) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                    "'%s' has no device vfio-user-pci; it needs QEMU 10.1 or"
                    " newer",
                    qemu);
        return false;
    }
    *has_timeout = strstr(out, "x-msg-timeout=") != NULL;
    return true;
}

/* Starts the GPUs; QEMU's arguments, or NULL. */
static char **launcher_start(const LauncherConfig *config,
                             const LauncherArgs *args, GError **error)
{
    g_auto(GStrv) paths = NULL;
    bool has_timeout;

    if (!launcher_check_program(config->device, "device", error)
        || !launcher_probe_qemu(config->qemu, &has_timeout, error)) {
        return NULL;
    }
    paths = launcher_device_start(config->device, args, error);
    if (!paths) {
        return NULL;
    }
    return launcher_args_rewrite(
        args, paths, has_timeout ? LAUNCHER_MSG_TIMEOUT_MS : 0, error);
}

int main(int argc G_GNUC_UNUSED, char **argv)
{
    g_autoptr(LauncherArgs) args = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) qemu_args = NULL;
    g_autoptr(GPtrArray) qemu_argv = NULL;
    LauncherConfig config = { 0 };
    unsigned i;

    if (!launcher_load_config(&config, &error)
        || !launcher_check_program(config.qemu, "qemu", &error)) {
        goto fail;
    }
    args = launcher_args_parse(argv + 1, &error);
    if (!args) {
        goto fail;
    }
    if (args->gpus->len > 0) {
        qemu_args = launcher_start(&config, args, &error);
        if (!qemu_args) {
            goto fail;
        }
    } else {
        qemu_args = g_strdupv(argv + 1);
    }

    qemu_argv = g_ptr_array_new();
    g_ptr_array_add(qemu_argv, config.qemu);
    for (i = 0; qemu_args[i]; i++) {
        g_ptr_array_add(qemu_argv, qemu_args[i]);
    }
    g_ptr_array_add(qemu_argv, NULL);
    execv(config.qemu, (char **)qemu_argv->pdata);
    g_set_error(&error, G_IO_ERROR, g_io_error_from_errno(errno),
                "cannot run '%s': %s", config.qemu, g_strerror(errno));

fail:
    fprintf(stderr, "svmgpu-qemu: %s\n", error->message);
    g_free(config.qemu);
    g_free(config.device);
    return 1;
}

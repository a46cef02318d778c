/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher in a directory of its own.
 */

#include "launcher-fixture.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

LauncherFixture *launcher_fixture_new(const char *qemu, const char *device)
{
    LauncherFixture *fixture = g_new0(LauncherFixture, 1);
    const char *launcher = g_getenv("SVMGPU_TEST_LAUNCHER");
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new("[launcher]\n");
    g_autofree char *conf = NULL;
    g_autofree char *bytes = NULL;
    gsize len;

    g_assert_nonnull(launcher);
    fixture->dir = g_dir_make_tmp("svmgpu-launcher-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->program = g_build_filename(fixture->dir, "svmgpu-qemu", NULL);
    fixture->log = g_build_filename(fixture->dir, "log", NULL);
    g_assert_true(g_file_get_contents(launcher, &bytes, &len, &error));
    g_assert_true(g_file_set_contents_full(
        fixture->program, bytes, len, G_FILE_SET_CONTENTS_NONE, 0755, &error));
    g_assert_no_error(error);
    if (qemu) {
        g_string_append_printf(text, "qemu=%s\n", qemu);
    }
    if (device) {
        g_string_append_printf(text, "device=%s\n", device);
    }
    conf = g_build_filename(fixture->dir, "svmgpu-qemu.conf", NULL);
    g_assert_true(g_file_set_contents(conf, text->str, -1, NULL));
    return fixture;
}

void launcher_fixture_free(LauncherFixture *fixture)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_no_errno(g_rmdir(fixture->dir));
    g_free(fixture->dir);
    g_free(fixture->program);
    g_free(fixture->log);
    g_free(fixture);
}

char *launcher_fixture_add_script(LauncherFixture *fixture, const char *name,
                                  const char *text)
{
    char *path = g_build_filename(fixture->dir, name, NULL);

    g_assert_true(g_file_set_contents_full(
        path, text, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
    return path;
}

static char **fixture_argv(LauncherFixture *fixture, const char *const *args)
{
    GPtrArray *argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_strdup(fixture->program));
    for (; *args; args++) {
        g_ptr_array_add(argv, g_strdup(*args));
    }
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

static char **fixture_env(LauncherFixture *fixture)
{
    return g_environ_setenv(g_get_environ(), "XDG_RUNTIME_DIR", fixture->dir,
                            TRUE);
}

int launcher_fixture_run(LauncherFixture *fixture, const char *const *args,
                         char **out, char **err)
{
    g_auto(GStrv) argv = fixture_argv(fixture, args);
    g_auto(GStrv) env = fixture_env(fixture);
    g_autoptr(GError) error = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL,
                               out, err, &status, &error));
    g_assert_no_error(error);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

GPid launcher_fixture_start(LauncherFixture *fixture, const char *const *args)
{
    g_auto(GStrv) argv = fixture_argv(fixture, args);
    g_auto(GStrv) env = fixture_env(fixture);
    g_autoptr(GError) error = NULL;
    GPid pid;

    g_assert_true(g_spawn_async(NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD,
                                NULL, NULL, &pid, &error));
    g_assert_no_error(error);
    return pid;
}

GPid launcher_fixture_get_device_pid(LauncherFixture *fixture)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(fixture->log, &text, NULL, NULL));
    return atoi(text);
}

bool launcher_fixture_wait_gone(GPid pid)
{
    unsigned i;

    g_assert_cmpint(pid, >, 0);
    for (i = 0; i < 500; i++) {
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
        g_autofree char *stat = NULL;

        /* Init may be slow to reap it: a zombie has gone, too. */
        if (!g_file_get_contents(path, &stat, NULL, NULL)
            || strstr(stat, ") Z ")) {
            return true;
        }
        g_usleep(10000);
    }
    return false;
}

void launcher_fixture_assert_no_sockets(LauncherFixture *fixture)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir))) {
        g_assert_false(g_str_has_prefix(name, "svmgpu-")
                       && !g_str_has_prefix(name, "svmgpu-qemu"));
    }
}

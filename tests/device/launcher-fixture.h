/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launcher in a directory of its own, with a configuration that a test
 * writes. $SVMGPU_TEST_LAUNCHER and $SVMGPU_TEST_DEVICE name the programs.
 */

#ifndef LAUNCHER_FIXTURE_H
#define LAUNCHER_FIXTURE_H

#include <glib.h>
#include <stdbool.h>

typedef struct LauncherFixture {
    char *dir;     /* temporary; also $XDG_RUNTIME_DIR of what it starts */
    char *program; /* the launcher */
    char *log;     /* --log of vfu-test-device: its process id, its --gpu */
} LauncherFixture;

/* `qemu` and `device` go into svmgpu-qemu.conf; NULL: no such key. */
LauncherFixture *launcher_fixture_new(const char *qemu, const char *device);
void launcher_fixture_free(LauncherFixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LauncherFixture, launcher_fixture_free)

/* A script in the directory; its path is freed with the fixture's dir. */
char *launcher_fixture_add_script(LauncherFixture *fixture, const char *name,
                                  const char *text);

/* Runs the launcher to its end; returns its exit status (-1: signal). */
int launcher_fixture_run(LauncherFixture *fixture, const char *const *args,
                         char **out, char **err);

/* Starts it; the child's id is the caller's to wait for. */
GPid launcher_fixture_start(LauncherFixture *fixture, const char *const *args);

/* The process id of vfu-test-device, by its log. */
GPid launcher_fixture_get_device_pid(LauncherFixture *fixture);

/* Waits until that process has gone; false after 5 seconds. */
bool launcher_fixture_wait_gone(GPid pid);

/* No directory of sockets is left. */
void launcher_fixture_assert_no_sockets(LauncherFixture *fixture);

#endif /* LAUNCHER_FIXTURE_H */

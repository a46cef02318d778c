/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the device process.
 */

#include "launcher-device.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAUNCHER_READY_TIMEOUT_MS 30000

/* Where the device process finds its end of the pipe. */
#define LAUNCHER_READY_FD 3

#define LAUNCHER_FAIL(error, code, ...) \
    g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), __VA_ARGS__)

/* A private directory whose sockets' paths are short enough. */
static char *launcher_make_dir(GError **error)
{
    const char *parents[] = { g_getenv("XDG_RUNTIME_DIR"), "/run", "/tmp" };
    size_t i;

    for (i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *dir = NULL;

        if (!parents[i] || !g_path_is_absolute(parents[i])) {
            continue;
        }
        dir = g_build_filename(parents[i], "svmgpu-XXXXXX", NULL);
        if (strlen(dir) + sizeof("/4294967295.sock")
            > sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
            continue;
        }
        if (g_mkdtemp_full(dir, 0700)) {
            return g_steal_pointer(&dir);
        }
    }
    LAUNCHER_FAIL(error, EACCES,
                  "no directory for sockets: $XDG_RUNTIME_DIR,"
                  " /run and /tmp cannot be written");
    return NULL;
}

static void launcher_remove_dir(const char *dir, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("%s/%u.sock", dir, i);

        unlink(path);
    }
    rmdir(dir);
}

static char **launcher_make_argv(const char *program, const LauncherArgs *args,
                                 const char *dir)
{
    GPtrArray *argv = g_ptr_array_new();
    unsigned i;

    g_ptr_array_add(argv, g_strdup(program));
    for (i = 0; i < args->gpus->len; i++) {
        const LauncherGpu *gpu = g_ptr_array_index(args->gpus, i);

        g_ptr_array_add(argv, g_strdup("--gpu"));
        g_ptr_array_add(argv,
                        g_strdup_printf("socket=%s/%u.sock,id=%s%s%s", dir, i,
                                        gpu->id, *gpu->properties ? "," : "",
                                        gpu->properties));
    }
    if (args->log) {
        g_ptr_array_add(argv, g_strdup("--log"));
        g_ptr_array_add(argv, g_strdup(args->log));
    }
    if (args->ctl) {
        g_ptr_array_add(argv, g_strdup("--ctl"));
        g_ptr_array_add(argv, g_strdup(args->ctl));
    }
    g_ptr_array_add(argv, g_strdup("--watch-pid"));
    g_ptr_array_add(argv, g_strdup_printf("%ld", (long)getpid()));
    g_ptr_array_add(argv, g_strdup("--ready-fd"));
    g_ptr_array_add(argv, g_strdup_printf("%d", LAUNCHER_READY_FD));
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

/*
 * In a new process that shares nothing with us but what fork() copied: only
 * system calls from here on.
 */
static void G_GNUC_NORETURN launcher_become_device(char **argv, int ready_fd)
{
    int null = open("/dev/null", O_RDWR);
    sigset_t none;

    /* Not in the terminal's process group: a Ctrl-C is for QEMU. */
    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    dup2(ready_fd, LAUNCHER_READY_FD); /* also clears close-on-exec */
    if (ready_fd == LAUNCHER_READY_FD) {
        fcntl(ready_fd, F_SETFD, 0);
    }
    close_range(LAUNCHER_READY_FD + 1, ~0U, 0);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "svmgpu-qemu: cannot start '%s': %s\n", argv[0],
            strerror(errno));
    _exit(127);
}

static bool launcher_spawn(char **argv, int ready_fd, GError **error)
{
    pid_t child = fork();

    if (child < 0) {
        LAUNCHER_FAIL(error, errno, "cannot start '%s': %s", argv[0],
                      g_strerror(errno));
        return false;
    }
    if (child == 0) {
        pid_t device = fork();

        if (device == 0) {
            launcher_become_device(argv, ready_fd);
        }
        _exit(device < 0 ? 1 : 0);
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
    return true;
}

/* One byte: it serves. The end of the pipe: it has gone. */
static bool launcher_wait_ready(int fd, const char *program, GError **error)
{
    gint64 deadline =
        g_get_monotonic_time() + LAUNCHER_READY_TIMEOUT_MS * 1000LL;

    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        gint64 left_ms = (deadline - g_get_monotonic_time()) / 1000;
        char byte;
        int ret = poll(&poll_fd, 1, MAX(left_ms, 0));

        if (ret < 0 && errno == EINTR) {
            continue;
        }
        if (ret == 0) {
            LAUNCHER_FAIL(error, ETIMEDOUT,
                          "'%s' was not ready after %d seconds", program,
                          LAUNCHER_READY_TIMEOUT_MS / 1000);
            return false;
        }
        if (read(fd, &byte, 1) == 1) {
            return true;
        }
        LAUNCHER_FAIL(error, ECHILD,
                      "'%s' ended before it was ready; its reason is above",
                      program);
        return false;
    }
}

/* Turns the sockets' files into descriptors that exec() keeps. */
static char **launcher_hold_sockets(const char *dir, unsigned n, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    unsigned i;

    for (i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("%s/%u.sock", dir, i);
        int fd = open(path, O_PATH | O_NOFOLLOW);

        if (fd < 0) {
            LAUNCHER_FAIL(error, errno, "no socket '%s': %s", path,
                          g_strerror(errno));
            return NULL;
        }
        g_ptr_array_add(paths, g_strdup_printf("/proc/self/fd/%d", fd));
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

char **launcher_device_start(const char *program, const LauncherArgs *args,
                             GError **error)
{
    g_autofree char *dir = launcher_make_dir(error);
    g_auto(GStrv) argv = NULL;
    char **paths = NULL;
    int ready[2];

    if (!dir) {
        return NULL;
    }
    argv = launcher_make_argv(program, args, dir);
    if (pipe2(ready, O_CLOEXEC) < 0) {
        LAUNCHER_FAIL(error, errno, "no pipe: %s", g_strerror(errno));
        rmdir(dir);
        return NULL;
    }
    if (launcher_spawn(argv, ready[1], error)) {
        close(ready[1]);
        if (launcher_wait_ready(ready[0], program, error)) {
            paths = launcher_hold_sockets(dir, args->gpus->len, error);
        }
    } else {
        close(ready[1]);
    }
    close(ready[0]);
    launcher_remove_dir(dir, args->gpus->len);
    return paths;
}

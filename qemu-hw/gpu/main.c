/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svmgpu-device: the process that is the GPUs.
 *
 * Makes the GPUs that the command line describes, serves each over its own
 * vfio-user socket, writes the event log, and ends, with the log closed, on
 * SIGTERM or SIGINT or when the process that it watches has gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control.h"
#include "gpu.h"
#include "sandbox.h"

static char **gpu_texts;
static char *log_path;
static char *control_path;
static char *client_path;
static int watch_pid;
static int ready_fd = -1;
static gboolean no_sandbox;
static char **rest;

static GOptionEntry entries[] = {
    { "gpu", 0, 0, G_OPTION_ARG_STRING_ARRAY, &gpu_texts,
      "A GPU: socket=PATH,id=NAME,vram=256M,visible=256M,"
      "engines=bcs0+vcs0+vcs1; once per GPU", "KEY=VALUE,..." },
    { "log", 0, 0, G_OPTION_ARG_FILENAME, &log_path,
      "Write the event log to FILE", "FILE" },
    { "ctl", 0, 0, G_OPTION_ARG_FILENAME, &control_path,
      "Listen for control commands on SOCKET", "SOCKET" },
    { "watch-pid", 0, 0, G_OPTION_ARG_INT, &watch_pid,
      "End when process PID ends", "PID" },
    { "ready-fd", 0, 0, G_OPTION_ARG_INT, &ready_fd,
      "Write a byte to descriptor N when everything listens", "N" },
    { "no-sandbox", 0, 0, G_OPTION_ARG_NONE, &no_sandbox,
      "Do not restrict system calls (for debuggers)", NULL },
    { "ctl-client", 0, 0, G_OPTION_ARG_FILENAME, &client_path,
      "Send the remaining words to SOCKET and print the answer", "SOCKET" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL,
      "[COMMAND...]" },
    { NULL },
};

static int complain(const char *what)
{
    fprintf(stderr, "svmgpu-device: %s\n", what);
    return 1;
}

/* A descriptor that becomes readable when the process has ended, or -1. */
static int watch_process(pid_t pid)
{
    return syscall(SYS_pidfd_open, pid, 0);
}

static void wait_for_the_end(int signal_fd, int pid_fd)
{
    struct pollfd fds[] = {
        { .fd = signal_fd, .events = POLLIN },
        { .fd = pid_fd, .events = POLLIN },
    };

    while (poll(fds, pid_fd >= 0 ? 2 : 1, -1) < 0 && errno == EINTR) {
        continue;
    }
}

static bool parse_gpus(GArray *configs, GError **error)
{
    for (unsigned i = 0; gpu_texts && gpu_texts[i]; i++) {
        GpuConfig config;

        if (i == SVMGPU_MAX_GPUS) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "more than %d GPUs", SVMGPU_MAX_GPUS);
            return false;
        }
        if (!gpu_config_parse(&config, gpu_texts[i], error)) {
            return false;
        }
        if (strcmp(config.id, "gpu") == 0) {
            g_free(config.id);
            config.id = g_strdup_printf("gpu%u", i);
        }
        g_array_append_val(configs, config);
    }
    if (configs->len == 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "no GPU; write --gpu socket=PATH");
        return false;
    }
    return true;
}

static int serve(GArray *configs, int signal_fd, int pid_fd)
{
    g_autoptr(GpuControl) control = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;
    GpuMachine *machine;
    Eventlog *log = NULL;
    int status = 1;

    if (log_path) {
        EventlogConfig config = {
            .path = log_path,
            .creator = "svmgpu-device " SVMGPU_DEVICE_VERSION,
        };

        if (eventlog_open(&log, &config, &message) < 0) {
            return complain(message ? message : "cannot open the log");
        }
    }
    machine = gpu_machine_new((GpuConfig *)configs->data, configs->len, log,
                              &error);
    if (!machine || !gpu_machine_listen(machine, &error)) {
        complain(error->message);
        goto out;
    }
    if (control_path &&
        !(control = gpu_control_new(machine, control_path, &error))) {
        complain(error->message);
        goto out;
    }
    if (!no_sandbox && !gpu_sandbox_enter(&error)) {
        complain(error->message);
        goto out;
    }
    if (ready_fd >= 0) {
        if (write(ready_fd, "", 1) != 1) {
            complain("nobody reads --ready-fd");
        }
        close(ready_fd);
    }
    wait_for_the_end(signal_fd, pid_fd);
    status = 0;

out:
    g_clear_pointer(&control, gpu_control_free);
    g_clear_pointer(&machine, gpu_machine_free);
    eventlog_close(log);
    return status;
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GArray) configs = g_array_new(FALSE, FALSE, sizeof(GpuConfig));
    g_autoptr(GError) error = NULL;
    int signal_fd, pid_fd = -1, status;
    sigset_t signals;

    g_array_set_clear_func(configs, (GDestroyNotify)gpu_config_clear);
    g_option_context_set_summary(context,
                                 "GPUs for a virtual machine, over vfio-user.");
    g_option_context_add_main_entries(context, entries, NULL);
    /* the words of a control command are no options, "-1" among them */
    g_option_context_set_strict_posix(context, TRUE);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        return complain(error->message);
    }
    if (client_path) {
        if (!rest) {
            return complain("--ctl-client needs a command; try help");
        }
        return gpu_control_client(client_path, rest);
    }
    if (rest) {
        return complain("unexpected words on the command line");
    }
    if (!parse_gpus(configs, &error)) {
        return complain(error->message);
    }

    /* before any thread exists: all of them inherit the mask */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (signal_fd < 0) {
        return complain("signalfd failed");
    }
    if (watch_pid > 0) {
        pid_fd = watch_process(watch_pid);
        if (pid_fd < 0) {
            return complain("the process to watch does not exist");
        }
    }
    status = serve(configs, signal_fd, pid_fd);
    g_strfreev(gpu_texts);
    return status;
}

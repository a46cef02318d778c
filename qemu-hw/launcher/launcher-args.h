/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line between libvirt and QEMU.
 *
 * libvirt starts the launcher as if it were QEMU. Arguments "-device
 * svmgpu,..." are ours; everything else belongs to QEMU and is passed on as it
 * is. Each of ours becomes a vfio-user-pci device; those without a bus= sit
 * below one PCIe switch, so that peer-to-peer traffic between them is allowed.
 */

#ifndef LAUNCHER_ARGS_H
#define LAUNCHER_ARGS_H

#include <glib.h>
#include <stdbool.h>

/* One "-device svmgpu,..." argument. */
typedef struct LauncherGpu {
    char *id;
    char *bus;        /* NULL: below our switch */
    char *addr;       /* NULL: QEMU chooses */
    char *properties; /* the rest, for svmgpu-device: "vram=256M,..." */
} LauncherGpu;

typedef struct LauncherArgs {
    char **argv;     /* as given, without argv[0] */
    GPtrArray *gpus; /* LauncherGpu, in the order of the command line */
    char *log;       /* paths for the device process, or NULL */
    char *ctl;
    unsigned max_chassis; /* the highest number in use */
} LauncherArgs;

/*
 * NULL and `error`, a line for a person, when QEMU could not start these
 * devices: an argument that is not understood, guest memory that another
 * process cannot map, a QEMU that would leave its process id.
 */
LauncherArgs *launcher_args_parse(char **argv, GError **error);
void launcher_args_free(LauncherArgs *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LauncherArgs, launcher_args_free)

/*
 * QEMU's arguments (without argv[0]), with one socket path for each GPU.
 * `msg_timeout_ms` is how long QEMU waits for a reply, 0: its own default.
 * NULL and `error` when there are not enough chassis numbers.
 */
char **launcher_args_rewrite(const LauncherArgs *args,
                             char *const *socket_paths, unsigned msg_timeout_ms,
                             GError **error);

/* "a=b,c" with "c" of `implied`; ",," is a comma. Used by the parser. */
GHashTable *launcher_keyval_parse(const char *text, const char *implied,
                                  GPtrArray *order, GError **error);

#endif /* LAUNCHER_ARGS_H */

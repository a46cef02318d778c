/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting the device process.
 *
 * The device process must outlive this program, which becomes QEMU, and must
 * not outlive QEMU: it is nobody's child (QEMU would not reap it), is told
 * QEMU's process id, and holds nothing of QEMU's but the error output.
 *
 * The sockets live in a private directory only until they are listened on.
 * Then QEMU gets each of them as an open descriptor (O_PATH), connects through
 * /proc/self/fd, and files and directory are removed at once. So nothing is
 * left behind, however any of the processes ends.
 */

#ifndef LAUNCHER_DEVICE_H
#define LAUNCHER_DEVICE_H

#include "launcher-args.h"

/*
 * Starts `program` for all GPUs of `args` and waits until it serves them.
 * Returns a path for each, valid in this process across exec(), or NULL.
 */
char **launcher_device_start(const char *program, const LauncherArgs *args,
                             GError **error);

#endif /* LAUNCHER_DEVICE_H */

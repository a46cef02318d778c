/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a person or a test looks at the GPUs and breaks them.
 *
 * Concepts
 *   A UNIX socket (mode 0600) that takes one command per line and answers
 *   each with one line: a JSON object for what asks for data, otherwise "ok"
 *   or "error: REASON". One thread serves a few clients at a time. `help`
 *   lists the commands; docs/hardware.md explains them.
 */

#ifndef GPU_CONTROL_H
#define GPU_CONTROL_H

#include "gpu.h"

typedef struct GpuControl GpuControl;

GpuControl *gpu_control_new(GpuMachine *machine, const char *path,
                            GError **error);
/* Ends the thread and removes the socket. */
void gpu_control_free(GpuControl *control);

/* One command, one answer without the newline; g_free() it. */
char *gpu_control_execute(GpuMachine *machine, const char *line);

/*
 * The other end: sends `words` as one command and prints the answer. Returns
 * the exit status of the program.
 */
int gpu_control_client(const char *path, char **words);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GpuControl, gpu_control_free)

#endif /* GPU_CONTROL_H */

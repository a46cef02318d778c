/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox: what the process may ask of the host once it serves a guest.
 *
 * Concepts
 *   Guest and client are not trusted. After start-up the process gains no
 *   privileges any more, and system calls outside of an allow-list fail with
 *   EPERM. The list holds what threads, sockets, memory, event descriptors
 *   and the log file need; no program can be started.
 */

#ifndef GPU_SANDBOX_H
#define GPU_SANDBOX_H

#include <glib.h>
#include <stdbool.h>

/* For all threads, those to come included. True also without libseccomp. */
bool gpu_sandbox_enter(GError **error);

#endif /* GPU_SANDBOX_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small PCI function for the protocol tests.
 *
 * BAR0 (16 KiB) is trapped: 1 KiB of registers that remember what was written,
 * an MSI-X table at 8 KiB and pending bits at 12 KiB; an access beyond the
 * registers is refused. BAR2 (1 MiB, 64-bit, prefetchable) is memory that the
 * client may map whole. BAR4 (64 KiB) is memory of which the second and the
 * fourth 16 KiB may be mapped; the rest is trapped and reads as its own offset.
 */

#ifndef VFU_FIXTURE_H
#define VFU_FIXTURE_H

#include "vfu.h"
#include "vfu-client.h"

#define FIXTURE_VECTORS 40

#define FIXTURE_BAR0_SIZE 0x4000
#define FIXTURE_REGISTERS_SIZE 0x400
#define FIXTURE_MSIX_TABLE 0x2000
#define FIXTURE_MSIX_PBA 0x3000
#define FIXTURE_BAR2_SIZE 0x100000
#define FIXTURE_BAR4_SIZE 0x10000

typedef struct VfuFixture {
    VfuServer *server;
    char *dir;
    char *path;
    int bar2_fd;
    int bar4_fd;

    GMutex lock; /* guards all below */
    GCond cond;
    uint8_t registers[FIXTURE_REGISTERS_SIZE];
    unsigned last_len; /* of the last trapped access */
    unsigned n_accesses;
    unsigned n_resets[3]; /* by VfuReset */
    unsigned n_connected;
    unsigned n_disconnected;
    unsigned n_peer_errors;
    int mastering;   /* -1: never told */
    GArray *regions; /* VfuDmaRegion, as told */
} VfuFixture;

VfuFixture *vfu_fixture_new(void);
void vfu_fixture_free(VfuFixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VfuFixture, vfu_fixture_free)

/* A negotiated client; the test ends when there is none to be had. */
VfuClient *vfu_fixture_connect(VfuFixture *fixture);

/* Waits until `*counter` (of the fixture) is at least `n`. */
void vfu_fixture_wait(VfuFixture *fixture, const unsigned *counter, unsigned n);

VfuStats vfu_fixture_get_stats(VfuFixture *fixture);

/* The server still serves: a client can connect and ask for its device. */
void vfu_fixture_assert_alive(VfuFixture *fixture);

#endif /* VFU_FIXTURE_H */

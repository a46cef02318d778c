/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version negotiation.
 *
 * The client proposes a version and capabilities as JSON; the answer repeats
 * the major version, the lower minor version, and those of the proposed
 * capabilities that this server has, with its own values.
 */

#ifndef VFU_VERSION_H
#define VFU_VERSION_H

#include "vfu-protocol.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct VfuPeerLimits {
    uint32_t max_data_xfer_size;
} VfuPeerLimits;

/*
 * Reads a proposal (the payload of VERSION) and makes the reply's payload.
 * Returns 0, -EPROTONOSUPPORT for another major version, or -EINVAL for what
 * is not a proposal.
 */
int vfu_version_negotiate(const void *payload, size_t len,
                          VfuPeerLimits *limits, GByteArray **reply);

#endif /* VFU_VERSION_H */

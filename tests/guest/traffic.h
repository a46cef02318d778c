/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic: a job that goes round and round, and in each round adds one to each of
 * some dwords, until it is told to stop. What they are in the end says whether every
 * access went to the right place.
 */
#ifndef TESTS_GUEST_TRAFFIC_H
#define TESTS_GUEST_TRAFFIC_H

#include <stdint.h>

#include "client.h"

#define TRAFFIC_MAX	32

/** struct traffic - the job */
struct traffic {
	/** @client: whose VM it uses; of any kind */
	struct client *client;
	/** @queue: of its own, of the video class */
	struct queue queue;
	/** @rounds: made so far */
	struct word rounds;
	/** @stop: 1 ends it */
	struct word stop;
	/** @fence: user fence, in long-running VMs */
	struct word fence;
	/** @syncobj: in dma-fence VMs */
	uint32_t syncobj;
};

/* Begins to add to the dwords at these addresses; returns when a round is made. */
void traffic_begin(struct traffic *traffic, struct client *client, const uint64_t *addresses,
		   int count);
/* Waits until it has made more rounds: it lives. */
void traffic_wait_round(struct traffic *traffic);
/* Stops it; it must have lived until now. Returns the number of rounds. */
uint32_t traffic_end(struct traffic *traffic);

#endif

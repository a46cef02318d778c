/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients: a file with a VM, a queue and memory for its batches, which is what most
 * tests of a VM begin with; and gates, which hold jobs back until the test lets go.
 */
#ifndef TESTS_GUEST_CLIENT_H
#define TESTS_GUEST_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "bo.h"
#include "queue.h"
#include "sync.h"
#include "vm.h"

/** struct client - a file, a VM and a queue */
struct client {
	/** @fd: DRM file of its own */
	int fd;
	/** @vm: the VM */
	struct vm vm;
	/** @queue: of the copy class */
	struct queue queue;
	/** @pages: batches, one a page, used in turn; the first page has words */
	struct bo pages;
	/** @next: page that the next batch gets */
	unsigned int next;
	/** @kept: pages of batches that stay */
	unsigned int kept;
	/** @fence: of client_run(): value of the newest, in a long-running VM */
	uint64_t fence;
	/** @words: dwords of the first page that are given away */
	unsigned int words;
};

/* Tests bind below this address; the client's batches are at it. */
#define CLIENT_BATCHES		(1ull << 46)
/* Dwords of a batch. */
#define CLIENT_BATCH_DWORDS	1024
/* That many batches may be unfinished at a time, and that many more stay for good. */
#define CLIENT_BATCH_COUNT	255
#define CLIENT_KEPT_COUNT	16

/* On the @gpu-th GPU; @flags is DRM_XE_VM_CREATE_FLAG_*. */
void client_open(struct client *client, int gpu, uint32_t flags);
void client_close(struct client *client);

/** struct word - memory that the CPU and the client's jobs share */
struct word {
	/** @cpu: where the process has it, 8 bytes, zero at first */
	volatile uint64_t *cpu;
	/** @gpu: where the VM has it */
	uint64_t gpu;
};

struct word client_word(struct client *client);

/* A new batch to write packets to; end it with batch_end(). */
struct batch client_batch(struct client *client);
/* One that later batches never take the place of, for jobs without an end. */
struct batch client_kept_batch(struct client *client);
/* A whole one: stores @value at @address. */
struct batch client_store(struct client *client, uint64_t address, uint32_t value);
/* Submits a batch: 0 or a negative errno. */
int client_exec(struct client *client, const struct batch *batch, const struct drm_xe_sync *syncs,
		int num_syncs);
/* Submits a batch and waits for it: 0, or the error that it ended with. */
int client_run(struct client *client, const struct batch *batch);

/* The GPU stores, or copies from @address and the CPU compares; both must succeed. */
void client_write(struct client *client, uint64_t address, uint32_t value);
uint32_t client_read(struct client *client, uint64_t address);

/** struct gate - a job that ends when the test says so, or is killed after ten seconds */
struct gate {
	/** @client: whose job it is */
	struct client client;
	/** @fence: syncobj with the job's fence */
	uint32_t fence;
	/** @file: sync file of the same, for other files */
	int file;
	/** @open: what the job looks at */
	struct word open;
	/** @turn: what it has to be for the job to end */
	uint32_t turn;
};

/* A closed gate on the @gpu-th GPU. */
void gate_init(struct gate *gate, int gpu);
/* A syncobj of another file that has the gate's fence. */
uint32_t gate_syncobj(const struct gate *gate, int fd);
void gate_open(struct gate *gate);
/* Closes an open gate; it has a new fence then. */
void gate_close(struct gate *gate);
void gate_fini(struct gate *gate);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user client for tests: a virtual machine without a guest.
 *
 * A VfuClient connects to a server as a virtual machine monitor would. It
 * owns the "guest RAM" (memfds that it lends by DMA_MAP, or plain memory that
 * the server must ask for by DMA_READ and DMA_WRITE), maps the regions that
 * the server offers, and receives interrupts on eventfds. A thread of its own
 * reads the socket, matches replies and serves the server's commands, so that
 * a test may sleep in a call while the device does DMA.
 *
 * Calls return 0 or -errno: the server's error reply, -EPIPE when the server
 * closed the connection, -ETIMEDOUT after 5 seconds (VFU_CLIENT_TIMEOUT_MS).
 * Calls whose failure no test expects end the test instead; each says so.
 */

#ifndef VFU_CLIENT_H
#define VFU_CLIENT_H

#include "vfu-protocol.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFU_CLIENT_TIMEOUT_MS 5000

typedef struct VfuClient VfuClient;

/* Connects and negotiates version 0.1. NULL and `error` on failure. */
VfuClient *vfu_client_new(const char *path, GError **error);

/* Connects only: nothing has been said yet. */
VfuClient *vfu_client_new_raw(const char *path, GError **error);

/*
 * Disconnects; RAM, maps and eventfds go. Pointers that the calls below gave
 * become invalid.
 */
void vfu_client_free(VfuClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VfuClient, vfu_client_free)

/* The JSON of the server's VERSION reply, or NULL. */
const char *vfu_client_get_capabilities(VfuClient *client);

/*
 * Sends one command and waits for its reply. `reply` (may be NULL) receives
 * at most `reply_size` bytes of payload, `reply_len` their number in the
 * message, `reply_fd` a descriptor that came along (-1: none; the caller's).
 */
int vfu_client_call(VfuClient *client, VfuCommand command, const void *payload,
                    size_t len, const int *fds, size_t n_fds, void *reply,
                    size_t reply_size, size_t *reply_len, int *reply_fd);

/* Sends a command with NO_REPLY. */
int vfu_client_post(VfuClient *client, VfuCommand command, const void *payload,
                    size_t len, const int *fds, size_t n_fds);

/* Sends bytes as they are. Returns 0 or -errno. */
int vfu_client_send_bytes(VfuClient *client, const void *bytes, size_t len,
                          const int *fds, size_t n_fds);

/* Waits until the server has closed the connection; false after the time. */
bool vfu_client_wait_closed(VfuClient *client, unsigned timeout_ms);

/* Tells the server that no more will come, as a dying client does. */
void vfu_client_shutdown(VfuClient *client);

/*
 * Guest RAM at [iova, iova + size), zeroed. Returns where the test sees it.
 * The first kind is lent by descriptor, the second must be asked for. The
 * test ends when the server refuses.
 */
void *vfu_client_add_ram(VfuClient *client, uint64_t iova, uint64_t size);
void *vfu_client_add_ram_unmapped(VfuClient *client, uint64_t iova,
                                  uint64_t size);

/* DMA_UNMAP of RAM that was added; the memory goes when that succeeds. */
int vfu_client_remove_ram(VfuClient *client, uint64_t iova);

/* The memfd of RAM, and where the test sees address `iova` (NULL: nowhere). */
int vfu_client_get_ram_fd(VfuClient *client, uint64_t iova);
void *vfu_client_at(VfuClient *client, uint64_t iova);

/*
 * As what QEMU does with DMA_READ and DMA_WRITE: see
 * VFU_DMA_COMPACT_DATA_OFFSET. For memory that must be asked for.
 */
void vfu_client_set_compact_dma(VfuClient *client, bool compact);

/* How the client treats the server's commands. */
typedef enum VfuClientDma {
    VFU_CLIENT_DMA_ANSWER, /* correctly */
    VFU_CLIENT_DMA_IGNORE, /* never */
    VFU_CLIENT_DMA_FAIL,   /* with an error reply */
    VFU_CLIENT_DMA_SHORT,  /* with too little data */
} VfuClientDma;
void vfu_client_set_dma_behaviour(VfuClient *client, VfuClientDma behaviour);

/* Commands of the server seen so far. */
unsigned vfu_client_get_n_dma(VfuClient *client);

/* Region accesses by message. */
int vfu_client_read(VfuClient *client, unsigned region, uint64_t offset,
                    void *buf, uint32_t len);
int vfu_client_write(VfuClient *client, unsigned region, uint64_t offset,
                     const void *buf, uint32_t len);

/* Register accesses; the test ends on an error. */
uint32_t vfu_client_read32(VfuClient *client, unsigned bar, uint64_t offset);
uint64_t vfu_client_read64(VfuClient *client, unsigned bar, uint64_t offset);
void vfu_client_write32(VfuClient *client, unsigned bar, uint64_t offset,
                        uint32_t value);
void vfu_client_write64(VfuClient *client, unsigned bar, uint64_t offset,
                        uint64_t value);
uint32_t vfu_client_config_read(VfuClient *client, unsigned offset,
                                unsigned len);
void vfu_client_config_write(VfuClient *client, unsigned offset, unsigned len,
                             uint32_t value);

/* The configuration offset of a PCI capability; 0: there is none. */
unsigned vfu_client_find_cap(VfuClient *client, uint8_t id);

/*
 * What a driver does first: memory decoding and bus mastering on, MSI-X
 * enabled with one eventfd per vector. The test ends on an error.
 */
void vfu_client_enable(VfuClient *client);

uint64_t vfu_client_get_bar_size(VfuClient *client, unsigned bar);

/*
 * The memory of a BAR, mapped as the server offers it. Kept until the client
 * goes. The test ends when [offset, offset + size) is not offered.
 */
void *vfu_client_map_bar(VfuClient *client, unsigned bar, uint64_t offset,
                         uint64_t size);

/*
 * One eventfd for each of `n` vectors from `first` on. wait_irq() takes the
 * interrupts that came so far, sleeping for a first one at most so long;
 * returns their number, 0 on a timeout.
 */
int vfu_client_set_irqs(VfuClient *client, unsigned first, unsigned n);
uint64_t vfu_client_wait_irq(VfuClient *client, unsigned vector,
                             unsigned timeout_ms);

/* A plain SET_IRQS of the MSI-X index. */
int vfu_client_set_irqs_raw(VfuClient *client, uint32_t flags, uint32_t start,
                            uint32_t count, const void *data, size_t len,
                            const int *fds, size_t n_fds);

int vfu_client_reset(VfuClient *client);

#endif /* VFU_CLIENT_H */

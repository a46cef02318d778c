/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the server share.
 *
 * vfu-server.c     life of a server, the protocol thread, connections
 * vfu-connection.c framing: bytes and descriptors to messages and back
 * vfu-commands.c   one handler per command of the client
 * vfu-region.c     accesses to BARs and configuration space, resets
 * vfu-upcall.c     DMA_READ and DMA_WRITE commands to the client
 * vfu-dma.c        the DMA calls of device threads
 *
 * Locks, none of which is held while another one is taken, except that an
 * upcall is sent under no lock at all:
 *   tx_lock        the output queue and the sending end of the transport
 *   upcalls.lock   outstanding upcalls
 *   irqs.lock, events.lock   vectors
 * Everything else belongs to the protocol thread, but for atomics.
 */

#ifndef VFU_INTERNAL_H
#define VFU_INTERNAL_H

#include "vfu.h"
#include "vfu-config.h"
#include "vfu-dma-space.h"
#include "vfu-irq.h"
#include "vfu-protocol.h"
#include "vfu-transport.h"

#include <stdatomic.h>

/* A received message with its descriptors. */
typedef struct VfuMessage {
    VfuHeader header;
    uint8_t *payload; /* 8-byte aligned, NULL when empty */
    size_t payload_len;
    int fds[VFU_TRANSPORT_MAX_FDS]; /* -1 where a handler took one */
    size_t n_fds;
    bool too_many_fds; /* some were closed: only to be refused */
} VfuMessage;

void vfu_message_free(VfuMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VfuMessage, vfu_message_free)

/* One BAR as the server holds it. */
typedef struct VfuBarState {
    VfuArea *areas; /* that the client may map */
    size_t n_areas;
    bool sparse;   /* the areas are not just the whole BAR */
    uint8_t *host; /* our own mapping of the memory behind it, or NULL */
} VfuBarState;

typedef enum VfuDmaLayout {
    VFU_DMA_LAYOUT_UNKNOWN,
    VFU_DMA_LAYOUT_DOCUMENTED,
    VFU_DMA_LAYOUT_COMPACT, /* see VFU_DMA_COMPACT_DATA_OFFSET */
} VfuDmaLayout;

typedef struct VfuUpcalls {
    GMutex lock;
    GList *list; /* VfuUpcall, waiting for a reply */
    unsigned n;
    uint16_t next_id;
    bool open; /* new ones may begin */
    VfuDmaLayout layout;
} VfuUpcalls;

typedef struct VfuOutput {
    uint8_t *data;
    size_t len;
    size_t sent;
    int fd; /* the server's own, or -1; goes with the first byte */
} VfuOutput;

/* What VFIO calls the error and the request interrupt. */
typedef enum VfuEvent {
    VFU_EVENT_ERROR,
    VFU_EVENT_REQUEST,
    VFU_EVENT_N,
} VfuEvent;

/* Kinds of peer errors, each reported once per connection. */
typedef enum VfuPeerError {
    VFU_PEER_HEADER,
    VFU_PEER_SIZE,
    VFU_PEER_FDS,
    VFU_PEER_VERSION,
    VFU_PEER_COMMAND,
    VFU_PEER_REPLY,
    VFU_PEER_ARGUMENT,
    VFU_PEER_ACCESS,
    VFU_PEER_OUTPUT,
    VFU_PEER_N,
} VfuPeerError;

struct VfuServer {
    /* Constant after vfu_server_new() */
    char *name;
    VfuDescription desc;
    const VfuOps *ops;
    void *opaque;
    VfuBarState bars[VFU_NUM_BARS];
    int wake_fd; /* eventfd: leave poll() */

    /* Listening */
    char *path;
    int listen_fd;
    GThread *thread;
    atomic_bool stopping;

    /* The device */
    VfuConfig config;
    VfuIrqs irqs;   /* MSI-X */
    VfuIrqs events; /* VfuEvent, of the client and not of the guest */
    VfuDmaSpace dma;
    bool mastering; /* what ops->bus_master was told last */

    /* The connection; `transport` is NULL between two */
    VfuTransport *transport;
    _Atomic(GThread *) protocol_thread; /* who runs the handlers, or NULL */
    atomic_bool negotiated;
    bool broken; /* close as soon as possible */
    uint32_t peer_max_xfer;
    unsigned reported; /* bit per VfuPeerError */
    GQueue backlog;    /* VfuMessage: commands that came during a wait */
    gint64 drain_start_us;
    struct {
        VfuHeader header;
        size_t got; /* bytes of header and payload so far */
        VfuMessage *message;
        int fds[VFU_TRANSPORT_MAX_FDS];
        size_t n_fds;
        bool too_many_fds;
    } rx;

    GMutex tx_lock;
    GQueue tx_queue; /* VfuOutput */
    size_t tx_bytes;
    bool tx_broken;

    VfuUpcalls upcalls;

    struct {
        atomic_uint_fast64_t connections;
        atomic_uint_fast64_t messages;
        atomic_uint_fast64_t error_replies;
        atomic_uint_fast64_t bad_messages;
        atomic_uint_fast64_t bad_accesses;
        atomic_uint_fast64_t dma_faults;
        atomic_uint_fast64_t dma_messages;
        atomic_uint_fast64_t irqs_sent;
        atomic_uint_fast64_t irqs_pended;
        atomic_uint_fast64_t irqs_dropped;
        atomic_uint_fast64_t resets;
    } stats;
};

static inline void vfu_count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* vfu-server.c */

/*
 * Serves one connection on the calling thread until it ends, then frees the
 * transport. The protocol thread's body; tests and fuzzing call it directly.
 */
void vfu_server_serve(VfuServer *server, VfuTransport *transport);
void vfu_server_wake(VfuServer *server);
void vfu_server_peer_error(VfuServer *server, VfuPeerError kind, int error);

/* The wait of VfuDmaSpace: replies go on being read, commands are kept. */
void vfu_server_drain_wait(void *opaque);

/* Takes all guest memory out of reach, tells the device, and lets it go. */
void vfu_server_unmap_all(VfuServer *server);

/* vfu-connection.c */

typedef enum VfuReceive {
    VFU_RECEIVE_MESSAGE,
    VFU_RECEIVE_AGAIN,
    VFU_RECEIVE_END,
} VfuReceive;

VfuReceive vfu_connection_receive(VfuServer *server, VfuMessage **message);
void vfu_connection_reset_rx(VfuServer *server);

/*
 * Sends or queues a message; `fd` (or -1) is the server's own and stays open.
 * Any thread. Returns -ENOTCONN, or -ENOBUFS for a client that does not read.
 */
int vfu_connection_send(VfuServer *server, const VfuHeader *header,
                        const void *payload, size_t payload_len,
                        const void *data, size_t data_len, int fd);
void vfu_connection_flush(VfuServer *server);
bool vfu_connection_has_output(VfuServer *server, size_t *bytes);
void vfu_connection_close_output(VfuServer *server);

/* vfu-commands.c */
void vfu_handle_command(VfuServer *server, VfuMessage *message);

/* vfu-region.c */

int vfu_bars_init(VfuServer *server, GError **error);
void vfu_bars_clear(VfuServer *server);
uint64_t vfu_region_size(VfuServer *server, uint32_t region);
int vfu_region_read(VfuServer *server, uint32_t region, uint64_t offset,
                    void *buf, uint32_t count);
int vfu_region_write(VfuServer *server, uint32_t region, uint64_t offset,
                     const void *buf, uint32_t count);
void vfu_function_reset(VfuServer *server, VfuReset kind);

/* vfu-upcall.c */

typedef struct VfuUpcall VfuUpcall;

void vfu_upcalls_init(VfuUpcalls *upcalls);
void vfu_upcalls_clear(VfuUpcalls *upcalls);
/* Allows upcalls, or forbids them and cancels the outstanding ones. */
void vfu_upcalls_set_open(VfuServer *server, bool open);
void vfu_upcalls_cancel(VfuServer *server, uint64_t iova, uint64_t size);
void vfu_upcalls_reply(VfuServer *server, const VfuMessage *message);

/*
 * begin() registers, so that cancellation reaches it from then on; run()
 * sends, sleeps for the reply and frees. `len` is at most what the peer
 * takes in one message.
 */
VfuUpcall *vfu_upcall_begin(VfuServer *server, VfuCommand command,
                            uint64_t iova, void *buf, size_t len);
int vfu_upcall_run(VfuServer *server, VfuUpcall *upcall);

#endif /* VFU_INTERNAL_H */
